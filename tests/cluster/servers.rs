//! Servers under names that several nodes know: the generic server of the SDK, driven by
//! calls of functions of the guest `conformance` on the nodes.

use std::time::Duration;

use bytes::Bytes;
use odeon::{Call, CallAt, LimitsPatch, cbor};
use odeon_tests::cluster::{Node, until};
use odeon_tests::protocol::{CallError, Pid, Reason};
use odeon_tests::{MODULE, in_time};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::support::{down, monitor};
use crate::town::{Town, kill};

/// What a function gives on a node, or the reason for which it ended.
async fn call(node: &Node, function: &str, argument: Value) -> Result<Value, Reason> {
    let argument = cbor::from_json(&argument).into();
    let at = CallAt::Entry { function: function.into(), argument };
    let result = outcome(node, MODULE, at).await?;
    Ok(cbor::to_json(&result).expect("a value of the guest's"))
}

/// What the node itself says if it is to ask somebody.
async fn asked_by_node(node: &Node, question: Value) -> Result<Value, Reason> {
    let at = CallAt::Text { text: format!("call {question}"), json: true };
    let result = outcome(node, "odeon", at).await?;
    Ok(serde_json::from_slice(&result).expect("it is JSON"))
}

async fn outcome(node: &Node, module: &str, at: CallAt) -> Result<Bytes, Reason> {
    let timeout = Some(Duration::from_secs(20));
    let (module, limits) = (module.to_owned(), LimitsPatch::default());
    let call = Call { module, label: None, at, timeout, limits };
    match in_time("a call", node.rpc(node.name(), call)).await {
        Ok(result) => Ok(result),
        Err(CallError::Ended(reason)) => Err(reason),
        Err(other) => panic!("{other:?}"),
    }
}

fn on(town: &Town, at: usize) -> &Node {
    &town.nodes[at].world.node
}

/// A call that there is nobody for.
fn nobody() -> Result<Value, Reason> {
    exit("noproc")
}

fn exit(reason: &str) -> Result<Value, Reason> {
    Err(Reason::Error(format!("the called actor ended: {reason}")))
}

