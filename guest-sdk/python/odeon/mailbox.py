"""Sending and receiving."""

from __future__ import annotations

from collections.abc import Callable

from wit_world.imports import mailbox as host
from wit_world.imports import timers

from . import _host
from .events import Event, Message, of_host, reference_of
from .message import encode
from .words import Pid, Reference

#: Whom a signal is for: an actor, a name on this node, a name on a node, an alias.
Destination = Pid | str | tuple[str, str] | Reference

_ANY = host.Filter_Any()
#: Events that were taken out of the mailbox by who waits for others, oldest first.
_kept: list[Event] = []


def send(to: Destination, value: object) -> None:
    """Sends a value and never waits. What cannot be delivered is dropped, except that a name
    of this node that nobody has raises a `HostError`.

    A pid may also be a dict, as messages have it.
    """
    if type(to) is Pid:
        host.send(to, encode(value))
    else:
        _host.asked("send", host.send_to, _host.destination(to), encode(value), _host.PLAINLY)


def receive(timeout: float | None = None, *, of: Reference | None = None) -> Message | None:
    """The oldest message, or the oldest that came by an alias; other events stay.

    ``None`` if none came within ``timeout`` seconds: 0 only looks, ``None`` waits for ever.
    """
    if of is not None:
        return receive_event(timeout, of=of)
    return receive_where(_is_message, timeout)


def _is_message(event: Event) -> bool:
    return type(event) is Message


def receive_event(timeout: float | None = None, *, of: Reference | None = None) -> Event | None:
    """The oldest event of any kind, or of a reference: its monitor, alias, timer, request."""
    if _kept:
        kept = _take(lambda event: of is None or reference_of(event) == of)
        if kept is not None:
            return kept
    return _from_host(_ANY if of is None else host.Filter_Reference(of),
                      _host.milliseconds(timeout))


def receive_where(fits: Callable[[Event], bool], timeout: float | None = None) -> Event | None:
    """The oldest event that fits; others stay, in their order."""
    if _kept:
        kept = _take(fits)
        if kept is not None:
            return kept
    left = _host.milliseconds(timeout)
    deadline = None if left is None else timers.now() + left * 1_000_000
    while True:
        event = _from_host(_ANY, left)
        if event is None or fits(event):
            return event
        _kept.append(event)
        if deadline is not None:
            left = max(0, -((timers.now() - deadline) // 1_000_000))


def _take(fits: Callable[[Event], bool]) -> Event | None:
    for at, event in enumerate(_kept):
        if fits(event):
            return _kept.pop(at)
    return None


def forget(reference: Reference) -> None:
    """Drops the events of a reference that were taken out of the mailbox."""
    _kept[:] = [event for event in _kept if reference_of(event) != reference]


def _from_host(filter, timeout_ms: int | None) -> Event | None:
    event = host.receive(filter, timeout_ms)
    return None if event is None else of_host(event)
