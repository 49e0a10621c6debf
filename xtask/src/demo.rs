//! `cargo xtask demo`: a node at work, then three, from nothing.
//!
//! Every line behind a `$` is a command that was just run, and what follows is what
//! it printed. Each is checked against what is expected of it, so the demonstration
//! fails where it would mislead. It has a home of its own, which it removes.

use crate::guests;
use anyhow::{Context, bail, ensure};
use std::collections::BTreeMap;
use std::fs::{self, DirBuilder};
use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// How long something that must come may take.
const PATIENCE: Duration = Duration::from_secs(30);
/// How often it is looked for.
const LOOK: Duration = Duration::from_millis(50);

/// Builds all that it needs, and shows nodes at work.
///
/// # Errors
/// Something does not build, or does not do what it is shown for.
pub(crate) fn run() -> anyhow::Result<()> {
    let root = guests::root();
    guests::build()?;
    build_host(&root)?;
    let mut stage = Stage::open(root)?;
    let shown = show_node(&mut stage).and_then(|()| show_cluster(&mut stage));
    let closed = stage.close();
    shown?;
    closed?;
    println!(
        "\nThose were nodes with their actors. README.md and docs/cluster.md show how to go on."
    );
    Ok(())
}

fn build_host(root: &Path) -> anyhow::Result<()> {
    let cargo = std::env::var_os("CARGO").map_or_else(|| PathBuf::from("cargo"), PathBuf::from);
    let status = Command::new(cargo)
        .args(["build", "--profile", "gate", "--workspace"])
        .current_dir(root)
        .status()
        .context("cannot run cargo")?;
    ensure!(status.success(), "the host does not build: cargo ended with {status}");
    Ok(())
}

/// One node and its actors.
fn show_node(stage: &mut Stage) -> anyhow::Result<()> {
    say("An unmodified program, run as an actor of this terminal: stdin, stdout, exit code.");
    stage.see("printf 'one two\\nthree\\n' | odeon run target/guests/wordcount.wasm", "2 3 14")?;
    say("Any exported function of any component, called from the shell.");
    stage.see("odeon call examples/calc/calc.wat 'add(20, 22)'", "42")?;

    say("A node. It listens on this machine only; commands prove that they know its cookie.");
    stage.start_node("a@localhost", "")?;
    stage.see("odeon deploy target/guests/counter.wasm", "counter is")?;
    stage.see("odeon deploy target/guests/supervised.wasm", "supervised is")?;
    stage.see("odeon deploy target/guests/wordcount.wasm", "wordcount is")?;
    stage.see("odeon deploy examples/calc/calc.wat", "calc is")?;
    stage.see("odeon modules", "supervised")?;

    say("An actor written with the SDK: a server, its client, and a server that fails.");
    stage.see("odeon spawn counter main", "")?;
    stage.await_output("odeon logs", &["the counter says 42", "divide by zero"])?;

    say("A server that stays, under a name.");
    let till = stage.see("odeon spawn counter counter 0 --name till", "")?;
    stage.await_output("odeon ps", &["till"])?;

    say("A supervisor whose worker crashes, is started again, and crashes too often.");
    stage.see("odeon spawn supervised main --name boss", "")?;
    let crashed = |text: &str| text.matches("supervised ended").count() == 4;
    stage.until("odeon logs", crashed).context("expected the worker to crash four times")?;
    say("That was once too often: the supervisor has ended, and its other child with it.");
    stage.await_absence("odeon ps", "boss")?;

    say("The program from above, now an actor of the node, with this terminal attached.");
    stage.see("printf 'to be or not to be' | odeon spawn wordcount --attach -- -w", "6")?;
    say("The function from above, in an instance on the node; and one that traps.");
    stage.see("odeon call calc 'add(1, 2)'", "3")?;
    stage.see_failure("odeon call calc 'divide(1, 0)'", 70, "integer divide by zero")?;

    say("Actors can be ended, and asked about.");
    stage.see("odeon kill till", "")?;
    stage.await_output(&format!("odeon logs {}", till.trim()), &["counter ended: killed"])?;
    stage.await_absence("odeon ps", "till")
}

