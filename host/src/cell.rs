//! One actor as the rest of the node sees it: an inbox that anyone may push into,
//! and the machine that only its own task moves.
//!
//! The machine sits behind a lock because two pieces of one task use it by turns:
//! the task, before it lets the guest run, and the guest's host calls. They never
//! wait for each other; listings look in now and then.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::task::Waker;
use std::time::Instant;

use odeon_core::process::{Filter, Process};
use odeon_core::{Envelope, Name, Pid, Reason, Reference, signal};
use parking_lot::{Mutex, MutexGuard};
use tokio::sync::oneshot;

use crate::call::Call;
use crate::cluster::Link;
use crate::limits::{Limits, Quota};
use crate::rights::Rights;

/// One actor, of a guest or of the host itself.
pub(crate) struct Cell {
    pub(crate) pid: Pid,
    pub(crate) about: About,
    inbox: Mutex<Inbox>,
    state: Mutex<State>,
    /// Bytes of the guest's linear memories, for listings.
    pub(crate) memory_bytes: AtomicU64,
    /// Has, or had, to do with cluster names or groups.
    pub(crate) is_findable: AtomicBool,
    /// Written by the directory alone.
    pub(crate) naming: Mutex<Naming>,
    descendants: OnceLock<Arc<Quota>>,
}

/// Whether an actor has a name.
#[derive(Default)]
pub(crate) enum Naming {
    #[default]
    Nameless,
    Named(Name),
    /// It ends, and gets no name any more.
    Over,
}

/// What does not change about an actor.
pub(crate) struct About {
    /// The module, as listings name it.
    pub(crate) module: Arc<str>,
    /// Where it started, as text.
    pub(crate) start: Arc<str>,
    /// Who made it.
    pub(crate) parent: Option<Pid>,
    pub(crate) born: Instant,
    pub(crate) limits: Arc<Limits>,
    pub(crate) rights: Arc<Rights>,
    /// Counts this actor among its ancestors' children; the place is given back
    /// when the cell goes.
    pub(crate) quota: Option<Arc<Quota>>,
    /// The call that this actor is there for, if it is for one.
    pub(crate) call: Option<Box<Call>>,
}

/// Signals on their way to the machine.
struct Inbox {
    signals: VecDeque<Envelope>,
    bytes: usize,
    closed: bool,
    /// The task has been woken and has not looked since.
    notified: bool,
    waker: Option<Waker>,
    /// Which limit a sender ran into, if one did.
    overflow: Option<&'static str>,
}

/// What the actor's own task owns.
pub(crate) struct State {
    pub(crate) process: Process,
    /// What the guest waits for, when it waits in `receive` and for nothing else.
    pub(crate) waiting: Option<Waiting>,
    /// Host calls that wait for another actor's answer.
    pub(crate) questions: Vec<(Reference, Question)>,
    /// The machine asked for the end.
    pub(crate) doomed: bool,
    /// The connection that the actor sent more into than goes out: it waits.
    pub(crate) suspended: Option<Arc<Link>>,
}

/// What wakes a guest that waits in `receive`.
#[derive(Clone, Copy)]
pub(crate) struct Waiting {
    pub(crate) filter: Filter,
    pub(crate) deadline: Option<Instant>,
}

/// A host call that waits for another actor's answer.
pub(crate) enum Question {
    Io(oneshot::Sender<signal::IoReply>),
    Probe(oneshot::Sender<Option<Box<signal::Info>>>),
}

/// What listings show as the module of the host's own actors.
pub(crate) const NATIVE_MODULE: &str = "odeon";

/// An inbox longer than this makes whoever adds to it yield, so that a flood is
/// not faster than its reader.
const CROWDED_SIGNALS: usize = 2048;

/// What became of a push.
pub(crate) enum Pushed {
    Taken,
    /// Taken, and the receiver is behind: the sender had better yield.
    Crowded,
    /// The actor has ended.
    Dead(Envelope),
}

impl Cell {
    pub(crate) fn new(process: Process, about: About) -> Self {
        Self {
            pid: process.pid(),
            about,
            inbox: Mutex::new(Inbox {
                signals: VecDeque::new(),
                bytes: 0,
                closed: false,
                notified: false,
                waker: None,
                overflow: None,
            }),
            state: Mutex::new(State {
                process,
                waiting: None,
                questions: Vec::new(),
                doomed: false,
                suspended: None,
            }),
            memory_bytes: AtomicU64::new(0),
            is_findable: AtomicBool::new(false),
            naming: Mutex::default(),
            descendants: OnceLock::new(),
        }
    }

    /// The registered name.
    pub(crate) fn name(&self) -> Option<Name> {
        match &*self.naming.lock() {
            Naming::Named(name) => Some(name.clone()),
            Naming::Nameless | Naming::Over => None,
        }
    }

    /// Whether its end has begun: it can get no name any more.
    pub(crate) fn is_ending(&self) -> bool {
        matches!(*self.naming.lock(), Naming::Over)
    }

    /// Counts the living actors that descend from this one.
    pub(crate) fn descendants(&self) -> Arc<Quota> {
        let quota = self
            .descendants
            .get_or_init(|| Quota::new(self.about.limits.children, self.about.quota.clone()));
        Arc::clone(quota)
    }

