//! Two queues as one mailbox: order, search, flush and the count of bytes.

use super::super::testing::*;
use super::*;
use crate::key::Key;
use crate::signal::Channel;

fn text(body: &'static str) -> Event {
    received(A, None, body)
}

fn down(monitor: Reference) -> Event {
    let object = Monitored::Pid(A);
    Event::Down { monitor, object, reason: error("why"), tag: Some(bytes("tag")) }
}

fn all(mailbox: &mut Mailbox) -> Vec<Event> {
    std::iter::from_fn(|| mailbox.take(Filter::Any)).collect()
}

#[test]
fn priority_events_come_before_ordinary_ones_and_keep_their_order() {
    let mut mailbox = Mailbox::default();
    mailbox.push(text("1"), Rank::Ordinary);
    mailbox.push(text("p1"), Rank::Priority);
    mailbox.push(text("2"), Rank::Ordinary);
    mailbox.push(text("p2"), Rank::Priority);
    assert_eq!(mailbox.messages(), 4);
    assert_eq!(all(&mut mailbox), [text("p1"), text("p2"), text("1"), text("2")]);
    assert_eq!(mailbox.messages(), 0);
}

#[test]
fn a_search_by_reference_looks_at_priority_events_first_and_takes_no_other() {
    let alias = reference(1);
    let mut mailbox = Mailbox::default();
    let ordinary = received(A, Some(alias), "o");
    let priority = received(A, Some(alias), "p");
    mailbox.push(ordinary.clone(), Rank::Ordinary);
    mailbox.push(text("x"), Rank::Priority);
    mailbox.push(priority.clone(), Rank::Priority);
    assert_eq!(mailbox.take(Filter::Reference(alias)), Some(priority));
    assert_eq!(mailbox.take(Filter::Reference(alias)), Some(ordinary));
    assert_eq!(mailbox.take(Filter::Reference(alias)), None);
    assert!(!mailbox.has(Filter::Reference(alias)));
    assert_eq!(all(&mut mailbox), [text("x")]);
}

#[test]
fn exits_and_io_requests_belong_to_no_reference() {
    let exit = Event::Exit { sender: A, reason: Reason::Normal };
    let reply_as = reference(1);
    let request = Event::IoRequest { sender: A, reply_as, request: IoRequest::GetOptions };
    let mut mailbox = Mailbox::default();
    mailbox.push(exit.clone(), Rank::Ordinary);
    mailbox.push(request.clone(), Rank::Ordinary);
    assert_eq!(mailbox.take(Filter::Reference(reply_as)), None);
    assert_eq!(all(&mut mailbox), [exit, request]);
}

#[test]
fn a_flush_drops_the_down_and_leaves_messages_to_the_alias_of_the_same_reference() {
    for rank in [Rank::Ordinary, Rank::Priority] {
        let mut mailbox = Mailbox::default();
        let one = reference(1);
        mailbox.push(received(A, Some(one), "m"), Rank::Ordinary);
        mailbox.push(down(one), rank);
        mailbox.push(down(reference(2)), rank);
        mailbox.drop_down(one);
        mailbox.drop_down(one);
        assert_eq!(mailbox.messages(), 2);
        assert!(mailbox.has(Filter::Reference(one)));
        let rest = all(&mut mailbox);
        assert!(rest.contains(&received(A, Some(one), "m")) && rest.contains(&down(reference(2))));
        assert_eq!(mailbox.bytes(), 0);
    }
}

#[test]
fn bytes_are_those_of_bodies_reasons_tags_and_texts() {
    let request = reference(1);
    let reply_as = reference(2);
    let put = IoRequest::PutChars(Channel::Output, bytes("12345"));
    let options = IoRequest::SetOptions(vec![("a".into(), "bc".into())]);
    let events = [
        (text("1234"), 4),
        (Event::Exit { sender: A, reason: error("12") }, 2),
        (down(reference(3)), 6),
        (Event::SpawnReply { request, outcome: Ok(A) }, 0),
        (Event::SpawnReply { request, outcome: Err(SpawnError::Denied("no".into())) }, 2),
        (Event::SpawnReply { request, outcome: Err(SpawnError::NoConnection) }, 0),
        (Event::Timeout(request), 0),
        (Event::IoRequest { sender: A, reply_as, request: put }, 5),
        (Event::IoRequest { sender: A, reply_as, request: IoRequest::GetLine("> ".into()) }, 2),
        (Event::IoRequest { sender: A, reply_as, request: options }, 3),
    ];
    let mut mailbox = Mailbox::default();
    let mut bytes = 0;
    for (event, len) in events {
        assert_eq!(event.len_bytes(), len, "{event:?}");
        bytes += len;
        mailbox.push(event, Rank::Ordinary);
        assert_eq!(mailbox.bytes(), bytes);
    }
    while mailbox.take(Filter::Any).is_some() {}
    assert_eq!(mailbox.bytes(), 0);
}

#[test]
fn plain_messages_are_taken_until_something_else_is_in_front() {
    let mut mailbox = Mailbox::default();
    mailbox.push(text("12"), Rank::Ordinary);
    mailbox.push(received(B, None, "345"), Rank::Ordinary);
    mailbox.push(received(A, Some(reference(1)), "6"), Rank::Ordinary);
    mailbox.push(text("7"), Rank::Ordinary);
    assert_eq!(mailbox.take_plain(1), None, "it is longer");
    assert_eq!(mailbox.take_plain(2), Some((A, bytes("12"))));
    assert_eq!(mailbox.take_plain(9), Some((B, bytes("345"))));
    assert_eq!(mailbox.take_plain(9), None, "it came through an alias");
    assert_eq!(mailbox.bytes(), 2);
    assert_eq!(mailbox.take(Filter::Any), Some(received(A, Some(reference(1)), "6")));
    mailbox.push(text("p"), Rank::Priority);
    assert_eq!(mailbox.take_plain(9), None, "something overtakes it");
    assert_eq!(all(&mut mailbox), [text("p"), text("7")]);
    assert_eq!(mailbox.take_plain(9), None);
}

#[test]
fn changes_of_groups_belong_to_their_monitor_and_lost_names_to_nothing() {
    let (one, other) = (reference(1), reference(2));
    let [scope, group] = [&b"scope"[..], b"group"].map(|key| Key::new(key).expect("a key"));
    let change = Change { scope, group, joined: true, members: vec![A] };
    let event = |monitor| Event::Group { monitor, change: Arc::new(change.clone()) };
    let name = Key::new(b"name").expect("a key");
    let lost = Event::NameLost(Arc::new(NameLost { name, other: A, both: false }));
    let mut mailbox = Mailbox::default();
    for event in [event(one), lost.clone(), event(other)] {
        mailbox.push(event, Rank::Ordinary);
    }
    assert_eq!(mailbox.bytes(), 2 * (10 + size_of::<Pid>()));
    assert_eq!(mailbox.take(Filter::Reference(other)), Some(event(other)));
    assert_eq!(mailbox.take(Filter::Reference(other)), None);
    assert_eq!(all(&mut mailbox), [event(one), lost]);
    assert_eq!(mailbox.bytes(), 0);
}
