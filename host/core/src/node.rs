//! Which nodes are connected with which: one node's machine for all its connections.
//!
//! The owner opens and closes transports, shakes hands and carries frames; this
//! machine says whom to dial, which connection to a node is *the* connection, whom
//! to refuse, and who hears of it. Each family of rules has its file:
//!
//! | file | rules |
//! |---|---|
//! | `connect` | wants, dials, incoming connections, losses |
//! | `mesh` | what nodes tell each other of others |
//! | `whose` | asking others for the node of an id |
//! | `peers` | the nodes that are known, and which incarnation is whose |
//! | `subscribers` | who hears of nodes coming and going |
//! | `query` | listings, and where the actors of an id live |
//! | `name` | short and long names |
//! | `effect` | what the owner must carry out, and the reasons in it |
//!
//! # One connection from dial to loss
//!
//! ```text
//! dialling node                                    dialled node
//!     | want -> Dial                                    |
//!     |---------- hello, proofs ----------------------->| offered -> Welcome or Refuse
//!     |<--------- welcome, or refused ------------------|
//!     | dialed(Ok) -> Keep, Close if given up meanwhile |
//!     |---------- about, then signals ----------------->| accepted -> Keep
//! ```
//!
//! The dialled node keeps a connection only when the `about` is there, because only
//! then the dialling node is known to have kept it. So a connection that answers a
//! dial which was given up meanwhile disturbs nothing that is there.
//!
//! # Of two that dial each other, one gives way
//!
//! A node that is dialled by the very node that it dials refuses when its own name is
//! the greater; else it welcomes, and gives up its own dial. One that was refused so
//! waits for the other's connection (the rule of Erlang's `nok` and
//! `ok_simultaneous`).
//!
//! # A new connection takes the place of an old one
//!
//! A node that keeps a new connection to us has lost the old one, or is another run of
//! that node. So the old one goes `Down` at once, before the new one's `Keep`.
//!
//! This file must not know sockets, frames, clocks or actors other than as addresses.

mod connect;
mod effect;
mod mesh;
pub mod name;
mod peers;
mod query;
mod subscribers;
#[cfg(test)]
mod testing;
mod whose;

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::id::{NodeId, Pid};
use crate::wire::{NodeInfo, Refusal};

pub use effect::{CloseReason, DownReason, Effect, Effects, Failure, NodeChange, NodeEvent};
pub use peers::{ADDRESS_BYTES_MAX, ADDRESSES_MAX, INCARNATIONS_MAX, NODES_KNOWN_MAX};
pub use query::{NodeStatus, Nodes, Whereabouts};
pub use subscribers::{
    Interest, SUBSCRIBERS_MAX, SUBSCRIPTIONS_PER_SUBSCRIBER_MAX, SubscriptionsFull,
};
pub use whose::{Located, QUESTIONS_MAX};

use peers::Peers;
use subscribers::Subscribers;
use whose::Questions;

/// The longest text of a reason, in bytes. Longer ones are cut.
pub const TEXT_BYTES_MAX: usize = 255;

/// The most nodes in one [`Effect::Nodes`].
pub const NODES_PER_FRAME_MAX: usize = 256;

/// The most names of [`Settings::allow`].
pub const NODES_ALLOWED_MAX: usize = 4_096;

/// One transport connection, numbered by the owner, never twice.
pub type Conn = u64;

/// When a node connects by itself, because somebody sends to another node or others
/// tell of it (`dist_auto_connect`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AutoConnect {
    /// Whenever that is of use.
    #[default]
    Always,
    /// Until a connection to that node went down. Then not until it connects, or is
    /// connected explicitly.
    Once,
    /// Never: only explicitly.
    Never,
}

/// What a node that takes part in clusters is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Its whole name. The owner has seen to it that it [is one](name::is_whole_name).
    pub name: String,
    /// The id of this run of it.
    pub id: NodeId,
    /// Whether others are not told of it, and all its connections are hidden.
    pub hidden: bool,
    /// Whether it tells visible nodes of each other, and dials those that it is told of.
    pub mesh: bool,
    /// When it dials by itself.
    pub auto: AutoConnect,
    /// If given, the only nodes that it has to do with, in both directions
    /// (`net_kernel:allow/1`). At most [`NODES_ALLOWED_MAX`]; more are ignored.
    pub allow: Option<Vec<String>>,
}

/// What came of wanting a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Want {
    /// It is this node itself.
    Own,
    /// It is connected, by this connection.
    Up(Conn),
    /// [`Effect::Keep`] or [`Effect::Failed`] with its name will come, or is among the
    /// effects already.
    Pending,
}

/// The machine of one node.
#[derive(Debug)]
pub struct Node {
    /// The id of this run, alive or not.
    id: NodeId,
    /// What it is while it is alive.
    settings: Option<Settings>,
    peers: Peers,
    /// Connections that are up, or welcomed and not yet accepted, and to whom.
    conns: BTreeMap<Conn, Arc<str>>,
    subscribers: Subscribers,
    /// Attempts to dial so far.
    attempts: u64,
    questions: Questions,
}

