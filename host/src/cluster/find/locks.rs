//! Locks: what actors and other nodes ask, and what the machine wants to be done.

use odeon_core::locks::{
    Effect, Effects, Frame, Listed, LockId, Locks, Nodes, Outcome, Task, Wait,
};
use odeon_core::wire::Item;
use odeon_core::{Key, NodeId, Pid};
use tokio::sync::oneshot;

use super::{Find, Heard, Turn};
use crate::runtime::Runtime;

/// Locks in one part of a listing, at most.
pub(crate) const LOCKS_LISTED_MAX: usize = 1024;

impl Find {
    /// An actor of this node wants to hold a lock. It waits for so many milliseconds at
    /// most; not at all if that is 0. What came of it comes through the channel.
    pub(crate) fn set_lock(
        &self,
        runtime: &Runtime,
        pid: Pid,
        id: LockId,
        nodes: Nodes,
        wait_ms: Option<u64>,
    ) -> oneshot::Receiver<Outcome> {
        let wait = match wait_ms {
            None => Wait::Ever,
            Some(0) => Wait::No,
            Some(ms) => Wait::Until(self.now().saturating_add(ms)),
        };
        self.lock_request(runtime, pid, id, Task::Set { nodes, wait })
    }

    /// An actor of this node wants to hold a lock no longer, likewise.
    pub(crate) fn delete_lock(
        &self,
        runtime: &Runtime,
        pid: Pid,
        id: LockId,
        nodes: Nodes,
    ) -> oneshot::Receiver<Outcome> {
        self.lock_request(runtime, pid, id, Task::Delete { nodes })
    }

    fn lock_request(
        &self,
        runtime: &Runtime,
        pid: Pid,
        id: LockId,
        task: Task,
    ) -> oneshot::Receiver<Outcome> {
        let (answer, outcome) = oneshot::channel();
        self.turn(runtime, |turn| {
            turn.machines.requests += 1;
            let request = turn.machines.requests;
            turn.machines.locking.insert(request, answer);
            turn.locks(|locks, now, effects| locks.request(now, request, pid, id, task, effects));
        });
        outcome
    }

    /// The locks at this node, after this resource in order or from the first on.
    pub(crate) fn locks(&self, after: Option<&Key>) -> Vec<Listed> {
        self.machines.lock().locks.locks(after).take(LOCKS_LISTED_MAX).collect()
    }

    /// The machine of another node says this.
    pub(in crate::cluster) fn heard_of_locks(
        &self,
        runtime: &Runtime,
        from: NodeId,
        frame: Frame,
    ) -> Heard {
        self.heard(runtime, |turn| {
            turn.locks(|locks, now, effects| locks.received(now, from, frame, effects));
        })
    }
}

impl Turn<'_> {
    /// Tells the machine of locks one thing, and carries out what follows.
    pub(super) fn locks(&mut self, event: impl FnOnce(&mut Locks, u64, &mut Effects)) {
        let mut effects = Effects::new();
        event(&mut self.machines.locks, self.find.now(), &mut effects);
        for effect in effects {
            match effect {
                Effect::Send { to, frame } => self.send(to, &Item::Locks(frame)),
                Effect::Watch(pid) => self.watch(pid),
                // An end that is told and was not asked for changes nothing.
                Effect::Unwatch(_) => {}
                Effect::Answer { request, outcome } => {
                    if let Some(answer) = self.machines.locking.remove(&request) {
                        self.heard.is_answered |= answer.send(outcome).is_ok();
                    }
                }
                Effect::Violation { violation, .. } => {
                    self.heard.violation = Some(violation.to_string());
                }
            }
        }
    }
}
