//! The calling actor and the others: ending, linking, naming, looking.

use crate::bindings::odeon::actor::process as host;
use crate::types::{ExitReason, Pid, Reference};

pub use host::{Info, LinkError, RegisterError, Status};

/// The pid of the calling actor.
#[must_use]
pub fn me() -> Pid {
    host::me()
}

/// A fresh reference, different from every other in the cluster.
#[must_use]
pub fn make_reference() -> Reference {
    host::make_reference()
}

/// Ends the calling actor at once, without unwinding: destructors do not run.
pub fn stop(reason: &ExitReason) -> ! {
    host::stop(reason);
    unreachable!("the host does not return from a stop")
}

/// Sends an exit signal. [`ExitReason::Kill`] ends any actor; any other reason
/// ends an actor that does not trap exits, save that `Normal` is ignored unless
/// sent to oneself; one that traps exits receives an `Exit` event instead.
pub fn exit(to: Pid, reason: &ExitReason) {
    host::exit(to, reason);
}

/// Sends an exit signal to the owner of an alias; as a priority signal where
/// `priority` is set and the alias was made for it.
pub fn exit_alias(to: Reference, reason: &ExitReason, priority: bool) {
    host::exit_alias(to, reason, priority);
}

/// Whether exit signals of others become `Exit` events instead of ending the
/// caller. Gives the former value.
pub fn trap_exit(on: bool) -> bool {
    host::trap_exit(on)
}

/// Links the caller with another actor: when one ends, the other gets its exit
/// reason as an exit signal.
///
/// There is no guard for links, on purpose: a link is to hold when the code that
/// made it has long returned.
///
/// # Errors
/// There is no such actor on this node, and the caller does not trap exits.
pub fn link(to: Pid) -> Result<(), LinkError> {
    host::link(to, false)
}

/// [`link`], and the exit event of this link overtakes waiting messages.
///
/// # Errors
/// As [`link`].
pub fn link_with_priority(to: Pid) -> Result<(), LinkError> {
    host::link(to, true)
}

/// Removes a link, in both directions. Afterwards it can have no more effect on
/// the caller; an `Exit` event that waits already stays.
pub fn unlink(to: Pid) {
    host::unlink(to);
}

/// Gives a local actor a name on this node. An actor has one name at most.
///
/// # Errors
/// The name is not valid or taken, or the actor has one already, or is dead.
pub fn register(name: &str, pid: Pid) -> Result<(), RegisterError> {
    host::register(name, pid)
}

/// Takes a name away. False if nobody had it.
pub fn unregister(name: &str) -> bool {
    host::unregister(name)
}

/// The actor that has a name on this node.
#[must_use]
pub fn whereis(name: &str) -> Option<Pid> {
    host::whereis(name)
}

/// All names on this node, in order.
#[must_use]
pub fn registered() -> Vec<String> {
    host::registered()
}

/// Whether a local actor lives. Ordered after every signal that the caller sent
/// it before.
#[must_use]
pub fn is_alive(pid: Pid) -> bool {
    host::is_alive(pid)
}

/// A look at a local actor; nothing if it is dead.
#[must_use]
pub fn info(pid: Pid) -> Option<Info> {
    host::get_info(pid)
}

/// All actors of this node.
#[must_use]
pub fn list() -> Vec<Pid> {
    host::list()
}
