//! WIT to core types and back, both ways, and nowhere else.

use bytes::Bytes;
use odeon_core::node::{NodeChange, NodeEvent};
use odeon_core::process::{self as core_process, AliasLife, AliasMode, Event, MonitorOptions};
use odeon_core::signal::{self, CallError, IoError, IoReply, IoRequest, Monitored, SpawnError};
use odeon_core::{Name, NodeId, Reason};

use super::bindings::odeon::actor::{io, mailbox, process, rpc, types};
use crate::limits::LimitsPatch;

impl From<odeon_core::Pid> for types::Pid {
    fn from(pid: odeon_core::Pid) -> Self {
        Self { node: pid.node.get(), serial: pid.serial }
    }
}

impl From<types::Pid> for odeon_core::Pid {
    fn from(pid: types::Pid) -> Self {
        Self { node: NodeId::from_wire(pid.node), serial: pid.serial }
    }
}

impl From<odeon_core::Reference> for types::Reference {
    fn from(reference: odeon_core::Reference) -> Self {
        Self { node: reference.node.get(), serial: reference.serial }
    }
}

impl From<types::Reference> for odeon_core::Reference {
    fn from(reference: types::Reference) -> Self {
        Self { node: NodeId::from_wire(reference.node), serial: reference.serial }
    }
}

impl From<Reason> for types::ExitReason {
    fn from(reason: Reason) -> Self {
        match reason {
            Reason::Normal => Self::Normal,
            Reason::Shutdown => Self::Shutdown,
            Reason::Kill => Self::Kill,
            Reason::Killed => Self::Killed,
            Reason::NoProc => Self::Noproc,
            Reason::NoConnection => Self::Noconnection,
            Reason::Error(text) => Self::Error(text.to_string()),
            Reason::Trap(text) => Self::Trap(text.to_string()),
            Reason::Limit(text) => Self::Limit(text.to_string()),
            Reason::ExitCode(code) => Self::ExitCode(code),
            Reason::Custom(bytes) => Self::Custom(bytes.into()),
        }
    }
}

impl From<types::ExitReason> for Reason {
    fn from(reason: types::ExitReason) -> Self {
        match reason {
            types::ExitReason::Normal => Self::Normal,
            types::ExitReason::Shutdown => Self::Shutdown,
            types::ExitReason::Kill => Self::Kill,
            types::ExitReason::Killed => Self::Killed,
            types::ExitReason::Noproc => Self::NoProc,
            types::ExitReason::Noconnection => Self::NoConnection,
            types::ExitReason::Error(text) => Self::Error(text.into()),
            types::ExitReason::Trap(text) => Self::Trap(text.into()),
            types::ExitReason::Limit(text) => Self::Limit(text.into()),
            types::ExitReason::ExitCode(code) => Self::ExitCode(code),
            types::ExitReason::Custom(bytes) => Self::Custom(bytes.into()),
        }
    }
}

impl From<SpawnError> for process::SpawnError {
    fn from(error: SpawnError) -> Self {
        match error {
            SpawnError::NoModule(text) => Self::NoModule(text),
            SpawnError::NoFunction(text) => Self::NoFunction(text),
            SpawnError::BadArgument(text) => Self::BadArgument(text),
            SpawnError::BadName(text) => Self::BadName(text),
            SpawnError::SystemLimit(text) => Self::SystemLimit(text),
            SpawnError::Denied(text) => Self::Denied(text),
            SpawnError::NoConnection => Self::Noconnection,
        }
    }
}

impl From<CallError> for rpc::CallError {
    fn from(error: CallError) -> Self {
        match error {
            CallError::Refused(error) => match error {
                SpawnError::NoModule(text) => Self::NoModule(text),
                SpawnError::NoFunction(text) => Self::NoFunction(text),
                // A callee has no name, so this one cannot be.
                SpawnError::BadArgument(text) | SpawnError::BadName(text) => {
                    Self::BadArgument(text)
                }
                SpawnError::SystemLimit(text) => Self::SystemLimit(text),
                SpawnError::Denied(text) => Self::Denied(text),
                SpawnError::NoConnection => Self::Noconnection,
            },
            CallError::Ended(reason) => Self::Ended(reason.into()),
            CallError::Timeout => Self::Timeout,
        }
    }
}

