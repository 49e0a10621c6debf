//! The functions that every language's guest of the suite `languages` has, in Zig.
//! tests/languages says what each is for. A check ends normally, or with an error or a
//! panic that says what does not hold.

const std = @import("std");
const odeon = @import("odeon");
const cluster = @import("cluster.zig");

pub const panic = odeon.panic;

pub const long = 10_000;
pub const short = 30;

pub fn expect(holds: bool, comptime what: []const u8) !void {
    if (!holds) return odeon.fail(what ++ " does not hold");
}

/// Copies one value from a reader to a writer, item by item.
fn copy(from: *odeon.Reader, to: *odeon.Writer) odeon.MessageError!void {
    switch (from.next() orelse return) {
        .null => {
            try from.null_();
            try to.null_();
        },
        .boolean => try to.boolean(try from.boolean()),
        .unsigned => try to.unsigned(try from.integer(u64)),
        .negative => try to.integer(try from.integer(i64)),
        .float => try to.float(try from.float()),
        .text => try to.text(try from.text()),
        .bytes => try to.blob(try from.blob()),
        .array => {
            const items = try from.array();
            try to.array(items);
            for (0..items) |_| try copy(from, to);
        },
        .map => {
            const entries = try from.map();
            try to.map(entries);
            for (0..2 * entries) |_| try copy(from, to);
        },
    }
}

fn answer(message: odeon.Message) !void {
    var writer = odeon.Writer{ .allocator = odeon.allocator };
    defer writer.deinit();
    var reader = try odeon.Reader.of(message.body);
    try copy(&reader, &writer);
    odeon.sendBytes(message.sender, writer.bytes.items);
}

pub fn echo() void {
    while (true) {
        const event = odeon.receive();
        defer event.free();
        if (event != .message) continue;
        answer(event.message) catch |failed| {
            odeon.send(event.message.sender, .{ .refused = @as([]const u8, @errorName(failed)) });
        };
    }
}

fn waiter() void {
    while (true) odeon.receive().free();
}

fn nothing() void {}

fn fail(text: []const u8) !void {
    return odeon.fail(text);
}

fn crash(text: []const u8) void {
    @panic(text);
}

fn custom(bytes: odeon.Blob) void {
    odeon.stop(.{ .custom = bytes.bytes });
}

fn add(numbers: struct { i64, i64 }) !i64 {
    return std.math.add(i64, numbers[0], numbers[1]) catch odeon.fail("the sum is out of range");
}

pub fn next() !odeon.Event {
    return odeon.receiveTimeout(long) orelse odeon.fail("no event came");
}

pub fn silence() !void {
    try expect(odeon.receiveTimeout(short) == null, "silence");
}

fn reasonOf(monitor: odeon.Ref) !odeon.Reason {
    const event = odeon.receiveOf(monitor, long) orelse return odeon.fail("no down came");
    return event.down.reason;
}

pub fn is(one: []const u8, other: []const u8) bool {
    return std.mem.eql(u8, one, other);
}

fn check_send() !void {
    const child = try odeon.spawn("echo", {});
    for (0..100) |number| odeon.send(child, number);
    for (0..100) |number| {
        const event = try next();
        defer event.free();
        try expect(odeon.same(event.message.sender, child), "the sender");
        try expect(try event.message.read(usize) == number, "the order");
    }
    const alias = odeon.alias();
    try odeon.sendTo(.{ .alias = alias }, "by alias");
    const event = odeon.receiveOf(alias, long) orelse return odeon.fail("nothing by alias");
    try expect(odeon.same(event.message.via.?, alias), "the alias");
    try expect(odeon.unalias(alias), "the alias was there");
    try odeon.sendTo(.{ .alias = alias }, "too late");
    try silence();
}

fn check_timeout() !void {
    try expect(odeon.receiveTimeout(0) == null, "an empty mailbox");
    const before = odeon.now();
    try silence();
    try expect(odeon.now() - before >= short * std.time.ns_per_ms, "the time");
    const timer = try odeon.startTimer(1);
    const event = try next();
    try expect(odeon.same(event.timeout, timer), "the timer");
    try expect(odeon.cancelTimer(try odeon.startTimer(long)) != null, "time was left");
    try silence();
}

fn check_links() !void {
    _ = odeon.trapExit(true);
    const failing = try odeon.spawnLink("fail", "on purpose");
    var event = try next();
    try expect(odeon.same(event.exit.sender, failing), "who failed");
    try expect(is(event.exit.reason.@"error", "on purpose"), "its words");
    const free = try odeon.spawn("waiter", {});
    try odeon.link(free);
    odeon.unlink(free);
    odeon.exit(free, .kill);
    try silence();
    const bound = try odeon.spawn("waiter", {});
    try odeon.link(bound);
    odeon.exit(bound, .shutdown);
    event = try next();
    try expect(event.exit.reason == .shutdown, "the reason");
}

fn check_monitors() !void {
    const child = try odeon.spawn("waiter", {});
    const dropped = odeon.monitor(.{ .pid = child });
    const kept = odeon.monitor(.{ .pid = child });
    try expect(odeon.demonitor(dropped), "the monitor was there");
    odeon.exit(child, .kill);
    const event = try next();
    try expect(odeon.same(event.down.monitor, kept), "the other monitor");
    try expect(odeon.same(event.down.object.pid, child), "what was monitored");
    try expect(event.down.reason == .killed, "the reason");
    try expect(try reasonOf(odeon.monitor(.{ .pid = child })) == .noproc, "noproc");
    try expect(!odeon.isAlive(child), "its death");
    try silence();
}

