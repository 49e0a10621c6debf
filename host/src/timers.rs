//! Signals in the future.
//!
//! A thread keeps all timers of the node in order and sends each one's envelope
//! when its time has come. Coarse to one millisecond, like the guests' API.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use odeon_core::signal::Signal;
use odeon_core::{Name, Pid, Reference};
use parking_lot::{Condvar, Mutex};

/// A signal for later. A name or an alias is looked up when its time has come, as
/// `erlang:send_after/3` does.
pub(crate) struct Later {
    pub(crate) from: Pid,
    pub(crate) to: Recipient,
    pub(crate) signal: Signal,
}

/// Whom a signal for later is for.
pub(crate) enum Recipient {
    Pid(Pid),
    Name(Name),
    Alias(Reference),
    /// A name on another node.
    At {
        node: String,
        name: Name,
    },
    /// Nobody; the timer runs all the same, so that it can be cancelled.
    Nobody,
}

/// What is done with a signal when its time has come.
type Deliver = Box<dyn Fn(Later) + Send>;

/// The timers of one node.
pub(crate) struct Timers(Arc<Shared>);

struct Shared {
    queue: Mutex<Queue>,
    changed: Condvar,
}

#[derive(Default)]
struct Queue {
    /// In order of time; the reference tells timers of one instant apart.
    due: BTreeMap<(Instant, Reference), Later>,
    owned: BTreeMap<(Pid, Reference), Instant>,
    count: HashMap<Pid, u64>,
    stopped: bool,
}

impl Timers {
    pub(crate) fn new() -> Self {
        Self(Arc::new(Shared { queue: Mutex::default(), changed: Condvar::new() }))
    }

    /// Starts to deliver. Apart from [`Timers::new`], because the runtime that
    /// delivers owns the timers.
    ///
    /// # Errors
    /// The system's, when a thread cannot be made.
    pub(crate) fn run(&self, deliver: Deliver) -> std::io::Result<()> {
        let shared = Arc::clone(&self.0);
        thread::Builder::new().name("timers".into()).spawn(move || run(&shared, &deliver))?;
        Ok(())
    }

    /// Sends a signal after a time. False if its sender has `max` timers already.
    pub(crate) fn add(&self, timer: Reference, after: Duration, later: Later, max: u64) -> bool {
        let owner = later.from;
        let now = Instant::now();
        // A time beyond the clock's end is as good as never.
        let at = now.checked_add(after).unwrap_or(now + Duration::from_secs(1 << 33));
        let mut queue = self.0.queue.lock();
        let count = queue.count.entry(owner).or_insert(0);
        if *count >= max {
            return false;
        }
        *count += 1;
        let first = queue.due.keys().next().is_none_or(|(first, _)| at < *first);
        queue.due.insert((at, timer), later);
        queue.owned.insert((owner, timer), at);
        drop(queue);
        if first {
            self.0.changed.notify_one();
        }
        true
    }

    /// Stops a timer of this owner, and says how much time was left.
    pub(crate) fn cancel(&self, timer: Reference, owner: Pid) -> Option<Duration> {
        let mut queue = self.0.queue.lock();
        let at = *queue.owned.get(&(owner, timer))?;
        queue.forget(at, timer, owner);
        Some(at.saturating_duration_since(Instant::now()))
    }

    /// Stops all timers of an actor that has ended.
    pub(crate) fn cancel_all(&self, owner: Pid) {
        let mut queue = self.0.queue.lock();
        let first = (owner, Reference { node: owner.node, serial: 0 });
        let own = queue.owned.range(first..).take_while(|((by, _), _)| *by == owner);
        let own: Vec<_> = own.map(|((_, timer), at)| (*at, *timer)).collect();
        for (at, timer) in own {
            queue.forget(at, timer, owner);
        }
    }
}

impl Drop for Timers {
    fn drop(&mut self) {
        self.0.queue.lock().stopped = true;
        self.0.changed.notify_all();
    }
}

impl Queue {
    fn forget(&mut self, at: Instant, timer: Reference, owner: Pid) {
        self.due.remove(&(at, timer));
        self.owned.remove(&(owner, timer));
        if let Some(count) = self.count.get_mut(&owner) {
            *count -= 1;
            if *count == 0 {
                self.count.remove(&owner);
            }
        }
    }
}

fn run(shared: &Shared, deliver: &Deliver) {
    loop {
        let mut queue = shared.queue.lock();
        if queue.stopped {
            return;
        }
        let now = Instant::now();
        match queue.due.first_key_value().map(|(key, _)| *key) {
            Some((at, timer)) if at <= now => {
                let later = queue.due.remove(&(at, timer)).expect("it was just found");
                queue.forget(at, timer, later.from);
                drop(queue);
                deliver(later);
            }
            Some((at, _)) => {
                shared.changed.wait_until(&mut queue, at);
            }
            None => shared.changed.wait(&mut queue),
        }
    }
}
