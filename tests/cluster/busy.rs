//! Connections that are behind: senders wait, signals of the runtime do not get lost
//! (the `busy` rows of L, M, S, and D26).

use std::time::Instant;

use odeon_tests::cluster::{Node, Pair};
use odeon_tests::protocol::{
    Destination, Event, Failure, Module, MonitorOptions, Operation, Pid, Reason, ReplyWhen,
    SendError, SendOptions, SpawnOptions, Value,
};
use odeon_tests::{Puppet, World, in_time};

use crate::common::{nothing_came, settle};
use crate::support::{
    demonitor, down, error, exit, function, large, link, message, monitor, receive, send,
    spawn_with,
};

/// More than a connection takes while nobody reads at its other end.
const MESSAGES: u64 = 48;
const BYTES: u64 = 256 << 10;

/// Stops the network between the nodes and sends into it until senders have to wait.
/// Gives the sender, which waits in its order.
async fn clog(pair: &Pair, from: &World<Node>, sink: Pid) -> Puppet {
    clog_with(pair, from, sink, sink).await
}

/// As [`clog`], with messages to this one; probes go to another.
async fn clog_with(pair: &Pair, from: &World<Node>, to: Pid, sink: Pid) -> Puppet {
    pair.far.forwarder().pause();
    let mut flooder = from.puppet().await;
    flooder.tell(Operation::Flood { to, messages: MESSAGES, bytes: BYTES });
    let mut probe = from.puppet().await;
    let options = SendOptions { no_suspend: true, ..SendOptions::default() };
    let ask = Operation::SendTo(Destination::Pid(sink), b"probe".to_vec(), options);
    in_time("a busy connection", async {
        while probe.order(ask.clone()).await != Value::Failed(Failure::Send(SendError::Nosuspend)) {
        }
    })
    .await;
    flooder
}

/// An actor that takes whatever comes.
async fn sink(world: &World<Node>) -> Pid {
    let mut parent = world.puppet().await;
    parent.spawned(Operation::Spawn(Module::This, function("waiter"))).await.0
}

