//! Words for the tests of the machine: a node among others, and one line for "this
//! happens to it, and exactly these effects follow".

use std::sync::Arc;

use super::{
    AutoConnect, Conn, DownReason, Effect, Effects, Failure, Interest, Node, NodeChange, NodeEvent,
    NodeInfo, Settings, Want,
};
use crate::id::{NodeId, Pid};

/// The node under test.
pub(super) const ME: &str = "m@box";
/// The id of its run.
pub(super) const HERE: NodeId = NodeId::from_wire(1);
/// A node whose name is smaller.
pub(super) const A: &str = "a@box";
/// A node whose name is greater.
pub(super) const Z: &str = "z@box";

/// What the node under test is, unless a test says otherwise: it tells nobody of others.
pub(super) fn settings() -> Settings {
    Settings {
        name: ME.to_owned(),
        id: HERE,
        hidden: false,
        mesh: false,
        auto: AutoConnect::Always,
        allow: None,
    }
}

/// The node under test.
pub(super) fn node() -> Node {
    Node::new(settings())
}

/// One that dials by itself only as this says.
pub(super) fn node_auto(auto: AutoConnect) -> Node {
    Node::new(Settings { auto, ..settings() })
}

/// The node of a name, in the run of that id.
pub(super) fn info(name: &str, id: u64) -> NodeInfo {
    NodeInfo { name: name.to_owned(), id, hidden: false, addresses: vec![format!("{name}:1")] }
}

/// The same, hidden.
pub(super) fn hidden(name: &str, id: u64) -> NodeInfo {
    NodeInfo { hidden: true, ..info(name, id) }
}

/// What follows when this happens. Says also that the machine is sound afterwards.
pub(super) fn does<T>(
    node: &mut Node,
    event: impl FnOnce(&mut Node, &mut Effects) -> T,
) -> Effects {
    let mut effects = Effects::new();
    event(node, &mut effects);
    assert_eq!(node.inconsistency(), None);
    effects
}

/// What follows when somebody sends to a node.
pub(super) fn wants(node: &mut Node, name: &str) -> Effects {
    does(node, |node, e| assert_eq!(node.want(name, false, e), Want::Pending))
}

/// What follows when somebody explicitly connects to a node.
pub(super) fn connects(node: &mut Node, name: &str) -> Effects {
    does(node, |node, e| assert_eq!(node.want(name, true, e), Want::Pending))
}

/// What follows when a dial is welcomed.
pub(super) fn welcomed(node: &mut Node, attempt: u64, conn: Conn, info: &NodeInfo) -> Effects {
    does(node, |node, e| node.dialed(&info.name, attempt, Ok((conn, info.clone())), e))
}

/// What follows when a dial fails.
pub(super) fn fails(node: &mut Node, name: &str, attempt: u64, reason: Failure) -> Effects {
    does(node, |node, e| node.dialed(name, attempt, Err(reason), e))
}

/// What follows when a node dials this one.
pub(super) fn offered(node: &mut Node, conn: Conn, info: &NodeInfo) -> Effects {
    does(node, |node, e| node.offered(conn, &info.name, NodeId::from_wire(info.id), e))
}

/// What follows when that node says that it keeps the connection.
pub(super) fn accepted(node: &mut Node, conn: Conn, info: &NodeInfo) -> Effects {
    does(node, |node, e| node.accepted(conn, info.clone(), e))
}

/// What follows when a connection ends.
pub(super) fn lost(node: &mut Node, conn: Conn, reason: DownReason) -> Effects {
    does(node, |node, e| node.lost(conn, reason, e))
}

/// Connects that node, which dials. Nothing was there before.
pub(super) fn up(node: &mut Node, conn: Conn, info: &NodeInfo) {
    assert_eq!(offered(node, conn, info), [Effect::Welcome { conn }]);
    assert_eq!(accepted(node, conn, info)[0], kept(conn, info));
}

/// The effect of a dial to a node of which nothing is known.
pub(super) fn dial(name: &str, attempt: u64) -> Effect {
    Effect::Dial { name: name.to_owned(), attempt, addresses: vec![] }
}

/// The effect of a dial to a node that was heard of.
pub(super) fn dial_again(name: &str, attempt: u64) -> Effect {
    Effect::Dial { name: name.to_owned(), attempt, addresses: vec![format!("{name}:1")] }
}

/// The effect of keeping an incoming connection.
pub(super) fn kept(conn: Conn, info: &NodeInfo) -> Effect {
    Effect::Keep { conn, info: info.clone(), initiated: false }
}

/// The effect of keeping a dialled connection.
pub(super) fn kept_own(conn: Conn, info: &NodeInfo) -> Effect {
    Effect::Keep { conn, info: info.clone(), initiated: true }
}

/// The effect of a connection that goes down.
pub(super) fn down(conn: Conn, info: &NodeInfo, reason: DownReason) -> Effect {
    Effect::Down { conn, info: info.clone(), reason }
}

/// The effect of not reaching a node.
pub(super) fn failed(name: &str, reason: Failure) -> Effect {
    Effect::Failed { name: name.to_owned(), reason }
}

/// An actor of the node under test.
pub(super) fn actor(serial: u64) -> Pid {
    Pid { node: HERE, serial }
}

/// This actor subscribes.
pub(super) fn subscribes(node: &mut Node, serial: u64, interest: Interest) {
    assert_eq!(node.subscribe(actor(serial), interest), Ok(()));
}

/// The effect of telling this actor.
pub(super) fn told(serial: u64, info: &NodeInfo, event: NodeEvent) -> Effect {
    let NodeInfo { name, id, hidden, .. } = info.clone();
    let change = NodeChange { name, id: NodeId::from_wire(id), hidden, event };
    Effect::Tell { to: actor(serial), change: Arc::new(change) }
}
