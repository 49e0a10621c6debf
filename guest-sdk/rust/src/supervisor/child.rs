//! Children: how each is started, and how it is stopped.
//!
//! This file must not know when; that is the plan's.

use crate::codec::{Encode, Raw};
use crate::process;
use crate::spawn::Spawn;
use crate::start::{StartError, Starting, forget_link};
use crate::types::{ExitReason, Pid};
use crate::via::Via;
use crate::watch::monitor;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// When a child is started again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Restart {
    /// Always.
    Permanent,
    /// Unless it ended with `Normal` or `Shutdown`.
    Transient,
    /// Never; it is forgotten when it ends.
    Temporary,
}

/// How a child is stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Shutdown {
    /// By `Kill`, at once.
    Brutal,
    /// By `Shutdown`, and by `Kill` after this many milliseconds.
    TimeoutMs(u64),
    /// By `Shutdown`, however long it takes: for supervisors.
    Infinity,
}

/// What a supervisor knows about a child: how it starts, and what is done when it
/// ends.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[must_use = "a child does nothing without a supervisor"]
pub struct Child {
    pub(super) id: String,
    module: Option<String>,
    node: Option<String>,
    function: String,
    argument: Vec<u8>,
    name: Option<String>,
    via: Option<Via>,
    /// Whether the supervisor waits until the child says that it is ready.
    says_ready: bool,
    pub(super) restart: Restart,
    shutdown: Shutdown,
}

impl Child {
    /// A plain actor function; it counts as started when it exists.
    pub fn actor<A: Encode + ?Sized>(id: impl Into<String>, function: &str, argument: &A) -> Self {
        Self {
            id: id.into(),
            module: None,
            node: None,
            function: function.to_owned(),
            argument: argument.encode(),
            name: None,
            via: None,
            says_ready: false,
            restart: Restart::Permanent,
            shutdown: Shutdown::TimeoutMs(5000),
        }
    }

    /// A function that takes a [`Start`](super::Start), as servers do: the next child starts
    /// when this one is ready.
    pub fn server<A: Encode + ?Sized>(id: impl Into<String>, function: &str, argument: &A) -> Self {
        Self { says_ready: true, ..Self::actor(id, function, argument) }
    }

    /// A supervisor: as a server, and it has all the time it needs to stop.
    pub fn supervisor<A: Encode + ?Sized>(
        id: impl Into<String>,
        function: &str,
        argument: &A,
    ) -> Self {
        Self { shutdown: Shutdown::Infinity, ..Self::server(id, function, argument) }
    }

    /// In the module that is deployed under this name, not the supervisor's own.
    pub fn module(mut self, name: impl Into<String>) -> Self {
        self.module = Some(name.into());
        self
    }

    /// On the node of this name, which gets the module where it lacks it. While that node
    /// cannot be reached, every attempt counts as a restart.
    pub fn on(mut self, node: impl Into<String>) -> Self {
        self.node = Some(node.into());
        self
    }

    /// Registered under this name before it runs, each time.
    pub fn named(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Started under this name, each time: for servers and supervisors, which take it before
    /// anything else. If another actor has it the child has not started.
    pub fn via(mut self, via: Via) -> Self {
        (self.via, self.says_ready) = (Some(via), true);
        self
    }

    /// When it is started again; `Permanent` unless said otherwise.
    pub fn restart(mut self, restart: Restart) -> Self {
        self.restart = restart;
        self
    }

    /// How it is stopped; five seconds unless said otherwise.
    pub fn shutdown(mut self, shutdown: Shutdown) -> Self {
        self.shutdown = shutdown;
        self
    }

    /// Starts it, linked to the caller.
    pub(super) fn start(&self) -> Result<Pid, StartError> {
        let options = |mut spawn: Spawn| {
            if let Some(module) = &self.module {
                spawn = spawn.module(module);
            }
            if let Some(node) = &self.node {
                spawn = spawn.on(node);
            }
            if let Some(name) = &self.name {
                spawn = spawn.named(name);
            }
            spawn
        };
        if self.says_ready {
            let (function, argument) = (self.function.as_str(), self.argument.clone());
            let via = self.via.clone();
            return Starting { function, argument, link: true, timeout: None, via }.run(options);
        }
        let spawn = Spawn::function(&self.function, &Raw(self.argument.clone()));
        let spawned = options(spawn.link()).start().map_err(StartError::Spawn)?;
        Ok(spawned.pid)
    }

    /// Stops it in the way that it wants, and waits for its end.
    pub(super) fn stop(&self, pid: Pid) {
        let mut watch = monitor(pid);
        // From here the monitor tells of its end, and not the link.
        forget_link(pid);
        let patience = match self.shutdown {
            Shutdown::Brutal => Some(Duration::ZERO),
            Shutdown::TimeoutMs(time) => Some(Duration::from_millis(time)),
            Shutdown::Infinity => None,
        };
        if patience != Some(Duration::ZERO) {
            process::exit(pid, &ExitReason::Shutdown);
            match watch.wait(patience) {
                Ok(_) => return,
                Err(still) => watch = still,
            }
        }
        process::exit(pid, &ExitReason::Kill);
        // `Kill` cannot be refused, so the end comes.
        let _ = watch.wait(None);
    }
}
