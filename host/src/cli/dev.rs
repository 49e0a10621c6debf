//! `odeon dev`: builds a project and runs it in this terminal, again and again.

use std::env;
use std::fs;
use std::future::pending;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use rustix::process::{Pid, Signal, getpgrp, kill_process};
use rustix::stdio::stdin;
use rustix::termios::tcgetpgrp;
use tokio::process::{Child, Command};
use tokio::signal::unix::{self, SignalKind};
use tokio::time::sleep;

use super::build::Build;
use super::exit::{Exit, code};
use super::interrupt::Interrupts;

/// How often the sources are looked at.
const LOOK: Duration = Duration::from_millis(200);
/// Files looked at, at most: a project of actors is small.
const FILES_MAX: usize = 10_000;
/// How long an actor that was asked to end may take, before its process is killed.
const GRACE: Duration = Duration::from_secs(5);

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
    pub(crate) async fn run(self) -> Result<u8, Exit> {
        let mut stops = Stops::listen()?;
        let mut seen = newest(&self.dir);
        let mut is_first = true;
        loop {
            let built = tokio::select! {
                built = self.build() => built,
                // The compiler ends by itself, and nobody uses what it makes.
                _ = stops.next() => return Ok(code::INTERRUPTED),
            };
            let mut running = match built {
                Ok(module) => Some(self.start(&module)?),
                // A project that is none, or a toolchain that is missing, does not mend by waiting.
                Err(error) if is_first => return Err(error),
                Err(error) => {
                    eprintln!("* {}; waiting for a change", error.text());
                    None
                }
            };
            is_first = false;
            let stop = tokio::select! {
                () = changed(&self.dir, &mut seen) => None,
                stop = stops.next() => Some(stop),
                () = watch(&mut running) => unreachable!("it waits for ever"),
            };
            if let Some(child) = running {
                end(child, stop.is_some_and(Stop::is_everybodys), &mut stops).await;
            }
            if stop.is_some() {
                return Ok(code::INTERRUPTED);
            }
            eprintln!("* a source changed: building");
        }
    }

    async fn build(&self) -> Result<PathBuf, Exit> {
        let build = Build::project(&self.dir);
        let made = tokio::task::spawn_blocking(move || build.make()).await;
        let (module, _) =
            made.map_err(|error| Exit::failed(format!("cannot build: {error}")))??;
        Ok(module)
    }

    fn start(&self, module: &Path) -> Result<Child, Exit> {
        let odeon = env::current_exe().map_err(cannot)?;
        let mut command = Command::new(odeon);
        command.arg("run").arg(module).args(&self.start).kill_on_drop(true);
        command.spawn().map_err(cannot)
    }
}

fn cannot(error: std::io::Error) -> Exit {
    Exit::failed(format!("cannot run the actor: {error}"))
}

/// What ends this command.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Stop {
    /// SIGINT.
    Interrupt,
    /// SIGTERM.
    Terminate,
}

impl Stop {
    /// Whether the actor's process got the signal as well: a terminal sends Ctrl-C to all
    /// that run in its foreground.
    fn is_everybodys(self) -> bool {
        self == Self::Interrupt && tcgetpgrp(stdin()).is_ok_and(|group| group == getpgrp())
    }
}

/// Hears what ends this command, from its making on.
struct Stops {
    interrupts: Interrupts,
    terminations: unix::Signal,
}

impl Stops {
    fn listen() -> Result<Self, Exit> {
        let failed = |error| Exit::failed(format!("cannot listen for signals: {error}"));
        let terminations = unix::signal(SignalKind::terminate()).map_err(failed)?;
        Ok(Self { interrupts: Interrupts::listen()?, terminations })
    }

    async fn next(&mut self) -> Stop {
        tokio::select! {
            () = self.interrupts.next() => Stop::Interrupt,
            Some(()) = self.terminations.recv() => Stop::Terminate,
        }
    }
}

/// Waits until a source has changed.
async fn changed(dir: &Path, seen: &mut (Option<SystemTime>, usize)) {
    loop {
        sleep(LOOK).await;
        let now = newest(dir);
        if now != *seen {
            *seen = now;
            return;
        }
    }
}

/// Says when the actor ends by itself. Never returns.
async fn watch(running: &mut Option<Child>) {
    if let Some(child) = running {
        match child.wait().await {
            Ok(status) => eprintln!("* it ended ({status}); waiting for a change"),
            Err(error) => eprintln!("* {}; waiting for a change", cannot(error).text()),
        }
        *running = None;
    }
    pending().await
}

/// Ends an actor that runs: in an orderly way as Ctrl-C does, unless it was told already; at
/// once where that takes too long, or another signal comes.
async fn end(mut child: Child, is_told: bool, stops: &mut Stops) {
    let pid = child.id().and_then(|id| Pid::from_raw(id.cast_signed()));
    if let Some(pid) = pid.filter(|_| !is_told) {
        // Fails where it has just ended.
        let _ = kill_process(pid, Signal::INT);
    }
    tokio::select! {
        _ = child.wait() => return,
        () = sleep(GRACE) => {}
        _ = stops.next() => {}
    }
    // Likewise.
    let _ = child.kill().await;
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
