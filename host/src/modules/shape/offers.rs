//! What this host offers to guests, and what it answers to one import.
//!
//! The list of `odeon:actor` is read from the WIT contract itself, so it cannot drift from it;
//! the list of WASI is what the host links. Whether a grant is given is the spawner's business.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

use super::super::near::{did_you_mean, near_names, shorten};
use super::Signature;

/// How this host answers an import.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Offer {
    /// Part of `odeon:actor`; every actor has it.
    Actor,
    /// Part of WASI that every actor has: clocks, randomness, streams, exit.
    Granted,
    /// Part of WASI that is there, but empty without a grant.
    NeedsGrant(Grant),
    /// Only names of types: nothing is called.
    NotNeeded,
    /// Nobody here has it.
    Missing {
        /// What is missing, and what may have been meant.
        reason: String,
    },
}

/// What the policy of a spawn can give to an actor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Grant {
    /// Directories of the host.
    Filesystem,
    /// Connections to the network.
    Sockets,
    /// Environment variables. The arguments of a command come by the same interface, and need
    /// no grant.
    Environment,
}

/// Where a host can start a component.
pub(super) enum Start {
    /// `wasi:cli/run`, version 0.2.
    Command,
    /// The entry of the SDKs.
    Entry,
    /// The entry of the SDKs, of another version.
    UnknownEntry,
}

const CONTRACT: &[&str] = &[
    include_str!("../../../../wit/world.wit"),
    include_str!("../../../../wit/types.wit"),
    include_str!("../../../../wit/process.wit"),
    include_str!("../../../../wit/mailbox.wit"),
    include_str!("../../../../wit/node.wit"),
    include_str!("../../../../wit/rpc.wit"),
    include_str!("../../../../wit/names.wit"),
    include_str!("../../../../wit/groups.wit"),
    include_str!("../../../../wit/locks.wit"),
    include_str!("../../../../wit/timers.wit"),
    include_str!("../../../../wit/io.wit"),
    include_str!("../../../../wit/log.wit"),
    include_str!("../../../../wit/entry.wit"),
];

/// The interfaces of `odeon:actor` that guests can import, with their functions.
struct Contract {
    major: u64,
    minor: u64,
    version: String,
    interfaces: BTreeMap<String, Vec<String>>,
}

static ACTOR: LazyLock<Contract> = LazyLock::new(|| {
    let mut text = String::new();
    for (index, file) in CONTRACT.iter().enumerate() {
        // One text names its package once.
        let lines = file.lines().filter(|line| index == 0 || !line.starts_with("package "));
        lines.for_each(|line| text.extend([line, "\n"]));
    }
    // A test reads the contract, so a broken one is never shipped.
    let mut resolve = wit_parser::Resolve::default();
    let package = resolve.push_source("wit", &text).expect("the WIT contract is sound");
    let version = resolve.packages[package].name.version.clone();
    let version = version.expect("the WIT contract has a version");
    let world = resolve.packages[package].worlds["imports"];
    let mut interfaces = BTreeMap::new();
    for item in resolve.worlds[world].imports.values() {
        if let wit_parser::WorldItem::Interface { id, .. } = item {
            let interface = &resolve.interfaces[*id];
            let name = interface.name.clone().expect("an interface of a package has a name");
            interfaces.insert(name, interface.functions.keys().cloned().collect());
        }
    }
    let (major, minor) = (version.major, version.minor);
    Contract { major, minor, version: version.to_string(), interfaces }
});

