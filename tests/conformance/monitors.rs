//! Monitors (rows M).

use odeon_tests::protocol::{
    AliasMode, Destination, Event, Failure, Module, MonitorOptions, Operation, Pid, Reason,
    Reference, ReplyWhen, SpawnOptions, Value,
};
use odeon_tests::{Puppet, World};

use crate::support::{
    demonitor, down, error, failing, function, large, monitor, receive, send_via, spawn_with,
    tagged,
};

/// A name on this node, as a monitor by name shows it.
fn here(world: &World, name: &str) -> Destination {
    Destination::NodeName { name: name.into(), node: world.node.name().into() }
}

#[tokio::test]
async fn m01_a_watcher_that_its_target_kills_is_forgotten() {
    let world = World::start().await;
    let [mut watcher, mut target] = world.puppets().await;
    watcher.reference(monitor(target.pid)).await;
    assert_eq!(target.itself().await.monitored_by, [watcher.pid]);
    let watcher_ended = watcher.watch();
    target.done(Operation::Exit(watcher.pid, Reason::Kill)).await;
    assert_eq!(watcher_ended.reason().await, Reason::Killed);
    assert_eq!(target.itself().await.monitored_by, []);
    let ended = target.watch();
    target.tell(Operation::Return(Ok(())));
    assert_eq!(ended.reason().await, Reason::Normal);
}

#[tokio::test]
async fn m02_nobody_can_end_the_monitor_of_another() {
    let world = World::start().await;
    let [mut watcher, mut target] = world.puppets().await;
    let reference = watcher.reference(monitor(target.pid)).await;
    assert!(!target.yes(demonitor(reference)).await, "it is not its monitor");
    assert_eq!(target.itself().await.monitored_by, [watcher.pid]);
    target.tell(Operation::Return(Ok(())));
    assert_eq!(watcher.event().await, down(reference, target.pid, Reason::Normal));
    watcher.hears_nothing().await;
}

/// What is no reference at all cannot be said in the contract.
#[tokio::test]
async fn m04_a_reference_of_another_node_is_an_error_and_an_unknown_one_is_none() {
    let world = World::start().await;
    let mut watcher = world.puppet().await;
    let own = watcher.reference(Operation::MakeReference).await;
    let foreign = Reference { node: own.node ^ 1, serial: own.serial };
    for flush in [false, true] {
        let refused = watcher.order(Operation::Demonitor { monitor: foreign, flush }).await;
        assert_eq!(refused, Value::Failed(Failure::Demonitor));
        assert!(!watcher.yes(Operation::Demonitor { monitor: own, flush }).await);
    }
}

#[tokio::test]
async fn m06_down_says_why_the_target_ended() {
    let world = World::start().await;
    let mut watcher = world.puppet().await;
    for reason in [Reason::Normal, error("frop"), Reason::Kill, Reason::Custom(vec![1])] {
        let mut target = world.puppet().await;
        let reference = watcher.reference(monitor(target.pid)).await;
        target.tell(Operation::Stop(reason.clone()));
        assert_eq!(watcher.event().await, down(reference, target.pid, reason));
        let late = watcher.reference(monitor(target.pid)).await;
        assert_eq!(watcher.event().await, down(late, target.pid, Reason::Noproc));
    }
    watcher.hears_nothing().await;
    assert_eq!(watcher.itself().await.monitors, []);
}

#[tokio::test]
async fn m06_a_monitor_by_name_shows_the_name_and_its_node() {
    let world = World::start().await;
    let mut watcher = world.puppet().await;
    for of in [Destination::Name("target".into()), here(&world, "target")] {
        let mut target = world.puppet_with(|spawn| spawn.name = Some("target".into())).await;
        let options = MonitorOptions::default();
        let watch = Operation::Monitor(of, options);
        let reference = watcher.reference(watch.clone()).await;
        assert_eq!(watcher.itself().await.monitors, [here(&world, "target")]);
        let ended = target.watch();
        target.tell(Operation::Stop(error("frop")));
        ended.reason().await;
        let (object, tag) = (here(&world, "target"), None);
        let expected =
            Event::Down { monitor: reference, object: object.clone(), reason: error("frop"), tag };
        assert_eq!(watcher.event().await, expected);
        // Now nobody has the name.
        let monitor = watcher.reference(watch).await;
        let expected = Event::Down { monitor, object, reason: Reason::Noproc, tag: None };
        assert_eq!(watcher.event().await, expected);
    }
    watcher.hears_nothing().await;
}

