//! The way to one other node, as actors and the connection's task see it.
//!
//! A link is there while somebody wants the node or is connected with it:
//!
//! ```text
//! Connecting ── up ──► Up ── end ──► Ending ── (everybody was told) ──► gone
//!      └──────────── fail ─────────────┘
//! ```
//!
//! While it connects, what is sent waits here, in order. While it is up, what is sent
//! is encoded at once into the outbox that the connection's task writes out. While it
//! ends, everything is answered `noconnection` to the sender's own machine at once, so
//! that nothing can slip into the next connection before its sender knows that this
//! one is lost. Must not know sockets.
//!
//! What is sent to a node of which only the id is known waits in a link of its own while
//! the node is asked for. From there it moves to the link of the name, behind which
//! everything goes that is still sent here.

mod waiting;

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use odeon_core::peer::outbox::{Outbox, Pushed};
use odeon_core::signal::{Signal, SpawnError};
use odeon_core::wire::{Address, CallRequest, Frame, Item, SpawnRequest};
use odeon_core::{Envelope, Key, NodeId, Pid, Reason, Reference};
use parking_lot::Mutex;

use self::waiting::{
    ASKING_BYTES_MAX, ASKING_ITEMS_MAX, Connecting, WAITING_BYTES_MAX, WAITING_ITEMS_MAX,
};
pub(super) use self::waiting::{Waiter, call_bytes};
pub(crate) use self::waiting::{at_bytes, spawn_bytes};
use crate::control::mux;
use crate::scheduler;

/// Spawn requests to one node that are not answered.
pub(super) const SPAWNS_MAX: usize = 100_000;

/// Calls to one node that are not answered.
pub(super) const CALLS_MAX: usize = 100_000;

/// Involved actors are looked through for dead ones at this number, and then at twice
/// as many as lived.
const INVOLVED_FIRST_LOOK: usize = 1024;

/// The way to one other node.
pub(crate) struct Link {
    /// The other node's name.
    pub(crate) name: Arc<str>,
    /// There is something to write, or the connection is to end.
    waker: Mutex<Option<Waker>>,
    /// The connection's task was woken and has not looked since.
    woken: AtomicBool,
    state: Mutex<State>,
    /// Held while signals of the other node go into inboxes; true when that is over.
    closed_to_arrivals: Mutex<bool>,
}

struct Up {
    node: NodeId,
    outbox: Outbox,
    /// Exchanges over this connection.
    exchanges: mux::Connection,
    /// Tasks that sent more than goes out, until it has gone.
    suspended: Vec<Waker>,
}

enum Phase {
    Connecting(Connecting),
    Up(Box<Up>),
    /// With what was sent before the end.
    Ending(Option<Box<Outbox>>),
    /// The node that was asked for has a name: its link.
    Moved(Arc<Link>),
    /// The id that was asked for is that of a former run.
    Dead,
}

struct State {
    phase: Phase,
    involved: Involved,
}

/// Who must be told when the connection is lost.
#[derive(Default)]
pub(super) struct Involved {
    /// Serials of own actors that have, or had, a relation over this connection.
    pub(super) actors: HashSet<u64>,
    next_look: usize,
    /// Monitors that the other node put on names: whom they reached.
    pub(super) named: BTreeMap<Reference, u64>,
    /// Spawn requests that went there, and who made them.
    pub(super) spawns: BTreeMap<Reference, u64>,
    /// Calls that went there, and who made them.
    pub(super) calls: BTreeMap<Reference, u64>,
}

/// What became of something sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sent {
    /// It goes out, or waits for the connection.
    Taken,
    /// It goes out, and the connection is behind: the sender had better wait.
    Busy,
}

/// Why something was not sent, and what it was.
pub(crate) struct Refused {
    pub(crate) signal: Signal,
    pub(crate) why: Reason,
}

/// What is left of a link that ended: who must be told, and what never went out.
pub(super) struct Remains {
    /// The incarnation it led to, if it was up.
    pub(super) node: Option<NodeId>,
    pub(super) involved: Involved,
    /// What waited for the connection: the incarnation meant, and the item.
    pub(super) items: Vec<(Option<NodeId>, Item)>,
    pub(super) waiters: Vec<Waiter>,
    suspended: Vec<Waker>,
}

impl Drop for Remains {
    fn drop(&mut self) {
        for waker in self.suspended.drain(..) {
            waker.wake();
        }
    }
}

