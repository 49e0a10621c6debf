//go:build wasip1

package odeon

import (
	"structs"
	"unsafe"
)

// The host's functions as WebAssembly has them: wit/ of odeon:actor@0.1.0 by the canonical ABI,
// written by hand. A string is a pointer and a length; what is returned in memory is an area,
// whose offsets are in the functions that read it. A host checks every signature when it loads
// a module, so one that is wrong here is refused, and said.

// text is a string or a list in memory.
type text struct {
	_        structs.HostLayout
	ptr, len uint32
}

func textOf(it string) text {
	return text{ptr: uint32(uintptr(unsafe.Pointer(unsafe.StringData(it)))), len: uint32(len(it))}
}

type optionText struct {
	_     structs.HostLayout
	is    bool
	value text
}

type optionU64 struct {
	_     structs.HostLayout
	is    bool
	value uint64
}

type optionID struct {
	_            structs.HostLayout
	is           bool
	node, serial uint64
}

// abiModule is a variant module.
type abiModule struct {
	_    structs.HostLayout
	tag  uint8
	name text
}

// abiStart is a variant start or target: an entry-call, or a call's text as its first word.
type abiStart struct {
	_        structs.HostLayout
	tag      uint8
	function text
	argument text
}

type abiLimits struct {
	_      structs.HostLayout
	is     bool
	limits [5]optionU64
}

type abiMonitor struct {
	_       structs.HostLayout
	is      bool
	options struct {
		_        structs.HostLayout
		alias    [2]uint8
		tag      optionText
		priority bool
	}
}

// spawnCall is the parameters of spawn-with, and of spawn-request.
type spawnCall struct {
	_           structs.HostLayout
	module      abiModule
	start       abiStart
	options     [0]uint64
	node        optionText
	link        bool
	monitor     abiMonitor
	name        optionText
	groupLeader optionID
	limits      abiLimits
	reply       uint8
}

// rpcCall is the parameters of rpc's functions.
type rpcCall struct {
	_       structs.HostLayout
	module  abiModule
	target  abiStart
	options [0]uint64
	node    optionText
	timeout optionU64
	limits  abiLimits
}

// The layout of the canonical ABI, or it does not compile.
var (
	_ = [1]struct{}{}[unsafe.Sizeof(spawnCall{})-208]
	_ = [1]struct{}{}[unsafe.Offsetof(spawnCall{}.reply)-200]
	_ = [1]struct{}{}[unsafe.Sizeof(rpcCall{})-152]
)

//go:wasmimport odeon:actor/process@0.1.0 me
func hostMe(to *area)

//go:wasmimport odeon:actor/process@0.1.0 make-reference
func hostMakeReference(to *area)

//go:wasmimport odeon:actor/process@0.1.0 spawn-with
func hostSpawnWith(call *spawnCall, to *area)

//go:wasmimport odeon:actor/process@0.1.0 spawn-request
func hostSpawnRequest(call *spawnCall, to *area)

//go:wasmimport odeon:actor/process@0.1.0 stop
func hostStop(tag, word, more uint32)

//go:wasmimport odeon:actor/process@0.1.0 exit
func hostExit(node, serial uint64, tag, word, more uint32)

//go:wasmimport odeon:actor/process@0.1.0 trap-exit
func hostTrapExit(on bool) bool

//go:wasmimport odeon:actor/process@0.1.0 link
func hostLink(node, serial uint64, priority bool, to *area)

//go:wasmimport odeon:actor/process@0.1.0 unlink
func hostUnlink(node, serial uint64)

//go:wasmimport odeon:actor/process@0.1.0 monitor
func hostMonitor(tag uint32, a, b uint64, c, d uint32, hasAlias bool, alias uint32, hasTag bool, tagBytes string, priority bool, to *area)

//go:wasmimport odeon:actor/process@0.1.0 demonitor
func hostDemonitor(node, serial uint64, flush bool, to *area)

//go:wasmimport odeon:actor/process@0.1.0 alias
func hostAlias(life uint32, priority bool, to *area)

//go:wasmimport odeon:actor/process@0.1.0 unalias
func hostUnalias(node, serial uint64) bool

//go:wasmimport odeon:actor/process@0.1.0 register
func hostRegister(name string, node, serial uint64, to *area)

//go:wasmimport odeon:actor/process@0.1.0 unregister
func hostUnregister(name string) bool

//go:wasmimport odeon:actor/process@0.1.0 whereis
func hostWhereis(name string, to *area)

//go:wasmimport odeon:actor/process@0.1.0 registered
func hostRegistered(to *area)

//go:wasmimport odeon:actor/process@0.1.0 is-alive
func hostIsAlive(node, serial uint64) bool

//go:wasmimport odeon:actor/mailbox@0.1.0 send
func hostSend(node, serial uint64, body string)

//go:wasmimport odeon:actor/mailbox@0.1.0 send-to
func hostSendTo(tag uint32, a, b uint64, c, d uint32, body string, options uint32, to *area)

//go:wasmimport odeon:actor/mailbox@0.1.0 receive
func hostReceive(filter uint32, node, serial uint64, hasTimeout bool, timeout uint64, to *area)

//go:wasmimport odeon:actor/timers@0.1.0 start
func hostTimer(milliseconds uint64, to *area)

