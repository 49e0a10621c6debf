//! What waits for an actor: two queues, and a way to find the event that belongs
//! to a reference without looking at the others.
//!
//! The priority queue is read before the ordinary one, which is the same as
//! putting a priority event behind the last priority event and before every
//! ordinary one (EEP 76).
//!
//! This file must not know why an event is queued or whom it tells: it holds what
//! it is given, counts it, and gives it back.

use std::sync::Arc;

use bytes::Bytes;

use super::queue::Queue;
use crate::groups::Change;
use crate::id::{Pid, Reference};
use crate::node::NodeChange;
use crate::reason::Reason;
use crate::signal::{CallError, IoRequest, Monitored, NameLost, SpawnError};

/// What a mailbox holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// Somebody sent a message.
    Message {
        /// Who sent it.
        sender: Pid,
        /// The alias it was sent to, if it was.
        via: Option<Reference>,
        /// What was sent.
        body: Bytes,
    },
    /// An exit signal reached an actor that traps exits.
    Exit {
        /// Who ended, or who sent the signal.
        sender: Pid,
        /// Why.
        reason: Reason,
    },
    /// A monitored actor ended.
    Down {
        /// The monitor, which is gone now.
        monitor: Reference,
        /// What it was put on.
        object: Monitored,
        /// Why it ended.
        reason: Reason,
        /// The monitor's tag.
        tag: Option<Bytes>,
    },
    /// A spawn request was carried out, or not.
    SpawnReply {
        /// The request.
        request: Reference,
        /// The new actor, or why there is none.
        outcome: Result<Pid, SpawnError>,
    },
    /// A call is over.
    CallReply {
        /// The call.
        request: Reference,
        /// What the function gave, or why it gave nothing.
        outcome: Result<Bytes, CallError>,
    },
    /// A timer of this actor ran out.
    Timeout(Reference),
    /// A node came or went.
    Node(Arc<NodeChange>),
    /// This actor lost a cluster name.
    NameLost(Arc<NameLost>),
    /// Actors joined or left a group that this one monitors.
    Group {
        /// The monitor.
        monitor: Reference,
        /// What happened.
        change: Arc<Change>,
    },
    /// Another actor, whose group leader this one is, reads or writes.
    IoRequest {
        /// Who asks.
        sender: Pid,
        /// Names the request in the reply.
        reply_as: Reference,
        /// What is asked.
        request: IoRequest,
    },
}

impl Event {
    /// The reference that this event belongs to, for [`Filter::Reference`].
    pub fn reference(&self) -> Option<Reference> {
        match self {
            Self::Message { via, .. } => *via,
            Self::Down { monitor, .. } => Some(*monitor),
            Self::SpawnReply { request, .. } | Self::CallReply { request, .. } => Some(*request),
            Self::Timeout(timer) => Some(*timer),
            Self::Group { monitor, .. } => Some(*monitor),
            Self::Exit { .. } | Self::IoRequest { .. } | Self::Node(_) | Self::NameLost(_) => None,
        }
    }

    /// The bytes that this event takes beyond its fixed size, as the limit of the
    /// mailbox counts them.
    #[inline]
    pub fn len_bytes(&self) -> usize {
        match self {
            Self::Message { body, .. } => body.len(),
            Self::Exit { reason, .. } => reason.len_bytes(),
            Self::Down { reason, tag, .. } => {
                reason.len_bytes() + tag.as_ref().map_or(0, Bytes::len)
            }
            Self::SpawnReply { outcome, .. } => {
                outcome.as_ref().err().map_or(0, SpawnError::len_bytes)
            }
            Self::CallReply { outcome, .. } => {
                outcome.as_ref().map_or_else(CallError::len_bytes, Bytes::len)
            }
            Self::Timeout(_) | Self::Node(_) | Self::NameLost(_) => 0,
            // Held once for all that monitor, but what they may hold is counted for each.
            Self::Group { change, .. } => change.len_bytes(),
            Self::IoRequest { request, .. } => request_bytes(request),
        }
    }
}

