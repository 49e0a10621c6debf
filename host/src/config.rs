//! `odeon.toml`, and what wins over it: flag over environment over file over default.
//!
//! The file is looked for in the working directory and upwards; paths in it are
//! relative to the file. Everything is optional:
//!
//! ```toml
//! name = "a@box"              # of the node; without `@`, this machine's name is added
//! listen = "127.0.0.1:0"      # where the node listens; port 0 takes any free one
//! data-dir = "data"           # where modules and compiled code are kept
//! workers = 2                 # threads that run guests; one for each core if absent
//! actors-max = 1048576        # living actors at one time
//! tier = "auto"               # how modules are compiled: auto, dense or fast
//!
//! [limits]                    # of each actor, unless its spawn says otherwise
//! memory-bytes = "64MiB"      # a number, or text with KiB, MiB or GiB
//! table-elements = 100000
//! mailbox-messages = 1048576
//! mailbox-bytes = "256MiB"
//! children = 10000
//! timers = 10000
//!
//! [spawn]                     # what `odeon run`, `spawn` and `call` grant without flags
//! env = { LANG = "C" }
//! dirs = [{ host = "data", guest = "/data", writable = true }]
//! network = false
//!
//! [connections]               # with other nodes; see `Connections`
//! advertise = ["box.example.org:4370"]
//! tls = "auto"                # or always
//! setup-time = 7              # seconds
//!
//! [cluster]                   # the node among others; see `ClusterTable`
//! join = ["b@box"]
//! tick-time = 3               # seconds
//!
//! [cookies]                   # of nodes that do not have this node's own; files
//! "b@box" = "cookies/b"
//! ```
//!
//! Flags and variables come from the command line already merged; this file must
//! not know them, nor start anything.

mod cluster;
mod connections;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use serde::Deserialize;

pub use cluster::{Accept, ClusterSettings, ClusterTable, tick_seconds, tick_time};
pub use connections::{ConnectionSettings, Connections, Cookies};

use crate::control::discovery::is_node_name;
use crate::modules::compile::TierChoice;
use crate::modules::near::{did_you_mean, near_names};
use crate::net::dial::Target;
use crate::{ACTORS_MAX, DirGrant, Limits, LimitsPatch, Rights};

/// The name of the file.
pub const FILE_NAME: &str = "odeon.toml";

/// The largest file that is read, in bytes.
const FILE_BYTES_MAX: u64 = 1 << 20;

/// The node's name where nobody says another.
const NODE_NAME: &str = "odeon";

/// What is wrong with the configuration.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read {}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The file does not say what it should.
    #[error("{}: {message}", path.display())]
    Content {
        /// The file.
        path: PathBuf,
        /// Where and what, and perhaps what was meant.
        message: String,
    },
    /// A value makes no sense.
    #[error("{0}")]
    Value(String),
}

/// A configuration file, as it was written.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct File {
    /// The node's name.
    pub name: Option<String>,
    /// Where the node listens.
    pub listen: Option<SocketAddr>,
    /// Where modules are kept.
    pub data_dir: Option<PathBuf>,
    /// Threads that run guests.
    pub workers: Option<usize>,
    /// Living actors.
    pub actors_max: Option<usize>,
    /// How modules are compiled.
    pub tier: Option<String>,
    /// Of each actor.
    pub limits: LimitsTable,
    /// What is granted without flags.
    pub spawn: SpawnTable,
    /// With other nodes.
    pub connections: Connections,
    /// Among other nodes.
    pub cluster: ClusterTable,
    /// Of nodes with cookies of their own.
    pub cookies: Cookies,
    /// Where it was found.
    #[serde(skip)]
    pub path: Option<PathBuf>,
}

/// `[limits]`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct LimitsTable {
    memory_bytes: Option<Size>,
    table_elements: Option<Size>,
    mailbox_messages: Option<Size>,
    mailbox_bytes: Option<Size>,
    children: Option<Size>,
    timers: Option<Size>,
}

/// `[spawn]`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct SpawnTable {
    env: BTreeMap<String, String>,
    dirs: Vec<DirGrant>,
    network: bool,
}

/// A count, in a file or on a command line: `1000`, or with `KiB`, `MiB` or `GiB`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "SizeText")]
pub struct Size(pub u64);

#[derive(Deserialize)]
#[serde(untagged)]
enum SizeText {
    Number(u64),
    Text(String),
}

impl TryFrom<SizeText> for Size {
    type Error = String;

