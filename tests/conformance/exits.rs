//! More of the rules for exit signals and links than the catalogue's rows.

use odeon_tests::protocol::{Operation, Reason, Value};
use odeon_tests::{Puppet, World};

use crate::support::{error, exit, link, message, send};

#[tokio::test]
async fn one_that_traps_gets_every_exit_signal_as_an_event_but_an_explicit_kill() {
    let world = World::start().await;
    let [mut sender, mut trapper] = world.puppets().await;
    assert!(!trapper.yes(Operation::TrapExit(true)).await, "the former value is false");
    assert!(trapper.yes(Operation::TrapExit(true)).await, "the former value is true");
    let reasons = [
        Reason::Normal,
        Reason::Shutdown,
        Reason::Killed,
        Reason::Noproc,
        Reason::Noconnection,
        error("words"),
        Reason::Trap("words".into()),
        Reason::Limit("words".into()),
        Reason::ExitCode(3),
        Reason::Custom(vec![0, 255]),
    ];
    for reason in reasons {
        sender.done(Operation::Exit(trapper.pid, reason.clone())).await;
        assert_eq!(trapper.event().await, exit(sender.pid, reason));
    }
    let ended = trapper.watch();
    sender.done(Operation::Exit(trapper.pid, Reason::Kill)).await;
    assert_eq!(ended.reason().await, Reason::Killed);
}

#[tokio::test]
async fn one_that_does_not_trap_ends_with_the_reason_of_the_signal() {
    let world = World::start().await;
    let mut sender = world.puppet().await;
    for reason in [Reason::Shutdown, Reason::Killed, Reason::Noproc, error("words")] {
        let target = world.puppet().await;
        let ended = target.watch();
        sender.done(Operation::Exit(target.pid, reason.clone())).await;
        assert_eq!(ended.reason().await, reason);
    }
}

#[tokio::test]
async fn one_that_traps_hears_of_its_own_exit_signals_too() {
    let world = World::start().await;
    let mut trapper = world.puppet().await;
    trapper.order(Operation::TrapExit(true)).await;
    trapper.done(Operation::Exit(trapper.pid, Reason::Normal)).await;
    assert_eq!(trapper.event().await, exit(trapper.pid, Reason::Normal));
    let ended = trapper.watch();
    trapper.tell(Operation::Exit(trapper.pid, Reason::Kill));
    assert_eq!(ended.reason().await, Reason::Killed);
}

#[tokio::test]
async fn a_peer_that_ends_normally_does_not_end_the_other() {
    let world = World::start().await;
    let [mut one, mut other] = world.puppets().await;
    one.done(link(other.pid)).await;
    let ended = other.watch();
    other.tell(Operation::Return(Ok(())));
    assert_eq!(ended.reason().await, Reason::Normal);
    assert!(one.is_alive().await);
    assert_eq!(one.itself().await.links, [], "the link is gone with the peer");
}

#[tokio::test]
async fn a_peer_that_fails_ends_the_other_with_the_same_reason() {
    let world = World::start().await;
    let [one, mut other] = world.puppets().await;
    other.done(link(one.pid)).await;
    let ended = one.watch();
    other.tell(Operation::Return(Err(error("boom"))));
    assert_eq!(ended.reason().await, error("boom"));
}

#[tokio::test]
async fn a_peer_that_panics_ends_the_other_with_the_panic_s_text() {
    let world = World::start().await;
    let [one, mut other] = world.puppets().await;
    other.done(link(one.pid)).await;
    let ended = one.watch();
    other.tell(Operation::Panic("the text of it".into()));
    let reason = ended.reason().await;
    let Reason::Trap(text) = &reason else { panic!("{reason:?} instead of a trap") };
    assert!(text.contains("the text of it"), "{text}");
}

#[tokio::test]
async fn two_actors_have_one_link_however_often_they_link() {
    let world = World::start().await;
    let [mut trapper, mut other] = world.puppets().await;
    trapper.order(Operation::TrapExit(true)).await;
    for _ in 0..3 {
        trapper.done(link(other.pid)).await;
        other.done(link(trapper.pid)).await;
    }
    assert_eq!(trapper.itself().await.links, [other.pid]);
    other.kill().await;
    assert_eq!(trapper.event().await, exit(other.pid, Reason::Killed));
    trapper.hears_nothing().await;
    // And one unlink is enough.
    let mut another = world.puppet().await;
    another.done(link(trapper.pid)).await;
    another.done(link(trapper.pid)).await;
    trapper.done(Operation::Unlink(another.pid)).await;
    another.kill().await;
    trapper.hears_nothing().await;
}

#[tokio::test]
async fn a_link_with_oneself_is_none() {
    let world = World::start().await;
    let mut one = world.puppet().await;
    one.done(link(one.pid)).await;
    assert_eq!(one.itself().await.links, []);
    one.done(Operation::Unlink(one.pid)).await;
    assert!(one.is_alive().await);
}

