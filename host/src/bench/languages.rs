//! `odeon bench languages`: what an actor of each language costs. All guests are those of
//! the suite `languages`, which have the same functions.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use bytes::Bytes;
use odeon_core::Pid;
use odeon_core::process::{Event, Filter};
use serde::{Deserialize, Serialize};

use super::jobs::Bench;
use super::memory::own_bytes;
use super::{child_text, median};
use crate::wasm::Start;
use crate::{Config, Limits, Node};

/// The languages, with the file of each guest, its function that reads a value and writes it
/// again, and how many actors of it are made at once.
const LANGUAGES: [(&str, &str, &str, usize); 7] = [
    ("rust", "conformance.wasm", "echo_letter", 2_000),
    ("c", "language-c.wasm", "echo", 2_000),
    ("zig", "language-zig.wasm", "echo", 2_000),
    ("js", "language-js.wasm", "echo", 200),
    ("js-full", "language-js-full.wasm", "echo", 100),
    ("python", "language-python.wasm", "echo", 100),
    ("go", "language-go.wasm", "echo", 100),
];

/// What to measure of each language.
#[derive(Clone, Debug, clap::Args)]
pub struct Languages {
    /// Print one JSON object a line.
    #[arg(long)]
    pub json: bool,
    /// Only these languages: rust, c, zig, js, js-full, python, go.
    #[arg(value_name = "LANGUAGE")]
    pub only: Vec<String>,
    /// Where the guests are: conformance.wasm and language-*.wasm.
    #[arg(long, value_name = "DIR", default_value = "target/guests")]
    pub guests: PathBuf,
    /// Measure one language in this very process.
    #[arg(long, hide = true)]
    pub job: bool,
}

/// What was measured of one language.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Row {
    language: String,
    /// Of the module as it is deployed.
    size_kib: f64,
    /// Until the first actor could start, compiling included.
    first_load_ms: f64,
    /// The same on another start of the node, which has the module and its compiled form.
    cached_load_ms: f64,
    /// One worker's time for an actor that ends at once.
    spawn_us: f64,
    /// Memory of an actor that waits for its first message; what actors share counts once
    /// for all of them.
    idle_kib: f64,
    /// A value to an actor that reads it and writes it again, and back, on one worker.
    echo_rtt_us: f64,
}

/// Measures, and prints a row for each language whose guest is there.
///
/// # Errors
/// An unknown language, a failed measurement.
pub fn languages(args: &Languages) -> anyhow::Result<()> {
    for name in &args.only {
        let known = LANGUAGES.map(|(name, ..)| name);
        ensure!(known.contains(&name.as_str()), "no language {name:?}; there are {known:?}");
    }
    let chosen = |name: &str| args.only.is_empty() || args.only.iter().any(|it| it == name);
    for (name, file, echo, actors) in LANGUAGES.into_iter().filter(|(name, ..)| chosen(name)) {
        let file = args.guests.join(file);
        if args.job {
            let text = serde_json::to_string(&measure(name, &file, echo, actors)?)?;
            print(&text);
        } else if file.is_file() {
            let words = ["languages", "--job", name, "--guests"].map(OsStr::new);
            let text = child_text(name, &[&words[..], &[args.guests.as_os_str()]].concat())?;
            show(text.trim(), args.json)?;
        } else {
            eprintln!(
                "{name}: left out, there is no {}; `cargo xtask test` builds it",
                file.display()
            );
        }
    }
    Ok(())
}

fn show(text: &str, json: bool) -> anyhow::Result<()> {
    if json {
        print(text);
        return Ok(());
    }
    let row: Row = serde_json::from_str(text).context("a row was measured")?;
    print(&format!(
        "{:7} {:8.1} KiB  first load {:8.1} ms  cached {:5.1} ms  spawn {:7.1} us  idle {:6.1} KiB  \
         echo {:5.1} us",
        row.language,
        row.size_kib,
        row.first_load_ms,
        row.cached_load_ms,
        row.spawn_us,
        row.idle_kib,
        row.echo_rtt_us
    ));
    Ok(())
}

#[expect(clippy::print_stdout, reason = "the figures are what this command is for")]
fn print(text: &str) {
    println!("{text}");
}

