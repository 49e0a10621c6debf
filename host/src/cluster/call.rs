//! Calls that other nodes make here.
//!
//! The callee runs in the task that makes it, and the answer goes out over the
//! connection that the call came by. If that is lost meanwhile, the callee runs on and
//! nobody hears of it. Calls that leave nothing behind run together, those that came in one
//! message one after the other, see `wasm/brief`.

use std::sync::Arc;

use odeon_core::Pid;
use odeon_core::signal::{CallError, SpawnError};
use odeon_core::wire::{CallAt, CallRequest, ModuleName};

use super::deliver::Delivery;
use super::link::{self, Link};
use super::spawn::{ASKED_KIB_MAX, code, patch};
use super::{AcceptCalls, Policy};
use crate::call::{self, Call, Caller};
use crate::modules::digest::Digest;
use crate::rights::Rights;
use crate::runtime::Runtime;
use crate::services::{self, Asked};
use crate::spawn::{Born, Plan};
use crate::wasm::brief::{Brief, Owed};

/// Another node wants a function to run.
pub(super) fn asked(by: &mut Delivery, mut asked: CallRequest) {
    let (runtime, link) = (Arc::clone(&by.runtime), Arc::clone(&by.link));
    let from = Pid { node: by.node, serial: asked.caller };
    let caller = Caller { pid: from, request: asked.request, link: Some(Arc::clone(&link)) };
    let caller = (!asked.cast).then_some(caller);
    let refuse = |error: SpawnError| {
        if let Some(caller) = &caller {
            let nobody = Pid { node: runtime.id, serial: 0 };
            runtime.answer_call(caller, nobody, Err(CallError::Refused(error)));
        }
    };
    if !may_call(&runtime, &runtime.cluster.policy(), &link.name, &asked.module) {
        return refuse(SpawnError::Denied("this node does not take this call from others".into()));
    }
    let kib = u32::try_from(link::call_bytes(&asked) >> 10).unwrap_or(u32::MAX).max(1);
    let Ok(room) = Arc::clone(&by.spawns).try_acquire_many_owned(kib) else {
        let why = format!("remote-spawns-waiting-max of {ASKED_KIB_MAX} KiB reached");
        return refuse(SpawnError::SystemLimit(why));
    };
    let spawner = runtime.spawner.clone();
    if asked.module == ModuleName::Name(services::MODULE.to_owned()) {
        let CallRequest { at, cast: is_cast, timeout_ms, .. } = asked;
        spawner.spawn(async move {
            let asked = Asked { at, is_cast, caller: Some(from), timeout_ms };
            services::serve(&runtime, asked, caller, room).await;
        });
        return;
    }
    // So that the answers to calls that came together go out together.
    by.made = true;
    if let ModuleName::Digest(digest) = &asked.module
        && let CallAt::Text { text, .. } = &mut asked.at
        && let Some(program) = runtime.ready_program(Digest::from_bytes(*digest))
        && program.keeps_nothing()
    {
        let text = std::mem::take(text);
        let call = Call::new(&runtime, caller, &asked.at, asked.timeout_ms);
        by.calls.push(Brief {
            program,
            text,
            owed: Owed::new(&runtime, call),
            group_leader: asked.group_leader,
            limits: runtime.limits.narrowed(&patch(&asked.limits)),
            made_by: from,
            room,
        });
        return;
    }
    spawner.spawn_next(async move {
        let born = make(&runtime, &link, from, caller.clone(), asked).await;
        drop((room, link));
        runtime.answer_or_run(born, caller).await;
    });
}

async fn make(
    runtime: &Arc<Runtime>,
    link: &Arc<Link>,
    from: Pid,
    caller: Option<Caller>,
    asked: CallRequest,
) -> Result<Born, SpawnError> {
    // Its time counts from here, and not from when its module has come.
    let call = Call::new(runtime, caller, &asked.at, asked.timeout_ms);
    let code = code(runtime, link, asked.module, asked.label).await?;
    let plan = Plan {
        code,
        start: call::start(asked.at),
        name: None,
        group_leader: asked.group_leader,
        limits: Arc::new(runtime.limits.narrowed(&patch(&asked.limits))),
        // What the caller may touch is on its own node; here nothing is granted.
        rights: Arc::new(Rights::default()),
        parent: None,
        made_by: Some(from),
        family: None,
        call: Some(call),
    };
    Arc::clone(runtime).prepare(plan).await
}

/// Whether that node may call functions of this module here.
fn may_call(runtime: &Runtime, policy: &Policy, from: &str, module: &ModuleName) -> bool {
    let listed = match &policy.calls {
        None => return !policy.no_spawns,
        Some(AcceptCalls::Any) => return true,
        Some(AcceptCalls::None) => return false,
        Some(AcceptCalls::Listed(listed)) => listed,
    };
    let is_it = |allowed: &String| match module {
        ModuleName::Name(name) => allowed == name,
        // By what it is, and not by what the other node calls it.
        ModuleName::Digest(digest) => {
            let digest = Digest::from_bytes(*digest);
            *allowed == digest.to_string()
                || runtime.modules.find(allowed).is_ok_and(|found| found == digest)
        }
    };
    listed.iter().any(|allowed| {
        allowed.from.as_deref().is_none_or(|node| node == from)
            && allowed.module.as_ref().is_none_or(is_it)
    })
}
