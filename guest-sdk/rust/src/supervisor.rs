//! Supervisors: an actor that starts others, and starts them again when they
//! fail.
//!
//! ```no_run
//! use odeon_guest::supervisor::{Child, Start, Strategy, Supervisor};
//! use odeon_guest::{ActorResult, actors, sleep};
//! use std::time::Duration;
//!
//! fn root(start: Start<()>) -> ActorResult {
//!     Supervisor::new(Strategy::OneForOne)
//!         .intensity(3, Duration::from_secs(5))
//!         .child(Child::actor("beat", "beat", &500_u64))
//!         .run(start)
//! }
//!
//! fn beat(period_ms: u64) -> ActorResult {
//!     loop {
//!         sleep(Duration::from_millis(period_ms));
//!     }
//! }
//!
//! actors! { root, beat }
//! ```
//!
//! The rules are Erlang's. Children start in order and stop in reverse order. A
//! `Permanent` child is always started again, a `Transient` one unless it ended
//! as planned, a `Temporary` one never. More restarts than the intensity allows
//! end the supervisor, with `Shutdown`, after its children: whoever supervises it
//! decides then. An orderly stop is `Shutdown`, then `Kill` when the child's time
//! is over.
//!
//! A child that is to start under a name ([`Child::via`]) and finds it taken has not
//! started: a start fails, and so does the supervisor's own; a restart counts as one more,
//! at once, as in OTP. So a child with a cluster name is `Transient` as a rule: it is not
//! started again when it loses the name to another server and ends by that.

mod child;
mod control;
mod plan;

pub use child::{Child, Restart, Shutdown};
pub use control::{ChildCount, ChildError, ChildInfo, Outcome, SupervisorRef};

use crate::log;
use crate::mailbox::Event;
use crate::process;
use crate::server::{self, Caller, Server};
pub use crate::start::{Start, StartError};
use crate::timer;
use crate::types::{ActorResult, ExitReason, Pid};
use control::{Answer, Request};
use plan::{Entry, Plan, Verdict};
use std::time::Duration;

/// Which children suffer when one ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Strategy {
    /// That one alone is started again.
    OneForOne,
    /// All others are stopped, then all are started.
    OneForAll,
    /// Those that were started after it are stopped, then it and they are started.
    RestForOne,
}

/// A supervisor to be run.
#[derive(Clone, Debug)]
#[must_use = "a supervisor does nothing before `run`"]
pub struct Supervisor {
    strategy: Strategy,
    restarts_max: usize,
    period: Duration,
    children: Vec<Child>,
}

impl Supervisor {
    /// A supervisor without children that bears one restart in five seconds.
    pub fn new(strategy: Strategy) -> Self {
        Self { strategy, restarts_max: 1, period: Duration::from_secs(5), children: Vec::new() }
    }

    /// How many restarts within which time are not too many.
    pub fn intensity(mut self, restarts_max: usize, period: Duration) -> Self {
        (self.restarts_max, self.period) = (restarts_max, period);
        self
    }

    /// One more child, which starts after those before it.
    pub fn child(mut self, child: Child) -> Self {
        self.children.push(child);
        self
    }

    /// Starts the children and supervises them in the calling actor, until its
    /// own starter ends it or restarts get too many.
    ///
    /// # Errors
    /// Why it ended. Its children have ended before.
    pub fn run<A>(self, start: Start<A>) -> ActorResult {
        process::trap_exit(true);
        server::run(&start.starter, || self.start())
    }

    fn start(self) -> Result<Supervision, ExitReason> {
        let period_ms = u64::try_from(self.period.as_millis()).unwrap_or(u64::MAX);
        let plan = Plan::new(self.strategy, self.restarts_max, period_ms);
        let mut supervision = Supervision { plan };
        for child in self.children {
            let id = child.id.clone();
            if let Err(error) = supervision.add(child) {
                supervision.stop_all();
                return Err(ExitReason::Error(format!("child `{id}`: {error:?}")));
            }
        }
        Ok(supervision)
    }
}

/// A supervisor at work.
#[derive(Debug)]
struct Supervision {
    plan: Plan,
}

impl Server for Supervision {
    type Init = ();
    type Call = Request;
    type Reply = Answer;
    type Cast = ();

    fn init((): ()) -> Result<Self, ExitReason> {
        Err(ExitReason::error("a supervisor is run by `Supervisor::run`"))
    }

