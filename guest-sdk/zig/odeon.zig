//! Odeon actors in Zig.
//!
//!     const odeon = @import("odeon");
//!
//!     fn echo() !void {
//!         while (true) {
//!             const event = odeon.receive();
//!             defer event.free();
//!             if (event == .message) odeon.sendBytes(event.message.sender, event.message.body);
//!         }
//!     }
//!
//!     comptime {
//!         odeon.actors(.{ .echo = echo });
//!     }
//!
//! An actor is a function with a mailbox, in an instance of WebAssembly of its own. Its
//! argument is any type of message.zig, or there is none; what it returns is the result
//! where it was called. It ends when it returns, or with the error it returns: `fail` gives
//! one with words. A panic is a trap, whose text is in the exit reason; it ends this actor
//! and nothing else.
//!
//! Events own memory until `free`; what `read` gives points into them.

const std = @import("std");
const abi = @import("abi.zig");
const events = @import("events.zig");
const given = @import("given.zig");
const message = @import("message.zig");

pub const Pid = abi.Pid;
pub const Ref = abi.Ref;
pub const Blob = message.Blob;
pub const Reader = message.Reader;
pub const Writer = message.Writer;
pub const MessageError = message.Error;

/// Where everything is allocated.
pub const allocator = std.heap.wasm_allocator;

/// Frees a list of texts or names that a function gave.
pub fn freeAll(texts: []const []const u8) void {
    for (texts) |text| allocator.free(text);
    allocator.free(texts);
}

pub const Reason = events.Reason;
pub const Destination = events.Destination;
pub const Event = events.Event;
pub const Message = events.Message;
pub const CallReply = events.CallReply;
pub const CallOutcome = events.CallOutcome;
pub const NodeChange = events.NodeChange;
pub const NameLost = events.NameLost;
pub const GroupChange = events.GroupChange;

/// The nodes of the cluster, and names, groups and locks that all of them know.
pub const nodes = @import("nodes.zig");
pub const names = @import("names.zig");
pub const groups = @import("groups.zig");
pub const locks = @import("locks.zig");

// ---- Messages ----

/// The body of a value. To be freed.
pub fn encode(it: anytype) []const u8 {
    var writer = Writer{ .allocator = allocator };
    writer.value(it) catch @panic("out of memory");
    return writer.bytes.toOwnedSlice(allocator) catch @panic("out of memory");
}

/// The value of a body.
pub fn decode(comptime T: type, body: []const u8) MessageError!T {
    var reader = try Reader.of(body);
    return reader.value(T, allocator);
}

/// Sends a value. Never fails, never waits.
pub fn send(to: Pid, it: anytype) void {
    const body = encode(it);
    defer allocator.free(body);
    sendBytes(to, body);
}

/// Sends bytes as they are.
pub fn sendBytes(to: Pid, body: []const u8) void {
    abi.mailbox.send(to.node, to.serial, @intFromPtr(body.ptr), body.len);
}

/// Sends to a name of this node, a name on a node, or an alias. An error is that nobody has that name
/// on this node.
pub fn sendTo(to: Destination, it: anytype) error{NoName}!void {
    const body = encode(it);
    defer allocator.free(body);
    var outcome: [3]u64 = undefined;
    const flat = to.flat();
    abi.mailbox.@"send-to"(flat[0], flat[1], flat[2], flat[3], flat[4], @intFromPtr(body.ptr), body.len, 0, &outcome);
    if (outcome[0] & 1 != 0) return error.NoName;
}

/// Waits for the oldest event.
pub fn receive() Event {
    return receiveFrom(null, null) orelse unreachable;
}

/// Waits for the oldest event for so many milliseconds; 0 only looks.
pub fn receiveTimeout(ms: u64) ?Event {
    return receiveFrom(null, ms);
}

/// Waits for the oldest event of a reference: its monitor, alias, timer or request.
pub fn receiveOf(reference: Ref, ms: ?u64) ?Event {
    return receiveFrom(reference, ms);
}

fn receiveFrom(of: ?Ref, ms: ?u64) ?Event {
    var event: abi.Option(abi.Event) = undefined;
    const reference = of orelse Ref{ .node = 0, .serial = 0 };
    abi.mailbox.receive(@intFromBool(of != null), reference.node, reference.serial, ms != null, ms orelse 0, &event);
    return if (event.is_some) Event.of(event.value) else null;
}

// ---- Actors ----

/// The calling actor.
pub fn me() Pid {
    var pid: Pid = undefined;
    abi.process.me(&pid);
    return pid;
}

