//! Being alive and not: what a node without a cluster does, starting and stopping.

use super::testing::*;
use super::*;

#[test]
fn a_node_that_is_not_alive_refuses_everybody_and_reaches_nobody() {
    let mut me = Node::offline(HERE);
    assert_eq!(wants(&mut me, A), [failed(A, Failure::NotAlive)]);
    assert_eq!(connects(&mut me, A), [failed(A, Failure::NotAlive)]);
    let refused = Effect::Refuse { conn: 10, refusal: Refusal::NotAllowed };
    assert_eq!(offered(&mut me, 10, &info(A, 2)), [refused]);
    assert_eq!(does(&mut me, |me, e| assert!(!me.disconnect(A, e))), []);
    assert_eq!(does(&mut me, |me, e| assert!(!me.stop(e))), []);
    assert!(!me.allow(&[]));
    assert_eq!(me.own(), None);
    assert_eq!(me.nodes(&[Nodes::Known, Nodes::This]), []);
    assert_eq!(me.find(HERE), Whereabouts::Own);
}

#[test]
fn a_node_that_stops_ends_everything_and_can_start_again() {
    let mut me = node_auto(AutoConnect::Once);
    up(&mut me, 10, &info(A, 2));
    wants(&mut me, "b@box");
    offered(&mut me, 11, &info("c@box", 4));
    wants(&mut me, "c@box");
    offered(&mut me, 12, &info(Z, 3));
    let close = |conn| Effect::Close { conn, reason: CloseReason::Shutdown };
    let expected = [
        down(10, &info(A, 2), DownReason::Shutdown),
        failed("b@box", Failure::Shutdown),
        close(11),
        failed("c@box", Failure::Shutdown),
        close(12),
    ];
    assert_eq!(does(&mut me, |me, e| assert!(me.stop(e))), expected);
    assert_eq!(accepted(&mut me, 12, &info(Z, 3)), []);
    let late = Effect::Close { conn: 13, reason: CloseReason::Abandoned };
    assert_eq!(welcomed(&mut me, 1, 13, &info("b@box", 5)), [late]);
    assert_eq!(wants(&mut me, A), [failed(A, Failure::NotAlive)]);
    assert_eq!(does(&mut me, |me, e| assert!(me.start(settings(), e))), []);
    assert_eq!(does(&mut me, |me, e| assert!(!me.start(settings(), e))), []);
    assert_eq!(wants(&mut me, A), [dial_again(A, 2)], "no bar outlives the stop");
}

#[test]
fn a_node_tells_who_it_is() {
    let me = Node::new(Settings { hidden: true, ..settings() });
    let own = NodeInfo { addresses: vec![], ..hidden(ME, HERE.get()) };
    assert_eq!(me.own(), Some(own));
}
