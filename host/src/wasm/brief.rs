//! Calls of functions that leave nothing behind: those of modules that import nothing and
//! have no memory, table or variable.
//!
//! Nobody can tell instances of such a module apart, so one serves call after call, as long as
//! none traps. Nor can anybody tell the callee from an actor as long as it has not given up
//! its worker: so it becomes one only then, with the pid that it had from the beginning, and
//! is listed, can be killed, and has its time kept. One that ends otherwise than by returning
//! becomes an actor to end as one.
//!
//! Calls that came together run one after the other in one task. When one of them takes more
//! than its turn, the task is that one's from then on, and another one takes the others.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::Poll;
use std::time::{Duration, Instant};

use odeon_core::process::Process;
use odeon_core::signal::SpawnError;
use odeon_core::{Pid, Reason};
use tokio::sync::OwnedSemaphorePermit;
use wasmtime::Store;
use wasmtime::component::{Instance, Val};

use super::actor::{Death, instantiate, invoke, reason_of, why};
use super::program::Program;
use super::state::GuestState;
use super::warm;
use crate::call::Call;
use crate::cell::{About, Cell};
use crate::limits::{Limits, Place};
use crate::modules::wave::{self, Callee};
use crate::rights::Rights;
use crate::runtime::{Runtime, Turn};
use crate::scheduler;

/// Calls that have taken so long together leave half of the others to another worker.
const SHARED_AFTER: Duration = Duration::from_micros(100);

/// A call that another node asked for.
pub(crate) struct Brief {
    pub(crate) program: Arc<Program>,
    /// What is called, and with what.
    pub(crate) text: String,
    pub(crate) owed: Owed,
    pub(crate) group_leader: Pid,
    pub(crate) limits: Limits,
    pub(crate) made_by: Pid,
    /// Among what that node has asked for and is not done.
    pub(crate) room: OwnedSemaphorePermit,
}

/// The outcome of a call. Whoever waits for it hears of a kill if this is dropped, as when a
/// node ends.
pub(crate) struct Owed {
    runtime: Arc<Runtime>,
    call: Option<Box<Call>>,
}

impl Owed {
    pub(crate) fn new(runtime: &Arc<Runtime>, call: Box<Call>) -> Self {
        Self { runtime: Arc::clone(runtime), call: Some(call) }
    }

    /// The callee has ended. Nobody hears of it twice.
    fn ended(&self, callee: Pid, reason: &Reason) {
        if let Some(call) = &self.call {
            call.ended(&self.runtime, callee, reason);
        }
    }
}

impl Drop for Owed {
    fn drop(&mut self) {
        self.ended(Pid { node: self.runtime.id, serial: 0 }, &Reason::Killed);
    }
}

/// An instance that has served a call and can serve another.
pub(super) struct Used {
    pub(super) store: Store<GuestState>,
    pub(super) instance: Instance,
}

/// What a callee gave that returned, and its instance.
type Returned = Result<(Used, Vec<Val>), Reason>;

/// Runs calls, in their order, as if the task that runs here had woken them.
pub(crate) fn run_next(runtime: &Runtime, calls: impl Into<VecDeque<Brief>>) {
    runtime.spawner.spawn_next(run(calls.into()));
}

async fn run(mut calls: VecDeque<Brief>) {
    let mut begun = Instant::now();
    let mut used = None;
    while let Some(brief) = calls.pop_front() {
        if scheduler::slice_is_over() {
            scheduler::yield_now().await;
            begun = Instant::now();
        } else if calls.len() > 1 && begun.elapsed() > SHARED_AFTER {
            run_next(&brief.owed.runtime, calls.split_off(calls.len() / 2));
            begun = Instant::now();
        }
        let program = Arc::clone(&brief.program);
        let instance = match used.take() {
            Some((of, instance)) if Arc::ptr_eq(&of, &program) => Some(instance),
            other => {
                put_back(other);
                warm::take_used(&program)
            }
        };
        used = one(brief, instance, &mut calls).await.map(|instance| (program, instance));
    }
    put_back(used);
}

/// Leaves an instance to whoever wants the next one of its program.
fn put_back(used: Option<(Arc<Program>, Used)>) {
    if let Some((program, instance)) = used {
        warm::put_back(&program, instance);
    }
}

