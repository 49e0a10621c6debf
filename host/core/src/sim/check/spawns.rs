//! The reply to a spawn request is taken before any exit or down of the child, save
//! where the parent asked for those to overtake.

use std::collections::BTreeSet;

use super::{Record, ensure};
use crate::id::Pid;
use crate::process::Event;
use crate::signal::Monitored;

pub(super) fn check(records: &[Record]) -> Result<(), String> {
    let mut heard_of: BTreeSet<(Pid, Pid)> = BTreeSet::new();
    let mut overtaking: BTreeSet<(Pid, Pid)> = BTreeSet::new();
    for record in records {
        match record {
            Record::Linked { by, to, priority: true }
            | Record::Monitored { by, of: to, priority: true, .. } => {
                overtaking.insert((*by, *to));
            }
            Record::Took { by, picked: false, event: Event::Exit { sender, .. } } => {
                heard_of.insert((*by, *sender));
            }
            Record::Took {
                by,
                picked: false,
                event: Event::Down { object: Monitored::Pid(of), .. },
            } => {
                heard_of.insert((*by, *of));
            }
            Record::Took { by, event: Event::SpawnReply { outcome: Ok(child), .. }, .. } => {
                let pair = (*by, *child);
                ensure(!heard_of.contains(&pair) || overtaking.contains(&pair), || {
                    format!("{by} heard of {child} before the reply to its spawn")
                })?;
            }
            _ => {}
        }
    }
    Ok(())
}
