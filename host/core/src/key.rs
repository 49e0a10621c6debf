//! Keys of cluster names, groups, scopes and locks: any bytes, within a limit.

use std::borrow::Borrow;
use std::fmt;

use smallvec::SmallVec;

use crate::id::Pid;

/// What cluster names, groups, scopes and locks are called: 1 to [`Key::BYTES_MAX`]
/// bytes, which need not be text.
///
/// Short ones lie in place: the trees that hold them would miss the cache at every
/// comparison otherwise.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key(SmallVec<[u8; 23]>);

/// Bytes that are no key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// There are none.
    #[error("an empty name")]
    Empty,
    /// There are too many.
    #[error("a name of {0} bytes, over the limit of {max}", max = Key::BYTES_MAX)]
    TooLong(usize),
}

impl Key {
    /// The longest key, in bytes: as long as local names may be, and short enough that a
    /// frame carries many.
    pub const BYTES_MAX: usize = 255;

    /// The key of these bytes.
    ///
    /// # Errors
    /// When there are none, or more than [`Key::BYTES_MAX`].
    pub fn new(bytes: &[u8]) -> Result<Self, KeyError> {
        match bytes.len() {
            0 => Err(KeyError::Empty),
            1..=Self::BYTES_MAX => Ok(Self(bytes.into())),
            too_many => Err(KeyError::TooLong(too_many)),
        }
    }

    /// The bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// A number for an actor under this key, the same on every node. It puts actors into
    /// an order that favours none of them under all keys.
    pub(crate) fn rank(&self, pid: Pid) -> u64 {
        // FNV-1a over the bytes, and then the last steps of SplitMix64, so that ids that
        // differ by little do not stay neighbours.
        let ids = [pid.node.get().to_le_bytes(), pid.serial.to_le_bytes()];
        let bytes = self.0.iter().chain(ids.as_flattened());
        let step = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        let mut mixed = bytes.fold(0xcbf2_9ce4_8422_2325, step);
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}

impl Borrow<[u8]> for Key {
    /// Keys are found by their bytes: both compare and hash alike.
    fn borrow(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Display for Key {
    /// As text, with what is not printable ASCII escaped.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0.escape_ascii())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::NodeId;

    #[test]
    fn a_key_has_1_to_255_bytes_of_any_value() {
        assert_eq!(Key::new(b""), Err(KeyError::Empty));
        assert_eq!(Key::new(&[0; 256]), Err(KeyError::TooLong(256)));
        assert_eq!(Key::new(&[0; 100_000]), Err(KeyError::TooLong(100_000)));
        assert_eq!(Key::new(&[255; 255]).map(|key| key.as_bytes().to_vec()), Ok(vec![255; 255]));
    }

    #[test]
    fn errors_say_what_is_wrong() {
        assert_eq!(KeyError::Empty.to_string(), "an empty name");
        let text = KeyError::TooLong(300).to_string();
        assert_eq!(text, "a name of 300 bytes, over the limit of 255");
    }

    #[test]
    fn a_key_shows_as_text() {
        assert_eq!(Key::new(b"a b\xff").map(|key| key.to_string()), Ok("a b\\xff".to_owned()));
    }

    #[test]
    fn ranks_are_the_same_on_every_machine_and_favour_nobody() {
        let pid = |node, serial| Pid { node: NodeId::from_wire(node), serial };
        let wins = |key: u32| {
            let key = Key::new(&key.to_le_bytes()).expect("a key");
            key.rank(pid(1, 1)) < key.rank(pid(2, 1))
        };
        let won = (0..1_000).filter(|key| wins(*key)).count();
        assert!((400..600).contains(&won), "{won} of 1,000");
        let key = Key::new(b"name").expect("a key");
        assert_eq!(key.rank(pid(1, 2)), key.rank(pid(1, 2)));
        assert_ne!(key.rank(pid(1, 2)), key.rank(pid(2, 1)));
    }
}
