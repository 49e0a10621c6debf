//! Spawning (rows S).

use std::collections::HashSet;

use odeon_tests::protocol::{
    Event, Failure, Limits, Module, MonitorOptions, Operation, Pid, Reason, Reference, ReplyWhen,
    SpawnError, SpawnOptions, Start, Value,
};
use odeon_tests::{Puppet, World};

use crate::support::{
    bound, demonitor, error, exit, failing, function, large, limited, no_child_is_left, spawn_with,
};

fn request(start: Start, options: SpawnOptions, reply: ReplyWhen) -> Operation {
    Operation::SpawnRequest(Module::This, start, options, reply)
}

fn monitored() -> SpawnOptions {
    SpawnOptions { monitor: Some(MonitorOptions::default()), ..SpawnOptions::default() }
}

fn linked() -> SpawnOptions {
    SpawnOptions { link: true, ..SpawnOptions::default() }
}

fn ok(request: Reference, event: &Event) -> Pid {
    match event {
        Event::SpawnReply { request: of, outcome: Ok(pid) } if *of == request => *pid,
        other => panic!("{other:?} instead of the reply to {request:?}"),
    }
}

/// The reference that the next call of the contract will make, if nobody else on the
/// node makes one meanwhile. So one order can ask for a spawn and act on the request.
async fn next_reference(puppet: &mut Puppet) -> Reference {
    let Reference { node, serial } = puppet.reference(Operation::MakeReference).await;
    Reference { node, serial: serial + 1 }
}

#[tokio::test]
async fn s01_the_reply_comes_first_then_down_and_exit_with_the_child_s_reason() {
    let world = World::start().await;
    let mut parent = world.puppet().await;
    parent.order(Operation::TrapExit(true)).await;
    for round in 0..100 {
        let asked = request(failing("own words"), bound(b"tag"), ReplyWhen::Always);
        let request = parent.reference(asked).await;
        let child = ok(request, &parent.event().await);
        let down = Event::Down {
            monitor: request,
            object: odeon_tests::protocol::Destination::Pid(child),
            reason: error("own words"),
            tag: Some(b"tag".to_vec()),
        };
        let both = [parent.event().await, parent.event().await];
        let exit = exit(child, error("own words"));
        assert!(both.contains(&down) && both.contains(&exit), "round {round}: {both:?}");
        assert_eq!(parent.waiting_event().await, None, "round {round}");
    }
    assert_eq!(parent.itself().await.links, []);
    assert_eq!(parent.itself().await.monitors, []);
}

/// What `badopt` and `badarg` are in the contract: there are no free-form options.
#[tokio::test]
async fn s01_a_spawn_that_cannot_be_made_fails_with_a_typed_reason() {
    let world = World::start().await;
    let mut parent = world.puppet().await;
    let call = |text: &str| Start::Call(text.into());
    let named = |name: &str| SpawnOptions { name: Some(name.into()), ..SpawnOptions::default() };
    let elsewhere =
        SpawnOptions { node: Some("nowhere@localhost".into()), ..SpawnOptions::default() };
    let nothing = || function("nothing");
    let missing = Module::Name("no-such-module".into());
    let digest = Module::Digest("0".repeat(64));
    type IsRight = fn(&SpawnError) -> bool;
    let no_module: IsRight = |error| matches!(error, SpawnError::NoModule(_));
    let no_function: IsRight = |error| matches!(error, SpawnError::NoFunction(_));
    let bad_argument: IsRight = |error| matches!(error, SpawnError::BadArgument(_));
    let bad_name: IsRight = |error| matches!(error, SpawnError::BadName(_));
    let noconnection: IsRight = |error| matches!(error, SpawnError::Noconnection);
    let cases = [
        (missing, nothing(), SpawnOptions::default(), no_module),
        (digest, nothing(), SpawnOptions::default(), no_module),
        (Module::This, Start::Command(vec!["x".into()]), SpawnOptions::default(), no_function),
        (Module::This, call("no-such-function()"), SpawnOptions::default(), no_function),
        (Module::This, call("(((("), SpawnOptions::default(), bad_argument),
        (Module::This, nothing(), named(""), bad_name),
        (Module::This, nothing(), named("undefined"), bad_name),
        (Module::This, nothing(), elsewhere, noconnection),
    ];
    for (module, start, options, is_right) in cases {
        let spawn = Operation::SpawnWith(module.clone(), start.clone(), options.clone());
        let direct = parent.order(spawn).await;
        let Value::Failed(Failure::Spawn(error)) = &direct else { panic!("{direct:?}") };
        assert!(is_right(error), "{module:?}, {start:?}: {error:?}");
        // The same as an answer to a request, and no link or monitor of it.
        let options = SpawnOptions { link: true, ..options };
        let asked = Operation::SpawnRequest(module, start, options, ReplyWhen::Always);
        let request = parent.reference(asked).await;
        let expected = Event::SpawnReply { request, outcome: Err(error.clone()) };
        assert_eq!(parent.event().await, expected);
    }
    assert!(parent.is_alive().await);
    parent.hears_nothing().await;
}

