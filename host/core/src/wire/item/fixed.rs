//! The fixed parts of items' frames, as postcard carries them. The order of variants
//! and fields is the wire's: it must not change.

use serde::{Deserialize, Serialize};

/// An address as it travels.
#[derive(Serialize, Deserialize)]
pub(super) enum To<'a> {
    Actor(u64),
    Name(&'a str),
    Alias { node: u64, serial: u64 },
}

/// A signal's fixed part. The variants' order is the wire's.
#[derive(Serialize, Deserialize)]
pub(super) enum Fixed {
    Link,
    Unlink(u64),
    UnlinkAck(u64),
    Exit(Origin, Why),
    Monitor(u64),
    Demonitor(u64),
    Down(u64, Why),
    GroupLeader { node: u64, serial: u64 },
    Spawned { request: u64, serial: u64 },
    NotSpawned(u64, NoSpawn),
    IoRequest(u64, Ask),
    IoReply(u64, Answer),
    Returned(u64),
    NotReturned(u64, NoCall),
}

#[derive(Serialize, Deserialize)]
pub(super) enum Origin {
    Link,
    Explicit,
    Alias { priority: bool },
}

#[derive(Serialize, Deserialize)]
pub(super) enum Why {
    Normal,
    Shutdown,
    Kill,
    Killed,
    NoProc,
    NoConnection,
    Error,
    Trap,
    Limit,
    ExitCode(u8),
    Custom,
}

#[derive(Serialize, Deserialize)]
pub(super) enum NoSpawn {
    NoModule,
    NoFunction,
    BadArgument,
    BadName,
    SystemLimit,
    Denied,
    NoConnection,
}

#[derive(Serialize, Deserialize)]
pub(super) enum NoCall {
    Refused(NoSpawn),
    Ended(Why),
    Timeout,
}

#[derive(Serialize, Deserialize)]
pub(super) enum Ask {
    PutOutput,
    PutError,
    GetLine,
    GetChars(u32),
    GetOptions,
    SetOptions,
}

#[derive(Serialize, Deserialize)]
pub(super) enum Answer {
    Done,
    Data,
    Eof,
    Options,
    Terminated,
    UnknownRequest,
    NotSupported,
    Other,
}

#[derive(Serialize, Deserialize)]
pub(super) struct SpawnFixed<'a> {
    pub(super) request: u64,
    pub(super) parent: u64,
    pub(super) group_leader_node: u64,
    pub(super) group_leader_serial: u64,
    #[serde(borrow)]
    pub(super) module: Module<'a>,
    pub(super) label: &'a str,
    pub(super) start: Start<'a>,
    pub(super) link: bool,
    pub(super) monitor: bool,
    pub(super) name: Option<&'a str>,
    pub(super) limits: [Option<u64>; 5],
}

#[derive(Serialize, Deserialize)]
pub(super) enum Module<'a> {
    Name(&'a str),
    Digest([u8; 32]),
}

#[derive(Serialize, Deserialize)]
pub(super) enum Start<'a> {
    Entry(&'a str),
    Command,
    Call,
}

#[derive(Serialize, Deserialize)]
pub(super) struct CallFixed<'a> {
    pub(super) request: u64,
    pub(super) caller: u64,
    pub(super) group_leader_node: u64,
    pub(super) group_leader_serial: u64,
    #[serde(borrow)]
    pub(super) module: Module<'a>,
    pub(super) label: &'a str,
    pub(super) at: At<'a>,
    pub(super) cast: bool,
    pub(super) timeout_ms: Option<u32>,
    pub(super) limits: [Option<u64>; 5],
}

#[derive(Serialize, Deserialize)]
pub(super) enum At<'a> {
    Entry(&'a str),
    Wave,
    Json,
}
