//go:build wasip1

package odeon

import "unsafe"

// flat gives a reason as parameters. The reason must outlive the call.
func (reason Reason) flat() (tag, word, more uint32) {
	switch {
	case reason.Kind == KindExitCode:
		word = uint32(reason.Code)
	case reason.Kind.hasText():
		it := textOf(reason.Text)
		word, more = it.ptr, it.len
	}
	return uint32(reason.Kind), word, more
}

// reason reads an exit-reason.
func (from *area) reason(offset uintptr) Reason {
	reason := Reason{Kind: ReasonKind(from.u8(offset))}
	switch {
	case reason.Kind == KindExitCode:
		reason.Code = from.u8(offset + 4)
	case reason.Kind.hasText():
		reason.Text = from.text(offset + 4)
	}
	return reason
}

// Destination is whom a signal is for: a Pid, a Name, a NameOn, or a Ref that is an alias.
type Destination interface {
	// flat gives the parameters. The destination must outlive the call.
	flat() (tag uint32, a, b uint64, c, d uint32)
}

// Name is the actor registered under a name on this node.
type Name string

// NameOn is the actor registered under a name on a named node.
type NameOn struct {
	Name string
	// Node is name@host.
	Node string
}

func (pid Pid) flat() (uint32, uint64, uint64, uint32, uint32) {
	return 0, pid.Node, pid.Serial, 0, 0
}

func (name Name) flat() (uint32, uint64, uint64, uint32, uint32) {
	it := textOf(string(name))
	return 1, uint64(it.ptr), uint64(it.len), 0, 0
}

func (name NameOn) flat() (uint32, uint64, uint64, uint32, uint32) {
	it, node := textOf(name.Name), textOf(name.Node)
	return 2, uint64(it.ptr), uint64(it.len), node.ptr, node.len
}

func (alias Ref) flat() (uint32, uint64, uint64, uint32, uint32) {
	return 3, alias.Node, alias.Serial, 0, 0
}

// destination reads one.
func (from *area) destination(offset uintptr) Destination {
	switch from.u8(offset) {
	case 0:
		return from.pid(offset + 8)
	case 1:
		return Name(from.text(offset + 8))
	case 2:
		return NameOn{from.text(offset + 8), from.text(offset + 16)}
	}
	return from.ref(offset + 8)
}

// What goes with a case of an error.
type payload uint8

const (
	nothing payload = iota
	words
	most
	owner
	ended
)

type failureCase struct {
	kind Kind
	with payload
}

// The contract's errors, in its order of cases.
var (
	spawnErrors = []failureCase{{NoModule, words}, {NoFunction, words}, {BadArgument, words},
		{BadName, words}, {SystemLimit, words}, {Denied, words}, {NotConnected, nothing}}
	callErrors = []failureCase{{NoModule, words}, {NoFunction, words}, {BadArgument, words},
		{SystemLimit, words}, {Denied, words}, {NotConnected, nothing}, {TimedOut, nothing}, {Ended, ended}}
	sendErrors     = []failureCase{{NoName, nothing}, {TooLong, most}, {noConnect, nothing}, {noSuspend, nothing}}
	registerErrors = []failureCase{{BadName, nothing}, {Taken, nothing}, {Named, nothing}, {NoActor, nothing}}
	linkErrors     = []failureCase{{NoActor, nothing}}
	ioErrors       = []failureCase{{Terminated, nothing}, {BadRequest, nothing}, {NotSupported, nothing}, {Other, words}}
	timerErrors    = []failureCase{{TooMany, most}}
	connectErrors  = []failureCase{{NotDistributed, nothing}, {Failed, words}}
	nameErrors     = []failureCase{{Empty, nothing}, {TooLong, most}, {Taken, owner}, {HasName, nothing},
		{NoActor, nothing}, {NotConnected, nothing}, {TimedOut, nothing}, {SystemLimit, words}, {BadResolver, words}}
	groupErrors = []failureCase{{Empty, nothing}, {TooLong, most}, {NoScope, nothing}, {NotLocal, nothing},
		{NotJoined, nothing}, {SystemLimit, words}}
	lockErrors = []failureCase{{Empty, nothing}, {TooLong, most}, {Held, owner}, {TimedOut, nothing},
		{NotConnected, words}, {SystemLimit, words}}
)

// failure reads an error of these cases, whose content lies so many bytes behind its tag.
func (from *area) failure(op string, cases []failureCase, offset, behind uintptr) error {
	it := cases[from.u8(offset)]
	err := &Error{Op: op, Kind: it.kind}
	switch offset += behind; it.with {
	case words:
		err.Text = from.text(offset)
	case most:
		err.Most = from.u64(offset)
	case owner:
		err.Pid = from.pid(offset)
	case ended:
		err.Reason = from.reason(offset)
	}
	return err
}

// pidsPointer is a list of pids as a parameter.
func pidsPointer(pids []Pid) (unsafe.Pointer, uint32) {
	return unsafe.Pointer(unsafe.SliceData(pids)), uint32(len(pids))
}
