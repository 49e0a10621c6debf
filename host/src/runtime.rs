//! The node's inside: it carries out what the machines decide, and lives as long
//! as any actor does. [`Node`](crate::Node) is the handle that others hold.

use std::cell::RefCell;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Waker};
use std::time::Instant;

use odeon_core::process::{Effect, Effects, Process, undeliverable};
use odeon_core::signal::{CallError, ExitOrigin, Signal, SpawnError};
use odeon_core::{Envelope, Name, NodeId, Pid, Reason, Reference};
use tokio::sync::oneshot;

use crate::cell::{Batch, Cell, Pushed, Question, State, Waiting};
use crate::cluster::{Cluster, Link, Routed};
use crate::directory::Directory;
use crate::io::Output;
use crate::limits::{Limits, Quota};
use crate::modules::compile::TierChoice;
use crate::modules::store::Store;
use crate::scheduler::{self, Spawner};
use crate::timers::Timers;
use crate::wasm::Programs;

/// Everything that the actors of one node share.
pub(crate) struct Runtime {
    pub(crate) id: NodeId,
    pub(crate) name: String,
    pub(crate) started: Instant,
    pub(crate) limits: Limits,
    pub(crate) actors_max: usize,
    pub(crate) directory: Directory,
    pub(crate) spawner: Spawner,
    pub(crate) timers: Timers,
    pub(crate) modules: Arc<Store>,
    pub(crate) tier: TierChoice,
    pub(crate) programs: Programs,
    pub(crate) output: Output,
    pub(crate) cluster: Cluster,
    /// Counts the descendants of every actor that was made from outside.
    pub(crate) quota: Arc<Quota>,
    serials: AtomicU64,
    references: AtomicU64,
}

/// What an actor's task does next.
pub(crate) enum Turn {
    /// Let the guest run.
    Run,
    /// The guest waits for something that has not come.
    Wait,
    /// The actor ends.
    End,
}

/// Signals that one turn of an actor takes at most, so that a flood does not hold
/// a worker.
const SIGNALS_PER_TURN: usize = 1024;

thread_local! {
    /// Lends out a buffer, because every act of every actor needs one for a moment.
    static EFFECTS: RefCell<Effects> = const { RefCell::new(Vec::new()) };
    /// The same for signals on their way from an inbox to its machine.
    static ARRIVED: RefCell<Batch> = const { RefCell::new(Batch::new()) };
}

/// What a new runtime is made of.
pub(crate) struct Parts {
    pub(crate) id: NodeId,
    pub(crate) name: String,
    pub(crate) limits: Limits,
    pub(crate) actors_max: usize,
    pub(crate) spawner: Spawner,
    pub(crate) timers: Timers,
    pub(crate) modules: Arc<Store>,
    pub(crate) tier: TierChoice,
    pub(crate) programs: Programs,
}

impl Runtime {
    pub(crate) fn new(parts: Parts) -> Self {
        Self {
            id: parts.id,
            cluster: Cluster::new(parts.id, parts.name.clone()),
            name: parts.name,
            started: Instant::now(),
            limits: parts.limits,
            actors_max: parts.actors_max,
            directory: Directory::new(),
            spawner: parts.spawner,
            timers: parts.timers,
            modules: parts.modules,
            tier: parts.tier,
            programs: parts.programs,
            output: Output::new(),
            quota: Quota::new(parts.actors_max as u64, None),
            serials: AtomicU64::new(1),
            references: AtomicU64::new(1),
        }
    }

    /// The pid of an actor to be made.
    pub(crate) fn fresh_pid(&self) -> Pid {
        Pid { node: self.id, serial: self.serials.fetch_add(1, Ordering::Relaxed) }
    }

    pub(crate) fn fresh_reference(&self) -> Reference {
        Reference { node: self.id, serial: self.references.fetch_add(1, Ordering::Relaxed) }
    }

    /// Sends a signal on its way. What finds nobody may come back as another signal.
    ///
    /// Not for relations of a machine with another node: those go through `perform`,
    /// which tells a sender at once what cannot be sent.
    pub(crate) fn route(&self, envelope: Envelope) -> Sent {
        if envelope.to.node != self.id {
            return match self.cluster.route(self, envelope) {
                Routed::Taken => Sent::Taken,
                Routed::Busy(link) => Sent::Busy(link),
                Routed::Answer(answer) => {
                    if let Some(answer) = answer {
                        self.answer(answer);
                    }
                    Sent::Away
                }
            };
        }
        match self.directory.find(envelope.to.serial) {
            // Devices serve many actors, so none of these may end one.
            Some(cell) if cell.is_device() && is_kill(&envelope.signal) => Sent::Away,
            Some(cell) => self.push(&cell, envelope),
            None => {
                self.answer_for_nobody(envelope);
                Sent::Away
            }
        }
    }

