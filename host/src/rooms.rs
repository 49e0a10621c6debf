//! Memory for long messages, used again.
//!
//! On a busy connection a message of a mebibyte lives for a millisecond. The allocator gives
//! such memory back to the system, which clears it before it gives it out anew; and it takes
//! another place each time, which is in no cache. So a few of the last ones are kept, and
//! the last one is taken first. All nodes of a process share them. Must not know what the
//! bytes are.

use bytes::Bytes;
use odeon_core::peer::rooms::Rooms;
use parking_lot::Mutex;

/// Shorter messages take what the allocator has.
const BYTES_MIN: usize = 128 << 10;

/// What has more room is not kept.
const BYTES_MAX: usize = 2 << 20;

/// As many are kept: 16 MiB at most.
const KEPT_MAX: usize = 8;

/// A room has at most so many times the bytes that are put there.
const WASTE_MAX: usize = 4;

static KEPT: Mutex<Vec<Vec<u8>>> = Mutex::new(Vec::new());

/// The rooms of this process.
pub(crate) struct Kept;

impl Rooms for Kept {
    fn room(&self, bytes: usize) -> Vec<u8> {
        let fits = |room: &Vec<u8>| (bytes..=WASTE_MAX * bytes).contains(&room.capacity());
        let found = (bytes >= BYTES_MIN).then(|| {
            let mut kept = KEPT.lock();
            kept.iter().rposition(fits).map(|at| kept.remove(at))
        });
        found.flatten().unwrap_or_else(|| Vec::with_capacity(bytes))
    }

    fn shared(&self, bytes: Vec<u8>) -> Bytes {
        if bytes.capacity() < BYTES_MIN {
            return bytes.into();
        }
        Bytes::from_owner(Room(bytes))
    }
}

/// A copy of these bytes.
pub(crate) fn copy(bytes: &[u8]) -> Bytes {
    if bytes.len() < BYTES_MIN {
        return Bytes::copy_from_slice(bytes);
    }
    let mut room = Kept.room(bytes.len());
    room.extend_from_slice(bytes);
    Kept.shared(room)
}

/// Bytes in a room that comes back.
struct Room(Vec<u8>);

impl AsRef<[u8]> for Room {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        if self.0.capacity() > BYTES_MAX {
            return;
        }
        let mut room = std::mem::take(&mut self.0);
        room.clear();
        let mut kept = KEPT.lock();
        if kept.len() < KEPT_MAX {
            kept.push(room);
        }
    }
}

#[cfg(test)]
#[path = "rooms_test.rs"]
mod tests;
