"""Messages: the CBOR of docs/messages.md. Nothing here knows the host.

=========================== ==========================================================
in a message                in Python
=========================== ==========================================================
null, booleans, text, bytes ``None``, ``bool``, ``str``, ``bytes``
integers, floats            ``int`` (from -2^63 to 2^64 - 1), ``float``
lists, tuples               ``list``; ``tuple`` is written as one
records                     ``dict`` with names of fields; dataclasses are written as one
maps                        ``dict``; a key that is a list is read as a ``tuple``
pids, references, reasons   ``dict``; `Pid`, `Reference` and `Reason` are written as such
=========================== ==========================================================

`typed.as_type` makes classes of what `decode` gives.
"""

from __future__ import annotations

import struct
from dataclasses import fields, is_dataclass
from enum import Enum

#: Values within each other, at most: a sender is not to use up the receiver's stack.
DEPTH_MAX = 32

_FLOAT = struct.Struct(">d")
_SINGLE = struct.Struct(">f")
#: By the number of bytes that follow the head: what the head says, and how they are laid out.
_HEADS = ((0x100, 24, struct.Struct(">BB")), (0x10000, 25, struct.Struct(">BH")),
          (0x100000000, 26, struct.Struct(">BI")), (1 << 64, 27, struct.Struct(">BQ")))


class MessageError(ValueError):
    """A body that is not what docs/messages.md describes, or not of the type expected."""

    def __init__(self, problem: str):
        super().__init__(f"message not understood: {problem}")


class Variant:
    """One case of a choice; a base class for dataclasses.

    A case without fields is its name as a text, one with the single field ``value`` a map
    from the name to that value, any other a map from the name to a map of its fields::

        @dataclass
        class Add(Variant):       # {"Add": 5}
            value: int

        @dataclass
        class Stop(Variant):      # "Stop"
            pass
    """


def encode(value: object) -> bytes:
    """The body of a value.

    Raises `OverflowError` for an integer that no message holds, `TypeError` for what has no
    form in messages, `ValueError` for a text with half a surrogate pair or for values that
    nest more than 32 levels deep.
    """
    out = bytearray()
    _write(out, value, 1)
    return bytes(out)


def decode(body: bytes) -> object:
    """The value of a body; no bytes at all are ``None``. Raises `MessageError`."""
    if not body:
        return None
    try:
        value, at = _read(body, 0, 1)
    except IndexError:
        raise _cut() from None
    if at != len(body):
        raise MessageError(f"{len(body) - at} bytes too many")
    return value


# ---- Writing ----

def _head(out: bytearray, major: int, number: int) -> None:
    if number < 24:
        out.append(major | number)
        return
    for limit, info, layout in _HEADS:
        if number < limit:
            out += layout.pack(major | info, number)
            return
    raise OverflowError("integers in messages are from -2^63 to 2^64 - 1")


def _write(out: bytearray, value: object, depth: int) -> None:
    kind = type(value)
    if kind is str:
        text = value.encode()
        _head(out, 0x60, len(text))
        out += text
    elif kind is int:
        _integer(out, value)
    elif kind is dict:
        _entries(out, value.items(), depth)
    elif kind is list or kind is tuple:
        _items(out, value, depth)
    elif value is None:
        out.append(0xF6)
    elif kind is bool:
        out.append(0xF5 if value else 0xF4)
    elif kind is float:
        out.append(0xFB)
        out += _FLOAT.pack(value)
    elif kind is bytes:
        _head(out, 0x40, len(value))
        out += value
    else:
        _other(out, value, depth)


def _integer(out: bytearray, value: int) -> None:
    if value >= 0:
        _head(out, 0x00, value)
    elif value >= -(1 << 63):
        _head(out, 0x20, -1 - value)
    else:
        raise OverflowError("integers in messages are from -2^63 to 2^64 - 1")


def _check(depth: int) -> None:
    if depth >= DEPTH_MAX:
        raise ValueError("values in messages nest 32 levels deep at most")


