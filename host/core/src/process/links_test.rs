//! The link protocol, state by state, and two ends that agree in the end.

use super::super::testing::*;
use super::*;
use crate::process::{Effect, Event};
use crate::reason::Reason;

#[test]
fn a_link_is_announced_once() {
    let mut me = actor();
    assert_eq!(does(&mut me, |me, e| me.link(A, false, e)), [sends(A, Signal::Link)]);
    assert_eq!(does(&mut me, |me, e| me.link(A, false, e)), []);
    assert_eq!(me.info().links, [A]);
}

#[test]
fn a_link_with_oneself_is_none() {
    let mut me = actor();
    assert_eq!(does(&mut me, |me, e| me.link(ME, false, e)), []);
    assert_eq!(told(&mut me, ME, Signal::Link), []);
    assert_eq!(me.info().links, []);
}

#[test]
fn a_link_of_the_peer_is_taken_in_silence_and_once() {
    let mut me = actor();
    assert_eq!(told(&mut me, A, Signal::Link), []);
    assert_eq!(told(&mut me, A, Signal::Link), []);
    assert_eq!(does(&mut me, |me, e| me.link(A, false, e)), []);
    assert_eq!(me.info().links, [A]);
}

#[test]
fn unlink_removes_an_active_link_and_nothing_else() {
    let mut me = actor();
    assert_eq!(does(&mut me, |me, e| me.unlink(A, e)), []);
    does(&mut me, |me, e| me.link(A, false, e));
    assert_eq!(does(&mut me, |me, e| me.unlink(A, e)), [sends(A, Signal::Unlink(1))]);
    assert_eq!(does(&mut me, |me, e| me.unlink(A, e)), []);
    assert_eq!(me.info().links, []);
}

#[test]
fn a_removed_link_has_no_effect_any_more() {
    let mut me = trapper();
    does(&mut me, |me, e| me.link(A, false, e));
    does(&mut me, |me, e| me.unlink(A, e));
    assert_eq!(told(&mut me, A, link_exit(error("late"))), []);
    assert_eq!(events(&mut me), []);
    me.trap_exit(false);
    assert_eq!(told(&mut me, A, link_exit(error("late"))), []);
    assert_eq!(me.dying(), None);
}

#[test]
fn an_exit_event_that_waits_survives_the_unlink() {
    let mut me = trapper();
    does(&mut me, |me, e| me.link(A, false, e));
    told(&mut me, A, link_exit(error("gone")));
    assert_eq!(does(&mut me, |me, e| me.unlink(A, e)), []);
    assert_eq!(events(&mut me), [Event::Exit { sender: A, reason: error("gone") }]);
}

#[test]
fn every_unlink_is_acknowledged_with_its_id() {
    let mut me = actor();
    assert_eq!(told(&mut me, A, Signal::Unlink(7)), [sends(A, Signal::UnlinkAck(7))]);
    told(&mut me, A, Signal::Link);
    assert_eq!(told(&mut me, A, Signal::Unlink(8)), [sends(A, Signal::UnlinkAck(8))]);
    assert_eq!(me.info().links, []);
}

#[test]
fn crossing_unlinks_leave_nothing_behind() {
    let mut me = actor();
    does(&mut me, |me, e| me.link(A, false, e));
    does(&mut me, |me, e| me.unlink(A, e));
    assert_eq!(told(&mut me, A, Signal::Unlink(5)), [sends(A, Signal::UnlinkAck(5))]);
    assert_eq!(told(&mut me, A, Signal::UnlinkAck(1)), []);
    assert_eq!(me.relations().links.len(), 0);
}

#[test]
fn a_link_of_the_peer_that_crosses_an_unlink_is_ignored() {
    let mut me = actor();
    does(&mut me, |me, e| me.link(A, false, e));
    does(&mut me, |me, e| me.unlink(A, e));
    assert_eq!(told(&mut me, A, Signal::Link), []);
    assert_eq!(me.info().links, []);
    told(&mut me, A, Signal::UnlinkAck(1));
    told(&mut me, A, Signal::Link);
    assert_eq!(me.info().links, [A]);
}

