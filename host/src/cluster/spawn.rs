//! Actors that other nodes ask for.
//!
//! The child is born with its half of the link and monitor; the reply goes out before
//! it runs, from its pid, over the connection that the request came by. If that is lost
//! meanwhile, the child hears what the loss means to it.

use std::future::Future as _;
use std::sync::Arc;
use std::task::{Context, Waker};

use odeon_core::signal::{Signal, SpawnError};
use odeon_core::wire::{Address, LimitsAsked, ModuleName, SpawnRequest, StartAt};
use odeon_core::{Pid, Reference};

use super::deliver::Delivery;
use super::link::{self, Link};
use super::ship;
use crate::limits::LimitsPatch;
use crate::modules::digest::Digest;
use crate::rights::Rights;
use crate::runtime::Runtime;
use crate::spawn::{Born, Code, Family, Plan};
use crate::wasm::Start;

/// Spawn requests of one other node that are being carried out, in KiB together; each
/// counts as one at least. They wait for their modules, which that node brings along.
pub(super) const ASKED_KIB_MAX: usize = 64 << 10;

/// Requests that are longer than this wait for a turn of their own, in KiB.
const MADE_AT_ONCE_KIB_MAX: u32 = 16;

/// Another node asks for an actor.
pub(super) fn asked(by: &mut Delivery, asked: SpawnRequest) {
    let (runtime, link) = (Arc::clone(&by.runtime), Arc::clone(&by.link));
    let (request, parent) = (asked.request, Pid { node: by.node, serial: asked.parent });
    if runtime.cluster.policy().no_spawns {
        let why = "this node makes no actors for other nodes".into();
        reply(&runtime, &link, request, parent, Err(SpawnError::Denied(why)));
        return;
    }
    let kib = u32::try_from(link::spawn_bytes(&asked) >> 10).unwrap_or(u32::MAX).max(1);
    let Ok(room) = Arc::clone(&by.spawns).try_acquire_many_owned(kib) else {
        let why = format!("remote-spawns-waiting-max of {ASKED_KIB_MAX} KiB reached");
        reply(&runtime, &link, request, parent, Err(SpawnError::SystemLimit(why)));
        return;
    };
    let spawner = runtime.spawner.clone();
    let mut making = Box::pin(async move {
        let born = make(&runtime, &link, parent, asked).await;
        drop(room);
        let outcome = born.as_ref().map(Born::pid).map_err(Clone::clone);
        reply(&runtime, &link, request, parent, outcome);
        if let Ok(born) = born {
            born.run_next();
        }
    });
    // Nothing has to be waited for where the module is at hand.
    let mut context = Context::from_waker(Waker::noop());
    if kib <= MADE_AT_ONCE_KIB_MAX && making.as_mut().poll(&mut context).is_ready() {
        by.made = true;
    } else {
        spawner.spawn(making);
    }
}

async fn make(
    runtime: &Arc<Runtime>,
    link: &Arc<Link>,
    parent: Pid,
    asked: SpawnRequest,
) -> Result<Born, SpawnError> {
    let code = code(runtime, link, asked.module, asked.label).await?;
    let monitor = asked.monitor.then_some(asked.request);
    let plan = Plan {
        code,
        start: start(asked.start),
        name: asked.name,
        group_leader: asked.group_leader,
        limits: Arc::new(runtime.limits.narrowed(&patch(&asked.limits))),
        // What the parent may touch is on its own node; here nothing is granted.
        rights: Arc::new(Rights::default()),
        parent: None,
        made_by: Some(parent),
        family: Some(Family { parent, link: asked.link, monitor }),
        call: None,
    };
    Arc::clone(runtime).prepare(plan).await
}

/// What another node wants to be run; from there, if it is not here.
pub(super) async fn code(
    runtime: &Arc<Runtime>,
    link: &Arc<Link>,
    module: ModuleName,
    label: String,
) -> Result<Code, SpawnError> {
    let digest = match module {
        ModuleName::Name(name) => return Ok(Code::Named(name)),
        ModuleName::Digest(digest) => Digest::from_bytes(digest),
    };
    match runtime.ready_program(digest) {
        Some(program) => Ok(Code::Program(program)),
        None => {
            ship::fetch(runtime, link, digest).await?;
            Ok(Code::Labelled { digest, label })
        }
    }
}

fn reply(
    runtime: &Runtime,
    link: &Link,
    request: Reference,
    parent: Pid,
    outcome: Result<Pid, SpawnError>,
) {
    let from = outcome.as_ref().copied().unwrap_or(Pid { node: runtime.id, serial: 0 });
    let signal = Signal::SpawnReply { request, outcome };
    let lives = |serial| runtime.directory.find(serial).is_some();
    let sent = link.send(from, Some(parent.node), Address::Actor(parent.serial), signal, lives);
    if let Err(refused) = sent
        && let Some(answer) = link::answer(from, parent, refused)
    {
        runtime.route(answer);
    }
}

fn start(at: StartAt) -> Start {
    match at {
        StartAt::Entry { function, argument } => Start::Entry { function, argument },
        StartAt::Command { arguments } => Start::Command { arguments },
        StartAt::Call(call) => Start::Call(call),
    }
}

pub(super) fn patch(asked: &LimitsAsked) -> LimitsPatch {
    LimitsPatch {
        memory_bytes: asked.memory_bytes,
        table_elements: asked.table_elements,
        mailbox_messages: asked.mailbox_messages,
        mailbox_bytes: asked.mailbox_bytes,
        children: asked.children,
        timers: None,
    }
}
