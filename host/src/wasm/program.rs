//! A module that is ready to start: compiled, linked, its entries looked up.

use std::collections::HashMap;
use std::sync::Arc;

use odeon_core::signal::SpawnError;
use parking_lot::Mutex;
use tokio::sync::Semaphore;
use wasmtime::component::{ComponentExportIndex, InstancePre, Linker};

use super::engine::Engines;
use super::imports;
use super::state::GuestState;
use super::warm::{KEPT_MIB_MAX, Warm};
use crate::modules::compile::Tier;
use crate::modules::digest::Digest;
use crate::modules::module::Module;
use crate::modules::wave::Callee;

/// A module, ready to start in one tier.
pub(crate) struct Program {
    /// What listings call it: the name by which it was asked for first.
    pub(crate) label: Arc<str>,
    pub(crate) module: Arc<Module>,
    pub(crate) pre: InstancePre<GuestState>,
    /// `odeon:actor/entry#start`.
    pub(crate) entry: Option<ComponentExportIndex>,
    /// `wasi:cli/run#run`.
    pub(crate) command: Option<ComponentExportIndex>,
    /// Exported functions that were called, by the paths that were written.
    pub(super) callees: Mutex<HashMap<String, Arc<Callee>>>,
    /// Instances that wait for actors.
    pub(super) warm: Warm,
}

impl Program {
    /// Whether nothing is left of a call in its instance, so that another one can have it.
    pub(crate) fn keeps_nothing(&self) -> bool {
        self.module.loaded().keeps_nothing
    }
}

/// The programs of a node.
pub(crate) struct Programs {
    dense: Linker<GuestState>,
    fast: Linker<GuestState>,
    ready: Mutex<HashMap<(Digest, Tier), Arc<Program>>>,
    /// Room for instances that wait for actors, in MiB.
    room: Arc<Semaphore>,
    /// How often such instances were dropped to make room. Held while they are.
    cooled: Mutex<u64>,
}

impl Programs {
    /// Links all that the host offers.
    ///
    /// # Errors
    /// wasmtime's; a fault of ours.
    pub(crate) fn new(engines: &Engines) -> wasmtime::Result<Self> {
        let mut dense = Linker::new(&engines.dense);
        let mut fast = Linker::new(&engines.fast);
        imports::link(&mut dense)?;
        imports::link(&mut fast)?;
        let room = Arc::new(Semaphore::new(KEPT_MIB_MAX));
        Ok(Self { dense, fast, ready: Mutex::default(), room, cooled: Mutex::default() })
    }

    /// Room for instances that wait for actors, in MiB.
    pub(super) fn room(&self) -> &Arc<Semaphore> {
        &self.room
    }

    /// Instances that wait for actors.
    pub(crate) fn warm(&self) -> usize {
        self.ready.lock().values().map(|program| program.warm.count()).sum()
    }

    /// How often room was made so far; waits while it is being made.
    pub(super) fn rooms_made(&self) -> u64 {
        *self.cooled.lock()
    }

    /// Makes room for an actor that found none when room had been made so often. Whether it may
    /// have some now: it was this one that made it, or another one meanwhile.
    pub(super) fn make_room(&self, rooms_made: u64) -> bool {
        let mut cooled = self.cooled.lock();
        if *cooled == rooms_made && self.cool() {
            *cooled += 1;
        }
        *cooled != rooms_made
    }

    /// Drops all instances that wait for actors. Whether there were any.
    pub(crate) fn cool(&self) -> bool {
        let programs: Vec<_> = self.ready.lock().values().map(Arc::clone).collect();
        // All of them, and not up to the first that had some.
        programs.iter().fold(false, |any, program| program.warm.cool() | any)
    }

    /// The module in a tier, if it was made ready before. Never compiles.
    pub(crate) fn ready(&self, digest: Digest, tier: Tier) -> Option<Arc<Program>> {
        self.ready.lock().get(&(digest, tier)).map(Arc::clone)
    }

    /// Makes a module ready in a tier. May compile for seconds: call it where
    /// blocking is allowed.
    ///
    /// # Errors
    /// That the module cannot be compiled, or imports what nobody offers.
    pub(crate) fn prepare(
        &self,
        module: &Arc<Module>,
        label: &str,
        tier: Tier,
    ) -> Result<Arc<Program>, SpawnError> {
        if let Some(program) = self.ready(module.digest(), tier) {
            return Ok(program);
        }
        let refused = |error: String| SpawnError::NoModule(format!("{label}: {error}"));
        let component = module.component(tier).map_err(|error| refused(error.to_string()))?;
        let linker = match tier {
            Tier::Dense => &self.dense,
            Tier::Fast => &self.fast,
        };
        if let Some(missing) = module.shape().missing_text() {
            return Err(refused(missing));
        }
        let pre = linker.instantiate_pre(&component).map_err(|e| refused(format!("{e:#}")))?;
        let within = |interface: &str, function: &str| {
            let (_, interface) = component.get_export(None, interface)?;
            let (_, function) = component.get_export(Some(&interface), function)?;
            Some(function)
        };
        let entry = within("odeon:actor/entry@0.1.0", "start");
        let command = module.shape().command.as_deref().and_then(|name| within(name, "run"));
        let label = label.into();
        let (module, callees) = (Arc::clone(module), Mutex::default());
        let warm = Warm::default();
        let program = Arc::new(Program { label, module, pre, entry, command, callees, warm });
        let mut ready = self.ready.lock();
        // Modules that were removed since, and that no actor runs any more, go.
        ready.retain(|_, known| {
            Arc::strong_count(known) > 1 || Arc::strong_count(&known.module) > 1
        });
        ready.insert((program.module.digest(), tier), Arc::clone(&program));
        Ok(program)
    }
}
