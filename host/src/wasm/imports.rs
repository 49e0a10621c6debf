//! What the host offers to guests: one file per interface of `wit/`, thin glue
//! that checks sizes, converts, and lets the machine decide.

mod groups;
mod io;
mod locks;
mod log;
mod mailbox;
mod names;
mod node;
mod process;
mod rpc;
mod timers;

use wasmtime::component::{HasSelf, Linker};

use super::bindings;
use super::state::GuestState;

/// Adds all of it to a linker: Odeon's own interfaces and WASI's.
pub(super) fn link(linker: &mut Linker<GuestState>) -> wasmtime::Result<()> {
    bindings::odeon::actor::process::add_to_linker::<_, HasSelf<_>>(linker, GuestState::calls)?;
    mailbox::link(linker)?;
    bindings::odeon::actor::timers::add_to_linker::<_, HasSelf<_>>(linker, GuestState::calls)?;
    bindings::odeon::actor::io::add_to_linker::<_, HasSelf<_>>(linker, GuestState::calls)?;
    bindings::odeon::actor::log::add_to_linker::<_, HasSelf<_>>(linker, GuestState::calls)?;
    bindings::odeon::actor::node::add_to_linker::<_, HasSelf<_>>(linker, GuestState::calls)?;
    bindings::odeon::actor::rpc::add_to_linker::<_, HasSelf<_>>(linker, GuestState::calls)?;
    bindings::odeon::actor::names::add_to_linker::<_, HasSelf<_>>(linker, GuestState::calls)?;
    bindings::odeon::actor::groups::add_to_linker::<_, HasSelf<_>>(linker, GuestState::calls)?;
    bindings::odeon::actor::locks::add_to_linker::<_, HasSelf<_>>(linker, GuestState::calls)?;
    bindings::odeon::actor::types::add_to_linker::<_, HasSelf<_>>(linker, GuestState::calls)?;
    wasmtime_wasi::p2::add_to_linker_async(linker)
}

impl bindings::odeon::actor::types::Host for GuestState {}
