//! Names of modules: one small file each, that holds a digest.
//!
//! A change is a rename of one file, so every reader, of whatever process, sees the old digest
//! or the new one. Looking a name up is on the way of every spawn, so what was read is kept for
//! as long as the directory has not changed.

use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use parking_lot::Mutex;

use super::super::digest::Digest;
use super::super::limits::NAME_BYTES_MAX;
use super::replace_file;

/// A directory that changed this short a time before it was read may change again without its
/// time of change showing it: file systems count time in steps.
const SETTLED: Duration = Duration::from_millis(100);

/// What another process changes in a directory that was left alone for a while is seen so
/// soon: less than it takes to tell anybody of the change. To look takes a microsecond, which
/// is a good part of a call.
const SEEN_WITHIN: Duration = Duration::from_micros(50);

/// Why text cannot be a module's name, if so.
pub(crate) fn bad_name(name: &str) -> Option<&'static str> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    if name.is_empty() {
        Some("it is empty")
    } else if name.len() > NAME_BYTES_MAX {
        Some("it is longer than 255 bytes")
    } else if name.starts_with(['.', '-']) {
        Some("it starts with `.` or `-`")
    } else if !name.bytes().all(allowed) {
        Some("only letters, digits, `.`, `_` and `-` can be in it")
    } else {
        None
    }
}

/// What was read, and of what.
struct Snapshot {
    /// Asked whether it has changed, which takes a part of the time that its path takes.
    directory: File,
    changed: SystemTime,
    /// Every change from then on shows in the time of change.
    settled: bool,
    /// The last look at that.
    looked: Instant,
    names: Arc<BTreeMap<String, Digest>>,
}

impl Snapshot {
    fn is_current(&mut self) -> io::Result<bool> {
        if !self.settled {
            return Ok(false);
        }
        let now = Instant::now();
        if now.saturating_duration_since(self.looked) < SEEN_WITHIN {
            return Ok(true);
        }
        self.looked = now;
        Ok(changed(&self.directory)? == Some(self.changed))
    }
}

/// When a directory changed last; nothing if it was removed.
fn changed(directory: &File) -> io::Result<Option<SystemTime>> {
    let metadata = directory.metadata()?;
    (metadata.nlink() > 0).then(|| metadata.modified()).transpose()
}

/// The directory of names.
pub(super) struct Names {
    directory: PathBuf,
    temporary: PathBuf,
    snapshot: Mutex<Option<Snapshot>>,
}

impl Names {
    pub(super) fn new(directory: PathBuf, temporary: PathBuf) -> Names {
        Names { directory, temporary, snapshot: Mutex::new(None) }
    }

    /// All names with their digests.
    pub(super) fn all(&self) -> io::Result<Arc<BTreeMap<String, Digest>>> {
        let mut snapshot = self.snapshot.lock();
        if let Some(last) = &mut *snapshot
            && last.is_current()?
        {
            return Ok(Arc::clone(&last.names));
        }
        let directory = File::open(&self.directory)?;
        // Before it is read: what changes meanwhile is read again.
        let changed = changed(&directory)?.ok_or(io::ErrorKind::NotFound)?;
        let settled = SystemTime::now().duration_since(changed).is_ok_and(|age| age > SETTLED);
        let looked = Instant::now();
        let names = Arc::new(self.read()?);
        let names_read = Arc::clone(&names);
        *snapshot = Some(Snapshot { directory, changed, settled, looked, names: names_read });
        Ok(names)
    }

    fn read(&self) -> io::Result<BTreeMap<String, Digest>> {
        let mut names = BTreeMap::new();
        for entry in std::fs::read_dir(&self.directory)? {
            let entry = entry?;
            let Ok(name) = entry.file_name().into_string() else { continue };
            if bad_name(&name).is_some() {
                continue;
            }
            match read_digest(&entry.path()) {
                Ok(Some(digest)) => {
                    names.insert(name, digest);
                }
                // It was removed meanwhile.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Ok(None) => tracing::warn!("the module name {name} holds no digest; deploy again"),
                Err(error) => return Err(error),
            }
        }
        Ok(names)
    }

    /// Gives a name to a digest, or to another one.
    pub(super) fn set(&self, name: &str, digest: Digest) -> io::Result<()> {
        let text = format!("{digest}\n");
        replace_file(&self.temporary, &self.directory.join(name), text.as_bytes())?;
        *self.snapshot.lock() = None;
        Ok(())
    }

    /// Takes a name away.
    pub(super) fn remove(&self, name: &str) -> io::Result<()> {
        let removed = std::fs::remove_file(self.directory.join(name));
        *self.snapshot.lock() = None;
        removed
    }
}

/// The digest in a file; nothing if there is something else in it.
fn read_digest(path: &Path) -> io::Result<Option<Digest>> {
    use std::io::Read;
    let mut text = String::new();
    match File::open(path)?.take(80).read_to_string(&mut text) {
        Ok(_) => Ok(text.trim_end().parse().ok()),
        Err(error) if error.kind() == io::ErrorKind::InvalidData => Ok(None),
        Err(error) => Err(error),
    }
}
