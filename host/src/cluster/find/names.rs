//! Cluster names: what actors and other nodes ask, and what the machine wants to be done.

use std::sync::Arc;

use odeon_core::names::{
    Choice, Effect, Effects, Frame, Names, Outcome, Registration, Resolver, Task,
};
use odeon_core::signal::{NameLost, Signal};
use odeon_core::wire::Item;
use odeon_core::{Envelope, Key, NodeId, Pid, Reason};
use tokio::sync::oneshot;

use super::{Callback, Find, Heard, Turn};
use crate::runtime::Runtime;

/// Names in one part of a listing, at most.
pub(crate) const NAMES_LISTED_MAX: usize = 1024;

/// Who waits for what came of a request.
pub(super) struct Asked {
    answer: oneshot::Sender<Outcome>,
    /// Who decides when another owner of the name is met, once the name is registered.
    callback: Option<(Key, Pid, Callback)>,
}

/// An actor that is to get a name.
pub(crate) struct Registering {
    pub(crate) key: Key,
    pub(crate) pid: Pid,
    /// Whether it takes the name from whoever has it.
    pub(crate) force: bool,
    pub(crate) resolver: Resolver,
    /// Who decides, where the resolver is to ask.
    pub(crate) callback: Option<Callback>,
    /// When it asked, by the clock on the wall of this node, in milliseconds since 1970.
    pub(crate) since: u64,
}

impl Find {
    /// Who has this name, as far as is known here.
    pub(crate) fn whereis(&self, name: &[u8]) -> Option<Pid> {
        self.shown.get(name)
    }

    /// The names after this one in order, or from the first on, and who has them.
    pub(crate) fn names(&self, after: Option<&Key>, max: usize) -> Vec<(Key, Pid)> {
        let machines = self.machines.lock();
        let names = machines.names.names(after).map(|(key, pid)| (key.clone(), pid));
        names.take(max.min(NAMES_LISTED_MAX)).collect()
    }

    /// Gives a name to an actor. What came of it comes through the channel.
    pub(crate) fn register(
        &self,
        runtime: &Runtime,
        registering: Registering,
        timeout_ms: Option<u64>,
    ) -> oneshot::Receiver<Outcome> {
        let Registering { key, pid, force, resolver, callback, since } = registering;
        let callback = callback.map(|callback| (key.clone(), pid, callback));
        let task = Task::Register(Registration { pid, force, resolver, since });
        self.request(runtime, key, task, timeout_ms, callback)
    }

    /// Takes a name from whoever has it, likewise.
    pub(crate) fn unregister(
        &self,
        runtime: &Runtime,
        key: Key,
        timeout_ms: Option<u64>,
    ) -> oneshot::Receiver<Outcome> {
        self.request(runtime, key, Task::Unregister, timeout_ms, None)
    }

    fn request(
        &self,
        runtime: &Runtime,
        key: Key,
        task: Task,
        timeout_ms: Option<u64>,
        callback: Option<(Key, Pid, Callback)>,
    ) -> oneshot::Receiver<Outcome> {
        let (answer, outcome) = oneshot::channel();
        self.turn(runtime, |turn| {
            turn.machines.requests += 1;
            let request = turn.machines.requests;
            turn.machines.asked.insert(request, Asked { answer, callback });
            turn.names(|names, now, effects| {
                let deadline = timeout_ms.map_or(u64::MAX, |ms| now.saturating_add(ms));
                names.request(now, request, key, task, deadline, effects);
            });
        });
        outcome
    }

    /// The machine of another node says this.
    pub(in crate::cluster) fn heard_of_names(
        &self,
        runtime: &Runtime,
        from: NodeId,
        frame: Frame,
    ) -> Heard {
        self.heard(runtime, |turn| {
            turn.names(|names, now, effects| names.received(now, from, frame, effects));
        })
    }

    /// A guest decided between two owners of a name, or failed to.
    pub(super) fn resolved(&self, runtime: &Runtime, clash: u64, choice: Choice) {
        self.turn(runtime, |turn| {
            turn.names(|names, now, effects| names.resolved(now, clash, choice, effects));
        });
    }
}

impl Turn<'_> {
    /// Tells the machine of names one thing, and carries out what follows.
    pub(super) fn names(&mut self, event: impl FnOnce(&mut Names, u64, &mut Effects)) {
        let mut effects = Effects::new();
        event(&mut self.machines.names, self.find.now(), &mut effects);
        for effect in effects {
            self.carry_out(effect);
        }
    }

    fn carry_out(&mut self, effect: Effect) {
        match effect {
            Effect::Send { to, frame } => self.send(to, &Item::Names(frame)),
            Effect::Show { key, pid } => self.find.shown.set(key, pid),
            Effect::Watch(pid) => self.watch(pid),
            // An end that is told and was not asked for changes nothing.
            Effect::Unwatch(_) => {}
            Effect::Answer { request, outcome } => self.answer(request, outcome),
            Effect::Exit { pid, key, other } => {
                let actor = pid.serial;
                tracing::warn!(actor, name = %key, by = %other, "killed: its cluster name has another owner");
                self.runtime.exit(pid, Reason::Kill);
            }
            Effect::Notify { pid, key, other, both } => {
                let actor = pid.serial;
                tracing::info!(actor, name = %key, by = %other, both, "lost its cluster name to another owner");
                let lost = NameLost { name: key, other, both };
                self.tell(pid, Signal::NameLost(Arc::new(lost)));
            }
            Effect::Resolve { clash, key, own, other } => self.resolve(clash, key, own, other),
            Effect::Violation { violation, .. } => {
                self.heard.violation = Some(violation.to_string())
            }
        }
    }

    /// Sends to the machines of a node.
    pub(super) fn send(&mut self, to: NodeId, item: &Item) {
        if let Some(link) = self.machines.links.get(&to) {
            link.prepare(item);
            self.heard.told.entry(to).or_insert_with(|| Arc::clone(link));
        }
    }

    /// Tells an actor of this node something.
    pub(super) fn tell(&self, to: Pid, signal: Signal) {
        let from = Pid { node: self.runtime.id, serial: 0 };
        self.runtime.route(Envelope { from, to, signal });
    }

    fn answer(&mut self, request: u64, outcome: Outcome) {
        let machines = &mut *self.machines;
        let Some(Asked { answer, callback }) = machines.asked.remove(&request) else { return };
        if let Some((key, pid, callback)) = callback.filter(|_| outcome == Outcome::Yes) {
            machines.callbacks.insert(&machines.names, key, pid, callback);
        }
        self.heard.is_answered |= answer.send(outcome).is_ok();
    }

    fn resolve(&self, clash: u64, key: Key, own: Pid, other: Pid) {
        match self.machines.callbacks.get(&key, own) {
            Some(callback) => callback.clone().run(clash, key, own, other),
            // It was registered by another node, which can name no function here. The
            // machine takes it for one that failed when its time is over.
            None => tracing::warn!(name = %key, "no function decides between its two owners"),
        }
    }
}
