//! What travels on a connection, and nothing about who may send it when.
//!
//! A connection carries frames, over any transport that keeps messages whole
//! (WebSocket). One transport message holds one or more complete frames:
//!
//! ```text
//! kind: u8 | length of the body: u32, little endian | body
//! ```
//!
//! A body is a fixed part in postcard (variable-length integers, no field names)
//! and, in some kinds, raw bytes up to the frame's end. A fixed part may grow at
//! its end in kinds without raw bytes: readers ignore what they do not know.
//!
//! | kind | frame | fixed part | raw bytes |
//! |---|---|---|---|
//! | 0x01 | hello | `"odeon"`, versions, features, role, name, incarnation, nonce | |
//! | 0x02 | proof | 32 bytes | |
//! | 0x03 | refused | code, two numbers | |
//! | 0x04 | welcome | what the acceptor is | |
//! | 0x05 | about | what the initiator is | |
//! | 0x10 | request | id, service | the request, in the service's encoding |
//! | 0x11 | reply | id, outcome | the reply |
//! | 0x12 | stream data | id | the data |
//! | 0x13 | stream end | id | |
//! | 0x14 | credit | id, bytes | |
//! | 0x15 | cancel | id | |
//! | 0x20 | ping | token | |
//! | 0x21 | pong | token | |
//! | 0x22 | tick | | |
//! | 0x28 | nodes | list of nodes | |
//! | 0x30 | message to an actor | from, to | the message |
//! | 0x31 | message to an alias | from, alias, priority | the message |
//! | 0x32 | message to a name | from, name | the message |
//! | 0x33 | any other signal | from, address, signal | its text or bytes |
//! | 0x34 | spawn request | what to run, for whom | what it starts with |
//! | 0x35 | call | what to run, for whom | what it is run on |
//! | 0x38 | fragment | stream, last | a piece of a frame |
//! | 0x39 | signal credit | bytes | |
//! | 0x3a | compressed | length | one frame, as an lz4 block |
//! | 0x40 | cluster names | what the machines of names say | |
//! | 0x41 | groups | what the machines of groups say | |
//! | 0x42 | message to a group | from, scope, group | the message |
//! | 0xa8 | who is | the id of a node | |
//! | 0xa9 | that is | the id, what is known of it | |
//! | 0x80 and above | optional: skipped by readers that do not know it | | |
//!
//! An unknown kind below 0x80, a frame that is cut short or over the limit, and
//! a body that does not decode end the connection. The reader never allocates
//! more than the bytes that it was given.
//!
//! This module must not know sockets, actors or what the services mean. Only
//! [`peer`](crate::peer) and the connection's owner use it.

mod codec;
mod item;
pub(crate) mod kind;

use bytes::Bytes;

pub use codec::{DecodeError, Raw};
pub(crate) use item::decode_message_to_actor;
pub use item::{
    ARGUMENTS_MAX, Address, CallAt, CallRequest, IO_OPTIONS_MAX, Identified, Item, LimitsAsked,
    ModuleName, NODE_ADDRESS_BYTES_MAX, NODE_ADDRESSES_MAX, NODES_MAX, NodeInfo, SIGNAL_BYTES_MAX,
    SpawnRequest, StartAt, TooLarge,
};

/// The oldest protocol version that this code speaks.
pub const VERSION_MIN: u16 = 1;

/// The newest protocol version that this code speaks.
pub const VERSION_MAX: u16 = 1;

/// The longest body of a frame, in bytes. Larger things travel as streams, so
/// that no frame delays the next by much.
pub const BODY_BYTES_MAX: usize = 128 << 10;

/// The longest body before the other side has proved itself, in bytes: a hello
/// with a long name, and room to grow.
pub const HANDSHAKE_BODY_BYTES_MAX: usize = 4 << 10;

/// The largest transport message, in bytes: one frame of the largest size, or a
/// batch of smaller ones.
pub const MESSAGE_BYTES_MAX: usize = BODY_BYTES_MAX + HEADER_BYTES;

/// Writers cut stream data into pieces of this size, in bytes, so that other
/// frames get their turn.
pub const STREAM_PIECE_BYTES: usize = 16 << 10;

/// Kind and length in front of each body.
pub const HEADER_BYTES: usize = 5;

/// The longest service name, in bytes.
pub const SERVICE_BYTES_MAX: usize = 64;

/// The longest node name, in bytes.
pub const NODE_NAME_BYTES_MAX: usize = 255;

/// Bit in [`Hello::features`]: the side reads [compressed](self) frames.
pub const FEATURE_LZ4: u64 = 1;

