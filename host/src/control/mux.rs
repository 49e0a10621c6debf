//! Many exchanges on one connection.
//!
//! Either side opens an exchange with a request; both may stream bytes in it; the
//! asked side ends it with a reply. Each exchange has its own credit, so one that
//! nobody reads does not stop the others. One task per connection runs
//! [`Connection::drive`]; [`Exchange`]s are used by the tasks that asked or serve.
//!
//! Dropping an exchange ends it: the asking side's tells the other that nobody
//! waits, the asked side's replies that it failed. When the connection ends, every
//! exchange of it yields `None`. Must not know what requests mean.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use odeon_core::peer::credit::{Incoming, Outgoing};
use odeon_core::wire::{Frame, Outcome, STREAM_PIECE_BYTES};
use parking_lot::Mutex;
use tokio::sync::{Notify, mpsc};

use super::EXCHANGES_MAX;
use super::queue::{Out, Queue, queue};
use crate::net::transport::{Transport, TransportError};

/// The other side is gone, or no longer wants this exchange.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the other side has gone")]
pub struct Gone;

/// What arrives in an exchange.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A piece of the other side's stream.
    Data(Bytes),
    /// The other side's stream is complete.
    End,
    /// The answer. The last event of the asking side.
    Reply(Outcome, Bytes),
    /// The asking side no longer wants the answer. The last event of the asked side.
    Cancelled,
}

/// A request that the other side made.
#[derive(Debug)]
pub struct Asked {
    /// Whom it is for.
    pub service: String,
    /// What is asked, in the service's encoding.
    pub body: Bytes,
    /// Where to answer.
    pub exchange: Exchange,
}

/// One end of a connection: opens exchanges, ends the connection. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Connection {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    exchanges: Mutex<Exchanges>,
    outbox: mpsc::UnboundedSender<Out>,
}

#[derive(Debug)]
struct Exchanges {
    open: BTreeMap<u64, Entry>,
    /// The id of the next exchange that this side opens.
    next: u64,
    /// The last id that the other side used.
    last_theirs: u64,
    over: bool,
}

/// The connection's half of an exchange. Its queue is bounded by the credit.
#[derive(Debug)]
struct Entry {
    inbox: mpsc::UnboundedSender<Event>,
    incoming: Incoming,
    outgoing: Outgoing,
    writable: Arc<Notify>,
    /// This side asked.
    asking: bool,
    /// The other side's stream is complete.
    ended: bool,
}

/// What the connection's task needs to run.
pub struct Wires {
    transport: Transport,
    queue: Queue,
}

impl Connection {
    /// A connection over this transport. Nothing moves until
    /// [`Connection::drive`] runs.
    pub fn new(transport: Transport, initiator: bool) -> (Self, Wires) {
        let (connection, queue) = Self::queued(initiator);
        (connection, Wires { transport, queue })
    }

    /// A connection whose frames somebody else carries: what it sends is in the queue,
    /// what comes has to be given to [`Connection::received`].
    pub(crate) fn queued(initiator: bool) -> (Self, Queue) {
        let (sender, queue) = queue();
        let exchanges = Exchanges {
            open: BTreeMap::new(),
            next: if initiator { 1 } else { 2 },
            last_theirs: 0,
            over: false,
        };
        let shared = Shared { exchanges: Mutex::new(exchanges), outbox: sender };
        (Self { shared: Arc::new(shared) }, queue)
    }

    /// Opens an exchange.
    ///
    /// # Errors
    /// When the connection is over.
    pub fn request(&self, service: &str, body: Bytes) -> Result<Exchange, Gone> {
        let mut exchanges = self.shared.exchanges.lock();
        let id = exchanges.next;
        exchanges.next += 2;
        let exchange = self.exchange(&mut exchanges, id, true)?;
        let request = Frame::Request { id, service: service.to_owned(), body };
        self.shared.send(request);
        Ok(exchange)
    }

    /// Ends the connection, once all that was sent before has been written.
    pub fn close(&self) {
        let _ = self.shared.outbox.send(Out::Close);
    }

    fn exchange(&self, all: &mut Exchanges, id: u64, asking: bool) -> Result<Exchange, Gone> {
        if all.over {
            return Err(Gone);
        }
        let (inbox, events) = mpsc::unbounded_channel();
        let writable = Arc::new(Notify::new());
        let entry = Entry {
            inbox,
            incoming: Incoming::default(),
            outgoing: Outgoing::default(),
            writable: Arc::clone(&writable),
            asking,
            ended: false,
        };
        all.open.insert(id, entry);
        let sender = Sender { id, writable, shared: Arc::clone(&self.shared) };
        Ok(Exchange { id, events, sender, shared: Arc::clone(&self.shared), asking, over: false })
    }

