//! What a node says when an actor of it owns a name, and which of two such claims counts.

use std::cmp::Reverse;

use crate::id::{Pid, Reference};
use crate::key::Key;

/// An actor owns a name, or is about to. Its own node says so and nobody else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Claim {
    /// The owner.
    pub pid: Pid,
    /// Tells it from other claims of the same node: below 2^53, never used twice.
    pub number: u64,
    /// One more than the greatest of the claims that it replaced.
    pub generation: u64,
    /// The claim that it replaced on purpose, whose owner is not told.
    pub over: Option<Reference>,
    /// When it was registered, in milliseconds since 1970 by its node's clock.
    pub since: u64,
    /// What happens if another claim on the same name is met.
    pub resolver: Resolver,
}

/// What happens when two sides of a cluster meet that each have an owner of one name
/// (`global:register_name/3`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Resolver {
    /// One of the two, as good as random, loses the name and is killed
    /// (`random_exit_name`).
    #[default]
    RandomExit,
    /// One of the two, as good as random, loses the name and is told
    /// (`random_notify_name`).
    RandomNotify,
    /// Both lose the name and are told (`notify_all_name`).
    NotifyAll,
    /// The one that was registered later loses the name and is killed.
    OldestExit,
    /// The one that was registered later loses the name and is told.
    OldestNotify,
    /// A guest decides, at the node of the one that would keep the name otherwise.
    Ask,
}

impl Resolver {
    /// Whether it goes by the time of registration.
    fn is_by_age(self) -> bool {
        match self {
            Self::OldestExit | Self::OldestNotify => true,
            Self::RandomExit | Self::RandomNotify | Self::NotifyAll | Self::Ask => false,
        }
    }
}

impl Claim {
    /// What tells it from all other claims.
    pub fn id(&self) -> Reference {
        Reference { node: self.pid.node, serial: self.number }
    }

    /// Orders claims on one name: the first is the one that counts. All nodes agree on
    /// this order, so if each drops a claim only when it knows of an earlier one, exactly
    /// the first of all remains, however many meet.
    ///
    /// Who replaced another comes first, then those whose resolver goes by age, by age,
    /// then the others, as good as random. If resolvers differ, the first claim's counts.
    pub(crate) fn order(&self, key: &Key) -> impl Ord + use<> {
        let by_age = self.resolver.is_by_age();
        let age = if by_age { self.since } else { 0 };
        (Reverse(self.generation), Reverse(by_age), age, key.rank(self.pid), self.pid)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::NodeId;

    fn claim(serial: u64, generation: u64, since: u64, resolver: Resolver) -> Claim {
        let pid = Pid { node: NodeId::from_wire(serial), serial };
        Claim { pid, number: 0, generation, over: None, since, resolver }
    }

    #[test]
    fn a_later_generation_comes_first_then_age_where_it_counts() {
        let key = Key::new(b"a").expect("a key");
        let ordered = [
            claim(1, 2, 9, Resolver::RandomExit),
            claim(2, 1, 1, Resolver::OldestNotify),
            claim(3, 1, 2, Resolver::OldestExit),
            claim(4, 1, 1, Resolver::RandomExit),
            claim(5, 0, 0, Resolver::OldestExit),
        ];
        assert!(ordered.is_sorted_by_key(|claim| claim.order(&key)));
    }

    #[test]
    fn among_random_ones_every_claim_is_first_under_some_key() {
        let claims = [1, 2, 3].map(|serial| claim(serial, 0, serial, Resolver::RandomExit));
        let first = |key: u8| {
            let key = Key::new(&[key]).expect("a key");
            claims.iter().min_by_key(|claim| claim.order(&key)).map(|claim| claim.pid.serial)
        };
        let firsts: Vec<_> = (0..40).filter_map(first).collect();
        assert!((1..=3).all(|serial| firsts.contains(&serial)), "{firsts:?}");
    }
}
