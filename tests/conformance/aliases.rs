//! Aliases, names and priority (rows A).

use odeon_tests::protocol::{
    AliasMode, Destination, Event, Failure, MonitorOptions, Operation, Pid, Reason, Reference,
    RegisterError, SendError, SendOptions, Value,
};
use odeon_tests::{Puppet, World};

use crate::support::{
    demonitor, down, error, exit, link, message, message_via, send, send_urgently, send_via,
};

const EXPLICIT: Operation = Operation::Alias { reply: false, priority: false };
const REPLY: Operation = Operation::Alias { reply: true, priority: false };
const URGENT: Operation = Operation::Alias { reply: false, priority: true };

async fn monitor_with(watcher: &mut Puppet, of: Pid, options: MonitorOptions) -> Reference {
    watcher.reference(Operation::Monitor(Destination::Pid(of), options)).await
}

fn with_alias(mode: AliasMode) -> MonitorOptions {
    MonitorOptions { alias: Some(mode), ..MonitorOptions::default() }
}

/// The bodies of all messages that wait, in the order in which they are read.
async fn bodies(puppet: &mut Puppet) -> Vec<Vec<u8>> {
    let mut bodies = Vec::new();
    while let Some(event) = puppet.waiting_event().await {
        match event {
            Event::Message { body, .. } => bodies.push(body),
            other => puppet.fail(&format!("{other:?} instead of messages alone")),
        }
    }
    bodies
}

#[tokio::test]
async fn a01_messages_pass_an_alias_until_it_is_ended() {
    let world = World::start().await;
    let [mut owner, mut sender] = world.puppets().await;
    let alias = owner.reference(EXPLICIT).await;
    sender.done(send_via(alias, b"1")).await;
    sender.done(send_via(alias, b"2")).await;
    assert_eq!(owner.event().await, message_via(sender.pid, alias, b"1"));
    sender.done(send_via(alias, b"3")).await;
    assert!(owner.yes(Operation::Unalias(alias)).await);
    sender.done(send_via(alias, b"dropped")).await;
    sender.done(send_via(alias, b"dropped")).await;
    // What waited already stays.
    assert_eq!(bodies(&mut owner).await, [b"2", b"3"]);
    assert!(!owner.yes(Operation::Unalias(alias)).await, "it is ended");
    owner.hears_nothing().await;
}

#[tokio::test]
async fn a01_the_first_message_ends_a_reply_alias() {
    let world = World::start().await;
    let [mut owner, mut sender] = world.puppets().await;
    let alias = owner.reference(REPLY).await;
    for body in [b"1", b"2", b"3", b"4"] {
        sender.done(send_via(alias, body)).await;
    }
    assert_eq!(owner.event().await, message_via(sender.pid, alias, b"1"));
    owner.hears_nothing().await;
    assert!(!owner.yes(Operation::Unalias(alias)).await, "the message ended it");
}

#[tokio::test]
async fn only_the_owner_ends_an_alias_and_it_dies_with_the_owner() {
    let world = World::start().await;
    let [mut owner, mut sender] = world.puppets().await;
    let alias = owner.reference(EXPLICIT).await;
    assert!(!sender.yes(Operation::Unalias(alias)).await, "it is not its alias");
    sender.done(send_via(alias, b"still")).await;
    assert_eq!(owner.event().await, message_via(sender.pid, alias, b"still"));
    owner.kill().await;
    sender.done(send_via(alias, b"nobody")).await;
    let nowhere = Reference { node: alias.node ^ 1, serial: alias.serial };
    sender.done(send_via(nowhere, b"nobody")).await;
    sender.hears_nothing().await;
}

#[tokio::test]
async fn an_alias_of_a_monitor_ends_as_its_mode_says() {
    let world = World::start().await;
    let [mut watcher, mut sender] = world.puppets().await;
    for mode in [AliasMode::Explicit, AliasMode::Demonitor, AliasMode::ReplyDemonitor] {
        // Ended by demonitor, or by the end of the target.
        for by_down in [false, true] {
            let target = world.puppet().await;
            let alias = monitor_with(&mut watcher, target.pid, with_alias(mode)).await;
            if by_down {
                target.kill().await;
                assert_eq!(watcher.event().await, down(alias, target.pid, Reason::Killed));
            } else {
                assert!(watcher.yes(demonitor(alias)).await);
            }
            sender.done(send_via(alias, b"after")).await;
            let stays = mode == AliasMode::Explicit;
            let expected = stays.then(|| message_via(sender.pid, alias, b"after"));
            assert_eq!(watcher.waiting_event().await, expected, "{mode:?}, by down: {by_down}");
            assert_eq!(watcher.yes(Operation::Unalias(alias)).await, stays);
        }
    }
}

