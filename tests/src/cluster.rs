//! Connected nodes: several in this process, with real connections over loopback.
//!
//! Each node's part in the cluster runs on a tokio runtime of its own, so that it can
//! be [halted](Member::halt): its sockets are gone without a word, as when its process
//! is killed. A node may stand behind a [`Forwarder`], which can hold back or cut what
//! goes through it, as a network does.

mod forwarder;
pub mod net;

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use odeon::cluster::{self, Dialler, Distribution};
use odeon::control::discovery::{Directory, Entry, Published};
use odeon::net::listen::{Listener, Peers as _, Receiver, Stop};
use odeon::net::secrets::Secrets;
use odeon::net::tls::Tls;
use odeon::net::transport::Transport;
use odeon::net::{Identity, Mode, Origin, Security, dial};
use odeon_core::node::Nodes;
use odeon_core::peer::handshake::{Secret, Session};
use odeon_core::wire::Role;
use tokio::sync::{Semaphore, SemaphorePermit};

pub use self::forwarder::Forwarder;
use crate::{DEADLINE, Puppet, World, in_time, protocol};

/// The cookie of all test nodes.
pub const COOKIE: &[u8] = b"a cookie for tests alone";

/// Actors that a node of a cluster takes: fewer than others, for there are more nodes.
const ACTORS_MAX: usize = 3_000;

/// How a member is to be.
pub struct Setting {
    /// Its name; one that nobody else has, if absent.
    pub name: Option<String>,
    /// Its part in the cluster.
    pub cluster: cluster::Options,
    /// What it shares with others by default.
    pub cookie: Vec<u8>,
    /// Where TLS is used.
    pub mode: Mode,
    /// Compresses.
    pub compress: bool,
    /// Stands behind a forwarder: all that dial it come through that.
    pub forwarded: bool,
    /// For the set-up of each connection that it dials.
    pub setup_time: Duration,
    /// Threads that run guests.
    pub workers: Option<usize>,
    /// Keeps modules apart from all other nodes.
    pub own_modules: bool,
    /// Where in a network of a test's own it is; on loopback, if absent.
    pub host: Option<net::Host>,
}

impl Default for Setting {
    fn default() -> Self {
        Self {
            name: None,
            cluster: cluster::Options::default(),
            cookie: COOKIE.to_vec(),
            mode: Mode::Auto,
            compress: false,
            forwarded: false,
            setup_time: Duration::from_secs(7),
            workers: None,
            own_modules: false,
            host: None,
        }
    }
}

/// A node that takes part in a cluster.
pub struct Member {
    /// The node, and the puppets on it.
    pub world: World,
    /// Its part in the cluster.
    pub distribution: Arc<Distribution>,
    /// Its name.
    pub name: String,
    /// Where it listens.
    pub address: SocketAddr,
    /// What it shares with whom.
    pub secrets: Arc<Secrets>,
    /// What it stands behind, if it was asked for.
    pub forwarder: Option<Forwarder>,
    runtime: Option<tokio::runtime::Runtime>,
    listener: Option<Listener>,
    published: Option<Published>,
    _modules: Option<tempfile::TempDir>,
}

/// Where the nodes of one test find each other.
pub struct Place {
    directory: Directory,
    _files: tempfile::TempDir,
    _alone: SemaphorePermit<'static>,
}

/// Clusters at one time: each takes the places of several nodes.
static CLUSTERS: Semaphore = Semaphore::const_new(1);

impl Place {
    /// A place of its own.
    ///
    /// # Panics
    /// The system gives no directory.
    pub async fn new() -> Self {
        let alone = CLUSTERS.acquire().await.expect("the semaphore is never closed");
        let files = tempfile::tempdir().expect("a temporary directory");
        let directory = Directory::at(files.path().join("odeon")).expect("a directory of nodes");
        Self { directory, _files: files, _alone: alone }
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
        let ip = setting.host.as_ref().map_or([127, 0, 0, 1].into(), |host| host.ip);
        let host = setting.host.as_ref().map_or("localhost".to_owned(), |host| host.ip.to_string());
        let fresh = || format!("n{}@{host}", NUMBERS.fetch_add(1, Ordering::Relaxed));
        let name = setting.name.clone().unwrap_or_else(fresh);
        let mut runtime = tokio::runtime::Builder::new_multi_thread();
        if let Some(host) = setting.host.clone() {
            runtime.on_thread_start(move || host.enter());
        }
        let runtime = runtime.worker_threads(2).enable_all().build().expect("threads");
        let modules = setting.own_modules.then(|| tempfile::tempdir().expect("a directory"));
        let inside = runtime.enter();
        let world = World::start_at(None, |config| {
            config.name.clone_from(&name);
            config.actors_max = ACTORS_MAX;
            config.workers = setting.workers;
            if let Some(modules) = &modules {
                config.data_dir = modules.path().join("store");
            }
        });
        let features = cluster::features(setting.cluster.hidden, setting.compress);
        let incarnation = world.node.id().get();
        let identity = Identity { name: name.clone(), incarnation, role: Role::Peer, features };
        let security = security(&setting.cookie, setting.mode);
        let secrets = Arc::clone(&security.secrets);
        let dialler = Dialler {
            identity: identity.clone(),
            security: security.clone(),
            options: dial::Options {
                directory: Some(self.directory.clone()),
                setup_time: setting.setup_time,
                ..dial::Options::default()
            },
        };
        let distribution = Arc::new(world.node.distribute(dialler, setting.cluster));
        let receiver = Doorman(Arc::clone(&distribution));
        drop(inside);
        let anywhere = SocketAddr::new(ip, 0);
        let listener = runtime.spawn(Listener::start(anywhere, identity, security, receiver)).await;
        let listener = listener.expect("no panic").expect("a port");
        let address = listener.address();
        let forwarder = match setting.forwarded {
            true => Some(Forwarder::start(address).await),
            false => None,
        };
        let entry = Entry {
            name: name.clone(),
            address: forwarder.as_ref().map_or(address, Forwarder::address),
            incarnation,
            process: std::process::id(),
            tls: setting.mode == Mode::Always,
        };
        let published = Some(self.directory.publish(&entry).expect("the name is free"));
        Member {
            world,
            distribution,
            name,
            address,
            secrets,
            forwarder,
            runtime: Some(runtime),
            listener: Some(listener),
            published,
            _modules: modules,
        }
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

struct Doorman(Arc<Distribution>);

impl Receiver for Doorman {
    fn roles(&self) -> &'static [Role] {
        &[Role::Peer]
    }

    async fn accepted(&self, transport: Transport, session: Session, from: Origin, _: Stop) {
        self.0.accepted(transport, session, from);
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

    /// Its connections, its listener and its name in the directory are gone at once and
    /// without a word, as if its process had been killed. The node behind it can do
    /// nothing any more that others see.
    pub fn halt(&mut self) {
        self.listener = None;
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
        self.published = None;
    }

    /// Leaves the cluster in an orderly way.
    pub async fn leave(&mut self) {
        self.published = None;
        in_time("an orderly stop", self.distribution.stop()).await;
        self.listener = None;
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
