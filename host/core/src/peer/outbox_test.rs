//! What goes in which order, and what has to wait.

use std::collections::BTreeMap;

use super::*;
use crate::peer::inbound::Received;
use crate::peer::testing::{Pair, Random, bodies, message, stream_data};
use crate::reason::Reason;
use crate::signal::{ExitOrigin, Signal};
use crate::wire::Address;
use crate::wire::kind::{FRAGMENT, MESSAGE_TO_ACTOR, NODES, STREAM_DATA, TICK};

const MIB: usize = 1 << 20;

/// Kind and length of each frame of a transport message.
fn frames(message: &[u8]) -> Vec<(u8, usize)> {
    let mut rest = message;
    let mut frames = Vec::new();
    while let [kind, a, b, c, d, ..] = rest {
        let bytes = 5 + u32::from_le_bytes([*a, *b, *c, *d]) as usize;
        frames.push((*kind, bytes));
        rest = &rest[bytes..];
    }
    assert!(rest.is_empty());
    frames
}

/// The bytes of each kind in a transport message.
fn shares(message: &[u8]) -> BTreeMap<u8, usize> {
    let mut shares = BTreeMap::new();
    for (kind, bytes) in frames(message) {
        *shares.entry(kind).or_default() += bytes;
    }
    shares
}

#[test]
fn what_was_pushed_together_goes_in_one_message() {
    let mut pair = Pair::new(0);
    for body in 0..100_u8 {
        pair.push(&message(u64::from(body % 7), 2, vec![body]));
    }
    let received = bodies(&pair.turn().expect("a message"));
    assert_eq!(received.len(), 100);
    assert!(received.iter().map(|(_, body)| body[0]).eq(0..100));
    assert_eq!(pair.turn(), None);
    assert!(pair.outbox.is_empty());
}

#[test]
fn a_long_message_goes_in_the_documented_fragments() {
    let mut pair = Pair::new(0);
    pair.push(&message(1, 2, vec![7; 20 << 10]));
    pair.turn();
    assert_eq!(frames(&pair.message), [(FRAGMENT, 5 + 2 + (16 << 10)), (FRAGMENT, 5 + 2 + 4103)]);
    let first = b"\x38\x02\x40\x00\x00\x00\x00\x30\x02\x50\x00\x00\x01\x02\x07";
    assert_eq!(pair.message[..first.len()], *first);
    let second = b"\x38\x09\x10\x00\x00\x00\x01\x07";
    assert_eq!(pair.message[5 + 2 + (16 << 10)..][..second.len()], *second);
}

#[test]
fn control_goes_before_all_that_waits() {
    let mut pair = Pair::new(0);
    pair.push(&message(1, 2, vec![0; 100]));
    pair.push(&message(3, 2, vec![0; MIB]));
    pair.outbox.push_frame(&stream_data(vec![0; 100]));
    pair.outbox.control(&Frame::Tick);
    pair.turn();
    assert_eq!(frames(&pair.message)[0].0, TICK);
    pair.outbox.control(&Frame::SignalCredit { bytes: 7 });
    let received = pair.turn().expect("a message");
    assert_eq!(received[0], Received::Frame(Frame::SignalCredit { bytes: 7 }));
}

#[test]
fn names_groups_and_locks_go_with_control_and_without_credit() {
    let mut pair = Pair::new(0);
    let names = Item::Names(crate::names::Frame::Ack { ticket: 3 });
    let scope = crate::Key::new(b"s").expect("a key");
    let groups = Item::Groups(crate::groups::Frame::Discover { scope: scope.clone() });
    let locks = Item::Locks(crate::locks::Frame::Hold { ticket: 3 });
    let (from, group, body) = (1, scope.clone(), vec![7; 20 << 10].into());
    let to_group = Item::ToGroup { from, scope, group, body };
    for item in [&message(1, 2, vec![0; MIB]), &to_group, &names, &groups, &locks] {
        pair.push(item);
    }
    let received = pair.drain();
    let first = [names, groups, locks].map(Received::Item);
    assert_eq!(received[..3], first);
    // Of one sender: after what it sent before, in fragments like any signal.
    assert_eq!(received.last(), Some(&Received::Item(to_group)));
}

