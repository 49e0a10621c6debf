//! Nodes whose clocks differ: one runs where the clock that counts from the start of the
//! machine is ten days ahead.
//!
//! What the clock on the wall says cannot be changed for one process alone; that nobody
//! asks it about connections is checked in the source (`xtask/src/purity.rs`).

use std::process::Command;
use std::time::Duration;

use crate::duo::Duo;
use crate::processes::How;
use crate::report::Report;

/// Ten days, in seconds.
const AHEAD: &str = "864000";

pub(crate) async fn show(report: &mut Report, time: Duration) -> anyhow::Result<()> {
    report.skipped("wall_clock_jumps", "it belongs to the whole machine");
    let under =
        ["unshare", "--time", "--fork", "--kill-child", "--monotonic", AHEAD, "--boottime", AHEAD];
    let can = Command::new(under[0]).args(&under[1..]).arg("true").status();
    if !can.is_ok_and(|status| status.success()) {
        report.skipped("clocks_that_differ", "no time namespaces: this needs the rights of root");
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
