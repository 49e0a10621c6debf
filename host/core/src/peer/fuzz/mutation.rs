//! Inputs that are made of others by small changes.

/// SplitMix64, so that a failing run can be replayed from its seed.
pub(super) struct Random(pub(super) u64);

/// The longest input that mutations grow to, in bytes.
const INPUT_BYTES_MAX: usize = 4 << 10;

/// Bytes at which readers do something else.
const EDGES: [u8; 8] = [0x00, 0x01, 0x02, 0x7f, 0x80, 0xfe, 0xff, 0x30];

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below this one; 0 if there is none.
    fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % end.max(1) as u64).expect("below a usize")
    }

    fn byte(&mut self) -> u8 {
        self.next().to_le_bytes()[0]
    }

    /// One of these inputs, changed in one to four ways.
    pub(super) fn mutation(&mut self, seeds: &[Vec<u8>]) -> Vec<u8> {
        let mut input = seeds.get(self.below(seeds.len())).cloned().unwrap_or_default();
        for _ in 0..=self.below(4) {
            self.change(&mut input, seeds);
            input.truncate(INPUT_BYTES_MAX);
        }
        input
    }

    fn change(&mut self, input: &mut Vec<u8>, seeds: &[Vec<u8>]) {
        let at = self.below(input.len());
        let end = (at + 1 + self.below(16)).min(input.len());
        match self.below(8) {
            0 if !input.is_empty() => input[at] ^= 1 << self.below(8),
            1 if !input.is_empty() => input[at] = EDGES[self.below(EDGES.len())],
            2 if !input.is_empty() => input[at] = input[at].wrapping_add(self.byte() % 9),
            3 => drop(input.drain(at..end)),
            4 => input.truncate(at),
            5 => {
                let copy = input[at..end].to_vec();
                let to = self.below(input.len() + 1);
                input.splice(to..to, copy);
            }
            6 => {
                let other = seeds.get(self.below(seeds.len())).map_or(&[][..], Vec::as_slice);
                input.truncate(at);
                input.extend_from_slice(&other[self.below(other.len())..]);
            }
            _ => {
                let new: Vec<u8> = (0..=self.below(8)).map(|_| self.byte()).collect();
                input.splice(at..at, new);
            }
        }
    }
}
