//! Who hears of nodes coming and going, and how often.

use super::super::testing::*;
use super::super::{DownReason, NodeEvent, Settings};
use super::*;

fn ups(node: &mut super::super::Node, conn: u64, info: &super::super::NodeInfo) -> Effects {
    offered(node, conn, info);
    accepted(node, conn, info).split_off(1)
}

#[test]
fn each_subscription_that_fits_is_told_once() {
    let mut me = node();
    subscribes(&mut me, 1, Interest::Visible);
    subscribes(&mut me, 2, Interest::Hidden);
    subscribes(&mut me, 3, Interest::All);
    subscribes(&mut me, 3, Interest::All);
    subscribes(&mut me, 3, Interest::Hidden);
    let [a, z] = [info(A, 2), hidden(Z, 3)];
    let up = |serial, info| told(serial, info, NodeEvent::Up);
    assert_eq!(ups(&mut me, 10, &a), [up(1, &a), up(3, &a), up(3, &a)]);
    assert_eq!(ups(&mut me, 11, &z), [up(2, &z), up(3, &z), up(3, &z), up(3, &z)]);
}

#[test]
fn a_loss_is_told_after_the_down_with_its_reason() {
    let mut me = node();
    subscribes(&mut me, 1, Interest::default());
    up(&mut me, 10, &info(A, 2));
    let reason = DownReason::Violation("too many streams".to_owned());
    let effects = lost(&mut me, 10, reason.clone());
    let told = told(1, &info(A, 2), NodeEvent::Down(reason.clone()));
    assert_eq!(effects, [down(10, &info(A, 2), reason), told]);
}

#[test]
fn the_end_of_a_superseded_connection_is_told_before_the_new_one() {
    let mut me = node();
    subscribes(&mut me, 1, Interest::Visible);
    up(&mut me, 10, &info(A, 2));
    offered(&mut me, 11, &info(A, 3));
    let told_down = told(1, &info(A, 2), NodeEvent::Down(DownReason::Superseded));
    let expected = [
        down(10, &info(A, 2), DownReason::Superseded),
        told_down,
        kept(11, &info(A, 3)),
        told(1, &info(A, 3), NodeEvent::Up),
    ];
    assert_eq!(accepted(&mut me, 11, &info(A, 3)), expected);
}

#[test]
fn all_connections_of_a_hidden_node_are_hidden() {
    let mut me = super::super::Node::new(Settings { hidden: true, ..settings() });
    subscribes(&mut me, 1, Interest::Visible);
    subscribes(&mut me, 2, Interest::Hidden);
    let effects = ups(&mut me, 10, &info(A, 2));
    assert_eq!(effects, [told(2, &hidden(A, 2), NodeEvent::Up)]);
}

#[test]
fn one_unsubscribe_ends_all_that_are_alike_and_no_others() {
    let mut me = node();
    for interest in [Interest::All, Interest::Visible, Interest::All] {
        subscribes(&mut me, 1, interest);
    }
    assert_eq!(me.unsubscribe(actor(1), Interest::All), 2);
    assert_eq!(me.unsubscribe(actor(1), Interest::All), 0);
    assert_eq!(ups(&mut me, 10, &info(A, 2)), [told(1, &info(A, 2), NodeEvent::Up)]);
    assert_eq!(me.unsubscribe(actor(1), Interest::Visible), 1);
    assert_eq!(me.unsubscribe(actor(2), Interest::Visible), 0);
    assert_eq!(lost(&mut me, 10, DownReason::ConnectionClosed).len(), 1);
}

#[test]
fn a_subscriber_that_is_gone_is_not_told() {
    let mut me = node();
    subscribes(&mut me, 1, Interest::All);
    subscribes(&mut me, 2, Interest::All);
    me.subscriber_gone(actor(1));
    assert_eq!(ups(&mut me, 10, &info(A, 2)), [told(2, &info(A, 2), NodeEvent::Up)]);
}

#[test]
fn subscriptions_and_subscribers_are_limited() {
    let mut me = node();
    for _ in 0..SUBSCRIPTIONS_PER_SUBSCRIBER_MAX {
        subscribes(&mut me, 1, Interest::All);
    }
    let full = me.subscribe(actor(1), Interest::Visible);
    assert_eq!(full, Err(SubscriptionsFull::OfThisSubscriber));
    for serial in 2..=SUBSCRIBERS_MAX as u64 {
        subscribes(&mut me, serial, Interest::All);
    }
    assert_eq!(me.subscribe(actor(0), Interest::All), Err(SubscriptionsFull::Subscribers));
    subscribes(&mut me, 2, Interest::All);
    me.subscriber_gone(actor(1));
    subscribes(&mut me, 0, Interest::All);
}

#[test]
fn a_node_that_starts_and_stops_is_told_to_its_own_subscribers() {
    let mut me = super::super::Node::offline(HERE);
    subscribes(&mut me, 1, Interest::Visible);
    let effects = does(&mut me, |me, e| assert!(me.start(settings(), e)));
    assert_eq!(effects, [told(1, &info(ME, 1), NodeEvent::Up)]);
    up(&mut me, 10, &info(A, 2));
    let effects = does(&mut me, |me, e| assert!(me.stop(e)));
    let expected = [
        down(10, &info(A, 2), DownReason::Shutdown),
        told(1, &info(A, 2), NodeEvent::Down(DownReason::Shutdown)),
        told(1, &info(ME, 1), NodeEvent::Down(DownReason::Shutdown)),
    ];
    assert_eq!(effects, expected);
}
