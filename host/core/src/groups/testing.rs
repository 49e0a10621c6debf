//! Words for the tests of the machine: a node among others, and one line for "this
//! happens to it, and exactly these effects follow".

use std::sync::Arc;

use super::{Change, Effect, Effects, Error, Frame, Groups, Members};
use crate::id::{NodeId, Pid, Reference};
use crate::key::Key;

/// The node under test.
pub(super) const ME: NodeId = NodeId::from_wire(10);
/// Another node.
pub(super) const A: NodeId = NodeId::from_wire(20);
/// One more.
pub(super) const B: NodeId = NodeId::from_wire(30);

/// The node under test, with one scope, and connected with these, which told it that they
/// have no members and want to know its own.
pub(super) fn groups(peers: &[NodeId]) -> Groups {
    let mut groups = Groups::new(ME);
    assert_eq!(groups.start(&scope(), &mut Effects::new()), Ok(true));
    for peer in peers {
        let effects = does(&mut groups, |groups, e| groups.node_up(*peer, false, e));
        assert_eq!(effects, [discover(*peer)]);
        let effects = hears(&mut groups, *peer, Frame::Discover { scope: scope() });
        assert_eq!(effects, [send(*peer, sync(0, vec![]))]);
        assert_eq!(hears(&mut groups, *peer, sync(0, vec![])), []);
    }
    groups
}

/// What follows when this happens. Says also that the machine is sound afterwards.
pub(super) fn does(groups: &mut Groups, event: impl FnOnce(&mut Groups, &mut Effects)) -> Effects {
    let mut effects = Effects::new();
    event(groups, &mut effects);
    assert_eq!(groups.inconsistency(), None);
    effects
}

/// What follows when another node says this.
pub(super) fn hears(groups: &mut Groups, from: NodeId, frame: Frame) -> Effects {
    does(groups, |groups, e| groups.received(from, frame, e))
}

/// What follows when these actors of the node under test join.
pub(super) fn join(groups: &mut Groups, serials: &[u64]) -> Effects {
    let pids: Vec<Pid> = serials.iter().map(|serial| me(*serial)).collect();
    does(groups, |groups, e| assert_eq!(groups.join(&scope(), &group(), &pids, e), Ok(())))
}

/// What follows when these actors of the node under test leave, and whether they do.
pub(super) fn leave(groups: &mut Groups, serials: &[u64]) -> (Effects, Result<(), Error>) {
    let pids: Vec<Pid> = serials.iter().map(|serial| me(*serial)).collect();
    let mut left = Ok(());
    let effects = does(groups, |groups, e| left = groups.leave(&scope(), &group(), &pids, e));
    (effects, left)
}

/// The scope in all these tests.
pub(super) fn scope() -> Key {
    Key::new(b"scope").expect("a key")
}

/// The group in all these tests.
pub(super) fn group() -> Key {
    Key::new(b"group").expect("a key")
}

/// An actor of the node under test.
pub(super) fn me(serial: u64) -> Pid {
    Pid { node: ME, serial }
}

/// The members of the group of the node under test, as it sees them.
pub(super) fn members(groups: &Groups) -> Vec<Pid> {
    groups.members(&scope(), &group())
}

/// Members of the group.
pub(super) fn of_group(serials: &[u64]) -> Members {
    vec![(group(), serials.to_vec())]
}

/// All that a node says of its members, in one part.
pub(super) fn sync(version: u64, members: Members) -> Frame {
    Frame::Sync { scope: scope(), version, first: true, last: true, members }
}

/// Actors joined or left.
pub(super) fn change(version: u64, joined: bool, serials: &[u64]) -> Frame {
    Frame::Change { scope: scope(), version, joined, members: of_group(serials) }
}

/// The effect of sending something.
pub(super) fn send(to: NodeId, frame: Frame) -> Effect {
    Effect::Send { to, frame }
}

/// The effect of asking for everything.
pub(super) fn discover(to: NodeId) -> Effect {
    send(to, Frame::Discover { scope: scope() })
}

/// A monitor of the actor of this serial.
pub(super) fn monitor(serial: u64) -> Reference {
    Reference { node: ME, serial }
}

/// The event of that monitor.
pub(super) fn told(serial: u64, joined: bool, node: NodeId, serials: &[u64]) -> Effect {
    let members = serials.iter().map(|serial| Pid { node, serial: *serial }).collect();
    let change = Change { scope: scope(), group: group(), joined, members };
    Effect::Tell { to: me(serial), reference: monitor(serial), change: Arc::new(change) }
}
