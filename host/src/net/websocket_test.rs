use std::future::{Future, poll_fn};
use std::time::Duration;

use bytes::Bytes;
use futures_util::{SinkExt as _, StreamExt as _};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

use super::*;

const URL: &str = "ws://localhost/odeon";
const BYTES_MAX: usize = 70_000;

async fn soon<F: Future>(work: F) -> F::Output {
    tokio::time::timeout(Duration::from_secs(20), work).await.expect("in time")
}

/// Both ends of a connection.
async fn sockets() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a free port");
    let address = listener.local_addr().expect("it has one");
    let (near, far) = tokio::join!(TcpStream::connect(address), listener.accept());
    (near.expect("a connection"), far.expect("a connection").0)
}

#[expect(clippy::result_large_err, reason = "the WebSocket library prescribes the type")]
fn any_path(_: &Request, response: Response) -> Result<Response, ErrorResponse> {
    Ok(response)
}

fn plain(socket: TcpStream) -> Stream {
    Stream::plain(socket).expect("a stream")
}

async fn connected() -> (WebSocket, WebSocket) {
    let (near, far) = sockets().await;
    let (near, far) = tokio::join!(
        WebSocket::connect(plain(near), URL.into(), BYTES_MAX),
        WebSocket::accept(plain(far), any_path, BYTES_MAX),
    );
    (near.expect("a client"), far.expect("a server"))
}

/// A server, and the bare socket of a client whose handshake is over.
async fn server_and_socket() -> (WebSocket, TcpStream) {
    let (near, far) = sockets().await;
    let (client, server) = tokio::join!(
        tokio_tungstenite::client_async(URL, near),
        WebSocket::accept(plain(far), any_path, BYTES_MAX),
    );
    (server.expect("a server"), client.expect("a client").0.into_inner())
}

async fn send(socket: &mut WebSocket, message: &[u8]) {
    socket.message(|into| into.extend_from_slice(message)).expect("a mask");
    soon(poll_fn(|cx| socket.poll_flush(cx))).await.expect("it goes");
}

async fn receive(socket: &mut WebSocket) -> Result<Option<Bytes>, TransportError> {
    soon(poll_fn(|cx| socket.poll_message(cx))).await
}

/// A frame as a client sends it.
fn frame(first: u8, length: usize, payload: &[u8]) -> Vec<u8> {
    let mask = [1, 2, 3, 4];
    let mut bytes = vec![first];
    match length {
        0..126 => bytes.push(0x80 | length as u8),
        126..65_536 => {
            bytes.push(0x80 | 126);
            bytes.extend_from_slice(&(length as u16).to_be_bytes());
        }
        _ => {
            bytes.push(0x80 | 127);
            bytes.extend_from_slice(&(length as u64).to_be_bytes());
        }
    }
    bytes.extend_from_slice(&mask);
    bytes.extend(payload.iter().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask));
    bytes
}

fn body(length: usize) -> Vec<u8> {
    (0..length).map(|at| (at * 31 % 251) as u8).collect()
}

const LENGTHS: [usize; 9] = [1, 2, 125, 126, 127, 65_535, 65_536, BYTES_MAX - 1, BYTES_MAX];

#[tokio::test]
async fn messages_of_all_lengths_arrive_as_they_were_sent_both_ways() {
    let (mut near, mut far) = connected().await;
    for length in LENGTHS {
        let body = body(length);
        for _ in 0..3 {
            let ((), came) = tokio::join!(send(&mut near, &body), receive(&mut far));
            assert_eq!(came.expect("a message").expect("open"), body, "{length}");
            let ((), came) = tokio::join!(send(&mut far, &body), receive(&mut near));
            assert_eq!(came.expect("a message").expect("open"), body, "{length}");
        }
    }
}

