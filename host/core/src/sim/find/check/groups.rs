//! The rules of groups.

use std::collections::BTreeMap;

use super::super::trace::{Record, What};
use super::{Settled, ensure, settled};
use crate::groups::Effect;
use crate::id::{Pid, Reference};
use crate::key::Key;

/// The members of a group, by scope and group, in order.
type Members = BTreeMap<(Key, Key), Vec<Pid>>;

fn members_of(node: &Settled<'_>, is_it: impl Fn(&Pid) -> bool) -> Members {
    let groups = node.groups.iter().map(|(scope, group, members)| {
        let members = members.iter().filter(|pid| is_it(pid)).copied().collect();
        ((scope.clone(), group.clone()), members)
    });
    groups.filter(|(_, members): &(_, Vec<Pid>)| !members.is_empty()).collect()
}

/// When nothing moves, each node knows exactly the members that each node that it is
/// connected with has, and no others.
pub(super) fn members(records: &[Record]) -> Result<(), String> {
    for (stage, nodes) in settled(records) {
        for node in &nodes {
            for other in &nodes {
                let is_known = other.id == node.id || node.up.contains(&other.id);
                let knows = members_of(node, |pid| pid.node == other.id);
                let has = members_of(other, |pid| pid.node == other.id);
                let is_fine = if is_known { knows == has } else { knows.is_empty() };
                ensure(is_fine, || {
                    format!(
                        "{stage:?}: {:?} knows {knows:?} of {:?}, which has {has:?}",
                        node.id, other.id
                    )
                })?;
            }
            let is_stranger = |pid: &Pid| nodes.iter().all(|other| other.id != pid.node);
            let strangers = members_of(node, is_stranger);
            ensure(strangers.is_empty(), || format!("{stage:?}: {strangers:?} are nowhere"))?;
        }
    }
    Ok(())
}

/// A node's own members are the actors that joined, as often as they did and did not
/// leave, and that live.
pub(super) fn joins(records: &[Record]) -> Result<(), String> {
    let mut joined: BTreeMap<(Key, Key, Pid), i64> = BTreeMap::new();
    for record in records {
        match &record.what {
            What::Joined { pid, scope, group, times } => {
                *joined.entry((scope.clone(), group.clone(), *pid)).or_default() += times;
            }
            What::Died(pid) => joined.retain(|(_, _, other), _| other != pid),
            What::Stopped(scope) => {
                joined.retain(|(other, _, pid), _| other != scope || pid.node != record.id);
            }
            What::Settled { groups, .. } => {
                let mut own: BTreeMap<(Key, Key, Pid), i64> = BTreeMap::new();
                for (scope, group, members) in groups {
                    for pid in members.iter().filter(|pid| pid.node == record.id) {
                        *own.entry((scope.clone(), group.clone(), *pid)).or_default() += 1;
                    }
                }
                let should = joined
                    .iter()
                    .filter(|((_, _, pid), times)| pid.node == record.id && **times > 0);
                let should: BTreeMap<_, _> =
                    should.map(|(who, times)| (who.clone(), *times)).collect();
                ensure(own == should, || format!("{:?} has {own:?}, not {should:?}", record.id))?;
            }
            _ => {}
        }
    }
    Ok(())
}

/// A monitor, and the members that its actor knows by it.
struct View {
    pid: Pid,
    scope: Key,
    group: Option<Key>,
    members: BTreeMap<Key, Vec<Pid>>,
}

/// What a monitor's actor knows by its snapshot and the events after it is what there is,
/// and every event fits what it knew.
pub(super) fn events(records: &[Record]) -> Result<(), String> {
    let mut views: BTreeMap<Reference, View> = BTreeMap::new();
    for record in records {
        match &record.what {
            What::Monitors { reference, pid, scope, group, snapshot } => {
                let members = snapshot.iter().filter(|(_, pids)| !pids.is_empty()).cloned();
                let (pid, scope, group) = (*pid, scope.clone(), group.clone());
                let view = View { pid, scope, group, members: members.collect() };
                views.insert(*reference, view);
            }
            What::Demonitored(reference) => {
                views.remove(reference);
            }
            What::Died(pid) => views.retain(|_, view| view.pid != *pid),
            What::Ended => views.retain(|_, view| view.pid.node != record.id),
            What::Stopped(scope) => {
                views.retain(|_, view| view.pid.node != record.id || view.scope != *scope);
            }
            What::Groups(Effect::Tell { reference, to, change }) => {
                let view = views.get_mut(reference);
                let Some(view) = view.filter(|view| view.pid == *to) else {
                    return Err(format!("no such monitor: {record:?}"));
                };
                let concerns = view.group.as_ref().is_none_or(|group| *group == change.group);
                let concerns = concerns && view.scope == change.scope;
                ensure(concerns, || format!("is of no concern to it: {record:?}"))?;
                let members = view.members.entry(change.group.clone()).or_default();
                for pid in &change.members {
                    if change.joined {
                        members.push(*pid);
                    } else {
                        let at = members.iter().position(|other| other == pid);
                        let at = at.ok_or_else(|| format!("was no member: {record:?}"))?;
                        members.swap_remove(at);
                    }
                }
                if members.is_empty() {
                    view.members.remove(&change.group);
                } else {
                    members.sort();
                }
            }
            What::Settled { groups, .. } => {
                for (reference, view) in views.iter().filter(|(one, _)| one.node == record.id) {
                    let is_it = |(scope, group): (&Key, &Key)| {
                        *scope == view.scope && view.group.as_ref().is_none_or(|one| one == group)
                    };
                    let there = groups.iter().filter(|(scope, group, _)| is_it((scope, group)));
                    let there: BTreeMap<Key, Vec<Pid>> =
                        there.map(|(_, group, pids)| (group.clone(), pids.clone())).collect();
                    ensure(view.members == there, || {
                        format!("{reference} led to {:?}, not {there:?}", view.members)
                    })?;
                }
            }
            _ => {}
        }
    }
    Ok(())
}
