//! Every rule complains about a trace that breaks it, and only then.

use std::sync::Arc;

use super::locks as check_locks;
use super::*;
use crate::groups::Change;
use crate::id::Reference;
use crate::locks::{self as locking, LockId, Nodes, Task as Locking, Wait};
use crate::names::{Effect, Outcome, Reason, Registration, Resolver, Task};

const A: NodeId = NodeId::from_wire(1);
const B: NodeId = NodeId::from_wire(2);

fn at(id: NodeId, what: What) -> Record {
    Record { time: 0, place: 0, id, what }
}

fn later(time: u64, id: NodeId, what: What) -> Record {
    Record { time, ..at(id, what) }
}

fn pid(node: NodeId, serial: u64) -> Pid {
    Pid { node, serial }
}

fn key() -> Key {
    Key::new(b"k").expect("a key")
}

/// The rule holds for the first and not for the second.
fn tells_apart(rule: Rule, right: &[Record], wrong: &[Record]) {
    assert_eq!(rule(right), Ok(()));
    assert!(rule(wrong).is_err(), "{wrong:?}");
}

fn asked(force: bool) -> What {
    let registration =
        Registration { pid: pid(A, 1), force, resolver: Resolver::RandomExit, since: 0 };
    let task = Task::Register(registration);
    What::Asked { request: 1, key: key(), task, deadline: 10 }
}

fn answered(outcome: Outcome) -> What {
    What::Names(Effect::Answer { request: 1, outcome })
}

fn promised(pid: Pid, found: &[Option<Pid>]) -> What {
    What::Promised { key: key(), pid, found: found.to_vec() }
}

fn exit(pid: Pid, other: Pid) -> What {
    What::Names(Effect::Exit { pid, key: key(), other })
}

fn notify(pid: Pid, other: Pid, both: bool) -> What {
    What::Names(Effect::Notify { pid, key: key(), other, both })
}

/// What a node is at the end of a stage: connected with the other, or not.
fn settled_as(id: NodeId, stage: Stage, owner: Option<Pid>, members: &[Pid]) -> Record {
    let other = if id == A { B } else { A };
    let up = if stage == Stage::Apart { vec![] } else { vec![other] };
    let names = owner.map(|owner| (key(), owner)).into_iter().collect();
    let groups = if members.is_empty() { vec![] } else { vec![(key(), key(), members.to_vec())] };
    let actors = vec![pid(id, 1), pid(id, 2)];
    let (locks, held) = (vec![], vec![]);
    at(id, What::Settled { stage, up, names, groups, locks, held, actors, blank: false })
}

/// Both nodes at the end of a stage.
fn both(stage: Stage, owners: [Option<Pid>; 2]) -> Vec<Record> {
    let nodes = [A, B].into_iter().zip(owners);
    nodes.map(|(id, owner)| settled_as(id, stage, owner, &[])).collect()
}

#[test]
fn nothing_wrong_and_leaks_want_nothing_seen_and_nothing_kept() {
    tells_apart(nothing_wrong, &[at(A, What::Began)], &[at(A, What::Wrong(String::new()))]);
    let end = settled_as(A, Stage::Over, None, &[]);
    tells_apart(leaks, &[settled_as(A, Stage::Together, None, &[])], &[end]);
}

#[test]
fn answers_wants_one_answer_in_time() {
    let yes = || answered(Outcome::Yes);
    let end = || settled_as(A, Stage::Over, None, &[]);
    let right = [at(A, asked(false)), later(10, A, yes()), end()];
    tells_apart(names::answers, &right, &[at(A, asked(false)), end()]);
    tells_apart(names::answers, &right, &[at(A, asked(false)), later(11, A, yes())]);
    let twice = [at(A, asked(false)), at(A, yes()), at(A, yes())];
    tells_apart(names::answers, &[at(A, asked(false)), at(A, What::Ended), end()], &twice);
}

#[test]
fn patience_wants_no_timeout_of_who_has_time() {
    let timeout = || answered(Outcome::No(Reason::Timeout));
    let after = |time| [at(A, asked(false)), later(time, A, timeout())];
    tells_apart(names::patience, &after(100), &after(2_500));
}

