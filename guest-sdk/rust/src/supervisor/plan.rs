//! What a supervisor decides: which children to stop and start when one ends,
//! and when to give up.
//!
//! Pure: it must not know the host, nor how children are started. Times come in
//! as milliseconds.

use super::{Child, Restart, Strategy};
use crate::types::{ExitReason, Pid};
use std::collections::VecDeque;

/// A child and what has become of it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Entry {
    pub(super) child: Child,
    /// Nothing while it does not run.
    pub(super) pid: Option<Pid>,
}

/// What is to be done about the end of an actor.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It is no child, or nothing is to be done.
    Nothing,
    /// Stop these, in this order, then start these, in this order. Positions.
    Restart { stop: Vec<usize>, start: Vec<usize> },
    /// Too many restarts in too short a time: stop all and end.
    GiveUp,
}

/// The children in the order in which they start, and the rules for them.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) entries: Vec<Entry>,
    strategy: Strategy,
    restarts_max: usize,
    period_ms: u64,
    /// When the restarts within the period were; never more than the maximum.
    restarts: VecDeque<u64>,
}

impl Plan {
    pub(super) fn new(strategy: Strategy, restarts_max: usize, period_ms: u64) -> Self {
        let restarts = VecDeque::new();
        Self { entries: Vec::new(), strategy, restarts_max, period_ms, restarts }
    }

    /// Position of the child with an id.
    pub(super) fn position(&self, id: &str) -> Option<usize> {
        self.entries.iter().position(|entry| entry.child.id == id)
    }

    /// An actor has ended. If it was a child, it is not running any more.
    pub(super) fn ended(&mut self, pid: Pid, reason: &ExitReason, now_ms: u64) -> Verdict {
        let Some(at) = self.entries.iter().position(|entry| entry.pid == Some(pid)) else {
            return Verdict::Nothing;
        };
        self.entries[at].pid = None;
        match self.entries[at].child.restart {
            Restart::Permanent => self.restart(at, now_ms),
            Restart::Transient if !reason.is_orderly() => self.restart(at, now_ms),
            Restart::Transient => Verdict::Nothing,
            Restart::Temporary => {
                self.entries.remove(at);
                Verdict::Nothing
            }
        }
    }

    /// A child that was to be restarted did not start: that is one more restart.
    pub(super) fn restart(&mut self, at: usize, now_ms: u64) -> Verdict {
        if !self.may_restart(now_ms) {
            return Verdict::GiveUp;
        }
        let others = match self.strategy {
            Strategy::OneForOne => at..at,
            Strategy::OneForAll => 0..self.entries.len(),
            Strategy::RestForOne => at..self.entries.len(),
        };
        // Backwards, as each may lean on those before it.
        let stop = others.clone().rev().filter(|&it| self.entries[it].pid.is_some()).collect();
        let starts = |it: &usize| self.entries[*it].child.restart != Restart::Temporary;
        let start = if others.is_empty() { vec![at] } else { others.filter(starts).collect() };
        Verdict::Restart { stop, start }
    }

    /// Counts a restart, if it is not one too many.
    fn may_restart(&mut self, now_ms: u64) -> bool {
        let since = now_ms.saturating_sub(self.period_ms);
        while self.restarts.front().is_some_and(|&at| at < since) {
            self.restarts.pop_front();
        }
        if self.restarts.len() >= self.restarts_max {
            return false;
        }
        self.restarts.push_back(now_ms);
        true
    }

    /// A child was stopped by the supervisor itself. A temporary one is forgotten
    /// by [`Plan::sweep`], as it is never started again.
    pub(super) fn stopped(&mut self, at: usize) {
        self.entries[at].pid = None;
    }

