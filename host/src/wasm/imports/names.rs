//! `odeon:actor/names`: names that are known on every connected node.

use std::sync::Arc;

use bytes::Bytes;
use odeon_core::limits::MESSAGE_BYTES_MAX;
use odeon_core::names::{
    NAMES_PER_NODE_MAX, Outcome, REQUESTS_PER_NODE_MAX, Reason as No, Resolver as Rule,
};
use odeon_core::{Key, KeyError, Pid};
use tokio::sync::oneshot;

use crate::cluster::{Callback, FUNCTION_BYTES_MAX, NAMES_LISTED_MAX, Registering};
use crate::wasm::Start;
use crate::wasm::bindings::odeon::actor::mailbox::{SendError, SendOptions};
use crate::wasm::bindings::odeon::actor::names::{
    Host, NameError, Named, RegisterOptions, Resolver,
};
use crate::wasm::bindings::odeon::actor::types;
use crate::wasm::state::{Doomed, GuestState};

use super::timers::wall_clock_ms;

impl Host for GuestState {
    async fn register(
        &mut self,
        name: Vec<u8>,
        pid: types::Pid,
        options: RegisterOptions,
    ) -> wasmtime::Result<Result<(), NameError>> {
        self.register_name(&name, pid.into(), options, false).await
    }

    async fn re_register(
        &mut self,
        name: Vec<u8>,
        pid: types::Pid,
        options: RegisterOptions,
    ) -> wasmtime::Result<Result<(), NameError>> {
        self.register_name(&name, pid.into(), options, true).await
    }

    async fn unregister(
        &mut self,
        name: Vec<u8>,
        timeout_ms: Option<u64>,
    ) -> wasmtime::Result<Result<(), NameError>> {
        let key = match Key::new(&name) {
            Ok(key) => key,
            Err(error) => return Ok(Err(error.into())),
        };
        let outcome = self.runtime.cluster.find.unregister(&self.runtime, key, timeout_ms);
        told(outcome).await
    }

    fn whereis(&mut self, name: Vec<u8>) -> wasmtime::Result<Option<types::Pid>> {
        Ok(self.whereis_cluster(&name).map(Into::into))
    }

    fn list(&mut self, after: Option<Vec<u8>>, max: u32) -> wasmtime::Result<Vec<Named>> {
        let max = (max as usize).min(NAMES_LISTED_MAX);
        let after = match after.as_deref().map(Key::new) {
            // Nothing is before the first, and what is too long may have names behind it.
            None | Some(Err(KeyError::Empty)) => None,
            Some(Ok(key)) => Some(key),
            Some(Err(KeyError::TooLong(_))) => {
                Key::new(&after.unwrap_or_default()[..Key::BYTES_MAX]).ok()
            }
        };
        let names = self.runtime.cluster.find.names(after.as_ref(), max);
        let named =
            |(key, pid): (Key, Pid)| Named { name: key.as_bytes().to_vec(), pid: pid.into() };
        Ok(names.into_iter().map(named).collect())
    }

    fn send(
        &mut self,
        name: Vec<u8>,
        body: Vec<u8>,
        options: SendOptions,
    ) -> wasmtime::Result<Result<types::Pid, SendError>> {
        if body.len() > MESSAGE_BYTES_MAX {
            return Ok(Err(SendError::TooLong(MESSAGE_BYTES_MAX as u64)));
        }
        let Some(to) = self.whereis_cluster(&name) else { return Ok(Err(SendError::NoName)) };
        let sent = self.send_to_pid(to, None, Bytes::from(body), options);
        Ok(sent.map(|()| to.into()))
    }
}

impl GuestState {
    /// Who has a cluster name; nobody if that is an actor of this node that has ended.
    fn whereis_cluster(&self, name: &[u8]) -> Option<Pid> {
        let pid = self.runtime.cluster.find.whereis(name)?;
        let is_here = pid.node == self.runtime.id;
        (!is_here || self.runtime.directory.find(pid.serial).is_some()).then_some(pid)
    }

    async fn register_name(
        &mut self,
        name: &[u8],
        pid: Pid,
        options: RegisterOptions,
        force: bool,
    ) -> wasmtime::Result<Result<(), NameError>> {
        let registering = match self.registering(name, pid, options.resolver, force) {
            Ok(registering) => registering,
            Err(error) => return Ok(Err(error)),
        };
        let find = &self.runtime.cluster.find;
        let outcome = find.register(&self.runtime, registering, options.timeout_ms);
        told(outcome).await
    }

    /// Checks what needs no other node.
    fn registering(
        &self,
        name: &[u8],
        pid: Pid,
        resolver: Resolver,
        force: bool,
    ) -> Result<Registering, NameError> {
        let key = Key::new(name)?;
        if pid.node == self.runtime.id && self.runtime.directory.find(pid.serial).is_none() {
            return Err(NameError::Noproc);
        }
        let (resolver, callback) = match resolver {
            Resolver::RandomExit => (Rule::RandomExit, None),
            Resolver::RandomNotify => (Rule::RandomNotify, None),
            Resolver::NotifyAll => (Rule::NotifyAll, None),
            Resolver::OldestExit => (Rule::OldestExit, None),
            Resolver::OldestNotify => (Rule::OldestNotify, None),
            Resolver::Ask(function) => (Rule::Ask, Some(self.callback(function, pid)?)),
        };
        Ok(Registering { key, pid, force, resolver, callback, since: wall_clock_ms() })
    }

    fn callback(&self, function: String, pid: Pid) -> Result<Callback, NameError> {
        let refused = |why: String| Err(NameError::BadResolver(why));
        if pid.node != self.runtime.id {
            return refused("`ask` is for actors of the caller's own node".into());
        }
        if function.len() > FUNCTION_BYTES_MAX {
            let length = function.len();
            return refused(format!(
                "function-bytes-max of {FUNCTION_BYTES_MAX} exceeded: {length}"
            ));
        }
        let start = Start::Entry { function: function.clone(), argument: Bytes::new() };
        if let Err(error) = self.program.entrance(start) {
            return refused(error.to_string());
        }
        let about = &self.cell.about;
        Ok(Callback {
            runtime: Arc::downgrade(&self.runtime),
            program: Arc::clone(&self.program),
            function: function.into(),
            parent: Arc::downgrade(&self.cell),
            group_leader: self.cell.state().process.group_leader(),
            limits: Arc::clone(&about.limits),
            rights: Arc::clone(&about.rights),
        })
    }
}

/// Waits for what came of a request.
async fn told(outcome: oneshot::Receiver<Outcome>) -> wasmtime::Result<Result<(), NameError>> {
    Ok(match outcome.await.map_err(|_| Doomed)? {
        Outcome::Yes => Ok(()),
        Outcome::No(no) => Err(no.into()),
    })
}

impl From<KeyError> for NameError {
    fn from(error: KeyError) -> Self {
        match error {
            KeyError::Empty => Self::Empty,
            KeyError::TooLong(_) => Self::TooLong(Key::BYTES_MAX as u64),
        }
    }
}

impl From<No> for NameError {
    fn from(no: No) -> Self {
        match no {
            No::Taken(pid) => Self::Taken(pid.into()),
            No::HasName => Self::HasName,
            No::NoProc => Self::Noproc,
            No::NoConnection => Self::Noconnection,
            No::Timeout => Self::Timeout,
            No::Limit => Self::SystemLimit(format!(
                "cluster-names-max of {NAMES_PER_NODE_MAX} or name-requests-max of \
                 {REQUESTS_PER_NODE_MAX} of a node reached"
            )),
        }
    }
}
