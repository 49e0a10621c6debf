//! What is known of guest code before it runs.
//!
//! The way of a module: bytes are checked and made into a component (`load`), stored under their
//! digest and under names (`store`), compiled for one of the engines or taken from the cache
//! (`compile`), and asked what they import and export (`shape`, `inspect`). Calls written as text
//! are checked against a component's own types (`wave`).
//!
//! Must not know actors, mailboxes or sockets: everything here can be used by a command that
//! only looks at a file.

pub mod compile;
pub mod contract;
pub mod digest;
pub mod inspect;
pub mod limits;
pub mod load;
pub mod module;
pub mod near;
pub mod shape;
pub mod store;
pub mod wave;

#[cfg(test)]
mod compile_test;
#[cfg(test)]
mod digest_test;
#[cfg(test)]
mod guests;
#[cfg(test)]
mod hostile_test;
#[cfg(test)]
mod inspect_test;
#[cfg(test)]
mod load_test;
#[cfg(test)]
mod store_test;
#[cfg(test)]
mod wave_test;
