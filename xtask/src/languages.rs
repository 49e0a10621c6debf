//! Guests in other languages than Rust: gets their tools where it may, and builds the
//! guests of the suite `languages` with the program that users build with.

use crate::toolchain;
use anyhow::{Context, bail};
use std::path::Path;
use std::process::Command;

/// The languages, by the folders of `tests/guests/languages`.
const LANGUAGES: [&str; 3] = ["c", "zig", "js"];

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
    for language in LANGUAGES {
        let status = Command::new(root.join("target/gate/odeon"))
            .args(["build", "--install"])
            .arg(root.join("tests/guests/languages").join(language))
            .arg("--output")
            .arg(root.join(format!("target/guests/language-{language}.wasm")))
            .env("ODEON_TOOLS", root.join("target/tools"))
            .status()
            .context("cannot run target/gate/odeon")?;
        match status.code() {
            Some(0) => {}
            Some(NO_TOOLCHAIN) => println!("    left out: {language}, as said above"),
            _ => bail!("the guest in {language} does not build"),
        }
    }
    Ok(())
}
