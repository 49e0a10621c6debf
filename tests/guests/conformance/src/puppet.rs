//! The puppet: does what a test orders, one WIT function after another. The talk
//! is described in the protocol's crate.
//!
//! It uses the bindings and not the SDK's mailbox, so that nothing stands between
//! a test and the host.
#![expect(clippy::unit_arg, reason = "`done(call())` says in one line that a call gives nothing")]

use crate::convert::To;
use crate::hostile;
use odeon_guest::bindings::odeon::actor::{
    groups, io, locks, log, mailbox, names, process, rpc, timers,
};
use odeon_guest::node;
use odeon_guest::{ActorResult, Destination, ExitReason, Pid, Postcard};
use odeon_guest::{Decode, Encode};
use odeon_test_protocol::{
    Event, Failure, Hello, IoReply, Operation, Order, Reason, Report, Selection, Setup, Value,
    Watched,
};

/// How the doing of an order ends.
enum Outcome {
    Value(Value),
    Return(Result<(), Reason>),
}

/// Takes orders until one of them ends it.
pub(crate) fn puppet(Postcard(setup): Postcard<Setup>) -> ActorResult {
    let orders = process::alias(process::AliasLife::Explicit, false);
    let greet = setup.greet.map_or_else(first_sender, To::to);
    let hello = Hello { pid: process::me().to(), orders: orders.to() };
    let body = Postcard(hello).encode();
    mailbox::send_to(&greet, &body, mailbox::SendOptions::empty())?;
    let filter = mailbox::Filter::Reference(orders);
    loop {
        let Some(mailbox::Event::Message(message)) = mailbox::receive(filter, None) else {
            return Err(ExitReason::error("something else than a message came to an alias"));
        };
        let Postcard(Order { number, operation }) = Postcard::decode(message.body)?;
        match carry_out(operation) {
            Outcome::Value(value) => report(message.sender, number, value),
            Outcome::Return(result) => return result.to(),
        }
    }
}

fn first_sender() -> Destination {
    loop {
        if let Some(mailbox::Event::Message(message)) = mailbox::receive(mailbox::Filter::Any, None)
        {
            return Destination::Pid(message.sender);
        }
    }
}

fn report(to: Pid, number: u64, value: Value) {
    mailbox::send(to, &Postcard(Report { number, value }).encode());
}

fn carry_out(operation: Operation) -> Outcome {
    let value = match operation {
        Operation::Return(result) => return Outcome::Return(result),
        Operation::Batch(operations) => {
            let mut values = Vec::new();
            for operation in operations {
                match carry_out(operation) {
                    Outcome::Value(value) => values.push(value),
                    end @ Outcome::Return(_) => return end,
                }
            }
            Value::Batch(values)
        }
        Operation::Repeat(times, operation) => {
            let mut last = Value::Done;
            for _ in 0..times {
                match carry_out((*operation).clone()) {
                    Outcome::Value(value) => last = value,
                    end @ Outcome::Return(_) => return end,
                }
            }
            last
        }
        operation => perform(operation),
    };
    Outcome::Value(value)
}