#[tokio::test]
async fn s01_a_start_that_fails_is_the_child_s_end_and_no_error_of_the_spawn() {
    let world = World::start().await;
    let mut parent = world.puppet().await;
    let (_, monitor) = parent.spawned(spawn_with(function("no-such-name"), monitored())).await;
    let Event::Down { monitor: of, reason, .. } = parent.event().await else { unreachable!() };
    assert_eq!(Some(of), monitor);
    assert!(matches!(reason, Reason::Error(_)), "{reason:?}");
    parent.hears_nothing().await;
}

#[tokio::test]
async fn s02_the_monitor_of_a_pending_request_cannot_be_ended() {
    let world = World::start_with(|config| config.workers = Some(1)).await;
    let mut parent = world.puppet().await;
    let mut ignored = 0;
    for round in 0..50 {
        let expected = next_reference(&mut parent).await;
        let asked = parent.begin(Operation::Batch(vec![
            request(failing("end"), monitored(), ReplyWhen::Always),
            demonitor(expected),
        ]));
        let values = parent.finish(asked).await;
        let Value::Batch(values) = values else { unreachable!() };
        assert_eq!(values[0], Value::Reference(expected), "another made a reference");
        let child = ok(expected, &parent.event().await);
        // With one thread the request is pending, unless the guest was interrupted
        // between the two calls; then the monitor was there and is ended.
        if values[1] == Value::Bool(false) {
            ignored += 1;
            let down = crate::support::down(expected, child, error("end"));
            assert_eq!(parent.event().await, down, "round {round}");
        } else {
            world.watch(child).reason().await;
        }
        assert_eq!(parent.waiting_event().await, None, "round {round}");
    }
    assert!(ignored > 0, "no request was pending when its monitor was to be ended");
}

#[tokio::test]
async fn an_abandoned_request_has_no_consequence_but_the_end_of_a_linked_child() {
    let world = World::start_with(|config| config.workers = Some(1)).await;
    let mut parent = world.puppet().await;
    let mut abandoned = 0;
    for _ in 0..20 {
        let cradle = world.cradle();
        let expected = next_reference(&mut parent).await;
        let asked = parent.begin(Operation::Batch(vec![
            request(cradle.start(), bound(b""), ReplyWhen::Always),
            Operation::SpawnAbandon(expected),
        ]));
        let Value::Batch(values) = parent.finish(asked).await else { unreachable!() };
        assert_eq!(values[0], Value::Reference(expected), "another made a reference");
        if values[1] == Value::Bool(false) {
            // The guest was interrupted and the reply was faster: nothing to see here.
            parent.kill().await;
            parent = world.puppet().await;
            continue;
        }
        abandoned += 1;
        parent.hears_nothing().await;
        assert!(!parent.yes(Operation::SpawnAbandon(expected)).await, "it was given up");
        let info = parent.itself().await;
        assert_eq!((info.links, info.monitors), (vec![], vec![]));
        no_child_is_left(&world, parent.pid).await;
    }
    assert!(abandoned > 0, "no request was pending when it was to be given up");
}

