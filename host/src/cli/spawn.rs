//! `odeon spawn`, and the terminal of an attached actor.

use bytes::Bytes;
use odeon::control::api::{self, Ending, FromTerminal, Request, Spawned, ToTerminal};
use odeon::control::client::{Client, ClientError, decode, encode, outcome_of};
use odeon::control::mux::{Event, Sender};
use odeon::io::{Device as _, Terminal};
use odeon_core::signal::{Channel, IoError};
use odeon_core::{NodeId, Pid};
use std::path::PathBuf;
use std::sync::Arc;

use super::Common;
use super::exit::{self, Exit, code};
use super::interrupt::Interrupts;
use super::rights::Grants;
use super::{bring, encoding, here, output, progress, remote};

/// Makes an actor on the node and prints its short id.
///
/// Without START the module runs as a program, with what follows `--` as its
/// arguments. START is a function of an SDK actor, with one argument as JSON; or a
/// call of any exported function, as in 'serve(8080)'.
#[derive(Debug, clap::Args)]
pub(crate) struct Spawn {
    /// The module's name or short id; or a file, which the node gets if it does not have
    /// it.
    module: String,
    /// A function of an SDK actor, or a call.
    start: Option<String>,
    /// The function's argument: JSON, or plain text.
    argument: Option<String>,
    /// Arguments of a program.
    #[arg(last = true, conflicts_with = "start")]
    arguments: Vec<String>,
    /// The name to register it under.
    #[arg(long)]
    name: Option<String>,
    /// Make this terminal its group leader, and end with its exit code. When the
    /// terminal goes away, the actor gets the exit signal `shutdown`.
    #[arg(long)]
    attach: bool,
    /// Let control characters reach the screen, for programs that draw.
    #[arg(long, requires = "attach")]
    raw: bool,
    /// Print one JSON document.
    #[arg(long, conflicts_with = "attach")]
    json: bool,
    #[command(flatten)]
    grants: Grants,
}

impl Spawn {
    pub(crate) async fn run(self, common: &Common) -> Result<u8, Exit> {
        let rights = self.grants.rights(&common.file()?, common.on.is_some())?;
        let limits = self.grants.limits();
        let start = match self.start {
            None => {
                let program = std::iter::once(self.module.clone());
                api::Start::Command(program.chain(self.arguments).collect())
            }
            Some(call) if call.contains('(') => api::Start::Call(call),
            Some(function) => {
                let argument = encoding::value(self.argument.as_deref().unwrap_or("null"));
                api::Start::Entry { function, argument }
            }
        };
        let text = format!("compiling {}", self.module);
        let (module, name, attach) = (self.module, self.name, self.attach);
        let mut spawn = api::Spawn { module, start, name, rights, limits, attach, label: None };
        let path = PathBuf::from(&spawn.module);
        let file = if here::is_file(&path) { Some(bring::read(&path).await?) } else { None };
        let client = remote::connect(common).await?;
        if let Some(file) = file {
            (spawn.module, spawn.label) = (file.digest(), Some(file.label()));
            file.give(&client).await?;
        }
        let request = Request::Spawn(Box::new(spawn));
        if attach {
            return attached(client, &request, Terminal::new(self.raw)).await;
        }
        let spawned: Spawned = progress::while_doing(text, client.ask(&request)).await?;
        if self.json {
            output::json(&spawned)?;
        } else {
            output::line(&spawned.id.to_string())?;
        }
        Ok(code::OK)
    }
}

/// Serves the terminal until the actor ends. Ctrl-C is for the actor: the first
/// asks it to end, the second ends it.
pub(super) async fn attached(
    client: Client,
    request: &Request,
    terminal: Terminal,
) -> Result<u8, Exit> {
    let mut exchange = client.open(request)?;
    let (sender, terminal) = (exchange.sender(), Arc::new(terminal));
    // The node wants to know who writes; a terminal does not care.
    let from = Pid { node: NodeId::from_wire(0), serial: 0 };
    let mut interrupts = Interrupts::listen()?;
    let mut interrupted = false;
    loop {
        let event = tokio::select! {
            event = exchange.next() => event,
            () = interrupts.next() => {
                interrupted = true;
                let interrupt = sender.send_piece(encode(&FromTerminal::Interrupt));
                interrupt.await.map_err(ClientError::from)?;
                continue;
            }
        };
        let written = match event {
            Some(Event::Data(piece)) => match decode(&piece)? {
                ToTerminal::Spawned(_) => Ok(()),
                ToTerminal::Output(text) => {
                    terminal.write(from, Channel::Output, text.into()).await
                }
                ToTerminal::Error(text) => terminal.write(from, Channel::Error, text.into()).await,
                question @ (ToTerminal::GetLine(_) | ToTerminal::GetChars(..)) => {
                    // Beside the loop: output is shown while the user types.
                    tokio::spawn(read(Arc::clone(&terminal), question, sender.clone()));
                    Ok(())
                }
            },
            Some(Event::Reply(outcome, body)) => {
                let ending: Ending = outcome_of(outcome, &body)?;
                let asked_to = match ending.kind {
                    api::EndingKind::Normal => true,
                    // The second interrupt.
                    api::EndingKind::Other => ending.reason == "killed",
                    api::EndingKind::Code(_) | api::EndingKind::Trapped => false,
                };
                let code = match interrupted && asked_to {
                    true => code::INTERRUPTED,
                    false => exit::of_ending(&ending),
                };
                client.close().await;
                return Ok(code);
            }
            Some(Event::End) => Ok(()),
            Some(Event::Cancelled) | None => return Err(ClientError::Gone.into()),
        };
        // Nobody reads this terminal any more, so it goes away.
        if written.is_err() {
            drop(exchange);
            client.close().await;
            return Err(Exit::unread());
        }
    }
}

/// Reads what was asked for, and sends it in pieces that fit.
async fn read(terminal: Arc<Terminal>, question: ToTerminal, sender: Sender) {
    let read = match question {
        ToTerminal::GetLine(prompt) => terminal.read_line(prompt).await,
        ToTerminal::GetChars(prompt, bytes_max) => terminal.read(prompt, bytes_max).await,
        ToTerminal::Spawned(_) | ToTerminal::Output(_) | ToTerminal::Error(_) => return,
    };
    for answer in answers(read) {
        if sender.send_piece(encode(&answer)).await.is_err() {
            return;
        }
    }
}

fn answers(read: Result<Option<Bytes>, IoError>) -> Vec<FromTerminal> {
    let bytes = match read {
        Ok(Some(bytes)) => bytes,
        Ok(None) => return vec![FromTerminal::Eof],
        Err(error) => return vec![FromTerminal::Failed(error.to_string())],
    };
    let mut pieces: Vec<Vec<u8>> = bytes.chunks(16 << 10).map(<[u8]>::to_vec).collect();
    let last = FromTerminal::Data(pieces.pop().unwrap_or_default());
    pieces.into_iter().map(FromTerminal::Part).chain([last]).collect()
}
