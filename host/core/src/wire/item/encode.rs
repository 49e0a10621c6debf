//! [`Item`]s to bytes.
//!
//! In two steps, because a long body must not be copied to be cut into fragments:
//! [`Item::encode_head`] writes all but the raw bytes at the frame's end and hands
//! those out. Short messages are the path that has to be fast.

use bytes::Bytes;

use super::fixed::{
    Answer, Ask, At, CallFixed, Fixed, Module, NoCall, NoSpawn, Origin, SpawnFixed, Start, To, Why,
};
use super::{
    ARGUMENTS_MAX, Address, CallAt, CallRequest, IO_OPTIONS_MAX, Identified, Item, LimitsAsked,
    ModuleName, NODES_MAX, NodeInfo, SIGNAL_BYTES_MAX, SpawnRequest, StartAt,
};
use crate::id::{NodeId, Reference};
use crate::reason::Reason;
use crate::signal::{
    CallError, Channel, ExitOrigin, IoError, IoReply, IoRequest, Signal, SpawnError,
};
use crate::wire::codec::append;
use crate::wire::{HEADER_BYTES, kind};

/// The raw bytes at the end of an item's frame.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Tail<'a> {
    /// A text, or nothing.
    Text(&'a str),
    /// Bytes that can be shared.
    Bytes(&'a Bytes),
}

impl<'a> Tail<'a> {
    const NONE: Self = Self::Text("");

    pub(crate) fn as_slice(self) -> &'a [u8] {
        match self {
            Self::Text(text) => text.as_bytes(),
            Self::Bytes(bytes) => bytes,
        }
    }
    pub(crate) fn to_bytes(self) -> Bytes {
        match self {
            Self::Text(text) => Bytes::copy_from_slice(text.as_bytes()),
            Self::Bytes(bytes) => bytes.clone(),
        }
    }
}

/// An item that no frame can carry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("longer than a signal between nodes may be")]
pub struct TooLarge;

impl Item {
    /// Appends the item's frame. It may be longer than a transport message; only an
    /// [`Outbox`](crate::peer::outbox::Outbox) cuts it up. A signal that never travels
    /// appends nothing.
    ///
    /// # Errors
    /// When no frame can carry it; nothing is appended then.
    pub fn encode(&self, out: &mut Vec<u8>) -> Result<(), TooLarge> {
        let start = out.len();
        if let Some(tail) = self.encode_head(out)? {
            out.extend_from_slice(tail.as_slice());
        }
        debug_assert!(out.len() - start <= SIGNAL_BYTES_MAX);
        Ok(())
    }

    /// Appends header and fixed part, and gives the raw bytes that belong behind them;
    /// the header's length counts both. `None` is a signal that never travels.
    pub(crate) fn encode_head(&self, out: &mut Vec<u8>) -> Result<Option<Tail<'_>>, TooLarge> {
        let start = out.len();
        let Some(tail) = self.encode_parts(out) else {
            out.truncate(start);
            return Ok(None);
        };
        let bytes = out.len() - start + tail.as_slice().len();
        if bytes > SIGNAL_BYTES_MAX || self.has_too_many_parts() {
            out.truncate(start);
            return Err(TooLarge);
        }
        let body = u32::try_from(bytes - HEADER_BYTES).expect("SIGNAL_BYTES_MAX fits 32 bits");
        out[start + 1..start + HEADER_BYTES].copy_from_slice(&body.to_le_bytes());
        Ok(Some(tail))
    }

    /// Appends a frame of these nodes, at most [`NODES_MAX`].
    pub(crate) fn encode_nodes(nodes: &[NodeInfo], out: &mut Vec<u8>) {
        let start = out.len();
        encode_node_list(nodes, out);
        let body =
            u32::try_from(out.len() - start - HEADER_BYTES).expect("NODES_MAX nodes are not 4 GiB");
        out[start + 1..start + HEADER_BYTES].copy_from_slice(&body.to_le_bytes());
    }

    fn has_too_many_parts(&self) -> bool {
        match self {
            Self::Signal { signal: Signal::Message { .. }, .. } => false,
            Self::Signal {
                signal:
                    Signal::IoRequest { request: IoRequest::SetOptions(options), .. }
                    | Signal::IoReply { reply: IoReply::Options(options), .. },
                ..
            } => options.len() > IO_OPTIONS_MAX,
            Self::Signal { .. } | Self::Call(_) => false,
            Self::Spawn(request) => match &request.start {
                StartAt::Command { arguments } => arguments.len() > ARGUMENTS_MAX,
                StartAt::Entry { .. } | StartAt::Call(_) => false,
            },
            Self::Nodes(nodes) => nodes.len() > NODES_MAX,
            Self::Names(frame) => super::names::is_too_long(frame),
            Self::Groups(frame) => super::groups::is_too_long(frame),
            Self::WhoIs(_) | Self::ThatIs(..) | Self::Locks(_) | Self::ToGroup { .. } => false,
        }
    }

    #[inline]
    fn encode_parts(&self, out: &mut Vec<u8>) -> Option<Tail<'_>> {
        match self {
            Self::Signal { from, to, signal: Signal::Message { via, priority, body } } => {
                encode_message(*from, to, *via, *priority, out);
                Some(Tail::Bytes(body))
            }
            Self::Signal { from, to, signal } => encode_signal(*from, to, signal, out),
            Self::Spawn(request) => Some(encode_spawn(request, out)),
            Self::Call(request) => Some(encode_call(request, out)),
            Self::Nodes(nodes) => {
                encode_node_list(nodes, out);
                Some(Tail::NONE)
            }
            Self::WhoIs(id) => {
                header(out, kind::WHO_IS);
                append(out, &id.get());
                Some(Tail::NONE)
            }
            Self::ThatIs(id, answer) => {
                encode_answer(*id, answer, out);
                Some(Tail::NONE)
            }
            Self::Names(frame) => {
                header(out, kind::NAMES);
                super::names::encode(frame, out);
                Some(Tail::NONE)
            }
            Self::Groups(frame) => {
                header(out, kind::GROUPS);
                super::groups::encode(frame, out);
                Some(Tail::NONE)
            }
            Self::Locks(frame) => {
                header(out, kind::LOCKS);
                super::locks::encode(frame, out);
                Some(Tail::NONE)
            }
            Self::ToGroup { from, scope, group, body } => {
                header(out, kind::MESSAGE_TO_GROUP);
                append(out, &(from, scope.as_bytes(), group.as_bytes()));
                Some(Tail::Bytes(body))
            }
        }
    }
}

