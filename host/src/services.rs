//! What a node answers by itself: calls of functions of the module `odeon`, which guests,
//! other nodes and commands ask alike.
//!
//! | function | gives |
//! |---|---|
//! | `nodes()` | other nodes that this one knows: name, id, whether connected or hidden |
//! | `ps()` | the actors of guests, as `odeon ps` lists them |
//! | `stats()` | name, id, version and figures of the node |
//! | `call ["name", value]` | what the generic server of that name answers to this value: an actor of this node, or else the owner of the cluster name, or a member of `scope/group` |
//!
//! Values are records and lists, in WAVE or JSON. The first three take no arguments. `call`
//! takes JSON, and gives JSON: in WAVE, a text of it.

mod actors;

use std::sync::Arc;

use bytes::Bytes;
use odeon_core::node::Nodes;
use odeon_core::signal::{CallError, SpawnError};
use odeon_core::wire::CallAt;
use odeon_core::{NodeId, Pid};
use wasmtime::component::Val;

use crate::call::Caller;
use crate::modules::wave;
use crate::node::{ActorInfo, describe};
use crate::runtime::Runtime;

/// The module's name. A module that is deployed under it cannot be called by it.
pub(crate) const MODULE: &str = "odeon";

/// A call of a function of this module.
pub(crate) struct Asked {
    pub(crate) at: CallAt,
    /// Nobody waits for an outcome.
    pub(crate) is_cast: bool,
    /// Whose end makes the outcome useless.
    pub(crate) caller: Option<Pid>,
    pub(crate) timeout_ms: Option<u32>,
}

/// Tells a caller, if there is one, the outcome of a call of a function of this module. What
/// the call held is given back before.
pub(crate) async fn serve(
    runtime: &Arc<Runtime>,
    asked: Asked,
    caller: Option<Caller>,
    held: impl Send,
) {
    let outcome = answer(runtime, asked).await;
    drop(held);
    if let Some(caller) = caller {
        let nobody = Pid { node: runtime.id, serial: 0 };
        runtime.answer_call(&caller, nobody, outcome);
    }
}

/// The outcome of a call of a function of this module.
pub(crate) async fn answer(runtime: &Arc<Runtime>, asked: Asked) -> Result<Bytes, CallError> {
    let CallAt::Text { text, json } = &asked.at else {
        let error = "functions of `odeon` are called as text, as in `nodes()`".into();
        return Err(SpawnError::NoFunction(error).into());
    };
    let function = wave::path(text);
    let arguments = text[text.find(function).unwrap_or(0) + function.len()..].trim();
    if function == "call" {
        let value = actors::call(runtime, arguments, &asked).await?;
        return match json {
            true => Ok(value.to_string().into()),
            false => shown(&Val::String(value.to_string()), false),
        };
    }
    // The others do nothing but answer.
    if asked.is_cast {
        return Ok(Bytes::new());
    }
    let value = match function {
        "nodes" => nodes(runtime),
        "ps" => ps(runtime),
        "stats" => stats(runtime),
        other => {
            let error =
                format!("`odeon` has no function `{other}`; it has call, nodes, ps and stats");
            return Err(SpawnError::NoFunction(error).into());
        }
    };
    let arguments: String = arguments.chars().filter(|char| !char.is_whitespace()).collect();
    if !["()", "[]", "{}"].contains(&arguments.as_str()) {
        let error = format!("`{function}` of `odeon` takes no arguments: write `{function}()`");
        return Err(SpawnError::BadArgument(error).into());
    }
    shown(&value, *json)
}

fn shown(value: &Val, json: bool) -> Result<Bytes, CallError> {
    let values = std::slice::from_ref(value);
    let text = match json {
        true => wave::results_to_json(values).map(|value| value.to_string()),
        false => wave::results_to_wave(values),
    };
    let limit = |error: wave::CallError| SpawnError::SystemLimit(error.to_string());
    Ok(text.map_err(limit)?.into())
}

fn record<const N: usize>(fields: [(&str, Val); N]) -> Val {
    Val::Record(fields.map(|(name, value)| (name.to_owned(), value)).into())
}

fn optional(value: Option<Val>) -> Val {
    Val::Option(value.map(Box::new))
}

fn nodes(runtime: &Runtime) -> Val {
    let nodes = runtime.cluster.nodes(Nodes::Known).into_iter().map(|node| {
        record([
            ("name", Val::String(node.name)),
            ("id", optional(node.id.map(NodeId::get).map(Val::U64))),
            ("connected", Val::Bool(node.conn.is_some())),
            ("hidden", Val::Bool(node.hidden)),
        ])
    });
    Val::List(nodes.collect())
}

fn ps(runtime: &Runtime) -> Val {
    let cells = runtime.directory.all();
    let guests = cells.iter().filter(|cell| !cell.is_native());
    let actors = guests.map(|cell| {
        let ActorInfo {
            id,
            pid,
            name,
            module,
            start,
            parent,
            status,
            mailbox,
            memory_bytes,
            age_ms,
        } = describe(cell);
        record([
            ("id", Val::U64(id)),
            ("pid", Val::String(pid)),
            ("name", optional(name.map(Val::String))),
            ("module", Val::String(module)),
            ("start", Val::String(start)),
            ("parent", optional(parent.map(Val::U64))),
            ("status", Val::String(status)),
            ("mailbox", Val::U64(mailbox)),
            ("memory-bytes", Val::U64(memory_bytes)),
            ("age-ms", Val::U64(age_ms)),
        ])
    });
    Val::List(actors.collect())
}

fn stats(runtime: &Runtime) -> Val {
    let up = u64::try_from(runtime.started.elapsed().as_millis()).unwrap_or(u64::MAX);
    record([
        ("name", Val::String(runtime.name.clone())),
        ("id", Val::U64(runtime.id.get())),
        ("version", Val::String(env!("CARGO_PKG_VERSION").to_owned())),
        ("actors", Val::U64(runtime.directory.count() as u64)),
        ("yields", Val::U64(runtime.spawner.ticks())),
        ("up-ms", Val::U64(up)),
    ])
}
