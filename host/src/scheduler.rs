//! Runs actors on worker threads, and takes a worker away from an actor only
//! when another one waits for it.
//!
//! Each worker has a queue of its own and one slot for the actor that was woken
//! last, so that two actors that talk stay on one core. Idle workers steal; one that
//! is behind for long wakes another. Two shared queues feed them all: actors woken
//! from outside, and the background: actors that are new or that used up their slice.
//! The background gets its turn after every [`FOREGROUND_RUNS_MAX`] others, so a thousand
//! spinning actors delay a message by one slice, not by a thousand.
//!
//! The watcher thread looks for an actor that is in the same run since its last
//! look while others wait. Only then it asks for a yield, by moving the engines'
//! epoch on. It looks every [`SLICE`] while that keeps happening, seldom otherwise,
//! and sleeps while nothing runs. So an idle or uncontended node pays for no ticks.
//!
//! The sockets of connections are looked after here as well: by an idle worker, which
//! waits for them instead of for a wake; by busy ones now and then; and by the watcher
//! where all are busy for long. See [`Poller`].
//!
//! This file knows futures and threads; it must not know actors, guests or signals.

use std::cell::{Cell, OnceCell};
use std::future::Future;
use std::panic::{self, AssertUnwindSafe};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use async_task::{Runnable, ScheduleInfo, WithInfo};
use crossbeam_deque::{Injector, Steal, Stealer, Worker};
use parking_lot::{Mutex, RwLock};

use crate::net::poller::Poller;

/// How long an actor may run while others wait, about: the watcher looks this often.
const SLICE: Duration = Duration::from_micros(50);
/// How often the watcher looks when nobody has been too long lately. Bounds how
/// late the first yield of a contended time can be.
const SLICE_CALM: Duration = Duration::from_millis(1);
/// Looks without a finding after which the watcher becomes calm.
const LOOKS_UNTIL_CALM: u32 = 40;
/// Calm looks without any run after which the watcher sleeps.
const LOOKS_UNTIL_SLEEP: u32 = 20;
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

/// A worker's own part.
struct Local {
    shared: Arc<Shared>,
    index: usize,
    queue: Worker<Task>,
    slot: Cell<Option<Task>>,
    /// The tick at the start of the current run.
    run_tick: Cell<u64>,
    /// The current run ended because its slice was used up.
    yielded: Cell<bool>,
    /// The current run ended so that what it woke can run.
    stepped_back: Cell<bool>,
    /// The current run is to yield at its next chance.
    yield_asked: Cell<bool>,
    /// Who is woken now may be run by any worker, at once.
    sharing: Cell<bool>,
    /// Since when there is more to do than one task, while another worker sleeps.
    behind_since: Cell<Option<Instant>>,
}

