//! `odeon:actor/mailbox`: sending and receiving.

use std::future::{Future, poll_fn, ready};
use std::sync::Arc;
use std::task::Poll;
use std::time::{Duration, Instant};

use bytes::Bytes;
use odeon_core::limits::MESSAGE_BYTES_MAX;
use odeon_core::process::{self, Process};
use odeon_core::signal::Signal;
use odeon_core::wire::Address;
use odeon_core::{Envelope, Pid, Reason, Reference};
use wasmtime::StoreContextMut;
use wasmtime::component::{Linker, WasmList};

use crate::cell::Waiting;
use crate::cluster::{self, Link};
use crate::rooms;
use crate::runtime::{Sent, Taken};
use crate::scheduler;
use crate::wasm::bindings::odeon::actor::mailbox::{Filter, SendError, SendOptions};
use crate::wasm::bindings::odeon::actor::types;
use crate::wasm::convert;
use crate::wasm::received::{Messages, Received};
use crate::wasm::state::{Doomed, GuestState};

/// Messages that one `receive-messages` gives at most, whatever the guest asks for.
const MESSAGES_TOGETHER_MAX: usize = 1024;

/// What an asynchronous import gives.
type Later<'a, T> = Box<dyn Future<Output = wasmtime::Result<(T,)>> + Send + 'a>;

/// Adds the interface to a linker: by hand, because the generated way copies a body
/// byte by byte and makes a future even for what is there already, and messages are
/// what actors do most.
pub(super) fn link(linker: &mut Linker<GuestState>) -> wasmtime::Result<()> {
    let mut mailbox = linker.instance("odeon:actor/mailbox@0.1.0")?;
    mailbox.func_wrap("send", |mut store, (to, body): (_, WasmList<u8>)| {
        let body = rooms::copy(body.as_le_slice(&store));
        store.data_mut().calls().send(to, body)
    })?;
    mailbox.func_wrap("send-to", |mut store, (to, body, options)| {
        Ok((store.data_mut().calls().send_to(to, body, options)?,))
    })?;
    mailbox.func_wrap_async("receive", receive)?;
    mailbox.func_wrap_async("receive-messages", receive_messages)
}

impl GuestState {
    fn send(&mut self, to: types::Pid, body: Bytes) -> wasmtime::Result<()> {
        if body.len() > MESSAGE_BYTES_MAX {
            let length = body.len();
            return Err(self.stop(Reason::Limit(
                format!("message-bytes-max of {MESSAGE_BYTES_MAX} exceeded: a message of {length}")
                    .into(),
            )));
        }
        let sent = self.send_message(to.into(), None, false, body);
        self.yield_after(sent);
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
        Ok(self.send_to_pid(to, via, body.into(), options))
    }

    /// Sends to an actor, wherever it lives.
    pub(super) fn send_to_pid(
        &mut self,
        to: Pid,
        via: Option<Reference>,
        body: Bytes,
        options: SendOptions,
    ) -> Result<(), SendError> {
        if to.node != self.runtime.id {
            self.may_send(self.runtime.cluster.connected(to.node), options)?;
        }
        let priority = options.contains(SendOptions::PRIORITY);
        match self.send_message(to, via, priority, body) {
            Sent::Busy(_) if options.contains(SendOptions::NO_SUSPEND) => {}
            sent => self.yield_after(sent),
        }
        Ok(())
    }
}

fn receive(
    store: StoreContextMut<'_, GuestState>,
    (filter, timeout_ms): (Filter, Option<u64>),
) -> Later<'_, Received> {
    let filter = convert::filter(filter);
    wait(
        store,
        filter,
        timeout_ms,
        move |process| process.take(filter),
        |event, state| Received::new(event, &state.runtime.name),
    )
}

fn receive_messages(
    store: StoreContextMut<'_, GuestState>,
    (max_count, max_bytes, timeout_ms): (u32, u32, Option<u64>),
) -> Later<'_, Messages> {
    let max_count = (max_count as usize).min(MESSAGES_TOGETHER_MAX);
    let take = move |process: &mut Process| {
        process.has(process::Filter::Any).then(|| {
            let mut messages = Vec::new();
            process.take_messages(max_count, max_bytes as usize, &mut messages);
            messages
        })
    };
    wait(store, process::Filter::Any, timeout_ms, take, |messages, _| {
        Messages(messages.unwrap_or_default())
    })
}

