//! What a test tells a puppet, and what the puppet answers.
//!
//! A puppet is an actor without a will: it does one thing of the WIT contract
//! after another, as a test tells it, and reports what came of each. So a test of
//! links between three actors is a script on the host's side, next to what it
//! expects, and no guest of its own.
//!
//! # The talk
//!
//! 1. The test spawns function `puppet` with a [`Setup`] as argument. The puppet
//!    makes an alias and sends a [`Hello`] with it: to `Setup::greet`, or to the
//!    sender of the first message that it gets.
//! 2. The test sends an [`Order`] to the alias. The puppet waits for orders by
//!    reference, so its mailbox holds what the test is about, and nothing else.
//! 3. The puppet does it and sends a [`Report`] with the order's number to the
//!    actor that sent the order. An order that does not return (a stop, a trap)
//!    has no report.
//!
//! All of it travels in postcard. This crate must not know wasm, the guest SDK or
//! the host: both sides build it and turn its words into their own.

use serde::{Deserialize, Serialize};

/// Function names of the guest `conformance` that check the guest SDK from
/// within: each ends `normal` if all is as it should be, else with the text of
/// what is not. They take no argument.
pub const SDK_CHECKS: [&str; 25] = [
    "check_a_group_is_shared_by_all_that_start_under_it",
    "check_a_supervised_name_is_had_again_after_a_restart",
    "check_call_answers",
    "check_call_timeout_leaves_nothing_behind",
    "check_call_to_the_dead_gives_the_reason",
    "check_deferred_reply",
    "check_failing_init_gives_the_reason",
    "check_find_or_start_gives_all_who_ask_one_server",
    "check_monitor_guard_ends_the_monitor",
    "check_rpc_collection_gives_labelled_outcomes",
    "check_rpc_gives_values_and_errors",
    "check_rpc_multicall_keeps_the_order",
    "check_rpc_requests_are_received_polled_and_checked",
    "check_rpc_timeout_leaves_nothing_behind",
    "check_selective_receive_keeps_order",
    "check_supervisor_gives_up",
    "check_supervisor_one_for_all",
    "check_supervisor_restarts",
    "check_supervisor_stops_in_reverse_order",
    "check_task_gives_result_or_reason",
    "check_timer_can_be_cancelled",
    "check_via_finds_what_was_started_under_it",
    "check_via_is_the_servers_before_its_init",
    "check_via_taken_names_the_owner_and_begins_nothing",
    "check_via_that_is_no_name_fails_the_start",
];

/// The argument of a puppet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Setup {
    /// Who gets the [`Hello`]; the sender of the first message when absent.
    pub greet: Option<Destination>,
}

/// A puppet is ready.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hello {
    /// The puppet.
    pub pid: Pid,
    /// Where it takes orders.
    pub orders: Reference,
}

/// Something to do, with a number of the test's choice.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Order {
    /// Comes back in the report.
    pub number: u64,
    /// What to do.
    pub operation: Operation,
}

/// What came of an order.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// The order's number.
    pub number: u64,
    /// What the operation gave.
    pub value: Value,
}

/// An actor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Pid {
    /// The incarnation of its node.
    pub node: u64,
    /// The actor within it.
    pub serial: u64,
}

/// A monitor, alias, timer or request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Reference {
    /// The incarnation of the node that made it.
    pub node: u64,
    /// The reference within it.
    pub serial: u64,
}

/// An exit reason, variant for variant as in `wit/types.wit`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the words are those of wit/types.wit")]
pub enum Reason {
    Normal,
    Shutdown,
    Kill,
    Killed,
    Noproc,
    Noconnection,
    Error(String),
    Trap(String),
    Limit(String),
    ExitCode(u8),
    Custom(Vec<u8>),
}

/// Whom a signal is for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the words are those of wit/types.wit")]
pub enum Destination {
    Pid(Pid),
    Name(String),
    NodeName { name: String, node: String },
    Alias(Reference),
}

/// Which module an actor runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the words are those of wit/process.wit")]
pub enum Module {
    This,
    Name(String),
    Digest(String),
}

/// Where an actor starts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the words are those of wit/process.wit")]
pub enum Start {
    Entry { function: String, argument: Vec<u8> },
    Command(Vec<String>),
    Call(String),
}

/// Which function is called, and on what.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the words are those of wit/rpc.wit")]
pub enum Target {
    Entry { function: String, argument: Vec<u8> },
    Wave(String),
    Json(String),
}

