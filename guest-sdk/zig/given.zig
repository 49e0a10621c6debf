//! What the host gives, as the SDK hands it on.

const abi = @import("abi.zig");
const odeon = @import("odeon.zig");

/// A list as slices, which own what it owned.
pub fn texts(list: abi.Bytes) []const []const u8 {
    const parts = list.items(abi.Bytes);
    defer odeon.allocator.free(parts);
    const slices = odeon.allocator.alloc([]const u8, parts.len) catch @panic("out of memory");
    for (slices, parts) |*slice, part| slice.* = part.slice();
    return slices;
}

/// The words of an error go to whoever runs the node: an error of Zig has none.
pub fn logAndFree(words: abi.Bytes) void {
    odeon.log(.warn, words.slice());
    odeon.allocator.free(words.slice());
}
