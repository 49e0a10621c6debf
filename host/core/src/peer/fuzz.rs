//! What any bytes must not do: one function for each reader of bytes that strangers or
//! peers send, told one input, which panics if a promise is broken.
//!
//! The package `fuzz/` hands them inputs that a fuzzer finds. The tests here hand them
//! the seeds in `fuzz/seeds/`, which are inputs as text, and mutations of those from a
//! fixed seed. Must not know which of the two it is.

mod mutation;

use std::collections::{BTreeMap, VecDeque};

use bytes::Bytes;

use self::mutation::Random;
use super::compression::{Compressor, decompress};
use super::fragments::Fragments;
use super::handshake::{Effect, Handshake, Secret};
use super::inbound::{Inbound, Received, Violation};
use super::{STREAMS_BYTES_MAX, STREAMS_MAX};
use crate::id::NodeId;
use crate::wire::kind::{COMPRESSED, MESSAGE_TO_ACTOR, is_signal};
use crate::wire::{
    BODY_BYTES_MAX, FEATURE_LZ4, Frame, HANDSHAKE_BODY_BYTES_MAX, HEADER_BYTES, Hello,
    MESSAGE_BYTES_MAX, Raw, Role, SIGNAL_BYTES_MAX, VERSION_MAX, VERSION_MIN,
};

/// A reader of bytes, with inputs to begin with.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// What it is called.
    pub name: &'static str,
    /// Takes one input.
    ///
    /// # Panics
    /// A promise is broken.
    pub run: fn(&[u8]),
    /// Inputs in hexadecimal digits, one a line; what follows a `#` is a comment.
    seeds: &'static str,
}

/// All of them.
pub const TARGETS: [Target; 5] = [
    Target {
        name: "handshake",
        run: handshake,
        seeds: include_str!("../../../../fuzz/seeds/handshake.hex"),
    },
    Target {
        name: "frames",
        run: frames,
        seeds: include_str!("../../../../fuzz/seeds/frames.hex"),
    },
    Target {
        name: "inbound",
        run: inbound,
        seeds: include_str!("../../../../fuzz/seeds/inbound.hex"),
    },
    Target {
        name: "fragments",
        run: fragments,
        seeds: include_str!("../../../../fuzz/seeds/fragments.hex"),
    },
    Target { name: "lz4", run: lz4, seeds: include_str!("../../../../fuzz/seeds/lz4.hex") },
];

impl Target {
    /// The inputs to begin with.
    ///
    /// # Panics
    /// A line of the file is not what it should be.
    pub fn seeds(&self) -> Vec<Vec<u8>> {
        let code = |line: &'static str| line.split('#').next().unwrap_or_default();
        let lines = self.seeds.lines().map(code);
        lines.filter(|line| !line.trim().is_empty()).map(from_hex).collect()
    }

    /// Takes so many mutations of the seeds: the same for the same `seed`.
    ///
    /// # Panics
    /// A promise is broken.
    pub fn run_mutations(&self, seed: u64, count: u32) {
        let seeds = self.seeds();
        let mut random = Random(seed);
        for _ in 0..count {
            (self.run)(&random.mutation(&seeds));
        }
    }
}

fn from_hex(line: &str) -> Vec<u8> {
    let digits: Vec<u8> = line
        .chars()
        .filter(|char| !char.is_whitespace())
        .map(|char| char.to_digit(16).expect("a seed is hexadecimal digits") as u8)
        .collect();
    assert!(digits.len().is_multiple_of(2), "half a byte at the end of {line}");
    digits.chunks(2).map(|pair| 16 * pair[0] + pair[1]).collect()
}

/// A handshake with a stranger, or between two honest sides on a network that changes
/// what it carries. Nobody who lacks the cookie gets in, and nobody is taken for
/// another.
///
/// The first byte chooses. For a stranger the rest is what it says; for the network it
/// is what to do with each frame.
///
/// # Panics
/// A promise is broken.
pub fn handshake(input: &[u8]) {
    let Some((&mode, rest)) = input.split_first() else { return };
    match mode % 3 {
        0 => stranger(acceptor(), false, rest),
        1 => stranger(initiator(&mut Vec::new()), true, rest),
        _ => tampered(rest),
    }
}

fn hello(name: &str, nonce: u8) -> Hello {
    Hello {
        version_min: VERSION_MIN,
        version_max: VERSION_MAX,
        features: FEATURE_LZ4,
        role: Role::Peer,
        name: name.to_owned(),
        incarnation: u64::from(nonce),
        nonce: [nonce; 32],
    }
}

fn secret() -> Secret {
    Secret::new(b"of these two sides alone").expect("long enough")
}

fn initiator(effects: &mut Vec<Effect>) -> Handshake {
    Handshake::initiate(hello("a@box", 1), secret(), Bytes::new(), effects)
}