#[tokio::test]
async fn m06_a_name_is_looked_up_once() {
    let world = World::start().await;
    let [mut watcher, mut first, mut second] = world.puppets().await;
    let name = || "once".to_owned();
    watcher.done(Operation::Register(name(), first.pid)).await;
    let watch = Operation::Monitor(Destination::Name(name()), MonitorOptions::default());
    let reference = watcher.reference(watch).await;
    assert!(watcher.yes(Operation::Unregister(name())).await);
    watcher.done(Operation::Register(name(), second.pid)).await;
    let ended = second.watch();
    second.tell(Operation::Stop(error("second")));
    ended.reason().await;
    watcher.hears_nothing().await;
    first.tell(Operation::Stop(error("first")));
    let (object, reason) = (here(&world, "once"), error("first"));
    let expected = Event::Down { monitor: reference, object, reason, tag: None };
    assert_eq!(watcher.event().await, expected);
}

#[tokio::test]
async fn m07_an_actor_of_no_connected_node_is_down_with_noconnection() {
    let world = World::start().await;
    let mut watcher = world.puppet().await;
    let nowhere = Pid { node: watcher.pid.node ^ 1, serial: 1 };
    // Each time again, and nothing stays.
    for _ in 0..2 {
        let reference = watcher.reference(monitor(nowhere)).await;
        assert_eq!(watcher.event().await, down(reference, nowhere, Reason::Noconnection));
    }
    assert_eq!(watcher.itself().await.monitors, []);
    watcher.hears_nothing().await;
}

#[tokio::test]
async fn m11_demonitor_says_whether_down_came() {
    let world = World::start().await;
    let mut watchers: [Puppet; 8] = world.puppets().await;
    let mut came = 0;
    for round in 0..40 {
        let mut target = world.puppet().await;
        let mut references = Vec::new();
        for watcher in &mut watchers {
            references.push(watcher.reference(monitor(target.pid)).await);
        }
        let ended = target.watch();
        let mut racing = Vec::new();
        for (at, watcher) in watchers.iter_mut().enumerate() {
            if at == round % 8 {
                target.tell(Operation::Stop(error("raced")));
            }
            racing.push(watcher.begin(demonitor(references[at])));
        }
        ended.reason().await;
        for ((watcher, given), reference) in watchers.iter_mut().zip(racing).zip(references) {
            match watcher.finish(given).await {
                Value::Bool(true) => {}
                Value::Bool(false) => {
                    came += 1;
                    let expected = down(reference, target.pid, error("raced"));
                    assert_eq!(watcher.event().await, expected, "round {round}");
                }
                other => panic!("{other:?}"),
            }
            assert_eq!(watcher.waiting_event().await, None, "round {round}");
        }
    }
    assert!(came > 0, "the end of the target never came first");
    for watcher in &mut watchers {
        watcher.hears_nothing().await;
    }
}

#[tokio::test]
async fn m12_a_huge_exit_reason_comes_through_a_monitor_intact() {
    let world = World::start().await;
    let mut watcher = world.puppet().await;
    for round in 0..100 {
        let mut target = world.puppet().await;
        let reference = watcher.reference(monitor(target.pid)).await;
        let reason = Reason::Custom(large(256 << 10, round));
        target.tell(Operation::Stop(reason.clone()));
        let expected = down(reference, target.pid, reason);
        assert!(watcher.event().await == expected, "round {round}: another reason came");
    }
}

