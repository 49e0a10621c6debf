//! Several nodes with a puppet on each, which connect and part only when the test says so,
//! and the words for names and groups.

use std::time::{Duration, Instant};

use odeon_core::node::AutoConnect;
use odeon_tests::Puppet;
use odeon_tests::cluster::{Member, Place, Setting, until};
use odeon_tests::protocol::{
    Failure, NameError, Operation, Pid, Reason, Reference, Resolver, SendOptions, Value,
};

use crate::common::settle;

/// Nodes, and a puppet on each.
pub(crate) struct Town {
    pub(crate) nodes: Vec<Member>,
    pub(crate) puppets: Vec<Puppet>,
    pub(crate) place: Place,
}

impl Town {
    /// So many nodes, all connected.
    pub(crate) async fn start(nodes: usize) -> Self {
        Self::start_with(nodes, |_, _| {}).await
    }

    /// The same with a say in each.
    pub(crate) async fn start_with(nodes: usize, change: impl Fn(usize, &mut Setting)) -> Self {
        let mut town = Self { nodes: vec![], puppets: vec![], place: Place::new().await };
        for at in 0..nodes {
            town.add(|setting| change(at, setting)).await;
        }
        town.together().await;
        town
    }

    /// One more node, connected with nobody.
    pub(crate) async fn add(&mut self, change: impl FnOnce(&mut Setting)) {
        let node = self.place.start_with(|setting| {
            setting.cluster.mesh = false;
            setting.cluster.auto_connect = AutoConnect::Never;
            change(setting);
        });
        let node = node.await;
        self.puppets.push(node.world.puppet().await);
        self.nodes.push(node);
    }

    /// Connects all that are not connected, and lets everybody say what there is to say.
    pub(crate) async fn together(&mut self) {
        for one in 0..self.nodes.len() {
            for other in one + 1..self.nodes.len() {
                self.join(one, other).await;
            }
        }
        self.settle().await;
    }

    /// Connects two.
    pub(crate) async fn join(&self, one: usize, other: usize) {
        let (one, other) = (&self.nodes[one], &self.nodes[other]);
        if !one.knows(&other.name) {
            one.connect(&other.name).await;
        }
        other.until_connected(&one.name, true).await;
    }

    /// Ends the connection of two.
    pub(crate) async fn part(&mut self, one: usize, other: usize) {
        let name = self.nodes[other].name.clone();
        self.puppets[one].yes(Operation::Disconnect(name.clone())).await;
        self.nodes[one].until_connected(&name, false).await;
        self.nodes[other].until_connected(&self.nodes[one].name, false).await;
    }

    /// Ends all connections between those before this number and the others.
    pub(crate) async fn split(&mut self, at: usize) {
        for one in 0..at {
            for other in at..self.nodes.len() {
                self.part(one, other).await;
            }
        }
    }

    /// Lets what is on its way between connected nodes arrive.
    pub(crate) async fn settle(&mut self) {
        for other in 1..self.puppets.len() {
            let (before, after) = self.puppets.split_at_mut(other);
            for (node, puppet) in self.nodes.iter().zip(before) {
                if node.knows(&self.nodes[other].name) {
                    settle(puppet, &mut after[0]).await;
                }
            }
        }
    }

    /// Registers an actor from a node.
    pub(crate) async fn register(&mut self, at: usize, name: &str, pid: Pid) -> Value {
        self.puppets[at].order(register(name, pid)).await
    }

    /// Who has a name, as a node knows it.
    pub(crate) async fn whereis(&mut self, at: usize, name: &str) -> Option<Pid> {
        whereis(&mut self.puppets[at], name).await
    }

    /// Who has a name, as these nodes know it.
    pub(crate) async fn all_find(&mut self, at: &[usize], name: &str, pid: Option<Pid>) {
        for at in at {
            assert_eq!(self.whereis(*at, name).await, pid, "{name} at {at}");
        }
    }

