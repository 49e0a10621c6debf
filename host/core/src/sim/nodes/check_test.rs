//! Every rule complains about a trace that breaks it, and only then.

use std::sync::Arc;

use super::*;
use crate::id::NodeId;
use crate::node::{CloseReason, DownReason, Failure, Located, NodeChange};
use crate::wire::{Identified, NodeInfo};

const A: &str = "a@box";
const B: &str = "b@box";

fn at(place: usize, what: What) -> Record {
    Record { time: 0, place, run: 1, what }
}

fn began(place: usize, name: &str, auto: AutoConnect) -> Record {
    let id = NodeId::from_wire(place as u64 + 1);
    let (name, mesh) = (name.to_owned(), true);
    at(place, What::Began(Settings { name, id, hidden: false, mesh, auto, allow: None }))
}

/// The beginning of a trace of two nodes, and then this of the first.
fn trace(auto: AutoConnect, what: &[What]) -> Vec<Record> {
    let beginning = [began(0, A, auto), began(1, B, auto)];
    beginning.into_iter().chain(what.iter().map(|what| at(0, what.clone()))).collect()
}

/// The rule holds for the first and not for the second.
fn tells_apart(rule: Rule, right: &[What], wrong: &[What]) {
    assert_eq!(rule(&trace(AutoConnect::Always, right)), Ok(()));
    assert!(rule(&trace(AutoConnect::Always, wrong)).is_err());
}

fn info() -> NodeInfo {
    NodeInfo { name: B.to_owned(), id: 2, hidden: false, addresses: vec![] }
}

fn did(effect: Effect) -> What {
    What::Did(effect)
}

fn keep(conn: Conn) -> What {
    did(Effect::Keep { conn, info: info(), initiated: true })
}

fn down(conn: Conn) -> What {
    did(Effect::Down { conn, info: info(), reason: DownReason::ConnectionClosed })
}

fn dial() -> What {
    did(Effect::Dial { name: B.to_owned(), attempt: 1, addresses: vec![] })
}

fn failed() -> What {
    did(Effect::Failed { name: B.to_owned(), reason: Failure::Timeout })
}

fn wanted(explicit: bool) -> What {
    What::Wanted { name: B.to_owned(), explicit, want: Want::Pending }
}

fn told(serial: u64, event: NodeEvent) -> What {
    let (name, id) = (B.to_owned(), NodeId::from_wire(2));
    let change = Arc::new(NodeChange { name, id, hidden: false, event });
    did(Effect::Tell { to: Pid { node: NodeId::from_wire(1), serial }, change })
}

fn settled(up: &[(&str, u64)], found: &[(u64, bool, Whereabouts)]) -> What {
    let found = found.iter().map(|(id, lives, whereabouts)| Found {
        name: B.to_owned(),
        id: NodeId::from_wire(*id),
        lives: *lives,
        whereabouts: whereabouts.clone(),
    });
    let up = up.iter().map(|(name, wire)| ((*name).to_owned(), *wire)).collect();
    What::Settled { up, found: found.collect(), complete: true }
}

#[test]
fn agreement_and_both_sides_want_one_wire_with_two_ends() {
    let both = |first: What, second: What| {
        let ends = [at(0, first), at(1, second)];
        let records: Vec<Record> =
            trace(AutoConnect::Always, &[]).into_iter().chain(ends).collect();
        (agreement(&records).is_ok(), both_sides(&records).is_ok())
    };
    let up = |wires: &[(&str, u64)]| settled(wires, &[]);
    assert_eq!(both(up(&[(B, 1)]), up(&[(A, 1)])), (true, true));
    assert_eq!(both(up(&[]), up(&[])), (false, true));
    assert_eq!(both(up(&[(B, 1)]), up(&[])), (false, false));
    assert_eq!(both(up(&[(B, 1)]), up(&[(A, 2)])), (false, false));
    let twice = both(up(&[(B, 1), (B, 2)]), up(&[(A, 1), (A, 2)]));
    assert_eq!(twice, (false, true));
}

#[test]
fn one_at_a_time_wants_a_down_before_the_next_keep_or_dial() {
    tells_apart(one_at_a_time, &[keep(1), down(1), keep(2)], &[keep(1), keep(2)]);
    tells_apart(one_at_a_time, &[keep(1), down(1), dial()], &[keep(1), dial()]);
    tells_apart(one_at_a_time, &[keep(1), down(1)], &[keep(1), down(2)]);
}

#[test]
fn answers_wants_an_end_of_wants_and_dials() {
    let end = settled(&[], &[]);
    tells_apart(answers, &[wanted(false), failed(), end.clone()], &[wanted(false), end.clone()]);
    tells_apart(answers, &[dial(), keep(1), end.clone()], &[dial(), end.clone()]);
    tells_apart(answers, &[wanted(true), What::Ended, end.clone()], &[failed(), dial(), end]);
}

#[test]
fn decisions_wants_something_done_with_each_connection() {
    let close = did(Effect::Close { conn: 1, reason: CloseReason::Abandoned });
    let opened = What::Opened(1);
    tells_apart(decisions, &[opened.clone(), close], &[opened, failed(), What::Left]);
}

#[test]
fn consistency_wants_no_inconsistency() {
    tells_apart(consistency, &[], &[What::Inconsistent(String::new())]);
}

