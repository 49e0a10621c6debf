//! The guest SDK, checked from within a real host: each function ends `normal`
//! if all is as it should be, and panics with what is not.

use crate::servers::{Ask, Tally, Tell};
use odeon_guest::server::{CallError, ServerRef, StartError};
use odeon_guest::supervisor::{ChildError, SupervisorRef};
use odeon_guest::task::{Task, TaskError};
use odeon_guest::{
    Event, ExitReason, Pid, event_where, me, monitor, next_event, next_event_timeout, receive,
    send, spawn, spawn_monitor, timer, trap_exit,
};
use std::time::Duration;

/// Long enough for anything that is to happen.
const LONG: Duration = Duration::from_secs(10);

/// Long enough to show that nothing happens.
const SHORT: Duration = Duration::from_millis(50);

fn tally(first: u64) -> ServerRef<Tally> {
    ServerRef::start("tally", &first).expect("the tally starts")
}

/// Nothing is left over: no late reply, no `Down`, no `Exit`.
#[track_caller]
fn assert_silence() {
    assert_eq!(next_event_timeout(SHORT), None);
}

pub(crate) fn check_call_answers(_: ()) {
    let tally = tally(40);
    tally.cast(&Tell::Add(1));
    assert_eq!(tally.call(&Ask::Add(1), LONG), Ok(42));
    assert_eq!(tally.stop(LONG), Ok(()));
    assert_eq!(tally.call(&Ask::Add(1), LONG), Err(CallError::Exit(ExitReason::Noproc)));
    assert_silence();
}

pub(crate) fn check_call_timeout_leaves_nothing_behind(_: ()) {
    let tally = tally(0);
    assert_eq!(tally.call(&Ask::AddLater(1), SHORT), Err(CallError::Timeout));
    // The late answer goes to an alias that has ended.
    tally.cast(&Tell::AnswerAll);
    assert_eq!(tally.call(&Ask::Add(0), LONG), Ok(1));
    assert_silence();
}

pub(crate) fn check_call_to_the_dead_gives_the_reason(_: ()) {
    let tally = tally(0);
    let reason = ExitReason::error("told to");
    assert_eq!(tally.call(&Ask::Die("told to".into()), LONG), Err(CallError::Exit(reason)));
    let nobody = ServerRef::<Tally>::at("nobody has this name");
    assert_eq!(nobody.call(&Ask::Add(1), LONG), Err(CallError::Exit(ExitReason::Noproc)));
    assert_silence();
}

pub(crate) fn check_deferred_reply(_: ()) {
    let tally = tally(0);
    let pid = tally.pid().expect("a started server has a pid");
    // The tally is told to answer while this actor waits for the answer.
    timer::send_after(SHORT, pid, "answer all").expect("one timer is allowed");
    assert_eq!(tally.call(&Ask::AddLater(7), LONG), Ok(7));
    assert_silence();
}

pub(crate) fn check_failing_init_gives_the_reason(_: ()) {
    let refusal = StartError::Exit(ExitReason::error("too much"));
    assert_eq!(ServerRef::<Tally>::start("tally", &u64::MAX).err(), Some(refusal.clone()));
    trap_exit(true);
    assert_eq!(ServerRef::<Tally>::start_link("tally", &u64::MAX).err(), Some(refusal));
    assert_silence();
}

pub(crate) fn check_monitor_guard_ends_the_monitor(_: ()) {
    let pid = spawn("waiter", &()).expect("the waiter starts");
    let kept = monitor(pid);
    drop(monitor(pid));
    assert!(monitor(pid).demonitor(), "the watched actor still lives");
    odeon_guest::exit(pid, &ExitReason::Kill);
    let down = kept.wait(Some(LONG)).expect("the waiter ends");
    assert_eq!(down.reason, ExitReason::Killed);
    assert!(!{
        let dead = monitor(pid);
        odeon_guest::sleep(SHORT);
        dead.demonitor()
    });
    assert_silence();
}

pub(crate) fn check_selective_receive_keeps_order(_: ()) {
    for number in 1..=3_u64 {
        send(me(), &number);
    }
    let timer = timer::start(Duration::ZERO).expect("one timer is allowed");
    for number in 4..=5_u64 {
        send(me(), &number);
    }
    let event = event_where(|event| matches!(event, Event::Timeout(_)));
    assert_eq!(event, Event::Timeout(timer.reference()));
    // A call in the midst of it all takes its own answer and nothing else.
    assert_eq!(tally(1).call(&Ask::Add(1), LONG), Ok(2));
    for number in 1..=5_u64 {
        assert_eq!(receive(), Ok((me(), number)));
    }
    assert_silence();
}

