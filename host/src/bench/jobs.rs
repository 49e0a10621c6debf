//! The jobs on one node, each of which gives one figure.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use bytes::Bytes;
use odeon_core::process::{Event, Filter};
use odeon_core::signal::SpawnError;
use odeon_core::{Pid, Reason};

use super::memory::used_bytes;
use crate::modules::compile::TierChoice;
use crate::native::Native;
use crate::spawn::{Code, Plan};
use crate::wasm::{Program, Start};
use crate::{Config, Limits, Node, Spawn};

/// One thing to measure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Job {
    SpawnMin,
    SpawnRust,
    IdleMin,
    IdleRust,
    PingPong,
    PingPongPairs,
    FanIn,
    Fib,
    LatencyBesideSpinners,
    MaxIdleMin,
    MaxIdleRust,
}

/// Bytes of a message, where nothing else is said.
const MESSAGE_BYTES: usize = 64;

impl Job {
    pub(super) const ALL: [Self; 11] = [
        Self::SpawnMin,
        Self::SpawnRust,
        Self::IdleMin,
        Self::IdleRust,
        Self::PingPong,
        Self::PingPongPairs,
        Self::FanIn,
        Self::Fib,
        Self::LatencyBesideSpinners,
        Self::MaxIdleMin,
        Self::MaxIdleRust,
    ];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::SpawnMin => "spawn_min_us",
            Self::SpawnRust => "spawn_rust_us",
            Self::IdleMin => "idle_min_kib",
            Self::IdleRust => "idle_rust_kib",
            Self::PingPong => "pingpong_rtt_per_s",
            Self::PingPongPairs => "pingpong_pairs_rtt_per_s",
            Self::FanIn => "fanin_msg_per_s",
            Self::Fib => "fib35_ms",
            Self::LatencyBesideSpinners => "rtt_p99_us_two_spinners",
            Self::MaxIdleMin => "max_idle_min",
            Self::MaxIdleRust => "max_idle_rust",
        }
    }

    pub(super) fn unit(self) -> &'static str {
        match self {
            Self::SpawnMin | Self::SpawnRust | Self::LatencyBesideSpinners => "us",
            Self::IdleMin | Self::IdleRust => "KiB",
            Self::PingPong | Self::PingPongPairs | Self::FanIn => "per s",
            Self::Fib => "ms",
            Self::MaxIdleMin | Self::MaxIdleRust => "actors",
        }
    }

    /// The same job of the BEAM's, where there is one.
    pub(super) fn beam(self) -> Option<&'static str> {
        match self {
            Self::SpawnMin => Some("spawn"),
            Self::IdleMin => Some("idle"),
            Self::PingPong => Some("pingpong"),
            Self::PingPongPairs => Some("pingpong_pairs"),
            Self::FanIn => Some("fanin"),
            Self::Fib => Some("fib35"),
            Self::LatencyBesideSpinners => Some("rtt_p99"),
            Self::SpawnRust | Self::IdleRust | Self::MaxIdleMin | Self::MaxIdleRust => None,
        }
    }

    /// Whether it needs the SDK's actor.
    pub(super) fn needs_guest(self) -> bool {
        matches!(self, Self::SpawnRust | Self::IdleRust | Self::MaxIdleRust)
    }

    /// Whether once is enough.
    pub(super) fn is_long(self) -> bool {
        matches!(self, Self::MaxIdleMin | Self::MaxIdleRust)
    }

    /// Measures it in this process.
    pub(super) fn measure(self, guest: &Path) -> anyhow::Result<f64> {
        let io =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
        let bytes = if self.needs_guest() {
            std::fs::read(guest).with_context(|| format!("cannot read {}", guest.display()))?
        } else {
            include_bytes!("guest.wat").to_vec()
        };
        io.block_on(async {
            let bench = Bench::start(self, &bytes).await?;
            match self {
                Self::SpawnMin | Self::SpawnRust => bench.spawn().await,
                Self::IdleMin => bench.idle(20_000).await,
                Self::IdleRust => bench.idle(10_000).await,
                Self::PingPong => bench.ping_pong(1, 400_000).await,
                Self::PingPongPairs => bench.ping_pong(16, 50_000).await,
                Self::FanIn => bench.fan_in(8, 2_500).await,
                Self::Fib => bench.fib(35).await,
                Self::LatencyBesideSpinners => bench.latency(2, 6_000).await,
                Self::MaxIdleMin => bench.max_idle(1_000_000).await,
                Self::MaxIdleRust => bench.max_idle(300_000).await,
            }
        })
    }
}

/// A node with the guest to measure.
pub(super) struct Bench {
    pub(super) node: Node,
    program: Arc<Program>,
    /// How an actor starts that waits for messages and answers them.
    idle: Start,
    _dir: Option<tempfile::TempDir>,
}

impl Bench {
    /// One with a guest that is loaded already.
    pub(super) fn of(node: Node, program: Arc<Program>, idle: Start) -> Self {
        Self { node, program, idle, _dir: None }
    }