/// Room for a kind, a length and four integers.
const SMALL_BYTES_MAX: usize = HEADER_BYTES + 4 * 10;

/// Collects a short head on the stack, so that it reaches the buffer in one copy.
struct Small {
    bytes: [u8; SMALL_BYTES_MAX],
    len: usize,
}

impl Small {
    #[inline]
    fn new(kind: u8) -> Self {
        let mut bytes = [0; SMALL_BYTES_MAX];
        bytes[0] = kind;
        Self { bytes, len: HEADER_BYTES }
    }

    /// An integer as postcard writes it: seven bits a byte, the lowest first.
    #[inline]
    fn integer(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.bytes[self.len] = value.to_le_bytes()[0] | 0x80;
            self.len += 1;
            value >>= 7;
        }
        self.bytes[self.len] = value.to_le_bytes()[0];
        self.len += 1;
    }

    #[inline]
    fn append_to(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.bytes[..self.len]);
    }
}

#[inline]
fn encode_message(
    from: u64,
    to: &Address,
    via: Option<Reference>,
    priority: bool,
    out: &mut Vec<u8>,
) {
    match to {
        Address::Actor(to) => {
            debug_assert!(via.is_none(), "a message to an alias travels to the alias");
            let mut small = Small::new(kind::MESSAGE_TO_ACTOR);
            small.integer(from);
            small.integer(*to);
            small.append_to(out);
        }
        Address::Alias(alias) => {
            debug_assert!(via.is_none_or(|via| via == *alias), "one alias for one message");
            let mut small = Small::new(kind::MESSAGE_TO_ALIAS);
            small.integer(from);
            small.integer(alias.node.get());
            small.integer(alias.serial);
            small.integer(u64::from(priority));
            small.append_to(out);
        }
        Address::Name(name) => {
            let mut small = Small::new(kind::MESSAGE_TO_NAME);
            small.integer(from);
            small.integer(name.as_str().len() as u64);
            small.append_to(out);
            out.extend_from_slice(name.as_str().as_bytes());
        }
    }
}

