//! Frames over one WebSocket.
//!
//! One task owns a transport and calls [`Transport::turn`], which writes what an
//! [`Outgoing`] has and reads at the same time: a side that only wrote while the
//! other did the same would wait for ever. Must not know what frames mean, but for
//! the handshake, which it feeds.

use std::collections::VecDeque;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use odeon_core::peer::handshake::{Effect, Failure, Handshake, Secret, Session};
use odeon_core::wire::{
    BODY_BYTES_MAX, DecodeError, Frame, HANDSHAKE_BODY_BYTES_MAX, Hello, MESSAGE_BYTES_MAX, Raw,
    Refusal, Role,
};
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::Instant;
use tokio_tungstenite::tungstenite;
use tokio_tungstenite::tungstenite::handshake::server::{ErrorResponse, Request, Response};
use tokio_tungstenite::tungstenite::http::StatusCode;

use super::poller::Poller;
use super::secrets::Secrets;
use super::stream::Stream;
use super::tls::CertificateError;
use super::websocket::WebSocket;

/// The path of the protocol on the node's port.
pub const PATH: &str = "/odeon";

/// Messages that are written before this side reads again: who always has something
/// to write must not stop reading.
const MESSAGES_A_TURN: usize = 8;

/// Why a connection ended, or never came about.
#[derive(Debug, thiserror::Error)]
pub enum TransportError {
    /// The socket or the WebSocket layer failed.
    #[error("{0}")]
    Socket(String),
    /// TLS failed: the other side does not speak it, or one side does not take the
    /// other's certificate.
    #[error("TLS failed: {0}")]
    Tls(String),
    /// It came without TLS, from where that is not allowed.
    #[error(
        "it came without TLS; nodes take plain connections from their own machine only, unless \
         started with `--plain`"
    )]
    Plain,
    /// The other side went away.
    #[error("the other side closed the connection")]
    Closed,
    /// It did not finish the handshake in time.
    #[error("no handshake within {:.1} seconds", .0.as_secs_f64())]
    TooSlow(Duration),
    /// The handshake failed.
    #[error(transparent)]
    Handshake(#[from] Failure),
    /// Another node than the wanted one is there.
    #[error("the node there is `{}`, not `{wanted}`", found.escape_debug())]
    WrongName {
        /// Who was wanted.
        wanted: String,
        /// What the other side calls itself; not proved.
        found: String,
    },
    /// The name that it says cannot name a node.
    #[error("`{}` cannot name a node", .0.escape_debug())]
    BadName(String),
    /// It showed no certificate, or one that is not for the name that it says.
    #[error("the certificate of the other side: {0}")]
    Certificate(#[from] CertificateError),
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
                tungstenite::error::ProtocolError::ResetWithoutClosingHandshake
                | tungstenite::error::ProtocolError::HandshakeIncomplete,
            ) => Self::Closed,
            tungstenite::Error::Io(error) => error.into(),
            tungstenite::Error::Capacity(error) => Self::Violation(error.to_string()),
            tungstenite::Error::Http(response) => {
                let body = response.body().as_deref().unwrap_or_default();
                let text = String::from_utf8_lossy(&body[..body.len().min(200)]);
                Self::Socket(format!("HTTP {}: {}", response.status(), text.trim().escape_debug()))
            }
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
        use std::io::ErrorKind::{BrokenPipe, ConnectionReset, UnexpectedEof};
        if error.get_ref().is_some_and(|inner| inner.is::<rustls::Error>()) {
            return Self::Tls(error.to_string());
        }
        match error.kind() {
            // The last one is how TLS says that the other side left without a word.
            BrokenPipe | ConnectionReset | UnexpectedEof => Self::Closed,
            _ => Self::Socket(error.to_string()),
        }
    }
}

/// What an [`Outgoing`] has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// A message was put where it was asked for.
    Message,
    /// Nothing more: write what came before, close, and end. Said once.
    Close,
}

