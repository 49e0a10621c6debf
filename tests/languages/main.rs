//! The SDKs of other languages, each by a guest written with it (`guests/languages`), in
//! real nodes. All guests have the same functions:
//!
//! | function | what it does |
//! |---|---|
//! | `echo` | reads every message and sends it back as it would write it, or `{"refused": why}` |
//! | `waiter`, `nothing` | waits for ever; ends at once |
//! | `fail`, `crash`, `custom` | ends with an error, by a panic or exception, for a reason of its own |
//! | `add` | gives the sum of two integers, or fails where that is none |
//! | `check_...` | ends normally if that part of the SDK does what it should |
//! | `find` | gives who has a cluster name |
//! | `member`, `holder` | joins a group, sets a lock; then does what `echo` does |
//!
//! `odeon build` builds them. A language whose toolchain is not installed is left out, and
//! the test says so; `cargo xtask test` installs the toolchains where it may.

/// Makes tests of functions that take a language: each in a module named after the language.
macro_rules! languages {
    ([$($language:ident $module:ident),*] $tests:tt) => {
        $(languages! { @ $language $module $tests })*
    };
    (@ $language:ident $module:ident { $($test:ident),* $(,)? }) => {
        mod $module {
            use super::Language;

            $(#[tokio::test(flavor = "multi_thread")]
            async fn $test() {
                super::$test(Language::$language).await;
            })*
        }
    };
}

mod build;
mod cluster;
mod projects;

use build::{Language, built};
use bytes::Bytes;
use odeon::{Spawn, Start};
use odeon_core::process::{Event, Filter};
use odeon_core::{Pid, Reason};
use odeon_tests::cluster::Pair;
use odeon_tests::{COMPILE_DEADLINE, Ground, World, in_time};
use tokio::sync::Mutex;

/// What is checked within one node, and between two.
const CHECKS: [&str; 7] = [
    "check_send",
    "check_timeout",
    "check_links",
    "check_monitors",
    "check_exits",
    "check_names",
    "check_rpc",
];

const VECTORS: &str = include_str!("../../guest-sdk/vectors.txt");

/// One at a time: the compiler takes half a minute for the largest guest, and the next one
/// finds what it made.
static COMPILING: Mutex<()> = Mutex::const_new(());

/// A node with the language's guest; nothing where that cannot be built.
async fn world(language: Language) -> Option<World> {
    let module = built(language)?;
    let world = World::start().await;
    deploy(&world.ground(), language, module).await;
    Some(world)
}

/// Gives a node the language's guest, compiled.
async fn deploy(node: &Ground, language: Language, module: &[u8]) {
    let _alone = COMPILING.lock().await;
    node.deploy(language.name(), module);
    let spawn = Spawn::new(language.name(), start("nothing", &[]));
    let made = tokio::time::timeout(COMPILE_DEADLINE, node.spawn(spawn)).await;
    made.expect("it is compiled in time");
}

fn start(function: &str, argument: &[u8]) -> Start {
    Start::Entry { function: function.into(), argument: argument.to_vec().into() }
}

/// Runs a function as an actor, to its end.
async fn end_of(node: &Ground, language: Language, function: &str, argument: &[u8]) -> Reason {
    let spawn = Spawn::new(language.name(), start(function, argument));
    let ended = node.spawn(spawn).await;
    in_time(&format!("{function} of {language:?}"), ended.wait()).await
}

/// A text as CBOR.
fn text(text: &str) -> Vec<u8> {
    let length = u8::try_from(text.len()).expect("a short text");
    [&[0x78, length], text.as_bytes()].concat()
}

fn bytes(hex: &str) -> Vec<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16).expect("a hexadecimal digit") as u8;
    hex.as_bytes().chunks_exact(2).map(|pair| digit(pair[0]) << 4 | digit(pair[1])).collect()
}

/// Sends a body to an echo, and gives what comes back.
async fn echoed(native: &mut odeon::Native, echo: Pid, body: Vec<u8>) -> Bytes {
    native.send(echo, body.into());
    match in_time("an echo", native.receive(Filter::Any)).await {
        Some(Event::Message { body, .. }) => body,
        other => panic!("{other:?} instead of an echo"),
    }
}

