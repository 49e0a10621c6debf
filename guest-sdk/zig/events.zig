//! What comes into a mailbox, and the words that it is made of. Actors use odeon.zig.

const abi = @import("abi.zig");
const odeon = @import("odeon.zig");

const Pid = abi.Pid;
const Ref = abi.Ref;
const allocator = odeon.allocator;

/// Why an actor ended, or is asked to end.
pub const Reason = union(enum) {
    normal,
    shutdown,
    kill,
    killed,
    noproc,
    noconnection,
    @"error": []const u8,
    trap: []const u8,
    limit: []const u8,
    exit_code: u8,
    custom: []const u8,

    pub fn flat(self: Reason) abi.Reason {
        const tag: u8 = @intFromEnum(self);
        return switch (self) {
            .@"error", .trap, .limit, .custom => |text| .{ .tag = tag, .text = .of(text) },
            .exit_code => |code| .{ .tag = tag, .text = .{ .ptr = code } },
            else => .{ .tag = tag },
        };
    }

    pub fn of(given: abi.Reason) Reason {
        const text = given.text;
        return switch (given.tag) {
            0 => .normal,
            1 => .shutdown,
            2 => .kill,
            3 => .killed,
            4 => .noproc,
            5 => .noconnection,
            6 => .{ .@"error" = text.slice() },
            7 => .{ .trap = text.slice() },
            8 => .{ .limit = text.slice() },
            9 => .{ .exit_code = @truncate(text.ptr) },
            else => .{ .custom = text.slice() },
        };
    }

    pub fn free(self: Reason) void {
        switch (self) {
            .@"error", .trap, .limit, .custom => |text| allocator.free(text),
            else => {},
        }
    }
};

/// Whom a signal is for.
pub const Destination = union(enum) {
    pid: Pid,
    name: []const u8,
    node_name: struct { name: []const u8, node: []const u8 },
    alias: Ref,

    const Flat = struct { u32, u64, u64, usize, usize };

    pub fn flat(self: Destination) Flat {
        return switch (self) {
            .pid => |pid| .{ 0, pid.node, pid.serial, 0, 0 },
            .name => |name| .{ 1, @intFromPtr(name.ptr), name.len, 0, 0 },
            .node_name => |it| .{ 2, @intFromPtr(it.name.ptr), it.name.len, @intFromPtr(it.node.ptr), it.node.len },
            .alias => |alias_| .{ 3, alias_.node, alias_.serial, 0, 0 },
        };
    }

    pub fn of(given: abi.Destination) Destination {
        return switch (given.tag) {
            0 => .{ .pid = given.content.id },
            1 => .{ .name = given.content.names[0].slice() },
            2 => .{ .node_name = .{
                .name = given.content.names[0].slice(),
                .node = given.content.names[1].slice(),
            } },
            else => .{ .alias = .{ .node = given.content.id.node, .serial = given.content.id.serial } },
        };
    }

    pub fn free(self: Destination) void {
        switch (self) {
            .name => |name| allocator.free(name),
            .node_name => |it| {
                allocator.free(it.name);
                allocator.free(it.node);
            },
            else => {},
        }
    }
};

/// A message that somebody sent.
pub const Message = struct {
    sender: Pid,
    via: ?Ref,
    body: []const u8,

    /// Its value. Text points into the message; other slices are allocated.
    pub fn read(self: Message, comptime T: type) odeon.MessageError!T {
        return odeon.decode(T, self.body);
    }
};

/// What came of a call that was begun: bytes, or why there are none.
pub const CallReply = struct { request: Ref, outcome: CallOutcome };

/// Why a call gave nothing: the words, and where the function ran, how it ended.
pub const CallOutcome = union(enum) {
    value: []const u8,
    no_module: []const u8,
    no_function: []const u8,
    bad_argument: []const u8,
    system_limit: []const u8,
    denied: []const u8,
    noconnection,
    timeout,
    ended: Reason,

    pub fn of(given: abi.Result(abi.Bytes, abi.CallError)) CallOutcome {
        if (!given.is_error) return .{ .value = given.content.value.slice() };
        const failed = given.content.err;
        return switch (failed.tag) {
            0 => .{ .no_module = failed.content.text.slice() },
            1 => .{ .no_function = failed.content.text.slice() },
            2 => .{ .bad_argument = failed.content.text.slice() },
            3 => .{ .system_limit = failed.content.text.slice() },
            4 => .{ .denied = failed.content.text.slice() },
            5 => .noconnection,
            6 => .timeout,
            else => .{ .ended = Reason.of(failed.content.reason) },
        };
    }

    pub fn free(self: CallOutcome) void {
        switch (self) {
            .noconnection, .timeout => {},
            .ended => |reason| reason.free(),
            inline else => |text| allocator.free(text),
        }
    }
};

