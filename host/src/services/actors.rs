//! `call` of the module `odeon`: asks a generic server, in whatever language it is written:
//! one that lives on this node, or one that has a cluster name or is in a group, wherever it
//! lives.
//!
//! The question goes as the envelope `$call` that the SDKs' servers share, with its value
//! in CBOR; the answer is shown in JSON.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use odeon_core::process::{AliasMode, Event, Filter, MonitorOptions};
use odeon_core::signal::{CallError, Monitored, SpawnError};
use odeon_core::{Key, Pid, Reason, Reference};
use serde::Deserialize;
use serde_json::Value;

use super::Asked;
use crate::cbor;
use crate::native::Native;
use crate::runtime::Runtime;

/// What is wrong with a call's arguments, where they are no JSON of the right form.
const USAGE: &str = "`call` of `odeon` takes an actor's name and a value, in JSON: \
                     write `call [\"name\", value]`";

/// The arguments of `call`: `["name", value]`, or `{"to": "name", "message": value}`.
#[derive(Deserialize)]
struct Question {
    /// A short id, a pid, a registered name, a cluster name, or a scope and a group with a
    /// slash between, as text; what comes first in this order counts.
    to: String,
    /// What the server takes for a call.
    message: Value,
}

/// Asks, and waits for the answer: until the server ends, the time is over, or whoever
/// asks is gone. One who casts gets none.
pub(super) async fn call(
    runtime: &Arc<Runtime>,
    arguments: &str,
    asked: &Asked,
) -> Result<Value, CallError> {
    let Question { to, message } = serde_json::from_str(arguments)
        .map_err(|error| SpawnError::BadArgument(format!("{error}; {USAGE}")))?;
    let Some(mut server) = find(runtime, &to) else {
        let name = to.escape_debug();
        let text =
            format!("no actor `{name}` on this node, and none of that cluster name or group");
        return Err(SpawnError::NoFunction(text).into());
    };
    let value = cbor::from_json(&message);
    if asked.is_cast {
        Native::new(runtime, "cast").send(server, cbor::server_cast(&value).into());
        return Ok(Value::Null);
    }
    let answer = async {
        loop {
            let answer = ask(runtime, server, &value, asked.caller).await;
            let was_there = !matches!(answer, Err(CallError::Ended(Reason::NoProc)));
            match find(runtime, &to) {
                // The name has another owner by now. The former one did nothing.
                Some(next) if !was_there && next != server => server = next,
                _ => return answer,
            }
        }
    };
    let answer = match asked.timeout_ms {
        None => answer.await,
        Some(ms) => tokio::time::timeout(Duration::from_millis(ms.into()), answer)
            .await
            .map_err(|_| CallError::Timeout)?,
    };
    let shown = |body: Bytes| {
        cbor::to_json(&body).map_err(|error| {
            CallError::Ended(Reason::Error(format!("the answer cannot be shown: {error}").into()))
        })
    };
    answer.and_then(shown)
}

/// Whom this text means: an actor of this node, or else the owner of a cluster name, or else
/// a member of a group, of this node if there is one.
fn find(runtime: &Runtime, to: &str) -> Option<Pid> {
    let names = &runtime.cluster.find;
    let member = || {
        let (scope, group) = to.split_once('/')?;
        let key = |text: &str| Key::new(text.as_bytes()).ok();
        let (scope, group) = (key(scope)?, key(group)?);
        let random = getrandom::u64().ok()?;
        names.look(&scope, |groups| groups.closest(&scope, &group, random)).ok()?
    };
    runtime.find_guest(to).or_else(|| names.whereis(to.as_bytes())).or_else(member)
}

/// Asks one server.
async fn ask(
    runtime: &Arc<Runtime>,
    server: Pid,
    value: &[u8],
    caller: Option<Pid>,
) -> Result<Bytes, CallError> {
    let mut asker = Native::new(runtime, "call");
    let monitor = runtime.fresh_reference();
    asker.act(|process, effects| {
        let alias = Some(AliasMode::ReplyDemonitor);
        let options = MonitorOptions { alias, ..MonitorOptions::default() };
        process.monitor(monitor, Monitored::Pid(server), Some(server), options, effects);
    });
    asker.send(server, cbor::server_call([monitor.node.get(), monitor.serial], value).into());
    wait(&mut asker, monitor, caller).await
}

async fn wait(
    asker: &mut Native,
    monitor: Reference,
    caller: Option<Pid>,
) -> Result<Bytes, CallError> {
    if let Some(caller) = caller {
        asker.monitor(caller);
    }
    loop {
        match asker.receive(Filter::Any).await {
            Some(Event::Message { via: Some(alias), body, .. }) if alias == monitor => {
                return Ok(body);
            }
            Some(Event::Down { monitor: ended, reason, .. }) if ended == monitor => {
                return Err(CallError::Ended(reason));
            }
            // Nobody waits any more.
            Some(Event::Down { .. }) | None => return Err(SpawnError::NoConnection.into()),
            Some(_) => {}
        }
    }
}
