//! What a task may ask of the worker that runs it. Elsewhere nothing comes of it.

use std::future::poll_fn;
use std::sync::atomic::Ordering;
use std::task::Poll;

use super::worker::{Local, here};

/// Whether the current run has used up its slice. Asked at a guest's yield
/// points; a true answer must be followed by a yield.
pub(crate) fn slice_is_over() -> bool {
    here(|local| {
        let over = local.yield_asked.replace(false)
            || local.shared.tick.load(Ordering::Relaxed) != local.run_tick.get();
        local.yielded.set(over);
        over
    })
    .unwrap_or(true)
}

/// Makes the next yield point of the current run yield: its price for work that
/// it makes for others.
pub(crate) fn ask_for_yield() {
    here(|local| local.yield_asked.set(true));
}

/// As [`ask_for_yield`], and the next yield point comes at once, though nobody else waits:
/// for who must not go on. The watcher would let it run for another millisecond. Guests of
/// other workers look up for a moment.
pub(crate) fn yield_at_once() {
    here(|local| {
        local.yield_asked.set(true);
        local.shared.bring_yield_points();
    });
}

/// Makes the current run yield when it has lasted for one or two milliseconds, though nobody
/// waits: for what others know nothing of before it has yielded.
pub(crate) fn yield_if_long() {
    here(|local| {
        let lane = &local.shared.lanes[local.index];
        lane.unknown.store(lane.runs.load(Ordering::Relaxed), Ordering::Relaxed);
    });
}

/// Wakes others so that an idle worker runs them meanwhile, where this one goes on: for
/// those whose work is long and is not what this run waits for.
pub(crate) fn run_elsewhere(wake: impl FnOnce()) {
    here(|local| local.sharing.set(true));
    wake();
    here(|local| local.sharing.set(false));
}

/// Lets those run first that this one has woken, and all others that wait on this worker.
pub(crate) async fn step_back() {
    end_the_run(|local| local.stepped_back.set(true)).await;
}

/// Lets others run first.
pub(crate) async fn yield_now() {
    end_the_run(|local| local.yielded.set(true)).await;
}

/// Ends the current run, of which the worker is told why, and is ready for the next one.
async fn end_the_run(why: impl Fn(&Local)) {
    let mut ended = false;
    poll_fn(|context| {
        if std::mem::replace(&mut ended, true) {
            return Poll::Ready(());
        }
        here(&why);
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}
