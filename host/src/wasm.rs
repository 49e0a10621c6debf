//! Runs guests: wasmtime's engines, the linked imports, and the task of one actor.
//!
//! `bindings` is generated from `wit/`; `imports` implements it, one file per
//! interface, and decides nothing; `state` is what a guest's store holds; `actor`
//! is the task, and `brief` the short way for calls that leave nothing behind. Types of wasmtime and of the bindings stay in here.

mod actor;
mod bindings;
pub(crate) mod brief;
mod call;
mod convert;
mod engine;
mod imports;
mod program;
mod received;
mod state;
mod streams;
mod warm;

pub use actor::Start;
pub(crate) use actor::{Entrance, run};
pub(crate) use call::call;
pub(crate) use engine::Engines;
pub(crate) use program::{Program, Programs};
