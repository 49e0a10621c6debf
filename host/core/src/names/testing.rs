//! Words for the tests of the machine: a node among others, and one line for "this
//! happens to it, and exactly these effects follow".

use super::{
    Claim, Effect, Effects, Frame, Names, Outcome, Reason, Registration, Resolver, Settings, Task,
};
use crate::id::{NodeId, Pid, Reference};
use crate::key::Key;

/// The node under test.
pub(super) const ME: NodeId = NodeId::from_wire(10);
/// Another node.
pub(super) const A: NodeId = NodeId::from_wire(20);
/// One more.
pub(super) const B: NodeId = NodeId::from_wire(30);

/// The node under test, connected with these.
pub(super) fn names(peers: &[NodeId]) -> Names {
    let mut names = Names::new(ME, Settings { several: true });
    for peer in peers {
        assert_eq!(does(&mut names, |names, e| names.node_up(0, *peer, false, e)), []);
    }
    names
}

/// What follows when this happens. Says also that the machine is sound afterwards.
pub(super) fn does(names: &mut Names, event: impl FnOnce(&mut Names, &mut Effects)) -> Effects {
    let mut effects = Effects::new();
    event(names, &mut effects);
    assert_eq!(names.inconsistency(), None);
    effects
}

/// What follows when this node asks for something at time 0, with time until 1,000.
pub(super) fn asks(names: &mut Names, request: u64, task: Task) -> Effects {
    does(names, |names, e| names.request(0, request, key(), task, 1_000, e))
}

/// What follows when another node says this.
pub(super) fn hears(names: &mut Names, from: NodeId, frame: Frame) -> Effects {
    does(names, |names, e| names.received(0, from, frame, e))
}

/// The name in all these tests.
pub(super) fn key() -> Key {
    Key::new(b"name").expect("a key")
}

/// An actor.
pub(super) fn pid(node: NodeId, serial: u64) -> Pid {
    Pid { node, serial }
}

fn registration(pid: Pid, force: bool) -> Registration {
    Registration { pid, force, resolver: Resolver::RandomExit, since: 0 }
}

/// An actor is to get the name.
pub(super) fn register(pid: Pid) -> Task {
    Task::Register(registration(pid, false))
}

/// An actor is to get the name, whoever has it.
pub(super) fn take(pid: Pid) -> Task {
    Task::Register(registration(pid, true))
}

/// A claim whose number is the serial of its actor.
pub(super) fn claim(pid: Pid) -> Claim {
    let (number, resolver) = (pid.serial, Resolver::RandomExit);
    Claim { pid, number, generation: 0, over: None, since: 0, resolver }
}

/// The claim that replaces the first.
pub(super) fn claim_over(first: Claim, pid: Pid) -> Claim {
    Claim { generation: first.generation + 1, over: Some(first.id()), ..claim(pid) }
}

/// An actor of one node that comes before that actor of another, or after it.
pub(super) fn rival(of: Pid, node: NodeId, comes_first: bool) -> Pid {
    let is_it = |pid: &Pid| (key().rank(*pid) < key().rank(of)) == comes_first;
    (100..).map(|serial| pid(node, serial)).find(is_it).expect("half of all")
}

/// The effect of sending something.
pub(super) fn send(to: NodeId, frame: Frame) -> Effect {
    Effect::Send { to, frame }
}

/// A proposal.
pub(super) fn propose(ticket: u64, claim: Claim) -> Frame {
    Frame::Propose { ticket, key: key(), claim, force: claim.over.is_some() }
}

/// A claim holds.
pub(super) fn set(claim: Claim) -> Frame {
    Frame::Set(vec![(key(), claim)])
}

/// A claim holds no more.
pub(super) fn unset() -> Frame {
    Frame::Unset { key: key(), ticket: 0 }
}

/// A proposal holds no more.
pub(super) fn withdraw(ticket: u64) -> Frame {
    Frame::Withdraw { ticket, key: key() }
}

/// Lookups give this from now on.
pub(super) fn show(pid: Option<Pid>) -> Effect {
    Effect::Show { key: key(), pid }
}

/// A request is answered.
pub(super) fn answer(request: u64, outcome: Outcome) -> Effect {
    Effect::Answer { request, outcome }
}

/// A request is answered with no.
pub(super) fn no(request: u64, reason: Reason) -> Effect {
    answer(request, Outcome::No(reason))
}

/// What tells the claim of that actor from others.
pub(super) fn id(node: NodeId, serial: u64) -> Reference {
    Reference { node, serial }
}

/// Registers this actor of the node under test, which has no connections yet.
pub(super) fn owns(names: &mut Names, serial: u64) -> Claim {
    let owner = pid(ME, serial);
    let effects = asks(names, 99, register(owner));
    assert_eq!(effects, [Effect::Watch(owner), show(Some(owner)), answer(99, Outcome::Yes),]);
    *names.table.get(ME, &key()).expect("it owns the name")
}
