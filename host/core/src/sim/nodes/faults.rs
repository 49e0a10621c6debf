//! What nodes want, and what goes wrong.

use super::trace::What;
use super::world::{Due, World};
use crate::node::Conn;

impl World {
    /// A node does something.
    pub(super) fn turn(&mut self) {
        let Some(left) = self.turns.checked_sub(1) else { return };
        self.turns = left;
        let (place, other) = self.any_two();
        let chance = self.random.below(100);
        match chance {
            0..60 => {
                let explicit = self.random.chance(30);
                self.want(place, other, explicit);
                // Wants often meet.
                if self.random.chance(40) {
                    self.want(other, place, explicit);
                }
            }
            60..75 => self.say_something(place),
            75..90 if self.plan.disconnects => {
                let name = self.places[other].settings.name.clone();
                self.tell(place, |node, e| {
                    node.disconnect(&name, e);
                });
            }
            90..95 if self.plan.disconnects => self.leave(place),
            _ => {}
        }
        // What was heard in messages may be anybody's.
        let place = self.any_two().0;
        if self.random.chance(30) {
            self.sends_to_any_run(place);
        }
        self.after(1, 40, Due::Turn);
    }

    /// Something goes wrong, while there are still turns.
    pub(super) fn fault(&mut self) {
        if self.turns == 0 {
            return;
        }
        let (place, other) = self.any_two();
        match self.random.below(5) {
            0 if self.plan.cuts => {
                self.cuts(place, other);
                self.cuts(other, place);
            }
            1 if self.plan.cuts => self.cuts(place, other),
            2 if self.plan.cuts => {
                self.blocked.insert((place, other));
                self.after(20, 400, Due::Mend(place, other));
            }
            3 | 4 if self.plan.restarts => self.crash(place),
            _ => {}
        }
        self.after(10, 150, Due::Fault);
    }

    fn cuts(&mut self, from: usize, to: usize) {
        self.cut.insert((from, to));
        for wire in 0..self.wires.len() {
            for side in 0..2 {
                let ends = &self.wires[wire].ends;
                let goes_there = ends[1 - side].place == from && ends[side].place == to;
                if goes_there && ends[side].open {
                    self.breaks(wire, side);
                }
            }
        }
        self.after(20, 400, Due::Mend(from, to));
    }

    pub(super) fn mend(&mut self, from: usize, to: usize) {
        self.cut.remove(&(from, to));
        self.blocked.remove(&(from, to));
    }

    /// Everything works again, and everybody lives.
    pub(super) fn heal(&mut self) {
        self.cut.clear();
        self.blocked.clear();
        for place in 0..self.places.len() {
            self.begin(place);
            self.come_back(place);
        }
    }

    fn crash(&mut self, place: usize) {
        if self.places[place].node.take().is_some() {
            self.record(place, What::Ended);
            let polite = self.random.chance(70);
            self.drop_ends(place, polite);
            let begins = self.now + self.random.between(1, 100);
            self.at(begins, Due::Begin(place));
            let other = self.any_two().0;
            if other != place && self.random.chance(80) {
                self.at(begins + 1, Due::Again(place, other));
            }
        }
    }

    fn leave(&mut self, place: usize) {
        if self.places[place].node.as_ref().is_some_and(|node| node.own().is_some()) {
            self.tell(place, |node, e| {
                node.stop(e);
            });
            self.record(place, What::Left);
            self.after(1, 200, Due::Return(place));
        }
    }

    pub(super) fn come_back(&mut self, place: usize) {
        if self.places[place].node.as_ref().is_some_and(|node| node.own().is_none()) {
            self.record(place, What::CameBack);
            let settings = self.places[place].settings.clone();
            self.tell(place, |node, e| {
                node.start(settings, e);
            });
        }
    }

    /// A signal over one of this node's connections.
    fn say_something(&mut self, place: usize) {
        let conns: Vec<Conn> = self.places[place].ends.keys().copied().collect();
        let Some(conn) = self.random.pick(&conns) else { return };
        let Some(other) = self.other_of(conn, place) else { return };
        let name = self.places[other].settings.name.clone();
        let node = self.places[place].node.as_ref();
        if node.and_then(|node| node.connection(&name)) == Some(conn) {
            self.send(place, conn, super::wires::Message::Signal);
        }
    }

    fn any_two(&mut self) -> (usize, usize) {
        let number = self.places.len() as u64;
        let place = self.random.below(number);
        let other = (place + 1 + self.random.below(number - 1)) % number;
        (place as usize, other as usize)
    }
}
