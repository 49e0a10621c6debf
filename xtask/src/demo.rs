//! `cargo xtask demo`: a node at work, from nothing.

/// Builds the guests; the demonstration itself comes with the command line.
pub(crate) fn run() -> anyhow::Result<()> {
    crate::guests::build()?;
    anyhow::bail!("the demonstration is not there yet")
}
