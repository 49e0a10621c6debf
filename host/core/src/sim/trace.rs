//! What happened in a simulation, in order: all that the checkers see.

use std::fmt::Write;

use bytes::Bytes;

use crate::id::{NodeId, Pid, Reference};
use crate::process::Event;
use crate::reason::Reason;
use crate::signal::Info;

/// What kind of signal arrived, as far as a checker must tell them apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A message.
    Message {
        /// The alias it was sent to, if it was.
        via: Option<Reference>,
        /// Its body, different for every message of a simulation.
        body: Bytes,
    },
    /// A link.
    Link,
    /// The answer to an unlink.
    UnlinkAck,
    /// The exit signal of a link.
    LinkExit,
    /// Anything else.
    Other,
}

/// One thing that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Record {
    /// An actor began.
    Born {
        /// Which.
        pid: Pid,
        /// The most events that may wait in its mailbox.
        mailbox_max: usize,
    },
    /// An envelope left.
    Sent {
        /// Its number; a later envelope has a larger one.
        id: u64,
        /// Whose it is.
        from: Pid,
        /// Whom it is for.
        to: Pid,
    },
    /// An envelope was lost with its connection or its receiver's node.
    Lost {
        /// Which.
        id: u64,
    },
    /// An envelope found nobody.
    Nobody {
        /// Which.
        id: u64,
    },
    /// An envelope reached its receiver.
    Arrived {
        /// Which.
        id: u64,
        /// Virtual time.
        time: u64,
        /// Whose it is.
        from: Pid,
        /// Whom it is for.
        to: Pid,
        /// What it carries.
        kind: Kind,
        /// Whether it put something into the mailbox or ended the receiver.
        acted: bool,
        /// Events that wait afterwards.
        mailbox: usize,
    },
    /// An actor asked for a link, or has one from a spawn.
    Linked {
        /// Which.
        by: Pid,
        /// With whom.
        to: Pid,
        /// Whether exits of this link overtake.
        priority: bool,
    },
    /// `unlink` of an active link returned.
    Unlinked {
        /// To whom.
        by: Pid,
        /// From whom.
        to: Pid,
    },
    /// An actor asked for a monitor, or has one from a spawn.
    Monitored {
        /// Which.
        by: Pid,
        /// Its monitor.
        reference: Reference,
        /// Whom it watches.
        of: Pid,
        /// Whether the down overtakes.
        priority: bool,
    },
    /// `demonitor` returned.
    Demonitored {
        /// To whom.
        by: Pid,
        /// Which monitor.
        reference: Reference,
        /// What it returned.
        found: bool,
        /// Whether a waiting down was to be dropped.
        flush: bool,
    },
    /// An alias began.
    AliasOn {
        /// Whose.
        by: Pid,
        /// Which.
        reference: Reference,
    },
    /// An alias was asked for that the first message through it ends.
    ForOneReply {
        /// Which.
        reference: Reference,
    },
    /// An alias was asked for that ends with the monitor of the same reference.
    WithMonitor {
        /// Which.
        reference: Reference,
    },
    /// An alias ended.
    AliasOff {
        /// Whose.
        by: Pid,
        /// Which.
        reference: Reference,
    },
    /// A request that is owed exactly one answer past the mailbox: I/O or a probe.
    Asked {
        /// By whom.
        by: Pid,
        /// Which.
        reference: Reference,
    },
    /// Its answer.
    Answered {
        /// To whom.
        by: Pid,
        /// Which.
        reference: Reference,
    },
    /// A spawn request that wants a reply.
    SpawnRequested {
        /// By whom.
        by: Pid,
        /// Which.
        reference: Reference,
    },
    /// A spawn request was given up while it was outstanding.
    SpawnAbandoned {
        /// By whom.
        by: Pid,
        /// Which.
        reference: Reference,
    },
    /// An event was taken out of a mailbox.
    Took {
        /// By whom.
        by: Pid,
        /// Whether it was asked for by its reference, so that older ones may wait.
        picked: bool,
        /// Which.
        event: Event,
    },
    /// An actor must end.
    Died {
        /// Which.
        pid: Pid,
        /// Why.
        reason: Reason,
    },
    /// An actor has ended and told the others.
    Ended {
        /// Which.
        pid: Pid,
    },
    /// A node noticed that the connection to another is lost.
    NodeLost {
        /// Who noticed.
        at: NodeId,
        /// Who is lost.
        lost: NodeId,
    },
    /// Two nodes are connected.
    Connected {
        /// One.
        one: NodeId,
        /// The other.
        other: NodeId,
    },
    /// A node crashed and came back as another incarnation.
    Restarted {
        /// The dead incarnation.
        old: NodeId,
        /// The new one.
        new: NodeId,
    },
    /// What an actor is when everything has settled.
    Final {
        /// Which.
        pid: Pid,
        /// What it tells about itself.
        info: Info,
        /// I/O requests that nobody answered, and whom they went to.
        asks: Vec<(Reference, Pid)>,
    },
}

/// All that happened under one seed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trace {
    /// The seed that gives it again.
    pub seed: u64,
    /// What happened, in order.
    pub records: Vec<Record>,
}

impl Trace {
    /// A number that differs for traces that differ: FNV-1a over their text.
    pub fn hash(&self) -> u64 {
        let mut hash = Fnv(0xcbf2_9ce4_8422_2325);
        for record in &self.records {
            write!(hash, "{record:?}").expect("writing into a number cannot fail");
        }
        hash.0
    }
}

/// A hash that text is written into.
struct Fnv(u64);

impl Write for Fnv {
    fn write_str(&mut self, text: &str) -> std::fmt::Result {
        for byte in text.bytes() {
            self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
        Ok(())
    }
}
