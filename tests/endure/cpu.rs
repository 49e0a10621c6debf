//! All processors busy: actors that compute without end on both nodes, and two programs
//! beside them.

use std::process::{Child, Command};
use std::time::Duration;

use anyhow::Context as _;
use odeon_core::Reason;
use odeon_tests::Word as _;
use odeon_tests::protocol::Operation;

use crate::duo::Duo;
use crate::report::Report;

/// Actors that compute, on each node: one for each thread that runs actors on a machine
/// with two processors, and as many that wait for their turn.
const SPINNERS: usize = 4;

/// A program that computes; ended when this goes.
struct Busy(Child);

impl Busy {
    fn start(time: Duration) -> anyhow::Result<Self> {
        let mut command = Command::new(std::env::current_exe()?);
        // In case nobody ends it.
        let seconds = (time + Duration::from_secs(60)).as_secs().to_string();
        Ok(Self(command.args(["spin", &seconds]).spawn()?))
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

pub(crate) async fn show(report: &mut Report, time: Duration) -> anyhow::Result<()> {
    let mut duo = Duo::start().await?;
    let calm = duo.rounds(Duration::from_secs(2)).await?;
    let mut spinners = Vec::new();
    for _ in 0..SPINNERS {
        spinners.extend(duo.pair().await);
    }
    for spinner in &mut spinners {
        spinner.tell(Operation::Spin);
    }
    let _busy = [Busy::start(time)?, Busy::start(time)?];
    let before = ProcessorTimes::now()?;
    let longest = duo.rounds(time).await?;
    let busy_percent = before.busy_percent(&ProcessorTimes::now()?);
    report.note("seconds", time.as_secs());
    report.at_least("processors_busy_percent", busy_percent, 99.0);
    report.note("longest_round_before_ms", calm.as_millis() as u64);
    report.note("longest_round_ms", longest.as_millis() as u64);
    duo.all_live(report).await?;
    for spinner in &spinners {
        duo.observer.world.node.exit(spinner.pid.word(), Reason::Kill);
    }
    duo.ends(report, |process| process.kill()).await
}

/// What the processors did since the start of the machine.
struct ProcessorTimes {
    idle: u64,
    all: u64,
}

impl ProcessorTimes {
    fn now() -> anyhow::Result<Self> {
        let text = std::fs::read_to_string("/proc/stat").context("this needs Linux")?;
        let line = text.lines().next().context("a first line")?;
        let times: Result<Vec<u64>, _> =
            line.split_whitespace().skip(1).take(8).map(str::parse).collect();
        let times = times?;
        let idle = times.get(3).copied().unwrap_or(0) + times.get(4).copied().unwrap_or(0);
        Ok(Self { idle, all: times.iter().sum() })
    }

    fn busy_percent(&self, later: &Self) -> f64 {
        let (idle, all) = (later.idle - self.idle, later.all - self.all);
        100.0 * (1.0 - idle as f64 / all.max(1) as f64)
    }
}
