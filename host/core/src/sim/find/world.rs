//! Virtual time, and the owner of every machine.
//!
//! The owner's part of the contract is [`World::names`], [`World::groups`] and
//! [`World::locks`]: tell one machine one thing, carry out its effects in order, and only
//! then go on.

use std::collections::{BTreeMap, BTreeSet};

use super::super::random::Random;
use super::Plan;
use super::trace::{Record, Stage, What};
use super::wires::{Message, Side, Wire};
use crate::groups::{self, Groups};
use crate::id::{NodeId, Pid, Reference};
use crate::key::Key;
use crate::locks::{LockId, Locks};
use crate::names::{self, Choice, Names, Outcome, Registration, Settings, Task};

/// What is due at some time.
#[derive(Debug)]
pub(super) enum Due {
    /// An actor may do something.
    Turn,
    /// Something goes wrong.
    Fault,
    /// Two nodes may connect.
    Connect(usize, usize),
    /// A cut is over.
    Mend(usize, usize),
    /// A node that crashed begins again.
    Begin(usize),
    /// A side of a wire notices it.
    Up { wire: usize, side: usize },
    /// A side of a wire notices its end.
    Down { wire: usize, side: usize },
    /// A frame reaches the end of this side of this wire.
    Arrival { wire: usize, side: usize, message: Message },
    /// A machine of names is to be told the time.
    Tick { place: usize, id: NodeId },
    /// A machine of locks is to be told the time.
    LocksTick { place: usize, id: NodeId },
    /// An actor has held a lock for long enough.
    Unlock(Pid, LockId),
    /// A guest has decided.
    Decided { place: usize, id: NodeId, clash: u64, key: Key, choice: Choice },
    /// An actor ends, if it lives; its machines hear of it.
    End(Pid),
}

/// One run of a node.
#[derive(Debug)]
pub(super) struct Live {
    pub(super) names: Names,
    pub(super) groups: Groups,
    pub(super) locks: Locks,
    pub(super) actors: BTreeSet<Pid>,
    watched_for_names: BTreeSet<Pid>,
    watched_for_groups: BTreeSet<Pid>,
    pub(super) watched_for_locks: BTreeSet<Pid>,
    /// Who it is connected with, and by which wire.
    pub(super) up: BTreeMap<NodeId, usize>,
    asked: BTreeMap<u64, (Key, Task)>,
    pub(super) monitors: BTreeSet<Reference>,
    /// What lookups give by the effects.
    pub(super) shown: BTreeMap<Key, Pid>,
    tick: Option<u64>,
    /// Who asked for which locks to be set.
    pub(super) setting: BTreeMap<u64, (Pid, LockId)>,
    pub(super) locks_tick: Option<u64>,
}

/// One node.
#[derive(Debug)]
pub(super) struct Place {
    pub(super) id: NodeId,
    pub(super) live: Option<Live>,
}

/// Everything.
#[derive(Debug)]
pub(super) struct World {
    pub(super) now: u64,
    pub(super) random: Random,
    pub(super) plan: Plan,
    pub(super) places: Vec<Place>,
    pub(super) wires: Vec<Wire>,
    /// Pairs of nodes that cannot connect, the smaller first.
    pub(super) cut: BTreeSet<(usize, usize)>,
    agenda: BTreeMap<(u64, u64), Due>,
    records: Vec<Record>,
    numbers: u64,
    pub(super) turns: usize,
}

impl World {
    /// The nodes, all alive and about to connect.
    pub(super) fn new(seed: u64, plan: &Plan) -> Self {
        let mut world = Self {
            now: 0,
            random: Random::new(seed),
            plan: *plan,
            places: Vec::new(),
            wires: Vec::new(),
            cut: BTreeSet::new(),
            agenda: BTreeMap::new(),
            records: Vec::new(),
            numbers: 0,
            turns: 0,
        };
        for place in 0..plan.nodes {
            world.places.push(Place { id: NodeId::from_wire(0), live: None });
            world.begin(place);
        }
        world
    }

