//! What actors do, and what goes wrong.

use super::trace::What;
use super::world::{Due, World};
use crate::id::{Pid, Reference};
use crate::key::Key;
use crate::names::{Registration, Resolver, Task};

/// The most actors of a node at one time.
const ACTORS_MAX: usize = 6;

/// The scopes that all nodes start.
pub(super) fn scopes() -> [Key; 2] {
    ["one", "two"].map(|name| Key::new(name.as_bytes()).expect("a key"))
}

impl World {
    /// An actor does something.
    pub(super) fn turn(&mut self) {
        let Some(left) = self.turns.checked_sub(1) else { return };
        self.turns = left;
        let place = self.any_place();
        match self.random.below(100) {
            0..15 => {
                self.spawn(place);
            }
            15..50 => self.registers(place),
            50..58 => {
                let key = self.any_key();
                let deadline = self.now + self.random.between(1, 1_000);
                self.asks(place, key, Task::Unregister, deadline);
            }
            58..68 => {
                if let Some(pid) = self.any_actor(place) {
                    self.at(self.now, Due::End(pid));
                }
            }
            68..84 => self.joins(place),
            84..91 => self.leaves(place),
            91..96 => self.monitors(place),
            96..98 => self.demonitors(place),
            _ => self.restarts_scope(place),
        }
        if self.random.chance(40) {
            let place = self.any_place();
            self.locks_something(place);
        }
        self.after(1, 25, Due::Turn);
    }

    pub(super) fn spawn(&mut self, place: usize) -> Option<Pid> {
        let (serial, node) = (self.number(), self.places[place].id);
        let pid = Pid { node, serial };
        let live = self.places[place].live.as_mut()?;
        if live.actors.len() >= ACTORS_MAX {
            return None;
        }
        live.actors.insert(pid);
        Some(pid)
    }

    /// Registers an actor of this node, or sometimes of another; often two nodes do so
    /// at one time.
    fn registers(&mut self, place: usize) {
        let number = self.random.below(self.plan.keys.into());
        let at_once = if self.random.chance(35) { 2 } else { 1 };
        for at in 0..at_once {
            let place = if at == 0 { place } else { self.any_place() };
            let home = if self.random.chance(20) { self.any_place() } else { place };
            let pid = match self.any_actor(home) {
                Some(pid) if self.random.chance(60) => Some(pid),
                other => self.spawn(home).or(other),
            };
            let Some(pid) = pid else { continue };
            let resolver = self.resolver_of(number);
            let force = self.random.chance(20);
            let since = self.now / 50;
            let registration = Registration { pid, force, resolver, since };
            let deadline = self.now + self.random.between(0, 3_000);
            self.asks(place, key(number), Task::Register(registration), deadline);
        }
    }

    /// Most names have one resolver; the last has any.
    fn resolver_of(&mut self, number: u64) -> Resolver {
        let resolvers = [
            Resolver::RandomExit,
            Resolver::RandomNotify,
            Resolver::OldestExit,
            Resolver::Ask,
            Resolver::NotifyAll,
            Resolver::OldestNotify,
        ];
        if number + 1 == u64::from(self.plan.keys) {
            return self.random.pick(&resolvers).unwrap_or_default();
        }
        resolvers[number as usize % resolvers.len()]
    }

    fn joins(&mut self, place: usize) {
        let Some(pid) = self.any_actor(place).or_else(|| self.spawn(place)) else { return };
        let [scope, group] = [self.any_scope(), self.any_key()];
        let times = self.random.between(1, 2);
        let pids = vec![pid; times as usize];
        self.groups(place, |groups, e| {
            groups.join(&scope, &group, &pids, e).expect("the scope was started");
        });
        self.record(place, What::Joined { pid, scope, group, times: times as i64 });
    }

    fn leaves(&mut self, place: usize) {
        let [scope, group] = [self.any_scope(), self.any_key()];
        let members =
            self.places[place].live.as_ref().map(|live| live.groups.local_members(&scope, &group));
        let Some(pid) = self.random.pick(&members.unwrap_or_default()) else { return };
        let mut outcome = None;
        self.groups(place, |groups, e| outcome = Some(groups.leave(&scope, &group, &[pid], e)));
        if outcome == Some(Ok(())) {
            self.record(place, What::Joined { pid, scope, group, times: -1 });
        } else {
            self.record(place, What::Wrong(format!("{pid} cannot leave: {outcome:?}")));
        }
    }

