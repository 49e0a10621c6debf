//! What happened, as the rules see it.

use crate::id::NodeId;
use crate::node::{Conn, Effect, Settings, Want, Whereabouts};

/// One thing that happened at one node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// When, in virtual milliseconds.
    pub time: u64,
    /// Which node, counted from 0.
    pub place: usize,
    /// Which run of it, counted from 1.
    pub run: u64,
    /// What.
    pub what: What,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// It began, with these settings. Its actors 1, 2 and 3 subscribed to visible, hidden
    /// and all nodes, and actor 4 to all nodes twice.
    Began(Settings),
    /// It ended, with everything in it.
    Ended,
    /// It left the cluster.
    Left,
    /// It came back to the cluster, as the same run.
    CameBack,
    /// Somebody in it wanted a node.
    Wanted {
        /// Whom.
        name: String,
        /// By the command to connect.
        explicit: bool,
        /// What came of it at once.
        want: Want,
    },
    /// Somebody in it sent to an actor of this id, which it did not know.
    Sought(NodeId),
    /// The other end of this connection asked whose this id is.
    Asked(Conn, NodeId),
    /// The machine was told of this new connection, dialled or incoming.
    Opened(Conn),
    /// The machine was told that this connection is lost.
    Lost(Conn),
    /// The machine's parts do not fit together.
    Inconsistent(String),
    /// An effect of its machine.
    Did(Effect),
    /// A signal came over this connection.
    Signal(Conn),
    /// Nothing moves any more, and no way is cut.
    Settled {
        /// Its connections: to whom, and the number of the wire.
        up: Vec<(String, u64)>,
        /// Every run that ever was of each other node, and where the machine finds it.
        found: Vec<Found>,
        /// Whether everybody wanted everybody before.
        complete: bool,
    },
}

/// Where a machine finds a run of another node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// The name of the node.
    pub name: String,
    /// The run.
    pub id: NodeId,
    /// Whether that is the run that lives.
    pub lives: bool,
    /// The machine's answer.
    pub whereabouts: Whereabouts,
}
