//! The task that owns the machine `Node`: it is told what happens to connections, and
//! carries out what the machine decides, one effect after the other.

use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use odeon_core::names;
use odeon_core::node::{self, DownReason, Effect, Failure, Located};
use odeon_core::peer::handshake::Session;
use odeon_core::process::undeliverable;
use odeon_core::signal::Signal;
use odeon_core::wire::{Frame, Identified, Item, NodeInfo, Refusal};
use odeon_core::{Envelope, NodeId, Pid};
use parking_lot::Mutex;
use tokio::sync::{OwnedSemaphorePermit, mpsc, oneshot, watch};
use tokio::task::AbortHandle;
use tokio::time::Instant;

use super::Dialler;
use super::connection::{self, Fresh};
use super::link::{Link, Remains, Waiter};
use super::unreached::Unreached;
use super::{Alive, Options};
use crate::net::Origin;
use crate::net::listen::Peers;
use crate::net::transport::Transport;
use crate::runtime::{Requests, Runtime};

/// What the keeper is told.
pub(super) enum Event {
    Want {
        name: String,
        explicit: bool,
        /// Hears what comes of it.
        waiter: Option<Waiter>,
    },
    Disconnect {
        name: String,
        done: oneshot::Sender<()>,
    },
    Dialed {
        name: String,
        attempt: u64,
        outcome: Result<Fresh, Failure>,
    },
    /// Another node has connected, and waits for a welcome.
    Offered(Fresh),
    /// It was welcomed, and has said what it is.
    Accepted(Fresh),
    Lost {
        conn: u64,
        reason: DownReason,
    },
    Heard {
        conn: u64,
        nodes: Vec<NodeInfo>,
        /// Given back when it has been looked at.
        unread: OwnedSemaphorePermit,
    },
    /// Somebody sent to an actor of this id, which is not known.
    Locate(NodeId),
    /// The other end asks whose an id is.
    Asked {
        conn: u64,
        id: NodeId,
        unread: OwnedSemaphorePermit,
    },
    /// The other end says what it knows of one.
    Answered {
        conn: u64,
        id: NodeId,
        answer: Identified,
        unread: OwnedSemaphorePermit,
    },
    /// The time for the answers to this question is over.
    AskOver {
        id: NodeId,
        attempt: u64,
    },
    /// It is time to try again to reach a node whose connection was lost.
    Retry(String),
    Stop(oneshot::Sender<()>),
}

/// The first pause before a lost connection is made again, at most: the pause is
/// random, so that many nodes do not come back at one moment.
const RETRY_FIRST: Duration = Duration::from_millis(100);

/// The longest such pause: each is twice the one before.
const RETRY_LONGEST: Duration = Duration::from_secs(10);

/// A node that was not reached again for so long is given up.
const RETRY_TIME_MAX: Duration = Duration::from_secs(3600);

/// How long the answers to whose an id is may take, of nodes that live and are reached: who
/// sends to an unknown actor waits for the slowest.
const ASK_TIME: Duration = Duration::from_secs(2);

/// A lost connection that is to be made again.
struct Retry {
    since: Instant,
    pause: Duration,
}

/// A node's part in its cluster, from start to stop.
pub struct Distribution {
    runtime: Arc<Runtime>,
    conns: Arc<AtomicU64>,
    tick_time: watch::Sender<Duration>,
    own: Arc<Mutex<NodeInfo>>,
}

/// One connection that carries signals.
struct Active {
    link: Arc<Link>,
}

