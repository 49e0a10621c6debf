//! The WIT contract as this host was built with it: what `wit/` says, and nothing else.

use std::sync::LazyLock;

use wit_parser::{PackageId, Resolve};

/// The files of the contract that guests can use, with their names in `wit/`.
pub const FILES: &[(&str, &str)] = &[
    ("world.wit", include_str!("../../../wit/world.wit")),
    ("types.wit", include_str!("../../../wit/types.wit")),
    ("process.wit", include_str!("../../../wit/process.wit")),
    ("mailbox.wit", include_str!("../../../wit/mailbox.wit")),
    ("node.wit", include_str!("../../../wit/node.wit")),
    ("rpc.wit", include_str!("../../../wit/rpc.wit")),
    ("names.wit", include_str!("../../../wit/names.wit")),
    ("groups.wit", include_str!("../../../wit/groups.wit")),
    ("locks.wit", include_str!("../../../wit/locks.wit")),
    ("timers.wit", include_str!("../../../wit/timers.wit")),
    ("io.wit", include_str!("../../../wit/io.wit")),
    ("log.wit", include_str!("../../../wit/log.wit")),
    ("entry.wit", include_str!("../../../wit/entry.wit")),
];

/// How names of its interfaces begin.
pub(super) const PACKAGE: &str = "odeon:actor/";

/// The contract, read.
pub(super) struct Contract {
    /// All its types.
    pub(super) resolve: Resolve,
    /// `odeon:actor` among them.
    pub(super) package: PackageId,
}

/// The contract of this host.
pub(super) static CONTRACT: LazyLock<Contract> = LazyLock::new(|| {
    let mut text = String::new();
    for (index, (_, file)) in FILES.iter().enumerate() {
        // One text names its package once.
        let lines = file.lines().filter(|line| index == 0 || !line.starts_with("package "));
        lines.for_each(|line| text.extend([line, "\n"]));
    }
    let mut resolve = Resolve::default();
    // A test reads the contract, so a broken one is never shipped.
    let package = resolve.push_source("wit", &text).expect("the WIT contract is sound");
    Contract { resolve, package }
});