/// The operations on actors; the others follow below.
fn perform(operation: Operation) -> Value {
    match operation {
        Operation::Me => Value::Pid(Some(process::me().to())),
        Operation::MakeReference => Value::Reference(process::make_reference().to()),
        Operation::Stop(reason) => done(process::stop(&reason.to())),
        Operation::Exit(to, reason) => done(process::exit(to.to(), &reason.to())),
        Operation::ExitAlias { to, reason, priority } => {
            done(process::exit_alias(to.to(), &reason.to(), priority))
        }
        Operation::TrapExit(on) => Value::Bool(process::trap_exit(on)),
        Operation::Link { to, priority } => {
            process::link(to.to(), priority).map_or(Value::Failed(Failure::Link), done)
        }
        Operation::Unlink(to) => done(process::unlink(to.to())),
        Operation::Monitor(of, options) => {
            Value::Reference(process::monitor(&of.to(), &options.to()).to())
        }
        Operation::Demonitor { monitor, flush } => process::demonitor(monitor.to(), flush)
            .map_or(Value::Failed(Failure::Demonitor), Value::Bool),
        Operation::Alias { reply, priority } => {
            let life = if reply { process::AliasLife::Reply } else { process::AliasLife::Explicit };
            Value::Reference(process::alias(life, priority).to())
        }
        Operation::Unalias(alias) => Value::Bool(process::unalias(alias.to())),
        Operation::Register(name, pid) => process::register(&name, pid.to())
            .map_or_else(|error| Value::Failed(Failure::Register(error.to())), done),
        Operation::Unregister(name) => Value::Bool(process::unregister(&name)),
        Operation::Whereis(name) => Value::Pid(process::whereis(&name).to()),
        Operation::Registered => Value::Names(process::registered()),
        Operation::IsAlive(pid) => Value::Bool(process::is_alive(pid.to())),
        Operation::Info(pid) => {
            Value::Info(process::get_info(pid.to()).map(|info| Box::new(info.to())))
        }
        Operation::List => Value::Pids(process::list().to()),
        operation => perform_spawn(operation),
    }
}

fn perform_spawn(operation: Operation) -> Value {
    match operation {
        Operation::Spawn(module, start) => match process::spawn(&module.to(), &start.to()) {
            Ok(pid) => Value::Spawned { pid: pid.to(), monitor: None },
            Err(error) => Value::Failed(Failure::Spawn(error.to())),
        },
        Operation::SpawnWith(module, start, options) => {
            match process::spawn_with(&module.to(), &start.to(), &options.to()) {
                Ok(it) => Value::Spawned { pid: it.pid.to(), monitor: it.monitor.to() },
                Err(error) => Value::Failed(Failure::Spawn(error.to())),
            }
        }
        Operation::SpawnRequest(module, start, options, reply) => {
            let (module, start) = (module.to(), start.to());
            let request = process::spawn_request(&module, &start, &options.to(), reply.to());
            Value::Reference(request.to())
        }
        Operation::SpawnAbandon(request) => Value::Bool(process::spawn_abandon(request.to())),
        operation => perform_call(operation),
    }
}

fn perform_call(operation: Operation) -> Value {
    let failed = |error: rpc::CallError| Value::Failed(Failure::Call(error.to()));
    match operation {
        Operation::Call(module, target, options) => {
            rpc::call(&module.to(), &target.to(), &options.to()).map_or_else(failed, Value::Result)
        }
        Operation::Cast(module, target, options) => {
            rpc::cast(&module.to(), &target.to(), &options.to()).map_or_else(failed, done)
        }
        Operation::CallRequest(module, target, options) => {
            let request = rpc::request(&module.to(), &target.to(), &options.to());
            Value::Reference(request.to())
        }
        Operation::CallAbandon(request) => Value::Bool(rpc::abandon(request.to())),
        Operation::GiveResult(result) => done(rpc::give_result(&result)),
        operation => perform_mail(operation),
    }
}

fn perform_mail(operation: Operation) -> Value {
    match operation {
        Operation::Send(to, body) => done(mailbox::send(to.to(), &body)),
        Operation::SendTo(to, body, options) => mailbox::send_to(&to.to(), &body, options.to())
            .map_or_else(|error| Value::Failed(Failure::Send(error.to())), done),
        Operation::Receive { of, timeout_ms } => {
            let filter = of.map_or(mailbox::Filter::Any, |it| mailbox::Filter::Reference(it.to()));
            Value::Event(mailbox::receive(filter, timeout_ms).to())
        }
        Operation::ReceiveMessages { max_count, max_bytes, timeout_ms } => {
            let messages = mailbox::receive_messages(max_count, max_bytes, timeout_ms);
            Value::Events(apart(&messages))
        }
        Operation::ReceiveAll { quiet_ms } => {
            let next = || mailbox::receive(mailbox::Filter::Any, Some(quiet_ms));
            Value::Events(std::iter::from_fn(next).map(To::to).collect())
        }
        Operation::Flood { to, messages, bytes } => {
            let body = vec![0; usize::try_from(bytes).unwrap_or(usize::MAX)];
            (0..messages).for_each(|_| mailbox::send(to.to(), &body));
            Value::Done
        }
        operation => perform_time(operation),
    }
}

