//! Monitors: one down or none, never two, whoever is faster.

use super::super::testing::*;
use super::super::{Effect, Filter};
use super::*;
use crate::id::Name;

const ONE: Reference = reference(1);
const TWO: Reference = reference(2);

fn monitor(me: &mut Process, reference: Reference, of: Pid) -> Effects {
    let options = MonitorOptions::default();
    does(me, |me, e| me.monitor(reference, Monitored::Pid(of), Some(of), options, e))
}

fn asks(reference: Reference) -> Signal {
    Signal::Monitor { reference, name: None }
}

fn down(reference: Reference, reason: Reason) -> Signal {
    Signal::Down { reference, reason }
}

fn down_event(monitor: Reference, of: Pid, reason: Reason) -> Event {
    Event::Down { monitor, object: Monitored::Pid(of), reason, tag: None }
}

#[test]
fn a_monitor_fires_once() {
    let mut me = actor();
    assert_eq!(monitor(&mut me, ONE, A), [sends(A, asks(ONE))]);
    assert_eq!(me.info().monitors, [Monitored::Pid(A)]);
    assert_eq!(told(&mut me, A, down(ONE, error("x"))), []);
    assert_eq!(told(&mut me, A, down(ONE, error("x"))), []);
    assert_eq!(events(&mut me), [down_event(ONE, A, error("x"))]);
    assert_eq!(me.info().monitors, []);
}

#[test]
fn monitors_of_the_same_actor_are_independent() {
    let mut me = actor();
    monitor(&mut me, ONE, A);
    assert_eq!(monitor(&mut me, TWO, A), [sends(A, asks(TWO))]);
    let effects = does(&mut me, |me, e| assert!(me.demonitor(ONE, false, e)));
    assert_eq!(effects, [sends(A, Signal::Demonitor(ONE))]);
    told(&mut me, A, down(TWO, Reason::Normal));
    assert_eq!(events(&mut me), [down_event(TWO, A, Reason::Normal)]);
}

#[test]
fn a_monitor_of_nobody_fires_at_once() {
    let mut me = actor();
    let name = Monitored::Name(Name::new("server").expect("a valid name"), None);
    let options = MonitorOptions { tag: Some(bytes("tag")), ..Default::default() };
    let effects = does(&mut me, |me, e| me.monitor(ONE, name.clone(), None, options, e));
    assert_eq!(effects, []);
    let tag = Some(bytes("tag"));
    let expected = Event::Down { monitor: ONE, object: name, reason: Reason::NoProc, tag };
    assert_eq!(events(&mut me), [expected]);
    assert_eq!(me.info().monitors, []);
}

#[test]
fn a_monitor_by_name_says_so_and_its_down_names_the_name() {
    let mut me = actor();
    let server = Name::new("server").expect("a valid name");
    let object = Monitored::Name(server.clone(), Some("a@box".into()));
    let options = MonitorOptions::default();
    let effects = does(&mut me, |me, e| me.monitor(ONE, object.clone(), Some(A), options, e));
    assert_eq!(effects, [sends(A, Signal::Monitor { reference: ONE, name: Some(server) })]);
    told(&mut me, A, down(ONE, Reason::Normal));
    let expected = Event::Down { monitor: ONE, object, reason: Reason::Normal, tag: None };
    assert_eq!(events(&mut me), [expected]);
}

#[test]
fn a_monitor_of_oneself_never_fires() {
    let mut me = actor();
    assert_eq!(monitor(&mut me, ONE, ME), []);
    assert_eq!(does(&mut me, |me, e| assert!(me.demonitor(ONE, true, e))), []);
    assert_eq!(does(&mut me, |me, e| assert!(!me.demonitor(ONE, true, e))), []);
    monitor(&mut me, TWO, ME);
    does(&mut me, |me, e| me.stop(error("x"), e));
    assert_eq!(ends(&mut me), []);
}

#[test]
fn no_down_comes_after_a_demonitor() {
    let mut me = actor();
    monitor(&mut me, ONE, A);
    does(&mut me, |me, e| assert!(me.demonitor(ONE, false, e)));
    assert_eq!(told(&mut me, A, down(ONE, Reason::Normal)), []);
    assert_eq!(does(&mut me, |me, e| assert!(!me.demonitor(ONE, false, e))), []);
    assert_eq!(events(&mut me), []);
}

