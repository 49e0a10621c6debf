//! Runs actors on worker threads, and takes a worker away from an actor only
//! when another one waits for it.
//!
//! Each worker has a queue of its own and one slot for the actor that was woken
//! last, so that two actors that talk stay on one core. Idle workers steal; one that
//! is behind for long wakes another. Two shared queues feed them all: actors woken
//! from outside, and the background: actors that are new or that used up their slice.
//! The background gets its turn after every 61 others, so a thousand
//! spinning actors delay a message by one slice, not by a thousand.
//!
//! The watcher thread looks for an actor that is in the same run since its last
//! look while others wait. Only then it asks for a yield, by moving the engines'
//! epoch on. It looks every 50 us while that keeps happening, seldom otherwise,
//! and sleeps while nothing runs. So an idle or uncontended node pays for no ticks.
//!
//! The sockets of connections are looked after here as well: by an idle worker, which
//! waits for them instead of for a wake; by busy ones now and then; and by the watcher
//! where all are busy for long. See [`Poller`].
//!
//! This file knows futures and threads; it must not know actors, guests or signals.

mod run;
mod watcher;
mod worker;

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use async_task::{Runnable, ScheduleInfo, WithInfo};
use crossbeam_deque::{Injector, Stealer, Worker};
use parking_lot::{Mutex, RwLock};

pub(crate) use run::{
    ask_for_yield, run_elsewhere, slice_is_over, step_back, yield_at_once, yield_if_long, yield_now,
};
use watcher::watch;
use worker::{here, one, work};

use crate::net::poller::Poller;

/// How long a stopping scheduler waits for a worker. Guests reach a yield point within
/// microseconds; a blocking host call may take longer.
const STOP_PATIENCE: Duration = Duration::from_secs(2);

type Task = Runnable;

/// A set of worker threads. Dropping it stops them after their current runs.
pub(crate) struct Scheduler {
    shared: Arc<Shared>,
    threads: Vec<thread::JoinHandle<()>>,
}

/// Spawns onto a [`Scheduler`].
#[derive(Clone)]
pub(crate) struct Spawner(Arc<Shared>);

/// What is to be done when running actors are to yield.
pub(crate) type Preempt = Box<dyn Fn() + Send + Sync>;

struct Shared {
    /// Actors woken from outside the workers.
    woken: Injector<Task>,
    /// Actors that are new or used up their slice.
    background: Injector<Task>,
    /// One for each worker.
    lanes: Box<[Lane]>,
    /// Actors that are ready and not running.
    ready: AtomicUsize,
    /// Workers that sleep or are about to.
    sleepers: Mutex<Vec<usize>>,
    sleeping: AtomicUsize,
    /// Counts the yields that were asked for.
    tick: AtomicU64,
    /// Set when a running actor has to look at its signals.
    nudged: AtomicBool,
    watcher_asleep: AtomicBool,
    watcher: OnceCellSync<thread::Thread>,
    preempt: RwLock<Vec<Preempt>>,
    poller: Arc<Poller>,
    stopping: AtomicBool,
}

type OnceCellSync<T> = std::sync::OnceLock<T>;

/// When a task runs that was woken by the one that runs on a worker.
#[derive(Clone, Copy)]
enum Woken {
    /// Before all others on this worker.
    Next,
    /// After all that are ready on this worker.
    Last,
}

/// What others may see of a worker.
struct Lane {
    stealer: Stealer<Task>,
    /// Odd while a task runs; moves on by one at each start and end.
    runs: AtomicU64,
    /// The last run that is to yield if it is long, see [`yield_if_long`].
    unknown: AtomicU64,
    parker: OnceCellSync<thread::Thread>,
    /// Set by whoever wakes this worker, so that a wake before the sleep counts.
    woken: AtomicBool,
    /// It waits for the sockets, or is about to: only the poller can wake it.
    polling: AtomicBool,
}

