//! The table of exit signals, who wins, and what an end tells to whom.

use super::super::Filter;
use super::super::testing::*;
use super::super::{AliasLife, MonitorOptions};
use super::*;
use crate::id::Reference;
use crate::signal::{IoRequest, Monitored};

/// Every row of the table: the reason, how it came, and what a process that does not
/// trap and one that does make of it.
#[test]
fn the_table_of_exit_signals() {
    use Verdict::{End, Ignore, Kill, Trap};
    let alias = ExitOrigin::Alias { alias: reference(1), priority: false };
    let rows = [
        (Reason::Normal, ExitOrigin::Link, false, Ignore, Trap),
        (Reason::Normal, ExitOrigin::Explicit, false, Ignore, Trap),
        (Reason::Normal, alias, false, Ignore, Trap),
        (Reason::Normal, ExitOrigin::Explicit, true, End, Trap),
        (Reason::Kill, ExitOrigin::Explicit, false, Kill, Kill),
        (Reason::Kill, ExitOrigin::Explicit, true, Kill, Kill),
        (Reason::Kill, alias, false, Kill, Kill),
        (Reason::Kill, ExitOrigin::Link, false, End, Trap),
        (Reason::Killed, ExitOrigin::Link, false, End, Trap),
        (Reason::Killed, ExitOrigin::Explicit, false, End, Trap),
        (Reason::Shutdown, ExitOrigin::Explicit, false, End, Trap),
        (Reason::NoConnection, ExitOrigin::Link, false, End, Trap),
        (error("x"), ExitOrigin::Explicit, true, End, Trap),
    ];
    for (reason, origin, from_itself, plain, trapping) in rows {
        assert_eq!(verdict(&reason, origin, from_itself, false), plain, "{reason} {origin:?}");
        assert_eq!(verdict(&reason, origin, from_itself, true), trapping, "{reason} {origin:?}");
    }
}

#[test]
fn an_explicit_kill_ends_with_killed() {
    for mut me in [actor(), trapper()] {
        let effects = told(&mut me, A, explicit_exit(Reason::Kill));
        assert_eq!(effects, [Effect::Die(Reason::Killed)]);
        assert_eq!(me.dying(), Some(&Reason::Killed));
    }
}

#[test]
fn a_kill_that_comes_by_a_link_is_not_converted_and_can_be_trapped() {
    let mut me = actor();
    told(&mut me, A, Signal::Link);
    assert_eq!(told(&mut me, A, link_exit(Reason::Kill)), [Effect::Die(Reason::Kill)]);
    let mut me = trapper();
    told(&mut me, A, Signal::Link);
    assert_eq!(told(&mut me, A, link_exit(Reason::Kill)), []);
    assert_eq!(events(&mut me), [Event::Exit { sender: A, reason: Reason::Kill }]);
}

#[test]
fn an_exit_to_oneself_acts_at_once() {
    let mut me = actor();
    let effects = does(&mut me, |me, e| me.exit(ME, Reason::Normal, e));
    assert_eq!(effects, [Effect::Die(Reason::Normal)]);
    let mut me = actor();
    let effects = does(&mut me, |me, e| me.exit(ME, Reason::Kill, e));
    assert_eq!(effects, [Effect::Die(Reason::Killed)]);
    let mut me = trapper();
    assert_eq!(does(&mut me, |me, e| me.exit(ME, Reason::Normal, e)), []);
    assert_eq!(events(&mut me), [Event::Exit { sender: ME, reason: Reason::Normal }]);
}

#[test]
fn an_exit_to_another_is_a_signal() {
    let mut me = actor();
    let effects = does(&mut me, |me, e| me.exit(A, Reason::Kill, e));
    assert_eq!(effects, [sends(A, explicit_exit(Reason::Kill))]);
    assert_eq!(me.dying(), None);
}

#[test]
fn a_normal_exit_of_another_is_ignored() {
    let mut me = actor();
    told(&mut me, A, Signal::Link);
    assert_eq!(told(&mut me, B, explicit_exit(Reason::Normal)), []);
    assert_eq!(told(&mut me, A, link_exit(Reason::Normal)), []);
    assert_eq!(me.dying(), None);
    assert_eq!(me.info().links, [], "but the link is gone");
}

#[test]
fn the_first_fatal_reason_wins() {
    let mut me = actor();
    assert_eq!(told(&mut me, A, explicit_exit(error("1"))), [Effect::Die(error("1"))]);
    assert_eq!(told(&mut me, A, explicit_exit(error("2"))), []);
    assert_eq!(told(&mut me, A, explicit_exit(Reason::Kill)), []);
    assert_eq!(does(&mut me, |me, e| me.stop(Reason::Normal, e)), []);
    assert_eq!(me.dying(), Some(&error("1")));
}

#[test]
fn a_dying_process_takes_and_gives_no_events() {
    let mut me = actor();
    told(&mut me, A, message("before"));
    told(&mut me, A, explicit_exit(error("x")));
    assert_eq!(told(&mut me, A, message("after")), []);
    assert_eq!(me.take(Filter::Any), None);
    assert_eq!((me.mailbox_messages(), me.mailbox_bytes()), (0, 0));
}

