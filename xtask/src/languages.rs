//! Guests in other languages than Rust: gets their tools where it may, and builds the
//! guests of the suite `languages` and of the example `polyglot` with the program that users
//! build with.

use crate::toolchain;
use anyhow::{Context, bail};
use std::path::Path;
use std::process::Command;

/// Where there are guests, what the modules are called, and the languages, which name their
/// folders.
const GUESTS: [(&str, &str, &[&str]); 2] = [
    ("tests/guests/languages", "language", &["c", "zig", "js", "ts", "python", "go"]),
    ("examples/polyglot", "polyglot", &["c", "zig", "js", "python"]),
];

/// The exit code of `odeon build` for a toolchain that is not there.
const NO_TOOLCHAIN: i32 = 6;

/// Builds them all, by the program that the check before this one has built. Downloaded
/// tools are kept in `target/tools`. A language whose tools cannot be had is left out, which
/// is said; its tests leave it out as well.
///
/// # Errors
/// A guest does not build, or a package of the distribution that was asked for is missing.
pub(crate) fn build(root: &Path) -> anyhow::Result<()> {
    toolchain::install_for_c()?;
    for (folder, name, languages) in GUESTS {
        for language in languages {
            build_one(root, &format!("{folder}/{language}"), &format!("{name}-{language}"), &[])?;
        }
    }
    // The guest in JavaScript once more, for the other engine.
    build_one(root, "tests/guests/languages/js", "language-js-full", &["--engine", "full"])
}

fn build_one(root: &Path, project: &str, name: &str, more: &[&str]) -> anyhow::Result<()> {
    let status = Command::new(root.join("target/gate/odeon"))
        .args(["build", "--install"])
        .arg(root.join(project))
        .arg("--output")
        .arg(root.join(format!("target/guests/{name}.wasm")))
        .args(more)
        .env("ODEON_TOOLS", root.join("target/tools"))
        .status()
        .context("cannot run target/gate/odeon")?;
    match status.code() {
        Some(0) => {}
        Some(NO_TOOLCHAIN) => println!("    left out: {project}, as said above"),
        _ => bail!("{project} does not build"),
    }
    Ok(())
}