#[tokio::test]
async fn a_client_hides_its_messages_behind_masks_that_differ_and_a_server_does_not() {
    let (near, far) = sockets().await;
    let (client, server) = tokio::join!(
        WebSocket::connect(plain(near), URL.into(), BYTES_MAX),
        tokio_tungstenite::accept_async(far),
    );
    let (mut client, mut socket) = (client.expect("a client"), server.expect("one").into_inner());
    let mut seen = std::collections::BTreeSet::new();
    for _ in 0..2 * MASKS {
        send(&mut client, &[0; 4]).await;
        let mut bytes = [0; 10];
        soon(socket.read_exact(&mut bytes)).await.expect("a frame");
        assert_eq!(bytes[..2], [0x82, 0x84]);
        assert_eq!(bytes[2..6], bytes[6..], "zeros show the mask");
        seen.insert(bytes[2..6].to_vec());
    }
    assert!(seen.len() > 2 * MASKS - 8, "{} masks", seen.len());

    let (mut server, mut socket) = server_and_socket().await;
    send(&mut server, b"four").await;
    let mut bytes = [0; 6];
    soon(socket.read_exact(&mut bytes)).await.expect("a frame");
    assert_eq!(&bytes, b"\x82\x04four");
}

#[tokio::test]
async fn nothing_is_sent_where_nothing_was_to_be() {
    let (mut near, mut far) = connected().await;
    assert_eq!(near.message(|_| 7).expect("nothing"), 7);
    soon(poll_fn(|cx| near.poll_flush(cx))).await.expect("nothing to do");
    send(&mut near, b"something").await;
    assert_eq!(receive(&mut far).await.expect("a message").expect("open"), "something");
}

#[tokio::test]
async fn messages_that_are_sent_together_go_out_together_and_in_order() {
    let (mut near, mut far) = connected().await;
    for _ in 0..2 {
        std::mem::swap(&mut near, &mut far);
        let (sender, receiver) = (&mut near, &mut far);
        for length in [3, 200, 1, 126] {
            soon(poll_fn(|cx| sender.poll_ready(cx))).await.expect("there is room");
            sender.message(|into| into.extend_from_slice(&body(length))).expect("a mask");
        }
        assert_eq!(sender.written, 0, "nothing went yet");
        soon(poll_fn(|cx| sender.poll_flush(cx))).await.expect("they go");
        assert!(sender.outgoing.is_empty());
        for length in [3, 200, 1, 126] {
            let came = receive(&mut *receiver).await.expect("a message").expect("open");
            assert_eq!(came, body(length), "{length}");
        }
    }
}

#[tokio::test]
async fn who_waits_for_a_slow_reader_takes_no_more_to_send() {
    let (mut near, mut far) = connected().await;
    let mut sent = 0;
    soon(poll_fn(|cx| {
        loop {
            match near.poll_ready(cx) {
                Poll::Pending => break Poll::Ready(()),
                Poll::Ready(done) => done.expect("open"),
            }
            let fill = |into: &mut Vec<u8>| into.extend_from_slice(&body(BYTES_MAX));
            near.message(fill).expect("a mask");
            sent += 1;
        }
    }))
    .await;
    assert!(near.outgoing.len() < WRITE_BYTES_MAX + 2 * BYTES_MAX);
    assert_eq!(near.write_bytes, WRITE_BYTES_FIRST, "what is urgent has little before it");
    let reading = async {
        for _ in 0..sent {
            assert_eq!(receive(&mut far).await.expect("a message").expect("open").len(), BYTES_MAX);
        }
    };
    let writing = soon(poll_fn(|cx| near.poll_flush(cx)));
    tokio::join!(reading, async { writing.await.expect("it goes") });
}

#[tokio::test]
async fn what_comes_together_with_the_answer_to_the_request_is_not_lost() {
    let (near, mut far) = sockets().await;
    let answering = async {
        let mut request = Vec::new();
        while !request.ends_with(b"\r\n\r\n") {
            far.read_buf(&mut request).await.expect("a request");
        }
        let request = String::from_utf8(request).expect("text");
        let key = request
            .lines()
            .find_map(|line| line.strip_prefix("Sec-WebSocket-Key: "))
            .expect("a key");
        let accept = derive_accept_key(key.as_bytes());
        let answer = format!(
            "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Accept: {accept}\r\n\r\n"
        );
        let together = [answer.as_bytes(), b"\x82\x05early\x82"].concat();
        far.write_all(&together).await.expect("an answer");
        far.write_all(b"\x04late").await.expect("the rest");
    };
    let connecting = WebSocket::connect(plain(near), URL.into(), BYTES_MAX);
    let (client, ()) = soon(async { tokio::join!(connecting, answering) }).await;
    let mut client = client.expect("a client");
    assert_eq!(receive(&mut client).await.expect("a message").expect("open"), "early");
    assert_eq!(receive(&mut client).await.expect("a message").expect("open"), "late");
}

