//! Nodes whose clocks differ, or jump: nobody goes down, nothing is told twice or late.
//!
//! Two clocks, two parts. The clock that counts from the start of the machine is ten days
//! ahead for one node, in a time namespace. The clock on the wall steps while the nodes
//! run, forwards and back, by `libfaketime`, which stands between one process and the
//! system's clock (Debian's package `faketime`).

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, bail, ensure};
use odeon_tests::Puppet;
use odeon_tests::protocol::{Event, Operation, Value};

use crate::duo::Duo;
use crate::processes::How;
use crate::report::Report;

/// Ten days, in seconds.
const AHEAD: &str = "864000";

/// How far the clock on the wall is from the right time, in seconds, one after the other.
const STEPS: [(&str, i64); 4] =
    [("day_ahead", DAY), ("day_behind", -DAY), ("ten_years_ahead", 3_653 * DAY), ("right", 0)];

const DAY: i64 = 86_400;

/// The timer that runs while the clock steps, and how late it may be told of: orders and
/// reports go over the network.
const TIMER: Duration = Duration::from_millis(2_500);
const LATE_SECONDS_MAX: f64 = 1.0;

/// Longer than the tick time, so that ticks alone keep the nodes connected.
const QUIET: Duration = Duration::from_secs(5);

pub(crate) async fn show(report: &mut Report, time: Duration) -> anyhow::Result<()> {
    report.part("wall_clock_steps");
    steps(report, time / 10).await?;
    report.part("clocks_that_differ");
    differ(report, time).await
}

async fn differ(report: &mut Report, time: Duration) -> anyhow::Result<()> {
    let under =
        ["unshare", "--time", "--fork", "--kill-child", "--monotonic", AHEAD, "--boottime", AHEAD];
    let can = Command::new(under[0]).args(&under[1..]).arg("true").status();
    if !can.is_ok_and(|status| status.success()) {
        report.skipped("all", "no time namespaces: this needs the rights of root");
        return Ok(());
    }
    let how = [How::default(), How { under: &under, ..How::default() }];
    let mut duo = Duo::start_with(["a@localhost", "b@localhost"], how, None).await?;
    let longest = duo.rounds(time).await?;
    report.note("seconds", time.as_secs());
    report.note("longest_round_ms", longest.as_millis() as u64);
    duo.all_live(report).await?;
    duo.ends(report, |process| process.kill()).await
}

/// The clock of one node, then of both, steps while messages, timers, ticks and monitors
/// go on.
async fn steps(report: &mut Report, time: Duration) -> anyhow::Result<()> {
    let Some(library) = library() else {
        report.skipped("all", "no libfaketime: install Debian's package `faketime`");
        return Ok(());
    };
    let clocks = [Clock::new()?, Clock::new()?];
    let preload = format!("LD_PRELOAD={}", library.display());
    let files = [clocks[0].variable(), clocks[1].variable()];
    let under = |file| {
        [
            "env",
            &preload,
            file,
            "FAKETIME_NO_CACHE=1",
            "FAKETIME_DONT_FAKE_MONOTONIC=1",
            "DONT_FAKE_MONOTONIC=1",
        ]
    };
    let under = [under(&files[0]), under(&files[1])];
    let how =
        [How { under: &under[0], ..How::default() }, How { under: &under[1], ..How::default() }];
    let mut duo = Duo::start_with(["a@localhost", "b@localhost"], how, None).await?;
    for (step, seconds) in STEPS {
        for at in [0, 1] {
            let node = ["first", "second"][at];
            report.part(&format!("wall_clock_{step}_{node}"));
            one_step(report, &mut duo, &clocks[at], at, seconds, time).await?;
        }
    }
    report.part("wall_clock_after_all");
    duo.all_live(report).await?;
    duo.ends(report, |process| process.kill()).await
}

async fn one_step(
    report: &mut Report,
    duo: &mut Duo,
    clock: &Clock,
    at: usize,
    seconds: i64,
    time: Duration,
) -> anyhow::Result<()> {
    let mut timers = Vec::new();
    for actor in &mut duo.actors {
        let length = TIMER.as_millis() as u64;
        timers.push((Instant::now(), actor.reference(Operation::StartTimer(length)).await));
    }
    let before = now_ms(&mut duo.actors[at]).await?;
    clock.set(seconds)?;
    let wall = wall_seconds(&mut duo.actors[at]).await?;
    report.at_most("wall_clock_off_by_s", (wall - seconds as f64).abs(), 5.0);
    let after = now_ms(&mut duo.actors[at]).await?;
    report.at_most("steady_clock_moved_ms", after - before, 1_000.0);
    for (actor, (begun, timer)) in duo.actors.iter_mut().zip(timers) {
        match actor.event().await {
            Event::Timeout(reference) if reference == timer => {}
            other => bail!("instead of the end of a timer came {other:?}"),
        }
        let late = begun.elapsed().as_secs_f64() - TIMER.as_secs_f64();
        report.at_least("timer_late_s", late, 0.0);
        report.at_most("timer_late_s", late, LATE_SECONDS_MAX);
    }
    let longest = duo.rounds(time).await?;
    report.note("longest_round_ms", longest.as_millis() as u64);
    tokio::time::sleep(QUIET).await;
    duo.all_live(report).await
}

/// What an actor's node says of the clock that never steps, in milliseconds.
async fn now_ms(actor: &mut Puppet) -> anyhow::Result<f64> {
    match actor.order(Operation::Now).await {
        Value::Number(Some(nanoseconds)) => Ok(nanoseconds as f64 / 1e6),
        other => bail!("instead of the time came {other:?}"),
    }
}

/// How far the clock on the wall of an actor's node is from this program's, in seconds.
async fn wall_seconds(actor: &mut Puppet) -> anyhow::Result<f64> {
    match actor.order(Operation::WallClockMs).await {
        Value::Number(Some(milliseconds)) => {
            let own = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs_f64();
            Ok(milliseconds as f64 / 1e3 - own)
        }
        other => bail!("instead of the time came {other:?}"),
    }
}

/// What steps the clock of a process, where it is installed.
fn library() -> Option<PathBuf> {
    let places = ["/usr/lib", "/usr/local/lib", "/usr/lib64"].map(Path::new);
    let beneath = places.iter().filter_map(|place| std::fs::read_dir(place).ok()).flatten();
    let beneath = beneath.filter_map(|entry| Some(entry.ok()?.path()));
    let mut all = places.iter().map(|place| place.to_path_buf()).chain(beneath);
    all.find_map(|place| {
        let library = place.join("faketime/libfaketimeMT.so.1");
        library.is_file().then_some(library)
    })
}

/// The file in which a process finds how far its clock is off.
struct Clock {
    dir: tempfile::TempDir,
}

impl Clock {
    fn new() -> anyhow::Result<Self> {
        let clock = Self { dir: tempfile::tempdir()? };
        clock.set(0)?;
        Ok(clock)
    }

    fn file(&self) -> PathBuf {
        self.dir.path().join("clock")
    }

    fn variable(&self) -> String {
        format!("FAKETIME_TIMESTAMP_FILE={}", self.file().display())
    }

    /// At once for whoever looks at the clock next, and never by half.
    fn set(&self, seconds: i64) -> anyhow::Result<()> {
        let fresh = self.dir.path().join("fresh");
        std::fs::write(&fresh, format!("{seconds:+}\n"))?;
        std::fs::rename(&fresh, self.file()).context("the clock's file")?;
        let text = std::fs::read_to_string(self.file())?;
        ensure!(text.starts_with(['+', '-']), "a clock that is off by {text}");
        Ok(())
    }
}
