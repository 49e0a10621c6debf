//! The least that two nodes can do for each other.

use odeon_tests::cluster::Pair;
use odeon_tests::protocol::{Event, Operation, Value};

#[tokio::test(flavor = "multi_thread")]
async fn an_actor_is_made_on_another_node_and_takes_orders() {
    let pair = Pair::start().await;
    let mut far = pair.far_puppet().await;
    assert_eq!(far.pid.node, pair.far.world.node.id().get());
    assert_eq!(far.order(Operation::Me).await, Value::Pid(Some(far.pid)));
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_go_both_ways() {
    let pair = Pair::start().await;
    let (mut near, mut far) = (pair.near_puppet().await, pair.far_puppet().await);
    near.done(Operation::Send(far.pid, b"there".to_vec())).await;
    let Event::Message { sender, body, .. } = far.event().await else { panic!("no message") };
    assert_eq!((sender, body.as_slice()), (near.pid, b"there".as_slice()));
    far.done(Operation::Send(near.pid, b"back".to_vec())).await;
    let Event::Message { sender, .. } = near.event().await else { panic!("no message") };
    assert_eq!(sender, far.pid);
}

#[tokio::test(flavor = "multi_thread")]
async fn each_node_is_a_process_of_its_own_and_halts_by_its_end() {
    let mut pair = Pair::start().await;
    let (mut near, _far) = pair.puppets().await;
    let ids = [std::process::id(), pair.near.process_id(), pair.far.process_id()];
    assert!(ids[0] != ids[1] && ids[1] != ids[2] && ids[2] != ids[0], "{ids:?}");
    let lives = |id: u32| std::fs::exists(format!("/proc/{id}")).expect("it can be looked up");
    assert!(ids.into_iter().all(lives));
    pair.far.halt();
    assert!(!lives(ids[2]));
    pair.near.until_connected(&pair.far.name, false).await;
    assert!(near.is_alive().await && lives(ids[1]));
}
