//! The seeds, and what a fixed number makes of them. A longer search is the work of the
//! package `fuzz/`; what it finds becomes a line of a seed file.

use super::*;

/// Mutations of each target's seeds: about a second, where nothing is optimised.
const MUTATIONS: u32 = 8_000;

#[test]
fn every_seed_is_read_or_refused() {
    for target in TARGETS {
        let seeds = target.seeds();
        assert!(!seeds.is_empty(), "{}: no seeds", target.name);
        for seed in seeds {
            (target.run)(&seed);
        }
    }
}

#[test]
fn every_prefix_of_a_seed_is_read_or_refused() {
    for target in TARGETS {
        for seed in target.seeds() {
            for end in 0..seed.len().min(200) {
                (target.run)(&seed[..end]);
            }
        }
    }
}

#[test]
fn mutations_of_the_seeds_are_read_or_refused() {
    for (target, seed) in TARGETS.iter().zip(1..) {
        target.run_mutations(seed, MUTATIONS);
    }
}

#[test]
fn the_same_number_makes_the_same_mutations_and_another_makes_others() {
    let seeds = TARGETS[0].seeds();
    let made = |seed| {
        let mut random = Random(seed);
        (0..50).map(|_| random.mutation(&seeds)).collect::<Vec<_>>()
    };
    assert_eq!(made(1), made(1));
    assert_ne!(made(1), made(2));
}

/// The seeds reach what is behind the first checks, or mutations of them would not.
#[test]
fn the_seeds_reach_what_is_behind_the_first_checks() {
    let of = |name: &str| {
        let target = TARGETS.into_iter().find(|target| target.name == name);
        target.expect("it is there").seeds()
    };
    let gives = |seed: &Vec<u8>| {
        let message = seed.get(3..).unwrap_or_default();
        !in_one(&mut Inbound::new(RECEIVER, SENDER, FEATURE_LZ4), message).0.is_empty()
    };
    assert!(of("inbound").iter().filter(|seed| gives(seed)).count() > 25);
    assert!(of("lz4").iter().filter(|seed| decompress(seed).is_ok()).count() > 2);
    assert!(of("handshake").iter().any(|seed| seed[0] % 3 == 2));
}
