//! One event in, exactly these effects out: whose an unknown id is.

use super::super::testing::*;
use super::*;
use crate::node::{AutoConnect, Failure, NODES_KNOWN_MAX, Settings};

/// An id that the node under test has never heard of.
const LOST: NodeId = NodeId::from_wire(77);

fn seeks(node: &mut Node, id: NodeId) -> Effects {
    does(node, |node, e| node.locate(id, e))
}

fn answers(node: &mut Node, conn: Conn, answer: Identified) -> Effects {
    does(node, |node, e| node.answered(conn, LOST, answer, e))
}

fn asks(attempt: u64, conns: &[Conn]) -> Effect {
    Effect::Ask { id: LOST, attempt, conns: conns.to_vec() }
}

fn located(located: Located) -> Effect {
    Effect::Located { id: LOST, located }
}

fn named(name: &str) -> Effect {
    located(Located::Name(name.to_owned()))
}

fn is(name: &str) -> Identified {
    Identified::Node(info(name, LOST.get()))
}

fn violation(conn: Conn, info: &NodeInfo) -> Effect {
    let text = "it answers a question that it was not asked".to_owned();
    down(conn, info, DownReason::Violation(text))
}

/// A node with two connections: 10 to a node that is visible, 11 to a hidden one.
fn between(settings: Settings) -> Node {
    let mut me = Node::new(settings);
    up(&mut me, 10, &info(A, 2));
    up(&mut me, 11, &hidden("b@box", 3));
    me
}

#[test]
fn everybody_connected_is_asked_once_and_the_node_that_is_named_is_dialled() {
    let mut me = between(settings());
    assert_eq!(seeks(&mut me, LOST), [asks(1, &[10, 11])]);
    assert_eq!(seeks(&mut me, LOST), [], "it is asked for already");
    assert_eq!(answers(&mut me, 10, Identified::Unknown), []);
    let dialled = Effect::Dial { name: Z.into(), attempt: 1, addresses: vec!["z@box:1".into()] };
    assert_eq!(answers(&mut me, 11, is(Z)), [named(Z), dialled]);
    assert_eq!(me.find(LOST), Whereabouts::Known(Z.to_owned()));
    assert_eq!(does(&mut me, |me, e| me.ask_over(LOST, 1, e)), [], "it was answered");
    assert_eq!(welcomed(&mut me, 1, 12, &info(Z, 77))[0], kept_own(12, &info(Z, 77)));
}

#[test]
fn what_nobody_knows_is_nobodys_at_the_last_answer() {
    let mut me = between(settings());
    seeks(&mut me, LOST);
    assert_eq!(answers(&mut me, 11, Identified::Unknown), []);
    assert_eq!(answers(&mut me, 10, Identified::Unknown), [located(Located::Nobody)]);
    assert_eq!(seeks(&mut me, LOST), [asks(2, &[10, 11])], "somebody may know meanwhile");
}

#[test]
fn a_former_run_is_dead_whoever_says_so() {
    let mut me = between(settings());
    seeks(&mut me, LOST);
    assert_eq!(answers(&mut me, 10, Identified::Dead), [located(Located::Dead)]);
    assert_eq!(answers(&mut me, 11, Identified::Unknown), [], "that is settled");
    // A known name whose current run is another one.
    seeks(&mut me, LOST);
    assert_eq!(answers(&mut me, 10, is("b@box")), [located(Located::Dead)]);
    assert_eq!(seeks(&mut me, LOST), [located(Located::Dead)], "nobody is asked again");
    // A former run of this very node.
    let mut me = between(settings());
    seeks(&mut me, LOST);
    assert_eq!(answers(&mut me, 10, is(ME)), [located(Located::Dead)]);
}

#[test]
fn without_an_answer_the_time_ends_the_question() {
    let mut me = between(settings());
    seeks(&mut me, LOST);
    assert_eq!(does(&mut me, |me, e| me.ask_over(LOST, 7, e)), [], "another question's time");
    assert_eq!(does(&mut me, |me, e| me.ask_over(LOST, 1, e)), [located(Located::Nobody)]);
    // Who is late is not asked twice, and its answer still counts.
    assert_eq!(seeks(&mut me, LOST), [asks(2, &[])]);
    assert_eq!(answers(&mut me, 10, is(Z))[0], named(Z));
    assert_eq!(answers(&mut me, 11, Identified::Unknown), [], "late, and too late");
}

