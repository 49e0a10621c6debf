//! Words for the tests of the machine: a few actors, and one line for "this happens
//! to it, and exactly these effects follow".

use bytes::Bytes;

use super::{Effect, Effects, Event, Filter, Limits, Process};
use crate::id::{NodeId, Pid, Reference};
use crate::reason::Reason;
use crate::signal::{Envelope, ExitOrigin, Signal};

/// The node of the machine under test.
pub(super) const HERE: NodeId = NodeId::from_wire(1);
/// Another node.
pub(super) const THERE: NodeId = NodeId::from_wire(2);

/// The actor under test.
pub(super) const ME: Pid = Pid { node: HERE, serial: 1 };
/// Another actor on the same node.
pub(super) const A: Pid = Pid { node: HERE, serial: 2 };
/// A third actor on the same node.
pub(super) const B: Pid = Pid { node: HERE, serial: 3 };
/// An actor on the other node.
pub(super) const FAR: Pid = Pid { node: THERE, serial: 2 };
/// Everybody's group leader.
pub(super) const LEADER: Pid = Pid { node: HERE, serial: 9 };

/// The reference of this number.
pub(super) const fn reference(serial: u64) -> Reference {
    Reference { node: HERE, serial }
}

/// Bytes of a text.
pub(super) const fn bytes(text: &'static str) -> Bytes {
    Bytes::from_static(text.as_bytes())
}

/// A guest's reason.
pub(super) fn error(text: &str) -> Reason {
    Reason::Error(text.into())
}

/// A new actor.
pub(super) fn actor() -> Process {
    limited(Limits::default())
}

/// A new actor that traps exits.
pub(super) fn trapper() -> Process {
    let mut trapper = actor();
    assert!(!trapper.trap_exit(true));
    trapper
}

/// A new actor with limits.
pub(super) fn limited(limits: Limits) -> Process {
    Process::new(ME, LEADER, limits)
}

/// What follows when the actor does this.
pub(super) fn does<T>(
    actor: &mut Process,
    act: impl FnOnce(&mut Process, &mut Effects) -> T,
) -> Effects {
    let mut effects = Effects::new();
    act(actor, &mut effects);
    effects
}

/// What follows when this signal reaches the actor.
pub(super) fn told(actor: &mut Process, from: Pid, signal: Signal) -> Effects {
    let to = actor.pid();
    does(actor, |actor, effects| actor.signal(Envelope { from, to, signal }, effects))
}

/// The effect of sending a signal.
pub(super) fn sends(to: Pid, signal: Signal) -> Effect {
    Effect::Send(Envelope { from: ME, to, signal })
}

/// A message to the pid.
pub(super) fn message(body: &'static str) -> Signal {
    Signal::Message { via: None, priority: false, body: bytes(body) }
}

/// A message through an alias.
pub(super) fn message_via(alias: Reference, priority: bool, body: &'static str) -> Signal {
    Signal::Message { via: Some(alias), priority, body: bytes(body) }
}

/// The event of a message.
pub(super) fn received(sender: Pid, via: Option<Reference>, body: &'static str) -> Event {
    Event::Message { sender, via, body: bytes(body) }
}

/// An exit signal of a link.
pub(super) fn link_exit(reason: Reason) -> Signal {
    Signal::Exit { reason, origin: ExitOrigin::Link }
}

/// An exit signal sent on purpose.
pub(super) fn explicit_exit(reason: Reason) -> Signal {
    Signal::Exit { reason, origin: ExitOrigin::Explicit }
}

/// Everything that waits, in the order in which it is taken.
pub(super) fn events(actor: &mut Process) -> Vec<Event> {
    std::iter::from_fn(|| actor.take(Filter::Any)).collect()
}

/// What follows when the dying actor is at its end.
pub(super) fn ends(actor: &mut Process) -> Effects {
    does(actor, Process::end)
}