#[tokio::test]
async fn the_first_message_through_a_reply_monitor_ends_alias_and_monitor() {
    let world = World::start().await;
    let [mut watcher, mut target] = world.puppets().await;
    let alias = monitor_with(&mut watcher, target.pid, with_alias(AliasMode::ReplyDemonitor)).await;
    target.done(send_via(alias, b"reply")).await;
    target.done(send_via(alias, b"too much")).await;
    assert_eq!(watcher.event().await, message_via(target.pid, alias, b"reply"));
    assert_eq!(target.itself().await.monitored_by, []);
    target.kill().await;
    watcher.hears_nothing().await;
    assert!(!watcher.yes(demonitor(alias)).await);
}

#[tokio::test]
async fn the_end_of_an_alias_leaves_its_monitor() {
    let world = World::start().await;
    let [mut watcher, mut target] = world.puppets().await;
    for mode in [AliasMode::Explicit, AliasMode::Demonitor] {
        let alias = monitor_with(&mut watcher, target.pid, with_alias(mode)).await;
        target.done(send_via(alias, b"many")).await;
        target.done(send_via(alias, b"many")).await;
        assert_eq!(bodies(&mut watcher).await.len(), 2, "{mode:?}");
        assert!(watcher.yes(Operation::Unalias(alias)).await);
        target.done(send_via(alias, b"dropped")).await;
        assert_eq!(watcher.waiting_event().await, None);
    }
    target.kill().await;
    for _ in 0..2 {
        assert!(matches!(watcher.event().await, Event::Down { reason: Reason::Killed, .. }));
    }
    watcher.hears_nothing().await;
}

#[tokio::test]
async fn a04_a_name_that_cannot_be_given_is_refused_with_the_reason() {
    let world = World::start().await;
    let [mut one, other, dead] = world.puppets().await;
    dead.kill().await;
    let nowhere = Pid { node: one.pid.node ^ 1, serial: one.pid.serial };
    let long = "x".repeat(256);
    let refusals = [
        ("", one.pid, RegisterError::BadName),
        ("undefined", one.pid, RegisterError::BadName),
        (&long, one.pid, RegisterError::BadName),
        ("name", dead.pid, RegisterError::Noproc),
        ("name", nowhere, RegisterError::Noproc),
    ];
    for (name, pid, error) in refusals {
        let refused = one.order(Operation::Register(name.into(), pid)).await;
        assert_eq!(refused, Value::Failed(Failure::Register(error)), "{name:?} of {pid:?}");
    }
    assert_eq!(one.order(Operation::Registered).await, Value::Names(vec![]));
    one.done(Operation::Register("x".repeat(255), one.pid)).await;
    let refused = one.order(Operation::Register("second".into(), one.pid)).await;
    assert_eq!(refused, Value::Failed(Failure::Register(RegisterError::Named)));
    let refused = one.order(Operation::Register("x".repeat(255), other.pid)).await;
    assert_eq!(refused, Value::Failed(Failure::Register(RegisterError::Taken)));
    assert!(one.yes(Operation::Unregister("x".repeat(255))).await);
    assert!(!one.yes(Operation::Unregister("x".repeat(255))).await, "nobody has it");
}

#[tokio::test]
async fn a_name_leads_to_its_actor_until_it_is_taken_away() {
    let world = World::start().await;
    let [mut one, mut other] = world.puppets().await;
    one.done(Operation::Register("b".into(), one.pid)).await;
    one.done(Operation::Register("a".into(), other.pid)).await;
    let both = Value::Names(vec!["a".into(), "b".into()]);
    assert_eq!(one.order(Operation::Registered).await, both);
    let whereis = |name: &str| Operation::Whereis(name.into());
    assert_eq!(one.order(whereis("a")).await, Value::Pid(Some(other.pid)));
    assert_eq!(one.look(other.pid).await.expect("it lives").name.as_deref(), Some("a"));
    let by_name = |name: &str| {
        let to = Destination::Name(name.into());
        Operation::SendTo(to, b"hello".to_vec(), SendOptions::default())
    };
    one.done(by_name("a")).await;
    assert_eq!(other.event().await, message(one.pid, b"hello"));
    assert!(one.yes(Operation::Unregister("a".into())).await);
    assert_eq!(one.order(whereis("a")).await, Value::Pid(None));
    let no_name = Value::Failed(Failure::Send(SendError::NoName));
    assert_eq!(one.order(by_name("a")).await, no_name, "a missing local name is told");
    assert_eq!(other.itself().await.name, None);
    other.hears_nothing().await;
}

#[tokio::test]
async fn d04_a_send_to_a_missing_name_with_its_node_is_dropped() {
    let world = World::start().await;
    let mut sender = world.puppet().await;
    for node in [world.node.name(), "nowhere@localhost"] {
        let to = Destination::NodeName { name: "missing".into(), node: node.into() };
        let missing = Operation::SendTo(to, b"x".to_vec(), SendOptions::default());
        sender.done(Operation::Repeat(4096, Box::new(missing))).await;
    }
    sender.hears_nothing().await;
}

