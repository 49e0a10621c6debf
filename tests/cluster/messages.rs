//! Messages and the connection that carries them (rows D).

use std::collections::HashMap;
use std::time::{Duration, Instant};

use odeon_core::node::{AutoConnect, Nodes};
use odeon_tests::cluster::{Pair, until};
use odeon_tests::protocol::{
    Destination, Event, Failure, Module, Operation, Reason, SendError, SendOptions, Value,
};

use crate::common::{nothing_came, send_at, settle};
use crate::support::{down, exit, function, large, link, message, monitor, receive, send};

fn connect(node: &str) -> Operation {
    Operation::Connect(node.into())
}

fn repeat(times: u64, operation: Operation) -> Operation {
    Operation::Repeat(times, Box::new(operation))
}

#[tokio::test(flavor = "multi_thread")]
async fn d01_pings_to_a_missing_node_fail_and_to_live_ones_succeed() {
    let pair = Pair::start().await;
    let mut near = pair.near.world.puppet().await;
    assert!(!near.yes(repeat(1024, connect("missing@localhost"))).await);
    assert!(near.yes(repeat(1024, connect(&pair.far.name))).await);
    assert!(near.yes(repeat(1024, connect(&pair.near.name))).await);
    assert!(!pair.near.knows("missing@localhost"));
    near.hears_nothing().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn d02_streams_of_small_and_large_messages_arrive() {
    let pair = Pair::start().await;
    let (mut near, mut far) = pair.puppets().await;
    for (messages, bytes) in [(100_000, 64), (2_000, 20_000), (40, 2 << 20)] {
        let begun = Instant::now();
        let reading = far.begin(repeat(messages, receive()));
        near.done(Operation::Flood { to: far.pid, messages, bytes }).await;
        let last = far.finish(reading).await;
        let Value::Event(Some(Event::Message { body, .. })) = last else { panic!("too few") };
        assert_eq!(body.len() as u64, bytes);
        nothing_came(&mut near, &mut far).await;
        println!("{messages} messages of {bytes} bytes: {:?}", begun.elapsed());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn d04_sends_to_a_missing_name_of_another_node_are_dropped() {
    let pair = Pair::start().await;
    let (mut near, mut far) = pair.puppets().await;
    near.done(repeat(4096, send_at(&pair.far.name, "missing", b"x"))).await;
    near.done(repeat(100, send_at("missing@localhost", "missing", b"x"))).await;
    settle(&mut near, &mut far).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn d07_what_is_sent_while_nodes_connect_arrives_in_order_behind_the_handshake() {
    let pair = Pair::start_with(|setting| setting.forwarded = true).await;
    let (mut near, mut far) = pair.puppets().await;
    far.done(Operation::Register("far".into(), far.pid)).await;
    near.order(Operation::TrapExit(true)).await;
    for round in 0..10 {
        assert!(pair.near.world.node.disconnect(&pair.far.name).await);
        pair.far.until_connected(&pair.near.name, false).await;
        pair.far.forwarder().pause();
        let mut signals = Vec::new();
        for number in 0..50 {
            let body = large(if number % 10 == 0 { 100_000 } else { 10 }, number);
            signals.push(match number % 2 {
                0 => send(far.pid, &body),
                _ => send_at(&pair.far.name, "far", &body),
            });
        }
        signals.push(link(far.pid));
        near.order(Operation::Batch(signals)).await;
        let watched = near.reference(monitor(far.pid)).await;
        pair.far.forwarder().resume();
        for number in 0..50 {
            let body = large(if number % 10 == 0 { 100_000 } else { 10 }, number);
            let is_right = far.event().await == message(near.pid, &body);
            assert!(is_right, "round {round}: message {number} is another");
        }
        settle(&mut near, &mut far).await;
        let info = far.itself().await;
        assert_eq!((info.links, info.monitored_by), (vec![near.pid], vec![near.pid]));
        assert!(near.yes(Operation::Demonitor { monitor: watched, flush: true }).await);
        near.done(Operation::Unlink(far.pid)).await;
        settle(&mut near, &mut far).await;
    }
}

/// A sender waits for a connection as it waits for a busy one: nothing is lost in the
/// middle of what arrives.
#[tokio::test(flavor = "multi_thread")]
async fn d07_more_than_may_wait_for_a_connection_suspends_the_sender_and_is_not_lost() {
    const MESSAGES: u64 = 150_000;
    let pair = Pair::start_with(|setting| setting.forwarded = true).await;
    let (mut near, mut far) = pair.puppets().await;
    assert!(pair.near.world.node.disconnect(&pair.far.name).await);
    pair.far.until_connected(&pair.near.name, false).await;
    pair.far.forwarder().pause();
    let given = near.begin(Operation::Flood { to: far.pid, messages: MESSAGES, bytes: 8 });
    let quiet = Duration::from_millis(300);
    let early = tokio::time::timeout(quiet, near.finish(given)).await;
    assert!(early.is_err(), "it did not wait");
    pair.far.forwarder().resume();
    near.finish(given).await;
    near.done(send(far.pid, b"last")).await;
    let last = far.order(repeat(MESSAGES + 1, receive())).await;
    assert_eq!(last, Value::Event(Some(message(near.pid, b"last"))));
    nothing_came(&mut near, &mut far).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn d11_a_node_that_never_connects_by_itself_connects_when_it_is_told() {
    let pair = Pair::start_with(|setting| setting.cluster.auto_connect = AutoConnect::Never).await;
    let (mut near, mut far) = (pair.near.world.puppet().await, pair.far.world.puppet().await);
    far.done(Operation::Register("far".into(), far.pid)).await;
    near.done(send_at(&pair.far.name, "far", b"nobody")).await;
    let reference = near.reference(monitor(far.pid)).await;
    assert_eq!(near.event().await, down(reference, far.pid, Reason::Noconnection));
    assert!(!pair.near.knows(&pair.far.name) && !pair.far.knows(&pair.near.name));
    assert!(near.yes(connect(&pair.far.name)).await);
    pair.far.until_connected(&pair.near.name, true).await;
    near.done(send_at(&pair.far.name, "far", b"there")).await;
    assert_eq!(far.event().await, message(near.pid, b"there"));
}

#[tokio::test(flavor = "multi_thread")]
async fn d12_a_node_that_connects_once_is_barred_after_a_loss_until_it_is_told() {
    let mut pair =
        Pair::start_with(|setting| setting.cluster.auto_connect = AutoConnect::Once).await;
    let mut near = pair.near.world.puppet().await;
    let far_name = pair.far.name.clone();
    let named = |spawn: &mut odeon::Spawn| spawn.name = Some("far".into());
    let mut far = pair.far.world.puppet_with(named).await;
    near.done(send_at(&far_name, "far", b"connects")).await;
    assert_eq!(far.event().await, message(near.pid, b"connects"));
    pair.restart_far(|setting| setting.cluster.auto_connect = AutoConnect::Once).await;
    pair.near.until_connected(&far_name, false).await;
    let mut far = pair.far.world.puppet_with(named).await;
    // Barred, and told so at once.
    let begun = Instant::now();
    let reference = near
        .reference(Operation::Monitor(
            crate::common::at(&far_name, "far"),
            odeon_tests::protocol::MonitorOptions::default(),
        ))
        .await;
    let Event::Down { monitor, reason, .. } = near.event().await else { unreachable!() };
    assert_eq!((monitor, reason), (reference, Reason::Noconnection));
    assert!(begun.elapsed() < Duration::from_secs(1), "{:?}", begun.elapsed());
    near.done(repeat(100, send_at(&far_name, "far", b"barred"))).await;
    assert!(!pair.near.knows(&far_name));
    // An explicit connect lifts the bar, and a disconnect bars again.
    assert!(near.yes(connect(&far_name)).await);
    near.done(send_at(&far_name, "far", b"explicit")).await;
    assert_eq!(far.event().await, message(near.pid, b"explicit"));
    assert!(near.yes(Operation::Disconnect(far_name.clone())).await);
    near.done(send_at(&far_name, "far", b"barred")).await;
    assert!(!pair.near.knows(&far_name));
    pair.far.until_connected(&pair.near.name, false).await;
    // So does a connection that the other side makes.
    pair.far.connect(&pair.near.name).await;
    pair.near.until_connected(&far_name, true).await;
    near.done(send_at(&far_name, "far", b"incoming")).await;
    assert_eq!(far.event().await, message(near.pid, b"incoming"));
}

#[tokio::test(flavor = "multi_thread")]
async fn d13_many_senders_to_one_receiver_keep_each_one_s_order_and_count() {
    const SENDERS: usize = 32;
    const MESSAGES: usize = 200;
    let pair = Pair::start().await;
    let (mut spare, mut far) = pair.puppets().await;
    let mut senders = Vec::new();
    for _ in 0..SENDERS {
        senders.push(pair.near.world.puppet().await);
    }
    let mut given = Vec::new();
    for sender in &mut senders {
        let body = |number: usize| {
            let size = if number % 50 == 7 { 30_000 } else { number % 100 };
            [&number.to_le_bytes()[..], &vec![1; size]].concat()
        };
        let sends = (0..MESSAGES).map(|number| send(far.pid, &body(number))).collect();
        given.push(sender.begin(Operation::Batch(sends)));
    }
    let mut next: HashMap<_, usize> = HashMap::new();
    for _ in 0..SENDERS * MESSAGES / 100 {
        let Value::Batch(values) = far.order(Operation::Batch(vec![receive(); 100])).await else {
            unreachable!()
        };
        for value in values {
            let Value::Event(Some(Event::Message { sender, body, .. })) = value else {
                panic!("{value:?}")
            };
            let next = next.entry(sender).or_default();
            assert_eq!(body[..8], next.to_le_bytes(), "out of order");
            *next += 1;
        }
    }
    assert_eq!(next.len(), SENDERS);
    for (sender, given) in senders.iter_mut().zip(given) {
        sender.finish(given).await;
    }
    nothing_came(&mut spare, &mut far).await;
}

/// How long small messages take to another node and back while something large goes on.
async fn small_beside(pair: &Pair, bulk: Operation, times: u64) -> Vec<Duration> {
    let mut near = pair.near.world.puppet().await;
    let mut far_parent = pair.far.world.puppet().await;
    let spawn = Operation::Spawn(Module::This, function("echo"));
    let (echo, _) = far_parent.spawned(spawn).await;
    let mut sender = pair.near.world.puppet().await;
    let given = sender.begin(repeat(times, bulk));
    let mut took = Vec::new();
    for _ in 0..40 {
        let begun = Instant::now();
        near.done(send(echo, b"small")).await;
        assert_eq!(near.event().await, message(echo, b"small"));
        took.push(begun.elapsed());
    }
    sender.finish(given).await;
    took.sort();
    println!("round trips beside it: {:?} .. {:?}", took[took.len() / 2], took[took.len() - 1]);
    took
}

#[tokio::test(flavor = "multi_thread")]
async fn d18_small_messages_are_fast_beside_large_ones() {
    let pair = Pair::start().await;
    let (_near, mut far) = pair.puppets().await;
    let (sink, _) = far.spawned(Operation::Spawn(Module::This, function("waiter"))).await;
    let took = small_beside(&pair, send(sink, &vec![7; 4 << 20]), 20).await;
    assert!(took[took.len() / 2] < Duration::from_millis(250), "{took:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn d19_small_messages_are_fast_beside_large_exit_reasons() {
    let pair = Pair::start().await;
    let (_near, far) = pair.puppets().await;
    far.kill().await;
    let reason = Reason::Custom(vec![7; 4 << 20]);
    let took = small_beside(&pair, Operation::Exit(far.pid, reason), 20).await;
    assert!(took[took.len() / 2] < Duration::from_millis(250), "{took:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn d22_nodes_that_connect_and_disconnect_all_the_time_bear_it() {
    let pair = Pair::start().await;
    let (mut near, mut far) = pair.puppets().await;
    for round in 0..100 {
        // Both at once, from either side, with signals under way.
        let (one, other) =
            if round % 2 == 0 { (&pair.near, &pair.far) } else { (&pair.far, &pair.near) };
        near.done(send(far.pid, b"x")).await;
        far.done(send(near.pid, b"x")).await;
        let (first, second) = tokio::join!(
            one.world.node.disconnect(&other.name),
            other.world.node.disconnect(&one.name)
        );
        assert!(first || second || !one.knows(&other.name));
        let (first, second) = tokio::join!(
            odeon_tests::in_time("a connect", one.world.node.connect(&other.name)),
            odeon_tests::in_time("a connect", other.world.node.connect(&one.name)),
        );
        first.unwrap_or_else(|error| panic!("round {round}: {error}"));
        second.unwrap_or_else(|error| panic!("round {round}: {error}"));
    }
    until("both agree", || pair.near.knows(&pair.far.name) && pair.far.knows(&pair.near.name))
        .await;
    drain(&mut near).await;
    drain(&mut far).await;
    settle(&mut near, &mut far).await;
}

async fn drain(puppet: &mut odeon_tests::Puppet) {
    puppet.order(Operation::ReceiveAll { quiet_ms: 100 }).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn d22_pids_of_many_dead_incarnations_do_no_harm() {
    let mut pair = Pair::start().await;
    let mut near = pair.near.world.puppet().await;
    near.order(Operation::TrapExit(true)).await;
    let mut dead = Vec::new();
    for _ in 0..8 {
        pair.until_connected_again().await;
        let mut far = pair.far.world.puppet().await;
        near.done(link(far.pid)).await;
        settle(&mut near, &mut far).await;
        dead.push(far.pid);
        pair.restart_far(|_| {}).await;
        assert_eq!(near.event().await, exit(far.pid, Reason::Noconnection));
        pair.until_connected_again().await;
        for pid in &dead {
            near.done(send(*pid, b"nobody")).await;
            near.done(link(*pid)).await;
            assert_eq!(near.event().await, exit(*pid, Reason::Noproc));
            let reference = near.reference(monitor(*pid)).await;
            assert_eq!(near.event().await, down(reference, *pid, Reason::Noproc));
        }
    }
    near.hears_nothing().await;
    let info = near.itself().await;
    assert_eq!((info.links, info.monitors), (vec![], vec![]));
}

#[tokio::test(flavor = "multi_thread")]
async fn d26_a_send_that_must_not_connect_says_so() {
    let pair = Pair::start().await;
    let (mut near, mut far) = pair.puppets().await;
    far.done(Operation::Register("far".into(), far.pid)).await;
    let alias = far.reference(Operation::Alias { reply: false, priority: false }).await;
    let destinations = [
        Destination::Pid(far.pid),
        crate::common::at(&pair.far.name, "far"),
        Destination::Alias(alias),
    ];
    let options = SendOptions { no_connect: true, ..SendOptions::default() };
    let sends: Vec<_> =
        destinations.into_iter().map(|to| Operation::SendTo(to, b"x".to_vec(), options)).collect();
    for send in &sends {
        near.done(send.clone()).await;
        far.event().await;
    }
    assert!(pair.near.world.node.disconnect(&pair.far.name).await);
    pair.far.until_connected(&pair.near.name, false).await;
    for send in &sends {
        let refused = near.order(send.clone()).await;
        assert_eq!(refused, Value::Failed(Failure::Send(SendError::Noconnect)));
    }
    assert!(!pair.near.knows(&pair.far.name));
    settle(&mut near, &mut far).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn d27_a_node_that_leaves_its_cluster_is_alone_and_alive() {
    let mut pair = Pair::start().await;
    let (mut near, mut far) = pair.puppets().await;
    near.order(Operation::TrapExit(true)).await;
    near.done(link(far.pid)).await;
    settle(&mut near, &mut far).await;
    let ended = far.watch();
    pair.near.leave().await;
    assert_eq!(near.event().await, exit(far.pid, Reason::Noconnection));
    assert_eq!(ended.reason().await, Reason::Noconnection);
    assert!(!near.yes(connect(&pair.far.name)).await);
    assert!(pair.near.nodes(Nodes::Connected).is_empty());
    near.done(send(far.pid, b"nobody")).await;
    let reference = near.reference(monitor(far.pid)).await;
    let Event::Down { monitor, reason, .. } = near.event().await else { unreachable!() };
    assert_eq!((monitor, reason), (reference, Reason::Noconnection));
    assert!(near.is_alive().await);
    pair.far.until_connected(&pair.near.name, false).await;
    let refused = odeon_tests::in_time("an answer", pair.far.world.node.connect(&pair.near.name));
    refused.await.expect_err("it takes no connections");
}

#[tokio::test(flavor = "multi_thread")]
async fn d29_each_incarnation_has_an_id_of_its_own() {
    let mut pair = Pair::start().await;
    let mut seen = vec![pair.near.world.node.id()];
    for _ in 0..5 {
        let id = pair.far.world.node.id();
        assert!(!seen.contains(&id));
        seen.push(id);
        pair.until_connected_again().await;
        pair.restart_far(|_| {}).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn d31_names_of_nodes_that_were_never_there_are_forgotten() {
    let pair = Pair::start().await;
    let (mut near, mut far) = pair.puppets().await;
    let before = pair.near.nodes(Nodes::Known).len();
    for hundred in 0..10 {
        let sends = (0..100)
            .map(|at| send_at(&format!("foreign-{hundred}-{at}@localhost"), "x", b""))
            .collect();
        near.order(Operation::Batch(sends)).await;
    }
    until("the names are forgotten", || pair.near.nodes(Nodes::Known).len() <= before).await;
    settle(&mut near, &mut far).await;
    assert_eq!(near.order(Operation::NodeNameOf(far.pid)).await, {
        Value::Names(vec![pair.far.name.clone()])
    });
}
