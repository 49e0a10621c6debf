//! Many nodes that join one of them: all are connected with all, and stay so.

use std::time::{Duration, Instant};

use anyhow::ensure;
use serde_json::Value;

use crate::processes::{Home, How, Process};
use crate::report::Report;

const NODES: usize = 30;

/// From the start of the first until all are connected with all.
const SECONDS_MAX: f64 = 30.0;

/// When to give up.
const TIME_MAX: Duration = Duration::from_secs(120);

/// How often they are looked at.
const LOOK: Duration = Duration::from_secs(10);

pub(crate) fn show(report: &mut Report, time: Duration) -> anyhow::Result<()> {
    one_way(report, "one_after_another", time, |home| {
        let mut nodes = vec![home.start(&name(1), &How::default())?];
        for at in 2..=NODES {
            nodes.push(home.start(&name(at), &How { flags: &JOIN, ..How::default() })?);
        }
        Ok(nodes)
    })?;
    one_way(report, "all_at_once", time, |home| {
        let begin = |at| home.begin(&name(at), &How { flags: &JOIN, ..How::default() });
        let nodes: anyhow::Result<Vec<_>> = (1..=NODES).map(begin).collect();
        let mut nodes = nodes?;
        for node in &mut nodes {
            node.ready()?;
        }
        Ok(nodes)
    })
}

const JOIN: [&str; 2] = ["--join", "n1@localhost"];

fn name(at: usize) -> String {
    format!("n{at}@localhost")
}

fn one_way(
    report: &mut Report,
    way: &str,
    time: Duration,
    start: impl FnOnce(&Home) -> anyhow::Result<Vec<Process>>,
) -> anyhow::Result<()> {
    report.part(way);
    let home = Home::new()?;
    let begun = Instant::now();
    let nodes = start(&home)?;
    report.note("all_ready_after_s", begun.elapsed().as_secs_f64());
    while !nodes.iter().all(|node| is_whole(&home, node)) {
        ensure!(begun.elapsed() < TIME_MAX, "{way}: not whole within {TIME_MAX:?}");
    }
    report.at_most("whole_after_s", begun.elapsed().as_secs_f64(), SECONDS_MAX);
    let (whole, mut looks, mut broken) = (Instant::now(), 0_u32, 0_u32);
    while whole.elapsed() < time {
        std::thread::sleep(LOOK.min(time.saturating_sub(whole.elapsed())));
        looks += 1;
        broken += u32::from(!nodes.iter().all(|node| is_whole(&home, node)));
    }
    report.note("looks", looks);
    report.at_most("looks_not_whole", f64::from(broken), 0.0);
    let mut losses = Vec::new();
    let mut resident = 0;
    for node in &nodes {
        losses.extend(node.losses()?);
        resident += node.resident_bytes()?;
    }
    report.note("resident_mib", resident >> 20);
    report.at_most("connections_lost", losses.len() as f64, 0.0);
    for line in losses.into_iter().take(10) {
        report.note("what_came", line);
    }
    Ok(())
}

/// Whether a node says that it is connected with all others.
fn is_whole(home: &Home, node: &Process) -> bool {
    let Ok(output) = home.run(&["nodes", "--json", "--on", &node.name], None) else { return false };
    let listing: Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
    let rows = listing.as_array().map(Vec::as_slice).unwrap_or_default();
    rows.iter().filter(|row| row["state"] == "connected").count() == NODES - 1
}
