//! Servers under names: functions that tests call on the nodes of a cluster, and the checks
//! of the SDK that one node is enough for, as in `checks`.

use crate::servers::{Ask, Tally, Tell};
use odeon_guest::groups::Scope;
use odeon_guest::mailbox::NameLost;
use odeon_guest::names::Resolver;
use odeon_guest::server::{
    CallError, Caller, Server, ServerRef, Start, StartError, StartOptions, Via, serve,
};
use odeon_guest::supervisor::{Child, ChildError, Strategy, Supervisor, SupervisorRef};
use odeon_guest::task::Task;
use odeon_guest::{
    ActorResult, ExitReason, Pid, me, monitor, names, next_event, next_event_timeout, receive,
    send, spawn,
};
use std::time::Duration;

/// Long enough for anything that is to happen.
const LONG: Duration = Duration::from_secs(10);

/// Long enough to show that nothing happens.
const SHORT: Duration = Duration::from_millis(50);

/// A name of this kind; a group is one of the scope `shop`.
fn via(kind: &str, name: &str) -> Via {
    match kind {
        "local" => Via::local(name),
        "cluster" => Via::cluster(name),
        "group" => Via::group("shop", name),
        other => panic!("no kind of name: {other}"),
    }
}

/// Adds to the tally of a name, and gives its sum.
pub(crate) fn via_add((kind, name, n): (String, String, u64)) -> Result<u64, CallError> {
    ServerRef::<Tally>::via(via(&kind, &name)).call(&Ask::Add(n), LONG)
}

/// The same, with a tally that is started if there is none.
pub(crate) fn via_find_and_add((kind, name, n): (String, String, u64)) -> Result<u64, ExitReason> {
    let tally = ServerRef::<Tally>::find_or_start(via(&kind, &name), "tally", &0)?;
    Ok(tally.call(&Ask::Add(n), LONG)?)
}

/// Asks the tally of a name what it does not answer.
pub(crate) fn via_wait((kind, name): (String, String)) -> Result<u64, CallError> {
    ServerRef::<Tally>::via(via(&kind, &name)).call(&Ask::AddLater(1), LONG)
}

/// Starts a tally under a name, and gives its pid.
pub(crate) fn via_start((kind, name, first): (String, String, u64)) -> Result<Pid, StartError> {
    let options = StartOptions { via: Some(via(&kind, &name)), ..StartOptions::default() };
    let tally = ServerRef::<Tally>::start_with("tally", &first, options, |spawn| spawn)?;
    Ok(tally.pid().expect("a started server has a pid"))
}

/// Whom a name leads to.
pub(crate) fn via_whereis((kind, name): (String, String)) -> Option<Pid> {
    via(&kind, &name).whereis()
}

/// Tells all members of a group.
pub(crate) fn via_tell_all((name, n): (String, u64)) {
    ServerRef::<Tally>::via(via("group", &name)).cast_all(&Tell::Add(n));
}

/// From now on this node knows the groups.
pub(crate) fn via_open(_: ()) -> ActorResult {
    Scope::start("shop")?;
    Ok(())
}

/// Adds to the heir of a cluster name, which is started if there is none.
pub(crate) fn heir_find_and_add((name, n): (String, u64)) -> Result<u64, ExitReason> {
    let heir = ServerRef::<Heir>::find_or_start(Via::cluster(&name), "heir", &None)?;
    Ok(heir.call(&n, LONG)?)
}

/// A sum that goes over to whoever takes its name; the one that came first keeps it.
#[derive(Debug)]
pub(crate) struct Heir {
    sum: u64,
    told: Option<Pid>,
}

impl Server for Heir {
    type Init = Option<Pid>;
    type Call = u64;
    type Reply = u64;
    type Cast = u64;

    /// Tells the argument that it began, and whether it has its name by then.
    fn init(told: Option<Pid>) -> Result<Self, ExitReason> {
        if let Some(told) = told {
            let has_name = names::whereis("heir") == Some(me());
            send(told, &(if has_name { "began" } else { "has no name" }));
        }
        Ok(Self { sum: 0, told })
    }

    fn call(&mut self, n: u64, caller: Caller<u64>) -> ActorResult {
        self.sum += n;
        caller.reply(&self.sum);
        Ok(())
    }

    fn cast(&mut self, n: u64) -> ActorResult {
        self.sum += n;
        Ok(())
    }

    fn resolver() -> Resolver {
        Resolver::OldestNotify
    }

    fn name_lost(&mut self, lost: NameLost) -> ActorResult {
        ServerRef::<Self>::at(lost.other).cast(&self.sum);
        Err(ExitReason::Normal)
    }

    fn terminate(&mut self, _: &ExitReason) {
        if let Some(told) = self.told {
            send(told, "ends");
        }
    }
}

