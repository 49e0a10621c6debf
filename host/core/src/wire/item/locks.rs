//! What machines of locks say to each other, as postcard carries it. The order of
//! variants and fields is the wire's: it must not change.

use serde::{Deserialize, Serialize};

use super::decode::Reader;
use crate::id::{NodeId, Pid};
use crate::locks::{Frame, LockId, Refusal};
use crate::wire::DecodeError;
use crate::wire::codec::append;

#[derive(Serialize, Deserialize)]
enum Fixed<'a> {
    /// Ticket, resource, requester, the sender's actor, stamp, waits.
    Ask(u64, &'a [u8], &'a [u8], u64, u64, bool),
    /// Ticket, stamp.
    Grant(u64, u64),
    /// Ticket, stamp, why.
    Refuse(u64, u64, Why),
    Wound(u64),
    Yield(u64),
    Hold(u64),
    /// Ticket, confirm.
    Release(u64, u64),
    Released(u64),
}

#[derive(Serialize, Deserialize)]
enum Why {
    /// Node, serial.
    Held(u64, u64),
    Limit,
}

/// Appends a frame's body.
pub(super) fn encode(frame: &Frame, out: &mut Vec<u8>) {
    let fixed = match frame {
        Frame::Ask { ticket, id: LockId { resource, requester }, serial, stamp, waits } => {
            let [resource, requester] = [resource, requester].map(|key| key.as_bytes());
            Fixed::Ask(*ticket, resource, requester, *serial, *stamp, *waits)
        }
        Frame::Grant { ticket, stamp } => Fixed::Grant(*ticket, *stamp),
        Frame::Refuse { ticket, stamp, refusal } => {
            let why = match refusal {
                Refusal::Held(pid) => Why::Held(pid.node.get(), pid.serial),
                Refusal::Limit => Why::Limit,
            };
            Fixed::Refuse(*ticket, *stamp, why)
        }
        Frame::Wound { ticket } => Fixed::Wound(*ticket),
        Frame::Yield { ticket } => Fixed::Yield(*ticket),
        Frame::Hold { ticket } => Fixed::Hold(*ticket),
        Frame::Release { ticket, confirm } => Fixed::Release(*ticket, *confirm),
        Frame::Released { confirm } => Fixed::Released(*confirm),
    };
    append(out, &fixed);
}

impl Reader<'_> {
    /// What a node said about locks.
    pub(super) fn locks(&mut self) -> Result<Frame, DecodeError> {
        Ok(match self.take()? {
            Fixed::Ask(ticket, resource, requester, serial, stamp, waits) => {
                let [resource, requester] = [self.key_of(resource)?, self.key_of(requester)?];
                let (id, serial) = (LockId { resource, requester }, self.checked(serial)?);
                Frame::Ask { ticket, id, serial, stamp, waits }
            }
            Fixed::Grant(ticket, stamp) => Frame::Grant { ticket, stamp },
            Fixed::Refuse(ticket, stamp, Why::Held(node, serial)) => {
                let node = NodeId::from_wire(self.checked(node)?);
                let refusal = Refusal::Held(Pid { node, serial: self.checked(serial)? });
                Frame::Refuse { ticket, stamp, refusal }
            }
            Fixed::Refuse(ticket, stamp, Why::Limit) => {
                Frame::Refuse { ticket, stamp, refusal: Refusal::Limit }
            }
            Fixed::Wound(ticket) => Frame::Wound { ticket },
            Fixed::Yield(ticket) => Frame::Yield { ticket },
            Fixed::Hold(ticket) => Frame::Hold { ticket },
            Fixed::Release(ticket, confirm) => Frame::Release { ticket, confirm },
            Fixed::Released(confirm) => Frame::Released { confirm },
        })
    }
}

#[cfg(test)]
#[path = "locks_test.rs"]
mod tests;
