//! Connections over real loopback sockets: who gets in, who does not, and that those
//! who do not are no burden.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use odeon_core::peer::handshake::{Failure, Secret, Session};
use odeon_core::wire::{Outcome, Refusal};
use tokio::sync::mpsc;

use super::dial::{DialError, Options, Target, dial};
use super::listen::Peers;
use super::transport::Transport;
use super::*;
use crate::control::mux::{Asked, Connection, Event};
use crate::control::server::{Server, Service};

pub(super) const COOKIE: &[u8] = b"a cookie for tests only";
pub(super) const OTHER_COOKIE: &[u8] = b"another cookie for tests";

pub(super) type Connected = (Transport, Session);

/// Fails the test instead of hanging it.
pub(super) async fn soon<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(20), future).await.expect("in time")
}

pub(super) fn secret(cookie: &[u8]) -> Secret {
    Secret::new(cookie).expect("long enough")
}

pub(super) fn security(cookie: &[u8], mode: Mode) -> Security {
    with_tls(cookie, mode, Tls::self_signed().expect("a key"))
}

pub(super) fn with_tls(cookie: &[u8], mode: Mode, tls: Tls) -> Security {
    Security { secrets: Arc::new(Secrets::new(secret(cookie))), tls: Arc::new(tls), mode }
}

pub(super) fn identity(name: &str) -> Identity {
    Identity { name: name.to_owned(), incarnation: 7, role: Role::Peer, features: 0 }
}

/// Answers with what came in the stream, then with the request.
pub(super) struct Echo;

impl Service for Echo {
    async fn serve(&self, mut asked: Asked) {
        while let Some(Event::Data(data)) = asked.exchange.next().await {
            if asked.exchange.send(data).await.is_err() {
                return;
            }
        }
        asked.exchange.reply(Outcome::Done, asked.body);
    }
}

/// Passes on the nodes that connect.
struct Arrivals(mpsc::UnboundedSender<(Connected, Origin)>);

impl Peers for Arrivals {
    fn accepted(&self, transport: Transport, session: Session, from: Origin) {
        let _ = self.0.send(((transport, session), from));
    }
}

/// Takes nodes, and drops them.
pub(super) struct Nobody;

impl Peers for Nobody {
    fn accepted(&self, _: Transport, _: Session, _: Origin) {}
}

/// A node that listens on a free port.
pub(super) struct Listening {
    pub(super) server: Server,
    arrivals: mpsc::UnboundedReceiver<(Connected, Origin)>,
}

impl Listening {
    pub(super) async fn start(name: &str, security: Security) -> Self {
        let (sender, arrivals) = mpsc::unbounded_channel();
        let peers: Arc<dyn Peers> = Arc::new(Arrivals(sender));
        let address = SocketAddr::from(([127, 0, 0, 1], 0));
        let server = Server::start(address, identity(name), security, Echo, Some(peers));
        Self { server: server.await.expect("a free port"), arrivals }
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.server.address()
    }

    pub(super) async fn arrived(&mut self) -> Connected {
        self.arrived_from().await.0
    }

    /// And from where it came.
    pub(super) async fn arrived_from(&mut self) -> (Connected, Origin) {
        soon(self.arrivals.recv()).await.expect("the server runs")
    }

    pub(super) fn nobody_arrived(&mut self) -> bool {
        self.arrivals.try_recv().is_err()
    }
}

/// The node of this name, of which only this address is known.
pub(super) fn at(name: &str, address: SocketAddr) -> Target {
    Target { name: name.to_owned(), port: None, hints: vec![address.to_string()] }
}

/// Looks for nodes nowhere else but where the test says.
pub(super) fn options() -> Options {
    Options { default_port: 1, ..Options::default() }
}

pub(super) async fn dial_as(
    name: &str,
    target: &Target,
    security: &Security,
) -> Result<Connected, DialError> {
    soon(dial(target, &identity(name), security, &options())).await
}

/// What the dial failed with.
pub(super) fn failed(dialed: Result<Connected, DialError>) -> DialError {
    dialed.err().expect("no connection")
}

