//! One queue of events: first in, first out, or by reference.
//!
//! Every event has a sequence number; the slot of an event that was taken out of
//! the middle stays as a hole until it reaches the front, or until there are more
//! holes than events. An index leads from a reference to its sequence numbers. Events
//! are brought into it when somebody looks for a reference, so a queue that is only
//! taken from the front never pays for it; and the newest few are not even then but
//! are looked through one by one, so one that stays short does not either.

use std::collections::{BTreeSet, VecDeque};
use std::ops::RangeInclusive;

use bytes::Bytes;

use super::mailbox::{Event, Filter};
use crate::id::{Pid, Reference};

/// The newest events that are looked through instead of indexed. Few enough that
/// looking at all of them costs about as much as one look into the index.
const UNINDEXED_MAX: u64 = 8;

/// Holes that are always borne before the queue is closed up, so that a short one
/// is not closed up again and again.
const HOLES_MIN: usize = 32;

/// A queue with no more slots than this keeps its memory when it drains.
const SLOTS_KEPT_MAX: usize = 32;

/// What the index holds: whose it is, whether it is a `Down` (which can be flushed
/// apart from the messages to an alias of the same reference), and where it is.
type Key = (Reference, bool, u64);

/// The place of one event. Messages are by far the most, so they lie in the slot
/// itself; the larger and rarer events lie apart and keep the slots small.
#[derive(Debug)]
enum Slot {
    /// The event was taken.
    Hole,
    Message {
        sender: Pid,
        via: Option<Reference>,
        body: Bytes,
    },
    Other(Box<Event>),
}

impl Slot {
    /// The slot for this event.
    #[inline]
    fn new(event: Event) -> Self {
        match event {
            Event::Message { sender, via, body } => Self::Message { sender, via, body },
            Event::Exit { .. }
            | Event::Down { .. }
            | Event::SpawnReply { .. }
            | Event::CallReply { .. }
            | Event::Timeout(_)
            | Event::Node(_)
            | Event::NameLost(_)
            | Event::Group { .. }
            | Event::IoRequest { .. } => Self::Other(Box::new(event)),
        }
    }

    /// The event in it.
    #[inline]
    fn event(self) -> Option<Event> {
        match self {
            Self::Hole => None,
            Self::Message { sender, via, body } => Some(Event::Message { sender, via, body }),
            Self::Other(event) => Some(*event),
        }
    }

    fn is_hole(&self) -> bool {
        matches!(self, Self::Hole)
    }

    /// The reference that the event belongs to, and whether it is a `Down`.
    fn owner(&self) -> Option<(Reference, bool)> {
        match self {
            Self::Hole => None,
            Self::Message { via, .. } => via.map(|alias| (alias, false)),
            Self::Other(event) => {
                let is_down = matches!(**event, Event::Down { .. });
                event.reference().map(|reference| (reference, is_down))
            }
        }
    }
}

/// Events in order. The front slot is never a hole.
#[derive(Debug, Default)]
pub(super) struct Queue {
    slots: VecDeque<Slot>,
    /// The sequence number of the front slot.
    first: u64,
    /// Events before this number are in the index if they belong to a reference.
    indexed: u64,
    index: BTreeSet<Key>,
    /// Slots that are not holes.
    events: usize,
}

impl Queue {
    /// Events in it.
    pub(super) fn len(&self) -> usize {
        self.events
    }

    /// Whether it has no memory on the heap.
    #[cfg(test)]
    pub(super) fn owns_nothing(&self) -> bool {
        self.slots.capacity() == 0 && self.index.is_empty()
    }

    /// The number that the next event gets.
    fn end(&self) -> u64 {
        self.first + self.slots.len() as u64
    }

    /// Puts an event at the end.
    #[inline]
    pub(super) fn push(&mut self, event: Event) {
        self.slots.push_back(Slot::new(event));
        self.events += 1;
    }

    /// Brings all but the newest events into the index, each of them once.
    fn index_old(&mut self) {
        while self.end() - self.indexed > UNINDEXED_MAX {
            let seq = self.indexed;
            if let Some((reference, is_down)) = self.slots[self.position(seq)].owner() {
                self.index.insert((reference, is_down, seq));
            }
            self.indexed += 1;
        }
    }

    /// Where the slot of this number is now.
    fn position(&self, seq: u64) -> usize {
        // The difference is below the number of slots, which is a usize.
        (seq - self.first) as usize
    }