/// The bytes that an I/O request carries.
fn request_bytes(request: &IoRequest) -> usize {
    match request {
        IoRequest::PutChars(_, chars) => chars.len(),
        IoRequest::GetLine(prompt) | IoRequest::GetChars(prompt, _) => prompt.len(),
        IoRequest::GetOptions => 0,
        IoRequest::SetOptions(options) => {
            options.iter().map(|(name, value)| name.len() + value.len()).sum()
        }
    }
}

/// Which event to take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Filter {
    /// The oldest, the priority ones first.
    Any,
    /// The oldest that belongs to this reference: a message sent to that alias, the
    /// `Down` of that monitor, the reply of that spawn or call, that timer, what happened
    /// to that monitored group. How many other events wait hardly matters: they are not
    /// looked at.
    Reference(Reference),
}

/// Where an event is queued.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rank {
    /// Behind everything.
    Ordinary,
    /// Before everything that is not priority.
    Priority,
}

impl Rank {
    /// The rank of an event that overtakes if this holds.
    pub(super) fn priority_if(priority: bool) -> Self {
        if priority { Self::Priority } else { Self::Ordinary }
    }
}

/// The events that wait. Empty and never used, it owns no memory.
#[derive(Debug, Default)]
pub(super) struct Mailbox {
    ordinary: Queue,
    /// Made when the first priority event comes; most actors never see one.
    priority: Option<Box<Queue>>,
    bytes: usize,
}

impl Mailbox {
    /// Events that wait.
    #[inline]
    pub(super) fn messages(&self) -> usize {
        self.ordinary.len() + self.priority.as_ref().map_or(0, |queue| queue.len())
    }

    /// Whether it has no memory on the heap.
    #[cfg(test)]
    pub(super) fn owns_nothing(&self) -> bool {
        self.priority.is_none() && self.ordinary.owns_nothing()
    }

    /// Bytes of the events that wait, as [`Event::len_bytes`] counts them.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Queues an event.
    #[inline]
    pub(super) fn push(&mut self, event: Event, rank: Rank) {
        self.bytes += event.len_bytes();
        match rank {
            Rank::Ordinary => self.ordinary.push(event),
            Rank::Priority => self.priority.get_or_insert_default().push(event),
        }
    }

    /// Takes the oldest event that fits, the priority ones first.
    #[inline]
    pub(super) fn take(&mut self, filter: Filter) -> Option<Event> {
        let overtaking = self.priority.as_mut().and_then(|queue| queue.take(filter));
        let event = match overtaking {
            Some(event) => event,
            None => self.ordinary.take(filter)?,
        };
        self.bytes -= event.len_bytes();
        Some(event)
    }

    /// Takes the oldest event if it is a message to the pid itself, of at most so many
    /// bytes.
    #[inline]
    pub(super) fn take_plain(&mut self, bytes_max: usize) -> Option<(Pid, Bytes)> {
        if self.priority.as_ref().is_some_and(|queue| queue.len() > 0) {
            return None;
        }
        let message = self.ordinary.pop_plain(bytes_max)?;
        self.bytes -= message.1.len();
        Some(message)
    }

    /// Whether `take` would give something.
    pub(super) fn has(&mut self, filter: Filter) -> bool {
        self.ordinary.has(filter) || self.priority.as_mut().is_some_and(|queue| queue.has(filter))
    }

    /// Drops the queued `Down` of this monitor, if there is one.
    pub(super) fn drop_down(&mut self, monitor: Reference) {
        let overtaking = self.priority.as_mut().and_then(|queue| queue.take_down(monitor));
        if let Some(event) = overtaking.or_else(|| self.ordinary.take_down(monitor)) {
            self.bytes -= event.len_bytes();
        }
    }
}

#[cfg(test)]
#[path = "mailbox_test.rs"]
mod tests;
