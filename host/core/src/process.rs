//! One actor's rules: its mailbox, links, monitors, aliases, spawn requests, calls
//! and its end. The machine that the actor's task owns.
//!
//! Signals go in through [`Process::signal`], what the actor does itself through a
//! method each; what must happen to the world comes out as [`Effect`]s, to be
//! carried out in order before the next call. Each family of rules has its file:
//!
//! | file | rules |
//! |---|---|
//! | `mailbox`, `queue` | what waits, and finding it |
//! | `exit` | what an exit signal does; how an actor ends |
//! | `links` | the link protocol |
//! | `monitors` | both sides of a monitor |
//! | `aliases` | references that others can send to |
//! | `spawns` | links and monitors that begin with a spawn |
//! | `calls` | calls of functions, and that none is answered late |
//! | `requests` | I/O requests and probes, which are answered past the mailbox |
//!
//! This file must not know nodes, names, routes or time. Names are resolved, timers
//! kept and envelopes carried by the owner.

mod aliases;
mod calls;
mod exit;
mod links;
mod mailbox;
mod monitors;
mod queue;
mod requests;
mod spawns;
#[cfg(test)]
mod testing;

use bytes::Bytes;

use crate::id::{NodeId, Pid, Reference};
use crate::limits;
use crate::reason::Reason;
use crate::signal::{Envelope, ExitOrigin, Info, IoReply, Signal};

pub use aliases::{AliasLife, AliasMode};
pub use exit::{undeliverable, unreachable};
pub use mailbox::{Event, Filter};
pub use monitors::MonitorOptions;
pub use spawns::ReplyWhen;

use aliases::Aliases;
use calls::Calls;
use links::Links;
use mailbox::{Mailbox, Rank};
use monitors::{Monitors, Watchers};
use requests::{Asks, Probes};
use spawns::Spawns;

/// What the owner must carry out, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Route this envelope. Where it finds nobody, [`undeliverable`] says what to
    /// send back.
    Send(Envelope),
    /// From now on the router sends what comes for this alias to this process.
    AliasOn(Reference),
    /// From now on the router drops what comes for this alias.
    AliasOff(Reference),
    /// The answer to an I/O request made by [`Process::ask_io`].
    Io(Reference, IoReply),
    /// The answer to a probe made by [`Process::probe`].
    Probed(Reference, Option<Box<Info>>),
    /// Stop the guest, release the name, then call [`Process::end`]. Comes once at
    /// most.
    Die(Reason),
}

/// Effects in the order in which they must be carried out.
pub type Effects = Vec<Effect>;

/// The most that one process may hold. Going over one ends it with
/// [`Reason::Limit`], whose text names the limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Events that wait in the mailbox.
    pub mailbox_messages: usize,
    /// Bytes of these events, as [`Event::len_bytes`] counts them.
    pub mailbox_bytes: usize,
    /// Links, monitors in both directions, aliases, and requests under way.
    pub relations: usize,
}

impl Default for Limits {
    /// The limits of an actor whose spawn said nothing.
    fn default() -> Self {
        Self {
            mailbox_messages: limits::MAILBOX_MESSAGES_MAX,
            mailbox_bytes: limits::MAILBOX_BYTES_MAX,
            relations: limits::RELATIONS_MAX,
        }
    }
}

/// What an actor has to do with others. Made with the first relation, because
/// most of a million idle actors have none.
#[derive(Debug, Default)]
struct Relations {
    links: Links,
    monitors: Monitors,
    watchers: Watchers,
    aliases: Aliases,
    spawns: Spawns,
    calls: Calls,
    asks: Asks,
    probes: Probes,
}

impl Relations {
    /// How many there are, as [`Limits::relations`] counts them.
    fn len(&self) -> usize {
        self.links.len()
            + self.monitors.len()
            + self.watchers.len()
            + self.aliases.len()
            + self.spawns.len()
            + self.calls.len()
            + self.asks.len()
            + self.probes.len()
    }
}

