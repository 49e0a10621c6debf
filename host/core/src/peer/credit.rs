//! Back-pressure within an exchange: a sender holds credit in bytes, spends it
//! with each piece of stream data, and gets more when the receiver has consumed
//! (not merely received) half a window.
//!
//! Small pieces cost [`PIECE_COST_BYTES_MIN`], so that the number of queued pieces
//! is limited as well as their bytes.

/// What a sender holds at the start of an exchange, in bytes.
pub const WINDOW_BYTES: u32 = 256 << 10;

/// The least that a piece costs, in bytes.
pub const PIECE_COST_BYTES_MIN: u32 = 256;

/// The most pieces that can wait for a receiver at one time.
pub const PIECES_MAX: usize = (WINDOW_BYTES / PIECE_COST_BYTES_MIN) as usize;

/// What a piece of stream data costs. Pieces are frames, so they fit 32 bits; a
/// longer one costs all that there is.
pub fn cost_bytes(piece_bytes: usize) -> u32 {
    u32::try_from(piece_bytes).unwrap_or(u32::MAX).max(PIECE_COST_BYTES_MIN)
}

/// The other side broke the rules of credit; the connection must end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Violation {
    /// It sent more than it had credit for.
    #[error("sent without credit")]
    Overrun,
    /// It granted more than a window.
    #[error("granted more credit than a window holds")]
    Overgrant,
}

/// The sending side's purse.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outgoing {
    available: u32,
}

impl Default for Outgoing {
    fn default() -> Self {
        Self { available: WINDOW_BYTES }
    }
}

impl Outgoing {
    /// Spends the cost of a piece, or says that there is not enough.
    pub fn spend(&mut self, piece_bytes: usize) -> bool {
        match self.available.checked_sub(cost_bytes(piece_bytes)) {
            Some(rest) => {
                self.available = rest;
                true
            }
            None => false,
        }
    }

    /// Takes a grant.
    ///
    /// # Errors
    /// When there would be more than a window; nothing changed then.
    pub fn granted(&mut self, bytes: u32) -> Result<(), Violation> {
        let available = self.available.checked_add(bytes).ok_or(Violation::Overgrant)?;
        if available > WINDOW_BYTES {
            return Err(Violation::Overgrant);
        }
        self.available = available;
        Ok(())
    }
}

/// The receiving side's book.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Incoming {
    /// What the sender may still spend.
    open: u32,
    /// What was consumed and not granted again yet.
    consumed: u32,
}

impl Default for Incoming {
    fn default() -> Self {
        Self { open: WINDOW_BYTES, consumed: 0 }
    }
}

impl Incoming {
    /// A piece arrived.
    ///
    /// # Errors
    /// When the sender had no credit for it; nothing changed then.
    pub fn received(&mut self, piece_bytes: usize) -> Result<(), Violation> {
        self.open = self.open.checked_sub(cost_bytes(piece_bytes)).ok_or(Violation::Overrun)?;
        Ok(())
    }

    /// The piece was consumed. What is returned is to be granted to the sender.
    pub fn consumed(&mut self, piece_bytes: usize) -> Option<u32> {
        self.consumed = self.consumed.saturating_add(cost_bytes(piece_bytes));
        if self.consumed < WINDOW_BYTES / 2 {
            return None;
        }
        let grant = std::mem::take(&mut self.consumed);
        self.open = self.open.saturating_add(grant);
        Some(grant)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sender_and_a_receiver_keep_the_same_book() {
        let (mut outgoing, mut incoming) = (Outgoing::default(), Incoming::default());
        for piece_bytes in (1..40_000).cycle().step_by(977).take(10_000) {
            assert!(outgoing.spend(piece_bytes));
            assert_eq!(incoming.received(piece_bytes), Ok(()));
            if let Some(grant) = incoming.consumed(piece_bytes) {
                assert_eq!(outgoing.granted(grant), Ok(()));
            }
        }
    }

    #[test]
    fn an_unread_receiver_stops_the_sender_after_one_window() {
        let (mut outgoing, mut incoming) = (Outgoing::default(), Incoming::default());
        let mut pieces = 0;
        while outgoing.spend(1) {
            assert_eq!(incoming.received(1), Ok(()));
            pieces += 1;
        }
        assert_eq!(pieces, PIECES_MAX);
        assert_eq!(incoming.received(1), Err(Violation::Overrun));
    }

    #[test]
    fn credit_over_a_window_is_a_violation_and_changes_nothing() {
        let mut outgoing = Outgoing::default();
        assert_eq!(outgoing.granted(1), Err(Violation::Overgrant));
        assert_eq!(outgoing.granted(u32::MAX), Err(Violation::Overgrant));
        assert_eq!(outgoing, Outgoing::default());
    }
}
