//! Requests whose answers go past the mailbox to the owner: I/O requests to a group
//! leader (OTP, "The Erlang I/O Protocol") and probes.
//!
//! An I/O request is a monitor as well, under the same reference, so the asker
//! learns when the leader ends without a reply.

use std::collections::BTreeMap;

use super::{Effect, Effects, Process};
use crate::id::{NodeId, Pid, Reference};
use crate::signal::{Info, IoReply, IoRequest, Signal};

/// Requests under way, and whom they were sent to.
#[derive(Debug, Default)]
pub(super) struct Pending(BTreeMap<Reference, Pid>);

/// I/O requests under way.
pub(super) type Asks = Pending;
/// Probes under way.
pub(super) type Probes = Pending;

impl Pending {
    /// Requests that are not answered.
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// Whom they were sent to, in the order of their references.
    pub(super) fn targets(&self) -> impl Iterator<Item = (Pid, Reference)> {
        self.0.iter().map(|(reference, to)| (*to, *reference))
    }

    /// Those that were sent to somebody on this node.
    pub(super) fn of_node(&self, node: NodeId) -> Vec<Reference> {
        let of_node = self.targets().filter(|(to, _)| to.node == node);
        of_node.map(|(_, reference)| reference).collect()
    }

    /// Whom this one was sent to, while it is under way.
    pub(super) fn target(&self, reference: Reference) -> Option<Pid> {
        self.0.get(&reference).copied()
    }

    /// The request is over. Whom it was sent to, if it was under way.
    pub(super) fn take(&mut self, reference: Reference) -> Option<Pid> {
        self.0.remove(&reference)
    }
}

impl Process {
    /// Sends a request to an actor as a group leader, and watches that actor under
    /// the same fresh reference. Exactly one [`Effect::Io`] follows, which says
    /// `Terminated` if the leader ends first, unless this process ends before.
    /// Nothing of it is ever in the mailbox.
    pub fn ask_io(
        &mut self,
        leader: Pid,
        reply_as: Reference,
        request: IoRequest,
        effects: &mut Effects,
    ) {
        if self.dying.is_some() || !self.has_room(effects) {
            return;
        }
        self.relations().asks.0.insert(reply_as, leader);
        self.send(leader, Signal::IoRequest { reply_as, request }, effects);
    }

    /// A reply to an I/O request came. Replies after the first find no request.
    pub(super) fn io_replied(
        &mut self,
        reply_as: Reference,
        reply: IoReply,
        effects: &mut Effects,
    ) {
        if let Some(leader) = self.known().and_then(|all| all.asks.take(reply_as)) {
            // Any actor may have replied in the leader's name, so the leader does not
            // know that the request is over.
            self.send(leader, Signal::Demonitor(reply_as), effects);
            self.answer_io(reply_as, reply, effects);
        }
    }

    /// Hands the answer to the owner. A dying guest waits for none.
    pub(super) fn answer_io(&self, reply_as: Reference, reply: IoReply, effects: &mut Effects) {
        if self.dying.is_none() {
            effects.push(Effect::Io(reply_as, reply));
        }
    }

    /// Asks an actor what it is, behind all signals that this process sent it before.
    /// Exactly one [`Effect::Probed`] follows, with nothing if there is no such actor
    /// or its node cannot be reached, unless this process ends before. For itself it
    /// follows at once.
    pub fn probe(&mut self, of: Pid, reference: Reference, effects: &mut Effects) {
        if self.dying.is_some() {
            return;
        }
        if of == self.pid {
            effects.push(Effect::Probed(reference, Some(Box::new(self.info()))));
        } else if self.has_room(effects) {
            self.relations().probes.0.insert(reference, of);
            self.send(of, Signal::Probe(reference), effects);
        }
    }

    /// The answer to a probe came.
    pub(super) fn probed(
        &mut self,
        reference: Reference,
        info: Option<Box<Info>>,
        effects: &mut Effects,
    ) {
        let was_pending = self.known().is_some_and(|all| all.probes.take(reference).is_some());
        if was_pending && self.dying.is_none() {
            effects.push(Effect::Probed(reference, info));
        }
    }
}

#[cfg(test)]
#[path = "requests_test.rs"]
mod tests;
