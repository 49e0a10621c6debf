//! `cargo xtask guests`: builds every guest into `target/guests/*.wasm`.
//!
//! What comes out is a component, or a core module that carries its WIT: a host
//! takes both. All guests share one build directory, so that the standard
//! library is compiled once where it must be compiled at all. Cargo itself knows
//! what has changed.

use crate::toolchain::Toolchain;
use anyhow::{Context, bail};
use std::fs;
use std::path::{Path, PathBuf};

/// Actors: packages of the guests' workspace that are libraries.
const ACTORS: [&str; 8] =
    ["bench", "conformance", "counter", "ping-pong", "polyglot", "supervised", "todo", "watcher"];

/// Ordinary programs: packages of the guests' workspace that have a `main`.
const PROGRAMS: [&str; 1] = ["wordcount"];

/// Builds every guest, and gives the folder that they are in.
///
/// # Errors
/// There is no toolchain, or a guest does not build.
pub(crate) fn build() -> anyhow::Result<PathBuf> {
    let toolchain = Toolchain::find()?;
    let root = root();
    let guests = root.join("target/guests");
    let target = toolchain.actor_target();
    compile(toolchain, target, &ACTORS, &root)?;
    for name in ACTORS {
        deliver(&guests, target, &name.replace('-', "_"), name)?;
    }
    let target = toolchain.program_target()?;
    compile(toolchain, target, &PROGRAMS, &root)?;
    for name in PROGRAMS {
        deliver(&guests, target, name, name)?;
    }
    Ok(guests)
}

/// The workspace's root: this package lies in it.
pub(crate) fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().expect("xtask lies in the workspace").to_path_buf()
}

fn compile(
    toolchain: Toolchain,
    target: &str,
    packages: &[&str],
    root: &Path,
) -> anyhow::Result<()> {
    let mut cargo = toolchain.cargo_build(target);
    cargo.arg("--manifest-path").arg(root.join("examples/Cargo.toml"));
    cargo.arg("--target-dir").arg(root.join("target/guests/build"));
    // A program keeps the stack that its compiler gives it.
    if packages != PROGRAMS {
        cargo.arg("--config").arg(root.join("examples/.cargo/config.toml"));
    }
    // The same source gives the same module, wherever it lies: a module is known by
    // its digest, and a panic names a place within the project.
    let prefix = format!("--remap-path-prefix={}/=", root.display());
    cargo
        .arg("--config")
        .arg(format!("target.'cfg(target_family = \"wasm\")'.rustflags=[{prefix:?}]"));
    for package in packages {
        cargo.args(["--package", package]);
    }
    let status = cargo.status().with_context(|| format!("cannot run {cargo:?}"))?;
    if !status.success() {
        bail!("guests do not build: {cargo:?} ended with {status}");
    }
    Ok(())
}

/// Puts a built guest where tests, the demonstration and people look for it. One
/// that is there already and the same is left alone, time stamp and all.
fn deliver(guests: &Path, target: &str, built: &str, name: &str) -> anyhow::Result<()> {
    let from = guests.join("build").join(target).join("release").join(built).with_extension("wasm");
    let to = guests.join(name).with_extension("wasm");
    let module = fs::read(&from).with_context(|| format!("{} is missing", from.display()))?;
    if fs::read(&to).is_ok_and(|there| there == module) {
        return Ok(());
    }
    println!("{name}.wasm: {} bytes", module.len());
    fs::write(&to, module).with_context(|| format!("cannot write {}", to.display()))
}
