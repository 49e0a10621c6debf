//! An actor whose group leader is a client's terminal.
//!
//! The terminal becomes a device of the node: what actors write to it goes into
//! the exchange's stream, within its credit, so a terminal that does not read
//! makes them wait; what they read is asked for and comes back.
//!
//! When the terminal goes away, its group leader ends, so that I/O of every actor
//! that had it gives `terminated`, and the actor that was made for it gets the
//! exit signal `shutdown`. One that traps exits may go on, as a program may that
//! ignores the hang-up of its terminal.

use std::sync::Arc;

use bytes::Bytes;
use odeon_core::signal::{Channel, IoError};
use odeon_core::wire::Outcome;
use odeon_core::{Pid, Reason};
use parking_lot::Mutex;
use tokio::sync::oneshot;

use super::convert;
use crate::Node;
use crate::control::api::{self, FromTerminal, ToTerminal};
use crate::control::client::{decode, encode};
use crate::control::drain::draining;
use crate::control::mux::{Event, Exchange, Sender};
use crate::io::Device;

/// Written pieces are at most this long, in bytes.
const PIECE_BYTES_MAX: usize = 16 << 10;

/// The longest line or piece that a terminal may answer with, in bytes.
const READ_BYTES_MAX: usize = 2 << 20;

type Read = Result<Option<Bytes>, IoError>;

/// Makes the actor and serves its terminal until either ends.
pub(super) async fn serve(node: &Node, spawn: api::Spawn, mut exchange: Exchange) {
    let pending = Arc::new(Mutex::new(Pending::default()));
    let device = Remote { sender: exchange.sender(), pending: Arc::clone(&pending) };
    let (device, drain) = draining(device);
    let leader = node.lead(device);
    let spawn = crate::Spawn { group_leader: Some(leader.pid()), ..convert::spawn(spawn) };
    let (pid, ended) = match node.spawn_watched(spawn).await {
        Ok(spawned) => spawned,
        Err(error) => return super::fail(exchange, convert::spawn_failure(error)),
    };
    let mut hang_up = HangUp { node, pid, armed: true };
    let spawned = encode(&ToTerminal::Spawned(convert::spawned(pid)));
    if exchange.send_piece(spawned).await.is_err() {
        return;
    }
    let mut ended = std::pin::pin!(ended.wait());
    let mut interrupts = 0;
    let reason = loop {
        let event = tokio::select! {
            reason = &mut ended => {
                hang_up.armed = false;
                break reason;
            }
            event = exchange.next() => event,
        };
        match event {
            Some(Event::Data(piece)) => match decode(&piece) {
                Ok(FromTerminal::Interrupt) => {
                    let again = interrupts > 0;
                    interrupts += 1;
                    node.exit(pid, if again { Reason::Kill } else { Reason::Shutdown });
                }
                Ok(answer) => pending.lock().answered(answer),
                Err(_) => return,
            },
            // The terminal has no more to say; it still shows what comes.
            Some(Event::End) => {}
            Some(Event::Cancelled | Event::Reply(..)) | None => return,
        }
    };
    tokio::select! {
        () = drain.wait(node, leader.pid()) => {}
        () = super::cancelled(&mut exchange) => return,
    }
    exchange.reply(Outcome::Done, encode(&convert::ending(&reason)));
}

/// Tells the actor when its terminal has gone, in whatever way.
struct HangUp<'a> {
    node: &'a Node,
    pid: Pid,
    armed: bool,
}

impl Drop for HangUp<'_> {
    fn drop(&mut self) {
        if self.armed {
            self.node.exit(self.pid, Reason::Shutdown);
        }
    }
}

/// The read that the terminal was asked for.
#[derive(Default)]
struct Pending {
    read: Option<oneshot::Sender<Read>>,
    parts: Vec<u8>,
}

impl Pending {
    fn answered(&mut self, answer: FromTerminal) {
        let read = match answer {
            FromTerminal::Part(bytes) | FromTerminal::Data(bytes)
                if self.parts.len() + bytes.len() > READ_BYTES_MAX =>
            {
                Err(IoError::Other("the terminal sent too much at one time".to_owned()))
            }
            FromTerminal::Part(bytes) => {
                self.parts.extend_from_slice(&bytes);
                return;
            }
            FromTerminal::Data(bytes) => {
                self.parts.extend_from_slice(&bytes);
                Ok(Some(Bytes::from(std::mem::take(&mut self.parts))))
            }
            FromTerminal::Eof => Ok(None),
            FromTerminal::Failed(text) => Err(IoError::Other(text)),
            FromTerminal::Interrupt => return,
        };
        self.parts.clear();
        // Nobody waits if the reader has died meanwhile: what was typed is lost,
        // as it is with a terminal.
        if let Some(reader) = self.read.take() {
            let _ = reader.send(read);
        }
    }
}

/// The client's terminal as a device.
struct Remote {
    sender: Sender,
    pending: Arc<Mutex<Pending>>,
}

impl Remote {
    async fn ask(&self, question: ToTerminal) -> Read {
        let (reader, read) = oneshot::channel();
        self.pending.lock().read = Some(reader);
        let asked = self.sender.send_piece(encode(&question)).await;
        asked.map_err(|_| IoError::Terminated)?;
        read.await.unwrap_or(Err(IoError::Terminated))
    }
}

impl Device for Remote {
    async fn write(&self, _from: Pid, channel: Channel, bytes: Bytes) -> Result<(), IoError> {
        for piece in bytes.chunks(PIECE_BYTES_MAX) {
            let piece = match channel {
                Channel::Output => ToTerminal::Output(piece.to_vec()),
                Channel::Error => ToTerminal::Error(piece.to_vec()),
            };
            let sent = self.sender.send_piece(encode(&piece)).await;
            sent.map_err(|_| IoError::Terminated)?;
        }
        Ok(())
    }

    async fn read_line(&self, prompt: String) -> Read {
        self.ask(ToTerminal::GetLine(short(prompt))).await
    }

    async fn read(&self, prompt: String, bytes_max: u32) -> Read {
        self.ask(ToTerminal::GetChars(short(prompt), bytes_max)).await
    }
}

/// A prompt that fits a frame.
fn short(mut prompt: String) -> String {
    prompt.truncate(prompt.floor_char_boundary(PIECE_BYTES_MAX));
    prompt
}
