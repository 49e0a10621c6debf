//! Whatever nodes say, the machine stays sound, and nothing remains of those that are gone.

use proptest::collection::vec;
use proptest::prelude::*;

use super::super::testing::*;
use super::super::{Effect, Nodes, Refusal, Task, Wait};
use super::*;

/// Something that happens to the machine.
#[derive(Clone, Debug)]
enum Event {
    Up(u64, bool),
    Down(u64),
    Heard(u64, Frame),
    Asks(u64, u64, Task),
    Ended(u64),
    Tick(u64),
}

/// Nodes 1 to 3, and now and then the one under test, which nobody else can be.
fn any_node() -> impl Strategy<Value = u64> {
    prop_oneof![10 => 1..4_u64, 1 => Just(ME.get())]
}

fn any_frame() -> impl Strategy<Value = Frame> {
    let ticket = || 0..6_u64;
    let ask = (ticket(), 0..3_u64, 0..6_u64, any::<bool>()).prop_map(
        |(ticket, requester, stamp, waits)| {
            let id = id(&requester.to_string());
            Frame::Ask { ticket, id, serial: ticket, stamp, waits }
        },
    );
    prop_oneof![
        4 => ask,
        2 => ticket().prop_map(|ticket| Frame::Grant { ticket, stamp: ticket }),
        1 => ticket().prop_map(|ticket| {
            Frame::Refuse { ticket, stamp: 0, refusal: Refusal::Limit }
        }),
        2 => ticket().prop_map(|ticket| Frame::Wound { ticket }),
        2 => ticket().prop_map(|ticket| Frame::Yield { ticket }),
        2 => ticket().prop_map(|ticket| Frame::Hold { ticket }),
        2 => (ticket(), ticket())
            .prop_map(|(ticket, confirm)| Frame::Release { ticket, confirm }),
        1 => ticket().prop_map(|confirm| Frame::Released { confirm }),
    ]
}

fn any_task() -> impl Strategy<Value = Task> {
    let nodes = prop_oneof![
        Just(Nodes::All),
        vec(any_node(), 0..3)
            .prop_map(|ids| Nodes::These(ids.into_iter().map(NodeId::from_wire).collect())),
    ];
    let wait = prop_oneof![Just(Wait::No), Just(Wait::Ever), (0..20_u64).prop_map(Wait::Until)];
    let set = (nodes.clone(), wait).prop_map(|(nodes, wait)| Task::Set { nodes, wait });
    prop_oneof![3 => set, 1 => nodes.prop_map(|nodes| Task::Delete { nodes })]
}

fn any_event() -> impl Strategy<Value = Event> {
    prop_oneof![
        2 => (any_node(), prop::bool::weighted(0.1)).prop_map(|(node, hidden)| {
            Event::Up(node, hidden)
        }),
        1 => any_node().prop_map(Event::Down),
        12 => (any_node(), any_frame()).prop_map(|(node, frame)| Event::Heard(node, frame)),
        4 => (0..3_u64, 0..3_u64, any_task())
            .prop_map(|(serial, requester, task)| Event::Asks(serial, requester, task)),
        1 => (0..3_u64).prop_map(Event::Ended),
        1 => (0..20_u64).prop_map(Event::Tick),
    ]
}

proptest! {
    #[test]
    fn whatever_happens_requests_are_answered_once_and_nothing_remains(
        events in vec(any_event(), 0..60)
    ) {
        let mut locks = Locks::new(ME);
        let (mut asked, mut effects) = (0, Effects::new());
        let mut happens = |event: Event| {
            let mut after = Effects::new();
            match event {
                Event::Up(node, hidden) => {
                    locks.node_up(0, NodeId::from_wire(node), hidden, &mut after);
                }
                Event::Down(node) => locks.node_down(0, NodeId::from_wire(node), &mut after),
                Event::Heard(node, frame) => {
                    locks.received(0, NodeId::from_wire(node), frame, &mut after);
                }
                Event::Asks(serial, requester, task) => {
                    asked += 1;
                    let id = id(&requester.to_string());
                    locks.request(0, asked, pid(ME, serial), id, task, &mut after);
                }
                Event::Ended(serial) => locks.ended(0, pid(ME, serial), &mut after),
                Event::Tick(now) => locks.tick(now, &mut after),
            }
            let to_me = after.iter().find(|one| matches!(one, Effect::Send { to: ME, .. }));
            assert_eq!(to_me, None);
            assert_eq!(locks.inconsistency(), None);
            effects.extend(after);
        };
        for event in events {
            happens(event);
        }
        for node in 1..4 {
            happens(Event::Down(node));
        }
        for serial in 0..3 {
            happens(Event::Ended(serial));
        }
        assert!(locks.is_blank(), "{locks:?}");
        let answers = effects.iter().filter_map(|effect| match effect {
            Effect::Answer { request, .. } => Some(*request),
            _ => None,
        });
        let mut answers: Vec<u64> = answers.collect();
        answers.sort_unstable();
        prop_assert_eq!(answers, (1..=asked).collect::<Vec<_>>());
    }
}
