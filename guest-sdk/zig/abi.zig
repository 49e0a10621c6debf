//! The host's functions as WebAssembly has them: `wit/` of odeon:actor@0.1.0 by the
//! canonical ABI, written by hand. Types that lie in memory are extern, since their
//! layout is the canonical ABI's on wasm32.
//!
//! Actors use odeon.zig; this file is for it. A host checks every signature when it loads
//! a module, so one that is wrong here is refused, and said.

/// Names one actor, for ever. Both numbers are below 2^53.
pub const Pid = extern struct { node: u64, serial: u64 };
/// Names one monitor, alias, timer or request. Both numbers are below 2^53.
pub const Ref = extern struct { node: u64, serial: u64 };

/// Bytes, or text.
pub const Bytes = extern struct {
    ptr: usize = 0,
    len: usize = 0,

    pub fn of(given: []const u8) Bytes {
        return .{ .ptr = @intFromPtr(given.ptr), .len = given.len };
    }

    /// The host gives no memory for what is empty, and an address that is none.
    pub fn slice(self: Bytes) []u8 {
        return self.items(u8);
    }

    /// The same for a list of something else.
    pub fn items(self: Bytes, comptime T: type) []T {
        if (self.len == 0) return &.{};
        return @as([*]T, @ptrFromInt(self.ptr))[0..self.len];
    }
};

pub fn Option(comptime T: type) type {
    return extern struct { is_some: bool = false, value: T = undefined };
}

pub const Reason = extern struct { tag: u8, text: Bytes = .{} };
pub const Destination = extern struct {
    tag: u8,
    content: extern union { id: Pid, names: [2]Bytes },
};
pub const Error = extern struct { tag: u8, text: Bytes };
pub const CallError = extern struct { tag: u8, content: extern union { text: Bytes, reason: Reason } };

pub fn Result(comptime T: type, comptime E: type) type {
    return extern struct { is_error: bool, content: extern union { value: T, err: E } };
}

pub const Message = extern struct { sender: Pid, via: Option(Ref), body: Bytes };
pub const Exited = extern struct { sender: Pid, reason: Reason };
pub const Down = extern struct { monitor: Ref, object: Destination, reason: Reason, tag: Option(Bytes) };
pub const SpawnReply = extern struct { request: Ref, outcome: Result(Pid, Error) };
pub const NodeChange = extern struct { node: Bytes, id: u64, hidden: bool, reason: Option(Bytes) };
pub const CallReply = extern struct { request: Ref, outcome: Result(Bytes, CallError) };
pub const NameLost = extern struct { name: Bytes, other: Pid, both: bool };
pub const GroupChange = extern struct { monitor: Ref, scope: Bytes, group: Bytes, joined: bool, members: Bytes };
pub const IoRequest = extern struct {
    sender: Pid,
    reply_as: Ref,
    tag: u8,
    content: extern union {
        put_chars: extern struct { channel: u8, chars: Bytes },
        get_line: Bytes,
        get_chars: extern struct { prompt: Bytes, count: u32 },
        set_options: Bytes,
    },
};
pub const Event = extern struct {
    tag: u8,
    content: extern union {
        message: Message,
        exit: Exited,
        down: Down,
        spawn_reply: SpawnReply,
        timeout: Ref,
        io_request: IoRequest,
        node_change: NodeChange,
        call_reply: CallReply,
        name_lost: NameLost,
        group_change: GroupChange,
    },
};

pub const Module = extern struct { tag: u8 = 0, name: Bytes = .{} };
/// A start or a target, of which this SDK uses the entry, and a call's text.
pub const Start = extern struct { tag: u8 = 0, function: Bytes = .{}, argument: Bytes = .{} };
pub const Limits = extern struct {
    memory_bytes_max: Option(u64) = .{},
    table_elements_max: Option(u64) = .{},
    mailbox_messages_max: Option(u64) = .{},
    mailbox_bytes_max: Option(u64) = .{},
    children_max: Option(u64) = .{},
};
pub const MonitorOptions = extern struct {
    alias: Option(u8) = .{},
    tag: Option(Bytes) = .{},
    priority: bool = false,
};
pub const SpawnCall = extern struct {
    module: Module = .{},
    start: Start = .{},
    node: Option(Bytes) align(8) = .{},
    link: bool = false,
    monitor: Option(MonitorOptions) = .{},
    name: Option(Bytes) = .{},
    group_leader: Option(Pid) = .{},
    limits: Option(Limits) = .{},
};
pub const Spawned = extern struct { pid: Pid, monitor: Option(Ref) };
pub const Call = extern struct {
    module: Module = .{},
    target: Start = .{},
    node: Option(Bytes) align(8) = .{},
    timeout_ms: Option(u64) = .{},
    limits: Option(Limits) = .{},
};