fn endOf(function: []const u8, argument: anytype) !odeon.Reason {
    const spawned = try odeon.spawnWith(function, argument, .{ .monitor = true });
    return reasonOf(spawned.monitor.?);
}

fn check_exits() !void {
    try expect(try endOf("nothing", {}) == .normal, "normal");
    try expect(is((try endOf("fail", "in words")).@"error", "in words"), "the words");
    const crashed = try endOf("crash", "a loud crash");
    try expect(std.mem.indexOf(u8, crashed.trap, "a loud crash") != null, "the panic's text");
    const own = try endOf("custom", odeon.Blob{ .bytes = "\x01\x02" });
    try expect(is(own.custom, "\x01\x02"), "the own reason");
    const unknown = try endOf("no_such_function", {});
    try expect(std.mem.indexOf(u8, unknown.@"error", "it has echo") != null, "what there is");
}

fn check_names() !void {
    const name = "echo of zig";
    const child = try odeon.spawn("echo", {});
    try odeon.register(name, child);
    if (odeon.register(name, odeon.me())) |_| {
        return odeon.fail("a name was given twice");
    } else |failed| try expect(failed == error.Taken, "taken");
    try expect(odeon.same(odeon.whereis(name).?, child), "the name");
    try odeon.sendTo(.{ .name = name }, "hello");
    const event = try next();
    try expect(is(try event.message.read([]const u8), "hello"), "the message");
    try expect(odeon.unregister(name), "it was there");
    try expect(odeon.whereis(name) == null, "it is gone");
    if (odeon.sendTo(.{ .name = name }, "hello")) |_| return odeon.fail("it was sent") else |_| {}
}

fn check_rpc() !void {
    try expect(try odeon.call(i64, "add", .{ 20, 22 }, .{}) == 42, "the sum");
    const failed = odeon.callOutcome("fail", "called", .{});
    try expect(is(failed.ended.@"error", "called"), "the words");
    const late = odeon.callOutcome("waiter", {}, .{ .timeout_ms = short });
    try expect(late == .timeout, "the timeout");
    // In the module of the Rust SDK.
    const rust = odeon.CallOptions{ .module = "conformance" };
    try expect(try odeon.call(i64, "add", .{ 1, 2 }, rust) == 3, "the sum of Rust");
    const request = odeon.request("add", .{ 1, 2 }, rust);
    const event = try next();
    defer event.free();
    try expect(odeon.same(event.call_reply.request, request), "the request");
    try expect(try odeon.decode(i64, event.call_reply.outcome.value) == 3, "its value");
    try silence();
}

fn check_io() !void {
    const line = try odeon.getLine("who? ") orelse return odeon.fail("no line");
    defer odeon.allocator.free(line);
    try odeon.print("hello, {s}", .{line});
    try expect(try odeon.getLine("") == null, "the end of the input");
    try odeon.write("that was all\n");
}

const Letter = struct { me: odeon.Pid, ref: odeon.Ref, text: []const u8 };

/// An echo on another node, of this module or another one: there and back.
fn checkEchoOn(node: []const u8, module: ?[]const u8) !void {
    const far = try odeon.spawnWith("echo", {}, .{
        .module = module,
        .node = node,
        .name = "far echo",
        .monitor = true,
    });
    try expect(far.pid.node != odeon.me().node, "another node");
    odeon.send(far.pid, Letter{ .me = odeon.me(), .ref = far.monitor.?, .text = "züg" });
    const event = try next();
    try expect(odeon.same(event.message.sender, far.pid), "who answers");
    const letter = try event.message.read(Letter);
    try expect(odeon.same(letter.me, odeon.me()), "the pid");
    try expect(odeon.same(letter.ref, far.monitor.?), "the reference");
    try expect(is(letter.text, "züg"), "the text");
    try odeon.sendTo(.{ .node_name = .{ .name = "far echo", .node = node } }, "by name");
    try expect(is(try (try next()).message.read([]const u8), "by name"), "the message by name");
    odeon.exit(far.pid, .kill);
    try expect(try reasonOf(far.monitor.?) == .killed, "its end");
}

fn check_far(node: []const u8) !void {
    try checkEchoOn(node, null);
    try checkEchoOn(node, "conformance");
    try expect(try odeon.call(i64, "add", .{ -5, 2 }, .{ .node = node }) == -3, "the far sum");
    try silence();
}

comptime {
    odeon.actors(.{
        .echo = echo,
        .waiter = waiter,
        .nothing = nothing,
        .fail = fail,
        .crash = crash,
        .custom = custom,
        .add = add,
        .check_send = check_send,
        .check_timeout = check_timeout,
        .check_links = check_links,
        .check_monitors = check_monitors,
        .check_exits = check_exits,
        .check_names = check_names,
        .check_rpc = check_rpc,
        .check_io = check_io,
        .check_far = check_far,
        .find = cluster.find,
        .member = cluster.member,
        .holder = cluster.holder,
        .check_cluster_names = cluster.check_cluster_names,
        .check_groups = cluster.check_groups,
        .check_locks = cluster.check_locks,
        .check_cluster = cluster.check_cluster,
        .check_name_lost = cluster.check_name_lost,
    });
}
