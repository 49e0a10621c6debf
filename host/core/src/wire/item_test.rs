//! The bytes of every item, and that junk is refused.

use bytes::Bytes;
use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
use crate::id::{ID_END, NodeId};
use crate::reason::Reason;
use crate::signal::{CallError, Channel, ExitOrigin, IoError, IoReply, IoRequest, SpawnError};
use crate::wire::kind::{NODES, SIGNAL, SPAWN};
use crate::wire::{DecodeError, HEADER_BYTES, Raw};

/// The node that sends in these tests, and the one that receives.
const SENDER: NodeId = NodeId::from_wire(300);
const RECEIVER: NodeId = NodeId::from_wire(5);
const THIRD: NodeId = NodeId::from_wire(6);

fn reference(node: NodeId, serial: u64) -> Reference {
    Reference { node, serial }
}

fn name(text: &str) -> Name {
    Name::new(text).expect("a valid name")
}

fn signal(signal: Signal) -> Item {
    Item::Signal { from: 1, to: Address::Actor(2), signal }
}

fn message(via: Option<Reference>, priority: bool) -> Signal {
    Signal::Message { via, priority, body: Bytes::from_static(b"hi") }
}

fn exit(reason: Reason) -> Item {
    signal(Signal::Exit { reason, origin: ExitOrigin::Explicit })
}

fn spawn(start: StartAt) -> SpawnRequest {
    SpawnRequest {
        request: reference(SENDER, 3),
        parent: 1,
        group_leader: Pid { node: THIRD, serial: 7 },
        module: ModuleName::Name("m".to_owned()),
        label: "l".to_owned(),
        start,
        link: true,
        monitor: false,
        name: Some("n".to_owned()),
        limits: LimitsAsked { mailbox_bytes: Some(128), ..LimitsAsked::default() },
    }
}

fn call(at: CallAt) -> CallRequest {
    CallRequest {
        request: reference(SENDER, 3),
        caller: 1,
        group_leader: Pid { node: THIRD, serial: 7 },
        module: ModuleName::Name("m".to_owned()),
        label: "l".to_owned(),
        at,
        cast: false,
        timeout_ms: Some(300),
        limits: LimitsAsked { mailbox_bytes: Some(128), ..LimitsAsked::default() },
    }
}

fn info() -> NodeInfo {
    NodeInfo { name: "a@b".to_owned(), id: 300, hidden: false, addresses: vec!["h:1".to_owned()] }
}

fn frame(kind: u8, body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len()).expect("below SIGNAL_BYTES_MAX");
    [&[kind], &length.to_le_bytes()[..], body].concat()
}