#[test]
fn promises_wants_the_name_everywhere() {
    let found = |all: &[Option<Pid>]| [later(999, A, promised(pid(A, 1), all))];
    let [own, other] = [Some(pid(A, 1)), Some(pid(B, 1))];
    tells_apart(names::promises, &found(&[own, own]), &found(&[own, None]));
    tells_apart(names::promises, &found(&[own]), &found(&[own, other]));
    let met = [at(A, What::Down(B)), later(999, A, promised(pid(A, 1), &[own, other]))];
    tells_apart(names::promises, &met, &found(&[other]));
}

#[test]
fn agreement_wants_one_living_owner_on_each_side() {
    let [a, b] = [Some(pid(A, 1)), Some(pid(B, 1))];
    let right = [both(Stage::Apart, [a, b]), both(Stage::Together, [a, a])].concat();
    tells_apart(names::agreement, &right, &both(Stage::Together, [a, b]));
    tells_apart(names::agreement, &right, &both(Stage::Together, [a, None]));
    let dead = Some(pid(A, 9));
    tells_apart(names::agreement, &right, &both(Stage::Together, [dead, dead]));
    tells_apart(names::agreement, &right, &both(Stage::Apart, [a, a]));
}

#[test]
fn rivals_wants_no_two_owners_that_are_connected() {
    let [a, b] = [Some(pid(A, 1)), Some(pid(B, 1))];
    let right = [both(Stage::Apart, [a, b]), both(Stage::Together, [b, b])].concat();
    tells_apart(names::rivals, &right, &both(Stage::Together, [a, b]));
    tells_apart(names::rivals, &right, &both(Stage::Together, [b, None]));
}

#[test]
fn kept_wants_no_name_lost_without_a_reason() {
    let owner = pid(A, 1);
    let lost = |what: Option<What>| {
        let what = what.map(|what| at(A, what));
        let first = [at(A, promised(owner, &[]))].into_iter().chain(what);
        first.chain([settled_as(A, Stage::Together, None, &[])]).collect::<Vec<_>>()
    };
    let reasons = [What::Died(owner), What::Ended, asked(true), exit(owner, pid(B, 1))];
    for reason in reasons {
        tells_apart(names::kept, &lost(Some(reason)), &lost(None));
    }
    tells_apart(names::kept, &lost(Some(What::Neither(key()))), &lost(Some(asked(false))));
}

#[test]
fn winners_wants_one_of_the_owners() {
    let [a, b] = [Some(pid(A, 1)), Some(pid(B, 1))];
    let between = |what: &[What], owner: Option<Pid>| {
        let what: Vec<Record> = what.iter().map(|what| at(B, what.clone())).collect();
        [both(Stage::Apart, [a, b]), what, both(Stage::Together, [owner, owner])].concat()
    };
    tells_apart(names::winners, &between(&[], a), &between(&[], None));
    tells_apart(names::winners, &between(&[], b), &between(&[], Some(pid(A, 2))));
    let told = [notify(pid(A, 1), pid(B, 1), true), notify(pid(B, 1), pid(A, 1), true)];
    let one = [notify(pid(A, 1), pid(B, 1), false), notify(pid(B, 1), pid(A, 1), false)];
    tells_apart(names::winners, &between(&told, None), &between(&one, None));
}

#[test]
fn losers_wants_each_loser_told_once() {
    let [a, b] = [pid(A, 1), pid(B, 1)];
    let between = |what: &[What]| {
        let what: Vec<Record> = what.iter().map(|what| at(B, what.clone())).collect();
        let apart = both(Stage::Apart, [Some(a), Some(b)]);
        [apart, what, both(Stage::Together, [Some(a), Some(a)])].concat()
    };
    let once = between(&[exit(b, a)]);
    tells_apart(names::losers, &once, &between(&[]));
    tells_apart(names::losers, &once, &between(&[notify(b, a, false), exit(b, a)]));
    tells_apart(names::losers, &once, &between(&[exit(b, a), exit(a, b)]));
}

