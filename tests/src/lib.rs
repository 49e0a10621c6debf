//! What the suites share: a node in this process, and puppets to drive on it.
//!
//! A [`World`] is a node of a test's own, in the test's process or, if it is a member of a
//! [`cluster`], in a process of its own. A [`Puppet`] is an actor in it that does
//! what the test orders, one function of the WIT contract after another, and reports
//! (`guests/protocol` says how). Every wait has a deadline, and a failure prints what
//! the puppet did and got so far.
//!
//! On one node a signal is in its receiver's inbox when the function that sent it
//! returns. So a report is a barrier: what an order did to others has arrived there.

pub mod cluster;
mod ground;
mod random;
mod words;

use std::fmt::Write;
use std::future::Future;
use std::path::{Path, PathBuf};
use std::time::Duration;

use ground::Tester;
pub use ground::{Ended, Ground};
use odeon::{Config, Spawn, Start};
use odeon_core::Reason;
pub use odeon_test_protocol as protocol;
use protocol::{Destination, Event, Hello, Info, Operation, Order, Pid, Reference, Setup, Value};
pub use random::Random;
use tokio::sync::{Semaphore, SemaphorePermit};
pub use words::Word;

/// The module that the puppets run, as it is deployed.
pub const MODULE: &str = "conformance";

/// How long anything may take that has to happen. Never waited for when all is well.
pub const DEADLINE: Duration = Duration::from_secs(30);

/// As [`DEADLINE`], for what a puppet itself waits for: shorter, so that it can still
/// report that nothing came.
pub const RECEIVE_MS: u64 = 10_000;

/// How long a puppet listens where nothing is to come, after a barrier that makes
/// sure that it would have come already.
pub const QUIET_MS: u64 = 30;

/// How long the first start may take, in which the guests are compiled.
pub const COMPILE_DEADLINE: Duration = Duration::from_secs(300);

/// The bytes of a guest that `cargo xtask guests` built.
///
/// # Panics
/// It was not built.
pub fn guest(name: &str) -> Vec<u8> {
    let path = target().join("guests").join(format!("{name}.wasm"));
    std::fs::read(&path).unwrap_or_else(|error| {
        panic!("{}: {error}: build the guests with `cargo xtask guests`", path.display())
    })
}

/// The workspace's target directory.
fn target() -> PathBuf {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
    manifest.parent().expect("the package lies in the workspace").join("target")
}

/// Waits for what has to happen.
///
/// # Panics
/// It did not happen in time.
pub async fn in_time<T>(what: &str, wait: impl Future<Output = T>) -> T {
    let waited = tokio::time::timeout(DEADLINE, wait).await;
    waited.unwrap_or_else(|_| panic!("{what}: not within {DEADLINE:?}"))
}

/// A node of a test's own, with the guest `conformance` deployed: of this process, or of
/// another one.
pub struct World<On = odeon::Node> {
    /// The node.
    pub node: On,
    /// Given back after the node is gone.
    _place: Option<SemaphorePermit<'static>>,
}

/// Nodes at one time. Each reserves terabytes of addresses and thousands of mappings,
/// of which a process has a limited number.
static PLACES: Semaphore = Semaphore::const_new(2);

impl World {
    /// Starts it.
    pub async fn start() -> Self {
        Self::start_with(|_| {}).await
    }

    /// Starts it with another configuration.
    ///
    /// # Panics
    /// The system does not let it, or the guests are not built.
    pub async fn start_with(change: impl FnOnce(&mut Config)) -> Self {
        let place = PLACES.acquire().await.expect("the semaphore is never closed");
        Self::start_at(Some(place), change)
    }

    /// Starts it in a place of its own, or in one that its cluster has.
    fn start_at(place: Option<SemaphorePermit<'static>>, change: impl FnOnce(&mut Config)) -> Self {
        let module = guest(MODULE);
        // Shared by all nodes of all suites and kept, so that a guest is compiled once.
        let mut config = Config::new("test@localhost", target().join("test-data"));
        config.actors_max = 20_000;
        change(&mut config);
        let node = odeon::Node::start(config).expect("a node starts");
        node.modules().deploy(MODULE, &module).expect("the guest can be deployed");
        Self { node, _place: place }
    }
}

impl<On: Clone + Into<Ground>> World<On> {
    /// The node, as what is the same for nodes of this process and of others.
    pub fn ground(&self) -> Ground {
        self.node.clone().into()
    }

    /// A puppet, spawned by the node itself.
    pub async fn puppet(&self) -> Puppet {
        self.puppet_with(|_| {}).await
    }

    /// So many puppets.
    pub async fn puppets<const N: usize>(&self) -> [Puppet; N] {
        let mut puppets = Vec::with_capacity(N);
        for _ in 0..N {
            puppets.push(self.puppet().await);
        }
        puppets.try_into().ok().expect("as many as were made")
    }

