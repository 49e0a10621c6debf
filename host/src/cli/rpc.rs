//! `odeon rpc`: functions on other nodes, called through the node that is asked.

use std::path::PathBuf;
use std::time::Duration;

use futures_util::StreamExt as _;
use odeon::config::File;
use odeon::control::api::{self, Peer, Request};
use odeon::control::client::{Client, ClientError, outcome_of};
use odeon::control::mux::Event;
use serde::Serialize;
use serde_json::Value;

use super::Common;
use super::exit::{Exit, code};
use super::{bring, here, output, progress, remote};

/// Calls a function on any node, or with --all on every node that the node is connected
/// with and on itself.
///
/// The function runs in a fresh instance of the module. A module that the other node
/// lacks travels along, a file too. Nothing is granted to it.
///
/// With @ACTOR instead of a module, a generic server is asked: one that lives there, by its
/// id or registered name, or else the one with that cluster name, or else for SCOPE/GROUP a
/// member of that group, of that node if it has one. CALL is a value in JSON, or a word for
/// one, as in 'List' for "List", 'Add("milk")' for {"Add": "milk"} and 'Move("milk", 2)' for
/// {"Move": ["milk", 2]}. The answer is JSON.
#[derive(Debug, clap::Args)]
#[command(override_usage = "odeon rpc [OPTIONS] NODE MODULE CALL\n       \
                            odeon rpc [OPTIONS] --all MODULE CALL")]
pub(crate) struct Rpc {
    /// NODE: as name@host; a name alone gets this machine's host.
    /// MODULE: a file, or a module's name or short id on the node that is asked; or
    /// @ACTOR, with an actor's id, registered name or cluster name, or a SCOPE/GROUP.
    /// CALL: as in 'add(1, 2)', or with JSON 'add [1, 2]'.
    #[arg(num_args = 2..=3, required = true, value_name = "WORDS")]
    words: Vec<String>,
    /// On all nodes.
    #[arg(long)]
    all: bool,
    /// How long each call may take, as in 2s, 500ms or 1m. Unless given, for ever; an
    /// actor has 5 seconds, as it drops what it does not understand.
    #[arg(long, value_name = "TIME", value_parser = time)]
    timeout: Option<Duration>,
    /// Print results as JSON; with --all one document of all nodes.
    #[arg(long)]
    json: bool,
}

/// What came of the call on one node.
#[derive(Debug, Serialize)]
struct Row {
    node: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    result: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

/// How long an actor may take to answer, unless told otherwise, as with Erlang's
/// `gen_server:call/2`.
const ACTOR_TIMEOUT_MS: u64 = 5000;

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

/// Calls at one time: fewer than a connection has exchanges.
const CALLS_TOGETHER: usize = 32;

impl Rpc {
    pub(crate) async fn run(self, common: &Common) -> Result<u8, Exit> {
        let (node, module, call) = match (&self.words[..], self.all) {
            ([module, call], true) => (None, module, call),
            ([node, module, call], false) => (Some(File::target(node)?.name), module, call),
            (_, all) => {
                let words = if all { "MODULE and CALL" } else { "NODE, MODULE and CALL" };
                return Err(Exit::new(
                    code::USAGE,
                    format!("write {words}; see `odeon rpc --help`"),
                ));
            }
        };
        if let Some(actor) = module.strip_prefix('@') {
            let rpc = self.question(node.clone(), actor, call)?;
            let client = remote::connect(common).await?;
            return self.call(&client, node, rpc).await;
        }
        let path = PathBuf::from(module);
        let file = if here::is_file(&path) { Some(bring::read(&path).await?) } else { None };
        let client = remote::connect(common).await?;
        let (module, label) = match file {
            Some(file) => {
                let named = (file.digest(), Some(file.label()));
                file.give(&client).await?;
                named
            }
            None => (module.clone(), None),
        };
        let rpc = api::Rpc {
            node: node.clone(),
            module,
            label,
            call: call.clone(),
            json: self.json,
            timeout_ms: self.timeout.map(millis),
        };
        self.call(&client, node, rpc).await
    }

