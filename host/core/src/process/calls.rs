//! Calls under way: requests to a node for one run of a function.
//!
//! A call has one reply, which comes as an event under the call's reference. A call
//! that was answered or abandoned is unknown here, and a reply to it is dropped: so
//! nobody ever hears a late one, however the reply and the decision cross.

use std::collections::BTreeSet;

use bytes::Bytes;

use super::{Effects, Event, Process, Rank};
use crate::id::Reference;
use crate::signal::CallError;

/// Calls that are not answered.
#[derive(Debug, Default)]
pub(super) struct Calls(BTreeSet<Reference>);

impl Calls {
    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }
}

impl Process {
    /// A call goes out under this fresh reference. Exactly one
    /// [`Event::CallReply`] follows, unless it is abandoned or this process ends before:
    /// from the callee, or from whoever knows that no answer will come, also when the
    /// connection to the callee's node is lost.
    pub fn call_requested(&mut self, request: Reference, effects: &mut Effects) {
        if self.dying.is_none() && self.has_room(effects) {
            self.relations().calls.0.insert(request);
        }
    }

    /// Gives up a call. True while it was under way: then no reply to it comes any more.
    /// One that waits in the mailbox already stays.
    pub fn abandon_call(&mut self, request: Reference) -> bool {
        self.known().is_some_and(|all| all.calls.0.remove(&request))
    }

    /// A call is over.
    pub(super) fn call_replied(
        &mut self,
        request: Reference,
        outcome: Result<Bytes, CallError>,
        effects: &mut Effects,
    ) {
        if self.abandon_call(request) {
            self.queue(Event::CallReply { request, outcome }, Rank::Ordinary, effects);
        }
    }
}

#[cfg(test)]
#[path = "calls_test.rs"]
mod tests;
