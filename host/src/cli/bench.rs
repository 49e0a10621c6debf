//! `odeon bench`: figures of this build on this machine. The work is the library's.

use super::exit::{Exit, code};

/// Measures this build on this machine.
#[derive(Debug, clap::Args)]
pub(crate) struct Bench {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    /// One node: spawning, messages, memory.
    Local(odeon::bench::Local),
    /// Two connected nodes: messages, spawning, losing one.
    Remote(odeon::bench::Remote),
    /// Each language of guests: size, loading, spawning, memory, messages.
    Languages(odeon::bench::Languages),
}

impl Bench {
    pub(crate) fn run(self) -> Result<u8, Exit> {
        let done = match self.what {
            What::Local(local) => odeon::bench::local(&local),
            What::Remote(remote) => odeon::bench::remote(&remote),
            What::Languages(languages) => odeon::bench::languages(&languages),
        };
        done.map(|()| code::OK).map_err(|error| Exit::because(&error))
    }
}
