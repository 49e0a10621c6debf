//! Who hears of joins and leaves (`pg:monitor/2`, `pg:monitor_scope/1`).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::effect::{Change, Effect, Effects};
use super::{Actor, Error, Groups, MONITORS_MAX};
use crate::id::{NodeId, Pid, Reference};
use crate::key::Key;

/// What a monitor is about: a scope, and a group of it or all.
type About = (Key, Option<Key>);

/// All monitors of a node.
#[derive(Debug, Default)]
pub(super) struct Monitors {
    all: BTreeMap<Reference, (Pid, About)>,
    /// Never empty.
    by_about: BTreeMap<About, BTreeSet<Reference>>,
}

impl Monitors {
    /// Ends a monitor. Gives whose it was.
    pub(super) fn end(&mut self, reference: Reference) -> Option<Pid> {
        let (pid, about) = self.all.remove(&reference)?;
        if let Some(references) = self.by_about.get_mut(&about) {
            references.remove(&reference);
            if references.is_empty() {
                self.by_about.remove(&about);
            }
        }
        Some(pid)
    }

    /// Ends the monitors of a scope and of its groups. Gives them, and whose they were.
    pub(super) fn end_scope(&mut self, scope: &Key) -> Vec<(Reference, u64)> {
        let of_scope = self.all.iter().filter(|(_, (_, about))| about.0 == *scope);
        let ended: Vec<_> = of_scope.map(|(one, (pid, _))| (*one, pid.serial)).collect();
        for (reference, _) in &ended {
            self.end(*reference);
        }
        ended
    }

    /// Tells those that it concerns.
    pub(super) fn tell(
        &self,
        scope: &Key,
        group: &Key,
        joined: bool,
        node: NodeId,
        serials: &[u64],
        effects: &mut Effects,
    ) {
        if serials.is_empty() || self.all.is_empty() {
            return;
        }
        let of = |about: About| self.by_about.get(&about).into_iter().flatten();
        let of_group = of((scope.clone(), Some(group.clone())));
        let mut concerned = of_group.chain(of((scope.clone(), None))).peekable();
        if concerned.peek().is_none() {
            return;
        }
        let members = serials.iter().map(|serial| Pid { node, serial: *serial }).collect();
        let (scope, group) = (scope.clone(), group.clone());
        let change = Arc::new(Change { scope, group, joined, members });
        for reference in concerned {
            let Some((to, _)) = self.all.get(reference) else { continue };
            let (to, reference, change) = (*to, *reference, Arc::clone(&change));
            effects.push(Effect::Tell { to, reference, change });
        }
    }

    #[cfg(any(test, feature = "sim"))]
    pub(super) fn is_empty(&self) -> bool {
        self.all.is_empty() && self.by_about.is_empty()
    }
}

impl Groups {
    /// From now on this actor of this node hears of joins and leaves, of one group or of
    /// all of a scope. Gives the members before the first event: of that group, or of
    /// all that have any.
    ///
    /// # Errors
    /// When the scope was not started, the actor is not of this node, or there are too
    /// many monitors.
    pub fn monitor(
        &mut self,
        pid: Pid,
        reference: Reference,
        scope: &Key,
        group: Option<&Key>,
        effects: &mut Effects,
    ) -> Result<Vec<(Key, Vec<Pid>)>, Error> {
        let Some(found) = self.scopes.get(scope) else { return Err(Error::NoScope) };
        if pid.node != self.own {
            return Err(Error::NotLocal);
        }
        if self.monitors.all.len() >= MONITORS_MAX {
            return Err(Error::Limit);
        }
        let about = (scope.clone(), group.cloned());
        self.monitors.by_about.entry(about.clone()).or_default().insert(reference);
        self.monitors.all.insert(reference, (pid, about));
        let actor = self.actors.entry(pid.serial).or_insert_with(|| {
            effects.push(Effect::Watch(pid));
            Actor::default()
        });
        actor.monitors.insert(reference);
        Ok(match group {
            Some(group) => vec![(group.clone(), found.members(group))],
            None => found.names().map(|group| (group.clone(), found.members(group))).collect(),
        })
    }

    /// Whose this monitor is.
    pub fn owner_of(&self, monitor: Reference) -> Option<Pid> {
        self.monitors.all.get(&monitor).map(|(pid, _)| *pid)
    }

    /// Ends a monitor. False if there was none. The owner drops events that wait.
    pub fn demonitor(&mut self, reference: Reference, effects: &mut Effects) -> bool {
        let Some(pid) = self.monitors.end(reference) else { return false };
        if let Some(actor) = self.actors.get_mut(&pid.serial) {
            actor.monitors.remove(&reference);
        }
        self.tidy(pid.serial, effects);
        true
    }
}

#[cfg(test)]
#[path = "monitors_test.rs"]
mod tests;