fn encode_signal<'a>(
    from: u64,
    to: &Address,
    signal: &'a Signal,
    out: &mut Vec<u8>,
) -> Option<Tail<'a>> {
    header(out, kind::SIGNAL);
    append(out, &from);
    append(
        out,
        &match to {
            Address::Actor(serial) => To::Actor(*serial),
            Address::Name(name) => To::Name(name.as_str()),
            Address::Alias(alias) => To::Alias { node: alias.node.get(), serial: alias.serial },
        },
    );
    let mut tail = Tail::NONE;
    let mut options: &[(String, String)] = &[];
    let fixed = match signal {
        Signal::Link => Fixed::Link,
        Signal::Unlink(id) => Fixed::Unlink(*id),
        Signal::UnlinkAck(id) => Fixed::UnlinkAck(*id),
        Signal::Exit { reason, origin } => {
            let origin = match origin {
                ExitOrigin::Link => Origin::Link,
                ExitOrigin::Explicit => Origin::Explicit,
                ExitOrigin::Alias { alias, priority } => {
                    debug_assert_eq!(to, &Address::Alias(*alias), "it travels to its alias");
                    Origin::Alias { priority: *priority }
                }
            };
            Fixed::Exit(origin, why(reason, &mut tail))
        }
        Signal::Monitor { reference, name } => {
            debug_assert!(
                name.as_ref().is_none_or(|name| *to == Address::Name(name.clone())),
                "a monitor of a name travels to the name"
            );
            Fixed::Monitor(reference.serial)
        }
        Signal::Demonitor(reference) => Fixed::Demonitor(reference.serial),
        Signal::Down { reference, reason } => Fixed::Down(reference.serial, why(reason, &mut tail)),
        Signal::GroupLeader(pid) => Fixed::GroupLeader { node: pid.node.get(), serial: pid.serial },
        Signal::SpawnReply { request, outcome: Ok(pid) } => {
            Fixed::Spawned { request: request.serial, serial: pid.serial }
        }
        Signal::SpawnReply { request, outcome: Err(error) } => {
            Fixed::NotSpawned(request.serial, no_spawn(error, &mut tail))
        }
        Signal::CallReply { request, outcome: Ok(result) } => {
            tail = Tail::Bytes(result);
            Fixed::Returned(request.serial)
        }
        Signal::CallReply { request, outcome: Err(error) } => {
            Fixed::NotReturned(request.serial, no_call(error, &mut tail))
        }
        Signal::IoRequest { reply_as, request } => {
            Fixed::IoRequest(reply_as.serial, ask(request, &mut tail, &mut options))
        }
        Signal::IoReply { reply_as, reply } => {
            Fixed::IoReply(reply_as.serial, answer(reply, &mut tail, &mut options))
        }
        Signal::Message { .. }
        | Signal::Timeout(_)
        | Signal::Node(_)
        | Signal::NameLost(_)
        | Signal::Group { .. }
        | Signal::Probe(_)
        | Signal::ProbeReply { .. } => {
            debug_assert!(false, "never travels as a signal: {signal:?}");
            return None;
        }
    };
    append(out, &fixed);
    for (key, value) in options {
        append(out, &(key, value));
    }
    Some(tail)
}

fn why<'a>(reason: &'a Reason, tail: &mut Tail<'a>) -> Why {
    match reason {
        Reason::Normal => Why::Normal,
        Reason::Shutdown => Why::Shutdown,
        Reason::Kill => Why::Kill,
        Reason::Killed => Why::Killed,
        Reason::NoProc => Why::NoProc,
        Reason::NoConnection => Why::NoConnection,
        Reason::Error(text) => with(tail, text, Why::Error),
        Reason::Trap(text) => with(tail, text, Why::Trap),
        Reason::Limit(text) => with(tail, text, Why::Limit),
        Reason::ExitCode(code) => Why::ExitCode(*code),
        Reason::Custom(bytes) => {
            *tail = Tail::Bytes(bytes);
            Why::Custom
        }
    }
}

fn with<'a, T>(tail: &mut Tail<'a>, text: &'a str, value: T) -> T {
    *tail = Tail::Text(text);
    value
}

fn no_spawn<'a>(error: &'a SpawnError, tail: &mut Tail<'a>) -> NoSpawn {
    match error {
        SpawnError::NoModule(text) => with(tail, text, NoSpawn::NoModule),
        SpawnError::NoFunction(text) => with(tail, text, NoSpawn::NoFunction),
        SpawnError::BadArgument(text) => with(tail, text, NoSpawn::BadArgument),
        SpawnError::BadName(text) => with(tail, text, NoSpawn::BadName),
        SpawnError::SystemLimit(text) => with(tail, text, NoSpawn::SystemLimit),
        SpawnError::Denied(text) => with(tail, text, NoSpawn::Denied),
        SpawnError::NoConnection => NoSpawn::NoConnection,
    }
}

fn no_call<'a>(error: &'a CallError, tail: &mut Tail<'a>) -> NoCall {
    match error {
        CallError::Refused(error) => NoCall::Refused(no_spawn(error, tail)),
        CallError::Ended(reason) => NoCall::Ended(why(reason, tail)),
        CallError::Timeout => NoCall::Timeout,
    }
}