#[tokio::test]
async fn s04_the_reply_comes_before_the_exit_of_a_linked_child() {
    let world = World::start().await;
    let mut parent = world.puppet().await;
    parent.order(Operation::TrapExit(true)).await;
    for reason in [Reason::Normal, error("at once")] {
        for round in 0..100 {
            let start = match &reason {
                Reason::Error(text) => failing(text),
                _ => function("nothing"),
            };
            let request = parent.reference(request(start, linked(), ReplyWhen::Always)).await;
            let child = ok(request, &parent.event().await);
            assert_eq!(parent.event().await, exit(child, reason.clone()), "round {round}");
        }
    }
    parent.hears_nothing().await;
}

#[tokio::test]
async fn s07_a_request_is_answered_when_it_asked_for_it() {
    let world = World::start().await;
    let mut parent = world.puppet().await;
    let elsewhere =
        SpawnOptions { node: Some("nowhere@localhost".into()), ..SpawnOptions::default() };
    let outcomes = [
        (function("nothing"), SpawnOptions::default(), true),
        (Start::Command(vec![]), SpawnOptions::default(), false),
        (function("nothing"), elsewhere, false),
    ];
    for when in [ReplyWhen::Always, ReplyWhen::Never, ReplyWhen::Failed, ReplyWhen::Spawned] {
        for (start, options, succeeds) in &outcomes {
            let asked = request(start.clone(), options.clone(), when);
            let request = parent.reference(asked).await;
            let is_answered = match when {
                ReplyWhen::Always => true,
                ReplyWhen::Never => false,
                ReplyWhen::Failed => !succeeds,
                ReplyWhen::Spawned => *succeeds,
            };
            if is_answered {
                let Event::SpawnReply { request: of, outcome } = parent.event().await else {
                    parent.fail("something else than a reply")
                };
                assert_eq!((of, outcome.is_ok()), (request, *succeeds), "{when:?}");
                if options.node.is_some() {
                    assert_eq!(outcome, Err(SpawnError::Noconnection));
                }
            }
            parent.hears_nothing().await;
        }
    }
}

/// Link and monitor hold without a reply as well.
#[tokio::test]
async fn s07_a_request_without_a_reply_still_links_and_monitors() {
    let world = World::start().await;
    let mut parent = world.puppet().await;
    parent.order(Operation::TrapExit(true)).await;
    let asked = request(failing("end"), bound(b"tag"), ReplyWhen::Never);
    let request = parent.reference(asked).await;
    let both = [parent.event().await, parent.event().await];
    let is_down =
        |event: &Event| matches!(event, Event::Down { monitor, .. } if *monitor == request);
    let is_exit =
        |event: &Event| matches!(event, Event::Exit { reason, .. } if *reason == error("end"));
    assert!(both.iter().any(is_down) && both.iter().any(is_exit), "{both:?}");
    parent.hears_nothing().await;
}

/// An argument is one string of bytes here; the guests agree on what it means.
#[tokio::test]
async fn s09_an_argument_of_megabytes_reaches_the_child_intact() {
    let world = World::start().await;
    let mut parent = world.puppet().await;
    let text: String = large(4 << 20, 9).into_iter().map(|byte| char::from(byte & 0x7f)).collect();
    let (child, _) = parent.spawned(spawn_with(failing(&text), monitored())).await;
    let Event::Down { object, reason, .. } = parent.event().await else { unreachable!() };
    assert_eq!(object, odeon_tests::protocol::Destination::Pid(child));
    assert!(reason == Reason::Error(text), "the child saw another argument");
}

