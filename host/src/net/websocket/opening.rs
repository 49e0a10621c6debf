//! A connection while the library makes the opening handshake: it gets no byte of what comes
//! after that.

use std::io;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, ready};

use bytes::{Buf as _, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, ReadBuf};

use super::{READ_BYTES_FIRST, Side};
use crate::net::stream::Stream;

/// A stream during the opening handshake: the library gets the head of the request or of
/// the response, and what came behind it is kept. Of a response that refuses it gets all.
pub(super) struct Opening {
    pub(super) stream: Stream,
    pub(super) side: Side,
    /// What came and was not given.
    pub(super) arrived: BytesMut,
    /// Bytes of the head that were given.
    given: usize,
    /// How many of them are those of [`AGREED`].
    agreed: usize,
    /// How much of [`HEAD_END`] has been given.
    ended: usize,
}

/// How the response of a server begins that agrees.
const AGREED: &[u8; 12] = b"HTTP/1.1 101";

/// The end of a head.
const HEAD_END: &[u8; 4] = b"\r\n\r\n";

impl Opening {
    pub(super) fn new(stream: Stream, side: Side) -> Self {
        Self { stream, side, arrived: BytesMut::new(), given: 0, agreed: 0, ended: 0 }
    }

    /// Whether what comes now is not for the library.
    fn is_over(&self) -> bool {
        let is_refused = self.side == Side::Client && self.agreed < AGREED.len();
        self.ended == HEAD_END.len() && !is_refused
    }

    /// The library gets one more byte.
    fn give(&mut self, byte: u8) {
        if self.agreed == self.given && AGREED.get(self.given) == Some(&byte) {
            self.agreed += 1;
        }
        self.given += 1;
        self.ended = match byte {
            _ if self.ended == HEAD_END.len() => self.ended,
            byte if byte == HEAD_END[self.ended] => self.ended + 1,
            b'\r' => 1,
            _ => 0,
        };
    }
}

impl AsyncRead for Opening {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.arrived.is_empty() && !self.is_over() {
            let Self { stream, arrived, .. } = &mut *self;
            arrived.reserve(READ_BYTES_FIRST);
            ready!(pin!(stream.read_buf(arrived)).poll(cx))?;
        }
        while buf.remaining() > 0
            && !self.is_over()
            && let Some((&byte, _)) = self.arrived.split_first()
        {
            self.arrived.advance(1);
            self.give(byte);
            buf.put_slice(&[byte]);
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Opening {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