/// What there is of a process between its fatal reason and its end.
#[derive(Debug)]
struct Dying {
    reason: Reason,
    /// Who wanted to reach it meanwhile. Nobody hears of the end before what the process
    /// had is free.
    late: Vec<Envelope>,
}

impl Dying {
    fn new(reason: Reason) -> Box<Self> {
        Box::new(Self { reason, late: Vec::new() })
    }
}

/// The machine of one actor. At most 256 bytes, and nothing on the heap while it
/// has no relations and nothing came into its mailbox yet.
#[derive(Debug)]
pub struct Process {
    pid: Pid,
    group_leader: Pid,
    limits: Limits,
    traps_exit: bool,
    /// There was ever an alias, link or monitor whose events overtake.
    is_overtaken: bool,
    /// `end` was called: everything that comes now is undeliverable.
    ended: bool,
    /// Why it must end. The first fatal reason stays.
    dying: Option<Box<Dying>>,
    mailbox: Mailbox,
    relations: Option<Box<Relations>>,
}

/// What an actor is, and what it tells about itself.
impl Process {
    /// The machine of a new actor that has no relations and does not trap exits.
    pub fn new(pid: Pid, group_leader: Pid, limits: Limits) -> Self {
        Self {
            pid,
            group_leader,
            limits,
            traps_exit: false,
            is_overtaken: false,
            ended: false,
            dying: None,
            mailbox: Mailbox::default(),
            relations: None,
        }
    }

    /// Who it is.
    pub fn pid(&self) -> Pid {
        self.pid
    }

    /// Where its output goes.
    pub fn group_leader(&self) -> Pid {
        self.group_leader
    }

    /// Whether exit signals of others become events.
    pub fn traps_exit(&self) -> bool {
        self.traps_exit
    }

    /// Why it ends, once [`Effect::Die`] was emitted.
    pub fn dying(&self) -> Option<&Reason> {
        self.dying.as_deref().map(|dying| &dying.reason)
    }

    /// Events that wait. None once it is dying.
    pub fn mailbox_messages(&self) -> usize {
        self.mailbox.messages()
    }

    /// Bytes of the events that wait, as [`Event::len_bytes`] counts them.
    pub fn mailbox_bytes(&self) -> usize {
        self.mailbox.bytes()
    }

    /// What it tells about itself. Links whose removal is under way are not in it.
    pub fn info(&self) -> Info {
        let relations = self.relations.as_deref();
        Info {
            group_leader: self.group_leader,
            trap_exit: self.traps_exit,
            mailbox_messages: self.mailbox.messages(),
            links: relations.map_or_else(Vec::new, |all| all.links.active().collect()),
            monitors: relations.map_or_else(Vec::new, |all| all.monitors.objects().collect()),
            monitored_by: relations.map_or_else(Vec::new, |all| all.watchers.pids().collect()),
        }
    }

    /// Whether exit signals of others become events from now on. Gives the former
    /// value.
    pub fn trap_exit(&mut self, on: bool) -> bool {
        std::mem::replace(&mut self.traps_exit, on)
    }

    /// Takes the oldest event that fits, the priority ones first. Nothing once the
    /// process is dying.
    pub fn take(&mut self, filter: Filter) -> Option<Event> {
        self.mailbox.take(filter)
    }

    /// Takes the oldest messages, while the oldest event is a message that was sent to
    /// the pid itself: at most `max` of them, and no more bodies than have
    /// `bytes_max` bytes together, save for the first, which may have any length.
    ///
    /// Gives one at a time once anybody may overtake, so that who takes many at once
    /// has none of them before a priority event that comes meanwhile.
    pub fn take_messages(&mut self, max: usize, bytes_max: usize, into: &mut Vec<(Pid, Bytes)>) {
        let max = if self.is_overtaken { max.min(1) } else { max };
        let mut left = usize::MAX;
        for taken in 0..max {
            let Some(message) = self.mailbox.take_plain(left) else { break };
            if taken == 0 {
                left = bytes_max;
            }
            let rest = left.checked_sub(message.1.len());
            into.push(message);
            match rest {
                Some(rest) => left = rest,
                None => break,
            }
        }
    }

