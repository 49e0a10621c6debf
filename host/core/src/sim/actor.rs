//! What simulated actors do: at each turn one random thing, everything that an actor
//! can do among them.

use bytes::Bytes;

use super::trace::Record;
use super::world::{Actor, Due, Request, World};
use crate::id::{NodeId, Pid, Reference};
use crate::process::{AliasLife, AliasMode, Event, Filter, MonitorOptions, ReplyWhen};
use crate::reason::Reason;
use crate::signal::{Envelope, ExitOrigin, IoReply, IoRequest, Monitored, Signal};

/// Actors that live at one time; no more are spawned beyond.
const ACTORS_MAX: usize = 60;

/// How many of the pids that it knows an actor still thinks of.
const REMEMBERED: usize = 24;

impl World {
    /// An actor's turn, and its next one later.
    pub(super) fn turn(&mut self, pid: Pid) {
        let is_able = self.actors.get(&pid).is_some_and(|actor| actor.process.dying().is_none());
        if !is_able || self.turns == 0 {
            return;
        }
        self.turns -= 1;
        match self.random.below(100) {
            0..20 => self.send_message(pid),
            20..28 => self.send_via(pid),
            28..38 => self.link(pid),
            38..46 => self.unlink(pid),
            46..56 => self.monitor(pid),
            56..62 => self.demonitor(pid),
            62..66 => self.make_alias(pid),
            66..68 => self.unalias(pid),
            68..71 => self.exit(pid),
            71..73 => {
                let on = self.random.chance(70);
                self.tell(pid, |process, _| process.trap_exit(on));
            }
            73..76 => self.ask(pid),
            76..79 => self.probe(pid),
            79..82 => self.spawn_here(pid),
            82..85 => self.spawn_there(pid),
            85..86 => self.abandon(pid),
            86..87 => self.stop(pid),
            _ => self.take_some(pid),
        }
        let next = self.random.between(1, 30);
        self.at(next, Due::Turn(pid));
    }

    /// Somebody, perhaps dead, perhaps oneself.
    fn somebody(&mut self) -> Pid {
        let first = self.known.len().saturating_sub(REMEMBERED);
        let index = self.random.between(first as u64, self.known.len() as u64 - 1);
        self.known[index as usize]
    }

    /// Posts a signal of this actor and tells it what comes back at once.
    fn say(&mut self, from: Pid, to: Pid, signal: Signal) {
        if let Some(answer) = self.post(Envelope { from, to, signal }) {
            self.tell(from, |process, effects| process.signal(answer, effects));
        }
    }

    /// A body that no other message has.
    fn body(&mut self) -> Bytes {
        Bytes::copy_from_slice(&self.number().to_be_bytes())
    }

    fn send_message(&mut self, by: Pid) {
        let to = self.somebody();
        let body = self.body();
        let priority = self.random.chance(20);
        self.say(by, to, Signal::Message { via: None, priority, body });
    }

    fn send_via(&mut self, by: Pid) {
        let Some((alias, to)) = self.random.pick(&self.aliases) else { return };
        let priority = self.random.chance(50);
        let signal = if self.random.chance(5) {
            // Not with priority: the rule for spawns could not tell why it overtook.
            let origin = ExitOrigin::Alias { alias, priority: false };
            Signal::Exit { reason: Reason::Shutdown, origin }
        } else {
            Signal::Message { via: Some(alias), priority, body: self.body() }
        };
        self.say(by, to, signal);
    }

    /// Links itself with somebody, often with whom it was linked before.
    fn link(&mut self, by: Pid) {
        let stranger = self.somebody();
        let partner = self.actors[&by].partner.filter(|_| self.random.chance(60));
        let to = partner.unwrap_or(stranger);
        let priority = self.random.chance(20);
        self.record(Record::Linked { by, to, priority });
        self.tell(by, |process, effects| process.link(to, priority, effects));
        if let Some(actor) = self.actors.get_mut(&by) {
            actor.partner = Some(to);
        }
    }

