//! The bytes of what machines of groups say, and that junk is refused.

use bytes::Bytes;
use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
use crate::id::{ID_END, NodeId};
use crate::key::Key;
use crate::wire::kind::{GROUPS, MESSAGE_TO_GROUP};
use crate::wire::{HEADER_BYTES, Item, Raw};

fn key(name: &str) -> Key {
    Key::new(name.as_bytes()).expect("a key")
}

fn sync(members: Members) -> Frame {
    Frame::Sync { scope: key("s"), version: 7, first: true, last: true, members }
}

fn golden() -> Vec<(Frame, &'static [u8])> {
    let one = vec![(key("g"), vec![1])];
    let change = Frame::Change { scope: key("s"), version: 8, joined: true, members: one };
    vec![
        (Frame::Discover { scope: key("s") }, b"\x00\x01s"),
        (sync(vec![(key("g"), vec![1, 300])]), b"\x01\x01s\x07\x01\x01\x01\x01g\x02\x01\xac\x02"),
        (sync(vec![]), b"\x01\x01s\x07\x01\x01\x00"),
        (change, b"\x02\x01s\x08\x01\x01\x01g\x01\x01"),
        (Frame::Gone { scope: key("s") }, b"\x03\x01s"),
    ]
}

fn body_of(frame: &Frame) -> Vec<u8> {
    let mut out = Vec::new();
    encode(frame, &mut out);
    out
}

fn read(body: &[u8]) -> Result<Item, DecodeError> {
    let raw = Raw { kind: GROUPS, body: Bytes::copy_from_slice(body) };
    Item::decode(&raw, NodeId::from_wire(5), NodeId::from_wire(300))
}

#[test]
fn every_frame_has_its_documented_bytes_and_comes_back() {
    for (frame, bytes) in golden() {
        assert_eq!(body_of(&frame), bytes, "{frame:?}");
        assert_eq!(read(bytes), Ok(Item::Groups(frame)));
    }
}

#[test]
fn a_frame_cut_anywhere_is_refused() {
    for (frame, bytes) in golden() {
        for end in 0..bytes.len() {
            assert_eq!(read(&bytes[..end]), Err(DecodeError::Malformed(GROUPS)), "{frame:?}");
        }
    }
}

#[test]
fn what_breaks_a_rule_is_malformed() {
    let bodies: [(&[u8], &str); 6] = [
        (b"\x04\x01s", "an unknown frame"),
        (b"\x00\x00", "an empty scope"),
        (b"\x01\x01s\x07\x02\x01\x00", "a boolean of 2"),
        (b"\x02\x01s\x08\x01\x81\x10", "more than 2,048 groups"),
        (b"\x02\x01s\x08\x01\x01\x01g\x81\x10", "more than 2,048 members"),
        (b"\x02\x01s\x08\x01\x01\x01g\x01\x80\x80\x80\x80\x80\x80\x80\x10", "a member of 2^53"),
    ];
    for (body, rule) in bodies {
        assert_eq!(read(body), Err(DecodeError::Malformed(GROUPS)), "{rule}");
    }
}

#[test]
fn members_of_several_groups_together_are_limited() {
    let half = vec![1; MEMBERS_PER_FRAME_MAX / 2];
    let full = sync(vec![(key("g"), half.clone()), (key("h"), half.clone())]);
    assert_eq!(read(&body_of(&full)), Ok(Item::Groups(full)));
    let over = sync(vec![(key("g"), half.clone()), (key("h"), half), (key("i"), vec![1])]);
    assert_eq!(read(&body_of(&over)), Err(DecodeError::Malformed(GROUPS)));
    let mut out = vec![7];
    assert_eq!(Item::Groups(over).encode(&mut out), Err(crate::wire::TooLarge));
    assert_eq!(out, [7]);
}

#[test]
fn a_message_to_a_group_carries_scope_group_and_bytes() {
    let (scope, group, body) = (key("s"), key("g"), Bytes::from_static(b"hi"));
    let item = Item::ToGroup { from: 1, scope, group, body };
    let mut out = Vec::new();
    item.encode(&mut out).expect("a frame can carry it");
    assert_eq!(out[HEADER_BYTES..], b"\x01\x01s\x01ghi"[..]);
    let raw = Raw { kind: MESSAGE_TO_GROUP, body: Bytes::from(out.split_off(HEADER_BYTES)) };
    let read = |raw: &Raw| Item::decode(raw, NodeId::from_wire(5), NodeId::from_wire(300));
    assert_eq!(read(&raw), Ok(item));
    for end in 0..5 {
        let cut = Raw { body: raw.body.slice(..end), ..raw.clone() };
        assert_eq!(read(&cut), Err(DecodeError::Malformed(MESSAGE_TO_GROUP)));
    }
}

fn any_frame() -> impl Strategy<Value = Frame> {
    let any_key = || vec(any::<u8>(), 1..60).prop_map(|bytes| Key::new(&bytes).expect("a key"));
    let members = || vec((any_key(), vec(0..ID_END, 0..20)), 0..10);
    prop_oneof![
        any_key().prop_map(|scope| Frame::Discover { scope }),
        any_key().prop_map(|scope| Frame::Gone { scope }),
        (any_key(), any::<u64>(), any::<[bool; 2]>(), members()).prop_map(
            |(scope, version, [first, last], members)| {
                Frame::Sync { scope, version, first, last, members }
            }
        ),
        (any_key(), any::<u64>(), any::<bool>(), members()).prop_map(
            |(scope, version, joined, members)| Frame::Change { scope, version, joined, members }
        ),
    ]
}

proptest! {
    #[test]
    fn any_frame_comes_back(frame in any_frame()) {
        prop_assert_eq!(read(&body_of(&frame)), Ok(Item::Groups(frame)));
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
