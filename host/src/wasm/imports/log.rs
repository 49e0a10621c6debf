//! `odeon:actor/log`: lines for whoever runs the node.

use crate::io::escape;
use crate::wasm::bindings::odeon::actor::log::{Host, Level};
use crate::wasm::state::GuestState;

/// The longest line, in bytes; the rest is cut.
const LINE_BYTES_MAX: usize = 8 << 10;
/// Lines of one actor in one second; more are counted.
const LINES_PER_SECOND_MAX: u32 = 100;

impl Host for GuestState {
    fn write(&mut self, level: Level, text: String) -> wasmtime::Result<()> {
        let second = self.runtime.started.elapsed().as_secs();
        if self.log.second != second {
            if self.log.dropped > 0 {
                tracing::warn!(
                    target: "actor",
                    actor = self.cell.pid.serial,
                    "{} lines over {LINES_PER_SECOND_MAX} a second were not written",
                    self.log.dropped
                );
            }
            self.log = crate::wasm::state::LogAllowance { second, used: 0, dropped: 0 };
        }
        if self.log.used >= LINES_PER_SECOND_MAX {
            self.log.dropped += 1;
            return Ok(());
        }
        self.log.used += 1;
        let (actor, module) = (self.cell.pid.serial, &*self.cell.about.module);
        let line = escape(&text, LINE_BYTES_MAX);
        match level {
            Level::Trace => tracing::trace!(target: "actor", actor, module, "{line}"),
            Level::Debug => tracing::debug!(target: "actor", actor, module, "{line}"),
            Level::Info => tracing::info!(target: "actor", actor, module, "{line}"),
            Level::Warn => tracing::warn!(target: "actor", actor, module, "{line}"),
            Level::Error => tracing::error!(target: "actor", actor, module, "{line}"),
        }
        Ok(())
    }

    fn panic(&mut self, text: String) -> wasmtime::Result<()> {
        let end = text.floor_char_boundary(LINE_BYTES_MAX);
        self.panic = Some(text[..end].to_owned());
        Ok(())
    }
}
