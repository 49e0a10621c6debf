//! What this node and others know: one cookie's secret for all, or one of its own
//! for some.
//!
//! Erlang's rule (`erlang:set_cookie/2`): the secret kept for a peer's name counts
//! in both directions, whoever connects; without one the default counts. A pair gets
//! together if both ends have the same secret *for each other*.

use std::collections::BTreeMap;

use odeon_core::peer::handshake::Secret;
use odeon_core::wire::{Hello, Role};
use parking_lot::RwLock;

/// Peers with secrets of their own, at one time.
pub const PEERS_MAX: usize = 4096;

/// There are already [`PEERS_MAX`] peers with secrets of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("at most {PEERS_MAX} nodes can have cookies of their own")]
pub struct TooMany;

/// The secrets, which can change while connections are made: a change concerns those
/// that come after it.
#[derive(Debug)]
pub struct Secrets {
    kept: RwLock<Kept>,
}

#[derive(Debug)]
struct Kept {
    default: Secret,
    peers: BTreeMap<String, Secret>,
}

impl Secrets {
    /// The same secret for everybody.
    pub fn new(default: Secret) -> Self {
        Self { kept: RwLock::new(Kept { default, peers: BTreeMap::new() }) }
    }

    /// From now on this is the secret of all that have none of their own.
    pub fn set_default(&self, secret: Secret) {
        self.kept.write().default = secret;
    }

    /// From now on this is the secret of the node of this name.
    ///
    /// # Errors
    /// When there are too many.
    pub fn set(&self, name: &str, secret: Secret) -> Result<(), TooMany> {
        let mut kept = self.kept.write();
        if kept.peers.len() >= PEERS_MAX && !kept.peers.contains_key(name) {
            return Err(TooMany);
        }
        kept.peers.insert(name.to_owned(), secret);
        Ok(())
    }

    /// From now on the default counts for the node of this name.
    pub fn forget(&self, name: &str) {
        self.kept.write().peers.remove(name);
    }

    /// The secret that counts for the node of this name.
    pub fn of(&self, name: &str) -> Secret {
        let kept = self.kept.read();
        kept.peers.get(name).unwrap_or(&kept.default).clone()
    }

    /// The secret that counts for whoever says this hello. Commands have no names:
    /// for them the default counts.
    pub(super) fn of_hello(&self, theirs: &Hello) -> Secret {
        self.between(theirs.role, &theirs.name)
    }

    /// The secret that an initiator with this role and a peer share: the default, if
    /// the initiator is a command.
    pub(super) fn between(&self, initiator: Role, peer: &str) -> Secret {
        match initiator {
            Role::Peer => self.of(peer),
            Role::Control => self.kept.read().default.clone(),
        }
    }
}

#[cfg(test)]
#[path = "secrets_test.rs"]
mod tests;
