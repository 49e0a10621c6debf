//! Births and deaths without end: does memory stay flat?
//!
//! ```text
//! cargo build --profile gate --workspace --example soak
//! target/gate/examples/soak MINUTES
//! ```
//!
//! Runs 10 minutes, or as many as the argument says: actors that trap, that are
//! killed, that end with those they are linked to, a supervisor whose children
//! crash, modules that come and go. Prints the resident memory every 10 seconds; at
//! the end the medians of the first and the last third, and whether they are near.
//! Exit code 1 if they are not. Needs `target/guests` (`cargo xtask guests`).

use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use odeon::{Config, Node, Spawn, Start};
use odeon_core::Reason;
use odeon_core::process::{Event, Filter};

/// How often memory is looked at.
const LOOK: Duration = Duration::from_secs(10);
/// By how much the medians may differ and be called the same: an eighth, and what
/// allocators keep in stock.
const GROWTH_BYTES_MAX: u64 = 16 << 20;
/// Actors of one wave.
const WAVE: usize = 200;
/// A wave that takes longer has lost somebody.
const WAVE_TIME_MAX: Duration = Duration::from_secs(60);

/// What was done so far.
#[derive(Debug, Default)]
struct Done {
    waves: u64,
    trapped: u64,
    killed: u64,
    linked: u64,
    supervised: u64,
    modules: u64,
}

#[tokio::main]
async fn main() -> anyhow::Result<ExitCode> {
    let minutes: f64 = match std::env::args().nth(1) {
        Some(text) => text.parse().context("the argument is a number of minutes")?,
        None => 10.0,
    };
    let data = tempfile::tempdir()?;
    let node = Node::start(Config::new("soak@localhost", data.path().join("store")))?;
    let guests = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/guests");
    for name in ["conformance", "supervised"] {
        let path = guests.join(name).with_extension("wasm");
        let bytes = std::fs::read(&path)
            .with_context(|| format!("{}: `cargo xtask guests` builds it", path.display()))?;
        node.modules().deploy(name, &bytes)?;
    }
    let (begun, end) = (Instant::now(), Duration::from_secs_f64(minutes * 60.0));
    let (mut done, mut looks, mut next) = (Done::default(), Vec::new(), Duration::ZERO);
    while begun.elapsed() < end {
        tokio::time::timeout(WAVE_TIME_MAX, wave(&node, &mut done))
            .await
            .context("a wave of actors does not end")??;
        if begun.elapsed() >= next {
            next += LOOK;
            let resident = resident_bytes()?;
            looks.push(resident);
            let (seconds, mib) = (begun.elapsed().as_secs(), resident >> 20);
            println!("{seconds:>5} s  {mib:>5} MiB  {} actors  {done:?}", node.actors().len());
        }
    }
    node.stop().await;
    ensure!(node.actors().is_empty(), "actors are left: {:?}", node.actors());
    Ok(verdict(&looks))
}

/// Whether memory stayed flat.
fn verdict(looks: &[u64]) -> ExitCode {
    let third = (looks.len() / 3).max(1);
    let first = median(&looks[..third]);
    let last = median(&looks[looks.len() - third..]);
    let flat = last <= first + first / 8 + GROWTH_BYTES_MAX;
    let word = if flat { "flat" } else { "GREW" };
    println!(
        "{word}: median {} MiB in the first third, {} MiB in the last",
        first >> 20,
        last >> 20
    );
    if flat { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn median(looks: &[u64]) -> u64 {
    let mut looks = looks.to_vec();
    looks.sort_unstable();
    looks[looks.len() / 2]
}

fn resident_bytes() -> anyhow::Result<u64> {
    let text = std::fs::read_to_string("/proc/self/statm").context("this needs Linux")?;
    let pages: u64 = text.split(' ').nth(1).context("two fields")?.parse()?;
    Ok(pages * 4096)
}

/// Makes actors in every way, and sees all of them to their end.
async fn wave(node: &Node, done: &mut Done) -> anyhow::Result<()> {
    done.waves += 1;
    trapped(node, done).await?;
    killed(node, done).await?;
    supervised(node, done).await?;
    if done.waves.is_multiple_of(10) {
        module(node, done).await?;
    }
    Ok(())
}

fn entry(function: &str, argument: Vec<u8>) -> Spawn {
    let start = Start::Entry { function: function.into(), argument: argument.into() };
    Spawn::new("conformance", start)
}

/// Actors that panic by themselves.
async fn trapped(node: &Node, done: &mut Done) -> anyhow::Result<()> {
    let mut ends = Vec::new();
    for _ in 0..WAVE {
        // A text in CBOR, as the SDK reads it.
        ends.push(node.spawn_watched(entry("crash", b"\x64oops".to_vec())).await?.1);
    }
    for end in ends {
        let reason = end.wait().await;
        let crashed = !matches!(reason, Reason::Normal | Reason::Killed);
        ensure!(crashed, "a crash ended with {reason}");
        done.trapped += 1;
    }
    Ok(())
}

/// Actors that wait and are linked with one of the host's; half are killed, the
/// other half end with it.
async fn killed(node: &Node, done: &mut Done) -> anyhow::Result<()> {
    let mut parent = node.native("parent");
    let mut actors = Vec::new();
    for at in 0..WAVE {
        let (pid, end) = node.spawn_watched(entry("waiter", vec![0xf6])).await?;
        if at % 2 == 0 {
            parent.monitor(pid);
        } else {
            parent.act(|process, effects| process.link(pid, false, effects));
        }
        parent.send(pid, vec![0; 1024].into());
        actors.push((pid, end));
    }
    for (pid, _) in actors.iter().step_by(2) {
        node.exit(*pid, Reason::Kill);
    }
    for _ in 0..WAVE.div_ceil(2) {
        match parent.receive(Filter::Any).await {
            Some(Event::Down { .. }) => done.killed += 1,
            other => anyhow::bail!("instead of the end of an actor came {other:?}"),
        }
    }
    parent.end(Reason::Error("the parent fails".into()));
    for (at, (_, end)) in actors.into_iter().enumerate() {
        let reason = end.wait().await;
        let expected = if at % 2 == 0 { reason == Reason::Killed } else { reason.len_bytes() > 0 };
        ensure!(expected, "actor {at} ended with {reason}");
        done.linked += u64::from(at % 2 == 1);
    }
    Ok(())
}

/// The SDK's supervisor restarts what crashes: its own checks do that.
async fn supervised(node: &Node, done: &mut Done) -> anyhow::Result<()> {
    for check in ["check_supervisor_restarts", "check_supervisor_one_for_all"] {
        let (_, end) = node.spawn_watched(entry(check, vec![0xf6])).await?;
        let reason = end.wait().await;
        ensure!(reason == Reason::Normal, "{check}: {reason}");
        done.supervised += 1;
    }
    Ok(())
}

/// A module that nobody had before comes, runs and goes.
async fn module(node: &Node, done: &mut Done) -> anyhow::Result<()> {
    done.modules += 1;
    let text = format!(
        "(component (core module $m (memory 1) (func (export \"f\") (result i32) \
         i32.const {})) (core instance $i (instantiate $m)) \
         (func (export \"f\") (result u32) (canon lift (core func $i \"f\"))))",
        done.modules
    );
    node.modules().deploy("passing", text.as_bytes())?;
    let (_, end) = node.spawn_watched(Spawn::new("passing", Start::Call("f()".into()))).await?;
    let reason = end.wait().await;
    ensure!(reason == Reason::Normal, "a module of a moment ended with {reason}");
    node.modules().remove("passing")?;
    Ok(())
}
