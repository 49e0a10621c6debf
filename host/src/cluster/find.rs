//! Cluster names, groups and locks of this node: the owner of their machines.
//!
//! Actors' threads and the tasks of connections enter the machines directly, one after
//! the other. What a machine decides is carried out while it is held, so that frames
//! enter each link's outbox in the order of the decisions. Lookups of names do not come
//! here: they read [`Shown`], which the machine of names keeps up to date.
//!
//! | file | what |
//! |---|---|
//! | `names` | registrations, and what the machine of names wants to be done |
//! | `groups` | the same for groups |
//! | `locks` | the same for locks |
//! | `resolve` | guests that decide between two owners of a name |
//! | `shown` | who has which name, for lookups |
//!
//! A further machine of this kind has a place in [`Machines`], a file with what it is
//! asked and what it wants to be done, and is told what the others are told here: nodes
//! that come and go, actors that end, and the time.
//!
//! Nobody may hold this and then take an actor's state or a connection's arrivals: who
//! comes here may hold one of them. It must not know guests or sockets.

mod groups;
mod locks;
mod names;
mod resolve;
mod shown;

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use odeon_core::groups::Groups;
use odeon_core::locks::{self as locking, Locks};
use odeon_core::names::{Names, Settings};
use odeon_core::{NodeId, Pid};
use parking_lot::{Mutex, MutexGuard};
use tokio::sync::{Notify, oneshot};

use super::link::Link;
use crate::cell::Cell;
use crate::runtime::Runtime;
pub(crate) use names::{NAMES_LISTED_MAX, Registering};
use resolve::Callbacks;
pub(crate) use resolve::{Callback, FUNCTION_BYTES_MAX};
use shown::Shown;

/// The clock's task looks this often even if nothing is due: no clock waits for ever.
const LOOK_LATEST: Duration = Duration::from_secs(3600);

/// Names, groups and locks, as this node knows them.
pub(crate) struct Find {
    machines: Mutex<Machines>,
    shown: Shown,
    /// The machines' time counts from here.
    begun: Instant,
    /// Something is due earlier than the clock's task knows.
    sooner: Arc<Notify>,
}

struct Machines {
    names: Names,
    groups: Groups,
    locks: Locks,
    /// The ways to nodes that are visibly connected.
    links: BTreeMap<NodeId, Arc<Link>>,
    /// Who waits for what came of a request.
    asked: HashMap<u64, names::Asked>,
    /// The same for locks.
    locking: HashMap<u64, oneshot::Sender<locking::Outcome>>,
    requests: u64,
    callbacks: Callbacks,
    /// When the clock's task looks again.
    alarm: u64,
}

/// The machines while they are told something, and what follows is carried out.
struct Turn<'a> {
    find: &'a Find,
    runtime: &'a Runtime,
    machines: MutexGuard<'a, Machines>,
    /// Actors that a machine asked about and that do not live.
    dead: Vec<Pid>,
    heard: Heard,
}

/// What another node's words led to.
#[derive(Default)]
pub(super) struct Heard {
    /// The rule that it broke.
    pub(super) violation: Option<String>,
    /// An actor of this node that waited has its answer.
    pub(super) is_answered: bool,
    /// What goes out to these nodes, once their connections are woken.
    pub(super) told: BTreeMap<NodeId, Arc<Link>>,
}

impl Find {
    pub(super) fn new(own: NodeId) -> Self {
        let machines = Machines {
            names: Names::new(own, Settings::default()),
            groups: Groups::new(own),
            locks: Locks::new(own),
            links: BTreeMap::new(),
            asked: HashMap::new(),
            locking: HashMap::new(),
            requests: 0,
            callbacks: Callbacks::default(),
            alarm: u64::MAX,
        };
        Self {
            machines: Mutex::new(machines),
            shown: Shown::default(),
            begun: Instant::now(),
            sooner: Arc::new(Notify::new()),
        }
    }

    /// What this node lets its actors do from now on.
    pub(super) fn allow(&self, settings: Settings) {
        self.machines.lock().names.allow(settings);
    }

    /// A node is connected by this link. Call it before anything from there arrives.
    pub(super) fn node_up(&self, runtime: &Runtime, node: NodeId, hidden: bool, link: &Arc<Link>) {
        self.turn(runtime, |turn| {
            if !hidden {
                turn.machines.links.insert(node, Arc::clone(link));
            }
            turn.names(|names, now, effects| names.node_up(now, node, hidden, effects));
            turn.groups(|groups, effects| groups.node_up(node, hidden, effects));
            turn.locks(|locks, now, effects| locks.node_up(now, node, hidden, effects));
        });
    }