struct Keeper {
    runtime: Arc<Runtime>,
    machine: Arc<Mutex<node::Node>>,
    events: mpsc::UnboundedSender<Event>,
    dialler: Arc<Dialler>,
    own: Arc<Mutex<NodeInfo>>,
    /// Lost connections that are to be made again, by node.
    retries: HashMap<String, Retry>,
    unreached: Unreached,
    /// Whether lost connections are made again.
    comes_back: bool,
    /// Connections that the machine has not decided about.
    fresh: HashMap<u64, Fresh>,
    active: HashMap<u64, Active>,
    /// Attempts to connect that are under way, by node. One that is given up is ended at
    /// once: were it to arrive late, it could take the place of a newer one.
    dialling: HashMap<String, (u64, AbortHandle)>,
    /// Connections that wait for the other side's first words; dropping one ends it.
    welcoming: HashMap<u64, oneshot::Sender<()>>,
    /// Questions under way: what ends the time of each.
    asking: HashMap<NodeId, AbortHandle>,
    tick_time: watch::Receiver<Duration>,
    conns: Arc<AtomicU64>,
    /// Connections that are kept and carry signals when everybody has been told.
    beginning: Vec<oneshot::Sender<()>>,
    /// Each connection that is carried holds a clone of the first.
    carried: (mpsc::Sender<Infallible>, mpsc::Receiver<Infallible>),
}

impl Distribution {
    /// Makes a node a member of clusters: from now on it connects to others, and takes
    /// what it is given as one of its listener's [`Peers`].
    pub(crate) fn start(runtime: &Arc<Runtime>, dialler: Dialler, options: Options) -> Self {
        let (set_tick_time, tick_time) = watch::channel(options.tick_time);
        let own = Arc::new(Mutex::new(NodeInfo {
            name: runtime.name.clone(),
            id: runtime.id.get(),
            hidden: options.hidden,
            addresses: options.addresses.clone(),
        }));
        let automatic = options.auto_connect == node::AutoConnect::Always;
        let comes_back = automatic && options.mesh && !options.hidden;
        let settings = node::Settings {
            name: runtime.name.clone(),
            id: runtime.id,
            hidden: options.hidden,
            mesh: options.mesh,
            auto: options.auto_connect,
            allow: options.allow.clone(),
        };
        let machine = Arc::clone(&runtime.cluster.machine);
        runtime.cluster.find.allow(names::Settings { several: options.several_names });
        let (events, queue) = mpsc::unbounded_channel();
        let conns = Arc::new(AtomicU64::new(1));
        *runtime.cluster.alive.write() =
            Some(Alive { events: events.clone(), policy: Arc::new(options.policy) });
        let keeper = Keeper {
            runtime: Arc::clone(runtime),
            machine,
            events,
            dialler: Arc::new(dialler),
            own: Arc::clone(&own),
            retries: HashMap::new(),
            unreached: Unreached::default(),
            comes_back,
            fresh: HashMap::new(),
            dialling: HashMap::new(),
            active: HashMap::new(),
            welcoming: HashMap::new(),
            asking: HashMap::new(),
            tick_time,
            conns: Arc::clone(&conns),
            beginning: Vec::new(),
            carried: mpsc::channel(1),
        };
        tokio::spawn(keeper.run(settings, queue));
        Self { runtime: Arc::clone(runtime), conns, tick_time: set_tick_time, own }
    }

    /// Where others can reach this node, as `host:port`: what it tells those that connect
    /// from now on.
    pub fn set_addresses(&self, addresses: Vec<String>) {
        self.own.lock().addresses = addresses;
    }

    /// How long a silent node counts as there, from now on.
    pub fn set_tick_time(&self, tick_time: Duration) {
        self.tick_time.send_replace(tick_time);
    }

    /// Leaves the cluster: ends all connections, and takes no more. Returns when everybody
    /// here has been told, and what was sent before is out or has been waited for.
    pub async fn stop(&self) {
        let (done, told) = oneshot::channel();
        self.runtime.cluster.event(Event::Stop(done));
        let _ = told.await;
    }
}

impl Peers for Distribution {
    fn accepted(&self, transport: Transport, session: Session, _from: Origin) {
        let conn = self.conns.fetch_add(1, Ordering::Relaxed);
        let fresh = Fresh::accepted(conn, transport, session);
        self.runtime.cluster.event(Event::Offered(fresh));
    }
}