#[tokio::test]
async fn an_exit_event_that_waits_stays_when_the_link_is_removed() {
    let world = World::start().await;
    let [mut trapper, other] = world.puppets().await;
    trapper.order(Operation::TrapExit(true)).await;
    trapper.done(link(other.pid)).await;
    other.kill().await;
    trapper.done(Operation::Unlink(other.pid)).await;
    assert_eq!(trapper.event().await, exit(other.pid, Reason::Killed));
    trapper.hears_nothing().await;
}

/// Either the exit event waits already, or it never comes: not one after `unlink`.
#[tokio::test]
async fn after_unlink_returns_the_link_has_no_effect() {
    let world = World::start().await;
    let mut trapper = world.puppet().await;
    trapper.order(Operation::TrapExit(true)).await;
    let mut heard = 0;
    for _ in 0..200 {
        let mut other = world.puppet().await;
        trapper.done(link(other.pid)).await;
        let ended = other.watch();
        let look = Operation::Receive { of: None, timeout_ms: Some(0) };
        let racing =
            trapper.begin(Operation::Batch(vec![Operation::Unlink(other.pid), look.clone()]));
        other.tell(Operation::Stop(error("raced")));
        let Value::Batch(values) = trapper.finish(racing).await else { unreachable!() };
        ended.reason().await;
        match &values[1] {
            Value::Event(None) => {}
            Value::Event(Some(event)) => {
                assert_eq!(*event, exit(other.pid, error("raced")));
                heard += 1;
            }
            other => panic!("{other:?}"),
        }
        let late = trapper.waiting_event().await;
        assert_eq!(late, None, "an exit event came after unlink; {heard} came before");
    }
}

/// A message that was sent before the end arrives before the exit event.
#[tokio::test]
async fn the_last_message_of_an_actor_comes_before_its_end() {
    let world = World::start().await;
    let mut trapper = world.puppet().await;
    trapper.order(Operation::TrapExit(true)).await;
    for _ in 0..100 {
        let mut other = world.puppet().await;
        trapper.done(link(other.pid)).await;
        other.tell(Operation::Batch(vec![
            send(trapper.pid, b"last"),
            Operation::Stop(error("then")),
        ]));
        assert_eq!(trapper.event().await, message(other.pid, b"last"));
        assert_eq!(trapper.event().await, exit(other.pid, error("then")));
    }
}

#[tokio::test]
async fn is_alive_and_info_come_after_every_signal_that_was_sent_before() {
    let world = World::start().await;
    let mut asker = world.puppet().await;
    for reason in [Reason::Kill, error("end")] {
        for _ in 0..100 {
            let target = world.puppet().await;
            let alive = Operation::IsAlive(target.pid);
            let asked = asker.begin(Operation::Batch(vec![
                alive.clone(),
                Operation::Exit(target.pid, reason.clone()),
                alive.clone(),
                Operation::Info(target.pid),
            ]));
            let expected = [Value::Bool(true), Value::Done, Value::Bool(false), Value::Info(None)];
            assert_eq!(asker.finish(asked).await, Value::Batch(expected.into()));
        }
    }
    assert!(asker.yes(Operation::IsAlive(asker.pid)).await, "it is alive itself");
}

#[tokio::test]
async fn a_signal_ends_an_actor_that_sleeps_spins_or_waits_for_a_leader() {
    let world = World::start().await;
    let mut leader = world.puppet().await;
    let ask = Operation::Ask(leader.pid, odeon_tests::protocol::IoRequest::GetOptions);
    for busy in [Operation::Sleep(3_600_000), Operation::Spin, ask] {
        let mut target: Puppet = world.puppet().await;
        let ended = target.watch();
        target.tell(busy);
        leader.done(Operation::Exit(target.pid, error("enough"))).await;
        assert_eq!(ended.reason().await, error("enough"));
    }
}

#[tokio::test]
async fn a_message_to_the_dead_is_dropped_without_a_word() {
    let world = World::start().await;
    let [mut sender, target] = world.puppets().await;
    target.kill().await;
    sender.done(send(target.pid, b"nobody")).await;
    sender.done(Operation::Exit(target.pid, error("nobody"))).await;
    sender.done(Operation::Unlink(target.pid)).await;
    sender.hears_nothing().await;
}

/// The end comes at many different moments of a slice; none of them may lose it.
#[tokio::test(flavor = "multi_thread")]
async fn a_signal_ends_actors_that_compute_at_whatever_moment_it_comes() {
    let world = World::start().await;
    let mut killer = world.puppet().await;
    for round in 0..300 {
        let [mut one, mut other] = world.puppets().await;
        let ended = (one.watch(), other.watch());
        one.tell(Operation::Spin);
        other.tell(Operation::Spin);
        for _ in 0..round % 8 {
            assert!(killer.yes(Operation::IsAlive(one.pid)).await);
        }
        killer.done(Operation::Exit(one.pid, error("enough"))).await;
        killer.done(Operation::Exit(other.pid, error("enough"))).await;
        assert_eq!(ended.0.reason().await, error("enough"));
        assert_eq!(ended.1.reason().await, error("enough"));
    }
}
