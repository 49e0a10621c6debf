//! When all has settled, whoever is linked with somebody is linked by that one too.

use std::collections::BTreeMap;

use super::Record;
use crate::id::Pid;

pub(super) fn check(records: &[Record]) -> Result<(), String> {
    let mut links: BTreeMap<Pid, &[Pid]> = BTreeMap::new();
    for record in records {
        if let Record::Final { pid, info, .. } = record {
            links.insert(*pid, &info.links);
        }
    }
    for (pid, peers) in &links {
        for peer in *peers {
            match links.get(peer) {
                None => return Err(format!("{pid} is linked with {peer}, which is dead")),
                Some(back) if !back.contains(pid) => {
                    return Err(format!("{pid} is linked with {peer}, but not the other way"));
                }
                Some(_) => {}
            }
        }
    }
    Ok(())
}
