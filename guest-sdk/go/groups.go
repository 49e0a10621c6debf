//go:build wasip1

package odeon

import "unsafe"

// Groups of actors of all connected nodes: docs/cluster.md. Scopes and groups are called by 1
// to 255 bytes of any value. The errors are those of the contract: NoScope, NotLocal and others.

// StartScope makes this node take part in a scope. False if it did already.
func StartScope(scope string) (bool, error) {
	result := newArea()
	defer result.free()
	hostGroupsStart(scope, result)
	return result.is(8), result.groupFailure()
}

// StopScope makes this node take no more part in a scope. False if it took none.
func StopScope(scope string) (bool, error) {
	result := newArea()
	defer result.free()
	hostGroupsStop(scope, result)
	return result.is(8), result.groupFailure()
}

// Scopes gives the scopes that this node takes part in, in the order of their bytes.
func Scopes() []string {
	result := newArea()
	defer result.free()
	hostGroupsScopes(result)
	return result.texts(0)
}

func (from *area) groupFailure() error {
	if from.is(0) {
		return from.failure("group", groupErrors, 8, 8)
	}
	return nil
}

// Join makes actors of this node, the caller if none are given, members of a group.
func Join(scope, group string, pids ...Pid) error {
	return changeGroup(hostGroupsJoin, scope, group, pids)
}

// Leave makes actors of this node, the caller if none are given, leave a group.
func Leave(scope, group string, pids ...Pid) error {
	return changeGroup(hostGroupsLeave, scope, group, pids)
}

func changeGroup(host func(string, string, unsafe.Pointer, uint32, *area), scope, group string, pids []Pid) error {
	result := newArea()
	defer result.free()
	pids = orMe(pids)
	first, count := pidsPointer(pids)
	host(scope, group, first, count, result)
	return result.groupFailure()
}

func orMe(pids []Pid) []Pid {
	if len(pids) == 0 {
		return []Pid{Me()}
	}
	return pids
}

// Members gives the members of a group, as often as they joined: of all nodes, or of this one.
func Members(scope, group string, local bool) ([]Pid, error) {
	result := newArea()
	defer result.free()
	hostGroupsMembers(scope, group, local, result)
	if err := result.groupFailure(); err != nil {
		return nil, err
	}
	return result.pids(8), nil
}

// Groups gives the groups of a scope that have members: anywhere, or on this node.
func Groups(scope string, local bool) ([]string, error) {
	result := newArea()
	defer result.free()
	hostGroupsList(scope, local, result)
	if err := result.groupFailure(); err != nil {
		return nil, err
	}
	return result.texts(8), nil
}

// Pick gives a member at random; with closest one of this node if there is any. False if the
// group has none.
func Pick(scope, group string, closest bool) (Pid, bool, error) {
	result := newArea()
	defer result.free()
	choice := uint32(0)
	if closest {
		choice = 1
	}
	hostGroupsPick(scope, group, choice, result)
	if err := result.groupFailure(); err != nil {
		return Pid{}, false, err
	}
	pid, is := result.optionPid(8)
	return pid, is, nil
}

// Membership is a group and its members.
type Membership struct {
	Group   string
	Members []Pid
}

// MonitorGroup makes every join and leave a GroupChange from now on: of a group, or of all
// groups of the scope where group is empty. It gives the members before the first event, too.
func MonitorGroup(scope, group string) (Ref, []Membership, error) {
	result := newArea()
	defer result.free()
	hostGroupsMonitor(scope, group != "", group, result)
	if err := result.groupFailure(); err != nil {
		return Ref{}, nil, err
	}
	return result.ref(8), list(result, 24, 16, func(item *area) Membership {
		return Membership{item.text(0), item.pids(8)}
	}), nil
}

// DemonitorGroup ends a monitor, and drops its events that wait. It tells whether the monitor
// was there.
func DemonitorGroup(monitor Ref) bool {
	wasThere := hostGroupsDemonitor(monitor.Node, monitor.Serial)
	forget(monitor)
	return wasThere
}

// SendGroup sends to every member, to each node once. It gives how many there are on this node.
func SendGroup(scope, group string, value any) (here int, err error) {
	problem := written(value, func(body string) {
		result := newArea()
		defer result.free()
		hostGroupsSend(scope, group, body, 0, result)
		if result.is(0) {
			err = result.failure("send", sendErrors, 8, 8)
			return
		}
		here = int(result.u64(8))
	})
	if problem != nil {
		return 0, problem
	}
	return here, err
}
