//! This node among others: which nodes it is connected with, and the way of a signal
//! to an actor of another node and back.
//!
//! ```text
//! actor ── Runtime::route ── Link (outbox) ── connection ══ WebSocket ══ connection ── Delivery ── inbox
//!                              │                  │
//!                            keeper: owns the machine `odeon_core::node::Node`,
//!                            and carries out, in order, what it decides
//! ```
//!
//! Rules of signals are in `odeon_core`; bytes are in `odeon_core::wire`; sockets are
//! in [`net`]. What a connection means to actors is here: signals of one
//! connection come before its loss is told, and its loss before anything of the next.

mod call;
mod connection;
mod deliver;
mod find;
mod keeper;
mod link;
mod ship;
mod spawn;
mod unreached;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use bytes::Bytes;
use odeon_core::node::{self, Interest, NodeStatus, Nodes, Whereabouts};
use odeon_core::signal::{Signal, SpawnError};
use odeon_core::wire::{Address, CallRequest, SpawnRequest};
use odeon_core::{Envelope, NodeId, Pid, Reason, Reference};
use parking_lot::{Mutex, RwLock};
use tokio::sync::{mpsc, oneshot};

use crate::control::mux;
use crate::modules::digest::Digest;
use crate::net;
use crate::runtime::Runtime;
pub(crate) use find::{Callback, FUNCTION_BYTES_MAX, Find, NAMES_LISTED_MAX, Registering};
pub use keeper::Distribution;
pub(crate) use link::{Link, Sent, at_bytes, spawn_bytes};

/// Links at one time, of connected and wanted nodes.
pub const LINKS_MAX: usize = 4096;

/// How long a silent node counts as there, unless it is set otherwise. Three quarters
/// to five quarters of it pass until its loss is told, as with Erlang's `net_ticktime`.
pub const TICK_TIME: Duration = Duration::from_secs(3);

/// How this node is to be among others.
#[derive(Clone, Debug)]
pub struct Options {
    /// Not told to others, and not connected with others by hearsay.
    pub hidden: bool,
    /// Connect with every node that a connected node is connected with.
    pub mesh: bool,
    /// When a signal to an unconnected node connects to it.
    pub auto_connect: node::AutoConnect,
    /// The only nodes that may connect; all with the cookie if absent.
    pub allow: Option<Vec<String>>,
    /// See [`TICK_TIME`].
    pub tick_time: Duration,
    /// Where others can reach this node, as `host:port`.
    pub addresses: Vec<String>,
    /// What other nodes may do here.
    pub policy: Policy,
    /// Whether an actor of this node may have several cluster names
    /// (`global_multi_name_action`).
    pub several_names: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            hidden: false,
            mesh: true,
            auto_connect: node::AutoConnect::Always,
            allow: None,
            tick_time: TICK_TIME,
            addresses: Vec::new(),
            policy: Policy::default(),
            several_names: false,
        }
    }
}

/// What other nodes may do here.
#[derive(Clone, Debug, Default)]
pub struct Policy {
    /// Which modules they may bring along.
    pub modules: AcceptModules,
    /// Whether they may make actors here at all.
    pub no_spawns: bool,
    /// Which functions they may call; if absent all, where they may make actors.
    pub calls: Option<AcceptCalls>,
}

/// The modules whose functions other nodes may call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AcceptCalls {
    /// Any that may run here.
    Any,
    /// None.
    None,
    /// Those that at least one of these allows.
    Listed(Vec<Allowed>),
}

/// Calls that a node takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Allowed {
    /// From this node; from any if absent.
    pub from: Option<String>,
    /// Of the module with this name on the node that is called, or with this digest, as 64
    /// digits; of any if absent.
    pub module: Option<String>,
}

/// Which modules other nodes may bring along.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum AcceptModules {
    /// Any.
    #[default]
    Any,
    /// None: only what is deployed here runs.
    None,
    /// Those with these digests, as 64 digits.
    Listed(Vec<String>),
}

