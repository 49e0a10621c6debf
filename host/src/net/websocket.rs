//! WebSocket messages over a stream (RFC 6455).
//!
//! The library makes the opening handshake, and reads and writes the heads of frames. The
//! bytes between heads are this file's: a message goes out from where it was put together,
//! and what comes is read into one buffer and taken out of there, where the library copies
//! each way once more and clears what it reads into. Must not know what messages mean.

mod opening;

use std::io::{self, Cursor};
use std::pin::{Pin, pin};
use std::task::{Context, Poll, ready};

use bytes::{Buf as _, Bytes, BytesMut};
use tokio::io::{AsyncReadExt as _, AsyncWrite as _};
use tokio_tungstenite::tungstenite::handshake::server::{ErrorResponse, Request, Response};
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::protocol::frame::FrameHeader;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Control, Data, OpCode};
use tokio_tungstenite::{accept_hdr_async_with_config, client_async_with_config};

use self::opening::Opening;
use super::stream::Stream;
use super::transport::TransportError;

/// The longest head of a frame, in bytes; a mask is four of them.
const HEAD_BYTES_MAX: usize = 14;
const MASK_BYTES: usize = 4;

/// The longest payload of a frame that is no data, in bytes (RFC 6455, section 5.5).
const CONTROL_BYTES_MAX: usize = 125;

/// Bytes that are read at a time at first, and at most. It doubles when as much has come at
/// once, so that who has said little, or has not proved itself, costs little.
const READ_BYTES_FIRST: usize = 8 << 10;
const READ_BYTES_MAX: usize = 64 << 10;

/// Bytes that are written at a time at first, and at most. It doubles while the system takes
/// all of it at once, and begins anew when it does not: then what is urgent would have to
/// wait for the rest.
const WRITE_BYTES_FIRST: usize = 64 << 10;
const WRITE_BYTES_MAX: usize = 256 << 10;

/// Reads of one turn that give no message: who sends nothing but pings does not keep others
/// from their turn.
const READS_A_TURN: u32 = 32;

/// Masks that are drawn at a time.
const MASKS: usize = 256;

/// Which side of the connection this is: a client masks what it sends, a server does not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Side {
    Client,
    Server,
}

/// One WebSocket.
pub(super) struct WebSocket {
    stream: Stream,
    side: Side,
    bytes_max: usize,
    /// What was read and not taken.
    arrived: BytesMut,
    /// Bytes that are read at a time.
    read_bytes: usize,
    /// The head of the frame that is arriving, and the length of its payload.
    head: Option<(FrameHeader, usize)>,
    /// The first frames of a message that comes in several.
    begun: Option<BytesMut>,
    /// Whole frames.
    outgoing: Vec<u8>,
    /// Bytes of `outgoing` that are written.
    written: usize,
    /// Bytes that are written at a time.
    write_bytes: usize,
    /// The system took not all: what comes now is better kept where it has an order.
    is_behind: bool,
    masks: Masks,
    /// The answer to the last ping, until it can go.
    pong: Option<Bytes>,
    /// A close frame has been written, or is in `outgoing`.
    closing: bool,
    /// The other side has closed.
    is_closed: bool,
}

/// What a frame was.
enum Taken {
    /// A message is whole.
    Message(Bytes),
    /// The other side closes.
    Close,
    /// Something that is no message, or not a whole one.
    Other,
}

/// For the handshake alone: the library reads and writes no frame.
fn config() -> WebSocketConfig {
    WebSocketConfig::default().read_buffer_size(0)
}

impl WebSocket {
    /// Asks the other side for one. Its messages are at most `bytes_max`.
    pub(super) async fn connect(
        stream: Stream,
        url: String,
        bytes_max: usize,
    ) -> Result<Self, TransportError> {
        let (socket, _) =
            client_async_with_config(url, Opening::new(stream, Side::Client), Some(config()))
                .await?;
        Ok(Self::new(socket.into_inner(), bytes_max))
    }

    /// Lets the other side ask for one; `check` looks at what it asks.
    pub(super) async fn accept(
        stream: Stream,
        check: fn(&Request, Response) -> Result<Response, ErrorResponse>,
        bytes_max: usize,
    ) -> Result<Self, TransportError> {
        let socket =
            accept_hdr_async_with_config(Opening::new(stream, Side::Server), check, Some(config()))
                .await?;
        Ok(Self::new(socket.into_inner(), bytes_max))
    }

    fn new(opened: Opening, bytes_max: usize) -> Self {
        let Opening { stream, side, arrived, .. } = opened;
        Self {
            stream,
            side,
            bytes_max,
            arrived,
            read_bytes: READ_BYTES_FIRST,
            head: None,
            begun: None,
            outgoing: Vec::new(),
            written: 0,
            write_bytes: WRITE_BYTES_FIRST,
            is_behind: false,
            masks: Masks::default(),
            pong: None,
            closing: false,
            is_closed: false,
        }
    }

    pub(super) fn get_ref(&self) -> &Stream {
        &self.stream
    }

