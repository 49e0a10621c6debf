//! What waits to be written to one connection of commands.

use std::task::{Context, Poll};

use odeon_core::wire::{Frame, MESSAGE_BYTES_MAX};
use tokio::sync::mpsc;

use crate::net::transport::{Next, Outgoing};

/// Frames that wait to be written to one connection before its owner stops
/// reading from it: a side that does not read cannot make the other hold more.
pub const FRAMES_MAX: usize = 4096;

/// What a connection's task is asked to write.
#[derive(Debug)]
pub enum Out {
    /// This frame.
    Frame(Frame),
    /// Nothing more: write what came before, close, and end.
    Close,
}

/// The end of the queue that the connection's task has.
#[derive(Debug)]
pub struct Queue {
    waiting: mpsc::UnboundedReceiver<Out>,
    /// A frame that did not fit the last message.
    held: Vec<u8>,
    closing: bool,
}

/// A queue, and the end where frames are put in.
pub fn queue() -> (mpsc::UnboundedSender<Out>, Queue) {
    let (sender, waiting) = mpsc::unbounded_channel();
    (sender, Queue { waiting, held: Vec::new(), closing: false })
}

impl Queue {
    /// The next frame, for who puts frames into messages himself. Nothing when no more
    /// will come.
    pub(crate) fn poll_frame(&mut self, cx: &mut Context<'_>) -> Poll<Option<Frame>> {
        match self.waiting.poll_recv(cx) {
            Poll::Ready(Some(Out::Frame(frame))) => Poll::Ready(Some(frame)),
            Poll::Ready(Some(Out::Close) | None) => Poll::Ready(None),
            Poll::Pending => Poll::Pending,
        }
    }
}

impl Outgoing for Queue {
    /// As many frames as one message holds.
    fn poll_next(&mut self, cx: &mut Context<'_>, into: &mut Vec<u8>) -> Poll<Next> {
        let begin = into.len();
        into.append(&mut self.held);
        while !self.closing {
            match self.waiting.poll_recv(cx) {
                Poll::Ready(Some(Out::Frame(frame))) => {
                    let start = into.len();
                    frame.encode(into);
                    if into.len() - begin > MESSAGE_BYTES_MAX && start > begin {
                        self.held = into.split_off(start);
                        break;
                    }
                }
                // Without senders nothing can come any more.
                Poll::Ready(Some(Out::Close) | None) => self.closing = true,
                Poll::Pending if into.len() == begin => return Poll::Pending,
                Poll::Pending => break,
            }
        }
        Poll::Ready(if into.len() == begin { Next::Close } else { Next::Message })
    }

    fn is_crowded(&self) -> bool {
        self.waiting.len() >= FRAMES_MAX
    }
}
