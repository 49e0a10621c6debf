//! `odeon:actor/rpc`: calls of functions on this node and others.

use std::sync::Arc;

use odeon_core::limits::MESSAGE_BYTES_MAX;
use odeon_core::process::{Event, Filter, Process};
use odeon_core::signal::{CallError, Signal, SpawnError};
use odeon_core::wire::{CallAt, CallRequest, LimitsAsked, ModuleName};
use odeon_core::{Envelope, Pid, Reason, Reference};

use crate::call::{self, Call, Caller};
use crate::cluster;
use crate::limits::Place;
use crate::modules::digest::Digest;
use crate::modules::wave;
use crate::services::{self, Asked};
use crate::spawn::{Code, Plan};
use crate::wasm::bindings::odeon::actor::process::Module;
use crate::wasm::bindings::odeon::actor::rpc::{self, CallOptions, Host, Target};
use crate::wasm::bindings::odeon::actor::types;
use crate::wasm::convert;
use crate::wasm::state::GuestState;

/// A call that is sound as far as this side can say.
struct Sound {
    module: Module,
    at: CallAt,
    /// The node, if it is another one.
    node: Option<String>,
    timeout_ms: Option<u32>,
    limits: Option<crate::limits::LimitsPatch>,
}

impl Host for GuestState {
    async fn call(
        &mut self,
        module: Module,
        target: Target,
        options: CallOptions,
    ) -> wasmtime::Result<Result<Vec<u8>, rpc::CallError>> {
        let sound = match self.sound(module, target, options) {
            Ok(sound) => sound,
            Err(error) => return Ok(Err(CallError::Refused(error).into())),
        };
        let timeout_ms = sound.timeout_ms;
        let request = self.runtime.fresh_reference();
        self.act(|process, effects| process.call_requested(request, effects))?;
        if let Err(error) = self.send_call(sound, Some(request)) {
            self.act(|process, _| process.abandon_call(request))?;
            return Ok(Err(CallError::Refused(error).into()));
        }
        let outcome = self.outcome(request, timeout_ms).await?;
        Ok(outcome.map(Into::into).map_err(Into::into))
    }

    fn cast(
        &mut self,
        module: Module,
        target: Target,
        options: CallOptions,
    ) -> wasmtime::Result<Result<(), rpc::CallError>> {
        let sound = match self.sound(module, target, options) {
            Ok(sound) => sound,
            Err(error) => return Ok(Err(CallError::Refused(error).into())),
        };
        // Nobody would hear of it later.
        if let CallAt::Text { text, .. } = &sound.at
            && let Err(error) = wave::check(text)
        {
            let error = SpawnError::BadArgument(error.to_string());
            return Ok(Err(CallError::Refused(error).into()));
        }
        if let Err(error) = self.send_call(sound, None) {
            tracing::debug!(%error, "a cast was not sent");
        }
        Ok(Ok(()))
    }

    fn request(
        &mut self,
        module: Module,
        target: Target,
        options: CallOptions,
    ) -> wasmtime::Result<types::Reference> {
        let request = self.runtime.fresh_reference();
        self.act(|process, effects| process.call_requested(request, effects))?;
        let sent = self
            .sound(module, target, options)
            .and_then(|sound| self.send_call(sound, Some(request)));
        if let Err(error) = sent {
            // As what goes wrong elsewhere.
            let outcome = Err(CallError::Refused(error));
            let from = Pid { node: self.runtime.id, serial: 0 };
            let signal = Signal::CallReply { request, outcome };
            self.runtime.route(Envelope { from, to: self.cell.pid, signal });
        }
        Ok(request.into())
    }

    fn abandon(&mut self, request: types::Reference) -> wasmtime::Result<bool> {
        self.abandon_call(request.into())
    }

    fn give_result(&mut self, value: Vec<u8>) -> wasmtime::Result<()> {
        let (length, max) = (value.len(), MESSAGE_BYTES_MAX);
        if length > max {
            let text = format!("message-bytes-max of {max} exceeded: a result of {length}");
            return Err(self.stop(Reason::Limit(text.into())));
        }
        if let Some(call) = &self.cell.about.call {
            call.give(value.into());
        }
        Ok(())
    }
}

impl GuestState {
    /// Checks what needs no other node.
    fn sound(
        &self,
        module: Module,
        target: Target,
        options: CallOptions,
    ) -> Result<Sound, SpawnError> {
        let timeout_ms = match options.timeout_ms {
            None => None,
            Some(ms) => Some(u32::try_from(ms).map_err(|_| {
                let max = u32::MAX;
                SpawnError::BadArgument(format!(
                    "a timeout of {ms} ms is over timeout-ms-max of {max}"
                ))
            })?),
        };
        let at = match target {
            Target::Entry(entry) => {
                CallAt::Entry { function: entry.function, argument: entry.argument.into() }
            }
            Target::Wave(text) => CallAt::Text { text, json: false },
            Target::Json(text) => CallAt::Text { text, json: true },
        };
        let bytes = cluster::at_bytes(&at);
        if bytes > MESSAGE_BYTES_MAX {
            let max = MESSAGE_BYTES_MAX;
            let text = format!("message-bytes-max of {max} exceeded: a call of {bytes}");
            return Err(SpawnError::SystemLimit(text));
        }
        let node = options.node.filter(|node| *node != self.runtime.name);
        Ok(Sound { module, at, node, timeout_ms, limits: options.limits.map(convert::limits) })
    }

