//! What this node's actors ask for, from the request to the answer.

use super::super::Task;
use super::super::testing::*;
use super::*;

/// The first request of a machine, at A and B, granted by both.
fn holds_at_both(locks: &mut Locks, holder: Pid) {
    let here = send(A, ask_of(1, holder, "r", 1));
    let there = send(B, ask_of(1, holder, "r", 1));
    let effects = asks(locks, 1, holder, id("r"), set(Wait::Ever));
    assert_eq!(effects, [Effect::Watch(holder), here, there]);
    assert_eq!(hears(locks, A, Frame::Grant { ticket: 1, stamp: 1 }), []);
    let effects = hears(locks, B, Frame::Grant { ticket: 1, stamp: 1 });
    let hold = |to| send(to, Frame::Hold { ticket: 1 });
    assert_eq!(effects, [hold(A), hold(B), yes(1)]);
}

fn ask_of(ticket: u64, pid: Pid, requester: &str, stamp: u64) -> Frame {
    Frame::Ask { ticket, id: id(requester), serial: pid.serial, stamp, waits: true }
}

#[test]
fn a_lock_is_held_when_all_nodes_have_granted_it() {
    let mut locks = locks(&[A, B]);
    holds_at_both(&mut locks, pid(ME, 7));
    let nodes: Vec<NodeId> = locks.nodes_of(pid(ME, 7), &id("r")).collect();
    assert_eq!(nodes, [ME, A, B]);
    assert_eq!(locks.due(), None);
}

#[test]
fn it_is_given_up_when_all_nodes_know() {
    let mut locks = locks(&[A, B]);
    let holder = pid(ME, 7);
    holds_at_both(&mut locks, holder);
    let effects = asks(&mut locks, 2, holder, id("r"), delete());
    let release = |to| send(to, Frame::Release { ticket: 1, confirm: 2 });
    assert_eq!(effects, [release(A), release(B), Effect::Unwatch(holder)]);
    assert_eq!(hears(&mut locks, A, Frame::Released { confirm: 2 }), []);
    assert_eq!(hears(&mut locks, A, Frame::Released { confirm: 2 }), []);
    let effects = does(&mut locks, |locks, e| locks.node_down(0, B, e));
    assert_eq!(effects, [yes(2)]);
    assert!(locks.is_blank());
}

#[test]
fn it_can_be_given_up_at_some_nodes() {
    let mut locks = locks(&[A, B]);
    let holder = pid(ME, 7);
    holds_at_both(&mut locks, holder);
    let at_a = Task::Delete { nodes: Nodes::These(vec![A, NodeId::from_wire(99)]) };
    let effects = asks(&mut locks, 2, holder, id("r"), at_a.clone());
    assert_eq!(effects, [send(A, Frame::Release { ticket: 1, confirm: 2 })]);
    assert_eq!(hears(&mut locks, A, Frame::Released { confirm: 2 }), [yes(2)]);
    let nodes: Vec<NodeId> = locks.nodes_of(holder, &id("r")).collect();
    assert_eq!(nodes, [ME, B]);
    assert_eq!(asks(&mut locks, 3, holder, id("r"), at_a), [yes(3)]);
}

#[test]
fn what_is_not_held_is_given_up_at_once_and_nothing_else_is() {
    let mut locks = locks(&[]);
    let holder = pid(ME, 7);
    asks(&mut locks, 1, holder, id("r"), set(Wait::Ever));
    assert_eq!(asks(&mut locks, 2, holder, id("other"), delete()), [yes(2)]);
    assert_eq!(asks(&mut locks, 3, pid(ME, 8), id("r"), delete()), [yes(3)]);
    assert_eq!(locks.nodes_of(holder, &id("r")).count(), 1);
}

#[test]
fn an_actor_that_holds_it_asks_only_where_it_does_not() {
    let mut locks = locks(&[A]);
    let holder = pid(ME, 7);
    asks(&mut locks, 1, holder, id("r"), set_at(&[ME]));
    assert_eq!(asks(&mut locks, 2, holder, id("r"), set_at(&[ME, ME])), [yes(2)]);
    let effects = asks(&mut locks, 3, holder, id("r"), set(Wait::Ever));
    assert_eq!(effects, [send(A, ask_of(2, holder, "r", 2))]);
    let effects = hears(&mut locks, A, Frame::Grant { ticket: 2, stamp: 2 });
    assert_eq!(effects, [send(A, Frame::Hold { ticket: 2 }), yes(3)]);
    // One end releases both.
    let effects = does(&mut locks, |locks, e| locks.ended(0, holder, e));
    assert_eq!(effects, [send(A, release(2))]);
    assert!(locks.is_blank());
}