/// Whether the sender of this has a relation with the receiver afterwards, so that it
/// must be told when the connection is lost.
fn relates(signal: &Signal) -> bool {
    matches!(
        signal,
        Signal::Link
            | Signal::Monitor { .. }
            | Signal::IoRequest { .. }
            | Signal::SpawnReply { outcome: Ok(_), .. }
    )
}

impl Link {
    /// A link that has no connection yet.
    pub(super) fn connecting(name: Arc<str>) -> Arc<Self> {
        Self::waiting(name, Connecting::new(WAITING_ITEMS_MAX, WAITING_BYTES_MAX))
    }

    /// A link to a node that is asked for, because only its id is known.
    pub(super) fn asking(id: NodeId) -> Arc<Self> {
        let name = format!("the node of id {}", id.get());
        Self::waiting(name.into(), Connecting::new(ASKING_ITEMS_MAX, ASKING_BYTES_MAX))
    }

    fn waiting(name: Arc<str>, connecting: Connecting) -> Arc<Self> {
        let state = State { phase: Phase::Connecting(connecting), involved: Involved::default() };
        Arc::new(Self {
            name,
            waker: Mutex::new(None),
            woken: AtomicBool::new(false),
            state: Mutex::new(state),
            closed_to_arrivals: Mutex::new(false),
        })
    }

    /// The incarnation that it leads to, while it is up.
    pub(crate) fn node(&self) -> Option<NodeId> {
        match &self.state.lock().phase {
            Phase::Up(up) => Some(up.node),
            _ => None,
        }
    }

    /// Exchanges over this connection, while it is up.
    pub(crate) fn exchanges(&self) -> Option<mux::Connection> {
        match &self.state.lock().phase {
            Phase::Up(up) => Some(up.exchanges.clone()),
            _ => None,
        }
    }

    /// Sends a signal. `node` is the incarnation that is meant, where the receiver is
    /// known by its pid.
    pub(crate) fn send(
        &self,
        from: Pid,
        node: Option<NodeId>,
        to: Address,
        signal: Signal,
        lives: impl Fn(u64) -> bool,
    ) -> Result<Sent, Refused> {
        let mut state = self.state.lock();
        if let Phase::Moved(other) = &state.phase {
            let other = Arc::clone(other);
            drop(state);
            return other.send(from, node, to, signal, lives);
        }
        let State { phase, involved } = &mut *state;
        match phase {
            Phase::Ending(_) => return Err(Refused { signal, why: Reason::NoConnection }),
            Phase::Dead => return Err(Refused { signal, why: Reason::NoProc }),
            Phase::Up(up) if node.is_some_and(|node| node != up.node) => {
                return Err(Refused { signal, why: Reason::NoProc });
            }
            Phase::Connecting(connecting) if connecting.is_full() => {
                return Err(Refused { signal, why: Reason::NoConnection });
            }
            Phase::Up(_) | Phase::Connecting(_) | Phase::Moved(_) => {}
        }
        if relates(&signal) {
            involved.add(from.serial, lives);
        }
        if let Signal::Down { reference, .. } = &signal
            && !involved.named.is_empty()
        {
            involved.named.remove(reference);
        }
        let item = Item::Signal { from: from.serial, to, signal };
        let sent = match phase {
            Phase::Up(up) => push(&mut up.outbox, &item),
            Phase::Connecting(connecting) => {
                connecting.add(node, item);
                connecting.sent()
            }
            Phase::Ending(_) | Phase::Moved(_) | Phase::Dead => Sent::Taken,
        };
        drop(state);
        self.wake();
        Ok(sent)
    }

    /// Sends a spawn request of an own actor.
    pub(crate) fn spawn(&self, request: SpawnRequest) -> Result<Sent, SpawnError> {
        let mut state = self.state.lock();
        let State { phase, involved } = &mut *state;
        if involved.spawns.len() >= SPAWNS_MAX {
            return Err(SpawnError::SystemLimit(format!(
                "remote-spawns-max of {SPAWNS_MAX} reached"
            )));
        }
        let (reference, parent) = (request.request, request.parent);
        let item = Item::Spawn(Box::new(request));
        let sent = match phase {
            Phase::Up(up) => push(&mut up.outbox, &item),
            Phase::Connecting(connecting) if !connecting.is_full() => {
                connecting.add(None, item);
                connecting.sent()
            }
            _ => return Err(SpawnError::NoConnection),
        };
        involved.spawns.insert(reference, parent);
        drop(state);
        self.wake();
        Ok(sent)
    }

