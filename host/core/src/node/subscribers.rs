//! Who hears of nodes coming and going (`net_kernel:monitor_nodes/2`).

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{Effect, Effects, NodeChange};
use crate::id::Pid;

/// The most subscribers. One more is refused.
pub const SUBSCRIBERS_MAX: usize = 65_536;

/// The most subscriptions of one subscriber. One more is refused: each costs a message
/// for each change.
pub const SUBSCRIPTIONS_PER_SUBSCRIBER_MAX: usize = 16;

/// Which nodes a subscription is about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Interest {
    /// Those with a connection that is not hidden.
    #[default]
    Visible,
    /// Those with a hidden connection.
    Hidden,
    /// All.
    All,
}

impl Interest {
    fn fits(self, hidden: bool) -> bool {
        match self {
            Self::Visible => !hidden,
            Self::Hidden => hidden,
            Self::All => true,
        }
    }
}

/// No more subscriptions are taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SubscriptionsFull {
    /// Of anybody who has none yet.
    #[error("more than {SUBSCRIBERS_MAX} subscribers to node changes")]
    Subscribers,
    /// Of this subscriber.
    #[error(
        "more than {SUBSCRIPTIONS_PER_SUBSCRIBER_MAX} subscriptions of one actor to node changes"
    )]
    OfThisSubscriber,
}

/// All subscriptions.
#[derive(Debug, Default)]
pub(super) struct Subscribers {
    /// Of each subscriber, in the order in which it subscribed. Never empty.
    all: BTreeMap<Pid, Vec<Interest>>,
}

impl Subscribers {
    pub(super) fn add(&mut self, pid: Pid, interest: Interest) -> Result<(), SubscriptionsFull> {
        if self.all.len() >= SUBSCRIBERS_MAX && !self.all.contains_key(&pid) {
            return Err(SubscriptionsFull::Subscribers);
        }
        let subscriptions = self.all.entry(pid).or_default();
        if subscriptions.len() >= SUBSCRIPTIONS_PER_SUBSCRIBER_MAX {
            return Err(SubscriptionsFull::OfThisSubscriber);
        }
        subscriptions.push(interest);
        Ok(())
    }

    pub(super) fn remove(&mut self, pid: Pid, interest: Interest) -> usize {
        let Some(subscriptions) = self.all.get_mut(&pid) else { return 0 };
        let before = subscriptions.len();
        subscriptions.retain(|other| *other != interest);
        let removed = before - subscriptions.len();
        if subscriptions.is_empty() {
            self.all.remove(&pid);
        }
        removed
    }

    pub(super) fn gone(&mut self, pid: Pid) {
        self.all.remove(&pid);
    }

    /// One event for each subscription that this fits.
    pub(super) fn tell(&self, change: NodeChange, effects: &mut Effects) {
        let change = Arc::new(change);
        for (pid, subscriptions) in &self.all {
            for _ in subscriptions.iter().filter(|interest| interest.fits(change.hidden)) {
                effects.push(Effect::Tell { to: *pid, change: Arc::clone(&change) });
            }
        }
    }
}

#[cfg(test)]
#[path = "subscribers_test.rs"]
mod tests;
