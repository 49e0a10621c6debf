//! `odeon node`, `stop` and `nodes`.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use odeon::cluster::{self, AcceptModules, Dialler, Policy};
use odeon::config::{ConnectionSettings, Connections, Overrides};
use odeon::control::api::Request;
use odeon::control::cookie;
use odeon::control::discovery::{Directory, Entry};
use odeon::control::server::Server;
use odeon::control::service::NodeService;
use odeon::net::secrets::Secrets;
use odeon::net::tls::Tls;
use odeon::net::{self, Identity, Mode, Security, dial};
use odeon::{Config, Node};
use odeon_core::node;
use odeon_core::wire::Role;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

use super::Common;
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
    #[arg(long)]
    hidden: bool,
    /// Do not connect with nodes only because a connected node is connected with them.
    #[arg(long)]
    no_mesh: bool,
    /// When a signal to an unconnected node connects to it.
    #[arg(long, env = "ODEON_AUTO_CONNECT", value_enum, default_value_t)]
    auto_connect: AutoConnect,
    /// The only nodes that may connect. May be repeated.
    #[arg(long, env = "ODEON_ALLOW", value_name = "NODE", value_delimiter = ',')]
    allow: Vec<String>,
    /// How long a silent node counts as there.
    #[arg(long, env = "ODEON_TICK_TIME", value_name = "SECONDS", default_value_t = 3.0)]
    tick_time: f64,
    /// Compress what goes to nodes that can read it.
    #[arg(long, env = "ODEON_COMPRESS")]
    compress: bool,
    /// Which modules other nodes may bring along: `any`, `none`, or digests.
    #[arg(long, env = "ODEON_ACCEPT_MODULES", value_name = "WHICH", default_value = "any")]
    accept_modules: String,
    /// Make no actors for other nodes.
    #[arg(long)]
    no_remote_spawn: bool,
}

#[derive(Clone, Copy, Debug, Default, clap::ValueEnum)]
enum AutoConnect {
    /// Whenever it is not connected.
    #[default]
    Always,
    /// Not after a connection was lost, until somebody connects on purpose.
    Once,
    /// Only on purpose.
    Never,
}

/// The least and the most of the tick time, in seconds.
const TICK_SECONDS: std::ops::RangeInclusive<f64> = 0.1..=3600.0;

impl ClusterArgs {
    fn options(&self, addresses: Vec<String>) -> Result<cluster::Options, Exit> {
        if !TICK_SECONDS.contains(&self.tick_time) {
            let text = format!(
                "the tick time is {} to {} seconds",
                TICK_SECONDS.start(),
                TICK_SECONDS.end()
            );
            return Err(Exit::new(code::USAGE, text));
        }
        let modules = match self.accept_modules.as_str() {
            "any" => AcceptModules::Any,
            "none" => AcceptModules::None,
            digests => AcceptModules::Listed(digests.split(',').map(str::to_owned).collect()),
        };
        Ok(cluster::Options {
            hidden: self.hidden,
            mesh: !self.no_mesh,
            auto_connect: match self.auto_connect {
                AutoConnect::Always => node::AutoConnect::Always,
                AutoConnect::Once => node::AutoConnect::Once,
                AutoConnect::Never => node::AutoConnect::Never,
            },
            allow: (!self.allow.is_empty()).then(|| self.allow.clone()),
            tick_time: Duration::from_secs_f64(self.tick_time),
            addresses,
            policy: Policy { modules, no_spawns: self.no_remote_spawn },
        })
    }
}

/// How the node and others connect.
#[derive(Debug, clap::Args)]
struct ConnectionArgs {
    /// Where other nodes reach this one, if not at its name's host. May be repeated.
    #[arg(long, env = "ODEON_ADVERTISE", value_name = "HOST:PORT", value_delimiter = ',')]
    advertise: Vec<String>,
    /// Where connections use TLS: `auto` is everywhere but on loopback.
    #[arg(long, env = "ODEON_TLS", value_name = "auto|always")]
    tls: Option<String>,
    /// Make and take connections without TLS everywhere. Only for networks that
    /// others protect.
    #[arg(long, conflicts_with = "tls")]
    plain: bool,
    /// The certificates of the authorities that sign the nodes' (PEM). With it,
    /// --cert and --key, nodes have to show certificates to each other.
    #[arg(long, env = "ODEON_CA", value_name = "FILE")]
    ca: Option<PathBuf>,
    /// This node's certificate (PEM), for its host or for the URI `odeon:NAME`.
    #[arg(long, env = "ODEON_CERT", value_name = "FILE")]
    cert: Option<PathBuf>,
    /// The key of the certificate (PEM).
    #[arg(long, env = "ODEON_KEY", value_name = "FILE")]
    key: Option<PathBuf>,
    /// How long a connection to another node may take to come about; 7 by default.
    #[arg(long, env = "ODEON_SETUP_TIME", value_name = "SECONDS")]
    setup_time: Option<u64>,
    /// The file of the cookie that is shared with one node. May be repeated.
    #[arg(long, value_name = "NODE=FILE", value_parser = cookie_for)]
    cookie_for: Vec<(String, PathBuf)>,
}

