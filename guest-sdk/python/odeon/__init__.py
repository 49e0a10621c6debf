"""Odeon actors in Python.

::

    from odeon import actor, receive, send

    @actor
    def echo():
        while True:
            message = receive()
            send(message.sender, message.value)

An actor is a function with a mailbox, in an instance of WebAssembly of its own. Nothing is
asynchronous: `receive` waits, and other actors run meanwhile. What the function returns is
the result where it was called. An exception that it does not catch ends the actor by a trap
whose reason has the message and the stack; ``raise Exit(reason)`` ends it for a reason of
one's choice, and `sys.exit` as it ends a program. Top-level code runs when the module is
built, and can reach no actor.

Values travel as docs/messages.md says; `message` has the table. Dataclasses are written as
records, and ``message.read(Order)`` makes one of what came. Times are in seconds, as
everywhere in Python. `print`, `input`, `sys.stdout` and its siblings are those of the actor's
group leader. What the host refuses is a `HostError`.

`names`, `groups` and `locks` are those of the whole cluster; `register` and `whereis` those
of this node.
"""

from . import groups, locks, names, terminal
from .entry import actor
from .events import (CallReply, Down, Event, Exited, GroupChange, IoRequest, Message, NameLost,
                     NodeDown, NodeUp, SpawnReply, Timeout)
from .mailbox import Destination, receive, receive_event, receive_where, send
from .message import MessageError, Variant, decode, encode
from .node import (connect, disconnect, is_distributed, log, node_name, node_of, nodes,
                   watch_nodes)
from .process import (Spawned, alias, demonitor, exit, is_alive, link, make_reference, me,
                      monitor, register, registered, spawn, spawn_link, spawn_monitor,
                      spawn_request, spawn_with, stop, trap_exit, unalias, unlink, unregister,
                      whereis)
from .rpc import abandon, call, call_text, cast, request
from .terminal import flush, get_line, group_leader, set_group_leader
from .timers import cancel_timer, now, send_after, sleep, start_timer
from .typed import as_type
from .words import (KILL, NORMAL, SHUTDOWN, Exit, HostError, Pid, Reason, Reference, error)

terminal.install()
