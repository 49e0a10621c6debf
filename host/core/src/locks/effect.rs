//! What the machine of locks says to other nodes, and what it wants to be done.

use super::LockId;
use crate::id::{NodeId, Pid};

/// What the machines of two nodes say to each other. A ticket is a number that the
/// asking node gives to a request, and never twice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Frame {
    /// An actor of the sender wants a lock at the receiver.
    Ask {
        /// Names the request from now on.
        ticket: u64,
        /// The lock.
        id: LockId,
        /// The serial of the actor.
        serial: u64,
        /// The sender's logical clock: the request's place in the order.
        stamp: u64,
        /// Whether it waits for its turn; else it is refused if that is not now.
        waits: bool,
    },
    /// It is this request's turn. It may have to give way until it is held.
    Grant {
        /// The request.
        ticket: u64,
        /// The sender's logical clock.
        stamp: u64,
    },
    /// The request cannot be granted, and is forgotten.
    Refuse {
        /// The request.
        ticket: u64,
        /// The sender's logical clock.
        stamp: u64,
        /// Why.
        refusal: Refusal,
    },
    /// A request that comes before this one waits: give way, if not all have granted it.
    Wound {
        /// The request.
        ticket: u64,
    },
    /// The grant is given back; the request waits for its turn again.
    Yield {
        /// The request.
        ticket: u64,
    },
    /// All nodes have granted it: it does not give way any more.
    Hold {
        /// The request.
        ticket: u64,
    },
    /// The request is no more, however far it was.
    Release {
        /// The request.
        ticket: u64,
        /// Names this in the answer; 0 asks for none.
        confirm: u64,
    },
    /// A [`Frame::Release`] was taken note of.
    Released {
        /// What this answers.
        confirm: u64,
    },
}

/// Why a node does not grant a lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// This actor has it, or is about to.
    Held(Pid),
    /// [`LOCKS_AT_NODE_MAX`](super::LOCKS_AT_NODE_MAX).
    Limit,
}

/// At which nodes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Nodes {
    /// To be set: this one and all that are visibly connected now. To be deleted:
    /// wherever the actor holds it.
    All,
    /// These.
    These(Vec<NodeId>),
}

/// How long to wait for a lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wait {
    /// As long as the nodes take to say whether it is free.
    No,
    /// To this time, in milliseconds of the owner's clock.
    Until(u64),
    /// As long as it takes.
    Ever,
}

/// What an actor asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Task {
    /// To hold a lock (`global:set_lock/3`). Where it holds it already, nothing is asked.
    Set {
        /// At which nodes. All of them, or none.
        nodes: Nodes,
        /// How long to wait.
        wait: Wait,
    },
    /// To hold it no longer (`global:del_lock/2`).
    Delete {
        /// At which nodes.
        nodes: Nodes,
    },
}

/// What came of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The actor holds the lock, or does not any more, at all nodes that were asked and
    /// are connected.
    Yes,
    /// Nothing changed.
    No(Reason),
}

/// Why a lock was not set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Reason {
    /// Another requester has it, or is about to, and the request was not to wait.
    #[error("the lock is held by {0}")]
    Held(Pid),
    /// It took too long.
    #[error("timed out")]
    Timeout,
    /// A node that was named is not visibly connected, or all were lost meanwhile.
    #[error("no connection to a node at which the lock is to be set")]
    NoConnection,
    /// The actor does not live on this node.
    #[error("no such actor")]
    NoProc,
    /// A limit of this node, of the actor, or of a node that was asked.
    #[error("too many locks")]
    Limit,
}

/// What the owner must carry out, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Send this to a connected node.
    Send {
        /// Whom.
        to: NodeId,
        /// What.
        frame: Frame,
    },
    /// Tell [`Locks::ended`](super::Locks::ended) when this actor of this node ends, or at
    /// once if it does not live.
    Watch(Pid),
    /// No longer that.
    Unwatch(Pid),
    /// A request of this node is answered.
    Answer {
        /// The request.
        request: u64,
        /// What came of it.
        outcome: Outcome,
    },
    /// That node broke a rule: its connection must end.
    Violation {
        /// Whose.
        node: NodeId,
        /// Which rule.
        violation: Violation,
    },
}

/// Another node broke a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Violation {
    /// Too many locks.
    #[error("more than {max} locks of one node's actors", max = super::LOCKS_PER_NODE_MAX)]
    Locks,
    /// A ticket was used again while it was in use.
    #[error("two requests for locks under one number")]
    Ticket,
}

/// Effects in the order in which they must be carried out.
pub type Effects = Vec<Effect>;
