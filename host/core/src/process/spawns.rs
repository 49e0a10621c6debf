//! Links and monitors that begin with a spawn, and spawn requests under way.
//!
//! The child is born with its half of the link and of the monitor, before it takes
//! any signal. The parent's half begins when it learns that the spawn succeeded: at
//! once for a spawn on its own node, with the `SpawnReply` for a request. That reply
//! must come from the child's pid (or otherwise before every signal of the child),
//! so that nothing of the child can overtake it.

use std::collections::BTreeMap;

use super::{Effects, Event, MonitorOptions, Process, Rank};
use crate::id::{Pid, Reference};
use crate::reason::Reason;
use crate::signal::{ExitOrigin, Monitored, Signal, SpawnError};

/// When a spawn request is answered by an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReplyWhen {
    /// Whatever the outcome.
    Always,
    /// Never.
    Never,
    /// Only when the spawn failed.
    Failed,
    /// Only when the actor was made.
    Spawned,
}

/// A spawn request under way.
#[derive(Debug)]
struct Spawn {
    link: bool,
    monitor: Option<MonitorOptions>,
    /// Nothing once the request was abandoned.
    reply: Option<ReplyWhen>,
}

/// Spawn requests that are not answered, abandoned ones included.
#[derive(Debug, Default)]
pub(super) struct Spawns(BTreeMap<Reference, Spawn>);

impl Spawns {
    /// Requests that are not answered.
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }
}

impl Process {
    /// The spawn of `child` on this node succeeded, whose machine was told the same
    /// by [`Process::born`]. What it asked for holds from now on.
    pub fn spawned(
        &mut self,
        child: Pid,
        link: bool,
        monitor: Option<(Reference, MonitorOptions)>,
        effects: &mut Effects,
    ) {
        if self.ended {
            // The parent ended while the child was made: nobody else breaks the link.
            if link {
                let origin = ExitOrigin::Link;
                self.send(child, Signal::Exit { reason: Reason::NoProc, origin }, effects);
            }
            return;
        }
        if link {
            self.add_link(child);
        }
        if let Some((reference, options)) = monitor {
            self.add_monitor(reference, Monitored::Pid(child), child, options, effects);
        }
        self.check_relations(effects);
    }

    /// This process was just made by `parent`, linked or monitored as the spawn asked
    /// for. To be called before it takes any signal.
    pub fn born(&mut self, parent: Pid, link: bool, monitor: Option<Reference>) {
        if link {
            self.add_link(parent);
        }
        if let Some(reference) = monitor {
            self.add_watcher(parent, reference);
        }
    }

    /// A spawn request went out under this fresh reference, and exactly one
    /// `SpawnReply` for it will come: from the child, or from whoever knows that
    /// there is none (also when the connection to the node is lost). Link and monitor
    /// begin with a reply that says ok. The owner limits the number of requests.
    pub fn spawn_requested(
        &mut self,
        request: Reference,
        link: bool,
        monitor: Option<MonitorOptions>,
        reply: ReplyWhen,
    ) {
        if self.dying.is_none() {
            let spawn = Spawn { link, monitor, reply: Some(reply) };
            self.relations().spawns.0.insert(request, spawn);
        }
    }

    /// Gives up a spawn request. True while it was outstanding: then no reply, link or
    /// monitor comes of it, and a child that was made with a link ends (`abandoned`).
    pub fn abandon_spawn(&mut self, request: Reference) -> bool {
        let spawn = self.known().and_then(|all| all.spawns.0.get_mut(&request));
        spawn.is_some_and(|spawn| spawn.reply.take().is_some())
    }

    /// A spawn request was carried out, or not.
    pub(super) fn spawn_replied(
        &mut self,
        request: Reference,
        outcome: Result<Pid, SpawnError>,
        effects: &mut Effects,
    ) {
        let Some(spawn) = self.known().and_then(|all| all.spawns.0.remove(&request)) else {
            return;
        };
        let Spawn { link, monitor, reply } = spawn;
        let Some(reply) = reply else {
            if let Ok(child) = outcome {
                self.disown(child, link, monitor.map(|_| request), effects);
            }
            return;
        };
        let is_wanted = match reply {
            ReplyWhen::Always => true,
            ReplyWhen::Never => false,
            ReplyWhen::Failed => outcome.is_err(),
            ReplyWhen::Spawned => outcome.is_ok(),
        };
        let child = outcome.as_ref().ok().copied();
        if is_wanted {
            let event = Event::SpawnReply { request, outcome };
            self.queue(event, Rank::Ordinary, effects);
        }
        if let Some(child) = child {
            // Also when dying: `end` has to break what the child was born with.
            let monitor = monitor.map(|options| (request, options));
            self.spawned(child, link, monitor, effects);
        }
    }

    /// The child of an abandoned request must not keep its halves.
    fn disown(
        &mut self,
        child: Pid,
        link: bool,
        monitor: Option<Reference>,
        effects: &mut Effects,
    ) {
        if let Some(reference) = monitor {
            self.send(child, Signal::Demonitor(reference), effects);
        }
        if link {
            self.disown_link(child, Reason::Error("abandoned".into()), effects);
        }
    }
}

#[cfg(test)]
#[path = "spawns_test.rs"]
mod tests;
