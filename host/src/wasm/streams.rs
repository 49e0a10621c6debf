//! A guest's WASI standard streams, as requests to its group leader.
//!
//! Writing does not wait for the leader until [`IN_FLIGHT_BYTES_MAX`] are on their
//! way; then the guest waits until the leader has written some. Reading asks for one
//! piece at a time.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use odeon_core::signal::{Channel, IoReply, IoRequest};
use parking_lot::Mutex;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::oneshot;
use wasmtime_wasi::cli::{IsTerminal, StdinStream, StdoutStream};
use wasmtime_wasi_io::poll::Pollable;
use wasmtime_wasi_io::streams::{InputStream, OutputStream, StreamError, StreamResult};

use crate::cell::Cell;
use crate::runtime::Runtime;

/// Bytes that a guest may have written and its group leader has not.
const IN_FLIGHT_BYTES_MAX: usize = 64 << 10;
/// Writes that a guest may have under way, however small they are.
const IN_FLIGHT_WRITES_MAX: usize = 64;
/// Bytes that are asked for at a time.
const READ_BYTES: u32 = 64 << 10;

/// The standard output or error of one actor. Clones are the same stream.
#[derive(Clone)]
pub(super) struct Printer {
    runtime: Arc<Runtime>,
    cell: Arc<Cell>,
    channel: Channel,
    in_flight: Arc<Mutex<InFlight>>,
}

#[derive(Default)]
struct InFlight {
    writes: std::collections::VecDeque<(usize, oneshot::Receiver<IoReply>)>,
    bytes: usize,
    /// The leader ended or failed; further writes fail.
    closed: bool,
}

impl Printer {
    pub(super) fn new(runtime: &Arc<Runtime>, cell: &Arc<Cell>, channel: Channel) -> Self {
        Self {
            runtime: Arc::clone(runtime),
            cell: Arc::clone(cell),
            channel,
            in_flight: Arc::default(),
        }
    }

    fn put(&self, bytes: Bytes) {
        let length = bytes.len();
        let leader = self.cell.state().process.group_leader();
        let request = IoRequest::PutChars(self.channel, bytes);
        let answer = self.runtime.ask_io(&self.cell, leader, request);
        let mut in_flight = self.in_flight.lock();
        in_flight.bytes += length;
        in_flight.writes.push_back((length, answer));
    }
}

impl InFlight {
    /// Takes in the answers that have come.
    fn settle(&mut self, mut context: Option<&mut Context<'_>>) {
        while let Some((length, answer)) = self.writes.front_mut() {
            let reply = match &mut context {
                Some(context) => match Pin::new(answer).poll(context) {
                    Poll::Ready(reply) => reply.ok(),
                    Poll::Pending => return,
                },
                None => match answer.try_recv() {
                    Ok(reply) => Some(reply),
                    Err(oneshot::error::TryRecvError::Empty) => return,
                    Err(oneshot::error::TryRecvError::Closed) => None,
                },
            };
            self.closed |= !matches!(reply, Some(IoReply::Done));
            self.bytes -= *length;
            self.writes.pop_front();
        }
    }

    fn room(&self) -> usize {
        if self.writes.len() >= IN_FLIGHT_WRITES_MAX {
            return 0;
        }
        IN_FLIGHT_BYTES_MAX.saturating_sub(self.bytes)
    }
}

impl IsTerminal for Printer {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for Printer {
    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        Box::new(self.clone())
    }

    fn p2_stream(&self) -> Box<dyn OutputStream> {
        Box::new(self.clone())
    }
}

#[wasmtime_wasi::async_trait]
impl OutputStream for Printer {
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        if self.in_flight.lock().closed {
            return Err(StreamError::Closed);
        }
        if !bytes.is_empty() {
            self.put(bytes);
        }
        Ok(())
    }

    fn flush(&mut self) -> StreamResult<()> {
        Ok(())
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        let mut in_flight = self.in_flight.lock();
        in_flight.settle(None);
        if in_flight.closed {
            return Err(StreamError::Closed);
        }
        Ok(in_flight.room())
    }
}

