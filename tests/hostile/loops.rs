//! Guests that never return: in loops, in calls, in host functions, at their start.

use odeon::modules::compile::TierChoice;
use odeon_core::Reason;
use odeon_test_protocol::Operation;

use crate::bed::{Bed, component, soon};
use crate::puppet::Puppet;

const SPIN: &str = r#"(module (func (export "f") (loop $again (br $again))))"#;

/// Does nothing but take calls, which are yield points as well.
const CALLS: &str = r#"(module
    (func $leaf)
    (func (export "f") (loop $again (call $leaf) (call $leaf) (br $again))))"#;

/// Never comes to its function.
const START: &str = r#"(module
    (func $start (loop $again (br $again)))
    (start $start)
    (func (export "f")))"#;

/// Spends its time within single instructions that touch 32 MiB each.
const BULK: &str = r#"(module
    (memory 512)
    (func (export "f")
      (loop $again
        (memory.fill (i32.const 0) (i32.const 1) (i32.const 0x2000000))
        (br $again))))"#;

const RECURSE: &str = r#"(module (func $f (export "f") (call $f)))"#;

/// Runs four of them, more than there are workers on a small machine, beside a pair;
/// then ends them.
async fn never_returns(bed: &Bed, core: &str, what: &str) {
    bed.deploy("hostile", component(core).as_bytes()).expect("a module");
    let mut ended = Vec::new();
    for _ in 0..4 {
        ended.push(bed.start("hostile", "f()").await);
    }
    bed.calm_during(std::future::pending(), what).await;
    assert_eq!(bed.node.actors().len(), 4, "{what}: none ended by itself");
    for (pid, ended) in ended {
        bed.node.exit(pid, Reason::Kill);
        assert_eq!(soon(ended.wait()).await, Reason::Killed, "{what}: a kill ends it");
    }
    bed.recovers().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endless_loop_delays_nobody_and_can_be_killed() {
    for tier in [TierChoice::Dense, TierChoice::Fast] {
        let bed = Bed::tier(tier).await;
        never_returns(&bed, SPIN, "endless loop").await;
        never_returns(&bed, CALLS, "endless calls").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_start_function_that_never_returns_can_be_killed() {
    for tier in [TierChoice::Dense, TierChoice::Fast] {
        let bed = Bed::tier(tier).await;
        never_returns(&bed, START, "endless start function").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn long_bulk_instructions_delay_nobody_for_long() {
    let bed = Bed::new().await;
    never_returns(&bed, BULK, "bulk instructions").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endless_recursion_ends_at_the_limit_of_the_stack() {
    for tier in [TierChoice::Dense, TierChoice::Fast] {
        let bed = Bed::tier(tier).await;
        bed.deploy("hostile", component(RECURSE).as_bytes()).expect("a module");
        let reason = bed.end_of("hostile", "f()").await.to_string();
        assert!(reason.starts_with("limit: stack-bytes-max of "), "{reason}");
        let attack = async {
            loop {
                bed.end_of("hostile", "f()").await;
            }
        };
        bed.calm_during(attack, "endless recursion").await;
        bed.recovers().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_recursion_of_compiled_rust_ends_as_well() {
    let bed = Bed::new().await;
    bed.deploy_guest();
    let mut puppet = Puppet::new(&bed.node).await;
    // It is watched before it is told to, since it ends at once.
    let watched = soon(bed.node.ended(puppet.pid));
    let (reason, ()) = tokio::join!(watched, async { puppet.order(Operation::Recurse) });
    let reason = reason.to_string();
    // Frames with arrays are in the guest's memory, where its linker set aside a MiB
    // or less: what is beyond is the guest's own business, and a trap.
    let own = reason.starts_with("trap: ") && reason.contains("out of bounds memory access");
    assert!(own || reason.starts_with("limit: stack-bytes-max of "), "{reason}");
    bed.recovers().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn endless_host_calls_delay_nobody_and_can_be_killed() {
    let bed = Bed::new().await;
    bed.deploy_guest();
    let look = Operation::Receive { of: None, timeout_ms: Some(0) };
    for operation in [Operation::Now, look, Operation::MakeReference] {
        let what = format!("{operation:?} for ever");
        let mut puppets = Vec::new();
        for _ in 0..3 {
            let mut puppet = Puppet::new(&bed.node).await;
            puppet.order(Operation::Repeat(u64::MAX, Box::new(operation.clone())));
            puppets.push(puppet);
        }
        bed.calm_during(std::future::pending(), &what).await;
        for puppet in &puppets {
            bed.node.exit(puppet.pid, Reason::Kill);
            soon(bed.node.ended(puppet.pid)).await;
        }
        drop(puppets);
        bed.recovers().await;
    }
}