    /// Adds a signal and wakes the actor.
    pub(crate) fn push(&self, envelope: Envelope) -> Pushed {
        let bytes = payload_bytes(&envelope);
        let limits = &self.about.limits;
        let mut inbox = self.inbox.lock();
        if inbox.closed {
            return Pushed::Dead(envelope);
        }
        let mut refused = None;
        if inbox.signals.len() as u64 >= limits.mailbox_messages {
            inbox.overflow = Some("mailbox-messages-max");
            refused = Some(envelope);
        } else if inbox.bytes as u64 + bytes as u64 > limits.mailbox_bytes {
            inbox.overflow = Some("mailbox-bytes-max");
            refused = Some(envelope);
        } else {
            inbox.bytes += bytes;
            inbox.signals.push_back(envelope);
        }
        let crowded = inbox.signals.len() > CROWDED_SIGNALS;
        if !inbox.notified {
            inbox.notified = true;
            if let Some(waker) = &inbox.waker {
                waker.wake_by_ref();
            }
        }
        match refused {
            // The receiver ends of the overflow; whoever asked it something, or watches
            // it, is answered as by the dead.
            Some(envelope) => Pushed::Dead(envelope),
            None if crowded => Pushed::Crowded,
            None => Pushed::Taken,
        }
    }

    /// Lets the actor's task look at its machine.
    pub(crate) fn wake(&self) {
        let mut inbox = self.inbox.lock();
        inbox.notified = true;
        if let Some(waker) = &inbox.waker {
            waker.wake_by_ref();
        }
    }

    /// Takes out at most `max` signals, oldest first. With a waker, says who is to be
    /// woken for what comes from now on.
    pub(crate) fn pull(&self, waker: Option<&Waker>, max: usize, into: &mut Batch) -> Pulled {
        let mut inbox = self.inbox.lock();
        if let Some(waker) = waker {
            inbox.notified = false;
            match &inbox.waker {
                Some(known) if known.will_wake(waker) => {}
                _ => inbox.waker = Some(waker.clone()),
            }
        }
        if inbox.signals.len() <= max {
            inbox.bytes = 0;
            into.append(&mut inbox.signals);
        } else {
            let Inbox { signals, bytes, .. } = &mut *inbox;
            into.extend(signals.drain(..max).inspect(|signal| *bytes -= payload_bytes(signal)));
        }
        if inbox.signals.is_empty() && inbox.signals.capacity() > CROWDED_SIGNALS {
            inbox.signals.shrink_to(0);
        }
        Pulled { more: !inbox.signals.is_empty(), overflow: inbox.overflow.is_some() }
    }

    /// The limit that a flood ran into, as an exit reason; once.
    pub(crate) fn overflow(&self) -> Option<Reason> {
        let limit = self.inbox.lock().overflow.take()?;
        let value = match limit {
            "mailbox-messages-max" => self.about.limits.mailbox_messages,
            _ => self.about.limits.mailbox_bytes,
        };
        Some(Reason::Limit(format!("{limit} of {value} exceeded").into()))
    }

    /// Refuses signals from now on, and gives those that nobody has read.
    pub(crate) fn close(&self) -> Vec<Envelope> {
        let mut inbox = self.inbox.lock();
        inbox.closed = true;
        inbox.waker = None;
        std::mem::take(&mut inbox.signals).into()
    }

    /// The machine. Held for short, never while waiting.
    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock()
    }

    /// Whether this is a group leader of the host's own.
    pub(crate) fn is_device(&self) -> bool {
        self.is_native() && &*self.about.start == "device"
    }

    /// Signals that wait to be read.
    pub(crate) fn backlog(&self) -> usize {
        self.inbox.lock().signals.len()
    }

    /// Whether this is an actor of the host itself.
    pub(crate) fn is_native(&self) -> bool {
        // A guest may be deployed under the same name, but it has a place in a quota.
        self.about.quota.is_none() && &*self.about.module == NATIVE_MODULE
    }

    /// Bytes of the guest's memories.
    pub(crate) fn memory_bytes(&self) -> u64 {
        self.memory_bytes.load(Ordering::Relaxed)
    }
}

/// Signals on their way from an inbox to its machine.
pub(crate) type Batch = VecDeque<Envelope>;

/// What a pull left behind.
pub(crate) struct Pulled {
    /// There are more signals.
    pub(crate) more: bool,
    /// A sender ran into a limit; see [`Cell::overflow`].
    pub(crate) overflow: bool,
}

/// What a signal weighs in a mailbox: what its sender chose, and a fixed sum for
/// the rest, so that empty messages are not free.
fn payload_bytes(envelope: &Envelope) -> usize {
    use signal::Signal;
    let variable = match &envelope.signal {
        Signal::Message { body, .. } => body.len(),
        Signal::Exit { reason, .. } | Signal::Down { reason, .. } => reason.len_bytes(),
        Signal::IoRequest { request: signal::IoRequest::PutChars(_, bytes), .. } => bytes.len(),
        Signal::IoReply { reply: signal::IoReply::Data(bytes), .. } => bytes.len(),
        Signal::CallReply { outcome: Ok(result), .. } => result.len(),
        Signal::CallReply { outcome: Err(error), .. } => error.len_bytes(),
        Signal::Group { change, .. } => change.len_bytes(),
        _ => 0,
    };
    variable + size_of::<Envelope>()
}