    /// Carries the connection until it ends; hands each request to `serve`, which
    /// must not block.
    ///
    /// # Errors
    /// When it ended otherwise than by a close of either side.
    pub async fn drive(
        &self,
        mut wires: Wires,
        mut serve: impl FnMut(Asked),
    ) -> Result<(), TransportError> {
        let _over = self.ends_with_this();
        while let Some(raw) = wires.transport.turn(&mut wires.queue).await? {
            if let Some(frame) = raw.decode()? {
                self.received(frame, &mut serve)?;
            }
        }
        Ok(())
    }

    /// Ends every exchange when it is dropped.
    pub(crate) fn ends_with_this(&self) -> EndAll {
        EndAll(Arc::clone(&self.shared))
    }

    /// Takes a frame of the other side.
    ///
    /// # Errors
    /// When it breaks a rule; the connection cannot go on.
    pub(crate) fn received(
        &self,
        frame: Frame,
        mut serve: impl FnMut(Asked),
    ) -> Result<(), TransportError> {
        let mut exchanges = self.shared.exchanges.lock();
        match frame {
            Frame::Request { id, service, body } => {
                exchanges.admit(id)?;
                if let Ok(exchange) = self.exchange(&mut exchanges, id, false) {
                    drop(exchanges);
                    serve(Asked { service, body, exchange });
                }
                Ok(())
            }
            Frame::Reply { id, outcome, body } => exchanges.replied(id, outcome, body),
            Frame::StreamData { id, data } => exchanges.data(id, data),
            Frame::StreamEnd { id } => exchanges.ended(id),
            Frame::Credit { id, bytes } => exchanges.credit(id, bytes),
            Frame::Cancel { id } => exchanges.cancelled(id),
            Frame::Ping { token } => {
                self.shared.send(Frame::Pong { token });
                Ok(())
            }
            Frame::Pong { .. } => Ok(()),
            Frame::Hello(_) | Frame::Proof(_) | Frame::Refused(_) => {
                Err(violation("a handshake frame after the handshake"))
            }
            Frame::Welcome(_) | Frame::About(_) | Frame::Tick | Frame::SignalCredit { .. } => {
                Err(violation("a frame between nodes on a command's connection"))
            }
        }
    }
}

fn violation(text: impl ToString) -> TransportError {
    TransportError::Violation(text.to_string())
}

impl Shared {
    /// Queues a frame. When the connection is over nobody writes it; the exchange
    /// learns that from its events.
    fn send(&self, frame: Frame) {
        let _ = self.outbox.send(Out::Frame(frame));
    }
}

/// Frames of exchanges that are over cross their end on the way: they are ignored.
impl Exchanges {
    fn admit(&mut self, id: u64) -> Result<(), TransportError> {
        if id % 2 == self.next % 2 || id <= self.last_theirs {
            return Err(violation(format!("exchange {id} is not the sender's to open")));
        }
        self.last_theirs = id;
        if self.open.len() >= EXCHANGES_MAX {
            return Err(violation(format!("more than {EXCHANGES_MAX} exchanges at one time")));
        }
        Ok(())
    }

    fn replied(&mut self, id: u64, outcome: Outcome, body: Bytes) -> Result<(), TransportError> {
        if let Some(entry) = self.open.get(&id) {
            if !entry.asking {
                return Err(violation("a reply by the side that asked"));
            }
            let _ = entry.inbox.send(Event::Reply(outcome, body));
            self.remove(id);
        }
        Ok(())
    }

    fn data(&mut self, id: u64, data: Bytes) -> Result<(), TransportError> {
        if let Some(entry) = self.open.get_mut(&id) {
            entry.incoming.received(data.len()).map_err(violation)?;
            if entry.ended {
                return Err(violation("stream data after the stream's end"));
            }
            let _ = entry.inbox.send(Event::Data(data));
        }
        Ok(())
    }

    fn ended(&mut self, id: u64) -> Result<(), TransportError> {
        if let Some(entry) = self.open.get_mut(&id) {
            if std::mem::replace(&mut entry.ended, true) {
                return Err(violation("a stream ended twice"));
            }
            let _ = entry.inbox.send(Event::End);
        }
        Ok(())
    }

    fn credit(&mut self, id: u64, bytes: u32) -> Result<(), TransportError> {
        if let Some(entry) = self.open.get_mut(&id) {
            entry.outgoing.granted(bytes).map_err(violation)?;
            entry.writable.notify_waiters();
        }
        Ok(())
    }

    fn cancelled(&mut self, id: u64) -> Result<(), TransportError> {
        if let Some(entry) = self.open.get(&id) {
            if entry.asking {
                return Err(violation("a cancel by the side that was asked"));
            }
            let _ = entry.inbox.send(Event::Cancelled);
            self.remove(id);
        }
        Ok(())
    }

