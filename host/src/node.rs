//! The handle to a node: what an embedder, the control server and the benchmarks use.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use odeon_core::node::{NodeStatus, Nodes};
use odeon_core::process::{Event, Filter, ReplyWhen};
use odeon_core::signal::{CallError, Monitored, Signal, SpawnError};
use odeon_core::wire::{Address, CallAt, CallRequest, LimitsAsked, SpawnRequest, StartAt};
use odeon_core::{Envelope, Key, NodeId, Pid, Reason, groups, locks};
use serde::{Deserialize, Serialize};
use wasmtime::component::Val;

use crate::call::{self, Caller};
use crate::cluster::{self, Dialler};
use crate::io::{self, Output};
use crate::limits::{Limits, LimitsPatch};
use crate::modules::compile::{self, Compiler, ProgressHook, TierChoice};
use crate::modules::store::Store;
use crate::native::Native;
use crate::rights::Rights;
use crate::runtime::{Parts, Runtime};
use crate::scheduler::Scheduler;
use crate::services::{self, Asked};
use crate::spawn::{Born, Code, Plan};
use crate::timers::{Later, Recipient, Timers};
use crate::wasm::{self, Engines, Programs, Start};

/// How a node is to be.
#[derive(Clone)]
pub struct Config {
    /// The node's name, `name@host`.
    pub name: String,
    /// Where deployed modules and compiled code are kept.
    pub data_dir: PathBuf,
    /// Threads that run guests; one for each core if absent.
    pub workers: Option<usize>,
    /// Limits of an actor, unless its spawn says otherwise.
    pub limits: Limits,
    /// Living actors, at most.
    pub actors_max: usize,
    /// Which engine runs the modules.
    pub tier: TierChoice,
    /// Told of each step when a module is compiled.
    pub progress: Option<ProgressHook>,
}

/// Living actors of a node, unless it is set otherwise: as many as of the BEAM's
/// processes by default.
pub const ACTORS_MAX: usize = 1 << 20;

impl Config {
    /// The defaults, for a node of this name that keeps its modules there.
    pub fn new(name: impl Into<String>, data_dir: impl Into<PathBuf>) -> Self {
        Self {
            name: name.into(),
            data_dir: data_dir.into(),
            workers: None,
            limits: Limits::default(),
            actors_max: ACTORS_MAX,
            tier: TierChoice::Auto,
            progress: None,
        }
    }
}

/// A running node. Clones are the same node; it stops when the last one goes.
#[derive(Clone)]
pub struct Node(Arc<Inner>);

struct Inner {
    runtime: Arc<Runtime>,
    console: io::Leader,
    /// Stops the workers when the node goes.
    scheduler: Option<Scheduler>,
}

impl Drop for Inner {
    fn drop(&mut self) {
        drop(self.scheduler.take());
        self.runtime.programs.cool();
        // A waiting actor's task is kept by the waker in its own inbox. Without it the
        // task is ready for the last time, to be dropped, and with it the guest.
        for cell in self.runtime.directory.all() {
            cell.close();
        }
        self.runtime.spawner.discard();
    }
}

/// An actor to be made from outside.
#[derive(Clone, Debug)]
pub struct Spawn {
    /// The module, by its deployed name or its digest.
    pub module: String,
    /// Where it starts.
    pub start: Start,
    /// The name to register it under.
    pub name: Option<String>,
    /// Where its output goes; the node's own record if absent.
    pub group_leader: Option<Pid>,
    /// Its limits, where they differ from the node's.
    pub limits: LimitsPatch,
    /// What it may touch.
    pub rights: Rights,
    /// What listings call the module, if it is named by its digest.
    pub label: Option<String>,
}

impl Spawn {
    /// An actor with the node's limits and no rights.
    pub fn new(module: impl Into<String>, start: Start) -> Self {
        Self {
            module: module.into(),
            start,
            name: None,
            group_leader: None,
            limits: LimitsPatch::default(),
            rights: Rights::default(),
            label: None,
        }
    }
}

