//! What the store of one guest holds: who the actor is, what it used of its
//! limits, and, once it asks for WASI, its standard streams and grants.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use odeon_core::Reason;
use odeon_core::process::{Effects, Process};
use wasmtime::component::ResourceTable;
use wasmtime::{ResourceLimiter, bail};
use wasmtime_wasi::{FsPerms, WasiCtx, WasiCtxView, WasiView};

use super::program::Program;
use super::streams;
use crate::cell::Cell;
use crate::limits::Limits;
use crate::runtime::Runtime;

/// Linear memories of one actor, and tables of one actor; a component rarely has
/// more than a few.
const MEMORIES_MAX: usize = 32;
const TABLES_MAX: usize = 128;
/// Core instances of one actor.
const INSTANCES_MAX: usize = 256;

/// The data of one guest's store.
pub(crate) struct GuestState {
    pub(crate) runtime: Arc<Runtime>,
    pub(crate) cell: Arc<Cell>,
    pub(crate) program: Arc<Program>,
    /// Whom the guest sent to last: most actors talk to one other at a time.
    pub(crate) correspondent: Option<Arc<Cell>>,
    /// The arguments of a command.
    pub(crate) arguments: Arc<[String]>,
    /// The limit that the guest ran into last, for the exit reason.
    pub(crate) limit_hit: Option<String>,
    /// What the guest said as it panicked.
    pub(crate) panic: Option<String>,
    /// Lines that the guest may still log in the current second.
    pub(crate) log: LogAllowance,
    memory_bytes: u64,
    /// Elements of the largest table.
    table_elements: u64,
    /// The guest has called the host.
    has_called: bool,
    wasi: Option<Box<(WasiCtx, ResourceTable)>>,
}

/// How much a guest may still log.
#[derive(Default)]
pub(crate) struct LogAllowance {
    pub(crate) second: u64,
    pub(crate) used: u32,
    pub(crate) dropped: u64,
}

/// The guest is to be unwound because its actor ends.
#[derive(Debug)]
pub(crate) struct Doomed;

impl std::fmt::Display for Doomed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the actor ends")
    }
}

impl std::error::Error for Doomed {}

impl GuestState {
    pub(crate) fn new(
        runtime: Arc<Runtime>,
        cell: Arc<Cell>,
        program: Arc<Program>,
        arguments: Arc<[String]>,
    ) -> Self {
        Self {
            runtime,
            cell,
            program,
            correspondent: None,
            arguments,
            limit_hit: None,
            panic: None,
            log: LogAllowance::default(),
            memory_bytes: 0,
            table_elements: 0,
            has_called: false,
            wasi: None,
        }
    }

    /// How host functions get at this.
    pub(super) fn calls(&mut self) -> &mut Self {
        self.has_called = true;
        self
    }

    /// Whether the guest has called the host.
    pub(super) fn has_called(&self) -> bool {
        self.has_called || self.wasi.is_some()
    }

    /// Bytes of all linear memories.
    pub(super) fn memory_bytes(&self) -> u64 {
        self.memory_bytes
    }

    /// Whether these limits allow what the guest has.
    pub(super) fn fits(&self, limits: &Limits) -> bool {
        self.memory_bytes <= limits.memory_bytes && self.table_elements <= limits.table_elements
    }

    /// Makes this, which was nobody's and whose guest has done nothing, an actor's.
    pub(super) fn belongs_to(&mut self, cell: &Arc<Cell>, arguments: Arc<[String]>) {
        self.arguments = arguments;
        cell.memory_bytes.store(self.memory_bytes, Ordering::Relaxed);
        self.cell = Arc::clone(cell);
    }

    /// Acts through the machine.
    ///
    /// # Errors
    /// [`Doomed`], when the act was the actor's last.
    pub(crate) fn act<R>(
        &self,
        act: impl FnOnce(&mut Process, &mut Effects) -> R,
    ) -> wasmtime::Result<R> {
        let (result, doomed) = self.runtime.act(&self.cell, act);
        if doomed { Err(Doomed.into()) } else { Ok(result) }
    }

    /// Ends the actor.
    pub(crate) fn stop(&self, reason: Reason) -> wasmtime::Error {
        self.runtime.act(&self.cell, |process, effects| process.stop(reason, effects));
        Doomed.into()
    }

    fn make_wasi(&self) -> (WasiCtx, ResourceTable) {
        let rights = &self.cell.about.rights;
        let mut builder = WasiCtx::builder();
        builder
            .args(&self.arguments)
            .envs(&rights.env)
            .stdin(streams::Input::new(&self.runtime, &self.cell))
            .stdout(streams::Printer::new(
                &self.runtime,
                &self.cell,
                odeon_core::signal::Channel::Output,
            ))
            .stderr(streams::Printer::new(
                &self.runtime,
                &self.cell,
                odeon_core::signal::Channel::Error,
            ));
        if rights.network {
            builder.inherit_network().allow_ip_name_lookup(true);
        }
        for grant in &rights.dirs {
            let perms = if grant.writable { FsPerms::ReadWrite } else { FsPerms::ReadOnly };
            if let Err(error) = builder.preopened_dir(&grant.host, &grant.guest, perms) {
                tracing::warn!(
                    actor = self.cell.pid.serial,
                    "cannot open the granted directory {}: {error:#}",
                    grant.host.display()
                );
            }
        }
        (builder.build(), ResourceTable::new())
    }
}

impl WasiView for GuestState {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        if self.wasi.is_none() {
            self.wasi = Some(Box::new(self.make_wasi()));
        }
        let (ctx, table) = &mut **self.wasi.as_mut().expect("it was just made");
        WasiCtxView { ctx, table }
    }
}

impl ResourceLimiter for GuestState {
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        let max = self.cell.about.limits.memory_bytes;
        let total = self.memory_bytes + (desired - current) as u64;
        if total > max {
            self.limit_hit = Some(format!("memory-bytes-max of {max} exceeded"));
            // A memory that starts too large cannot be refused in a way that the
            // guest sees, so the actor does not start.
            if current == 0 && self.memory_bytes == 0 {
                bail!(
                    "memory-bytes-max of {max} exceeded: the module needs {desired} at its start"
                );
            }
            return Ok(false);
        }
        if maximum.is_some_and(|maximum| desired > maximum) {
            return Ok(false);
        }
        self.memory_bytes = total;
        self.cell.memory_bytes.store(total, Ordering::Relaxed);
        Ok(true)
    }

    fn memory_grow_failed(&mut self, error: wasmtime::Error) -> wasmtime::Result<()> {
        tracing::debug!(actor = self.cell.pid.serial, "memory did not grow: {error:#}");
        self.limit_hit.get_or_insert_with(|| "memory of the node exhausted".into());
        Ok(())
    }

    fn table_growing(
        &mut self,
        _current: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        let max = self.cell.about.limits.table_elements;
        if desired as u64 > max {
            self.limit_hit = Some(format!("table-elements-max of {max} exceeded"));
            return Ok(false);
        }
        if maximum.is_some_and(|maximum| desired > maximum) {
            return Ok(false);
        }
        self.table_elements = self.table_elements.max(desired as u64);
        Ok(true)
    }

    fn instances(&self) -> usize {
        INSTANCES_MAX
    }

    fn tables(&self) -> usize {
        TABLES_MAX
    }

    fn memories(&self) -> usize {
        MEMORIES_MAX
    }
}