/// What WASI 0.2 the host links, and how it is given.
const WASI: &[(&str, Offer)] = &[
    ("wasi:cli/environment", Offer::NeedsGrant(Grant::Environment)),
    ("wasi:cli/exit", Offer::Granted),
    ("wasi:cli/stderr", Offer::Granted),
    ("wasi:cli/stdin", Offer::Granted),
    ("wasi:cli/stdout", Offer::Granted),
    ("wasi:cli/terminal-input", Offer::Granted),
    ("wasi:cli/terminal-output", Offer::Granted),
    ("wasi:cli/terminal-stderr", Offer::Granted),
    ("wasi:cli/terminal-stdin", Offer::Granted),
    ("wasi:cli/terminal-stdout", Offer::Granted),
    ("wasi:clocks/monotonic-clock", Offer::Granted),
    ("wasi:clocks/wall-clock", Offer::Granted),
    ("wasi:filesystem/preopens", Offer::NeedsGrant(Grant::Filesystem)),
    ("wasi:filesystem/types", Offer::NeedsGrant(Grant::Filesystem)),
    ("wasi:io/error", Offer::Granted),
    ("wasi:io/poll", Offer::Granted),
    ("wasi:io/streams", Offer::Granted),
    ("wasi:random/insecure", Offer::Granted),
    ("wasi:random/insecure-seed", Offer::Granted),
    ("wasi:random/random", Offer::Granted),
    ("wasi:sockets/instance-network", Offer::NeedsGrant(Grant::Sockets)),
    ("wasi:sockets/ip-name-lookup", Offer::NeedsGrant(Grant::Sockets)),
    ("wasi:sockets/network", Offer::NeedsGrant(Grant::Sockets)),
    ("wasi:sockets/tcp", Offer::NeedsGrant(Grant::Sockets)),
    ("wasi:sockets/tcp-create-socket", Offer::NeedsGrant(Grant::Sockets)),
    ("wasi:sockets/udp", Offer::NeedsGrant(Grant::Sockets)),
    ("wasi:sockets/udp-create-socket", Offer::NeedsGrant(Grant::Sockets)),
];

/// How this host answers an import with these functions.
pub(super) fn offer(name: &str, functions: &[Signature]) -> Offer {
    let (path, version) = split_version(name);
    if let Some(interface) = path.strip_prefix("odeon:actor/") {
        return actor_offer(name, interface, version, functions);
    }
    if let Some((_, offer)) = WASI.iter().find(|(offered, _)| *offered == path) {
        return match version.and_then(numbers) {
            Some((0, 2)) => offer.clone(),
            _ => missing(format!(
                "imports `{}`, and this host has version 0.2 of it: build it for wasm32-wasip2",
                shorten(name)
            )),
        };
    }
    missing(unknown_text(name, path))
}

fn missing(reason: String) -> Offer {
    Offer::Missing { reason }
}

fn actor_offer(
    name: &str,
    interface: &str,
    version: Option<&str>,
    functions: &[Signature],
) -> Offer {
    let Some(offered) = ACTOR.interfaces.get(interface) else {
        return missing(unknown_text(name, &format!("odeon:actor/{interface}")));
    };
    if version.and_then(numbers) != Some((ACTOR.major, ACTOR.minor)) {
        return missing(format!(
            "imports `{}`, and this host has odeon:actor@{}: build the guest with an SDK of that \
             version",
            shorten(name),
            ACTOR.version
        ));
    }
    match functions.iter().find(|function| !offered.contains(&function.name)) {
        None => Offer::Actor,
        Some(function) => {
            let near = near_names(&function.name, offered.iter().map(String::as_str));
            missing(format!(
                "imports the function `{}` of `{}`, which has none of that name{}",
                shorten(&function.name),
                shorten(name),
                did_you_mean(&near)
            ))
        }
    }
}

fn unknown_text(name: &str, path: &str) -> String {
    let actor = ACTOR.interfaces.keys().map(|name| format!("odeon:actor/{name}"));
    let offered: Vec<String> =
        actor.chain(WASI.iter().map(|(name, _)| (*name).to_owned())).collect();
    let near = near_names(path, offered.iter().map(String::as_str));
    format!("imports `{}`, which nobody here offers{}", shorten(name), did_you_mean(&near))
}

/// Whether an exported interface is one at which a host can start.
pub(super) fn start_of(name: &str) -> Option<Start> {
    let (path, version) = split_version(name);
    let numbers = version.and_then(numbers);
    match path {
        "wasi:cli/run" => (numbers == Some((0, 2))).then_some(Start::Command),
        "odeon:actor/entry" if numbers == Some((ACTOR.major, ACTOR.minor)) => Some(Start::Entry),
        "odeon:actor/entry" => Some(Start::UnknownEntry),
        _ => None,
    }
}

fn split_version(name: &str) -> (&str, Option<&str>) {
    match name.split_once('@') {
        Some((path, version)) => (path, Some(version)),
        None => (name, None),
    }
}

/// The major and minor number: before 1.0 they decide what fits.
fn numbers(version: &str) -> Option<(u64, u64)> {
    let mut parts = version.split(['.', '-', '+']);
    Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
}