/// One actor in a listing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ActorInfo {
    /// The short id: unique on this node, in this run.
    pub id: u64,
    /// The whole pid, as text.
    pub pid: String,
    /// The registered name.
    pub name: Option<String>,
    /// The module, as deployed or by digest.
    pub module: String,
    /// Where it started.
    pub start: String,
    /// The short id of the actor that made it.
    pub parent: Option<u64>,
    /// `waiting` for a message, or `running`.
    pub status: String,
    /// Events that wait in its mailbox.
    pub mailbox: u64,
    /// Bytes of its linear memories.
    pub memory_bytes: u64,
    /// Milliseconds since it was made.
    pub age_ms: u64,
}

/// One actor and its relations.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ActorDetails {
    /// As in a listing.
    pub actor: ActorInfo,
    /// Where its output goes.
    pub group_leader: Related,
    /// Whether exit signals become events.
    pub trap_exit: bool,
    /// The actors that it is linked with.
    pub links: Vec<Related>,
    /// What it monitors, once for each monitor.
    pub monitors: Vec<Related>,
    /// The actors that monitor it, once for each monitor.
    pub monitored_by: Vec<Related>,
}

/// An actor in a relation with another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Related {
    /// Its pid, or the name that is monitored.
    pub actor: String,
    /// Its node; absent where nobody knows its name.
    pub node: Option<String>,
}

/// How long a stopping node waits for its actors.
const STOP_DEADLINE: Duration = Duration::from_secs(5);

impl Node {
    /// Starts a node. Call it within a tokio runtime with timers and I/O, which has
    /// to live as long as the node.
    ///
    /// # Errors
    /// The module store cannot be opened, or the system lacks threads or memory.
    pub fn start(config: Config) -> anyhow::Result<Self> {
        let io = tokio::runtime::Handle::current();
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let scheduler = Scheduler::start(config.workers.unwrap_or(cores), &io)?;
        let engines = Engines::new(config.actors_max)?;
        if let Some(reason) = &engines.fallback {
            tracing::warn!("no dense memory on this system, fewer actors fit: {reason}");
        }
        scheduler.on_preempt(Box::new(engines.preempt()));
        let tiers = compile::Engines { dense: engines.dense.clone(), fast: engines.fast.clone() };
        let mut compiler = Compiler::new(tiers).with_cache(config.data_dir.join("compiled"));
        if let Some(progress) = config.progress {
            compiler = compiler.with_progress(progress);
        }
        let modules = Arc::new(Store::open(&config.data_dir, Arc::new(compiler))?);
        let runtime = Arc::new(Runtime::new(Parts {
            id: fresh_node_id()?,
            name: config.name,
            limits: config.limits,
            actors_max: config.actors_max,
            spawner: scheduler.spawner(),
            timers: Timers::new(),
            modules,
            tier: config.tier,
            programs: Programs::new(&engines)?,
        }));
        io.spawn(cluster::Find::keep_time(Arc::downgrade(&runtime)));
        let weak = Arc::downgrade(&runtime);
        runtime.timers.run(Box::new(move |later| {
            let Some(runtime) = weak.upgrade() else { return };
            let Later { from, to, signal } = later;
            let to = match to {
                Recipient::Pid(pid) => Some(pid),
                Recipient::Name(name) => runtime.directory.whereis(&name).map(|cell| cell.pid),
                Recipient::Alias(alias) if alias.node == runtime.id => {
                    runtime.directory.alias_owner(alias)
                }
                Recipient::Alias(alias) => {
                    runtime.cluster.send_alias(&runtime, from, alias, signal);
                    return;
                }
                Recipient::At { node, name } => {
                    if let Ok(link) = runtime.cluster.want(&node) {
                        runtime.cluster.send_at(&runtime, from, &link, Address::Name(name), signal);
                    }
                    return;
                }
                Recipient::Nobody => None,
            };
            if let Some(to) = to {
                runtime.route(Envelope { from, to, signal });
            }
        }))?;
        let console = io::lead(&runtime, runtime.output.clone());
        Ok(Self(Arc::new(Inner { runtime, console, scheduler: Some(scheduler) })))
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.runtime().name
    }

