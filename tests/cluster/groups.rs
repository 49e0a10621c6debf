//! Groups of actors (rows P).

use std::collections::BTreeSet;

use odeon_tests::Puppet;
use odeon_tests::protocol::{
    Event, Failure, GroupError, Module, Operation, Pid, Reason, Reference, SendError, SendOptions,
    Value,
};

use crate::common::settle;
use crate::support::{down, function, message, monitor};
use crate::town::{
    SCOPE, Town, groups, join, kill, leave, members, monitored, start_scope, until_members,
};

const THREE: [usize; 3] = [0, 1, 2];

/// Nodes that all take part in the scope.
async fn town(nodes: usize) -> Town {
    let mut town = Town::start(nodes).await;
    for puppet in &mut town.puppets {
        assert!(puppet.yes(start_scope()).await);
    }
    town.settle().await;
    town
}

/// An actor on a puppet's node that waits for ever.
async fn actor(puppet: &mut Puppet) -> Pid {
    puppet.spawned(Operation::Spawn(Module::This, function("waiter"))).await.0
}

async fn actors<const N: usize>(puppet: &mut Puppet) -> [Pid; N] {
    let mut pids = Vec::new();
    for _ in 0..N {
        pids.push(actor(puppet).await);
    }
    pids.try_into().expect("as many as asked for")
}

fn no(error: GroupError) -> Value {
    Value::Failed(Failure::Group(error))
}

fn change(monitor: Reference, group: &str, joined: bool, members: &[Pid]) -> Event {
    let (scope, group, members) = (SCOPE.to_vec(), group.into(), members.to_vec());
    Event::GroupChange { monitor, scope, group, joined, members }
}

fn to_group(group: &str, body: &[u8]) -> Operation {
    let (scope, group, body) = (SCOPE.into(), group.into(), body.into());
    Operation::GroupSend { scope, group, body, options: SendOptions::default() }
}

fn pick(group: &str, closest: bool) -> Operation {
    Operation::GroupPick { scope: SCOPE.into(), group: group.into(), closest }
}

#[tokio::test(flavor = "multi_thread")]
async fn p01_a_group_is_there_while_it_has_members() {
    let mut town = town(1).await;
    let puppet = &mut town.puppets[0];
    assert!(!puppet.yes(start_scope()).await);
    assert_eq!(puppet.order(Operation::Scopes).await, Value::Keys(vec![SCOPE.into()]));
    let me = puppet.pid;
    assert_eq!(groups(puppet, false).await, [""; 0]);
    puppet.done(join("group", &[me])).await;
    assert_eq!(members(puppet, "group", false).await, [me]);
    assert_eq!(groups(puppet, true).await, ["group"]);
    puppet.done(leave("group", &[me])).await;
    assert_eq!(members(puppet, "group", false).await, []);
    assert_eq!(groups(puppet, false).await, [""; 0]);
    assert_eq!(puppet.order(pick("group", true)).await, Value::Pid(None));
}

