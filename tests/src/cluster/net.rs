//! A network of a test's own: hosts in network namespaces of the system, each with an
//! address, on one switch. Needs the rights of root.

use std::net::{IpAddr, Ipv4Addr};
use std::os::fd::AsFd as _;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU8, Ordering};

use serde::{Deserialize, Serialize};

/// One host of a network.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Host {
    /// Its namespace.
    name: String,
    /// Its address.
    pub ip: IpAddr,
}

/// A switch and the hosts on it; gone with this.
pub struct Net {
    switch: String,
    /// Those that nodes can be on.
    pub hosts: Vec<Host>,
}

fn ip(arguments: &str) -> bool {
    let run = Command::new("ip").args(arguments.split(' ')).stderr(Stdio::null()).status();
    run.is_ok_and(|status| status.success())
}

impl Net {
    /// A network of so many hosts. Nothing, and a line that says so, where the system
    /// does not permit it.
    pub fn new(hosts: u8) -> Option<Self> {
        static NETS: AtomicU8 = AtomicU8::new(1);
        let number = NETS.fetch_add(1, Ordering::Relaxed);
        let prefix = format!("odeon-{}-{number}", std::process::id());
        let switch = format!("{prefix}-s");
        if !ip(&format!("netns add {switch}")) {
            println!("skipped: no network namespaces (this needs `ip` and the rights of root)");
            return None;
        }
        let mut net = Self { switch, hosts: Vec::new() };
        let switch = &net.switch;
        let mut is_made = ip(&format!("-n {switch} link add sw type bridge"))
            && ip(&format!("-n {switch} link set sw up"));
        for at in 1..=hosts {
            let address = Ipv4Addr::new(10, 77, number, at);
            let host = Host { name: format!("{prefix}-{at}"), ip: address.into() };
            let name = &host.name;
            is_made = is_made
                && ip(&format!("netns add {name}"))
                && ip(&format!("-n {switch} link add p{at} type veth peer name eth netns {name}"))
                && ip(&format!("-n {switch} link set p{at} master sw"))
                && ip(&format!("-n {switch} link set p{at} up"))
                && ip(&format!("-n {name} addr add {address}/24 dev eth"))
                && ip(&format!("-n {name} link set eth up"))
                && ip(&format!("-n {name} link set lo up"));
            net.hosts.push(host);
        }
        if !is_made {
            println!("skipped: no bridge or no pairs of interfaces on this system");
            return None;
        }
        Some(net)
    }

    /// Takes a host off the switch, or puts it back.
    ///
    /// # Panics
    /// The system does not do it.
    pub fn cable(&self, at: usize, plugged: bool) {
        let state = if plugged { "up" } else { "down" };
        let set = ip(&format!("-n {} link set p{} {state}", self.switch, at + 1));
        assert!(set, "the cable of host {at}");
    }

    /// What one host sends to another arrives nowhere, or again; the other way is as it
    /// was.
    ///
    /// # Panics
    /// The system does not do it.
    pub fn one_way(&self, from: usize, to: usize, cut: bool) {
        let (name, address) = (&self.hosts[from].name, self.hosts[to].ip);
        let set = match cut {
            // To a card that is on no cable.
            true => ip(&format!(
                "-n {name} neigh replace {address} lladdr 02:00:00:00:00:99 dev eth nud permanent"
            )),
            false => ip(&format!("-n {name} neigh del {address} dev eth")),
        };
        assert!(set, "the way from host {from} to host {to}");
    }

    /// Makes what a host sends slow or unreliable, as `tc` says it (`loss 30%`). False,
    /// and a line that says so, where the system cannot.
    pub fn impair(&self, at: usize, how: &str) -> bool {
        let mut command = Command::new("tc");
        command.args(["-n", &self.hosts[at].name, "qdisc", "replace", "dev", "eth", "root"]);
        let run = command.args(how.split(' ')).stderr(Stdio::null()).status();
        let can = run.is_ok_and(|status| status.success());
        if !can {
            println!("skipped: this system has no `tc qdisc {how}`");
        }
        can
    }
}

impl Host {
    /// Sets up more of it, as `ip` says it (`route add ...`). False where the system
    /// cannot.
    pub fn set_up(&self, arguments: &str) -> bool {
        ip(&format!("-n {} {arguments}", self.name))
    }

    /// The calling thread's sockets are on this host from now on.
    ///
    /// # Panics
    /// The namespace is gone.
    pub fn enter(&self) {
        let space = std::fs::File::open(format!("/run/netns/{}", self.name)).expect("there");
        let kind = rustix::thread::LinkNameSpaceType::Network;
        rustix::thread::move_into_link_name_space(space.as_fd(), Some(kind)).expect("permitted");
    }
}

impl Drop for Net {
    fn drop(&mut self) {
        for host in &self.hosts {
            ip(&format!("netns del {}", host.name));
        }
        ip(&format!("netns del {}", self.switch));
    }
}
