//! Names that are known on every connected node.
//!
//! A cluster name is 1 to 255 bytes, text or not, and belongs to one actor at a time. It
//! is free when that ends or its node is lost. Who has a name is known everywhere at
//! once, so looking up and sending cost nothing beyond the message.
//!
//! ```no_run
//! use odeon_guest::names::{self, Choice, Clash, Resolver, Settings};
//! use odeon_guest::{ActorResult, actors, me, receive};
//!
//! /// Runs when two parts of the cluster meet that each have a `ledger`.
//! fn referee(clash: Clash) -> Choice {
//!     if clash.own.serial < clash.other.serial { Choice::Own } else { Choice::Other }
//! }
//!
//! fn ledger(_: ()) -> ActorResult {
//!     let settings = Settings { resolver: Resolver::Ask("referee".into()), timeout: None };
//!     names::register_with("ledger", me(), settings)?;
//!     loop {
//!         let (_from, entry) = receive::<String>()?;
//!         names::send("archive", &entry).ok();
//!     }
//! }
//!
//! actors! { ledger, referee }
//! ```

use crate::bindings::odeon::actor::names as host;
use crate::codec::{Decode, DecodeError, Encode};
use crate::mailbox::{SendError, SendOptions, millis};
use crate::types::Pid;
use std::time::Duration;

pub use crate::mailbox::NameLost;
pub use host::{NameError, Named, Resolver};

/// How a name is registered. By default one of two owners that meet is ended, and a
/// registration takes as long as it has to.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// What happens when another owner is met. The function of [`Resolver::Ask`] takes a
    /// [`Clash`] and gives a [`Choice`].
    pub resolver: Resolver,
    /// How long to wait.
    pub timeout: Option<Duration>,
}

impl Default for Settings {
    fn default() -> Self {
        Self { resolver: Resolver::RandomExit, timeout: None }
    }
}

impl Settings {
    fn options(self) -> host::RegisterOptions {
        let Self { resolver, timeout } = self;
        host::RegisterOptions { resolver, timeout_ms: timeout.map(millis) }
    }
}

/// Gives an actor a name that nobody has, and waits until every connected node knows.
///
/// # Errors
/// It did not get the name; [`NameError`] says why.
pub fn register(name: impl AsRef<[u8]>, pid: Pid) -> Result<(), NameError> {
    register_with(name, pid, Settings::default())
}

/// [`register`], with a say in how.
///
/// # Errors
/// As [`register`].
pub fn register_with(
    name: impl AsRef<[u8]>,
    pid: Pid,
    settings: Settings,
) -> Result<(), NameError> {
    host::register(name.as_ref(), pid, &settings.options())
}

/// Gives an actor a name, whoever has it; that one is not told.
///
/// # Errors
/// It did not get the name; [`NameError`] says why.
pub fn re_register(name: impl AsRef<[u8]>, pid: Pid) -> Result<(), NameError> {
    re_register_with(name, pid, Settings::default())
}

/// [`re_register`], with a say in how.
///
/// # Errors
/// As [`re_register`].
pub fn re_register_with(
    name: impl AsRef<[u8]>,
    pid: Pid,
    settings: Settings,
) -> Result<(), NameError> {
    host::re_register(name.as_ref(), pid, &settings.options())
}

/// Frees a name, whoever has it, and waits until every node knows. No change if nobody
/// has it.
///
/// # Errors
/// The bytes are no name, or a node or limit stood in the way.
pub fn unregister(name: impl AsRef<[u8]>) -> Result<(), NameError> {
    host::unregister(name.as_ref(), None)
}

/// Who has this name, as far as this node knows.
#[must_use]
pub fn whereis(name: impl AsRef<[u8]>) -> Option<Pid> {
    host::whereis(name.as_ref())
}

/// Sends a message to whoever has this name, and says who that is.
///
/// # Errors
/// It was not sent: nobody is known to have the name, or it is over the limit.
pub fn send<T: Encode + ?Sized>(name: impl AsRef<[u8]>, value: &T) -> Result<Pid, SendError> {
    host::send(name.as_ref(), &value.encode(), SendOptions::empty())
}

/// All names that this node knows and who has them, in the order of their bytes. They
/// are fetched as the iterator goes on, so a name that comes or goes meanwhile may be
/// there or not.
pub fn all() -> impl Iterator<Item = Named> {
    let mut after: Option<Vec<u8>> = None;
    let parts = std::iter::from_fn(move || {
        let part = host::list(after.as_deref(), PART);
        after = Some(part.last()?.name.clone());
        Some(part)
    });
    parts.flatten()
}

/// Names that are fetched together.
const PART: u32 = 256;

/// Two owners of one name have met.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Clash {
    /// The name.
    pub name: Vec<u8>,
    /// Its owner on the node where this is decided.
    pub own: Pid,
    /// The other one.
    pub other: Pid,
}

impl Decode for Clash {
    fn decode(body: Vec<u8>) -> Result<Self, DecodeError> {
        let Some((ids, name)) = body.split_at_checked(32) else {
            return Err(DecodeError { problem: "it is no clash of names".to_owned() });
        };
        let id = |at: usize| {
            let bytes = ids[8 * at..][..8].iter().rev();
            bytes.fold(0, |id, byte| id << 8 | u64::from(*byte))
        };
        Ok(Self {
            name: name.to_vec(),
            own: Pid { node: id(0), serial: id(1) },
            other: Pid { node: id(2), serial: id(3) },
        })
    }
}

/// Who keeps a name that has two owners. The others lose it, and are not told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Choice {
    /// Nobody.
    Neither,
    /// The owner on the node where this is decided.
    Own,
    /// The other one.
    Other,
}

impl Encode for Choice {
    fn encode(&self) -> Vec<u8> {
        vec![match self {
            Self::Neither => 0,
            Self::Own => 1,
            Self::Other => 2,
        }]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clash_is_four_numbers_and_the_name() {
        let ids = [1_u64, 2, 3, 0x0102];
        let body = [ids.map(u64::to_le_bytes).as_flattened(), b"name"].concat();
        let (own, other) = (Pid { node: 1, serial: 2 }, Pid { node: 3, serial: 0x0102 });
        assert_eq!(Clash::decode(body), Ok(Clash { name: b"name".to_vec(), own, other }));
        assert!(Clash::decode(vec![0; 31]).is_err());
    }

    #[test]
    fn a_choice_is_one_byte() {
        let bytes = [Choice::Neither, Choice::Own, Choice::Other].map(|choice| choice.encode());
        assert_eq!(bytes, [[0], [1], [2]]);
    }
}
