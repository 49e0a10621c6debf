//! Exit signals and links between nodes (rows L).

use odeon_tests::Puppet;
use odeon_tests::cluster::{Pair, until};
use odeon_tests::protocol::{Event, MonitorOptions, Operation, Reason, SpawnOptions, Value};

use crate::common::{nothing_came, settle};
use crate::support::{
    down, error, exit, function, large, link, message, receive, send, spawn_with,
};

/// How the tail of a chain ends.
#[derive(Clone, Copy, Debug)]
enum End {
    KilledByTester,
    KilledByItself,
    RaisedKill,
}

#[tokio::test(flavor = "multi_thread")]
async fn l11_a_kill_keeps_its_meaning_along_a_chain_through_two_nodes() {
    let pair = Pair::start().await;
    let (mut tester, mut other) = pair.puppets().await;
    tester.order(Operation::TrapExit(true)).await;
    for length in [1, 2, 9, 10] {
        for end in [End::KilledByTester, End::KilledByItself, End::RaisedKill] {
            let mut chain: Vec<Puppet> = Vec::new();
            for at in 0..length {
                let world = if at % 2 == 0 { &pair.far.world } else { &pair.near.world };
                let mut next = world.puppet().await;
                if let Some(last) = chain.last_mut() {
                    next.done(link(last.pid)).await;
                    settle(&mut next, last).await;
                }
                chain.push(next);
            }
            let head = chain[0].pid;
            tester.done(link(head)).await;
            settle(&mut tester, &mut chain[0]).await;
            let ends: Vec<_> = chain.iter().map(Puppet::watch).collect();
            let tail = chain.last_mut().expect("no chain is empty");
            let expected = match end {
                End::KilledByTester => {
                    tester.done(Operation::Exit(tail.pid, Reason::Kill)).await;
                    Reason::Killed
                }
                End::KilledByItself => {
                    tail.tell(Operation::Exit(tail.pid, Reason::Kill));
                    Reason::Killed
                }
                End::RaisedKill => {
                    tail.tell(Operation::Stop(Reason::Kill));
                    Reason::Kill
                }
            };
            let event = tester.event().await;
            assert_eq!(event, exit(head, expected.clone()), "{end:?}, {length} actors");
            for end in ends {
                assert_eq!(end.reason().await, expected, "{length} actors");
            }
        }
    }
    nothing_came(&mut other, &mut tester).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn l12_messages_and_exit_signals_to_another_node_keep_their_order() {
    let pair = Pair::start().await;
    let (mut sender, mut trapper) = pair.puppets().await;
    trapper.order(Operation::TrapExit(true)).await;
    let reason = error("in order");
    let bodies: [&[u8]; 6] = [b"1", b"2", b"3", b"4", b"5", b"6"];
    let mut signals: Vec<_> = bodies.iter().map(|body| send(trapper.pid, body)).collect();
    signals.insert(3, Operation::Exit(trapper.pid, reason.clone()));
    let mut expected: Vec<_> = bodies.iter().map(|body| message(sender.pid, body)).collect();
    expected.insert(3, exit(sender.pid, reason));
    let expected = Value::Batch(expected.into_iter().map(|it| Value::Event(Some(it))).collect());
    for round in 0..500 {
        let reading = trapper.begin(Operation::Batch(vec![receive(); 7]));
        sender.order(Operation::Batch(signals.clone())).await;
        assert_eq!(trapper.finish(reading).await, expected, "round {round}");
    }
}

/// Long and short signals of one sender go on different ways through the connection.
#[tokio::test(flavor = "multi_thread")]
async fn l12_signals_of_all_sizes_of_one_sender_keep_their_order() {
    let pair = Pair::start().await;
    let (mut sender, mut trapper) = pair.puppets().await;
    trapper.order(Operation::TrapExit(true)).await;
    let sizes = [1, 20_000, 3, 300_000, 16_000, 5, 40_000, 40_000, 7];
    for round in 0..20 {
        let mut signals: Vec<_> =
            sizes.iter().map(|size| send(trapper.pid, &large(*size, *size))).collect();
        signals.insert(4, Operation::Exit(trapper.pid, Reason::Custom(large(100_000, round))));
        signals.insert(7, Operation::Exit(trapper.pid, error("short")));
        let mut expected: Vec<_> =
            sizes.iter().map(|size| message(sender.pid, &large(*size, *size))).collect();
        expected.insert(4, exit(sender.pid, Reason::Custom(large(100_000, round))));
        expected.insert(7, exit(sender.pid, error("short")));
        sender.order(Operation::Batch(signals)).await;
        for (at, expected) in expected.into_iter().enumerate() {
            assert!(trapper.event().await == expected, "round {round}: signal {at} is another");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn l12_nothing_behind_a_fatal_exit_signal_to_another_node_is_read() {
    let pair = Pair::start().await;
    let (mut sender, _far) = pair.puppets().await;
    let reason = error("in order");
    let options = SpawnOptions {
        node: Some(pair.far.name.clone()),
        monitor: Some(MonitorOptions::default()),
        ..SpawnOptions::default()
    };
    for round in 0..300 {
        let (reader, monitor) = sender.spawned(spawn_with(function("echo"), options.clone())).await;
        let bodies: [&[u8]; 6] = [b"1", b"2", b"3", b"no", b"no", b"no"];
        let mut signals: Vec<_> = bodies.iter().map(|body| send(reader, body)).collect();
        signals.insert(3, Operation::Exit(reader, reason.clone()));
        sender.order(Operation::Batch(signals)).await;
        let mut read = 0;
        loop {
            match sender.event().await {
                Event::Message { body, .. } => {
                    read += 1;
                    assert_eq!(body, read.to_string().as_bytes(), "round {round}: out of order");
                    assert!(read <= 3, "round {round}: read what was sent behind the signal");
                }
                event => {
                    let monitor = monitor.expect("it was asked for");
                    assert_eq!(event, down(monitor, reader, reason.clone()), "round {round}");
                    break;
                }
            }
        }
        assert_eq!(sender.waiting_event().await, None, "round {round}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn l14_links_break_with_noconnection_when_the_other_node_halts() {
    let mut pair = Pair::start().await;
    let (mut trapper, mut target) = pair.puppets().await;
    let [mut plain, mut unlinked] = pair.near.world.puppets().await;
    trapper.order(Operation::TrapExit(true)).await;
    for one in [&mut trapper, &mut plain, &mut unlinked] {
        one.done(link(target.pid)).await;
        settle(one, &mut target).await;
    }
    unlinked.done(Operation::Unlink(target.pid)).await;
    settle(&mut unlinked, &mut target).await;
    let mut linked = target.itself().await.links;
    linked.sort();
    let mut expected = vec![trapper.pid, plain.pid];
    expected.sort();
    assert_eq!(linked, expected);
    let ended = plain.watch();
    pair.far.halt();
    assert_eq!(ended.reason().await, Reason::Noconnection);
    assert_eq!(trapper.event().await, exit(target.pid, Reason::Noconnection));
    assert_eq!(trapper.itself().await.links, []);
    trapper.hears_nothing().await;
    assert!(unlinked.is_alive().await, "a link that was removed must not end it");
}

#[tokio::test(flavor = "multi_thread")]
async fn l14_both_ends_lose_their_links_when_a_connection_is_cut() {
    let pair = Pair::start().await;
    let (mut near, mut far) = pair.puppets().await;
    for one in [&mut near, &mut far] {
        one.order(Operation::TrapExit(true)).await;
    }
    for round in 0..20 {
        near.done(link(far.pid)).await;
        settle(&mut near, &mut far).await;
        assert!(pair.near.world.node.disconnect(&pair.far.name).await);
        assert_eq!(near.event().await, exit(far.pid, Reason::Noconnection), "round {round}");
        assert_eq!(far.event().await, exit(near.pid, Reason::Noconnection), "round {round}");
        assert_eq!(near.itself().await.links, []);
        assert_eq!(far.itself().await.links, []);
        pair.far.until_connected(&pair.near.name, false).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn l16_both_ends_agree_after_links_and_unlinks_that_cross_between_nodes() {
    let pair = Pair::start().await;
    let (mut one, mut other) = pair.puppets().await;
    for round in 0..200 {
        let linking = one.begin(link(other.pid));
        let unlinking =
            other.begin(Operation::Batch(vec![link(one.pid), Operation::Unlink(one.pid)]));
        one.finish(linking).await;
        other.finish(unlinking).await;
        settle(&mut one, &mut other).await;
        let at_one = one.itself().await.links;
        let at_other = other.itself().await.links;
        let agrees = at_other.contains(&one.pid) == at_one.contains(&other.pid);
        assert!(agrees, "round {round}: {at_one:?} and {at_other:?}");
        one.done(Operation::Unlink(other.pid)).await;
        other.done(Operation::Unlink(one.pid)).await;
    }
    settle(&mut one, &mut other).await;
    other.kill().await;
    assert!(one.is_alive().await, "a link that was removed must not end it");
}

#[tokio::test(flavor = "multi_thread")]
async fn l19_a_link_with_a_dead_actor_of_another_node_is_one_exit_event() {
    let pair = Pair::start().await;
    let (mut trapper, dead) = pair.puppets().await;
    let mut alive = pair.far.world.puppet().await;
    dead.kill().await;
    trapper.order(Operation::TrapExit(true)).await;
    trapper.done(link(dead.pid)).await;
    assert_eq!(trapper.event().await, exit(dead.pid, Reason::Noproc));
    assert_eq!(trapper.itself().await.links, []);
    nothing_came(&mut alive, &mut trapper).await;
    trapper.hears_nothing().await;
    // One that does not trap ends of it: there is no check at once between nodes.
    let mut plain = pair.near.world.puppet().await;
    let ended = plain.watch();
    plain.tell(link(dead.pid));
    assert_eq!(ended.reason().await, Reason::Noproc);
}

/// A pid of a former run of a node that is connected is a dead one.
#[tokio::test(flavor = "multi_thread")]
async fn l19_an_actor_of_a_former_incarnation_is_dead() {
    let mut pair = Pair::start().await;
    let (mut near, former) = pair.puppets().await;
    near.order(Operation::TrapExit(true)).await;
    pair.restart_far(|_| {}).await;
    pair.until_connected_again().await;
    near.done(link(former.pid)).await;
    assert_eq!(near.event().await, exit(former.pid, Reason::Noproc));
    near.done(send(former.pid, b"nobody")).await;
    near.done(Operation::Exit(former.pid, Reason::Kill)).await;
    let mut now = pair.far.world.puppet().await;
    nothing_came(&mut near, &mut now).await;
    near.hears_nothing().await;
}

/// A node that is known and not there any more.
#[tokio::test(flavor = "multi_thread")]
async fn l19_a_link_with_an_actor_of_a_node_that_is_gone_breaks_with_noconnection() {
    let mut pair = Pair::start().await;
    let (mut near, far) = pair.puppets().await;
    pair.far.halt();
    pair.near.until_connected(&pair.far.name, false).await;
    near.order(Operation::TrapExit(true)).await;
    for _ in 0..2 {
        near.done(link(far.pid)).await;
        assert_eq!(near.event().await, exit(far.pid, Reason::Noconnection));
        assert_eq!(near.itself().await.links, []);
    }
    near.hears_nothing().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_hundred_linked_actors_hear_of_the_loss_once_each() {
    let mut pair = Pair::start().await;
    let (mut parent, mut target) = pair.puppets().await;
    let mut linked: Vec<Puppet> = Vec::new();
    for _ in 0..200 {
        let mut one = pair.near.world.puppet().await;
        one.order(Operation::TrapExit(true)).await;
        one.done(link(target.pid)).await;
        linked.push(one);
    }
    for one in &mut linked {
        nothing_came(one, &mut target).await;
    }
    assert_eq!(target.itself().await.links.len(), 200);
    pair.far.halt();
    for one in &mut linked {
        assert_eq!(one.event().await, exit(target.pid, Reason::Noconnection));
        assert_eq!(one.waiting_event().await, None);
    }
    until("the connection is gone", || !pair.near.knows(&pair.far.name)).await;
    for one in &mut linked {
        assert_eq!(one.waiting_event().await, None);
    }
    parent.hears_nothing().await;
}
