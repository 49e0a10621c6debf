//! Requests of the control channel, carried out on the node.
//!
//! Converts, checks, calls the node, answers. Decides nothing about actors. A
//! request whose client goes away is dropped where it stands; what an attached
//! terminal leaves behind is dealt with in `attach`.

mod attach;
mod convert;

use std::sync::Arc;

use odeon_core::Pid;
use odeon_core::node::Nodes;
use odeon_core::wire::Outcome;
use serde::Serialize;
use tokio::sync::watch;

use super::SERVICE;
use super::api::{self, Failure, FailureKind, Request};
use super::client::{decode, encode};
use super::mux::{Asked, Event, Exchange};
use super::server::Service;
use crate::Node;
use crate::modules::limits::MODULE_BYTES_MAX;

// For the commands that work without a node, so that both say the same.
pub use convert::{call_failure, ending, limits, results, rights, spawn_failure};

/// Rows are sent in pieces of about this size, in bytes.
const ROWS_BYTES: usize = 16 << 10;

/// Lines that are taken from the record at one time.
const LINES_MAX: usize = 256;

/// Serves the control channel of one node.
pub struct NodeService {
    node: Node,
    stop: watch::Sender<bool>,
}

/// An answer, or why there is none.
type Answer<T> = Result<T, Failure>;

impl NodeService {
    /// Serves this node. `stop` becomes true when a client asks the node to stop;
    /// whoever holds the other end carries that out.
    pub fn new(node: Node, stop: watch::Sender<bool>) -> Self {
        Self { node, stop }
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
        if bytes > MODULE_BYTES_MAX as u64 {
            let text = format!("a module is at most {MODULE_BYTES_MAX} bytes (module-bytes-max)");
            return Err(convert::failure(FailureKind::Refused, text));
        }
        let module = stream(exchange, MODULE_BYTES_MAX).await?;
        if module.len() as u64 != bytes {
            let text = format!("{bytes} bytes were announced, {} came", module.len());
            return Err(convert::failure(FailureKind::Usage, text));
        }
        let store = Arc::clone(self.node.modules());
        let deployed = blocking(move || store.deploy(&name, &module)).await?;
        deployed.map(convert::module).map_err(|error| convert::store_failure(&error))
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
        match text {
            Ok(text) => {
                if exchange.send(text.into()).await.is_ok() {
                    reply(exchange, Ok(()));
                }
            }
            Err(failure) => fail(exchange, failure),
        }
    }

    async fn send(&self, actor: &str, exchange: &mut Exchange) -> Answer<()> {
        let pid = self.find(actor)?;
        let body = stream(exchange, odeon_core::limits::MESSAGE_BYTES_MAX).await?;
        self.node.send(pid, body.into());
        Ok(())
    }

    async fn logs(&self, exchange: Exchange, actor: Option<String>, follow: bool) {
        // A number is taken as it is: the lines of an actor outlive it.
        let number = actor.as_deref().map(|text| match text.parse() {
            Ok(number) => Ok(number),
            Err(_) => self.find(text).map(|pid| pid.serial),
        });
        let number = match number.transpose() {
            Ok(number) => number,
            Err(failure) => return fail(exchange, failure),
        };
        let mut record = self.node.output().subscribe();
        loop {
            let lines = if follow { record.next(LINES_MAX).await } else { record.take(LINES_MAX) };
            if lines.is_empty() {
                return reply(exchange, Ok(()));
            }
            let wanted = lines.into_iter().filter(|line| number.is_none_or(|it| it == line.actor));
            let rows: Vec<_> = wanted.map(convert::line).collect();
            if send_rows(&exchange, &rows).await.is_err() {
                return;
            }
        }
    }
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
