//! The save queue: what a selective receive leaves for later.
//!
//! The host's mailbox gives the oldest event, or the oldest of one reference. A
//! receive that wants anything else takes events out one by one and keeps those
//! that do not fit here, in order; every later receive looks here first. So the
//! order of events is never changed by who waits for what.
//!
//! An actor that gets many messages takes several out of the host's mailbox at a time,
//! which is cheaper, and keeps those that were not asked for yet here as well.
//!
//! This file must not know the bindings' functions: the host is a trait, so that
//! the rules are tested off wasm.

use crate::bindings::odeon::actor::mailbox::{Event, Filter};
use crate::types::Reference;
use std::collections::VecDeque;

/// What the host does for an inbox.
pub(crate) trait Host {
    /// Takes an event out of the host's mailbox, or gives up.
    fn receive(&mut self, filter: Filter, timeout_ms: Option<u64>) -> Option<Event>;
    /// Takes the oldest messages out of the host's mailbox, and puts them at the end.
    /// None if it gives up, or if the oldest event is not a message to the pid.
    fn receive_messages(&mut self, timeout_ms: Option<u64>, into: &mut VecDeque<Event>);
    /// Milliseconds since some start; never goes back.
    fn now_ms(&mut self) -> u64;
}

/// Events that are received one at a time before several are asked for. One at a time
/// is cheaper where no more than one waits.
const SINGLES_MAX: u8 = 8;

/// Events that have left the host's mailbox, oldest first.
#[derive(Default)]
pub(crate) struct Inbox {
    saved: VecDeque<Event>,
    /// Events that were received one at a time since several were last asked for in
    /// vain.
    singles: u8,
}

impl Inbox {
    pub(crate) const fn new() -> Self {
        Self { saved: VecDeque::new(), singles: 0 }
    }

    /// The oldest event.
    pub(crate) fn next(&mut self, host: &mut impl Host, timeout_ms: Option<u64>) -> Option<Event> {
        if self.saved.is_empty() {
            if self.is_single() {
                return host.receive(Filter::Any, timeout_ms);
            }
            self.receive_several(host, timeout_ms);
        }
        self.saved.pop_front()
    }

    /// The oldest event that belongs to a reference. Constant time on the host's
    /// side, however many other events wait there.
    pub(crate) fn of(
        &mut self,
        host: &mut impl Host,
        reference: Reference,
        timeout_ms: Option<u64>,
    ) -> Option<Event> {
        self.take_saved(|event| event.belongs_to(reference))
            .or_else(|| host.receive(Filter::Reference(reference), timeout_ms))
    }

    /// The oldest event that `wanted` says yes to.
    pub(crate) fn matching(
        &mut self,
        host: &mut impl Host,
        timeout_ms: Option<u64>,
        mut wanted: impl FnMut(&Event) -> bool,
    ) -> Option<Event> {
        if let Some(event) = self.take_saved(&mut wanted) {
            return Some(event);
        }
        let deadline = timeout_ms.map(|left| host.now_ms().saturating_add(left));
        let mut left_ms = timeout_ms;
        loop {
            let seen = self.saved.len();
            if self.is_single() {
                let event = host.receive(Filter::Any, left_ms)?;
                if wanted(&event) {
                    return Some(event);
                }
                self.saved.push_back(event);
            } else {
                self.receive_several(host, left_ms);
                if self.saved.len() == seen {
                    return None;
                }
                if let Some(at) = (seen..self.saved.len()).find(|at| wanted(&self.saved[*at])) {
                    return self.saved.remove(at);
                }
            }
            // With no time left this still looks at what waits already.
            left_ms = deadline.map(|at| at.saturating_sub(host.now_ms()));
        }
    }

    /// Forgets every saved event that `unwanted` says yes to.
    pub(crate) fn forget(&mut self, mut unwanted: impl FnMut(&Event) -> bool) {
        self.saved.retain(|event| !unwanted(event));
    }

    /// Whether the next event is to be received alone; counts it if so.
    fn is_single(&mut self) -> bool {
        let is_single = self.singles < SINGLES_MAX;
        self.singles += u8::from(is_single);
        is_single
    }

    /// Saves the oldest messages of the host's mailbox, or the oldest event, if any
    /// comes in time.
    fn receive_several(&mut self, host: &mut impl Host, timeout_ms: Option<u64>) {
        let before = self.saved.len();
        host.receive_messages(timeout_ms, &mut self.saved);
        match self.saved.len() - before {
            // Something else is the oldest, or the time is over.
            0 => match host.receive(Filter::Any, Some(0)) {
                Some(event) => self.saved.push_back(event),
                None => self.singles = 0,
            },
            1 => self.singles = 0,
            _ => {}
        }
    }

