//go:build wasip1

package odeon

import (
	"math"
	"runtime"
	"slices"
	"time"
)

// Forever is a timeout that never comes.
const Forever time.Duration = math.MaxInt64

// scratch is where messages are written that are sent at once.
var scratch []byte

// scratchMax is how much of it is kept.
const scratchMax = 64 << 10

// written gives the body of a value to a call that only looks at it.
func written(value any, use func(body string)) error {
	// Taken, since another goroutine may send meanwhile.
	body := scratch[:0]
	scratch = nil
	body, err := appendAny(body, value, 1)
	if err != nil {
		return err
	}
	use(view(body))
	if cap(body) <= scratchMax {
		scratch = body
	}
	return nil
}

// Send sends a value, and never waits. What cannot be delivered is dropped; an error says that
// no message holds the value, or that nobody has that name on this node (NoName).
func Send(to Destination, value any) (err error) {
	problem := written(value, func(body string) { err = send(to, body) })
	if problem != nil {
		return problem
	}
	return err
}

// SendBytes sends a body as it is.
func SendBytes(to Destination, body []byte) error { return send(to, view(body)) }

func send(to Destination, body string) error {
	if pid, is := to.(Pid); is {
		hostSend(pid.Node, pid.Serial, body)
		return nil
	}
	result := newArea()
	defer result.free()
	tag, a, b, c, d := to.flat()
	hostSendTo(tag, a, b, c, d, body, 0, result)
	runtime.KeepAlive(to)
	if result.is(0) {
		return result.failure("send", sendErrors, 8, 8)
	}
	return nil
}

// kept is events that were taken out of the mailbox by who waits for others, oldest first.
var kept []Event

// Receive waits for the oldest event.
func Receive() Event {
	event, _ := ReceiveTimeout(Forever)
	return event
}

// ReceiveTimeout waits for the oldest event for a time; 0 only looks. False if none came.
func ReceiveTimeout(timeout time.Duration) (Event, bool) {
	if len(kept) > 0 {
		return takeKept(func(Event) bool { return true })
	}
	return receive(nil, timeout)
}

// ReceiveRef waits for the oldest event of a reference: its monitor, alias, timer or request.
// Other events stay, and however many wait, they cost nothing.
func ReceiveRef(ref Ref, timeout time.Duration) (Event, bool) {
	if event, is := takeKept(func(event Event) bool { return event.ref() == ref }); is {
		return event, true
	}
	return receive(&ref, timeout)
}

// ReceiveWhere waits for the oldest event that fits; others stay, in their order.
func ReceiveWhere(fits func(Event) bool, timeout time.Duration) (Event, bool) {
	if event, is := takeKept(fits); is {
		return event, true
	}
	var end time.Time
	if timeout != Forever {
		end = time.Now().Add(timeout)
	}
	for {
		event, is := receive(nil, timeout)
		if !is || fits(event) {
			return event, is
		}
		kept = append(kept, event)
		if timeout != Forever {
			timeout = time.Until(end)
		}
	}
}

// ReceiveMessage waits for the oldest message; other events stay.
func ReceiveMessage(timeout time.Duration) (Message, bool) {
	event, is := ReceiveWhere(func(event Event) bool {
		_, is := event.(Message)
		return is
	}, timeout)
	if !is {
		return Message{}, false
	}
	return event.(Message), true
}

func takeKept(fits func(Event) bool) (Event, bool) {
	for at, event := range kept {
		if fits(event) {
			kept = slices.Delete(kept, at, at+1)
			return event, true
		}
	}
	return nil, false
}

// forget drops the events of a reference that were taken out of the mailbox.
func forget(ref Ref) {
	kept = slices.DeleteFunc(kept, func(event Event) bool { return event.ref() == ref })
}

func receive(of *Ref, timeout time.Duration) (Event, bool) {
	result := newArea()
	defer result.free()
	ref, filter := Ref{}, uint32(0)
	if of != nil {
		ref, filter = *of, 1
	}
	hasTimeout, wait := milliseconds(timeout)
	hostReceive(filter, ref.Node, ref.Serial, hasTimeout, wait, result)
	if !result.is(0) {
		return nil, false
	}
	return result.event(), true
}

// milliseconds is a time as the contract counts it; never less than was asked for.
func milliseconds(time_ time.Duration) (bool, uint64) {
	if time_ == Forever {
		return false, 0
	}
	whole := max(0, time_)
	return true, uint64(whole/time.Millisecond) + min(1, uint64(whole%time.Millisecond))
}
