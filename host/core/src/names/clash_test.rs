//! Two owners meet: who stays, and what becomes of the other.

use super::super::testing::*;
use super::super::{Outcome, Registration, Task};
use super::*;
use crate::id::NodeId;

/// The node under test owns the name with this resolver, and then meets another node.
fn meets(resolver: Resolver, since: u64, peers: &[NodeId]) -> (Names, Claim) {
    let mut names = names(&[]);
    let registration = Registration { pid: pid(ME, 1), force: false, resolver, since };
    let effects = asks(&mut names, 1, Task::Register(registration));
    assert_eq!(effects.last(), Some(&answer(1, Outcome::Yes)));
    for peer in peers {
        does(&mut names, |names, e| names.node_up(0, *peer, false, e));
    }
    let own = *names.table.get(ME, &key()).expect("it owns the name");
    (names, own)
}

/// What the other node says, with an actor that comes before the own one or after it.
fn theirs(resolver: Resolver, comes_first: bool) -> Claim {
    Claim { resolver, ..claim(rival(pid(ME, 1), A, comes_first)) }
}

/// What follows when the claim of the node under test meets that of another.
fn meeting(resolver: Resolver, comes_first: bool) -> (Effects, Pid) {
    let (mut names, _) = meets(resolver, 0, &[A]);
    let theirs = theirs(resolver, comes_first);
    (hears(&mut names, A, set(theirs)), theirs.pid)
}

fn gives_up(loss: Option<Effect>, other: Pid) -> Effects {
    let goes = [send(A, unset()), Effect::Unwatch(pid(ME, 1)), show(Some(other))];
    loss.into_iter().chain(goes).collect()
}

#[test]
fn of_two_random_ones_the_later_in_the_order_is_killed_or_told() {
    let (effects, other) = meeting(Resolver::RandomExit, true);
    let exit = Effect::Exit { pid: pid(ME, 1), key: key(), other };
    assert_eq!(effects, gives_up(Some(exit), other));
    let (effects, other) = meeting(Resolver::RandomNotify, true);
    let notify = Effect::Notify { pid: pid(ME, 1), key: key(), other, both: false };
    assert_eq!(effects, gives_up(Some(notify), other));
    assert_eq!(meeting(Resolver::RandomExit, false).0, []);
    assert_eq!(meeting(Resolver::RandomNotify, false).0, []);
}

#[test]
fn both_lose_the_name_if_all_are_to_be_told() {
    for comes_first in [true, false] {
        let (effects, other) = meeting(Resolver::NotifyAll, comes_first);
        let notify = Effect::Notify { pid: pid(ME, 1), key: key(), other, both: true };
        assert_eq!(effects, gives_up(Some(notify), other));
    }
}

#[test]
fn the_older_one_stays_whatever_its_place() {
    for (own, other, stays) in [(1, 2, true), (2, 1, false)] {
        for comes_first in [true, false] {
            let (mut names, claim) = meets(Resolver::OldestNotify, own, &[A]);
            let theirs = theirs(Resolver::OldestNotify, comes_first);
            hears(&mut names, A, set(Claim { since: other, ..theirs }));
            assert_eq!(names.whereis(&key()) == Some(claim.pid), stays);
        }
    }
}

#[test]
fn who_was_replaced_on_purpose_is_not_told() {
    let (mut names, own) = meets(Resolver::RandomExit, 0, &[A]);
    let theirs = claim_over(own, pid(A, 1));
    assert_eq!(hears(&mut names, A, set(theirs)), gives_up(None, theirs.pid));
}

#[test]
fn who_was_replaced_and_registered_again_is_told() {
    let (mut names, own) = meets(Resolver::RandomExit, 0, &[A]);
    let before = Claim { number: own.number + 1_000, ..own };
    let theirs = claim_over(before, pid(A, 1));
    let exit = Effect::Exit { pid: own.pid, key: key(), other: theirs.pid };
    assert_eq!(hears(&mut names, A, set(theirs)), gives_up(Some(exit), theirs.pid));
}

/// A guest of the node under test is asked about this claim.
fn asked() -> (Names, Claim, Claim, u64) {
    let (mut names, own) = meets(Resolver::Ask, 0, &[A, B]);
    let theirs = theirs(Resolver::Ask, false);
    let effects = hears(&mut names, A, set(theirs));
    let [Effect::Resolve { clash, .. }] = effects[..] else { panic!("a guest: {effects:?}") };
    let (pid, other) = (own.pid, theirs.pid);
    assert_eq!(effects, [Effect::Resolve { clash, key: key(), own: pid, other }]);
    assert_eq!(names.due(), Some(RESOLVER_MS));
    (names, own, theirs, clash)
}

