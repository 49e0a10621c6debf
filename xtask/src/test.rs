//! `cargo xtask test`: every check, as the gate runs it.

/// Builds the guests; the checks themselves come with the test suites.
pub(crate) fn run() -> anyhow::Result<()> {
    crate::guests::build()?;
    anyhow::bail!("the checks are not there yet")
}