    /// The id of this run of it.
    pub fn id(&self) -> NodeId {
        self.runtime().id
    }

    /// The modules that are deployed on it.
    pub fn modules(&self) -> &Arc<Store> {
        &self.runtime().modules
    }

    /// What its actors wrote.
    pub fn output(&self) -> &Output {
        &self.runtime().output
    }

    /// Yields that were asked of running actors so far; living actors, and instances that
    /// wait for one, now.
    pub fn stats(&self) -> Stats {
        let runtime = self.runtime();
        Stats {
            ticks: runtime.spawner.ticks(),
            actors: runtime.directory.count(),
            warm: runtime.programs.warm(),
        }
    }

    /// Makes an actor.
    ///
    /// # Errors
    /// As [`SpawnError`] says. A failure of the actor's own start is its exit reason.
    pub async fn spawn(&self, spawn: Spawn) -> Result<Pid, SpawnError> {
        let born = self.prepare(spawn).await?;
        let pid = born.pid();
        born.run();
        Ok(pid)
    }

    /// Makes an actor, and watches it from before it runs: no end can be missed.
    ///
    /// # Errors
    /// As for [`Node::spawn`].
    pub async fn spawn_watched(&self, spawn: Spawn) -> Result<(Pid, Ended), SpawnError> {
        let mut watcher = self.native("watcher");
        let born = self.prepare(spawn).await?;
        let pid = born.pid();
        watcher.monitor(pid);
        born.run();
        Ok((pid, Ended(watcher)))
    }

    /// Makes an actor on another node, connecting to it where needed. Its output goes
    /// to this node's record unless the spawn says otherwise. What it may touch there
    /// is for that node to say, so the spawn's rights do not count.
    ///
    /// # Errors
    /// As [`SpawnError`] says.
    pub async fn spawn_at(&self, node: &str, spawn: Spawn) -> Result<Pid, SpawnError> {
        if node == self.name() {
            return self.spawn(spawn).await;
        }
        let mut asker = self.native("spawner");
        let request = self.runtime().fresh_reference();
        asker.act(|process, _| {
            process.spawn_requested(request, false, None, ReplyWhen::Always);
        });
        let Spawn { module, start, name, group_leader, limits, rights: _, label } = spawn;
        let asked = SpawnRequest {
            request,
            parent: asker.pid().serial,
            group_leader: group_leader.unwrap_or(self.0.console.pid()),
            module: self.runtime().module_for_others(&module),
            label: label.unwrap_or(module),
            start: match start {
                Start::Entry { function, argument } => StartAt::Entry { function, argument },
                Start::Command { arguments } => StartAt::Command { arguments },
                Start::Call(call) => StartAt::Call(call),
            },
            link: false,
            monitor: false,
            name,
            limits: asked_limits(&limits),
        };
        self.runtime().cluster.spawn(node, asked)?;
        loop {
            match asker.receive(Filter::Reference(request)).await {
                Some(Event::SpawnReply { outcome, .. }) => return outcome,
                Some(_) => {}
                None => return Err(SpawnError::NoConnection),
            }
        }
    }

    /// All actors of guests, in the order of their birth.
    pub fn actors(&self) -> Vec<ActorInfo> {
        let cells = self.runtime().directory.all();
        let guests = cells.iter().filter(|cell| !cell.is_native());
        guests.map(|cell| describe(cell)).collect()
    }

    /// One actor, as in a listing.
    pub fn actor(&self, pid: Pid) -> Option<ActorInfo> {
        self.runtime().directory.find(pid.serial).map(|cell| describe(&cell))
    }

    /// One actor and its relations.
    pub fn details(&self, pid: Pid) -> Option<ActorDetails> {
        let cell = self.runtime().directory.find(pid.serial)?;
        let info = cell.state().process.info();
        let related = |pid: &Pid| Related { actor: pid.to_string(), node: self.name_of(pid.node) };
        let watched = |object: &Monitored| match object {
            Monitored::Pid(pid) => related(pid),
            Monitored::Name(name, node) => Related {
                actor: name.to_string(),
                node: Some(node.clone().unwrap_or_else(|| self.name().to_owned())),
            },
        };
        Some(ActorDetails {
            actor: describe(&cell),
            group_leader: related(&info.group_leader),
            trap_exit: info.trap_exit,
            links: info.links.iter().map(related).collect(),
            monitors: info.monitors.iter().map(watched).collect(),
            monitored_by: info.monitored_by.iter().map(related).collect(),
        })
    }