impl Keeper {
    async fn run(mut self, settings: node::Settings, mut queue: mpsc::UnboundedReceiver<Event>) {
        let mut effects = Vec::new();
        self.machine.lock().start(settings, &mut effects);
        for effect in effects.drain(..) {
            self.perform(effect);
        }
        while let Some(event) = queue.recv().await {
            let (mut done, mut stopped) = (None, None);
            {
                let mut machine = self.machine.lock();
                match event {
                    Event::Want { name, explicit, waiter } => {
                        if let Some(waiter) = waiter {
                            self.link(&name).wait(waiter);
                        }
                        machine.want(&name, explicit, &mut effects);
                    }
                    Event::Disconnect { name, done: answer } => {
                        self.retries.remove(&name);
                        if let Some((_, attempt)) = self.dialling.remove(&name) {
                            attempt.abort();
                        }
                        machine.disconnect(&name, &mut effects);
                        done = Some(answer);
                    }
                    Event::Dialed { name, attempt, outcome } => {
                        let waits = matches!(outcome, Err(Failure::Refused(Refusal::Simultaneous)));
                        let current = self.dialling.get(&name).map(|(attempt, _)| *attempt);
                        if current == Some(attempt) && !waits {
                            self.dialling.remove(&name);
                            if let Err(error) = &outcome {
                                self.unreached.tell(&name, error.to_string());
                            }
                        }
                        let outcome = outcome.map(|fresh| {
                            let known = (fresh.conn, fresh.info.clone());
                            self.fresh.insert(fresh.conn, fresh);
                            known
                        });
                        machine.dialed(&name, attempt, outcome, &mut effects);
                    }
                    Event::Offered(fresh) => {
                        let (conn, info) = (fresh.conn, fresh.info.clone());
                        self.fresh.insert(conn, fresh);
                        let id = NodeId::from_wire(info.id);
                        machine.offered(conn, &info.name, id, &mut effects);
                    }
                    Event::Accepted(fresh) => {
                        let (conn, info) = (fresh.conn, fresh.info.clone());
                        self.fresh.insert(conn, fresh);
                        machine.accepted(conn, info, &mut effects);
                    }
                    Event::Lost { conn, reason } => machine.lost(conn, reason, &mut effects),
                    Event::Heard { conn, nodes, unread } => {
                        machine.heard(conn, nodes, &mut effects);
                        drop(unread);
                    }
                    Event::Locate(id) => machine.locate(id, &mut effects),
                    Event::Asked { conn, id, unread } => {
                        machine.asked(conn, id, &mut effects);
                        drop(unread);
                    }
                    Event::Answered { conn, id, answer, unread } => {
                        machine.answered(conn, id, answer, &mut effects);
                        drop(unread);
                    }
                    Event::AskOver { id, attempt } => machine.ask_over(id, attempt, &mut effects),
                    Event::Retry(name) => {
                        if self.retries.contains_key(&name) {
                            machine.want(&name, false, &mut effects);
                        }
                    }
                    Event::Stop(answer) => {
                        *self.runtime.cluster.alive.write() = None;
                        machine.stop(&mut effects);
                        stopped = Some(answer);
                    }
                }
            }
            for effect in effects.drain(..) {
                self.perform(effect);
            }
            // Everybody has been told that these nodes are up: signals may come.
            for begin in self.beginning.drain(..) {
                let _ = begin.send(());
            }
            if let Some(done) = done {
                let _ = done.send(());
            }
            if let Some(stopped) = stopped {
                self.stop().await;
                let _ = stopped.send(());
                return;
            }
        }
    }

