//! Timers, and waiting with a time (no rows of the catalogue; `wit/timers.wit`).

use odeon_tests::World;
use odeon_tests::protocol::{Destination, Event, Failure, Operation, Pid, Reason, Value};

use crate::support::{message, message_via, send};

/// Long enough that it does not run out in a test.
const NEVER_MS: u64 = 3_600_000;

fn later(after_ms: u64, to: Destination, body: &[u8]) -> Operation {
    Operation::SendAfter { after_ms, to, body: body.to_vec() }
}

#[tokio::test]
async fn a_timer_that_runs_out_is_one_event_and_not_before_its_time() {
    let world = World::start().await;
    let mut puppet = world.puppet().await;
    let started = puppet.order(Operation::Now).await;
    let timer = puppet.reference(Operation::StartTimer(20)).await;
    assert_eq!(puppet.event_of(Some(timer)).await, Event::Timeout(timer));
    let ended = puppet.order(Operation::Now).await;
    let (Value::Number(Some(started)), Value::Number(Some(ended))) = (started, ended) else {
        unreachable!()
    };
    assert!(ended - started >= 20_000_000, "{} ns", ended - started);
    assert_eq!(puppet.order(Operation::CancelTimer(timer)).await, Value::Number(None));
    puppet.hears_nothing().await;
}

#[tokio::test]
async fn a_timer_that_is_cancelled_says_what_was_left_and_never_fires() {
    let world = World::start().await;
    let [mut puppet, mut other] = world.puppets().await;
    let timer = puppet.reference(Operation::StartTimer(NEVER_MS)).await;
    let foreign = other.order(Operation::CancelTimer(timer)).await;
    assert_eq!(foreign, Value::Number(None), "it is not its timer");
    let Value::Number(Some(left)) = puppet.order(Operation::CancelTimer(timer)).await else {
        puppet.fail("nothing was left of an hour")
    };
    assert!(left <= NEVER_MS && left > NEVER_MS - 60_000, "{left} ms");
    assert_eq!(puppet.order(Operation::CancelTimer(timer)).await, Value::Number(None));
    let short = puppet.reference(Operation::StartTimer(1)).await;
    if puppet.order(Operation::CancelTimer(short)).await == Value::Number(None) {
        assert_eq!(puppet.event().await, Event::Timeout(short), "it ran out and stays");
    }
    puppet.hears_nothing().await;
}

#[tokio::test]
async fn a_message_of_the_future_reaches_a_pid_a_name_and_an_alias() {
    let world = World::start().await;
    let [mut sender, mut target] = world.puppets().await;
    let alias = target.reference(Operation::Alias { reply: false, priority: false }).await;
    target.done(Operation::Register("target".into(), target.pid)).await;
    let node = world.node.name().to_owned();
    let ways = [
        (Destination::Pid(target.pid), message(sender.pid, b"x")),
        (Destination::Name("target".into()), message(sender.pid, b"x")),
        (Destination::NodeName { name: "target".into(), node }, message(sender.pid, b"x")),
        (Destination::Alias(alias), message_via(sender.pid, alias, b"x")),
    ];
    for (to, expected) in ways {
        sender.reference(later(1, to, b"x")).await;
        assert_eq!(target.event().await, expected);
    }
    // To nobody it is dropped.
    let nowhere = Pid { node: sender.pid.node ^ 1, serial: 1 };
    for to in [Destination::Pid(nowhere), Destination::Name("nobody".into())] {
        sender.reference(later(0, to, b"x")).await;
    }
    target.hears_nothing().await;
    sender.hears_nothing().await;
}

#[tokio::test]
async fn the_messages_of_the_future_of_an_actor_that_ends_are_dropped() {
    let world = World::start().await;
    let [mut sender, mut target] = world.puppets().await;
    sender.reference(later(50, Destination::Pid(target.pid), b"of the dead")).await;
    sender.kill().await;
    // A timer that was started after it, for longer, runs out after it would have.
    let barrier = target.reference(Operation::StartTimer(100)).await;
    assert_eq!(target.event().await, Event::Timeout(barrier));
    target.hears_nothing().await;
}

#[tokio::test]
async fn an_actor_has_as_many_timers_as_it_may() {
    let world = World::start().await;
    let mut puppet = world.puppet_with(|spawn| spawn.limits.timers = Some(2)).await;
    let first = puppet.reference(Operation::StartTimer(NEVER_MS)).await;
    puppet.reference(later(NEVER_MS, Destination::Pid(puppet.pid), b"")).await;
    let refused = puppet.order(Operation::StartTimer(1)).await;
    assert_eq!(refused, Value::Failed(Failure::Timer(2)));
    assert!(matches!(puppet.order(Operation::CancelTimer(first)).await, Value::Number(Some(_))));
    let again = puppet.reference(Operation::StartTimer(1)).await;
    assert_eq!(puppet.event().await, Event::Timeout(again));
}

#[tokio::test]
async fn a_receive_with_a_time_gives_up_and_one_without_takes_what_is_there() {
    let world = World::start().await;
    let mut puppet = world.puppet().await;
    let receive = |timeout_ms| Operation::Receive { of: None, timeout_ms };
    assert_eq!(puppet.order(receive(Some(0))).await, Value::Event(None));
    assert_eq!(puppet.order(receive(Some(5))).await, Value::Event(None));
    puppet.done(send(puppet.pid, b"to itself")).await;
    let expected = Value::Event(Some(message(puppet.pid, b"to itself")));
    assert_eq!(puppet.order(receive(Some(0))).await, expected);
    // A time that no clock can hold is as good as none.
    let waiting = puppet.begin(receive(Some(u64::MAX)));
    let mut other = world.puppet().await;
    other.done(send(puppet.pid, b"at last")).await;
    let expected = Value::Event(Some(message(other.pid, b"at last")));
    assert_eq!(puppet.finish(waiting).await, expected);
}

#[tokio::test]
async fn time_does_not_go_back_and_sleep_takes_its_time() {
    let world = World::start().await;
    let mut puppet = world.puppet().await;
    let batch = vec![Operation::Now, Operation::Sleep(10), Operation::Now, Operation::Now];
    let Value::Batch(values) = puppet.order(Operation::Batch(batch)).await else { unreachable!() };
    let times: Vec<u64> = values
        .iter()
        .filter_map(|value| match value {
            Value::Number(Some(time)) => Some(*time),
            _ => None,
        })
        .collect();
    assert!(times[1] - times[0] >= 10_000_000 && times[1] <= times[2], "{times:?}");
    let Value::Number(Some(clock_ms)) = puppet.order(Operation::WallClockMs).await else {
        unreachable!()
    };
    let since = std::time::SystemTime::UNIX_EPOCH.elapsed().expect("it is after 1970");
    let host_ms = u64::try_from(since.as_millis()).expect("it is before the year 500 million");
    assert!(host_ms.abs_diff(clock_ms) < 60_000, "{clock_ms} and {host_ms}");
    let ended = puppet.watch();
    puppet.tell(Operation::Stop(Reason::Normal));
    assert_eq!(ended.reason().await, Reason::Normal);
}
