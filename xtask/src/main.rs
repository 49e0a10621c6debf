//! The project's own commands, run as `cargo xtask <command>`.
//!
//! They need nothing but cargo, and set up what else is missing where they can.

mod demo;
mod guests;
mod languages;
mod purity;
mod test;
mod toolchain;

use clap::{Parser, Subcommand};
use std::process::ExitCode;

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
    /// Run every check. The last line says how many tests passed.
    Test {
        /// Only the checks that take seconds: format, the core, the SDK.
        #[arg(long)]
        quick: bool,
        /// Begin with the check of this name.
        #[arg(long, value_name = "NAME")]
        from: Option<String>,
    },
}

fn main() -> ExitCode {
    let done = match Arguments::parse().command {
        Command::Guests => guests::build().map(drop),
        Command::Demo => demo::run(),
        Command::Test { quick, from } => test::run(quick, from.as_deref()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
