//! `odeon:actor/process`: actors, links, monitors, aliases, local names.

use std::sync::Arc;

use odeon_core::process::{self as core_process, Event, Filter, MonitorOptions};
use odeon_core::signal::{ExitOrigin, Monitored, Signal, SpawnError};
use odeon_core::wire::{LimitsAsked, ModuleName, SpawnRequest, StartAt};
use odeon_core::{Envelope, Name, NodeId, Pid, Reason, Reference, limits};

use crate::cluster;
use crate::directory;
use crate::spawn::{Family, Plan};
use crate::wasm::Start;
use crate::wasm::bindings::odeon::actor::process::{
    self, AliasLife, DemonitorError, EntryCall, Host, Info, Limits, LinkError, Module,
    RegisterError, ReplyWhen, SpawnOptions, Spawned, Status,
};
use crate::wasm::bindings::odeon::actor::types;
use crate::wasm::convert;
use crate::wasm::state::{Doomed, GuestState};

impl Host for GuestState {
    fn me(&mut self) -> wasmtime::Result<types::Pid> {
        Ok(self.cell.pid.into())
    }

    fn make_reference(&mut self) -> wasmtime::Result<types::Reference> {
        Ok(self.runtime.fresh_reference().into())
    }

    async fn spawn(
        &mut self,
        module: Module,
        start: process::Start,
    ) -> wasmtime::Result<Result<types::Pid, process::SpawnError>> {
        let spawned = self.spawn_child(module, start, SpawnOptions::plain()).await?;
        Ok(spawned.map(|(pid, _)| pid.into()).map_err(Into::into))
    }

    async fn spawn_with(
        &mut self,
        module: Module,
        start: process::Start,
        options: SpawnOptions,
    ) -> wasmtime::Result<Result<Spawned, process::SpawnError>> {
        let spawned = self.spawn_child(module, start, options).await?;
        let spawned = spawned
            .map(|(pid, monitor)| Spawned { pid: pid.into(), monitor: monitor.map(Into::into) });
        Ok(spawned.map_err(Into::into))
    }

    fn spawn_request(
        &mut self,
        module: Module,
        start: process::Start,
        options: SpawnOptions,
        reply: ReplyWhen,
    ) -> wasmtime::Result<types::Reference> {
        let request = self.runtime.fresh_reference();
        let (link, monitor) = (options.link, options.monitor.clone().map(convert::monitor_options));
        if let Some(node) = self.elsewhere(&options) {
            let reply = convert::reply_when(reply);
            self.request_at(&node, module, start, options, request, reply)?;
            return Ok(request.into());
        }
        self.act(|process, _| {
            process.spawn_requested(request, link, monitor.clone(), convert::reply_when(reply));
        })?;
        let family = Family { parent: self.cell.pid, link, monitor: monitor.map(|_| request) };
        match self.plan(module, start, options, Some(family)) {
            Ok(plan) => Arc::clone(&self.runtime).spawn_later(plan, request),
            Err(error) => self.runtime.answer_spawn(self.cell.pid, request, Err(error)),
        }
        Ok(request.into())
    }

    fn spawn_abandon(&mut self, request: types::Reference) -> wasmtime::Result<bool> {
        self.act(|process, _| process.abandon_spawn(request.into()))
    }

    fn stop(&mut self, reason: types::ExitReason) -> wasmtime::Result<()> {
        Err(GuestState::stop(self, reason.into()))
    }

    fn exit(&mut self, to: types::Pid, reason: types::ExitReason) -> wasmtime::Result<()> {
        let reason = self.sendable(reason)?;
        self.act(|process, effects| process.exit(to.into(), reason, effects))
    }

