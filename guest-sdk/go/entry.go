//go:build wasip1

package odeon

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"structs"
	"unsafe"
)

// actor is a function at which actors start.
type actor struct {
	function   reflect.Value
	parameters []reflect.Type
	// value and err: what it returns.
	value, err bool
}

var (
	actors = map[string]*actor{}
	// order is how the names are listed.
	order []string
)

// Actor makes a function one at which actors can start, under a name. It belongs into an init
// function. Its parameters are read from the argument by the rules of Unmarshal: one takes the
// argument itself, several an array of them, none takes anything; one that is a pointer may be
// absent. It returns nothing, a value, an error, or both. The value is the result where it was
// called; an error is the exit reason: that of a Reason, or its text.
//
// It panics if function is none of these.
func Actor(name string, function any) {
	it := reflect.TypeOf(function)
	if it == nil || it.Kind() != reflect.Func || it.IsVariadic() {
		panic(fmt.Sprintf("odeon: actor %q is no function of a fixed number of parameters", name))
	}
	made := &actor{function: reflect.ValueOf(function)}
	for parameter := range it.Ins() {
		made.parameters = append(made.parameters, parameter)
	}
	results := it.NumOut()
	if results > 0 && it.Out(results-1) == reflect.TypeFor[error]() {
		made.err = true
		results--
	}
	made.value = results == 1
	if results > 1 {
		panic(fmt.Sprintf("odeon: actor %q gives more than a value and an error", name))
	}
	if actors[name] == nil {
		order = append(order, name)
	}
	actors[name] = made
}

// outcome is the result of start: whether it is an error, and the exit-reason.
var outcome struct {
	_           structs.HostLayout
	isError     bool
	tag         uint32
	word, more  uint32
	keptForHost string
}

//go:wasmexport odeon:actor/entry@0.1.0#start
func start(name, nameLen, argument, argumentLen uint32) unsafe.Pointer {
	begin()
	function := string(memory(name, nameLen))
	body := append([]byte{}, memory(argument, argumentLen)...)
	done()
	reason := run(function, body)
	outcome.isError = reason != Normal
	outcome.tag, outcome.word, outcome.more = reason.flat()
	outcome.keptForHost = reason.Text
	return unsafe.Pointer(&outcome)
}

func run(name string, body []byte) Reason {
	it := actors[name]
	if it == nil {
		known := strings.Join(order, ", ")
		return Failure(fmt.Sprintf("no function `%s` in this module; it has %s", name, known))
	}
	arguments, err := it.arguments(body)
	if err != nil {
		return Failure("argument of the start function: " + err.Error())
	}
	results := it.function.Call(arguments)
	if it.err {
		if err, is := results[len(results)-1].Interface().(error); is {
			return reasonOf(err)
		}
	}
	if it.value {
		if err := giveResult(results[0]); err != nil {
			return Failure("result: " + err.Error())
		}
	}
	return Normal
}

// reasonOf is the reason for which an actor ends that returns an error.
func reasonOf(err error) Reason {
	var reason Reason
	var refused *Error
	// A failed call that is handed on is an error in words; its reason was the callee's.
	if !errors.As(err, &refused) && errors.As(err, &reason) {
		return reason
	}
	return Failure(err.Error())
}

func giveResult(value reflect.Value) error {
	body, err := appendValue(nil, value, 1)
	if err == nil {
		hostGiveResult(view(body))
	}
	return err
}

func (it *actor) arguments(body []byte) ([]reflect.Value, error) {
	from, err := readerOf(body)
	if err != nil {
		return nil, err
	}
	values := make([]reflect.Value, len(it.parameters))
	for i, parameter := range it.parameters {
		values[i] = reflect.New(parameter).Elem()
	}
	if len(values) > 1 {
		if from.rest[0]>>5 != majorArray {
			return nil, wrong("an array of %d values was expected, not %s", len(values), from.found())
		}
		it, _ := from.head()
		if it.number != uint64(len(values)) {
			return nil, wrong("an array of %d values was expected, not of %d", len(values), it.number)
		}
	}
	for _, value := range values {
		if err := from.into(value); err != nil {
			return nil, err
		}
	}
	return values, nil
}
