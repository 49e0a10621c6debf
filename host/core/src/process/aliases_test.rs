//! Aliases: how they begin and end, and what they let through.

use super::super::testing::*;
use super::super::{Filter, MonitorOptions};
use super::*;
use crate::reason::Reason;
use crate::signal::{ExitOrigin, Monitored, Signal};

const ALIAS: Reference = reference(1);

fn with_alias(life: AliasLife, priority: bool) -> Process {
    let mut me = actor();
    let effects = does(&mut me, |me, e| me.alias(ALIAS, life, priority, e));
    assert_eq!(effects, [Effect::AliasOn(ALIAS)]);
    me
}

fn with_monitor(mode: AliasMode) -> Process {
    let mut me = actor();
    let options = MonitorOptions { alias: Some(mode), ..Default::default() };
    let effects = does(&mut me, |me, e| me.monitor(ALIAS, Monitored::Pid(A), Some(A), options, e));
    let monitor = Signal::Monitor { reference: ALIAS, name: None };
    assert_eq!(effects, [Effect::AliasOn(ALIAS), sends(A, monitor)]);
    me
}

fn exit_via(priority: bool, reason: Reason) -> Signal {
    Signal::Exit { reason, origin: ExitOrigin::Alias { alias: ALIAS, priority } }
}

fn down() -> Signal {
    Signal::Down { reference: ALIAS, reason: Reason::Normal }
}

#[test]
fn messages_pass_an_explicit_alias_until_it_is_ended() {
    let mut me = with_alias(AliasLife::Explicit, false);
    assert_eq!(told(&mut me, A, message_via(ALIAS, false, "1")), []);
    assert_eq!(told(&mut me, B, message_via(ALIAS, false, "2")), []);
    assert_eq!(does(&mut me, |me, e| assert!(me.unalias(ALIAS, e))), [Effect::AliasOff(ALIAS)]);
    assert_eq!(told(&mut me, A, message_via(ALIAS, false, "3")), []);
    assert_eq!(does(&mut me, |me, e| assert!(!me.unalias(ALIAS, e))), []);
    let through = [received(A, Some(ALIAS), "1"), received(B, Some(ALIAS), "2")];
    assert_eq!(events(&mut me), through, "what was queued stays");
}

#[test]
fn only_the_first_message_passes_a_reply_alias() {
    let mut me = with_alias(AliasLife::Reply, false);
    assert_eq!(told(&mut me, A, message_via(ALIAS, false, "1")), [Effect::AliasOff(ALIAS)]);
    assert_eq!(told(&mut me, A, message_via(ALIAS, false, "2")), []);
    assert_eq!(does(&mut me, |me, e| assert!(!me.unalias(ALIAS, e))), []);
    assert_eq!(events(&mut me), [received(A, Some(ALIAS), "1")]);
}

#[test]
fn what_comes_through_a_reference_that_is_no_alias_is_dropped() {
    let mut me = actor();
    assert_eq!(told(&mut me, A, message_via(ALIAS, true, "1")), []);
    assert_eq!(told(&mut me, A, exit_via(false, Reason::Kill)), []);
    assert_eq!(events(&mut me), []);
    assert_eq!(me.dying(), None);
}

#[test]
fn a_message_to_an_alias_is_found_by_it() {
    let mut me = with_alias(AliasLife::Explicit, false);
    told(&mut me, A, message("before"));
    told(&mut me, A, message_via(ALIAS, false, "reply"));
    let reply = me.take(Filter::Reference(ALIAS));
    assert_eq!(reply, Some(received(A, Some(ALIAS), "reply")));
    assert_eq!(events(&mut me), [received(A, None, "before")]);
}

#[test]
fn overtaking_needs_the_alias_made_for_it_and_the_sender_asking_for_it() {
    for (made_for_it, asked_for_it) in [(true, true), (true, false), (false, true)] {
        let mut me = with_alias(AliasLife::Explicit, made_for_it);
        told(&mut me, A, message("ordinary"));
        told(&mut me, A, message_via(ALIAS, asked_for_it, "first"));
        told(&mut me, A, message_via(ALIAS, asked_for_it, "second"));
        let ordinary = received(A, None, "ordinary");
        let first = received(A, Some(ALIAS), "first");
        let second = received(A, Some(ALIAS), "second");
        let order = if made_for_it && asked_for_it {
            [first, second, ordinary]
        } else {
            [ordinary, first, second]
        };
        assert_eq!(events(&mut me), order, "{made_for_it} {asked_for_it}");
    }
}

#[test]
fn a_priority_message_to_the_pid_is_an_ordinary_one() {
    let mut me = with_alias(AliasLife::Explicit, true);
    told(&mut me, A, message("1"));
    told(&mut me, A, Signal::Message { via: None, priority: true, body: bytes("2") });
    assert_eq!(events(&mut me), [received(A, None, "1"), received(A, None, "2")]);
}

