//! A file's module, brought along to the node that is to run it.

use std::path::Path;

use odeon::control::api::Request;
use odeon::control::client::{Client, answer};
use odeon::modules::load::{Check, Loaded, load};
use odeon::modules::store::name_of_file;

use super::exit::Exit;
use super::{here, output, progress};

/// A module of a file that was checked here.
pub(crate) struct Brought {
    bytes: Vec<u8>,
    file: String,
    /// What is in it.
    pub(crate) loaded: Loaded,
}

/// Reads a file and checks that it is a module.
pub(crate) async fn read(file: &Path) -> Result<Brought, Exit> {
    let bytes = here::read(file)?;
    let name = file.display().to_string();
    let checking = tokio::task::spawn_blocking(move || (load(&bytes, Check::Full), bytes));
    let (loaded, bytes) = progress::while_doing(format!("reading {name}"), checking)
        .await
        .map_err(|error| Exit::failed(format!("{name}: {error}")))?;
    let loaded =
        loaded.map_err(|error| Exit::failed(format!("{}: {error}", output::safe(&name))))?;
    Ok(Brought { bytes, file: name, loaded })
}

impl Brought {
    /// Its digest.
    pub(crate) fn digest(&self) -> String {
        self.loaded.digest.to_string()
    }

    /// What listings are to call it.
    pub(crate) fn label(&self) -> String {
        let named = name_of_file(Path::new(&self.file));
        named.unwrap_or_else(|_| self.loaded.digest.short())
    }

    /// Gives it to the node, if that does not have it.
    pub(crate) async fn give(self, client: &Client) -> Result<(), Exit> {
        if client.ask::<bool>(&Request::Has { digest: self.digest() }).await? {
            return Ok(());
        }
        let length = self.bytes.len() as u64;
        let text = format!("sending {} ({})", self.file, output::size(length));
        let mut exchange = client.open(&Request::Keep { bytes: length })?;
        let given = progress::while_doing(text, async {
            // A refusal ends the exchange: the answer says why.
            if exchange.send(self.bytes.into()).await.is_ok() {
                exchange.end();
            }
            answer::<()>(&mut exchange).await
        });
        Ok(given.await?)
    }
}
