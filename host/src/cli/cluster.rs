//! `odeon connect`, `disconnect`, `ping`, and `cluster`: a node among others.

use std::path::{Path, PathBuf};

use odeon::config::{File, tick_seconds};
use odeon::control::api::{FailureKind, Pong, Request};
use odeon::control::client::ClientError;

use super::Common;
use super::exit::{Exit, code};
use super::{output, progress, remote};

/// Connects the node to another one.
#[derive(Debug, clap::Args)]
pub(crate) struct Connect {
    /// The other, as name@host or name@host:port; a name alone gets this machine's host.
    other: String,
}

impl Connect {
    pub(crate) async fn run(self, common: &Common) -> Result<u8, Exit> {
        let node = other(&self.other)?;
        let client = remote::connect(common).await?;
        let text = format!("connecting to {node}");
        let request = Request::Connect { node: node.clone() };
        progress::while_doing(text, client.ask::<()>(&request)).await?;
        output::line(&format!("connected to {node}"))?;
        Ok(code::OK)
    }
}

/// Ends the node's connection to another one.
#[derive(Debug, clap::Args)]
pub(crate) struct Disconnect {
    /// The other.
    other: String,
}

impl Disconnect {
    pub(crate) async fn run(self, common: &Common) -> Result<u8, Exit> {
        let name = File::target(&self.other)?.name;
        let client = remote::connect(common).await?;
        if !client.ask::<bool>(&Request::Disconnect { node: name.clone() }).await? {
            let text =
                format!("no connection to `{name}`; `odeon nodes` lists those that there are");
            return Err(Exit::new(code::NOT_FOUND, text));
        }
        output::line(&format!("disconnected from {name}"))?;
        Ok(code::OK)
    }
}

/// Connects the node to another one, and measures how long that takes to answer.
///
/// Prints `pong` and the time; or `pang` and the reason, with exit code 1.
#[derive(Debug, clap::Args)]
pub(crate) struct Ping {
    /// The other, as name@host or name@host:port; a name alone gets this machine's host.
    other: String,
}

impl Ping {
    pub(crate) async fn run(self, common: &Common) -> Result<u8, Exit> {
        let node = other(&self.other)?;
        let client = remote::connect(common).await?;
        let request = Request::Ping { node: node.clone() };
        match progress::while_doing(format!("asking {node}"), client.ask::<Pong>(&request)).await {
            Ok(Pong { us }) => {
                output::line(&format!("pong {}", time(us)))?;
                Ok(code::OK)
            }
            Err(ClientError::Failed(failure)) if failure.kind == FailureKind::Failed => {
                output::line(&format!("pang: {failure}"))?;
                Ok(code::FAILED)
            }
            Err(error) => Err(error.into()),
        }
    }
}

/// Microseconds as milliseconds.
fn time(us: u64) -> String {
    format!("{}.{:03}ms", us / 1000, us % 1000)
}

/// Changes what the node is among others, while it runs.
#[derive(Debug, clap::Args)]
pub(crate) struct Cluster {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    /// End all connections to other nodes, and take no more. The node runs on alone.
    Leave,
    /// Take part in clusters again, after `leave`.
    Enter,
    /// Change how long a silent node counts as there.
    TickTime {
        /// 0.1 to 3600.
        seconds: f64,
    },
    /// Change the cookie that the node shares with another one.
    Cookie {
        /// The other, as name@host; a name alone gets this machine's host.
        other: String,
        /// The file of the cookie, readable by its owner alone. With `--on`, an absolute
        /// path on the node's machine.
        #[arg(required_unless_present = "forget")]
        file: Option<PathBuf>,
        /// From now on the node's own cookie counts.
        #[arg(long, conflicts_with = "file")]
        forget: bool,
    },
}

impl Cluster {
    pub(crate) async fn run(self, common: &Common) -> Result<u8, Exit> {
        let request = match self.what {
            What::Leave => Request::Leave,
            What::Enter => Request::Enter,
            What::TickTime { seconds } => {
                let ms = tick_seconds(seconds)?.as_millis();
                Request::TickTime { ms: u64::try_from(ms).unwrap_or(u64::MAX) }
            }
            What::Cookie { other, file, .. } => {
                let node = File::target(&other)?.name;
                let file = file.map(|file| there(&file, common)).transpose()?;
                Request::Cookie { node, file }
            }
        };
        let client = remote::connect(common).await?;
        match &request {
            Request::Leave if !client.ask::<bool>(&request).await? => {
                Err(Exit::failed("the node takes part in no cluster; `odeon cluster enter`"))
            }
            Request::Enter if !client.ask::<bool>(&request).await? => {
                Err(Exit::failed("the node takes part in clusters already"))
            }
            Request::Leave | Request::Enter => Ok(code::OK),
            request => {
                client.ask::<()>(request).await?;
                Ok(code::OK)
            }
        }
    }
}

/// The other node, with its port if one was said.
fn other(text: &str) -> Result<String, Exit> {
    Ok(File::target(text)?.to_string())
}

/// A path that the node can read, which has another working directory and is perhaps on
/// another machine.
fn there(file: &Path, common: &Common) -> Result<String, Exit> {
    let path = match &common.on {
        Some(_) if file.is_absolute() => file.to_owned(),
        Some(_) => {
            let text = format!("{}: with --on, write an absolute path", file.display());
            return Err(Exit::new(code::USAGE, text));
        }
        None => file
            .canonicalize()
            .map_err(|error| Exit::new(code::NOT_FOUND, format!("{}: {error}", file.display())))?,
    };
    let text = path.into_os_string().into_string();
    text.map_err(|_| Exit::new(code::USAGE, "the file's path is not text"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_in_milliseconds() {
        assert_eq!(time(0), "0.000ms");
        assert_eq!(time(42), "0.042ms");
        assert_eq!(time(1_000_234), "1000.234ms");
    }
}
