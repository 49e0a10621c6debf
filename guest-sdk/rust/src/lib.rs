//! Odeon actors in Rust.
//!
//! An actor is a function with a mailbox. It lives in a WebAssembly instance of
//! its own, it can make others, send to them, link with them and watch them, and
//! when it fails, only it fails.
//!
//! ```no_run
//! use odeon_guest::{ActorResult, actors, receive, send};
//!
//! fn echo(_: ()) -> ActorResult {
//!     loop {
//!         let (from, text) = receive::<String>()?;
//!         send(from, &text);
//!     }
//! }
//!
//! actors! { echo }
//! ```
//!
//! # Building
//!
//! A guest is a `cdylib`: `cargo build --release --target wasm32-unknown-unknown`
//! or `--target wasm32-wasip2`. Panics, failed `?` and traps become exit reasons
//! with their text. Print with this crate's [`println!`]: std's own writes nowhere
//! on the first of these targets.
//!
//! # Memory
//!
//! Link with `-zstack-size=17408 --stack-first` (see `examples/.cargo/config.toml`)
//! and an idle actor needs one or two pages of linear memory. Deep recursion then
//! needs a larger stack: an overflow is a trap, never silent damage. The feature
//! `small-heap` (on by default) is an allocator made for this; turn it off for
//! std's.

pub mod codec;
pub mod entry;
pub mod groups;
pub mod io;
pub mod locks;
pub mod log;
pub mod mailbox;
pub mod names;
pub mod node;
pub mod process;
pub mod rpc;
pub mod server;
pub mod spawn;
pub mod supervisor;
pub mod task;
pub mod timer;
pub mod types;
pub mod watch;

#[doc(hidden)]
pub mod bindings;
mod envelope;
#[cfg(any(test, all(feature = "small-heap", target_family = "wasm")))]
mod heap;

mod inbox;
mod start;
mod via;

#[cfg(feature = "postcard")]
pub use codec::Postcard;
pub use codec::{Decode, DecodeError, Encode, Raw};
pub use mailbox::{
    Event, Message, event_of, event_where, event_where_timeout, next_event, next_event_timeout,
    receive, receive_timeout, send, send_bytes, send_to,
};
pub use process::{exit, link, me, register, stop, trap_exit, unlink, unregister, whereis};
pub use spawn::{Spawn, Spawned, spawn, spawn_link, spawn_module, spawn_monitor};
pub use timer::{Timer, send_after, sleep};
pub use types::{ActorResult, Destination, ExitReason, NodeName, Pid, Reference};
pub use watch::{Alias, Monitor, alias, monitor};
