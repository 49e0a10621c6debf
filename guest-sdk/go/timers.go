//go:build wasip1

package odeon

import (
	"runtime"
	"time"
)

// StartTimer makes a Timeout come after a time. The error is TooMany.
func StartTimer(after time.Duration) (Ref, error) {
	result := newArea()
	defer result.free()
	_, wait := milliseconds(after)
	hostTimer(wait, result)
	return result.timer()
}

// SendAfter sends a value after a time, unless the caller has ended by then.
func SendAfter(after time.Duration, to Destination, value any) (timer Ref, err error) {
	problem := written(value, func(body string) {
		result := newArea()
		defer result.free()
		_, wait := milliseconds(after)
		tag, a, b, c, d := to.flat()
		hostSendAfter(wait, tag, a, b, c, d, body, result)
		runtime.KeepAlive(to)
		timer, err = result.timer()
	})
	if problem != nil {
		return Ref{}, problem
	}
	return timer, err
}

func (from *area) timer() (Ref, error) {
	if from.is(0) {
		return Ref{}, from.failure("timer", timerErrors, 8, 8)
	}
	return from.ref(8), nil
}

// CancelTimer stops a timer, and gives the time that was left. False if it has run out.
func CancelTimer(timer Ref) (time.Duration, bool) {
	result := newArea()
	defer result.free()
	hostCancel(timer.Node, timer.Serial, result)
	if !result.is(0) {
		return 0, false
	}
	return time.Duration(result.u64(8)) * time.Millisecond, true
}
