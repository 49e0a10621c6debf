"""Groups of actors of all connected nodes: docs/cluster.md. Scopes and groups are texts or
bytes; a node takes part in a scope after `start`."""

from __future__ import annotations

from typing import NamedTuple

from wit_world.imports import groups as host

from . import _host
from .mailbox import forget
from .message import encode
from .names import as_bytes
from .process import me
from .words import Pid, Reference

Name = str | bytes


def _asked(call, *arguments):
    return _host.asked("group", call, *arguments)


def _pids(given: tuple[Pid, ...]) -> list[Pid]:
    return list(given) or [me()]


def start(scope: Name) -> bool:
    """This node takes part in a scope. False if it did already."""
    return _asked(host.start, as_bytes(scope))


def stop(scope: Name) -> bool:
    """It takes no more part: its members have left, and monitors of the scope are gone. False
    if it took none."""
    return _asked(host.stop, as_bytes(scope))


def scopes() -> list[bytes]:
    """The scopes that this node takes part in."""
    return host.scopes()


def join(scope: Name, group: Name, *pids: Pid) -> None:
    """Actors of this node, the caller unless told otherwise, join a group."""
    _asked(host.join, as_bytes(scope), as_bytes(group), _pids(pids))


def leave(scope: Name, group: Name, *pids: Pid) -> None:
    """Actors of this node, the caller unless told otherwise, leave a group."""
    _asked(host.leave, as_bytes(scope), as_bytes(group), _pids(pids))


def members(scope: Name, group: Name, *, local: bool = False) -> list[Pid]:
    """The members of a group: of all nodes, or of this one."""
    found = _asked(host.members, as_bytes(scope), as_bytes(group), local)
    return [_host.pid(member) for member in found]


def groups(scope: Name, *, local: bool = False) -> list[bytes]:
    """The groups of a scope that have members."""
    return _asked(host.list, as_bytes(scope), local)


def pick(scope: Name, group: Name, *, closest: bool = False) -> Pid | None:
    """A member at random; with ``closest`` one of this node if it has any."""
    choice = host.Choice.CLOSEST if closest else host.Choice.RANDOM
    return _host.pid(_asked(host.pick, as_bytes(scope), as_bytes(group), choice))


class Monitored(NamedTuple):
    """A monitor, and the members of each group before its first event."""

    monitor: Reference
    members: dict[bytes, list[Pid]]


def monitor(scope: Name, group: Name | None = None) -> Monitored:
    """Every join and leave is a `GroupChange` from now on: of a group, or of all."""
    of = None if group is None else as_bytes(group)
    found = _asked(host.monitor, as_bytes(scope), of)
    members = {it.group: [_host.pid(pid) for pid in it.members] for it in found.members}
    return Monitored(_host.reference(found.monitor), members)


def demonitor(reference: Reference) -> bool:
    """Ends a monitor, and drops its events that wait. Whether it was there."""
    was_there = host.demonitor(reference)
    forget(reference)
    return was_there


def send(scope: Name, group: Name, value: object) -> int:
    """Sends to every member; to each node once. How many there are on this node."""
    return _host.asked("send", host.send, as_bytes(scope), as_bytes(group), encode(value),
                       _host.PLAINLY)
