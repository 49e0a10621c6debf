//! One connection with another node, from the handshake to its loss.
//!
//! One task owns the socket: it writes what the link has to say, hands what comes to
//! the delivery, and watches whether the other side is alive. It is a task of the
//! scheduler of actors: what an actor sent is written, and what came is received, on the
//! same thread, without waking another.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use odeon_core::NodeId;
use odeon_core::node::{DownReason, Failure};
use odeon_core::peer::handshake::Session;
use odeon_core::peer::inbound::{Inbound, Received};
use odeon_core::peer::outbox::Outbox;
use odeon_core::peer::ticks::{INTERVALS, TickVerdict, Ticks};
use odeon_core::wire::{Frame, Item, NodeInfo, Raw, Refusal};
use tokio::sync::{Semaphore, mpsc, oneshot, watch};
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::Dialler;
use super::deliver::{Delivery, NEWS_MAX, QUESTIONS_UNREAD_MAX};
use super::keeper::Event;
use super::link::Link;
use super::ship;
use super::spawn::ASKED_KIB_MAX;
use crate::control::mux;
use crate::control::queue::Queue;
use crate::net;
use crate::net::dial::{DialError, Target};
use crate::net::transport::{Next, Outgoing, Transport, TransportError};
use crate::rooms::Kept;
use crate::runtime::Runtime;
use crate::scheduler;

/// A set feature bit of the hello says that the node is hidden.
pub(super) const FEATURE_HIDDEN: u64 = 1 << 1;

/// Frames of one message that are handled before the other work of the connection
/// gets its turn.
const FRAMES_PER_TURN: usize = 4096;

/// A connection that has proved itself and does not carry signals yet.
pub(super) struct Fresh {
    pub(super) conn: u64,
    pub(super) transport: Transport,
    pub(super) session: Session,
    pub(super) info: NodeInfo,
}

impl Fresh {
    /// One that the other side opened.
    pub(super) fn accepted(conn: u64, transport: Transport, session: Session) -> Self {
        let theirs = &session.theirs;
        let info = NodeInfo {
            name: theirs.name.clone(),
            id: theirs.incarnation,
            hidden: theirs.features & FEATURE_HIDDEN != 0,
            addresses: Vec::new(),
        };
        Self { conn, transport, session, info }
    }
}

/// All that a connection is made of.
pub(super) struct Parts {
    pub(super) runtime: Arc<Runtime>,
    pub(super) link: Arc<Link>,
    pub(super) node: NodeId,
    pub(super) fresh: Fresh,
    /// What this side says first.
    pub(super) first: Option<Frame>,
    pub(super) initiated: bool,
    pub(super) tick_time: watch::Receiver<Duration>,
    /// Until when nothing is read: up to then it is told that the node is up.
    pub(super) begun: oneshot::Receiver<()>,
    /// Held as long as the connection is carried.
    pub(super) carried: mpsc::Sender<Infallible>,
}

/// Nothing to write.
struct Silence;

impl Outgoing for Silence {
    fn poll_next(&mut self, _: &mut Context<'_>, _: &mut Vec<u8>) -> Poll<Next> {
        Poll::Pending
    }

    fn is_crowded(&self) -> bool {
        false
    }
}

/// One frame to write, and nothing more for now.
struct Once(Option<Frame>);

impl Outgoing for Once {
    fn poll_next(&mut self, _: &mut Context<'_>, into: &mut Vec<u8>) -> Poll<Next> {
        let Some(frame) = self.0.take() else { return Poll::Pending };
        frame.encode(into);
        Poll::Ready(Next::Message)
    }

    fn is_crowded(&self) -> bool {
        false
    }
}

/// Frames to write, and then the end.
struct Last(Option<Frame>);

impl Outgoing for Last {
    fn poll_next(&mut self, _: &mut Context<'_>, into: &mut Vec<u8>) -> Poll<Next> {
        match self.0.take() {
            Some(frame) => {
                frame.encode(into);
                Poll::Ready(Next::Message)
            }
            None => Poll::Ready(Next::Close),
        }
    }

    fn is_crowded(&self) -> bool {
        false
    }
}

/// What a link and the exchanges over it have to say.
struct Speech {
    link: Arc<Link>,
    exchanges: Queue,
    /// Bytes were written since the last tick.
    spoke: bool,
}

