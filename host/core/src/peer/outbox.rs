//! What waits to be sent on one connection, and in which order it goes.
//!
//! Four lanes: control frames first; then signals, in the order in which they were
//! pushed; then the pieces of long frames, each stream in its turn; then the frames of
//! exchanges. A transport message takes some of each, so none starves and a long
//! transfer delays neither ticks nor short signals by more than a message. The order of
//! one sender's signals is kept, whatever their sizes: `bulk` says how.
//!
//! Signals cost credit, counted in bytes of frames as they travel; control and
//! exchanges do not. Must not know sockets, or what the items do. The host keeps this
//! behind a lock that actors' threads share, so pushing a short signal is one copy into
//! the bytes that will be sent.

mod bulk;
mod lane;

use self::bulk::{Bulk, FRAGMENT_BYTES_MAX, Stream};
use self::lane::Lane;
use super::SIGNAL_WINDOW_BYTES;
use super::compression::Compressor;
use super::credit::Violation;
use crate::wire::{
    FEATURE_LZ4, Frame, Item, MESSAGE_BYTES_MAX, NODES_MAX, NodeInfo, STREAM_PIECE_BYTES, TooLarge,
};

/// Above this many bytes of signals the outbox is busy (OTP's `dist_buf_busy_limit`).
pub const BUSY_BYTES: usize = 1 << 20;

/// Below this many bytes it is no longer busy, so that senders do not flutter.
pub const IDLE_BYTES: usize = BUSY_BYTES / 2;

/// A transport message takes no more once it has this many bytes: larger ones go
/// hardly faster, and what comes next waits for the whole of it.
const TARGET_BYTES: usize = 64 << 10;

/// What a transport message takes of the control lane, in bytes.
const CONTROL_BYTES: usize = 32 << 10;

/// What it takes of the normal lane before the others have their turn, in bytes.
const NORMAL_BYTES: usize = 48 << 10;

/// A frame of nodes is not longer than this, in bytes, as it goes before all others.
const NODES_BYTES: usize = 16 << 10;

/// What became of an item that was pushed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Pushed {
    /// It waits.
    Queued,
    /// It waits, and the outbox is busy: the sender should wait as well.
    Busy,
    /// It does not wait: no frame can carry it.
    TooLarge,
}

/// The sending side of one connection.
pub struct Outbox {
    control: Lane,
    normal: Lane,
    bulk: Bulk,
    background: Lane,
    /// The background's next frame fits into no message beside others: the next message
    /// is for it alone.
    alone: bool,
    /// What may be sent of signals, in bytes.
    credit: usize,
    busy: bool,
    /// If the other side reads compressed frames.
    compressor: Option<Compressor>,
}

impl Outbox {
    /// For a connection whose sides have these features in common.
    pub fn new(features: u64) -> Self {
        Self {
            control: Lane::default(),
            normal: Lane::default(),
            bulk: Bulk::default(),
            background: Lane::default(),
            alone: false,
            credit: SIGNAL_WINDOW_BYTES as usize,
            busy: false,
            compressor: (features & FEATURE_LZ4 != 0).then(Compressor::default),
        }
    }

    /// Queues an item; nodes, questions, names, groups and locks go with control, signals that never travel
    /// go nowhere.
    #[inline]
    pub fn push_item(&mut self, item: &Item) -> Pushed {
        let sender = match item {
            Item::Signal { from, .. } => *from,
            Item::Spawn(request) => request.parent,
            Item::Call(request) => request.caller,
            Item::ToGroup { from, .. } => *from,
            Item::Nodes(nodes) => return self.push_nodes(nodes),
            Item::WhoIs(_)
            | Item::ThatIs(..)
            | Item::Names(_)
            | Item::Groups(_)
            | Item::Locks(_) => {
                return self.push_control(item);
            }
        };
        let is_held = self.bulk.holds(sender);
        let out = if is_held { self.bulk.held_end(sender) } else { self.normal.end() };
        let start = out.len();
        let tail = match item.encode_head(out) {
            Ok(Some(tail)) => tail,
            Ok(None) => return self.pushed(),
            Err(TooLarge) => return Pushed::TooLarge,
        };
        if out.len() - start + tail.as_slice().len() > STREAM_PIECE_BYTES {
            let head = out.split_off(start);
            self.bulk.push(Stream::new(sender, head, tail.to_bytes()), &self.normal);
            return self.pushed();
        }
        out.extend_from_slice(tail.as_slice());
        if let Some(compressor) = &mut self.compressor {
            compressor.try_last(out, start);
        }
        let bytes = out.len() - start;
        if is_held {
            self.bulk.added(bytes);
        } else {
            self.normal.added(bytes);
        }
        self.pushed()
    }

    #[inline]
    fn pushed(&mut self) -> Pushed {
        self.busy |= self.signal_bytes() > BUSY_BYTES;
        if self.busy { Pushed::Busy } else { Pushed::Queued }
    }

    /// Queues an item that goes before all others and needs no credit. Whoever makes them
    /// keeps each below [`NODES_BYTES`].
    fn push_control(&mut self, item: &Item) -> Pushed {
        let out = self.control.end();
        let start = out.len();
        if item.encode(out).is_err() {
            return Pushed::TooLarge;
        }
        let bytes = out.len() - start;
        debug_assert!(bytes <= NODES_BYTES, "a long frame before all others: {bytes} bytes");
        self.control.added(bytes);
        self.pushed()
    }

