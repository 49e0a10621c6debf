//! From the protocol's words to the host's and back.

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
