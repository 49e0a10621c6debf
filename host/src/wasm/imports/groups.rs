//! `odeon:actor/groups`: groups of actors of all connected nodes.

use odeon_core::groups::{Error, MEMBERSHIPS_PER_NODE_MAX, MONITORS_MAX, SCOPES_MAX};
use odeon_core::limits::MESSAGE_BYTES_MAX;
use odeon_core::process::{Filter, Process};
use odeon_core::{Key, KeyError, Pid, Reference};

use crate::runtime::{Sent, Taken};
use crate::wasm::bindings::odeon::actor::groups::{
    Choice, GroupError, Host, Membership, Monitored,
};
use crate::wasm::bindings::odeon::actor::mailbox::{SendError, SendOptions};
use crate::wasm::bindings::odeon::actor::types;
use crate::wasm::convert;
use crate::wasm::state::{Doomed, GuestState};

impl Host for GuestState {
    fn start(&mut self, scope: Vec<u8>) -> wasmtime::Result<Result<bool, GroupError>> {
        let find = &self.runtime.cluster.find;
        let start = || Ok(find.start_scope(&self.runtime, &Key::new(&scope)?)?);
        Ok(start())
    }

    fn stop(&mut self, scope: Vec<u8>) -> wasmtime::Result<Result<bool, GroupError>> {
        let find = &self.runtime.cluster.find;
        let stop = || Ok(find.stop_scope(&self.runtime, &Key::new(&scope)?));
        Ok(stop())
    }

    fn scopes(&mut self) -> wasmtime::Result<Vec<Vec<u8>>> {
        Ok(bytes_of(&self.runtime.cluster.find.scopes()))
    }

    fn join(
        &mut self,
        scope: Vec<u8>,
        group: Vec<u8>,
        pids: Vec<types::Pid>,
    ) -> wasmtime::Result<Result<(), GroupError>> {
        let find = &self.runtime.cluster.find;
        let pids: Vec<Pid> = pids.into_iter().map(Into::into).collect();
        let join =
            || Ok(find.join(&self.runtime, &Key::new(&scope)?, &Key::new(&group)?, &pids)?);
        Ok(join())
    }

    fn leave(
        &mut self,
        scope: Vec<u8>,
        group: Vec<u8>,
        pids: Vec<types::Pid>,
    ) -> wasmtime::Result<Result<(), GroupError>> {
        let find = &self.runtime.cluster.find;
        let pids: Vec<Pid> = pids.into_iter().map(Into::into).collect();
        let leave =
            || Ok(find.leave(&self.runtime, &Key::new(&scope)?, &Key::new(&group)?, &pids)?);
        Ok(leave())
    }

    fn members(
        &mut self,
        scope: Vec<u8>,
        group: Vec<u8>,
        local: bool,
    ) -> wasmtime::Result<Result<Vec<types::Pid>, GroupError>> {
        let members = || {
            let (scope, group) = (Key::new(&scope)?, Key::new(&group)?);
            let members = self.runtime.cluster.find.look(&scope, |groups| match local {
                true => groups.local_members(&scope, &group),
                false => groups.members(&scope, &group),
            })?;
            Ok(convert::pids(&members))
        };
        Ok(members())
    }

    fn list(
        &mut self,
        scope: Vec<u8>,
        local: bool,
    ) -> wasmtime::Result<Result<Vec<Vec<u8>>, GroupError>> {
        let list = || {
            let scope = Key::new(&scope)?;
            let groups = self.runtime.cluster.find.look(&scope, |groups| match local {
                true => groups.local_groups(&scope),
                false => groups.groups(&scope),
            })?;
            Ok(bytes_of(&groups))
        };
        Ok(list())
    }

