//! Monitors and aliases, as guards: dropping one ends it.

use crate::bindings::odeon::actor::process as host;
use crate::mailbox::{self, Down, Event};
use crate::types::{Destination, Reference};
use std::mem;
use std::time::Duration;

pub use host::{AliasLife, AliasMode, MonitorOptions};

/// A monitor: exactly one `Down` event comes when the watched actor ends.
///
/// Dropping it ends the monitor, and its event never comes any more. Use
/// [`Monitor::keep`] to let it stand for as long as the actor lives.
#[derive(Debug, PartialEq, Eq, Hash)]
#[must_use = "dropping a monitor ends it"]
pub struct Monitor {
    reference: Reference,
    has_alias: bool,
}

/// Watches an actor, by pid, name or name on a node. Where there is none, the
/// `Down` event comes at once with `Noproc`.
pub fn monitor(of: impl Into<Destination>) -> Monitor {
    monitor_with(of, &MonitorOptions { alias: None, tag: None, priority: false })
}

/// [`monitor`], with a say in the finer points.
pub fn monitor_with(of: impl Into<Destination>, options: &MonitorOptions) -> Monitor {
    let reference = host::monitor(&of.into(), options);
    Monitor { reference, has_alias: options.alias.is_some() }
}

impl Monitor {
    pub(crate) fn of_spawn(reference: Reference, has_alias: bool) -> Self {
        Self { reference, has_alias }
    }

    /// The reference that the `Down` event carries; the alias as well, where the
    /// monitor was made with one.
    #[must_use]
    pub fn reference(&self) -> Reference {
        self.reference
    }

    /// Whether this event is the end of the watched actor.
    #[must_use]
    pub fn is_down(&self, event: &Event) -> bool {
        matches!(event, Event::Down(down) if down.monitor == self.reference)
    }

    /// Waits for the end of the watched actor, or gives up after a time and
    /// keeps the monitor.
    ///
    /// # Errors
    /// The time is over; the monitor comes back.
    pub fn wait(self, timeout: Option<Duration>) -> Result<Down, Self> {
        let event = match (self.has_alias, timeout) {
            (false, timeout) => mailbox::event_of(self.reference, timeout),
            // Messages through the alias belong to the reference too, and are
            // not ours to take.
            (true, None) => Some(mailbox::event_where(|event| self.is_down(event))),
            (true, Some(time)) => mailbox::event_where_timeout(time, |event| self.is_down(event)),
        };
        match event {
            Some(Event::Down(down)) => {
                mem::forget(self);
                Ok(down)
            }
            _ => Err(self),
        }
    }

    /// Ends the monitor. True if it was still there, so that the watched actor
    /// had not ended; no event comes in either case.
    pub fn demonitor(self) -> bool {
        let was_there = end(self.reference);
        mem::forget(self);
        was_there
    }

    /// Lets the monitor stand: its event comes whenever the actor ends.
    pub fn keep(self) -> Reference {
        let reference = self.reference;
        mem::forget(self);
        reference
    }
}

impl Drop for Monitor {
    fn drop(&mut self) {
        end(self.reference);
    }
}

/// Ends a monitor and drops its event, wherever it waits.
fn end(monitor: Reference) -> bool {
    let mut was_saved = false;
    mailbox::forget_saved(|event| {
        let is_its = matches!(event, Event::Down(down) if down.monitor == monitor);
        was_saved |= is_its;
        is_its
    });
    // `Foreign` cannot be: only this actor's own monitors become a `Monitor`.
    host::demonitor(monitor, true).unwrap_or(false) && !was_saved
}

/// An alias: a reference by which others can send to the caller, until it is
/// dropped or [ended](Alias::end). What is sent to it afterwards is dropped.
#[derive(Debug, PartialEq, Eq, Hash)]
#[must_use = "dropping an alias ends it"]
pub struct Alias(Reference);

/// Makes an alias of the caller that lives until it is ended.
pub fn alias() -> Alias {
    alias_with(AliasLife::Explicit, false)
}

/// Makes an alias of the caller, with a say in what ends it. With `priority`,
/// senders may send priority messages.
pub fn alias_with(life: AliasLife, priority: bool) -> Alias {
    Alias(host::alias(life, priority))
}

impl Alias {
    /// The reference to give to others.
    #[must_use]
    pub fn reference(&self) -> Reference {
        self.0
    }

    /// Ends the alias. True if it was active. Messages that wait already stay.
    pub fn end(self) -> bool {
        let was_active = host::unalias(self.0);
        mem::forget(self);
        was_active
    }

    /// Lets the alias stand for as long as the caller lives.
    pub fn keep(self) -> Reference {
        let reference = self.0;
        mem::forget(self);
        reference
    }
}

impl Drop for Alias {
    fn drop(&mut self) {
        host::unalias(self.0);
    }
}
