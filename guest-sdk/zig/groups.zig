//! Groups of actors of all connected nodes: docs/cluster.md. Scopes and groups are called by
//! 1 to 255 bytes of any value. Lookups cost no traffic.

const abi = @import("abi.zig");
const given = @import("given.zig");
const odeon = @import("odeon.zig");

const Pid = odeon.Pid;
const Ref = odeon.Ref;

/// Why nothing was done. What the node says to `SystemLimit` is in its log.
pub const Error = error{
    /// The scope or group has no bytes.
    Empty,
    /// The scope or group has more than 255 bytes.
    TooLong,
    /// This node takes no part in the scope.
    NoScope,
    /// Only actors of this node can join and leave here.
    NotLocal,
    /// None of the actors is a member.
    NotJoined,
    /// A limit of this node.
    SystemLimit,
};

fn Outcome(comptime T: type) type {
    return abi.Result(T, abi.ShortRefusal);
}

fn done(comptime T: type, outcome: Outcome(T)) Error!T {
    if (!outcome.is_error) return outcome.content.value;
    const failed = outcome.content.err;
    switch (failed.tag) {
        0 => return error.Empty,
        1 => return error.TooLong,
        2 => return error.NoScope,
        3 => return error.NotLocal,
        4 => return error.NotJoined,
        else => {
            given.logAndFree(failed.content.text);
            return error.SystemLimit;
        },
    }
}

/// The scopes that this node takes part in; to be freed by `odeon.freeAll`.
pub fn scopes() []const []const u8 {
    var names: abi.Bytes = .{};
    abi.groups.scopes(&names);
    return given.texts(names);
}

/// Ends a monitor, and drops its events that wait. False if there is no such monitor.
pub fn demonitor(monitor: Ref) bool {
    return abi.groups.demonitor(monitor.node, monitor.serial);
}

/// A monitor of a group, and the members before its first event, to be freed.
pub const Monitored = struct { monitor: Ref, members: []const Pid };

/// A group and its members.
pub const Membership = struct { group: []const u8, members: []const Pid };

/// A monitor of all groups of a scope, and who was in which before its first event.
pub const MonitoredAll = struct {
    monitor: Ref,
    groups: []const Membership,

    /// Frees what it owns. The monitor goes on.
    pub fn free(self: MonitoredAll) void {
        for (self.groups) |one| {
            odeon.allocator.free(one.group);
            odeon.allocator.free(one.members);
        }
        odeon.allocator.free(self.groups);
    }
};

