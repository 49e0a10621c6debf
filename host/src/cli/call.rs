//! `odeon call`: one function of a file or of a deployed module.

use std::path::{Path, PathBuf};

use odeon::control::api::{Limits, Request, Rights};
use odeon::control::client::{ClientError, outcome_of};
use odeon::control::mux::Event;
use odeon::control::service;

use super::Common;
use super::exit::{Exit, code};
use super::rights::Grants;
use super::{here, output, progress, remote};

/// Calls an exported function in a fresh instance, and prints its result in WAVE.
///
/// What is a file is called in this process; else the node's module of that name
/// or short id is.
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
        let rights = self.grants.rights(&common.file()?)?;
        let limits = self.grants.limits();
        let path = PathBuf::from(&self.module);
        let result = if is_file(&path) {
            self.here(&path, common, rights, limits).await?
        } else {
            self.there(common, rights, limits).await?
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

    async fn there(&self, common: &Common, rights: Rights, limits: Limits) -> Result<String, Exit> {
        let client = remote::connect(common).await?;
        let (module, call) = (self.module.clone(), self.call.clone());
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

/// A deployed module has no slash and no dot in its short id; a file that is there
/// and looks like one wins.
fn is_file(path: &Path) -> bool {
    let looks = path.components().count() > 1 || path.extension().is_some();
    looks && (path.is_file() || path.extension().is_some_and(|it| it == "wasm" || it == "wat"))
}