/// Where and how a function is called.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the words are those of wit/rpc.wit")]
pub struct CallOptions {
    pub node: Option<String>,
    pub timeout_ms: Option<u64>,
    pub limits: Option<Limits>,
}

/// When a spawn request is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the words are those of wit/process.wit")]
pub enum ReplyWhen {
    Always,
    Never,
    Failed,
    Spawned,
}

/// What ends the alias of a monitor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the words are those of wit/process.wit")]
pub enum AliasMode {
    Explicit,
    Demonitor,
    ReplyDemonitor,
}

/// The finer points of a monitor.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the words are those of wit/process.wit")]
pub struct MonitorOptions {
    pub alias: Option<AliasMode>,
    pub tag: Option<Vec<u8>>,
    pub priority: bool,
}

/// Limits of a new actor.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the words are those of wit/process.wit")]
pub struct Limits {
    pub memory_bytes_max: Option<u64>,
    pub table_elements_max: Option<u64>,
    pub mailbox_messages_max: Option<u64>,
    pub mailbox_bytes_max: Option<u64>,
    pub children_max: Option<u64>,
}

/// Everything about a new actor but its code and argument.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the words are those of wit/process.wit")]
pub struct SpawnOptions {
    pub node: Option<String>,
    pub link: bool,
    pub monitor: Option<MonitorOptions>,
    pub name: Option<String>,
    pub group_leader: Option<Pid>,
    pub limits: Option<Limits>,
}

/// How a message is sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the words are those of wit/mailbox.wit")]
pub struct SendOptions {
    pub priority: bool,
    pub no_connect: bool,
    pub no_suspend: bool,
}

/// Which output.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the words are those of wit/io.wit")]
pub enum Channel {
    Output,
    Error,
}

/// What is asked of a group leader.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the words are those of wit/io.wit")]
pub enum IoRequest {
    PutChars(Channel, Vec<u8>),
    GetLine(String),
    GetChars(String, u32),
    GetOptions,
    SetOptions(Vec<(String, String)>),
}

/// What a group leader answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the words are those of wit/io.wit")]
pub enum IoReply {
    Done,
    Data(Vec<u8>),
    Eof,
    Options(Vec<(String, String)>),
    Failed(IoError),
}

/// Why an I/O request failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the words are those of wit/io.wit")]
pub enum IoError {
    Terminated,
    Request,
    Enotsup,
    Other(String),
}

/// A way to fail that is the guest's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Trap {
    /// An `unreachable` instruction, without a panic.
    Unreachable,
    /// A load far behind the end of memory.
    OutOfBounds,
    /// A call through a table with a function of another type.
    BadCall,
}

/// A choice of nodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the words are those of wit/node.wit")]
pub enum Selection {
    Visible,
    Hidden,
    Connected,
    Known,
}

/// Which nodes' coming and going to hear of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the words are those of wit/node.wit")]
pub enum Watched {
    Visible,
    Hidden,
    All,
}

/// What happens when two owners of a cluster name meet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the words are those of wit/names.wit")]
pub enum Resolver {
    RandomExit,
    RandomNotify,
    NotifyAll,
    OldestExit,
    OldestNotify,
    Ask(String),
}

