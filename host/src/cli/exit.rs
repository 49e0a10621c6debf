//! How a command ends: a code that scripts can rely on, and a message that names
//! the fix.

use odeon::config::ConfigError;
use odeon::control::api::{Ending, EndingKind, FailureKind};
use odeon::control::client::ClientError;
use odeon::control::cookie::CookieError;
use odeon::control::discovery::DiscoveryError;
use odeon::net::dial::DialError;
use odeon::net::listen::ListenError;
use odeon::net::transport::TransportError;

use super::output;

/// The stable exit codes.
pub(crate) mod code {
    /// Done.
    pub(crate) const OK: u8 = 0;
    /// Failed.
    pub(crate) const FAILED: u8 = 1;
    /// Wrong usage or a bad argument.
    pub(crate) const USAGE: u8 = 2;
    /// No node is running.
    pub(crate) const NO_NODE: u8 = 3;
    /// No such actor, module, function or file.
    pub(crate) const NOT_FOUND: u8 = 4;
    /// Refused: a wrong cookie, a limit, not allowed.
    pub(crate) const REFUSED: u8 = 5;
    /// The toolchain of a language is not installed, or not the right version.
    pub(crate) const NO_TOOLCHAIN: u8 = 6;
    /// The actor trapped or went over a limit.
    pub(crate) const TRAPPED: u8 = 70;
    /// The actor ended with another reason.
    pub(crate) const ENDED: u8 = 71;
    /// Interrupted.
    pub(crate) const INTERRUPTED: u8 = 130;
}

/// Why a command did not do what it was asked.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Exit {
    code: u8,
    /// Nothing where nobody reads.
    message: Option<String>,
}

impl Exit {
    /// With this code and message.
    pub(crate) fn new(code: u8, message: impl Into<String>) -> Self {
        Self { code, message: Some(message.into()) }
    }

    /// Failed.
    pub(crate) fn failed(message: impl Into<String>) -> Self {
        Self::new(code::FAILED, message)
    }

    /// Failed, for this reason and those behind it. Some errors say their cause
    /// themselves; it is not said twice.
    pub(crate) fn because(error: &anyhow::Error) -> Self {
        let causes = error.chain().map(ToString::to_string);
        let text = causes.reduce(|text, cause| match text.contains(&cause) {
            true => text,
            false => format!("{text}: {cause}"),
        });
        Self::failed(text.unwrap_or_default())
    }

    /// Whoever read the output has gone, and wants no more. That is no failure.
    pub(crate) fn unread() -> Self {
        Self { code: code::OK, message: None }
    }

    /// What went wrong.
    pub(crate) fn text(&self) -> &str {
        self.message.as_deref().unwrap_or_default()
    }

    /// Whether no node was reached.
    pub(crate) fn is_without_node(&self) -> bool {
        self.code == code::NO_NODE
    }

    /// Prints the message and gives the code.
    pub(crate) fn report(self) -> u8 {
        if let Some(message) = self.message {
            output::note(&format!("error: {message}"));
        }
        self.code
    }
}

impl From<ConfigError> for Exit {
    fn from(error: ConfigError) -> Self {
        Self::new(code::USAGE, error.to_string())
    }
}

impl From<CookieError> for Exit {
    fn from(error: CookieError) -> Self {
        let code = match error {
            CookieError::Exposed { .. } => code::REFUSED,
            CookieError::NoPlace | CookieError::BadContent { .. } | CookieError::Io { .. } => {
                code::FAILED
            }
        };
        Self::new(code, error.to_string())
    }
}

impl From<DiscoveryError> for Exit {
    fn from(error: DiscoveryError) -> Self {
        let code = match error {
            DiscoveryError::BadName { .. } => code::USAGE,
            DiscoveryError::NotPrivate { .. } => code::REFUSED,
            DiscoveryError::NameTaken { .. } | DiscoveryError::Io { .. } => code::FAILED,
        };
        Self::new(code, error.to_string())
    }
}

impl From<ListenError> for Exit {
    fn from(error: ListenError) -> Self {
        Self::failed(error.to_string())
    }
}

impl From<ClientError> for Exit {
    fn from(error: ClientError) -> Self {
        let code = match &error {
            ClientError::Connect { source: TransportError::Handshake(_), .. } => code::REFUSED,
            ClientError::Connect { .. } | ClientError::OtherNode { .. } => code::NO_NODE,
            ClientError::Dial(error) => match **error {
                DialError::Handshake { .. } | DialError::Tls { .. } => code::REFUSED,
                DialError::NoName(_) => code::USAGE,
                DialError::Unknown { .. }
                | DialError::Unreachable { .. }
                | DialError::Timeout { .. }
                | DialError::WrongName { .. }
                | DialError::Failed { .. } => code::NO_NODE,
            },
            ClientError::Gone | ClientError::Garbled => code::FAILED,
            ClientError::TooLong { .. } => code::USAGE,
            ClientError::Failed(failure) => match failure.kind {
                FailureKind::NotFound => code::NOT_FOUND,
                FailureKind::Refused => code::REFUSED,
                FailureKind::Usage => code::USAGE,
                FailureKind::Trapped => code::TRAPPED,
                FailureKind::Failed => code::FAILED,
            },
        };
        let hint = match &error {
            ClientError::Connect { source: TransportError::Handshake(_), .. } => {
                "; the command and the node have to use the same ODEON_COOKIE or cookie file \
                 and the same version"
            }
            ClientError::Dial(error) => of_dial(error),
            _ => "",
        };
        Self::new(code, format!("{error}{hint}"))
    }
}

/// What may help where another machine's node is not reached.
fn of_dial(error: &DialError) -> &'static str {
    match error {
        DialError::Unknown { .. } => {
            "; start it with `odeon node --name`, or write the host's full name"
        }
        DialError::Unreachable { .. } => {
            "; is it running, and does it listen there? Nodes listen on loopback unless started \
             with `--listen`, as in `odeon node --listen 0.0.0.0:4370`; another port than 4370 \
             follows the name, as in name@host:4000"
        }
        DialError::Handshake { .. } => {
            "; the command uses this user's cookie, and the node its own: bring the node's here, \
             or set ODEON_COOKIE; both need the same version"
        }
        DialError::Tls { .. } => {
            "; a node with certificates wants one of the command, too: set ODEON_CA, ODEON_CERT \
             and ODEON_KEY, or put them into odeon.toml; one that was started with `--plain` is \
             reached with `plain = true` under [connections]"
        }
        DialError::Failed { source: TransportError::Socket(text), .. } if text.contains("TLS") => {
            "; set ODEON_TLS=always"
        }
        DialError::Failed { .. } => "; is it a node of Odeon that listens there?",
        DialError::NoName(_) | DialError::Timeout { .. } | DialError::WrongName { .. } => "",
    }
}

/// The code of a program that ran to this end; what is not an ordinary end is said
/// on the standard error.
pub(crate) fn of_ending(ending: &Ending) -> u8 {
    let code = match ending.kind {
        EndingKind::Normal => return code::OK,
        EndingKind::Code(code) => return code,
        EndingKind::Trapped => code::TRAPPED,
        EndingKind::Other => code::ENDED,
    };
    output::note(&format!("error: the actor ended: {}", ending.reason));
    code
}
