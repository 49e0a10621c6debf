//! Timers whose messages go to other nodes.

use odeon_tests::cluster::Pair;
use odeon_tests::protocol::{Destination, Operation};

use crate::common::{at, nothing_came};
use crate::support::{message, message_via};

fn later(to: Destination, body: &[u8]) -> Operation {
    Operation::SendAfter { after_ms: 5, to, body: body.to_vec() }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_timer_sends_to_a_pid_a_name_and_an_alias_of_another_node() {
    let pair = Pair::start().await;
    let (mut near, mut far) = pair.puppets().await;
    far.done(Operation::Register("far".into(), far.pid)).await;
    let alias = far.reference(Operation::Alias { reply: false, priority: false }).await;
    near.reference(later(Destination::Pid(far.pid), b"pid")).await;
    assert_eq!(far.event().await, message(near.pid, b"pid"));
    near.reference(later(at(&pair.far.name, "far"), b"name")).await;
    assert_eq!(far.event().await, message(near.pid, b"name"));
    near.reference(later(Destination::Alias(alias), b"alias")).await;
    assert_eq!(far.event().await, message_via(near.pid, alias, b"alias"));
    nothing_came(&mut near, &mut far).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_timer_to_another_node_can_be_cancelled_and_connects_when_it_is_due() {
    let pair = Pair::start().await;
    let (mut near, mut far) = pair.puppets().await;
    let to = Destination::Pid(far.pid);
    let timer = near
        .reference(Operation::SendAfter { after_ms: 60_000, to: to.clone(), body: vec![] })
        .await;
    let left = near.order(Operation::CancelTimer(timer)).await;
    assert!(matches!(left, odeon_tests::protocol::Value::Number(Some(_))), "{left:?}");
    assert!(pair.near.world.node.disconnect(&pair.far.name).await);
    pair.far.until_connected(&pair.near.name, false).await;
    near.reference(later(to, b"connects")).await;
    assert_eq!(far.event().await, message(near.pid, b"connects"));
    nothing_came(&mut near, &mut far).await;
}