    /// Whether it was there. Senders that wait learn that it is over.
    fn remove(&mut self, id: u64) -> bool {
        let removed = self.open.remove(&id);
        if let Some(entry) = &removed {
            entry.writable.notify_waiters();
        }
        removed.is_some()
    }
}

/// Ends every exchange when the connection's task ends, in whatever way.
pub(crate) struct EndAll(Arc<Shared>);

impl Drop for EndAll {
    fn drop(&mut self) {
        let mut exchanges = self.0.exchanges.lock();
        exchanges.over = true;
        for (_, entry) in std::mem::take(&mut exchanges.open) {
            entry.writable.notify_waiters();
        }
    }
}

/// One end of an exchange.
#[derive(Debug)]
pub struct Exchange {
    id: u64,
    events: mpsc::UnboundedReceiver<Event>,
    sender: Sender,
    shared: Arc<Shared>,
    asking: bool,
    /// Nothing is owed to the other side any more.
    over: bool,
}

impl Exchange {
    /// The next event; `None` when the connection is over, or after the last one.
    /// May be dropped and called again at any time.
    pub async fn next(&mut self) -> Option<Event> {
        let event = self.events.recv().await;
        match &event {
            Some(Event::Data(data)) => self.consumed(data.len()),
            Some(Event::Reply(..) | Event::Cancelled) | None => self.over = true,
            Some(Event::End) => {}
        }
        event
    }

    fn consumed(&self, piece_bytes: usize) {
        let mut exchanges = self.shared.exchanges.lock();
        let Some(entry) = exchanges.open.get_mut(&self.id) else { return };
        if let Some(bytes) = entry.incoming.consumed(piece_bytes) {
            self.shared.send(Frame::Credit { id: self.id, bytes });
        }
    }

    /// The sending half of this side's stream, for other tasks.
    pub fn sender(&self) -> Sender {
        self.sender.clone()
    }

    /// As [`Sender::send`].
    ///
    /// # Errors
    /// When the exchange is over; a part may have been sent.
    pub async fn send(&self, data: Bytes) -> Result<(), Gone> {
        self.sender.send(data).await
    }

    /// As [`Sender::send_piece`].
    ///
    /// # Errors
    /// When the exchange is over.
    pub async fn send_piece(&self, data: Bytes) -> Result<(), Gone> {
        self.sender.send_piece(data).await
    }

    /// Says that this side's stream is complete.
    pub fn end(&self) {
        self.shared.send(Frame::StreamEnd { id: self.id });
    }

    /// Answers. At most [`BODY_BYTES_MAX`](odeon_core::wire::BODY_BYTES_MAX) less a
    /// few bytes; more goes into the stream first.
    pub fn reply(mut self, outcome: Outcome, body: Bytes) {
        self.over = true;
        if self.shared.exchanges.lock().remove(self.id) {
            self.shared.send(Frame::Reply { id: self.id, outcome, body });
        }
    }
}

/// Sends into one side's stream of an exchange, for as long as that lives.
#[derive(Clone, Debug)]
pub struct Sender {
    id: u64,
    writable: Arc<Notify>,
    shared: Arc<Shared>,
}

impl Sender {
    /// Streams these bytes, in pieces; waits for credit. The pieces of two that
    /// send at one time are mixed.
    ///
    /// # Errors
    /// When the exchange is over; a part may have been sent.
    pub async fn send(&self, mut data: Bytes) -> Result<(), Gone> {
        while !data.is_empty() {
            let piece = data.split_to(data.len().min(STREAM_PIECE_BYTES));
            self.send_piece(piece).await?;
        }
        Ok(())
    }

    /// Streams these bytes as one piece, so that the other side reads them as one
    /// event. For encoded items; at most
    /// [`BODY_BYTES_MAX`](odeon_core::wire::BODY_BYTES_MAX) less a few.
    ///
    /// # Errors
    /// When the exchange is over.
    pub async fn send_piece(&self, data: Bytes) -> Result<(), Gone> {
        if data.is_empty() {
            return Ok(());
        }
        loop {
            // Registered before the check: a grant in between is not missed, and
            // every sender that waits hears of it.
            let writable = self.writable.notified();
            {
                let mut exchanges = self.shared.exchanges.lock();
                let entry = exchanges.open.get_mut(&self.id).ok_or(Gone)?;
                if entry.outgoing.spend(data.len()) {
                    self.shared.send(Frame::StreamData { id: self.id, data });
                    return Ok(());
                }
            }
            writable.await;
        }
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        let open = self.shared.exchanges.lock().remove(self.id);
        if self.over || !open {
            return;
        }
        self.shared.send(if self.asking {
            Frame::Cancel { id: self.id }
        } else {
            Frame::Reply { id: self.id, outcome: Outcome::Failed, body: Bytes::new() }
        });
    }
}
