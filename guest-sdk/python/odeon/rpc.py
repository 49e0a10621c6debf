"""Calls of functions, on this node or another one."""

from __future__ import annotations

from collections.abc import Callable

from wit_world.imports import rpc as host

from . import _host
from .message import decode
from .words import Reference


def call(function: str | Callable, argument: object = None, *, module: str | None = None,
         digest: str | None = None, node: str | None = None, timeout: float | None = None,
         limits: dict[str, int] | None = None):
    """Calls a function of an SDK's actor and gives what it returned. Several arguments are a
    list. Raises a `HostError` if there is no result within ``timeout`` seconds, or at all."""
    target = host.Target_Entry(_host.entry_call(function, argument))
    return decode(_call(target, module, digest, node, timeout, limits))


def call_text(text: str, *, module: str | None = None, digest: str | None = None,
              node: str | None = None, timeout: float | None = None,
              limits: dict[str, int] | None = None) -> str:
    """Calls any exported function as WAVE text, as in ``add(1, 2)``; gives WAVE text."""
    return _call(host.Target_Wave(text), module, digest, node, timeout, limits).decode()


def _call(target, module, digest, node, timeout, limits) -> bytes:
    options = _host.call_options(node, timeout, limits)
    return _host.asked("call", host.call, _host.module(module, digest), target, options)


def cast(function: str | Callable, argument: object = None, *, module: str | None = None,
         digest: str | None = None, node: str | None = None) -> None:
    """Asks for a run of a function whose result nobody wants."""
    target = host.Target_Entry(_host.entry_call(function, argument))
    options = _host.call_options(node, None, None)
    _host.asked("cast", host.cast, _host.module(module, digest), target, options)


def request(function: str | Callable, argument: object = None, *, module: str | None = None,
            digest: str | None = None, node: str | None = None, timeout: float | None = None,
            limits: dict[str, int] | None = None) -> Reference:
    """Calls without waiting: a `CallReply` of this reference comes."""
    target = host.Target_Entry(_host.entry_call(function, argument))
    options = _host.call_options(node, timeout, limits)
    return _host.reference(host.request(_host.module(module, digest), target, options))


def abandon(reference: Reference) -> bool:
    """Gives up a call that `request` made. Whether it was under way."""
    return host.abandon(reference)