#[test]
fn members_wants_what_each_node_has_to_be_known_by_the_others() {
    let [a, b] = [pid(A, 1), pid(B, 1)];
    let knows = |stage, of_a: &[Pid], of_b: &[Pid]| {
        [settled_as(A, stage, None, of_a), settled_as(B, stage, None, of_b)]
    };
    let right = knows(Stage::Together, &[a, b], &[a, b]);
    tells_apart(groups::members, &right, &knows(Stage::Together, &[a, b], &[b]));
    tells_apart(groups::members, &right, &knows(Stage::Together, &[a, b, b], &[a, b]));
    let apart = knows(Stage::Apart, &[a], &[b]);
    tells_apart(groups::members, &apart, &knows(Stage::Apart, &[a], &[a, b]));
}

#[test]
fn joins_wants_the_own_members_to_be_those_that_joined() {
    let joined = |times| {
        let [scope, group] = [key(), key()];
        at(A, What::Joined { pid: pid(A, 1), scope, group, times })
    };
    let end = |members: &[Pid]| settled_as(A, Stage::Together, None, members);
    let once = [pid(A, 1)];
    let right = [joined(2), joined(-1), end(&once)];
    tells_apart(groups::joins, &right, &[joined(2), end(&once)]);
    tells_apart(groups::joins, &[joined(1), at(A, What::Died(once[0])), end(&[])], &[end(&once)]);
    tells_apart(
        groups::joins,
        &[joined(1), at(A, What::Stopped(key())), end(&[])],
        &[joined(1), end(&[])],
    );
}

#[test]
fn events_wants_them_to_lead_to_the_members() {
    let reference = Reference { node: A, serial: 5 };
    let monitors = |snapshot: &[Pid]| {
        let snapshot = vec![(key(), snapshot.to_vec())];
        let (scope, group) = (key(), Some(key()));
        at(A, What::Monitors { reference, pid: pid(A, 1), scope, group, snapshot })
    };
    let event = |joined, member| {
        let [scope, group] = [key(), key()];
        let change = Arc::new(Change { scope, group, joined, members: vec![member] });
        let to = pid(A, 1);
        at(A, What::Groups(crate::groups::Effect::Tell { to, reference, change }))
    };
    let end = |members: &[Pid]| settled_as(A, Stage::Together, None, members);
    let [one, other] = [pid(A, 1), pid(B, 1)];
    let right = [monitors(&[one]), event(true, other), event(false, one), end(&[other])];
    tells_apart(groups::events, &right, &[monitors(&[one]), event(true, other), end(&[other])]);
    tells_apart(groups::events, &right, &[monitors(&[]), event(false, one), end(&[])]);
    tells_apart(groups::events, &right, &[event(true, one)]);
    let ended = at(A, What::Demonitored(reference));
    tells_apart(
        groups::events,
        &[monitors(&[one]), ended.clone(), end(&[])],
        &[monitors(&[]), ended, event(true, one)],
    );
}

fn lock(requester: &str) -> LockId {
    let requester = Key::new(requester.as_bytes()).expect("a key");
    LockId { resource: key(), requester }
}

/// The first actor of a node asks for the lock at both nodes.
fn locks(time: u64, request: u64, node: NodeId, requester: &str, wait: Wait) -> Record {
    let task = Locking::Set { nodes: Nodes::All, wait };
    let (pid, id, nodes) = (pid(node, 1), lock(requester), vec![A, B]);
    later(time, node, What::Locks { request, pid, id, task, nodes })
}

fn locked(time: u64, request: u64, node: NodeId) -> Record {
    let outcome = locking::Outcome::Yes;
    later(time, node, What::Locked(locking::Effect::Answer { request, outcome }))
}

/// The first actor of a node holds the lock at both nodes.
fn holds(node: NodeId, requester: &str) -> Record {
    at(node, What::Holds { pid: pid(node, 1), id: lock(requester), nodes: vec![A, B] })
}

