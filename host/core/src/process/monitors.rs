//! Monitors, on both sides: what this process watches, and who watches it.
//!
//! A monitor is known by its reference, fires once, and is independent of all
//! others of the same two. Removing it here makes every later `Down` of it
//! meaningless, so a `Down` that crosses the `Demonitor` is dropped.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;

use super::{AliasMode, Effects, Event, Process, Rank};
use crate::id::{NodeId, Pid, Reference};
use crate::reason::Reason;
use crate::signal::{IoError, IoReply, Monitored, Signal};

/// The finer points of a monitor.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MonitorOptions {
    /// Make the monitor's reference an alias as well.
    pub alias: Option<AliasMode>,
    /// Given back in the `Down` event.
    pub tag: Option<Bytes>,
    /// The `Down` event overtakes ordinary events.
    pub priority: bool,
}

/// One monitor of this process.
#[derive(Debug)]
pub(super) struct Monitor {
    object: Monitored,
    /// Whom the object was resolved to. Nobody tells the process of its own end, so
    /// a monitor of itself never fires.
    to: Pid,
    tag: Option<Bytes>,
    rank: Rank,
}

/// What a process watches.
#[derive(Debug, Default)]
pub(super) struct Monitors(BTreeMap<Reference, Monitor>);

impl Monitors {
    /// Monitors that have not fired.
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// What they were put on, in the order of their references.
    pub(super) fn objects(&self) -> impl Iterator<Item = Monitored> {
        self.0.values().map(|monitor| monitor.object.clone())
    }

    /// Whom they watch, in the order of their references.
    pub(super) fn targets(&self) -> impl Iterator<Item = (Pid, Reference)> {
        self.0.iter().map(|(reference, monitor)| (monitor.to, *reference))
    }

    /// Takes those that watch somebody on this node, in the order of their references.
    pub(super) fn take_node(&mut self, node: NodeId) -> Vec<(Reference, Monitor)> {
        self.0.extract_if(.., |_, monitor| monitor.to.node == node).collect()
    }
}

/// Who watches a process, and under which reference.
#[derive(Debug, Default)]
pub(super) struct Watchers(BTreeSet<(Pid, Reference)>);

impl Watchers {
    /// Monitors of others on this process.
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// All of them, in order.
    pub(super) fn all(&self) -> impl Iterator<Item = (Pid, Reference)> {
        self.0.iter().copied()
    }

    /// The watchers, in order, each as often as it watches.
    pub(super) fn pids(&self) -> impl Iterator<Item = Pid> {
        self.0.iter().map(|(watcher, _)| *watcher)
    }

    /// Forgets one watcher.
    fn drop_watcher(&mut self, watcher: Pid) {
        let [first, last] = [0, u64::MAX]
            .map(|end| (watcher, Reference { node: NodeId::from_wire(end), serial: end }));
        let of_it: Vec<_> = self.0.range(first..=last).copied().collect();
        for monitor in of_it {
            self.0.remove(&monitor);
        }
    }

    /// Forgets the watchers on this node.
    pub(super) fn drop_node(&mut self, node: NodeId) {
        self.0.retain(|(watcher, _)| watcher.node != node);
    }
}

impl Process {
    /// Watches an actor under this fresh reference. `to` is whom the object resolved
    /// to; where that is nobody, the `Down` event with `noproc` is queued at once.
    pub fn monitor(
        &mut self,
        reference: Reference,
        object: Monitored,
        to: Option<Pid>,
        options: MonitorOptions,
        effects: &mut Effects,
    ) {
        if self.dying.is_some() || !self.has_room(effects) {
            return;
        }
        let Some(to) = to else {
            self.add_monitor(reference, object, self.pid, options, effects);
            self.down(reference, Reason::NoProc, effects);
            return;
        };
        let name = match &object {
            Monitored::Pid(_) => None,
            Monitored::Name(name, _) => Some(name.clone()),
        };
        self.add_monitor(reference, object, to, options, effects);
        if to != self.pid {
            self.send(to, Signal::Monitor { reference, name }, effects);
        }
    }

