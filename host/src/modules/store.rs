//! The modules of a node, on disk: bytes under their digest, and names that point to digests.
//!
//! ```text
//! DIR/modules/<64 digits>.wasm   the bytes as they were deployed
//! DIR/names/<name>               the digest of what the name stands for
//! DIR/temporary/                 files that are being written
//! DIR/lock                       held by whoever changes the above
//! ```
//!
//! Every change is one rename or one removal, so that a crash at any moment, and another process
//! at work in the same directory, leave it whole. Reading takes no lock. All of it blocks on the
//! disk, and loading a large module takes some 100 ms: call it where that is allowed.

mod error;
mod names;

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::SystemTime;

use parking_lot::Mutex;
use serde::{Deserialize, Serialize};

pub use error::StoreError;

use super::compile::{Compiler, not_private};
use super::digest::{Digest, DigestPrefix};
use super::limits::{MODULE_BYTES_MAX, MODULES_MAX};
use super::load::{Check, LoadError, load_known};
use super::module::Module;
use super::near::near_names;
use names::Names;
pub(crate) use names::bad_name;

/// Bytes of a file that are compared at a time.
const COMPARED_BYTES: usize = 256 << 10;

/// What a listing says of a module.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModuleInfo {
    /// Its digest.
    pub digest: Digest,
    /// The names that stand for it, in order.
    pub names: Vec<String>,
    /// How many bytes were deployed.
    pub bytes: u64,
    /// When its bytes first came here, in seconds since 1970.
    pub deployed_s: u64,
}

/// The modules of a node.
pub struct Store {
    directory: PathBuf,
    names: Names,
    compiler: Arc<Compiler>,
    /// Those that were asked for in this process.
    loaded: Mutex<HashMap<Digest, Arc<Module>>>,
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Store").field("directory", &self.directory).finish_non_exhaustive()
    }
}

/// The name that a file's module gets when nobody says another: the file's, without its ending.
pub fn name_of_file(path: &Path) -> Result<String, StoreError> {
    let stem = path.file_stem().map(|stem| stem.to_string_lossy().into_owned());
    let name = stem.unwrap_or_default();
    check_name(&name)?;
    Ok(name)
}

fn check_name(name: &str) -> Result<(), StoreError> {
    match bad_name(name) {
        Some(why) => Err(StoreError::BadName { name: name.to_owned(), why }),
        None => Ok(()),
    }
}

/// Bytes that passed the checks.
struct Checked {
    module: Arc<Module>,
    /// They are in the store, undamaged.
    is_there: bool,
}

