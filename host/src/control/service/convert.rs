//! Between the words of the control channel and the node's. No decisions.

use std::path::PathBuf;
use std::time::Duration;

use odeon_core::node::NodeStatus;
use odeon_core::signal::SpawnError;
use odeon_core::{NodeId, Pid, Reason};

use crate::control::api::{self, EndingKind, ExitReason, Failure, FailureKind};
use crate::modules::store::{ModuleInfo, StoreError};
use crate::modules::wave::results_to_wave;
use crate::{
    ActorDetails, ActorInfo, Call, CallAt, CallError, DirGrant, LimitsPatch, Related, Rights,
    Spawn, Start, io,
};

/// Texts that come from guests are cut to this, in bytes, so that a row or a
/// failure always fits a frame.
const TEXT_BYTES_MAX: usize = 8 << 10;

/// A failure with this text.
pub(super) fn failure(kind: FailureKind, message: impl Into<String>) -> Failure {
    Failure { kind, message: message.into() }
}

/// The failure, short enough to travel.
pub(super) fn bounded(failure: Failure) -> Failure {
    Failure { message: cut(failure.message), ..failure }
}

fn cut(mut text: String) -> String {
    if text.len() > TEXT_BYTES_MAX {
        text.truncate(text.floor_char_boundary(TEXT_BYTES_MAX));
        text.push('…');
    }
    text
}

pub(super) fn no_actor(actor: &str) -> Failure {
    let text = format!("no actor `{actor}` on this node; `odeon ps` lists those that live");
    failure(FailureKind::NotFound, text)
}

/// Why an actor could not be made, as the control channel says it.
pub fn spawn_failure(error: SpawnError) -> Failure {
    let kind = match error {
        SpawnError::NoModule(_) | SpawnError::NoFunction(_) => FailureKind::NotFound,
        SpawnError::BadArgument(_) | SpawnError::BadName(_) => FailureKind::Usage,
        SpawnError::SystemLimit(_) | SpawnError::Denied(_) => FailureKind::Refused,
        SpawnError::NoConnection => FailureKind::Failed,
    };
    failure(kind, error.to_string())
}

/// Why the store refused, as the control channel says it.
pub(super) fn store_failure(error: &StoreError) -> Failure {
    let kind = match error {
        StoreError::NotFound { .. } | StoreError::Ambiguous { .. } => FailureKind::NotFound,
        StoreError::BadName { .. } => FailureKind::Usage,
        StoreError::Full => FailureKind::Refused,
        StoreError::Load(_)
        | StoreError::Damaged { .. }
        | StoreError::System { .. }
        | StoreError::NotPrivate { .. } => FailureKind::Failed,
    };
    failure(kind, error.to_string())
}

/// Why a call gave no result, as the control channel says it.
pub fn call_failure(error: CallError) -> Failure {
    match error {
        CallError::Refused(error) => spawn_failure(error),
        CallError::Timeout => failure(FailureKind::Failed, CallError::Timeout.to_string()),
        CallError::Ended(reason) => {
            let kind = match reason {
                Reason::Trap(_) | Reason::Limit(_) => FailureKind::Trapped,
                _ => FailureKind::Failed,
            };
            failure(kind, CallError::Ended(reason).to_string())
        }
    }
}

/// As [`call_failure`], of a call on this node.
pub(super) fn rpc_failure(error: CallError, node: &str) -> Failure {
    match error {
        CallError::Refused(SpawnError::NoConnection) => {
            failure(FailureKind::Failed, format!("no connection to `{node}`"))
        }
        error => call_failure(error),
    }
}

/// The node's words for a call on any node.
pub(super) fn rpc(rpc: api::Rpc) -> (Option<String>, Call) {
    let call = Call {
        module: rpc.module,
        label: rpc.label,
        at: CallAt::Text { text: rpc.call, json: rpc.json },
        timeout: rpc.timeout_ms.map(Duration::from_millis),
        limits: LimitsPatch::default(),
    };
    (rpc.node, call)
}

/// The results of a call in WAVE.
///
/// # Errors
/// When they have no form in WAVE.
pub fn results(results: &[wasmtime::component::Val]) -> Result<String, Failure> {
    results_to_wave(results).map_err(|error| failure(FailureKind::Failed, error.to_string()))
}

/// How an actor's end looks to a shell.
pub fn ending(reason: &Reason) -> api::Ending {
    let kind = match reason {
        Reason::Normal | Reason::Shutdown => EndingKind::Normal,
        Reason::ExitCode(code) => EndingKind::Code(*code),
        Reason::Trap(_) | Reason::Limit(_) => EndingKind::Trapped,
        Reason::Kill
        | Reason::Killed
        | Reason::NoProc
        | Reason::NoConnection
        | Reason::Error(_)
        | Reason::Custom(_) => EndingKind::Other,
    };
    api::Ending { kind, reason: cut(reason.to_string()) }
}

