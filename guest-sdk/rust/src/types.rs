//! The words that every other module uses: pids, references, destinations and
//! exit reasons.
//!
//! They are the records and variants of the `types` interface of `wit/`. All can
//! be put into messages: serde writes a pid as `{node, serial}`, which every
//! language reads.

use serde::{Deserialize, Serialize};
use std::fmt;

/// Names one actor, for ever: pids are never reused within a node's run, and a
/// pid of an earlier run of a node is a dead pid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Pid {
    /// The incarnation of the node that the actor lives on. Below 2^53.
    pub node: u64,
    /// The actor within that incarnation. Below 2^53.
    pub serial: u64,
}

/// Names one monitor, alias, timer or request; unique across the cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Reference {
    /// The incarnation of the node that made it. Below 2^53.
    pub node: u64,
    /// The reference within that incarnation. Below 2^53.
    pub serial: u64,
}

/// Why an actor ended, or is asked to end.
///
/// It is also the error of every actor function: `?` turns any
/// [`std::error::Error`] into [`ExitReason::Error`] with the error's text.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum ExitReason {
    /// Finished its work. Ignored by linked actors that do not trap exits.
    Normal,
    /// Asked to end in an orderly way, usually by its supervisor.
    Shutdown,
    /// As an explicit exit signal: end at once, not trappable. As the reason of
    /// an actor that raised it itself: an ordinary, trappable reason.
    Kill,
    /// Ended by an explicit `Kill`.
    Killed,
    /// The other actor of a link or monitor does not exist.
    Noproc,
    /// The connection to the other actor's node is gone; the actor may live.
    Noconnection,
    /// The actor reported a failure in words.
    Error(String),
    /// The actor trapped: a panic, unreachable code, memory out of bounds. The
    /// text says which, and the panic's message and place where there was one.
    Trap(String),
    /// The actor went over one of its limits. The text names the limit.
    Limit(String),
    /// A command ended with this exit code, which is not zero.
    ExitCode(u8),
    /// A reason in the guests' own encoding; the host passes it on unread.
    Custom(Vec<u8>),
}

impl ExitReason {
    /// A failure in words.
    pub fn error(text: impl Into<String>) -> Self {
        Self::Error(text.into())
    }

    /// Whether the actor ended as planned: it finished, or was asked to end.
    #[must_use]
    pub fn is_orderly(&self) -> bool {
        matches!(self, Self::Normal | Self::Shutdown)
    }
}

impl fmt::Display for ExitReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Normal => f.write_str("normal"),
            Self::Shutdown => f.write_str("shutdown"),
            Self::Kill => f.write_str("kill"),
            Self::Killed => f.write_str("killed"),
            Self::Noproc => f.write_str("noproc"),
            Self::Noconnection => f.write_str("noconnection"),
            Self::Error(text) => write!(f, "error: {text}"),
            Self::Trap(text) => write!(f, "trap: {text}"),
            Self::Limit(text) => write!(f, "limit: {text}"),
            Self::ExitCode(code) => write!(f, "exit code {code}"),
            Self::Custom(bytes) => write!(f, "custom reason of {} bytes", bytes.len()),
        }
    }
}

// `ExitReason` is no `Error` itself, or this blanket conversion could not be.
impl<E: std::error::Error> From<E> for ExitReason {
    fn from(error: E) -> Self {
        Self::Error(error.to_string())
    }
}

/// What an actor function gives back: `Ok` ends the actor with
/// [`ExitReason::Normal`], `Err` with the reason in it.
pub type ActorResult = Result<(), ExitReason>;

/// A registered name on a given node.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct NodeName {
    /// The registered name.
    pub name: String,
    /// The node, as `name@host`.
    pub node: String,
}

/// Whom a signal is for. Everything that can name an actor turns into one:
/// a [`Pid`], a registered name, a name on a node, an alias.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Destination {
    /// An actor, wherever it lives.
    Pid(Pid),
    /// The actor registered under this name on this node.
    Name(String),
    /// The actor registered under a name on a named node.
    NodeName(NodeName),
    /// Whoever owns this alias, as long as it is active.
    Alias(Reference),
}

impl From<Pid> for Destination {
    fn from(pid: Pid) -> Self {
        Self::Pid(pid)
    }
}

impl From<&str> for Destination {
    fn from(name: &str) -> Self {
        Self::Name(name.to_owned())
    }
}

impl From<String> for Destination {
    fn from(name: String) -> Self {
        Self::Name(name)
    }
}

impl From<NodeName> for Destination {
    fn from(name: NodeName) -> Self {
        Self::NodeName(name)
    }
}

impl From<Reference> for Destination {
    fn from(alias: Reference) -> Self {
        Self::Alias(alias)
    }
}

impl fmt::Display for Pid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<{}.{}>", self.node, self.serial)
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{}.{}", self.node, self.serial)
    }
}

impl fmt::Display for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Pid(pid) => pid.fmt(f),
            Self::Name(name) => f.write_str(name),
            Self::NodeName(NodeName { name, node }) => write!(f, "{name} on {node}"),
            Self::Alias(alias) => alias.fmt(f),
        }
    }
}