    async fn start(job: Job, bytes: &[u8]) -> anyhow::Result<Self> {
        let dir = tempfile::tempdir()?;
        let mut config = Config::new("bench@localhost", dir.path());
        // Spawning is measured on one worker, everything else on all.
        if matches!(job, Job::SpawnMin | Job::SpawnRust) {
            config.workers = Some(1);
        }
        config.actors_max = 1 << 21;
        config.limits = Limits { children: u64::MAX, ..Limits::default() };
        config.tier = TierChoice::Dense;
        let node = Node::start(config)?;
        node.modules().deploy("bench", bytes)?;
        let program = node.runtime().program("bench").await?;
        let idle = match job {
            Job::IdleMin | Job::MaxIdleMin => Start::Call("idle()".into()),
            _ => Start::Entry { function: "idle".into(), argument: Bytes::new() },
        };
        Ok(Self { node, program, idle, _dir: Some(dir) })
    }

    async fn actor(&self, function: &str, argument: Vec<u8>) -> anyhow::Result<Pid> {
        let start = Start::Entry { function: function.into(), argument: argument.into() };
        Ok(self.node.spawn(Spawn::new("bench", start)).await?)
    }

    /// Makes and starts an actor, as a guest's own spawn does.
    pub(super) async fn quick(&self, plan: Plan) -> Result<Pid, SpawnError> {
        let born = Arc::clone(self.node.runtime()).prepare(plan).await?;
        let pid = born.pid();
        born.run();
        Ok(pid)
    }

    pub(super) fn plan(&self, start: Start, leader: Pid) -> Plan {
        Plan {
            code: Code::Program(Arc::clone(&self.program)),
            start,
            name: None,
            group_leader: leader,
            limits: Arc::clone(&self.limits()),
            rights: Arc::default(),
            parent: None,
            made_by: None,
            family: None,
            call: None,
        }
    }

    fn limits(&self) -> Arc<Limits> {
        Arc::new(self.node.runtime().limits)
    }

    /// Microseconds of one worker for an actor: spawn, block in the first receive,
    /// one message, end.
    async fn spawn(self) -> anyhow::Result<f64> {
        let (done, result) = tokio::sync::oneshot::channel();
        let spawner = self.node.runtime().spawner.clone();
        // The driver runs on the worker as well, so that all work is on one thread.
        spawner.spawn(async move {
            let _ = done.send(self.spawn_rounds().await);
        });
        result.await?
    }

    async fn spawn_rounds(self) -> anyhow::Result<f64> {
        const BATCH: usize = 100;
        let mut driver = self.node.native("driver");
        let once = Start::Entry { function: "once".into(), argument: Bytes::new() };
        let mut times = Vec::new();
        for _ in 0..300 {
            let start = Instant::now();
            let mut pids = Vec::with_capacity(BATCH);
            for _ in 0..BATCH {
                pids.push(self.quick(self.plan(once.clone(), driver.pid())).await?);
            }
            // The watchers' order is the actors': after the last one all have started.
            self.settle(&mut driver, &pids).await?;
            for pid in &pids {
                driver.send(*pid, Bytes::from_static(&[0; MESSAGE_BYTES]));
            }
            while self.node.stats().actors > 2 {
                crate::scheduler::yield_now().await;
            }
            times.push(start.elapsed().as_secs_f64() * 1e6 / BATCH as f64);
        }
        Ok(super::median(&mut times))
    }

    /// Waits until all of these wait for a message.
    async fn settle(&self, _driver: &mut Native, pids: &[Pid]) -> anyhow::Result<()> {
        let deadline = Instant::now() + Duration::from_secs(600);
        for pid in pids {
            loop {
                let Some(cell) = self.node.runtime().directory.find(pid.serial) else {
                    bail!("an actor ended before it waited")
                };
                if cell.state().waiting.is_some() {
                    break;
                }
                ensure!(Instant::now() < deadline, "an actor did not come to wait");
                crate::scheduler::yield_now().await;
            }
        }
        Ok(())
    }

    /// KiB of one actor that waits for its first message.
    async fn idle(self, count: usize) -> anyhow::Result<f64> {
        let mut driver = self.node.native("driver");
        let warm = self.quick(self.plan(self.idle.clone(), driver.pid())).await?;
        self.settle(&mut driver, &[warm]).await?;
        let before = used_bytes();
        let pids = self.crowd(&mut driver, count).await?;
        let used = used_bytes().saturating_sub(before);
        answer(&mut driver, &pids).await?;
        Ok(used as f64 / 1024.0 / count as f64)
    }

    /// So many actors that wait for their first message.
    pub(super) async fn crowd(
        &self,
        driver: &mut Native,
        count: usize,
    ) -> anyhow::Result<Vec<Pid>> {
        let mut pids = Vec::with_capacity(count);
        while pids.len() < count {
            let batch = (count - pids.len()).min(1000);
            let first = pids.len();
            for _ in 0..batch {
                pids.push(self.quick(self.plan(self.idle.clone(), driver.pid())).await?);
            }
            self.settle(driver, &pids[first..]).await?;
        }
        Ok(pids)
    }

