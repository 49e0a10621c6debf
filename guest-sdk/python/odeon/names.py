"""Names that are known on every connected node: docs/cluster.md. Names are texts or bytes."""

from __future__ import annotations

from wit_world.imports import names as host

from . import _host
from .message import encode
from .process import me
from .words import Pid

#: What happens when parts of a cluster meet that each gave the name.
RESOLVERS = {
    "random-exit": host.Resolver_RandomExit,
    "random-notify": host.Resolver_RandomNotify,
    "notify-all": host.Resolver_NotifyAll,
    "oldest-exit": host.Resolver_OldestExit,
    "oldest-notify": host.Resolver_OldestNotify,
}


def as_bytes(name: str | bytes) -> bytes:
    return name.encode() if isinstance(name, str) else name


def _options(resolver: str, timeout: float | None):
    if resolver not in RESOLVERS:
        raise ValueError(f"{resolver!r} is none of {', '.join(RESOLVERS)}")
    return host.RegisterOptions(RESOLVERS[resolver](), _host.milliseconds(timeout))


def register(name: str | bytes, pid: Pid | None = None, *, resolver: str = "random-exit",
             timeout: float | None = None) -> None:
    """Gives an actor, the caller unless told otherwise, a name that nobody has, and waits
    until every connected node knows. Raises a `HostError`: ``taken`` with the owner."""
    who = me() if pid is None else pid
    _host.asked("register", host.register, as_bytes(name), who, _options(resolver, timeout))


def re_register(name: str | bytes, pid: Pid | None = None, *, resolver: str = "random-exit",
                timeout: float | None = None) -> None:
    """The same, whoever has the name."""
    who = me() if pid is None else pid
    _host.asked("register", host.re_register, as_bytes(name), who, _options(resolver, timeout))


def unregister(name: str | bytes, *, timeout: float | None = None) -> None:
    """Frees a name, whoever has it."""
    _host.asked("unregister", host.unregister, as_bytes(name), _host.milliseconds(timeout))


def whereis(name: str | bytes) -> Pid | None:
    """Who has this name, as far as this node knows."""
    return _host.pid(host.whereis(as_bytes(name)))


def send(name: str | bytes, value: object) -> Pid:
    """Sends to whoever has this name, and says who that is. Raises a `HostError`."""
    found = _host.asked("send", host.send, as_bytes(name), encode(value), _host.PLAINLY)
    return _host.pid(found)


def registered() -> dict[bytes, Pid]:
    """All names that this node knows, in the order of their bytes."""
    page_max = 1024
    names, after = {}, None
    while True:
        page = host.list(after, page_max)
        names |= {named.name: _host.pid(named.pid) for named in page}
        if len(page) < page_max:
            return names
        after = page[-1].name
