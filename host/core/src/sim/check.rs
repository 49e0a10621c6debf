//! What must hold in every simulation, one rule a file, each a function of the trace
//! alone.
//!
//! | file | rule | where it comes from |
//! |---|---|---|
//! | `order` | signals of a pair arrive in the order in which they were sent | OTP, "Signals" |
//! | `once` | nothing arrives twice, or without having been sent | the same |
//! | `links` | no link is left on one side only | OTP, "Link Protocol" |
//! | `unlink` | a link has no effect after `unlink` returned | `unlink/1` |
//! | `monitors` | a monitor fires once, unless it was ended | `monitor/2`, `demonitor/2` |
//! | `aliases` | what comes through an alias counts only while it is active | EEP 53 |
//! | `requests` | what is owed one answer gets exactly one | the machine's contract |
//! | `spawns` | the reply comes before anything of the child | `spawn_request/5` |
//! | `incarnation` | nothing comes from a dead incarnation or a lost node | `net_kernel` |
//! | `limits` | no mailbox holds more than it may | this project |

mod aliases;
mod incarnation;
mod limits;
mod links;
mod monitors;
mod once;
mod order;
mod requests;
mod spawns;
mod unlink;

use super::trace::Record;

/// A rule: what is wrong with these records, if anything.
pub type Rule = fn(&[Record]) -> Result<(), String>;

/// All rules, by name.
pub const RULES: [(&str, Rule); 10] = [
    ("order", order::check),
    ("once", once::check),
    ("links", links::check),
    ("unlink", unlink::check),
    ("monitors", monitors::check),
    ("aliases", aliases::check),
    ("requests", requests::check),
    ("spawns", spawns::check),
    ("incarnation", incarnation::check),
    ("limits", limits::check),
];

/// What is wrong with these records, by rule. Nothing, if nothing is.
pub fn all(records: &[Record]) -> Vec<String> {
    let complaint = |(name, rule): &(&str, Rule)| match rule(records) {
        Ok(()) => None,
        Err(what) => Some(format!("{name}: {what}")),
    };
    RULES.iter().filter_map(complaint).collect()
}

/// Nothing, if it holds; else what is wrong.
fn ensure(holds: bool, what_is_wrong: impl FnOnce() -> String) -> Result<(), String> {
    if holds { Ok(()) } else { Err(what_is_wrong()) }
}

#[cfg(test)]
#[path = "check_test.rs"]
mod tests;
