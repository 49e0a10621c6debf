//! Names that are registered, given up, looked up and lost with their owners, while the
//! network is cut and healed under them. What happened is judged by `history`.
//!
//! ```text
//! ODEON_LIFE_SECONDS=60 ODEON_SEED=N cargo test ... --test cluster life
//! ```
//!
//! The seed chooses what each node does and where the cuts are; when it happens, the
//! system chooses.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use odeon_core::node::Nodes;
use odeon_tests::cluster::{Member, until};
use odeon_tests::protocol::{Event, Pid, Reason, Reference, Resolver, Value};
use odeon_tests::{Puppet, Random};
use tokio::sync::{Mutex, RwLock};

use crate::history::{Calm, Entry, History, Name, What};
use crate::partitions::{Cluster, cut};
use crate::support::monitor;
use crate::town::{register_with, unregister, whereis};

const NODES: usize = 5;
const NAMES: Name = 4;

/// What every node does between two changes of the network.
const STEPS: u64 = 40;

/// Owners of one node at a time, at most.
const OWNERS_MAX: usize = 3;

/// How long what was begun may take to be known on a whole side.
const AGREED_WITHIN: Duration = Duration::from_secs(15);

fn text(name: Name) -> String {
    format!("name-{name}")
}

/// What one node does, and has.
struct Citizen {
    at: usize,
    node: Arc<Member>,
    /// Asks, looks up, and watches those that it finds.
    clerk: Puppet,
    owners: Vec<(Name, Puppet)>,
    watched: BTreeMap<Reference, Pid>,
    random: Random,
    history: Arc<std::sync::Mutex<History>>,
    /// Since when its owners have not been looked after.
    looked: Instant,
}

impl Citizen {
    fn record(&self, begun: Instant, what: What) {
        let entry = Entry { node: self.at, begun, ended: Instant::now(), what };
        self.history.lock().expect("nobody panics with it").entries.push(entry);
    }

    async fn step(&mut self) {
        let name = self.random.below(NAMES.into()) as Name;
        match self.random.below(10) {
            0..3 => self.register(name).await,
            3 if !self.owners.is_empty() && self.random.below(4) == 0 => self.kill().await,
            4 if self.random.below(4) == 0 => {
                let begun = Instant::now();
                self.clerk.done(unregister(text(name))).await;
                self.record(begun, What::Unregistered(name));
            }
            _ => {
                self.find(name).await;
            }
        }
        self.listen().await;
    }

    async fn register(&mut self, name: Name) {
        let owner = self.node.world.puppet().await;
        let pid = owner.pid;
        self.history.lock().expect("nobody panics with it").homes.insert(pid, self.at);
        let resolvers = [Resolver::RandomExit, Resolver::RandomNotify, Resolver::NotifyAll];
        let resolver = resolvers[self.random.below(3)].clone();
        let begun = Instant::now();
        let outcome = self.clerk.order(register_with(text(name), pid, resolver)).await;
        if outcome != Value::Done {
            owner.kill().await;
            return;
        }
        self.record(begun, What::Registered(name, pid));
        self.owners.push((name, owner));
        if self.owners.len() > OWNERS_MAX {
            self.kill().await;
        }
    }

    /// Kills one of its owners, if that has not died before.
    async fn kill(&mut self) {
        let which = self.random.below(self.owners.len());
        let (name, owner) = self.owners.swap_remove(which);
        if let Some(owner) = self.looked_after(self.looked, name, owner).await {
            let begun = Instant::now();
            owner.kill().await;
            self.record(begun, What::Killed(owner.pid));
        }
    }

    async fn find(&mut self, name: Name) -> Option<Pid> {
        let begun = Instant::now();
        let found = whereis(&mut self.clerk, &text(name)).await;
        self.record(begun, What::Found(name, found));
        if let Some(pid) = found
            && !self.watched.values().any(|watched| *watched == pid)
        {
            let reference = self.clerk.reference(monitor(pid)).await;
            self.watched.insert(reference, pid);
        }
        found
    }