    /// Lets time pass until these turns are used up and nothing is on its way.
    pub(super) fn live(&mut self, turns: usize) {
        self.turns = turns;
        self.after(1, 20, Due::Turn);
        self.after(1, 40, Due::Fault);
        self.run_out();
    }

    /// Lets time pass until nothing moves any more, and records what is then.
    pub(super) fn settle(&mut self, stage: Stage) {
        self.run_out();
        for place in 0..self.places.len() {
            let Some(live) = &self.places[place].live else { continue };
            let groups = live.groups.scopes().flat_map(|scope| {
                let all = live.groups.groups(scope).into_iter();
                all.map(|group| {
                    let members = live.groups.members(scope, &group);
                    (scope.clone(), group, members)
                })
            });
            let names = live.names.names(None).map(|(key, pid)| (key.clone(), pid));
            let locks = live.locks.locks(None).filter(|lock| !lock.holders.is_empty());
            let held = live.locks.all_held();
            let what = What::Settled {
                stage,
                up: live.up.keys().copied().collect(),
                names: names.collect(),
                groups: groups.collect(),
                locks: locks.map(|lock| (lock.id, lock.holders)).collect(),
                held: held.map(|(pid, id, node)| (id.clone(), pid, node)).collect(),
                actors: live.actors.iter().copied().collect(),
                blank: live.names.is_blank() && live.groups.is_blank() && live.locks.is_blank(),
            };
            self.record(place, what);
        }
    }

    /// All actors end.
    pub(super) fn end_all(&mut self) {
        let lives = self.places.iter().filter_map(|place| place.live.as_ref());
        let actors: Vec<Pid> = lives.flat_map(|live| live.actors.iter().copied()).collect();
        for pid in actors {
            self.after(1, 100, Due::End(pid));
        }
    }

    /// What happened.
    pub(super) fn into_records(self) -> Vec<Record> {
        self.records
    }

    fn run_out(&mut self) {
        while let Some(((time, _), due)) = self.agenda.pop_first() {
            self.now = self.now.max(time);
            self.is_due(due);
        }
    }

    fn is_due(&mut self, due: Due) {
        match due {
            Due::Turn => self.turn(),
            Due::Fault => self.fault(),
            Due::Connect(first, second) => self.connect(first, second),
            Due::Mend(first, second) => self.mend(first, second),
            Due::Begin(place) => self.begin(place),
            Due::Up { wire, side } => self.up(wire, side),
            Due::Down { wire, side } => self.down(wire, side),
            Due::Arrival { wire, side, message } => self.arrive(wire, side, message),
            Due::Tick { place, id } => {
                if self.places[place].id == id {
                    if let Some(live) = &mut self.places[place].live {
                        live.tick = None;
                    }
                    self.names(place, Names::tick);
                }
            }
            Due::LocksTick { place, id } => self.locks_tick(place, id),
            Due::Unlock(pid, id) => self.unlocks(pid, id),
            Due::Decided { place, id, clash, key, choice } => {
                if self.places[place].id == id {
                    if choice == Choice::Neither {
                        self.record(place, What::Neither(key));
                    }
                    self.names(place, |names, now, e| names.resolved(now, clash, choice, e));
                }
            }
            Due::End(pid) => self.ends(pid),
        }
    }

    /// This will be due after so long, at least and at most.
    pub(super) fn after(&mut self, least: u64, most: u64, due: Due) {
        let time = self.now + self.random.between(least, most);
        self.at(time, due);
    }

    /// This will be due at that time, after all that is due then already.
    pub(super) fn at(&mut self, time: u64, due: Due) {
        let number = self.number();
        self.agenda.insert((time, number), due);
    }

    /// A number that nothing else has.
    pub(super) fn number(&mut self) -> u64 {
        self.numbers += 1;
        self.numbers
    }

    pub(super) fn record(&mut self, place: usize, what: What) {
        let id = self.places[place].id;
        self.records.push(Record { time: self.now, place, id, what });
    }

