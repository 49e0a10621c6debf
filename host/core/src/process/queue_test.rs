//! The queue against the plainest model of it, and its bounds on memory.

use proptest::prelude::*;

use super::super::testing::*;
use super::*;
use crate::reason::Reason;
use crate::signal::Monitored;

/// Events that carry their number as their body, for some of eight references.
fn event(number: u64, kind: u64) -> Event {
    let body = Bytes::copy_from_slice(&number.to_be_bytes());
    match kind {
        0..8 => Event::Message { sender: A, via: Some(reference(kind)), body },
        8..12 => down(reference(kind - 8), body),
        _ => Event::Message { sender: A, via: None, body },
    }
}

fn down(monitor: Reference, body: Bytes) -> Event {
    Event::Down { monitor, object: Monitored::Pid(A), reason: Reason::Normal, tag: Some(body) }
}

/// What one may do with a queue.
#[derive(Clone, Debug)]
enum Step {
    Push(u64),
    Take(Filter),
    TakeDown(Reference),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        6 => (0..16_u64).prop_map(Step::Push),
        2 => Just(Step::Take(Filter::Any)),
        3 => (0..8_u64).prop_map(|n| Step::Take(Filter::Reference(reference(n)))),
        1 => (0..8_u64).prop_map(|n| Step::TakeDown(reference(n))),
    ];
    prop::collection::vec(step, 0..400)
}

/// The model: a list that is searched from the front.
fn take_first(model: &mut Vec<Event>, fits: impl Fn(&Event) -> bool) -> Option<Event> {
    let at = model.iter().position(fits)?;
    Some(model.remove(at))
}

proptest! {
    #[test]
    fn the_queue_gives_what_a_list_searched_from_the_front_gives(steps in steps()) {
        let mut queue = Queue::default();
        let mut model: Vec<Event> = Vec::new();
        for (number, step) in steps.into_iter().enumerate() {
            match step {
                Step::Push(kind) => {
                    let event = event(number as u64, kind);
                    model.push(event.clone());
                    queue.push(event);
                }
                Step::Take(Filter::Any) => {
                    prop_assert_eq!(queue.take(Filter::Any), take_first(&mut model, |_| true));
                }
                Step::Take(filter @ Filter::Reference(wanted)) => {
                    let of_it = |event: &Event| event.reference() == Some(wanted);
                    prop_assert_eq!(queue.has(filter), model.iter().any(of_it));
                    prop_assert!(queue.end() - queue.indexed <= UNINDEXED_MAX);
                    prop_assert_eq!(queue.take(filter), take_first(&mut model, of_it));
                }
                Step::TakeDown(wanted) => {
                    let expected = take_first(&mut model, |event| {
                        matches!(event, Event::Down { monitor, .. } if *monitor == wanted)
                    });
                    prop_assert_eq!(queue.take_down(wanted), expected);
                }
            }
            prop_assert_eq!(queue.len(), model.len());
            prop_assert_eq!(queue.has(Filter::Any), !model.is_empty());
            prop_assert!(queue.slots.len() <= 2 * model.len() + HOLES_MIN);
            prop_assert!(queue.index.len() <= model.len());
        }
        let rest: Vec<Event> = std::iter::from_fn(|| queue.take(Filter::Any)).collect();
        prop_assert_eq!(rest, model);
        prop_assert!(queue.index.is_empty());
    }
}

#[test]
fn a_short_queue_is_never_indexed() {
    let mut queue = Queue::default();
    for number in 0..1_000 {
        queue.push(event(number, 3));
        assert_eq!(queue.take(Filter::Reference(reference(4))), None);
        assert_eq!(queue.take(Filter::Reference(reference(3))), Some(event(number, 3)));
        assert!(queue.index.is_empty());
    }
}

#[test]
fn a_queue_that_is_taken_from_the_front_is_never_indexed() {
    let mut queue = Queue::default();
    for number in 0..1_000 {
        queue.push(event(number, number % 16));
    }
    for number in 0..1_000 {
        assert!(queue.has(Filter::Any) && queue.index.is_empty());
        assert_eq!(queue.take(Filter::Any), Some(event(number, number % 16)));
    }
    assert_eq!(queue.take(Filter::Any), None);
}

#[test]
fn a_reply_behind_many_messages_is_found_without_taking_any() {
    let mut queue = Queue::default();
    for number in 0..100_000 {
        queue.push(event(number, 99));
    }
    for number in 0..1_000 {
        queue.push(event(number, 1));
        assert_eq!(queue.take(Filter::Reference(reference(1))), Some(event(number, 1)));
    }
    assert_eq!(queue.len(), 100_000);
    assert_eq!(queue.take(Filter::Any), Some(event(0, 99)));
}

#[test]
fn the_holes_of_taken_replies_do_not_pile_up_behind_an_old_message() {
    let mut queue = Queue::default();
    queue.push(event(0, 99));
    for number in 1..100_000 {
        queue.push(event(number, number % 8));
        let wanted = Filter::Reference(reference(number % 8));
        assert_eq!(queue.take(wanted), Some(event(number, number % 8)));
        assert!(queue.slots.len() <= HOLES_MIN + 2);
    }
    assert!(queue.slots.capacity() <= 128, "{} slots", queue.slots.capacity());
    assert_eq!(queue.take(Filter::Any), Some(event(0, 99)));
}

#[test]
fn a_queue_that_was_long_gives_its_memory_back() {
    let mut queue = Queue::default();
    for number in 0..100_000 {
        queue.push(event(number, number % 16));
    }
    while queue.take(Filter::Any).is_some() {}
    assert!(queue.slots.capacity() <= 2 * SLOTS_KEPT_MAX, "{}", queue.slots.capacity());
    assert!(queue.index.is_empty());
}

#[test]
fn a_slot_is_no_larger_than_a_message() {
    assert!(size_of::<Slot>() <= 80, "{} bytes", size_of::<Slot>());
}