/// Frames of exchanges that wait in the outbox at one time: the rest waits in front of
/// it, so that the credit of exchanges holds back who sends.
const EXCHANGE_FRAMES_AHEAD: usize = 16;

impl Outgoing for Speech {
    fn poll_next(&mut self, context: &mut Context<'_>, into: &mut Vec<u8>) -> Poll<Next> {
        let exchanges = &mut self.exchanges;
        let mut close = false;
        let polled = self.link.poll_message(context, into, |outbox, context| {
            for _ in 0..EXCHANGE_FRAMES_AHEAD {
                match exchanges.poll_frame(context) {
                    Poll::Ready(Some(frame)) => outbox.push_frame(&frame),
                    Poll::Ready(None) => {
                        close = true;
                        break;
                    }
                    Poll::Pending => break,
                }
            }
        });
        match polled {
            Poll::Ready(true) => {
                self.spoke = true;
                Poll::Ready(Next::Message)
            }
            Poll::Ready(false) => Poll::Ready(Next::Close),
            Poll::Pending if close => Poll::Ready(Next::Close),
            Poll::Pending => Poll::Pending,
        }
    }

    fn is_crowded(&self) -> bool {
        // What this side answers is bounded by what it was asked, and that by credit.
        self.link.queued_bytes() > ANSWERS_BYTES_MAX
    }
}

/// Bytes that wait to go out before this side reads no more: what comes could make it
/// answer ever more to a side that does not read.
const ANSWERS_BYTES_MAX: usize = 64 << 20;

/// Opens a connection to a node, up to its welcome.
pub(super) async fn dial(
    dialler: &Dialler,
    conn: u64,
    name: &str,
    addresses: &[String],
) -> Result<Fresh, Failure> {
    let deadline = Instant::now() + dialler.options.setup_time;
    let target = Target { name: name.to_owned(), port: None, hints: addresses.to_vec() };
    let Dialler { identity, security, options } = dialler;
    let (mut transport, session) =
        net::dial::dial(&target, identity, security, options).await.map_err(|e| failure(&e))?;
    let welcomed = async {
        loop {
            let Some(raw) = transport.turn(&mut Silence).await? else {
                return Err(TransportError::Closed);
            };
            match raw.decode()? {
                Some(Frame::Welcome(info)) => return Ok(Ok(info)),
                Some(Frame::Refused(refusal)) => return Ok(Err(refusal)),
                Some(_) => {
                    return Err(TransportError::Violation("a frame before the welcome".into()));
                }
                None => {}
            }
        }
    };
    let info = match tokio::time::timeout_at(deadline, welcomed).await {
        Ok(Ok(Ok(info))) => info,
        Ok(Ok(Err(refusal))) => return Err(Failure::Refused(refusal)),
        Ok(Err(error)) => return Err(Failure::Unreachable(error.to_string())),
        Err(_) => return Err(Failure::Timeout),
    };
    let theirs = &session.theirs;
    if info.name != theirs.name || info.id != theirs.incarnation {
        return Err(Failure::Unreachable("it welcomes in another node's name".into()));
    }
    Ok(Fresh { conn, transport, session, info })
}

fn failure(error: &DialError) -> Failure {
    match error {
        DialError::Timeout { .. } => Failure::Timeout,
        DialError::WrongName { .. } => Failure::WrongNode,
        error => Failure::Unreachable(error.to_string()),
    }
}

/// Welcomes a node that has connected, and waits for what it says of itself. Ends when
/// `given_up` is dropped.
pub(super) async fn welcome(
    fresh: Fresh,
    own: NodeInfo,
    setup_time: Duration,
    given_up: oneshot::Receiver<()>,
) -> Result<Fresh, DownReason> {
    let Fresh { conn, mut transport, session, info } = fresh;
    let mut welcome = Once(Some(Frame::Welcome(own)));
    let answered = async {
        loop {
            let Some(raw) = transport.turn(&mut welcome).await? else {
                return Err(TransportError::Closed);
            };
            match raw.decode()? {
                Some(Frame::About(about)) => return Ok(about),
                Some(_) => {
                    return Err(TransportError::Violation("a frame before `about`".into()));
                }
                None => {}
            }
        }
    };
    let answered = tokio::select! {
        answered = tokio::time::timeout(setup_time, answered) => answered,
        _ = given_up => return Err(DownReason::ConnectionClosed),
    };
    match answered {
        Ok(Ok(about)) if about.name == info.name && about.id == info.id => {
            let info = NodeInfo { addresses: about.addresses, ..info };
            Ok(Fresh { conn, transport, session, info })
        }
        Ok(Ok(_)) => Err(DownReason::Violation("it speaks in another node's name".into())),
        Ok(Err(TransportError::Violation(text))) => Err(DownReason::Violation(text)),
        Ok(Err(_)) => Err(DownReason::ConnectionClosed),
        Err(_) => Err(DownReason::NetTickTimeout),
    }
}