/// Why something of names or locks was refused: with the longest name, an actor or words.
pub const Refusal = extern struct {
    tag: u8,
    content: extern union { most: u64, pid: Pid, text: Bytes },
};
/// The same of groups, and of sending: no actor is named.
pub const ShortRefusal = extern struct { tag: u8, content: extern union { most: u64, text: Bytes } };
pub const Named = extern struct { name: Bytes, pid: Pid };
pub const Membership = extern struct { group: Bytes, members: Bytes };
pub const Monitored = extern struct { monitor: Ref, members: Bytes };

comptime {
    if (@sizeOf(Event) != 72 or @sizeOf(SpawnCall) != 200 or @sizeOf(Call) != 152 or
        @sizeOf(Destination) != 24 or @sizeOf(Reason) != 12 or @sizeOf(Result(Spawned, Error)) != 48 or
        @sizeOf(Result(u32, Refusal)) != 32 or @sizeOf(Result(Bytes, ShortRefusal)) != 24 or
        @sizeOf(Result(Monitored, ShortRefusal)) != 32 or @sizeOf(Named) != 24)
        @compileError("the layout of the canonical ABI");
}

pub const process = struct {
    pub extern "odeon:actor/process@0.1.0" fn me(*Pid) void;
    pub extern "odeon:actor/process@0.1.0" fn @"make-reference"(*Ref) void;
    pub extern "odeon:actor/process@0.1.0" fn @"spawn-with"(*const SpawnCall, *Result(Spawned, Error)) void;
    pub extern "odeon:actor/process@0.1.0" fn stop(u32, usize, usize) void;
    pub extern "odeon:actor/process@0.1.0" fn exit(u64, u64, u32, usize, usize) void;
    pub extern "odeon:actor/process@0.1.0" fn @"trap-exit"(bool) bool;
    pub extern "odeon:actor/process@0.1.0" fn link(u64, u64, bool, *[2]u8) void;
    pub extern "odeon:actor/process@0.1.0" fn unlink(u64, u64) void;
    pub extern "odeon:actor/process@0.1.0" fn monitor(u32, u64, u64, usize, usize, bool, u32, bool, usize, usize, bool, *Ref) void;
    pub extern "odeon:actor/process@0.1.0" fn demonitor(u64, u64, bool, *[2]bool) void;
    pub extern "odeon:actor/process@0.1.0" fn alias(u32, bool, *Ref) void;
    pub extern "odeon:actor/process@0.1.0" fn unalias(u64, u64) bool;
    pub extern "odeon:actor/process@0.1.0" fn register(usize, usize, u64, u64, *[2]u8) void;
    pub extern "odeon:actor/process@0.1.0" fn unregister(usize, usize) bool;
    pub extern "odeon:actor/process@0.1.0" fn whereis(usize, usize, *Option(Pid)) void;
    pub extern "odeon:actor/process@0.1.0" fn @"is-alive"(u64, u64) bool;
};

pub const mailbox = struct {
    pub extern "odeon:actor/mailbox@0.1.0" fn send(u64, u64, usize, usize) void;
    pub extern "odeon:actor/mailbox@0.1.0" fn @"send-to"(u32, u64, u64, usize, usize, usize, usize, u32, *[3]u64) void;
    pub extern "odeon:actor/mailbox@0.1.0" fn receive(u32, u64, u64, bool, u64, *Option(Event)) void;
};

pub const timers = struct {
    pub extern "odeon:actor/timers@0.1.0" fn now() u64;
    pub extern "odeon:actor/timers@0.1.0" fn sleep(u64) void;
    pub extern "odeon:actor/timers@0.1.0" fn start(u64, *Result(Ref, [2]u64)) void;
    pub extern "odeon:actor/timers@0.1.0" fn cancel(u64, u64, *Option(u64)) void;
};

pub const io = struct {
    pub extern "odeon:actor/io@0.1.0" fn @"group-leader"(*Pid) void;
    pub extern "odeon:actor/io@0.1.0" fn @"set-group-leader"(u64, u64, u64, u64) void;
    pub extern "odeon:actor/io@0.1.0" fn @"put-chars"(u32, usize, usize, *Result(u32, Error)) void;
    pub extern "odeon:actor/io@0.1.0" fn @"get-line"(usize, usize, *Result(Option(Bytes), Error)) void;
};