thread_local! {
    static LOCAL: OnceCell<Local> = const { OnceCell::new() };
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
            LOCAL.with(|local| {
                if let Some(local) = local.get()
                    && Arc::as_ptr(&local.shared) == shared.as_ptr()
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

/// Whether the current run has used up its slice. Asked at a guest's yield
/// points; a true answer must be followed by a yield.
pub(crate) fn slice_is_over() -> bool {
    LOCAL.with(|local| {
        let Some(local) = local.get() else { return true };
        let over = local.yield_asked.replace(false)
            || local.shared.tick.load(Ordering::Relaxed) != local.run_tick.get();
        local.yielded.set(over);
        over
    })
}

/// Makes the next yield point of the current run yield: its price for work that
/// it makes for others.
pub(crate) fn ask_for_yield() {
    LOCAL.with(|local| {
        if let Some(local) = local.get() {
            local.yield_asked.set(true);
        }
    });
}

/// As [`ask_for_yield`], and the next yield point comes at once, though nobody else waits:
/// for who must not go on. The watcher would let it run for another millisecond. Guests of
/// other workers look up for a moment.
pub(crate) fn yield_at_once() {
    ask_for_yield();
    LOCAL.with(|local| {
        if let Some(local) = local.get() {
            local.shared.bring_yield_points();
        }
    });
}

/// Makes the current run yield when it has lasted for one or two milliseconds, though nobody
/// waits: for what others know nothing of before it has yielded.
pub(crate) fn yield_if_long() {
    LOCAL.with(|local| {
        if let Some(local) = local.get() {
            let lane = &local.shared.lanes[local.index];
            lane.unknown.store(lane.runs.load(Ordering::Relaxed), Ordering::Relaxed);
        }
    });
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

/// A worker's life.
fn work(shared: Arc<Shared>, index: usize, queue: Worker<Task>) {
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
    fn schedule(&self, task: Task, woken: Woken, info: ScheduleInfo) {
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

fn one(queue: &Injector<Task>) -> Option<Task> {
    loop {
        match queue.steal() {
            Steal::Success(task) => return Some(task),
            Steal::Empty => return None,
            Steal::Retry => {}
        }
    }
}

/// The watcher's life.
fn watch(shared: &Shared) {
    shared.watcher.get_or_init(thread::current);
    // The runs of the last look, and those that a nudge found under way. A guest can miss
    // an epoch, when it goes on after a yield and computes its next deadline too late. So
    // one who was nudged is asked until its run is over, not once.
    let mut seen: Vec<u64> = vec![0; shared.lanes.len()];
    let mut owing = seen.clone();
    let (mut calm, mut still) = (LOOKS_UNTIL_CALM, 0);
    let mut polls = 0;
    while !shared.stopping.load(Ordering::SeqCst) {
        thread::sleep(if calm < LOOKS_UNTIL_CALM { SLICE } else { SLICE_CALM });
        // Before the runs are read: a run that begins after the nudge sees the signal.
        let nudged = shared.nudged.swap(false, Ordering::SeqCst);
        let (mut stuck, mut moved, mut owed) = (false, false, false);
        for (lane, (seen, owing)) in shared.lanes.iter().zip(seen.iter_mut().zip(&mut owing)) {
            let runs = lane.runs.load(Ordering::Relaxed);
            let is_running = runs % 2 == 1;
            if nudged && is_running {
                *owing = runs;
            }
            let is_stuck = is_running && runs == *seen;
            let is_unknown = runs == lane.unknown.load(Ordering::Relaxed);
            owed |= (is_running && runs == *owing) || (is_stuck && is_unknown);
            stuck |= is_stuck;
            moved |= runs != *seen;
            *seen = runs;
        }
        // Nobody waits for the sockets, or has looked at them since the last time: one who
        // sleeps had better do so.
        let unattended = shared.poller.has_sockets()
            && !shared.poller.is_attended()
            && std::mem::replace(&mut polls, shared.poller.looks()) == shared.poller.looks();
        if unattended {
            shared.notify();
            shared.look_at_sockets();
        }
        let waiting = shared.ready.load(Ordering::SeqCst) > 0 || owed;
        if stuck && waiting {
            // Who sleeps takes what waits behind the run.
            shared.notify();
            shared.ask_all_to_yield();
            (calm, still) = (0, 0);
            continue;
        }
        calm = if owed { 0 } else { (calm + 1).min(LOOKS_UNTIL_CALM) };
        still = if moved || waiting || unattended { 0 } else { still + 1 };
        if still >= LOOKS_UNTIL_SLEEP {
            still = 0;
            shared.watcher_asleep.store(true, Ordering::SeqCst);
            // What became ready, or was nudged, just before this store woke nobody.
            if shared.ready.load(Ordering::SeqCst) == 0 && !shared.nudged.load(Ordering::SeqCst) {
                while shared.watcher_asleep.load(Ordering::SeqCst) {
                    thread::park();
                }
            }
            shared.watcher_asleep.store(false, Ordering::SeqCst);
        }
    }
}

/// Wakes others so that an idle worker runs them meanwhile, where this one goes on: for
/// those whose work is long and is not what this run waits for.
pub(crate) fn run_elsewhere(wake: impl FnOnce()) {
    LOCAL.with(|local| {
        let local = local.get();
        if let Some(local) = local {
            local.sharing.set(true);
        }
        wake();
        if let Some(local) = local {
            local.sharing.set(false);
        }
    });
}

/// Lets those run first that this one has woken, and all others that wait on this worker.
pub(crate) async fn step_back() {
    let mut stepped = false;
    std::future::poll_fn(|context| {
        if std::mem::replace(&mut stepped, true) {
            return std::task::Poll::Ready(());
        }
        LOCAL.with(|local| {
            if let Some(local) = local.get() {
                local.stepped_back.set(true);
            }
        });
        context.waker().wake_by_ref();
        std::task::Poll::Pending
    })
    .await;
}

/// Lets others run first.
pub(crate) async fn yield_now() {
    let mut yielded = false;
    std::future::poll_fn(|context| {
        if std::mem::replace(&mut yielded, true) {
            return std::task::Poll::Ready(());
        }
        LOCAL.with(|local| {
            if let Some(local) = local.get() {
                local.yielded.set(true);
            }
        });
        context.waker().wake_by_ref();
        std::task::Poll::Pending
    })
    .await;
}

#[cfg(test)]
#[path = "scheduler_test.rs"]
mod tests;
