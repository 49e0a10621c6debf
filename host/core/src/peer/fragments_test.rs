//! Pieces in, frames out, and what is refused.

use super::*;
use crate::peer::testing::frame;
use crate::wire::kind::{COMPRESSED, FRAGMENT, MESSAGE_TO_ACTOR, NODES, STREAM_DATA};

/// The header of a signal with a body of so many bytes.
fn header(body: usize) -> Vec<u8> {
    let body = u32::try_from(body).expect("short");
    [&[MESSAGE_TO_ACTOR], &body.to_le_bytes()[..]].concat()
}

#[test]
fn pieces_of_several_streams_make_their_frames() {
    let mut fragments = Fragments::default();
    let whole: Vec<Vec<u8>> = (0..3_u8).map(|n| frame(MESSAGE_TO_ACTOR, &[n; 50_000])).collect();
    let mut done = Vec::new();
    for piece in 0..4 {
        for (stream, frame) in whole.iter().enumerate() {
            let piece = frame.chunks(STREAM_PIECE_BYTES).nth(piece).expect("four pieces");
            let last = piece.len() < STREAM_PIECE_BYTES;
            let given = fragments.received(stream as u64, last, piece).expect("no rule is broken");
            done.extend(given);
        }
    }
    assert_eq!(done, whole);
    assert_eq!((fragments.held_bytes, fragments.under_way.len()), (0, 0));
}

/// A stream's number, whether the piece is the last, and the piece.
type Step = (u64, bool, Vec<u8>);

/// Streams that break one rule each with their last piece.
fn malformed() -> Vec<(Vec<Step>, Violation)> {
    let whole = |kind| frame(kind, b"\x01\x02hi");
    let first = || header(20_000);
    vec![
        (vec![(0, true, vec![])], Violation::PieceLength(0)),
        (vec![(0, false, vec![])], Violation::PieceLength(0)),
        (
            vec![(0, false, vec![MESSAGE_TO_ACTOR; STREAM_PIECE_BYTES + 1])],
            Violation::PieceLength(STREAM_PIECE_BYTES + 1),
        ),
        (vec![(0, false, vec![MESSAGE_TO_ACTOR, 9, 0, 0])], Violation::PieceLength(4)),
        (vec![(0, true, whole(STREAM_DATA))], Violation::StreamKind(STREAM_DATA)),
        (vec![(0, true, whole(FRAGMENT))], Violation::StreamKind(FRAGMENT)),
        (vec![(0, true, whole(COMPRESSED))], Violation::StreamKind(COMPRESSED)),
        (vec![(0, true, whole(NODES))], Violation::StreamKind(NODES)),
        (
            vec![(0, false, header(SIGNAL_BYTES_MAX - 4))],
            Violation::SignalLength(SIGNAL_BYTES_MAX + 1),
        ),
        (
            vec![(0, false, vec![MESSAGE_TO_ACTOR, 0xff, 0xff, 0xff, 0xff])],
            Violation::SignalLength(HEADER_BYTES + u32::MAX as usize),
        ),
        (vec![(0, true, first())], Violation::StreamLength(0)),
        (vec![(0, false, header(0))], Violation::StreamLength(0)),
        (vec![(0, false, whole(MESSAGE_TO_ACTOR))], Violation::StreamLength(0)),
        (vec![(0, false, first()), (0, true, vec![0; 10])], Violation::StreamLength(0)),
        (vec![(0, false, header(2)), (0, true, vec![0; 3])], Violation::StreamLength(0)),
        (vec![(0, false, header(2)), (0, false, vec![0; 2])], Violation::StreamLength(0)),
        (vec![(0, false, first()), (0, false, vec![])], Violation::PieceLength(0)),
        (
            vec![(0, true, whole(MESSAGE_TO_ACTOR)), (0, true, whole(MESSAGE_TO_ACTOR))],
            Violation::StreamNumber(0),
        ),
        (vec![(7, false, first()), (6, false, first())], Violation::StreamNumber(6)),
        (vec![(u64::MAX, false, first()), (3, false, first())], Violation::StreamNumber(3)),
    ]
}

#[test]
fn each_broken_rule_is_named() {
    for (steps, violation) in malformed() {
        let mut fragments = Fragments::default();
        let (last, before) = steps.split_last().expect("one at least");
        for (stream, last, piece) in before {
            assert!(fragments.received(*stream, *last, piece).is_ok(), "{violation}");
        }
        let (stream, is_last, piece) = last;
        assert_eq!(fragments.received(*stream, *is_last, piece), Err(violation));
    }
}

#[test]
fn only_so_many_streams_may_be_under_way() {
    let mut fragments = Fragments::default();
    for stream in 0..STREAMS_MAX as u64 {
        assert_eq!(fragments.received(stream, false, &header(2)), Ok(None));
    }
    assert_eq!(fragments.received(64, false, &header(2)), Err(Violation::Streams));
    assert!(fragments.received(5, true, b"hi").is_ok_and(|frame| frame.is_some()));
    assert_eq!(fragments.received(64, false, &header(2)), Ok(None));
}

#[test]
fn only_so_many_bytes_may_be_under_way() {
    let mut fragments = Fragments::default();
    let body = 16 << 20;
    let mut held = 0;
    'fill: for stream in 0.. {
        assert_eq!(fragments.received(stream, false, &header(body)), Ok(None));
        held += HEADER_BYTES;
        for _ in 0..(body / STREAM_PIECE_BYTES) - 1 {
            match fragments.received(stream, false, &[0; STREAM_PIECE_BYTES]) {
                Ok(None) => held += STREAM_PIECE_BYTES,
                refused => {
                    assert_eq!(refused, Err(Violation::StreamsBytes));
                    break 'fill;
                }
            }
        }
    }
    assert!(held > STREAMS_BYTES_MAX - STREAM_PIECE_BYTES && held <= STREAMS_BYTES_MAX);
}

#[test]
fn memory_is_taken_for_what_has_arrived_and_for_little_of_what_was_announced() {
    let mut fragments = Fragments::default();
    let body = 16 << 20;
    assert_eq!(fragments.received(0, false, &header(body)), Ok(None));
    let mut arrived = HEADER_BYTES;
    for _ in 0..(body / STREAM_PIECE_BYTES) - 1 {
        let capacity = fragments.under_way[&0].bytes.capacity();
        assert!(capacity <= AHEAD_BYTES.max(2 * arrived), "{capacity} for {arrived}");
        assert_eq!(fragments.received(0, false, &[0; STREAM_PIECE_BYTES]), Ok(None));
        arrived += STREAM_PIECE_BYTES;
    }
    let whole = fragments.received(0, true, &[0; STREAM_PIECE_BYTES]).expect("fits");
    assert_eq!(whole.map(|frame| frame.len()), Some(HEADER_BYTES + body));
}