    fn call(&mut self, request: Request, caller: Caller<Answer>) -> ActorResult {
        let answer = match request {
            Request::WhichChildren => Ok(Answer::Children(self.children())),
            Request::StartChild(child) => self.add(child).map(Answer::Started),
            Request::TerminateChild(id) => self.terminate_child(&id),
            Request::RestartChild(id) => self.restart_child(&id),
            Request::DeleteChild(id) => self.delete_child(&id),
        };
        caller.reply(&answer.unwrap_or_else(Answer::Failed));
        Ok(())
    }

    fn info(&mut self, event: Event) -> ActorResult {
        let Event::Exit(exited) = event else {
            return Ok(());
        };
        let now_ms = timer::now().as_millis() as u64;
        let verdict = self.plan.ended(exited.sender, &exited.reason, now_ms);
        if verdict != Verdict::Nothing {
            log::warn(&format!("child {} ended: {}", exited.sender, exited.reason));
        }
        self.carry_out(verdict)
    }

    fn terminate(&mut self, _reason: &ExitReason) {
        self.stop_all();
    }
}

impl Supervision {
    /// Carries out a verdict, and those that follow from it.
    fn carry_out(&mut self, mut verdict: Verdict) -> ActorResult {
        loop {
            let (stop, start) = match verdict {
                Verdict::Nothing => return Ok(()),
                Verdict::GiveUp => return Err(ExitReason::Shutdown),
                Verdict::Restart { stop, start } => (stop, start),
            };
            stop.into_iter().for_each(|at| self.stop(at));
            let failed = start.into_iter().find(|&at| self.start(at).is_err());
            verdict = match failed {
                Some(at) => self.plan.restart(at, timer::now().as_millis() as u64),
                None => Verdict::Nothing,
            };
            if verdict == Verdict::Nothing {
                self.plan.sweep();
            }
        }
    }

    fn start(&mut self, at: usize) -> Result<Pid, StartError> {
        let entry = &mut self.plan.entries[at];
        let pid = entry.child.start().inspect_err(|error| {
            log::warn(&format!("child `{}` did not start: {error}", entry.child.id));
        })?;
        entry.pid = Some(pid);
        Ok(pid)
    }

    fn stop(&mut self, at: usize) {
        let Entry { child, pid } = &self.plan.entries[at];
        if let Some(pid) = *pid {
            child.stop(pid);
        }
        self.plan.stopped(at);
    }

    fn stop_all(&mut self) {
        (0..self.plan.entries.len()).rev().for_each(|at| self.stop(at));
    }

    fn add(&mut self, child: Child) -> Result<Pid, ChildError> {
        if let Some(at) = self.plan.position(&child.id) {
            return Err(ChildError::AlreadyThere(self.plan.entries[at].pid));
        }
        let pid = child.start().map_err(|error| ChildError::NotStarted(error.to_string()))?;
        self.plan.entries.push(Entry { child, pid: Some(pid) });
        Ok(pid)
    }

    fn find(&self, id: &str) -> Result<usize, ChildError> {
        self.plan.position(id).ok_or(ChildError::NotFound)
    }

    fn find_stopped(&self, id: &str) -> Result<usize, ChildError> {
        let at = self.find(id)?;
        self.plan.entries[at].pid.map_or(Ok(at), |_| Err(ChildError::Running))
    }

    fn terminate_child(&mut self, id: &str) -> Result<Answer, ChildError> {
        let at = self.find(id)?;
        self.stop(at);
        self.plan.sweep();
        Ok(Answer::Done)
    }

    fn restart_child(&mut self, id: &str) -> Result<Answer, ChildError> {
        let at = self.find_stopped(id)?;
        let started = self.start(at);
        started.map(Answer::Started).map_err(|error| ChildError::NotStarted(error.to_string()))
    }

    fn delete_child(&mut self, id: &str) -> Result<Answer, ChildError> {
        let at = self.find_stopped(id)?;
        self.plan.entries.remove(at);
        Ok(Answer::Done)
    }

    fn children(&self) -> Vec<ChildInfo> {
        let info = |Entry { child, pid }: &Entry| ChildInfo {
            id: child.id.clone(),
            pid: *pid,
            restart: child.restart,
        };
        self.plan.entries.iter().map(info).collect()
    }
}