/// A command on this connection gets its answers.
pub(super) async fn round_trip(transport: Transport, bytes: usize) {
    let (connection, wires) = Connection::new(transport, true);
    let driven = connection.clone();
    let task = tokio::spawn(async move { driven.drive(wires, drop).await });
    let mut exchange = connection.request("echo", Bytes::from_static(b"done")).expect("open");
    let sent: Bytes = (0..bytes).map(|at| (at % 251) as u8).collect();
    let mut back = Vec::new();
    let mut rest = sent.clone();
    while back.len() < sent.len() {
        if !rest.is_empty() {
            let piece = rest.split_to(rest.len().min(10_000));
            soon(exchange.send(piece)).await.expect("open");
        }
        match soon(exchange.next()).await {
            Some(Event::Data(data)) => back.extend_from_slice(&data),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(back, sent);
    exchange.end();
    let reply = Event::Reply(Outcome::Done, Bytes::from_static(b"done"));
    assert_eq!(soon(exchange.next()).await, Some(reply));
    connection.close();
    soon(task).await.expect("no panic").expect("an orderly end");
}

#[tokio::test]
async fn a_command_gets_its_answers_over_tls_and_over_plain_loopback() {
    let node = Listening::start("a@localhost", security(COOKIE, Mode::Auto)).await;
    for (mode, encrypted) in [(Mode::Always, true), (Mode::Auto, false)] {
        let security = security(COOKIE, mode);
        let target = at("a@localhost", node.address());
        let dialed = soon(dial(&target, &Identity::command(), &security, &options())).await;
        let (transport, session) = dialed.expect("let in");
        assert_eq!((session.theirs.name.as_str(), session.theirs.incarnation), ("a@localhost", 7));
        assert_eq!(transport.is_encrypted(), encrypted, "{mode:?}");
        assert!(transport.received_bytes() > 0);
        round_trip(transport, 1 << 20).await;
    }
}

#[tokio::test]
async fn a_node_reaches_the_receiver_of_nodes_with_what_was_settled() {
    let mut node = Listening::start("a@localhost", security(COOKIE, Mode::Auto)).await;
    let security = security(COOKIE, Mode::Always);
    let mut other = identity("b@localhost");
    other.features = 0b11;
    let target = at("a@localhost", node.address());
    let (ours, session) = soon(dial(&target, &other, &security, &options())).await.expect("let in");
    assert_eq!(session.theirs.role, Role::Peer);
    let (theirs, session) = node.arrived().await;
    assert_eq!((session.theirs.name.as_str(), session.theirs.features), ("b@localhost", 0b11));
    assert_eq!(session.features, 0, "those that both have");
    assert!(ours.is_encrypted() && theirs.is_encrypted());
}

#[tokio::test]
async fn without_a_receiver_of_nodes_they_are_refused_by_role() {
    let address = SocketAddr::from(([127, 0, 0, 1], 0));
    let (a, keys) = (identity("a@localhost"), security(COOKIE, Mode::Auto));
    let server = Server::start(address, a, keys.clone(), Echo, None).await.expect("a free port");
    let target = at("a@localhost", server.address());
    let error = failed(dial_as("b@localhost", &target, &keys).await);
    let DialError::Handshake { source, .. } = error else { panic!("{error}") };
    assert_eq!(source, Failure::Refused(Refusal::Role));
}

#[tokio::test]
async fn who_always_has_something_to_write_still_reads() {
    use odeon_core::wire::Frame;
    use std::task::{Context, Poll};
    use transport::{Next, Outgoing};

    /// Never runs dry.
    struct Flood;
    impl Outgoing for Flood {
        fn poll_next(&mut self, _: &mut Context<'_>, into: &mut Vec<u8>) -> Poll<Next> {
            Frame::Ping { token: 1 }.encode(into);
            Poll::Ready(Next::Message)
        }
        fn is_crowded(&self) -> bool {
            false
        }
    }

    for mode in [Mode::Auto, Mode::Always] {
        let mut node = Listening::start("a@localhost", security(COOKIE, Mode::Auto)).await;
        let security = security(COOKIE, mode);
        let target = at("a@localhost", node.address());
        let (mut ours, _) = dial_as("b@localhost", &target, &security).await.expect("let in");
        let (mut theirs, _) = node.arrived().await;
        // Both go on until the other one has enough.
        let behind = std::cell::Cell::new(2);
        let flood = async |transport: &mut Transport| {
            let mut frames = 0;
            while behind.get() > 0 {
                let frame = soon(transport.turn(&mut Flood)).await.expect("open");
                assert!(frame.is_some());
                frames += 1;
                if frames == 20_000 {
                    behind.set(behind.get() - 1);
                }
            }
        };
        tokio::select! {
            () = flood(&mut ours) => {}
            () = flood(&mut theirs) => {}
        }
        assert_eq!(behind.get(), 0);
    }
}

#[test]
fn plain_connections_are_for_loopback_unless_they_are_forced() {
    let near: [IpAddr; 3] = [
        [127, 0, 0, 1].into(),
        "::1".parse().expect("an address"),
        "::ffff:127.0.0.2".parse().expect("an address"),
    ];
    let far: [IpAddr; 3] =
        [[192, 0, 2, 1].into(), "2001:db8::1".parse().expect("an address"), [0, 0, 0, 0].into()];
    let (auto, always) = (security(COOKIE, Mode::Auto), security(COOKIE, Mode::Always));
    let plain = security(COOKIE, Mode::Plain);
    for address in near {
        let from = Origin::Address((address, 1).into());
        assert!(auto.takes_plain(from) && !auto.dials_tls(address, Role::Peer));
    }
    for address in far {
        let from = Origin::Address((address, 1).into());
        assert!(!auto.takes_plain(from) && auto.dials_tls(address, Role::Control));
    }
    for address in near.into_iter().chain(far) {
        let from = Origin::Address((address, 1).into());
        assert!(!always.takes_plain(from) && always.dials_tls(address, Role::Control));
        assert!(plain.takes_plain(from) && !plain.dials_tls(address, Role::Peer));
    }
}

#[test]
fn a_node_tells_where_it_is_unless_its_owner_does() {
    let told = |advertise: &[String], listening: &str, name| {
        addresses(advertise, listening.parse().expect("an address"), name)
    };
    assert_eq!(told(&[], "127.0.0.1:4000", "a@box"), ["127.0.0.1:4000"]);
    assert_eq!(told(&[], "[2001:db8::1]:4000", "a@box"), ["[2001:db8::1]:4000"]);
    assert_eq!(told(&[], "0.0.0.0:4000", "a@box.example.org"), ["box.example.org:4000"]);
    assert!(told(&[], "0.0.0.0:4000", "a").is_empty());
    let said = ["gate:1".to_owned(), "gate:2".to_owned()];
    assert_eq!(told(&said, "0.0.0.0:4000", "a@box"), said);
}

#[test]
fn a_hello_has_a_nonce_of_its_own() {
    let a = identity("a@box");
    let (first, second) = (a.hello().expect("random bytes"), a.hello().expect("random bytes"));
    assert_ne!(first.nonce, second.nonce);
    assert_eq!(first.name, "a@box");
}
