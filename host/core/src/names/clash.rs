//! Two owners of one name meet.
//!
//! Each node decides about its own claim only, and gives it up only for one that comes
//! before it and that it knows to hold. A guest's decision is kept to that: it may put
//! another claim before its own, and then that other claim counts.

use super::claim::{Claim, Resolver};
use super::{Choice, Due, Effect, Effects, Fate, Frame, Names, RESOLVER_MS};
use crate::id::Pid;
use crate::key::Key;

/// A guest decides between a claim of this node and another one.
#[derive(Clone, Copy, Debug)]
pub(super) struct Clash {
    id: u64,
    own: Pid,
    other: Pid,
    due: u64,
    /// Whether the other node was told what the guest decided.
    is_decided: bool,
}

/// What is to be done about a claim of this node and another one.
enum Step {
    Nothing,
    /// The own claim is given up.
    Drop(Loss),
    /// A guest decides.
    Ask,
}

/// How an actor loses its name.
#[derive(Clone, Copy)]
enum Loss {
    Silent,
    Exit,
    Notify { both: bool },
}

/// What this node does about its own claim, now that it knows the other.
fn step(key: &Key, own: &Claim, other: &Claim) -> Step {
    if other.order(key) < own.order(key) {
        return match other.resolver {
            _ if other.over == Some(own.id()) => Step::Drop(Loss::Silent),
            Resolver::RandomExit | Resolver::OldestExit => Step::Drop(Loss::Exit),
            Resolver::RandomNotify | Resolver::OldestNotify => {
                Step::Drop(Loss::Notify { both: false })
            }
            Resolver::NotifyAll => Step::Drop(Loss::Notify { both: true }),
            // The other node's guest decides.
            Resolver::Ask => Step::Nothing,
        };
    }
    match own.resolver {
        // The other node knows, or will know, that it was replaced.
        _ if own.over == Some(other.id()) => Step::Nothing,
        Resolver::NotifyAll => Step::Drop(Loss::Notify { both: true }),
        Resolver::Ask => Step::Ask,
        // The other node gives its claim up.
        Resolver::RandomExit
        | Resolver::RandomNotify
        | Resolver::OldestExit
        | Resolver::OldestNotify => Step::Nothing,
    }
}

impl Names {
    /// The claims on this name changed: does this node's own one stay?
    pub(super) fn settle(&mut self, key: &Key, effects: &mut Effects) {
        self.end_clash(key);
        let Some(own) = self.table.get(self.own, key).copied() else { return };
        let mut others: Vec<Claim> = self.table.of(key).to_vec();
        others.retain(|other| other.pid.node != self.own);
        others.sort_by_key(|other| other.order(key));
        let mut asks = None;
        for other in others {
            let comes_before = other.order(key) < own.order(key);
            match step(key, &own, &other) {
                Step::Drop(loss) => return self.give_up(key, other.pid, loss, effects),
                Step::Ask => asks = asks.or(Some(other.pid)),
                // While another node's guest decides, this one's does not.
                Step::Nothing if comes_before => return,
                Step::Nothing => {}
            }
        }
        if let Some(other) = asks {
            self.ask_guest(key, own.pid, other, effects);
        }
    }

    /// A clash of which one side is gone is none any more.
    fn end_clash(&mut self, key: &Key) {
        let Some(clash) = self.clashes.get(key).copied() else { return };
        let claims = self.table.of(key);
        let holds = |pid| claims.iter().any(|claim| claim.pid == pid);
        if !holds(clash.own) || !holds(clash.other) {
            self.clashes.remove(key);
            self.dues.remove(&(clash.due, Due::Clash(clash.id)));
        }
    }

    fn ask_guest(&mut self, key: &Key, own: Pid, other: Pid, effects: &mut Effects) {
        if self.clashes.contains_key(key) {
            return;
        }
        let (id, due) = (self.number(), self.now.saturating_add(RESOLVER_MS));
        self.clashes.insert(key.clone(), Clash { id, own, other, due, is_decided: false });
        self.dues.insert((due, Due::Clash(id)));
        effects.push(Effect::Resolve { clash: id, key: key.clone(), own, other });
    }

    /// What the guest decided that was asked by [`Effect::Resolve`]. Nothing happens if
    /// the clash is over.
    pub fn resolved(&mut self, now: u64, clash: u64, choice: Choice, effects: &mut Effects) {
        self.now = self.now.max(now);
        self.decided(clash, choice, effects);
    }

    pub(super) fn decided(&mut self, id: u64, choice: Choice, effects: &mut Effects) {
        let is_it = |(_, clash): &(&Key, &mut Clash)| clash.id == id && !clash.is_decided;
        let Some((key, clash)) = self.clashes.iter_mut().find(is_it) else { return };
        clash.is_decided = true;
        let (key, Clash { own, other, due, .. }) = (key.clone(), *clash);
        self.dues.remove(&(due, Due::Clash(id)));
        let fate = match choice {
            Choice::Own => Fate::Yield,
            Choice::Other => Fate::Keep,
            Choice::Neither => Fate::Drop,
            Choice::Failed => Fate::Exit,
        };
        let frame = Frame::Verdict { key: key.clone(), pid: other, against: own, fate };
        effects.push(Effect::Send { to: other.node, frame });
        if choice == Choice::Neither {
            self.give_up(&key, other, Loss::Silent, effects);
        }
    }

    /// The guest of another node decided about a claim of this one.
    pub(super) fn judged(
        &mut self,
        key: &Key,
        pid: Pid,
        against: Pid,
        fate: Fate,
        effects: &mut Effects,
    ) {
        let own = self.table.get(self.own, key).copied().filter(|own| own.pid == pid);
        let other = self.table.get(against.node, key).copied();
        let (Some(own), other) = (own, other.filter(|other| other.pid == against)) else { return };
        if fate == Fate::Drop {
            return self.give_up(key, against, Loss::Silent, effects);
        }
        // Only for a claim that holds, and not if this one came first meanwhile.
        let Some(other) = other.filter(|other| other.order(key) < own.order(key)) else { return };
        match fate {
            Fate::Keep => {
                let generation = other.generation.max(own.generation).saturating_add(1);
                let claim = Claim { generation, over: Some(other.id()), ..own };
                self.table.set(key, claim);
                self.show(key, effects);
                self.tell_all(&Frame::Set(vec![(key.clone(), claim)]), effects);
                self.settle(key, effects);
                self.advance(key, effects);
            }
            Fate::Yield | Fate::Drop => self.give_up(key, against, Loss::Silent, effects),
            Fate::Exit => self.give_up(key, against, Loss::Exit, effects),
        }
    }

    /// This node's claim goes.
    fn give_up(&mut self, key: &Key, other: Pid, loss: Loss, effects: &mut Effects) {
        let Some(own) = self.table.get(self.own, key).copied() else { return };
        let (pid, name) = (own.pid, key.clone());
        match loss {
            Loss::Silent => {}
            Loss::Exit => effects.push(Effect::Exit { pid, key: name, other }),
            Loss::Notify { both } => {
                effects.push(Effect::Notify { pid, key: name, other, both });
            }
        }
        self.drop_own(key, 0, effects);
        self.end_clash(key);
    }
}

#[cfg(test)]
#[path = "clash_test.rs"]
mod tests;
