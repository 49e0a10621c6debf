//! Listings, and where the actors of an id live.

use super::super::testing::*;
use super::super::{AutoConnect, DownReason, Effects, INCARNATIONS_MAX, Settings};
use super::*;

fn names(node: &Node, kinds: &[Nodes]) -> Vec<String> {
    node.nodes(kinds).into_iter().map(|status| status.name).collect()
}

fn find(node: &Node, id: u64) -> Whereabouts {
    node.find(NodeId::from_wire(id))
}

#[test]
fn listings_tell_visible_hidden_and_known_nodes_apart() {
    let mut me = node();
    up(&mut me, 10, &info(A, 2));
    up(&mut me, 11, &hidden("b@box", 3));
    up(&mut me, 12, &info(Z, 4));
    lost(&mut me, 12, DownReason::ConnectionClosed);
    assert_eq!(names(&me, &[Nodes::Visible]), [A]);
    assert_eq!(names(&me, &[Nodes::Hidden]), ["b@box"]);
    assert_eq!(names(&me, &[Nodes::Connected]), [A, "b@box"]);
    assert_eq!(names(&me, &[Nodes::Known]), [ME, A, "b@box", Z]);
    assert_eq!(names(&me, &[Nodes::This, Nodes::Hidden, Nodes::Hidden]), [ME, "b@box"]);
    assert_eq!(names(&me, &[]), [""; 0]);
}

#[test]
fn a_hidden_node_sees_all_connections_as_hidden() {
    let mut me = Node::new(Settings { hidden: true, ..settings() });
    up(&mut me, 10, &info(A, 2));
    assert_eq!(names(&me, &[Nodes::Visible]), [""; 0]);
    assert_eq!(names(&me, &[Nodes::Hidden]), [A]);
}

#[test]
fn a_status_says_what_is_known() {
    let mut me = node_auto(AutoConnect::Once);
    up(&mut me, 10, &hidden(A, 2));
    let status = NodeStatus {
        name: A.to_owned(),
        id: Some(NodeId::from_wire(2)),
        hidden: true,
        conn: Some(10),
        initiated: false,
        barred: false,
        addresses: vec!["a@box:1".to_owned()],
    };
    assert_eq!(me.info(A), Some(status.clone()));
    lost(&mut me, 10, DownReason::ConnectionClosed);
    assert_eq!(me.info(A), Some(NodeStatus { conn: None, barred: true, ..status }));
    assert_eq!(me.info(Z), None);
}

#[test]
fn ids_are_found_where_they_live() {
    let mut me = node();
    assert_eq!(me.find(HERE), Whereabouts::Own);
    assert_eq!(find(&me, 2), Whereabouts::Unknown);
    up(&mut me, 10, &info(A, 2));
    assert_eq!(find(&me, 2), Whereabouts::Connected(10));
    lost(&mut me, 10, DownReason::ConnectionClosed);
    assert_eq!(find(&me, 2), Whereabouts::Known(A.to_owned()));
    up(&mut me, 11, &info(A, 3));
    assert_eq!(find(&me, 2), Whereabouts::Dead);
    assert_eq!(find(&me, 3), Whereabouts::Connected(11));
    let name = |id| me.name_of(NodeId::from_wire(id));
    assert_eq!((name(2), name(3), name(4)), (Some(A), Some(A), None), "also of a former run");
    lost(&mut me, 11, DownReason::ConnectionClosed);
    assert_eq!(find(&me, 2), Whereabouts::Dead);
    assert_eq!(find(&me, 3), Whereabouts::Known(A.to_owned()));
}

#[test]
fn ids_that_others_tell_are_candidates_until_a_connection_decides() {
    let mut me = Node::new(Settings { mesh: true, auto: AutoConnect::Never, ..settings() });
    up(&mut me, 10, &info(A, 2));
    up(&mut me, 11, &info(Z, 3));
    let hear = |me: &mut Node, id| me.heard(10, vec![info(Z, id)], &mut Effects::new());
    hear(&mut me, 4);
    assert_eq!(find(&me, 4), Whereabouts::Dead, "as long as another is connected");
    lost(&mut me, 11, DownReason::ConnectionClosed);
    assert_eq!(find(&me, 3), Whereabouts::Known(Z.to_owned()));
    assert_eq!(find(&me, 4), Whereabouts::Known(Z.to_owned()));
    hear(&mut me, 5);
    assert_eq!(find(&me, 4), Whereabouts::Unknown, "only the last tale is remembered");
    up(&mut me, 12, &info(Z, 5));
    assert_eq!(find(&me, 3), Whereabouts::Dead);
    hear(&mut me, 3);
    lost(&mut me, 12, DownReason::ConnectionClosed);
    assert_eq!(find(&me, 3), Whereabouts::Dead, "what was seen to end stays dead");
    hear(&mut me, 7);
    up(&mut me, 14, &info(Z, 8));
    lost(&mut me, 14, DownReason::ConnectionClosed);
    assert_eq!(find(&me, 7), Whereabouts::Dead, "it was told of before the last one was seen");
    up(&mut me, 13, &info("b@box", 6));
    hear(&mut me, 6);
    assert_eq!(find(&me, 6), Whereabouts::Connected(13), "an id is not talked away");
}

#[test]
fn so_many_former_runs_are_remembered_and_no_more() {
    let mut me = node();
    let last = 10 + INCARNATIONS_MAX as u64;
    for id in 9..=last {
        up(&mut me, id, &info(A, id));
        lost(&mut me, id, DownReason::ConnectionClosed);
    }
    assert_eq!(find(&me, 9), Whereabouts::Unknown);
    assert_eq!(find(&me, 10), Whereabouts::Dead);
    assert_eq!(find(&me, last), Whereabouts::Known(A.to_owned()));
}

#[test]
fn an_id_that_moves_to_another_name_is_that_ones_alone() {
    let mut me = node();
    up(&mut me, 10, &info(A, 2));
    lost(&mut me, 10, DownReason::ConnectionClosed);
    up(&mut me, 11, &info(Z, 2));
    assert_eq!(find(&me, 2), Whereabouts::Connected(11));
    assert_eq!(me.info(A).and_then(|status| status.id), None);
}
