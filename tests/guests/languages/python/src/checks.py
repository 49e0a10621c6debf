"""What the files of this guest share."""

from odeon import HostError, MessageError, actor, receive, receive_event, send

LONG = 10
SHORT = 0.03


def same(found, expected):
    assert found == expected, f"{found!r} == {expected!r}"


def refused(call, *arguments, **options) -> HostError:
    """The error that the host answers with."""
    try:
        call(*arguments, **options)
    except HostError as error:
        return error
    raise AssertionError("nothing was refused")


def next_event():
    event = receive_event(LONG)
    assert event is not None, "an event comes"
    return event


def silence():
    same(receive_event(SHORT), None)


@actor
def echo():
    while True:
        message = receive()
        try:
            value = message.value
        except MessageError as error:
            value = {"refused": str(error)}
        send(message.sender, value)
