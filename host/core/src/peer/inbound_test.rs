//! What comes in, whole or in pieces, and that the rules are kept.

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
use crate::peer::testing::{RECEIVER, SENDER, frame, message};

fn inbound(features: u64) -> Inbound {
    Inbound::new(RECEIVER, SENDER, features)
}

/// Everything in a transport message, or the rule that it breaks.
fn read(inbound: &mut Inbound, message: &[u8]) -> Result<Vec<Received>, Violation> {
    let mut message = Bytes::copy_from_slice(message);
    let mut all = Vec::new();
    while let Some(received) = inbound.next(&mut message)? {
        all.push(received);
    }
    Ok(all)
}

fn bytes_of(item: &Item) -> Vec<u8> {
    let mut out = Vec::new();
    item.encode(&mut out).expect("short enough");
    out
}

/// A fragment.
fn piece(stream: u64, last: bool, piece: &[u8]) -> Vec<u8> {
    let mut body = postcard::to_stdvec(&(stream, last)).expect("an integer and a boolean");
    body.extend_from_slice(piece);
    frame(FRAGMENT, &body)
}

/// A compressed frame that claims the length of what it holds.
fn compressed(inner: &[u8]) -> Vec<u8> {
    let mut body = postcard::to_stdvec(&inner.len()).expect("an integer");
    body.extend(lz4_flex::block::compress(inner));
    frame(COMPRESSED, &body)
}

#[test]
fn a_batch_reads_the_same_in_one_and_frame_by_frame() {
    let item = message(1, 2, vec![7; 3000]);
    let nodes = Item::Nodes(Vec::new());
    let mut batch = bytes_of(&item);
    Frame::Tick.encode(&mut batch);
    batch.extend(frame(0xf0, b"unknown and optional"));
    batch.extend(piece(0, false, &bytes_of(&item)[..1000]));
    batch.extend(bytes_of(&nodes));
    batch.extend(compressed(&bytes_of(&item)));
    batch.extend(piece(0, true, &bytes_of(&item)[1000..]));
    batch.extend(compressed(&Frame::StreamData { id: 1, data: vec![0; 1000].into() }.to_message()));
    let expected = vec![
        Received::Item(item.clone()),
        Received::Frame(Frame::Tick),
        Received::Item(nodes),
        Received::Item(item.clone()),
        Received::Item(item),
        Received::Frame(Frame::StreamData { id: 1, data: vec![0; 1000].into() }),
    ];
    assert_eq!(read(&mut inbound(FEATURE_LZ4), &batch).as_ref(), Ok(&expected));
    let mut inbound = inbound(FEATURE_LZ4);
    let mut batch = Bytes::from(batch);
    let mut received = Vec::new();
    while let Some(raw) = Raw::split(&mut batch, BODY_BYTES_MAX).expect("framed") {
        received.extend(inbound.received(&raw).expect("no rule is broken"));
    }
    assert_eq!(received, expected);
}

