//! The log of refused connections, which strangers must not be able to flood: the
//! first few of each minute, then how many there were.

use std::fmt::Display;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::Instant;

use super::Origin;

/// Lines in one period.
const LINES_MAX: u32 = 10;

/// What the lines are counted in.
const PERIOD: Duration = Duration::from_secs(60);

/// Writes about refused connections, not too often.
#[derive(Debug, Default)]
pub(super) struct Refusals {
    period: Mutex<Option<Period>>,
}

#[derive(Debug)]
struct Period {
    begun: Instant,
    refused: u32,
}

impl Refusals {
    /// A connection from there was refused.
    pub(super) fn refused(&self, from: Origin, reason: &dyn Display) {
        self.settle();
        match self.count(Instant::now()) {
            ..LINES_MAX => tracing::warn!(%from, %reason, "refused a connection"),
            LINES_MAX => {
                let seconds = PERIOD.as_secs();
                tracing::warn!(
                    %from, %reason,
                    "refused a connection; more are only counted for {seconds} seconds"
                );
            }
            _ => tracing::debug!(%from, %reason, "refused a connection"),
        }
    }

    /// When [`Refusals::settle`] has something to say next, if it has.
    pub(super) fn due(&self) -> Option<Instant> {
        let period = self.period.lock();
        period.as_ref().filter(|it| it.refused > LINES_MAX).map(|it| it.begun + PERIOD)
    }

    /// Says how many were only counted, if the time is over.
    pub(super) fn settle(&self) {
        if let Some(counted) = self.over(Instant::now()) {
            tracing::warn!("refused {counted} more connections");
        }
    }

    /// Which one of its period this is, from 1.
    fn count(&self, now: Instant) -> u32 {
        let mut period = self.period.lock();
        let period = period.get_or_insert(Period { begun: now, refused: 0 });
        period.refused = period.refused.saturating_add(1);
        period.refused
    }

    /// Ends the period if its time is over; gives how many were only counted, if any.
    fn over(&self, now: Instant) -> Option<u32> {
        let mut period = self.period.lock();
        let over = period.take_if(|it| now >= it.begun + PERIOD)?;
        over.refused.checked_sub(LINES_MAX).filter(|counted| *counted > 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_of_a_period_are_told_one_by_one_and_the_rest_counted() {
        let refusals = Refusals::default();
        let begun = Instant::now();
        assert_eq!(refusals.over(begun), None);
        for at in 1..=25 {
            assert_eq!(refusals.count(begun + Duration::from_secs(1)), at);
        }
        assert_eq!(refusals.over(begun + PERIOD), None, "not over yet");
        assert!(refusals.due().is_some());
        assert_eq!(refusals.over(begun + PERIOD + Duration::from_secs(1)), Some(25 - LINES_MAX));
        assert_eq!(refusals.due(), None);
        assert_eq!(refusals.count(begun + 2 * PERIOD), 1, "a new period");
        assert_eq!(refusals.over(begun + 3 * PERIOD), None, "nothing was only counted");
    }
}
