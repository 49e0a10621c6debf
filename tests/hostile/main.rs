//! Guests that mean harm: each ends with a reason that names the limit, or lives on
//! until it is ended, and other actors of its node do not suffer meanwhile.
//!
//! Figures (round trips of other actors during each attack) are printed: run with
//! `--nocapture` to see them.

mod bed;
mod family;
mod files;
mod loops;
mod mail;
mod memory;
mod output;
mod puppet;
mod starts;
