//! Making an actor: from a plan to a cell that others can find, to a running task.

use std::sync::Arc;
use std::time::Instant;

use odeon_core::process::Process;
use odeon_core::signal::{Signal, SpawnError};
use odeon_core::wire::ModuleName;
use odeon_core::{Envelope, Name, Pid, Reference};

use crate::call::Call;
use crate::cell::{About, Cell};
use crate::directory::RegisterError;
use crate::limits::{Limits, Quota};
use crate::modules::compile::Tier;
use crate::modules::digest::Digest;
use crate::rights::Rights;
use crate::runtime::Runtime;
use crate::wasm::{self, Entrance, Program, Start};

/// All that a new actor is made of.
pub(crate) struct Plan {
    pub(crate) code: Code,
    pub(crate) start: Start,
    pub(crate) name: Option<String>,
    pub(crate) group_leader: Pid,
    pub(crate) limits: Arc<Limits>,
    pub(crate) rights: Arc<Rights>,
    /// Who makes it; absent for the node's operator.
    pub(crate) parent: Option<Arc<Cell>>,
    /// Who asked for it from another node.
    pub(crate) made_by: Option<Pid>,
    pub(crate) family: Option<Family>,
    /// The call that it is for, if it is for one.
    pub(crate) call: Option<Box<Call>>,
}

/// What it runs.
pub(crate) enum Code {
    /// A program at hand.
    Program(Arc<Program>),
    /// A module by name or digest.
    Named(String),
    /// A module that is in the store, and what listings are to call it.
    Labelled { digest: Digest, label: String },
}

/// The relations that it is born with.
pub(crate) struct Family {
    pub(crate) parent: Pid,
    pub(crate) link: bool,
    pub(crate) monitor: Option<Reference>,
}

/// An actor that can be found and does not run yet.
#[must_use = "an actor that is born has to run, if only to end"]
pub(crate) struct Born {
    runtime: Arc<Runtime>,
    cell: Arc<Cell>,
    program: Arc<Program>,
    entrance: Entrance,
}

impl Born {
    pub(crate) fn pid(&self) -> Pid {
        self.cell.pid
    }

    pub(crate) fn entrance(&mut self) -> &mut Entrance {
        &mut self.entrance
    }

    /// Lets it run next on the worker that makes it, if a worker does.
    pub(crate) fn run_next(self) {
        let spawner = self.runtime.spawner.clone();
        spawner.spawn_next(wasm::run(self.runtime, self.cell, self.program, self.entrance));
    }

    /// Lets it run.
    pub(crate) fn run(self) {
        let spawner = self.runtime.spawner.clone();
        spawner.spawn(self.live());
    }

    /// Its life, to be lived in a task of the scheduler.
    pub(crate) fn live(self) -> impl Future<Output = ()> + Send {
        wasm::run(self.runtime, self.cell, self.program, self.entrance)
    }
}

impl Runtime {
    /// Makes an actor that can be found. Waits only where its module must be loaded.
    pub(crate) async fn prepare(self: Arc<Self>, plan: Plan) -> Result<Born, SpawnError> {
        let program = match &plan.code {
            Code::Program(program) => Arc::clone(program),
            Code::Named(name) => self.program(name).await?,
            Code::Labelled { digest, label } => {
                self.program_of(&digest.to_string(), label.clone()).await?
            }
        };
        let label = match plan.code {
            // Not the name by which the program was asked for first.
            Code::Labelled { label, .. } => label.into(),
            Code::Program(_) | Code::Named(_) => Arc::clone(&program.label),
        };
        let text = plan.start.describe();
        let entrance = program.entrance(plan.start)?;
        let name = match &plan.name {
            Some(text) => Some(Name::new(text).ok_or_else(|| {
                SpawnError::BadName(format!("{text:?} is not 1 to 255 bytes, or is reserved"))
            })?),
            None => None,
        };
        let quota = match &plan.parent {
            Some(parent) => parent.descendants(),
            None => Arc::clone(&self.quota),
        };
        self.take_place(&quota)?;
        let pid = self.fresh_pid();
        let mut process = Process::new(pid, plan.group_leader, plan.limits.core());
        if let Some(family) = plan.family {
            process.born(family.parent, family.link, family.monitor);
        }
        let about = About {
            module: label,
            start: text,
            parent: plan.parent.map(|parent| parent.pid).or(plan.made_by),
            born: Instant::now(),
            limits: plan.limits,
            rights: plan.rights,
            quota: Some(quota),
            call: plan.call,
        };
        let cell = Arc::new(Cell::new(process, about));
        self.directory.insert(&cell);
        if let Some(call) = &cell.about.call {
            call.keep_time(&self, pid);
        }
        if let Some(name) = name
            && let Err(error) = self.directory.register(name, pid.serial)
        {
            self.directory.remove(&cell);
            return Err(SpawnError::BadName(match error {
                RegisterError::Taken => {
                    format!("{} is taken", plan.name.as_deref().unwrap_or_default())
                }
                RegisterError::Named | RegisterError::NoProc => "the actor is gone".into(),
            }));
        }
        Ok(Born { runtime: self, cell, program, entrance })
    }