#[test]
fn ends_wants_nothing_about_a_connection_after_its_end() {
    let nodes = did(Effect::Nodes { conn: 1, nodes: vec![] });
    tells_apart(ends, &[keep(1), nodes.clone(), down(1)], &[keep(1), down(1), nodes.clone()]);
    tells_apart(ends, &[What::Lost(1), down(1)], &[down(1), down(1)]);
    tells_apart(ends, &[], &[What::Lost(1), nodes]);
}

#[test]
fn tellings_wants_every_subscription_told_at_once_and_nobody_else() {
    let ups = [1, 3, 4, 4].map(|serial| told(serial, NodeEvent::Up));
    let right = [&[keep(1)], &ups[..], &[What::Left]].concat();
    for left_out in 1..=ups.len() {
        let mut wrong = right.clone();
        wrong.remove(left_out);
        tells_apart(tellings, &right, &wrong);
    }
    tells_apart(tellings, &right, &[&right[..], &ups[..1]].concat());
    tells_apart(tellings, &right, &[&ups[..1], &right[..]].concat());
}

#[test]
fn signals_wants_them_between_keep_and_down() {
    let signal = What::Signal(1);
    tells_apart(signals, &[keep(1), signal.clone()], std::slice::from_ref(&signal));
    tells_apart(signals, &[], &[keep(1), down(1), signal]);
}

#[test]
fn bars_wants_no_dial_that_the_settings_forbid() {
    let holds = |auto, what: &[What]| bars(&trace(auto, what)).is_ok();
    let lost = [keep(1), down(1), dial()];
    assert!(holds(AutoConnect::Always, &lost));
    assert!(!holds(AutoConnect::Once, &lost));
    assert!(holds(AutoConnect::Once, &[dial(), failed(), dial()]));
    assert!(holds(AutoConnect::Once, &[keep(1), down(1), wanted(true), dial()]));
    assert!(!holds(AutoConnect::Never, &[wanted(false), dial()]));
    assert!(holds(AutoConnect::Never, &[wanted(true), dial()]));
    assert!(!holds(AutoConnect::Never, &[wanted(true), dial(), failed(), dial()]));
}

#[test]
fn secrets_wants_hidden_nodes_unknown() {
    let nodes = |hidden| did(Effect::Nodes { conn: 1, nodes: vec![NodeInfo { hidden, ..info() }] });
    let hidden = NodeInfo { hidden: true, ..info() };
    let keep_hidden = did(Effect::Keep { conn: 1, info: hidden, initiated: true });
    tells_apart(secrets, &[nodes(false)], &[nodes(true)]);
    tells_apart(secrets, &[keep(1), nodes(false)], &[keep_hidden, nodes(false)]);
    tells_apart(secrets, &[], &[did(Effect::Nodes { conn: 1, nodes: vec![] })]);
}

#[test]
fn whereabouts_wants_runs_found_where_they_are() {
    let connected = Whereabouts::Connected(1);
    let finds = |id, lives, whereabouts| [keep(1), settled(&[], &[(id, lives, whereabouts)])];
    tells_apart(whereabouts, &finds(2, true, connected.clone()), &finds(2, false, connected));
    tells_apart(
        whereabouts,
        &finds(3, false, Whereabouts::Dead),
        &finds(2, true, Whereabouts::Dead),
    );
    tells_apart(
        whereabouts,
        &finds(3, false, Whereabouts::Unknown),
        &finds(2, false, Whereabouts::Unknown),
    );
}

fn located(id: u64, located: Located) -> What {
    did(Effect::Located { id: NodeId::from_wire(id), located })
}

#[test]
fn questions_wants_each_answered_once_and_by_who_was_asked() {
    let id = NodeId::from_wire(2);
    let (sought, nobody) = (What::Sought(id), located(2, Located::Nobody));
    let end = settled(&[], &[]);
    let right = [sought.clone(), nobody.clone(), end.clone()];
    tells_apart(questions::questions, &right, &[sought.clone(), end]);
    tells_apart(questions::questions, &right, &[sought.clone(), nobody.clone(), nobody]);
    let ask = did(Effect::Ask { id, attempt: 1, conns: vec![1] });
    let kept = [keep(1), sought.clone(), ask.clone()];
    tells_apart(questions::questions, &kept, &[sought, ask]);
    let answer = did(Effect::Answer { conn: 1, id, answer: Identified::Unknown });
    let asked = [keep(1), What::Asked(1, id), answer.clone()];
    tells_apart(questions::questions, &asked, &[keep(1), answer.clone()]);
    tells_apart(questions::questions, &asked, &[What::Asked(1, id), answer]);
}

#[test]
fn truth_wants_ids_given_to_their_nodes_and_no_living_run_dead() {
    let named = |name: &str| [located(2, Located::Name(name.to_owned()))];
    tells_apart(questions::truth, &named(B), &named(A));
    let dead = |id| located(id, Located::Dead);
    let other = NodeInfo { id: 3, ..info() };
    let keep_other = did(Effect::Keep { conn: 1, info: other, initiated: true });
    tells_apart(questions::truth, &[dead(9)], &[dead(2)]);
    tells_apart(questions::truth, &[keep_other, dead(2)], &[keep(1), dead(2)]);
}
