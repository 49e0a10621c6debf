//! Everything that one actor can do to another.
//!
//! A signal travels in an [`Envelope`] from one pid to another. The router keeps
//! the order of envelopes between any two pids; nothing else is promised.

use std::sync::Arc;

use bytes::Bytes;

use crate::groups::Change;
use crate::id::{Name, Pid, Reference};
use crate::key::Key;
use crate::node::NodeChange;
use crate::reason::Reason;

/// A signal on its way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Envelope {
    /// Who did it.
    pub from: Pid,
    /// Whom it is for.
    pub to: Pid,
    /// What it is.
    pub signal: Signal,
}

/// One thing that an actor does to another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Signal {
    /// User code sent this.
    Message {
        /// The alias it was sent to, if it was.
        via: Option<Reference>,
        /// Asks to overtake ordinary messages; granted if the alias allows it.
        priority: bool,
        /// What was sent.
        body: Bytes,
    },
    /// The sender has an active link to the receiver.
    Link,
    /// The sender removed its link; to be acknowledged with the same id.
    Unlink(u64),
    /// Answers an [`Signal::Unlink`].
    UnlinkAck(u64),
    /// An exit signal.
    Exit {
        /// Why.
        reason: Reason,
        /// Who sent it and how.
        origin: ExitOrigin,
    },
    /// The sender wants one [`Signal::Down`] when the receiver ends.
    Monitor {
        /// The sender's monitor.
        reference: Reference,
        /// The registered name by which the receiver was found, if by name.
        name: Option<Name>,
    },
    /// The sender ended this monitor.
    Demonitor(Reference),
    /// The sender, which the receiver monitored, ended.
    Down {
        /// The receiver's monitor.
        reference: Reference,
        /// Why it ended.
        reason: Reason,
    },
    /// The receiver's group leader is to be this one.
    GroupLeader(Pid),
    /// A spawn request of the receiver was carried out, or not.
    SpawnReply {
        /// The request.
        request: Reference,
        /// The new actor, or why there is none.
        outcome: Result<Pid, SpawnError>,
    },
    /// A call of the receiver is over.
    CallReply {
        /// The call.
        request: Reference,
        /// What the function gave, or why it gave nothing.
        outcome: Result<Bytes, CallError>,
    },
    /// A timer of the receiver ran out.
    Timeout(Reference),
    /// A node came or went, which the receiver wanted to hear of. Never between nodes.
    Node(Arc<NodeChange>),
    /// The receiver lost a cluster name. Never between nodes.
    NameLost(Arc<NameLost>),
    /// Actors joined or left a group that the receiver monitors. Never between nodes.
    Group {
        /// The monitor.
        monitor: Reference,
        /// What happened.
        change: Arc<Change>,
    },
    /// Asks the receiver, as a group leader.
    IoRequest {
        /// Names the request in the reply; a monitor of the sender as well.
        reply_as: Reference,
        /// What is asked.
        request: IoRequest,
    },
    /// A group leader's answer.
    IoReply {
        /// The request.
        reply_as: Reference,
        /// The answer.
        reply: IoReply,
    },
    /// Asks for a [`Signal::ProbeReply`], to learn that the receiver lives and
    /// has taken all that the sender sent before.
    Probe(Reference),
    /// Answers a [`Signal::Probe`].
    ProbeReply {
        /// The probe.
        reference: Reference,
        /// What the actor is, or nothing if it does not exist.
        info: Option<Box<Info>>,
    },
}

/// An actor lost a cluster name, since sides of the cluster met that each had an owner of
/// it (`global_name_conflict`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NameLost {
    /// The name.
    pub name: Key,
    /// Whom it met.
    pub other: Pid,
    /// Whether that one lost it as well.
    pub both: bool,
}

