//! An actor that keeps a worker on each of some nodes, and hears of their ends.
//!
//! `main` takes the names of nodes. It monitors the workers and watches the nodes, so it
//! is told when a worker ends and when a node goes; when the node comes back, it gets a
//! new worker. A worker monitors `main` in turn, and so none is left where `main` cannot
//! see it. What workers print arrives where `main` was started.

use odeon_guest::node::{self, Watched};
use odeon_guest::{
    ActorResult, Event, Monitor, Pid, Spawn, actors, me, monitor, next_event, println,
};
use std::collections::BTreeMap;

fn main(nodes: Vec<String>) -> ActorResult {
    node::watch(Watched::Visible);
    let mut workers = BTreeMap::new();
    for name in &nodes {
        hire(name, &mut workers);
    }
    loop {
        match next_event() {
            Event::NodeUp(up) if nodes.contains(&up.node) && !workers.contains_key(&up.node) => {
                println!("{} is there", up.node);
                hire(&up.node, &mut workers);
            }
            Event::NodeDown(down) => {
                println!("{} is gone: {}", down.node, down.reason.unwrap_or_default());
            }
            event => fire(&event, &mut workers),
        }
    }
}

/// Starts a worker on a node.
fn hire(name: &str, workers: &mut BTreeMap<String, Monitor>) {
    match Spawn::function("worker", &me()).on(name).monitor().start() {
        Ok(worker) => workers.extend(worker.monitor.map(|monitor| (name.to_owned(), monitor))),
        Err(error) => println!("nobody works on {name}: {error}"),
    }
}

/// Forgets the worker whose end this event tells, if it does.
fn fire(event: &Event, workers: &mut BTreeMap<String, Monitor>) {
    let Event::Down(down) = event else { return };
    workers.retain(|name, monitor| {
        let ended = monitor.is_down(event);
        if ended {
            println!("the worker on {name} ended: {}", down.reason);
        }
        !ended
    });
}

fn worker(boss: Pid) -> ActorResult {
    println!("hello from {}", node::name());
    // It has nothing to do but to be there for as long as the other is.
    let _ = monitor(boss).wait(None);
    Ok(())
}

actors! { main, worker }