impl Node {
    /// The machine of a node that is alive.
    pub fn new(settings: Settings) -> Self {
        let mut node = Self::offline(settings.id);
        node.start(settings, &mut Vec::new());
        node
    }

    /// The machine of a node that takes part in no cluster: it refuses everybody, and
    /// every want fails.
    pub fn offline(id: NodeId) -> Self {
        Self {
            id,
            settings: None,
            peers: Peers::default(),
            conns: BTreeMap::new(),
            subscribers: Subscribers::default(),
            attempts: 0,
            questions: Questions::default(),
        }
    }

    /// Takes part in clusters from now on. False, and nothing else, if it does already.
    /// Subscribers are told that this node itself is up, as in Erlang.
    pub fn start(&mut self, mut settings: Settings, effects: &mut Effects) -> bool {
        if self.settings.is_some() {
            return false;
        }
        debug_assert!(name::is_whole_name(&settings.name), "the owner made the name");
        if let Some(allow) = &mut settings.allow {
            allow.truncate(NODES_ALLOWED_MAX);
        }
        self.id = settings.id;
        self.settings = Some(settings);
        self.tell_of_own(NodeEvent::Up, effects);
        true
    }

    /// Leaves the cluster: all connections go down, all wants fail, and then this node
    /// itself is told to be down. False, and nothing else, if it is not alive. To the
    /// others it looks like the end of this node.
    pub fn stop(&mut self, effects: &mut Effects) -> bool {
        if self.settings.is_none() {
            return false;
        }
        self.ask_no_more(effects);
        for name in self.peers.names() {
            self.give_up(&name, Failure::Shutdown, CloseReason::Shutdown, effects);
            self.down(&name, DownReason::Shutdown, effects);
        }
        self.peers.lift_bars();
        self.tell_of_own(NodeEvent::Down(DownReason::Shutdown), effects);
        self.settings = None;
        true
    }

    /// Adds to the nodes that this one has to do with. The first call makes them the only
    /// ones; connections that are there stay (`net_kernel:allow/1`). False if that would
    /// be more than [`NODES_ALLOWED_MAX`], or the node is not alive.
    pub fn allow(&mut self, names: &[String]) -> bool {
        let Some(settings) = &mut self.settings else { return false };
        let mut allowed = settings.allow.clone().unwrap_or_default();
        allowed.extend_from_slice(names);
        allowed.sort();
        allowed.dedup();
        let fits = allowed.len() <= NODES_ALLOWED_MAX;
        if fits {
            settings.allow = Some(allowed);
        }
        fits
    }

    /// Subscribes to nodes coming and going (`net_kernel:monitor_nodes/2`). Each
    /// subscription gives one [`Effect::Tell`] a change. Also while not alive.
    ///
    /// # Errors
    /// When there are too many subscribers, or too many subscriptions of this one.
    pub fn subscribe(&mut self, pid: Pid, interest: Interest) -> Result<(), SubscriptionsFull> {
        self.subscribers.add(pid, interest)
    }

    /// Ends all subscriptions of this subscriber that are alike. Says how many there were.
    pub fn unsubscribe(&mut self, pid: Pid, interest: Interest) -> usize {
        self.subscribers.remove(pid, interest)
    }

    /// Ends all subscriptions of a subscriber, which is gone.
    pub fn subscriber_gone(&mut self, pid: Pid) {
        self.subscribers.gone(pid);
    }

    /// What does not fit together in this machine, if anything.
    #[cfg(any(test, feature = "sim"))]
    pub(crate) fn inconsistency(&self) -> Option<String> {
        let conns = self.peers.iter().flat_map(|(name, peer)| {
            let conns = peer.up.as_ref().map(|up| up.conn).into_iter().chain(peer.accepting());
            conns.map(move |conn| (conn, name))
        });
        let conns: BTreeMap<Conn, &str> = conns.collect();
        let own = self.conns.iter().map(|(conn, name)| (*conn, &**name)).collect();
        if conns != own {
            return Some(format!("connections: {own:?}, and of peers: {conns:?}"));
        }
        self.peers.inconsistency().or_else(|| self.questions_inconsistency())
    }

    /// Tells those that it concerns of this node itself, which counts as visible.
    fn tell_of_own(&self, event: NodeEvent, effects: &mut Effects) {
        let Some(settings) = &self.settings else { return };
        let (name, id) = (settings.name.clone(), settings.id);
        self.subscribers.tell(NodeChange { name, id, hidden: false, event }, effects);
    }
}

/// The text, cut to [`TEXT_BYTES_MAX`] at a character.
fn bounded(mut text: String) -> String {
    text.truncate(text.floor_char_boundary(TEXT_BYTES_MAX));
    text
}

#[cfg(test)]
#[path = "node_test.rs"]
mod tests;
