//! Nothing arrives at an actor of a dead incarnation. Nothing arrives from a node
//! between the moment its connection is known to be lost and the next connection with
//! that very incarnation.

use std::collections::BTreeSet;

use super::{Record, ensure};
use crate::id::NodeId;

pub(super) fn check(records: &[Record]) -> Result<(), String> {
    let mut dead: BTreeSet<NodeId> = BTreeSet::new();
    let mut lost: BTreeSet<(NodeId, NodeId)> = BTreeSet::new();
    for record in records {
        match record {
            Record::Restarted { old, .. } => {
                dead.insert(*old);
            }
            Record::NodeLost { at, lost: node } => {
                lost.insert((*at, *node));
            }
            Record::Connected { one, other } => {
                lost.remove(&(*one, *other));
                lost.remove(&(*other, *one));
            }
            Record::Arrived { id, from, to, .. } => {
                ensure(!dead.contains(&to.node), || {
                    format!("envelope {id} arrived at {to} of a dead incarnation")
                })?;
                ensure(!lost.contains(&(to.node, from.node)), || {
                    format!("envelope {id} of {from} arrived at {to} after its loss")
                })?;
            }
            _ => {}
        }
    }
    Ok(())
}
