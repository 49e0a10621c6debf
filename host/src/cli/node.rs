//! `odeon node` and `stop`.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use odeon::cluster::{self, Dialler};
use odeon::config::{Accept, ClusterTable, Overrides};
use odeon::control::api::Request;
use odeon::control::discovery::{Directory, Entry};
use odeon::control::membership::Membership;
use odeon::control::server::Server;
use odeon::control::service::NodeService;
use odeon::net::{self, Identity, Mode, dial};
use odeon::{Config, Node};
use odeon_core::wire::Role;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

use super::Common;
use super::connections::{ConnectionArgs, security};
use super::exit::{Exit, code};
use super::{output, progress, remote};

/// Runs a node until SIGINT, SIGTERM or `odeon stop`. Prints one line when it is
/// ready.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Its name; without `@`, this machine's name is added.
    #[arg(long, env = "ODEON_NAME")]
    name: Option<String>,
    /// Where to listen: a port on loopback, or an address and a port, as in
    /// 0.0.0.0:4370 for all of this machine's. Port 0 takes any free one.
    #[arg(long, env = "ODEON_LISTEN", value_name = "[ADDRESS:]PORT", value_parser = listen)]
    listen: Option<SocketAddr>,
    /// Where deployed modules and compiled code are kept.
    #[arg(long, env = "ODEON_DATA_DIR", value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// Threads that run guests; one for each core by default.
    #[arg(long, env = "ODEON_WORKERS", value_name = "NUMBER")]
    workers: Option<usize>,
    #[command(flatten)]
    connections: ConnectionArgs,
    #[command(flatten)]
    cluster: ClusterArgs,
}

/// The node among others.
#[derive(Debug, clap::Args)]
struct ClusterArgs {
    /// A node to connect with at the start, as name@host or name@host:port. May be
    /// repeated.
    #[arg(long, env = "ODEON_JOIN", value_name = "NODE", value_delimiter = ',')]
    join: Vec<String>,
    /// Be a hidden node: others are not told of it, and it connects with nobody by
    /// itself.
    #[arg(long, env = "ODEON_HIDDEN", value_name = "BOOL", num_args = 0..=1,
        require_equals = true, default_missing_value = "true")]
    hidden: Option<bool>,
    /// Do not connect with nodes only because a connected node is connected with them.
    #[arg(long, env = "ODEON_NO_MESH", value_name = "BOOL", num_args = 0..=1,
        require_equals = true, default_missing_value = "true")]
    no_mesh: Option<bool>,
    /// When a signal to an unconnected node connects to it: always; once, which is not
    /// after a connection was lost, until somebody connects on purpose; or never.
    #[arg(long, env = "ODEON_AUTO_CONNECT", value_name = "always|once|never")]
    auto_connect: Option<String>,
    /// The only nodes that may connect. May be repeated.
    #[arg(long, env = "ODEON_ALLOW", value_name = "NODE", value_delimiter = ',')]
    allow: Vec<String>,
    /// How long a silent node counts as there; 3 by default.
    #[arg(long, env = "ODEON_TICK_TIME", value_name = "SECONDS")]
    tick_time: Option<f64>,
    /// Compress what goes to nodes that can read it.
    #[arg(long, env = "ODEON_COMPRESS", value_name = "BOOL", num_args = 0..=1,
        require_equals = true, default_missing_value = "true")]
    compress: Option<bool>,
    /// Which modules other nodes may bring along: `any`, `none`, or digests with commas.
    #[arg(long, env = "ODEON_ACCEPT_MODULES", value_name = "WHICH")]
    accept_modules: Option<String>,
    /// Make no actors for other nodes.
    #[arg(long, env = "ODEON_NO_REMOTE_SPAWN", value_name = "BOOL", num_args = 0..=1,
        require_equals = true, default_missing_value = "true")]
    no_remote_spawn: Option<bool>,
    /// The modules whose functions other nodes may call: `any`, `none`, or names and
    /// digests with commas. Unless said otherwise all, where they may make actors.
    #[arg(long, env = "ODEON_ALLOW_CALLS", value_name = "WHICH")]
    allow_calls: Option<String>,
    /// Let an actor have several cluster names.
    #[arg(long, env = "ODEON_SEVERAL_NAMES", value_name = "BOOL", num_args = 0..=1,
        require_equals = true, default_missing_value = "true")]
    several_names: Option<bool>,
}

impl ClusterArgs {
    /// In the words of the configuration.
    fn table(self) -> ClusterTable {
        ClusterTable {
            join: self.join,
            hidden: self.hidden,
            mesh: self.no_mesh.map(|no| !no),
            auto_connect: self.auto_connect,
            allow: self.allow,
            tick_time: self.tick_time,
            compress: self.compress,
            accept_modules: self.accept_modules.map(Accept::Text),
            remote_spawn: self.no_remote_spawn.map(|no| !no),
            calls: self.allow_calls.map(Accept::Text),
            several_names: self.several_names,
        }
    }
}

fn listen(text: &str) -> Result<SocketAddr, String> {
    match text.parse::<u16>() {
        Ok(port) => Ok(([127, 0, 0, 1], port).into()),
        Err(_) => text.parse().map_err(|_| {
            "write a port, as in 4000, or an address, as in 127.0.0.1:4000".to_owned()
        }),
    }
}

