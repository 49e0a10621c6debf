//! The far process, and what the near one and it tell each other.
//!
//! The near one writes one line, who it is to be; it answers with one line when it is
//! ready, and ends with its standard input.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::Arc;

use anyhow::Context;
use odeon_core::peer::handshake::Secret;
use odeon_core::wire::Role;
use serde::{Deserialize, Serialize};

use super::{Channel, bare, many};
use crate::cluster::{self, Dialler, Distribution};
use crate::control::discovery::{Directory, Entry, Published};
use crate::modules::compile::TierChoice;
use crate::net::listen::{Listener, Ways};
use crate::net::secrets::Secrets;
use crate::net::tls::Tls;
use crate::net::{Identity, Mode, Security, dial};
use crate::{Config, Limits, Node};

/// The near node's name.
pub(super) const NEAR: &str = "near@localhost";

/// The far node's name.
pub(super) const FAR: &str = "far@localhost";

/// Where and how the two meet.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Meeting {
    /// Where they find each other and keep their modules.
    pub(super) dir: PathBuf,
    /// What they prove themselves with.
    pub(super) cookie: String,
    pub(super) channel: Channel,
    /// No node: an echo of WebSocket messages.
    pub(super) bare: bool,
    /// Who the far process is.
    pub(super) name: String,
    /// Members of a group that the far process has.
    pub(super) members: usize,
}

/// What the far process says when it is ready.
#[derive(Debug, Serialize, Deserialize)]
struct Ready {
    /// A connection to here ends when the process does, and not before. For the echo,
    /// where it listens.
    address: SocketAddr,
}

/// The far process, as the near one has it. Ended when this is dropped.
pub(super) struct Far {
    child: Child,
    _stdin: ChildStdin,
    /// See [`Ready::address`].
    pub(super) address: SocketAddr,
}

impl Far {
    /// Starts it, and waits until it is ready.
    pub(super) fn start(meeting: &Meeting) -> anyhow::Result<Self> {
        let program = std::env::current_exe().context("cannot find this program's own file")?;
        let mut child = Command::new(program)
            .args(["bench", "remote", "--far"])
            .env_remove("RUST_BACKTRACE")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("cannot start the far process")?;
        let (stdin, stdout) = (child.stdin.take(), child.stdout.take());
        let (Some(mut stdin), Some(stdout)) = (stdin, stdout) else {
            unreachable!("both were asked for")
        };
        let told = (|| {
            writeln!(stdin, "{}", serde_json::to_string(meeting)?)?;
            let mut line = String::new();
            BufReader::new(stdout).read_line(&mut line)?;
            let ready: Ready = serde_json::from_str(&line).context("the far process failed")?;
            anyhow::Ok(ready.address)
        })();
        match told {
            Ok(address) => Ok(Self { child, _stdin: stdin, address }),
            Err(error) => {
                end(&mut child);
                Err(error)
            }
        }
    }

    /// Kills it, without a farewell.
    pub(super) fn kill(&mut self) -> std::io::Result<()> {
        self.child.kill()
    }
}

impl Drop for Far {
    fn drop(&mut self) {
        end(&mut self.child);
    }
}

fn end(child: &mut Child) {
    // It may have ended by itself.
    let _ = child.kill();
    let _ = child.wait();
}

/// The far process's work.
pub(super) fn run() -> anyhow::Result<()> {
    crate::bench::ends_with_its_parent();
    let mut line = String::new();
    std::io::stdin().read_line(&mut line)?;
    let meeting: Meeting = serde_json::from_str(&line).context("no meeting was told")?;
    if meeting.bare {
        return bare::serve(&meeting, ready);
    }
    let io = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let _member = io.block_on(async {
        let member = Member::start(&meeting, &meeting.name).await?;
        many::join(&member.node, meeting.members).await?;
        anyhow::Ok(member)
    })?;
    let canary = TcpListener::bind(("127.0.0.1", 0))?;
    ready(canary.local_addr()?)?;
    let _kept = canary.accept()?;
    wait_for_the_end()
}

/// Says that this process is ready.
#[expect(clippy::print_stdout, reason = "the near process reads it")]
fn ready(address: SocketAddr) -> anyhow::Result<()> {
    println!("{}", serde_json::to_string(&Ready { address })?);
    std::io::stdout().flush()?;
    Ok(())
}

/// Waits until nobody needs this process, and ends it.
fn wait_for_the_end() -> ! {
    let _ = std::io::copy(&mut std::io::stdin(), &mut std::io::sink());
    std::process::exit(0);
}

/// A node that can be connected with.
pub(super) struct Member {
    pub(super) node: Node,
    _distribution: Arc<Distribution>,
    _listener: Listener,
    _published: Published,
}

impl Member {
    pub(super) async fn start(meeting: &Meeting, name: &str) -> anyhow::Result<Self> {
        let mut config = Config::new(name, meeting.dir.join(name));
        config.actors_max = 1 << 18;
        // A flood is to be measured, not ended.
        config.limits = Limits {
            children: u64::MAX,
            mailbox_messages: u64::MAX,
            mailbox_bytes: u64::MAX,
            ..Limits::default()
        };
        config.tier = TierChoice::Dense;
        let node = Node::start(config)?;
        let features = cluster::features(false, false);
        let incarnation = node.id().get();
        let identity = Identity { name: name.to_owned(), incarnation, role: Role::Peer, features };
        let encrypted = meeting.channel == Channel::Tls;
        let secret = Secret::new(meeting.cookie.as_bytes()).context("a cookie is too short")?;
        let security = Security {
            secrets: Arc::new(Secrets::new(secret)),
            tls: Arc::new(Tls::self_signed()?),
            mode: if encrypted { Mode::Always } else { Mode::Auto },
        };
        let directory = Directory::at(meeting.dir.join("nodes"))?;
        let dialler = Dialler {
            identity: identity.clone(),
            security: security.clone(),
            options: dial::Options {
                directory: Some(directory.clone()),
                ..dial::Options::default()
            },
        };
        let options = cluster::Options { several_names: true, ..cluster::Options::default() };
        let distribution = Arc::new(node.distribute(dialler, options));
        let ways = if meeting.channel == Channel::Tcp { Ways::Tcp } else { Ways::All };
        let anywhere = ([127, 0, 0, 1], 0).into();
        let listener =
            Listener::start_for(ways, anywhere, identity, security, Arc::clone(&distribution))
                .await?;
        let entry = Entry {
            name: name.to_owned(),
            address: listener.address(),
            incarnation,
            process: std::process::id(),
            tls: encrypted,
        };
        let published = directory.publish(&entry)?;
        Ok(Self { node, _distribution: distribution, _listener: listener, _published: published })
    }
}