impl Scheduler {
    /// Starts `workers` threads. The tokio runtime serves the timers and sockets
    /// that tasks wait for.
    ///
    /// # Errors
    /// The system's, when a thread cannot be made.
    pub(crate) fn start(workers: usize, io: &tokio::runtime::Handle) -> std::io::Result<Self> {
        let queues: Vec<_> = (0..workers.max(1)).map(|_| Worker::new_fifo()).collect();
        let lanes = queues.iter().map(|queue| Lane {
            stealer: queue.stealer(),
            runs: AtomicU64::new(0),
            unknown: AtomicU64::new(0),
            parker: OnceCellSync::new(),
            woken: AtomicBool::new(false),
            polling: AtomicBool::new(false),
        });
        let shared = Arc::new(Shared {
            woken: Injector::new(),
            background: Injector::new(),
            lanes: lanes.collect(),
            ready: AtomicUsize::new(0),
            sleepers: Mutex::new(Vec::new()),
            sleeping: AtomicUsize::new(0),
            tick: AtomicU64::new(0),
            nudged: AtomicBool::new(false),
            watcher_asleep: AtomicBool::new(false),
            watcher: OnceCellSync::new(),
            preempt: RwLock::new(Vec::new()),
            poller: Poller::new()?,
            stopping: AtomicBool::new(false),
        });
        let mut threads = Vec::new();
        for (index, queue) in queues.into_iter().enumerate() {
            let (shared, io) = (Arc::clone(&shared), io.clone());
            let name = format!("worker-{index}");
            threads.push(thread::Builder::new().name(name).spawn(move || {
                let _tokio = io.enter();
                work(shared, index, queue);
            })?);
        }
        let watched = Arc::clone(&shared);
        threads.push(thread::Builder::new().name("watcher".into()).spawn(move || watch(&watched))?);
        Ok(Self { shared, threads })
    }

    /// A handle to spawn with.
    pub(crate) fn spawner(&self) -> Spawner {
        Spawner(Arc::clone(&self.shared))
    }

    /// Adds something to do whenever running actors are to yield.
    pub(crate) fn on_preempt(&self, preempt: Preempt) {
        self.shared.preempt.write().push(preempt);
    }
}

impl Drop for Scheduler {
    fn drop(&mut self) {
        self.shared.stopping.store(true, Ordering::SeqCst);
        for lane in &self.shared.lanes {
            lane.wake(&self.shared.poller);
        }
        self.shared.wake_watcher();
        let own = thread::current().id();
        for thread in self.threads.drain(..) {
            // A worker that drops the last handle to its own scheduler cannot wait for itself.
            if thread.thread().id() == own {
                continue;
            }
            // A guest that computes leaves its worker at its next yield point.
            let deadline = Instant::now() + STOP_PATIENCE;
            while !thread.is_finished() && Instant::now() < deadline {
                self.shared.ask_all_to_yield();
                thread::park_timeout(Duration::from_millis(1));
            }
            if thread.is_finished() {
                let _ = thread.join();
            } else {
                tracing::error!("a worker does not stop; it is left behind");
            }
        }
        // Nobody will run these again: dropping them closes the connections that they carry.
        self.shared.poller.wake_all();
        self.shared.discard();
    }
}

impl Spawner {
    /// Runs a future to its end on some worker. New tasks join the background.
    pub(crate) fn spawn(&self, future: impl Future<Output = ()> + Send + 'static) {
        self.begin(self.task(Woken::Next, future));
    }

    /// The same for a task that collects what others say: woken by one of them, it runs
    /// after all that are ready on that worker, and finds what they have said as well.
    pub(crate) fn spawn_collector(&self, future: impl Future<Output = ()> + Send + 'static) {
        self.begin(self.task(Woken::Last, future));
    }

    fn begin(&self, task: Task) {
        self.0.ready.fetch_add(1, Ordering::SeqCst);
        self.0.background.push(task);
        self.0.notify();
        self.0.wake_watcher();
    }

    /// Runs a future to its end. It begins as if the task that runs here had woken it.
    pub(crate) fn spawn_next(&self, future: impl Future<Output = ()> + Send + 'static) {
        self.task(Woken::Next, future).schedule();
    }