    /// A new run of this node begins, if it does not live.
    pub(super) fn begin(&mut self, place: usize) {
        if self.places[place].live.is_some() {
            return;
        }
        // Ids as random as real ones, so that no node is always the first.
        let id = self.random.below(1 << 40) * 1_000 + self.number() % 1_000;
        let id = NodeId::from_wire(id);
        let settings = Settings { several: self.plan.several };
        self.places[place].id = id;
        self.places[place].live = Some(Live {
            names: Names::new(id, settings),
            groups: Groups::new(id),
            locks: Locks::new(id),
            actors: BTreeSet::new(),
            watched_for_names: BTreeSet::new(),
            watched_for_groups: BTreeSet::new(),
            watched_for_locks: BTreeSet::new(),
            up: BTreeMap::new(),
            asked: BTreeMap::new(),
            monitors: BTreeSet::new(),
            shown: BTreeMap::new(),
            tick: None,
            setting: BTreeMap::new(),
            locks_tick: None,
        });
        self.record(place, What::Began);
        for scope in super::life::scopes() {
            self.groups(place, |groups, e| {
                groups.start(&scope, e).expect("two scopes are not too many");
            });
        }
        for other in 0..self.places.len() {
            if other != place {
                self.after(1, 30, Due::Connect(place.min(other), place.max(other)));
            }
        }
    }

    /// This run of a node ends.
    pub(super) fn crash(&mut self, place: usize) {
        if self.places[place].live.take().is_none() {
            return;
        }
        self.record(place, What::Ended);
        for wire in 0..self.wires.len() {
            let side = self.wires[wire].places.iter().position(|other| *other == place);
            let Some(side) = side.filter(|side| self.wires[wire].sides[*side] != Side::Down) else {
                continue;
            };
            self.wires[wire].sides[side] = Side::Down;
            self.breaks(wire);
        }
        self.after(1, 300, Due::Begin(place));
    }

    /// An actor ends, or never lived.
    fn ends(&mut self, pid: Pid) {
        let is_it = |place: &Place| place.id == pid.node && place.live.is_some();
        let Some(place) = self.places.iter().position(is_it) else { return };
        let Some(live) = &mut self.places[place].live else { return };
        let lived = live.actors.remove(&pid);
        let for_names = live.watched_for_names.contains(&pid);
        let for_groups = live.watched_for_groups.remove(&pid);
        let for_locks = live.watched_for_locks.remove(&pid);
        if lived {
            self.record(place, What::Died(pid));
        }
        if for_names {
            self.names(place, |names, now, e| names.ended(now, pid, e));
        }
        if for_groups {
            self.groups(place, |groups, e| groups.ended(pid, e));
        }
        if for_locks {
            self.locks(place, |locks, now, e| locks.ended(now, pid, e));
        }
    }
}

/// Telling machines.
impl World {
    /// Tells a node's machine of names one thing, and carries out what follows.
    pub(super) fn names(
        &mut self,
        place: usize,
        event: impl FnOnce(&mut Names, u64, &mut names::Effects),
    ) {
        let mut effects = names::Effects::new();
        let now = self.now;
        let Some(live) = self.places[place].live.as_mut() else { return };
        event(&mut live.names, now, &mut effects);
        let wrong = live.names.inconsistency();
        let due = live.names.due();
        if let Some(due) = due.filter(|due| live.tick.is_none_or(|tick| *due < tick)) {
            live.tick = Some(due);
            let id = self.places[place].id;
            self.at(due.max(now), Due::Tick { place, id });
        }
        for effect in effects {
            self.record(place, What::Names(effect.clone()));
            self.carry_out_names(place, effect);
        }
        let Some(live) = self.places[place].live.as_ref() else { return };
        let (up, own) = (&live.up, self.places[place].id);
        let strange =
            live.names.names(None).find(|(_, pid)| pid.node != own && !up.contains_key(&pid.node));
        let strange = strange.map(|(key, pid)| format!("finds {pid} as {key}, not connected"));
        let shown = live.names.names(None).map(|(key, pid)| (key.clone(), pid));
        let differs = !shown.eq(live.shown.iter().map(|(key, pid)| (key.clone(), *pid)));
        let differs = differs.then(|| format!("shows other names than {:?}", live.shown));
        let all: Vec<String> = wrong.into_iter().chain(strange).chain(differs).collect();
        for wrong in all {
            self.record(place, What::Wrong(wrong));
        }
    }

