//! The near process: the jobs on two connected nodes, each of which gives one figure.

use std::io::Read as _;
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use bytes::Bytes;
use odeon_core::Pid;
use odeon_core::process::{Event, Filter};

use super::far::{FAR, Far, Meeting, Member, NEAR};
use super::{Channel, Job, bare, many};
use crate::bench::jobs::{finished, pid_bytes, to};
use crate::bench::median;
use crate::native::Native;
use crate::{Ended, Spawn, Start};

/// How the guest is deployed.
pub(super) const GUEST: &str = "bench";

/// A module with one typed function, and how the guest names it.
const CALC: (&str, &[u8]) = (
    "calc",
    br#"(component
    (core module $m
      (func (export "add") (param i32 i32) (result i32) local.get 0 local.get 1 i32.add))
    (core instance $i (instantiate $m))
    (func (export "add") (param "a" u32) (param "b" u32) (result u32)
      (canon lift (core func $i "add"))))"#,
);

/// Measures one figure once.
pub(super) async fn measure(job: Job, channel: Channel) -> anyhow::Result<f64> {
    let files = tempfile::tempdir()?;
    let mut random = [0; 16];
    getrandom::fill(&mut random).map_err(|error| anyhow::anyhow!("no randomness: {error}"))?;
    let cookie = random.iter().map(|byte| format!("{byte:02x}")).collect();
    let bare = job == Job::Bare;
    let (dir, name) = (files.path().to_owned(), FAR.to_owned());
    let meeting = Meeting { dir, cookie, channel, bare, name, members: 0 };
    if many::is_one(job) {
        return many::measure(job, &meeting).await;
    }
    let far = Far::start(&meeting)?;
    if bare {
        let address = far.address;
        return tokio::task::spawn_blocking(move || {
            bare::measure(address, channel == Channel::Tls)
        })
        .await?;
    }
    let pair =
        Pair { near: Member::start(&meeting, NEAR).await?, canary: canary(far.address)?, far };
    pair.near.node.modules().deploy(GUEST, include_bytes!("../guest.wat"))?;
    if job == Job::Connect {
        return pair.connect().await;
    }
    pair.near.node.connect(FAR).await?;
    match job {
        Job::PingPong => pair.ping_pong(5_000, 40_000).await,
        Job::Small => pair.stream(1, 2_000_000, 64).await,
        Job::SmallEight => pair.stream(8, 250_000, 64).await,
        Job::Big => Ok(pair.stream(1, 1024, 1 << 20).await? * f64::from(1 << 20) / 1e6),
        Job::SpawnDown => pair.spawn_down(1_000, 20_000).await,
        Job::Call => pair.calls(1, 20_000, 0).await,
        Job::CallMany => pair.calls(64, 2_000, 0).await,
        Job::CallBytes => pair.calls(1, 20_000, 1).await,
        Job::CallBytesMany => pair.calls(64, 2_000, 1).await,
        Job::PingUnderBulk => pair.ping_under_bulk(2_000).await,
        Job::NodeDown => pair.node_down(100_000).await,
        Job::CodeShip => pair.code_ship().await,
        Job::Bare
        | Job::Connect
        | Job::Register
        | Job::RegisterMany
        | Job::RegisterThirty
        | Job::RegisterThirtyMany
        | Job::Whereis
        | Job::GroupCast => bail!("needs other nodes than two connected ones"),
    }
}

/// Says when the far process is gone, by a connection that has nothing to do with nodes.
struct Canary(TcpStream);

fn canary(address: SocketAddr) -> anyhow::Result<Canary> {
    Ok(Canary(TcpStream::connect(address).context("the far process has gone")?))
}

impl Canary {
    fn died(mut self) -> Instant {
        // An end or an error: it is gone.
        let _ = self.0.read(&mut [0]);
        Instant::now()
    }
}

/// This node, and the other one.
struct Pair {
    near: Member,
    far: Far,
    canary: Canary,
}

pub(super) fn entry(function: &str, argument: Vec<u8>) -> Spawn {
    Spawn::new(GUEST, Start::Entry { function: function.into(), argument: argument.into() })
}

fn many(to_whom: Pid, count: u32, bytes: u32) -> Vec<u8> {
    let mut argument = to(to_whom, count);
    argument.extend(bytes.to_le_bytes());
    argument
}

impl Pair {
    async fn far_actor(&self, function: &str, argument: Vec<u8>) -> anyhow::Result<Pid> {
        Ok(self.near.node.spawn_at(FAR, entry(function, argument)).await?)
    }

    async fn watched(&self, function: &str, argument: Vec<u8>) -> anyhow::Result<Ended> {
        Ok(self.near.node.spawn_watched(entry(function, argument)).await?.1)
    }

    /// The seconds that an actor of this node takes from its spawn to its end.
    async fn timed(&self, function: &str, argument: Vec<u8>) -> anyhow::Result<f64> {
        let start = Instant::now();
        finished(self.watched(function, argument).await?.wait().await)?;
        Ok(start.elapsed().as_secs_f64())
    }

    async fn ping_pong(&self, warm_up: u32, count: u32) -> anyhow::Result<f64> {
        let pong = self.far_actor("idle", Vec::new()).await?;
        self.timed("ping", to(pong, warm_up)).await?;
        Ok(f64::from(count) / self.timed("ping", to(pong, count)).await?)
    }

