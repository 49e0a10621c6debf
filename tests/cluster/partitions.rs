//! Nodes on hosts of a network that fails: real namespaces, TLS on. And nodes that users run,
//! by the program `odeon`, which are stopped, killed and ended in order.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use odeon_core::node::Nodes;
use odeon_tests::cluster::net::Net;
use odeon_tests::cluster::{COOKIE, Member, Place, until};
use odeon_tests::protocol::{Event, Operation, Pid, Reason, Resolver, Selection, Value, Watched};
use odeon_tests::{DEADLINE, Puppet, Word as _};

use crate::common::settle;
use crate::support::{down, large, message, monitor, send};
use crate::town::{register_with, whereis};

/// Nodes on a network of their own, all connected.
pub(crate) struct Cluster {
    nodes: Vec<Member>,
    puppets: Vec<Puppet>,
    net: Net,
    _place: Place,
}

impl Cluster {
    pub(crate) async fn start(hosts: u8) -> Option<Self> {
        let net = Net::new(hosts)?;
        let place = Place::new().await;
        let (mut nodes, mut puppets) = (Vec::new(), Vec::new());
        for host in &net.hosts {
            let host = Some(host.clone());
            let node = place.start_with(|setting| setting.host = host).await;
            node.set_addresses(vec![node.address.to_string()]);
            puppets.push(node.world.puppet().await);
            nodes.push(node);
        }
        let cluster = Self { nodes, puppets, net, _place: place };
        for node in &cluster.nodes[1..] {
            node.connect(&cluster.nodes[0].name).await;
        }
        cluster.until_whole().await;
        Some(cluster)
    }

    /// Its nodes, a puppet on each, the network, and what has to be kept as long.
    pub(crate) fn apart(self) -> (Vec<Member>, Vec<Puppet>, Net, Place) {
        (self.nodes, self.puppets, self.net, self._place)
    }

    async fn until_whole(&self) {
        let others = self.nodes.len() - 1;
        until("the mesh is whole", || {
            self.nodes.iter().all(|node| node.nodes(Nodes::Visible).len() == others)
        })
        .await;
    }

    /// Every puppet watches every other one; gives the references, by watcher and watched.
    async fn watch_all(&mut self) -> Vec<Vec<odeon_tests::protocol::Reference>> {
        let pids: Vec<Pid> = self.puppets.iter().map(|puppet| puppet.pid).collect();
        let mut all = Vec::new();
        for at in 0..pids.len() {
            let mut references = Vec::new();
            for pid in &pids {
                references.push(self.puppets[at].reference(monitor(*pid)).await);
            }
            all.push(references);
        }
        self.settle_all().await;
        all
    }

    async fn settle_all(&mut self) {
        for at in 1..self.puppets.len() {
            let (before, after) = self.puppets.split_at_mut(at);
            for one in before {
                settle(one, &mut after[0]).await;
            }
        }
    }

