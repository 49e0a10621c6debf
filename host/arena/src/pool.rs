//! Which slots of an arena are free: numbers only, no memory.
//!
//! Free slots sit in shards, one for each hardware thread, so that threads do
//! not meet. A slot comes from the first of: the own shard's warm slots (zero
//! and resident), its cold ones (zero, not resident), another shard's free
//! slots, the slots never used. Never-used slots come last because each first
//! use costs page tables, which stay: a node whose actors start on one thread
//! and end on another would otherwise walk through the whole arena.

use parking_lot::Mutex;
use std::cell::Cell;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};

/// The most slots moved at once from another thread's shard.
const STEAL_MAX: usize = 16;

/// A slot that was just taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Taken {
    /// The number of the slot.
    pub(crate) slot: u32,
    /// What the taker finds there.
    pub(crate) state: State,
}

/// The state of a free slot. In every state it reads as zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// Prepared, with resident pages.
    Warm,
    /// Prepared, with nothing resident.
    Cold,
    /// Never prepared; the taker must do what is done once.
    Fresh,
}

/// Counts of one pool at one moment; while threads work they are approximate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    /// Slots that were taken and not returned.
    pub(crate) in_use: u64,
    /// Free slots with resident pages.
    pub(crate) warm: u64,
    /// Free slots, used before, with nothing resident.
    pub(crate) cold: u64,
    /// Slots that were used at least once.
    pub(crate) ever_used: u64,
    /// The most pages that a returned warm slot had touched.
    pub(crate) touched_pages_max: u64,
}

#[derive(Debug, Default)]
struct Lists {
    warm: Vec<u32>,
    cold: Vec<u32>,
    fresh: Vec<u32>,
    /// Slots being cleaned that were promised a place among the warm ones.
    promised: usize,
    /// Taken minus returned here; a slot may return to another shard, so only
    /// the sum over all shards means something.
    balance: i64,
    touched_pages_max: usize,
}

impl Lists {
    fn free(&self) -> usize {
        self.warm.len() + self.cold.len() + self.fresh.len()
    }

    fn list(&mut self, state: State) -> &mut Vec<u32> {
        match state {
            State::Warm => &mut self.warm,
            State::Cold => &mut self.cold,
            State::Fresh => &mut self.fresh,
        }
    }

    fn pop(&mut self) -> Option<Taken> {
        let order = [State::Warm, State::Cold, State::Fresh];
        let taken = order.into_iter().find_map(|state| {
            let slot = self.list(state).pop()?;
            Some(Taken { slot, state })
        });
        self.balance += i64::from(taken.is_some());
        taken
    }

    fn push(&mut self, taken: Taken) {
        self.list(taken.state).push(taken.slot);
        self.balance -= 1;
    }
}

/// One thread's free slots. Aligned so that two shards share no cache line.
#[derive(Debug, Default)]
#[repr(align(128))]
struct Shard {
    lists: Mutex<Lists>,
    /// How many slots are free here, readable without the lock. A hint.
    free: AtomicUsize,
}

impl Shard {
    /// Runs `change` on the lists and refreshes the hint.
    fn with<R>(&self, change: impl FnOnce(&mut Lists) -> R) -> R {
        let mut lists = self.lists.lock();
        let result = change(&mut lists);
        self.free.store(lists.free(), Ordering::Relaxed);
        result
    }
}

/// The free slots of one arena.
#[derive(Debug)]
pub(crate) struct Pool {
    shards: Box<[Shard]>,
    /// The lowest slot never handed out.
    next: AtomicU32,
    slots: u32,
    warm_per_shard: usize,
}

impl Pool {
    /// A pool of `slots` free slots that keeps at most `warm_slots` of them
    /// resident (give or take a batch that moves between shards), shared out
    /// evenly among `shards`, at least one.
    pub(crate) fn new(slots: u32, warm_slots: usize, shards: usize) -> Self {
        let shards = shards.max(1);
        Self {
            shards: (0..shards).map(|_| Shard::default()).collect(),
            next: AtomicU32::new(0),
            slots,
            warm_per_shard: warm_slots / shards,
        }
    }