fn verdict(own: Claim, other: Claim, fate: Fate) -> Effect {
    send(A, Frame::Verdict { key: key(), pid: other.pid, against: own.pid, fate })
}

#[test]
fn a_guest_decides_and_the_other_node_is_told() {
    for (choice, fate) in
        [(Choice::Own, Fate::Yield), (Choice::Other, Fate::Keep), (Choice::Failed, Fate::Exit)]
    {
        let (mut names, own, theirs, clash) = asked();
        let decides =
            |names: &mut Names| does(names, |names, e| names.resolved(0, clash, choice, e));
        assert_eq!(decides(&mut names), [verdict(own, theirs, fate)]);
        assert_eq!(decides(&mut names), []);
        assert_eq!(names.due(), None);
    }
}

#[test]
fn a_guest_may_decide_for_neither() {
    let (mut names, own, theirs, clash) = asked();
    let effects = does(&mut names, |names, e| names.resolved(0, clash, Choice::Neither, e));
    assert_eq!(
        effects,
        [
            verdict(own, theirs, Fate::Drop),
            send(A, unset()),
            send(B, unset()),
            Effect::Unwatch(own.pid),
            show(Some(theirs.pid)),
        ]
    );
}

#[test]
fn a_guest_that_hangs_has_failed() {
    let (mut names, own, theirs, clash) = asked();
    let effects = does(&mut names, |names, e| names.tick(RESOLVER_MS, e));
    assert_eq!(effects, [verdict(own, theirs, Fate::Exit)]);
    let late = does(&mut names, |names, e| names.resolved(0, clash, Choice::Other, e));
    assert_eq!(late, []);
}

#[test]
fn a_clash_ends_with_either_side() {
    let (mut names, _, _, clash) = asked();
    assert_eq!(does(&mut names, |names, e| names.node_down(0, A, e)), []);
    assert_eq!(names.due(), None);
    let late = does(&mut names, |names, e| names.resolved(0, clash, Choice::Own, e));
    assert_eq!(late, []);
}

#[test]
fn one_guest_is_asked_at_a_time_and_not_while_another_nodes_guest_decides() {
    let (mut names, _, theirs, _) = asked();
    let third = Claim { resolver: Resolver::Ask, ..claim(rival(pid(ME, 1), B, false)) };
    assert_eq!(hears(&mut names, B, set(third)), []);
    let effects = hears(&mut names, A, unset());
    let [Effect::Resolve { other, .. }] = effects[..] else { panic!("the next: {effects:?}") };
    assert_eq!(other, third.pid);
    assert_ne!(other, theirs.pid);
    assert_eq!(meeting(Resolver::Ask, true).0, [show(Some(meeting(Resolver::Ask, true).1))]);
}

/// What a verdict about the own claim does, when the other one is this.
fn judged(comes_first: bool, fate: Fate) -> (Effects, Claim, Claim) {
    let (mut names, own) = meets(Resolver::Ask, 0, &[A]);
    let theirs = theirs(Resolver::Ask, comes_first);
    hears(&mut names, A, set(theirs));
    let frame = Frame::Verdict { key: key(), pid: own.pid, against: theirs.pid, fate };
    (hears(&mut names, A, frame), own, theirs)
}

#[test]
fn another_guests_decision_is_carried_out() {
    let (effects, own, theirs) = judged(true, Fate::Keep);
    let kept = Claim { number: own.number, resolver: own.resolver, ..claim_over(theirs, own.pid) };
    assert_eq!(effects, [show(Some(own.pid)), send(A, set(kept))]);
    let goes = [send(A, unset()), Effect::Unwatch(pid(ME, 1))];
    for fate in [Fate::Yield, Fate::Drop] {
        assert_eq!(judged(true, fate).0, goes);
    }
    let (effects, own, theirs) = judged(true, Fate::Exit);
    let exit = Effect::Exit { pid: own.pid, key: key(), other: theirs.pid };
    assert_eq!(effects[0], exit);
    assert_eq!(effects[1..], goes);
}

#[test]
fn a_decision_for_a_claim_that_comes_second_is_not_carried_out() {
    for fate in [Fate::Keep, Fate::Yield, Fate::Exit] {
        assert_eq!(judged(false, fate).0, []);
    }
}

#[test]
fn a_decision_for_a_claim_that_is_gone_is_not_carried_out() {
    let (mut names, own) = meets(Resolver::Ask, 0, &[A]);
    let theirs = theirs(Resolver::Ask, true);
    for fate in [Fate::Keep, Fate::Yield, Fate::Exit] {
        let frame = Frame::Verdict { key: key(), pid: own.pid, against: theirs.pid, fate };
        assert_eq!(hears(&mut names, A, frame), []);
    }
}
