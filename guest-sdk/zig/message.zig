//! Messages: the CBOR of docs/messages.md. Nothing here knows the host.
//!
//! `Writer.value` and `Reader.value` take values of any type that has an item of its own:
//! integers, floats, booleans, void (null), optionals, enums (their name), unions with a
//! tag (`{"Add": 5}`), structs (maps), tuples and arrays (arrays), `[]const u8` (text),
//! `Blob` (bytes), and other slices (arrays, allocated when they are read).

const std = @import("std");

/// Values within each other, at most: an actor's stack is small, and the sender is not to
/// be able to use it up.
const depth_max = 32;

/// Why a body is not the value that is wanted.
pub const Error = error{
    EndsTooEarly,
    BytesTooMany,
    NestedTooDeeply,
    InvalidUtf8,
    NotAllowedInMessages,
    IntegerOutOfRange,
    ExpectedNull,
    ExpectedBoolean,
    ExpectedInteger,
    ExpectedNumber,
    ExpectedText,
    ExpectedBytes,
    ExpectedArray,
    ExpectedMap,
    UnknownVariant,
    MissingField,
    WrongLength,
    OutOfMemory,
};

/// Bytes that are no text.
pub const Blob = struct { bytes: []const u8 };

pub const Kind = enum { null, boolean, unsigned, negative, float, text, bytes, array, map };

const Major = enum(u3) { unsigned, negative, bytes, text, array, map, tag, simple };

/// Writes values one behind the other.
pub const Writer = struct {
    allocator: std.mem.Allocator,
    bytes: std.ArrayList(u8) = .empty,

    pub fn deinit(self: *Writer) void {
        self.bytes.deinit(self.allocator);
    }

    fn put(self: *Writer, bytes: []const u8) Error!void {
        try self.bytes.appendSlice(self.allocator, bytes);
    }

    fn head(self: *Writer, major: Major, number: u64) Error!void {
        const first = @as(u8, @intFromEnum(major)) << 5;
        if (number < 24) return self.put(&.{first | @as(u8, @intCast(number))});
        var bytes: [9]u8 = undefined;
        std.mem.writeInt(u64, bytes[1..9], number, .big);
        const length: usize = if (number <= 0xff) 1 else if (number <= 0xffff) 2 else if (number <= 0xffff_ffff) 4 else 8;
        bytes[8 - length] = first | @as(u8, 24 + @ctz(length));
        try self.put(bytes[8 - length ..]);
    }

    pub fn null_(self: *Writer) Error!void {
        try self.put(&.{0xf6});
    }

    pub fn boolean(self: *Writer, it: bool) Error!void {
        try self.put(&.{if (it) 0xf5 else 0xf4});
    }

    pub fn unsigned(self: *Writer, number: u64) Error!void {
        try self.head(.unsigned, number);
    }

    pub fn integer(self: *Writer, number: i64) Error!void {
        if (number < 0) return self.head(.negative, ~@as(u64, @bitCast(number)));
        try self.head(.unsigned, @intCast(number));
    }

    pub fn float(self: *Writer, number: f64) Error!void {
        var bytes: [9]u8 = undefined;
        bytes[0] = 0xfb;
        std.mem.writeInt(u64, bytes[1..9], @bitCast(number), .big);
        try self.put(&bytes);
    }

    pub fn text(self: *Writer, it: []const u8) Error!void {
        try self.head(.text, it.len);
        try self.put(it);
    }

    pub fn blob(self: *Writer, it: []const u8) Error!void {
        try self.head(.bytes, it.len);
        try self.put(it);
    }

    pub fn array(self: *Writer, items: usize) Error!void {
        try self.head(.array, items);
    }

    pub fn map(self: *Writer, entries: usize) Error!void {
        try self.head(.map, entries);
    }

    /// A value of any type that this file's head names.
    pub fn value(self: *Writer, it: anytype) Error!void {
        const T = @TypeOf(it);
        if (T == Blob) return self.blob(it.bytes);
        if (comptime isText(T)) return self.text(it);
        switch (@typeInfo(T)) {
            .void, .null => try self.null_(),
            .bool => try self.boolean(it),
            .int => |info| if (info.signedness == .signed) try self.integer(it) else try self.unsigned(it),
            .comptime_int => if (it < 0) try self.integer(it) else try self.unsigned(it),
            .float, .comptime_float => try self.float(it),
            .optional => if (it) |content| try self.value(content) else try self.null_(),
            .@"enum", .enum_literal => try self.text(@tagName(it)),
            .@"union" => switch (it) {
                inline else => |content, tag| {
                    if (@TypeOf(content) == void) return self.text(@tagName(tag));
                    try self.map(1);
                    try self.text(@tagName(tag));
                    try self.value(content);
                },
            },
            .array => {
                try self.array(it.len);
                for (it) |item| try self.value(item);
            },
            .pointer => |info| switch (info.size) {
                .slice => {
                    try self.array(it.len);
                    for (it) |item| try self.value(item);
                },
                else => try self.value(it.*),
            },
            .@"struct" => |info| {
                const count = info.field_names.len;
                if (info.is_tuple) try self.array(count) else try self.map(count);
                inline for (info.field_names) |name| {
                    if (!info.is_tuple) try self.text(name);
                    try self.value(@field(it, name));
                }
            },
            else => @compileError("no message holds a " ++ @typeName(T)),
        }
    }
};