    fn carry_out_names(&mut self, place: usize, effect: names::Effect) {
        use crate::names::Effect;
        let id = self.places[place].id;
        let Some(live) = self.places[place].live.as_mut() else { return };
        match effect {
            Effect::Send { to, frame } => self.send(place, to, Message::Names(frame)),
            Effect::Show { key, pid: Some(pid) } => {
                live.shown.insert(key, pid);
            }
            Effect::Show { key, pid: None } => {
                live.shown.remove(&key);
            }
            Effect::Watch(pid) => {
                live.watched_for_names.insert(pid);
                if !live.actors.contains(&pid) {
                    self.after(0, 3, Due::End(pid));
                }
            }
            Effect::Unwatch(pid) => {
                live.watched_for_names.remove(&pid);
            }
            Effect::Answer { request, outcome } => {
                let asked = live.asked.remove(&request);
                let promised = asked.and_then(|(key, task)| match task {
                    Task::Register(Registration { pid, .. }) if pid.node == id => Some((key, pid)),
                    Task::Register(_) | Task::Unregister => None,
                });
                if let Some((key, pid)) = promised.filter(|_| outcome == Outcome::Yes) {
                    let found = self.looks_up(place, &key);
                    self.record(place, What::Promised { key, pid, found });
                }
            }
            Effect::Exit { pid, .. } => self.after(0, 5, Due::End(pid)),
            Effect::Notify { .. } => {}
            Effect::Resolve { clash, key, .. } => {
                let choices = [Choice::Own, Choice::Other, Choice::Failed, Choice::Neither];
                let at = self.random.below(13) as usize;
                let choice = choices[if at == 12 { 3 } else { at % 3 }];
                // Some guests hang.
                if self.random.chance(85) {
                    self.after(0, 200, Due::Decided { place, id, clash, key, choice });
                }
            }
            Effect::Violation { node, violation } => {
                self.record(place, What::Wrong(format!("{node:?} broke a rule: {violation}")));
            }
        }
    }

    /// Tells a node's machine of groups one thing, and carries out what follows.
    pub(super) fn groups(
        &mut self,
        place: usize,
        event: impl FnOnce(&mut Groups, &mut groups::Effects),
    ) {
        let mut effects = groups::Effects::new();
        let Some(live) = self.places[place].live.as_mut() else { return };
        event(&mut live.groups, &mut effects);
        if let Some(wrong) = live.groups.inconsistency() {
            self.record(place, What::Wrong(wrong));
        }
        for effect in effects {
            self.record(place, What::Groups(effect.clone()));
            let Some(live) = self.places[place].live.as_mut() else { return };
            match effect {
                groups::Effect::Send { to, frame } => {
                    self.send(place, to, Message::Groups(frame));
                }
                groups::Effect::Watch(pid) => {
                    live.watched_for_groups.insert(pid);
                    if !live.actors.contains(&pid) {
                        self.after(0, 3, Due::End(pid));
                    }
                }
                groups::Effect::Unwatch(pid) => {
                    live.watched_for_groups.remove(&pid);
                }
                groups::Effect::Tell { .. } => {}
                groups::Effect::Violation { node, violation } => {
                    let wrong = format!("{node:?} broke a rule: {violation}");
                    self.record(place, What::Wrong(wrong));
                }
            }
        }
    }

    /// Somebody at this node asks for something about names.
    pub(super) fn asks(&mut self, place: usize, key: Key, task: Task, deadline: u64) {
        let request = self.number();
        let Some(live) = self.places[place].live.as_mut() else { return };
        live.asked.insert(request, (key.clone(), task));
        self.record(place, What::Asked { request, key: key.clone(), task, deadline });
        self.names(place, |names, now, e| names.request(now, request, key, task, deadline, e));
    }
}
