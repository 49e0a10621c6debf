//! Nodes that come and go, and who hears of it (rows N).

use std::slice::from_ref;
use std::time::{Duration, Instant};

use odeon_core::node::Nodes;
use odeon_tests::cluster::{Member, Pair, Place, until};
use odeon_tests::protocol::{
    Event, MonitorOptions, Operation, Reason, Selection, SpawnError, SpawnOptions, Value, Watched,
};
use odeon_tests::{Puppet, in_time};

use crate::common::{at, nothing_came, send_at, settle};
use crate::support::{down, exit, function, link, message, monitor, send, spawn_with};

fn up(member: &Member, hidden: bool) -> Event {
    let (node, id) = (member.name.clone(), member.world.node.id().get());
    Event::NodeUp { node, id, hidden }
}

/// The next event is that this node went down; gives the reason.
async fn gone(puppet: &mut Puppet, member: &Member) -> String {
    match puppet.event().await {
        Event::NodeDown { node, id, reason, .. }
            if node == member.name && id == member.world.node.id().get() =>
        {
            reason
        }
        other => puppet.fail(&format!("{other:?} instead of the loss of {}", member.name)),
    }
}

async fn names(puppet: &mut Puppet, of: Selection) -> Vec<String> {
    match puppet.order(Operation::Nodes(of)).await {
        Value::Names(names) => names,
        other => puppet.fail(&format!("{other:?} instead of names")),
    }
}

/// Nothing happens for so long, of whatever kind it may be.
async fn nothing_happens(puppet: &mut Puppet, quiet_ms: u64) {
    let events = puppet.order(Operation::ReceiveAll { quiet_ms }).await;
    assert_eq!(events, Value::Events(vec![]));
}

#[tokio::test(flavor = "multi_thread")]
async fn n01_a_silent_node_is_down_within_four_seconds_and_everybody_hears_it_once() {
    let pair = Pair::start_with(|setting| setting.forwarded = true).await;
    let (mut near, mut far) = pair.puppets().await;
    for one in [&mut near, &mut far] {
        one.order(Operation::TrapExit(true)).await;
        one.done(Operation::WatchNodes(Watched::All)).await;
    }
    near.done(link(far.pid)).await;
    let watched = near.reference(monitor(far.pid)).await;
    settle(&mut near, &mut far).await;
    let begun = Instant::now();
    for forwarder in [pair.far.forwarder(), pair.near.forwarder()] {
        forwarder.pause();
        forwarder.open(false);
    }
    let mut events = vec![near.event().await, near.event().await, near.event().await];
    let took = begun.elapsed();
    assert!(took > Duration::from_millis(1_400) && took < Duration::from_secs(4), "{took:?}");
    events.retain(|event| match event {
        Event::NodeDown { node, reason, .. } => {
            assert_eq!((node, reason.as_str()), (&pair.far.name, "net tick timeout"));
            false
        }
        _ => true,
    });
    let expected =
        [exit(far.pid, Reason::Noconnection), down(watched, far.pid, Reason::Noconnection)];
    assert!(events.len() == 2 && expected.iter().all(|it| events.contains(it)), "{events:?}");
    // The other side found out as well, by itself.
    assert_eq!(far.event().await, exit(near.pid, Reason::Noconnection));
    gone(&mut far, &pair.near).await;
    assert!(begun.elapsed() < Duration::from_secs(4), "{:?}", begun.elapsed());
    nothing_happens(&mut near, 100).await;
    nothing_happens(&mut far, 100).await;
}

