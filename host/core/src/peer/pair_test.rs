//! An outbox and an inbound, connected: whatever is pushed arrives once, in order.

use std::collections::BTreeMap;

use bytes::Bytes;
use proptest::prelude::*;

use super::inbound::Received;
use super::testing::{Pair, Random, message, stream_data};
use crate::reason::Reason;
use crate::signal::{ExitOrigin, Signal};
use crate::wire::{Address, FEATURE_LZ4, Frame, Item};

/// What an item is in these tests: its sender, and its number among the sender's.
fn mark(item: &Item) -> (u64, u64) {
    let Item::Signal { from, signal, .. } = item else { panic!("{item:?}") };
    let number = |body: &Bytes| {
        body[..8].iter().enumerate().map(|(at, byte)| u64::from(*byte) << (8 * at)).sum()
    };
    match signal {
        Signal::Message { body, .. } => (*from, number(body)),
        Signal::Exit { reason: Reason::Custom(body), .. } => (*from, number(body)),
        Signal::Unlink(id) => (*from, *id),
        other => panic!("{other:?}"),
    }
}

fn size(random: &mut Random, sizes: usize) -> usize {
    match random.below(sizes) {
        0..=9 => random.below(200),
        10..=13 => random.below(5_000),
        14 => 15_000 + random.below(3_000),
        15 => random.below(100_000),
        16 => random.below(1 << 20),
        _ => random.below((16 << 20) - 8),
    }
}

fn body(random: &mut Random, number: u64, bytes: usize) -> Bytes {
    let rest = if random.below(2) == 0 { vec![b'x'; bytes] } else { random.junk(bytes) };
    [&number.to_le_bytes()[..], &rest].concat().into()
}

fn item(random: &mut Random, sender: u64, number: u64, sizes: usize) -> Item {
    let to = Address::Actor(random.next() % 5);
    match random.below(8) {
        0 => Item::Signal { from: sender, to, signal: Signal::Unlink(number) },
        1 => {
            let bytes = size(random, sizes);
            let reason = Reason::Custom(body(random, number, bytes));
            let signal = Signal::Exit { reason, origin: ExitOrigin::Link };
            Item::Signal { from: sender, to, signal }
        }
        _ => {
            let bytes = size(random, sizes);
            let body = body(random, number, bytes);
            message(sender, random.next() % 5, body)
        }
    }
}

/// Pushes `items` items of a few senders, mixed with exchanges and control, and lets
/// transport messages go in between.
fn run(seed: u64, features: u64, items: usize, sizes: usize) {
    let mut random = Random(seed);
    let mut pair = Pair::new(features);
    let mut pushed = BTreeMap::<u64, Vec<Item>>::new();
    let mut arrived = BTreeMap::<u64, Vec<Item>>::new();
    let mut frames = (Vec::new(), Vec::new());
    let mut take = |received: Vec<Received>| {
        for received in received {
            match received {
                Received::Item(item) => arrived.entry(mark(&item).0).or_default().push(item),
                Received::Frame(Frame::Tick) => {}
                Received::Frame(frame) => frames.1.push(frame),
            }
        }
    };
    let mut in_total = 0;
    while in_total < items {
        match random.below(10) {
            0 => pair.outbox.control(&Frame::Tick),
            1 => {
                let bytes = 1 + random.below(16 << 10);
                let frame = stream_data(random.junk(bytes));
                pair.outbox.push_frame(&frame);
                frames.0.push(frame);
            }
            2 => take(pair.turn().unwrap_or_default()),
            3 => pair.grant(),
            _ => {
                let sender = random.next() % 6;
                let of_sender = pushed.entry(sender).or_default();
                let item = item(&mut random, sender, of_sender.len() as u64, sizes);
                of_sender.push(item.clone());
                pair.push(&item);
                in_total += 1;
            }
        }
    }
    pair.grant();
    take(pair.drain());
    assert_eq!(frames.0, frames.1, "exchanges keep their order");
    for (sender, items) in &pushed {
        let arrived = arrived.remove(sender).unwrap_or_default();
        let numbers = |items: &[Item]| items.iter().map(|item| mark(item).1).collect::<Vec<_>>();
        assert_eq!(numbers(&arrived), numbers(items), "of sender {sender}, seed {seed}");
        assert!(arrived == *items, "an item of sender {sender} changed, seed {seed}");
    }
    assert!(arrived.is_empty());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn all_arrives_once_and_in_order_per_sender(seed: u64, lz4: bool) {
        run(seed, if lz4 { FEATURE_LZ4 } else { 0 }, 60, 17);
    }

    #[test]
    fn many_short_ones_arrive_once_and_in_order(seed: u64, lz4: bool) {
        run(seed, if lz4 { FEATURE_LZ4 } else { 0 }, 500, 14);
    }
}

#[test]
fn the_longest_ones_arrive_as_well() {
    for (seed, features) in [(1, 0), (2, FEATURE_LZ4)] {
        run(seed, features, 40, 20);
    }
}
