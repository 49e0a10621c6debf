// The checks of names, groups and locks of the cluster, and of its nodes.
package main

import (
	"errors"
	"fmt"
	"reflect"
	"strings"

	"odeon"
)

// ---- What runs on the other node ----

// find gives who has a name there, or nil.
func find(name string) *odeon.Pid {
	if owner, is := odeon.WhereisName(name); is {
		return &owner
	}
	return nil
}

// member joins a group of a scope, and is an echo then.
func member(scope, group string) {
	must(odeon.StartScope(scope))
	check(odeon.Join(scope, group))
	echo()
}

// holder holds a lock, and is an echo then.
func holder(resource string) {
	check(odeon.Lock(resource, odeon.LockOptions{}))
	echo()
}

// ---- What the checks share ----

// alike is same for what cannot be compared by ==.
func alike(found, expected any) {
	holds(reflect.DeepEqual(found, expected), fmt.Sprintf("%#v is %#v: it", found, expected))
}

// refused is the error that the host answers with, which is of this kind.
func refused(err error, kind odeon.Kind) *odeon.Error {
	var refusal *odeon.Error
	holds(errors.As(err, &refusal), fmt.Sprintf("%v is %s: it", err, kind))
	same(refusal.Kind, kind)
	return refusal
}

// heard is who sent the next message, which is this text.
func heard(text string) odeon.Pid {
	message := next().(odeon.Message)
	var word string
	check(message.Decode(&word))
	same(word, text)
	return message.Sender
}

// changed checks that the next event of a monitor is that this one joined or left, once.
func changed(monitor odeon.Ref, scope, group string, joined bool, pid odeon.Pid) {
	event, is := odeon.ReceiveRef(monitor, long)
	holds(is, "a change comes")
	alike(event, odeon.GroupChange{Monitor: monitor, Scope: scope, Group: group, Joined: joined,
		Members: []odeon.Pid{pid}})
}

// monitored monitors a group, or all groups of a scope, which have these members.
func monitored(scope, group string, members map[string][]odeon.Pid) odeon.Ref {
	monitor, all, err := odeon.MonitorGroup(scope, group)
	check(err)
	found := map[string][]odeon.Pid{}
	for _, it := range all {
		if len(it.Members) > 0 {
			found[it.Group] = it.Members
		}
	}
	alike(found, members)
	return monitor
}

// picks checks which member is picked.
func picks(scope, group string, closest bool, expected odeon.Pid) {
	pid, is, err := odeon.Pick(scope, group, closest)
	check(err)
	holds(is, "a member")
	same(pid, expected)
}

// ---- On one node ----

func checkClusterNames() {
	const odd = "b\xff\x00"
	one, other := must(odeon.Spawn("echo", nil)), must(odeon.Spawn("echo", nil))
	anyhow := odeon.NameOptions{}
	check(odeon.RegisterName("a", one, anyhow))
	same(refused(odeon.RegisterName("a", other, anyhow), odeon.Taken).Pid, one)
	refused(odeon.RegisterName(odd, one, anyhow), odeon.HasName)
	refused(odeon.RegisterName("", other, anyhow), odeon.Empty)
	tooLong := odeon.RegisterName(strings.Repeat("a", 256), other, anyhow)
	same(refused(tooLong, odeon.TooLong).Most, 255)
	check(odeon.RegisterName(odd, other, odeon.NameOptions{Resolver: odeon.OldestNotify, Timeout: long}))
	owner, is := odeon.WhereisName(odd)
	holds(is && owner == other, "the owner of odd bytes")
	alike(odeon.Names(), []odeon.NameOwner{{Name: "a", Pid: one}, {Name: odd, Pid: other}})
	same(must(odeon.SendName("a", "hello")), one)
	same(heard("hello"), one)
	check(odeon.UnregisterName("a", 0))
	check(odeon.UnregisterName("a", long))
	_, is = odeon.WhereisName("a")
	holds(!is, "a free name")
	_, err := odeon.SendName("a", "hello")
	refused(err, odeon.NoName)
	check(odeon.ReRegisterName(odd, one, anyhow))
	owner, is = odeon.WhereisName(odd)
	holds(is && owner == one, "the new owner")
	silence()
}

