//! The bytes of what machines of locks say, and that junk is refused.

use bytes::Bytes;
use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
use crate::id::ID_END;
use crate::key::Key;
use crate::wire::kind::LOCKS;
use crate::wire::{HEADER_BYTES, Item, Raw};

fn id(resource: &[u8], requester: &[u8]) -> LockId {
    let [resource, requester] = [resource, requester].map(|bytes| Key::new(bytes).expect("a key"));
    LockId { resource, requester }
}

fn golden() -> Vec<(Frame, &'static [u8])> {
    let pid = Pid { node: NodeId::from_wire(6), serial: 7 };
    let refuse = |refusal| Frame::Refuse { ticket: 3, stamp: 300, refusal };
    vec![
        (
            Frame::Ask { ticket: 3, id: id(b"ab", b"c"), serial: 2, stamp: 300, waits: true },
            b"\x00\x03\x02ab\x01c\x02\xac\x02\x01",
        ),
        (Frame::Grant { ticket: 3, stamp: 300 }, b"\x01\x03\xac\x02"),
        (refuse(Refusal::Held(pid)), b"\x02\x03\xac\x02\x00\x06\x07"),
        (refuse(Refusal::Limit), b"\x02\x03\xac\x02\x01"),
        (Frame::Wound { ticket: 3 }, b"\x03\x03"),
        (Frame::Yield { ticket: 3 }, b"\x04\x03"),
        (Frame::Hold { ticket: 3 }, b"\x05\x03"),
        (Frame::Release { ticket: 3, confirm: 9 }, b"\x06\x03\x09"),
        (Frame::Released { confirm: 9 }, b"\x07\x09"),
    ]
}

fn body_of(frame: &Frame) -> Vec<u8> {
    let mut out = Vec::new();
    encode(frame, &mut out);
    out
}

fn read(body: &[u8]) -> Result<Item, DecodeError> {
    let raw = Raw { kind: LOCKS, body: Bytes::copy_from_slice(body) };
    Item::decode(&raw, NodeId::from_wire(5), NodeId::from_wire(300))
}

#[test]
fn every_frame_has_its_documented_bytes_and_comes_back() {
    for (frame, bytes) in golden() {
        assert_eq!(body_of(&frame), bytes, "{frame:?}");
        assert_eq!(read(bytes), Ok(Item::Locks(frame)));
    }
}

#[test]
fn an_item_has_its_kind_and_length_in_front() {
    let mut out = Vec::new();
    Item::Locks(Frame::Hold { ticket: 3 }).encode(&mut out).expect("a frame can carry it");
    assert_eq!(out, b"\x43\x02\x00\x00\x00\x05\x03");
}

#[test]
fn a_frame_cut_anywhere_is_refused() {
    for (frame, bytes) in golden() {
        for end in 0..bytes.len() {
            assert_eq!(read(&bytes[..end]), Err(DecodeError::Malformed(LOCKS)), "{frame:?}");
        }
    }
}

#[test]
fn what_breaks_a_rule_is_malformed() {
    let bodies: [(&[u8], &str); 6] = [
        (b"\x08\x03", "an unknown frame"),
        (b"\x00\x03\x00\x01c\x02\x04\x01", "an empty resource"),
        (b"\x00\x03\x01a\x00\x02\x04\x01", "an empty requester"),
        (b"\x00\x03\x01a\x01c\x02\x04\x02", "a boolean of 2"),
        (b"\x00\x03\x01a\x01c\x80\x80\x80\x80\x80\x80\x80\x10\x04\x01", "an actor of 2^53"),
        (b"\x02\x03\x04\x00\x80\x80\x80\x80\x80\x80\x80\x10\x07", "a node of 2^53"),
    ];
    for (body, rule) in bodies {
        assert_eq!(read(body), Err(DecodeError::Malformed(LOCKS)), "{rule}");
    }
}

fn any_frame() -> impl Strategy<Value = Frame> {
    let number = any::<u64>;
    let key = || vec(any::<u8>(), 1..256);
    prop_oneof![
        (number(), key(), key(), 0..ID_END, number(), any::<bool>()).prop_map(
            |(ticket, resource, requester, serial, stamp, waits)| {
                Frame::Ask { ticket, id: id(&resource, &requester), serial, stamp, waits }
            }
        ),
        (number(), number()).prop_map(|(ticket, stamp)| Frame::Grant { ticket, stamp }),
        (number(), number(), 0..ID_END, 0..ID_END).prop_map(|(ticket, stamp, node, serial)| {
            let pid = Pid { node: NodeId::from_wire(node), serial };
            Frame::Refuse { ticket, stamp, refusal: Refusal::Held(pid) }
        }),
        number().prop_map(|ticket| Frame::Wound { ticket }),
        number().prop_map(|ticket| Frame::Yield { ticket }),
        number().prop_map(|ticket| Frame::Hold { ticket }),
        (number(), number()).prop_map(|(ticket, confirm)| Frame::Release { ticket, confirm }),
        number().prop_map(|confirm| Frame::Released { confirm }),
    ]
}

proptest! {
    #[test]
    fn any_frame_comes_back(frame in any_frame()) {
        prop_assert_eq!(read(&body_of(&frame)), Ok(Item::Locks(frame)));
    }

    #[test]
    fn any_bytes_are_a_frame_or_refused(body in vec(any::<u8>(), 0..200)) {
        if let Ok(item) = read(&body) {
            let mut out = Vec::new();
            item.encode(&mut out).expect("what decodes can be sent on");
            prop_assert_eq!(read(&out[HEADER_BYTES..]), Ok(item));
        }
    }
}
