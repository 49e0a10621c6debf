//! `cargo xtask test`: every check, as the gate runs it.
//!
//! The checks run in an order in which the cheap ones come first. Each is named,
//! and the first that fails ends the run with the command that repeats it. The last
//! line says how many tests passed.

use crate::{guests, languages, purity};
use anyhow::{Context, bail};
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

/// The profile in which everything that needs wasmtime is built for the checks.
const GATE: [&str; 2] = ["--profile", "gate"];
/// The manifests of the workspaces that are not the host's.
const SDK: [&str; 2] = ["--manifest-path", "guest-sdk/rust/Cargo.toml"];
const GUESTS: [&str; 2] = ["--manifest-path", "examples/Cargo.toml"];
/// The fuzz targets, of which only the format is checked.
const FUZZ: [&str; 2] = ["--manifest-path", "fuzz/Cargo.toml"];

/// A check: what it is called and how it is made.
struct Check {
    name: &'static str,
    /// It takes seconds, and nothing of wasmtime.
    quick: bool,
    work: Work,
}

/// How a check is made.
enum Work {
    /// Commands, one after the other.
    Run(Vec<Line>),
    /// Something that this program does itself; the text says how to repeat it.
    Own(fn(&Path) -> anyhow::Result<()>, &'static str),
}

/// A command line.
struct Line {
    env: Vec<(&'static str, &'static str)>,
    arguments: Vec<&'static str>,
}

/// Runs every check, or with `quick` those that take seconds; all of them, or those
/// from the named one on.
///
/// # Errors
/// A check failed, and the text says how to repeat it; or none has that name.
pub(crate) fn run(quick: bool, from: Option<&str>) -> anyhow::Result<()> {
    let root = guests::root();
    let started = Instant::now();
    let mut passed = 0;
    let mut checks = checks();
    if let Some(from) = from {
        let names: Vec<_> = checks.iter().map(|check| check.name).collect();
        let Some(first) = names.iter().position(|name| *name == from) else {
            bail!("no check is called `{from}`; there are: {}", names.join(", "));
        };
        checks.drain(..first);
    }
    for check in checks.into_iter().filter(|check| check.quick || !quick) {
        println!("==> {}", check.name);
        let begun = Instant::now();
        passed += check.work.run(&root).with_context(|| format!("`{}` failed", check.name))?;
        println!("    {}: ok, {:.1} s", check.name, begun.elapsed().as_secs_f64());
    }
    if quick {
        println!("the slow checks were left out: run `cargo xtask test` before you commit");
    }
    println!("all checks took {:.0} s", started.elapsed().as_secs_f64());
    println!("{passed} passed, 0 failed");
    Ok(())
}

/// All checks, in order.
fn checks() -> Vec<Check> {
    let quick = |name, lines| Check { name, quick: true, work: Work::Run(lines) };
    let slow = |name, lines| Check { name, quick: false, work: Work::Run(lines) };
    let own = |name, quick, work, how| Check { name, quick, work: Work::Own(work, how) };
    let format = ["--check"];
    vec![
        quick(
            "format",
            vec![
                cargo(&["fmt", "--all"], &[], &format),
                cargo(&["fmt", "--all"], &SDK, &format),
                cargo(&["fmt", "--all"], &GUESTS, &format),
                cargo(&["fmt", "--all"], &FUZZ, &format),
            ],
        ),
        own("core purity", true, purity::check, "cargo xtask test --quick"),
        quick(
            "core tests",
            vec![cargo(&["test", "-p", "odeon-core"], &[], &["--features", "sim"])],
        ),
        quick("SDK tests", vec![cargo(&["test"], &SDK, &["--features", "postcard"])]),
        own("guests build", false, |_| guests::build().map(drop), "cargo xtask guests"),
        slow("host builds", vec![cargo(&["build", "--workspace"], &GATE, &[])]),
        own("languages", false, languages::build, "cargo xtask test --from languages"),
        slow("tests", vec![cargo(&["test", "--workspace"], &GATE, &["--no-fail-fast"])]),
        slow("lints", lints()),
        slow("documentation", documentation()),
        own("dependencies", false, dependencies, DENY),
    ]
}

fn lints() -> Vec<Line> {
    let deny = ["--", "-D", "warnings"];
    let all = ["clippy", "--workspace", "--all-targets"];
    vec![
        cargo(&all, &GATE, &deny),
        cargo(
            &["clippy", "--all-targets"],
            &SDK,
            &["--features", "postcard", "--", "-D", "warnings"],
        ),
        // Natively: what guests import is resolved when they are linked, which lints are not.
        cargo(
            &["clippy", "--workspace"],
            &GUESTS,
            &["--target-dir", "target/guests/native", "--", "-D", "warnings"],
        ),
    ]
}

fn documentation() -> Vec<Line> {
    // All of the workspace, because another choice of packages would build wasmtime anew.
    let host = ["doc", "--no-deps", "--lib", "--workspace"];
    [cargo(&host, &GATE, &[]), cargo(&["doc", "--no-deps"], &SDK, &["--features", "postcard"])]
        .into_iter()
        .map(|line| Line { env: vec![("RUSTDOCFLAGS", "-D warnings")], ..line })
        .collect()
}

/// The dependencies' licences and sources. Their known faults need a database from
/// the network, which the workflow on the project's pages fetches.
const DENY: &str = "cargo deny --offline check bans licenses sources";

fn dependencies(root: &Path) -> anyhow::Result<()> {
    let installed = Command::new("cargo").args(["deny", "--version"]).output();
    if !installed.is_ok_and(|output| output.status.success()) {
        println!("    skipped: cargo-deny is not installed (`cargo install cargo-deny`)");
        return Ok(());
    }
    let mut words = DENY.split(' ');
    let status = Command::new(words.next().expect("it has words"))
        .args(words)
        .current_dir(root)
        .status()
        .with_context(|| format!("cannot run `{DENY}`"))?;
    if !status.success() {
        bail!("it ended with {status}");
    }
    Ok(())
}

fn cargo(command: &[&'static str], which: &[&'static str], options: &[&'static str]) -> Line {
    Line { env: Vec::new(), arguments: [command, which, options].concat() }
}

impl Work {
    /// Does it, and gives the number of tests that passed.
    fn run(&self, root: &Path) -> anyhow::Result<u64> {
        match self {
            Self::Run(lines) => lines.iter().map(|line| line.run(root)).sum(),
            Self::Own(work, how) => {
                work(root).with_context(|| format!("repeat with: {how}"))?;
                Ok(0)
            }
        }
    }
}

impl Line {
    /// As one types it.
    fn text(&self) -> String {
        let env =
            self.env.iter().map(|(name, value)| format!("{name}={value:?} ")).collect::<String>();
        format!("{env}cargo {}", self.arguments.join(" "))
    }

    fn run(&self, root: &Path) -> anyhow::Result<u64> {
        println!("    {}", self.text());
        let cargo = std::env::var_os("CARGO").map_or_else(|| PathBuf::from("cargo"), PathBuf::from);
        let mut child = Command::new(cargo)
            .args(&self.arguments)
            .envs(self.env.iter().copied())
            .current_dir(root)
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("cannot run `{}`", self.text()))?;
        let output = child.stdout.take().expect("it was asked for");
        let mut passed = 0;
        for line in BufReader::new(output).lines() {
            let line = line.context("cannot read cargo's output")?;
            println!("{line}");
            passed += passed_in(&line);
        }
        let status = child.wait().context("cannot wait for cargo")?;
        if !status.success() {
            bail!("it ended with {status}; repeat with: {}", self.text());
        }
        Ok(passed)
    }
}

/// The tests that passed, in a line of the test harness: `test result: ok. 3 passed; ...`.
fn passed_in(line: &str) -> u64 {
    let counted = || {
        let (_, counts) = line.strip_prefix("test result: ")?.split_once(". ")?;
        counts.split_once(" passed")?.0.parse().ok()
    };
    counted().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tests_that_passed_are_counted_and_other_lines_are_not() {
        let line = "test result: ok. 12 passed; 0 failed; 0 ignored; 0 measured; 3 filtered out";
        assert_eq!(passed_in(line), 12);
        assert_eq!(passed_in("test result: FAILED. 2 passed; 1 failed; 0 ignored"), 2);
        assert_eq!(passed_in("12 passed"), 0);
        assert_eq!(passed_in(""), 0);
    }

    #[test]
    fn what_is_printed_to_repeat_a_check_is_what_was_run() {
        let lines = documentation();
        let text = lines[1].text();
        assert!(text.starts_with("RUSTDOCFLAGS=\"-D warnings\" cargo doc --no-deps"), "{text}");
    }
}
