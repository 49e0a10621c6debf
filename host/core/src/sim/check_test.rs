//! Every rule complains about a trace that breaks it, and only then.

use bytes::Bytes;

use super::super::trace::Kind;
use super::*;
use crate::id::{NodeId, Pid, Reference};
use crate::process::Event;
use crate::reason::Reason;
use crate::signal::{Info, Monitored};

const HERE: NodeId = NodeId::from_wire(1);
const THERE: NodeId = NodeId::from_wire(2);
const A: Pid = Pid { node: HERE, serial: 1 };
const B: Pid = Pid { node: THERE, serial: 2 };
const ONE: Reference = Reference { node: HERE, serial: 1 };

fn sent(id: u64) -> Record {
    Record::Sent { id, from: A, to: B }
}

fn arrived(id: u64, kind: Kind, acted: bool) -> Record {
    Record::Arrived { id, time: 0, from: A, to: B, kind, acted, mailbox: 0 }
}

fn message(via: Option<Reference>) -> Kind {
    Kind::Message { via, body: Bytes::from_static(b"body") }
}

fn took(by: Pid, event: Event) -> Record {
    Record::Took { by, picked: false, event }
}

fn took_message(by: Pid) -> Record {
    took(by, Event::Message { sender: A, via: None, body: Bytes::from_static(b"body") })
}

fn took_down(by: Pid) -> Record {
    let (object, reason) = (Monitored::Pid(A), Reason::Normal);
    took(by, Event::Down { monitor: ONE, object, reason, tag: None })
}

fn took_reply(outcome: Pid) -> Record {
    took(B, Event::SpawnReply { request: ONE, outcome: Ok(outcome) })
}

fn monitored() -> Record {
    Record::Monitored { by: B, reference: ONE, of: A, priority: false }
}

fn demonitored(found: bool, flush: bool) -> Record {
    Record::Demonitored { by: B, reference: ONE, found, flush }
}

fn info() -> Info {
    Info {
        group_leader: A,
        trap_exit: false,
        mailbox_messages: 0,
        links: vec![],
        monitors: vec![],
        monitored_by: vec![],
    }
}

fn settled(pid: Pid, info: Info) -> Record {
    Record::Final { pid, info, asks: vec![] }
}

/// The rule of this name is content with the one trace and complains about the other.
#[track_caller]
fn check(name: &str, good: &[Record], bad: &[Record]) {
    let (_, rule) = RULES.iter().find(|(rule, _)| *rule == name).expect("a rule of this name");
    assert_eq!(rule(good), Ok(()), "{name} complains without cause");
    assert!(rule(bad).is_err(), "{name} does not see what is wrong");
    let complaints = all(bad);
    assert!(complaints.iter().any(|complaint| complaint.starts_with(name)), "{complaints:?}");
}

#[test]
fn order_sees_an_envelope_that_overtook_another() {
    let [first, second] = [1, 2].map(|id| arrived(id, Kind::Other, false));
    check("order", &[first.clone(), second.clone()], &[second, first]);
}

#[test]
fn once_sees_what_arrives_twice_or_from_nowhere_or_never() {
    let here = || arrived(1, message(None), true);
    let good = [sent(1), here(), took_message(B), sent(2), Record::Lost { id: 2 }];
    check("once", &good, &[sent(1), here(), here()]);
    check("once", &good, &[here()]);
    check("once", &good, &[sent(1)]);
    check("once", &good, &[sent(1), Record::Lost { id: 1 }, Record::Nobody { id: 1 }]);
}

#[test]
fn once_sees_a_message_that_is_taken_twice_or_by_another() {
    let here = [sent(1), arrived(1, message(None), true)];
    let with = |more: &[Record]| [&here, more].concat();
    let good = with(&[took_message(B)]);
    check("once", &good, &with(&[took_message(B), took_message(B)]));
    check("once", &good, &with(&[took_message(A)]));
}

#[test]
fn links_sees_a_link_on_one_side_only() {
    let linked = |pid, to| settled(pid, Info { links: vec![to], ..info() });
    let good = [linked(A, B), linked(B, A)];
    check("links", &good, &[linked(A, B), settled(B, info())]);
    check("links", &good, &[linked(A, B)]);
}

#[test]
fn unlink_sees_an_exit_that_acts_too_late() {
    let linked = || Record::Linked { by: B, to: A, priority: false };
    let unlinked = || Record::Unlinked { by: B, to: A };
    let exit = |acted| arrived(2, Kind::LinkExit, acted);
    let [link, ack] = [Kind::Link, Kind::UnlinkAck].map(|kind| arrived(1, kind, false));
    check("unlink", &[linked(), exit(true)], &[linked(), unlinked(), exit(true)]);
    check("unlink", &[linked(), unlinked(), exit(false)], &[unlinked(), link.clone(), exit(true)]);
    check("unlink", &[unlinked(), ack.clone(), link, exit(true)], &[unlinked(), ack, exit(true)]);
    check("unlink", &[unlinked(), linked(), exit(true)], &[linked(), unlinked(), exit(true)]);
}

