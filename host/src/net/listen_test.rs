//! Strangers: they do not get in, and they are no burden to those who may.

use bytes::Bytes;
use futures_util::{SinkExt as _, StreamExt as _};
use odeon_core::peer::handshake::{Effect, Failure, Handshake};
use odeon_core::wire::{Frame, Raw, Refusal};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;

use super::*;
use crate::net::Mode;
use crate::net::dial::DialError;
use crate::net::tests::{
    COOKIE, Listening, Nobody, OTHER_COOKIE, at, dial_as, failed, identity, secret, security, soon,
};
use crate::net::tls::Tls;

/// The node still takes those who may come in.
async fn serves(node: &mut Listening) {
    let target = at("a@localhost", node.address());
    let keys = security(COOKIE, Mode::Always);
    let (transport, _) = dial_as("b@localhost", &target, &keys).await.expect("let in");
    assert_eq!(node.arrived().await.1.theirs.name, "b@localhost");
    drop(transport);
}

/// Passes connections on to this address: with TLS of its own on both sides, or byte
/// by byte.
async fn middleman(to: SocketAddr, ends_tls: bool) -> SocketAddr {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a free port");
    let address = listener.local_addr().expect("bound");
    tokio::spawn(async move {
        let tls = Tls::self_signed().expect("a key");
        loop {
            let (mut left, _) = listener.accept().await.expect("listening");
            let mut right = TcpStream::connect(to).await.expect("listening");
            if ends_tls {
                let mut left = tls.accept(left, true).await.expect("TLS");
                let mut right = tls.connect(right, "localhost").await.expect("TLS");
                let _ = tokio::io::copy_bidirectional(&mut left, &mut right).await;
            } else {
                let _ = tokio::io::copy_bidirectional(&mut left, &mut right).await;
            }
        }
    });
    address
}

#[tokio::test]
async fn a_middleman_who_ends_tls_on_both_sides_is_refused() {
    let mut node = Listening::start("a@localhost", security(COOKIE, Mode::Auto)).await;
    let keys = security(COOKIE, Mode::Always);
    let cable = middleman(node.address(), false).await;
    dial_as("b@localhost", &at("a@localhost", cable), &keys).await.expect("only a cable");
    node.arrived().await;
    let middleman = middleman(node.address(), true).await;
    let error = failed(dial_as("b@localhost", &at("a@localhost", middleman), &keys).await);
    let DialError::Handshake { source, .. } = error else { panic!("{error}") };
    assert_eq!(source, Failure::Refused(Refusal::Cookie), "the proof is for another channel");
    assert!(node.nobody_arrived());
    serves(&mut node).await;
}

#[tokio::test]
async fn a_wrong_cookie_is_refused_by_name_with_and_without_tls() {
    let mut node = Listening::start("a@localhost", security(COOKIE, Mode::Auto)).await;
    for mode in [Mode::Auto, Mode::Always] {
        let wrong = security(OTHER_COOKIE, mode);
        let target = at("a@localhost", node.address());
        let error = failed(dial_as("b@localhost", &target, &wrong).await);
        let DialError::Handshake { source, .. } = error else { panic!("{error}") };
        assert_eq!(source, Failure::Refused(Refusal::Cookie));
        assert!(node.nobody_arrived());
    }
    serves(&mut node).await;
}

#[tokio::test]
async fn a_name_that_cannot_name_a_node_is_refused() {
    let mut node = Listening::start("a@localhost", security(COOKIE, Mode::Auto)).await;
    let target = at("a@localhost", node.address());
    let keys = security(COOKIE, Mode::Auto);
    for name in ["", "../b@localhost", "b@localhost\u{1b}[2J"] {
        let error = failed(dial_as(name, &target, &keys).await);
        let DialError::Handshake { source, .. } = error else { panic!("{error}") };
        assert_eq!(source, Failure::Refused(Refusal::NotAllowed), "{name:?}");
    }
    assert!(node.nobody_arrived());
    let wrong = TransportError::BadName("b\u{1b}[2J".to_owned()).to_string();
    assert!(!wrong.contains('\u{1b}'), "{wrong}");
}

