//! The rules of names.

use std::collections::{BTreeMap, BTreeSet};

use super::super::trace::{Record, Stage, What};
use super::{Settled, ensure, settled};
use crate::id::{NodeId, Pid, Reference};
use crate::key::Key;
use crate::names::{Claim, Effect, Frame, Outcome, Reason, Registration, Task};

/// How long a request may take, with all losses and guests that hang.
const TIME_ENOUGH: u64 = 2_000;

/// Every request is answered once, and not after its deadline, unless the node ends.
pub(super) fn answers(records: &[Record]) -> Result<(), String> {
    let mut open: BTreeMap<(NodeId, u64), u64> = BTreeMap::new();
    for record in records {
        match &record.what {
            What::Asked { request, deadline, .. } => {
                open.insert((record.id, *request), *deadline);
            }
            What::Names(Effect::Answer { request, .. }) => {
                let deadline = open.remove(&(record.id, *request));
                let in_time = deadline.is_some_and(|deadline| record.time <= deadline);
                ensure(in_time, || format!("not by {deadline:?}: {record:?}"))?;
            }
            What::Ended => open.retain(|(id, _), _| *id != record.id),
            What::Settled { .. } => {
                ensure(open.is_empty(), || format!("not answered: {open:?}"))?;
            }
            _ => {}
        }
    }
    Ok(())
}

/// Nobody waits for ever: a request that has time enough does not run out of it.
pub(super) fn patience(records: &[Record]) -> Result<(), String> {
    let mut asked: BTreeMap<(NodeId, u64), u64> = BTreeMap::new();
    let timeout = Outcome::No(Reason::Timeout);
    for record in records {
        match &record.what {
            What::Asked { request, .. } => {
                asked.insert((record.id, *request), record.time);
            }
            What::Names(Effect::Answer { request, outcome }) if *outcome == timeout => {
                let asked = asked.get(&(record.id, *request)).copied().unwrap_or_default();
                let is_short = record.time - asked < TIME_ENOUGH;
                ensure(is_short, || format!("asked at {asked}: {record:?}"))?;
            }
            _ => {}
        }
    }
    Ok(())
}

/// When a registration succeeds, every node that is connected with the owner's finds an
/// owner: this one, unless the node has met another side meanwhile.
pub(super) fn promises(records: &[Record]) -> Result<(), String> {
    let is_calm = !records.iter().any(|record| matches!(record.what, What::Down(_)));
    let ups = records.iter().filter(|record| matches!(record.what, What::Up(_)));
    let last_up = ups.map(|record| record.time).max().unwrap_or_default();
    for record in records {
        let What::Promised { pid, found, .. } = &record.what else { continue };
        // Right after nodes met for the first time they may still sort out their owners.
        let is_calm = is_calm && record.time > last_up + 300;
        let is_fine = |found: &Option<Pid>| match found {
            Some(other) => !is_calm || other == pid,
            None => false,
        };
        ensure(found.iter().all(is_fine), || format!("{record:?}"))?;
    }
    Ok(())
}

/// When nothing moves, nodes that are connected with the same others find the same names,
/// and behind each a living actor.
pub(super) fn agreement(records: &[Record]) -> Result<(), String> {
    for (stage, nodes) in settled(records) {
        let actors: BTreeSet<Pid> = nodes.iter().flat_map(|node| node.actors).copied().collect();
        let mut sides: BTreeMap<BTreeSet<NodeId>, &[(Key, Pid)]> = BTreeMap::new();
        for node in &nodes {
            let side: BTreeSet<NodeId> = node.up.iter().copied().chain([node.id]).collect();
            let is_whole = stage == Stage::Apart || side.len() == nodes.len();
            ensure(is_whole, || format!("{:?} is connected with {side:?} only", node.id))?;
            for (key, pid) in node.names {
                let lives = actors.contains(pid) && side.contains(&pid.node);
                ensure(lives, || format!("{stage:?}: {:?} finds {pid} as {key}", node.id))?;
            }
            let first = *sides.entry(side).or_insert(node.names);
            ensure(first == node.names, || {
                format!("{stage:?}: {:?} finds {:?}, not {first:?}", node.id, node.names)
            })?;
        }
    }
    Ok(())
}

