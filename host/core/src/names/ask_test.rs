//! Requests about actors of other nodes, and giving names up.

use super::super::testing::*;
use super::*;

fn ask(request: u64, task: Task, wait_ms: u64) -> Frame {
    Frame::Ask { request, key: key(), task, wait_ms }
}

#[test]
fn the_actors_node_registers_it_and_answers() {
    let mut names = names(&[A]);
    let theirs = pid(A, 1);
    let effects = asks(&mut names, 1, register(theirs));
    assert_eq!(effects, [send(A, ask(1, register(theirs), 1_000))]);
    let frame = Frame::Answer { request: 1, outcome: Outcome::Yes };
    assert_eq!(hears(&mut names, A, frame.clone()), [answer(1, Outcome::Yes)]);
    assert_eq!(hears(&mut names, A, frame), []);
}

#[test]
fn only_the_node_that_was_asked_answers() {
    let mut names = names(&[A, B]);
    asks(&mut names, 1, register(pid(A, 1)));
    let frame = Frame::Answer { request: 1, outcome: Outcome::Yes };
    assert_eq!(hears(&mut names, B, frame), []);
}

#[test]
fn what_another_node_asks_is_carried_out_and_answered() {
    let mut names = names(&[A]);
    let own = pid(ME, 1);
    let begun = hears(&mut names, A, ask(5, register(own), 100));
    let Some(Effect::Send { frame: Frame::Propose { ticket, claim, .. }, .. }) = begun.last()
    else {
        panic!("a proposal");
    };
    let effects = hears(&mut names, A, Frame::Ack { ticket: *ticket });
    let yes = Frame::Answer { request: 5, outcome: Outcome::Yes };
    assert_eq!(effects, [send(A, set(*claim)), send(A, yes)]);
}

#[test]
fn an_actor_of_a_third_node_is_nobody() {
    let mut names = names(&[A]);
    let effects = hears(&mut names, A, ask(5, register(pid(B, 1)), 100));
    let outcome = Outcome::No(Reason::NoProc);
    assert_eq!(effects, [send(A, Frame::Answer { request: 5, outcome })]);
}

#[test]
fn a_node_that_is_not_connected_or_is_lost_is_no() {
    let mut names = names(&[A]);
    let nowhere = asks(&mut names, 1, register(pid(B, 1)));
    assert_eq!(nowhere, [no(1, Reason::NoConnection)]);
    asks(&mut names, 2, register(pid(A, 1)));
    let effects = does(&mut names, |names, e| names.node_down(0, A, e));
    assert_eq!(effects, [no(2, Reason::NoConnection)]);
    assert!(names.is_blank());
}

/// Who proposed it may have it by now, though that was not heard yet: only its node knows.
#[test]
fn a_name_that_shows_is_given_up_by_the_node_of_whom_it_shows() {
    let mut names = names(&[A, B]);
    let first = claim(pid(A, 1));
    hears(&mut names, A, propose(1, first));
    let effects = asks(&mut names, 1, Task::Unregister);
    assert_eq!(effects, [send(A, ask(1, Task::Unregister, 1_000))]);
    hears(&mut names, A, set(first));
    hears(&mut names, B, propose(2, claim_over(first, pid(B, 2))));
    let effects = asks(&mut names, 2, Task::Unregister);
    assert_eq!(effects, [send(B, ask(2, Task::Unregister, 1_000))]);
}

#[test]
fn the_answer_is_not_waited_for_longer_than_asked() {
    let mut names = names(&[A]);
    asks(&mut names, 1, register(pid(A, 1)));
    let effects = does(&mut names, |names, e| names.tick(1_000, e));
    assert_eq!(effects, [no(1, Reason::Timeout)]);
    assert!(names.is_blank());
}

#[test]
fn a_name_is_given_up_when_all_know() {
    let mut names = names(&[]);
    let owner = owns(&mut names, 1).pid;
    for node in [A, B] {
        does(&mut names, |names, e| names.node_up(0, node, false, e));
    }
    let effects = asks(&mut names, 1, Task::Unregister);
    let Some(Effect::Send { frame: Frame::Unset { ticket, .. }, .. }) = effects.first() else {
        panic!("the others are told: {effects:?}");
    };
    let ticket = *ticket;
    let told = |to| send(to, Frame::Unset { key: key(), ticket });
    assert_eq!(effects, [told(A), told(B), Effect::Unwatch(owner), show(None)]);
    assert_eq!(hears(&mut names, A, Frame::Ack { ticket }), []);
    let effects = does(&mut names, |names, e| names.node_down(0, B, e));
    assert_eq!(effects, [answer(1, Outcome::Yes)]);
    assert!(names.is_blank());
}

#[test]
fn a_name_of_another_node_is_given_up_there() {
    let mut names = names(&[A]);
    hears(&mut names, A, set(super::super::testing::claim(pid(A, 1))));
    let effects = asks(&mut names, 1, Task::Unregister);
    assert_eq!(effects, [send(A, ask(1, Task::Unregister, 1_000))]);
    let gone = Frame::Unset { key: key(), ticket: 4 };
    let effects = hears(&mut names, A, gone);
    assert_eq!(effects, [show(None), send(A, Frame::Ack { ticket: 4 })]);
    // If that node is lost the name is gone as well.
    let effects = does(&mut names, |names, e| names.node_down(0, A, e));
    assert_eq!(effects, [answer(1, Outcome::Yes)]);
}

#[test]
fn a_name_that_nobody_has_is_given_up_at_once() {
    let mut names = names(&[A]);
    assert_eq!(asks(&mut names, 1, Task::Unregister), [answer(1, Outcome::Yes)]);
    let effects = hears(&mut names, A, ask(2, Task::Unregister, 100));
    assert_eq!(effects, [send(A, Frame::Answer { request: 2, outcome: Outcome::Yes })]);
}
