//! Two nodes with a proxy between them, as `docs/cluster.md` has it: what goes through, and
//! that a proxy that opens the TLS channel lets nobody in.
//!
//! The proxies are HAProxy and nginx of the system, on loopback, with the settings that
//! the document shows and with timeouts that are shorter than anything here lasts: only
//! ticks keep a connection.

use std::fmt::Write as _;
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::ensure;
use odeon::net::Mode;
use odeon_tests::Puppet;
use odeon_tests::cluster::{Member, Place};
use odeon_tests::protocol::{Operation, Selection, Value};

use crate::duo::pass;
use crate::processes::{Home, How, Process};
use crate::report::Report;

/// After so long a proxy ends a connection by which nothing goes.
const PROXY_SECONDS: u64 = 3;

/// A body for which no proxy has a buffer.
const LARGE_BYTES: usize = 8 << 20;

/// How long a proxy may take to listen.
const START_TIME_MAX: Duration = Duration::from_secs(10);

/// One way to stand between two nodes.
struct Way {
    name: &'static str,
    program: &'static str,
    /// The settings, of the proxy's port and the node's, in this directory.
    settings: fn(u16, u16, &Path) -> String,
    /// How the nodes protect their connections.
    mode: Mode,
    /// Whether the second one also takes connections without TLS from its own machine.
    takes_plain: bool,
    /// What is said where nothing goes through.
    refused: Option<&'static str>,
}

const WAYS: [Way; 9] = [
    Way {
        name: "haproxy_tcp",
        program: "haproxy",
        settings: haproxy_tcp,
        mode: Mode::Always,
        takes_plain: false,
        refused: None,
    },
    Way {
        name: "haproxy_tcp_by_name",
        program: "haproxy",
        settings: haproxy_by_name,
        mode: Mode::Always,
        takes_plain: false,
        refused: None,
    },
    Way {
        name: "nginx_stream",
        program: "nginx",
        settings: nginx_stream,
        mode: Mode::Always,
        takes_plain: false,
        refused: None,
    },
    Way {
        name: "haproxy_http_plain",
        program: "haproxy",
        settings: haproxy_http,
        mode: Mode::Plain,
        takes_plain: true,
        refused: None,
    },
    Way {
        name: "nginx_http_plain",
        program: "nginx",
        settings: nginx_http,
        mode: Mode::Plain,
        takes_plain: true,
        refused: None,
    },
    Way {
        name: "nginx_ends_tls",
        program: "nginx",
        settings: nginx_ends_tls,
        mode: Mode::Always,
        takes_plain: true,
        refused: Some("wrong cookie"),
    },
    Way {
        name: "nginx_ends_tls_before_tls_alone",
        program: "nginx",
        settings: nginx_ends_tls,
        mode: Mode::Always,
        takes_plain: false,
        refused: Some("403"),
    },
    Way {
        name: "nginx_ends_and_begins_tls",
        program: "nginx",
        settings: nginx_again_tls,
        mode: Mode::Always,
        takes_plain: false,
        refused: Some("wrong cookie"),
    },
    Way {
        name: "haproxy_ends_tls",
        program: "haproxy",
        settings: haproxy_ends_tls,
        mode: Mode::Always,
        takes_plain: false,
        refused: Some("wrong cookie"),
    },
];

pub(crate) async fn show(report: &mut Report, time: Duration) -> anyhow::Result<()> {
    for way in &WAYS {
        report.part(way.name);
        match way.refused {
            None => passes(report, way, time).await?,
            Some(words) => is_refused(report, way, words).await?,
        }
    }
    Ok(())
}

/// Two nodes, the proxy before the second, and this program's node, which does not go by it.
struct Trio {
    processes: [Process; 2],
    homes: [Home; 2],
    proxy: Proxy,
    observer: Member,
    _place: Place,
}