/// A connection on which one direction is dead is dead.
#[tokio::test(flavor = "multi_thread")]
async fn n01_a_node_that_hears_nobody_or_that_nobody_hears_is_down() {
    for (there, back) in [(true, false), (false, true)] {
        let pair = Pair::start_with(|setting| {
            setting.forwarded = true;
            setting.cluster.tick_time = Duration::from_millis(600);
        })
        .await;
        let (mut near, mut far) = pair.puppets().await;
        for one in [&mut near, &mut far] {
            one.done(Operation::WatchNodes(Watched::All)).await;
        }
        pair.far.forwarder().pass(there, back);
        pair.far.forwarder().open(false);
        pair.near.forwarder().open(false);
        gone(&mut near, &pair.far).await;
        // Who could be heard ends the connection, and the other one sees its end or its
        // silence.
        pair.far.forwarder().cut();
        gone(&mut far, &pair.near).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn n01_nobody_is_down_while_it_idles() {
    let pair =
        Pair::start_with(|setting| setting.cluster.tick_time = Duration::from_millis(1_000)).await;
    let (mut near, mut far) = pair.puppets().await;
    for one in [&mut near, &mut far] {
        one.done(Operation::WatchNodes(Watched::All)).await;
    }
    tokio::join!(nothing_happens(&mut near, 4_000), nothing_happens(&mut far, 4_000));
    settle(&mut near, &mut far).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn n02_the_tick_time_is_changed_on_three_nodes_without_a_false_loss() {
    let place = Place::new().await;
    let mut nodes = Vec::new();
    for hidden in [false, false, true] {
        let node = place.start_with(|setting| {
            setting.cluster.tick_time = Duration::from_secs(2);
            setting.cluster.hidden = hidden;
            setting.forwarded = true;
        });
        nodes.push(node.await);
    }
    for (one, other) in [(0, 1), (0, 2), (1, 2)] {
        nodes[one].connect(&nodes[other].name).await;
        nodes[other].until_connected(&nodes[one].name, true).await;
    }
    let mut watchers = Vec::new();
    for node in &nodes {
        let mut watcher = node.world.puppet().await;
        watcher.done(Operation::WatchNodes(Watched::All)).await;
        watchers.push(watcher);
    }
    for time in [Duration::from_millis(800), Duration::from_secs(2), Duration::from_millis(800)] {
        for node in &nodes {
            node.set_tick_time(time);
        }
        // The same once more is no change.
        nodes[0].set_tick_time(time);
        let [a, b, c] = &mut watchers[..] else { unreachable!() };
        tokio::join!(
            nothing_happens(a, 2_500),
            nothing_happens(b, 2_500),
            nothing_happens(c, 2_500)
        );
    }
    // A real loss is found by the new time.
    let begun = Instant::now();
    nodes[2].forwarder().pause();
    nodes[2].forwarder().open(false);
    gone(&mut watchers[0], &nodes[2]).await;
    let took = begun.elapsed();
    assert!(took > Duration::from_millis(300) && took < Duration::from_millis(1_900), "{took:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn n04_names_that_name_no_node_do_no_harm() {
    let pair = Pair::start().await;
    let (mut near, mut far) = pair.puppets().await;
    let long = format!("{}@localhost", "x".repeat(300));
    let illegal =
        ["", "@", "a", "a@", "@a", "a@b@c", "a b@c", "a@b\n", "../../x@y", "\0@\0", "ä@ö", &long];
    for name in illegal {
        assert!(!near.yes(Operation::Connect(name.into())).await, "{name:?}");
        assert!(!near.yes(Operation::Disconnect(name.into())).await, "{name:?}");
        near.done(send_at(name, "x", b"x")).await;
        let options = MonitorOptions::default();
        let reference = near.reference(Operation::Monitor(at(name, "x"), options)).await;
        let Event::Down { monitor, reason, .. } = near.event().await else { unreachable!() };
        assert_eq!((monitor, reason), (reference, Reason::Noconnection), "{name:?}");
        let options = SpawnOptions { node: Some(name.into()), ..SpawnOptions::default() };
        let spawned = near.order(spawn_with(function("nothing"), options)).await;
        let refused = odeon_tests::protocol::Failure::Spawn(SpawnError::Noconnection);
        assert_eq!(spawned, Value::Failed(refused), "{name:?}");
    }
    settle(&mut near, &mut far).await;
    let known = names(&mut near, Selection::Known).await;
    assert_eq!(known, from_ref(&pair.far.name));
}

#[tokio::test(flavor = "multi_thread")]
async fn n04_short_and_long_names_do_not_mix() {
    let place = Place::new().await;
    let short = place.start_with(|setting| setting.name = Some("short@localhost".into())).await;
    let long = place.start_with(|setting| setting.name = Some("long@box.example".into())).await;
    for (one, other) in [(&short, &long), (&long, &short)] {
        let refused = in_time("an answer", one.world.node.connect(&other.name)).await;
        let error = refused.expect_err("they do not mix").to_string();
        assert!(error.contains("mix"), "{error}");
    }
    let longer = place.start_with(|setting| setting.name = Some("a@other.example".into())).await;
    longer.connect(&long.name).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn n08_a_hidden_node_is_listed_apart_and_told_only_to_who_asks_for_it() {
    for near_is_hidden in [false, true] {
        let place = Place::new().await;
        let near = place.start_with(|setting| setting.cluster.hidden = near_is_hidden).await;
        let far = place.start_with(|setting| setting.cluster.hidden = !near_is_hidden).await;
        let mut by_default = near.world.puppet().await;
        let mut hidden = near.world.puppet().await;
        let mut all = far.world.puppet().await;
        by_default.done(Operation::WatchNodes(Watched::Visible)).await;
        hidden.done(Operation::WatchNodes(Watched::Hidden)).await;
        all.done(Operation::WatchNodes(Watched::All)).await;
        near.connect(&far.name).await;
        assert_eq!(hidden.event().await, up(&far, true));
        assert_eq!(all.event().await, up(&near, true));
        for (puppet, other) in [(&mut by_default, &far), (&mut all, &near)] {
            assert_eq!(names(puppet, Selection::Visible).await, [""; 0]);
            assert_eq!(names(puppet, Selection::Hidden).await, from_ref(&other.name));
            assert_eq!(names(puppet, Selection::Connected).await, from_ref(&other.name));
            assert_eq!(names(puppet, Selection::Known).await, from_ref(&other.name));
        }
        // It can be used as any other.
        let mut one = near.world.puppet().await;
        settle(&mut one, &mut all).await;
        assert!(near.world.node.disconnect(&far.name).await);
        gone(&mut hidden, &far).await;
        gone(&mut all, &near).await;
        by_default.hears_nothing().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn visible_nodes_of_a_mesh_connect_with_each_other_and_hidden_ones_do_not() {
    let place = Place::new().await;
    let [a, b, c] = [place.start().await, place.start().await, place.start().await];
    let hidden = place.start_with(|setting| setting.cluster.hidden = true).await;
    let apart = place.start_with(|setting| setting.cluster.mesh = false).await;
    let mut addresses = vec![&a, &b, &c];
    for one in &addresses {
        one.set_addresses(vec![one.address.to_string()]);
    }
    a.connect(&b.name).await;
    hidden.connect(&a.name).await;
    apart.connect(&a.name).await;
    c.connect(&a.name).await;
    until("the mesh is whole", || addresses.iter().all(|one| one.nodes(Nodes::Visible).len() >= 2))
        .await;
    addresses.pop();
    c.until_connected(&b.name, true).await;
    let mut quiet = hidden.world.puppet().await;
    nothing_happens(&mut quiet, 300).await;
    assert_eq!(hidden.nodes(Nodes::Connected), from_ref(&a.name));
    assert!(!b.knows(&hidden.name) && !c.knows(&hidden.name));
    // One without a mesh dials nobody by itself, whoever dials it.
    let dialled = apart.world.node.nodes(Nodes::Connected);
    let dialled: Vec<_> = dialled.iter().filter(|node| node.initiated).collect();
    assert!(dialled.len() == 1 && dialled[0].name == a.name, "{dialled:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_with_a_list_takes_those_on_it_alone() {
    let place = Place::new().await;
    let friend = place.start().await;
    let stranger = place.start().await;
    let allow = Some(vec![friend.name.clone()]);
    let choosy = place.start_with(|setting| setting.cluster.allow = allow).await;
    for (one, other) in [(&stranger, &choosy), (&choosy, &stranger)] {
        let refused = in_time("an answer", one.world.node.connect(&other.name)).await;
        let error = refused.expect_err("it is not on the list").to_string();
        assert!(error.contains("allow"), "{error}");
    }
    friend.connect(&choosy.name).await;
    assert!(!choosy.knows(&stranger.name) && !stranger.knows(&choosy.name));
}

#[tokio::test(flavor = "multi_thread")]
async fn n11_a_node_that_accepts_and_stays_silent_fails_within_the_set_up_time() {
    let place = Place::new().await;
    let near = place.start_with(|setting| setting.setup_time = Duration::from_millis(700)).await;
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let name = "silent@localhost";
    let _published = place.announce(name, silent.local_addr().expect("bound"));
    let mut puppet = near.world.puppet().await;
    for _ in 0..3 {
        let begun = Instant::now();
        assert!(!puppet.yes(Operation::Connect(name.into())).await);
        let took = begun.elapsed();
        assert!(took < Duration::from_millis(1_500), "{took:?}");
    }
    // Who sends to it meanwhile is answered when it has failed.
    let reference =
        puppet.reference(Operation::Monitor(at(name, "x"), MonitorOptions::default())).await;
    let Event::Down { monitor, reason, .. } = puppet.event().await else { unreachable!() };
    assert_eq!((monitor, reason), (reference, Reason::Noconnection));
}

#[tokio::test(flavor = "multi_thread")]
async fn n16_each_subscription_gives_one_event_and_is_ended_by_kind() {
    let pair = Pair::start().await;
    let mut watcher = pair.near.world.puppet().await;
    let watches = [Watched::Visible, Watched::Visible, Watched::Hidden, Watched::All];
    for watched in watches {
        watcher.done(Operation::WatchNodes(watched)).await;
    }
    pair.connect().await;
    for _ in 0..3 {
        assert_eq!(watcher.event().await, up(&pair.far, false));
    }
    watcher.hears_nothing().await;
    watcher.done(Operation::UnwatchNodes(Watched::Visible)).await;
    assert!(pair.near.world.node.disconnect(&pair.far.name).await);
    assert_eq!(gone(&mut watcher, &pair.far).await, "disconnect");
    watcher.hears_nothing().await;
    watcher.done(Operation::UnwatchNodes(Watched::All)).await;
    pair.connect().await;
    watcher.hears_nothing().await;
    // What is no subscription can be ended too, and there is a limit on how many.
    watcher.done(Operation::UnwatchNodes(Watched::All)).await;
    let ended = watcher.watch();
    watcher.tell(Operation::Repeat(1000, Box::new(Operation::WatchNodes(Watched::All))));
    let reason = ended.reason().await;
    assert!(matches!(&reason, Reason::Limit(text) if text.contains("node-watches")), "{reason:?}");
}

/// The far one floods the near one, which is subscribed, over connections that come
/// and go: messages come between an up and a down alone.
async fn flooded(pair: &Pair, mut lose: impl AsyncFnMut(&Pair)) {
    let (mut near, mut far) = pair.puppets().await;
    pair.near.world.node.disconnect(&pair.far.name).await;
    pair.far.until_connected(&pair.near.name, false).await;
    near.done(Operation::WatchNodes(Watched::All)).await;
    let mut is_up = false;
    let mut messages = 0;
    for round in 0..30 {
        let flood = Operation::Flood { to: near.pid, messages: 5_000, bytes: 40 };
        let flooding = far.begin(flood);
        until("messages come", || {
            use odeon_tests::Word as _;
            let actor = pair.near.world.node.actor(near.pid.word());
            actor.is_some_and(|actor| actor.mailbox > 100)
        })
        .await;
        lose(pair).await;
        far.finish(flooding).await;
        // What is under way arrives; then the next round begins from a loss.
        while !pair.near.knows(&pair.far.name) {
            far.done(send(near.pid, b"more")).await;
        }
        let all = Operation::ReceiveAll { quiet_ms: 50 };
        let Value::Events(events) = near.order(all).await else { unreachable!() };
        for (at, event) in events.iter().enumerate() {
            match event {
                Event::NodeUp { .. } => {
                    assert!(!is_up, "round {round}, event {at}: up twice");
                    is_up = true;
                }
                Event::NodeDown { .. } => {
                    assert!(is_up, "round {round}, event {at}: down twice");
                    is_up = false;
                }
                _ => assert!(is_up, "round {round}, event {at}: a message while it is down"),
            }
        }
        messages += events.len();
    }
    println!("{messages} events");
}

#[tokio::test(flavor = "multi_thread")]
async fn n17_messages_come_between_up_and_down_when_this_side_disconnects() {
    let pair = Pair::start().await;
    flooded(&pair, async |pair| {
        pair.near.world.node.disconnect(&pair.far.name).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn n17_messages_come_between_up_and_down_when_the_other_side_disconnects() {
    let pair = Pair::start().await;
    flooded(&pair, async |pair| {
        pair.far.world.node.disconnect(&pair.near.name).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn n17_messages_come_between_up_and_down_when_the_connection_is_cut() {
    let pair = Pair::start_with(|setting| setting.forwarded = true).await;
    flooded(&pair, async |pair| {
        pair.far.forwarder().cut();
        pair.near.forwarder().cut();
    })
    .await;
}

/// An orderly end takes nothing back: more than the credit of a connection is on its way
/// when the node leaves.
#[tokio::test(flavor = "multi_thread")]
async fn what_was_sent_before_a_node_leaves_or_disconnects_arrives() {
    let mut pair = Pair::start().await;
    let (mut near, mut far) = pair.puppets().await;
    near.done(Operation::WatchNodes(Watched::All)).await;
    for leaves in [false, true] {
        // What waits for a connection that is not there yet is lost.
        pair.far.connect(&pair.near.name).await;
        far.done(Operation::Flood { to: near.pid, messages: 3 * 1024, bytes: 1024 }).await;
        if leaves {
            pair.far.leave().await;
        } else {
            assert!(pair.far.world.node.disconnect(&pair.near.name).await);
        }
        let all = Operation::ReceiveAll { quiet_ms: 300 };
        let Value::Events(events) = near.order(all).await else { unreachable!() };
        let is_message = |event: &&Event| matches!(event, Event::Message { .. });
        assert_eq!(events.iter().filter(is_message).count(), 3 * 1024, "leaves: {leaves}");
        assert!(matches!(events.last(), Some(Event::NodeDown { .. })), "{:?}", events.last());
    }
}

/// Up is told before the first signal, also to who is sent something at once.
#[tokio::test(flavor = "multi_thread")]
async fn n17_up_is_told_before_the_signals_that_waited_for_the_connection() {
    let pair = Pair::start().await;
    let (mut near, mut far) = pair.puppets().await;
    near.done(Operation::WatchNodes(Watched::All)).await;
    far.done(Operation::WatchNodes(Watched::All)).await;
    for round in 0..60 {
        assert!(pair.near.world.node.disconnect(&pair.far.name).await);
        gone(&mut near, &pair.far).await;
        gone(&mut far, &pair.near).await;
        let (from, from_node, to, to_node) = match round % 2 {
            0 => (&mut near, &pair.near, &mut far, &pair.far),
            _ => (&mut far, &pair.far, &mut near, &pair.near),
        };
        let sends = vec![send(to.pid, b"first"); 3];
        from.order(Operation::Batch(sends)).await;
        assert_eq!(to.event().await, up(from_node, false), "round {round}");
        for _ in 0..3 {
            assert_eq!(to.event().await, message(from.pid, b"first"), "round {round}");
        }
        assert_eq!(from.event().await, up(to_node, false), "round {round}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn n19_subscriptions_of_the_dead_do_no_harm() {
    let pair = Pair::start().await;
    let mut watcher = pair.near.world.puppet().await;
    watcher.done(Operation::WatchNodes(Watched::All)).await;
    for _ in 0..50 {
        let mut doomed = pair.near.world.puppet().await;
        doomed.done(Operation::WatchNodes(Watched::All)).await;
        doomed.kill().await;
    }
    pair.connect().await;
    assert_eq!(watcher.event().await, up(&pair.far, false));
    watcher.hears_nothing().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_nodes_that_connect_to_each_other_at_once_have_one_connection() {
    let pair = Pair::start().await;
    let (mut near, mut far) = (pair.near.world.puppet().await, pair.far.world.puppet().await);
    for one in [&mut near, &mut far] {
        one.done(Operation::WatchNodes(Watched::All)).await;
    }
    for round in 0..60 {
        let (there, back) = tokio::join!(
            in_time("a connection", pair.near.world.node.connect(&pair.far.name)),
            in_time("a connection", pair.far.world.node.connect(&pair.near.name)),
        );
        assert_eq!(there, Ok(pair.far.world.node.id()), "round {round}");
        assert_eq!(back, Ok(pair.near.world.node.id()), "round {round}");
        assert_eq!(near.event().await, up(&pair.far, false), "round {round}");
        assert_eq!(far.event().await, up(&pair.near, false), "round {round}");
        settle(&mut near, &mut far).await;
        assert!(pair.near.world.node.disconnect(&pair.far.name).await);
        gone(&mut near, &pair.far).await;
        gone(&mut far, &pair.near).await;
    }
}

/// A node that dies without a word and comes back: the new connection takes the place of
/// the old one, whose loss is told first.
#[tokio::test(flavor = "multi_thread")]
async fn a_restarted_node_takes_the_place_of_its_former_run() {
    let mut pair = Pair::start_with(|setting| {
        setting.forwarded = true;
        setting.cluster.tick_time = Duration::from_secs(60);
    })
    .await;
    let (mut near, former) = pair.puppets().await;
    near.order(Operation::TrapExit(true)).await;
    near.done(Operation::WatchNodes(Watched::All)).await;
    let mut former = former;
    near.done(link(former.pid)).await;
    settle(&mut near, &mut former).await;
    let former_id = pair.far.world.node.id();
    // Nothing of its end is heard.
    let forwarder = pair.far.forwarder.take().expect("asked for");
    forwarder.pause();
    let near_name = pair.near.name.clone();
    pair.restart_far(|_| {}).await;
    nothing_happens(&mut near, 100).await;
    pair.far.connect(&near_name).await;
    assert_eq!(near.event().await, exit(former.pid, Reason::Noconnection));
    let Event::NodeDown { id, reason, .. } = near.event().await else { unreachable!() };
    assert_eq!(id, former_id.get());
    assert!(reason.contains("superseded"), "{reason}");
    assert_eq!(near.event().await, up(&pair.far, false));
    let mut now = pair.far.world.puppet().await;
    settle(&mut near, &mut now).await;
    drop(forwarder);
    nothing_happens(&mut near, 100).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_connection_comes_back_by_itself_and_a_wanted_disconnect_does_not() {
    let pair = Pair::start_with(|setting| setting.forwarded = true).await;
    let (mut near, mut far) = pair.puppets().await;
    near.done(Operation::WatchNodes(Watched::All)).await;
    for _ in 0..3 {
        let watched = near.reference(monitor(far.pid)).await;
        settle(&mut near, &mut far).await;
        pair.far.forwarder().cut();
        pair.near.forwarder().cut();
        assert_eq!(near.event().await, down(watched, far.pid, Reason::Noconnection));
        assert_eq!(gone(&mut near, &pair.far).await, "connection closed");
        assert_eq!(near.event().await, up(&pair.far, false));
        settle(&mut near, &mut far).await;
    }
    assert!(pair.far.world.node.disconnect(&pair.near.name).await);
    gone(&mut near, &pair.far).await;
    nothing_happens(&mut near, 500).await;
    assert!(!pair.far.knows(&pair.near.name));
    // Until somebody sends.
    near.done(send(far.pid, b"again")).await;
    assert_eq!(far.event().await, message(near.pid, b"again"));
    assert_eq!(near.event().await, up(&pair.far, false));
    nothing_came(&mut far, &mut near).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mesh_of_twelve_nodes_is_whole_soon_and_again_after_a_halt() {
    let place = Place::new().await;
    let mut nodes = Vec::new();
    for _ in 0..12 {
        let node = place.start_with(|setting| setting.workers = Some(1)).await;
        nodes.push(node);
    }
    let begun = Instant::now();
    for pair in nodes.windows(2) {
        pair[1].connect(&pair[0].name).await;
    }
    let whole = |nodes: &[Member]| {
        let others = nodes.len() - 1;
        nodes.iter().all(|node| node.nodes(Nodes::Visible).len() == others)
    };
    until("the mesh is whole", || whole(&nodes)).await;
    println!("12 nodes are a mesh after {:?}", begun.elapsed());
    let mut gone = nodes.remove(5);
    gone.halt();
    until("the others noticed", || whole(&nodes)).await;
}

/// An actor that is subscribed and watches much, and ends in the middle of a loss.
#[tokio::test(flavor = "multi_thread")]
async fn an_actor_that_ends_while_its_node_loses_another_does_no_harm() {
    let pair = Pair::start_with(|setting| setting.forwarded = true).await;
    let (mut near, mut far) = pair.puppets().await;
    for round in 0..20 {
        let mut doomed = Vec::new();
        for _ in 0..10 {
            let mut one = pair.near.world.puppet().await;
            one.done(Operation::WatchNodes(Watched::All)).await;
            one.reference(monitor(far.pid)).await;
            one.done(link(far.pid)).await;
            doomed.push(one);
        }
        let killer = async {
            for one in &doomed {
                one.kill().await;
            }
        };
        if round % 2 == 0 {
            tokio::join!(killer, async {
                pair.near.world.node.disconnect(&pair.far.name).await;
            });
        } else {
            pair.far.forwarder().cut();
            killer.await;
        }
        near.order(Operation::ReceiveAll { quiet_ms: 1 }).await;
        far = pair.far.world.puppet().await;
        pair.connect().await;
        settle(&mut near, &mut far).await;
        let info = far.itself().await;
        assert_eq!((info.links, info.monitored_by), (vec![], vec![]), "round {round}");
    }
}
