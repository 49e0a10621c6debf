//! What two connected nodes say to each other besides exchanges: signals of their
//! actors, requests to make actors, calls of functions, and which nodes, names and groups
//! they know, and who holds which locks. Who does not know a node asks for it.

mod decode;
mod encode;
mod fixed;
mod groups;
mod locks;
mod names;

use bytes::Bytes;

pub(super) use decode::decode_info;
pub(crate) use decode::decode_message_to_actor;
pub use encode::TooLarge;
pub(super) use encode::encode_info;

use crate::id::{Name, NodeId, Pid, Reference};
use crate::key::Key;
use crate::signal::Signal;

/// The longest frame of a signal, a spawn request or a call, header included, in bytes: the
/// longest message ([`MESSAGE_BYTES_MAX`](crate::limits::MESSAGE_BYTES_MAX)) and room
/// for what stands around it. Longer than a transport message, so a long one travels
/// in fragments.
pub const SIGNAL_BYTES_MAX: usize = crate::limits::MESSAGE_BYTES_MAX + (64 << 10);

/// Nodes in one frame of [`Item::Nodes`]; a longer list travels in several.
pub const NODES_MAX: usize = 256;

/// Addresses of one node.
pub const NODE_ADDRESSES_MAX: usize = 8;

/// The longest address of a node, in bytes.
pub const NODE_ADDRESS_BYTES_MAX: usize = 255;

/// Arguments of a command that is spawned: as many as any shell passes on, few enough
/// that empty ones do not fill the receiver's memory.
pub const ARGUMENTS_MAX: usize = 64 << 10;

/// Options in one I/O request or reply.
pub const IO_OPTIONS_MAX: usize = 256;

/// Whom a signal is for, on the receiving node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    /// The actor of this serial.
    Actor(u64),
    /// Whoever has this registered name when the signal arrives.
    Name(Name),
    /// Whoever made this alias, if it is still one.
    Alias(Reference),
}

/// What a node tells about itself, and about others that it is connected with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeInfo {
    /// Its name, 1 to [`NODE_NAME_BYTES_MAX`](super::NODE_NAME_BYTES_MAX) bytes.
    pub name: String,
    /// Its incarnation: not 0, below [`ID_END`](crate::id::ID_END).
    pub id: u64,
    /// Whether it stays out of lists and of the mesh.
    pub hidden: bool,
    /// Where it listens, `host:port`; at most [`NODE_ADDRESSES_MAX`], of at most
    /// [`NODE_ADDRESS_BYTES_MAX`] bytes each.
    pub addresses: Vec<String>,
}

/// What a node knows of an id that another one asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Identified {
    /// Nothing.
    Unknown,
    /// This node has it, as far as is known. Its [`NodeInfo::id`] is the id.
    Node(NodeInfo),
    /// A former run of a node had it, which has been seen in another since.
    Dead,
}

/// One thing that a connected node says to the other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Item {
    /// An actor of the sending node does something to one of the receiving node.
    ///
    /// These signals never travel: `Timeout`, `Node`, `NameLost`, `Group`, `Probe`,
    /// `ProbeReply`. Where an address and a signal say the same, only the address travels:
    /// a message to an alias has it as `via`, a monitor of a name has it as `name`, and an
    /// exit signal to an alias has it in its origin. References travel as serials, since
    /// each signal's belong to one of the two nodes: those of monitors, requests and
    /// unlinks to the sender, those in replies and `Down` to the receiver.
    Signal {
        /// The serial of the actor who did it.
        from: u64,
        /// Whom it is for.
        to: Address,
        /// What it is.
        signal: Signal,
    },
    /// Make an actor. Boxed, because it is large and rare.
    Spawn(Box<SpawnRequest>),
    /// Run a function. Boxed, because it is large.
    Call(Box<CallRequest>),
    /// Other visible nodes that the sender is connected with.
    Nodes(Vec<NodeInfo>),
    /// Whose is this id? Readers that do not know this skip it, and leave it unanswered.
    WhoIs(NodeId),
    /// The answer to [`Item::WhoIs`].
    ThatIs(NodeId, Identified),
    /// What the machines of [`names`](crate::names) say to each other. Actors travel as
    /// serials where it is clear whose they are.
    Names(crate::names::Frame),
    /// What the machines of [`groups`](crate::groups) say to each other.
    Groups(crate::groups::Frame),
    /// What the machines of [`locks`](crate::locks) say to each other.
    Locks(crate::locks::Frame),
    /// A message to all members of a group that the receiving node has when it arrives.
    ToGroup {
        /// The serial of the actor who sends it.
        from: u64,
        /// The scope.
        scope: Key,
        /// The group.
        group: Key,
        /// What is sent.
        body: Bytes,
    },
}

