//! The bytes of every kind of frame, and that junk is refused.

use bytes::Bytes;
use proptest::prelude::*;

use super::*;
use crate::wire::{BODY_BYTES_MAX, MESSAGE_BYTES_MAX};

fn hello() -> Hello {
    Hello {
        version_min: 1,
        version_max: 2,
        features: 300,
        role: Role::Control,
        name: "a@box".to_owned(),
        incarnation: 7,
        nonce: [9; 32],
    }
}

fn info() -> NodeInfo {
    NodeInfo { name: "a@b".to_owned(), id: 300, hidden: true, addresses: vec!["h:1".to_owned()] }
}

/// The body that carries it.
const INFO: &[u8] = b"\x03a@b\xac\x02\x01\x01\x03h:1";

/// One of each kind, with the exact bytes that PROTOCOL.md shows.
fn golden() -> Vec<(Frame, Vec<u8>)> {
    let mut hello_bytes = vec![0x01, 52, 0, 0, 0];
    hello_bytes.extend_from_slice(b"odeon");
    hello_bytes.extend_from_slice(&[1, 2, 0xac, 0x02, 1, 5]);
    hello_bytes.extend_from_slice(b"a@box");
    hello_bytes.push(7);
    hello_bytes.extend_from_slice(&[9; 32]);
    hello_bytes[1] = u8::try_from(hello_bytes.len() - 5).expect("short");
    let mut proof_bytes = vec![0x02, 32, 0, 0, 0];
    proof_bytes.extend_from_slice(&[3; 32]);
    let data = Bytes::from_static(b"hi");
    vec![
        (Frame::Hello(hello()), hello_bytes),
        (Frame::Proof([3; 32]), proof_bytes),
        (Frame::Refused(Refusal::Cookie), vec![0x03, 3, 0, 0, 0, 2, 0, 0]),
        (
            Frame::Refused(Refusal::Version { min: 1, max: 300 }),
            vec![0x03, 4, 0, 0, 0, 1, 1, 0xac, 0x02],
        ),
        (
            Frame::Request { id: 1, service: "x".to_owned(), body: data.clone() },
            vec![0x10, 5, 0, 0, 0, 1, 1, b'x', b'h', b'i'],
        ),
        (
            Frame::Reply { id: 1, outcome: Outcome::Failed, body: data.clone() },
            vec![0x11, 4, 0, 0, 0, 1, 1, b'h', b'i'],
        ),
        (Frame::StreamData { id: 128, data }, vec![0x12, 4, 0, 0, 0, 0x80, 1, b'h', b'i']),
        (Frame::StreamEnd { id: 2 }, vec![0x13, 1, 0, 0, 0, 2]),
        (Frame::Credit { id: 2, bytes: 128 }, vec![0x14, 3, 0, 0, 0, 2, 0x80, 1]),
        (Frame::Cancel { id: 2 }, vec![0x15, 1, 0, 0, 0, 2]),
        (Frame::Ping { token: 5 }, vec![0x20, 1, 0, 0, 0, 5]),
        (Frame::Pong { token: 5 }, vec![0x21, 1, 0, 0, 0, 5]),
        (Frame::Refused(Refusal::Simultaneous), vec![0x03, 3, 0, 0, 0, 7, 0, 0]),
        (Frame::Refused(Refusal::NotAllowed), vec![0x03, 3, 0, 0, 0, 8, 0, 0]),
        (Frame::Refused(Refusal::NameInUse), vec![0x03, 3, 0, 0, 0, 9, 0, 0]),
        (Frame::Refused(Refusal::NoCertificate), vec![0x03, 3, 0, 0, 0, 10, 0, 0]),
        (Frame::Welcome(info()), [&[0x04, 12, 0, 0, 0], INFO].concat()),
        (Frame::About(info()), [&[0x05, 12, 0, 0, 0], INFO].concat()),
        (Frame::Tick, vec![0x22, 0, 0, 0, 0]),
        (Frame::SignalCredit { bytes: 128 }, vec![0x39, 2, 0, 0, 0, 0x80, 1]),
    ]
}

/// Everything in a message, the way a connection reads it.
fn read(message: &[u8]) -> Result<Vec<Option<Frame>>, DecodeError> {
    let mut message = Bytes::copy_from_slice(message);
    let mut frames = Vec::new();
    while let Some(raw) = Raw::split(&mut message, BODY_BYTES_MAX)? {
        frames.push(raw.decode()?);
    }
    Ok(frames)
}

#[test]
fn every_frame_has_its_documented_bytes_and_comes_back() {
    let mut all = Vec::new();
    for (frame, bytes) in golden() {
        assert_eq!(frame.to_message(), bytes, "{frame:?}");
        assert_eq!(read(&bytes), Ok(vec![Some(frame.clone())]));
        frame.encode(&mut all);
    }
    let frames: Vec<_> = golden().into_iter().map(|(frame, _)| Some(frame)).collect();
    assert_eq!(read(&all), Ok(frames), "a batch reads as its frames, in order");
}

#[test]
fn every_prefix_of_a_frame_is_cut_short() {
    for (frame, bytes) in golden() {
        for end in 1..bytes.len() {
            assert_eq!(read(&bytes[..end]), Err(DecodeError::CutShort), "{frame:?} to {end}");
        }
    }
}

#[test]
fn a_body_without_its_last_byte_does_not_decode() {
    for (frame, mut bytes) in golden() {
        let has_tail = matches!(bytes[0], REQUEST | REPLY | STREAM_DATA);
        if has_tail || frame == Frame::Tick {
            continue;
        }
        bytes.pop();
        bytes[1] -= 1;
        assert_eq!(read(&bytes), Err(DecodeError::Malformed(bytes[0])), "{frame:?}");
    }
}