/// Whether two pids, or two references, are the same.
pub fn same(one: anytype, other: @TypeOf(one)) bool {
    return one.node == other.node and one.serial == other.serial;
}

pub const Limits = abi.Limits;

/// The finer points of a new actor.
pub const SpawnOptions = struct {
    /// A module by the name under which it is deployed; else the caller's own.
    module: ?[]const u8 = null,
    /// The node; else the caller's own.
    node: ?[]const u8 = null,
    link: bool = false,
    monitor: bool = false,
    name: ?[]const u8 = null,
    group_leader: ?Pid = null,
    limits: ?Limits = null,
};

pub const Spawned = struct { pid: Pid, monitor: ?Ref };
pub const SpawnError = error{ NoModule, NoFunction, BadArgument, BadName, SystemLimit, Denied, NoConnection };

/// An actor of this module on this node.
pub fn spawn(function: []const u8, argument: anytype) SpawnError!Pid {
    return (try spawnWith(function, argument, .{})).pid;
}

/// The same, linked with the caller.
pub fn spawnLink(function: []const u8, argument: anytype) SpawnError!Pid {
    return (try spawnWith(function, argument, .{ .link = true })).pid;
}

fn option(comptime T: type, it: ?T) abi.Option(T) {
    return if (it) |value| .{ .is_some = true, .value = value } else .{};
}

fn optionBytes(it: ?[]const u8) abi.Option(abi.Bytes) {
    return if (it) |bytes| .{ .is_some = true, .value = .of(bytes) } else .{};
}

fn moduleOf(name: ?[]const u8) abi.Module {
    return if (name) |it| .{ .tag = 1, .name = .of(it) } else .{};
}

/// With a say in everything.
pub fn spawnWith(function: []const u8, argument: anytype, options: SpawnOptions) SpawnError!Spawned {
    const body = encode(argument);
    defer allocator.free(body);
    const call_ = abi.SpawnCall{
        .module = moduleOf(options.module),
        .start = .{ .function = .of(function), .argument = .of(body) },
        .node = optionBytes(options.node),
        .link = options.link,
        .monitor = if (options.monitor) .{ .is_some = true, .value = .{} } else .{},
        .name = optionBytes(options.name),
        .group_leader = option(Pid, options.group_leader),
        .limits = option(Limits, options.limits),
    };
    var outcome: abi.Result(abi.Spawned, abi.Error) = undefined;
    abi.process.@"spawn-with"(&call_, &outcome);
    if (!outcome.is_error) {
        const it = outcome.content.value;
        return .{ .pid = it.pid, .monitor = if (it.monitor.is_some) it.monitor.value else null };
    }
    const failed = outcome.content.err;
    if (failed.tag != 6) given.logAndFree(failed.text);
    return switch (failed.tag) {
        0 => error.NoModule,
        1 => error.NoFunction,
        2 => error.BadArgument,
        3 => error.BadName,
        4 => error.SystemLimit,
        5 => error.Denied,
        else => error.NoConnection,
    };
}

/// Whether exit signals become events. Gives the former value.
pub fn trapExit(on: bool) bool {
    return abi.process.@"trap-exit"(on);
}

pub fn link(to: Pid) error{NoProc}!void {
    var outcome: [2]u8 = undefined;
    abi.process.link(to.node, to.serial, false, &outcome);
    if (outcome[0] != 0) return error.NoProc;
}

pub fn unlink(to: Pid) void {
    abi.process.unlink(to.node, to.serial);
}

/// One `down` event comes when it ends, or at once where it does not exist.
pub fn monitor(of: Destination) Ref {
    var reference: Ref = undefined;
    const flat = of.flat();
    abi.process.monitor(flat[0], flat[1], flat[2], flat[3], flat[4], false, 0, false, 0, 0, false, &reference);
    return reference;
}

/// Ends a monitor, and drops its event if that waits. Whether it was there.
pub fn demonitor(reference: Ref) bool {
    var outcome: [2]bool = undefined;
    abi.process.demonitor(reference.node, reference.serial, true, &outcome);
    return !outcome[0] and outcome[1];
}

/// Sends an exit signal.
pub fn exit(to: Pid, reason: Reason) void {
    const flat = reason.flat();
    abi.process.exit(to.node, to.serial, flat.tag, flat.text.ptr, flat.text.len);
}

/// Ends the calling actor.
pub fn stop(reason: Reason) noreturn {
    const flat = reason.flat();
    abi.process.stop(flat.tag, flat.text.ptr, flat.text.len);
    unreachable;
}

pub fn isAlive(pid: Pid) bool {
    return abi.process.@"is-alive"(pid.node, pid.serial);
}