/// One event for each of these messages.
fn apart(messages: &mailbox::Messages) -> Vec<Event> {
    let mut rest = messages.bodies.as_slice();
    let event = |head: &mailbox::Head| {
        let (body, others) = rest.split_at(head.length as usize);
        rest = others;
        Event::Message { sender: head.sender.to(), via: None, body: body.to_vec() }
    };
    let events = messages.heads.iter().map(event).collect();
    assert!(rest.is_empty(), "there are bytes that belong to no message");
    events
}

fn perform_time(operation: Operation) -> Value {
    let timer = |started: Result<odeon_guest::Reference, timers::TimerError>| match started {
        Ok(timer) => Value::Reference(timer.to()),
        Err(timers::TimerError::TooMany(most)) => Value::Failed(Failure::Timer(most)),
    };
    match operation {
        Operation::Now => Value::Number(Some(timers::now())),
        Operation::WallClockMs => Value::Number(Some(timers::wall_clock_ms())),
        Operation::Sleep(duration_ms) => done(timers::sleep(duration_ms)),
        Operation::StartTimer(duration_ms) => timer(timers::start(duration_ms)),
        Operation::SendAfter { after_ms, to, body } => {
            timer(timers::send_after(after_ms, &to.to(), &body))
        }
        Operation::CancelTimer(timer) => Value::Number(timers::cancel(timer.to())),
        operation => perform_io(operation),
    }
}

fn perform_io(operation: Operation) -> Value {
    match operation {
        Operation::GroupLeader => Value::Pid(Some(io::group_leader().to())),
        Operation::SetGroupLeader { leader, of } => {
            done(io::set_group_leader(leader.to(), of.to()))
        }
        Operation::PutChars(channel, chars) => io::put_chars(channel.to(), &chars)
            .map_or_else(|error| Value::Failed(Failure::Io(error.to())), done),
        Operation::GetLine(prompt) => io::get_line(&prompt)
            .map_or_else(|error| Value::Failed(Failure::Io(error.to())), Value::Line),
        Operation::Ask(leader, request) => {
            let reply: IoReply = io::ask(leader.to(), &request.to()).to();
            Value::Io(reply)
        }
        Operation::Answer { to, reply_as, reply } => {
            done(io::answer(to.to(), reply_as.to(), &reply.to()))
        }
        Operation::Log(text) => done(log::write(log::Level::Warn, &text)),
        operation => perform_on_nodes(operation),
    }
}

/// What concerns other nodes.
fn perform_on_nodes(operation: Operation) -> Value {
    match operation {
        Operation::NodeName => Value::Names(vec![node::name()]),
        Operation::NodeNameOf(pid) => Value::Names(node::name_of(pid.to()).into_iter().collect()),
        Operation::Nodes(of) => Value::Names(node::nodes_of(match of {
            Selection::Visible => node::Selection::Visible,
            Selection::Hidden => node::Selection::Hidden,
            Selection::Connected => node::Selection::Connected,
            Selection::Known => node::Selection::Known,
        })),
        Operation::Connect(node) => match node::connect(&node) {
            Ok(()) => Value::Bool(true),
            Err(_) => Value::Bool(false),
        },
        Operation::Disconnect(node) => Value::Bool(node::disconnect(&node)),
        Operation::WatchNodes(of) => done(node::watch(watched(of))),
        Operation::UnwatchNodes(of) => done(node::unwatch(watched(of))),
        operation => perform_on_names(operation),
    }
}