/// Three nodes, and actors that hear of each other's end.
fn show_cluster(stage: &mut Stage) -> anyhow::Result<()> {
    say("Two more nodes. Who joins one is connected with all that it is connected with.");
    stage.start_node("b@localhost", "--join a@localhost")?;
    stage.start_node("c@localhost", "--join b@localhost")?;
    let connected = |text: &str| text.matches("connected").count() == 2;
    stage.until("odeon nodes --on a@localhost", connected).context("expected two connections")?;

    say("A program on another node: it gets the module, and has this terminal's pipes.");
    let command = "printf 'to be or not to be' \\\n  | odeon run --on c@localhost \
                   target/guests/wordcount.wasm -w";
    stage.see(command, "6")?;

    say("An actor on a, with a worker on b and one on c. All that they print arrives at a.");
    stage.see(
        "odeon spawn target/guests/watcher.wasm main '[\"b@localhost\", \"c@localhost\"]' \\\n  \
         --name watcher --on a@localhost",
        "",
    )?;
    let logs = "odeon logs --on a@localhost | grep localhost";
    stage.await_output(logs, &["hello from b@localhost", "hello from c@localhost"])?;
    let info = ["monitors", "monitored by", "b@localhost", "c@localhost"];
    stage.await_output("odeon info watcher --on a@localhost", &info)?;

    say("The process of node c is killed. Its monitors fire, and the watch of nodes.");
    stage.kill_node("c@localhost")?;
    let fired = ["the worker on c@localhost ended: noconnection", "c@localhost is gone"];
    stage.await_output(logs, &fired)?;

    say("It runs again, and gets a worker again.");
    stage.start_node("c@localhost", "--join b@localhost")?;
    let again = |text: &str| text.matches("hello from c@localhost").count() == 2;
    stage.until(logs, again).context("expected another worker")
}

fn say(text: &str) {
    println!("\n# {text}");
}

/// A home for the demonstration, and the nodes in it.
struct Stage {
    root: PathBuf,
    home: PathBuf,
    nodes: BTreeMap<String, Child>,
}

impl Stage {
    fn open(root: PathBuf) -> anyhow::Result<Self> {
        let home = std::env::temp_dir().join(format!("odeon-demo-{}", std::process::id()));
        DirBuilder::new()
            .mode(0o700)
            .create(&home)
            .with_context(|| format!("cannot make {}", home.display()))?;
        Ok(Self { root, home, nodes: BTreeMap::new() })
    }

    /// A shell that runs this, in the demonstration's home.
    fn shell(&self, command: &str) -> Command {
        let bin = self.root.join("target/gate");
        let path = std::env::var_os("PATH").unwrap_or_default();
        let paths = std::iter::once(bin).chain(std::env::split_paths(&path));
        let mut shell = Command::new("sh");
        shell
            .args(["-c", command])
            .current_dir(&self.root)
            .env("PATH", std::env::join_paths(paths).unwrap_or(path))
            .env("HOME", &self.home)
            .env("ODEON_HOME", &self.home)
            .env("XDG_RUNTIME_DIR", &self.home)
            .env("XDG_DATA_HOME", self.home.join("data"))
            .env("XDG_CACHE_HOME", self.home.join("cache"));
        for name in ["ODEON_COOKIE", "ODEON_NODE", "ODEON_CONFIG", "ODEON_LISTEN", "ODEON_DATA_DIR"]
        {
            shell.env_remove(name);
        }
        shell
    }

