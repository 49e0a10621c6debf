//! Two connected nodes in two processes on this machine's loopback.
//!
//! ```text
//! odeon bench remote ── near: a process for each figure ── far: a process of the near one's
//!                  └─── for the BEAM: two virtual machines, which the same port connects
//! ```
//!
//! The near process starts a node, and the far process with another, then connects them
//! and measures with the actors of `guest.wat` on both sides. Messages are of 64 bytes
//! where nothing else is said. Both nodes run as `odeon node` does: same workers, same
//! connections. Everything that was started ends with whoever started it: children are
//! ended by their process ids, and end by themselves when their standard input does.

mod bare;
mod far;
mod many;
mod near;

use std::time::Duration;

use anyhow::{Context, bail};
use serde::{Deserialize, Serialize};

use super::beam::Beam;
use super::{Beside, Figure, Measured, median, print};

/// What to measure on two connected nodes.
#[derive(Clone, Debug, clap::Args)]
pub struct Remote {
    /// Print one JSON object a line: name, value, unit.
    #[arg(long)]
    pub json: bool,
    /// Connect with TLS, the BEAM's nodes as well.
    #[arg(long, conflicts_with = "tcp")]
    pub tls: bool,
    /// Connect by TCP, as nodes of different machines do; else by the Unix socket that nodes
    /// of one machine use. What is measured beside always uses TCP.
    #[arg(long)]
    pub tcp: bool,
    /// Measure the same jobs on another system as well, by turns, and print ratios.
    #[arg(long, value_name = "SYSTEM")]
    pub beside: Option<Beside>,
    /// Only these figures, by name.
    #[arg(value_name = "NAME")]
    pub only: Vec<String>,
    /// How often to measure each figure; the median is printed.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=99))]
    pub runs: u32,
    /// Measure one figure once: the near process.
    #[arg(long, hide = true)]
    pub job: bool,
    /// Be the far process.
    #[arg(long, hide = true)]
    pub far: bool,
}

/// By what the two processes are connected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum Channel {
    Short,
    Tcp,
    Tls,
}

impl Remote {
    fn channel(&self) -> Channel {
        match (self.tls, self.tcp) {
            (true, _) => Channel::Tls,
            (false, true) => Channel::Tcp,
            (false, false) => Channel::Short,
        }
    }
}

/// One thing to measure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Job {
    /// Round trips, one after the other, of one pair.
    PingPong,
    /// The same between two processes that have nothing but a WebSocket: the ceiling.
    Bare,
    /// Messages from one sender to one receiver.
    Small,
    /// Messages from eight senders to one receiver.
    SmallEight,
    /// Messages of 1 MiB from one sender to one receiver, in 10^6 bytes.
    Big,
    /// Actors that are made there, with a monitor, and end at once, one after the other.
    SpawnDown,
    /// Calls of a function of two numbers there, as text, one after the other.
    Call,
    /// The same by 64 callers.
    CallMany,
    /// Calls of a function on bytes there, one after the other.
    CallBytes,
    /// The same by 64 callers.
    CallBytesMany,
    /// A round trip beside a stream of 64 MiB after 64 MiB. A message here is 16 MiB at
    /// most, so these are four each; the BEAM's are of 64 MiB.
    PingUnderBulk,
    /// From the loss of a killed node to the last of 100,000 downs of its actors.
    NodeDown,
    /// From the wish to connect to its fulfilment.
    Connect,
    /// A spawn of a module of 1 MiB that the other node has never seen: it is asked for,
    /// sent, verified, stored and compiled (most of it is data).
    CodeShip,
    /// Registrations of cluster names on five nodes, one after the other.
    Register,
    /// The same by 64 actors of one node.
    RegisterMany,
    /// Registrations on thirty nodes, one after the other.
    RegisterThirty,
    /// The same by 64 actors of one node.
    RegisterThirtyMany,
    /// A lookup of a cluster name.
    Whereis,
    /// From a message to a group of 10,000 members on three nodes to the last answer. The
    /// BEAM's sends to each member by itself.
    GroupCast,
}

impl Job {
    const ALL: [Self; 20] = [
        Self::PingPong,
        Self::Bare,
        Self::Small,
        Self::SmallEight,
        Self::Big,
        Self::SpawnDown,
        Self::Call,
        Self::CallMany,
        Self::CallBytes,
        Self::CallBytesMany,
        Self::PingUnderBulk,
        Self::NodeDown,
        Self::Connect,
        Self::CodeShip,
        Self::Register,
        Self::RegisterMany,
        Self::RegisterThirty,
        Self::RegisterThirtyMany,
        Self::Whereis,
        Self::GroupCast,
    ];

