//! `odeon bench`: figures of this build on this machine, and beside the BEAM's.
//!
//! Each figure is taken in a process of its own, so that none suffers from what an
//! earlier one left behind. `guest.wat` is the smallest possible actor ("min"); the
//! Rust SDK's actor ("rust") is a file that `cargo xtask guests` builds. [`local`] has
//! the figures of one node, [`remote()`] those of two connected ones, [`languages()`]
//! those of actors in other languages.

mod beam;
mod jobs;
mod languages;
mod memory;
mod remote;

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, bail};
use serde::Serialize;

use jobs::Job;
pub use languages::{Languages, languages};
pub use remote::{Remote, remote};

/// What to measure on one node.
#[derive(Clone, Debug, clap::Args)]
pub struct Local {
    /// Print one JSON object a line: name, value, unit.
    #[arg(long)]
    pub json: bool,
    /// Measure the same jobs on another system as well, by turns, and print ratios.
    #[arg(long, value_name = "SYSTEM")]
    pub beside: Option<Beside>,
    /// Only these figures, by name.
    #[arg(value_name = "NAME")]
    pub only: Vec<String>,
    /// How often to measure each figure; the median is printed.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=99))]
    pub runs: u32,
    /// The SDK's actor, for the figures named rust.
    #[arg(long, value_name = "FILE", default_value = "target/guests/bench.wasm")]
    pub guest: PathBuf,
    /// Measure one figure once in this very process.
    #[arg(long, hide = true)]
    pub job: bool,
}

/// Another system to compare with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Beside {
    /// Erlang's virtual machine, as `erl` on the path.
    Beam,
}

/// One figure.
#[derive(Clone, Debug, Serialize)]
struct Figure {
    name: String,
    value: f64,
    unit: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    beam: Option<f64>,
    /// Ours divided by the BEAM's.
    #[serde(skip_serializing_if = "Option::is_none")]
    ratio: Option<f64>,
}

/// What was measured here.
struct Measured {
    name: &'static str,
    unit: &'static str,
    value: f64,
}

impl Figure {
    /// Beside what the BEAM had, if it was measured.
    fn new(measured: Measured, theirs: &mut [f64]) -> Self {
        let Measured { name, unit, value } = measured;
        let beam = (!theirs.is_empty()).then(|| median(theirs));
        Self { name: name.into(), value, unit, beam, ratio: beam.map(|beam| value / beam) }
    }
}

/// Measures, and prints the figures.
///
/// # Errors
/// An unknown name, a guest that is missing, a failed measurement.
pub fn local(args: &Local) -> anyhow::Result<()> {
    let chosen = choose(&Job::ALL, Job::name, &args.only)?;
    if args.job {
        let [job] = chosen[..] else { bail!("--job takes one name") };
        println!("{}", job.measure(&args.guest)?);
        return Ok(());
    }
    let beam = match args.beside {
        Some(Beside::Beam) => Some(beam::Beam::find()?),
        None => None,
    };
    for job in chosen {
        if job.needs_guest() && !args.guest.is_file() {
            eprintln!(
                "{}: skipped, there is no {}; build it with `cargo xtask guests`",
                job.name(),
                args.guest.display()
            );
            continue;
        }
        print(&measure(job, args, beam.as_ref())?, args.json)?;
    }
    Ok(())
}

/// The jobs of these names, or all.
fn choose<J: Copy>(
    jobs: &[J],
    name: impl Fn(J) -> &'static str,
    only: &[String],
) -> anyhow::Result<Vec<J>> {
    let all: BTreeMap<&str, J> = jobs.iter().map(|job| (name(*job), *job)).collect();
    if only.is_empty() {
        return Ok(jobs.to_vec());
    }
    let find = |name: &String| {
        let names: Vec<_> = all.keys().copied().collect();
        all.get(name.as_str()).copied().with_context(|| {
            format!("there is no figure named {name:?}; there are: {}", names.join(", "))
        })
    };
    only.iter().map(find).collect()
}

fn measure(job: Job, args: &Local, beam: Option<&beam::Beam>) -> anyhow::Result<Figure> {
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    let runs = if job.is_long() { 1 } else { args.runs };
    for _ in 0..runs {
        ours.push(child_of(job, args)?);
        if let (Some(beam), Some(name)) = (beam, job.beam()) {
            theirs.push(beam.measure(name)?);
        }
    }
    let value = median(&mut ours);
    let measured = Measured { name: job.name(), unit: job.unit(), value };
    Ok(Figure::new(measured, &mut theirs))
}

fn child_of(job: Job, args: &Local) -> anyhow::Result<f64> {
    let mut arguments: Vec<&OsStr> = Vec::new();
    arguments.extend(["local", "--job", job.name(), "--guest"].map(OsStr::new));
    arguments.push(args.guest.as_os_str());
    child(job.name(), &arguments)
}

/// Measures once, in a process of its own: this program's `bench` with these arguments.
fn child(name: &str, arguments: &[impl AsRef<OsStr>]) -> anyhow::Result<f64> {
    let text = child_text(name, arguments)?;
    text.trim().parse().with_context(|| format!("{name}: no figure in {text:?}"))
}

/// What such a process prints.
fn child_text(name: &str, arguments: &[impl AsRef<OsStr>]) -> anyhow::Result<String> {
    let program = std::env::current_exe().context("cannot find this program's own file")?;
    let output = Command::new(program)
        .arg("bench")
        .args(arguments)
        .env_remove("RUST_BACKTRACE")
        .output()
        .context("cannot start a process to measure in")?;
    let text = String::from_utf8_lossy(&output.stdout);
    if !output.status.success() {
        bail!("{name}: {}", String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(text.into_owned())
}

/// This process is killed when the one that started it ends, in whatever way.
fn ends_with_its_parent() {
    #[cfg(target_os = "linux")]
    if let Err(error) =
        rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::KILL))
    {
        tracing::warn!(%error, "this process may outlive the one that started it");
    }
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

#[expect(clippy::print_stdout, reason = "the figures are what this command is for")]
fn print(figure: &Figure, json: bool) -> anyhow::Result<()> {
    if json {
        println!("{}", serde_json::to_string(figure)?);
        return Ok(());
    }
    let Figure { name, value, unit, .. } = figure;
    match (figure.beam, figure.ratio) {
        (Some(beam), Some(ratio)) => {
            println!("{name:28} {value:>14.2} {unit:8} beam {beam:>14.2}  ratio {ratio:.2}");
        }
        _ => println!("{name:28} {value:>14.2} {unit}"),
    }
    Ok(())
}