    pub(super) fn get_mut(&mut self) -> &mut Stream {
        &mut self.stream
    }

    /// Ready when another message may be sent.
    pub(super) fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), TransportError>> {
        if self.is_behind || self.outgoing.len() >= self.write_bytes {
            return self.poll_write(cx);
        }
        Poll::Ready(Ok(()))
    }

    /// Lets `fill` append a message to a buffer, which is not empty; it goes out with what
    /// is sent next, or by [`poll_flush`](Self::poll_flush). It is none if nothing was
    /// appended. [`poll_ready`](Self::poll_ready) has to have been ready.
    pub(super) fn message<T>(
        &mut self,
        fill: impl FnOnce(&mut Vec<u8>) -> T,
    ) -> Result<T, TransportError> {
        let (begin, place) = (self.outgoing.len(), self.place());
        self.outgoing.resize(begin + place, 0);
        let filled = fill(&mut self.outgoing);
        if self.outgoing.len() == begin + place {
            self.outgoing.truncate(begin);
        } else {
            self.seal(begin, OpCode::Data(Data::Binary))?;
        }
        Ok(filled)
    }

    /// Sends what is no message.
    fn control(&mut self, control: Control, payload: &[u8]) -> Result<(), TransportError> {
        let begin = self.outgoing.len();
        self.outgoing.resize(begin + self.place(), 0);
        self.outgoing.extend_from_slice(payload);
        self.seal(begin, OpCode::Control(control))
    }

    /// The longest head of a frame of this side: most bytes go behind such a one.
    fn place(&self) -> usize {
        match self.side {
            Side::Client => HEAD_BYTES_MAX,
            Side::Server => HEAD_BYTES_MAX - MASK_BYTES,
        }
    }

    /// Makes a frame of a payload that stands behind the place for a head.
    fn seal(&mut self, begin: usize, opcode: OpCode) -> Result<(), TransportError> {
        let place = self.place();
        let mask = match self.side {
            Side::Client => Some(self.masks.draw()?),
            Side::Server => None,
        };
        let frame = &mut self.outgoing[begin..];
        if let Some(mask) = mask {
            apply(mask, &mut frame[place..]);
        }
        let head = FrameHeader { opcode, mask, ..FrameHeader::default() };
        let length = frame.len() - place;
        let head_bytes = head.len(length as u64);
        head.format(length as u64, &mut &mut frame[..head_bytes])?;
        if head_bytes < place {
            frame.copy_within(place.., head_bytes);
            self.outgoing.truncate(begin + head_bytes + length);
        }
        Ok(())
    }

    /// Ready when all that was sent has been given to the system.
    pub(super) fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), TransportError>> {
        ready!(self.poll_write(cx))?;
        if let Some(pong) = self.pong.take() {
            self.control(Control::Pong, &pong)?;
            ready!(self.poll_write(cx))?;
        }
        Pin::new(&mut self.stream).poll_flush(cx).map_err(Into::into)
    }

    fn poll_write(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), TransportError>> {
        while self.written < self.outgoing.len() {
            let rest = &self.outgoing[self.written..];
            let polled = Pin::new(&mut self.stream).poll_write(cx, rest);
            self.is_behind = !matches!(polled, Poll::Ready(Ok(written)) if written == rest.len());
            if self.is_behind {
                self.write_bytes = WRITE_BYTES_FIRST;
            } else if rest.len() >= self.write_bytes {
                self.write_bytes = (2 * self.write_bytes).min(WRITE_BYTES_MAX);
            }
            match ready!(polled)? {
                0 => return Poll::Ready(Err(TransportError::Closed)),
                written => self.written += written,
            }
        }
        self.outgoing.clear();
        self.written = 0;
        Poll::Ready(Ok(()))
    }

    /// Says that nothing more will be sent. Ready when that has been given to the system.
    pub(super) fn poll_close(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), TransportError>> {
        ready!(self.poll_flush(cx))?;
        if !self.closing {
            self.closing = true;
            self.control(Control::Close, &[])?;
            ready!(self.poll_flush(cx))?;
        }
        Poll::Ready(Ok(()))
    }

    /// The next message; `None` when the other side has closed.
    pub(super) fn poll_message(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Option<Bytes>, TransportError>> {
        for _ in 0..READS_A_TURN {
            if let Some(message) = self.next_arrived()? {
                return Poll::Ready(Ok(Some(message)));
            }
            if self.is_closed {
                // An answer is a courtesy; whoever closes does not wait for it.
                let _ = self.poll_close(cx);
                return Poll::Ready(Ok(None));
            }
            if self.pong.is_some() {
                let _ = self.poll_flush(cx)?;
            }
            ready!(self.poll_read(cx))?;
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    /// The next message, if it has been read already.
    pub(super) fn next_arrived(&mut self) -> Result<Option<Bytes>, TransportError> {
        while !self.is_closed
            && let Some(taken) = self.take()?
        {
            match taken {
                Taken::Message(message) => return Ok(Some(message)),
                Taken::Close => self.is_closed = true,
                Taken::Other => {}
            }
        }
        Ok(None)
    }

    /// Reads once.
    fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), TransportError>> {
        let missing = self.head.as_ref().map_or(0, |(_, length)| length - self.arrived.len());
        let room = self.arrived.capacity() - self.arrived.len();
        if room < missing.clamp(READ_BYTES_FIRST / 2, self.read_bytes) {
            self.arrived.reserve(self.read_bytes);
        }
        let read = ready!(pin!(self.stream.read_buf(&mut self.arrived)).poll(cx))?;
        if read == 0 {
            return Poll::Ready(Err(TransportError::Closed));
        }
        if read >= self.read_bytes {
            self.read_bytes = (2 * self.read_bytes).min(READ_BYTES_MAX);
        }
        Poll::Ready(Ok(()))
    }

    /// The next frame, if it has come.
    fn take(&mut self) -> Result<Option<Taken>, TransportError> {
        let (head, length) = match self.head.take() {
            Some(known) => known,
            None => {
                let mut cursor = Cursor::new(&self.arrived[..]);
                let parsed = FrameHeader::parse(&mut cursor)
                    .map_err(|error| TransportError::Violation(error.to_string()))?;
                let Some((head, length)) = parsed else { return Ok(None) };
                let read = cursor.position();
                let length = self.checked(&head, length)?;
                self.arrived.advance(usize::try_from(read).unwrap_or(HEAD_BYTES_MAX));
                (head, length)
            }
        };
        if self.arrived.len() < length {
            self.head = Some((head, length));
            return Ok(None);
        }
        let mut payload = self.arrived.split_to(length);
        if let Some(mask) = head.mask {
            apply(mask, &mut payload);
        }
        Ok(Some(match head.opcode {
            OpCode::Control(Control::Ping) => {
                self.pong = Some(payload.freeze());
                Taken::Other
            }
            OpCode::Control(Control::Close) => Taken::Close,
            OpCode::Control(_) => Taken::Other,
            OpCode::Data(_) => self.data(head.is_final, payload),
        }))
    }

    fn data(&mut self, is_final: bool, payload: BytesMut) -> Taken {
        let whole = match self.begun.take() {
            Some(mut begun) => {
                begun.extend_from_slice(&payload);
                begun
            }
            None => payload,
        };
        if is_final {
            return Taken::Message(whole.freeze());
        }
        self.begun = Some(whole);
        Taken::Other
    }

    /// The length of a frame that may come now.
    fn checked(&self, head: &FrameHeader, length: u64) -> Result<usize, TransportError> {
        let broken = |rule: &str| Err(TransportError::Violation(rule.to_owned()));
        if head.rsv1 || head.rsv2 || head.rsv3 {
            return broken("a WebSocket frame of an extension that was not agreed on");
        }
        if head.mask.is_some() != (self.side == Side::Server) {
            return broken("a WebSocket frame that is masked by the wrong side, or not at all");
        }
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        match head.opcode {
            OpCode::Control(_) if length > CONTROL_BYTES_MAX || !head.is_final => {
                broken("a WebSocket control frame that is too long, or in parts")
            }
            OpCode::Data(Data::Text) => broken("a message that is not binary"),
            OpCode::Data(data) if (data == Data::Continue) != self.begun.is_some() => {
                broken("a part of a WebSocket message that does not follow the one before")
            }
            OpCode::Data(_) => {
                let before = self.begun.as_ref().map_or(0, BytesMut::len);
                match before.saturating_add(length) {
                    bytes if bytes > self.bytes_max => Err(TransportError::Violation(format!(
                        "a WebSocket message of {bytes} bytes, over the limit of {}",
                        self.bytes_max
                    ))),
                    _ => Ok(length),
                }
            }
            OpCode::Control(_) => Ok(length),
        }
    }
}

/// Changes bytes by a mask, and changes them back.
fn apply(mask: [u8; 4], bytes: &mut [u8]) {
    let wide = u128::from_ne_bytes(std::array::from_fn(|at| mask[at % 4]));
    let (chunks, rest) = bytes.as_chunks_mut();
    for chunk in chunks {
        *chunk = (u128::from_ne_bytes(*chunk) ^ wide).to_ne_bytes();
    }
    for (byte, mask) in rest.iter_mut().zip(mask.iter().cycle()) {
        *byte ^= mask;
    }
}

/// Masks, which the other side cannot foresee.
#[derive(Default)]
struct Masks {
    drawn: Vec<[u8; 4]>,
}

impl Masks {
    fn draw(&mut self) -> io::Result<[u8; 4]> {
        if self.drawn.is_empty() {
            self.drawn.resize(MASKS, [0; 4]);
            getrandom::fill(self.drawn.as_flattened_mut()).map_err(io::Error::other)?;
        }
        self.drawn.pop().ok_or_else(|| io::Error::other("no mask was drawn"))
    }
}

#[cfg(test)]
#[path = "websocket_test.rs"]
mod tests;
