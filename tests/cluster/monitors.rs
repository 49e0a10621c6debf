//! Monitors between nodes (rows M).

use odeon_tests::Puppet;
use odeon_tests::cluster::{Pair, until};
use odeon_tests::protocol::{
    Destination, Event, Module, MonitorOptions, Operation, Pid, Reason, Reference, ReplyWhen,
    SpawnOptions, Value,
};
use std::slice::from_ref;

use crate::common::{at, nothing_came, settle};
use crate::support::{
    demonitor, down, error, failing, function, large, monitor, receive, spawn_with, tagged,
};

fn watch_name(node: &str, name: &str) -> Operation {
    Operation::Monitor(at(node, name), MonitorOptions::default())
}

fn down_of(monitor: Reference, object: Destination, reason: Reason) -> Event {
    Event::Down { monitor, object, reason, tag: None }
}

#[tokio::test(flavor = "multi_thread")]
async fn m07_down_says_why_an_actor_of_another_node_ended() {
    let pair = Pair::start().await;
    let (mut watcher, mut other) = pair.puppets().await;
    let reasons = [
        Reason::Normal,
        Reason::Shutdown,
        error("frop"),
        Reason::Kill,
        Reason::ExitCode(7),
        Reason::Custom(vec![1]),
    ];
    for reason in reasons {
        let mut target = pair.far.world.puppet().await;
        let reference = watcher.reference(monitor(target.pid)).await;
        settle(&mut watcher, &mut target).await;
        assert_eq!(target.itself().await.monitored_by, [watcher.pid]);
        target.tell(Operation::Stop(reason.clone()));
        assert_eq!(watcher.event().await, down(reference, target.pid, reason));
        let late = watcher.reference(monitor(target.pid)).await;
        assert_eq!(watcher.event().await, down(late, target.pid, Reason::Noproc));
    }
    nothing_came(&mut other, &mut watcher).await;
    assert_eq!(watcher.itself().await.monitors, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn m07_a_monitor_by_name_on_another_node_shows_name_and_node() {
    let pair = Pair::start().await;
    let (mut watcher, mut other) = pair.puppets().await;
    let object = at(&pair.far.name, "target");
    for reason in [Reason::Normal, error("frop")] {
        let spawn = |spawn: &mut odeon::Spawn| spawn.name = Some("target".into());
        let mut target = pair.far.world.puppet_with(spawn).await;
        let reference = watcher.reference(watch_name(&pair.far.name, "target")).await;
        assert_eq!(watcher.itself().await.monitors, from_ref(&object));
        settle(&mut watcher, &mut target).await;
        target.tell(Operation::Stop(reason.clone()));
        assert_eq!(watcher.event().await, down_of(reference, object.clone(), reason));
        let late = watcher.reference(watch_name(&pair.far.name, "target")).await;
        assert_eq!(watcher.event().await, down_of(late, object.clone(), Reason::Noproc));
    }
    // A name is looked up once, and a monitor on one can be ended.
    let [mut first, second] = pair.far.world.puppets().await;
    first.done(Operation::Register("target".into(), first.pid)).await;
    let reference = watcher.reference(watch_name(&pair.far.name, "target")).await;
    settle(&mut watcher, &mut first).await;
    assert!(first.yes(Operation::Unregister("target".into())).await);
    first.done(Operation::Register("target".into(), second.pid)).await;
    second.kill().await;
    nothing_came(&mut other, &mut watcher).await;
    assert_eq!(first.itself().await.monitored_by, [watcher.pid]);
    assert!(watcher.yes(demonitor(reference)).await);
    settle(&mut watcher, &mut first).await;
    assert_eq!(first.itself().await.monitored_by, []);
    first.kill().await;
    nothing_came(&mut other, &mut watcher).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn m07_monitors_fire_once_when_the_other_node_halts() {
    let mut pair = Pair::start().await;
    let (mut watcher, mut target) = pair.puppets().await;
    target.done(Operation::Register("target".into(), target.pid)).await;
    let by_pid = watcher.reference(monitor(target.pid)).await;
    let again = watcher.reference(monitor(target.pid)).await;
    let by_name = watcher.reference(watch_name(&pair.far.name, "target")).await;
    settle(&mut watcher, &mut target).await;
    assert_eq!(target.itself().await.monitored_by, [watcher.pid; 3]);
    pair.far.halt();
    let object = at(&pair.far.name, "target");
    let mut expected = vec![
        down(by_pid, target.pid, Reason::Noconnection),
        down(again, target.pid, Reason::Noconnection),
        down_of(by_name, object.clone(), Reason::Noconnection),
    ];
    for _ in 0..3 {
        let event = watcher.event().await;
        let place = expected.iter().position(|it| *it == event);
        expected.remove(place.unwrap_or_else(|| panic!("{event:?}")));
    }
    // And what is put on it afterwards, each time again.
    for _ in 0..2 {
        let late = watcher.reference(monitor(target.pid)).await;
        assert_eq!(watcher.event().await, down(late, target.pid, Reason::Noconnection));
        let late = watcher.reference(watch_name(&pair.far.name, "target")).await;
        assert_eq!(watcher.event().await, down_of(late, object.clone(), Reason::Noconnection));
    }
    watcher.hears_nothing().await;
    assert_eq!(watcher.itself().await.monitors, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn m09_demonitor_before_the_node_halts_is_silence_and_after_it_is_too_late() {
    let mut pair = Pair::start().await;
    let (mut watcher, mut target) = pair.puppets().await;
    let ended = watcher.reference(monitor(target.pid)).await;
    let kept = watcher.reference(monitor(target.pid)).await;
    settle(&mut watcher, &mut target).await;
    assert!(watcher.yes(demonitor(ended)).await);
    pair.far.halt();
    until("the loss", || !pair.near.knows(&pair.far.name)).await;
    until("the down event", || {
        let pid = odeon_core_pid(watcher.pid);
        pair.near.world.node.actor(pid).is_some_and(|actor| actor.mailbox > 0)
    })
    .await;
    // The event waits already, and stays.
    assert!(!watcher.yes(demonitor(kept)).await);
    assert_eq!(watcher.event().await, down(kept, target.pid, Reason::Noconnection));
    watcher.hears_nothing().await;
}

fn odeon_core_pid(pid: Pid) -> odeon_core::Pid {
    use odeon_tests::Word as _;
    pid.word()
}

#[tokio::test(flavor = "multi_thread")]
async fn m12_huge_exit_reasons_come_through_monitors_of_another_node_intact() {
    let pair = Pair::start().await;
    let (mut watcher, _far) = pair.puppets().await;
    let sizes = (0..30).map(|round| 100_000 + 37_000 * round);
    for (round, size) in sizes.enumerate() {
        let mut target = pair.far.world.puppet().await;
        let reference = watcher.reference(monitor(target.pid)).await;
        settle(&mut watcher, &mut target).await;
        let reason = Reason::Custom(large(size, round));
        target.tell(Operation::Stop(reason.clone()));
        let expected = down(reference, target.pid, reason);
        assert!(watcher.event().await == expected, "{size} bytes: another reason came");
    }
}

/// The largest, between actors of the hosts: a guest could not tell of it.
#[tokio::test(flavor = "multi_thread")]
async fn m12_the_longest_reasons_and_messages_arrive_intact() {
    use odeon_tests::cluster::Heard;
    const LONGEST: usize = odeon_core::limits::MESSAGE_BYTES_MAX;
    let pair = Pair::start().await;
    let (mut near, mut far) = pair.puppets().await;
    let reasons = [Reason::Custom(large(LONGEST, 1)), Reason::Error("x".repeat(LONGEST))];
    for reason in reasons {
        let mut target = pair.far.world.node.native("target");
        let mut watcher = pair.near.world.node.native("watcher");
        let reference = watcher.monitor(target.pid());
        // The monitor is there when what was sent behind it is.
        settle(&mut near, &mut far).await;
        let body = large(LONGEST, 2);
        target.send(watcher.pid(), body.clone());
        let came = odeon_tests::in_time("a message", watcher.receive()).await;
        let Some(Heard::Message(came)) = came else { panic!("no message") };
        assert!(came == body, "another message");
        let quiet = std::time::Duration::from_millis(odeon_tests::QUIET_MS);
        let nothing = tokio::time::timeout(quiet, target.receive()).await;
        assert!(nothing.is_err(), "nobody sent it anything");
        target.end(reason.clone());
        let came = odeon_tests::in_time("a down event", watcher.receive()).await;
        let Some(Heard::Down { monitor, reason: came }) = came else { panic!("no down") };
        assert!(monitor == reference && came == reason, "another reason");
    }
    settle(&mut near, &mut far).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn m14_watchers_here_and_there_are_listed_while_they_watch() {
    let pair = Pair::start().await;
    let (mut target, mut other) = pair.puppets().await;
    for going in [[0, 1, 2, 3, 4], [4, 3, 2, 1, 0], [2, 0, 4, 1, 3], [1, 3, 0, 4, 2]] {
        let [here, here_too] = pair.near.world.puppets().await;
        let [a, b, c] = pair.far.world.puppets().await;
        let mut watchers: [Puppet; 5] = [here, a, here_too, b, c];
        let mut references = Vec::new();
        let mut watching = Vec::new();
        for watcher in &mut watchers {
            references.push(watcher.reference(monitor(target.pid)).await);
            watching.push(watcher.pid);
            settle(watcher, &mut target).await;
        }
        watching.sort();
        assert_eq!(target.itself().await.monitored_by, watching);
        for gone in going {
            if gone % 2 == 0 {
                assert!(watchers[gone].yes(demonitor(references[gone])).await);
            } else {
                watchers[gone].kill().await;
            }
            watching.retain(|pid| *pid != watchers[gone].pid);
            // The signal of a watcher on another node is on its way.
            loop {
                let listed = target.itself().await.monitored_by;
                if listed == watching {
                    break;
                }
                assert!(listed.contains(&watchers[gone].pid), "{listed:?}, not {watching:?}");
            }
        }
    }
    nothing_came(&mut other, &mut target).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn m15_the_name_of_a_dead_actor_of_another_node_is_free_when_down_comes() {
    let pair = Pair::start().await;
    let (mut watcher, _far) = pair.puppets().await;
    let mut load: [Puppet; 2] = pair.far.world.puppets().await;
    for spinner in &mut load {
        spinner.tell(Operation::Spin);
    }
    let options = SpawnOptions {
        node: Some(pair.far.name.clone()),
        name: Some("mine".into()),
        monitor: Some(MonitorOptions::default()),
        ..SpawnOptions::default()
    };
    for round in 0..50 {
        let spawn = spawn_with(function("nothing"), options.clone());
        let values = watcher.order(Operation::Batch(vec![spawn, receive()])).await;
        let Value::Batch(values) = values else { unreachable!() };
        assert!(matches!(values[0], Value::Spawned { .. }), "round {round}: {values:?}");
        assert!(matches!(values[1], Value::Event(Some(Event::Down { .. }))), "{values:?}");
    }
    for spinner in &load {
        spinner.kill().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn m17_tags_come_back_in_down_events_of_another_node_and_when_it_halts() {
    let mut pair = Pair::start().await;
    let (mut watcher, _far) = pair.puppets().await;
    for (tag, text) in [(vec![7], "done".to_owned()), (large(5_000, 1), "x".repeat(100_000))] {
        let reason = Reason::Error(text.clone());
        let options = SpawnOptions {
            node: Some(pair.far.name.clone()),
            monitor: Some(tagged(&tag)),
            ..SpawnOptions::default()
        };
        let expect = |monitor, pid| Event::Down {
            monitor,
            object: Destination::Pid(pid),
            reason: reason.clone(),
            tag: Some(tag.clone()),
        };
        let mut target = pair.far.world.puppet().await;
        let watch = Operation::Monitor(Destination::Pid(target.pid), tagged(&tag));
        let reference = watcher.reference(watch).await;
        settle(&mut watcher, &mut target).await;
        target.tell(Operation::Stop(reason.clone()));
        assert_eq!(watcher.event().await, expect(reference, target.pid));
        let (pid, reference) = watcher.spawned(spawn_with(failing(&text), options.clone())).await;
        assert_eq!(watcher.event().await, expect(reference.expect("asked for"), pid));
        let request =
            Operation::SpawnRequest(Module::This, failing(&text), options, ReplyWhen::Always);
        let request = watcher.reference(request).await;
        let Event::SpawnReply { outcome: Ok(pid), .. } = watcher.event().await else {
            watcher.fail("the reply comes first")
        };
        assert_eq!(watcher.event().await, expect(request, pid));
    }
    let options = SpawnOptions {
        node: Some(pair.far.name.clone()),
        monitor: Some(tagged(b"spawned")),
        ..SpawnOptions::default()
    };
    watcher.spawned(spawn_with(function("waiter"), options)).await;
    pair.far.halt();
    let Event::Down { reason, tag, .. } = watcher.event().await else { unreachable!() };
    assert_eq!((reason, tag), (Reason::Noconnection, Some(b"spawned".to_vec())));
    watcher.hears_nothing().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn m22_a_monitor_leaves_nothing_behind_at_either_end() {
    let mut pair = Pair::start().await;
    let (mut watcher, mut target) = pair.puppets().await;
    // The watcher's node goes: the target forgets it.
    watcher.reference(monitor(target.pid)).await;
    let far_watches = target.reference(monitor(watcher.pid)).await;
    settle(&mut watcher, &mut target).await;
    assert!(pair.near.world.node.disconnect(&pair.far.name).await);
    let Event::Down { reason, .. } = watcher.event().await else { unreachable!() };
    assert_eq!(reason, Reason::Noconnection);
    assert_eq!(target.event().await, down(far_watches, watcher.pid, Reason::Noconnection));
    assert_eq!(target.itself().await.monitored_by, []);
    assert_eq!(watcher.itself().await.monitored_by, []);
    // A new monitor connects again; then the node halts for good.
    let again = watcher.reference(monitor(target.pid)).await;
    settle(&mut watcher, &mut target).await;
    pair.far.halt();
    assert_eq!(watcher.event().await, down(again, target.pid, Reason::Noconnection));
    let late = watcher.reference(monitor(target.pid)).await;
    assert_eq!(watcher.event().await, down(late, target.pid, Reason::Noconnection));
    assert_eq!(watcher.itself().await.monitors, []);
    watcher.hears_nothing().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn m22_a_former_incarnation_of_a_connected_node_is_noproc() {
    let mut pair = Pair::start().await;
    let (mut watcher, former) = pair.puppets().await;
    pair.restart_far(|_| {}).await;
    pair.until_connected_again().await;
    let reference = watcher.reference(monitor(former.pid)).await;
    assert_eq!(watcher.event().await, down(reference, former.pid, Reason::Noproc));
    watcher.hears_nothing().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn m24_no_down_comes_from_another_node_after_demonitor_with_flush() {
    let pair = Pair::start().await;
    let (mut watcher, mut other) = pair.puppets().await;
    for _ in 0..50 {
        let target = pair.far.world.puppet().await;
        let monitor = watcher.reference(monitor(target.pid)).await;
        let ended = target.watch();
        watcher
            .order(Operation::Batch(vec![
                Operation::Exit(target.pid, Reason::Kill),
                Operation::Demonitor { monitor, flush: true },
            ]))
            .await;
        ended.reason().await;
        nothing_came(&mut other, &mut watcher).await;
    }
    watcher.hears_nothing().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn demonitor_says_whether_down_came_from_another_node() {
    let pair = Pair::start().await;
    let (mut watcher, mut other) = pair.puppets().await;
    let mut came = 0;
    for round in 0..60 {
        let mut target = pair.far.world.puppet().await;
        let reference = watcher.reference(monitor(target.pid)).await;
        settle(&mut watcher, &mut target).await;
        let ended = target.watch();
        target.tell(Operation::Stop(error("raced")));
        for _ in 0..round {
            tokio::task::yield_now().await;
        }
        let was_there = watcher.yes(demonitor(reference)).await;
        ended.reason().await;
        nothing_came_but(&mut other, &mut watcher, || {
            (!was_there).then(|| down(reference, target.pid, error("raced")))
        })
        .await;
        came += u32::from(!was_there);
    }
    println!("{came} of 60 down events came first");
}

async fn nothing_came_but(
    other: &mut Puppet,
    watcher: &mut Puppet,
    expected: impl FnOnce() -> Option<Event>,
) {
    if let Some(expected) = expected() {
        assert_eq!(watcher.event().await, expected);
    }
    nothing_came(other, watcher).await;
}