    /// Starts a node on any free port, and waits until it says that it is ready. What it
    /// logs is not shown: it would come amid what commands print.
    fn start_node(&mut self, name: &str, flags: &str) -> anyhow::Result<()> {
        let command = format!("odeon node --name {name} {flags}");
        println!("$ {} &", command.trim_end());
        let mut child = self
            .shell(&format!("exec {command}"))
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .context("cannot start a shell")?;
        let output = child.stdout.take().expect("it was asked for");
        self.nodes.insert(name.to_owned(), child);
        let mut line = String::new();
        BufReader::new(output).read_line(&mut line).context("cannot read the node's output")?;
        print!("{line}");
        ensure!(line.contains(" ready on "), "the node did not start");
        Ok(())
    }

    /// Kills a node's process.
    fn kill_node(&mut self, name: &str) -> anyhow::Result<()> {
        let mut node = self.nodes.remove(name).context("there is no such node")?;
        println!("$ kill -9 {}", node.id());
        node.kill().context("cannot kill the node")?;
        node.wait().context("cannot wait for the node")?;
        Ok(())
    }

    /// Runs a command, and gives its exit code and all that it printed.
    fn run(&self, command: &str) -> anyhow::Result<(i32, String)> {
        let output = self
            .shell(&format!("{{ {command}; }} 2>&1"))
            .output()
            .with_context(|| format!("cannot run `{command}`"))?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        Ok((output.status.code().unwrap_or(-1), text))
    }

    /// Shows a command that succeeds and prints this; gives all that it printed.
    fn see(&self, command: &str, expected: &str) -> anyhow::Result<String> {
        self.see_failure(command, 0, expected)
    }

    /// Shows a command that ends with this exit code and prints this.
    fn see_failure(&self, command: &str, code: i32, expected: &str) -> anyhow::Result<String> {
        println!("$ {command}");
        let (ended, text) = self.run(command)?;
        print!("{text}");
        ensure!(ended == code, "`{command}` ended with {ended} and not with {code}");
        ensure!(text.contains(expected), "`{command}` did not print {expected:?}");
        Ok(text)
    }

    /// Shows a command once it prints all of these.
    fn await_output(&self, command: &str, expected: &[&str]) -> anyhow::Result<()> {
        self.until(command, |text| expected.iter().all(|it| text.contains(it)))
            .with_context(|| format!("expected {expected:?}"))
    }

    /// Shows a command once it no longer prints this.
    fn await_absence(&self, command: &str, gone: &str) -> anyhow::Result<()> {
        self.until(command, |text| !text.contains(gone))
            .with_context(|| format!("expected no {gone:?}"))
    }

    fn until(&self, command: &str, is_there: impl Fn(&str) -> bool) -> anyhow::Result<()> {
        println!("$ {command}");
        let deadline = Instant::now() + PATIENCE;
        loop {
            let (code, text) = self.run(command)?;
            if code == 0 && is_there(&text) {
                print!("{text}");
                return Ok(std::io::stdout().flush()?);
            }
            if Instant::now() > deadline {
                print!("{text}");
                bail!("`{command}` did not print what it should");
            }
            std::thread::sleep(LOOK);
        }
    }

    /// Ends the nodes in an orderly way, and removes the home.
    fn close(mut self) -> anyhow::Result<()> {
        println!();
        let mut stopped = Ok(());
        for (name, node) in std::mem::take(&mut self.nodes) {
            stopped = stopped.and(self.stop(&name, node));
        }
        let removed = fs::remove_dir_all(&self.home);
        stopped?;
        removed.with_context(|| format!("cannot remove {}", self.home.display()))
    }

    fn stop(&self, name: &str, mut node: Child) -> anyhow::Result<()> {
        let command = format!("odeon stop --on {name}");
        println!("$ {command}");
        let (code, text) = self.run(&command)?;
        print!("{text}");
        if code != 0 {
            node.kill().context("cannot end the node")?;
        }
        let status = node.wait().context("cannot wait for the node")?;
        ensure!(code == 0 && status.success(), "the node ended with {status}");
        Ok(())
    }
}
