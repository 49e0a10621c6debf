//! Aliases, names and priority between nodes (rows A).

use odeon_tests::cluster::Pair;
use odeon_tests::protocol::{
    AliasMode, Destination, Event, MonitorOptions, Operation, Reason, Reference, SendOptions,
};

use crate::common::{nothing_came, send_at, settle};
use crate::support::{
    demonitor, down, error, exit, link, message, message_via, send, send_urgently, send_via,
};

const EXPLICIT: Operation = Operation::Alias { reply: false, priority: false };
const REPLY: Operation = Operation::Alias { reply: true, priority: false };
const URGENT: Operation = Operation::Alias { reply: false, priority: true };

#[tokio::test(flavor = "multi_thread")]
async fn a01_messages_of_another_node_pass_an_alias_until_it_is_ended() {
    let pair = Pair::start().await;
    let (mut owner, mut sender) = pair.puppets().await;
    let alias = owner.reference(EXPLICIT).await;
    for body in [b"1", b"2"] {
        sender.done(send_via(alias, body)).await;
        assert_eq!(owner.event().await, message_via(sender.pid, alias, body));
    }
    assert!(owner.yes(Operation::Unalias(alias)).await);
    sender.done(send_via(alias, b"dropped")).await;
    sender.done(send_via(alias, b"dropped")).await;
    nothing_came(&mut sender, &mut owner).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a01_the_first_message_of_another_node_ends_a_reply_alias() {
    let pair = Pair::start().await;
    let (mut owner, mut sender) = pair.puppets().await;
    for _ in 0..20 {
        let alias = owner.reference(REPLY).await;
        for body in [b"1", b"2", b"3", b"4"] {
            sender.done(send_via(alias, body)).await;
        }
        assert_eq!(owner.event().await, message_via(sender.pid, alias, b"1"));
        nothing_came(&mut sender, &mut owner).await;
        assert!(!owner.yes(Operation::Unalias(alias)).await, "the message ended it");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_alias_of_a_monitor_works_for_the_monitored_actor_of_another_node() {
    let pair = Pair::start().await;
    let (mut watcher, mut target) = pair.puppets().await;
    let options =
        MonitorOptions { alias: Some(AliasMode::ReplyDemonitor), ..MonitorOptions::default() };
    let watch = Operation::Monitor(Destination::Pid(target.pid), options.clone());
    let alias = watcher.reference(watch.clone()).await;
    settle(&mut watcher, &mut target).await;
    target.done(send_via(alias, b"reply")).await;
    target.done(send_via(alias, b"too much")).await;
    assert_eq!(watcher.event().await, message_via(target.pid, alias, b"reply"));
    settle(&mut target, &mut watcher).await;
    assert_eq!(target.itself().await.monitored_by, []);
    // Ended before the reply: nothing arrives.
    let alias = watcher.reference(watch).await;
    assert!(watcher.yes(demonitor(alias)).await);
    target.done(send_via(alias, b"late")).await;
    nothing_came(&mut target, &mut watcher).await;
    target.kill().await;
    watcher.hears_nothing().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_alias_of_a_dead_or_unknown_incarnation_drops_what_is_sent() {
    let mut pair = Pair::start().await;
    let (mut sender, mut owner) = pair.puppets().await;
    let alias = owner.reference(EXPLICIT).await;
    sender.done(send_via(alias, b"there")).await;
    assert_eq!(owner.event().await, message_via(sender.pid, alias, b"there"));
    pair.restart_far(|_| {}).await;
    pair.until_connected_again().await;
    let mut now = pair.far.world.puppet().await;
    let same_serial = now.reference(EXPLICIT).await;
    sender.done(send_via(alias, b"nobody")).await;
    let of_now = Reference { node: alias.node, serial: same_serial.serial };
    sender.done(send_via(of_now, b"nobody")).await;
    let nowhere = Reference { node: alias.node ^ 1, serial: alias.serial };
    sender.done(send_via(nowhere, b"nobody")).await;
    nothing_came(&mut sender, &mut now).await;
    sender.hears_nothing().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a06_priority_messages_of_another_node_overtake_at_a_priority_alias() {
    let pair = Pair::start().await;
    let (mut owner, mut sender) = pair.puppets().await;
    let [urgent, plain] = [owner.reference(URGENT).await, owner.reference(EXPLICIT).await];
    sender.done(send(owner.pid, b"ordinary")).await;
    sender.done(send_via(urgent, b"not asked for")).await;
    sender.done(send_urgently(plain, b"not allowed")).await;
    let to_pid = SendOptions { priority: true, ..SendOptions::default() };
    let to_pid = Operation::SendTo(Destination::Pid(owner.pid), b"to a pid".to_vec(), to_pid);
    sender.done(to_pid).await;
    sender.done(send_urgently(urgent, b"first")).await;
    sender.done(send_urgently(urgent, b"second")).await;
    let last = owner.reference(EXPLICIT).await;
    sender.done(send_via(last, b"last")).await;
    assert_eq!(owner.event_of(Some(last)).await, message_via(sender.pid, last, b"last"));
    let expected: [&[u8]; 6] =
        [b"first", b"second", b"ordinary", b"not asked for", b"not allowed", b"to a pid"];
    for expected in expected {
        let Event::Message { body, .. } = owner.event().await else { unreachable!() };
        assert_eq!(body, expected);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a06_down_and_exit_of_another_node_with_priority_overtake() {
    let pair = Pair::start().await;
    let (mut owner, mut sender) = pair.puppets().await;
    owner.order(Operation::TrapExit(true)).await;
    let flag = owner.reference(EXPLICIT).await;
    for priority in [true, false] {
        let [mut watched, mut linked] = pair.far.world.puppets().await;
        let options = MonitorOptions { priority, ..MonitorOptions::default() };
        let watch = Operation::Monitor(Destination::Pid(watched.pid), options);
        let monitor = owner.reference(watch).await;
        owner.done(Operation::Link { to: linked.pid, priority }).await;
        settle(&mut owner, &mut watched).await;
        settle(&mut owner, &mut linked).await;
        sender.done(send(owner.pid, b"ordinary")).await;
        settle_via(&mut sender, &mut owner, flag).await;
        watched.kill().await;
        linked.kill().await;
        settle_via(&mut sender, &mut owner, flag).await;
        let mut both =
            vec![down(monitor, watched.pid, Reason::Killed), exit(linked.pid, Reason::Killed)];
        both.insert(if priority { 2 } else { 0 }, message(sender.pid, b"ordinary"));
        let mut events = Vec::new();
        for _ in 0..3 {
            events.push(owner.event().await);
        }
        assert_eq!(events, both, "priority: {priority}");
    }
    owner.hears_nothing().await;
}

/// What was sent from the sender's node before is in the owner's mailbox afterwards.
async fn settle_via(
    sender: &mut odeon_tests::Puppet,
    owner: &mut odeon_tests::Puppet,
    flag: Reference,
) {
    sender.done(send_via(flag, b"flag")).await;
    owner.event_of(Some(flag)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a06_an_exit_signal_of_another_node_to_a_priority_alias_overtakes() {
    let pair = Pair::start().await;
    let (mut owner, mut sender) = pair.puppets().await;
    owner.order(Operation::TrapExit(true)).await;
    let urgent = owner.reference(URGENT).await;
    let flag = owner.reference(EXPLICIT).await;
    let signal =
        |text: &str, priority| Operation::ExitAlias { to: urgent, reason: error(text), priority };
    sender.done(send(owner.pid, b"ordinary")).await;
    sender.done(signal("later", false)).await;
    sender.done(signal("first", true)).await;
    settle_via(&mut sender, &mut owner, flag).await;
    assert_eq!(owner.event().await, exit(sender.pid, error("first")));
    assert_eq!(owner.event().await, message(sender.pid, b"ordinary"));
    assert_eq!(owner.event().await, exit(sender.pid, error("later")));
    assert!(owner.yes(Operation::Unalias(urgent)).await);
    sender.done(signal("dropped", true)).await;
    nothing_came(&mut sender, &mut owner).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_of_another_node_without_priority_clears_the_former_one_s() {
    let pair = Pair::start().await;
    let (mut owner, mut linked) = pair.puppets().await;
    owner.order(Operation::TrapExit(true)).await;
    owner.done(Operation::Link { to: linked.pid, priority: true }).await;
    owner.done(link(linked.pid)).await;
    settle(&mut owner, &mut linked).await;
    owner.done(send(owner.pid, b"ordinary")).await;
    linked.kill().await;
    assert_eq!(owner.event().await, message(owner.pid, b"ordinary"));
    assert_eq!(owner.event().await, exit(linked.pid, Reason::Killed));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_of_another_node_leads_to_whoever_has_it_when_the_message_comes() {
    let pair = Pair::start().await;
    let (mut sender, mut first) = pair.puppets().await;
    let mut second = pair.far.world.puppet().await;
    let far = &pair.far.name;
    sender.done(send_at(far, "name", b"nobody")).await;
    nothing_came(&mut sender, &mut first).await;
    first.done(Operation::Register("name".into(), first.pid)).await;
    sender.done(send_at(far, "name", b"first")).await;
    assert_eq!(first.event().await, message(sender.pid, b"first"));
    assert!(first.yes(Operation::Unregister("name".into())).await);
    first.done(Operation::Register("name".into(), second.pid)).await;
    sender.done(send_at(far, "name", b"second")).await;
    assert_eq!(second.event().await, message(sender.pid, b"second"));
    // A name that nobody can have is nobody's, and is no error.
    sender.done(send_at(far, "undefined", b"x")).await;
    sender.done(send_at(far, &"x".repeat(256), b"x")).await;
    nothing_came(&mut sender, &mut first).await;
    // An actor of another node cannot be registered here.
    let taken = sender.order(Operation::Register("name".into(), first.pid)).await;
    assert!(matches!(taken, odeon_tests::protocol::Value::Failed(_)), "{taken:?}");
}
