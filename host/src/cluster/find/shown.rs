//! Who has which name, for lookups: written by the machine of names alone.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};

use odeon_core::{Key, Pid};
use parking_lot::RwLock;

/// Locks that the names are spread over.
const SHARDS: usize = 16;

/// Names and their owners, to be read by many at once.
#[derive(Default)]
pub(super) struct Shown {
    shards: [RwLock<HashMap<Key, Pid, RandomState>>; SHARDS],
    /// Others choose the names, so they must not know where one goes.
    spread: RandomState,
}

impl Shown {
    /// Who has this name.
    pub(super) fn get(&self, name: &[u8]) -> Option<Pid> {
        self.shard(name).read().get(name).copied()
    }

    /// From now on this one has the name, or nobody.
    pub(super) fn set(&self, key: Key, pid: Option<Pid>) {
        let mut shard = self.shard(key.as_bytes()).write();
        match pid {
            Some(pid) => shard.insert(key, pid),
            None => shard.remove(&key),
        };
    }

    fn shard(&self, name: &[u8]) -> &RwLock<HashMap<Key, Pid, RandomState>> {
        &self.shards[self.spread.hash_one(name) as usize % SHARDS]
    }
}
