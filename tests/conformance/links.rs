//! Exit signals and links (rows L).

use odeon_tests::World;
use odeon_tests::protocol::{Event, Operation, Reason};

/// A linked, trapping observer hears of nothing, and a real kill still works.
#[tokio::test]
async fn l01_exit_normal_to_another_is_ignored() {
    let world = World::start().await;
    let [mut sender, mut target, mut trapper] = world.puppets().await;
    trapper.order(Operation::TrapExit(true)).await;
    trapper.done(Operation::Link { to: target.pid, priority: false }).await;
    sender.done(Operation::Exit(target.pid, Reason::Normal)).await;
    assert!(target.is_alive().await, "exit normal of another must not end it");
    trapper.hears_nothing().await;
    let ended = target.watch();
    sender.done(Operation::Exit(target.pid, Reason::Kill)).await;
    assert_eq!(ended.reason().await, Reason::Killed);
    assert_eq!(trapper.event().await, Event::Exit { sender: target.pid, reason: Reason::Killed });
    trapper.hears_nothing().await;
}
