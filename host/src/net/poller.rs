//! Which sockets are ready, asked by whichever thread has nothing better to do.
//!
//! A worker that is idle waits here rather than in a lock of its own. So what comes for
//! an actor is read, handed over and answered on one thread, which is woken once: with a
//! thread that only looks after sockets each message would wake two, and waking is most
//! of what a round trip between two nodes costs.
//!
//! One thread at a time waits. Must not know what the sockets carry, nor who waits here
//! and when: that is the scheduler's.

use std::collections::HashMap;
use std::io::{self, IoSlice, Write as _};
use std::os::fd::AsRawFd as _;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use mio::unix::SourceFd;
use mio::{Events, Interest, Registry, Token};
use parking_lot::{Mutex, RwLock};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// What wakes the thread that waits.
const WAKE: Token = Token(usize::MAX);

/// How long a thread keeps looking at the sockets before it goes to sleep. To be woken
/// takes about as long as most answers of a near node; one that makes an actor first takes
/// twice as long. It does so only while no other worker has anything to do, and while it
/// pays, see [`Keenness`].
const KEEN: Duration = Duration::from_micros(100);

/// Waits without such a look after one that was in vain, at most.
const WAITS_SKIPPED_MAX: u32 = 4096;

/// Sockets that are told to be ready at one time; the others come next.
const EVENTS_MAX: usize = 256;

/// Sockets, and the place where one thread waits for them.
pub(crate) struct Poller {
    registry: Registry,
    waker: mio::Waker,
    turn: Mutex<Turn>,
    /// Somebody waits, or is about to.
    attended: AtomicBool,
    /// Counts the looks at the sockets.
    looks: AtomicUsize,
    sources: RwLock<HashMap<usize, Arc<Source>>>,
    /// As many as there are in `sources`.
    count: AtomicUsize,
    next: AtomicUsize,
}

/// What the one who waits needs.
struct Turn {
    poll: mio::Poll,
    events: Events,
    keenness: Keenness,
}

/// Whether to keep looking. Where others want the processor, a look that lasts keeps them
/// from the very answer it waits for. So nearly all have to find something, else there are
/// fewer and fewer.
#[derive(Default)]
struct Keenness {
    /// Waits until the next look.
    skip: u32,
    /// Waits to skip after a look in vain.
    penalty: u32,
}

impl Keenness {
    fn wants_to_look(&mut self) -> bool {
        let wants = self.skip == 0;
        self.skip = self.skip.saturating_sub(1);
        wants
    }

    fn looked(&mut self, found: bool) {
        if found {
            self.penalty -= self.penalty.div_ceil(8);
        } else {
            self.penalty = (4 * self.penalty).clamp(4, WAITS_SKIPPED_MAX);
            self.skip = self.penalty;
        }
    }
}

impl Turn {
    /// Waits for the sockets without end.
    fn wait(&mut self, is_alone: impl Fn() -> bool) -> io::Result<()> {
        if is_alone() && self.keenness.wants_to_look() {
            let begun = Instant::now();
            while begun.elapsed() < KEEN && is_alone() {
                self.poll.poll(&mut self.events, Some(Duration::ZERO))?;
                if !self.events.is_empty() {
                    self.keenness.looked(true);
                    return Ok(());
                }
            }
            self.keenness.looked(false);
        }
        self.poll.poll(&mut self.events, None)
    }
}

/// One socket's readiness.
#[derive(Default)]
struct Source(Mutex<Ready>);

#[derive(Default)]
struct Ready {
    readable: bool,
    writable: bool,
    /// Nothing more will come: reading says so at once, for ever.
    closed: bool,
    /// Counts what the system told.
    told: usize,
    reader: Option<Waker>,
    writer: Option<Waker>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    In,
    Out,
}

