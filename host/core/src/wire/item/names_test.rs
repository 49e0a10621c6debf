//! The bytes of what machines of names say, and that junk is refused.

use bytes::Bytes;
use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
use crate::id::ID_END;
use crate::key::Key;
use crate::wire::kind::NAMES;
use crate::wire::{DecodeError, Item, Raw};

/// The node that sends in these tests, and the one that receives.
const SENDER: NodeId = NodeId::from_wire(300);
const RECEIVER: NodeId = NodeId::from_wire(5);
const THIRD: NodeId = NodeId::from_wire(6);

fn key() -> Key {
    Key::new(b"ab").expect("a key")
}

fn pid(node: NodeId, serial: u64) -> Pid {
    Pid { node, serial }
}

fn claim(over: Option<Reference>, resolver: Resolver) -> Claim {
    Claim { pid: pid(SENDER, 2), number: 4, generation: 1, over, since: 5, resolver }
}

fn golden() -> Vec<(Frame, &'static [u8])> {
    let (pid_there, resolver) = (pid(RECEIVER, 2), Resolver::OldestExit);
    let registration = Registration { pid: pid_there, force: true, resolver, since: 5 };
    let ask = |task| Frame::Ask { request: 1, key: key(), task, wait_ms: 6 };
    let over = Reference { node: RECEIVER, serial: 9 };
    let obstacle = Obstacle { pid: pid(THIRD, 7), number: 8, generation: 1 };
    let taken = Outcome::No(Reason::Taken(pid(SENDER, 2)));
    let (replaces, plain) = (claim(Some(over), Resolver::Ask), claim(None, Resolver::NotifyAll));
    let against = pid(SENDER, 3);
    vec![
        (ask(Task::Register(registration)), b"\x00\x01\x02ab\x02\x01\x03\x05\x06"),
        (ask(Task::Unregister), b"\x01\x01\x02ab\x06"),
        (Frame::Answer { request: 1, outcome: Outcome::Yes }, b"\x02\x01\x00"),
        (Frame::Answer { request: 1, outcome: taken }, b"\x02\x01\x01\xac\x02\x02"),
        (
            Frame::Propose { ticket: 3, key: key(), claim: replaces, force: true },
            b"\x03\x03\x02ab\x02\x04\x01\x01\x05\x09\x05\x05\x01",
        ),
        (Frame::Ack { ticket: 3 }, b"\x04\x03"),
        (Frame::Refuse { ticket: 3, obstacle }, b"\x05\x03\x06\x07\x08\x01"),
        (Frame::Wound { ticket: 3 }, b"\x06\x03"),
        (Frame::Withdraw { ticket: 3, key: key() }, b"\x07\x03\x02ab"),
        (Frame::Set(vec![(key(), plain)]), b"\x08\x01\x02ab\x02\x04\x01\x00\x05\x02"),
        (Frame::Unset { key: key(), ticket: 3 }, b"\x09\x02ab\x03"),
        (
            Frame::Verdict { key: key(), pid: pid_there, against, fate: Fate::Yield },
            b"\x0a\x02ab\x02\x03\x01",
        ),
    ]
}

fn body_of(frame: &Frame) -> Vec<u8> {
    let mut out = Vec::new();
    encode(frame, &mut out);
    out
}

fn read(body: &[u8]) -> Decoded<Item> {
    let raw = Raw { kind: NAMES, body: Bytes::copy_from_slice(body) };
    Item::decode(&raw, RECEIVER, SENDER)
}

#[test]
fn every_frame_has_its_documented_bytes_and_comes_back() {
    for (frame, bytes) in golden() {
        assert_eq!(body_of(&frame), bytes, "{frame:?}");
        assert_eq!(read(bytes), Ok(Item::Names(frame)));
    }
}

