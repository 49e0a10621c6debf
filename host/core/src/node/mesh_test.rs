//! One event in, exactly these effects out: what nodes tell each other of others.

use super::super::testing::*;
use super::*;
use crate::node::{AutoConnect, DownReason, NODES_KNOWN_MAX, Settings, Whereabouts};

fn meshed() -> Node {
    Node::new(Settings { mesh: true, ..settings() })
}

fn tells(conn: Conn, nodes: &[NodeInfo]) -> Effect {
    Effect::Nodes { conn, nodes: nodes.to_vec() }
}

fn heard(node: &mut Node, conn: Conn, nodes: &[NodeInfo]) -> Effects {
    does(node, |node, e| node.heard(conn, nodes.to_vec(), e))
}

#[test]
fn a_new_visible_node_and_the_others_are_told_of_each_other() {
    let mut me = meshed();
    let [a, b, z] = [info(A, 2), info("b@box", 3), info(Z, 4)];
    offered(&mut me, 10, &a);
    assert_eq!(accepted(&mut me, 10, &a), [kept(10, &a)], "there are no others");
    up(&mut me, 11, &b);
    offered(&mut me, 12, &z);
    let effects = accepted(&mut me, 12, &z);
    let told = [
        tells(12, &[a, b]),
        tells(10, std::slice::from_ref(&z)),
        tells(11, std::slice::from_ref(&z)),
    ];
    assert_eq!(effects, [&[kept(12, &z)], &told[..]].concat());
}

#[test]
fn nobody_is_told_of_hidden_nodes_nor_are_they() {
    let mut me = meshed();
    up(&mut me, 10, &hidden(A, 2));
    up(&mut me, 11, &info("b@box", 3));
    offered(&mut me, 12, &info(Z, 4));
    let effects = accepted(&mut me, 12, &info(Z, 4));
    let told = [tells(12, &[info("b@box", 3)]), tells(11, &[info(Z, 4)])];
    assert_eq!(effects, [&[kept(12, &info(Z, 4))], &told[..]].concat());
    offered(&mut me, 13, &hidden("y@box", 5));
    let effects = accepted(&mut me, 13, &hidden("y@box", 5));
    assert_eq!(effects, [kept(13, &hidden("y@box", 5))]);
}

#[test]
fn hidden_nodes_and_nodes_without_mesh_tell_and_hear_nothing() {
    for settings in [settings(), Settings { hidden: true, mesh: true, ..settings() }] {
        let mut me = Node::new(settings);
        up(&mut me, 10, &info(A, 2));
        offered(&mut me, 11, &info(Z, 3));
        assert_eq!(accepted(&mut me, 11, &info(Z, 3)), [kept(11, &info(Z, 3))]);
        assert_eq!(heard(&mut me, 10, &[info("b@box", 4)]), []);
        assert_eq!(me.info("b@box"), None);
    }
}

#[test]
fn a_node_dials_those_that_it_is_told_of_and_does_not_have() {
    let mut me = meshed();
    up(&mut me, 10, &info(A, 2));
    connects(&mut me, "c@box");
    let told = [info(A, 2), info(ME, 9), info("b@box", 4), info("c@box", 5), info(Z, 6)];
    assert_eq!(heard(&mut me, 10, &told), [dial_again("b@box", 2), dial_again(Z, 3)]);
}

#[test]
fn nonsense_is_not_believed() {
    let mut me =
        Node::new(Settings { allow: Some(vec![A.into(), Z.into()]), mesh: true, ..settings() });
    up(&mut me, 10, &info(A, 2));
    let hidden = NodeInfo { hidden: true, ..info(Z, 3) };
    let strangers = [info("b@box", 4), info("../../z@box", 4), info("z@box.example.org", 4)];
    let ids = [info(Z, 0), info(Z, ID_END), info(Z, HERE.get())];
    assert_eq!(heard(&mut me, 10, &[&[hidden], &strangers[..], &ids[..]].concat()), []);
    assert_eq!(heard(&mut me, 99, &[info(Z, 3)]), [], "no such connection");
    assert_eq!(me.info(Z), None);
}

#[test]
fn only_what_a_kept_visible_connection_tells_is_heard() {
    let mut me = meshed();
    offered(&mut me, 10, &info(A, 2));
    assert_eq!(heard(&mut me, 10, &[info(Z, 3)]), [], "not kept yet");
    up(&mut me, 11, &hidden("b@box", 4));
    assert_eq!(heard(&mut me, 11, &[info(Z, 3)]), []);
}

#[test]
fn being_told_lifts_no_bar() {
    for auto in [AutoConnect::Once, AutoConnect::Never] {
        let mut me = Node::new(Settings { auto, mesh: true, ..settings() });
        up(&mut me, 10, &info(A, 2));
        up(&mut me, 11, &info(Z, 3));
        lost(&mut me, 11, DownReason::ConnectionClosed);
        assert_eq!(heard(&mut me, 10, &[info(Z, 3)]), []);
    }
}

#[test]
fn many_nodes_are_told_in_parts_and_more_than_one_part_at_once_is_not_heard() {
    let mut me = meshed();
    let many: Vec<NodeInfo> = (0..300).map(|n| info(&format!("n{n:03}@box"), 100 + n)).collect();
    for (conn, info) in (1000..).zip(&many) {
        up(&mut me, conn, info);
    }
    offered(&mut me, 10, &info(A, 2));
    let effects = accepted(&mut me, 10, &info(A, 2));
    let (first, second) = many.split_at(NODES_PER_FRAME_MAX);
    assert_eq!(effects[1..3], [tells(10, first), tells(10, second)]);
    assert_eq!(effects.len(), 3 + many.len());
    let mut other = meshed();
    up(&mut other, 10, &info(A, 2));
    assert_eq!(heard(&mut other, 10, &many).len(), NODES_PER_FRAME_MAX);
}

#[test]
fn what_others_tell_does_not_displace_what_is_connected() {
    let mut me = meshed();
    up(&mut me, 10, &info(A, 2));
    up(&mut me, 11, &info(Z, 3));
    let moved = NodeInfo { addresses: vec!["elsewhere:1".to_owned()], ..info(Z, 4) };
    assert_eq!(heard(&mut me, 10, &[moved]), []);
    assert_eq!(me.find(NodeId::from_wire(3)), Whereabouts::Connected(11));
    assert_eq!(me.info(Z).map(|status| status.addresses), Some(vec!["z@box:1".to_owned()]));
}

#[test]
fn a_flood_of_names_makes_the_oldest_forgotten_and_nothing_grow() {
    let mut me = Node::new(Settings { auto: AutoConnect::Never, mesh: true, ..settings() });
    up(&mut me, 10, &info(A, 2));
    up(&mut me, 11, &info(Z, 3));
    lost(&mut me, 11, DownReason::ConnectionClosed);
    for n in 0..NODES_KNOWN_MAX as u64 {
        me.heard(10, vec![info(&format!("n{n}@box"), 100 + n)], &mut Effects::new());
    }
    assert_eq!(heard(&mut me, 10, &[info("y@box", 5)]), []);
    assert_eq!(me.nodes(&[crate::node::Nodes::Known]).len(), NODES_KNOWN_MAX + 1);
    assert_eq!(me.info(Z), None);
    assert_eq!(me.find(NodeId::from_wire(3)), Whereabouts::Unknown);
    assert_eq!(me.connection(A), Some(10), "what is connected stays");
}
