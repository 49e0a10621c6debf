//! The node of a member, which runs in another process: what `odeon::Node` is for a node in
//! this one, as far as tests ask for it.

use std::sync::Arc;

use bytes::Bytes;
use odeon::modules::digest::Digest;
use odeon::{ActorInfo, Call, CallAt, Spawn, Start};
use odeon_core::node::Nodes;
use odeon_core::{NodeId, Pid, Reason};
use tokio::sync::mpsc;

use super::process::Process;
use super::talk::{Ask, Born, Heard, Locked, Status};
use crate::Word as _;
use crate::protocol::{self, CallError, SpawnError, Target};

/// A node in another process. Clones are the same node.
#[derive(Clone)]
pub struct Node {
    pub(super) process: Arc<Process>,
    pub(super) name: Arc<str>,
    pub(super) id: NodeId,
}

impl Node {
    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The id of this run of it.
    pub fn id(&self) -> NodeId {
        self.id
    }

    /// Makes an actor of the host.
    pub fn native(&self, what: &str) -> Native {
        let (number, hears) = self.process.native();
        let hearing = Hearing { process: Arc::clone(&self.process), number, hears };
        let pid: protocol::Pid = self.process.ask_now(&Ask::Native(number, what.into()));
        Native { pid: pid.word(), hearing }
    }

    /// Connects to another node.
    ///
    /// # Errors
    /// As the node says.
    pub async fn connect(&self, name: &str) -> Result<NodeId, String> {
        let id: Result<u64, String> = self.process.ask(&Ask::Connect(name.into())).await;
        id.map(NodeId::from_wire)
    }

    /// Ends the connection to another node. False if there is none.
    pub async fn disconnect(&self, name: &str) -> bool {
        self.process.ask(&Ask::Disconnect(name.into())).await
    }

    /// Other nodes, by name.
    pub fn nodes(&self, kind: Nodes) -> Vec<Status> {
        self.process.ask_now(&Ask::Nodes(kind))
    }

    /// All actors of guests.
    pub fn actors(&self) -> Vec<ActorInfo> {
        self.process.ask_now(&Ask::Actors)
    }

    /// One actor.
    pub fn actor(&self, pid: Pid) -> Option<ActorInfo> {
        self.process.ask_now(&Ask::Actor(pid.word()))
    }

    /// Living actors, the host's own included.
    pub fn actors_count(&self) -> usize {
        self.process.ask_now(&Ask::ActorsCount)
    }

    /// How many watch an actor, if it lives.
    pub fn watchers(&self, pid: Pid) -> Option<usize> {
        self.process.ask_now(&Ask::Watchers(pid.word()))
    }

    /// The guest's actor with this short id, pid or registered name.
    pub fn find(&self, text: &str) -> Option<Pid> {
        let pid: Option<protocol::Pid> = self.process.ask_now(&Ask::Find(text.into()));
        pid.map(protocol::Pid::word)
    }

    /// Sends an exit signal.
    pub fn exit(&self, to: Pid, reason: Reason) {
        self.process.ask_now(&Ask::Exit(to.word(), reason.word()))
    }

    /// Waits for the end of an actor.
    pub async fn ended(&self, pid: Pid) -> Reason {
        let reason: protocol::Reason = self.process.ask(&Ask::Ended(pid.word())).await;
        reason.word()
    }

    /// Makes an actor. It has no rights.
    ///
    /// # Errors
    /// As the node says.
    pub async fn spawn(&self, spawn: Spawn) -> Result<Pid, SpawnError> {
        let spawned: Result<protocol::Pid, _> = self.process.ask(&Ask::Spawn(born(spawn))).await;
        spawned.map(protocol::Pid::word)
    }

    /// Makes an actor, and watches it from before it runs.
    ///
    /// # Errors
    /// As the node says.
    pub async fn spawn_watched(&self, spawn: Spawn) -> Result<(Pid, Ended), SpawnError> {
        let (number, hears) = self.process.native();
        let ended = Ended(Hearing { process: Arc::clone(&self.process), number, hears });
        let ask = Ask::SpawnWatched(number, born(spawn));
        let spawned: Result<protocol::Pid, _> = self.process.ask(&ask).await;
        spawned.map(|pid| (pid.word(), ended))
    }

    /// Makes an actor on another node.
    ///
    /// # Errors
    /// As that node says, or as there is no connection.
    pub async fn spawn_at(&self, node: &str, spawn: Spawn) -> Result<Pid, SpawnError> {
        let ask = Ask::SpawnAt(node.into(), born(spawn));
        let spawned: Result<protocol::Pid, _> = self.process.ask(&ask).await;
        spawned.map(protocol::Pid::word)
    }

