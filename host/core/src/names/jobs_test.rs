//! Registrations: asked, acknowledged, refused, wounded, too late.

use super::super::testing::*;
use super::super::{Resolver, Settings, Task};
use super::*;
use crate::id::{NodeId, Pid};

/// What follows when a registration of this actor begins, and its claim.
fn begins(names: &mut Names, request: u64, pid: Pid, to: &[NodeId]) -> Claim {
    let effects = asks(names, request, register(pid));
    let claim = sent_claim(&effects);
    let ticket = claim.number;
    let asked = to.iter().map(|to| send(*to, propose(ticket, claim)));
    let expected: Effects =
        [Effect::Watch(pid), show(Some(pid))].into_iter().chain(asked).collect();
    assert_eq!(effects, expected);
    claim
}

fn sent_claim(effects: &[Effect]) -> Claim {
    let claim = |effect: &Effect| match effect {
        Effect::Send { frame: Frame::Propose { claim, .. }, .. } => Some(*claim),
        _ => None,
    };
    effects.iter().find_map(claim).expect("a proposal")
}

fn refuse(ticket: u64, claim: &Claim) -> Frame {
    Frame::Refuse { ticket, obstacle: Obstacle::of(claim) }
}

#[test]
fn yes_comes_when_all_have_acknowledged() {
    let mut names = names(&[A, B]);
    let claim = begins(&mut names, 1, pid(ME, 1), &[A, B]);
    let ticket = claim.number;
    assert_eq!(hears(&mut names, A, Frame::Ack { ticket }), []);
    assert_eq!(hears(&mut names, A, Frame::Ack { ticket }), []);
    let effects = hears(&mut names, B, Frame::Ack { ticket });
    let yes = answer(1, Outcome::Yes);
    assert_eq!(effects, [send(A, set(claim)), send(B, set(claim)), yes]);
}

#[test]
fn a_node_that_is_lost_is_not_waited_for() {
    let mut names = names(&[A, B]);
    let claim = begins(&mut names, 1, pid(ME, 1), &[A, B]);
    hears(&mut names, A, Frame::Ack { ticket: claim.number });
    let effects = does(&mut names, |names, e| names.node_down(0, B, e));
    assert_eq!(effects, [send(A, set(claim)), answer(1, Outcome::Yes)]);
}

#[test]
fn a_node_that_appears_is_asked_as_well() {
    let mut names = names(&[A]);
    let claim = begins(&mut names, 1, pid(ME, 1), &[A]);
    let ticket = claim.number;
    let effects = does(&mut names, |names, e| names.node_up(0, B, false, e));
    assert_eq!(effects, [send(B, propose(ticket, claim))]);
    assert_eq!(hears(&mut names, A, Frame::Ack { ticket }), []);
    let effects = hears(&mut names, B, Frame::Ack { ticket });
    assert_eq!(effects.last(), Some(&answer(1, Outcome::Yes)));
}

#[test]
fn a_name_that_has_an_owner_is_refused_without_asking() {
    let mut names = names(&[A]);
    hears(&mut names, A, set(claim(pid(A, 1))));
    let effects = asks(&mut names, 1, register(pid(ME, 1)));
    assert_eq!(effects, [no(1, Reason::Taken(pid(A, 1)))]);
}

#[test]
fn an_owner_that_only_another_node_knows_is_no_as_well() {
    let mut names = names(&[A]);
    let begun = begins(&mut names, 1, pid(ME, 1), &[A]);
    let theirs = claim(pid(B, 7));
    let effects = hears(&mut names, A, refuse(begun.number, &theirs));
    assert_eq!(
        effects,
        [
            send(A, withdraw(begun.number)),
            show(None),
            no(1, Reason::Taken(pid(B, 7))),
            Effect::Unwatch(pid(ME, 1)),
        ]
    );
    assert!(names.is_blank());
}