    fn pick(
        &mut self,
        scope: Vec<u8>,
        group: Vec<u8>,
        choice: Choice,
    ) -> wasmtime::Result<Result<Option<types::Pid>, GroupError>> {
        let random = getrandom::u64()
            .map_err(|error| wasmtime::Error::msg(format!("no randomness: {error}")))?;
        let pick = || {
            let (scope, group) = (Key::new(&scope)?, Key::new(&group)?);
            let picked = self.runtime.cluster.find.look(&scope, |groups| match choice {
                Choice::Random => groups.random(&scope, &group, random),
                Choice::Closest => groups.closest(&scope, &group, random),
            })?;
            Ok(picked.map(Into::into))
        };
        Ok(pick())
    }

    fn monitor(
        &mut self,
        scope: Vec<u8>,
        group: Option<Vec<u8>>,
    ) -> wasmtime::Result<Result<Monitored, GroupError>> {
        let monitor = || {
            let scope = Key::new(&scope)?;
            let group = group.as_deref().map(Key::new).transpose()?;
            let find = &self.runtime.cluster.find;
            let (monitor, members) =
                find.monitor(&self.runtime, self.cell.pid, &scope, group.as_ref())?;
            let members = members.iter().map(|(group, members)| Membership {
                group: group.as_bytes().to_vec(),
                members: convert::pids(members),
            });
            Ok(Monitored { monitor: monitor.into(), members: members.collect() })
        };
        Ok(monitor())
    }

    fn demonitor(&mut self, monitor: types::Reference) -> wasmtime::Result<bool> {
        let monitor = Reference::from(monitor);
        if !self.runtime.cluster.find.demonitor(&self.runtime, self.cell.pid, monitor) {
            return Ok(false);
        }
        // All that will ever come of it has arrived.
        let take = |process: &mut Process| process.take(Filter::Reference(monitor));
        loop {
            match self.runtime.take(&self.cell, None, take) {
                Taken::Some(_) => {}
                Taken::Nothing => return Ok(true),
                Taken::Doomed => return Err(Doomed.into()),
            }
        }
    }

    fn send(
        &mut self,
        scope: Vec<u8>,
        group: Vec<u8>,
        body: Vec<u8>,
        options: SendOptions,
    ) -> wasmtime::Result<Result<u64, SendError>> {
        if body.len() > MESSAGE_BYTES_MAX {
            return Ok(Err(SendError::TooLong(MESSAGE_BYTES_MAX as u64)));
        }
        let (Ok(scope), Ok(group)) = (Key::new(&scope), Key::new(&group)) else {
            return Ok(Err(SendError::NoName));
        };
        let Ok(audience) = self.runtime.cluster.find.audience(&scope, &group) else {
            return Ok(Err(SendError::NoName));
        };
        let no_suspend = options.contains(SendOptions::NO_SUSPEND);
        if no_suspend && audience.is_behind() {
            return Ok(Err(SendError::Nosuspend));
        }
        let here = audience.local.len() as u64;
        match audience.send(&self.runtime, self.cell.pid, body.into()) {
            Sent::Busy(_) if no_suspend => {}
            sent => self.yield_after(sent),
        }
        Ok(Ok(here))
    }
}

fn bytes_of(keys: &[Key]) -> Vec<Vec<u8>> {
    keys.iter().map(|key| key.as_bytes().to_vec()).collect()
}

impl From<KeyError> for GroupError {
    fn from(error: KeyError) -> Self {
        match error {
            KeyError::Empty => Self::Empty,
            KeyError::TooLong(_) => Self::TooLong(Key::BYTES_MAX as u64),
        }
    }
}

impl From<Error> for GroupError {
    fn from(error: Error) -> Self {
        match error {
            Error::NoScope => Self::NoScope,
            Error::NotLocal => Self::NotLocal,
            Error::NotJoined => Self::NotJoined,
            Error::Limit => Self::SystemLimit(format!(
                "scopes-max of {SCOPES_MAX}, memberships-max of {MEMBERSHIPS_PER_NODE_MAX} or \
                 group-monitors-max of {MONITORS_MAX} reached"
            )),
        }
    }
}
