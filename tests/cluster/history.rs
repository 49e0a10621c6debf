//! What happened to cluster names, and whether it may have. Knows nothing of the machine
//! that gives them: all it has is what was asked, what came of it, and who was connected.

use std::collections::BTreeMap;
use std::time::Instant;

use odeon_tests::protocol::Pid;

/// One of a few names.
pub(crate) type Name = u8;

/// Something that happened between two moments, as seen at one node.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Entry {
    pub(crate) node: usize,
    pub(crate) begun: Instant,
    pub(crate) ended: Instant,
    pub(crate) what: What,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum What {
    /// An actor of this node got the name.
    Registered(Name, Pid),
    /// The name was taken from whoever had it.
    Unregistered(Name),
    /// The test killed an actor of this node.
    Killed(Pid),
    /// An actor of this node was found dead, whom the test had not killed.
    Died(Pid),
    /// An actor of this node was told that it has the name no more.
    Lost(Name, Pid),
    /// The name was looked up here.
    Found(Name, Option<Pid>),
    /// Somebody here was told that an actor is dead; not that its node was lost.
    Down(Pid),
}

/// A time in which nobody came or went, after everybody had heard of those before.
#[derive(Debug)]
pub(crate) struct Calm {
    pub(crate) begun: Instant,
    pub(crate) ended: Instant,
    /// Which side each node is on.
    pub(crate) sides: Vec<usize>,
    /// What all nodes of a side find at the end.
    pub(crate) owners: BTreeMap<(usize, Name), Option<Pid>>,
}

/// All that is known.
#[derive(Debug, Default)]
pub(crate) struct History {
    pub(crate) entries: Vec<Entry>,
    pub(crate) calms: Vec<Calm>,
    /// Which node an actor is on.
    pub(crate) homes: BTreeMap<Pid, usize>,
}

/// A name that an actor has for certain: from the answer until somebody began anything
/// that may end it.
#[derive(Debug)]
struct Tenure {
    name: Name,
    pid: Pid,
    node: usize,
    from: Instant,
    to: Option<Instant>,
}

impl Tenure {
    /// Whether it is certain during all of this time.
    fn holds(&self, from: Instant, to: Instant) -> bool {
        self.from <= from && self.to.is_none_or(|end| end > to)
    }
}

impl History {
    /// What must not have happened, in words.
    pub(crate) fn violations(&self) -> Vec<String> {
        let tenures = self.tenures();
        let mut found = self.dead_found();
        for calm in &self.calms {
            found.extend(self.lost_in(calm));
            found.extend(self.found_beyond(calm));
            found.extend(self.wrong_at_the_end(calm, &tenures));
            for (at, one) in tenures.iter().enumerate() {
                let others = tenures[at + 1..].iter();
                let both = others.filter(|other| are_both_owners(calm, one, other));
                found.extend(both.map(|other| format!("two owners: {one:?} and {other:?}")));
            }
        }
        found
    }

    /// How many entries there are of a kind.
    pub(crate) fn count(&self, is_it: impl Fn(What) -> bool) -> usize {
        self.entries.iter().filter(|entry| is_it(entry.what)).count()
    }

    /// Names that two sides owned when they met.
    pub(crate) fn clashes(&self) -> usize {
        let names = |calm: &Calm| -> Vec<Name> {
            let owned = calm.owners.iter().filter(|(_, owner)| owner.is_some());
            owned.map(|((_, name), _)| *name).collect()
        };
        let doubled = |calm: &Calm| {
            let names = names(calm);
            names.len() - names.iter().collect::<std::collections::BTreeSet<_>>().len()
        };
        self.calms.iter().map(doubled).sum()
    }

    fn tenures(&self) -> Vec<Tenure> {
        let registered = self.entries.iter().filter_map(|entry| match entry.what {
            What::Registered(name, pid) => Some((entry, name, pid)),
            _ => None,
        });
        let tenure = |(entry, name, pid): (&Entry, Name, Pid)| {
            let ends = |other: &&Entry| match other.what {
                What::Killed(dead) | What::Died(dead) => dead == pid,
                What::Lost(lost, by) => (lost, by) == (name, pid),
                What::Unregistered(taken) => taken == name && other.ended > entry.begun,
                What::Registered(..) | What::Found(..) | What::Down(_) => false,
            };
            let to = self.entries.iter().filter(ends).map(|other| other.begun).min();
            Tenure { name, pid, node: entry.node, from: entry.ended, to }
        };
        registered.map(tenure).collect()
    }