/// An alias of the caller: others send to it until it is ended.
pub fn alias() Ref {
    var reference: Ref = undefined;
    abi.process.alias(0, false, &reference);
    return reference;
}

pub fn unalias(reference: Ref) bool {
    return abi.process.unalias(reference.node, reference.serial);
}

pub fn register(name: []const u8, pid: Pid) error{ BadName, Taken, Named, NoProc }!void {
    var outcome: [2]u8 = undefined;
    abi.process.register(@intFromPtr(name.ptr), name.len, pid.node, pid.serial, &outcome);
    if (outcome[0] == 0) return;
    return switch (outcome[1]) {
        0 => error.BadName,
        1 => error.Taken,
        2 => error.Named,
        else => error.NoProc,
    };
}

pub fn unregister(name: []const u8) bool {
    return abi.process.unregister(@intFromPtr(name.ptr), name.len);
}

pub fn whereis(name: []const u8) ?Pid {
    var found: abi.Option(Pid) = undefined;
    abi.process.whereis(@intFromPtr(name.ptr), name.len, &found);
    return if (found.is_some) found.value else null;
}

// ---- Calls of functions ----

/// Where and how a function is called.
pub const CallOptions = struct {
    module: ?[]const u8 = null,
    node: ?[]const u8 = null,
    timeout_ms: ?u64 = null,
};

fn callOf(function: []const u8, body: []const u8, options: CallOptions) abi.Call {
    return .{
        .module = moduleOf(options.module),
        .target = .{ .function = .of(function), .argument = .of(body) },
        .node = optionBytes(options.node),
        .timeout_ms = option(u64, options.timeout_ms),
    };
}

/// Calls a function and waits. To be freed.
pub fn callOutcome(function: []const u8, argument: anytype, options: CallOptions) CallOutcome {
    const body = encode(argument);
    defer allocator.free(body);
    var outcome: abi.Result(abi.Bytes, abi.CallError) = undefined;
    abi.rpc.call(&callOf(function, body, options), &outcome);
    return .of(outcome);
}

/// Calls a function and waits for its value, which must own nothing.
pub fn call(comptime T: type, function: []const u8, argument: anytype, options: CallOptions) (error{CallFailed} || MessageError)!T {
    const outcome = callOutcome(function, argument, options);
    defer outcome.free();
    return if (outcome == .value) decode(T, outcome.value) else error.CallFailed;
}

/// Calls without waiting: a `call_reply` event of the reference comes.
pub fn request(function: []const u8, argument: anytype, options: CallOptions) Ref {
    const body = encode(argument);
    defer allocator.free(body);
    var reference: Ref = undefined;
    abi.rpc.request(&callOf(function, body, options), &reference);
    return reference;
}

// ---- Time, output, input, the log ----

/// Nanoseconds since the node started.
pub fn now() u64 {
    return abi.timers.now();
}

pub fn sleep(ms: u64) void {
    abi.timers.sleep(ms);
}

/// A `timeout` event comes after a time.
pub fn startTimer(ms: u64) error{TooManyTimers}!Ref {
    var outcome: abi.Result(Ref, [2]u64) = undefined;
    abi.timers.start(ms, &outcome);
    return if (outcome.is_error) error.TooManyTimers else outcome.content.value;
}

/// The milliseconds that were left; nothing if it has run out.
pub fn cancelTimer(timer: Ref) ?u64 {
    var left: abi.Option(u64) = undefined;
    abi.timers.cancel(timer.node, timer.serial, &left);
    return if (left.is_some) left.value else null;
}

pub const IoError = error{ IoFailed, OutOfMemory };

/// Writes through the group leader and waits until it is written.
pub fn write(chars: []const u8) IoError!void {
    var outcome: abi.Result(u32, abi.Error) = undefined;
    abi.io.@"put-chars"(0, @intFromPtr(chars.ptr), chars.len, &outcome);
    if (outcome.is_error) return ioFailed(outcome.content.err);
}

/// The same, formatted.
pub fn print(comptime format: []const u8, arguments: anytype) IoError!void {
    const text = try std.fmt.allocPrint(allocator, format, arguments);
    defer allocator.free(text);
    try write(text);
}

/// A line with its end, to be freed; nothing at the end of the input.
pub fn getLine(prompt: []const u8) IoError!?[]const u8 {
    var outcome: abi.Result(abi.Option(abi.Bytes), abi.Error) = undefined;
    abi.io.@"get-line"(@intFromPtr(prompt.ptr), prompt.len, &outcome);
    if (outcome.is_error) return ioFailed(outcome.content.err);
    const line = outcome.content.value;
    return if (line.is_some) line.value.slice() else null;
}