    /// Actors that are alive at once and all answer; at most `count`.
    async fn max_idle(self, count: usize) -> anyhow::Result<f64> {
        let mut driver = self.node.native("driver");
        let pids = self.crowd(&mut driver, count).await?;
        answer(&mut driver, &pids).await?;
        Ok(pids.len() as f64)
    }

    /// Round trips in a second, by so many pairs at once.
    async fn ping_pong(self, pairs: usize, count: u32) -> anyhow::Result<f64> {
        let mut rates = Vec::new();
        for _ in 0..3 {
            let mut pings = Vec::new();
            for _ in 0..pairs {
                let pong = self.actor("idle", Vec::new()).await?;
                pings.push((to(pong, count), pong));
            }
            let start = Instant::now();
            let mut ends = Vec::new();
            for (argument, pong) in pings {
                ends.push((self.watched("ping", argument).await?, pong));
            }
            for (end, pong) in ends {
                finished(end.wait().await)?;
                self.node.exit(pong, Reason::Kill);
            }
            let trips = pairs as f64 * f64::from(count);
            rates.push(trips / start.elapsed().as_secs_f64());
        }
        Ok(super::median(&mut rates))
    }

    async fn watched(&self, function: &str, argument: Vec<u8>) -> anyhow::Result<crate::Ended> {
        let start = Start::Entry { function: function.into(), argument: argument.into() };
        Ok(self.node.spawn_watched(Spawn::new("bench", start)).await?.1)
    }

    /// Messages in a second, from so many senders to one receiver.
    async fn fan_in(self, senders: u32, hundreds: u32) -> anyhow::Result<f64> {
        let mut rates = Vec::new();
        for _ in 0..3 {
            let total = senders * hundreds * 100;
            let sink = self.actor("sink", total.to_le_bytes().to_vec()).await?;
            let start = Instant::now();
            for _ in 0..senders {
                self.actor("flood", to(sink, hundreds)).await?;
            }
            finished(self.node.ended(sink).await)?;
            rates.push(f64::from(total) / start.elapsed().as_secs_f64());
        }
        Ok(super::median(&mut rates))
    }

    /// Milliseconds for a naive Fibonacci number.
    async fn fib(self, n: u32) -> anyhow::Result<f64> {
        let mut times = Vec::new();
        for _ in 0..3 {
            let start = Instant::now();
            finished(self.watched("b", n.to_le_bytes().to_vec()).await?.wait().await)?;
            times.push(start.elapsed().as_secs_f64() * 1e3);
        }
        Ok(super::median(&mut times))
    }

    /// The 99th percentile of a round trip, in microseconds, beside actors that spin.
    async fn latency(self, spinners: usize, count: u32) -> anyhow::Result<f64> {
        for _ in 0..spinners {
            self.actor("x", Vec::new()).await?;
        }
        let mut driver = self.node.native("driver");
        let pong = self.actor("idle", Vec::new()).await?;
        let mut argument = pid_bytes(pong);
        argument.extend(pid_bytes(driver.pid()));
        argument.extend(count.to_le_bytes());
        self.actor("latency", argument).await?;
        let Some(Event::Message { body, .. }) = driver.receive(Filter::Any).await else {
            bail!("no times came")
        };
        let mut times: Vec<u64> = body
            .chunks_exact(8)
            .map(|chunk| u64::from_le_bytes(chunk.try_into().expect("a chunk of eight")))
            .collect();
        ensure!(times.len() == count as usize, "times are missing");
        times.sort_unstable();
        Ok(times[times.len() * 99 / 100] as f64 / 1e3)
    }
}

pub(super) fn finished(reason: Reason) -> anyhow::Result<()> {
    match reason {
        Reason::Normal | Reason::NoProc => Ok(()),
        reason => bail!("an actor ended: {reason}"),
    }
}

pub(super) fn pid_bytes(pid: Pid) -> Vec<u8> {
    [pid.node.get().to_le_bytes(), pid.serial.to_le_bytes()].concat()
}

pub(super) fn to(pid: Pid, count: u32) -> Vec<u8> {
    let mut argument = pid_bytes(pid);
    argument.extend(count.to_le_bytes());
    argument
}

/// Sends a message to each, and waits until each has answered.
async fn answer(driver: &mut Native, pids: &[Pid]) -> anyhow::Result<()> {
    for batch in pids.chunks(1000) {
        for pid in batch {
            driver.send(*pid, Bytes::from_static(&[0; MESSAGE_BYTES]));
        }
        for _ in batch {
            let event = tokio::time::timeout(Duration::from_secs(60), driver.receive(Filter::Any));
            ensure!(matches!(event.await?, Some(Event::Message { .. })), "an actor did not answer");
        }
    }
    Ok(())
}
