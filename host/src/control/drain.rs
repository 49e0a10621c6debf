//! Knowing when all output has been written.
//!
//! An actor's writes are on their way to its group leader while it goes on, and may
//! still be when it has ended. Whoever shows the end of a program's output (an exit
//! code, a closed terminal) has to wait for them. So a [`Draining`] device takes
//! marks: writes of nothing from a pid that writes nothing else. A device is given
//! its writes in the order in which they came, so a mark that arrives says that all
//! before it have been written.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use odeon_core::signal::{Channel, IoError, IoRequest};
use odeon_core::{Pid, Reference};
use parking_lot::Mutex;
use tokio::sync::oneshot;

use crate::Node;
use crate::io::Device;

/// A mark is made again after this time: a device whose queue is full drops it.
const MARK_AGAIN: Duration = Duration::from_millis(100);

type Marks = Arc<Mutex<BTreeMap<Pid, oneshot::Sender<()>>>>;

/// A device whose writes can be waited for.
pub struct Draining<D> {
    device: D,
    marks: Marks,
}

/// Waits for the writes of a [`Draining`] device.
#[derive(Clone, Debug)]
pub struct Drain {
    marks: Marks,
}

/// Makes the device one whose writes can be waited for.
pub fn draining<D: Device>(device: D) -> (Draining<D>, Drain) {
    let marks = Marks::default();
    (Draining { device, marks: Arc::clone(&marks) }, Drain { marks })
}

impl Drain {
    /// Waits until all that reached the device's leader before has been written.
    /// Takes as long as the device does, and for ever if its leader has ended.
    pub async fn wait(&self, node: &Node, leader: Pid) {
        let mut native = node.native("drain");
        let (marked, mut arrived) = oneshot::channel();
        self.marks.lock().insert(native.pid(), marked);
        let _clean = Forget { marks: &self.marks, pid: native.pid() };
        for serial in 0.. {
            // Nobody else asks under this pid, so the reference only has to differ
            // from the one before.
            let reference = Reference { node: node.id(), serial };
            let mark = IoRequest::PutChars(Channel::Output, Bytes::new());
            native.act(|process, effects| process.ask_io(leader, reference, mark, effects));
            if tokio::time::timeout(MARK_AGAIN, &mut arrived).await.is_ok() {
                return;
            }
        }
    }
}

/// Removes a mark that nobody waits for any more.
struct Forget<'a> {
    marks: &'a Marks,
    pid: Pid,
}

impl Drop for Forget<'_> {
    fn drop(&mut self) {
        self.marks.lock().remove(&self.pid);
    }
}

impl<D: Device> Device for Draining<D> {
    async fn write(&self, from: Pid, channel: Channel, bytes: Bytes) -> Result<(), IoError> {
        if bytes.is_empty() {
            if let Some(marked) = self.marks.lock().remove(&from) {
                let _ = marked.send(());
            }
            return Ok(());
        }
        self.device.write(from, channel, bytes).await
    }

    async fn read_line(&self, prompt: String) -> Result<Option<Bytes>, IoError> {
        self.device.read_line(prompt).await
    }

    async fn read(&self, prompt: String, bytes_max: u32) -> Result<Option<Bytes>, IoError> {
        self.device.read(prompt, bytes_max).await
    }
}
