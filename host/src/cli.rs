//! The command line: words into requests, answers into text.
//!
//! Each command is a file of its arguments and its work. `run`, `call FILE` and
//! `inspect` work in this process; the others that concern a node reach it through
//! `odeon::control`. Must not know how nodes work.

mod actors;
mod bench;
mod bring;
mod build;
mod call;
mod cluster;
mod connections;
mod dev;
mod doctor;
mod encoding;
mod engine;
mod exit;
mod here;
mod inspect;
mod interrupt;
mod language;
mod locks;
mod logs;
mod modules;
mod names;
mod new;
mod node;
mod nodes;
mod output;
mod progress;
mod remote;
mod rights;
mod rpc;
mod run;
mod spawn;

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{CommandFactory as _, Parser, Subcommand};
use odeon::config::File;

use exit::{Exit, code};

/// Run sandboxed WebAssembly actors.
#[derive(Debug, Parser)]
#[command(name = "odeon", version, max_term_width = 100, after_help = AFTER_HELP)]
struct Cli {
    #[command(flatten)]
    common: Common,
    #[command(subcommand)]
    command: Command,
}

const AFTER_HELP: &str = "\
Exit codes:
  0    done
  1    failed
  2    wrong usage or a bad argument
  3    no node is running
  4    no such actor, module, function or file
  5    refused: a wrong cookie, a limit, not allowed
  6    the toolchain of a language is not installed, or not of the right version
  70   the actor trapped or went over a limit
  71   the actor ended with another reason
  130  interrupted
`run`, `spawn --attach`: the program's own code, where it ends with one.

Settings: flag over ODEON_* variable over odeon.toml (found upwards from the
working directory) over default. ODEON_LOG sets the log, as in ODEON_LOG=debug.";

/// What concerns every command.
#[derive(Clone, Debug, clap::Args)]
struct Common {
    /// The node to talk to, as `name` or `name@host`; else odeon.toml's, else the
    /// only one that runs.
    #[arg(long, global = true, env = "ODEON_NODE", value_name = "NAME")]
    node: Option<String>,
    /// The node to talk to wherever it is, as `name@host` or `name@host:port`; a name
    /// alone gets this machine's host. Wins over --node.
    #[arg(long, global = true, value_name = "NODE")]
    on: Option<String>,
    /// The configuration file, instead of the nearest odeon.toml.
    #[arg(long, global = true, env = "ODEON_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
}

impl Common {
    fn file(&self) -> Result<File, Exit> {
        let here = std::env::current_dir()
            .map_err(|error| Exit::failed(format!("no working directory: {error}")))?;
        Ok(File::load(self.config.as_deref(), &here)?)
    }
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run a module in this terminal, without a node or with --on another machine's.
    Run(run::Run),
    /// Run a node until it is interrupted.
    Node(node::Args),
    /// End a running node in an orderly way.
    Stop,
    /// List this machine's nodes and those that the node knows.
    Nodes(nodes::Nodes),
    /// Connect the node to another one.
    Connect(cluster::Connect),
    /// End the node's connection to another one.
    Disconnect(cluster::Disconnect),
    /// Measure how long another node takes to answer the node.
    Ping(cluster::Ping),
    /// Change what the node is among others.
    Cluster(cluster::Cluster),
    /// Give a module to the node.
    Deploy(modules::Deploy),
    /// List the node's modules.
    Modules(modules::Modules),
    /// Take a module from the node.
    Remove(modules::Remove),
    /// Make an actor on the node.
    Spawn(spawn::Spawn),
    /// Call a function of a file or of a deployed module.
    Call(call::Call),
    /// Call a function on another node, or on all.
    Rpc(rpc::Rpc),
    /// List the cluster names that the node knows, or say who has one.
    Names(names::Names),
    /// List the cluster locks that are set at the node.
    Locks(locks::Locks),
    /// Show groups of actors and their members.
    Groups(names::Groups),
    /// List the node's actors.
    Ps(actors::Ps),
    /// Show an actor's links, monitors and group leader.
    Info(actors::Info),
    /// Send an exit signal to an actor.
    Kill(actors::Kill),
    /// Send a message to an actor.
    Send(actors::Send),
    /// Show what actors without a terminal wrote.
    Logs(logs::Logs),
    /// Show what a file needs and offers.
    Inspect(inspect::Inspect),
    /// Make a new actor project, in one of the languages with an SDK.
    New(new::New),
    /// Build the actor project in a directory.
    Build(build::Build),
    /// Build and run the actor project in a directory again whenever a source changes.
    Dev(dev::Dev),
    /// Measure this build on this machine.
    Bench(bench::Bench),
    /// Check whether this machine is set up well.
    Doctor(doctor::Doctor),
    /// Print the completion script of a shell.
    Completion {
        /// The shell.
        shell: clap_complete::Shell,
    },
}

