//! `odeon:actor/mailbox`: sending and receiving.

use std::future::{Future, poll_fn};
use std::sync::Arc;
use std::task::Poll;
use std::time::{Duration, Instant};

use bytes::Bytes;
use odeon_core::limits::MESSAGE_BYTES_MAX;
use odeon_core::process;
use odeon_core::signal::Signal;
use odeon_core::wire::Address;
use odeon_core::{Envelope, Pid, Reason, Reference};

use crate::cell::Waiting;
use crate::cluster::{self, Link};
use crate::runtime::{Sent, Taken};
use crate::scheduler;
use crate::wasm::bindings::odeon::actor::mailbox::{Event, Filter, Host, SendError, SendOptions};
use crate::wasm::bindings::odeon::actor::types;
use crate::wasm::convert;
use crate::wasm::state::{Doomed, GuestState};

impl Host for GuestState {
    fn send(&mut self, to: types::Pid, body: Vec<u8>) -> wasmtime::Result<()> {
        if body.len() > MESSAGE_BYTES_MAX {
            let length = body.len();
            return Err(self.stop(Reason::Limit(
                format!("message-bytes-max of {MESSAGE_BYTES_MAX} exceeded: a message of {length}")
                    .into(),
            )));
        }
        self.send_message(to.into(), None, false, body.into());
        Ok(())
    }

    fn send_to(
        &mut self,
        to: types::Destination,
        body: Vec<u8>,
        options: SendOptions,
    ) -> wasmtime::Result<Result<(), SendError>> {
        if body.len() > MESSAGE_BYTES_MAX {
            return Ok(Err(SendError::TooLong(MESSAGE_BYTES_MAX as u64)));
        }
        let priority = options.contains(SendOptions::PRIORITY);
        let here = self.runtime.name.as_str();
        let (to, via) = match to {
            types::Destination::Pid(pid) => (Some(Pid::from(pid)), None),
            types::Destination::Name(name) => match self.whereis_text(&name) {
                Some(pid) => (Some(pid), None),
                None => return Ok(Err(SendError::NoName)),
            },
            types::Destination::NodeName(at) if at.node == here => {
                (self.whereis_text(&at.name), None)
            }
            types::Destination::NodeName(at) => {
                return Ok(self.send_at(&at.node, &at.name, body.into(), options));
            }
            types::Destination::Alias(alias) => {
                let alias = Reference::from(alias);
                if alias.node != self.runtime.id {
                    let body = body.into();
                    let signal = Signal::Message { via: Some(alias), priority, body };
                    return Ok(self.send_alias(alias, signal, options));
                }
                (self.runtime.directory.alias_owner(alias), Some(alias))
            }
        };
        let Some(to) = to else { return Ok(Ok(())) };
        if to.node != self.runtime.id
            && let Err(refused) = self.may_send(self.runtime.cluster.connected(to.node), options)
        {
            return Ok(Err(refused));
        }
        self.send_message(to, via, priority, body.into());
        Ok(Ok(()))
    }

    async fn receive(
        &mut self,
        filter: Filter,
        timeout_ms: Option<u64>,
    ) -> wasmtime::Result<Option<Event>> {
        let filter = convert::filter(filter);
        let event = match timeout_ms {
            None => Some(self.wait(filter).await),
            Some(timeout_ms) => self.receive_until(filter, timeout_ms).await?,
        };
        Ok(event.map(|event| convert::event(event, &self.runtime.name)))
    }
}

/// When a time from now is over; one that the clock cannot hold is far enough away.
fn deadline(now: Instant, after_ms: u64) -> Instant {
    let far = Duration::from_secs(1 << 33);
    now.checked_add(Duration::from_millis(after_ms).min(far)).unwrap_or(now + far)
}

impl GuestState {
    /// Waits for an event.
    pub(super) async fn wait(&mut self, filter: process::Filter) -> process::Event {
        let waiting = Waiting { filter, deadline: None };
        poll_fn(|_| match self.runtime.take_or_wait(&self.cell, waiting) {
            Some(event) => Poll::Ready(event),
            None => Poll::Pending,
        })
        .await
    }

