//! The checks of names, groups and locks of the cluster, and of its nodes.

const std = @import("std");
const odeon = @import("odeon");
const main = @import("main.zig");

const expect = main.expect;
const is = main.is;
const next = main.next;
const silence = main.silence;
const names = odeon.names;
const locks = odeon.locks;
const Scope = odeon.groups.Scope;
const Pid = odeon.Pid;

// ---- What runs on the other node ----

/// Gives who has a name there, or null.
pub fn find(name: []const u8) ?Pid {
    return names.whereis(name);
}

/// Joins a group of a scope, and is an echo then.
pub fn member(of: struct { []const u8, []const u8 }) !void {
    const scope = try Scope.start(of[0]);
    try scope.join(of[1], odeon.me());
    main.echo();
}

/// Holds a lock, and is an echo then.
pub fn holder(resource: []const u8) !void {
    try locks.set(.{ .resource = resource });
    main.echo();
}

// ---- What the checks share ----

/// Who sent the next event, which is this text.
fn heard(text: []const u8) !Pid {
    const event = try next();
    defer event.free();
    try expect(event == .message, "that a message comes");
    try expect(is(try event.message.read([]const u8), text), "the text");
    return event.message.sender;
}

fn found(name: []const u8, pid: Pid) bool {
    return odeon.same(names.whereis(name) orelse return false, pid);
}

/// That members are this one alone, so many times.
fn are(members: []const Pid, count: usize, pid: Pid) !void {
    defer odeon.allocator.free(members);
    try expect(members.len == count, "the count of members");
    for (members) |one| try expect(odeon.same(one, pid), "the member");
}

/// That the next event of a monitor is that this one joined or left, once.
fn changed(monitor: odeon.Ref, group: []const u8, joined: bool, pid: Pid) !void {
    const event = odeon.receiveOf(monitor, main.long) orelse return odeon.fail("no change came");
    defer event.free();
    const change = event.group_change;
    try expect(odeon.same(change.monitor, monitor), "the monitor");
    try expect(is(change.group, group) and change.joined == joined, "what happened");
    try expect(change.members.len == 1 and odeon.same(change.members[0], pid), "to whom");
}

fn fails(result: anytype, wanted: anyerror) !void {
    if (result) |_| return odeon.fail("nothing was refused") else |failed| {
        if (failed != wanted) return failed;
    }
}

// ---- On one node ----

pub fn check_cluster_names() !void {
    const one = try odeon.spawn("echo", {});
    const other = try odeon.spawn("echo", {});
    const bytes = "b\xff\x00";
    try names.register("a", one, .{});
    var owner = other;
    try fails(names.register("a", other, .{ .owner = &owner }), error.Taken);
    try expect(odeon.same(owner, one), "the owner");
    try fails(names.register(bytes, one, .{}), error.HasName);
    try fails(names.register("", other, .{}), error.Empty);
    try fails(names.register(&@as([256]u8, @splat('a')), other, .{}), error.TooLong);
    try names.register(bytes, other, .{ .resolver = .oldest_notify, .timeout_ms = main.long });
    try expect(found(bytes, other), "the name of bytes");

    var all = names.all();
    defer all.deinit();
    const first = all.next().?;
    try expect(is(first.name, "a") and odeon.same(first.pid, one), "the first name");
    const second = all.next().?;
    try expect(is(second.name, bytes) and odeon.same(second.pid, other), "the second name");
    try expect(all.next() == null and all.next() == null, "that these are all");

    try expect(odeon.same(try names.send("a", "hello"), one), "whom it went to");
    try expect(odeon.same(try heard("hello"), one), "who answers");
    try names.unregister("a", null);
    try names.unregister("a", main.long);
    try expect(names.whereis("a") == null, "that it is gone");
    try fails(names.send("a", "hello"), error.NoName);
    try names.reRegister(bytes, one, .{});
    try expect(found(bytes, one), "the new owner");
    try silence();
}