impl Command {
    /// Whether it talks to a running node, or may.
    fn concerns_a_node(&self) -> bool {
        match self {
            Self::Node(_)
            | Self::Inspect(_)
            | Self::New(_)
            | Self::Build(_)
            | Self::Dev(_)
            | Self::Bench(_)
            | Self::Doctor(_)
            | Self::Completion { .. } => false,
            Self::Run(_)
            | Self::Stop
            | Self::Nodes(_)
            | Self::Connect(_)
            | Self::Disconnect(_)
            | Self::Ping(_)
            | Self::Cluster(_)
            | Self::Deploy(_)
            | Self::Modules(_)
            | Self::Remove(_)
            | Self::Spawn(_)
            | Self::Call(_)
            | Self::Rpc(_)
            | Self::Names(_)
            | Self::Locks(_)
            | Self::Groups(_)
            | Self::Ps(_)
            | Self::Info(_)
            | Self::Kill(_)
            | Self::Send(_)
            | Self::Logs(_) => true,
        }
    }
}

/// Runs the program and gives its exit code.
pub(crate) fn main() -> u8 {
    let cli = match parse(std::env::args_os()) {
        Ok(cli) => cli,
        Err(error) => {
            // Fails where nobody reads, which is nobody's fault.
            let _ = error.print();
            return if error.use_stderr() { code::USAGE } else { code::OK };
        }
    };
    trace(matches!(cli.command, Command::Node(_)));
    match dispatch(cli) {
        Ok(code) => code,
        Err(exit) => exit.report(),
    }
}

fn parse(arguments: impl IntoIterator<Item = OsString>) -> Result<Cli, clap::Error> {
    Cli::try_parse_from(arguments)
}

/// The log goes to the standard error. A node says what its operator should know;
/// the other commands only what they were asked for.
fn trace(node: bool) {
    use std::io::IsTerminal as _;
    let default = if node { "warn,odeon=info" } else { "error" };
    let filter = std::env::var("ODEON_LOG").unwrap_or_else(|_| default.to_owned());
    tracing_subscriber::fmt()
        .with_env_filter(tracing_subscriber::EnvFilter::new(filter))
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none())
        .init();
}

fn dispatch(cli: Cli) -> Result<u8, Exit> {
    let Cli { common, command } = cli;
    if common.on.is_some() && !command.concerns_a_node() {
        return Err(Exit::new(code::USAGE, "--on: this command concerns no running node"));
    }
    match command {
        // These wait for nothing.
        Command::Inspect(inspect) => inspect.run(),
        Command::New(new) => new.run(),
        Command::Build(build) => build.run(),
        Command::Bench(bench) => bench.run(),
        Command::Doctor(doctor) => doctor.run(&common),
        Command::Completion { shell } => complete(shell),
        command => {
            let runtime = tokio::runtime::Builder::new_multi_thread()
                .enable_all()
                .build()
                .map_err(|error| Exit::failed(format!("cannot start: {error}")))?;
            let done = runtime.block_on(dispatch_async(&common, command));
            // Does not wait for a read of the standard input that is under way.
            runtime.shutdown_background();
            done
        }
    }
}

async fn dispatch_async(common: &Common, command: Command) -> Result<u8, Exit> {
    match command {
        Command::Run(run) => run.run(common).await,
        Command::Dev(dev) => dev.run().await,
        Command::Node(node) => node.run(common).await,
        Command::Stop => node::stop(common).await,
        Command::Nodes(nodes) => nodes.run(common).await,
        Command::Connect(connect) => connect.run(common).await,
        Command::Disconnect(disconnect) => disconnect.run(common).await,
        Command::Ping(ping) => ping.run(common).await,
        Command::Cluster(cluster) => cluster.run(common).await,
        Command::Deploy(deploy) => deploy.run(common).await,
        Command::Modules(modules) => modules.run(common).await,
        Command::Remove(remove) => remove.run(common).await,
        Command::Spawn(spawn) => spawn.run(common).await,
        Command::Call(call) => call.run(common).await,
        Command::Rpc(rpc) => rpc.run(common).await,
        Command::Names(names) => names.run(common).await,
        Command::Locks(locks) => locks.run(common).await,
        Command::Groups(groups) => groups.run(common).await,
        Command::Ps(ps) => ps.run(common).await,
        Command::Info(info) => info.run(common).await,
        Command::Kill(kill) => kill.run(common).await,
        Command::Send(send) => send.run(common).await,
        Command::Logs(logs) => logs.run(common).await,
        Command::Inspect(_)
        | Command::New(_)
        | Command::Build(_)
        | Command::Bench(_)
        | Command::Doctor(_)
        | Command::Completion { .. } => unreachable!("run without a runtime"),
    }
}

fn complete(shell: clap_complete::Shell) -> Result<u8, Exit> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "odeon", &mut script);
    output::bytes(&script)?;
    Ok(code::OK)
}

#[cfg(test)]
#[path = "cli/cli_test.rs"]
mod tests;
