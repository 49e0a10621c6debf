package odeon

import (
	"fmt"
	"strconv"
)

// Pid names one actor, for ever. Both numbers are below 2^53.
type Pid struct {
	// Node is the incarnation of the node that it lives on.
	Node uint64
	// Serial is the actor within that incarnation.
	Serial uint64
}

// Ref names one monitor, alias, timer or request. Both numbers are below 2^53.
type Ref struct {
	// Node is the incarnation of the node that made it.
	Node uint64
	// Serial is the reference within that incarnation.
	Serial uint64
}

// ReasonKind is a case of the contract's exit-reason.
type ReasonKind uint8

// The kinds of reasons, in the contract's order.
const (
	KindNormal ReasonKind = iota
	KindShutdown
	KindKill
	KindKilled
	KindNoProc
	KindNoConnection
	KindError
	KindTrap
	KindLimit
	KindExitCode
	KindCustom
)

// reasonNames are those of messages; reasonWords those of people.
var (
	reasonNames = [...]string{"Normal", "Shutdown", "Kill", "Killed", "Noproc", "Noconnection",
		"Error", "Trap", "Limit", "ExitCode", "Custom"}
	reasonWords = [...]string{"normal", "shutdown", "kill", "killed", "noproc", "noconnection",
		"error", "trap", "limit", "exit-code", "custom"}
)

func (kind ReasonKind) String() string {
	if int(kind) < len(reasonWords) {
		return reasonWords[kind]
	}
	return "no reason"
}

// hasText tells whether words, or bytes, go with a reason of this kind.
func (kind ReasonKind) hasText() bool {
	return kind == KindError || kind == KindTrap || kind == KindLimit || kind == KindCustom
}

// Reason is why an actor ended, or is asked to end. Reasons can be compared with ==. It is an
// error, so that an actor that returns one ends for it.
type Reason struct {
	Kind ReasonKind
	// Text is the words of an error, a trap or a limit, and the bytes of a custom reason.
	Text string
	// Code is that of KindExitCode.
	Code uint8
}

// Reasons that nothing goes with.
var (
	Normal       = Reason{Kind: KindNormal}
	Shutdown     = Reason{Kind: KindShutdown}
	Kill         = Reason{Kind: KindKill}
	Killed       = Reason{Kind: KindKilled}
	NoProc       = Reason{Kind: KindNoProc}
	NoConnection = Reason{Kind: KindNoConnection}
)

// Failure is a reason in words.
func Failure(text string) Reason { return Reason{Kind: KindError, Text: text} }

// Custom is a reason of the program's own, which hosts pass on unread.
func Custom(detail []byte) Reason { return Reason{Kind: KindCustom, Text: string(detail)} }

func (reason Reason) Error() string {
	switch {
	case reason.Kind == KindExitCode:
		return "exit-code: " + strconv.Itoa(int(reason.Code))
	case reason.Kind == KindCustom:
		return fmt.Sprintf("custom: %x", reason.Text)
	case reason.Kind.hasText():
		return reason.Kind.String() + ": " + reason.Text
	}
	return reason.Kind.String()
}

// Kind is the case of an error of the contract. errors.Is(err, odeon.Taken) asks for one.
type Kind string

// The kinds of errors.
const (
	NoModule       Kind = "no-module"
	NoFunction     Kind = "no-function"
	BadArgument    Kind = "bad-argument"
	BadName        Kind = "bad-name"
	SystemLimit    Kind = "system-limit"
	Denied         Kind = "denied"
	NotConnected   Kind = "noconnection"
	TimedOut       Kind = "timeout"
	Ended          Kind = "ended"
	NoName         Kind = "no-name"
	TooLong        Kind = "too-long"
	Empty          Kind = "empty"
	Taken          Kind = "taken"
	HasName        Kind = "has-name"
	Named          Kind = "named"
	NoActor        Kind = "noproc"
	BadResolver    Kind = "bad-resolver"
	NoScope        Kind = "no-scope"
	NotLocal       Kind = "not-local"
	NotJoined      Kind = "not-joined"
	Held           Kind = "held"
	TooMany        Kind = "too-many"
	NotDistributed Kind = "not-distributed"
	Failed         Kind = "failed"
	Terminated     Kind = "terminated"
	BadRequest     Kind = "request"
	NotSupported   Kind = "enotsup"
	Other          Kind = "other"
	Foreign        Kind = "foreign"
	noConnect      Kind = "noconnect"
	noSuspend      Kind = "nosuspend"
)

func (kind Kind) Error() string { return string(kind) }

// Error is what the host refused.
type Error struct {
	// Op is what was asked for, as in "spawn".
	Op string
	// Kind is the case of the contract's error.
	Kind Kind
	// Text is the contract's words, where there are any.
	Text string
	// Pid is who has the name or the lock: of Taken and Held.
	Pid Pid
	// Most is the limit: of TooLong and TooMany.
	Most uint64
	// Reason is how the called function ended: of Ended.
	Reason Reason
}

func (err *Error) Error() string {
	text := err.Op + ": " + string(err.Kind)
	switch err.Kind {
	case Ended:
		return text + ": " + err.Reason.Error()
	case Taken, Held:
		if err.Pid != (Pid{}) {
			return fmt.Sprintf("%s by %d.%d", text, err.Pid.Node, err.Pid.Serial)
		}
	case TooLong, TooMany:
		return fmt.Sprintf("%s: %d at most", text, err.Most)
	}
	if err.Text != "" {
		text += ": " + err.Text
	}
	return text
}

// Is tells whether target is the error's Kind.
func (err *Error) Is(target error) bool {
	kind, is := target.(Kind)
	return is && kind == err.Kind
}

// Unwrap gives the reason for which a called function ended.
func (err *Error) Unwrap() error {
	if err.Kind == Ended {
		return err.Reason
	}
	return nil
}
