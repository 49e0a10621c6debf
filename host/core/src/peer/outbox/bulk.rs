//! Long frames, cut into pieces that take turns.
//!
//! A sender with a long frame on its way sends nothing else meanwhile: what it sends
//! later is held behind it. What it sent before has gone before the frame begins. So
//! the order of each sender's signals is kept, whatever their sizes.

use std::collections::{BTreeMap, VecDeque};

use bytes::Bytes;

use super::lane::Lane;
use crate::peer::{STREAMS_BYTES_MAX, STREAMS_MAX};
use crate::wire::kind::FRAGMENT;
use crate::wire::{HEADER_BYTES, STREAM_PIECE_BYTES};

/// The longest frame that carries a piece, in bytes: header, stream, last, piece.
pub(super) const FRAGMENT_BYTES_MAX: usize = HEADER_BYTES + 10 + 1 + STREAM_PIECE_BYTES;

/// A long frame.
pub(super) struct Stream {
    sender: u64,
    /// Header and fixed part.
    head: Vec<u8>,
    /// The raw bytes behind them, shared with whoever has them.
    tail: Bytes,
    sent: usize,
    /// Given when it begins.
    number: u64,
    /// How far the normal lane has to be before it begins.
    after: u64,
}

impl Stream {
    pub(super) fn new(sender: u64, head: Vec<u8>, tail: Bytes) -> Self {
        Self { sender, head, tail, sent: 0, number: 0, after: 0 }
    }

    fn bytes(&self) -> usize {
        self.head.len() + self.tail.len()
    }

    /// Appends the frame of the next piece; whether it was the last.
    fn next_piece(&mut self, into: &mut Vec<u8>) -> bool {
        let end = self.bytes().min(self.sent + STREAM_PIECE_BYTES);
        let last = end == self.bytes();
        let mut fixed = [0; 11];
        let fixed = postcard::to_slice(&(self.number, last), &mut fixed)
            .expect("an integer takes ten bytes and a boolean one");
        let body = u32::try_from(fixed.len() + end - self.sent).expect("a piece is short");
        into.push(FRAGMENT);
        into.extend_from_slice(&body.to_le_bytes());
        into.extend_from_slice(fixed);
        let split = self.head.len();
        into.extend_from_slice(&self.head[self.sent.min(split)..end.min(split)]);
        into.extend_from_slice(&self.tail[self.sent.max(split) - split..end.max(split) - split]);
        self.sent = end;
        last
    }
}

/// What a sender sent behind its stream.
enum Held {
    /// Whole frames.
    Small(Vec<u8>),
    Stream(Stream),
}

/// All streams of one connection, and what is held behind them.
#[derive(Default)]
pub(super) struct Bulk {
    /// Streams that have not begun, in the order in which they will.
    waiting: VecDeque<Stream>,
    /// Streams that have begun, in the order of their turns.
    active: VecDeque<Stream>,
    /// Bytes of the whole frames of `active`.
    active_bytes: usize,
    next_number: u64,
    /// For each sender with a stream, what is held behind it.
    held: BTreeMap<u64, VecDeque<Held>>,
    /// Bytes that wait in all of these.
    bytes: usize,
}

impl Bulk {
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Whether what this sender sends now has to be held.
    #[inline]
    pub(super) fn holds(&self, sender: u64) -> bool {
        !self.held.is_empty() && self.held.contains_key(&sender)
    }

    /// Where a short frame of a sender that is held is to be appended; the bytes
    /// appended must be told to [`added`](Self::added).
    pub(super) fn held_end(&mut self, sender: u64) -> &mut Vec<u8> {
        let held = self.held.entry(sender).or_default();
        if !matches!(held.back(), Some(Held::Small(_))) {
            held.push_back(Held::Small(Vec::new()));
        }
        match held.back_mut() {
            Some(Held::Small(frames)) => frames,
            Some(Held::Stream(_)) | None => unreachable!("it was pushed if it was not there"),
        }
    }

    /// So many bytes were appended to what is held.
    pub(super) fn added(&mut self, bytes: usize) {
        self.bytes += bytes;
    }

    /// Queues a long frame behind all that its sender sent before.
    pub(super) fn push(&mut self, stream: Stream, normal: &Lane) {
        self.bytes += stream.bytes();
        if let Some(held) = self.held.get_mut(&stream.sender) {
            held.push_back(Held::Stream(stream));
        } else {
            self.held.insert(stream.sender, VecDeque::new());
            self.wait(stream, normal);
        }
    }

    fn wait(&mut self, mut stream: Stream, normal: &Lane) {
        stream.after = normal.position();
        self.waiting.push_back(stream);
    }

    /// Whether a piece could go.
    pub(super) fn is_ready(&self, normal: &Lane) -> bool {
        !self.active.is_empty() || self.may_begin(normal)
    }

    /// The other side bears only so many streams, and so many bytes of them.
    fn may_begin(&self, normal: &Lane) -> bool {
        self.active.len() < STREAMS_MAX
            && self.waiting.front().is_some_and(|stream| {
                normal.has_passed(stream.after)
                    && self.active_bytes + stream.bytes() <= STREAMS_BYTES_MAX
            })
    }

    /// Lets streams take turns from now on. First pieces go in the order of the numbers.
    fn begin(&mut self, normal: &Lane) {
        while self.may_begin(normal) {
            let Some(mut stream) = self.waiting.pop_front() else { return };
            stream.number = self.next_number;
            self.next_number += 1;
            self.active_bytes += stream.bytes();
            self.active.push_back(stream);
        }
    }

    /// Appends the next piece of the stream whose turn it is, at most
    /// [`FRAGMENT_BYTES_MAX`]. What was held behind a stream that ends goes to the
    /// normal lane.
    pub(super) fn next_piece(&mut self, normal: &mut Lane, into: &mut Vec<u8>) {
        self.begin(normal);
        let Some(mut stream) = self.active.pop_front() else { return };
        let sent = stream.sent;
        let last = stream.next_piece(into);
        self.bytes -= stream.sent - sent;
        if last {
            self.active_bytes -= stream.bytes();
            self.release(stream.sender, normal);
        } else {
            self.active.push_back(stream);
        }
    }

    fn release(&mut self, sender: u64, normal: &mut Lane) {
        while let Some(held) = self.held.get_mut(&sender) {
            match held.pop_front() {
                Some(Held::Small(frames)) => {
                    self.bytes -= frames.len();
                    normal.append(frames);
                }
                Some(Held::Stream(stream)) => return self.wait(stream, normal),
                None => {
                    self.held.remove(&sender);
                }
            }
        }
    }
}