/// Tells the other side why it is not wanted, and closes.
pub(super) async fn refuse(mut transport: Transport, refusal: Refusal) {
    end(&mut transport, Some(Frame::Refused(refusal))).await;
}

/// Closes.
pub(super) async fn close(mut transport: Transport) {
    end(&mut transport, None).await;
}

/// The longest that a closing side waits for the other to take its last words.
pub(super) const CLOSE_TIME_MAX: Duration = Duration::from_secs(2);

async fn end(transport: &mut Transport, last: Option<Frame>) {
    let mut last = Last(last);
    let closing = async { while let Ok(Some(_)) = transport.turn(&mut last).await {} };
    let _ = tokio::time::timeout(CLOSE_TIME_MAX, closing).await;
}

/// Begins to carry signals. Gives what waited for another incarnation of the node.
pub(super) fn start(parts: Parts) -> Vec<(Option<NodeId>, Item)> {
    let Parts { runtime, link, node, fresh, first, initiated, tick_time, begun, carried } = parts;
    let Fresh { conn, transport, session, .. } = fresh;
    let mut outbox = Outbox::new(session.features);
    if let Some(first) = &first {
        outbox.control(first);
    }
    let (exchanges, queue) = mux::Connection::queued(initiated);
    let stale = link.up(node, outbox, exchanges.clone());
    let carrier = Carrier {
        inbound: Inbound::new(runtime.id, node, session.features).with_rooms(Arc::new(Kept)),
        delivery: Delivery {
            runtime: Arc::clone(&runtime),
            link: Arc::clone(&link),
            node,
            conn,
            news: Arc::new(Semaphore::new(NEWS_MAX)),
            questions: Arc::new(Semaphore::new(QUESTIONS_UNREAD_MAX)),
            spawns: Arc::new(Semaphore::new(ASKED_KIB_MAX)),
            last: None,
            made: false,
            calls: Vec::new(),
            told: BTreeMap::new(),
        },
        speech: Speech { link, exchanges: queue, spoke: false },
        transport,
        exchanges,
        served: JoinSet::new(),
    };
    // Where tokio's threads are gone, nobody keeps time or connections any more.
    let (over, kept) = oneshot::channel::<()>();
    tokio::spawn(kept);
    let spawner = runtime.spawner.clone();
    spawner.spawn_collector(async move {
        let _ = begun.await;
        let reason = carrier.carry(tick_time, over).await;
        drop(carried);
        runtime.cluster.event(Event::Lost { conn, reason });
    });
    stale
}

/// Bytes of messages that are handled before others on this worker get their turn.
const BYTES_PER_TURN: u64 = 512 << 10;

struct Carrier {
    transport: Transport,
    speech: Speech,
    inbound: Inbound,
    delivery: Delivery,
    exchanges: mux::Connection,
    /// Requests of the other side that are being served.
    served: JoinSet<()>,
}

