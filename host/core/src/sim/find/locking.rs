//! What actors do with locks, and the owner's part of the machine of locks.

use super::trace::What;
use super::wires::Message;
use super::world::{Due, World};
use crate::id::{NodeId, Pid};
use crate::key::Key;
use crate::locks::{Effect, Effects, LockId, Locks, Nodes, Outcome, Task, Wait};

/// How resources begin whose locks are kept.
const KEPT: &str = "kept by ";

impl World {
    /// Actors of this node, and often of others, want one lock at one time.
    pub(super) fn locks_something(&mut self, place: usize) {
        if self.random.chance(10) {
            self.keeps_a_lock(place);
            return;
        }
        let resource = self.any_key();
        for at in 0..self.random.between(1, 4) {
            let place = if at == 0 { place } else { self.any_place() };
            let Some(pid) = self.any_actor(place).or_else(|| self.spawn(place)) else { continue };
            let shared = self.random.below(2);
            let requester = match self.random.chance(30) {
                true => format!("shared {shared}"),
                false => format!("{pid}"),
            };
            let requester = Key::new(requester.as_bytes()).expect("a key");
            let id = LockId { resource: resource.clone(), requester };
            let nodes = self.any_nodes(place);
            let wait = match self.random.below(100) {
                0..20 => Wait::No,
                20..45 => Wait::Until(self.now + self.random.between(0, 800)),
                _ => Wait::Ever,
            };
            self.asks_locks(pid, id, Task::Set { nodes, wait });
        }
    }

    /// An actor takes a lock that nobody else wants, and keeps it as long as it lives.
    fn keeps_a_lock(&mut self, place: usize) {
        let Some(pid) = self.any_actor(place) else { return };
        let requester = Key::new(format!("{pid}").as_bytes()).expect("a key");
        let resource = Key::new(format!("{KEPT}{pid}").as_bytes()).expect("a key");
        let nodes = self.any_nodes(place);
        let task = Task::Set { nodes, wait: Wait::Ever };
        self.asks_locks(pid, LockId { resource, requester }, task);
    }

    /// All nodes, or some; now and then one that may not be connected.
    fn any_nodes(&mut self, place: usize) -> Nodes {
        let Some(live) = self.places[place].live.as_ref() else { return Nodes::All };
        let connected: Vec<NodeId> = live.up.keys().copied().collect();
        match self.random.below(100) {
            0..50 => Nodes::All,
            50..95 => {
                let all = connected.into_iter().chain([self.places[place].id]);
                Nodes::These(all.filter(|_| self.random.chance(60)).collect())
            }
            _ => {
                let other = self.any_place();
                Nodes::These(vec![self.places[other].id, self.places[place].id])
            }
        }
    }

    /// An actor asks for something about a lock.
    fn asks_locks(&mut self, pid: Pid, id: LockId, task: Task) {
        let request = self.number();
        let place = self.places.iter().position(|place| place.id == pid.node);
        let Some(place) = place else { return };
        let Some(live) = self.places[place].live.as_mut() else { return };
        let nodes = match &task {
            Task::Set { nodes: Nodes::All, .. } => {
                live.up.keys().copied().chain([pid.node]).collect()
            }
            Task::Delete { nodes: Nodes::All } => live.locks.nodes_of(pid, &id).collect(),
            Task::Set { nodes: Nodes::These(nodes), .. }
            | Task::Delete { nodes: Nodes::These(nodes) } => nodes.clone(),
        };
        if matches!(task, Task::Set { .. }) {
            live.setting.insert(request, (pid, id.clone()));
        }
        let what = What::Locks { request, pid, id: id.clone(), task: task.clone(), nodes };
        self.record(place, what);
        self.locks(place, |locks, now, e| locks.request(now, request, pid, id, task, e));
    }

    /// An actor that held a lock for a while lets go of it, at some nodes first, or ends.
    pub(super) fn unlocks(&mut self, pid: Pid, id: LockId) {
        let is_it = |place: &&super::world::Place| place.id == pid.node;
        let live = self.places.iter().find(is_it).and_then(|place| place.live.as_ref());
        let Some(live) = live.filter(|live| live.actors.contains(&pid)) else { return };
        let nodes: Vec<NodeId> = live.locks.nodes_of(pid, &id).collect();
        match self.random.below(100) {
            0..15 => self.after(0, 5, Due::End(pid)),
            15..30 => {
                let some = nodes.into_iter().filter(|_| self.random.chance(50)).collect();
                let task = Task::Delete { nodes: Nodes::These(some) };
                self.asks_locks(pid, id.clone(), task);
                self.after(1, 100, Due::Unlock(pid, id));
            }
            _ => self.asks_locks(pid, id, Task::Delete { nodes: Nodes::All }),
        }
    }

    /// A machine of locks is told the time.
    pub(super) fn locks_tick(&mut self, place: usize, id: NodeId) {
        if self.places[place].id == id {
            if let Some(live) = &mut self.places[place].live {
                live.locks_tick = None;
            }
            self.locks(place, Locks::tick);
        }
    }

    /// Tells a node's machine of locks one thing, and carries out what follows.
    pub(super) fn locks(
        &mut self,
        place: usize,
        event: impl FnOnce(&mut Locks, u64, &mut Effects),
    ) {
        let mut effects = Effects::new();
        let now = self.now;
        let Some(live) = self.places[place].live.as_mut() else { return };
        event(&mut live.locks, now, &mut effects);
        let wrong = live.locks.inconsistency();
        let due = live.locks.due();
        if let Some(due) = due.filter(|due| live.locks_tick.is_none_or(|tick| *due < tick)) {
            live.locks_tick = Some(due);
            let id = self.places[place].id;
            self.at(due.max(now), Due::LocksTick { place, id });
        }
        if let Some(wrong) = wrong {
            self.record(place, What::Wrong(wrong));
        }
        for effect in effects {
            self.record(place, What::Locked(effect.clone()));
            self.carry_out_locks(place, effect);
        }
    }

    fn carry_out_locks(&mut self, place: usize, effect: Effect) {
        let Some(live) = self.places[place].live.as_mut() else { return };
        match effect {
            Effect::Send { to, frame } => self.send(place, to, Message::Locks(frame)),
            Effect::Watch(pid) => {
                live.watched_for_locks.insert(pid);
                if !live.actors.contains(&pid) {
                    self.after(0, 3, Due::End(pid));
                }
            }
            Effect::Unwatch(pid) => {
                live.watched_for_locks.remove(&pid);
            }
            Effect::Answer { request, outcome } => {
                let set = live.setting.remove(&request);
                if let Some((pid, id)) = set.filter(|_| outcome == Outcome::Yes) {
                    let nodes = live.locks.nodes_of(pid, &id).collect();
                    self.record(place, What::Holds { pid, id: id.clone(), nodes });
                    if !id.resource.as_bytes().starts_with(KEPT.as_bytes()) {
                        self.after(1, 200, Due::Unlock(pid, id));
                    }
                }
            }
            Effect::Violation { node, violation } => {
                self.record(place, What::Wrong(format!("{node:?} broke a rule: {violation}")));
            }
        }
    }
}