    fn task(&self, woken: Woken, future: impl Future<Output = ()> + Send + 'static) -> Task {
        let shared = Arc::downgrade(&self.0);
        let schedule = move |task: Task, info: ScheduleInfo| {
            let mut task = Some(task);
            // A worker has a hold on the scheduler already. Another one for each wake
            // would be counted in one place by all workers.
            here(|local| {
                if Arc::as_ptr(&local.shared) == shared.as_ptr()
                    && let Some(task) = task.take()
                {
                    local.schedule(task, woken, info);
                }
            });
            // Without workers nobody will run it again: dropping it frees what it holds.
            if let (Some(task), Some(shared)) = (task, shared.upgrade()) {
                shared.schedule(task);
            }
        };
        let (task, handle) = async_task::spawn(future, WithInfo(schedule));
        handle.detach();
        task
    }

    /// Says that an actor, which may be running, got a signal that has to act soon:
    /// a run that lasts longer than a slice is to yield though nobody waits for it.
    pub(crate) fn nudge(&self) {
        if !self.0.nudged.swap(true, Ordering::SeqCst)
            || self.0.watcher_asleep.load(Ordering::Relaxed)
        {
            self.0.wake_watcher();
        }
    }

    /// Drops the tasks that are ready, where no workers are left to run them: a task holds
    /// what holds this, so it would stay for ever.
    pub(crate) fn discard(&self) {
        self.0.discard();
    }

    /// What looks after the sockets of the tasks.
    pub(crate) fn poller(&self) -> &Arc<Poller> {
        &self.0.poller
    }

    /// Yields that were asked for since the start.
    pub(crate) fn ticks(&self) -> u64 {
        self.0.tick.load(Ordering::Relaxed)
    }
}

impl Shared {
    /// Queues a task from outside the workers.
    fn schedule(&self, task: Task) {
        self.ready.fetch_add(1, Ordering::SeqCst);
        self.woken.push(task);
        self.notify();
        if self.watcher_asleep.load(Ordering::Relaxed) {
            self.wake_watcher();
        }
    }

    /// Drops the tasks in the shared queues, and those that are woken by that.
    fn discard(&self) {
        while one(&self.woken).or_else(|| one(&self.background)).is_some() {}
    }

    /// Wakes a sleeping worker, if there is one.
    fn notify(&self) {
        std::sync::atomic::fence(Ordering::SeqCst);
        if self.sleeping.load(Ordering::SeqCst) == 0 {
            return;
        }
        let sleeper = {
            let mut sleepers = self.sleepers.lock();
            let sleeper = sleepers.pop();
            // Under the lock: else the sleeper could get up, work, lie down again, and be
            // woken for what it has done already, while it counts as asleep.
            if let Some(index) = sleeper {
                self.sleeping.fetch_sub(1, Ordering::SeqCst);
                self.lanes[index].woken.store(true, Ordering::SeqCst);
            }
            sleeper
        };
        if let Some(index) = sleeper {
            self.lanes[index].wake(&self.poller);
        }
    }

    /// Whether no worker runs anything.
    fn is_idle(&self) -> bool {
        self.lanes.iter().all(|lane| lane.runs.load(Ordering::Relaxed).is_multiple_of(2))
    }

    /// Looks at the sockets, if nobody does.
    fn look_at_sockets(&self) {
        if self.poller.has_sockets() && !self.poller.is_attended() {
            self.poller.look();
        }
    }

    fn ask_all_to_yield(&self) {
        self.tick.fetch_add(1, Ordering::SeqCst);
        self.bring_yield_points();
    }

    /// Lets all guests that run come to a yield point.
    fn bring_yield_points(&self) {
        for preempt in self.preempt.read().iter() {
            preempt();
        }
    }

    fn wake_watcher(&self) {
        if self.watcher_asleep.swap(false, Ordering::SeqCst)
            && let Some(watcher) = self.watcher.get()
        {
            watcher.unpark();
        }
    }
}

impl Lane {
    /// Makes a worker that sleeps look at what has changed.
    fn wake(&self, poller: &Poller) {
        if self.polling.load(Ordering::SeqCst) {
            poller.wake();
        } else if let Some(thread) = self.parker.get() {
            thread.unpark();
        }
    }
}

#[cfg(test)]
#[path = "scheduler_test.rs"]
mod tests;
