//! `odeon doctor`: is this machine set up well, and what to do where it is not.
//!
//! Each check is a function without arguments that matter, one line of the report.
//! A `fail` stops nodes from working; a `warn` makes them worse.

use std::fs;
use std::path::Path;

use odeon::config::{File, Overrides};
use odeon::control::cookie;
use odeon::control::discovery::Directory;
use serde::Serialize;

use super::Common;
use super::exit::{Exit, code};
use super::{build, output};

/// Checks whether this machine is set up well.
#[derive(Debug, clap::Args)]
pub(crate) struct Doctor {
    /// Print one JSON document.
    #[arg(long)]
    json: bool,
}

/// How a check came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Verdict {
    Ok,
    Warn,
    Fail,
}

#[derive(Debug, Serialize)]
struct Check {
    name: &'static str,
    verdict: Verdict,
    /// What was found, and the fix where there is one.
    text: String,
}

impl Check {
    fn new(name: &'static str, verdict: Verdict, text: impl Into<String>) -> Self {
        Self { name, verdict, text: text.into() }
    }
}

impl Doctor {
    pub(crate) fn run(self, common: &Common) -> Result<u8, Exit> {
        let file = common.file();
        let mut checks = vec![configuration(&file), dense_memory(), overcommit(), mappings()];
        let file = file.unwrap_or_default();
        checks.extend([store(&file), cookie_file(), runtime_directory(), toolchain()]);
        if self.json {
            output::json(&checks)?;
        } else {
            for check in &checks {
                let verdict = match check.verdict {
                    Verdict::Ok => "ok  ",
                    Verdict::Warn => "warn",
                    Verdict::Fail => "FAIL",
                };
                output::line(&format!("{verdict}  {}: {}", check.name, check.text))?;
            }
        }
        let failed = checks.iter().any(|check| check.verdict == Verdict::Fail);
        Ok(if failed { code::FAILED } else { code::OK })
    }
}

fn configuration(file: &Result<File, Exit>) -> Check {
    let (verdict, text) = match file {
        Ok(File { path: Some(path), .. }) => (Verdict::Ok, path.display().to_string()),
        Ok(_) => (Verdict::Ok, "no odeon.toml here or above; the defaults count".to_owned()),
        Err(error) => (Verdict::Fail, error.text().to_owned()),
    };
    Check::new("configuration", verdict, text)
}

/// Whether actors can be packed densely: the arena asks the kernel itself.
fn dense_memory() -> Check {
    let support = odeon_arena::support();
    let (verdict, text) = match (support.guard_pages, support.page_scan) {
        (Err(why), _) => {
            let text = format!("{why}; actors work, but take more memory each and fewer fit");
            (Verdict::Warn, text)
        }
        (Ok(()), Err(why)) => {
            (Verdict::Warn, format!("{why}; spawning many short-lived actors is slower"))
        }
        (Ok(()), Ok(())) => (Verdict::Ok, "this kernel has all that dense actors need".to_owned()),
    };
    Check::new("dense memory", verdict, text)
}

/// Arenas reserve far more address space than they ever fill.
fn overcommit() -> Check {
    let (verdict, text) = match read_number("/proc/sys/vm/overcommit_memory") {
        Some(2) => (
            Verdict::Warn,
            "vm.overcommit_memory is 2, so large reservations fail and fewer actors fit: run \
             `sysctl vm.overcommit_memory=0`",
        ),
        Some(_) => (Verdict::Ok, "large reservations are allowed"),
        None => (Verdict::Warn, "this system does not say; fewer actors may fit"),
    };
    Check::new("overcommit", verdict, text)
}

/// Each instance of the fast tier takes some memory mappings.
fn mappings() -> Check {
    const FEW: u64 = 65_530;
    let (verdict, text) = match read_number("/proc/sys/vm/max_map_count") {
        Some(count) if count < FEW => (
            Verdict::Warn,
            format!("vm.max_map_count is {count}: run `sysctl vm.max_map_count={FEW}`"),
        ),
        Some(count) => (Verdict::Ok, format!("vm.max_map_count is {count}")),
        None => (Verdict::Ok, "this system has no vm.max_map_count".to_owned()),
    };
    Check::new("mappings", verdict, text)
}

fn read_number(path: &str) -> Option<u64> {
    fs::read_to_string(path).ok()?.trim().parse().ok()
}

/// Makes the directory of the default node, as the node would.
fn store(file: &File) -> Check {
    let fix = "choose another with --data-dir, ODEON_DATA_DIR or data-dir in odeon.toml";
    let data_dir = std::env::var_os("ODEON_DATA_DIR").map(Into::into);
    let (verdict, text) = match file.settings(&Overrides { data_dir, ..Overrides::default() }) {
        Err(error) => (Verdict::Fail, error.to_string()),
        Ok(settings) => match writable(&settings.data_dir) {
            Ok(()) => (Verdict::Ok, format!("{} is writable", settings.data_dir.display())),
            Err(error) => {
                (Verdict::Fail, format!("{}: {error}; {fix}", settings.data_dir.display()))
            }
        },
    };
    Check::new("store", verdict, text)
}

/// Whether files can be made there, or, if it is not there yet, where it would be.
fn writable(dir: &Path) -> std::io::Result<()> {
    let existing = dir.ancestors().find(|dir| dir.exists()).unwrap_or(Path::new("/"));
    tempfile::tempfile_in(existing).map(drop)
}

fn cookie_file() -> Check {
    let from_variable = std::env::var("ODEON_COOKIE").is_ok_and(|text| !text.is_empty());
    let (verdict, text) = match cookie::path() {
        _ if from_variable => match cookie::secret() {
            Ok(_) => (Verdict::Ok, "ODEON_COOKIE is set".to_owned()),
            Err(error) => (Verdict::Fail, error.to_string()),
        },
        Ok(path) if !path.exists() => {
            (Verdict::Ok, format!("{} will be made on first use", path.display()))
        }
        Ok(path) => match cookie::load(&path) {
            Ok(_) => (Verdict::Ok, format!("{} is private", path.display())),
            Err(error) => (Verdict::Fail, error.to_string()),
        },
        Err(error) => (Verdict::Fail, error.to_string()),
    };
    Check::new("cookie", verdict, text)
}

fn runtime_directory() -> Check {
    match Directory::of_user().and_then(|directory| directory.list()) {
        Ok(nodes) => {
            Check::new("nodes", Verdict::Ok, format!("{} running as this user", nodes.len()))
        }
        Err(error) => Check::new("nodes", Verdict::Fail, error.to_string()),
    }
}

fn toolchain() -> Check {
    let (verdict, text) = match build::toolchain() {
        Ok(build::Toolchain::Rustup(target)) => (Verdict::Ok, format!("rustup, for {target}")),
        Ok(build::Toolchain::Distro) => (Verdict::Ok, "the distribution's".to_owned()),
        // Only who writes actors needs one.
        Err(error) => (Verdict::Warn, error.text().to_owned()),
    };
    Check::new("wasm toolchain", verdict, text)
}
