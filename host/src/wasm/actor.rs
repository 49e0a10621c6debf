//! The task of one actor: signals before guest code, then the guest, and at the
//! end everything that the actor's death means.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Instant;

use bytes::Bytes;
use odeon_core::Reason;
use odeon_core::signal::SpawnError;
use wasmtime::component::{ComponentExportIndex, Instance, Val};
use wasmtime::{PoolConcurrencyLimitError, Store, Trap, UpdateDeadline};

use super::bindings::odeon::actor::types;
use super::call::Answer;
use super::program::Program;
use super::state::{Doomed, GuestState};
use super::warm;
use crate::call::Call;
use crate::cell::Cell;
use crate::modules::wave::{self, Callee};
use crate::runtime::{Runtime, Turn};
use crate::scheduler;

/// Where in its module an actor starts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Start {
    /// A function behind the SDK's entry.
    Entry {
        /// The guest's name for it.
        function: String,
        /// What it is given.
        argument: Bytes,
    },
    /// A `wasi:cli` command.
    Command {
        /// Its arguments, the program's name first.
        arguments: Vec<String>,
    },
    /// An exported function, as the text of a call: its arguments in WAVE or JSON.
    Call(String),
}

impl Start {
    /// As listings show it.
    pub(crate) fn describe(&self) -> Arc<str> {
        match self {
            Self::Entry { function, .. } => function.as_str().into(),
            Self::Command { .. } => "run".into(),
            Self::Call(call) => wave::path(call).into(),
        }
    }
}

/// Functions of one module that are kept for calls to come.
const CALLEES_MAX: usize = 64;

/// A start that was checked against its module.
pub(crate) enum Entrance {
    Entry {
        at: ComponentExportIndex,
        function: String,
        argument: Bytes,
    },
    Command {
        at: ComponentExportIndex,
        arguments: Arc<[String]>,
    },
    Call {
        at: ComponentExportIndex,
        params: Vec<Val>,
        results: usize,
        /// Who wants the values.
        answer: Option<Answer>,
    },
}

impl Program {
    /// Finds a start in this module and checks its arguments.
    pub(crate) fn entrance(&self, start: Start) -> Result<Entrance, SpawnError> {
        let lacks = |what: &str| {
            SpawnError::NoFunction(format!("{} {what}{}", self.label, self.has_instead()))
        };
        match start {
            Start::Entry { function, argument } => {
                let at = self.entry.ok_or_else(|| lacks("does not export odeon:actor/entry"))?;
                Ok(Entrance::Entry { at, function, argument })
            }
            Start::Command { arguments } => {
                let at = self.command.ok_or_else(|| lacks("is not a wasi:cli command"))?;
                Ok(Entrance::Command { at, arguments: arguments.into() })
            }
            Start::Call(text) => {
                let (callee, params) = self.called(&text)?;
                let results = callee.results.len();
                Ok(Entrance::Call { at: callee.export, params, results, answer: None })
            }
        }
    }
}

impl Program {
    /// Finds the exported function that the text of a call means, and makes its arguments.
    pub(super) fn called(&self, text: &str) -> Result<(Arc<Callee>, Vec<Val>), SpawnError> {
        wave::resolve(text, |path| self.callee(path)).map_err(|error| match error {
            wave::CallError::NoFunction { .. } => SpawnError::NoFunction(error.to_string()),
            _ => SpawnError::BadArgument(error.to_string()),
        })
    }

    /// The exported function of this path. Those that were found are kept, since finding
    /// one goes through all exports.
    fn callee(&self, path: &str) -> Result<Arc<Callee>, wave::CallError> {
        if let Some(callee) = self.callees.lock().get(path) {
            return Ok(Arc::clone(callee));
        }
        let callee = Arc::new(Callee::find(self.pre.component(), path)?);
        let mut known = self.callees.lock();
        // One function has many spellings.
        if known.len() < CALLEES_MAX {
            known.insert(path.to_owned(), Arc::clone(&callee));
        }
        Ok(callee)
    }

    /// What the module can be started by, to put behind an error.
    fn has_instead(&self) -> String {
        let shape = self.module.shape();
        let mut starts = Vec::new();
        if self.entry.is_some() {
            starts.push("functions of the SDK's entry".to_owned());
        }
        if self.command.is_some() {
            starts.push("a command".to_owned());
        }
        starts.extend(shape.functions.iter().take(8).map(crate::modules::shape::Function::path));
        if starts.is_empty() {
            return "; it exports nothing that can be started".into();
        }
        format!("; it has: {}", starts.join(", "))
    }
}

