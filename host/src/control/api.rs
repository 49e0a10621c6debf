//! What commands ask of a node, and what it answers.
//!
//! Encoded with postcard, which knows no names: new variants and fields go to the
//! end. The listed rows ([`Actor`], [`Module`], [`Node`], [`Line`]) are also what
//! `--json` prints: their field names are stable.

use serde::{Deserialize, Serialize};

/// A request. Its answer's type is named with each.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Request {
    /// About the node: [`Node`].
    Node,
    /// The actors: a list of [`Actor`].
    Actors,
    /// The deployed modules: a list of [`Module`].
    Modules,
    /// Stores the module that the stream brings: [`Module`].
    Deploy {
        /// Under this name.
        name: String,
        /// How long it is.
        bytes: u64,
    },
    /// Forgets a module's name: `()`.
    Remove {
        /// The module's name or short id.
        module: String,
    },
    /// Makes an actor: [`Spawned`], or with a terminal a stream of
    /// [`ToTerminal`] and [`FromTerminal`], then [`Ending`].
    Spawn(Box<Spawn>),
    /// Calls a function of a module in a fresh instance: the result in WAVE, as
    /// text in the stream, then `()`.
    Call {
        /// The module's name or short id.
        module: String,
        /// The call, in WAVE.
        call: String,
        /// What the instance may use.
        rights: Rights,
        /// What it may take.
        limits: Limits,
    },
    /// Sends an exit signal: `()`.
    Exit {
        /// The actor's short id, pid or name.
        actor: String,
        /// Why.
        reason: ExitReason,
    },
    /// Sends a message, which the stream brings: `()`.
    Send {
        /// The actor's short id, pid or name.
        actor: String,
    },
    /// What actors without a terminal wrote: a list of [`Line`], without end if
    /// followed.
    Logs {
        /// Only this actor's: its short id, pid or name.
        actor: Option<String>,
        /// Go on with what comes.
        follow: bool,
    },
    /// Ends the node: `()`, then the connection closes when it has stopped.
    Stop,
    /// Connects the node to another: `()`.
    Connect {
        /// The other, as `name@host` or `name@host:port`.
        node: String,
    },
    /// Ends the node's connection to another: whether there was one.
    Disconnect {
        /// The other.
        node: String,
    },
    /// The other nodes that the node knows: a list of [`Peer`].
    Peers,
    /// Connects the node to another, and asks that something: [`Pong`].
    Ping {
        /// The other, as `name@host` or `name@host:port`.
        node: String,
    },
    /// Whether the node has a module: `bool`.
    Has {
        /// Its digest.
        digest: String,
    },
    /// Stores the module that the stream brings, without a name: `()`.
    Keep {
        /// How long it is.
        bytes: u64,
    },
    /// One actor and its relations: [`Details`].
    Info {
        /// The actor's short id, pid or name.
        actor: String,
    },
    /// From now on silent nodes count as there for so long: `()`.
    TickTime {
        /// Milliseconds.
        ms: u64,
    },
    /// Ends all connections of the node to others, and its part in clusters: whether it
    /// had one.
    Leave,
    /// Takes part in clusters again: whether it did not.
    Enter,
    /// From now on another cookie counts for a node: `()`.
    Cookie {
        /// The other node.
        node: String,
        /// The file of the cookie, on the machine of the node that is asked. Without
        /// it that node's own cookie counts.
        file: Option<String>,
    },
    /// Calls a function on any node: the result as text in the stream, then `()`.
    Rpc(Box<Rpc>),
    /// The cluster names that the node knows: a list of [`ClusterName`].
    Names,
    /// Who has a cluster name: [`ClusterName`].
    Whereis {
        /// The name.
        name: Vec<u8>,
    },
    /// The cluster locks that are set at the node: a list of [`Lock`].
    Locks,
    /// The groups that the node knows: a list of [`Group`].
    Groups {
        /// Of this scope only.
        scope: Option<Vec<u8>>,
    },
    /// The members of a group: a list of [`Member`].
    Members {
        /// The scope.
        scope: Vec<u8>,
        /// The group.
        group: Vec<u8>,
    },
}

/// A cluster name, as listings show it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClusterName {
    /// The name, with what is not printable ASCII escaped.
    pub name: String,
    /// Its bytes, in hexadecimal digits.
    pub hex: String,
    /// Who has it.
    pub pid: String,
    /// That one's node; absent where nobody knows its name.
    pub node: Option<String>,
}

