//! One event in, exactly these effects out: dials, incoming connections, losses.

use super::super::testing::*;
use super::*;
use crate::node::{ADDRESS_BYTES_MAX, ADDRESSES_MAX, NODES_KNOWN_MAX, TEXT_BYTES_MAX};

fn closes(conn: Conn, reason: CloseReason) -> Effect {
    Effect::Close { conn, reason }
}

fn refuses(conn: Conn, refusal: Refusal) -> Effect {
    Effect::Refuse { conn, refusal }
}

#[test]
fn a_want_dials_once_and_later_wants_wait_for_it() {
    let mut me = node();
    assert_eq!(wants(&mut me, A), [dial(A, 1)]);
    assert_eq!(wants(&mut me, A), []);
    assert_eq!(connects(&mut me, A), []);
    assert_eq!(wants(&mut me, Z), [dial(Z, 2)]);
}

#[test]
fn a_dial_that_is_welcomed_is_kept() {
    let mut me = node();
    wants(&mut me, A);
    assert_eq!(welcomed(&mut me, 1, 10, &info(A, 2)), [kept_own(10, &info(A, 2))]);
    assert_eq!(me.connection(A), Some(10));
    let effects = does(&mut me, |me, e| assert_eq!(me.want(A, false, e), Want::Up(10)));
    assert_eq!(effects, []);
}

#[test]
fn a_dial_that_fails_fails_once_and_the_next_want_dials_anew() {
    let mut me = node();
    wants(&mut me, A);
    let reason = Failure::Unreachable("no route".to_owned());
    assert_eq!(fails(&mut me, A, 1, reason.clone()), [failed(A, reason)]);
    assert_eq!(fails(&mut me, A, 1, Failure::Timeout), []);
    assert_eq!(me.info(A), None, "nobody ever spoke of it");
    assert_eq!(wants(&mut me, A), [dial(A, 2)]);
}

#[test]
fn texts_of_failures_are_cut() {
    let mut me = node();
    wants(&mut me, A);
    let effects = fails(&mut me, A, 1, Failure::Unreachable("ä".repeat(TEXT_BYTES_MAX)));
    assert_eq!(effects, [failed(A, Failure::Unreachable("ä".repeat(TEXT_BYTES_MAX / 2)))]);
}

#[test]
fn answers_of_former_attempts_change_nothing_and_their_connections_are_closed() {
    let mut me = node();
    wants(&mut me, A);
    fails(&mut me, A, 1, Failure::Timeout);
    wants(&mut me, A);
    assert_eq!(fails(&mut me, A, 1, Failure::Timeout), []);
    let late = welcomed(&mut me, 1, 10, &info(A, 2));
    assert_eq!(late, [closes(10, CloseReason::Abandoned)]);
    assert_eq!(welcomed(&mut me, 2, 11, &info(A, 2)), [kept_own(11, &info(A, 2))]);
    let stray = does(&mut me, |me, e| me.dialed(Z, 9, Ok((12, info(Z, 3))), e));
    assert_eq!(stray, [closes(12, CloseReason::Abandoned)]);
}

#[test]
fn a_dial_that_reaches_another_node_fails() {
    for wrong in [info(Z, 2), info(A, 0), info(A, HERE.get()), info(A, ID_END)] {
        let mut me = node();
        wants(&mut me, A);
        let effects = does(&mut me, |me, e| me.dialed(A, 1, Ok((10, wrong.clone())), e));
        assert_eq!(effects, [closes(10, CloseReason::WrongNode), failed(A, Failure::WrongNode)]);
    }
}

#[test]
fn an_incoming_connection_is_welcomed_and_kept_when_the_other_keeps_it() {
    let mut me = node();
    assert_eq!(offered(&mut me, 10, &info(A, 2)), [Effect::Welcome { conn: 10 }]);
    assert_eq!(me.connection(A), None);
    assert_eq!(accepted(&mut me, 10, &info(A, 2)), [kept(10, &info(A, 2))]);
    assert_eq!(me.connection(A), Some(10));
    assert_eq!(accepted(&mut me, 10, &info(A, 2)), [], "once");
}

