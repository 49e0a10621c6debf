//! An alias begins once and ends once, no later than its owner, and no later than its
//! monitor or its first message where it was made so; what comes through it acts only
//! in between.

use std::collections::{BTreeMap, BTreeSet};

use super::super::trace::Kind;
use super::{Record, ensure};
use crate::id::{Pid, Reference};
use crate::process::Event;

pub(super) fn check(records: &[Record]) -> Result<(), String> {
    let mut active: BTreeMap<Reference, Pid> = BTreeMap::new();
    let mut for_one_reply: BTreeSet<Reference> = BTreeSet::new();
    let mut with_monitor: BTreeSet<Reference> = BTreeSet::new();
    let mut used: BTreeSet<Reference> = BTreeSet::new();
    for record in records {
        match record {
            Record::ForOneReply { reference } => {
                for_one_reply.insert(*reference);
            }
            Record::WithMonitor { reference } => {
                with_monitor.insert(*reference);
            }
            Record::Took { by, event: Event::Down { monitor, .. }, .. } => {
                let outlives = with_monitor.contains(monitor) && active.contains_key(monitor);
                ensure(!outlives, || format!("alias {monitor} of {by} outlives its monitor"))?;
            }
            Record::AliasOn { by, reference } => {
                ensure(active.insert(*reference, *by).is_none(), || {
                    format!("alias {reference} of {by} began twice")
                })?;
            }
            Record::AliasOff { by, reference } => {
                ensure(active.remove(reference) == Some(*by), || {
                    format!("alias {reference} of {by} ended without being active")
                })?;
            }
            Record::Arrived {
                id, to, kind: Kind::Message { via: Some(alias), .. }, acted, ..
            } => {
                ensure(!acted || active.get(alias) == Some(to), || {
                    format!("message {id} came to {to} by inactive alias {alias}")
                })?;
                if *acted {
                    let is_first = used.insert(*alias);
                    ensure(is_first || !for_one_reply.contains(alias), || {
                        format!("message {id} is not the first by alias {alias}")
                    })?;
                }
            }
            Record::Ended { pid } => {
                if let Some((alias, _)) = active.iter().find(|(_, of)| *of == pid) {
                    return Err(format!("{pid} ended and left its alias {alias} active"));
                }
            }
            Record::Restarted { old, .. } => active.retain(|_, of| of.node != *old),
            _ => {}
        }
    }
    Ok(())
}
