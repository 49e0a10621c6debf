//go:build wasip1

package odeon

// Event is what a mailbox holds: a Message, Exit, Down, SpawnReply, Timeout, IoRequest, NodeUp,
// NodeDown, CallReply, NameLost or GroupChange.
type Event interface {
	// ref is the reference by which the event can be waited for, or zero.
	ref() Ref
}

// Message is what somebody sent.
type Message struct {
	// Sender sent it; the host vouches for it.
	Sender Pid
	// Via is the alias that it was sent to, or zero.
	Via Ref
	// Body is what was sent.
	Body []byte
}

// Decode reads the message's value into what target points to; see Unmarshal.
func (message Message) Decode(target any) error { return Unmarshal(message.Body, target) }

// Exit is the exit signal of another actor, for one that traps exits.
type Exit struct {
	Sender Pid
	Reason Reason
}

// Down is the end of a monitored actor.
type Down struct {
	Monitor Ref
	// Object is what was monitored.
	Object Destination
	Reason Reason
}

// SpawnReply is the outcome of SpawnRequest: an actor, or why there is none.
type SpawnReply struct {
	Request Ref
	Pid     Pid
	Err     error
}

// Timeout says that a timer of StartTimer has run out.
type Timeout struct{ Timer Ref }

// IoRequest comes to a group leader from an actor that reads or writes. It is owed one Answer.
type IoRequest struct {
	Sender  Pid
	ReplyAs Ref
	Request Request
}

// NodeUp says that a connection to a node is there.
type NodeUp struct {
	Node   string
	ID     uint64
	Hidden bool
}

// NodeDown says that the connection to a node is lost.
type NodeDown struct {
	Node   string
	ID     uint64
	Hidden bool
	Reason string
}

// CallReply is the outcome of CallRequest: what the function gave, or why there is nothing.
type CallReply struct {
	Request Ref
	Body    []byte
	Err     error
}

// Decode reads what the function gave; its error is Err where there is one.
func (reply CallReply) Decode(target any) error {
	if reply.Err != nil {
		return reply.Err
	}
	return Unmarshal(reply.Body, target)
}

// NameLost says that this actor lost a cluster name, since another part of the cluster was met.
type NameLost struct {
	Name string
	// Other has it now, unless Both lost it.
	Other Pid
	Both  bool
}

// GroupChange says that actors joined or left a monitored group.
type GroupChange struct {
	Monitor      Ref
	Scope, Group string
	// Joined, or else left.
	Joined  bool
	Members []Pid
}

func (it Message) ref() Ref     { return it.Via }
func (it Exit) ref() Ref        { return Ref{} }
func (it Down) ref() Ref        { return it.Monitor }
func (it SpawnReply) ref() Ref  { return it.Request }
func (it Timeout) ref() Ref     { return it.Timer }
func (it IoRequest) ref() Ref   { return Ref{} }
func (it NodeUp) ref() Ref      { return Ref{} }
func (it NodeDown) ref() Ref    { return Ref{} }
func (it CallReply) ref() Ref   { return it.Request }
func (it NameLost) ref() Ref    { return Ref{} }
func (it GroupChange) ref() Ref { return it.Monitor }

// event reads an event whose tag is at 8 and whose content at 16.
func (from *area) event() Event {
	const at = 16
	switch from.u8(8) {
	case 0:
		message := Message{Sender: from.pid(at), Body: from.bytes(at + 40)}
		if from.is(at + 16) {
			message.Via = from.ref(at + 24)
		}
		return message
	case 1:
		return Exit{from.pid(at), from.reason(at + 16)}
	case 2:
		return Down{from.ref(at), from.destination(at + 16), from.reason(at + 40)}
	case 3:
		reply := SpawnReply{Request: from.ref(at)}
		if from.is(at + 16) {
			reply.Err = from.failure("spawn", spawnErrors, at+24, 4)
		} else {
			reply.Pid = from.pid(at + 24)
		}
		return reply
	case 4:
		return Timeout{from.ref(at)}
	case 5:
		return IoRequest{from.pid(at), from.ref(at + 16), from.request(at + 32)}
	case 6:
		return NodeUp{from.text(at), from.u64(at + 8), from.is(at + 16)}
	case 7:
		reason, _ := from.optionText(at + 20)
		return NodeDown{from.text(at), from.u64(at + 8), from.is(at + 16), reason}
	case 8:
		reply := CallReply{Request: from.ref(at)}
		if from.is(at + 16) {
			reply.Err = from.failure("call", callErrors, at+20, 4)
		} else {
			reply.Body = from.bytes(at + 20)
		}
		return reply
	case 9:
		return NameLost{from.text(at), from.pid(at + 8), from.is(at + 24)}
	}
	return GroupChange{from.ref(at), from.text(at + 16), from.text(at + 24), from.is(at + 32),
		from.pids(at + 36)}
}
