//! Nodes come and go, actors end, time passes, and many nodes want one lock.

use super::testing::*;
use super::*;

#[test]
fn alone_a_lock_is_set_at_once_and_free_when_its_holder_ends() {
    let mut locks = locks(&[]);
    let holder = pid(ME, 1);
    let effects = asks(&mut locks, 1, holder, id("r"), set(Wait::No));
    assert_eq!(effects, [Effect::Watch(holder), yes(1)]);
    let listed = Listed { id: id("r"), holders: vec![holder], waiting: 0 };
    assert_eq!(locks.locks(None).collect::<Vec<_>>(), [listed]);
    assert_eq!(locks.nodes_of(holder, &id("r")).collect::<Vec<_>>(), [ME]);
    assert_eq!(does(&mut locks, |locks, e| locks.ended(0, holder, e)), []);
    assert!(locks.is_blank());
}

#[test]
fn an_actor_of_another_node_holds_nothing_by_this_one() {
    let mut locks = locks(&[A]);
    let effects = asks(&mut locks, 1, pid(A, 1), id("r"), set(Wait::Ever));
    assert_eq!(effects, [no(1, Reason::NoProc)]);
    assert_eq!(asks(&mut locks, 2, pid(A, 1), id("r"), delete()), [yes(2)]);
    assert!(locks.is_blank());
}

#[test]
fn hidden_nodes_take_no_part() {
    let mut locks = locks(&[]);
    assert_eq!(does(&mut locks, |locks, e| locks.node_up(0, A, true, e)), []);
    let effects = asks(&mut locks, 1, pid(ME, 1), id("r"), set(Wait::Ever));
    assert_eq!(effects, [Effect::Watch(pid(ME, 1)), yes(1)]);
    assert_eq!(hears(&mut locks, A, ask(5, "other", 1)), []);
    let effects = asks(&mut locks, 2, pid(ME, 1), id("r"), set_at(&[A]));
    assert_eq!(effects, [no(2, Reason::NoConnection)]);
}

#[test]
fn what_a_lost_node_held_is_free_for_the_next() {
    let mut locks = locks(&[A, B]);
    let grant = |ticket| Frame::Grant { ticket, stamp: 2 };
    assert_eq!(
        hears(&mut locks, A, ask(5, "a", 1)),
        [send(A, Frame::Grant { ticket: 5, stamp: 1 })]
    );
    assert_eq!(hears(&mut locks, A, Frame::Hold { ticket: 5 }), []);
    assert_eq!(hears(&mut locks, B, ask(6, "b", 2)), []);
    let effects = does(&mut locks, |locks, e| locks.node_down(0, A, e));
    assert_eq!(effects, [send(B, grant(6))]);
    let effects = does(&mut locks, |locks, e| locks.node_down(0, B, e));
    assert_eq!(effects, []);
    assert!(locks.is_blank());
}

#[test]
fn a_node_that_is_lost_is_not_waited_for() {
    let mut locks = locks(&[A, B]);
    let waits = pid(ME, 1);
    asks(&mut locks, 1, waits, id("r"), set(Wait::Ever));
    assert_eq!(hears(&mut locks, A, Frame::Grant { ticket: 1, stamp: 1 }), []);
    let effects = does(&mut locks, |locks, e| locks.node_down(0, B, e));
    assert_eq!(effects, [send(A, Frame::Hold { ticket: 1 }), yes(1)]);
    // What is held at a node is lost with it; it may come back without.
    let effects = does(&mut locks, |locks, e| locks.node_down(0, A, e));
    assert_eq!(effects, []);
    assert_eq!(locks.nodes_of(waits, &id("r")).collect::<Vec<_>>(), [ME]);
    assert_eq!(does(&mut locks, |locks, e| locks.node_up(0, A, false, e)), []);
}

#[test]
fn when_all_nodes_are_lost_there_is_no_lock() {
    let mut locks = locks(&[A]);
    let waits = pid(ME, 1);
    asks(&mut locks, 1, waits, id("r"), set_at(&[A]));
    let effects = does(&mut locks, |locks, e| locks.node_down(0, A, e));
    assert_eq!(effects, [no(1, Reason::NoConnection), Effect::Unwatch(waits)]);
    assert!(locks.is_blank());
}

