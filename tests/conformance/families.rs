//! Parents and children, beyond the rows of spawning: names and relations given at
//! birth, limits of children, and what an actor tells about itself.

use odeon_tests::protocol::{
    AliasMode, Event, Failure, Module, MonitorOptions, Operation, Reason, ReplyWhen, SpawnError,
    SpawnOptions, Value,
};
use odeon_tests::{Puppet, World};

use crate::support::{
    down, function, link, message_via, monitor, no_child_is_left, receive, send, send_via,
    spawn_with,
};

fn monitored() -> SpawnOptions {
    SpawnOptions { monitor: Some(MonitorOptions::default()), ..SpawnOptions::default() }
}

fn linked() -> SpawnOptions {
    SpawnOptions { link: true, ..SpawnOptions::default() }
}

fn with_alias(mode: AliasMode) -> SpawnOptions {
    let monitor = MonitorOptions { alias: Some(mode), ..MonitorOptions::default() };
    SpawnOptions { monitor: Some(monitor), ..SpawnOptions::default() }
}

#[tokio::test]
async fn a_child_has_its_name_before_it_runs_and_a_taken_name_makes_no_child() {
    let world = World::start().await;
    let mut parent = world.puppet().await;
    let named = || SpawnOptions { name: Some("only".into()), ..linked() };
    let cradle = world.cradle();
    let (pid, _) = parent.spawned(spawn_with(cradle.start(), named())).await;
    let whereis = Operation::Whereis("only".into());
    assert_eq!(parent.order(whereis.clone()).await, Value::Pid(Some(pid)));
    let Value::Pids(before) = parent.order(Operation::List).await else { unreachable!() };
    let refused = parent.order(spawn_with(function("waiter"), named())).await;
    let is_bad_name = matches!(&refused, Value::Failed(Failure::Spawn(SpawnError::BadName(_))));
    assert!(is_bad_name, "{refused:?}");
    let Value::Pids(after) = parent.order(Operation::List).await else { unreachable!() };
    assert_eq!(before, after, "a child was left");
    assert_eq!(parent.itself().await.links, [pid]);
    let child = cradle.puppet().await;
    assert_eq!(child.pid, pid);
    parent.done(Operation::Unlink(pid)).await;
    child.kill().await;
    assert_eq!(parent.order(whereis).await, Value::Pid(None));
}

/// A limit of two children, for the puppet that is given.
async fn with_two_children(world: &World) -> Puppet {
    world.puppet_with(|spawn| spawn.limits.children = Some(2)).await
}

fn is_full(value: &Value) -> bool {
    matches!(
        value,
        Value::Failed(Failure::Spawn(SpawnError::SystemLimit(text))) if text.contains("children-max")
    )
}

#[tokio::test]
async fn an_actor_has_as_many_children_as_it_may_their_own_included() {
    let world = World::start().await;
    let mut parent = with_two_children(&world).await;
    let cradle = world.cradle();
    let child = spawn_with(cradle.start(), SpawnOptions::default());
    parent.spawned(child).await;
    let mut child = cradle.puppet().await;
    let cradle = world.cradle();
    child.spawned(spawn_with(cradle.start(), SpawnOptions::default())).await;
    let grandchild = cradle.puppet().await;
    let one_more = || Operation::Spawn(Module::This, function("waiter"));
    for puppet in [&mut parent, &mut child] {
        let refused = puppet.order(one_more()).await;
        assert!(is_full(&refused), "{refused:?}");
    }
    grandchild.kill().await;
    parent.spawned(one_more()).await;
}

#[tokio::test]
async fn the_place_of_a_child_is_free_when_down_comes() {
    let world = World::start().await;
    let mut parent = with_two_children(&world).await;
    let child = || spawn_with(function("nothing"), monitored());
    parent.spawned(child()).await;
    parent.spawned(child()).await;
    for round in 0..500 {
        let Value::Batch(values) = parent.order(Operation::Batch(vec![receive(), child()])).await
        else {
            unreachable!()
        };
        let is_child = matches!(values[1], Value::Spawned { .. });
        assert!(is_child, "round {round}: {values:?}");
    }
}

#[tokio::test]
async fn a_spawn_that_failed_takes_no_child_s_place() {
    let world = World::start().await;
    let mut parent = with_two_children(&world).await;
    parent.done(Operation::Register("taken".into(), parent.pid)).await;
    let named = SpawnOptions { name: Some("taken".into()), ..SpawnOptions::default() };
    for _ in 0..5 {
        let refused = parent.order(spawn_with(function("waiter"), named.clone())).await;
        let is_bad_name = matches!(&refused, Value::Failed(Failure::Spawn(SpawnError::BadName(_))));
        assert!(is_bad_name, "{refused:?}");
    }
    for _ in 0..2 {
        parent.spawned(Operation::Spawn(Module::This, function("waiter"))).await;
    }
}