    /// Calls a function on a node.
    ///
    /// # Errors
    /// It gave no result.
    pub async fn rpc(&self, node: &str, call: Call) -> Result<Bytes, CallError> {
        let Call { module, at, timeout, .. } = call;
        let target = match at {
            CallAt::Entry { function, argument } => {
                Target::Entry { function, argument: argument.to_vec() }
            }
            CallAt::Text { text, json: true } => Target::Json(text),
            CallAt::Text { text, json: false } => Target::Wave(text),
        };
        let result: Result<Vec<u8>, _> =
            self.process.ask(&Ask::Call { node: node.into(), module, target, timeout }).await;
        result.map(Bytes::from)
    }

    /// Deploys a module.
    ///
    /// # Errors
    /// As the node says.
    pub fn deploy(&self, name: &str, bytes: &[u8]) -> Result<(), String> {
        self.process.ask_now(&Ask::Deploy(name.into(), bytes.into()))
    }

    /// Whether it has this module.
    pub fn has(&self, module: &Digest) -> bool {
        self.process.ask_now(&Ask::Has(*module.as_bytes()))
    }

    /// The cluster locks that are set there.
    pub fn locks(&self) -> Vec<Locked> {
        self.process.ask_now(&Ask::Locks)
    }

    /// The first cluster names as it knows them, and who has them.
    pub fn cluster_names(&self) -> Vec<(Vec<u8>, Pid)> {
        let names: Vec<(Vec<u8>, protocol::Pid)> = self.process.ask_now(&Ask::Names);
        names.into_iter().map(|(name, pid)| (name, pid.word())).collect()
    }

    /// The members of a group, if it takes part in the scope.
    pub fn members(&self, scope: &[u8], group: &[u8]) -> Option<Vec<protocol::Pid>> {
        self.process.ask_now(&Ask::Members(scope.into(), group.into()))
    }
}

fn born(spawn: Spawn) -> Born {
    let Spawn { module, start, name, group_leader, limits, rights, label: _ } = spawn;
    assert_eq!(rights, odeon::Rights::default(), "nobody needed rights on a member yet");
    let start = match start {
        Start::Entry { function, argument } => {
            protocol::Start::Entry { function, argument: argument.to_vec() }
        }
        Start::Command { arguments } => protocol::Start::Command(arguments),
        Start::Call(text) => protocol::Start::Call(text),
    };
    Born { module, start, name, group_leader: group_leader.map(Pid::word), limits }
}

/// What an actor of the host on a member hears. It ends when this is dropped.
struct Hearing {
    process: Arc<Process>,
    number: u64,
    hears: mpsc::UnboundedReceiver<Heard>,
}

impl Drop for Hearing {
    fn drop(&mut self) {
        self.process.forget(self.number);
        // Where it has ended already, this says nothing.
        self.process.tell(&Ask::End(self.number, protocol::Reason::Normal));
    }
}

/// An actor of the host on a member. It ends, with `normal`, when this is dropped.
pub struct Native {
    pid: Pid,
    hearing: Hearing,
}

impl Native {
    /// Its pid.
    pub fn pid(&self) -> Pid {
        self.pid
    }

    /// What it hears next; nothing when its process has ended.
    pub async fn receive(&mut self) -> Option<Heard> {
        self.hearing.hears.recv().await
    }

    /// Sends a message.
    pub fn send(&self, to: Pid, body: Vec<u8>) {
        self.tell(&Ask::Send(self.hearing.number, to.word(), body));
    }

    /// Sends a message to whoever owns an alias.
    pub fn send_to_alias(&self, alias: protocol::Reference, body: Vec<u8>) {
        self.tell(&Ask::SendToAlias(self.hearing.number, alias, body));
    }

    /// Watches an actor from now on.
    pub fn monitor(&mut self, of: Pid) -> protocol::Reference {
        self.hearing.process.ask_now(&Ask::Monitor(self.hearing.number, of.word()))
    }

    /// Ends it with a reason.
    pub fn end(self, reason: protocol::Reason) {
        self.tell(&Ask::End(self.hearing.number, reason));
    }

    fn tell(&self, what: &Ask) {
        self.hearing.process.tell(what);
    }
}

/// The end of an actor on a member, to be waited for.
pub struct Ended(Hearing);

impl Ended {
    /// Why it ended.
    ///
    /// # Panics
    /// Its node's process ended before.
    pub async fn wait(mut self) -> Reason {
        loop {
            match self.0.hears.recv().await.expect("the process of its node lives") {
                Heard::Message(_) => {}
                Heard::Down { reason, .. } => return reason.word(),
            }
        }
    }
}
