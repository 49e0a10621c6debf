"""The checks of names, groups and locks of the cluster, and of its nodes."""

import odeon
from odeon import (KILL, GroupChange, NameLost, NodeDown, NodeUp, Pid, actor, call, groups, locks,
                   names, receive, receive_event, send, spawn)

from checks import LONG, SHORT, echo, next_event, refused, same, silence

# ---- What runs on the other node ----


@actor
def find(name: str) -> Pid | None:
    """Gives who has a name there."""
    return names.whereis(name)


@actor
def member(scope: str, group: str):
    """Joins a group of a scope, and is an echo then."""
    groups.start(scope)
    groups.join(scope, group)
    echo()


@actor
def holder(resource: str):
    """Holds a lock, and is an echo then."""
    locks.acquire(resource)
    echo()


# ---- What the checks share ----


def heard(text: str) -> Pid:
    """Who sent the next message, which is this text."""
    message = receive(LONG)
    same(message.value, text)
    return message.sender


def changed(monitor, scope: bytes, group: bytes, joined: bool, pid: Pid):
    """The next event of a monitor is that this one joined or left, once."""
    change = receive_event(LONG, of=monitor)
    same(change, GroupChange(monitor, scope, group, joined, [pid]))


# ---- On one node ----


@actor
def check_cluster_names():
    one, other = spawn(echo), spawn(echo)
    names.register("a", one)
    taken = refused(names.register, "a", other)
    same((taken.kind, taken.detail), ("taken", one))
    same(refused(names.register, b"b\xff\0", one).kind, "has-name")
    same(refused(names.register, "", other).kind, "empty")
    same(refused(names.register, "a" * 256, other).kind, "too-long")
    names.register(b"b\xff\0", other, resolver="oldest-notify", timeout=LONG)
    same(names.whereis(b"b\xff\0"), other)
    same(list(names.registered().items()), [(b"a", one), (b"b\xff\0", other)])
    same(names.send("a", "hello"), one)
    same(heard("hello"), one)
    names.unregister("a")
    names.unregister("a", timeout=LONG)
    same(names.whereis("a"), None)
    same(refused(names.send, "a", "hello").kind, "no-name")
    names.re_register(b"b\xff\0", one)
    same(names.whereis(b"b\xff\0"), one)
    silence()


@actor
def check_groups():
    child = spawn(echo)
    same(refused(groups.members, "python", "echoes").kind, "no-scope")
    same(refused(groups.send, "python", "echoes", "nobody").kind, "no-name")
    same((groups.start("python"), groups.start("python")), (True, False))
    same(groups.scopes(), [b"python"])
    groups.join("python", "echoes", child)

    # What was before is in what the monitor begins with, and no event.
    every = groups.monitor("python")
    same(every.members, {b"echoes": [child]})
    one = groups.monitor("python", "others")
    assert not one.members.get(b"others"), one
    silence()
    groups.join("python", b"echoes", child)
    changed(every.monitor, b"python", b"echoes", True, child)
    silence()

    same(groups.members("python", "echoes"), [child, child])
    same(groups.members("python", "echoes", local=True), [child, child])
    same(groups.groups("python", local=True), [b"echoes"])
    same(groups.pick("python", "echoes"), child)
    same(groups.pick("python", "others"), None)
    same(groups.send("python", "echoes", "twice"), 2)
    same((heard("twice"), heard("twice")), (child, child))

    groups.leave("python", "echoes", child, child)
    same(refused(groups.leave, "python", "echoes", child).kind, "not-joined")
    # The event of that was taken out of the mailbox by who waits for another, and is dropped.
    same(receive(SHORT), None)
    same((groups.demonitor(every.monitor), groups.demonitor(every.monitor)), (True, False))
    groups.join("python", "others", child)
    changed(one.monitor, b"python", b"others", True, child)
    same(groups.demonitor(one.monitor), True)
    same(groups.groups("python"), [b"others"])
    same((groups.stop("python"), groups.scopes()), (True, []))
    silence()