#[test]
fn what_a_peer_says_of_itself_is_bounded() {
    let mut me = node();
    let good: Vec<String> = (0..ADDRESSES_MAX + 1).map(|port| format!("box:{port}")).collect();
    let long = "x".repeat(ADDRESS_BYTES_MAX + 1);
    let all = [&[long, String::new()], &good[..]].concat();
    offered(&mut me, 10, &info(A, 2));
    let effects = accepted(&mut me, 10, &NodeInfo { addresses: all, ..info(A, 2) });
    let addresses = good[..ADDRESSES_MAX].to_vec();
    assert_eq!(effects, [kept(10, &NodeInfo { addresses, ..info(A, 2) })]);
}

#[test]
fn an_about_that_is_not_what_the_hello_said_closes_the_connection() {
    for wrong in [info(Z, 2), info(A, 3)] {
        let mut me = node();
        offered(&mut me, 10, &info(A, 2));
        assert_eq!(accepted(&mut me, 10, &wrong), [closes(10, CloseReason::WrongNode)]);
        assert_eq!(accepted(&mut me, 10, &info(A, 2)), []);
        assert_eq!(lost(&mut me, 10, DownReason::ConnectionClosed), []);
    }
}

#[test]
fn of_two_that_dial_each_other_the_greater_refuses() {
    let mut me = node();
    wants(&mut me, A);
    assert_eq!(offered(&mut me, 10, &info(A, 2)), [refuses(10, Refusal::Simultaneous)]);
    assert_eq!(welcomed(&mut me, 1, 11, &info(A, 2)), [kept_own(11, &info(A, 2))]);
}

#[test]
fn of_two_that_dial_each_other_the_smaller_welcomes_and_gives_up_its_dial() {
    let mut me = node();
    wants(&mut me, Z);
    assert_eq!(offered(&mut me, 10, &info(Z, 2)), [Effect::Welcome { conn: 10 }]);
    assert_eq!(fails(&mut me, Z, 1, Failure::Refused(Refusal::Simultaneous)), []);
    assert_eq!(accepted(&mut me, 10, &info(Z, 2)), [kept(10, &info(Z, 2))]);
    let late = welcomed(&mut me, 1, 11, &info(Z, 2));
    assert_eq!(late, [closes(11, CloseReason::Abandoned)]);
    assert_eq!(me.connection(Z), Some(10));
}

#[test]
fn a_dial_refused_as_simultaneous_waits_for_the_others_connection() {
    for name in [A, Z] {
        let mut me = node();
        wants(&mut me, name);
        assert_eq!(fails(&mut me, name, 1, Failure::Refused(Refusal::Simultaneous)), []);
        assert_eq!(wants(&mut me, name), []);
        assert_eq!(offered(&mut me, 10, &info(name, 2)), [Effect::Welcome { conn: 10 }]);
        assert_eq!(fails(&mut me, name, 1, Failure::Timeout), []);
        assert_eq!(accepted(&mut me, 10, &info(name, 2)), [kept(10, &info(name, 2))]);
    }
}

#[test]
fn a_dial_refused_as_simultaneous_fails_when_the_set_up_time_is_over() {
    let mut me = node();
    wants(&mut me, Z);
    fails(&mut me, Z, 1, Failure::Refused(Refusal::Simultaneous));
    assert_eq!(fails(&mut me, Z, 1, Failure::Timeout), [failed(Z, Failure::Timeout)]);
}

#[test]
fn other_refusals_are_failures() {
    for refusal in [Refusal::Busy, Refusal::NotAllowed, Refusal::NameInUse] {
        let mut me = node();
        wants(&mut me, A);
        let reason = Failure::Refused(refusal);
        assert_eq!(fails(&mut me, A, 1, reason.clone()), [failed(A, reason)]);
    }
}