    /// Lookups of actors whose death had been told there.
    fn dead_found(&self) -> Vec<String> {
        let mut told: BTreeMap<(usize, Pid), Instant> = BTreeMap::new();
        for entry in &self.entries {
            if let What::Down(pid) = entry.what {
                told.entry((entry.node, pid)).or_insert(entry.ended);
            }
        }
        let is_dead = |entry: &&Entry| match entry.what {
            What::Found(_, Some(pid)) => {
                told.get(&(entry.node, pid)).is_some_and(|told| entry.begun > *told)
            }
            _ => false,
        };
        let found = self.entries.iter().filter(is_dead);
        found.map(|entry| format!("a dead owner is found: {entry:?}")).collect()
    }

    /// Owners that died or were told though nobody came, went or killed them.
    fn lost_in(&self, calm: &Calm) -> Vec<String> {
        let is_lost = |entry: &&Entry| {
            matches!(entry.what, What::Died(_) | What::Lost(..))
                && entry.begun >= calm.begun
                && entry.ended <= calm.ended
        };
        let lost = self.entries.iter().filter(is_lost);
        lost.map(|entry| format!("a name is lost without a reason: {entry:?}")).collect()
    }

    /// Lookups that gave an actor of another side.
    fn found_beyond(&self, calm: &Calm) -> Vec<String> {
        let is_beyond = |entry: &&Entry| match entry.what {
            What::Found(_, Some(pid)) => {
                entry.begun >= calm.begun
                    && entry.ended <= calm.ended
                    && !self.is_on_side(pid, calm, calm.sides[entry.node])
            }
            _ => false,
        };
        let beyond = self.entries.iter().filter(is_beyond);
        beyond.map(|entry| format!("an owner beyond the cut is found: {entry:?}")).collect()
    }

    fn is_on_side(&self, pid: Pid, calm: &Calm, side: usize) -> bool {
        self.homes.get(&pid).is_some_and(|home| calm.sides[*home] == side)
    }

    fn is_dead(&self, pid: Pid, at: Instant) -> bool {
        let died = |entry: &Entry| match entry.what {
            What::Killed(dead) | What::Died(dead) => dead == pid && entry.ended <= at,
            _ => false,
        };
        self.entries.iter().any(died)
    }

    /// What a side agreed on at the end of a calm, against who has the name for certain.
    fn wrong_at_the_end(&self, calm: &Calm, tenures: &[Tenure]) -> Vec<String> {
        let mut wrong = Vec::new();
        for ((side, name), owner) in &calm.owners {
            if let Some(owner) = owner {
                let was_registered = tenures.iter().any(|tenure| {
                    tenure.name == *name && tenure.pid == *owner && tenure.from <= calm.ended
                });
                let is_there = self.is_on_side(*owner, calm, *side);
                if !was_registered || !is_there || self.is_dead(*owner, calm.ended) {
                    wrong.push(format!("{name} has an owner that it cannot have: {owner:?}"));
                }
            }
            let certain = tenures.iter().filter(|tenure| {
                tenure.name == *name
                    && calm.sides[tenure.node] == *side
                    && tenure.holds(calm.ended, calm.ended)
            });
            let robbed = certain.filter(|tenure| Some(tenure.pid) != *owner);
            wrong.extend(robbed.map(|tenure| format!("instead of {tenure:?} there is {owner:?}")));
        }
        wrong
    }
}

/// Whether both have one name for certain at some moment of the calm.
fn are_both_owners(calm: &Calm, one: &Tenure, other: &Tenure) -> bool {
    let from = one.from.max(other.from).max(calm.begun);
    one.name == other.name
        && one.pid != other.pid
        && calm.sides[one.node] == calm.sides[other.node]
        && from < calm.ended
        && one.holds(from, from)
        && other.holds(from, from)
}

