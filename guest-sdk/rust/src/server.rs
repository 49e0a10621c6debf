//! Generic servers: an actor that owns a state and answers calls.
//!
//! ```no_run
//! use odeon_guest::server::{Caller, Server, ServerRef, Start, Via, serve};
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
//!     // One for the whole cluster, whoever asks first; `Via::local` makes it this node's.
//!     let shared = ServerRef::<Counter>::find_or_start(Via::cluster("shared"), "counter", &0)?;
//!     shared.cast(&());
//!     Ok(())
//! }
//!
//! actors! { app, counter }
//! ```
//!
//! # Names
//!
//! A server that is started under a [`Via`] takes the name before its `init` runs, and is
//! found under it as long as it lives. If another actor has the name, it does not begin:
//! its starter gets [`StartError::AlreadyStarted`] with that actor's pid.
//!
//! Where parts of a cluster meet that each have a server of one cluster name, the resolver
//! of one of them decides ([`Server::resolver`]); by default one of the two loses the name,
//! is told ([`Server::name_lost`]), and ends in an orderly way.

mod reference;

use crate::codec::{Decode, Encode};
use crate::envelope::Envelope;
use crate::log;
use crate::mailbox::{self, Event, NameLost, next_event};
use crate::names::Resolver;
pub use crate::start::{Start, StartError, Starter};
use crate::types::{ActorResult, ExitReason, Pid, Reference};
pub use crate::via::Via;
pub use reference::{CallError, ServerRef, StartOptions};
use serde::{Deserialize, Serialize};
use std::marker::PhantomData;

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

    /// What happens when another server with the same cluster name is met, since parts of
    /// the cluster were apart. It counts for a server that is started under
    /// [`Via::Cluster`].
    ///
    /// Unless overridden, one of the two loses the name and is told
    /// ([`Resolver::RandomNotify`]). OTP's servers have `random_exit`, which kills one. A
    /// function that decides ([`Resolver::Ask`]) has to see to the loser itself, who is not
    /// told.
    fn resolver() -> Resolver {
        Resolver::RandomNotify
    }

    /// The cluster name under which this server was started is another one's now, or
    /// nobody's (`lost.both`): see [`Server::resolver`]. Nobody finds this server under it any
    /// more. What came before this has been handled; what came after it waits. The other one
    /// may be asked for its state, or told this one's.
    ///
    /// Unless overridden, ends the server with `Shutdown`.
    ///
    /// # Errors
    /// The server is to end.
    fn name_lost(&mut self, lost: NameLost) -> ActorResult {
        drop(lost);
        Err(ExitReason::Shutdown)
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
    starter.register(S::resolver())?;
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
        Event::NameLost(lost) if is_name_of(starter, &lost) => return server.name_lost(lost),
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

fn is_name_of(starter: &Starter, lost: &NameLost) -> bool {
    matches!(starter.via(), Some(Via::Cluster(name)) if *name == lost.name)
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
