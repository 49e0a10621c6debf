//! Frames over one WebSocket.
//!
//! One task owns a transport and calls [`Transport::turn`], which writes what is
//! queued and reads at the same time: a side that only wrote while the other did
//! the same would wait for ever. Must not know what frames mean, but for the
//! handshake, which it feeds.

use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use futures_util::{Sink, Stream};
use odeon_core::peer::handshake::{Effect, Failure, Handshake, Session};
use odeon_core::wire::{
    BODY_BYTES_MAX, DecodeError, Frame, HANDSHAKE_BODY_BYTES_MAX, MESSAGE_BYTES_MAX, Raw,
};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::server::{ErrorResponse, Request, Response};
use tokio_tungstenite::tungstenite::http::StatusCode;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{self, Message};

use super::{HANDSHAKE_TIME_MAX, OUTBOX_FRAMES_MAX};

/// The path of the protocol on the node's port.
pub const PATH: &str = "/odeon";

/// Why a connection ended, or never came about.
#[derive(Debug, thiserror::Error)]
pub enum TransportError {
    /// The socket or the WebSocket layer failed.
    #[error("{0}")]
    Socket(String),
    /// The other side went away.
    #[error("the other side closed the connection")]
    Closed,
    /// It did not finish the handshake in time.
    #[error("no handshake within {} seconds", HANDSHAKE_TIME_MAX.as_secs())]
    TooSlow,
    /// The handshake failed.
    #[error(transparent)]
    Handshake(#[from] Failure),
    /// It sent what is not the protocol.
    #[error("protocol violation: {0}")]
    Violation(String),
}

impl From<tungstenite::Error> for TransportError {
    fn from(error: tungstenite::Error) -> Self {
        match error {
            tungstenite::Error::ConnectionClosed | tungstenite::Error::AlreadyClosed => {
                Self::Closed
            }
            // How a killed process leaves.
            tungstenite::Error::Protocol(
                tungstenite::error::ProtocolError::ResetWithoutClosingHandshake,
            ) => Self::Closed,
            tungstenite::Error::Io(error)
                if error.kind() == std::io::ErrorKind::ConnectionReset =>
            {
                Self::Closed
            }
            tungstenite::Error::Capacity(error) => Self::Violation(error.to_string()),
            other => Self::Socket(other.to_string()),
        }
    }
}

impl From<DecodeError> for TransportError {
    fn from(error: DecodeError) -> Self {
        Self::Violation(error.to_string())
    }
}

impl From<std::io::Error> for TransportError {
    fn from(error: std::io::Error) -> Self {
        Self::Socket(error.to_string())
    }
}

/// What a connection's task is asked to write.
#[derive(Debug)]
pub enum Out {
    /// This frame.
    Frame(Frame),
    /// Nothing more: write what came before, close, and end.
    Close,
}

/// One WebSocket that carries frames.
pub struct Transport {
    socket: WebSocketStream<TcpStream>,
    /// What is left of the last message that came.
    message: Bytes,
    /// A frame that did not fit the last message that went.
    held: Vec<u8>,
    body_bytes_max: usize,
    closing: bool,
}

fn config() -> WebSocketConfig {
    WebSocketConfig::default()
        .read_buffer_size(16 << 10)
        .write_buffer_size(64 << 10)
        .max_write_buffer_size((64 << 10) + 2 * MESSAGE_BYTES_MAX)
        .max_message_size(Some(MESSAGE_BYTES_MAX))
        .max_frame_size(Some(MESSAGE_BYTES_MAX))
}

impl Transport {
    /// Opens a connection and makes sure that a node is there which knows the cookie.
    ///
    /// # Errors
    /// When nobody listens, or the handshake fails or takes too long.
    pub async fn connect(
        address: SocketAddr,
        identity: &super::Identity,
    ) -> Result<(Self, Session), TransportError> {
        let deadline = Instant::now() + HANDSHAKE_TIME_MAX;
        let work = async {
            let stream = TcpStream::connect(address).await?;
            stream.set_nodelay(true)?;
            let url = format!("ws://{address}{PATH}");
            let (socket, _) =
                tokio_tungstenite::client_async_with_config(url, stream, Some(config())).await?;
            let mut transport = Self::new(socket);
            let mut effects = Vec::new();
            let (hello, secret) = (identity.hello()?, identity.secret.clone());
            let handshake = Handshake::initiate(hello, secret, Bytes::new(), &mut effects);
            let session = transport.shake(handshake, effects, deadline).await?;
            Ok((transport, session))
        };
        tokio::time::timeout_at(deadline, work).await.map_err(|_| TransportError::TooSlow)?
    }

    /// Takes a connection, once the other side has proved that it knows the cookie.
    ///
    /// # Errors
    /// When the handshake fails or takes too long.
    pub async fn accept(
        stream: TcpStream,
        identity: &super::Identity,
        roles: &'static [odeon_core::wire::Role],
    ) -> Result<(Self, Session), TransportError> {
        let deadline = Instant::now() + HANDSHAKE_TIME_MAX;
        let work = async {
            stream.set_nodelay(true)?;
            let socket =
                tokio_tungstenite::accept_hdr_async_with_config(stream, check_path, Some(config()))
                    .await?;
            let mut transport = Self::new(socket);
            let (hello, secret) = (identity.hello()?, identity.secret.clone());
            let handshake =
                Handshake::accept(hello, Box::new(|_| secret), Bytes::new(), roles);
            let session = transport.shake(handshake, Vec::new(), deadline).await?;
            Ok((transport, session))
        };
        // A little beyond the inner deadline, so that a slow side is told why.
        let deadline = deadline + HANDSHAKE_TIME_MAX / 6;
        tokio::time::timeout_at(deadline, work).await.map_err(|_| TransportError::TooSlow)?
    }

