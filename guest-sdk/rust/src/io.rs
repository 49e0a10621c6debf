//! Output and input through the group leader.
//!
//! Use this crate's [`println!`](crate::println), [`print!`](crate::print) and
//! [`eprintln!`](crate::eprintln) in every actor: they reach the group leader
//! whatever the target. The standard library's own macros do so only where the
//! guest is built for a WASI target; for `wasm32-unknown-unknown` they write
//! nowhere, without an error.
//!
//! An actor can be a group leader itself: it gets `IoRequest` events and owes
//! each an [`answer`].

use crate::bindings::odeon::actor::io as host;
use crate::types::{Pid, Reference};
use std::fmt;

pub use host::{Channel, IoError, IoRequest, Reply, Request};

/// The group leader of the calling actor.
#[must_use]
pub fn group_leader() -> Pid {
    host::group_leader()
}

/// Makes an actor the group leader of another. A signal: it takes effect when it
/// arrives.
pub fn set_group_leader(leader: Pid, of: Pid) {
    host::set_group_leader(leader, of);
}

/// Writes bytes and waits until they are written.
///
/// # Errors
/// The group leader has ended, or refuses.
pub fn write(channel: Channel, bytes: &[u8]) -> Result<(), IoError> {
    host::put_chars(channel, bytes)
}

/// Reads a line, its end included. Nothing at the end of the input.
///
/// # Errors
/// The group leader has ended, or cannot read.
pub fn read_line(prompt: &str) -> Result<Option<Vec<u8>>, IoError> {
    host::get_line(prompt)
}

/// Sends a request to any actor as if it were the group leader, and waits.
#[must_use]
pub fn ask(leader: Pid, request: &Request) -> Reply {
    host::ask(leader, request)
}

/// Answers a request that reached this actor as a group leader. Once each.
pub fn answer(to: Pid, reply_as: Reference, reply: &Reply) {
    host::answer(to, reply_as, reply);
}

/// What the macros call. Output that cannot be written is lost, as it is when a
/// terminal is gone; [`write`] is for those who want to know.
#[doc(hidden)]
pub fn print(channel: Channel, text: fmt::Arguments<'_>) {
    let _lost: Result<(), IoError> = match text.as_str() {
        Some(text) => write(channel, text.as_bytes()),
        None => write(channel, text.to_string().as_bytes()),
    };
}

/// Writes to the group leader's standard output.
#[macro_export]
macro_rules! print {
    ($($text:tt)*) => {
        $crate::io::print($crate::io::Channel::Output, ::std::format_args!($($text)*))
    };
}

/// Writes a line to the group leader's standard output.
#[macro_export]
macro_rules! println {
    () => { $crate::print!("\n") };
    ($text:literal $($rest:tt)*) => {
        $crate::print!("{}\n", ::std::format_args!($text $($rest)*))
    };
}

/// Writes to the group leader's standard error.
#[macro_export]
macro_rules! eprint {
    ($($text:tt)*) => {
        $crate::io::print($crate::io::Channel::Error, ::std::format_args!($($text)*))
    };
}

/// Writes a line to the group leader's standard error.
#[macro_export]
macro_rules! eprintln {
    () => { $crate::eprint!("\n") };
    ($text:literal $($rest:tt)*) => {
        $crate::eprint!("{}\n", ::std::format_args!($text $($rest)*))
    };
}
