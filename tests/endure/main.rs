//! Nodes that are processes of their own and are pressed hard: does everybody who lives
//! count as living, and is nothing lost?
//!
//! ```text
//! cargo build --profile gate --workspace --bins --examples
//! target/gate/examples/endure SHOW [NUMBER]
//! ```
//!
//! A SHOW is one of these, or `all`; the number is how much of one:
//!
//! - `cpu SECONDS`: all processors busy, within the nodes and beside them;
//! - `transfer MIB`: a large transfer between actors;
//! - `mesh MINUTES`: 30 nodes that are started one after another, and at once;
//! - `strangers COUNT`: connections that never finish their handshake;
//! - `slow SECONDS`: 200 ms of delay, 1 Mbit/s, 30 % loss;
//! - `clocks SECONDS`: nodes whose clocks differ by days, or step by years;
//! - `proxies SECONDS`: HAProxy and nginx between two nodes.
//!
//! Prints each figure as a line of JSON, with what it has to be. Exit code 1 if one is
//! not that. What needs network namespaces, or a program that is not installed, says so.
//! Needs `target/guests` (`cargo xtask guests`).

mod cable;
mod clocks;
mod cpu;
mod duo;
mod mesh;
mod processes;
mod proxies;
mod report;
mod slow;
mod strangers;
mod transfer;

use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};

use report::Report;

const SHOWS: [&str; 7] = ["cpu", "transfer", "mesh", "strangers", "slow", "clocks", "proxies"];

#[tokio::main]
async fn main() -> anyhow::Result<ExitCode> {
    let mut arguments = std::env::args().skip(1);
    let what = arguments.next().context("say what to show: see tests/endure/main.rs")?;
    let number = arguments.next().map(|text| text.parse::<u64>()).transpose()?;
    if what == "spin" {
        spin(Duration::from_secs(number.unwrap_or(1)));
        return Ok(ExitCode::SUCCESS);
    }
    let shows: Vec<_> = SHOWS.into_iter().filter(|show| what == "all" || what == *show).collect();
    if shows.is_empty() {
        bail!("`{what}` is none of all, {}", SHOWS.join(", "));
    }
    if what == "all" && number.is_some() {
        bail!("a number is for one show");
    }
    let mut is_missed = false;
    for show in shows {
        // A wait that is not rewarded ends the show by a panic.
        let shown = tokio::spawn(run(show, number));
        match shown.await {
            Ok(Ok(report)) => is_missed |= report.is_missed(),
            Ok(Err(error)) => {
                report::failed(show, &format!("{error:#}"));
                is_missed = true;
            }
            Err(error) => {
                report::failed(show, &error.to_string());
                is_missed = true;
            }
        }
    }
    Ok(if is_missed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

async fn run(show: &'static str, number: Option<u64>) -> anyhow::Result<Report> {
    let mut report = Report::new(show);
    let seconds = |otherwise| Duration::from_secs(number.unwrap_or(otherwise));
    match show {
        "cpu" => cpu::show(&mut report, seconds(60)).await?,
        "transfer" => transfer::show(&mut report, number.unwrap_or(1024)).await?,
        "mesh" => mesh::show(&mut report, 60 * seconds(2))?,
        "strangers" => strangers::show(&mut report, number.unwrap_or(10_000)).await?,
        "slow" => slow::show(&mut report, seconds(40)).await?,
        "clocks" => clocks::show(&mut report, seconds(30)).await?,
        _ => proxies::show(&mut report, seconds(5)).await?,
    }
    Ok(report)
}

/// Keeps a processor busy; this program runs itself for that.
fn spin(time: Duration) {
    let begun = Instant::now();
    let mut number = 1_u64;
    while begun.elapsed() < time {
        for _ in 0..1_000_000 {
            number = std::hint::black_box(number.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        }
    }
}
