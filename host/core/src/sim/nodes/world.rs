//! Virtual time, and the owner of every machine.
//!
//! The owner's part of the contract is [`World::tell`]: tell one machine one thing, carry
//! out its effects in order, and only then go on.

use std::collections::{BTreeMap, BTreeSet};

use super::super::random::Random;
use super::Plan;
use super::trace::{Found, Record, What};
use super::wires::{Message, Wire};
use crate::id::{NodeId, Pid};
use crate::node::{
    AutoConnect, Conn, DownReason, Effect, Effects, Failure, Interest, Node, Nodes, Settings,
    Whereabouts,
};
use crate::wire::NodeInfo;

/// How long a dial, and an incoming connection without an `about`, may take.
pub(super) const SETUP: u64 = 100;

/// How long a question for an id may take.
const ASK_TIME: u64 = 30;

/// What is due at some time.
#[derive(Debug)]
pub(super) enum Due {
    /// A node may do something.
    Turn,
    /// Something goes wrong.
    Fault,
    /// A node wants another one again.
    Again(usize, usize),
    /// A way between two nodes works again.
    Mend(usize, usize),
    /// A node that crashed begins again.
    Begin(usize),
    /// A node that left comes back.
    Return(usize),
    /// A message reaches the end of this side of this wire.
    Arrival { wire: usize, side: usize, message: Message },
    /// Nothing came for the tick time to the end of this side of this wire.
    Silence { wire: usize, side: usize },
    /// Nobody listens where this dial went.
    NobodyThere { place: usize, run: u64, attempt: u64 },
    /// A dial took too long.
    DialOver { place: usize, run: u64, attempt: u64 },
    /// The time for the answers to this question is over.
    AskOver { place: usize, run: u64, id: NodeId, attempt: u64 },
    /// An `about` took too long.
    AcceptOver { place: usize, run: u64, conn: Conn },
}

/// One node.
#[derive(Debug)]
pub(super) struct Place {
    pub(super) settings: Settings,
    /// Counts its runs.
    pub(super) run: u64,
    /// The machine, while the node lives.
    pub(super) node: Option<Node>,
    /// Its open ends: wire and side.
    pub(super) ends: BTreeMap<Conn, (usize, usize)>,
    /// Dials without a last answer: to whom, and by which wire.
    pub(super) dials: BTreeMap<u64, (usize, Option<usize>)>,
}

/// Everything.
#[derive(Debug)]
pub(super) struct World {
    pub(super) now: u64,
    pub(super) random: Random,
    pub(super) plan: Plan,
    pub(super) places: Vec<Place>,
    pub(super) wires: Vec<Wire>,
    /// Ways on which nothing gets through, from and to.
    pub(super) cut: BTreeSet<(usize, usize)>,
    /// Ways on which no connection can be opened.
    pub(super) blocked: BTreeSet<(usize, usize)>,
    /// Every run that ever was: node and id.
    runs: Vec<(usize, NodeId)>,
    agenda: BTreeMap<(u64, u64), Due>,
    records: Vec<Record>,
    /// Numbers given out so far, to whatever needs one.
    numbers: u64,
    pub(super) turns: usize,
    complete: bool,
}

impl World {
    /// The nodes, all alive.
    pub(super) fn new(seed: u64, plan: &Plan) -> Self {
        let mut random = Random::new(seed);
        let place = |number: usize| Place {
            settings: Settings {
                name: format!("n{number}@box"),
                id: NodeId::from_wire(1),
                hidden: plan.hidden && random.chance(25),
                mesh: plan.mesh && random.chance(90),
                auto: plan.auto.unwrap_or_else(|| any_auto(&mut random)),
                allow: None,
            },
            run: 0,
            node: None,
            ends: BTreeMap::new(),
            dials: BTreeMap::new(),
        };
        let places = (0..plan.nodes).map(place).collect();
        let mut world = Self {
            now: 0,
            random,
            plan: *plan,
            places,
            wires: Vec::new(),
            cut: BTreeSet::new(),
            blocked: BTreeSet::new(),
            runs: Vec::new(),
            agenda: BTreeMap::new(),
            records: Vec::new(),
            numbers: 1_000,
            turns: plan.turns,
            complete: false,
        };
        for place in 0..plan.nodes {
            world.begin(place);
        }
        world
    }