pub(super) fn reason(reason: ExitReason) -> Reason {
    match reason {
        ExitReason::Shutdown => Reason::Shutdown,
        ExitReason::Kill => Reason::Kill,
        ExitReason::Normal => Reason::Normal,
        ExitReason::Error(text) => Reason::Error(text.into()),
    }
}

/// A new actor, as listings show it.
pub(super) fn spawned(pid: Pid) -> api::Spawned {
    api::Spawned { id: pid.serial, pid: pid.to_string() }
}

/// The node's words for where an actor starts.
pub fn start(start: api::Start) -> Start {
    match start {
        api::Start::Command(arguments) => Start::Command { arguments },
        api::Start::Entry { function, argument } => {
            Start::Entry { function, argument: argument.into() }
        }
        api::Start::Call(call) => Start::Call(call),
    }
}

pub(super) fn spawn(spawn: api::Spawn) -> Spawn {
    let start = start(spawn.start);
    Spawn {
        name: spawn.name,
        rights: rights(spawn.rights),
        limits: limits(spawn.limits),
        label: spawn.label,
        ..Spawn::new(spawn.module, start)
    }
}

/// The node's words for what an actor may use.
pub fn rights(rights: api::Rights) -> Rights {
    let dirs = rights.dirs.into_iter().map(|dir| DirGrant {
        host: PathBuf::from(dir.host),
        guest: dir.guest,
        writable: dir.writable,
    });
    Rights { env: rights.env, dirs: dirs.collect(), network: rights.network }
}

/// The node's words for what an actor may take.
pub fn limits(limits: api::Limits) -> LimitsPatch {
    LimitsPatch {
        memory_bytes: limits.memory_bytes,
        table_elements: limits.table_elements,
        mailbox_messages: limits.mailbox_messages,
        mailbox_bytes: limits.mailbox_bytes,
        children: limits.children,
        timers: limits.timers,
    }
}

pub(super) fn actor(actor: ActorInfo) -> api::Actor {
    api::Actor {
        id: actor.id,
        pid: actor.pid,
        name: actor.name,
        module: cut(actor.module),
        start: cut(actor.start),
        parent: actor.parent,
        status: actor.status,
        mailbox: actor.mailbox,
        memory_bytes: actor.memory_bytes,
        age_ms: actor.age_ms,
    }
}

/// Relations of an actor that one answer has room for, of all kinds together.
const RELATED_MAX: usize = 200;

/// One actor, with as many of its relations as fit an answer.
pub(super) fn details(details: ActorDetails) -> api::Details {
    let mut room = RELATED_MAX;
    let mut more = 0;
    let mut some = |all: Vec<Related>| -> Vec<api::Related> {
        let count = all.len();
        let some: Vec<_> = all.into_iter().take(room).map(related).collect();
        room -= some.len();
        more += (count - some.len()) as u64;
        some
    };
    let links = some(details.links);
    let monitors = some(details.monitors);
    let monitored_by = some(details.monitored_by);
    api::Details {
        actor: actor(details.actor),
        group_leader: related(details.group_leader),
        trap_exit: details.trap_exit,
        links,
        monitors,
        monitored_by,
        more,
    }
}

fn related(related: Related) -> api::Related {
    api::Related { actor: related.actor, node: related.node }
}

/// A module, as listings show it.
pub(super) fn module(module: ModuleInfo) -> api::Module {
    api::Module {
        id: module.digest.short(),
        names: module.names,
        digest: module.digest.to_string(),
        bytes: module.bytes,
        deployed_s: module.deployed_s,
    }
}

/// A line of the record, as listings show it. `node` names the actor's node, if it is
/// another one.
pub(super) fn line(line: io::Line, node: Option<String>) -> api::Line {
    let channel = match line.source {
        io::Source::Output => "output",
        io::Source::Error => "error",
        io::Source::Node => "node",
    };
    api::Line {
        number: line.number,
        actor: line.actor,
        at_ms: line.at_ms,
        channel: channel.to_owned(),
        text: cut(line.text),
        node,
    }
}

/// Another node, as listings show it.
pub(super) fn peer(node: NodeStatus) -> api::Peer {
    api::Peer {
        name: node.name,
        id: node.id.map(NodeId::get),
        connected: node.conn.is_some(),
        hidden: node.hidden,
        addresses: node.addresses,
    }
}
