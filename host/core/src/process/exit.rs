//! Exit signals, and how an actor ends.
//!
//! What a signal does is one table, [`verdict`]; the first fatal verdict is the
//! actor's reason and later ones are ignored. An end has two steps: `Die` tells the
//! owner to stop the guest and to release the name; only then does
//! [`Process::end`] tell others, so that whoever hears of the end finds the name
//! free.

use super::{Dying, Effect, Effects, Event, Mailbox, Process, Rank, Relations};
use crate::id::Pid;
use crate::reason::Reason;
use crate::signal::{Envelope, ExitOrigin, Signal};

/// What an exit signal does to its receiver.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    /// Nothing.
    Ignore,
    /// It becomes an event with the same reason.
    Trap,
    /// The receiver ends with the same reason.
    End,
    /// The receiver ends with `killed`.
    Kill,
}

/// The table of exit signals (OTP, "Receiving Exit Signals"). Signals of inactive
/// links and aliases have been dropped before.
fn verdict(reason: &Reason, origin: ExitOrigin, from_itself: bool, traps_exit: bool) -> Verdict {
    let is_explicit = match origin {
        ExitOrigin::Link => false,
        ExitOrigin::Explicit | ExitOrigin::Alias { .. } => true,
    };
    match reason {
        // Only on purpose: a peer that ended with `kill` by itself is one that ended.
        Reason::Kill if is_explicit => Verdict::Kill,
        _ if traps_exit => Verdict::Trap,
        Reason::Normal if !from_itself => Verdict::Ignore,
        _ => Verdict::End,
    }
}

impl Process {
    /// An explicit exit signal, as `exit/2` sends it. To the process itself it acts
    /// before this returns.
    pub fn exit(&mut self, to: Pid, reason: Reason, effects: &mut Effects) {
        if self.dying.is_some() {
            return;
        }
        let origin = ExitOrigin::Explicit;
        if to == self.pid {
            self.act_on_exit(to, reason, origin, Rank::Ordinary, effects);
        } else {
            self.send(to, Signal::Exit { reason, origin }, effects);
        }
    }

    /// The process ended by itself: its function returned, it trapped, or it raised
    /// this reason. Without effect if it is dying already.
    pub fn stop(&mut self, reason: Reason, effects: &mut Effects) {
        self.die(reason, effects);
    }

    /// An exit signal came. It counts while its link or alias is active.
    pub(super) fn exit_signal(
        &mut self,
        from: Pid,
        reason: Reason,
        origin: ExitOrigin,
        effects: &mut Effects,
    ) {
        if origin == ExitOrigin::Link && matches!(reason, Reason::NoProc | Reason::NoConnection) {
            // Nobody is there, or nobody who could be told: so nobody watches either.
            // This is all that a child hears whose parent ended before it was made.
            self.unwatched_by(from);
        }
        let rank = match origin {
            ExitOrigin::Explicit => Some(Rank::Ordinary),
            ExitOrigin::Link => self.known().and_then(|all| all.links.take_active(from)),
            ExitOrigin::Alias { alias, priority } => {
                self.known().and_then(|all| all.aliases.rank(alias, priority))
            }
        };
        if let Some(rank) = rank {
            self.act_on_exit(from, reason, origin, rank, effects);
        }
    }

    /// An exit signal that counts acts.
    pub(super) fn act_on_exit(
        &mut self,
        from: Pid,
        reason: Reason,
        origin: ExitOrigin,
        rank: Rank,
        effects: &mut Effects,
    ) {
        match verdict(&reason, origin, from == self.pid, self.traps_exit) {
            Verdict::Ignore => {}
            Verdict::Trap => self.queue(Event::Exit { sender: from, reason }, rank, effects),
            Verdict::End => self.die(reason, effects),
            Verdict::Kill => self.die(Reason::Killed, effects),
        }
    }

    /// This reason ends the process, unless another did before. What waits in the
    /// mailbox will never be read, so its memory goes at once.
    pub(super) fn die(&mut self, reason: Reason, effects: &mut Effects) {
        if self.dying.is_none() {
            self.dying = Some(Dying::new(reason.clone()));
            self.mailbox = Mailbox::default();
            effects.push(Effect::Die(reason));
        }
    }

