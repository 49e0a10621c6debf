//! A cable between two hosts that is as slow and as bad as one wants. Packets go through
//! this program, so that all above them is the system's own: it resends what is lost and
//! slows down, as on a real one. Needs the rights of root, and no `netem`.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use odeon_tests::Random;
use odeon_tests::cluster::net::Host;

/// The addresses of the two ends.
pub(crate) const ENDS: [&str; 2] = ["10.88.0.1", "10.88.0.2"];

/// What the two ends are called on their hosts.
const DEVICE: &str = "cable";

/// What waits for its turn on a cable with a rate, as time: more is dropped, as a router
/// does.
const QUEUE_TIME_MAX: Duration = Duration::from_millis(300);

/// What a cable does to packets, in each direction.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Quality {
    pub(crate) delay: Duration,
    pub(crate) bits_per_s: Option<u64>,
    pub(crate) loss_percent: u64,
}

/// See above. Lies until the program ends.
pub(crate) struct Cable(Arc<State>);

#[derive(Default)]
struct State {
    quality: Mutex<Quality>,
    is_cut: AtomicBool,
    carried: AtomicU64,
    lost: AtomicU64,
}

impl Cable {
    /// Between these two hosts; good at first.
    pub(crate) fn between(hosts: [&Host; 2]) -> anyhow::Result<Self> {
        let state = Arc::new(State::default());
        let open = |at: usize| -> anyhow::Result<Arc<File>> {
            let end = open_on(hosts[at])?;
            let (own, other) = (ENDS[at], ENDS[1 - at]);
            let is_up = hosts[at].set_up(&format!("addr add {own}/32 dev {DEVICE}"))
                && hosts[at].set_up(&format!("link set {DEVICE} up"))
                && hosts[at].set_up(&format!("route add {other}/32 dev {DEVICE}"));
            ensure!(is_up, "the end {own} of the cable cannot be set up");
            Ok(Arc::new(end))
        };
        let ends = [open(0)?, open(1)?];
        for (at, seed) in [(0, 1), (1, 2)] {
            let (from, to) = (Arc::clone(&ends[at]), Arc::clone(&ends[1 - at]));
            let state = Arc::clone(&state);
            std::thread::spawn(move || carry(&from, to, &state, seed));
        }
        Ok(Self(state))
    }

    /// It is so from now on.
    pub(crate) fn set(&self, quality: Quality) {
        *self.0.quality.lock().expect("nobody panics with it") = quality;
    }

    /// Nothing goes through any more.
    pub(crate) fn cut(&self) {
        self.0.is_cut.store(true, Ordering::Relaxed);
    }

    /// Packets that went through, and packets that were lost.
    pub(crate) fn packets(&self) -> (u64, u64) {
        (self.0.carried.load(Ordering::Relaxed), self.0.lost.load(Ordering::Relaxed))
    }
}

/// Carries packets one way until an end is gone.
fn carry(from: &File, to: Arc<File>, state: &State, seed: u64) {
    let (sender, due) = mpsc::channel::<(Instant, Vec<u8>)>();
    std::thread::spawn(move || {
        for (time, packet) in due {
            std::thread::sleep(time.saturating_duration_since(Instant::now()));
            // What a host does not take is lost.
            let _ = (&*to).write(&packet);
        }
    });
    let (mut from, mut packet) = (from, vec![0; 64 << 10]);
    let (mut random, mut free) = (Random::from_seed(seed), Instant::now());
    while let Ok(bytes @ 1..) = from.read(&mut packet) {
        let quality = *state.quality.lock().expect("nobody panics with it");
        let now = Instant::now();
        free = free.max(now);
        let is_lost = state.is_cut.load(Ordering::Relaxed)
            || (random.below(100) as u64) < quality.loss_percent
            || free - now > QUEUE_TIME_MAX;
        if is_lost {
            state.lost.fetch_add(1, Ordering::Relaxed);
            continue;
        }
        if let Some(rate) = quality.bits_per_s {
            free += Duration::from_secs_f64(8.0 * bytes as f64 / rate as f64);
        }
        state.carried.fetch_add(1, Ordering::Relaxed);
        if sender.send((free + quality.delay, packet[..bytes].to_vec())).is_err() {
            return;
        }
    }
}

/// An end of the cable on a host.
fn open_on(host: &Host) -> anyhow::Result<File> {
    std::thread::scope(|scope| {
        let thread = scope.spawn(|| {
            host.enter();
            let tun = File::options().read(true).write(true).open("/dev/net/tun")?;
            attach(&tun)?;
            Ok(tun)
        });
        thread.join().ok().context("the host cannot be entered")?
    })
}

/// Makes a device for packets of this file (`TUNSETIFF`).
fn attach(tun: &File) -> anyhow::Result<()> {
    const TUNSETIFF: rustix::ioctl::Opcode = 0x4004_54ca;
    const IFF_TUN: u16 = 0x0001;
    const IFF_NO_PI: u16 = 0x1000;
    // A `struct ifreq`: the name in 16 bytes, then the flags.
    let mut request = [0_u8; 40];
    request[..DEVICE.len()].copy_from_slice(DEVICE.as_bytes());
    request[16..18].copy_from_slice(&(IFF_TUN | IFF_NO_PI).to_ne_bytes());
    // SAFETY: TUNSETIFF reads and writes one `ifreq`, which has 40 bytes, and keeps no
    // pointer to it.
    unsafe {
        let set = rustix::ioctl::Updater::<TUNSETIFF, [u8; 40]>::new(&mut request);
        rustix::ioctl::ioctl(tun, set)?;
    }
    Ok(())
}
