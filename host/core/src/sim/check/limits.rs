//! No mailbox ever holds more events than it may.

use std::collections::BTreeMap;

use super::Record;
use crate::id::Pid;

pub(super) fn check(records: &[Record]) -> Result<(), String> {
    let mut limits: BTreeMap<Pid, usize> = BTreeMap::new();
    for record in records {
        match record {
            Record::Born { pid, mailbox_max } => {
                limits.insert(*pid, *mailbox_max);
            }
            Record::Arrived { to, mailbox, .. } => match limits.get(to) {
                Some(max) if mailbox <= max => {}
                Some(max) => return Err(format!("{mailbox} events wait for {to}, above {max}")),
                None => return Err(format!("{to} was never born")),
            },
            _ => {}
        }
    }
    Ok(())
}
