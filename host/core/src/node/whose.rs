//! Whose an id is that this node has never heard of: it asks the nodes that it is
//! connected with, and these answer from what they know themselves.
//!
//! ```text
//! locate -> Ask ----- who is 7? ------------> asked -> Answer
//!                <--- that is z@box --------- |
//! answered -> Located(Name), and the dial
//! ```
//!
//! Every [`Node::locate`] ends in one [`Effect::Located`]: with the first answer that says
//! something, or when nobody is left who might answer, or when the ask time is over.
//!
//! A question goes one hop and is never passed on, so one question cannot become many.
//! Hidden nodes ask, answer and are told of as all others: whoever asks has a pid of that
//! node, and in Erlang a pid names its node. What the mesh tells is not touched by that.

use std::collections::{BTreeMap, BTreeSet};

use super::peers::{Seen, bounded_addresses};
use super::{Conn, DownReason, Effect, Effects, Node, NodeInfo, Whereabouts};
use crate::id::{ID_END, NodeId};
use crate::wire::Identified;

/// The most ids that a node asks for at one time, and the most questions without an answer
/// over one connection. Who sends to one more hears at once that it is nobody's, and a
/// node that has left so many unanswered is not asked.
pub const QUESTIONS_MAX: usize = 64;

/// What came of asking for an id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Located {
    /// The node of this name has it, as far as is known. It is wanted now, so that
    /// [`Effect::Keep`] or [`Effect::Failed`] with its name comes if it is not connected.
    Name(String),
    /// It is that of a former run of a node.
    Dead,
    /// Nobody knows.
    Nobody,
}

/// The ids that are asked for.
#[derive(Debug, Default)]
pub(super) struct Questions {
    open: BTreeMap<NodeId, Question>,
    /// Questions so far.
    attempts: u64,
}

#[derive(Debug)]
struct Question {
    attempt: u64,
    /// Connections by which an answer may come.
    waits: BTreeSet<Conn>,
}

/// Asking.
impl Node {
    /// Somebody sends to an actor of this id, which is unknown. Nothing happens if it is
    /// asked for already.
    pub fn locate(&mut self, id: NodeId, effects: &mut Effects) {
        if self.questions.open.contains_key(&id) {
            return;
        }
        let located = match self.known(id) {
            Some(located) => located,
            None if !self.ask(id, effects) => Located::Nobody,
            None => return,
        };
        self.located(id, located, effects);
    }

    /// The time for the answers to this [`Effect::Ask`] is over. Nothing happens if it was
    /// answered.
    pub fn ask_over(&mut self, id: NodeId, attempt: u64, effects: &mut Effects) {
        if self.questions.open.get(&id).is_some_and(|question| question.attempt == attempt) {
            self.located(id, Located::Nobody, effects);
        }
    }

    /// The other end of a connection answered [`Effect::Ask`]. One that was not asked has
    /// broken a rule. An answer that comes late is learned from, and nothing more.
    pub fn answered(&mut self, conn: Conn, id: NodeId, answer: Identified, effects: &mut Effects) {
        let Some(name) = self.conns.get(&conn).cloned() else { return };
        let up = self.peers.get_mut(&name).and_then(|peer| peer.up.as_mut());
        let Some(up) = up.filter(|up| up.conn == conn) else { return };
        if !up.asked.remove(&id) {
            let text = "it answers a question that it was not asked".to_owned();
            self.down(&name, DownReason::Violation(text), effects);
            return;
        }
        let says = match answer {
            Identified::Unknown => None,
            Identified::Dead => Some(Located::Dead),
            Identified::Node(info) => self.learn(id, info),
        };
        let Some(question) = self.questions.open.get_mut(&id) else { return };
        question.waits.remove(&conn);
        match says {
            Some(located) => self.located(id, located, effects),
            None if question.waits.is_empty() => self.located(id, Located::Nobody, effects),
            None => {}
        }
    }

    /// Asks everybody who is connected. False if nobody can answer, or too much is asked
    /// for already.
    fn ask(&mut self, id: NodeId, effects: &mut Effects) -> bool {
        let is_id = (1..ID_END).contains(&id.get());
        if self.settings.is_none() || !is_id || self.questions.open.len() >= QUESTIONS_MAX {
            return false;
        }
        let (mut waits, mut conns) = (BTreeSet::new(), Vec::new());
        for up in self.peers.ups_mut() {
            if up.asked.contains(&id) {
                // Asked before, and late with its answer.
                waits.insert(up.conn);
            } else if up.asked.len() < QUESTIONS_MAX {
                up.asked.insert(id);
                waits.insert(up.conn);
                conns.push(up.conn);
            }
        }
        if waits.is_empty() {
            return false;
        }
        self.questions.attempts += 1;
        let attempt = self.questions.attempts;
        self.questions.open.insert(id, Question { attempt, waits });
        effects.push(Effect::Ask { id, attempt, conns });
        true
    }

