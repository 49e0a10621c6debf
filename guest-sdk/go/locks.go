//go:build wasip1

package odeon

import (
	"fmt"
	"runtime"
	"time"
	"unsafe"
)

// LockOptions is how a lock of the cluster is held: docs/cluster.md.
type LockOptions struct {
	// Requester is who holds it: actors with one requester hold it together. Without one it is
	// the calling actor alone.
	Requester string
	// Nodes are where it is set; nil is this node and all that are visibly connected with it.
	Nodes []string
	// Timeout is how long Lock waits; 0 is for ever.
	Timeout time.Duration
}

// Lock holds a lock from now on, or says why it does not: TimedOut or another error. The lock
// is released at the actor's end as well.
func Lock(resource string, options LockOptions) error {
	is, wait := unlessZero(options.Timeout)
	return options.set(resource, is, wait)
}

// TryLock holds a lock if it is free: else the error is Held, with whom.
func TryLock(resource string, options LockOptions) error { return options.set(resource, true, 0) }

func (options LockOptions) set(resource string, hasWait bool, wait uint64) error {
	result := newArea()
	defer result.free()
	nodes := textsOf(options.Nodes)
	hostSetLock(resource, options.requester(), options.Nodes != nil,
		unsafe.Pointer(unsafe.SliceData(nodes)), uint32(len(nodes)), hasWait, wait, result)
	runtime.KeepAlive(options.Nodes)
	return result.lockFailure("lock")
}

// Unlock holds a lock no longer.
func Unlock(resource string, options LockOptions) error {
	result := newArea()
	defer result.free()
	nodes := textsOf(options.Nodes)
	hostDeleteLock(resource, options.requester(), options.Nodes != nil,
		unsafe.Pointer(unsafe.SliceData(nodes)), uint32(len(nodes)), result)
	runtime.KeepAlive(options.Nodes)
	return result.lockFailure("unlock")
}

func (from *area) lockFailure(op string) error {
	if from.is(0) {
		return from.failure(op, lockErrors, 8, 8)
	}
	return nil
}

func (options LockOptions) requester() string {
	if options.Requester != "" {
		return options.Requester
	}
	me := Me()
	return fmt.Sprintf("%d.%d", me.Node, me.Serial)
}

// textsOf is a list of texts as a parameter. The texts must outlive the call.
func textsOf(texts []string) []text {
	all := make([]text, len(texts))
	for i, it := range texts {
		all[i] = textOf(it)
	}
	return all
}
