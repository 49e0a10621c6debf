//go:build wasip1

package odeon

import "runtime"

// Me is the calling actor.
func Me() Pid {
	result := newArea()
	defer result.free()
	hostMe(result)
	return result.pid(0)
}

// MakeRef gives a reference that differs from every other in the cluster.
func MakeRef() Ref {
	result := newArea()
	defer result.free()
	hostMakeReference(result)
	return result.ref(0)
}

// Limits of an actor, or of a call, which never has more than its maker. Those that are 0 are
// the maker's.
type Limits struct {
	// MemoryBytes is of all linear memories together. Go needs some 4 MiB of it.
	MemoryBytes uint64
	// TableElements is of each table.
	TableElements uint64
	// MailboxMessages and MailboxBytes are of what waits in the mailbox.
	MailboxMessages, MailboxBytes uint64
	// Children is how many actors may live that this one and its descendants made.
	Children uint64
}

// SpawnOptions is everything about a new actor but its function and argument.
type SpawnOptions struct {
	// Module is the name under which a module is deployed, Digest its SHA-256 as 64 hexadecimal
	// digits. Without either it is the caller's own.
	Module, Digest string
	// Node is name@host; without it the caller's own.
	Node string
	// Link and Monitor connect the caller with the new actor, in one step with making it.
	Link, Monitor bool
	// Name is registered on the actor's node before it runs.
	Name string
	// GroupLeader, when it is not to be the caller's.
	GroupLeader Pid
	Limits      Limits
}

// Spawned is a new actor, and its monitor where one was asked for.
type Spawned struct {
	Pid     Pid
	Monitor Ref
}

// Spawn makes an actor of this module on this node.
func Spawn(function string, argument any) (Pid, error) {
	spawned, err := SpawnWith(SpawnOptions{}, function, argument)
	return spawned.Pid, err
}

// SpawnLink makes an actor that is linked with the caller.
func SpawnLink(function string, argument any) (Pid, error) {
	spawned, err := SpawnWith(SpawnOptions{Link: true}, function, argument)
	return spawned.Pid, err
}

// SpawnMonitor makes an actor that the caller monitors.
func SpawnMonitor(function string, argument any) (Spawned, error) {
	return SpawnWith(SpawnOptions{Monitor: true}, function, argument)
}

// SpawnWith makes an actor, with a say in everything. A function of several parameters takes
// Args. A failure of the actor's own start is its exit reason, and no error here.
func SpawnWith(options SpawnOptions, function string, argument any) (spawned Spawned, err error) {
	problem := written(argument, func(body string) {
		result := newArea()
		defer result.free()
		hostSpawnWith(options.call(function, body), result)
		runtime.KeepAlive(&options)
		runtime.KeepAlive(function)
		if result.is(0) {
			err = result.failure("spawn", spawnErrors, 8, 4)
			return
		}
		spawned.Pid = result.pid(8)
		if result.is(24) {
			spawned.Monitor = result.ref(32)
		}
	})
	if problem != nil {
		return Spawned{}, problem
	}
	return spawned, err
}

// SpawnRequest asks for an actor without waiting: a SpawnReply of this reference comes.
func SpawnRequest(options SpawnOptions, function string, argument any) (request Ref, err error) {
	err = written(argument, func(body string) {
		result := newArea()
		defer result.free()
		hostSpawnRequest(options.call(function, body), result)
		runtime.KeepAlive(&options)
		runtime.KeepAlive(function)
		request = result.ref(0)
	})
	return request, err
}

// call puts the options where the host reads them; they must outlive the call.
func (options *SpawnOptions) call(function, body string) *spawnCall {
	it := &spawnCall{
		module: moduleOf(options.Module, options.Digest),
		start:  abiStart{function: textOf(function), argument: textOf(body)},
		node:   optionTextOf(options.Node),
		link:   options.Link,
		name:   optionTextOf(options.Name),
		limits: options.Limits.option(),
	}
	it.monitor.is = options.Monitor
	if leader := options.GroupLeader; leader != (Pid{}) {
		it.groupLeader = optionID{is: true, node: leader.Node, serial: leader.Serial}
	}
	return it
}