pub(crate) fn check_task_gives_result_or_reason(_: ()) {
    let task = Task::<u64>::spawn("square", &12_u64).expect("the task starts");
    assert_eq!(task.await_result(LONG), Ok(144));
    let crash = Task::<u64>::spawn("square", &u64::MAX).expect("the task starts");
    let Err(TaskError::Exit(ExitReason::Trap(text))) = crash.await_result(LONG) else {
        panic!("a panic of a task is its exit reason");
    };
    assert!(text.contains("too large to square"), "{text}");
    let slow = Task::<u64>::spawn("waiter", &()).expect("the task starts");
    let pid = slow.pid();
    assert_eq!(slow.await_result(SHORT), Err(TaskError::Timeout));
    let down = monitor(pid).wait(Some(LONG)).expect("a late task is killed");
    assert!(matches!(down.reason, ExitReason::Killed | ExitReason::Noproc));
    assert_silence();
}

pub(crate) fn check_timer_can_be_cancelled(_: ()) {
    let timer = timer::start(LONG).expect("one timer is allowed");
    assert!(timer.cancel().is_some_and(|left| left <= LONG));
    let over = timer::start(Duration::ZERO).expect("one timer is allowed");
    odeon_guest::sleep(SHORT);
    assert_eq!(over.cancel(), None);
    assert_silence();
}

/// Pids of a supervisor's children, which all run.
fn children(supervisor: &SupervisorRef) -> Vec<Pid> {
    let children = supervisor.which_children(LONG).expect("the supervisor answers");
    children.into_iter().map(|child| child.pid.expect("it runs")).collect()
}

/// Ends a child, and waits until the supervisor has dealt with that.
fn crash(supervisor: &SupervisorRef, pid: Pid) -> Vec<Pid> {
    let watch = monitor(pid);
    odeon_guest::exit(pid, &ExitReason::error("crash"));
    watch.wait(Some(LONG)).expect("the child ends");
    // The end reached the supervisor before this call: both came from the child
    // in one step, before it was known here.
    loop {
        let now = children(supervisor);
        if !now.contains(&pid) {
            return now;
        }
    }
}

pub(crate) fn check_supervisor_restarts(_: ()) {
    let root = SupervisorRef::start_link("root", "one-for-one").expect("the supervisor starts");
    let before = children(&root);
    let after = crash(&root, before[1]);
    assert_eq!((before[0], before[2]), (after[0], after[2]));
    assert_ne!(before[1], after[1]);
    assert_eq!(root.count_children(LONG).map(|count| (count.known, count.running)), Ok((3, 3)));
    assert_eq!(root.terminate_child("b", LONG), Ok(Ok(())));
    assert_eq!(root.delete_child("a", LONG), Ok(Err(ChildError::Running)));
    assert!(matches!(root.restart_child("b", LONG), Ok(Ok(_))));
    assert_eq!(children(&root).len(), 3);
    assert_silence();
}

pub(crate) fn check_supervisor_one_for_all(_: ()) {
    let root = SupervisorRef::start_link("root", "one-for-all").expect("the supervisor starts");
    let before = children(&root);
    let after = crash(&root, before[2]);
    assert_eq!(after.len(), 3);
    assert!(before.iter().all(|pid| !after.contains(pid)));
    let rest = SupervisorRef::start_link("root", "rest-for-one").expect("the supervisor starts");
    let before = children(&rest);
    let after = crash(&rest, before[1]);
    assert_eq!(before[0], after[0]);
    assert!(!after.contains(&before[1]) && !after.contains(&before[2]));
    assert_silence();
}

pub(crate) fn check_supervisor_gives_up(_: ()) {
    trap_exit(true);
    let root = SupervisorRef::start_link("root", "one-for-one").expect("the supervisor starts");
    let survivor = children(&root)[0];
    for _ in 0..2 {
        let victim = children(&root)[2];
        crash(&root, victim);
    }
    odeon_guest::exit(children(&root)[2], &ExitReason::error("once too often"));
    let Event::Exit(exited) = next_event() else {
        panic!("the supervisor's end comes first");
    };
    assert_eq!(exited.reason, ExitReason::Shutdown);
    assert!(!odeon_guest::process::is_alive(survivor), "children end before their supervisor");
    assert_silence();
}

pub(crate) fn check_supervisor_stops_in_reverse_order(_: ()) {
    let (root, watch) = spawn_monitor("reporting_root", &me()).expect("the supervisor starts");
    let started: Vec<String> = (0..3).map(|_| heard()).collect();
    assert_eq!(started, ["start a", "start b", "start c"]);
    odeon_guest::exit(root, &ExitReason::Shutdown);
    // Sent by hand, that signal is not the starter's, so it changes nothing.
    assert_silence();
    ServerRef::<Tally>::at(root).stop(LONG).expect("a supervisor can be stopped");
    let ended: Vec<String> = (0..3).map(|_| heard()).collect();
    assert_eq!(ended, ["end c", "end b", "end a"]);
    assert_eq!(watch.wait(Some(LONG)).map(|down| down.reason), Ok(ExitReason::Normal));
    assert_silence();
}

fn heard() -> String {
    let (_, text) = receive::<String>().expect("reporters send text");
    text
}
