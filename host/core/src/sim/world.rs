//! Virtual time, the envelopes on their way, and the owner of every machine.
//!
//! The owner's part of the contract is [`World::tell`]: tell one machine one thing,
//! carry out its effects in order, hand it the answers of unreachable nodes, and only
//! then go on.

use std::collections::{BTreeMap, VecDeque};

use super::Plan;
use super::network::{Network, Route};
use super::random::Random;
use super::trace::{Kind, Record};
use crate::id::{NodeId, Pid, Reference};
use crate::process::{Effect, Effects, Limits, Process, undeliverable, unreachable};
use crate::signal::{Envelope, ExitOrigin, Signal};

/// What is due at some time.
#[derive(Debug)]
pub(super) enum Due {
    /// An actor may do something.
    Turn(Pid),
    /// An envelope is there; over a connection, under which epoch.
    Arrival { id: u64, envelope: Envelope, over: Option<(usize, usize, u64)> },
    /// A spawn request is there.
    Spawn { request: Reference, over: (usize, usize, u64) },
    /// The guest of a dying actor has stopped.
    Stopped(Pid),
    /// A place notices the loss of a connection.
    Lost { at: usize, of: usize, epoch: u64 },
    /// Two places connect again.
    Connect(usize, usize),
    /// Something goes wrong.
    Fault,
}

/// One actor as its owner sees it.
#[derive(Debug)]
pub(super) struct Actor {
    pub(super) process: Process,
    /// Whom it last linked itself with. Actors come back to each other, so that links
    /// and unlinks of the same two cross.
    pub(super) partner: Option<Pid>,
    /// Monitors it made.
    pub(super) monitors: Vec<Reference>,
    /// I/O requests of others that it has not answered.
    pub(super) owed: Vec<(Pid, Reference)>,
    /// Its own I/O requests that are under way.
    pub(super) asks: BTreeMap<Reference, Pid>,
}

/// A spawn request to another node.
#[derive(Clone, Copy, Debug)]
pub(super) struct Request {
    pub(super) parent: Pid,
    pub(super) to: usize,
    pub(super) link: bool,
    pub(super) monitor: bool,
    pub(super) abandoned: bool,
}

/// Everything.
#[derive(Debug)]
pub(super) struct World {
    pub(super) now: u64,
    pub(super) random: Random,
    pub(super) network: Network,
    pub(super) actors: BTreeMap<Pid, Actor>,
    /// Pids that actors know of, dead ones included.
    pub(super) known: Vec<Pid>,
    /// Aliases that actors know of, ended ones included.
    pub(super) aliases: Vec<(Reference, Pid)>,
    pub(super) requests: BTreeMap<Reference, Request>,
    /// Turns that are left to all actors together.
    pub(super) turns: usize,
    pub(super) plan: Plan,
    agenda: BTreeMap<(u64, u64), Due>,
    /// When the last envelope of a pair arrives: a later one must not come before.
    last_arrivals: BTreeMap<(Pid, Pid), u64>,
    records: Vec<Record>,
    /// Numbers given out so far, to whatever needs one.
    numbers: u64,
}

impl World {
    /// The nodes and their first actors.
    pub(super) fn new(seed: u64, plan: &Plan) -> Self {
        let nodes = (1..=plan.nodes as u64).map(NodeId::from_wire).collect();
        let mut world = Self {
            now: 0,
            random: Random::new(seed),
            network: Network::new(nodes),
            actors: BTreeMap::new(),
            known: Vec::new(),
            aliases: Vec::new(),
            requests: BTreeMap::new(),
            turns: plan.turns,
            plan: *plan,
            agenda: BTreeMap::new(),
            last_arrivals: BTreeMap::new(),
            records: Vec::new(),
            numbers: 1_000,
        };
        for place in 0..plan.nodes {
            world.populate(place);
        }
        world
    }

    /// Lets time pass until all turns are used up and nothing is on its way.
    pub(super) fn live(&mut self, plan: &Plan) {
        if plan.cuts || plan.restarts {
            self.at(50, Due::Fault);
        }
        self.run_out();
    }

    /// Lets everybody take what waits, until nothing moves any more, and records what
    /// everybody is then.
    pub(super) fn settle(&mut self) {
        loop {
            let pids: Vec<Pid> = self.actors.keys().copied().collect();
            for pid in pids {
                self.take_all(pid);
            }
            if self.agenda.is_empty() {
                break;
            }
            self.run_out();
        }
        let finals = self.actors.iter().map(|(pid, actor)| Record::Final {
            pid: *pid,
            info: actor.process.info(),
            asks: actor.asks.iter().map(|(reference, of)| (*reference, *of)).collect(),
        });
        self.records.extend(finals.collect::<Vec<_>>());
    }

    /// What happened.
    pub(super) fn into_records(self) -> Vec<Record> {
        self.records
    }

