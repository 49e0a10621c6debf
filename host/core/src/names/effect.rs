//! What the machine of names says to other nodes, and what it wants to be done.

use super::claim::{Claim, Resolver};
use crate::id::{NodeId, Pid, Reference};
use crate::key::Key;

/// What the machines of two nodes say to each other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Frame {
    /// An actor of the receiver is to get or to lose a name.
    Ask {
        /// Names it in the answer.
        request: u64,
        /// The name.
        key: Key,
        /// What is to happen.
        task: Task,
        /// How long the answer is waited for, in milliseconds.
        wait_ms: u64,
    },
    /// What came of an [`Frame::Ask`].
    Answer {
        /// The request.
        request: u64,
        /// What came of it.
        outcome: Outcome,
    },
    /// May this claim be made?
    Propose {
        /// Names it in the answer; never used twice.
        ticket: u64,
        /// The name.
        key: Key,
        /// The claim.
        claim: Claim,
        /// Whether it may take the place of others.
        force: bool,
    },
    /// Yes; or an [`Frame::Unset`] with a ticket was taken note of.
    Ack {
        /// What this answers.
        ticket: u64,
    },
    /// No.
    Refuse {
        /// What this answers.
        ticket: u64,
        /// Why.
        obstacle: Obstacle,
    },
    /// A proposal that comes before this one waits here: give way if not decided yet.
    Wound {
        /// The proposal.
        ticket: u64,
    },
    /// The proposal is no more.
    Withdraw {
        /// The proposal.
        ticket: u64,
        /// Its name.
        key: Key,
    },
    /// These claims of the sender's actors hold. What it proposed under one of these
    /// names is decided.
    Set(Vec<(Key, Claim)>),
    /// No actor of the sender owns this name any more.
    Unset {
        /// The name.
        key: Key,
        /// Names it in the answer; 0 asks for none.
        ticket: u64,
    },
    /// What was decided when two claims met.
    Verdict {
        /// The name.
        key: Key,
        /// The receiver's actor who has it.
        pid: Pid,
        /// The sender's actor who has it.
        against: Pid,
        /// What becomes of the receiver's.
        fate: Fate,
    },
}

/// What is to happen to a name, at the node of the actor that it is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Task {
    /// The actor is to get it.
    Register(Registration),
    /// Whoever has it is to lose it.
    Unregister,
}

/// An actor is to get a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Registration {
    /// The actor.
    pub pid: Pid,
    /// Whether it takes the name from whoever has it (`global:re_register_name/3`).
    pub force: bool,
    /// What happens if another owner is met.
    pub resolver: Resolver,
    /// The time, in milliseconds since 1970.
    pub since: u64,
}

/// Why a claim may not be made: the name has an owner.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Obstacle {
    /// The owner.
    pub pid: Pid,
    /// The number of its claim.
    pub number: u64,
    /// The generation of its claim.
    pub generation: u64,
}

impl Obstacle {
    /// This claim is in the way.
    pub(super) fn of(claim: &Claim) -> Self {
        Self { pid: claim.pid, number: claim.number, generation: claim.generation }
    }

    /// What tells the claim from all others.
    pub(super) fn id(&self) -> Reference {
        Reference { node: self.pid.node, serial: self.number }
    }
}

/// What becomes of a claim when two met, by a guest's decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It stays, and comes before the other.
    Keep,
    /// It goes, for the other.
    Yield,
    /// It goes for the other, and the actor is killed.
    Exit,
    /// It goes, as the other does.
    Drop,
}

/// What came of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Done: the name is, or is not, on all nodes that are connected with the actor's.
    Yes,
    /// Not done, and nothing changed unless the reason says otherwise.
    No(Reason),
}

/// Why a name was not registered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Reason {
    /// It has an owner.
    #[error("the name is taken by {0}")]
    Taken(Pid),
    /// The actor has a name, and the node does not allow several.
    #[error("the actor has a cluster name already")]
    HasName,
    /// The actor does not live.
    #[error("no such actor")]
    NoProc,
    /// The actor's node is not visibly connected, or was lost meanwhile. Then the request
    /// may or may not have been carried out.
    #[error("no connection to the actor's node")]
    NoConnection,
    /// It took too long. What is asked of another node may be done all the same.
    #[error("timed out")]
    Timeout,
    /// A limit of the actor's node, or of this one.
    #[error("too many cluster names or requests for them")]
    Limit,
}

/// What a guest decided when two owners of a name met.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Choice {
    /// The owner of this node keeps it.
    Own,
    /// The other one keeps it.
    Other,
    /// Nobody keeps it.
    Neither,
    /// The guest failed: this node's owner keeps it, and the other one is killed.
    Failed,
}

/// What the owner must carry out, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Send this to a connected node.
    Send {
        /// Whom.
        to: NodeId,
        /// What.
        frame: Frame,
    },
    /// From now on a lookup of this name gives this, or nothing.
    Show {
        /// The name.
        key: Key,
        /// Its owner.
        pid: Option<Pid>,
    },
    /// Tell [`Names::ended`](super::Names::ended) when this actor of this node ends, or
    /// at once if it does not live.
    Watch(Pid),
    /// No longer that.
    Unwatch(Pid),
    /// A request of this node is answered.
    Answer {
        /// The request.
        request: u64,
        /// What came of it.
        outcome: Outcome,
    },
    /// This actor of this node lost its name to another: kill it.
    Exit {
        /// The actor.
        pid: Pid,
        /// The name.
        key: Key,
        /// Who has it.
        other: Pid,
    },
    /// This actor of this node lost its name: tell it (`global_name_conflict`).
    Notify {
        /// The actor.
        pid: Pid,
        /// The name.
        key: Key,
        /// Whom it met.
        other: Pid,
        /// Whether that one lost it, too.
        both: bool,
    },
    /// Ask the guest whose [`Resolver::Ask`] it was who is to keep this name, and answer
    /// with [`Names::resolved`](super::Names::resolved) within
    /// [`RESOLVER_MS`](super::RESOLVER_MS).
    Resolve {
        /// Names it in the answer.
        clash: u64,
        /// The name.
        key: Key,
        /// Its owner on this node.
        own: Pid,
        /// The other one.
        other: Pid,
    },
    /// That node broke a rule: its connection must end.
    Violation {
        /// Whose.
        node: NodeId,
        /// Which rule.
        violation: Violation,
    },
}

/// Another node broke a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Violation {
    /// Too many names.
    #[error("more than {max} cluster names of one node", max = super::NAMES_PER_NODE_MAX)]
    Names,
    /// Too many proposals that are not decided.
    #[error("more than {max} undecided names of one node", max = super::REQUESTS_PER_NODE_MAX)]
    Proposals,
}

/// Effects in the order in which they must be carried out.
pub type Effects = Vec<Effect>;
