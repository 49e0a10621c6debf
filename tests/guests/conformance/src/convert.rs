//! From the protocol's words to the bindings' and back, and nothing else.

use odeon_guest::bindings::odeon::actor::{groups, io, locks, mailbox, names, process, rpc};
use odeon_guest::spawn;
use odeon_test_protocol as protocol;

/// Says a word of one side in the other's.
pub(crate) trait To<T> {
    fn to(self) -> T;
}

macro_rules! same {
    ($($word:ty),*) => {
        $(impl To<$word> for $word {
            fn to(self) -> $word {
                self
            }
        })*
    };
}

same! { (), bool, u8, u32, u64, String }

impl<A: To<B>, B> To<Option<B>> for Option<A> {
    fn to(self) -> Option<B> {
        self.map(To::to)
    }
}

impl<A: To<B>, B> To<Vec<B>> for Vec<A> {
    fn to(self) -> Vec<B> {
        self.into_iter().map(To::to).collect()
    }
}

impl<A: To<B>, B, E: To<F>, F> To<Result<B, F>> for Result<A, E> {
    fn to(self) -> Result<B, F> {
        self.map(To::to).map_err(To::to)
    }
}

impl<A: To<B>, B, C: To<D>, D> To<(B, D)> for (A, C) {
    fn to(self) -> (B, D) {
        (self.0.to(), self.1.to())
    }
}

/// Structs with the same fields.
macro_rules! records {
    ($($word:ident <=> $side:ident::$host:ident { $($field:ident),* })*) => {
        $(impl To<$side::$host> for protocol::$word {
            fn to(self) -> $side::$host {
                $side::$host { $($field: self.$field.to()),* }
            }
        }

        impl To<protocol::$word> for $side::$host {
            fn to(self) -> protocol::$word {
                protocol::$word { $($field: self.$field.to()),* }
            }
        })*
    };
}

/// Enums with the same variants: first those without content, then those with.
macro_rules! variants {
    ($($word:ident <=> $side:ident::$host:ident { $($unit:ident),*; $($tuple:ident),* })*) => {
        $(impl To<$side::$host> for protocol::$word {
            fn to(self) -> $side::$host {
                match self {
                    $(protocol::$word::$unit => $side::$host::$unit,)*
                    $(protocol::$word::$tuple(it) => $side::$host::$tuple(it.to()),)*
                }
            }
        }

        impl To<protocol::$word> for $side::$host {
            fn to(self) -> protocol::$word {
                match self {
                    $($side::$host::$unit => protocol::$word::$unit,)*
                    $($side::$host::$tuple(it) => protocol::$word::$tuple(it.to()),)*
                }
            }
        })*
    };
}

records! {
    Pid <=> odeon_guest::Pid { node, serial }
    Reference <=> odeon_guest::Reference { node, serial }
    MonitorOptions <=> process::MonitorOptions { alias, tag, priority }
    Limits <=> process::Limits {
        memory_bytes_max, table_elements_max, mailbox_messages_max, mailbox_bytes_max,
        children_max
    }
    SpawnOptions <=> process::SpawnOptions { node, link, monitor, name, group_leader, limits }
    CallOptions <=> rpc::CallOptions { node, timeout_ms, limits }
}

variants! {
    Reason <=> odeon_guest::ExitReason {
        Normal, Shutdown, Kill, Killed, Noproc, Noconnection;
        Error, Trap, Limit, ExitCode, Custom
    }
    Module <=> process::Module { This; Name, Digest }
    ReplyWhen <=> process::ReplyWhen { Always, Never, Failed, Spawned; }
    AliasMode <=> process::AliasMode { Explicit, Demonitor, ReplyDemonitor; }
    SpawnError <=> spawn::SpawnError {
        Noconnection;
        NoModule, NoFunction, BadArgument, BadName, SystemLimit, Denied
    }
    CallError <=> rpc::CallError {
        Noconnection, Timeout;
        NoModule, NoFunction, BadArgument, SystemLimit, Denied, Ended
    }
    RegisterError <=> process::RegisterError { BadName, Taken, Named, Noproc; }
    SendError <=> mailbox::SendError { NoName, Noconnect, Nosuspend; TooLong }
    Channel <=> io::Channel { Output, Error; }
    IoReply <=> io::Reply { Done, Eof; Data, Options, Failed }
    IoError <=> io::IoError { Terminated, Request, Enotsup; Other }
    Resolver <=> names::Resolver {
        RandomExit, RandomNotify, NotifyAll, OldestExit, OldestNotify;
        Ask
    }
    NameError <=> names::NameError {
        Empty, HasName, Noproc, Noconnection, Timeout;
        TooLong, Taken, SystemLimit, BadResolver
    }
    LockError <=> locks::LockError {
        Empty, Timeout;
        TooLong, Held, Noconnection, SystemLimit
    }
    GroupError <=> groups::GroupError {
        Empty, NoScope, NotLocal, NotJoined;
        TooLong, SystemLimit
    }
}

impl To<odeon_guest::Destination> for protocol::Destination {
    fn to(self) -> odeon_guest::Destination {
        use odeon_guest::{Destination, NodeName};
        match self {
            Self::Pid(pid) => Destination::Pid(pid.to()),
            Self::Name(name) => Destination::Name(name),
            Self::NodeName { name, node } => Destination::NodeName(NodeName { name, node }),
            Self::Alias(alias) => Destination::Alias(alias.to()),
        }
    }
}