/// Where a connection's task takes from what it writes.
pub trait Outgoing {
    /// Appends one transport message to `into`: whole frames, at most
    /// [`MESSAGE_BYTES_MAX`] and not none. `Pending` when there is nothing to
    /// write now; then `cx` is woken when there is, and nothing is appended.
    fn poll_next(&mut self, cx: &mut Context<'_>, into: &mut Vec<u8>) -> Poll<Next>;

    /// Whether so much waits that this side should read no more until some of it
    /// has been written: a side that does not read must not make the other hold
    /// ever more answers.
    fn is_crowded(&self) -> bool;
}

/// One WebSocket that carries frames.
pub struct Transport {
    socket: WebSocket,
    /// What is left of the last message that came.
    message: Bytes,
    body_bytes_max: usize,
    closing: bool,
    /// The place among the listener's connections, given back with this.
    place: Option<OwnedSemaphorePermit>,
}

/// Looks at what the other side says before it is proved.
pub(super) type Check<'a> = dyn Fn(&Stream, &Hello) -> Result<(), TransportError> + Sync + 'a;

/// What the side that opens a connection says and wants.
pub(super) struct Opening<'a> {
    /// The host in the upgrade's request.
    pub(super) host: String,
    /// What this side says about itself.
    pub(super) hello: Hello,
    /// What it shares with the wanted node.
    pub(super) secret: Secret,
    /// The name that the other side has to have.
    pub(super) wanted: &'a str,
    /// Whether the other side may have the name that it says.
    pub(super) check: &'a Check<'a>,
}

/// What the side that was connected to says and asks.
pub(super) struct Answering<'a> {
    /// What this side says about itself.
    pub(super) hello: Hello,
    /// What it shares with whom.
    pub(super) secrets: &'a Arc<Secrets>,
    /// The roles that it takes.
    pub(super) roles: &'static [Role],
    /// Whether the other side may have the name that it says.
    pub(super) check: &'a Check<'a>,
}

/// What who is not let in under the name that it says is told about that.
fn refusal(error: &TransportError) -> Refusal {
    match error {
        TransportError::Certificate(CertificateError::Missing) => Refusal::NoCertificate,
        _ => Refusal::NotAllowed,
    }
}

impl Transport {
    /// Makes a transport of a connection that this side opened, and makes sure that
    /// the wanted node is there and knows the secret.
    pub(super) async fn open(
        stream: Stream,
        opening: Opening<'_>,
        deadline: Instant,
    ) -> Result<(Self, Session), TransportError> {
        let Opening { host, hello, secret, wanted, check } = opening;
        let url = format!("ws://{host}{PATH}");
        let socket = WebSocket::connect(stream, url, MESSAGE_BYTES_MAX).await?;
        let mut transport = Self::new(socket);
        let binding = transport.socket.get_ref().binding().clone();
        let mut effects = Vec::new();
        let handshake = Handshake::initiate(hello, secret, binding, &mut effects);
        let claim = |stream: &Stream, theirs: &Hello| {
            if theirs.name != wanted {
                let (wanted, found) = (wanted.to_owned(), theirs.name.clone());
                return Err(TransportError::WrongName { wanted, found });
            }
            check(stream, theirs)
        };
        let session = transport.shake(handshake, effects, &claim, deadline).await?;
        Ok((transport, session))
    }

    /// Makes a transport of a connection that the other side opened, once that has
    /// proved that it knows the secret.
    pub(super) async fn answer(
        stream: Stream,
        answering: Answering<'_>,
        deadline: Instant,
    ) -> Result<(Self, Session), TransportError> {
        let Answering { hello, secrets, roles, check } = answering;
        let socket = WebSocket::accept(stream, check_path, MESSAGE_BYTES_MAX).await?;
        let mut transport = Self::new(socket);
        let binding = transport.socket.get_ref().binding().clone();
        let secrets = Arc::clone(secrets);
        let choose = Box::new(move |theirs: &Hello| secrets.of_hello(theirs));
        let handshake = Handshake::accept(hello, choose, binding, roles);
        let session = transport.shake(handshake, Vec::new(), check, deadline).await?;
        Ok((transport, session))
    }