/// A world of groups that this node takes part in after `start`.
pub const Scope = struct {
    name: []const u8,

    /// This node takes part in this scope from now on, if it did not already.
    pub fn start(name: []const u8) Error!Scope {
        var outcome: Outcome(bool) = undefined;
        abi.groups.start(@intFromPtr(name.ptr), name.len, &outcome);
        _ = try done(bool, outcome);
        return .{ .name = name };
    }

    /// It takes no more part: its members have left, and monitors are gone.
    pub fn stop(self: Scope) Error!void {
        var outcome: Outcome(bool) = undefined;
        abi.groups.stop(@intFromPtr(self.name.ptr), self.name.len, &outcome);
        _ = try done(bool, outcome);
    }

    /// An actor of this node joins a group, once more if it is a member.
    pub fn join(self: Scope, group: []const u8, pid: Pid) Error!void {
        return self.joinAll(group, &.{pid});
    }

    /// Actors of this node join a group, each as often as it is given: all or none.
    pub fn joinAll(self: Scope, group: []const u8, pids: []const Pid) Error!void {
        var outcome: Outcome(u32) = undefined;
        abi.groups.join(@intFromPtr(self.name.ptr), self.name.len, @intFromPtr(group.ptr), group.len, @intFromPtr(pids.ptr), pids.len, &outcome);
        _ = try done(u32, outcome);
    }

    /// An actor of this node leaves a group, once.
    pub fn leave(self: Scope, group: []const u8, pid: Pid) Error!void {
        return self.leaveAll(group, &.{pid});
    }

    /// Actors of this node leave a group, each as often as it is given, as far as they are
    /// members.
    pub fn leaveAll(self: Scope, group: []const u8, pids: []const Pid) Error!void {
        var outcome: Outcome(u32) = undefined;
        abi.groups.leave(@intFromPtr(self.name.ptr), self.name.len, @intFromPtr(group.ptr), group.len, @intFromPtr(pids.ptr), pids.len, &outcome);
        _ = try done(u32, outcome);
    }

    fn membersOf(self: Scope, group: []const u8, local: bool) Error![]const Pid {
        var outcome: Outcome(abi.Bytes) = undefined;
        abi.groups.members(@intFromPtr(self.name.ptr), self.name.len, @intFromPtr(group.ptr), group.len, local, &outcome);
        return (try done(abi.Bytes, outcome)).items(Pid);
    }

    /// The members of a group on all nodes, as often as they joined; to be freed.
    pub fn members(self: Scope, group: []const u8) Error![]const Pid {
        return self.membersOf(group, false);
    }

    /// The members of a group on this node; to be freed.
    pub fn localMembers(self: Scope, group: []const u8) Error![]const Pid {
        return self.membersOf(group, true);
    }

    fn groupsOf(self: Scope, local: bool) Error![]const []const u8 {
        var outcome: Outcome(abi.Bytes) = undefined;
        abi.groups.list(@intFromPtr(self.name.ptr), self.name.len, local, &outcome);
        return given.texts(try done(abi.Bytes, outcome));
    }

    /// The groups that have members; to be freed by `odeon.freeAll`.
    pub fn groups(self: Scope) Error![]const []const u8 {
        return self.groupsOf(false);
    }

    /// The groups that have members on this node; to be freed by `odeon.freeAll`.
    pub fn localGroups(self: Scope) Error![]const []const u8 {
        return self.groupsOf(true);
    }

    fn pick(self: Scope, group: []const u8, choice: u32) Error!?Pid {
        var outcome: Outcome(abi.Option(Pid)) = undefined;
        abi.groups.pick(@intFromPtr(self.name.ptr), self.name.len, @intFromPtr(group.ptr), group.len, choice, &outcome);
        const member = try done(abi.Option(Pid), outcome);
        return if (member.is_some) member.value else null;
    }

    /// A member at random, if there is one.
    pub fn random(self: Scope, group: []const u8) Error!?Pid {
        return self.pick(group, 0);
    }

    /// A member of this node at random if there is one, else of any.
    pub fn closest(self: Scope, group: []const u8) Error!?Pid {
        return self.pick(group, 1);
    }

    /// Sends a value to every member as often as it joined, to each node once, and says how
    /// many there are on this node.
    pub fn send(self: Scope, group: []const u8, it: anytype) error{ NoScope, TooLong }!u64 {
        const body = odeon.encode(it);
        defer odeon.allocator.free(body);
        var outcome: Outcome(u64) = undefined;
        abi.groups.send(@intFromPtr(self.name.ptr), self.name.len, @intFromPtr(group.ptr), group.len, @intFromPtr(body.ptr), body.len, 0, &outcome);
        if (!outcome.is_error) return outcome.content.value;
        return if (outcome.content.err.tag == 1) error.TooLong else error.NoScope;
    }

    fn monitored(self: Scope, group: ?[]const u8) Error!abi.Monitored {
        const of = group orelse "";
        var outcome: Outcome(abi.Monitored) = undefined;
        abi.groups.monitor(@intFromPtr(self.name.ptr), self.name.len, group != null, @intFromPtr(of.ptr), of.len, &outcome);
        return done(abi.Monitored, outcome);
    }

    /// From now on every join and leave of a group is a `group_change` event.
    pub fn monitor(self: Scope, group: []const u8) Error!Monitored {
        const begun = try self.monitored(group);
        const of = begun.members.items(abi.Membership);
        defer odeon.allocator.free(of);
        var found: []const Pid = &.{};
        for (of) |one| {
            odeon.allocator.free(one.group.slice());
            found = one.members.items(Pid);
        }
        return .{ .monitor = begun.monitor, .members = found };
    }

    /// The same for all groups of the scope.
    pub fn monitorAll(self: Scope) Error!MonitoredAll {
        const begun = try self.monitored(null);
        const of = begun.members.items(abi.Membership);
        defer odeon.allocator.free(of);
        const found = odeon.allocator.alloc(Membership, of.len) catch @panic("out of memory");
        for (found, of) |*to, one| {
            to.* = .{ .group = one.group.slice(), .members = one.members.items(Pid) };
        }
        return .{ .monitor = begun.monitor, .groups = found };
    }
};