    /// As [`Runtime::route`], when the receiver is at hand.
    pub(crate) fn push(&self, cell: &Cell, envelope: Envelope) -> Sent {
        // A message, or the outcome of a call, waits until it is received; every other signal
        // acts by itself, even on an actor that computes and receives nothing.
        let acts = !matches!(envelope.signal, Signal::Message { .. } | Signal::CallReply { .. });
        let pushed = cell.push(envelope);
        if acts {
            self.spawner.nudge();
        }
        match pushed {
            Pushed::Taken => Sent::Taken,
            Pushed::Crowded => Sent::Crowded,
            Pushed::Dead(envelope) => {
                self.answer_for_nobody(envelope);
                Sent::Away
            }
        }
    }

    fn answer_for_nobody(&self, envelope: Envelope) {
        if let Some(answer) = undeliverable(envelope) {
            self.answer(answer);
        }
    }

    /// Gives an answer to whoever asked. If that one is gone as well it is lost, since
    /// no answer asks for an answer.
    fn answer(&self, answer: Envelope) {
        if answer.to.node != self.id {
            self.cluster.route(self, answer);
        } else if let Some(cell) = self.directory.find(answer.to.serial) {
            let _ = cell.push(answer);
        }
    }

    /// Lets an actor act through its machine, and carries out what follows. The
    /// second value says that the actor is to end.
    pub(crate) fn act<R>(
        &self,
        cell: &Arc<Cell>,
        act: impl FnOnce(&mut Process, &mut Effects) -> R,
    ) -> (R, bool) {
        let mut state = cell.state();
        with_effects(|effects| {
            let result = act(&mut state.process, effects);
            if let Some(link) = self.perform(&mut state, effects) {
                // It goes on when the connection has caught up.
                state.suspended = Some(link);
                scheduler::yield_at_once();
            }
            (result, state.doomed)
        })
    }

    /// Asks another actor something on behalf of this one; the answer comes through
    /// the returned channel, which closes if this actor ends first.
    pub(crate) fn ask_io(
        &self,
        cell: &Arc<Cell>,
        leader: Pid,
        request: odeon_core::signal::IoRequest,
    ) -> oneshot::Receiver<odeon_core::signal::IoReply> {
        let reference = self.fresh_reference();
        let (answer, receiver) = oneshot::channel();
        let mut state = cell.state();
        state.questions.push((reference, Question::Io(answer)));
        with_effects(|effects| {
            state.process.ask_io(leader, reference, request, effects);
            self.perform(&mut state, effects);
        });
        receiver
    }

    /// Asks a local actor what it is, after all that was sent to it before.
    pub(crate) fn probe(
        &self,
        cell: &Arc<Cell>,
        of: Pid,
    ) -> oneshot::Receiver<Option<Box<odeon_core::signal::Info>>> {
        let reference = self.fresh_reference();
        let (answer, receiver) = oneshot::channel();
        let mut state = cell.state();
        state.questions.push((reference, Question::Probe(answer)));
        with_effects(|effects| {
            state.process.probe(of, reference, effects);
            self.perform(&mut state, effects);
        });
        receiver
    }

    /// Carries out effects, in order. Gives the last connection that took a signal and is
    /// behind.
    fn perform(&self, state: &mut State, effects: &mut Effects) -> Option<Arc<Link>> {
        let mut busy = None;
        for effect in effects.drain(..) {
            match effect {
                Effect::Send(envelope) if envelope.to.node != self.id => {
                    match self.cluster.route(self, envelope) {
                        Routed::Answer(Some(answer)) => self.tell_at_once(state, answer),
                        Routed::Answer(None) | Routed::Taken => {}
                        Routed::Busy(link) => busy = Some(link),
                    }
                }
                Effect::Send(envelope) => {
                    self.route(envelope);
                }
                Effect::AliasOn(alias) => {
                    self.directory.alias_on(alias, state.process.pid());
                }
                Effect::AliasOff(alias) => self.directory.alias_off(alias),
                Effect::Io(reference, reply) => {
                    if let Some(Question::Io(answer)) = state.take_question(reference) {
                        let _ = answer.send(reply);
                    }
                }
                Effect::Probed(reference, info) => {
                    if let Some(Question::Probe(answer)) = state.take_question(reference) {
                        let _ = answer.send(info);
                    }
                }
                Effect::Die(_) => state.doomed = true,
            }
        }
        busy
    }