/// A WebSocket over TLS to this address, and the channel's binding.
async fn upgraded(address: SocketAddr) -> (WebSocketStream<Stream>, Bytes) {
    let tls = Tls::self_signed().expect("a key");
    let socket = TcpStream::connect(address).await.expect("listening");
    let stream = tls.connect(socket, "localhost").await.expect("TLS");
    let binding = stream.binding().clone();
    let url = format!("ws://localhost{}", crate::net::transport::PATH);
    (tokio_tungstenite::client_async(url, stream).await.expect("upgraded").0, binding)
}

/// Sends a frame and gives the one that comes back.
async fn ask(socket: &mut WebSocketStream<Stream>, frame: &Frame) -> Raw {
    socket.send(Message::Binary(frame.to_message())).await.expect("open");
    match soon(socket.next()).await {
        Some(Ok(Message::Binary(mut message))) => {
            Raw::split(&mut message, 4096).expect("framed").expect("not empty")
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn what_proved_the_cookie_once_proves_nothing_again() {
    let mut node = Listening::start("a@localhost", security(COOKIE, Mode::Auto)).await;
    let (mut socket, binding) = upgraded(node.address()).await;
    assert_eq!(binding.len(), 32);
    let ours = identity("b@localhost").hello().expect("random bytes");
    let mut effects = Vec::new();
    let mut handshake =
        Handshake::initiate(ours.clone(), secret(COOKIE), binding.clone(), &mut effects);
    let hello = Frame::Hello(ours);
    let theirs = ask(&mut socket, &hello).await;
    effects.clear();
    handshake.received(&theirs, &mut effects);
    let Some(Effect::Send(proof)) = effects.pop() else { panic!("a proof") };
    let answer = ask(&mut socket, &proof).await;
    assert!(matches!(answer.decode(), Ok(Some(Frame::Proof(_)))), "right the first time");
    node.arrived().await;

    let (mut again, other_binding) = upgraded(node.address()).await;
    assert_ne!(binding, other_binding);
    let theirs_again = ask(&mut again, &hello).await;
    assert_ne!(theirs.body, theirs_again.body, "another nonce");
    let answer = ask(&mut again, &proof).await;
    assert_eq!(answer.decode(), Ok(Some(Frame::Refused(Refusal::Cookie))));
    assert!(node.nobody_arrived());
}

#[tokio::test]
async fn plain_connections_are_told_to_use_tls_where_it_is_asked_for() {
    let mut node = Listening::start("a@localhost", security(COOKIE, Mode::Always)).await;
    let target = at("a@localhost", node.address());
    let plain = security(COOKIE, Mode::Plain);
    let error = failed(dial_as("b@localhost", &target, &plain).await);
    assert!(matches!(error, DialError::Failed { .. }), "{error}");
    assert!(error.to_string().contains("with TLS"), "{error}");
    let mut socket = TcpStream::connect(node.address()).await.expect("listening");
    socket.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").await.expect("open");
    let mut answer = String::new();
    soon(socket.read_to_string(&mut answer)).await.expect("an orderly end");
    assert!(answer.starts_with("HTTP/1.1 403 "), "{answer}");
    let (head, body) = answer.split_once("\r\n\r\n").expect("a whole answer");
    assert!(head.contains(&format!("Content-Length: {}", body.len())), "{answer}");
    assert!(node.nobody_arrived());
    serves(&mut node).await;
}

/// Ends when the node has closed this connection.
async fn dropped(mut socket: impl tokio::io::AsyncRead + Unpin) {
    while soon(socket.read(&mut [0; 1024])).await.is_ok_and(|bytes| bytes > 0) {}
}

#[tokio::test]
async fn who_is_slow_at_any_step_is_dropped_at_its_own_deadline_and_hinders_nobody() {
    let mut node = Listening::start("a@localhost", security(COOKIE, Mode::Auto)).await;
    let begun = Instant::now();
    // The start of a TLS greeting that announces more than comes.
    let mut in_tls = TcpStream::connect(node.address()).await.expect("listening");
    in_tls.write_all(&[tls::FIRST_BYTE, 3, 1, 2, 0, 1, 0, 1, 0xfc]).await.expect("open");
    let silent = TcpStream::connect(node.address()).await.expect("listening");
    let tls = Tls::self_signed().expect("a key");
    let socket = TcpStream::connect(node.address()).await.expect("listening");
    let mut in_upgrade = tls.connect(socket, "localhost").await.expect("TLS");
    in_upgrade.write_all(b"GET /odeon HTTP/1.1\r\nHost: x\r\n").await.expect("open");
    in_upgrade.flush().await.expect("open");
    let (in_handshake, _) = upgraded(node.address()).await;
    serves(&mut node).await;
    assert!(begun.elapsed() < HANDSHAKE_TIME_MAX, "the good one did not wait for the slow");
    let in_handshake = async {
        let mut in_handshake = in_handshake;
        let mut refused = None;
        while let Some(Ok(message)) = soon(in_handshake.next()).await {
            if let Message::Binary(mut message) = message {
                let raw = Raw::split(&mut message, 4096).expect("framed").expect("not empty");
                refused = raw.decode().expect("known");
            }
        }
        assert_eq!(refused, Some(Frame::Refused(Refusal::Timeout)));
    };
    tokio::join!(dropped(in_tls), dropped(silent), dropped(in_upgrade), in_handshake);
    assert!(begun.elapsed() < HANDSHAKE_TIME_MAX * 2, "{:?}", begun.elapsed());
    serves(&mut node).await;
}

#[tokio::test]
async fn hundreds_of_half_open_connections_do_not_hinder_a_good_one_for_long() {
    let mut node = Listening::start("a@localhost", security(COOKIE, Mode::Auto)).await;
    let mut strangers = Vec::new();
    for at in 0..200 {
        let mut socket = TcpStream::connect(node.address()).await.expect("listening");
        if at % 2 == 0 {
            socket.write_all(&[tls::FIRST_BYTE]).await.expect("open");
        }
        strangers.push(socket);
    }
    let begun = Instant::now();
    let target = at("a@localhost", node.address());
    let keys = security(COOKIE, Mode::Auto);
    while dial_as("b@localhost", &target, &keys).await.is_err() {
        assert!(begun.elapsed() < HANDSHAKE_TIME_MAX * 2, "still hindered");
    }
    node.arrived().await;
    for stranger in strangers {
        dropped(stranger).await;
    }
    assert!(begun.elapsed() < HANDSHAKE_TIME_MAX * 3, "each has its own deadline");
}

#[tokio::test]
async fn a_connection_of_a_node_keeps_its_place_until_it_ends() {
    let mut node = Listening::start("a@localhost", security(COOKIE, Mode::Auto)).await;
    let target = at("a@localhost", node.address());
    let keys = security(COOKIE, Mode::Auto);
    let mut kept = Vec::new();
    for _ in 0..HALF_OPEN_MAX + 1 {
        let (transport, _) = dial_as("b@localhost", &target, &keys).await.expect("let in");
        kept.push((transport, node.arrived().await));
    }
    serves(&mut node).await;
}

#[tokio::test]
async fn an_address_that_is_taken_is_refused_with_the_fix() {
    let node = Listening::start("a@localhost", security(COOKIE, Mode::Auto)).await;
    let (keys, nobody) = (security(COOKIE, Mode::Auto), Arc::new(Nobody));
    let again = Listener::start(node.address(), identity("b@localhost"), keys, nobody).await;
    let error = again.expect_err("taken").to_string();
    assert!(error.contains("--listen"), "{error}");
}
