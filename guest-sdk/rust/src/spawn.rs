//! Making actors.
//!
//! [`spawn`], [`spawn_link`] and [`spawn_monitor`] start a function of the
//! caller's own module, by the name under which [`actors!`](crate::actors) lists
//! it. [`Spawn`] has a say in everything: module, node, name, limits, command
//! lines and typed calls.

use crate::bindings::odeon::actor::process as host;
use crate::codec::Encode;
use crate::types::{Pid, Reference};
use crate::watch::{AliasMode, Monitor, MonitorOptions};
use std::fmt;

pub use host::{Limits, ReplyWhen};

/// Why an actor could not be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SpawnError {
    /// No such module; the text names it, and near names where there are any.
    NoModule(String),
    /// The module has no such start; the text says what it has.
    NoFunction(String),
    /// The arguments do not fit the function; the text says where.
    BadArgument(String),
    /// The name is taken, or is not a valid name.
    BadName(String),
    /// A limit of the node or of the caller; the text names it.
    SystemLimit(String),
    /// The policy of the node does not allow it.
    Denied(String),
    /// The node is not connected. The actor may or may not have been made.
    Noconnection,
}

impl fmt::Display for SpawnError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoModule(text) => write!(f, "no such module: {text}"),
            Self::NoFunction(text) => write!(f, "no such function: {text}"),
            Self::BadArgument(text) => write!(f, "bad argument: {text}"),
            Self::BadName(text) => write!(f, "bad name: {text}"),
            Self::SystemLimit(text) => write!(f, "limit reached: {text}"),
            Self::Denied(text) => write!(f, "not allowed: {text}"),
            Self::Noconnection => f.write_str("no connection to the node"),
        }
    }
}

impl std::error::Error for SpawnError {}

/// Makes an actor that runs a function of this module, beside the caller.
///
/// # Errors
/// There is no such function, or a limit or the node's policy forbids it. A
/// failure of the new actor itself is its exit reason, not an error here.
pub fn spawn<A: Encode + ?Sized>(function: &str, argument: &A) -> Result<Pid, SpawnError> {
    let Spawn { module, start, .. } = Spawn::function(function, argument);
    host::spawn(&module, &start)
}

/// [`spawn`], and links the new actor to the caller in one step with making it.
///
/// # Errors
/// As [`spawn`].
pub fn spawn_link<A: Encode + ?Sized>(function: &str, argument: &A) -> Result<Pid, SpawnError> {
    Spawn::function(function, argument).link().start().map(|spawned| spawned.pid)
}

/// [`spawn`], and monitors the new actor in one step with making it.
///
/// # Errors
/// As [`spawn`].
pub fn spawn_monitor<A: Encode + ?Sized>(
    function: &str,
    argument: &A,
) -> Result<(Pid, Monitor), SpawnError> {
    let spawned = Spawn::function(function, argument).monitor().start()?;
    Ok((spawned.pid, spawned.monitor.expect("a spawn with a monitor gives the monitor")))
}

/// [`spawn`] for a function of another deployed module.
///
/// # Errors
/// As [`spawn`], and there is no such module.
pub fn spawn_module<A: Encode + ?Sized>(
    module: &str,
    function: &str,
    argument: &A,
) -> Result<Pid, SpawnError> {
    let Spawn { module, start, .. } = Spawn::function(function, argument).module(module);
    host::spawn(&module, &start)
}

/// An actor to be made. Unless told otherwise it runs on this node, without link
/// or monitor, with the caller's limits, group leader and rights.
///
/// ```no_run
/// # fn main() -> Result<(), odeon_guest::ExitReason> {
/// use odeon_guest::Spawn;
///
/// let worker = Spawn::function("worker", &5).named("worker-5").link().start()?;
/// let wc = Spawn::command(["wc", "-l"]).module("wordcount").monitor().start()?;
/// # let _ = (worker, wc); Ok(()) }
/// ```
#[derive(Clone, Debug)]
#[must_use = "nothing is spawned before `start` or `request`"]
pub struct Spawn {
    module: host::Module,
    start: host::Start,
    options: host::SpawnOptions,
}

/// What a successful [`Spawn::start`] gives.
#[derive(Debug)]
pub struct Spawned {
    /// The new actor.
    pub pid: Pid,
    /// The monitor, where one was asked for.
    pub monitor: Option<Monitor>,
}

impl Spawn {
    /// A function behind an SDK's entry, and its argument.
    pub fn function<A: Encode + ?Sized>(function: &str, argument: &A) -> Self {
        let (function, argument) = (function.to_owned(), argument.encode());
        Self::of(host::Start::Entry(host::EntryCall { function, argument }))
    }

