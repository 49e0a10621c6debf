//! Wants, dials, incoming connections, losses: how a connection comes and goes.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::peers::{Pending, Up, Waits, bounded_addresses};
use super::{
    AutoConnect, CloseReason, Conn, DownReason, Effect, Effects, Failure, Node, NodeChange,
    NodeEvent, NodeInfo, Refusal, Settings, Want, bounded, name,
};
use crate::id::{ID_END, NodeId};

/// Wanting a node, and dialling it.
impl Node {
    /// Somebody sends to the node of this name, or otherwise needs it. `explicit` is the
    /// command to connect: it lifts the bar of [`AutoConnect::Once`], and works under
    /// [`AutoConnect::Never`].
    pub fn want(&mut self, name: &str, explicit: bool, effects: &mut Effects) -> Want {
        if self.settings.as_ref().is_some_and(|own| own.name == name) {
            return Want::Own;
        }
        match self.seek(name, explicit, effects) {
            Ok(Some(conn)) => Want::Up(conn),
            Ok(None) => Want::Pending,
            Err(reason) => {
                effects.push(Effect::Failed { name: name.to_owned(), reason });
                Want::Pending
            }
        }
    }

    /// Finds the connection to another node, or sees to it that there will be one.
    pub(super) fn seek(
        &mut self,
        name: &str,
        explicit: bool,
        effects: &mut Effects,
    ) -> Result<Option<Conn>, Failure> {
        let auto = self.may_meet(name)?.auto;
        let may_dial = explicit || auto != AutoConnect::Never;
        if !may_dial && self.peers.get(name).is_none() {
            // A stranger that is not even tried takes nobody's place.
            return Err(Failure::NotAutomatic);
        }
        let (name, peer) = self.peers.touch(name).ok_or(Failure::Full)?;
        if explicit {
            peer.barred = false;
        }
        let may_dial = may_dial && !peer.barred;
        if let Some(up) = &peer.up {
            return Ok(Some(up.conn));
        }
        match &mut peer.pending {
            Pending::Dial { .. } => {}
            Pending::Accept { waits, .. } if explicit || *waits == Waits::Nobody => {
                *waits = if may_dial { Waits::ToDial } else { Waits::Once };
            }
            Pending::Accept { .. } => {}
            Pending::Nothing if may_dial => self.dial(&name, true, effects),
            Pending::Nothing if peer.barred => return Err(Failure::Barred),
            Pending::Nothing => return Err(Failure::NotAutomatic),
        }
        Ok(None)
    }

    /// The answer to [`Effect::Dial`]: a connection on which the other side's `welcome`
    /// has come, with what it says, or why there is none.
    ///
    /// After [`Refusal::Simultaneous`] the other side's own connection is awaited: the
    /// owner answers the same attempt once more, with [`Failure::Timeout`], when the rest
    /// of the set-up time has run out.
    pub fn dialed(
        &mut self,
        name: &str,
        attempt: u64,
        outcome: Result<(Conn, NodeInfo), Failure>,
        effects: &mut Effects,
    ) {
        let is_current = self.peers.get(name).is_some_and(|peer| peer.attempt() == Some(attempt));
        match outcome {
            Ok((conn, _)) if !is_current => {
                effects.push(Effect::Close { conn, reason: CloseReason::Abandoned });
            }
            Err(_) if !is_current => {}
            Err(Failure::Refused(Refusal::Simultaneous)) => self.wait_for_other(name),
            Err(reason) => self.fail(name, reason, effects),
            Ok((conn, info)) if self.is_plausible(name, &info) => {
                self.keep(&Arc::from(name), conn, info, true, effects);
            }
            Ok((conn, _)) => {
                effects.push(Effect::Close { conn, reason: CloseReason::WrongNode });
                self.fail(name, Failure::WrongNode, effects);
            }
        }
    }

    /// The other side refused, because it dials this node.
    fn wait_for_other(&mut self, name: &str) {
        let pending = self.peers.get_mut(name).map(|peer| &mut peer.pending);
        if let Some(Pending::Dial { refused, .. }) = pending {
            *refused = true;
        }
    }

    /// Disconnects from the node of this name, and gives up connecting to it. Says whether
    /// it was connected. Whoever sends to it later connects again, unless
    /// [`AutoConnect::Once`] or [`AutoConnect::Never`] says otherwise.
    pub fn disconnect(&mut self, name: &str, effects: &mut Effects) -> bool {
        self.give_up(name, Failure::Disconnect, CloseReason::Disconnect, effects);
        self.down(name, DownReason::Disconnect, effects)
    }

