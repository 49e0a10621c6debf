//! `odeon node`, `stop` and `nodes`.

use std::net::SocketAddr;
use std::path::PathBuf;

use odeon::config::Overrides;
use odeon::control::api::Request;
use odeon::control::discovery::{Directory, Entry};
use odeon::control::server::Server;
use odeon::control::service::NodeService;
use odeon::control::{Identity, cookie};
use odeon::{Config, Node};
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
    /// Where to listen: a port, or a loopback address and a port. 0 takes any free
    /// port.
    #[arg(long, env = "ODEON_LISTEN", value_name = "[ADDRESS:]PORT", value_parser = listen)]
    listen: Option<SocketAddr>,
    /// Where deployed modules and compiled code are kept.
    #[arg(long, env = "ODEON_DATA_DIR", value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// Threads that run guests; one for each core by default.
    #[arg(long, env = "ODEON_WORKERS", value_name = "NUMBER")]
    workers: Option<usize>,
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
        };
        let settings = common.file()?.settings(&overrides)?;
        let secret = cookie::secret()?;
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
        let identity = Identity { name: name.clone(), incarnation, role: Role::Peer, secret };
        let service = NodeService::new(node.clone(), stop);
        let server = Server::start(settings.listen, identity, service).await?;
        let address = server.address();
        let process = std::process::id();
        let entry = Entry { name: name.clone(), address, incarnation, process };
        let published = directory.publish(&entry)?;
        output::line(&format!("node {name} ready on {address}"))?;
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
        server.stop().await;
        Ok(code::OK)
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