    /// Gives up what the machine does not know of, and lets last words go out.
    async fn stop(mut self) {
        // Nobody will make these connections any more.
        let links: Vec<_> =
            std::mem::take(&mut *self.runtime.cluster.by_name.write()).into_values().collect();
        self.runtime.cluster.by_id.write().clear();
        let asking = std::mem::take(&mut *self.runtime.cluster.asking.write());
        for link in links.into_iter().chain(asking.into_values()) {
            self.settle(link.end(), "this node stops");
        }
        self.welcoming.clear();
        self.fresh.clear();
        let (own, mut others) = self.carried;
        drop(own);
        let _ = tokio::time::timeout(2 * connection::CLOSE_TIME_MAX, others.recv()).await;
    }

    fn perform(&mut self, effect: Effect) {
        match effect {
            Effect::Dial { name, attempt, addresses } => self.dial(name, attempt, addresses),
            Effect::Welcome { conn } => self.welcome(conn),
            Effect::Keep { conn, info, initiated } => self.keep(conn, info, initiated),
            Effect::Refuse { conn, refusal } => {
                if let Some(fresh) = self.fresh.remove(&conn) {
                    tracing::info!(node = fresh.info.name, %refusal, "refused a node");
                    tokio::spawn(connection::refuse(fresh.transport, refusal));
                }
            }
            Effect::Close { conn, .. } => {
                if let Some(fresh) = self.fresh.remove(&conn) {
                    tokio::spawn(connection::close(fresh.transport));
                }
                // One that is being welcomed ends by itself: this wakes it.
                self.welcoming.remove(&conn);
            }
            Effect::Down { conn, info, reason } => self.down(conn, &info, &reason),
            Effect::Failed { name, reason } => self.failed(&name, &reason.to_string()),
            Effect::Nodes { conn, nodes } => {
                if let Some(active) = self.active.get(&conn) {
                    active.link.tell(&Item::Nodes(nodes));
                }
            }
            Effect::Ask { id, attempt, conns } => self.ask(id, attempt, &conns),
            Effect::Answer { conn, id, answer } => {
                if let Some(active) = self.active.get(&conn) {
                    active.link.tell(&Item::ThatIs(id, answer));
                }
            }
            Effect::Located { id, located } => self.located(id, &located),
            Effect::Tell { to, change } => {
                let from = Pid { node: self.runtime.id, serial: 0 };
                self.runtime.route(Envelope { from, to, signal: Signal::Node(change) });
            }
        }
    }

    fn dial(&mut self, name: String, attempt: u64, mut addresses: Vec<String>) {
        if let Some(place) = self.runtime.cluster.places.lock().get(&name) {
            addresses.insert(0, place.clone());
        }
        let (dialler, events) = (Arc::clone(&self.dialler), self.events.clone());
        let conn = self.conns.fetch_add(1, Ordering::Relaxed);
        let deadline = Instant::now() + self.dialler.options.setup_time;
        let dialled = name.clone();
        let task = tokio::spawn(async move {
            let outcome = connection::dial(&dialler, conn, &name, &addresses).await;
            let gives_way = matches!(outcome, Err(Failure::Refused(Refusal::Simultaneous)));
            let _ = events.send(Event::Dialed { name: name.clone(), attempt, outcome });
            if gives_way {
                // The other side's connection has the rest of the time to come.
                tokio::time::sleep_until(deadline).await;
                let outcome = Err(Failure::Timeout);
                let _ = events.send(Event::Dialed { name, attempt, outcome });
            }
        });
        let former = self.dialling.insert(dialled, (attempt, task.abort_handle()));
        if let Some((_, former)) = former {
            former.abort();
        }
    }

    fn ask(&mut self, id: NodeId, attempt: u64, conns: &[u64]) {
        for active in conns.iter().filter_map(|conn| self.active.get(conn)) {
            active.link.tell(&Item::WhoIs(id));
        }
        let events = self.events.clone();
        let over = tokio::spawn(async move {
            tokio::time::sleep(ASK_TIME).await;
            let _ = events.send(Event::AskOver { id, attempt });
        });
        self.asking.insert(id, over.abort_handle());
    }