    /// Takes the oldest event that fits.
    #[inline]
    pub(super) fn take(&mut self, filter: Filter) -> Option<Event> {
        match filter {
            Filter::Any => self.pop(),
            Filter::Reference(reference) => {
                let seq = self.find(reference)?;
                self.remove(seq)
            }
        }
    }

    /// Takes the event at the front.
    #[inline]
    fn pop(&mut self) -> Option<Event> {
        let slot = self.slots.pop_front()?;
        let seq = self.first;
        self.first += 1;
        self.taken(seq, &slot);
        slot.event()
    }

    /// Takes the event at the front if it is a message that was sent to no alias and
    /// has at most so many bytes.
    #[inline]
    pub(super) fn pop_plain(&mut self, bytes_max: usize) -> Option<(Pid, Bytes)> {
        match self.slots.front()? {
            Slot::Message { via: None, body, .. } if body.len() <= bytes_max => {}
            Slot::Message { .. } | Slot::Other(_) | Slot::Hole => return None,
        }
        match self.pop()? {
            Event::Message { sender, body, .. } => Some((sender, body)),
            _ => None,
        }
    }

    /// Whether `take` would give something.
    pub(super) fn has(&mut self, filter: Filter) -> bool {
        match filter {
            Filter::Any => self.events > 0,
            Filter::Reference(reference) => self.find(reference).is_some(),
        }
    }

    /// Takes the `Down` of this monitor.
    pub(super) fn take_down(&mut self, monitor: Reference) -> Option<Event> {
        self.index_old();
        let seq = self
            .find_indexed(monitor, true)
            .or_else(|| self.find_new(|slot| slot.owner() == Some((monitor, true))))?;
        self.remove(seq)
    }

    /// The number of the oldest event that belongs to this reference.
    fn find(&mut self, reference: Reference) -> Option<u64> {
        self.index_old();
        let message = self.find_indexed(reference, false);
        let down = self.find_indexed(reference, true);
        // Everything in the index is older than what is not.
        message.into_iter().chain(down).min().or_else(|| {
            self.find_new(|slot| slot.owner().is_some_and(|(owner, _)| owner == reference))
        })
    }

    fn find_indexed(&self, reference: Reference, is_down: bool) -> Option<u64> {
        let range: RangeInclusive<Key> = (reference, is_down, 0)..=(reference, is_down, u64::MAX);
        self.index.range(range).next().map(|(_, _, seq)| *seq)
    }

    /// The number of the oldest among the unindexed events that fits.
    fn find_new(&self, fits: impl Fn(&Slot) -> bool) -> Option<u64> {
        (self.indexed..self.end()).find(|seq| fits(&self.slots[self.position(*seq)]))
    }

    /// Takes the event of this number, which is in the queue.
    fn remove(&mut self, seq: u64) -> Option<Event> {
        let position = self.position(seq);
        if position == 0 {
            return self.pop();
        }
        let slot = std::mem::replace(&mut self.slots[position], Slot::Hole);
        self.taken(seq, &slot);
        slot.event()
    }

    /// What this slot held was taken. Each step of the tidying up is paid for by the
    /// removals that led to it.
    #[inline]
    fn taken(&mut self, seq: u64, slot: &Slot) {
        self.events -= 1;
        if seq < self.indexed
            && let Some((reference, is_down)) = slot.owner()
        {
            self.index.remove(&(reference, is_down, seq));
        }
        while self.slots.front().is_some_and(Slot::is_hole) {
            self.slots.pop_front();
            self.first += 1;
        }
        self.indexed = self.indexed.max(self.first);
        if self.slots.len() > 2 * self.events + HOLES_MIN {
            self.close_up();
        }
        if self.slots.capacity() > SLOTS_KEPT_MAX && self.slots.len() < self.slots.capacity() / 4 {
            self.give_back();
        }
    }

    /// Removes the holes of a queue that is mostly holes.
    #[cold]
    fn close_up(&mut self) {
        self.slots.retain(|slot| !slot.is_hole());
        self.index.clear();
        self.indexed = self.first;
    }

    /// Gives half of the memory back when most of it is unused.
    #[cold]
    fn give_back(&mut self) {
        self.slots.shrink_to(self.slots.capacity() / 2);
    }
}

#[cfg(test)]
#[path = "queue_test.rs"]
mod tests;