fn ask<'a>(
    request: &'a IoRequest,
    tail: &mut Tail<'a>,
    options: &mut &'a [(String, String)],
) -> Ask {
    match request {
        IoRequest::PutChars(channel, bytes) => {
            *tail = Tail::Bytes(bytes);
            match channel {
                Channel::Output => Ask::PutOutput,
                Channel::Error => Ask::PutError,
            }
        }
        IoRequest::GetLine(prompt) => with(tail, prompt, Ask::GetLine),
        IoRequest::GetChars(prompt, bytes) => with(tail, prompt, Ask::GetChars(*bytes)),
        IoRequest::GetOptions => Ask::GetOptions,
        IoRequest::SetOptions(list) => {
            *options = list;
            Ask::SetOptions
        }
    }
}

fn answer<'a>(
    reply: &'a IoReply,
    tail: &mut Tail<'a>,
    options: &mut &'a [(String, String)],
) -> Answer {
    match reply {
        IoReply::Done => Answer::Done,
        IoReply::Data(bytes) => {
            *tail = Tail::Bytes(bytes);
            Answer::Data
        }
        IoReply::Eof => Answer::Eof,
        IoReply::Options(list) => {
            *options = list;
            Answer::Options
        }
        IoReply::Failed(IoError::Terminated) => Answer::Terminated,
        IoReply::Failed(IoError::Request) => Answer::UnknownRequest,
        IoReply::Failed(IoError::NotSupported) => Answer::NotSupported,
        IoReply::Failed(IoError::Other(text)) => with(tail, text, Answer::Other),
    }
}

fn encode_spawn<'a>(request: &'a SpawnRequest, out: &mut Vec<u8>) -> Tail<'a> {
    header(out, kind::SPAWN);
    let fixed = SpawnFixed {
        request: request.request.serial,
        parent: request.parent,
        group_leader_node: request.group_leader.node.get(),
        group_leader_serial: request.group_leader.serial,
        module: module(&request.module),
        label: &request.label,
        start: match &request.start {
            StartAt::Entry { function, .. } => Start::Entry(function),
            StartAt::Command { .. } => Start::Command,
            StartAt::Call(_) => Start::Call,
        },
        link: request.link,
        monitor: request.monitor,
        name: request.name.as_deref(),
        limits: limits(&request.limits),
    };
    append(out, &fixed);
    match &request.start {
        StartAt::Entry { argument, .. } => Tail::Bytes(argument),
        StartAt::Command { arguments } => {
            for argument in arguments {
                append(out, argument);
            }
            Tail::NONE
        }
        StartAt::Call(call) => Tail::Text(call),
    }
}

fn encode_call<'a>(request: &'a CallRequest, out: &mut Vec<u8>) -> Tail<'a> {
    header(out, kind::CALL);
    let (at, tail) = match &request.at {
        CallAt::Entry { function, argument } => (At::Entry(function), Tail::Bytes(argument)),
        CallAt::Text { text, json: false } => (At::Wave, Tail::Text(text)),
        CallAt::Text { text, json: true } => (At::Json, Tail::Text(text)),
    };
    let fixed = CallFixed {
        request: request.request.serial,
        caller: request.caller,
        group_leader_node: request.group_leader.node.get(),
        group_leader_serial: request.group_leader.serial,
        module: module(&request.module),
        label: &request.label,
        at,
        cast: request.cast,
        timeout_ms: request.timeout_ms,
        limits: limits(&request.limits),
    };
    append(out, &fixed);
    tail
}

fn module(name: &ModuleName) -> Module<'_> {
    match name {
        ModuleName::Name(name) => Module::Name(name),
        ModuleName::Digest(digest) => Module::Digest(*digest),
    }
}

fn limits(asked: &LimitsAsked) -> [Option<u64>; 5] {
    [
        asked.memory_bytes,
        asked.table_elements,
        asked.mailbox_messages,
        asked.mailbox_bytes,
        asked.children,
    ]
}

fn encode_node_list(nodes: &[NodeInfo], out: &mut Vec<u8>) {
    header(out, kind::NODES);
    append(out, &(nodes.len() as u64));
    for info in nodes {
        encode_info(info, out);
    }
}

fn encode_answer(id: NodeId, answer: &Identified, out: &mut Vec<u8>) {
    header(out, kind::THAT_IS);
    let number: u8 = match answer {
        Identified::Unknown => 0,
        Identified::Node(_) => 1,
        Identified::Dead => 2,
    };
    append(out, &(id.get(), number));
    if let Identified::Node(info) = answer {
        debug_assert_eq!(info.id, id.get(), "the node of that id");
        encode_info(info, out);
    }
}

/// Appends what a node is, as welcome, about and nodes carry it.
pub(in crate::wire) fn encode_info(info: &NodeInfo, out: &mut Vec<u8>) {
    append(out, &(&info.name, info.id, info.hidden, &info.addresses));
}

/// A header; the length is filled in when it is known.
fn header(out: &mut Vec<u8>, kind: u8) {
    out.extend_from_slice(&[kind, 0, 0, 0, 0]);
}
