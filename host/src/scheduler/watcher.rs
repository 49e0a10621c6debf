//! The watcher: looks whether somebody runs for too long while others wait.

use std::sync::atomic::Ordering;
use std::thread;
use std::time::Duration;

use super::Shared;

/// How long an actor may run while others wait, about: the watcher looks this often.
const SLICE: Duration = Duration::from_micros(50);
/// How often the watcher looks when nobody has been too long lately. Bounds how
/// late the first yield of a contended time can be.
const SLICE_CALM: Duration = Duration::from_millis(1);
/// Looks without a finding after which the watcher becomes calm.
const LOOKS_UNTIL_CALM: u32 = 40;
/// Calm looks without any run after which the watcher sleeps.
const LOOKS_UNTIL_SLEEP: u32 = 20;

/// The watcher's life.
pub(super) fn watch(shared: &Shared) {
    shared.watcher.get_or_init(thread::current);
    // The runs of the last look, and those that a nudge found under way. A guest can miss
    // an epoch, when it goes on after a yield and computes its next deadline too late. So
    // one who was nudged is asked until its run is over, not once.
    let mut seen: Vec<u64> = vec![0; shared.lanes.len()];
    let mut owing = seen.clone();
    let (mut calm, mut still) = (LOOKS_UNTIL_CALM, 0);
    let mut polls = 0;
    while !shared.stopping.load(Ordering::SeqCst) {
        thread::sleep(if calm < LOOKS_UNTIL_CALM { SLICE } else { SLICE_CALM });
        // Before the runs are read: a run that begins after the nudge sees the signal.
        let nudged = shared.nudged.swap(false, Ordering::SeqCst);
        let (mut stuck, mut moved, mut owed) = (false, false, false);
        for (lane, (seen, owing)) in shared.lanes.iter().zip(seen.iter_mut().zip(&mut owing)) {
            let runs = lane.runs.load(Ordering::Relaxed);
            let is_running = runs % 2 == 1;
            if nudged && is_running {
                *owing = runs;
            }
            let is_stuck = is_running && runs == *seen;
            let is_unknown = runs == lane.unknown.load(Ordering::Relaxed);
            owed |= (is_running && runs == *owing) || (is_stuck && is_unknown);
            stuck |= is_stuck;
            moved |= runs != *seen;
            *seen = runs;
        }
        // Nobody waits for the sockets, or has looked at them since the last time: one who
        // sleeps had better do so.
        let unattended = shared.poller.has_sockets()
            && !shared.poller.is_attended()
            && std::mem::replace(&mut polls, shared.poller.looks()) == shared.poller.looks();
        if unattended {
            shared.notify();
            shared.look_at_sockets();
        }
        let waiting = shared.ready.load(Ordering::SeqCst) > 0 || owed;
        if stuck && waiting {
            // Who sleeps takes what waits behind the run.
            shared.notify();
            shared.ask_all_to_yield();
            (calm, still) = (0, 0);
            continue;
        }
        calm = if owed { 0 } else { (calm + 1).min(LOOKS_UNTIL_CALM) };
        still = if moved || waiting || unattended { 0 } else { still + 1 };
        if still >= LOOKS_UNTIL_SLEEP {
            still = 0;
            shared.watcher_asleep.store(true, Ordering::SeqCst);
            // What became ready, or was nudged, just before this store woke nobody.
            if shared.ready.load(Ordering::SeqCst) == 0 && !shared.nudged.load(Ordering::SeqCst) {
                while shared.watcher_asleep.load(Ordering::SeqCst) {
                    thread::park();
                }
            }
            shared.watcher_asleep.store(false, Ordering::SeqCst);
        }
    }
}
