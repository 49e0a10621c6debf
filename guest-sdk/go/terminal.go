//go:build wasip1

package odeon

import (
	"io"
	"runtime"
)

// GroupLeader is where the calling actor's output goes and its input comes from.
func GroupLeader() Pid {
	result := newArea()
	defer result.free()
	hostGroupLeader(result)
	return result.pid(0)
}

// SetGroupLeader makes an actor the group leader of another.
func SetGroupLeader(leader, of Pid) {
	hostSetGroupLeader(leader.Node, leader.Serial, of.Node, of.Serial)
}

// ReadLine reads a line, its end included, after showing a prompt. The error is io.EOF at the
// end of the input. os.Stdin is the same input.
func ReadLine(prompt string) (string, error) {
	result := newArea()
	defer result.free()
	hostGetLine(prompt, result)
	if result.is(0) {
		return "", result.failure("input", ioErrors, 4, 4)
	}
	if !result.is(4) {
		return "", io.EOF
	}
	return result.text(8), nil
}

// RequestKind is what is asked of a group leader.
type RequestKind uint8

// The requests.
const (
	// PutChars writes Chars.
	PutChars RequestKind = iota
	// GetLine reads a line after showing Prompt.
	GetLine
	// GetChars reads Count bytes at most, after showing Prompt.
	GetChars
	// GetOptions wants options, SetOptions sets some: Answer with NotSupported where there are
	// none.
	GetOptions
	SetOptions
)

// Request is what an actor asks of its group leader.
type Request struct {
	Kind RequestKind
	// Stderr: the bytes are for the standard error.
	Stderr bool
	Chars  []byte
	Prompt string
	Count  uint32
}

func (from *area) request(offset uintptr) Request {
	request := Request{Kind: RequestKind(from.u8(offset))}
	switch request.Kind {
	case PutChars:
		request.Stderr, request.Chars = from.is(offset+4), from.bytes(offset+8)
	case GetLine:
		request.Prompt = from.text(offset + 4)
	case GetChars:
		request.Prompt, request.Count = from.text(offset+4), from.u32(offset+12)
	}
	return request
}

// Answer answers a request: what was read, or nothing where nothing was asked for. An error of
// io.EOF says that there is no more; one with the Kind Terminated, BadRequest or NotSupported is
// handed on as that, and any other in words.
func (request IoRequest) Answer(data []byte, err error) {
	reply := func(tag, a, b, c uint32) {
		hostAnswer(request.Sender.Node, request.Sender.Serial, request.ReplyAs.Node,
			request.ReplyAs.Serial, tag, a, b, c)
	}
	switch {
	case err == io.EOF:
		reply(2, 0, 0, 0)
	case err != nil:
		tag, words := ioFailure(err)
		it := textOf(words)
		reply(4, tag, it.ptr, it.len)
		runtime.KeepAlive(words)
	case request.Request.Kind == GetLine || request.Request.Kind == GetChars:
		it := textOf(view(data))
		reply(1, it.ptr, it.len, 0)
		runtime.KeepAlive(data)
	default:
		reply(0, 0, 0, 0)
	}
}

// ioFailure is the case of an io-error, and its words.
func ioFailure(err error) (uint32, string) {
	kind, is := err.(Kind)
	for tag, known := range ioErrors {
		if is && known.kind == kind && known.with == nothing {
			return uint32(tag), ""
		}
	}
	return uint32(len(ioErrors) - 1), err.Error()
}