#[tokio::test]
async fn a_proxy_may_cut_messages_and_ping_between_the_parts() {
    let (mut server, mut socket) = server_and_socket().await;
    for (first, payload) in
        [(0x02, "a "), (0x89, "are you there"), (0x00, ""), (0x00, "whole "), (0x80, "message")]
    {
        let frame = frame(first, payload.len(), payload.as_bytes());
        for byte in frame {
            socket.write_all(&[byte]).await.expect("it goes");
        }
    }
    assert_eq!(receive(&mut server).await.expect("a message").expect("open"), "a whole message");
    soon(poll_fn(|cx| server.poll_flush(cx))).await.expect("the pong goes");
    let mut pong = vec![0; 15];
    soon(socket.read_exact(&mut pong)).await.expect("a pong");
    assert_eq!(pong, b"\x8a\x0dare you there");
}

#[tokio::test]
async fn what_came_with_a_message_is_there_without_another_read_up_to_the_end() {
    let (mut server, mut socket) = server_and_socket().await;
    let frames =
        [frame(0x82, 3, b"one"), frame(0x89, 1, b"?"), frame(0x82, 3, b"two"), frame(0x88, 0, b"")];
    socket.write_all(&[frames.concat(), b"not read".to_vec()].concat()).await.expect("it goes");
    assert_eq!(receive(&mut server).await.expect("a message").expect("open"), "one");
    // All of it is there, since it was written at once and is short.
    assert_eq!(server.next_arrived().expect("no fault").expect("a message"), "two");
    assert_eq!(server.next_arrived().expect("no fault"), None);
    assert_eq!(receive(&mut server).await.expect("no fault"), None, "the other side closed");
}

#[tokio::test]
async fn a_ping_is_answered_by_a_side_that_only_waits() {
    let (near, far) = sockets().await;
    let (client, server) = tokio::join!(
        tokio_tungstenite::client_async(URL, near),
        WebSocket::accept(plain(far), any_path, BYTES_MAX),
    );
    let (mut client, mut server) = (client.expect("a client").0, server.expect("a server"));
    let asking = async {
        client.send(Message::Ping("now?".into())).await.expect("it goes");
        let pong = client.next().await.expect("open").expect("a message");
        assert_eq!(pong, Message::Pong("now?".into()));
        client.send(Message::Binary("done".into())).await.expect("it goes");
    };
    let ((), came) = soon(async { tokio::join!(asking, receive(&mut server)) }).await;
    assert_eq!(came.expect("a message").expect("open"), "done");
}

#[tokio::test]
async fn a_side_that_closes_is_answered_and_one_that_vanishes_is_told_apart() {
    let (near, far) = sockets().await;
    let (client, server) = tokio::join!(
        tokio_tungstenite::client_async(URL, near),
        WebSocket::accept(plain(far), any_path, BYTES_MAX),
    );
    let (mut client, mut server) = (client.expect("a client").0, server.expect("a server"));
    let closing = async {
        client.close(None).await.expect("it goes");
        assert!(matches!(client.next().await, Some(Ok(Message::Close(_)))), "it is answered");
    };
    let ((), came) = soon(async { tokio::join!(closing, receive(&mut server)) }).await;
    assert_eq!(came.expect("no fault"), None);

    let (mut near, far) = connected().await;
    drop(far);
    assert!(matches!(receive(&mut near).await, Err(TransportError::Closed)));

    let (mut near, mut far) = connected().await;
    send(&mut near, b"the last").await;
    soon(poll_fn(|cx| near.poll_close(cx))).await.expect("it goes");
    assert_eq!(receive(&mut far).await.expect("a message").expect("open"), "the last");
    assert_eq!(receive(&mut far).await.expect("no fault"), None);
}