#[tokio::test(flavor = "multi_thread")]
async fn p02_what_cannot_be_done_is_an_error_and_changes_nothing() {
    let mut town = town(2).await;
    let far = town.puppets[1].pid;
    let puppet = &mut town.puppets[0];
    let me = puppet.pid;
    assert_eq!(puppet.order(join("group", &[me, far])).await, no(GroupError::NotLocal));
    assert_eq!(puppet.order(leave("group", &[far])).await, no(GroupError::NotLocal));
    assert_eq!(puppet.order(join("", &[me])).await, no(GroupError::Empty));
    let long = "x".repeat(100_000);
    assert_eq!(puppet.order(join(&long, &[me])).await, no(GroupError::TooLong(255)));
    let elsewhere = |operation: fn(Vec<u8>) -> Operation| operation(b"elsewhere".to_vec());
    let cases = [
        elsewhere(|scope| Operation::GroupJoin { scope, group: b"g".into(), pids: vec![] }),
        elsewhere(|scope| Operation::GroupMembers { scope, group: b"g".into(), local: false }),
        elsewhere(|scope| Operation::GroupList { scope, local: true }),
        elsewhere(|scope| Operation::GroupPick { scope, group: b"g".into(), closest: true }),
        elsewhere(|scope| Operation::GroupMonitor { scope, group: None }),
    ];
    for case in cases {
        assert_eq!(puppet.order(case).await, no(GroupError::NoScope));
    }
    let (scope, group, body) = (b"elsewhere".to_vec(), b"g".to_vec(), vec![]);
    let send = Operation::GroupSend { scope, group, body, options: SendOptions::default() };
    assert_eq!(puppet.order(send).await, Value::Failed(Failure::Send(SendError::NoName)));
    assert!(!puppet.yes(Operation::ScopeStop(b"elsewhere".into())).await);
    let stranger = puppet.reference(Operation::MakeReference).await;
    assert!(!puppet.yes(Operation::GroupDemonitor(stranger)).await);
    assert_eq!(groups(puppet, false).await, [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn p04_who_joins_thrice_is_there_thrice_until_it_left_or_ended() {
    let mut town = town(1).await;
    let puppet = &mut town.puppets[0];
    let [one, other] = actors(puppet).await;
    puppet.done(join("group", &[one, other, one])).await;
    puppet.done(join("group", &[one])).await;
    assert_eq!(members(puppet, "group", false).await, [one, one, one, other]);
    puppet.done(leave("group", &[one, other, other])).await;
    assert_eq!(members(puppet, "group", false).await, [one, one]);
    assert_eq!(puppet.order(leave("group", &[other])).await, no(GroupError::NotJoined));
    assert_eq!(puppet.order(leave("nothing", &[one])).await, no(GroupError::NotJoined));
    let reference = puppet.reference(monitor(one)).await;
    puppet.done(kill(one)).await;
    assert_eq!(puppet.event().await, down(reference, one, Reason::Killed));
    assert_eq!(members(puppet, "group", false).await, []);
    // Who does not live any more leaves at once.
    puppet.done(join("group", &[one])).await;
    assert_eq!(members(puppet, "group", false).await, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn p05_members_of_another_node_are_seen_and_p12_are_never_local() {
    let mut town = town(2).await;
    let [one, other] = actors(&mut town.puppets[0]).await;
    town.puppets[0].done(join("group", &[one, other])).await;
    until_members(&mut town.puppets[1], "group", &[one, other]).await;
    assert_eq!(members(&mut town.puppets[1], "group", true).await, []);
    assert_eq!(groups(&mut town.puppets[1], true).await, [""; 0]);
    assert_eq!(groups(&mut town.puppets[1], false).await, ["group"]);
    // Whoever hears of a death sees no member any more.
    let reference = town.puppets[1].reference(monitor(one)).await;
    town.settle().await;
    town.puppets[0].done(kill(one)).await;
    assert_eq!(town.puppets[1].event().await, down(reference, one, Reason::Killed));
    assert_eq!(members(&mut town.puppets[1], "group", false).await, [other]);
}

#[tokio::test(flavor = "multi_thread")]
async fn p06_a_group_is_gone_everywhere_when_its_last_member_leaves() {
    let mut town = town(2).await;
    let [near, far] = [town.puppets[0].pid, town.puppets[1].pid];
    for order in [[0, 1], [1, 0]] {
        town.puppets[0].done(join("group", &[near])).await;
        town.puppets[1].done(join("group", &[far])).await;
        town.settle().await;
        for at in order {
            let me = town.puppets[at].pid;
            town.puppets[at].done(leave("group", &[me])).await;
        }
        town.settle().await;
        for puppet in &mut town.puppets {
            assert_eq!(groups(puppet, false).await, [""; 0]);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn p07_a_join_is_quick_among_ten_thousand_groups() {
    let mut town = town(2).await;
    let me = town.puppets[0].pid;
    for part in 0..10 {
        let joins = (0..1_000).map(|at| join(&format!("group{part}.{at}"), &[me]));
        let joined = town.puppets[0].order(Operation::Batch(joins.collect())).await;
        assert_eq!(joined, Value::Batch(vec![Value::Done; 1_000]));
    }
    // All of it is told anew.
    town.part(0, 1).await;
    assert_eq!(groups(&mut town.puppets[1], false).await.len(), 0);
    town.join(0, 1).await;
    let begun = std::time::Instant::now();
    let far = town.puppets[1].pid;
    town.puppets[1].done(join("late", &[far])).await;
    until_members(&mut town.puppets[0], "late", &[far]).await;
    assert!(begun.elapsed() < std::time::Duration::from_secs(5), "{:?}", begun.elapsed());
    until_members(&mut town.puppets[1], "group9.999", &[me]).await;
    assert_eq!(groups(&mut town.puppets[1], false).await.len(), 10_001);
}

#[tokio::test(flavor = "multi_thread")]
async fn p09_joins_and_leaves_of_both_sides_count_when_they_meet() {
    let mut town = town(3).await;
    let mut pids = Vec::new();
    for puppet in &mut town.puppets {
        pids.push(actors::<2>(puppet).await);
        let [stays, _] = pids[pids.len() - 1];
        puppet.done(join("group", &[stays])).await;
    }
    town.settle().await;
    town.split(1).await;
    let expected = [vec![pids[0][0]], vec![pids[1][0], pids[2][0]]];
    for (at, side) in [0, 1, 1].into_iter().enumerate() {
        until_members(&mut town.puppets[at], "group", &expected[side]).await;
    }
    for at in [0, 2] {
        let [stays, joins] = pids[at];
        town.puppets[at].done(leave("group", &[stays])).await;
        town.puppets[at].done(join("group", &[joins, joins])).await;
    }
    town.together().await;
    let all = [pids[0][1], pids[0][1], pids[1][0], pids[2][1], pids[2][1]];
    for at in THREE {
        until_members(&mut town.puppets[at], "group", &all).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn p11_three_nodes_have_the_same_members_after_a_cut_in_which_some_ended() {
    let mut town = town(3).await;
    let mut pids = Vec::new();
    for puppet in &mut town.puppets {
        let ten = actors::<10>(puppet).await;
        puppet.done(join("group", &ten)).await;
        pids.push(ten);
    }
    town.settle().await;
    town.part(0, 1).await;
    town.part(0, 2).await;
    for at in THREE {
        let (killed, _) = pids[at].split_at(at + 2);
        for pid in killed {
            let watch = town.nodes[at].world.watch(*pid);
            town.puppets[at].done(kill(*pid)).await;
            watch.reason().await;
        }
    }
    town.together().await;
    let left: Vec<Pid> = THREE.iter().flat_map(|at| pids[*at][at + 2..].to_vec()).collect();
    for at in THREE {
        until_members(&mut town.puppets[at], "group", &left).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn p14_a_scope_that_is_started_again_has_the_members_of_others_alone() {
    let mut town = town(2).await;
    let [near, far] = [town.puppets[0].pid, town.puppets[1].pid];
    town.puppets[0].done(join("group", &[near])).await;
    town.puppets[1].done(join("group", &[far])).await;
    until_members(&mut town.puppets[0], "group", &[near, far]).await;
    assert!(town.puppets[0].yes(Operation::ScopeStop(SCOPE.into())).await);
    until_members(&mut town.puppets[1], "group", &[far]).await;
    assert!(town.puppets[0].yes(start_scope()).await);
    until_members(&mut town.puppets[0], "group", &[far]).await;
    town.puppets[0].done(join("group", &[near])).await;
    until_members(&mut town.puppets[1], "group", &[near, far]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn p16_a_scope_that_is_started_or_stopped_while_apart_fits_when_they_meet() {
    let mut town = Town::start(2).await;
    let [near, far] = [town.puppets[0].pid, town.puppets[1].pid];
    assert!(town.puppets[0].yes(start_scope()).await);
    town.puppets[0].done(join("group", &[near])).await;
    town.part(0, 1).await;
    assert!(town.puppets[1].yes(start_scope()).await);
    town.puppets[1].done(join("group", &[far])).await;
    town.join(0, 1).await;
    for at in [0, 1] {
        until_members(&mut town.puppets[at], "group", &[near, far]).await;
    }
    town.part(0, 1).await;
    assert!(town.puppets[1].yes(Operation::ScopeStop(SCOPE.into())).await);
    town.join(0, 1).await;
    town.settle().await;
    assert_eq!(members(&mut town.puppets[0], "group", false).await, [near]);
}

#[tokio::test(flavor = "multi_thread")]
async fn membership_is_not_passed_on() {
    let mut town = town(3).await;
    town.part(0, 2).await;
    let pids: Vec<Pid> = town.puppets.iter().map(|puppet| puppet.pid).collect();
    for at in THREE {
        town.puppets[at].done(join("group", &[pids[at]])).await;
    }
    until_members(&mut town.puppets[1], "group", &pids).await;
    town.settle().await;
    until_members(&mut town.puppets[0], "group", &pids[..2]).await;
    until_members(&mut town.puppets[2], "group", &pids[1..]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn hidden_nodes_have_no_part_in_groups() {
    let mut town = Town::start_with(2, |at, setting| setting.cluster.hidden = at == 1).await;
    for puppet in &mut town.puppets {
        puppet.order(start_scope()).await;
        let me = puppet.pid;
        puppet.done(join("group", &[me])).await;
    }
    town.settle().await;
    for puppet in &mut town.puppets {
        let me = puppet.pid;
        assert_eq!(members(puppet, "group", false).await, [me]);
        assert_eq!(puppet.order(to_group("group", b"hello")).await, Value::Number(Some(1)));
        assert_eq!(puppet.event().await, message(me, b"hello"));
    }
    town.settle().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn p22_a_monitor_begins_with_the_members_and_tells_every_change_once() {
    let mut town = town(2).await;
    let (me, far) = (town.puppets[0].pid, town.puppets[1].pid);
    town.puppets[1].done(join("group", &[far])).await;
    until_members(&mut town.puppets[0], "group", &[far]).await;
    let (of_group, before) = monitored(&mut town.puppets[0], Some("group")).await;
    assert_eq!(before, [(b"group".to_vec(), vec![far])]);
    let (of_all, before) = monitored(&mut town.puppets[0], None).await;
    assert_eq!(before, [(b"group".to_vec(), vec![far])]);
    // Who monitors may be a member.
    town.puppets[0].done(join("group", &[me])).await;
    town.puppets[0].done(join("other", &[me, me])).await;
    town.puppets[1].done(leave("group", &[far])).await;
    let mut seen = Vec::new();
    for (monitor, count) in [(of_group, 2), (of_all, 3)] {
        for _ in 0..count {
            seen.push(town.puppets[0].event_of(Some(monitor)).await);
        }
    }
    let expected = [
        change(of_group, "group", true, &[me]),
        change(of_group, "group", false, &[far]),
        change(of_all, "group", true, &[me]),
        change(of_all, "other", true, &[me, me]),
        change(of_all, "group", false, &[far]),
    ];
    assert_eq!(seen, expected);
    // The events of one that has ended never come, not even those that wait.
    town.puppets[1].done(join("group", &[far])).await;
    until_members(&mut town.puppets[0], "group", &[me, far]).await;
    assert!(town.puppets[0].yes(Operation::GroupDemonitor(of_group)).await);
    assert!(!town.puppets[0].yes(Operation::GroupDemonitor(of_group)).await);
    assert_eq!(town.puppets[0].event().await, change(of_all, "group", true, &[far]));
    town.puppets[0].hears_nothing().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn p22_a_monitor_misses_nothing_while_many_join() {
    let mut town = town(2).await;
    let mut pids = Vec::new();
    for _ in 0..30 {
        pids.push(actor(&mut town.puppets[1]).await);
    }
    let joins = pids.iter().map(|pid| join("group", &[*pid])).collect();
    let joining = town.puppets[1].begin(Operation::Batch(joins));
    let (_, before) = monitored(&mut town.puppets[0], Some("group")).await;
    let mut seen: Vec<Pid> = before.into_iter().flat_map(|(_, members)| members).collect();
    town.puppets[1].finish(joining).await;
    while seen.len() < pids.len() {
        match town.puppets[0].event().await {
            Event::GroupChange { joined: true, members, .. } => seen.extend(members),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(BTreeSet::from_iter(seen), BTreeSet::from_iter(pids));
    town.puppets[0].hears_nothing().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn members_of_a_lost_node_have_left_before_anybody_hears_of_the_loss() {
    let mut town = town(3).await;
    let [near, far] = [town.puppets[0].pid, town.puppets[2].pid];
    town.puppets[2].done(join("group", &[far])).await;
    until_members(&mut town.puppets[0], "group", &[far]).await;
    let (events, _) = monitored(&mut town.puppets[0], Some("group")).await;
    let reference = town.puppets[0].reference(monitor(far)).await;
    town.settle().await;
    town.halt(2).await;
    assert_eq!(town.puppets[0].event().await, change(events, "group", false, &[far]));
    assert_eq!(town.puppets[0].event().await, down(reference, far, Reason::Noconnection));
    assert_eq!(members(&mut town.puppets[0], "group", false).await, []);
    town.puppets[0].done(join("group", &[near])).await;
    until_members(&mut town.puppets[1], "group", &[near]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_to_a_group_reaches_every_member_as_often_as_it_joined() {
    let mut town = town(3).await;
    let pids: Vec<Pid> = town.puppets.iter().map(|puppet| puppet.pid).collect();
    for (at, times) in [(0, 1), (1, 2), (2, 0)] {
        let me = vec![pids[at]; times];
        town.puppets[at].order(join("group", &me)).await;
    }
    for puppet in &mut town.puppets {
        until_members(puppet, "group", &[pids[0], pids[1], pids[1]]).await;
    }
    for (from, here) in [(0, 1), (1, 2), (2, 0)] {
        let sent = town.puppets[from].order(to_group("group", b"hello")).await;
        assert_eq!(sent, Value::Number(Some(here)));
        for (to, times) in [(0, 1), (1, 2)] {
            for _ in 0..times {
                assert_eq!(town.puppets[to].event().await, message(pids[from], b"hello"));
            }
        }
    }
    town.settle().await;
    assert_eq!(town.puppets[0].order(to_group("nobody", b"hello")).await, Value::Number(Some(0)));
    // A long one travels in pieces, and keeps its place among the sender's signals.
    let long = vec![7; 1 << 20];
    let me = pids[0];
    let send = Operation::Send(pids[1], b"behind".to_vec());
    let orders = vec![to_group("group", &long), send];
    town.puppets[0].order(Operation::Batch(orders)).await;
    for body in [&long[..], &long[..], &b"behind"[..]] {
        assert_eq!(town.puppets[1].event().await, message(me, body));
    }
    assert_eq!(town.puppets[0].event().await, message(me, &long));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_closest_member_is_one_of_the_own_node_if_there_is_one() {
    let mut town = town(2).await;
    let [near, far] = [town.puppets[0].pid, town.puppets[1].pid];
    town.puppets[1].done(join("group", &[far])).await;
    until_members(&mut town.puppets[0], "group", &[far]).await;
    for closest in [true, false] {
        let picked = town.puppets[0].order(pick("group", closest)).await;
        assert_eq!(picked, Value::Pid(Some(far)));
    }
    town.puppets[0].done(join("group", &[near])).await;
    let mut picked = BTreeSet::new();
    for _ in 0..40 {
        assert_eq!(town.puppets[0].order(pick("group", true)).await, Value::Pid(Some(near)));
        if let Value::Pid(Some(pid)) = town.puppets[0].order(pick("group", false)).await {
            picked.insert(pid);
        }
    }
    assert_eq!(picked, BTreeSet::from([near, far]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scope_that_only_one_node_takes_part_in_is_its_own() {
    let mut town = Town::start(2).await;
    assert!(town.puppets[0].yes(start_scope()).await);
    let me = town.puppets[0].pid;
    town.puppets[0].done(join("group", &[me])).await;
    let (one, others) = town.puppets.split_at_mut(1);
    settle(&mut one[0], &mut others[0]).await;
    let look =
        Operation::GroupMembers { scope: SCOPE.into(), group: b"group".into(), local: false };
    assert_eq!(others[0].order(look).await, no(GroupError::NoScope));
}
