//! An alias begins once and ends once, no later than its owner; what comes through it
//! acts only in between.

use std::collections::BTreeMap;

use super::super::trace::Kind;
use super::{Record, ensure};
use crate::id::{Pid, Reference};

pub(super) fn check(records: &[Record]) -> Result<(), String> {
    let mut active: BTreeMap<Reference, Pid> = BTreeMap::new();
    for record in records {
        match record {
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
