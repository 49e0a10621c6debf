//! Requests of the control channel, carried out on the node.
//!
//! Converts, checks, calls the node, answers. Decides nothing about actors. A
//! request whose client goes away is dropped where it stands; what an attached
//! terminal leaves behind is dealt with in `attach`.

mod attach;
mod convert;
mod find;
mod locks;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use odeon_core::node::Nodes;
use odeon_core::wire::Outcome;
use odeon_core::{NodeId, Pid};
use serde::Serialize;
use tokio::sync::watch;

use super::api::{self, Failure, FailureKind, Request};
use super::client::{decode, encode};
use super::discovery::is_node_name;
use super::membership::Membership;
use super::mux::{Asked, Event, Exchange};
use super::server::Service;
use super::{SERVICE, cookie};
use crate::Node;
use crate::config::tick_time;
use crate::io::Line;
use crate::modules::digest::Digest;
use crate::modules::limits::MODULE_BYTES_MAX;
use crate::net::secrets::Secrets;

// For the commands that work without a node, so that both say the same.
pub use convert::{call_failure, ending, limits, results, rights, spawn_failure, start};

/// Rows are sent in pieces of about this size, in bytes.
const ROWS_BYTES: usize = 16 << 10;

/// Lines that are taken from the record at one time.
const LINES_MAX: usize = 256;

/// Serves the control channel of one node.
pub struct NodeService {
    node: Node,
    stop: watch::Sender<bool>,
    /// Absent for a node that takes part in no cluster.
    cluster: Option<InCluster>,
}

/// What commands can change of a node among others.
struct InCluster {
    membership: Arc<Membership>,
    secrets: Arc<Secrets>,
}

/// An answer, or why there is none.
type Answer<T> = Result<T, Failure>;

impl NodeService {
    /// Serves this node. `stop` becomes true when a client asks the node to stop;
    /// whoever holds the other end carries that out.
    pub fn new(node: Node, stop: watch::Sender<bool>) -> Self {
        Self { node, stop, cluster: None }
    }

    /// Lets commands change the node's part in clusters, and the cookies of others.
    #[must_use]
    pub fn in_cluster(self, membership: Arc<Membership>, secrets: Arc<Secrets>) -> Self {
        Self { cluster: Some(InCluster { membership, secrets }), ..self }
    }
}