    fn new(socket: WebSocket) -> Self {
        Self {
            socket,
            message: Bytes::new(),
            body_bytes_max: HANDSHAKE_BODY_BYTES_MAX,
            closing: false,
            place: None,
        }
    }

    /// From now on the connection ends when the other side's machine vanishes without a
    /// word, after a minute. For connections without ticks.
    pub fn notice_silence(&self) {
        if let Err(error) = self.socket.get_ref().notice_silence() {
            tracing::debug!(%error, "cannot watch over a connection");
        }
    }

    /// Lets this poller say from now on when the socket is ready.
    ///
    /// # Errors
    /// The system's; the connection is lost then.
    pub(crate) fn attend(&mut self, poller: &Arc<Poller>) -> Result<(), TransportError> {
        Ok(self.socket.get_mut().attend(poller)?)
    }

    /// Gives back a listener's place when this ends.
    pub(super) fn keep_place(&mut self, place: OwnedSemaphorePermit) {
        self.place = Some(place);
    }

    async fn shake(
        &mut self,
        mut handshake: Handshake,
        mut effects: Vec<Effect>,
        check: &Check<'_>,
        deadline: Instant,
    ) -> Result<Session, TransportError> {
        let begun = Instant::now();
        let mut outgoing = Few::default();
        let mut declined = None;
        loop {
            for effect in effects.drain(..) {
                match effect {
                    Effect::Send(frame) => outgoing.frames.push_back(frame),
                    Effect::Established(session) => {
                        self.flush(&mut outgoing).await?;
                        self.body_bytes_max = BODY_BYTES_MAX;
                        return Ok(session);
                    }
                    Effect::Failed(failure) => {
                        outgoing.close = true;
                        // The refusal is a courtesy: the failure stands without it.
                        let _ = self.flush(&mut outgoing).await;
                        return Err(declined.unwrap_or(failure.into()));
                    }
                }
            }
            match tokio::time::timeout_at(deadline, self.turn(&mut outgoing)).await {
                Ok(Ok(Some(raw))) => handshake.received(&raw, &mut effects),
                Ok(Ok(None)) => return Err(TransportError::Closed),
                Ok(Err(TransportError::Violation(_))) => handshake.garbled(&mut effects),
                Ok(Err(error)) => return Err(error),
                Err(_) => {
                    declined = Some(TransportError::TooSlow(begun.elapsed()));
                    handshake.expired(&mut effects);
                }
            }
            // Before anything made of the secret is shown.
            if let Some(theirs) = handshake.claimed()
                && let Err(error) = check(self.socket.get_ref(), theirs)
            {
                effects.clear();
                handshake.declined(refusal(&error), &mut effects);
                declined = Some(error);
            }
        }
    }

    /// Writes what there is, and meanwhile waits for the next frame. `None` when
    /// this side's [`Next::Close`] is done or the other side has closed. May be
    /// dropped and called again at any time.
    ///
    /// # Errors
    /// When the connection failed; it is over then.
    pub async fn turn<O: Outgoing + ?Sized>(
        &mut self,
        outgoing: &mut O,
    ) -> Result<Option<Raw>, TransportError> {
        std::future::poll_fn(|cx| self.poll_turn(cx, outgoing)).await
    }