#[test]
fn unknown_optional_frames_are_skipped_and_unknown_mandatory_ones_refused() {
    let mut message = vec![0xf0, 3, 0, 0, 0, 1, 2, 3];
    Frame::Ping { token: 1 }.encode(&mut message);
    assert_eq!(read(&message), Ok(vec![None, Some(Frame::Ping { token: 1 })]));
    assert_eq!(read(&[0x7f, 0, 0, 0, 0]), Err(DecodeError::UnknownKind(0x7f)));
}

#[test]
fn fields_that_a_newer_version_appends_are_ignored() {
    let mut bytes = Frame::Hello(hello()).to_message().to_vec();
    bytes.extend_from_slice(&[1, 2, 3]);
    bytes[1] += 3;
    assert_eq!(read(&bytes), Ok(vec![Some(Frame::Hello(hello()))]));
}

#[test]
fn an_announced_length_over_the_limit_is_refused_before_the_body_is_there() {
    let huge = [STREAM_DATA, 0xff, 0xff, 0xff, 0xff];
    let error = DecodeError::TooLong { bytes: u32::MAX as usize, bytes_max: BODY_BYTES_MAX };
    assert_eq!(read(&huge), Err(error));
    let mut largest = Vec::new();
    let data = Bytes::from(vec![0; BODY_BYTES_MAX - 1]);
    Frame::StreamData { id: 1, data }.encode(&mut largest);
    assert_eq!(largest.len(), MESSAGE_BYTES_MAX);
    assert!(read(&largest).is_ok());
}

#[test]
fn texts_over_their_limits_and_empty_stream_data_are_malformed() {
    let mut long = hello();
    long.name = "n".repeat(NODE_NAME_BYTES_MAX + 1);
    assert_eq!(read(&Frame::Hello(long).to_message()), Err(DecodeError::Malformed(HELLO)));
    let service = "s".repeat(SERVICE_BYTES_MAX + 1);
    let request = Frame::Request { id: 1, service, body: Bytes::new() };
    assert_eq!(read(&request.to_message()), Err(DecodeError::Malformed(REQUEST)));
    let empty = Frame::StreamData { id: 1, data: Bytes::new() };
    assert_eq!(read(&empty.to_message()), Err(DecodeError::Malformed(STREAM_DATA)));
    let mut other = Frame::Hello(hello()).to_message().to_vec();
    other[5] = b'O';
    assert_eq!(read(&other), Err(DecodeError::Malformed(HELLO)), "another protocol");
}

#[test]
fn what_connected_nodes_send_is_out_of_place_as_a_frame_of_its_own() {
    for kind in [0x28, 0x30, 0x31, 0x32, 0x33, 0x34, 0x35, 0x38, 0x3a] {
        assert_eq!(read(&[kind, 0, 0, 0, 0]), Err(DecodeError::OutOfPlace(kind)));
    }
}

/// SplitMix64, so that a failing run can be replayed from its printed seed.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}

#[test]
#[expect(clippy::disallowed_methods, reason = "a person names the seed to replay")]
fn damaged_batches_never_panic_and_yield_no_more_than_they_hold() {
    let seed = std::env::var("SEED").ok().and_then(|text| text.parse().ok()).unwrap_or(20);
    println!("SEED={seed} replays this run");
    let mut random = Random(seed);
    let frames: Vec<Vec<u8>> = golden().into_iter().map(|(_, bytes)| bytes).collect();
    for _ in 0..20_000 {
        let mut message = Vec::new();
        for _ in 0..=random.next() % 4 {
            let at = usize::try_from(random.next()).expect("64-bit") % frames.len();
            message.extend_from_slice(&frames[at]);
        }
        for _ in 0..=random.next() % 6 {
            let at = usize::try_from(random.next()).expect("64-bit") % message.len();
            match random.next() % 3 {
                0 => message[at] = random.next().to_le_bytes()[0],
                1 => message.truncate(at.max(1)),
                _ => message.insert(at, random.next().to_le_bytes()[0]),
            }
        }
        let bytes_held = message.len();
        if let Ok(frames) = read(&message) {
            let bytes: usize = frames.iter().flatten().map(held_bytes).sum();
            assert!(bytes <= bytes_held, "{bytes} out of {bytes_held}");
        }
    }
}

/// The variable bytes that a decoded frame holds.
fn held_bytes(frame: &Frame) -> usize {
    match frame {
        Frame::Hello(hello) => hello.name.len(),
        Frame::Request { service, body, .. } => service.len() + body.len(),
        Frame::Reply { body, .. } => body.len(),
        Frame::StreamData { data, .. } => data.len(),
        Frame::Welcome(info) | Frame::About(info) => {
            info.name.len() + info.addresses.iter().map(String::len).sum::<usize>()
        }
        Frame::Proof(_)
        | Frame::Refused(_)
        | Frame::StreamEnd { .. }
        | Frame::Credit { .. }
        | Frame::Cancel { .. }
        | Frame::Ping { .. }
        | Frame::Pong { .. }
        | Frame::Tick
        | Frame::SignalCredit { .. } => 0,
    }
}

proptest! {
    #[test]
    fn any_bytes_decode_or_are_refused(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
        let _ = read(&bytes);
    }

    #[test]
    fn any_request_comes_back(id: u64, service in "[a-z/]{0,64}", body: Vec<u8>) {
        let frame = Frame::Request { id, service, body: body.into() };
        prop_assert_eq!(read(&frame.to_message()), Ok(vec![Some(frame)]));
    }
}
