//! Whole frames that wait in the order in which they came, as the bytes that will be
//! sent.

use std::collections::VecDeque;

use crate::wire::HEADER_BYTES;

/// A chunk that has reached this takes no more frames, in bytes.
const CHUNK_BYTES: usize = 48 << 10;

/// An empty lane keeps a chunk of up to this, in bytes: there is one for each other node.
const CHUNK_KEPT_BYTES_MAX: usize = 16 << 10;

/// A queue of encoded frames. Frames are appended to the last of some chunks, so a push
/// seldom allocates, and a long queue neither moves nor stays when it drains.
#[derive(Default)]
pub(super) struct Lane {
    chunks: VecDeque<Vec<u8>>,
    /// What was taken off the front chunk.
    taken: usize,
    /// Bytes that wait.
    bytes: usize,
    /// Bytes that were ever pushed. Does not overflow: 2^64 bytes take centuries.
    pushed: u64,
}

impl Lane {
    /// Where the next frame is to be appended; [`added`](Self::added) must follow.
    #[inline]
    pub(super) fn end(&mut self) -> &mut Vec<u8> {
        if self.chunks.back().is_none_or(|chunk| chunk.len() >= CHUNK_BYTES) {
            self.add_chunk();
        }
        self.chunks.back_mut().expect("there is one now")
    }

    #[cold]
    fn add_chunk(&mut self) {
        // The first one grows with what little there is; behind a full one there is more.
        let chunk = match self.chunks.len() {
            0 => Vec::new(),
            _ => Vec::with_capacity(CHUNK_BYTES + (16 << 10)),
        };
        self.chunks.push_back(chunk);
    }

    /// So many bytes of whole frames were appended.
    #[inline]
    pub(super) fn added(&mut self, bytes: usize) {
        self.bytes += bytes;
        self.pushed += bytes as u64;
    }

    /// Appends whole frames as they are. No empty chunk may stand before a full one.
    pub(super) fn append(&mut self, frames: Vec<u8>) {
        if frames.is_empty() {
            return;
        }
        self.added(frames.len());
        match self.chunks.back_mut() {
            Some(empty) if empty.is_empty() => *empty = frames,
            _ => self.chunks.push_back(frames),
        }
    }

    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Marks the end of the lane as it is now.
    pub(super) fn position(&self) -> u64 {
        self.pushed
    }

    /// Whether all that stood before this mark has been taken.
    pub(super) fn has_passed(&self, position: u64) -> bool {
        self.pushed - self.bytes as u64 >= position
    }

    /// The length of the frame at the front.
    pub(super) fn front_bytes(&self) -> Option<usize> {
        let chunk = self.chunks.front()?;
        frame_bytes(chunk.get(self.taken..)?)
    }

    /// The memory that it holds, in bytes.
    #[cfg(test)]
    pub(super) fn capacity(&self) -> usize {
        self.chunks.iter().map(Vec::capacity).sum()
    }

    /// Moves frames to the end of `into`: as many as fit `bytes_max`, or just the first
    /// if `first_only`. The bytes moved.
    pub(super) fn take(&mut self, bytes_max: usize, first_only: bool, into: &mut Vec<u8>) -> usize {
        let mut moved = 0;
        while let Some(chunk) = self.chunks.front_mut() {
            let rest = &chunk[self.taken..];
            let mut bytes = 0;
            while let Some(frame) = frame_bytes(&rest[bytes..]) {
                if moved + bytes + frame > bytes_max {
                    break;
                }
                bytes += frame;
                if first_only {
                    break;
                }
            }
            into.extend_from_slice(&rest[..bytes]);
            moved += bytes;
            self.taken += bytes;
            if self.taken < chunk.len() {
                break;
            }
            self.taken = 0;
            if self.chunks.len() == 1 {
                let kept = &mut self.chunks[0];
                if kept.capacity() > CHUNK_KEPT_BYTES_MAX {
                    *kept = Vec::new()
                } else {
                    kept.clear()
                }
                break;
            }
            self.chunks.pop_front();
            if first_only {
                break;
            }
        }
        self.bytes -= moved;
        moved
    }
}

/// The length of the frame that these bytes begin with.
#[inline]
fn frame_bytes(frames: &[u8]) -> Option<usize> {
    let (&[_, a, b, c, d], _) = frames.split_first_chunk::<HEADER_BYTES>()?;
    Some(HEADER_BYTES + u32::from_le_bytes([a, b, c, d]) as usize)
}