    /// The name of a node by its id, if it is known here.
    pub fn name_of(&self, node: NodeId) -> Option<String> {
        if node == self.id() {
            return Some(self.name().to_owned());
        }
        self.runtime().cluster.name_of(node)
    }

    /// The cluster names after this one in order, or from the first on, and who has them:
    /// at most 1,024, and none behind the last.
    pub fn cluster_names(&self, after: Option<&Key>) -> Vec<(Key, Pid)> {
        self.runtime().cluster.find.names(after, cluster::NAMES_LISTED_MAX)
    }

    /// Who has this cluster name, as far as this node knows.
    pub fn whereis_cluster(&self, name: &Key) -> Option<Pid> {
        self.runtime().cluster.find.whereis(name.as_bytes())
    }

    /// The scopes of groups that this node takes part in.
    pub fn scopes(&self) -> Vec<Key> {
        self.runtime().cluster.find.scopes()
    }

    /// The groups of a scope: of each its members, on all nodes and on this one.
    ///
    /// # Errors
    /// This node takes no part in the scope.
    pub fn groups(&self, scope: &Key) -> Result<Vec<(Key, usize, usize)>, groups::Error> {
        self.runtime().cluster.find.look(scope, |all| {
            let counted = |group: Key| {
                let members = all.members(scope, &group).len();
                let local = all.local_members(scope, &group).len();
                (group, members, local)
            };
            all.groups(scope).into_iter().map(counted).collect()
        })
    }

    /// The members of a group, as often as they joined.
    ///
    /// # Errors
    /// This node takes no part in the scope.
    pub fn members(&self, scope: &Key, group: &Key) -> Result<Vec<Pid>, groups::Error> {
        self.runtime().cluster.find.look(scope, |all| all.members(scope, group))
    }

    /// The cluster locks that are set at this node, after this resource in order or from
    /// the first on: at most 1,024, and none behind the last.
    pub fn locks(&self, after: Option<&Key>) -> Vec<locks::Listed> {
        self.runtime().cluster.find.locks(after)
    }

    /// The guest's actor with this short id, pid or registered name.
    pub fn find(&self, text: &str) -> Option<Pid> {
        self.runtime().find_guest(text)
    }

    /// Sends an exit signal.
    pub fn exit(&self, to: Pid, reason: Reason) {
        self.runtime().exit(to, reason);
    }

    /// Sends a message, from the node itself.
    pub fn send(&self, to: Pid, body: Bytes) {
        let from = self.0.console.pid();
        let signal = Signal::Message { via: None, priority: false, body };
        self.runtime().route(Envelope { from, to, signal });
    }

    /// Waits for the end of an actor; [`Reason::NoProc`] if there is none.
    pub async fn ended(&self, pid: Pid) -> Reason {
        let mut watcher = self.native("watcher");
        watcher.monitor(pid);
        Ended(watcher).wait().await
    }

    /// Calls an exported function of a module, in a fresh instance, with its
    /// arguments and result as WAVE text.
    ///
    /// # Errors
    /// As [`CallError`] says.
    pub async fn call(
        &self,
        module: &str,
        call: &str,
        rights: Rights,
        limits: &LimitsPatch,
    ) -> Result<Vec<Val>, CallError> {
        let limits = Arc::new(self.runtime().limits.with(limits));
        let leader = self.0.console.pid();
        wasm::call(self.runtime(), module, call, leader, Arc::new(rights), limits).await
    }

