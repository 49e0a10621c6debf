"""Between the classes that componentize-py makes of wit/ and those of this SDK."""

from __future__ import annotations

from math import ceil

from componentize_py_types import Err, Ok
from wit_world.imports import mailbox, process, rpc, types

from .message import encode
from .words import REASONS, HostError, Pid, Reason, Reference

#: How a message is sent where nothing else is said.
PLAINLY = mailbox.SendOptions(0)


def _case(value: object) -> str:
    """``no-module`` of an instance of ``SpawnError_NoModule``."""
    name = type(value).__name__.partition("_")[2]
    return "".join(f"-{letter.lower()}" if letter.isupper() else letter for letter in name)[1:]


def pid(of) -> Pid | None:
    return None if of is None else Pid(of.node, of.serial)


def reference(of) -> Reference | None:
    return None if of is None else Reference(of.node, of.serial)


_REASONS = {kind: getattr(types, "ExitReason_" + kind.title().replace("-", ""))
            for kind in REASONS}
_KINDS = {host: kind for kind, host in _REASONS.items()}


def reason(of) -> Reason:
    return Reason(_KINDS[type(of)], getattr(of, "value", None))


def to_reason(of: Reason):
    case = _REASONS[of.kind]
    return case() if of.detail is None else case(of.detail)


def detail(value: object):
    """What goes with a case: a reason, a pid, or something plain."""
    if type(value) in _KINDS:
        return reason(value)
    if isinstance(value, types.Pid):
        return pid(value)
    return value


def failure(what: str, value: object) -> HostError:
    return HostError(what, _case(value), detail(getattr(value, "value", None)))


def asked(what: str, call, *arguments):
    """Calls the host; what it refuses is a `HostError`."""
    try:
        return call(*arguments)
    except Err as error:
        raise failure(what, error.value) from None


def outcome(what: str, result):
    """What a result of the host holds, and the `HostError` that it holds instead."""
    if isinstance(result, Ok):
        return result.value, None
    return None, failure(what, result.value)


def destination(to: object):
    """A pid, a name, a name and a node, an alias; or a pid as messages have it."""
    if isinstance(to, Pid):
        return types.Destination_Pid(to)
    if isinstance(to, str):
        return types.Destination_Name(to)
    if isinstance(to, Reference):
        return types.Destination_Alias(to)
    if isinstance(to, tuple) and len(to) == 2:
        return types.Destination_NodeName(types.NodeName(*to))
    if isinstance(to, dict):
        return types.Destination_Pid(Pid.of(to))
    raise TypeError("a destination is a Pid, a name, (name, node) or an alias")


def from_destination(of) -> Pid | Reference | str | tuple[str, str]:
    match of:
        case types.Destination_Pid(value):
            return pid(value)
        case types.Destination_Alias(value):
            return reference(value)
        case types.Destination_NodeName(value):
            return value.name, value.node
    return of.value


def milliseconds(seconds: float | None) -> int | None:
    """As the contract counts time; never less than was asked for."""
    return None if seconds is None else max(0, ceil(seconds * 1000))


def module(name: str | None, digest: str | None):
    if digest is not None:
        return process.Module_Digest(digest)
    return process.Module_This() if name is None else process.Module_Name(name)


def function_name(function) -> str:
    """A function by its name, or one that `actor` made startable."""
    if isinstance(function, str):
        return function
    return getattr(function, "__odeon_name__", None) or function.__name__


def entry_call(function, argument: object):
    return process.EntryCall(function_name(function), encode(argument))


_LIMITS = ("memory_bytes_max", "table_elements_max", "mailbox_messages_max",
           "mailbox_bytes_max", "children_max")


def limits(given: dict[str, int] | None):
    """Limits by their names; what is absent is the maker's."""
    if given is None:
        return None
    unknown = given.keys() - set(_LIMITS)
    if unknown:
        raise TypeError(f"no such limit: {', '.join(sorted(unknown))}")
    return process.Limits(*(given.get(name) for name in _LIMITS))


def call_options(node: str | None, timeout: float | None, given: dict[str, int] | None):
    return rpc.CallOptions(node, milliseconds(timeout), limits(given))