    fn run_out(&mut self) {
        while let Some(((time, _), due)) = self.agenda.pop_first() {
            self.now = time;
            match due {
                Due::Turn(pid) => self.turn(pid),
                Due::Arrival { id, envelope, over } => self.arrive(id, envelope, over),
                Due::Spawn { request, over } => self.spawn_arrived(request, over),
                Due::Stopped(pid) => self.stopped(pid),
                Due::Lost { at, of, epoch } => self.notice_loss(at, of, epoch),
                Due::Connect(one, other) => self.connect(one, other),
                Due::Fault => self.fault(),
            }
        }
    }

    /// A number that was not given out before.
    pub(super) fn number(&mut self) -> u64 {
        self.numbers += 1;
        self.numbers
    }

    /// A fresh reference of this node.
    pub(super) fn reference(&mut self, node: NodeId) -> Reference {
        Reference { node, serial: self.number() }
    }

    /// Puts something on the agenda, this much later. What is due at the same time
    /// happens in the order in which it was put there.
    pub(super) fn at(&mut self, later: u64, due: Due) {
        let number = self.number();
        self.agenda.insert((self.now + later, number), due);
    }

    /// Records what happened.
    pub(super) fn record(&mut self, record: Record) {
        self.records.push(record);
    }

    /// Gives a place its first actors.
    pub(super) fn populate(&mut self, place: usize) {
        for _ in 0..self.plan.actors_per_node {
            let pid = self.make_actor(self.network.node(place));
            self.known.push(pid);
        }
    }

    /// A new actor on a node, with limits that a busy one goes over now and then.
    pub(super) fn make_actor(&mut self, node: NodeId) -> Pid {
        let pid = Pid { node, serial: self.number() };
        let mailbox_messages = self.random.between(3, 40) as usize;
        let relations = self.random.between(4, 30) as usize;
        let limits = Limits { mailbox_messages, relations, ..Limits::default() };
        let actor = Actor {
            process: Process::new(pid, pid, limits),
            partner: None,
            monitors: Vec::new(),
            owed: Vec::new(),
            asks: BTreeMap::new(),
        };
        self.actors.insert(pid, actor);
        self.record(Record::Born { pid, mailbox_max: mailbox_messages });
        let first_turn = self.random.between(1, 30);
        self.at(first_turn, Due::Turn(pid));
        pid
    }

    /// Tells an actor's machine one thing and carries out what follows. Nothing if
    /// there is no such actor.
    pub(super) fn tell<T>(
        &mut self,
        pid: Pid,
        what: impl FnOnce(&mut Process, &mut Effects) -> T,
    ) -> Option<T> {
        let mut effects = Effects::new();
        let outcome = what(&mut self.actors.get_mut(&pid)?.process, &mut effects);
        let mut answers = VecDeque::new();
        self.carry_out(pid, effects, &mut answers);
        // Before the machine is told anything else, as `unreachable` asks for.
        while let Some(answer) = answers.pop_front() {
            let mut effects = Effects::new();
            if let Some(actor) = self.actors.get_mut(&pid) {
                actor.process.signal(answer, &mut effects);
            }
            self.carry_out(pid, effects, &mut answers);
        }
        Some(outcome)
    }

    fn carry_out(&mut self, by: Pid, effects: Effects, answers: &mut VecDeque<Envelope>) {
        for effect in effects {
            match effect {
                Effect::Send(envelope) => answers.extend(self.post(envelope)),
                Effect::AliasOn(reference) => {
                    self.aliases.push((reference, by));
                    self.record(Record::AliasOn { by, reference });
                }
                Effect::AliasOff(reference) => self.record(Record::AliasOff { by, reference }),
                Effect::Io(reference, _) => {
                    if let Some(actor) = self.actors.get_mut(&by) {
                        actor.asks.remove(&reference);
                    }
                    self.record(Record::Answered { by, reference });
                }
                Effect::Probed(reference, _) => self.record(Record::Answered { by, reference }),
                Effect::Die(reason) => {
                    self.record(Record::Died { pid: by, reason });
                    let guest_stops = self.random.between(0, 20);
                    self.at(guest_stops, Due::Stopped(by));
                }
            }
        }
    }

    /// Sends an envelope on its way. What its sender must be told at once, if it has
    /// nowhere to go.
    pub(super) fn post(&mut self, envelope: Envelope) -> Option<Envelope> {
        let from = self.network.place(envelope.from.node)?;
        let over = match self.network.route(from, envelope.to.node) {
            Route::Local => None,
            Route::Over { place, epoch } => Some((from, place, epoch)),
            Route::Dead => return undeliverable(envelope),
            Route::Unreachable => return unreachable(envelope),
        };
        let id = self.number();
        self.record(Record::Sent { id, from: envelope.from, to: envelope.to });
        let farthest = if over.is_some() { 60 } else { 15 };
        let arrival = self.now + self.random.between(1, farthest);
        let last = self.last_arrivals.entry((envelope.from, envelope.to)).or_default();
        *last = arrival.max(*last);
        let later = *last - self.now;
        self.at(later, Due::Arrival { id, envelope, over });
        None
    }

