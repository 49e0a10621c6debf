//! Spawns with a link or a monitor, at once and by request.

use super::super::testing::*;
use super::super::{AliasMode, Effect, Filter};
use super::*;

const REQUEST: Reference = reference(1);

fn plain() -> Option<MonitorOptions> {
    Some(MonitorOptions::default())
}

fn requesting(link: bool, monitor: Option<MonitorOptions>, reply: ReplyWhen) -> Process {
    let mut me = trapper();
    me.spawn_requested(REQUEST, link, monitor, reply);
    me
}

fn replied(outcome: Result<Pid, SpawnError>) -> Signal {
    Signal::SpawnReply { request: REQUEST, outcome }
}

fn reply_event(outcome: Result<Pid, SpawnError>) -> Event {
    Event::SpawnReply { request: REQUEST, outcome }
}

fn failure() -> Result<Pid, SpawnError> {
    Err(SpawnError::NoFunction("f".into()))
}

fn down(reason: Reason) -> Signal {
    Signal::Down { reference: REQUEST, reason }
}

#[test]
fn a_child_spawned_here_is_linked_and_monitored_without_a_signal() {
    let mut parent = trapper();
    let effects = does(&mut parent, |me, e| me.spawned(A, true, plain().map(|o| (REQUEST, o)), e));
    assert_eq!(effects, []);
    assert_eq!((parent.info().links, parent.info().monitors), (vec![A], vec![Monitored::Pid(A)]));
    let mut child = Process::new(A, LEADER, Default::default());
    child.born(ME, true, Some(REQUEST));
    assert_eq!((child.info().links, child.info().monitored_by), (vec![ME], vec![ME]));
    let link = does(&mut parent, |me, e| me.link(A, false, e));
    assert_eq!(link, [], "it is linked already");
}

#[test]
fn a_child_spawned_with_neither_has_no_relations() {
    let mut parent = actor();
    assert_eq!(does(&mut parent, |me, e| me.spawned(A, false, None, e)), []);
    let mut child = actor();
    child.born(A, false, None);
    assert_eq!((parent.info(), child.info()), (actor().info(), actor().info()));
}

#[test]
fn link_and_monitor_of_a_request_begin_with_its_success() {
    let mut me = requesting(true, plain(), ReplyWhen::Always);
    assert_eq!((me.info().links, me.info().monitors), (vec![], vec![]));
    assert_eq!(told(&mut me, A, replied(Ok(A))), []);
    assert_eq!((me.info().links, me.info().monitors), (vec![A], vec![Monitored::Pid(A)]));
    assert_eq!(told(&mut me, A, link_exit(error("x"))), []);
    assert_eq!(told(&mut me, A, down(error("x"))), []);
    let order = events(&mut me);
    assert_eq!(order[0], reply_event(Ok(A)));
    assert_eq!(order[1], Event::Exit { sender: A, reason: error("x") });
    assert!(matches!(order[2..], [Event::Down { monitor: REQUEST, .. }]));
}

#[test]
fn a_failed_request_makes_no_relation() {
    let mut me = requesting(true, plain(), ReplyWhen::Always);
    assert_eq!(told(&mut me, A, replied(failure())), []);
    assert_eq!(told(&mut me, A, down(error("x"))), []);
    assert_eq!(events(&mut me), [reply_event(failure())]);
    assert_eq!((me.info().links, me.info().monitors), (vec![], vec![]));
}

#[test]
fn the_reply_comes_when_it_is_wanted() {
    let cells = [
        (ReplyWhen::Always, true, true),
        (ReplyWhen::Never, false, false),
        (ReplyWhen::Failed, false, true),
        (ReplyWhen::Spawned, true, false),
    ];
    for (reply, on_success, on_failure) in cells {
        for (outcome, is_wanted) in [(Ok(A), on_success), (failure(), on_failure)] {
            let mut me = requesting(false, plain(), reply);
            assert_eq!(told(&mut me, A, replied(outcome.clone())), []);
            assert_eq!(me.has(Filter::Reference(REQUEST)), is_wanted, "{reply:?} {outcome:?}");
            assert_eq!(me.info().monitors.len(), usize::from(outcome.is_ok()));
        }
    }
}

#[test]
fn a_reply_is_taken_once() {
    let mut me = requesting(false, None, ReplyWhen::Always);
    told(&mut me, A, replied(Ok(A)));
    assert_eq!(told(&mut me, B, replied(Ok(B))), []);
    assert_eq!(events(&mut me), [reply_event(Ok(A))]);
}

#[test]
fn the_monitor_of_an_outstanding_request_cannot_be_ended() {
    let mut me = requesting(false, plain(), ReplyWhen::Always);
    assert_eq!(does(&mut me, |me, e| assert!(!me.demonitor(REQUEST, true, e))), []);
    told(&mut me, A, replied(Ok(A)));
    told(&mut me, A, down(Reason::Normal));
    assert_eq!(events(&mut me).len(), 2, "the reply and the down");
}

#[test]
fn the_alias_of_a_requested_monitor_is_active_from_its_success_on() {
    let options = MonitorOptions { alias: Some(AliasMode::ReplyDemonitor), ..Default::default() };
    let mut me = requesting(false, Some(options), ReplyWhen::Never);
    assert_eq!(told(&mut me, A, message_via(REQUEST, false, "early")), []);
    assert_eq!(told(&mut me, A, replied(Ok(A))), [Effect::AliasOn(REQUEST)]);
    let effects = told(&mut me, A, message_via(REQUEST, false, "reply"));
    assert_eq!(effects, [Effect::AliasOff(REQUEST), sends(A, Signal::Demonitor(REQUEST))]);
    assert_eq!(events(&mut me), [received(A, Some(REQUEST), "reply")]);
}

