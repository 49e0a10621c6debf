//! Connected nodes: each a process of its own, with real connections over loopback.
//!
//! A [`Member`] is a process, which runs one node and does what the test asks for
//! (`inside`, over the talk of `talk`). It is ended by a kill, which it hears nothing of:
//! its sockets are closed by the system. A node may stand behind a [`Forwarder`] in the
//! test's process, which can hold back or cut what goes through it, as a network does.

mod forwarder;
mod inside;
pub mod net;
mod node;
mod process;
mod setting;
mod talk;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use odeon::control::discovery::{Directory, Entry, Published};
use odeon::net::secrets::Secrets;
use odeon::net::tls::Tls;
use odeon::net::{Mode, Security};
use odeon_core::NodeId;
use odeon_core::node::Nodes;
use odeon_core::peer::handshake::Secret;
use tokio::sync::{Semaphore, SemaphorePermit};

pub use self::forwarder::Forwarder;
pub use self::inside::obey;
pub use self::node::{Ended, Native, Node};
use self::process::Process;
pub use self::setting::Setting;
use self::talk::{Ask, Plan, Started};
pub use self::talk::{Heard, Locked, Status};
use crate::{DEADLINE, Puppet, World, in_time, protocol};

/// The cookie of all test nodes.
pub const COOKIE: &[u8] = b"a cookie for tests alone";

/// Actors that a node of a cluster takes: fewer than others, for there are more nodes.
const ACTORS_MAX: usize = 3_000;

/// A node that takes part in a cluster, in a process of its own.
pub struct Member {
    /// The node, and the puppets on it.
    pub world: World<Node>,
    /// Its name.
    pub name: String,
    /// Where it listens.
    pub address: SocketAddr,
    /// What it stands behind, if it was asked for.
    pub forwarder: Option<Forwarder>,
    _modules: Option<tempfile::TempDir>,
}

/// Where the nodes of one test find each other.
pub struct Place {
    directory: Directory,
    path: PathBuf,
    _files: tempfile::TempDir,
    _alone: SemaphorePermit<'static>,
}

/// Clusters at one time. Many tests say how long something may take: their nodes have the
/// processors to themselves.
static CLUSTERS: Semaphore = Semaphore::const_new(1);

impl Place {
    /// A place of its own.
    ///
    /// # Panics
    /// The system gives no directory.
    pub async fn new() -> Self {
        let alone = CLUSTERS.acquire().await.expect("the semaphore is never closed");
        let files = tempfile::tempdir().expect("a temporary directory");
        let path = files.path().join("odeon");
        let directory = Directory::at(path.clone()).expect("a directory of nodes");
        Self { directory, path, _files: files, _alone: alone }
    }

    /// Starts a node here.
    pub async fn start(&self) -> Member {
        self.start_with(|_| {}).await
    }

    /// Starts a node here that is to be special.
    ///
    /// # Panics
    /// The system does not let it.
    pub async fn start_with(&self, change: impl FnOnce(&mut Setting)) -> Member {
        static NUMBERS: AtomicU32 = AtomicU32::new(1);
        let mut setting = Setting::default();
        change(&mut setting);
        let host = setting.host.as_ref().map_or("localhost".to_owned(), |host| host.ip.to_string());
        let fresh = || format!("n{}@{host}", NUMBERS.fetch_add(1, Ordering::Relaxed));
        let name = setting.name.clone().unwrap_or_else(fresh);
        let modules = setting.own_modules.then(|| tempfile::tempdir().expect("a directory"));
        let is_forwarded = setting.forwarded;
        let plan = Plan {
            name: name.clone(),
            setting,
            directory: self.path.clone(),
            data_dir: modules.as_ref().map(|modules| modules.path().join("store")),
        };
        let process = Arc::new(Process::start(&name));
        let Started { id, address } = in_time("the start of a node", process.ask(&plan)).await;
        let forwarder = match is_forwarded {
            true => Some(Forwarder::start(address).await),
            false => None,
        };
        let dialled = forwarder.as_ref().map_or(address, Forwarder::address);
        let () = in_time("its name", process.ask(&Ask::Announce(dialled))).await;
        let node = Node { process, name: name.as_str().into(), id: NodeId::from_wire(id) };
        let world = World { node, _place: None };
        Member { world, name, address, forwarder, _modules: modules }
    }

    /// Announces an address under a name: whoever wants that node dials there.
    ///
    /// # Panics
    /// The name is taken.
    pub fn announce(&self, name: &str, address: SocketAddr) -> Published {
        let process = std::process::id();
        let entry = Entry { name: name.into(), address, incarnation: 1, process, tls: false };
        self.directory.publish(&entry).expect("the name is free")
    }
}

/// What protects connections of a node with this cookie.
///
/// # Panics
/// The cookie is too short.
pub fn security(cookie: &[u8], mode: Mode) -> Security {
    let secret = Secret::new(cookie).expect("long enough");
    Security {
        secrets: Arc::new(Secrets::new(secret)),
        tls: Arc::new(Tls::self_signed().expect("a key")),
        mode,
    }
}

