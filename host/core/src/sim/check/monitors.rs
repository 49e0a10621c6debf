//! Every monitor gives one down, or none if it was ended before; none after it was
//! ended. When all has settled, a monitor that neither fired nor was ended watches
//! somebody who lives and who knows it, and nobody else is known as a watcher.

use std::collections::BTreeMap;

use super::{Record, ensure};
use crate::id::{Pid, Reference};
use crate::process::Event;
use crate::signal::{Info, Monitored};

/// What became of one monitor.
struct Monitor {
    by: Pid,
    downs: usize,
    /// `demonitor` found it, or dropped a down that waited.
    is_ended: bool,
    /// A message came through an alias of the same reference, which may have ended it.
    has_reply: bool,
}

pub(super) fn check(records: &[Record]) -> Result<(), String> {
    let mut monitors: BTreeMap<Reference, Monitor> = BTreeMap::new();
    let mut finals: BTreeMap<Pid, (&Info, Vec<Pid>)> = BTreeMap::new();
    for record in records {
        match record {
            Record::Monitored { by, reference, .. } => {
                let monitor = Monitor { by: *by, downs: 0, is_ended: false, has_reply: false };
                monitors.insert(*reference, monitor);
            }
            Record::Demonitored { reference, found, flush, .. } => {
                if let Some(monitor) = monitors.get_mut(reference) {
                    monitor.is_ended |= found | flush;
                }
            }
            Record::Took { by, event: Event::Down { monitor: reference, .. }, .. } => {
                took_down(&mut monitors, *by, *reference)?;
            }
            Record::Took { event: Event::Message { via: Some(reference), .. }, .. } => {
                if let Some(monitor) = monitors.get_mut(reference) {
                    monitor.has_reply = true;
                }
            }
            Record::Final { pid, info, asks } => {
                finals.insert(*pid, (info, asks.iter().map(|(_, of)| *of).collect()));
            }
            _ => {}
        }
    }
    all_accounted_for(&monitors, &finals)?;
    watchers_agree(&finals)
}

fn took_down(
    monitors: &mut BTreeMap<Reference, Monitor>,
    by: Pid,
    reference: Reference,
) -> Result<(), String> {
    let known = monitors.get_mut(&reference).filter(|monitor| monitor.by == by);
    let Some(monitor) = known else {
        return Err(format!("{by} took a down of {reference}, which is no monitor of it"));
    };
    ensure(!monitor.is_ended, || format!("{by} took a down of {reference} after it had ended it"))?;
    monitor.downs += 1;
    ensure(monitor.downs == 1, || format!("{by} took two downs of {reference}"))?;
    Ok(())
}

/// As many monitors of a living actor are open as it says.
fn all_accounted_for(
    monitors: &BTreeMap<Reference, Monitor>,
    finals: &BTreeMap<Pid, (&Info, Vec<Pid>)>,
) -> Result<(), String> {
    for (pid, (info, _)) in finals {
        let own = || monitors.values().filter(|monitor| monitor.by == *pid && monitor.downs == 0);
        let surely_open = own().filter(|monitor| !monitor.is_ended && !monitor.has_reply).count();
        let perhaps_open = own().filter(|monitor| !monitor.is_ended).count();
        let open = info.monitors.len();
        ensure((surely_open..=perhaps_open).contains(&open), || {
            format!(
                "{pid} has {open} open monitors, which should be {surely_open} to {perhaps_open}"
            )
        })?;
    }
    Ok(())
}

/// Who is watched knows exactly who watches it.
fn watchers_agree(finals: &BTreeMap<Pid, (&Info, Vec<Pid>)>) -> Result<(), String> {
    let mut expected: BTreeMap<Pid, Vec<Pid>> = BTreeMap::new();
    for (pid, (info, asks)) in finals {
        let watched = info.monitors.iter().filter_map(|object| match object {
            Monitored::Pid(of) => Some(*of),
            Monitored::Name(..) => None,
        });
        for of in watched.chain(asks.iter().copied()).filter(|of| of != pid) {
            ensure(finals.contains_key(&of), || {
                format!("{pid} still watches {of}, which is dead")
            })?;
            expected.entry(of).or_default().push(*pid);
        }
    }
    for (pid, (info, _)) in finals {
        let expected = expected.remove(pid).unwrap_or_default();
        if info.monitored_by != expected {
            let known = &info.monitored_by;
            return Err(format!("{pid} is watched by {expected:?} but knows of {known:?}"));
        }
    }
    Ok(())
}
