//! What must hold in every simulation of nodes, each rule a function of the trace alone.
//!
//! | rule | what it says |
//! |---|---|
//! | `agreement` | at the end each two nodes have one connection, and mean the same |
//! | `both_sides` | no connection stays at one side only |
//! | `one_at_a_time` | no connection is kept, and no node dialled, while another is up |
//! | `answers` | every want ends in a connection or a failure |
//! | `decisions` | every connection is decided upon |
//! | `consistency` | the parts of a machine fit together |
//! | `ends` | nothing is said of a connection after its end |
//! | `tellings` | subscribers hear of every up and down that fits, at once, in turn |
//! | `signals` | signals come only over connections that are kept |
//! | `bars` | nobody dials by itself whom it may not |
//! | `secrets` | nobody tells of hidden nodes, nor tells them anything |
//! | `whereabouts` | the ids of runs are found where they are |
//! | `questions` | whoever sends to an unknown id hears once; only who is asked answers |
//! | `truth` | what is said of an unknown id is so |

mod questions;

use std::collections::{BTreeMap, BTreeSet};

use super::trace::{Found, Record, What};
use crate::id::Pid;
use crate::node::{
    AutoConnect, Conn, Effect, INCARNATIONS_MAX, Interest, NODES_PER_FRAME_MAX, NodeEvent,
    Settings, Want, Whereabouts,
};

/// A rule: what is wrong with these records, if anything.
pub type Rule = fn(&[Record]) -> Result<(), String>;

