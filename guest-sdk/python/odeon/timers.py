"""Time, in seconds, and events in the future."""

from __future__ import annotations

from wit_world.imports import timers as host

from . import _host
from .mailbox import Destination
from .message import encode
from .words import Reference


def now() -> float:
    """Seconds since the node started; never goes back."""
    return host.now() / 1e9


def sleep(seconds: float) -> None:
    """Waits, while other actors run."""
    host.sleep(_host.milliseconds(seconds))


def start_timer(seconds: float) -> Reference:
    """A `Timeout` event comes after a time."""
    return _host.reference(_host.asked("timer", host.start, _host.milliseconds(seconds)))


def send_after(seconds: float, to: Destination, value: object) -> Reference:
    """Sends a message after a time, unless the caller has ended by then."""
    arguments = _host.milliseconds(seconds), _host.destination(to), encode(value)
    return _host.reference(_host.asked("timer", host.send_after, *arguments))


def cancel_timer(timer: Reference) -> float | None:
    """Stops a timer. The seconds that were left; ``None`` if it has run out."""
    left = host.cancel(timer)
    return None if left is None else left / 1000
