//! Ctrl-C, for the commands that give it a meaning.

use tokio::signal::unix::{Signal, SignalKind, signal};

use super::exit::Exit;

/// Hears every interrupt from its making on, those too that come while nobody
/// waits for one: a listener made anew for each wait would lose them.
pub(super) struct Interrupts(Signal);

impl Interrupts {
    /// Starts to listen; from now on an interrupt no longer ends the process.
    pub(super) fn listen() -> Result<Self, Exit> {
        let listener = signal(SignalKind::interrupt());
        let failed = |error| Exit::failed(format!("cannot listen for interrupts: {error}"));
        listener.map(Self).map_err(failed)
    }

    /// Waits for the next one.
    pub(super) async fn next(&mut self) {
        // The listener ends only with the runtime.
        if self.0.recv().await.is_none() {
            std::future::pending::<()>().await;
        }
    }
}