/// Runs an actor to its end.
pub(crate) async fn run(
    runtime: Arc<Runtime>,
    cell: Arc<Cell>,
    program: Arc<Program>,
    entrance: Entrance,
) {
    let death = Death::to_come(runtime, cell);
    let (runtime, cell) = (&death.runtime, &death.cell);
    let reason = {
        let mut guest = pin!(guest(Arc::clone(runtime), Arc::clone(cell), program, entrance));
        poll_fn(|context| match runtime.before_run(cell, context) {
            Turn::Run => guest.as_mut().poll(context),
            Turn::Wait => Poll::Pending,
            // The machine knows why; leaving this block unwinds the guest.
            Turn::End => Poll::Ready(Reason::Normal),
        })
        .await
    };
    death.of(reason);
}

/// Ends the actor when its task ends, however that comes about.
pub(super) struct Death {
    pub(super) runtime: Arc<Runtime>,
    pub(super) cell: Arc<Cell>,
    reason: Option<Reason>,
}

impl Death {
    pub(super) fn to_come(runtime: Arc<Runtime>, cell: Arc<Cell>) -> Self {
        Self { runtime, cell, reason: None }
    }

    /// It has come, for this reason unless the machine knows one.
    pub(super) fn of(mut self, reason: Reason) {
        self.reason = Some(reason);
    }
}

impl Drop for Death {
    fn drop(&mut self) {
        // Without a reason the task was dropped or panicked: the node's fault or its end.
        let reason = self.reason.take().unwrap_or(Reason::Killed);
        let reason = self.runtime.end(&self.cell, reason);
        if let Some(call) = &self.cell.about.call {
            call.stop_time(&self.runtime);
        }
        self.runtime.timers.cancel_all(self.cell.pid);
        self.runtime.output.ended(&self.cell, &reason);
    }
}

/// Lets the guest run, and says why it ended.
async fn guest(
    runtime: Arc<Runtime>,
    cell: Arc<Cell>,
    program: Arc<Program>,
    entrance: Entrance,
) -> Reason {
    let arguments = match &entrance {
        Entrance::Command { arguments, .. } => Arc::clone(arguments),
        Entrance::Entry { .. } | Entrance::Call { .. } => Arc::default(),
    };
    let is_call = cell.about.call.is_some();
    let (mut store, started) = match program.warm.take(&cell, &arguments) {
        Some((store, instance)) => (store, Ok(instance)),
        None => instantiate(runtime, cell, program, arguments).await,
    };
    if !is_call {
        warm::refill(&store.data().runtime, &store.data().program);
    }
    let ended = match started {
        Ok(instance) => enter(&mut store, instance, entrance).await,
        Err(error) => Err(error),
    };
    let GuestState { runtime, cell, program, .. } = store.data();
    let reason = match ended {
        Ok(reason) => {
            if let Some(call) = &cell.about.call {
                call.is_returning(runtime, cell.pid, &reason);
            }
            reason
        }
        Err(error) => why(&error, store.data()),
    };
    if is_call {
        // Not before: it would keep the answer waiting.
        warm::refill(runtime, program);
    }
    reason
}

/// An instance for this actor, in a store of its own.
pub(super) async fn instantiate(
    runtime: Arc<Runtime>,
    cell: Arc<Cell>,
    program: Arc<Program>,
    arguments: Arc<[String]>,
) -> (Store<GuestState>, wasmtime::Result<Instance>) {
    loop {
        let state = GuestState::new(
            Arc::clone(&runtime),
            Arc::clone(&cell),
            Arc::clone(&program),
            Arc::clone(&arguments),
        );
        let mut store = new_store(program.pre.engine(), state);
        let begun = Instant::now();
        let rooms_made = runtime.programs.rooms_made();
        match program.pre.instantiate_async(&mut store).await {
            // What only waits for calls makes room for an actor.
            Err(error)
                if error.is::<PoolConcurrencyLimitError>()
                    && runtime.programs.make_room(rooms_made) => {}
            started => {
                program.warm.started_in(begun.elapsed());
                return (store, started);
            }
        }
    }
}

/// A store whose guest yields when its slice is over and another actor waits.
pub(super) fn new_store(engine: &wasmtime::Engine, state: GuestState) -> Store<GuestState> {
    let mut store = Store::new(engine, state);
    store.limiter(|state| state);
    store.epoch_deadline_callback(|_| {
        let over = scheduler::slice_is_over();
        Ok(if over { UpdateDeadline::Yield(1) } else { UpdateDeadline::Continue(1) })
    });
    store.set_epoch_deadline(1);
    store
}

