//! Time: clocks, waiting, and events in the future.

use crate::bindings::odeon::actor::timers as host;
use crate::codec::Encode;
use crate::mailbox::{self, Event, millis};
use crate::types::{Destination, Reference};
use std::time::Duration;

pub use host::TimerError;

/// The time since the node started. Never goes back.
#[must_use]
pub fn now() -> Duration {
    Duration::from_nanos(host::now())
}

/// The time since 1970-01-01 UTC, as the node's clock has it; it can jump.
#[must_use]
pub fn wall_clock() -> Duration {
    Duration::from_millis(host::wall_clock_ms())
}

/// Waits. Signals still act on the actor meanwhile.
pub fn sleep(duration: Duration) {
    host::sleep(millis(duration));
}

/// A timer that runs. Dropping it lets it run on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Timer(Reference);

/// Puts a `Timeout` event into the caller's mailbox after a time.
///
/// # Errors
/// The actor has as many timers as it may have.
pub fn start(after: Duration) -> Result<Timer, TimerError> {
    host::start(millis(after)).map(Timer)
}

/// Sends a message, from the caller, after a time. It is not sent if the caller
/// has ended by then.
///
/// # Errors
/// The actor has as many timers as it may have.
pub fn send_after<T: Encode + ?Sized>(
    after: Duration,
    to: impl Into<Destination>,
    value: &T,
) -> Result<Timer, TimerError> {
    host::send_after(millis(after), &to.into(), &value.encode()).map(Timer)
}

impl Timer {
    /// The reference that the `Timeout` event carries.
    #[must_use]
    pub fn reference(self) -> Reference {
        self.0
    }

    /// Stops the timer. The time that was left; nothing if it had run out. A
    /// `Timeout` event that waits already is dropped.
    pub fn cancel(self) -> Option<Duration> {
        let left = host::cancel(self.0).map(Duration::from_millis);
        if left.is_none() {
            let _late: Option<Event> = mailbox::event_of(self.0, Some(Duration::ZERO));
        }
        left
    }
}
