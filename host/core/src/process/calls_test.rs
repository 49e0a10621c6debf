//! Calls: one reply each, and never a late one.

use super::super::testing::*;
use super::super::{Effect, Filter, Limits};
use super::*;
use crate::reason::Reason;
use crate::signal::{Signal, SpawnError};

const CALL: Reference = reference(1);

fn calling() -> Process {
    let mut me = actor();
    assert_eq!(does(&mut me, |me, e| me.call_requested(CALL, e)), []);
    me
}

fn replied(outcome: Result<Bytes, CallError>) -> Signal {
    Signal::CallReply { request: CALL, outcome }
}

fn reply_event(outcome: Result<Bytes, CallError>) -> Event {
    Event::CallReply { request: CALL, outcome }
}

#[test]
fn a_reply_is_an_event_of_the_calls_reference() {
    let mut me = calling();
    told(&mut me, A, message("before"));
    assert_eq!(told(&mut me, FAR, replied(Ok(bytes("3")))), []);
    assert_eq!(me.take(Filter::Reference(CALL)), Some(reply_event(Ok(bytes("3")))));
    assert_eq!(events(&mut me), [received(A, None, "before")]);
}

#[test]
fn every_way_to_fail_is_an_event_as_well() {
    let errors = [
        CallError::Refused(SpawnError::NoModule("m".into())),
        CallError::Refused(SpawnError::NoConnection),
        CallError::Ended(Reason::Trap("unreachable".into())),
        CallError::Timeout,
    ];
    for error in errors {
        let mut me = calling();
        told(&mut me, A, replied(Err(error.clone())));
        assert_eq!(events(&mut me), [reply_event(Err(error))]);
    }
}

#[test]
fn only_the_first_reply_counts() {
    let mut me = calling();
    told(&mut me, A, replied(Ok(bytes("first"))));
    told(&mut me, A, replied(Ok(bytes("second"))));
    assert_eq!(events(&mut me), [reply_event(Ok(bytes("first")))]);
    assert_eq!(told(&mut me, A, replied(Err(CallError::Timeout))), []);
    assert_eq!(events(&mut me), []);
}

#[test]
fn a_reply_that_nobody_asked_for_is_dropped() {
    let mut me = actor();
    assert_eq!(told(&mut me, A, replied(Ok(bytes("3")))), []);
    assert_eq!(events(&mut me), []);
}

#[test]
fn an_abandoned_call_has_no_late_reply() {
    let mut me = calling();
    assert!(me.abandon_call(CALL));
    assert!(!me.abandon_call(CALL), "once");
    assert_eq!(told(&mut me, A, replied(Ok(bytes("late")))), []);
    assert_eq!(events(&mut me), []);
}

#[test]
fn a_call_whose_reply_waits_cannot_be_abandoned() {
    let mut me = calling();
    told(&mut me, A, replied(Ok(bytes("3"))));
    assert!(!me.abandon_call(CALL));
    assert_eq!(events(&mut me), [reply_event(Ok(bytes("3")))]);
}

#[test]
fn calls_count_as_relations_until_they_are_over() {
    let mut me = limited(Limits { relations: 1, ..Limits::default() });
    let other = reference(2);
    for call in [CALL, other] {
        assert_eq!(does(&mut me, |me, e| me.call_requested(call, e)), []);
        assert!(me.abandon_call(call));
    }
    does(&mut me, |me, e| me.call_requested(CALL, e));
    let reason = Reason::Limit("relations-max of 1 links, monitors and aliases".into());
    assert_eq!(does(&mut me, |me, e| me.call_requested(other, e)), [Effect::Die(reason)]);
}

#[test]
fn a_long_result_counts_against_the_mailbox() {
    let mut me = limited(Limits { mailbox_bytes: 4, ..Limits::default() });
    does(&mut me, |me, e| me.call_requested(CALL, e));
    let effects = told(&mut me, A, replied(Ok(bytes("12345"))));
    assert!(matches!(effects[..], [Effect::Die(Reason::Limit(_))]), "{effects:?}");
}

#[test]
fn the_end_of_a_caller_tells_nobody() {
    let mut me = calling();
    does(&mut me, |me, e| me.stop(error("x"), e));
    assert_eq!(told(&mut me, A, replied(Ok(bytes("3")))), []);
    assert_eq!(ends(&mut me), []);
    assert_eq!(told(&mut me, A, replied(Ok(bytes("3")))), []);
    assert!(!me.abandon_call(CALL));
}