    fn exit_alias(
        &mut self,
        to: types::Reference,
        reason: types::ExitReason,
        priority: bool,
    ) -> wasmtime::Result<()> {
        let reason = self.sendable(reason)?;
        let alias = Reference::from(to);
        if alias.node != self.runtime.id {
            let origin = ExitOrigin::Alias { alias, priority };
            let signal = Signal::Exit { reason, origin };
            let sent = self.runtime.cluster.send_alias(&self.runtime, self.cell.pid, alias, signal);
            if let Some(link) = sent {
                self.suspend(link);
            }
        } else if let Some(owner) = self.runtime.directory.alias_owner(alias) {
            let origin = ExitOrigin::Alias { alias, priority };
            let signal = Signal::Exit { reason, origin };
            self.runtime.route(Envelope { from: self.cell.pid, to: owner, signal });
        }
        Ok(())
    }

    fn trap_exit(&mut self, on: bool) -> wasmtime::Result<bool> {
        self.act(|process, _| process.trap_exit(on))
    }

    fn link(&mut self, to: types::Pid, priority: bool) -> wasmtime::Result<Result<(), LinkError>> {
        let to = Pid::from(to);
        let local = to.node == self.runtime.id;
        let exists = !local || self.runtime.directory.find(to.serial).is_some();
        self.act(|process, effects| {
            // Locally the check is made at once, as `erlang:link/1` does.
            if !exists && !process.traps_exit() {
                return Err(LinkError::Noproc);
            }
            process.link(to, priority, effects);
            Ok(())
        })
    }

    fn unlink(&mut self, to: types::Pid) -> wasmtime::Result<()> {
        self.act(|process, effects| process.unlink(to.into(), effects))
    }

    async fn monitor(
        &mut self,
        of: types::Destination,
        options: process::MonitorOptions,
    ) -> wasmtime::Result<types::Reference> {
        let reference = self.runtime.fresh_reference();
        let (object, to) = match of {
            types::Destination::NodeName(at) if at.node != self.runtime.name => {
                self.monitored_at(at).await
            }
            of => self.monitored(of),
        };
        let options = convert::monitor_options(options);
        self.act(|process, effects| process.monitor(reference, object, to, options, effects))?;
        Ok(reference.into())
    }

    fn demonitor(
        &mut self,
        monitor: types::Reference,
        flush: bool,
    ) -> wasmtime::Result<Result<bool, DemonitorError>> {
        let monitor = Reference::from(monitor);
        if monitor.node != self.runtime.id {
            return Ok(Err(DemonitorError::Foreign));
        }
        self.act(|process, effects| Ok(process.demonitor(monitor, flush, effects)))
    }

    fn alias(&mut self, life: AliasLife, priority: bool) -> wasmtime::Result<types::Reference> {
        let reference = self.runtime.fresh_reference();
        let life = convert::alias_life(life);
        self.act(|process, effects| process.alias(reference, life, priority, effects))?;
        Ok(reference.into())
    }

    fn unalias(&mut self, alias: types::Reference) -> wasmtime::Result<bool> {
        self.act(|process, effects| process.unalias(alias.into(), effects))
    }

    fn register(
        &mut self,
        name: String,
        pid: types::Pid,
    ) -> wasmtime::Result<Result<(), RegisterError>> {
        let Some(name) = convert::local_name(&name) else {
            return Ok(Err(RegisterError::BadName));
        };
        if pid.node != self.runtime.id.get() {
            return Ok(Err(RegisterError::Noproc));
        }
        let registered = self.runtime.directory.register(name, pid.serial);
        Ok(registered.map_err(|error| match error {
            directory::RegisterError::Taken => RegisterError::Taken,
            directory::RegisterError::Named => RegisterError::Named,
            directory::RegisterError::NoProc => RegisterError::Noproc,
        }))
    }

    fn unregister(&mut self, name: String) -> wasmtime::Result<bool> {
        let name = convert::local_name(&name);
        Ok(name.is_some_and(|name| self.runtime.directory.unregister(&name)))
    }

    fn whereis(&mut self, name: String) -> wasmtime::Result<Option<types::Pid>> {
        Ok(self.whereis_text(&name).map(Into::into))
    }