pub(crate) fn heir(start: Start<Option<Pid>>) -> ActorResult {
    serve::<Heir>(start)
}

/// A child under a cluster name.
pub(crate) fn named_root(start: Start<String>) -> ActorResult {
    let child = Child::server("a", "tally", &1_u64).via(Via::cluster(&start.argument));
    Supervisor::new(Strategy::OneForOne).intensity(2, LONG).child(child).run(start)
}

/// Lets somebody have a cluster name who does not serve, and leaves it to this actor when it
/// is asked.
pub(crate) fn via_impostor((name, to): (String, Pid)) -> ActorResult {
    spawn("impostor", &(me(), name, to))?;
    receive::<()>()?;
    Ok(())
}

/// What a server is that finds its name taken: there is nobody, and the name is another's.
pub(crate) fn impostor((parent, name, to): (Pid, String, Pid)) -> ActorResult {
    names::register(&name, me())?;
    send(parent, &());
    let _asked = next_event();
    names::re_register(&name, to)?;
    Err(ExitReason::Noproc)
}

/// Finds or starts a tally under a cluster name, and gives its pid.
pub(crate) fn finder(job: odeon_guest::task::Job<String>) -> ActorResult {
    let tally = ServerRef::<Tally>::find_or_start(Via::cluster(&job.argument), "tally", &0)?;
    let _counted = tally.call(&Ask::Add(1), LONG)?;
    job.finish(&tally.pid())
}

/// Nothing is left over: no late reply, no `Down`, no `Exit`.
#[track_caller]
fn assert_silence() {
    assert_eq!(next_event_timeout(SHORT), None);
}

fn noproc<T>() -> Result<T, CallError> {
    Err(CallError::Exit(ExitReason::Noproc))
}

pub(crate) fn check_via_finds_what_was_started_under_it(_: ()) {
    Scope::start("shop").expect("one scope is allowed");
    for kind in ["local", "cluster", "group"] {
        let via = via(kind, "the tally");
        let before = ServerRef::<Tally>::via(via.clone());
        assert_eq!((before.pid(), before.call(&Ask::Add(1), LONG)), (None, noproc()), "{kind}");
        assert_eq!(before.stop(LONG), noproc(), "{kind}");
        before.cast(&Tell::Add(1));
        let tally = ServerRef::<Tally>::start_via(via.clone(), "tally", &40).expect("it starts");
        before.cast(&Tell::Add(1));
        before.cast_all(&Tell::Add(1));
        assert_eq!(before.call(&Ask::Add(0), LONG), Ok(42), "{kind}");
        assert!(tally.pid().is_some() && tally.pid() == via.whereis(), "{kind}");
        assert_eq!(before.stop(LONG), Ok(()), "{kind}");
        assert_eq!((before.pid(), before.call(&Ask::Add(1), LONG)), (None, noproc()), "{kind}");
    }
    assert_silence();
}

pub(crate) fn check_via_taken_names_the_owner_and_begins_nothing(_: ()) {
    for kind in ["local", "cluster"] {
        let via = via(kind, "the only one");
        let first = ServerRef::<Tally>::start_via(via.clone(), "tally", &1).expect("it starts");
        let owner = first.pid().expect("it has the name");
        let taken = Some(StartError::AlreadyStarted(owner));
        // `init` would refuse this argument.
        let again = ServerRef::<Tally>::start_via(via.clone(), "tally", &u64::MAX);
        assert_eq!(again.err(), taken, "{kind}");
        // This actor does not trap exits, so a link that said something would end it.
        let linked = ServerRef::<Tally>::start_link_via(via.clone(), "tally", &u64::MAX);
        assert_eq!(linked.err(), taken, "{kind}");
        let text = ExitReason::from(StartError::AlreadyStarted(owner)).to_string();
        assert_eq!(text, format!("error: already started: {owner} has the name"));
        assert_eq!(via.whereis(), Some(owner), "{kind}");
        let found = ServerRef::<Tally>::find_or_start(via, "tally", &u64::MAX).expect("found");
        assert_eq!((found.pid(), found.call(&Ask::Add(1), LONG)), (Some(owner), Ok(2)));
        assert_eq!(found.stop(LONG), Ok(()));
    }
    assert_silence();
}

pub(crate) fn check_via_is_the_servers_before_its_init(_: ()) {
    let heir = ServerRef::<Heir>::start_via(Via::cluster("heir"), "heir", &Some(me()));
    let heir = heir.expect("it starts");
    let again = ServerRef::<Heir>::start_via(Via::cluster("heir"), "heir", &Some(me()));
    assert!(matches!(again, Err(StartError::AlreadyStarted(_))), "{again:?}");
    assert_eq!(heir.stop(LONG), Ok(()));
    let words: Vec<String> = (0..2).map(|_| receive().expect("heirs send text").1).collect();
    assert_eq!(words, ["began", "ends"], "of the first alone");
    assert_silence();
}