impl Poller {
    /// Without sockets.
    ///
    /// # Errors
    /// The system lacks descriptors.
    pub(crate) fn new() -> io::Result<Arc<Self>> {
        let poll = mio::Poll::new()?;
        let registry = poll.registry().try_clone()?;
        let waker = mio::Waker::new(&registry, WAKE)?;
        let turn =
            Turn { poll, events: Events::with_capacity(EVENTS_MAX), keenness: Keenness::default() };
        Ok(Arc::new(Self {
            registry,
            waker,
            turn: Mutex::new(turn),
            attended: AtomicBool::new(false),
            looks: AtomicUsize::new(0),
            sources: RwLock::default(),
            count: AtomicUsize::new(0),
            next: AtomicUsize::new(0),
        }))
    }

    /// Whether there is anything to wait for.
    pub(crate) fn has_sockets(&self) -> bool {
        self.count.load(Ordering::Relaxed) > 0
    }

    /// Whether a thread waits for the sockets.
    pub(crate) fn is_attended(&self) -> bool {
        self.attended.load(Ordering::SeqCst)
    }

    /// Looks at the sockets so far.
    pub(crate) fn looks(&self) -> usize {
        self.looks.load(Ordering::Relaxed)
    }

    /// Looks at the sockets, without waiting, and wakes whose are ready. False as below.
    pub(crate) fn look(&self) -> bool {
        self.turn(|turn| turn.poll.poll(&mut turn.events, Some(Duration::ZERO)), || {})
    }

    /// Waits for the sockets. `is_alone` says whether no other worker has anything to do.
    /// Calls `found` when there is something, then wakes whose sockets are ready. False if
    /// another thread is at it, or if there was nothing.
    pub(crate) fn wait(&self, is_alone: impl Fn() -> bool, found: impl FnOnce()) -> bool {
        self.turn(|turn| turn.wait(is_alone), found)
    }

    fn turn(&self, wait: impl FnOnce(&mut Turn) -> io::Result<()>, found: impl FnOnce()) -> bool {
        let Some(mut turn) = self.turn.try_lock() else { return false };
        self.attended.store(true, Ordering::SeqCst);
        let polled = wait(&mut turn);
        self.attended.store(false, Ordering::SeqCst);
        self.looks.fetch_add(1, Ordering::Relaxed);
        if let Err(error) = polled {
            if error.kind() != io::ErrorKind::Interrupted {
                tracing::error!(%error, "cannot wait for sockets");
            }
            return false;
        }
        let mut told = turn.events.iter().filter(|event| event.token() != WAKE).peekable();
        if told.peek().is_none() {
            return false;
        }
        found();
        for event in told {
            let source = self.sources.read().get(&event.token().0).map(Arc::clone);
            if let Some(source) = source {
                source.told(event);
            }
        }
        true
    }

    /// Wakes the thread that waits.
    pub(crate) fn wake(&self) {
        if let Err(error) = self.waker.wake() {
            tracing::error!(%error, "cannot wake a worker");
        }
    }

    /// Takes over a socket, which must not block.
    pub(crate) fn adopt(self: &Arc<Self>, socket: socket2::Socket) -> io::Result<Socket> {
        let token = self.next.fetch_add(1, Ordering::Relaxed);
        let source = Arc::new(Source::default());
        self.sources.write().insert(token, Arc::clone(&source));
        self.count.fetch_add(1, Ordering::Relaxed);
        let interest = Interest::READABLE | Interest::WRITABLE;
        let descriptor = socket.as_raw_fd();
        let registered = self.registry.register(&mut SourceFd(&descriptor), Token(token), interest);
        let socket = Socket { socket, source, token, poller: Arc::clone(self) };
        registered.map(|()| socket)
    }

    /// Wakes everybody, so that whoever can end does.
    pub(crate) fn wake_all(&self) {
        let sources: Vec<_> = self.sources.read().values().map(Arc::clone).collect();
        for source in sources {
            source.wake(|_| true);
        }
    }
}

impl Source {
    fn told(&self, event: &mio::event::Event) {
        self.wake(|ready| {
            ready.told = ready.told.wrapping_add(1);
            ready.closed |= event.is_read_closed() || event.is_error();
            ready.readable |= event.is_readable() || ready.closed;
            ready.writable |= event.is_writable() || event.is_write_closed() || ready.closed;
            false
        });
    }