#[test]
fn lock_answers_wants_one_answer_in_time_and_some_day() {
    let end = || settled_as(A, Stage::Apart, None, &[]);
    let ask = |wait| locks(0, 1, A, "a", wait);
    let right = [ask(Wait::Ever), locked(900, 1, A), end()];
    tells_apart(check_locks::lock_answers, &right, &[ask(Wait::Ever), end()]);
    let late = [ask(Wait::Until(899)), locked(900, 1, A)];
    tells_apart(check_locks::lock_answers, &[ask(Wait::Until(900)), locked(900, 1, A)], &late);
    let twice = [ask(Wait::No), locked(1, 1, A), locked(2, 1, A)];
    tells_apart(check_locks::lock_answers, &[ask(Wait::No), at(A, What::Ended), end()], &twice);
}

#[test]
fn exclusion_wants_one_requester_at_each_node_that_both_know() {
    let met = || vec![at(A, What::Up(B)), at(B, What::Up(A))];
    let between = |what: Option<Record>| {
        let all = met().into_iter().chain([holds(A, "a")]).chain(what);
        all.chain([holds(B, "b")]).collect::<Vec<_>>()
    };
    let wrong = between(None);
    let deleted = What::Locks {
        request: 1,
        pid: pid(A, 1),
        id: lock("a"),
        task: Locking::Delete { nodes: Nodes::All },
        nodes: vec![A, B],
    };
    for what in [deleted, What::Died(pid(A, 1)), What::Ended] {
        tells_apart(check_locks::exclusion, &between(Some(at(A, what))), &wrong);
    }
    // Apart, each side may hold it; together, one requester may.
    let apart = [at(A, What::Down(B)), holds(B, "b")];
    let apart = [met(), vec![holds(A, "a")], apart.to_vec()].concat();
    tells_apart(check_locks::exclusion, &apart, &wrong);
    let same = [met(), vec![holds(A, "a"), holds(B, "a")]].concat();
    tells_apart(check_locks::exclusion, &same, &wrong);
    // The actor of one node still holds it at its own node, after the other went and came.
    let again = [apart, met(), vec![holds(B, "b")]].concat();
    assert!(check_locks::exclusion(&again).is_err());
}

#[test]
fn lock_order_wants_who_was_heard_of_first_to_be_first() {
    let asks = |late: u64, wait| [locks(0, 1, A, "a", wait), locks(late, 2, B, "b", Wait::Ever)];
    let then = |asks: [Record; 2], first: [u64; 2]| {
        let nodes = first.map(|request| (request, if request == 1 { A } else { B }));
        let answers = nodes.map(|(request, node)| locked(900 + request, request, node));
        [asks.to_vec(), answers.to_vec()].concat()
    };
    let at_once = |first: [u64; 2]| {
        let mut all = then(asks(100, Wait::Ever), first);
        all[2].time = 200;
        all
    };
    tells_apart(check_locks::lock_order, &at_once([1, 2]), &at_once([2, 1]));
    let mut near = at_once([2, 1]);
    near[1].time = 50;
    tells_apart(check_locks::lock_order, &near, &at_once([2, 1]));
    let mut cut = at_once([2, 1]);
    cut.push(at(A, What::Down(B)));
    tells_apart(check_locks::lock_order, &cut, &at_once([2, 1]));
}

#[test]
fn lock_holders_wants_what_living_actors_hold() {
    let one = pid(A, 1);
    let node = |id: NodeId, holders: &[Pid], own: &[Pid]| {
        let mut record = settled_as(id, Stage::Together, None, &[]);
        if let What::Settled { locks, held, .. } = &mut record.what {
            if !holders.is_empty() {
                *locks = vec![(lock("a"), holders.to_vec())];
            }
            *held = own.iter().map(|pid| (lock("a"), *pid, B)).collect();
        }
        record
    };
    let right = [node(A, &[], &[one]), node(B, &[one], &[])];
    tells_apart(check_locks::lock_holders, &right, &[node(A, &[], &[one]), node(B, &[], &[])]);
    tells_apart(check_locks::lock_holders, &right, &[node(A, &[], &[]), node(B, &[one], &[])]);
    let dead = pid(A, 9);
    tells_apart(check_locks::lock_holders, &right, &[node(A, &[], &[dead]), node(B, &[dead], &[])]);
}
