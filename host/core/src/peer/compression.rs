//! Frames that travel compressed: one whole frame each, as one lz4 block behind the
//! length of what it was.
//!
//! Long frames are cut into fragments first and those are compressed, so that neither
//! side ever works at more than one transport message at a time. A frame that claims
//! to be more than that, or more than its block can hold, is refused before any memory
//! is taken for it.

use bytes::Bytes;
use lz4_flex::block::{
    CompressTable, compress_into_with_table, decompress_into, get_maximum_output_size,
};

use super::inbound::Violation;
use crate::wire::kind::{COMPRESSED, FRAGMENT, STREAM_DATA, is_signal};
use crate::wire::{DecodeError, HEADER_BYTES, MESSAGE_BYTES_MAX, Raw};

/// Shorter frames are not worth the work.
pub(super) const CANDIDATE_BYTES_MIN: usize = 1 << 10;

/// Longer ones are not compressed, so that the small table serves for all.
const CANDIDATE_BYTES_MAX: usize = 32 << 10;

/// After the k-th failure in a row, 2^k candidates are left alone, up to this k.
const SKIP_EXPONENT_MAX: u32 = 8;

/// An lz4 block of n bytes never holds more than this times n.
const RATIO_MAX: usize = 255;

/// Compresses a sender's frames, and gives up for a while where that does not pay.
#[derive(Default)]
pub(super) struct Compressor {
    /// Made when it is first needed.
    table: Option<CompressTable>,
    scratch: Vec<u8>,
    failures: u32,
    skip: u32,
    #[cfg(test)]
    tries: usize,
}

impl Compressor {
    /// Replaces the frame at the end of `out`, which begins at `start`, by a compressed
    /// one, if that saves at least a tenth.
    pub(super) fn try_last(&mut self, out: &mut Vec<u8>, start: usize) {
        let frame = &out[start..];
        if !(CANDIDATE_BYTES_MIN..=CANDIDATE_BYTES_MAX).contains(&frame.len()) {
            return;
        }
        if self.skip > 0 {
            self.skip -= 1;
            return;
        }
        #[cfg(test)]
        {
            self.tries += 1;
        }
        if self.compress(frame) {
            self.failures = 0;
            out.truncate(start);
            out.extend_from_slice(&self.scratch);
        } else {
            self.skip = 1 << self.failures;
            self.failures = (self.failures + 1).min(SKIP_EXPONENT_MAX);
        }
    }

    /// How often it was tried.
    #[cfg(test)]
    pub(super) fn tries(&self) -> usize {
        self.tries
    }

    /// Writes the compressed frame to the scratch buffer; whether it pays.
    fn compress(&mut self, frame: &[u8]) -> bool {
        let table = self.table.get_or_insert_with(CompressTable::small);
        let mut length = [0; 5];
        let length = postcard::to_slice(&frame.len(), &mut length)
            .expect("CANDIDATE_BYTES_MAX takes three bytes");
        self.scratch.clear();
        self.scratch.extend_from_slice(&[COMPRESSED, 0, 0, 0, 0]);
        self.scratch.extend_from_slice(length);
        let block = self.scratch.len();
        self.scratch.resize(block + get_maximum_output_size(frame.len()), 0);
        let Ok(bytes) = compress_into_with_table(frame, &mut self.scratch[block..], table) else {
            return false;
        };
        self.scratch.truncate(block + bytes);
        let body = u32::try_from(self.scratch.len() - HEADER_BYTES)
            .expect("lz4 adds little to CANDIDATE_BYTES_MAX");
        self.scratch[1..HEADER_BYTES].copy_from_slice(&body.to_le_bytes());
        self.scratch.len() <= frame.len() - frame.len() / 10
    }
}

/// The one frame that a compressed frame's body holds: a signal, a fragment, or stream
/// data.
pub(super) fn decompress(body: &[u8]) -> Result<Raw, Violation> {
    let (bytes, block): (u32, &[u8]) = postcard::take_from_bytes(body)
        .map_err(|_| Violation::Decode(DecodeError::Malformed(COMPRESSED)))?;
    let bytes = usize::try_from(bytes).unwrap_or(usize::MAX);
    if bytes > MESSAGE_BYTES_MAX || bytes > block.len().saturating_mul(RATIO_MAX) {
        return Err(Violation::CompressedLength(bytes));
    }
    let mut frame = vec![0; bytes];
    if decompress_into(block, &mut frame).ok() != Some(bytes) {
        return Err(Violation::Compressed);
    }
    let mut frame = Bytes::from(frame);
    let raw = Raw::split(&mut frame, MESSAGE_BYTES_MAX)?.ok_or(Violation::Compressed)?;
    if !frame.is_empty() {
        return Err(Violation::Compressed);
    }
    match raw.kind {
        FRAGMENT | STREAM_DATA => Ok(raw),
        kind if is_signal(kind) => Ok(raw),
        kind => Err(Violation::CompressedKind(kind)),
    }
}

#[cfg(test)]
#[path = "compression_test.rs"]
mod tests;