impl To<protocol::Destination> for odeon_guest::Destination {
    fn to(self) -> protocol::Destination {
        use protocol::Destination;
        match self {
            Self::Pid(pid) => Destination::Pid(pid.to()),
            Self::Name(name) => Destination::Name(name),
            Self::NodeName(at) => Destination::NodeName { name: at.name, node: at.node },
            Self::Alias(alias) => Destination::Alias(alias.to()),
        }
    }
}

impl To<process::Start> for protocol::Start {
    fn to(self) -> process::Start {
        match self {
            Self::Entry { function, argument } => {
                process::Start::Entry(process::EntryCall { function, argument })
            }
            Self::Command(arguments) => process::Start::Command(arguments),
            Self::Call(wave) => process::Start::Call(wave),
        }
    }
}

impl To<rpc::Target> for protocol::Target {
    fn to(self) -> rpc::Target {
        match self {
            Self::Entry { function, argument } => {
                rpc::Target::Entry(process::EntryCall { function, argument })
            }
            Self::Wave(text) => rpc::Target::Wave(text),
            Self::Json(text) => rpc::Target::Json(text),
        }
    }
}

impl To<mailbox::SendOptions> for protocol::SendOptions {
    fn to(self) -> mailbox::SendOptions {
        let mut options = mailbox::SendOptions::empty();
        options.set(mailbox::SendOptions::PRIORITY, self.priority);
        options.set(mailbox::SendOptions::NO_CONNECT, self.no_connect);
        options.set(mailbox::SendOptions::NO_SUSPEND, self.no_suspend);
        options
    }
}

impl To<io::Request> for protocol::IoRequest {
    fn to(self) -> io::Request {
        match self {
            Self::PutChars(channel, chars) => io::Request::PutChars((channel.to(), chars)),
            Self::GetLine(prompt) => io::Request::GetLine(prompt),
            Self::GetChars(prompt, count) => io::Request::GetChars((prompt, count)),
            Self::GetOptions => io::Request::GetOptions,
            Self::SetOptions(options) => io::Request::SetOptions(options),
        }
    }
}

impl To<protocol::IoRequest> for io::Request {
    fn to(self) -> protocol::IoRequest {
        use protocol::IoRequest;
        match self {
            Self::PutChars((channel, chars)) => IoRequest::PutChars(channel.to(), chars),
            Self::GetLine(prompt) => IoRequest::GetLine(prompt),
            Self::GetChars((prompt, count)) => IoRequest::GetChars(prompt, count),
            Self::GetOptions => IoRequest::GetOptions,
            Self::SetOptions(options) => IoRequest::SetOptions(options),
        }
    }
}

impl To<protocol::Event> for mailbox::Event {
    fn to(self) -> protocol::Event {
        use protocol::Event;
        match self {
            Self::Message(mailbox::Message { sender, via, body }) => {
                Event::Message { sender: sender.to(), via: via.to(), body }
            }
            Self::Exit(mailbox::Exited { sender, reason }) => {
                Event::Exit { sender: sender.to(), reason: reason.to() }
            }
            Self::Down(mailbox::Down { monitor, object, reason, tag }) => {
                Event::Down { monitor: monitor.to(), object: object.to(), reason: reason.to(), tag }
            }
            Self::SpawnReply(mailbox::SpawnReply { request, outcome }) => {
                Event::SpawnReply { request: request.to(), outcome: outcome.to() }
            }
            Self::CallReply(mailbox::CallReply { request, outcome }) => {
                Event::CallReply { request: request.to(), outcome: outcome.to() }
            }
            Self::Timeout(timer) => Event::Timeout(timer.to()),
            Self::IoRequest(io::IoRequest { sender, reply_as, request }) => Event::IoRequest {
                sender: sender.to(),
                reply_as: reply_as.to(),
                request: request.to(),
            },
            Self::NodeUp(change) => {
                Event::NodeUp { node: change.node, id: change.id, hidden: change.hidden }
            }
            Self::NodeDown(change) => Event::NodeDown {
                node: change.node,
                id: change.id,
                hidden: change.hidden,
                reason: change.reason.unwrap_or_default(),
            },
            Self::NameLost(mailbox::NameLost { name, other, both }) => {
                Event::NameLost { name, other: other.to(), both }
            }
            Self::GroupChange(change) => Event::GroupChange {
                monitor: change.monitor.to(),
                scope: change.scope,
                group: change.group,
                joined: change.joined,
                members: change.members.to(),
            },
        }
    }
}

impl To<protocol::Info> for process::Info {
    fn to(self) -> protocol::Info {
        protocol::Info {
            pid: self.pid.to(),
            name: self.name,
            module: self.module,
            start: self.start,
            parent: self.parent.to(),
            group_leader: self.group_leader.to(),
            trap_exit: self.trap_exit,
            is_waiting: self.status == process::Status::Waiting,
            mailbox_messages: self.mailbox_messages,
            memory_bytes: self.memory_bytes,
            links: self.links.to(),
            monitors: self.monitors.to(),
            monitored_by: self.monitored_by.to(),
        }
    }
}