async fn whereis(town: &Town, at: usize, kind: &str, name: &str) -> Option<Pid> {
    let found = call(on(town, at), "via_whereis", json!([kind, name])).await.expect("it looks");
    let number = |field: &str| found[field].as_u64().expect("a number");
    (!found.is_null()).then(|| Pid { node: number("node"), serial: number("serial") })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_of_a_cluster_name_is_asked_and_refused_from_every_node() {
    let town = Town::start(3).await;
    let name = json!(["cluster", "till"]);
    assert_eq!(call(on(&town, 1), "via_add", json!(["cluster", "till", 1])).await, nobody());
    let started = call(on(&town, 0), "via_start", json!(["cluster", "till", 40])).await;
    let pid = started.expect("it starts");
    let owner = whereis(&town, 0, "cluster", "till").await.expect("it has the name");
    for at in [0, 1, 2] {
        // When its starter heard that it is ready, all knew the name.
        assert_eq!(call(on(&town, at), "via_whereis", name.clone()).await, Ok(pid.clone()));
        let sum = 41 + at;
        assert_eq!(
            call(on(&town, at), "via_add", json!(["cluster", "till", 1])).await,
            Ok(json!(sum))
        );
        let again = call(on(&town, at), "via_start", json!(["cluster", "till", 7])).await;
        let text = format!("already started: <{}.{}> has the name", owner.node, owner.serial);
        assert_eq!(again, Err(Reason::Error(text)));
    }
    // A local name is of one node.
    call(on(&town, 1), "via_start", json!(["local", "till", 7])).await.expect("it starts");
    assert_eq!(call(on(&town, 1), "via_add", json!(["local", "till", 1])).await, Ok(json!(8)));
    assert_eq!(call(on(&town, 0), "via_add", json!(["local", "till", 1])).await, nobody());
}

#[tokio::test(flavor = "multi_thread")]
async fn all_who_ask_for_a_server_at_once_on_several_nodes_get_one() {
    const EACH: usize = 3;
    let town = Town::start(4).await;
    for round in 0..25 {
        let name = format!("list {round}");
        let mut asking = JoinSet::new();
        for at in 0..4 * EACH {
            let (node, name) = (on(&town, at % 4).clone(), name.clone());
            asking.spawn(async move {
                call(&node, "via_find_and_add", json!(["cluster", name, 1])).await
            });
        }
        let mut sums = Vec::new();
        while let Some(answer) = asking.join_next().await {
            let sum = answer.expect("no panic").expect("it was found or started, and answered");
            sums.push(sum.as_u64().expect("a sum"));
        }
        // One server counted each of them once.
        sums.sort_unstable();
        let wanted: Vec<u64> = (1..=4 * EACH as u64).collect();
        assert_eq!(sums, wanted, "in round {round}");
        let owner = whereis(&town, 0, "cluster", &name).await;
        for at in [1, 2, 3] {
            assert_eq!(whereis(&town, at, "cluster", &name).await, owner);
        }
    }
    // None of those that came second is left.
    for node in &town.nodes {
        let (world, id) = (&node.world.node, node.world.node.id());
        let owners = world.cluster_names().iter().filter(|(_, pid)| pid.node == id).count();
        let serving = || world.actors().iter().filter(|actor| actor.start == "tally").count();
        until("those that came second have ended", || serving() == owners).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_asked_a_server_that_never_began_asks_the_owner_of_the_name_instead() {
    let town = Town::start(3).await;
    for (way, sum) in [("sdk", 6), ("node", 8)] {
        let tally = call(on(&town, 1), "via_start", json!(["local", way, sum - 1])).await;
        let tally = tally.expect("it starts");
        call(on(&town, 0), "via_impostor", json!([way, tally])).await.expect("it has the name");
        let found = call(on(&town, 2), "via_whereis", json!(["cluster", way])).await;
        assert_ne!(found, Ok(tally.clone()), "nobody was asked yet");
        let node = on(&town, 2);
        let answer = match way {
            "sdk" => call(node, "via_add", json!(["cluster", way, 1])).await,
            _ => asked_by_node(node, json!([way, {"Add": 1}])).await,
        };
        assert_eq!(answer, Ok(json!(sum)), "{way}");
        // Once, and no more.
        let answer = call(on(&town, 1), "via_add", json!(["local", way, 0])).await;
        assert_eq!(answer, Ok(json!(sum)), "{way}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_hears_that_the_servers_node_is_lost_and_the_next_one_is_started() {
    let mut town = Town::start(3).await;
    call(on(&town, 2), "via_start", json!(["cluster", "till", 40])).await.expect("it starts");
    let before = whereis(&town, 0, "cluster", "till").await.expect("it has the name");
    let node = on(&town, 0).clone();
    let waiting =
        tokio::spawn(async move { call(&node, "via_wait", json!(["cluster", "till"])).await });
    // The question is with the server once a later one of that node was answered.
    let mut asked = json!(40);
    while asked == json!(40) {
        asked = call(on(&town, 1), "via_add", json!(["cluster", "till", 0])).await.expect("a sum");
    }
    town.halt(2).await;
    let outcome = in_time("the waiting call", waiting).await.expect("no panic");
    assert_eq!(outcome, exit("noconnection"));
    for at in [0, 1] {
        assert_eq!(call(on(&town, at), "via_add", json!(["cluster", "till", 1])).await, nobody());
    }
    // What it had is gone.
    let found = call(on(&town, 0), "via_find_and_add", json!(["cluster", "till", 1])).await;
    assert_eq!(found, Ok(json!(1)));
    let after = whereis(&town, 1, "cluster", "till").await.expect("the next one has the name");
    assert_ne!(before, after);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_servers_that_meet_one_ends_in_an_orderly_way_by_default() {
    let mut town = Town::start(2).await;
    town.split(1).await;
    for (at, first) in [(0, 10), (1, 20)] {
        let started = call(on(&town, at), "via_start", json!(["cluster", "till", first])).await;
        started.expect("each side has its own");
    }
    let servers = [
        whereis(&town, 0, "cluster", "till").await.expect("it has the name"),
        whereis(&town, 1, "cluster", "till").await.expect("it has the name"),
    ];
    let [first, second] = [0, 1].map(|at| town.nodes[at].world.watch(servers[at]));
    town.join(0, 1).await;
    let (ended, reason) = tokio::select! {
        reason = first.reason() => (0, reason),
        reason = second.reason() => (1, reason),
    };
    assert_eq!(reason, Reason::Shutdown);
    let kept = 1 - ended;
    town.until_all_find(&[0, 1], "till", Some(servers[kept])).await;
    for at in [0, 1] {
        let sum = if kept == 0 { 10 } else { 20 };
        assert_eq!(
            call(on(&town, at), "via_add", json!(["cluster", "till", 0])).await,
            Ok(json!(sum))
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_loses_its_name_can_hand_over_what_it_has() {
    let mut town = Town::start(2).await;
    town.split(1).await;
    for (at, n) in [(0, 10), (1, 20)] {
        let sum = call(on(&town, at), "heir_find_and_add", json!(["estate", n])).await;
        assert_eq!(sum, Ok(json!(n)));
    }
    let servers = [
        whereis(&town, 0, "cluster", "estate").await.expect("it has the name"),
        whereis(&town, 1, "cluster", "estate").await.expect("it has the name"),
    ];
    let ends = [0, 1].map(|at| town.nodes[at].world.watch(servers[at]));
    town.join(0, 1).await;
    let [first, second] = ends;
    let reason = tokio::select! {
        reason = first.reason() => reason,
        reason = second.reason() => reason,
    };
    assert_eq!(reason, Reason::Normal);
    let both = async {
        loop {
            let sums =
                [0, 1].map(|at| call(on(&town, at), "heir_find_and_add", json!(["estate", 0])));
            let [one, other] = sums;
            if (one.await, other.await) == (Ok(json!(30)), Ok(json!(30))) {
                return;
            }
        }
    };
    in_time("both sides' sums are with the one that is left", both).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_to_a_group_goes_to_the_closest_member_and_a_cast_to_all_where_asked() {
    let mut town = Town::start(4).await;
    // The last one knows nothing of the groups.
    for at in [0, 1, 2] {
        call(on(&town, at), "via_open", json!([])).await.expect("one scope is allowed");
    }
    for (at, first) in [(0, 100), (1, 200)] {
        let started = call(on(&town, at), "via_start", json!(["group", "tills", first])).await;
        started.expect("nobody is refused a group");
    }
    let add = json!(["group", "tills", 1]);
    let far = async {
        let all = |at| on(&town, at).members(b"shop", b"tills").map(|all| all.len());
        while [0, 1, 2].map(all) != [Some(2); 3] {
            tokio::task::yield_now().await;
        }
    };
    in_time("the others hear of the members", far).await;
    for (at, sum) in [(0, 101), (1, 201), (0, 102), (1, 202)] {
        assert_eq!(call(on(&town, at), "via_add", add.clone()).await, Ok(json!(sum)));
    }
    let any = call(on(&town, 2), "via_add", add.clone()).await;
    assert!([Ok(json!(103)), Ok(json!(203))].contains(&any), "{any:?}");
    assert_eq!(call(on(&town, 3), "via_add", add.clone()).await, nobody());
    call(on(&town, 2), "via_tell_all", json!(["tills", 1000])).await.expect("it is told");
    let told = async {
        for at in [0, 1] {
            let least = json!(1100);
            loop {
                let sum = call(on(&town, at), "via_add", json!(["group", "tills", 0])).await;
                if sum.expect("it is there").as_u64() >= least.as_u64() {
                    break;
                }
            }
        }
    };
    in_time("every member is told", told).await;
    // The nearest one ends: the next call goes to the other node.
    let near = whereis(&town, 0, "group", "tills").await.expect("a member");
    let reference = town.puppets[0].reference(monitor(near)).await;
    town.puppets[0].done(kill(near)).await;
    assert_eq!(town.puppets[0].event().await, down(reference, near, Reason::Killed));
    let sum = call(on(&town, 0), "via_add", add).await.expect("the other one answers");
    assert!(sum.as_u64() >= Some(1200), "{sum}");
}
