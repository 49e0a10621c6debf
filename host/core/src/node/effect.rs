//! What the machine wants to be done, what it tells, and why.

use std::sync::Arc;

#[cfg(doc)]
use super::{AutoConnect, NODES_KNOWN_MAX, NODES_PER_FRAME_MAX, Node};
use super::{Conn, Located, NodeInfo, Refusal};
use crate::id::{NodeId, Pid};
use crate::wire::Identified;

/// What the owner must carry out, in order.
///
/// A connection ends with exactly one of [`Effect::Refuse`], [`Effect::Close`] and
/// [`Effect::Down`], or by [`Node::lost`] before it was kept, and nothing is said of it
/// afterwards.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Open a connection to this node, shake hands, await its `welcome`, and answer with
    /// one [`Node::dialed`], within the set-up time.
    Dial {
        /// Whom.
        name: String,
        /// Which attempt. Answers of former ones change nothing.
        attempt: u64,
        /// Where it listens as far as is known. The owner may know more.
        addresses: Vec<String>,
    },
    /// Answer this incoming connection with `welcome`, and tell the machine within the
    /// set-up time that the `about` came ([`Node::accepted`]) or that it did not
    /// ([`Node::lost`]).
    Welcome {
        /// Which.
        conn: Conn,
    },
    /// This is the connection to that node. It carries signals from now on; an initiated
    /// one begins with `about`.
    Keep {
        /// Which.
        conn: Conn,
        /// Who is at the other end, within the limits of this machine.
        info: NodeInfo,
        /// Whether this node dialled.
        initiated: bool,
    },
    /// Answer this incoming connection with a refusal, and close it.
    Refuse {
        /// Which.
        conn: Conn,
        /// Why.
        refusal: Refusal,
    },
    /// Close this connection, which was never kept.
    Close {
        /// Which.
        conn: Conn,
        /// Why.
        reason: CloseReason,
    },
    /// Close this connection if that has not happened yet. What came over it has been
    /// delivered, and nothing of it will be; then every relation over it ends as
    /// `noconnection`.
    Down {
        /// Which.
        conn: Conn,
        /// Who was at the other end.
        info: NodeInfo,
        /// Why.
        reason: DownReason,
    },
    /// That node could not be reached: what waits for it is answered `noconnection`.
    Failed {
        /// Whom.
        name: String,
        /// Why.
        reason: Failure,
    },
    /// Tell the other end of these nodes, at most [`NODES_PER_FRAME_MAX`].
    Nodes {
        /// Over which connection.
        conn: Conn,
        /// Other visible nodes that this one is connected with.
        nodes: Vec<NodeInfo>,
    },
    /// Ask the other ends of these connections whose this id is, and tell the machine what
    /// they answer ([`Node::answered`]), and when the ask time is over
    /// ([`Node::ask_over`]).
    Ask {
        /// Which id.
        id: NodeId,
        /// Which question, for the end of its time.
        attempt: u64,
        /// Over which connections. Empty, if all were asked before and are late.
        conns: Vec<Conn>,
    },
    /// Answer the other end's question.
    Answer {
        /// Over which connection.
        conn: Conn,
        /// The id that was asked for.
        id: NodeId,
        /// What this node knows of it.
        answer: Identified,
    },
    /// What was sent to this id goes there from now on, or is answered: `noproc` if it is
    /// dead, `noconnection` if it is nobody's. Before all that is said of the node.
    Located {
        /// Which id.
        id: NodeId,
        /// Where its actors are.
        located: Located,
    },
    /// A subscriber's event, once for each subscription that it fits.
    Tell {
        /// Whose.
        to: Pid,
        /// What happened.
        change: Arc<NodeChange>,
    },
}

/// Effects in the order in which they must be carried out.
pub type Effects = Vec<Effect>;

/// A node came or went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeChange {
    /// Its name.
    pub name: String,
    /// The run of it that came or went.
    pub id: NodeId,
    /// Whether the connection is a hidden one, because either end is hidden.
    pub hidden: bool,
    /// What happened.
    pub event: NodeEvent,
}

/// What happened to a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NodeEvent {
    /// It is there.
    Up,
    /// It is gone.
    Down(DownReason),
}

/// Why a connection went down.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DownReason {
    /// The transport ended.
    #[error("connection closed")]
    ConnectionClosed,
    /// It was asked for here.
    #[error("disconnect")]
    Disconnect,
    /// The other side said that it was asked for there.
    #[error("disconnected by the other node")]
    Disconnected,
    /// Nothing came for the tick time.
    #[error("net tick timeout")]
    NetTickTimeout,
    /// A newer connection to the same node took its place.
    #[error("superseded by a newer connection")]
    Superseded,
    /// The other side broke a rule of the protocol, which the text names.
    #[error("protocol violation: {0}")]
    Violation(String),
    /// Either node stops, or leaves the cluster.
    #[error("shutdown")]
    Shutdown,
}

/// Why a connection is closed that was never kept.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CloseReason {
    /// It answers a dial that was given up.
    #[error("the dial was given up")]
    Abandoned,
    /// The same node dialled again.
    #[error("superseded by a newer connection")]
    Superseded,
    /// Another node answered than the one that was dialled, or than was announced.
    #[error("another node answered")]
    WrongNode,
    /// A disconnect was asked for here.
    #[error("disconnect")]
    Disconnect,
    /// This node leaves the cluster.
    #[error("shutdown")]
    Shutdown,
}

/// Why a node could not be reached.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// This node takes part in no cluster.
    #[error("this node is not alive")]
    NotAlive,
    /// The text is not the whole name of a node.
    #[error("not a node name")]
    Illegal,
    /// One name is short and the other long.
    #[error("short and long node names do not mix")]
    Mixed,
    /// The name is not on the allow list.
    #[error("not on the allow list")]
    NotAllowed,
    /// Under [`AutoConnect::Once`], it went down before.
    #[error("it went down before: connect explicitly")]
    Barred,
    /// Under [`AutoConnect::Never`], nobody connected explicitly.
    #[error("never connected automatically: connect explicitly")]
    NotAutomatic,
    /// [`NODES_KNOWN_MAX`] nodes are connected or wanted.
    #[error("too many nodes")]
    Full,
    /// The set-up time ran out.
    #[error("set-up timed out")]
    Timeout,
    /// The other side refused.
    #[error("refused: {0}")]
    Refused(Refusal),
    /// No address is known, nobody answers there, or not rightly; the text says more.
    #[error("unreachable: {0}")]
    Unreachable(String),
    /// Another node answered.
    #[error("another node answered")]
    WrongNode,
    /// Its own connection, for which this node waited, ended before it was set up.
    #[error("closed during set-up")]
    Closed,
    /// A disconnect was asked for here.
    #[error("disconnect")]
    Disconnect,
    /// This node leaves the cluster.
    #[error("shutdown")]
    Shutdown,
}
