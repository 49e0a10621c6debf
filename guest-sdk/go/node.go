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

// Nodes gives the names of the nodes that this one is visibly connected with, in order.
func Nodes() []string {
	result := newArea()
	defer result.free()
	hostNodes(0, result)
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