    fn name(self) -> &'static str {
        match self {
            Self::PingPong => "remote_pingpong_rtt_per_s",
            Self::Bare => "bare_ws_rtt_per_s",
            Self::Small => "remote_small_msg_per_s",
            Self::SmallEight => "remote_small_8_msg_per_s",
            Self::Big => "remote_big_mb_per_s",
            Self::SpawnDown => "remote_spawn_down_per_s",
            Self::Call => "rpc_seq_call_per_s",
            Self::CallMany => "rpc_conc64_call_per_s",
            Self::CallBytes => "rpc_seq_bytes_call_per_s",
            Self::CallBytesMany => "rpc_conc64_bytes_call_per_s",
            Self::PingUnderBulk => "ping_under_bulk_p99_us",
            Self::NodeDown => "nodedown_100k_monitors_ms",
            Self::Connect => "connect_ms",
            Self::CodeShip => "code_ship_1mib_ms",
            Self::Register => "name_register_per_s",
            Self::RegisterMany => "name_register_conc64_per_s",
            Self::RegisterThirty => "name_register_30_nodes_per_s",
            Self::RegisterThirtyMany => "name_register_30_nodes_conc64_per_s",
            Self::Whereis => "name_whereis_ns",
            Self::GroupCast => "group_cast_10k_members_ms",
        }
    }

    fn unit(self) -> &'static str {
        match self {
            Self::PingPong
            | Self::Bare
            | Self::Small
            | Self::SmallEight
            | Self::SpawnDown
            | Self::Call
            | Self::CallMany
            | Self::CallBytes
            | Self::CallBytesMany
            | Self::Register
            | Self::RegisterMany
            | Self::RegisterThirty
            | Self::RegisterThirtyMany => "per s",
            Self::Big => "MB/s",
            Self::PingUnderBulk => "us",
            Self::Whereis => "ns",
            Self::NodeDown | Self::Connect | Self::CodeShip | Self::GroupCast => "ms",
        }
    }

    /// The same job of the BEAM's, where there is one.
    fn beam(self) -> Option<&'static str> {
        match self {
            Self::PingPong => Some("pingpong"),
            Self::Small => Some("small"),
            Self::SmallEight => Some("small_8"),
            Self::Big => Some("big"),
            Self::SpawnDown => Some("spawn_down"),
            Self::Call | Self::CallBytes => Some("call"),
            Self::CallMany | Self::CallBytesMany => Some("call_64"),
            Self::PingUnderBulk => Some("ping_under_bulk"),
            Self::NodeDown => Some("nodedown"),
            Self::Connect => Some("connect"),
            Self::Register => Some("register"),
            Self::RegisterMany => Some("register_64"),
            Self::Whereis => Some("whereis"),
            Self::GroupCast => Some("group_cast"),
            Self::Bare | Self::CodeShip | Self::RegisterThirty | Self::RegisterThirtyMany => None,
        }
    }
}

/// How many far nodes a job of the BEAM's has.
fn beam_nodes(job: &str) -> usize {
    match job {
        "register" | "register_64" | "whereis" => 4,
        "group_cast" => 2,
        _ => 1,
    }
}

/// The longest that one measurement may take.
const JOB_TIME_MAX: Duration = Duration::from_secs(120);

/// Measures, and prints the figures.
///
/// # Errors
/// An unknown name, a failed measurement.
#[expect(clippy::print_stderr, reason = "whoever asked for the comparison has to know")]
pub fn remote(args: &Remote) -> anyhow::Result<()> {
    if args.far {
        return far::run();
    }
    let chosen = choose(&args.only)?;
    if args.job {
        let [job] = chosen[..] else { bail!("--job takes one name") };
        return measure_here(job, args.channel());
    }
    let beam = match args.beside {
        Some(Beside::Beam) => Beam::find_remote(args.tls)?,
        None => None,
    };
    // The pair and its ceiling by turns, since the machine's speed drifts.
    let with_ceiling = chosen.contains(&Job::PingPong) && chosen.contains(&Job::Bare);
    let mut ceiling = Vec::new();
    for job in chosen {
        if job == Job::Bare && with_ceiling {
            let value = median(&mut ceiling);
            print(&figure(job, value, &mut []), args.json)?;
            continue;
        }
        let (mut ours, mut theirs) = (Vec::new(), Vec::new());
        let mut beside = beam.as_ref().zip(job.beam());
        for _ in 0..args.runs {
            ours.push(child(job, args.channel())?);
            if job == Job::PingPong && with_ceiling {
                ceiling.push(child(Job::Bare, args.channel())?);
            }
            if let Some((beam, name)) = beside {
                match beam.measure_remote(name, beam_nodes(name)) {
                    Ok(value) => theirs.push(value),
                    Err(error) => {
                        beside = None;
                        eprintln!("the BEAM gives no {}: {error:#}", job.name());
                    }
                }
            }
        }
        let value = median(&mut ours);
        print(&figure(job, value, &mut theirs), args.json)?;
    }
    Ok(())
}

fn figure(job: Job, value: f64, theirs: &mut [f64]) -> Figure {
    Figure::new(Measured { name: job.name(), unit: job.unit(), value }, theirs)
}

fn choose(only: &[String]) -> anyhow::Result<Vec<Job>> {
    super::choose(&Job::ALL, Job::name, only)
}

/// Measures once, in processes of its own.
fn child(job: Job, channel: Channel) -> anyhow::Result<f64> {
    let mut arguments = vec!["remote", "--job", job.name()];
    match channel {
        Channel::Short => {}
        Channel::Tcp => arguments.push("--tcp"),
        Channel::Tls => arguments.push("--tls"),
    }
    super::child(job.name(), &arguments)
}

#[expect(clippy::print_stdout, reason = "the figure is what this process is for")]
fn measure_here(job: Job, channel: Channel) -> anyhow::Result<()> {
    super::ends_with_its_parent();
    let io = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let value = io.block_on(async {
        tokio::time::timeout(JOB_TIME_MAX, near::measure(job, channel))
            .await
            .with_context(|| format!("no figure within {} s", JOB_TIME_MAX.as_secs()))?
    })?;
    println!("{value}");
    // Nothing of this process is needed any more: its actors need not end one by one.
    std::process::exit(0);
}
