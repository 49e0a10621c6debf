//! Instances that are made before anybody wants them, of modules that take long to start:
//! an interpreter takes a hundred times as long as what is compiled.
//!
//! Each serves one actor, like one that is made for it. What an instance does as it starts
//! it does before it has an actor: a module that calls the host then, or that fails, is
//! never kept warm. Nobody pays for instances that nobody uses: they go [`IDLE`] after the
//! last start of their program, and there are at most [`KEPT_MAX`] of a program, and
//! [`KEPT_MIB_MAX`] MiB of all.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use odeon_core::Pid;
use odeon_core::process::Process;
use parking_lot::Mutex;
use tokio::sync::OwnedSemaphorePermit;
use wasmtime::component::Instance;
use wasmtime::{PoolConcurrencyLimitError, Store};

use super::actor::new_store;
use super::brief::Used;
use super::program::Program;
use super::state::GuestState;
use crate::cell::{About, Cell};
use crate::limits::Limits;
use crate::rights::Rights;
use crate::runtime::Runtime;

/// A program that takes longer to start is kept warm: to find an instance and to wake who
/// makes the next one takes some microseconds as well.
const SLOW: Duration = Duration::from_micros(100);

/// Instances of one program that wait.
const KEPT_MAX: usize = 16;

/// Linear memory of all instances of a node that wait, in MiB; each counts for at least one.
pub(super) const KEPT_MIB_MAX: usize = 512;

/// How long instances of a program wait for the next actor.
const IDLE: Duration = Duration::from_secs(10);

/// A module that takes longer to start without an actor is not kept warm.
const START_TIME_MAX: Duration = Duration::from_secs(1);

/// The instances of one program that wait.
#[derive(Default)]
pub(super) struct Warm {
    /// The program takes long to start, so that there may be instances.
    is_slow: AtomicBool,
    waiting: Mutex<Waiting>,
}

#[derive(Default)]
struct Waiting {
    kept: Vec<Kept>,
    /// Those that have served calls, of modules that keep nothing.
    used: Vec<Kept>,
    /// Instances that are being made.
    making: usize,
    /// One was wanted since the last look.
    wanted: bool,
    /// Somebody looks whether they are still wanted.
    watched: bool,
    /// The module cannot be started without an actor.
    never: bool,
}

struct Kept {
    store: Store<GuestState>,
    instance: Instance,
    _room: OwnedSemaphorePermit,
}

impl Warm {
    /// An instance for this actor, if one waits that its limits allow.
    pub(super) fn take(
        &self,
        cell: &Arc<Cell>,
        arguments: &Arc<[String]>,
    ) -> Option<(Store<GuestState>, Instance)> {
        if !self.is_slow() {
            return None;
        }
        let Kept { mut store, instance, .. } = {
            let mut waiting = self.waiting.lock();
            waiting.wanted = true;
            let fits = |kept: &Kept| kept.store.data().fits(&cell.about.limits);
            let place = waiting.kept.iter().rposition(fits)?;
            waiting.kept.swap_remove(place)
        };
        store.data_mut().belongs_to(cell, Arc::clone(arguments));
        store.set_epoch_deadline(1);
        Some((store, instance))
    }

    fn is_slow(&self) -> bool {
        self.is_slow.load(Ordering::Relaxed)
    }

    /// An instance was made in so much time. The last one decides, since any may have been
    /// held up by others.
    pub(super) fn started_in(&self, time: Duration) {
        let is_slow = time > SLOW;
        if is_slow != self.is_slow() {
            self.is_slow.store(is_slow, Ordering::Relaxed);
        }
    }

    /// How many wait.
    pub(super) fn count(&self) -> usize {
        let waiting = self.waiting.lock();
        waiting.kept.len() + waiting.used.len()
    }

    /// Drops all that wait. Whether there were any.
    pub(super) fn cool(&self) -> bool {
        // Outside the lock: they hold the program, and this with it.
        let (kept, used) = {
            let mut waiting = self.waiting.lock();
            (std::mem::take(&mut waiting.kept), std::mem::take(&mut waiting.used))
        };
        !(kept.is_empty() && used.is_empty())
    }

    fn never(&self) {
        self.waiting.lock().never = true;
        self.cool();
    }
}