#[tokio::test]
async fn frames_that_break_a_rule_end_the_connection_and_give_nothing() {
    let cases: [(&str, Vec<u8>); 13] = [
        ("text", frame(0x81, 2, b"hi")),
        ("an extension", frame(0xc2, 2, b"hi")),
        ("a data frame of no known kind", frame(0x83, 2, b"hi")),
        ("a control frame of no known kind", frame(0x8b, 2, b"hi")),
        ("no mask", b"\x82\x02hi".to_vec()),
        ("a long ping", frame(0x89, 126, &body(126))),
        ("a ping in parts", frame(0x09, 2, b"hi")),
        ("a close in parts", frame(0x08, 0, b"")),
        ("a second part without a first", frame(0x80, 2, b"hi")),
        ("a first part after a first", [frame(0x02, 1, b"a"), frame(0x82, 1, b"b")].concat()),
        ("a message that is too long", frame(0x82, BYTES_MAX + 1, b"")),
        ("a message longer than there are numbers", frame(0x82, usize::MAX, b"")),
        (
            "parts that are too long together",
            [frame(0x02, BYTES_MAX, &body(BYTES_MAX)), frame(0x80, 1, b"")].concat(),
        ),
    ];
    for (name, bytes) in cases {
        let (mut server, mut socket) = server_and_socket().await;
        let writing = async { socket.write_all(&bytes).await.expect("it goes") };
        let ((), came) = tokio::join!(writing, receive(&mut server));
        assert!(matches!(came, Err(TransportError::Violation(_))), "{name}: {came:?}");
    }
    // A client takes nothing that is masked.
    let (near, far) = sockets().await;
    let (client, server) = tokio::join!(
        WebSocket::connect(plain(near), URL.into(), BYTES_MAX),
        tokio_tungstenite::accept_async(far),
    );
    let (mut client, mut socket) = (client.expect("a client"), server.expect("one").into_inner());
    socket.write_all(&frame(0x82, 2, b"hi")).await.expect("it goes");
    assert!(matches!(receive(&mut client).await, Err(TransportError::Violation(_))));
}

#[tokio::test]
async fn an_announced_message_takes_no_memory_before_it_comes() {
    let (mut server, mut socket) = server_and_socket().await;
    socket.write_all(&frame(0x82, BYTES_MAX, b"only this")).await.expect("it goes");
    soon(poll_fn(|cx| {
        assert!(server.poll_message(cx).is_pending(), "there is no message");
        if server.arrived.len() == 9 { Poll::Ready(()) } else { Poll::Pending }
    }))
    .await;
    assert!(server.arrived.capacity() <= 4 * READ_BYTES_FIRST, "{}", server.arrived.capacity());
}

#[tokio::test]
async fn a_flood_of_pings_lets_others_have_their_turn() {
    let (mut server, mut socket) = server_and_socket().await;
    let pings = frame(0x89, 0, b"").repeat(READ_BYTES_MAX / 6);
    let flooding = tokio::spawn(async move {
        // Until the other side has gone.
        while socket.write_all(&pings).await.is_ok() {}
    });
    // Pongs that are not read do not pile up: there is one at a time.
    let mut turns = 0;
    soon(poll_fn(|cx| {
        turns += 1;
        let polled = server.poll_message(cx);
        assert!(polled.is_pending(), "there is no message");
        if turns == 50 { Poll::Ready(()) } else { Poll::Pending }
    }))
    .await;
    assert!(server.outgoing.capacity() < 1024, "{}", server.outgoing.capacity());
    drop(server);
    soon(flooding).await.expect("it ends by itself");
}

#[test]
fn a_mask_changes_bytes_of_any_length_and_changes_them_back() {
    for length in 0..70 {
        let (mask, before) = ([9, 8, 7, 6], body(length));
        let mut bytes = before.clone();
        apply(mask, &mut bytes);
        for (at, byte) in bytes.iter().enumerate() {
            assert_eq!(*byte, before[at] ^ mask[at % 4], "{at} of {length}");
        }
        apply(mask, &mut bytes);
        assert_eq!(bytes, before);
    }
}
