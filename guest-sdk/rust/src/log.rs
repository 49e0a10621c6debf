//! The log of the node: for whoever runs the node, not for whoever uses the
//! actor.

use crate::bindings::odeon::actor::log as host;

pub use host::Level;

/// Writes a line. Over 8 KiB it is cut; lines beyond 100 a second are counted,
/// not written.
pub fn write(level: Level, text: &str) {
    host::write(level, text);
}

/// Writes a line at [`Level::Info`].
pub fn info(text: &str) {
    write(Level::Info, text);
}

/// Writes a line at [`Level::Warn`].
pub fn warn(text: &str) {
    write(Level::Warn, text);
}

/// Writes a line at [`Level::Error`].
pub fn error(text: &str) {
    write(Level::Error, text);
}