fn system(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> StoreError {
    let path = path.to_owned();
    move |source| StoreError::System { action, path, source }
}

impl Store {
    /// Opens a store, and makes it, with mode 0700, if it is not there.
    ///
    /// # Errors
    ///
    /// The directory cannot be used, or others could change what is in it.
    pub fn open(
        directory: impl Into<PathBuf>,
        compiler: Arc<Compiler>,
    ) -> Result<Store, StoreError> {
        let directory = directory.into();
        for part in ["modules", "names", "temporary"] {
            let path = directory.join(part);
            let mut builder = std::fs::DirBuilder::new();
            builder.recursive(true).mode(0o700);
            builder.create(&path).map_err(system("make the store", &path))?;
        }
        for path in [directory.clone(), directory.join("modules"), directory.join("names")] {
            let metadata = path.metadata().map_err(system("examine", &path))?;
            let user = rustix::process::geteuid();
            if let Some(why) = not_private(metadata.uid(), metadata.mode(), user) {
                return Err(StoreError::NotPrivate { path, why });
            }
        }
        let names = Names::new(directory.join("names"), directory.join("temporary"));
        let store = Store { directory, names, compiler, loaded: Mutex::default() };
        // Says at once whether the store can be written to.
        drop(store.lock()?);
        Ok(store)
    }

    /// The compiler that its modules use.
    pub fn compiler(&self) -> &Arc<Compiler> {
        &self.compiler
    }

    /// Checks bytes, keeps them, and gives them a name, which may have stood for others before.
    /// Compiles nothing.
    ///
    /// # Errors
    ///
    /// Not a module, not a name, no room, or the disk's.
    pub fn deploy(&self, name: &str, bytes: &[u8]) -> Result<ModuleInfo, StoreError> {
        check_name(name)?;
        let checked = self.check(bytes)?;
        let _lock = self.lock()?;
        let module = self.keep(checked, bytes)?;
        let path = self.directory.join("names").join(name);
        self.names.set(name, module.digest()).map_err(system("write", &path))?;
        self.info(module.digest())
    }

    /// Checks bytes and keeps them without a name, as for a spawn that another node asked for.
    ///
    /// # Errors
    ///
    /// Not a module, no room, or the disk's.
    pub fn put(&self, bytes: &[u8]) -> Result<Arc<Module>, StoreError> {
        let checked = self.check(bytes)?;
        let _lock = self.lock()?;
        self.keep(checked, bytes)
    }

    /// Checks bytes that somebody gave: in full, unless the store has them already.
    fn check(&self, bytes: &[u8]) -> Result<Checked, StoreError> {
        let digest = Digest::of(bytes);
        // What lies there could be damaged, and then this is its repair.
        let is_there = File::open(self.path_of(digest)).is_ok_and(|file| holds(&file, bytes));
        let known = self.loaded.lock().get(&digest).map(Arc::clone);
        let module = match known {
            Some(module) => module,
            None => {
                let check = if is_there { Check::Structure } else { Check::Full };
                let loaded = load_known(bytes.into(), digest, check)?;
                Module::from_loaded(loaded, Arc::clone(&self.compiler))
            }
        };
        Ok(Checked { module, is_there })
    }

    /// Puts a module's bytes onto the disk, if they are not there. Needs the lock.
    fn keep(&self, checked: Checked, bytes: &[u8]) -> Result<Arc<Module>, StoreError> {
        let Checked { module, is_there } = checked;
        let path = self.path_of(module.digest());
        // It could have been removed since.
        if !is_there || !path.exists() {
            if !path.exists() && self.digests()?.len() >= MODULES_MAX {
                return Err(StoreError::Full);
            }
            let temporary = self.directory.join("temporary");
            replace_file(&temporary, &path, bytes).map_err(system("write", &path))?;
        }
        Ok(self.remember(module))
    }

    fn remember(&self, module: Arc<Module>) -> Arc<Module> {
        // The first one stays: it may be compiled already.
        Arc::clone(self.loaded.lock().entry(module.digest()).or_insert(module))
    }

    /// Takes a name away, and the bytes with the last name; or a module without names, by its
    /// digest. Actors that run it run on.
    ///
    /// # Errors
    ///
    /// There is no such module, it has names and was given by its digest, or the disk's.
    pub fn remove(&self, name_or_digest: &str) -> Result<ModuleInfo, StoreError> {
        let _lock = self.lock()?;
        let digest = self.find(name_or_digest)?;
        let info = self.info(digest)?;
        let named: Vec<&String> =
            info.names.iter().filter(|name| *name == name_or_digest).collect();
        // By its digest, a module goes with all its names.
        let going = if named.is_empty() { info.names.iter().collect() } else { named };
        for name in &going {
            let path = self.directory.join("names").join(name);
            self.names.remove(name).map_err(system("remove", &path))?;
        }
        if going.len() == info.names.len() {
            let path = self.path_of(digest);
            std::fs::remove_file(&path).map_err(system("remove", &path))?;
            self.loaded.lock().remove(&digest);
        }
        Ok(info)
    }

    /// All modules, in the order of their names, those without a name last.
    ///
    /// # Errors
    ///
    /// The disk's.
    pub fn list(&self) -> Result<Vec<ModuleInfo>, StoreError> {
        let mut infos = Vec::new();
        for digest in self.digests()? {
            match self.info(digest) {
                Ok(info) => infos.push(info),
                // Removed meanwhile.
                Err(StoreError::System { source, .. })
                    if source.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
        infos.sort_by(|a, b| {
            (a.names.is_empty(), &a.names, a.digest).cmp(&(b.names.is_empty(), &b.names, b.digest))
        });
        Ok(infos)
    }

    /// The module that a name, a digest, or the first digits of one (6 at least) stands for.
    ///
    /// # Errors
    ///
    /// There is none, or several digests start so, or its bytes are damaged.
    pub fn resolve(&self, name_or_digest: &str) -> Result<Arc<Module>, StoreError> {
        let digest = self.find(name_or_digest)?;
        let found = self.get(digest)?;
        found.ok_or_else(|| StoreError::Damaged { path: self.path_of(digest) })
    }

    /// The digest that a name, a digest, or the first digits of one stands for.
    ///
    /// # Errors
    ///
    /// There is none, or several digests start so.
    pub fn find(&self, name_or_digest: &str) -> Result<Digest, StoreError> {
        let names = self.all_names()?;
        if let Some(digest) = names.get(name_or_digest) {
            return Ok(*digest);
        }
        if let Some(prefix) = DigestPrefix::parse(name_or_digest) {
            let mut matches = self.digests()?;
            matches.retain(|digest| digest.starts_with(&prefix));
            match matches[..] {
                [digest] => return Ok(digest),
                [] => {}
                _ => {
                    let prefix = name_or_digest.to_owned();
                    let matches = matches.iter().map(Digest::to_string).collect();
                    return Err(StoreError::Ambiguous { prefix, matches });
                }
            }
        }
        let near = near_names(name_or_digest, names.keys().map(String::as_str));
        let deployed = names.keys().cloned().collect();
        Err(StoreError::NotFound { wanted: name_or_digest.to_owned(), near, deployed })
    }

    /// The module with this digest; nothing if it is not here.
    ///
    /// # Errors
    ///
    /// Its bytes are damaged, or the disk's.
    pub fn get(&self, digest: Digest) -> Result<Option<Arc<Module>>, StoreError> {
        if let Some(module) = self.loaded.lock().get(&digest) {
            return Ok(Some(Arc::clone(module)));
        }
        let Some(bytes) = self.read(digest)? else { return Ok(None) };
        // The bytes were checked in full when they came; compiling checks the bodies again.
        let loaded = load_known(bytes.into(), digest, Check::Structure)?;
        let module = Module::from_loaded(loaded, Arc::clone(&self.compiler));
        Ok(Some(self.remember(module)))
    }

    /// The bytes as they were deployed, as for another node; nothing if they are not here.
    ///
    /// # Errors
    ///
    /// They are damaged, or the disk's.
    pub fn read(&self, digest: Digest) -> Result<Option<Vec<u8>>, StoreError> {
        match self.file(digest)? {
            Some(bytes) if Digest::of(&bytes) != digest => {
                Err(StoreError::Damaged { path: self.path_of(digest) })
            }
            found => Ok(found),
        }
    }

    /// What lies under a digest, whatever it is; nothing if there is no file.
    fn file(&self, digest: Digest) -> Result<Option<Vec<u8>>, StoreError> {
        let path = self.path_of(digest);
        let file = match File::open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(system("read", &path)(error)),
        };
        // As long as it is: one that grows is copied each time.
        let length = file.metadata().map_or(0, |metadata| metadata.len());
        let length = usize::try_from(length).unwrap_or(0).min(MODULE_BYTES_MAX);
        let mut bytes = Vec::with_capacity(length + 1);
        let mut limited = io::Read::take(file, MODULE_BYTES_MAX as u64 + 1);
        io::Read::read_to_end(&mut limited, &mut bytes).map_err(system("read", &path))?;
        Ok(Some(bytes))
    }

    /// What the listing says of one module.
    fn info(&self, digest: Digest) -> Result<ModuleInfo, StoreError> {
        let path = self.path_of(digest);
        let metadata = path.metadata().map_err(system("examine", &path))?;
        let names = self.all_names()?;
        let of_this = names.iter().filter(|(_, of)| **of == digest);
        let names = of_this.map(|(name, _)| name.clone()).collect();
        let modified = metadata.modified().ok();
        let since = modified.and_then(|at| at.duration_since(SystemTime::UNIX_EPOCH).ok());
        let deployed_s = since.map_or(0, |since| since.as_secs());
        Ok(ModuleInfo { digest, names, bytes: metadata.len(), deployed_s })
    }

    fn all_names(&self) -> Result<Arc<std::collections::BTreeMap<String, Digest>>, StoreError> {
        self.names.all().map_err(system("read", &self.directory.join("names")))
    }

    fn digests(&self) -> Result<Vec<Digest>, StoreError> {
        let path = self.directory.join("modules");
        let mut digests = Vec::new();
        for entry in std::fs::read_dir(&path).map_err(system("read", &path))? {
            let name = entry.map_err(system("read", &path))?.file_name();
            let stem = name.to_str().and_then(|name| name.strip_suffix(".wasm"));
            digests.extend(stem.and_then(|stem| stem.parse::<Digest>().ok()));
        }
        digests.sort();
        Ok(digests)
    }

    fn path_of(&self, digest: Digest) -> PathBuf {
        self.directory.join("modules").join(format!("{digest}.wasm"))
    }

    /// Waits until nobody else changes the store; held until it is dropped.
    fn lock(&self) -> Result<File, StoreError> {
        let path = self.directory.join("lock");
        let opened = File::options().create(true).truncate(false).write(true).open(&path);
        let file = opened.map_err(system("write to the store", &path))?;
        file.lock().map_err(system("lock", &path))?;
        Ok(file)
    }
}

/// Whether a file holds these bytes and no others.
fn holds(mut file: &File, mut bytes: &[u8]) -> bool {
    let mut buffer = vec![0; COMPARED_BYTES];
    loop {
        match io::Read::read(&mut file, &mut buffer) {
            Ok(0) => return bytes.is_empty(),
            Ok(count) => match bytes.strip_prefix(&buffer[..count]) {
                Some(rest) => bytes = rest,
                None => return false,
            },
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(_) => return false,
        }
    }
}

/// Writes a file elsewhere and renames it, so that nobody ever sees a part of it, and a power
/// failure leaves the old one or the new one.
fn replace_file(temporary: &Path, path: &Path, bytes: &[u8]) -> io::Result<()> {
    static WRITES: AtomicU64 = AtomicU64::new(0);
    let write = WRITES.fetch_add(1, Ordering::Relaxed);
    let new = temporary.join(format!("{}-{write}", std::process::id()));
    let mut file = File::create(&new)?;
    let written = file
        .write_all(bytes)
        .and_then(|()| file.sync_all())
        .and_then(|()| std::fs::rename(&new, path));
    if written.is_err() {
        // The failure itself is what is reported.
        let _ = std::fs::remove_file(&new);
    }
    written
}

/// What a file of modules may be at most, read from disk without trusting its length.
///
/// # Errors
///
/// The system's, or the file is too long.
pub fn read_file(path: &Path) -> Result<Vec<u8>, StoreError> {
    let file = File::open(path).map_err(system("read", path))?;
    let mut bytes = Vec::new();
    let mut limited = io::Read::take(file, MODULE_BYTES_MAX as u64 + 1);
    io::Read::read_to_end(&mut limited, &mut bytes).map_err(system("read", path))?;
    if bytes.len() > MODULE_BYTES_MAX {
        let (found, max) = (bytes.len() as u64, MODULE_BYTES_MAX as u64);
        let fix = "; strip debug information, and keep data out of the module";
        let limit = "module-bytes-max";
        return Err(LoadError::Limit { what: "bytes or more", found, max, limit, fix }.into());
    }
    Ok(bytes)
}
