//! Two actors send a number to and fro: spawn, link, send, receive.
//!
//! `main` takes the number of rounds. It makes `ponger` with a link, so that
//! neither outlives a failure of the other, and counts the answers.

use odeon_guest::{ActorResult, Pid, actors, me, println, receive, send, spawn_link};
use serde::{Deserialize, Serialize};

/// What the two say. The sender says where to answer, as pids in messages do.
#[derive(Serialize, Deserialize)]
enum Ball {
    Ping { from: Pid, round: u64 },
    Pong { round: u64 },
}

fn main(rounds: u64) -> ActorResult {
    let ponger = spawn_link("ponger", &())?;
    println!("{} plays with {ponger}", me());
    for round in 1..=rounds {
        send(ponger, &Ball::Ping { from: me(), round });
        match receive()? {
            (_, Ball::Pong { round: answered }) if answered == round => println!("pong {round}"),
            _ => println!("that was not the answer to ping {round}"),
        }
    }
    Ok(())
}

fn ponger(_: ()) -> ActorResult {
    loop {
        if let (_, Ball::Ping { from, round }) = receive()? {
            send(from, &Ball::Pong { round });
        }
    }
}

actors! { main, ponger }
