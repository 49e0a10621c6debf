"""Actors: making them, ending them, watching them, and their names on this node."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, NoReturn

from wit_world.imports import process as host

from . import _host, terminal
from .mailbox import Destination, forget
from .words import NORMAL, Pid, Reason, Reference

_MONITOR = host.MonitorOptions(None, None, False)


def me() -> Pid:
    """The calling actor."""
    return _host.pid(host.me())


def make_reference() -> Reference:
    """A fresh reference, different from every other in the cluster."""
    return _host.reference(host.make_reference())


class Spawned(NamedTuple):
    """A new actor, and its monitor where one was asked for."""

    pid: Pid
    monitor: Reference | None


def _plan(function, argument, module, digest, node, link, monitor, name, group_leader, limits):
    options = host.SpawnOptions(node, link, _MONITOR if monitor else None, name, group_leader,
                                _host.limits(limits))
    start = host.Start_Entry(_host.entry_call(function, argument))
    return _host.module(module, digest), start, options


def spawn_with(function: str | Callable, argument: object = None, *, module: str | None = None,
               digest: str | None = None, node: str | None = None, link: bool = False,
               monitor: bool = False, name: str | None = None, group_leader: Pid | None = None,
               limits: dict[str, int] | None = None) -> Spawned:
    """Makes an actor: of this module, or of one by the name under which it is deployed
    (``module``) or its SHA-256 (``digest``); on this node or on ``name@host``.

    ``limits`` has any of memory_bytes_max, table_elements_max, mailbox_messages_max,
    mailbox_bytes_max, children_max; none is ever more than the maker's.
    Raises a `HostError` where there is no actor.
    """
    plan = _plan(function, argument, module, digest, node, link, monitor, name, group_leader,
                 limits)
    spawned = _host.asked("spawn", host.spawn_with, *plan)
    return Spawned(_host.pid(spawned.pid), _host.reference(spawned.monitor))


def spawn(function: str | Callable, argument: object = None, **options) -> Pid:
    """Makes an actor; the options are those of `spawn_with`."""
    return spawn_with(function, argument, **options).pid


def spawn_link(function: str | Callable, argument: object = None, **options) -> Pid:
    """Makes an actor that is linked with the caller."""
    return spawn_with(function, argument, link=True, **options).pid


def spawn_monitor(function: str | Callable, argument: object = None, **options) -> Spawned:
    """Makes an actor that the caller monitors."""
    return spawn_with(function, argument, monitor=True, **options)


def spawn_request(function: str | Callable, argument: object = None, *,
                  module: str | None = None, digest: str | None = None,
                  node: str | None = None, link: bool = False, monitor: bool = False,
                  name: str | None = None, group_leader: Pid | None = None,
                  limits: dict[str, int] | None = None) -> Reference:
    """Asks for an actor without waiting: a `SpawnReply` of this reference comes."""
    plan = _plan(function, argument, module, digest, node, link, monitor, name, group_leader,
                 limits)
    return _host.reference(host.spawn_request(*plan, host.ReplyWhen.ALWAYS))


def trap_exit(on: bool = True) -> bool:
    """Whether exit signals become `Exited` events. Gives the former value."""
    return host.trap_exit(on)


def link(to: Pid) -> None:
    """Links the caller with an actor: each gets the other's end as an exit signal."""
    _host.asked("link", host.link, to, False)


def unlink(to: Pid) -> None:
    """Removes a link."""
    host.unlink(to)


def monitor(of: Destination) -> Reference:
    """Watches an actor: one `Down` comes when it ends, or at once where it does not exist."""
    return _host.reference(host.monitor(_host.destination(of), _MONITOR))


def demonitor(reference: Reference) -> bool:
    """Ends a monitor, and drops its event if that waits. Whether it was there."""
    was_there = _host.asked("demonitor", host.demonitor, reference, True)
    forget(reference)
    return was_there


def exit(to: Pid, reason: Reason) -> None:
    """Sends an exit signal to an actor."""
    host.exit(to, _host.to_reason(reason))


def stop(reason: Reason = NORMAL) -> NoReturn:
    """Ends the calling actor at once, without ``finally`` clauses; `Exit` is the gentle way."""
    terminal.flush()
    host.stop(_host.to_reason(reason))
    raise AssertionError("a stopped actor does not run on")


def is_alive(pid: Pid) -> bool:
    """Whether an actor of this node lives."""
    return host.is_alive(pid)


def alias(*, once: bool = False) -> Reference:
    """A reference by which others can send to the caller, until `unalias`; with ``once``
    until the first message."""
    life = host.AliasLife.REPLY if once else host.AliasLife.EXPLICIT
    return _host.reference(host.alias(life, False))


def unalias(reference: Reference) -> bool:
    """Ends an alias of the caller. Whether it was there."""
    return host.unalias(reference)


def register(name: str, pid: Pid | None = None) -> None:
    """Gives an actor of this node, the caller unless told otherwise, a name there."""
    _host.asked("register", host.register, name, me() if pid is None else pid)


def unregister(name: str) -> bool:
    """Takes a name of this node away. Whether anybody had it."""
    return host.unregister(name)


def whereis(name: str) -> Pid | None:
    """The actor that has a name on this node."""
    return _host.pid(host.whereis(name))


def registered() -> list[str]:
    """All names on this node."""
    return host.registered()
