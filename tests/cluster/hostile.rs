//! Nodes and strangers that do not keep to the protocol.
//!
//! A [`Liar`] has the cookie, opens a connection as a node does, and then says what no
//! node says. A [`Stranger`] has not even that: it writes bytes. Whatever they do, the
//! node and an honest node that is connected with it go on as if nothing were.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::task::{Context, Poll};
use std::time::Duration;

use odeon::net::dial::{self, Target};
use odeon::net::transport::{Next, Outgoing};
use odeon::net::{Identity, Mode};
use odeon_core::NodeId;
use odeon_core::wire::{FEATURE_LZ4, Frame, Hello, NodeInfo, Raw, Role};
use odeon_tests::cluster::{COOKIE, Pair, Place, security, until};
use odeon_tests::protocol::{
    Event, Module, MonitorOptions, Operation, Reason, ReplyWhen, SpawnError, SpawnOptions, Value,
    Watched,
};
use odeon_tests::{Puppet, in_time};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::mpsc;

use crate::common::settle;
use crate::support::{down, function, link, monitor, send};
use crate::town::{join, members, register, start_scope, whereis};

const HELLO: u8 = 0x01;
const WELCOME: u8 = 0x04;
const REQUEST: u8 = 0x10;
const NODES: u8 = 0x28;
const MESSAGE: u8 = 0x30;
const TO_ALIAS: u8 = 0x31;
const TO_NAME: u8 = 0x32;
const SIGNAL: u8 = 0x33;
const SPAWN: u8 = 0x34;
const NAMES: u8 = 0x40;
const GROUPS: u8 = 0x41;
const TO_GROUP: u8 = 0x42;
const FRAGMENT: u8 = 0x38;
const CREDIT: u8 = 0x39;
const WHO_IS: u8 = 0xa8;
const THAT_IS: u8 = 0xa9;
const COMPRESSED: u8 = 0x3a;

/// A frame, as PROTOCOL.md has it.
fn frame(kind: u8, body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len()).expect("short");
    [&[kind][..], &length.to_le_bytes(), body].concat()
}

/// A number, as postcard writes it.
fn number(value: u64) -> Vec<u8> {
    postcard::to_stdvec(&value).expect("plain data")
}

/// A message to an actor.
fn message_to(serial: u64, body: &[u8]) -> Vec<u8> {
    frame(MESSAGE, &[&number(1)[..], &number(serial), body].concat())
}

/// A node of a test's own making, with a connection to an honest one.
struct Liar {
    says: Option<mpsc::UnboundedSender<Vec<u8>>>,
    hears: mpsc::UnboundedReceiver<Raw>,
    id: u64,
}

struct Speech(mpsc::UnboundedReceiver<Vec<u8>>);

impl Outgoing for Speech {
    fn poll_next(&mut self, context: &mut Context<'_>, into: &mut Vec<u8>) -> Poll<Next> {
        match self.0.poll_recv(context) {
            Poll::Ready(Some(bytes)) => {
                into.extend_from_slice(&bytes);
                Poll::Ready(Next::Message)
            }
            Poll::Ready(None) => Poll::Ready(Next::Close),
            Poll::Pending => Poll::Pending,
        }
    }

    fn is_crowded(&self) -> bool {
        false
    }
}

const LIAR: &str = "liar@localhost";

impl Liar {
    /// Connects to a node as another one. Says `about` first, unless told otherwise.
    async fn connect(name: &str, to: SocketAddr, features: u64, about: bool) -> Self {
        static IDS: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(77);
        let id = IDS.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let identity = Identity { name: LIAR.into(), incarnation: id, role: Role::Peer, features };
        let target =
            Target { name: name.into(), port: Some(to.port()), hints: vec![to.to_string()] };
        let options = dial::Options::default();
        let security = security(COOKIE, Mode::Auto);
        let dialled = dial::dial(&target, &identity, &security, &options);
        let (mut transport, _session) = in_time("a dial", dialled).await.expect("it is let in");
        let (says, speech) = mpsc::unbounded_channel();
        let (heard, hears) = mpsc::unbounded_channel();
        tokio::spawn(async move {
            let mut speech = Speech(speech);
            while let Ok(Some(raw)) = transport.turn(&mut speech).await {
                if heard.send(raw).is_err() {
                    break;
                }
            }
        });
        let mut liar = Self { says: Some(says), hears, id };
        assert_eq!(liar.next().await.expect("a welcome").kind, WELCOME);
        if about {
            let info = NodeInfo { name: LIAR.into(), id, hidden: false, addresses: vec![] };
            liar.say(Frame::About(info).to_message().to_vec());
        }
        liar
    }

    fn say(&self, bytes: Vec<u8>) {
        let says = self.says.as_ref().expect("not closed");
        let _ = says.send(bytes);
    }

    /// The next frame; nothing when the connection has ended.
    async fn next(&mut self) -> Option<Raw> {
        in_time("a frame or the end", self.hears.recv()).await
    }

    /// The next frame of this kind.
    async fn heard(&mut self, kind: u8) -> Raw {
        loop {
            let raw = self.next().await.expect("the connection is there");
            if raw.kind == kind {
                return raw;
            }
        }
    }

    /// Waits until the other side has ended the connection.
    async fn is_thrown_out(&mut self) {
        while self.next().await.is_some() {}
    }
}

/// A node that is attacked, with a watcher of nodes and an honest node that is connected.
struct Stage {
    pair: Pair,
    near: Puppet,
    far: Puppet,
    watcher: Puppet,
}

