//! What a test and the process of a member say to each other, over a pair of sockets.
//!
//! The test asks, and the process answers: with the number of the question, in any order.
//! What an actor of the host there hears comes unasked, with the actor's number. Everything
//! travels in postcard, behind its length and its number.

use std::io::{Read as _, Write as _};
use std::net::SocketAddr;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::time::Duration;

use odeon::LimitsPatch;
use odeon_core::node::Nodes;
use odeon_core::process::Event;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::setting::Setting;
use crate::Word as _;
use crate::protocol::{Pid, Reason, Reference, Start, Target};

/// The number of what is not to be answered.
pub(super) const UNANSWERED: u64 = 0;

/// The first question: what to be.
#[derive(Serialize, Deserialize)]
pub(super) struct Plan {
    pub(super) name: String,
    pub(super) setting: Setting,
    /// Where the nodes of the test find each other.
    pub(super) directory: PathBuf,
    /// Where it keeps modules, if not where all do.
    pub(super) data_dir: Option<PathBuf>,
}

/// The answer to it.
#[derive(Serialize, Deserialize)]
pub(super) struct Started {
    pub(super) id: u64,
    pub(super) address: SocketAddr,
}

/// The questions that follow, each with the type of its answer.
#[derive(Serialize, Deserialize)]
pub(super) enum Ask {
    /// Announces itself at this address: `()`.
    Announce(SocketAddr),
    /// Leaves its cluster: `()`.
    Leave,
    /// `()`.
    SetTickTime(Duration),
    /// `()`.
    SetAddresses(Vec<String>),
    /// The cookie that it shares with a node, or none of its own any more: `()`.
    SetCookie(String, Option<Vec<u8>>),
    /// `Result<u64, String>`.
    Connect(String),
    /// `bool`.
    Disconnect(String),
    /// `Vec<Status>`.
    Nodes(#[serde(with = "NodesWords")] Nodes),
    /// `Vec<ActorInfo>`.
    Actors,
    /// `Option<ActorInfo>`.
    Actor(Pid),
    /// Living actors, the host's own included: `usize`.
    ActorsCount,
    /// `Option<Pid>`.
    Find(String),
    /// How many watch it, if it lives: `Option<usize>`.
    Watchers(Pid),
    /// `()`.
    Exit(Pid, Reason),
    /// `Reason`.
    Ended(Pid),
    /// `Result<Pid, SpawnError>`.
    Spawn(Born),
    /// The same; the actor of the host of this number hears of the end of that one.
    SpawnWatched(u64, Born),
    /// The same as [`Ask::Spawn`], on another node.
    SpawnAt(String, Born),
    /// `Result<Vec<u8>, CallError>`.
    Call { node: String, module: String, target: Target, timeout: Option<Duration> },
    /// `Result<(), String>`.
    Deploy(String, Vec<u8>),
    /// Whether it has the module of this digest: `bool`.
    Has([u8; 32]),
    /// `Vec<Locked>`.
    Locks,
    /// `Vec<(Vec<u8>, Pid)>`.
    Names,
    /// Those of a group of a scope, if it takes part in that: `Option<Vec<Pid>>`.
    Members(Vec<u8>, Vec<u8>),
    /// Makes an actor of the host of this number: `Pid`.
    Native(u64, String),
    /// `Reference`.
    Monitor(u64, Pid),
    /// Not answered.
    Send(u64, Pid, Vec<u8>),
    /// Not answered.
    SendToAlias(u64, Reference, Vec<u8>),
    /// Not answered.
    End(u64, Reason),
}

/// An actor that is to be made.
#[derive(Serialize, Deserialize)]
pub(super) struct Born {
    pub(super) module: String,
    pub(super) start: Start,
    pub(super) name: Option<String>,
    pub(super) group_leader: Option<Pid>,
    pub(super) limits: LimitsPatch,
}

/// What a member knows of a node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    /// Its name.
    pub name: String,
    /// Whether the member dialled for the connection.
    pub initiated: bool,
}

/// What a member knows of a lock that is set there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Locked {
    /// The actors that hold it.
    pub holders: Vec<Pid>,
    /// How many wait for it.
    pub waiting: usize,
}

/// What an actor of the host hears.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Heard {
    /// A message.
    Message(Vec<u8>),
    /// The end of what it watches.
    Down {
        /// By this monitor.
        monitor: Reference,
        /// Why it ended.
        reason: Reason,
    },
}

impl Heard {
    /// Nothing for other events.
    pub(crate) fn of(event: Event) -> Option<Self> {
        match event {
            Event::Message { body, .. } => Some(Self::Message(body.to_vec())),
            Event::Down { monitor, reason, .. } => {
                Some(Self::Down { monitor: monitor.word(), reason: reason.word() })
            }
            _ => None,
        }
    }
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Nodes")]
enum NodesWords {
    Visible,
    Hidden,
    Connected,
    Known,
    This,
}

/// Says something. False when nobody is there any more to hear it.
pub(super) fn say(mut to: &UnixStream, number: u64, what: &impl Serialize) -> bool {
    let head = [0; 12].to_vec();
    let mut bytes = postcard::to_extend(what, head).expect("plain data can be encoded");
    let length = u32::try_from(bytes.len() - 12).expect("nothing is of gigabytes");
    bytes[..4].copy_from_slice(&length.to_le_bytes());
    bytes[4..12].copy_from_slice(&number.to_le_bytes());
    to.write_all(&bytes).is_ok()
}

/// What was said next, as it came; nothing when nobody is there any more to say it.
pub(super) fn hear(mut from: &UnixStream) -> Option<(u64, Vec<u8>)> {
    let mut head = [0; 12];
    from.read_exact(&mut head).ok()?;
    let (length, number) = head.split_at(4);
    let length = u32::from_le_bytes(length.try_into().expect("four bytes"));
    let mut body = vec![0; length as usize];
    from.read_exact(&mut body).ok()?;
    Some((u64::from_le_bytes(number.try_into().expect("eight bytes")), body))
}

/// What these bytes say.
pub(super) fn read<T: DeserializeOwned>(bytes: &[u8]) -> T {
    postcard::from_bytes(bytes).expect("both sides are of one build")
}
