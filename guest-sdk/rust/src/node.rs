//! The nodes of the cluster: which there are, connecting them, watching them.
//!
//! Nothing here is needed to reach an actor of another node: a send, a link, a
//! monitor and a [`Spawn::on`](crate::Spawn::on) connect by themselves, unless the
//! node was started with another `auto-connect`.
//!
//! ```no_run
//! # fn main() -> Result<(), odeon_guest::ExitReason> {
//! use odeon_guest::{Event, Spawn, next_event, node, println};
//!
//! node::watch(node::Watched::Visible);
//! let worker = Spawn::function("worker", &5).on("b@box").link().start()?;
//! println!("{:?} lives on {:?}", worker.pid, node::name_of(worker.pid));
//! loop {
//!     if let Event::NodeDown(down) = next_event() {
//!         println!("{} is gone: {}", down.node, down.reason.unwrap_or_default());
//!     }
//! }
//! # }
//! ```

use crate::bindings::odeon::actor::node as host;
use crate::types::Pid;

pub use crate::mailbox::NodeChange;
pub use host::{ConnectError, Selection, Watched};

/// The name of this node, as `name@host`.
#[must_use]
pub fn name() -> String {
    host::name()
}

/// The name of the node that an actor lives on; nothing if it is not known here.
#[must_use]
pub fn name_of(pid: Pid) -> Option<String> {
    host::name_of(pid)
}

/// Whether this node takes part in a cluster.
#[must_use]
pub fn is_distributed() -> bool {
    host::is_distributed()
}

/// The names of the connected nodes that are not hidden, in order.
#[must_use]
pub fn nodes() -> Vec<String> {
    host::nodes(Selection::Visible)
}

/// The names of a choice of nodes, in order.
#[must_use]
pub fn nodes_of(selection: Selection) -> Vec<String> {
    host::nodes(selection)
}

/// Connects to a node and waits until that is done. No change if there is a
/// connection.
///
/// # Errors
/// This node is not distributed, or the other one cannot be reached or refuses.
pub fn connect(node: &str) -> Result<(), ConnectError> {
    host::connect(node)
}

/// Whether a node can be reached; connects to it.
#[must_use]
pub fn ping(node: &str) -> bool {
    connect(node).is_ok()
}

/// Ends the connection to a node. False if there is none.
pub fn disconnect(node: &str) -> bool {
    host::disconnect(node)
}

/// From now on a [`NodeUp`](crate::mailbox::Event::NodeUp) or
/// [`NodeDown`](crate::mailbox::Event::NodeDown) event comes for every node of
/// this kind that comes or goes, once for each call.
pub fn watch(of: Watched) {
    host::watch(of);
}

/// Ends every watch of this kind.
pub fn unwatch(of: Watched) {
    host::unwatch(of);
}