    /// What another node says of an id, as far as it can be so.
    fn learn(&mut self, id: NodeId, info: NodeInfo) -> Option<Located> {
        let own = self.may_meet(&info.name).ok()?;
        if own.name == info.name {
            // The ids of all nodes differ, so it was a former run of this one.
            return (id != self.id).then_some(Located::Dead);
        }
        let (name, peer) = self.peers.touch(&info.name)?;
        if peer.addresses.is_empty() {
            peer.addresses = bounded_addresses(info.addresses);
        }
        self.peers.told_id(&name, id);
        self.known(id)
    }

    /// Where the actors of an id are, if that is known.
    fn known(&self, id: NodeId) -> Option<Located> {
        match self.find(id) {
            Whereabouts::Unknown => None,
            Whereabouts::Own => Some(Located::Nobody),
            Whereabouts::Dead => Some(Located::Dead),
            Whereabouts::Known(name) => Some(Located::Name(name)),
            Whereabouts::Connected(_) => {
                self.name_of(id).map(|name| Located::Name(name.to_owned()))
            }
        }
    }

    /// The question for an id, if there is one, is over.
    fn located(&mut self, id: NodeId, located: Located, effects: &mut Effects) {
        self.questions.open.remove(&id);
        let wanted = match &located {
            Located::Name(name) => Some(name.clone()),
            Located::Dead | Located::Nobody => None,
        };
        effects.push(Effect::Located { id, located });
        if let Some(name) = wanted {
            self.want(&name, false, effects);
        }
    }

    /// This id has become known by other ways.
    pub(super) fn became_known(&mut self, id: NodeId, effects: &mut Effects) {
        if self.questions.open.contains_key(&id)
            && let Some(located) = self.known(id)
        {
            self.located(id, located, effects);
        }
    }

    /// No answer comes by this connection any more.
    pub(super) fn no_answers(&mut self, conn: Conn, effects: &mut Effects) {
        let waits = self.questions.open.iter_mut().filter_map(|(id, question)| {
            (question.waits.remove(&conn) && question.waits.is_empty()).then_some(*id)
        });
        for id in waits.collect::<Vec<_>>() {
            self.located(id, Located::Nobody, effects);
        }
    }

    /// This node leaves the cluster: nobody is asked any more.
    pub(super) fn ask_no_more(&mut self, effects: &mut Effects) {
        while let Some(id) = self.questions.open.keys().next().copied() {
            self.located(id, Located::Nobody, effects);
        }
    }

    /// What does not fit together, if anything.
    #[cfg(any(test, feature = "sim"))]
    pub(super) fn questions_inconsistency(&self) -> Option<String> {
        let ups = || self.peers.iter().filter_map(|(_, peer)| peer.up.as_ref());
        for (id, question) in &self.questions.open {
            let is_asked = |conn: &Conn| ups().any(|up| up.conn == *conn && up.asked.contains(id));
            if question.waits.is_empty() || !question.waits.iter().all(is_asked) {
                return Some(format!("nobody answers for {id:?}: {question:?}"));
            }
            if self.find(*id) != Whereabouts::Unknown {
                return Some(format!("{id:?} is known and asked for"));
            }
        }
        let most = ups().map(|up| up.asked.len()).chain([self.questions.open.len()]).max();
        (most > Some(QUESTIONS_MAX)).then(|| format!("{most:?} questions"))
    }
}

/// Answering.
impl Node {
    /// The other end of a connection asks whose this id is. Nothing happens unless the
    /// connection is kept.
    pub fn asked(&mut self, conn: Conn, id: NodeId, effects: &mut Effects) {
        let Some(name) = self.conns.get(&conn) else { return };
        if self.connection(name) == Some(conn) {
            effects.push(Effect::Answer { conn, id, answer: self.identify(id) });
        }
    }

    fn identify(&self, id: NodeId) -> Identified {
        let Some((name, peer, seen)) = self.peers.of_id(id) else { return Identified::Unknown };
        if seen == Seen::Former {
            return Identified::Dead;
        }
        // Of a node that is not connected, or not in this run, only hearsay is known.
        let up = peer.up.as_ref().filter(|up| up.info.id == id.get());
        Identified::Node(NodeInfo {
            name: name.to_owned(),
            id: id.get(),
            hidden: up.is_some_and(|up| up.info.hidden),
            addresses: peer.addresses.clone(),
        })
    }
}

#[cfg(test)]
#[path = "whose_test.rs"]
mod tests;
