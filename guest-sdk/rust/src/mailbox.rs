//! Sending and receiving.
//!
//! An actor's mailbox holds [`Event`]s: messages, and what became of links,
//! monitors, timers and requests. [`receive`] is for actors that only know
//! messages, [`next_event`] for those that handle everything, and
//! [`event_where`] takes one out of order and leaves the others as they are.

use crate::bindings::odeon::actor::mailbox as host;
use crate::bindings::odeon::actor::timers;
use crate::codec::{Decode, DecodeError, Encode};
use crate::inbox::{Host, Inbox};
use crate::types::{Destination, Pid, Reference};
use std::cell::RefCell;
use std::collections::VecDeque;
use std::time::Duration;

pub use host::{
    CallReply, Down, Event, Exited, GroupChange, Message, NameLost, NodeChange, SendError,
    SendOptions, SpawnReply,
};

thread_local! {
    static INBOX: RefCell<Inbox> = const { RefCell::new(Inbox::new()) };
}

/// Messages that are taken out of the host's mailbox at a time, at most, and bytes of
/// their bodies: enough that the cost of asking is shared, few enough to be small
/// beside the rest of an actor.
const SEVERAL_MAX: u32 = 64;
const SEVERAL_BYTES_MAX: u32 = 8192;

struct Mailbox;

impl Host for Mailbox {
    fn receive(&mut self, filter: host::Filter, timeout_ms: Option<u64>) -> Option<Event> {
        host::receive(filter, timeout_ms)
    }

    fn receive_messages(&mut self, timeout_ms: Option<u64>, into: &mut VecDeque<Event>) {
        let host::Messages { heads, bodies } =
            host::receive_messages(SEVERAL_MAX, SEVERAL_BYTES_MAX, timeout_ms);
        if let [host::Head { sender, .. }] = heads[..] {
            into.push_back(Event::Message(Message { sender, via: None, body: bodies }));
            return;
        }
        let mut at = 0;
        for host::Head { sender, length } in heads {
            let end = at + length as usize;
            let body = bodies[at..end].to_vec();
            into.push_back(Event::Message(Message { sender, via: None, body }));
            at = end;
        }
    }

    fn now_ms(&mut self) -> u64 {
        timers::now() / 1_000_000
    }
}

/// Whole milliseconds, rounded up: a wait is never shorter than asked for.
pub(crate) fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos().div_ceil(1_000_000)).unwrap_or(u64::MAX)
}

fn with_inbox<R>(f: impl FnOnce(&mut Inbox) -> R) -> R {
    INBOX.with_borrow_mut(f)
}

/// Sends a message. Never fails and never waits: a message to a dead actor is
/// dropped. One over the node's limit (16 MiB unless set otherwise) ends the
/// sender with [`ExitReason::Limit`](crate::ExitReason::Limit).
pub fn send<T: Encode + ?Sized>(to: Pid, value: &T) {
    host::send(to, &value.encode());
}

/// Sends bytes that are encoded already. What [`send`] does with
/// [`Raw`](crate::Raw), without a copy.
pub fn send_bytes(to: Pid, body: &[u8]) {
    host::send(to, body);
}

/// Sends a message to an actor, a registered name, a name on another node, or
/// an alias.
///
/// # Errors
/// Only a missing name of this very node is told, and a message over the limit;
/// otherwise what cannot be delivered is dropped.
pub fn send_to<T: Encode + ?Sized>(to: impl Into<Destination>, value: &T) -> Result<(), SendError> {
    host::send_to(&to.into(), &value.encode(), SendOptions::empty())
}

/// Sends bytes to any destination with a say in how.
///
/// # Errors
/// As [`send_to`], and what the options ask to be told.
pub fn send_bytes_with(
    to: impl Into<Destination>,
    body: &[u8],
    options: SendOptions,
) -> Result<(), SendError> {
    host::send_to(&to.into(), body, options)
}

