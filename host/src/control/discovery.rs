//! How a command finds the nodes that this user runs on this machine: no daemon,
//! one small file per node in a directory that only the user can enter.
//!
//! The node holds a lock on its file while it runs. The system releases the lock
//! however the node ends, so a file without a lock is a dead node's, whatever has
//! its process id now; who finds one removes it. Changes are made under the lock of
//! the directory, so two nodes cannot both take a name.

use std::fs::{self, File};
use std::io::Write as _;
use std::net::SocketAddr;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock};
use serde::{Deserialize, Serialize};

/// The largest entry file that is read, in bytes.
const ENTRY_BYTES_MAX: u64 = 4096;

/// What a node says about itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// The node's name.
    pub name: String,
    /// Where it listens.
    pub address: SocketAddr,
    /// The id of this run of it.
    pub incarnation: u64,
    /// The process.
    pub process: u32,
    /// Whether it takes connections with TLS only, even from this machine.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub tls: bool,
}

/// Why nodes cannot be found or announced.
#[derive(Debug, thiserror::Error)]
pub enum DiscoveryError {
    /// A running node has the name.
    #[error(
        "a node named `{name}` is already running (process {process}); choose another name with \
         `--name`, or end it with `odeon stop --node {name}`"
    )]
    NameTaken {
        /// The name.
        name: String,
        /// Whose it is.
        process: u32,
    },
    /// The name cannot name a node.
    #[error(
        "`{name}` cannot name a node: use letters, digits, `-`, `_` and `.`, then perhaps `@` and \
         a host"
    )]
    BadName {
        /// The name.
        name: String,
    },
    /// Somebody else could plant or read entries.
    #[error(
        "the directory {} must belong to you alone (mode 0700): fix or remove it, or set \
         XDG_RUNTIME_DIR",
        dir.display()
    )]
    NotPrivate {
        /// The directory.
        dir: PathBuf,
    },
    /// The directory or a file in it cannot be used.
    #[error("cannot use {}: {source}", path.display())]
    Io {
        /// Which.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
}

/// This user's directory of running nodes.
#[derive(Clone, Debug)]
pub struct Directory {
    dir: PathBuf,
}

/// A node's entry, removed when this is dropped.
#[derive(Debug)]
pub struct Published {
    directory: Directory,
    path: PathBuf,
    /// Holds the lock.
    _file: File,
}

/// Whether this text can name a node: it becomes a file name.
pub fn is_node_name(name: &str) -> bool {
    let part = |part: &str| {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
        !part.is_empty() && !part.starts_with('.') && part.bytes().all(plain)
    };
    let (first, host) = name.split_once('@').unwrap_or((name, "host"));
    name.len() <= 200 && part(first) && part(host)
}

impl Directory {
    /// `$XDG_RUNTIME_DIR/odeon`, or else `odeon-<user id>` in the directory for
    /// temporary files. Made if it is not there.
    ///
    /// # Errors
    /// When it cannot be made, or others may enter it.
    pub fn of_user() -> Result<Self, DiscoveryError> {
        let runtime = std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from);
        let dir = match runtime.filter(|dir| dir.is_absolute() && dir.is_dir()) {
            Some(dir) => dir.join("odeon"),
            None => {
                std::env::temp_dir().join(format!("odeon-{}", rustix::process::geteuid().as_raw()))
            }
        };
        Self::at(dir)
    }

    /// The nodes of this directory, which is made if it is not there.
    ///
    /// # Errors
    /// When it cannot be made, or others may enter it.
    pub fn at(dir: PathBuf) -> Result<Self, DiscoveryError> {
        let failed = |source| DiscoveryError::Io { path: dir.clone(), source };
        fs::DirBuilder::new().recursive(true).mode(0o700).create(&dir).map_err(failed)?;
        // Not through a symbolic link: in a shared directory somebody else may
        // have made it first.
        let found = fs::symlink_metadata(&dir).map_err(failed)?;
        let own = found.uid() == rustix::process::geteuid().as_raw();
        if !found.is_dir() || !own || found.mode() & 0o077 != 0 {
            return Err(DiscoveryError::NotPrivate { dir });
        }
        Ok(Self { dir })
    }

    /// Announces a node for as long as the result lives.
    ///
    /// # Errors
    /// When the name is taken or cannot name a node, or the file cannot be made.
    pub fn publish(&self, entry: &Entry) -> Result<Published, DiscoveryError> {
        if !is_node_name(&entry.name) {
            return Err(DiscoveryError::BadName { name: entry.name.clone() });
        }
        let path = self.path(&entry.name);
        let failed = |source| DiscoveryError::Io { path: path.clone(), source };
        let _changes = self.lock().map_err(failed)?;
        if let Some(running) = live(&path) {
            let (name, process) = (running.name, running.process);
            return Err(DiscoveryError::NameTaken { name, process });
        }
        let file = write(&self.dir, &path, entry).map_err(failed)?;
        Ok(Published { directory: self.clone(), path: path.clone(), _file: file })
    }

    /// The nodes that run, by name. Removes what dead ones left.
    ///
    /// # Errors
    /// When the directory cannot be read.
    pub fn list(&self) -> Result<Vec<Entry>, DiscoveryError> {
        let failed = |source| DiscoveryError::Io { path: self.dir.clone(), source };
        let _changes = self.lock().map_err(failed)?;
        let mut entries = Vec::new();
        for file in fs::read_dir(&self.dir).map_err(failed)? {
            let path = file.map_err(failed)?.path();
            if path.extension().is_none_or(|extension| extension != "json") {
                continue;
            }
            match live(&path) {
                Some(entry) => entries.push(entry),
                // Nobody can take the name between the check and this: the lock.
                None => drop(fs::remove_file(&path)),
            }
        }
        entries.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(entries)
    }

    /// The node of this name, if it runs.
    pub fn find(&self, name: &str) -> Option<Entry> {
        // The name becomes a path.
        if is_node_name(name) { live(&self.path(name)) } else { None }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.join(format!("{name}.json"))
    }

    fn lock(&self) -> std::io::Result<File> {
        let file =
            File::options().create(true).truncate(false).write(true).open(self.dir.join("lock"))?;
        flock(&file, FlockOperation::LockExclusive)?;
        Ok(file)
    }
}

/// The entry in this file, if its node runs.
fn live(path: &Path) -> Option<Entry> {
    use std::io::Read as _;
    let file = File::open(path).ok()?;
    if flock(&file, FlockOperation::NonBlockingLockShared).is_ok() {
        return None;
    }
    let mut text = String::new();
    file.take(ENTRY_BYTES_MAX).read_to_string(&mut text).ok()?;
    let entry: Entry = serde_json::from_str(&text).ok()?;
    let named = path.file_stem().is_some_and(|stem| stem == entry.name.as_str());
    named.then_some(entry)
}

/// Writes the file, locked before it has its name.
fn write(dir: &Path, path: &Path, entry: &Entry) -> std::io::Result<File> {
    let mut file = tempfile::NamedTempFile::new_in(dir)?;
    flock(file.as_file(), FlockOperation::LockExclusive)?;
    serde_json::to_writer(&mut file, entry)?;
    file.flush()?;
    file.persist(path).map_err(|error| error.error)
}

impl Drop for Published {
    fn drop(&mut self) {
        // Under the directory's lock, else this could remove the file of a node
        // that took the name over. Without the lock the next reader removes it.
        if let Ok(_changes) = self.directory.lock() {
            let _ = fs::remove_file(&self.path);
        }
    }
}

#[cfg(test)]
#[path = "discovery_test.rs"]
mod tests;
