//! What the machine of groups says to other nodes, and what it wants to be done.

use std::sync::Arc;

use crate::id::{NodeId, Pid, Reference};
use crate::key::Key;

/// Groups, and of each the serials of actors, in order, as often as is meant.
pub type Members = Vec<(Key, Vec<u64>)>;

/// What the machines of two nodes say to each other about one scope.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Frame {
    /// Tell all about the sender's members, now and from now on.
    Discover {
        /// The scope.
        scope: Key,
    },
    /// A part of all members that the sender owns.
    Sync {
        /// The scope.
        scope: Key,
        /// Counts the changes before this.
        version: u64,
        /// Whether it is the first part.
        first: bool,
        /// Whether it is the last part.
        last: bool,
        /// The members.
        members: Members,
    },
    /// Actors of the sender joined or left.
    Change {
        /// The scope.
        scope: Key,
        /// One more than before.
        version: u64,
        /// Whether they joined.
        joined: bool,
        /// Which.
        members: Members,
    },
    /// The sender takes no more part in the scope.
    Gone {
        /// The scope.
        scope: Key,
    },
}

/// Actors joined or left a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The scope.
    pub scope: Key,
    /// The group.
    pub group: Key,
    /// Whether they joined.
    pub joined: bool,
    /// Which, as often as they did.
    pub members: Vec<Pid>,
}

impl Change {
    /// The bytes that it takes beyond its fixed size.
    pub fn len_bytes(&self) -> usize {
        let names = self.scope.as_bytes().len() + self.group.as_bytes().len();
        names + size_of_val(&self.members[..])
    }
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
    /// Tell [`Groups::ended`](super::Groups::ended) when this actor of this node ends, or
    /// at once if it does not live.
    Watch(Pid),
    /// No longer that.
    Unwatch(Pid),
    /// An event of a monitor.
    Tell {
        /// The actor of this node that monitors.
        to: Pid,
        /// Its monitor.
        reference: Reference,
        /// What happened.
        change: Arc<Change>,
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
    /// Too many memberships.
    #[error("more than {max} group memberships of one node", max = super::MEMBERSHIPS_PER_NODE_MAX)]
    Memberships,
    /// An actor leaves that had not joined.
    #[error("an actor left a group in which it was not")]
    NotJoined,
}

/// Effects in the order in which they must be carried out.
pub type Effects = Vec<Effect>;