#[test]
fn a_want_waits_for_an_incoming_connection_and_dials_once_if_that_comes_to_nothing() {
    let mut me = node();
    offered(&mut me, 10, &info(A, 2));
    assert_eq!(wants(&mut me, A), []);
    assert_eq!(lost(&mut me, 10, DownReason::ConnectionClosed), [dial(A, 1)]);
    offered(&mut me, 11, &info(Z, 3));
    assert_eq!(lost(&mut me, 11, DownReason::ConnectionClosed), [], "nobody waits for it");
}

#[test]
fn a_want_whose_second_dial_gives_way_and_comes_to_nothing_fails() {
    let mut me = node();
    wants(&mut me, Z);
    offered(&mut me, 10, &info(Z, 2));
    assert_eq!(lost(&mut me, 10, DownReason::ConnectionClosed), [dial(Z, 2)]);
    offered(&mut me, 11, &info(Z, 2));
    let over = lost(&mut me, 11, DownReason::ConnectionClosed);
    assert_eq!(over, [failed(Z, Failure::Closed)]);
}

#[test]
fn a_node_that_dials_again_before_it_is_kept_replaces_its_connection() {
    let mut me = node();
    offered(&mut me, 10, &info(A, 2));
    wants(&mut me, A);
    let again = offered(&mut me, 11, &info(A, 3));
    assert_eq!(again, [closes(10, CloseReason::Superseded), Effect::Welcome { conn: 11 }]);
    assert_eq!(accepted(&mut me, 10, &info(A, 2)), []);
    assert_eq!(lost(&mut me, 10, DownReason::ConnectionClosed), []);
    assert_eq!(lost(&mut me, 11, DownReason::ConnectionClosed), [dial(A, 1)], "the want goes on");
}

#[test]
fn a_new_connection_supersedes_the_old_one_only_when_the_other_keeps_it() {
    // The same run again, and another run.
    for id in [2, 3] {
        let mut me = node();
        up(&mut me, 10, &info(A, 2));
        assert_eq!(offered(&mut me, 11, &info(A, id)), [Effect::Welcome { conn: 11 }]);
        assert_eq!(me.connection(A), Some(10));
        let effects = accepted(&mut me, 11, &info(A, id));
        let down = down(10, &info(A, 2), DownReason::Superseded);
        assert_eq!(effects, [down, kept(11, &info(A, id))]);
        assert_eq!(lost(&mut me, 10, DownReason::ConnectionClosed), []);
        assert_eq!(me.connection(A), Some(11));
    }
}

#[test]
fn a_new_connection_that_the_other_gave_up_leaves_the_old_one_alone() {
    let mut me = node();
    up(&mut me, 10, &info(A, 2));
    offered(&mut me, 11, &info(A, 2));
    assert_eq!(lost(&mut me, 11, DownReason::ConnectionClosed), []);
    assert_eq!(me.connection(A), Some(10));
}

#[test]
fn a_loss_takes_the_connection_down_once_and_the_next_want_dials_where_it_was() {
    let mut me = node();
    up(&mut me, 10, &info(A, 2));
    let effects = lost(&mut me, 10, DownReason::NetTickTimeout);
    assert_eq!(effects, [down(10, &info(A, 2), DownReason::NetTickTimeout)]);
    assert_eq!(lost(&mut me, 10, DownReason::ConnectionClosed), []);
    assert_eq!(wants(&mut me, A), [dial_again(A, 1)]);
}

#[test]
fn texts_of_violations_are_cut() {
    let mut me = node();
    up(&mut me, 10, &info(A, 2));
    let effects = lost(&mut me, 10, DownReason::Violation("x".repeat(TEXT_BYTES_MAX + 1)));
    let reason = DownReason::Violation("x".repeat(TEXT_BYTES_MAX));
    assert_eq!(effects, [down(10, &info(A, 2), reason)]);
}