    /// A puppet with another name, limits or group leader.
    ///
    /// # Panics
    /// It cannot be made.
    pub async fn puppet_with(&self, change: impl FnOnce(&mut Spawn)) -> Puppet {
        let cradle = self.cradle();
        let protocol::Start::Entry { function, argument } = cradle.start() else {
            unreachable!("a puppet starts behind the entry")
        };
        let start = Start::Entry { function, argument: argument.into() };
        let mut spawn = Spawn::new(MODULE, start);
        change(&mut spawn);
        let ground = self.ground();
        let spawned = tokio::time::timeout(COMPILE_DEADLINE, ground.spawn(spawn)).await;
        let ended = spawned.expect("a puppet is made in time");
        tokio::select! {
            puppet = cradle.puppet() => puppet,
            reason = ended.wait() => panic!("a puppet ended before it greeted: {reason}"),
        }
    }

    /// A place for a puppet that somebody else spawns.
    pub fn cradle(&self) -> Cradle {
        let ground = self.ground();
        Cradle { tester: ground.tester("tester"), ground }
    }

    /// Watches an actor from now on.
    pub fn watch(&self, pid: Pid) -> Watch {
        self.ground().watch(pid)
    }
}

/// Waits for one puppet's first word.
pub struct Cradle {
    ground: Ground,
    tester: Tester,
}

impl Cradle {
    /// Where the puppet is to start.
    ///
    /// # Panics
    /// Never: the argument is plain data.
    pub fn start(&self) -> protocol::Start {
        let setup = Setup { greet: Some(Destination::Pid(self.tester.pid())) };
        let argument = postcard::to_stdvec(&setup).expect("plain data can be encoded");
        protocol::Start::Entry { function: "puppet".into(), argument }
    }

    /// The puppet, once it runs.
    ///
    /// # Panics
    /// It does not greet.
    pub async fn puppet(mut self) -> Puppet {
        let greeting = in_time("a puppet's greeting", self.tester.next_body()).await;
        let hello: Hello = postcard::from_bytes(&greeting).expect("a greeting comes first");
        let Hello { pid, orders } = hello;
        let Self { ground, tester } = self;
        Puppet { pid, orders, ground, tester, given: 0, reported: Vec::new(), log: Vec::new() }
    }
}

/// The end of an actor, to be waited for.
pub struct Watch {
    pid: Pid,
    watcher: Tester,
}

impl Watch {
    /// Why it ended.
    ///
    /// # Panics
    /// It did not, in time.
    pub async fn reason(mut self) -> protocol::Reason {
        let what = format!("the end of {:?}", self.pid);
        in_time(&what, self.watcher.next_reason()).await
    }
}

/// An actor that does what it is told.
pub struct Puppet {
    /// The actor.
    pub pid: Pid,
    /// Where it takes orders.
    pub orders: Reference,
    ground: Ground,
    tester: Tester,
    given: u64,
    reported: Vec<(u64, Value)>,
    log: Vec<String>,
}

/// An order that was given and not waited for.
#[derive(Clone, Copy, Debug)]
#[must_use = "an order whose report nobody reads is better given by `tell`"]
pub struct Given(u64);

impl Puppet {
    /// Gives an order, and does not wait for it.
    ///
    /// # Panics
    /// Never: the order is plain data.
    pub fn begin(&mut self, operation: Operation) -> Given {
        self.given += 1;
        let number = self.given;
        self.note(format_args!("order {number}: {operation:?}"));
        let order = Order { number, operation };
        let body = postcard::to_stdvec(&order).expect("plain data can be encoded");
        self.tester.send_to_alias(self.orders, body);
        Given(number)
    }

    /// Gives an order that has no report, because the puppet ends of it.
    pub fn tell(&mut self, operation: Operation) {
        let Given(_) = self.begin(operation);
    }

    /// What came of an order.
    ///
    /// # Panics
    /// Nothing, in time.
    pub async fn finish(&mut self, given: Given) -> Value {
        while !self.reported.iter().any(|(number, _)| *number == given.0) {
            let next = tokio::time::timeout(DEADLINE, self.tester.next_body()).await;
            let Ok(body) = next else {
                let is_there = self.ground.has(self.pid);
                let number = given.0;
                self.fail(&format!("no report on order {number} in time; alive: {is_there}"))
            };
            let report: protocol::Report =
                postcard::from_bytes(&body).expect("a puppet sends its tester reports alone");
            self.note(format_args!("report {}: {:?}", report.number, report.value));
            self.reported.push((report.number, report.value));
        }
        let at = self.reported.iter().position(|(number, _)| *number == given.0);
        self.reported.swap_remove(at.expect("it was just found")).1
    }