/// A cluster lock that is set at a node, as listings show it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lock {
    /// The resource, with what is not printable ASCII escaped.
    pub resource: String,
    /// Its bytes, in hexadecimal digits.
    pub hex: String,
    /// The requester that holds it or is first to, likewise escaped.
    pub requester: String,
    /// The actors that hold it.
    pub holders: Vec<Holder>,
    /// How many requests wait for it, those included that wait for other nodes.
    pub waiting: u64,
}

/// An actor that holds a lock, as listings show it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    /// The actor.
    pub pid: String,
    /// Its node; absent where nobody knows its name.
    pub node: Option<String>,
}

/// A group, as listings show it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Group {
    /// The scope, with what is not printable ASCII escaped.
    pub scope: String,
    /// The group, likewise.
    pub group: String,
    /// The group's bytes, in hexadecimal digits.
    pub hex: String,
    /// Members, as often as they joined.
    pub members: u64,
    /// Those of the node that was asked.
    pub local: u64,
}

/// A member of a group, as listings show it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    /// The actor.
    pub pid: String,
    /// Its node; absent where nobody knows its name.
    pub node: Option<String>,
    /// How often it joined.
    pub times: u64,
}

/// A call of a function on any node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rpc {
    /// The node, as `name@host`; the one that is asked if absent.
    pub node: Option<String>,
    /// The module's name or short id on the node that is asked, or its digest.
    pub module: String,
    /// What listings call the module, if it is named by its digest.
    pub label: Option<String>,
    /// The call.
    pub call: String,
    /// The result is to be JSON, not WAVE.
    pub json: bool,
    /// How long it may take, in milliseconds.
    pub timeout_ms: Option<u64>,
}

/// Another node answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pong {
    /// How long that took over the connection, in microseconds.
    pub us: u64,
}

/// One actor, and who has to do with it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Details {
    /// As in listings.
    pub actor: Actor,
    /// Its group leader.
    pub group_leader: Related,
    /// Whether exit signals become events.
    pub trap_exit: bool,
    /// The actors that it is linked with.
    pub links: Vec<Related>,
    /// What it monitors, once for each monitor.
    pub monitors: Vec<Related>,
    /// The actors that monitor it, once for each monitor.
    pub monitored_by: Vec<Related>,
    /// How many more relations there are than the lists have room for.
    pub more: u64,
}

/// An actor in a relation with another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Related {
    /// Its pid, or the name that is monitored.
    pub actor: String,
    /// Its node; absent where nobody knows its name.
    pub node: Option<String>,
}

/// Another node, as a node sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Peer {
    /// Its name.
    pub name: String,
    /// The id of its current or last run.
    pub id: Option<u64>,
    /// Whether there is a connection.
    pub connected: bool,
    /// Whether the connection is hidden.
    pub hidden: bool,
    /// Where it listens, as far as is known.
    pub addresses: Vec<String>,
}

/// What an actor is made of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spawn {
    /// The module's name or short id.
    pub module: String,
    /// Where it starts.
    pub start: Start,
    /// The name to register.
    pub name: Option<String>,
    /// What it may use.
    pub rights: Rights,
    /// What it may take.
    pub limits: Limits,
    /// The asking terminal is its group leader. When the terminal goes away the
    /// group leader ends, and the actor gets the exit signal `shutdown`.
    pub attach: bool,
    /// What listings call the module, if it is named by its digest.
    pub label: Option<String>,
}

/// Where an actor starts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Start {
    /// As a program with these arguments.
    Command(Vec<String>),
    /// At a function of an SDK guest.
    Entry {
        /// The function.
        function: String,
        /// Its argument, in the guest's encoding.
        argument: Vec<u8>,
    },
    /// With this call, in WAVE, of any exported function.
    Call(String),
}

/// What an actor may use of the node's machine. By default nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rights {
    /// Environment variables.
    pub env: Vec<(String, String)>,
    /// Directories.
    pub dirs: Vec<DirGrant>,
    /// The network.
    pub network: bool,
}

/// A directory that an actor may use.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DirGrant {
    /// Where it is on the node's machine, absolute.
    pub host: String,
    /// What the actor calls it.
    pub guest: String,
    /// May change it.
    pub writable: bool,
}