//go:wasmimport odeon:actor/timers@0.1.0 send-after
func hostSendAfter(milliseconds uint64, tag uint32, a, b uint64, c, d uint32, body string, to *area)

//go:wasmimport odeon:actor/timers@0.1.0 cancel
func hostCancel(node, serial uint64, to *area)

//go:wasmimport odeon:actor/io@0.1.0 group-leader
func hostGroupLeader(to *area)

//go:wasmimport odeon:actor/io@0.1.0 set-group-leader
func hostSetGroupLeader(node, serial, ofNode, ofSerial uint64)

//go:wasmimport odeon:actor/io@0.1.0 get-line
func hostGetLine(prompt string, to *area)

//go:wasmimport odeon:actor/io@0.1.0 answer
func hostAnswer(node, serial, asNode, asSerial uint64, tag, a, b, c uint32)

//go:wasmimport odeon:actor/log@0.1.0 write
func hostLog(level uint32, line string)

//go:wasmimport odeon:actor/log@0.1.0 panic
//go:noescape
func hostPanic(line *byte, length uint32)

//go:wasmimport odeon:actor/node@0.1.0 name
func hostNodeName(to *area)

//go:wasmimport odeon:actor/node@0.1.0 name-of
func hostNodeNameOf(node, serial uint64, to *area)

//go:wasmimport odeon:actor/node@0.1.0 is-distributed
func hostIsDistributed() bool

//go:wasmimport odeon:actor/node@0.1.0 nodes
func hostNodes(of uint32, to *area)

//go:wasmimport odeon:actor/node@0.1.0 connect
func hostConnect(node string, to *area)

//go:wasmimport odeon:actor/node@0.1.0 disconnect
func hostDisconnect(node string) bool

//go:wasmimport odeon:actor/node@0.1.0 watch
func hostWatch(of uint32)

//go:wasmimport odeon:actor/node@0.1.0 unwatch
func hostUnwatch(of uint32)

//go:wasmimport odeon:actor/rpc@0.1.0 call
func hostCall(call *rpcCall, to *area)

//go:wasmimport odeon:actor/rpc@0.1.0 cast
func hostCast(call *rpcCall, to *area)

//go:wasmimport odeon:actor/rpc@0.1.0 request
func hostRequest(call *rpcCall, to *area)

//go:wasmimport odeon:actor/rpc@0.1.0 abandon
func hostAbandon(node, serial uint64) bool

//go:wasmimport odeon:actor/rpc@0.1.0 give-result
func hostGiveResult(body string)

//go:wasmimport odeon:actor/names@0.1.0 register
func hostNamesRegister(name string, node, serial uint64, resolver uint32, function string, hasTimeout bool, timeout uint64, to *area)

//go:wasmimport odeon:actor/names@0.1.0 re-register
func hostNamesReRegister(name string, node, serial uint64, resolver uint32, function string, hasTimeout bool, timeout uint64, to *area)

//go:wasmimport odeon:actor/names@0.1.0 unregister
func hostNamesUnregister(name string, hasTimeout bool, timeout uint64, to *area)

//go:wasmimport odeon:actor/names@0.1.0 whereis
func hostNamesWhereis(name string, to *area)

//go:wasmimport odeon:actor/names@0.1.0 list
func hostNamesList(hasAfter bool, after string, most uint32, to *area)

//go:wasmimport odeon:actor/names@0.1.0 send
func hostNamesSend(name, body string, options uint32, to *area)

//go:wasmimport odeon:actor/groups@0.1.0 start
func hostGroupsStart(scope string, to *area)

//go:wasmimport odeon:actor/groups@0.1.0 stop
func hostGroupsStop(scope string, to *area)

//go:wasmimport odeon:actor/groups@0.1.0 scopes
func hostGroupsScopes(to *area)

//go:wasmimport odeon:actor/groups@0.1.0 join
func hostGroupsJoin(scope, group string, pids unsafe.Pointer, count uint32, to *area)

//go:wasmimport odeon:actor/groups@0.1.0 leave
func hostGroupsLeave(scope, group string, pids unsafe.Pointer, count uint32, to *area)

//go:wasmimport odeon:actor/groups@0.1.0 members
func hostGroupsMembers(scope, group string, local bool, to *area)

//go:wasmimport odeon:actor/groups@0.1.0 list
func hostGroupsList(scope string, local bool, to *area)

//go:wasmimport odeon:actor/groups@0.1.0 pick
func hostGroupsPick(scope, group string, choice uint32, to *area)

//go:wasmimport odeon:actor/groups@0.1.0 monitor
func hostGroupsMonitor(scope string, hasGroup bool, group string, to *area)

//go:wasmimport odeon:actor/groups@0.1.0 demonitor
func hostGroupsDemonitor(node, serial uint64) bool

//go:wasmimport odeon:actor/groups@0.1.0 send
func hostGroupsSend(scope, group, body string, options uint32, to *area)

//go:wasmimport odeon:actor/locks@0.1.0 set-lock
func hostSetLock(resource, requester string, hasNodes bool, nodes unsafe.Pointer, count uint32, hasWait bool, wait uint64, to *area)

//go:wasmimport odeon:actor/locks@0.1.0 delete-lock
func hostDeleteLock(resource, requester string, hasNodes bool, nodes unsafe.Pointer, count uint32, to *area)
