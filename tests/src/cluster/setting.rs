//! How a member is to be, as its process is told.

use std::time::Duration;

use odeon::cluster::{AcceptCalls, AcceptModules, Allowed, Options, Policy};
use odeon::net::Mode;
use odeon_core::node::AutoConnect;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{COOKIE, net};

/// How a member is to be.
#[derive(Serialize, Deserialize)]
pub struct Setting {
    /// Its name; one that nobody else has, if absent.
    pub name: Option<String>,
    /// Its part in the cluster.
    #[serde(with = "OptionsWords")]
    pub cluster: Options,
    /// What it shares with others by default.
    pub cookie: Vec<u8>,
    /// Where TLS is used.
    #[serde(with = "ModeWords")]
    pub mode: Mode,
    /// Compresses.
    pub compress: bool,
    /// Stands behind a forwarder: all that dial it come through that.
    pub forwarded: bool,
    /// For the set-up of each connection that it dials.
    pub setup_time: Duration,
    /// Threads that run guests.
    pub workers: Option<usize>,
    /// Keeps modules apart from all other nodes.
    pub own_modules: bool,
    /// Where in a network of a test's own it is; on loopback, if absent.
    pub host: Option<net::Host>,
}

impl Default for Setting {
    fn default() -> Self {
        Self {
            name: None,
            cluster: Options::default(),
            cookie: COOKIE.to_vec(),
            mode: Mode::Auto,
            compress: false,
            forwarded: false,
            setup_time: Duration::from_secs(7),
            workers: None,
            own_modules: false,
            host: None,
        }
    }
}

// The words of the host, which have none for bytes. The compiler sees to it that they stay
// the same.

#[derive(Serialize, Deserialize)]
#[serde(remote = "Mode")]
enum ModeWords {
    Auto,
    Always,
    Plain,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "AutoConnect")]
enum AutoConnectWords {
    Always,
    Once,
    Never,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Options")]
struct OptionsWords {
    hidden: bool,
    mesh: bool,
    #[serde(with = "AutoConnectWords")]
    auto_connect: AutoConnect,
    allow: Option<Vec<String>>,
    tick_time: Duration,
    addresses: Vec<String>,
    #[serde(with = "PolicyWords")]
    policy: Policy,
    several_names: bool,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Policy")]
struct PolicyWords {
    #[serde(with = "AcceptModulesWords")]
    modules: AcceptModules,
    no_spawns: bool,
    #[serde(with = "Calls")]
    calls: Option<AcceptCalls>,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "AcceptModules")]
enum AcceptModulesWords {
    Any,
    None,
    Listed(Vec<String>),
}

/// `Option<AcceptCalls>`; of each that is allowed, the node and the module.
#[derive(Serialize, Deserialize)]
enum Calls {
    Absent,
    Any,
    None,
    Listed(Vec<(Option<String>, Option<String>)>),
}

impl Calls {
    fn serialize<S: Serializer>(calls: &Option<AcceptCalls>, to: S) -> Result<S::Ok, S::Error> {
        let words = match calls.clone() {
            None => Self::Absent,
            Some(AcceptCalls::Any) => Self::Any,
            Some(AcceptCalls::None) => Self::None,
            Some(AcceptCalls::Listed(all)) => {
                Self::Listed(all.into_iter().map(|one| (one.from, one.module)).collect())
            }
        };
        Serialize::serialize(&words, to)
    }

    fn deserialize<'a, D: Deserializer<'a>>(from: D) -> Result<Option<AcceptCalls>, D::Error> {
        Ok(match Deserialize::deserialize(from)? {
            Self::Absent => None,
            Self::Any => Some(AcceptCalls::Any),
            Self::None => Some(AcceptCalls::None),
            Self::Listed(all) => {
                let allowed = |(from, module)| Allowed { from, module };
                Some(AcceptCalls::Listed(all.into_iter().map(allowed).collect()))
            }
        })
    }
}
