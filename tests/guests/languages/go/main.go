// The functions that every language's guest of the suite `languages` has, in Go.
//
// tests/languages says what each is for. A check ends normally, or by a panic.
package main

import (
	secret "crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	older "math/rand"
	"math/rand/v2"
	"os"
	"strings"
	"time"

	"odeon"
)

const (
	long  = 10 * time.Second
	short = 30 * time.Millisecond
)

func same[T comparable](found, expected T) {
	if found != expected {
		panic(fmt.Sprintf("%#v, not %#v", found, expected))
	}
}

func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}

func check(err error) {
	if err != nil {
		panic(err)
	}
}

// holds panics unless something does.
func holds(is bool, what string) {
	if !is {
		panic(what + " does not hold")
	}
}

func next() odeon.Event {
	event, is := odeon.ReceiveTimeout(long)
	holds(is, "an event comes")
	return event
}

func nextMessage[T any]() (value T) {
	message := next().(odeon.Message)
	check(message.Decode(&value))
	return value
}

func silence() {
	event, is := odeon.ReceiveTimeout(short)
	holds(!is, fmt.Sprintf("silence, and no %#v,", event))
}

func reasonOf(monitor odeon.Ref) odeon.Reason {
	event, is := odeon.ReceiveRef(monitor, long)
	holds(is, "a down comes")
	return event.(odeon.Down).Reason
}

func echo() {
	for {
		message, is := odeon.ReceiveMessage(odeon.Forever)
		holds(is, "a message comes")
		var value any
		if err := message.Decode(&value); err != nil {
			value = map[string]string{"refused": err.Error()}
		}
		check(odeon.Send(message.Sender, value))
	}
}

func waiter() {
	for {
		odeon.Receive()
	}
}

func nothing() {}

func fail(text string) error { return errors.New(text) }

func crash(text string) { panic(text) }

func custom(detail []byte) error { return odeon.Custom(detail) }

func add(a, b int64) (int64, error) {
	sum := a + b
	if (a < 0) == (b < 0) && (sum < 0) != (a < 0) {
		return 0, errors.New("the sum is out of range")
	}
	return sum, nil
}

func checkSend() {
	child := must(odeon.Spawn("echo", nil))
	for number := range 100 {
		check(odeon.Send(child, number))
	}
	for number := range 100 {
		message := next().(odeon.Message)
		same(message.Sender, child)
		var came int
		check(message.Decode(&came))
		same(came, number)
	}
	alias := odeon.Alias(false)
	check(odeon.Send(alias, "by alias"))
	event, is := odeon.ReceiveRef(alias, long)
	holds(is, "a message by alias")
	same(event.(odeon.Message).Via, alias)
	holds(odeon.Unalias(alias), "an alias")
	check(odeon.Send(alias, "too late"))
	silence()
	// Those that were passed over stay, in their order.
	for _, word := range []string{"one", "two", "three"} {
		check(odeon.Send(odeon.Me(), word))
	}
	_, is = odeon.ReceiveWhere(func(event odeon.Event) bool {
		var word string
		return event.(odeon.Message).Decode(&word) == nil && word == "two"
	}, long)
	holds(is, "a message that fits")
	same(nextMessage[string](), "one")
	same(nextMessage[string](), "three")
	// Longer than what the SDK keeps for what the host gives, and many of them.
	large := strings.Repeat("x", 200_000)
	for range 100 {
		check(odeon.Send(child, large))
		same(nextMessage[string](), large)
	}
}

func checkTimeout() {
	_, is := odeon.ReceiveTimeout(0)
	holds(!is, "an empty mailbox")
	before := time.Now()
	silence()
	holds(time.Since(before) >= short, "the time")
	timer := must(odeon.StartTimer(time.Millisecond))
	same(next(), odeon.Event(odeon.Timeout{Timer: timer}))
	left, is := odeon.CancelTimer(must(odeon.StartTimer(long)))
	holds(is && left > 0, "time was left")
	must(odeon.SendAfter(time.Millisecond, odeon.Me(), "later"))
	same(nextMessage[string](), "later")
	// What Go itself has for it, and goroutines.
	before = time.Now()
	words := make(chan string)
	for _, word := range []string{"one", "two"} {
		go func() {
			time.Sleep(short)
			words <- word
		}()
	}
	holds(len(<-words+<-words) == len("onetwo"), "two words")
	holds(time.Since(before) >= short, "the sleep")
	holds(time.Now().Year() >= 2024, "the year")
	silence()
}

