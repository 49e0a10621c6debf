//! Connections: ordered in each direction, with delays, and broken for good by a cut or a
//! crash. Each side notices at its own time that one came or went.

use super::trace::What;
use super::world::{Due, World};
use crate::id::NodeId;
use crate::{groups, locks, names};

/// How long a frame takes, at least and at most.
const DELAY: (u64, u64) = (1, 12);

/// What goes over a connection.
#[derive(Clone, Debug)]
pub(super) enum Message {
    Names(names::Frame),
    Groups(groups::Frame),
    Locks(locks::Frame),
}

/// How one side sees a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    /// It will notice it.
    Pending,
    Up,
    /// It noticed its end, or never noticed it.
    Down,
}

/// One connection.
#[derive(Debug)]
pub(super) struct Wire {
    pub(super) places: [usize; 2],
    ids: [NodeId; 2],
    pub(super) sides: [Side; 2],
    /// Whether frames to that side are lost.
    broken: [bool; 2],
    /// When the last frame to that side arrives.
    last: [u64; 2],
}

impl Wire {
    /// Whether frames are lost in one direction or both.
    pub(super) fn is_broken(&self) -> bool {
        self.broken.contains(&true)
    }
}

impl World {
    /// Connects two nodes that are not, if that is possible now; later if it may be.
    pub(super) fn connect(&mut self, first: usize, second: usize) {
        let is_between = |wire: &Wire| wire.places == [first, second];
        let before = self.wires.iter().rfind(|wire| is_between(wire));
        let lives = self.places[first].live.is_some() && self.places[second].live.is_some();
        if !lives || self.cut.contains(&(first, second)) {
            return;
        }
        if let Some(before) = before.filter(|wire| wire.sides != [Side::Down; 2]) {
            if before.is_broken() {
                self.after(10, 40, Due::Connect(first, second));
            }
            return;
        }
        let wire = self.wires.len();
        let places = [first, second];
        let times = places.map(|_| self.now + self.random.between(1, 20));
        self.wires.push(Wire {
            places,
            ids: places.map(|place| self.places[place].id),
            sides: [Side::Pending; 2],
            broken: [false; 2],
            last: times,
        });
        for (side, time) in times.into_iter().enumerate() {
            self.at(time, Due::Up { wire, side });
        }
    }

    /// This side notices the connection.
    pub(super) fn up(&mut self, wire: usize, side: usize) {
        let Wire { places, ids, ref sides, .. } = self.wires[wire];
        if sides[side] != Side::Pending || self.wires[wire].is_broken() {
            return;
        }
        self.wires[wire].sides[side] = Side::Up;
        let (place, other) = (places[side], ids[1 - side]);
        let Some(live) = &mut self.places[place].live else { return };
        live.up.insert(other, wire);
        self.record(place, What::Up(other));
        self.names(place, |names, now, e| names.node_up(now, other, false, e));
        self.groups(place, |groups, e| groups.node_up(other, false, e));
        self.locks(place, |locks, now, e| locks.node_up(now, other, false, e));
    }

    /// The connection works no more. Both sides will notice.
    pub(super) fn breaks(&mut self, wire: usize) {
        self.breaks_toward(wire, [true; 2]);
    }

    /// What goes to these sides of the connection is lost. Both will notice.
    pub(super) fn breaks_toward(&mut self, wire: usize, toward: [bool; 2]) {
        let is_new = !self.wires[wire].is_broken();
        for (broken, lost) in self.wires[wire].broken.iter_mut().zip(toward) {
            *broken |= lost;
        }
        for side in 0..2 {
            if is_new {
                self.after(1, 150, Due::Down { wire, side });
            }
        }
    }

    /// This side notices that the connection works no more.
    pub(super) fn down(&mut self, wire: usize, side: usize) {
        let before = std::mem::replace(&mut self.wires[wire].sides[side], Side::Down);
        let Wire { places, ids, .. } = self.wires[wire];
        let (place, other) = (places[side], ids[1 - side]);
        let is_same_run = self.places[place].id == ids[side];
        let live = self.places[place].live.as_mut();
        if let Some(live) = live.filter(|_| before == Side::Up && is_same_run) {
            live.up.remove(&other);
            self.record(place, What::Down(other));
            self.names(place, |names, now, e| names.node_down(now, other, e));
            self.groups(place, |groups, e| groups.node_down(other, e));
            self.locks(place, |locks, now, e| locks.node_down(now, other, e));
        }
        self.after(1, 60, Due::Connect(places[0], places[1]));
    }

    /// Sends to a node that this one is connected with.
    pub(super) fn send(&mut self, place: usize, to: NodeId, message: Message) {
        let live = self.places[place].live.as_ref();
        let Some(wire) = live.and_then(|live| live.up.get(&to).copied()) else {
            self.record(place, What::Wrong(format!("sends to {to:?}, not connected: {message:?}")));
            return;
        };
        let side = usize::from(self.wires[wire].ids[1] == to);
        let time = self.now + self.random.between(DELAY.0, DELAY.1);
        let time = self.wires[wire].last[side].max(time);
        self.wires[wire].last[side] = time;
        self.at(time, Due::Arrival { wire, side, message });
    }

    pub(super) fn arrive(&mut self, wire: usize, side: usize, message: Message) {
        let Wire { places, ids, ref sides, broken, .. } = self.wires[wire];
        if broken[side] || sides[side] != Side::Up {
            return;
        }
        let (place, from) = (places[side], ids[1 - side]);
        match message {
            Message::Names(frame) => {
                self.names(place, |names, now, e| names.received(now, from, frame, e));
            }
            Message::Groups(frame) => {
                self.groups(place, |groups, e| groups.received(from, frame, e));
            }
            Message::Locks(frame) => {
                self.locks(place, |locks, now, e| locks.received(now, from, frame, e));
            }
        }
    }

    /// What that lookup gives on all nodes that this one is connected with, as both see
    /// it.
    pub(super) fn looks_up(&self, place: usize, key: &crate::Key) -> Vec<Option<crate::Pid>> {
        let is_whole = |wire: &&Wire| !wire.is_broken() && wire.sides == [Side::Up; 2];
        let is_here = |wire: &&Wire| wire.places.contains(&place);
        let wires = self.wires.iter().filter(is_whole).filter(is_here);
        let places = wires.map(|wire| wire.places[usize::from(wire.places[0] == place)]);
        let places = places.chain([place]);
        let lives = places.filter_map(|place| self.places[place].live.as_ref());
        lives.map(|live| live.shown.get(key).copied()).collect()
    }
}
