//! Groups of actors of all connected nodes.
//!
//! Actors join groups of a [`Scope`], as often as they like. Every node that takes part in
//! the scope knows all members, so looking up costs nothing, and a message to a group
//! travels to each node once.
//!
//! ```no_run
//! use odeon_guest::groups::Scope;
//! use odeon_guest::mailbox::Event;
//! use odeon_guest::{ActorResult, actors, me, next_event, println};
//!
//! fn worker(_: ()) -> ActorResult {
//!     let scope = Scope::start("shop")?;
//!     let (watch, members) = scope.monitor("workers")?;
//!     println!("{} before me", members.len());
//!     scope.join("workers", me())?;
//!     scope.send("workers", "hello").ok();
//!     loop {
//!         match next_event() {
//!             Event::GroupChange(change) if watch.is_of(&change) => {
//!                 let word = if change.joined { "joined" } else { "left" };
//!                 println!("{} {word}", change.members.len());
//!             }
//!             Event::Message(message) => println!("{}", message.decode::<String>()?),
//!             _ => {}
//!         }
//!     }
//! }
//!
//! actors! { worker }
//! ```

use crate::bindings::odeon::actor::groups as host;
use crate::codec::Encode;
use crate::mailbox::{self, Event, SendError, SendOptions};
use crate::types::{Pid, Reference};

pub use crate::mailbox::GroupChange;
pub use host::{GroupError, Membership};

/// A world of groups that this node takes part in. Dropping it changes nothing.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Scope(Vec<u8>);

/// The scopes that this node takes part in, by name.
#[must_use]
pub fn scopes() -> Vec<Vec<u8>> {
    host::scopes()
}

impl Scope {
    /// This node takes part in this scope from now on, if it did not already.
    ///
    /// # Errors
    /// The bytes are no name, or there are too many scopes.
    pub fn start(name: impl AsRef<[u8]>) -> Result<Self, GroupError> {
        host::start(name.as_ref())?;
        Ok(Self(name.as_ref().to_vec()))
    }

    /// A scope that this node may or may not take part in.
    pub(crate) fn named(name: Vec<u8>) -> Self {
        Self(name)
    }

    /// This node takes no more part in the scope: its members have left it, and monitors
    /// are gone.
    ///
    /// # Errors
    /// As [`GroupError`] says.
    pub fn stop(self) -> Result<(), GroupError> {
        host::stop(&self.0).map(drop)
    }

    /// An actor of this node joins a group, once more if it is a member.
    ///
    /// # Errors
    /// As [`GroupError`] says.
    pub fn join(&self, group: impl AsRef<[u8]>, pid: Pid) -> Result<(), GroupError> {
        self.join_all(group, &[pid])
    }

    /// Actors of this node join a group, each as often as it is given: all or none.
    ///
    /// # Errors
    /// As [`GroupError`] says.
    pub fn join_all(&self, group: impl AsRef<[u8]>, pids: &[Pid]) -> Result<(), GroupError> {
        host::join(&self.0, group.as_ref(), pids)
    }

    /// An actor of this node leaves a group, once.
    ///
    /// # Errors
    /// As [`GroupError`] says.
    pub fn leave(&self, group: impl AsRef<[u8]>, pid: Pid) -> Result<(), GroupError> {
        self.leave_all(group, &[pid])
    }

    /// Actors of this node leave a group, each as often as it is given, as far as they
    /// are members.
    ///
    /// # Errors
    /// As [`GroupError`] says.
    pub fn leave_all(&self, group: impl AsRef<[u8]>, pids: &[Pid]) -> Result<(), GroupError> {
        host::leave(&self.0, group.as_ref(), pids)
    }

    /// The members of a group on all nodes, as often as they joined.
    ///
    /// # Errors
    /// As [`GroupError`] says.
    pub fn members(&self, group: impl AsRef<[u8]>) -> Result<Vec<Pid>, GroupError> {
        host::members(&self.0, group.as_ref(), false)
    }

    /// The members of a group on this node.
    ///
    /// # Errors
    /// As [`GroupError`] says.
    pub fn local_members(&self, group: impl AsRef<[u8]>) -> Result<Vec<Pid>, GroupError> {
        host::members(&self.0, group.as_ref(), true)
    }

    /// The groups that have members.
    ///
    /// # Errors
    /// As [`GroupError`] says.
    pub fn groups(&self) -> Result<Vec<Vec<u8>>, GroupError> {
        host::list(&self.0, false)
    }

    /// The groups that have members on this node.
    ///
    /// # Errors
    /// As [`GroupError`] says.
    pub fn local_groups(&self) -> Result<Vec<Vec<u8>>, GroupError> {
        host::list(&self.0, true)
    }

    /// A member at random, if there is one.
    ///
    /// # Errors
    /// As [`GroupError`] says.
    pub fn random(&self, group: impl AsRef<[u8]>) -> Result<Option<Pid>, GroupError> {
        host::pick(&self.0, group.as_ref(), host::Choice::Random)
    }

    /// A member of this node at random if there is one, else of any.
    ///
    /// # Errors
    /// As [`GroupError`] says.
    pub fn closest(&self, group: impl AsRef<[u8]>) -> Result<Option<Pid>, GroupError> {
        host::pick(&self.0, group.as_ref(), host::Choice::Closest)
    }

    /// Sends a message to every member, as often as it joined, and says how many there are
    /// on this node. It goes to each other node once, and reaches those that are members
    /// when it arrives.
    ///
    /// # Errors
    /// It was not sent: this node takes no part in the scope, or it is over the limit.
    pub fn send<T: Encode + ?Sized>(
        &self,
        group: impl AsRef<[u8]>,
        value: &T,
    ) -> Result<u64, SendError> {
        host::send(&self.0, group.as_ref(), &value.encode(), SendOptions::empty())
    }

    /// Every join and leave of a group is a [`GroupChange`] event from now on. Gives the
    /// members before the first of them, too.
    ///
    /// # Errors
    /// As [`GroupError`] says.
    pub fn monitor(&self, group: impl AsRef<[u8]>) -> Result<(Monitor, Vec<Pid>), GroupError> {
        let host::Monitored { monitor, members } = host::monitor(&self.0, Some(group.as_ref()))?;
        let members = members.into_iter().flat_map(|one| one.members).collect();
        Ok((Monitor { reference: monitor }, members))
    }

    /// The same for all groups of the scope.
    ///
    /// # Errors
    /// As [`GroupError`] says.
    pub fn monitor_all(&self) -> Result<(Monitor, Vec<Membership>), GroupError> {
        let host::Monitored { monitor, members } = host::monitor(&self.0, None)?;
        Ok((Monitor { reference: monitor }, members))
    }
}

/// A monitor of a group, or of all of a scope. Dropping it ends it, and no event of it
/// comes any more.
#[derive(Debug, PartialEq, Eq, Hash)]
#[must_use = "dropping a monitor ends it"]
pub struct Monitor {
    reference: Reference,
}

impl Monitor {
    /// The reference that its events carry.
    #[must_use]
    pub fn reference(&self) -> Reference {
        self.reference
    }

    /// Whether this is an event of it.
    #[must_use]
    pub fn is_of(&self, change: &GroupChange) -> bool {
        change.monitor == self.reference
    }
}

impl Drop for Monitor {
    fn drop(&mut self) {
        host::demonitor(self.reference);
        let monitor = self.reference;
        mailbox::forget_saved(
            |event| matches!(event, Event::GroupChange(change) if change.monitor == monitor),
        );
    }
}