impl Trio {
    /// Nothing where the proxy is not installed.
    async fn start(way: &Way) -> anyhow::Result<Result<Self, String>> {
        let place = Place::new().await;
        let homes = [Home::new()?, Home::new()?];
        let flags: &[&str] = match way.mode {
            Mode::Plain => &["--plain"],
            Mode::Auto | Mode::Always => &["--tls", "always"],
        };
        let how = |flags| How { flags, ..How::default() };
        let second = match way.mode {
            Mode::Always if way.takes_plain => &[],
            _ => flags,
        };
        let processes = [
            homes[0].start("a@localhost", &how(flags))?,
            homes[1].start("b@localhost", &how(second))?,
        ];
        let proxy = match Proxy::start(way, processes[1].port)? {
            Ok(proxy) => proxy,
            Err(why) => return Ok(Err(why)),
        };
        // It tells neither node of the other: they meet by the proxy or not at all.
        let observer = place.start_with(|setting| {
            setting.mode = way.mode;
            setting.cluster.mesh = false;
        });
        let observer = observer.await;
        Ok(Ok(Self { processes, homes, proxy, observer, _place: place }))
    }

    /// Has the first node connect with the second by the proxy.
    fn connect(&self) -> anyhow::Result<(bool, String)> {
        let target = format!("b@localhost:{}", self.proxy.port);
        let done = self.homes[0].run(&["connect", &target, "--on", "a@localhost"], None)?;
        let said = [done.stdout, done.stderr].concat();
        Ok((done.status.success(), String::from_utf8_lossy(&said).trim().to_owned()))
    }

    async fn actors(&self) -> [Puppet; 2] {
        for process in &self.processes {
            self.observer.connect(&process.target()).await;
        }
        let [one, two] = &self.processes;
        [self.observer.puppet_at(&one.name).await, self.observer.puppet_at(&two.name).await]
    }
}

/// Two nodes and this way between them, or the reason in the report why there is none.
async fn started(report: &mut Report, way: &Way) -> anyhow::Result<Option<Trio>> {
    match Trio::start(way).await? {
        Ok(trio) => Ok(Some(trio)),
        Err(why) => {
            report.skipped("all", &why);
            Ok(None)
        }
    }
}