impl Stage {
    async fn set() -> Self {
        let pair = Pair::start_with(|setting| setting.compress = true).await;
        let (near, far) = pair.puppets().await;
        let mut watcher = pair.near.world.puppet().await;
        watcher.done(Operation::WatchNodes(Watched::All)).await;
        Self { pair, near, far, watcher }
    }

    async fn liar(&mut self) -> Liar {
        let near = &self.pair.near;
        let liar = Liar::connect(&near.name, near.address, FEATURE_LZ4, true).await;
        let up = self.watcher.event().await;
        let is_up = matches!(&up, Event::NodeUp { node, id, .. } if node == LIAR && *id == liar.id);
        assert!(is_up, "{up:?}");
        liar
    }

    /// The liar is thrown out for a reason with these words, and nobody else suffers.
    async fn thrown_out(&mut self, mut liar: Liar, what: &str, words: &str) {
        liar.is_thrown_out().await;
        match self.watcher.event().await {
            Event::NodeDown { node, id, reason, .. } => {
                assert_eq!((node.as_str(), id), (LIAR, liar.id));
                let named = reason.contains("protocol violation") && reason.contains(words);
                assert!(named, "{what}: the reason is {reason}");
            }
            other => panic!("{what}: {other:?}"),
        }
        self.is_well().await;
    }

    /// The honest ones go on talking, and only they are connected.
    async fn is_well(&mut self) {
        settle(&mut self.near, &mut self.far).await;
        assert!(self.pair.near.knows(&self.pair.far.name));
    }

    /// The liar is still connected, and its messages still arrive.
    async fn still_heard(&mut self, liar: &Liar) {
        liar.say(message_to(self.near.pid.serial, b"honest word"));
        let Event::Message { sender, body, .. } = self.near.event().await else {
            panic!("no message")
        };
        assert_eq!((sender.node, body.as_slice()), (liar.id, &b"honest word"[..]));
    }