func moduleOf(name, digest string) abiModule {
	switch {
	case digest != "":
		return abiModule{tag: 2, name: textOf(digest)}
	case name != "":
		return abiModule{tag: 1, name: textOf(name)}
	}
	return abiModule{}
}

// optionTextOf is absent for an empty text.
func optionTextOf(it string) optionText {
	return optionText{is: it != "", value: textOf(it)}
}

func (limits Limits) option() abiLimits {
	if limits == (Limits{}) {
		return abiLimits{}
	}
	option := func(limit uint64) optionU64 { return optionU64{is: limit > 0, value: limit} }
	return abiLimits{is: true, limits: [5]optionU64{option(limits.MemoryBytes),
		option(limits.TableElements), option(limits.MailboxMessages), option(limits.MailboxBytes),
		option(limits.Children)}}
}

// TrapExit says whether exit signals become Exit events. It gives the former value.
func TrapExit(on bool) bool { return hostTrapExit(on) }

// Link links the caller with an actor: each gets the other's end as an exit signal.
func Link(to Pid) error {
	result := newArea()
	defer result.free()
	hostLink(to.Node, to.Serial, false, result)
	if result.is(0) {
		return result.failure("link", linkErrors, 1, 0)
	}
	return nil
}

// Unlink removes a link.
func Unlink(to Pid) { hostUnlink(to.Node, to.Serial) }

// Monitor watches an actor: one Down comes when it ends, or at once where it does not exist.
func Monitor(of Destination) Ref {
	result := newArea()
	defer result.free()
	tag, a, b, c, d := of.flat()
	hostMonitor(tag, a, b, c, d, false, 0, false, "", false, result)
	runtime.KeepAlive(of)
	return result.ref(0)
}

// Demonitor ends a monitor, and drops its event if that waits. It tells whether the monitor was
// there.
func Demonitor(monitor Ref) bool {
	result := newArea()
	defer result.free()
	hostDemonitor(monitor.Node, monitor.Serial, true, result)
	forget(monitor)
	return !result.is(0) && result.is(1)
}

// SendExit sends an exit signal to an actor.
func SendExit(to Pid, reason Reason) {
	tag, word, more := reason.flat()
	hostExit(to.Node, to.Serial, tag, word, more)
	runtime.KeepAlive(reason.Text)
}

// Stop ends the calling actor at once, without deferred calls. To return a Reason is the gentle
// way.
func Stop(reason Reason) {
	tag, word, more := reason.flat()
	hostStop(tag, word, more)
	runtime.KeepAlive(reason.Text)
	panic("a stopped actor does not run on")
}

// IsAlive tells whether an actor of this node lives.
func IsAlive(pid Pid) bool { return hostIsAlive(pid.Node, pid.Serial) }

// Alias gives a reference by which others can send to the caller, until Unalias; with once until
// the first message.
func Alias(once bool) Ref {
	result := newArea()
	defer result.free()
	life := uint32(0)
	if once {
		life = 1
	}
	hostAlias(life, false, result)
	return result.ref(0)
}

// Unalias ends an alias of the caller. It tells whether the alias was there.
func Unalias(alias Ref) bool { return hostUnalias(alias.Node, alias.Serial) }

// Register gives an actor of this node a name there. An actor has one at most. The errors are
// BadName, Taken, Named and NoActor.
func Register(name string, pid Pid) error {
	result := newArea()
	defer result.free()
	hostRegister(name, pid.Node, pid.Serial, result)
	if result.is(0) {
		return result.failure("register", registerErrors, 1, 0)
	}
	return nil
}

// Unregister takes a name of this node away. It tells whether anybody had it.
func Unregister(name string) bool { return hostUnregister(name) }

// Whereis finds the actor that has a name on this node.
func Whereis(name string) (Pid, bool) {
	result := newArea()
	defer result.free()
	hostWhereis(name, result)
	return result.optionPid(0)
}

// Registered gives all names on this node, in order.
func Registered() []string {
	result := newArea()
	defer result.free()
	hostRegistered(result)
	return result.texts(0)
}
