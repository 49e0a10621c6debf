//! Guests that write too much, or what a terminal would obey.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use odeon::io::{self, Device};
use odeon_core::signal::{Channel, IoError};
use odeon_core::{Pid, Reason};
use odeon_test_protocol::{self as protocol, Operation, Value};
use tokio::sync::Semaphore;

use crate::bed::{Bed, resident_bytes, soon, until};
use crate::puppet::Puppet;

fn put(chars: Vec<u8>) -> Operation {
    Operation::PutChars(protocol::Channel::Output, chars)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_output_flood_leaves_a_bounded_record_and_delays_nobody() {
    let bed = Bed::new().await;
    bed.deploy_guest();
    let before = resident_bytes();
    let mut writers = Vec::new();
    // Short lines, long lines, and one line without an end.
    for chars in [b"x\n".to_vec(), [vec![b'y'; 100_000], vec![b'\n']].concat(), vec![b'z'; 5_000]] {
        let mut writer = Puppet::new(&bed.node).await;
        writer.order(Operation::Repeat(u64::MAX, Box::new(put(chars))));
        writers.push(writer);
    }
    bed.calm_during(std::future::pending(), "output flood").await;
    until("the record is full", || {
        let lines = bed.node.output().subscribe().take(usize::MAX);
        let bytes: usize = lines.iter().map(|line| line.text.len()).sum();
        assert!(lines.len() <= 10_000 && bytes <= 8 << 20, "{} lines, {bytes}", lines.len());
        assert!(lines.iter().all(|line| line.text.len() <= 3 * (8 << 10)));
        lines.first().is_some_and(|line| line.number > 0)
    })
    .await;
    for writer in &writers {
        bed.node.exit(writer.pid, Reason::Kill);
        soon(bed.node.ended(writer.pid)).await;
    }
    drop(writers);
    assert!(resident_bytes() < before + (128 << 20), "the flood is not in memory");
    bed.recovers().await;
}

/// A device that writes only when it is let.
struct Slow {
    begun: Arc<AtomicUsize>,
    let_through: Arc<Semaphore>,
}

impl Device for Slow {
    async fn write(&self, _from: Pid, _channel: Channel, _bytes: Bytes) -> Result<(), IoError> {
        self.begun.fetch_add(1, Ordering::SeqCst);
        self.let_through.acquire().await.map_err(|_| IoError::Terminated)?.forget();
        Ok(())
    }

    async fn read_line(&self, _prompt: String) -> Result<Option<Bytes>, IoError> {
        Ok(None)
    }

    async fn read(&self, _prompt: String, _bytes_max: u32) -> Result<Option<Bytes>, IoError> {
        Ok(None)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_that_is_slow_makes_its_writers_wait_and_they_can_be_killed() {
    let bed = Bed::new().await;
    bed.deploy_guest();
    let (begun, let_through) = (Arc::new(AtomicUsize::new(0)), Arc::new(Semaphore::new(0)));
    let device = Slow { begun: Arc::clone(&begun), let_through: Arc::clone(&let_through) };
    let leader = bed.node.lead(device);
    let mut writers = Vec::new();
    for _ in 0..8 {
        let mut writer =
            Puppet::started(&bed.node, |spawn| spawn.group_leader = Some(leader.pid())).await;
        writer.order(Operation::Repeat(100, Box::new(put(vec![b'x'; 1 << 16]))));
        writers.push(writer);
    }
    until("one writes", || begun.load(Ordering::SeqCst) == 1).await;
    bed.calm_during(std::future::pending(), "eight writers of a device that is stuck").await;
    assert_eq!(begun.load(Ordering::SeqCst), 1, "the others wait");
    for writer in writers.drain(1..) {
        bed.node.exit(writer.pid, Reason::Kill);
        soon(bed.node.ended(writer.pid)).await;
    }
    let_through.add_permits(10_000);
    assert_eq!(soon(writers[0].report()).await, Value::Done, "nothing was lost");
    // The dead had one write each under way at most.
    let written = begun.load(Ordering::SeqCst);
    assert!((100..=107).contains(&written), "{written} writes");
    drop((writers, leader));
    bed.recovers().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_longest_piece_of_output_is_kept_in_lines_of_bounded_length() {
    let bed = Bed::new().await;
    bed.deploy_guest();
    let mut writer = Puppet::new(&bed.node).await;
    let value = writer.ask(put(vec![b'x'; 15 << 20])).await;
    assert_eq!(value, Value::Done, "it is written");
    let record = bed.node.output().subscribe().take(usize::MAX);
    assert!(record.len() > 500, "{} lines", record.len());
    let bytes: usize = record.iter().map(|line| line.text.len()).sum();
    assert!(bytes <= 8 << 20, "{bytes} bytes are kept");
    assert!(record.iter().all(|line| line.text.len() <= 8 << 10), "a line is 8 KiB at most");
    bed.recovers().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn control_characters_are_kept_as_written_and_escaped_where_shown() {
    let bed = Bed::new().await;
    bed.deploy_guest();
    let hostile = "\x1b[2J\x1b]0;owned\x07\u{9b}31m\u{202e}abc\r\x08";
    let mut writer = Puppet::new(&bed.node).await;
    writer.ask(put(format!("{hostile}\n").into_bytes())).await;
    writer.order(Operation::Panic(hostile.into()));
    soon(bed.node.ended(writer.pid)).await;
    let ended = |line: &io::Line| line.source == io::Source::Node;
    until("its end is noted", || bed.node.output().subscribe().take(usize::MAX).iter().any(ended))
        .await;
    let record = bed.node.output().subscribe().take(usize::MAX);
    assert!(record.iter().any(|line| line.text == hostile), "{record:?}");
    for line in record {
        let shown = io::escape(&line.text, usize::MAX);
        let obeyed = |it: char| it.is_control() && it != '\n' && it != '\t' || it == '\u{202e}';
        assert!(!shown.contains(obeyed), "{shown:?}");
        assert!(!line.text.contains('\x1b') || shown.contains("\\x1b[2J"), "{shown:?}");
    }
    bed.recovers().await;
}
