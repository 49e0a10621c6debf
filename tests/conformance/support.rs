//! Short words for the orders and events that most rows use.

use std::time::Duration;

use odeon_tests::protocol::{
    Destination, Event, Limits, Module, MonitorOptions, Operation, Pid, Reason, Reference,
    SendOptions, SpawnOptions, Start,
};
use odeon_tests::{World, in_time};

pub(crate) fn link(to: Pid) -> Operation {
    Operation::Link { to, priority: false }
}

pub(crate) fn monitor(of: Pid) -> Operation {
    Operation::Monitor(Destination::Pid(of), MonitorOptions::default())
}

pub(crate) fn demonitor(monitor: Reference) -> Operation {
    Operation::Demonitor { monitor, flush: false }
}

pub(crate) fn send(to: Pid, body: &[u8]) -> Operation {
    Operation::Send(to, body.to_vec())
}

pub(crate) fn send_via(alias: Reference, body: &[u8]) -> Operation {
    Operation::SendTo(Destination::Alias(alias), body.to_vec(), SendOptions::default())
}

pub(crate) fn send_urgently(alias: Reference, body: &[u8]) -> Operation {
    let options = SendOptions { priority: true, ..SendOptions::default() };
    Operation::SendTo(Destination::Alias(alias), body.to_vec(), options)
}

/// Takes the oldest event, and waits for it.
pub(crate) fn receive() -> Operation {
    Operation::Receive { of: None, timeout_ms: Some(odeon_tests::RECEIVE_MS) }
}

pub(crate) fn error(text: &str) -> Reason {
    Reason::Error(text.to_owned())
}

pub(crate) fn message(sender: Pid, body: &[u8]) -> Event {
    Event::Message { sender, via: None, body: body.to_vec() }
}

pub(crate) fn message_via(sender: Pid, via: Reference, body: &[u8]) -> Event {
    Event::Message { sender, via: Some(via), body: body.to_vec() }
}

pub(crate) fn exit(sender: Pid, reason: Reason) -> Event {
    Event::Exit { sender, reason }
}

pub(crate) fn down(monitor: Reference, of: Pid, reason: Reason) -> Event {
    Event::Down { monitor, object: Destination::Pid(of), reason, tag: None }
}

/// A function of the puppets' guest, with nothing as its argument.
pub(crate) fn function(name: &str) -> Start {
    Start::Entry { function: name.to_owned(), argument: Vec::new() }
}

/// The function that ends with this failure. The SDK's arguments are CBOR: a text
/// is a mark, its length, and its bytes.
pub(crate) fn failing(text: &str) -> Start {
    let length = u32::try_from(text.len()).expect("a test's text is short enough");
    let mut argument = vec![0x7a];
    argument.extend_from_slice(&length.to_be_bytes());
    argument.extend_from_slice(text.as_bytes());
    Start::Entry { function: "fail".to_owned(), argument }
}

pub(crate) fn spawn_with(start: Start, options: SpawnOptions) -> Operation {
    Operation::SpawnWith(Module::This, start, options)
}

/// Linked and monitored, with a tag.
pub(crate) fn bound(tag: &[u8]) -> SpawnOptions {
    SpawnOptions { link: true, monitor: Some(tagged(tag)), ..SpawnOptions::default() }
}

pub(crate) fn tagged(tag: &[u8]) -> MonitorOptions {
    MonitorOptions { tag: Some(tag.to_vec()), ..MonitorOptions::default() }
}

pub(crate) fn limited(limits: Limits) -> SpawnOptions {
    SpawnOptions { limits: Some(limits), ..SpawnOptions::default() }
}

/// Waits until no actor is left that this one made.
pub(crate) async fn no_child_is_left(world: &World, parent: Pid) {
    let is_child = |actor: &odeon::ActorInfo| actor.parent == Some(parent.serial);
    in_time("the end of all children", async {
        while world.node.actors().iter().any(is_child) {
            // The pause of a poll, with the deadline around it: no hope is put in it.
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    })
    .await;
}

/// Bytes that a copy cannot get right by chance.
pub(crate) fn large(bytes: usize, seed: usize) -> Vec<u8> {
    (0..bytes).map(|at| (at.wrapping_mul(31) ^ (at >> 8) ^ seed) as u8).collect()
}