#[test]
fn a_down_that_waits_survives_a_demonitor_without_flush_and_not_one_with() {
    for flush in [false, true] {
        let mut me = actor();
        monitor(&mut me, ONE, A);
        monitor(&mut me, TWO, A);
        told(&mut me, A, down(ONE, Reason::Normal));
        told(&mut me, A, down(TWO, Reason::Normal));
        assert_eq!(does(&mut me, |me, e| assert!(!me.demonitor(ONE, flush, e))), []);
        assert_eq!(me.has(Filter::Reference(ONE)), !flush);
        assert!(me.has(Filter::Reference(TWO)));
    }
}

#[test]
fn an_unknown_reference_is_no_monitor() {
    let mut me = actor();
    assert_eq!(does(&mut me, |me, e| assert!(!me.demonitor(ONE, true, e))), []);
    told(&mut me, A, asks(TWO));
    assert_eq!(does(&mut me, |me, e| assert!(!me.demonitor(TWO, false, e))), []);
    assert_eq!(me.info().monitored_by, [A], "one cannot end the monitor of another");
}

#[test]
fn a_down_with_priority_overtakes() {
    let mut me = actor();
    let options = MonitorOptions { priority: true, ..Default::default() };
    does(&mut me, |me, e| me.monitor(ONE, Monitored::Pid(A), Some(A), options, e));
    monitor(&mut me, TWO, A);
    told(&mut me, A, message("before"));
    told(&mut me, A, down(TWO, Reason::Normal));
    told(&mut me, A, down(ONE, Reason::Normal));
    let order = [
        down_event(ONE, A, Reason::Normal),
        received(A, None, "before"),
        down_event(TWO, A, Reason::Normal),
    ];
    assert_eq!(events(&mut me), order);
}

#[test]
fn watchers_are_told_of_the_end_unless_they_gave_up() {
    let mut me = actor();
    assert_eq!(told(&mut me, A, asks(ONE)), []);
    assert_eq!(told(&mut me, B, asks(TWO)), []);
    assert_eq!(told(&mut me, B, asks(reference(3))), []);
    assert_eq!(me.info().monitored_by, [A, B, B]);
    assert_eq!(told(&mut me, B, Signal::Demonitor(TWO)), []);
    assert_eq!(told(&mut me, B, Signal::Demonitor(ONE)), [], "not B's to end");
    does(&mut me, |me, e| me.stop(error("x"), e));
    let downs = [sends(A, down(ONE, error("x"))), sends(B, down(reference(3), error("x")))];
    assert_eq!(ends(&mut me), downs);
}

#[test]
fn whoever_comes_to_watch_a_dying_process_hears_that_there_is_none() {
    let mut me = actor();
    told(&mut me, B, asks(TWO));
    does(&mut me, |me, e| me.stop(error("x"), e));
    told(&mut me, A, asks(reference(3)));
    assert_eq!(told(&mut me, A, asks(ONE)), [], "its name is not free yet");
    assert_eq!(told(&mut me, B, Signal::Demonitor(TWO)), []);
    let none = |reference| sends(A, down(reference, Reason::NoProc));
    assert_eq!(ends(&mut me), [none(reference(3)), none(ONE)]);
    assert_eq!(told(&mut me, A, asks(TWO)), [none(TWO)], "now at once");
}

#[test]
fn a_dying_process_watches_nobody() {
    let mut me = actor();
    does(&mut me, |me, e| me.stop(error("x"), e));
    assert_eq!(monitor(&mut me, ONE, A), []);
    assert_eq!(ends(&mut me), []);
}

#[test]
fn a_lost_node_fires_its_monitors_and_forgets_its_watchers() {
    let mut me = actor();
    monitor(&mut me, ONE, FAR);
    monitor(&mut me, TWO, A);
    told(&mut me, FAR, asks(reference(3)));
    told(&mut me, A, asks(reference(4)));
    assert_eq!(does(&mut me, |me, e| me.node_lost(THERE, e)), []);
    assert_eq!(does(&mut me, |me, e| me.node_lost(THERE, e)), []);
    assert_eq!(events(&mut me), [down_event(ONE, FAR, Reason::NoConnection)]);
    assert_eq!(me.info().monitored_by, [A]);
    assert_eq!(me.info().monitors, [Monitored::Pid(A)]);
}

#[test]
fn one_watcher_too_many_ends_the_process_and_hears_of_it() {
    let mut me = limited(super::super::Limits { relations: 1, ..Default::default() });
    assert_eq!(told(&mut me, A, asks(ONE)), []);
    let reason = Reason::Limit("relations-max of 1 links, monitors and aliases".into());
    assert_eq!(told(&mut me, B, asks(TWO)), [Effect::Die(reason.clone())]);
    let downs = [sends(A, down(ONE, reason.clone())), sends(B, down(TWO, reason))];
    assert_eq!(ends(&mut me), downs);
}