pub fn check_groups() !void {
    const child = try odeon.spawn("echo", {});
    const outside = Scope{ .name = "zig" };
    try fails(outside.members("echoes"), error.NoScope);
    try fails(outside.send("echoes", "nobody"), error.NoScope);
    const scope = try Scope.start("zig");
    const scopes = odeon.groups.scopes();
    defer odeon.freeAll(scopes);
    try expect(scopes.len == 1 and is(scopes[0], "zig"), "the scope");
    try scope.join("echoes", child);

    // What was before is in what the monitor begins with, and no event.
    const all = try scope.monitorAll();
    defer all.free();
    try expect(all.groups.len == 1 and is(all.groups[0].group, "echoes"), "the group before");
    const before = all.groups[0].members;
    try expect(before.len == 1 and odeon.same(before[0], child), "the member before");
    const one = try scope.monitor("others");
    try expect(one.members.len == 0, "that the other group is empty");
    try silence();
    try scope.join("echoes", child);
    try changed(all.monitor, "echoes", true, child);
    try silence();

    try are(try scope.members("echoes"), 2, child);
    try are(try scope.localMembers("echoes"), 2, child);
    const local = try scope.localGroups();
    defer odeon.freeAll(local);
    try expect(local.len == 1 and is(local[0], "echoes"), "the group with members");
    try expect(odeon.same((try scope.random("echoes")).?, child), "a random member");
    try expect(try scope.random("others") == null, "that nobody is chosen");
    try expect(try scope.send("echoes", "twice") == 2, "how many it went to");
    for (0..2) |_| try expect(odeon.same(try heard("twice"), child), "who answers");

    try scope.leaveAll("echoes", &.{ child, child });
    try fails(scope.leave("echoes", child), error.NotJoined);
    // The event of that waits, and is dropped along.
    try expect(odeon.groups.demonitor(all.monitor), "the monitor was there");
    try expect(!odeon.groups.demonitor(all.monitor), "the monitor is gone");
    try scope.joinAll("others", &.{child});
    try changed(one.monitor, "others", true, child);
    try expect(odeon.groups.demonitor(one.monitor), "the other monitor was there");
    const groups = try scope.groups();
    defer odeon.freeAll(groups);
    try expect(groups.len == 1 and is(groups[0], "others"), "the other group");
    try scope.stop();
    try expect(odeon.groups.scopes().len == 0, "that no scope is left");
    try silence();
}

fn double(runs: *u32) u32 {
    runs.* += 1;
    return 2 * runs.*;
}

pub fn check_locks() !void {
    var by: Pid = undefined;
    const mine = locks.Lock{ .resource = "zig's" };
    var another = locks.Lock{ .resource = "zig's", .requester = "another", .wait_ms = 0, .holder = &by };
    var runs: u32 = 0;
    try locks.set(mine);
    try locks.set(mine);
    try fails(locks.set(another), error.Held);
    try expect(odeon.same(by, odeon.me()), "the holder");
    try fails(locks.trans(another, double, .{&runs}), error.Held);
    try expect(runs == 0, "that nothing was done");
    another.wait_ms = main.short;
    try fails(locks.set(another), error.Timeout);
    try locks.delete(mine);
    try expect(try locks.trans(another, double, .{&runs}) == 2, "what was done");
    try expect(try locks.trans(mine, double, .{&runs}) == 4, "that the lock was free again");
    try fails(locks.set(.{ .resource = "zig's", .nodes = &.{"nobody@nowhere"} }), error.NoConnection);
    try fails(locks.set(.{ .resource = "" }), error.Empty);
    try silence();
}

// ---- Between two nodes ----

/// Who has a name, as the other node knows it.
fn findOn(node: []const u8, name: []const u8) !?Pid {
    return odeon.call(?Pid, "find", name, .{ .node = node });
}

fn checkNodes(node: []const u8) !void {
    odeon.nodes.watch(.visible);
    try expect(odeon.nodes.isDistributed(), "that there is a cluster");
    try expect(odeon.nodes.list(.connected).len == 0, "that nobody is there");
    try odeon.nodes.connect(node);
    try fails(odeon.nodes.connect("nobody@nowhere"), error.NoConnection);
    const event = try next();
    defer event.free();
    try expect(is(event.node_up.node, node) and !event.node_up.hidden, "which node came");
    try expect(event.node_up.reason == null, "that it came without a reason");
    const visible = odeon.nodes.list(.visible);
    defer odeon.freeAll(visible);
    try expect(visible.len == 1 and is(visible[0], node), "the node in the list");
    try expect(odeon.nodes.list(.hidden).len == 0, "that none is hidden");
}

