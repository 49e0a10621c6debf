//! `odeon:actor/locks`: locks of the whole cluster.

use odeon_core::locks::{
    self as rules, LOCKS_AT_NODE_MAX, LOCKS_PER_ACTOR_MAX, LOCKS_PER_NODE_MAX, Nodes, Outcome,
    Reason,
};
use odeon_core::node::NODES_KNOWN_MAX;
use odeon_core::{Key, KeyError, NodeId};
use tokio::sync::oneshot;

use crate::wasm::bindings::odeon::actor::locks::{Host, LockError, LockId};
use crate::wasm::state::{Doomed, GuestState};

impl Host for GuestState {
    async fn set_lock(
        &mut self,
        id: LockId,
        nodes: Option<Vec<String>>,
        wait_ms: Option<u64>,
    ) -> wasmtime::Result<Result<(), LockError>> {
        let (id, nodes) = match id_of(&id).and_then(|id| Ok((id, self.lock_nodes(nodes)?))) {
            Ok(sound) => sound,
            Err(error) => return Ok(Err(error)),
        };
        let find = &self.runtime.cluster.find;
        told(find.set_lock(&self.runtime, self.cell.pid, id, nodes, wait_ms)).await
    }

    async fn delete_lock(
        &mut self,
        id: LockId,
        nodes: Option<Vec<String>>,
    ) -> wasmtime::Result<Result<(), LockError>> {
        let (id, nodes) = match id_of(&id).and_then(|id| Ok((id, self.unlock_nodes(nodes)?))) {
            Ok(sound) => sound,
            Err(error) => return Ok(Err(error)),
        };
        let find = &self.runtime.cluster.find;
        told(find.delete_lock(&self.runtime, self.cell.pid, id, nodes)).await
    }
}

impl GuestState {
    /// This node's id, or that of one that is connected.
    fn node_id(&self, name: &str) -> Option<NodeId> {
        let runtime = &self.runtime;
        if name == runtime.name {
            return Some(runtime.id);
        }
        runtime.cluster.connected_name(name)?.node()
    }

    fn lock_nodes(&self, names: Option<Vec<String>>) -> Result<Nodes, LockError> {
        let Some(names) = names else { return Ok(Nodes::All) };
        let id = |name: &String| {
            let id = self.node_id(name);
            id.ok_or_else(|| LockError::Noconnection(format!("{name} is not connected")))
        };
        few(names)?.iter().map(id).collect::<Result<_, _>>().map(Nodes::These)
    }

    /// At a node that is not connected an actor holds nothing any more.
    fn unlock_nodes(&self, names: Option<Vec<String>>) -> Result<Nodes, LockError> {
        let Some(names) = names else { return Ok(Nodes::All) };
        let ids = few(names)?.iter().filter_map(|name| self.node_id(name)).collect();
        Ok(Nodes::These(ids))
    }
}

/// No more names than there can be nodes.
fn few(names: Vec<String>) -> Result<Vec<String>, LockError> {
    if names.len() <= NODES_KNOWN_MAX {
        return Ok(names);
    }
    let text = format!("nodes-max of {NODES_KNOWN_MAX} exceeded: {}", names.len());
    Err(LockError::SystemLimit(text))
}

fn id_of(id: &LockId) -> Result<rules::LockId, LockError> {
    let [resource, requester] = [Key::new(&id.resource)?, Key::new(&id.requester)?];
    Ok(rules::LockId { resource, requester })
}

/// Waits for what came of a request.
async fn told(outcome: oneshot::Receiver<Outcome>) -> wasmtime::Result<Result<(), LockError>> {
    Ok(match outcome.await.map_err(|_| Doomed)? {
        Outcome::Yes => Ok(()),
        // It has ended, and is about to hear of it.
        Outcome::No(Reason::NoProc) => return Err(Doomed.into()),
        Outcome::No(Reason::Held(pid)) => Err(LockError::Held(pid.into())),
        Outcome::No(Reason::Timeout) => Err(LockError::Timeout),
        Outcome::No(Reason::NoConnection) => {
            let text = "a node of the lock has only a hidden connection, or all were lost";
            Err(LockError::Noconnection(text.into()))
        }
        Outcome::No(Reason::Limit) => Err(LockError::SystemLimit(format!(
            "locks-max of {LOCKS_PER_ACTOR_MAX} of an actor, {LOCKS_PER_NODE_MAX} of a node's \
             actors or {LOCKS_AT_NODE_MAX} at a node reached"
        ))),
    })
}

impl From<KeyError> for LockError {
    fn from(error: KeyError) -> Self {
        match error {
            KeyError::Empty => Self::Empty,
            KeyError::TooLong(_) => Self::TooLong(Key::BYTES_MAX as u64),
        }
    }
}