    /// It is known where the actors of an id are: what was sent to them goes on.
    fn located(&mut self, id: NodeId, located: &Located) {
        if let Some(over) = self.asking.remove(&id) {
            over.abort();
        }
        if let Located::Name(name) = located {
            self.moves(id, &self.link(name));
            return;
        }
        let Some(link) = self.asking_link(id) else { return };
        if *located == Located::Dead {
            link.is_dead().into_iter().for_each(|item| self.answer_stale(item));
        } else {
            self.settle(link.end(), "no connected node knows it");
        }
        self.runtime.cluster.asking.write().remove(&id);
    }

    fn asking_link(&self, id: NodeId) -> Option<Arc<Link>> {
        self.runtime.cluster.asking.read().get(&id).map(Arc::clone)
    }

    /// What waits because an id was not known goes the way of the node that has it, before
    /// anybody finds that by itself.
    fn moves(&self, id: NodeId, link: &Arc<Link>) {
        let Some(asking) = self.asking_link(id) else { return };
        match asking.moves_to(link) {
            Some(stale) => stale.into_iter().for_each(|item| self.answer_stale(item)),
            None => self.settle(asking.end(), "the connection is ending"),
        }
        self.runtime.cluster.asking.write().remove(&id);
    }

    fn welcome(&mut self, conn: u64) {
        let Some(fresh) = self.fresh.remove(&conn) else { return };
        // Whoever is welcomed takes the place of an attempt of this node's own.
        if let Some((_, attempt)) = self.dialling.remove(&fresh.info.name) {
            attempt.abort();
        }
        let (given_up, kept) = oneshot::channel();
        self.welcoming.insert(conn, given_up);
        let (own, events) = (self.own.lock().clone(), self.events.clone());
        let setup_time = self.dialler.options.setup_time;
        tokio::spawn(async move {
            let told = match connection::welcome(fresh, own, setup_time, kept).await {
                Ok(fresh) => Event::Accepted(fresh),
                Err(reason) => Event::Lost { conn, reason },
            };
            let _ = events.send(told);
        });
    }

    fn keep(&mut self, conn: u64, info: NodeInfo, initiated: bool) {
        self.welcoming.remove(&conn);
        self.retries.remove(&info.name);
        self.unreached.reached(&info.name);
        let Some(fresh) = self.fresh.remove(&conn) else { return };
        let node = NodeId::from_wire(info.id);
        let cluster = &self.runtime.cluster;
        let link = self.link(&info.name);
        // Who found it unknown a moment ago has asked for it, and the machine does not know.
        self.moves(node, &link);
        tracing::info!(node = info.name, id = info.id, "connected");
        // The one that was welcomed says who it is before all else.
        let first = initiated.then(|| Frame::About(self.own.lock().clone()));
        let (begin, begun) = oneshot::channel();
        self.beginning.push(begin);
        let stale = connection::start(connection::Parts {
            runtime: Arc::clone(&self.runtime),
            link: Arc::clone(&link),
            node,
            fresh,
            first,
            initiated,
            tick_time: self.tick_time.clone(),
            begun,
            carried: self.carried.0.clone(),
        });
        cluster.by_id.write().insert(info.id, Arc::clone(&link));
        // Nothing is read from there before all this is done.
        let hidden = info.hidden || self.own.lock().hidden;
        cluster.find.node_up(&self.runtime, node, hidden, &link);
        for item in stale {
            self.answer_stale(item);
        }
        self.active.insert(conn, Active { link });
    }

    /// The way to a node, made if there is none.
    fn link(&self, name: &str) -> Arc<Link> {
        let mut links = self.runtime.cluster.by_name.write();
        Arc::clone(links.entry(name.to_owned()).or_insert_with(|| Link::connecting(name.into())))
    }

    /// What was meant for an incarnation that is dead is answered as the dead do.
    fn answer_stale(&self, item: (Option<NodeId>, Item)) {
        let (Some(node), Item::Signal { from, to, signal }) = item else { return };
        let odeon_core::wire::Address::Actor(serial) = to else { return };
        let from = Pid { node: self.runtime.id, serial: from };
        if let Some(answer) = undeliverable(Envelope { from, to: Pid { node, serial }, signal }) {
            self.runtime.route(answer);
        }
    }

