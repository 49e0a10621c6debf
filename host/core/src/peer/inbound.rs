//! What comes in on a connection between nodes: frames are decompressed, put together
//! and read, and the other side is held to its credit.
//!
//! Everything here comes from the other side. What breaks a rule is a [`Violation`] that
//! names the rule, after which the connection must end; nothing panics, and memory is
//! taken only for what has arrived. Must not know what the items do.

use std::sync::Arc;

use bytes::{Buf, Bytes};

use super::compression::decompress;
use super::credit;
use super::fragments::Fragments;
use super::rooms::Rooms;
use super::{SIGNAL_WINDOW_BYTES, STREAMS_BYTES_MAX, STREAMS_MAX};
use crate::id::NodeId;
use crate::signal::Signal;
use crate::wire::kind::{COMPRESSED, FRAGMENT, MESSAGE_TO_ACTOR, is_item, is_signal};
use crate::wire::{
    Address, BODY_BYTES_MAX, DecodeError, FEATURE_LZ4, Frame, HEADER_BYTES, Item,
    MESSAGE_BYTES_MAX, Raw, SIGNAL_BYTES_MAX, STREAM_PIECE_BYTES, decode_message_to_actor,
};

/// What a frame, or the last piece of one, gave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Received {
    /// For actors of this node, or for the node itself.
    Item(Item),
    /// For the connection's owner: exchanges, ticks, credit for the
    /// [`Outbox`](super::outbox::Outbox), welcome and about. Any kind can come at any
    /// time; whether it may is for the owner to say.
    Frame(Frame),
}

/// The other side broke a rule; the connection must end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Violation {
    /// Bytes that are no frames.
    #[error(transparent)]
    Decode(#[from] DecodeError),
    /// More signals than it had credit for.
    #[error(transparent)]
    Credit(#[from] credit::Violation),
    /// A compressed frame, though this side did not offer to read them.
    #[error("sent a compressed frame that was not agreed on")]
    NotAgreed,
    /// A compressed frame that claims more than it may, or than lz4 can give.
    #[error(
        "a compressed frame claims {0} bytes, over {MESSAGE_BYTES_MAX} or 255 for each of its own"
    )]
    CompressedLength(usize),
    /// A compressed frame that does not give one whole frame of the length it claims.
    #[error("a compressed frame does not give the one frame that it claims")]
    Compressed,
    /// A frame of this kind may not be compressed; a compressed one least of all.
    #[error("a frame of kind 0x{0:02x} in a compressed frame")]
    CompressedKind(u8),
    /// A piece of a stream that is empty or too long, or a first one without the
    /// frame's header.
    #[error(
        "a fragment of {0} bytes: not 1 to {STREAM_PIECE_BYTES}, or the first without a header"
    )]
    PieceLength(usize),
    /// A stream whose number was used before, or is lower than one before.
    #[error("stream {0} begins after a higher number was used")]
    StreamNumber(u64),
    /// A stream whose pieces are more or fewer than its frame's length.
    #[error("the fragments of stream {0} do not make up its frame")]
    StreamLength(u64),
    /// Only signals may be cut into fragments.
    #[error("a frame of kind 0x{0:02x} in fragments")]
    StreamKind(u8),
    /// A frame in fragments announces more than a signal may be.
    #[error("a signal of {0} bytes is over the limit of {SIGNAL_BYTES_MAX}")]
    SignalLength(usize),
    /// Too many streams at one time.
    #[error("more than {STREAMS_MAX} streams of fragments under way")]
    Streams,
    /// Too many bytes of streams at one time.
    #[error("more than {STREAMS_BYTES_MAX} bytes of fragments under way")]
    StreamsBytes,
}

/// The receiving side of one connection. Its task owns it.
pub struct Inbound {
    own: NodeId,
    peer: NodeId,
    lz4: bool,
    /// What the other side may still send, in bytes.
    open: u32,
    fragments: Fragments,
}

impl Inbound {
    /// For a connection on which `peer` sends to `own`, with the features that both
    /// have.
    pub fn new(own: NodeId, peer: NodeId, features: u64) -> Self {
        Self {
            own,
            peer,
            lz4: features & FEATURE_LZ4 != 0,
            open: SIGNAL_WINDOW_BYTES,
            fragments: Fragments::default(),
        }
    }

    /// Puts long frames together in these.
    #[must_use]
    pub fn with_rooms(mut self, rooms: Arc<dyn Rooms>) -> Self {
        self.fragments = Fragments::new(rooms);
        self
    }

