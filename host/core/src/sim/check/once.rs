//! Every envelope that was sent arrives, is lost, or finds nobody, and only one of
//! these; every message is taken once at most, by whom it arrived at.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;

use super::super::trace::Kind;
use super::{Record, ensure};
use crate::id::Pid;
use crate::process::Event;

pub(super) fn check(records: &[Record]) -> Result<(), String> {
    let mut on_the_way: BTreeMap<u64, (Pid, Pid)> = BTreeMap::new();
    let mut waiting: BTreeSet<(Pid, Bytes)> = BTreeSet::new();
    for record in records {
        match record {
            Record::Sent { id, from, to } => {
                on_the_way.insert(*id, (*from, *to));
            }
            Record::Lost { id } | Record::Nobody { id } => {
                ensure(on_the_way.remove(id).is_some(), || {
                    format!("envelope {id} was gone already")
                })?;
            }
            Record::Arrived { id, from, to, kind, .. } => {
                ensure(on_the_way.remove(id) == Some((*from, *to)), || {
                    format!("envelope {id} from {from} to {to} was not on its way")
                })?;
                if let Kind::Message { body, .. } = kind {
                    waiting.insert((*to, body.clone()));
                }
            }
            Record::Took { by, event: Event::Message { body, .. }, .. } => {
                ensure(waiting.remove(&(*by, body.clone())), || {
                    format!("{by} took message {body:?}, which did not wait for it")
                })?;
            }
            _ => {}
        }
    }
    match on_the_way.first_key_value() {
        None => Ok(()),
        Some((id, (from, to))) => Err(format!("envelope {id} from {from} to {to} vanished")),
    }
}