/// The exact bytes that PROTOCOL.md shows, of groups and locks as well.
#[test]
fn the_document_shows_frames_that_come_back() {
    let document = include_str!("../../../../../PROTOCOL.md");
    let table =
        document.split("Golden bytes of names, groups and locks").nth(1).expect("the table");
    let rows = table.lines().skip(4).take_while(|line| line.starts_with('|'));
    let rows: Vec<&str> = rows.collect();
    assert_eq!(rows.len(), 10);
    for row in rows {
        let shown = row.rsplit('`').nth(1).expect("bytes").replace(' ', "");
        let digits = shown.as_bytes().chunks(2);
        let digits = digits.map(|digits| std::str::from_utf8(digits).expect("two digits"));
        let bytes = digits.map(|digits| u8::from_str_radix(digits, 16).expect("a byte"));
        let bytes: Vec<u8> = bytes.collect();
        let raw = Raw::split(&mut Bytes::from(bytes.clone()), 99).expect("whole").expect("one");
        let item = Item::decode(&raw, RECEIVER, SENDER).expect("an item");
        let mut again = Vec::new();
        item.encode(&mut again).expect("a frame can carry it");
        assert_eq!(again, bytes, "{row}");
    }
}

#[test]
fn a_frame_cut_anywhere_is_refused() {
    for (frame, bytes) in golden() {
        for end in 0..bytes.len() {
            assert_eq!(read(&bytes[..end]), Err(DecodeError::Malformed(NAMES)), "{frame:?}");
        }
    }
}

#[test]
fn what_breaks_a_rule_is_malformed() {
    let long = [&b"\x07\x03\x80\x02"[..], &[b'x'; 256]].concat();
    let bodies: [(&[u8], &str); 9] = [
        (b"\x0b", "an unknown frame"),
        (b"\x07\x03\x00", "an empty name"),
        (&long, "a name of 256 bytes"),
        (b"\x02\x01\x07", "an unknown outcome"),
        (b"\x00\x01\x02ab\x02\x01\x06\x05\x06", "an unknown resolver"),
        (b"\x0a\x02ab\x02\x03\x04", "an unknown fate"),
        (b"\x08\x31", "more than 48 names"),
        (b"\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", "a huge count of names"),
        (b"\x05\x03\x80\x80\x80\x80\x80\x80\x80\x10\x07\x08\x01", "an owner on node 2^53"),
    ];
    for (body, rule) in bodies {
        assert_eq!(read(body), Err(DecodeError::Malformed(NAMES)), "{rule}");
    }
}

#[test]
fn a_full_frame_of_the_longest_names_goes_with_control() {
    let longest = Key::new(&[255; Key::BYTES_MAX]).expect("a key");
    let id = NodeId::from_wire(ID_END - 1);
    let over = Some(Reference { node: id, serial: ID_END - 1 });
    let (generation, since) = (u64::MAX, u64::MAX);
    let number = ID_END - 1;
    let pid = Pid { node: id, serial: ID_END - 1 };
    let claim = Claim { pid, number, generation, over, since, resolver: Resolver::Ask };
    let full = Frame::Set(vec![(longest.clone(), claim); NAMES_PER_FRAME_MAX]);
    assert!(body_of(&full).len() <= 16 << 10);
    let over_full = Frame::Set(vec![(longest, claim); NAMES_PER_FRAME_MAX + 1]);
    assert_eq!(Item::Names(over_full).encode(&mut Vec::new()), Err(crate::wire::TooLarge));
}

fn id() -> impl Strategy<Value = u64> {
    prop_oneof![0..300_u64, 0..ID_END, Just(ID_END - 1)]
}

fn any_key() -> impl Strategy<Value = Key> {
    vec(any::<u8>(), 1..60).prop_map(|bytes| Key::new(&bytes).expect("a key"))
}

fn any_resolver() -> impl Strategy<Value = Resolver> {
    prop_oneof![
        Just(Resolver::RandomExit),
        Just(Resolver::RandomNotify),
        Just(Resolver::NotifyAll),
        Just(Resolver::OldestExit),
        Just(Resolver::OldestNotify),
        Just(Resolver::Ask),
    ]
}

