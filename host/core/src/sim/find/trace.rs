//! What happened, as the rules see it.

use crate::id::{NodeId, Pid, Reference};
use crate::key::Key;
use crate::locks::{self, LockId};
use crate::{groups, names};

/// One thing that happened at one node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// When, in virtual milliseconds.
    pub time: u64,
    /// Which node, counted from 0.
    pub place: usize,
    /// The run of it.
    pub id: NodeId,
    /// What.
    pub what: What,
}

/// How far the simulation is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    /// The cluster is divided.
    Apart,
    /// It is whole again.
    Together,
    /// All actors have ended.
    Over,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// It began.
    Began,
    /// It ended, with everything in it.
    Ended,
    /// It is connected with this run of another node.
    Up(NodeId),
    /// It no longer is.
    Down(NodeId),
    /// This actor of it ended.
    Died(Pid),
    /// Somebody in it asked for this, to be answered by then.
    Asked {
        /// The request.
        request: u64,
        /// The name.
        key: Key,
        /// What is to happen.
        task: names::Task,
        /// The last time for the answer.
        deadline: u64,
    },
    /// An effect of its machine of names.
    Names(names::Effect),
    /// A registration of its own actor succeeded, and this is what lookups give at that
    /// moment on all nodes that it is connected with.
    Promised {
        /// The name.
        key: Key,
        /// The actor.
        pid: Pid,
        /// What lookups give.
        found: Vec<Option<Pid>>,
    },
    /// A guest decided that nobody keeps this name.
    Neither(Key),
    /// This actor joined or left a group, so many times.
    Joined {
        /// The actor.
        pid: Pid,
        /// The scope.
        scope: Key,
        /// The group.
        group: Key,
        /// How often; negative if it left.
        times: i64,
    },
    /// A scope was stopped.
    Stopped(Key),
    /// This monitor began, with these members.
    Monitors {
        /// The monitor.
        reference: Reference,
        /// Whose.
        pid: Pid,
        /// Which scope.
        scope: Key,
        /// Which group, or all.
        group: Option<Key>,
        /// The members at its beginning.
        snapshot: Vec<(Key, Vec<Pid>)>,
    },
    /// This monitor was ended.
    Demonitored(Reference),
    /// An effect of its machine of groups.
    Groups(groups::Effect),
    /// This actor asked for a lock to be set or deleted.
    Locks {
        /// The request.
        request: u64,
        /// The actor.
        pid: Pid,
        /// The lock.
        id: LockId,
        /// What is to happen.
        task: locks::Task,
        /// The nodes meant, as far as they are connected.
        nodes: Vec<NodeId>,
    },
    /// This actor holds this lock at these nodes from now on.
    Holds {
        /// The actor.
        pid: Pid,
        /// The lock.
        id: LockId,
        /// At which nodes.
        nodes: Vec<NodeId>,
    },
    /// An effect of its machine of locks.
    Locked(locks::Effect),
    /// Something that must not be, as was seen at once.
    Wrong(String),
    /// Nothing moves any more.
    Settled {
        /// How far the simulation is.
        stage: Stage,
        /// The nodes that it is connected with.
        up: Vec<NodeId>,
        /// All names that it finds.
        names: Vec<(Key, Pid)>,
        /// All members that it knows: scope, group, members.
        groups: Vec<(Key, Key, Vec<Pid>)>,
        /// The locks that are held at it, and by whom.
        locks: Vec<(LockId, Vec<Pid>)>,
        /// What its actors hold, and at which nodes.
        held: Vec<(LockId, Pid, NodeId)>,
        /// Its actors.
        actors: Vec<Pid>,
        /// Whether its machines keep nothing but connections and scopes.
        blank: bool,
    },
}
