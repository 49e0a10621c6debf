//! Compiled code on disk.
//!
//! Loading compiled code means running it as it is, outside the sandbox, so everything here is
//! about whose bytes they are. The directory belongs to this user and nobody else can write to
//! it; it is held open, so that nobody who owns a directory above can put another in its place;
//! a file must be a plain file of this user that nobody else can write to; and its bytes must
//! have the checksum that they were written with, which finds what a crash or a bad disk left.
//! The bytes that were checked are the bytes that are loaded. Who can write as this user, or as
//! root, can run anything anyhow. Bytes from a peer never come here.

mod code;

use std::fs::File;
use std::io::Write;
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::SystemTime;

use parking_lot::Mutex;
use rustix::fs::{self, AtFlags, FileType, Mode, OFlags, Stat};
use wasmtime::Engine;
use wasmtime::component::Component;

use super::super::digest::Digest;
use super::super::limits::CACHE_BYTES_MAX;
use super::Tier;
use code::Code;

/// The last bytes of a file: this, and before it the checksum of all that comes before.
const MAGIC: &[u8; 8] = b"ODEONcw2";

/// Bytes of the checksum and the magic together.
const TRAILER_BYTES: usize = size_of::<u32>() + MAGIC.len();

/// Finds what accidents do, and is read at every start: CRC-32, since a digest that no
/// enemy can forge takes as long as all the rest of loading.
fn checksum(code: &[u8]) -> [u8; 4] {
    crc32fast::hash(code).to_le_bytes()
}

/// Permission bits that let others write.
const OTHERS_WRITE: u32 = 0o022;

/// Why a directory is not used for compiled code.
#[derive(Debug, thiserror::Error)]
pub enum CacheError {
    /// It cannot be made or opened.
    #[error("cannot use {}: {source}; name another directory for the cache", path.display())]
    Unusable {
        /// The directory.
        path: PathBuf,
        /// The system's words.
        source: std::io::Error,
    },
    /// Others could put code there that this host would run.
    #[error(
        "{} is not private ({why}): make it yours alone with `chmod 700`, or name another \
         directory for the cache", path.display()
    )]
    NotPrivate {
        /// The directory.
        path: PathBuf,
        /// What is wrong with it.
        why: &'static str,
    },
}

/// Names one piece of compiled code.
#[derive(Clone, Copy, Debug)]
pub(super) struct CacheKey {
    /// The component that it came from.
    pub(super) digest: Digest,
    /// The tier that it is for.
    pub(super) tier: Tier,
    /// The engine's version and settings.
    pub(super) engine: u64,
}

impl CacheKey {
    fn file_name(&self) -> String {
        format!("{}-{}-{:016x}.cwasm", self.digest, self.tier, self.engine)
    }
}

/// The directory, held open.
#[derive(Debug)]
pub(super) struct Cache {
    path: PathBuf,
    directory: OwnedFd,
    /// Whether it was already said that writing fails.
    warned: AtomicBool,
    /// One at a time clears up.
    clearing: Mutex<()>,
}

impl Cache {
    /// Opens the directory, and makes it if need be.
    pub(super) fn open(path: &Path) -> Result<Cache, CacheError> {
        let unusable = |source| CacheError::Unusable { path: path.to_owned(), source };
        let mut builder = std::fs::DirBuilder::new();
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.recursive(true).create(path).map_err(unusable)?;
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let directory =
            fs::open(path, flags, Mode::empty()).map_err(|error| unusable(error.into()))?;
        let stat = fs::fstat(&directory).map_err(|error| unusable(error.into()))?;
        if let Some(why) = not_private(stat.st_uid, stat.st_mode, rustix::process::geteuid()) {
            return Err(CacheError::NotPrivate { path: path.to_owned(), why });
        }
        let warned = AtomicBool::new(false);
        Ok(Cache { path: path.to_owned(), directory, warned, clearing: Mutex::new(()) })
    }

    /// The compiled code, if there is any that can be trusted and fits. Whatever is wrong with a
    /// file only means that it is compiled again.
    pub(super) fn get(&self, key: &CacheKey, engine: &Engine) -> Option<Component> {
        let name = key.file_name();
        let code = match self.read(&name) {
            Ok(code) => code?,
            Err(why) => {
                tracing::info!("compiled code {name} is made again: {why}");
                self.remove(&name);
                return None;
            }
        };
        match code.load(engine) {
            Ok(component) => Some(component),
            Err(error) => {
                tracing::info!("compiled code {name} is made again: {error:#}");
                self.remove(&name);
                None
            }
        }
    }

