//! Puts the pieces of long frames together again.
//!
//! A stream is one whole frame of a signal, cut into pieces; its number is higher than
//! that of every stream before it. The first piece holds the frame's header, so that
//! a frame that may not come is refused at once. Memory is taken for what has arrived,
//! and for no more than 2 MiB of what was announced: of all streams together, that is
//! no more than twice what may arrive.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;

use super::inbound::Violation;
use super::rooms::{Fresh, Rooms};
use super::{STREAMS_BYTES_MAX, STREAMS_MAX};
use crate::wire::kind::is_signal;
use crate::wire::{HEADER_BYTES, SIGNAL_BYTES_MAX, STREAM_PIECE_BYTES};

/// Bytes of an announced frame that memory is taken for before they arrive.
const AHEAD_BYTES: usize = 2 * STREAMS_BYTES_MAX / STREAMS_MAX;

/// A frame of which some pieces have arrived.
struct Partial {
    /// The whole frame's length, as its header says.
    length: usize,
    bytes: Vec<u8>,
}

/// The streams of one direction.
pub(super) struct Fragments {
    rooms: Arc<dyn Rooms>,
    under_way: BTreeMap<u64, Partial>,
    /// Bytes of all partial frames.
    held_bytes: usize,
    /// The least number that a new stream may have.
    next: u64,
}

impl Default for Fragments {
    fn default() -> Self {
        Self::new(Arc::new(Fresh))
    }
}

impl Fragments {
    /// Puts frames together in these.
    pub(super) fn new(rooms: Arc<dyn Rooms>) -> Self {
        Self { rooms, under_way: BTreeMap::new(), held_bytes: 0, next: 0 }
    }

    /// A piece arrived. The whole frame, if it was the last one.
    ///
    /// # Errors
    /// When it breaks a rule; the connection must end.
    pub(super) fn received(
        &mut self,
        stream: u64,
        last: bool,
        piece: &[u8],
    ) -> Result<Option<Bytes>, Violation> {
        if piece.is_empty() || piece.len() > STREAM_PIECE_BYTES {
            return Err(Violation::PieceLength(piece.len()));
        }
        if self.held_bytes + piece.len() > STREAMS_BYTES_MAX {
            return Err(Violation::StreamsBytes);
        }
        if !self.under_way.contains_key(&stream) {
            self.begin(stream, piece)?;
        }
        let Some(partial) = self.under_way.get_mut(&stream) else {
            return Err(Violation::StreamNumber(stream));
        };
        let length = partial.bytes.len() + piece.len();
        if length > partial.length || last != (length == partial.length) {
            return Err(Violation::StreamLength(stream));
        }
        if length > partial.bytes.capacity() {
            let room = (2 * length).max(AHEAD_BYTES).min(partial.length);
            if partial.bytes.is_empty() {
                partial.bytes = self.rooms.room(room);
            } else {
                partial.bytes.reserve_exact(room - partial.bytes.len());
            }
        }
        partial.bytes.extend_from_slice(piece);
        self.held_bytes += piece.len();
        if !last {
            return Ok(None);
        }
        self.held_bytes -= length;
        Ok(self.under_way.remove(&stream).map(|partial| self.rooms.shared(partial.bytes)))
    }

    /// Bytes of all frames that are not whole.
    #[cfg(any(test, feature = "fuzz"))]
    pub(super) fn held_bytes(&self) -> usize {
        self.held_bytes
    }

    fn begin(&mut self, stream: u64, piece: &[u8]) -> Result<(), Violation> {
        if stream < self.next {
            return Err(Violation::StreamNumber(stream));
        }
        if self.under_way.len() >= STREAMS_MAX {
            return Err(Violation::Streams);
        }
        let Some((&[kind, a, b, c, d], _)) = piece.split_first_chunk::<HEADER_BYTES>() else {
            return Err(Violation::PieceLength(piece.len()));
        };
        if !is_signal(kind) {
            return Err(Violation::StreamKind(kind));
        }
        let body = u32::from_le_bytes([a, b, c, d]);
        let length = usize::try_from(body).unwrap_or(usize::MAX).saturating_add(HEADER_BYTES);
        if length > SIGNAL_BYTES_MAX {
            return Err(Violation::SignalLength(length));
        }
        // A stream after the last number there is could only break the rule itself.
        self.next = stream.saturating_add(1);
        self.under_way.insert(stream, Partial { length, bytes: Vec::new() });
        Ok(())
    }
}

#[cfg(test)]
#[path = "fragments_test.rs"]
mod tests;
