//! A supervisor whose worker crashes and is started again.
//!
//! The worker counts down and panics at zero: a fault that no test has found. Its
//! neighbour counts the worker's starts and knows nothing of faults. After three
//! restarts within ten seconds the supervisor has seen enough and ends.

use odeon_guest::supervisor::{Child, Start, Strategy, Supervisor};
use odeon_guest::{ActorResult, actors, me, println, receive, register, send_to, sleep};
use std::time::Duration;

fn main(start: Start<()>) -> ActorResult {
    println!("supervisor {} starts", me());
    Supervisor::new(Strategy::OneForOne)
        .intensity(3, Duration::from_secs(10))
        .child(Child::server("historian", "historian", &()))
        .child(Child::actor("worker", "worker", &3_i64))
        .run(start)
}

fn historian(start: Start<()>) -> ActorResult {
    register("historian", me())?;
    // The worker starts only now, so it finds the name.
    start.starter.ready();
    let mut starts = 0_u64;
    loop {
        let (worker, ()) = receive()?;
        starts += 1;
        println!("worker {worker} is start number {starts}");
    }
}

fn worker(mut left: i64) -> ActorResult {
    send_to("historian", &())?;
    loop {
        sleep(Duration::from_millis(100));
        println!("  {}", 6 / left);
        left -= 1;
    }
}

actors! { main, historian, worker }