/// When nothing moves, two nodes that are connected do not both find their own actor as the
/// owner of a name, and each finds the owner that one of those connected with it has.
pub(super) fn rivals(records: &[Record]) -> Result<(), String> {
    for (stage, nodes) in settled(records) {
        let owns: BTreeSet<(NodeId, &Key)> = nodes.iter().flat_map(own_names).collect();
        for node in &nodes {
            let both = own_names(node)
                .find(|(_, key)| node.up.iter().any(|other| owns.contains(&(*other, *key))));
            ensure(both.is_none(), || format!("{stage:?}: another node owns {both:?}, too"))?;
            let nobodys = node.names.iter().find(|(key, pid)| !owns.contains(&(pid.node, key)));
            ensure(nobodys.is_none(), || format!("{stage:?}: {:?} finds {nobodys:?}", node.id))?;
        }
    }
    Ok(())
}

/// The names that a node finds to be those of its own actors.
fn own_names<'a>(node: &Settled<'a>) -> impl Iterator<Item = (NodeId, &'a Key)> {
    let (id, names) = (node.id, node.names);
    names.iter().filter(move |(_, pid)| pid.node == id).map(move |(key, _)| (id, key))
}

/// A name whose owner lives stays, unless somebody takes or removes it, or another side
/// with an owner is met.
pub(super) fn kept(records: &[Record]) -> Result<(), String> {
    let mut owners: BTreeMap<Key, BTreeSet<Pid>> = BTreeMap::new();
    // Until when somebody may take or remove a name, here and elsewhere.
    let mut taken: BTreeMap<&Key, u64> = BTreeMap::new();
    for record in records {
        match &record.what {
            What::Promised { key, pid, .. }
                if taken.get(key).is_none_or(|until| *until < record.time) =>
            {
                owners.entry(key.clone()).or_default().insert(*pid);
            }
            What::Died(pid)
            | What::Names(Effect::Exit { pid, .. } | Effect::Notify { pid, .. }) => {
                owners.values_mut().for_each(|pids| {
                    pids.remove(pid);
                });
            }
            What::Ended => owners.values_mut().for_each(|pids| {
                pids.retain(|pid| pid.node != record.id);
            }),
            What::Asked { key, task, deadline, .. }
                if !matches!(task, Task::Register(Registration { force: false, .. })) =>
            {
                owners.remove(key);
                let until = taken.entry(key).or_default();
                *until = (*deadline + 50).max(*until);
            }
            What::Names(Effect::Resolve { key, .. }) | What::Neither(key) => {
                owners.remove(key);
            }
            What::Settled { names, .. } => {
                for (key, pids) in &owners {
                    let mine = pids.iter().find(|pid| pid.node == record.id);
                    let found = names.iter().find(|(name, _)| name == key).map(|(_, pid)| pid);
                    let is_fine = mine.is_none_or(|mine| found == Some(mine));
                    ensure(is_fine, || format!("{key} is {found:?}, not {mine:?}: {record:?}"))?;
                }
            }
            _ => {}
        }
    }
    Ok(())
}

