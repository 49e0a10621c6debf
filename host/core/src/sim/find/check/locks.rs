//! The rules of locks.

use std::collections::{BTreeMap, BTreeSet};

use super::super::trace::{Record, What};
use super::{ensure, settled};
use crate::id::{NodeId, Pid};
use crate::key::Key;
use crate::locks::{Effect, LockId, Outcome, Task, Wait};

/// So long a request takes that is not to wait: what nodes take to answer, give way and
/// notice that one is lost.
const HASTY_MS: u64 = 500;

/// Every request is answered once, by the time that it gave; when nothing moves any more,
/// none waits. (Whoever holds a lock lets go of it after a while.)
pub(super) fn lock_answers(records: &[Record]) -> Result<(), String> {
    let mut open: BTreeMap<(NodeId, u64), Option<u64>> = BTreeMap::new();
    for record in records {
        match &record.what {
            What::Locks { request, task, .. } => {
                let until = match task {
                    Task::Set { wait: Wait::Until(until), .. } => Some(*until),
                    Task::Set { wait: Wait::No, .. } => Some(record.time + HASTY_MS),
                    Task::Set { wait: Wait::Ever, .. } | Task::Delete { .. } => None,
                };
                open.insert((record.id, *request), until);
            }
            What::Locked(Effect::Answer { request, .. }) => {
                let Some(until) = open.remove(&(record.id, *request)) else {
                    return Err(format!("nobody asked: {record:?}"));
                };
                let in_time = until.is_none_or(|until| record.time <= until);
                ensure(in_time, || format!("later than {until:?}: {record:?}"))?;
            }
            What::Ended => open.retain(|(id, _), _| *id != record.id),
            What::Settled { .. } => {
                let waits = open.keys().find(|(id, _)| *id == record.id);
                ensure(waits.is_none(), || format!("{waits:?} has no answer at {record:?}"))?;
            }
            _ => {}
        }
    }
    Ok(())
}

/// Which nodes know each other, and who holds what at which node.
#[derive(Default)]
struct Held {
    up: BTreeSet<(NodeId, NodeId)>,
    locks: BTreeMap<(Key, NodeId), BTreeSet<(Key, Pid)>>,
}

impl Held {
    /// Forgets what actors of one of two nodes hold at the other.
    fn part(&mut self, one: NodeId, other: NodeId) {
        for ((_, node), holders) in &mut self.locks {
            let [here, there] = [one, other].map(|end| end == *node);
            holders.retain(|(_, pid)| {
                !(here && pid.node == other && one != other || there && pid.node == one)
            });
        }
    }

    /// Forgets what nodes that are meant hold, or what is held at them.
    fn retain(&mut self, stays: impl Fn(NodeId, &Key, &(Key, Pid)) -> bool) {
        for ((resource, node), holders) in &mut self.locks {
            holders.retain(|holder| stays(*node, resource, holder));
        }
    }
}

/// At no node that is connected with both, as both sides see it, do two requesters hold a
/// lock.
pub(super) fn exclusion(records: &[Record]) -> Result<(), String> {
    let mut all = Held::default();
    for record in records {
        let here = record.id;
        match &record.what {
            What::Up(other) => {
                all.up.insert((here, *other));
            }
            What::Down(other) => {
                all.up.remove(&(here, *other));
                all.part(here, *other);
            }
            What::Ended => {
                all.up.retain(|(one, _)| *one != here);
                all.retain(|node, _, (_, pid)| node != here && pid.node != here);
            }
            What::Died(dead) => all.retain(|_, _, (_, pid)| pid != dead),
            What::Locks { pid, id, task: Task::Delete { .. }, nodes, .. } => {
                let gone = (id.requester.clone(), *pid);
                all.retain(|node, resource, holder| {
                    *resource != id.resource || *holder != gone || !nodes.contains(&node)
                });
            }
            What::Holds { pid, id, nodes } => {
                for node in nodes {
                    let both = [(here, *node), (*node, here)];
                    if *node != here && !both.iter().all(|pair| all.up.contains(pair)) {
                        continue;
                    }
                    let holders = all.locks.entry((id.resource.clone(), *node)).or_default();
                    let other = holders.iter().find(|(requester, _)| *requester != id.requester);
                    ensure(other.is_none(), || format!("{other:?} holds it: {record:?}"))?;
                    holders.insert((id.requester.clone(), *pid));
                }
            }
            _ => {}
        }
    }
    Ok(())
}

