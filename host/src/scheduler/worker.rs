//! One worker: which task is next, and how it sleeps when there is none.

use std::cell::{Cell, OnceCell};
use std::panic::{self, AssertUnwindSafe};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::{Duration, Instant};

use async_task::ScheduleInfo;
use crossbeam_deque::{Injector, Steal, Worker};

use super::{Shared, Task, Woken};

/// Runs of woken actors between two turns of the background.
const FOREGROUND_RUNS_MAX: u32 = 61;
/// Runs out of the last-woken slot before the queues get a turn.
const SLOT_RUNS_MAX: u32 = 31;
/// A worker that is behind for so long, while others sleep, wakes one of them. To wake one, who
/// then takes half of what there is, costs as much as several short runs: it is not for those
/// who are ready together and soon done, as after a message of another node.
const SHARED_AFTER: Duration = Duration::from_micros(50);
/// Tasks in the queue of a worker that wakes another one at once.
const SHARED_TASKS: usize = 64;
/// Runs between two looks of a busy worker at the sockets.
const POLL_RUNS: u32 = 61;

/// A worker's own part.
pub(super) struct Local {
    pub(super) shared: Arc<Shared>,
    pub(super) index: usize,
    queue: Worker<Task>,
    slot: Cell<Option<Task>>,
    /// The tick at the start of the current run.
    pub(super) run_tick: Cell<u64>,
    /// The current run ended because its slice was used up.
    pub(super) yielded: Cell<bool>,
    /// The current run ended so that what it woke can run.
    pub(super) stepped_back: Cell<bool>,
    /// The current run is to yield at its next chance.
    pub(super) yield_asked: Cell<bool>,
    /// Who is woken now may be run by any worker, at once.
    pub(super) sharing: Cell<bool>,
    /// Since when there is more to do than one task, while another worker sleeps.
    behind_since: Cell<Option<Instant>>,
}

thread_local! {
    static LOCAL: OnceCell<Local> = const { OnceCell::new() };
}

/// Does something with the worker that this thread is. Nothing on other threads.
pub(super) fn here<R>(work: impl FnOnce(&Local) -> R) -> Option<R> {
    LOCAL.with(|local| local.get().map(work))
}

/// A worker's life.
pub(super) fn work(shared: Arc<Shared>, index: usize, queue: Worker<Task>) {
    shared.lanes[index].parker.get_or_init(thread::current);
    LOCAL.with(|local| {
        let local = local.get_or_init(|| Local {
            shared: Arc::clone(&shared),
            index,
            queue,
            slot: Cell::new(None),
            run_tick: Cell::new(0),
            yielded: Cell::new(false),
            stepped_back: Cell::new(false),
            yield_asked: Cell::new(false),
            sharing: Cell::new(false),
            behind_since: Cell::new(None),
        });
        let mut turns = Turns::default();
        while !shared.stopping.load(Ordering::Relaxed) {
            match local.next(&mut turns) {
                Some(task) => local.run(task),
                None => local.sleep(),
            }
        }
        // Tasks left behind are dropped here, in their own thread.
        drop(local.slot.take());
        while local.queue.pop().is_some() {}
    });
}

/// How long it is since each kind of queue had its turn.
#[derive(Default)]
struct Turns {
    foreground: u32,
    slot: u32,
    poll: u32,
    /// Which of the two shared queues comes first.
    woken_first: bool,
}

impl Local {
    /// Queues a task that was woken by the one that runs here.
    pub(super) fn schedule(&self, task: Task, woken: Woken, info: ScheduleInfo) {
        let shared = &self.shared;
        shared.ready.fetch_add(1, Ordering::SeqCst);
        if info.woken_while_running && self.yielded.replace(false) {
            shared.background.push(task);
            shared.notify();
        } else if info.woken_while_running && self.stepped_back.replace(false) {
            self.queue.push(task);
        } else if self.sharing.get() {
            self.queue.push(task);
            shared.notify();
        } else if matches!(woken, Woken::Last) {
            self.queue.push(task);
            self.share_many();
        } else if let Some(former) = self.slot.replace(Some(task)) {
            self.queue.push(former);
            self.share_many();
        }
        // What sits in the slot alone is run next by this very worker.
        if shared.watcher_asleep.load(Ordering::Relaxed) {
            shared.wake_watcher();
        }
    }

    /// Wakes another worker if there is much for it to do.
    fn share_many(&self) {
        if self.queue.len() >= SHARED_TASKS {
            self.shared.notify();
        }
    }

    /// Wakes another worker if this one has been behind for a while.
    fn share(&self) {
        if self.shared.sleeping.load(Ordering::Relaxed) == 0 || self.queue.is_empty() {
            self.behind_since.set(None);
            return;
        }
        let now = Instant::now();
        let since = self.behind_since.get().unwrap_or(now);
        let is_long = now.saturating_duration_since(since) > SHARED_AFTER;
        if is_long {
            self.shared.notify();
        }
        self.behind_since.set(if is_long { None } else { Some(since) });
    }

