//! Exit signals and links (rows L).

use odeon_tests::protocol::{Event, Failure, Operation, Pid, Reason, Value};
use odeon_tests::{Puppet, World};

use crate::support::{error, exit, large, link, message, receive, send};

/// A trapping puppet that is linked with another.
async fn trapper_of(world: &World, target: &Puppet) -> Puppet {
    let mut trapper = world.puppet().await;
    trapper.order(Operation::TrapExit(true)).await;
    trapper.done(link(target.pid)).await;
    trapper
}

#[tokio::test]
async fn l01_exit_normal_to_another_is_ignored() {
    let world = World::start().await;
    let [mut sender, mut target] = world.puppets().await;
    let mut trapper = trapper_of(&world, &target).await;
    sender.done(Operation::Exit(target.pid, Reason::Normal)).await;
    assert!(target.is_alive().await, "exit normal of another must not end it");
    trapper.hears_nothing().await;
    let ended = target.watch();
    sender.done(Operation::Exit(target.pid, Reason::Kill)).await;
    assert_eq!(ended.reason().await, Reason::Killed);
    assert_eq!(trapper.event().await, exit(target.pid, Reason::Killed));
    trapper.hears_nothing().await;
}

#[tokio::test]
async fn l02_exit_normal_to_oneself_ends_one_that_does_not_trap() {
    let world = World::start().await;
    let mut target = world.puppet().await;
    let mut trapper = trapper_of(&world, &target).await;
    let ended = target.watch();
    target.tell(Operation::Exit(target.pid, Reason::Normal));
    assert_eq!(ended.reason().await, Reason::Normal);
    assert_eq!(trapper.event().await, exit(target.pid, Reason::Normal));
    trapper.hears_nothing().await;
}

/// There is no catch in the contract; what could catch is the code behind the call.
#[tokio::test]
async fn l04_nothing_runs_behind_an_exit_signal_to_oneself() {
    let world = World::start().await;
    let [mut target, mut observer] = world.puppets().await;
    let mut trapper = trapper_of(&world, &target).await;
    target.tell(Operation::Batch(vec![
        Operation::Exit(target.pid, error("die")),
        send(observer.pid, b"caught"),
        Operation::Return(Ok(())),
    ]));
    assert_eq!(trapper.event().await, exit(target.pid, error("die")));
    trapper.hears_nothing().await;
    observer.hears_nothing().await;
}

#[tokio::test]
async fn l06_a_very_large_reason_of_an_end_arrives_intact() {
    let world = World::start().await;
    let mut trapper = world.puppet().await;
    trapper.order(Operation::TrapExit(true)).await;
    for round in 0..10 {
        let mut target = world.puppet().await;
        trapper.done(link(target.pid)).await;
        let reason = Reason::Custom(large(1 << 20, round));
        target.tell(Operation::Stop(reason.clone()));
        // No assert_eq: nobody reads a megabyte.
        assert!(trapper.event().await == exit(target.pid, reason), "round {round}");
    }
    trapper.hears_nothing().await;
}

#[tokio::test]
async fn l07_a_very_large_reason_of_an_exit_signal_arrives_intact() {
    let world = World::start().await;
    let [mut sender, target] = world.puppets().await;
    let mut trapper = trapper_of(&world, &target).await;
    let reason = Reason::Custom(large(4 << 20, 7));
    sender.done(Operation::Exit(target.pid, reason.clone())).await;
    assert!(trapper.event().await == exit(target.pid, reason), "another reason came");
    trapper.hears_nothing().await;
}

#[tokio::test]
async fn l09_only_the_first_of_two_exit_signals_counts() {
    let world = World::start().await;
    let mut sender = world.puppet().await;
    for _ in 0..50 {
        let target = world.puppet().await;
        let ended = target.watch();
        let mut trapper = trapper_of(&world, &target).await;
        let signals = ["first", "second"].map(|text| Operation::Exit(target.pid, error(text)));
        sender.order(Operation::Batch(signals.into())).await;
        assert_eq!(ended.reason().await, error("first"));
        assert_eq!(trapper.event().await, exit(target.pid, error("first")));
        assert_eq!(trapper.waiting_event().await, None);
    }
}

/// How the tail of a chain ends, and what the trapping end of it hears.
#[derive(Clone, Copy, Debug)]
enum End {
    KilledByTester,
    KilledByItself,
    RaisedKill,
}