/// Messages that break one rule each, and the rule. Golden bytes of what PROTOCOL.md
/// forbids: they are written out, so that no change of an encoder can change them.
fn malformed() -> Vec<(&'static [u8], Violation)> {
    use DecodeError::{CutShort, Malformed, TooLong, UnknownKind};
    let too_long = |bytes| TooLong { bytes, bytes_max: BODY_BYTES_MAX }.into();
    vec![
        (b"\x30", CutShort.into()),
        (b"\x30\x02\x00\x00", CutShort.into()),
        (b"\x30\x03\x00\x00\x00\x01\x02", CutShort.into()),
        (b"\x22\x00\x00\x00\x00\x22", CutShort.into()),
        (b"\x30\x01\x00\x02\x00", too_long((128 << 10) + 1)),
        (b"\x38\xff\xff\xff\xff\x00", too_long(u32::MAX as usize)),
        (b"\x7f\x00\x00\x00\x00", UnknownKind(0x7f).into()),
        (b"\x37\x00\x00\x00\x00", UnknownKind(0x37).into()),
        (b"\x04\x00\x00\x00\x00", Malformed(0x04).into()),
        (b"\x05\x05\x00\x00\x00\x00\x01\x00\x00\x00", Malformed(0x05).into()),
        (b"\x28\x00\x00\x00\x00", Malformed(0x28).into()),
        (b"\x30\x01\x00\x00\x00\x01", Malformed(0x30).into()),
        (b"\x31\x02\x00\x00\x00\x01\x05", Malformed(0x31).into()),
        (b"\x32\x02\x00\x00\x00\x01\x00", Malformed(0x32).into()),
        (b"\x33\x03\x00\x00\x00\x01\x00\x02", Malformed(0x33).into()),
        (b"\x34\x01\x00\x00\x00\x03", Malformed(0x34).into()),
        (b"\x35\x01\x00\x00\x00\x03", Malformed(0x35).into()),
        (b"\x38\x00\x00\x00\x00", Malformed(0x38).into()),
        (b"\x38\x01\x00\x00\x00\x00", Malformed(0x38).into()),
        (b"\x38\x02\x00\x00\x00\x00\x02", Malformed(0x38).into()),
        (b"\x38\x02\x00\x00\x00\x00\x01", Violation::PieceLength(0)),
        (b"\x38\x03\x00\x00\x00\x00\x00\x30", Violation::PieceLength(1)),
        (b"\x38\x07\x00\x00\x00\x00\x01\x38\x00\x00\x00\x00", Violation::StreamKind(0x38)),
        (b"\x38\x07\x00\x00\x00\x00\x01\x3a\x00\x00\x00\x00", Violation::StreamKind(0x3a)),
        (b"\x38\x07\x00\x00\x00\x00\x01\x30\x02\x00\x00\x00", Violation::StreamLength(0)),
        (
            b"\x38\x07\x00\x00\x00\x00\x00\x30\xfc\xff\x00\x01",
            Violation::SignalLength((16 << 20) + (64 << 10) + 1),
        ),
        (b"\x38\x07\x00\x00\x00\x00\x01\x30\x00\x00\x00\x00", Malformed(0x30).into()),
        (b"\x39\x00\x00\x00\x00", Malformed(0x39).into()),
        (b"\x39\x05\x00\x00\x00\xff\xff\xff\xff\x7f", Malformed(0x39).into()),
        (b"\x3a\x00\x00\x00\x00", Malformed(0x3a).into()),
        (b"\x3a\x01\x00\x00\x00\x07", Violation::CompressedLength(7)),
        (b"\x3a\x02\x00\x00\x00\x07\xff", Violation::Compressed),
        // An offset of 0, and one before the beginning.
        (b"\x3a\x06\x00\x00\x00\x07\x10\x30\x00\x00\x00", Violation::Compressed),
        (b"\x3a\x06\x00\x00\x00\x07\x10\x30\x05\x00\x00", Violation::Compressed),
        // A whole tick, a whole compressed frame.
        (b"\x3a\x07\x00\x00\x00\x05\x50\x22\x00\x00\x00\x00", Violation::CompressedKind(0x22)),
        (b"\x3a\x07\x00\x00\x00\x05\x50\x3a\x00\x00\x00\x00", Violation::CompressedKind(0x3a)),
        // A message that is cut short, and one that does not decode.
        (b"\x3a\x07\x00\x00\x00\x05\x50\x30\x02\x00\x00\x00", CutShort.into()),
        (b"\x3a\x07\x00\x00\x00\x05\x50\x30\x00\x00\x00\x00", Malformed(0x30).into()),
        (
            b"\x3a\x06\x00\x00\x00\xff\xff\xff\xff\x0f\x00",
            Violation::CompressedLength(u32::MAX as usize),
        ),
        (
            b"\x3a\x04\x00\x00\x00\x86\x80\x08\x00",
            Violation::CompressedLength(MESSAGE_BYTES_MAX + 1),
        ),
        // What is for nobody, behind what is for somebody.
        (b"\x30\x04\x00\x00\x00\x01\x02hi\x01", CutShort.into()),
        (b"\x12\x01\x00\x00\x00\x01", Malformed(0x12).into()),
        (b"\x01\x00\x00\x00\x00", Malformed(0x01).into()),
        (b"\x34\x00\x00\x00\x00\x7f", Malformed(0x34).into()),
        (b"\x36\x00\x00\x00\x00", UnknownKind(0x36).into()),
        (b"\x3b\x00\x00\x00\x00", UnknownKind(0x3b).into()),
        // Among signals in fragments, only signals decode.
        (b"\x38\x07\x00\x00\x00\x00\x01\x28\x00\x00\x00\x00", Violation::StreamKind(0x28)),
        (b"\x38\x07\x00\x00\x00\x00\x01\x12\x00\x00\x00\x00", Violation::StreamKind(0x12)),
    ]
}

#[test]
fn each_message_of_the_list_breaks_the_rule_beside_it() {
    for (bytes, violation) in malformed() {
        assert_eq!(read(&mut inbound(FEATURE_LZ4), bytes), Err(violation), "{bytes:02x?}");
    }
}

#[test]
fn fragments_and_compressed_frames_have_their_documented_bytes() {
    let mut inbound = inbound(FEATURE_LZ4);
    let hi = || Ok(vec![Received::Item(message(1, 2, &b"hi"[..]))]);
    let first = b"\x38\x09\x00\x00\x00\x00\x00\x30\x04\x00\x00\x00\x01\x02";
    assert_eq!(read(&mut inbound, first), Ok(vec![]));
    let second = b"\x38\x04\x00\x00\x00\x00\x01hi";
    assert_eq!(read(&mut inbound, second), hi());
    let block = b"\x3a\x0b\x00\x00\x00\x09\x90\x30\x04\x00\x00\x00\x01\x02hi";
    assert_eq!(read(&mut inbound, block), hi());
}

