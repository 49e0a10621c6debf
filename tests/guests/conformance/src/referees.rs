//! Functions that decide between two owners of a cluster name, in every way that there
//! is, right and wrong.

use odeon_guest::Raw;
use odeon_guest::names::{Choice, Clash};

/// The owner with the greater pid.
pub(crate) fn greater(clash: Clash) -> Choice {
    let order = |pid: odeon_guest::Pid| (pid.node, pid.serial);
    if order(clash.own) > order(clash.other) { Choice::Own } else { Choice::Other }
}

/// The owner with the smaller pid.
pub(crate) fn smaller(clash: Clash) -> Choice {
    match greater(clash) {
        Choice::Own => Choice::Other,
        Choice::Other | Choice::Neither => Choice::Own,
    }
}

/// Nobody.
pub(crate) fn neither(_: Clash) -> Choice {
    Choice::Neither
}

/// A trap.
pub(crate) fn trapping(_: Clash) -> Choice {
    panic!("no decision")
}

/// No end.
pub(crate) fn hanging(_: Clash) -> Choice {
    loop {
        std::hint::spin_loop();
    }
}

/// Bytes that mean nothing.
pub(crate) fn babbling(_: Clash) -> Raw {
    Raw(b"own".to_vec())
}
