//go:build wasip1

package odeon

import "time"

// Names that are known on every connected node: docs/cluster.md. A name is 1 to 255 bytes of
// any value.

// Resolver says what happens when parts of a cluster meet that each gave the name.
type Resolver uint8

// The resolvers, in the contract's order.
const (
	// RandomExit ends one of the two owners, as good as random.
	RandomExit Resolver = iota
	// RandomNotify takes the name from one of the two, which gets a NameLost.
	RandomNotify
	// NotifyAll takes the name from both, which get a NameLost.
	NotifyAll
	// OldestExit ends the one that registered later.
	OldestExit
	// OldestNotify takes the name from the one that registered later.
	OldestNotify
)

// NameOptions is how a cluster name is registered.
type NameOptions struct {
	Resolver Resolver
	// Timeout is how long to wait; 0 is for ever.
	Timeout time.Duration
}

// RegisterName gives an actor a cluster name that nobody has, and waits until every connected
// node knows. The error is Taken with the owner, or another of the contract's.
func RegisterName(name string, pid Pid, options NameOptions) error {
	return options.register(hostNamesRegister, name, pid)
}

// ReRegisterName does the same, whoever has the name.
func ReRegisterName(name string, pid Pid, options NameOptions) error {
	return options.register(hostNamesReRegister, name, pid)
}

type registerName func(string, uint64, uint64, uint32, string, bool, uint64, *area)

func (options NameOptions) register(host registerName, name string, pid Pid) error {
	result := newArea()
	defer result.free()
	is, wait := unlessZero(options.Timeout)
	host(name, pid.Node, pid.Serial, uint32(options.Resolver), "", is, wait, result)
	if result.is(0) {
		return result.failure("register", nameErrors, 8, 8)
	}
	return nil
}

// UnregisterName frees a cluster name, whoever has it. A timeout of 0 is for ever.
func UnregisterName(name string, timeout time.Duration) error {
	result := newArea()
	defer result.free()
	is, wait := unlessZero(timeout)
	hostNamesUnregister(name, is, wait, result)
	if result.is(0) {
		return result.failure("unregister", nameErrors, 8, 8)
	}
	return nil
}

// WhereisName finds who has a cluster name, as far as this node knows.
func WhereisName(name string) (Pid, bool) {
	result := newArea()
	defer result.free()
	hostNamesWhereis(name, result)
	return result.optionPid(0)
}

// SendName sends to whoever has a cluster name, and says who that is.
func SendName(name string, value any) (owner Pid, err error) {
	problem := written(value, func(body string) {
		result := newArea()
		defer result.free()
		hostNamesSend(name, body, 0, result)
		if result.is(0) {
			err = result.failure("send", sendErrors, 8, 8)
			return
		}
		owner = result.pid(8)
	})
	if problem != nil {
		return Pid{}, problem
	}
	return owner, err
}

// NameOwner is a cluster name and who has it.
type NameOwner struct {
	Name string
	Pid  Pid
}

// Names gives all cluster names that this node knows, in the order of their bytes.
func Names() (names []NameOwner) {
	const pageMax = 1024
	for after := ""; ; {
		page := namesAfter(after, pageMax)
		names = append(names, page...)
		if len(page) < pageMax {
			return names
		}
		after = page[len(page)-1].Name
	}
}

func namesAfter(after string, most uint32) []NameOwner {
	result := newArea()
	defer result.free()
	hostNamesList(after != "", after, most, result)
	return list(result, 0, 24, func(item *area) NameOwner {
		return NameOwner{item.text(0), item.pid(8)}
	})
}
