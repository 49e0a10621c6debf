//! A node to be attacked, and the proof that it did not suffer.
//!
//! Attacks are run one test at a time, because each looks at what other actors of
//! its node feel meanwhile. Must not know the attacks.

use std::future::Future;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use bytes::Bytes;
use odeon::modules::compile::TierChoice;
use odeon::{Config, Ended, LimitsPatch, Native, Node, Spawn, Start};
use odeon_core::process::{Event, Filter};
use odeon_core::{Pid, Reason};
use tokio::sync::{Mutex, MutexGuard};

/// Nothing here takes as long on a machine that works; what does has hung.
pub(crate) const DEADLINE: Duration = Duration::from_secs(60);

/// Round trips that are measured during an attack, and how far they are apart.
const TRIPS: u32 = 400;
const PACE: Duration = Duration::from_millis(2);

/// The slowest p99 that passes. The promise is 25 ms, on a machine that does
/// nothing else; a test has to pass on one that builds three things beside it, so
/// this is what only a guest that keeps a worker to itself exceeds.
const P99_MAX: Duration = Duration::from_millis(250);

/// The actor that feels what happens: it answers with what it is sent.
const PAIR: &str = include_str!("../../host/src/bench/guest.wat");

static ALONE: Mutex<()> = Mutex::const_new(());

/// A node of its own for one test.
pub(crate) struct Bed {
    pub(crate) node: Node,
    _data: tempfile::TempDir,
    _alone: MutexGuard<'static, ()>,
}

impl Bed {
    pub(crate) async fn new() -> Self {
        Self::with(TierChoice::Auto, |_| ()).await
    }

    /// All modules in one tier.
    pub(crate) async fn tier(tier: TierChoice) -> Self {
        Self::with(tier, |_| ()).await
    }

    pub(crate) async fn with(tier: TierChoice, set: impl FnOnce(&mut Config)) -> Self {
        let alone = ALONE.lock().await;
        let data = tempfile::tempdir().expect("a temporary directory");
        let mut config = Config::new("bed@localhost", data.path().join("store"));
        config.tier = tier;
        set(&mut config);
        let node = Node::start(config).expect("a node");
        let bed = Self { node, _data: data, _alone: alone };
        bed.deploy("pair", PAIR.as_bytes()).expect("the pair is a module");
        bed
    }

    /// Deploys bytes; gives the error's text.
    pub(crate) fn deploy(&self, name: &str, bytes: &[u8]) -> Result<(), String> {
        self.node.modules().deploy(name, bytes).map(drop).map_err(|error| error.to_string())
    }

    /// Deploys the built guest of the test suites.
    pub(crate) fn deploy_guest(&self) {
        let bytes = std::fs::read(guest("conformance.wasm"))
            .expect("target/guests/conformance.wasm is there: `cargo xtask guests` builds it");
        self.deploy("conformance", &bytes).expect("a module");
    }

    /// Starts an actor at a function without arguments.
    pub(crate) async fn start(&self, module: &str, call: &str) -> (Pid, Ended) {
        self.start_limited(module, call, LimitsPatch::default()).await
    }

    pub(crate) async fn start_limited(
        &self,
        module: &str,
        call: &str,
        limits: LimitsPatch,
    ) -> (Pid, Ended) {
        let spawn = Spawn { limits, ..Spawn::new(module, Start::Call(call.into())) };
        self.node.spawn_watched(spawn).await.expect("the module starts")
    }

    /// How an actor at this function ends.
    pub(crate) async fn end_of(&self, module: &str, call: &str) -> Reason {
        let (_, ended) = self.start(module, call).await;
        soon(ended.wait()).await
    }

    /// Measures round trips to an actor while an attack goes on. The attack is
    /// dropped when enough trips are measured; it must not return before.
    pub(crate) async fn calm_during(&self, attack: impl Future<Output = ()>, what: &str) {
        let mut pair = Pair::new(&self.node).await;
        let times = tokio::select! {
            () = attack => panic!("{what}: the attack was over before anything was measured"),
            times = pair.measure() => times,
        };
        pair.end(&self.node).await;
        let at = |percent: usize| times[(times.len() - 1) * percent / 100];
        println!("{what}: round trip p50 {:?}, p99 {:?}, max {:?}", at(50), at(99), at(100));
        assert!(at(99) < P99_MAX, "{what}: others waited {:?} (p99)", at(99));
    }

    /// Ends all actors, and sees that nothing is left of them and that the node
    /// still does its work.
    pub(crate) async fn recovers(&self) {
        for actor in self.node.actors() {
            let pid = self.node.find(&actor.id.to_string());
            pid.into_iter().for_each(|pid| self.node.exit(pid, Reason::Kill));
        }
        until("all actors are gone", || self.node.actors().is_empty()).await;
        let mut pair = Pair::new(&self.node).await;
        let times = soon(pair.measure()).await;
        assert_eq!(times.len(), TRIPS as usize, "actors still answer");
        pair.end(&self.node).await;
        until("nothing is left", || self.node.actors().is_empty()).await;
    }
}

/// An actor that answers, and one of the host that asks it now and then. Not as
/// fast as they can: then most questions would fall between two harms.
struct Pair {
    echo: Pid,
    ended: Ended,
    asker: Native,
}

impl Pair {
    async fn new(node: &Node) -> Self {
        let echo = Spawn::new("pair", Start::Call("idle()".into()));
        let (echo, ended) = soon(node.spawn_watched(echo)).await.expect("an echo starts");
        Self { echo, ended, asker: node.native("asker") }
    }

    /// The times of some round trips, in order of length.
    async fn measure(&mut self) -> Vec<Duration> {
        let mut times = Vec::new();
        let mut pace = tokio::time::interval(PACE);
        pace.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        for trip in 0..TRIPS {
            pace.tick().await;
            let begun = Instant::now();
            self.asker.send(self.echo, trip.to_le_bytes().to_vec().into());
            let answer = soon(message(&mut self.asker)).await;
            times.push(begun.elapsed());
            assert_eq!(&answer[..], trip.to_le_bytes(), "nothing is lost or changed");
        }
        times.sort_unstable();
        times
    }

    async fn end(self, node: &Node) {
        node.exit(self.echo, Reason::Kill);
        assert_eq!(soon(self.ended.wait()).await, Reason::Killed);
    }
}

/// The next message of a host's actor.
pub(crate) async fn message(native: &mut Native) -> Bytes {
    loop {
        match native.receive(Filter::Any).await {
            Some(Event::Message { body, .. }) => return body,
            Some(_) => {}
            None => panic!("the test's own actor was ended"),
        }
    }
}

/// Waits for what has to come.
pub(crate) async fn soon<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(DEADLINE, future).await.expect("it comes in time")
}

/// Waits until a condition holds.
pub(crate) async fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !holds() {
        assert!(begun.elapsed() < DEADLINE, "not within {DEADLINE:?}: {what}");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

/// Bytes of this process that are in memory.
pub(crate) fn resident_bytes() -> u64 {
    let text = std::fs::read_to_string("/proc/self/statm").expect("Linux tells");
    let pages: u64 = text.split(' ').nth(1).expect("the second field").parse().expect("a number");
    pages * 4096
}

/// Where `cargo xtask guests` puts a guest.
pub(crate) fn guest(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/guests").join(name)
}

/// A component whose function `f` is that of a core module.
pub(crate) fn component(core: &str) -> String {
    let fields = core.trim().strip_prefix("(module").expect("the text of a core module");
    format!(
        "(component (core module $m {fields} (core instance $i (instantiate $m)) \
         (func (export \"f\") (canon lift (core func $i \"f\"))))"
    )
}