/// Makes one more instance of this program wait, in the background, if it is a slow one.
pub(super) fn refill(runtime: &Arc<Runtime>, program: &Arc<Program>) {
    if !program.warm.is_slow() {
        return;
    }
    {
        let mut waiting = program.warm.waiting.lock();
        if waiting.never || waiting.kept.len() + waiting.making >= KEPT_MAX {
            return;
        }
        waiting.making += 1;
    }
    let making = Making(Arc::clone(program));
    let runtime = Arc::clone(runtime);
    runtime.spawner.clone().spawn(async move {
        make(&runtime, &making.0).await;
        drop(making);
    });
}

/// Counts an instance among those that are being made.
struct Making(Arc<Program>);

impl Drop for Making {
    fn drop(&mut self) {
        self.0.warm.waiting.lock().making -= 1;
    }
}

async fn make(runtime: &Arc<Runtime>, program: &Arc<Program>) {
    let nobody = unborn(runtime, program);
    let state = GuestState::new(Arc::clone(runtime), nobody, Arc::clone(program), Arc::default());
    let mut store = new_store(program.pre.engine(), state);
    let begun = Instant::now();
    let started = program.pre.instantiate_async(&mut store);
    let started = tokio::time::timeout(START_TIME_MAX, started).await;
    program.warm.started_in(begun.elapsed());
    let instance = match started {
        Ok(Ok(instance)) if !store.data().has_called() => instance,
        // Actors have all the room.
        Ok(Err(error)) if error.is::<PoolConcurrencyLimitError>() => return,
        Ok(_) | Err(_) => return program.warm.never(),
    };
    let mib = store.data().memory_bytes().div_ceil(1 << 20).max(1);
    let Ok(mib) = u32::try_from(mib) else { return };
    let Ok(room) = Arc::clone(runtime.programs.room()).try_acquire_many_owned(mib) else { return };
    let kept = Kept { store, instance, _room: room };
    keep(program, |waiting| waiting.kept.push(kept));
}

fn keep(program: &Arc<Program>, keep: impl FnOnce(&mut Waiting)) {
    let watched = {
        let mut waiting = program.warm.waiting.lock();
        keep(&mut waiting);
        std::mem::replace(&mut waiting.watched, true)
    };
    if !watched {
        tokio::spawn(watch(Arc::downgrade(program)));
    }
}

/// An instance of a module that keeps nothing, which has served a call.
pub(super) fn take_used(program: &Program) -> Option<Used> {
    let mut waiting = program.warm.waiting.lock();
    waiting.wanted = true;
    let Kept { store, instance, .. } = waiting.used.pop()?;
    Some(Used { store, instance })
}

/// Leaves such an instance to the next call, if there is room for it.
pub(super) fn put_back(program: &Arc<Program>, used: Used) {
    let Used { store, instance } = used;
    let Ok(room) = Arc::clone(store.data().runtime.programs.room()).try_acquire_owned() else {
        return;
    };
    let mut kept = Some(Kept { store, instance, _room: room });
    keep(program, |waiting| {
        if waiting.used.len() < KEPT_MAX {
            waiting.used.extend(kept.take());
        }
    });
}

/// Lets instances go that nobody wants any more. Keeps nothing of a node that has ended:
/// the engine of a program reserves terabytes of addresses.
async fn watch(program: Weak<Program>) {
    loop {
        tokio::time::sleep(IDLE).await;
        let Some(program) = program.upgrade() else { return };
        let mut waiting = program.warm.waiting.lock();
        if !std::mem::take(&mut waiting.wanted) {
            waiting.watched = false;
            drop(waiting);
            program.warm.cool();
            return;
        }
    }
}

/// Whom an instance belongs to before it has an actor: nobody can find it, and all that it
/// does fails.
pub(super) fn unborn(runtime: &Runtime, program: &Program) -> Arc<Cell> {
    let nobody = Pid { node: runtime.id, serial: 0 };
    let limits = Limits { children: 0, ..runtime.limits };
    let cell = Cell::new(
        Process::new(nobody, nobody, limits.core()),
        About {
            module: Arc::clone(&program.label),
            start: Arc::default(),
            parent: None,
            born: Instant::now(),
            limits: Arc::new(limits),
            rights: Arc::new(Rights::default()),
            quota: None,
            call: None,
        },
    );
    cell.state().doomed = true;
    Arc::new(cell)
}
