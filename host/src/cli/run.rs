//! `odeon run`: a module in this terminal.

use std::path::Path;

use odeon::Spawn;
use odeon::control::api::{self, Request, Rights, Start};
use odeon::control::drain::draining;
use odeon::control::service;
use odeon::io::Terminal;
use odeon::modules::shape::Shape;
use odeon_core::Reason;

use super::Common;
use super::exit::{self, Exit, code};
use super::interrupt::Interrupts;
use super::rights::Grants;
use super::spawn::attached;
use super::{bring, encoding, here, progress, remote};

/// Runs a module in this terminal, without a node. Its input and output are this
/// terminal's, its exit code is the command's. Flags go before FILE.
///
/// With --on NODE it runs there, and all else is the same; the node gets the module if
/// it does not have it. When the terminal goes, so does the program.
#[derive(Debug, clap::Args)]
pub(crate) struct Run {
    /// Let control characters reach the screen, for programs that draw.
    #[arg(long)]
    raw: bool,
    #[command(flatten)]
    grants: Grants,
    /// The module: a component, a core module that can be made into one, or text.
    /// Then, for a program, its arguments; for an SDK actor its function (`main` if
    /// there is none) and the argument, as JSON; or a call, as in 'add(1, 2)'.
    // One list, so that all that follows the file is the program's.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, required = true,
        value_names = ["FILE", "ARGUMENT"])]
    command: Vec<String>,
}

impl Run {
    pub(crate) async fn run(self, common: &Common) -> Result<u8, Exit> {
        let config = common.file()?;
        let rights = self.grants.rights(&config, common.on.is_some())?;
        let (file, arguments) = self.command.split_first().expect("clap requires the file");
        if common.on.is_some() {
            return self.there(common, rights, file, arguments).await;
        }
        let (node, module) = here::start(Path::new(file), &config).await?;
        let start = service::start(start(file, arguments, module.shape())?);
        let (terminal, drain) = draining(Terminal::new(self.raw));
        let leader = node.lead(terminal);
        let spawn = Spawn {
            group_leader: Some(leader.pid()),
            limits: service::limits(self.grants.limits()),
            rights: service::rights(rights),
            ..Spawn::new(module.digest().to_string(), start)
        };
        let text = format!("compiling {file}");
        // From here on: the program may say something before its spawn is done.
        let mut heard = Interrupts::listen()?;
        let spawned = tokio::select! {
            spawned = progress::while_doing(text, node.spawn_watched(spawn)) => spawned,
            () = heard.next() => return Ok(code::INTERRUPTED),
        };
        let (pid, ended) = spawned.map_err(|error| here::failure(service::spawn_failure(error)))?;
        let mut ended = std::pin::pin!(ended.wait());
        let mut interrupts = 0;
        let reason = loop {
            tokio::select! {
                reason = &mut ended => break reason,
                () = heard.next() => {
                    interrupts += 1;
                    // One that traps exits may clean up; the second time it may not.
                    let reason = if interrupts > 1 { Reason::Kill } else { Reason::Shutdown };
                    node.exit(pid, reason);
                }
            }
        };
        tokio::select! {
            () = drain.wait(node, leader.pid()) => {}
            // Whoever interrupts now does not want to wait for the reader of a pipe.
            () = heard.next() => return Ok(code::INTERRUPTED),
        }
        if interrupts > 0 && matches!(reason, Reason::Shutdown | Reason::Killed) {
            return Ok(code::INTERRUPTED);
        }
        Ok(exit::of_ending(&service::ending(&reason)))
    }

    /// On the node that is meant.
    async fn there(
        &self,
        common: &Common,
        rights: Rights,
        file: &str,
        arguments: &[String],
    ) -> Result<u8, Exit> {
        let module = bring::read(Path::new(file)).await?;
        let spawn = api::Spawn {
            module: module.digest(),
            start: start(file, arguments, &module.loaded.shape)?,
            name: None,
            rights,
            limits: self.grants.limits(),
            attach: true,
            label: Some(module.label()),
        };
        let client = remote::connect(common).await?;
        module.give(&client).await?;
        attached(client, &Request::Spawn(Box::new(spawn)), Terminal::new(self.raw)).await
    }
}

/// Where it starts: what the module offers decides what the arguments mean.
fn start(file: &str, arguments: &[String], shape: &Shape) -> Result<Start, Exit> {
    let first = arguments.first();
    if shape.command.is_some() {
        let program = Path::new(file).file_name().unwrap_or_default().to_string_lossy();
        let arguments = std::iter::once(program.into_owned()).chain(arguments.iter().cloned());
        return Ok(Start::Command(arguments.collect()));
    }
    if let Some(call) = first.filter(|text| text.contains('(')) {
        return Ok(Start::Call(call.clone()));
    }
    if shape.entry.is_some() {
        let argument = arguments.get(1).map_or("null", String::as_str);
        return Ok(Start::Entry {
            function: first.map_or("main", String::as_str).to_owned(),
            argument: encoding::value(argument),
        });
    }
    Err(Exit::new(
        code::USAGE,
        format!(
            "{file} is no program and no SDK actor; call one of its functions, as in \
             `odeon call {file} 'name(1, 2)'` (`odeon inspect {file}` lists them)"
        ),
    ))
}
