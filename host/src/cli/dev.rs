//! `odeon dev`: builds a project and runs it in this terminal, again and again.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::thread::sleep;
use std::time::{Duration, SystemTime};

use super::build::Build;
use super::exit::Exit;

/// How often the sources are looked at.
const LOOK: Duration = Duration::from_millis(200);
/// Files looked at, at most: a project of actors is small.
const FILES_MAX: usize = 10_000;

/// Builds the actor in a directory and runs it in this terminal. When a source changes,
/// the actor is ended, built again and run again. Ctrl-C ends it.
#[derive(Debug, clap::Args)]
pub(crate) struct Dev {
    /// The function to run, and its argument as JSON, as for `odeon run`.
    #[arg(value_name = "FUNCTION [ARGUMENT]", default_value = "main")]
    start: Vec<String>,
    /// The directory of the project.
    #[arg(long, default_value = ".")]
    dir: PathBuf,
}

impl Dev {
    pub(crate) fn run(self) -> Result<u8, Exit> {
        let build = Build::project(&self.dir);
        let mut seen = newest(&self.dir);
        // A project that is none, or a toolchain that is missing, does not mend by waiting.
        let mut running = Some(self.start(&build.make()?.0)?);
        loop {
            sleep(LOOK);
            if let Some(child) = &mut running
                && let Some(status) = child.0.try_wait().map_err(cannot)?
            {
                eprintln!("* it ended ({status}); waiting for a change");
                running = None;
            }
            let now = newest(&self.dir);
            if now == seen {
                continue;
            }
            seen = now;
            running = None;
            eprintln!("* a source changed: building");
            match build.make() {
                Ok((module, _)) => running = Some(self.start(&module)?),
                Err(error) => eprintln!("* {}; waiting for a change", error.text()),
            }
        }
    }

    fn start(&self, module: &Path) -> Result<Running, Exit> {
        let odeon = env::current_exe().map_err(cannot)?;
        let child = Command::new(odeon).arg("run").arg(module).args(&self.start).spawn();
        child.map(Running).map_err(cannot)
    }
}

fn cannot(error: std::io::Error) -> Exit {
    Exit::failed(format!("cannot run the actor: {error}"))
}

/// An actor that runs; it ends when this is dropped.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // Either fails where it has ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// When a source of a project was changed last, and how many there are. What builds
/// write is no source.
fn newest(dir: &Path) -> (Option<SystemTime>, usize) {
    let (mut newest, mut count) = (None, 0);
    let mut folders = vec![dir.to_owned()];
    while let Some(folder) = folders.pop() {
        let Ok(entries) = fs::read_dir(&folder) else { continue };
        for entry in entries.flatten() {
            let name = entry.file_name();
            let name = name.to_string_lossy();
            let Ok(metadata) = entry.metadata() else { continue };
            if name.starts_with('.') || matches!(&*name, "target" | "node_modules" | "__pycache__")
            {
                continue;
            }
            if metadata.is_dir() {
                folders.push(entry.path());
            } else if !name.ends_with(".wasm") && name != "Cargo.lock" && count < FILES_MAX {
                count += 1;
                newest = newest.max(metadata.modified().ok());
            }
        }
    }
    (newest, count)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_changed_source_is_seen_and_what_builds_write_is_not() {
        let dir = tempfile::tempdir().expect("temporary directory");
        let at = |name: &str| dir.path().join(name);
        fs::create_dir_all(at("src")).expect("made");
        fs::create_dir_all(at(".odeon")).expect("made");
        fs::write(at("src/main.c"), "").expect("written");
        let before = newest(dir.path());
        fs::write(at("a.wasm"), "").expect("written");
        fs::write(at(".odeon/x"), "").expect("written");
        assert_eq!(newest(dir.path()), before);
        fs::write(at("src/other.c"), "").expect("written");
        assert_ne!(newest(dir.path()), before);
        let later = SystemTime::now() + Duration::from_secs(5);
        let file = fs::File::options().write(true).open(at("src/main.c")).expect("there");
        let before = newest(dir.path());
        file.set_modified(later).expect("set");
        assert_ne!(newest(dir.path()), before);
    }
}
