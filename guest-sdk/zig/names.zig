//! Names that are known on every connected node: docs/cluster.md. A name is 1 to 255 bytes of
//! any value, and belongs to one actor.

const abi = @import("abi.zig");
const given = @import("given.zig");
const odeon = @import("odeon.zig");

const Pid = odeon.Pid;

/// Why a name was not registered or given up. What the node says to `SystemLimit` is in its
/// log.
pub const Error = error{
    /// The name has no bytes.
    Empty,
    /// The name has more than 255 bytes.
    TooLong,
    /// It has an owner.
    Taken,
    /// The actor has a cluster name already, and may have only one.
    HasName,
    /// There is no such actor.
    NoProc,
    /// The actor's node is not connected, or was lost meanwhile.
    NoConnection,
    /// The time is over.
    Timeout,
    /// A limit of one of the nodes.
    SystemLimit,
    /// The resolver cannot be used.
    BadResolver,
};

/// What happens when parts of a cluster meet that each gave the name. Who loses it is ended
/// by `kill` (`exit`), or told by a `name_lost` event (`notify`).
pub const Resolver = enum(u32) {
    /// One of the two, by chance, loses it.
    random_exit,
    random_notify,
    /// Both lose it.
    notify_all,
    /// The one that was registered later loses it.
    oldest_exit,
    oldest_notify,
};

/// How a name is registered.
pub const Options = struct {
    resolver: Resolver = .random_exit,
    /// How long to wait; for ever if absent.
    timeout_ms: ?u64 = null,
    /// Where the owner is put on `error.Taken`.
    owner: ?*Pid = null,
};

fn done(outcome: abi.Result(u32, abi.Refusal), owner: ?*Pid) Error!void {
    if (!outcome.is_error) return;
    const failed = outcome.content.err;
    switch (failed.tag) {
        0 => return error.Empty,
        1 => return error.TooLong,
        2 => {
            if (owner) |to| to.* = failed.content.pid;
            return error.Taken;
        },
        3 => return error.HasName,
        4 => return error.NoProc,
        5 => return error.NoConnection,
        6 => return error.Timeout,
        else => {
            given.logAndFree(failed.content.text);
            return if (failed.tag == 7) error.SystemLimit else error.BadResolver;
        },
    }
}

/// Gives an actor a name that nobody has, and waits until every connected node knows.
pub fn register(name: []const u8, pid: Pid, options: Options) Error!void {
    var outcome: abi.Result(u32, abi.Refusal) = undefined;
    const resolver = @intFromEnum(options.resolver);
    const ms = options.timeout_ms;
    abi.names.register(@intFromPtr(name.ptr), name.len, pid.node, pid.serial, resolver, 0, 0, ms != null, ms orelse 0, &outcome);
    return done(outcome, options.owner);
}

/// The same, whoever has the name, who is not told.
pub fn reRegister(name: []const u8, pid: Pid, options: Options) Error!void {
    var outcome: abi.Result(u32, abi.Refusal) = undefined;
    const resolver = @intFromEnum(options.resolver);
    const ms = options.timeout_ms;
    abi.names.@"re-register"(@intFromPtr(name.ptr), name.len, pid.node, pid.serial, resolver, 0, 0, ms != null, ms orelse 0, &outcome);
    return done(outcome, options.owner);
}

/// Frees a name, whoever has it, and waits until every node knows. No change if nobody has it.
pub fn unregister(name: []const u8, timeout_ms: ?u64) Error!void {
    var outcome: abi.Result(u32, abi.Refusal) = undefined;
    abi.names.unregister(@intFromPtr(name.ptr), name.len, timeout_ms != null, timeout_ms orelse 0, &outcome);
    return done(outcome, null);
}

/// Who has a name, as far as this node knows. Costs no traffic.
pub fn whereis(name: []const u8) ?Pid {
    var found: abi.Option(Pid) = undefined;
    abi.names.whereis(@intFromPtr(name.ptr), name.len, &found);
    return if (found.is_some) found.value else null;
}

/// Sends a value to whoever has a name, and says who that is.
pub fn send(name: []const u8, it: anytype) error{ NoName, TooLong }!Pid {
    const body = odeon.encode(it);
    defer odeon.allocator.free(body);
    var outcome: abi.Result(Pid, abi.ShortRefusal) = undefined;
    abi.names.send(@intFromPtr(name.ptr), name.len, @intFromPtr(body.ptr), body.len, 0, &outcome);
    if (!outcome.is_error) return outcome.content.value;
    return if (outcome.content.err.tag == 1) error.TooLong else error.NoName;
}

/// A name and its owner.
pub const Named = struct { name: []const u8, pid: Pid };

/// All names that this node knows, in the order of their bytes: a page of them at a time.
/// A name that comes or goes meanwhile may be there or not.
///
///     var all = odeon.names.all();
///     defer all.deinit();
///     while (all.next()) |named| ...
pub fn all() Iterator {
    return .{};
}

pub const Iterator = struct {
    page: []abi.Named = &.{},
    at: usize = 0,
    is_over: bool = false,

    /// Names that are fetched together.
    const page_max = 256;

    /// The next one; its name is there until the next call.
    pub fn next(self: *Iterator) ?Named {
        if (self.at == self.page.len and !self.is_over) self.turn();
        if (self.at == self.page.len) return null;
        defer self.at += 1;
        const it = self.page[self.at];
        return .{ .name = it.name.slice(), .pid = it.pid };
    }

    fn turn(self: *Iterator) void {
        const is_first = self.page.len == 0;
        const after: abi.Bytes = if (is_first) .{} else self.page[self.at - 1].name;
        var page: abi.Bytes = .{};
        abi.names.list(!is_first, after.ptr, after.len, page_max, &page);
        self.deinit();
        self.* = .{ .page = page.items(abi.Named), .is_over = page.len < page_max };
    }

    pub fn deinit(self: *Iterator) void {
        for (self.page) |it| odeon.allocator.free(it.name.slice());
        odeon.allocator.free(self.page);
        self.* = .{};
    }
};
