//! What a node's configuration says about connections.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;

use super::{ConfigError, whole_name};
use crate::net::secrets::PEERS_MAX;
use crate::net::tls::Files;
use crate::net::{Mode, SETUP_TIME};

/// Addresses that a node tells others.
const ADVERTISE_MAX: usize = 8;

/// The most bytes of one of them.
const ADDRESS_BYTES_MAX: usize = 255;

/// The most seconds of the set-up time, as in OTP.
const SETUP_SECONDS_MAX: u64 = 120;

/// `[connections]`, or what flags and variables say about the same.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Connections {
    /// Where others reach the node, each as `host:port`.
    pub advertise: Vec<String>,
    /// `auto` or `always`.
    pub tls: Option<String>,
    /// Take and make plain connections everywhere.
    pub plain: bool,
    /// The file of the authorities' certificates.
    pub ca: Option<PathBuf>,
    /// The file of the node's certificate.
    pub cert: Option<PathBuf>,
    /// The file of the certificate's key.
    pub key: Option<PathBuf>,
    /// Seconds.
    pub setup_time: Option<u64>,
}

/// Cookie files, by the name of the node that they are for.
pub type Cookies = BTreeMap<String, PathBuf>;

/// What counts in the end, for a node that is to run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConnectionSettings {
    /// Where others reach the node, each as `host:port`.
    pub advertise: Vec<String>,
    /// Where TLS is used.
    pub mode: Mode,
    /// Certificates, if there are any.
    pub files: Option<Files>,
    /// For the connections that the node opens.
    pub setup_time: Duration,
    /// Of nodes with cookies of their own; whole names.
    pub cookies: Cookies,
}

impl Connections {
    /// Makes the paths those of files in this directory.
    pub(super) fn relative_to(&mut self, dir: &Path) {
        for path in [&mut self.ca, &mut self.cert, &mut self.key].into_iter().flatten() {
            *path = dir.join(&*path);
        }
    }

    /// What counts, where `over` wins over this.
    pub(super) fn settings(
        &self,
        over: &Self,
        cookies: Cookies,
        host: &str,
    ) -> Result<ConnectionSettings, ConfigError> {
        let lists = [&over.advertise, &self.advertise];
        let advertise = lists.into_iter().find(|list| !list.is_empty()).cloned();
        Ok(ConnectionSettings {
            advertise: advertised(advertise.unwrap_or_default())?,
            mode: self.mode(over)?,
            files: self.files(over)?,
            setup_time: setup_time(over.setup_time.or(self.setup_time))?,
            cookies: whole_names(cookies, host)?,
        })
    }

    fn mode(&self, over: &Self) -> Result<Mode, ConfigError> {
        let certificates = self.files(over)?.is_some();
        let (tls, plain) = match (&over.tls, over.plain) {
            // The flag of one undoes what the file says about the other.
            (Some(tls), plain) => (Some(tls), plain),
            (None, true) => (None, true),
            (None, false) => (self.tls.as_ref(), self.plain),
        };
        let mode = match tls.map(String::as_str) {
            None | Some("auto") => Mode::Auto,
            Some("always") => Mode::Always,
            Some(other) => {
                return Err(wrong(format!("tls `{other}` is neither auto nor always")));
            }
        };
        match (plain, mode) {
            (true, _) if certificates => {
                Err(wrong("certificates are of no use with plain connections: leave out one"))
            }
            (true, Mode::Always) => {
                Err(wrong("TLS always and plain connections exclude each other: leave out one"))
            }
            (true, _) => Ok(Mode::Plain),
            (false, mode) => Ok(mode),
        }
    }

    fn files(&self, over: &Self) -> Result<Option<Files>, ConfigError> {
        let pick = |over: &Option<PathBuf>, own: &Option<PathBuf>| over.clone().or(own.clone());
        match (pick(&over.ca, &self.ca), pick(&over.cert, &self.cert), pick(&over.key, &self.key)) {
            (None, None, None) => Ok(None),
            (Some(ca), Some(cert), Some(key)) => Ok(Some(Files { ca, cert, key })),
            _ => Err(wrong(
                "certificates need all three of `ca` (the authority's), `cert` and `key` (the \
                 node's)",
            )),
        }
    }
}

fn wrong(text: impl Into<String>) -> ConfigError {
    ConfigError::Value(text.into())
}

fn advertised(addresses: Vec<String>) -> Result<Vec<String>, ConfigError> {
    if addresses.len() > ADVERTISE_MAX {
        return Err(wrong(format!("a node advertises at most {ADVERTISE_MAX} addresses")));
    }
    for address in &addresses {
        let parts = address.rsplit_once(':');
        let right = parts.is_some_and(|(host, port)| {
            !host.is_empty() && port.parse::<u16>().is_ok_and(|port| port > 0)
        });
        if !right || address.len() > ADDRESS_BYTES_MAX {
            return Err(wrong(format!(
                "`{address}` is not where others reach a node: write host:port, as in \
                 box.example.org:4370"
            )));
        }
    }
    Ok(addresses)
}

fn setup_time(seconds: Option<u64>) -> Result<Duration, ConfigError> {
    match seconds {
        None => Ok(SETUP_TIME),
        Some(seconds @ 1..=SETUP_SECONDS_MAX) => Ok(Duration::from_secs(seconds)),
        Some(_) => Err(wrong(format!("the set-up time is 1 to {SETUP_SECONDS_MAX} seconds"))),
    }
}

fn whole_names(cookies: Cookies, host: &str) -> Result<Cookies, ConfigError> {
    if cookies.len() > PEERS_MAX {
        return Err(wrong(format!("at most {PEERS_MAX} nodes can have cookies of their own")));
    }
    cookies.into_iter().map(|(name, path)| Ok((whole_name(&name, host)?, path))).collect()
}

#[cfg(test)]
#[path = "connections_test.rs"]
mod tests;
