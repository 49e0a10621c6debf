//! What puppets live on: a node of this process, or one of another process.

use odeon::{Native, Spawn};
use odeon_core::Reason;
use odeon_core::process::Filter;

use crate::cluster::{self, Heard};
use crate::{Watch, Word as _, protocol};

/// A node, wherever it runs.
#[derive(Clone)]
pub enum Ground {
    /// In this process.
    Here(odeon::Node),
    /// In another one.
    There(cluster::Node),
}

impl From<odeon::Node> for Ground {
    fn from(node: odeon::Node) -> Self {
        Self::Here(node)
    }
}

impl From<cluster::Node> for Ground {
    fn from(node: cluster::Node) -> Self {
        Self::There(node)
    }
}

/// An actor of the host that a test sees through.
pub(crate) enum Tester {
    Here(Native),
    There(cluster::Native),
}

/// The end of an actor, to be waited for.
pub enum Ended {
    /// Of this process.
    Here(odeon::Ended),
    /// Of another one.
    There(cluster::Ended),
}

impl Ended {
    /// Why it ended.
    pub async fn wait(self) -> Reason {
        match self {
            Self::Here(ended) => ended.wait().await,
            Self::There(ended) => ended.wait().await,
        }
    }
}

impl Ground {
    pub(crate) fn tester(&self, what: &str) -> Tester {
        match self {
            Self::Here(node) => Tester::Here(node.native(what)),
            Self::There(node) => Tester::There(node.native(what)),
        }
    }

    /// Watches an actor from now on.
    pub(crate) fn watch(&self, pid: protocol::Pid) -> Watch {
        let mut watcher = self.tester("watcher");
        match &mut watcher {
            Tester::Here(native) => drop(native.monitor(pid.word())),
            Tester::There(native) => drop(native.monitor(pid.word())),
        }
        Watch { pid, watcher }
    }

    /// Makes an actor, and watches it from before it runs.
    ///
    /// # Panics
    /// It cannot be made.
    pub async fn spawn(&self, spawn: Spawn) -> Ended {
        const MADE: &str = "an actor can be made";
        match self {
            Self::Here(node) => Ended::Here(node.spawn_watched(spawn).await.expect(MADE).1),
            Self::There(node) => Ended::There(node.spawn_watched(spawn).await.expect(MADE).1),
        }
    }

    /// Deploys a module.
    ///
    /// # Panics
    /// The node does not take it.
    pub fn deploy(&self, name: &str, bytes: &[u8]) {
        match self {
            Self::Here(node) => drop(node.modules().deploy(name, bytes).expect("it is sound")),
            Self::There(node) => node.deploy(name, bytes).expect("it is sound"),
        }
    }

    /// Sends an exit signal.
    pub(crate) fn exit(&self, to: protocol::Pid, reason: Reason) {
        match self {
            Self::Here(node) => node.exit(to.word(), reason),
            Self::There(node) => node.exit(to.word(), reason),
        }
    }

    /// Whether this actor lives there.
    pub(crate) fn has(&self, pid: protocol::Pid) -> bool {
        match self {
            Self::Here(node) => node.actor(pid.word()).is_some(),
            Self::There(node) => node.actor(pid.word()).is_some(),
        }
    }
}

impl Tester {
    pub(crate) fn pid(&self) -> protocol::Pid {
        match self {
            Self::Here(native) => native.pid().word(),
            Self::There(native) => native.pid().word(),
        }
    }

    pub(crate) fn send_to_alias(&self, alias: protocol::Reference, body: Vec<u8>) {
        match self {
            Self::Here(native) => native.send_to_alias(alias.word(), body.into()),
            Self::There(native) => native.send_to_alias(alias, body),
        }
    }

    /// The next message.
    pub(crate) async fn next_body(&mut self) -> bytes::Bytes {
        loop {
            match self.next().await {
                Heard::Message(body) => return body.into(),
                Heard::Down { .. } => {}
            }
        }
    }

    /// Why the next one ended that it watches.
    pub(crate) async fn next_reason(&mut self) -> protocol::Reason {
        loop {
            match self.next().await {
                Heard::Message(_) => {}
                Heard::Down { reason, .. } => return reason,
            }
        }
    }

    async fn next(&mut self) -> Heard {
        let native = match self {
            Self::Here(native) => native,
            Self::There(native) => {
                return native.receive().await.expect("the node's process ended too early");
            }
        };
        loop {
            let event = native.receive(Filter::Any).await;
            if let Some(heard) = event.map(Heard::of).expect("nobody ends a tester") {
                return heard;
            }
        }
    }
}