#[test]
fn a_disconnect_takes_the_connection_down_and_a_later_want_connects_again() {
    let mut me = node();
    up(&mut me, 10, &info(A, 2));
    let effects = does(&mut me, |me, e| assert!(me.disconnect(A, e)));
    assert_eq!(effects, [down(10, &info(A, 2), DownReason::Disconnect)]);
    assert_eq!(does(&mut me, |me, e| assert!(!me.disconnect(A, e))), []);
    assert_eq!(wants(&mut me, A), [dial_again(A, 1)]);
}

#[test]
fn a_disconnect_gives_up_what_is_pending() {
    let mut me = node();
    wants(&mut me, A);
    let effects = does(&mut me, |me, e| assert!(!me.disconnect(A, e)));
    assert_eq!(effects, [failed(A, Failure::Disconnect)]);
    assert_eq!(welcomed(&mut me, 1, 10, &info(A, 2)), [closes(10, CloseReason::Abandoned)]);
    offered(&mut me, 11, &info(Z, 3));
    let effects = does(&mut me, |me, e| assert!(!me.disconnect(Z, e)));
    assert_eq!(effects, [closes(11, CloseReason::Disconnect)]);
    offered(&mut me, 12, &info(Z, 3));
    wants(&mut me, Z);
    let effects = does(&mut me, |me, e| assert!(!me.disconnect(Z, e)));
    assert_eq!(effects, [closes(12, CloseReason::Disconnect), failed(Z, Failure::Disconnect)]);
    assert_eq!(accepted(&mut me, 12, &info(Z, 3)), []);
}

#[test]
fn under_once_a_node_that_went_down_is_barred_until_somebody_connects_explicitly() {
    let mut me = node_auto(AutoConnect::Once);
    assert_eq!(wants(&mut me, A), [dial(A, 1)]);
    assert_eq!(fails(&mut me, A, 1, Failure::Timeout), [failed(A, Failure::Timeout)]);
    assert_eq!(wants(&mut me, A), [dial(A, 2)], "it was never up");
    welcomed(&mut me, 2, 10, &info(A, 2));
    lost(&mut me, 10, DownReason::ConnectionClosed);
    assert_eq!(wants(&mut me, A), [failed(A, Failure::Barred)]);
    assert!(me.info(A).is_some_and(|status| status.barred));
    assert_eq!(connects(&mut me, A), [dial_again(A, 3)]);
    fails(&mut me, A, 3, Failure::Timeout);
    assert_eq!(wants(&mut me, A), [dial_again(A, 4)], "connecting explicitly lifted the bar");
}

#[test]
fn under_once_an_incoming_connection_lifts_the_bar_and_a_disconnect_bars_again() {
    let mut me = node_auto(AutoConnect::Once);
    up(&mut me, 10, &info(A, 2));
    lost(&mut me, 10, DownReason::ConnectionClosed);
    up(&mut me, 11, &info(A, 3));
    assert!(me.info(A).is_some_and(|status| !status.barred));
    does(&mut me, |me, e| me.disconnect(A, e));
    assert_eq!(wants(&mut me, A), [failed(A, Failure::Barred)]);
}

#[test]
fn under_once_a_barred_want_waits_for_an_incoming_connection_but_does_not_dial() {
    let mut me = node_auto(AutoConnect::Once);
    up(&mut me, 10, &info(A, 2));
    lost(&mut me, 10, DownReason::ConnectionClosed);
    offered(&mut me, 11, &info(A, 2));
    assert_eq!(wants(&mut me, A), []);
    let effects = lost(&mut me, 11, DownReason::ConnectionClosed);
    assert_eq!(effects, [failed(A, Failure::Closed)]);
    offered(&mut me, 12, &info(A, 2));
    assert_eq!(wants(&mut me, A), []);
    assert_eq!(connects(&mut me, A), []);
    let effects = lost(&mut me, 12, DownReason::ConnectionClosed);
    assert_eq!(effects, [dial_again(A, 1)], "the explicit one dials");
}

