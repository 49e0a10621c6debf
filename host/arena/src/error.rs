//! What an arena can refuse, in words that name the limit and the fix.
//!
//! Errors carry numbers of this crate only: who asked (which actor, which
//! module) is known to the caller, not here.

use std::io;

/// Why an arena could not be built, or could not hand out a slot.
///
/// After any of these the arena is as it was before the call.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ArenaError {
    /// The system lacks something the arena cannot do without. The caller
    /// should fall back to wasmtime's stock allocator and say so.
    #[error("the dense arena needs {feature}: {reason}; the stock allocator works without it")]
    Unsupported {
        /// What is missing, with the version that brought it.
        feature: &'static str,
        /// What the system answered.
        reason: String,
    },

    /// The address space of one arena could not be reserved: an address-space
    /// limit (`ulimit -v`), strict overcommit or a small address space.
    #[error(
        "cannot reserve {bytes} bytes of address space for the dense arena ({source}); \
         lift `ulimit -v`, set vm.overcommit_memory to 0 or 1, or ask for fewer slots"
    )]
    Reserve {
        /// The size of the mapping that was refused, in bytes.
        bytes: usize,
        /// The system's answer.
        source: io::Error,
    },

    /// The options contradict each other or the machine.
    #[error("bad arena options: {0}")]
    Options(String),

    /// Every slot that would fit is taken.
    #[error(
        "all {slots} arena slots for a {what} of {bytes} bytes are in use; \
         end some actors or configure more slots"
    )]
    Exhausted {
        /// `fiber stack` or `linear memory`.
        what: &'static str,
        /// The size that was asked for, in bytes.
        bytes: usize,
        /// How many slots of a fitting size exist.
        slots: u64,
    },

    /// The request is larger than the largest slot, or not representable.
    #[error(
        "a {what} of {bytes} bytes exceeds the largest arena slot of {largest} bytes; \
         use a smaller one, or the fast tier"
    )]
    TooLarge {
        /// `fiber stack` or `linear memory`.
        what: &'static str,
        /// The size that was asked for, in bytes.
        bytes: usize,
        /// The largest size the arena can serve, in bytes.
        largest: usize,
    },

    /// The engine was configured in a way that makes its code rely on memory
    /// protection that the arena does not give.
    #[error("the dense arena needs the engine setting {setting}, but wasmtime asked for {asked}")]
    Engine {
        /// The `wasmtime::Config` call that must be made.
        setting: &'static str,
        /// What the engine asked for instead.
        asked: String,
    },

    /// The guard page of a stack slot could not be installed. The slot stays
    /// available for a later try.
    #[error("cannot protect the guard page of a fiber stack: {0}")]
    Guard(io::Error),
}