@actor
def check_locks():
    locks.acquire("python's")
    locks.acquire("python's")
    held = refused(locks.acquire, "python's", requester="another", timeout=0)
    same((held.kind, held.detail), ("held", odeon.me()))
    late = refused(locks.acquire, "python's", requester="another", timeout=SHORT)
    same(late.kind, "timeout")
    locks.release("python's")
    try:
        with locks.lock("python's", timeout=LONG):
            same(refused(locks.acquire, "python's", requester="another", timeout=0).kind, "held")
            raise KeyError("on purpose")
    except KeyError:
        pass
    # The exception released it.
    locks.acquire("python's", requester="another", timeout=0)
    same(refused(locks.acquire, "python's", nodes=["nobody@nowhere"]).kind, "noconnection")
    same(refused(locks.acquire, "").kind, "empty")
    silence()


# ---- Between two nodes ----


def check_nodes(node: str):
    odeon.watch_nodes()
    same((odeon.is_distributed(), odeon.nodes("connected")), (True, []))
    odeon.connect(node)
    same(refused(odeon.connect, "nobody@nowhere").kind, "failed")
    came = next_event()
    same(came, NodeUp(node, came.id, False))
    same((odeon.nodes(), odeon.nodes("hidden")), ([node], []))


def check_names_with(node: str):
    far = spawn(echo, node=node)
    same(odeon.node_of(far), node)
    names.register("moving", far)
    same((names.whereis("moving"), Pid.of(call(find, "moving", node=node))), (far, far))
    same(names.send("moving", "by name"), far)
    same(heard("by name"), far)
    names.re_register("moving")
    same(Pid.of(call(find, "moving", node=node)), odeon.me())
    names.unregister("moving")
    same(call(find, "moving", node=node), None)
    odeon.exit(far, KILL)


def check_groups_with(node: str):
    groups.start("both")
    monitor, members = groups.monitor("both", "members")
    assert not members.get(b"members"), members
    far = spawn(member, ["both", "members"], node=node)
    changed(monitor, b"both", b"members", True, far)
    same(groups.members("both", "members"), [far])
    same(groups.members("both", "members", local=True), [])
    same(groups.pick("both", "members", closest=True), far)
    near = spawn(member, ["both", "members"])
    changed(monitor, b"both", b"members", True, near)
    same(groups.pick("both", "members", closest=True), near)
    same(groups.send("both", "members", "to all"), 1)
    same({heard("to all"), heard("to all")}, {near, far})
    odeon.exit(far, KILL)
    changed(monitor, b"both", b"members", False, far)
    same(groups.members("both", "members"), [near])
    assert groups.demonitor(monitor)
    odeon.exit(near, KILL)
    silence()


def check_locks_with(node: str):
    far = spawn(holder, "disk", node=node)
    send(far, "is it held?")
    same(heard("is it held?"), far)
    held = refused(locks.acquire, "disk", timeout=0)
    same((held.kind, held.detail), ("held", far))
    odeon.exit(far, KILL)
    locks.acquire("disk", timeout=LONG)
    locks.release("disk")


@actor
def check_cluster(node: str):
    check_nodes(node)
    check_names_with(node)
    check_groups_with(node)
    check_locks_with(node)
    same((odeon.disconnect(node), odeon.disconnect(node)), (True, False))
    went = next_event()
    assert isinstance(went, NodeDown) and went.node == node and went.reason, went
    odeon.watch_nodes(False)
    odeon.connect(node)
    silence()


@actor
def check_name_lost():
    """Runs on two nodes that meet when both have the name."""
    names.register("contested", resolver="notify-all")
    lost = next_event()
    same(lost, NameLost(b"contested", lost.other, True))
    assert lost.other.node != odeon.me().node, lost
    assert names.whereis("contested") != odeon.me()
    silence()
