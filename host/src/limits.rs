//! What one actor may use, and how a spawn narrows it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use serde::{Deserialize, Serialize};

/// The maxima of one actor. Each is named in the exit reason or error of whoever
/// runs into it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Limits {
    /// Bytes of all linear memories together (`memory-bytes-max`).
    pub memory_bytes: u64,
    /// Elements of each table (`table-elements-max`).
    pub table_elements: u64,
    /// Signals that wait for the actor (`mailbox-messages-max`).
    pub mailbox_messages: u64,
    /// Bytes of the signals that wait for the actor (`mailbox-bytes-max`).
    pub mailbox_bytes: u64,
    /// Living actors that descend from this one (`children-max`).
    pub children: u64,
    /// Timers that run at one time (`timers-max`).
    pub timers: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            memory_bytes: 64 << 20,
            table_elements: 100_000,
            mailbox_messages: odeon_core::limits::MAILBOX_MESSAGES_MAX as u64,
            mailbox_bytes: odeon_core::limits::MAILBOX_BYTES_MAX as u64,
            children: 10_000,
            timers: 10_000,
        }
    }
}

/// Limits that a spawn asks for; what is absent stays as it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct LimitsPatch {
    /// See [`Limits::memory_bytes`].
    pub memory_bytes: Option<u64>,
    /// See [`Limits::table_elements`].
    pub table_elements: Option<u64>,
    /// See [`Limits::mailbox_messages`].
    pub mailbox_messages: Option<u64>,
    /// See [`Limits::mailbox_bytes`].
    pub mailbox_bytes: Option<u64>,
    /// See [`Limits::children`].
    pub children: Option<u64>,
    /// See [`Limits::timers`].
    pub timers: Option<u64>,
}

impl Limits {
    /// These limits, set to what the patch says. For the node's own operator.
    pub fn with(self, patch: &LimitsPatch) -> Self {
        Self {
            memory_bytes: patch.memory_bytes.unwrap_or(self.memory_bytes),
            table_elements: patch.table_elements.unwrap_or(self.table_elements),
            mailbox_messages: patch.mailbox_messages.unwrap_or(self.mailbox_messages),
            mailbox_bytes: patch.mailbox_bytes.unwrap_or(self.mailbox_bytes),
            children: patch.children.unwrap_or(self.children),
            timers: patch.timers.unwrap_or(self.timers),
        }
    }

    /// These limits, where the patch says less: a child never has more than its parent.
    pub fn narrowed(self, patch: &LimitsPatch) -> Self {
        let asked = self.with(patch);
        Self {
            memory_bytes: asked.memory_bytes.min(self.memory_bytes),
            table_elements: asked.table_elements.min(self.table_elements),
            mailbox_messages: asked.mailbox_messages.min(self.mailbox_messages),
            mailbox_bytes: asked.mailbox_bytes.min(self.mailbox_bytes),
            children: asked.children.min(self.children),
            timers: asked.timers.min(self.timers),
        }
    }

    /// The part that the pure core watches over.
    pub(crate) fn core(&self) -> odeon_core::process::Limits {
        odeon_core::process::Limits {
            mailbox_messages: usize::try_from(self.mailbox_messages).unwrap_or(usize::MAX),
            mailbox_bytes: usize::try_from(self.mailbox_bytes).unwrap_or(usize::MAX),
            relations: odeon_core::limits::RELATIONS_MAX,
        }
    }
}

/// Counts the living descendants of an actor, against its `children` limit and
/// against those of its ancestors.
#[derive(Debug)]
pub(crate) struct Quota {
    living: AtomicU64,
    max: u64,
    parent: Option<Arc<Quota>>,
}

impl Quota {
    pub(crate) fn new(max: u64, parent: Option<Arc<Quota>>) -> Arc<Self> {
        Arc::new(Self { living: AtomicU64::new(0), max, parent })
    }

    /// Takes a place here and in every ancestor, or says which limit is in the way.
    pub(crate) fn take(self: &Arc<Self>) -> Result<(), u64> {
        let taken = self.living.fetch_update(Ordering::AcqRel, Ordering::Acquire, |living| {
            (living < self.max).then_some(living + 1)
        });
        if taken.is_err() {
            return Err(self.max);
        }
        if let Some(Err(max)) = self.parent.as_ref().map(Quota::take) {
            self.living.fetch_sub(1, Ordering::AcqRel);
            return Err(max);
        }
        Ok(())
    }

    /// Gives a place back.
    pub(crate) fn give(&self) {
        let mut quota = Some(self);
        while let Some(this) = quota {
            this.living.fetch_sub(1, Ordering::AcqRel);
            quota = this.parent.as_deref();
        }
    }
}

/// A place among an actor's descendants, for what is no actor; given back when dropped.
pub(crate) struct Place(Option<Arc<Quota>>);

impl Place {
    /// Whoever makes this has taken the place.
    pub(crate) fn taken(quota: Arc<Quota>) -> Self {
        Self(Some(quota))
    }

    /// Leaves it to others to give the place back.
    pub(crate) fn keep(mut self) -> Option<Arc<Quota>> {
        self.0.take()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Some(quota) = &self.0 {
            quota.give();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_child_never_has_more_than_its_parent() {
        let parent = Limits { memory_bytes: 100, ..Limits::default() };
        let patch = LimitsPatch { memory_bytes: Some(1000), timers: Some(1), ..Default::default() };
        let child = parent.narrowed(&patch);
        assert_eq!((child.memory_bytes, child.timers), (100, 1));
        assert_eq!(parent.with(&patch).memory_bytes, 1000);
    }

    #[test]
    fn a_quota_counts_against_every_ancestor_and_gives_places_back() {
        let parent = Quota::new(2, None);
        let child = Quota::new(10, Some(Arc::clone(&parent)));
        assert_eq!(child.take(), Ok(()));
        assert_eq!(parent.take(), Ok(()));
        assert_eq!(child.take(), Err(2));
        child.give();
        assert_eq!(parent.take(), Ok(()));
        assert_eq!(parent.take(), Err(2));
        // The failed attempt left no trace in the child's own count.
        assert_eq!(child.living.load(Ordering::Relaxed), 0);
    }
}
