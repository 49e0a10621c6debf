//! The stage that takes a tenth off orders from a hundred on.
const std = @import("std");
const odeon = @import("odeon");

/// Makes a panic's text part of the exit reason.
pub const panic = odeon.panic;

const Address = struct { name: []const u8, node: []const u8 };

const Order = struct {
    customer: odeon.Pid,
    number: u64,
    who: []const u8,
    items: []const Item,
    cents: i64,
    receipt: []const u8,
    cents_a_piece: f64,
    trail: []const []const u8,
};

const Item = struct { name: []const u8, pieces: i64, cents: i64 };

fn stage(next: Address) !void {
    const here = try std.fmt.allocPrint(odeon.allocator, "Zig on {s}", .{odeon.nodeName()});
    const to: odeon.Destination = .{ .node_name = .{ .name = next.name, .node = next.node } };
    while (true) {
        const event = odeon.receive();
        defer event.free();
        if (event == .message) try discount(event.message, to, here);
    }
}

fn discount(message: odeon.Message, to: odeon.Destination, here: []const u8) !void {
    // What an order needs while it is here.
    var arena = std.heap.ArenaAllocator.init(odeon.allocator);
    defer arena.deinit();
    var reader = try odeon.Reader.of(message.body);
    var order = try reader.value(Order, arena.allocator());
    if (order.cents >= 100_00) order.cents -= @divTrunc(order.cents, 10);
    order.trail = try std.mem.concat(arena.allocator(), []const u8, &.{ order.trail, &.{here} });
    try odeon.sendTo(to, order);
}

comptime {
    odeon.actors(.{ .stage = stage });
}