#[test]
fn a_long_message_keeps_its_place_among_those_of_its_sender() {
    let mut pair = Pair::new(0);
    let sizes = [10, MIB, 20, 30, 40 << 10, 1, 300 << 10, 17 << 10, 2];
    for (number, bytes) in (0_u8..).zip(sizes) {
        pair.push(&message(1, 2, vec![number; bytes]));
        pair.push(&message(7, 2, vec![number]));
    }
    let exit = Signal::Exit { reason: Reason::Killed, origin: ExitOrigin::Link };
    pair.push(&Item::Signal { from: 1, to: Address::Actor(2), signal: exit });
    let received = pair.drain();
    let of_sender = |sender| {
        let all = bodies(&received);
        all.into_iter()
            .filter(move |(from, _)| *from == sender)
            .map(|(_, body)| (body[0], body.len()))
    };
    assert!(of_sender(1).eq((0_u8..).zip(sizes)));
    assert!(of_sender(7).eq((0..9).map(|number| (number, 1))));
    let last = received.last().expect("the exit");
    assert!(matches!(last, Received::Item(Item::Signal { signal: Signal::Exit { .. }, .. })));
}

#[test]
fn a_long_message_does_not_overtake_the_short_ones_before_it() {
    let mut pair = Pair::new(0);
    for number in 0..400_u32 {
        let mut body = vec![0; 1000];
        body[..4].copy_from_slice(&number.to_le_bytes());
        pair.push(&message(1, 2, body));
    }
    pair.push(&message(1, 2, vec![0xff; 20 << 10]));
    let all = bodies(&pair.drain());
    assert_eq!(all.len(), 401);
    assert!((0..400_u32).all(|n| all[n as usize].1[..4] == n.to_le_bytes()));
    assert_eq!(all[400].1.len(), 20 << 10);
}

#[test]
fn short_signals_of_others_overtake_a_long_message() {
    let mut pair = Pair::new(0);
    pair.push(&message(1, 2, vec![1; 16 * MIB]));
    assert_eq!(bodies(&pair.turn().expect("the first pieces")), []);
    for sender in 2..50 {
        pair.push(&message(sender, 2, vec![9]));
        let received = bodies(&pair.turn().expect("a message"));
        assert_eq!(received.len(), 1, "with the next message");
        assert_eq!(received[0].0, sender);
    }
    assert_eq!(bodies(&pair.drain()).len(), 1, "and the long one comes whole");
}

#[test]
fn no_lane_starves_while_the_others_are_full() {
    let mut pair = Pair::new(0);
    let mut sent = BTreeMap::<u8, usize>::new();
    let mut streams = 0;
    for round in 0..200 {
        while pair.outbox.normal.bytes() < 200 << 10 {
            pair.push(&message(1, 2, vec![0; 500]));
        }
        while pair.outbox.bulk.bytes() < 200 << 10 {
            streams += 1;
            pair.push(&message(1000 + streams, 2, vec![0; 100 << 10]));
        }
        while pair.outbox.background.bytes() < 200 << 10 {
            pair.outbox.push_frame(&stream_data(vec![0; 16 << 10]));
        }
        pair.outbox.control(&Frame::Tick);
        pair.turn().expect("a message");
        pair.grant();
        if round < 5 {
            continue; // a stream begins when what its sender may have sent before has gone
        }
        let now = shares(&pair.message);
        for kind in [TICK, MESSAGE_TO_ACTOR, FRAGMENT, STREAM_DATA] {
            assert!(now.contains_key(&kind), "{kind:#x} in message {round}: {now:?}");
        }
        for (kind, bytes) in now {
            *sent.entry(kind).or_default() += bytes;
        }
    }
    assert!(sent[&MESSAGE_TO_ACTOR] > 2 * sent[&FRAGMENT], "{sent:?}");
    assert!(sent[&FRAGMENT] > 195 * (14 << 10), "{sent:?}");
}

#[test]
fn a_flood_of_control_leaves_room_for_the_rest() {
    let mut pair = Pair::new(0);
    for _ in 0..20_000 {
        pair.outbox.control(&Frame::Tick);
    }
    pair.push(&message(1, 2, vec![1]));
    pair.push(&message(2, 2, vec![2; 20 << 10]));
    let shares = pair.turn().map(|_| shares(&pair.message)).expect("a message");
    assert!(shares.contains_key(&MESSAGE_TO_ACTOR) && shares.contains_key(&FRAGMENT));
}

#[test]
fn streams_take_turns() {
    let mut pair = Pair::new(0);
    pair.push(&message(1, 2, vec![1; 8 * MIB]));
    for sender in 2..6 {
        pair.push(&message(sender, 2, vec![1; 40 << 10]));
    }
    let mut done = Vec::new();
    for _ in 0..4 {
        done.extend(bodies(&pair.turn().expect("pieces")).iter().map(|(from, _)| *from));
    }
    assert_eq!(done, [2, 3, 4, 5]);
}