#[test]
fn a_lock_held_at_lost_nodes_only_is_held_no_more() {
    let mut locks = locks(&[A]);
    let holder = pid(ME, 1);
    asks(&mut locks, 1, holder, id("r"), set_at(&[A]));
    hears(&mut locks, A, Frame::Grant { ticket: 1, stamp: 1 });
    let effects = does(&mut locks, |locks, e| locks.node_down(0, A, e));
    assert_eq!(effects, [Effect::Unwatch(holder)]);
    assert!(locks.is_blank());
}

#[test]
fn a_request_is_given_up_at_its_time_and_a_late_grant_is_not_kept() {
    let mut locks = locks(&[A]);
    let waits = pid(ME, 1);
    asks(&mut locks, 1, waits, id("r"), set(Wait::Until(50)));
    assert_eq!(locks.due(), Some(50));
    assert_eq!(does(&mut locks, |locks, e| locks.tick(49, e)), []);
    let effects = does(&mut locks, |locks, e| locks.tick(50, e));
    let gone = send(A, release(1));
    assert_eq!(effects, [gone, no(1, Reason::Timeout), Effect::Unwatch(waits)]);
    assert_eq!(hears(&mut locks, A, Frame::Grant { ticket: 1, stamp: 1 }), []);
    assert!(locks.is_blank());
}

#[test]
fn who_ends_while_it_waits_is_taken_back_everywhere() {
    let mut locks = locks(&[A]);
    let waits = pid(ME, 1);
    asks(&mut locks, 1, waits, id("r"), set(Wait::Ever));
    let effects = does(&mut locks, |locks, e| locks.ended(0, waits, e));
    assert_eq!(effects, [send(A, release(1)), no(1, Reason::NoProc)]);
    assert_eq!(hears(&mut locks, A, Frame::Grant { ticket: 1, stamp: 1 }), []);
    assert!(locks.is_blank());
}

#[test]
fn sixty_nodes_that_want_one_lock_at_once_get_it_in_turn() {
    let size: u64 = 60;
    let mut cluster = Cluster::new(size);
    for node in 0..size {
        cluster.asks(node, node, &format!("r{node}"), set(Wait::Ever));
    }
    for turn in 0..size {
        cluster.run();
        // One holds it, at all nodes, and it is the first of all that wait.
        assert_eq!(cluster.granted, (0..=turn).collect::<Vec<_>>());
        for node in &cluster.nodes {
            let holder = pid(NodeId::from_wire(turn), 1);
            let listed: Vec<Listed> = node.locks(None).collect();
            assert_eq!(listed[0].holders, [holder], "at {:?}", node.own);
        }
        cluster.asks(turn, 1_000, &format!("r{turn}"), delete());
        cluster.run();
        cluster.granted.retain(|request| *request < size);
    }
    assert!(cluster.nodes.iter().all(Locks::is_blank));
    // Ask, grant, hold, release, released; and each node's own request gives way once.
    let pairs = (size * (size - 1)) as usize;
    assert!(cluster.sent <= 7 * pairs, "{} frames, {pairs} pairs", cluster.sent);
}

#[test]
fn requests_at_overlapping_nodes_do_not_wait_in_a_circle() {
    let ids = |of: [u64; 2]| of.map(NodeId::from_wire);
    let mut cluster = Cluster::new(3);
    for node in 0..3 {
        cluster.asks(node, node, &format!("r{node}"), set_at(&ids([node, (node + 1) % 3])));
    }
    for turn in 0..3 {
        cluster.run();
        let done = cluster.granted.len();
        assert!(done > turn, "{:?}", cluster.granted);
        for request in cluster.granted.clone() {
            cluster.asks(request % 10, 10 + request % 10, &format!("r{}", request % 10), delete());
        }
    }
    cluster.run();
    assert!((0..3).all(|request| cluster.granted.contains(&request)));
    assert!(cluster.nodes.iter().all(Locks::is_blank));
}
