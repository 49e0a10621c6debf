//go:build wasip1

package odeon

import (
	"runtime"
	"time"
)

// CallOptions is where and how a function is called.
type CallOptions struct {
	// Module and Digest are as those of SpawnOptions.
	Module, Digest string
	// Node is name@host; without it the caller's own.
	Node string
	// Timeout is how long the call may take; 0 is for ever.
	Timeout time.Duration
	Limits  Limits
}

// Call calls a function of this module, in an actor of its own, and waits for what it gives.
// A function of several parameters takes Args.
func Call[T any](function string, argument any) (T, error) {
	return CallWith[T](CallOptions{}, function, argument)
}

// CallWith calls a function of any module on any node. The error is an *Error that says why
// there is no result, or a *MessageError for a result that is no T.
func CallWith[T any](options CallOptions, function string, argument any) (result T, err error) {
	body, err := callBytes(options, function, argument)
	if err == nil {
		err = Unmarshal(body, &result)
	}
	return result, err
}

func callBytes(options CallOptions, function string, argument any) (gave []byte, err error) {
	problem := written(argument, func(body string) {
		gave, err = options.ask(hostCall, options.entry(function, body))
		runtime.KeepAlive(function)
	})
	if problem != nil {
		return nil, problem
	}
	return gave, err
}

// CallText calls any exported function as WAVE text, as in "add(1, 2)", and gives WAVE text.
func CallText(options CallOptions, text string) (string, error) {
	call := options.call()
	call.target = abiStart{tag: 1, function: textOf(text)}
	gave, err := options.ask(hostCall, call)
	runtime.KeepAlive(text)
	return string(gave), err
}

// Cast asks for a run of a function whose result nobody wants. An error says that the call
// itself is wrong.
func Cast(options CallOptions, function string, argument any) (err error) {
	problem := written(argument, func(body string) {
		_, err = options.ask(hostCast, options.entry(function, body))
		runtime.KeepAlive(function)
	})
	if problem != nil {
		return problem
	}
	return err
}

// CallRequest calls without waiting: a CallReply of this reference comes.
func CallRequest(options CallOptions, function string, argument any) (request Ref, err error) {
	err = written(argument, func(body string) {
		result := newArea()
		defer result.free()
		hostRequest(options.entry(function, body), result)
		runtime.KeepAlive(&options)
		runtime.KeepAlive(function)
		request = result.ref(0)
	})
	return request, err
}

// Abandon gives up a call of CallRequest. It tells whether the call was under way.
func Abandon(request Ref) bool { return hostAbandon(request.Node, request.Serial) }

// ask makes a call, and reads its result: of a cast it is empty.
func (options *CallOptions) ask(host func(*rpcCall, *area), call *rpcCall) ([]byte, error) {
	result := newArea()
	defer result.free()
	// A cast writes less than it has.
	*result = area{}
	host(call, result)
	runtime.KeepAlive(options)
	if result.is(0) {
		return nil, result.failure("call", callErrors, 4, 4)
	}
	return result.bytes(4), nil
}

// call puts the options where the host reads them; they must outlive the call.
func (options *CallOptions) call() *rpcCall {
	it := &rpcCall{
		module: moduleOf(options.Module, options.Digest),
		node:   optionTextOf(options.Node),
		limits: options.Limits.option(),
	}
	it.timeout.is, it.timeout.value = unlessZero(options.Timeout)
	return it
}

func (options *CallOptions) entry(function, body string) *rpcCall {
	it := options.call()
	it.target = abiStart{function: textOf(function), argument: textOf(body)}
	return it
}

// unlessZero is a timeout of which 0 is for ever.
func unlessZero(timeout time.Duration) (bool, uint64) {
	if timeout == 0 {
		return false, 0
	}
	return milliseconds(timeout)
}
