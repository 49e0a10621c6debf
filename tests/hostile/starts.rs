//! Instances that are made before anybody wants them, of modules that take long to start:
//! nobody can tell them from others, and they take nobody's room.

use std::time::Duration;

use odeon::modules::compile::TierChoice;
use odeon::{LimitsPatch, Node, Rights, Spawn, Start};
use odeon_core::Reason;

use crate::bed::{Bed, soon, until};

/// A start function that computes for a while: far longer than any start that is quick,
/// and far shorter than what is given up.
const SLOW: &str = r#"(func $slow (local $i i32)
    (loop $again
      (local.set $i (i32.add (local.get $i) (i32.const 1)))
      (br_if $again (i32.lt_u (local.get $i) (i32.const 5000000)))))
    (start $slow)"#;

/// What `next` gives counts how often this instance was asked.
fn counter(start: &str) -> String {
    format!(
        r#"(component
          (import "odeon:actor/node@0.1.0" (instance $node
            (export "is-distributed" (func (result bool)))))
          (core func $is-distributed (canon lower (func $node "is-distributed")))
          (core module $m
            (import "host" "is-distributed" (func $is-distributed (result i32)))
            (memory 2)
            (global $asked (mut i32) (i32.const 0))
            (func (export "next") (result i32)
              (global.set $asked (i32.add (global.get $asked) (i32.const 1)))
              (global.get $asked))
            {start})
          (core instance $host (export "is-distributed" (func $is-distributed)))
          (core instance $i (instantiate $m (with "host" (instance $host))))
          (func (export "next") (result u32) (canon lift (core func $i "next"))))"#
    )
}

async fn next(node: &Node) -> String {
    let limits = LimitsPatch::default();
    let called = soon(node.call("counter", "next()", Rights::default(), &limits)).await;
    format!("{:?}", called.expect("the function returns"))
}

#[tokio::test(flavor = "multi_thread")]
async fn each_actor_of_a_slow_program_has_an_instance_that_nobody_used() {
    for tier in [TierChoice::Dense, TierChoice::Fast] {
        let bed = Bed::tier(tier).await;
        bed.deploy("counter", counter(SLOW).as_bytes()).expect("a module");
        assert_eq!(bed.node.stats().warm, 0, "nothing is made before the first actor");
        let first = next(&bed.node).await;
        assert!(first.contains('1'), "{first}");
        until("an instance waits", || bed.node.stats().warm > 0).await;
        for _ in 0..40 {
            assert_eq!(next(&bed.node).await, first);
        }
        assert!(bed.node.stats().warm <= 16, "no more wait than are allowed");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn instances_that_nobody_wants_any_more_go() {
    let bed = Bed::new().await;
    bed.deploy("counter", counter(SLOW).as_bytes()).expect("a module");
    next(&bed.node).await;
    until("an instance waits", || bed.node.stats().warm > 0).await;
    until("it goes", || bed.node.stats().warm == 0).await;
    assert!(next(&bed.node).await.contains('1'), "and actors are made as before");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_that_calls_the_host_as_it_starts_gets_no_instance_before_its_actor() {
    let bed = Bed::new().await;
    let calls = SLOW.replacen("(loop", "(drop (call $is-distributed)) (loop", 1);
    bed.deploy("counter", counter(&calls).as_bytes()).expect("a module");
    for _ in 0..10 {
        assert!(next(&bed.node).await.contains('1'));
        assert_eq!(bed.node.stats().warm, 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_actor_with_narrow_limits_does_not_get_an_instance_that_is_above_them() {
    let bed = Bed::new().await;
    bed.deploy("counter", counter(SLOW).as_bytes()).expect("a module");
    next(&bed.node).await;
    until("an instance waits", || bed.node.stats().warm > 0).await;
    let limits = LimitsPatch { memory_bytes: Some(64 << 10), ..LimitsPatch::default() };
    let (_, ended) = bed.start_limited("counter", "next()", limits).await;
    let reason = soon(ended.wait()).await.to_string();
    assert!(reason.contains("memory-bytes-max of 65536 exceeded"), "{reason}");
    assert!(next(&bed.node).await.contains('1'), "others are served");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_makes_room_for_actors_when_the_fast_tier_is_full() {
    let bed = Bed::tier(TierChoice::Fast).await;
    bed.deploy("counter", counter(SLOW).as_bytes()).expect("a module");
    next(&bed.node).await;
    until("an instance waits", || bed.node.stats().warm > 0).await;
    // As many as the tier holds: ARCHITECTURE.md, limits.
    let mut actors = Vec::new();
    for _ in 0..2_000 {
        let idle = Spawn::new("pair", Start::Call("idle()".into()));
        actors.push(soon(bed.node.spawn_watched(idle)).await.expect("an actor"));
    }
    let mut asker = bed.node.native("asker");
    for (pid, _) in &actors {
        asker.send(*pid, vec![7].into());
        assert_eq!(&soon(crate::bed::message(&mut asker)).await[..], [7], "each of them lives");
    }
    for (pid, ended) in actors {
        bed.node.exit(pid, Reason::Kill);
        assert_eq!(soon(ended.wait()).await, Reason::Killed);
    }
    tokio::time::timeout(Duration::from_secs(60), bed.recovers()).await.expect("it recovers");
}
