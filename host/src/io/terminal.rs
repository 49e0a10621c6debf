//! This process's own standard streams as a group leader's device.

use std::io::IsTerminal;

use bytes::Bytes;
use odeon_core::Pid;
use odeon_core::signal::{Channel, IoError};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader, Stdin};
use tokio::sync::Mutex;

use super::device::Device;
use super::escape;

/// The standard streams of this process. What goes to a screen has its control
/// characters shown, because guests are not trusted with the terminal; what goes to
/// a file or a pipe is passed on as it is.
pub struct Terminal {
    input: Mutex<BufReader<Stdin>>,
    screen: bool,
    error_screen: bool,
    raw: bool,
}

/// The longest line that is read whole; a longer one comes in pieces.
const LINE_BYTES_MAX: u64 = 1 << 20;

impl Terminal {
    /// The standard streams; with `raw`, control characters reach the screen.
    pub fn new(raw: bool) -> Self {
        Self {
            input: Mutex::new(BufReader::new(tokio::io::stdin())),
            screen: std::io::stdout().is_terminal(),
            error_screen: std::io::stderr().is_terminal(),
            raw,
        }
    }

    async fn prompt(&self, prompt: &str) -> Result<(), IoError> {
        if prompt.is_empty() {
            return Ok(());
        }
        put(tokio::io::stdout(), escape(prompt, prompt.len()).as_bytes()).await
    }
}

impl Device for Terminal {
    async fn write(&self, _from: Pid, channel: Channel, bytes: Bytes) -> Result<(), IoError> {
        let screen = match channel {
            Channel::Output => self.screen,
            Channel::Error => self.error_screen,
        };
        let bytes = if screen && !self.raw {
            let text = String::from_utf8_lossy(&bytes);
            Bytes::from(escape(&text, text.len()))
        } else {
            bytes
        };
        match channel {
            Channel::Output => put(tokio::io::stdout(), &bytes).await,
            Channel::Error => put(tokio::io::stderr(), &bytes).await,
        }
    }

    async fn read_line(&self, prompt: String) -> Result<Option<Bytes>, IoError> {
        self.prompt(&prompt).await?;
        let mut line = Vec::new();
        let mut input = self.input.lock().await;
        let mut limited = (&mut *input).take(LINE_BYTES_MAX);
        let read = limited.read_until(b'\n', &mut line).await.map_err(failed)?;
        Ok((read > 0).then(|| line.into()))
    }

    async fn read(&self, prompt: String, bytes_max: u32) -> Result<Option<Bytes>, IoError> {
        self.prompt(&prompt).await?;
        let mut input = self.input.lock().await;
        let available = input.fill_buf().await.map_err(failed)?;
        let count = available.len().min(bytes_max as usize);
        let bytes = Bytes::copy_from_slice(&available[..count]);
        input.consume(count);
        Ok((count > 0).then_some(bytes))
    }
}

async fn put(mut to: impl AsyncWriteExt + Unpin, bytes: &[u8]) -> Result<(), IoError> {
    to.write_all(bytes).await.map_err(failed)?;
    to.flush().await.map_err(failed)
}

fn failed(error: std::io::Error) -> IoError {
    IoError::Other(error.to_string())
}