    /// Sends a call of an own actor.
    pub(crate) fn call(&self, request: CallRequest) -> Result<Sent, SpawnError> {
        let mut state = self.state.lock();
        let State { phase, involved } = &mut *state;
        let caller = (!request.cast).then_some((request.request, request.caller));
        if caller.is_some() && involved.calls.len() >= CALLS_MAX {
            return Err(SpawnError::SystemLimit(format!(
                "remote-calls-max of {CALLS_MAX} reached"
            )));
        }
        let item = Item::Call(Box::new(request));
        let sent = match phase {
            Phase::Up(up) => push(&mut up.outbox, &item),
            Phase::Connecting(connecting) if !connecting.is_full() => {
                connecting.add(None, item);
                connecting.sent()
            }
            _ => return Err(SpawnError::NoConnection),
        };
        involved.calls.extend(caller);
        drop(state);
        self.wake();
        Ok(sent)
    }

    /// Sends a message to a group's members over there, if the connection is up.
    pub(crate) fn to_group(&self, from: u64, scope: Key, group: Key, body: Bytes) -> Sent {
        let sent = match &mut self.state.lock().phase {
            Phase::Up(up) => push(&mut up.outbox, &Item::ToGroup { from, scope, group, body }),
            // Its members are gone, or not known here yet.
            _ => Sent::Taken,
        };
        self.wake();
        sent
    }

    /// Whether more than a little waits to go out.
    pub(crate) fn is_busy(&self) -> bool {
        match &self.state.lock().phase {
            Phase::Up(up) => up.outbox.is_busy(),
            Phase::Connecting(connecting) => connecting.is_busy(),
            Phase::Moved(other) => other.is_busy(),
            Phase::Ending(_) | Phase::Dead => false,
        }
    }

    /// Whether a sender has to go on waiting; if so, it is woken when it need not.
    pub(crate) fn suspends(&self, context: &Context<'_>) -> bool {
        let mut state = self.state.lock();
        let suspended = match &mut state.phase {
            Phase::Up(up) if up.outbox.is_busy() => &mut up.suspended,
            Phase::Connecting(connecting) if connecting.is_busy() => &mut connecting.suspended,
            Phase::Moved(other) => return other.suspends(context),
            Phase::Up(_) | Phase::Connecting(_) | Phase::Ending(_) | Phase::Dead => return false,
        };
        if !suspended.iter().any(|waker| waker.will_wake(context.waker())) {
            suspended.push(context.waker().clone());
        }
        true
    }

    /// Sends a frame of the connection itself, before all others.
    pub(super) fn control(&self, frame: &Frame) {
        if let Phase::Up(up) = &mut self.state.lock().phase {
            up.outbox.control(frame);
        }
        self.wake();
    }

    /// Sends items of the connection itself.
    pub(super) fn tell(&self, item: &Item) {
        self.prepare(item);
        self.wake();
    }

    /// The same, for those who wake the connection's task later.
    pub(super) fn prepare(&self, item: &Item) {
        if let Phase::Up(up) = &mut self.state.lock().phase {
            push(&mut up.outbox, item);
        }
    }

    /// Tells this one when the connection is there, or will not come.
    pub(super) fn wait(&self, waiter: Waiter) {
        match &mut self.state.lock().phase {
            Phase::Connecting(connecting) => connecting.waiters.push(waiter),
            Phase::Up(up) => drop(waiter.send(Ok(up.node))),
            Phase::Ending(_) | Phase::Moved(_) | Phase::Dead => {
                drop(waiter.send(Err("the connection is ending".into())));
            }
        }
    }

    /// The connection is there. Gives what waited for another incarnation.
    pub(super) fn up(
        &self,
        node: NodeId,
        mut outbox: Outbox,
        exchanges: mux::Connection,
    ) -> Vec<(Option<NodeId>, Item)> {
        let mut state = self.state.lock();
        let (mut stale, mut suspended) = (Vec::new(), Vec::new());
        if let Phase::Connecting(connecting) = &mut state.phase {
            // Looked at again when the first message has gone.
            suspended = std::mem::take(&mut connecting.suspended);
            stale = connecting.settle(node, &mut outbox);
            for waiter in connecting.waiters.drain(..) {
                let _ = waiter.send(Ok(node));
            }
        }
        let up = Up { node, outbox, exchanges, suspended };
        state.phase = Phase::Up(Box::new(up));
        stale
    }