#[tokio::test]
async fn m14_the_watchers_of_an_actor_are_who_watch_it_in_all_orders() {
    const ORDERS: [[usize; 3]; 6] =
        [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]];
    let world = World::start().await;
    let mut target = world.puppet().await;
    for coming in ORDERS {
        for going in ORDERS {
            let mut watchers: [Puppet; 3] = world.puppets().await;
            let mut references = [None; 3];
            let mut watching = Vec::new();
            for at in coming {
                references[at] = Some(watchers[at].reference(monitor(target.pid)).await);
                watching.push(watchers[at].pid);
                watching.sort();
                assert_eq!(target.itself().await.monitored_by, watching);
            }
            for at in going {
                match at {
                    // Two of them demonitor, one ends.
                    0 | 1 => {
                        let reference = references[at].expect("all of them watch");
                        assert!(watchers[at].yes(demonitor(reference)).await);
                    }
                    _ => watchers[at].kill().await,
                }
                watching.retain(|pid| *pid != watchers[at].pid);
                assert_eq!(target.itself().await.monitored_by, watching);
            }
            for watcher in &watchers[..2] {
                watcher.kill().await;
            }
        }
    }
}

#[tokio::test]
async fn m15_the_name_of_a_dead_actor_is_free_when_down_comes() {
    let world = World::start().await;
    let mut watcher = world.puppet().await;
    let mut load: [Puppet; 3] = world.puppets().await;
    for spinner in &mut load {
        spinner.tell(Operation::Spin);
    }
    let name = || "mine".to_owned();
    for round in 0..100 {
        let mut target = world.puppet_with(|spawn| spawn.name = Some(name())).await;
        watcher.reference(monitor(target.pid)).await;
        let taking = watcher.begin(Operation::Batch(vec![
            receive(),
            Operation::Register(name(), watcher.pid),
            Operation::Unregister(name()),
        ]));
        target.tell(Operation::Stop(Reason::Normal));
        let Value::Batch(values) = watcher.finish(taking).await else { unreachable!() };
        assert_eq!(values[1..], [Value::Done, Value::Bool(true)], "round {round}");
    }
    for spinner in &load {
        spinner.kill().await;
    }
}

#[tokio::test]
async fn m17_a_tag_comes_back_in_down() {
    let world = World::start().await;
    let mut watcher = world.puppet().await;
    let compound = large(5_000, 1);
    for (tag, reason) in [(vec![7], error("done")), (compound, Reason::Error("x".repeat(10_000)))] {
        let Reason::Error(text) = &reason else { unreachable!() };
        let options = SpawnOptions { monitor: Some(tagged(&tag)), ..SpawnOptions::default() };
        let expect = |monitor, pid| Event::Down {
            monitor,
            object: Destination::Pid(pid),
            reason: reason.clone(),
            tag: Some(tag.clone()),
        };
        // By `monitor`.
        let mut target = world.puppet().await;
        let watch = Operation::Monitor(Destination::Pid(target.pid), tagged(&tag));
        let reference = watcher.reference(watch).await;
        target.tell(Operation::Stop(reason.clone()));
        assert_eq!(watcher.event().await, expect(reference, target.pid));
        // By `spawn-with`.
        let (pid, reference) = watcher.spawned(spawn_with(failing(text), options.clone())).await;
        assert_eq!(watcher.event().await, expect(reference.expect("asked for"), pid));
        // By `spawn-request`.
        let request =
            Operation::SpawnRequest(Module::This, failing(text), options, ReplyWhen::Always);
        let request = watcher.reference(request).await;
        let Event::SpawnReply { outcome: Ok(pid), .. } = watcher.event().await else {
            watcher.fail("the reply comes first")
        };
        assert_eq!(watcher.event().await, expect(request, pid));
    }
    // And where there is nobody.
    let nowhere = Pid { node: watcher.pid.node ^ 1, serial: 1 };
    let watch = Operation::Monitor(Destination::Pid(nowhere), tagged(b"gone"));
    watcher.reference(watch).await;
    let Event::Down { reason, tag, .. } = watcher.event().await else { unreachable!() };
    assert_eq!((reason, tag), (Reason::Noconnection, Some(b"gone".to_vec())));
}

