//! Does in a member's process what the test asks for, and answers.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use odeon::control::discovery::Entry;
use odeon::modules::digest::Digest;
use odeon::net::Mode;
use odeon::{Call, CallAt, LimitsPatch, Native, Spawn, Start};
use odeon_core::Key;
use odeon_core::peer::handshake::Secret;
use odeon_core::process::Filter;
use serde::Serialize;

use super::{End, Inside, Shared};
use crate::Word as _;
use crate::cluster::talk::{Ask, Born, Heard, Locked, Status};
use crate::protocol::{self, Target};

impl Inside {
    /// Does it, and answers; what takes time goes on beside what is asked next.
    pub(super) fn obey(&mut self, number: u64, ask: Ask) {
        let node = &self.world.node;
        match ask {
            Ask::Announce(address) => {
                let entry = Entry {
                    name: self.identity.name.clone(),
                    address,
                    incarnation: self.identity.incarnation,
                    process: std::process::id(),
                    tls: self.security.mode == Mode::Always,
                };
                let published = self.directory.publish(&entry).expect("the name is free");
                self.published = Some(published);
                self.says.say(number, &());
            }
            Ask::Leave => {
                self.published = None;
                let (distribution, listener) =
                    (Arc::clone(&self.distribution), self.listener.take());
                self.later(number, async move {
                    distribution.stop().await;
                    drop(listener);
                });
            }
            Ask::SetTickTime(time) => {
                self.says.say(number, &self.distribution.set_tick_time(time));
            }
            Ask::SetAddresses(addresses) => {
                self.says.say(number, &self.distribution.set_addresses(addresses));
            }
            Ask::SetCookie(of, cookie) => {
                let secrets = &self.security.secrets;
                match cookie {
                    None => secrets.forget(&of),
                    Some(cookie) => {
                        let secret = Secret::new(&cookie).expect("long enough");
                        secrets.set(&of, secret).expect("there is room");
                    }
                }
                self.says.say(number, &());
            }
            Ask::Connect(name) => {
                let node = node.clone();
                self.later(number, async move {
                    let id = node.connect(&name).await;
                    id.map(|id| id.get()).map_err(|error| error.to_string())
                });
            }
            Ask::Disconnect(name) => {
                let node = node.clone();
                self.later(number, async move { node.disconnect(&name).await });
            }
            Ask::Call { node: at, module, target, timeout } => {
                let node = node.clone();
                let (label, limits) = (None, LimitsPatch::default());
                let call = Call { module, label, at: call_at(target), timeout, limits };
                self.later(number, async move {
                    let result = node.rpc(&at, call).await;
                    let result = result.map(|bytes| bytes.to_vec());
                    result.map_err(|error| -> protocol::CallError { error.word() })
                });
            }
            Ask::Ended(pid) => {
                let node = node.clone();
                self.later(number, async move {
                    let reason: protocol::Reason = node.ended(pid.word()).await.word();
                    reason
                });
            }
            Ask::Spawn(born) => self.spawn(number, None, born),
            Ask::SpawnWatched(watcher, born) => self.spawn_watched(number, watcher, born),
            Ask::SpawnAt(at, born) => self.spawn(number, Some(at), born),
            Ask::Native(native, what) => self.native(native, number, &what),
            Ask::Monitor(native, of) => {
                let reference = self.with(native, |native| native.monitor(of.word()));
                let reference: Option<protocol::Reference> = reference.map(|it| it.word());
                self.says.say(number, &reference.expect("who watches has not ended"));
            }
            Ask::Send(native, to, body) => {
                self.with(native, |native| native.send(to.word(), body.into()));
            }
            Ask::SendToAlias(native, to, body) => {
                self.with(native, |native| native.send_to_alias(to.word(), body.into()));
            }
            Ask::End(native, reason) => {
                drop(self.ends.remove(&native).and_then(taken));
                if let Some(native) = self.natives.remove(&native).and_then(taken) {
                    native.end(reason.word());
                }
            }
            look => self.look(number, look),
        }
    }

    /// Answers what only looks at the node, or is done at once by it alone.
    fn look(&self, number: u64, ask: Ask) {
        let (node, says) = (&self.world.node, &self.says);
        match ask {
            Ask::Nodes(kind) => {
                let status = |node: odeon_core::node::NodeStatus| Status {
                    name: node.name,
                    initiated: node.initiated,
                };
                says.say(number, &node.nodes(kind).into_iter().map(status).collect::<Vec<_>>());
            }
            Ask::Actors => says.say(number, &node.actors()),
            Ask::Actor(pid) => says.say(number, &node.actor(pid.word())),
            Ask::ActorsCount => says.say(number, &node.stats().actors),
            Ask::Watchers(pid) => {
                let details = node.details(pid.word());
                says.say(number, &details.map(|details| details.monitored_by.len()));
            }
            Ask::Find(text) => says.say(number, &node.find(&text).map(told)),
            Ask::Exit(pid, reason) => says.say(number, &node.exit(pid.word(), reason.word())),
            Ask::Deploy(name, bytes) => {
                let deployed = node.modules().deploy(&name, &bytes);
                says.say(number, &deployed.map(drop).map_err(|error| error.to_string()));
            }
            Ask::Has(digest) => {
                let module = node.modules().get(Digest::from_bytes(digest)).expect("readable");
                says.say(number, &module.is_some());
            }
            Ask::Locks => {
                let locked = |lock: odeon_core::locks::Listed| Locked {
                    holders: lock.holders.into_iter().map(told).collect(),
                    waiting: lock.waiting,
                };
                says.say(number, &node.locks(None).into_iter().map(locked).collect::<Vec<_>>());
            }
            Ask::Names => {
                let names = node.cluster_names(None).into_iter();
                let names = names.map(|(name, pid)| (name.as_bytes().to_vec(), told(pid)));
                says.say(number, &names.collect::<Vec<_>>());
            }
            Ask::Members(scope, group) => {
                let key = |bytes: &[u8]| Key::new(bytes).expect("a name");
                let members = node.members(&key(&scope), &key(&group)).ok();
                let members = members.map(|all| all.into_iter().map(told).collect::<Vec<_>>());
                says.say(number, &members);
            }
            _ => unreachable!("all else was done by who asks this"),
        }
    }

