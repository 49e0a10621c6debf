//! What must hold in every simulation of names, groups and locks, each rule a function of the
//! trace alone.
//!
//! | rule | what it says |
//! |---|---|
//! | `nothing_wrong` | machines are sound, and lookups find nobody on a lost node |
//! | `answers` | every request is answered once, and in time |
//! | `patience` | no request that has time enough runs out of it |
//! | `promises` | when a registration succeeds, the name is everywhere |
//! | `agreement` | whoever is connected finds the same living owners |
//! | `rivals` | no two nodes that are connected both own a name |
//! | `kept` | no name is lost while its owner lives and nobody takes it |
//! | `winners` | where sides meet, one of the owners remains |
//! | `losers` | each of the others loses the name once |
//! | `members` | each node knows the members that the others have |
//! | `joins` | a node's own members are those that joined |
//! | `events` | the events of a monitor lead from its snapshot to the members |
//! | `lock_answers` | every request for a lock is answered once, in time, and some day |
//! | `exclusion` | no two requesters hold a lock at one node that is connected with both |
//! | `lock_order` | who asked earlier gets a lock earlier |
//! | `lock_holders` | what is held at a node is what living actors hold there |
//! | `leaks` | nothing remains of actors that ended |

mod groups;
mod locks;
mod names;

use std::collections::BTreeMap;

use super::trace::{Record, Stage, What};
use crate::id::{NodeId, Pid};
use crate::key::Key;
use crate::locks::LockId;

/// A rule: what is wrong with these records, if anything.
pub type Rule = fn(&[Record]) -> Result<(), String>;

/// All rules, by name.
pub const RULES: [(&str, Rule); 17] = [
    ("nothing_wrong", nothing_wrong),
    ("answers", names::answers),
    ("patience", names::patience),
    ("promises", names::promises),
    ("agreement", names::agreement),
    ("rivals", names::rivals),
    ("kept", names::kept),
    ("winners", names::winners),
    ("losers", names::losers),
    ("members", groups::members),
    ("joins", groups::joins),
    ("events", groups::events),
    ("lock_answers", locks::lock_answers),
    ("exclusion", locks::exclusion),
    ("lock_order", locks::lock_order),
    ("lock_holders", locks::lock_holders),
    ("leaks", leaks),
];

/// What is wrong with these records, by rule. Nothing, if nothing is.
pub fn all(records: &[Record]) -> Vec<String> {
    let complaint = |(name, rule): &(&str, Rule)| match rule(records) {
        Ok(()) => None,
        Err(what) => Some(format!("{name}: {what}")),
    };
    RULES.iter().filter_map(complaint).collect()
}

/// Nothing, if it holds; else what is wrong.
fn ensure(holds: bool, what_is_wrong: impl FnOnce() -> String) -> Result<(), String> {
    if holds { Ok(()) } else { Err(what_is_wrong()) }
}

/// What was seen at once.
fn nothing_wrong(records: &[Record]) -> Result<(), String> {
    let is_it = |record: &&Record| matches!(record.what, What::Wrong(_));
    let found = records.iter().find(is_it);
    ensure(found.is_none(), || format!("{found:?}"))
}

/// When all actors have ended, the machines keep nothing.
fn leaks(records: &[Record]) -> Result<(), String> {
    let is_it = |record: &&Record| {
        matches!(record.what, What::Settled { stage: Stage::Over, blank: false, .. })
    };
    let found = records.iter().find(is_it);
    ensure(found.is_none(), || format!("{found:?}"))
}

/// What one node is when nothing moves.
struct Settled<'a> {
    id: NodeId,
    up: &'a [NodeId],
    names: &'a [(Key, Pid)],
    groups: &'a [(Key, Key, Vec<Pid>)],
    locks: &'a [(LockId, Vec<Pid>)],
    held: &'a [(LockId, Pid, NodeId)],
    actors: &'a [Pid],
}

/// All nodes at each stage.
fn settled(records: &[Record]) -> BTreeMap<Stage, Vec<Settled<'_>>> {
    let mut stages: BTreeMap<Stage, Vec<Settled<'_>>> = BTreeMap::new();
    for record in records {
        let id = record.id;
        if let What::Settled { stage, up, names, groups, locks, held, actors, .. } = &record.what {
            let settled = Settled { id, up, names, groups, locks, held, actors };
            stages.entry(*stage).or_default().push(settled);
        }
    }
    stages
}

#[cfg(test)]
#[path = "check_test.rs"]
mod tests;
