//! Hands mutations of the seeds to the targets for so many seconds each: a search without
//! a fuzzer, for any compiler. Prints the number that repeats what it finds.

use std::panic::catch_unwind;
use std::process::ExitCode;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::Context as _;
use odeon_core::peer::fuzz::{TARGETS, Target};

/// Mutations of one number: few, so that a failure is soon repeated.
const BATCH: u32 = 1_000;

fn main() -> anyhow::Result<ExitCode> {
    let mut arguments = std::env::args().skip(1);
    let seconds = arguments.next().context("how many seconds for each target?")?.parse()?;
    let first = match arguments.next() {
        Some(number) => number.parse()?,
        None => SystemTime::now().duration_since(UNIX_EPOCH)?.as_nanos() as u64,
    };
    let mut is_well = true;
    for target in TARGETS {
        is_well &= search(target, first, Duration::from_secs(seconds));
    }
    Ok(if is_well { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn search(target: Target, first: u64, time: Duration) -> bool {
    let (begun, mut number) = (Instant::now(), first);
    while begun.elapsed() < time {
        if catch_unwind(|| target.run_mutations(number, BATCH)).is_err() {
            println!("{}: FAILED; repeat with: mutate 1 {number}", target.name);
            return false;
        }
        number = number.wrapping_add(1);
    }
    let inputs = u64::from(BATCH) * number.wrapping_sub(first);
    println!("{}: {inputs} inputs, all read or refused (from {first})", target.name);
    true
}
