//! Placeholder.
use clap::Parser;
#[derive(Parser)]
enum Cli { #[command(subcommand)] Bench(Bench) }
#[derive(clap::Subcommand)]
enum Bench { Local(odeon::bench::Local) }
fn main() -> anyhow::Result<()> { let Cli::Bench(Bench::Local(l)) = Cli::parse(); odeon::bench::local(&l) }