    fn registered(&mut self) -> wasmtime::Result<Vec<String>> {
        let names = self.runtime.directory.names();
        Ok(names.iter().map(|name| name.as_str().to_owned()).collect())
    }

    async fn is_alive(&mut self, pid: types::Pid) -> wasmtime::Result<bool> {
        let pid = Pid::from(pid);
        if pid == self.cell.pid {
            return Ok(true);
        }
        if pid.node != self.runtime.id {
            return Ok(false);
        }
        // The host's own actors take signals when it suits them: the directory answers.
        if self.runtime.directory.find(pid.serial).is_some_and(|cell| cell.is_native()) {
            return Ok(pid.node == self.runtime.id);
        }
        let answer = self.runtime.probe(&self.cell, pid);
        Ok(answer.await.map_err(|_| Doomed)?.is_some())
    }

    async fn get_info(&mut self, pid: types::Pid) -> wasmtime::Result<Option<Info>> {
        let pid = Pid::from(pid);
        if pid.node != self.runtime.id {
            return Ok(None);
        }
        let subject = self.runtime.directory.find(pid.serial);
        let native = subject.as_ref().filter(|cell| cell.is_native() && cell.pid == pid);
        let answer = match native {
            Some(cell) => Some(Box::new(cell.state().process.info())),
            None => self.runtime.probe(&self.cell, pid).await.map_err(|_| Doomed)?,
        };
        // A cell that was found before stays readable when its actor ends meanwhile.
        let (Some(info), Some(subject)) = (answer, subject) else { return Ok(None) };
        let node = &self.runtime.name;
        let waiting = pid != self.cell.pid && subject.state().waiting.is_some();
        Ok(Some(Info {
            pid: pid.into(),
            name: subject.name().map(|name| name.as_str().to_owned()),
            module: subject.about.module.to_string(),
            start: subject.about.start.to_string(),
            parent: subject.about.parent.map(Into::into),
            group_leader: info.group_leader.into(),
            trap_exit: info.trap_exit,
            status: if waiting { Status::Waiting } else { Status::Running },
            mailbox_messages: info.mailbox_messages as u64,
            memory_bytes: subject.memory_bytes(),
            links: info.links.into_iter().map(Into::into).collect(),
            monitors: info.monitors.into_iter().map(|m| convert::destination(m, node)).collect(),
            monitored_by: info.monitored_by.into_iter().map(Into::into).collect(),
        }))
    }

    fn list(&mut self) -> wasmtime::Result<Vec<types::Pid>> {
        Ok(self.runtime.directory.all().iter().map(|cell| cell.pid.into()).collect())
    }
}

impl SpawnOptions {
    fn plain() -> Self {
        Self {
            node: None,
            link: false,
            monitor: None,
            name: None,
            group_leader: None,
            limits: None,
        }
    }
}

impl GuestState {
    /// A reason that is short enough to send.
    fn sendable(&self, reason: types::ExitReason) -> wasmtime::Result<Reason> {
        let reason = Reason::from(reason);
        let (length, max) = (reason.len_bytes(), limits::MESSAGE_BYTES_MAX);
        if length > max {
            let text = format!("message-bytes-max of {max} exceeded: an exit reason of {length}");
            return Err(GuestState::stop(self, Reason::Limit(text.into())));
        }
        Ok(reason)
    }

    fn monitored(&self, of: types::Destination) -> (Monitored, Option<Pid>) {
        match of {
            types::Destination::Pid(pid) => {
                let pid = pid.into();
                (Monitored::Pid(pid), Some(pid))
            }
            types::Destination::Name(name) => self.monitored_name(&name),
            types::Destination::NodeName(at) => self.monitored_name(&at.name),
            types::Destination::Alias(alias) => {
                let owner = self.runtime.directory.alias_owner(alias.into());
                let nobody = Pid { node: self.runtime.id, serial: 0 };
                let pid = owner.unwrap_or(nobody);
                (Monitored::Pid(pid), Some(pid))
            }
        }
    }