    fn arrive(&mut self, id: u64, envelope: Envelope, over: Option<(usize, usize, u64)>) {
        let Envelope { from, to, .. } = envelope;
        let is_carried = match over {
            Some((from, to, epoch)) => self.network.carries(from, to, epoch),
            None => true,
        };
        if !is_carried || !self.network.runs(to.node) {
            self.record(Record::Lost { id });
            return;
        }
        let Some(actor) = self.actors.get(&to) else {
            self.record(Record::Nobody { id });
            self.answer_for_nobody(envelope);
            return;
        };
        let before = (actor.process.mailbox_messages(), actor.process.dying().is_some());
        let kind = kind_of(&envelope.signal);
        self.note_spawn(&envelope);
        let index = self.records.len();
        let arrived =
            Record::Arrived { id, time: self.now, from, to, kind, acted: false, mailbox: 0 };
        self.record(arrived);
        self.tell(to, |process, effects| process.signal(envelope, effects));
        let Some(actor) = self.actors.get(&to) else { return };
        let waits = actor.process.mailbox_messages();
        let after = (waits, actor.process.dying().is_some());
        if let Record::Arrived { acted, mailbox, .. } = &mut self.records[index] {
            *acted = before != after;
            *mailbox = waits;
        }
    }

    /// What the node of a dead pid answers, and, should that find nobody either, what
    /// comes of that.
    fn answer_for_nobody(&mut self, envelope: Envelope) {
        let mut next = undeliverable(envelope);
        while let Some(answer) = next {
            next = self.post(answer);
        }
    }

    /// A successful spawn reply makes the relations that were asked for.
    fn note_spawn(&mut self, envelope: &Envelope) {
        let Signal::SpawnReply { request: reference, outcome: Ok(child) } = envelope.signal else {
            return;
        };
        let Some(request) = self.requests.remove(&reference) else { return };
        self.known.push(child);
        if request.abandoned {
            return;
        }
        let by = request.parent;
        if request.link {
            self.record(Record::Linked { by, to: child, priority: false });
        }
        if request.monitor {
            self.record(Record::Monitored { by, reference, of: child, priority: false });
            if let Some(actor) = self.actors.get_mut(&by) {
                actor.monitors.push(reference);
            }
        }
    }

    /// A spawn request is carried out by the node it reached.
    fn spawn_arrived(&mut self, reference: Reference, over: (usize, usize, u64)) {
        let (from, to, epoch) = over;
        let Some(request) = self.requests.get(&reference).copied() else { return };
        if !self.network.carries(from, to, epoch) {
            return;
        }
        let node = self.network.node(to);
        let child = self.make_actor(node);
        let Request { parent, link, monitor, .. } = request;
        self.tell(child, |process, _| process.born(parent, link, monitor.then_some(reference)));
        if link {
            self.record(Record::Linked { by: child, to: parent, priority: false });
        }
        let signal = Signal::SpawnReply { request: reference, outcome: Ok(child) };
        let answer = self.post(Envelope { from: child, to: parent, signal });
        if let Some(answer) = answer {
            self.tell(child, |process, effects| process.signal(answer, effects));
        }
    }

    /// The guest of a dying actor has stopped: now the others hear of it.
    fn stopped(&mut self, pid: Pid) {
        if self.tell(pid, Process::end).is_some() {
            self.actors.remove(&pid);
            self.record(Record::Ended { pid });
        }
    }
}

/// What a checker must know of a signal.
fn kind_of(signal: &Signal) -> Kind {
    match signal {
        Signal::Message { via, body, .. } => Kind::Message { via: *via, body: body.clone() },
        Signal::Link => Kind::Link,
        Signal::UnlinkAck(_) => Kind::UnlinkAck,
        Signal::Exit { origin: ExitOrigin::Link, .. } => Kind::LinkExit,
        Signal::Unlink(_)
        | Signal::Exit { .. }
        | Signal::Monitor { .. }
        | Signal::Demonitor(_)
        | Signal::Down { .. }
        | Signal::GroupLeader(_)
        | Signal::SpawnReply { .. }
        | Signal::CallReply { .. }
        | Signal::Timeout(_)
        | Signal::Node(_)
        | Signal::NameLost(_)
        | Signal::Group { .. }
        | Signal::IoRequest { .. }
        | Signal::IoReply { .. }
        | Signal::Probe(_)
        | Signal::ProbeReply { .. } => Kind::Other,
    }
}
