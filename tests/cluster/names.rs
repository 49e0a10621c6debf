//! Cluster names (rows G).

use odeon_tests::protocol::{
    Event, Failure, Module, NameError, Operation, Pid, Reason, Resolver, SendError, Value,
};
use odeon_tests::{Puppet, in_time};

use crate::support::{down, function, link, message, monitor};
use crate::town::{Town, kill, no, register, register_with, send_name, take, unregister, whereis};

const ALL: [usize; 4] = [0, 1, 2, 3];

/// An actor on a node that waits for ever.
async fn actor(town: &mut Town, at: usize) -> Pid {
    let spawn = Operation::Spawn(Module::This, function("waiter"));
    town.puppets[at].spawned(spawn).await.0
}

#[tokio::test(flavor = "multi_thread")]
async fn g01_a_name_is_on_four_nodes_when_its_registration_returns() {
    let mut town = Town::start(4).await;
    for at in ALL {
        let (name, pid) = (format!("name{at}"), actor(&mut town, at).await);
        // From the node of the actor, and from another one.
        assert_eq!(town.register((at + at % 2) % 4, &name, pid).await, Value::Done);
        town.all_find(&ALL, &name, Some(pid)).await;
        for other in ALL {
            let another = actor(&mut town, other).await;
            assert_eq!(town.register(other, &name, another).await, no(NameError::Taken(pid)));
        }
        town.all_find(&ALL, &name, Some(pid)).await;
    }
    let listed = town.names(3).await;
    assert_eq!(listed.len(), 4);
    for at in 0..3 {
        assert_eq!(town.names(at).await, listed);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn g01_a_death_frees_the_name_before_anybody_hears_of_it() {
    let mut town = Town::start(4).await;
    for at in [0, 1] {
        let pid = actor(&mut town, at).await;
        assert_eq!(town.register(at, "name", pid).await, Value::Done);
        let mut monitors = Vec::new();
        for puppet in &mut town.puppets {
            monitors.push(puppet.reference(monitor(pid)).await);
        }
        town.settle().await;
        town.puppets[2].done(kill(pid)).await;
        for (at, reference) in monitors.into_iter().enumerate() {
            assert_eq!(town.puppets[at].event().await, down(reference, pid, Reason::Killed));
            assert_eq!(town.whereis(at, "name").await, None);
        }
        // And it can be had again at once.
        let next = actor(&mut town, 3).await;
        assert_eq!(town.register(3, "name", next).await, Value::Done);
        assert_eq!(town.puppets[0].order(unregister("name")).await, Value::Done);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn g01_a_name_is_sent_to_from_any_node() {
    let mut town = Town::start(4).await;
    let to = town.puppets[1].pid;
    assert_eq!(town.register(1, "name", to).await, Value::Done);
    for at in ALL {
        let from = town.puppets[at].pid;
        let sent = town.puppets[at].order(send_name("name", b"hello")).await;
        assert_eq!(sent, Value::Pid(Some(to)));
        assert_eq!(town.puppets[1].event().await, message(from, b"hello"));
        let nobody = town.puppets[at].order(send_name("nobody", b"hello")).await;
        assert_eq!(nobody, Value::Failed(Failure::Send(SendError::NoName)));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn g01_a_name_is_given_up_and_taken_over_from_any_node() {
    let mut town = Town::start(4).await;
    let [one, other] = [actor(&mut town, 0).await, actor(&mut town, 1).await];
    assert_eq!(town.register(0, "name", one).await, Value::Done);
    assert_eq!(town.puppets[2].order(take("name", other)).await, Value::Done);
    town.all_find(&ALL, "name", Some(other)).await;
    // Back again, on the node that asks.
    assert_eq!(town.puppets[0].order(take("name", one)).await, Value::Done);
    town.all_find(&ALL, "name", Some(one)).await;
    assert_eq!(town.puppets[3].order(unregister("name")).await, Value::Done);
    town.all_find(&ALL, "name", None).await;
    assert_eq!(town.puppets[3].order(unregister("name")).await, Value::Done);
    // Neither of the two was told anything, or ended.
    for (at, pid) in [(0, one), (1, other)] {
        assert!(town.puppets[at].yes(Operation::IsAlive(pid)).await);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn g01_the_names_of_a_node_are_gone_with_it() {
    let mut town = Town::start(4).await;
    let pid = actor(&mut town, 3).await;
    assert_eq!(town.register(0, "name", pid).await, Value::Done);
    let reference = town.puppets[1].reference(monitor(pid)).await;
    town.settle().await;
    town.halt(3).await;
    assert_eq!(town.puppets[1].event().await, down(reference, pid, Reason::Noconnection));
    town.all_find(&[0, 1, 2], "name", None).await;
    let next = actor(&mut town, 0).await;
    assert_eq!(town.register(1, "name", next).await, Value::Done);
    assert_eq!(town.register(1, "late", pid).await, no(NameError::Noconnection));
}

#[tokio::test(flavor = "multi_thread")]
async fn g01_of_many_that_want_a_name_at_once_one_gets_it() {
    let mut town = Town::start(4).await;
    for round in 0..20 {
        let name = format!("name{round}");
        let pids: Vec<Pid> = town.puppets.iter().map(|puppet| puppet.pid).collect();
        let mut given = Vec::new();
        for (puppet, pid) in town.puppets.iter_mut().zip(&pids) {
            given.push(puppet.begin(register(name.as_str(), *pid)));
        }
        let mut owners = Vec::new();
        let mut refused = Vec::new();
        for (at, given) in given.into_iter().enumerate() {
            match town.puppets[at].finish(given).await {
                Value::Done => owners.push(pids[at]),
                Value::Failed(Failure::Name(NameError::Taken(by))) => refused.push(by),
                other => panic!("{other:?}"),
            }
        }
        assert_eq!(owners.len(), 1, "{owners:?}");
        assert!(refused.iter().all(|by| *by == owners[0]), "{refused:?} by {owners:?}");
        town.all_find(&ALL, &name, Some(owners[0])).await;
        assert_eq!(town.puppets[0].order(unregister(name)).await, Value::Done);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_actor_has_one_cluster_name_unless_its_node_allows_more() {
    let mut town = Town::start_with(2, |at, setting| {
        setting.cluster.several_names = at == 1;
    })
    .await;
    let [one, other] = [town.puppets[0].pid, town.puppets[1].pid];
    assert_eq!(town.register(0, "a", one).await, Value::Done);
    assert_eq!(town.register(1, "b", one).await, no(NameError::HasName));
    assert_eq!(town.whereis(0, "b").await, None);
    for name in ["c", "d"] {
        assert_eq!(town.register(0, name, other).await, Value::Done);
    }
    assert_eq!(town.puppets[0].order(unregister("a")).await, Value::Done);
    assert_eq!(town.register(0, "b", one).await, Value::Done);
}

#[tokio::test(flavor = "multi_thread")]
async fn names_of_no_and_of_too_many_bytes_are_two_documented_errors() {
    let mut town = Town::start(2).await;
    let pid = town.puppets[0].pid;
    let puppet = &mut town.puppets[0];
    for bytes in [256, 100_000] {
        let name = vec![7; bytes];
        assert_eq!(puppet.order(register(name.clone(), pid)).await, no(NameError::TooLong(255)));
        assert_eq!(puppet.order(take(name.clone(), pid)).await, no(NameError::TooLong(255)));
        assert_eq!(puppet.order(unregister(name)).await, no(NameError::TooLong(255)));
    }
    assert_eq!(puppet.order(register("", pid)).await, no(NameError::Empty));
    assert_eq!(puppet.order(unregister("")).await, no(NameError::Empty));
    assert_eq!(whereis(puppet, "").await, None);
    // Any bytes are a name, of as many as may be.
    let name: Vec<u8> = (0..255).collect();
    assert_eq!(puppet.order(register(name.clone(), pid)).await, Value::Done);
    assert_eq!(town.names(1).await, [(name, pid)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_actor_that_does_not_live_gets_no_name() {
    let mut town = Town::start(2).await;
    for at in [0, 1] {
        let pid = actor(&mut town, at).await;
        let watch = town.nodes[at].world.watch(pid);
        town.puppets[at].done(kill(pid)).await;
        watch.reason().await;
        assert_eq!(town.register(0, "name", pid).await, no(NameError::Noproc));
        town.all_find(&[0, 1], "name", None).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn names_are_listed_in_parts_in_the_order_of_their_bytes() {
    let mut town = Town::start_with(2, |_, setting| setting.cluster.several_names = true).await;
    let pid = town.puppets[0].pid;
    for name in ["b", "a", "d", "c"] {
        assert_eq!(town.register(0, name, pid).await, Value::Done);
    }
    let puppet = &mut town.puppets[1];
    let mut part = async |after: Option<&str>, max| {
        let after = after.map(Into::into);
        match puppet.order(Operation::NameList { after, max }).await {
            Value::Named(names) => {
                assert!(names.iter().all(|(_, owner)| *owner == pid));
                names.into_iter().map(|(name, _)| String::from_utf8(name).expect("text")).collect()
            }
            other => panic!("{other:?}"),
        }
    };
    let parts: [Vec<String>; 4] = [
        part(None, 2).await,
        part(Some("b"), 2).await,
        part(Some("d"), 2).await,
        part(Some("bb"), u32::MAX).await,
    ];
    assert_eq!(parts, [vec!["a", "b"], vec!["c", "d"], vec![], vec!["c", "d"]]);
}

#[tokio::test(flavor = "multi_thread")]
async fn g02_names_of_hidden_nodes_are_theirs_alone() {
    let mut town = Town::start_with(3, |at, setting| setting.cluster.hidden = at == 2).await;
    let [visible, hidden] = [town.puppets[0].pid, town.puppets[2].pid];
    assert_eq!(town.register(0, "name", visible).await, Value::Done);
    assert_eq!(town.whereis(2, "name").await, None);
    assert_eq!(town.register(2, "name", hidden).await, Value::Done);
    town.settle().await;
    town.all_find(&[0, 1], "name", Some(visible)).await;
    town.all_find(&[2], "name", Some(hidden)).await;
    assert_eq!(town.register(0, "other", hidden).await, no(NameError::Noconnection));
}

/// Gives a name to both sides of a cluster that is parted, and lets them meet.
async fn clash(town: &mut Town, name: &str, resolver: &Resolver) -> [Pid; 2] {
    town.split(1).await;
    let mut pids = Vec::new();
    for at in [0, 1] {
        let pid = town.puppets[at].pid;
        let given = town.puppets[at].order(register_with(name, pid, resolver.clone())).await;
        assert_eq!(given, Value::Done);
        pids.push(pid);
        // The next one is later by the clock.
        let registered = wall_clock(&mut town.puppets[at]).await;
        while wall_clock(&mut town.puppets[at]).await <= registered {}
    }
    for puppet in &mut town.puppets {
        puppet.order(Operation::TrapExit(true)).await;
    }
    pids.try_into().expect("two")
}

async fn wall_clock(puppet: &mut Puppet) -> u64 {
    match puppet.order(Operation::WallClockMs).await {
        Value::Number(Some(ms)) => ms,
        other => puppet.fail(&format!("{other:?} instead of a time")),
    }
}

/// Which of the two has the name in the end, on both nodes.
async fn winner(town: &mut Town, name: &str, pids: [Pid; 2]) -> Option<usize> {
    let agreed = async {
        loop {
            let both = [town.whereis(0, name).await, town.whereis(1, name).await];
            if both[0] == both[1] {
                return both[0];
            }
        }
    };
    let owner = in_time("both nodes agree", agreed).await;
    owner.map(|owner| pids.iter().position(|pid| *pid == owner).expect("one of the two"))
}

#[tokio::test(flavor = "multi_thread")]
async fn g11_random_exit_kills_one_of_two_owners() {
    let mut town = Town::start(2).await;
    let pids = clash(&mut town, "name", &Resolver::RandomExit).await;
    let watches = [0, 1].map(|at| town.puppets[at].watch());
    town.join(0, 1).await;
    let [first, second] = watches;
    let (killed, reason) = tokio::select! {
        reason = first.reason() => (0, reason),
        reason = second.reason() => (1, reason),
    };
    assert_eq!(reason, Reason::Killed);
    let left = 1 - killed;
    assert!(town.puppets[left].is_alive().await);
    assert_eq!(town.whereis(left, "name").await, Some(pids[left]));
    // The other node's new puppet finds the same.
    town.puppets[killed] = town.nodes[killed].world.puppet().await;
    town.until_all_find(&[0, 1], "name", Some(pids[left])).await;
    town.puppets[left].hears_nothing().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn g11_random_notify_tells_the_one_that_loses() {
    let mut town = Town::start(2).await;
    let pids = clash(&mut town, "name", &Resolver::RandomNotify).await;
    town.join(0, 1).await;
    let kept = winner(&mut town, "name", pids).await.expect("one keeps the name");
    let lost = 1 - kept;
    let told = Event::NameLost { name: b"name".to_vec(), other: pids[kept], both: false };
    assert_eq!(town.puppets[lost].event().await, told);
    town.puppets[kept].hears_nothing().await;
    town.puppets[lost].hears_nothing().await;
    town.all_find(&[0, 1], "name", Some(pids[kept])).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn g11_notify_all_takes_the_name_from_both() {
    let mut town = Town::start(2).await;
    let pids = clash(&mut town, "name", &Resolver::NotifyAll).await;
    town.join(0, 1).await;
    for at in [0, 1] {
        let told = Event::NameLost { name: b"name".to_vec(), other: pids[1 - at], both: true };
        assert_eq!(town.puppets[at].event().await, told);
    }
    town.until_all_find(&[0, 1], "name", None).await;
    for at in [0, 1] {
        town.puppets[at].hears_nothing().await;
    }
    assert_eq!(town.register(1, "name", pids[1]).await, Value::Done);
}

#[tokio::test(flavor = "multi_thread")]
async fn g11_the_one_registered_first_keeps_the_name_if_age_counts() {
    let mut town = Town::start(2).await;
    let pids = clash(&mut town, "name", &Resolver::OldestNotify).await;
    town.join(0, 1).await;
    let kept = winner(&mut town, "name", pids).await.expect("one keeps the name");
    assert_eq!(kept, 0, "it was registered first");
    let told = Event::NameLost { name: b"name".to_vec(), other: pids[0], both: false };
    assert_eq!(town.puppets[1].event().await, told);
    town.puppets[0].hears_nothing().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn g11_a_guest_decides_and_g22_fails_in_every_way() {
    for (referee, keeps) in [
        ("greater", Some(Some(true))),
        ("smaller", Some(Some(false))),
        ("neither", Some(None)),
        ("trapping", None),
        ("hanging", None),
        ("babbling", None),
        ("nobody", None),
    ] {
        let mut town = Town::start(2).await;
        let pids = clash(&mut town, "name", &Resolver::Ask(referee.into())).await;
        let watches = [0, 1].map(|at| town.puppets[at].watch());
        town.join(0, 1).await;
        match keeps {
            Some(Some(greater)) => {
                let kept = usize::from((pids[1] > pids[0]) == greater);
                town.until_all_find(&[0, 1], "name", Some(pids[kept])).await;
            }
            Some(None) => town.until_all_find(&[0, 1], "name", None).await,
            None => {
                // The owner where it was asked keeps the name; the other one is killed.
                let [first, second] = watches;
                let (killed, reason) = tokio::select! {
                    reason = first.reason() => (0, reason),
                    reason = second.reason() => (1, reason),
                };
                assert_eq!(reason, Reason::Killed, "{referee}");
                let left = 1 - killed;
                town.puppets[killed] = town.nodes[killed].world.puppet().await;
                town.until_all_find(&[0, 1], "name", Some(pids[left])).await;
                assert!(town.puppets[left].is_alive().await, "{referee}");
            }
        }
        if keeps.is_some() {
            for puppet in &mut town.puppets {
                puppet.hears_nothing().await;
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_referee_that_cannot_be_is_refused_at_once() {
    let mut town = Town::start(2).await;
    let [near, far] = [town.puppets[0].pid, town.puppets[1].pid];
    let cases = [
        (near, "f".repeat(256), "function-bytes-max of 255 exceeded: 256"),
        (far, "greater".into(), "`ask` is for actors of the caller's own node"),
    ];
    for (pid, function, why) in cases {
        let given = town.puppets[0].order(register_with("name", pid, Resolver::Ask(function)));
        assert_eq!(given.await, no(NameError::BadResolver(why.into())));
        town.all_find(&[0, 1], "name", None).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn g09_different_names_of_two_sides_are_everywhere_when_they_meet() {
    let mut town = Town::start(4).await;
    town.split(2).await;
    let pids: Vec<Pid> = town.puppets.iter().map(|puppet| puppet.pid).collect();
    for at in ALL {
        let name = format!("name{at}");
        assert_eq!(town.register(at, &name, pids[at]).await, Value::Done);
    }
    assert_eq!(town.whereis(0, "name2").await, None);
    town.together().await;
    for at in ALL {
        town.until_all_find(&ALL, &format!("name{at}"), Some(pids[at])).await;
    }
    for puppet in &mut town.puppets {
        puppet.hears_nothing().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn g17_two_that_lost_each_other_and_keep_a_third_agree_again() {
    let mut town = Town::start(3).await;
    town.part(0, 1).await;
    let pids: Vec<Pid> = town.puppets.iter().map(|puppet| puppet.pid).collect();
    for at in [0, 1, 2] {
        let name = format!("name{at}");
        assert_eq!(town.register(at, &name, pids[at]).await, Value::Done);
    }
    // What the third knows is taken for both.
    let another = actor(&mut town, 1).await;
    assert_eq!(town.register(1, "name0", another).await, no(NameError::Taken(pids[0])));
    town.join(0, 1).await;
    for at in [0, 1, 2] {
        town.until_all_find(&[0, 1, 2], &format!("name{at}"), Some(pids[at])).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn g21_a_connection_that_comes_back_changes_no_name() {
    let mut town = Town::start(3).await;
    let pid = town.puppets[0].pid;
    let asks = register_with("name", pid, Resolver::Ask("neither".into()));
    assert_eq!(town.puppets[0].order(asks).await, Value::Done);
    town.part(0, 1).await;
    assert_eq!(town.whereis(1, "name").await, None);
    town.join(0, 1).await;
    town.until_all_find(&[0, 1, 2], "name", Some(pid)).await;
    for puppet in &mut town.puppets {
        puppet.hears_nothing().await;
    }
    town.all_find(&[0, 1, 2], "name", Some(pid)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn g24_the_end_of_a_former_owner_changes_nothing() {
    let mut town = Town::start(3).await;
    let [former, owner] = [actor(&mut town, 0).await, actor(&mut town, 1).await];
    assert_eq!(town.register(0, "name", former).await, Value::Done);
    assert_eq!(town.puppets[2].order(take("name", owner)).await, Value::Done);
    let watch = town.nodes[0].world.watch(former);
    town.puppets[0].done(kill(former)).await;
    watch.reason().await;
    town.settle().await;
    town.all_find(&[0, 1, 2], "name", Some(owner)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn g32_a_name_that_was_given_up_does_not_come_back() {
    let mut town = Town::start(3).await;
    let pid = town.puppets[0].pid;
    assert_eq!(town.register(0, "name", pid).await, Value::Done);
    town.part(1, 2).await;
    assert_eq!(town.puppets[1].order(unregister("name")).await, Value::Done);
    town.all_find(&[0, 1, 2], "name", None).await;
    town.join(1, 2).await;
    town.settle().await;
    town.all_find(&[0, 1, 2], "name", None).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_requester_that_is_killed_leaves_nothing_behind() {
    let mut town = Town::start_with(2, |_, setting| {
        setting.forwarded = true;
        setting.cluster.tick_time = std::time::Duration::from_secs(60);
    })
    .await;
    // The other node answers nothing for now.
    town.nodes[1].forwarder().pause();
    let me = town.puppets[0].pid;
    town.puppets[0].tell(register("itself", me));
    town.puppets[0].kill().await;
    town.nodes[1].forwarder().resume();
    town.puppets[0] = town.nodes[0].world.puppet().await;
    // Whoever comes next gets the name, on either node.
    let next = town.puppets[1].pid;
    assert_eq!(town.register(1, "itself", next).await, Value::Done);
    town.all_find(&[0, 1], "itself", Some(next)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_is_lost_in_the_middle_of_a_registration_is_not_waited_for() {
    let mut town = Town::start_with(3, |_, setting| {
        setting.forwarded = true;
        setting.cluster.tick_time = std::time::Duration::from_secs(60);
    })
    .await;
    for at in [1, 2] {
        town.nodes[at].forwarder().pause();
    }
    let me = town.puppets[0].pid;
    let given = town.puppets[0].begin(register("name", me));
    // Shown at once here, and not confirmed.
    town.nodes[1].halt();
    for at in [1, 2] {
        town.nodes[at].forwarder().resume();
    }
    assert_eq!(town.puppets[0].finish(given).await, Value::Done);
    town.all_find(&[0, 2], "name", Some(me)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_registration_has_as_long_as_its_caller_says() {
    let mut town = Town::start_with(2, |_, setting| {
        setting.forwarded = true;
        setting.cluster.tick_time = std::time::Duration::from_secs(60);
    })
    .await;
    town.nodes[1].forwarder().pause();
    let pid = town.puppets[0].pid;
    let (name, resolver, force) = (b"name".to_vec(), Resolver::RandomExit, false);
    let timeout_ms = Some(50);
    let order = Operation::NameRegister { name, pid, resolver, timeout_ms, force };
    assert_eq!(town.puppets[0].order(order).await, no(NameError::Timeout));
    assert_eq!(town.whereis(0, "name").await, None);
    town.nodes[1].forwarder().resume();
    town.settle().await;
    town.all_find(&[0, 1], "name", None).await;
    assert_eq!(town.register(0, "name", pid).await, Value::Done);
}

#[tokio::test(flavor = "multi_thread")]
async fn names_work_on_a_node_that_is_alone() {
    let mut town = Town::start(1).await;
    let pid = actor(&mut town, 0).await;
    assert_eq!(town.register(0, "name", pid).await, Value::Done);
    let reference = town.puppets[0].reference(monitor(pid)).await;
    town.puppets[0].order(Operation::TrapExit(true)).await;
    town.puppets[0].done(link(pid)).await;
    assert_eq!(town.whereis(0, "name").await, Some(pid));
    town.puppets[0].done(kill(pid)).await;
    let both = [town.puppets[0].event().await, town.puppets[0].event().await];
    assert!(both.contains(&down(reference, pid, Reason::Killed)), "{both:?}");
    assert_eq!(town.whereis(0, "name").await, None);
}