/// An event as the guest gets it. `node` is this node's name: a monitored name
/// of this node is shown with it, as in Erlang.
pub(super) fn event(event: Event, node: &str) -> mailbox::Event {
    match event {
        Event::Message { sender, via, body } => mailbox::Event::Message(mailbox::Message {
            sender: sender.into(),
            via: via.map(Into::into),
            body: body.into(),
        }),
        Event::Exit { sender, reason } => {
            mailbox::Event::Exit(mailbox::Exited { sender: sender.into(), reason: reason.into() })
        }
        Event::Down { monitor, object, reason, tag } => mailbox::Event::Down(mailbox::Down {
            monitor: monitor.into(),
            object: destination(object, node),
            reason: reason.into(),
            tag: tag.map(Into::into),
        }),
        Event::SpawnReply { request, outcome } => mailbox::Event::SpawnReply(mailbox::SpawnReply {
            request: request.into(),
            outcome: outcome.map(Into::into).map_err(Into::into),
        }),
        Event::CallReply { request, outcome } => mailbox::Event::CallReply(mailbox::CallReply {
            request: request.into(),
            outcome: outcome.map(Into::into).map_err(Into::into),
        }),
        Event::Timeout(timer) => mailbox::Event::Timeout(timer.into()),
        Event::IoRequest { sender, reply_as, request } => {
            mailbox::Event::IoRequest(io::IoRequest {
                sender: sender.into(),
                reply_as: reply_as.into(),
                request: request.into(),
            })
        }
        Event::Node(change) => match &change.event {
            NodeEvent::Up => mailbox::Event::NodeUp(node_change(&change, None)),
            NodeEvent::Down(reason) => {
                mailbox::Event::NodeDown(node_change(&change, Some(reason.to_string())))
            }
        },
        Event::NameLost(lost) => mailbox::Event::NameLost(mailbox::NameLost {
            name: lost.name.as_bytes().to_vec(),
            other: lost.other.into(),
            both: lost.both,
        }),
        Event::Group { monitor, change } => mailbox::Event::GroupChange(mailbox::GroupChange {
            monitor: monitor.into(),
            scope: change.scope.as_bytes().to_vec(),
            group: change.group.as_bytes().to_vec(),
            joined: change.joined,
            members: pids(&change.members),
        }),
    }
}

fn node_change(change: &NodeChange, reason: Option<String>) -> mailbox::NodeChange {
    let NodeChange { name, id, hidden, .. } = change;
    mailbox::NodeChange { node: name.clone(), id: id.get(), hidden: *hidden, reason }
}

pub(super) fn filter(filter: mailbox::Filter) -> core_process::Filter {
    match filter {
        mailbox::Filter::Any => core_process::Filter::Any,
        mailbox::Filter::Reference(reference) => core_process::Filter::Reference(reference.into()),
    }
}

pub(super) fn pids(pids: &[odeon_core::Pid]) -> Vec<types::Pid> {
    pids.iter().map(|pid| (*pid).into()).collect()
}

/// What was monitored, as a destination.
pub(super) fn destination(monitored: Monitored, node: &str) -> types::Destination {
    match monitored {
        Monitored::Pid(pid) => types::Destination::Pid(pid.into()),
        Monitored::Name(name, at) => types::Destination::NodeName(types::NodeName {
            name: name.as_str().to_owned(),
            node: at.unwrap_or_else(|| node.to_owned()),
        }),
    }
}

/// A name of this node, if the destination is one.
pub(super) fn local_name(name: &str) -> Option<Name> {
    Name::new(name)
}

pub(super) fn monitor_options(options: process::MonitorOptions) -> MonitorOptions {
    MonitorOptions {
        alias: options.alias.map(|mode| match mode {
            process::AliasMode::Explicit => AliasMode::Explicit,
            process::AliasMode::Demonitor => AliasMode::Demonitor,
            process::AliasMode::ReplyDemonitor => AliasMode::ReplyDemonitor,
        }),
        tag: options.tag.map(Bytes::from),
        priority: options.priority,
    }
}