    /// A `wasi:cli` command with its arguments, the program's name first.
    pub fn command<S: Into<String>>(arguments: impl IntoIterator<Item = S>) -> Self {
        Self::of(host::Start::Command(arguments.into_iter().map(Into::into).collect()))
    }

    /// Any exported function, as a call in WAVE text: `add(1, 2)`.
    pub fn call(wave: impl Into<String>) -> Self {
        Self::of(host::Start::Call(wave.into()))
    }

    fn of(start: host::Start) -> Self {
        let options = host::SpawnOptions {
            node: None,
            link: false,
            monitor: None,
            name: None,
            group_leader: None,
            limits: None,
        };
        Self { module: host::Module::This, start, options }
    }

    /// In the module that is deployed under this name, not the caller's own.
    pub fn module(mut self, name: impl Into<String>) -> Self {
        self.module = host::Module::Name(name.into());
        self
    }

    /// In the module with this SHA-256, as 64 hexadecimal digits.
    pub fn digest(mut self, digest: impl Into<String>) -> Self {
        self.module = host::Module::Digest(digest.into());
        self
    }

    /// On this node, as `name@host`.
    pub fn on(mut self, node: impl Into<String>) -> Self {
        self.options.node = Some(node.into());
        self
    }

    /// Registered under this name before it runs.
    pub fn named(mut self, name: impl Into<String>) -> Self {
        self.options.name = Some(name.into());
        self
    }

    /// Linked to the caller.
    pub fn link(mut self) -> Self {
        self.options.link = true;
        self
    }

    /// Monitored by the caller.
    pub fn monitor(self) -> Self {
        self.monitor_with(MonitorOptions { alias: None, tag: None, priority: false })
    }

    /// Monitored by the caller, and the monitor is an alias as well.
    pub fn monitor_with_alias(self, alias: AliasMode) -> Self {
        self.monitor_with(MonitorOptions { alias: Some(alias), tag: None, priority: false })
    }

    /// Monitored by the caller, with a say in the finer points.
    pub fn monitor_with(mut self, options: MonitorOptions) -> Self {
        self.options.monitor = Some(options);
        self
    }

    /// With another group leader than the caller's.
    pub fn group_leader(mut self, leader: Pid) -> Self {
        self.options.group_leader = Some(leader);
        self
    }

    /// With at most this much linear memory, in bytes.
    pub fn memory_bytes_max(mut self, bytes: u64) -> Self {
        self.limits_mut().memory_bytes_max = Some(bytes);
        self
    }

    /// With at most so many messages waiting in its mailbox.
    pub fn mailbox_messages_max(mut self, messages: u64) -> Self {
        self.limits_mut().mailbox_messages_max = Some(messages);
        self
    }

    /// With these limits instead of the caller's; they cannot be wider.
    pub fn limits(mut self, limits: Limits) -> Self {
        self.options.limits = Some(limits);
        self
    }

    fn limits_mut(&mut self) -> &mut Limits {
        self.options.limits.get_or_insert(Limits {
            memory_bytes_max: None,
            table_elements_max: None,
            mailbox_messages_max: None,
            mailbox_bytes_max: None,
            children_max: None,
        })
    }

    /// Makes the actor and waits until it is made.
    ///
    /// # Errors
    /// It could not be made; [`SpawnError`] says why.
    pub fn start(self) -> Result<Spawned, SpawnError> {
        let spawned = host::spawn_with(&self.module, &self.start, &self.options)?;
        let has_alias = self.options.monitor.is_some_and(|options| options.alias.is_some());
        let monitor = spawned.monitor.map(|it| Monitor::of_spawn(it, has_alias));
        Ok(Spawned { pid: spawned.pid, monitor })
    }

    /// Asks for the actor without waiting. The answer is a `SpawnReply` event
    /// with the returned reference, which is the monitor's as well.
    #[must_use = "the reference is how the answer is known"]
    pub fn request(self, reply: ReplyWhen) -> Reference {
        host::spawn_request(&self.module, &self.start, &self.options, reply)
    }
}

/// Gives up a spawn request. True while it was outstanding: then no reply, link
/// or monitor comes of it, and an actor made with a link ends.
pub fn abandon(request: Reference) -> bool {
    host::spawn_abandon(request)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::ExitReason;

    #[test]
    fn a_failed_spawn_says_in_words_what_failed() {
        let text = |error: SpawnError| ExitReason::from(error).to_string();
        let missing = SpawnError::NoModule("`tols`; did you mean `tools`?".into());
        assert_eq!(text(missing), "error: no such module: `tols`; did you mean `tools`?");
        assert_eq!(text(SpawnError::Noconnection), "error: no connection to the node");
        let denied = SpawnError::Denied("this node makes no actors for others".into());
        assert_eq!(text(denied), "error: not allowed: this node makes no actors for others");
    }
}
