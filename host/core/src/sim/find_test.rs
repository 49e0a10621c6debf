//! The gate: hundreds of seeds, every rule, and the same trace for the same seed.
//!
//! `ODEON_SEED=n cargo test -p odeon-core find` replays one seed and prints its trace
//! when a rule is broken; `ODEON_SEEDS=n` looks at that many.

use super::*;
use crate::names::{Effect, Frame, Outcome, Reason};

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
        1 => Plan { nodes: 3, cuts: false, restarts: false, keys: 3, ..plan },
        2 => Plan { nodes: 3, restarts: false, several: false, ..plan },
        3 => Plan { nodes: 5, cuts: false, ..plan },
        4 => Plan { nodes: 4, keys: 2, ..plan },
        _ => Plan { nodes: 7, ..plan },
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
fn many_nodes_that_connect_at_once_agree() {
    let calm = Plan { cuts: false, restarts: false, ..Plan::default() };
    let records = run(1, &Plan { nodes: 20, turns: 200, ..calm });
    assert_eq!(check::all(&records), Vec::<String>::new());
}

/// A simulation in which nothing happens would pass every rule.
#[test]
fn the_simulation_reaches_what_the_rules_are_about() {
    type Seen = (&'static str, fn(&Effect) -> bool, usize);
    let seen: [Seen; 13] = [
        ("yes", |effect| is_answer(effect, |outcome| *outcome == Outcome::Yes), 500),
        ("taken", |effect| is_no(effect, |reason| matches!(reason, Reason::Taken(_))), 200),
        ("has a name", |effect| is_no(effect, |reason| *reason == Reason::HasName), 20),
        ("timeout", |effect| is_no(effect, |reason| *reason == Reason::Timeout), 5),
        ("lost", |effect| is_no(effect, |reason| *reason == Reason::NoConnection), 5),
        ("wound", |effect| is_sent(effect, |frame| matches!(frame, Frame::Wound { .. })), 20),
        ("refuse", |effect| is_sent(effect, |frame| matches!(frame, Frame::Refuse { .. })), 50),
        ("withdraw", |effect| is_sent(effect, |frame| matches!(frame, Frame::Withdraw { .. })), 50),
        ("verdict", |effect| is_sent(effect, |frame| matches!(frame, Frame::Verdict { .. })), 10),
        ("exit", |effect| matches!(effect, Effect::Exit { .. }), 20),
        ("notify one", |effect| matches!(effect, Effect::Notify { both: false, .. }), 20),
        ("notify both", |effect| matches!(effect, Effect::Notify { both: true, .. }), 20),
        ("resolve", |effect| matches!(effect, Effect::Resolve { .. }), 10),
    ];
    let records: Vec<Record> = (0..90).flat_map(|seed| run(seed, &plan_of(seed))).collect();
    for (name, is_it, least) in seen {
        let did = |record: &&Record| matches!(&record.what, What::Names(effect) if is_it(effect));
        let number = records.iter().filter(did).count();
        assert!(number >= least, "{name}: {number}, which is less than {least}");
    }
}

#[test]
fn the_simulation_reaches_what_the_rules_of_locks_are_about() {
    use crate::locks::{Effect, Frame, Outcome, Reason, Refusal};
    type Seen = (&'static str, fn(&Effect) -> bool, usize);
    fn is_no(effect: &Effect, is_it: impl Fn(Reason) -> bool) -> bool {
        matches!(effect, Effect::Answer { outcome: Outcome::No(reason), .. } if is_it(*reason))
    }
    fn is_sent(effect: &Effect, is_it: impl Fn(&Frame) -> bool) -> bool {
        matches!(effect, Effect::Send { frame, .. } if is_it(frame))
    }
    let seen: [Seen; 9] = [
        ("yes", |effect| matches!(effect, Effect::Answer { outcome: Outcome::Yes, .. }), 1_000),
        ("held", |effect| is_no(effect, |reason| matches!(reason, Reason::Held(_))), 200),
        ("timeout", |effect| is_no(effect, |reason| reason == Reason::Timeout), 100),
        ("lost", |effect| is_no(effect, |reason| reason == Reason::NoConnection), 10),
        ("ended", |effect| is_no(effect, |reason| reason == Reason::NoProc), 50),
        ("wound", |effect| is_sent(effect, |frame| matches!(frame, Frame::Wound { .. })), 200),
        ("yield", |effect| is_sent(effect, |frame| matches!(frame, Frame::Yield { .. })), 200),
        ("refuse", |effect| is_sent(effect, is_refused), 100),
        ("confirm", |effect| is_sent(effect, |one| matches!(one, Frame::Released { .. })), 500),
    ];
    fn is_refused(frame: &Frame) -> bool {
        matches!(frame, Frame::Refuse { refusal: Refusal::Held(_), .. })
    }
    let records: Vec<Record> = (0..60).flat_map(|seed| run(seed, &plan_of(seed))).collect();
    for (name, is_it, least) in seen {
        let did = |record: &&Record| matches!(&record.what, What::Locked(effect) if is_it(effect));
        let number = records.iter().filter(did).count();
        assert!(number >= least, "{name}: {number}, which is less than {least}");
    }
}

fn is_answer(effect: &Effect, is_it: impl Fn(&Outcome) -> bool) -> bool {
    matches!(effect, Effect::Answer { outcome, .. } if is_it(outcome))
}

fn is_no(effect: &Effect, is_it: impl Fn(&Reason) -> bool) -> bool {
    is_answer(effect, |outcome| matches!(outcome, Outcome::No(reason) if is_it(reason)))
}

fn is_sent(effect: &Effect, is_it: impl Fn(&Frame) -> bool) -> bool {
    matches!(effect, Effect::Send { frame, .. } if is_it(frame))
}