    /// Lets time pass until all turns are used up and nothing is on its way.
    pub(super) fn live(&mut self) {
        self.after(1, 20, Due::Turn);
        self.after(1, 40, Due::Fault);
        self.run_out();
    }

    /// Lets time pass until nothing moves any more, and records what is then.
    pub(super) fn settle(&mut self) {
        self.run_out();
        for place in 0..self.places.len() {
            let node = self.places[place].node.as_ref();
            let up = node.map_or_else(Vec::new, |node| node.nodes(&[Nodes::Connected]));
            let wire = |conn: Option<Conn>| self.wire_of(place, conn).unwrap_or(usize::MAX) as u64;
            let up = up.into_iter().map(|one| (one.name, wire(one.conn))).collect();
            let found = self.finds(place);
            self.record(place, What::Settled { up, found, complete: self.complete });
        }
    }

    fn finds(&self, place: usize) -> Vec<Found> {
        let others = self.runs.iter().filter(|(other, _)| *other != place);
        let found = others.filter_map(|(other, id)| {
            let of = &self.places[*other];
            let node = self.places[place].node.as_ref()?;
            Some(Found {
                name: of.settings.name.clone(),
                id: *id,
                lives: of.node.is_some() && of.settings.id == *id,
                whereabouts: node.find(*id),
            })
        });
        found.collect()
    }

    /// Everybody connects with everybody, at about the same time.
    pub(super) fn everybody_wants_everybody(&mut self) {
        self.complete = true;
        for place in 0..self.places.len() {
            for other in 0..self.places.len() {
                if place != other {
                    self.now += self.random.below(2);
                    self.want(place, other, true);
                    self.run_until(self.now);
                }
            }
        }
    }

    /// What happened.
    pub(super) fn into_records(self) -> Vec<Record> {
        self.records
    }

    fn run_out(&mut self) {
        self.run_until(u64::MAX);
    }

    fn run_until(&mut self, time: u64) {
        while let Some(entry) = self.agenda.first_entry() {
            if entry.key().0 > time {
                break;
            }
            self.now = self.now.max(entry.key().0);
            let due = entry.remove();
            self.is_due(due);
        }
    }

    fn is_due(&mut self, due: Due) {
        match due {
            Due::Turn => self.turn(),
            Due::Fault => self.fault(),
            Due::Again(place, other) => self.want(place, other, false),
            Due::Mend(from, to) => self.mend(from, to),
            Due::Begin(place) => self.begin(place),
            Due::Return(place) => self.come_back(place),
            Due::Arrival { wire, side, message } => self.arrive(wire, side, message),
            Due::Silence { wire, side } => self.silence(wire, side),
            Due::NobodyThere { place, run, attempt } => {
                let reason = Failure::Unreachable("nobody listens there".to_owned());
                self.dial_over(place, run, attempt, reason);
            }
            Due::DialOver { place, run, attempt } => {
                self.dial_over(place, run, attempt, Failure::Timeout);
            }
            Due::AskOver { place, run, id, attempt } => {
                if self.places[place].run == run {
                    self.tell(place, |node, e| node.ask_over(id, attempt, e));
                }
            }
            Due::AcceptOver { place, run, conn } => self.accept_over(place, run, conn),
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
        let run = self.places[place].run;
        self.records.push(Record { time: self.now, place, run, what });
    }
}

/// Nodes, and telling them.
impl World {
    /// A new run of this node begins, if it does not live.
    pub(super) fn begin(&mut self, number: usize) {
        if self.places[number].node.is_some() {
            return;
        }
        let id = NodeId::from_wire(self.number());
        let place = &mut self.places[number];
        place.run += 1;
        place.settings.id = id;
        let settings = place.settings.clone();
        let mut node = Node::new(settings.clone());
        let interests = [Interest::Visible, Interest::Hidden, Interest::All, Interest::All];
        for (serial, interest) in (1..).zip(interests) {
            let pid = Pid { node: id, serial };
            node.subscribe(pid, interest).expect("there is room");
        }
        node.subscribe(Pid { node: id, serial: 4 }, Interest::All).expect("there is room");
        place.node = Some(node);
        self.runs.push((number, id));
        self.record(number, What::Began(settings));
    }