    /// What a generic server is asked.
    fn question(&self, node: Option<String>, actor: &str, call: &str) -> Result<api::Rpc, Exit> {
        let message = message(call).map_err(|why| Exit::new(code::USAGE, why))?;
        Ok(api::Rpc {
            node,
            module: "odeon".to_owned(),
            label: None,
            call: format!("call {}", Value::from(vec![actor.into(), message])),
            json: true,
            timeout_ms: Some(self.timeout.map_or(ACTOR_TIMEOUT_MS, millis)),
        })
    }

    async fn call(self, client: &Client, node: Option<String>, rpc: api::Rpc) -> Result<u8, Exit> {
        let call = rpc.call.clone();
        let work = async {
            match node {
                Some(_) => one(client, rpc).await.map(Outcome::One),
                None => all(client, rpc).await.map(Outcome::All),
            }
        };
        let outcome = tokio::select! {
            outcome = progress::while_doing(format!("calling {call}"), work) => outcome?,
            Ok(()) = tokio::signal::ctrl_c() => {
                let text = "interrupted; the function may run on";
                return Err(Exit::new(code::INTERRUPTED, text));
            }
        };
        match outcome {
            Outcome::One(result) => self.show(&result),
            Outcome::All(rows) => self.show_all(&rows),
        }
    }

    fn show(&self, result: &str) -> Result<u8, Exit> {
        if self.json {
            output::json(&document(result)?)?;
        } else if !result.is_empty() {
            output::bytes(format!("{}\n", output::safe(result)).as_bytes())?;
        }
        Ok(code::OK)
    }