    /// The connection is lost, is ended, or will not come: from now on nothing can be
    /// sent. What was sent before still goes out, if it may and the connection is there.
    /// Call it once; whoever is involved must be told before the link is given up.
    pub(super) fn end(&self) -> Remains {
        // What is being delivered is delivered; nothing is afterwards.
        *self.closed_to_arrivals.lock() = true;
        let mut state = self.state.lock();
        let involved = std::mem::take(&mut state.involved);
        let node = match &state.phase {
            Phase::Up(up) => Some(up.node),
            _ => None,
        };
        let (mut items, mut waiters, mut suspended) = (Vec::new(), Vec::new(), Vec::new());
        match std::mem::replace(&mut state.phase, Phase::Ending(None)) {
            Phase::Connecting(connecting) => {
                items = connecting.items.into_iter().map(|one| (one.node, one.what)).collect();
                waiters = connecting.waiters;
                suspended = connecting.suspended;
            }
            Phase::Up(up) => {
                suspended = up.suspended;
                state.phase = Phase::Ending(Some(Box::new(up.outbox)));
            }
            Phase::Ending(rest) => state.phase = Phase::Ending(rest),
            Phase::Moved(_) | Phase::Dead => {}
        }
        drop(state);
        self.wake();
        Remains { node, involved, items, waiters, suspended }
    }

    /// The node that was asked for has this other link: what waits here goes there, and so
    /// does what is still sent here, in order. Gives what was meant for another incarnation
    /// than the connected one. Nothing at all, and nothing moves, where that link has ended.
    pub(super) fn moves_to(&self, other: &Arc<Self>) -> Option<Vec<(Option<NodeId>, Item)>> {
        let mut state = self.state.lock();
        let State { phase: Phase::Connecting(own), involved } = &mut *state else {
            return Some(Vec::new());
        };
        let mut stale = Vec::new();
        {
            // Nobody who holds the other's lock takes this one.
            let far = &mut *other.state.lock();
            match &mut far.phase {
                Phase::Connecting(connecting) => {
                    for waiting in own.items.drain(..) {
                        connecting.add(waiting.node, waiting.what);
                    }
                }
                Phase::Up(up) => stale = own.settle(up.node, &mut up.outbox),
                Phase::Ending(_) | Phase::Moved(_) | Phase::Dead => return None,
            }
            far.involved.actors.extend(involved.actors.drain());
        }
        let suspended = std::mem::take(&mut own.suspended);
        state.phase = Phase::Moved(Arc::clone(other));
        drop(state);
        for waker in suspended {
            waker.wake();
        }
        other.wake();
        Some(stale)
    }

    /// The node that was asked for runs no more: gives what waits for it. What is still
    /// sent here is refused as `noproc`.
    pub(super) fn is_dead(&self) -> Vec<(Option<NodeId>, Item)> {
        let mut state = self.state.lock();
        let phase = std::mem::replace(&mut state.phase, Phase::Dead);
        drop(state);
        let Phase::Connecting(connecting) = phase else { return Vec::new() };
        for waker in connecting.suspended {
            waker.wake();
        }
        connecting.items.into_iter().map(|one| (one.node, one.what)).collect()
    }

    /// Does work that lets signals of the other node arrive, if that is still so: when
    /// the link has ended, whoever is concerned has been told that nothing comes any more.
    pub(super) fn arrive<R>(&self, work: impl FnOnce(bool) -> R) -> R {
        let closed = self.closed_to_arrivals.lock();
        work(!*closed)
    }

