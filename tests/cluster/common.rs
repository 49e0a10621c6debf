//! What the rows share.

use odeon_tests::Puppet;
use odeon_tests::protocol::{Destination, Operation, SendOptions, Value};

use crate::support::{message, send};

/// Makes sure that nothing of this sender is on its way to the receiver, and nothing
/// waits there: a marker is all that comes.
pub(crate) async fn nothing_came(from: &mut Puppet, to: &mut Puppet) {
    from.done(send(to.pid, b"marker")).await;
    let event = to.event().await;
    assert_eq!(event, message(from.pid, b"marker"), "something came that should not");
}

/// Lets all that is on its way between two puppets arrive, in both directions, and the
/// answers to it.
pub(crate) async fn settle(one: &mut Puppet, other: &mut Puppet) {
    for _ in 0..2 {
        nothing_came(one, other).await;
        nothing_came(other, one).await;
    }
}

/// Sends to whoever has a name on a node.
pub(crate) fn send_at(node: &str, name: &str, body: &[u8]) -> Operation {
    Operation::SendTo(at(node, name), body.to_vec(), SendOptions::default())
}

/// A name on a node.
pub(crate) fn at(node: &str, name: &str) -> Destination {
    Destination::NodeName { name: name.into(), node: node.into() }
}

/// The values of a batch.
pub(crate) fn batch(value: Value) -> Vec<Value> {
    match value {
        Value::Batch(values) => values,
        other => panic!("{other:?} instead of a batch"),
    }
}
