//! What another node says, carried out here: signals into inboxes, spawn requests
//! and calls into actors. The other node speaks for its own actors only, since a frame names
//! its sender by serial; what it says about anything else finds nobody.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use odeon_core::node::QUESTIONS_MAX;
use odeon_core::process::undeliverable;
use odeon_core::signal::Signal;
use odeon_core::wire::{Address, Item};
use odeon_core::{Envelope, Key, NodeId, Pid};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::find::Heard;
use super::keeper::Event;
use super::link::Link;
use crate::cell::Cell;
use crate::runtime::{Runtime, is_kill};
use crate::wasm::brief::{self, Brief};

/// Lists of nodes of one connection that the keeper has not looked at: as many as tell of
/// all nodes that a node can know, four times over.
pub(super) const NEWS_MAX: usize = 64;

/// Questions and answers of one connection that the keeper has not looked at: as many as
/// an honest node can have under way in both directions.
pub(super) const QUESTIONS_UNREAD_MAX: usize = 2 * QUESTIONS_MAX;

/// One connection's way into this node.
pub(super) struct Delivery {
    pub(super) runtime: Arc<Runtime>,
    pub(super) link: Arc<Link>,
    pub(super) node: NodeId,
    pub(super) conn: u64,
    /// News of nodes that the keeper has not looked at.
    pub(super) news: Arc<Semaphore>,
    /// Room for questions and answers that the keeper has not looked at.
    pub(super) questions: Arc<Semaphore>,
    /// Room for spawn requests that are being carried out, in KiB.
    pub(super) spawns: Arc<Semaphore>,
    /// Whom the last signals were for: a busy connection serves few actors at a time.
    pub(super) last: Option<Arc<Cell>>,
    /// Actors were made, or answered, that have not run yet: what they say goes out with
    /// what is told on their behalf.
    pub(super) made: bool,
    /// Calls that came together and run together.
    pub(super) calls: Vec<Brief>,
    /// What goes out to these nodes, once their connections are woken.
    pub(super) told: BTreeMap<NodeId, Arc<Link>>,
}

impl Delivery {
    /// Carries out one item.
    ///
    /// # Errors
    /// When the other side broke a rule, which the text names.
    pub(super) fn item(&mut self, item: Item) -> Result<(), String> {
        match item {
            Item::Signal { from, to, signal } => {
                self.signal(Pid { node: self.node, serial: from }, to, signal);
            }
            Item::Spawn(request) => {
                super::spawn::asked(self, *request);
            }
            Item::Call(request) => super::call::asked(self, *request),
            Item::Names(frame) => {
                let find = &self.runtime.cluster.find;
                let heard = find.heard_of_names(&self.runtime, self.node, frame);
                return self.heard(heard);
            }
            Item::Groups(frame) => {
                let find = &self.runtime.cluster.find;
                let heard = find.heard_of_groups(&self.runtime, self.node, frame);
                return self.heard(heard);
            }
            Item::Locks(frame) => {
                let find = &self.runtime.cluster.find;
                let heard = find.heard_of_locks(&self.runtime, self.node, frame);
                return self.heard(heard);
            }
            Item::ToGroup { from, scope, group, body } => {
                self.to_group(from, &scope, &group, &body)
            }
            Item::Nodes(nodes) => {
                let Ok(unread) = Arc::clone(&self.news).try_acquire_owned() else {
                    return Err(format!("more than {NEWS_MAX} lists of nodes at one time"));
                };
                self.runtime.cluster.event(Event::Heard { conn: self.conn, nodes, unread });
            }
            Item::WhoIs(id) => {
                let unread = self.question()?;
                self.runtime.cluster.event(Event::Asked { conn: self.conn, id, unread });
            }
            Item::ThatIs(id, answer) => {
                let (conn, unread) = (self.conn, self.question()?);
                self.runtime.cluster.event(Event::Answered { conn, id, answer, unread });
            }
        }
        Ok(())
    }

    /// Room for one more question or answer that the keeper has not looked at.
    fn question(&self) -> Result<OwnedSemaphorePermit, String> {
        let unread = Arc::clone(&self.questions).try_acquire_owned();
        unread.map_err(|_| format!("more than {QUESTIONS_UNREAD_MAX} questions at one time"))
    }

