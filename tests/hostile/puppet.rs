//! An actor that does what a test orders (`tests/guests/protocol` describes the talk).

use odeon::{LimitsPatch, Native, Node, Spawn, Start};
use odeon_core::{Pid, Reference};
use odeon_test_protocol::{self as protocol, Hello, Operation, Order, Report, Setup, Value};

use crate::bed::{message, soon};

/// One puppet, and the actor of the host that orders it about.
pub(crate) struct Puppet {
    pub(crate) pid: Pid,
    orders: Reference,
    driver: Native,
    number: u64,
}

impl Puppet {
    pub(crate) async fn new(node: &Node) -> Self {
        Self::limited(node, LimitsPatch::default()).await
    }

    pub(crate) async fn limited(node: &Node, limits: LimitsPatch) -> Self {
        Self::started(node, |spawn| spawn.limits = limits).await
    }

    /// With a say in its spawn.
    pub(crate) async fn started(node: &Node, set: impl FnOnce(&mut Spawn)) -> Self {
        let driver = node.native("driver");
        let mut spawn = Spawn::new("conformance", start_of(driver.pid()));
        set(&mut spawn);
        soon(node.spawn(spawn)).await.expect("a puppet starts");
        Self::greeted(node, driver).await
    }

    /// Has this puppet make another.
    pub(crate) async fn child(&mut self, node: &Node) -> Self {
        let driver = node.native("driver");
        let Start::Entry { function, argument } = start_of(driver.pid()) else {
            unreachable!("puppets start at an entry")
        };
        let start = protocol::Start::Entry { function, argument: argument.into() };
        let spawn = Operation::Spawn(protocol::Module::This, start);
        assert!(matches!(self.ask(spawn).await, Value::Spawned { .. }), "a child starts");
        Self::greeted(node, driver).await
    }

    async fn greeted(node: &Node, mut driver: Native) -> Self {
        let hello: Hello =
            postcard::from_bytes(&soon(message(&mut driver)).await).expect("a hello");
        let pid = Pid { node: node.id(), serial: hello.pid.serial };
        let orders = Reference { node: node.id(), serial: hello.orders.serial };
        Self { pid, orders, driver, number: 0 }
    }

    /// Gives an order, and does not wait for what comes of it.
    pub(crate) fn order(&mut self, operation: Operation) {
        self.number += 1;
        let order = Order { number: self.number, operation };
        let order = postcard::to_stdvec(&order).expect("an order has a form");
        self.driver.send_to_alias(self.orders, order.into());
    }

    /// What came of the last order.
    pub(crate) async fn report(&mut self) -> Value {
        let body = message(&mut self.driver).await;
        let report: Report = postcard::from_bytes(&body).expect("a report");
        assert_eq!(report.number, self.number, "reports come in the order of orders");
        report.value
    }

    /// Gives an order and waits for what comes of it.
    pub(crate) async fn ask(&mut self, operation: Operation) -> Value {
        self.order(operation);
        soon(self.report()).await
    }
}

/// A puppet that greets this actor.
fn start_of(greet: Pid) -> Start {
    let setup = Setup { greet: Some(protocol::Destination::Pid(told(greet))) };
    let argument = postcard::to_stdvec(&setup).expect("a setup has a form");
    Start::Entry { function: "puppet".into(), argument: argument.into() }
}

/// A pid as puppets are told it.
pub(crate) fn told(pid: Pid) -> protocol::Pid {
    protocol::Pid { node: pid.node.get(), serial: pid.serial }
}
