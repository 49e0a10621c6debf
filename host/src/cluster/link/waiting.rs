//! What waits in a link that has no connection yet.

use std::sync::Arc;
use std::task::Waker;

use bytes::Bytes;
use odeon_core::NodeId;
use odeon_core::peer::outbox::Outbox;
use odeon_core::signal::{CallError, Signal};
use odeon_core::wire::{CallAt, CallRequest, Item, SpawnRequest, StartAt};
use tokio::sync::oneshot;

use super::{Sent, push};

/// Bytes that wait for a connection to be made. Guests are suspended from half of it
/// on; what goes beyond all the same is answered as if the node could not be reached.
pub(super) const WAITING_BYTES_MAX: usize = 64 << 20;

/// Items that wait for a connection to be made, likewise.
pub(super) const WAITING_ITEMS_MAX: usize = 100_000;

/// Bytes that wait for an answer to whose an id is: less than for a connection, because a
/// guest can make up ids. The rule is the same.
pub(super) const ASKING_BYTES_MAX: usize = 1 << 20;

/// Items that wait for such an answer.
pub(super) const ASKING_ITEMS_MAX: usize = 10_000;

/// What waits for a connection: for whom, and what.
pub(super) struct Waiting {
    /// The incarnation that was meant, if one was.
    pub(super) node: Option<NodeId>,
    pub(super) what: Item,
}

pub(super) struct Connecting {
    pub(super) items: Vec<Waiting>,
    bytes: usize,
    items_max: usize,
    bytes_max: usize,
    pub(super) waiters: Vec<Waiter>,
    /// Tasks that sent more than should wait, until the connection is there.
    pub(super) suspended: Vec<Waker>,
}

/// Who waits for a connection: hears the incarnation, or why there is none.
pub(in crate::cluster) type Waiter = oneshot::Sender<Result<NodeId, Arc<str>>>;

impl Connecting {
    pub(super) fn new(items_max: usize, bytes_max: usize) -> Self {
        let (items, waiters, suspended) = (Vec::new(), Vec::new(), Vec::new());
        Self { items, bytes: 0, items_max, bytes_max, waiters, suspended }
    }

    pub(super) fn is_full(&self) -> bool {
        self.items.len() >= self.items_max || self.bytes >= self.bytes_max
    }

    pub(super) fn is_busy(&self) -> bool {
        self.items.len() >= self.items_max / 2 || self.bytes >= self.bytes_max / 2
    }

    pub(super) fn sent(&self) -> Sent {
        if self.is_busy() { Sent::Busy } else { Sent::Taken }
    }

    pub(super) fn add(&mut self, node: Option<NodeId>, what: Item) {
        self.bytes += weight(&what);
        self.items.push(Waiting { node, what });
    }

    /// Lets what waits go out to this incarnation. Gives what was meant for another one.
    pub(super) fn settle(
        &mut self,
        node: NodeId,
        outbox: &mut Outbox,
    ) -> Vec<(Option<NodeId>, Item)> {
        let mut stale = Vec::new();
        for waiting in self.items.drain(..) {
            if waiting.node.is_some_and(|meant| meant != node) {
                stale.push((waiting.node, waiting.what));
            } else {
                push(outbox, &waiting.what);
            }
        }
        stale
    }
}

/// What an item weighs while it waits.
fn weight(item: &Item) -> usize {
    let variable = match item {
        Item::Signal { signal: Signal::Message { body, .. }, .. } => body.len(),
        Item::Signal {
            signal: Signal::Exit { reason, .. } | Signal::Down { reason, .. }, ..
        } => reason.len_bytes(),
        Item::Signal { signal: Signal::CallReply { outcome, .. }, .. } => {
            outcome.as_ref().map_or_else(CallError::len_bytes, Bytes::len)
        }
        Item::Spawn(request) => spawn_bytes(request),
        Item::Call(request) => call_bytes(request),
        Item::ToGroup { body, .. } => body.len(),
        Item::Signal { .. }
        | Item::WhoIs(_)
        | Item::ThatIs(..)
        | Item::Nodes(_)
        | Item::Names(_)
        | Item::Groups(_)
        | Item::Locks(_) => 0,
    };
    variable + size_of::<Waiting>()
}

/// What a spawn request weighs: what the guest chose of it, in bytes.
pub(crate) fn spawn_bytes(request: &SpawnRequest) -> usize {
    let start = match &request.start {
        StartAt::Entry { function, argument } => function.len() + argument.len(),
        StartAt::Command { arguments } => arguments.iter().map(|text| text.len() + 8).sum(),
        StartAt::Call(call) => call.len(),
    };
    start + request.label.len() + request.name.as_ref().map_or(0, String::len)
}

/// What a call weighs, likewise.
pub(in crate::cluster) fn call_bytes(request: &CallRequest) -> usize {
    at_bytes(&request.at) + request.label.len()
}

/// What a function and its argument weigh.
pub(crate) fn at_bytes(at: &CallAt) -> usize {
    match at {
        CallAt::Entry { function, argument } => function.len() + argument.len(),
        CallAt::Text { text, .. } => text.len(),
    }
}
