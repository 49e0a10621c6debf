//! What nodes ask of this one, and the rules that they may break.

use super::super::testing::*;
use super::*;
use crate::id::Pid;

#[test]
fn a_request_is_granted_held_released_and_confirmed() {
    let mut locks = locks(&[A]);
    let grant = Frame::Grant { ticket: 5, stamp: 7 };
    assert_eq!(hears(&mut locks, A, ask(5, "a", 7)), [send(A, grant)]);
    let waiting = Listed { id: id("a"), holders: vec![], waiting: 1 };
    assert_eq!(locks.locks(None).collect::<Vec<_>>(), [waiting]);
    assert_eq!(hears(&mut locks, A, Frame::Hold { ticket: 5 }), []);
    let held = Listed { id: id("a"), holders: vec![pid(A, 5)], waiting: 0 };
    assert_eq!(locks.locks(None).collect::<Vec<_>>(), [held]);
    assert_eq!(locks.locks(Some(&id("a").resource)).count(), 0);
    let effects = hears(&mut locks, A, Frame::Release { ticket: 5, confirm: 9 });
    assert_eq!(effects, [send(A, Frame::Released { confirm: 9 })]);
    assert!(locks.is_blank());
    // Who was lost meanwhile may not know that.
    let effects = hears(&mut locks, A, Frame::Release { ticket: 5, confirm: 9 });
    assert_eq!(effects, [send(A, Frame::Released { confirm: 9 })]);
}

#[test]
fn a_request_that_gives_way_waits_for_its_turn_again() {
    let mut locks = locks(&[A, B]);
    let grant = |ticket, stamp| Frame::Grant { ticket, stamp };
    hears(&mut locks, A, ask(5, "a", 7));
    let effects = hears(&mut locks, B, ask(5, "b", 6));
    assert_eq!(effects, [send(A, Frame::Wound { ticket: 5 })]);
    assert_eq!(hears(&mut locks, A, Frame::Yield { ticket: 5 }), [send(B, grant(5, 7))]);
    assert_eq!(hears(&mut locks, B, Frame::Hold { ticket: 5 }), []);
    assert_eq!(hears(&mut locks, B, release(5)), [send(A, grant(5, 7))]);
}

#[test]
fn one_that_is_not_to_wait_is_refused_with_the_holder() {
    let mut locks = locks(&[A, B]);
    hears(&mut locks, A, ask(5, "a", 7));
    let refusal = Refusal::Held(Pid { node: A, serial: 5 });
    let refuse = Frame::Refuse { ticket: 6, stamp: 9, refusal };
    assert_eq!(hears(&mut locks, B, try_ask(6, "b", 9)), [send(B, refuse)]);
    // It is forgotten: its number may be used again, and nothing is left of it.
    assert_eq!(hears(&mut locks, A, release(5)), []);
    assert!(locks.is_blank());
}

#[test]
fn a_node_speaks_only_for_its_own_requests() {
    let mut locks = locks(&[A, B]);
    hears(&mut locks, A, ask(5, "a", 7));
    hears(&mut locks, B, ask(6, "b", 8));
    for ticket in [5, 6] {
        assert_eq!(hears(&mut locks, B, Frame::Hold { ticket }), []);
        assert_eq!(hears(&mut locks, B, Frame::Yield { ticket }), []);
    }
    assert_eq!(hears(&mut locks, B, release(5)), []);
    let held = locks.locks(None).next().expect("a lock");
    assert_eq!((held.id, held.holders, held.waiting), (id("a"), vec![], 2));
}

#[test]
fn a_number_that_is_in_use_is_a_violation() {
    let mut locks = locks(&[A, B]);
    hears(&mut locks, A, ask(5, "a", 7));
    let violation = Violation::Ticket;
    let effects = hears(&mut locks, A, ask(5, "b", 9));
    assert_eq!(effects, [Effect::Violation { node: A, violation }]);
    // Another node's numbers are its own.
    assert_eq!(hears(&mut locks, B, ask(5, "b", 9)), []);
}

#[test]
fn a_node_that_has_too_many_locks_breaks_a_rule() {
    let mut locks = Locks::new(ME);
    let mut effects = Effects::new();
    locks.node_up(0, A, false, &mut effects);
    for ticket in 1..=LOCKS_PER_NODE_MAX as u64 {
        locks.received(0, A, ask(ticket, "a", 7), &mut effects);
    }
    assert!(effects.iter().all(|effect| matches!(effect, Effect::Send { .. })));
    effects.clear();
    locks.received(0, A, ask(0, "a", 7), &mut effects);
    assert_eq!(effects, [Effect::Violation { node: A, violation: Violation::Locks }]);
    locks.node_down(0, A, &mut effects);
    assert!(locks.is_blank());
}

#[test]
fn a_node_that_is_full_refuses() {
    let mut locks = Locks::new(ME);
    let mut effects = Effects::new();
    let nodes = LOCKS_AT_NODE_MAX / LOCKS_PER_NODE_MAX;
    for node in 0..nodes as u64 {
        let node = NodeId::from_wire(100 + node);
        locks.node_up(0, node, false, &mut effects);
        for ticket in 1..=LOCKS_PER_NODE_MAX as u64 {
            locks.received(0, node, ask(ticket, "a", 7), &mut effects);
            effects.clear();
        }
    }
    locks.node_up(0, A, false, &mut effects);
    locks.received(0, A, ask(1, "a", 7), &mut effects);
    let refuse = Frame::Refuse { ticket: 1, stamp: 7, refusal: Refusal::Limit };
    assert_eq!(effects, [send(A, refuse)]);
}
