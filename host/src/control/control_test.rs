//! The control channel over real sockets: who gets in, who does not, and what
//! exchanges do when a side goes away or does not read.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use odeon_core::peer::credit::WINDOW_BYTES;
use odeon_core::peer::handshake::{Failure, Secret, Session};
use odeon_core::wire::{Frame, MESSAGE_BYTES_MAX, Outcome, Refusal, Role};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::Semaphore;

use super::mux::{Asked, Connection, Event, Exchange, Gone};
use super::queue::{Out, queue};
use super::server::{Server, Service};
use crate::net::dial::dial_address;
use crate::net::secrets::Secrets;
use crate::net::tls::Tls;
use crate::net::transport::{PATH, Transport, TransportError};
use crate::net::{HALF_OPEN_MAX, HANDSHAKE_TIME_MAX, Identity, Mode, Security};

const COOKIE: &[u8] = b"a cookie for tests only";

fn identity(name: &str, role: Role) -> Identity {
    Identity { name: name.to_owned(), incarnation: 7, role, features: 0 }
}

fn security(cookie: &[u8]) -> Security {
    let secret = Secret::new(cookie).expect("long enough");
    let tls = Tls::self_signed().expect("a key");
    Security { secrets: Arc::new(Secrets::new(secret)), tls: Arc::new(tls), mode: Mode::Auto }
}

async fn connect(
    server: &Server,
    role: Role,
    cookie: &[u8],
) -> Result<(Transport, Session), TransportError> {
    let name = if role == Role::Peer { "b@box" } else { "" };
    let (identity, security) = (identity(name, role), security(cookie));
    let address = server.address();
    dial_address(address, false, "a@box", &identity, &security, HANDSHAKE_TIME_MAX).await
}

/// Echoes streams, holds requests, and counts the handlers that live.
#[derive(Clone)]
struct Echo {
    alive: Arc<Semaphore>,
}

/// Takes a permit while a handler lives.
struct Alive<'a>(&'a Semaphore);

impl Drop for Alive<'_> {
    fn drop(&mut self) {
        self.0.add_permits(1);
    }
}

impl Service for Echo {
    async fn serve(&self, mut asked: Asked) {
        self.alive.acquire().await.expect("never closed").forget();
        let _alive = Alive(&self.alive);
        match asked.service.as_str() {
            "echo" => {
                while let Some(Event::Data(data)) = asked.exchange.next().await {
                    if asked.exchange.send(data).await.is_err() {
                        return;
                    }
                }
                asked.exchange.reply(Outcome::Done, asked.body);
            }
            "hold" => std::future::pending().await,
            "give" => while asked.exchange.send(Bytes::from(vec![7; 1000])).await.is_ok() {},
            _ => {}
        }
    }
}

const HANDLERS: usize = 100;

async fn server() -> (Server, Echo) {
    let echo = Echo { alive: Arc::new(Semaphore::new(HANDLERS)) };
    let address = SocketAddr::from(([127, 0, 0, 1], 0));
    let (identity, security) = (identity("a@box", Role::Peer), security(COOKIE));
    let server = Server::start(address, identity, security, echo.clone(), None);
    let server = server.await.expect("a free port");
    (server, echo)
}

async fn client(server: &Server) -> Connection {
    let (transport, session) = connect(server, Role::Control, COOKIE).await.expect("same cookie");
    assert_eq!(session.theirs.name, "a@box");
    let (connection, wires) = Connection::new(transport, true);
    let driven = connection.clone();
    tokio::spawn(async move { driven.drive(wires, drop).await });
    connection
}

/// Fails the test instead of hanging it.
async fn soon<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(20), future).await.expect("in time")
}

/// All handlers have ended.
async fn idle(echo: &Echo) {
    let all = u32::try_from(HANDLERS).expect("few");
    drop(soon(echo.alive.acquire_many(all)).await.expect("never closed"));
}

/// The server still serves: what came before did it no harm.
async fn serves(server: &Server) {
    let connection = client(server).await;
    let mut exchange = connection.request("echo", Bytes::from_static(b"x")).expect("open");
    exchange.end();
    let reply = Event::Reply(Outcome::Done, Bytes::from_static(b"x"));
    assert_eq!(soon(exchange.next()).await, Some(reply));
}

#[tokio::test]
async fn a_stream_larger_than_the_window_comes_back_whole_and_in_order() {
    let (server, _) = server().await;
    let connection = client(&server).await;
    let mut exchange = connection.request("echo", Bytes::from_static(b"done")).expect("open");
    let sent: Bytes = (0..3 * WINDOW_BYTES).map(|at| (at % 251) as u8).collect();
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
    assert_eq!(soon(exchange.next()).await, None, "nothing comes after the reply");
}

