//! Ticks by hand: the owner's clock is a number.

use super::*;

const SECOND: Duration = Duration::from_secs(1);

/// Erlang's default.
const TICK_TIME: Duration = Duration::from_secs(60);

fn ticks() -> Ticks {
    Ticks::new(TICK_TIME, INTERVALS)
}

#[test]
fn a_tick_goes_out_after_an_interval_in_which_nothing_else_did() {
    let mut ticks = ticks();
    assert_eq!(ticks.interval(), 15 * SECOND);
    assert_eq!(ticks.tick(true, true), TickVerdict::Nothing);
    assert_eq!(ticks.tick(true, false), TickVerdict::Send);
    assert_eq!(ticks.tick(true, true), TickVerdict::Nothing);
}

#[test]
fn a_side_that_is_silent_for_a_tick_time_is_down_and_not_before() {
    let mut ticks = ticks();
    assert_eq!(ticks.tick(true, true), TickVerdict::Nothing);
    for _ in 0..3 {
        assert_eq!(ticks.tick(false, true), TickVerdict::Nothing);
    }
    assert_eq!(ticks.tick(false, true), TickVerdict::Down);
}

#[test]
fn any_byte_is_life() {
    let mut ticks = ticks();
    for round in 0..100 {
        let received_any = round % 4 == 3;
        assert_ne!(ticks.tick(received_any, false), TickVerdict::Down, "{round}");
    }
}

#[test]
fn a_silent_side_that_is_down_still_counts_as_down() {
    let mut ticks = Ticks::new(4 * SECOND, 1);
    assert_eq!(ticks.tick(false, false), TickVerdict::Down);
    assert_eq!(ticks.tick(false, false), TickVerdict::Down);
}

#[test]
fn strange_settings_make_no_busy_loop_and_no_panic() {
    for (time, intervals) in
        [(Duration::ZERO, 0), (Duration::from_nanos(1), 1000), (Duration::MAX, 0)]
    {
        let mut ticks = Ticks::new(time, intervals);
        assert!(ticks.interval() >= INTERVAL_MIN);
        for _ in 0..10 {
            let _ = ticks.tick(false, false);
        }
        ticks.change(SECOND, Duration::MAX);
        for _ in 0..10 {
            let _ = ticks.tick(false, false);
        }
    }
}

#[test]
fn the_same_tick_time_again_changes_nothing() {
    let mut ticks = ticks();
    ticks.change(TICK_TIME, 60 * SECOND);
    assert!(ticks.transition.is_none());
    assert_eq!(ticks.time(), TICK_TIME);
}

#[test]
fn during_a_change_ticks_go_as_the_shorter_time_wants_and_silence_is_borne_as_the_longer_allows() {
    for (old, new) in [(60, 8), (8, 60)] {
        let mut ticks = Ticks::new(old * SECOND, 4);
        ticks.change(new * SECOND, 120 * SECOND);
        assert_eq!(ticks.interval(), 2 * SECOND);
        for second in 1..30 {
            assert_eq!(ticks.tick(false, false), TickVerdict::Send, "after {second} intervals");
        }
        assert_eq!(ticks.tick(false, false), TickVerdict::Down, "after sixty seconds");
    }
}

#[test]
fn after_a_change_only_the_new_time_counts() {
    let mut ticks = ticks();
    ticks.change(8 * SECOND, 20 * SECOND);
    for _ in 0..10 {
        assert_ne!(ticks.tick(false, true), TickVerdict::Down);
    }
    assert_eq!((ticks.interval(), ticks.time()), (2 * SECOND, 8 * SECOND));
    for _ in 0..3 {
        assert_eq!(ticks.tick(false, true), TickVerdict::Nothing, "the silence began anew");
    }
    assert_eq!(ticks.tick(false, true), TickVerdict::Down);
}

#[test]
fn a_change_during_a_change_bears_with_all_of_the_times() {
    let mut ticks = Ticks::new(60 * SECOND, 4);
    ticks.change(8 * SECOND, 40 * SECOND);
    ticks.change(20 * SECOND, 40 * SECOND);
    assert_eq!(ticks.interval(), 2 * SECOND);
    for _ in 0..20 {
        assert_eq!(ticks.tick(false, false), TickVerdict::Send);
    }
    assert_eq!(ticks.interval(), 5 * SECOND);
}

/// Two nodes on one line of time, in seconds, whose only traffic is ticks.
struct Node {
    ticks: Ticks,
    next: Duration,
    heard: bool,
}

impl Node {
    fn at(start: u32, time: u32) -> Self {
        let ticks = Ticks::new(time * SECOND, 4);
        Self { next: start * SECOND + ticks.interval(), ticks, heard: false }
    }
}

#[test]
fn two_silent_nodes_keep_each_other_through_changes_that_they_begin_apart() {
    let quarter = Duration::from_millis(250);
    for (old, new) in [(60, 8), (8, 60), (60, 4), (4, 240)] {
        for apart in [0, 1, 7, 29, 39] {
            let mut nodes = [Node::at(0, old), Node::at(1, old)];
            for now in (0..4 * 2000).map(|n| n * quarter) {
                for who in 0..2 {
                    let begins = (100 + apart * u32::try_from(who).expect("0 or 1")) * SECOND;
                    if now == begins {
                        nodes[who].ticks.change(new * SECOND, 40 * SECOND);
                        nodes[who].next = now + nodes[who].ticks.interval();
                    }
                    if now < nodes[who].next {
                        continue;
                    }
                    let heard = std::mem::take(&mut nodes[who].heard);
                    let verdict = nodes[who].ticks.tick(heard, false);
                    assert_ne!(
                        verdict,
                        TickVerdict::Down,
                        "{old} to {new}, {apart} apart, at {now:?}"
                    );
                    nodes[who].next = now + nodes[who].ticks.interval();
                    nodes[1 - who].heard = true;
                }
            }
        }
    }
}