    /// These two lost each other: one event each, and nothing else for anybody.
    async fn lost(
        &mut self,
        pairs: &[(usize, usize)],
        references: &[Vec<odeon_tests::protocol::Reference>],
        begun: Instant,
    ) {
        for (one, other) in pairs {
            for (watcher, watched) in [(*one, *other), (*other, *one)] {
                let pid = self.puppets[watched].pid;
                let reference = references[watcher][watched];
                let event = self.puppets[watcher].event_of(Some(reference)).await;
                assert_eq!(event, down(reference, pid, Reason::Noconnection));
            }
        }
        let took = begun.elapsed();
        assert!(took < Duration::from_millis(4_500), "{took:?}");
        println!("noticed after {took:?}");
        for puppet in &mut self.puppets {
            puppet.hears_nothing().await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_is_cut_off_is_down_within_four_seconds_and_back_by_itself() {
    let Some(mut cluster) = Cluster::start(3).await else { return };
    for _ in 0..2 {
        let references = cluster.watch_all().await;
        let begun = Instant::now();
        cluster.net.cable(2, false);
        cluster.lost(&[(0, 2), (1, 2)], &references, begun).await;
        assert!(cluster.nodes[0].knows(&cluster.nodes[1].name));
        assert!(cluster.nodes[2].nodes(Nodes::Connected).is_empty());
        cluster.net.cable(2, true);
        cluster.until_whole().await;
        println!("whole again after {:?}", begun.elapsed());
        cluster.settle_all().await;
        // The monitors that did not fire are ended, for the next round.
        for (one, other) in [(0, 1), (1, 0)] {
            let monitor = references[one][other];
            let ended = Operation::Demonitor { monitor, flush: false };
            assert!(cluster.puppets[one].yes(ended).await);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_way_that_is_cut_in_one_direction_is_cut() {
    let Some(mut cluster) = Cluster::start(3).await else { return };
    let references = cluster.watch_all().await;
    let begun = Instant::now();
    cluster.net.one_way(0, 1, true);
    cluster.lost(&[(0, 1)], &references, begun).await;
    // The third one sees both all the time.
    assert_eq!(cluster.nodes[2].nodes(Nodes::Connected).len(), 2);
    cluster.net.one_way(0, 1, false);
    cluster.until_whole().await;
    println!("whole again after {:?}", begun.elapsed());
    cluster.settle_all().await;
}

/// What goes on under 30 % loss, 200 ms delay or 1 Mbit/s: slow, and in order.
#[tokio::test(flavor = "multi_thread")]
async fn messages_over_a_bad_network_keep_their_order() {
    for how in [
        "netem loss 30%",
        "netem delay 200ms",
        "netem rate 1mbit",
        "tbf rate 1mbit burst 4kb latency 200ms",
    ] {
        let Some(mut cluster) = Cluster::start(2).await else { return };
        if !(0..2).all(|at| cluster.net.impair(at, how)) {
            continue;
        }
        cluster.puppets[1].done(Operation::WatchNodes(Watched::All)).await;
        let (one, other) = cluster.puppets.split_at_mut(1);
        let (one, other) = (&mut one[0], &mut other[0]);
        let begun = Instant::now();
        for number in 0..40 {
            let body = large(if number % 10 == 5 { 20_000 } else { 50 }, number);
            one.done(send(other.pid, &body)).await;
        }
        // Unless the connection was given up, all of it comes, in order.
        for number in 0..40 {
            match other.event().await {
                Event::NodeDown { reason, .. } => {
                    println!("{how}: down after {:?}: {reason}", begun.elapsed());
                    break;
                }
                event => {
                    let body = large(if number % 10 == 5 { 20_000 } else { 50 }, number);
                    assert!(event == message(one.pid, &body), "{how}: message {number}");
                }
            }
        }
        println!("{how}: {:?}", begun.elapsed());
    }
}

/// A node as users run it.
struct Process {
    child: Child,
    name: String,
    address: String,
    _files: tempfile::TempDir,
}

impl Process {
    fn start(name: &str) -> Self {
        let files = tempfile::tempdir().expect("a directory");
        let test = std::env::current_exe().expect("a test has a path");
        let program = test.ancestors().nth(2).expect("target/PROFILE/deps/TEST").join("odeon");
        assert!(program.is_file(), "{}: build the workspace first", program.display());
        let name = format!("{name}@localhost");
        let data = files.path().join("data");
        let mut child = Command::new(program)
            .args(["node", "--name", &name, "--listen", "0", "--data-dir"])
            .arg(data)
            .env_clear()
            .env("HOME", files.path())
            .env("ODEON_HOME", files.path())
            .env("XDG_RUNTIME_DIR", files.path())
            .env("ODEON_COOKIE", std::str::from_utf8(COOKIE).expect("text"))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("it starts");
        let mut line = String::new();
        BufReader::new(child.stdout.take().expect("piped")).read_line(&mut line).expect("text");
        let address = line.trim().rsplit(' ').next().expect("an address").to_owned();
        assert!(line.contains("ready"), "{line}");
        Self { child, name, address, _files: files }
    }

    fn signal(&self, name: &str) {
        let sent = Command::new("kill").args([name, &self.child.id().to_string()]).status();
        assert!(sent.expect("`kill` is there").success());
    }

    async fn joined_by(&self, node: &Member) {
        let port = self.address.rsplit(':').next().expect("a port");
        node.connect(&format!("{}:{port}", self.name)).await;
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_that_is_stopped_is_down_within_four_seconds_and_back_when_it_goes_on() {
    let place = Place::new().await;
    let near = place.start().await;
    let far = Process::start("stopped");
    far.joined_by(&near).await;
    let mut watcher = near.world.puppet().await;
    let target = near.puppet_at(&far.name).await;
    watcher.done(Operation::WatchNodes(Watched::All)).await;
    let reference = watcher.reference(monitor(target.pid)).await;
    watcher.done(send(target.pid, b"x")).await;
    for round in 0..2 {
        let begun = Instant::now();
        far.signal("-STOP");
        let mut events = vec![watcher.event().await];
        if round == 0 {
            events.push(watcher.event().await);
            assert!(events.contains(&down(reference, target.pid, Reason::Noconnection)));
        }
        let took = begun.elapsed();
        assert!(took < Duration::from_secs(4), "{took:?}");
        let is_down = |event: &Event| match event {
            Event::NodeDown { node, reason, .. } => {
                *node == far.name && reason == "net tick timeout"
            }
            _ => false,
        };
        assert!(events.iter().any(is_down), "{events:?}");
        watcher.hears_nothing().await;
        far.signal("-CONT");
        // It is the same run: its actors are there, and can be watched again.
        assert!(matches!(watcher.event().await, Event::NodeUp { .. }));
        println!("back {:?} after it was stopped", begun.elapsed());
    }
    let again = watcher.reference(monitor(target.pid)).await;
    watcher.done(Operation::Exit(target.pid, Reason::Kill)).await;
    assert_eq!(watcher.event().await, down(again, target.pid, Reason::Killed));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_that_is_killed_is_down_at_once() {
    let place = Place::new().await;
    let near = place.start().await;
    let far = Process::start("killed");
    far.joined_by(&near).await;
    let mut watcher = near.world.puppet().await;
    let target = near.puppet_at(&far.name).await;
    watcher.done(Operation::WatchNodes(Watched::All)).await;
    let reference = watcher.reference(monitor(target.pid)).await;
    let known: odeon_core::Pid = target.pid.word();
    assert_ne!(known.node, near.world.node.id());
    let begun = Instant::now();
    far.signal("-KILL");
    let both = [watcher.event().await, watcher.event().await];
    assert!(begun.elapsed() < Duration::from_secs(1), "{:?}", begun.elapsed());
    assert!(both.contains(&down(reference, target.pid, Reason::Noconnection)), "{both:?}");
    let is_down = |event: &Event| match event {
        Event::NodeDown { reason, .. } => reason == "connection closed",
        _ => false,
    };
    assert!(both.iter().any(is_down), "{both:?}");
    watcher.hears_nothing().await;
}

/// An orderly stop is a farewell: nobody tries to come back.
#[tokio::test(flavor = "multi_thread")]
async fn a_process_that_ends_in_order_is_not_looked_for() {
    let place = Place::new().await;
    let near = place.start().await;
    let far = Process::start("ended");
    far.joined_by(&near).await;
    let mut watcher = near.world.puppet().await;
    watcher.done(Operation::WatchNodes(Watched::All)).await;
    far.signal("-TERM");
    let event = watcher.event().await;
    assert!(
        matches!(&event, Event::NodeDown { reason, .. } if reason != "connection closed"),
        "{event:?}"
    );
    watcher.hears_nothing().await;
}

/// Waits until a puppet's node is connected with this one.
async fn until_sees(puppet: &mut Puppet, node: &str) {
    let begun = Instant::now();
    loop {
        match puppet.order(Operation::Nodes(Selection::Visible)).await {
            Value::Names(names) if names.iter().any(|name| name == node) => return,
            Value::Names(_) => {}
            other => puppet.fail(&format!("{other:?} instead of nodes")),
        }
        assert!(begun.elapsed() < DEADLINE, "{node} is not seen");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// A member and two nodes that users run, all connected.
async fn three(names: [&str; 2]) -> (Place, Member, [Process; 2]) {
    let place = Place::new().await;
    let near = place.start().await;
    let processes = names.map(Process::start);
    for process in &processes {
        process.joined_by(&near).await;
    }
    let mut far = near.puppet_at(&processes[0].name).await;
    until_sees(&mut far, &processes[1].name).await;
    (place, near, processes)
}

/// While one node is halted, nobody can get a name for certain: the others have agreed,
/// and show it already.
#[tokio::test(flavor = "multi_thread")]
async fn a_process_that_is_killed_while_it_registers_a_name_leaves_the_name_free() {
    let (_place, near, [asking, halted]) = three(["asking", "halted"]).await;
    let mut clerk = near.puppet_at(&asking.name).await;
    let mut far = near.puppet_at(&halted.name).await;
    let mut here = near.world.puppet().await;
    halted.signal("-STOP");
    let owner = clerk.pid;
    clerk.tell(register_with("name", owner, Resolver::RandomExit));
    agreed(std::slice::from_mut(&mut here), "name", &[Some(owner)]).await;
    asking.signal("-KILL");
    agreed(std::slice::from_mut(&mut here), "name", &[None]).await;
    halted.signal("-CONT");
    let order = register_with("name", here.pid, Resolver::RandomExit);
    assert_eq!(here.order(order).await, Value::Done);
    assert_eq!(whereis(&mut far, "name").await, Some(here.pid));
    here.hears_nothing().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_is_registered_though_a_node_that_is_asked_is_killed() {
    let (_place, near, [asked, halted]) = three(["asked", "halted"]).await;
    let mut far = near.puppet_at(&asked.name).await;
    let mut here = near.world.puppet().await;
    halted.signal("-STOP");
    let owner = here.pid;
    let given = here.begin(register_with("name", owner, Resolver::RandomExit));
    agreed(std::slice::from_mut(&mut far), "name", &[Some(owner)]).await;
    let begun = Instant::now();
    halted.signal("-KILL");
    assert_eq!(here.finish(given).await, Value::Done);
    // By the end of its connection, and not by its silence.
    assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
    assert_eq!(whereis(&mut far, "name").await, Some(owner));
    here.hears_nothing().await;
}

/// Cuts every way between two sides, or heals it.
pub(crate) fn cut(net: &Net, sides: &[usize], is_cut: bool) {
    for one in 0..sides.len() {
        for other in 0..sides.len() {
            if sides[one] != sides[other] {
                net.one_way(one, other, is_cut);
            }
        }
    }
}

/// Waits until all nodes find the same, which is one of these.
async fn agreed(puppets: &mut [Puppet], name: &str, among: &[Option<Pid>]) -> Option<Pid> {
    let begun = Instant::now();
    loop {
        let mut found = Vec::new();
        for puppet in puppets.iter_mut() {
            found.push(whereis(puppet, name).await);
        }
        if found.iter().all(|one| *one == found[0]) && among.contains(&found[0]) {
            return found[0];
        }
        assert!(begun.elapsed() < Duration::from_secs(20), "{name}: {found:?} of {among:?}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn g11_four_nodes_on_each_side_of_a_cut_agree_on_every_name() {
    let Some(mut cluster) = Cluster::start(8).await else { return };
    let sides = [0, 0, 0, 0, 1, 1, 1, 1];
    cut(&cluster.net, &sides, true);
    until("both sides know of the cut", || {
        cluster.nodes.iter().all(|node| node.nodes(Nodes::Visible).len() == 3)
    })
    .await;
    let names = [
        ("killed", Resolver::RandomExit),
        ("told", Resolver::RandomNotify),
        ("both", Resolver::NotifyAll),
        ("chosen", Resolver::Ask("greater".into())),
    ];
    let mut owners = Vec::new();
    for (at, (name, resolver)) in names.iter().enumerate() {
        let pids = [cluster.puppets[at].pid, cluster.puppets[at + 4].pid];
        for (at, pid) in [(at, pids[0]), (at + 4, pids[1])] {
            let order = register_with(*name, pid, resolver.clone());
            assert_eq!(cluster.puppets[at].order(order).await, Value::Done);
        }
        owners.push(pids);
    }
    let ends = [0, 4].map(|at| cluster.puppets[at].watch());
    let begun = Instant::now();
    cut(&cluster.net, &sides, false);
    let [first, second] = ends;
    let (killed, reason) = tokio::select! {
        reason = first.reason() => (0, reason),
        reason = second.reason() => (1, reason),
    };
    assert_eq!(reason, Reason::Killed);
    cluster.puppets[4 * killed] = cluster.nodes[4 * killed].world.puppet().await;
    cluster.until_whole().await;
    let left = Some(owners[0][1 - killed]);
    assert_eq!(agreed(&mut cluster.puppets, "killed", &[left]).await, left);
    let either = owners[1].map(Some);
    let kept = agreed(&mut cluster.puppets, "told", &either).await.expect("one of the two");
    agreed(&mut cluster.puppets, "both", &[None]).await;
    let greater = owners[3].into_iter().max();
    agreed(&mut cluster.puppets, "chosen", &[greater]).await;
    println!("all agree {:?} after the cut", begun.elapsed());
    let lost = usize::from(owners[1][0] == kept);
    let told = Event::NameLost { name: b"told".to_vec(), other: kept, both: false };
    assert_eq!(cluster.puppets[1 + 4 * lost].event().await, told);
    for side in [0, 1] {
        let other = owners[2][1 - side];
        let told = Event::NameLost { name: b"both".to_vec(), other, both: true };
        assert_eq!(cluster.puppets[2 + 4 * side].event().await, told);
    }
    for puppet in &mut cluster.puppets {
        puppet.hears_nothing().await;
    }
}