    fn try_from(text: SizeText) -> Result<Self, String> {
        match text {
            SizeText::Number(number) => Ok(Self(number)),
            SizeText::Text(text) => text.parse(),
        }
    }
}

impl std::str::FromStr for Size {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` is not a size: write 1000, 64KiB, 64MiB or 1GiB");
        let units = [("KiB", 10), ("MiB", 20), ("GiB", 30)];
        let unit = units.iter().find_map(|(unit, bits)| Some((text.strip_suffix(unit)?, *bits)));
        let (digits, bits) = unit.unwrap_or((text, 0));
        let number: u64 = digits.trim_end().parse().map_err(|_| wrong())?;
        number.checked_mul(1 << bits).map(Self).ok_or_else(wrong)
    }
}

/// What flags and environment variables say about a node.
#[derive(Clone, Debug, Default)]
pub struct Overrides {
    /// The node's name.
    pub name: Option<String>,
    /// Where the node listens.
    pub listen: Option<SocketAddr>,
    /// Where modules are kept.
    pub data_dir: Option<PathBuf>,
    /// Threads that run guests.
    pub workers: Option<usize>,
    /// With other nodes.
    pub connections: Connections,
    /// Among other nodes.
    pub cluster: ClusterTable,
    /// Of nodes with cookies of their own; they are added to the file's.
    pub cookies: Cookies,
}

/// What counts in the end, for a node that is to run.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The whole name.
    pub name: String,
    /// Where to listen.
    pub listen: SocketAddr,
    /// Where modules are kept.
    pub data_dir: PathBuf,
    /// Threads that run guests; one for each core if absent.
    pub workers: Option<usize>,
    /// Living actors at one time.
    pub actors_max: usize,
    /// How modules are compiled.
    pub tier: TierChoice,
    /// Of each actor.
    pub limits: Limits,
    /// With other nodes.
    pub connections: ConnectionSettings,
    /// Among other nodes.
    pub cluster: ClusterSettings,
}

impl File {
    /// The file at this path or, without one, the nearest upwards of `from`; an
    /// empty one if there is none.
    ///
    /// # Errors
    /// When there is one that cannot be read or does not say what it should.
    pub fn load(path: Option<&Path>, from: &Path) -> Result<Self, ConfigError> {
        let found = from.ancestors().map(|dir| dir.join(FILE_NAME)).find(|path| path.is_file());
        match path.map(|path| from.join(path)).or(found) {
            Some(path) => Self::read(&path),
            None => Ok(Self::default()),
        }
    }

    fn read(path: &Path) -> Result<Self, ConfigError> {
        use std::io::Read as _;
        let failed = |source| ConfigError::Read { path: path.to_owned(), source };
        let mut text = String::new();
        let file = std::fs::File::open(path).map_err(failed)?;
        file.take(FILE_BYTES_MAX).read_to_string(&mut text).map_err(failed)?;
        let mut file: Self = toml::from_str(&text).map_err(|error| ConfigError::Content {
            path: path.to_owned(),
            message: with_hint(&error.to_string()),
        })?;
        let dir = path.parent().unwrap_or(Path::new("."));
        if let Some(data_dir) = &mut file.data_dir {
            *data_dir = dir.join(&*data_dir);
        }
        for grant in &mut file.spawn.dirs {
            grant.host = dir.join(&grant.host);
        }
        file.connections.relative_to(dir);
        for cookie in file.cookies.values_mut() {
            *cookie = dir.join(&*cookie);
        }
        file.path = Some(path.to_owned());
        Ok(file)
    }

    /// What counts for a node, with what flags and variables say.
    ///
    /// # Errors
    /// When a value makes no sense.
    pub fn settings(&self, overrides: &Overrides) -> Result<Settings, ConfigError> {
        let name = self.node_name(overrides.name.as_deref())?;
        let data_dir = overrides.data_dir.clone().or_else(|| self.data_dir.clone());
        let data_dir = match data_dir {
            Some(dir) => dir,
            None => user_dir("XDG_DATA_HOME", ".local/share", "--data-dir")?.join(&name),
        };
        let tier = match &self.tier {
            Some(text) => text.parse().map_err(|_| {
                ConfigError::Value(format!("tier `{text}` is none of auto, dense and fast"))
            })?,
            None => TierChoice::Auto,
        };
        let workers = overrides.workers.or(self.workers);
        if workers == Some(0) {
            return Err(ConfigError::Value("`workers` must be at least 1".to_owned()));
        }
        let mut cookies = self.cookies.clone();
        cookies.extend(overrides.cookies.clone());
        let connections = self.connections(&overrides.connections, cookies)?;
        Ok(Settings {
            name,
            listen: overrides.listen.or(self.listen).unwrap_or(([127, 0, 0, 1], 0).into()),
            data_dir,
            workers,
            actors_max: self.actors_max.unwrap_or(ACTORS_MAX),
            tier,
            limits: Limits::default().with(&self.limits_patch()),
            connections,
            cluster: self.cluster.settings(&overrides.cluster, &host_name())?,
        })
    }

    /// What counts for connections, with what flags and variables say.
    ///
    /// # Errors
    /// When a value makes no sense.
    pub fn connections(
        &self,
        over: &Connections,
        cookies: Cookies,
    ) -> Result<ConnectionSettings, ConfigError> {
        self.connections.settings(over, cookies, &host_name())
    }

    /// The node that `name`, `name@host` or `name@host:port` means; a name alone gets
    /// this machine's host.
    ///
    /// # Errors
    /// When the text names no node.
    pub fn target(text: &str) -> Result<Target, ConfigError> {
        cluster::whole_target(text, &host_name())
    }

    /// The whole name of the node that is meant: this one, or the file's, or the
    /// default.
    ///
    /// # Errors
    /// When the text cannot name a node.
    pub fn node_name(&self, asked: Option<&str>) -> Result<String, ConfigError> {
        let name = asked.or(self.name.as_deref()).unwrap_or(NODE_NAME);
        whole_name(name, &host_name())
    }

    /// `[limits]`.
    pub fn limits_patch(&self) -> LimitsPatch {
        let size = |size: Option<Size>| size.map(|size| size.0);
        LimitsPatch {
            memory_bytes: size(self.limits.memory_bytes),
            table_elements: size(self.limits.table_elements),
            mailbox_messages: size(self.limits.mailbox_messages),
            mailbox_bytes: size(self.limits.mailbox_bytes),
            children: size(self.limits.children),
            timers: size(self.limits.timers),
        }
    }

    /// `[spawn]`.
    pub fn rights(&self) -> Rights {
        let env = self.spawn.env.iter().map(|(name, value)| (name.clone(), value.clone()));
        Rights { env: env.collect(), dirs: self.spawn.dirs.clone(), network: self.spawn.network }
    }
}

/// Where compiled programs of `odeon run` are kept.
///
/// # Errors
/// When the environment names no place.
pub fn cache_dir() -> Result<PathBuf, ConfigError> {
    Ok(user_dir("XDG_CACHE_HOME", ".cache", "XDG_CACHE_HOME")?.join("programs"))
}

/// Where tools are kept that `odeon build --install` downloads.
///
/// # Errors
/// When the environment names no place.
pub fn tools_dir() -> Result<PathBuf, ConfigError> {
    Ok(user_dir("XDG_CACHE_HOME", ".cache", "XDG_CACHE_HOME")?.join("tools"))
}

fn user_dir(variable: &str, in_home: &str, fix: &str) -> Result<PathBuf, ConfigError> {
    let var = |name: &str| std::env::var_os(name).filter(|dir| !dir.is_empty()).map(PathBuf::from);
    var(variable)
        .or_else(|| Some(var("HOME")?.join(in_home)))
        .map(|dir| dir.join("odeon"))
        .ok_or_else(|| ConfigError::Value(format!("no home directory: set HOME, or {fix}")))
}

fn whole_name(name: &str, host: &str) -> Result<String, ConfigError> {
    let whole = if name.contains('@') { name.to_owned() } else { format!("{name}@{host}") };
    if !is_node_name(&whole) {
        return Err(ConfigError::Value(format!(
            "`{name}` cannot name a node: use letters, digits, `-`, `_` and `.`, then perhaps \
             `@` and a host"
        )));
    }
    Ok(whole)
}

/// This machine's short name, or `localhost` where the system does not say.
fn host_name() -> String {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let short = name.trim().split('.').next().unwrap_or_default();
    if is_node_name(short) { short.to_owned() } else { "localhost".to_owned() }
}

/// The parser's message, and what an unknown field may have been meant to be.
fn with_hint(message: &str) -> String {
    let message = message.trim_end();
    let hint = || {
        let rest = message.split_once("unknown field `")?.1;
        let (unknown, rest) = rest.split_once('`')?;
        let known: Vec<&str> = rest.split('`').skip(1).step_by(2).collect();
        Some(did_you_mean(&near_names(unknown, known)))
    };
    format!("{message}{}", hint().unwrap_or_default())
}

#[cfg(test)]
#[path = "config/config_test.rs"]
mod tests;