    /// Calls a function of a module on a node, this one included, connecting to it where
    /// needed. The module is the one that this node means, and travels along. The callee's
    /// output goes to this node's record. Nothing is granted to it, here neither.
    ///
    /// # Errors
    /// As [`CallError`] says.
    pub async fn rpc(&self, node: &str, call: Call) -> Result<Bytes, CallError> {
        let Call { module, label, at, timeout, limits } = call;
        let timeout_ms = match timeout.map(|time| u32::try_from(time.as_millis())) {
            None => None,
            Some(Ok(ms)) => Some(ms),
            Some(Err(_)) => {
                let text = format!("the timeout is over timeout-ms-max of {}", u32::MAX);
                return Err(SpawnError::BadArgument(text).into());
            }
        };
        if module == services::MODULE && node == self.name() {
            let asked = Asked { at, is_cast: false, caller: None, timeout_ms };
            return services::answer(self.runtime(), asked).await;
        }
        let mut asker = self.native("rpc");
        let request = self.runtime().fresh_reference();
        asker.act(|process, effects| process.call_requested(request, effects));
        if node == self.name() {
            let caller = Some(Caller { pid: asker.pid(), request, link: None });
            let called = call::Call::new(self.runtime(), caller.clone(), &at, timeout_ms);
            let plan = Plan {
                code: code(label, module),
                start: call::start(at),
                name: None,
                group_leader: self.0.console.pid(),
                limits: Arc::new(self.runtime().limits.with(&limits)),
                rights: Arc::default(),
                parent: None,
                made_by: None,
                family: None,
                call: Some(called),
            };
            self.runtime().call_here(plan, caller);
        } else {
            let asked = CallRequest {
                request,
                caller: asker.pid().serial,
                group_leader: self.0.console.pid(),
                module: self.runtime().called_module(&module),
                label: label.unwrap_or(module),
                at,
                cast: false,
                timeout_ms,
                limits: asked_limits(&limits),
            };
            self.runtime().cluster.call(node, asked)?;
        }
        let outcome = asker.receive(Filter::Reference(request));
        let event = match timeout {
            None => outcome.await,
            Some(time) => match tokio::time::timeout(time, outcome).await {
                Ok(event) => event,
                Err(_) => {
                    self.runtime().cluster.forget_call(request, asker.pid());
                    return Err(CallError::Timeout);
                }
            },
        };
        match event {
            Some(Event::CallReply { outcome, .. }) => outcome,
            // Nothing else has this reference, and nobody ends the asker.
            Some(_) | None => Err(SpawnError::NoConnection.into()),
        }
    }

    /// Puts a device to work as a group leader for actors to come.
    pub fn lead(&self, device: impl io::Device) -> io::Leader {
        io::lead(self.runtime(), device)
    }

    /// Makes an actor of the host itself.
    pub fn native(&self, what: &str) -> Native {
        Native::new(self.runtime(), what)
    }

    /// Asks all actors to end, and ends by force those that take too long.
    pub async fn stop(&self) {
        for (reason, patience) in [(Reason::Shutdown, STOP_DEADLINE), (Reason::Kill, STOP_DEADLINE)]
        {
            let watches: Vec<_> = self
                .runtime()
                .directory
                .all()
                .into_iter()
                .filter(|cell| !cell.is_native())
                .map(|cell| cell.pid)
                .collect();
            for pid in &watches {
                self.exit(*pid, reason.clone());
            }
            let all = async {
                for pid in watches {
                    self.ended(pid).await;
                }
            };
            if tokio::time::timeout(patience, all).await.is_ok() && self.actors().is_empty() {
                return;
            }
        }
    }

    /// Makes this node a member of clusters: it connects with others as they are wanted,
    /// and takes the connections that it is given.
    pub fn distribute(&self, dialler: Dialler, options: cluster::Options) -> cluster::Distribution {
        cluster::Distribution::start(self.runtime(), dialler, options)
    }

    /// Connects to another node, and waits until that is done.
    ///
    /// # Errors
    /// As [`cluster::ConnectError`] says.
    pub async fn connect(&self, name: &str) -> Result<NodeId, cluster::ConnectError> {
        if name == self.name() {
            return Ok(self.id());
        }
        self.runtime().cluster.connect(name, true).await
    }