impl Service for NodeService {
    async fn serve(&self, asked: Asked) {
        let Asked { service, body, mut exchange } = asked;
        if service != SERVICE {
            let text = format!("this node has no service `{service}`");
            return fail(exchange, convert::failure(FailureKind::NotFound, text));
        }
        let Ok(request) = decode::<Request>(&body) else {
            let text = "the node does not know this request; are both of the same version?";
            return fail(exchange, convert::failure(FailureKind::Usage, text));
        };
        match request {
            Request::Spawn(spawn) if spawn.attach => {
                attach::serve(&self.node, *spawn, exchange).await;
            }
            Request::Node => reply(exchange, Ok(self.about())),
            Request::Actors => {
                let rows: Vec<_> = self.node.actors().into_iter().map(convert::actor).collect();
                list(exchange, &rows).await;
            }
            Request::Modules => match self.modules().await {
                Ok(rows) => list(exchange, &rows).await,
                Err(failure) => fail(exchange, failure),
            },
            Request::Deploy { name, bytes } => {
                let deployed = self.deploy(name, bytes, &mut exchange).await;
                reply(exchange, deployed);
            }
            Request::Has { digest } => reply(exchange, self.has(&digest).await),
            Request::Keep { bytes } => {
                let kept = self.keep(bytes, &mut exchange).await;
                reply(exchange, kept);
            }
            Request::Info { actor } => reply(exchange, self.details(&actor)),
            Request::Remove { module } => reply(exchange, self.remove(module).await),
            Request::Spawn(spawn) => {
                let spawned = self.node.spawn(convert::spawn(*spawn)).await;
                reply(exchange, spawned.map(convert::spawned).map_err(convert::spawn_failure));
            }
            Request::Call { module, call, rights, limits } => {
                self.call(exchange, &module, &call, rights, limits).await;
            }
            Request::Exit { actor, reason } => {
                let found = self.find(&actor);
                reply(exchange, found.map(|pid| self.node.exit(pid, convert::reason(reason))));
            }
            Request::Send { actor } => {
                let sent = self.send(&actor, &mut exchange).await;
                reply(exchange, sent);
            }
            Request::Logs { actor, follow } => self.logs(exchange, actor, follow).await,
            Request::Connect { node } => reply(exchange, self.connect(&node).await),
            Request::Disconnect { node } => {
                reply(exchange, Ok(self.node.disconnect(&node).await));
            }
            Request::Peers => {
                let nodes = self.node.nodes(Nodes::Known);
                let rows: Vec<_> = nodes.into_iter().map(convert::peer).collect();
                list(exchange, &rows).await;
            }
            Request::Ping { node } => reply(exchange, self.ping(&node).await),
            Request::TickTime { ms } => reply(exchange, self.tick_time(ms)),
            Request::Leave => match self.in_clusters() {
                Ok(it) => reply(exchange, Ok(it.membership.leave().await)),
                Err(failure) => fail(exchange, failure),
            },
            Request::Enter => match self.in_clusters() {
                Ok(it) => reply(exchange, Ok(it.membership.enter().await)),
                Err(failure) => fail(exchange, failure),
            },
            Request::Rpc(rpc) => self.rpc(exchange, *rpc).await,
            Request::Names => self.names(exchange).await,
            Request::Locks => self.locks(exchange).await,
            Request::Whereis { name } => reply(exchange, self.whereis(&name)),
            Request::Groups { scope } => match self.groups(scope.as_deref()) {
                Ok(rows) => list(exchange, &rows).await,
                Err(failure) => fail(exchange, failure),
            },
            Request::Members { scope, group } => match self.members(&scope, &group) {
                Ok(rows) => list(exchange, &rows).await,
                Err(failure) => fail(exchange, failure),
            },
            Request::Cookie { node, file } => reply(exchange, self.cookie(&node, file).await),
            Request::Stop => {
                reply(exchange, Ok(()));
                self.stop.send_replace(true);
            }
        }
    }
}