    async fn receive_until(
        &mut self,
        filter: process::Filter,
        timeout_ms: u64,
    ) -> wasmtime::Result<Option<process::Event>> {
        // What has arrived counts, even if there is no time to wait.
        match self.runtime.take(&self.cell, filter, None) {
            Taken::Event(event) => return Ok(Some(event)),
            Taken::Doomed => return Err(Doomed.into()),
            Taken::Nothing if timeout_ms == 0 => return Ok(None),
            Taken::Nothing => {}
        }
        let deadline = deadline(Instant::now(), timeout_ms);
        let waiting = Waiting { filter, deadline: Some(deadline) };
        let mut alarm = Box::pin(tokio::time::sleep_until(deadline.into()));
        let event = poll_fn(|context| {
            if let Some(event) = self.runtime.take_or_wait(&self.cell, waiting) {
                return Poll::Ready(Some(event));
            }
            if Instant::now() >= deadline {
                return Poll::Ready(None);
            }
            // The alarm may be a moment early by its own clock; it is set again then.
            while alarm.as_mut().poll(context).is_ready() {
                alarm.as_mut().reset((Instant::now() + Duration::from_millis(1)).into());
            }
            Poll::Pending
        })
        .await;
        self.cell.state().waiting = None;
        Ok(event)
    }

    /// What the options say against sending over a connection, which may not be there.
    fn may_send(&self, link: Option<Arc<Link>>, options: SendOptions) -> Result<(), SendError> {
        match link {
            None if options.contains(SendOptions::NO_CONNECT) => Err(SendError::Noconnect),
            Some(link) if options.contains(SendOptions::NO_SUSPEND) && link.is_busy() => {
                Err(SendError::Nosuspend)
            }
            Some(_) | None => Ok(()),
        }
    }

    /// Sends to a registered name of another node.
    fn send_at(
        &mut self,
        node: &str,
        name: &str,
        body: Bytes,
        options: SendOptions,
    ) -> Result<(), SendError> {
        let cluster = &self.runtime.cluster;
        self.may_send(cluster.connected_name(node), options)?;
        // What cannot be sent, and what has no valid name, is dropped.
        let (Ok(link), Some(name)) = (cluster.want(node, false), convert::local_name(name)) else {
            return Ok(());
        };
        let signal = Signal::Message { via: None, priority: false, body };
        let from = self.cell.pid;
        if cluster.send_at(&self.runtime, from, &link, Address::Name(name), signal)
            == cluster::Sent::Busy
        {
            self.suspend(link);
        }
        Ok(())
    }

    /// Sends to the owner of another node's alias.
    fn send_alias(
        &mut self,
        alias: Reference,
        signal: Signal,
        options: SendOptions,
    ) -> Result<(), SendError> {
        let cluster = &self.runtime.cluster;
        self.may_send(cluster.connected(alias.node), options)?;
        if let Some(link) = cluster.send_alias(&self.runtime, self.cell.pid, alias, signal) {
            self.suspend(link);
        }
        Ok(())
    }

    /// A connection is behind: this actor goes on when it has caught up.
    fn suspend(&self, link: Arc<Link>) {
        self.cell.state().suspended = Some(link);
        scheduler::ask_for_yield();
    }

    fn send_message(&mut self, to: Pid, via: Option<Reference>, priority: bool, body: Bytes) {
        let from = self.cell.pid;
        let envelope = Envelope { from, to, signal: Signal::Message { via, priority, body } };
        let sent = match &self.correspondent {
            Some(cell) if cell.pid == to => self.runtime.push(cell, envelope),
            _ if to.node == self.runtime.id => {
                match self.runtime.directory.find(to.serial) {
                    Some(cell) => {
                        let sent = self.runtime.push(&cell, envelope);
                        self.correspondent = Some(cell);
                        sent
                    }
                    // A message to nobody is dropped.
                    None => Sent::Away,
                }
            }
            _ => self.runtime.route(envelope),
        };
        match sent {
            Sent::Taken | Sent::Away => {}
            Sent::Crowded => scheduler::ask_for_yield(),
            Sent::Busy(link) => self.suspend(link),
        }
    }

    pub(super) fn whereis_text(&self, name: &str) -> Option<Pid> {
        let cell = self.runtime.directory.whereis(&convert::local_name(name)?)?;
        Some(Arc::as_ref(&cell).pid)
    }
}
