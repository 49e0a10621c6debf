//! The gate: hundreds of seeds, every rule, and the same trace for the same seed.
//!
//! `ODEON_SEED=n cargo test -p odeon-core nodes` replays one seed and prints its trace
//! when a rule is broken; `ODEON_SEEDS=n` looks at that many.

use super::*;
use crate::node::{DownReason, Effect, Failure, Located};
use crate::wire::Refusal;

/// Seeds of one run of the tests.
const SEEDS: u64 = 240;

/// A number that a person gave in the environment.
#[expect(clippy::disallowed_methods, reason = "a person names the seed to replay")]
fn given(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(text.parse().expect("a seed and a number of seeds are numbers"))
}

/// Plans in turn, so that each kind of fault is also seen without the others.
fn plan_of(seed: u64) -> Plan {
    let plan = Plan::default();
    match seed % 6 {
        0 => Plan { nodes: 2, ..plan },
        1 => Plan { nodes: 2, cuts: false, restarts: false, mesh: false, ..plan },
        2 => Plan { nodes: 3, restarts: false, hidden: false, ..plan },
        3 => Plan { nodes: 4, disconnects: false, ..plan },
        4 => Plan { nodes: 5, cuts: false, auto: Some(AutoConnect::Always), ..plan },
        _ => Plan { nodes: 8, ..plan },
    }
}

#[test]
fn every_rule_holds_under_every_seed() {
    let replayed = given("ODEON_SEED");
    let number = given("ODEON_SEEDS").unwrap_or(SEEDS);
    let seeds = replayed.map_or(0..number, |seed| seed..seed + 1);
    for seed in seeds {
        let records = run(seed, &plan_of(seed));
        let complaints = check::all(&records);
        if replayed.is_some() && !complaints.is_empty() {
            for record in &records {
                println!("{record:?}");
            }
        }
        assert!(complaints.is_empty(), "replay with ODEON_SEED={seed}: {complaints:#?}");
    }
}

#[test]
fn the_same_seed_gives_the_same_trace_and_another_seed_another() {
    for seed in 0..6 {
        let records = run(seed, &plan_of(seed));
        assert!(records == run(seed, &plan_of(seed)), "seed {seed}");
        assert!(records != run(seed + 6, &plan_of(seed)), "seed {seed}");
    }
}

#[test]
fn a_chain_of_visible_nodes_grows_into_a_full_mesh() {
    for seed in 0..20 {
        let plan = Plan { nodes: 6, hidden: false, auto: Some(AutoConnect::Always), ..plan_of(1) };
        let plan = Plan { mesh: true, ..plan };
        let mut records = run_chain(seed, &plan);
        for record in &mut records {
            if let What::Settled { complete, .. } = &mut record.what {
                *complete = true;
            }
        }
        let has_mesh = |record: &Record| match &record.what {
            What::Began(settings) => settings.mesh,
            _ => true,
        };
        if records.iter().all(has_mesh) {
            assert_eq!(check::all(&records), Vec::<String>::new(), "seed {seed}");
        }
    }
}

#[test]
fn without_faults_no_connection_goes_down_and_no_want_fails() {
    let calm = Plan { cuts: false, restarts: false, disconnects: false, ..Plan::default() };
    for seed in 0..40 {
        let nodes = 2 + seed as usize % 5;
        let records = run(seed, &Plan { nodes, auto: Some(AutoConnect::Always), ..calm });
        let is_bad = |record: &&Record| {
            matches!(record.what, What::Did(Effect::Down { .. } | Effect::Failed { .. }))
        };
        let bad: Vec<&Record> = records.iter().filter(is_bad).collect();
        assert!(bad.is_empty(), "replay with seed {seed}: {bad:#?}");
    }
}

/// A simulation in which nothing happens would pass every rule.
#[test]
fn the_simulation_reaches_what_the_rules_are_about() {
    use crate::node::CloseReason::{Abandoned, Superseded};
    type Seen = (&'static str, fn(&Effect) -> bool, usize);
    let seen: [Seen; 20] = [
        ("kept", |effect| matches!(effect, Effect::Keep { .. }), 1_000),
        ("simultaneous", |effect| is_refusal(effect, Refusal::Simultaneous), 50),
        ("not allowed", |effect| is_refusal(effect, Refusal::NotAllowed), 5),
        ("abandoned", |effect| matches!(effect, Effect::Close { reason: Abandoned, .. }), 10),
        ("replaced", |effect| matches!(effect, Effect::Close { reason: Superseded, .. }), 1),
        ("superseded", |effect| is_down(effect, &DownReason::Superseded), 20),
        ("closed", |effect| is_down(effect, &DownReason::ConnectionClosed), 50),
        ("silent", |effect| is_down(effect, &DownReason::NetTickTimeout), 50),
        ("disconnect", |effect| is_down(effect, &DownReason::Disconnect), 50),
        ("disconnected", |effect| is_down(effect, &DownReason::Disconnected), 50),
        ("shutdown", |effect| is_down(effect, &DownReason::Shutdown), 20),
        ("timeout", |effect| is_failure(effect, &Failure::Timeout), 50),
        ("barred", |effect| is_failure(effect, &Failure::Barred), 20),
        ("not automatic", |effect| is_failure(effect, &Failure::NotAutomatic), 20),
        ("not alive", |effect| is_failure(effect, &Failure::NotAlive), 5),
        ("told", |effect| matches!(effect, Effect::Nodes { .. }), 200),
        ("asked", |effect| matches!(effect, Effect::Ask { .. }), 50),
        ("named", |effect| is_located(effect, |at| matches!(at, Located::Name(_))), 20),
        ("dead", |effect| is_located(effect, |at| *at == Located::Dead), 5),
        ("nobody", |effect| is_located(effect, |at| *at == Located::Nobody), 50),
    ];
    let records: Vec<Record> = (0..60).flat_map(|seed| run(seed, &plan_of(seed))).collect();
    for (name, is_it, least) in seen {
        let did = |record: &&Record| matches!(&record.what, What::Did(effect) if is_it(effect));
        let number = records.iter().filter(did).count();
        assert!(number >= least, "{name}: {number}, which is less than {least}");
    }
}

fn is_refusal(effect: &Effect, wanted: Refusal) -> bool {
    matches!(effect, Effect::Refuse { refusal, .. } if *refusal == wanted)
}

fn is_located(effect: &Effect, fits: impl Fn(&Located) -> bool) -> bool {
    matches!(effect, Effect::Located { located, .. } if fits(located))
}

fn is_down(effect: &Effect, wanted: &DownReason) -> bool {
    matches!(effect, Effect::Down { reason, .. } if reason == wanted)
}

fn is_failure(effect: &Effect, wanted: &Failure) -> bool {
    matches!(effect, Effect::Failed { reason, .. } if reason == wanted)
}