/// Whether a type is text: a slice of bytes, or a literal.
fn isText(comptime T: type) bool {
    const info = switch (@typeInfo(T)) {
        .pointer => |info| info,
        else => return false,
    };
    if (info.size == .slice) return info.child == u8;
    return switch (@typeInfo(info.child)) {
        .array => |array| array.child == u8,
        else => false,
    };
}

/// Reads values from bytes that stay where they are.
pub const Reader = struct {
    rest: []const u8,

    /// Checks that a body is one value, whole and sound.
    pub fn of(body: []const u8) Error!Reader {
        if (body.len == 0) return .{ .rest = "\xf6" };
        var whole = Reader{ .rest = body };
        try whole.check(1);
        if (whole.rest.len > 0) return error.BytesTooMany;
        return .{ .rest = body };
    }

    const Head = struct { major: Major, info: u5, number: u64 };

    fn take(self: *Reader, count: u64) Error![]const u8 {
        if (count > self.rest.len) return error.EndsTooEarly;
        const length: usize = @intCast(count);
        defer self.rest = self.rest[length..];
        return self.rest[0..length];
    }

    fn head(self: *Reader) Error!Head {
        const first = (try self.take(1))[0];
        const info: u5 = @truncate(first);
        const major: Major = @enumFromInt(first >> 5);
        if (info < 24) return .{ .major = major, .info = info, .number = info };
        if (info > 27) return error.NotAllowedInMessages;
        var number: u64 = 0;
        for (try self.take(@as(u64, 1) << (info - 24))) |byte| number = number << 8 | byte;
        return .{ .major = major, .info = info, .number = number };
    }

    fn check(self: *Reader, depth: usize) Error!void {
        if (depth > depth_max) return error.NestedTooDeeply;
        const it = try self.head();
        switch (it.major) {
            .unsigned => {},
            .negative => if (it.number > std.math.maxInt(i64)) return error.IntegerOutOfRange,
            .bytes => _ = try self.take(it.number),
            .text => if (!std.unicode.utf8ValidateSlice(try self.take(it.number))) return error.InvalidUtf8,
            .array, .map => {
                // Each item takes a byte at least.
                if (it.number > self.rest.len) return error.EndsTooEarly;
                var items = it.number * @as(u64, if (it.major == .map) 2 else 1);
                while (items > 0) : (items -= 1) try self.check(depth + 1);
            },
            .tag => return error.NotAllowedInMessages,
            .simple => switch (it.info) {
                20...23, 26, 27 => {},
                else => return error.NotAllowedInMessages,
            },
        }
    }

    /// What comes next; nothing at the end.
    pub fn next(self: *const Reader) ?Kind {
        if (self.rest.len == 0) return null;
        const first = self.rest[0];
        return switch (@as(Major, @enumFromInt(first >> 5))) {
            .unsigned => .unsigned,
            .negative => .negative,
            .bytes => .bytes,
            .text => .text,
            .array => .array,
            .map => .map,
            else => switch (first) {
                0xf4, 0xf5 => .boolean,
                0xfa, 0xfb => .float,
                else => .null,
            },
        };
    }

    fn expect(self: *Reader, kind: Kind, comptime problem: Error) Error!u64 {
        if (self.next() != kind) return problem;
        return (try self.head()).number;
    }

    pub fn null_(self: *Reader) Error!void {
        // The empty array is how typed languages write a value without content.
        if (self.next() == .array and self.rest[0] == 0x80) return self.skip();
        _ = try self.expect(.null, error.ExpectedNull);
    }

    pub fn boolean(self: *Reader) Error!bool {
        return try self.expect(.boolean, error.ExpectedBoolean) == 21;
    }

    /// An integer beyond the type is an error, never another number.
    pub fn integer(self: *Reader, comptime T: type) Error!T {
        if (self.next() == .negative) {
            const number = try self.expect(.negative, error.ExpectedInteger);
            const signed = -1 - @as(i64, @intCast(number));
            return std.math.cast(T, signed) orelse error.IntegerOutOfRange;
        }
        const number = try self.expect(.unsigned, error.ExpectedInteger);
        return std.math.cast(T, number) orelse error.IntegerOutOfRange;
    }

    /// Any number.
    pub fn float(self: *Reader) Error!f64 {
        switch (self.next() orelse return error.ExpectedNumber) {
            .unsigned => return @floatFromInt((try self.head()).number),
            .negative => return -1 - @as(f64, @floatFromInt((try self.head()).number)),
            .float => {
                const it = try self.head();
                if (it.info == 27) return @bitCast(it.number);
                return @as(f32, @bitCast(@as(u32, @intCast(it.number))));
            },
            else => return error.ExpectedNumber,
        }
    }

    /// Points into the message.
    pub fn text(self: *Reader) Error![]const u8 {
        return self.take(try self.expect(.text, error.ExpectedText));
    }

    /// Points into the message.
    pub fn blob(self: *Reader) Error![]const u8 {
        return self.take(try self.expect(.bytes, error.ExpectedBytes));
    }

    /// How many items follow.
    pub fn array(self: *Reader) Error!usize {
        return @intCast(try self.expect(.array, error.ExpectedArray));
    }

    /// How many entries follow.
    pub fn map(self: *Reader) Error!usize {
        return @intCast(try self.expect(.map, error.ExpectedMap));
    }

    /// Passes over one value.
    pub fn skip(self: *Reader) Error!void {
        try self.check(1);
    }

    /// A value of any type that this file's head names.
    pub fn value(self: *Reader, comptime T: type, allocator: std.mem.Allocator) Error!T {
        if (T == Blob) return .{ .bytes = try self.blob() };
        if (T == []const u8) return self.text();
        switch (@typeInfo(T)) {
            .void => return self.null_(),
            .bool => return self.boolean(),
            .int => return self.integer(T),
            .float => return @floatCast(try self.float()),
            .optional => |info| {
                if (self.next() == .null) {
                    try self.null_();
                    return null;
                }
                return try self.value(info.child, allocator);
            },
            .@"enum" => return std.meta.stringToEnum(T, try self.text()) orelse error.UnknownVariant,
            .@"union" => return self.variant(T, allocator),
            .array => |info| {
                if (try self.array() != info.len) return error.WrongLength;
                var items: T = undefined;
                for (&items) |*item| item.* = try self.value(info.child, allocator);
                return items;
            },
            .pointer => |info| {
                if (info.size != .slice) @compileError("no message holds a " ++ @typeName(T));
                const items = try allocator.alloc(info.child, try self.array());
                errdefer allocator.free(items);
                for (items) |*item| item.* = try self.value(info.child, allocator);
                return items;
            },
            .@"struct" => return self.record(T, allocator),
            else => @compileError("no message holds a " ++ @typeName(T)),
        }
    }

    fn variant(self: *Reader, comptime T: type, allocator: std.mem.Allocator) Error!T {
        const is_map = self.next() == .map;
        if (is_map and try self.map() != 1) return error.WrongLength;
        const name = try self.text();
        const info = @typeInfo(T).@"union";
        inline for (info.field_names, info.field_types) |known, Content| {
            if (std.mem.eql(u8, known, name)) {
                if (is_map) return @unionInit(T, known, try self.value(Content, allocator));
                if (Content == void) return @unionInit(T, known, {});
                return error.ExpectedMap;
            }
        }
        return error.UnknownVariant;
    }

    fn record(self: *Reader, comptime T: type, allocator: std.mem.Allocator) Error!T {
        const info = @typeInfo(T).@"struct";
        var it: T = undefined;
        if (info.is_tuple) {
            if (try self.array() != info.field_names.len) return error.WrongLength;
            inline for (info.field_names, info.field_types) |name, Item| {
                @field(it, name) = try self.value(Item, allocator);
            }
            return it;
        }
        const whole = self.*;
        inline for (info.field_names, info.field_types) |name, Item| {
            @field(it, name) = try whole.field(name, Item, allocator);
        }
        try self.skip();
        return it;
    }

    /// The field of a map that comes next, which stays unread. An absent one reads as null.
    pub fn field(self: *const Reader, name: []const u8, comptime T: type, allocator: std.mem.Allocator) Error!T {
        var reader = self.*;
        var entries = try reader.map();
        while (entries > 0) : (entries -= 1) {
            if (reader.next() == .text) {
                if (std.mem.eql(u8, try reader.text(), name)) return reader.value(T, allocator);
            } else try reader.skip();
            try reader.skip();
        }
        if (@typeInfo(T) == .optional) return null;
        return error.MissingField;
    }
};
