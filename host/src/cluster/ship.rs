//! Modules on their way: who lacks one asks the node that wants it spawned.
//!
//! A module is named by its digest, so what comes is checked against what was asked
//! for, and only then against the rules for modules. Compiled code never travels.

use std::sync::Arc;

use bytes::Bytes;
use odeon_core::signal::SpawnError;
use odeon_core::wire::Outcome;

use super::AcceptModules;
use super::link::Link;
use crate::control::mux::{Asked, Event};
use crate::modules::digest::Digest;
use crate::modules::limits::MODULE_BYTES_MAX;
use crate::runtime::Runtime;

/// The service that gives modules.
pub(super) const SERVICE: &str = "module";

/// Makes sure that a module is in this node's store; fetches it if it is not.
pub(super) async fn fetch(
    runtime: &Arc<Runtime>,
    link: &Arc<Link>,
    digest: Digest,
) -> Result<(), SpawnError> {
    // One fetch at a time for each module: who comes second finds it here.
    let gate = runtime.cluster.fetching(link, digest);
    let _alone = gate.lock().await;
    let store = Arc::clone(&runtime.modules);
    let is_here = blocking(move || store.get(digest).is_ok_and(|found| found.is_some())).await?;
    if is_here {
        return Ok(());
    }
    match &runtime.cluster.policy().modules {
        AcceptModules::Any => {}
        AcceptModules::Listed(digests) if digests.contains(&digest.to_string()) => {}
        AcceptModules::Listed(_) | AcceptModules::None => {
            let text = format!("this node takes no module {} from others", digest.short());
            return Err(SpawnError::Denied(text));
        }
    }
    let bytes = ask(link, digest).await?;
    let store = Arc::clone(&runtime.modules);
    let name = link.name.to_string();
    blocking(move || {
        if Digest::of(&bytes) != digest {
            tracing::warn!(node = name, "refused a module: its bytes do not match its digest");
            return Err(SpawnError::NoModule(format!(
                "{}: the bytes that came do not match the digest",
                digest.short()
            )));
        }
        store
            .put(&bytes)
            .map(drop)
            .map_err(|error| SpawnError::NoModule(format!("{}: {error}", digest.short())))
    })
    .await?
}

async fn ask(link: &Link, digest: Digest) -> Result<Vec<u8>, SpawnError> {
    let exchanges = link.exchanges().ok_or(SpawnError::NoConnection)?;
    let body = Bytes::copy_from_slice(digest.as_bytes());
    let mut exchange = exchanges.request(SERVICE, body).map_err(|_| SpawnError::NoConnection)?;
    let mut bytes = Vec::new();
    loop {
        match exchange.next().await {
            Some(Event::Data(data)) if bytes.len() + data.len() <= MODULE_BYTES_MAX => {
                bytes.extend_from_slice(&data);
            }
            Some(Event::Data(_)) => {
                let text = format!("module-bytes-max of {MODULE_BYTES_MAX} exceeded");
                return Err(SpawnError::SystemLimit(text));
            }
            Some(Event::End) => {}
            Some(Event::Reply(Outcome::Done, _)) => return Ok(bytes),
            Some(Event::Reply(Outcome::Failed, _)) => {
                let text = format!("{}: the asking node does not have it", digest.short());
                return Err(SpawnError::NoModule(text));
            }
            Some(Event::Cancelled) | None => return Err(SpawnError::NoConnection),
        }
    }
}

/// Answers a request of another node, to its end.
pub(super) async fn serve(runtime: Arc<Runtime>, asked: Asked) {
    let Asked { service, body, exchange } = asked;
    let digest = <[u8; 32]>::try_from(&body[..]).ok().map(Digest::from_bytes);
    let (SERVICE, Some(digest)) = (service.as_str(), digest) else {
        exchange.reply(Outcome::Failed, Bytes::new());
        return;
    };
    let store = Arc::clone(&runtime.modules);
    let found = blocking(move || store.read(digest).ok().flatten()).await;
    let Ok(Some(bytes)) = found else {
        exchange.reply(Outcome::Failed, Bytes::new());
        return;
    };
    if exchange.send(bytes.into()).await.is_ok() {
        exchange.reply(Outcome::Done, Bytes::new());
    }
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, SpawnError> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|error| SpawnError::NoModule(format!("the node failed: {error}")))
}