    /// Takes frames off a transport message up to the next that gives something;
    /// `None` when the message is used up. Faster than [`received`](Self::received)
    /// for messages of many small frames.
    ///
    /// # Errors
    /// When the other side broke a rule.
    pub fn next(&mut self, message: &mut Bytes) -> Result<Option<Received>, Violation> {
        while let Some((&[kind, a, b, c, d], rest)) = message.split_first_chunk::<HEADER_BYTES>() {
            let bytes = usize::try_from(u32::from_le_bytes([a, b, c, d])).unwrap_or(usize::MAX);
            if bytes > BODY_BYTES_MAX {
                return Err(DecodeError::TooLong { bytes, bytes_max: BODY_BYTES_MAX }.into());
            }
            let Some(body) = rest.get(..bytes) else {
                return Err(DecodeError::CutShort.into());
            };
            let received = self.frame(kind, body, message)?;
            message.advance(HEADER_BYTES + bytes);
            if received.is_some() {
                return Ok(received);
            }
        }
        if message.is_empty() { Ok(None) } else { Err(DecodeError::CutShort.into()) }
    }

    /// A frame arrived, within [`BODY_BYTES_MAX`]. `None` is a piece that is not the
    /// last, or an optional frame that this code does not know.
    ///
    /// # Errors
    /// When the other side broke a rule.
    pub fn received(&mut self, raw: &Raw) -> Result<Option<Received>, Violation> {
        self.frame(raw.kind, &raw.body, &raw.body)
    }

    /// All that was received has been handed on. What is returned is to be granted to
    /// the other side, with [`Frame::SignalCredit`]; nothing, until that is half of a
    /// window.
    pub fn consumed(&mut self) -> Option<u32> {
        let used = SIGNAL_WINDOW_BYTES - self.open;
        if used < SIGNAL_WINDOW_BYTES / 2 {
            return None;
        }
        self.open = SIGNAL_WINDOW_BYTES;
        Some(used)
    }

    /// `body` is a part of `whole`.
    #[inline(always)]
    fn frame(
        &mut self,
        kind: u8,
        body: &[u8],
        whole: &Bytes,
    ) -> Result<Option<Received>, Violation> {
        if kind == MESSAGE_TO_ACTOR {
            self.charge(body.len())?;
            let (from, to, body) = decode_message_to_actor(body, whole)?;
            let signal = Signal::Message { via: None, priority: false, body };
            let item = Item::Signal { from, to: Address::Actor(to), signal };
            return Ok(Some(Received::Item(item)));
        }
        self.other_frame(kind, body, whole)
    }

    fn other_frame(
        &mut self,
        kind: u8,
        body: &[u8],
        whole: &Bytes,
    ) -> Result<Option<Received>, Violation> {
        if kind == COMPRESSED {
            return self.compressed(body);
        }
        if is_signal(kind) || kind == FRAGMENT {
            self.charge(body.len())?;
        }
        self.plain(kind, body, whole)
    }

    fn compressed(&mut self, body: &[u8]) -> Result<Option<Received>, Violation> {
        if !self.lz4 {
            return Err(Violation::NotAgreed);
        }
        let inner = decompress(body)?;
        if is_signal(inner.kind) || inner.kind == FRAGMENT {
            self.charge(body.len())?;
        }
        self.plain(inner.kind, &inner.body, &inner.body)
    }

    /// A frame that costs credit costs its length as it travels.
    #[inline]
    fn charge(&mut self, body_bytes: usize) -> Result<(), Violation> {
        let cost = u32::try_from(HEADER_BYTES + body_bytes).unwrap_or(u32::MAX);
        self.open = self.open.checked_sub(cost).ok_or(credit::Violation::Overrun)?;
        Ok(())
    }

    fn plain(
        &mut self,
        kind: u8,
        body: &[u8],
        whole: &Bytes,
    ) -> Result<Option<Received>, Violation> {
        if is_item(kind) {
            let item = Item::decode_body(kind, body, whole, self.own, self.peer)?;
            return Ok(Some(Received::Item(item)));
        }
        if kind == FRAGMENT {
            return self.fragment(body);
        }
        let raw = Raw { kind, body: whole.slice_ref(body) };
        Ok(raw.decode()?.map(Received::Frame))
    }

    fn fragment(&mut self, body: &[u8]) -> Result<Option<Received>, Violation> {
        let ((stream, last), piece) = postcard::take_from_bytes::<(u64, bool)>(body)
            .map_err(|_| DecodeError::Malformed(FRAGMENT))?;
        let Some(frame) = self.fragments.received(stream, last, piece)? else {
            return Ok(None);
        };
        let item =
            Item::decode_body(frame[0], &frame[HEADER_BYTES..], &frame, self.own, self.peer)?;
        Ok(Some(Received::Item(item)))
    }
}

#[cfg(test)]
#[path = "inbound_test.rs"]
mod tests;