    /// As many frames as keep each one short.
    fn push_nodes(&mut self, mut nodes: &[NodeInfo]) -> Pushed {
        while !nodes.is_empty() {
            let mut bytes = 0;
            let fits = nodes.iter().take(NODES_MAX).take_while(|info| {
                bytes += info_bytes_max(info);
                bytes <= NODES_BYTES
            });
            let (now, later) = nodes.split_at(fits.count().max(1));
            let out = self.control.end();
            let start = out.len();
            Item::encode_nodes(now, out);
            let bytes = out.len() - start;
            self.control.added(bytes);
            nodes = later;
        }
        self.pushed()
    }

    /// Queues a frame of an exchange. Its body is at most
    /// [`BODY_BYTES_MAX`](crate::wire::BODY_BYTES_MAX).
    pub fn push_frame(&mut self, frame: &Frame) {
        let out = self.background.end();
        let start = out.len();
        frame.encode(out);
        debug_assert!(out.len() - start <= MESSAGE_BYTES_MAX, "no message takes this frame");
        if let (Frame::StreamData { .. }, Some(compressor)) = (frame, &mut self.compressor) {
            compressor.try_last(out, start);
        }
        let bytes = out.len() - start;
        self.background.added(bytes);
    }

    /// Queues a short frame that goes before all others and needs no credit: welcome,
    /// about, tick, credit, pong. The owner keeps these few.
    pub fn control(&mut self, frame: &Frame) {
        let out = self.control.end();
        let start = out.len();
        frame.encode(out);
        let bytes = out.len() - start;
        self.control.added(bytes);
    }

    /// Appends one transport message, at most [`MESSAGE_BYTES_MAX`]. False, and nothing is
    /// appended, if nothing may go now.
    pub fn next_message(&mut self, into: &mut Vec<u8>) -> bool {
        let begin = into.len();
        if std::mem::take(&mut self.alone) {
            return self.background.take(MESSAGE_BYTES_MAX, true, into) > 0;
        }
        into.reserve(self.queued_bytes().min(MESSAGE_BYTES_MAX));
        self.control.take(CONTROL_BYTES, false, into);
        // Counted before compression, which would else make for long work.
        let end = begin + MESSAGE_BYTES_MAX;
        let mut taken = into.len() - begin;
        loop {
            let before = taken;
            taken += self.take_normal(TARGET_BYTES.saturating_sub(taken), into);
            taken += self.take_piece(end, into);
            taken += self.take_background(end, into);
            if taken == before || taken >= TARGET_BYTES {
                break;
            }
        }
        self.busy &= self.signal_bytes() >= IDLE_BYTES;
        into.len() > begin
    }

    fn take_normal(&mut self, bytes_max: usize, into: &mut Vec<u8>) -> usize {
        let bytes_max = bytes_max.min(NORMAL_BYTES).min(self.credit);
        let taken = self.normal.take(bytes_max, false, into);
        self.credit -= taken;
        taken
    }

    /// The next piece, if `into` stays within `end`.
    fn take_piece(&mut self, end: usize, into: &mut Vec<u8>) -> usize {
        let room = end - into.len();
        if !self.bulk.is_ready(&self.normal) || room.min(self.credit) < FRAGMENT_BYTES_MAX {
            return 0;
        }
        let start = into.len();
        self.bulk.next_piece(&mut self.normal, into);
        let taken = into.len() - start;
        if let Some(compressor) = &mut self.compressor {
            compressor.try_last(into, start);
        }
        self.credit -= into.len() - start;
        taken
    }

    /// The next frame of the background, likewise.
    fn take_background(&mut self, end: usize, into: &mut Vec<u8>) -> usize {
        let room = end - into.len();
        let taken = self.background.take(room, true, into);
        self.alone = taken == 0 && self.background.bytes() > 0;
        taken
    }

    /// The other side granted credit.
    ///
    /// # Errors
    /// When there would be more than a window; nothing changed then.
    pub fn granted(&mut self, bytes: u32) -> Result<(), Violation> {
        let credit = self.credit.saturating_add(bytes as usize);
        if credit > SIGNAL_WINDOW_BYTES as usize {
            return Err(Violation::Overgrant);
        }
        self.credit = credit;
        Ok(())
    }

    /// Whether [`next_message`](Self::next_message) would fill one: if this becomes
    /// true by a push, the connection's task has to be woken.
    pub fn is_ready(&self) -> bool {
        self.control.bytes() > 0
            || self.background.bytes() > 0
            || self.normal.front_bytes().is_some_and(|bytes| bytes <= self.credit)
            || (self.credit >= FRAGMENT_BYTES_MAX && self.bulk.is_ready(&self.normal))
    }

    /// Bytes that wait in all lanes.
    pub fn queued_bytes(&self) -> usize {
        self.signal_bytes() + self.control.bytes() + self.background.bytes()
    }

    #[inline]
    fn signal_bytes(&self) -> usize {
        self.normal.bytes() + self.bulk.bytes()
    }

    /// Whether more than [`BUSY_BYTES`] of signals wait, or did and not less than
    /// [`IDLE_BYTES`] have waited since. Senders should wait meanwhile; what is pushed
    /// all the same is not lost.
    pub fn is_busy(&self) -> bool {
        self.busy
    }

    /// Whether nothing waits, not even for credit.
    pub fn is_empty(&self) -> bool {
        self.queued_bytes() == 0
    }
}

/// An upper bound of what a node takes in a frame of nodes.
fn info_bytes_max(info: &NodeInfo) -> usize {
    let addresses: usize = info.addresses.iter().map(|address| 2 + address.len()).sum();
    2 + info.name.len() + 10 + 1 + 1 + addresses
}

#[cfg(test)]
#[path = "outbox_test.rs"]
mod tests;
