//! Two nodes on a bad network: what goes over it keeps its order, and nobody is called
//! dead who lives; when the network is cut, the watcher hears of it once.
//!
//! A network that loses much is silent now and then for longer than the tick time: TCP
//! waits twice as long after each loss of the same packet. There a node may be called
//! dead, and each watcher has to hear of it once.

use std::time::{Duration, Instant};

use anyhow::ensure;
use odeon_tests::cluster::net::Net;
use odeon_tests::protocol::{Event, Operation, Pid, Value};

use crate::cable::{Cable, ENDS, Quality};
use crate::duo::Duo;
use crate::processes::How;
use crate::report::Report;

/// Messages that are sent in one go.
const BATCH: usize = 40;

pub(crate) async fn show(report: &mut Report, time: Duration) -> anyhow::Result<()> {
    let good = Quality::default();
    let networks = [
        ("delay_200ms", Quality { delay: Duration::from_millis(200), ..good }),
        ("rate_1mbit", Quality { bits_per_s: Some(1_000_000), ..good }),
        ("loss_30_percent", Quality { loss_percent: 30, ..good }),
    ];
    for (name, quality) in networks {
        report.part(name);
        let Some(net) = Net::new(3) else {
            report.skipped("all", "no network namespaces: this needs `ip` and the rights of root");
            return Ok(());
        };
        on(report, &net, quality, time).await?;
    }
    Ok(())
}

async fn on(
    report: &mut Report,
    net: &Net,
    quality: Quality,
    time: Duration,
) -> anyhow::Result<()> {
    let [one, two, observer] = &net.hosts[..] else { unreachable!("three were asked for") };
    let cable = Cable::between([one, two])?;
    // This program reaches both without the cable; they reach each other by it alone.
    for (end, host) in ENDS.iter().zip([one, two]) {
        ensure!(observer.set_up(&format!("route add {end}/32 via {}", host.ip)), "a way to {end}");
    }
    let names = [format!("a@{}", ENDS[0]), format!("b@{}", ENDS[1])];
    let how = |host| How { host: Some(host), ..How::default() };
    let names = [names[0].as_str(), names[1].as_str()];
    let mut duo = Duo::start_with(names, [how(one), how(two)], Some(observer)).await?;
    let before = duo.rounds(Duration::from_secs(1)).await?;
    report.note("longest_round_before_ms", before.as_millis() as u64);
    cable.set(quality);
    let (begun, mut messages) = (Instant::now(), 0);
    let mut longest = Duration::ZERO;
    while begun.elapsed() < time {
        let batch = Instant::now();
        if let Some(event) = exchange(&mut duo, messages).await? {
            let bar = if quality.loss_percent > 0 { 1.0 } else { 0.0 };
            report.at_most("node_downs", 1.0, bar);
            report.note("node_down_after_s", begun.elapsed().as_secs_f64());
            return lost(report, &mut duo, event).await;
        }
        longest = longest.max(batch.elapsed());
        messages += BATCH;
    }
    let (carried, dropped) = cable.packets();
    report.at_least("messages_in_order_each_way", messages as f64, BATCH as f64);
    report.note("longest_batch_ms", longest.as_millis() as u64);
    report.note("packets_carried", carried);
    report.note("packets_lost", dropped);
    duo.all_live(report).await?;
    duo.ends(report, |_| cable.cut()).await
}

/// A batch of messages each way, which have to come in order. What came instead, if that
/// was word of an end.
async fn exchange(duo: &mut Duo, first: usize) -> anyhow::Result<Option<Event>> {
    let [one, two] = &mut duo.actors;
    let numbers = first..first + BATCH;
    let sends = |to: Pid| {
        let send = |number| Operation::Send(to, body(number));
        Operation::Batch(numbers.clone().map(send).collect())
    };
    let pids = [one.pid, two.pid];
    let given = [one.begin(sends(pids[1])), two.begin(sends(pids[0]))];
    for (from, to) in [(pids[0], &mut *two), (pids[1], &mut *one)] {
        for number in numbers.clone() {
            match to.event().await {
                Event::Message { sender, body: came, .. } if sender == from => {
                    ensure!(came == body(number), "instead of message {number} came another");
                }
                event @ (Event::Down { .. } | Event::NodeDown { .. }) => return Ok(Some(event)),
                other => anyhow::bail!("instead of message {number} came {other:?}"),
            }
        }
    }
    one.finish(given[0]).await;
    two.finish(given[1]).await;
    Ok(None)
}

/// The bytes of a message: its number, and now and then much more.
fn body(number: usize) -> Vec<u8> {
    let mut body = vec![0; if number % 10 == 5 { 20_000 } else { 50 }];
    body[..8].copy_from_slice(&(number as u64).to_le_bytes());
    body
}

/// A connection was lost: each watcher heard of it once.
async fn lost(report: &mut Report, duo: &mut Duo, first: Event) -> anyhow::Result<()> {
    report.note("what_came", format!("{first:?}"));
    let mut events = vec![first];
    for actor in &mut duo.actors {
        match actor.order(Operation::ReceiveAll { quiet_ms: 2_000 }).await {
            Value::Events(more) => events.extend(more),
            other => anyhow::bail!("instead of events came {other:?}"),
        }
    }
    let downs = events.iter().filter(|event| matches!(event, Event::Down { .. })).count();
    report.at_most("downs_of_two_monitors", downs as f64, 2.0);
    report.at_least("downs_of_two_monitors", downs as f64, 2.0);
    Ok(())
}
