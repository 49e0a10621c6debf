//! Bytes to [`Item`]s. The bytes come from strangers: nothing here panics, recurses,
//! or allocates more than a copy of what is there.

use bytes::Bytes;
use serde::Deserialize;

use super::fixed::{
    Answer, Ask, At, CallFixed, Fixed, Module, NoCall, NoSpawn, Origin, SpawnFixed, Start, To, Why,
};
use super::{
    ARGUMENTS_MAX, Address, CallAt, CallRequest, IO_OPTIONS_MAX, Identified, Item, LimitsAsked,
    ModuleName, NODE_ADDRESS_BYTES_MAX, NODE_ADDRESSES_MAX, NODES_MAX, NodeInfo, SpawnRequest,
    StartAt,
};
use crate::id::{ID_END, Name, NodeId, Pid, Reference};
use crate::key::Key;
use crate::reason::Reason;
use crate::signal::{
    CallError, Channel, ExitOrigin, IoError, IoReply, IoRequest, Signal, SpawnError,
};
use crate::wire::codec::{DecodeError, Raw, fixed_part};
use crate::wire::{BODY_BYTES_MAX, NODE_NAME_BYTES_MAX, kind};

/// Raw bytes up to this length are copied out of the transport message. A longer
/// slice keeps at most eight times itself alive.
const COPIED_BYTES_MAX: usize = BODY_BYTES_MAX / 8;

impl Item {
    /// Reads an item that `peer` sent to `own`. The frame may be longer than
    /// [`BODY_BYTES_MAX`].
    ///
    /// # Errors
    /// When the frame is none of an item, or its body does not decode.
    pub fn decode(raw: &Raw, own: NodeId, peer: NodeId) -> Result<Self, DecodeError> {
        Self::decode_body(raw.kind, &raw.body, &raw.body, own, peer)
    }

    /// As [`decode`](Self::decode); `body` is a part of `whole`.
    #[inline]
    pub(crate) fn decode_body(
        kind: u8,
        body: &[u8],
        whole: &Bytes,
        own: NodeId,
        peer: NodeId,
    ) -> Result<Self, DecodeError> {
        let mut reader = Reader { kind, rest: body, whole };
        match kind {
            kind::MESSAGE_TO_ACTOR => {
                let (from, to, body) = reader.message_to_actor()?;
                Ok(message(from, Address::Actor(to), None, false, body))
            }
            kind::MESSAGE_TO_ALIAS => {
                let from = reader.id()?;
                let node = NodeId::from_wire(reader.id()?);
                let alias = Reference { node, serial: reader.id()? };
                let priority = reader.take()?;
                Ok(message(from, Address::Alias(alias), Some(alias), priority, reader.tail()))
            }
            kind::MESSAGE_TO_NAME => {
                let from = reader.id()?;
                let name = reader.name()?;
                Ok(message(from, Address::Name(name), None, false, reader.tail()))
            }
            kind::SIGNAL => {
                let from = reader.id()?;
                let to = reader.address()?;
                let signal = reader.signal(&to, own, peer)?;
                Ok(Self::Signal { from, to, signal })
            }
            kind::SPAWN => Ok(Self::Spawn(Box::new(reader.spawn(peer)?))),
            kind::CALL => Ok(Self::Call(Box::new(reader.call(peer)?))),
            kind::NODES => {
                let count = reader.count(NODES_MAX)?;
                let mut nodes = Vec::new();
                for _ in 0..count {
                    nodes.push(reader.info()?);
                }
                Ok(Self::Nodes(nodes))
            }
            kind::WHO_IS => Ok(Self::WhoIs(reader.node_id()?)),
            kind::THAT_IS => {
                let (id, answer) = reader.answer()?;
                Ok(Self::ThatIs(id, answer))
            }
            kind::NAMES => Ok(Self::Names(reader.names(own, peer)?)),
            kind::GROUPS => Ok(Self::Groups(reader.groups()?)),
            kind::LOCKS => Ok(Self::Locks(reader.locks()?)),
            kind::MESSAGE_TO_GROUP => {
                let from = reader.id()?;
                let [scope, group] = [reader.key()?, reader.key()?];
                Ok(Self::ToGroup { from, scope, group, body: reader.tail() })
            }
            other => Err(DecodeError::OutOfPlace(other)),
        }
    }
}

