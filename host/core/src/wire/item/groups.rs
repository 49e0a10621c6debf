//! What machines of groups say to each other, as postcard carries it. The order of
//! variants and fields is the wire's: it must not change.

use serde::{Deserialize, Serialize};

use super::decode::Reader;
use crate::groups::{Frame, MEMBERS_PER_FRAME_MAX, Members};
use crate::wire::DecodeError;
use crate::wire::codec::append;

#[derive(Serialize, Deserialize)]
enum Fixed<'a> {
    Discover(&'a [u8]),
    /// Scope, version, first, last; followed by members.
    Sync(&'a [u8], u64, bool, bool),
    /// Scope, version, joined; followed by members.
    Change(&'a [u8], u64, bool),
    Gone(&'a [u8]),
}

/// The members that a frame carries.
fn members_of(frame: &Frame) -> Option<&Members> {
    match frame {
        Frame::Sync { members, .. } | Frame::Change { members, .. } => Some(members),
        Frame::Discover { .. } | Frame::Gone { .. } => None,
    }
}

/// Whether more groups or members are in the frame than may be.
pub(super) fn is_too_long(frame: &Frame) -> bool {
    members_of(frame).is_some_and(|members| {
        let count: usize = members.iter().map(|(_, serials)| serials.len()).sum();
        members.len().max(count) > MEMBERS_PER_FRAME_MAX
    })
}

/// Appends a frame's body.
pub(super) fn encode(frame: &Frame, out: &mut Vec<u8>) {
    let fixed = match frame {
        Frame::Discover { scope } => Fixed::Discover(scope.as_bytes()),
        Frame::Sync { scope, version, first, last, .. } => {
            Fixed::Sync(scope.as_bytes(), *version, *first, *last)
        }
        Frame::Change { scope, version, joined, .. } => {
            Fixed::Change(scope.as_bytes(), *version, *joined)
        }
        Frame::Gone { scope } => Fixed::Gone(scope.as_bytes()),
    };
    append(out, &fixed);
    if let Some(members) = members_of(frame) {
        append(out, &(members.len() as u64));
        for (group, serials) in members {
            append(out, &(group.as_bytes(), serials));
        }
    }
}

impl Reader<'_> {
    /// What a node said about groups.
    pub(super) fn groups(&mut self) -> Result<Frame, DecodeError> {
        Ok(match self.take()? {
            Fixed::Discover(scope) => Frame::Discover { scope: self.key_of(scope)? },
            Fixed::Sync(scope, version, first, last) => {
                let (scope, members) = (self.key_of(scope)?, self.members()?);
                Frame::Sync { scope, version, first, last, members }
            }
            Fixed::Change(scope, version, joined) => {
                let (scope, members) = (self.key_of(scope)?, self.members()?);
                Frame::Change { scope, version, joined, members }
            }
            Fixed::Gone(scope) => Frame::Gone { scope: self.key_of(scope)? },
        })
    }

    fn members(&mut self) -> Result<Members, DecodeError> {
        let mut members = Members::new();
        let mut room = MEMBERS_PER_FRAME_MAX;
        for _ in 0..self.count(MEMBERS_PER_FRAME_MAX)? {
            let group = self.key()?;
            let count = self.count(room)?;
            room -= count;
            let mut serials = Vec::new();
            for _ in 0..count {
                serials.push(self.id()?);
            }
            members.push((group, serials));
        }
        Ok(members)
    }
}

#[cfg(test)]
#[path = "groups_test.rs"]
mod tests;