#[test]
fn a_frame_that_fills_a_message_goes_alone_and_soon() {
    let mut pair = Pair::new(0);
    let data = || stream_data(vec![0; crate::wire::BODY_BYTES_MAX - 1]);
    pair.outbox.push_frame(&data());
    pair.outbox.push_frame(&data());
    let mut turns = Vec::new();
    for _ in 0..6 {
        pair.push(&message(1, 2, vec![1]));
        pair.turn().expect("a message");
        turns.push(shares(&pair.message).contains_key(&STREAM_DATA));
    }
    assert_eq!(turns, [false, true, false, true, false, false]);
}

#[test]
fn without_credit_only_control_and_exchanges_go() {
    let mut pair = Pair::new(0);
    let mut sent = 0;
    for _ in 0..10_000 {
        pair.push(&message(1, 2, vec![0; 1000]));
    }
    while pair.turn().is_some() {
        sent += pair.message.len();
    }
    let window = SIGNAL_WINDOW_BYTES as usize;
    assert!((window - 1100..=window).contains(&sent), "{sent} of {window}");
    assert!(!pair.outbox.is_ready());
    assert!(!pair.outbox.is_empty());
    pair.push(&message(3, 2, vec![0; MIB]));
    assert_eq!(pair.turn(), None);
    pair.outbox.control(&Frame::Tick);
    pair.outbox.push_frame(&Frame::Ping { token: 1 });
    let ping = Received::Frame(Frame::Ping { token: 1 });
    assert_eq!(pair.turn(), Some(vec![Received::Frame(Frame::Tick), ping]));
    assert_eq!(pair.turn(), None);
    pair.grant();
    assert_eq!(bodies(&pair.drain()).len(), 10_001 - sent / 1007);
}

#[test]
fn a_long_message_stops_where_the_credit_ends_and_goes_on_with_the_next_grant() {
    for features in [0, FEATURE_LZ4] {
        let mut pair = Pair::new(features);
        let body = Random(1).junk(6 * MIB);
        pair.push(&message(1, 2, body.clone()));
        let mut sent = 0;
        while let Some(received) = pair.turn() {
            assert_eq!(received, []);
            sent += pair.message.len();
        }
        let window = SIGNAL_WINDOW_BYTES as usize;
        assert!((window - FRAGMENT_BYTES_MAX..=window).contains(&sent), "{sent} of {window}");
        pair.push(&message(1, 2, vec![1]));
        assert_eq!(pair.turn(), None);
        pair.push(&message(3, 2, vec![2]));
        let passes_by = pair.turn().map(|received| bodies(&received));
        assert_eq!(passes_by, Some(vec![(3, vec![2].into())]), "with the credit that is left");
        pair.grant();
        let rest = [(1, body.into()), (1, vec![1].into())];
        assert_eq!(bodies(&pair.drain()), rest);
    }
}

#[test]
fn credit_over_a_window_is_a_violation_and_changes_nothing() {
    let mut outbox = Outbox::new(0);
    assert_eq!(outbox.granted(1), Err(Violation::Overgrant));
    assert_eq!(outbox.granted(u32::MAX), Err(Violation::Overgrant));
    assert_eq!(outbox.push_item(&message(1, 2, vec![0; 100])), Pushed::Queued);
    assert!(outbox.next_message(&mut Vec::new()));
    assert_eq!(outbox.granted(108), Err(Violation::Overgrant));
    assert_eq!(outbox.granted(107), Ok(()), "five, two ids, and the body");
    assert_eq!(outbox.credit, SIGNAL_WINDOW_BYTES as usize);
}

#[test]
fn it_is_busy_above_a_mebibyte_and_until_half_of_that() {
    let mut pair = Pair::new(0);
    let item = message(1, 2, vec![0; 1017]);
    for number in 0..1024 {
        assert_eq!(pair.outbox.push_item(&item), Pushed::Queued, "{number}");
    }
    assert!(!pair.outbox.is_busy());
    assert_eq!(pair.outbox.queued_bytes(), MIB);
    assert_eq!(pair.outbox.push_item(&item), Pushed::Busy);
    while pair.outbox.queued_bytes() >= MIB / 2 {
        assert!(pair.outbox.is_busy());
        pair.turn().expect("a message");
    }
    assert!(!pair.outbox.is_busy());
    assert_eq!(pair.outbox.push_item(&item), Pushed::Queued);
    assert_eq!(pair.outbox.push_item(&message(3, 2, vec![0; MIB])), Pushed::Busy);
    for _ in 0..1000 {
        pair.outbox.push_frame(&stream_data(vec![0; 10_000]));
    }
    while pair.outbox.is_busy() {
        pair.turn().expect("a message");
    }
    assert!(pair.outbox.background.bytes() > MIB, "exchanges keep no actor waiting");
}

