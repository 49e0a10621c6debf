//! How a node and others connect: flags and variables, and what comes of them.

use std::path::PathBuf;
use std::sync::Arc;

use clap::{Args as _, FromArgMatches as _};
use odeon::config::{ConnectionSettings, Connections};
use odeon::control::cookie;
use odeon::net::Security;
use odeon::net::secrets::Secrets;
use odeon::net::tls::Tls;

use super::exit::{Exit, code};

/// How the node and others connect.
#[derive(Debug, clap::Args)]
pub(crate) struct ConnectionArgs {
    /// Where other nodes reach this one, if not at its name's host. May be repeated.
    #[arg(long, env = "ODEON_ADVERTISE", value_name = "HOST:PORT", value_delimiter = ',')]
    advertise: Vec<String>,
    /// Where connections use TLS: `auto` is everywhere but on loopback.
    #[arg(long, env = "ODEON_TLS", value_name = "auto|always")]
    tls: Option<String>,
    /// Make and take connections without TLS everywhere. Only for networks that
    /// others protect.
    #[arg(long, conflicts_with = "tls")]
    plain: bool,
    /// The certificates of the authorities that sign the nodes' (PEM). With it,
    /// --cert and --key, nodes have to show certificates to each other.
    #[arg(long, env = "ODEON_CA", value_name = "FILE")]
    ca: Option<PathBuf>,
    /// This node's certificate (PEM), for its host or for the URI `odeon:NAME`.
    #[arg(long, env = "ODEON_CERT", value_name = "FILE")]
    cert: Option<PathBuf>,
    /// The key of the certificate (PEM).
    #[arg(long, env = "ODEON_KEY", value_name = "FILE")]
    key: Option<PathBuf>,
    /// How long a connection to another node may take to come about; 7 by default.
    #[arg(long, env = "ODEON_SETUP_TIME", value_name = "SECONDS")]
    setup_time: Option<u64>,
    /// The file of the cookie that is shared with one node. May be repeated.
    #[arg(long, value_name = "NODE=FILE", value_parser = cookie_for)]
    pub(super) cookie_for: Vec<(String, PathBuf)>,
}

fn cookie_for(text: &str) -> Result<(String, PathBuf), String> {
    match text.split_once('=') {
        Some((name, path)) if !path.is_empty() => Ok((name.to_owned(), path.into())),
        _ => Err("write NODE=FILE, as in b@box=cookies/b".to_owned()),
    }
}

impl ConnectionArgs {
    /// What the variables say, for commands that have none of the flags.
    pub(super) fn of_environment() -> Result<Self, Exit> {
        let command = Self::augment_args(clap::Command::new("odeon"));
        let found = command.try_get_matches_from(["odeon"]);
        found
            .and_then(|found| Self::from_arg_matches(&found))
            .map_err(|error| Exit::new(code::USAGE, error.to_string()))
    }

    /// In the words of the configuration.
    pub(super) fn connections(self) -> Connections {
        Connections {
            advertise: self.advertise,
            tls: self.tls,
            plain: self.plain,
            ca: self.ca,
            cert: self.cert,
            key: self.key,
            setup_time: self.setup_time,
        }
    }
}

/// What protects the connections of the node of this name, or of commands.
pub(super) fn security(
    name: Option<&str>,
    settings: &ConnectionSettings,
) -> Result<Security, Exit> {
    let secrets = Secrets::new(cookie::secret()?);
    for (peer, path) in &settings.cookies {
        let kept = secrets.set(peer, cookie::load(path)?);
        kept.map_err(|error| Exit::failed(error.to_string()))?;
    }
    let tls = match (&settings.files, name) {
        (Some(files), Some(name)) => Tls::from_files(files, name),
        (Some(files), None) => Tls::for_commands(files),
        (None, _) => Tls::self_signed(),
    };
    let tls = tls.map_err(|error| Exit::failed(error.to_string()))?;
    Ok(Security { secrets: Arc::new(secrets), tls: Arc::new(tls), mode: settings.mode })
}