impl Carrier {
    async fn carry(
        mut self,
        mut tick_time: watch::Receiver<Duration>,
        mut over: oneshot::Sender<()>,
    ) -> DownReason {
        let _over = self.exchanges.ends_with_this();
        if let Err(error) = self.transport.attend(self.delivery.runtime.spawner.poller()) {
            tracing::warn!(%error, "a connection cannot be kept");
            return DownReason::ConnectionClosed;
        }
        let mut turn_ends = self.transport.received_bytes() + BYTES_PER_TURN;
        let mut ticks = Ticks::new(*tick_time.borrow_and_update(), INTERVALS);
        let mut clock = pin!(tokio::time::sleep(ticks.interval()));
        let mut received = 0;
        let mut closing_since = None;
        loop {
            let raw = tokio::select! {
                biased;
                raw = self.transport.turn(&mut self.speech) => raw,
                () = over.closed() => return DownReason::ConnectionClosed,
                () = &mut clock => {
                    // A side that does not take the last words is not waited for.
                    if self.delivery.link.has_ended()
                        && closing_since.get_or_insert_with(Instant::now).elapsed() > CLOSE_TIME_MAX
                    {
                        return DownReason::Disconnected;
                    }
                    let now = self.transport.received_bytes();
                    let heard = std::mem::replace(&mut received, now) != now;
                    let spoke = std::mem::take(&mut self.speech.spoke);
                    let verdict = ticks.tick(heard, spoke);
                    // From now on, not from when it was due: after a stall of this very
                    // process the other side gets its time again.
                    clock.as_mut().reset(Instant::now() + ticks.interval());
                    match verdict {
                        TickVerdict::Nothing => {}
                        TickVerdict::Send => self.delivery.link.control(&Frame::Tick),
                        TickVerdict::Down => return DownReason::NetTickTimeout,
                    }
                    continue;
                }
                Ok(()) = tick_time.changed() => {
                    let time = *tick_time.borrow_and_update();
                    let transition = ticks.time().max(time);
                    ticks.change(time, transition);
                    clock.as_mut().reset(Instant::now() + ticks.interval());
                    continue;
                }
            };
            match raw {
                Ok(Some(raw)) => {
                    let link = Arc::clone(&self.delivery.link);
                    let taken = link.arrive(|is_open| self.message(raw, is_open));
                    self.delivery.run_calls();
                    if let Err(violation) = taken {
                        self.delivery.wake_told();
                        return DownReason::Violation(violation);
                    }
                    // So that what new actors say goes out with the answers to their requests.
                    let made = std::mem::take(&mut self.delivery.made);
                    if made || self.transport.received_bytes() > turn_ends {
                        scheduler::step_back().await;
                        turn_ends = self.transport.received_bytes() + BYTES_PER_TURN;
                    }
                    self.delivery.wake_told();
                }
                // With a farewell, or without.
                Ok(None) => return DownReason::Disconnected,
                Err(TransportError::Closed) => return DownReason::ConnectionClosed,
                Err(TransportError::Violation(text)) => return DownReason::Violation(text),
                Err(error) => {
                    tracing::debug!(%error, "a connection failed");
                    return DownReason::ConnectionClosed;
                }
            }
        }
    }

    /// One frame, and those that came in the same message. Where this side has ended the
    /// connection, only what lets its last words go out counts.
    fn message(&mut self, first: Raw, is_open: bool) -> Result<(), String> {
        let mut next = Some(first);
        for _ in 0..FRAMES_PER_TURN {
            let Some(raw) = next.take() else { break };
            self.frame(&raw, is_open)?;
            next = self.transport.buffered().map_err(|error| error.to_string())?;
        }
        if let Some(raw) = next {
            self.frame(&raw, is_open)?;
        }
        if let Some(bytes) = self.inbound.consumed() {
            self.delivery.link.control(&Frame::SignalCredit { bytes });
        }
        Ok(())
    }

    fn frame(&mut self, raw: &Raw, is_open: bool) -> Result<(), String> {
        let received = self.inbound.received(raw).map_err(|violation| violation.to_string())?;
        match received {
            Some(Received::Frame(Frame::SignalCredit { bytes })) => {
                self.delivery.link.granted(bytes)?;
            }
            Some(Received::Frame(Frame::Tick)) | None => {}
            Some(_) if !is_open => {}
            Some(Received::Item(item)) => self.delivery.item(item)?,
            Some(Received::Frame(Frame::About(_) | Frame::Welcome(_))) => {
                return Err("a second welcome".into());
            }
            Some(Received::Frame(frame)) => {
                let (runtime, served) = (&self.delivery.runtime, &mut self.served);
                let serve = |asked| {
                    while served.try_join_next().is_some() {}
                    served.spawn(ship::serve(Arc::clone(runtime), asked));
                };
                self.exchanges
                    .received(frame, serve)
                    .map_err(|error: TransportError| error.to_string())?;
            }
        }
        Ok(())
    }
}