pub(crate) fn check_via_that_is_no_name_fails_the_start(_: ()) {
    let cases = [
        (Via::local("undefined"), "bad"),
        (Via::local(""), "bad"),
        (Via::cluster(""), "mpty"),
        (Via::cluster([7; 256]), "255"),
        (Via::group("", "group"), "mpty"),
        (Via::group("shop", [7; 256]), "255"),
    ];
    for (via, why) in cases {
        assert_eq!(ServerRef::<Tally>::via(via.clone()).call(&Ask::Add(1), LONG), noproc());
        match ServerRef::<Tally>::find_or_start(via.clone(), "tally", &1).map(|it| it.pid()) {
            Err(StartError::Exit(ExitReason::Error(text))) => {
                let said = text.to_lowercase();
                assert!(said.contains(&via.to_string().to_lowercase()), "{text}");
                assert!(said.contains(why), "{via}: {text}");
            }
            other => panic!("{via}: {other:?}"),
        }
    }
    assert_silence();
}

pub(crate) fn check_find_or_start_gives_all_who_ask_one_server(_: ()) {
    for round in 0..10 {
        let name = format!("list {round}");
        let spawn = |_| Task::<Option<Pid>>::spawn("finder", &name).expect("it starts");
        let finders: Vec<_> = (0..8).map(spawn).collect();
        let found = finders.into_iter().map(|it| it.await_result(LONG).expect("it finds one"));
        let pids: Vec<_> = found.collect();
        let tally = ServerRef::<Tally>::via(Via::cluster(&name));
        assert!(pids.iter().all(|pid| *pid == tally.pid()), "{pids:?}");
        // All were counted by one.
        assert_eq!(tally.call(&Ask::Add(0), LONG), Ok(8));
        assert_eq!(tally.stop(LONG), Ok(()));
    }
    assert_silence();
}

pub(crate) fn check_a_group_is_shared_by_all_that_start_under_it(_: ()) {
    let via = Via::group("shop", "tallies");
    let start = |first| {
        let options = StartOptions { via: Some(via.clone()), ..StartOptions::default() };
        ServerRef::<Tally>::start_with("tally", &first, options, |spawn| spawn).expect("it starts")
    };
    let members = [start(10), start(20)];
    let all = ServerRef::<Tally>::via(via.clone());
    all.cast_all(&Tell::Add(1));
    assert_eq!(members[0].call(&Ask::Add(0), LONG), Ok(11));
    assert_eq!(members[1].call(&Ask::Add(0), LONG), Ok(21));
    // A cast is for one of them.
    all.cast(&Tell::Add(1));
    let sums = members.each_ref().map(|member| member.call(&Ask::Add(0), LONG));
    assert!([[Ok(12), Ok(21)], [Ok(11), Ok(22)]].contains(&sums), "{sums:?}");
    for _ in members {
        assert_eq!(all.stop(LONG), Ok(()));
    }
    assert_eq!(all.stop(LONG), noproc());
    assert_silence();
}

pub(crate) fn check_a_supervised_name_is_had_again_after_a_restart(_: ()) {
    let name = "the child".to_owned();
    let root = SupervisorRef::start_link("named_root", &name).expect("the supervisor starts");
    let via = Via::cluster(&name);
    let before = via.whereis().expect("the child has the name");
    let watch = monitor(before);
    odeon_guest::exit(before, &ExitReason::error("crash"));
    watch.wait(Some(LONG)).expect("the child ends");
    let after = loop {
        match via.whereis() {
            Some(pid) if pid != before => break pid,
            _ => assert_eq!(next_event_timeout(Duration::from_millis(1)), None),
        }
    };
    let tally = ServerRef::<Tally>::via(via.clone());
    assert_eq!((tally.pid(), tally.call(&Ask::Add(1), LONG)), (Some(after), Ok(2)));
    // Another child of that name does not start, and says why.
    let child = Child::server("b", "tally", &1_u64).via(via);
    let text = format!("already started: {after} has the name");
    assert_eq!(root.start_child(child, LONG), Ok(Err(ChildError::NotStarted(text))));
    assert_eq!(root.count_children(LONG).map(|count| (count.known, count.running)), Ok((1, 1)));
    // Nor does a supervisor whose child it is to be.
    odeon_guest::trap_exit(true);
    let refused = SupervisorRef::start_link("named_root", &name).expect_err("the name is taken");
    assert!(refused.to_string().contains("already started"), "{refused}");
    assert_silence();
}