/// Takes something out of the mailbox, at once or when it is there, and makes of it what
/// the guest gets.
fn wait<'a, T: Send + 'a, R: Send + 'a>(
    mut store: StoreContextMut<'a, GuestState>,
    filter: process::Filter,
    timeout_ms: Option<u64>,
    take: impl Fn(&mut Process) -> Option<T> + Send + Sync + 'a,
    give: impl Fn(Option<T>, &GuestState) -> R + Send + 'a,
) -> Later<'a, R> {
    let state = &*store.data_mut().calls();
    match timeout_ms {
        None => {
            let waiting = Waiting { filter, deadline: None };
            let taken = state.runtime.take_or_wait(&state.cell, waiting, &take);
            if taken.is_some() {
                return Box::new(ready(Ok((give(taken, state),))));
            }
            Box::new(async move {
                let state = store.data_mut();
                let (runtime, cell) = (&state.runtime, &state.cell);
                // Only the task that polls this puts anything into the mailbox, so there
                // is nothing in it at the first poll.
                let mut is_first = true;
                let taken = poll_fn(move |_| {
                    if std::mem::take(&mut is_first) {
                        return Poll::Pending;
                    }
                    match runtime.take_or_wait(cell, waiting, &take) {
                        None => Poll::Pending,
                        taken => Poll::Ready(taken),
                    }
                })
                .await;
                Ok((give(taken, state),))
            })
        }
        Some(timeout_ms) => Box::new(async move {
            let state = store.data_mut();
            let taken = state.receive_until(filter, timeout_ms, take).await?;
            Ok((give(taken, state),))
        }),
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
        let take = |process: &mut Process| process.take(filter);
        poll_fn(|_| match self.runtime.take_or_wait(&self.cell, waiting, take) {
            Some(event) => Poll::Ready(event),
            None => Poll::Pending,
        })
        .await
    }

    pub(super) async fn receive_until<T>(
        &mut self,
        filter: process::Filter,
        timeout_ms: u64,
        take: impl Fn(&mut Process) -> Option<T>,
    ) -> wasmtime::Result<Option<T>> {
        // What has arrived counts, even if there is no time to wait.
        match self.runtime.take(&self.cell, None, &take) {
            Taken::Some(taken) => return Ok(Some(taken)),
            Taken::Doomed => return Err(Doomed.into()),
            Taken::Nothing if timeout_ms == 0 => return Ok(None),
            Taken::Nothing => {}
        }
        let deadline = deadline(Instant::now(), timeout_ms);
        let waiting = Waiting { filter, deadline: Some(deadline) };
        let mut alarm = Box::pin(tokio::time::sleep_until(deadline.into()));
        let taken = poll_fn(|context| {
            if let Some(taken) = self.runtime.take_or_wait(&self.cell, waiting, &take) {
                return Poll::Ready(Some(taken));
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
        Ok(taken)
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
        let (Ok(link), Some(name)) = (cluster.want(node), convert::local_name(name)) else {
            return Ok(());
        };
        let signal = Signal::Message { via: None, priority: false, body };
        let from = self.cell.pid;
        let sent = cluster.send_at(&self.runtime, from, &link, Address::Name(name), signal);
        if sent == cluster::Sent::Busy && !options.contains(SendOptions::NO_SUSPEND) {
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
        if let Some(link) = cluster.send_alias(&self.runtime, self.cell.pid, alias, signal)
            && !options.contains(SendOptions::NO_SUSPEND)
        {
            self.suspend(link);
        }
        Ok(())
    }

    /// A connection is behind: this actor goes on when it has caught up.
    pub(super) fn suspend(&self, link: Arc<Link>) {
        self.cell.state().suspended = Some(link);
        scheduler::yield_at_once();
    }

    fn send_message(
        &mut self,
        to: Pid,
        via: Option<Reference>,
        priority: bool,
        body: Bytes,
    ) -> Sent {
        let from = self.cell.pid;
        let envelope = Envelope { from, to, signal: Signal::Message { via, priority, body } };
        match &self.correspondent {
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
        }
    }

    /// What a message costs its sender, besides its bytes.
    pub(super) fn yield_after(&self, sent: Sent) {
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