/// A node came or went.
pub const NodeChange = struct {
    /// As name@host.
    node: []const u8,
    /// The incarnation that came or went.
    id: u64,
    hidden: bool,
    /// Why it went.
    reason: ?[]const u8,

    fn of(given: abi.NodeChange) NodeChange {
        return .{
            .node = given.node.slice(),
            .id = given.id,
            .hidden = given.hidden,
            .reason = if (given.reason.is_some) given.reason.value.slice() else null,
        };
    }

    fn free(self: NodeChange) void {
        allocator.free(self.node);
        if (self.reason) |reason| allocator.free(reason);
    }
};

/// The actor lost a cluster name: `other` has it now, unless both lost it.
pub const NameLost = struct { name: []const u8, other: Pid, both: bool };

/// Actors joined a monitored group, or left it, as often as they are in `members`.
pub const GroupChange = struct {
    monitor: Ref,
    scope: []const u8,
    group: []const u8,
    joined: bool,
    members: []const Pid,

    fn of(given: abi.GroupChange) GroupChange {
        return .{
            .monitor = given.monitor,
            .scope = given.scope.slice(),
            .group = given.group.slice(),
            .joined = given.joined,
            .members = given.members.items(Pid),
        };
    }

    fn free(self: GroupChange) void {
        allocator.free(self.scope);
        allocator.free(self.group);
        allocator.free(self.members);
    }
};

/// What a mailbox holds.
pub const Event = union(enum) {
    message: Message,
    exit: struct { sender: Pid, reason: Reason },
    down: struct { monitor: Ref, object: Destination, reason: Reason },
    spawn_reply: struct { request: Ref, pid: ?Pid },
    timeout: Ref,
    /// A request to this actor as a group leader; this SDK does not read it further.
    io_request: struct { sender: Pid, reply_as: Ref },
    node_up: NodeChange,
    node_down: NodeChange,
    call_reply: CallReply,
    name_lost: NameLost,
    group_change: GroupChange,

    pub fn of(given: abi.Event) Event {
        const it = given.content;
        switch (given.tag) {
            0 => return .{ .message = .{
                .sender = it.message.sender,
                .via = if (it.message.via.is_some) it.message.via.value else null,
                .body = it.message.body.slice(),
            } },
            1 => return .{ .exit = .{ .sender = it.exit.sender, .reason = .of(it.exit.reason) } },
            2 => {
                if (it.down.tag.is_some) allocator.free(it.down.tag.value.slice());
                return .{ .down = .{
                    .monitor = it.down.monitor,
                    .object = .of(it.down.object),
                    .reason = .of(it.down.reason),
                } };
            },
            3 => {
                const failed = it.spawn_reply.outcome.is_error;
                if (failed and it.spawn_reply.outcome.content.err.tag != 6)
                    allocator.free(it.spawn_reply.outcome.content.err.text.slice());
                const pid = if (failed) null else it.spawn_reply.outcome.content.value;
                return .{ .spawn_reply = .{ .request = it.spawn_reply.request, .pid = pid } };
            },
            4 => return .{ .timeout = it.timeout },
            5 => return .{ .io_request = .{ .sender = it.io_request.sender, .reply_as = it.io_request.reply_as } },
            6 => return .{ .node_up = .of(it.node_change) },
            7 => return .{ .node_down = .of(it.node_change) },
            8 => return .{ .call_reply = .{
                .request = it.call_reply.request,
                .outcome = .of(it.call_reply.outcome),
            } },
            9 => return .{ .name_lost = .{
                .name = it.name_lost.name.slice(),
                .other = it.name_lost.other,
                .both = it.name_lost.both,
            } },
            else => return .{ .group_change = .of(it.group_change) },
        }
    }

    /// Frees what it owns.
    pub fn free(self: Event) void {
        switch (self) {
            .message => |it| allocator.free(it.body),
            .exit => |it| it.reason.free(),
            .down => |it| {
                it.object.free();
                it.reason.free();
            },
            .node_up, .node_down => |it| it.free(),
            .name_lost => |it| allocator.free(it.name),
            .group_change => |it| it.free(),
            .call_reply => |it| it.outcome.free(),
            .spawn_reply, .timeout, .io_request => {},
        }
    }
};
