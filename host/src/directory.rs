//! Who is where: pid to actor, name to actor, alias to actor. The only state that
//! all tasks share; read by everyone, written at births, deaths and registrations.

use std::collections::{BTreeMap, HashMap};
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use odeon_core::{Name, Pid, Reference};
use parking_lot::RwLock;

use crate::cell::{Cell, Naming};

/// Locks that the pids are spread over.
const SHARDS: usize = 64;

/// All actors of this node.
pub(crate) struct Directory {
    actors: Vec<RwLock<HashMap<u64, Arc<Cell>, Spread>>>,
    aliases: Vec<RwLock<HashMap<u64, Pid, Spread>>>,
    names: RwLock<BTreeMap<Name, Arc<Cell>>>,
    count: AtomicUsize,
}

/// Why a name could not be given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RegisterError {
    Taken,
    Named,
    NoProc,
}

impl Directory {
    pub(crate) fn new() -> Self {
        Self {
            actors: (0..SHARDS).map(|_| RwLock::default()).collect(),
            aliases: (0..SHARDS).map(|_| RwLock::default()).collect(),
            names: RwLock::new(BTreeMap::new()),
            count: AtomicUsize::new(0),
        }
    }

    pub(crate) fn insert(&self, cell: &Arc<Cell>) {
        let former = self.shard(cell.pid.serial).write().insert(cell.pid.serial, Arc::clone(cell));
        debug_assert!(former.is_none(), "serials are never reused");
        self.count.fetch_add(1, Ordering::Relaxed);
    }

    /// Takes an actor out, and frees its place among its ancestors' children in one step:
    /// nobody finds that it is gone before the place is free, and no listing has both it
    /// and who got the place.
    pub(crate) fn remove(&self, cell: &Cell) {
        let serial = cell.pid.serial;
        let mut shard = self.shard(serial).write();
        if shard.remove(&serial).is_some() {
            self.count.fetch_sub(1, Ordering::Relaxed);
            if let Some(quota) = &cell.about.quota {
                quota.give();
            }
        }
    }

    pub(crate) fn find(&self, serial: u64) -> Option<Arc<Cell>> {
        self.shard(serial).read().get(&serial).map(Arc::clone)
    }

    /// Living actors.
    pub(crate) fn count(&self) -> usize {
        self.count.load(Ordering::Relaxed)
    }

    /// All actors, in order of their birth. An actor that lives throughout the call
    /// is there exactly once, because an actor never changes its shard.
    pub(crate) fn all(&self) -> Vec<Arc<Cell>> {
        let mut cells: Vec<_> = Vec::with_capacity(self.count());
        for shard in &self.actors {
            cells.extend(shard.read().values().map(Arc::clone));
        }
        cells.sort_unstable_by_key(|cell| cell.pid.serial);
        cells
    }

    pub(crate) fn alias_on(&self, alias: Reference, owner: Pid) {
        self.aliases[alias.serial as usize % SHARDS].write().insert(alias.serial, owner);
    }

    pub(crate) fn alias_off(&self, alias: Reference) {
        self.aliases[alias.serial as usize % SHARDS].write().remove(&alias.serial);
    }

    pub(crate) fn alias_owner(&self, alias: Reference) -> Option<Pid> {
        self.aliases[alias.serial as usize % SHARDS].read().get(&alias.serial).copied()
    }

    /// Gives a name, but to none that [`Directory::unname`] has marked.
    pub(crate) fn register(&self, name: Name, serial: u64) -> Result<(), RegisterError> {
        let mut names = self.names.write();
        let Some(cell) = self.find(serial) else { return Err(RegisterError::NoProc) };
        let mut own = cell.naming.lock();
        match *own {
            Naming::Over => return Err(RegisterError::NoProc),
            _ if names.contains_key(&name) => return Err(RegisterError::Taken),
            Naming::Named(_) => return Err(RegisterError::Named),
            Naming::Nameless => *own = Naming::Named(name.clone()),
        }
        drop(own);
        names.insert(name, cell);
        Ok(())
    }

    pub(crate) fn unregister(&self, name: &Name) -> bool {
        let removed = self.names.write().remove(name);
        if let Some(cell) = &removed {
            *cell.naming.lock() = Naming::Nameless;
        }
        removed.is_some()
    }

    /// Takes away the name of an actor that ends, and lets it have none any more.
    pub(crate) fn unname(&self, cell: &Cell) {
        // Most have none, and need not wait for the names of others.
        let mut own = cell.naming.lock();
        if matches!(*own, Naming::Nameless) {
            *own = Naming::Over;
            return;
        }
        drop(own);
        let mut names = self.names.write();
        let own = std::mem::replace(&mut *cell.naming.lock(), Naming::Over);
        if let Naming::Named(name) = own {
            names.remove(&name);
        }
    }

    pub(crate) fn whereis(&self, name: &Name) -> Option<Arc<Cell>> {
        self.names.read().get(name).map(Arc::clone)
    }

    pub(crate) fn names(&self) -> Vec<Name> {
        self.names.read().keys().cloned().collect()
    }

    fn shard(&self, serial: u64) -> &RwLock<HashMap<u64, Arc<Cell>, Spread>> {
        &self.actors[serial as usize % SHARDS]
    }
}

/// Hashes the serials that this node itself counts up, so nobody can choose them
/// to collide.
type Spread = BuildHasherDefault<SpreadHasher>;

#[derive(Default)]
struct SpreadHasher(u64);

impl Hasher for SpreadHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_u64(u64::from(*byte));
        }
    }

    fn write_u64(&mut self, number: u64) {
        // Fibonacci hashing: the upper bits, which the map looks at first, depend on all.
        self.0 = (self.0 ^ number).wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_left(32);
    }
}