/// What an actor may take, where it differs from the node's limits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Bytes of memory.
    pub memory_bytes: Option<u64>,
    /// Elements of all tables.
    pub table_elements: Option<u64>,
    /// Messages that wait.
    pub mailbox_messages: Option<u64>,
    /// Bytes of the messages that wait.
    pub mailbox_bytes: Option<u64>,
    /// Living children.
    pub children: Option<u64>,
    /// Running timers.
    pub timers: Option<u64>,
}

/// The exit reasons that a command can send.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ExitReason {
    /// In an orderly way.
    Shutdown,
    /// At once; cannot be trapped.
    Kill,
    /// As if its work were done.
    Normal,
    /// In words.
    Error(String),
}

/// A new actor.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spawned {
    /// The short id.
    pub id: u64,
    /// The pid.
    pub pid: String,
}

/// A node, as listings show it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Node {
    /// Its name.
    pub name: String,
    /// The id of this run.
    pub incarnation: u64,
    /// The version of the program.
    pub version: String,
    /// Living actors.
    pub actors: u64,
    /// Deployed modules.
    pub modules: u64,
}

/// An actor, as listings show it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Actor {
    /// The short id.
    pub id: u64,
    /// The pid.
    pub pid: String,
    /// The registered name.
    pub name: Option<String>,
    /// The module: a name, or a short id.
    pub module: String,
    /// Where it started.
    pub start: String,
    /// The short id of who made it.
    pub parent: Option<u64>,
    /// What it does: running, waiting, ...
    pub status: String,
    /// Messages that wait.
    pub mailbox: u64,
    /// Bytes of memory.
    pub memory_bytes: u64,
    /// Milliseconds since it was made.
    pub age_ms: u64,
}

/// A deployed module, as listings show it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Module {
    /// The short id: the first 12 hexadecimal digits of the digest.
    pub id: String,
    /// The names that stand for it.
    pub names: Vec<String>,
    /// The SHA-256 of its bytes.
    pub digest: String,
    /// Its length.
    pub bytes: u64,
    /// When its bytes first came here, in seconds since 1970.
    pub deployed_s: u64,
}

/// Something that an actor wrote, or a note about it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// Counts the node's lines.
    pub number: u64,
    /// The actor's short id.
    pub actor: u64,
    /// Milliseconds since 1970.
    pub at_ms: u64,
    /// `output`, `error`, or `node` for what the node says about the actor.
    pub channel: String,
    /// What it says.
    pub text: String,
    /// The actor's node, if it is another one: its name, or its id where nobody knows
    /// the name.
    pub node: Option<String>,
}

/// From the node to the terminal that an actor is attached to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ToTerminal {
    /// The actor exists now. Comes first.
    Spawned(Spawned),
    /// Write to the standard output.
    Output(Vec<u8>),
    /// Write to the standard error.
    Error(Vec<u8>),
    /// Read a line after this prompt.
    GetLine(String),
    /// Read up to so many bytes after this prompt.
    GetChars(String, u32),
}

/// From the terminal to the node. One per read, in order, but for the interrupt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum FromTerminal {
    /// A part of what was read; more follows.
    Part(Vec<u8>),
    /// The last or only part of what was read.
    Data(Vec<u8>),
    /// The input has ended.
    Eof,
    /// The input cannot be read.
    Failed(String),
    /// The user wants the actor to end; the second time at once.
    Interrupt,
}

/// How an attached actor ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ending {
    /// The kind of the end.
    pub kind: EndingKind,
    /// The exit reason, as listings show it.
    pub reason: String,
}

/// The kinds of an actor's end that a shell tells apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum EndingKind {
    /// Done, or asked to end.
    Normal,
    /// With this code.
    Code(u8),
    /// It trapped or went over a limit.
    Trapped,
    /// Anything else.
    Other,
}

/// Why a request failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// The kind, for the exit code.
    pub kind: FailureKind,
    /// What went wrong, and the fix where there is one.
    pub message: String,
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.message)
    }
}

/// The kinds of failure that exit codes tell apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum FailureKind {
    /// There is no such actor, module or function.
    NotFound,
    /// Not allowed, or over a limit.
    Refused,
    /// The request makes no sense: a bad argument or name.
    Usage,
    /// The called guest trapped.
    Trapped,
    /// Anything else.
    Failed,
}