impl Member {
    /// A puppet on another node, which this one spawned there and gives orders to.
    ///
    /// # Panics
    /// It cannot be made.
    pub async fn puppet_at(&self, node: &str) -> Puppet {
        let cradle = self.world.cradle();
        let protocol::Start::Entry { function, argument } = cradle.start() else {
            unreachable!("a puppet starts behind the entry")
        };
        let start = odeon::Start::Entry { function, argument: argument.into() };
        let spawn = odeon::Spawn::new(crate::MODULE, start);
        let spawned = in_time("a spawn on another node", self.world.node.spawn_at(node, spawn));
        spawned.await.expect("a puppet can be made");
        cradle.puppet().await
    }

    /// Its process, for the system.
    pub fn process_id(&self) -> u32 {
        self.world.node.process.id()
    }

    /// Its process is killed: all that it had open is closed by the system, and nobody is
    /// told a word.
    pub fn halt(&mut self) {
        self.world.node.process.kill();
    }

    /// Leaves the cluster in an orderly way.
    pub async fn leave(&mut self) {
        in_time("an orderly stop", self.world.node.process.ask(&Ask::Leave)).await
    }

    /// How long a silent node counts as there, from now on.
    pub fn set_tick_time(&self, time: Duration) {
        self.world.node.process.ask_now(&Ask::SetTickTime(time))
    }

    /// Where others can reach it: what it tells those that connect from now on.
    pub fn set_addresses(&self, addresses: Vec<String>) {
        self.world.node.process.ask_now(&Ask::SetAddresses(addresses))
    }

    /// What it shares with this node; what it shares with all, if absent.
    pub fn set_cookie(&self, of: &str, cookie: Option<&str>) {
        let cookie = cookie.map(|cookie| cookie.as_bytes().to_vec());
        self.world.node.process.ask_now(&Ask::SetCookie(of.into(), cookie))
    }

    /// Connects to another node.
    ///
    /// # Panics
    /// It cannot.
    pub async fn connect(&self, name: &str) {
        let connected = in_time("a connection", self.world.node.connect(name)).await;
        connected.unwrap_or_else(|error| panic!("{} to {name}: {error}", self.name));
    }

    /// The names of a choice of nodes.
    pub fn nodes(&self, kind: Nodes) -> Vec<String> {
        self.world.node.nodes(kind).into_iter().map(|node| node.name).collect()
    }

    /// Whether it is connected with this node.
    pub fn knows(&self, name: &str) -> bool {
        self.nodes(Nodes::Connected).iter().any(|one| one == name)
    }

    /// Waits until it is, or is not, connected with this node.
    pub async fn until_connected(&self, name: &str, connected: bool) {
        let what = format!("{}: connected with {name}: {connected}", self.name);
        until(&what, || self.knows(name) == connected).await;
    }

    /// What it stands behind.
    ///
    /// # Panics
    /// It was not asked for.
    pub fn forwarder(&self) -> &Forwarder {
        self.forwarder.as_ref().expect("the setting asked for a forwarder")
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        self.halt();
    }
}

/// Waits until something is so.
///
/// # Panics
/// It never was, in time.
pub async fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let begun = std::time::Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < DEADLINE, "{what}: not within {DEADLINE:?}");
        // The pause of a poll, with a deadline: no hope is put in it.
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

/// Two nodes of one cluster.
pub struct Pair {
    /// Where the test looks from.
    pub near: Member,
    /// The other.
    pub far: Member,
    /// Where both are.
    pub place: Place,
}

impl Pair {
    /// Starts both; they are not connected.
    pub async fn start() -> Self {
        Self::start_with(|_| {}).await
    }

    /// Starts both with the same setting; they are not connected.
    pub async fn start_with(change: impl Fn(&mut Setting)) -> Self {
        let place = Place::new().await;
        let near = place.start_with(&change).await;
        let far = place.start_with(&change).await;
        Self { near, far, place }
    }

    /// Starts both, and connects the near one to the far one through the forwarder of
    /// the far one. Silence is borne for a minute.
    pub async fn forwarded() -> Self {
        let pair = Self::start_with(|setting| {
            setting.forwarded = true;
            setting.cluster.tick_time = Duration::from_secs(60);
        })
        .await;
        pair.connect().await;
        pair
    }

    /// Connects the near one to the far one.
    pub async fn connect(&self) {
        self.near.connect(&self.far.name).await;
        self.far.until_connected(&self.near.name, true).await;
    }

    /// Connects the near one to this very run of the far one. Attempts of their own may be
    /// under way from before it ran.
    pub async fn until_connected_again(&self) {
        let id = self.far.world.node.id();
        in_time("a connection to the new run", async {
            while self.near.world.node.connect(&self.far.name).await != Ok(id) {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        })
        .await;
        self.far.until_connected(&self.near.name, true).await;
    }

    /// Starts the far node again, as another incarnation with the same name.
    pub async fn restart_far(&mut self, change: impl FnOnce(&mut Setting)) {
        self.far.halt();
        let name = self.far.name.clone();
        self.far = self
            .place
            .start_with(|setting| {
                change(setting);
                setting.name = Some(name);
            })
            .await;
    }

    /// A puppet on the near node.
    pub async fn near_puppet(&self) -> Puppet {
        self.near.world.puppet().await
    }

    /// A puppet on the far node, spawned from the near one.
    pub async fn far_puppet(&self) -> Puppet {
        self.near.puppet_at(&self.far.name).await
    }

    /// A puppet on each node, each with a tester on its own node, so that orders and
    /// reports need no connection. The nodes are connected.
    pub async fn puppets(&self) -> (Puppet, Puppet) {
        self.connect().await;
        (self.near.world.puppet().await, self.far.world.puppet().await)
    }
}
