//! Why an actor ended, or is asked to end.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;

/// An exit reason. Cheap to clone, because one death tells many actors.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reason {
    /// Finished its work.
    Normal,
    /// Asked to end in an orderly way.
    Shutdown,
    /// In an explicit exit signal: end at once. As a reason that an actor ended
    /// with by itself: an ordinary reason.
    Kill,
    /// Ended by an explicit `kill`.
    Killed,
    /// There is no such actor.
    NoProc,
    /// The connection to the actor's node is gone.
    NoConnection,
    /// The guest's failure, in its own words.
    Error(Arc<str>),
    /// The guest trapped.
    Trap(Arc<str>),
    /// The guest went over the limit that the text names.
    Limit(Arc<str>),
    /// A command's exit code, not 0.
    ExitCode(u8),
    /// The guest's own encoding, unread.
    Custom(Bytes),
}

impl Reason {
    /// The bytes that this reason takes beyond its fixed size.
    pub fn len_bytes(&self) -> usize {
        match self {
            Self::Error(text) | Self::Trap(text) | Self::Limit(text) => text.len(),
            Self::Custom(bytes) => bytes.len(),
            Self::Normal
            | Self::Shutdown
            | Self::Kill
            | Self::Killed
            | Self::NoProc
            | Self::NoConnection
            | Self::ExitCode(_) => 0,
        }
    }
}

impl fmt::Display for Reason {
    /// As listings and logs show it: the kind, and the text behind a colon.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Normal => f.write_str("normal"),
            Self::Shutdown => f.write_str("shutdown"),
            Self::Kill => f.write_str("kill"),
            Self::Killed => f.write_str("killed"),
            Self::NoProc => f.write_str("noproc"),
            Self::NoConnection => f.write_str("noconnection"),
            Self::Error(text) => write!(f, "error: {text}"),
            Self::Trap(text) => write!(f, "trap: {text}"),
            Self::Limit(text) => write!(f, "limit: {text}"),
            Self::ExitCode(code) => write!(f, "exit code {code}"),
            Self::Custom(bytes) => write!(f, "custom: {} bytes", bytes.len()),
        }
    }
}