#[test]
fn under_never_only_explicit_wants_dial() {
    let mut me = node_auto(AutoConnect::Never);
    assert_eq!(wants(&mut me, A), [failed(A, Failure::NotAutomatic)]);
    assert_eq!(me.info(A), None);
    assert_eq!(connects(&mut me, A), [dial(A, 1)]);
    assert_eq!(wants(&mut me, A), [], "what is under way is waited for");
    welcomed(&mut me, 1, 10, &info(A, 2));
    lost(&mut me, 10, DownReason::ConnectionClosed);
    assert_eq!(wants(&mut me, A), [failed(A, Failure::NotAutomatic)]);
    up(&mut me, 11, &info(A, 2));
}

#[test]
fn wanting_oneself_does_nothing_and_ones_own_name_is_refused() {
    let mut me = node();
    assert_eq!(does(&mut me, |me, e| assert_eq!(me.want(ME, true, e), Want::Own)), []);
    assert_eq!(offered(&mut me, 10, &info(ME, 2)), [refuses(10, Refusal::NameInUse)]);
}

#[test]
fn names_that_cannot_be_and_names_of_the_other_kind_are_refused() {
    let mut me = node();
    assert_eq!(wants(&mut me, "../a@box"), [failed("../a@box", Failure::Illegal)]);
    assert_eq!(wants(&mut me, "a"), [failed("a", Failure::Illegal)]);
    let long = "a@box.example.org";
    assert_eq!(wants(&mut me, long), [failed(long, Failure::Mixed)]);
    for (conn, name) in [(10, long), (11, "a"), (12, "../a@box")] {
        assert_eq!(offered(&mut me, conn, &info(name, 2)), [refuses(conn, Refusal::NotAllowed)]);
    }
    let mut me = Node::new(Settings { name: "m@box.example.org".to_owned(), ..settings() });
    assert_eq!(wants(&mut me, A), [failed(A, Failure::Mixed)]);
    assert_eq!(wants(&mut me, long), [dial(long, 1)]);
}

#[test]
fn an_allow_list_holds_in_both_directions_and_grows() {
    let mut me = node();
    up(&mut me, 10, &info("b@box", 5));
    assert!(me.allow(&[A.to_owned()]));
    assert_eq!(wants(&mut me, Z), [failed(Z, Failure::NotAllowed)]);
    assert_eq!(offered(&mut me, 11, &info(Z, 2)), [refuses(11, Refusal::NotAllowed)]);
    assert_eq!(wants(&mut me, A), [dial(A, 1)]);
    assert_eq!(me.connection("b@box"), Some(10), "what is there stays");
    assert!(me.allow(&[Z.to_owned()]));
    assert_eq!(offered(&mut me, 12, &info(Z, 2)), [Effect::Welcome { conn: 12 }]);
    let many: Vec<String> = (0..5_000).map(|n| format!("n{n}@box")).collect();
    assert!(!me.allow(&many));
    assert_eq!(wants(&mut me, "n1@box"), [failed("n1@box", Failure::NotAllowed)]);
}

#[test]
fn when_all_places_are_taken_one_more_is_refused_and_one_that_fails_makes_room() {
    let mut me = node();
    for number in 0..NODES_KNOWN_MAX {
        let mut effects = Effects::new();
        me.want(&format!("n{number}@box"), false, &mut effects);
    }
    assert_eq!(wants(&mut me, A), [failed(A, Failure::Full)]);
    assert_eq!(offered(&mut me, 10, &info(A, 2)), [refuses(10, Refusal::Busy)]);
    fails(&mut me, "n7@box", 8, Failure::Timeout);
    assert_eq!(offered(&mut me, 11, &info(A, 2)), [Effect::Welcome { conn: 11 }]);
}