#[tokio::test]
async fn a06_a_priority_message_to_a_priority_alias_overtakes() {
    let world = World::start().await;
    let [mut owner, mut sender] = world.puppets().await;
    let [urgent, plain] = [owner.reference(URGENT).await, owner.reference(EXPLICIT).await];
    sender.done(send(owner.pid, b"ordinary")).await;
    sender.done(send_via(urgent, b"not asked for")).await;
    sender.done(send_urgently(plain, b"not allowed")).await;
    let to_pid = SendOptions { priority: true, ..SendOptions::default() };
    let to_pid = Operation::SendTo(Destination::Pid(owner.pid), b"to a pid".to_vec(), to_pid);
    sender.done(to_pid).await;
    sender.done(send_urgently(urgent, b"first")).await;
    sender.done(send_urgently(urgent, b"second")).await;
    let expected: [&[u8]; 6] =
        [b"first", b"second", b"ordinary", b"not asked for", b"not allowed", b"to a pid"];
    assert_eq!(bodies(&mut owner).await, expected);
}

#[tokio::test]
async fn a06_down_and_exit_events_with_priority_overtake() {
    let world = World::start().await;
    let [mut owner, mut sender] = world.puppets().await;
    owner.order(Operation::TrapExit(true)).await;
    for priority in [true, false] {
        let [watched, linked] = world.puppets().await;
        let options = MonitorOptions { priority, ..MonitorOptions::default() };
        let monitor = monitor_with(&mut owner, watched.pid, options).await;
        owner.done(Operation::Link { to: linked.pid, priority }).await;
        sender.done(send(owner.pid, b"ordinary")).await;
        watched.kill().await;
        linked.kill().await;
        let mut expected =
            vec![down(monitor, watched.pid, Reason::Killed), exit(linked.pid, Reason::Killed)];
        expected.insert(if priority { 2 } else { 0 }, message(sender.pid, b"ordinary"));
        for event in expected {
            assert_eq!(owner.event().await, event, "priority: {priority}");
        }
    }
    owner.hears_nothing().await;
}

#[tokio::test]
async fn a06_a_link_without_priority_clears_the_former_one_s() {
    let world = World::start().await;
    let [mut owner, linked] = world.puppets().await;
    owner.order(Operation::TrapExit(true)).await;
    owner.done(Operation::Link { to: linked.pid, priority: true }).await;
    owner.done(link(linked.pid)).await;
    owner.done(send(owner.pid, b"ordinary")).await;
    linked.kill().await;
    assert_eq!(owner.event().await, message(owner.pid, b"ordinary"));
    assert_eq!(owner.event().await, exit(linked.pid, Reason::Killed));
}

#[tokio::test]
async fn a06_an_exit_signal_to_a_priority_alias_overtakes() {
    let world = World::start().await;
    let [mut owner, mut sender] = world.puppets().await;
    owner.order(Operation::TrapExit(true)).await;
    let urgent = owner.reference(URGENT).await;
    let signal =
        |text: &str, priority| Operation::ExitAlias { to: urgent, reason: error(text), priority };
    sender.done(send(owner.pid, b"ordinary")).await;
    sender.done(signal("later", false)).await;
    sender.done(signal("first", true)).await;
    assert_eq!(owner.event().await, exit(sender.pid, error("first")));
    assert_eq!(owner.event().await, message(sender.pid, b"ordinary"));
    assert_eq!(owner.event().await, exit(sender.pid, error("later")));
    // An alias that is ended takes no exit signals either.
    assert!(owner.yes(Operation::Unalias(urgent)).await);
    sender.done(signal("dropped", true)).await;
    owner.hears_nothing().await;
}

#[tokio::test]
async fn an_event_is_found_by_its_reference_and_the_others_keep_their_order() {
    let world = World::start().await;
    let [mut owner, mut sender] = world.puppets().await;
    let alias = owner.reference(EXPLICIT).await;
    let order: [(&[u8], bool); 5] =
        [(b"1", false), (b"a", true), (b"2", false), (b"b", true), (b"3", false)];
    for (body, via) in order {
        let sent = if via { send_via(alias, body) } else { send(owner.pid, body) };
        sender.done(sent).await;
    }
    assert_eq!(owner.event_of(Some(alias)).await, message_via(sender.pid, alias, b"a"));
    assert_eq!(owner.event().await, message(sender.pid, b"1"));
    assert_eq!(owner.event_of(Some(alias)).await, message_via(sender.pid, alias, b"b"));
    let nothing = Operation::Receive { of: Some(alias), timeout_ms: Some(0) };
    assert_eq!(owner.order(nothing).await, Value::Event(None));
    assert_eq!(bodies(&mut owner).await, [b"2", b"3"]);
}
