//! The machine as a whole: its size, its limits, and the way of a message.

use super::testing::*;
use super::*;

#[test]
fn a_process_is_small_and_an_idle_one_has_nothing_on_the_heap() {
    assert!(size_of::<Process>() <= 256, "{} bytes", size_of::<Process>());
    let me = actor();
    assert!(me.relations.is_none() && me.dying.is_none());
    assert!(me.mailbox.owns_nothing());
}

#[test]
fn messages_are_taken_in_the_order_in_which_they_came() {
    let mut me = actor();
    assert_eq!(told(&mut me, A, message("1")), []);
    assert_eq!(told(&mut me, B, message("2")), []);
    assert_eq!((me.mailbox_messages(), me.mailbox_bytes()), (2, 2));
    assert_eq!(me.take(Filter::Any), Some(received(A, None, "1")));
    assert_eq!(me.take(Filter::Any), Some(received(B, None, "2")));
    assert_eq!(me.take(Filter::Any), None);
    assert_eq!((me.mailbox_messages(), me.mailbox_bytes()), (0, 0));
}

#[test]
fn one_message_too_many_ends_the_process_and_names_the_limit() {
    let mut me = limited(Limits { mailbox_messages: 2, ..Default::default() });
    assert_eq!(told(&mut me, A, message("1")), []);
    assert_eq!(told(&mut me, A, message("2")), []);
    let reason = Reason::Limit("mailbox-messages-max of 2 messages".into());
    assert_eq!(told(&mut me, A, message("3")), [Effect::Die(reason)]);
    assert_eq!(told(&mut me, A, message("4")), [], "it dies once");
}

#[test]
fn one_byte_too_many_ends_the_process_and_names_the_limit() {
    let mut me = limited(Limits { mailbox_bytes: 4, ..Default::default() });
    assert_eq!(told(&mut me, A, message("1234")), []);
    assert_eq!(me.take(Filter::Any), Some(received(A, None, "1234")));
    assert_eq!(told(&mut me, A, message("12")), []);
    let reason = Reason::Limit("mailbox-bytes-max of 4 bytes".into());
    assert_eq!(told(&mut me, A, message("345")), [Effect::Die(reason)]);
}

#[test]
fn a_group_leader_is_set_by_a_signal() {
    let mut me = actor();
    assert_eq!(me.group_leader(), LEADER);
    assert_eq!(told(&mut me, A, Signal::GroupLeader(B)), []);
    assert_eq!(me.group_leader(), B);
}

#[test]
fn a_timer_that_ran_out_is_an_event() {
    let mut me = actor();
    assert_eq!(told(&mut me, ME, Signal::Timeout(reference(5))), []);
    assert!(me.has(Filter::Reference(reference(5))));
    assert!(!me.has(Filter::Reference(reference(6))));
    assert_eq!(me.take(Filter::Reference(reference(5))), Some(Event::Timeout(reference(5))));
}