    /// Makes an actor in the background, and tells the requester.
    pub(crate) fn spawn_later(self: Arc<Self>, plan: Plan, request: Reference) {
        let spawner = self.spawner.clone();
        spawner.spawn(async move {
            let requester = plan.parent.as_ref().map(|parent| parent.pid);
            let born = Arc::clone(&self).prepare(plan).await;
            let outcome = born.as_ref().map(Born::pid).map_err(Clone::clone);
            // The answer goes out before the child can act, so it precedes its end.
            if let Some(requester) = requester {
                self.answer_spawn(requester, request, outcome);
            }
            if let Ok(born) = born {
                born.run();
            }
        });
    }

    /// Takes a place among the descendants that this counts.
    pub(crate) fn take_place(&self, quota: &Arc<Quota>) -> Result<(), SpawnError> {
        quota.take().map_err(|max| {
            let limit = if max == self.actors_max as u64 { "actors-max" } else { "children-max" };
            SpawnError::SystemLimit(format!("{limit} of {max} reached"))
        })
    }

    /// Tells the outcome of a spawn request.
    pub(crate) fn answer_spawn(
        &self,
        to: Pid,
        request: Reference,
        outcome: Result<Pid, SpawnError>,
    ) {
        // From the child where there is one, so that the order of its signals holds.
        let from = outcome.as_ref().copied().unwrap_or(Pid { node: self.id, serial: 0 });
        self.route(Envelope { from, to, signal: Signal::SpawnReply { request, outcome } });
    }

    /// A deployed module, ready to start; loads and compiles it where needed.
    pub(crate) async fn program(self: &Arc<Self>, name: &str) -> Result<Arc<Program>, SpawnError> {
        self.program_of(name, name.to_owned()).await
    }

    /// A module as another node can find it: by its digest where it is here, else as it
    /// was named.
    pub(crate) fn module_for_others(&self, name: &str) -> ModuleName {
        let found = self.modules.find(name).ok().or_else(|| name.parse::<Digest>().ok());
        match found {
            Some(digest) => ModuleName::Digest(*digest.as_bytes()),
            None => ModuleName::Name(name.to_owned()),
        }
    }

    /// A program that is ready to start, if it is.
    pub(crate) fn ready_program(&self, digest: Digest) -> Option<Arc<Program>> {
        let ready = |tier| self.programs.ready(digest, tier);
        ready(Tier::Dense).or_else(|| ready(Tier::Fast))
    }

    async fn program_of(
        self: &Arc<Self>,
        name: &str,
        label: String,
    ) -> Result<Arc<Program>, SpawnError> {
        let module = self.modules.resolve(name).map_err(|e| SpawnError::NoModule(e.to_string()))?;
        let tier = self.tier.tier(module.shape());
        if let Some(program) = self.programs.ready(module.digest(), tier) {
            return Ok(program);
        }
        let (runtime, name) = (Arc::clone(self), name.to_owned());
        let prepared =
            tokio::task::spawn_blocking(move || runtime.programs.prepare(&module, &label, tier))
                .await;
        prepared.unwrap_or_else(|error| {
            Err(SpawnError::NoModule(format!("{name}: loading it failed: {error}")))
        })
    }
}