    fn take_saved(&mut self, mut wanted: impl FnMut(&Event) -> bool) -> Option<Event> {
        let at = self.saved.iter().position(&mut wanted)?;
        self.saved.remove(at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bindings::odeon::actor::mailbox::Message;
    use crate::types::Pid;

    /// A mailbox whose clock goes on by a step at every look.
    struct Script {
        waiting: VecDeque<Event>,
        now_ms: u64,
        step_ms: u64,
        asked: Vec<Option<u64>>,
    }

    impl Script {
        fn new(waiting: impl IntoIterator<Item = Event>) -> Self {
            let waiting = waiting.into_iter().collect();
            Self { waiting, now_ms: 0, step_ms: 0, asked: Vec::new() }
        }
    }

    impl Host for Script {
        fn receive(&mut self, filter: Filter, timeout_ms: Option<u64>) -> Option<Event> {
            self.asked.push(timeout_ms);
            self.now_ms += self.step_ms;
            let at = self.waiting.iter().position(|event| match filter {
                Filter::Any => true,
                Filter::Reference(reference) => event.belongs_to(reference),
            })?;
            self.waiting.remove(at)
        }

        fn receive_messages(&mut self, timeout_ms: Option<u64>, into: &mut VecDeque<Event>) {
            self.asked.push(timeout_ms);
            self.now_ms += self.step_ms;
            for _ in 0..4 {
                let Some(Event::Message(_)) = self.waiting.front() else { break };
                into.extend(self.waiting.pop_front());
            }
        }

        fn now_ms(&mut self) -> u64 {
            self.now_ms
        }
    }

    fn message(text: &str) -> Event {
        let sender = Pid { node: 1, serial: 1 };
        Event::Message(Message { sender, via: None, body: text.into() })
    }

    fn timer(serial: u64) -> Event {
        Event::Timeout(Reference { node: 1, serial })
    }

    fn is_timer(event: &Event) -> bool {
        matches!(event, Event::Timeout(_))
    }

    #[test]
    fn what_a_selective_receive_passes_over_comes_later_in_order() {
        let mut host = Script::new([message("a"), message("b"), timer(1), message("c")]);
        let mut inbox = Inbox::new();
        assert_eq!(inbox.matching(&mut host, None, is_timer), Some(timer(1)));
        assert_eq!(inbox.next(&mut host, None), Some(message("a")));
        assert_eq!(inbox.next(&mut host, None), Some(message("b")));
        assert_eq!(inbox.next(&mut host, None), Some(message("c")));
        assert_eq!(inbox.next(&mut host, Some(0)), None);
    }

    #[test]
    fn saved_events_are_looked_at_before_the_mailbox() {
        let mut host = Script::new([timer(1), message("a"), timer(2)]);
        let mut inbox = Inbox::new();
        let is_message = |event: &Event| matches!(event, Event::Message(_));
        assert_eq!(inbox.matching(&mut host, None, is_message), Some(message("a")));
        assert_eq!(inbox.matching(&mut host, None, is_timer), Some(timer(1)));
        assert_eq!(inbox.matching(&mut host, None, is_timer), Some(timer(2)));
    }

    #[test]
    fn a_reference_is_found_saved_or_waiting_and_disturbs_nothing() {
        let mut host = Script::new([timer(1), timer(2), message("a"), timer(3)]);
        let mut inbox = Inbox::new();
        let is_message = |event: &Event| matches!(event, Event::Message(_));
        assert_eq!(inbox.matching(&mut host, None, is_message), Some(message("a")));
        let reference = |serial| Reference { node: 1, serial };
        assert_eq!(inbox.of(&mut host, reference(2), Some(0)), Some(timer(2)));
        assert_eq!(inbox.of(&mut host, reference(3), Some(0)), Some(timer(3)));
        assert_eq!(inbox.of(&mut host, reference(3), Some(0)), None);
        assert_eq!(inbox.next(&mut host, Some(0)), Some(timer(1)));
    }

    #[test]
    fn a_timeout_counts_from_the_start_and_not_from_each_event() {
        let mut host = Script::new([message("a"), message("b"), message("c")]);
        host.step_ms = 40;
        let mut inbox = Inbox::new();
        assert_eq!(inbox.matching(&mut host, Some(100), is_timer), None);
        assert_eq!(host.asked, [Some(100), Some(60), Some(20), Some(0)]);
        assert_eq!(inbox.next(&mut host, Some(0)), Some(message("a")));
    }

    #[test]
    fn forgotten_events_do_not_come_back() {
        let mut host = Script::new([timer(1), message("a")]);
        let mut inbox = Inbox::new();
        let is_message = |event: &Event| matches!(event, Event::Message(_));
        assert_eq!(inbox.matching(&mut host, None, is_message), Some(message("a")));
        inbox.forget(is_timer);
        assert_eq!(inbox.next(&mut host, Some(0)), None);
    }

    /// Twenty messages, with a timer behind the fourteenth.
    fn many() -> Vec<Event> {
        let mut events: Vec<_> = (0..20).map(|number| message(&number.to_string())).collect();
        events.insert(14, timer(1));
        events
    }

    #[test]
    fn many_messages_are_taken_several_at_a_time_and_come_in_order() {
        let mut host = Script::new(many());
        let mut inbox = Inbox::new();
        for event in many() {
            assert_eq!(inbox.next(&mut host, None), Some(event));
        }
        assert!(host.asked.len() < 16, "asked {} times", host.asked.len());
        for _ in 0..20 {
            assert_eq!(inbox.next(&mut host, Some(0)), None);
        }
    }

    #[test]
    fn what_was_taken_with_others_is_found_by_who_looks_for_it() {
        let mut host = Script::new(many());
        let mut inbox = Inbox::new();
        let last = message("19");
        assert_eq!(inbox.matching(&mut host, None, |event| *event == last), Some(last.clone()));
        assert_eq!(inbox.matching(&mut host, Some(0), |event| *event == last), None);
        let reference = Reference { node: 1, serial: 1 };
        assert_eq!(inbox.of(&mut host, reference, Some(0)), Some(timer(1)));
        for event in many().into_iter().filter(|event| *event != last && !is_timer(event)) {
            assert_eq!(inbox.next(&mut host, Some(0)), Some(event));
        }
        assert_eq!(inbox.next(&mut host, Some(0)), None);
    }
}