impl NodeService {
    fn about(&self) -> api::Node {
        api::Node {
            name: self.node.name().to_owned(),
            incarnation: self.node.id().get(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            actors: self.node.actors().len() as u64,
            modules: self.node.modules().list().map_or(0, |modules| modules.len() as u64),
        }
    }

    async fn connect(&self, node: &str) -> Answer<()> {
        let connected = self.node.connect(node).await;
        connected.map(drop).map_err(|error| {
            convert::failure(FailureKind::Failed, format!("no connection to `{node}`: {error}"))
        })
    }

    async fn ping(&self, node: &str) -> Answer<api::Pong> {
        let asked = self.node.ping(node).await;
        let us = asked.map(|time| u64::try_from(time.as_micros()).unwrap_or(u64::MAX));
        us.map(|us| api::Pong { us })
            .map_err(|error| convert::failure(FailureKind::Failed, error.to_string()))
    }

    fn in_clusters(&self) -> Answer<&InCluster> {
        self.cluster.as_ref().ok_or_else(|| {
            convert::failure(FailureKind::Refused, "this node takes part in no cluster")
        })
    }

    fn tick_time(&self, ms: u64) -> Answer<()> {
        let time = tick_time(Duration::from_millis(ms))
            .map_err(|error| convert::failure(FailureKind::Usage, error.to_string()))?;
        self.in_clusters()?.membership.set_tick_time(time);
        Ok(())
    }

    async fn cookie(&self, node: &str, file: Option<String>) -> Answer<()> {
        let secrets = &self.in_clusters()?.secrets;
        if !is_node_name(node) || !node.contains('@') {
            let text = format!("`{node}` names no node: write name@host");
            return Err(convert::failure(FailureKind::Usage, text));
        }
        let Some(file) = file else {
            secrets.forget(node);
            return Ok(());
        };
        let secret = blocking(move || cookie::load(Path::new(&file))).await?;
        let refused = |text: String| convert::failure(FailureKind::Refused, text);
        let secret = secret.map_err(|error| refused(error.to_string()))?;
        secrets.set(node, secret).map_err(|error| refused(error.to_string()))
    }

    fn details(&self, actor: &str) -> Answer<api::Details> {
        let details = self.node.details(self.find(actor)?);
        details.map(convert::details).ok_or_else(|| convert::no_actor(actor))
    }

    async fn has(&self, digest: &str) -> Answer<bool> {
        let Ok(digest) = digest.parse::<Digest>() else {
            let text = format!("`{digest}` is not the 64 digits of a digest");
            return Err(convert::failure(FailureKind::Usage, text));
        };
        let store = Arc::clone(self.node.modules());
        let found = blocking(move || store.get(digest)).await?;
        // A damaged one is not there: it comes again.
        Ok(found.is_ok_and(|found| found.is_some()))
    }

    fn find(&self, actor: &str) -> Answer<Pid> {
        self.node.find(actor).ok_or_else(|| convert::no_actor(actor))
    }

    async fn modules(&self) -> Answer<Vec<api::Module>> {
        let store = Arc::clone(self.node.modules());
        let listed = blocking(move || store.list()).await?;
        let listed = listed.map_err(|error| convert::store_failure(&error))?;
        Ok(listed.into_iter().map(convert::module).collect())
    }

    async fn deploy(
        &self,
        name: String,
        bytes: u64,
        exchange: &mut Exchange,
    ) -> Answer<api::Module> {
        let module = announced(bytes, exchange).await?;
        let store = Arc::clone(self.node.modules());
        let deployed = blocking(move || store.deploy(&name, &module)).await?;
        deployed.map(convert::module).map_err(|error| convert::store_failure(&error))
    }

    async fn keep(&self, bytes: u64, exchange: &mut Exchange) -> Answer<()> {
        let module = announced(bytes, exchange).await?;
        let store = Arc::clone(self.node.modules());
        let kept = blocking(move || store.put(&module)).await?;
        kept.map(drop).map_err(|error| convert::store_failure(&error))
    }

    async fn remove(&self, module: String) -> Answer<()> {
        let store = Arc::clone(self.node.modules());
        let removed = blocking(move || store.remove(&module)).await?;
        removed.map(drop).map_err(|error| convert::store_failure(&error))
    }

    /// The result goes into the stream, because it may be long.
    async fn call(
        &self,
        mut exchange: Exchange,
        module: &str,
        call: &str,
        rights: api::Rights,
        limits: api::Limits,
    ) {
        let (rights, limits) = (convert::rights(rights), convert::limits(limits));
        let called = tokio::select! {
            called = self.node.call(module, call, rights, &limits) => called,
            () = cancelled(&mut exchange) => return,
        };
        let text = called.map_err(convert::call_failure).and_then(|it| convert::results(&it));
        streamed(exchange, text.map(Bytes::from)).await;
    }

    async fn rpc(&self, mut exchange: Exchange, rpc: api::Rpc) {
        let (node, call) = convert::rpc(rpc);
        let node = node.unwrap_or_else(|| self.node.name().to_owned());
        let called = tokio::select! {
            called = self.node.rpc(&node, call) => called,
            () = cancelled(&mut exchange) => return,
        };
        streamed(exchange, called.map_err(|error| convert::rpc_failure(error, &node))).await;
    }

    async fn send(&self, actor: &str, exchange: &mut Exchange) -> Answer<()> {
        let pid = self.find(actor)?;
        let body = stream(exchange, odeon_core::limits::MESSAGE_BYTES_MAX).await?;
        self.node.send(pid, body.into());
        Ok(())
    }

    fn line(&self, line: Line, own: u64) -> api::Line {
        let name = |id: u64| {
            let name = self.node.name_of(NodeId::from_wire(id));
            name.unwrap_or_else(|| id.to_string())
        };
        let node = (line.node != own).then(|| name(line.node));
        convert::line(line, node)
    }

    async fn logs(&self, exchange: Exchange, actor: Option<String>, follow: bool) {
        // A number is taken as it is: the lines of an actor outlive it. So is a pid, and
        // actors of other nodes write here, too.
        let own = self.node.id().get();
        let wanted = actor.as_deref().map(|text| match (text.parse(), pid_of(text)) {
            (Ok(number), _) => Ok((own, number)),
            (_, Some(pid)) => Ok(pid),
            _ => self.find(text).map(|pid| (own, pid.serial)),
        });
        let wanted = match wanted.transpose() {
            Ok(wanted) => wanted,
            Err(failure) => return fail(exchange, failure),
        };
        let mut record = self.node.output().subscribe();
        loop {
            let lines = if follow { record.next(LINES_MAX).await } else { record.take(LINES_MAX) };
            if lines.is_empty() {
                return reply(exchange, Ok(()));
            }
            let lines = lines
                .into_iter()
                .filter(|line| wanted.is_none_or(|it| it == (line.node, line.actor)));
            let rows: Vec<_> = lines.map(|line| self.line(line, own)).collect();
            if send_rows(&exchange, &rows).await.is_err() {
                return;
            }
        }
    }
}

/// Node and serial of a pid as text.
fn pid_of(text: &str) -> Option<(u64, u64)> {
    let (node, serial) = text.strip_prefix('<')?.strip_suffix('>')?.split_once('.')?;
    Some((node.parse().ok()?, serial.parse().ok()?))
}

/// A module that a client streams, which said how long it is.
async fn announced(bytes: u64, exchange: &mut Exchange) -> Answer<Vec<u8>> {
    if bytes > MODULE_BYTES_MAX as u64 {
        let text = format!("a module is at most {MODULE_BYTES_MAX} bytes (module-bytes-max)");
        return Err(convert::failure(FailureKind::Refused, text));
    }
    let module = stream(exchange, MODULE_BYTES_MAX).await?;
    if module.len() as u64 != bytes {
        let text = format!("{bytes} bytes were announced, {} came", module.len());
        return Err(convert::failure(FailureKind::Usage, text));
    }
    Ok(module)
}

/// What a client streams, whole.
async fn stream(exchange: &mut Exchange, bytes_max: usize) -> Answer<Vec<u8>> {
    let mut whole = Vec::new();
    loop {
        match exchange.next().await {
            Some(Event::Data(piece)) if whole.len() + piece.len() <= bytes_max => {
                whole.extend_from_slice(&piece);
            }
            Some(Event::Data(_)) => {
                let text = format!("more than the {bytes_max} bytes that are allowed");
                return Err(convert::failure(FailureKind::Refused, text));
            }
            Some(Event::End) => return Ok(whole),
            // Nobody reads this.
            Some(Event::Cancelled | Event::Reply(..)) | None => {
                return Err(convert::failure(FailureKind::Failed, "the client has gone"));
            }
        }
    }
}

/// Answers with a text that may be long.
async fn streamed(exchange: Exchange, text: Answer<Bytes>) {
    match text {
        Ok(text) => {
            if exchange.send(text).await.is_ok() {
                reply(exchange, Ok(()));
            }
        }
        Err(failure) => fail(exchange, failure),
    }
}

/// Returns when the client no longer waits.
async fn cancelled(exchange: &mut Exchange) {
    while let Some(Event::Data(_) | Event::End) = exchange.next().await {}
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Answer<T> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|error| convert::failure(FailureKind::Failed, format!("the node failed: {error}")))
}

fn reply<T: Serialize>(exchange: Exchange, answer: Answer<T>) {
    match answer {
        Ok(value) => exchange.reply(Outcome::Done, encode(&value)),
        Err(failure) => fail(exchange, failure),
    }
}

fn fail(exchange: Exchange, failure: Failure) {
    exchange.reply(Outcome::Failed, encode(&convert::bounded(failure)));
}

async fn list<T: Serialize>(exchange: Exchange, rows: &[T]) {
    if send_rows(&exchange, rows).await.is_ok() {
        reply(exchange, Ok(()));
    }
}

/// Streams rows, each piece a list of its own.
async fn send_rows<T: Serialize>(exchange: &Exchange, rows: &[T]) -> Result<(), super::mux::Gone> {
    let mut rest = rows;
    while !rest.is_empty() {
        let mut bytes = 0;
        let fits = rest.iter().take_while(|row| {
            let fits = bytes < ROWS_BYTES;
            bytes += encode(*row).len();
            fits
        });
        let (piece, more) = rest.split_at(fits.count());
        exchange.send_piece(encode(piece)).await?;
        rest = more;
    }
    Ok(())
}
