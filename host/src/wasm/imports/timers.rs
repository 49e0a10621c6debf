//! `odeon:actor/timers`: time, and messages in the future.

use std::time::{Duration, SystemTime};

use odeon_core::limits::MESSAGE_BYTES_MAX;
use odeon_core::signal::Signal;
use odeon_core::{Name, Reason, Reference};

use crate::timers::{Later, Recipient};
use crate::wasm::bindings::odeon::actor::timers::{Host, TimerError};
use crate::wasm::bindings::odeon::actor::types;
use crate::wasm::state::GuestState;

/// The longest sleep; longer ones are as good as for ever.
const SLEEP_MAX: Duration = Duration::from_secs(1 << 33);

/// What the clock on the wall says, in milliseconds since 1970.
pub(super) fn wall_clock_ms() -> u64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    since.map_or(0, |since| u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}

impl Host for GuestState {
    fn now(&mut self) -> wasmtime::Result<u64> {
        let elapsed = self.runtime.started.elapsed().as_nanos();
        Ok(u64::try_from(elapsed).unwrap_or(u64::MAX))
    }

    fn wall_clock_ms(&mut self) -> wasmtime::Result<u64> {
        Ok(wall_clock_ms())
    }

    async fn sleep(&mut self, duration_ms: u64) -> wasmtime::Result<()> {
        tokio::time::sleep(Duration::from_millis(duration_ms).min(SLEEP_MAX)).await;
        Ok(())
    }

    fn start(
        &mut self,
        duration_ms: u64,
    ) -> wasmtime::Result<Result<types::Reference, TimerError>> {
        let (from, timer) = (self.cell.pid, self.runtime.fresh_reference());
        let later = Later { from, to: Recipient::Pid(from), signal: Signal::Timeout(timer) };
        Ok(self.add_timer(timer, duration_ms, later))
    }

    fn send_after(
        &mut self,
        duration_ms: u64,
        to: types::Destination,
        body: Vec<u8>,
    ) -> wasmtime::Result<Result<types::Reference, TimerError>> {
        if body.len() > MESSAGE_BYTES_MAX {
            let max = MESSAGE_BYTES_MAX;
            let text = format!("message-bytes-max of {max} exceeded: a message of {}", body.len());
            return Err(GuestState::stop(self, Reason::Limit(text.into())));
        }
        let timer = self.runtime.fresh_reference();
        let (to, via) = match to {
            types::Destination::Pid(pid) => (Recipient::Pid(pid.into()), None),
            types::Destination::Name(name) => (named(&name), None),
            types::Destination::NodeName(at) if at.node == self.runtime.name => {
                (named(&at.name), None)
            }
            types::Destination::NodeName(at) => match Name::new(&at.name) {
                Some(name) => (Recipient::At { node: at.node, name }, None),
                None => (Recipient::Nobody, None),
            },
            types::Destination::Alias(alias) => {
                let alias = Reference::from(alias);
                (Recipient::Alias(alias), Some(alias))
            }
        };
        let signal = Signal::Message { via, priority: false, body: body.into() };
        let later = Later { from: self.cell.pid, to, signal };
        Ok(self.add_timer(timer, duration_ms, later))
    }

    fn cancel(&mut self, timer: types::Reference) -> wasmtime::Result<Option<u64>> {
        let left = self.runtime.timers.cancel(timer.into(), self.cell.pid);
        Ok(left.map(|left| u64::try_from(left.as_millis()).unwrap_or(u64::MAX)))
    }
}

fn named(name: &str) -> Recipient {
    Name::new(name).map_or(Recipient::Nobody, Recipient::Name)
}

impl GuestState {
    fn add_timer(
        &self,
        timer: Reference,
        after_ms: u64,
        later: Later,
    ) -> Result<types::Reference, TimerError> {
        let max = self.cell.about.limits.timers;
        let after = Duration::from_millis(after_ms);
        if self.runtime.timers.add(timer, after, later, max) {
            Ok(timer.into())
        } else {
            Err(TimerError::TooMany(max))
        }
    }
}
