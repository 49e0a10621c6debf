//! Tasks: an actor that works out one result.
//!
//! ```no_run
//! use odeon_guest::task::{Job, Task};
//! use odeon_guest::{ActorResult, actors, println};
//! use std::time::Duration;
//!
//! fn square(job: Job<u64>) -> ActorResult {
//!     let n = job.argument;
//!     job.finish(&(n * n))
//! }
//!
//! fn app(_: ()) -> ActorResult {
//!     let tasks = [3, 4].map(|n: u64| Task::<u64>::spawn("square", &n));
//!     for task in tasks {
//!         println!("{}", task?.await_result(Duration::from_secs(5))?);
//!     }
//!     Ok(())
//! }
//!
//! actors! { app, square }
//! ```

use crate::codec::{Decode, DecodeError, Encode, Raw};
use crate::envelope::Envelope;
use crate::mailbox::{self, Event, event_of};
use crate::process;
use crate::spawn::{Spawn, SpawnError};
use crate::types::{ActorResult, ExitReason, Pid, Reference};
use crate::watch::{Alias, AliasLife, Monitor, alias_with};
use std::fmt;
use std::marker::PhantomData;
use std::time::Duration;

/// The argument of a task's function. Started by other means than a [`Task`] it
/// is the argument alone, and the result goes nowhere.
#[derive(Debug)]
pub struct Job<A> {
    /// What the task was given.
    pub argument: A,
    reply_to: Option<Reference>,
}

impl<A> Job<A> {
    /// Hands the result over and ends the task's function.
    ///
    /// # Errors
    /// None; it is what the function gives back.
    pub fn finish<T: Encode + ?Sized>(self, result: &T) -> ActorResult {
        if let Some(alias) = self.reply_to {
            // Nothing is told of an owner that no longer waits.
            let _ = mailbox::send_to(alias, result);
        }
        Ok(())
    }
}

impl<A: Decode> Decode for Job<A> {
    fn decode(body: Vec<u8>) -> Result<Self, DecodeError> {
        let (reply_to, argument) = match Envelope::decode(body) {
            Ok(Envelope::Job { reply_to, argument }) => (Some(reply_to), argument),
            Ok(other) => (None, other.encode()),
            Err(argument) => (None, argument),
        };
        Ok(Self { argument: A::decode(argument)?, reply_to })
    }
}

/// A task at work. Dropping it lets the task run on, but nobody hears of it.
#[derive(Debug)]
#[must_use = "the result of a dropped task is lost"]
pub struct Task<T> {
    pid: Pid,
    monitor: Monitor,
    result: Alias,
    kind: PhantomData<fn() -> T>,
}

/// Why a task has no result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TaskError {
    /// It ended without one, for this reason: for a panic, `Trap` with its text.
    Exit(ExitReason),
    /// It was not done in time, and was killed.
    Timeout,
    /// The result is not what this owner takes for one.
    Decode(DecodeError),
}

impl fmt::Display for TaskError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exit(reason) => write!(f, "the task ended without a result: {reason}"),
            Self::Timeout => f.write_str("the task was not done in time"),
            Self::Decode(error) => write!(f, "the task's result: {error}"),
        }
    }
}

impl std::error::Error for TaskError {}

impl<T: Decode> Task<T> {
    /// Starts a function of this module that takes a [`Job`]. A task that fails
    /// is an error of [`Task::await_result`] and nothing worse.
    ///
    /// # Errors
    /// It could not be made.
    pub fn spawn<A: Encode + ?Sized>(function: &str, argument: &A) -> Result<Self, SpawnError> {
        Self::spawn_with(function, argument, |spawn| spawn)
    }

    /// [`Task::spawn`], and links the task to the caller: neither outlives a
    /// failure of the other.
    ///
    /// # Errors
    /// It could not be made.
    pub fn spawn_link<A: Encode + ?Sized>(
        function: &str,
        argument: &A,
    ) -> Result<Self, SpawnError> {
        Self::spawn_with(function, argument, Spawn::link)
    }

    /// [`Task::spawn`] with a say in how: another module or node, limits.
    ///
    /// # Errors
    /// It could not be made.
    pub fn spawn_with<A: Encode + ?Sized>(
        function: &str,
        argument: &A,
        options: impl FnOnce(Spawn) -> Spawn,
    ) -> Result<Self, SpawnError> {
        let result = alias_with(AliasLife::Reply, false);
        let (reply_to, argument) = (result.reference(), argument.encode());
        let argument = Raw(Envelope::Job { reply_to, argument }.encode());
        let spawned = options(Spawn::function(function, &argument)).monitor().start()?;
        let monitor = spawned.monitor.expect("a spawn with a monitor gives the monitor");
        Ok(Self { pid: spawned.pid, monitor, result, kind: PhantomData })
    }

    /// The actor that works.
    #[must_use]
    pub fn pid(&self) -> Pid {
        self.pid
    }

    /// Waits for the result; a task that is not done in time is killed.
    ///
    /// # Errors
    /// There is no result; [`TaskError`] says why.
    pub fn await_result(self, timeout: Duration) -> Result<T, TaskError> {
        match self.wait(timeout) {
            Ok(outcome) => outcome,
            Err(unfinished) => {
                unfinished.cancel();
                Err(TaskError::Timeout)
            }
        }
    }

    /// Waits for the result.
    ///
    /// # Errors
    /// The task is not done yet; it comes back, to be waited for again.
    pub fn wait(self, timeout: Duration) -> Result<Result<T, TaskError>, Self> {
        let Self { pid, monitor, result, kind } = self;
        // The result was sent before the end, by the same actor: once the end is
        // here, the result is. So one wait in constant time is enough.
        let down = match monitor.wait(Some(timeout)) {
            Ok(down) => down,
            Err(monitor) => return Err(Self { pid, monitor, result, kind }),
        };
        Ok(match event_of(result.reference(), Some(Duration::ZERO)) {
            Some(Event::Message(message)) => message.decode().map_err(TaskError::Decode),
            _ => Err(TaskError::Exit(down.reason)),
        })
    }

    /// Ends the task, whatever it is at.
    pub fn cancel(self) {
        process::unlink(self.pid);
        process::exit(self.pid, &ExitReason::Kill);
    }
}