    /// Lets a call go to whom it is for. A cast has no request.
    fn send_call(&self, sound: Sound, request: Option<Reference>) -> Result<(), SpawnError> {
        let group_leader = self.cell.state().process.group_leader();
        let about = &self.cell.about;
        let limits = match &sound.limits {
            Some(patch) => Arc::new(about.limits.narrowed(patch)),
            None => Arc::clone(&about.limits),
        };
        let Some(node) = &sound.node else {
            let caller = request.map(|request| Caller { pid: self.cell.pid, request, link: None });
            if matches!(&sound.module, Module::Name(name) if name == services::MODULE) {
                return self.ask_service(sound, caller);
            }
            let call = Call::new(&self.runtime, caller.clone(), &sound.at, sound.timeout_ms);
            let plan = Plan {
                code: match sound.module {
                    Module::This => Code::Program(Arc::clone(&self.program)),
                    Module::Name(name) | Module::Digest(name) => Code::Named(name),
                },
                start: call::start(sound.at),
                name: None,
                group_leader,
                limits,
                rights: Arc::clone(&about.rights),
                parent: Some(Arc::clone(&self.cell)),
                made_by: None,
                family: None,
                call: Some(call),
            };
            self.runtime.call_here(plan, caller);
            return Ok(());
        };
        let (module, label) = self.called_module(sound.module);
        let asked = CallRequest {
            request: request.unwrap_or(Reference { node: self.runtime.id, serial: 0 }),
            caller: self.cell.pid.serial,
            group_leader,
            module,
            label,
            at: sound.at,
            cast: request.is_none(),
            timeout_ms: sound.timeout_ms,
            limits: LimitsAsked {
                memory_bytes: Some(limits.memory_bytes),
                table_elements: Some(limits.table_elements),
                mailbox_messages: Some(limits.mailbox_messages),
                mailbox_bytes: Some(limits.mailbox_bytes),
                children: Some(limits.children),
            },
        };
        if let Some(behind) = self.runtime.cluster.call(node, asked)? {
            self.suspend(behind);
        }
        Ok(())
    }

    /// Asks this node itself. Whoever waits there counts among the caller's children.
    fn ask_service(&self, sound: Sound, caller: Option<Caller>) -> Result<(), SpawnError> {
        let quota = self.cell.descendants();
        self.runtime.take_place(&quota)?;
        let place = Place::taken(quota);
        let asked = Asked {
            at: sound.at,
            is_cast: caller.is_none(),
            caller: Some(self.cell.pid),
            timeout_ms: sound.timeout_ms,
        };
        let runtime = Arc::clone(&self.runtime);
        self.runtime.spawner.spawn_next(async move {
            services::serve(&runtime, asked, caller, place).await;
        });
        Ok(())
    }

    /// As `module_for_others`, but a whole digest is not looked up.
    fn called_module(&self, module: Module) -> (ModuleName, String) {
        match module {
            Module::Digest(text) => match text.parse::<Digest>() {
                Ok(digest) => (ModuleName::Digest(*digest.as_bytes()), digest.short()),
                Err(_) => self.module_for_others(Module::Digest(text)),
            },
            Module::Name(name) => (self.runtime.called_module(&name), name),
            Module::This => self.module_for_others(Module::This),
        }
    }

    /// Waits for the outcome of a call, for so long.
    async fn outcome(
        &mut self,
        request: Reference,
        timeout_ms: Option<u32>,
    ) -> wasmtime::Result<Result<bytes::Bytes, CallError>> {
        let filter = Filter::Reference(request);
        let take = move |process: &mut Process| process.take(filter);
        let event = match timeout_ms {
            None => Some(self.wait(filter).await),
            Some(ms) => match self.receive_until(filter, ms.into(), take).await? {
                Some(event) => Some(event),
                None if self.abandon_call(request)? => None,
                // It has come at the last moment.
                None => self.act(|process, _| process.take(filter))?,
            },
        };
        Ok(match event {
            Some(Event::CallReply { outcome, .. }) => outcome,
            // Nothing else has this reference.
            Some(_) | None => Err(CallError::Timeout),
        })
    }

    fn abandon_call(&self, request: Reference) -> wasmtime::Result<bool> {
        let was_there = self.act(|process, _| process.abandon_call(request))?;
        if was_there {
            self.runtime.cluster.forget_call(request, self.cell.pid);
        }
        Ok(was_there)
    }
}
