//! A generic server that counts, and a client that asks it.
//!
//! `counter` takes the number to begin with, and serves until it is stopped.
//! `main` starts one under the name `counter`, uses it, and shows what a caller
//! sees when the server fails.

use odeon_guest::server::{Caller, Server, ServerRef, Start, Via, serve};
use odeon_guest::{ActorResult, ExitReason, actors, println};
use serde::{Deserialize, Serialize};
use std::time::Duration;

struct Counter {
    value: i64,
}

/// What the counter can be asked.
#[derive(Serialize, Deserialize)]
enum Ask {
    /// The value.
    Value,
    /// The value divided by this.
    DividedBy(i64),
}

/// What the counter can be told.
#[derive(Serialize, Deserialize)]
enum Tell {
    Add(i64),
}

impl Server for Counter {
    type Init = i64;
    type Call = Ask;
    type Reply = i64;
    type Cast = Tell;

    fn init(value: i64) -> Result<Self, ExitReason> {
        Ok(Self { value })
    }

    fn call(&mut self, ask: Ask, caller: Caller<i64>) -> ActorResult {
        match ask {
            Ask::Value => caller.reply(&self.value),
            Ask::DividedBy(divisor) => caller.reply(&(self.value / divisor)),
        }
        Ok(())
    }

    fn cast(&mut self, Tell::Add(number): Tell) -> ActorResult {
        self.value += number;
        Ok(())
    }
}

fn counter(start: Start<i64>) -> ActorResult {
    serve::<Counter>(start)
}

fn main(_: ()) -> ActorResult {
    let patience = Duration::from_secs(5);
    // `Via::cluster("counter")` would make it the counter of all connected nodes.
    let counter = ServerRef::<Counter>::start_via(Via::local("counter"), "counter", &40)?;
    counter.cast(&Tell::Add(2));
    println!("the counter says {}", counter.call(&Ask::Value, patience)?);
    // The division panics in the server, which ends; this actor only hears of it.
    match counter.call(&Ask::DividedBy(0), patience) {
        Ok(quotient) => println!("{quotient}, which is news to mathematics"),
        Err(error) => println!("{error}"),
    }
    Ok(())
}

actors! { main, counter }
