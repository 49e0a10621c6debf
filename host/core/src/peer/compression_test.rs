//! What pays, and bombs.

use super::*;
use crate::peer::testing::{Random, frame};
use crate::wire::DecodeError;
use crate::wire::kind::{MESSAGE_TO_ACTOR, NODES, REQUEST, TICK};

/// A compressed frame's body: what it claims, and the block of these bytes.
fn body(claim: usize, inner: &[u8]) -> Vec<u8> {
    let mut body = postcard::to_stdvec(&claim).expect("an integer");
    body.extend(lz4_flex::block::compress(inner));
    body
}

#[test]
fn what_shrinks_by_a_tenth_is_replaced_and_comes_back() {
    let mut compressor = Compressor::default();
    let before = vec![7; 3];
    let signal = frame(MESSAGE_TO_ACTOR, &[5; 2000]);
    let mut out = [before.clone(), signal.clone()].concat();
    compressor.try_last(&mut out, 3);
    assert_eq!(out[..3], before);
    assert_eq!(out[3], COMPRESSED);
    assert!(out.len() < 100);
    let raw = decompress(&out[3 + HEADER_BYTES..]).expect("as it was");
    assert_eq!((raw.kind, &raw.body[..]), (MESSAGE_TO_ACTOR, &signal[HEADER_BYTES..]));
}

#[test]
fn short_frames_and_those_that_hardly_shrink_stay_as_they_are() {
    let mut compressor = Compressor::default();
    let mut junk = Random(3).junk(2000);
    junk.extend([0; 100]);
    for body in [vec![0; CANDIDATE_BYTES_MIN - HEADER_BYTES - 1], junk, vec![0; 40 << 10]] {
        let frame = frame(MESSAGE_TO_ACTOR, &body);
        let mut out = frame.clone();
        compressor.try_last(&mut out, 0);
        assert_eq!(out, frame);
    }
}

#[test]
fn each_failure_in_a_row_doubles_what_is_skipped_up_to_256_and_a_success_resets_it() {
    let mut compressor = Compressor::default();
    let junk = frame(MESSAGE_TO_ACTOR, &Random(3).junk(1024));
    let text = frame(MESSAGE_TO_ACTOR, &[1; 1024]);
    let mut gaps = Vec::new();
    let mut tries = 0;
    for candidate in 0.. {
        compressor.try_last(&mut junk.clone(), 0);
        if compressor.tries() > tries {
            tries = compressor.tries();
            gaps.push(candidate);
            if tries == 12 {
                break;
            }
        }
    }
    let skipped: Vec<i32> = gaps.windows(2).map(|pair| pair[1] - pair[0] - 1).collect();
    assert_eq!(skipped, [1, 2, 4, 8, 16, 32, 64, 128, 256, 256, 256]);
    for _ in 0..257 {
        compressor.try_last(&mut text.clone(), 0);
    }
    assert_eq!((compressor.tries(), compressor.failures), (13, 0));
}

#[test]
fn a_frame_that_claims_more_than_it_may_is_refused_before_memory_is_taken() {
    let signal = frame(MESSAGE_TO_ACTOR, &[0; 1000]);
    for claim in [MESSAGE_BYTES_MAX + 1, u32::MAX as usize] {
        let refused = decompress(&body(claim, &signal));
        assert_eq!(refused, Err(Violation::CompressedLength(claim)));
    }
    let mut short = postcard::to_stdvec(&2551_u32).expect("an integer");
    short.extend([0; 10]);
    assert_eq!(decompress(&short), Err(Violation::CompressedLength(2551)), "10 bytes give 2550");
    let mut wide = postcard::to_stdvec(&u64::MAX).expect("an integer");
    wide.extend([0; 10]);
    assert_eq!(decompress(&wide), Err(DecodeError::Malformed(COMPRESSED).into()));
}

#[test]
fn a_block_that_gives_other_than_what_was_claimed_is_refused() {
    let signal = frame(MESSAGE_TO_ACTOR, &[0; 1000]);
    for claim in [0, 4, signal.len() - 1, signal.len() + 1] {
        assert!(decompress(&body(claim, &signal)).is_err(), "{claim}");
    }
    assert!(decompress(&body(signal.len(), &signal)).is_ok());
}

#[test]
fn a_compressed_frame_holds_one_whole_frame() {
    let signal = frame(MESSAGE_TO_ACTOR, &[0; 1000]);
    let two = [signal.clone(), signal.clone()].concat();
    assert_eq!(decompress(&body(two.len(), &two)), Err(Violation::Compressed));
    let cut = &signal[..500];
    assert_eq!(decompress(&body(cut.len(), cut)), Err(DecodeError::CutShort.into()));
    let header = &signal[..4];
    assert_eq!(decompress(&body(4, header)), Err(DecodeError::CutShort.into()));
    assert_eq!(decompress(&body(0, b"")), Err(Violation::Compressed));
}

#[test]
fn only_signals_their_fragments_and_stream_data_may_be_compressed() {
    for kind in [COMPRESSED, TICK, NODES, REQUEST, 0x7f, 0xf0] {
        let inner = frame(kind, &[0; 1000]);
        let refused = decompress(&body(inner.len(), &inner));
        assert_eq!(refused, Err(Violation::CompressedKind(kind)));
    }
    for kind in [0x30, 0x31, 0x32, 0x33, 0x34, 0x35, FRAGMENT, STREAM_DATA] {
        let inner = frame(kind, &[0; 1000]);
        assert!(decompress(&body(inner.len(), &inner)).is_ok());
    }
}