/// The feature bits of the hello of a node.
pub fn features(hidden: bool, compress: bool) -> u64 {
    let hidden = if hidden { connection::FEATURE_HIDDEN } else { 0 };
    let compress = if compress { odeon_core::wire::FEATURE_LZ4 } else { 0 };
    hidden | compress
}

/// What this node needs to connect to others.
#[derive(Clone, Debug)]
pub struct Dialler {
    /// Who it says it is.
    pub identity: net::Identity,
    /// What protects its connections.
    pub security: net::Security,
    /// How others are found.
    pub options: net::dial::Options,
}

/// Why there is no connection to a node.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConnectError {
    /// This node is not distributed.
    #[error("this node is not distributed; start it with `odeon node --name NAME@HOST`")]
    NotAlive,
    /// The text says what was tried.
    #[error("{0}")]
    Failed(Arc<str>),
}

/// This node's place in its cluster.
pub(crate) struct Cluster {
    /// The name of this node.
    name: String,
    by_name: RwLock<BTreeMap<String, Arc<Link>>>,
    by_id: RwLock<HashMap<u64, Arc<Link>>>,
    /// By ids that are asked for; at most [`node::QUESTIONS_MAX`]. What waits there goes out
    /// before what comes by a name, so this is looked at before the machine.
    asking: RwLock<BTreeMap<NodeId, Arc<Link>>>,
    /// Who is connected with whom. Moved by the keeper alone; others look.
    machine: Arc<Mutex<node::Node>>,
    /// Cluster names and groups.
    pub(crate) find: Find,
    /// There while this node is distributed.
    alive: RwLock<Option<Alive>>,
    /// Serials of actors that hear of nodes that come and go.
    watchers: Mutex<BTreeSet<u64>>,
    /// Where nodes listen, as this node's operator or guests said.
    places: Mutex<BTreeMap<String, String>>,
    /// Modules that are being fetched, and from which node: one that does not give what
    /// it has must not hold up another.
    fetching: Mutex<Gates>,
}

/// Held by whoever fetches a module.
type Gate = tokio::sync::Mutex<()>;

/// By the node that a module comes from.
type Gates = HashMap<(Arc<str>, Digest), Weak<Gate>>;

/// What there is while this node is distributed.
struct Alive {
    events: mpsc::UnboundedSender<keeper::Event>,
    policy: Arc<Policy>,
}

/// What became of a signal for another node.
pub(crate) enum Routed {
    /// It is on its way.
    Taken,
    /// It is on its way, and the connection is behind.
    Busy(Arc<Link>),
    /// It cannot be sent. Its sender's machine is to be told this before anything else.
    Answer(Option<Envelope>),
}

impl Cluster {
    pub(crate) fn new(id: NodeId, name: String) -> Self {
        Self {
            name,
            machine: Arc::new(Mutex::new(node::Node::offline(id))),
            find: Find::new(id),
            watchers: Mutex::default(),
            by_name: RwLock::default(),
            by_id: RwLock::default(),
            asking: RwLock::default(),
            alive: RwLock::default(),
            places: Mutex::default(),
            fetching: Mutex::default(),
        }
    }

    /// Sends a signal to an actor of another node.
    pub(crate) fn route(&self, runtime: &Runtime, envelope: Envelope) -> Routed {
        let Envelope { from, to, signal } = envelope;
        let address = match &signal {
            Signal::Monitor { name: Some(name), .. } if to.serial == 0 => {
                Address::Name(name.clone())
            }
            _ => Address::Actor(to.serial),
        };
        let link = match self.toward(to.node) {
            Ok(link) => link,
            Err(why) => {
                return Routed::Answer(link::answer(from, to, link::Refused { signal, why }));
            }
        };
        let lives = |serial| runtime.directory.find(serial).is_some();
        match link.send(from, Some(to.node), address, signal, lives) {
            Ok(Sent::Taken) => Routed::Taken,
            Ok(Sent::Busy) => Routed::Busy(link),
            Err(refused) => Routed::Answer(link::answer(from, to, refused)),
        }
    }