    /// Forgets temporary children that do not run.
    pub(super) fn sweep(&mut self) {
        let is_gone = |it: &Entry| it.pid.is_none() && it.child.restart == Restart::Temporary;
        self.entries.retain(|entry| !is_gone(entry));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pid(serial: u64) -> Pid {
        Pid { node: 1, serial }
    }

    /// Children `1`, `2`, ... that run as pids 1, 2, ...
    fn plan(strategy: Strategy, restarts: &[Restart]) -> Plan {
        let mut plan = Plan::new(strategy, 3, 1000);
        for (at, restart) in restarts.iter().enumerate() {
            let child = Child::actor((at + 1).to_string(), "work", &()).restart(*restart);
            plan.entries.push(Entry { child, pid: Some(pid(at as u64 + 1)) });
        }
        plan
    }

    fn crash() -> ExitReason {
        ExitReason::error("crash")
    }

    const THREE: [Restart; 3] = [Restart::Permanent; 3];

    #[track_caller]
    fn check(verdict: Verdict, stop: &[usize], start: &[usize]) {
        assert_eq!(verdict, Verdict::Restart { stop: stop.to_vec(), start: start.to_vec() });
    }

    #[test]
    fn each_strategy_stops_backwards_and_starts_forwards_what_it_should() {
        let ended = |strategy| plan(strategy, &THREE).ended(pid(2), &crash(), 0);
        check(ended(Strategy::OneForOne), &[], &[1]);
        check(ended(Strategy::OneForAll), &[2, 0], &[0, 1, 2]);
        check(ended(Strategy::RestForOne), &[2], &[1, 2]);
    }

    #[test]
    fn the_kind_of_restart_and_the_reason_decide_whether_a_child_comes_back() {
        let kinds = [Restart::Permanent, Restart::Transient, Restart::Temporary];
        for reason in [ExitReason::Normal, ExitReason::Shutdown] {
            let mut plan = plan(Strategy::OneForOne, &kinds);
            check(plan.ended(pid(1), &reason, 0), &[], &[0]);
            assert_eq!(plan.ended(pid(2), &reason, 0), Verdict::Nothing);
            assert_eq!(plan.ended(pid(3), &reason, 0), Verdict::Nothing);
            assert_eq!(plan.position("2"), Some(1), "a transient child can be started again");
            assert_eq!(plan.position("3"), None, "a temporary child is forgotten");
        }
        let mut plan = plan(Strategy::OneForOne, &kinds);
        check(plan.ended(pid(2), &crash(), 0), &[], &[1]);
        assert_eq!(plan.ended(pid(3), &crash(), 0), Verdict::Nothing);
        assert_eq!(plan.ended(pid(9), &crash(), 0), Verdict::Nothing);
    }

    #[test]
    fn temporary_children_are_stopped_with_the_others_but_not_started_again() {
        let kinds = [Restart::Permanent, Restart::Temporary, Restart::Permanent];
        let mut plan = plan(Strategy::OneForAll, &kinds);
        check(plan.ended(pid(1), &crash(), 0), &[2, 1], &[0, 2]);
        plan.stopped(1);
        plan.sweep();
        assert_eq!(plan.position("2"), None);
        assert_eq!(plan.position("3"), Some(1));
    }

    #[test]
    fn one_restart_too_many_within_the_period_is_the_end() {
        let mut plan = plan(Strategy::OneForOne, &THREE);
        for now_ms in [0, 400, 800] {
            check(plan.restart(0, now_ms), &[], &[0]);
        }
        assert_eq!(plan.restart(0, 1000), Verdict::GiveUp);
        // The first is out of the period now.
        check(plan.restart(0, 1001), &[], &[0]);
        assert_eq!(plan.restart(0, 1002), Verdict::GiveUp);
    }

    #[test]
    fn without_any_restart_allowed_the_first_end_is_the_end() {
        let mut plan = Plan::new(Strategy::OneForOne, 0, 1000);
        plan.entries.push(Entry { child: Child::actor("1", "work", &()), pid: Some(pid(1)) });
        assert_eq!(plan.ended(pid(1), &crash(), 0), Verdict::GiveUp);
    }
}