fn acceptor() -> Handshake {
    let choose = Box::new(|_: &Hello| secret());
    Handshake::accept(hello("b@box", 2), choose, Bytes::new(), &[Role::Peer, Role::Control])
}

/// Tells a side the next frame of a message, or that there is none.
fn tell(side: &mut Handshake, message: &mut Bytes) -> Vec<Effect> {
    let mut effects = Vec::new();
    match Raw::split(message, HANDSHAKE_BODY_BYTES_MAX) {
        Ok(Some(raw)) => side.received(&raw, &mut effects),
        Ok(None) => {}
        Err(_) => {
            message.clear();
            side.garbled(&mut effects);
        }
    }
    effects
}

/// Only the side that opened the connection shows a proof to whoever answers.
fn stranger(mut side: Handshake, opened: bool, input: &[u8]) {
    let mut message = Bytes::copy_from_slice(input);
    while !message.is_empty() {
        let effects = tell(&mut side, &mut message);
        for effect in &effects {
            match effect {
                Effect::Send(Frame::Proof(_)) => assert!(opened, "proved to a stranger"),
                Effect::Send(_) => {}
                Effect::Established(session) => panic!("a stranger got in: {session:?}"),
                Effect::Failed(_) => {
                    assert_eq!(effects.last(), Some(effect), "the last effect");
                    let more = tell(&mut side, &mut Frame::Ping { token: 1 }.to_message());
                    assert_eq!(more, [], "over is over");
                    return;
                }
            }
        }
    }
}

/// A byte for each frame says what becomes of it; some are followed by more.
fn tampered(input: &[u8]) {
    let mut input = input.iter().copied();
    let mut effects = Vec::new();
    let mut sides = [initiator(&mut effects), acceptor()];
    let honest = [hello("b@box", 2), hello("a@box", 1)];
    let (mut over, mut established, mut changed) = ([false; 2], [false; 2], false);
    let mut under_way: VecDeque<(usize, Bytes)> = VecDeque::new();
    let send = |under_way: &mut VecDeque<(usize, Bytes)>, from: usize, effects: &[Effect]| {
        for effect in effects {
            if let Effect::Send(frame) = effect {
                under_way.push_back((1 - from, frame.to_message()));
            }
        }
    };
    send(&mut under_way, 0, &effects);
    while let Some((to, frame)) = under_way.pop_front() {
        let fate = input.next().unwrap_or(0) % 8;
        changed |= fate > 3;
        let mut bytes = frame.to_vec();
        match fate {
            0..=3 => {}
            4 => {
                let at = usize::from(input.next().unwrap_or(0)) % bytes.len();
                bytes[at] ^= input.next().unwrap_or(0) | 1;
            }
            5 => bytes.clear(),
            6 => bytes.extend_from_slice(&frame),
            _ => {
                let length = usize::from(input.next().unwrap_or(0));
                bytes = input.by_ref().take(length).collect();
            }
        }
        let mut message = Bytes::from(bytes);
        while !message.is_empty() && !over[to] {
            let effects = tell(&mut sides[to], &mut message);
            for effect in &effects {
                if let Effect::Established(session) = effect {
                    assert_eq!(session.theirs, honest[to], "taken for another");
                    established[to] = true;
                }
            }
            over[to] = matches!(effects.last(), Some(Effect::Established(_) | Effect::Failed(_)));
            send(&mut under_way, to, &effects);
        }
    }
    assert!(changed || established == [true; 2], "nothing was changed, and they did not agree");
}

/// The frames of a message: what can be read is written the same way again.
///
/// # Panics
/// A promise is broken.
pub fn frames(input: &[u8]) {
    let mut message = Bytes::copy_from_slice(input);
    while let Ok(Some(raw)) = Raw::split(&mut message, BODY_BYTES_MAX) {
        let Ok(Some(frame)) = raw.decode() else { continue };
        let mut again = frame.to_message();
        let raw = Raw::split(&mut again, BODY_BYTES_MAX);
        let raw = raw.expect("it was short enough before").expect("it is a frame");
        assert_eq!(raw.decode(), Ok(Some(frame)));
        assert!(again.is_empty());
    }
}

const RECEIVER: NodeId = NodeId::from_wire(5);
const SENDER: NodeId = NodeId::from_wire(300);