    /// Wakes who waits for what is ready, or for anything if `change` says so.
    fn wake(&self, change: impl FnOnce(&mut Ready) -> bool) {
        let mut ready = self.0.lock();
        let all = change(&mut ready);
        let reader = if all || ready.readable { ready.reader.take() } else { None };
        let writer = if all || ready.writable { ready.writer.take() } else { None };
        drop(ready);
        match (reader, writer) {
            // Mostly one task is both.
            (Some(reader), Some(writer)) if reader.will_wake(&writer) => reader.wake(),
            (reader, writer) => reader.into_iter().chain(writer).for_each(Waker::wake),
        }
    }
}

/// A connected socket that tasks of the scheduler read and write.
pub(crate) struct Socket {
    socket: socket2::Socket,
    source: Arc<Source>,
    token: usize,
    poller: Arc<Poller>,
}

impl std::fmt::Debug for Socket {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.socket.fmt(formatter)
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        // Closing it would do as well.
        let _ = self.poller.registry.deregister(&mut SourceFd(&self.socket.as_raw_fd()));
        if self.poller.sources.write().remove(&self.token).is_some() {
            self.poller.count.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

impl Socket {
    /// Does `work` when the socket is ready for it. `is_short` says that there was less
    /// than asked for: then nothing is left until the system tells of more.
    fn when_ready(
        &self,
        way: Way,
        context: &Context<'_>,
        mut work: impl FnMut(&socket2::Socket) -> io::Result<usize>,
        is_short: impl Fn(usize) -> bool,
    ) -> Poll<io::Result<usize>> {
        loop {
            let told = {
                let mut ready = self.source.0.lock();
                let Ready { readable, writable, told, reader, writer, .. } = &mut *ready;
                let (is_ready, waiting) = match way {
                    Way::In => (*readable, reader),
                    Way::Out => (*writable, writer),
                };
                if !is_ready {
                    match waiting {
                        Some(known) if known.will_wake(context.waker()) => {}
                        _ => *waiting = Some(context.waker().clone()),
                    }
                    return Poll::Pending;
                }
                *told
            };
            match work(&self.socket) {
                Ok(bytes) => {
                    if is_short(bytes) {
                        self.used_up(way, told);
                    }
                    return Poll::Ready(Ok(bytes));
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => self.used_up(way, told),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Poll::Ready(Err(error)),
            }
        }
    }

    /// There was no more, unless the system has told something since.
    fn used_up(&self, way: Way, told: usize) {
        let mut ready = self.source.0.lock();
        if ready.told == told {
            match way {
                Way::In => ready.readable = ready.closed,
                Way::Out => ready.writable = false,
            }
        }
    }
}

impl AsyncRead for Socket {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        // SAFETY: nothing but what the system reads is written there.
        let room = unsafe { buffer.unfilled_mut() };
        let wanted = room.len();
        // As `read` does, which would want the room cleared before.
        let receive = |socket: &socket2::Socket| socket.recv(room);
        let is_short = |bytes| bytes > 0 && bytes < wanted;
        let read = self.get_mut().when_ready(Way::In, context, receive, is_short);
        read.map_ok(|bytes| {
            // SAFETY: the system has written so many bytes.
            unsafe { buffer.assume_init(bytes) };
            buffer.advance(bytes);
        })
    }
}

impl AsyncWrite for Socket {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let wanted = bytes.len();
        let this = self.get_mut();
        this.when_ready(Way::Out, context, |mut socket| socket.write(bytes), |done| done < wanted)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let wanted = bytes.iter().map(|slice| slice.len()).sum();
        let this = self.get_mut();
        let write = |mut socket: &socket2::Socket| socket.write_vectored(bytes);
        this.when_ready(Way::Out, context, write, |done| done < wanted)
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(match self.socket.shutdown(std::net::Shutdown::Write) {
            Err(error) if error.kind() != io::ErrorKind::NotConnected => Err(error),
            _ => Ok(()),
        })
    }
}

#[cfg(test)]
#[path = "poller_test.rs"]
mod tests;
