"""The functions that every language's guest of the suite `languages` has, in Python.

tests/languages says what each is for. A check ends normally, or by an exception.
"""

import datetime
import os
import random
import secrets
import sys
import time
import uuid
from dataclasses import dataclass
from enum import Enum

import odeon
from odeon import (KILL, SHUTDOWN, Down, Exit, Exited, Message, MessageError, Pid, Reason,
                   Reference, Variant, actor, call, encode, receive, receive_event, send, spawn)

import cluster  # noqa: F401: its actors are of this module
from checks import LONG, SHORT, echo, next_event, refused, same, silence

def reason_of(monitor: Reference) -> Reason:
    return receive_event(LONG, of=monitor).reason


@actor
def waiter():
    while True:
        receive_event()


@actor
def nothing():
    pass


@actor
def fail(text: str):
    raise Exit(text)


@actor
def crash(text: str):
    raise RuntimeError(text)


@actor
def custom(detail: bytes):
    odeon.stop(Reason("custom", detail))


@actor
def add(a: int, b: int) -> int:
    total = a + b
    if not -(1 << 63) <= total < 1 << 63:
        raise Exit("the sum is out of range")
    return total


@actor
def check_send():
    child = spawn(echo)
    for number in range(100):
        send(child, number)
    for number in range(100):
        same(receive(LONG), Message(child, encode(number)))
    alias = odeon.alias()
    send(alias, "by alias")
    message = receive(LONG, of=alias)
    same((message.value, message.via), ("by alias", alias))
    assert odeon.unalias(alias)
    send(alias, "too late")
    silence()
    # Those that were passed over stay, in their order.
    for word in ("one", "two", "three"):
        send(odeon.me(), word)
    same(odeon.receive_where(lambda event: event.value == "two", LONG).value, "two")
    same([receive(LONG).value, receive(LONG).value], ["one", "three"])


@actor
def check_timeout():
    same(receive(0), None)
    before = odeon.now()
    same(receive(SHORT), None)
    assert odeon.now() - before >= SHORT
    timer = odeon.start_timer(0.001)
    same(next_event(), odeon.Timeout(timer))
    assert odeon.cancel_timer(odeon.start_timer(LONG)) > 0
    odeon.send_after(0.001, odeon.me(), "later")
    same(receive(LONG).value, "later")
    # What Python itself has for it.
    before = time.monotonic()
    time.sleep(SHORT)
    assert time.monotonic() - before >= SHORT
    assert time.time() > 1_700_000_000
    silence()


@actor
def check_links():
    odeon.trap_exit()
    failing = odeon.spawn_link(fail, "on purpose")
    same(next_event(), Exited(failing, odeon.error("on purpose")))
    free = spawn(waiter)
    odeon.link(free)
    odeon.unlink(free)
    odeon.exit(free, KILL)
    silence()
    bound = spawn(waiter)
    odeon.link(bound)
    odeon.exit(bound, SHUTDOWN)
    same(next_event(), Exited(bound, SHUTDOWN))


@actor
def check_monitors():
    child = spawn(waiter)
    dropped, kept = odeon.monitor(child), odeon.monitor(child)
    same(odeon.demonitor(dropped), True)
    odeon.exit(child, KILL)
    same(next_event(), Down(kept, child, Reason("killed")))
    same(reason_of(odeon.monitor(child)), Reason("noproc"))
    same(odeon.is_alive(child), False)
    request = odeon.spawn_request(nothing)
    reply = receive_event(LONG, of=request)
    assert isinstance(reply.pid, Pid) and reply.error is None
    silence()


def end_of(function, argument=None) -> Reason:
    return reason_of(odeon.spawn_monitor(function, argument).monitor)


@actor
def leave(code):
    sys.exit(code)


@actor
def recurse(depth: int = 0):
    recurse(depth + 1)


@actor
def fill():
    kept = []
    while True:
        kept.append(bytearray(1 << 20))


@actor
def check_exits():
    same(end_of(nothing), odeon.NORMAL)
    same(end_of(fail, "in words"), odeon.error("in words"))
    crashed = end_of(crash, "a loud crash")
    same(crashed.kind, "trap")
    for words in ("RuntimeError: a loud crash", "main.py", "in crash", "raise RuntimeError(text)"):
        assert words in crashed.detail, crashed.detail
    same(end_of(custom, b"\1\2"), Reason("custom", b"\1\2"))
    unknown = end_of("no_such_function")
    assert unknown.kind == "error" and "it has echo" in unknown.detail, unknown
    same(end_of(leave), odeon.NORMAL)
    same(end_of(leave, 3), Reason("exit-code", 3))
    same(end_of(leave, "words"), odeon.error("words"))
    # Neither Python's own stack nor the guest's is run over without a word.
    deep = end_of(recurse)
    assert deep.kind == "trap" and "RecursionError" in deep.detail, deep
    full = odeon.spawn_monitor(fill, limits={"memory_bytes_max": 48 << 20})
    full = reason_of(full.monitor)
    assert full.kind == "limit" and "memory-bytes-max" in full.detail, full


