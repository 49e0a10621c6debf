//! What goes wrong between and on the nodes, and what they notice of it.

use super::network::Route;
use super::trace::Record;
use super::world::{Due, World};
use crate::id::{NodeId, Pid, Reference};
use crate::signal::{Envelope, Signal, SpawnError};

impl World {
    /// Something goes wrong, and later something else, as long as actors act.
    pub(super) fn fault(&mut self) {
        let pairs = self.network.pairs();
        match (self.random.below(4), self.random.pick(&pairs)) {
            (0, Some((one, other))) if self.plan.cuts => self.cut_both(one, other),
            (1, Some((one, other))) if self.plan.cuts => self.cut_one_way(one, other),
            (2, Some((one, other))) if self.plan.cuts => self.cut_one_way(other, one),
            (3, Some((one, _))) if self.plan.restarts => self.restart(one),
            _ => {}
        }
        // Without actors nobody would ever use up the turns.
        if self.turns > 0 && !self.actors.is_empty() {
            let pause = self.random.between(30, 300);
            self.at(pause, Due::Fault);
        }
    }

    /// Nothing passes any more, and each side notices in its own time.
    fn cut_both(&mut self, one: usize, other: usize) {
        let Some(epoch) = self.network.whole(one, other) else { return };
        self.network.cut(one, other);
        self.network.cut(other, one);
        self.notice_later(one, other, epoch, 60);
        self.notice_later(other, one, epoch, 60);
    }

    /// What `from` sends is lost. The other side hears nothing, so it gives up first;
    /// that closes the connection for both.
    fn cut_one_way(&mut self, from: usize, to: usize) {
        let Some(epoch) = self.network.whole(from, to) else { return };
        self.network.cut(from, to);
        let silence = self.random.between(30, 90);
        self.at(silence, Due::Lost { at: to, of: from, epoch });
        let closed = self.random.between(1, 40);
        self.at(silence + closed, Due::Lost { at: from, of: to, epoch });
    }

    fn notice_later(&mut self, at: usize, of: usize, epoch: u64, latest: u64) {
        let later = self.random.between(1, latest);
        self.at(later, Due::Lost { at, of, epoch });
    }

    /// A node crashes: its actors are gone without a word. Another incarnation begins
    /// at its place, which connects once the others have noticed.
    fn restart(&mut self, place: usize) {
        let old = self.network.node(place);
        let new = NodeId::from_wire(self.number());
        self.record(Record::Restarted { old, new });
        for other in 0..self.plan.nodes {
            if other == place {
                continue;
            }
            let Some(epoch) = self.crash_connection(place, other) else { continue };
            self.notice_later(other, place, epoch, 60);
        }
        self.network.restart(place, new);
        self.actors.retain(|pid, _| pid.node != old);
        self.requests.retain(|_, request| request.parent.node != old);
        self.populate(place);
    }

    /// The crashed side of a connection is lost at once. The epoch under which the
    /// other side has still to notice, if it does.
    fn crash_connection(&mut self, place: usize, other: usize) -> Option<u64> {
        let other_node = self.network.node(other);
        let Route::Over { epoch, .. } = self.network.route(place, other_node) else {
            // Lost on this side before: the other side notices as planned.
            return None;
        };
        self.network.cut(place, other);
        self.network.cut(other, place);
        let (_, is_closed) = self.network.lose(place, other, epoch)?;
        if is_closed {
            self.connect_later(place, other);
            return None;
        }
        Some(epoch)
    }

    fn connect_later(&mut self, one: usize, other: usize) {
        let pause = self.random.between(20, 200);
        self.at(pause, Due::Connect(one, other));
    }

    /// Two places connect.
    pub(super) fn connect(&mut self, one: usize, other: usize) {
        self.network.connect(one, other);
        let (one, other) = (self.network.node(one), self.network.node(other));
        self.record(Record::Connected { one, other });
    }

    /// A node notices that a connection is lost: its actors' relations with the other
    /// node end, and so do their spawn requests to it.
    pub(super) fn notice_loss(&mut self, at: usize, of: usize, epoch: u64) {
        let Some((lost, is_closed)) = self.network.lose(at, of, epoch) else { return };
        let node = self.network.node(at);
        self.record(Record::NodeLost { at: node, lost });
        self.fail_requests(node, of, lost);
        let pids: Vec<Pid> = self.actors.keys().copied().filter(|pid| pid.node == node).collect();
        for pid in pids {
            self.tell(pid, |process, effects| process.node_lost(lost, effects));
        }
        if is_closed {
            self.connect_later(at, of);
        }
    }

    /// What this node's actors asked the lost node to spawn may or may not have been
    /// made.
    fn fail_requests(&mut self, node: NodeId, to: usize, lost: NodeId) {
        let failed: Vec<(Reference, Pid)> = self
            .requests
            .iter()
            .filter(|(_, request)| request.parent.node == node && request.to == to)
            .map(|(reference, request)| (*reference, request.parent))
            .collect();
        for (request, parent) in failed {
            self.requests.remove(&request);
            let outcome = Err(SpawnError::NoConnection);
            let from = Pid { node: lost, serial: 0 };
            let signal = Signal::SpawnReply { request, outcome };
            let envelope = Envelope { from, to: parent, signal };
            self.tell(parent, |process, effects| process.signal(envelope, effects));
        }
    }
}
