//! Rules that must hold however actors on several workers get in each other's way.

use std::collections::HashMap;

use odeon_tests::protocol::{Event, Operation, Reason, Value};
use odeon_tests::{Puppet, World};

use crate::support::{error, message, monitor, receive, send, send_via};

#[tokio::test]
async fn the_messages_of_each_of_many_senders_arrive_all_and_in_order() {
    const EACH: usize = 400;
    let world = World::start().await;
    let mut reader = world.puppet().await;
    let mut senders: [Puppet; 8] = world.puppets().await;
    let reading = reader.begin(Operation::Batch(vec![receive(); EACH * 8]));
    let mut given = Vec::new();
    for sender in &mut senders {
        let bodies = (0..EACH).map(|at| at.to_le_bytes());
        let sends = bodies.map(|body| send(reader.pid, &body)).collect();
        given.push(sender.begin(Operation::Batch(sends)));
    }
    for (sender, given) in senders.iter_mut().zip(given) {
        sender.finish(given).await;
    }
    let Value::Batch(events) = reader.finish(reading).await else { unreachable!() };
    let mut next = HashMap::new();
    for event in events {
        let Value::Event(Some(Event::Message { sender, body, .. })) = event else {
            panic!("{event:?} instead of a message: one was lost")
        };
        let expected = next.entry(sender).or_insert(0_usize);
        assert_eq!(body, expected.to_le_bytes(), "of {sender:?}");
        *expected += 1;
    }
    assert!(next.len() == 8 && next.values().all(|count| *count == EACH), "{next:?}");
    reader.hears_nothing().await;
}

#[tokio::test]
async fn one_message_passes_a_reply_alias_of_many_that_race_for_it() {
    let world = World::start().await;
    let mut owner = world.puppet().await;
    let mut senders: [Puppet; 6] = world.puppets().await;
    for round in 0..50 {
        let alias = owner.reference(Operation::Alias { reply: true, priority: false }).await;
        let racing: Vec<_> =
            senders.iter_mut().map(|sender| sender.begin(send_via(alias, b"me"))).collect();
        for (sender, given) in senders.iter_mut().zip(racing) {
            sender.finish(given).await;
        }
        let first = owner.event().await;
        let is_via = matches!(&first, Event::Message { via, .. } if *via == Some(alias));
        assert!(is_via, "round {round}: {first:?}");
        assert_eq!(owner.waiting_event().await, None, "round {round}: a second one passed");
    }
}

#[tokio::test]
async fn one_of_two_that_take_the_same_name_gets_it() {
    let world = World::start().await;
    let [mut one, mut other] = world.puppets().await;
    let name = || "wanted".to_owned();
    for round in 0..200 {
        let first = one.begin(Operation::Register(name(), one.pid));
        let second = other.begin(Operation::Register(name(), other.pid));
        let got = [one.finish(first).await, other.finish(second).await];
        let winners = got.iter().filter(|value| **value == Value::Done).count();
        assert_eq!(winners, 1, "round {round}: {got:?}");
        let owner = if got[0] == Value::Done { one.pid } else { other.pid };
        let found = one.order(Operation::Whereis(name())).await;
        assert_eq!(found, Value::Pid(Some(owner)), "round {round}");
        assert!(one.yes(Operation::Unregister(name())).await);
    }
}

#[tokio::test]
async fn no_name_stays_with_an_actor_that_ends_while_it_gets_it() {
    let world = World::start().await;
    let mut giver = world.puppet().await;
    let name = || "brief".to_owned();
    for round in 0..200 {
        let mut target = world.puppet().await;
        let ended = target.watch();
        target.tell(Operation::Stop(Reason::Normal));
        giver.order(Operation::Register(name(), target.pid)).await;
        ended.reason().await;
        let found = giver.order(Operation::Whereis(name())).await;
        assert_eq!(found, Value::Pid(None), "round {round}");
        giver.done(Operation::Register(name(), giver.pid)).await;
        assert!(giver.yes(Operation::Unregister(name())).await);
    }
}

/// Down comes behind what its sender sent before, for every kind of end.
#[tokio::test]
async fn the_last_message_of_an_actor_comes_before_its_down() {
    let world = World::start().await;
    let mut watcher = world.puppet().await;
    let ends: [fn() -> Operation; 4] = [
        || Operation::Stop(error("then")),
        || Operation::Return(Ok(())),
        || Operation::Panic("then".into()),
        || Operation::Trap(odeon_tests::protocol::Trap::Unreachable),
    ];
    for round in 0..100 {
        let mut target = world.puppet().await;
        watcher.reference(monitor(target.pid)).await;
        let last = send(watcher.pid, b"last");
        target.tell(Operation::Batch(vec![last, ends[round % ends.len()]()]));
        assert_eq!(watcher.event().await, message(target.pid, b"last"));
        assert!(matches!(watcher.event().await, Event::Down { .. }));
    }
    watcher.hears_nothing().await;
}

#[tokio::test]
async fn a_timer_was_cancelled_or_fires_and_never_both() {
    let world = World::start().await;
    let mut puppet = world.puppet().await;
    for round in 0..300_u64 {
        let timer = puppet.reference(Operation::StartTimer(1)).await;
        let work = Operation::Work(round * 2_000);
        let both = Operation::Batch(vec![work, Operation::CancelTimer(timer)]);
        let Value::Batch(values) = puppet.order(both).await else { unreachable!() };
        if values[1] == Value::Number(None) {
            assert_eq!(puppet.event().await, Event::Timeout(timer), "round {round}");
        }
        assert_eq!(puppet.waiting_event().await, None, "round {round}");
    }
    puppet.hears_nothing().await;
}

/// An unlink that crosses the end of the peer, and a new link with another.
#[tokio::test]
async fn a_link_that_is_made_again_after_an_unlink_counts() {
    let world = World::start().await;
    let mut trapper = world.puppet().await;
    trapper.order(Operation::TrapExit(true)).await;
    for round in 0..100 {
        let other = world.puppet().await;
        let again = Operation::Batch(vec![
            crate::support::link(other.pid),
            Operation::Unlink(other.pid),
            crate::support::link(other.pid),
        ]);
        trapper.order(again).await;
        other.kill().await;
        let expected = crate::support::exit(other.pid, Reason::Killed);
        assert_eq!(trapper.event().await, expected, "round {round}");
        assert_eq!(trapper.waiting_event().await, None, "round {round}");
    }
    assert_eq!(trapper.itself().await.links, []);
}

/// An actor takes what has arrived in heaps. What is behind the fatal signal, in the
/// same heap and in later ones, is owed an answer by the dead.
#[tokio::test]
async fn every_signal_behind_a_fatal_one_is_answered() {
    const MONITORS: usize = 100;
    let world = World::start_with(|config| config.workers = Some(1)).await;
    let mut sender = world.puppet().await;
    for round in 0..20 {
        let target = world.puppet().await;
        // With one thread the target sees nothing before all of it is there.
        let mut signals = vec![send(target.pid, b"before"); round];
        signals.push(Operation::Exit(target.pid, Reason::Kill));
        signals.extend(vec![monitor(target.pid); MONITORS]);
        sender.order(Operation::Batch(signals)).await;
        for _ in 0..MONITORS {
            let event = sender.event().await;
            let Event::Down { reason, .. } = &event else { panic!("{event:?}") };
            assert_eq!(*reason, Reason::Noproc, "round {round}");
        }
        assert_eq!(sender.waiting_event().await, None, "round {round}");
    }
    assert_eq!(sender.itself().await.monitors, []);
}