pub(super) fn alias_life(life: process::AliasLife) -> AliasLife {
    match life {
        process::AliasLife::Explicit => AliasLife::Explicit,
        process::AliasLife::Reply => AliasLife::Reply,
    }
}

pub(super) fn reply_when(reply: process::ReplyWhen) -> core_process::ReplyWhen {
    match reply {
        process::ReplyWhen::Always => core_process::ReplyWhen::Always,
        process::ReplyWhen::Never => core_process::ReplyWhen::Never,
        process::ReplyWhen::Failed => core_process::ReplyWhen::Failed,
        process::ReplyWhen::Spawned => core_process::ReplyWhen::Spawned,
    }
}

pub(super) fn limits(limits: process::Limits) -> LimitsPatch {
    LimitsPatch {
        memory_bytes: limits.memory_bytes_max,
        table_elements: limits.table_elements_max,
        mailbox_messages: limits.mailbox_messages_max,
        mailbox_bytes: limits.mailbox_bytes_max,
        children: limits.children_max,
        timers: None,
    }
}

pub(super) fn channel(channel: io::Channel) -> signal::Channel {
    match channel {
        io::Channel::Output => signal::Channel::Output,
        io::Channel::Error => signal::Channel::Error,
    }
}

impl From<IoRequest> for io::Request {
    fn from(request: IoRequest) -> Self {
        match request {
            IoRequest::PutChars(signal::Channel::Output, bytes) => {
                Self::PutChars((io::Channel::Output, bytes.into()))
            }
            IoRequest::PutChars(signal::Channel::Error, bytes) => {
                Self::PutChars((io::Channel::Error, bytes.into()))
            }
            IoRequest::GetLine(prompt) => Self::GetLine(prompt),
            IoRequest::GetChars(prompt, count) => Self::GetChars((prompt, count)),
            IoRequest::GetOptions => Self::GetOptions,
            IoRequest::SetOptions(options) => Self::SetOptions(options),
        }
    }
}

impl From<io::Request> for IoRequest {
    fn from(request: io::Request) -> Self {
        match request {
            io::Request::PutChars((to, bytes)) => Self::PutChars(channel(to), bytes.into()),
            io::Request::GetLine(prompt) => Self::GetLine(prompt),
            io::Request::GetChars((prompt, count)) => Self::GetChars(prompt, count),
            io::Request::GetOptions => Self::GetOptions,
            io::Request::SetOptions(options) => Self::SetOptions(options),
        }
    }
}

impl From<IoReply> for io::Reply {
    fn from(reply: IoReply) -> Self {
        match reply {
            IoReply::Done => Self::Done,
            IoReply::Data(bytes) => Self::Data(bytes.into()),
            IoReply::Eof => Self::Eof,
            IoReply::Options(options) => Self::Options(options),
            IoReply::Failed(error) => Self::Failed(error.into()),
        }
    }
}

impl From<io::Reply> for IoReply {
    fn from(reply: io::Reply) -> Self {
        match reply {
            io::Reply::Done => Self::Done,
            io::Reply::Data(bytes) => Self::Data(bytes.into()),
            io::Reply::Eof => Self::Eof,
            io::Reply::Options(options) => Self::Options(options),
            io::Reply::Failed(error) => Self::Failed(match error {
                io::IoError::Terminated => IoError::Terminated,
                io::IoError::Request => IoError::Request,
                io::IoError::Enotsup => IoError::NotSupported,
                io::IoError::Other(text) => IoError::Other(text),
            }),
        }
    }
}

impl From<IoError> for io::IoError {
    fn from(error: IoError) -> Self {
        match error {
            IoError::Terminated => Self::Terminated,
            IoError::Request => Self::Request,
            IoError::NotSupported => Self::Enotsup,
            IoError::Other(text) => Self::Other(text),
        }
    }
}
