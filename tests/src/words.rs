//! From the protocol's words to the host's and back.

use odeon_core::signal::{CallError, SpawnError};
use odeon_core::{NodeId, Pid, Reason, Reference};
use odeon_test_protocol as protocol;

/// Says a word of one side in the other's.
pub trait Word<T> {
    /// The same, in the other's words.
    fn word(self) -> T;
}

impl Word<Pid> for protocol::Pid {
    fn word(self) -> Pid {
        Pid { node: NodeId::from_wire(self.node), serial: self.serial }
    }
}

impl Word<protocol::Pid> for Pid {
    fn word(self) -> protocol::Pid {
        protocol::Pid { node: self.node.get(), serial: self.serial }
    }
}

impl Word<Reference> for protocol::Reference {
    fn word(self) -> Reference {
        Reference { node: NodeId::from_wire(self.node), serial: self.serial }
    }
}

impl Word<protocol::Reference> for Reference {
    fn word(self) -> protocol::Reference {
        protocol::Reference { node: self.node.get(), serial: self.serial }
    }
}

impl Word<Reason> for protocol::Reason {
    fn word(self) -> Reason {
        use protocol::Reason as Word;
        match self {
            Word::Normal => Reason::Normal,
            Word::Shutdown => Reason::Shutdown,
            Word::Kill => Reason::Kill,
            Word::Killed => Reason::Killed,
            Word::Noproc => Reason::NoProc,
            Word::Noconnection => Reason::NoConnection,
            Word::Error(text) => Reason::Error(text.into()),
            Word::Trap(text) => Reason::Trap(text.into()),
            Word::Limit(text) => Reason::Limit(text.into()),
            Word::ExitCode(code) => Reason::ExitCode(code),
            Word::Custom(bytes) => Reason::Custom(bytes.into()),
        }
    }
}

impl Word<protocol::SpawnError> for SpawnError {
    fn word(self) -> protocol::SpawnError {
        use protocol::SpawnError as Word;
        match self {
            Self::NoModule(text) => Word::NoModule(text),
            Self::NoFunction(text) => Word::NoFunction(text),
            Self::BadArgument(text) => Word::BadArgument(text),
            Self::BadName(text) => Word::BadName(text),
            Self::SystemLimit(text) => Word::SystemLimit(text),
            Self::Denied(text) => Word::Denied(text),
            Self::NoConnection => Word::Noconnection,
        }
    }
}

impl Word<protocol::CallError> for CallError {
    fn word(self) -> protocol::CallError {
        use protocol::CallError as Word;
        match self {
            Self::Refused(SpawnError::NoModule(text)) => Word::NoModule(text),
            Self::Refused(SpawnError::NoFunction(text)) => Word::NoFunction(text),
            // A call gives no name.
            Self::Refused(SpawnError::BadArgument(text) | SpawnError::BadName(text)) => {
                Word::BadArgument(text)
            }
            Self::Refused(SpawnError::SystemLimit(text)) => Word::SystemLimit(text),
            Self::Refused(SpawnError::Denied(text)) => Word::Denied(text),
            Self::Refused(SpawnError::NoConnection) => Word::Noconnection,
            Self::Ended(reason) => Word::Ended(reason.word()),
            Self::Timeout => Word::Timeout,
        }
    }
}

impl Word<protocol::Reason> for Reason {
    fn word(self) -> protocol::Reason {
        use protocol::Reason as Word;
        match self {
            Self::Normal => Word::Normal,
            Self::Shutdown => Word::Shutdown,
            Self::Kill => Word::Kill,
            Self::Killed => Word::Killed,
            Self::NoProc => Word::Noproc,
            Self::NoConnection => Word::Noconnection,
            Self::Error(text) => Word::Error(text.to_string()),
            Self::Trap(text) => Word::Trap(text.to_string()),
            Self::Limit(text) => Word::Limit(text.to_string()),
            Self::ExitCode(code) => Word::ExitCode(code),
            Self::Custom(bytes) => Word::Custom(bytes.to_vec()),
        }
    }
}