/// The checker itself: it finds what must not be, and nothing in what may be.
#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{BTreeMap, Calm, Entry, History, Instant, Pid, What};

    fn pid(serial: u64) -> Pid {
        Pid { node: 0, serial }
    }

    /// Two nodes, on one side or two, in a calm from 10 to 90; actor 1 is of the first
    /// node and actor 2 of the second. Entries last from their number to the next one.
    fn violations(sides: [usize; 2], happened: &[(u64, usize, What)], owner: u64) -> Vec<String> {
        let start = Instant::now();
        let at = |ms: u64| start + Duration::from_millis(ms);
        let entry = |(ms, node, what): &(u64, usize, What)| Entry {
            node: *node,
            begun: at(*ms),
            ended: at(ms + 1),
            what: *what,
        };
        let owners = BTreeMap::from([((0, 7), (owner > 0).then(|| pid(owner)))]);
        let calm = Calm { begun: at(10), ended: at(90), sides: sides.to_vec(), owners };
        let entries = happened.iter().map(entry).collect();
        let homes = BTreeMap::from([(pid(1), 0), (pid(2), 1)]);
        History { entries, calms: vec![calm], homes }.violations()
    }

    #[test]
    fn one_owner_after_the_other_is_as_it_should_be() {
        use What::{Down, Found, Killed, Registered};
        let happened = [
            (1, 0, Registered(7, pid(1))),
            (20, 1, Found(7, Some(pid(1)))),
            (30, 0, Killed(pid(1))),
            (31, 1, Down(pid(1))),
            (40, 1, Registered(7, pid(2))),
        ];
        assert_eq!(violations([0, 0], &happened, 2), Vec::<String>::new());
    }

    #[test]
    fn two_owners_on_one_side_are_found_and_on_two_sides_are_none() {
        use What::{Killed, Registered};
        let happened = [
            (20, 0, Registered(7, pid(1))),
            (30, 1, Registered(7, pid(2))),
            (40, 1, Killed(pid(2))),
        ];
        let found = violations([0, 0], &happened, 1);
        assert!(found.len() == 1 && found[0].starts_with("two owners"), "{found:?}");
        assert_eq!(violations([0, 1], &happened, 1), Vec::<String>::new());
    }

    #[test]
    fn a_dead_owner_must_not_be_found_by_who_knows_of_its_death() {
        use What::{Down, Found, Killed, Registered};
        let happened = |found_by| {
            [
                (1, 0, Registered(7, pid(1))),
                (20, 0, Killed(pid(1))),
                (30, 1, Down(pid(1))),
                (40, found_by, Found(7, Some(pid(1)))),
            ]
        };
        let found = violations([0, 0], &happened(1), 0);
        assert!(found.len() == 1 && found[0].starts_with("a dead owner"), "{found:?}");
        assert_eq!(violations([0, 0], &happened(0), 0), Vec::<String>::new());
    }

    #[test]
    fn a_name_that_is_gone_without_a_reason_is_missed() {
        use What::{Died, Lost, Registered, Unregistered};
        let kept = (1, 0, Registered(7, pid(1)));
        let found = violations([0, 0], &[kept], 0);
        assert!(found.len() == 1 && found[0].starts_with("instead of"), "{found:?}");
        assert_eq!(violations([0, 0], &[kept, (20, 1, Unregistered(7))], 0), Vec::<String>::new());
        // Before the calm there was a reason; within it there is none.
        for what in [Died(pid(1)), Lost(7, pid(1))] {
            assert_eq!(violations([0, 0], &[kept, (5, 0, what)], 0), Vec::<String>::new());
            let found = violations([0, 0], &[kept, (20, 0, what)], 0);
            assert!(found.len() == 1 && found[0].contains("without a reason"), "{found:?}");
        }
    }

    #[test]
    fn an_owner_beyond_the_cut_or_one_that_never_registered_is_wrong() {
        use What::{Found, Registered};
        let beyond = [(1, 1, Registered(7, pid(2))), (20, 0, Found(7, Some(pid(2))))];
        let found = violations([0, 1], &beyond, 0);
        assert!(found.len() == 1 && found[0].contains("beyond the cut"), "{found:?}");
        let found = violations([0, 0], &[], 1);
        assert!(found.len() == 1 && found[0].contains("cannot have"), "{found:?}");
    }
}
