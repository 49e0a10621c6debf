//! `odeon call`: one function of a file or of a deployed module.

use std::path::{Path, PathBuf};

use odeon::control::api::{Limits, Request, Rights};
use odeon::control::client::{Client, ClientError, outcome_of};
use odeon::control::mux::Event;
use odeon::control::service;

use super::Common;
use super::exit::{Exit, code};
use super::rights::Grants;
use super::{bring, here, output, progress, remote};

/// Calls an exported function in a fresh instance, and prints its result in WAVE.
///
/// What is a file is called in this process, or with --on brought to that node; else
/// the node's module of that name or short id is called.
#[derive(Debug, clap::Args)]
pub(crate) struct Call {
    /// A file, or a module's name or short id.
    module: String,
    /// The call, as in 'add(1, 2)' or 'docs:calc/ops#add(1, 2)'.
    call: String,
    #[command(flatten)]
    grants: Grants,
}

impl Call {
    pub(crate) async fn run(self, common: &Common) -> Result<u8, Exit> {
        let rights = self.grants.rights(&common.file()?, common.on.is_some())?;
        let limits = self.grants.limits();
        let path = PathBuf::from(&self.module);
        let result = match (here::is_file(&path), &common.on) {
            (true, None) => self.here(&path, common, rights, limits).await?,
            (true, Some(_)) => {
                let module = bring::read(&path).await?;
                let client = remote::connect(common).await?;
                let id = module.loaded.digest.short();
                module.give(&client).await?;
                self.there(&client, id, rights, limits).await?
            }
            (false, _) => {
                let client = remote::connect(common).await?;
                self.there(&client, self.module.clone(), rights, limits).await?
            }
        };
        if !result.is_empty() {
            output::bytes(format!("{}\n", output::safe(&result)).as_bytes())?;
        }
        Ok(code::OK)
    }

    async fn here(
        &self,
        path: &Path,
        common: &Common,
        rights: Rights,
        limits: Limits,
    ) -> Result<String, Exit> {
        let (node, module) = here::start(path, &common.file()?).await?;
        let (rights, limits) = (service::rights(rights), service::limits(limits));
        let digest = module.digest().to_string();
        let called = node.call(&digest, &self.call, rights, &limits);
        let text = format!("compiling {}", self.module);
        let called = tokio::select! {
            called = progress::while_doing(text, called) => called,
            Ok(()) = tokio::signal::ctrl_c() => return Err(interrupted()),
        };
        called
            .map_err(service::call_failure)
            .and_then(|results| service::results(&results))
            .map_err(here::failure)
    }

    async fn there(
        &self,
        client: &Client,
        module: String,
        rights: Rights,
        limits: Limits,
    ) -> Result<String, Exit> {
        let call = self.call.clone();
        let mut exchange = client.open(&Request::Call { module, call, rights, limits })?;
        let mut result = Vec::new();
        let work = async {
            loop {
                match exchange.next().await {
                    Some(Event::Data(piece)) => result.extend_from_slice(&piece),
                    Some(Event::Reply(outcome, body)) => return outcome_of::<()>(outcome, &body),
                    Some(Event::End) => {}
                    Some(Event::Cancelled) | None => return Err(ClientError::Gone),
                }
            }
        };
        let text = format!("calling {}", self.module);
        tokio::select! {
            answered = progress::while_doing(text, work) => answered?,
            // The connection ends with the command, and the call with it.
            Ok(()) = tokio::signal::ctrl_c() => return Err(interrupted()),
        }
        String::from_utf8(result).map_err(|_| ClientError::Garbled.into())
    }
}

fn interrupted() -> Exit {
    Exit::new(code::INTERRUPTED, "interrupted; the call was ended")
}