#[test]
fn a_compressed_frame_that_was_not_agreed_on_is_a_violation() {
    let bytes = compressed(&bytes_of(&message(1, 2, vec![0; 2000])));
    assert_eq!(read(&mut inbound(0), &bytes), Err(Violation::NotAgreed));
    assert!(read(&mut inbound(FEATURE_LZ4), &bytes).is_ok());
}

#[test]
fn a_fragment_may_be_compressed_and_a_compressed_frame_may_not_be_cut() {
    let whole = bytes_of(&message(1, 2, vec![0; 20_000]));
    let (first, rest) = whole.split_at(10_000);
    let batch = [compressed(&piece(0, false, first)), compressed(&piece(0, true, rest))].concat();
    let received = read(&mut inbound(FEATURE_LZ4), &batch);
    assert_eq!(received, Ok(vec![Received::Item(message(1, 2, vec![0; 20_000]))]));
    let twice = compressed(&compressed(&whole));
    let refused = read(&mut inbound(FEATURE_LZ4), &twice);
    assert_eq!(refused, Err(Violation::CompressedKind(COMPRESSED)));
    let cut = piece(0, true, &compressed(&whole));
    let refused = read(&mut inbound(FEATURE_LZ4), &cut);
    assert_eq!(refused, Err(Violation::StreamKind(COMPRESSED)));
}

#[test]
fn signals_over_the_credit_are_a_violation_and_other_frames_cost_nothing() {
    let mut inbound = inbound(FEATURE_LZ4);
    let window = SIGNAL_WINDOW_BYTES as usize;
    let signal = bytes_of(&message(1, 2, vec![0; 1017]));
    assert_eq!(signal.len(), 1 << 10);
    for _ in 0..window / signal.len() {
        assert!(read(&mut inbound, &signal).is_ok());
    }
    assert_eq!(inbound.open, 0);
    let overrun = Err(Violation::Credit(credit::Violation::Overrun));
    assert_eq!(read(&mut inbound, &signal), overrun);
    assert_eq!(read(&mut inbound, &piece(0, true, &signal)), overrun);
    assert_eq!(read(&mut inbound, &compressed(&signal)), overrun);
    let mut free = bytes_of(&Item::Nodes(Vec::new()));
    Frame::Tick.encode(&mut free);
    Frame::StreamData { id: 1, data: vec![0; 1000].into() }.encode(&mut free);
    free.extend(compressed(&Frame::StreamData { id: 1, data: vec![0; 1000].into() }.to_message()));
    assert_eq!(read(&mut inbound, &free).map(|all| all.len()), Ok(4));
    assert_eq!(inbound.consumed(), Some(SIGNAL_WINDOW_BYTES));
    assert!(read(&mut inbound, &signal).is_ok());
}

#[test]
fn credit_is_granted_when_half_a_window_was_consumed() {
    let mut inbound = inbound(0);
    let signal = bytes_of(&message(1, 2, vec![0; 1017]));
    for _ in 0..2047 {
        assert!(read(&mut inbound, &signal).is_ok());
        assert_eq!(inbound.consumed(), None);
    }
    assert!(read(&mut inbound, &signal).is_ok());
    assert_eq!(inbound.consumed(), Some(2 << 20));
    assert_eq!(inbound.consumed(), None);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1024))]

    #[test]
    fn any_bytes_are_read_or_break_a_rule(bytes in vec(any::<u8>(), 0..300)) {
        let _ = read(&mut inbound(FEATURE_LZ4), &bytes);
    }

    #[test]
    fn any_frames_are_read_or_break_a_rule(
        frames in vec((prop_oneof![Just(0x28), 0x30..=0x3b_u8], vec(any::<u8>(), 0..40)), 1..8),
    ) {
        let message: Vec<u8> = frames.iter().flat_map(|(kind, body)| frame(*kind, body)).collect();
        let _ = read(&mut inbound(FEATURE_LZ4), &message);
    }

    #[test]
    fn any_pieces_and_blocks_are_read_or_break_a_rule(
        steps in vec((0..4_u64, any::<bool>(), vec(any::<u8>(), 0..40), any::<bool>()), 1..12),
    ) {
        let mut message = Vec::new();
        for (stream, last, bytes, is_compressed) in steps {
            let inner = frame(0x30, &bytes);
            let piece = piece(stream, last, if last { &bytes } else { &inner });
            message.extend(if is_compressed { compressed(&piece) } else { piece });
        }
        let _ = read(&mut inbound(FEATURE_LZ4), &message);
    }
}
