//! What an actor may touch outside its sandbox. Nothing, unless it is granted.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// Grants. A child has its parent's.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Rights {
    /// Environment variables, which the guest sees as its own.
    pub env: Vec<(String, String)>,
    /// Directories.
    pub dirs: Vec<DirGrant>,
    /// TCP, UDP and name look-ups, to and from anywhere.
    pub network: bool,
}

/// A directory that a guest may see.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct DirGrant {
    /// Where it is.
    pub host: PathBuf,
    /// What the guest calls it.
    pub guest: String,
    /// Whether the guest may change it.
    #[serde(default)]
    pub writable: bool,
}