func checkLinks() {
	odeon.TrapExit(true)
	failing := must(odeon.SpawnLink("fail", "on purpose"))
	same(next(), odeon.Event(odeon.Exit{Sender: failing, Reason: odeon.Failure("on purpose")}))
	free := must(odeon.Spawn("waiter", nil))
	check(odeon.Link(free))
	odeon.Unlink(free)
	odeon.SendExit(free, odeon.Kill)
	silence()
	bound := must(odeon.Spawn("waiter", nil))
	check(odeon.Link(bound))
	odeon.SendExit(bound, odeon.Shutdown)
	same(next(), odeon.Event(odeon.Exit{Sender: bound, Reason: odeon.Shutdown}))
}

func checkMonitors() {
	child := must(odeon.Spawn("waiter", nil))
	dropped, kept := odeon.Monitor(child), odeon.Monitor(child)
	holds(odeon.Demonitor(dropped), "a monitor")
	odeon.SendExit(child, odeon.Kill)
	same(next(), odeon.Event(odeon.Down{Monitor: kept, Object: child, Reason: odeon.Killed}))
	same(reasonOf(odeon.Monitor(child)), odeon.NoProc)
	holds(!odeon.IsAlive(child), "its death")
	// What who waits for a message took out of the mailbox is dropped with the monitor.
	late := odeon.Monitor(child)
	_, is := odeon.ReceiveMessage(short)
	holds(!is && !odeon.Demonitor(late), "no message, and no monitor,")
	silence()
	request := must(odeon.SpawnRequest(odeon.SpawnOptions{}, "nothing", nil))
	event, _ := odeon.ReceiveRef(request, long)
	check(event.(odeon.SpawnReply).Err)
	request = must(odeon.SpawnRequest(odeon.SpawnOptions{Module: "missing"}, "nothing", nil))
	event, _ = odeon.ReceiveRef(request, long)
	holds(errors.Is(event.(odeon.SpawnReply).Err, odeon.NoModule), "a missing module")
	silence()
}

func endOf(function string, argument any) odeon.Reason {
	return reasonOf(must(odeon.SpawnMonitor(function, argument)).Monitor)
}

func leave(code int) { os.Exit(code) }

func recurse(depth int) int { return recurse(depth+1) + 1 }

func fill() {
	var kept [][]byte
	for {
		kept = append(kept, make([]byte, 1<<20))
	}
}

func deadlock() { <-make(chan int) }

func elsewhere() {
	go func() { panic("in another goroutine") }()
	time.Sleep(long)
}

// tells checks that a reason is of this kind and has all of these words.
func tells(reason odeon.Reason, kind odeon.ReasonKind, words ...string) {
	same(reason.Kind, kind)
	for _, word := range words {
		holds(strings.Contains(reason.Text, word), fmt.Sprintf("%q in %q", word, reason.Text))
	}
}

func checkExits() {
	same(endOf("nothing", nil), odeon.Normal)
	same(endOf("fail", "in words"), odeon.Failure("in words"))
	tells(endOf("crash", "a loud crash"), odeon.KindTrap, "panic: a loud crash", "main.crash", "main.go:")
	tells(endOf("crash", strings.Repeat("ü", 10_000)), odeon.KindTrap, "panic: ü")
	same(endOf("custom", []byte{1, 2}), odeon.Custom([]byte{1, 2}))
	tells(endOf("no_such_function", nil), odeon.KindError, "it has echo")
	same(endOf("leave", 0), odeon.Normal)
	// WASI tells the host that a program failed, and no more.
	same(endOf("leave", 3), odeon.Reason{Kind: odeon.KindExitCode, Code: 1})
	// What nothing recovers: each says what it is.
	tells(endOf("elsewhere", nil), odeon.KindTrap, "panic: in another goroutine", "main.elsewhere")
	tells(endOf("deadlock", nil), odeon.KindTrap, "all goroutines are asleep", "main.deadlock")
	tells(endOf("recurse", 0), odeon.KindLimit, "stack-bytes-max")
	full := odeon.SpawnOptions{Monitor: true, Limits: odeon.Limits{MemoryBytes: 16 << 20}}
	tells(reasonOf(must(odeon.SpawnWith(full, "fill", nil)).Monitor), odeon.KindLimit, "memory-bytes-max", "out of memory")
}

