//! The actors that the test suites and benchmarks drive.
//!
//! [`puppet`] is for tests of the host, which are scripts over puppets; the
//! `check_` functions are for the SDK.

mod calls;
mod checks;
mod convert;
mod hostile;
mod locked;
mod named;
mod puppet;
mod referees;
mod servers;

use calls::*;
use checks::*;
use locked::{locked, locked_to_death};
use named::*;
use odeon_guest::groups::Scope;
use odeon_guest::mailbox::Event;
use odeon_guest::{
    ActorResult, ExitReason, Raw, actors, me, names, next_event, receive, send, send_bytes,
};
use puppet::puppet;
use referees::*;
use serde::{Deserialize, Serialize};
use servers::{reporter, reporting_root, root, square, tally};

/// Sends every message back to where it came from.
fn echo(_: Raw) {
    loop {
        if let Event::Message(message) = next_event() {
            send_bytes(message.sender, &message.body);
        }
    }
}

/// What `odeon bench languages` sends.
#[derive(Serialize, Deserialize)]
struct Letter {
    name: String,
    values: Vec<u64>,
}

/// Reads letters, and sends each back as it would write it.
fn echo_letter(_: Raw) {
    loop {
        if let Ok((sender, letter)) = receive::<Letter>() {
            send(sender, &letter);
        }
    }
}

/// Waits for ever, whatever comes.
fn waiter(_: Raw) {
    loop {
        let _ignored = next_event();
    }
}

/// Ends at once.
fn nothing(_: Raw) {}

/// Has a cluster name that is no text, is in a group twice, and waits for ever.
fn desk(_: Raw) -> ActorResult {
    names::register(b"desk\xff", me())?;
    Scope::start("shop")?.join_all("staff", &[me(), me()])?;
    loop {
        let _ignored = next_event();
    }
}

/// Panics with a text.
fn crash(text: String) {
    panic!("{text}");
}

/// Ends with a failure in words.
fn fail(text: String) -> ActorResult {
    Err(ExitReason::Error(text))
}

actors! {
    puppet, echo, echo_letter, waiter, nothing, desk, crash, fail,
    tally, square, root, reporting_root, reporter,
    add, half, slow, same, tell, too_long, gather,
    locked, locked_to_death,
    via_add, via_find_and_add, via_wait, via_start, via_whereis, via_tell_all, via_open,
    via_impostor, impostor,
    heir, heir_find_and_add, named_root, finder,
    greater, smaller, neither, trapping, hanging, babbling,
    check_a_group_is_shared_by_all_that_start_under_it,
    check_a_supervised_name_is_had_again_after_a_restart,
    check_call_answers,
    check_call_timeout_leaves_nothing_behind,
    check_call_to_the_dead_gives_the_reason,
    check_deferred_reply,
    check_failing_init_gives_the_reason,
    check_find_or_start_gives_all_who_ask_one_server,
    check_monitor_guard_ends_the_monitor,
    check_rpc_collection_gives_labelled_outcomes,
    check_rpc_gives_values_and_errors,
    check_rpc_multicall_keeps_the_order,
    check_rpc_requests_are_received_polled_and_checked,
    check_rpc_timeout_leaves_nothing_behind,
    check_selective_receive_keeps_order,
    check_supervisor_gives_up,
    check_supervisor_one_for_all,
    check_supervisor_restarts,
    check_supervisor_stops_in_reverse_order,
    check_task_gives_result_or_reason,
    check_timer_can_be_cancelled,
    check_via_finds_what_was_started_under_it,
    check_via_is_the_servers_before_its_init,
    check_via_taken_names_the_owner_and_begins_nothing,
    check_via_that_is_no_name_fails_the_start,
}
