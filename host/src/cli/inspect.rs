//! `odeon inspect`: what a file needs and offers.

use std::path::PathBuf;

use super::exit::{Exit, code};
use super::{here, output};

/// Shows what a file imports, exports, lacks, and would be granted.
#[derive(Debug, clap::Args)]
pub(crate) struct Inspect {
    /// The module.
    file: PathBuf,
    /// Print one JSON document.
    #[arg(long)]
    json: bool,
}

impl Inspect {
    pub(crate) fn run(self) -> Result<u8, Exit> {
        let bytes = here::read(&self.file)?;
        let report = odeon::modules::inspect::inspect(&bytes)
            .map_err(|error| Exit::failed(format!("{}: {error}", self.file.display())))?;
        if self.json {
            output::json(&report)?;
        } else {
            output::line(report.to_string().trim_end())?;
        }
        Ok(code::OK)
    }
}
