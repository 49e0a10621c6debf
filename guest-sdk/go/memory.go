//go:build wasip1

package odeon

import (
	"structs"
	"unsafe"
)

// The host puts what it gives into memory from here, while Go is in the middle of a call: it
// must not collect garbage then, let another goroutine run, or call the host. So what is small
// comes from memory of our own, which is free again once the call's values are copied.

const (
	// givenBytes is for what one call gives.
	givenBytes = 32 << 10
	// adapterBytes is for the adapter of WASI, which asks once, for its stack and its state, and
	// does so before Go has begun.
	adapterBytes = 160 << 10
)

var (
	given       [givenBytes / 8]uint64
	givenUsed   uint32
	adapter     [adapterBytes / 8]uint64
	adapterUsed uint32
	// large is what did not fit, until it is taken.
	large [][]byte
	// calls whose values are not copied yet: one, unless goroutines take turns meanwhile.
	calls int
)

//go:linkname procPin runtime.procPin
func procPin() int

//go:linkname procUnpin runtime.procUnpin
func procUnpin()

//go:wasmimport wasi_snapshot_preview1 adapter_monotonic_clock_set_paused
func pauseClock(is bool)

//go:wasmexport cabi_realloc_adapter
//go:nosplit
func reallocAdapter(_ unsafe.Pointer, _, _, size uint32) unsafe.Pointer {
	at := adapterUsed
	if size > adapterBytes-at {
		return nil // which the adapter takes as its end
	}
	adapterUsed = (at + size + 7) &^ 7
	return unsafe.Add(unsafe.Pointer(&adapter), at)
}

//go:wasmexport cabi_realloc
//go:nosplit
func realloc(_ unsafe.Pointer, _, align, size uint32) unsafe.Pointer {
	at := givenUsed
	if size > givenBytes-at {
		return reallocLarge(size)
	}
	if size == 0 {
		return unsafe.Pointer(uintptr(align))
	}
	// Nothing of the contract is aligned to more than 8.
	givenUsed = (at + size + 7) &^ 7
	return unsafe.Add(unsafe.Pointer(&given), at)
}

// reallocLarge takes Go's memory. While a processor is pinned nothing collects garbage and no
// other goroutine runs; a clock that is paused is not asked of the host.
func reallocLarge(size uint32) unsafe.Pointer {
	pauseClock(true)
	procPin()
	made := make([]byte, size)
	large = append(large, made)
	procUnpin()
	pauseClock(false)
	return unsafe.Pointer(unsafe.SliceData(made))
}

// begin is before a call whose values lie in given memory; done is after they were copied.
func begin() { calls++ }

func done() {
	if calls--; calls == 0 {
		givenUsed = 0
		large = nil
	}
}

// area is where a call puts its result; no result of the contract is longer.
type area struct {
	_     structs.HostLayout
	words [10]uint64
}

// areas that are free: a call keeps its own until its values are copied.
var areas []*area

func newArea() *area {
	begin()
	if last := len(areas) - 1; last >= 0 {
		taken := areas[last]
		areas = areas[:last]
		return taken
	}
	return new(area)
}

func (from *area) free() {
	areas = append(areas, from)
	done()
}

func (from *area) at(offset uintptr) unsafe.Pointer {
	return unsafe.Add(unsafe.Pointer(from), offset)
}

func (from *area) u8(offset uintptr) uint8   { return *(*uint8)(from.at(offset)) }
func (from *area) is(offset uintptr) bool    { return from.u8(offset) != 0 }
func (from *area) u32(offset uintptr) uint32 { return *(*uint32)(from.at(offset)) }
func (from *area) u64(offset uintptr) uint64 { return *(*uint64)(from.at(offset)) }
func (from *area) pid(offset uintptr) Pid    { return Pid{from.u64(offset), from.u64(offset + 8)} }
func (from *area) ref(offset uintptr) Ref    { return Ref{from.u64(offset), from.u64(offset + 8)} }

// optionPid is an option, whose value is 8 bytes behind.
func (from *area) optionPid(offset uintptr) (Pid, bool) {
	if !from.is(offset) {
		return Pid{}, false
	}
	return from.pid(offset + 8), true
}

// memory is given memory, of this address and length.
func memory(address, length uint32) []byte {
	if length == 0 {
		return nil
	}
	return unsafe.Slice((*byte)(unsafe.Add(unsafe.Pointer(nil), address)), length)
}

// bytes copies a list of bytes; what was large is handed on as it is.
func (from *area) bytes(offset uintptr) []byte {
	address, length := from.u32(offset), from.u32(offset+4)
	for _, made := range large {
		if uintptr(unsafe.Pointer(unsafe.SliceData(made))) == uintptr(address) {
			return made
		}
	}
	return append([]byte{}, memory(address, length)...)
}

func (from *area) text(offset uintptr) string {
	return string(memory(from.u32(offset), from.u32(offset+4)))
}

// optionText is an option of a text, which is 4 bytes behind.
func (from *area) optionText(offset uintptr) (string, bool) {
	if !from.is(offset) {
		return "", false
	}
	return from.text(offset + 4), true
}

// list reads a list whose items have this size, each as an area of its own.
func list[T any](from *area, offset, size uintptr, read func(*area) T) []T {
	items := make([]T, from.u32(offset+4))
	first := unsafe.Add(unsafe.Pointer(nil), from.u32(offset))
	for i := range items {
		items[i] = read((*area)(unsafe.Add(first, uintptr(i)*size)))
	}
	return items
}

func (from *area) texts(offset uintptr) []string {
	return list(from, offset, 8, func(item *area) string { return item.text(0) })
}

func (from *area) byteses(offset uintptr) [][]byte {
	return list(from, offset, 8, func(item *area) []byte { return item.bytes(0) })
}

func (from *area) pids(offset uintptr) []Pid {
	return list(from, offset, 16, func(item *area) Pid { return item.pid(0) })
}

// view is bytes as a parameter, which the host only reads.
func view(bytes []byte) string { return unsafe.String(unsafe.SliceData(bytes), len(bytes)) }
