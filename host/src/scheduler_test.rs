//! Who gets a turn, and when.

use std::future::poll_fn;
use std::sync::{Arc, mpsc};
use std::task::Poll;
use std::time::{Duration, Instant};

use super::{Scheduler, slice_is_over, yield_if_long, yield_now};

/// How long what has to happen may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// What a task gives that runs on one of two workers.
fn on_two_workers<T: Send + 'static>(
    task: impl FnOnce(super::Spawner, mpsc::Sender<T>) -> futures_util::future::BoxFuture<'static, ()>,
) -> T {
    let io = tokio::runtime::Runtime::new().expect("threads for input and output");
    let scheduler = Scheduler::start(2, io.handle()).expect("two workers");
    let (give, given) = mpsc::channel();
    scheduler.spawner().spawn(task(scheduler.spawner(), give));
    given.recv_timeout(2 * PATIENCE).expect("the task ends")
}

#[test]
fn what_waits_behind_a_long_run_is_taken_by_a_worker_that_sleeps() {
    let first = on_two_workers(|spawner, give| {
        Box::pin(async move {
            let (ran, runs) = mpsc::channel();
            for task in ["in the queue", "in the slot"] {
                let ran = ran.clone();
                spawner.spawn_next(async move {
                    let _ = ran.send(task);
                });
            }
            // Holds its worker, and with it the slot, until another one is at work.
            let _ = give.send(runs.recv_timeout(PATIENCE));
        })
    });
    assert_eq!(first, Ok("in the queue"));
}

#[test]
fn a_run_that_wants_to_is_made_to_yield_though_nobody_waits() {
    let was_asked = on_two_workers(|_, give| {
        Box::pin(async move {
            yield_if_long();
            let begun = Instant::now();
            while !slice_is_over() && begun.elapsed() < PATIENCE {
                std::hint::spin_loop();
            }
            let was_asked = begun.elapsed() < PATIENCE;
            yield_now().await;
            let _ = give.send(was_asked);
        })
    });
    assert!(was_asked);
}

#[test]
fn a_task_that_outlives_its_workers_goes_when_nobody_can_wake_it_any_more() {
    let io = tokio::runtime::Runtime::new().expect("threads for input and output");
    let scheduler = Scheduler::start(1, io.handle()).expect("a worker");
    let spawner = scheduler.spawner();
    let (give, given) = mpsc::channel();
    let held = Arc::new(());
    let holds = (Arc::clone(&held), scheduler.spawner());
    spawner.spawn(async move {
        poll_fn(|context| {
            let _ = give.send(context.waker().clone());
            Poll::<()>::Pending
        })
        .await;
        drop(holds);
    });
    let waker = given.recv_timeout(PATIENCE).expect("it waits");
    drop(scheduler);
    assert_eq!(Arc::strong_count(&held), 2, "somebody could wake it");
    drop(waker);
    spawner.discard();
    assert_eq!(Arc::strong_count(&held), 1, "it is gone, with all that it held");
}