    /// Connects to another node, asks it something, and gives the time until its answer.
    ///
    /// # Errors
    /// As for [`Node::connect`].
    pub async fn ping(&self, name: &str) -> Result<Duration, cluster::ConnectError> {
        if name == self.name() {
            return Ok(Duration::ZERO);
        }
        self.runtime().cluster.ping(name).await
    }

    /// Ends the connection to another node. False if there is none.
    pub async fn disconnect(&self, name: &str) -> bool {
        self.runtime().cluster.disconnect(name).await
    }

    /// Other nodes, by name.
    pub fn nodes(&self, kind: Nodes) -> Vec<NodeStatus> {
        self.runtime().cluster.nodes(kind)
    }

    /// Makes an actor that does not run yet.
    async fn prepare(&self, spawn: Spawn) -> Result<Born, SpawnError> {
        let runtime = self.runtime();
        let plan = Plan {
            code: code(spawn.label, spawn.module),
            start: spawn.start,
            name: spawn.name,
            group_leader: spawn.group_leader.unwrap_or(self.0.console.pid()),
            limits: Arc::new(runtime.limits.with(&spawn.limits)),
            rights: Arc::new(spawn.rights),
            parent: None,
            made_by: None,
            family: None,
            call: None,
        };
        Arc::clone(runtime).prepare(plan).await
    }

    pub(crate) fn runtime(&self) -> &Arc<Runtime> {
        &self.0.runtime
    }
}

/// A function to be called from outside.
#[derive(Clone, Debug)]
pub struct Call {
    /// The module, by its deployed name or its digest.
    pub module: String,
    /// What listings call the module, if it is named by its digest.
    pub label: Option<String>,
    /// Which function, and on what.
    pub at: CallAt,
    /// How long it may take.
    pub timeout: Option<Duration>,
    /// Its limits, where they differ from its node's.
    pub limits: LimitsPatch,
}

/// What a module's name stands for, and what listings are to call it.
fn code(label: Option<String>, module: String) -> Code {
    match (label, module.parse()) {
        (Some(label), Ok(digest)) => Code::Labelled { digest, label },
        _ => Code::Named(module),
    }
}

fn asked_limits(limits: &LimitsPatch) -> LimitsAsked {
    LimitsAsked {
        memory_bytes: limits.memory_bytes,
        table_elements: limits.table_elements,
        mailbox_messages: limits.mailbox_messages,
        mailbox_bytes: limits.mailbox_bytes,
        children: limits.children,
    }
}

/// Figures of a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stats {
    /// Yields that were asked of running actors.
    pub ticks: u64,
    /// Living actors, the host's own included.
    pub actors: usize,
    /// Instances of programs that take long to start, made for actors to come.
    pub warm: usize,
}

/// The end of an actor, to be waited for.
pub struct Ended(pub(crate) Native);

impl Ended {
    /// Waits for it.
    pub async fn wait(mut self) -> Reason {
        loop {
            match self.0.receive(Filter::Any).await {
                Some(Event::Down { reason, .. }) => return reason,
                Some(_) => {}
                None => return Reason::Killed,
            }
        }
    }
}

pub(crate) fn describe(cell: &crate::cell::Cell) -> ActorInfo {
    let (waiting, queued) = {
        let state = cell.state();
        (state.waiting.is_some(), state.process.mailbox_messages())
    };
    ActorInfo {
        id: cell.pid.serial,
        pid: cell.pid.to_string(),
        name: cell.name().map(|name| name.to_string()),
        module: cell.about.module.to_string(),
        start: cell.about.start.to_string(),
        parent: cell.about.parent.map(|parent| parent.serial),
        status: if waiting { "waiting" } else { "running" }.into(),
        mailbox: (queued + cell.backlog()) as u64,
        memory_bytes: cell.memory_bytes(),
        age_ms: u64::try_from(cell.about.born.elapsed().as_millis()).unwrap_or(u64::MAX),
    }
}

fn fresh_node_id() -> anyhow::Result<NodeId> {
    loop {
        let random = getrandom::u64().map_err(|error| anyhow::anyhow!("no randomness: {error}"))?;
        if let Some(id) = NodeId::new(random) {
            return Ok(id);
        }
    }
}