pub const log = struct {
    pub extern "odeon:actor/log@0.1.0" fn write(u32, usize, usize) void;
    pub extern "odeon:actor/log@0.1.0" fn panic(usize, usize) void;
};

pub const node = struct {
    pub extern "odeon:actor/node@0.1.0" fn name(*Bytes) void;
    pub extern "odeon:actor/node@0.1.0" fn @"name-of"(u64, u64, *Option(Bytes)) void;
    pub extern "odeon:actor/node@0.1.0" fn @"is-distributed"() bool;
    pub extern "odeon:actor/node@0.1.0" fn nodes(u32, *Bytes) void;
    pub extern "odeon:actor/node@0.1.0" fn connect(usize, usize, *Result(u32, Error)) void;
    pub extern "odeon:actor/node@0.1.0" fn disconnect(usize, usize) bool;
    pub extern "odeon:actor/node@0.1.0" fn watch(u32) void;
    pub extern "odeon:actor/node@0.1.0" fn unwatch(u32) void;
};

pub const names = struct {
    pub extern "odeon:actor/names@0.1.0" fn register(usize, usize, u64, u64, u32, usize, usize, bool, u64, *Result(u32, Refusal)) void;
    pub extern "odeon:actor/names@0.1.0" fn @"re-register"(usize, usize, u64, u64, u32, usize, usize, bool, u64, *Result(u32, Refusal)) void;
    pub extern "odeon:actor/names@0.1.0" fn unregister(usize, usize, bool, u64, *Result(u32, Refusal)) void;
    pub extern "odeon:actor/names@0.1.0" fn whereis(usize, usize, *Option(Pid)) void;
    pub extern "odeon:actor/names@0.1.0" fn list(bool, usize, usize, u32, *Bytes) void;
    pub extern "odeon:actor/names@0.1.0" fn send(usize, usize, usize, usize, u32, *Result(Pid, ShortRefusal)) void;
};

pub const groups = struct {
    pub extern "odeon:actor/groups@0.1.0" fn start(usize, usize, *Result(bool, ShortRefusal)) void;
    pub extern "odeon:actor/groups@0.1.0" fn stop(usize, usize, *Result(bool, ShortRefusal)) void;
    pub extern "odeon:actor/groups@0.1.0" fn scopes(*Bytes) void;
    pub extern "odeon:actor/groups@0.1.0" fn join(usize, usize, usize, usize, usize, usize, *Result(u32, ShortRefusal)) void;
    pub extern "odeon:actor/groups@0.1.0" fn leave(usize, usize, usize, usize, usize, usize, *Result(u32, ShortRefusal)) void;
    pub extern "odeon:actor/groups@0.1.0" fn members(usize, usize, usize, usize, bool, *Result(Bytes, ShortRefusal)) void;
    pub extern "odeon:actor/groups@0.1.0" fn list(usize, usize, bool, *Result(Bytes, ShortRefusal)) void;
    pub extern "odeon:actor/groups@0.1.0" fn pick(usize, usize, usize, usize, u32, *Result(Option(Pid), ShortRefusal)) void;
    pub extern "odeon:actor/groups@0.1.0" fn monitor(usize, usize, bool, usize, usize, *Result(Monitored, ShortRefusal)) void;
    pub extern "odeon:actor/groups@0.1.0" fn demonitor(u64, u64) bool;
    pub extern "odeon:actor/groups@0.1.0" fn send(usize, usize, usize, usize, usize, usize, u32, *Result(u64, ShortRefusal)) void;
};

pub const locks = struct {
    pub extern "odeon:actor/locks@0.1.0" fn @"set-lock"(usize, usize, usize, usize, bool, usize, usize, bool, u64, *Result(u32, Refusal)) void;
    pub extern "odeon:actor/locks@0.1.0" fn @"delete-lock"(usize, usize, usize, usize, bool, usize, usize, *Result(u32, Refusal)) void;
};

pub const rpc = struct {
    pub extern "odeon:actor/rpc@0.1.0" fn call(*const Call, *Result(Bytes, CallError)) void;
    pub extern "odeon:actor/rpc@0.1.0" fn request(*const Call, *Ref) void;
    pub extern "odeon:actor/rpc@0.1.0" fn @"give-result"(usize, usize) void;
};