fn ioFailed(failed: abi.Error) IoError {
    if (failed.tag == 3) allocator.free(failed.text.slice());
    return error.IoFailed;
}

pub fn groupLeader() Pid {
    var pid: Pid = undefined;
    abi.io.@"group-leader"(&pid);
    return pid;
}

pub fn setGroupLeader(leader: Pid, of: Pid) void {
    abi.io.@"set-group-leader"(leader.node, leader.serial, of.node, of.serial);
}

pub const Level = enum { trace, debug, info, warn, @"error" };

/// For whoever runs the node.
pub fn log(level: Level, text: []const u8) void {
    abi.log.write(@intFromEnum(level), @intFromPtr(text.ptr), text.len);
}

/// The name of this node, to be freed.
pub fn nodeName() []const u8 {
    var name: abi.Bytes = .{};
    abi.node.name(&name);
    return name.slice();
}

// ---- Ends ----

/// An error with words: `return odeon.fail("...")` ends the actor with them.
pub fn fail(text: []const u8) error{Failed} {
    failure = allocator.dupe(u8, text) catch @panic("out of memory");
    return error.Failed;
}

var failure: []const u8 = "";

/// Makes a panic's text part of the exit reason: `pub const panic = odeon.panic;` in the
/// root file.
pub const panic = std.debug.FullPanic(panicked);

fn panicked(text: []const u8, _: ?usize) noreturn {
    abi.log.panic(@intFromPtr(text.ptr), text.len);
    @trap();
}

// ---- The door by which a host starts functions ----

/// Makes functions startable as actors, under these names. Once in a module, within a
/// `comptime` block.
pub fn actors(comptime functions: anytype) void {
    const Entry = struct {
        var outcome: abi.Result(u32, abi.Reason) = undefined;

        fn start(function: [*]const u8, function_len: usize, argument: [*]const u8, argument_len: usize) callconv(.c) *const anyopaque {
            const reason = run(functions, function[0..function_len], argument[0..argument_len]);
            outcome.is_error = reason != .normal;
            outcome.content = .{ .err = reason.flat() };
            return &outcome;
        }
    };
    @export(&Entry.start, .{ .name = "odeon:actor/entry@0.1.0#start" });
    @export(&realloc, .{ .name = "cabi_realloc" });
}

/// The host puts what it gives into memory from here; it only asks for new memory.
fn realloc(_: usize, _: usize, alignment: usize, size: usize) callconv(.c) usize {
    if (size == 0) return alignment;
    const memory = allocator.alignedAlloc(u8, .@"8", size) catch @panic("out of memory");
    return @intFromPtr(memory.ptr);
}

fn run(comptime functions: anytype, name: []const u8, argument: []const u8) Reason {
    const known_names = @typeInfo(@TypeOf(functions)).@"struct".field_names;
    inline for (known_names) |known| {
        if (std.mem.eql(u8, name, known)) {
            return enter(@field(functions, known), argument) catch |failed| switch (failed) {
                error.Failed => .{ .@"error" = failure },
                else => .{ .@"error" = @errorName(failed) },
            };
        }
    }
    comptime var known: []const u8 = "";
    inline for (known_names, 0..) |one, index| known = known ++ (if (index > 0) ", " else "") ++ one;
    const text = std.mem.concat(allocator, u8, &.{ "no function `", name, "` in this module; it has ", known });
    return .{ .@"error" = text catch @panic("out of memory") };
}

/// A function that takes none is given anything that is sound.
fn argumentOf(comptime T: type, body: []const u8) MessageError!T {
    if (T != void) return decode(T, body);
    _ = try Reader.of(body);
}

fn enter(comptime function: anytype, argument: []const u8) anyerror!Reason {
    const info = @typeInfo(@TypeOf(function)).@"fn";
    // Even one that nobody takes has to be sound.
    const Argument = if (info.param_types.len == 0) void else info.param_types[0].?;
    const read = argumentOf(Argument, argument) catch |failed| {
        const text = std.mem.concat(allocator, u8, &.{ "argument of the start function: ", @errorName(failed) });
        return .{ .@"error" = try text };
    };
    const result = if (info.param_types.len == 0) function() else function(read);
    const value = if (@typeInfo(@TypeOf(result)) == .error_union) try result else result;
    if (@TypeOf(value) != void) {
        const body = encode(value);
        abi.rpc.@"give-result"(@intFromPtr(body.ptr), body.len);
    }
    return .normal;
}