/// Runs a call, in this instance if there is one. Gives the instance if it can serve another.
async fn one(brief: Brief, instance: Option<Used>, others: &mut VecDeque<Brief>) -> Option<Used> {
    let runtime = Arc::clone(&brief.owed.runtime);
    let program = Arc::clone(&brief.program);
    // Before it is an actor, nobody can ask it to.
    scheduler::yield_if_long();
    let (callee, params, place) = match brief.begin() {
        Ok(begun) => begun,
        Err(error) => {
            brief.refuse(error);
            return instance;
        }
    };
    let pid = runtime.fresh_pid();
    let (returned, death) = {
        let mut running = pin!(perform(&runtime, &program, instance, &callee, &params));
        let first = poll_fn(|context| Poll::Ready(running.as_mut().poll(context))).await;
        match first {
            Poll::Ready(Ok((used, values))) => {
                brief.returned(pid, place, &values);
                return Some(used);
            }
            Poll::Ready(returned) => (returned, brief.into_actor(pid, place)),
            Poll::Pending => {
                if !others.is_empty() {
                    run_next(&runtime, std::mem::take(others));
                }
                let death = brief.into_actor(pid, place);
                (live(running, &death).await, death)
            }
        }
    };
    // The guest is gone.
    end(death, returned)
}

/// The end of a callee that became an actor.
fn end(death: Death, returned: Returned) -> Option<Used> {
    let (reason, used) = match returned {
        Ok((used, values)) => (reason_of(&values, death.cell.about.call.as_deref()), Some(used)),
        Err(reason) => (reason, None),
    };
    death.of(reason);
    used
}

/// The life of a callee that is an actor now, up to its return.
async fn live(mut running: Pin<&mut impl Future<Output = Returned>>, actor: &Death) -> Returned {
    let Death { runtime, cell, .. } = actor;
    let mut has_yielded = false;
    poll_fn(|context| {
        // That is why it is an actor.
        if !std::mem::replace(&mut has_yielded, true) {
            return Poll::Pending;
        }
        match runtime.before_run(cell, context) {
            Turn::Run => running.as_mut().poll(context),
            Turn::Wait => Poll::Pending,
            // The machine knows why; leaving this unwinds the guest.
            Turn::End => Poll::Ready(Err(Reason::Normal)),
        }
    })
    .await
}

/// Runs the function, in this instance or in a new one.
async fn perform(
    runtime: &Arc<Runtime>,
    program: &Arc<Program>,
    instance: Option<Used>,
    callee: &Callee,
    params: &[Val],
) -> Returned {
    let (mut store, started) = match instance {
        Some(Used { mut store, instance }) => {
            store.set_epoch_deadline(1);
            (store, Ok(instance))
        }
        None => {
            let (runtime, program) = (Arc::clone(runtime), Arc::clone(program));
            let nobody = warm::unborn(&runtime, &program);
            instantiate(runtime, nobody, program, Arc::default()).await
        }
    };
    let ended = match started {
        Ok(instance) => {
            let values = invoke(&mut store, instance, callee.export, params, callee.results.len());
            values.await.map(|values| (instance, values))
        }
        Err(error) => Err(error),
    };
    match ended {
        Ok((instance, values)) => Ok((Used { store, instance }, values)),
        Err(error) => Err(why(&error, store.data())),
    }
}

impl Brief {
    /// Finds the function, makes its arguments, and takes a place among the node's actors.
    fn begin(&self) -> Result<(Arc<Callee>, Vec<Val>, Place), SpawnError> {
        let (callee, params) = self.program.called(&self.text)?;
        let runtime = &self.owed.runtime;
        runtime.take_place(&runtime.quota)?;
        Ok((callee, params, Place::taken(Arc::clone(&runtime.quota))))
    }

    fn refuse(mut self, error: SpawnError) {
        if let Some(call) = self.owed.call.take() {
            call.refused(&self.owed.runtime, error);
        }
    }

    /// The function has returned, in its first run.
    fn returned(self, pid: Pid, place: Place, values: &[Val]) {
        let reason = reason_of(values, self.owed.call.as_deref());
        if !matches!(reason, Reason::Normal) {
            // Its end is told of in the node's record.
            return self.into_actor(pid, place).of(reason);
        }
        // Nobody hears of an end before there is room again.
        drop((place, self.room));
        self.owed.ended(pid, &reason);
    }

    /// Makes an actor of it that others find.
    fn into_actor(mut self, pid: Pid, place: Place) -> Death {
        let runtime = Arc::clone(&self.owed.runtime);
        let about = About {
            module: Arc::clone(&self.program.label),
            start: wave::path(&self.text).into(),
            parent: Some(self.made_by),
            born: Instant::now(),
            limits: Arc::new(self.limits),
            rights: Arc::new(Rights::default()),
            quota: place.keep(),
            call: self.owed.call.take(),
        };
        let cell = Cell::new(Process::new(pid, self.group_leader, self.limits.core()), about);
        let cell = Arc::new(cell);
        runtime.directory.insert(&cell);
        if let Some(call) = &cell.about.call {
            call.keep_time(&runtime, pid);
        }
        Death::to_come(runtime, cell)
    }
}
