//! An actor of the host itself: it has a pid, a mailbox and a machine like any
//! other, and Rust code instead of a guest. Devices, command-line sessions and
//! benchmarks are such actors.

use std::future::poll_fn;
use std::sync::Arc;
use std::task::Poll;
use std::time::Instant;

use bytes::Bytes;
use odeon_core::process::{Effects, Event, Filter, MonitorOptions, Process};
use odeon_core::signal::{Monitored, Signal};
use odeon_core::{Envelope, Pid, Reason, Reference};

use crate::cell::{About, Cell, NATIVE_MODULE};
use crate::runtime::{Runtime, Taken};

/// An actor of the host. It ends, with `normal`, when this is dropped.
pub struct Native {
    runtime: Arc<Runtime>,
    cell: Arc<Cell>,
    ended: bool,
}

impl Native {
    pub(crate) fn new(runtime: &Arc<Runtime>, what: &str) -> Self {
        let pid = runtime.fresh_pid();
        let process = Process::new(pid, pid, runtime.limits.core());
        let about = About {
            module: NATIVE_MODULE.into(),
            start: what.into(),
            parent: None,
            born: Instant::now(),
            limits: Arc::new(runtime.limits),
            rights: Arc::default(),
            quota: None,
            call: None,
        };
        let cell = Arc::new(Cell::new(process, about));
        runtime.directory.insert(&cell);
        Self { runtime: Arc::clone(runtime), cell, ended: false }
    }

    /// Its pid.
    pub fn pid(&self) -> Pid {
        self.cell.pid
    }

    /// Waits for an event. Nothing when the actor was ended by an exit signal.
    pub async fn receive(&mut self, filter: Filter) -> Option<Event> {
        let take = |process: &mut Process| process.take(filter);
        poll_fn(|context| match self.runtime.take(&self.cell, Some(context.waker()), take) {
            Taken::Some(event) => Poll::Ready(Some(event)),
            Taken::Doomed => Poll::Ready(None),
            Taken::Nothing => Poll::Pending,
        })
        .await
    }

    /// Sends a message.
    pub fn send(&self, to: Pid, body: Bytes) {
        let signal = Signal::Message { via: None, priority: false, body };
        self.route(Envelope { from: self.pid(), to, signal });
    }

    /// Sends a message to whoever owns an alias.
    pub fn send_to_alias(&self, alias: Reference, body: Bytes) {
        if alias.node != self.runtime.id {
            let signal = Signal::Message { via: Some(alias), priority: false, body };
            self.runtime.cluster.send_alias(&self.runtime, self.pid(), alias, signal);
        } else if let Some(to) = self.runtime.directory.alias_owner(alias) {
            let signal = Signal::Message { via: Some(alias), priority: false, body };
            self.route(Envelope { from: self.pid(), to, signal });
        }
    }

    /// Watches an actor: one [`Event::Down`] comes.
    pub fn monitor(&mut self, of: Pid) -> Reference {
        let reference = self.runtime.fresh_reference();
        let object = Monitored::Pid(of);
        self.act(|process, effects| {
            process.monitor(reference, object, Some(of), MonitorOptions::default(), effects);
        });
        reference
    }

    /// Sends an exit signal.
    pub fn exit(&mut self, to: Pid, reason: Reason) {
        self.act(|process, effects| process.exit(to, reason, effects));
    }

    /// Does anything that a process can do.
    pub fn act<R>(&mut self, act: impl FnOnce(&mut Process, &mut Effects) -> R) -> R {
        self.runtime.act(&self.cell, act).0
    }

    /// Sends any signal.
    pub(crate) fn route(&self, envelope: Envelope) {
        self.runtime.route(envelope);
    }

    /// Ends it with a reason.
    pub fn end(mut self, reason: Reason) {
        self.finish(reason);
    }

    fn finish(&mut self, reason: Reason) {
        if !std::mem::replace(&mut self.ended, true) {
            self.runtime.end(&self.cell, reason);
        }
    }
}

impl Drop for Native {
    fn drop(&mut self) {
        self.finish(Reason::Normal);
    }
}