    /// Hears who died.
    async fn listen(&mut self) {
        let begun = Instant::now();
        while let Some(event) = self.clerk.waiting_event().await {
            let Event::Down { monitor, reason, .. } = event else { continue };
            if let Some(pid) = self.watched.remove(&monitor)
                && reason != Reason::Noconnection
            {
                self.record(begun, What::Down(pid));
            }
        }
    }

    /// Looks which owners have died or lost their names since the last time.
    async fn look_after(&mut self) {
        let since = std::mem::replace(&mut self.looked, Instant::now());
        for (name, owner) in std::mem::take(&mut self.owners) {
            let owner = self.looked_after(since, name, owner).await;
            self.owners.extend(owner.map(|owner| (name, owner)));
        }
    }

    /// An owner, if it lives.
    async fn looked_after(
        &mut self,
        since: Instant,
        name: Name,
        mut owner: Puppet,
    ) -> Option<Puppet> {
        if !owner.is_alive().await {
            self.record(since, What::Died(owner.pid));
            return None;
        }
        while let Some(event) = owner.waiting_event().await {
            if let Event::NameLost { name: lost, .. } = event {
                assert_eq!(lost, text(name).into_bytes());
                self.record(since, What::Lost(name, owner.pid));
            }
        }
        Some(owner)
    }
}

/// All nodes, and the network between them.
struct Life {
    citizens: Vec<Arc<Mutex<Citizen>>>,
    nodes: Vec<Arc<Member>>,
    history: Arc<std::sync::Mutex<History>>,
    /// Held for reading while something is done, so that all can be stopped.
    gate: Arc<RwLock<()>>,
    steps: Arc<Vec<AtomicU64>>,
}

impl Life {
    /// Lets every node do so much more.
    async fn goes_on(&self) {
        let done = |at: usize| self.steps[at].load(Ordering::Relaxed);
        let aims: Vec<u64> = (0..NODES).map(|at| done(at) + STEPS).collect();
        until("every node goes on", || (0..NODES).all(|at| done(at) >= aims[at])).await;
    }

    async fn until_parted(&self, sides: &[usize]) {
        let others = |at: usize| sides.iter().filter(|side| **side == sides[at]).count() - 1;
        until("everybody sees the own side alone", || {
            (0..NODES).all(|at| self.nodes[at].nodes(Nodes::Visible).len() == others(at))
        })
        .await;
    }

