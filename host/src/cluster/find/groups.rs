//! Groups: what actors and other nodes ask, and what the machine wants to be done.

use std::sync::Arc;

use bytes::Bytes;
use odeon_core::groups::{self, Effect, Effects, Error, Frame, Groups};
use odeon_core::signal::Signal;
use odeon_core::wire::Item;
use odeon_core::{Envelope, Key, NodeId, Pid, Reference};

use super::{Find, Heard, Turn};
use crate::cluster::{self, Link};
use crate::runtime::{Runtime, Sent};

/// A group, and its members as often as they joined.
pub(crate) type Membership = (Key, Vec<Pid>);

/// To whom a message to a group goes.
pub(crate) struct Audience {
    scope: Key,
    group: Key,
    /// The members of this node, as often as they joined.
    pub(crate) local: Vec<Pid>,
    /// The ways to the other nodes that have members.
    links: Vec<Arc<Link>>,
}

impl Audience {
    /// Whether a connection on the way is behind.
    pub(crate) fn is_behind(&self) -> bool {
        self.links.iter().any(|link| link.is_busy())
    }

    /// Sends to all of them. Says what that costs the sender.
    pub(crate) fn send(self, runtime: &Runtime, from: Pid, body: Bytes) -> Sent {
        let mut cost = Sent::Taken;
        for to in self.local {
            let signal = Signal::Message { via: None, priority: false, body: body.clone() };
            if let Sent::Crowded = runtime.route(Envelope { from, to, signal }) {
                cost = Sent::Crowded;
            }
        }
        for link in self.links {
            let (scope, group) = (self.scope.clone(), self.group.clone());
            if link.to_group(from.serial, scope, group, body.clone()) == cluster::Sent::Busy {
                cost = Sent::Busy(link);
            }
        }
        cost
    }
}

impl Find {
    /// This node takes part in a scope from now on. False if it did already.
    pub(crate) fn start_scope(&self, runtime: &Runtime, scope: &Key) -> Result<bool, Error> {
        self.turn(runtime, |turn| turn.groups(|groups, effects| groups.start(scope, effects)))
    }

    /// This node takes no more part in a scope. False if it took none.
    pub(crate) fn stop_scope(&self, runtime: &Runtime, scope: &Key) -> bool {
        self.turn(runtime, |turn| turn.groups(|groups, effects| groups.stop(scope, effects)))
    }

    /// The scopes that this node takes part in.
    pub(crate) fn scopes(&self) -> Vec<Key> {
        self.machines.lock().groups.scopes().cloned().collect()
    }

    /// Actors of this node join a group.
    pub(crate) fn join(
        &self,
        runtime: &Runtime,
        scope: &Key,
        group: &Key,
        pids: &[Pid],
    ) -> Result<(), Error> {
        self.turn(runtime, |turn| {
            turn.groups(|groups, effects| groups.join(scope, group, pids, effects))
        })
    }

    /// Actors of this node leave a group.
    pub(crate) fn leave(
        &self,
        runtime: &Runtime,
        scope: &Key,
        group: &Key,
        pids: &[Pid],
    ) -> Result<(), Error> {
        self.turn(runtime, |turn| {
            turn.groups(|groups, effects| groups.leave(scope, group, pids, effects))
        })
    }

    /// Looks something up in a scope.
    ///
    /// # Errors
    /// This node takes no part in it.
    pub(crate) fn look<R>(&self, scope: &Key, look: impl FnOnce(&Groups) -> R) -> Result<R, Error> {
        let machines = self.machines.lock();
        match machines.groups.has_scope(scope) {
            true => Ok(look(&machines.groups)),
            false => Err(Error::NoScope),
        }
    }

    /// An actor of this node hears of joins and leaves from now on.
    pub(crate) fn monitor(
        &self,
        runtime: &Runtime,
        pid: Pid,
        scope: &Key,
        group: Option<&Key>,
    ) -> Result<(Reference, Vec<Membership>), Error> {
        let reference = runtime.fresh_reference();
        let members = self.turn(runtime, |turn| {
            turn.groups(|groups, effects| groups.monitor(pid, reference, scope, group, effects))
        })?;
        Ok((reference, members))
    }

    /// An actor of this node hears no more of them: all that it will ever hear is in its
    /// inbox. False if it has no such monitor.
    pub(crate) fn demonitor(&self, runtime: &Runtime, pid: Pid, monitor: Reference) -> bool {
        self.turn(runtime, |turn| {
            turn.machines.groups.owner_of(monitor) == Some(pid)
                && turn.groups(|groups, effects| groups.demonitor(monitor, effects))
        })
    }

    /// To whom a message to a group goes: its members here, and the ways to nodes that
    /// have members.
    pub(crate) fn audience(&self, scope: &Key, group: &Key) -> Result<Audience, Error> {
        let machines = self.machines.lock();
        if !machines.groups.has_scope(scope) {
            return Err(Error::NoScope);
        }
        let groups::Audience { local, remote } = machines.groups.audience(scope, group);
        let links = remote.iter().filter_map(|node| machines.links.get(node).map(Arc::clone));
        let (scope, group, links) = (scope.clone(), group.clone(), links.collect());
        Ok(Audience { scope, group, local, links })
    }

    /// Who gets a message to a group that comes from another node.
    pub(crate) fn audience_of(&self, from: NodeId, scope: &Key, group: &Key) -> Vec<Pid> {
        let machines = self.machines.lock();
        // Hidden nodes have no part in groups.
        match machines.links.contains_key(&from) {
            true => machines.groups.local_members(scope, group),
            false => Vec::new(),
        }
    }

    /// The machine of another node says this.
    pub(in crate::cluster) fn heard_of_groups(
        &self,
        runtime: &Runtime,
        from: NodeId,
        frame: Frame,
    ) -> Heard {
        self.heard(runtime, |turn| {
            turn.groups(|groups, effects| groups.received(from, frame, effects));
        })
    }
}

impl Turn<'_> {
    /// Tells the machine of groups one thing, and carries out what follows.
    pub(super) fn groups<R>(&mut self, event: impl FnOnce(&mut Groups, &mut Effects) -> R) -> R {
        let mut effects = Effects::new();
        let result = event(&mut self.machines.groups, &mut effects);
        for effect in effects {
            match effect {
                Effect::Send { to, frame } => self.send(to, &Item::Groups(frame)),
                Effect::Watch(pid) => self.watch(pid),
                // An end that is told and was not asked for changes nothing.
                Effect::Unwatch(_) => {}
                Effect::Tell { to, reference, change } => {
                    self.tell(to, Signal::Group { monitor: reference, change });
                }
                Effect::Violation { violation, .. } => {
                    self.heard.violation = Some(violation.to_string());
                }
            }
        }
        result
    }
}
