//! The node's own record of what its actors wrote, and how they ended.
//!
//! A bounded ring of lines, the oldest dropped first, which `odeon logs` reads and
//! follows. Pieces are put together to lines per actor and channel.

use std::collections::{HashMap, VecDeque};
use std::future::Future;
use std::sync::Arc;

use bytes::Bytes;
use odeon_core::signal::{Channel, IoError};
use odeon_core::{Pid, Reason};
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use tokio::sync::Notify;

use super::device::Device;
use crate::cell::Cell;

/// Lines that are kept.
const LINES_MAX: usize = 10_000;
/// Bytes of the lines that are kept.
const LINES_BYTES_MAX: usize = 8 << 20;
/// The longest line; a longer one is broken.
const LINE_BYTES_MAX: usize = 8 << 10;
/// Actors that may have an unfinished line; beyond, pieces become lines.
const UNFINISHED_MAX: usize = 10_000;

/// One line of the record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// Counts the node's lines.
    pub number: u64,
    /// Milliseconds since 1970-01-01 UTC.
    pub at_ms: u64,
    /// The short id of the actor, on its node.
    pub actor: u64,
    /// The id of its node: actors of other nodes can have their output here.
    pub node: u64,
    /// Where it comes from.
    pub source: Source,
    /// The text, without its end. As the actor wrote it: escape it before showing it.
    pub text: String,
}

/// Where a line comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Source {
    /// The actor's standard output.
    Output,
    /// The actor's standard error.
    Error,
    /// The node, about the actor.
    Node,
}

/// The record. Clones are the same.
#[derive(Clone)]
pub struct Output(Arc<Shared>);

struct Shared {
    ring: Mutex<Ring>,
    grown: Notify,
}

#[derive(Default)]
struct Ring {
    lines: VecDeque<Line>,
    bytes: usize,
    next: u64,
    unfinished: HashMap<(Pid, bool), Vec<u8>>,
}

/// Reads the record from some line on.
pub struct Subscription {
    shared: Arc<Shared>,
    next: u64,
}

impl Output {
    pub(crate) fn new() -> Self {
        Self(Arc::new(Shared { ring: Mutex::default(), grown: Notify::new() }))
    }

    /// Reads from the oldest line that is kept.
    pub fn subscribe(&self) -> Subscription {
        Subscription { shared: Arc::clone(&self.0), next: 0 }
    }

    fn add(&self, actor: Pid, source: Source, text: String) {
        self.0.ring.lock().add(actor, source, text);
        self.0.grown.notify_waiters();
    }

    fn append(&self, actor: Pid, source: Source, bytes: &[u8]) {
        self.0.ring.lock().append(actor, source, bytes);
        self.0.grown.notify_waiters();
    }

    /// Notes the end of an actor, where it was not an ordinary one.
    pub(crate) fn ended(&self, cell: &Cell, reason: &Reason) {
        let actor = cell.pid;
        self.0.ring.lock().finish(actor);
        if matches!(reason, Reason::Normal | Reason::Shutdown) {
            return;
        }
        tracing::debug!(%actor, module = &*cell.about.module, %reason, "actor ended");
        self.add(actor, Source::Node, format!("{} ended: {reason}", cell.about.module));
    }
}

impl Ring {
    fn add(&mut self, actor: Pid, source: Source, mut text: String) {
        text.truncate(text.floor_char_boundary(LINE_BYTES_MAX));
        let since = std::time::SystemTime::now().duration_since(std::time::SystemTime::UNIX_EPOCH);
        let at_ms = since.map_or(0, |since| u64::try_from(since.as_millis()).unwrap_or(0));
        self.bytes += text.len();
        let (number, Pid { node, serial: actor }) = (self.next, actor);
        self.lines.push_back(Line { number, at_ms, actor, node: node.get(), source, text });
        self.next += 1;
        while self.lines.len() > LINES_MAX || self.bytes > LINES_BYTES_MAX {
            let Some(dropped) = self.lines.pop_front() else { break };
            self.bytes -= dropped.text.len();
        }
    }

    fn append(&mut self, actor: Pid, source: Source, bytes: &[u8]) {
        let key = (actor, source == Source::Error);
        let mut line = self.unfinished.remove(&key).unwrap_or_default();
        for mut rest in bytes.split_inclusive(|byte| *byte == b'\n') {
            while !rest.is_empty() {
                let room = LINE_BYTES_MAX - line.len();
                let (fits, more) = rest.split_at(rest.len().min(room));
                line.extend_from_slice(fits);
                rest = more;
                if line.ends_with(b"\n") || line.len() == LINE_BYTES_MAX {
                    let whole = std::mem::take(&mut line);
                    let text = whole.strip_suffix(b"\n").unwrap_or(&whole);
                    self.add(actor, source, String::from_utf8_lossy(text).into_owned());
                }
            }
        }
        if line.is_empty() {
            return;
        }
        if self.unfinished.len() >= UNFINISHED_MAX {
            self.add(actor, source, String::from_utf8_lossy(&line).into_owned());
        } else {
            self.unfinished.insert(key, line);
        }
    }