    /// A monitor exists from now on without a signal from here, with its alias.
    pub(super) fn add_monitor(
        &mut self,
        reference: Reference,
        object: Monitored,
        to: Pid,
        options: MonitorOptions,
        effects: &mut Effects,
    ) {
        let MonitorOptions { alias, tag, priority } = options;
        self.may_be_overtaken(priority);
        let monitor = Monitor { object, to, tag, rank: Rank::priority_if(priority) };
        self.relations().monitors.0.insert(reference, monitor);
        if let Some(mode) = alias {
            self.alias_of_monitor(reference, mode, effects);
        }
    }

    /// Ends a monitor: no `Down` event of it comes any more. With `flush`, one that
    /// waits already is dropped. True if the monitor was there; false also while it
    /// belongs to a spawn request that is not answered yet, which stays as it is.
    pub fn demonitor(&mut self, reference: Reference, flush: bool, effects: &mut Effects) -> bool {
        let Some(monitor) = self.known().and_then(|all| all.monitors.0.remove(&reference)) else {
            if flush {
                self.mailbox.drop_down(reference);
            }
            return false;
        };
        self.monitor_gone(reference, effects);
        if monitor.to != self.pid {
            self.send(monitor.to, Signal::Demonitor(reference), effects);
        }
        true
    }

    /// A `Down` signal came. Only the node of the watched one can tell of its end.
    pub(super) fn down_signal(
        &mut self,
        from: Pid,
        reference: Reference,
        reason: Reason,
        effects: &mut Effects,
    ) {
        let Some(relations) = self.known() else { return };
        let monitored = relations.monitors.0.get(&reference).map(|monitor| monitor.to);
        let watched = monitored.or_else(|| relations.asks.target(reference));
        if watched.is_some_and(|watched| watched.node == from.node) {
            self.down(reference, reason, effects);
        }
    }

    /// A monitor of this process fired, or the group leader that it asked ended. One
    /// that is not there any more was ended here while the signal was on its way.
    pub(super) fn down(&mut self, reference: Reference, reason: Reason, effects: &mut Effects) {
        let Some(relations) = self.known() else { return };
        if let Some(monitor) = relations.monitors.0.remove(&reference) {
            self.fired(reference, monitor, reason, effects);
        } else if relations.asks.take(reference).is_some() {
            self.answer_io(reference, IoReply::Failed(IoError::Terminated), effects);
        }
    }

    /// A monitor fired that is not among the others any more.
    pub(super) fn fired(
        &mut self,
        reference: Reference,
        monitor: Monitor,
        reason: Reason,
        effects: &mut Effects,
    ) {
        self.monitor_gone(reference, effects);
        let Monitor { object, tag, rank, .. } = monitor;
        self.queue(Event::Down { monitor: reference, object, reason, tag }, rank, effects);
    }

    /// Somebody watches this process from now on.
    pub(super) fn watched(&mut self, watcher: Pid, reference: Reference, effects: &mut Effects) {
        if watcher != self.pid {
            self.add_watcher(watcher, reference);
            self.check_relations(effects);
        }
    }

    /// As `watched`, for one that began with the spawn of this process.
    pub(super) fn add_watcher(&mut self, watcher: Pid, reference: Reference) {
        self.relations().watchers.0.insert((watcher, reference));
    }

    /// Somebody who is gone watches this process no more.
    pub(super) fn unwatched_by(&mut self, watcher: Pid) {
        if let Some(relations) = self.known() {
            relations.watchers.drop_watcher(watcher);
        }
    }

    /// One monitor of somebody on this process is ended.
    pub(super) fn unwatched(&mut self, watcher: Pid, reference: Reference) {
        if let Some(relations) = self.known() {
            relations.watchers.0.remove(&(watcher, reference));
        }
    }
}

#[cfg(test)]
#[path = "monitors_test.rs"]
mod tests;
