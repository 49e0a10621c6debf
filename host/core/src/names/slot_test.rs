//! Which proposal a node acknowledges, lets wait, wounds and refuses.

use super::super::testing::*;
use super::super::{Outcome, Reason};
use super::*;

fn ack(to: NodeId, ticket: u64) -> Effect {
    send(to, Frame::Ack { ticket })
}

fn wound(to: NodeId, ticket: u64) -> Effect {
    send(to, Frame::Wound { ticket })
}

fn refuse(to: NodeId, ticket: u64, claim: &Claim) -> Effect {
    send(to, Frame::Refuse { ticket, obstacle: Obstacle::of(claim) })
}

#[test]
fn a_free_name_shows_before_the_proposal_is_acknowledged() {
    let mut names = names(&[A]);
    let theirs = claim(pid(A, 1));
    assert_eq!(hears(&mut names, A, propose(1, theirs)), [show(Some(theirs.pid)), ack(A, 1)]);
    assert_eq!(hears(&mut names, A, set(theirs)), []);
    assert_eq!(names.whereis(&key()), Some(theirs.pid));
}

#[test]
fn what_is_withdrawn_shows_no_more() {
    let mut names = names(&[A]);
    hears(&mut names, A, propose(1, claim(pid(A, 1))));
    assert_eq!(hears(&mut names, A, withdraw(2)), []);
    assert_eq!(hears(&mut names, A, withdraw(1)), [show(None)]);
    assert!(names.is_blank());
}

#[test]
fn a_name_with_an_owner_is_refused() {
    let mut names = names(&[]);
    let own = owns(&mut names, 1);
    does(&mut names, |names, e| names.node_up(0, A, false, e));
    let effects = hears(&mut names, A, propose(5, claim(pid(A, 1))));
    assert_eq!(effects, [refuse(A, 5, &own)]);
}

#[test]
fn who_comes_later_in_the_order_waits_and_is_refused_when_the_other_holds() {
    let mut names = names(&[A, B]);
    let first = pid(A, 1);
    let later = rival(first, B, false);
    hears(&mut names, A, propose(1, claim(first)));
    assert_eq!(hears(&mut names, B, propose(2, claim(later))), []);
    let effects = hears(&mut names, A, set(claim(first)));
    assert_eq!(effects, [refuse(B, 2, &claim(first))]);
}

#[test]
fn who_waits_is_next_when_the_other_withdraws_or_is_lost() {
    for is_lost in [false, true] {
        let mut names = names(&[A, B]);
        let first = pid(A, 1);
        let later = rival(first, B, false);
        hears(&mut names, A, propose(1, claim(first)));
        hears(&mut names, B, propose(2, claim(later)));
        let effects = if is_lost {
            does(&mut names, |names, e| names.node_down(0, A, e))
        } else {
            hears(&mut names, A, withdraw(1))
        };
        assert_eq!(effects, [show(Some(later)), ack(B, 2)]);
    }
}

#[test]
fn who_comes_before_the_one_acknowledged_wounds_it_once() {
    let mut names = names(&[A, B]);
    let later = pid(A, 1);
    let first = rival(later, B, true);
    hears(&mut names, A, propose(1, claim(later)));
    assert_eq!(hears(&mut names, B, propose(2, claim(first))), [wound(A, 1)]);
    let third = rival(first, B, true);
    assert_eq!(hears(&mut names, B, propose(3, claim(third))), []);
    let effects = hears(&mut names, A, withdraw(1));
    assert_eq!(effects, [show(Some(third)), ack(B, 3)]);
}

#[test]
fn the_nodes_own_proposal_gives_way_at_once_to_one_that_comes_before_it() {
    let mut names = names(&[A]);
    let own = pid(ME, 1);
    let first = rival(own, A, true);
    let begun = asks(&mut names, 1, register(own));
    let Some(Effect::Send { frame: Frame::Propose { ticket, .. }, .. }) = begun.last() else {
        panic!("a proposal");
    };
    let effects = hears(&mut names, A, propose(7, claim(first)));
    assert_eq!(effects, [send(A, withdraw(*ticket)), show(Some(first)), ack(A, 7)]);
    let effects = hears(&mut names, A, set(claim(first)));
    let taken = Reason::Taken(first);
    assert_eq!(effects, [no(1, taken), Effect::Unwatch(own)]);
}

#[test]
fn the_nodes_own_proposal_gives_way_though_another_of_its_own_comes_first_of_all() {
    let mut names = names(&[A]);
    let own = pid(ME, 1);
    let theirs = rival(own, A, true);
    let sibling = rival(theirs, ME, true);
    let begun = asks(&mut names, 1, register(own));
    let Some(Effect::Send { frame: Frame::Propose { ticket, .. }, .. }) = begun.last() else {
        panic!("a proposal");
    };
    asks(&mut names, 2, register(sibling));
    assert_eq!(names.whereis(&key()), Some(own));
    // Else this one would wait here, and others that took it let the own one wait.
    let effects = hears(&mut names, A, propose(7, claim(theirs)));
    assert!(effects.contains(&send(A, withdraw(*ticket))), "{effects:?}");
    assert_eq!(names.whereis(&key()), Some(sibling));
}

#[test]
fn the_nodes_own_proposal_lets_one_wait_that_comes_after_it() {
    let mut names = names(&[A]);
    let own = pid(ME, 1);
    let later = rival(own, A, false);
    let begun = asks(&mut names, 1, register(own));
    let Some(Effect::Send { frame: Frame::Propose { ticket, claim: ours, .. }, .. }) = begun.last()
    else {
        panic!("a proposal");
    };
    assert_eq!(hears(&mut names, A, propose(7, claim(later))), []);
    let effects = hears(&mut names, A, Frame::Ack { ticket: *ticket });
    let yes = answer(1, Outcome::Yes);
    assert_eq!(effects, [send(A, set(*ours)), yes, refuse(A, 7, ours)]);
}

#[test]
fn one_that_was_acknowledged_is_wounded_when_an_owner_appears() {
    let mut names = names(&[A, B]);
    hears(&mut names, A, propose(1, claim(pid(A, 1))));
    let owner = claim(pid(B, 1));
    assert_eq!(hears(&mut names, B, set(owner)), [wound(A, 1), show(Some(owner.pid))]);
    assert_eq!(hears(&mut names, A, withdraw(1)), []);
    assert_eq!(hears(&mut names, A, propose(2, claim(pid(A, 1)))), [refuse(A, 2, &owner)]);
}

#[test]
fn an_owner_may_be_replaced_by_one_that_knows_it() {
    let mut names = names(&[A, B]);
    let owner = claim(pid(B, 1));
    hears(&mut names, B, set(owner));
    let stale = Claim { over: Some(id(B, 77)), ..claim_over(owner, pid(A, 1)) };
    assert_eq!(hears(&mut names, A, propose(1, stale)), [refuse(A, 1, &owner)]);
    let next = claim_over(owner, pid(A, 1));
    let effects = hears(&mut names, A, propose(2, next));
    assert_eq!(effects, [show(Some(next.pid)), ack(A, 2)]);
    // Until it is decided, the owner is the owner.
    assert_eq!(hears(&mut names, A, withdraw(2)), [show(Some(owner.pid))]);
}
