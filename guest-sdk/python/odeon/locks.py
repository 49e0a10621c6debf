"""Locks of the whole cluster: docs/cluster.md."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from wit_world.imports import locks as host

from . import _host
from .names import as_bytes
from .process import me


def _id(resource: str | bytes, requester: str | bytes | None):
    own = me()
    requester = f"{own.node}.{own.serial}" if requester is None else requester
    return host.LockId(as_bytes(resource), as_bytes(requester))


def acquire(resource: str | bytes, *, requester: str | bytes | None = None,
            nodes: Sequence[str] | None = None, timeout: float | None = None) -> None:
    """Holds a lock from now on: at these nodes, or at all connected ones. Actors with one
    requester, the caller alone unless told otherwise, hold it together. Raises a
    `HostError`: ``timeout``, ``held`` with whom, or another."""
    _host.asked("lock", host.set_lock, _id(resource, requester),
                None if nodes is None else list(nodes), _host.milliseconds(timeout))


def release(resource: str | bytes, *, requester: str | bytes | None = None,
            nodes: Sequence[str] | None = None) -> None:
    """Holds a lock no longer. It is released at the actor's end as well."""
    _host.asked("lock", host.delete_lock, _id(resource, requester),
                None if nodes is None else list(nodes))


@contextmanager
def lock(resource: str | bytes, *, nodes: Sequence[str] | None = None,
         timeout: float | None = None) -> Iterator[None]:
    """``with lock("resource"):`` holds it meanwhile."""
    acquire(resource, nodes=nodes, timeout=timeout)
    try:
        yield
    finally:
        release(resource, nodes=nodes)