    fn show_all(&self, outcomes: &[(String, Result<String, ClientError>)]) -> Result<u8, Exit> {
        let failed = outcomes.iter().any(|(_, outcome)| outcome.is_err());
        if self.json {
            let mut rows = Vec::new();
            for (node, outcome) in outcomes {
                let (result, error) = match outcome {
                    Ok(text) => (Some(document(text)?), None),
                    Err(error) => (None, Some(error.to_string())),
                };
                rows.push(Row { node: node.clone(), result, error });
            }
            output::json(&rows)?;
        } else {
            for (node, outcome) in outcomes {
                match outcome {
                    Ok(result) => output::line(&format!("{node}: {result}"))?,
                    Err(error) => output::note(&format!("{node}: error: {error}")),
                }
            }
        }
        Ok(if failed { code::FAILED } else { code::OK })
    }
}

enum Outcome {
    One(String),
    All(Vec<(String, Result<String, ClientError>)>),
}

/// What the callee's node wrote as JSON.
fn document(text: &str) -> Result<Value, Exit> {
    serde_json::from_str(text).map_err(|_| ClientError::Garbled.into())
}

/// One call's result.
async fn one(client: &Client, rpc: api::Rpc) -> Result<String, ClientError> {
    let mut exchange = client.open(&Request::Rpc(Box::new(rpc)))?;
    let mut result = Vec::new();
    loop {
        match exchange.next().await {
            Some(Event::Data(piece)) => result.extend_from_slice(&piece),
            Some(Event::Reply(outcome, body)) => {
                outcome_of::<()>(outcome, &body)?;
                return String::from_utf8(result).map_err(|_| ClientError::Garbled);
            }
            Some(Event::End) => {}
            Some(Event::Cancelled) | None => return Err(ClientError::Gone),
        }
    }
}

/// The outcomes on all nodes, by their names.
async fn all(
    client: &Client,
    rpc: api::Rpc,
) -> Result<Vec<(String, Result<String, ClientError>)>, ClientError> {
    let this: api::Node = client.ask(&Request::Node).await?;
    let peers: Vec<Peer> = client.list(&Request::Peers).await?;
    let others = peers.into_iter().filter(|peer| peer.connected).map(|peer| peer.name);
    let mut nodes: Vec<String> = others.chain([this.name]).collect();
    nodes.sort();
    let calls = nodes.into_iter().map(|node| {
        let rpc = api::Rpc { node: Some(node.clone()), ..rpc.clone() };
        async move { (node, one(client, rpc).await) }
    });
    Ok(futures_util::stream::iter(calls).buffered(CALLS_TOGETHER).collect().await)
}

/// The value that a generic server is asked: JSON, or a word with its arguments, which
/// stands for a variant as serde's externally tagged enums have it.
fn message(call: &str) -> Result<Value, String> {
    if let Ok(value) = serde_json::from_str(call) {
        return Ok(value);
    }
    let is_word = |char: char| char.is_alphanumeric() || char == '_' || char == '-';
    let call = call.trim();
    let (word, arguments) = call.split_at(call.find(|it| !is_word(it)).unwrap_or(call.len()));
    let arguments = arguments.trim();
    if word.is_empty() {
        return Err(format!("`{call}` is neither JSON nor a word with arguments in JSON"));
    }
    let read = |text: &str| {
        serde_json::from_str::<Value>(text)
            .map_err(|error| format!("the arguments of `{word}` are no JSON: {error}"))
    };
    let inner = arguments.strip_prefix('(').and_then(|rest| rest.strip_suffix(')'));
    let content = match inner {
        Some(list) => match read(&format!("[{list}]"))? {
            Value::Array(items) if items.is_empty() => return Ok(word.into()),
            Value::Array(mut items) if items.len() == 1 => items.remove(0),
            items => items,
        },
        None if arguments.is_empty() => return Ok(word.into()),
        None => read(arguments)?,
    };
    Ok(Value::Object([(word.to_owned(), content)].into_iter().collect()))
}

/// A time span: a number of `ms`, `s` or `m`.
fn time(text: &str) -> Result<Duration, String> {
    let digits =
        text.find(|char: char| !char.is_ascii_digit() && char != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let second = match unit {
        "ms" => 1e-3,
        "s" => 1.0,
        "m" => 60.0,
        _ => f64::NAN,
    };
    let seconds = number.parse::<f64>().unwrap_or(f64::NAN) * second;
    Duration::try_from_secs_f64(seconds)
        .map_err(|_| "write a number with ms, s or m behind it, as in 500ms".to_owned())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_word_stands_for_a_variant() {
        let check = |call: &str, value: Value| assert_eq!(message(call), Ok(value), "{call}");
        check("List", json!("List"));
        check("List()", json!("List"));
        check("Add(5)", json!({"Add": 5}));
        check(" Add ( \"a, (b)\" ) ", json!({"Add": "a, (b)"}));
        check("Move(\"milk\", 2)", json!({"Move": ["milk", 2]}));
        check("Set {\"key\": [1]}", json!({"Set": {"key": [1]}}));
        check("Both [1, 2]", json!({"Both": [1, 2]}));
        check("{\"Add\": 5}", json!({"Add": 5}));
        check("null", Value::Null);
        check("-7", json!(-7));
        for wrong in ["", "(1)", "Add(", "Add)", "Add(milk)", "Add 1, 2", "a b"] {
            assert!(message(wrong).is_err(), "{wrong}");
        }
        let error = message("Add(milk)").expect_err("it is no JSON");
        assert!(error.contains("`Add`") && error.contains("column 2"), "{error}");
    }

    #[test]
    fn times_have_a_unit() {
        assert_eq!(time("500ms"), Ok(Duration::from_millis(500)));
        assert_eq!(time("1.5s"), Ok(Duration::from_millis(1500)));
        assert_eq!(time("2m"), Ok(Duration::from_secs(120)));
        assert_eq!(time("0s"), Ok(Duration::ZERO));
        for wrong in ["", "5", "s", "-1s", "1h", "1 s", "1e3s", "..s"] {
            assert!(time(wrong).is_err(), "{wrong}");
        }
    }
}