#[test]
fn the_acknowledgement_of_an_unlink_that_a_new_link_overtook_does_not_count() {
    let mut me = actor();
    does(&mut me, |me, e| me.link(A, false, e));
    does(&mut me, |me, e| me.unlink(A, e));
    assert_eq!(does(&mut me, |me, e| me.link(A, false, e)), [sends(A, Signal::Link)]);
    told(&mut me, A, Signal::UnlinkAck(1));
    assert_eq!(me.info().links, [A]);
    assert_eq!(does(&mut me, |me, e| me.unlink(A, e)), [sends(A, Signal::Unlink(2))]);
    told(&mut me, A, Signal::UnlinkAck(1));
    assert_eq!(me.relations().links.len(), 1, "the second unlink is still under way");
    told(&mut me, A, Signal::UnlinkAck(2));
    assert_eq!(me.relations().links.len(), 0);
}

#[test]
fn a_link_with_priority_overtakes_and_linking_again_without_clears_it() {
    for (again, first) in [(true, A), (false, B)] {
        let mut me = trapper();
        does(&mut me, |me, e| me.link(A, true, e));
        does(&mut me, |me, e| me.link(A, again, e));
        does(&mut me, |me, e| me.link(B, false, e));
        told(&mut me, B, link_exit(Reason::Normal));
        told(&mut me, A, link_exit(Reason::Normal));
        let order: Vec<Event> = events(&mut me);
        assert_eq!(order[0], Event::Exit { sender: first, reason: Reason::Normal });
        assert_eq!(order.len(), 2);
    }
}

#[test]
fn a_lost_node_ends_its_links_and_no_others() {
    let mut me = trapper();
    does(&mut me, |me, e| me.link(A, false, e));
    does(&mut me, |me, e| me.link(FAR, false, e));
    assert_eq!(does(&mut me, |me, e| me.node_lost(THERE, e)), []);
    assert_eq!(events(&mut me), [Event::Exit { sender: FAR, reason: Reason::NoConnection }]);
    assert_eq!(me.info().links, [A]);
}

#[test]
fn a_lost_node_ends_an_unlink_without_its_acknowledgement() {
    let mut me = actor();
    does(&mut me, |me, e| me.link(FAR, false, e));
    does(&mut me, |me, e| me.unlink(FAR, e));
    assert_eq!(does(&mut me, |me, e| me.node_lost(THERE, e)), []);
    assert_eq!(me.relations().links.len(), 0);
    assert_eq!(me.dying(), None);
}

#[test]
fn a_dying_process_links_nobody() {
    let mut me = actor();
    does(&mut me, |me, e| me.stop(Reason::Normal, e));
    assert_eq!(does(&mut me, |me, e| me.link(A, false, e)), []);
    assert_eq!(told(&mut me, A, Signal::Link), [sends(A, link_exit(Reason::NoProc))]);
    assert_eq!(ends(&mut me), []);
}

#[test]
fn a_link_removed_while_dying_is_not_broken() {
    let mut me = actor();
    does(&mut me, |me, e| me.link(A, false, e));
    does(&mut me, |me, e| me.stop(error("x"), e));
    assert_eq!(told(&mut me, A, Signal::Unlink(1)), [sends(A, Signal::UnlinkAck(1))]);
    assert_eq!(ends(&mut me), []);
}

#[test]
fn one_link_too_many_ends_the_process_and_names_the_limit() {
    let limits = crate::process::Limits { relations: 1, ..Default::default() };
    let reason = Reason::Limit("relations-max of 1 links, monitors and aliases".into());
    let mut by_itself = limited(limits);
    does(&mut by_itself, |me, e| me.link(A, false, e));
    let effects = does(&mut by_itself, |me, e| me.link(B, false, e));
    assert_eq!(effects, [Effect::Die(reason.clone())]);
    let mut by_others = limited(limits);
    assert_eq!(told(&mut by_others, A, Signal::Link), []);
    assert_eq!(told(&mut by_others, B, Signal::Link), [Effect::Die(reason.clone())]);
    let broken = [sends(A, link_exit(reason.clone())), sends(B, link_exit(reason))];
    assert_eq!(ends(&mut by_others), broken, "the one that was too many hears of it too");
}
