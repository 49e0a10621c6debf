//! Nodes that are processes, with a home of their own.

use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Output, Stdio};

use anyhow::{Context as _, ensure};
use odeon_tests::cluster::COOKIE;
use odeon_tests::cluster::net::Host;

/// A user's home, and where the user's nodes find each other.
pub(crate) struct Home {
    dir: tempfile::TempDir,
}

/// How a node is started.
#[derive(Default)]
pub(crate) struct How<'a> {
    /// Besides its name and its place.
    pub(crate) flags: &'a [&'a str],
    /// On which host of a network.
    pub(crate) host: Option<&'a Host>,
    /// Another program that runs it, with arguments.
    pub(crate) under: &'a [&'a str],
}

/// A node; killed when this goes.
pub(crate) struct Process {
    pub(crate) name: String,
    pub(crate) port: u16,
    child: Child,
    output: BufReader<ChildStdout>,
    log: PathBuf,
}

/// The program, which the build puts beside the directory of the examples.
fn program() -> anyhow::Result<PathBuf> {
    let this = std::env::current_exe()?;
    let path = this.ancestors().nth(2).context("target/PROFILE/examples/endure")?.join("odeon");
    ensure!(
        path.is_file(),
        "{}: `cargo build --profile gate --workspace` builds it",
        path.display()
    );
    Ok(path)
}

impl Home {
    pub(crate) fn new() -> anyhow::Result<Self> {
        Ok(Self { dir: tempfile::tempdir()? })
    }

    fn set(&self, command: &mut Command) -> anyhow::Result<()> {
        let home = self.dir.path();
        command
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", home)
            .env("ODEON_HOME", home)
            .env("XDG_RUNTIME_DIR", home)
            .env("ODEON_COOKIE", std::str::from_utf8(COOKIE)?)
            .env("ODEON_LOG", "info")
            .current_dir(home);
        Ok(())
    }

    /// Runs a command to its end.
    pub(crate) fn run(&self, arguments: &[&str], host: Option<&Host>) -> anyhow::Result<Output> {
        let mut command = Command::new(program()?);
        command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        self.set(&mut command)?;
        Ok(spawn(command, host)?.wait_with_output()?)
    }

    /// Starts a node, and does not wait for it.
    pub(crate) fn begin(&self, name: &str, how: &How<'_>) -> anyhow::Result<Process> {
        let log = self.dir.path().join(format!("{name}.log"));
        let mut command = match how.under {
            [] => Command::new(program()?),
            [first, rest @ ..] => {
                let mut command = Command::new(first);
                command.args(rest).arg(program()?);
                command
            }
        };
        let data = self.dir.path().join(format!("data-{name}"));
        let listen = if how.host.is_some() { "0.0.0.0:0" } else { "0" };
        command
            .args(["node", "--name", name, "--listen", listen, "--data-dir"])
            .arg(data)
            .args(how.flags)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(File::create(&log)?);
        self.set(&mut command)?;
        let mut child = spawn(command, how.host)?;
        let output = BufReader::new(child.stdout.take().context("it was asked for")?);
        Ok(Process { name: name.to_owned(), port: 0, child, output, log })
    }

    /// Starts a node, and waits until it is ready.
    pub(crate) fn start(&self, name: &str, how: &How<'_>) -> anyhow::Result<Process> {
        let mut process = self.begin(name, how)?;
        process.ready()?;
        Ok(process)
    }
}

/// Starts a program on a host.
fn spawn(mut command: Command, host: Option<&Host>) -> anyhow::Result<Child> {
    let Some(host) = host else { return Ok(command.spawn()?) };
    // A thread's children are where the thread is.
    std::thread::scope(|scope| {
        let thread = scope.spawn(|| {
            host.enter();
            command.spawn()
        });
        Ok(thread.join().ok().context("the host cannot be entered")??)
    })
}

impl Process {
    /// Waits until it is ready.
    pub(crate) fn ready(&mut self) -> anyhow::Result<()> {
        let mut line = String::new();
        self.output.read_line(&mut line)?;
        let log = || std::fs::read_to_string(&self.log).unwrap_or_default();
        ensure!(line.contains(" ready on "), "{}: {line}{}", self.name, log());
        let (_, port) = line.trim_end().rsplit_once(':').context("an address")?;
        self.port = port.parse()?;
        Ok(())
    }

    /// Whom to connect with.
    pub(crate) fn target(&self) -> String {
        format!("{}:{}", self.name, self.port)
    }

    /// The lines of its log about connections that it lost.
    pub(crate) fn losses(&self) -> anyhow::Result<Vec<String>> {
        let log = std::fs::read_to_string(&self.log)?;
        Ok(log.lines().filter(|line| line.contains("connection lost")).map(str::to_owned).collect())
    }

    /// Bytes of memory that it holds.
    pub(crate) fn resident_bytes(&self) -> anyhow::Result<u64> {
        let text = std::fs::read_to_string(self.proc("statm"))?;
        let pages: u64 = text.split(' ').nth(1).context("two fields")?.parse()?;
        Ok(pages * 4096)
    }

    /// Files and sockets that it has open.
    pub(crate) fn descriptors(&self) -> anyhow::Result<usize> {
        Ok(std::fs::read_dir(self.proc("fd"))?.count())
    }

    /// How many it may have open.
    pub(crate) fn descriptors_max(&self) -> anyhow::Result<String> {
        let text = std::fs::read_to_string(self.proc("limits"))?;
        let line = text.lines().find(|line| line.starts_with("Max open files"));
        let fields = line.context("a line about it")?.split_whitespace().skip(3).take(2);
        Ok(fields.collect::<Vec<_>>().join(" to "))
    }

    fn proc(&self, file: &str) -> PathBuf {
        Path::new("/proc").join(self.child.id().to_string()).join(file)
    }

    /// Ends it without a chance to say anything.
    pub(crate) fn kill(&mut self) {
        // Ended already, in the bad case.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}