#[tokio::test]
async fn a_child_can_answer_through_the_monitor_that_it_was_born_with() {
    let world = World::start().await;
    let mut parent = world.puppet().await;
    let cradle = world.cradle();
    let child = spawn_with(cradle.start(), with_alias(AliasMode::ReplyDemonitor));
    let (pid, alias) = parent.spawned(child).await;
    let alias = alias.expect("it was asked for");
    let mut child = cradle.puppet().await;
    child.done(send_via(alias, b"answer")).await;
    child.done(send_via(alias, b"too much")).await;
    assert_eq!(parent.event().await, message_via(pid, alias, b"answer"));
    assert_eq!(child.itself().await.monitored_by, []);
    child.kill().await;
    parent.hears_nothing().await;
}

#[tokio::test]
async fn the_alias_of_a_spawn_request_is_active_when_the_spawn_succeeded() {
    let world = World::start().await;
    let [mut parent, mut sender] = world.puppets().await;
    let options = with_alias(AliasMode::Demonitor);
    let cradle = world.cradle();
    let asked =
        Operation::SpawnRequest(Module::This, cradle.start(), options.clone(), ReplyWhen::Always);
    let request = parent.reference(asked).await;
    assert!(matches!(parent.event().await, Event::SpawnReply { outcome: Ok(_), .. }));
    sender.done(send_via(request, b"active")).await;
    assert_eq!(parent.event().await, message_via(sender.pid, request, b"active"));
    let child = cradle.puppet().await;
    child.kill().await;
    assert_eq!(parent.event().await, down(request, child.pid, Reason::Killed));
    sender.done(send_via(request, b"ended with the monitor")).await;
    // And never, when there is no child.
    let missing = Module::Name("no-such-module".into());
    let asked = Operation::SpawnRequest(missing, function("nothing"), options, ReplyWhen::Always);
    let request = parent.reference(asked).await;
    assert!(matches!(parent.event().await, Event::SpawnReply { outcome: Err(_), .. }));
    sender.done(send_via(request, b"nobody")).await;
    parent.hears_nothing().await;
    assert!(!parent.yes(Operation::Unalias(request)).await);
}

#[tokio::test]
async fn an_actor_tells_what_it_is_and_what_it_has_to_do_with_others() {
    let world = World::start().await;
    let [mut parent, mut asker] = world.puppets().await;
    let cradle = world.cradle();
    let options = SpawnOptions { name: Some("child".into()), ..linked() };
    let (pid, _) = parent.spawned(spawn_with(cradle.start(), options)).await;
    let mut child = cradle.puppet().await;
    child.order(Operation::TrapExit(true)).await;
    child.reference(monitor(asker.pid)).await;
    asker.reference(monitor(pid)).await;
    asker.done(link(pid)).await;
    asker.done(send(pid, b"waits")).await;
    asker.done(send(pid, b"waits")).await;
    let info = asker.look(pid).await.expect("it lives");
    assert_eq!(info.pid, pid);
    assert_eq!(info.name.as_deref(), Some("child"));
    assert_eq!((info.module.as_str(), info.start.as_str()), ("conformance", "puppet"));
    assert_eq!(info.parent, Some(parent.pid));
    assert_eq!(parent.itself().await.parent, None, "it was made from outside");
    assert!(info.trap_exit);
    assert_eq!(info.mailbox_messages, 2);
    assert!(info.memory_bytes > 0);
    assert_eq!(info.links, [parent.pid, asker.pid]);
    let watched = odeon_tests::protocol::Destination::Pid(asker.pid);
    assert_eq!((info.monitors, info.monitored_by), (vec![watched], vec![asker.pid]));
    assert!(!child.itself().await.is_waiting, "it runs when it asks about itself");
    child.kill().await;
}

/// A parent that is killed while it makes children leaves none that it is linked with.
#[tokio::test]
async fn no_linked_child_outlives_a_parent_that_is_killed_while_it_spawns() {
    let world = World::start().await;
    let mut observer = world.puppet().await;
    let direct = spawn_with(function("waiter"), linked());
    let requested =
        Operation::SpawnRequest(Module::This, function("waiter"), linked(), ReplyWhen::Never);
    for spawn in [direct, requested] {
        for round in 0..20 {
            let mut parent = world.puppet().await;
            parent.tell(Operation::Repeat(500, Box::new(spawn.clone())));
            // So that the kill comes at another moment of the work each time.
            observer.order(Operation::Work(round * 20_000)).await;
            parent.kill().await;
            no_child_is_left(&world, parent.pid).await;
        }
    }
}
