//! `odeon deploy`, `modules` and `remove`.

use std::path::PathBuf;

use odeon::control::api::{Module, Request};
use odeon::control::client::answer;
use odeon::modules::store::name_of_file;

use super::Common;
use super::exit::{Exit, code};
use super::{here, output, progress, remote};

/// Gives a module to the node, which checks and keeps it.
#[derive(Debug, clap::Args)]
pub(crate) struct Deploy {
    /// The module.
    file: PathBuf,
    /// The name to deploy it under; the file's by default.
    #[arg(long)]
    name: Option<String>,
    /// Print one JSON document.
    #[arg(long)]
    json: bool,
}

impl Deploy {
    pub(crate) async fn run(self, common: &Common) -> Result<u8, Exit> {
        let bytes = here::read(&self.file)?;
        let name = match self.name {
            Some(name) => name,
            None => name_of_file(&self.file)
                .map_err(|error| Exit::new(code::USAGE, format!("{error}, as in `--name NAME`")))?,
        };
        let client = remote::connect(common).await?;
        let length = bytes.len() as u64;
        let text = format!("deploying {} ({})", self.file.display(), output::size(length));
        let mut exchange = client.open(&Request::Deploy { name: name.clone(), bytes: length })?;
        let module: Module = progress::while_doing(text, async {
            // A refusal ends the exchange: the answer says why.
            if exchange.send(bytes.into()).await.is_ok() {
                exchange.end();
            }
            answer(&mut exchange).await
        })
        .await?;
        if self.json {
            output::json(&module)?;
        } else {
            output::line(&format!("{name} is {} ({})", module.id, output::size(module.bytes)))?;
        }
        Ok(code::OK)
    }
}

/// Lists the node's modules.
#[derive(Debug, clap::Args)]
pub(crate) struct Modules {
    /// Print one JSON document.
    #[arg(long)]
    json: bool,
}

impl Modules {
    pub(crate) async fn run(self, common: &Common) -> Result<u8, Exit> {
        let client = remote::connect(common).await?;
        let modules: Vec<Module> = client.list(&Request::Modules).await?;
        if self.json {
            output::json(&modules)?;
            return Ok(code::OK);
        }
        let row = |module: &Module| {
            vec![module.id.clone(), output::size(module.bytes), module.names.join(", ")]
        };
        output::table(&["ID", "SIZE", "NAMES"], &modules.iter().map(row).collect::<Vec<_>>())?;
        Ok(code::OK)
    }
}

/// Takes a module, or one of its names, from the node. Actors that run it go on.
#[derive(Debug, clap::Args)]
pub(crate) struct Remove {
    /// Its name or short id.
    module: String,
}

impl Remove {
    pub(crate) async fn run(self, common: &Common) -> Result<u8, Exit> {
        let client = remote::connect(common).await?;
        client.ask::<()>(&Request::Remove { module: self.module }).await?;
        Ok(code::OK)
    }
}
