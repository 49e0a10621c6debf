//! Guests that take all the memory, tables and instances that they get.

use odeon::LimitsPatch;
use odeon::modules::compile::TierChoice;
use odeon_core::Reason;

use crate::bed::{Bed, component, resident_bytes, soon, until};

/// Takes a MiB more and fills it, until there is no more, and traps.
const MEMORY: &str = r#"(module
    (memory 1)
    (func (export "f")
      (local $old i32)
      (loop $again
        (local.set $old (memory.grow (i32.const 16)))
        (if (i32.eq (local.get $old) (i32.const -1)) (then unreachable))
        (memory.fill (i32.mul (local.get $old) (i32.const 65536)) (i32.const 7)
          (i32.const 0x100000))
        (br $again))))"#;

/// The same, but it goes on without more, and keeps what it has.
const HOARD: &str = r#"(module
    (memory 1)
    (func (export "f")
      (local $old i32)
      (loop $again
        (local.set $old (memory.grow (i32.const 16)))
        (if (i32.ne (local.get $old) (i32.const -1)) (then
          (memory.fill (i32.mul (local.get $old) (i32.const 65536)) (i32.const 7)
            (i32.const 0x100000))))
        (br $again))))"#;

const TABLE: &str = r#"(module
    (table 1 funcref)
    (func (export "f")
      (loop $again
        (if (i32.eq (table.grow (ref.null func) (i32.const 1000)) (i32.const -1))
          (then unreachable))
        (br $again))))"#;

/// As large as all actors of a node may be together, at its start.
const LARGE_MEMORY: &str = r#"(module (memory 65536) (func (export "f")))"#;

const LARGE_TABLE: &str = r#"(module (table 5000000 funcref) (func (export "f")))"#;

/// What is in memory may differ by so much without that anything was kept: the
/// allocator's and the arena's own stock.
const NOISE_BYTES: u64 = 48 << 20;

#[tokio::test(flavor = "multi_thread")]
async fn a_memory_bomb_ends_at_its_limit_and_the_memory_comes_back() {
    for tier in [TierChoice::Dense, TierChoice::Fast] {
        let bed = Bed::tier(tier).await;
        bed.deploy("hostile", component(MEMORY).as_bytes()).expect("a module");
        let reason = bed.end_of("hostile", "f()").await.to_string();
        assert!(reason.starts_with("limit: memory-bytes-max of 67108864 exceeded"), "{reason}");
        let before = resident_bytes();
        let attack = async {
            loop {
                let (_, one) = bed.start("hostile", "f()").await;
                let (_, two) = bed.start("hostile", "f()").await;
                soon(one.wait()).await;
                soon(two.wait()).await;
            }
        };
        bed.calm_during(attack, "memory bomb").await;
        bed.recovers().await;
        until("the memory is back", || resident_bytes() < before + NOISE_BYTES).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn hoarded_memory_comes_back_when_the_hoarder_is_killed() {
    for tier in [TierChoice::Dense, TierChoice::Fast] {
        let bed = Bed::tier(tier).await;
        bed.deploy("hostile", component(HOARD).as_bytes()).expect("a module");
        let before = resident_bytes();
        let (pid, ended) = bed.start("hostile", "f()").await;
        until("it has all that it may have", || {
            bed.node.actor(pid).is_some_and(|actor| actor.memory_bytes > 60 << 20)
                && resident_bytes() > before + (56 << 20)
        })
        .await;
        bed.calm_during(std::future::pending(), "hoarder").await;
        bed.node.exit(pid, Reason::Kill);
        assert_eq!(soon(ended.wait()).await, Reason::Killed);
        until("the memory is back", || resident_bytes() < before + NOISE_BYTES).await;
        bed.recovers().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_bomb_ends_at_its_limit() {
    for tier in [TierChoice::Dense, TierChoice::Fast] {
        let bed = Bed::tier(tier).await;
        bed.deploy("hostile", component(TABLE).as_bytes()).expect("a module");
        let reason = bed.end_of("hostile", "f()").await.to_string();
        assert!(reason.starts_with("limit: table-elements-max of "), "{tier:?}: {reason}");
        let attack = async {
            loop {
                bed.end_of("hostile", "f()").await;
            }
        };
        bed.calm_during(attack, "table bomb").await;
        bed.recovers().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_too_large_at_its_start_does_not_start() {
    for tier in [TierChoice::Dense, TierChoice::Fast] {
        let bed = Bed::tier(tier).await;
        for (core, limit) in
            [(LARGE_MEMORY, "memory-bytes-max of "), (LARGE_TABLE, "table-elements-max of ")]
        {
            bed.deploy("hostile", component(core).as_bytes()).expect("a module");
            let spawn = odeon::Spawn::new("hostile", odeon::Start::Call("f()".into()));
            let text = match soon(bed.node.spawn_watched(spawn)).await {
                Ok((_, ended)) => soon(ended.wait()).await.to_string(),
                Err(error) => error.to_string(),
            };
            // The fast engine refuses a table over its slots before it starts anything.
            let refused = text.contains("exceeds the limit of 100000");
            assert!(text.contains(limit) || refused, "{tier:?}: {text}");
        }
        bed.recovers().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_spawn_can_allow_less_memory_and_no_guest_gets_more() {
    let bed = Bed::new().await;
    bed.deploy("hostile", component(MEMORY).as_bytes()).expect("a module");
    let limits = LimitsPatch { memory_bytes: Some(2 << 20), ..LimitsPatch::default() };
    let (_, ended) = bed.start_limited("hostile", "f()", limits).await;
    let reason = soon(ended.wait()).await.to_string();
    assert!(reason.starts_with("limit: memory-bytes-max of 2097152 exceeded"), "{reason}");
    bed.recovers().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_component_of_too_many_memories_does_not_start() {
    let mut text = String::from(
        r#"(component (core module $m (memory 1) (table 1 funcref) (func (export "f")))"#,
    );
    (0..300).for_each(|at| text.push_str(&format!("(core instance $i{at} (instantiate $m))")));
    text.push_str(r#"(func (export "f") (canon lift (core func $i0 "f"))))"#);
    for tier in [TierChoice::Dense, TierChoice::Fast] {
        let bed = Bed::tier(tier).await;
        bed.deploy("hostile", text.as_bytes()).expect("a module");
        let spawn = odeon::Spawn::new("hostile", odeon::Start::Call("f()".into()));
        let text = match soon(bed.node.spawn_watched(spawn)).await {
            Ok((_, ended)) => soon(ended.wait()).await.to_string(),
            Err(error) => error.to_string(),
        };
        assert!(text.starts_with("limit: resource limit exceeded: "), "{tier:?}: {text}");
        assert!(text.contains("memory count too high"), "{tier:?}: {text}");
        bed.recovers().await;
    }
}