/// Waits for the next message: who sent it, and what. Events of other kinds
/// stay for [`next_event`].
///
/// # Errors
/// The message is not a `T`; it is gone then.
pub fn receive<T: Decode>() -> Result<(Pid, T), DecodeError> {
    loop {
        if let Some(message) = wait_message(None) {
            return message.open();
        }
    }
}

/// [`receive`], but gives up after a time.
///
/// # Errors
/// The message is not a `T`; it is gone then.
pub fn receive_timeout<T: Decode>(timeout: Duration) -> Result<Option<(Pid, T)>, DecodeError> {
    wait_message(Some(millis(timeout))).map(Message::open).transpose()
}

fn wait_message(timeout_ms: Option<u64>) -> Option<Message> {
    let is_message = |event: &Event| matches!(event, Event::Message(_));
    match with_inbox(|inbox| inbox.matching(&mut Mailbox, timeout_ms, is_message)) {
        Some(Event::Message(message)) => Some(message),
        _ => None,
    }
}

/// Waits for the oldest event.
#[must_use]
pub fn next_event() -> Event {
    loop {
        if let Some(event) = with_inbox(|inbox| inbox.next(&mut Mailbox, None)) {
            return event;
        }
    }
}

/// [`next_event`], but gives up after a time; with [`Duration::ZERO`] it only
/// looks.
#[must_use]
pub fn next_event_timeout(timeout: Duration) -> Option<Event> {
    with_inbox(|inbox| inbox.next(&mut Mailbox, Some(millis(timeout))))
}

/// Waits for the oldest event that `wanted` says yes to; the others stay, in
/// order. `wanted` must not receive itself.
#[must_use]
pub fn event_where(wanted: impl FnMut(&Event) -> bool) -> Event {
    with_inbox(|inbox| inbox.matching(&mut Mailbox, None, wanted))
        .expect("a receive without a timeout returns with an event")
}

/// [`event_where`], but gives up after a time.
#[must_use]
pub fn event_where_timeout(timeout: Duration, wanted: impl FnMut(&Event) -> bool) -> Option<Event> {
    with_inbox(|inbox| inbox.matching(&mut Mailbox, Some(millis(timeout)), wanted))
}

/// Waits for the event of one alias, monitor, timer, call, group or spawn request. However
/// many other events wait, this takes constant time.
#[must_use]
pub fn event_of(reference: Reference, timeout: Option<Duration>) -> Option<Event> {
    with_inbox(|inbox| inbox.of(&mut Mailbox, reference, timeout.map(millis)))
}

/// Drops what a selective receive has saved of this reference. The host drops
/// what its own mailbox holds when the monitor or timer is ended.
pub(crate) fn forget_saved(unwanted: impl FnMut(&Event) -> bool) {
    with_inbox(|inbox| inbox.forget(unwanted));
}

impl Event {
    /// Whether [`event_of`] this reference would take this event.
    #[must_use]
    pub fn belongs_to(&self, reference: Reference) -> bool {
        match self {
            Self::Message(message) => message.via == Some(reference),
            Self::Down(down) => down.monitor == reference,
            Self::SpawnReply(reply) => reply.request == reference,
            Self::CallReply(reply) => reply.request == reference,
            Self::Timeout(timer) => *timer == reference,
            Self::GroupChange(change) => change.monitor == reference,
            Self::Exit(_)
            | Self::IoRequest(_)
            | Self::NodeUp(_)
            | Self::NodeDown(_)
            | Self::NameLost(_) => false,
        }
    }
}

impl Message {
    /// What was sent.
    ///
    /// # Errors
    /// The body is not a `T`.
    pub fn decode<T: Decode>(self) -> Result<T, DecodeError> {
        T::decode(self.body)
    }

    /// Who sent it, and what.
    fn open<T: Decode>(self) -> Result<(Pid, T), DecodeError> {
        Ok((self.sender, T::decode(self.body)?))
    }
}