/// All rules, by name.
pub const RULES: [(&str, Rule); 14] = [
    ("agreement", agreement),
    ("both_sides", both_sides),
    ("one_at_a_time", one_at_a_time),
    ("answers", answers),
    ("decisions", decisions),
    ("consistency", consistency),
    ("ends", ends),
    ("tellings", tellings),
    ("signals", signals),
    ("bars", bars),
    ("secrets", secrets),
    ("whereabouts", whereabouts),
    ("questions", questions::questions),
    ("truth", questions::truth),
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

/// One run of one node.
type Run = (usize, u64);

fn run_of(record: &Record) -> Run {
    (record.place, record.run)
}

/// The settings of every run.
fn settings(records: &[Record]) -> BTreeMap<Run, &Settings> {
    let began = records.iter().filter_map(|record| match &record.what {
        What::Began(settings) => Some((run_of(record), settings)),
        _ => None,
    });
    began.collect()
}

/// The name of every node, in the order of their places.
fn names(records: &[Record]) -> BTreeMap<usize, &str> {
    settings(records).iter().map(|((place, _), all)| (*place, all.name.as_str())).collect()
}

/// Once everybody wanted everybody, each two nodes have one connection, and mean the same.
fn agreement(records: &[Record]) -> Result<(), String> {
    let names = names(records);
    for record in records {
        let What::Settled { up, complete: true, .. } = &record.what else { continue };
        let to: BTreeSet<&str> = up.iter().map(|(name, _)| name.as_str()).collect();
        let place = record.place;
        ensure(to.len() == up.len(), || format!("{place} is twice connected: {up:?}"))?;
        let others = names.iter().filter(|(other, _)| **other != place).map(|(_, name)| *name);
        ensure(to == others.collect(), || format!("{place} is connected with {up:?} only"))?;
    }
    both_sides(records)
}

/// Whenever nothing moves any more, a connection that one side has the other has too.
fn both_sides(records: &[Record]) -> Result<(), String> {
    let names = names(records);
    // By whether everybody wanted everybody, and by wire: who means it, and with whom.
    let mut sides: BTreeMap<(bool, u64), Vec<(&str, &str)>> = BTreeMap::new();
    for record in records {
        let What::Settled { up, complete, .. } = &record.what else { continue };
        for (name, wire) in up {
            sides.entry((*complete, *wire)).or_default().push((names[&record.place], name));
        }
    }
    for ((_, wire), sides) in sides {
        let fits = matches!(&sides[..], [(a, b), (c, d)] if a == d && b == c);
        ensure(fits, || format!("wire {wire} is kept by {sides:?}"))?;
    }
    Ok(())
}

/// A node never keeps a second connection to a name, nor dials it, while one is up.
fn one_at_a_time(records: &[Record]) -> Result<(), String> {
    let mut up: BTreeMap<(Run, &str), Conn> = BTreeMap::new();
    for record in records {
        let What::Did(effect) = &record.what else { continue };
        let run = run_of(record);
        match effect {
            Effect::Keep { conn, info, .. } => {
                let before = up.insert((run, &info.name), *conn);
                ensure(before.is_none(), || format!("{before:?} is up, too: {record:?}"))?;
            }
            Effect::Down { conn, info, .. } => {
                let before = up.remove(&(run, info.name.as_str()));
                ensure(before == Some(*conn), || format!("{before:?} is up: {record:?}"))?;
            }
            Effect::Dial { name, .. } => {
                let is_up = up.contains_key(&(run, name.as_str()));
                ensure(!is_up, || format!("it is up: {record:?}"))?;
            }
            _ => {}
        }
    }
    Ok(())
}

/// Every want ends in a connection or a failure, unless the node itself ends before.
fn answers(records: &[Record]) -> Result<(), String> {
    let mut wanted: BTreeMap<(Run, &str), u64> = BTreeMap::new();
    let mut dialled: BTreeMap<(Run, &str), u64> = BTreeMap::new();
    for record in records {
        let run = run_of(record);
        match &record.what {
            What::Wanted { name, want: Want::Pending, .. } => {
                wanted.insert((run, name), record.time);
            }
            What::Did(Effect::Dial { name, .. }) => {
                dialled.insert((run, name), record.time);
            }
            What::Did(Effect::Keep { info, .. }) => {
                wanted.remove(&(run, info.name.as_str()));
                dialled.remove(&(run, info.name.as_str()));
            }
            What::Did(Effect::Failed { name, .. }) => {
                wanted.remove(&(run, name.as_str()));
                dialled.remove(&(run, name.as_str()));
            }
            What::Ended => {
                wanted.retain(|(other, _), _| *other != run);
                dialled.retain(|(other, _), _| *other != run);
            }
            What::Settled { .. } => {
                ensure(wanted.is_empty(), || format!("wants without an end: {wanted:?}"))?;
                ensure(dialled.is_empty(), || format!("dials without an end: {dialled:?}"))?;
            }
            _ => {}
        }
    }
    Ok(())
}

/// Every connection that a machine is told of is kept, welcomed, refused or closed at once.
fn decisions(records: &[Record]) -> Result<(), String> {
    let mut open: BTreeSet<(Run, Conn)> = BTreeSet::new();
    for record in records {
        let run = run_of(record);
        match &record.what {
            What::Did(
                Effect::Keep { conn, .. }
                | Effect::Welcome { conn }
                | Effect::Refuse { conn, .. }
                | Effect::Close { conn, .. },
            ) => {
                open.remove(&(run, *conn));
            }
            What::Did(_) => {}
            what => {
                ensure(open.is_empty(), || format!("undecided before {record:?}: {open:?}"))?;
                if let What::Opened(conn) = what {
                    open.insert((run, *conn));
                }
            }
        }
    }
    Ok(())
}

/// After every event the parts of a machine fit together.
fn consistency(records: &[Record]) -> Result<(), String> {
    let is_it = |record: &&Record| matches!(record.what, What::Inconsistent(_));
    let found = records.iter().find(is_it);
    ensure(found.is_none(), || format!("{found:?}"))
}

/// No effect is about a connection after its end.
fn ends(records: &[Record]) -> Result<(), String> {
    let mut ended: BTreeSet<(Run, Conn)> = BTreeSet::new();
    let mut lost: BTreeSet<(Run, Conn)> = BTreeSet::new();
    for record in records {
        let run = run_of(record);
        let (conn, is_end) = match &record.what {
            What::Lost(conn) => {
                lost.insert((run, *conn));
                continue;
            }
            What::Did(
                Effect::Refuse { conn, .. }
                | Effect::Close { conn, .. }
                | Effect::Down { conn, .. },
            ) => (*conn, true),
            What::Did(
                Effect::Keep { conn, .. }
                | Effect::Nodes { conn, .. }
                | Effect::Answer { conn, .. }
                | Effect::Welcome { conn },
            ) => (*conn, false),
            _ => continue,
        };
        let is_over = ended.contains(&(run, conn)) || !is_end && lost.contains(&(run, conn));
        ensure(!is_over, || format!("after the end of that connection: {record:?}"))?;
        if is_end {
            ended.insert((run, conn));
        }
    }
    Ok(())
}

/// Right after each `Keep` and `Down`, each subscription that it fits is told, and nobody
/// else ever.
fn tellings(records: &[Record]) -> Result<(), String> {
    let settings = settings(records);
    // The actors of each node, as `What::Began` says.
    let interests = [
        (1, Interest::Visible),
        (2, Interest::Hidden),
        (3, Interest::All),
        (4, Interest::All),
        (4, Interest::All),
    ];
    let mut due: Vec<(Pid, &str, bool)> = Vec::new();
    for record in records {
        let own = settings[&run_of(record)];
        match &record.what {
            What::Did(Effect::Tell { to, change }) if change.name != own.name => {
                let is_up = change.event == NodeEvent::Up;
                let told = (*to, change.name.as_str(), is_up);
                let is_next = !due.is_empty() && due.remove(0) == told;
                ensure(is_next, || format!("told out of turn: {record:?}"))?;
            }
            // A node itself comes and goes without a connection.
            What::Did(Effect::Tell { .. }) => {}
            what => {
                ensure(due.is_empty(), || format!("not told before {record:?}: {due:?}"))?;
                let (info, is_up) = match what {
                    What::Did(Effect::Keep { info, .. }) => (info, true),
                    What::Did(Effect::Down { info, .. }) => (info, false),
                    _ => continue,
                };
                let hidden = own.hidden || info.hidden;
                let fits = |interest| match interest {
                    Interest::Visible => !hidden,
                    Interest::Hidden => hidden,
                    Interest::All => true,
                };
                let told = interests.iter().filter(|(_, interest)| fits(*interest));
                let to = |serial: u64| Pid { node: own.id, serial };
                due.extend(told.map(|(serial, _)| (to(*serial), info.name.as_str(), is_up)));
            }
        }
    }
    Ok(())
}

/// A signal never comes over a connection that this side did not keep.
fn signals(records: &[Record]) -> Result<(), String> {
    let mut kept: BTreeSet<(Run, Conn)> = BTreeSet::new();
    for record in records {
        let run = run_of(record);
        match &record.what {
            What::Did(Effect::Keep { conn, .. }) => {
                kept.insert((run, *conn));
            }
            What::Did(Effect::Down { conn, .. }) => {
                kept.remove(&(run, *conn));
            }
            What::Signal(conn) => {
                let is_kept = kept.contains(&(run, *conn));
                ensure(is_kept, || format!("not kept: {record:?}"))?;
            }
            _ => {}
        }
    }
    Ok(())
}

/// Under `never` a node dials only whom somebody explicitly connects with; under `once`
/// also whom it did not lose since it last came, or began anew.
fn bars(records: &[Record]) -> Result<(), String> {
    let settings = settings(records);
    let mut explicit: BTreeSet<(Run, &str)> = BTreeSet::new();
    let mut barred: BTreeSet<(Run, &str)> = BTreeSet::new();
    for record in records {
        let run = run_of(record);
        match &record.what {
            What::Wanted { name, explicit: true, .. } => {
                explicit.insert((run, name));
                barred.remove(&(run, name.as_str()));
            }
            What::Did(Effect::Keep { info, .. }) => {
                explicit.remove(&(run, info.name.as_str()));
                barred.remove(&(run, info.name.as_str()));
            }
            What::Did(Effect::Failed { name, .. }) => {
                explicit.remove(&(run, name.as_str()));
            }
            What::Did(Effect::Down { info, .. }) => {
                barred.insert((run, &info.name));
            }
            What::Left => barred.retain(|(other, _)| *other != run),
            What::Did(Effect::Dial { name, .. }) => {
                let who = (run, name.as_str());
                let may = match settings[&run].auto {
                    AutoConnect::Always => true,
                    AutoConnect::Once => !barred.contains(&who),
                    AutoConnect::Never => explicit.contains(&who),
                };
                ensure(may, || format!("not by itself: {record:?}"))?;
            }
            _ => {}
        }
    }
    Ok(())
}

/// Only visible nodes are told, by visible nodes, of visible nodes, and not too many.
fn secrets(records: &[Record]) -> Result<(), String> {
    let settings = settings(records);
    let mut hidden: BTreeSet<(Run, Conn)> = BTreeSet::new();
    for record in records {
        let run = run_of(record);
        match &record.what {
            What::Did(Effect::Keep { conn, info, .. }) if info.hidden => {
                hidden.insert((run, *conn));
            }
            What::Did(Effect::Nodes { conn, nodes }) => {
                let own = settings[&run];
                let is_open = !own.hidden && own.mesh && !hidden.contains(&(run, *conn));
                let fits = (1..=NODES_PER_FRAME_MAX).contains(&nodes.len());
                let holds = is_open && fits && nodes.iter().all(|info| !info.hidden);
                ensure(holds, || format!("told too much: {record:?}"))?;
            }
            _ => {}
        }
    }
    Ok(())
}

/// A run that was connected is found as the last one of its name or as dead; and when
/// everybody is connected, whatever lives is found at the end of a connection.
fn whereabouts(records: &[Record]) -> Result<(), String> {
    let mut met: BTreeMap<(Run, &str), Vec<u64>> = BTreeMap::new();
    for record in records {
        let run = run_of(record);
        match &record.what {
            What::Did(Effect::Keep { info, .. }) => {
                let ids = met.entry((run, &info.name)).or_default();
                ids.retain(|id| *id != info.id);
                ids.push(info.id);
            }
            What::Settled { found, complete, .. } => {
                for one in found {
                    let ids = met.get(&(run, one.name.as_str())).map_or(&[][..], Vec::as_slice);
                    let holds = is_found_rightly(one, ids, *complete);
                    ensure(holds, || format!("{run:?}, which met {ids:?}, finds {one:?}"))?;
                }
            }
            _ => {}
        }
    }
    Ok(())
}

/// Whether a node that was connected with these runs of another, the last one last, and may
/// have been told of more, finds this run of it rightly.
fn is_found_rightly(one: &Found, met: &[u64], complete: bool) -> bool {
    let age = met.iter().rev().position(|id| *id == one.id.get());
    match one.whereabouts {
        Whereabouts::Own => false,
        Whereabouts::Connected(_) => age == Some(0) && one.lives,
        Whereabouts::Known(_) => !complete && age.is_none_or(|age| age == 0),
        Whereabouts::Dead => age != Some(0) && !(complete && one.lives),
        Whereabouts::Unknown => {
            !(complete && one.lives) && age.is_none_or(|age| age > INCARNATIONS_MAX)
        }
    }
}

#[cfg(test)]
#[path = "check_test.rs"]
mod tests;
