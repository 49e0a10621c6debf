//! Spawning on other nodes (rows S).

use odeon_tests::cluster::{Pair, until};
use odeon_tests::protocol::{
    Destination, Event, Failure, Limits, Module, MonitorOptions, Operation, Pid, Reason, Reference,
    ReplyWhen, SpawnError, SpawnOptions, Start, Value,
};
use odeon_tests::{Puppet, Word as _};

use crate::common::{batch, nothing_came};
use crate::support::{bound, demonitor, down, error, exit, failing, function, large, spawn_with};

fn on(node: &str, options: SpawnOptions) -> SpawnOptions {
    SpawnOptions { node: Some(node.into()), ..options }
}

fn plain(node: &str) -> SpawnOptions {
    on(node, SpawnOptions::default())
}

fn monitored(node: &str) -> SpawnOptions {
    let monitor = Some(MonitorOptions::default());
    on(node, SpawnOptions { monitor, ..SpawnOptions::default() })
}

fn linked(node: &str) -> SpawnOptions {
    on(node, SpawnOptions { link: true, ..SpawnOptions::default() })
}

fn request(start: Start, options: SpawnOptions, reply: ReplyWhen) -> Operation {
    Operation::SpawnRequest(Module::This, start, options, reply)
}

fn ok(request: Reference, event: &Event) -> Pid {
    match event {
        Event::SpawnReply { request: of, outcome: Ok(pid) } if *of == request => *pid,
        other => panic!("{other:?} instead of the reply to {request:?}"),
    }
}

async fn next_reference(puppet: &mut Puppet) -> Reference {
    let Reference { node, serial } = puppet.reference(Operation::MakeReference).await;
    Reference { node, serial: serial + 1 }
}