#[test]
fn of_two_requests_of_one_actor_for_one_lock_one_grant_is_kept() {
    let mut locks = locks(&[A]);
    let holder = pid(ME, 7);
    asks(&mut locks, 1, holder, id("r"), set(Wait::Ever));
    asks(&mut locks, 2, holder, id("r"), set(Wait::Ever));
    hears(&mut locks, A, Frame::Grant { ticket: 1, stamp: 2 });
    let effects = hears(&mut locks, A, Frame::Grant { ticket: 2, stamp: 2 });
    assert_eq!(effects, [send(A, release(2)), yes(2)]);
    let effects = asks(&mut locks, 3, holder, id("r"), delete());
    let confirm = 3;
    let gone = send(A, Frame::Release { ticket: 1, confirm });
    assert_eq!(effects, [gone, Effect::Unwatch(holder)]);
    assert_eq!(hears(&mut locks, A, Frame::Released { confirm }), [yes(3)]);
    assert!(locks.is_blank());
}

#[test]
fn several_actors_of_one_requester_hold_it_until_the_last_lets_go() {
    let mut locks = locks(&[]);
    let [one, two, other] = [1, 2, 3].map(|serial| pid(ME, serial));
    asks(&mut locks, 1, one, id("r"), set(Wait::No));
    let effects = asks(&mut locks, 2, two, id("r"), set(Wait::No));
    assert_eq!(effects, [Effect::Watch(two), yes(2)]);
    asks(&mut locks, 3, other, id("other"), set(Wait::Ever));
    assert_eq!(asks(&mut locks, 4, one, id("r"), delete()), [Effect::Unwatch(one), yes(4)]);
    assert_eq!(does(&mut locks, |locks, e| locks.ended(0, two, e)), [yes(3)]);
}

#[test]
fn no_nodes_at_all_are_locked_at_once() {
    let mut locks = locks(&[A]);
    assert_eq!(asks(&mut locks, 1, pid(ME, 1), id("r"), set_at(&[])), [yes(1)]);
    assert!(locks.is_blank());
}

#[test]
fn a_node_that_is_not_connected_is_no_lock_anywhere() {
    let mut locks = locks(&[A]);
    let effects = asks(&mut locks, 1, pid(ME, 1), id("r"), set_at(&[ME, A, B]));
    assert_eq!(effects, [no(1, Reason::NoConnection)]);
    assert!(locks.is_blank());
}

#[test]
fn one_refusal_takes_the_request_back_from_all() {
    let mut locks = locks(&[A, B]);
    let asker = pid(ME, 7);
    asks(&mut locks, 1, asker, id("r"), set(Wait::No));
    hears(&mut locks, A, Frame::Grant { ticket: 1, stamp: 1 });
    let refusal = Refusal::Held(pid(A, 3));
    let effects = hears(&mut locks, B, Frame::Refuse { ticket: 1, stamp: 1, refusal });
    let held = no(1, Reason::Held(pid(A, 3)));
    assert_eq!(effects, [send(A, release(1)), held, Effect::Unwatch(asker)]);
    assert!(locks.is_blank());
}

