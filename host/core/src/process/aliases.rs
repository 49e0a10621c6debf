//! Aliases: references by which others can send to an actor until it says no more
//! (EEP 53), and which let them overtake if it said so (EEP 76).
//!
//! Whether an alias is active is decided here, when a signal arrives; that the
//! router knows it too only saves the way.

use std::collections::BTreeMap;

use bytes::Bytes;

use super::{Effect, Effects, Event, Process, Rank};
use crate::id::{Pid, Reference};

/// What happens to the alias of a monitor that has one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AliasMode {
    /// It lives until [`Process::unalias`].
    Explicit,
    /// It ends with the monitor.
    Demonitor,
    /// It ends with the monitor, and the first message through it ends both.
    ReplyDemonitor,
}

/// Which way an alias ends by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AliasLife {
    /// It does not: it lives until [`Process::unalias`].
    Explicit,
    /// The first message through it ends it.
    Reply,
}

/// One active alias.
#[derive(Clone, Copy, Debug)]
struct Alias {
    /// The first message through it ends it.
    ends_by_message: bool,
    /// It ends when the monitor of the same reference does, and a message that
    /// ends it ends that monitor.
    is_with_monitor: bool,
    /// Senders may overtake.
    priority: bool,
}

/// The active aliases of a process.
#[derive(Debug, Default)]
pub(super) struct Aliases(BTreeMap<Reference, Alias>);

impl Aliases {
    /// Active aliases.
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// All of them, in order.
    pub(super) fn references(&self) -> impl Iterator<Item = Reference> {
        self.0.keys().copied()
    }

    /// Where a signal to this alias is queued, whose sender asks for priority or
    /// not; nothing if the alias is not active.
    pub(super) fn rank(&self, alias: Reference, asks_priority: bool) -> Option<Rank> {
        self.0.get(&alias).map(|alias| Rank::priority_if(alias.priority && asks_priority))
    }
}

impl Process {
    /// Makes this fresh reference an alias of the process. Only with `priority` may
    /// senders overtake.
    pub fn alias(
        &mut self,
        reference: Reference,
        life: AliasLife,
        priority: bool,
        effects: &mut Effects,
    ) {
        if self.dying.is_some() || !self.has_room(effects) {
            return;
        }
        self.may_be_overtaken(priority);
        let ends_by_message = match life {
            AliasLife::Explicit => false,
            AliasLife::Reply => true,
        };
        let alias = Alias { ends_by_message, is_with_monitor: false, priority };
        self.relations().aliases.0.insert(reference, alias);
        effects.push(Effect::AliasOn(reference));
    }

    /// Ends an alias: what comes through it from now on is dropped. True if it was
    /// active. A monitor of the same reference stays, and so do queued messages.
    pub fn unalias(&mut self, reference: Reference, effects: &mut Effects) -> bool {
        let was_active = self.known().is_some_and(|all| all.aliases.0.remove(&reference).is_some());
        if was_active {
            effects.push(Effect::AliasOff(reference));
        }
        was_active
    }

    /// The reference of a monitor becomes an alias. Never one for priority: that is
    /// asked for by making an alias of its own (EEP 76).
    pub(super) fn alias_of_monitor(
        &mut self,
        reference: Reference,
        mode: AliasMode,
        effects: &mut Effects,
    ) {
        let (ends_by_message, is_with_monitor) = match mode {
            AliasMode::Explicit => (false, false),
            AliasMode::Demonitor => (false, true),
            AliasMode::ReplyDemonitor => (true, true),
        };
        let alias = Alias { ends_by_message, is_with_monitor, priority: false };
        self.relations().aliases.0.insert(reference, alias);
        effects.push(Effect::AliasOn(reference));
    }

    /// A monitor is gone; its alias goes with it if it was made so.
    pub(super) fn monitor_gone(&mut self, reference: Reference, effects: &mut Effects) {
        let alias = self.known().and_then(|all| all.aliases.0.get(&reference));
        if alias.is_some_and(|alias| alias.is_with_monitor) {
            self.unalias(reference, effects);
        }
    }

    /// A message came through an alias.
    pub(super) fn message_via(
        &mut self,
        sender: Pid,
        via: Reference,
        asks_priority: bool,
        body: Bytes,
        effects: &mut Effects,
    ) {
        let Some(alias) = self.known().and_then(|all| all.aliases.0.get(&via).copied()) else {
            return;
        };
        if alias.ends_by_message {
            self.unalias(via, effects);
            if alias.is_with_monitor {
                self.demonitor(via, false, effects);
            }
        }
        let rank = Rank::priority_if(alias.priority && asks_priority);
        self.queue(Event::Message { sender, via: Some(via), body }, rank, effects);
    }
}

#[cfg(test)]
#[path = "aliases_test.rs"]
mod tests;
