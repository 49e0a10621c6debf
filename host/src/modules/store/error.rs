//! Why the store could not do what it was asked.

use std::path::PathBuf;

use super::super::limits::MODULES_MAX;
use super::super::load::LoadError;
use super::super::near::{did_you_mean, listed, shorten};

/// Why the store could not do what it was asked. Nothing has changed then.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The bytes are not a module.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// Not a name for a module.
    #[error("`{}` cannot be a module's name: {why}; choose another name", shorten(name))]
    BadName {
        /// The text.
        name: String,
        /// The rule.
        why: &'static str,
    },
    /// There is no such module.
    #[error("there is no module `{}`{}", shorten(wanted), not_found_fix(near, deployed))]
    NotFound {
        /// What was asked for.
        wanted: String,
        /// Names that are near to it.
        near: Vec<String>,
        /// Names that there are.
        deployed: Vec<String>,
    },
    /// Several modules' digests start so.
    #[error("`{prefix}` is the start of {}: write more digits", listed(matches, 4))]
    Ambiguous {
        /// The digits.
        prefix: String,
        /// The digests.
        matches: Vec<String>,
    },
    /// There are as many as there may be.
    #[error("the store holds {MODULES_MAX} modules (modules-max): remove some")]
    Full,
    /// A file of the store is not what was put there.
    #[error("{} is damaged: remove the module, and deploy it again", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
    },
    /// The system refused.
    #[error("cannot {action} {}: {source}{}", path.display(), system_fix(source))]
    System {
        /// What was tried.
        action: &'static str,
        /// With what.
        path: PathBuf,
        /// The system's words.
        source: std::io::Error,
    },
    /// Others could put modules there that this host would run.
    #[error(
        "the store {} is not private ({why}): make it yours alone with `chmod 700`, or name \
         another directory for the store", path.display()
    )]
    NotPrivate {
        /// The directory.
        path: PathBuf,
        /// What is wrong with it.
        why: &'static str,
    },
}

fn not_found_fix(near: &[String], deployed: &[String]) -> String {
    if !near.is_empty() {
        did_you_mean(near)
    } else if deployed.is_empty() {
        "; none is deployed: `odeon deploy FILE.wasm` does it".to_owned()
    } else {
        format!("; deployed are {}", listed(deployed, 8))
    }
}

fn system_fix(error: &std::io::Error) -> &'static str {
    match error.kind() {
        std::io::ErrorKind::PermissionDenied
        | std::io::ErrorKind::ReadOnlyFilesystem
        | std::io::ErrorKind::NotADirectory => {
            "; name a directory for the store that this user can write to"
        }
        std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => {
            "; free some space, or name a directory for the store on another disk"
        }
        _ => "",
    }
}