#[tokio::test]
async fn l11_a_kill_is_killed_along_a_chain_and_a_raised_kill_stays_kill() {
    let world = World::start().await;
    let mut tester = world.puppet().await;
    tester.order(Operation::TrapExit(true)).await;
    for length in [1, 2, 9, 10] {
        for end in [End::KilledByTester, End::KilledByItself, End::RaisedKill] {
            let mut chain: Vec<Puppet> = Vec::new();
            for _ in 0..length {
                let mut next = world.puppet().await;
                if let Some(last) = chain.last() {
                    next.done(link(last.pid)).await;
                }
                chain.push(next);
            }
            let head = chain[0].pid;
            tester.done(link(head)).await;
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
    tester.hears_nothing().await;
}

#[tokio::test]
async fn l12_messages_and_exit_signals_of_one_sender_keep_their_order() {
    let world = World::start().await;
    let [mut sender, mut trapper] = world.puppets().await;
    trapper.order(Operation::TrapExit(true)).await;
    let reason = error("in order");
    let bodies: [&[u8]; 6] = [b"1", b"2", b"3", b"4", b"5", b"6"];
    let mut signals: Vec<_> = bodies.iter().map(|body| send(trapper.pid, body)).collect();
    signals.insert(3, Operation::Exit(trapper.pid, reason.clone()));
    let mut expected: Vec<_> = bodies.iter().map(|body| message(sender.pid, body)).collect();
    expected.insert(3, exit(sender.pid, reason));
    let expected = Value::Batch(expected.into_iter().map(|it| Value::Event(Some(it))).collect());
    for round in 0..1000 {
        // The reader runs meanwhile, so that signals reach it one by one and in heaps.
        let reading = trapper.begin(Operation::Batch(vec![receive(); 7]));
        sender.order(Operation::Batch(signals.clone())).await;
        assert_eq!(trapper.finish(reading).await, expected, "round {round}");
    }
}

/// The same for a reader that the exit signal ends: it sends back what it reads.
#[tokio::test]
async fn l12_nothing_behind_a_fatal_exit_signal_is_read() {
    let world = World::start().await;
    let mut sender = world.puppet().await;
    let reason = error("in order");
    let start = crate::support::function("echo");
    let options = odeon_tests::protocol::SpawnOptions {
        monitor: Some(Default::default()),
        ..Default::default()
    };
    for round in 0..1000 {
        let (reader, monitor) =
            sender.spawned(crate::support::spawn_with(start.clone(), options.clone())).await;
        let bodies: [&[u8]; 6] = [b"1", b"2", b"3", b"no", b"no", b"no"];
        let mut signals: Vec<_> = bodies.iter().map(|body| send(reader, body)).collect();
        signals.insert(3, Operation::Exit(reader, reason.clone()));
        sender.order(Operation::Batch(signals)).await;
        let mut read = 0;
        loop {
            match sender.event().await {
                Event::Message { body, .. } => {
                    read += 1;
                    let expected = read.to_string();
                    assert_eq!(body, expected.as_bytes(), "round {round}: read out of order");
                    assert!(read <= 3, "round {round}: read what was sent behind the signal");
                }
                event => {
                    let monitor = monitor.expect("it was asked for");
                    let down = crate::support::down(monitor, reader, reason.clone());
                    assert_eq!(event, down, "round {round}");
                    break;
                }
            }
        }
        assert_eq!(sender.waiting_event().await, None, "round {round}");
    }
}

#[tokio::test]
async fn l16_both_ends_agree_after_links_and_unlinks_that_cross() {
    let world = World::start().await;
    let [mut one, mut other] = world.puppets().await;
    for round in 0..500 {
        let linking = one.begin(link(other.pid));
        let both = vec![link(one.pid), Operation::Unlink(one.pid)];
        let unlinking = other.begin(Operation::Batch(both));
        one.finish(linking).await;
        other.finish(unlinking).await;
        // Each look is answered behind all signals before it, so after two of them
        // from each side the acknowledgements are through as well.
        let mut at_other = Vec::new();
        let mut at_one = Vec::new();
        for _ in 0..2 {
            at_other = one.look(other.pid).await.expect("it lives").links;
            at_one = other.look(one.pid).await.expect("it lives").links;
        }
        let agrees = at_other.contains(&one.pid) == at_one.contains(&other.pid);
        assert!(agrees, "round {round}: {at_one:?} and {at_other:?}");
        one.done(Operation::Unlink(other.pid)).await;
        other.done(Operation::Unlink(one.pid)).await;
    }
    other.kill().await;
    assert!(one.is_alive().await, "a link that was removed must not end it");
}

#[tokio::test]
async fn l19_a_link_with_the_dead_is_one_exit_event_for_one_that_traps() {
    let world = World::start().await;
    let [mut trapper, target] = world.puppets().await;
    target.kill().await;
    trapper.order(Operation::TrapExit(true)).await;
    trapper.done(link(target.pid)).await;
    assert_eq!(trapper.event().await, exit(target.pid, Reason::Noproc));
    assert_eq!(trapper.itself().await.links, []);
    trapper.hears_nothing().await;
}

#[tokio::test]
async fn l19_a_link_with_the_dead_is_an_error_for_one_that_does_not_trap() {
    let world = World::start().await;
    let [mut linker, target] = world.puppets().await;
    target.kill().await;
    assert_eq!(linker.order(link(target.pid)).await, Value::Failed(Failure::Link));
    assert_eq!(linker.itself().await.links, []);
    linker.hears_nothing().await;
}

/// A pid of a node that is not connected, or of an earlier run of any.
#[tokio::test]
async fn l19_a_link_with_an_actor_of_no_connected_node_breaks_with_noconnection() {
    let world = World::start().await;
    let [mut trapper, mut other] = world.puppets().await;
    let nowhere = Pid { node: trapper.pid.node ^ 1, serial: 1 };
    trapper.order(Operation::TrapExit(true)).await;
    trapper.done(link(nowhere)).await;
    assert_eq!(trapper.event().await, exit(nowhere, Reason::Noconnection));
    assert_eq!(trapper.itself().await.links, []);
    trapper.hears_nothing().await;
    let ended = other.watch();
    other.tell(link(nowhere));
    assert_eq!(ended.reason().await, Reason::Noconnection);
}