/// Measures one language in this process.
fn measure(language: &str, file: &Path, echo: &'static str, actors: usize) -> anyhow::Result<Row> {
    let io = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let module = std::fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
    let dir = tempfile::tempdir()?;
    io.block_on(async {
        let (bench, first) = load(dir.path(), Some(&module)).await?;
        bench.node.stop().await;
        drop(bench);
        let (bench, cached) = load(dir.path(), None).await?;
        let figures = on_the_worker(bench, echo, actors).await?;
        Ok(Row {
            language: language.to_owned(),
            size_kib: module.len() as f64 / 1024.0,
            first_load_ms: first.as_secs_f64() * 1e3,
            cached_load_ms: cached.as_secs_f64() * 1e3,
            spawn_us: figures[0],
            idle_kib: figures[1],
            echo_rtt_us: figures[2],
        })
    })
}

/// A node with the module, and how long it took until that could run. The module is deployed,
/// unless it was before.
async fn load(dir: &Path, module: Option<&[u8]>) -> anyhow::Result<(Bench, Duration)> {
    let mut config = Config::new("bench@localhost", dir);
    config.workers = Some(1);
    config.actors_max = 10_000;
    config.limits = Limits { children: u64::MAX, ..Limits::default() };
    let node = Node::start(config)?;
    let begun = Instant::now();
    if let Some(module) = module {
        node.modules().deploy("bench", module)?;
    }
    let program = node.runtime().program("bench").await?;
    let took = begun.elapsed();
    Ok((Bench::of(node, program, start("waiter")), took))
}

fn start(function: &str) -> Start {
    Start::Entry { function: function.into(), argument: Bytes::new() }
}

/// The driver runs on the worker as well, so that all work is on one thread.
async fn on_the_worker(
    bench: Bench,
    echo: &'static str,
    actors: usize,
) -> anyhow::Result<[f64; 3]> {
    let (done, result) = tokio::sync::oneshot::channel();
    let spawner = bench.node.runtime().spawner.clone();
    spawner.spawn(async move {
        let _ = done.send(figures(&bench, echo, actors).await);
    });
    result.await?
}

async fn figures(bench: &Bench, echo: &str, actors: usize) -> anyhow::Result<[f64; 3]> {
    let spawn = spawn_us(bench).await?;
    let echo = echo_us(bench, echo).await?;
    // Last, since it leaves many behind.
    Ok([spawn, idle_kib(bench, actors).await?, echo])
}

async fn spawn_us(bench: &Bench) -> anyhow::Result<f64> {
    const BATCH: usize = 20;
    let driver = bench.node.native("driver");
    let before = bench.node.stats().actors;
    let mut times = Vec::new();
    for _ in 0..50 {
        let begun = Instant::now();
        for _ in 0..BATCH {
            bench.quick(bench.plan(start("nothing"), driver.pid())).await?;
        }
        while bench.node.stats().actors > before {
            crate::scheduler::yield_now().await;
        }
        times.push(begun.elapsed().as_secs_f64() * 1e6 / BATCH as f64);
    }
    Ok(median(&mut times))
}

async fn echo_us(bench: &Bench, function: &str) -> anyhow::Result<f64> {
    const ROUNDS: usize = 200;
    // {"name": "a", "values": [1, 2, 3]}
    let body = Bytes::from_static(b"\xa2\x64name\x61a\x66values\x83\x01\x02\x03");
    let mut driver = bench.node.native("driver");
    let echo = bench.quick(bench.plan(start(function), driver.pid())).await?;
    let mut times = Vec::new();
    for _ in 0..50 {
        let begun = Instant::now();
        for _ in 0..ROUNDS {
            driver.send(echo, body.clone());
            match driver.receive(Filter::Any).await {
                Some(Event::Message { body: back, .. }) if back == body => {}
                other => bail!("{other:?} instead of an echo"),
            }
        }
        times.push(begun.elapsed().as_secs_f64() * 1e6 / ROUNDS as f64);
    }
    Ok(median(&mut times))
}

async fn idle_kib(bench: &Bench, count: usize) -> anyhow::Result<f64> {
    let mut driver = bench.node.native("driver");
    // As many come first: they take what the compiler has left behind, which would be given
    // back meanwhile.
    let warm = bench.crowd(&mut driver, count).await?;
    ensure!(warm.len() == count, "actors can be made");
    let before = own_bytes();
    let pids: Vec<Pid> = bench.crowd(&mut driver, count).await?;
    let used = own_bytes().checked_sub(before).context("memory was given back meanwhile")?;
    Ok(used as f64 / 1024.0 / pids.len() as f64)
}