func checkNames() {
	const name = "echo of go"
	child := must(odeon.Spawn("echo", nil))
	check(odeon.Register(name, child))
	holds(errors.Is(odeon.Register(name, odeon.Me()), odeon.Taken), "taken")
	found, _ := odeon.Whereis(name)
	same(found, child)
	check(odeon.Send(odeon.Name(name), "hello"))
	same(nextMessage[string](), "hello")
	holds(odeon.Unregister(name), "a name")
	_, is := odeon.Whereis(name)
	holds(!is, "a free name")
	holds(errors.Is(odeon.Send(odeon.Name(name), "hello"), odeon.NoName), "nobody")
}

type colour string

type octet uint8

type paint struct {
	What   string
	Key    [2]octet
	Raw    []octet
	Colour colour
	Whom   *odeon.Pid
	Layers [2]int8
	ByName map[string]float64
	NodeID uint64 `odeon:"from"`
	Tail   []paint
	hidden int
}

type order struct {
	odeon.Variant
	Paint *paint
	Add   *int
	Stop  *struct{}
}

// back is a value after it was a message.
func back[T any](value T) T {
	check(odeon.Send(odeon.Me(), value))
	return nextMessage[T]()
}

func checkTypes() {
	me, five := odeon.Me(), 5
	door := paint{What: "door", Colour: "red", Whom: &me, Layers: [2]int8{-1, 1}, Key: [2]octet{1, 255}, Raw: []octet{7},
		ByName: map[string]float64{"a": 1.5}, NodeID: 1 << 60, Tail: []paint{{What: "knob"}}}
	painted := back(order{Paint: &door}).Paint
	same(fmt.Sprint(*painted.Whom), fmt.Sprint(me))
	same(fmt.Sprint(painted.Key, painted.Raw, painted.Layers, painted.ByName, painted.NodeID, painted.What, painted.Colour),
		fmt.Sprint(door.Key, door.Raw, door.Layers, door.ByName, door.NodeID, door.What, door.Colour))
	holds(painted.Tail[0].Whom == nil && painted.Tail[0].What == "knob", "the tail")
	same(*back(order{Add: &five}).Add, 5)
	holds(back(order{Stop: &struct{}{}}).Stop != nil, "the empty case")
	same(string(must(odeon.Marshal(order{Add: &five}))), "\xa1\x63Add\x05")
	same(string(must(odeon.Marshal(order{Stop: &struct{}{}}))), "\x64Stop")
	for _, reason := range []odeon.Reason{odeon.Normal, odeon.Failure("x"), odeon.Custom([]byte{1}),
		{Kind: odeon.KindExitCode, Code: 3}} {
		same(back(reason), reason)
	}
	checkRefusals()
}

func checkRefusals() {
	refuses := func(target any, value any) {
		err := odeon.Unmarshal(must(odeon.Marshal(value)), target)
		var problem *odeon.MessageError
		holds(errors.As(err, &problem), fmt.Sprintf("%#v is no %T: it", value, target))
	}
	refuses(new(int8), 128)
	refuses(new(uint), -1)
	refuses(new(int), uint64(1<<63))
	refuses(new(int), 1.0)
	refuses(new(int), true)
	refuses(new(string), []byte("x"))
	refuses(new(odeon.Pid), map[string]int{"node": 1})
	refuses(new([2]int), []int{1})
	refuses(new(order), "Paint")
	refuses(new(order), map[string]int{"Mix": 1})
	refuses(new(odeon.Reason), "Tired")
	var number float64
	check(odeon.Unmarshal(must(odeon.Marshal(5)), &number))
	same(number, 5.0)
	for _, wrong := range []any{make(chan int), order{}, odeon.Reason{Kind: 99}} {
		_, err := odeon.Marshal(wrong)
		holds(err != nil, fmt.Sprintf("%T is refused: it", wrong))
	}
}

// chance gives what an actor throws, of each kind of dice, and then what its clock says.
func chance() [4]int64 {
	var bytes [8]byte
	_, _ = secret.Read(bytes[:])
	word := int64(binary.BigEndian.Uint64(bytes[:]) >> 1)
	return [4]int64{rand.Int64(), older.Int63(), word, time.Now().UnixNano()}
}

func checkChance() {
	one := must(odeon.Call[[4]int64]("chance", nil))
	other := must(odeon.Call[[4]int64]("chance", nil))
	for index := range 3 {
		holds(one[index] != other[index], "the difference of dice")
	}
	holds(one[0] != rand.Int64(), "the dice of one's own")
	holds(one[3] > 1_700_000_000e9 && other[3] > one[3], "the time")
	before := time.Now()
	time.Sleep(short)
	holds(time.Since(before) >= short && time.Since(before) < long, "the sleep")
}