/// Reads a message to an actor: from, to, and the message. Apart from
/// [`Item::decode_body`], because most of all frames are of this kind, and an item is
/// large enough that handing it up through a few functions costs as much as reading it.
#[inline]
pub(crate) fn decode_message_to_actor(
    body: &[u8],
    whole: &Bytes,
) -> Result<(u64, u64, Bytes), DecodeError> {
    Reader { kind: kind::MESSAGE_TO_ACTOR, rest: body, whole }.message_to_actor()
}

#[inline]
fn message(from: u64, to: Address, via: Option<Reference>, priority: bool, body: Bytes) -> Item {
    Item::Signal { from, to, signal: Signal::Message { via, priority, body } }
}

/// Reads what a node is.
pub(in crate::wire) fn decode_info(raw: &Raw) -> Result<NodeInfo, DecodeError> {
    Reader { kind: raw.kind, rest: &raw.body, whole: &raw.body }.info()
}

/// Reads a body from its front.
pub(super) struct Reader<'a> {
    kind: u8,
    rest: &'a [u8],
    /// What keeps `rest` alive.
    whole: &'a Bytes,
}

impl<'a> Reader<'a> {
    #[inline]
    pub(super) fn take<T: Deserialize<'a>>(&mut self) -> Result<T, DecodeError> {
        let (value, rest) = fixed_part(self.kind, self.rest)?;
        self.rest = rest;
        Ok(value)
    }

    pub(super) fn malformed(&self) -> DecodeError {
        DecodeError::Malformed(self.kind)
    }

    /// Half of a pid or reference.
    #[inline]
    pub(super) fn id(&mut self) -> Result<u64, DecodeError> {
        let id = self.take()?;
        self.checked(id)
    }

    #[inline]
    pub(super) fn checked(&self, id: u64) -> Result<u64, DecodeError> {
        if id < ID_END { Ok(id) } else { Err(self.malformed()) }
    }

    fn name(&mut self) -> Result<Name, DecodeError> {
        let text = self.take()?;
        Name::new(text).ok_or(self.malformed())
    }

    pub(super) fn key(&mut self) -> Result<Key, DecodeError> {
        let bytes = self.take()?;
        self.key_of(bytes)
    }

    pub(super) fn key_of(&self, bytes: &[u8]) -> Result<Key, DecodeError> {
        Key::new(bytes).map_err(|_| self.malformed())
    }

    /// A list's length.
    pub(super) fn count(&mut self, max: usize) -> Result<usize, DecodeError> {
        let count: u64 = self.take()?;
        let count = usize::try_from(count).ok().filter(|count| *count <= max);
        count.ok_or(self.malformed())
    }

    fn text(&mut self, bytes_max: usize) -> Result<String, DecodeError> {
        let text: &str = self.take()?;
        if text.len() > bytes_max {
            return Err(self.malformed());
        }
        Ok(text.to_owned())
    }

    fn info(&mut self) -> Result<NodeInfo, DecodeError> {
        let name = self.text(NODE_NAME_BYTES_MAX)?;
        let id = self.id()?;
        if name.is_empty() || id == 0 {
            return Err(self.malformed());
        }
        let hidden = self.take()?;
        let mut addresses = Vec::new();
        for _ in 0..self.count(NODE_ADDRESSES_MAX)? {
            addresses.push(self.text(NODE_ADDRESS_BYTES_MAX)?);
        }
        Ok(NodeInfo { name, id, hidden, addresses })
    }

    /// The id of a run of a node.
    fn node_id(&mut self) -> Result<NodeId, DecodeError> {
        match self.id()? {
            0 => Err(self.malformed()),
            id => Ok(NodeId::from_wire(id)),
        }
    }

    /// What is known of an id.
    fn answer(&mut self) -> Result<(NodeId, Identified), DecodeError> {
        let id = self.node_id()?;
        let answer = match self.take::<u8>()? {
            0 => Identified::Unknown,
            1 => {
                let info = self.info()?;
                if info.id != id.get() {
                    return Err(self.malformed());
                }
                Identified::Node(info)
            }
            2 => Identified::Dead,
            _ => return Err(self.malformed()),
        };
        Ok((id, answer))
    }

    #[inline]
    fn message_to_actor(mut self) -> Result<(u64, u64, Bytes), DecodeError> {
        Ok((self.id()?, self.id()?, self.tail()))
    }

    /// The raw bytes.
    #[inline]
    fn tail(self) -> Bytes {
        if self.rest.len() <= COPIED_BYTES_MAX.max(self.whole.len() / 8) {
            Bytes::copy_from_slice(self.rest)
        } else {
            self.whole.slice_ref(self.rest)
        }
    }

    /// The raw bytes as a text.
    fn tail_text(&self) -> Result<&'a str, DecodeError> {
        std::str::from_utf8(self.rest).map_err(|_| self.malformed())
    }

    /// There are no raw bytes.
    fn end(&self) -> Result<(), DecodeError> {
        if self.rest.is_empty() { Ok(()) } else { Err(self.malformed()) }
    }

    fn address(&mut self) -> Result<Address, DecodeError> {
        Ok(match self.take()? {
            To::Actor(serial) => Address::Actor(self.checked(serial)?),
            To::Name(name) => Address::Name(Name::new(name).ok_or(self.malformed())?),
            To::Alias { node, serial } => Address::Alias(Reference {
                node: NodeId::from_wire(self.checked(node)?),
                serial: self.checked(serial)?,
            }),
        })
    }

    fn signal(mut self, to: &Address, own: NodeId, peer: NodeId) -> Result<Signal, DecodeError> {
        let fixed = self.take()?;
        let reference = |node, serial| Ok(Reference { node, serial: self.checked(serial)? });
        let bare = |signal| self.end().map(|()| signal);
        match fixed {
            Fixed::Link => bare(Signal::Link),
            Fixed::Unlink(id) => bare(Signal::Unlink(id)),
            Fixed::UnlinkAck(id) => bare(Signal::UnlinkAck(id)),
            Fixed::Exit(origin, why) => {
                let origin = match (origin, to) {
                    (Origin::Link, Address::Actor(_)) => ExitOrigin::Link,
                    (Origin::Explicit, Address::Actor(_) | Address::Name(_)) => {
                        ExitOrigin::Explicit
                    }
                    (Origin::Alias { priority }, Address::Alias(alias)) => {
                        ExitOrigin::Alias { alias: *alias, priority }
                    }
                    _ => return Err(self.malformed()),
                };
                Ok(Signal::Exit { reason: self.reason(why)?, origin })
            }
            Fixed::Monitor(serial) => {
                let name = match to {
                    Address::Name(name) => Some(name.clone()),
                    Address::Actor(_) | Address::Alias(_) => None,
                };
                bare(Signal::Monitor { reference: reference(peer, serial)?, name })
            }
            Fixed::Demonitor(serial) => bare(Signal::Demonitor(reference(peer, serial)?)),
            Fixed::Down(serial, why) => {
                let reference = reference(own, serial)?;
                Ok(Signal::Down { reference, reason: self.reason(why)? })
            }
            Fixed::GroupLeader { node, serial } => {
                let node = NodeId::from_wire(self.checked(node)?);
                bare(Signal::GroupLeader(Pid { node, serial: self.checked(serial)? }))
            }
            Fixed::Spawned { request, serial } => bare(Signal::SpawnReply {
                request: reference(own, request)?,
                outcome: Ok(Pid { node: peer, serial: self.checked(serial)? }),
            }),
            Fixed::NotSpawned(serial, error) => {
                let request = reference(own, serial)?;
                Ok(Signal::SpawnReply { request, outcome: Err(self.spawn_error(error)?) })
            }
            Fixed::IoRequest(serial, ask) => {
                let reply_as = reference(peer, serial)?;
                Ok(Signal::IoRequest { reply_as, request: self.io_request(ask)? })
            }
            Fixed::IoReply(serial, answer) => {
                let reply_as = reference(own, serial)?;
                Ok(Signal::IoReply { reply_as, reply: self.io_reply(answer)? })
            }
            Fixed::Returned(serial) => {
                let request = reference(own, serial)?;
                Ok(Signal::CallReply { request, outcome: Ok(self.tail()) })
            }
            Fixed::NotReturned(serial, error) => {
                let request = reference(own, serial)?;
                Ok(Signal::CallReply { request, outcome: Err(self.call_error(error)?) })
            }
        }
    }

    fn reason(self, why: Why) -> Result<Reason, DecodeError> {
        let bare = |reason| self.end().map(|()| reason);
        match why {
            Why::Normal => bare(Reason::Normal),
            Why::Shutdown => bare(Reason::Shutdown),
            Why::Kill => bare(Reason::Kill),
            Why::Killed => bare(Reason::Killed),
            Why::NoProc => bare(Reason::NoProc),
            Why::NoConnection => bare(Reason::NoConnection),
            Why::Error => Ok(Reason::Error(self.tail_text()?.into())),
            Why::Trap => Ok(Reason::Trap(self.tail_text()?.into())),
            Why::Limit => Ok(Reason::Limit(self.tail_text()?.into())),
            Why::ExitCode(code) => bare(Reason::ExitCode(code)),
            Why::Custom => Ok(Reason::Custom(self.tail())),
        }
    }

    fn spawn_error(&self, error: NoSpawn) -> Result<SpawnError, DecodeError> {
        let text = || self.tail_text().map(str::to_owned);
        Ok(match error {
            NoSpawn::NoModule => SpawnError::NoModule(text()?),
            NoSpawn::NoFunction => SpawnError::NoFunction(text()?),
            NoSpawn::BadArgument => SpawnError::BadArgument(text()?),
            NoSpawn::BadName => SpawnError::BadName(text()?),
            NoSpawn::SystemLimit => SpawnError::SystemLimit(text()?),
            NoSpawn::Denied => SpawnError::Denied(text()?),
            NoSpawn::NoConnection => {
                self.end()?;
                SpawnError::NoConnection
            }
        })
    }

    fn call_error(self, error: NoCall) -> Result<CallError, DecodeError> {
        Ok(match error {
            NoCall::Refused(error) => CallError::Refused(self.spawn_error(error)?),
            NoCall::Ended(why) => CallError::Ended(self.reason(why)?),
            NoCall::Timeout => {
                self.end()?;
                CallError::Timeout
            }
        })
    }

    fn io_request(self, ask: Ask) -> Result<IoRequest, DecodeError> {
        let text = || self.tail_text().map(str::to_owned);
        Ok(match ask {
            Ask::PutOutput => IoRequest::PutChars(Channel::Output, self.tail()),
            Ask::PutError => IoRequest::PutChars(Channel::Error, self.tail()),
            Ask::GetLine => IoRequest::GetLine(text()?),
            Ask::GetChars(bytes) => IoRequest::GetChars(text()?, bytes),
            Ask::GetOptions => {
                self.end()?;
                IoRequest::GetOptions
            }
            Ask::SetOptions => IoRequest::SetOptions(self.options()?),
        })
    }

    fn io_reply(self, answer: Answer) -> Result<IoReply, DecodeError> {
        let bare = |reply| self.end().map(|()| reply);
        match answer {
            Answer::Done => bare(IoReply::Done),
            Answer::Data => Ok(IoReply::Data(self.tail())),
            Answer::Eof => bare(IoReply::Eof),
            Answer::Options => Ok(IoReply::Options(self.options()?)),
            Answer::Terminated => bare(IoReply::Failed(IoError::Terminated)),
            Answer::UnknownRequest => bare(IoReply::Failed(IoError::Request)),
            Answer::NotSupported => bare(IoReply::Failed(IoError::NotSupported)),
            Answer::Other => Ok(IoReply::Failed(IoError::Other(self.tail_text()?.to_owned()))),
        }
    }

    /// Pairs of texts up to the frame's end.
    fn options(mut self) -> Result<Vec<(String, String)>, DecodeError> {
        let mut options = Vec::new();
        while !self.rest.is_empty() {
            if options.len() == IO_OPTIONS_MAX {
                return Err(self.malformed());
            }
            let (key, value): (&str, &str) = self.take()?;
            options.push((key.to_owned(), value.to_owned()));
        }
        Ok(options)
    }

    fn spawn(mut self, peer: NodeId) -> Result<SpawnRequest, DecodeError> {
        let fixed: SpawnFixed<'_> = self.take()?;
        Ok(SpawnRequest {
            request: Reference { node: peer, serial: self.checked(fixed.request)? },
            parent: self.checked(fixed.parent)?,
            group_leader: Pid {
                node: NodeId::from_wire(self.checked(fixed.group_leader_node)?),
                serial: self.checked(fixed.group_leader_serial)?,
            },
            module: module(fixed.module),
            label: fixed.label.to_owned(),
            link: fixed.link,
            monitor: fixed.monitor,
            name: fixed.name.map(str::to_owned),
            limits: limits(fixed.limits),
            start: match fixed.start {
                Start::Entry(function) => {
                    StartAt::Entry { function: function.to_owned(), argument: self.tail() }
                }
                Start::Command => StartAt::Command { arguments: self.arguments()? },
                Start::Call => StartAt::Call(self.tail_text()?.to_owned()),
            },
        })
    }

    fn call(mut self, peer: NodeId) -> Result<CallRequest, DecodeError> {
        let fixed: CallFixed<'_> = self.take()?;
        let text = || self.tail_text().map(str::to_owned);
        Ok(CallRequest {
            request: Reference { node: peer, serial: self.checked(fixed.request)? },
            caller: self.checked(fixed.caller)?,
            group_leader: Pid {
                node: NodeId::from_wire(self.checked(fixed.group_leader_node)?),
                serial: self.checked(fixed.group_leader_serial)?,
            },
            module: module(fixed.module),
            label: fixed.label.to_owned(),
            cast: fixed.cast,
            timeout_ms: fixed.timeout_ms,
            limits: limits(fixed.limits),
            at: match fixed.at {
                At::Entry(function) => {
                    CallAt::Entry { function: function.to_owned(), argument: self.tail() }
                }
                At::Wave => CallAt::Text { text: text()?, json: false },
                At::Json => CallAt::Text { text: text()?, json: true },
            },
        })
    }

    /// Texts up to the frame's end.
    fn arguments(mut self) -> Result<Vec<String>, DecodeError> {
        let mut arguments = Vec::new();
        while !self.rest.is_empty() {
            if arguments.len() == ARGUMENTS_MAX {
                return Err(self.malformed());
            }
            arguments.push(self.text(usize::MAX)?);
        }
        Ok(arguments)
    }
}

fn module(module: Module<'_>) -> ModuleName {
    match module {
        Module::Name(name) => ModuleName::Name(name.to_owned()),
        Module::Digest(digest) => ModuleName::Digest(digest),
    }
}

fn limits(asked: [Option<u64>; 5]) -> LimitsAsked {
    let [memory_bytes, table_elements, mailbox_messages, mailbox_bytes, children] = asked;
    LimitsAsked { memory_bytes, table_elements, mailbox_messages, mailbox_bytes, children }
}
