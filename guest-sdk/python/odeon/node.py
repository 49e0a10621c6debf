"""This node, the others, and the node's log."""

from __future__ import annotations

from wit_world.imports import log as host_log
from wit_world.imports import node as host

from . import _host
from .words import Pid


def node_name() -> str:
    """The name of this node."""
    return host.name()


def node_of(pid: Pid) -> str | None:
    """The name of the node that an actor lives on, where it is known here."""
    return host.name_of(pid)


def is_distributed() -> bool:
    """Whether this node takes part in a cluster."""
    return host.is_distributed()


def nodes(of: str = "visible") -> list[str]:
    """The names of other nodes, in order: of those that are connected and not hidden, or
    that are ``hidden``, ``connected`` or ``known``."""
    try:
        return host.nodes(host.Selection[of.upper()])
    except KeyError:
        raise ValueError(f"no choice of nodes is called {of!r}") from None


def connect(node: str) -> None:
    """Connects with a node and waits until that is done. Raises a `HostError`."""
    _host.asked("connect", host.connect, node)


def disconnect(node: str) -> bool:
    """Ends the connection with a node. False if there is none."""
    return host.disconnect(node)


def watch_nodes(on: bool = True) -> None:
    """A `NodeUp` or `NodeDown` comes for each node that comes or goes; or no more."""
    (host.watch if on else host.unwatch)(host.Watched.VISIBLE)


def log(level: str, text: str) -> None:
    """Writes a line for whoever runs the node: trace, debug, info, warn or error."""
    try:
        host_log.write(host_log.Level[level.upper()], text)
    except KeyError:
        raise ValueError(f"no level of the log is called {level!r}") from None


