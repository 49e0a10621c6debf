//! What runs in the process of a member: the node and its part in the cluster. `answers`
//! does what the test asks for.

mod answers;

use std::collections::HashMap;
use std::net::SocketAddr;
use std::os::fd::AsFd as _;
use std::os::unix::net::UnixStream;
use std::pin::Pin;
use std::sync::{Arc, Mutex};

use odeon::Native;
use odeon::cluster::{self, Dialler, Distribution};
use odeon::control::discovery::{Directory, Published};
use odeon::net::listen::Listener;
use odeon::net::{Identity, Security, dial};
use odeon_core::wire::Role;
use serde::Serialize;
use tokio::runtime::Runtime;

use super::talk::{Plan, Started, hear, read, say};
use super::{ACTORS_MAX, security};
use crate::World;

/// Runs a member that does what comes over the standard input, until that is closed.
///
/// # Panics
/// It was not started as [`Place`](super::Place) does it, or the system does not let it.
pub fn obey() {
    let input = std::io::stdin().as_fd().try_clone_to_owned().expect("there is an input");
    let channel = UnixStream::from(input);
    let Some((number, plan)) = hear(&channel) else { return };
    let plan: Plan = read(&plan);
    if let Some(host) = &plan.setting.host {
        // Before there are other threads: they inherit it.
        host.enter();
    }
    let says = Says(Arc::new(Mutex::new(channel.try_clone().expect("another end"))));
    let mut inside = Inside::start(plan, says);
    let runtime = inside.runtime.handle().clone();
    let _within = runtime.enter();
    inside.says.say(number, &inside.started());
    while let Some((number, ask)) = hear(&channel) {
        inside.obey(number, read(&ask));
    }
    // The test is gone, and nobody waits for an orderly end.
    std::process::exit(0);
}

/// Says things to the test, each as a whole.
#[derive(Clone)]
struct Says(Arc<Mutex<UnixStream>>);

impl Says {
    fn say(&self, number: u64, what: &impl Serialize) {
        // When the test is gone, so is this process, soon.
        say(&self.0.lock().expect("nobody panics with it"), number, what);
    }
}

struct Inside {
    world: World,
    distribution: Arc<Distribution>,
    security: Security,
    identity: Identity,
    directory: Directory,
    address: SocketAddr,
    listener: Option<Listener>,
    published: Option<Published>,
    natives: HashMap<u64, Shared<Native>>,
    ends: HashMap<u64, Shared<End>>,
    runtime: Runtime,
    says: Says,
}

/// An actor of the host, for who lets it act and who listens for it; absent once it ended.
type Shared<T> = Arc<Mutex<Option<T>>>;

/// Waits for the end of an actor.
type End = Pin<Box<dyn Future<Output = odeon_core::Reason> + Send>>;

impl Inside {
    fn start(plan: Plan, says: Says) -> Self {
        let Plan { name, setting, directory, data_dir } = plan;
        let mut runtime = tokio::runtime::Builder::new_multi_thread();
        let runtime = runtime.worker_threads(2).enable_all().build().expect("threads");
        let directory = Directory::at(directory).expect("a directory of nodes");
        let inside = runtime.enter();
        let world = World::start_at(None, |config| {
            config.name.clone_from(&name);
            config.actors_max = ACTORS_MAX;
            config.workers = setting.workers;
            if let Some(data_dir) = data_dir {
                config.data_dir = data_dir;
            }
        });
        let features = cluster::features(setting.cluster.hidden, setting.compress);
        let incarnation = world.node.id().get();
        let identity = Identity { name, incarnation, role: Role::Peer, features };
        let security = security(&setting.cookie, setting.mode);
        let dialler = Dialler {
            identity: identity.clone(),
            security: security.clone(),
            options: dial::Options {
                directory: Some(directory.clone()),
                setup_time: setting.setup_time,
                ..dial::Options::default()
            },
        };
        let distribution = Arc::new(world.node.distribute(dialler, setting.cluster));
        drop(inside);
        let receiver = Arc::clone(&distribution);
        let ip = setting.host.map_or([127, 0, 0, 1].into(), |host| host.ip);
        let listener =
            Listener::start(SocketAddr::new(ip, 0), identity.clone(), security.clone(), receiver);
        let listener = runtime.block_on(listener).expect("a port");
        Self {
            world,
            distribution,
            security,
            identity,
            directory,
            address: listener.address(),
            listener: Some(listener),
            published: None,
            natives: HashMap::new(),
            ends: HashMap::new(),
            runtime,
            says,
        }
    }

    fn started(&self) -> Started {
        Started { id: self.identity.incarnation, address: self.address }
    }
}