    /// Waits until every side agrees, and looks after all owners. Gives when they agreed,
    /// and on what. Call it while everybody is stopped.
    async fn stands_still(
        &self,
        sides: &[usize],
    ) -> (Instant, BTreeMap<(usize, Name), Option<Pid>>) {
        let begun = Instant::now();
        loop {
            let mut found: BTreeMap<(usize, Name), BTreeSet<Option<Pid>>> = BTreeMap::new();
            for (at, citizen) in self.citizens.iter().enumerate() {
                let mut citizen = citizen.lock().await;
                citizen.listen().await;
                for name in 0..NAMES {
                    let owner = whereis(&mut citizen.clerk, &text(name)).await;
                    found.entry((sides[at], name)).or_default().insert(owner);
                }
            }
            let is_settled = |owners: &BTreeSet<Option<Pid>>| owners.len() == 1;
            if found.values().all(is_settled) {
                let agreed = Instant::now();
                for citizen in &self.citizens {
                    citizen.lock().await.look_after().await;
                }
                let one = |owners: BTreeSet<Option<Pid>>| owners.into_iter().next().flatten();
                return (agreed, found.into_iter().map(|(at, all)| (at, one(all))).collect());
            }
            assert!(begun.elapsed() < AGREED_WITHIN, "no agreement: {found:?}");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// A time in which nobody comes or goes.
    async fn is_calm(&self, sides: &[usize]) {
        self.until_parted(sides).await;
        let begun = {
            let _still = self.gate.write().await;
            self.stands_still(sides).await.0
        };
        self.goes_on().await;
        let _still = self.gate.write().await;
        let (_, owners) = self.stands_still(sides).await;
        let calm = Calm { begun, ended: Instant::now(), sides: sides.to_vec(), owners };
        self.history.lock().expect("nobody panics with it").calms.push(calm);
    }
}

/// How long it lasts, at least.
fn seconds() -> u64 {
    match std::env::var("ODEON_LIFE_SECONDS") {
        Ok(text) => {
            text.parse().unwrap_or_else(|error| panic!("ODEON_LIFE_SECONDS={text}: {error}"))
        }
        Err(_) => 10,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn life_with_cuts_never_gives_one_side_two_owners_nor_finds_the_dead() {
    let (seconds, mut random) = (seconds(), Random::seeded());
    let Some(cluster) = Cluster::start(NODES as u8).await else { return };
    let (nodes, puppets, net, _place) = cluster.apart();
    let nodes: Vec<Arc<Member>> = nodes.into_iter().map(Arc::new).collect();
    let history = Arc::new(std::sync::Mutex::new(History::default()));
    let mut citizen = |(at, clerk): (usize, Puppet)| {
        let (node, history) = (Arc::clone(&nodes[at]), Arc::clone(&history));
        let random = random.split();
        let (owners, watched, looked) = (Vec::new(), BTreeMap::new(), Instant::now());
        let citizen = Citizen { at, node, clerk, owners, watched, random, history, looked };
        Arc::new(Mutex::new(citizen))
    };
    let life = Life {
        citizens: puppets.into_iter().enumerate().map(&mut citizen).collect(),
        nodes: nodes.clone(),
        history: Arc::clone(&history),
        gate: Arc::default(),
        steps: Arc::new((0..NODES).map(|_| AtomicU64::new(0)).collect()),
    };
    let is_over = Arc::new(AtomicBool::new(false));
    let lives: Vec<_> = (0..NODES)
        .map(|at| {
            let (citizen, gate) = (Arc::clone(&life.citizens[at]), Arc::clone(&life.gate));
            let (steps, is_over) = (Arc::clone(&life.steps), Arc::clone(&is_over));
            tokio::spawn(async move {
                while !is_over.load(Ordering::Relaxed) {
                    let _open = gate.read().await;
                    citizen.lock().await.step().await;
                    steps[at].fetch_add(1, Ordering::Relaxed);
                }
            })
        })
        .collect();
    let (begun, mut cuts) = (Instant::now(), 0);
    while cuts == 0 || begun.elapsed() < Duration::from_secs(seconds) {
        life.is_calm(&[0; NODES]).await;
        // Neither all nor none.
        let mask = 1 + random.below((1 << NODES) - 2);
        let sides: Vec<usize> = (0..NODES).map(|at| mask >> at & 1).collect();
        cut(&net, &sides, true);
        life.is_calm(&sides).await;
        cut(&net, &sides, false);
        cuts += 1;
    }
    life.is_calm(&[0; NODES]).await;
    is_over.store(true, Ordering::Relaxed);
    for one in lives {
        one.await.expect("nobody fails");
    }
    let history = history.lock().expect("nobody panics with it");
    let count = |is_it: fn(What) -> bool| history.count(is_it);
    let registered = count(|what| matches!(what, What::Registered(..)));
    let killed = count(|what| matches!(what, What::Killed(_)));
    let settled = count(|what| matches!(what, What::Died(_) | What::Lost(..)));
    let found = count(|what| matches!(what, What::Found(..)));
    let downs = count(|what| matches!(what, What::Down(_)));
    let clashes = history.clashes();
    println!(
        "{cuts} cuts, {registered} registrations, {killed} kills, {found} lookups, {downs} deaths \
         told, {clashes} names with two owners that met, {settled} owners that lost so",
    );
    assert!(registered > 0 && killed > 0 && found > 0 && downs > 0, "too little happened");
    let violations = history.violations();
    assert!(violations.is_empty(), "{} violations: {violations:#?}", violations.len());
}
