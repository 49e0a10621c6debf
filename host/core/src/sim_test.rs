//! The gate: hundreds of seeds, every rule, and the same trace for the same seed.
//!
//! `ODEON_SEED=n cargo test -p odeon-core sim` replays one seed and prints its trace
//! when a rule is broken; `ODEON_SEEDS=n` looks at that many.

use super::trace::Kind;
use super::*;
use crate::process::Event;
use crate::reason::Reason;

/// Seeds of one run of the tests.
const SEEDS: u64 = 300;

/// A number that a person gave in the environment.
#[expect(clippy::disallowed_methods, reason = "a person names the seed to replay")]
fn given(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(text.parse().expect("a seed and a number of seeds are numbers"))
}

/// Plans in turn, so that each kind of fault is also seen without the others.
fn plan_of(seed: u64) -> Plan {
    let plan = Plan::default();
    match seed % 4 {
        0 => Plan { cuts: false, restarts: false, nodes: 1, actors_per_node: 8, ..plan },
        1 => Plan { restarts: false, ..plan },
        2 => Plan { nodes: 4, ..plan },
        _ => plan,
    }
}

#[test]
fn every_rule_holds_under_every_seed() {
    let replayed = given("ODEON_SEED");
    let number = given("ODEON_SEEDS").unwrap_or(SEEDS);
    let seeds = replayed.map_or(0..number, |seed| seed..seed + 1);
    for seed in seeds {
        let trace = run(seed, &plan_of(seed));
        let complaints = check::all(&trace.records);
        if replayed.is_some() && !complaints.is_empty() {
            for record in &trace.records {
                println!("{record:?}");
            }
        }
        assert!(complaints.is_empty(), "replay with ODEON_SEED={seed}: {complaints:#?}");
    }
}

#[test]
fn the_same_seed_gives_the_same_trace_and_another_seed_another() {
    for seed in 0..8 {
        let plan = plan_of(seed);
        let trace = run(seed, &plan);
        assert_eq!(trace.hash(), run(seed, &plan).hash(), "seed {seed}");
        assert_ne!(trace.hash(), run(seed + 4, &plan).hash(), "seed {seed}");
    }
}

/// A simulation in which nothing happens would pass every rule.
#[test]
fn the_simulation_reaches_what_the_rules_are_about() {
    type Seen = (&'static str, fn(&Record) -> bool, usize);
    let seen: [Seen; 10] = [
        ("unlinks", |record| matches!(record, Record::Unlinked { .. }), 300),
        ("exits of links", |record| is_arrival(record, &Kind::LinkExit), 300),
        ("exits of removed links", |record| is_idle_exit(record), 20),
        ("downs", |record| is_taken(record, |event| matches!(event, Event::Down { .. })), 300),
        ("demonitors", |record| matches!(record, Record::Demonitored { found: true, .. }), 100),
        ("flushes", |record| matches!(record, Record::Demonitored { found: false, .. }), 100),
        ("losses", |record| matches!(record, Record::NodeLost { .. }), 100),
        ("envelopes lost", |record| matches!(record, Record::Lost { .. }), 300),
        ("deaths by a limit", |record| is_limit(record), 20),
        ("abandoned spawns", |record| matches!(record, Record::SpawnAbandoned { .. }), 10),
    ];
    let traces: Vec<Trace> = (0..60).map(|seed| run(seed, &plan_of(seed))).collect();
    for (name, is_it, least) in seen {
        let records = traces.iter().flat_map(|trace| &trace.records);
        let number = records.filter(|record| is_it(record)).count();
        assert!(number >= least, "{name}: {number}, which is less than {least}");
    }
}

fn is_arrival(record: &Record, wanted: &Kind) -> bool {
    matches!(record, Record::Arrived { kind, .. } if kind == wanted)
}

fn is_idle_exit(record: &Record) -> bool {
    matches!(record, Record::Arrived { kind: Kind::LinkExit, acted: false, .. })
}

fn is_taken(record: &Record, fits: impl Fn(&Event) -> bool) -> bool {
    matches!(record, Record::Took { event, .. } if fits(event))
}

fn is_limit(record: &Record) -> bool {
    matches!(record, Record::Died { reason: Reason::Limit(_), .. })
}