    /// Goes on from what the machines of names, groups and locks made of a frame.
    fn heard(&mut self, heard: Heard) -> Result<(), String> {
        self.made |= heard.is_answered;
        self.told.extend(heard.told);
        heard.violation.map_or(Ok(()), Err)
    }

    /// Begins what came together and runs together.
    pub(super) fn run_calls(&mut self) {
        if !self.calls.is_empty() {
            brief::run_next(&self.runtime, std::mem::take(&mut self.calls));
        }
    }

    /// Lets go out what was told to other nodes; this connection's own task looks by itself.
    pub(super) fn wake_told(&mut self) {
        for link in std::mem::take(&mut self.told).into_values() {
            if !Arc::ptr_eq(&link, &self.link) {
                link.wake();
            }
        }
    }

    /// A message to all members of a group that live here.
    fn to_group(&self, from: u64, scope: &Key, group: &Key, body: &Bytes) {
        let from = Pid { node: self.node, serial: from };
        for to in self.runtime.cluster.find.audience_of(self.node, scope, group) {
            let signal = Signal::Message { via: None, priority: false, body: body.clone() };
            self.runtime.route(Envelope { from, to, signal });
        }
    }

    fn signal(&mut self, from: Pid, to: Address, signal: Signal) {
        let by_name = matches!(to, Address::Name(_));
        let meant = match to {
            Address::Actor(serial) => serial,
            Address::Name(_) | Address::Alias(_) => 0,
        };
        let found = match to {
            Address::Actor(serial) => match &self.last {
                Some(cell) if cell.pid.serial == serial => Some(Arc::clone(cell)),
                _ => self.find(serial, &signal),
            },
            Address::Name(name) => self.runtime.directory.whereis(&name),
            Address::Alias(alias) => {
                let owner = self.runtime.directory.alias_owner(alias);
                owner.and_then(|owner| self.runtime.directory.find(owner.serial))
            }
        };
        let Some(cell) = found else {
            self.nobody(from, meant, signal);
            return;
        };
        // Devices serve many actors, so nobody may end one.
        if cell.is_device() && is_kill(&signal) {
            return;
        }
        match &signal {
            Signal::Monitor { reference, .. } => {
                self.involve(&cell);
                if by_name {
                    self.link.named(*reference, cell.pid.serial);
                }
            }
            Signal::Link | Signal::IoRequest { .. } => self.involve(&cell),
            Signal::SpawnReply { request, outcome } => {
                // Only what was asked for, by whom it was asked for.
                if !self.link.take_spawn(*request, cell.pid.serial) {
                    return;
                }
                if outcome.is_ok() {
                    self.involve(&cell);
                }
            }
            Signal::CallReply { request, .. }
                if !self.link.take_call(*request, cell.pid.serial) =>
            {
                return;
            }
            _ => {}
        }
        self.runtime.push(&cell, Envelope { from, to: cell.pid, signal });
        self.last = Some(cell);
    }

    fn find(&self, serial: u64, signal: &Signal) -> Option<Arc<Cell>> {
        let serial = match signal {
            Signal::Demonitor(monitor) if serial == 0 => self.link.take_named(*monitor)?,
            _ => serial,
        };
        self.runtime.directory.find(serial)
    }

    fn involve(&self, cell: &Cell) {
        let directory = &self.runtime.directory;
        self.link.involve(cell.pid.serial, |serial| directory.find(serial).is_some());
    }

    /// Nobody is there: whoever waits for an answer gets one.
    fn nobody(&self, from: Pid, meant: u64, signal: Signal) {
        match &signal {
            Signal::SpawnReply { request, .. } => {
                self.link.take_spawn(*request, meant);
            }
            Signal::CallReply { request, .. } => {
                self.link.take_call(*request, meant);
            }
            _ => {}
        }
        let to = Pid { node: self.runtime.id, serial: meant };
        if let Some(answer) = undeliverable(Envelope { from, to, signal }) {
            self.runtime.route(answer);
        }
    }
}