func checkGroups() {
	child := must(odeon.Spawn("echo", nil))
	_, err := odeon.Members("go", "echoes", false)
	refused(err, odeon.NoScope)
	_, err = odeon.SendGroup("go", "echoes", "nobody")
	refused(err, odeon.NoName)
	holds(must(odeon.StartScope("go")) && !must(odeon.StartScope("go")), "one start")
	alike(odeon.Scopes(), []string{"go"})
	check(odeon.Join("go", "echoes", child))

	// What was before is in what the monitor begins with, and no event.
	every := monitored("go", "", map[string][]odeon.Pid{"echoes": {child}})
	one := monitored("go", "others", map[string][]odeon.Pid{})
	silence()
	check(odeon.Join("go", "echoes", child))
	changed(every, "go", "echoes", true, child)
	silence()

	for _, local := range []bool{false, true} {
		alike(must(odeon.Members("go", "echoes", local)), []odeon.Pid{child, child})
		alike(must(odeon.Groups("go", local)), []string{"echoes"})
		picks("go", "echoes", local, child)
	}
	_, is, err := odeon.Pick("go", "others", false)
	holds(!is && err == nil, "nobody to pick")
	same(must(odeon.SendGroup("go", "echoes", "twice")), 2)
	holds(heard("twice") == child && heard("twice") == child, "two echoes")

	check(odeon.Leave("go", "echoes", child, child))
	refused(odeon.Leave("go", "echoes", child), odeon.NotJoined)
	// The event of that was taken out of the mailbox by who waits for another, and is dropped.
	_, is = odeon.ReceiveMessage(short)
	holds(!is, "no message")
	holds(odeon.DemonitorGroup(every) && !odeon.DemonitorGroup(every), "one monitor of all")
	silence()
	check(odeon.Join("go", "others", child))
	changed(one, "go", "others", true, child)
	holds(odeon.DemonitorGroup(one), "a monitor")
	alike(must(odeon.Groups("go", false)), []string{"others"})
	holds(must(odeon.StopScope("go")) && !must(odeon.StopScope("go")), "one stop")
	same(len(odeon.Scopes()), 0)
	silence()
}

func checkLocks() {
	const resource = "go's"
	mine, another := odeon.LockOptions{}, odeon.LockOptions{Requester: "another"}
	check(odeon.Lock(resource, mine))
	check(odeon.Lock(resource, odeon.LockOptions{Timeout: long}))
	same(refused(odeon.TryLock(resource, another), odeon.Held).Pid, odeon.Me())
	refused(odeon.Lock(resource, odeon.LockOptions{Requester: "another", Timeout: short}), odeon.TimedOut)
	check(odeon.Unlock(resource, mine))
	check(odeon.TryLock(resource, another))
	here := odeon.LockOptions{Nodes: []string{odeon.NodeName()}}
	refused(odeon.TryLock(resource, here), odeon.Held)
	check(odeon.Unlock(resource, another))
	check(odeon.TryLock(resource, here))
	check(odeon.Unlock(resource, here))
	nowhere := odeon.LockOptions{Nodes: []string{"nobody@nowhere"}}
	lost := refused(odeon.Lock(resource, nowhere), odeon.NotConnected)
	holds(strings.Contains(lost.Text, "nobody@nowhere"), "which node")
	refused(odeon.Lock("", mine), odeon.Empty)
	silence()
}

// ---- Between two nodes ----

func checkNodes(node string) {
	odeon.WatchNodes(true)
	holds(odeon.IsDistributed(), "a cluster")
	same(len(odeon.NodesOf(odeon.ConnectedNodes)), 0)
	check(odeon.Connect(node))
	refused(odeon.Connect("nobody@nowhere"), odeon.Failed)
	came := next().(odeon.NodeUp)
	same(came, odeon.NodeUp{Node: node, ID: came.ID})
	alike(odeon.Nodes(), []string{node})
	alike(odeon.NodesOf(odeon.ConnectedNodes), []string{node})
	same(len(odeon.NodesOf(odeon.HiddenNodes)), 0)
}