    /// How many slots there are, free or not.
    pub(crate) fn slots(&self) -> u32 {
        self.slots
    }

    /// Takes a free slot, or `None` when all are in use.
    pub(crate) fn take(&self) -> Option<Taken> {
        let own = self.own_shard();
        own.with(Lists::pop)
            .or_else(|| self.steal(own, |shard| shard.free.load(Ordering::Relaxed) > 0))
            .or_else(|| self.take_never_used(own))
            // The hints may lag behind; before refusing, look at every list.
            .or_else(|| self.steal(own, |_| true))
    }

    /// Asks for a place among the warm slots before cleaning one. A `true` must
    /// be followed by [`Pool::put_back`] with `promised`.
    pub(crate) fn promise_warm(&self) -> bool {
        let quota = self.warm_per_shard;
        let mut lists = self.own_shard().lists.lock();
        let granted = lists.warm.len() + lists.promised < quota;
        lists.promised += usize::from(granted);
        granted
    }

    /// Returns a slot with what is now in it and how many pages of it stayed
    /// resident. `promised` is what [`Pool::promise_warm`] answered on this
    /// thread for this slot; `false` if it was not asked.
    pub(crate) fn put_back(&self, returned: Taken, resident_pages: usize, promised: bool) {
        self.own_shard().with(|lists| {
            lists.promised -= usize::from(promised);
            lists.touched_pages_max = lists.touched_pages_max.max(resident_pages);
            lists.push(returned);
        });
    }

    /// The counts of all shards together.
    pub(crate) fn counts(&self) -> Counts {
        let mut counts = Counts::default();
        let mut balance = 0;
        for shard in &self.shards {
            let lists = shard.lists.lock();
            balance += lists.balance;
            counts.warm += lists.warm.len() as u64;
            counts.cold += lists.cold.len() as u64;
            counts.touched_pages_max = counts.touched_pages_max.max(lists.touched_pages_max as u64);
        }
        counts.in_use = u64::try_from(balance).unwrap_or(0);
        counts.ever_used = u64::from(self.next.load(Ordering::Relaxed).min(self.slots));
        counts
    }

    fn own_shard(&self) -> &Shard {
        &self.shards[thread_number() % self.shards.len()]
    }

    /// Moves some free slots from another shard to `own`, and takes one.
    fn steal(&self, own: &Shard, worth_trying: impl Fn(&Shard) -> bool) -> Option<Taken> {
        let batch_max = STEAL_MAX.min(self.warm_per_shard.max(1));
        for victim in self.shards.iter().filter(|shard| worth_trying(shard)) {
            // Never two locks at once: two threads may rob each other.
            let mut loot = [Taken { slot: 0, state: State::Cold }; STEAL_MAX];
            let count = victim.with(|lists| {
                let wanted = lists.free().div_ceil(2).min(batch_max);
                for place in &mut loot[..wanted] {
                    *place = lists.pop().expect("half of the free slots are there");
                }
                wanted
            });
            let Some((&taken, rest)) = loot[..count].split_first() else { continue };
            if !rest.is_empty() {
                own.with(|lists| rest.iter().for_each(|&slot| lists.push(slot)));
            }
            return Some(taken);
        }
        None
    }

    fn take_never_used(&self, own: &Shard) -> Option<Taken> {
        // Checked before the addition, so that refusals cannot make it wrap.
        if self.next.load(Ordering::Relaxed) >= self.slots {
            return None;
        }
        let slot = self.next.fetch_add(1, Ordering::Relaxed);
        if slot >= self.slots {
            return None;
        }
        own.with(|lists| lists.balance += 1);
        Some(Taken { slot, state: State::Fresh })
    }
}

/// A small number for each thread, in order of first use.
fn thread_number() -> usize {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    thread_local! {
        static NUMBER: Cell<usize> = Cell::new(NEXT.fetch_add(1, Ordering::Relaxed));
    }
    NUMBER.with(Cell::get)
}

#[cfg(test)]
#[path = "pool_test.rs"]
mod tests;