#[wasmtime_wasi::async_trait]
impl Pollable for Printer {
    async fn ready(&mut self) {
        let in_flight = &self.in_flight;
        std::future::poll_fn(|context| {
            let mut in_flight = in_flight.lock();
            in_flight.settle(Some(context));
            if in_flight.closed || in_flight.room() > 0 { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
    }
}

impl AsyncWrite for Printer {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<std::io::Result<usize>> {
        let room = {
            let mut in_flight = self.in_flight.lock();
            in_flight.settle(Some(context));
            if in_flight.closed {
                return Poll::Ready(Err(std::io::ErrorKind::BrokenPipe.into()));
            }
            in_flight.room().min(bytes.len())
        };
        if room == 0 && !bytes.is_empty() {
            return Poll::Pending;
        }
        self.put(Bytes::copy_from_slice(&bytes[..room]));
        Poll::Ready(Ok(room))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

/// The standard input of one actor. Clones are the same stream.
#[derive(Clone)]
pub(super) struct Input {
    runtime: Arc<Runtime>,
    cell: Arc<Cell>,
    state: Arc<Mutex<Reading>>,
}

#[derive(Default)]
struct Reading {
    buffer: Bytes,
    asked: Option<oneshot::Receiver<IoReply>>,
    ended: bool,
}

impl Input {
    pub(super) fn new(runtime: &Arc<Runtime>, cell: &Arc<Cell>) -> Self {
        Self { runtime: Arc::clone(runtime), cell: Arc::clone(cell), state: Arc::default() }
    }

    /// Ready when there is something to read, or nothing more ever.
    fn poll_fill(&self, context: &mut Context<'_>) -> Poll<()> {
        let mut state = self.state.lock();
        if !state.buffer.is_empty() || state.ended {
            return Poll::Ready(());
        }
        if state.asked.is_none() {
            let leader = self.cell.state().process.group_leader();
            let request = IoRequest::GetChars(String::new(), READ_BYTES);
            state.asked = Some(self.runtime.ask_io(&self.cell, leader, request));
        }
        let asked = state.asked.as_mut().expect("it was just asked");
        let Poll::Ready(reply) = Pin::new(asked).poll(context) else { return Poll::Pending };
        state.asked = None;
        match reply {
            Ok(IoReply::Data(bytes)) if !bytes.is_empty() => state.buffer = bytes,
            // The end, a leader that cannot be read from, or one that has ended.
            _ => state.ended = true,
        }
        Poll::Ready(())
    }
}

impl IsTerminal for Input {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdinStream for Input {
    fn async_stream(&self) -> Box<dyn AsyncRead + Send + Sync> {
        Box::new(self.clone())
    }

    fn p2_stream(&self) -> Box<dyn InputStream> {
        Box::new(self.clone())
    }
}

#[wasmtime_wasi::async_trait]
impl InputStream for Input {
    fn read(&mut self, size: usize) -> StreamResult<Bytes> {
        let mut state = self.state.lock();
        if state.buffer.is_empty() {
            return if state.ended { Err(StreamError::Closed) } else { Ok(Bytes::new()) };
        }
        let count = size.min(state.buffer.len());
        Ok(state.buffer.split_to(count))
    }
}

#[wasmtime_wasi::async_trait]
impl Pollable for Input {
    async fn ready(&mut self) {
        std::future::poll_fn(|context| self.poll_fill(context)).await;
    }
}

impl AsyncRead for Input {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        if self.poll_fill(context).is_pending() {
            return Poll::Pending;
        }
        let mut state = self.state.lock();
        let count = into.remaining().min(state.buffer.len());
        into.put_slice(&state.buffer.split_to(count));
        Poll::Ready(Ok(()))
    }
}
