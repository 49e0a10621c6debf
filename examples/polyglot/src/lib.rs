//! A pipeline whose stages are in five languages on three nodes, under one supervisor.
//!
//! An order passes through all stages and comes back to its customer. Every stage is found
//! by its name on its node, so its neighbours need not know when it was started again. What
//! was on its way in a stage that crashed is lost, and the customer decides what that means.

use odeon_guest::supervisor::{Child, Start, Strategy, Supervisor, SupervisorRef};
use odeon_guest::{ActorResult, NodeName, Pid, actors, me, node, println, receive};
use odeon_guest::{receive_timeout, send_to};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// How long a customer waits for an order.
const PATIENCE: Duration = Duration::from_secs(5);

/// What passes through the stages. docs/messages.md says how it looks on the way.
#[derive(Serialize, Deserialize)]
struct Order {
    /// Who gets it in the end.
    customer: Pid,
    number: u64,
    who: String,
    items: Vec<Item>,
    /// What all of it costs; C sums it up, Zig takes some off.
    cents: i64,
    /// In words; by JavaScript.
    receipt: String,
    /// What one piece cost; by Python.
    cents_a_piece: f64,
    /// Which stages it came through, and where they were.
    trail: Vec<String>,
}

#[derive(Serialize, Deserialize)]
struct Item {
    name: String,
    pieces: i64,
    cents: i64,
}

/// A stage, and the node that it is to be on.
#[derive(Clone, Copy)]
struct Stage {
    name: &'static str,
    module: &'static str,
    node: usize,
}

/// In the order in which orders pass through them.
const STAGES: [Stage; 5] = [
    Stage { name: "check", module: "polyglot", node: 0 },
    Stage { name: "sum", module: "polyglot-c", node: 1 },
    Stage { name: "discount", module: "polyglot-zig", node: 1 },
    Stage { name: "receipt", module: "polyglot-js", node: 2 },
    Stage { name: "deliver", module: "polyglot-python", node: 2 },
];

/// Takes the names of two more nodes, sets the pipeline up, and is its customer.
fn main(others: (String, String)) -> ActorResult {
    let nodes = [node::name(), others.0, others.1];
    SupervisorRef::start_link("pipeline", &nodes)?;
    for (number, (who, items)) in [
        ("Ada", vec![("tea", 2, 350), ("cake", 1, 480)]),
        ("Konrad", vec![("coffee", 40, 300)]),
        // Nothing at all: a case that one of the stages does not think of.
        ("Nobody", vec![]),
        ("Grace", vec![("soup", 1, 650), ("bread", 3, 90)]),
    ]
    .into_iter()
    .enumerate()
    {
        let items = items.into_iter();
        let items = items.map(|(name, pieces, cents)| Item { name: name.into(), pieces, cents });
        order(number as u64 + 1, who, items.collect())?;
    }
    Ok(())
}

/// Orders something, and prints what comes of it.
fn order(number: u64, who: &str, items: Vec<Item>) -> ActorResult {
    let order = Order {
        customer: me(),
        number,
        who: who.to_owned(),
        items,
        cents: 0,
        receipt: String::new(),
        cents_a_piece: 0.0,
        trail: Vec::new(),
    };
    send_to(STAGES[0].name, &order)?;
    match receive_timeout::<Order>(PATIENCE)? {
        Some((_, done)) => {
            println!("order {number}: {}", done.receipt);
            println!("  {:.2} a piece", done.cents_a_piece / 100.0);
            println!("  by {}", done.trail.join(", "));
        }
        None => println!("order {number}: lost"),
    }
    Ok(())
}

/// The supervisor: each stage on its node, started again whenever it ends.
fn pipeline(start: Start<[String; 3]>) -> ActorResult {
    let nodes = start.argument.clone();
    let mut supervisor = Supervisor::new(Strategy::OneForOne).intensity(3, Duration::from_secs(10));
    // The last one first, so that a stage finds the next one.
    for at in (0..STAGES.len()).rev() {
        let Stage { name, module, node } = STAGES[at];
        let next = STAGES
            .get(at + 1)
            .map(|next| NodeName { name: next.name.to_owned(), node: nodes[next.node].clone() });
        let child = Child::actor(name, "stage", &next).module(module).named(name);
        supervisor = supervisor.child(child.on(&nodes[node]));
    }
    supervisor.run(start)
}

/// The first stage: lets only orders through whose numbers make sense.
fn stage(next: Option<NodeName>) -> ActorResult {
    let next = next.ok_or(odeon_guest::ExitReason::error("this is not the last stage"))?;
    loop {
        let (_, mut order) = receive::<Order>()?;
        if order.items.iter().all(|item| item.pieces > 0 && item.cents >= 0) {
            order.trail.push(format!("Rust on {}", node::name()));
            send_to(next.clone(), &order)?;
        }
    }
}

actors! { main, pipeline, stage }
