//go:build wasip1

package odeon

import (
	"structs"
	"unicode/utf8"
	"unsafe"
)

// What Go says before it ends a program is made part of the exit reason: the text of a panic
// that nothing recovers, in whichever goroutine, a deadlock, memory that has run out; and the
// stack. It ends the program itself then, by an exit code that is not zero.

// saidBytes is as much as a host takes.
const saidBytes = 8 << 10

var (
	said     [saidBytes]byte
	saidUsed int
	isDying  bool
)

// overrideWrite is how everything goes out that Go's runtime itself writes.
//
//go:linkname overrideWrite runtime.overrideWrite
var overrideWrite func(file uintptr, first unsafe.Pointer, length int32) int32

//go:wasmimport wasi_snapshot_preview1 fd_write
//go:noescape
func hostWrite(file int32, parts unsafe.Pointer, count uint32, written *uint32) uint32

func init() { overrideWrite = write }

// write runs on any stack, and must neither allocate nor wait.
func write(file uintptr, first unsafe.Pointer, length int32) int32 {
	words := unsafe.String((*byte)(first), int(length))
	// The runtime prints a line in parts, of which these are the first.
	isDying = isDying || file == 2 && (words == "panic: " || words == "fatal error: ")
	if isDying {
		say(words)
		return length
	}
	var written uint32
	part := struct {
		_        structs.HostLayout
		ptr, len uint32
	}{ptr: uint32(uintptr(first)), len: uint32(length)}
	hostWrite(int32(file), unsafe.Pointer(&part), 1, &written)
	return int32(written)
}

func say(words string) {
	saidUsed += copy(said[saidUsed:], words)
	if words == "" || words[len(words)-1] != '\n' {
		return
	}
	// A host takes text only, and what was cut or was none is none.
	for at := 0; at < saidUsed; {
		letter, size := utf8.DecodeRune(said[at:saidUsed])
		if letter == utf8.RuneError && size == 1 {
			said[at] = '?'
		}
		at += size
	}
	end := saidUsed
	for end > 0 && said[end-1] == '\n' {
		end--
	}
	hostPanic(&said[0], uint32(end))
}