#[test]
fn an_exit_by_a_link_that_was_never_made_is_dropped() {
    for mut me in [actor(), trapper()] {
        assert_eq!(told(&mut me, A, link_exit(error("x"))), []);
        assert_eq!(events(&mut me), []);
        assert_eq!(me.dying(), None);
    }
}

#[test]
fn an_end_tells_everybody_in_order() {
    let mut me = actor();
    does(&mut me, |me, e| {
        me.alias(reference(1), AliasLife::Explicit, false, e);
        me.monitor(reference(2), Monitored::Pid(A), Some(A), MonitorOptions::default(), e);
        me.ask_io(LEADER, reference(3), IoRequest::GetOptions, e);
        me.link(B, false, e);
    });
    let of_far = Reference { node: THERE, serial: 1 };
    for (from, reference) in [(FAR, of_far), (A, reference(11)), (A, reference(10))] {
        assert_eq!(told(&mut me, from, Signal::Monitor { reference, name: None }), []);
    }
    told(&mut me, A, Signal::Link);
    does(&mut me, |me, e| me.stop(error("x"), e));
    let down = |reference| Signal::Down { reference, reason: error("x") };
    let expected = [
        Effect::AliasOff(reference(1)),
        sends(A, Signal::Demonitor(reference(2))),
        sends(LEADER, Signal::Demonitor(reference(3))),
        sends(A, link_exit(error("x"))),
        sends(B, link_exit(error("x"))),
        sends(A, down(reference(10))),
        sends(A, down(reference(11))),
        sends(FAR, down(of_far)),
    ];
    assert_eq!(ends(&mut me), expected);
    assert_eq!(ends(&mut me), [], "nothing is left for a second end");
}

#[test]
fn an_end_does_not_break_links_that_are_being_removed() {
    let mut me = actor();
    does(&mut me, |me, e| me.link(A, false, e));
    does(&mut me, |me, e| me.unlink(A, e));
    does(&mut me, |me, e| me.stop(error("x"), e));
    assert_eq!(ends(&mut me), []);
}

#[test]
fn what_comes_after_the_end_is_answered_as_if_nobody_were_there() {
    let mut me = actor();
    does(&mut me, |me, e| me.stop(error("x"), e));
    ends(&mut me);
    assert_eq!(told(&mut me, A, Signal::Link), [sends(A, link_exit(Reason::NoProc))]);
    assert_eq!(told(&mut me, A, Signal::Unlink(4)), [sends(A, Signal::UnlinkAck(4))]);
    assert_eq!(told(&mut me, A, message("late")), []);
    assert_eq!(told(&mut me, A, explicit_exit(Reason::Kill)), []);
}

#[test]
fn undeliverable_envelopes_come_back_as_what_their_sender_waits_for() {
    let sent = |signal| undeliverable(Envelope { from: ME, to: A, signal });
    let answer = |signal| Some(Envelope { from: A, to: ME, signal });
    let one = reference(1);
    let down = Signal::Down { reference: one, reason: Reason::NoProc };
    assert_eq!(sent(Signal::Link), answer(link_exit(Reason::NoProc)));
    assert_eq!(sent(Signal::Unlink(3)), answer(Signal::UnlinkAck(3)));
    assert_eq!(sent(Signal::Monitor { reference: one, name: None }), answer(down.clone()));
    let ask = Signal::IoRequest { reply_as: one, request: IoRequest::GetOptions };
    assert_eq!(sent(ask), answer(down));
    let nobody = Signal::ProbeReply { reference: one, info: None };
    assert_eq!(sent(Signal::Probe(one)), answer(nobody));
    let reply = Signal::SpawnReply { request: one, outcome: Ok(B) };
    let broken = Envelope { from: A, to: B, signal: link_exit(Reason::NoProc) };
    assert_eq!(sent(reply), Some(broken));
    for silent in [
        message("x"),
        Signal::UnlinkAck(1),
        Signal::Demonitor(one),
        Signal::GroupLeader(B),
        Signal::Timeout(one),
        explicit_exit(Reason::Kill),
        link_exit(Reason::Normal),
    ] {
        assert_eq!(sent(silent), None);
    }
}

#[test]
fn without_a_connection_the_answers_say_so() {
    let sent = |signal| unreachable(Envelope { from: ME, to: FAR, signal });
    let answer = |signal| Some(Envelope { from: FAR, to: ME, signal });
    let one = reference(1);
    let down = Signal::Down { reference: one, reason: Reason::NoConnection };
    assert_eq!(sent(Signal::Link), answer(link_exit(Reason::NoConnection)));
    assert_eq!(sent(Signal::Monitor { reference: one, name: None }), answer(down));
    assert_eq!(sent(Signal::Unlink(3)), answer(Signal::UnlinkAck(3)));
    assert_eq!(sent(message("x")), None);
}