/// The exact bytes that PROTOCOL.md shows.
fn golden() -> Vec<(Item, Vec<u8>)> {
    let alias = reference(RECEIVER, 9);
    let to_alias = |signal| Item::Signal { from: 1, to: Address::Alias(alias), signal };
    let to_name = |signal| Item::Signal { from: 1, to: Address::Name(name("ab")), signal };
    let reason = || Reason::Error("no".into());
    let error = SpawnError::NoModule("m".to_owned());
    let options = vec![("a".to_owned(), "b".to_owned()), (String::new(), "c".to_owned())];
    let digest = SpawnRequest {
        module: ModuleName::Digest([8; 32]),
        name: None,
        limits: LimitsAsked::default(),
        ..spawn(StartAt::Command { arguments: vec!["x".to_owned(), String::new()] })
    };
    let mut digest_body = vec![3, 1, 6, 7, 1];
    digest_body.extend_from_slice(&[8; 32]);
    digest_body.extend_from_slice(b"\x01l\x01\x01\x00\x00\x00\x00\x00\x00\x00\x01x\x00");
    let io_request =
        |request| signal(Signal::IoRequest { reply_as: reference(SENDER, 3), request });
    let io_reply = |reply| signal(Signal::IoReply { reply_as: reference(RECEIVER, 3), reply });
    let spawn_reply =
        |outcome| signal(Signal::SpawnReply { request: reference(RECEIVER, 3), outcome });
    let call_reply =
        |outcome| signal(Signal::CallReply { request: reference(RECEIVER, 3), outcome });
    let cast = CallRequest {
        module: ModuleName::Digest([8; 32]),
        cast: true,
        timeout_ms: None,
        limits: LimitsAsked::default(),
        ..call(CallAt::Text { text: "f()".to_owned(), json: true })
    };
    let mut cast_body = vec![3, 1, 6, 7, 1];
    cast_body.extend_from_slice(&[8; 32]);
    cast_body.extend_from_slice(b"\x01l\x02\x01\x00\x00\x00\x00\x00\x00f()");
    vec![
        (signal(message(None, false)), frame(0x30, b"\x01\x02hi")),
        (to_alias(message(Some(alias), true)), frame(0x31, b"\x01\x05\x09\x01hi")),
        (to_name(message(None, false)), frame(0x32, b"\x01\x02abhi")),
        (signal(Signal::Link), frame(0x33, b"\x01\x00\x02\x00")),
        (signal(Signal::Unlink(300)), frame(0x33, b"\x01\x00\x02\x01\xac\x02")),
        (signal(Signal::UnlinkAck(4)), frame(0x33, b"\x01\x00\x02\x02\x04")),
        (
            signal(Signal::Exit { reason: Reason::Normal, origin: ExitOrigin::Link }),
            frame(0x33, b"\x01\x00\x02\x03\x00\x00"),
        ),
        (
            to_alias(Signal::Exit {
                reason: reason(),
                origin: ExitOrigin::Alias { alias, priority: true },
            }),
            frame(0x33, b"\x01\x02\x05\x09\x03\x02\x01\x06no"),
        ),
        (exit(Reason::ExitCode(3)), frame(0x33, b"\x01\x00\x02\x03\x01\x09\x03")),
        (
            exit(Reason::Custom(Bytes::from_static(b"\xff"))),
            frame(0x33, b"\x01\x00\x02\x03\x01\x0a\xff"),
        ),
        (
            to_name(Signal::Monitor { reference: reference(SENDER, 3), name: Some(name("ab")) }),
            frame(0x33, b"\x01\x01\x02ab\x04\x03"),
        ),
        (signal(Signal::Demonitor(reference(SENDER, 3))), frame(0x33, b"\x01\x00\x02\x05\x03")),
        (
            signal(Signal::Down { reference: reference(RECEIVER, 3), reason: Reason::NoProc }),
            frame(0x33, b"\x01\x00\x02\x06\x03\x04"),
        ),
        (
            signal(Signal::GroupLeader(Pid { node: THIRD, serial: 7 })),
            frame(0x33, b"\x01\x00\x02\x07\x06\x07"),
        ),
        (
            spawn_reply(Ok(Pid { node: SENDER, serial: 7 })),
            frame(0x33, b"\x01\x00\x02\x08\x03\x07"),
        ),
        (spawn_reply(Err(error)), frame(0x33, b"\x01\x00\x02\x09\x03\x00m")),
        (
            io_request(IoRequest::PutChars(Channel::Error, Bytes::from_static(b"hi"))),
            frame(0x33, b"\x01\x00\x02\x0a\x03\x01hi"),
        ),
        (
            io_request(IoRequest::GetChars("? ".to_owned(), 300)),
            frame(0x33, b"\x01\x00\x02\x0a\x03\x03\xac\x02? "),
        ),
        (
            io_request(IoRequest::SetOptions(options)),
            frame(0x33, b"\x01\x00\x02\x0a\x03\x05\x01a\x01b\x00\x01c"),
        ),
        (
            io_reply(IoReply::Data(Bytes::from_static(b"hi"))),
            frame(0x33, b"\x01\x00\x02\x0b\x03\x01hi"),
        ),
        (
            io_reply(IoReply::Failed(IoError::Other("no".to_owned()))),
            frame(0x33, b"\x01\x00\x02\x0b\x03\x07no"),
        ),
        (
            Item::Spawn(Box::new(spawn(StartAt::Entry {
                function: "f".to_owned(),
                argument: Bytes::from_static(b"hi"),
            }))),
            frame(
                0x34,
                b"\x03\x01\x06\x07\x00\x01m\x01l\x00\x01f\x01\x00\x01\x01n\
                \x00\x00\x00\x01\x80\x01\x00hi",
            ),
        ),
        (Item::Spawn(Box::new(digest)), frame(0x34, &digest_body)),
        (call_reply(Ok(Bytes::from_static(b"hi"))), frame(0x33, b"\x01\x00\x02\x0c\x03hi")),
        (
            call_reply(Err(CallError::Refused(SpawnError::Denied("no".to_owned())))),
            frame(0x33, b"\x01\x00\x02\x0d\x03\x00\x05no"),
        ),
        (
            call_reply(Err(CallError::Ended(Reason::Trap("no".into())))),
            frame(0x33, b"\x01\x00\x02\x0d\x03\x01\x07no"),
        ),
        (call_reply(Err(CallError::Timeout)), frame(0x33, b"\x01\x00\x02\x0d\x03\x02")),
        (
            Item::Call(Box::new(call(CallAt::Entry {
                function: "f".to_owned(),
                argument: Bytes::from_static(b"hi"),
            }))),
            frame(
                0x35,
                b"\x03\x01\x06\x07\x00\x01m\x01l\x00\x01f\x00\x01\xac\x02\
                \x00\x00\x00\x01\x80\x01\x00hi",
            ),
        ),
        (Item::Call(Box::new(cast)), frame(0x35, &cast_body)),
        (Item::Nodes(vec![info()]), frame(0x28, b"\x01\x03a@b\xac\x02\x00\x01\x03h:1")),
        (Item::Nodes(Vec::new()), frame(0x28, b"\x00")),
        (Item::WhoIs(SENDER), frame(0xa8, b"\xac\x02")),
        (Item::ThatIs(SENDER, Identified::Unknown), frame(0xa9, b"\xac\x02\x00")),
        (
            Item::ThatIs(SENDER, Identified::Node(info())),
            frame(0xa9, b"\xac\x02\x01\x03a@b\xac\x02\x00\x01\x03h:1"),
        ),
        (Item::ThatIs(SENDER, Identified::Dead), frame(0xa9, b"\xac\x02\x02")),
    ]
}

