//! The same jobs on Erlang's virtual machine.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, bail};

/// An Erlang that was found, with the jobs compiled for it.
pub(super) struct Beam {
    dir: tempfile::TempDir,
}

const SOURCE: &str = include_str!("bench.erl");

impl Beam {
    /// Compiles the jobs.
    ///
    /// # Errors
    /// There is no `erl` or `erlc` on the path.
    pub(super) fn find() -> anyhow::Result<Self> {
        let dir = tempfile::tempdir()?;
        let source: PathBuf = dir.path().join("bench.erl");
        std::fs::write(&source, SOURCE)?;
        let compiled = Command::new("erlc").arg("-o").arg(dir.path()).arg(&source).output();
        let compiled = compiled.context(
            "no `erlc` on the path; install Erlang (Debian: apt-get install erlang-base)",
        )?;
        if !compiled.status.success() {
            bail!("erlc failed: {}", String::from_utf8_lossy(&compiled.stdout));
        }
        Ok(Self { dir })
    }

    /// Measures one job once.
    pub(super) fn measure(&self, job: &str) -> anyhow::Result<f64> {
        let output = Command::new("erl")
            .args(["-noshell", "-noinput", "+P", "2000000", "-pa"])
            .arg(self.dir.path())
            .args(["-run", "bench", "main", job])
            .output()
            .context("cannot run erl")?;
        let text = String::from_utf8_lossy(&output.stdout);
        text.trim().parse().with_context(|| format!("erl gave no figure for {job}: {text:?}"))
    }
}