    /// What is known to be wrong about connecting with the node of this name.
    pub(super) fn may_meet(&self, name: &str) -> Result<&Settings, Failure> {
        let own = self.settings.as_ref().ok_or(Failure::NotAlive)?;
        if !name::is_whole_name(name) {
            Err(Failure::Illegal)
        } else if name::is_long_name(name) != name::is_long_name(&own.name) {
            Err(Failure::Mixed)
        } else if own.allow.as_ref().is_some_and(|allow| !allow.iter().any(|one| one == name)) {
            Err(Failure::NotAllowed)
        } else {
            Ok(own)
        }
    }

    fn dial(&mut self, name: &str, again: bool, effects: &mut Effects) {
        let Some(peer) = self.peers.get_mut(name) else { return };
        self.attempts += 1;
        let attempt = self.attempts;
        peer.pending = Pending::Dial { attempt, refused: false, again };
        let (name, addresses) = (name.to_owned(), peer.addresses.clone());
        effects.push(Effect::Dial { name, attempt, addresses });
    }

    /// Nothing comes of what was pending, for which somebody waited.
    fn fail(&mut self, name: &str, reason: Failure, effects: &mut Effects) {
        if let Some(peer) = self.peers.get_mut(name) {
            peer.pending = Pending::Nothing;
            self.peers.tidy(name);
        }
        let reason = match reason {
            Failure::Unreachable(text) => Failure::Unreachable(bounded(text)),
            other => other,
        };
        effects.push(Effect::Failed { name: name.to_owned(), reason });
    }

    /// Ends what is pending with the node of this name.
    pub(super) fn give_up(
        &mut self,
        name: &str,
        failure: Failure,
        reason: CloseReason,
        effects: &mut Effects,
    ) {
        let Some(peer) = self.peers.get_mut(name) else { return };
        let awaited = match peer.pending {
            Pending::Nothing => return,
            Pending::Dial { .. } => true,
            Pending::Accept { conn, waits, .. } => {
                self.conns.remove(&conn);
                effects.push(Effect::Close { conn, reason });
                waits != Waits::Nobody
            }
        };
        peer.pending = Pending::Nothing;
        self.peers.tidy(name);
        if awaited {
            self.fail(name, failure, effects);
        }
    }
}

/// Incoming connections.
impl Node {
    /// Somebody opened this connection, and proved to know the cookie, saying that it is
    /// that run of the node of that name. Ends in [`Effect::Welcome`] or
    /// [`Effect::Refuse`].
    pub fn offered(&mut self, conn: Conn, name: &str, id: NodeId, effects: &mut Effects) {
        debug_assert!(!self.conns.contains_key(&conn), "the owner numbers connections");
        match self.welcome(conn, name, id, effects) {
            Ok(()) => effects.push(Effect::Welcome { conn }),
            Err(refusal) => effects.push(Effect::Refuse { conn, refusal }),
        }
    }

    fn welcome(
        &mut self,
        conn: Conn,
        name: &str,
        id: NodeId,
        effects: &mut Effects,
    ) -> Result<(), Refusal> {
        let own = self.may_meet(name).map_err(|_| Refusal::NotAllowed)?;
        if own.name == name {
            return Err(Refusal::NameInUse);
        }
        let own_wins = *own.name > *name;
        let (name, peer) = self.peers.touch(name).ok_or(Refusal::Busy)?;
        let waits = match peer.pending {
            Pending::Nothing => Waits::Nobody,
            Pending::Dial { refused: false, .. } if own_wins => return Err(Refusal::Simultaneous),
            Pending::Dial { again: true, .. } => Waits::ToDial,
            Pending::Dial { again: false, .. } => Waits::Once,
            Pending::Accept { conn, waits, .. } => {
                self.conns.remove(&conn);
                effects.push(Effect::Close { conn, reason: CloseReason::Superseded });
                waits
            }
        };
        peer.pending = Pending::Accept { conn, id, waits };
        self.conns.insert(conn, name);
        Ok(())
    }