#[test]
fn monitors_sees_downs_that_are_too_many_or_too_late() {
    let good = [monitored(), took_down(B), settled(B, info())];
    check("monitors", &good, &[monitored(), took_down(B), took_down(B)]);
    check("monitors", &good, &[monitored(), demonitored(true, false), took_down(B)]);
    check("monitors", &good, &[monitored(), demonitored(false, true), took_down(B)]);
    check("monitors", &good, &[monitored(), took_down(A)]);
    let waited = [monitored(), demonitored(false, false), took_down(B)];
    check("monitors", &waited, &[took_down(B)]);
}

#[test]
fn monitors_sees_a_down_that_never_came() {
    let watching = || settled(B, Info { monitors: vec![Monitored::Pid(A)], ..info() });
    let watched = |monitored_by| settled(A, Info { monitored_by, ..info() });
    let good = [monitored(), watching(), watched(vec![B])];
    check("monitors", &good, &[monitored(), settled(B, info()), watched(vec![])]);
    check("monitors", &good, &[monitored(), watching()]);
    check("monitors", &good, &[monitored(), watching(), watched(vec![])]);
    check("monitors", &good, &[monitored(), watching(), watched(vec![B, B])]);
    check("monitors", &good, &[watching(), watched(vec![B])]);
}

#[test]
fn aliases_sees_what_comes_through_one_that_is_not_active() {
    let on = || Record::AliasOn { by: B, reference: ONE };
    let off = || Record::AliasOff { by: B, reference: ONE };
    let through = |acted| arrived(1, message(Some(ONE)), acted);
    let good = [on(), through(true), off(), through(false), Record::Ended { pid: B }];
    let one_reply = || Record::ForOneReply { reference: ONE };
    let with_monitor = || Record::WithMonitor { reference: ONE };
    check("aliases", &good, &[one_reply(), on(), through(true), through(true)]);
    check(
        "aliases",
        &[with_monitor(), on(), off(), took_down(B)],
        &[with_monitor(), on(), took_down(B)],
    );
    check("aliases", &good, &[through(true)]);
    check("aliases", &good, &[on(), off(), through(true)]);
    check("aliases", &good, &[on(), on()]);
    check("aliases", &good, &[off()]);
    check("aliases", &good, &[on(), Record::Ended { pid: B }]);
}

#[test]
fn requests_sees_answers_that_are_missing_or_too_many() {
    let asked = || Record::Asked { by: B, reference: ONE };
    let answered = |by| Record::Answered { by, reference: ONE };
    let good = [asked(), answered(B), settled(B, info())];
    check("requests", &good, &[asked(), answered(B), answered(B)]);
    check("requests", &good, &[asked(), answered(A)]);
    check("requests", &good, &[asked(), settled(B, info())]);
    let silent = || Record::Final { pid: B, info: info(), asks: vec![(ONE, A)] };
    check("requests", &[asked(), silent(), settled(A, info())], &[asked(), silent()]);
    let spawn = || Record::SpawnRequested { by: B, reference: ONE };
    let abandoned = Record::SpawnAbandoned { by: B, reference: ONE };
    check("requests", &[spawn(), took_reply(A)], &[spawn(), abandoned, took_reply(A)]);
}

#[test]
fn spawns_sees_a_child_that_ends_before_it_is_announced() {
    let exit = || took(B, Event::Exit { sender: A, reason: Reason::Normal });
    let priority = Record::Linked { by: B, to: A, priority: true };
    check("spawns", &[took_reply(A), exit()], &[exit(), took_reply(A)]);
    check("spawns", &[priority, exit(), took_reply(A)], &[took_down(B), took_reply(A)]);
    let event = Event::Exit { sender: A, reason: Reason::Normal };
    let picked = Record::Took { by: B, picked: true, event };
    check("spawns", &[picked, took_reply(A)], &[exit(), took_reply(A)]);
}

#[test]
fn incarnation_sees_what_comes_from_the_dead_and_the_lost() {
    let here = || arrived(1, Kind::Other, false);
    let lost = || Record::NodeLost { at: THERE, lost: HERE };
    let connected = Record::Connected { one: HERE, other: THERE };
    let restarted = |old| Record::Restarted { old, new: NodeId::from_wire(3) };
    check("incarnation", &[lost(), connected, here()], &[lost(), here()]);
    check("incarnation", &[here(), restarted(THERE)], &[restarted(THERE), here()]);
}

#[test]
fn limits_sees_a_mailbox_that_holds_too_much() {
    let born = || Record::Born { pid: B, mailbox_max: 3 };
    let with = |mailbox| {
        let kind = message(None);
        Record::Arrived { id: 1, time: 0, from: A, to: B, kind, acted: true, mailbox }
    };
    check("limits", &[born(), with(3)], &[born(), with(4)]);
    check("limits", &[born(), with(0)], &[with(0)]);
}
