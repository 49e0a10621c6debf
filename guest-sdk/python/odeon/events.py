"""What a mailbox holds. All of these can be matched: ``case Exited(sender, reason):``."""

from __future__ import annotations

from dataclasses import dataclass

from wit_world.imports import mailbox as host

from . import _host
from .message import decode
from .typed import T, as_type
from .words import HostError, Pid, Reason, Reference


@dataclass(frozen=True, slots=True)
class Message:
    """A message that somebody sent."""

    #: Who sent it; the host vouches for it.
    sender: Pid
    #: What was sent, as bytes.
    body: bytes
    #: The alias that it was sent to, if it was.
    via: Reference | None = None

    @property
    def value(self):
        """What was sent. Decoded when it is asked for; raises `MessageError`."""
        return decode(self.body)

    def read(self, kind: type[T]) -> T:
        """What was sent, as this type; see `as_type`."""
        return as_type(kind, decode(self.body))


@dataclass(frozen=True, slots=True)
class Exited:
    """The exit signal of another actor, for one that traps exits."""

    sender: Pid
    reason: Reason


@dataclass(frozen=True, slots=True)
class Down:
    """The end of a monitored actor."""

    monitor: Reference
    #: What was monitored: a pid, a name, a name and a node.
    object: Pid | str | tuple[str, str] | Reference
    reason: Reason


@dataclass(frozen=True, slots=True)
class SpawnReply:
    """The outcome of `spawn_request`: a pid, or the error."""

    request: Reference
    pid: Pid | None
    error: HostError | None


@dataclass(frozen=True, slots=True)
class Timeout:
    """A timer of `start_timer` has run out."""

    timer: Reference


@dataclass(frozen=True, slots=True)
class IoRequest:
    """Another actor, whose group leader this one is, reads or writes."""

    sender: Pid
    reply_as: Reference
    #: A request of the contract's interface ``io``.
    request: object


@dataclass(frozen=True, slots=True)
class NodeUp:
    """A connection to a node is there."""

    node: str
    id: int
    hidden: bool


@dataclass(frozen=True, slots=True)
class NodeDown:
    """The connection to a node is lost."""

    node: str
    id: int
    hidden: bool
    reason: str | None


@dataclass(frozen=True, slots=True)
class CallReply:
    """The outcome of `request`: what the function gave, as bytes, or the error."""

    request: Reference
    body: bytes | None
    error: HostError | None

    @property
    def value(self):
        """What the function gave. Raises the error where there is one."""
        if self.error is not None:
            raise self.error
        return decode(self.body)

    def read(self, kind: type[T]) -> T:
        """What the function gave, as this type."""
        return as_type(kind, self.value)


@dataclass(frozen=True, slots=True)
class NameLost:
    """This actor lost a cluster name, since another part of the cluster was met."""

    name: bytes
    #: The other owner, which has it now unless ``both`` lost it.
    other: Pid
    both: bool


@dataclass(frozen=True, slots=True)
class GroupChange:
    """Actors joined or left a group that is monitored."""

    monitor: Reference
    scope: bytes
    group: bytes
    #: Whether they joined; else they left.
    joined: bool
    members: list[Pid]


Event = (Message | Exited | Down | SpawnReply | Timeout | IoRequest | NodeUp | NodeDown
         | CallReply | NameLost | GroupChange)


def _message(it):
    via = it.via
    return Message(Pid(it.sender.node, it.sender.serial), it.body,
                   None if via is None else _host.reference(via))


_MAKERS = {
    host.Event_Message: _message,
    host.Event_Exit: lambda it: Exited(_host.pid(it.sender), _host.reason(it.reason)),
    host.Event_Down: lambda it: Down(
        _host.reference(it.monitor), _host.from_destination(it.object), _host.reason(it.reason)),
    host.Event_SpawnReply: lambda it: _spawn_reply(it),
    host.Event_Timeout: lambda it: Timeout(_host.reference(it)),
    host.Event_IoRequest: lambda it: IoRequest(
        _host.pid(it.sender), _host.reference(it.reply_as), it.request),
    host.Event_NodeUp: lambda it: NodeUp(it.node, it.id, it.hidden),
    host.Event_NodeDown: lambda it: NodeDown(it.node, it.id, it.hidden, it.reason),
    host.Event_CallReply: lambda it: CallReply(
        _host.reference(it.request), *_host.outcome("call", it.outcome)),
    host.Event_NameLost: lambda it: NameLost(it.name, _host.pid(it.other), it.both),
    host.Event_GroupChange: lambda it: GroupChange(
        _host.reference(it.monitor), it.scope, it.group, it.joined,
        [_host.pid(member) for member in it.members]),
}


def _spawn_reply(it) -> SpawnReply:
    pid, error = _host.outcome("spawn", it.outcome)
    return SpawnReply(_host.reference(it.request), _host.pid(pid), error)


def of_host(event) -> Event:
    """An event of the host as one of this SDK."""
    return _MAKERS[type(event)](event.value)


def reference_of(event: Event) -> Reference | None:
    """The reference by which an event can be waited for."""
    match event:
        case Message(via=own) | Timeout(timer=own) | Down(monitor=own):
            return own
        case GroupChange(monitor=own) | SpawnReply(request=own) | CallReply(request=own):
            return own
    return None