func checkRPC() {
	same(must(odeon.Call[int64]("add", odeon.Args{20, 22})), 42)
	_, err := odeon.Call[any]("fail", "called")
	var refused *odeon.Error
	holds(errors.As(err, &refused) && refused.Kind == odeon.Ended, "an end")
	same(refused.Reason, odeon.Failure("called"))
	_, err = odeon.CallWith[any](odeon.CallOptions{Timeout: short}, "waiter", nil)
	holds(errors.Is(err, odeon.TimedOut), "the timeout")
	// Of the module of the Rust SDK.
	rust := odeon.CallOptions{Module: "conformance"}
	same(must(odeon.CallWith[int](rust, "add", odeon.Args{1, 2})), 3)
	request := must(odeon.CallRequest(rust, "add", odeon.Args{1, 2}))
	reply := next().(odeon.CallReply)
	same(reply.Request, request)
	var sum int
	check(reply.Decode(&sum))
	same(sum, 3)
	check(odeon.Cast(rust, "add", odeon.Args{1, 2}))
	_, err = odeon.CallText(rust, "add(1, 2)")
	holds(errors.Is(err, odeon.NoFunction), "a function that is not exported")
	checkTypes()
	silence()
}

func checkIo() {
	line := must(odeon.ReadLine("who? "))
	fmt.Print("hello, ", line)
	_, err := odeon.ReadLine("")
	same(err, io.EOF)
	fmt.Println("that was all")
}

type letter struct {
	Me   odeon.Pid
	Ref  odeon.Ref
	Text string
}

// checkEchoOn: an echo on another node, of this module or another one, there and back.
func checkEchoOn(node, module string) {
	far := must(odeon.SpawnWith(odeon.SpawnOptions{Module: module, Node: node, Name: "far echo",
		Monitor: true}, "echo", nil))
	holds(far.Pid.Node != odeon.Me().Node, "another node")
	sent := letter{odeon.Me(), far.Monitor, "züg"}
	check(odeon.Send(far.Pid, sent))
	same(nextMessage[letter](), sent)
	check(odeon.Send(odeon.NameOn{Name: "far echo", Node: node}, "by name"))
	same(nextMessage[string](), "by name")
	odeon.SendExit(far.Pid, odeon.Kill)
	same(reasonOf(far.Monitor), odeon.Killed)
}

func checkFar(node string) {
	checkEchoOn(node, "")
	checkEchoOn(node, "conformance")
	same(must(odeon.CallWith[int64](odeon.CallOptions{Node: node}, "add", odeon.Args{-5, 2})), -3)
	same(odeon.Nodes()[0], node)
	odeon.WatchNodes(true)
	holds(odeon.Disconnect(node), "a connection")
	same(next().(odeon.NodeDown).Node, node)
	check(odeon.Connect(node))
	same(next().(odeon.NodeUp).Node, node)
	odeon.WatchNodes(false)
	silence()
}

func init() {
	odeon.Actor("echo", echo)
	odeon.Actor("waiter", waiter)
	odeon.Actor("nothing", nothing)
	odeon.Actor("fail", fail)
	odeon.Actor("crash", crash)
	odeon.Actor("custom", custom)
	odeon.Actor("add", add)
	odeon.Actor("leave", leave)
	odeon.Actor("recurse", recurse)
	odeon.Actor("fill", fill)
	odeon.Actor("deadlock", deadlock)
	odeon.Actor("elsewhere", elsewhere)
	odeon.Actor("chance", chance)
	odeon.Actor("check_chance", checkChance)
	odeon.Actor("check_send", checkSend)
	odeon.Actor("check_timeout", checkTimeout)
	odeon.Actor("check_links", checkLinks)
	odeon.Actor("check_monitors", checkMonitors)
	odeon.Actor("check_exits", checkExits)
	odeon.Actor("check_names", checkNames)
	odeon.Actor("check_rpc", checkRPC)
	odeon.Actor("check_io", checkIo)
	odeon.Actor("check_far", checkFar)
	odeon.Actor("find", find)
	odeon.Actor("member", member)
	odeon.Actor("holder", holder)
	odeon.Actor("check_cluster_names", checkClusterNames)
	odeon.Actor("check_groups", checkGroups)
	odeon.Actor("check_locks", checkLocks)
	odeon.Actor("check_cluster", checkCluster)
	odeon.Actor("check_name_lost", checkNameLost)
}

func main() {}
