//! Cluster locks (rows G).

use odeon_tests::cluster::until;
use odeon_tests::protocol::{Failure, LockError, Module, Operation, Pid, Reason, Value};
use odeon_tests::{Given, World};

use crate::support::{down, function, monitor};
use crate::town::{Town, kill, register};

const ALL: [usize; 4] = [0, 1, 2, 3];

/// The lock in all these tests, for this requester.
fn set_at(requester: &str, nodes: Option<Vec<String>>, wait_ms: Option<u64>) -> Operation {
    let (resource, requester) = (b"lock".into(), requester.into());
    Operation::LockSet { resource, requester, nodes, wait_ms }
}

/// At all nodes, for as long as it takes.
fn set(requester: &str) -> Operation {
    set_at(requester, None, None)
}

/// At all nodes, now or not at all.
fn try_now(requester: &str) -> Operation {
    set_at(requester, None, Some(0))
}

fn delete(requester: &str) -> Operation {
    let (resource, requester, nodes) = (b"lock".into(), requester.into(), None);
    Operation::LockDelete { resource, requester, nodes }
}

fn no(error: LockError) -> Value {
    Value::Failed(Failure::Lock(error))
}

fn held(by: Pid) -> Value {
    no(LockError::Held(by))
}

/// Who holds the lock at a node.
fn holders(town: &Town, at: usize) -> Vec<Pid> {
    let listed = town.nodes[at].world.node.locks();
    listed.into_iter().flat_map(|lock| lock.holders).collect()
}

/// How many wait for it there.
fn waiting(town: &Town, at: usize) -> usize {
    town.nodes[at].world.node.locks().iter().map(|lock| lock.waiting).sum()
}

/// Asks, and returns when these nodes know that somebody waits. The holder's node is one of
/// them: who has the answer holds the lock, and until another node hears of that, it waits
/// there.
async fn waits(town: &mut Town, at: usize, requester: &str, nodes: &[usize]) -> Given {
    let known = |at: &usize| (holders(town, *at).len(), waiting(town, *at));
    until("all have heard of the holder", || nodes.iter().all(|at| known(at) == known(&nodes[0])))
        .await;
    let before = waiting(town, nodes[0]);
    let given = town.puppets[at].begin(set(requester));
    for node in nodes {
        let what = format!("{node} knows that {requester} waits");
        until(&what, || waiting(town, *node) == before + 1).await;
    }
    given
}

/// Just these hold locks at this node, as soon as it has heard so.
async fn until_held(town: &Town, at: usize, by: &[Pid]) {
    until(&format!("{at} knows that {by:?} hold it"), || holders(town, at) == by).await;
}

/// So many hold a lock together and so many wait for it, as soon as all nodes have heard
/// so: who has the answer holds it, and until a node hears of that, it waits there.
async fn until_shared(town: &Town, held: usize, wait: usize) {
    for at in ALL {
        until(&format!("{at} knows of {held} that hold it"), || {
            holders(town, at).len() == held && waiting(town, at) == wait
        })
        .await;
    }
}

