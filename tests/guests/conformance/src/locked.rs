//! Actors that do something while they hold a lock.

use odeon_guest::locks::{self, Lock};
use odeon_guest::{ActorResult, Raw, next_event, receive};

/// Holds the lock until a message comes, and lives on without it.
pub(crate) fn locked(_: ()) -> ActorResult {
    let (_, Raw(_)) = locks::trans(&Lock::new("lock"), receive::<Raw>)??;
    loop {
        let _ = next_event();
    }
}

/// Holds the lock until a message comes, and ends over it.
pub(crate) fn locked_to_death(_: ()) -> ActorResult {
    locks::trans(&Lock::new("lock"), || -> ActorResult {
        receive::<Raw>()?;
        panic!("holding a lock")
    })?
}
