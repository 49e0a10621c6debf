"""The functions at which actors start, and the door by which a host starts them."""

from __future__ import annotations

import inspect
import os
import traceback
from collections.abc import Callable
from typing import Any, get_type_hints

from componentize_py_types import Err
from wit_world import exports
from wit_world.imports import log, rpc

from . import _host, terminal
from .message import MessageError, decode, encode
from .typed import as_type
from .words import Exit, Reason, error

_starts: dict[str, _Start] = {}


class _Start:
    """A function and how it takes its argument."""

    def __init__(self, function: Callable):
        hints = get_type_hints(function)
        positional = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
        found = inspect.signature(function).parameters.values()
        self.parameters = [it for it in found if it.kind in positional]
        self.hints = [hints.get(it.name, Any) for it in self.parameters]
        self.needed = sum(it.default is it.empty for it in self.parameters)
        self.function = function

    def arguments(self, value: object) -> list:
        """What the function is called with. Raises `MessageError`."""
        most = len(self.parameters)
        if most == 0:
            return []
        if most == 1:
            given = [] if value is None and self.needed == 0 else [value]
        elif type(value) is list and self.needed <= len(value) <= most:
            given = value
        elif value is None and self.needed == 0:
            given = []
        else:
            raise MessageError(f"an array of {most} values was expected")
        return [as_type(hint, item) for hint, item in zip(self.hints, given)]


def actor(function: Callable) -> Callable:
    """Makes a function one at which actors can start, under its own name::

        @actor
        def greet(name: str = "world"):
            print(f"hello, {name}")

    A function of several parameters takes its argument as an array of them. Parameters with
    annotations take what `as_type` makes of the argument. What it returns is the result
    where it was called by rpc. Functions must be made startable when the module is built.
    """
    _starts[function.__name__] = _Start(function)
    function.__odeon_name__ = function.__name__
    return function


class Entry(exports.Entry):
    """What componentize-py exports."""

    def start(self, function: str, argument: bytes) -> None:
        terminal.begin()
        start = _starts.get(function)
        if start is None:
            known = ", ".join(_starts)
            raise _ended(error(f"no function `{function}` in this module; it has {known}"))
        try:
            arguments = start.arguments(decode(argument))
        except MessageError as problem:
            raise _ended(error(f"argument of the start function: {problem}")) from None
        reason = _run(start.function, arguments)
        if reason.kind != "normal":
            raise _ended(reason)


def _ended(reason: Reason) -> Err:
    return Err(_host.to_reason(reason))


def _run(function: Callable, arguments: list) -> Reason:
    reason = Reason("normal")
    try:
        result = function(*arguments)
        if result is not None:
            rpc.give_result(encode(result))
    except Exit as ended:
        reason = ended.reason
    except SystemExit as ended:
        reason = _of_exit(ended.code)
    except BaseException as problem:
        _crash(problem)
    terminal.flush()
    return reason


def _of_exit(code: object) -> Reason:
    """As Python's own programs end by `sys.exit`."""
    if code is None or code == 0:
        return Reason("normal")
    if isinstance(code, int):
        return Reason("exit-code", code & 0xFF or 1)
    return error(str(code))


def _crash(problem: BaseException) -> None:
    """Ends the actor by a trap whose reason is the exception and where it was raised."""
    # Without this file's own frame.
    problem = problem.with_traceback(problem.__traceback__.tb_next)
    log.panic("".join(traceback.format_exception(problem)).rstrip())
    terminal.flush()
    os.abort()


