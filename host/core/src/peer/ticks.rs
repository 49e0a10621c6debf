//! Whether the other side of a silent connection still lives.
//!
//! The rule is Erlang's (`net_ticktime`): time is cut into intervals, a few for each
//! tick time. A side that sent nothing in an interval sends a tick at its end. A side
//! that received nothing for a tick time takes the other for dead. Any byte is life.
//! With four intervals, a node that dies is noticed between 3/4 and 5/4 of the tick
//! time later. Both sides must have the same tick time.
//!
//! The owner has the clock: it calls [`Ticks::tick`] each time [`Ticks::interval`] has
//! passed. Time is counted in those calls, so a node that stood still for a while does
//! not take all others for dead when it goes on.

use std::time::Duration;

/// Intervals in a tick time unless configured, as Erlang has it.
pub const INTERVALS: u32 = 4;

/// The shortest interval, so that a strange configuration does not turn into a busy loop.
pub const INTERVAL_MIN: Duration = Duration::from_millis(1);

/// What is to be done at the end of an interval.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TickVerdict {
    /// Nothing.
    Nothing,
    /// Send a [`Frame::Tick`](crate::wire::Frame::Tick).
    Send,
    /// Close the connection: the other side has been silent for too long.
    Down,
}

/// A change of the tick time that is under way: each side may still live by either.
#[derive(Clone, Copy, Debug)]
struct Transition {
    /// The longest tick time that the other side may still have.
    longest: Duration,
    /// The shortest one.
    shortest: Duration,
    /// Until the other side has surely changed.
    left: Duration,
}

/// The ticks of one connection.
#[derive(Clone, Debug)]
pub struct Ticks {
    time: Duration,
    intervals: u32,
    transition: Option<Transition>,
    /// How long nothing has come.
    silent: Duration,
}

impl Ticks {
    /// For a connection that was just made. `intervals` is how many there are in a
    /// tick time, at least 1.
    pub fn new(time: Duration, intervals: u32) -> Self {
        Self { time, intervals: intervals.max(1), transition: None, silent: Duration::ZERO }
    }

    /// When to call [`tick`](Self::tick) next, from the last call or the beginning. May
    /// be shorter after a [`change`](Self::change): the owner asks again then.
    pub fn interval(&self) -> Duration {
        let shortest = self.transition.map_or(self.time, |transition| transition.shortest);
        (shortest / self.intervals).max(INTERVAL_MIN)
    }

    /// An interval has passed, in which something was received, or sent, or not.
    pub fn tick(&mut self, received_any: bool, sent_any: bool) -> TickVerdict {
        let interval = self.interval();
        self.silent =
            if received_any { Duration::ZERO } else { self.silent.saturating_add(interval) };
        let longest = self.transition.map_or(self.time, |transition| transition.longest);
        if self.silent >= longest {
            return TickVerdict::Down;
        }
        if let Some(transition) = &mut self.transition {
            transition.left = transition.left.saturating_sub(interval);
            if transition.left.is_zero() {
                self.transition = None;
                // The other side may have changed only just now: its pauses count by the
                // new time from here on.
                self.silent = Duration::ZERO;
            }
        }
        if sent_any { TickVerdict::Nothing } else { TickVerdict::Send }
    }

    /// Changes the tick time while the connection is up. Both sides have to begin this
    /// within `transition` of each other; until it is over, ticks are sent as the
    /// shorter time wants them and silence is borne as the longer one allows
    /// (`net_kernel:set_net_ticktime/2`).
    pub fn change(&mut self, time: Duration, transition: Duration) {
        if time == self.time {
            return;
        }
        let (longest, shortest) = match self.transition {
            Some(under_way) => (under_way.longest, under_way.shortest),
            None => (self.time, self.time),
        };
        self.transition = Some(Transition {
            longest: longest.max(time),
            shortest: shortest.min(time),
            left: transition,
        });
        self.time = time;
    }

    /// The tick time in force, or to be in force after the transition.
    pub fn time(&self) -> Duration {
        self.time
    }
}

#[cfg(test)]
#[path = "ticks_test.rs"]
mod tests;