#[test]
fn a_late_answer_is_learned_from_and_wakes_nobody() {
    let mut me = between(settings());
    seeks(&mut me, LOST);
    does(&mut me, |me, e| me.ask_over(LOST, 1, e));
    assert_eq!(answers(&mut me, 10, is(Z)), []);
    assert_eq!(me.find(LOST), Whereabouts::Known(Z.to_owned()));
}

#[test]
fn nobody_is_left_to_answer_when_the_last_who_was_asked_is_lost() {
    let mut me = between(settings());
    seeks(&mut me, LOST);
    let closed = DownReason::ConnectionClosed;
    assert_eq!(lost(&mut me, 10, closed.clone()), [down(10, &info(A, 2), closed.clone())]);
    let last = [down(11, &hidden("b@box", 3), closed.clone()), located(Located::Nobody)];
    assert_eq!(lost(&mut me, 11, closed), last);
    assert_eq!(seeks(&mut me, LOST), [located(Located::Nobody)], "nobody is connected");
}

#[test]
fn an_id_that_becomes_known_meanwhile_is_located_before_its_node_is_up() {
    let mut me = between(settings());
    seeks(&mut me, LOST);
    offered(&mut me, 12, &info(Z, 77));
    assert_eq!(accepted(&mut me, 12, &info(Z, 77)), [named(Z), kept(12, &info(Z, 77))]);
    // By hearsay.
    let mut me = between(Settings { mesh: true, ..settings() });
    seeks(&mut me, LOST);
    let heard = does(&mut me, |me, e| me.heard(10, vec![info(Z, 77)], e));
    assert_eq!(heard, [named(Z), dial_again(Z, 1)]);
}

#[test]
fn whom_the_settings_forbid_is_not_dialled() {
    let mut me = between(Settings { auto: AutoConnect::Never, ..settings() });
    seeks(&mut me, LOST);
    assert_eq!(answers(&mut me, 10, is(Z)), [named(Z), failed(Z, Failure::NotAutomatic)]);
    let mut me = between(Settings { auto: AutoConnect::Once, ..settings() });
    up(&mut me, 12, &info(Z, 4));
    lost(&mut me, 12, DownReason::ConnectionClosed);
    seeks(&mut me, LOST);
    assert_eq!(answers(&mut me, 10, is(Z)), [named(Z), failed(Z, Failure::Barred)]);
}

#[test]
fn a_name_with_which_this_node_has_nothing_to_do_is_no_answer() {
    let allow = Some(vec![A.to_owned(), "b@box".to_owned()]);
    for name in [Z, "z@box.example.org", "../../z@box"] {
        let mut me = between(Settings { allow: allow.clone(), ..settings() });
        seeks(&mut me, LOST);
        assert_eq!(answers(&mut me, 10, is(name)), []);
        assert_eq!(answers(&mut me, 11, is(name)), [located(Located::Nobody)]);
        assert_eq!(me.info(name), None);
    }
}

#[test]
fn an_answer_moves_no_node_that_is_known() {
    let mut me = between(settings());
    up(&mut me, 12, &info(Z, 4));
    lost(&mut me, 12, DownReason::ConnectionClosed);
    seeks(&mut me, LOST);
    let elsewhere = NodeInfo { addresses: vec!["elsewhere:1".into()], ..info(Z, 77) };
    assert_eq!(answers(&mut me, 10, Identified::Node(elsewhere)), [named(Z), dial_again(Z, 1)]);
}

#[test]
fn whoever_answers_what_it_was_not_asked_has_broken_a_rule() {
    let mut me = between(settings());
    assert_eq!(answers(&mut me, 10, is(Z)), [violation(10, &info(A, 2))]);
    assert_eq!(me.info(Z), None, "nothing is learned from it");
    seeks(&mut me, LOST);
    answers(&mut me, 11, Identified::Unknown);
    let twice = answers(&mut me, 11, is(Z));
    assert_eq!(twice, [violation(11, &hidden("b@box", 3))]);
    assert_eq!(answers(&mut me, 99, is(Z)), [], "no such connection");
}

