//! What guests do with the SDK's own means, calls of functions among them: each check
//! runs in a guest of a real host.

use odeon::{Spawn, Start};
use odeon_core::Reason;
use odeon_tests::protocol::SDK_CHECKS;
use odeon_tests::{MODULE, World, in_time};

async fn check(world: &World, function: &str) {
    let start = Start::Entry { function: function.into(), argument: Vec::new().into() };
    let spawned = world.node.spawn_watched(Spawn::new(MODULE, start)).await;
    let (_, ended) = spawned.expect("it can be made");
    assert_eq!(in_time(function, ended.wait()).await, Reason::Normal, "{function}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_checks_of_the_sdk_hold() {
    let world = World::start().await;
    for function in SDK_CHECKS {
        check(&world, function).await;
    }
}

/// E11: a collection of requests with labels, of which the outcomes come in any order.
#[tokio::test(flavor = "multi_thread")]
async fn e11_a_labelled_collection_of_requests_gets_smaller_with_each_outcome() {
    let world = World::start().await;
    check(&world, "check_rpc_collection_gives_labelled_outcomes").await;
}
