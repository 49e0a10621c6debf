//! Where the memory for long frames comes from, and where it goes.

use bytes::Bytes;

/// Memory for frames that are put together of pieces. Whoever owns connections can keep
/// what is given back for the next frames.
pub trait Rooms: Send + Sync {
    /// An empty vector with room for so many bytes, at least.
    fn room(&self, bytes: usize) -> Vec<u8>;

    /// The same bytes, for many readers.
    fn shared(&self, bytes: Vec<u8>) -> Bytes;
}

/// Memory of the allocator's.
pub(super) struct Fresh;

impl Rooms for Fresh {
    fn room(&self, bytes: usize) -> Vec<u8> {
        Vec::with_capacity(bytes)
    }

    fn shared(&self, bytes: Vec<u8>) -> Bytes {
        bytes.into()
    }
}
