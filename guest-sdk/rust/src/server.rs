//! Generic servers: an actor that owns a state and answers calls.
//!
//! ```no_run
//! use odeon_guest::server::{Caller, Server, ServerRef, Start, serve};
//! use odeon_guest::{ActorResult, ExitReason, actors};
//! use std::time::Duration;
//!
//! struct Counter(u64);
//!
//! impl Server for Counter {
//!     type Init = u64;
//!     type Call = u64;
//!     type Reply = u64;
//!     type Cast = ();
//!
//!     fn init(first: u64) -> Result<Self, ExitReason> {
//!         Ok(Self(first))
//!     }
//!
//!     fn call(&mut self, add: u64, caller: Caller<u64>) -> ActorResult {
//!         self.0 += add;
//!         caller.reply(&self.0);
//!         Ok(())
//!     }
//! }
//!
//! fn counter(start: Start<u64>) -> ActorResult {
//!     serve::<Counter>(start)
//! }
//!
//! fn app(_: ()) -> ActorResult {
//!     let counter = ServerRef::<Counter>::start_link("counter", &40)?;
//!     assert_eq!(counter.call(&2, Duration::from_secs(5))?, 42);
//!     Ok(())
//! }
//!
//! actors! { app, counter }
//! ```

use crate::codec::{Decode, DecodeError, Encode};
use crate::envelope::Envelope;
use crate::log;
use crate::mailbox::{self, Event, event_of, next_event};
use crate::process;
use crate::spawn::Spawn;
use crate::start::Starting;
pub use crate::start::{Start, StartError, Starter};
use crate::types::{ActorResult, Destination, ExitReason, Pid, Reference};
use crate::watch::{AliasMode, MonitorOptions, monitor, monitor_with};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::marker::PhantomData;
use std::time::Duration;

/// The state of a server, and what it does.
///
/// Every function may end the server by an `Err` with its exit reason;
/// `Err(ExitReason::Normal)` is an orderly end.
pub trait Server: Sized {
    /// What the server is started with.
    type Init: Encode + Decode;
    /// What it can be asked; usually an enum.
    type Call: Encode + Decode;
    /// What it answers.
    type Reply: Encode + Decode;
    /// What it can be told without an answer.
    type Cast: Encode + Decode;

    /// Makes the state. Until this returns, the starter waits.
    ///
    /// # Errors
    /// The server cannot start; its starter gets the reason.
    fn init(init: Self::Init) -> Result<Self, ExitReason>;

    /// Handles a call. The answer goes through `caller`, now or later, from here
    /// or from another actor; a caller that nobody answers waits out its timeout.
    ///
    /// # Errors
    /// The server is to end.
    fn call(&mut self, call: Self::Call, caller: Caller<Self::Reply>) -> ActorResult;

    /// Handles what was told without an answer. Unless overridden, drops it.
    ///
    /// # Errors
    /// The server is to end.
    fn cast(&mut self, cast: Self::Cast) -> ActorResult {
        drop(cast);
        Ok(())
    }

    /// Handles every other event: plain messages, ends of linked and monitored
    /// actors, timers. Unless overridden, drops it.
    ///
    /// # Errors
    /// The server is to end.
    fn info(&mut self, event: Event) -> ActorResult {
        drop(event);
        Ok(())
    }

    /// Runs when the server ends by itself: after an `Err`, a stop, or the exit
    /// signal of its starter where it traps exits. A server that is killed, or
    /// that panics, has no time for it.
    fn terminate(&mut self, reason: &ExitReason) {
        let _ = reason;
    }
}

/// Who waits for the answer to a call. It can be kept, and sent to another actor
/// that answers in the server's place.
#[derive(Debug, Serialize, Deserialize)]
#[serde(bound = "")]
#[must_use = "a caller that nobody answers waits out its timeout"]
pub struct Caller<R> {
    pid: Pid,
    alias: Reference,
    #[serde(skip)]
    reply: PhantomData<fn(&R)>,
}

impl<R: Encode> Caller<R> {
    /// The actor that called.
    #[must_use]
    pub fn pid(&self) -> Pid {
        self.pid
    }

    /// Answers. An answer that comes after the caller's timeout is dropped.
    pub fn reply(self, reply: &R) {
        // Nothing is told of an alias that has ended.
        let _ = mailbox::send_to(self.alias, reply);
    }
}

/// Runs a server in the calling actor, until it ends.
///
/// # Errors
/// The reason for which the server ends, where it is not `Normal`.
pub fn serve<S: Server>(start: Start<S::Init>) -> ActorResult {
    let Start { argument, starter } = start;
    run(&starter, || S::init(argument))
}

/// [`serve`], for a state that is not made from a message.
pub(crate) fn run<S: Server>(
    starter: &Starter,
    init: impl FnOnce() -> Result<S, ExitReason>,
) -> ActorResult {
    let mut server = init()?;
    starter.ready();
    loop {
        let Err(reason) = handle(&mut server, starter, next_event()) else {
            continue;
        };
        server.terminate(&reason);
        return match reason {
            ExitReason::Normal => Ok(()),
            reason => Err(reason),
        };
    }
}

fn handle<S: Server>(server: &mut S, starter: &Starter, event: Event) -> ActorResult {
    let mut message = match event {
        Event::Message(message) => message,
        Event::Exit(exited) if starter.pid() == Some(exited.sender) => return Err(exited.reason),
        other => return server.info(other),
    };
    match Envelope::decode(message.body) {
        Ok(Envelope::Call { reply_to, body }) => {
            let caller = Caller { pid: message.sender, alias: reply_to, reply: PhantomData };
            understood(body).map_or(Ok(()), |call| server.call(call, caller))
        }
        Ok(Envelope::Cast { body }) => understood(body).map_or(Ok(()), |cast| server.cast(cast)),
        Ok(Envelope::Stop) => Err(ExitReason::Normal),
        Ok(other) => {
            message.body = other.encode();
            server.info(Event::Message(message))
        }
        Err(body) => {
            message.body = body;
            server.info(Event::Message(message))
        }
    }
}