    /// Answers when something is done.
    fn later<T: Serialize + Send>(
        &self,
        number: u64,
        doing: impl Future<Output = T> + Send + 'static,
    ) {
        let says = self.says.clone();
        self.runtime.spawn(async move { says.say(number, &doing.await) });
    }

    fn spawn(&self, number: u64, at: Option<String>, born: Born) {
        let node = self.world.node.clone();
        self.later(number, async move {
            let spawned = match at {
                None => node.spawn(spawn_of(born)).await,
                Some(at) => node.spawn_at(&at, spawn_of(born)).await,
            };
            spawned.map(told).map_err(|error| -> protocol::SpawnError { error.word() })
        });
    }

    /// Makes an actor whose end is heard by this number.
    fn spawn_watched(&mut self, number: u64, watcher: u64, born: Born) {
        let (node, says) = (self.world.node.clone(), self.says.clone());
        let end: Shared<End> = Arc::default();
        self.ends.insert(watcher, Arc::clone(&end));
        self.runtime.spawn(async move {
            let spawned = node.spawn_watched(spawn_of(born)).await;
            let spawned = spawned.map(|(pid, ended)| {
                let ended: End = Box::pin(ended.wait());
                *end.lock().expect("nobody panics with it") = Some(ended);
                told(pid)
            });
            says.say(number, &spawned.map_err(|error| -> protocol::SpawnError { error.word() }));
            let ended = poll_shared(&end, |end, context| end.as_mut().poll(context));
            if let Some(reason) = ended.await {
                // Nobody asked by which monitor.
                let monitor = protocol::Reference { node: 0, serial: 0 };
                says.say(watcher, &Heard::Down { monitor, reason: reason.word() });
            }
        });
    }

    /// Makes an actor of the host, and hands on what it hears.
    fn native(&mut self, of: u64, number: u64, what: &str) {
        let native = self.world.node.native(what);
        let pid = told(native.pid());
        let native: Shared<Native> = Arc::new(Mutex::new(Some(native)));
        self.natives.insert(of, Arc::clone(&native));
        self.says.say(number, &pid);
        let says = self.says.clone();
        self.runtime.spawn(async move {
            loop {
                // Asked for anew each time, so that others can let it act meanwhile.
                let next = poll_shared(&native, |native, context| {
                    pin!(native.receive(Filter::Any)).poll(context)
                });
                let Some(Some(event)) = next.await else { return };
                if let Some(heard) = Heard::of(event) {
                    says.say(of, &heard);
                }
            }
        });
    }

    /// Lets an actor of the host act, unless it has ended.
    fn with<T>(&self, native: u64, act: impl FnOnce(&mut Native) -> T) -> Option<T> {
        let native = self.natives.get(&native)?;
        native.lock().expect("nobody panics with it").as_mut().map(act)
    }
}

/// Polls what may act or be taken away meanwhile; nothing when it was.
async fn poll_shared<T, R>(
    shared: &Shared<T>,
    poll: impl Fn(&mut T, &mut Context<'_>) -> Poll<R>,
) -> Option<R> {
    poll_fn(|context| match &mut *shared.lock().expect("nobody panics with it") {
        Some(it) => poll(it, context).map(Some),
        None => Poll::Ready(None),
    })
    .await
}

fn taken<T>(shared: Shared<T>) -> Option<T> {
    shared.lock().expect("nobody panics with it").take()
}

fn told(pid: odeon_core::Pid) -> protocol::Pid {
    pid.word()
}

fn spawn_of(born: Born) -> Spawn {
    let Born { module, start, name, group_leader, limits } = born;
    let start = match start {
        protocol::Start::Entry { function, argument } => {
            Start::Entry { function, argument: argument.into() }
        }
        protocol::Start::Command(arguments) => Start::Command { arguments },
        protocol::Start::Call(text) => Start::Call(text),
    };
    let group_leader = group_leader.map(protocol::Pid::word);
    Spawn { name, group_leader, limits, ..Spawn::new(module, start) }
}

fn call_at(target: Target) -> CallAt {
    match target {
        Target::Entry { function, argument } => {
            CallAt::Entry { function, argument: argument.into() }
        }
        Target::Wave(text) => CallAt::Text { text, json: false },
        Target::Json(text) => CallAt::Text { text, json: true },
    }
}
