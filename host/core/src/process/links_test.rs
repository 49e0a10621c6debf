//! The link protocol, state by state, and two ends that agree in the end.

use std::collections::VecDeque;

use proptest::prelude::*;

use super::super::testing::*;
use super::*;
use crate::process::{Effect, Event, undeliverable};
use crate::reason::Reason;
use crate::signal::Envelope;

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
    assert_eq!(told(&mut me, A, Signal::Link), [], "its name is not free yet");
    assert_eq!(ends(&mut me), [sends(A, link_exit(Reason::NoProc))]);
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

/// What may happen to two linked processes; `usize` says to which of them.
#[derive(Clone, Copy, Debug)]
enum Step {
    Link(usize),
    Unlink(usize),
    Stop(usize),
    Deliver(usize),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let side = 0..2_usize;
    let step = prop_oneof![
        10 => side.clone().prop_map(Step::Link),
        10 => side.clone().prop_map(Step::Unlink),
        1 => side.clone().prop_map(Step::Stop),
        20 => side.prop_map(Step::Deliver),
    ];
    prop::collection::vec(step, 0..80)
}

/// Two processes and what is on its way to each.
struct Pair {
    ends: [Process; 2],
    on_the_way: [VecDeque<Envelope>; 2],
}

impl Pair {
    fn new(traps: bool) -> Self {
        let end = |pid| {
            let mut process = Process::new(pid, LEADER, Default::default());
            process.trap_exit(traps);
            process
        };
        Self { ends: [end(A), end(B)], on_the_way: Default::default() }
    }

    fn act(&mut self, step: Step) {
        let mut effects = Effects::new();
        let side = match step {
            Step::Link(side) | Step::Unlink(side) | Step::Stop(side) | Step::Deliver(side) => side,
        };
        let (me, peer) = (&mut self.ends[side], [B, A][side]);
        match step {
            Step::Link(_) => me.link(peer, false, &mut effects),
            Step::Unlink(_) => me.unlink(peer, &mut effects),
            Step::Stop(_) => me.stop(Reason::Shutdown, &mut effects),
            Step::Deliver(_) => {
                let Some(envelope) = self.on_the_way[side].pop_front() else { return };
                me.signal(envelope, &mut effects);
            }
        }
        if effects.iter().any(|effect| matches!(effect, Effect::Die(_))) {
            me.end(&mut effects);
        }
        for effect in effects {
            if let Effect::Send(envelope) = effect {
                self.on_the_way[1 - side].push_back(envelope);
            }
        }
    }

    fn settle(&mut self) {
        while self.on_the_way.iter().any(|queue| !queue.is_empty()) {
            self.act(Step::Deliver(0));
            self.act(Step::Deliver(1));
        }
    }
}

proptest! {
    #[test]
    fn two_ends_of_a_link_agree_however_their_signals_cross(
        steps in steps(),
        traps in any::<bool>(),
    ) {
        let mut pair = Pair::new(traps);
        for step in steps {
            pair.act(step);
        }
        pair.settle();
        let [a, b] = &mut pair.ends;
        prop_assert_eq!(a.info().links.contains(&B), b.info().links.contains(&A));
        for end in [a, b] {
            let has = end.known().map_or(0, |all| all.links.len());
            prop_assert_eq!(has, end.info().links.len(), "an unlink is under way for ever");
        }
    }

    #[test]
    fn an_unlink_is_acknowledged_before_anything_else_is_sent_to_its_sender(steps in steps()) {
        let mut pair = Pair::new(true);
        for step in steps {
            let unlink = match step {
                Step::Deliver(side) => pair.on_the_way[side].front().and_then(|envelope| {
                    let Signal::Unlink(id) = envelope.signal else { return None };
                    Some((1 - side, pair.on_the_way[1 - side].len(), id))
                }),
                Step::Link(_) | Step::Unlink(_) | Step::Stop(_) => None,
            };
            pair.act(step);
            if let Some((to, already, id)) = unlink {
                let next = pair.on_the_way[to].get(already).map(|envelope| &envelope.signal);
                prop_assert_eq!(next, Some(&Signal::UnlinkAck(id)));
            }
        }
    }
}

#[test]
fn a_dead_process_answers_as_nobody_does() {
    let mut dead = actor();
    does(&mut dead, |me, e| me.stop(Reason::Normal, e));
    ends(&mut dead);
    for signal in [Signal::Link, Signal::Unlink(3), Signal::UnlinkAck(3)] {
        let envelope = Envelope { from: A, to: ME, signal: signal.clone() };
        let answer: Effects = undeliverable(envelope).map(Effect::Send).into_iter().collect();
        assert_eq!(told(&mut dead, A, signal), answer);
    }
}