    /// There is no way to another node: the sender's machine learns it before it is told
    /// anything else, as `odeon_core::process::unreachable` asks for.
    #[cold]
    fn tell_at_once(&self, state: &mut State, answer: Envelope) {
        let own = state.process.pid();
        if answer.to != own {
            self.answer(answer);
            return;
        }
        let mut effects = Effects::new();
        state.process.signal(answer, &mut effects);
        self.perform(state, &mut effects);
    }

    /// The connection to other nodes is lost, or will not come: an actor's relations with
    /// them end as `noconnection`, and its requests that went there are answered. First
    /// acts what came over the connection before.
    pub(crate) fn lose(&self, cell: &Arc<Cell>, nodes: &[NodeId], requests: &Requests) {
        {
            let mut state = cell.state();
            while !self.absorb(cell, &mut state, None) {}
            with_effects(|effects| {
                for node in nodes {
                    state.process.node_lost(*node, effects);
                }
                let spawns = requests.spawns.iter().map(|request| Signal::SpawnReply {
                    request: *request,
                    outcome: Err(SpawnError::NoConnection),
                });
                let calls = requests.calls.iter().map(|request| Signal::CallReply {
                    request: *request,
                    outcome: Err(CallError::Refused(SpawnError::NoConnection)),
                });
                for signal in spawns.chain(calls) {
                    let from = Pid { node: self.id, serial: 0 };
                    state.process.signal(Envelope { from, to: cell.pid, signal }, effects);
                }
                self.perform(&mut state, effects);
            });
        }
        cell.wake();
        self.spawner.nudge();
    }

    /// Signals act before guest code: called before every run of an actor.
    pub(crate) fn before_run(&self, cell: &Arc<Cell>, context: &Context<'_>) -> Turn {
        let mut state = cell.state();
        if !self.absorb(cell, &mut state, Some(context.waker())) {
            context.waker().wake_by_ref();
        }
        if state.doomed {
            return Turn::End;
        }
        if let Some(link) = &state.suspended {
            if link.suspends(context) {
                return Turn::Wait;
            }
            state.suspended = None;
        }
        let state = &mut *state;
        match state.waiting {
            Some(Waiting { filter, deadline })
                if !state.process.has(filter)
                    && deadline.is_none_or(|deadline| Instant::now() < deadline) =>
            {
                Turn::Wait
            }
            _ => Turn::Run,
        }
    }

    /// Takes something fitting out of the mailbox, or says from now on what
    /// the guest waits for. What has arrived and is not in the mailbox yet has woken
    /// the actor's task, which puts it there and comes back: that is left to the task
    /// because guests wait on stacks of their own, of which a million should be small.
    pub(crate) fn take_or_wait<T>(
        &self,
        cell: &Arc<Cell>,
        waiting: Waiting,
        take: impl Fn(&mut Process) -> Option<T>,
    ) -> Option<T> {
        let mut state = cell.state();
        let taken = take(&mut state.process);
        state.waiting = if taken.is_none() { Some(waiting) } else { None };
        taken
    }

    /// Takes something fitting out of the mailbox, after everything that has
    /// arrived was put into it.
    #[inline(never)]
    pub(crate) fn take<T>(
        &self,
        cell: &Arc<Cell>,
        waker: Option<&Waker>,
        take: impl Fn(&mut Process) -> Option<T>,
    ) -> Taken<T> {
        let mut state = cell.state();
        state.waiting = None;
        self.absorb(cell, &mut state, waker);
        if state.doomed {
            return Taken::Doomed;
        }
        match take(&mut state.process) {
            Some(taken) => Taken::Some(taken),
            None => Taken::Nothing,
        }
    }