/// Asks another node to make an actor; answered by
/// [`Signal::SpawnReply`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SpawnRequest {
    /// Names the request in the reply, and is the monitor if there is one. Of the
    /// asking node.
    pub request: Reference,
    /// The serial of the actor who asks.
    pub parent: u64,
    /// The new actor's group leader, on any node.
    pub group_leader: Pid,
    /// What to run.
    pub module: ModuleName,
    /// How listings name the module.
    pub label: String,
    /// Where to start in it.
    pub start: StartAt,
    /// Link it with the asking actor.
    pub link: bool,
    /// Monitor it for the asking actor.
    pub monitor: bool,
    /// Register it under this name; unchecked.
    pub name: Option<String>,
    /// What it may use.
    pub limits: LimitsAsked,
}

/// Asks another node for one run of a function; answered by [`Signal::CallReply`], unless
/// it is a cast.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallRequest {
    /// Names the call in the reply. Of the asking node.
    pub request: Reference,
    /// The serial of the actor who asks.
    pub caller: u64,
    /// Where the callee's output goes, on any node.
    pub group_leader: Pid,
    /// What to run.
    pub module: ModuleName,
    /// How listings name the module.
    pub label: String,
    /// Which function of it.
    pub at: CallAt,
    /// Nobody wants the reply.
    pub cast: bool,
    /// How long the callee may take, in milliseconds; as long as it likes if absent.
    pub timeout_ms: Option<u32>,
    /// What it may use.
    pub limits: LimitsAsked,
}

/// Which function a call is of, and what it is run on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CallAt {
    /// One behind the module's entry point. The result is bytes as well.
    Entry {
        /// The function.
        function: String,
        /// What it is run on.
        argument: Bytes,
    },
    /// An exported function, as the text of a call.
    Text {
        /// The text.
        text: String,
        /// The result is to be JSON, not WAVE.
        json: bool,
    },
}

/// Which module to run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ModuleName {
    /// The one that the receiving node has under this name.
    Name(String),
    /// The one of this SHA-256, which the receiving node may have to ask for.
    Digest([u8; 32]),
}

/// Where a new actor starts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StartAt {
    /// The module's entry point, told which function to run on what.
    Entry {
        /// The function.
        function: String,
        /// What it is run on.
        argument: Bytes,
    },
    /// The module is a command; at most [`ARGUMENTS_MAX`] arguments.
    Command {
        /// Its arguments, the program's name first.
        arguments: Vec<String>,
    },
    /// An exported function, as the text of a call.
    Call(String),
}

/// Limits that a spawn asks for; what is absent is as the receiving node has it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LimitsAsked {
    /// Bytes of all linear memories together.
    pub memory_bytes: Option<u64>,
    /// Elements of each table.
    pub table_elements: Option<u64>,
    /// Signals that wait for the actor.
    pub mailbox_messages: Option<u64>,
    /// Bytes of the signals that wait for the actor.
    pub mailbox_bytes: Option<u64>,
    /// Living actors that descend from it.
    pub children: Option<u64>,
}

#[cfg(test)]
#[path = "item_test.rs"]
mod tests;