// findOn is who has a name, as another node knows it.
func findOn(node, name string) *odeon.Pid {
	return must(odeon.CallWith[*odeon.Pid](odeon.CallOptions{Node: node}, "find", name))
}

func spawnOn(node, function string, argument any) odeon.Pid {
	return must(odeon.SpawnWith(odeon.SpawnOptions{Node: node}, function, argument)).Pid
}

func checkNamesWith(node string) {
	far := spawnOn(node, "echo", nil)
	home, is := odeon.NodeOf(far)
	holds(is && home == node, "its node")
	check(odeon.RegisterName("moving", far, odeon.NameOptions{}))
	owner, is := odeon.WhereisName("moving")
	holds(is && owner == far, "the owner, here")
	same(*findOn(node, "moving"), far)
	same(must(odeon.SendName("moving", "by name")), far)
	same(heard("by name"), far)
	check(odeon.ReRegisterName("moving", odeon.Me(), odeon.NameOptions{}))
	same(*findOn(node, "moving"), odeon.Me())
	check(odeon.UnregisterName("moving", 0))
	same(findOn(node, "moving"), nil)
	odeon.SendExit(far, odeon.Kill)
}

func checkGroupsWith(node string) {
	must(odeon.StartScope("both"))
	monitor := monitored("both", "members", map[string][]odeon.Pid{})
	far := spawnOn(node, "member", odeon.Args{"both", "members"})
	changed(monitor, "both", "members", true, far)
	alike(must(odeon.Members("both", "members", false)), []odeon.Pid{far})
	same(len(must(odeon.Members("both", "members", true))), 0)
	picks("both", "members", true, far)
	near := must(odeon.Spawn("member", odeon.Args{"both", "members"}))
	changed(monitor, "both", "members", true, near)
	picks("both", "members", true, near)
	same(must(odeon.SendGroup("both", "members", "to all")), 1)
	first, second := heard("to all"), heard("to all")
	holds(first == near && second == far || first == far && second == near, "both members")
	odeon.SendExit(far, odeon.Kill)
	changed(monitor, "both", "members", false, far)
	alike(must(odeon.Members("both", "members", false)), []odeon.Pid{near})
	holds(odeon.DemonitorGroup(monitor), "a monitor")
	odeon.SendExit(near, odeon.Kill)
	silence()
}

func checkLocksWith(node string) {
	far := spawnOn(node, "holder", "disk")
	check(odeon.Send(far, "is it held?"))
	same(heard("is it held?"), far)
	same(refused(odeon.TryLock("disk", odeon.LockOptions{}), odeon.Held).Pid, far)
	odeon.SendExit(far, odeon.Kill)
	check(odeon.Lock("disk", odeon.LockOptions{Timeout: long}))
	check(odeon.Unlock("disk", odeon.LockOptions{}))
}

func checkCluster(node string) {
	checkNodes(node)
	checkNamesWith(node)
	checkGroupsWith(node)
	checkLocksWith(node)
	holds(odeon.Disconnect(node) && !odeon.Disconnect(node), "one connection")
	went := next().(odeon.NodeDown)
	same(went.Node, node)
	holds(went.Reason != "", "why it is lost")
	odeon.WatchNodes(false)
	check(odeon.Connect(node))
	silence()
}

// checkNameLost runs on two nodes that meet when both have the name.
func checkNameLost() {
	check(odeon.RegisterName("contested", odeon.Me(), odeon.NameOptions{Resolver: odeon.NotifyAll}))
	lost := next().(odeon.NameLost)
	same(lost, odeon.NameLost{Name: "contested", Other: lost.Other, Both: true})
	holds(lost.Other.Node != odeon.Me().Node, "another node's owner")
	owner, is := odeon.WhereisName("contested")
	holds(!is || owner != odeon.Me(), "its loss")
	silence()
}