    /// The next bytes for the other side. Pending when nothing may go now; false when the
    /// link has ended and the rest has gone.
    pub(super) fn poll_message(
        &self,
        context: &mut Context<'_>,
        into: &mut Vec<u8>,
        exchanges: impl FnOnce(&mut Outbox, &mut Context<'_>),
    ) -> Poll<bool> {
        {
            let mut waker = self.waker.lock();
            match &*waker {
                Some(known) if known.will_wake(context.waker()) => {}
                _ => *waker = Some(context.waker().clone()),
            }
        }
        self.woken.store(false, Ordering::SeqCst);
        let mut state = self.state.lock();
        let up = match &mut state.phase {
            Phase::Up(up) => up,
            Phase::Ending(Some(rest)) if !rest.is_empty() => {
                let filled = rest.next_message(into);
                return if filled { Poll::Ready(true) } else { Poll::Pending };
            }
            _ => return Poll::Ready(false),
        };
        exchanges(&mut up.outbox, context);
        let filled = up.outbox.next_message(into);
        let released =
            if up.outbox.is_busy() { Vec::new() } else { std::mem::take(&mut up.suspended) };
        drop(state);
        // What they send is encoded while this worker writes what is there.
        if !released.is_empty() {
            scheduler::run_elsewhere(|| released.into_iter().for_each(Waker::wake));
        }
        if filled { Poll::Ready(true) } else { Poll::Pending }
    }

    /// Whether [`Link::end`] was called.
    pub(super) fn has_ended(&self) -> bool {
        matches!(self.state.lock().phase, Phase::Ending(_))
    }

    /// Bytes that wait to go out.
    pub(super) fn queued_bytes(&self) -> usize {
        match &self.state.lock().phase {
            Phase::Up(up) => up.outbox.queued_bytes(),
            _ => 0,
        }
    }

    /// The other side may be sent so much more.
    pub(super) fn granted(&self, bytes: u32) -> Result<(), String> {
        let granted = match &mut self.state.lock().phase {
            Phase::Up(up) => up.outbox.granted(bytes),
            Phase::Ending(Some(rest)) => rest.granted(bytes),
            Phase::Connecting(_) | Phase::Ending(None) | Phase::Moved(_) | Phase::Dead => Ok(()),
        }
        .map_err(|error| error.to_string());
        self.wake();
        granted
    }

    /// An own actor got a relation with an actor over there.
    pub(super) fn involve(&self, serial: u64, lives: impl Fn(u64) -> bool) {
        self.state.lock().involved.add(serial, lives);
    }

    /// A monitor of the other side on a name has reached this own actor.
    pub(super) fn named(&self, monitor: Reference, serial: u64) {
        self.state.lock().involved.named.insert(monitor, serial);
    }

    /// Whom a monitor on a name has reached; forgets it.
    pub(super) fn take_named(&self, monitor: Reference) -> Option<u64> {
        self.state.lock().involved.named.remove(&monitor)
    }

    /// A spawn request is answered to this actor. Whether it was its own.
    pub(super) fn take_spawn(&self, request: Reference, serial: u64) -> bool {
        let spawns = &mut self.state.lock().involved.spawns;
        let is_own = spawns.get(&request) == Some(&serial);
        if is_own {
            spawns.remove(&request);
        }
        is_own
    }

    /// A call is answered to this actor, or given up. Whether it was its own.
    pub(super) fn take_call(&self, request: Reference, serial: u64) -> bool {
        let calls = &mut self.state.lock().involved.calls;
        let is_own = calls.get(&request) == Some(&serial);
        if is_own {
            calls.remove(&request);
        }
        is_own
    }

    /// Lets the connection's task look.
    pub(super) fn wake(&self) {
        if !self.woken.swap(true, Ordering::SeqCst) {
            let waker = self.waker.lock().clone();
            if let Some(waker) = waker {
                waker.wake();
            }
        }
    }
}

impl Involved {
    fn add(&mut self, serial: u64, lives: impl Fn(u64) -> bool) {
        if self.actors.insert(serial)
            && self.actors.len() >= self.next_look.max(INVOLVED_FIRST_LOOK)
        {
            self.actors.retain(|serial| lives(*serial));
            self.named.retain(|_, serial| lives(*serial));
            self.next_look = 2 * self.actors.len();
        }
    }
}

/// Lets an item go out.
fn push(outbox: &mut Outbox, item: &Item) -> Sent {
    match outbox.push_item(item) {
        Pushed::Queued => Sent::Taken,
        Pushed::Busy => Sent::Busy,
        // The limits of messages, reasons and spawns are below that of frames.
        Pushed::TooLarge => {
            tracing::error!("a signal that no frame can carry was dropped");
            Sent::Taken
        }
    }
}

/// What comes back to the sender of a signal that was refused.
pub(crate) fn answer(from: Pid, to: Pid, refused: Refused) -> Option<Envelope> {
    let envelope = Envelope { from, to, signal: refused.signal };
    match refused.why {
        Reason::NoProc => odeon_core::process::undeliverable(envelope),
        _ => odeon_core::process::unreachable(envelope),
    }
}
