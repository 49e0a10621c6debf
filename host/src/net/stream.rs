//! A connection by TCP, plain or with TLS, or by the short way within this machine, as
//! one type.
//!
//! Counts what comes from the network before it is decrypted: any byte is a sign of
//! life, also of a record that is not whole yet. A connection begins on tokio's threads,
//! and moves to the scheduler's when it carries signals: see `poller`.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use rustls::pki_types::CertificateDer;
use socket2::TcpKeepalive;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpStream, UnixStream};
use tokio_rustls::TlsStream;

use super::poller::{self, Poller};

/// Bytes that may wait in the system before more are taken from this process, so
/// that what is urgent does not queue behind them.
const NOT_SENT_BYTES: u32 = 64 << 10;

/// Bytes that the system is asked to hold on the short way. Who fills it is let on when
/// three quarters are gone: with the usual amount the two sides would work by turns.
const LOCAL_BYTES: usize = 512 << 10;

/// How long the machine of a command may be silent.
const SILENCE_MAX: Duration = Duration::from_secs(60);

/// One connection.
#[derive(Debug)]
pub struct Stream {
    kind: Kind,
    /// What ties a proof to this channel; empty without TLS.
    binding: Bytes,
}

#[derive(Debug)]
enum Kind {
    Plain(Counted),
    Tls(Box<TlsStream<Counted>>),
}

/// A socket that counts.
#[derive(Debug)]
pub(super) struct Counted {
    socket: Socket,
    received_bytes: u64,
}

/// Who says when it is ready.
#[derive(Debug)]
enum Socket {
    Tcp(TcpStream),
    Local(UnixStream),
    Scheduler(poller::Socket),
    /// Moving from one to the other failed.
    Lost,
}

/// Does the same with a socket of either kind.
macro_rules! either {
    ($socket:expr, $name:ident => $done:expr) => {
        match $socket {
            Socket::Tcp($name) => $done,
            Socket::Local($name) => $done,
            Socket::Scheduler($name) => $done,
            Socket::Lost => Poll::Ready(Err(io::ErrorKind::NotConnected.into())),
        }
    };
}

impl From<Socket> for Counted {
    fn from(socket: Socket) -> Self {
        Self { socket, received_bytes: 0 }
    }
}

impl Counted {
    /// Sets the socket up for small messages that must not wait.
    pub(super) fn new(socket: TcpStream) -> io::Result<Self> {
        socket.set_nodelay(true)?;
        #[cfg(target_os = "linux")]
        socket2::SockRef::from(&socket).set_tcp_notsent_lowat(NOT_SENT_BYTES)?;
        Ok(Socket::Tcp(socket).into())
    }

    fn attend(&mut self, poller: &Arc<Poller>) -> io::Result<()> {
        self.socket = match std::mem::replace(&mut self.socket, Socket::Lost) {
            Socket::Tcp(socket) => Socket::Scheduler(poller.adopt(socket.into_std()?.into())?),
            Socket::Local(socket) => Socket::Scheduler(poller.adopt(socket.into_std()?.into())?),
            other => other,
        };
        Ok(())
    }
}

impl Stream {
    /// Without TLS.
    ///
    /// # Errors
    /// When the socket cannot be set up.
    pub fn plain(socket: TcpStream) -> io::Result<Self> {
        Ok(Self { kind: Kind::Plain(Counted::new(socket)?), binding: Bytes::new() })
    }

    /// By the short way within this machine.
    pub(super) fn local(socket: UnixStream) -> Self {
        if let Err(error) = socket2::SockRef::from(&socket).set_send_buffer_size(LOCAL_BYTES) {
            tracing::debug!(%error, "a socket keeps the size that it has");
        }
        Self { kind: Kind::Plain(Socket::Local(socket).into()), binding: Bytes::new() }
    }

    /// With TLS, of which this is the binding.
    pub(super) fn tls(stream: impl Into<TlsStream<Counted>>, binding: Bytes) -> Self {
        Self { kind: Kind::Tls(Box::new(stream.into())), binding }
    }

    /// What ties a proof to this channel; empty without TLS.
    pub fn binding(&self) -> &Bytes {
        &self.binding
    }

    /// Bytes that have come from the network so far.
    pub fn received_bytes(&self) -> u64 {
        match &self.kind {
            Kind::Plain(counted) => counted.received_bytes,
            Kind::Tls(stream) => stream.get_ref().0.received_bytes,
        }
    }

    /// From now on the connection ends when the other side's machine has said nothing for a
    /// minute, though asked.
    ///
    /// # Errors
    /// The system's.
    pub(super) fn notice_silence(&self) -> io::Result<()> {
        let counted = match &self.kind {
            Kind::Plain(counted) => counted,
            Kind::Tls(stream) => stream.get_ref().0,
        };
        // Commands' connections stay with tokio; and who is on this machine does not vanish.
        let Socket::Tcp(socket) = &counted.socket else { return Ok(()) };
        let socket = socket2::SockRef::from(socket);
        let asking = TcpKeepalive::new().with_time(SILENCE_MAX / 2).with_interval(SILENCE_MAX / 8);
        socket.set_tcp_keepalive(&asking)?;
        #[cfg(target_os = "linux")]
        socket.set_tcp_user_timeout(Some(SILENCE_MAX))?;
        Ok(())
    }

    /// Lets this poller say from now on when it is ready.
    ///
    /// # Errors
    /// The system's; the connection is lost then.
    pub(crate) fn attend(&mut self, poller: &Arc<Poller>) -> io::Result<()> {
        match &mut self.kind {
            Kind::Plain(counted) => counted.attend(poller),
            Kind::Tls(stream) => stream.get_mut().0.attend(poller),
        }
    }

    /// The certificate that the other side showed, if it had to show one.
    pub(super) fn certificate(&self) -> Option<&CertificateDer<'static>> {
        match &self.kind {
            Kind::Plain(_) => None,
            Kind::Tls(stream) => stream.get_ref().1.peer_certificates()?.first(),
        }
    }
}

impl AsyncRead for Counted {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let polled = either!(&mut self.socket, socket => Pin::new(socket).poll_read(cx, buf));
        self.received_bytes += (buf.filled().len() - before) as u64;
        polled
    }
}

impl AsyncWrite for Counted {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        either!(&mut self.socket, socket => Pin::new(socket).poll_write(cx, buf))
    }

    // TLS writes many records at one time.
    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        either!(&mut self.socket, socket => Pin::new(socket).poll_write_vectored(cx, bufs))
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        either!(&mut self.socket, socket => Pin::new(socket).poll_flush(cx))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        either!(&mut self.socket, socket => Pin::new(socket).poll_shutdown(cx))
    }
}

impl AsyncRead for Stream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match &mut self.kind {
            Kind::Plain(stream) => Pin::new(stream).poll_read(cx, buf),
            Kind::Tls(stream) => Pin::new(stream.as_mut()).poll_read(cx, buf),
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        match &mut self.kind {
            Kind::Plain(stream) => Pin::new(stream).poll_write(cx, buf),
            Kind::Tls(stream) => Pin::new(stream.as_mut()).poll_write(cx, buf),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.kind {
            Kind::Plain(stream) => Pin::new(stream).poll_flush(cx),
            Kind::Tls(stream) => Pin::new(stream.as_mut()).poll_flush(cx),
        }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.kind {
            Kind::Plain(stream) => Pin::new(stream).poll_shutdown(cx),
            Kind::Tls(stream) => Pin::new(stream.as_mut()).poll_shutdown(cx),
        }
    }
}