fn bytes_of(item: &Item) -> Vec<u8> {
    let mut out = vec![0xaa];
    item.encode(&mut out).expect("a frame can carry it");
    out.split_off(1)
}

/// Reads bytes that are one whole frame.
fn read(bytes: &[u8]) -> Result<Item, DecodeError> {
    let mut message = Bytes::copy_from_slice(bytes);
    let raw = Raw::split(&mut message, SIGNAL_BYTES_MAX)?.ok_or(DecodeError::CutShort)?;
    assert!(message.is_empty(), "one frame");
    Item::decode(&raw, RECEIVER, SENDER)
}

#[test]
fn every_item_has_its_documented_bytes_and_comes_back() {
    for (item, bytes) in golden() {
        assert_eq!(bytes_of(&item), bytes, "{item:?}");
        assert_eq!(read(&bytes), Ok(item));
    }
}

#[test]
fn the_document_shows_bytes_of_the_golden_list() {
    let document = include_str!("../../../../PROTOCOL.md");
    let table = document.split("Golden bytes, from actor 1").nth(1).expect("the table");
    let rows = table.lines().skip(2).skip_while(|line| !line.starts_with("| message"));
    let rows: Vec<&str> = rows.take_while(|line| line.starts_with('|')).collect();
    assert_eq!(rows.len(), 19);
    for row in rows {
        let shown = row.rsplit('`').nth(1).expect("bytes").replace(' ', "");
        let is_golden = golden().iter().any(|(_, bytes)| {
            bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>() == shown
        });
        assert!(is_golden, "{row}");
    }
}

#[test]
fn every_item_of_the_golden_list_cut_anywhere_is_refused_or_has_fewer_raw_bytes() {
    for (item, bytes) in golden() {
        for end in HEADER_BYTES..bytes.len() {
            let cut = frame(bytes[0], &bytes[HEADER_BYTES..end]);
            assert_ne!(read(&cut), Ok(item.clone()), "{item:?} to {end}");
        }
    }
}