    /// Removes a link, and sometimes makes it again at once.
    fn unlink(&mut self, by: Pid) {
        let links = self.actors[&by].process.info().links;
        let stranger = self.somebody();
        let to = self.random.pick(&links).unwrap_or(stranger);
        self.tell(by, |process, effects| process.unlink(to, effects));
        if links.contains(&to) {
            self.record(Record::Unlinked { by, to });
            if let Some(actor) = self.actors.get_mut(&by) {
                actor.partner = Some(to);
            }
        }
        if self.random.chance(30) {
            self.link(by);
        }
    }

    fn options(&mut self) -> MonitorOptions {
        let modes = [AliasMode::Explicit, AliasMode::Demonitor, AliasMode::ReplyDemonitor];
        let alias = if self.random.chance(40) { self.random.pick(&modes) } else { None };
        MonitorOptions { alias, tag: None, priority: self.random.chance(20) }
    }

    fn monitor(&mut self, by: Pid) {
        let of = self.somebody();
        let reference = self.reference(by.node);
        let options = self.options();
        let priority = options.priority;
        self.note_alias(reference, options.alias);
        self.note_monitor(by, reference, of, priority);
        self.tell(by, |process, effects| {
            process.monitor(reference, Monitored::Pid(of), Some(of), options, effects);
        });
    }

    /// What the mode of an alias promises, for the rule.
    fn note_alias(&mut self, reference: Reference, mode: Option<AliasMode>) {
        match mode {
            None | Some(AliasMode::Explicit) => {}
            Some(AliasMode::Demonitor) => self.record(Record::WithMonitor { reference }),
            Some(AliasMode::ReplyDemonitor) => {
                self.record(Record::WithMonitor { reference });
                self.record(Record::ForOneReply { reference });
            }
        }
    }

    fn note_monitor(&mut self, by: Pid, reference: Reference, of: Pid, priority: bool) {
        self.record(Record::Monitored { by, reference, of, priority });
        if let Some(actor) = self.actors.get_mut(&by) {
            actor.monitors.push(reference);
        }
    }

    fn demonitor(&mut self, by: Pid) {
        let Some(reference) = self.random.pick(&self.actors[&by].monitors) else { return };
        let flush = self.random.chance(50);
        let found = self.tell(by, |process, effects| process.demonitor(reference, flush, effects));
        if let Some(found) = found {
            self.record(Record::Demonitored { by, reference, found, flush });
        }
    }

    fn make_alias(&mut self, by: Pid) {
        let reference = self.reference(by.node);
        let life = if self.random.chance(50) { AliasLife::Explicit } else { AliasLife::Reply };
        if life == AliasLife::Reply {
            self.record(Record::ForOneReply { reference });
        }
        let priority = self.random.chance(50);
        self.tell(by, |process, effects| process.alias(reference, life, priority, effects));
    }

    fn unalias(&mut self, by: Pid) {
        let own: Vec<Reference> =
            self.aliases.iter().filter(|(_, of)| *of == by).map(|(alias, _)| *alias).collect();
        let Some(alias) = self.random.pick(&own) else { return };
        self.tell(by, |process, effects| process.unalias(alias, effects));
    }

    fn exit(&mut self, by: Pid) {
        let to = self.somebody();
        let reason = match self.random.below(4) {
            0 => Reason::Kill,
            1 => Reason::Shutdown,
            _ => Reason::Normal,
        };
        self.tell(by, |process, effects| process.exit(to, reason, effects));
    }

    fn ask(&mut self, by: Pid) {
        let leader = self.somebody();
        if leader == by {
            // It would wait for itself for ever.
            return;
        }
        let reference = self.reference(by.node);
        self.record(Record::Asked { by, reference });
        if let Some(actor) = self.actors.get_mut(&by) {
            actor.asks.insert(reference, leader);
        }
        self.tell(by, |process, effects| {
            process.ask_io(leader, reference, IoRequest::GetOptions, effects);
        });
    }

    fn probe(&mut self, by: Pid) {
        let of = self.somebody();
        let reference = self.reference(by.node);
        self.record(Record::Asked { by, reference });
        self.tell(by, |process, effects| process.probe(of, reference, effects));
    }