    /// Feeds the inbox to the machine. False when it stopped before the end.
    fn absorb(&self, cell: &Arc<Cell>, state: &mut State, waker: Option<&Waker>) -> bool {
        let pulled = ARRIVED.with(|spare| {
            // Taken out for the time, for the same reason as the effects.
            let mut arrived = spare.take();
            let pulled = cell.pull(waker, SIGNALS_PER_TURN, &mut arrived);
            if !arrived.is_empty() {
                with_effects(|effects| {
                    for envelope in arrived.drain(..) {
                        state.process.signal(envelope, effects);
                        if !effects.is_empty() {
                            self.perform(state, effects);
                        }
                    }
                });
            }
            spare.replace(arrived);
            pulled
        });
        if pulled.overflow
            && let Some(reason) = cell.overflow()
        {
            with_effects(|effects| {
                state.process.stop(reason, effects);
                self.perform(state, effects);
            });
        }
        !pulled.more || state.doomed
    }

    /// The guest's actor with this short id, pid or registered name.
    pub(crate) fn find_guest(&self, text: &str) -> Option<Pid> {
        let inner = text.strip_prefix('<').and_then(|text| text.strip_suffix('>'));
        let serial = match inner.and_then(|inner| inner.split_once('.')) {
            Some((node, serial)) if node == self.id.get().to_string() => serial,
            Some(_) => return None,
            None => text,
        };
        let by_id = serial.parse().ok().and_then(|serial| self.directory.find(serial));
        let by_name = || self.directory.whereis(&Name::new(text)?);
        let found = by_id.or_else(by_name);
        found.filter(|cell| !cell.is_native()).map(|cell| cell.pid)
    }

    /// The end of an actor: its guest is gone already. Its name is free; then its cluster
    /// names, and it has left its groups; then its place among its ancestors' children, and
    /// from there on nobody finds it; then those who care are told. So nobody hears of the
    /// end before all of that.
    pub(crate) fn end(&self, cell: &Arc<Cell>, reason: Reason) -> Reason {
        let mut state = cell.state();
        with_effects(|effects| {
            state.process.stop(reason, effects);
            self.perform(&mut state, effects);
            self.directory.unname(cell);
            self.cluster.find.ended(self, cell);
            self.directory.remove(cell);
            let unread = cell.close();
            self.cluster.actor_ended(cell.pid);
            let reason = state.process.dying().cloned().unwrap_or(Reason::Normal);
            if let Some(call) = &cell.about.call {
                call.ended(self, cell.pid, &reason);
            }
            state.process.end(effects);
            self.perform(&mut state, effects);
            state.questions = Vec::new();
            drop(state);
            for envelope in unread {
                self.answer_for_nobody(envelope);
            }
            reason
        })
    }

    /// Sends an exit signal from the node itself.
    pub(crate) fn exit(&self, to: Pid, reason: Reason) {
        let from = Pid { node: self.id, serial: 0 };
        self.route(Envelope {
            from,
            to,
            signal: Signal::Exit { reason, origin: ExitOrigin::Explicit },
        });
    }
}

impl State {
    fn take_question(&mut self, reference: Reference) -> Option<Question> {
        let place = self.questions.iter().position(|(asked, _)| *asked == reference)?;
        Some(self.questions.swap_remove(place).1)
    }
}

/// Whether a signal ends even those who trap exits.
pub(crate) fn is_kill(signal: &Signal) -> bool {
    matches!(signal, Signal::Exit { reason: Reason::Kill, origin }
        if !matches!(origin, ExitOrigin::Link))
}

/// Requests of one actor to another node that will have no answer from there.
#[derive(Default)]
pub(crate) struct Requests {
    pub(crate) spawns: Vec<Reference>,
    pub(crate) calls: Vec<Reference>,
}

/// What became of a signal.
pub(crate) enum Sent {
    /// It is in the receiver's inbox, or on its way to another node.
    Taken,
    /// It is on its way to another node, and the connection is behind.
    Busy(Arc<Link>),
    /// It is there, and the receiver is behind.
    Crowded,
    /// There is no such actor.
    Away,
}

/// What a look into the mailbox found.
pub(crate) enum Taken<T> {
    Some(T),
    Nothing,
    /// The actor is to end.
    Doomed,
}

fn with_effects<R>(body: impl FnOnce(&mut Effects) -> R) -> R {
    EFFECTS.with(|spare| {
        // Taken out for the time, since carrying out effects can come back here.
        let mut effects = spare.take();
        let result = body(&mut effects);
        effects.clear();
        if effects.capacity() <= 1024 {
            spare.replace(effects);
        }
        result
    })
}