    fn run(&self, task: Task) {
        self.shared.ready.fetch_sub(1, Ordering::SeqCst);
        let lane = &self.shared.lanes[self.index];
        self.run_tick.set(self.shared.tick.load(Ordering::Relaxed));
        self.yielded.set(false);
        self.stepped_back.set(false);
        self.yield_asked.set(false);
        lane.runs.fetch_add(1, Ordering::Relaxed);
        // A fault of ours in one task must not take the worker with it. The task itself
        // is dropped by the unwinding, which ends its actor.
        if panic::catch_unwind(AssertUnwindSafe(|| task.run())).is_err() {
            tracing::error!("a task panicked; its actor ends");
        }
        lane.runs.fetch_add(1, Ordering::Relaxed);
    }

    fn next(&self, turns: &mut Turns) -> Option<Task> {
        self.share();
        turns.foreground += 1;
        if turns.foreground > FOREGROUND_RUNS_MAX {
            turns.foreground = 0;
            // By turns: neither may starve for the other, nor for those in the own queue.
            turns.woken_first = !turns.woken_first;
            let background = || one(&self.shared.background);
            let found = match turns.woken_first {
                true => self.woken().or_else(background),
                false => background().or_else(|| self.woken()),
            };
            if found.is_some() {
                return found;
            }
        }
        turns.poll += 1;
        if turns.poll > POLL_RUNS {
            turns.poll = 0;
            self.shared.look_at_sockets();
        }
        if turns.slot < SLOT_RUNS_MAX
            && let Some(task) = self.slot.take()
        {
            turns.slot += 1;
            return Some(task);
        }
        turns.slot = 0;
        let found = self.queue.pop().or_else(|| self.woken()).or_else(|| self.slot.take());
        found.or_else(|| self.steal()).or_else(|| {
            turns.foreground = 0;
            one(&self.shared.background)
        })
    }

    fn woken(&self) -> Option<Task> {
        loop {
            match self.shared.woken.steal_batch_and_pop(&self.queue) {
                Steal::Success(task) => return Some(task),
                Steal::Empty => return None,
                Steal::Retry => {}
            }
        }
    }

    fn steal(&self) -> Option<Task> {
        let lanes = &self.shared.lanes;
        let others = (1..lanes.len()).map(|step| &lanes[(self.index + step) % lanes.len()]);
        for lane in others {
            loop {
                match lane.stealer.steal_batch_and_pop(&self.queue) {
                    Steal::Success(task) => return Some(task),
                    Steal::Empty => break,
                    Steal::Retry => {}
                }
            }
        }
        None
    }

    /// Waits until somebody notifies. Whoever queues a task looks at `sleeping`
    /// after queueing it, and this looks at the queues after counting itself, so
    /// one of the two sees the other.
    fn sleep(&self) {
        let shared = &self.shared;
        let lane = &shared.lanes[self.index];
        {
            let mut sleepers = shared.sleepers.lock();
            lane.woken.store(false, Ordering::SeqCst);
            sleepers.push(self.index);
            shared.sleeping.fetch_add(1, Ordering::SeqCst);
        }
        std::sync::atomic::fence(Ordering::SeqCst);
        let work = !shared.woken.is_empty()
            || !shared.background.is_empty()
            || shared.lanes.iter().any(|lane| !lane.stealer.is_empty());
        if work {
            self.get_up();
            return;
        }
        while !lane.woken.load(Ordering::SeqCst) && !shared.stopping.load(Ordering::SeqCst) {
            if !shared.poller.has_sockets() || shared.poller.is_attended() {
                thread::park();
                continue;
            }
            lane.polling.store(true, Ordering::SeqCst);
            // Whoever wakes this worker has either seen that it polls, or is seen here.
            let mut found = false;
            if !lane.woken.load(Ordering::SeqCst) && !shared.stopping.load(Ordering::SeqCst) {
                found = shared.poller.wait(|| shared.is_idle(), || self.get_up());
            }
            lane.polling.store(false, Ordering::SeqCst);
            if found {
                return;
            }
        }
    }

    /// Sleeps no more, though nobody has woken it.
    fn get_up(&self) {
        let mut sleepers = self.shared.sleepers.lock();
        if let Some(place) = sleepers.iter().position(|index| *index == self.index) {
            sleepers.swap_remove(place);
            self.shared.sleeping.fetch_sub(1, Ordering::SeqCst);
        }
    }
}

pub(super) fn one(queue: &Injector<Task>) -> Option<Task> {
    loop {
        match queue.steal() {
            Steal::Success(task) => return Some(task),
            Steal::Empty => return None,
            Steal::Retry => {}
        }
    }
}