    fn spawn_here(&mut self, by: Pid) {
        if self.actors.len() >= ACTORS_MAX {
            return;
        }
        let child = self.make_actor(by.node);
        self.known.push(child);
        let link = self.random.chance(50);
        let monitor = if self.random.chance(50) {
            let options = MonitorOptions { priority: false, ..self.options() };
            Some((self.reference(by.node), options))
        } else {
            None
        };
        let watched = monitor.as_ref().map(|(reference, _)| *reference);
        if let Some((reference, options)) = &monitor {
            self.note_alias(*reference, options.alias);
        }
        self.tell(child, |process, _| process.born(by, link, watched));
        if link {
            self.record(Record::Linked { by: child, to: by, priority: false });
            self.record(Record::Linked { by, to: child, priority: false });
        }
        if let Some(reference) = watched {
            self.note_monitor(by, reference, child, false);
        }
        self.tell(by, |process, effects| process.spawned(child, link, monitor, effects));
    }

    fn spawn_there(&mut self, by: Pid) {
        let Some(from) = self.network.place(by.node) else { return };
        let to = self.random.below(self.plan.nodes as u64) as usize;
        let node: NodeId = self.network.node(to);
        let super::network::Route::Over { place, epoch } = self.network.route(from, node) else {
            return;
        };
        if self.actors.len() >= ACTORS_MAX {
            return;
        }
        let (link, watched) = (self.random.chance(60), self.random.chance(50));
        let monitor = watched.then(|| MonitorOptions { priority: false, ..self.options() });
        let reference = self.reference(by.node);
        let request = Request { parent: by, to: place, link, monitor: watched, abandoned: false };
        self.requests.insert(reference, request);
        self.record(Record::SpawnRequested { by, reference });
        self.tell(by, |process, _| {
            process.spawn_requested(reference, link, monitor, ReplyWhen::Always);
        });
        if self.random.chance(20) {
            self.abandon(by);
        }
        let later = self.random.between(1, 60);
        self.at(later, Due::Spawn { request: reference, over: (from, place, epoch) });
    }

    fn abandon(&mut self, by: Pid) {
        let own: Vec<Reference> = self
            .requests
            .iter()
            .filter(|(_, request)| request.parent == by)
            .map(|(reference, _)| *reference)
            .collect();
        let Some(reference) = self.random.pick(&own) else { return };
        if self.tell(by, |process, _| process.abandon_spawn(reference)) == Some(true) {
            self.record(Record::SpawnAbandoned { by, reference });
            if let Some(request) = self.requests.get_mut(&reference) {
                request.abandoned = true;
            }
        }
    }

    fn stop(&mut self, by: Pid) {
        let reason = if self.random.chance(50) { Reason::Normal } else { Reason::Kill };
        self.tell(by, |process, effects| process.stop(reason, effects));
    }

    /// Takes a few events, sometimes only those of a reference, and answers some of
    /// what it owes.
    fn take_some(&mut self, by: Pid) {
        for _ in 0..self.random.below(8) {
            let of_monitor = self.random.pick(&self.actors[&by].monitors);
            let filter = match of_monitor {
                Some(reference) if self.random.chance(30) => Filter::Reference(reference),
                _ => Filter::Any,
            };
            self.take(by, filter);
        }
        if self.random.chance(60) {
            self.reply(by);
        }
    }

    /// Takes everything that waits, and answers everything that it owes.
    pub(super) fn take_all(&mut self, by: Pid) {
        while self.take(by, Filter::Any) {}
        while self.reply(by) {}
    }

    fn take(&mut self, by: Pid, filter: Filter) -> bool {
        let Some(actor) = self.actors.get_mut(&by) else { return false };
        let Some(event) = actor.process.take(filter) else { return false };
        if let Event::IoRequest { sender, reply_as, .. } = event {
            actor.owed.push((sender, reply_as));
        }
        self.record(Record::Took { by, picked: filter != Filter::Any, event });
        true
    }

    fn reply(&mut self, by: Pid) -> bool {
        let owed = self.actors.get_mut(&by).and_then(|actor: &mut Actor| actor.owed.pop());
        let Some((to, reply_as)) = owed else { return false };
        self.say(by, to, Signal::IoReply { reply_as, reply: IoReply::Done });
        true
    }
}