#[test]
fn what_is_asked_at_one_time_has_limits() {
    let mut me = between(settings());
    for n in 0..QUESTIONS_MAX as u64 {
        assert_eq!(seeks(&mut me, NodeId::from_wire(100 + n)).len(), 1);
    }
    assert_eq!(seeks(&mut me, LOST), [located(Located::Nobody)]);
    for n in 0..QUESTIONS_MAX as u64 {
        does(&mut me, |me, e| me.ask_over(NodeId::from_wire(100 + n), n + 1, e));
    }
    // None of them has answered anything.
    assert_eq!(seeks(&mut me, LOST), [located(Located::Nobody)]);
    up(&mut me, 12, &info(Z, 4));
    let attempt = QUESTIONS_MAX as u64 + 1;
    assert_eq!(seeks(&mut me, LOST), [asks(attempt, &[12])]);
}

#[test]
fn what_is_no_id_is_nobodys() {
    let mut me = between(settings());
    for id in [0, ID_END, u64::MAX].map(NodeId::from_wire) {
        let nobody = Effect::Located { id, located: Located::Nobody };
        assert_eq!(seeks(&mut me, id), [nobody]);
    }
}

#[test]
fn a_node_that_leaves_asks_no_more() {
    let mut me = between(settings());
    seeks(&mut me, LOST);
    assert_eq!(does(&mut me, |me, e| assert!(me.stop(e)))[0], located(Located::Nobody));
    assert_eq!(seeks(&mut me, LOST), [located(Located::Nobody)]);
}

#[test]
fn who_asks_is_told_what_this_node_knows_and_nobody_else_is_asked() {
    let mut me = between(settings());
    up(&mut me, 12, &info(Z, 4));
    lost(&mut me, 12, DownReason::ConnectionClosed);
    let told = |me: &mut Node, conn, id| {
        let id = NodeId::from_wire(id);
        let effects = does(me, |me, e| me.asked(conn, id, e));
        match &effects[..] {
            [Effect::Answer { conn: to, id: of, answer }] if (*to, *of) == (conn, id) => {
                answer.clone()
            }
            other => panic!("{other:?} instead of an answer"),
        }
    };
    assert_eq!(told(&mut me, 10, 77), Identified::Unknown);
    assert_eq!(told(&mut me, 10, HERE.get()), Identified::Unknown, "it is connected with it");
    // Hidden nodes ask and are told of, too: whoever asks has a pid of it.
    assert_eq!(told(&mut me, 10, 3), Identified::Node(hidden("b@box", 3)));
    assert_eq!(told(&mut me, 11, 2), Identified::Node(info(A, 2)));
    assert_eq!(told(&mut me, 11, 4), Identified::Node(info(Z, 4)), "it was connected");
    up(&mut me, 13, &info(Z, 5));
    assert_eq!(told(&mut me, 10, 4), Identified::Dead);
    assert_eq!(told(&mut me, 10, 5), Identified::Node(info(Z, 5)));
    assert_eq!(does(&mut me, |me, e| me.asked(99, LOST, e)), [], "no such connection");
    offered(&mut me, 14, &info("c@box", 6));
    assert_eq!(does(&mut me, |me, e| me.asked(14, LOST, e)), [], "not kept yet");
}

#[test]
fn answers_make_nothing_grow() {
    let mut me = between(Settings { auto: AutoConnect::Never, ..settings() });
    for n in 0..2 * NODES_KNOWN_MAX as u64 {
        let id = NodeId::from_wire(100 + n);
        seeks_and_hears(&mut me, id, &format!("n{n}@box"));
    }
    assert_eq!(me.nodes(&[crate::node::Nodes::Known]).len(), NODES_KNOWN_MAX + 1);
    assert_eq!(me.connection(A), Some(10), "what is connected stays");
}

fn seeks_and_hears(node: &mut Node, id: NodeId, name: &str) {
    let mut effects = Effects::new();
    node.locate(id, &mut effects);
    node.answered(10, id, Identified::Node(info(name, id.get())), &mut effects);
    node.answered(11, id, Identified::Unknown, &mut effects);
}