    fn monitored_name(&self, name: &str) -> (Monitored, Option<Pid>) {
        let nobody = Pid { node: self.runtime.id, serial: 0 };
        match Name::new(name) {
            Some(valid) => (Monitored::Name(valid, None), self.whereis_text(name)),
            None => (Monitored::Pid(nobody), Some(nobody)),
        }
    }

    /// A name of another node: connects to it first, since a monitor has to know which
    /// incarnation it is on.
    async fn monitored_at(&mut self, at: types::NodeName) -> (Monitored, Option<Pid>) {
        let Some(name) = Name::new(&at.name) else {
            let nobody = Pid { node: self.runtime.id, serial: 0 };
            return (Monitored::Pid(nobody), Some(nobody));
        };
        // Nobody's node where there is no connection: what is on its way there comes
        // back as `noconnection`.
        let node = self.runtime.cluster.node_of(&at.node).await;
        let node = node.unwrap_or(NodeId::from_wire(0));
        (Monitored::Name(name, Some(at.node)), Some(cluster::named(node)))
    }

    fn plan(
        &self,
        module: Module,
        start: process::Start,
        options: SpawnOptions,
        family: Option<Family>,
    ) -> Result<Plan, SpawnError> {
        let module = match module {
            Module::This => crate::spawn::Code::Program(Arc::clone(&self.program)),
            Module::Name(name) => crate::spawn::Code::Named(name),
            Module::Digest(digest) => crate::spawn::Code::Named(digest),
        };
        let start = match start {
            process::Start::Entry(EntryCall { function, argument }) => {
                Start::Entry { function, argument: argument.into() }
            }
            process::Start::Command(arguments) => Start::Command { arguments },
            process::Start::Call(call) => Start::Call(call),
        };
        let about = &self.cell.about;
        let leader = match options.group_leader {
            Some(leader) => leader.into(),
            None => self.cell.state().process.group_leader(),
        };
        let patch = options.limits.map(|limits: Limits| convert::limits(limits));
        let limits = match patch {
            Some(patch) => about.limits.narrowed(&patch).into(),
            None => Arc::clone(&about.limits),
        };
        Ok(Plan {
            code: module,
            start,
            name: options.name,
            group_leader: leader,
            limits,
            rights: Arc::clone(&about.rights),
            parent: Some(Arc::clone(&self.cell)),
            made_by: None,
            family,
            call: None,
        })
    }

    /// The other node that a spawn is for, if it is for one.
    fn elsewhere(&self, options: &SpawnOptions) -> Option<String> {
        options.node.clone().filter(|node| *node != self.runtime.name)
    }

    /// Asks another node for an actor. What goes wrong at once is answered as what goes
    /// wrong there.
    fn request_at(
        &mut self,
        node: &str,
        module: Module,
        start: process::Start,
        options: SpawnOptions,
        request: Reference,
        reply: core_process::ReplyWhen,
    ) -> wasmtime::Result<()> {
        let link = options.link;
        let monitor = options.monitor.clone().map(convert::monitor_options);
        self.act(|process, _| process.spawn_requested(request, link, monitor, reply))?;
        let asked = self
            .request(module, start, options, request)
            .and_then(|asked| self.runtime.cluster.spawn(node, asked));
        match asked {
            Ok(None) => {}
            Ok(Some(behind)) => self.suspend(behind),
            Err(error) => self.runtime.answer_spawn(self.cell.pid, request, Err(error)),
        }
        Ok(())
    }