    /// Messages in a second. The last one of each sender is answered.
    async fn stream(&self, senders: u32, count: u32, bytes: u32) -> anyhow::Result<f64> {
        let sink = self.far_actor("sink", u32::MAX.to_le_bytes().to_vec()).await?;
        self.timed("many", many(sink, (count / 20).max(1), bytes)).await?;
        let start = Instant::now();
        let mut ends = Vec::new();
        for _ in 0..senders {
            ends.push(self.watched("many", many(sink, count, bytes)).await?);
        }
        for end in ends {
            finished(end.wait().await)?;
        }
        Ok(f64::from(senders * count) / start.elapsed().as_secs_f64())
    }

    async fn spawn_down(&self, warm_up: u32, count: u32) -> anyhow::Result<f64> {
        let argument = |count: u32| [&count.to_le_bytes(), FAR.as_bytes()].concat();
        self.timed("w", argument(warm_up)).await?;
        Ok(f64::from(count) / self.timed("w", argument(count)).await?)
    }

    /// Calls in a second, of the first or second form that the guest knows.
    async fn calls(&self, callers: u32, count: u32, form: u32) -> anyhow::Result<f64> {
        self.near.node.modules().deploy(CALC.0, CALC.1)?;
        let argument =
            |count: u32| [&count.to_le_bytes(), &form.to_le_bytes(), FAR.as_bytes()].concat();
        self.timed("r", argument(1_000)).await?;
        let start = Instant::now();
        let mut ends = Vec::new();
        for _ in 0..callers {
            ends.push(self.watched("r", argument(count)).await?);
        }
        for end in ends {
            finished(end.wait().await)?;
        }
        Ok(f64::from(callers * count) / start.elapsed().as_secs_f64())
    }

    /// The 99th percentile of a round trip, in microseconds.
    async fn ping_under_bulk(&self, count: u32) -> anyhow::Result<f64> {
        let mut driver = self.near.node.native("driver");
        let sink = self.far_actor("sink", u32::MAX.to_le_bytes().to_vec()).await?;
        let pong = self.far_actor("idle", Vec::new()).await?;
        let _bulk = self.watched("endless", many(sink, 4, 16 << 20)).await?;
        tokio::time::sleep(Duration::from_millis(500)).await;
        let mut argument = pid_bytes(pong);
        argument.extend(pid_bytes(driver.pid()));
        argument.extend(count.to_le_bytes());
        let _pinging = self.watched("latency", argument).await?;
        let times = message(&mut driver).await?;
        let mut times: Vec<u64> = times
            .chunks_exact(8)
            .map(|chunk| u64::from_le_bytes(chunk.try_into().expect("a chunk of eight")))
            .collect();
        ensure!(times.len() == count as usize, "times are missing");
        times.sort_unstable();
        Ok(times[times.len() * 99 / 100] as f64 / 1e3)
    }

    /// Milliseconds from the loss of the far process to the last down.
    async fn node_down(mut self, count: usize) -> anyhow::Result<f64> {
        const BATCH: usize = 1000;
        let mut driver = self.near.node.native("driver");
        let mut pids = Vec::with_capacity(16 * count);
        for _ in 0..count / BATCH {
            let spawns = (0..BATCH).map(|_| self.far_actor("idle", Vec::new()));
            for pid in futures_util::future::join_all(spawns).await {
                pids.extend(pid_bytes(pid?));
            }
        }
        let watching = u32::try_from(count).context("too many")?;
        let watcher = entry("d", to(driver.pid(), watching));
        let (watcher, ended) = self.near.node.spawn_watched(watcher).await?;
        driver.send(watcher, Bytes::from(pids));
        tokio::select! {
            biased;
            said = message(&mut driver) => drop(said?),
            reason = ended.wait() => bail!("the watcher ended: {reason}"),
        }
        // The monitors have gone out and reached their actors by then.
        tokio::time::sleep(Duration::from_millis(1000)).await;
        let canary = self.canary;
        let died = tokio::task::spawn_blocking(move || canary.died());
        self.far.kill()?;
        message(&mut driver).await?;
        let end = Instant::now();
        Ok(end.duration_since(died.await?).as_secs_f64() * 1e3)
    }

    /// Milliseconds.
    async fn connect(&self) -> anyhow::Result<f64> {
        let node = &self.near.node;
        let mut times = Vec::new();
        for _ in 0..21 {
            let start = Instant::now();
            node.connect(FAR).await?;
            times.push(start.elapsed().as_secs_f64() * 1e3);
            node.disconnect(FAR).await;
            // The other side is to have noticed.
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        Ok(median(&mut times))
    }

    /// Milliseconds.
    async fn code_ship(&self) -> anyhow::Result<f64> {
        let mut module = wat::parse_bytes(include_bytes!("../guest.wat"))?.into_owned();
        let mut data = vec![0; (1 << 20) - module.len()];
        getrandom::fill(&mut data).map_err(|error| anyhow::anyhow!("no randomness: {error}"))?;
        let padding = wasm_encoder::CustomSection { name: "padding".into(), data: data.into() };
        wasm_encoder::Section::append_to(&padding, &mut module);
        self.near.node.modules().deploy("fresh", &module)?;
        let start = Start::Entry { function: "idle".into(), argument: Bytes::new() };
        let begin = Instant::now();
        self.near.node.spawn_at(FAR, Spawn::new("fresh", start)).await?;
        Ok(begin.elapsed().as_secs_f64() * 1e3)
    }
}

pub(super) async fn message(driver: &mut Native) -> anyhow::Result<Bytes> {
    match driver.receive(Filter::Any).await {
        Some(Event::Message { body, .. }) => Ok(body),
        _ => bail!("no message came"),
    }
}
