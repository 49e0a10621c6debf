//! I/O requests and probes: one answer each, past the mailbox.

use super::super::testing::*;
use super::super::{Event, Filter};
use super::*;
use crate::reason::Reason;
use crate::signal::{Channel, IoError};

const ONE: Reference = reference(1);

fn request() -> IoRequest {
    IoRequest::PutChars(Channel::Output, bytes("hello"))
}

fn asking() -> Process {
    let mut me = actor();
    let effects = does(&mut me, |me, e| me.ask_io(LEADER, ONE, request(), e));
    assert_eq!(effects, [sends(LEADER, Signal::IoRequest { reply_as: ONE, request: request() })]);
    me
}

fn reply() -> Signal {
    Signal::IoReply { reply_as: ONE, reply: IoReply::Done }
}

fn terminated() -> Effect {
    Effect::Io(ONE, IoReply::Failed(IoError::Terminated))
}

fn nobody_there() -> Signal {
    Signal::Down { reference: ONE, reason: Reason::NoProc }
}

#[test]
fn a_request_is_answered_once_and_never_through_the_mailbox() {
    let mut me = asking();
    let answered = [sends(LEADER, Signal::Demonitor(ONE)), Effect::Io(ONE, IoReply::Done)];
    assert_eq!(told(&mut me, B, reply()), answered, "any actor may reply");
    assert_eq!(told(&mut me, LEADER, reply()), []);
    assert_eq!(told(&mut me, LEADER, nobody_there()), []);
    assert_eq!(events(&mut me), []);
}

#[test]
fn the_end_of_the_leader_answers_its_requests() {
    let mut me = asking();
    assert_eq!(told(&mut me, LEADER, nobody_there()), [terminated()]);
    assert_eq!(told(&mut me, LEADER, reply()), []);
    assert_eq!(events(&mut me), []);
}

#[test]
fn a_request_is_no_monitor_of_the_guest() {
    let mut me = asking();
    assert_eq!(does(&mut me, |me, e| assert!(!me.demonitor(ONE, true, e))), []);
    assert_eq!(me.info().monitors, []);
}

#[test]
fn a_lost_node_answers_the_requests_to_it() {
    let mut me = actor();
    does(&mut me, |me, e| me.ask_io(FAR, ONE, request(), e));
    does(&mut me, |me, e| me.probe(FAR, reference(2), e));
    does(&mut me, |me, e| me.probe(A, reference(3), e));
    let effects = does(&mut me, |me, e| me.node_lost(THERE, e));
    assert_eq!(effects, [terminated(), Effect::Probed(reference(2), None)]);
    assert_eq!(events(&mut me), []);
}

#[test]
fn a_dying_process_waits_for_no_answer() {
    let mut me = asking();
    does(&mut me, |me, e| me.probe(A, reference(2), e));
    does(&mut me, |me, e| me.stop(Reason::Normal, e));
    assert_eq!(does(&mut me, |me, e| me.ask_io(LEADER, reference(3), request(), e)), []);
    assert_eq!(does(&mut me, |me, e| me.probe(A, reference(4), e)), []);
    let none = Signal::ProbeReply { reference: reference(2), info: None };
    assert_eq!(told(&mut me, A, none), []);
    assert_eq!(told(&mut me, LEADER, nobody_there()), []);
}

#[test]
fn a_request_reaches_the_leader_as_an_event_and_as_a_monitor() {
    let mut me = actor();
    let asked = Signal::IoRequest { reply_as: ONE, request: request() };
    assert_eq!(told(&mut me, A, asked), []);
    assert_eq!(me.info().monitored_by, [A]);
    let event = Event::IoRequest { sender: A, reply_as: ONE, request: request() };
    assert_eq!(me.take(Filter::Any), Some(event));
    assert_eq!(told(&mut me, A, Signal::Demonitor(ONE)), []);
    assert_eq!(me.info().monitored_by, []);
}

#[test]
fn a_leader_that_ends_tells_whoever_waits() {
    let mut me = actor();
    let asked = |reply_as| Signal::IoRequest { reply_as, request: request() };
    told(&mut me, A, asked(ONE));
    does(&mut me, |me, e| me.stop(Reason::Normal, e));
    assert_eq!(told(&mut me, B, asked(reference(2))), []);
    let down = Signal::Down { reference: ONE, reason: Reason::Normal };
    let late = Signal::Down { reference: reference(2), reason: Reason::NoProc };
    assert_eq!(ends(&mut me), [sends(A, down), sends(B, late)]);
}

#[test]
fn a_probe_of_oneself_is_answered_at_once() {
    let mut me = trapper();
    told(&mut me, A, message("x"));
    let effects = does(&mut me, |me, e| me.probe(ME, ONE, e));
    let info = Info {
        group_leader: LEADER,
        trap_exit: true,
        mailbox_messages: 1,
        links: vec![],
        monitors: vec![],
        monitored_by: vec![],
    };
    assert_eq!(effects, [Effect::Probed(ONE, Some(Box::new(info)))]);
}

#[test]
fn a_probe_of_another_is_answered_once() {
    let mut me = actor();
    assert_eq!(does(&mut me, |me, e| me.probe(A, ONE, e)), [sends(A, Signal::Probe(ONE))]);
    let answer = Signal::ProbeReply { reference: ONE, info: None };
    assert_eq!(told(&mut me, A, answer.clone()), [Effect::Probed(ONE, None)]);
    assert_eq!(told(&mut me, A, answer), []);
    assert_eq!(events(&mut me), []);
}

#[test]
fn a_process_tells_what_it_is_until_it_dies() {
    let mut me = actor();
    told(&mut me, B, Signal::Link);
    let info = Some(Box::new(me.info()));
    assert_eq!(info.as_ref().map(|info| info.links.clone()), Some(vec![B]));
    let answer = Signal::ProbeReply { reference: ONE, info };
    assert_eq!(told(&mut me, A, Signal::Probe(ONE)), [sends(A, answer)]);
    does(&mut me, |me, e| me.stop(Reason::Normal, e));
    assert_eq!(told(&mut me, A, Signal::Probe(ONE)), []);
    let nothing = Signal::ProbeReply { reference: ONE, info: None };
    assert_eq!(ends(&mut me), [sends(B, link_exit(Reason::Normal)), sends(A, nothing)]);
}
