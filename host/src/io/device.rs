//! A group leader on the host's side: a device behind a pid.

use std::collections::VecDeque;
use std::future::Future;
use std::sync::Arc;

use bytes::Bytes;
use odeon_core::process::{Event, Filter};
use odeon_core::signal::{Channel, IoError, IoReply, IoRequest, Signal};
use odeon_core::{Envelope, Pid, Reason, Reference};
use tokio::sync::{mpsc, oneshot};

use crate::native::Native;
use crate::runtime::Runtime;

/// Something that can be written to and read from, such as a terminal.
///
/// Writes come one at a time and reads come one at a time, but a write can come
/// while a read waits.
pub trait Device: Send + Sync + 'static {
    /// Writes all of it.
    fn write(
        &self,
        from: Pid,
        channel: Channel,
        bytes: Bytes,
    ) -> impl Future<Output = Result<(), IoError>> + Send;

    /// Reads a line, its end included; `None` at the end of the input.
    fn read_line(
        &self,
        prompt: String,
    ) -> impl Future<Output = Result<Option<Bytes>, IoError>> + Send;

    /// Reads some bytes, at least one; `None` at the end of the input.
    fn read(
        &self,
        prompt: String,
        bytes_max: u32,
    ) -> impl Future<Output = Result<Option<Bytes>, IoError>> + Send;
}

/// A device at work. It ends as a group leader when this is dropped.
pub struct Leader {
    pid: Pid,
    stop: Option<oneshot::Sender<()>>,
}

impl Leader {
    /// The pid to give to actors as their group leader.
    pub fn pid(&self) -> Pid {
        self.pid
    }
}

impl Drop for Leader {
    fn drop(&mut self) {
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
        }
    }
}

/// Requests that wait for the device; each actor that asks has to wait for its
/// answer, so this fills only when very many actors ask at once.
const QUEUE_MAX: usize = 1024;

type Asked = (Pid, Reference, IoRequest);

/// Puts a device to work as a group leader.
pub(crate) fn lead(runtime: &Arc<Runtime>, device: impl Device) -> Leader {
    let mut native = Native::new(runtime, "device");
    // A guest that is linked with its group leader and fails must not take the
    // output of all others with it.
    native.act(|process, _| process.trap_exit(true));
    let (pid, device) = (native.pid(), Arc::new(device));
    let (stop, stopped) = oneshot::channel();
    tokio::spawn(serve(native, device, stopped));
    Leader { pid, stop: Some(stop) }
}

async fn serve(mut native: Native, device: Arc<impl Device>, mut stopped: oneshot::Receiver<()>) {
    let (writes, write_queue) = mpsc::channel(QUEUE_MAX);
    let (reads, read_queue) = mpsc::channel(QUEUE_MAX);
    let (answers, mut answered) = mpsc::channel(QUEUE_MAX);
    let writer = tokio::spawn(work(Arc::clone(&device), write_queue, answers.clone()));
    let reader = tokio::spawn(work(device, read_queue, answers));
    let mut backlog: VecDeque<Asked> = VecDeque::new();
    loop {
        tokio::select! {
            biased;
            _ = &mut stopped => break,
            Some((to, reply_as, reply)) = answered.recv() => answer(&native, to, reply_as, reply),
            event = native.receive(Filter::Any), if backlog.is_empty() => match event {
                Some(Event::IoRequest { sender, reply_as, request }) => {
                    backlog.push_back((sender, reply_as, request));
                }
                Some(_) => {}
                None => break,
            },
        }
        while let Some(asked) = backlog.pop_front() {
            let queue = match &asked.2 {
                IoRequest::PutChars(..) => &writes,
                IoRequest::GetLine(_) | IoRequest::GetChars(..) => &reads,
                IoRequest::GetOptions => {
                    answer(&native, asked.0, asked.1, IoReply::Options(Vec::new()));
                    continue;
                }
                IoRequest::SetOptions(_) => {
                    let refusal = IoReply::Failed(IoError::NotSupported);
                    answer(&native, asked.0, asked.1, refusal);
                    continue;
                }
            };
            if let Err(mpsc::error::TrySendError::Full((to, reply_as, _))) = queue.try_send(asked) {
                let refusal = IoError::Other("too many requests wait for this device".into());
                answer(&native, to, reply_as, IoReply::Failed(refusal));
            }
        }
    }
    writer.abort();
    reader.abort();
    native.end(Reason::Normal);
}

fn answer(native: &Native, to: Pid, reply_as: Reference, reply: IoReply) {
    let from = native.pid();
    native.route(Envelope { from, to, signal: Signal::IoReply { reply_as, reply } });
}

/// Carries out requests one after the other.
async fn work(
    device: Arc<impl Device>,
    mut queue: mpsc::Receiver<Asked>,
    answers: mpsc::Sender<(Pid, Reference, IoReply)>,
) {
    while let Some((from, reply_as, request)) = queue.recv().await {
        let read = |read: Result<Option<Bytes>, IoError>| match read {
            Ok(Some(bytes)) => IoReply::Data(bytes),
            Ok(None) => IoReply::Eof,
            Err(error) => IoReply::Failed(error),
        };
        let reply = match request {
            IoRequest::PutChars(channel, bytes) => match device.write(from, channel, bytes).await {
                Ok(()) => IoReply::Done,
                Err(error) => IoReply::Failed(error),
            },
            IoRequest::GetLine(prompt) => read(device.read_line(prompt).await),
            IoRequest::GetChars(prompt, bytes_max) => read(device.read(prompt, bytes_max).await),
            IoRequest::GetOptions | IoRequest::SetOptions(_) => IoReply::Failed(IoError::Request),
        };
        if answers.send((from, reply_as, reply)).await.is_err() {
            return;
        }
    }
}