    fn new(socket: WebSocketStream<TcpStream>) -> Self {
        Self {
            socket,
            message: Bytes::new(),
            held: Vec::new(),
            body_bytes_max: HANDSHAKE_BODY_BYTES_MAX,
            closing: false,
        }
    }

    async fn shake(
        &mut self,
        mut handshake: Handshake,
        mut effects: Vec<Effect>,
        deadline: Instant,
    ) -> Result<Session, TransportError> {
        let (outbox, mut queued) = mpsc::unbounded_channel();
        loop {
            for effect in effects.drain(..) {
                match effect {
                    Effect::Send(frame) => {
                        let _ = outbox.send(Out::Frame(frame));
                    }
                    Effect::Established(session) => {
                        self.flush(&mut queued).await?;
                        self.body_bytes_max = BODY_BYTES_MAX;
                        return Ok(session);
                    }
                    Effect::Failed(failure) => {
                        let _ = outbox.send(Out::Close);
                        // The refusal is a courtesy: the failure stands without it.
                        let _ = self.flush(&mut queued).await;
                        return Err(failure.into());
                    }
                }
            }
            match tokio::time::timeout_at(deadline, self.turn(&mut queued)).await {
                Ok(Ok(Some(raw))) => handshake.received(&raw, &mut effects),
                Ok(Ok(None)) => return Err(TransportError::Closed),
                Ok(Err(TransportError::Violation(_))) => handshake.garbled(&mut effects),
                Ok(Err(error)) => return Err(error),
                Err(_) => handshake.expired(&mut effects),
            }
        }
    }

    /// Writes what is queued, and meanwhile waits for the next frame. `None` when
    /// this side's [`Out::Close`] is done or the other side has closed. May be
    /// dropped and called again at any time.
    ///
    /// # Errors
    /// When the connection failed; it is over then.
    pub async fn turn(
        &mut self,
        outbox: &mut mpsc::UnboundedReceiver<Out>,
    ) -> Result<Option<Raw>, TransportError> {
        std::future::poll_fn(|cx| {
            let written = match self.poll_write(cx, outbox) {
                Poll::Ready(result) => result.map(|()| true)?,
                Poll::Pending => false,
            };
            if self.closing {
                return if written { Poll::Ready(Ok(None)) } else { Poll::Pending };
            }
            if !written && outbox.len() >= OUTBOX_FRAMES_MAX {
                return Poll::Pending;
            }
            self.poll_read(cx)
        })
        .await
    }

    async fn flush(
        &mut self,
        outbox: &mut mpsc::UnboundedReceiver<Out>,
    ) -> Result<(), TransportError> {
        std::future::poll_fn(|cx| self.poll_write(cx, outbox)).await
    }

    /// Ready when all that is queued now has been given to the system.
    fn poll_write(
        &mut self,
        cx: &mut Context<'_>,
        outbox: &mut mpsc::UnboundedReceiver<Out>,
    ) -> Poll<Result<(), TransportError>> {
        loop {
            ready!(Pin::new(&mut self.socket).poll_ready(cx))?;
            let batch = self.gather(cx, outbox);
            if batch.is_empty() {
                break;
            }
            Pin::new(&mut self.socket).start_send(Message::Binary(batch.into()))?;
        }
        if self.closing {
            return Pin::new(&mut self.socket).poll_close(cx).map_err(Into::into);
        }
        Pin::new(&mut self.socket).poll_flush(cx).map_err(Into::into)
    }

    /// As many queued frames as one message holds.
    fn gather(
        &mut self,
        cx: &mut Context<'_>,
        outbox: &mut mpsc::UnboundedReceiver<Out>,
    ) -> Vec<u8> {
        let mut batch = std::mem::take(&mut self.held);
        while !self.closing {
            match outbox.poll_recv(cx) {
                Poll::Ready(Some(Out::Frame(frame))) => {
                    let start = batch.len();
                    frame.encode(&mut batch);
                    if batch.len() > MESSAGE_BYTES_MAX && start > 0 {
                        self.held = batch.split_off(start);
                        break;
                    }
                }
                Poll::Ready(Some(Out::Close) | None) => self.closing = true,
                Poll::Pending => break,
            }
        }
        batch
    }

    fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Raw>, TransportError>> {
        loop {
            if let Some(raw) = Raw::split(&mut self.message, self.body_bytes_max)? {
                return Poll::Ready(Ok(Some(raw)));
            }
            match ready!(Pin::new(&mut self.socket).poll_next(cx)) {
                None => return Poll::Ready(Ok(None)),
                Some(Err(error)) => return Poll::Ready(Err(error.into())),
                Some(Ok(Message::Binary(message))) => self.message = message,
                Some(Ok(Message::Close(_))) => return Poll::Ready(Ok(None)),
                // Answered by the WebSocket layer.
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                Some(Ok(Message::Text(_) | Message::Frame(_))) => {
                    let error = TransportError::Violation("a message that is not binary".into());
                    return Poll::Ready(Err(error));
                }
            }
        }
    }
}

#[expect(clippy::result_large_err, reason = "the WebSocket library prescribes the type")]
fn check_path(request: &Request, response: Response) -> Result<Response, ErrorResponse> {
    if request.uri().path() == PATH {
        return Ok(response);
    }
    let mut refused = ErrorResponse::new(Some(format!("this node serves {PATH}\n")));
    *refused.status_mut() = StatusCode::NOT_FOUND;
    Err(refused)
}