def _items(out: bytearray, items, depth: int) -> None:
    _head(out, 0x80, len(items))
    if items:
        _check(depth)
    for item in items:
        _write(out, item, depth + 1)


def _entries(out: bytearray, entries, depth: int) -> None:
    _head(out, 0xA0, len(entries))
    if entries:
        _check(depth)
    for key, value in entries:
        _write(out, key, depth + 1)
        _write(out, value, depth + 1)


def _other(out: bytearray, value: object, depth: int) -> None:
    if hasattr(value, "__message__"):
        _write(out, value.__message__(), depth)
    elif isinstance(value, Enum):
        _write(out, value.name, depth)
    elif is_dataclass(value) and not isinstance(value, type):
        _write(out, _record(value), depth)
    elif isinstance(value, (bytearray, memoryview)):
        _write(out, bytes(value), depth)
    else:
        # Classes of one's own that are also one of these.
        for base in (str, int, float, dict, list, tuple, bytes):
            if isinstance(value, base):
                return _write(out, base(value), depth)
        raise TypeError(f"a {type(value).__name__} cannot be in a message")


def _record(value: object) -> object:
    content = {field.name: getattr(value, field.name) for field in fields(value)}
    if not isinstance(value, Variant):
        return content
    name = type(value).__name__
    if not content:
        return name
    return {name: content["value"] if content.keys() == {"value"} else content}


# ---- Reading: each gives a value and where the next one begins ----

def _cut() -> MessageError:
    return MessageError("it ends too early")


def _read(body: bytes, at: int, depth: int):
    first = body[at]
    at += 1
    info = first & 31
    major = first >> 5
    if major == 7:
        return _simple(body, at, first)
    if info < 24:
        number = info
    elif info < 28:
        end = at + (1 << (info - 24))
        if end > len(body):
            raise _cut()
        number = int.from_bytes(body[at:end], "big")
        at = end
    else:
        raise MessageError("a length that is not of use here")
    if major == 0:
        return number, at
    if major == 3 or major == 2:
        end = at + number
        if end > len(body):
            raise _cut()
        return (_text(body[at:end]) if major == 3 else bytes(body[at:end])), end
    if major == 4:
        return _read_items(body, at, number, depth)
    if major == 5:
        return _read_entries(body, at, number, depth)
    if major == 6:
        raise MessageError("a tag, which messages do not have")
    if number > 0x7FFFFFFFFFFFFFFF:
        raise MessageError("an integer below -2^63")
    return -1 - number, at


def _text(body: bytes) -> str:
    try:
        return body.decode()
    except UnicodeDecodeError:
        raise MessageError("a text that is not UTF-8") from None


def _room(body: bytes, at: int, count: int, depth: int) -> None:
    """Each item takes a byte at least, so nothing is made for what is not there."""
    if count > len(body) - at:
        raise _cut()
    if count and depth >= DEPTH_MAX:
        raise MessageError("it is nested too deeply")


def _read_items(body: bytes, at: int, count: int, depth: int):
    _room(body, at, count, depth)
    items = []
    for _ in range(count):
        item, at = _read(body, at, depth + 1)
        items.append(item)
    return items, at


def _read_entries(body: bytes, at: int, count: int, depth: int):
    _room(body, at, count, depth)
    entries = {}
    for _ in range(count):
        key, at = _read(body, at, depth + 1)
        value, at = _read(body, at, depth + 1)
        try:
            entries[tuple(key) if type(key) is list else key] = value
        except TypeError:
            raise MessageError("a key that Python's dict does not take") from None
    if len(entries) != count:
        # For a dict, 1, 1.0 and True are one key.
        raise MessageError("a key that comes twice")
    return entries, at


def _simple(body: bytes, at: int, first: int):
    if first == 0xF6 or first == 0xF7:
        return None, at
    if first == 0xF4 or first == 0xF5:
        return first == 0xF5, at
    for code, layout in ((0xFB, _FLOAT), (0xFA, _SINGLE)):
        if first == code:
            end = at + layout.size
            if end > len(body):
                raise _cut()
            return layout.unpack_from(body, at)[0], end
    raise MessageError("a simple value, which messages do not have")
