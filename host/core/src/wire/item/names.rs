//! What machines of names say to each other, as postcard carries it. The order of
//! variants and fields is the wire's: it must not change.

use serde::{Deserialize, Serialize};

use super::decode::Reader;
use crate::id::{NodeId, Pid, Reference};
use crate::names::{
    Claim, Fate, Frame, NAMES_PER_FRAME_MAX, Obstacle, Outcome, Reason, Registration, Resolver,
    Task,
};
use crate::wire::DecodeError;
use crate::wire::codec::append;

#[derive(Serialize, Deserialize)]
enum Fixed<'a> {
    Register(u64, &'a [u8], Registering, u64),
    Unregister(u64, &'a [u8], u64),
    Answer(u64, Result),
    Propose(u64, &'a [u8], Claiming, bool),
    Ack(u64),
    Refuse(u64, Known),
    Wound(u64),
    Withdraw(u64, &'a [u8]),
    /// Followed by so many names, each with its claim.
    Set(u64),
    Unset(&'a [u8], u64),
    Verdict(&'a [u8], u64, u64, After),
}

/// A registration; the actor is the receiver's.
#[derive(Serialize, Deserialize)]
struct Registering {
    serial: u64,
    force: bool,
    resolver: Resolving,
    since: u64,
}

/// A claim; the actor is the sender's.
#[derive(Serialize, Deserialize)]
struct Claiming {
    serial: u64,
    number: u64,
    generation: u64,
    over: Option<(u64, u64)>,
    since: u64,
    resolver: Resolving,
}

/// An obstacle.
#[derive(Serialize, Deserialize)]
struct Known {
    node: u64,
    serial: u64,
    number: u64,
    generation: u64,
}

#[derive(Serialize, Deserialize)]
enum Resolving {
    RandomExit,
    RandomNotify,
    NotifyAll,
    OldestExit,
    OldestNotify,
    Ask,
}

#[derive(Serialize, Deserialize)]
enum Result {
    Yes,
    Taken(u64, u64),
    HasName,
    NoProc,
    NoConnection,
    Timeout,
    Limit,
}

#[derive(Serialize, Deserialize)]
enum After {
    Keep,
    Yield,
    Exit,
    Drop,
}

/// Whether more names are in the frame than may be.
pub(super) fn is_too_long(frame: &Frame) -> bool {
    matches!(frame, Frame::Set(claims) if claims.len() > NAMES_PER_FRAME_MAX)
}

/// Appends a frame's body.
pub(super) fn encode(frame: &Frame, out: &mut Vec<u8>) {
    let fixed = match frame {
        Frame::Ask { request, key, task: Task::Register(registration), wait_ms } => {
            let registering = Registering {
                serial: registration.pid.serial,
                force: registration.force,
                resolver: resolving(registration.resolver),
                since: registration.since,
            };
            Fixed::Register(*request, key.as_bytes(), registering, *wait_ms)
        }
        Frame::Ask { request, key, task: Task::Unregister, wait_ms } => {
            Fixed::Unregister(*request, key.as_bytes(), *wait_ms)
        }
        Frame::Answer { request, outcome } => Fixed::Answer(*request, result(*outcome)),
        Frame::Propose { ticket, key, claim, force } => {
            Fixed::Propose(*ticket, key.as_bytes(), claiming(claim), *force)
        }
        Frame::Ack { ticket } => Fixed::Ack(*ticket),
        Frame::Refuse { ticket, obstacle: Obstacle { pid, number, generation } } => {
            let (node, serial) = (pid.node.get(), pid.serial);
            Fixed::Refuse(*ticket, Known { node, serial, number: *number, generation: *generation })
        }
        Frame::Wound { ticket } => Fixed::Wound(*ticket),
        Frame::Withdraw { ticket, key } => Fixed::Withdraw(*ticket, key.as_bytes()),
        Frame::Set(claims) => Fixed::Set(claims.len() as u64),
        Frame::Unset { key, ticket } => Fixed::Unset(key.as_bytes(), *ticket),
        Frame::Verdict { key, pid, against, fate } => {
            Fixed::Verdict(key.as_bytes(), pid.serial, against.serial, after(*fate))
        }
    };
    append(out, &fixed);
    if let Frame::Set(claims) = frame {
        for (key, claim) in claims {
            append(out, &(key.as_bytes(), claiming(claim)));
        }
    }
}

fn claiming(claim: &Claim) -> Claiming {
    Claiming {
        serial: claim.pid.serial,
        number: claim.number,
        generation: claim.generation,
        over: claim.over.map(|over| (over.node.get(), over.serial)),
        since: claim.since,
        resolver: resolving(claim.resolver),
    }
}

fn resolving(resolver: Resolver) -> Resolving {
    match resolver {
        Resolver::RandomExit => Resolving::RandomExit,
        Resolver::RandomNotify => Resolving::RandomNotify,
        Resolver::NotifyAll => Resolving::NotifyAll,
        Resolver::OldestExit => Resolving::OldestExit,
        Resolver::OldestNotify => Resolving::OldestNotify,
        Resolver::Ask => Resolving::Ask,
    }
}

fn result(outcome: Outcome) -> Result {
    match outcome {
        Outcome::Yes => Result::Yes,
        Outcome::No(Reason::Taken(pid)) => Result::Taken(pid.node.get(), pid.serial),
        Outcome::No(Reason::HasName) => Result::HasName,
        Outcome::No(Reason::NoProc) => Result::NoProc,
        Outcome::No(Reason::NoConnection) => Result::NoConnection,
        Outcome::No(Reason::Timeout) => Result::Timeout,
        Outcome::No(Reason::Limit) => Result::Limit,
    }
}

fn after(fate: Fate) -> After {
    match fate {
        Fate::Keep => After::Keep,
        Fate::Yield => After::Yield,
        Fate::Exit => After::Exit,
        Fate::Drop => After::Drop,
    }
}

type Decoded<T> = std::result::Result<T, DecodeError>;

impl Reader<'_> {
    /// What `peer` said to `own` about names.
    pub(super) fn names(&mut self, own: NodeId, peer: NodeId) -> Decoded<Frame> {
        Ok(match self.take()? {
            Fixed::Register(request, key, registering, wait_ms) => {
                let registration = Registration {
                    pid: self.pid(own.get(), registering.serial)?,
                    force: registering.force,
                    resolver: resolver(registering.resolver),
                    since: registering.since,
                };
                let (key, task) = (self.key_of(key)?, Task::Register(registration));
                Frame::Ask { request, key, task, wait_ms }
            }
            Fixed::Unregister(request, key, wait_ms) => {
                Frame::Ask { request, key: self.key_of(key)?, task: Task::Unregister, wait_ms }
            }
            Fixed::Answer(request, result) => {
                Frame::Answer { request, outcome: self.outcome(result)? }
            }
            Fixed::Propose(ticket, key, claim, force) => {
                let (key, claim) = (self.key_of(key)?, self.claim(peer, claim)?);
                Frame::Propose { ticket, key, claim, force }
            }
            Fixed::Ack(ticket) => Frame::Ack { ticket },
            Fixed::Refuse(ticket, Known { node, serial, number, generation }) => {
                let (pid, number) = (self.pid(node, serial)?, self.checked(number)?);
                Frame::Refuse { ticket, obstacle: Obstacle { pid, number, generation } }
            }
            Fixed::Wound(ticket) => Frame::Wound { ticket },
            Fixed::Withdraw(ticket, key) => Frame::Withdraw { ticket, key: self.key_of(key)? },
            Fixed::Set(count) => {
                if count > NAMES_PER_FRAME_MAX as u64 {
                    return Err(self.malformed());
                }
                let mut claims = Vec::new();
                for _ in 0..count {
                    let (key, claim) = (self.key()?, self.take()?);
                    claims.push((key, self.claim(peer, claim)?));
                }
                Frame::Set(claims)
            }
            Fixed::Unset(key, ticket) => Frame::Unset { key: self.key_of(key)?, ticket },
            Fixed::Verdict(key, serial, against, after) => Frame::Verdict {
                key: self.key_of(key)?,
                pid: self.pid(own.get(), serial)?,
                against: self.pid(peer.get(), against)?,
                fate: fate(after),
            },
        })
    }

    fn pid(&self, node: u64, serial: u64) -> Decoded<Pid> {
        let node = NodeId::from_wire(self.checked(node)?);
        Ok(Pid { node, serial: self.checked(serial)? })
    }

    fn claim(&self, node: NodeId, claiming: Claiming) -> Decoded<Claim> {
        let over = claiming.over.map(|(node, serial)| {
            let node = NodeId::from_wire(self.checked(node)?);
            Ok(Reference { node, serial: self.checked(serial)? })
        });
        Ok(Claim {
            pid: self.pid(node.get(), claiming.serial)?,
            number: self.checked(claiming.number)?,
            generation: claiming.generation,
            over: over.transpose()?,
            since: claiming.since,
            resolver: resolver(claiming.resolver),
        })
    }

    fn outcome(&self, result: Result) -> Decoded<Outcome> {
        Ok(match result {
            Result::Yes => Outcome::Yes,
            Result::Taken(node, serial) => Outcome::No(Reason::Taken(self.pid(node, serial)?)),
            Result::HasName => Outcome::No(Reason::HasName),
            Result::NoProc => Outcome::No(Reason::NoProc),
            Result::NoConnection => Outcome::No(Reason::NoConnection),
            Result::Timeout => Outcome::No(Reason::Timeout),
            Result::Limit => Outcome::No(Reason::Limit),
        })
    }
}

fn resolver(resolving: Resolving) -> Resolver {
    match resolving {
        Resolving::RandomExit => Resolver::RandomExit,
        Resolving::RandomNotify => Resolver::RandomNotify,
        Resolving::NotifyAll => Resolver::NotifyAll,
        Resolving::OldestExit => Resolver::OldestExit,
        Resolving::OldestNotify => Resolver::OldestNotify,
        Resolving::Ask => Resolver::Ask,
    }
}

fn fate(after: After) -> Fate {
    match after {
        After::Keep => Fate::Keep,
        After::Yield => Fate::Yield,
        After::Exit => Fate::Exit,
        After::Drop => Fate::Drop,
    }
}

#[cfg(test)]
#[path = "names_test.rs"]
mod tests;
