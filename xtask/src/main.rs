//! The project's own commands, run as `cargo xtask <command>`.
//!
//! They need nothing but cargo, and set up what else is missing where they can.

mod demo;
mod guests;
mod test;
mod toolchain;

use clap::{Parser, Subcommand};

/// The project's own commands.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Build every guest into target/guests/*.wasm.
    Guests,
    /// Build all that it needs and show a node at work.
    Demo,
    /// Run every check.
    Test,
}

fn main() -> anyhow::Result<()> {
    match Arguments::parse().command {
        Command::Guests => guests::build().map(drop),
        Command::Demo => demo::run(),
        Command::Test => test::run(),
    }
}