#[tokio::test]
async fn m19_nothing_comes_through_a_reply_monitor_that_was_ended() {
    let world = World::start().await;
    let [mut watcher, mut target] = world.puppets().await;
    let options =
        MonitorOptions { alias: Some(AliasMode::ReplyDemonitor), ..MonitorOptions::default() };
    let watch = Operation::Monitor(Destination::Pid(target.pid), options);
    let reference = watcher.reference(watch).await;
    assert!(watcher.yes(demonitor(reference)).await);
    target.done(send_via(reference, b"late")).await;
    watcher.hears_nothing().await;
}

#[tokio::test]
async fn m21_a_monitor_of_oneself_never_fires_and_can_be_ended() {
    let world = World::start().await;
    let mut one = world.puppet_with(|spawn| spawn.name = Some("self".into())).await;
    let by_pid = one.reference(monitor(one.pid)).await;
    let by_name = Operation::Monitor(Destination::Name("self".into()), MonitorOptions::default());
    let by_name = one.reference(by_name).await;
    one.hears_nothing().await;
    assert_eq!(one.itself().await.monitored_by, []);
    assert!(one.yes(demonitor(by_pid)).await);
    assert!(one.yes(demonitor(by_name)).await);
    let ended = one.watch();
    one.tell(Operation::Return(Ok(())));
    assert_eq!(ended.reason().await, Reason::Normal);
}

#[tokio::test]
async fn m21_each_monitor_of_the_same_two_fires_once() {
    let world = World::start().await;
    let [mut watcher, target] = world.puppets().await;
    let mut expected = Vec::new();
    for _ in 0..3 {
        let reference = watcher.reference(monitor(target.pid)).await;
        expected.push(down(reference, target.pid, Reason::Killed));
    }
    // One of them is ended, and that is no matter of the others.
    let Event::Down { monitor: ended, .. } = expected.remove(1) else { unreachable!() };
    assert!(watcher.yes(demonitor(ended)).await);
    assert!(!watcher.yes(demonitor(ended)).await, "it is gone");
    target.kill().await;
    let events = [watcher.event().await, watcher.event().await];
    assert!(expected.iter().all(|event| events.contains(event)), "{events:?}");
    watcher.hears_nothing().await;
}

#[tokio::test]
async fn m24_no_down_comes_after_demonitor_with_flush() {
    let world = World::start().await;
    let mut watcher = world.puppet().await;
    for _ in 0..100 {
        let target = world.puppet().await;
        let monitor = watcher.reference(monitor(target.pid)).await;
        let ended = target.watch();
        watcher
            .order(Operation::Batch(vec![
                Operation::Exit(target.pid, Reason::Kill),
                Operation::Demonitor { monitor, flush: true },
            ]))
            .await;
        ended.reason().await;
        assert_eq!(watcher.waiting_event().await, None);
    }
    watcher.hears_nothing().await;
}

#[tokio::test]
async fn a_down_that_waits_stays_without_flush_and_goes_with_it() {
    let world = World::start().await;
    let mut watcher = world.puppet().await;
    let start = function("nothing");
    let options =
        SpawnOptions { monitor: Some(MonitorOptions::default()), ..SpawnOptions::default() };
    for flush in [false, true] {
        let (pid, monitor) = watcher.spawned(spawn_with(start.clone(), options.clone())).await;
        let monitor = monitor.expect("it was asked for");
        while watcher.yes(Operation::IsAlive(pid)).await {}
        // Whoever is not alive has told its watchers, or is about to.
        world.watch(pid).reason().await;
        assert!(!watcher.yes(Operation::Demonitor { monitor, flush }).await);
        let left = watcher.waiting_event().await;
        assert_eq!(left, (!flush).then(|| down(monitor, pid, Reason::Normal)));
    }
}