    /// Ends the liar's connection from its own side.
    async fn farewell(&mut self, mut liar: Liar) {
        liar.says = None;
        let event = self.watcher.event().await;
        assert!(matches!(event, Event::NodeDown { .. }), "{event:?}");
        self.is_well().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn d14_malformed_frames_of_each_kind_end_the_connection_and_nothing_else() {
    let mut stage = Stage::set().await;
    let serial = number(stage.near.pid.serial);
    let too_far = number(1 << 53);
    let to = |rest: &[u8]| [&[1, 0][..], &serial, rest].concat();
    let fragment = |stream: u64, last: u8, piece: &[u8]| {
        frame(FRAGMENT, &[&number(stream)[..], &[last], piece].concat())
    };
    let cases: Vec<(&str, Vec<u8>, &str)> = vec![
        ("an unknown kind", frame(0x7f, b""), "0x7f"),
        ("a hello in the middle", frame(HELLO, b""), ""),
        (
            "a second welcome",
            Frame::Welcome(NodeInfo { name: LIAR.into(), id: 1, hidden: false, addresses: vec![] })
                .to_message()
                .to_vec(),
            "welcome",
        ),
        ("nodes that are none", frame(NODES, &[200]), "0x28"),
        ("nodes beyond the limit", frame(NODES, &number(1 << 30)), "0x28"),
        ("a message without a receiver", frame(MESSAGE, &[1]), "0x30"),
        ("a message of a pid too far", frame(MESSAGE, &[&too_far[..], &serial].concat()), "0x30"),
        ("an alias cut short", frame(TO_ALIAS, &[1, 5]), "0x31"),
        ("a name that is none", frame(TO_NAME, b"\x01\x00"), "0x32"),
        ("an empty signal", frame(SIGNAL, b""), "0x33"),
        ("an unknown signal", frame(SIGNAL, &to(&[0x0c])), "0x33"),
        ("an unknown reason", frame(SIGNAL, &to(&[3, 0, 0x0b])), "0x33"),
        ("a reason that is no text", frame(SIGNAL, &to(&[3, 1, 6, 0xff])), "0x33"),
        ("a link with bytes", frame(SIGNAL, &to(&[0, 1])), "0x33"),
        ("a spawn cut short", frame(SPAWN, &[1, 2, 3]), "0x34"),
        ("a fragment without a header", fragment(1, 0, b"x"), "fragment"),
        ("an empty fragment", fragment(1, 0, b""), "fragment"),
        ("a fragment too long", fragment(1, 0, &[0; 16_385]), "fragment"),
        ("fragments of a tick", fragment(1, 1, &frame(0x22, b"")), "fragments"),
        ("fragments of fragments", fragment(1, 1, &fragment(2, 1, b"x")), "fragments"),
        (
            "a stream longer than its frame",
            fragment(1, 1, &[&frame(MESSAGE, &[1, 1])[..], b"more"].concat()),
            "fragments",
        ),
        (
            "a stream that announces too much",
            fragment(1, 0, &[MESSAGE, 0xff, 0xff, 0xff, 0xff, 1, 1]),
            "over the limit",
        ),
        ("too much credit", frame(CREDIT, &number(1)), "credit"),
        ("much too much credit", frame(CREDIT, &number(u32::MAX.into())), "credit"),
        (
            "a bomb by its length",
            frame(COMPRESSED, &[&number(1 << 30)[..], &[0; 20]].concat()),
            "compressed",
        ),
        (
            "a bomb by its ratio",
            frame(COMPRESSED, &[&number(100_000)[..], &[0; 20]].concat()),
            "compressed",
        ),
        (
            "no lz4 block",
            frame(COMPRESSED, &[&number(200)[..], &[0xff; 20]].concat()),
            "compressed",
        ),
        ("a bomb in a bomb", compressed(&compressed(&message_to(1, &[0; 500]))), "compressed"),
        ("a tick in a bomb", compressed(&frame(0x22, b"")), "compressed"),
        ("names that are nothing", frame(NAMES, &[11]), "0x40"),
        ("a name of no bytes", frame(NAMES, &[7, 1, 0]), "0x40"),
        ("a name too long", frame(NAMES, &[&[7, 1, 128, 2][..], &[1; 256]].concat()), "0x40"),
        ("more names than a frame has", frame(NAMES, &[8, 49]), "0x40"),
        ("a name of an actor too far", frame(NAMES, &unknown_claim(&too_far)), "0x40"),
        ("a question for nobody", frame(WHO_IS, &[0]), "0xa8"),
        ("a question for an id too far", frame(WHO_IS, &too_far), "0xa8"),
        ("an answer that is none", frame(THAT_IS, &[1, 3]), "0xa9"),
        ("an answer cut short", frame(THAT_IS, &[1, 1, 3]), "0xa9"),
        ("an answer that nobody asked for", frame(THAT_IS, &[1, 0]), "not asked"),
        ("groups that are nothing", frame(GROUPS, &[4, 1, b's']), "0x41"),
        ("more members than a frame has", frame(GROUPS, &[2, 1, b's', 1, 1, 129, 16]), "0x41"),
        ("a group of no name", frame(TO_GROUP, &[1, 1, b's', 0]), "0x42"),
        ("a length beyond the message", [&[MESSAGE][..], &[9, 0, 0, 0, 1]].concat(), ""),
        ("a length beyond the limit", [&[MESSAGE][..], &[0xff; 4], &[1]].concat(), ""),
        ("half a header", vec![MESSAGE, 1], ""),
    ];
    for (what, bytes, words) in cases {
        let liar = stage.liar().await;
        stage.still_heard(&liar).await;
        liar.say(bytes);
        stage.thrown_out(liar, what, words).await;
    }
}

/// Who asks is answered, and who is asked and says nothing, or lies, delays and misleads
/// only what is sent to the id in question.
#[tokio::test(flavor = "multi_thread")]
async fn questions_for_ids_of_a_liar_and_to_one_harm_nobody() {
    let mut stage = Stage::set().await;
    let mut liar = stage.liar().await;
    let far = stage.far.pid.node;
    liar.say(frame(WHO_IS, &number(far)));
    liar.say(frame(WHO_IS, &number(4_711)));
    let answer = liar.heard(THAT_IS).await;
    assert!(answer.body.starts_with(&[&number(far)[..], &[1]].concat()), "{answer:?}");
    let name = stage.pair.far.name.as_bytes();
    assert!(answer.body.windows(name.len()).any(|part| part == name), "{answer:?}");
    assert_eq!(liar.heard(THAT_IS).await.body[..], [&number(4_711)[..], &[0]].concat());
    // It says nothing: the time ends the question.
    let nobody = |node| odeon_tests::protocol::Pid { node, serial: 1 };
    let watched = stage.near.reference(monitor(nobody(4_712))).await;
    assert_eq!(liar.heard(WHO_IS).await.body[..], number(4_712));
    assert_eq!(stage.near.event().await, down(watched, nobody(4_712), Reason::Noconnection));
    // It names a node that is another, and one that is nowhere.
    for (id, name) in [(4_713, stage.pair.far.name.clone()), (4_714, "away@localhost".into())] {
        let watched = stage.near.reference(monitor(nobody(id))).await;
        assert_eq!(liar.heard(WHO_IS).await.body[..], number(id));
        let info = postcard::to_stdvec(&(&name, id, false, Vec::<String>::new()));
        let info = info.expect("plain data");
        liar.say(frame(THAT_IS, &[&number(id)[..], &[1], &info].concat()));
        let reason = if id == 4_713 { Reason::Noproc } else { Reason::Noconnection };
        assert_eq!(stage.near.event().await, down(watched, nobody(id), reason));
    }
    stage.still_heard(&liar).await;
    stage.farewell(liar).await;
}

/// Questions that come faster than they are read are a flood, and end the connection.
#[tokio::test(flavor = "multi_thread")]
async fn a_flood_of_questions_ends_the_connection() {
    let mut stage = Stage::set().await;
    let liar = stage.liar().await;
    for _ in 0..6 {
        liar.say((1..=9_000).flat_map(|id| frame(WHO_IS, &number(id))).collect());
    }
    stage.thrown_out(liar, "a flood of questions", "questions").await;
}

/// One claim on the name `a` by this actor.
fn unknown_claim(serial: &[u8]) -> Vec<u8> {
    [&[8, 1, 1, b'a'][..], serial, &[1, 0, 0, 0, 0]].concat()
}

/// What a node says of names and groups without reason changes nothing, and what it may say
/// is about its own actors alone.
#[tokio::test(flavor = "multi_thread")]
async fn g34_names_and_groups_of_a_liar_are_its_own_and_go_with_it() {
    let mut stage = Stage::set().await;
    let own = stage.near.pid;
    assert_eq!(stage.near.order(register("mine", own)).await, Value::Done);
    assert!(stage.near.yes(start_scope()).await);
    stage.near.done(join("group", &[own])).await;
    let liar = stage.liar().await;
    let serial = number(own.serial);
    let unfounded = [
        // An answer, an ack, a refusal and a wound for what was never asked.
        [&[2][..], &number(1), &[0]].concat(),
        [&[4][..], &number(1)].concat(),
        [&[5][..], &number(1), &number(own.node), &serial, &[1, 1]].concat(),
        [&[6][..], &number(1)].concat(),
        [&[7][..], &number(1), &[4], b"mine"].concat(),
        // The name of another one is given up, or judged: for an owner that is none.
        [&[9, 4][..], b"mine", &[0]].concat(),
        [&[10, 4][..], b"mine", &serial, &[1, 1]].concat(),
        [&[10, 4][..], b"mine", &serial, &[1, 2]].concat(),
    ];
    for body in unfounded {
        liar.say(frame(NAMES, &body));
    }
    liar.say(frame(GROUPS, &[2, 5, b's', b'c', b'o', b'p', b'e', 9, 0, 0]));
    liar.say(frame(GROUPS, &[3, 5, b's', b'c', b'o', b'p', b'e']));
    stage.still_heard(&liar).await;
    assert_eq!(whereis(&mut stage.near, "mine").await, Some(own));
    assert_eq!(members(&mut stage.near, "group", false).await, [own]);
    // What it says of its own counts, as long as it is there.
    liar.say(frame(NAMES, &unknown_claim(&number(5))));
    stage.still_heard(&liar).await;
    let its = odeon_tests::protocol::Pid { node: liar.id, serial: 5 };
    assert_eq!(whereis(&mut stage.near, "a").await, Some(its));
    stage.farewell(liar).await;
    assert_eq!(whereis(&mut stage.near, "a").await, None);
    assert_eq!(whereis(&mut stage.near, "mine").await, Some(own));
}

#[tokio::test(flavor = "multi_thread")]
async fn who_lets_actors_leave_that_never_joined_is_thrown_out() {
    let mut stage = Stage::set().await;
    assert!(stage.near.yes(start_scope()).await);
    let liar = stage.liar().await;
    let scope = [&[5][..], b"scope"].concat();
    // All members: none, version 1. Then one leaves.
    liar.say(frame(GROUPS, &[&[1][..], &scope, &[1, 1, 1, 0]].concat()));
    stage.still_heard(&liar).await;
    liar.say(frame(GROUPS, &[&[2][..], &scope, &[2, 0, 1, 1, b'g', 1, 7]].concat()));
    stage.thrown_out(liar, "a leave without a join", "left a group").await;
}

/// A frame inside a compressed one, as literals: a block that packs nothing.
fn compressed(inner: &[u8]) -> Vec<u8> {
    let length = inner.len();
    let mut block = Vec::new();
    if length < 15 {
        block.push(u8::try_from(length << 4).expect("short"));
    } else {
        block.push(0xf0);
        let mut rest = length - 15;
        while rest >= 255 {
            block.push(255);
            rest -= 255;
        }
        block.push(u8::try_from(rest).expect("less than 255"));
    }
    block.extend_from_slice(inner);
    frame(COMPRESSED, &[&number(length as u64)[..], &block].concat())
}

#[tokio::test(flavor = "multi_thread")]
async fn d14_frames_that_a_newer_version_may_have_are_skipped() {
    let mut stage = Stage::set().await;
    let liar = stage.liar().await;
    for kind in [0x80, 0xc3, 0xff] {
        liar.say(frame(kind, &[7; 100]));
    }
    liar.say(compressed(&message_to(stage.near.pid.serial, b"packed")));
    let Event::Message { body, .. } = stage.near.event().await else { panic!("no message") };
    assert_eq!(body, b"packed");
    stage.still_heard(&liar).await;
    stage.farewell(liar).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_node_says_of_others_actors_is_nothing() {
    let mut stage = Stage::set().await;
    // Relations of the honest ones, and a request that is under way.
    stage.near.order(Operation::TrapExit(true)).await;
    stage.near.done(link(stage.far.pid)).await;
    let watched = stage.near.reference(monitor(stage.far.pid)).await;
    stage.is_well().await;
    let liar = stage.liar().await;
    let near = number(stage.near.pid.serial);
    // From the liar's actor with the serial of the honest far one: it speaks for its own
    // node alone, so these are exits, downs and unlinks of an actor that nobody knows.
    let from = number(stage.far.pid.serial);
    let to = |rest: &[u8]| frame(SIGNAL, &[&from[..], &[0], &near, rest].concat());
    liar.say(to(&[3, 0, 2])); // exit by a link: kill
    liar.say(to(&[3, 0, 5])); // exit by a link: noconnection
    liar.say(to(&[1, 1])); // unlink
    liar.say(to(&[2, 1])); // unlink acknowledged
    liar.say(to(&[&[6][..], &number(watched.serial), &[0]].concat())); // down
    liar.say(to(&[&[8][..], &number(watched.serial + 1), &[9]].concat())); // spawned
    liar.say(to(&[&[9][..], &number(watched.serial + 1), &[6]].concat())); // not spawned
    liar.say(to(&[&[11][..], &number(watched.serial), &[0]].concat())); // I/O reply
    liar.say(to(&[&[5][..], &number(watched.serial)].concat())); // demonitor
    // To nobody, to a dead incarnation's alias, to a name that nobody has.
    liar.say(message_to(1 << 40, b"nobody"));
    liar.say(frame(
        TO_ALIAS,
        &[&[1][..], &number(stage.near.pid.node ^ 1), &[1, 0, b'x']].concat(),
    ));
    liar.say(frame(TO_NAME, b"\x01\x07missing"));
    stage.still_heard(&liar).await;
    // No event of any of it; links and monitors are what they were.
    let info = stage.near.itself().await;
    assert_eq!(info.links, [stage.far.pid]);
    assert_eq!(info.monitors.len(), 1);
    stage.farewell(liar).await;
    stage.far.kill().await;
    let both = [stage.near.event().await, stage.near.event().await];
    assert!(both.iter().any(|event| matches!(event, Event::Exit { .. })), "{both:?}");
    assert!(both.iter().any(|event| matches!(event, Event::Down { .. })), "{both:?}");
}

/// Answers to requests of one actor that are said to another, or twice.
#[tokio::test(flavor = "multi_thread")]
async fn forged_answers_to_a_spawn_request_do_not_use_it_up() {
    let mut stage = Stage::set().await;
    let mut liar = stage.liar().await;
    let options = SpawnOptions {
        node: Some(LIAR.into()),
        link: true,
        monitor: Some(MonitorOptions::default()),
        ..SpawnOptions::default()
    };
    let asked =
        Operation::SpawnRequest(Module::This, function("nothing"), options, ReplyWhen::Always);
    stage.near.order(Operation::TrapExit(true)).await;
    let request = stage.near.reference(asked).await;
    while liar.next().await.expect("a request").kind != SPAWN {}
    let mut other = stage.pair.near.world.puppet().await;
    let spawned = |to: u64| {
        frame(SIGNAL, &[&[1, 0][..], &number(to), &[8], &number(request.serial), &[9]].concat())
    };
    liar.say(spawned(other.pid.serial));
    liar.say(spawned(1 << 40));
    stage.near.hears_nothing().await;
    other.hears_nothing().await;
    // The connection's end still answers it.
    liar.says = None;
    assert!(matches!(stage.watcher.event().await, Event::NodeDown { .. }));
    let outcome = Err(SpawnError::Noconnection);
    assert_eq!(stage.near.event().await, Event::SpawnReply { request, outcome });
    stage.near.hears_nothing().await;
    // The right answer counts, once.
    let mut liar = stage.liar().await;
    let options = SpawnOptions { node: Some(LIAR.into()), ..SpawnOptions::default() };
    let asked =
        Operation::SpawnRequest(Module::This, function("nothing"), options, ReplyWhen::Always);
    let request = stage.near.reference(asked).await;
    while liar.next().await.expect("a request").kind != SPAWN {}
    let spawned = frame(
        SIGNAL,
        &[&[1, 0][..], &number(stage.near.pid.serial), &[8], &number(request.serial), &[9]]
            .concat(),
    );
    for _ in 0..3 {
        liar.say(spawned.clone());
    }
    let Event::SpawnReply { outcome: Ok(child), .. } = stage.near.event().await else {
        panic!("no reply")
    };
    assert_eq!((child.node, child.serial), (liar.id, 9));
    stage.still_heard(&liar).await;
    stage.farewell(liar).await;
    stage.near.hears_nothing().await;
}

/// A node that begins long signals and never ends them, up to each limit.
#[tokio::test(flavor = "multi_thread")]
async fn unfinished_streams_are_limited_and_go_with_the_connection() {
    let mut stage = Stage::set().await;
    let piece =
        |stream: u64, piece: &[u8]| frame(FRAGMENT, &[&number(stream)[..], &[0], piece].concat());
    let begin = |length: u32| [&[MESSAGE][..], &length.to_le_bytes(), &[1, 1]].concat();
    // More streams than may be under way.
    let liar = stage.liar().await;
    for stream in 1..=65 {
        liar.say(piece(stream, &begin(1 << 20)));
    }
    stage.thrown_out(liar, "65 streams", "streams of fragments").await;
    // More bytes than may be under way: the liar uses the credit that it is granted.
    let mut liar = stage.liar().await;
    let filler = [0; 16_000];
    for stream in 1..=60_u64 {
        liar.say(piece(stream, &begin(16 << 20)));
    }
    let mut sent = 0_usize;
    let mut credit = 4 << 20;
    let over = 'flood: loop {
        for stream in 1..=60_u64 {
            while credit < 20_000 {
                match liar.next().await {
                    Some(raw) if raw.kind == CREDIT => {
                        let bytes: u32 = postcard::from_bytes(&raw.body).expect("a number");
                        credit += bytes as usize;
                    }
                    Some(_) => {}
                    None => break 'flood true,
                }
            }
            let bytes = piece(stream, &filler);
            credit -= bytes.len();
            sent += filler.len();
            liar.say(bytes);
        }
        if sent > 80 << 20 {
            break false;
        }
    };
    println!("{sent} bytes of unfinished streams, thrown out meanwhile: {over}");
    stage.thrown_out(liar, "64 MiB of streams", "bytes of fragments").await;
    // A stream number that was used.
    let liar = stage.liar().await;
    let whole = message_to(stage.near.pid.serial, b"in fragments");
    let last = |stream: u64| frame(FRAGMENT, &[&number(stream)[..], &[1], &whole].concat());
    liar.say(last(5));
    let Event::Message { body, .. } = stage.near.event().await else { panic!("no message") };
    assert_eq!(body, b"in fragments");
    liar.say(last(5));
    stage.thrown_out(liar, "a stream twice", "stream 5").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn news_of_nodes_that_are_nonsense_or_too_many_does_no_harm() {
    let mut stage = Stage::set().await;
    let liar = stage.liar().await;
    let nonsense = ["@", "no host", "a@b@c", "../../etc/passwd@x", "\u{1}@localhost"];
    let mut nodes: Vec<NodeInfo> = nonsense
        .iter()
        .map(|name| NodeInfo {
            name: (*name).into(),
            id: 5,
            hidden: false,
            addresses: vec!["nowhere".into(), ":".into(), "127.0.0.1:1".into()],
        })
        .collect();
    // Itself, the node it talks to, and one with another's id.
    for name in [LIAR, &stage.pair.near.name, &stage.pair.far.name] {
        let addresses = vec!["127.0.0.1:1".into()];
        nodes.push(NodeInfo { name: name.into(), id: liar.id, hidden: false, addresses });
    }
    let say = |nodes: &[NodeInfo]| {
        let mut outbox = odeon_core::peer::outbox::Outbox::new(0);
        let _ = outbox.push_item(&odeon_core::wire::Item::Nodes(nodes.to_vec()));
        let mut bytes = Vec::new();
        while outbox.next_message(&mut bytes) {
            liar.say(std::mem::take(&mut bytes));
        }
    };
    say(&nodes);
    for hundred in 0..50_u64 {
        let many: Vec<_> = (0..100)
            .map(|at| NodeInfo {
                name: format!("x{}@localhost", 100 * hundred + at),
                id: 1_000_000 + 100 * hundred + at,
                hidden: false,
                addresses: vec!["127.0.0.1:1".into()],
            })
            .collect();
        say(&many);
        stage.still_heard(&liar).await;
    }
    let known = stage.pair.near.nodes(odeon_core::node::Nodes::Known).len();
    assert!(known <= odeon_core::node::NODES_KNOWN_MAX, "{known} nodes are known");
    stage.is_well().await;
    stage.farewell(liar).await;
    let far = NodeId::new(stage.far.pid.node).expect("an id");
    assert_eq!(
        stage.near.order(Operation::NodeNameOf(stage.far.pid)).await,
        Value::Names(vec![stage.pair.far.name.clone()]),
        "{far:?} keeps its name"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn signals_before_the_first_words_end_the_connection() {
    let mut stage = Stage::set().await;
    let near = &stage.pair.near;
    for bytes in [message_to(stage.near.pid.serial, b"early"), frame(0x22, b""), frame(0x7f, b"")] {
        let mut liar = Liar::connect(&near.name, near.address, 0, false).await;
        liar.say(bytes);
        liar.is_thrown_out().await;
        assert!(!near.knows(LIAR));
    }
    // Who says that it is another than it proved.
    let mut liar = Liar::connect(&near.name, near.address, 0, false).await;
    let info = NodeInfo {
        name: stage.pair.far.name.clone(),
        id: stage.far.pid.node,
        hidden: false,
        addresses: vec![],
    };
    liar.say(Frame::About(info).to_message().to_vec());
    liar.is_thrown_out().await;
    stage.watcher.hears_nothing().await;
    stage.is_well().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_to_services_that_nodes_do_not_have_are_answered_and_limited() {
    let mut stage = Stage::set().await;
    let mut liar = stage.liar().await;
    let request = |id: u64, service: &str, body: &[u8]| {
        let length = u8::try_from(service.len()).expect("short");
        frame(REQUEST, &[&number(id)[..], &[length], service.as_bytes(), body].concat())
    };
    // The commands' service is not for nodes; a module that is not there, and no digest.
    for (id, service, body) in
        [(1, "control", &b"x"[..]), (3, "module", &[0; 32]), (5, "module", b"short")]
    {
        liar.say(request(id, service, body));
        let reply = loop {
            let raw = liar.next().await.expect("an answer");
            if raw.kind == 0x11 {
                break raw;
            }
        };
        assert_eq!(reply.body[1], 1, "{service} failed");
    }
    stage.still_heard(&liar).await;
    // An id that is the other side's to give.
    liar.say(request(2, "module", &[0; 32]));
    stage.thrown_out(liar, "an even id", "").await;
}

/// Brings other bytes than the digest that it asks for.
#[tokio::test(flavor = "multi_thread")]
async fn a_module_whose_bytes_do_not_match_its_digest_is_refused() {
    let mut stage = Stage::set().await;
    let mut liar = stage.liar().await;
    let parent = stage.near.pid;
    let spawn = |request: u64| {
        let head = [
            &number(request)[..],
            &[1],
            &number(parent.node),
            &number(parent.serial),
            &[1],
            &[0xab; 32],
            &[1, b'l', 0, 1, b'f', 0, 0, 0, 0, 0, 0, 0, 0],
        ];
        frame(SPAWN, &head.concat())
    };
    liar.say(spawn(3));
    // It is asked for the module.
    let asked = loop {
        let raw = liar.next().await.expect("a request");
        if raw.kind == REQUEST {
            break raw;
        }
    };
    assert!(asked.body.ends_with(&[0xab; 32]));
    let id = asked.body[0];
    liar.say(frame(0x12, &[&[id][..], b"\0asm not what was asked for"].concat()));
    liar.say(frame(0x11, &[id, 0]));
    let refused = loop {
        let raw = liar.next().await.expect("an answer");
        if raw.kind == SIGNAL {
            break raw;
        }
    };
    let text = String::from_utf8_lossy(&refused.body);
    assert!(text.contains("do not match"), "{text}");
    stage.still_heard(&liar).await;
    // Who does not answer, or answers without end, keeps nobody from anything.
    liar.say(spawn(5));
    stage.still_heard(&liar).await;
    stage.farewell(liar).await;
}

/// A side that never reads does not make the other hold ever more.
#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_reads_nothing_is_borne_up_to_a_limit() {
    let mut stage = Stage::set().await;
    let liar = stage.liar().await;
    let to = odeon_tests::protocol::Pid { node: liar.id, serial: 1 };
    // The liar's task reads everything; its credit is never renewed, which is worse.
    let mut flooder = stage.pair.near.world.puppet().await;
    flooder.tell(Operation::Flood { to, messages: 64, bytes: 1 << 20 });
    stage.is_well().await;
    let mut also = stage.pair.near.world.puppet().await;
    also.tell(send(to, b"small"));
    stage.still_heard(&liar).await;
    flooder.kill().await;
    stage.farewell(liar).await;
}

/// Somebody without the cookie.
struct Stranger(TcpStream);

impl Stranger {
    async fn connect(to: SocketAddr) -> Self {
        Self(TcpStream::connect(to).await.expect("it listens"))
    }

    /// The request that makes a WebSocket of a connection.
    async fn upgraded(to: SocketAddr) -> Self {
        let mut stranger = Self::connect(to).await;
        stranger.write(UPGRADE).await;
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(in_time("an upgrade", stranger.0.read_u8()).await.expect("an answer"));
        }
        assert!(head.starts_with(b"HTTP/1.1 101"), "{}", String::from_utf8_lossy(&head));
        stranger
    }

    async fn write(&mut self, bytes: &[u8]) {
        // It may have been thrown out already.
        let _ = self.0.write_all(bytes).await;
    }

    /// One WebSocket message, with a mask of zeros.
    async fn say(&mut self, opcode: u8, bytes: &[u8]) {
        let length = u16::try_from(bytes.len()).expect("short");
        let head = [0x80 | opcode, 0x80 | 126];
        let message = [&head[..], &length.to_be_bytes(), &[0; 4], bytes].concat();
        self.write(&message).await;
    }

    /// All that is said before the other side closes.
    async fn rest(mut self) -> Vec<u8> {
        let mut rest = Vec::new();
        let _ = in_time("the end", self.0.read_to_end(&mut rest)).await;
        rest
    }
}

const UPGRADE: &[u8] = b"GET /odeon HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\n\
    Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

fn hello(change: impl FnOnce(&mut Hello)) -> Vec<u8> {
    let identity = Identity { name: LIAR.into(), incarnation: 7, role: Role::Peer, features: 0 };
    let mut hello = identity.hello().expect("random bytes");
    change(&mut hello);
    Frame::Hello(hello).to_message().to_vec()
}

/// Whether the answer holds a refusal with this code.
fn refuses(answer: &[u8], code: u8) -> bool {
    answer.windows(6).any(|bytes| bytes == [0x03, 0x03, 0, 0, 0, code])
        || answer.windows(6).any(|bytes| bytes[0] == 0x03 && bytes[2..] == [0, 0, 0, code])
}

#[tokio::test(flavor = "multi_thread")]
async fn strangers_are_refused_by_the_rule_that_they_break() {
    let mut stage = Stage::set().await;
    let to = stage.pair.near.address;
    let cases: [(&str, u8, Vec<u8>, Option<u8>); 9] = [
        (
            "an old version",
            2,
            hello(|hello| (hello.version_min, hello.version_max) = (0, 0)),
            Some(1),
        ),
        (
            "a version to come",
            2,
            hello(|hello| (hello.version_min, hello.version_max) = (900, 901)),
            Some(1),
        ),
        ("a name that is none", 2, hello(|hello| hello.name = "../x".into()), Some(8)),
        ("a proof before the hello", 2, frame(0x02, &[0; 32]), Some(0)),
        ("half a hello", 2, hello(|_| {})[..30].to_vec(), Some(0)),
        ("a message to an actor", 2, message_to(1, b"x"), Some(0)),
        ("a hello beyond the limit", 2, frame(HELLO, &[0; 5000]), Some(0)),
        ("a text", 1, b"hello".to_vec(), Some(0)),
        ("a command", 2, hello(|hello| hello.role = Role::Control), Some(3)),
    ];
    for (what, opcode, bytes, code) in cases {
        let mut stranger = Stranger::upgraded(to).await;
        stranger.say(opcode, &bytes).await;
        let answer = stranger.rest().await;
        let code = code.expect("each has one");
        assert!(refuses(&answer, code), "{what}: {answer:02x?}");
        stage.is_well().await;
    }
    // A wrong proof.
    let mut stranger = Stranger::upgraded(to).await;
    stranger.say(2, &hello(|_| {})).await;
    stranger.say(2, &frame(0x02, &[7; 32])).await;
    let answer = stranger.rest().await;
    assert!(refuses(&answer, 2), "{answer:02x?}");
    // What is no WebSocket at all.
    for bytes in [&b"GET / HTTP/1.1\r\n\r\n"[..], b"\0\0\0\0", b"GET /other HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n", &[0x16, 3, 1, 0, 5, 1, 0, 0, 1, 3]] {
        let mut stranger = Stranger::connect(to).await;
        stranger.write(bytes).await;
        stranger.rest().await;
        stage.is_well().await;
    }
    stage.watcher.hears_nothing().await;
}

/// The bytes of an honest handshake, said again.
#[tokio::test(flavor = "multi_thread")]
async fn a_replayed_handshake_proves_nothing() {
    let mut stage = Stage::set().await;
    let to = stage.pair.near.address;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let tapped = listener.local_addr().expect("bound");
    let tap = tokio::spawn(async move {
        let (mut honest, _) = listener.accept().await.expect("a connection");
        let mut node = TcpStream::connect(to).await.expect("it listens");
        let mut said = Vec::new();
        let (mut there, mut back) = (vec![0; 4096], vec![0; 4096]);
        loop {
            tokio::select! {
                read = honest.read(&mut there) => match read {
                    Ok(bytes @ 1..) => {
                        said.extend_from_slice(&there[..bytes]);
                        let _ = node.write_all(&there[..bytes]).await;
                    }
                    _ => return said,
                },
                read = node.read(&mut back) => match read {
                    Ok(bytes @ 1..) => { let _ = honest.write_all(&back[..bytes]).await; }
                    _ => return said,
                },
            }
        }
    });
    let liar = Liar::connect(&stage.pair.near.name, tapped, 0, true).await;
    assert!(matches!(stage.watcher.event().await, Event::NodeUp { .. }));
    stage.farewell(liar).await;
    let said = in_time("the tapped bytes", tap).await.expect("no panic");
    for part in [said.len(), said.len() / 2, said.len() - 1] {
        let mut stranger = Stranger::connect(to).await;
        stranger.write(&said[..part]).await;
        stranger.rest().await;
    }
    stage.watcher.hears_nothing().await;
    stage.is_well().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn t04_many_half_open_connections_do_not_keep_honest_nodes_out() {
    let mut stage = Stage::set().await;
    let to = stage.pair.near.address;
    let mut held = VecDeque::new();
    for at in 0..300 {
        let mut stranger = Stranger::connect(to).await;
        // Some say a little, very slowly.
        if at % 3 == 0 {
            stranger.write(&UPGRADE[..at % 30]).await;
        }
        held.push_back(stranger);
    }
    stage.is_well().await;
    // Each is dropped after its own time; a node that tries gets in.
    let late = stage.pair.place.start_with(|_| {}).await;
    until_joined(&late, &stage.pair.near.name).await;
    stage.is_well().await;
    for stranger in held {
        stranger.rest().await;
    }
}

/// Tries until there is a connection; each attempt may find the node crowded.
async fn until_joined(node: &odeon_tests::cluster::Member, other: &str) {
    in_time("a connection in spite of strangers", async {
        while node.world.node.connect(other).await.is_err() {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_handshake_is_ended_in_time() {
    let mut stage = Stage::set().await;
    let begun = std::time::Instant::now();
    let mut slow = Stranger::connect(stage.pair.near.address).await;
    let dripping = async {
        for byte in UPGRADE.iter().chain([0; 1000].iter()) {
            slow.write(&[*byte]).await;
            tokio::time::sleep(Duration::from_millis(20)).await;
            if slow.0.try_read(&mut [0; 1]).is_ok_and(|read| read == 0) {
                break;
            }
        }
    };
    let _ = tokio::time::timeout(Duration::from_secs(10), dripping).await;
    let took = begun.elapsed();
    assert!(took < Duration::from_secs(6), "{took:?}");
    stage.is_well().await;
}

/// One that says it is the node itself, or a node that is there already.
#[tokio::test(flavor = "multi_thread")]
async fn a_node_with_the_name_of_another_is_refused_or_takes_its_place() {
    let place = Place::new().await;
    let near = place.start().await;
    let mut watcher = near.world.puppet().await;
    watcher.done(Operation::WatchNodes(Watched::All)).await;
    let identity =
        Identity { name: near.name.clone(), incarnation: 5, role: Role::Peer, features: 0 };
    let target = Target {
        name: near.name.clone(),
        port: Some(near.address.port()),
        hints: vec![near.address.to_string()],
    };
    let options = dial::Options::default();
    let security = security(COOKIE, Mode::Auto);
    let dialled = dial::dial(&target, &identity, &security, &options);
    let (mut transport, _) = in_time("a dial", dialled).await.expect("it has the cookie");
    let (_says, speech) = mpsc::unbounded_channel();
    let raw = in_time("a refusal", transport.turn(&mut Speech(speech))).await;
    let raw = raw.expect("a frame").expect("before the end");
    assert_eq!((raw.kind, raw.body[0]), (0x03, 9));
    watcher.hears_nothing().await;
    // A second run of a node that is there: the first one's loss is told before.
    let first = Liar::connect(&near.name, near.address, 0, true).await;
    assert!(matches!(watcher.event().await, Event::NodeUp { .. }));
    let second = Liar::connect(&near.name, near.address, 0, true).await;
    let Event::NodeDown { id, reason, .. } = watcher.event().await else { panic!("no loss") };
    assert_eq!(id, first.id);
    assert!(reason.contains("superseded"), "{reason}");
    let Event::NodeUp { id, .. } = watcher.event().await else { panic!("no new one") };
    assert_eq!(id, second.id);
    until("the first is gone", || first.hears.is_closed()).await;
}
