//! Connected nodes: two in this process, with real connections over loopback.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use odeon::cluster::{self, Dialler, Distribution};
use odeon::control::discovery::{Directory, Entry, Published};
use odeon::net::listen::{Listener, Peers as _, Receiver, Stop};
use odeon::net::secrets::Secrets;
use odeon::net::tls::Tls;
use odeon::net::transport::Transport;
use odeon::net::{Identity, Mode, Security, dial};
use odeon_core::peer::handshake::{Secret, Session};
use odeon_core::wire::Role;
use tokio::sync::{Semaphore, SemaphorePermit};

use crate::{Puppet, World, in_time, protocol};

/// The cookie of all test nodes.
pub const COOKIE: &[u8] = b"a cookie for tests alone";

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
    _listener: Listener,
    _published: Published,
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
    pub async fn start_with(&self, change: impl FnOnce(&mut cluster::Options)) -> Member {
        static NUMBERS: AtomicU32 = AtomicU32::new(1);
        let name = format!("n{}@localhost", NUMBERS.fetch_add(1, Ordering::Relaxed));
        let world = World::start_at(None, |config| config.name.clone_from(&name));
        let mut options = cluster::Options::default();
        change(&mut options);
        let features = cluster::features(options.hidden, false);
        let incarnation = world.node.id().get();
        let identity = Identity { name: name.clone(), incarnation, role: Role::Peer, features };
        let secret = Secret::new(COOKIE).expect("long enough");
        let security = Security {
            secrets: Arc::new(Secrets::new(secret)),
            tls: Arc::new(Tls::self_signed().expect("a key")),
            mode: Mode::Auto,
        };
        let dialler = Dialler {
            identity: identity.clone(),
            security: security.clone(),
            options: dial::Options {
                directory: Some(self.directory.clone()),
                ..dial::Options::default()
            },
        };
        let distribution = Arc::new(world.node.distribute(dialler, options));
        let receiver = Doorman(Arc::clone(&distribution));
        let anywhere = ([127, 0, 0, 1], 0).into();
        let listener = Listener::start(anywhere, identity, security, receiver);
        let listener = listener.await.expect("a port");
        let address = listener.address();
        let process = std::process::id();
        let entry = Entry { name: name.clone(), address, incarnation, process, tls: false };
        let published = self.directory.publish(&entry).expect("the name is free");
        Member { world, distribution, name, address, _listener: listener, _published: published }
    }
}

struct Doorman(Arc<Distribution>);

impl Receiver for Doorman {
    fn roles(&self) -> &'static [Role] {
        &[Role::Peer]
    }

    async fn accepted(&self, transport: Transport, session: Session, from: SocketAddr, _: Stop) {
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
}

/// Two nodes of one cluster.
pub struct Pair {
    /// Where the test looks from.
    pub near: Member,
    /// The other.
    pub far: Member,
    _place: Place,
}

impl Pair {
    /// Starts both; they are not connected.
    pub async fn start() -> Self {
        let place = Place::new().await;
        let near = place.start().await;
        let far = place.start().await;
        Self { near, far, _place: place }
    }

    /// A puppet on the near node.
    pub async fn near_puppet(&self) -> Puppet {
        self.near.world.puppet().await
    }

    /// A puppet on the far node, spawned from the near one.
    pub async fn far_puppet(&self) -> Puppet {
        self.near.puppet_at(&self.far.name).await
    }
}