#[tokio::test]
async fn an_exchange_that_nobody_reads_stops_its_sender_and_not_the_others() {
    let (server, echo) = server().await;
    let connection = client(&server).await;
    let mut unread = connection.request("give", Bytes::new()).expect("open");
    let Some(Event::Data(_)) = soon(unread.next()).await else { panic!("data") };
    serves(&server).await;
    let mut other = connection.request("echo", Bytes::new()).expect("open");
    other.end();
    assert!(matches!(soon(other.next()).await, Some(Event::Reply(Outcome::Done, _))));
    drop(unread);
    idle(&echo).await;
}

#[tokio::test]
async fn handlers_end_when_their_client_vanishes() {
    let (server, echo) = server().await;
    let (transport, _) = connect(&server, Role::Control, COOKIE).await.expect("let in");
    let (connection, wires) = Connection::new(transport, true);
    let driven = connection.clone();
    let task = tokio::spawn(async move { driven.drive(wires, drop).await });
    let _held = connection.request("hold", Bytes::new()).expect("open");
    let mut echoed = connection.request("echo", Bytes::new()).expect("open");
    soon(echoed.send(Bytes::from_static(b"x"))).await.expect("open");
    assert_eq!(soon(echoed.next()).await, Some(Event::Data(Bytes::from_static(b"x"))));
    // The socket goes without a goodbye.
    task.abort();
    assert_eq!(soon(echoed.next()).await, None, "this side's exchanges end as well");
    assert_eq!(echoed.send(Bytes::from_static(b"y")).await, Err(Gone));
    assert!(connection.request("echo", Bytes::new()).is_err());
    idle(&echo).await;
    serves(&server).await;
}

#[tokio::test]
async fn a_handler_that_drops_its_exchange_fails_the_request_instead_of_hanging_it() {
    let (server, _) = server().await;
    let connection = client(&server).await;
    let mut exchange: Exchange = connection.request("nobody", Bytes::new()).expect("open");
    assert_eq!(soon(exchange.next()).await, Some(Event::Reply(Outcome::Failed, Bytes::new())));
}

#[tokio::test]
async fn a_wrong_cookie_is_refused_by_name() {
    let (server, echo) = server().await;
    let wrong = connect(&server, Role::Control, b"another cookie for tests").await;
    let error = wrong.err().expect("refused");
    let refused = TransportError::Handshake(Failure::Refused(Refusal::Cookie));
    assert_eq!(error.to_string(), refused.to_string());
    assert_eq!(echo.alive.available_permits(), HANDLERS);
    serves(&server).await;
}

#[tokio::test]
async fn a_role_that_the_server_does_not_take_is_refused() {
    let (server, _) = server().await;
    let error = connect(&server, Role::Peer, COOKIE).await.err().expect("refused");
    assert!(matches!(error, TransportError::Handshake(Failure::Refused(Refusal::Role))));
}

/// A WebSocket without the handshake, to send what nobody should.
async fn raw_socket(server: &Server) -> tokio_tungstenite::WebSocketStream<TcpStream> {
    let stream = TcpStream::connect(server.address()).await.expect("listening");
    let url = format!("ws://{}{PATH}", server.address());
    tokio_tungstenite::client_async(url, stream).await.expect("upgraded").0
}

/// The refusal that the server answers this message with, before it closes.
async fn refusal(server: &Server, message: Vec<u8>) -> Option<Frame> {
    use futures_util::{SinkExt as _, StreamExt as _};
    use tokio_tungstenite::tungstenite::Message;
    let mut socket = raw_socket(server).await;
    let _ = socket.send(Message::Binary(message.into())).await;
    let mut refused = None;
    while let Some(Ok(message)) = soon(socket.next()).await {
        if let Message::Binary(mut message) = message {
            let raw = odeon_core::wire::Raw::split(&mut message, 4096).expect("framed");
            refused = raw.expect("not empty").decode().expect("known");
        }
    }
    refused
}

#[tokio::test]
async fn an_old_version_and_malformed_frames_are_refused_by_name() {
    let (server, _) = server().await;
    let mut old = identity("", Role::Control).hello().expect("random bytes");
    (old.version_min, old.version_max) = (0, 0);
    let hello = Frame::Hello(old).to_message().to_vec();
    let versions = Frame::Refused(Refusal::Version { min: 1, max: 1 });
    assert_eq!(refusal(&server, hello.clone()).await, Some(versions));
    let malformed = Some(Frame::Refused(Refusal::Malformed));
    assert_eq!(refusal(&server, hello[..hello.len() - 1].to_vec()).await, malformed, "cut short");
    assert_eq!(refusal(&server, vec![0x01, 0, 0, 1, 0]).await, malformed, "64 KiB hello");
    assert_eq!(refusal(&server, b"GET / HTTP/1.1\r\n".to_vec()).await, malformed);
    // Over the transport's own limit. The rest of the message is never read, so
    // the refusal may be lost in the reset.
    let oversized = refusal(&server, vec![0; MESSAGE_BYTES_MAX + 1]).await;
    assert!(oversized.is_none() || oversized == malformed, "{oversized:?}");
    serves(&server).await;
}

