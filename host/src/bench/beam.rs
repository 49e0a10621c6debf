//! The same jobs on Erlang's virtual machine.

use std::fmt::Write as _;
use std::io::{BufRead as _, BufReader};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, bail, ensure};

/// An Erlang that was found, with the jobs compiled for it.
pub(super) struct Beam {
    dir: tempfile::TempDir,
    /// Connect with TLS: the file of its options.
    tls: Option<PathBuf>,
}

const SOURCE: &str = include_str!("bench.erl");
const SOURCE_REMOTE: &str = include_str!("bench_remote.erl");

/// The longest that one measurement on two nodes may take.
const REMOTE_TIME_MAX: Duration = Duration::from_secs(120);

impl Beam {
    /// Compiles the jobs on one node.
    ///
    /// # Errors
    /// There is no `erl` or `erlc` on the path.
    pub(super) fn find() -> anyhow::Result<Self> {
        Self::with("bench.erl", SOURCE)
    }

    /// Compiles the jobs on two nodes. Nothing, with a word about it, if TLS is wanted and
    /// this Erlang has none.
    ///
    /// # Errors
    /// There is no `erl` or `erlc` on the path.
    #[expect(clippy::print_stderr, reason = "whoever asked for the comparison has to know")]
    pub(super) fn find_remote(tls: bool) -> anyhow::Result<Option<Self>> {
        let mut beam = Self::with("bench_remote.erl", SOURCE_REMOTE)?;
        if tls {
            let ssl = "halt(case application:ensure_all_started(ssl) of {ok, _} -> 0; _ -> 1 end).";
            let has_tls = Command::new("erl").args(["-noshell", "-noinput", "-eval", ssl]).output();
            if !has_tls.is_ok_and(|output| output.status.success()) {
                eprintln!(
                    "the BEAM is left out: this Erlang has no TLS (Debian: apt-get install \
                     erlang-ssl)"
                );
                return Ok(None);
            }
            beam.tls = Some(tls_options(beam.dir.path())?);
        }
        Ok(Some(beam))
    }

    fn with(file: &str, source: &str) -> anyhow::Result<Self> {
        let dir = tempfile::tempdir()?;
        let path: PathBuf = dir.path().join(file);
        std::fs::write(&path, source)?;
        let compiled = Command::new("erlc").arg("-o").arg(dir.path()).arg(&path).output();
        let compiled = compiled.context(
            "no `erlc` on the path; install Erlang (Debian: apt-get install erlang-base)",
        )?;
        if !compiled.status.success() {
            bail!("erlc failed: {}", String::from_utf8_lossy(&compiled.stdout));
        }
        Ok(Self { dir, tls: None })
    }

    /// Measures one job once.
    pub(super) fn measure(&self, job: &str) -> anyhow::Result<f64> {
        let output = Command::new("erl")
            .args(["-noshell", "-noinput", "+P", "2000000", "-pa"])
            .arg(self.dir.path())
            .args(["-run", "bench", "main", job])
            .output()
            .context("cannot run erl")?;
        let text = String::from_utf8_lossy(&output.stdout);
        text.trim().parse().with_context(|| format!("erl gave no figure for {job}: {text:?}"))
    }

    /// Measures one job of two nodes once. They find each other by a port that was free a
    /// moment ago, so that no port mapper has to run, and stay behind.
    pub(super) fn measure_remote(&self, job: &str, nodes: usize) -> anyhow::Result<f64> {
        let port = TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port().to_string();
        // Without a port mapper they all have one port, so each needs an address of its own.
        let address = |at: usize| format!("{{127,0,0,{at}}}");
        let names: Vec<_> = (1..=nodes).map(|at| format!("far{at}@127.0.0.{at}")).collect();
        let mut fars = Vec::new();
        for (at, name) in (1..).zip(&names) {
            let here = address(at);
            let listen = ["-kernel", "inet_dist_use_interface", &here];
            let work = ["-run", "bench_remote", "far"];
            let mut far = self.machine(name, &port, &[&listen[..], &work].concat())?;
            let said = far.line()?;
            ensure!(said == "ready", "a far erl did not start: {said:?}");
            fars.push(far);
        }
        // One that does not listen is hidden, and has no part in names and groups.
        let here = address(nodes + 1);
        let listen = match nodes {
            1 => vec!["-dist_listen", "false"],
            _ => vec!["-kernel", "inet_dist_use_interface", &here],
        };
        let work = ["-run", "bench_remote", "main", job];
        let names = names.iter().map(String::as_str);
        let near: Vec<&str> = listen.into_iter().chain(work).chain(names).collect();
        let name = format!("near@127.0.0.{}", nodes + 1);
        let said = self.machine(&name, &port, &near)?.line()?;
        said.parse().with_context(|| format!("erl gave no figure for {job}: {said:?}"))
    }

    fn machine(&self, name: &str, port: &str, arguments: &[&str]) -> anyhow::Result<Machine> {
        let mut command = Command::new("erl");
        command.args(["-noshell", "+Bd", "-name", name, "-setcookie", "bench"]);
        command.args(["-start_epmd", "false", "-erl_epmd_port", port, "-pa"]).arg(self.dir.path());
        if let Some(options) = &self.tls {
            command.args(["-proto_dist", "inet_tls", "-ssl_dist_optfile"]).arg(options);
        }
        // `-run` takes all that follows.
        command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped());
        Ok(Machine(command.spawn().context("cannot run erl")?))
    }
}

/// A running virtual machine. Ended when this is dropped; by itself if this process is
/// killed, since it reads its standard input.
struct Machine(Child);

impl Machine {
    /// Its first line.
    fn line(&mut self) -> anyhow::Result<String> {
        let Some(stdout) = self.0.stdout.take() else { bail!("its line was read") };
        let (found, line) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            let mut line = String::new();
            let _ = BufReader::new(stdout).read_line(&mut line);
            let _ = found.send(line.trim().to_owned());
        });
        line.recv_timeout(REMOTE_TIME_MAX)
            .with_context(|| format!("no figure within {} s", REMOTE_TIME_MAX.as_secs()))
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Writes the options of TLS, with a certificate of this moment that nobody checks: as
/// between our own nodes, where the cookie is what counts.
fn tls_options(dir: &Path) -> anyhow::Result<PathBuf> {
    let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()])?;
    let certificate = erlang_binary(made.cert.der());
    let key = erlang_binary(&made.signing_key.serialize_der());
    let keys = format!("{{cert, {certificate}}}, {{key, {{'PrivateKeyInfo', {key}}}}}");
    let both = format!("[{keys}, {{verify, verify_none}}]");
    let path = dir.join("tls.conf");
    std::fs::write(&path, format!("[{{server, {both}}}, {{client, {both}}}].\n"))?;
    Ok(path)
}

fn erlang_binary(bytes: &[u8]) -> String {
    let mut text = String::from("<<");
    for (index, byte) in bytes.iter().enumerate() {
        let comma = if index == 0 { "" } else { "," };
        let _ = write!(text, "{comma}{byte}");
    }
    text + ">>"
}
