//! What the tests of a connection share.

use bytes::Bytes;

use super::inbound::{Inbound, Received};
use super::outbox::{Outbox, Pushed};
use crate::id::NodeId;
use crate::signal::Signal;
use crate::wire::{Address, Frame, Item, MESSAGE_BYTES_MAX};

pub(super) const SENDER: NodeId = NodeId::from_wire(300);
pub(super) const RECEIVER: NodeId = NodeId::from_wire(5);

/// SplitMix64, so that a failing run can be replayed from its seed.
pub(super) struct Random(pub(super) u64);

impl Random {
    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub(super) fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % end as u64).expect("below a usize")
    }

    /// Bytes that do not compress.
    pub(super) fn junk(&mut self, bytes: usize) -> Vec<u8> {
        let mut junk: Vec<u8> =
            (0..bytes.div_ceil(8)).flat_map(|_| self.next().to_le_bytes()).collect();
        junk.truncate(bytes);
        junk
    }
}

/// A message of one actor to another.
pub(super) fn message(from: u64, to: u64, body: impl Into<Bytes>) -> Item {
    let signal = Signal::Message { via: None, priority: false, body: body.into() };
    Item::Signal { from, to: Address::Actor(to), signal }
}

/// A connection's two ends.
pub(super) struct Pair {
    pub(super) outbox: Outbox,
    pub(super) inbound: Inbound,
    /// The transport message of the last turn.
    pub(super) message: Vec<u8>,
}

impl Pair {
    pub(super) fn new(features: u64) -> Self {
        Self {
            outbox: Outbox::new(features),
            inbound: Inbound::new(RECEIVER, SENDER, features),
            message: Vec::new(),
        }
    }

    /// Pushes an item, whether busy or not.
    pub(super) fn push(&mut self, item: &Item) {
        assert_ne!(self.outbox.push_item(item), Pushed::TooLarge);
    }

    /// One transport message goes over, and what it gives is handed on; `None` if none
    /// may go. Credit is not granted.
    pub(super) fn turn(&mut self) -> Option<Vec<Received>> {
        let is_ready = self.outbox.is_ready();
        self.message.clear();
        let went = self.outbox.next_message(&mut self.message);
        assert_eq!(is_ready, went, "the outbox knows whether something may go");
        assert_eq!(went, !self.message.is_empty());
        assert!(self.message.len() <= MESSAGE_BYTES_MAX);
        if !went {
            return None;
        }
        let mut message = Bytes::copy_from_slice(&self.message);
        let mut all = Vec::new();
        while let Some(received) = self.inbound.next(&mut message).expect("no rule is broken") {
            all.push(received);
        }
        Some(all)
    }

    /// Grants what is due.
    pub(super) fn grant(&mut self) {
        if let Some(bytes) = self.inbound.consumed() {
            self.outbox.granted(bytes).expect("no more than was spent");
        }
    }

    /// Everything goes over.
    pub(super) fn drain(&mut self) -> Vec<Received> {
        let mut all = Vec::new();
        while let Some(received) = self.turn() {
            all.extend(received);
            self.grant();
        }
        assert!(self.outbox.is_empty());
        assert!(!self.outbox.is_busy());
        all
    }
}

/// The sender and the body of each message among these.
pub(super) fn bodies(received: &[Received]) -> Vec<(u64, Bytes)> {
    received
        .iter()
        .filter_map(|received| match received {
            Received::Item(Item::Signal { from, signal: Signal::Message { body, .. }, .. }) => {
                Some((*from, body.clone()))
            }
            Received::Item(_) | Received::Frame(_) => None,
        })
        .collect()
}

/// A frame of any kind and body.
pub(super) fn frame(kind: u8, body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len()).expect("short");
    [&[kind], &length.to_le_bytes()[..], body].concat()
}

/// A piece of an exchange.
pub(super) fn stream_data(data: Vec<u8>) -> Frame {
    Frame::StreamData { id: 1, data: data.into() }
}
