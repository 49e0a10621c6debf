//! A node in this process, for commands that work on a file.

use std::path::Path;

use odeon::config::{self, File, Overrides};
use odeon::control::client::ClientError;
use odeon::modules::module::Module;
use odeon::modules::store::{StoreError, read_file};
use odeon::{Config, Node};
use std::sync::Arc;

use super::exit::{Exit, code};
use super::output;
use super::progress;

/// A node that nobody finds, with this file's module. It is never torn down: the
/// command's process ends with it, whatever its actors do.
pub(crate) async fn start(
    file: &Path,
    config: &File,
) -> Result<(&'static Node, Arc<Module>), Exit> {
    let bytes = read(file)?;
    let settings = config.settings(&Overrides::default())?;
    let config = Config {
        workers: settings.workers,
        limits: settings.limits,
        actors_max: settings.actors_max,
        tier: settings.tier,
        ..Config::new("run@localhost", config::cache_dir()?)
    };
    let node = Node::start(config).map_err(|error| Exit::because(&error))?;
    let node: &'static Node = Box::leak(Box::new(node));
    let store = Arc::clone(node.modules());
    let name = file.display().to_string();
    let loading = tokio::task::spawn_blocking(move || store.put(&bytes));
    let module = progress::while_doing(format!("reading {name}"), loading)
        .await
        .map_err(|error| Exit::failed(format!("{name}: {error}")))?
        .map_err(|error| Exit::failed(format!("{}: {error}", output::safe(&name))))?;
    Ok((node, module))
}

/// The file's bytes, or why there are none.
pub(crate) fn read(file: &Path) -> Result<Vec<u8>, Exit> {
    read_file(file).map_err(|error| match &error {
        StoreError::System { source, .. } if source.kind() == std::io::ErrorKind::NotFound => {
            Exit::new(code::NOT_FOUND, format!("no file {}", file.display()))
        }
        _ => Exit::failed(error.to_string()),
    })
}

/// A failure of this process's node, as one of another node would be told.
pub(crate) fn failure(failure: odeon::control::api::Failure) -> Exit {
    ClientError::Failed(failure).into()
}

/// A deployed module has no slash and no dot in its short id; a file that is there
/// and looks like one wins.
pub(crate) fn is_file(path: &Path) -> bool {
    let looks = path.components().count() > 1 || path.extension().is_some();
    looks && (path.is_file() || path.extension().is_some_and(|it| it == "wasm" || it == "wat"))
}
