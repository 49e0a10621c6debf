//! Several messages received at once.

use odeon_tests::protocol::{Event, Operation, Value};
use odeon_tests::{Puppet, RECEIVE_MS, World};

use crate::support::{message, message_via, send, send_urgently, send_via};

async fn messages(puppet: &mut Puppet, max_count: u32, max_bytes: u32) -> Vec<Event> {
    let timeout_ms = Some(RECEIVE_MS);
    at_once(puppet, Operation::ReceiveMessages { max_count, max_bytes, timeout_ms }).await
}

async fn at_once(puppet: &mut Puppet, operation: Operation) -> Vec<Event> {
    match puppet.order(operation).await {
        Value::Events(events) => events,
        other => puppet.fail(&format!("{other:?} instead of messages")),
    }
}

#[tokio::test]
async fn messages_come_together_in_order_within_both_limits() {
    let world = World::start().await;
    let [mut owner, mut one, mut two] = world.puppets().await;
    one.done(send(owner.pid, b"1234567")).await;
    two.done(send(owner.pid, b"")).await;
    one.done(send(owner.pid, b"89")).await;
    one.done(send(owner.pid, b"abc")).await;
    // The first is longer than what was asked for, and comes alone.
    assert_eq!(messages(&mut owner, 9, 6).await, [message(one.pid, b"1234567")]);
    assert_eq!(messages(&mut owner, 9, 4).await, [message(two.pid, b""), message(one.pid, b"89"),]);
    two.done(send(owner.pid, b"d")).await;
    two.done(send(owner.pid, b"e")).await;
    assert_eq!(
        messages(&mut owner, 2, 100).await,
        [message(one.pid, b"abc"), message(two.pid, b"d"),]
    );
    assert_eq!(messages(&mut owner, 2, 100).await, [message(two.pid, b"e")]);
    owner.hears_nothing().await;
}

#[tokio::test]
async fn another_event_ends_the_messages_and_stays() {
    let world = World::start().await;
    let [mut owner, mut sender] = world.puppets().await;
    let alias = owner.reference(Operation::Alias { reply: false, priority: false }).await;
    sender.done(send(owner.pid, b"1")).await;
    sender.done(send_via(alias, b"2")).await;
    sender.done(send(owner.pid, b"3")).await;
    assert_eq!(messages(&mut owner, 9, 100).await, [message(sender.pid, b"1")]);
    assert_eq!(messages(&mut owner, 9, 100).await, [], "an event of another kind is the oldest");
    assert_eq!(owner.event().await, message_via(sender.pid, alias, b"2"));
    assert_eq!(messages(&mut owner, 9, 100).await, [message(sender.pid, b"3")]);
    for timeout_ms in [0, 1] {
        let look = Operation::ReceiveMessages {
            max_count: 9,
            max_bytes: 100,
            timeout_ms: Some(timeout_ms),
        };
        assert_eq!(at_once(&mut owner, look).await, [], "the time is over");
    }
}

#[tokio::test]
async fn who_may_be_overtaken_gets_one_message_at_a_time() {
    let world = World::start().await;
    let [mut owner, mut sender] = world.puppets().await;
    let alias = owner.reference(Operation::Alias { reply: false, priority: true }).await;
    sender.done(send(owner.pid, b"1")).await;
    sender.done(send(owner.pid, b"2")).await;
    assert_eq!(messages(&mut owner, 9, 100).await, [message(sender.pid, b"1")]);
    sender.done(send_urgently(alias, b"!")).await;
    assert_eq!(messages(&mut owner, 9, 100).await, []);
    assert_eq!(owner.event().await, message_via(sender.pid, alias, b"!"));
    assert_eq!(messages(&mut owner, 9, 100).await, [message(sender.pid, b"2")]);
}

#[tokio::test]
async fn a_receive_of_messages_waits_for_the_first() {
    let world = World::start().await;
    let [mut owner, mut sender] = world.puppets().await;
    let wait = Operation::ReceiveMessages { max_count: 9, max_bytes: 100, timeout_ms: None };
    let given = owner.begin(wait);
    sender.done(send(owner.pid, b"1")).await;
    match owner.finish(given).await {
        Value::Events(events) => assert_eq!(events, [message(sender.pid, b"1")]),
        other => owner.fail(&format!("{other:?} instead of messages")),
    }
}