#[test]
fn an_abandoned_request_leaves_no_trace_and_its_linked_child_ends() {
    let mut me = requesting(true, plain(), ReplyWhen::Always);
    assert!(me.abandon_spawn(REQUEST));
    assert!(!me.abandon_spawn(REQUEST), "it is not outstanding any more");
    let disowned = [
        sends(A, Signal::Demonitor(REQUEST)),
        sends(A, link_exit(error("abandoned"))),
        sends(A, Signal::Unlink(1)),
    ];
    assert_eq!(told(&mut me, A, replied(Ok(A))), disowned);
    assert_eq!(told(&mut me, A, link_exit(error("abandoned"))), []);
    assert_eq!(told(&mut me, A, down(error("abandoned"))), []);
    assert_eq!(events(&mut me), []);
    assert_eq!((me.info().links, me.info().monitors), (vec![], vec![]));
}

#[test]
fn an_abandoned_request_without_link_lets_its_child_live() {
    let mut me = requesting(false, None, ReplyWhen::Always);
    assert!(me.abandon_spawn(REQUEST));
    assert_eq!(told(&mut me, A, replied(Ok(A))), []);
    let mut me = requesting(true, None, ReplyWhen::Always);
    assert!(me.abandon_spawn(REQUEST));
    assert_eq!(told(&mut me, A, replied(failure())), []);
    assert_eq!(events(&mut me), []);
}

#[test]
fn a_request_that_was_answered_or_never_made_cannot_be_abandoned() {
    let mut me = requesting(false, None, ReplyWhen::Always);
    assert!(!me.abandon_spawn(reference(2)));
    told(&mut me, A, replied(Ok(A)));
    assert!(!me.abandon_spawn(REQUEST));
}

#[test]
fn a_child_that_comes_while_its_parent_dies_hears_of_the_end() {
    let mut me = requesting(true, plain(), ReplyWhen::Always);
    does(&mut me, |me, e| me.stop(error("x"), e));
    assert_eq!(told(&mut me, A, replied(Ok(A))), []);
    let ending = [sends(A, Signal::Demonitor(REQUEST)), sends(A, link_exit(error("x")))];
    assert_eq!(ends(&mut me), ending);
}

#[test]
fn a_child_that_comes_after_the_end_of_its_parent_is_not_left_linked() {
    let mut me = requesting(true, None, ReplyWhen::Always);
    does(&mut me, |me, e| me.stop(error("x"), e));
    assert_eq!(ends(&mut me), []);
    assert_eq!(told(&mut me, A, replied(Ok(A))), [sends(A, link_exit(Reason::NoProc))]);
    let made_here = does(&mut me, |me, e| me.spawned(B, true, None, e));
    assert_eq!(made_here, [sends(B, link_exit(Reason::NoProc))]);
}

#[test]
fn children_count_as_relations() {
    let mut me = limited(super::super::Limits { relations: 1, ..Default::default() });
    assert_eq!(does(&mut me, |me, e| me.spawned(A, true, None, e)), []);
    let reason = Reason::Limit("relations-max of 1 links, monitors and aliases".into());
    assert_eq!(does(&mut me, |me, e| me.spawned(B, true, None, e)), [Effect::Die(reason.clone())]);
    let broken = [sends(A, link_exit(reason.clone())), sends(B, link_exit(reason))];
    assert_eq!(ends(&mut me), broken);
}

#[test]
fn a_child_whose_parent_was_gone_is_not_watched_for_ever() {
    let mut child = trapper();
    child.born(A, false, Some(REQUEST));
    told(&mut child, A, Signal::Monitor { reference: reference(2), name: None });
    told(&mut child, B, Signal::Monitor { reference: reference(3), name: None });
    assert_eq!(told(&mut child, A, link_exit(error("x"))), []);
    assert_eq!(child.info().monitored_by, [A, A, B], "only a peer that is gone stops watching");
    assert_eq!(told(&mut child, A, link_exit(Reason::NoProc)), []);
    assert_eq!(child.info().monitored_by, [B]);
    assert_eq!(events(&mut child), []);
}

#[test]
fn a_link_that_an_abandoned_child_made_again_is_not_left_on_one_side() {
    let mut me = requesting(true, None, ReplyWhen::Always);
    assert!(me.abandon_spawn(REQUEST));
    told(&mut me, A, replied(Ok(A)));
    // The child removed the link it was born with and made another before it heard.
    assert_eq!(told(&mut me, A, Signal::Unlink(1)), [sends(A, Signal::UnlinkAck(1))]);
    assert_eq!(told(&mut me, A, Signal::Link), []);
    assert_eq!(me.info().links, []);
    assert_eq!(told(&mut me, A, Signal::UnlinkAck(1)), []);
    assert_eq!(told(&mut me, A, Signal::Link), []);
    assert_eq!(me.info().links, [A], "a link made after it heard counts");
}

#[test]
fn a_link_of_the_guest_with_its_abandoned_child_stays() {
    let mut me = requesting(true, None, ReplyWhen::Always);
    assert!(me.abandon_spawn(REQUEST));
    does(&mut me, |me, e| me.link(A, false, e));
    let effects = told(&mut me, A, replied(Ok(A)));
    assert_eq!(effects, [sends(A, explicit_exit(error("abandoned")))]);
    assert_eq!(me.info().links, [A]);
}
