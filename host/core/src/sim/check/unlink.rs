//! After `unlink` returned, exit signals of that link have no effect, until a new link
//! was asked for by this end, or by the other end after it had heard of the unlink.

use std::collections::BTreeMap;

use super::super::trace::Kind;
use super::Record;
use crate::id::Pid;

/// What the unlinker may expect of its peer.
#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// The peer may not have heard of the unlink yet: its links do not count.
    Unheard,
    /// The peer has heard of it: a link of it would be a new one.
    Heard,
}

pub(super) fn check(records: &[Record]) -> Result<(), String> {
    // By the unlinker and its peer; absent while the link may have effects.
    let mut unlinked: BTreeMap<(Pid, Pid), State> = BTreeMap::new();
    for record in records {
        match record {
            Record::Unlinked { by, to } => {
                unlinked.entry((*by, *to)).or_insert(State::Unheard);
            }
            Record::Linked { by, to, .. } => {
                unlinked.remove(&(*by, *to));
            }
            Record::Arrived { id, from, to, kind, acted, .. } => {
                let pair = (*to, *from);
                match (kind, unlinked.get(&pair)) {
                    (Kind::LinkExit, Some(_)) if *acted => {
                        return Err(format!("exit {id} of {from} acted on {to}, which unlinked"));
                    }
                    (Kind::UnlinkAck, Some(State::Unheard)) => {
                        unlinked.insert(pair, State::Heard);
                    }
                    (Kind::Link, Some(State::Heard)) => {
                        unlinked.remove(&pair);
                    }
                    _ => {}
                }
            }
            // Both ends have forgotten the link; a new one may come from either.
            Record::NodeLost { at, lost } => {
                unlinked.retain(|(by, to), _| by.node != *at || to.node != *lost);
            }
            _ => {}
        }
    }
    Ok(())
}