/// Who had each name when the cluster was divided, and what happened since.
struct Meeting<'a> {
    owners: BTreeMap<&'a Key, BTreeSet<Pid>>,
    winners: BTreeMap<&'a Key, Pid>,
    /// Losses of a name by an actor: how many, and whether both lost it.
    losses: BTreeMap<(&'a Key, Pid), (usize, bool)>,
    /// Names about which a guest was asked.
    asked: BTreeSet<&'a Key>,
    neither: BTreeSet<&'a Key>,
    /// Actors whose name another took on purpose, at any time.
    replaced: BTreeSet<(&'a Key, Pid)>,
    died: BTreeSet<Pid>,
}

fn meeting(records: &[Record]) -> Meeting<'_> {
    let mut stages = settled(records);
    let mut owners: BTreeMap<&Key, BTreeSet<Pid>> = BTreeMap::new();
    for node in stages.remove(&Stage::Apart).unwrap_or_default() {
        for (key, pid) in node.names {
            owners.entry(key).or_default().insert(*pid);
        }
    }
    let together = stages.remove(&Stage::Together).unwrap_or_default();
    let winners = together.iter().flat_map(|node| node.names);
    let winners = winners.map(|(key, pid)| (key, *pid)).collect();
    let at = |wanted: Stage| {
        let is_it =
            |record: &Record| matches!(record.what, What::Settled { stage, .. } if stage == wanted);
        records.iter().rposition(is_it).unwrap_or_default()
    };
    let mut meeting = Meeting {
        owners,
        winners,
        losses: BTreeMap::new(),
        asked: BTreeSet::new(),
        neither: BTreeSet::new(),
        replaced: replaced(records),
        died: BTreeSet::new(),
    };
    for record in &records[at(Stage::Apart)..=at(Stage::Together)] {
        match &record.what {
            What::Names(Effect::Exit { pid, key, .. }) => {
                meeting.losses.entry((key, *pid)).or_default().0 += 1;
            }
            What::Names(Effect::Notify { pid, key, both, .. }) => {
                let loss = meeting.losses.entry((key, *pid)).or_default();
                *loss = (loss.0 + 1, *both);
            }
            What::Names(Effect::Resolve { key, .. }) => {
                meeting.asked.insert(key);
            }
            What::Neither(key) => {
                meeting.neither.insert(key);
            }
            What::Died(pid) => {
                meeting.died.insert(*pid);
            }
            _ => {}
        }
    }
    meeting
}

/// Names, and the owners whom another replaced on purpose.
fn replaced(records: &[Record]) -> BTreeSet<(&Key, Pid)> {
    let sets = records.iter().filter_map(|record| match &record.what {
        What::Names(Effect::Send { frame: Frame::Set(claims), .. }) => Some(claims),
        _ => None,
    });
    let claims: Vec<&(Key, Claim)> = sets.flatten().collect();
    let owners: BTreeMap<Reference, Pid> =
        claims.iter().map(|(_, claim)| (claim.id(), claim.pid)).collect();
    let over = claims.iter().filter_map(|(key, claim)| Some((key, *owners.get(&claim.over?)?)));
    over.collect()
}

/// Where sides meet that each had an owner of a name, one of these remains: all others
/// lost it, unless both had to.
pub(super) fn winners(records: &[Record]) -> Result<(), String> {
    let meeting = meeting(records);
    for (key, owners) in &meeting.owners {
        let winner = meeting.winners.get(key);
        let all_lost = owners.iter().all(|pid| {
            // A death may be for the loss of another name.
            let both = meeting.losses.get(&(*key, *pid)).is_some_and(|(_, both)| *both);
            both || meeting.died.contains(pid) && owners.len() == 1
        });
        let died_meanwhile = meeting
            .died
            .iter()
            .any(|pid| owners.contains(pid) && !meeting.losses.contains_key(&(*key, *pid)));
        let is_fine = match winner {
            Some(winner) => owners.contains(winner),
            None => all_lost || died_meanwhile || meeting.neither.contains(key),
        };
        ensure(is_fine, || format!("{key}: of {owners:?} remains {winner:?}"))?;
    }
    let is_new = |key: &&&Key| !meeting.owners.contains_key(**key);
    let from_nowhere = meeting.winners.keys().find(is_new);
    ensure(from_nowhere.is_none(), || format!("nobody had {from_nowhere:?}"))
}

/// Whoever lost a name where sides met was told or killed, once, unless it was replaced on
/// purpose or a guest decided; who has the name was not.
pub(super) fn losers(records: &[Record]) -> Result<(), String> {
    let meeting = meeting(records);
    for (key, owners) in &meeting.owners {
        let winner = meeting.winners.get(key);
        for pid in owners {
            let losses = meeting.losses.get(&(*key, *pid)).map_or(0, |(times, _)| *times);
            let is_replaced = meeting.replaced.contains(&(*key, *pid));
            let is_silent =
                is_replaced || meeting.asked.contains(key) || meeting.died.contains(pid);
            let is_fine = match losses {
                0 => winner == Some(pid) || is_silent,
                1 => winner != Some(pid),
                _ => false,
            };
            ensure(is_fine, || format!("{pid} lost {key} {losses} times; {winner:?} has it"))?;
        }
    }
    Ok(())
}