impl Args {
    pub(crate) async fn run(self, common: &Common) -> Result<u8, Exit> {
        let overrides = Overrides {
            name: self.name,
            listen: self.listen,
            data_dir: self.data_dir,
            workers: self.workers,
            cookies: self.connections.cookie_for.iter().cloned().collect(),
            connections: self.connections.connections(),
            cluster: self.cluster.table(),
        };
        let settings = common.file()?.settings(&overrides)?;
        let security = security(Some(&settings.name), &settings.connections)?;
        let directory = Directory::of_user()?;
        let config = Config {
            workers: settings.workers,
            limits: settings.limits,
            actors_max: settings.actors_max,
            tier: settings.tier,
            ..Config::new(settings.name.clone(), settings.data_dir)
        };
        take_descriptors();
        // Before the ready line, so that whoever reads it may stop the node at once.
        let mut signals = Signals::new()?;
        let node = Node::start(config).map_err(|error| Exit::because(&error))?;
        // Not torn down after its stop: the process ends, whatever its actors do.
        let node: &'static Node = Box::leak(Box::new(node));
        let (stop, mut stopped) = watch::channel(false);
        let (name, incarnation) = (settings.name, node.id().get());
        let among = settings.cluster;
        let features = cluster::features(among.hidden, among.compress);
        let identity = Identity { name: name.clone(), incarnation, role: Role::Peer, features };
        let tls = security.mode == Mode::Always;
        let advertise = settings.connections.advertise;
        let options = cluster::Options {
            hidden: among.hidden,
            mesh: among.mesh,
            auto_connect: among.auto_connect,
            allow: among.allow,
            tick_time: among.tick_time,
            addresses: advertise.clone(),
            policy: among.policy,
            several_names: among.several_names,
        };
        let dialler = Dialler {
            identity: identity.clone(),
            security: security.clone(),
            options: dial::Options {
                setup_time: settings.connections.setup_time,
                directory: Some(directory.clone()),
                ..dial::Options::default()
            },
        };
        let membership = Arc::new(Membership::start(node.clone(), dialler, options));
        let secrets = Arc::clone(&security.secrets);
        let service =
            NodeService::new(node.clone(), stop).in_cluster(Arc::clone(&membership), secrets);
        let peers = Arc::clone(&membership);
        let server =
            Server::start(settings.listen, identity, security, service, Some(peers)).await?;
        let address = server.address();
        membership.set_addresses(net::addresses(&advertise, address, &name));
        let entry = Entry {
            name: name.clone(),
            address: from_here(address),
            incarnation,
            process: std::process::id(),
            tls,
        };
        let published = directory.publish(&entry)?;
        output::line(&format!("node {name} ready on {address}"))?;
        for other in among.join {
            tokio::spawn(join(node, other));
        }
        tokio::select! {
            () = signals.any() => {}
            _ = stopped.wait_for(|stop| *stop) => {}
        }
        tracing::info!(name, "stopping");
        drop(published);
        tokio::select! {
            () = node.stop() => {}
            // Who asks again does not want to wait for actors.
            () = signals.any() => {}
        }
        membership.leave().await;
        server.stop().await;
        Ok(code::OK)
    }
}

/// Lets this process have as many descriptors as it may: each connection takes one, and
/// what most shells set by default is less than a listener's connections.
fn take_descriptors() {
    let limit = getrlimit(Resource::Nofile);
    let wanted = Rlimit { current: limit.maximum, maximum: limit.maximum };
    if let Err(error) = setrlimit(Resource::Nofile, wanted) {
        tracing::info!(%error, "the limit of open files stays as it is");
    }
}

/// How this machine reaches who listens there.
fn from_here(mut address: SocketAddr) -> SocketAddr {
    match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => address.set_ip(Ipv4Addr::LOCALHOST.into()),
        IpAddr::V6(ip) if ip.is_unspecified() => address.set_ip(Ipv6Addr::LOCALHOST.into()),
        IpAddr::V4(_) | IpAddr::V6(_) => {}
    }
    address
}

/// The pauses between two tries to join a node that is not there yet: from the first to
/// the longest, each twice the one before.
const JOIN_PAUSES: (Duration, Duration) = (Duration::from_millis(250), Duration::from_secs(5));

/// Connects with another node, which may be started later than this one.
async fn join(node: &Node, other: String) {
    // One configuration may be for all nodes of a cluster.
    if other.rsplit_once(':').map_or(&*other, |(name, _)| name) == node.name() {
        return;
    }
    let (mut pause, longest) = JOIN_PAUSES;
    let mut is_told = false;
    while let Err(error) = node.connect(&other).await {
        if !std::mem::replace(&mut is_told, true) {
            tracing::warn!(node = other, %error, "cannot join yet; trying on");
        }
        tokio::time::sleep(pause).await;
        pause = (2 * pause).min(longest);
    }
}

/// What asks a node to stop from outside.
struct Signals {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
}

impl Signals {
    fn new() -> Result<Self, Exit> {
        let failed = |error| Exit::failed(format!("cannot watch for signals: {error}"));
        Ok(Self {
            interrupt: signal(SignalKind::interrupt()).map_err(failed)?,
            terminate: signal(SignalKind::terminate()).map_err(failed)?,
        })
    }

    async fn any(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

/// Ends the node, and waits until it has.
pub(crate) async fn stop(common: &Common) -> Result<u8, Exit> {
    let mut client = remote::connect(common).await?;
    client.ask::<()>(&Request::Stop).await?;
    progress::while_doing("waiting for the node's actors".to_owned(), client.closed()).await;
    Ok(code::OK)
}
