//! A large transfer between actors: messages of 1 MiB, and small ones beside them.

use std::time::{Duration, Instant};

use anyhow::bail;
use odeon_tests::protocol::Operation;
use odeon_tests::{Puppet, RECEIVE_MS};

use crate::duo::{Duo, is_message};
use crate::report::Report;

/// The bytes of one message.
const MESSAGE_BYTES: u64 = 1 << 20;

/// Messages that a sender sends before its receiver is asked whether they came: a
/// quarter of what a mailbox holds.
const ROUND: u64 = 64;

/// It takes several tick times at least, or nobody could be called dead beside it.
const TIME_MIN: Duration = Duration::from_secs(15);

pub(crate) async fn show(report: &mut Report, mib: u64) -> anyhow::Result<()> {
    let mut duo = Duo::start().await?;
    let pairs = [duo.pair().await, duo.pair().await];
    let begun = Instant::now();
    // Two pairs, so that one sends while the other is asked.
    let share = mib.div_ceil(2);
    let mut sending: Vec<_> = pairs.map(|pair| tokio::spawn(send(pair, share))).into();
    let mut longest = Duration::ZERO;
    let mut rounds = 0_u64;
    while !sending.iter().all(tokio::task::JoinHandle::is_finished) {
        longest = longest.max(duo.round(b"beside").await?);
        rounds += 1;
    }
    let seconds = begun.elapsed().as_secs_f64();
    let mut all = 0;
    for sent in sending.drain(..) {
        all += sent.await??;
    }
    report.at_least("mib", all as f64, mib as f64);
    report.note("mib_per_s", (all as f64 / seconds).round());
    report.note("rounds_beside", rounds);
    report.note("longest_round_ms", longest.as_millis() as u64);
    duo.all_live(report).await?;
    duo.ends(report, |process| process.kill()).await
}

/// Sends at least so many messages from one to the other for [`TIME_MIN`], all of which
/// have to come. How many those were.
async fn send([mut from, mut to]: [Puppet; 2], messages: u64) -> anyhow::Result<u64> {
    let (begun, mut sent) = (Instant::now(), 0);
    while sent < messages || begun.elapsed() < TIME_MIN {
        let round = match messages.saturating_sub(sent) {
            0 => ROUND,
            left => left.min(ROUND),
        };
        let ended = to.watch();
        let receive = Operation::Receive { of: None, timeout_ms: Some(RECEIVE_MS) };
        let coming = to.begin(Operation::Repeat(round, Box::new(receive)));
        from.done(Operation::Flood { to: to.pid, messages: round, bytes: MESSAGE_BYTES }).await;
        tokio::select! {
            last = to.finish(coming) => is_message(&last)?,
            reason = ended.reason() => bail!("a receiver ended after {sent} messages: {reason:?}"),
        }
        sent += round;
    }
    Ok(sent)
}