#[test]
fn a_node_that_still_knows_an_owner_who_is_gone_is_asked_again() {
    let mut names = names(&[A, B]);
    let begun = begins(&mut names, 1, pid(ME, 1), &[A, B]);
    // B's actor is gone, and this node has heard so from B, but A has not.
    let effects = hears(&mut names, A, refuse(begun.number, &claim(pid(B, 7))));
    let ticket = begun.number;
    assert_eq!(effects, [send(A, withdraw(ticket)), send(B, withdraw(ticket)), show(None)]);
    assert_eq!(names.due(), Some(RETRY_MS));
    let effects = does(&mut names, |names, e| names.tick(RETRY_MS, e));
    let again = sent_claim(&effects);
    assert_ne!(again.number, ticket);
    assert_eq!(
        effects,
        [
            show(Some(pid(ME, 1))),
            send(A, propose(again.number, again)),
            send(B, propose(again.number, again)),
        ]
    );
    // A late answer to the first proposal is none to the second.
    assert_eq!(hears(&mut names, A, Frame::Ack { ticket }), []);
    assert_eq!(hears(&mut names, B, Frame::Ack { ticket }), []);
}

#[test]
fn a_node_that_never_hears_of_an_end_is_believed_at_last() {
    let mut names = names(&[A, B]);
    let theirs = claim(pid(B, 7));
    let mut ticket = begins(&mut names, 1, pid(ME, 1), &[A, B]).number;
    for retry in 1..=u64::from(RETRIES_MAX) {
        hears(&mut names, A, refuse(ticket, &theirs));
        let effects = does(&mut names, |names, e| names.tick(retry * RETRY_MS, e));
        ticket = sent_claim(&effects).number;
    }
    let effects = hears(&mut names, A, refuse(ticket, &theirs));
    assert!(effects.contains(&no(1, Reason::Taken(theirs.pid))));
    assert!(names.is_blank());
}

#[test]
fn whoever_is_wounded_gives_way_and_comes_back_as_the_next() {
    let mut names = names(&[A]);
    let begun = begins(&mut names, 1, pid(ME, 1), &[A]);
    let effects = hears(&mut names, A, Frame::Wound { ticket: begun.number });
    let again = sent_claim(&effects);
    assert_eq!(effects, [send(A, withdraw(begun.number)), send(A, propose(again.number, again)),]);
    assert_eq!(hears(&mut names, A, Frame::Wound { ticket: begun.number }), []);
    let effects = hears(&mut names, A, Frame::Ack { ticket: again.number });
    assert_eq!(effects, [send(A, set(again)), answer(1, Outcome::Yes)]);
    // What is decided cannot give way.
    assert_eq!(hears(&mut names, A, Frame::Wound { ticket: again.number }), []);
}

#[test]
fn an_owner_that_appears_meanwhile_wins() {
    let mut names = names(&[A]);
    let begun = begins(&mut names, 1, pid(ME, 1), &[A]);
    let theirs = claim(pid(A, 3));
    let effects = hears(&mut names, A, set(theirs));
    assert_eq!(
        effects,
        [
            send(A, withdraw(begun.number)),
            show(Some(theirs.pid)),
            no(1, Reason::Taken(theirs.pid)),
            Effect::Unwatch(pid(ME, 1)),
        ]
    );
}

#[test]
fn it_ends_at_its_deadline() {
    let mut names = names(&[A]);
    let begun = begins(&mut names, 1, pid(ME, 1), &[A]);
    assert_eq!(names.due(), Some(1_000));
    assert_eq!(does(&mut names, |names, e| names.tick(999, e)), []);
    let effects = does(&mut names, |names, e| names.tick(1_000, e));
    assert_eq!(
        effects,
        [
            send(A, withdraw(begun.number)),
            show(None),
            no(1, Reason::Timeout),
            Effect::Unwatch(pid(ME, 1)),
        ]
    );
    assert!(names.is_blank());
}

#[test]
fn it_ends_with_its_actor() {
    let mut names = names(&[A]);
    let begun = begins(&mut names, 1, pid(ME, 1), &[A]);
    let effects = does(&mut names, |names, e| names.ended(0, pid(ME, 1), e));
    assert_eq!(
        effects,
        [
            send(A, withdraw(begun.number)),
            show(None),
            no(1, Reason::NoProc),
            Effect::Unwatch(pid(ME, 1)),
        ]
    );
}