/// So long after one node asked all nodes that are meant have heard of it.
const HEARD_MS: u64 = 60;

/// A request to set a lock, and what came of it.
struct Set<'a> {
    asked: u64,
    pid: Pid,
    id: &'a LockId,
    nodes: &'a [NodeId],
    waits: bool,
    answered: Option<(u64, Outcome)>,
}

fn sets(records: &[Record]) -> Vec<Set<'_>> {
    let mut all: BTreeMap<(NodeId, u64), Set<'_>> = BTreeMap::new();
    for record in records {
        match &record.what {
            What::Locks { request, pid, id, task: Task::Set { wait, .. }, nodes } => {
                let waits = *wait == Wait::Ever;
                let (asked, pid, answered) = (record.time, *pid, None);
                let set = Set { asked, pid, id, nodes, waits, answered };
                all.insert((record.id, *request), set);
            }
            What::Locked(Effect::Answer { request, outcome }) => {
                if let Some(set) = all.get_mut(&(record.id, *request)) {
                    set.answered = Some((record.time, *outcome));
                }
            }
            _ => {}
        }
    }
    all.into_values().collect()
}

/// Where no connection is lost, nobody gets a lock who asked after another who still
/// waits for it had been heard of. Who shares a requester may.
pub(super) fn lock_order(records: &[Record]) -> Result<(), String> {
    if records.iter().any(|record| matches!(record.what, What::Down(_))) {
        return Ok(());
    }
    let all = sets(records);
    let mut asked: BTreeMap<&LockId, usize> = BTreeMap::new();
    for set in &all {
        *asked.entry(set.id).or_default() += 1;
    }
    for late in all.iter().filter(|set| asked.get(set.id) == Some(&1)) {
        let Some((time, Outcome::Yes)) = late.answered else { continue };
        let is_overtaken = |early: &&Set<'_>| {
            early.waits
                && early.id.resource == late.id.resource
                && early.id.requester != late.id.requester
                && early.asked + HEARD_MS < late.asked
                && early.answered.is_none_or(|(answered, _)| answered > time)
                && early.nodes.contains(&late.pid.node)
                && early.nodes.iter().any(|node| late.nodes.contains(node))
        };
        let early = all.iter().find(is_overtaken);
        ensure(early.is_none(), || {
            let early = early.map(|early| (early.asked, early.id));
            format!("{:?}, asked at {}, overtook {early:?}", late.id, late.asked)
        })?;
    }
    Ok(())
}

/// When nothing moves, what is held at a node is what living actors of connected nodes
/// hold there, as their own nodes see it.
pub(super) fn lock_holders(records: &[Record]) -> Result<(), String> {
    for (stage, nodes) in settled(records) {
        for node in &nodes {
            let there: BTreeSet<(&LockId, Pid)> = node
                .locks
                .iter()
                .flat_map(|(id, pids)| pids.iter().map(move |pid| (id, *pid)))
                .collect();
            let is_near = |id: NodeId| id == node.id || node.up.contains(&id);
            let others = nodes.iter().filter(|other| is_near(other.id));
            let held = others.clone().flat_map(|other| other.held);
            let held = held.filter(|(_, _, at)| *at == node.id).map(|(id, pid, _)| (id, *pid));
            let held: BTreeSet<(&LockId, Pid)> = held.collect();
            ensure(there == held, || {
                format!("{stage:?}: {there:?} at {:?}, not {held:?}", node.id)
            })?;
            let lives = |pid: &Pid| others.clone().any(|other| other.actors.contains(pid));
            let dead = there.iter().find(|(_, pid)| !lives(pid));
            ensure(dead.is_none(), || format!("{stage:?}: {dead:?} is dead, at {:?}", node.id))?;
        }
    }
    Ok(())
}
