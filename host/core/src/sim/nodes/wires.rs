//! Transport connections: ordered in each direction, with delays, and broken for good by
//! a cut. What a cut or a crash keeps from arriving, the other end notices by silence.

use super::trace::What;
use super::world::{Due, SETUP, World};
use crate::id::NodeId;
use crate::node::{Conn, DownReason, Failure};
use crate::wire::{Identified, NodeInfo, Refusal};

/// How long nothing may come over a wire, at least and at most.
const TICK_TIME: (u64, u64) = (20, 300);

/// How long a message takes, at least and at most.
const DELAY: (u64, u64) = (1, 12);

/// What goes over a wire.
#[derive(Clone, Debug)]
pub(super) enum Message {
    /// The hellos and proofs, as one.
    Hello {
        name: String,
        id: NodeId,
    },
    Welcome(NodeInfo),
    About(NodeInfo),
    Refused(Refusal),
    Nodes(Vec<NodeInfo>),
    WhoIs(NodeId),
    ThatIs(NodeId, Identified),
    Signal,
    /// The other end is closed: as what the node there gives for a reason.
    Closed(DownReason),
}

/// One end of a wire.
#[derive(Debug)]
pub(super) struct End {
    pub(super) place: usize,
    pub(super) run: u64,
    conn: Conn,
    pub(super) open: bool,
    /// The dial that it belongs to, until that is answered.
    attempt: Option<u64>,
}

/// One transport connection.
#[derive(Debug)]
pub(super) struct Wire {
    /// The side that dialled, and the other.
    pub(super) ends: [End; 2],
    /// Whether what goes to that side arrives no more.
    broken: [bool; 2],
    /// When the last message to that side arrives.
    last: [u64; 2],
}

impl World {
    /// Which node is at the other end.
    pub(super) fn other_of(&self, conn: Conn, place: usize) -> Option<usize> {
        let (wire, side) = self.places[place].ends.get(&conn)?;
        Some(self.wires[*wire].ends[1 - side].place)
    }

    /// Which wire that is, closed ones included.
    pub(super) fn wire_of(&self, place: usize, conn: Option<Conn>) -> Option<usize> {
        let is_it = |end: &End| end.place == place && Some(end.conn) == conn;
        self.wires.iter().position(|wire| wire.ends.iter().any(is_it))
    }

    /// Opens a wire to a node, or does not get through.
    pub(super) fn dial(&mut self, place: usize, name: &str, attempt: u64) {
        let is_it = |place: &super::world::Place| place.settings.name == name;
        let Some(other) = self.places.iter().position(is_it) else { return };
        let run = self.places[place].run;
        self.places[place].dials.insert(attempt, (other, None));
        self.after(SETUP, SETUP, Due::DialOver { place, run, attempt });
        if self.blocked.contains(&(place, other)) {
            if self.random.chance(50) {
                self.after(1, 10, Due::NobodyThere { place, run, attempt });
            }
            return;
        }
        let [conn, theirs] = [self.number(), self.number()];
        let end = |place, run, conn, attempt| End { place, run, conn, open: true, attempt };
        let far_run = self.places[other].run;
        let ends = [end(place, run, conn, Some(attempt)), end(other, far_run, theirs, None)];
        let wire = self.wires.len();
        self.wires.push(Wire { ends, broken: [false; 2], last: [0; 2] });
        self.places[place].dials.insert(attempt, (other, Some(wire)));
        self.places[place].ends.insert(conn, (wire, 0));
        let (name, id) = (self.places[place].settings.name.clone(), self.places[place].settings.id);
        self.send(place, conn, Message::Hello { name, id });
    }

    /// Sends over an open end.
    pub(super) fn send(&mut self, place: usize, conn: Conn, message: Message) {
        let Some((wire, side)) = self.places[place].ends.get(&conn).copied() else { return };
        let delay = self.random.between(DELAY.0, DELAY.1);
        let to = 1 - side;
        let time = self.wires[wire].last[to].max(self.now + delay);
        self.wires[wire].last[to] = time;
        self.at(time, Due::Arrival { wire, side: to, message });
    }

    /// Closes an end. The other hears of it, or of nothing any more.
    pub(super) fn close(&mut self, place: usize, conn: Conn, reason: DownReason) {
        self.send(place, conn, Message::Closed(reason));
        if let Some((wire, side)) = self.places[place].ends.remove(&conn) {
            self.wires[wire].ends[side].open = false;
            if self.wires[wire].broken[1 - side] {
                self.falls_silent(wire, 1 - side);
            }
        }
    }

    /// Nothing comes to this side any more.
    pub(super) fn breaks(&mut self, wire: usize, side: usize) {
        if !self.wires[wire].broken[side] {
            self.wires[wire].broken[side] = true;
            self.falls_silent(wire, side);
        }
    }

    fn falls_silent(&mut self, wire: usize, side: usize) {
        self.after(TICK_TIME.0, TICK_TIME.1, Due::Silence { wire, side });
    }

    /// A node is no more; its ends are closed politely, as by its kernel, or just gone.
    pub(super) fn drop_ends(&mut self, place: usize, polite: bool) {
        for (conn, (wire, side)) in self.places[place].ends.clone() {
            if polite {
                self.close(place, conn, DownReason::ConnectionClosed);
            } else {
                self.places[place].ends.remove(&conn);
                self.wires[wire].ends[side].open = false;
                self.breaks(wire, 1 - side);
            }
        }
        self.places[place].dials.clear();
    }
}