    /// Waits until these nodes find this.
    pub(crate) async fn until_all_find(&mut self, at: &[usize], name: &str, pid: Option<Pid>) {
        for at in at {
            let begun = Instant::now();
            loop {
                let found = self.whereis(*at, name).await;
                if found == pid {
                    break;
                }
                let what = format!("{name} at {at} is {found:?}, not {pid:?}");
                assert!(begun.elapsed() < odeon_tests::DEADLINE, "{what}");
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        }
    }

    /// All names as one node lists them.
    pub(crate) async fn names(&mut self, at: usize) -> Vec<(Vec<u8>, Pid)> {
        let list = Operation::NameList { after: None, max: 1024 };
        match self.puppets[at].order(list).await {
            Value::Named(names) => names,
            other => panic!("{other:?} instead of names"),
        }
    }

    /// Halts a node, and waits until all others know.
    pub(crate) async fn halt(&mut self, at: usize) {
        let name = self.nodes[at].name.clone();
        self.nodes[at].halt();
        for (other, node) in self.nodes.iter().enumerate() {
            if other != at {
                until(&format!("{} knows of the loss", node.name), || !node.knows(&name)).await;
            }
        }
    }
}

pub(crate) async fn whereis(puppet: &mut Puppet, name: &str) -> Option<Pid> {
    match puppet.order(Operation::NameWhereis(name.into())).await {
        Value::Pid(pid) => pid,
        other => puppet.fail(&format!("{other:?} instead of an owner")),
    }
}

/// Gives an actor a name that nobody has.
pub(crate) fn register(name: impl Into<Vec<u8>>, pid: Pid) -> Operation {
    register_with(name, pid, Resolver::RandomExit)
}

/// The same, with this rule for two owners.
pub(crate) fn register_with(name: impl Into<Vec<u8>>, pid: Pid, resolver: Resolver) -> Operation {
    let (name, timeout_ms, force) = (name.into(), None, false);
    Operation::NameRegister { name, pid, resolver, timeout_ms, force }
}

/// Gives an actor a name, whoever has it.
pub(crate) fn take(name: impl Into<Vec<u8>>, pid: Pid) -> Operation {
    let (name, resolver, timeout_ms) = (name.into(), Resolver::RandomExit, None);
    Operation::NameRegister { name, pid, resolver, timeout_ms, force: true }
}

pub(crate) fn unregister(name: impl Into<Vec<u8>>) -> Operation {
    Operation::NameUnregister { name: name.into(), timeout_ms: None }
}

pub(crate) fn send_name(name: &str, body: &[u8]) -> Operation {
    Operation::NameSend(name.into(), body.into(), SendOptions::default())
}

pub(crate) fn no(error: NameError) -> Value {
    Value::Failed(Failure::Name(error))
}

pub(crate) fn kill(pid: Pid) -> Operation {
    Operation::Exit(pid, Reason::Kill)
}

/// The scope of most tests.
pub(crate) const SCOPE: &[u8] = b"scope";

pub(crate) fn start_scope() -> Operation {
    Operation::ScopeStart(SCOPE.into())
}

pub(crate) fn join(group: &str, pids: &[Pid]) -> Operation {
    Operation::GroupJoin { scope: SCOPE.into(), group: group.into(), pids: pids.into() }
}

pub(crate) fn leave(group: &str, pids: &[Pid]) -> Operation {
    Operation::GroupLeave { scope: SCOPE.into(), group: group.into(), pids: pids.into() }
}

pub(crate) fn monitor_group(group: Option<&str>) -> Operation {
    Operation::GroupMonitor { scope: SCOPE.into(), group: group.map(Into::into) }
}

/// The members of a group as a puppet's node knows them, in order.
pub(crate) async fn members(puppet: &mut Puppet, group: &str, local: bool) -> Vec<Pid> {
    let (scope, group) = (SCOPE.into(), group.into());
    match puppet.order(Operation::GroupMembers { scope, group, local }).await {
        Value::Pids(pids) => pids,
        other => puppet.fail(&format!("{other:?} instead of members")),
    }
}

/// The groups that a puppet's node knows.
pub(crate) async fn groups(puppet: &mut Puppet, local: bool) -> Vec<String> {
    match puppet.order(Operation::GroupList { scope: SCOPE.into(), local }).await {
        Value::Keys(keys) => {
            keys.iter().map(|key| String::from_utf8_lossy(key).into_owned()).collect()
        }
        other => puppet.fail(&format!("{other:?} instead of groups")),
    }
}

/// Waits until a group has these members, in the order of their ids.
pub(crate) async fn until_members(puppet: &mut Puppet, group: &str, expected: &[Pid]) {
    let mut expected = expected.to_vec();
    expected.sort_unstable();
    let begun = Instant::now();
    loop {
        let found = members(puppet, group, false).await;
        if found == expected {
            return;
        }
        let what = format!("{group}: {found:?}, not {expected:?}");
        assert!(begun.elapsed() < odeon_tests::DEADLINE, "{what}");
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

/// A monitor and the members that it began with.
pub(crate) async fn monitored(
    puppet: &mut Puppet,
    group: Option<&str>,
) -> (Reference, Vec<(Vec<u8>, Vec<Pid>)>) {
    match puppet.order(monitor_group(group)).await {
        Value::Monitored { monitor, members } => (monitor, members),
        other => puppet.fail(&format!("{other:?} instead of a monitor")),
    }
}
