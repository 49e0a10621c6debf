//go:build wasip1

package odeon

// NodeName is the name of this node, as name@host.
func NodeName() string {
	result := newArea()
	defer result.free()
	hostNodeName(result)
	return result.text(0)
}

// NodeOf is the name of the node that an actor lives on, where it is known here.
func NodeOf(pid Pid) (string, bool) {
	result := newArea()
	defer result.free()
	hostNodeNameOf(pid.Node, pid.Serial, result)
	return result.optionText(0)
}

// IsDistributed tells whether this node takes part in a cluster.
func IsDistributed() bool { return hostIsDistributed() }

// Selection is a choice of nodes. None includes this one.
type Selection uint8

// The selections, in the contract's order.
const (
	// VisibleNodes are connected, and not hidden.
	VisibleNodes Selection = iota
	// HiddenNodes are connected by a hidden connection.
	HiddenNodes
	// ConnectedNodes are both of these.
	ConnectedNodes
	// KnownNodes are connected, or heard of.
	KnownNodes
)

// Nodes gives the names of the nodes that this one is visibly connected with, in order.
func Nodes() []string { return NodesOf(VisibleNodes) }

// NodesOf gives the names of these nodes, in order.
func NodesOf(selection Selection) []string {
	result := newArea()
	defer result.free()
	hostNodes(uint32(selection), result)
	return result.texts(0)
}

// Connect connects with a node, and waits until that is done.
func Connect(node string) error {
	result := newArea()
	defer result.free()
	hostConnect(node, result)
	if result.is(0) {
		return result.failure("connect", connectErrors, 4, 4)
	}
	return nil
}

// Disconnect ends the connection to a node. False if there is none.
func Disconnect(node string) bool { return hostDisconnect(node) }

// WatchNodes makes a NodeUp or NodeDown come for each visible node that comes or goes; or no
// more.
func WatchNodes(on bool) {
	if on {
		hostWatch(0)
	} else {
		hostUnwatch(0)
	}
}

// Level is how grave a line of the node's log is.
type Level uint8

// The levels, in the contract's order.
const (
	LevelTrace Level = iota
	LevelDebug
	LevelInfo
	LevelWarn
	LevelError
)

// Log writes a line for whoever runs the node.
func Log(level Level, line string) { hostLog(uint32(level), line) }
