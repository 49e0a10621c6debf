//! One lock: who has it, who waits, who gives way, who is refused.

use super::*;

fn at(stamp: u64) -> Place {
    Place { stamp, node: NodeId::from_wire(1), ticket: stamp }
}

/// Somebody asks for the lock, with its stamp for a place. What follows?
fn asks(lock: &mut Lock, stamp: u64, requester: &str, waits: bool) -> Vec<(Place, Verdict)> {
    let requester = Key::new(requester.as_bytes()).expect("a key");
    lock.enter(at(stamp), Request { requester, serial: stamp, waits });
    settles(lock)
}

fn settles(lock: &mut Lock) -> Vec<(Place, Verdict)> {
    let verdicts = lock.settle();
    assert!(lock.is_idle() || lock.inconsistency().is_none(), "{lock:?}");
    assert_eq!(lock.settle(), [], "all was said at once");
    verdicts
}

fn granted(stamp: u64) -> (Place, Verdict) {
    (at(stamp), Verdict::Grant)
}

fn wounded(stamp: u64) -> (Place, Verdict) {
    (at(stamp), Verdict::Wound)
}

fn refused(stamp: u64, holder: u64) -> (Place, Verdict) {
    let pid = Pid { node: NodeId::from_wire(1), serial: holder };
    (at(stamp), Verdict::Refuse(pid))
}

/// The lock, held by the one who asked at this stamp.
fn held(stamp: u64, requester: &str) -> Lock {
    let mut lock = Lock::default();
    assert_eq!(asks(&mut lock, stamp, requester, true), [granted(stamp)]);
    lock.hold(at(stamp));
    assert_eq!(settles(&mut lock), []);
    lock
}

#[test]
fn the_first_that_waits_is_next_and_only_that() {
    let mut lock = held(1, "a");
    for (stamp, requester) in [(4, "d"), (2, "b"), (3, "c")] {
        assert_eq!(asks(&mut lock, stamp, requester, true), []);
    }
    assert_eq!((lock.holders().len(), lock.waiting()), (1, 3));
    lock.leave(at(1));
    assert_eq!(settles(&mut lock), [granted(2)]);
    lock.leave(at(3));
    assert_eq!(settles(&mut lock), []);
    lock.leave(at(2));
    assert_eq!(settles(&mut lock), [granted(4)]);
    lock.leave(at(4));
    assert!(lock.is_idle());
}

#[test]
fn what_is_granted_and_not_held_gives_way_to_an_earlier_one_once() {
    let mut lock = Lock::default();
    assert_eq!(asks(&mut lock, 5, "a", true), [granted(5)]);
    assert_eq!(asks(&mut lock, 9, "b", true), []);
    assert_eq!(asks(&mut lock, 3, "c", true), [wounded(5)]);
    assert_eq!(asks(&mut lock, 2, "d", true), []);
    lock.give_way(at(5));
    assert_eq!(settles(&mut lock), [granted(2)]);
    lock.leave(at(2));
    assert_eq!(settles(&mut lock), [granted(3)]);
    lock.leave(at(3));
    assert_eq!(settles(&mut lock), [granted(5)]);
}

#[test]
fn what_is_held_gives_way_to_nobody() {
    let mut lock = held(5, "a");
    assert_eq!(asks(&mut lock, 3, "b", true), []);
    lock.give_way(at(5));
    assert_eq!(settles(&mut lock), []);
    assert_eq!(lock.holders().len(), 1);
}

#[test]
fn who_was_told_to_give_way_may_turn_out_to_hold_it() {
    let mut lock = Lock::default();
    asks(&mut lock, 5, "a", true);
    assert_eq!(asks(&mut lock, 3, "b", true), [wounded(5)]);
    lock.hold(at(5));
    assert_eq!(settles(&mut lock), []);
    lock.leave(at(5));
    assert_eq!(settles(&mut lock), [granted(3)]);
}

#[test]
fn the_requester_that_holds_it_is_granted_it_at_once_whoever_waits() {
    let mut lock = held(1, "a");
    assert_eq!(asks(&mut lock, 2, "b", true), []);
    assert_eq!(asks(&mut lock, 3, "a", true), [granted(3)]);
    assert_eq!(asks(&mut lock, 4, "a", false), [granted(4)]);
    // Those give way, once nobody holds it any more.
    lock.leave(at(1));
    assert_eq!(settles(&mut lock), [wounded(3), wounded(4)]);
    lock.give_way(at(3));
    assert_eq!(settles(&mut lock), []);
    lock.give_way(at(4));
    assert_eq!(settles(&mut lock), [granted(2), refused(4, 2)]);
    lock.hold(at(2));
    assert_eq!(settles(&mut lock), []);
    lock.leave(at(2));
    assert_eq!(settles(&mut lock), [granted(3)]);
}

#[test]
fn one_requester_waits_together_and_is_granted_together() {
    let mut lock = held(1, "a");
    for (stamp, requester) in [(2, "b"), (3, "b"), (4, "c"), (5, "b")] {
        assert_eq!(asks(&mut lock, stamp, requester, true), []);
    }
    lock.leave(at(1));
    assert_eq!(settles(&mut lock), [granted(2), granted(3)]);
    lock.hold(at(2));
    assert_eq!(settles(&mut lock), [granted(5)]);
}

#[test]
fn who_is_not_to_wait_is_refused_by_who_has_it() {
    let mut lock = held(1, "a");
    assert_eq!(asks(&mut lock, 2, "b", false), [refused(2, 1)]);
    let mut lock = Lock::default();
    asks(&mut lock, 1, "a", true);
    assert_eq!(asks(&mut lock, 2, "b", false), [refused(2, 1)]);
    assert_eq!(lock.waiting(), 1);
}

#[test]
fn who_is_not_to_wait_and_comes_first_learns_what_becomes_of_the_other() {
    let mut lock = Lock::default();
    asks(&mut lock, 5, "a", false);
    assert_eq!(asks(&mut lock, 3, "b", false), [wounded(5)]);
    lock.give_way(at(5));
    assert_eq!(settles(&mut lock), [granted(3), refused(5, 3)]);
    let mut lock = Lock::default();
    asks(&mut lock, 5, "a", true);
    assert_eq!(asks(&mut lock, 3, "b", false), [wounded(5)]);
    lock.hold(at(5));
    assert_eq!(settles(&mut lock), [refused(3, 5)]);
}

#[test]
fn who_waited_behind_one_that_is_refused_may_be_next() {
    let mut lock = Lock::default();
    asks(&mut lock, 1, "a", true);
    asks(&mut lock, 5, "a", true);
    let both = asks(&mut lock, 3, "b", false);
    assert_eq!(both, [refused(3, 1)]);
    assert_eq!(asks(&mut lock, 6, "a", true), [granted(6)]);
}

#[test]
fn what_is_said_about_nobody_changes_nothing() {
    let mut lock = held(1, "a");
    lock.give_way(at(9));
    lock.hold(at(9));
    lock.leave(at(9));
    assert_eq!(settles(&mut lock), []);
    assert_eq!((lock.holders().len(), lock.waiting()), (1, 0));
}