    fn down(&mut self, conn: u64, info: &NodeInfo, reason: &DownReason) {
        let Some(Active { link }) = self.active.remove(&conn) else { return };
        tracing::info!(node = info.name, id = info.id, %reason, "connection lost");
        let remains = link.end();
        // So that nobody who hears of the loss finds a name or member over there.
        self.runtime.cluster.find.node_down(&self.runtime, NodeId::from_wire(info.id));
        self.settle(remains, &reason.to_string());
        self.give_up(&link);
        let by_accident =
            matches!(reason, DownReason::ConnectionClosed | DownReason::NetTickTimeout);
        if by_accident && self.comes_back && !info.hidden {
            let retry = Retry { since: Instant::now(), pause: RETRY_FIRST };
            self.retry(&info.name, retry);
        }
    }

    /// Tries again to reach a node, after a pause.
    fn retry(&mut self, name: &str, retry: Retry) {
        if retry.since.elapsed() > RETRY_TIME_MAX {
            self.retries.remove(name);
            return;
        }
        let random = getrandom::u32().unwrap_or(u32::MAX);
        let pause = retry.pause.mul_f64(f64::from(random) / f64::from(u32::MAX));
        self.retries.insert(name.to_owned(), retry);
        let (events, name) = (self.events.clone(), name.to_owned());
        tokio::spawn(async move {
            tokio::time::sleep(pause).await;
            let _ = events.send(Event::Retry(name));
        });
    }

    fn failed(&mut self, name: &str, why: &str) {
        if let Some(Retry { since, pause }) = self.retries.remove(name) {
            self.retry(name, Retry { since, pause: (2 * pause).min(RETRY_LONGEST) });
        }
        let link = self.runtime.cluster.by_name.read().get(name).map(Arc::clone);
        let Some(link) = link.filter(|link| link.node().is_none()) else { return };
        self.settle(link.end(), why);
        self.give_up(&link);
    }

    fn give_up(&self, link: &Arc<Link>) {
        let cluster = &self.runtime.cluster;
        let mut by_name = cluster.by_name.write();
        if by_name.get(&*link.name).is_some_and(|known| Arc::ptr_eq(known, link)) {
            by_name.remove(&*link.name);
        }
        drop(by_name);
        cluster.by_id.write().retain(|_, known| !Arc::ptr_eq(known, link));
    }

    /// Tells everybody who is involved that a connection is lost or will not come.
    fn settle(&self, mut remains: Remains, why: &str) {
        let mut lost: HashMap<u64, Requests> = HashMap::new();
        for serial in std::mem::take(&mut remains.involved.actors) {
            lost.entry(serial).or_default();
        }
        for (request, serial) in std::mem::take(&mut remains.involved.spawns) {
            lost.entry(serial).or_default().spawns.push(request);
        }
        for (request, serial) in std::mem::take(&mut remains.involved.calls) {
            lost.entry(serial).or_default().calls.push(request);
        }
        let mut nodes: Vec<NodeId> = remains.node.into_iter().collect();
        for (node, _) in &remains.items {
            nodes.extend(node.filter(|node| !nodes.contains(node)));
        }
        let mut serials: Vec<_> = lost.into_iter().collect();
        serials.sort_unstable_by_key(|(serial, _)| *serial);
        for (serial, requests) in serials {
            if let Some(cell) = self.runtime.directory.find(serial) {
                self.runtime.lose(&cell, &nodes, &requests);
            }
        }
        // I/O requests and the like of actors that ended are nobody's; probes and aliases
        // have no answer. What is left is told to nobody.
        for waiter in std::mem::take(&mut remains.waiters) {
            let _ = waiter.send(Err(why.into()));
        }
    }
}