/// The messages of a connection between nodes: read in one and frame by frame they give
/// the same, and each item that comes is written the same way again.
///
/// The first byte has the features; each message follows its length in two bytes.
///
/// # Panics
/// A promise is broken.
pub fn inbound(input: &[u8]) {
    let Some((&features, mut rest)) = input.split_first() else { return };
    let features = u64::from(features) & FEATURE_LZ4;
    let [mut one, mut other] = [(); 2].map(|()| Inbound::new(RECEIVER, SENDER, features));
    while let Some((&length, after)) = rest.split_first_chunk::<2>() {
        let length = usize::from(u16::from_le_bytes(length)).min(after.len());
        let (message, after) = after.split_at(length);
        rest = after;
        let (all, end) = in_one(&mut one, message);
        let (same, same_end) = frame_by_frame(&mut other, message);
        assert_eq!((&all, end), (&same, same_end));
        for received in &all {
            comes_back(received);
        }
        if end.is_some() {
            return;
        }
        assert_eq!(one.consumed(), other.consumed());
    }
}

/// What a message gives, and the rule that it breaks.
type Read = (Vec<Received>, Option<Violation>);

fn in_one(inbound: &mut Inbound, message: &[u8]) -> Read {
    let (mut message, mut all) = (Bytes::copy_from_slice(message), Vec::new());
    loop {
        match inbound.next(&mut message) {
            Ok(Some(received)) => all.push(received),
            Ok(None) => return (all, None),
            Err(violation) => return (all, Some(violation)),
        }
    }
}

fn frame_by_frame(inbound: &mut Inbound, message: &[u8]) -> Read {
    let (mut message, mut all) = (Bytes::copy_from_slice(message), Vec::new());
    loop {
        let raw = match Raw::split(&mut message, BODY_BYTES_MAX) {
            Ok(Some(raw)) => raw,
            Ok(None) => return (all, None),
            Err(error) => return (all, Some(error.into())),
        };
        match inbound.received(&raw) {
            Ok(received) => all.extend(received),
            Err(violation) => return (all, Some(violation)),
        }
    }
}

fn comes_back(received: &Received) {
    let Received::Item(item) = received else { return };
    let mut bytes = Vec::new();
    item.encode(&mut bytes).expect("it was short enough before");
    let mut inbound = Inbound::new(RECEIVER, SENDER, 0);
    if bytes.len() <= MESSAGE_BYTES_MAX {
        assert_eq!(in_one(&mut inbound, &bytes), (vec![Received::Item(item.clone())], None));
    }
}

/// The pieces of long frames: each frame that comes out is what went in under its
/// number, and no more is held than has come.
///
/// Of each piece's first byte three bits are the stream, one says that it is the last,
/// and one that a header comes first, whose length is the byte behind; the next byte is
/// the length of what follows.
///
/// # Panics
/// A promise is broken.
pub fn fragments(input: &[u8]) {
    let mut fragments = Fragments::default();
    let mut model: BTreeMap<u64, Vec<u8>> = BTreeMap::new();
    let mut rest = input.iter().copied();
    while let Some(first) = rest.next() {
        let (stream, last) = (u64::from(first & 7), first & 8 != 0);
        let mut piece = Vec::new();
        if first & 16 != 0 {
            piece = vec![MESSAGE_TO_ACTOR, rest.next().unwrap_or(0), 0, 0, 0];
        }
        let length = usize::from(rest.next().unwrap_or(0));
        piece.extend(rest.by_ref().take(length));
        let whole = match fragments.received(stream, last, &piece) {
            Ok(whole) => whole,
            Err(_) => return,
        };
        let all = model.entry(stream).or_default();
        all.extend_from_slice(&piece);
        if let Some(whole) = whole {
            assert!(last && is_signal(whole[0]) && whole.len() <= SIGNAL_BYTES_MAX);
            assert_eq!(whole, *all);
            model.remove(&stream);
        }
        let held: usize = model.values().map(Vec::len).sum();
        assert_eq!(fragments.held_bytes(), held);
        assert!(held <= STREAMS_BYTES_MAX && model.len() <= STREAMS_MAX);
    }
}

/// The body of a compressed frame, and the same bytes as a message that this side
/// compresses itself.
///
/// # Panics
/// A promise is broken.
pub fn lz4(input: &[u8]) {
    if let Ok(raw) = decompress(input) {
        assert!(raw.body.len() + HEADER_BYTES <= MESSAGE_BYTES_MAX);
        assert_ne!(raw.kind, COMPRESSED, "a compressed frame in a compressed frame");
    }
    let plain = framed(MESSAGE_TO_ACTOR, input);
    let mut sent = plain.clone();
    Compressor::default().try_last(&mut sent, 0);
    if sent != plain {
        assert!(sent[0] == COMPRESSED && sent.len() < plain.len());
        let raw = decompress(&sent[HEADER_BYTES..]).expect("what this side made");
        assert_eq!(framed(raw.kind, &raw.body), plain);
    }
}

fn framed(kind: u8, body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len()).expect("an input is short");
    [&[kind], &length.to_le_bytes()[..], body].concat()
}

#[cfg(test)]
#[path = "fuzz_test.rs"]
mod tests;
