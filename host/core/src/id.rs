//! Who is who: nodes' incarnations, actors, references, names.
//!
//! Ids are plain numbers below 2^53, so that every guest language can hold them
//! and put them into messages. Making them is the host's task: it owns the
//! counters and the randomness.

use std::fmt;
use std::sync::Arc;

/// Ids stay below this, the first integer that a double cannot tell from its neighbour.
pub const ID_END: u64 = 1 << 53;

/// One run of a node: random, never 0, below [`ID_END`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId(u64);

impl NodeId {
    /// An id of these random bits, or nothing if they are all zero where it counts.
    pub fn new(random: u64) -> Option<Self> {
        let id = random % ID_END;
        (id != 0).then_some(Self(id))
    }

    /// The number, as guests and the wire carry it.
    pub fn get(self) -> u64 {
        self.0
    }

    /// The id that somebody sent. Any number is taken: one that names no
    /// incarnation is simply nobody's.
    pub const fn from_wire(id: u64) -> Self {
        Self(id)
    }
}

/// Names one actor, for ever.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Pid {
    /// The incarnation that it lives in.
    pub node: NodeId,
    /// The actor within that incarnation, below [`ID_END`].
    pub serial: u64,
}

impl fmt::Display for Pid {
    /// `<node.serial>`, both in base 10, as logs and listings show it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<{}.{}>", self.node.0, self.serial)
    }
}

/// Names one monitor, alias, timer or request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Reference {
    /// The incarnation that made it.
    pub node: NodeId,
    /// The reference within that incarnation, below [`ID_END`].
    pub serial: u64,
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#ref<{}.{}>", self.node.0, self.serial)
    }
}

/// A registered name: 1 to 255 bytes of text, and not `undefined`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name(Arc<str>);

impl Name {
    /// The longest name, in bytes.
    pub const BYTES_MAX: usize = 255;

    /// A valid name of this text, or nothing. The rule for `undefined` is
    /// `erlang:register/2`'s.
    pub fn new(text: &str) -> Option<Self> {
        let valid = !text.is_empty() && text.len() <= Self::BYTES_MAX && text != "undefined";
        valid.then(|| Self(text.into()))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_id_is_below_two_to_the_fifty_third_and_never_zero() {
        assert_eq!(NodeId::new(0), None);
        assert_eq!(NodeId::new(ID_END), None);
        assert_eq!(NodeId::new(u64::MAX).map(NodeId::get), Some(ID_END - 1));
    }

    #[test]
    fn names_are_short_text_other_than_undefined() {
        assert!(Name::new("a").is_some());
        assert!(Name::new(&"x".repeat(255)).is_some());
        assert!(Name::new(&"x".repeat(256)).is_none());
        assert!(Name::new("").is_none());
        assert!(Name::new("undefined").is_none());
    }
}
