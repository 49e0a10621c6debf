//! Words for the tests of the machine: a node among others, and one line for "this
//! happens to it, and exactly these effects follow"; and many nodes with one wire.

use std::collections::VecDeque;

use super::{Effect, Effects, Frame, LockId, Locks, Nodes, Outcome, Reason, Task, Wait};
use crate::id::{NodeId, Pid};
use crate::key::Key;

/// The node under test.
pub(super) const ME: NodeId = NodeId::from_wire(10);
/// Another node.
pub(super) const A: NodeId = NodeId::from_wire(20);
/// One more.
pub(super) const B: NodeId = NodeId::from_wire(30);

/// The node under test, connected with these.
pub(super) fn locks(peers: &[NodeId]) -> Locks {
    let mut locks = Locks::new(ME);
    for peer in peers {
        assert_eq!(does(&mut locks, |locks, e| locks.node_up(0, *peer, false, e)), []);
    }
    locks
}

/// What follows when this happens. Says also that the machine is sound afterwards.
pub(super) fn does(locks: &mut Locks, event: impl FnOnce(&mut Locks, &mut Effects)) -> Effects {
    let mut effects = Effects::new();
    event(locks, &mut effects);
    assert_eq!(locks.inconsistency(), None);
    effects
}

/// What follows when this actor of this node asks for something at time 0.
pub(super) fn asks(locks: &mut Locks, request: u64, pid: Pid, id: LockId, task: Task) -> Effects {
    does(locks, |locks, e| locks.request(0, request, pid, id, task, e))
}

/// What follows when another node says this.
pub(super) fn hears(locks: &mut Locks, from: NodeId, frame: Frame) -> Effects {
    does(locks, |locks, e| locks.received(0, from, frame, e))
}

/// An actor.
pub(super) fn pid(node: NodeId, serial: u64) -> Pid {
    Pid { node, serial }
}

/// The lock in most tests, under this requester.
pub(super) fn id(requester: &str) -> LockId {
    lock("lock", requester)
}

/// A lock.
pub(super) fn lock(resource: &str, requester: &str) -> LockId {
    let [resource, requester] =
        [resource, requester].map(|name| Key::new(name.as_bytes()).expect("a key"));
    LockId { resource, requester }
}

/// To be set at all nodes.
pub(super) fn set(wait: Wait) -> Task {
    Task::Set { nodes: Nodes::All, wait }
}

/// To be set at these nodes, as long as it takes.
pub(super) fn set_at(nodes: &[NodeId]) -> Task {
    Task::Set { nodes: Nodes::These(nodes.to_vec()), wait: Wait::Ever }
}

/// To be deleted wherever it is held.
pub(super) fn delete() -> Task {
    Task::Delete { nodes: Nodes::All }
}

/// The effect of sending something.
pub(super) fn send(to: NodeId, frame: Frame) -> Effect {
    Effect::Send { to, frame }
}

/// An actor, whose serial is the ticket, asks at that time of the logical clock, and waits.
pub(super) fn ask(ticket: u64, requester: &str, stamp: u64) -> Frame {
    Frame::Ask { ticket, id: id(requester), serial: ticket, stamp, waits: true }
}

/// The same, but it does not wait.
pub(super) fn try_ask(ticket: u64, requester: &str, stamp: u64) -> Frame {
    Frame::Ask { ticket, id: id(requester), serial: ticket, stamp, waits: false }
}

/// A request is no more.
pub(super) fn release(ticket: u64) -> Frame {
    Frame::Release { ticket, confirm: 0 }
}

/// A request is answered with yes.
pub(super) fn yes(request: u64) -> Effect {
    Effect::Answer { request, outcome: Outcome::Yes }
}

/// A request is answered with no.
pub(super) fn no(request: u64, reason: Reason) -> Effect {
    Effect::Answer { request, outcome: Outcome::No(reason) }
}

/// Connected nodes, whose frames all go through one queue.
pub(super) struct Cluster {
    pub(super) nodes: Vec<Locks>,
    wire: VecDeque<(NodeId, NodeId, Frame)>,
    /// Frames sent so far.
    pub(super) sent: usize,
    /// Requests answered with yes, in order.
    pub(super) granted: Vec<u64>,
}

impl Cluster {
    /// So many nodes, of the ids 0, 1, and so on.
    pub(super) fn new(size: u64) -> Self {
        let ids = (0..size).map(NodeId::from_wire);
        let mut nodes: Vec<Locks> = ids.clone().map(Locks::new).collect();
        for node in &mut nodes {
            for other in ids.clone() {
                node.node_up(0, other, false, &mut Effects::new());
            }
        }
        Self { nodes, wire: VecDeque::new(), sent: 0, granted: Vec::new() }
    }

    /// The actor 1 of this node asks for something.
    pub(super) fn asks(&mut self, node: u64, request: u64, requester: &str, task: Task) {
        let mut effects = Effects::new();
        let pid = pid(NodeId::from_wire(node), 1);
        self.nodes[node as usize].request(0, request, pid, id(requester), task, &mut effects);
        self.carry_out(pid.node, effects);
    }

    /// All that is on its way arrives, and all that follows from it.
    pub(super) fn run(&mut self) {
        while let Some((from, to, frame)) = self.wire.pop_front() {
            let mut effects = Effects::new();
            self.nodes[to.get() as usize].received(0, from, frame, &mut effects);
            self.carry_out(to, effects);
        }
    }

    fn carry_out(&mut self, node: NodeId, effects: Effects) {
        for effect in effects {
            match effect {
                Effect::Send { to, frame } => {
                    self.sent += 1;
                    self.wire.push_back((node, to, frame));
                }
                Effect::Answer { request, outcome: Outcome::Yes } => self.granted.push(request),
                Effect::Watch(_) | Effect::Unwatch(_) => {}
                other => panic!("{other:?}"),
            }
        }
    }
}