/// Bodies that break one rule each, with the rule.
const MALFORMED: &[(u8, &[u8], &str)] = &[
    (0x28, b"", "no count"),
    (0x28, b"\x02\x03a@b\x01\x00\x00", "fewer nodes than counted"),
    (0x28, b"\x81\x02", "more than 256 nodes"),
    (0x28, b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", "a huge count of nodes"),
    (0x28, b"\x01\x00\x01\x00\x00", "a node without a name"),
    (0x28, b"\x01\x03a@b\x00\x00\x00", "a node of incarnation 0"),
    (0x28, b"\x01\x03a@b\x01\x02\x00", "a boolean of 2"),
    (0x28, b"\x01\x03a@b\x01\x00\x09", "more than 8 addresses"),
    (0x28, b"\x01\x02\xff\xff\x01\x00\x00", "a name that is not UTF-8"),
    (0x30, b"", "no sender"),
    (0x30, b"\x01", "no receiver"),
    (0x30, b"\x80\x80\x80\x80\x80\x80\x80\x10\x01", "a sender of 2^53"),
    (0x30, b"\x01\x80\x80\x80\x80\x80\x80\x80\x10", "a receiver of 2^53"),
    (0x30, b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", "an integer of twelve bytes"),
    (0x30, b"\x01\x80", "an integer that does not end"),
    (0x31, b"\x01\x05", "half an alias"),
    (0x31, b"\x01\x05\x09", "no priority"),
    (0x31, b"\x01\x05\x09\x02", "a priority of 2"),
    (0x31, b"\x01\x80\x80\x80\x80\x80\x80\x80\x10\x09\x00", "an alias of node 2^53"),
    (0x32, b"\x01\x00hi", "an empty name"),
    (0x32, b"\x01\x09undefined", "the name undefined"),
    (0x32, b"\x01\x05abc", "a name longer than the frame"),
    (0x32, b"\x01\x02\xff\xff", "a name that is not UTF-8"),
    (0x33, b"\x01", "no address"),
    (0x33, b"\x01\x03\x02\x00", "an unknown kind of address"),
    (0x33, b"\x01\x00\x02", "no signal"),
    (0x33, b"\x01\x00\x02\x0e", "an unknown signal"),
    (0x33, b"\x01\x00\x02\x0d\x03\x03", "an unknown call error"),
    (0x33, b"\x01\x00\x02\x0d\x03\x02x", "a timeout with a text"),
    (0x33, b"\x01\x00\x02\x0d\x03\x01\x06\xff", "a callee's error that is not UTF-8"),
    (0x33, b"\x01\x00\x02\x00x", "a link with raw bytes"),
    (0x33, b"\x01\x00\x02\x03\x00\x00x", "the reason normal with raw bytes"),
    (0x33, b"\x01\x00\x02\x03\x00\x0b", "an unknown reason"),
    (0x33, b"\x01\x00\x02\x03\x00\x06\xff", "an error that is not UTF-8"),
    (0x33, b"\x01\x00\x02\x03\x02\x01\x00", "an exit to an alias that goes to an actor"),
    (0x33, b"\x01\x02\x05\x09\x03\x01\x00", "an exit to an actor that goes to an alias"),
    (0x33, b"\x01\x01\x02ab\x03\x00\x00", "a broken link to a name"),
    (0x33, b"\x01\x00\x02\x04\x80\x80\x80\x80\x80\x80\x80\x10", "a monitor of 2^53"),
    (0x33, b"\x01\x00\x02\x07\x06", "half a group leader"),
    (0x33, b"\x01\x00\x02\x09\x03\x07m", "an unknown spawn error"),
    (0x33, b"\x01\x00\x02\x09\x03\x06m", "no connection, with a text"),
    (0x33, b"\x01\x00\x02\x0a\x03\x06", "an unknown I/O request"),
    (0x33, b"\x01\x00\x02\x0a\x03\x02\xff", "a prompt that is not UTF-8"),
    (0x33, b"\x01\x00\x02\x0a\x03\x05\x01a", "an option without a value"),
    (0x33, b"\x01\x00\x02\x0b\x03\x08", "an unknown I/O reply"),
    (0x34, b"\x03\x01\x06\x07\x02", "an unknown kind of module"),
    (0x34, b"\x03\x01\x06\x07\x01\x08\x08", "a short digest"),
    (0x34, b"\x03\x01\x06\x07\x00\x01m\x01l\x03", "an unknown start"),
    (0x34, b"\x03\x01\x06\x07\x00\x01m\x01l\x02\x02", "a link of 2"),
    (0x34, b"\x03\x01\x06\x07\x00\x01m\x01l\x02\x00\x00\x02", "a name neither there nor not"),
    (0x34, b"\x03\x01\x06\x07\x00\x01m\x01l\x02\x00\x00\x00\x00\x00\x00\x00", "four limits"),
    (
        0x34,
        b"\x03\x01\x06\x07\x00\x01m\x01l\x02\x00\x00\x00\x00\x00\x00\x00\x00\xff",
        "a call that is not UTF-8",
    ),
    (
        0x34,
        b"\x03\x01\x06\x07\x00\x01m\x01l\x01\x00\x00\x00\x00\x00\x00\x00\x00\x02x",
        "an argument longer than the frame",
    ),
    (0x35, b"\x03\x01\x06\x07\x00\x01m\x01l\x03", "an unknown kind of function"),
    (0x35, b"\x03\x01\x06\x07\x00\x01m\x01l\x01\x02", "a cast of 2"),
    (
        0x35,
        b"\x03\x01\x06\x07\x00\x01m\x01l\x01\x00\x01\xff\xff\xff\xff\x10\x00\x00\x00\x00\x00",
        "a timeout of 2^32",
    ),
    (0x35, b"\x03\x01\x06\x07\x00\x01m\x01l\x01\x00\x00\x00\x00\x00\x00", "four limits"),
    (
        0x35,
        b"\x03\x01\x06\x07\x00\x01m\x01l\x01\x00\x00\x00\x00\x00\x00\x00\xff",
        "a text that is not UTF-8",
    ),
    (0xa8, b"\x00", "the id of no node"),
    (0xa8, b"\x80\x80\x80\x80\x80\x80\x80\x10", "an id too far"),
    (0xa9, b"\x05\x03", "an unknown answer"),
    (0xa9, b"\x05\x01\x03a@b\xac\x02\x00\x00", "a node of another id"),
    (0xa9, b"\x05\x01\x00\x05\x00\x00", "a node without a name"),
];

#[test]
fn what_breaks_a_rule_is_malformed() {
    for (kind, body, rule) in MALFORMED {
        assert_eq!(read(&frame(*kind, body)), Err(DecodeError::Malformed(*kind)), "{rule}");
    }
}

#[test]
fn texts_and_lists_over_their_limits_are_malformed() {
    let nodes = |info: NodeInfo| bytes_of(&Item::Nodes(vec![info]));
    let long_name = NodeInfo { name: "n".repeat(256), ..info() };
    let long_address = NodeInfo { addresses: vec!["h".repeat(256)], ..info() };
    let many_addresses = NodeInfo { addresses: vec![String::new(); 9], ..info() };
    for info in [long_name, long_address, many_addresses] {
        assert_eq!(read(&nodes(info)), Err(DecodeError::Malformed(NODES)));
    }
    let options = |count: usize| {
        read(&frame(SIGNAL, &[&b"\x01\x00\x02\x0b\x03\x03"[..], &vec![0; 2 * count]].concat()))
    };
    assert!(options(IO_OPTIONS_MAX).is_ok());
    assert_eq!(options(IO_OPTIONS_MAX + 1), Err(DecodeError::Malformed(SIGNAL)));
    let arguments = |count: usize| {
        let body = b"\x03\x01\x06\x07\x00\x01m\x01l\x01\x00\x00\x00\x00\x00\x00\x00\x00";
        read(&frame(SPAWN, &[&body[..], &vec![0; count]].concat()))
    };
    assert!(arguments(ARGUMENTS_MAX).is_ok());
    assert_eq!(arguments(ARGUMENTS_MAX + 1), Err(DecodeError::Malformed(SPAWN)));
}

#[test]
fn what_no_frame_can_carry_is_refused_by_the_encoder_and_leaves_no_bytes() {
    let body = |bytes: usize| {
        signal(Signal::Message { via: None, priority: false, body: Bytes::from(vec![0; bytes]) })
    };
    let largest = SIGNAL_BYTES_MAX - HEADER_BYTES - 2;
    assert_eq!(read(&bytes_of(&body(largest))), Ok(body(largest)));
    let nodes = Item::Nodes(vec![info(); NODES_MAX + 1]);
    let arguments = vec![String::new(); ARGUMENTS_MAX + 1];
    let spawn = Item::Spawn(Box::new(spawn(StartAt::Command { arguments })));
    let options = vec![(String::new(), String::new()); IO_OPTIONS_MAX + 1];
    let reply_as = reference(RECEIVER, 3);
    let options = signal(Signal::IoReply { reply_as, reply: IoReply::Options(options) });
    for item in [body(largest + 1), nodes, spawn, options] {
        let mut out = vec![7];
        assert_eq!(item.encode(&mut out), Err(TooLarge));
        assert_eq!(out, [7]);
    }
}

#[test]
fn short_bodies_do_not_keep_the_transport_message_alive_and_long_ones_are_not_copied() {
    for (length, shared) in [(1, false), (4096, false), (16 << 10, false), (20 << 10, true)] {
        let item = signal(Signal::Message {
            via: None,
            priority: false,
            body: Bytes::from(vec![1; length]),
        });
        let whole = Bytes::from(bytes_of(&item));
        let inside = whole.as_ptr_range();
        let raw = Raw::split(&mut whole.clone(), SIGNAL_BYTES_MAX).expect("whole").expect("one");
        let decoded = Item::decode(&raw, RECEIVER, SENDER).expect("decodes");
        let Item::Signal { signal: Signal::Message { body, .. }, .. } = decoded else {
            panic!("a message");
        };
        assert_eq!(inside.contains(&body.as_ptr()), shared, "{length} bytes");
    }
}

#[test]
fn a_frame_that_is_no_item_is_out_of_place() {
    for kind in [0x01, 0x11, 0x22, 0x38, 0x39, 0x3a, 0x7f] {
        assert_eq!(read(&frame(kind, b"\x01")), Err(DecodeError::OutOfPlace(kind)));
    }
}

/// Any id that a node may make.
fn id() -> impl Strategy<Value = u64> {
    prop_oneof![0..300_u64, 0..ID_END, Just(ID_END - 1)]
}

fn any_name() -> impl Strategy<Value = Name> {
    "[a-zé]{1,100}".prop_map(|text| name(&text))
}

fn any_bytes() -> impl Strategy<Value = Bytes> {
    vec(any::<u8>(), 0..200).prop_map(Bytes::from)
}

fn any_reason() -> impl Strategy<Value = Reason> {
    prop_oneof![
        Just(Reason::Normal),
        Just(Reason::Shutdown),
        Just(Reason::Kill),
        Just(Reason::Killed),
        Just(Reason::NoProc),
        Just(Reason::NoConnection),
        any::<String>().prop_map(|text| Reason::Error(text.into())),
        any::<String>().prop_map(|text| Reason::Trap(text.into())),
        any::<String>().prop_map(|text| Reason::Limit(text.into())),
        any::<u8>().prop_map(Reason::ExitCode),
        any_bytes().prop_map(Reason::Custom),
    ]
}

fn any_spawn_error() -> impl Strategy<Value = SpawnError> {
    prop_oneof![
        any::<String>().prop_map(SpawnError::NoModule),
        any::<String>().prop_map(SpawnError::NoFunction),
        any::<String>().prop_map(SpawnError::BadArgument),
        any::<String>().prop_map(SpawnError::BadName),
        any::<String>().prop_map(SpawnError::SystemLimit),
        any::<String>().prop_map(SpawnError::Denied),
        Just(SpawnError::NoConnection),
    ]
}

fn any_call_error() -> impl Strategy<Value = CallError> {
    prop_oneof![
        any_spawn_error().prop_map(CallError::Refused),
        any_reason().prop_map(CallError::Ended),
        Just(CallError::Timeout),
    ]
}

fn any_options() -> impl Strategy<Value = Vec<(String, String)>> {
    vec((any::<String>(), any::<String>()), 0..4)
}

fn any_io_request() -> impl Strategy<Value = IoRequest> {
    prop_oneof![
        any_bytes().prop_map(|bytes| IoRequest::PutChars(Channel::Output, bytes)),
        any_bytes().prop_map(|bytes| IoRequest::PutChars(Channel::Error, bytes)),
        any::<String>().prop_map(IoRequest::GetLine),
        (any::<String>(), any::<u32>()).prop_map(|(text, bytes)| IoRequest::GetChars(text, bytes)),
        Just(IoRequest::GetOptions),
        any_options().prop_map(IoRequest::SetOptions),
    ]
}

fn any_io_reply() -> impl Strategy<Value = IoReply> {
    prop_oneof![
        Just(IoReply::Done),
        any_bytes().prop_map(IoReply::Data),
        Just(IoReply::Eof),
        any_options().prop_map(IoReply::Options),
        Just(IoReply::Failed(IoError::Terminated)),
        Just(IoReply::Failed(IoError::Request)),
        Just(IoReply::Failed(IoError::NotSupported)),
        any::<String>().prop_map(|text| IoReply::Failed(IoError::Other(text))),
    ]
}

/// Any signal that goes to an actor.
fn any_signal() -> impl Strategy<Value = Signal> {
    let theirs = || id().prop_map(|serial| reference(SENDER, serial));
    let ours = || id().prop_map(|serial| reference(RECEIVER, serial));
    let pid = (id(), id()).prop_map(|(node, serial)| Pid { node: NodeId::from_wire(node), serial });
    let made = id().prop_map(|serial| Ok(Pid { node: SENDER, serial }));
    let outcome = prop_oneof![made, any_spawn_error().prop_map(Err)];
    let returned = prop_oneof![any_bytes().prop_map(Ok), any_call_error().prop_map(Err)];
    let origin = prop_oneof![Just(ExitOrigin::Link), Just(ExitOrigin::Explicit)];
    prop_oneof![
        any_bytes().prop_map(|body| Signal::Message { via: None, priority: false, body }),
        Just(Signal::Link),
        any::<u64>().prop_map(Signal::Unlink),
        any::<u64>().prop_map(Signal::UnlinkAck),
        (any_reason(), origin).prop_map(|(reason, origin)| Signal::Exit { reason, origin }),
        theirs().prop_map(|reference| Signal::Monitor { reference, name: None }),
        theirs().prop_map(Signal::Demonitor),
        (ours(), any_reason()).prop_map(|(reference, reason)| Signal::Down { reference, reason }),
        pid.prop_map(Signal::GroupLeader),
        (ours(), outcome).prop_map(|(request, outcome)| Signal::SpawnReply { request, outcome }),
        (theirs(), any_io_request())
            .prop_map(|(reply_as, request)| Signal::IoRequest { reply_as, request }),
        (ours(), any_io_reply()).prop_map(|(reply_as, reply)| Signal::IoReply { reply_as, reply }),
        (ours(), returned).prop_map(|(request, outcome)| Signal::CallReply { request, outcome }),
    ]
}

/// The signal as it may go to this address.
fn addressed((from, to, signal): (u64, Address, Signal)) -> Item {
    let signal = match (&to, signal) {
        (Address::Alias(alias), Signal::Message { body, .. }) => {
            Signal::Message { via: Some(*alias), priority: from % 2 == 0, body }
        }
        (Address::Alias(alias), Signal::Exit { reason, .. }) => {
            let origin = ExitOrigin::Alias { alias: *alias, priority: from % 2 == 0 };
            Signal::Exit { reason, origin }
        }
        (Address::Name(_), Signal::Exit { reason, .. }) => {
            Signal::Exit { reason, origin: ExitOrigin::Explicit }
        }
        (Address::Name(name), Signal::Monitor { reference, .. }) => {
            Signal::Monitor { reference, name: Some(name.clone()) }
        }
        (_, signal) => signal,
    };
    Item::Signal { from, to, signal }
}

fn any_spawn() -> impl Strategy<Value = SpawnRequest> {
    let start = prop_oneof![
        (any::<String>(), any_bytes())
            .prop_map(|(function, argument)| StartAt::Entry { function, argument }),
        vec(any::<String>(), 0..4).prop_map(|arguments| StartAt::Command { arguments }),
        any::<String>().prop_map(StartAt::Call),
    ];
    let ids = (id(), id(), id(), id());
    let rest = (any::<String>(), any::<(bool, bool)>(), any::<Option<String>>());
    (ids, any_module(), start, rest, any_limits()).prop_map(
        |((request, parent, node, serial), module, start, (label, flags, name), limits)| {
            SpawnRequest {
                request: reference(SENDER, request),
                parent,
                group_leader: Pid { node: NodeId::from_wire(node), serial },
                module,
                label,
                start,
                link: flags.0,
                monitor: flags.1,
                name,
                limits,
            }
        },
    )
}

fn any_module() -> impl Strategy<Value = ModuleName> {
    prop_oneof![
        any::<String>().prop_map(ModuleName::Name),
        any::<[u8; 32]>().prop_map(ModuleName::Digest),
    ]
}

fn any_limits() -> impl Strategy<Value = LimitsAsked> {
    any::<[Option<u64>; 5]>().prop_map(|limits| LimitsAsked {
        memory_bytes: limits[0],
        table_elements: limits[1],
        mailbox_messages: limits[2],
        mailbox_bytes: limits[3],
        children: limits[4],
    })
}

fn any_call() -> impl Strategy<Value = CallRequest> {
    let at = prop_oneof![
        (any::<String>(), any_bytes())
            .prop_map(|(function, argument)| CallAt::Entry { function, argument }),
        (any::<String>(), any::<bool>()).prop_map(|(text, json)| CallAt::Text { text, json }),
    ];
    let ids = (id(), id(), id(), id());
    let rest = (any::<String>(), any::<bool>(), any::<Option<u32>>());
    (ids, any_module(), at, rest, any_limits()).prop_map(
        |((request, caller, node, serial), module, at, (label, cast, timeout_ms), limits)| {
            CallRequest {
                request: reference(SENDER, request),
                caller,
                group_leader: Pid { node: NodeId::from_wire(node), serial },
                module,
                label,
                at,
                cast,
                timeout_ms,
                limits,
            }
        },
    )
}

fn any_info() -> impl Strategy<Value = NodeInfo> {
    ("[a-z@.é]{1,60}", 1..ID_END, any::<bool>(), vec("[a-z:0-9]{0,30}", 0..=8))
        .prop_map(|(name, id, hidden, addresses)| NodeInfo { name, id, hidden, addresses })
}

fn any_question() -> impl Strategy<Value = Item> {
    let node = |id| NodeId::from_wire(id);
    let answer = prop_oneof![Just(Identified::Unknown), Just(Identified::Dead)];
    prop_oneof![
        (1..ID_END).prop_map(move |id| Item::WhoIs(node(id))),
        (1..ID_END, answer).prop_map(move |(id, answer)| Item::ThatIs(node(id), answer)),
        any_info().prop_map(move |info| Item::ThatIs(node(info.id), Identified::Node(info))),
    ]
}

fn any_item() -> impl Strategy<Value = Item> {
    let address = prop_oneof![
        id().prop_map(Address::Actor),
        any_name().prop_map(Address::Name),
        (id(), id()).prop_map(|(node, serial)| {
            Address::Alias(reference(NodeId::from_wire(node), serial))
        }),
    ];
    prop_oneof![
        8 => (id(), address, any_signal()).prop_map(addressed),
        1 => any_spawn().prop_map(|request| Item::Spawn(Box::new(request))),
        1 => any_call().prop_map(|request| Item::Call(Box::new(request))),
        1 => vec(any_info(), 0..4).prop_map(Item::Nodes),
        1 => any_question(),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1024))]

    #[test]
    fn any_item_comes_back(item in any_item()) {
        prop_assert_eq!(read(&bytes_of(&item)), Ok(item));
    }

    #[test]
    fn a_damaged_item_decodes_or_is_refused(
        item in any_item(),
        damage in vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        cut in any::<Option<prop::sample::Index>>(),
    ) {
        let mut body = bytes_of(&item).split_off(HEADER_BYTES);
        let kind = bytes_of(&item)[0];
        for (at, byte) in damage {
            let at = at.index(body.len());
            body[at] = byte;
        }
        if let Some(cut) = cut {
            body.truncate(cut.index(body.len()));
        }
        let raw = Raw { kind, body: body.into() };
        let _ = Item::decode(&raw, RECEIVER, SENDER);
    }

    #[test]
    fn any_bytes_are_an_item_or_refused(
        kind in prop_oneof![Just(NODES), 0x30..=0x35_u8, 0x40..=0x42_u8, 0xa8..=0xa9_u8],
        body in vec(any::<u8>(), 0..400),
    ) {
        let raw = Raw { kind, body: body.into() };
        if let Ok(item) = Item::decode(&raw, RECEIVER, SENDER) {
            prop_assert_eq!(read(&bytes_of(&item)), Ok(item), "what decodes can be sent on");
        }
    }
}