fn checkNamesWith(node: []const u8) !void {
    const far = (try odeon.spawnWith("echo", {}, .{ .node = node })).pid;
    const its_node = odeon.nodes.nameOf(far).?;
    defer odeon.allocator.free(its_node);
    try expect(is(its_node, node), "the node of the far one");
    try names.register("moving", far, .{});
    try expect(found("moving", far), "the name here");
    try expect(odeon.same((try findOn(node, "moving")).?, far), "the name there");
    _ = try names.send("moving", "by name");
    try expect(odeon.same(try heard("by name"), far), "who answers");
    try names.reRegister("moving", odeon.me(), .{});
    try expect(odeon.same((try findOn(node, "moving")).?, odeon.me()), "the new owner there");
    try names.unregister("moving", null);
    try expect(try findOn(node, "moving") == null, "that it is gone there");
    odeon.exit(far, .kill);
}

fn checkGroupsWith(node: []const u8) !void {
    const scope = try Scope.start("both");
    const monitored = try scope.monitor("members");
    try expect(monitored.members.len == 0, "that the group is empty");
    const far = (try odeon.spawnWith("member", .{ "both", "members" }, .{ .node = node })).pid;
    try changed(monitored.monitor, "members", true, far);
    try are(try scope.members("members"), 1, far);
    try expect((try scope.localMembers("members")).len == 0, "that nobody is here");
    try expect(odeon.same((try scope.closest("members")).?, far), "the only one");
    const near = try odeon.spawn("member", .{ "both", "members" });
    try changed(monitored.monitor, "members", true, near);
    try expect(odeon.same((try scope.closest("members")).?, near), "the closest");
    try expect(try scope.send("members", "to all") == 1, "how many are here");
    const one = try heard("to all");
    const other = try heard("to all");
    try expect(!odeon.same(one, other), "that each answers once");
    try expect(odeon.same(one, far) or odeon.same(other, far), "that the far one answers");
    odeon.exit(far, .kill);
    try changed(monitored.monitor, "members", false, far);
    try are(try scope.members("members"), 1, near);
    try expect(odeon.groups.demonitor(monitored.monitor), "the monitor was there");
    odeon.exit(near, .kill);
    try silence();
}

fn checkLocksWith(node: []const u8) !void {
    const far = (try odeon.spawnWith("holder", "disk", .{ .node = node })).pid;
    odeon.send(far, "is it held?");
    try expect(odeon.same(try heard("is it held?"), far), "who answers");
    var by: Pid = undefined;
    try fails(locks.set(.{ .resource = "disk", .wait_ms = 0, .holder = &by }), error.Held);
    try expect(odeon.same(by, far), "the holder");
    odeon.exit(far, .kill);
    try locks.set(.{ .resource = "disk", .wait_ms = main.long });
    try locks.delete(.{ .resource = "disk" });
}

pub fn check_cluster(node: []const u8) !void {
    try checkNodes(node);
    try checkNamesWith(node);
    try checkGroupsWith(node);
    try checkLocksWith(node);
    try expect(odeon.nodes.disconnect(node), "the connection was there");
    try expect(!odeon.nodes.disconnect(node), "the connection is gone");
    const event = try next();
    defer event.free();
    try expect(is(event.node_down.node, node), "which node went");
    try expect(event.node_down.reason != null, "why it went");
    odeon.nodes.unwatch(.visible);
    try odeon.nodes.connect(node);
    try silence();
}

/// Runs on two nodes that meet when both have the name.
pub fn check_name_lost() !void {
    try names.register("contested", odeon.me(), .{ .resolver = .notify_all });
    const event = try next();
    defer event.free();
    const lost = event.name_lost;
    try expect(is(lost.name, "contested") and lost.both, "what was lost");
    try expect(lost.other.node != odeon.me().node, "the other owner");
    try expect(!found("contested", odeon.me()), "that it does not have it any more");
    try silence();
}