    /// Gives an order and waits for what comes of it.
    pub async fn order(&mut self, operation: Operation) -> Value {
        let given = self.begin(operation);
        self.finish(given).await
    }

    /// Gives an order that cannot fail and gives nothing.
    pub async fn done(&mut self, operation: Operation) {
        match self.order(operation).await {
            Value::Done => {}
            other => self.fail(&format!("{other:?} instead of success")),
        }
    }

    /// Gives an order that is answered by yes or no.
    pub async fn yes(&mut self, operation: Operation) -> bool {
        match self.order(operation).await {
            Value::Bool(yes) => yes,
            other => self.fail(&format!("{other:?} instead of yes or no")),
        }
    }

    /// Gives an order that makes a reference.
    pub async fn reference(&mut self, operation: Operation) -> Reference {
        match self.order(operation).await {
            Value::Reference(reference) => reference,
            other => self.fail(&format!("{other:?} instead of a reference")),
        }
    }

    /// Gives an order that makes an actor.
    pub async fn spawned(&mut self, operation: Operation) -> (Pid, Option<Reference>) {
        match self.order(operation).await {
            Value::Spawned { pid, monitor } => (pid, monitor),
            other => self.fail(&format!("{other:?} instead of a new actor")),
        }
    }

    /// The oldest event of its mailbox. Waits for one.
    pub async fn event(&mut self) -> Event {
        self.event_of(None).await
    }

    /// The oldest event of its mailbox, or the oldest of a reference. Waits for one.
    pub async fn event_of(&mut self, of: Option<Reference>) -> Event {
        let receive = Operation::Receive { of, timeout_ms: Some(RECEIVE_MS) };
        match self.order(receive).await {
            Value::Event(Some(event)) => event,
            other => self.fail(&format!("{other:?} instead of an event")),
        }
    }

    /// The oldest event of its mailbox if one is there now.
    pub async fn waiting_event(&mut self) -> Option<Event> {
        match self.order(Operation::Receive { of: None, timeout_ms: Some(0) }).await {
            Value::Event(event) => event,
            other => self.fail(&format!("{other:?} instead of a look into the mailbox")),
        }
    }

    /// Makes sure that its mailbox is empty and stays so for [`QUIET_MS`].
    pub async fn hears_nothing(&mut self) {
        match self.order(Operation::ReceiveAll { quiet_ms: QUIET_MS }).await {
            Value::Events(events) if events.is_empty() => {}
            other => self.fail(&format!("{other:?} instead of silence")),
        }
    }

    /// What it learns about an actor; nothing if that is dead.
    pub async fn look(&mut self, at: Pid) -> Option<Info> {
        match self.order(Operation::Info(at)).await {
            Value::Info(info) => info.map(|info| *info),
            other => self.fail(&format!("{other:?} instead of a look at an actor")),
        }
    }

    /// What it tells about itself.
    pub async fn itself(&mut self) -> Info {
        let me = self.pid;
        self.look(me).await.expect("it lives, since it answers")
    }

    /// Watches it from now on.
    pub fn watch(&self) -> Watch {
        self.ground.watch(self.pid)
    }

    /// Ends it from outside, and waits until it is gone.
    pub async fn kill(&self) {
        let watch = self.watch();
        self.ground.exit(self.pid, Reason::Kill);
        watch.reason().await;
    }

    /// Whether it ran on: it still does what it is told.
    pub async fn is_alive(&mut self) -> bool {
        let ended = self.watch();
        let given = self.begin(Operation::Me);
        tokio::select! {
            _ = self.finish(given) => true,
            _ = ended.reason() => false,
        }
    }

    /// Ends the test, with all that happened to this puppet.
    ///
    /// # Panics
    /// Always.
    pub fn fail(&self, what: &str) -> ! {
        panic!("{:?}: {what}. It did and got:\n  {}", self.pid, self.log.join("\n  "))
    }

    /// Remembers what happened, for the text of a failure.
    fn note(&mut self, what: std::fmt::Arguments<'_>) {
        let mut line = Line(String::new());
        // An error is the end of the line, and what it cuts off is not even formatted.
        let _ = line.write_fmt(what);
        self.log.push(line.0);
        if self.log.len() > LOG_LINES {
            self.log.remove(0);
        }
    }
}

/// What a puppet remembers of its orders and reports.
const LOG_LINES: usize = 60;
/// Bytes of one of them.
const LOG_LINE_BYTES: usize = 400;

/// Text up to a length, because a message of megabytes explains nothing.
struct Line(String);

impl Write for Line {
    fn write_str(&mut self, text: &str) -> std::fmt::Result {
        self.0.push_str(text);
        if self.0.len() <= LOG_LINE_BYTES {
            return Ok(());
        }
        self.0.truncate(self.0.floor_char_boundary(LOG_LINE_BYTES));
        self.0.push_str("...");
        Err(std::fmt::Error)
    }
}