fn any_pid() -> impl Strategy<Value = Pid> {
    (id(), id()).prop_map(|(node, serial)| Pid { node: NodeId::from_wire(node), serial })
}

fn any_claim() -> impl Strategy<Value = Claim> {
    let over = proptest::option::of(any_pid())
        .prop_map(|pid| pid.map(|pid| Reference { node: pid.node, serial: pid.serial }));
    (id(), id(), any::<u64>(), over, any::<u64>(), any_resolver()).prop_map(
        |(serial, number, generation, over, since, resolver)| Claim {
            pid: pid(SENDER, serial),
            number,
            generation,
            over,
            since,
            resolver,
        },
    )
}

fn any_outcome() -> impl Strategy<Value = Outcome> {
    prop_oneof![
        Just(Outcome::Yes),
        any_pid().prop_map(|pid| Outcome::No(Reason::Taken(pid))),
        Just(Outcome::No(Reason::HasName)),
        Just(Outcome::No(Reason::NoProc)),
        Just(Outcome::No(Reason::NoConnection)),
        Just(Outcome::No(Reason::Timeout)),
        Just(Outcome::No(Reason::Limit)),
    ]
}

fn any_task() -> impl Strategy<Value = Task> {
    let registration = (id(), any::<bool>(), any_resolver(), any::<u64>());
    let registration = registration.prop_map(|(serial, force, resolver, since)| {
        Task::Register(Registration { pid: pid(RECEIVER, serial), force, resolver, since })
    });
    prop_oneof![Just(Task::Unregister), registration]
}

fn any_fate() -> impl Strategy<Value = Fate> {
    prop_oneof![Just(Fate::Keep), Just(Fate::Yield), Just(Fate::Exit), Just(Fate::Drop)]
}

fn any_frame() -> impl Strategy<Value = Frame> {
    let number = any::<u64>;
    prop_oneof![
        (number(), any_key(), any_task(), number())
            .prop_map(|(request, key, task, wait_ms)| Frame::Ask { request, key, task, wait_ms }),
        (number(), any_outcome()).prop_map(|(request, outcome)| Frame::Answer { request, outcome }),
        (number(), any_key(), any_claim(), any::<bool>())
            .prop_map(|(ticket, key, claim, force)| Frame::Propose { ticket, key, claim, force }),
        number().prop_map(|ticket| Frame::Ack { ticket }),
        (number(), any_pid(), id(), number()).prop_map(|(ticket, pid, number, generation)| {
            Frame::Refuse { ticket, obstacle: Obstacle { pid, number, generation } }
        }),
        number().prop_map(|ticket| Frame::Wound { ticket }),
        (number(), any_key()).prop_map(|(ticket, key)| Frame::Withdraw { ticket, key }),
        vec((any_key(), any_claim()), 0..NAMES_PER_FRAME_MAX).prop_map(Frame::Set),
        (any_key(), number()).prop_map(|(key, ticket)| Frame::Unset { key, ticket }),
        (any_key(), id(), id(), any_fate()).prop_map(|(key, theirs, ours, fate)| {
            let (pid, against) = (pid(RECEIVER, theirs), pid(SENDER, ours));
            Frame::Verdict { key, pid, against, fate }
        }),
    ]
}

proptest! {
    #[test]
    fn any_frame_comes_back(frame in any_frame()) {
        prop_assert_eq!(read(&body_of(&frame)), Ok(Item::Names(frame)));
    }

    #[test]
    fn a_damaged_frame_decodes_or_is_refused(
        frame in any_frame(),
        damage in vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
    ) {
        let mut body = body_of(&frame);
        for (at, byte) in damage {
            let at = at.index(body.len());
            body[at] = byte;
        }
        let _ = read(&body);
    }
}