async fn passes(report: &mut Report, way: &Way, time: Duration) -> anyhow::Result<()> {
    let Some(trio) = started(report, way).await? else { return Ok(()) };
    let (done, said) = trio.connect()?;
    ensure!(done, "not connected: {said}");
    let [mut one, mut two] = trio.actors().await;
    for (body, figure) in [(vec![7; 64], "round_64b_ms"), (vec![7; LARGE_BYTES], "round_8mib_ms")] {
        let begun = Instant::now();
        pass(&mut one, &mut two, &body).await?;
        pass(&mut two, &mut one, &body).await?;
        report.note(figure, begun.elapsed().as_millis() as u64);
    }
    // Nothing but ticks, for longer than the proxy's patience.
    tokio::time::sleep(Duration::from_secs(PROXY_SECONDS) + time).await;
    pass(&mut one, &mut two, b"still there").await?;
    pass(&mut two, &mut one, b"still there").await?;
    let connected = one.order(Operation::Nodes(Selection::Connected)).await;
    let is_up =
        matches!(&connected, Value::Names(names) if names.contains(&trio.processes[1].name));
    ensure!(is_up, "connected with {connected:?} only");
    let losses = trio.processes[0].losses()?.len() + trio.processes[1].losses()?.len();
    report.at_most("connections_lost", losses as f64, 0.0);
    // The proxy itself goes: that is the end of the connection, and is noticed.
    let proxy = trio.proxy;
    let begun = Instant::now();
    drop(proxy);
    while trio.processes[0].losses()?.is_empty() {
        ensure!(begun.elapsed() < Duration::from_secs(10), "the end of the proxy is not noticed");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    report.at_most("end_of_proxy_noticed_s", begun.elapsed().as_secs_f64(), 4.5);
    Ok(())
}

async fn is_refused(report: &mut Report, way: &Way, words: &str) -> anyhow::Result<()> {
    let Some(trio) = started(report, way).await? else { return Ok(()) };
    let (done, said) = trio.connect()?;
    report.note("says", said.clone());
    report.at_most("connected", f64::from(u8::from(done)), 0.0);
    ensure!(said.contains(words), "`{words}` is not in what it says: {said}");
    // Both go on, and meet where nobody stands between them.
    let [mut one, mut two] = trio.actors().await;
    ensure!(one.yes(Operation::Connect(trio.processes[1].target())).await, "no direct connection");
    pass(&mut one, &mut two, b"past the proxy").await
}

/// A proxy that runs; ended when this goes.
struct Proxy {
    port: u16,
    child: Child,
    _dir: tempfile::TempDir,
}

impl Proxy {
    /// The inner error says what is not installed.
    fn start(way: &Way, node: u16) -> anyhow::Result<Result<Self, String>> {
        let path = ["/usr/sbin", "/usr/local/sbin", "/usr/bin"].map(Path::new);
        let program = path.iter().map(|dir| dir.join(way.program)).find(|path| path.is_file());
        let Some(program) = program else {
            return Ok(Err(format!("no {}: install Debian's package of that name", way.program)));
        };
        let dir = tempfile::tempdir()?;
        // Free now; the proxy is the next to take it, or says that it cannot.
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let file = dir.path().join("settings");
        std::fs::write(&file, (way.settings)(port, node, dir.path()))?;
        if way.refused.is_some() && !make_certificate(dir.path()) {
            return Ok(Err("no certificate for the proxy: install `openssl`".to_owned()));
        }
        let mut command = Command::new(&program);
        match way.program {
            "haproxy" => command.arg("-db").arg("-f").arg(&file),
            _ => command.arg("-p").arg(dir.path()).arg("-c").arg(&file),
        };
        let log = std::fs::File::create(dir.path().join("log"))?;
        command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        let mut child = command.spawn()?;
        let begun = Instant::now();
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            if child.try_wait()?.is_some() || begun.elapsed() > START_TIME_MAX {
                let said = std::fs::read_to_string(dir.path().join("log"))?;
                let _ = child.kill();
                let _ = child.wait();
                return Ok(Err(format!("{} does not start: {}", way.program, said.trim())));
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(Ok(Self { port, child, _dir: dir }))
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        // nginx's workers end with their master only when it is asked, not when it is killed.
        let process = rustix::process::Pid::from_child(&self.child);
        let _ = rustix::process::kill_process(process, rustix::process::Signal::TERM);
        let _ = self.child.wait();
    }
}

/// A certificate of the proxy's own, as one that ends TLS has it. HAProxy wants it in one file.
fn make_certificate(dir: &Path) -> bool {
    let made = Command::new("openssl")
        .args(["req", "-x509", "-newkey", "ed25519", "-nodes", "-days", "1"])
        .args(["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"])
        .args(["-keyout", "key.pem", "-out", "cert.pem"])
        .current_dir(dir)
        .stderr(Stdio::null())
        .status();
    let read = |file| std::fs::read_to_string(dir.join(file)).unwrap_or_default();
    let both = read("cert.pem") + &read("key.pem");
    made.is_ok_and(|status| status.success()) && std::fs::write(dir.join("both.pem"), both).is_ok()
}

fn haproxy(mode: &str, bind: &str, rest: &str) -> String {
    format!(
        "defaults\n  mode {mode}\n  timeout connect 5s\n  timeout client {PROXY_SECONDS}s\n  \
         timeout server {PROXY_SECONDS}s\n  timeout tunnel {PROXY_SECONDS}s\n\
         frontend nodes\n  bind {bind}\n{rest}"
    )
}

fn haproxy_tcp(port: u16, node: u16, _: &Path) -> String {
    let rest = format!("  default_backend b\nbackend b\n  server b 127.0.0.1:{node}\n");
    haproxy("tcp", &format!("127.0.0.1:{port}"), &rest)
}

/// By the host in the node's name, which is in the first words of TLS.
fn haproxy_by_name(port: u16, node: u16, _: &Path) -> String {
    let rest = format!(
        "  tcp-request inspect-delay 5s\n  tcp-request content accept if {{ req.ssl_hello_type 1 }}\n  \
         use_backend b if {{ req.ssl_sni -i localhost }}\nbackend b\n  server b 127.0.0.1:{node}\n"
    );
    haproxy("tcp", &format!("127.0.0.1:{port}"), &rest)
}

fn haproxy_http(port: u16, node: u16, dir: &Path) -> String {
    haproxy_tcp(port, node, dir).replace("mode tcp", "mode http")
}

fn haproxy_ends_tls(port: u16, node: u16, dir: &Path) -> String {
    let bind = format!("127.0.0.1:{port} ssl crt {}", dir.join("both.pem").display());
    let rest =
        format!("  default_backend b\nbackend b\n  server b 127.0.0.1:{node} ssl verify none\n");
    haproxy("http", &bind, &rest)
}

fn nginx(dir: &Path, rest: &str) -> String {
    let mut text = String::new();
    let module = "/usr/lib/nginx/modules/ngx_stream_module.so";
    if rest.starts_with("stream") && Path::new(module).is_file() {
        let _ = writeln!(text, "load_module {module};");
    }
    let dir = dir.display();
    let _ = write!(
        text,
        "daemon off;\nerror_log {dir}/error.log;\npid {dir}/pid;\nworker_processes 1;\n\
         events {{ worker_connections 64; }}\n{rest}"
    );
    text
}

fn nginx_stream(port: u16, node: u16, dir: &Path) -> String {
    let rest = format!(
        "stream {{\n  server {{\n    listen 127.0.0.1:{port};\n    proxy_pass 127.0.0.1:{node};\n    \
         proxy_timeout {PROXY_SECONDS}s;\n  }}\n}}\n"
    );
    nginx(dir, &rest)
}

/// What nginx needs to pass a WebSocket.
fn nginx_location(listen: &str, to: &str, dir: &Path) -> String {
    let temp = |kind: &str| format!("  {kind}_temp_path {}/{kind};\n", dir.display());
    let temps: String =
        ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].into_iter().map(temp).collect();
    let rest = format!(
        "http {{\n  access_log off;\n{temps}  server {{\n    listen {listen};\n    location /odeon {{\n      \
         proxy_pass {to};\n      proxy_http_version 1.1;\n      \
         proxy_set_header Upgrade $http_upgrade;\n      proxy_set_header Connection upgrade;\n      \
         proxy_read_timeout {PROXY_SECONDS}s;\n      proxy_send_timeout {PROXY_SECONDS}s;\n    \
         }}\n  }}\n}}\n"
    );
    nginx(dir, &rest)
}

fn nginx_http(port: u16, node: u16, dir: &Path) -> String {
    nginx_location(&format!("127.0.0.1:{port}"), &format!("http://127.0.0.1:{node}"), dir)
}

fn nginx_tls(port: u16, dir: &Path) -> String {
    let dir = dir.display();
    format!(
        "127.0.0.1:{port} ssl;\n    ssl_certificate {dir}/cert.pem;\n    \
         ssl_certificate_key {dir}/key.pem;\n    ssl_protocols TLSv1.3"
    )
}

fn nginx_ends_tls(port: u16, node: u16, dir: &Path) -> String {
    nginx_location(&nginx_tls(port, dir), &format!("http://127.0.0.1:{node}"), dir)
}

fn nginx_again_tls(port: u16, node: u16, dir: &Path) -> String {
    let to = format!("https://127.0.0.1:{node};\n      proxy_ssl_protocols TLSv1.3");
    nginx_location(&nginx_tls(port, dir), &to, dir)
}