/// One thing to do. Each is one function of the WIT contract, but for the last
/// ones, which do what a guest can do to itself and its host.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the words are those of wit/")]
pub enum Operation {
    Me,
    MakeReference,
    Spawn(Module, Start),
    SpawnWith(Module, Start, SpawnOptions),
    SpawnRequest(Module, Start, SpawnOptions, ReplyWhen),
    SpawnAbandon(Reference),
    Stop(Reason),
    Exit(Pid, Reason),
    ExitAlias {
        to: Reference,
        reason: Reason,
        priority: bool,
    },
    TrapExit(bool),
    Link {
        to: Pid,
        priority: bool,
    },
    Unlink(Pid),
    Monitor(Destination, MonitorOptions),
    Demonitor {
        monitor: Reference,
        flush: bool,
    },
    /// `reply`: the first message through it ends it.
    Alias {
        reply: bool,
        priority: bool,
    },
    Unalias(Reference),
    Register(String, Pid),
    Unregister(String),
    Whereis(String),
    Registered,
    IsAlive(Pid),
    Info(Pid),
    List,
    Send(Pid, Vec<u8>),
    SendTo(Destination, Vec<u8>, SendOptions),
    /// The oldest event, or the oldest of a reference.
    Receive {
        of: Option<Reference>,
        timeout_ms: Option<u64>,
    },
    /// The oldest messages at once, reported as events.
    ReceiveMessages {
        max_count: u32,
        max_bytes: u32,
        timeout_ms: Option<u64>,
    },
    Now,
    WallClockMs,
    Sleep(u64),
    StartTimer(u64),
    SendAfter {
        after_ms: u64,
        to: Destination,
        body: Vec<u8>,
    },
    CancelTimer(Reference),
    GroupLeader,
    SetGroupLeader {
        leader: Pid,
        of: Pid,
    },
    PutChars(Channel, Vec<u8>),
    GetLine(String),
    Ask(Pid, IoRequest),
    Answer {
        to: Pid,
        reply_as: Reference,
        reply: IoReply,
    },
    /// A line for the log of the node, as a warning.
    Log(String),
    Call(Module, Target, CallOptions),
    Cast(Module, Target, CallOptions),
    CallRequest(Module, Target, CallOptions),
    CallAbandon(Reference),
    GiveResult(Vec<u8>),
    /// `force`: whoever has it.
    NameRegister {
        name: Vec<u8>,
        pid: Pid,
        resolver: Resolver,
        timeout_ms: Option<u64>,
        force: bool,
    },
    NameUnregister {
        name: Vec<u8>,
        timeout_ms: Option<u64>,
    },
    NameWhereis(Vec<u8>),
    NameList {
        after: Option<Vec<u8>>,
        max: u32,
    },
    NameSend(Vec<u8>, Vec<u8>, SendOptions),
    /// `nodes`: all, if absent. `wait_ms`: for ever, if absent.
    LockSet {
        resource: Vec<u8>,
        requester: Vec<u8>,
        nodes: Option<Vec<String>>,
        wait_ms: Option<u64>,
    },
    LockDelete {
        resource: Vec<u8>,
        requester: Vec<u8>,
        nodes: Option<Vec<String>>,
    },
    ScopeStart(Vec<u8>),
    ScopeStop(Vec<u8>),
    Scopes,
    GroupJoin {
        scope: Vec<u8>,
        group: Vec<u8>,
        pids: Vec<Pid>,
    },
    GroupLeave {
        scope: Vec<u8>,
        group: Vec<u8>,
        pids: Vec<Pid>,
    },
    GroupMembers {
        scope: Vec<u8>,
        group: Vec<u8>,
        local: bool,
    },
    GroupList {
        scope: Vec<u8>,
        local: bool,
    },
    /// `closest`, or any.
    GroupPick {
        scope: Vec<u8>,
        group: Vec<u8>,
        closest: bool,
    },
    GroupMonitor {
        scope: Vec<u8>,
        group: Option<Vec<u8>>,
    },
    GroupDemonitor(Reference),
    GroupSend {
        scope: Vec<u8>,
        group: Vec<u8>,
        body: Vec<u8>,
        options: SendOptions,
    },
    NodeName,
    NodeNameOf(Pid),
    Nodes(Selection),
    Connect(String),
    Disconnect(String),
    WatchNodes(Watched),
    UnwatchNodes(Watched),

    /// Everything that waits, until nothing comes for so long.
    ReceiveAll {
        quiet_ms: u64,
    },
    /// Several operations, reported together; stops where one does not return.
    Batch(Vec<Operation>),
    /// One operation so many times; only the last value is reported.
    Repeat(u64, Box<Operation>),
    /// Returns from the start function.
    Return(Result<(), Reason>),
    /// A Rust panic with this text.
    Panic(String),
    Trap(Trap),
    /// An endless loop.
    Spin,
    /// A loop of so many steps, without a call to the host.
    Work(u64),
    /// An endless recursion.
    Recurse,
    /// Takes so many bytes of memory more and writes to each page of them. They
    /// are never given back. False if there is no more.
    Grow(u64),
    /// Takes memory until there is no more, and reports how many bytes that was.
    GrowUntilRefused,
    /// Sends so many messages of so many zero bytes.
    Flood {
        to: Pid,
        messages: u64,
        bytes: u64,
    },
}