    /// From now on some events may overtake others.
    fn may_be_overtaken(&mut self, priority: bool) {
        self.is_overtaken |= priority;
    }

    /// Whether [`Process::take`] would give something.
    pub fn has(&mut self, filter: Filter) -> bool {
        self.mailbox.has(filter)
    }
}

/// Signals.
impl Process {
    /// A signal reached this process.
    ///
    /// Signals of one sender must be given in the order in which it sent them. A
    /// dying process takes no events, and answers as [`undeliverable`] does at its end.
    pub fn signal(&mut self, envelope: Envelope, effects: &mut Effects) {
        debug_assert_eq!(envelope.to, self.pid, "the router delivers to whom it is for");
        if self.ended {
            effects.extend(undeliverable(envelope).map(Effect::Send));
            return;
        }
        let Envelope { from, to, signal } = envelope;
        match signal {
            Signal::Message { via: None, body, .. } => {
                let message = Event::Message { sender: from, via: None, body };
                self.queue(message, Rank::Ordinary, effects);
            }
            Signal::Message { via: Some(alias), priority, body } => {
                self.message_via(from, alias, priority, body, effects);
            }
            Signal::Unlink(id) => self.peer_unlinked(from, id, effects),
            Signal::UnlinkAck(id) => self.unlink_acknowledged(from, id),
            Signal::Exit { reason, origin } => self.exit_signal(from, reason, origin, effects),
            Signal::Demonitor(reference) => self.unwatched(from, reference),
            Signal::Down { reference, reason } => {
                self.down_signal(from, reference, reason, effects);
            }
            Signal::GroupLeader(leader) => self.group_leader = leader,
            Signal::SpawnReply { request, outcome } => {
                self.spawn_replied(request, outcome, effects);
            }
            Signal::CallReply { request, outcome } => self.call_replied(request, outcome, effects),
            Signal::Node(change) => self.queue(Event::Node(change), Rank::Ordinary, effects),
            Signal::NameLost(lost) => self.queue(Event::NameLost(lost), Rank::Ordinary, effects),
            Signal::Group { monitor, change } => {
                self.queue(Event::Group { monitor, change }, Rank::Ordinary, effects);
            }
            Signal::Timeout(timer) => self.queue(Event::Timeout(timer), Rank::Ordinary, effects),
            Signal::IoReply { reply_as, reply } => self.io_replied(reply_as, reply, effects),
            Signal::ProbeReply { reference, info } => self.probed(reference, info, effects),
            Signal::Link | Signal::Monitor { .. } | Signal::IoRequest { .. } | Signal::Probe(_) => {
                self.contact(Envelope { from, to, signal }, effects);
            }
        }
    }

    /// A signal came that is owed an answer even by a process that is ending.
    fn contact(&mut self, envelope: Envelope, effects: &mut Effects) {
        if let Some(dying) = &mut self.dying {
            dying.late.push(envelope);
            return;
        }
        let Envelope { from, signal, .. } = envelope;
        match signal {
            Signal::Link => self.peer_linked(from, effects),
            Signal::Monitor { reference, .. } => self.watched(from, reference, effects),
            Signal::IoRequest { reply_as, request } => {
                self.watched(from, reply_as, effects);
                let event = Event::IoRequest { sender: from, reply_as, request };
                self.queue(event, Rank::Ordinary, effects);
            }
            Signal::Probe(reference) => {
                let info = Some(Box::new(self.info()));
                self.send(from, Signal::ProbeReply { reference, info }, effects);
            }
            Signal::Message { .. }
            | Signal::Unlink(_)
            | Signal::UnlinkAck(_)
            | Signal::Exit { .. }
            | Signal::Demonitor(_)
            | Signal::Down { .. }
            | Signal::GroupLeader(_)
            | Signal::SpawnReply { .. }
            | Signal::CallReply { .. }
            | Signal::Timeout(_)
            | Signal::Node(_)
            | Signal::NameLost(_)
            | Signal::Group { .. }
            | Signal::IoReply { .. }
            | Signal::ProbeReply { .. } => {}
        }
    }

