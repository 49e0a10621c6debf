//! Locks of the whole cluster.
//!
//! A lock is held by one requester at a time, on all nodes that are connected, and is
//! released when its holder ends. Locks are advisory: parts of a cluster that are apart
//! may each hold one. What must never happen twice needs something that outlives a
//! network's failure, such as a database's own lock.
//!
//! ```no_run
//! use odeon_guest::locks::{self, Lock};
//! use odeon_guest::{ActorResult, actors, println};
//! use std::time::Duration;
//!
//! fn nightly(_: ()) -> ActorResult {
//!     let lock = Lock::new("report").within(Duration::from_secs(5));
//!     let pages = locks::trans(&lock, || 12)?;
//!     println!("wrote {pages} pages while nobody else did");
//!     Ok(())
//! }
//!
//! actors! { nightly }
//! ```

use crate::bindings::odeon::actor::locks as host;
use crate::mailbox::millis;
use crate::process::me;
use std::time::Duration;

pub use host::LockError;

/// A lock as somebody wants it: what, for whom, where, and how long to wait.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lock {
    resource: Vec<u8>,
    requester: Option<Vec<u8>>,
    nodes: Option<Vec<String>>,
    wait: Option<Duration>,
}

impl Lock {
    /// The lock on this resource for the actor who asks, at all nodes that are visibly
    /// connected when it does, its own included; to be waited for as long as it takes.
    pub fn new(resource: impl AsRef<[u8]>) -> Self {
        let resource = resource.as_ref().to_vec();
        Self { resource, requester: None, nodes: None, wait: None }
    }

    /// For this requester: actors that say the same hold the lock together.
    #[must_use]
    pub fn requester(self, requester: impl AsRef<[u8]>) -> Self {
        Self { requester: Some(requester.as_ref().to_vec()), ..self }
    }

    /// At these nodes only.
    #[must_use]
    pub fn at<N: Into<String>>(self, nodes: impl IntoIterator<Item = N>) -> Self {
        Self { nodes: Some(nodes.into_iter().map(Into::into).collect()), ..self }
    }

    /// To be waited for so long at most. No time at all is what [`Lock::now`] is.
    #[must_use]
    pub fn within(self, time: Duration) -> Self {
        Self { wait: Some(time), ..self }
    }

    /// Not to be waited for: if it is not free, that is the answer.
    #[must_use]
    pub fn now(self) -> Self {
        self.within(Duration::ZERO)
    }

    fn id(&self) -> host::LockId {
        let own = || me().to_string().into_bytes();
        let requester = self.requester.clone().unwrap_or_else(own);
        host::LockId { resource: self.resource.clone(), requester }
    }
}

/// Holds a lock from now on. Setting it twice is setting it once.
///
/// # Errors
/// It is not held, at no node; [`LockError`] says why.
pub fn set(lock: &Lock) -> Result<(), LockError> {
    host::set_lock(&lock.id(), lock.nodes.as_deref(), lock.wait.map(millis))
}

/// Holds a lock no longer, at the nodes that it names or wherever this actor holds it.
/// No change if it does not.
///
/// # Errors
/// The bytes are no lock, or a limit of the node stood in the way.
pub fn delete(lock: &Lock) -> Result<(), LockError> {
    host::delete_lock(&lock.id(), lock.nodes.as_deref())
}

/// Does something while holding a lock (`global:trans/4`). The lock is released when it
/// is done, and if this actor ends over it.
///
/// If the actor held the lock before, it does not any more.
///
/// # Errors
/// The lock could not be had, and nothing was done.
pub fn trans<R>(lock: &Lock, body: impl FnOnce() -> R) -> Result<R, LockError> {
    set(lock)?;
    let _held = Held(lock);
    Ok(body())
}

/// Releases a lock when the body is left, by a panic that somebody catches as well.
struct Held<'a>(&'a Lock);

impl Drop for Held<'_> {
    fn drop(&mut self) {
        // What was set can be deleted.
        let _ = delete(self.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_says_what_where_for_whom_and_how_long() {
        let lock = Lock::new("disk").requester("team").at(["a@box"]).now();
        assert_eq!(lock.nodes, Some(vec!["a@box".to_owned()]));
        assert_eq!(lock.wait, Some(Duration::ZERO));
        assert_eq!(lock.id().resource, b"disk");
        assert_eq!(lock.id().requester, b"team");
        assert_eq!(Lock::new("disk").wait, None);
    }
}
