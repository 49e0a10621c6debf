"""The words of the contract: who, which, and why. Nothing here knows the host."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from .message import MessageError


class _Id:
    """Two numbers below 2^53."""

    __slots__ = ()

    @classmethod
    def of(cls, value: object) -> Self:
        """This value as one: a dict, as messages have it, or one already. Raises
        `MessageError`."""
        if type(value) is cls:
            return value
        if type(value) is dict and type(value.get("node")) is type(value.get("serial")) is int:
            return cls(value["node"], value["serial"])
        raise MessageError(f"a {cls.__name__.lower()} was expected")

    __from_message__ = of

    def __message__(self) -> dict[str, int]:
        return {"node": self.node, "serial": self.serial}


@dataclass(frozen=True, slots=True)
class Pid(_Id):
    """Names one actor, for ever."""

    #: The incarnation of the node that it lives on.
    node: int
    #: The actor within that incarnation.
    serial: int


@dataclass(frozen=True, slots=True)
class Reference(_Id):
    """Names one monitor, alias, timer or request."""

    #: The incarnation of the node that made it.
    node: int
    #: The reference within that incarnation.
    serial: int


@dataclass(frozen=True, slots=True)
class Reason:
    """Why an actor ended, or is asked to end.

    ``kind`` is the case of the contract's ``exit-reason``: normal, shutdown, kill, killed,
    noproc, noconnection; error, trap and limit, with words as their detail; exit-code with
    a number; custom with bytes.
    """

    kind: str
    detail: str | int | bytes | None = None

    def __str__(self) -> str:
        return self.kind if self.detail is None else f"{self.kind}: {self.detail}"

    def __message__(self):
        name = self.kind.title().replace("-", "")
        return name if self.detail is None else {name: self.detail}

    @classmethod
    def __from_message__(cls, value: object) -> Self:
        name, detail = value, None
        if type(value) is dict and len(value) == 1:
            [(name, detail)] = value.items()
        for kind, of in REASONS.items():
            if name == kind.title().replace("-", "") and isinstance(detail, of):
                return cls(kind, detail)
        raise MessageError("an exit reason was expected")


#: The kinds of reasons, and what their details are.
REASONS = dict.fromkeys(("normal", "shutdown", "kill", "killed", "noproc", "noconnection"),
                        type(None))
REASONS |= {"error": str, "trap": str, "limit": str, "exit-code": int, "custom": bytes}

NORMAL = Reason("normal")
SHUTDOWN = Reason("shutdown")
KILL = Reason("kill")


def error(text: str) -> Reason:
    """A failure in words."""
    return Reason("error", text)


class Exit(BaseException):
    """Ends the actor for a reason when it is raised: as `SystemExit`, it passes by
    ``except Exception``. A text is an error in words."""

    def __init__(self, reason: Reason | str = NORMAL):
        self.reason = error(reason) if isinstance(reason, str) else reason
        super().__init__(str(self.reason))


class HostError(Exception):
    """What the host refused. ``kind`` is the case of the contract's error, as in
    ``no-module``; ``detail`` what goes with it: words, a number, a `Reason`, a `Pid`."""

    def __init__(self, what: str, kind: str, detail: object = None):
        super().__init__(f"{what}: {kind}" + ("" if detail is None else f": {detail}"))
        self.kind = kind
        self.detail = detail