fn perform_on_names(operation: Operation) -> Value {
    let failed = |error: names::NameError| Value::Failed(Failure::Name(error.to()));
    match operation {
        Operation::NameRegister { name, pid, resolver, timeout_ms, force } => {
            let options = names::RegisterOptions { resolver: resolver.to(), timeout_ms };
            let register = if force { names::re_register } else { names::register };
            register(&name, pid.to(), &options).map_or_else(failed, done)
        }
        Operation::NameUnregister { name, timeout_ms } => {
            names::unregister(&name, timeout_ms).map_or_else(failed, done)
        }
        Operation::NameWhereis(name) => Value::Pid(names::whereis(&name).to()),
        Operation::NameList { after, max } => {
            let named = names::list(after.as_deref(), max).into_iter();
            Value::Named(named.map(|named| (named.name, named.pid.to())).collect())
        }
        Operation::NameSend(name, body, options) => names::send(&name, &body, options.to())
            .map_or_else(
                |error| Value::Failed(Failure::Send(error.to())),
                |pid| Value::Pid(Some(pid.to())),
            ),
        operation => perform_on_groups(operation),
    }
}

fn perform_on_groups(operation: Operation) -> Value {
    let failed = |error: groups::GroupError| Value::Failed(Failure::Group(error.to()));
    match operation {
        Operation::ScopeStart(scope) => groups::start(&scope).map_or_else(failed, Value::Bool),
        Operation::ScopeStop(scope) => groups::stop(&scope).map_or_else(failed, Value::Bool),
        Operation::Scopes => Value::Keys(groups::scopes()),
        Operation::GroupJoin { scope, group, pids } => {
            let pids: Vec<odeon_guest::Pid> = pids.to();
            groups::join(&scope, &group, &pids).map_or_else(failed, done)
        }
        Operation::GroupLeave { scope, group, pids } => {
            let pids: Vec<odeon_guest::Pid> = pids.to();
            groups::leave(&scope, &group, &pids).map_or_else(failed, done)
        }
        Operation::GroupMembers { scope, group, local } => {
            let members = groups::members(&scope, &group, local);
            members.map_or_else(failed, |members| Value::Pids(members.to()))
        }
        Operation::GroupList { scope, local } => {
            groups::list(&scope, local).map_or_else(failed, Value::Keys)
        }
        Operation::GroupPick { scope, group, closest } => {
            let choice = if closest { groups::Choice::Closest } else { groups::Choice::Random };
            let picked = groups::pick(&scope, &group, choice);
            picked.map_or_else(failed, |pid| Value::Pid(pid.to()))
        }
        Operation::GroupMonitor { scope, group } => {
            let monitored = |it: groups::Monitored| {
                let members = it.members.into_iter().map(|one| (one.group, one.members.to()));
                Value::Monitored { monitor: it.monitor.to(), members: members.collect() }
            };
            groups::monitor(&scope, group.as_deref()).map_or_else(failed, monitored)
        }
        Operation::GroupDemonitor(monitor) => Value::Bool(groups::demonitor(monitor.to())),
        Operation::GroupSend { scope, group, body, options } => {
            groups::send(&scope, &group, &body, options.to()).map_or_else(
                |error| Value::Failed(Failure::Send(error.to())),
                |count| Value::Number(Some(count)),
            )
        }
        operation => perform_on_locks(operation),
    }
}

fn perform_on_locks(operation: Operation) -> Value {
    let failed = |error: locks::LockError| Value::Failed(Failure::Lock(error.to()));
    match operation {
        Operation::LockSet { resource, requester, nodes, wait_ms } => {
            let id = locks::LockId { resource, requester };
            locks::set_lock(&id, nodes.as_deref(), wait_ms).map_or_else(failed, done)
        }
        Operation::LockDelete { resource, requester, nodes } => {
            let id = locks::LockId { resource, requester };
            locks::delete_lock(&id, nodes.as_deref()).map_or_else(failed, done)
        }
        operation => hostile::perform(operation),
    }
}

fn watched(of: Watched) -> node::Watched {
    match of {
        Watched::Visible => node::Watched::Visible,
        Watched::Hidden => node::Watched::Hidden,
        Watched::All => node::Watched::All,
    }
}

fn done((): ()) -> Value {
    Value::Done
}