fn cookie_for(text: &str) -> Result<(String, PathBuf), String> {
    match text.split_once('=') {
        Some((name, path)) if !path.is_empty() => Ok((name.to_owned(), path.into())),
        _ => Err("write NODE=FILE, as in b@box=cookies/b".to_owned()),
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
            cookies: self.connections.cookie_for.into_iter().collect(),
            connections: Connections {
                advertise: self.connections.advertise,
                tls: self.connections.tls,
                plain: self.connections.plain,
                ca: self.connections.ca,
                cert: self.connections.cert,
                key: self.connections.key,
                setup_time: self.connections.setup_time,
            },
        };
        let settings = common.file()?.settings(&overrides)?;
        let security = security(&settings.name, &settings.connections)?;
        let directory = Directory::of_user()?;
        let config = Config {
            workers: settings.workers,
            limits: settings.limits,
            actors_max: settings.actors_max,
            tier: settings.tier,
            ..Config::new(settings.name.clone(), settings.data_dir)
        };
        // Before the ready line, so that whoever reads it may stop the node at once.
        let mut signals = Signals::new()?;
        let node = Node::start(config).map_err(|error| Exit::because(&error))?;
        // Not torn down after its stop: the process ends, whatever its actors do.
        let node: &'static Node = Box::leak(Box::new(node));
        let (stop, mut stopped) = watch::channel(false);
        let (name, incarnation) = (settings.name, node.id().get());
        let features = cluster::features(self.cluster.hidden, self.cluster.compress);
        let identity = Identity { name: name.clone(), incarnation, role: Role::Peer, features };
        let service = NodeService::new(node.clone(), stop);
        let tls = security.mode == Mode::Always;
        let advertise = settings.connections.advertise;
        let options = self.cluster.options(advertise.clone())?;
        let dialler = Dialler {
            identity: identity.clone(),
            security: security.clone(),
            options: dial::Options {
                setup_time: settings.connections.setup_time,
                directory: Some(directory.clone()),
                ..dial::Options::default()
            },
        };
        let distribution = Arc::new(node.distribute(dialler, options));
        let peers = Arc::clone(&distribution);
        let server =
            Server::start(settings.listen, identity, security, service, Some(peers)).await?;
        let address = server.address();
        distribution.set_addresses(net::addresses(&advertise, address, &name));
        let entry = Entry {
            name: name.clone(),
            address: from_here(address),
            incarnation,
            process: std::process::id(),
            tls,
        };
        let published = directory.publish(&entry)?;
        output::line(&format!("node {name} ready on {address}"))?;
        for other in self.cluster.join {
            tokio::spawn(async move {
                if let Err(error) = node.connect(&other).await {
                    tracing::warn!(node = other, %error, "cannot join");
                }
            });
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
        distribution.stop().await;
        server.stop().await;
        Ok(code::OK)
    }
}

/// What protects the node's connections.
fn security(name: &str, settings: &ConnectionSettings) -> Result<Security, Exit> {
    let secrets = Secrets::new(cookie::secret()?);
    for (peer, path) in &settings.cookies {
        let kept = secrets.set(peer, cookie::load(path)?);
        kept.map_err(|error| Exit::failed(error.to_string()))?;
    }
    let tls = match &settings.files {
        Some(files) => Tls::from_files(files, name),
        None => Tls::self_signed(),
    };
    let tls = tls.map_err(|error| Exit::failed(error.to_string()))?;
    Ok(Security { secrets: Arc::new(secrets), tls: Arc::new(tls), mode: settings.mode })
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

/// Lists the nodes that this user runs on this machine.
#[derive(Debug, clap::Args)]
pub(crate) struct Nodes {
    /// Print one JSON document.
    #[arg(long)]
    json: bool,
}

impl Nodes {
    pub(crate) fn run(self) -> Result<u8, Exit> {
        let nodes = Directory::of_user()?.list()?;
        if self.json {
            output::json(&nodes)?;
            return Ok(code::OK);
        }
        let row = |node: &Entry| {
            vec![node.name.clone(), node.address.to_string(), node.process.to_string()]
        };
        output::table(&["NAME", "ADDRESS", "PROCESS"], &nodes.iter().map(row).collect::<Vec<_>>())?;
        Ok(code::OK)
    }
}
