//! Names by which servers are started, and found again.
//!
//! A [`Via`] says where a name is known: on one node, on all connected ones, or as a group
//! that several share. A server starts under it, and others ask through it, so a server
//! becomes one of the whole cluster where its name is made and nowhere else.

use crate::groups::{GroupError, Scope};
use crate::names::{self, NameError, Resolver, Settings};
use crate::process::{self, RegisterError, me};
use crate::types::Pid;
use serde::{Deserialize, Serialize};
use std::fmt;

/// A name by which a server is started and found (OTP's `{local, _}`, `{global, _}` and
/// `{via, _, _}`).
///
/// | | known | owners | a call goes to |
/// |---|---|---|---|
/// | [`Via::Local`] | on one node | one | it |
/// | [`Via::Cluster`] | on all connected nodes | one on each connected part | it |
/// | [`Via::Group`] | on all nodes of the scope | any number | one of this node if there is any, else one of any, at random |
///
/// It is looked up anew for every call and cast, which costs no traffic.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Via {
    /// A registered name of the node where it is used: 1 to 255 bytes, not `undefined`.
    Local(String),
    /// A cluster name: 1 to 255 bytes of any value.
    Cluster(Vec<u8>),
    /// A group that whoever starts under it joins. Who only asks finds nobody before their
    /// own node takes part in the scope ([`Scope::start`]).
    Group {
        /// The scope: 1 to 255 bytes of any value.
        scope: Vec<u8>,
        /// The group: 1 to 255 bytes of any value.
        group: Vec<u8>,
    },
}

impl Via {
    /// A registered name of the node where it is used.
    pub fn local(name: impl Into<String>) -> Self {
        Self::Local(name.into())
    }

    /// A name that all connected nodes know.
    pub fn cluster(name: impl AsRef<[u8]>) -> Self {
        Self::Cluster(name.as_ref().to_vec())
    }

    /// A group of a scope.
    pub fn group(scope: impl AsRef<[u8]>, group: impl AsRef<[u8]>) -> Self {
        Self::Group { scope: scope.as_ref().to_vec(), group: group.as_ref().to_vec() }
    }

    /// Who is found by it now: of a group, whom a call would go to. Costs no traffic.
    #[must_use]
    pub fn whereis(&self) -> Option<Pid> {
        match self {
            Self::Local(name) => process::whereis(name),
            Self::Cluster(name) => names::whereis(name),
            Self::Group { scope, group } => {
                Scope::named(scope.clone()).closest(group).ok().flatten()
            }
        }
    }

    /// Makes it the calling actor's. When it returns, all connected nodes find the caller
    /// under a cluster name, and those of the scope soon in a group.
    pub(crate) fn register(&self, resolver: Resolver) -> Result<(), Refused> {
        match self {
            Self::Local(name) => register_local(name),
            Self::Cluster(name) => register_cluster(name, resolver),
            Self::Group { scope, group } => {
                let join = || Scope::start(scope)?.join(group, me());
                join().map_err(|error: GroupError| Refused::Failed(error.to_string()))
            }
        }
    }
}

fn register_local(name: &str) -> Result<(), Refused> {
    loop {
        match process::register(name, me()) {
            Ok(()) => return Ok(()),
            Err(RegisterError::Taken) => {
                // If the owner has just ended, the name is free.
                if let Some(by) = process::whereis(name) {
                    return Err(Refused::Taken { by, was_found: false });
                }
            }
            Err(error) => return Err(Refused::Failed(error.to_string())),
        }
    }
}

fn register_cluster(name: &[u8], resolver: Resolver) -> Result<(), Refused> {
    if let Some(by) = names::whereis(name) {
        return Err(Refused::Taken { by, was_found: false });
    }
    let settings = Settings { resolver, timeout: None };
    match names::register_with(name, me(), settings) {
        Ok(()) => Ok(()),
        Err(NameError::Taken(by)) => Err(Refused::Taken { by, was_found: true }),
        Err(error) => Err(Refused::Failed(error.to_string())),
    }
}

/// Why an actor did not get the name under which it was to start.
#[derive(Debug, PartialEq)]
pub(crate) enum Refused {
    /// It is somebody else's.
    Taken {
        by: Pid,
        /// Whether others may have found the caller under the name meanwhile, and wait for
        /// its answers.
        was_found: bool,
    },
    /// It is nobody's; in words.
    Failed(String),
}

impl fmt::Display for Via {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Local(name) => write!(f, "the local name `{}`", name.escape_debug()),
            Self::Cluster(name) => write!(f, "the cluster name `{}`", name.escape_ascii()),
            Self::Group { scope, group } => {
                write!(f, "the group `{}` of `{}`", group.escape_ascii(), scope.escape_ascii())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_shown_with_its_kind_and_without_control_characters() {
        assert_eq!(Via::local("till\n").to_string(), "the local name `till\\n`");
        assert_eq!(Via::cluster(b"a\xff").to_string(), "the cluster name `a\\xff`");
        assert_eq!(Via::group("shop", "staff").to_string(), "the group `staff` of `shop`");
    }
}
