"""Values of messages as objects of the types that a program expects."""

from __future__ import annotations

from dataclasses import MISSING, fields, is_dataclass
from enum import Enum
from functools import cache
from types import NoneType, UnionType
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from .message import MessageError, Variant

T = TypeVar("T")


def as_type(kind: type[T], value: object) -> T:
    """A value that `decode` gave, as this type: a dataclass, a `Variant` or a base class of
    several, an `Enum`, `Pid`, `Reference`, `Reason`, a union, ``list[...]``, ``dict[...]``,
    ``tuple[...]``, or a plain one.

    Fields that the class does not have are passed over, and one that is missing takes its
    default, or ``None`` where it may be that. An ``int`` is never made of anything else; a
    ``float`` is made of an integer, which other languages may write for one.
    Raises `MessageError`.
    """
    if kind is Any or kind is object:
        return value
    if kind is None or kind is NoneType:
        # The unit of typed languages is an empty array.
        return None if value is None or value == [] else _wrong("nothing", value)
    origin = get_origin(kind)
    if origin is not None:
        return _generic(kind, origin, get_args(kind), value)
    if not isinstance(kind, type):
        raise TypeError(f"{kind!r} is no type that messages are read as")
    if hasattr(kind, "__from_message__"):
        return kind.__from_message__(value)
    if issubclass(kind, Variant):
        return _variant(_cases(kind), value)
    if is_dataclass(kind):
        return _record(kind, value)
    if issubclass(kind, Enum):
        if isinstance(value, str) and value in kind.__members__:
            return kind[value]
        return _wrong("/".join(kind.__members__), value)
    return _plain(kind, value)


def _wrong(expected: str, value: object):
    found = "null" if value is None else type(value).__name__
    if isinstance(value, str):
        found = f"the text {value[:40]!r}"
    raise MessageError(f"{expected} was expected, not {found}")


def _plain(kind: type, value: object):
    # A bool is an int to Python, and is none here.
    if type(value) is kind:
        return value
    if kind is float and type(value) is int:
        return float(value)
    return _wrong(kind.__name__, value)


def _generic(kind, origin, arguments, value):
    if origin is Union or origin is UnionType:
        return _union(arguments, value)
    if origin is Literal:
        same = [it for it in arguments if type(it) is type(value) and it == value]
        return same[0] if same else _wrong(" or ".join(map(repr, arguments)), value)
    if origin is list:
        return [as_type(arguments[0], item) for item in _plain(list, value)]
    if origin is dict:
        key, item = arguments
        return {as_type(key, k): as_type(item, v) for k, v in _plain(dict, value).items()}
    if origin is tuple:
        return _tuple(arguments, _plain(list, value))
    raise TypeError(f"{kind!r} is no type that messages are read as")


def _tuple(arguments, items: list) -> tuple:
    if len(arguments) == 2 and arguments[1] is Ellipsis:
        return tuple(as_type(arguments[0], item) for item in items)
    if len(items) != len(arguments):
        raise MessageError(f"{len(arguments)} items were expected, not {len(items)}")
    return tuple(map(as_type, arguments, items))


def _union(arguments, value):
    if value is None and NoneType in arguments:
        return None
    problem = None
    for argument in arguments:
        try:
            return as_type(argument, value)
        except MessageError as error:
            # The one that comes closest is not known: the first says what is wrong.
            problem = problem or error
    raise problem or MessageError("an empty union")


@cache
def _hints(kind: type) -> dict[str, Any]:
    return get_type_hints(kind)


def _record(kind: type, value: object):
    if type(value) is not dict:
        return _wrong(kind.__name__, value)
    hints, given = _hints(kind), {}
    for field in fields(kind):
        if field.name in value:
            try:
                given[field.name] = as_type(hints[field.name], value[field.name])
            except MessageError as error:
                text = str(error).removeprefix("message not understood: ")
                raise MessageError(f"{kind.__name__}.{field.name}: {text}") from None
        elif field.default is MISSING and field.default_factory is MISSING:
            given[field.name] = _absent(kind, field.name, hints[field.name])
    return kind(**given)


def _absent(kind: type, name: str, hint):
    if NoneType in get_args(hint):
        return None
    raise MessageError(f"{kind.__name__}.{name} is missing")


def _cases(kind: type) -> dict[str, type]:
    """The dataclasses among a class and those that are derived from it."""
    cases = {kind.__name__: kind} if is_dataclass(kind) else {}
    for derived in kind.__subclasses__():
        cases |= _cases(derived)
    return cases


def _variant(cases: dict[str, type], value: object):
    name, content = value, {}
    if type(value) is dict and len(value) == 1:
        [(name, content)] = value.items()
    case = cases.get(name) if isinstance(name, str) else None
    if case is None:
        return _wrong(" or ".join(cases) or "no case", value)
    if [field.name for field in fields(case)] == ["value"]:
        return case(as_type(_hints(case)["value"], content))
    return _record(case, content)
