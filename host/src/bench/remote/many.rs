//! Jobs on more than two nodes: cluster names and groups.

use std::time::Instant;

use anyhow::{Context, ensure};
use bytes::Bytes;
use odeon_core::node::Nodes;
use odeon_core::{Key, Pid};

use super::Job;
use super::far::{Far, Meeting, Member, NEAR};
use super::near::{GUEST, entry, message};
use crate::Node;
use crate::bench::jobs::{finished, to};

/// The members of the group, on all nodes together.
const MEMBERS: usize = 10_000;

/// The scope and the group.
fn group() -> anyhow::Result<(Key, Key)> {
    Ok((Key::new(b"bench")?, Key::new(b"members")?))
}

/// Whether a job is one of these.
pub(super) fn is_one(job: Job) -> bool {
    matches!(
        job,
        Job::Register
            | Job::RegisterMany
            | Job::RegisterThirty
            | Job::RegisterThirtyMany
            | Job::Whereis
            | Job::GroupCast
    )
}

/// Measures one figure once.
pub(super) async fn measure(job: Job, meeting: &Meeting) -> anyhow::Result<f64> {
    let others = match job {
        Job::RegisterThirty | Job::RegisterThirtyMany => 29,
        Job::GroupCast => 2,
        _ => 4,
    };
    let members = if job == Job::GroupCast { MEMBERS / (others + 1) } else { 0 };
    let near = Member::start(meeting, NEAR).await?;
    near.node.modules().deploy(GUEST, include_bytes!("../guest.wat"))?;
    let mut fars = Vec::new();
    for other in 0..others {
        let name = format!("far{other}@localhost");
        let meeting = Meeting { name, members, ..meeting.clone() };
        fars.push(Far::start(&meeting)?);
        near.node.connect(&meeting.name).await?;
    }
    ensure!(near.node.nodes(Nodes::Visible).len() == others, "a node is missing");
    match job {
        Job::Register => register(&near.node, 1, 3_000).await,
        Job::RegisterMany => register(&near.node, 64, 400).await,
        Job::RegisterThirty => register(&near.node, 1, 500).await,
        Job::RegisterThirtyMany => register(&near.node, 64, 50).await,
        Job::Whereis => whereis(&near.node, 1_000_000).await,
        _ => group_cast(&near.node, MEMBERS - others * members).await,
    }
}

/// The seconds that an actor takes from its spawn to its end.
async fn timed(node: &Node, function: &str, argument: Vec<u8>) -> anyhow::Result<f64> {
    let begun = Instant::now();
    let (_, ended) = node.spawn_watched(entry(function, argument)).await?;
    finished(ended.wait().await)?;
    Ok(begun.elapsed().as_secs_f64())
}

/// Registrations in a second, by so many actors, each one after the other.
async fn register(node: &Node, actors: u32, count: u32) -> anyhow::Result<f64> {
    let [first, second] = [node.native("owner"), node.native("owner")];
    // The first names are taken over by nobody: others are warmed up with.
    timed(node, "g", numbers(first.pid(), 50, 0)).await?;
    drop(first);
    let begun = Instant::now();
    let mut ends = Vec::new();
    for actor in 0..actors {
        let argument = numbers(second.pid(), count, actor * count);
        ends.push(node.spawn_watched(entry("g", argument)).await?.1);
    }
    for ended in ends {
        finished(ended.wait().await)?;
    }
    Ok(f64::from(actors * count) / begun.elapsed().as_secs_f64())
}

/// So many names above the first, for this actor.
fn numbers(owner: Pid, count: u32, first: u32) -> Vec<u8> {
    let mut argument = to(owner, count);
    argument.extend(first.to_le_bytes());
    argument
}

/// Nanoseconds.
async fn whereis(node: &Node, count: u32) -> anyhow::Result<f64> {
    let owner = node.native("owner");
    timed(node, "g", numbers(owner.pid(), 100, 0)).await?;
    let argument = |count: u32| [count.to_le_bytes(), 7_u32.to_le_bytes()].concat();
    timed(node, "n", argument(1_000)).await?;
    Ok(timed(node, "n", argument(count)).await? * 1e9 / f64::from(count))
}

/// Lets so many actors of this node join the group.
pub(super) async fn join(node: &Node, count: usize) -> anyhow::Result<()> {
    if count == 0 {
        return Ok(());
    }
    let (scope, group) = group()?;
    node.modules().deploy(GUEST, include_bytes!("../guest.wat"))?;
    let mut pids: Vec<Pid> = Vec::with_capacity(count);
    for _ in 0..count {
        pids.push(node.spawn(entry("idle", Vec::new())).await?);
    }
    let runtime = node.runtime();
    runtime.cluster.find.start_scope(runtime, &scope)?;
    runtime.cluster.find.join(runtime, &scope, &group, &pids)?;
    Ok(())
}

/// Milliseconds from the sending of 64 bytes to the group to the last member's answer.
async fn group_cast(node: &Node, members: usize) -> anyhow::Result<f64> {
    join(node, members).await?;
    let (scope, group) = group()?;
    let runtime = node.runtime();
    let begun = Instant::now();
    while node.members(&scope, &group)?.len() < MEMBERS {
        ensure!(begun.elapsed().as_secs() < 30, "members are missing");
        tokio::time::sleep(std::time::Duration::from_millis(1)).await;
    }
    let mut times = Vec::new();
    for _ in 0..11 {
        let mut driver = node.native("driver");
        let begun = Instant::now();
        let audience = runtime.cluster.find.audience(&scope, &group).context("no scope")?;
        audience.send(runtime, driver.pid(), Bytes::from(vec![1; 64]));
        for _ in 0..MEMBERS {
            message(&mut driver).await?;
        }
        times.push(begun.elapsed().as_secs_f64() * 1e3);
    }
    Ok(crate::bench::median(&mut times))
}