    /// An actor ended: what it left unfinished is a line as well.
    fn finish(&mut self, actor: Pid) {
        for (error, source) in [(false, Source::Output), (true, Source::Error)] {
            if let Some(line) = self.unfinished.remove(&(actor, error)) {
                self.add(actor, source, String::from_utf8_lossy(&line).into_owned());
            }
        }
    }
}

impl Subscription {
    /// The lines since the last call that are still kept; at most `max`.
    pub fn take(&mut self, max: usize) -> Vec<Line> {
        let ring = self.shared.ring.lock();
        let from = ring.lines.partition_point(|line| line.number < self.next);
        let lines: Vec<_> = ring.lines.iter().skip(from).take(max).cloned().collect();
        self.next = lines.last().map_or(ring.next.min(self.next.max(ring.next)), |l| l.number + 1);
        lines
    }

    /// Waits until there is at least one line, and gives at most `max`.
    pub async fn next(&mut self, max: usize) -> Vec<Line> {
        loop {
            let shared = Arc::clone(&self.shared);
            let grown = shared.grown.notified();
            let lines = self.take(max);
            if !lines.is_empty() {
                return lines;
            }
            grown.await;
        }
    }
}

/// As a device: what is written becomes lines, and there is nothing to read.
impl Device for Output {
    async fn write(&self, from: Pid, channel: Channel, bytes: Bytes) -> Result<(), IoError> {
        let source = match channel {
            Channel::Output => Source::Output,
            Channel::Error => Source::Error,
        };
        self.append(from, source, &bytes);
        Ok(())
    }

    fn read_line(
        &self,
        _prompt: String,
    ) -> impl Future<Output = Result<Option<Bytes>, IoError>> + Send {
        std::future::ready(Ok(None))
    }

    fn read(
        &self,
        _prompt: String,
        _bytes_max: u32,
    ) -> impl Future<Output = Result<Option<Bytes>, IoError>> + Send {
        std::future::ready(Ok(None))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use odeon_core::NodeId;

    fn actor(serial: u64) -> Pid {
        Pid { node: NodeId::from_wire(1), serial }
    }

    fn texts(output: &Output) -> Vec<String> {
        output.subscribe().take(usize::MAX).into_iter().map(|line| line.text).collect()
    }

    #[test]
    fn pieces_of_one_actor_make_lines_that_others_do_not_break() {
        let output = Output::new();
        output.append(actor(1), Source::Output, b"he");
        output.append(actor(2), Source::Output, b"other\n");
        output.append(actor(1), Source::Output, b"llo\nrest");
        assert_eq!(texts(&output), ["other", "hello"]);
        output.0.ring.lock().finish(actor(1));
        assert_eq!(texts(&output), ["other", "hello", "rest"]);
    }

    #[test]
    fn actors_of_other_nodes_are_not_taken_for_those_of_this_one() {
        let output = Output::new();
        let far = Pid { node: NodeId::from_wire(2), serial: 1 };
        output.append(actor(1), Source::Output, b"he");
        output.append(far, Source::Output, b"from afar\n");
        output.append(actor(1), Source::Output, b"llo\n");
        let lines = output.subscribe().take(usize::MAX);
        let lines: Vec<_> =
            lines.iter().map(|line| (line.node, line.actor, line.text.as_str())).collect();
        assert_eq!(lines, [(2, 1, "from afar"), (1, 1, "hello")]);
    }

    #[test]
    fn the_record_is_bounded_in_lines_and_in_bytes() {
        let output = Output::new();
        for _ in 0..LINES_MAX + 5 {
            output.append(actor(1), Source::Output, b"x\n");
        }
        assert_eq!(output.subscribe().take(usize::MAX).len(), LINES_MAX);
        for _ in 0..3 * LINES_BYTES_MAX / LINE_BYTES_MAX {
            output.append(actor(1), Source::Output, &[b'y'; LINE_BYTES_MAX]);
        }
        assert!(output.0.ring.lock().bytes <= LINES_BYTES_MAX);
    }

    #[test]
    fn a_subscription_sees_each_line_once() {
        let output = Output::new();
        let mut subscription = output.subscribe();
        output.append(actor(1), Source::Output, b"a\nb\n");
        assert_eq!(subscription.take(1).len(), 1);
        assert_eq!(subscription.take(10).len(), 1);
        assert!(subscription.take(10).is_empty());
        output.append(actor(1), Source::Output, b"c\n");
        assert_eq!(subscription.take(10)[0].text, "c");
    }
}