/// Waits until nobody has anything to do with locks on these nodes.
async fn until_free(town: &Town, nodes: &[usize]) {
    for at in nodes {
        let what = format!("no lock at {at}");
        until(&what, || town.nodes[*at].world.node.locks().is_empty()).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn g03_one_requester_at_a_time_holds_a_lock_on_four_nodes() {
    let mut town = Town::start(4).await;
    for at in ALL {
        let requester = format!("r{at}");
        assert_eq!(town.puppets[at].order(try_now(&requester)).await, Value::Done);
        let holder = town.puppets[at].pid;
        for other in ALL {
            // Its holder may set it again; from everywhere else it is refused.
            let expected = if other == at { Value::Done } else { held(holder) };
            let order = try_now(&format!("r{other}"));
            assert_eq!(town.puppets[other].order(order).await, expected, "{at}, {other}");
        }
        // Nobody else can delete it.
        let other = (at + 1) % 4;
        assert_eq!(town.puppets[other].order(delete(&requester)).await, Value::Done);
        assert_eq!(town.puppets[other].order(try_now("x")).await, held(holder));
        // When it is deleted, once, it is free at once, everywhere.
        assert_eq!(town.puppets[at].order(delete(&requester)).await, Value::Done);
        assert_eq!(town.puppets[other].order(try_now("x")).await, Value::Done);
        assert_eq!(town.puppets[other].order(delete("x")).await, Value::Done);
    }
    until_free(&town, &ALL).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn g03_a_deleted_lock_goes_to_those_who_wait_in_the_order_in_which_they_asked() {
    let mut town = Town::start(4).await;
    assert_eq!(town.puppets[0].order(set("r0")).await, Value::Done);
    let mut given = Vec::new();
    for at in [2, 1, 3] {
        given.push((at, waits(&mut town, at, &format!("r{at}"), &ALL).await));
    }
    let mut holder = 0;
    for (at, given) in given {
        for node in ALL {
            until_held(&town, node, &[town.puppets[holder].pid]).await;
        }
        assert_eq!(town.puppets[holder].order(delete(&format!("r{holder}"))).await, Value::Done);
        assert_eq!(town.puppets[at].finish(given).await, Value::Done);
        holder = at;
        let pid = town.puppets[holder].pid;
        for node in ALL {
            until_held(&town, node, &[pid]).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lock_is_waited_for_no_longer_than_wanted_on_a_node_without_a_cluster_too() {
    let world = World::start().await;
    let [mut one, mut other] = world.puppets().await;
    assert_eq!(one.order(set("r1")).await, Value::Done);
    let late = other.order(set_at("r2", None, Some(20))).await;
    assert_eq!(late, no(LockError::Timeout));
    // It holds nothing, now and later.
    assert_eq!(one.order(delete("r1")).await, Value::Done);
    assert_eq!(one.order(try_now("r1")).await, Value::Done);
}

#[tokio::test(flavor = "multi_thread")]
async fn g03_the_end_of_its_holder_frees_a_lock_before_anybody_hears_of_it() {
    let mut town = Town::start(4).await;
    let holder = town.puppets[1].pid;
    assert_eq!(town.puppets[1].order(set("r1")).await, Value::Done);
    let reference = town.puppets[2].reference(monitor(holder)).await;
    town.settle().await;
    let given = waits(&mut town, 3, "r3", &ALL).await;
    town.puppets[2].done(kill(holder)).await;
    assert_eq!(town.puppets[2].event().await, down(reference, holder, Reason::Killed));
    let next = town.puppets[3].finish(given).await;
    assert_eq!(next, Value::Done);
    assert!(!holders(&town, 2).contains(&holder));
    // The next holder's node is lost as a whole.
    town.halt(3).await;
    assert_eq!(town.puppets[0].order(set("r0")).await, Value::Done);
    let next = town.puppets[0].pid;
    until("it has passed on", || holders(&town, 2) == [next]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn g03_a_lock_on_some_nodes_is_none_on_others() {
    let mut town = Town::start(4).await;
    let names: Vec<String> = town.nodes.iter().map(|node| node.name.clone()).collect();
    let pair = |nodes: [usize; 2]| Some(nodes.map(|at| names[at].clone()).to_vec());
    let [one, other] = [town.puppets[0].pid, town.puppets[1].pid];
    let order = set_at("r0", pair([0, 1]), Some(0));
    assert_eq!(town.puppets[0].order(order).await, Value::Done);
    // From a node that is not among those of the lock.
    let order = set_at("r1", pair([2, 3]), Some(0));
    assert_eq!(town.puppets[1].order(order).await, Value::Done);
    for (at, holder) in [one, one, other, other].into_iter().enumerate() {
        until_held(&town, at, &[holder]).await;
    }
    for nodes in [[0, 2], [1, 2], [0, 1]] {
        let refused = town.puppets[2].order(set_at("r2", pair(nodes), Some(0))).await;
        assert!(matches!(refused, Value::Failed(Failure::Lock(LockError::Held(_)))), "{refused:?}");
    }
    // What was refused left nothing anywhere.
    assert_eq!(town.puppets[0].order(delete("r0")).await, Value::Done);
    let order = set_at("r2", pair([0, 1]), Some(0));
    assert_eq!(town.puppets[2].order(order).await, Value::Done);
    let unknown = Some(vec![names[0].clone(), "nobody@nowhere".to_owned()]);
    let refused = town.puppets[2].order(set_at("r2", unknown, None)).await;
    assert!(
        matches!(refused, Value::Failed(Failure::Lock(LockError::Noconnection(_)))),
        "{refused:?}"
    );
    let none = set_at("r3", Some(vec![]), Some(0));
    assert_eq!(town.puppets[3].order(none).await, Value::Done);
}

#[tokio::test(flavor = "multi_thread")]
async fn g04_a_lock_of_a_hidden_node_is_its_own_alone() {
    let mut town = Town::start_with(3, |at, setting| setting.cluster.hidden = at == 2).await;
    assert_eq!(town.puppets[2].order(try_now("r2")).await, Value::Done);
    assert_eq!(town.puppets[0].order(try_now("r0")).await, Value::Done);
    let [hidden, visible] = [town.puppets[2].pid, town.puppets[0].pid];
    until_held(&town, 2, &[hidden]).await;
    until_held(&town, 1, &[visible]).await;
    let there = Some(vec![town.nodes[2].name.clone()]);
    let refused = town.puppets[0].order(set_at("r0", there, Some(0))).await;
    assert!(
        matches!(refused, Value::Failed(Failure::Lock(LockError::Noconnection(_)))),
        "{refused:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn g06_names_and_locks_do_not_wait_for_each_other() {
    let mut town = Town::start(4).await;
    let names: Vec<String> = town.nodes.iter().map(|node| node.name.clone()).collect();
    let pair = |nodes: [usize; 2]| Some(nodes.map(|at| names[at].clone()).to_vec());
    // One lock on two pairs of nodes, for two requesters.
    assert_eq!(town.puppets[0].order(set_at("r0", pair([0, 1]), None)).await, Value::Done);
    assert_eq!(town.puppets[2].order(set_at("r2", pair([2, 3]), None)).await, Value::Done);
    let given = waits(&mut town, 3, "r3", &ALL).await;
    // Names come and go all the same.
    for at in ALL {
        let pid = town.puppets[at].pid;
        // Number 3 waits, and does nothing else.
        assert_eq!(town.register((at + 1) % 3, &format!("name{at}"), pid).await, Value::Done);
        town.all_find(&[0, 1, 2], &format!("name{at}"), Some(pid)).await;
    }
    assert_eq!(town.puppets[0].order(delete("r0")).await, Value::Done);
    assert_eq!(town.puppets[2].order(delete("r2")).await, Value::Done);
    assert_eq!(town.puppets[3].finish(given).await, Value::Done);
    let other = town.puppets[1].pid;
    let taken = town.puppets[1].order(register("name0", other)).await;
    assert!(matches!(taken, Value::Failed(Failure::Name(_))), "{taken:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn g07_a_holder_under_anothers_requester_takes_its_part_along() {
    let mut town = Town::start(4).await;
    // Two actors of two nodes, under the name of neither.
    for at in [0, 1] {
        assert_eq!(town.puppets[at].order(set("team")).await, Value::Done);
    }
    let [one, other] = [town.puppets[0].pid, town.puppets[1].pid];
    town.puppets[2].done(kill(one)).await;
    for at in ALL {
        until("the dead one's part is gone", || holders(&town, at) == [other]).await;
    }
    assert_eq!(town.puppets[3].order(try_now("r3")).await, held(other));
    town.puppets[2].done(kill(other)).await;
    until_free(&town, &ALL).await;
    assert_eq!(town.puppets[3].order(try_now("r3")).await, Value::Done);
}

#[tokio::test(flavor = "multi_thread")]
async fn g16_three_that_take_one_lock_together_must_all_delete_it() {
    let mut town = Town::start(4).await;
    for at in [0, 1, 2] {
        // The second time changes nothing.
        for _ in 0..2 {
            assert_eq!(town.puppets[at].order(try_now("team")).await, Value::Done);
        }
    }
    until_shared(&town, 3, 0).await;
    let given = waits(&mut town, 3, "r3", &ALL).await;
    // Who shares the requester is not held up by who waits.
    let late = town.nodes[3].world.puppet().await;
    town.puppets.push(late);
    assert_eq!(town.puppets[4].order(try_now("team")).await, Value::Done);
    until_shared(&town, 4, 1).await;
    for (left, at) in [(3, 0), (2, 4), (1, 1)] {
        assert_eq!(town.puppets[at].order(delete("team")).await, Value::Done);
        for node in ALL {
            assert_eq!(holders(&town, node).len(), left, "at {node}");
        }
    }
    assert_eq!(town.puppets[2].order(delete("team")).await, Value::Done);
    assert_eq!(town.puppets[3].finish(given).await, Value::Done);
    town.puppets.pop();
}

#[tokio::test(flavor = "multi_thread")]
async fn g17_a_lost_connection_between_two_of_three_nodes_blocks_nobody() {
    let mut town = Town::start(3).await;
    town.part(0, 1).await;
    let mut given = Vec::new();
    for at in [0, 1, 2] {
        given.push(town.puppets[at].begin(set(&format!("r{at}"))));
    }
    let mut given: Vec<Option<Given>> = given.into_iter().map(Some).collect();
    town.join(0, 1).await;
    // All get it, in some order, each when the one before has deleted it.
    for _ in 0..3 {
        let mut holder = None;
        until("somebody holds it", || {
            let pids: Vec<Pid> = [0, 1, 2].into_iter().flat_map(|at| holders(&town, at)).collect();
            let is_next =
                |at: &usize| given[*at].is_some() && pids.contains(&town.puppets[*at].pid);
            holder = [0, 1, 2].into_iter().find(is_next);
            holder.is_some()
        })
        .await;
        let at = holder.expect("it was just found");
        let done = given[at].take().expect("it was not served yet");
        assert_eq!(town.puppets[at].finish(done).await, Value::Done);
        assert_eq!(town.puppets[at].order(delete(&format!("r{at}"))).await, Value::Done);
    }
    until_free(&town, &[0, 1, 2]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn g19_a_request_that_is_not_to_wait_is_answered_at_once() {
    let mut town = Town::start(2).await;
    assert_eq!(town.puppets[0].order(try_now("r0")).await, Value::Done);
    let holder = town.puppets[0].pid;
    assert_eq!(town.puppets[1].order(try_now("r1")).await, held(holder));
    // One that waits for a while holds nothing when that is over.
    let order = set_at("r1", None, Some(30));
    assert_eq!(town.puppets[1].order(order).await, no(LockError::Timeout));
    assert_eq!(town.puppets[0].order(delete("r0")).await, Value::Done);
    until_free(&town, &[0, 1]).await;
    assert_eq!(town.puppets[0].order(try_now("x")).await, Value::Done);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_lock_is_an_error() {
    let mut town = Town::start(1).await;
    let set = |resource: &[u8], requester: &[u8]| Operation::LockSet {
        resource: resource.into(),
        requester: requester.into(),
        nodes: None,
        wait_ms: None,
    };
    let puppet = &mut town.puppets[0];
    assert_eq!(puppet.order(set(b"", b"r")).await, no(LockError::Empty));
    assert_eq!(puppet.order(set(b"a", b"")).await, no(LockError::Empty));
    assert_eq!(puppet.order(set(&[0; 256], b"r")).await, no(LockError::TooLong(255)));
    assert_eq!(puppet.order(set(&[0; 255], &[255; 255])).await, Value::Done);
    let unheld =
        Operation::LockDelete { resource: b"b".into(), requester: b"r".into(), nodes: None };
    assert_eq!(puppet.order(unheld).await, Value::Done);
}

#[tokio::test(flavor = "multi_thread")]
async fn parts_of_a_cluster_may_each_hold_a_lock_and_do_so_until_they_delete_it() {
    let mut town = Town::start(4).await;
    assert_eq!(town.puppets[0].order(set("r0")).await, Value::Done);
    let given = waits(&mut town, 2, "r2", &ALL).await;
    town.split(2).await;
    // Over there its holder is lost, and whoever waited has it.
    assert_eq!(town.puppets[2].finish(given).await, Value::Done);
    let [one, other] = [town.puppets[0].pid, town.puppets[2].pid];
    until_held(&town, 1, &[one]).await;
    until_held(&town, 3, &[other]).await;
    town.together().await;
    assert_eq!((holders(&town, 1), holders(&town, 3)), (vec![one], vec![other]));
    // Others wait for both.
    let given = waits(&mut town, 1, "r1", &ALL).await;
    assert_eq!(town.puppets[0].order(delete("r0")).await, Value::Done);
    assert_eq!(town.puppets[3].order(try_now("r3")).await, held(other));
    assert_eq!(town.puppets[2].order(delete("r2")).await, Value::Done);
    assert_eq!(town.puppets[1].finish(given).await, Value::Done);
}

#[tokio::test(flavor = "multi_thread")]
async fn trans_releases_its_lock_however_it_ends() {
    let mut town = Town::start(2).await;
    for (at, function_name) in [(0, "locked"), (1, "locked_to_death")] {
        let spawn = Operation::Spawn(Module::This, function(function_name));
        let (pid, _) = town.puppets[at].spawned(spawn).await;
        let what = format!("{function_name} is inside");
        until(&what, || holders(&town, 1 - at) == [pid]).await;
        assert_eq!(town.puppets[at].order(try_now("x")).await, held(pid));
        town.puppets[at].done(Operation::Send(pid, b"done".into())).await;
        until_free(&town, &[0, 1]).await;
        let lives = town.puppets[at].yes(Operation::IsAlive(pid)).await;
        assert_eq!(lives, function_name == "locked");
        assert_eq!(town.puppets[at].order(try_now("x")).await, Value::Done);
        assert_eq!(town.puppets[at].order(delete("x")).await, Value::Done);
    }
}
