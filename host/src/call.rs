//! Calls: what an actor knows that is there for one run of a function, and the one
//! answer that its caller gets.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use odeon_core::limits::MESSAGE_BYTES_MAX;
use odeon_core::signal::{CallError, ExitOrigin, Signal, SpawnError};
use odeon_core::wire::{Address, CallAt, ModuleName};
use odeon_core::{Envelope, Pid, Reason, Reference};
use parking_lot::Mutex;
use wasmtime::component::Val;

use crate::cluster::Link;
use crate::modules::wave;
use crate::runtime::Runtime;
use crate::services;
use crate::spawn::{Born, Plan};
use crate::timers::{Later, Recipient};
use crate::wasm::Start;

/// Who waits for the outcome of a call.
#[derive(Clone)]
pub(crate) struct Caller {
    pub(crate) pid: Pid,
    pub(crate) request: Reference,
    /// The connection that the call came by, from another node.
    pub(crate) link: Option<Arc<Link>>,
}

/// The call that an actor is there for.
pub(crate) struct Call {
    /// Nobody, for a cast.
    caller: Option<Caller>,
    form: Form,
    deadline: Option<Deadline>,
    state: Mutex<State>,
}

/// What kind of result a call has.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    /// Bytes that the guest gives.
    Bytes,
    Wave,
    Json,
}

/// When the call's time is over, and the timer that says so.
struct Deadline {
    at: Instant,
    timer: Reference,
}

#[derive(Default)]
struct State {
    /// The result, once the function has given one.
    given: Option<Bytes>,
    is_answered: bool,
}

impl Call {
    pub(crate) fn new(
        runtime: &Runtime,
        caller: Option<Caller>,
        at: &CallAt,
        timeout_ms: Option<u32>,
    ) -> Box<Self> {
        Box::new(Self {
            caller,
            form: match at {
                CallAt::Entry { .. } => Form::Bytes,
                CallAt::Text { json: false, .. } => Form::Wave,
                CallAt::Text { json: true, .. } => Form::Json,
            },
            deadline: timeout_ms.map(|ms| Deadline {
                at: Instant::now() + Duration::from_millis(ms.into()),
                timer: runtime.fresh_reference(),
            }),
            state: Mutex::default(),
        })
    }

    /// Sees to it that the callee ends with its time. By a signal and not by its task,
    /// because a task that computes looks at nothing else.
    pub(crate) fn keep_time(&self, runtime: &Runtime, callee: Pid) {
        if let Some(Deadline { at, timer }) = self.deadline {
            // Not a timer of the callee's: it cannot cancel it.
            let from = Pid { node: runtime.id, serial: 0 };
            let signal = Signal::Exit { reason: Reason::Kill, origin: ExitOrigin::Explicit };
            let later = Later { from, to: Recipient::Pid(callee), signal };
            let left = at.saturating_duration_since(Instant::now());
            runtime.timers.add(timer, left, later, u64::MAX);
        }
    }

    /// Whether anybody wants the values of an exported function.
    pub(crate) fn wants_values(&self) -> bool {
        self.caller.is_some() && self.form != Form::Bytes
    }

    /// The guest gives its result.
    pub(crate) fn give(&self, result: Bytes) {
        if self.caller.is_some() && self.form == Form::Bytes {
            self.state.lock().given = Some(result);
        }
    }

    /// An exported function has returned. Why the callee ends, since values may have no
    /// text.
    pub(crate) fn returned(&self, values: &[Val]) -> Reason {
        let text = match self.form {
            Form::Json => wave::results_to_json(values).map(|value| value.to_string()),
            Form::Wave | Form::Bytes => wave::results_to_wave(values),
        };
        match text {
            Ok(text) => {
                self.state.lock().given = Some(text.into());
                Reason::Normal
            }
            Err(error @ wave::CallError::Limit { .. }) => Reason::Limit(error.to_string().into()),
            Err(error) => Reason::Error(error.to_string().into()),
        }
    }

    /// The function has returned, and the callee is about to end for this reason. Callers
    /// on other nodes hear of it before the guest is taken down; for one on this node the
    /// callee's place among its children has to be free first.
    pub(crate) fn is_returning(&self, runtime: &Runtime, callee: Pid, reason: &Reason) {
        if self.caller.as_ref().is_some_and(|caller| caller.link.is_some()) {
            self.ended(runtime, callee, reason);
        }
    }

