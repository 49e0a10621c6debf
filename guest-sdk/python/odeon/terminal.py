"""Output and input through the group leader; `print` and `input` as well.

What is written is sent on line by line; `flush`, the end of the actor and a read send what
is left of a line. When the module is built there is no group leader, and both go to the
terminal of the build.
"""

from __future__ import annotations

import io
import sys

from wit_world.imports import io as host

from . import _host
from .words import Pid

#: A line that is longer is sent on in parts.
LINE_CHARS_MAX = 8192

_running = False


class _Writer(io.TextIOBase):
    """A stream of text to the group leader."""

    encoding = "utf-8"
    errors = "replace"

    def __init__(self, channel, name: str, build: io.TextIOBase):
        self._channel = channel
        self._build = build
        self._parts: list[str] = []
        self._length = 0
        self.name = name

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        if not _running:
            return self._build.write(text)
        self._parts.append(text)
        self._length += len(text)
        if "\n" in text or self._length > LINE_CHARS_MAX:
            self.flush()
        return len(text)

    def flush(self) -> None:
        if not _running:
            self._build.flush()
        elif self._parts:
            text = "".join(self._parts)
            self._parts.clear()
            self._length = 0
            chars = text.encode(errors="replace")
            _host.asked("print", host.put_chars, self._channel, chars)


class _Reader(io.TextIOBase):
    """The lines of the group leader."""

    encoding = "utf-8"
    name = "<stdin>"

    def readable(self) -> bool:
        return True

    def readline(self, size: int = -1) -> str:
        if size != -1:
            raise io.UnsupportedOperation("part of a line")
        return get_line() or ""

    def read(self, size: int = -1) -> str:
        if size != -1:
            raise io.UnsupportedOperation("part of the input")
        return "".join(iter(self.readline, ""))


def get_line(prompt: str = "") -> str | None:
    """A line with its end; ``None`` at the end of the input. Raises `UnicodeDecodeError`
    where that is not UTF-8."""
    flush()
    line = _host.asked("input", host.get_line, prompt)
    return None if line is None else line.decode()


def flush() -> None:
    """Sends on what was written, and waits until it is."""
    sys.stdout.flush()
    sys.stderr.flush()


def group_leader() -> Pid:
    """Where the calling actor's output goes."""
    return _host.pid(host.group_leader())


def set_group_leader(leader: Pid, of: Pid) -> None:
    """Makes an actor the group leader of another."""
    host.set_group_leader(leader, of)


def install() -> None:
    """Makes these streams those of Python."""
    sys.stdout = _Writer(host.Channel.OUTPUT, "<stdout>", sys.stdout)
    sys.stderr = _Writer(host.Channel.ERROR, "<stderr>", sys.stderr)
    sys.stdin = _Reader()


def begin() -> None:
    """An actor runs: there is a group leader from now on."""
    global _running
    _running = True