async fn the_codec_reads_writes_and_refuses_the_vectors(language: Language) {
    let Some(world) = world(language).await else { return };
    let spawn = Spawn::new(language.name(), start("echo", &[]));
    let (echo, _) = world.node.spawn_watched(spawn).await.expect("it can be made");
    let mut native = world.node.native("tester");
    let mut count = 0;
    for line in VECTORS.lines().filter(|line| !line.starts_with('#')) {
        let columns: Vec<&str> = line.split('\t').collect();
        let (kind, name, body) = (columns[0], columns[1], columns[2]);
        let back = echoed(&mut native, echo, bytes(body)).await;
        let refused = back.starts_with(b"\xa1\x67refused");
        match kind {
            "value" => assert_eq!(back, bytes(body), "{name}"),
            "read" => {
                let is_written = columns[3].split('|').any(|hex| bytes(hex) == back);
                assert!(is_written, "{name}: {back:x?}");
            }
            _ => assert!(refused, "{name}: {back:x?}"),
        }
        count += 1;
    }
    assert!(count > 60, "the file of vectors is whole");
}

/// Runs checks on one node.
async fn hold(language: Language, checks: &[&str]) {
    let Some(world) = world(language).await else { return };
    for check in checks {
        assert_eq!(end_of(&world.ground(), language, check, &[]).await, Reason::Normal, "{check}");
    }
}

/// Runs a check on one of two connected nodes; it is told the name of the other.
async fn holds_between_two(language: Language, check: &str) {
    let Some(module) = built(language) else { return };
    let pair = Pair::start().await;
    let near = &pair.near.world.ground();
    deploy(near, language, module).await;
    let reason = end_of(near, language, check, &text(&pair.far.name)).await;
    assert_eq!(reason, Reason::Normal);
}

async fn the_checks_hold_on_one_node(language: Language) {
    hold(language, &CHECKS).await;
}

async fn actors_and_functions_of_other_nodes_are_reached(language: Language) {
    holds_between_two(language, "check_far").await;
}

/// As many bytes as an actor may have, in texts that are long and none of them large.
async fn messages_that_were_answered_take_no_memory(language: Language) {
    const LENGTH: u16 = 16 << 10;
    const COUNT: usize = (64 << 20) / LENGTH as usize;
    let Some(world) = world(language).await else { return };
    let spawn = Spawn::new(language.name(), start("echo", &[]));
    let (echo, _) = world.node.spawn_watched(spawn).await.expect("it can be made");
    let mut native = world.node.native("tester");
    let [high, low] = LENGTH.to_be_bytes();
    let body = [&[0x79, high, low][..], &vec![b'a'; usize::from(LENGTH)]].concat();
    for _ in 0..COUNT {
        assert_eq!(echoed(&mut native, echo, body.clone()).await, body);
    }
}

async fn a_failure_says_what_is_wrong(language: Language) {
    let Some(world) = world(language).await else { return };
    let crashed = end_of(&world.ground(), language, "crash", &text("on purpose")).await;
    assert!(matches!(&crashed, Reason::Trap(text) if text.contains("on purpose")), "{crashed}");
    let wrong: [(&str, &str, Vec<u8>); 5] = [
        ("add", "out of range", bytes("821b7fffffffffffffff01")),
        ("echo", "argument of the start function", vec![0x61, 0xff]),
        ("echo", "argument of the start function", vec![0x82, 0x01]),
        ("check_sent", "it has echo", vec![]),
        ("", "it has echo", vec![]),
    ];
    for (function, words, argument) in wrong {
        let reason = end_of(&world.ground(), language, function, &argument).await;
        let is_told = matches!(&reason, Reason::Error(text) if text.contains(words));
        assert!(is_told, "{function:?} {argument:x?}: {reason}");
    }
    // One beyond what the language's function takes, which is no other number instead.
    let reason = end_of(&world.ground(), language, "add", &bytes("821bffffffffffffffff01")).await;
    assert!(!matches!(reason, Reason::Normal | Reason::Trap(_)), "{reason}");
}

#[tokio::test(flavor = "multi_thread")]
async fn actors_of_one_snapshot_have_clocks_and_throw_dice_of_their_own() {
    for language in [Language::Js, Language::JsFull, Language::Python, Language::Go] {
        hold(language, &["check_chance"]).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn typescript_of_several_files_runs_without_its_types() {
    let Some(world) = world(Language::Ts).await else { return };
    for check in ["check_types", "check_cluster_types"] {
        let checked = end_of(&world.ground(), Language::Ts, check, &[]).await;
        assert_eq!(checked, Reason::Normal, "{check}");
    }
    let crashed = end_of(&world.ground(), Language::Ts, "crash", &[]).await;
    let is_told = matches!(&crashed, Reason::Trap(text)
        if text.contains("on purpose") && text.contains("main.js"));
    assert!(is_told, "{crashed}");
}

languages! {
    [C c, Zig zig, Js js, JsFull js_full, Python python, Go go] {
        the_codec_reads_writes_and_refuses_the_vectors,
        the_checks_hold_on_one_node,
        actors_and_functions_of_other_nodes_are_reached,
        messages_that_were_answered_take_no_memory,
        a_failure_says_what_is_wrong,
    }
}
