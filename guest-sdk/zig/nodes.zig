//! The nodes of the cluster: which there are, connecting them, watching them.

const abi = @import("abi.zig");
const given = @import("given.zig");
const odeon = @import("odeon.zig");

/// A choice of nodes; none includes this one.
pub const Selection = enum(u32) {
    /// Connected, and not hidden.
    visible,
    /// Connected by a hidden connection.
    hidden,
    /// Connected.
    connected,
    /// Connected, or heard of.
    known,
};

/// The names of these nodes, in order; to be freed by `odeon.freeAll`.
pub fn list(of: Selection) []const []const u8 {
    var names: abi.Bytes = .{};
    abi.node.nodes(@intFromEnum(of), &names);
    return given.texts(names);
}

/// The name of the node that an actor lives on, to be freed; nothing if it is not known here.
pub fn nameOf(pid: odeon.Pid) ?[]const u8 {
    var name: abi.Option(abi.Bytes) = undefined;
    abi.node.@"name-of"(pid.node, pid.serial, &name);
    return if (name.is_some) name.value.slice() else null;
}

/// Whether this node takes part in a cluster.
pub fn isDistributed() bool {
    return abi.node.@"is-distributed"();
}

/// Connects with a node, and waits until that is done. Why it cannot be is in the node's log.
pub fn connect(node: []const u8) error{ NotDistributed, NoConnection }!void {
    var outcome: abi.Result(u32, abi.Error) = undefined;
    abi.node.connect(@intFromPtr(node.ptr), node.len, &outcome);
    if (!outcome.is_error) return;
    if (outcome.content.err.tag == 0) return error.NotDistributed;
    given.logAndFree(outcome.content.err.text);
    return error.NoConnection;
}

/// Ends a connection. False if there is none.
pub fn disconnect(node: []const u8) bool {
    return abi.node.disconnect(@intFromPtr(node.ptr), node.len);
}

/// Which nodes' coming and going to hear of.
pub const Watched = enum(u32) { visible, hidden, all };

/// From now on a `node_up` or `node_down` comes for each node of this kind that comes or
/// goes, once for each call.
pub fn watch(of: Watched) void {
    abi.node.watch(@intFromEnum(of));
}

/// Ends every watch of this kind.
pub fn unwatch(of: Watched) void {
    abi.node.unwatch(@intFromEnum(of));
}