#[test]
fn an_exit_through_an_alias_is_an_explicit_one_and_does_not_use_it_up() {
    let mut me = with_alias(AliasLife::Reply, true);
    assert_eq!(told(&mut me, A, exit_via(false, Reason::Normal)), []);
    me.trap_exit(true);
    told(&mut me, A, message("ordinary"));
    assert_eq!(told(&mut me, A, exit_via(true, error("x"))), []);
    let exit = Event::Exit { sender: A, reason: error("x") };
    assert_eq!(events(&mut me), [exit, received(A, None, "ordinary")]);
    assert_eq!(told(&mut me, A, exit_via(false, Reason::Kill)), [Effect::Die(Reason::Killed)]);
}

#[test]
fn an_explicit_alias_of_a_monitor_outlives_it() {
    let mut me = with_monitor(AliasMode::Explicit);
    assert_eq!(told(&mut me, A, message_via(ALIAS, false, "1")), []);
    assert_eq!(told(&mut me, A, down()), []);
    assert_eq!(told(&mut me, A, message_via(ALIAS, false, "2")), []);
    assert_eq!(events(&mut me).len(), 3);
    assert_eq!(does(&mut me, |me, e| assert!(me.unalias(ALIAS, e))), [Effect::AliasOff(ALIAS)]);
}

#[test]
fn a_demonitor_alias_ends_with_its_monitor() {
    let mut me = with_monitor(AliasMode::Demonitor);
    assert_eq!(told(&mut me, A, message_via(ALIAS, false, "1")), []);
    assert_eq!(told(&mut me, A, down()), [Effect::AliasOff(ALIAS)]);
    assert_eq!(told(&mut me, A, message_via(ALIAS, false, "2")), []);
    assert_eq!(events(&mut me).len(), 2, "the first message and the down");

    let mut me = with_monitor(AliasMode::Demonitor);
    let effects = does(&mut me, |me, e| assert!(me.demonitor(ALIAS, false, e)));
    assert_eq!(effects, [Effect::AliasOff(ALIAS), sends(A, Signal::Demonitor(ALIAS))]);
}

#[test]
fn the_first_message_through_a_reply_demonitor_alias_ends_both() {
    let mut me = with_monitor(AliasMode::ReplyDemonitor);
    let effects = told(&mut me, A, message_via(ALIAS, false, "reply"));
    assert_eq!(effects, [Effect::AliasOff(ALIAS), sends(A, Signal::Demonitor(ALIAS))]);
    assert_eq!(told(&mut me, A, down()), []);
    assert_eq!(told(&mut me, A, message_via(ALIAS, false, "late")), []);
    assert_eq!(events(&mut me), [received(A, Some(ALIAS), "reply")]);
}

#[test]
fn nothing_comes_through_a_reply_demonitor_alias_after_its_demonitor() {
    let mut me = with_monitor(AliasMode::ReplyDemonitor);
    does(&mut me, |me, e| assert!(me.demonitor(ALIAS, false, e)));
    assert_eq!(told(&mut me, A, message_via(ALIAS, false, "late")), []);
    assert_eq!(events(&mut me), []);
}

#[test]
fn unalias_leaves_the_monitor() {
    for mode in [AliasMode::Explicit, AliasMode::Demonitor, AliasMode::ReplyDemonitor] {
        let mut me = with_monitor(mode);
        does(&mut me, |me, e| assert!(me.unalias(ALIAS, e)));
        assert_eq!(told(&mut me, A, message_via(ALIAS, false, "1")), []);
        assert_eq!(told(&mut me, A, down()), []);
        assert!(matches!(events(&mut me)[..], [Event::Down { .. }]));
    }
}

#[test]
fn the_alias_of_a_monitor_of_nobody_ends_with_it_at_once() {
    let mut me = actor();
    let options = MonitorOptions {
        alias: Some(AliasMode::Demonitor),
        tag: Some(bytes("t")),
        priority: false,
    };
    let effects = does(&mut me, |me, e| me.monitor(ALIAS, Monitored::Pid(A), None, options, e));
    assert_eq!(effects, [Effect::AliasOn(ALIAS), Effect::AliasOff(ALIAS)]);
    assert_eq!(me.mailbox_messages(), 1);
}

#[test]
fn one_alias_too_many_ends_the_process() {
    let mut me = limited(super::super::Limits { relations: 1, ..Default::default() });
    does(&mut me, |me, e| me.alias(ALIAS, AliasLife::Explicit, false, e));
    let effects = does(&mut me, |me, e| me.alias(reference(2), AliasLife::Reply, false, e));
    let reason = Reason::Limit("relations-max of 1 links, monitors and aliases".into());
    assert_eq!(effects, [Effect::Die(reason)]);
    assert_eq!(ends(&mut me), [Effect::AliasOff(ALIAS)]);
}
