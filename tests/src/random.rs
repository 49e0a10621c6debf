//! Random numbers from a seed, so that a failure can be repeated.

/// See above; SplitMix64.
#[derive(Debug)]
pub struct Random(u64);

impl Random {
    /// From `ODEON_SEED`, or else from the process; says which.
    pub fn seeded() -> Self {
        let given = std::env::var("ODEON_SEED").ok().and_then(|seed| seed.parse().ok());
        let seed = given.unwrap_or_else(|| u64::from(std::process::id()));
        println!("ODEON_SEED={seed}");
        Self(seed)
    }

    /// From this seed.
    pub fn from_seed(seed: u64) -> Self {
        Self(seed)
    }

    /// The next number below `limit`.
    ///
    /// # Panics
    /// If that is 0.
    pub fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit as u64) as usize
    }

    /// Another row of numbers, which this one chooses.
    #[must_use]
    pub fn split(&mut self) -> Self {
        Self(self.next())
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}