    /// Somebody at this node wants another one.
    pub(super) fn want(&mut self, place: usize, other: usize, explicit: bool) {
        let name = self.places[other].settings.name.clone();
        let mut effects = Effects::new();
        let Some(node) = self.places[place].node.as_mut() else { return };
        let want = node.want(&name, explicit, &mut effects);
        self.record(place, What::Wanted { name, explicit, want });
        self.carry_out(place, effects);
    }

    /// Somebody at this node sends to an actor of any run that ever was of another one.
    pub(super) fn sends_to_any_run(&mut self, place: usize) {
        let others = self.runs.iter().filter(|(other, _)| *other != place);
        let ids: Vec<NodeId> = others.map(|(_, id)| *id).collect();
        let Some(id) = self.random.pick(&ids) else { return };
        let whereabouts = self.places[place].node.as_ref().map(|node| node.find(id));
        if whereabouts == Some(Whereabouts::Unknown) {
            self.record(place, What::Sought(id));
            self.tell(place, |node, e| node.locate(id, e));
        }
    }

    /// Tells a node's machine one thing, and carries out what follows.
    pub(super) fn tell(&mut self, place: usize, event: impl FnOnce(&mut Node, &mut Effects)) {
        let mut effects = Effects::new();
        let Some(node) = self.places[place].node.as_mut() else { return };
        event(node, &mut effects);
        if let Some(what) = node.inconsistency() {
            self.record(place, What::Inconsistent(what));
        }
        self.carry_out(place, effects);
    }

    fn carry_out(&mut self, place: usize, effects: Effects) {
        for effect in effects {
            self.record(place, What::Did(effect.clone()));
            match effect {
                Effect::Dial { name, attempt, .. } => self.dial(place, &name, attempt),
                Effect::Welcome { conn } => {
                    let welcome = Message::Welcome(self.about(place));
                    self.send(place, conn, welcome);
                    let run = self.places[place].run;
                    self.after(SETUP, SETUP, Due::AcceptOver { place, run, conn });
                }
                Effect::Keep { conn, initiated, .. } => {
                    if initiated {
                        let about = Message::About(self.about(place));
                        self.send(place, conn, about);
                    }
                    self.send(place, conn, Message::Signal);
                }
                Effect::Refuse { conn, refusal } => {
                    self.send(place, conn, Message::Refused(refusal));
                    self.close(place, conn, DownReason::ConnectionClosed);
                }
                Effect::Close { conn, .. } => self.close(place, conn, DownReason::ConnectionClosed),
                Effect::Down { conn, reason, .. } => {
                    self.misses(place, conn);
                    self.close(place, conn, reason);
                }
                Effect::Nodes { conn, nodes } => self.send(place, conn, Message::Nodes(nodes)),
                Effect::Ask { id, attempt, conns } => {
                    for conn in conns {
                        self.send(place, conn, Message::WhoIs(id));
                    }
                    let run = self.places[place].run;
                    self.after(ASK_TIME, ASK_TIME, Due::AskOver { place, run, id, attempt });
                }
                Effect::Answer { conn, id, answer } => {
                    self.send(place, conn, Message::ThatIs(id, answer));
                }
                Effect::Failed { .. } | Effect::Located { .. } | Effect::Tell { .. } => {}
            }
        }
    }

    /// Who used a connection that is lost often connects again at once, while the other
    /// side may not have noticed the loss yet.
    fn misses(&mut self, place: usize, conn: Conn) {
        let other = self.other_of(conn, place);
        if let Some(other) = other.filter(|_| self.turns > 0 && self.random.chance(50)) {
            self.after(1, 20, Due::Again(place, other));
        }
    }

    /// What a node says about itself.
    fn about(&self, place: usize) -> NodeInfo {
        let settings = &self.places[place].settings;
        NodeInfo {
            name: settings.name.clone(),
            id: settings.id.get(),
            hidden: settings.hidden,
            addresses: vec![format!("box:{place}")],
        }
    }
}

fn any_auto(random: &mut Random) -> AutoConnect {
    let kinds = [AutoConnect::Always, AutoConnect::Always, AutoConnect::Once, AutoConnect::Never];
    random.pick(&kinds).unwrap_or_default()
}