    /// Makes a child on another node, and waits for the answer.
    async fn spawn_at(
        &mut self,
        node: &str,
        module: Module,
        start: process::Start,
        options: SpawnOptions,
    ) -> wasmtime::Result<Result<(Pid, Option<Reference>), SpawnError>> {
        let request = self.runtime.fresh_reference();
        let monitor = options.monitor.is_some().then_some(request);
        let always = core_process::ReplyWhen::Always;
        self.request_at(node, module, start, options, request, always)?;
        match self.wait(Filter::Reference(request)).await {
            Event::SpawnReply { outcome, .. } => Ok(outcome.map(|child| (child, monitor))),
            // Nothing else has this reference before the reply.
            _ => Ok(Err(SpawnError::NoConnection)),
        }
    }

    fn request(
        &self,
        module: Module,
        start: process::Start,
        options: SpawnOptions,
        request: Reference,
    ) -> Result<SpawnRequest, SpawnError> {
        let (module, label) = self.module_for_others(module);
        let start = match start {
            process::Start::Entry(EntryCall { function, argument }) => {
                StartAt::Entry { function, argument: argument.into() }
            }
            process::Start::Command(arguments) => StartAt::Command { arguments },
            process::Start::Call(call) => StartAt::Call(call),
        };
        let limits = options.limits.map(convert::limits).unwrap_or_default();
        let own = self.cell.about.limits.narrowed(&limits);
        let group_leader = match options.group_leader {
            Some(leader) => leader.into(),
            None => self.cell.state().process.group_leader(),
        };
        let asked = SpawnRequest {
            request,
            parent: self.cell.pid.serial,
            group_leader,
            module,
            label,
            start,
            link: options.link,
            monitor: options.monitor.is_some(),
            name: options.name,
            // All of them: a child never has more than its parent.
            limits: LimitsAsked {
                memory_bytes: Some(own.memory_bytes),
                table_elements: Some(own.table_elements),
                mailbox_messages: Some(own.mailbox_messages),
                mailbox_bytes: Some(own.mailbox_bytes),
                children: Some(own.children),
            },
        };
        let (bytes, max) = (cluster::spawn_bytes(&asked), limits::MESSAGE_BYTES_MAX);
        if bytes > max {
            let text = format!("message-bytes-max of {max} exceeded: a spawn request of {bytes}");
            return Err(SpawnError::SystemLimit(text));
        }
        Ok(asked)
    }

    /// A module as another node can find it: by its digest, where it is here.
    pub(super) fn module_for_others(&self, module: Module) -> (ModuleName, String) {
        match module {
            Module::This => {
                let digest = *self.program.module.digest().as_bytes();
                (ModuleName::Digest(digest), self.program.label.to_string())
            }
            Module::Name(name) | Module::Digest(name) => {
                (self.runtime.module_for_others(&name), name)
            }
        }
    }

    /// Makes a child, and its half of the relations with it.
    async fn spawn_child(
        &mut self,
        module: Module,
        start: process::Start,
        options: SpawnOptions,
    ) -> wasmtime::Result<Result<(Pid, Option<Reference>), SpawnError>> {
        if let Some(node) = self.elsewhere(&options) {
            return self.spawn_at(&node, module, start, options).await;
        }
        let (link, monitor) = (options.link, options.monitor.clone());
        let monitor: Option<(Reference, MonitorOptions)> = monitor
            .map(|options| (self.runtime.fresh_reference(), convert::monitor_options(options)));
        let reference = monitor.as_ref().map(|(reference, _)| *reference);
        let family = Family { parent: self.cell.pid, link, monitor: reference };
        let plan = match self.plan(module, start, options, Some(family)) {
            Ok(plan) => plan,
            Err(error) => return Ok(Err(error)),
        };
        let born = match Arc::clone(&self.runtime).prepare(plan).await {
            Ok(born) => born,
            Err(error) => return Ok(Err(error)),
        };
        let pid = born.pid();
        // The parent's half comes first, so that no death of the child can precede it.
        let acted = self.act(|process, effects| process.spawned(pid, link, monitor, effects));
        // Even if this was the parent's last act: what is born has to run to end.
        born.run();
        acted?;
        Ok(Ok((pid, reference)))
    }
}