#[test]
fn what_is_granted_here_and_not_there_is_given_back_to_an_earlier_one() {
    let mut locks = locks(&[A, B]);
    let asker = pid(ME, 7);
    hears(&mut locks, B, Frame::Grant { ticket: 99, stamp: 4 });
    asks(&mut locks, 1, asker, id("r"), set(Wait::Ever));
    hears(&mut locks, A, Frame::Grant { ticket: 1, stamp: 5 });
    // The earlier one is granted here, and by A.
    let effects = hears(&mut locks, B, ask(9, "earlier", 1));
    assert_eq!(effects, [send(B, Frame::Grant { ticket: 9, stamp: 5 })]);
    let effects = hears(&mut locks, A, Frame::Wound { ticket: 1 });
    assert_eq!(effects, [send(A, Frame::Yield { ticket: 1 })]);
    // Once is enough, and B has granted nothing that it could want back.
    assert_eq!(hears(&mut locks, A, Frame::Wound { ticket: 1 }), []);
    assert_eq!(hears(&mut locks, B, Frame::Wound { ticket: 1 }), []);
    // All grant it again when the other is done.
    assert_eq!(hears(&mut locks, B, Frame::Hold { ticket: 9 }), []);
    assert_eq!(hears(&mut locks, B, release(9)), []);
    assert_eq!(hears(&mut locks, A, Frame::Grant { ticket: 1, stamp: 5 }), []);
    let hold = |to| send(to, Frame::Hold { ticket: 1 });
    let effects = hears(&mut locks, B, Frame::Grant { ticket: 1, stamp: 5 });
    assert_eq!(effects, [hold(A), hold(B), yes(1)]);
    // What is held is not given back.
    assert_eq!(hears(&mut locks, A, Frame::Wound { ticket: 1 }), []);
    assert_eq!(locks.nodes_of(asker, &id("r")).count(), 3);
}

#[test]
fn grants_and_refusals_count_only_from_nodes_that_were_asked_and_once() {
    let mut locks = locks(&[A, B]);
    asks(&mut locks, 1, pid(ME, 7), id("r"), set_at(&[A]));
    assert_eq!(hears(&mut locks, B, Frame::Grant { ticket: 1, stamp: 1 }), []);
    let refusal = Refusal::Limit;
    assert_eq!(hears(&mut locks, B, Frame::Refuse { ticket: 1, stamp: 1, refusal }), []);
    let effects = hears(&mut locks, A, Frame::Grant { ticket: 1, stamp: 1 });
    assert_eq!(effects, [send(A, Frame::Hold { ticket: 1 }), yes(1)]);
    assert_eq!(hears(&mut locks, A, Frame::Grant { ticket: 1, stamp: 1 }), []);
    assert_eq!(hears(&mut locks, A, Frame::Refuse { ticket: 1, stamp: 1, refusal }), []);
}

#[test]
fn the_logical_clock_is_never_behind_what_was_heard() {
    let mut locks = locks(&[A]);
    hears(&mut locks, A, ask(5, "a", 40));
    let effects = asks(&mut locks, 1, pid(ME, 7), id("r"), set_at(&[A]));
    assert_eq!(effects.last(), Some(&send(A, ask_of(1, pid(ME, 7), "r", 41))));
    hears(&mut locks, A, Frame::Grant { ticket: 99, stamp: u64::MAX });
    let effects = asks(&mut locks, 2, pid(ME, 8), id("r"), set_at(&[A]));
    assert_eq!(effects.last(), Some(&send(A, ask_of(2, pid(ME, 8), "r", u64::MAX))));
}

#[test]
fn an_actor_can_have_so_many_locks_and_no_more() {
    let mut locks = Locks::new(ME);
    let mut effects = Effects::new();
    let actor = pid(ME, 1);
    for number in 0..LOCKS_PER_ACTOR_MAX as u64 {
        let id = lock(&number.to_string(), "r");
        locks.request(0, number, actor, id, set(Wait::Ever), &mut effects);
    }
    assert_eq!(effects.iter().filter(|effect| matches!(effect, Effect::Watch(_))).count(), 1);
    let mut next = |pid, name: &str| asks(&mut locks, 9, pid, lock(name, "r"), set(Wait::Ever));
    assert_eq!(next(actor, "more"), [no(9, Reason::Limit)]);
    // What it holds already costs nothing, and another actor has its own limit.
    assert_eq!(next(actor, "7"), [yes(9)]);
    assert_eq!(next(pid(ME, 2), "more"), [Effect::Watch(pid(ME, 2)), yes(9)]);
}

#[test]
fn a_node_can_have_so_many_locks_and_no_more() {
    let mut locks = Locks::new(ME);
    let mut effects = Effects::new();
    for number in 0..LOCKS_PER_NODE_MAX as u64 {
        let (pid, id) = (pid(ME, number / 1_000), lock(&number.to_string(), "r"));
        locks.request(0, number, pid, id, set(Wait::Ever), &mut effects);
    }
    effects.clear();
    let more = lock("more", "r");
    locks.request(0, 9, pid(ME, 999_999), more, set(Wait::Ever), &mut effects);
    assert_eq!(effects, [no(9, Reason::Limit)]);
}
