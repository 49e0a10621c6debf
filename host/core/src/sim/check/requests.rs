//! I/O requests, probes and spawn requests get exactly one answer, unless the asker
//! ends, the leader lives and stays silent, or the spawn was abandoned.

use std::collections::{BTreeMap, BTreeSet};

use super::{Record, ensure};
use crate::id::{Pid, Reference};
use crate::process::Event;

pub(super) fn check(records: &[Record]) -> Result<(), String> {
    let mut open: BTreeMap<Reference, Pid> = BTreeMap::new();
    let mut living: BTreeSet<Pid> = BTreeSet::new();
    let mut silent: BTreeMap<Reference, Pid> = BTreeMap::new();
    for record in records {
        match record {
            Record::Asked { by, reference } | Record::SpawnRequested { by, reference } => {
                open.insert(*reference, *by);
            }
            Record::Answered { by, reference }
            | Record::Took { by, event: Event::SpawnReply { request: reference, .. }, .. }
            | Record::SpawnAbandoned { by, reference } => {
                ensure(open.remove(reference) == Some(*by), || {
                    format!("{by} has an answer to {reference}, which was not open")
                })?;
            }
            Record::Final { pid, asks, .. } => {
                living.insert(*pid);
                silent.extend(asks.iter().copied());
            }
            _ => {}
        }
    }
    for (reference, by) in open {
        let waits_for_the_living = silent.get(&reference).is_some_and(|of| living.contains(of));
        ensure(!living.contains(&by) || waits_for_the_living, || {
            format!("{by} was never answered to {reference}")
        })?;
    }
    Ok(())
}