    /// The connection to a node is lost: every relation with it resolves as
    /// `noconnection`, links first, then monitors, then requests. Outstanding spawn
    /// requests and calls are answered by the owner, who knows where they went.
    pub fn node_lost(&mut self, node: NodeId, effects: &mut Effects) {
        let Some(relations) = self.relations.as_deref_mut() else { return };
        relations.watchers.drop_node(node);
        let monitors = relations.monitors.take_node(node);
        let asks = relations.asks.of_node(node);
        let probes = relations.probes.of_node(node);
        for (peer, rank) in relations.links.take_node(node) {
            self.act_on_exit(peer, Reason::NoConnection, ExitOrigin::Link, rank, effects);
        }
        for (reference, monitor) in monitors {
            self.fired(reference, monitor, Reason::NoConnection, effects);
        }
        for reference in asks {
            self.down(reference, Reason::NoConnection, effects);
        }
        for reference in probes {
            self.probed(reference, None, effects);
        }
    }
}

/// What the rules share.
impl Process {
    /// The relations, if there were ever any.
    fn known(&mut self) -> Option<&mut Relations> {
        self.relations.as_deref_mut()
    }

    /// The relations, to add one.
    fn relations(&mut self) -> &mut Relations {
        self.relations.get_or_insert_default()
    }

    /// Whether this process may begin one more relation. If not, it dies of it.
    fn has_room(&mut self, effects: &mut Effects) -> bool {
        let has = self.relations.as_deref().map_or(0, Relations::len);
        self.allow_relations(has + 1, effects)
    }

    /// Dies of too many relations. For those that others began: they are taken
    /// first, so that the end of this process tells those others too.
    fn check_relations(&mut self, effects: &mut Effects) {
        let has = self.relations.as_deref().map_or(0, Relations::len);
        self.allow_relations(has, effects);
    }

    /// Whether so many relations are within the limit. If not, the process dies.
    fn allow_relations(&mut self, number: usize, effects: &mut Effects) -> bool {
        let max = self.limits.relations;
        if number > max {
            let text = format!("relations-max of {max} links, monitors and aliases");
            self.die(Reason::Limit(text.into()), effects);
        }
        number <= max
    }

    /// Queues an event. A dying process gets none; one whose mailbox is full dies.
    #[inline]
    fn queue(&mut self, event: Event, rank: Rank, effects: &mut Effects) {
        if self.dying.is_some() {
            return;
        }
        let has_place = self.mailbox.messages() < self.limits.mailbox_messages;
        let bytes = self.mailbox.bytes().saturating_add(event.len_bytes());
        if has_place && bytes <= self.limits.mailbox_bytes {
            self.mailbox.push(event, rank);
        } else {
            self.die_of_mailbox(has_place, effects);
        }
    }

    /// The mailbox is full: of bytes, or of messages.
    #[cold]
    fn die_of_mailbox(&mut self, has_place: bool, effects: &mut Effects) {
        let Limits { mailbox_messages, mailbox_bytes, .. } = self.limits;
        let text = if has_place {
            format!("mailbox-bytes-max of {mailbox_bytes} bytes")
        } else {
            format!("mailbox-messages-max of {mailbox_messages} messages")
        };
        self.die(Reason::Limit(text.into()), effects);
    }

    /// Sends a signal from this process.
    fn send(&self, to: Pid, signal: Signal, effects: &mut Effects) {
        effects.push(Effect::Send(Envelope { from: self.pid, to, signal }));
    }
}

#[cfg(test)]
#[path = "process_test.rs"]
mod tests;
