//! The name of a module that cannot lie: the SHA-256 of its bytes as they were deployed.
//!
//! Knows nothing of files or components; `sha256sum FILE` prints the same digits.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest as _, Sha256};

/// Fewest hexadecimal digits that may stand for a whole digest.
pub const SHORT_DIGITS_MIN: usize = 6;

/// Digits of the short form that listings show.
const SHORT_DIGITS: usize = 12;

/// The SHA-256 of a module's bytes.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Digest([u8; 32]);

impl Digest {
    /// The digest of these bytes.
    pub fn of(bytes: &[u8]) -> Digest {
        Digest(Sha256::digest(bytes).into())
    }

    /// A digest that was computed elsewhere.
    pub const fn from_bytes(bytes: [u8; 32]) -> Digest {
        Digest(bytes)
    }

    /// The 32 bytes.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The first 12 digits: enough to tell modules apart in a listing.
    pub fn short(&self) -> String {
        let mut hex = self.to_string();
        hex.truncate(SHORT_DIGITS);
        hex
    }

    /// Whether the hexadecimal form starts with these digits.
    pub fn starts_with(&self, prefix: &DigestPrefix) -> bool {
        self.to_string().starts_with(&prefix.0)
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Digest({})", self.short())
    }
}

/// Text that is not a digest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a SHA-256 digest: write 64 hexadecimal digits")]
pub struct BadDigest;

impl FromStr for Digest {
    type Err = BadDigest;

    /// Reads 64 hexadecimal digits, with or without `sha256:` before them.
    fn from_str(text: &str) -> Result<Digest, BadDigest> {
        let digits = text.strip_prefix("sha256:").unwrap_or(text).as_bytes();
        if digits.len() != 64 {
            return Err(BadDigest);
        }
        let mut bytes = [0; 32];
        for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
            *byte = hex_value(pair[0])? << 4 | hex_value(pair[1])?;
        }
        Ok(Digest(bytes))
    }
}

fn hex_value(digit: u8) -> Result<u8, BadDigest> {
    match digit {
        b'0'..=b'9' => Ok(digit - b'0'),
        b'a'..=b'f' => Ok(digit - b'a' + 10),
        b'A'..=b'F' => Ok(digit - b'A' + 10),
        _ => Err(BadDigest),
    }
}

impl Serialize for Digest {
    /// As hexadecimal text where people read it, as 32 bytes where only programs do.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            serializer.collect_str(self)
        } else {
            self.0.serialize(serializer)
        }
    }
}

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Digest, D::Error> {
        if deserializer.is_human_readable() {
            let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
            text.parse().map_err(serde::de::Error::custom)
        } else {
            <[u8; 32]>::deserialize(deserializer).map(Digest)
        }
    }
}

/// The first digits of a digest, at least [`SHORT_DIGITS_MIN`] of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DigestPrefix(String);

impl DigestPrefix {
    /// Reads 6 to 64 hexadecimal digits, with or without `sha256:` before them. Nothing if the
    /// text is anything else.
    pub fn parse(text: &str) -> Option<DigestPrefix> {
        let digits = text.strip_prefix("sha256:").unwrap_or(text);
        let fits = (SHORT_DIGITS_MIN..=64).contains(&digits.len());
        let hexadecimal = digits.bytes().all(|digit| digit.is_ascii_hexdigit());
        (fits && hexadecimal).then(|| DigestPrefix(digits.to_ascii_lowercase()))
    }
}