#[tokio::test]
async fn s12_an_actor_that_cannot_live_within_its_memory_ends_with_the_limit() {
    const MEMORY: u64 = 4 << 20;
    let world = World::start().await;
    let mut parent = world.puppet().await;
    let limits = Limits { memory_bytes_max: Some(MEMORY), ..Limits::default() };
    let cradle = world.cradle();
    parent.spawned(spawn_with(cradle.start(), limited(limits))).await;
    let mut child = cradle.puppet().await;
    // Memory that is refused is no end by itself: a program may do with less.
    let Value::Number(Some(grown)) = child.order(Operation::GrowUntilRefused).await else {
        child.fail("no number of bytes")
    };
    assert!(grown < MEMORY, "{grown} bytes were given");
    let used = child.itself().await.memory_bytes;
    assert!(used <= MEMORY, "it has {used} bytes");
    // A child of it cannot have more, whatever it asks for.
    let greedy = Limits { memory_bytes_max: Some(u64::MAX), ..Limits::default() };
    let cradle = world.cradle();
    child.spawned(spawn_with(cradle.start(), limited(greedy))).await;
    let mut grandchild = cradle.puppet().await;
    let Value::Number(Some(grown)) = grandchild.order(Operation::GrowUntilRefused).await else {
        grandchild.fail("no number of bytes")
    };
    assert!(grown < MEMORY, "{grown} bytes were given to the grandchild");
    // One that cannot do with less ends, and says of what.
    let ended = child.watch();
    child.tell(Operation::Panic("no memory".into()));
    let reason = ended.reason().await;
    let Reason::Limit(text) = &reason else { panic!("{reason:?} instead of a limit") };
    assert!(text.contains("memory-bytes-max"), "{text}");
}

#[tokio::test]
async fn s12_an_actor_whose_first_memory_is_too_large_ends_with_the_limit() {
    let world = World::start().await;
    let mut parent = world.puppet().await;
    // Less than one page of WebAssembly.
    let limits = Some(Limits { memory_bytes_max: Some(60_000), ..Limits::default() });
    let options = SpawnOptions { limits, ..monitored() };
    parent.spawned(spawn_with(function("nothing"), options)).await;
    let Event::Down { reason, .. } = parent.event().await else { unreachable!() };
    assert!(matches!(&reason, Reason::Limit(text) if text.contains("memory")), "{reason:?}");
}

/// Serials are counted up to 2^53 and do not wrap; none comes twice.
#[tokio::test]
async fn s14_no_pid_is_given_twice() {
    let world = World::start().await;
    let mut parent = world.puppet().await;
    let spawn = Operation::Spawn(Module::This, function("nothing"));
    let mut seen = HashSet::new();
    let mut last = parent.pid;
    for _ in 0..20 {
        let Value::Batch(values) = parent.order(Operation::Batch(vec![spawn.clone(); 100])).await
        else {
            unreachable!()
        };
        for value in values {
            let Value::Spawned { pid, .. } = value else { panic!("{value:?}") };
            assert!(seen.insert(pid), "{pid:?} came twice");
            assert!(pid.serial > last.serial && pid.node == parent.pid.node);
            last = pid;
        }
    }
}

#[tokio::test]
async fn s16_whoever_lives_throughout_is_listed_once_while_others_come_and_go() {
    let world = World::start().await;
    let mut lister = world.puppet().await;
    let mut churns: [Puppet; 3] = world.puppets().await;
    let [one, other] = world.puppets().await;
    let spawn = Operation::Spawn(Module::This, function("nothing"));
    let mut given = Vec::new();
    for churn in &mut churns {
        given.push(churn.begin(Operation::Repeat(1000, Box::new(spawn.clone()))));
    }
    let constant: Vec<Pid> =
        [&lister, &one, &other].into_iter().chain(&churns).map(|puppet| puppet.pid).collect();
    for _ in 0..100 {
        let Value::Pids(all) = lister.order(Operation::List).await else { unreachable!() };
        let unique: HashSet<_> = all.iter().collect();
        assert_eq!(unique.len(), all.len(), "somebody is listed twice");
        for pid in &constant {
            assert!(unique.contains(pid), "{pid:?} lives and is not listed");
        }
    }
    for (churn, given) in churns.iter_mut().zip(given) {
        let last = churn.finish(given).await;
        assert!(matches!(last, Value::Spawned { .. }), "{last:?}");
    }
}