#[tokio::test]
async fn who_says_nothing_is_dropped_at_the_deadline() {
    let (server, _) = server().await;
    let mut silent = TcpStream::connect(server.address()).await.expect("listening");
    let mut slow = TcpStream::connect(server.address()).await.expect("listening");
    slow.write_all(b"GET /odeon HTTP/1.1\r\nHost: x\r\n").await.expect("open");
    let upgraded = refusal(&server, Vec::new());
    let mut end = Vec::new();
    let (silent, slow, upgraded) = tokio::join!(
        soon(silent.read_to_end(&mut end)),
        async { soon(slow.read_u8()).await },
        upgraded,
    );
    assert!(silent.is_ok_and(|bytes| bytes == 0));
    assert!(slow.is_err());
    assert_eq!(upgraded, Some(Frame::Refused(Refusal::Timeout)));
    serves(&server).await;
}

#[tokio::test]
async fn strangers_beyond_the_limit_are_dropped_at_once_and_free_places_are_used_again() {
    let (server, _) = server().await;
    let mut strangers = Vec::new();
    for _ in 0..HALF_OPEN_MAX {
        strangers.push(TcpStream::connect(server.address()).await.expect("listening"));
    }
    let mut one_more = TcpStream::connect(server.address()).await.expect("listening");
    let ended = tokio::time::timeout(HANDSHAKE_TIME_MAX / 2, one_more.read_u8()).await;
    assert!(ended.is_ok_and(|read| read.is_err()), "dropped before any deadline");
    drop(strangers);
    // The server notices the free places in its own time.
    soon(async { while connect(&server, Role::Control, COOKIE).await.is_err() {} }).await;
}

#[tokio::test]
async fn breaking_the_rules_after_the_handshake_ends_only_that_connection() {
    let (server, echo) = server().await;
    let done = Outcome::Done;
    let broken: [&[Frame]; 5] = [
        &[Frame::Proof([0; 32])],
        &[Frame::Request { id: 2, service: "echo".into(), body: Bytes::new() }],
        &[
            Frame::Request { id: 1, service: "hold".into(), body: Bytes::new() },
            Frame::Request { id: 1, service: "hold".into(), body: Bytes::new() },
        ],
        &[
            Frame::Request { id: 1, service: "hold".into(), body: Bytes::new() },
            Frame::Reply { id: 1, outcome: done, body: Bytes::new() },
        ],
        &[
            Frame::Request { id: 1, service: "hold".into(), body: Bytes::new() },
            Frame::Credit { id: 1, bytes: 1 },
        ],
    ];
    for frames in broken {
        let (mut transport, _) = connect(&server, Role::Control, COOKIE).await.expect("let in");
        let (sender, mut queue) = queue();
        for frame in frames {
            sender.send(Out::Frame(frame.clone())).expect("open");
        }
        let ended = soon(async { while let Ok(Some(_)) = transport.turn(&mut queue).await {} });
        ended.await;
    }
    idle(&echo).await;
    serves(&server).await;
}

#[tokio::test]
async fn a_sender_without_credit_is_cut_off() {
    let (server, _) = server().await;
    let (mut transport, _) = connect(&server, Role::Control, COOKIE).await.expect("let in");
    let (sender, mut queue) = queue();
    let push = |frame| sender.send(Out::Frame(frame)).expect("open");
    push(Frame::Request { id: 1, service: "hold".into(), body: Bytes::new() });
    let piece = Bytes::from(vec![0; 16 << 10]);
    for _ in 0..=WINDOW_BYTES / (16 << 10) {
        push(Frame::StreamData { id: 1, data: piece.clone() });
    }
    soon(async { while let Ok(Some(_)) = transport.turn(&mut queue).await {} }).await;
    serves(&server).await;
}

#[tokio::test]
async fn a_stop_closes_connections_and_frees_the_port() {
    let (server, echo) = server().await;
    let address = server.address();
    let connection = client(&server).await;
    let mut held = connection.request("hold", Bytes::new()).expect("open");
    soon(server.stop()).await;
    assert_eq!(soon(held.next()).await, None);
    assert!(TcpStream::connect(address).await.is_err());
    idle(&echo).await;
    let taken = tokio::net::TcpListener::bind(address).await.expect("free again");
    let again = Server::start(address, identity("a@box", Role::Peer), security(COOKIE), echo, None);
    let error = again.await.expect_err("taken").to_string();
    assert!(error.contains("--listen"), "{error}");
    drop(taken);
}