    /// As [`Transport::turn`], for those who wait for other things as well.
    ///
    /// # Errors
    /// When the connection failed; it is over then.
    pub fn poll_turn<O: Outgoing + ?Sized>(
        &mut self,
        cx: &mut Context<'_>,
        outgoing: &mut O,
    ) -> Poll<Result<Option<Raw>, TransportError>> {
        let written = self.poll_write(cx, outgoing, MESSAGES_A_TURN)?;
        if self.closing {
            return written.map(|_| Ok(None));
        }
        if written != Poll::Ready(Written::All) && outgoing.is_crowded() {
            return self.again(cx, written);
        }
        match self.poll_read(cx) {
            Poll::Pending => self.again(cx, written),
            ready => ready,
        }
    }

    /// Comes back at once if writing stopped with more to write, which wakes nobody.
    fn again<T>(&self, cx: &Context<'_>, written: Poll<Written>) -> Poll<T> {
        if written == Poll::Ready(Written::Some) {
            cx.waker().wake_by_ref();
        }
        Poll::Pending
    }

    /// The next frame, if it has already come; waits for nothing and writes nothing.
    ///
    /// # Errors
    /// When what came is no frame; the connection is over then.
    pub fn buffered(&mut self) -> Result<Option<Raw>, TransportError> {
        loop {
            if let Some(raw) = Raw::split(&mut self.message, self.body_bytes_max)? {
                return Ok(Some(raw));
            }
            match self.socket.next_arrived()? {
                Some(message) => self.message = message,
                None => return Ok(None),
            }
        }
    }

    /// Bytes that have come from the network so far, the handshakes' included. Any
    /// byte is a sign of life, also of a message that is not whole yet.
    pub fn received_bytes(&self) -> u64 {
        self.socket.get_ref().received_bytes()
    }

    /// Whether what is said cannot be read or changed on the way.
    pub fn is_encrypted(&self) -> bool {
        !self.socket.get_ref().binding().is_empty()
    }

    async fn flush<O: Outgoing>(&mut self, outgoing: &mut O) -> Result<(), TransportError> {
        std::future::poll_fn(|cx| self.poll_write(cx, outgoing, usize::MAX)).await.map(drop)
    }

    /// Ready with all when what there is now has been given to the system, and with
    /// some after this many messages.
    fn poll_write<O: Outgoing + ?Sized>(
        &mut self,
        cx: &mut Context<'_>,
        outgoing: &mut O,
        messages_max: usize,
    ) -> Poll<Result<Written, TransportError>> {
        let mut messages = 0;
        while !self.closing {
            if messages == messages_max {
                ready!(self.socket.poll_flush(cx))?;
                return Poll::Ready(Ok(Written::Some));
            }
            ready!(self.socket.poll_ready(cx))?;
            match self.socket.message(|into| outgoing.poll_next(cx, into))? {
                Poll::Ready(Next::Message) => messages += 1,
                Poll::Ready(Next::Close) => self.closing = true,
                Poll::Pending => break,
            }
        }
        let socket = &mut self.socket;
        let done = if self.closing { socket.poll_close(cx) } else { socket.poll_flush(cx) };
        done.map_ok(|()| Written::All)
    }

    fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Raw>, TransportError>> {
        loop {
            if let Some(raw) = self.buffered()? {
                return Poll::Ready(Ok(Some(raw)));
            }
            match ready!(self.socket.poll_message(cx))? {
                Some(message) => self.message = message,
                None => return Poll::Ready(Ok(None)),
            }
        }
    }
}

/// How much of what there was has been written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Written {
    All,
    Some,
}

/// The frames of a handshake.
#[derive(Default)]
struct Few {
    frames: VecDeque<Frame>,
    close: bool,
}

impl Outgoing for Few {
    fn poll_next(&mut self, _cx: &mut Context<'_>, into: &mut Vec<u8>) -> Poll<Next> {
        match self.frames.pop_front() {
            Some(frame) => {
                frame.encode(into);
                Poll::Ready(Next::Message)
            }
            None if std::mem::take(&mut self.close) => Poll::Ready(Next::Close),
            // More comes only between the polls.
            None => Poll::Pending,
        }
    }

    fn is_crowded(&self) -> bool {
        false
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
