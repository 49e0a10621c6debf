//! Signals from one actor to another arrive in the order in which they were sent.

use std::collections::BTreeMap;

use super::Record;
use crate::id::Pid;

pub(super) fn check(records: &[Record]) -> Result<(), String> {
    let mut last: BTreeMap<(Pid, Pid), u64> = BTreeMap::new();
    for record in records {
        let Record::Arrived { id, from, to, .. } = record else { continue };
        let before = last.insert((*from, *to), *id);
        if let Some(before) = before.filter(|before| before > id) {
            return Err(format!("envelope {id} from {from} to {to} arrived after {before}"));
        }
    }
    Ok(())
}