    fn monitors(&mut self, place: usize) {
        let Some(pid) = self.any_actor(place) else { return };
        let reference = Reference { node: self.places[place].id, serial: self.number() };
        let [scope, group] = [self.any_scope(), self.any_key()];
        let group = self.random.chance(60).then_some(group);
        let mut snapshot = Vec::new();
        self.groups(place, |groups, e| {
            let all = groups.monitor(pid, reference, &scope, group.as_ref(), e);
            snapshot = all.expect("the scope was started");
        });
        if let Some(live) = self.places[place].live.as_mut() {
            live.monitors.insert(reference);
        }
        self.record(place, What::Monitors { reference, pid, scope, group, snapshot });
    }

    fn demonitors(&mut self, place: usize) {
        let Some(live) = self.places[place].live.as_mut() else { return };
        let Some(reference) = live.monitors.pop_first() else { return };
        self.groups(place, |groups, e| {
            groups.demonitor(reference, e);
        });
        self.record(place, What::Demonitored(reference));
    }

    fn restarts_scope(&mut self, place: usize) {
        let scope = self.any_scope();
        self.groups(place, |groups, e| {
            groups.stop(&scope, e);
        });
        self.record(place, What::Stopped(scope.clone()));
        self.groups(place, |groups, e| {
            groups.start(&scope, e).expect("two scopes are not too many");
        });
    }

    /// Something goes wrong, while there are still turns.
    pub(super) fn fault(&mut self) {
        if self.turns == 0 {
            return;
        }
        match self.random.below(6) {
            0 if self.plan.cuts => {
                let place = self.any_place();
                let other = self.any_place();
                if place != other {
                    self.cuts(place.min(other), place.max(other), true);
                }
            }
            1 if self.plan.cuts => self.splits(true),
            3 if self.plan.cuts => self.breaks_one_way(),
            2 if self.plan.restarts => {
                let place = self.any_place();
                self.crash(place);
            }
            _ => {}
        }
        self.after(20, 250, Due::Fault);
    }

    /// A connection works in one direction only, until both sides have noticed.
    fn breaks_one_way(&mut self) {
        let whole = self.wires.iter().enumerate().filter(|(_, wire)| !wire.is_broken());
        let whole: Vec<usize> = whole.map(|(wire, _)| wire).collect();
        let Some(wire) = self.random.pick(&whole) else { return };
        let first = self.random.chance(50);
        self.breaks_toward(wire, [first, !first]);
    }

    fn cuts(&mut self, first: usize, second: usize, mends: bool) {
        self.cut.insert((first, second));
        for wire in 0..self.wires.len() {
            if self.wires[wire].places == [first, second] {
                self.breaks(wire);
            }
        }
        if mends {
            self.after(20, 600, Due::Mend(first, second));
        }
    }

    /// Divides the nodes into two sides that do not reach each other.
    fn splits(&mut self, mends: bool) {
        let places = 0..self.places.len();
        let sides: Vec<bool> = places.map(|_| self.random.chance(50)).collect();
        for second in 0..sides.len() {
            for first in 0..second {
                if sides[first] != sides[second] {
                    self.cuts(first, second, mends);
                }
            }
        }
    }

    /// Divides the nodes for good, into two sides, or so that some do not reach each other
    /// and both reach a third. Nothing else is cut.
    pub(super) fn divide(&mut self) {
        if self.random.chance(70) {
            self.splits(false);
        } else {
            for second in 0..self.places.len() {
                for first in 0..second {
                    if self.random.chance(40) {
                        self.cuts(first, second, false);
                    }
                }
            }
        }
        self.plan.cuts = false;
    }

    pub(super) fn mend(&mut self, first: usize, second: usize) {
        self.cut.remove(&(first, second));
        self.connect(first, second);
    }

    /// Everything works again, and everybody lives.
    pub(super) fn heal(&mut self) {
        self.cut.clear();
        for second in 0..self.places.len() {
            self.begin(second);
            for first in 0..second {
                self.after(1, 100, Due::Connect(first, second));
            }
        }
    }

    pub(super) fn any_place(&mut self) -> usize {
        self.random.below(self.places.len() as u64) as usize
    }

    pub(super) fn any_actor(&mut self, place: usize) -> Option<Pid> {
        let live = self.places[place].live.as_ref()?;
        let actors: Vec<Pid> = live.actors.iter().copied().collect();
        self.random.pick(&actors)
    }

    pub(super) fn any_key(&mut self) -> Key {
        key(self.random.below(self.plan.keys.into()))
    }

    fn any_scope(&mut self) -> Key {
        let [one, two] = scopes();
        if self.random.chance(70) { one } else { two }
    }
}

fn key(number: u64) -> Key {
    Key::new(format!("k{number}").as_bytes()).expect("a key")
}