async fn enter(
    store: &mut Store<GuestState>,
    instance: Instance,
    entrance: Entrance,
) -> wasmtime::Result<Reason> {
    match entrance {
        Entrance::Entry { at, function, argument } => {
            let start = instance
                .get_typed_func::<(&str, &[u8]), (Result<(), types::ExitReason>,)>(
                    &mut *store,
                    at,
                )?;
            let (ended,) = start.call_async(&mut *store, (&function, &argument)).await?;
            Ok(ended.err().map_or(Reason::Normal, Into::into))
        }
        Entrance::Command { at, .. } => {
            let run = instance.get_typed_func::<(), (Result<(), ()>,)>(&mut *store, at)?;
            let (ended,) = run.call_async(&mut *store, ()).await?;
            Ok(if ended.is_ok() { Reason::Normal } else { Reason::ExitCode(1) })
        }
        Entrance::Call { at, params, results, answer } => {
            let values = invoke(store, instance, at, &params, results).await?;
            if let Some(answer) = answer {
                let _ = answer.send(values);
                return Ok(Reason::Normal);
            }
            Ok(reason_of(&values, store.data().cell.about.call.as_deref()))
        }
    }
}

/// Calls an exported function.
pub(super) async fn invoke(
    store: &mut Store<GuestState>,
    instance: Instance,
    at: ComponentExportIndex,
    params: &[Val],
    results: usize,
) -> wasmtime::Result<Vec<Val>> {
    let function = instance
        .get_func(&mut *store, at)
        .ok_or_else(|| wasmtime::Error::msg("the function is gone"))?;
    let mut values = vec![Val::Bool(false); results];
    function.call_async(&mut *store, params, &mut values).await?;
    Ok(values)
}

/// Why an actor ends whose function has returned this.
pub(super) fn reason_of(values: &[Val], call: Option<&Call>) -> Reason {
    match (call, values.first()) {
        (Some(call), _) if call.wants_values() => call.returned(values),
        (_, Some(Val::Result(Err(error)))) => Reason::Error(failure(error.as_deref()).into()),
        _ => Reason::Normal,
    }
}

/// The text of a function's `err`.
fn failure(error: Option<&Val>) -> String {
    match error {
        Some(Val::String(text)) => text.clone(),
        Some(value) => value.to_wave().unwrap_or_else(|_| "an error".into()),
        None => "an error".into(),
    }
}

/// Why a guest that did not return ended.
pub(super) fn why(error: &wasmtime::Error, state: &GuestState) -> Reason {
    if error.is::<Doomed>() {
        // The machine holds the reason, and the first one counts.
        return Reason::Normal;
    }
    // A runtime that ends its program for what it said has trapped.
    if let Some(wasmtime_wasi::I32Exit(code)) = error.downcast_ref()
        && (*code == 0 || state.panic.is_none())
    {
        return match code {
            0 => Reason::Normal,
            code => {
                Reason::ExitCode(u8::try_from(code & 0xff).ok().filter(|c| *c != 0).unwrap_or(1))
            }
        };
    }
    let trap = error.downcast_ref::<Trap>();
    if trap == Some(&Trap::StackOverflow) {
        let max = super::engine::GUEST_STACK_BYTES;
        return Reason::Limit(format!("stack-bytes-max of {max} exceeded").into());
    }
    if error.is::<PoolConcurrencyLimitError>() {
        let max = super::engine::FAST_ACTORS_MAX;
        return Reason::Limit(format!("fast-actors-max of {max} reached: {error}").into());
    }
    let what = match (&state.panic, trap) {
        (Some(panic), _) => panic.clone(),
        (None, Some(trap)) => trap.to_string(),
        (None, None) => format!("{error:#}"),
    };
    match &state.limit_hit {
        Some(limit) => Reason::Limit(format!("{limit}, then: {what}").into()),
        None if trap.is_none() && names_limit(&what) => Reason::Limit(what.into()),
        None => Reason::Trap(what.into()),
    }
}

/// Whether a failed start went over a maximum: one of ours, or the number of
/// memories, tables or instances, which wasmtime counts for us.
fn names_limit(what: &str) -> bool {
    what.contains("-max of ") || what.contains("resource limit exceeded")
}
