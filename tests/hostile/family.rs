//! Guests that make too many others.

use odeon::modules::compile::TierChoice;
use odeon::{LimitsPatch, Spawn, Start};
use odeon_core::Reason;
use odeon_core::signal::SpawnError;
use odeon_test_protocol::{
    self as protocol, Failure, Module, Operation, SpawnError as Refusal, Value,
};

use crate::bed::{Bed, component, soon, until};
use crate::puppet::Puppet;

fn spawn(function: &str) -> Operation {
    let start = protocol::Start::Entry { function: function.into(), argument: Vec::new() };
    Operation::Spawn(Module::This, start)
}

fn refused(text: &str) -> Value {
    Value::Failed(Failure::Spawn(Refusal::SystemLimit(text.into())))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_spawn_bomb_is_refused_at_its_limit() {
    let bed = Bed::new().await;
    bed.deploy_guest();
    let limits = LimitsPatch { children: Some(100), ..LimitsPatch::default() };
    let mut bomb = Puppet::limited(&bed.node, limits).await;
    let last = bomb.ask(Operation::Repeat(1_000, Box::new(spawn("waiter")))).await;
    assert_eq!(last, refused("children-max of 100 reached"));
    assert_eq!(bed.node.actors().len(), 101, "as many as allowed, and no more");
    // Whoever ends makes room for another.
    let child = bed.node.actors().iter().find(|actor| actor.start == "waiter").map(|it| it.id);
    let child = bed.node.find(&child.expect("a child").to_string()).expect("it lives");
    bed.node.exit(child, Reason::Kill);
    soon(bed.node.ended(child)).await;
    let another = bomb.ask(spawn("waiter")).await;
    assert!(matches!(another, Value::Spawned { .. }), "{another:?}");
    assert_eq!(bomb.ask(spawn("waiter")).await, refused("children-max of 100 reached"));
    bed.recovers().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn bombs_that_spawn_for_ever_delay_nobody() {
    let bed = Bed::new().await;
    bed.deploy_guest();
    let limits = LimitsPatch { children: Some(500), ..LimitsPatch::default() };
    let mut bombs = Vec::new();
    for function in ["waiter", "nothing", "crash"] {
        let mut bomb = Puppet::limited(&bed.node, limits).await;
        bomb.order(Operation::Repeat(u64::MAX, Box::new(spawn(function))));
        bombs.push(bomb);
    }
    bed.calm_during(std::future::pending(), "spawn bomb").await;
    assert!(bed.node.actors().len() <= 3 + 3 * 500, "{}", bed.node.actors().len());
    // First the bombs, else they make new ones meanwhile.
    for bomb in &bombs {
        bed.node.exit(bomb.pid, Reason::Kill);
        soon(bed.node.ended(bomb.pid)).await;
    }
    drop(bombs);
    bed.recovers().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_node_has_a_limit_of_its_own() {
    let bed = Bed::with(TierChoice::Auto, |config| config.actors_max = 50).await;
    bed.deploy_guest();
    let mut bomb = Puppet::new(&bed.node).await;
    let last = bomb.ask(Operation::Repeat(200, Box::new(spawn("waiter")))).await;
    assert_eq!(last, refused("actors-max of 50 reached"));
    bed.recovers().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn spawns_that_are_refused_leave_no_trace() {
    let bed = Bed::with(TierChoice::Auto, |config| config.actors_max = 20).await;
    let idle = r#"(module (func (export "f") (loop $again (br $again))))"#;
    bed.deploy("idle", component(idle).as_bytes()).expect("a module");
    let named = || {
        let start = Start::Call("f()".into());
        Spawn { name: Some("the-one".into()), ..Spawn::new("idle", start) }
    };
    let holder = bed.node.spawn(named()).await.expect("the name is free");
    for _ in 0..100 {
        let refused = bed.node.spawn(named()).await;
        assert_eq!(refused, Err(SpawnError::BadName("the-one is taken".into())));
    }
    assert_eq!(bed.node.actors().len(), 1);
    assert_eq!(bed.node.find("the-one"), Some(holder));
    bed.recovers().await;
    until("the name is free", || bed.node.find("the-one").is_none()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn children_of_children_count() {
    let bed = Bed::new().await;
    bed.deploy_guest();
    let limits = LimitsPatch { children: Some(10), ..LimitsPatch::default() };
    let mut bomb = Puppet::limited(&bed.node, limits).await;
    let mut child = bomb.child(&bed.node).await;
    let last = child.ask(Operation::Repeat(100, Box::new(spawn("waiter")))).await;
    assert_eq!(last, refused("children-max of 10 reached"));
    assert_eq!(bed.node.actors().len(), 11, "the child's children are its maker's too");
    assert_eq!(bomb.ask(spawn("waiter")).await, refused("children-max of 10 reached"));
    bed.recovers().await;
}