#[test]
fn several_of_one_node_for_one_name_take_turns() {
    let mut names = names(&[A]);
    let first = begins(&mut names, 1, pid(ME, 1), &[A]);
    let effects = asks(&mut names, 2, register(pid(ME, 2)));
    assert_eq!(effects, [Effect::Watch(pid(ME, 2))]);
    let effects = hears(&mut names, A, Frame::Ack { ticket: first.number });
    assert_eq!(
        effects,
        [
            send(A, set(first)),
            answer(1, Outcome::Yes),
            no(2, Reason::Taken(pid(ME, 1))),
            Effect::Unwatch(pid(ME, 2)),
        ]
    );
}

#[test]
fn a_name_is_taken_from_its_owner_on_purpose_and_the_owner_is_not_told() {
    let mut names = names(&[A]);
    let theirs = claim(pid(A, 3));
    hears(&mut names, A, set(theirs));
    let effects = asks(&mut names, 1, take(pid(ME, 1)));
    let ours = sent_claim(&effects);
    let number = ours.number;
    assert_eq!(ours, Claim { number, ..claim_over(theirs, pid(ME, 1)) });
    assert_eq!(
        effects,
        [Effect::Watch(pid(ME, 1)), show(Some(pid(ME, 1))), send(A, propose(number, ours)),]
    );
    let effects = hears(&mut names, A, Frame::Ack { ticket: number });
    assert_eq!(effects, [send(A, set(ours)), answer(1, Outcome::Yes)]);
    assert_eq!(hears(&mut names, A, unset()), []);
}

#[test]
fn a_name_moves_between_actors_of_one_node() {
    let mut names = names(&[]);
    let first = owns(&mut names, 1);
    let effects = asks(&mut names, 1, take(pid(ME, 2)));
    assert_eq!(
        effects,
        [
            Effect::Watch(pid(ME, 2)),
            show(Some(pid(ME, 2))),
            Effect::Unwatch(first.pid),
            answer(1, Outcome::Yes),
        ]
    );
    let now = names.table.first(&key()).expect("an owner");
    assert_eq!(now.over, Some(id(ME, first.number)));
}

#[test]
fn an_owner_that_only_another_node_knows_is_replaced_too() {
    let mut names = names(&[A]);
    let effects = asks(&mut names, 1, take(pid(ME, 1)));
    let ticket = sent_claim(&effects).number;
    let theirs = Claim { generation: 4, ..claim(pid(B, 7)) };
    let effects = hears(&mut names, A, refuse(ticket, &theirs));
    let again = sent_claim(&effects);
    assert_eq!(again, Claim { number: again.number, ..claim_over(theirs, pid(ME, 1)) });
    // But not two.
    let another = claim(pid(B, 8));
    let effects = hears(&mut names, A, refuse(again.number, &another));
    assert_eq!(
        effects,
        [
            send(A, withdraw(again.number)),
            show(None),
            no(1, Reason::Taken(another.pid)),
            Effect::Unwatch(pid(ME, 1)),
        ]
    );
}

#[test]
fn without_leave_one_actor_has_one_name() {
    let mut names = Names::new(ME, Settings::default());
    owns(&mut names, 1);
    let other = Key::new(b"other").expect("a key");
    let again = |names: &mut Names, request, task| {
        let other = other.clone();
        does(names, |names, e| names.request(0, request, other, task, 1_000, e))
    };
    assert_eq!(again(&mut names, 1, register(pid(ME, 1))), [no(1, Reason::HasName)]);
    let effects = again(&mut names, 2, take(pid(ME, 1)));
    assert_eq!(effects.last(), Some(&answer(2, Outcome::Yes)));
}

#[test]
fn generations_of_a_strange_node_do_not_run_over() {
    let mut names = names(&[A]);
    hears(&mut names, A, set(Claim { generation: u64::MAX, ..claim(pid(A, 1)) }));
    let effects = asks(&mut names, 1, take(pid(ME, 1)));
    assert_eq!(
        effects,
        [Effect::Watch(pid(ME, 1)), no(1, Reason::Taken(pid(A, 1))), Effect::Unwatch(pid(ME, 1)),]
    );
}

#[test]
fn the_resolver_is_as_asked() {
    let mut names = names(&[A]);
    let registration =
        Registration { pid: pid(ME, 1), force: false, resolver: Resolver::OldestNotify, since: 77 };
    let effects = asks(&mut names, 1, Task::Register(registration));
    let claim = sent_claim(&effects);
    assert_eq!((claim.resolver, claim.since), (Resolver::OldestNotify, 77));
}
