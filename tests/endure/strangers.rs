//! Connections by the thousand that never finish their handshake: from this machine's
//! loopback, where the owner's commands come from as well, and from another address.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use odeon_tests::cluster::net::{Host, Net};
use rustix::process::{Resource, getrlimit, setrlimit};

use crate::duo::Duo;
use crate::processes::How;
use crate::report::Report;

/// What most systems let a program have open: the node is to get by with it.
const DESCRIPTORS: [&str; 2] = ["prlimit", "--nofile=1024:4096"];

/// Sockets that the node may have open beside those of before: those of strangers whose
/// time is not over, and of commands.
const DESCRIPTORS_MORE_MAX: f64 = 100.0;

/// MiB that the node may hold beside those of before.
const MEMORY_MORE_MAX: f64 = 32.0;

/// Seconds until the last stranger is thrown out: the time for a handshake, and some.
const OPEN_SECONDS_MAX: f64 = 5.0;

/// Seconds that the owner may have to try again from where strangers come in crowds.
const NO_ANSWER_SECONDS_MAX: f64 = 5.0;

/// Strangers are waited for so long.
const TIME_MAX: Duration = Duration::from_secs(60);

const UPGRADE: &[u8] = b"GET /odeon HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\n\
    Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

pub(crate) async fn show(report: &mut Report, count: u64) -> anyhow::Result<()> {
    report.part("from_loopback");
    on(report, count, None).await?;
    report.part("from_another_address");
    match Net::new(1) {
        Some(net) => on(report, count, Some(&net.hosts[0])).await,
        None => {
            report.skipped("all", "no network namespaces: this needs `ip` and the rights of root");
            Ok(())
        }
    }
}

async fn on(report: &mut Report, count: u64, host: Option<&Host>) -> anyhow::Result<()> {
    let ip = host.map_or(IpAddr::V4(Ipv4Addr::LOCALHOST), |host| host.ip);
    let names = match host {
        Some(_) => [format!("a@{ip}"), format!("b@{ip}")],
        None => ["a@localhost".to_owned(), "b@localhost".to_owned()],
    };
    let how = || How { host, under: &DESCRIPTORS, ..How::default() };
    let mut duo = Duo::start_with([&names[0], &names[1]], [how(), how()], host).await?;
    duo.rounds(Duration::from_secs(1)).await?;
    let node = &duo.processes[0];
    report.note("descriptors_max_of_the_node", node.descriptors_max()?);
    let (descriptors, resident) = (node.descriptors()?, node.resident_bytes()?);
    let to = SocketAddr::new(ip, node.port);
    let mine = raise_descriptors()?;
    ensure!(mine > count, "{count} strangers need as many descriptors, and {mine} are allowed");
    let from = host.cloned();
    let strangers = std::thread::spawn(move || {
        if let Some(host) = from {
            host.enter();
        }
        Strangers::attack(to, count)
    });
    let mut seen = Seen::new();
    while !strangers.is_finished() {
        seen.longest_round = seen.longest_round.max(duo.round(b"beside").await?);
        tokio::task::block_in_place(|| seen.command(&duo, host))?;
        seen.descriptors = seen.descriptors.max(duo.processes[0].descriptors()?);
        seen.resident = seen.resident.max(duo.processes[0].resident_bytes()?);
    }
    let strangers = strangers.join().ok().context("a panic")??;
    seen.command(&duo, host)?;
    report.note("strangers", count);
    report.note("all_connected_after_s", strangers.connected_after.as_secs_f64());
    report.at_most("last_is_out_after_s", strangers.out_after.as_secs_f64(), OPEN_SECONDS_MAX);
    report.at_most("still_open", strangers.open as f64, 0.0);
    report.note("longest_round_ms", seen.longest_round.as_millis() as u64);
    report.note("commands", seen.commands);
    match host {
        Some(_) => report.at_most("commands_without_answer", f64::from(seen.failed), 0.0),
        None => report.note("commands_without_answer", seen.failed),
    }
    let silence = seen.longest_silence.as_secs_f64();
    report.at_most("longest_without_answer_s", silence, NO_ANSWER_SECONDS_MAX);
    let more = seen.descriptors.saturating_sub(descriptors);
    report.at_most("descriptors_more", more as f64, DESCRIPTORS_MORE_MAX);
    report.note("memory_mib", seen.resident >> 20);
    let more = seen.resident.saturating_sub(resident) as f64 / f64::from(1 << 20);
    report.at_most("memory_more_mib", more, MEMORY_MORE_MAX);
    duo.all_live(report).await?;
    duo.ends(report, |process| process.kill()).await
}

/// As many open files for this process as the system lets it have.
fn raise_descriptors() -> anyhow::Result<u64> {
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    setrlimit(Resource::Nofile, limit)?;
    Ok(limit.maximum.unwrap_or(u64::MAX))
}

/// What the owner and the peers see meanwhile.
struct Seen {
    commands: u32,
    failed: u32,
    answered: Instant,
    longest_silence: Duration,
    longest_round: Duration,
    descriptors: usize,
    resident: u64,
}

impl Seen {
    fn new() -> Self {
        Self {
            commands: 0,
            failed: 0,
            answered: Instant::now(),
            longest_silence: Duration::ZERO,
            longest_round: Duration::ZERO,
            descriptors: 0,
            resident: 0,
        }
    }

    /// The owner asks the node for its actors.
    fn command(&mut self, duo: &Duo, host: Option<&Host>) -> anyhow::Result<()> {
        let name = &duo.processes[0].name;
        let done = duo.homes[0].run(&["ps", "--json", "--node", name], host)?;
        self.commands += 1;
        self.longest_silence = self.longest_silence.max(self.answered.elapsed());
        if done.status.success() {
            self.answered = Instant::now();
        } else {
            self.failed += 1;
        }
        Ok(())
    }
}

/// What became of them.
struct Strangers {
    connected_after: Duration,
    /// After the last was connected.
    out_after: Duration,
    open: usize,
}

impl Strangers {
    /// Connects all, each with some of what it would have to say, and waits until all
    /// are thrown out.
    fn attack(to: SocketAddr, count: u64) -> std::io::Result<Self> {
        let begun = Instant::now();
        let mut held = Vec::new();
        for at in 0..count {
            let mut stranger = TcpStream::connect(to)?;
            stranger.set_nonblocking(true)?;
            // It may have been thrown out already.
            let _ = stranger.write(&words(at));
            held.push(stranger);
        }
        let connected_after = begun.elapsed();
        let connected = Instant::now();
        while !held.is_empty() && connected.elapsed() < TIME_MAX {
            held.retain_mut(is_open);
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(Self { connected_after, out_after: connected.elapsed(), open: held.len() })
    }
}

/// Nothing, part of a request, all of it, that and half a hello, or the begin of TLS.
fn words(at: u64) -> Vec<u8> {
    let part = usize::try_from(at).unwrap_or(0) % UPGRADE.len();
    match at % 5 {
        0 => Vec::new(),
        1 => UPGRADE[..part].to_vec(),
        2 => UPGRADE.to_vec(),
        3 => [UPGRADE, b"\x82\xbc\0\0\0\0\x01\x37\0\0\0odeon\x01\x01"].concat(),
        _ => b"\x16\x03\x01\x00\x05\x01\x00".to_vec(),
    }
}

fn is_open(stranger: &mut TcpStream) -> bool {
    let mut answer = [0; 512];
    loop {
        match stranger.read(&mut answer) {
            Ok(0) => return false,
            Ok(_) => {}
            Err(error) => return error.kind() == ErrorKind::WouldBlock,
        }
    }
}
