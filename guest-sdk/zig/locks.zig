//! Locks of the whole cluster: docs/cluster.md. They are advisory, and released when their
//! holder ends.

const std = @import("std");
const abi = @import("abi.zig");
const given = @import("given.zig");
const odeon = @import("odeon.zig");

const Pid = odeon.Pid;

/// Why a lock was not set or deleted. What the node says to `NoConnection` and `SystemLimit`
/// is in its log.
pub const Error = error{
    /// The resource or the requester has no bytes.
    Empty,
    /// The resource or the requester has more than 255 bytes.
    TooLong,
    /// Another requester has it or is about to, and the request was not to wait.
    Held,
    /// The time is over.
    Timeout,
    /// A node that was named is not connected, or all nodes were lost meanwhile.
    NoConnection,
    /// A limit of one of the nodes.
    SystemLimit,
};

/// What is locked, for whom, where, and how long it is waited for.
pub const Lock = struct {
    resource: []const u8,
    /// Actors that say the same hold it together; absent is the caller alone.
    requester: ?[]const u8 = null,
    /// Absent is this node and all that are visibly connected with it.
    nodes: ?[]const []const u8 = null,
    /// Absent is as long as it takes; 0 only asks.
    wait_ms: ?u64 = null,
    /// Where the one that has it is put on `error.Held`.
    holder: ?*Pid = null,
};

/// A lock as the host takes it.
const Flat = struct {
    own: [41]u8 = undefined,
    requester: []const u8 = "",
    nodes: []abi.Bytes = &.{},

    fn init(self: *Flat, lock: Lock) void {
        const me = odeon.me();
        // Two numbers of 20 digits at most.
        self.requester = lock.requester orelse
            std.fmt.bufPrint(&self.own, "{d}.{d}", .{ me.node, me.serial }) catch unreachable;
        const nodes = lock.nodes orelse return;
        self.nodes = odeon.allocator.alloc(abi.Bytes, nodes.len) catch @panic("out of memory");
        for (self.nodes, nodes) |*to, node| to.* = .of(node);
    }

    fn deinit(self: *Flat) void {
        odeon.allocator.free(self.nodes);
    }
};

fn done(outcome: abi.Result(u32, abi.Refusal), holder: ?*Pid) Error!void {
    if (!outcome.is_error) return;
    const failed = outcome.content.err;
    switch (failed.tag) {
        0 => return error.Empty,
        1 => return error.TooLong,
        2 => {
            if (holder) |to| to.* = failed.content.pid;
            return error.Held;
        },
        3 => return error.Timeout,
        else => {
            given.logAndFree(failed.content.text);
            return if (failed.tag == 4) error.NoConnection else error.SystemLimit;
        },
    }
}

/// Holds a lock until it is deleted or the actor ends. Setting it twice is setting it once.
pub fn set(lock: Lock) Error!void {
    var flat: Flat = .{};
    flat.init(lock);
    defer flat.deinit();
    var outcome: abi.Result(u32, abi.Refusal) = undefined;
    abi.locks.@"set-lock"(@intFromPtr(lock.resource.ptr), lock.resource.len, @intFromPtr(flat.requester.ptr), flat.requester.len, lock.nodes != null, @intFromPtr(flat.nodes.ptr), flat.nodes.len, lock.wait_ms != null, lock.wait_ms orelse 0, &outcome);
    return done(outcome, lock.holder);
}

/// Holds a lock no longer: at its nodes, or wherever this actor does. No change if it does not.
pub fn delete(lock: Lock) Error!void {
    var flat: Flat = .{};
    flat.init(lock);
    defer flat.deinit();
    var outcome: abi.Result(u32, abi.Refusal) = undefined;
    abi.locks.@"delete-lock"(@intFromPtr(lock.resource.ptr), lock.resource.len, @intFromPtr(flat.requester.ptr), flat.requester.len, lock.nodes != null, @intFromPtr(flat.nodes.ptr), flat.nodes.len, &outcome);
    return done(outcome, null);
}

/// Calls a function while holding a lock, and gives what it gives. On an error of this
/// nothing was called.
pub fn trans(lock: Lock, body: anytype, arguments: anytype) Error!@TypeOf(@call(.auto, body, arguments)) {
    try set(lock);
    // What was set can be deleted.
    defer delete(lock) catch {};
    return @call(.auto, body, arguments);
}