/// What an operation gave.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "each is the result of the operations that its name says")]
pub enum Value {
    /// It gave nothing, and did not fail.
    Done,
    Bool(bool),
    Number(Option<u64>),
    Pid(Option<Pid>),
    Pids(Vec<Pid>),
    Names(Vec<String>),
    Reference(Reference),
    Spawned {
        pid: Pid,
        monitor: Option<Reference>,
    },
    Info(Option<Box<Info>>),
    /// Cluster names and who has them.
    Named(Vec<(Vec<u8>, Pid)>),
    /// Scopes or groups.
    Keys(Vec<Vec<u8>>),
    /// A monitor, and the members that it began with.
    Monitored {
        monitor: Reference,
        members: Vec<(Vec<u8>, Vec<Pid>)>,
    },
    /// An event, or nothing in time.
    Event(Option<Event>),
    Events(Vec<Event>),
    Line(Option<Vec<u8>>),
    /// What a called function gave.
    Result(Vec<u8>),
    Io(IoReply),
    Batch(Vec<Value>),
    /// The operation failed; the word is the WIT's name of the error's case.
    Failed(Failure),
}

/// The error cases of the WIT functions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the words are those of wit/")]
pub enum Failure {
    Spawn(SpawnError),
    Call(CallError),
    Link,
    Demonitor,
    Register(RegisterError),
    Send(SendError),
    Timer(u64),
    Io(IoError),
    Name(NameError),
    Group(GroupError),
    Lock(LockError),
}

/// Why a lock was not set or deleted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the words are those of wit/locks.wit")]
pub enum LockError {
    Empty,
    TooLong(u64),
    Held(Pid),
    Timeout,
    Noconnection(String),
    SystemLimit(String),
}

/// Why a cluster name was not given or freed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the words are those of wit/names.wit")]
pub enum NameError {
    Empty,
    TooLong(u64),
    Taken(Pid),
    HasName,
    Noproc,
    Noconnection,
    Timeout,
    SystemLimit(String),
    BadResolver(String),
}

/// Why nothing was done about a group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the words are those of wit/groups.wit")]
pub enum GroupError {
    Empty,
    TooLong(u64),
    NoScope,
    NotLocal,
    NotJoined,
    SystemLimit(String),
}

/// Why an actor could not be made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the words are those of wit/process.wit")]
pub enum SpawnError {
    NoModule(String),
    NoFunction(String),
    BadArgument(String),
    BadName(String),
    SystemLimit(String),
    Denied(String),
    Noconnection,
}

/// Why a call gave no result.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the words are those of wit/rpc.wit")]
pub enum CallError {
    NoModule(String),
    NoFunction(String),
    BadArgument(String),
    SystemLimit(String),
    Denied(String),
    Noconnection,
    Timeout,
    Ended(Reason),
}

/// Why a name could not be given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the words are those of wit/process.wit")]
pub enum RegisterError {
    BadName,
    Taken,
    Named,
    Noproc,
}

/// Why a message was not sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the words are those of wit/mailbox.wit")]
pub enum SendError {
    NoName,
    TooLong(u64),
    Noconnect,
    Nosuspend,
}

/// What a mailbox holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the words are those of wit/mailbox.wit")]
pub enum Event {
    Message {
        sender: Pid,
        via: Option<Reference>,
        body: Vec<u8>,
    },
    Exit {
        sender: Pid,
        reason: Reason,
    },
    Down {
        monitor: Reference,
        object: Destination,
        reason: Reason,
        tag: Option<Vec<u8>>,
    },
    SpawnReply {
        request: Reference,
        outcome: Result<Pid, SpawnError>,
    },
    CallReply {
        request: Reference,
        outcome: Result<Vec<u8>, CallError>,
    },
    Timeout(Reference),
    IoRequest {
        sender: Pid,
        reply_as: Reference,
        request: IoRequest,
    },
    NodeUp {
        node: String,
        id: u64,
        hidden: bool,
    },
    NodeDown {
        node: String,
        id: u64,
        hidden: bool,
        reason: String,
    },
    NameLost {
        name: Vec<u8>,
        other: Pid,
        both: bool,
    },
    GroupChange {
        monitor: Reference,
        scope: Vec<u8>,
        group: Vec<u8>,
        joined: bool,
        members: Vec<Pid>,
    },
}

/// A look at one actor.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the words are those of wit/process.wit")]
pub struct Info {
    pub pid: Pid,
    pub name: Option<String>,
    pub module: String,
    pub start: String,
    pub parent: Option<Pid>,
    pub group_leader: Pid,
    pub trap_exit: bool,
    pub is_waiting: bool,
    pub mailbox_messages: u64,
    pub memory_bytes: u64,
    pub links: Vec<Pid>,
    pub monitors: Vec<Destination>,
    pub monitored_by: Vec<Pid>,
}
