//! Two nodes that are processes, a third within this program that gives orders, and an
//! actor on each of the two that watches the other one and its node.

use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use odeon_tests::Puppet;
use odeon_tests::cluster::net::Host;
use odeon_tests::cluster::{Member, Place};
use odeon_tests::protocol::{
    Destination, Event, MonitorOptions, Operation, Reason, Reference, Selection, Value, Watched,
};

use crate::processes::{Home, How, Process};
use crate::report::Report;

/// How long a watcher listens for what must not come.
const QUIET_MS: u64 = 200;

/// How long may pass between the end of a node and the word of it, at most: five
/// quarters of the tick time, and the time to say it.
pub(crate) const NOTICE_SECONDS_MAX: f64 = 4.5;

/// See above.
pub(crate) struct Duo {
    pub(crate) actors: [Puppet; 2],
    pub(crate) processes: [Process; 2],
    pub(crate) observer: Member,
    pub(crate) homes: [Home; 2],
    /// Each actor's monitor of the other.
    monitors: [Reference; 2],
    _place: Place,
}

impl Duo {
    /// On loopback.
    pub(crate) async fn start() -> anyhow::Result<Self> {
        let how = || How { host: None, ..How::default() };
        Self::start_with(["a@localhost", "b@localhost"], [how(), how()], None).await
    }

    /// With these names, and this program's node on that host.
    pub(crate) async fn start_with(
        names: [&str; 2],
        how: [How<'_>; 2],
        host: Option<&Host>,
    ) -> anyhow::Result<Self> {
        let place = Place::new().await;
        let homes = [Home::new()?, Home::new()?];
        let processes = [homes[0].start(names[0], &how[0])?, homes[1].start(names[1], &how[1])?];
        let observer = place.start_with(|setting| setting.host = host.cloned()).await;
        for process in &processes {
            observer.connect(&process.target()).await;
        }
        let mut actors = [
            observer.puppet_at(&processes[0].name).await,
            observer.puppet_at(&processes[1].name).await,
        ];
        for (at, actor) in actors.iter_mut().enumerate() {
            let other = processes[1 - at].target();
            ensure!(actor.yes(Operation::Connect(other.clone())).await, "no connection to {other}");
        }
        for (at, actor) in actors.iter_mut().enumerate() {
            let other = &processes[1 - at].name;
            let connected = actor.order(Operation::Nodes(Selection::Connected)).await;
            ensure!(
                matches!(&connected, Value::Names(names) if names.contains(other)),
                "{connected:?}"
            );
        }
        let [one, two] = &mut actors;
        let monitors = [watch(one, two).await, watch(two, one).await];
        let mut duo = Self { actors, processes, observer, homes, monitors, _place: place };
        duo.round(b"begin").await?;
        Ok(duo)
    }

    /// A message there and one back; how long that took, orders and reports included.
    pub(crate) async fn round(&mut self, body: &[u8]) -> anyhow::Result<Duration> {
        let begun = Instant::now();
        let [one, two] = &mut self.actors;
        pass(one, two, body).await?;
        pass(two, one, body).await?;
        Ok(begun.elapsed())
    }

    /// Rounds for so long; the longest one.
    pub(crate) async fn rounds(&mut self, time: Duration) -> anyhow::Result<Duration> {
        let (begun, mut longest) = (Instant::now(), Duration::ZERO);
        while begun.elapsed() < time {
            longest = longest.max(self.round(b"round").await?);
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Ok(longest)
    }

    /// Nobody was called dead, and nothing came that should not.
    pub(crate) async fn all_live(&mut self, report: &mut Report) -> anyhow::Result<()> {
        let mut events = Vec::new();
        for actor in &mut self.actors {
            match actor.order(Operation::ReceiveAll { quiet_ms: QUIET_MS }).await {
                Value::Events(more) => events.extend(more),
                other => anyhow::bail!("instead of events came {other:?}"),
            }
        }
        report.at_most("events_of_watchers", events.len() as f64, 0.0);
        let mut losses = Vec::new();
        for process in &self.processes {
            losses.extend(process.losses()?);
        }
        report.at_most("connections_lost", losses.len() as f64, 0.0);
        for line in events.iter().map(|event| format!("{event:?}")).chain(losses) {
            report.note("what_came", line);
        }
        Ok(())
    }

    /// The second node ends, or its network, as `end` says: the first one's watcher hears
    /// of it once, and then nothing more.
    pub(crate) async fn ends(
        &mut self,
        report: &mut Report,
        end: impl FnOnce(&mut Process),
    ) -> anyhow::Result<()> {
        let begun = Instant::now();
        end(&mut self.processes[1]);
        let (watcher, gone) = (&mut self.actors[0], &self.processes[1].name);
        let both = [watcher.event().await, watcher.event().await];
        report.at_most("noticed_after_s", begun.elapsed().as_secs_f64(), NOTICE_SECONDS_MAX);
        let down = |event: &&Event| match event {
            Event::Down { monitor, reason, .. } => {
                *monitor == self.monitors[0] && *reason == Reason::Noconnection
            }
            _ => false,
        };
        let node_down =
            |event: &&Event| matches!(event, Event::NodeDown { node, .. } if node == gone);
        let downs = both.iter().filter(down).count();
        let node_downs = both.iter().filter(node_down).count();
        ensure!(downs == 1 && node_downs == 1, "instead of the end came {both:?}");
        let more = watcher.order(Operation::ReceiveAll { quiet_ms: 1_000 }).await;
        let Value::Events(more) = more else { anyhow::bail!("instead of events came {more:?}") };
        report.at_most("events_after_the_end", more.len() as f64, 0.0);
        Ok(())
    }

    /// An actor on each of the two nodes.
    pub(crate) async fn pair(&self) -> [Puppet; 2] {
        let [one, two] = &self.processes;
        [self.observer.puppet_at(&one.name).await, self.observer.puppet_at(&two.name).await]
    }
}

/// A message from one to the other.
pub(crate) async fn pass(from: &mut Puppet, to: &mut Puppet, body: &[u8]) -> anyhow::Result<()> {
    from.done(Operation::Send(to.pid, body.to_vec())).await;
    match to.event().await {
        Event::Message { sender, body: came, .. } if sender == from.pid && came == body => Ok(()),
        other => anyhow::bail!("instead of a message came {other:?}"),
    }
}

async fn watch(watcher: &mut Puppet, other: &Puppet) -> Reference {
    watcher.done(Operation::WatchNodes(Watched::All)).await;
    let options = MonitorOptions::default();
    watcher.reference(Operation::Monitor(Destination::Pid(other.pid), options)).await
}

/// The last value of a batch of receives is a message: none was missing.
pub(crate) fn is_message(value: &Value) -> anyhow::Result<()> {
    let event = match value {
        Value::Event(event) => event.as_ref(),
        _ => None,
    };
    let came = event.context("a message is missing")?;
    ensure!(matches!(came, Event::Message { .. }), "instead of a message came another event");
    Ok(())
}