    /// The callee has ended: its caller is answered, if it was not before.
    pub(crate) fn ended(&self, runtime: &Runtime, callee: Pid, reason: &Reason) {
        let Some(caller) = &self.caller else { return };
        let given = {
            let mut state = self.state.lock();
            if std::mem::replace(&mut state.is_answered, true) {
                return;
            }
            state.given.take()
        };
        let is_late = || self.deadline.as_ref().is_some_and(|it| it.at <= Instant::now());
        let outcome = match (reason, given) {
            (Reason::Normal, Some(result)) => Ok(result),
            (Reason::Normal, None) if self.form == Form::Bytes => Ok(Bytes::new()),
            (Reason::Killed, _) if is_late() => Err(CallError::Timeout),
            (reason, _) => Err(CallError::Ended(reason.clone())),
        };
        runtime.answer_call(caller, callee, outcome);
    }

    /// There is no callee.
    pub(crate) fn refused(&self, runtime: &Runtime, error: SpawnError) {
        match &self.caller {
            Some(caller) => {
                let nobody = Pid { node: runtime.id, serial: 0 };
                runtime.answer_call(caller, nobody, Err(CallError::Refused(error)));
            }
            None => tracing::debug!(%error, "a cast was not carried out"),
        }
    }

    /// Stops what [`Call::keep_time`] began.
    pub(crate) fn stop_time(&self, runtime: &Runtime) {
        if let Some(Deadline { timer, .. }) = self.deadline {
            runtime.timers.cancel(timer, Pid { node: runtime.id, serial: 0 });
        }
    }
}

/// Where the callee starts.
pub(crate) fn start(at: CallAt) -> Start {
    match at {
        CallAt::Entry { function, argument } => Start::Entry { function, argument },
        CallAt::Text { text, .. } => Start::Call(text),
    }
}

impl Runtime {
    /// Runs a function of this node, in the background.
    pub(crate) fn call_here(self: &Arc<Self>, plan: Plan, caller: Option<Caller>) {
        let runtime = Arc::clone(self);
        self.spawner.spawn_next(async move {
            let born = Arc::clone(&runtime).prepare(plan).await;
            runtime.answer_or_run(born, caller).await;
        });
    }

    /// Runs the callee to its end, in the task of whoever made it; or says why there is
    /// none.
    pub(crate) async fn answer_or_run(
        &self,
        born: Result<Born, SpawnError>,
        caller: Option<Caller>,
    ) {
        match (born, caller) {
            (Ok(born), _) => born.live().await,
            (Err(error), Some(caller)) => {
                let nobody = Pid { node: self.id, serial: 0 };
                self.answer_call(&caller, nobody, Err(CallError::Refused(error)));
            }
            (Err(error), None) => tracing::debug!(%error, "a cast was not carried out"),
        }
    }

    /// A module that is called, as another node can find it.
    pub(crate) fn called_module(&self, name: &str) -> ModuleName {
        match name {
            services::MODULE => ModuleName::Name(name.to_owned()),
            name => self.module_for_others(name),
        }
    }

    /// Tells the outcome of a call.
    pub(crate) fn answer_call(
        &self,
        caller: &Caller,
        from: Pid,
        outcome: Result<Bytes, CallError>,
    ) {
        let Caller { pid: to, request, link } = caller;
        let (length, max) =
            (outcome.as_ref().map_or_else(CallError::len_bytes, Bytes::len), MESSAGE_BYTES_MAX);
        let outcome = match length > max {
            true => {
                let text = format!("message-bytes-max of {max} exceeded: an outcome of {length}");
                Err(CallError::Ended(Reason::Limit(text.into())))
            }
            false => outcome,
        };
        let signal = Signal::CallReply { request: *request, outcome };
        match link {
            Some(link) => {
                let lives = |serial| self.directory.find(serial).is_some();
                // Where the connection is lost, the caller has heard so.
                let _ = link.send(from, Some(to.node), Address::Actor(to.serial), signal, lives);
            }
            None => {
                self.route(Envelope { from, to: *to, signal });
            }
        }
    }
}
