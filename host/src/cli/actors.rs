//! `odeon ps`, `info`, `kill` and `send`.

use std::io::Read as _;

use odeon::control::api::{Actor, Details, ExitReason, Related, Request};
use odeon::control::client::answer;
use odeon_core::limits::MESSAGE_BYTES_MAX;

use super::Common;
use super::exit::{Exit, code};
use super::{encoding, output, remote};

/// Lists the node's actors.
#[derive(Debug, clap::Args)]
pub(crate) struct Ps {
    /// Print one JSON document.
    #[arg(long)]
    json: bool,
}

impl Ps {
    pub(crate) async fn run(self, common: &Common) -> Result<u8, Exit> {
        let client = remote::connect(common).await?;
        let actors: Vec<Actor> = client.list(&Request::Actors).await?;
        if self.json {
            output::json(&actors)?;
            return Ok(code::OK);
        }
        let row = |actor: &Actor| {
            vec![
                actor.id.to_string(),
                actor.name.clone().unwrap_or_default(),
                actor.module.clone(),
                actor.start.clone(),
                actor.status.clone(),
                actor.mailbox.to_string(),
                output::size(actor.memory_bytes),
                output::age(actor.age_ms),
            ]
        };
        let heads = ["ID", "NAME", "MODULE", "START", "STATUS", "MAILBOX", "MEMORY", "AGE"];
        output::table(&heads, &actors.iter().map(row).collect::<Vec<_>>())?;
        Ok(code::OK)
    }
}

/// Shows one actor's relations: links, monitors, group leader.
#[derive(Debug, clap::Args)]
pub(crate) struct Info {
    /// Its short id, pid or name.
    id: String,
    /// Print one JSON document, with all that `ps` says besides.
    #[arg(long)]
    json: bool,
}

impl Info {
    pub(crate) async fn run(self, common: &Common) -> Result<u8, Exit> {
        let client = remote::connect(common).await?;
        let details: Details = client.ask(&Request::Info { actor: self.id }).await?;
        if self.json {
            output::json(&details)?;
            return Ok(code::OK);
        }
        let row = |what: &str, one: &Related| {
            let node = one.node.clone().unwrap_or_else(|| "?".to_owned());
            vec![what.to_owned(), one.actor.clone(), node]
        };
        let mut rows = vec![row("group leader", &details.group_leader)];
        rows.extend(details.links.iter().map(|it| row("linked with", it)));
        rows.extend(details.monitors.iter().map(|it| row("monitors", it)));
        rows.extend(details.monitored_by.iter().map(|it| row("monitored by", it)));
        output::table(&["RELATION", "ACTOR", "NODE"], &rows)?;
        if details.more > 0 {
            output::line(&format!("and {} more", details.more))?;
        }
        Ok(code::OK)
    }
}

/// Sends an exit signal to an actor.
#[derive(Debug, clap::Args)]
pub(crate) struct Kill {
    /// Its short id, pid or name.
    id: String,
    /// `kill` ends it at once, `shutdown` in an orderly way; any other text is an
    /// error that it can trap.
    #[arg(long, default_value = "kill")]
    reason: String,
}

impl Kill {
    pub(crate) async fn run(self, common: &Common) -> Result<u8, Exit> {
        let reason = match self.reason.as_str() {
            "kill" => ExitReason::Kill,
            "shutdown" => ExitReason::Shutdown,
            "normal" => ExitReason::Normal,
            text => ExitReason::Error(text.to_owned()),
        };
        let client = remote::connect(common).await?;
        client.ask::<()>(&Request::Exit { actor: self.id, reason }).await?;
        Ok(code::OK)
    }
}

/// Sends a message to an actor: TEXT, or the standard input if there is none.
#[derive(Debug, clap::Args)]
pub(crate) struct Send {
    /// Its short id, pid or name.
    id: String,
    /// What to send, as it is.
    text: Option<String>,
    /// TEXT is JSON, or plain text; send the value in CBOR, as SDK actors read it.
    #[arg(long, conflicts_with = "hex")]
    value: bool,
    /// TEXT is hexadecimal digits.
    #[arg(long)]
    hex: bool,
}

impl Send {
    pub(crate) async fn run(self, common: &Common) -> Result<u8, Exit> {
        let body = self.body()?;
        if body.len() > MESSAGE_BYTES_MAX {
            let text = format!("a message has at most {MESSAGE_BYTES_MAX} bytes");
            return Err(Exit::new(code::USAGE, text));
        }
        let client = remote::connect(common).await?;
        let mut exchange = client.open(&Request::Send { actor: self.id })?;
        // A refusal ends the exchange: the answer says why.
        if exchange.send(body.into()).await.is_ok() {
            exchange.end();
        }
        answer::<()>(&mut exchange).await?;
        Ok(code::OK)
    }

    fn body(&self) -> Result<Vec<u8>, Exit> {
        let bytes = match &self.text {
            Some(text) => text.clone().into_bytes(),
            None => {
                let mut bytes = Vec::new();
                let mut input = std::io::stdin().lock().take(MESSAGE_BYTES_MAX as u64 + 1);
                input
                    .read_to_end(&mut bytes)
                    .map_err(|error| Exit::failed(format!("cannot read the input: {error}")))?;
                bytes
            }
        };
        if !self.value && !self.hex {
            return Ok(bytes);
        }
        let text = String::from_utf8(bytes)
            .map_err(|_| Exit::new(code::USAGE, "the input is not text"))?;
        if self.value {
            return Ok(encoding::value(text.trim_end()));
        }
        encoding::hex(&text).map_err(|error| Exit::new(code::USAGE, format!("--hex: {error}")))
    }
}