/// What a caller got wrong must not end the server that others use.
fn understood<T: Decode>(body: Vec<u8>) -> Option<T> {
    match T::decode(body) {
        Ok(value) => Some(value),
        Err(error) => {
            log::warn(&["call or cast dropped: ", &error.problem].concat());
            None
        }
    }
}

/// A server, as others see it: by pid or by name.
#[derive(Debug, Serialize, Deserialize)]
#[serde(bound = "")]
pub struct ServerRef<S> {
    to: Destination,
    #[serde(skip)]
    server: PhantomData<fn(S)>,
}

impl<S> Clone for ServerRef<S> {
    fn clone(&self) -> Self {
        Self::at(self.to.clone())
    }
}

impl<S> ServerRef<S> {
    /// The server with this pid or name, here or on another node. That it is such
    /// a server is the caller's word.
    #[must_use]
    pub fn at(to: impl Into<Destination>) -> Self {
        Self { to: to.into(), server: PhantomData }
    }

    /// Where calls go.
    #[must_use]
    pub fn destination(&self) -> &Destination {
        &self.to
    }
}

/// Why a call has no answer. The server may or may not have handled it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CallError {
    /// The server ended, or was not there.
    Exit(ExitReason),
    /// No answer came in time; none will come any more.
    Timeout,
    /// The answer is not what this caller takes for one.
    Decode(DecodeError),
}

impl fmt::Display for CallError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exit(reason) => write!(f, "the called actor ended: {reason}"),
            Self::Timeout => f.write_str("no answer in time"),
            Self::Decode(error) => write!(f, "the answer: {error}"),
        }
    }
}

impl std::error::Error for CallError {}

impl<S: Server> ServerRef<S> {
    /// Starts a server by the name of the function that serves it, and waits
    /// until it is ready.
    ///
    /// # Errors
    /// It did not get ready; [`StartError`] says why.
    pub fn start(function: &str, init: &S::Init) -> Result<Self, StartError> {
        Self::start_with(function, init, false, None, |spawn| spawn)
    }

    /// [`ServerRef::start`], and links the server to the caller.
    ///
    /// # Errors
    /// As [`ServerRef::start`]. A caller that does not trap exits ends with a
    /// server that fails to start.
    pub fn start_link(function: &str, init: &S::Init) -> Result<Self, StartError> {
        Self::start_with(function, init, true, None, |spawn| spawn)
    }

    /// [`ServerRef::start`] with a say in how: a link, a time limit, a name,
    /// another module or node.
    ///
    /// # Errors
    /// As [`ServerRef::start`].
    pub fn start_with(
        function: &str,
        init: &S::Init,
        link: bool,
        timeout: Option<Duration>,
        options: impl FnOnce(Spawn) -> Spawn,
    ) -> Result<Self, StartError> {
        let starting = Starting { function, argument: init.encode(), link, timeout };
        starting.run(options).map(Self::at)
    }

    /// Asks, and waits for the answer.
    ///
    /// The wait takes constant time however full the mailbox is, and no answer
    /// comes after it has failed.
    ///
    /// # Errors
    /// There is no answer; [`CallError`] says why.
    pub fn call(&self, call: &S::Call, timeout: Duration) -> Result<S::Reply, CallError> {
        let alias = Some(AliasMode::ReplyDemonitor);
        let options = MonitorOptions { alias, tag: None, priority: false };
        let monitor = monitor_with(self.to.clone(), &options);
        let reference = monitor.reference();
        let envelope = Envelope::Call { reply_to: reference, body: call.encode() };
        // A name that nobody has is told by the monitor as well.
        self.post(&envelope);
        let answer = match event_of(reference, Some(timeout)) {
            Some(answer) => {
                // Either event has ended the monitor and the alias.
                monitor.keep();
                Some(answer)
            }
            None => {
                // Ends the alias too. An answer that came meanwhile still counts.
                drop(monitor);
                event_of(reference, Some(Duration::ZERO))
            }
        };
        match answer {
            Some(Event::Message(message)) => message.decode().map_err(CallError::Decode),
            Some(Event::Down(down)) => Err(CallError::Exit(down.reason)),
            _ => Err(CallError::Timeout),
        }
    }

    /// Tells, without an answer. Nothing is said where there is no server.
    pub fn cast(&self, cast: &S::Cast) {
        self.post(&Envelope::Cast { body: cast.encode() });
    }

    /// Ends the server in an orderly way and waits for its end.
    ///
    /// # Errors
    /// It ended for another reason than `Normal`, or not in time.
    pub fn stop(&self, timeout: Duration) -> Result<(), CallError> {
        let monitor = monitor(self.to.clone());
        self.post(&Envelope::Stop);
        match monitor.wait(Some(timeout)) {
            Ok(down) if down.reason == ExitReason::Normal => Ok(()),
            Ok(down) => Err(CallError::Exit(down.reason)),
            Err(_) => Err(CallError::Timeout),
        }
    }

    /// The server's pid, where it is known or registered on this node.
    #[must_use]
    pub fn pid(&self) -> Option<Pid> {
        match &self.to {
            Destination::Pid(pid) => Some(*pid),
            Destination::Name(name) => process::whereis(name),
            Destination::NodeName(_) | Destination::Alias(_) => None,
        }
    }

    fn post(&self, envelope: &Envelope) {
        let options = mailbox::SendOptions::empty();
        let _ = mailbox::send_bytes_with(self.to.clone(), &envelope.encode(), options);
    }
}
