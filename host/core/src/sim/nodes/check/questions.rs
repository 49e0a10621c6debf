//! Rules of asking for the node of an id.

use std::collections::{BTreeMap, BTreeSet};

use super::super::trace::{Record, What};
use super::{Run, ensure, run_of};
use crate::id::NodeId;
use crate::node::{Conn, Effect, Located};

/// Every id that is sought is located once, unless the node itself ends before; only
/// connections that are kept are asked, and who is asked answers, and nobody else.
pub(super) fn questions(records: &[Record]) -> Result<(), String> {
    let mut open: BTreeSet<(Run, NodeId)> = BTreeSet::new();
    let mut kept: BTreeSet<(Run, Conn)> = BTreeSet::new();
    let mut asked: BTreeMap<Run, (Conn, NodeId)> = BTreeMap::new();
    for record in records {
        let run = run_of(record);
        let due = asked.remove(&run);
        match &record.what {
            What::Sought(id) => {
                open.insert((run, *id));
            }
            What::Asked(conn, id) => {
                asked.insert(run, (*conn, *id));
            }
            What::Did(Effect::Located { id, .. }) => {
                ensure(open.remove(&(run, *id)), || format!("nobody sought it: {record:?}"))?;
            }
            What::Did(Effect::Keep { conn, .. }) => {
                kept.insert((run, *conn));
            }
            What::Did(Effect::Down { conn, .. }) => {
                kept.remove(&(run, *conn));
            }
            What::Did(Effect::Ask { id, conns, .. }) => {
                ensure(open.contains(&(run, *id)), || format!("nobody sought it: {record:?}"))?;
                let is_kept = conns.iter().all(|conn| kept.contains(&(run, *conn)));
                ensure(is_kept, || format!("not kept: {record:?}"))?;
            }
            What::Did(Effect::Answer { conn, id, .. }) => {
                let is_due = due == Some((*conn, *id)) && kept.contains(&(run, *conn));
                ensure(is_due, || format!("not asked: {record:?}"))?;
            }
            What::Ended => open.retain(|(other, _)| *other != run),
            What::Settled { .. } => {
                ensure(open.is_empty(), || format!("sought without an end: {open:?}"))?;
            }
            _ => {}
        }
    }
    Ok(())
}

/// An id is given to no other node than its own; and one that is said to be dead is, or
/// the node is connected in another run.
pub(super) fn truth(records: &[Record]) -> Result<(), String> {
    let mut names: BTreeMap<NodeId, &str> = BTreeMap::new();
    let mut lives: BTreeMap<usize, NodeId> = BTreeMap::new();
    let mut up: BTreeMap<(Run, &str), u64> = BTreeMap::new();
    for record in records {
        let run = run_of(record);
        match &record.what {
            What::Began(settings) => {
                names.insert(settings.id, &settings.name);
                lives.insert(record.place, settings.id);
            }
            What::Ended => {
                lives.remove(&record.place);
            }
            What::Did(Effect::Keep { info, .. }) => {
                up.insert((run, &info.name), info.id);
            }
            What::Did(Effect::Down { info, .. }) => {
                up.remove(&(run, info.name.as_str()));
            }
            What::Did(Effect::Located { id, located }) => {
                let name = names.get(id).copied().unwrap_or_default();
                let other = up.get(&(run, name)).is_some_and(|up| *up != id.get());
                let holds = match located {
                    Located::Name(located) => located == name,
                    Located::Dead => other || !lives.values().any(|lives| lives == id),
                    Located::Nobody => true,
                };
                ensure(holds, || format!("{id:?} is {name}'s: {record:?}"))?;
            }
            _ => {}
        }
    }
    Ok(())
}