/// How an exit signal came about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExitOrigin {
    /// A link broke. Counts only while the receiver's link is active.
    Link,
    /// Somebody sent it on purpose, to a pid.
    Explicit,
    /// Somebody sent it on purpose, to an alias.
    Alias {
        /// The alias.
        alias: Reference,
        /// Asks to overtake ordinary messages; granted if the alias allows it.
        priority: bool,
    },
}

/// Why an actor could not be made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SpawnError {
    /// No such module.
    #[error("no such module: {0}")]
    NoModule(String),
    /// The module has no such start.
    #[error("no such function: {0}")]
    NoFunction(String),
    /// The arguments do not fit.
    #[error("bad argument: {0}")]
    BadArgument(String),
    /// The name is taken or not valid.
    #[error("bad name: {0}")]
    BadName(String),
    /// A limit was reached; the text names it.
    #[error("limit reached: {0}")]
    SystemLimit(String),
    /// The policy forbids it.
    #[error("not allowed: {0}")]
    Denied(String),
    /// The node is not connected.
    #[error("no connection to the node")]
    NoConnection,
}

impl SpawnError {
    /// The bytes that this error takes beyond its fixed size.
    pub fn len_bytes(&self) -> usize {
        match self {
            Self::NoModule(text)
            | Self::NoFunction(text)
            | Self::BadArgument(text)
            | Self::BadName(text)
            | Self::SystemLimit(text)
            | Self::Denied(text) => text.len(),
            Self::NoConnection => 0,
        }
    }
}

/// Why a call gave no result.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CallError {
    /// The function was not run; but where there is no connection, it may have been.
    #[error(transparent)]
    Refused(#[from] SpawnError),
    /// The function ended without a result.
    #[error("the function ended without a result: {0}")]
    Ended(Reason),
    /// The time is over. The function may or may not have run.
    #[error("no result in time")]
    Timeout,
}

impl CallError {
    /// The bytes that this error takes beyond its fixed size.
    pub fn len_bytes(&self) -> usize {
        match self {
            Self::Refused(error) => error.len_bytes(),
            Self::Ended(reason) => reason.len_bytes(),
            Self::Timeout => 0,
        }
    }
}

/// Which output of an actor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Channel {
    /// The standard output.
    Output,
    /// The standard error.
    Error,
}

/// What is asked of a group leader (OTP, "The Erlang I/O Protocol").
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum IoRequest {
    /// Write.
    PutChars(Channel, Bytes),
    /// Read a line, after a prompt.
    GetLine(String),
    /// Read up to so many bytes, after a prompt.
    GetChars(String, u32),
    /// Give the options.
    GetOptions,
    /// Set options.
    SetOptions(Vec<(String, String)>),
}

/// What a group leader answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum IoReply {
    /// Done.
    Done,
    /// What was read.
    Data(Bytes),
    /// Nothing more to read.
    Eof,
    /// The options.
    Options(Vec<(String, String)>),
    /// It failed.
    Failed(IoError),
}

/// Why an I/O request failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IoError {
    /// The group leader ended.
    #[error("the group leader has ended")]
    Terminated,
    /// The group leader does not know the request.
    #[error("the group leader does not know this request")]
    Request,
    /// The group leader does not support the option or operation.
    #[error("not supported by the group leader")]
    NotSupported,
    /// Anything else.
    #[error("{0}")]
    Other(String),
}

/// What a process tells about itself when asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Info {
    /// Where its output goes.
    pub group_leader: Pid,
    /// Whether it traps exits.
    pub trap_exit: bool,
    /// Messages that wait.
    pub mailbox_messages: usize,
    /// The processes it is linked with.
    pub links: Vec<Pid>,
    /// What it monitors.
    pub monitors: Vec<Monitored>,
    /// Who monitors it.
    pub monitored_by: Vec<Pid>,
}

/// What a monitor was put on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Monitored {
    /// A process.
    Pid(Pid),
    /// Whoever had this name on the named node when the request got there.
    /// `None` is the monitoring process's own node.
    Name(Name, Option<String>),
}