#[test]
fn the_other_side_is_never_sent_more_streams_than_it_bears() {
    let mut pair = Pair::new(0);
    for sender in 0..200 {
        pair.push(&message(sender, 2, vec![0; 50 << 10]));
    }
    for sender in 200..208 {
        pair.push(&message(sender, 2, vec![0; 16 * MIB]));
    }
    let mut seen = 0;
    while let Some(received) = pair.turn() {
        seen += bodies(&received).len();
        pair.grant();
    }
    assert_eq!(seen, 208, "and none broke a rule");
}

#[test]
fn what_no_frame_carries_is_refused_and_leaves_no_trace() {
    let mut pair = Pair::new(0);
    let too_large = message(1, 2, vec![0; crate::wire::SIGNAL_BYTES_MAX]);
    assert_eq!(pair.outbox.push_item(&too_large), Pushed::TooLarge);
    assert!(pair.outbox.is_empty() && !pair.outbox.is_ready());
    pair.push(&message(1, 2, vec![1; 20 << 10]));
    assert_eq!(pair.outbox.push_item(&too_large), Pushed::TooLarge);
    pair.push(&message(1, 2, vec![2]));
    assert_eq!(pair.outbox.push_item(&too_large), Pushed::TooLarge);
    pair.push(&message(1, 2, vec![3; 20 << 10]));
    let numbers: Vec<u8> = bodies(&pair.drain()).iter().map(|(_, body)| body[0]).collect();
    assert_eq!(numbers, [1, 2, 3]);
}

#[test]
fn a_long_list_of_nodes_goes_in_short_frames_before_all_else() {
    let info = |id: u64| NodeInfo {
        name: format!("{id:0>255}"),
        id,
        hidden: false,
        addresses: vec!["h".repeat(255); 8],
    };
    let all: Vec<NodeInfo> = (1..=100).map(info).collect();
    let small = NodeInfo { name: "a@b".to_owned(), id: 1, hidden: false, addresses: Vec::new() };
    let mut pair = Pair::new(0);
    pair.push(&message(1, 2, vec![0; 1000]));
    pair.push(&Item::Nodes(all.clone()));
    pair.push(&Item::Nodes(vec![small.clone(); 600]));
    pair.push(&Item::Nodes(Vec::new()));
    let mut heard = Vec::new();
    while let Some(received) = pair.turn() {
        let frames = frames(&pair.message);
        assert_eq!(frames[0].0, NODES);
        assert!(frames.iter().all(|(_, bytes)| *bytes <= NODES_BYTES + 100), "{frames:?}");
        for received in received {
            if let Received::Item(Item::Nodes(nodes)) = received {
                heard.extend(nodes);
            }
        }
    }
    assert_eq!(heard, [all, vec![small; 600]].concat());
}

#[test]
fn compressible_frames_go_compressed_if_the_other_side_reads_them() {
    let text = b"the same words again and again, ".repeat(100);
    for (features, bytes_max) in [(0, usize::MAX), (FEATURE_LZ4, 400)] {
        let mut pair = Pair::new(features);
        pair.push(&message(1, 2, text.clone()));
        let received = bodies(&pair.turn().expect("a message"));
        assert_eq!(received, [(1, text.clone().into())]);
        assert_eq!(pair.message.len() < text.len(), features == FEATURE_LZ4);
        assert!(pair.message.len() <= bytes_max);
        pair.push(&message(1, 2, text.repeat(300)));
        pair.outbox.push_frame(&stream_data(text.repeat(5)));
        let mut sent = 0;
        let mut seen = Vec::new();
        while let Some(received) = pair.turn() {
            sent += pair.message.len();
            seen.extend(received);
        }
        assert_eq!(bodies(&seen), [(1, text.repeat(300).into())]);
        assert!(seen.contains(&Received::Frame(stream_data(text.repeat(5)))));
        assert_eq!(sent < text.len() * 30, features == FEATURE_LZ4, "{sent} bytes");
    }
}

#[test]
fn junk_is_soon_no_longer_tried_to_be_compressed() {
    let mut pair = Pair::new(FEATURE_LZ4);
    let mut random = Random(1);
    for _ in 0..2000 {
        pair.push(&message(1, 2, random.junk(2000)));
        pair.turn().expect("a message");
        pair.grant();
        assert!(pair.message.len() > 2000, "as it is");
    }
    let tries = pair.outbox.compressor.as_ref().map(Compressor::tries);
    assert!(tries.is_some_and(|tries| tries < 20), "{tries:?} tries");
}

#[test]
fn an_outbox_that_has_drained_keeps_little_memory() {
    let mut pair = Pair::new(0);
    for sender in 0..2000 {
        pair.push(&message(sender, 2, vec![0; 3000]));
    }
    pair.drain();
    assert!(pair.outbox.normal.capacity() <= 16 << 10);
}
