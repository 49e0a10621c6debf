//! Who is where: pid to actor, name to actor, alias to actor. The only state that
//! all tasks share; read by everyone, written at births, deaths and registrations.

use std::collections::{BTreeMap, HashMap};
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use odeon_core::{Name, Pid, Reference};
use parking_lot::RwLock;

use crate::cell::Cell;

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

    pub(crate) fn remove(&self, serial: u64) {
        if self.shard(serial).write().remove(&serial).is_some() {
            self.count.fetch_sub(1, Ordering::Relaxed);
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

    /// Gives a name. Whether the actor still lives is checked under the names'
    /// lock, and [`Directory::unname`] comes after its end is marked, so no dead
    /// actor keeps a name.
    pub(crate) fn register(&self, name: Name, serial: u64) -> Result<(), RegisterError> {
        let mut names = self.names.write();
        let Some(cell) = self.find(serial) else { return Err(RegisterError::NoProc) };
        if names.contains_key(&name) {
            return Err(RegisterError::Taken);
        }
        let mut own = cell.name.lock();
        if own.is_some() {
            return Err(RegisterError::Named);
        }
        *own = Some(name.clone());
        drop(own);
        names.insert(name, cell);
        Ok(())
    }

    pub(crate) fn unregister(&self, name: &Name) -> bool {
        let removed = self.names.write().remove(name);
        if let Some(cell) = &removed {
            *cell.name.lock() = None;
        }
        removed.is_some()
    }

    /// Takes away the name of an actor that ends and is no longer found by its pid.
    pub(crate) fn unname(&self, cell: &Cell) {
        // Race: a registration that still found the actor sets its name under the
        // names' lock. While that lock can be read none is under way, and a later
        // one will not find the actor, so an actor without a name has none for good.
        if let Some(_quiet) = self.names.try_read()
            && cell.name.lock().is_none()
        {
            return;
        }
        let mut names = self.names.write();
        if let Some(name) = cell.name.lock().take() {
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
