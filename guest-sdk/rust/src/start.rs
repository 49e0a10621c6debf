//! Starting an actor and knowing that it is ready.
//!
//! A server or supervisor is ready when its own start has succeeded, not when it
//! exists. So its starter waits for an empty message to an alias, or for the
//! monitor to say why it will never come. Where it is to have a name, it takes that before
//! anything else, and a taken one is told through the alias as well.

use crate::codec::{Decode, DecodeError, Raw};
use crate::envelope::Envelope;
use crate::mailbox::{self, Event, event_where, event_where_timeout};
use crate::names::Resolver;
use crate::process;
use crate::spawn::{Spawn, SpawnError};
use crate::types::{ExitReason, Pid, Reference};
use crate::via::{Refused, Via};
use crate::watch::{AliasLife, alias_with};
use std::fmt;
use std::time::Duration;

/// The argument of an actor that tells its starter when it is ready: a server, a
/// supervisor. Started by other means (a plain spawn, the command line) it is the
/// argument alone, and nobody is told.
#[derive(Debug)]
pub struct Start<A> {
    /// What the actor was started with.
    pub argument: A,
    /// Who waits for it.
    pub starter: Starter,
}

/// Who waits for an actor to be ready, if anybody does, and the name that it is to have.
#[derive(Debug)]
pub struct Starter {
    waiting: Option<(Pid, Reference)>,
    via: Option<Via>,
}

impl Starter {
    /// The actor that started this one, where it waits.
    #[must_use]
    pub fn pid(&self) -> Option<Pid> {
        self.waiting.map(|(pid, _)| pid)
    }

    /// The name under which this actor was started, if any.
    #[must_use]
    pub fn via(&self) -> Option<&Via> {
        self.via.as_ref()
    }

    /// Takes the name under which this actor was started; nothing to do if there is none.
    /// Servers and supervisors do so by themselves, before anything else.
    ///
    /// # Errors
    /// It did not get the name; the starter knows if another actor has it. This actor is
    /// to end with the reason given.
    pub fn register(&self, resolver: Resolver) -> Result<(), ExitReason> {
        let Some(via) = &self.via else { return Ok(()) };
        let (by, was_found) = match via.register(resolver) {
            Ok(()) => return Ok(()),
            Err(Refused::Taken { by, was_found }) => (by, was_found),
            Err(Refused::Failed(why)) => {
                return Err(ExitReason::Error(format!("{via} was not given: {why}")));
            }
        };
        if let Some((starter, ready)) = self.waiting {
            // The starter hears it as an answer, and not by its link.
            process::unlink(starter);
            let _ = mailbox::send_to(ready, &Raw(Envelope::Taken { by }.encode()));
        }
        // Whoever found this actor, and waits, hears that there was no such server: they can
        // ask the other one, as nothing was done.
        Err(if was_found { ExitReason::Noproc } else { ExitReason::Normal })
    }

    /// Says that this actor is ready. An actor that ends without saying so has
    /// failed to start, for its exit reason.
    pub fn ready(&self) {
        if let Some((_, ready)) = self.waiting {
            // What cannot be delivered is dropped: the starter may be gone.
            let _ = mailbox::send_to(ready, &Raw(Vec::new()));
        }
    }
}

impl<A: Decode> Decode for Start<A> {
    fn decode(body: Vec<u8>) -> Result<Self, DecodeError> {
        let (waiting, via, argument) = match Envelope::decode(body) {
            Ok(Envelope::Start { starter, ready, via, argument }) => {
                (Some((starter, ready)), via, argument)
            }
            Ok(other) => (None, None, other.encode()),
            Err(argument) => (None, None, argument),
        };
        Ok(Self { argument: A::decode(argument)?, starter: Starter { waiting, via } })
    }
}

/// Why an actor did not get ready.
#[derive(Clone, Debug, PartialEq)]
pub enum StartError {
    /// It could not be made.
    Spawn(SpawnError),
    /// It ended before it was ready.
    Exit(ExitReason),
    /// The name under which it was to start is this actor's. It has ended without having
    /// begun (OTP's `already_started`).
    AlreadyStarted(Pid),
    /// It was not ready in time, and was killed.
    Timeout,
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Spawn(error) => write!(f, "not made: {error}"),
            Self::Exit(reason) => write!(f, "ended before it was ready: {reason}"),
            Self::AlreadyStarted(pid) => write!(f, "already started: {pid} has the name"),
            Self::Timeout => f.write_str("not ready in time"),
        }
    }
}

impl std::error::Error for StartError {}

/// What is to be started: a function with its argument, and what is said of the
/// spawn.
pub(crate) struct Starting<'a> {
    pub(crate) function: &'a str,
    pub(crate) argument: Vec<u8>,
    pub(crate) link: bool,
    pub(crate) timeout: Option<Duration>,
    pub(crate) via: Option<Via>,
}

impl Starting<'_> {
    /// Starts the actor and waits until it is ready.
    pub(crate) fn run(self, options: impl FnOnce(Spawn) -> Spawn) -> Result<Pid, StartError> {
        let ready = alias_with(AliasLife::Reply, false);
        let (starter, via, argument) = (process::me(), self.via, self.argument);
        let start = Envelope::Start { starter, ready: ready.reference(), via, argument };
        let argument = start.encode();
        let mut spawn = options(Spawn::function(self.function, &Raw(argument))).monitor();
        if self.link {
            spawn = spawn.link();
        }
        let spawned = spawn.start().map_err(StartError::Spawn)?;
        let monitor = spawned.monitor.expect("a spawn with a monitor gives the monitor");
        let is_answer = |event: &Event| {
            event.belongs_to(ready.reference()) || event.belongs_to(monitor.reference())
        };
        let answer = match self.timeout {
            None => Some(event_where(is_answer)),
            Some(timeout) => event_where_timeout(timeout, is_answer),
        };
        let error = match answer {
            Some(Event::Message(message)) => match Envelope::decode(message.body) {
                Ok(Envelope::Taken { by }) => {
                    // From here on nothing of it is left.
                    let _ = monitor.wait(None);
                    StartError::AlreadyStarted(by)
                }
                _ => return Ok(spawned.pid),
            },
            Some(Event::Down(down)) => StartError::Exit(down.reason),
            _ => {
                process::exit(spawned.pid, &ExitReason::Kill);
                StartError::Timeout
            }
        };
        if self.link {
            forget_link(spawned.pid);
        }
        Err(error)
    }
}

/// Removes a link, and its exit event if that has come already.
pub(crate) fn forget_link(pid: Pid) {
    process::unlink(pid);
    let is_its = |event: &Event| matches!(event, Event::Exit(exited) if exited.sender == pid);
    let _flushed = event_where_timeout(Duration::ZERO, is_its);
}