    /// Sends to a name on another node, or to an alias of one. What cannot be sent is
    /// dropped, as Erlang's `!` does.
    pub(crate) fn send_at(
        &self,
        runtime: &Runtime,
        from: Pid,
        link: &Arc<Link>,
        to: Address,
        signal: Signal,
    ) -> Sent {
        let lives = |serial| runtime.directory.find(serial).is_some();
        link.send(from, None, to, signal, lives).unwrap_or(Sent::Taken)
    }

    /// Sends to the owner of another node's alias.
    pub(crate) fn send_alias(
        &self,
        runtime: &Runtime,
        from: Pid,
        alias: Reference,
        signal: Signal,
    ) -> Option<Arc<Link>> {
        let link = self.toward(alias.node).ok()?;
        let lives = |serial| runtime.directory.find(serial).is_some();
        match link.send(from, Some(alias.node), Address::Alias(alias), signal, lives) {
            Ok(Sent::Busy) => Some(link),
            Ok(Sent::Taken) | Err(_) => None,
        }
    }

    /// The way to an incarnation; begins to connect where there is none and its name
    /// is known, and to ask others where it is not.
    pub(crate) fn toward(&self, node: NodeId) -> Result<Arc<Link>, Reason> {
        if let Some(link) = self.by_id.read().get(&node.get()) {
            return Ok(Arc::clone(link));
        }
        if !self.is_alive() {
            return Err(Reason::NoConnection);
        }
        if let Some(link) = self.asking.read().get(&node) {
            return Ok(Arc::clone(link));
        }
        match self.name_toward(node)? {
            Some(name) => self.want(&name).map_err(|_| Reason::NoConnection),
            None => self.ask(node),
        }
    }

    /// The name of the node with this incarnation; nothing if nobody has told of it.
    fn name_toward(&self, node: NodeId) -> Result<Option<String>, Reason> {
        let machine = self.machine.lock();
        match machine.find(node) {
            Whereabouts::Dead => Err(Reason::NoProc),
            Whereabouts::Own => Err(Reason::NoConnection),
            Whereabouts::Known(name) => Ok(Some(name)),
            // It has just connected, and the link is about to be there.
            Whereabouts::Connected(_) => Ok(machine.name_of(node).map(str::to_owned)),
            Whereabouts::Unknown => Ok(None),
        }
    }

    /// Asks others whose this id is. What is sent meanwhile waits in the link.
    #[cold]
    fn ask(&self, node: NodeId) -> Result<Arc<Link>, Reason> {
        let mut asking = self.asking.write();
        if let Some(link) = asking.get(&node) {
            return Ok(Arc::clone(link));
        }
        // Once more: should it connect from now on, the keeper finds the link here.
        if let Some(name) = self.name_toward(node)? {
            drop(asking);
            return self.want(&name).map_err(|_| Reason::NoConnection);
        }
        if asking.len() >= node::QUESTIONS_MAX {
            return Err(Reason::NoConnection);
        }
        let alive = self.alive.read();
        let Some(alive) = &*alive else { return Err(Reason::NoConnection) };
        let link = Link::asking(node);
        asking.insert(node, Arc::clone(&link));
        let _ = alive.events.send(keeper::Event::Locate(node));
        Ok(link)
    }

    /// The connection to an incarnation, if there is one.
    pub(crate) fn connected(&self, node: NodeId) -> Option<Arc<Link>> {
        self.by_id.read().get(&node.get()).map(Arc::clone)
    }

    /// The connection to a node, if there is one.
    pub(crate) fn connected_name(&self, name: &str) -> Option<Arc<Link>> {
        let links = self.by_name.read();
        links.get(name).filter(|link| link.node().is_some()).map(Arc::clone)
    }