@actor
def check_names():
    child = spawn(echo)
    odeon.register("echo of python", child)
    same(refused(odeon.register, "echo of python").kind, "taken")
    same(odeon.whereis("echo of python"), child)
    send("echo of python", "hello")
    same(receive(LONG).value, "hello")
    same(odeon.unregister("echo of python"), True)
    same(odeon.whereis("echo of python"), None)
    same(refused(send, "echo of python", "hello").kind, "no-name")


class Colour(Enum):
    RED = 1


class Order(Variant):
    """What may be ordered."""


@dataclass
class Paint(Order):
    what: str
    colour: Colour
    whom: Pid | None = None


@dataclass
class Add(Order):
    value: int


@dataclass
class Stop(Order):
    pass


def check_types():
    for order in (Paint("door", Colour.RED, odeon.me()), Add(5), Stop()):
        send(odeon.me(), order)
        same(receive(LONG).read(Order), order)
    same(odeon.decode(encode(Add(5))), {"Add": 5})
    same(odeon.decode(encode(Stop())), "Stop")
    for kind, value in ((int, True), (int, 1.0), (Order, {"Add": "5"}), (Pid, {"node": 1})):
        try:
            odeon.as_type(kind, value)
        except MessageError:
            continue
        raise AssertionError(f"{value!r} is read as {kind}")
    same(odeon.as_type(float, 5), 5.0)
    same(odeon.as_type(list[Reason], ["Normal", {"ExitCode": 3}]),
         [odeon.NORMAL, Reason("exit-code", 3)])


#: What top-level code throws at the build is not what actors throw.
thrown = random.random()


@actor
def chance():
    dice = [random.random(), random.getrandbits(64), secrets.token_hex(8), os.urandom(8),
            str(uuid.uuid4()), random.SystemRandom().random()]
    return [thrown, *dice], [time.time(), datetime.datetime.now(datetime.UTC).timestamp()]


@actor
def check_chance():
    (one, now), (other, later) = call(chance), call(chance)
    same([one.pop(0), other.pop(0)], [thrown, thrown])
    for mine, yours in zip(one, other):
        assert mine != yours, (mine, yours)
    assert thrown not in one and random.random() not in one + other
    assert 1_700_000_000 < now[0] <= now[1] <= later[0] <= time.time(), (now, later)
    before = time.perf_counter()
    time.sleep(SHORT)
    assert SHORT <= time.perf_counter() - before < LONG


@actor
def check_rpc():
    same(call(add, [20, 22]), 42)
    error = refused(call, fail, "called")
    same((error.kind, error.detail), ("ended", odeon.error("called")))
    same(refused(call, waiter, timeout=SHORT).kind, "timeout")
    # Of the module of the Rust SDK.
    same(call("add", [1, 2], module="conformance"), 3)
    request = odeon.request("add", [1, 2], module="conformance")
    event = next_event()
    same((event.request, event.value), (request, 3))
    check_types()
    silence()


@actor
def check_io():
    line = input("who? ")
    print("hello, ", end="")
    print(line)
    same(odeon.get_line(), None)
    sys.stdout.write("that was")
    print(" all")


def check_echo_on(node: str, module: str | None = None):
    """An echo on another node, of this module or another one: there and back."""
    far = odeon.spawn_monitor("echo", node=node, module=module, name="far echo")
    assert far.pid.node != odeon.me().node, "it is on another node"
    send(far.pid, {"me": odeon.me(), "ref": far.monitor, "text": "züg"})
    message = receive(LONG)
    same(message.sender, far.pid)
    same(Pid.of(message.value["me"]), odeon.me())
    same(Reference.of(message.value["ref"]), far.monitor)
    same(message.value["text"], "züg")
    send(("far echo", node), "by name")
    same(receive(LONG).value, "by name")
    odeon.exit(far.pid, KILL)
    same(reason_of(far.monitor), Reason("killed"))


@actor
def check_far(node: str):
    check_echo_on(node)
    check_echo_on(node, "conformance")
    same(call(add, [-5, 2], node=node), -3)
    silence()