#[tokio::test(flavor = "multi_thread")]
async fn s01_the_reply_of_another_node_comes_first_then_down_and_exit() {
    let pair = Pair::start().await;
    let (mut parent, mut other) = pair.puppets().await;
    parent.order(Operation::TrapExit(true)).await;
    for round in 0..60 {
        let options = on(&pair.far.name, bound(b"tag"));
        let asked = request(failing("own words"), options, ReplyWhen::Always);
        let request = parent.reference(asked).await;
        let child = ok(request, &parent.event().await);
        assert_eq!(child.node, pair.far.world.node.id().get());
        let down = Event::Down {
            monitor: request,
            object: Destination::Pid(child),
            reason: error("own words"),
            tag: Some(b"tag".to_vec()),
        };
        let both = [parent.event().await, parent.event().await];
        let exit = exit(child, error("own words"));
        assert!(both.contains(&down) && both.contains(&exit), "round {round}: {both:?}");
    }
    nothing_came(&mut other, &mut parent).await;
    assert_eq!(parent.itself().await.links, []);
    assert_eq!(parent.itself().await.monitors, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn s01_what_another_node_cannot_make_fails_with_a_typed_reason() {
    let pair = Pair::start().await;
    let (mut parent, mut other) = pair.puppets().await;
    let far = pair.far.name.as_str();
    let named =
        |name: &str| on(far, SpawnOptions { name: Some(name.into()), ..SpawnOptions::default() });
    let call = |text: &str| Start::Call(text.into());
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
        (missing, nothing(), plain(far), no_module),
        (digest, nothing(), plain(far), no_module),
        (Module::This, Start::Command(vec!["x".into()]), plain(far), no_function),
        (Module::This, call("no-such-function()"), plain(far), no_function),
        (Module::This, call("(((("), plain(far), bad_argument),
        (Module::This, nothing(), named(""), bad_name),
        (Module::This, nothing(), named("undefined"), bad_name),
        (Module::This, nothing(), named(&"x".repeat(256)), bad_name),
        (Module::This, nothing(), plain("nowhere@localhost"), noconnection),
        (Module::This, nothing(), plain("not a name"), noconnection),
    ];
    for (module, start, options, is_right) in cases {
        let spawn = Operation::SpawnWith(module.clone(), start.clone(), options.clone());
        let direct = parent.order(spawn).await;
        let Value::Failed(Failure::Spawn(error)) = &direct else { panic!("{direct:?}") };
        assert!(is_right(error), "{module:?}, {start:?}: {error:?}");
        let options = SpawnOptions { link: true, ..options };
        let asked = Operation::SpawnRequest(module, start, options, ReplyWhen::Always);
        let request = parent.reference(asked).await;
        let expected = Event::SpawnReply { request, outcome: Err(error.clone()) };
        assert_eq!(parent.event().await, expected);
    }
    assert!(parent.is_alive().await);
    nothing_came(&mut other, &mut parent).await;
}

/// A name is taken on the node where the child is to live.
#[tokio::test(flavor = "multi_thread")]
async fn s01_a_name_for_the_child_is_one_of_the_other_node() {
    let pair = Pair::start().await;
    let (mut parent, mut far) = pair.puppets().await;
    let options = SpawnOptions { name: Some("child".into()), ..plain(&pair.far.name) };
    let spawn = spawn_with(function("waiter"), options);
    let (child, _) = parent.spawned(spawn.clone()).await;
    assert_eq!(far.order(Operation::Whereis("child".into())).await, Value::Pid(Some(child)));
    assert_eq!(parent.order(Operation::Whereis("child".into())).await, Value::Pid(None));
    let taken = parent.order(spawn).await;
    assert!(matches!(&taken, Value::Failed(Failure::Spawn(SpawnError::BadName(_)))), "{taken:?}");
    let info = far.look(child).await.expect("it lives");
    assert_eq!(info.parent, Some(parent.pid));
}

#[tokio::test(flavor = "multi_thread")]
async fn s02_the_monitor_of_a_request_to_a_slow_node_cannot_be_ended() {
    let pair = Pair::forwarded().await;
    let mut parent = pair.near.world.puppet().await;
    for round in 0..10 {
        pair.far.forwarder().pause();
        let expected = next_reference(&mut parent).await;
        let values = parent
            .order(Operation::Batch(vec![
                request(failing("end"), monitored(&pair.far.name), ReplyWhen::Always),
                demonitor(expected),
            ]))
            .await;
        let values = batch(values);
        assert_eq!(values, [Value::Reference(expected), Value::Bool(false)], "round {round}");
        assert_eq!(parent.waiting_event().await, None);
        pair.far.forwarder().resume();
        let child = ok(expected, &parent.event().await);
        assert_eq!(parent.event().await, down(expected, child, error("end")));
    }
    parent.hears_nothing().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_abandoned_request_to_another_node_ends_a_linked_child() {
    let pair = Pair::forwarded().await;
    let mut parent = pair.near.world.puppet().await;
    for link in [true, false] {
        pair.far.forwarder().pause();
        let expected = next_reference(&mut parent).await;
        let cradle = pair.far.world.cradle();
        let options = match link {
            true => on(&pair.far.name, bound(b"tag")),
            false => plain(&pair.far.name),
        };
        let values = parent
            .order(Operation::Batch(vec![
                request(cradle.start(), options, ReplyWhen::Always),
                Operation::SpawnAbandon(expected),
                Operation::SpawnAbandon(expected),
            ]))
            .await;
        let expected = [Value::Reference(expected), Value::Bool(true), Value::Bool(false)];
        assert_eq!(batch(values), expected);
        pair.far.forwarder().resume();
        if link {
            until("the end of the abandoned child", || {
                let serial = parent.pid;
                let of = format!("<{}.{}>", serial.node, serial.serial);
                !pair.far.world.node.actors().iter().any(|actor| actor.pid == of)
                    && pair.far.world.node.actors().is_empty()
            })
            .await;
        } else {
            let mut child = cradle.puppet().await;
            assert!(child.is_alive().await, "without a link it lives on");
            child.kill().await;
        }
        parent.hears_nothing().await;
        let info = parent.itself().await;
        assert_eq!((info.links, info.monitors), (vec![], vec![]));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn s04_the_reply_of_another_node_comes_before_the_exit_of_a_linked_child() {
    let pair = Pair::start().await;
    let (mut parent, mut other) = pair.puppets().await;
    parent.order(Operation::TrapExit(true)).await;
    for reason in [Reason::Normal, error("at once")] {
        for round in 0..50 {
            let start = match &reason {
                Reason::Error(text) => failing(text),
                _ => function("nothing"),
            };
            let asked = request(start, linked(&pair.far.name), ReplyWhen::Always);
            let request = parent.reference(asked).await;
            let child = ok(request, &parent.event().await);
            assert_eq!(parent.event().await, exit(child, reason.clone()), "round {round}");
        }
    }
    nothing_came(&mut other, &mut parent).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn s07_a_request_to_another_node_is_answered_when_it_asked_for_it() {
    let mut pair = Pair::start().await;
    let (mut parent, mut other) = pair.puppets().await;
    let far = pair.far.name.clone();
    for is_there in [true, false] {
        if !is_there {
            pair.far.halt();
            pair.near.until_connected(&far, false).await;
        }
        for when in [ReplyWhen::Always, ReplyWhen::Never, ReplyWhen::Failed, ReplyWhen::Spawned] {
            for (start, fits) in [(function("nothing"), true), (Start::Command(vec![]), false)] {
                let asked = request(start, plain(&far), when);
                let request = parent.reference(asked).await;
                let succeeds = fits && is_there;
                let is_answered = match when {
                    ReplyWhen::Always => true,
                    ReplyWhen::Never => false,
                    ReplyWhen::Failed => !succeeds,
                    ReplyWhen::Spawned => succeeds,
                };
                if is_answered {
                    let Event::SpawnReply { request: of, outcome } = parent.event().await else {
                        parent.fail("something else than a reply")
                    };
                    assert_eq!((of, outcome.is_ok()), (request, succeeds), "{when:?}");
                    if !is_there {
                        assert_eq!(outcome, Err(SpawnError::Noconnection));
                    }
                } else if is_there {
                    // Another spawn is answered behind it, by the same node.
                    parent.spawned(spawn_with(function("nothing"), plain(&far))).await;
                    nothing_came(&mut other, &mut parent).await;
                } else {
                    parent.hears_nothing().await;
                }
            }
        }
    }
    parent.hears_nothing().await;
}

/// A request that is under way when the connection is lost: one reply, and the child,
/// if there is one, hears what the loss means.
#[tokio::test(flavor = "multi_thread")]
async fn s07_requests_under_way_are_answered_once_when_the_connection_is_lost() {
    let pair = Pair::start_with(|setting| setting.forwarded = true).await;
    let mut parent = pair.near.world.puppet().await;
    parent.order(Operation::TrapExit(true)).await;
    for round in 0..30 {
        pair.connect().await;
        let asked = request(function("waiter"), on(&pair.far.name, bound(b"")), ReplyWhen::Always);
        let values = batch(parent.order(Operation::Batch(vec![asked; 20])).await);
        for _ in 0..round * 20 {
            tokio::task::yield_now().await;
        }
        // Whoever of the two has dialled for it.
        pair.far.forwarder().cut();
        pair.near.forwarder().cut();
        let mut events = Vec::new();
        for value in values {
            let Value::Reference(request) = value else { panic!("{value:?}") };
            let reply = parent.event_of(Some(request)).await;
            let Event::SpawnReply { outcome, .. } = &reply else { panic!("{reply:?}") };
            match outcome {
                Ok(child) => {
                    let down = parent.event_of(Some(request)).await;
                    let Event::Down { reason: Reason::Noconnection, .. } = down else {
                        panic!("{down:?}")
                    };
                    events.push(*child);
                }
                Err(error) => assert_eq!(*error, SpawnError::Noconnection),
            }
        }
        // What is left is the exit of each child that was answered for, once.
        while let Some(event) = parent.waiting_event().await {
            let Event::Exit { sender, reason: Reason::Noconnection } = event else {
                panic!("{event:?}")
            };
            let at = events.iter().position(|child| *child == sender);
            events.remove(at.unwrap_or_else(|| panic!("another exit of {sender:?}")));
        }
        assert_eq!(events, [], "round {round}: a link did not break");
        let info = parent.itself().await;
        assert_eq!((info.links, info.monitors), (vec![], vec![]));
        // The children were linked: none lives on.
        until("the end of all children", || pair.far.world.node.actors().is_empty()).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn s09_an_argument_of_megabytes_reaches_a_child_on_another_node_intact() {
    let pair = Pair::start().await;
    let (mut parent, mut other) = pair.puppets().await;
    for (round, bytes) in [1 << 20, 2 << 20, 4 << 20].into_iter().enumerate() {
        let text: String =
            large(bytes, round).into_iter().map(|byte| char::from(byte & 0x7f)).collect();
        let spawn = spawn_with(failing(&text), monitored(&pair.far.name));
        let (child, _) = parent.spawned(spawn).await;
        let Event::Down { object, reason, .. } = parent.event().await else { unreachable!() };
        assert_eq!(object, Destination::Pid(child));
        assert!(reason == Reason::Error(text), "the child saw another argument");
    }
    nothing_came(&mut other, &mut parent).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn s09_many_arguments_of_a_command_arrive() {
    let pair = Pair::start().await;
    let (mut parent, mut other) = pair.puppets().await;
    // More than a spawn may carry ends as a typed failure, here or there.
    let arguments = vec!["x".repeat(1 << 20); 17];
    let spawn =
        Operation::SpawnWith(Module::This, Start::Command(arguments), plain(&pair.far.name));
    let refused = parent.order(spawn).await;
    assert!(matches!(refused, Value::Failed(Failure::Spawn(_))), "{refused:?}");
    nothing_came(&mut other, &mut parent).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn limits_that_a_spawn_asks_for_hold_on_the_other_node() {
    let pair = Pair::start().await;
    let (mut parent, mut other) = pair.puppets().await;
    let limits = Some(Limits { mailbox_messages_max: Some(10), ..Limits::default() });
    let options = SpawnOptions { limits, ..monitored(&pair.far.name) };
    let (child, _) = parent.spawned(spawn_with(function("waiter"), options)).await;
    let flood = Operation::Flood { to: child, messages: 200_000, bytes: 1 };
    parent.done(flood).await;
    let Event::Down { reason, .. } = parent.event().await else { unreachable!() };
    assert!(matches!(&reason, Reason::Limit(text) if text.contains("mailbox")), "{reason:?}");
    nothing_came(&mut other, &mut parent).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_makes_no_actors_for_others_says_so() {
    let pair = Pair::start_with(|setting| setting.cluster.policy.no_spawns = true).await;
    let (mut parent, mut other) = pair.puppets().await;
    let refused = parent.order(spawn_with(function("nothing"), plain(&pair.far.name))).await;
    let Value::Failed(Failure::Spawn(SpawnError::Denied(text))) = refused else {
        panic!("{refused:?}")
    };
    assert!(text.contains("makes no actors"), "{text}");
    nothing_came(&mut other, &mut parent).await;
}

/// A parent that is gone when the child comes: the child's link breaks.
#[tokio::test(flavor = "multi_thread")]
async fn a_linked_child_of_a_parent_that_ended_meanwhile_ends_too() {
    let pair = Pair::forwarded().await;
    let mut parent = pair.near.world.puppet().await;
    pair.far.forwarder().pause();
    let asked = request(function("waiter"), linked(&pair.far.name), ReplyWhen::Always);
    parent.reference(asked).await;
    parent.kill().await;
    let before = pair.far.world.node.actors_count();
    pair.far.forwarder().resume();
    let mut bystander = pair.near.world.puppet().await;
    // Answered behind the request of the dead one, on the same connection.
    let (child, _) =
        bystander.spawned(spawn_with(function("nothing"), plain(&pair.far.name))).await;
    assert_eq!(pair.far.world.node.ended(child.word()).await, odeon_core::Reason::NoProc);
    until("the end of the orphan", || pair.far.world.node.actors_count() <= before).await;
    assert_eq!(pair.far.world.node.actors(), []);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_under_way_survives_the_kill_of_others_and_fills_no_table() {
    let pair = Pair::start().await;
    let (mut parent, mut other) = pair.puppets().await;
    let spawn = spawn_with(function("nothing"), monitored(&pair.far.name));
    for _ in 0..20 {
        let values = batch(parent.order(Operation::Batch(vec![spawn.clone(); 50])).await);
        for value in values {
            let Value::Spawned { monitor: Some(monitor), .. } = value else { panic!("{value:?}") };
            let Event::Down { reason, .. } = parent.event_of(Some(monitor)).await else {
                unreachable!()
            };
            assert_eq!(reason, Reason::Normal);
        }
    }
    nothing_came(&mut other, &mut parent).await;
    let info = parent.itself().await;
    assert_eq!((info.links, info.monitors), (vec![], vec![]));
}