    /// The way to a node by its name; begins to connect where there is none.
    pub(crate) fn want(&self, name: &str) -> Result<Arc<Link>, ConnectError> {
        if let Some(link) = self.by_name.read().get(name) {
            return Ok(Arc::clone(link));
        }
        let alive = self.alive.read();
        let Some(alive) = &*alive else { return Err(ConnectError::NotAlive) };
        let mut links = self.by_name.write();
        let link = match links.get(name) {
            Some(link) => return Ok(Arc::clone(link)),
            None if name == self.name => {
                return Err(ConnectError::Failed("that is this node itself".into()));
            }
            None if links.len() >= LINKS_MAX => return Err(too_many_links()),
            None => Link::connecting(name.into()),
        };
        links.insert(name.to_owned(), Arc::clone(&link));
        let want = keeper::Event::Want { name: name.to_owned(), explicit: false, waiter: None };
        let _ = alive.events.send(want);
        Ok(link)
    }

    /// Connects to a node, and waits until that is done or has failed. A port behind the
    /// name, as in `a@box:4370`, says where it listens.
    pub(crate) async fn connect(&self, name: &str, explicit: bool) -> Result<NodeId, ConnectError> {
        let (name, port) = split_port(name);
        if let (Some(port), Some((_, host))) = (port, name.split_once('@')) {
            let mut places = self.places.lock();
            if places.len() < LINKS_MAX || places.contains_key(name) {
                places.insert(name.to_owned(), format!("{host}:{port}"));
            }
        }
        if name == self.name {
            return Err(ConnectError::Failed("that is this node itself".into()));
        }
        // The keeper says what comes of this very wish: what others wished before may have
        // failed already.
        let (waiter, outcome) = oneshot::channel();
        {
            let alive = self.alive.read();
            let Some(alive) = &*alive else { return Err(ConnectError::NotAlive) };
            let (name, waiter) = (name.to_owned(), Some(waiter));
            let _ = alive.events.send(keeper::Event::Want { name, explicit, waiter });
        }
        match outcome.await {
            Ok(Ok(node)) => Ok(node),
            Ok(Err(why)) => Err(ConnectError::Failed(why)),
            Err(_) => Err(ConnectError::Failed("the node stops".into())),
        }
    }

    /// Connects to a node, and measures how long it takes to answer over the connection.
    pub(crate) async fn ping(&self, name: &str) -> Result<Duration, ConnectError> {
        self.connect(name, true).await?;
        let lost = || ConnectError::Failed("the connection was lost".into());
        let begun = Instant::now();
        let (name, _) = split_port(name);
        let exchanges = self.connected_name(name).and_then(|link| link.exchanges());
        // Nobody serves this, so that the answer comes at once.
        let asked = exchanges.ok_or_else(lost)?.request("ping", Bytes::new());
        let mut exchange = asked.map_err(|_| lost())?;
        loop {
            match exchange.next().await {
                Some(mux::Event::Reply(..)) => return Ok(begun.elapsed()),
                Some(mux::Event::Data(_) | mux::Event::End) => {}
                Some(mux::Event::Cancelled) | None => return Err(lost()),
            }
        }
    }

    /// Ends the connection to a node, and waits until everybody here knows. False if
    /// there is none.
    pub(crate) async fn disconnect(&self, name: &str) -> bool {
        let is_up = self.by_name.read().get(name).is_some_and(|link| link.node().is_some());
        if is_up {
            let (done, told) = oneshot::channel();
            self.event(keeper::Event::Disconnect { name: name.to_owned(), done });
            let _ = told.await;
        }
        is_up
    }

    /// The nodes of a kind, by name, this one excluded.
    pub(crate) fn nodes(&self, kind: Nodes) -> Vec<NodeStatus> {
        let mut nodes = self.machine.lock().nodes(&[kind]);
        nodes.retain(|node| node.name != self.name);
        nodes
    }

    /// The name of the node that has or had this id, if it is known.
    pub(crate) fn name_of(&self, node: NodeId) -> Option<String> {
        if let Some(link) = self.by_id.read().get(&node.get()) {
            return Some(link.name.to_string());
        }
        self.machine.lock().name_of(node).map(str::to_owned)
    }