#[tokio::test(flavor = "multi_thread")]
async fn d26_a_sender_waits_while_the_connection_is_behind_and_then_goes_on() {
    let pair = Pair::forwarded().await;
    let mut far = pair.far.world.puppet().await;
    let sink = sink(&pair.far.world).await;
    for _ in 0..3 {
        let mut flooder = clog_with(&pair, &pair.near.world, far.pid, sink).await;
        let given = flooder.begin(Operation::Me);
        let quiet = std::time::Duration::from_millis(odeon_tests::QUIET_MS);
        let early = tokio::time::timeout(quiet, flooder.finish(given)).await;
        assert!(early.is_err(), "it did not wait");
        pair.far.forwarder().resume();
        // The sender goes on, and all of it arrives.
        let reading = far.begin(Operation::Repeat(MESSAGES, Box::new(receive())));
        flooder.finish(given).await;
        far.finish(reading).await;
        nothing_came(&mut flooder, &mut far).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn d26_a_sender_that_waits_can_be_killed_and_hears_exit_signals() {
    let pair = Pair::forwarded().await;
    let sink = sink(&pair.far.world).await;
    let flooder = clog(&pair, &pair.near.world, sink).await;
    in_time("the end of a waiting sender", flooder.kill()).await;
    let flooder = clog(&pair, &pair.near.world, sink).await;
    let mut killer = pair.near.world.puppet().await;
    let ended = flooder.watch();
    killer.done(Operation::Exit(flooder.pid, error("enough"))).await;
    assert_eq!(ended.reason().await, error("enough"));
    pair.far.forwarder().resume();
    let mut far = pair.far.world.puppet().await;
    settle(&mut killer, &mut far).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn d26_a_sender_that_waits_goes_on_when_the_connection_is_lost() {
    let pair = Pair::forwarded().await;
    let sink = sink(&pair.far.world).await;
    let mut flooder = clog(&pair, &pair.near.world, sink).await;
    assert!(pair.near.world.node.disconnect(&pair.far.name).await);
    // What is left of the flood connects again, through the network that stands: it
    // waits there, and none of it is lost by itself.
    pair.far.forwarder().resume();
    let given = flooder.begin(Operation::Me);
    flooder.finish(given).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn l21_a_link_over_a_busy_connection_is_up_when_it_has_drained() {
    let pair = Pair::forwarded().await;
    let sink = sink(&pair.far.world).await;
    let [mut linker, mut target] = [pair.near.world.puppet().await, pair.far.world.puppet().await];
    let _flooder = clog(&pair, &pair.near.world, sink).await;
    let linking = linker.begin(link(target.pid));
    pair.far.forwarder().resume();
    assert_eq!(linker.finish(linking).await, Value::Done);
    settle(&mut linker, &mut target).await;
    assert_eq!(target.itself().await.links, [linker.pid]);
    let ended = linker.watch();
    target.kill().await;
    assert_eq!(ended.reason().await, Reason::Killed);
}

#[tokio::test(flavor = "multi_thread")]
async fn l22_an_exit_signal_over_a_busy_connection_arrives_with_its_reason() {
    let pair = Pair::forwarded().await;
    let sink = sink(&pair.far.world).await;
    let [mut sender, target] = [pair.near.world.puppet().await, pair.far.world.puppet().await];
    let ended = target.watch();
    let _flooder = clog(&pair, &pair.near.world, sink).await;
    let reason = Reason::Custom(large(300_000, 1));
    let given = sender.begin(Operation::Exit(target.pid, reason.clone()));
    pair.far.forwarder().resume();
    assert_eq!(sender.finish(given).await, Value::Done);
    assert!(ended.reason().await == reason, "another reason");
}

/// Whoever sends exit signals without end waits like whoever sends messages, so that
/// what waits in the node has a bound.
#[tokio::test(flavor = "multi_thread")]
async fn l22_a_sender_of_exit_signals_waits_as_well() {
    let pair = Pair::forwarded().await;
    let sink = sink(&pair.far.world).await;
    let mut dead = pair.far.world.puppet().await;
    dead.kill().await;
    let to = dead.pid;
    let _flooder = clog(&pair, &pair.near.world, sink).await;
    let mut sender = pair.near.world.puppet().await;
    let signal = Operation::Exit(to, Reason::Custom(vec![0; 1 << 20]));
    let given = sender.begin(Operation::Repeat(64, Box::new(signal)));
    let quiet = std::time::Duration::from_millis(10 * odeon_tests::QUIET_MS);
    let early = tokio::time::timeout(quiet, sender.finish(given)).await;
    assert!(early.is_err(), "64 MiB of exit signals went into a connection that stands");
    pair.far.forwarder().resume();
    sender.finish(given).await;
    dead = pair.far.world.puppet().await;
    settle(&mut sender, &mut dead).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn l24_exit_and_m27_down_of_a_death_behind_a_busy_connection_arrive_when_it_drains() {
    let pair = Pair::forwarded().await;
    let sink = sink(&pair.near.world).await;
    let [mut linker, mut watcher] = pair.near.world.puppets().await;
    let mut target = pair.far.world.puppet().await;
    linker.order(Operation::TrapExit(true)).await;
    linker.done(link(target.pid)).await;
    let reference = watcher.reference(monitor(target.pid)).await;
    settle(&mut linker, &mut target).await;
    settle(&mut watcher, &mut target).await;
    let _flooder = clog(&pair, &pair.far.world, sink).await;
    target.kill().await;
    linker.hears_nothing().await;
    watcher.hears_nothing().await;
    let resumed = Instant::now();
    pair.far.forwarder().resume();
    assert_eq!(linker.event().await, exit(target.pid, Reason::Killed));
    assert_eq!(watcher.event().await, down(reference, target.pid, Reason::Killed));
    assert!(resumed.elapsed().as_secs() < 2, "{:?}", resumed.elapsed());
    linker.hears_nothing().await;
    watcher.hears_nothing().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn l26_link_unlink_and_exit_over_a_busy_connection_take_effect_in_order() {
    let pair = Pair::forwarded().await;
    let sink = sink(&pair.far.world).await;
    let [mut one, mut other] = [pair.near.world.puppet().await, pair.far.world.puppet().await];
    other.order(Operation::TrapExit(true)).await;
    let _flooder = clog(&pair, &pair.near.world, sink).await;
    let given = one.begin(Operation::Batch(vec![
        link(other.pid),
        send(other.pid, b"linked"),
        Operation::Unlink(other.pid),
        send(other.pid, b"unlinked"),
        Operation::Exit(other.pid, error("explicit")),
        link(other.pid),
        send(other.pid, b"linked again"),
    ]));
    other.hears_nothing().await;
    pair.far.forwarder().resume();
    one.finish(given).await;
    assert_eq!(other.event().await, message(one.pid, b"linked"));
    assert_eq!(other.event().await, message(one.pid, b"unlinked"));
    assert_eq!(other.event().await, exit(one.pid, error("explicit")));
    assert_eq!(other.event().await, message(one.pid, b"linked again"));
    settle(&mut one, &mut other).await;
    assert_eq!(other.itself().await.links, [one.pid]);
    one.kill().await;
    assert_eq!(other.event().await, exit(one.pid, Reason::Killed));
}

#[tokio::test(flavor = "multi_thread")]
async fn m26_a_watcher_that_dies_behind_a_busy_connection_is_forgotten_when_it_drains() {
    let pair = Pair::forwarded().await;
    let sink = sink(&pair.far.world).await;
    let [mut watcher, mut ender] = pair.near.world.puppets().await;
    let mut target = pair.far.world.puppet().await;
    watcher.reference(monitor(target.pid)).await;
    let ended = ender.reference(monitor(target.pid)).await;
    settle(&mut watcher, &mut target).await;
    settle(&mut ender, &mut target).await;
    assert_eq!(target.itself().await.monitored_by.len(), 2);
    let _flooder = clog(&pair, &pair.near.world, sink).await;
    watcher.kill().await;
    let ending = ender.begin(demonitor(ended));
    assert_eq!(target.itself().await.monitored_by.len(), 2, "nothing has come through");
    pair.far.forwarder().resume();
    assert_eq!(ender.finish(ending).await, Value::Bool(true));
    in_time("an empty list", async { while !target.itself().await.monitored_by.is_empty() {} })
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn s11_the_reply_to_a_spawn_comes_through_a_busy_connection() {
    let pair = Pair::forwarded().await;
    // Busy on its way back.
    let sink = sink(&pair.near.world).await;
    let mut parent = pair.near.world.puppet().await;
    let _flooder = clog(&pair, &pair.far.world, sink).await;
    let options = SpawnOptions {
        node: Some(pair.far.name.clone()),
        monitor: Some(MonitorOptions::default()),
        ..SpawnOptions::default()
    };
    let asked = Operation::SpawnRequest(
        Module::This,
        function("nothing"),
        options.clone(),
        ReplyWhen::Always,
    );
    let request = parent.reference(asked).await;
    parent.hears_nothing().await;
    pair.far.forwarder().resume();
    let Event::SpawnReply { outcome: Ok(child), .. } = parent.event().await else {
        parent.fail("the reply comes first")
    };
    assert_eq!(parent.event().await, down(request, child, Reason::Normal));
    // And a spawn that waits for its answer, behind a connection that is busy there.
    let sink = self::sink(&pair.far.world).await;
    let _flooder = clog(&pair, &pair.near.world, sink).await;
    let given = parent.begin(spawn_with(function("nothing"), options));
    pair.far.forwarder().resume();
    let spawned = parent.finish(given).await;
    assert!(matches!(spawned, Value::Spawned { .. }), "{spawned:?}");
}

/// Many senders, a slow network, and one small sender beside them.
#[tokio::test(flavor = "multi_thread")]
async fn all_that_many_waiting_senders_sent_arrives_in_each_one_s_order() {
    let pair = Pair::forwarded().await;
    let mut far = pair.far.world.puppet().await;
    let mut senders = Vec::new();
    for _ in 0..12 {
        senders.push(pair.near.world.puppet().await);
    }
    pair.far.forwarder().pause();
    let mut given = Vec::new();
    for sender in &mut senders {
        let body = |number: u8| send(far.pid, &[&[number][..], &[0; 200_000]].concat());
        given.push(sender.begin(Operation::Batch((0..20).map(body).collect())));
    }
    pair.far.forwarder().resume();
    let mut next = std::collections::HashMap::new();
    for _ in 0..12 * 20 {
        let Event::Message { sender, body, .. } = far.event().await else { unreachable!() };
        let next = next.entry(sender).or_insert(0);
        assert_eq!(body[0], *next, "out of order");
        *next += 1;
    }
    for (sender, given) in senders.iter_mut().zip(given) {
        sender.finish(given).await;
    }
    let mut near = senders.pop().expect("there are some");
    nothing_came(&mut near, &mut far).await;
}