/// One frame, but for those that only connected nodes send each other: [`Item`]s, and
/// what [`peer`](crate::peer) wraps around them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Frame {
    /// Opens the handshake.
    Hello(Hello),
    /// Shows that the sender knows the cookie.
    Proof([u8; 32]),
    /// The sender ends the handshake.
    Refused(Refusal),
    /// Asks for something.
    Request {
        /// Names the exchange on this connection: odd if the side that opened
        /// the connection asks, even if the other does, never used twice.
        id: u64,
        /// Whom it is for, at most [`SERVICE_BYTES_MAX`] bytes.
        service: String,
        /// What is asked, in the service's encoding.
        body: Bytes,
    },
    /// Answers a request; the last frame of the answering side in an exchange.
    Reply {
        /// The exchange.
        id: u64,
        /// Whether it succeeded.
        outcome: Outcome,
        /// The answer, in the service's encoding.
        body: Bytes,
    },
    /// A piece of the stream that goes with a request or reply.
    StreamData {
        /// The exchange.
        id: u64,
        /// The data, never empty.
        data: Bytes,
    },
    /// The sender's stream in this exchange is complete.
    StreamEnd {
        /// The exchange.
        id: u64,
    },
    /// The receiver may send so much more in this exchange.
    Credit {
        /// The exchange.
        id: u64,
        /// Bytes, as [`credit::cost_bytes`](crate::peer::credit::cost_bytes) counts.
        bytes: u32,
    },
    /// The asking side no longer wants the answer.
    Cancel {
        /// The exchange.
        id: u64,
    },
    /// To be answered with a [`Frame::Pong`] of the same token.
    Ping {
        /// Chosen by the sender.
        token: u64,
    },
    /// Answers a [`Frame::Ping`].
    Pong {
        /// The ping's.
        token: u64,
    },
    /// The accepting node keeps the connection. Its first frame after the handshake,
    /// if it does not refuse; the other side sends nothing before it.
    Welcome(NodeInfo),
    /// Answers a [`Frame::Welcome`]; the initiator's first frame after the handshake.
    About(NodeInfo),
    /// Shows that the sender lives when it has nothing else to say.
    Tick,
    /// The receiver may send so many more bytes of signals.
    SignalCredit {
        /// Bytes of frames, as they travel.
        bytes: u32,
    },
}

/// How a request went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// As asked.
    Done,
    /// It failed; the body says why.
    Failed,
}

/// What each side says about itself first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hello {
    /// The oldest version that it speaks.
    pub version_min: u16,
    /// The newest version that it speaks.
    pub version_max: u16,
    /// What it can do beyond the version, one bit each.
    pub features: u64,
    /// What it wants to be to the other side.
    pub role: Role,
    /// The node's name; a command's may be empty.
    pub name: String,
    /// The id of this run of the node; 0 for a command.
    pub incarnation: u64,
    /// Fresh random bytes, never used before.
    pub nonce: [u8; 32],
}

/// What one side of a connection is to the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// A node.
    Peer,
    /// A command that controls the node.
    Control,
}

/// Why a handshake was refused. Says nothing that helps to guess a cookie.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// A frame that does not belong there, or does not decode.
    #[error("malformed handshake")]
    Malformed,
    /// No version in common; these are the refusing side's.
    #[error("no common protocol version: the refusing side speaks {min} to {max}")]
    Version {
        /// The oldest that the refusing side speaks.
        min: u16,
        /// The newest that it speaks.
        max: u16,
    },
    /// The proof is not the one that the cookie gives.
    #[error("wrong cookie")]
    Cookie,
    /// The other side does not take this role.
    #[error("role not accepted")]
    Role,
    /// The other side got its own words back.
    #[error("connected to itself")]
    Reflected,
    /// The handshake took too long.
    #[error("handshake took too long")]
    Timeout,
    /// Too many connections.
    #[error("too many connections")]
    Busy,
    /// Two nodes connected to each other at one time; the refusing side's own
    /// connection is the one that stays.
    #[error("simultaneous connection: the refusing side's own one stays")]
    Simultaneous,
    /// The node is not on the list of those that may connect, or one of the two has a
    /// short name and the other a long one.
    #[error("node not allowed")]
    NotAllowed,
    /// The refusing node has this name itself.
    #[error("node name in use")]
    NameInUse,
    /// The refusing node takes only nodes with certificates, and the other showed none.
    #[error("a certificate is needed (`--ca`, `--cert` and `--key`), and none was shown")]
    NoCertificate,
    /// A reason that only newer versions know.
    #[error("refused with code {0}")]
    Other(u8),
}