    /// A node is no longer connected. Call it when nothing can be sent or arrive any more,
    /// and before actors are told.
    pub(super) fn node_down(&self, runtime: &Runtime, node: NodeId) {
        self.turn(runtime, |turn| {
            turn.machines.links.remove(&node);
            turn.names(|names, now, effects| names.node_down(now, node, effects));
            turn.groups(|groups, effects| groups.node_down(node, effects));
            turn.locks(|locks, now, effects| locks.node_down(now, node, effects));
        });
    }

    /// An actor of this node has ended, and can get no name any more: what it had here is
    /// gone when this returns. Before the directory forgets it: who does not find it there
    /// is told so at once, and must not find it under a cluster name afterwards.
    pub(crate) fn ended(&self, runtime: &Runtime, cell: &Cell) {
        // Most have nothing to do with names, groups and locks.
        if cell.is_findable.load(Ordering::Acquire) {
            self.turn(runtime, |turn| turn.dead.push(cell.pid));
        }
    }

    /// Tells the machines the time whenever something is due, as long as the node is there:
    /// locks are waited for on a node that is not distributed, too.
    pub(crate) async fn keep_time(runtime: Weak<Runtime>) {
        loop {
            let (wait, sooner) = {
                let Some(runtime) = runtime.upgrade() else { return };
                let find = &runtime.cluster.find;
                let alarm = find.turn(&runtime, |turn| {
                    turn.names(|names, now, effects| names.tick(now, effects));
                    turn.locks(|locks, now, effects| locks.tick(now, effects));
                    turn.machines.alarm = turn.due();
                    turn.machines.alarm
                });
                let wait = Duration::from_millis(alarm.saturating_sub(find.now()));
                (wait, Arc::clone(&find.sooner))
            };
            let _ = tokio::time::timeout(wait.min(LOOK_LATEST), sooner.notified()).await;
        }
    }

    /// Milliseconds by the machines' clock.
    fn now(&self) -> u64 {
        u64::try_from(self.begun.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    /// Does something with the machines.
    fn turn<R>(&self, runtime: &Runtime, body: impl FnOnce(&mut Turn<'_>) -> R) -> R {
        let (result, Heard { violation, told, .. }) = self.turn_of_peer(runtime, body);
        debug_assert!(violation.is_none(), "rules are broken by frames alone: {violation:?}");
        for link in told.values() {
            link.wake();
        }
        result
    }

    /// Tells the machines what another node's say.
    fn heard(&self, runtime: &Runtime, body: impl FnOnce(&mut Turn<'_>)) -> Heard {
        self.turn_of_peer(runtime, body).1
    }

    fn turn_of_peer<R>(
        &self,
        runtime: &Runtime,
        body: impl FnOnce(&mut Turn<'_>) -> R,
    ) -> (R, Heard) {
        let machines = self.machines.lock();
        let heard = Heard::default();
        let mut turn = Turn { find: self, runtime, machines, dead: Vec::new(), heard };
        let result = body(&mut turn);
        turn.bury();
        turn.set_alarm();
        (result, turn.heard)
    }
}

impl Drop for Find {
    fn drop(&mut self) {
        // The clock's task sees that the node is gone.
        self.sooner.notify_one();
    }
}

impl Turn<'_> {
    /// A machine wants to hear of the end of an actor of this node.
    fn watch(&mut self, pid: Pid) {
        let cell = self.runtime.directory.find(pid.serial);
        let will_tell = cell.is_some_and(|cell| {
            cell.is_findable.store(true, Ordering::Release);
            // An actor that ends says so before it looks whether it is findable: if it has
            // not by now, it will see so.
            !cell.is_ending()
        });
        if !will_tell {
            self.dead.push(pid);
        }
    }

    /// Tells the machines of actors that have ended.
    fn bury(&mut self) {
        while let Some(pid) = self.dead.pop() {
            self.names(|names, now, effects| names.ended(now, pid, effects));
            self.groups(|groups, effects| groups.ended(pid, effects));
            self.locks(|locks, now, effects| locks.ended(now, pid, effects));
        }
    }

    /// When a machine is to be told the time.
    fn due(&self) -> u64 {
        let machines = &self.machines;
        let dues = [machines.names.due(), machines.locks.due()];
        dues.into_iter().flatten().min().unwrap_or(u64::MAX)
    }

    /// Sees to it that the clock's task looks in time.
    fn set_alarm(&mut self) {
        let due = self.due();
        if due < self.machines.alarm {
            self.machines.alarm = due;
            self.find.sooner.notify_one();
        }
    }
}
