//! Requests: whose node carries them out, and the removal of names.

use std::collections::BTreeSet;

use super::jobs::Reply;
use super::{
    Due, Effect, Effects, Frame, Names, Outcome, REQUESTS_PER_NODE_MAX, Reason, Registration, Task,
};
use crate::id::NodeId;
use crate::key::Key;

/// A request that another node carries out.
#[derive(Debug)]
pub(super) struct Asked {
    node: NodeId,
    due: u64,
    /// Whether it is done, too, when that node is lost.
    is_removal: bool,
}

/// A name that was given up. Somebody waits for all nodes to know.
#[derive(Debug)]
pub(super) struct Removal {
    pub(super) waiting: BTreeSet<NodeId>,
    reply: Reply,
    due: u64,
}

impl Names {
    /// This node asks for something.
    pub(super) fn asks(
        &mut self,
        request: u64,
        key: Key,
        task: Task,
        deadline: u64,
        effects: &mut Effects,
    ) {
        let owner = match task {
            Task::Register(Registration { pid, .. }) => Some(pid.node),
            // Who proposes to have it may have it for certain already, and have said so to
            // its actor: what its node says of that is on its way.
            Task::Unregister => self.whereis(&key).map(|pid| pid.node),
        };
        let outcome = match owner {
            None => Outcome::Yes,
            Some(node) if node == self.own => {
                self.carry_out(key, task, Reply::Here(request), deadline, effects);
                return;
            }
            Some(node) if !self.peers.contains_key(&node) => Outcome::No(Reason::NoConnection),
            Some(_) if self.asked.len() >= REQUESTS_PER_NODE_MAX => Outcome::No(Reason::Limit),
            Some(node) => {
                let is_removal = task == Task::Unregister;
                self.asked.insert(request, Asked { node, due: deadline, is_removal });
                self.dues.insert((deadline, Due::Asked(request)));
                let wait_ms = deadline.saturating_sub(self.now);
                let frame = Frame::Ask { request, key, task, wait_ms };
                effects.push(Effect::Send { to: node, frame });
                return;
            }
        };
        effects.push(Effect::Answer { request, outcome });
    }

    /// Another node asks for something about this node's actors.
    pub(super) fn asked_by(
        &mut self,
        from: NodeId,
        request: u64,
        key: Key,
        task: Task,
        wait_ms: u64,
        effects: &mut Effects,
    ) {
        let reply = Reply::To(from, request);
        let is_foreign = match task {
            Task::Register(Registration { pid, .. }) => pid.node != self.own,
            Task::Unregister => false,
        };
        if is_foreign {
            self.reply(reply, Outcome::No(Reason::NoProc), effects);
            return;
        }
        let deadline = self.now.saturating_add(wait_ms);
        self.carry_out(key, task, reply, deadline, effects);
    }

    fn carry_out(
        &mut self,
        key: Key,
        task: Task,
        reply: Reply,
        deadline: u64,
        effects: &mut Effects,
    ) {
        match task {
            Task::Register(registration) => self.start(key, registration, reply, deadline, effects),
            Task::Unregister => self.unregister(&key, reply, deadline, effects),
        }
    }

    /// This node's claim on the name, if it has one, is given up.
    fn unregister(&mut self, key: &Key, reply: Reply, due: u64, effects: &mut Effects) {
        let is_owner = self.table.get(self.own, key).is_some();
        if !is_owner || self.removals.len() >= REQUESTS_PER_NODE_MAX {
            let outcome = if is_owner { Outcome::No(Reason::Limit) } else { Outcome::Yes };
            self.reply(reply, outcome, effects);
            return;
        }
        let ticket = self.number();
        self.drop_own(key, ticket, effects);
        self.settle(key, effects);
        let waiting: BTreeSet<NodeId> = self.peers.keys().copied().collect();
        if waiting.is_empty() {
            self.reply(reply, Outcome::Yes, effects);
            return;
        }
        self.removals.insert(ticket, Removal { waiting, reply, due });
        self.dues.insert((due, Due::Removal(ticket)));
    }

    /// All nodes know that the name was given up, or it took too long.
    pub(super) fn removed(&mut self, ticket: u64, outcome: Outcome, effects: &mut Effects) {
        if let Some(Removal { reply, due, .. }) = self.removals.remove(&ticket) {
            self.dues.remove(&(due, Due::Removal(ticket)));
            self.reply(reply, outcome, effects);
        }
    }

    /// Another node carried out what it was asked for, or did not.
    pub(super) fn answered(
        &mut self,
        from: NodeId,
        request: u64,
        outcome: Outcome,
        effects: &mut Effects,
    ) {
        if self.asked.get(&request).is_some_and(|asked| asked.node == from) {
            self.answer(request, outcome, effects);
        }
    }

    /// A node is gone that was asked for something.
    pub(super) fn asked_in_vain(&mut self, node: NodeId, effects: &mut Effects) {
        let asked = self.asked.iter().filter(|(_, asked)| asked.node == node);
        let requests: Vec<(u64, bool)> =
            asked.map(|(request, asked)| (*request, asked.is_removal)).collect();
        for (request, is_removal) in requests {
            // What it owned went with it.
            let no = Outcome::No(Reason::NoConnection);
            self.answer(request, if is_removal { Outcome::Yes } else { no }, effects);
        }
    }

    fn answer(&mut self, request: u64, outcome: Outcome, effects: &mut Effects) {
        if let Some(asked) = self.asked.remove(&request) {
            self.dues.remove(&(asked.due, Due::Asked(request)));
            effects.push(Effect::Answer { request, outcome });
        }
    }
}

#[cfg(test)]
#[path = "ask_test.rs"]
mod tests;