    /// Whether this node is distributed.
    pub(crate) fn is_alive(&self) -> bool {
        self.alive.read().is_some()
    }

    /// An actor wants to hear of nodes that come and go, or no longer. False if it has
    /// too many such wishes already.
    pub(crate) fn watch(&self, pid: Pid, interest: Interest, on: bool) -> bool {
        if !on {
            self.machine.lock().unsubscribe(pid, interest);
            return true;
        }
        self.watchers.lock().insert(pid.serial);
        self.machine.lock().subscribe(pid, interest).is_ok()
    }

    /// An actor has ended.
    pub(crate) fn actor_ended(&self, pid: Pid) {
        let mut watchers = self.watchers.lock();
        if !watchers.is_empty() && watchers.remove(&pid.serial) {
            drop(watchers);
            self.machine.lock().subscriber_gone(pid);
        }
    }

    /// Asks another node for an actor. The answer comes to the parent as a `SpawnReply`.
    /// Gives the connection if it is behind.
    pub(crate) fn spawn(
        &self,
        node: &str,
        request: SpawnRequest,
    ) -> Result<Option<Arc<Link>>, SpawnError> {
        let link = self.want(node).map_err(|_| SpawnError::NoConnection)?;
        let sent = link.spawn(request)?;
        Ok((sent == Sent::Busy).then_some(link))
    }

    /// Asks another node for a run of a function. The answer comes to the caller as a
    /// `CallReply`. Gives the connection if it is behind.
    pub(crate) fn call(
        &self,
        node: &str,
        request: CallRequest,
    ) -> Result<Option<Arc<Link>>, SpawnError> {
        let link = self.want(node).map_err(|_| SpawnError::NoConnection)?;
        let sent = link.call(request)?;
        Ok((sent == Sent::Busy).then_some(link))
    }

    /// Nobody waits for the answer to this call any more.
    pub(crate) fn forget_call(&self, request: Reference, caller: Pid) {
        for link in self.by_name.read().values() {
            if link.take_call(request, caller.serial) {
                return;
            }
        }
    }

    /// The registered actor of a node, to put a monitor on: the node's id.
    pub(crate) async fn node_of(&self, name: &str) -> Option<NodeId> {
        self.connect(name, false).await.ok()
    }

    fn event(&self, event: keeper::Event) {
        if let Some(alive) = &*self.alive.read() {
            let _ = alive.events.send(event);
        }
    }

    /// Held by whoever fetches this module from there.
    fn fetching(&self, from: &Link, digest: Digest) -> Arc<Gate> {
        let key = (Arc::clone(&from.name), digest);
        let mut fetching = self.fetching.lock();
        fetching.retain(|_, gate| gate.strong_count() > 0);
        if let Some(gate) = fetching.get(&key).and_then(Weak::upgrade) {
            return gate;
        }
        let gate = Arc::default();
        fetching.insert(key, Arc::downgrade(&gate));
        gate
    }

    fn policy(&self) -> Arc<Policy> {
        match &*self.alive.read() {
            Some(alive) => Arc::clone(&alive.policy),
            None => Arc::new(Policy {
                modules: AcceptModules::None,
                no_spawns: true,
                calls: Some(AcceptCalls::None),
            }),
        }
    }
}

/// A node's name, and the port behind it if there is one.
fn split_port(name: &str) -> (&str, Option<&str>) {
    match name.rsplit_once(':') {
        Some((name, port)) if port.parse::<u16>().is_ok() => (name, Some(port)),
        _ => (name, None),
    }
}

fn too_many_links() -> ConnectError {
    ConnectError::Failed(format!("connections-max of {LINKS_MAX} nodes reached").into())
}

/// The pid that stands for whoever has a name on a node, in monitors.
pub(crate) fn named(node: NodeId) -> Pid {
    Pid { node, serial: 0 }
}