    /// The `about` of a connection that was welcomed. Nothing happens if it was given up
    /// meanwhile.
    pub fn accepted(&mut self, conn: Conn, info: NodeInfo, effects: &mut Effects) {
        let Some(name) = self.conns.get(&conn).cloned() else { return };
        let pending = self.peers.get(&name).map(|peer| peer.pending);
        let Some(Pending::Accept { conn: pending, id, .. }) = pending else { return };
        if pending != conn {
            return;
        }
        if info.id == id.get() && self.is_plausible(&name, &info) {
            self.down(&name, DownReason::Superseded, effects);
            self.keep(&name, conn, info, false, effects);
        } else {
            effects.push(Effect::Close { conn, reason: CloseReason::WrongNode });
            self.came_to_nothing(&name, effects);
        }
    }

    /// A connection that was welcomed will not be accepted.
    fn came_to_nothing(&mut self, name: &str, effects: &mut Effects) {
        let Some(peer) = self.peers.get_mut(name) else { return };
        let Pending::Accept { conn, waits, .. } = peer.pending else { return };
        peer.pending = Pending::Nothing;
        self.conns.remove(&conn);
        match waits {
            Waits::Nobody => self.peers.tidy(name),
            Waits::Once => self.fail(name, Failure::Closed, effects),
            Waits::ToDial => self.dial(name, false, effects),
        }
    }
}

/// Connections that are kept, and their loss.
impl Node {
    /// A connection that was welcomed or kept has ended, or must: the transport ended,
    /// nothing came for the tick time, or the other side broke a rule. What came over it
    /// has been delivered. Nothing happens if it was given up meanwhile.
    pub fn lost(&mut self, conn: Conn, reason: DownReason, effects: &mut Effects) {
        let Some(name) = self.conns.get(&conn).cloned() else { return };
        let up = self.connection(&name);
        if up == Some(conn) {
            let reason = match reason {
                DownReason::Violation(text) => DownReason::Violation(bounded(text)),
                other => other,
            };
            self.down(&name, reason, effects);
        } else {
            self.came_to_nothing(&name, effects);
        }
    }

    /// Whether a node that says this about itself can be the one of that name.
    fn is_plausible(&self, name: &str, info: &NodeInfo) -> bool {
        let is_id = (1..ID_END).contains(&info.id) && info.id != self.id.get();
        info.name == name && is_id
    }

    /// From now on this is the connection to the node of that name, which has none.
    fn keep(
        &mut self,
        name: &Arc<str>,
        conn: Conn,
        info: NodeInfo,
        initiated: bool,
        effects: &mut Effects,
    ) {
        let own_hidden = self.settings.as_ref().is_some_and(|own| own.hidden);
        let Some((name, peer)) = self.peers.touch(name) else { return };
        debug_assert!(peer.up.is_none(), "the old connection went down before");
        let info = NodeInfo { addresses: bounded_addresses(info.addresses), ..info };
        let hidden = own_hidden || info.hidden;
        let id = NodeId::from_wire(info.id);
        peer.addresses.clone_from(&info.addresses);
        let asked = BTreeSet::new();
        peer.up = Some(Up { conn, info: info.clone(), hidden, initiated, asked });
        peer.pending = Pending::Nothing;
        peer.barred = false;
        peer.was_hidden = hidden;
        self.peers.saw_id(&name, id);
        self.conns.insert(conn, Arc::clone(&name));
        self.became_known(id, effects);
        effects.push(Effect::Keep { conn, info, initiated });
        let change = NodeChange { name: name.to_string(), id, hidden, event: NodeEvent::Up };
        self.subscribers.tell(change, effects);
        self.introduce(&name, effects);
    }

    /// The connection to the node of this name, if there is one, is no more. Says whether
    /// there was one.
    pub(super) fn down(&mut self, name: &str, reason: DownReason, effects: &mut Effects) -> bool {
        let once = self.settings.as_ref().is_some_and(|own| own.auto == AutoConnect::Once);
        let Some(peer) = self.peers.get_mut(name) else { return false };
        let Some(Up { conn, info, hidden, .. }) = peer.up.take() else { return false };
        peer.barred = once;
        self.conns.remove(&conn);
        let (name, id) = (name.to_owned(), NodeId::from_wire(info.id));
        effects.push(Effect::Down { conn, info, reason: reason.clone() });
        let event = NodeEvent::Down(reason);
        self.subscribers.tell(NodeChange { name, id, hidden, event }, effects);
        self.no_answers(conn, effects);
        true
    }
}

#[cfg(test)]
#[path = "connect_test.rs"]
mod tests;