    /// What a file holds without the trailer; nothing if there is no file.
    fn read(&self, name: &str) -> Result<Option<Code>, &'static str> {
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NONBLOCK;
        let file = match fs::openat(&self.directory, name, flags, Mode::empty()) {
            Ok(file) => File::from(file),
            Err(rustix::io::Errno::NOENT) => return Ok(None),
            Err(_) => return Err("it cannot be opened"),
        };
        let stat = fs::fstat(&file).map_err(|_| "it cannot be examined")?;
        if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
            return Err("it is not a plain file");
        }
        if let Some(why) = not_private(stat.st_uid, stat.st_mode, rustix::process::geteuid()) {
            return Err(why);
        }
        let length = u64::try_from(stat.st_size).unwrap_or(0);
        if length > CACHE_BYTES_MAX {
            return Err("it is too long");
        }
        let length = length.checked_sub(TRAILER_BYTES as u64).ok_or("it is cut off")?;
        let code = Code::read(&file, length)?;
        // For the clearing-up, which removes what was not used for longest.
        let _ = file.set_modified(SystemTime::now());
        Ok(Some(code))
    }

    /// Keeps compiled code. Failing is no harm: it is logged, the first time.
    pub(super) fn put(&self, key: &CacheKey, compiled: &Component) {
        let written = compiled
            .serialize()
            .map_err(std::io::Error::other)
            .and_then(|code| self.write(&key.file_name(), &code));
        match written {
            Ok(()) => self.clear_up(CACHE_BYTES_MAX),
            Err(error) if !self.warned.swap(true, Ordering::Relaxed) => {
                let path = self.path.display();
                tracing::warn!("compiled code cannot be kept in {path}: {error}");
            }
            Err(_) => {}
        }
    }

    /// Writes under a name of its own and renames, so that no reader, of whatever process, ever
    /// sees half a file.
    fn write(&self, name: &str, code: &[u8]) -> std::io::Result<()> {
        static WRITES: AtomicU64 = AtomicU64::new(0);
        let write = WRITES.fetch_add(1, Ordering::Relaxed);
        let temporary = format!(".new-{}-{write}", std::process::id());
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
        // What a former process of the same number left behind.
        self.remove(&temporary);
        let mode = Mode::RUSR | Mode::WUSR;
        let mut file = File::from(fs::openat(&self.directory, &temporary, flags, mode)?);
        let written = file
            .write_all(code)
            .and_then(|()| file.write_all(&checksum(code)))
            .and_then(|()| file.write_all(MAGIC))
            .and_then(|()| {
                fs::renameat(&self.directory, &temporary, &self.directory, name).map_err(Into::into)
            });
        if written.is_err() {
            self.remove(&temporary);
        }
        written
    }

    fn remove(&self, name: &str) {
        // What cannot be removed is made again each time, or left to the next clearing-up.
        let _ = fs::unlinkat(self.directory.as_fd(), name, AtFlags::empty());
    }

    /// Removes the files that were not used for longest, until the rest is small enough. Files
    /// of unfinished writes are removed after an hour.
    pub(super) fn clear_up(&self, bytes_max: u64) {
        let Some(_only) = self.clearing.try_lock() else { return };
        let Ok(entries) = fs::Dir::read_from(&self.directory) else { return };
        let mut files: Vec<(i64, u64, String)> = Vec::new();
        for entry in entries.flatten() {
            let Ok(name) = entry.file_name().to_str() else { continue };
            let ours = name.ends_with(".cwasm") || name.starts_with(".new-");
            let flags = AtFlags::SYMLINK_NOFOLLOW;
            let stat: Stat = match fs::statat(&self.directory, name, flags) {
                Ok(stat) if ours => stat,
                _ => continue,
            };
            if name.starts_with(".new-") {
                if age_seconds(stat.st_mtime as i64) > 3_600 {
                    self.remove(name);
                }
                continue;
            }
            let bytes = u64::try_from(stat.st_size).unwrap_or(0);
            files.push((stat.st_mtime as i64, bytes, name.to_owned()));
        }
        let mut total: u64 = files.iter().map(|(_, bytes, _)| bytes).sum();
        files.sort();
        for (_, bytes, name) in files {
            if total <= bytes_max {
                break;
            }
            self.remove(&name);
            total -= bytes;
        }
    }
}

fn age_seconds(modified: i64) -> i64 {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    let now = now.map_or(0, |now| i64::try_from(now.as_secs()).unwrap_or(i64::MAX));
    now.saturating_sub(modified)
}

/// Why somebody else could change a file or directory, if so.
pub(in super::super) fn not_private(
    owner: u32,
    mode: u32,
    user: rustix::process::Uid,
) -> Option<&'static str> {
    if owner != user.as_raw() {
        Some("it belongs to another user")
    } else if mode & OTHERS_WRITE != 0 {
        Some("others can write to it")
    } else {
        None
    }
}
