//! The cookie: what lets a command control a node, and later one node trust
//! another. Whoever can read it owns the node.
//!
//! `$ODEON_COOKIE`, or else the file `cookie` in `$ODEON_HOME`, or else in
//! `$XDG_CONFIG_HOME/odeon` (`~/.config/odeon`). Made on first use: 32 random bytes
//! as text, readable by its owner only. Never logged.

use std::fs;
use std::io::{Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};

use odeon_core::peer::handshake::{COOKIE_BYTES_MAX, COOKIE_BYTES_MIN, Secret};

/// Why there is no usable cookie.
#[derive(Debug, thiserror::Error)]
pub enum CookieError {
    /// Neither `$ODEON_HOME`, `$XDG_CONFIG_HOME` nor `$HOME` is set.
    #[error("no place for the cookie: set ODEON_HOME to a directory, or HOME")]
    NoPlace,
    /// Others can read the file.
    #[error(
        "{} can be read by others (mode {mode:04o}): run `chmod 600 {}`, and replace its \
         content if others may have seen it",
        path.display(), path.display()
    )]
    Exposed {
        /// The file.
        path: PathBuf,
        /// Its mode.
        mode: u32,
    },
    /// The file or variable holds too little or too much to be a cookie.
    #[error(
        "the cookie in {place} is not {COOKIE_BYTES_MIN} to {COOKIE_BYTES_MAX} bytes of text; \
         remove it to have a new one made"
    )]
    BadContent {
        /// The file or the variable.
        place: String,
    },
    /// The file cannot be read or made.
    #[error("cannot use the cookie file {}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
}

/// Where the cookie file is, if the environment says so.
///
/// # Errors
/// When it does not.
pub fn path() -> Result<PathBuf, CookieError> {
    path_in(|name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from))
}

fn path_in(var: impl Fn(&str) -> Option<PathBuf>) -> Result<PathBuf, CookieError> {
    var("ODEON_HOME")
        .or_else(|| var("XDG_CONFIG_HOME").map(|dir| dir.join("odeon")))
        .or_else(|| var("HOME").map(|dir| dir.join(".config/odeon")))
        .map(|dir| dir.join("cookie"))
        .ok_or(CookieError::NoPlace)
}

/// The secret of this user's cookie; makes the cookie if there is none.
///
/// # Errors
/// When there is one that cannot be read, is exposed, or is no cookie; or none can
/// be made.
pub fn secret() -> Result<Secret, CookieError> {
    match std::env::var("ODEON_COOKIE") {
        Ok(text) if !text.is_empty() => secret_of(&text, "ODEON_COOKIE"),
        _ => load_or_create(&path()?),
    }
}

/// The secret of the cookie in this file, which is made if it is not there.
///
/// # Errors
/// As [`secret`].
pub fn load_or_create(path: &Path) -> Result<Secret, CookieError> {
    let failed = |source| CookieError::Io { path: path.to_owned(), source };
    match load(path) {
        Err(CookieError::Io { source, .. }) if source.kind() == std::io::ErrorKind::NotFound => {
            create(path).map_err(failed)?;
            load(path)
        }
        loaded => loaded,
    }
}

/// The secret of the cookie in this file.
///
/// # Errors
/// As [`secret`]; makes nothing.
pub fn load(path: &Path) -> Result<Secret, CookieError> {
    let failed = |source| CookieError::Io { path: path.to_owned(), source };
    let file = fs::File::open(path).map_err(failed)?;
    // The mode of what was opened, not of what has the name now.
    let mode = file.metadata().map_err(failed)?.mode() & 0o7777;
    if mode & 0o077 != 0 {
        return Err(CookieError::Exposed { path: path.to_owned(), mode });
    }
    let mut text = Vec::new();
    file.take(COOKIE_BYTES_MAX as u64 + 2).read_to_end(&mut text).map_err(failed)?;
    let place = path.display().to_string();
    match String::from_utf8(text) {
        Ok(text) => secret_of(&text, &place),
        Err(_) => Err(CookieError::BadContent { place }),
    }
}

fn secret_of(text: &str, place: &str) -> Result<Secret, CookieError> {
    Secret::new(text.trim().as_bytes())
        .ok_or_else(|| CookieError::BadContent { place: place.to_owned() })
}

/// Makes the file whole or not at all. If another process makes it at the same
/// time, the first one's stays.
fn create(path: &Path) -> std::io::Result<()> {
    let dir = path.parent().unwrap_or(Path::new("."));
    fs::DirBuilder::new().recursive(true).mode(0o700).create(dir)?;
    let mut random = [0u8; 32];
    getrandom::fill(&mut random).map_err(std::io::Error::other)?;
    let text: String = random.iter().map(|byte| format!("{byte:02x}")).collect();
    // Made with mode 0600.
    let mut file = tempfile::NamedTempFile::new_in(dir)?;
    writeln!(file, "{text}")?;
    file.as_file().sync_all()?;
    match file.persist_noclobber(path) {
        Err(error) if error.error.kind() != std::io::ErrorKind::AlreadyExists => Err(error.error),
        Ok(_) | Err(_) => Ok(()),
    }
}

#[cfg(test)]
#[path = "cookie_test.rs"]
mod tests;