    /// Tells the others, after `Die`: ends aliases and own monitors, breaks links,
    /// fires the monitors of others, each kind in the order of pids and references;
    /// then answers those who came while it was dying.
    /// To be called once, when the guest is stopped and the name released. Afterwards
    /// the machine is empty and answers every signal as [`undeliverable`] does.
    pub fn end(&mut self, effects: &mut Effects) {
        let dying = self.dying.get_or_insert_with(|| Dying::new(Reason::Normal));
        let (reason, late) = (dying.reason.clone(), std::mem::take(&mut dying.late));
        self.ended = true;
        self.mailbox = Mailbox::default();
        if let Some(relations) = self.relations.take() {
            self.tell_of_end(&relations, &reason, effects);
        }
        effects.extend(late.into_iter().filter_map(undeliverable).map(Effect::Send));
    }

    fn tell_of_end(&self, relations: &Relations, reason: &Reason, effects: &mut Effects) {
        effects.extend(relations.aliases.references().map(Effect::AliasOff));
        for (to, reference) in relations.monitors.targets().chain(relations.asks.targets()) {
            if to != self.pid {
                self.send(to, Signal::Demonitor(reference), effects);
            }
        }
        for peer in relations.links.active() {
            let exit = Signal::Exit { reason: reason.clone(), origin: ExitOrigin::Link };
            self.send(peer, exit, effects);
        }
        for (watcher, reference) in relations.watchers.all() {
            let down = Signal::Down { reference, reason: reason.clone() };
            self.send(watcher, down, effects);
        }
    }
}

/// What comes back, from the pid that the envelope was for, when an envelope finds
/// nobody. Nothing comes back for what expects no answer.
///
/// A successful spawn reply that finds its requester dead comes back to the child as
/// the end of that requester: it breaks the link and drops the monitor that the child
/// may have been born with.
pub fn undeliverable(envelope: Envelope) -> Option<Envelope> {
    answer(envelope, Reason::NoProc)
}

/// What comes back when there is no connection to the node that the envelope was
/// for: as [`undeliverable`], with `noconnection` as the reason.
///
/// The owner must give this to the sender's machine before it tells it anything
/// else. Were it to come later, it could end a link that was made meanwhile over a
/// new connection, on one side only.
pub fn unreachable(envelope: Envelope) -> Option<Envelope> {
    answer(envelope, Reason::NoConnection)
}

/// The answer to an envelope that cannot be delivered for this reason.
fn answer(envelope: Envelope, reason: Reason) -> Option<Envelope> {
    let Envelope { from, to, signal } = envelope;
    let (to_whom, signal) = match signal {
        Signal::Link => (from, Signal::Exit { reason, origin: ExitOrigin::Link }),
        Signal::SpawnReply { outcome: Ok(child), .. } => {
            (child, Signal::Exit { reason, origin: ExitOrigin::Link })
        }
        Signal::Monitor { reference, .. } | Signal::IoRequest { reply_as: reference, .. } => {
            (from, Signal::Down { reference, reason })
        }
        Signal::Unlink(id) => (from, Signal::UnlinkAck(id)),
        Signal::Probe(reference) => (from, Signal::ProbeReply { reference, info: None }),
        Signal::Message { .. }
        | Signal::UnlinkAck(_)
        | Signal::Exit { .. }
        | Signal::Demonitor(_)
        | Signal::Down { .. }
        | Signal::GroupLeader(_)
        | Signal::SpawnReply { outcome: Err(_), .. }
        | Signal::CallReply { .. }
        | Signal::Timeout(_)
        | Signal::Node(_)
        | Signal::NameLost(_)
        | Signal::Group { .. }
        | Signal::IoReply { .. }
        | Signal::ProbeReply { .. } => return None,
    };
    Some(Envelope { from: to, to: to_whom, signal })
}

#[cfg(test)]
#[path = "exit_test.rs"]
mod tests;