/// What comes over wires.
impl World {
    pub(super) fn arrive(&mut self, wire: usize, side: usize, message: Message) {
        let End { place, conn, open, .. } = self.wires[wire].ends[side];
        let from = self.wires[wire].ends[1 - side].place;
        if self.cut.contains(&(from, place)) {
            self.breaks(wire, side);
        }
        if self.wires[wire].broken[side] || !open {
            return;
        }
        match message {
            Message::Hello { name, id } => self.hello(wire, &name, id),
            Message::Welcome(info) => self.answered(wire, side, Ok(info)),
            Message::Refused(refusal) => self.answered(wire, side, Err(Failure::Refused(refusal))),
            Message::About(info) => self.tell(place, |node, e| node.accepted(conn, info, e)),
            Message::Nodes(nodes) => self.tell(place, |node, e| node.heard(conn, nodes, e)),
            Message::WhoIs(id) => {
                self.record(place, What::Asked(conn, id));
                self.tell(place, |node, e| node.asked(conn, id, e));
            }
            Message::ThatIs(id, answer) => {
                self.tell(place, |node, e| node.answered(conn, id, answer, e));
            }
            Message::Signal => self.record(place, What::Signal(conn)),
            Message::Closed(reason) => self.closed(wire, side, reason),
        }
    }

    /// Somebody opens a wire.
    fn hello(&mut self, wire: usize, name: &str, id: NodeId) {
        let place = self.wires[wire].ends[1].place;
        let run = self.places[place].run;
        let end = &mut self.wires[wire].ends[1];
        end.run = run;
        let conn = end.conn;
        if self.places[place].node.is_none() {
            end.open = false;
            let End { place, run, attempt, .. } = self.wires[wire].ends[0];
            let attempt = attempt.unwrap_or_default();
            self.after(1, 10, Due::NobodyThere { place, run, attempt });
            return;
        }
        self.places[place].ends.insert(conn, (wire, 1));
        self.record(place, What::Opened(conn));
        self.tell(place, |node, e| node.offered(conn, name, id, e));
    }

    /// A dial is answered.
    fn answered(&mut self, wire: usize, side: usize, outcome: Result<NodeInfo, Failure>) {
        let End { place, conn, .. } = self.wires[wire].ends[side];
        let Some(attempt) = self.wires[wire].ends[side].attempt.take() else { return };
        let other = self.wires[wire].ends[1 - side].place;
        let name = self.places[other].settings.name.clone();
        if outcome.is_err() {
            self.close(place, conn, DownReason::ConnectionClosed);
        }
        // Of one that is refused so, the owner tells the end of the set-up time, too.
        if outcome != Err(Failure::Refused(Refusal::Simultaneous)) {
            self.places[place].dials.remove(&attempt);
        } else {
            self.places[place].dials.insert(attempt, (other, None));
        }
        if outcome.is_ok() {
            self.record(place, What::Opened(conn));
        }
        let outcome = outcome.map(|info| (conn, info));
        self.tell(place, |node, e| node.dialed(&name, attempt, outcome, e));
    }

    fn closed(&mut self, wire: usize, side: usize, reason: DownReason) {
        let End { place, conn, attempt, .. } = self.wires[wire].ends[side];
        if attempt.is_some() {
            let reason = Failure::Unreachable("closed".to_owned());
            return self.answered(wire, side, Err(reason));
        }
        let reason = match reason {
            DownReason::Disconnect => DownReason::Disconnected,
            DownReason::Shutdown => DownReason::Shutdown,
            _ => DownReason::ConnectionClosed,
        };
        self.loses(place, conn, reason);
    }

    /// Nothing came for too long.
    pub(super) fn silence(&mut self, wire: usize, side: usize) {
        let End { place, conn, open, attempt, .. } = self.wires[wire].ends[side];
        // A dial has its own end.
        if open && attempt.is_none() {
            self.loses(place, conn, DownReason::NetTickTimeout);
        }
    }

    fn loses(&mut self, place: usize, conn: Conn, reason: DownReason) {
        if self.places[place].ends.contains_key(&conn) {
            self.record(place, What::Lost(conn));
            self.tell(place, |node, e| node.lost(conn, reason, e));
            self.close(place, conn, DownReason::ConnectionClosed);
        }
    }

    /// A dial came to an end without an answer.
    pub(super) fn dial_over(&mut self, place: usize, run: u64, attempt: u64, reason: Failure) {
        if self.places[place].run != run {
            return;
        }
        let dial = self.places[place].dials.remove(&attempt);
        let Some((other, wire)) = dial else { return };
        let name = self.places[other].settings.name.clone();
        if let Some(wire) = wire {
            self.wires[wire].ends[0].attempt = None;
            let conn = self.wires[wire].ends[0].conn;
            self.close(place, conn, DownReason::ConnectionClosed);
        }
        self.tell(place, |node, e| node.dialed(&name, attempt, Err(reason), e));
    }

    /// No `about` came in time.
    pub(super) fn accept_over(&mut self, place: usize, run: u64, conn: Conn) {
        let node = self.places[place].node.as_ref();
        let other = self.other_of(conn, place);
        let name = other.map(|other| self.places[other].settings.name.clone());
        let up = node.zip(name).and_then(|(node, name)| node.connection(&name));
        if self.places[place].run == run && up != Some(conn) {
            self.loses(place, conn, DownReason::ConnectionClosed);
        }
    }
}
