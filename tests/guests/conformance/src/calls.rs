//! Functions to call, and the SDK's calls, checked from within a real host as in
//! `checks`.

use odeon_guest::rpc::{self, Call, CallError, Error, Requests};
use odeon_guest::{
    ExitReason, Pid, Raw, me, next_event, next_event_timeout, node, send, send_bytes, sleep,
};
use std::time::Duration;

/// Long enough for anything that is to happen.
const LONG: Duration = Duration::from_secs(10);

/// Long enough to show that nothing happens.
const SHORT: Duration = Duration::from_millis(50);

/// Adds two numbers.
pub(crate) fn add((a, b): (u32, u32)) -> u32 {
    a + b
}

/// Halves an even number, and fails in words for an odd one.
pub(crate) fn half(n: u64) -> Result<u64, ExitReason> {
    if n % 2 == 0 { Ok(n / 2) } else { Err(ExitReason::error("odd")) }
}

/// Gives its argument back after so many milliseconds.
pub(crate) fn slow(after_ms: u64) -> u64 {
    sleep(Duration::from_millis(after_ms));
    after_ms
}

/// Gives its argument back.
pub(crate) fn same(argument: Raw) -> Raw {
    argument
}

/// Sends bytes to an actor.
pub(crate) fn tell((to, body): (Pid, Vec<u8>)) {
    send_bytes(to, &body);
}

/// Gives more than a result may have.
pub(crate) fn too_long(_: ()) -> Raw {
    Raw(vec![0; (16 << 20) + 1])
}

/// `slow` on many nodes: their names with commas, how long it takes there and how long
/// it may take, with semicolons between. Gives the outcomes, with commas.
pub(crate) fn gather(Raw(argument): Raw) -> Raw {
    let argument = String::from_utf8(argument).expect("a text");
    let parts: Vec<&str> = argument.split(';').collect();
    let [nodes, ms, timeout_ms] = parts[..] else { panic!("{argument}") };
    let nodes: Vec<&str> = nodes.split(',').collect();
    let number = |text: &str| text.parse::<u64>().expect("a number");
    let call = Call::function("slow", &number(ms));
    let call = call.timeout(Duration::from_millis(number(timeout_ms)));
    let outcomes = rpc::multicall::<u64, _>(&nodes, &call);
    let words = outcomes.into_iter().map(|outcome| match outcome {
        Ok(value) => value.to_string(),
        Err(Error::Call(CallError::Noconnection)) => "noconnection".to_owned(),
        Err(Error::Call(CallError::Timeout)) => "timeout".to_owned(),
        Err(other) => other.to_string(),
    });
    let words: Vec<String> = words.collect();
    assert_silence();
    Raw(words.join(",").into_bytes())
}

fn assert_silence() {
    assert_eq!(next_event_timeout(SHORT), None);
}

pub(crate) fn check_rpc_gives_values_and_errors(_: ()) {
    let here = node::name();
    assert_eq!(rpc::call(&here, "add", &(1, 2)), Ok(3_u32));
    assert_eq!(Call::function("half", &8).run(), Ok(4_u64));
    // What gives nothing gives `()`.
    assert_eq!(Call::function("nothing", &()).run(), Ok(()));
    let ended = |outcome: Result<u64, Error>| match outcome {
        Err(Error::Call(CallError::Ended(reason))) => reason,
        other => panic!("{other:?}"),
    };
    assert_eq!(ended(Call::function("half", &7).run()), ExitReason::error("odd"));
    let trap = ended(Call::function("crash", "on purpose").run());
    assert!(matches!(&trap, ExitReason::Trap(text) if text.contains("on purpose")), "{trap:?}");
    let unknown = ended(Call::function("no_such_function", &()).run());
    assert!(matches!(unknown, ExitReason::Error(_)), "{unknown:?}");
    let wrong = Call::function("add", &(1, 2)).run::<String>();
    assert!(matches!(wrong, Err(Error::Decode(_))), "{wrong:?}");
    let missing = Call::function("add", &(1, 2)).module("no-such-module").run::<u32>();
    assert!(matches!(missing, Err(Error::Call(CallError::NoModule(_)))), "{missing:?}");
    let typed = Call::wave("add(1, 2)").run_text();
    assert!(matches!(typed, Err(Error::Call(CallError::NoFunction(_)))), "{typed:?}");
    assert_eq!(rpc::cast(&here, "add", &(1, 2)), Ok(()));
    assert_silence();
}

pub(crate) fn check_rpc_timeout_leaves_nothing_behind(_: ()) {
    let slow = Call::function("slow", &20_u64);
    let late = slow.clone().timeout(Duration::from_millis(1)).run::<u64>();
    assert_eq!(late, Err(Error::Call(CallError::Timeout)));
    let not_waited_for = slow.clone().timeout(Duration::ZERO).run::<u64>();
    assert_eq!(not_waited_for, Err(Error::Call(CallError::Timeout)));
    assert_eq!(slow.clone().timeout(LONG).run(), Ok(20_u64));
    let longest = Duration::from_millis(u32::MAX.into());
    assert_eq!(slow.clone().timeout(longest).run(), Ok(20_u64));
    let too_long = slow.timeout(longest + Duration::from_millis(1));
    let refused = too_long.run::<u64>();
    assert!(matches!(refused, Err(Error::Call(CallError::BadArgument(_)))), "{refused:?}");
    assert!(matches!(too_long.cast(), Err(CallError::BadArgument(_))));
    assert_silence();
}

pub(crate) fn check_rpc_requests_are_received_polled_and_checked(_: ()) {
    let ask = |ms: u64| Call::function("slow", &ms).request::<u64>();
    assert_eq!(ask(1).receive(Some(LONG)), Ok(1));
    // Polled: it is not there yet, then it is.
    let slow = ask(60);
    let Err(slow) = slow.wait(Some(Duration::ZERO)) else { panic!("it takes longer") };
    assert_eq!(slow.wait(Some(LONG)), Ok(Ok(60)));
    // Checked: other events come back.
    let asked = ask(1);
    send(me(), "something else");
    let mut others = 0;
    let mut asked = asked;
    let outcome = loop {
        match asked.check(next_event()) {
            Ok(outcome) => break outcome,
            Err((again, _)) => (asked, others) = (again, others + 1),
        }
    };
    assert_eq!((outcome, others), (Ok(1), 1));
    // Given up: by its time, and by being dropped.
    assert_eq!(ask(20).receive(Some(Duration::ZERO)), Err(Error::Call(CallError::Timeout)));
    drop(ask(20));
    let arrived = ask(0);
    sleep(SHORT);
    drop(arrived);
    sleep(SHORT);
    assert_silence();
}

pub(crate) fn check_rpc_collection_gives_labelled_outcomes(_: ()) {
    let mut requests = Requests::new();
    assert_eq!(requests.receive(Some(LONG)), Ok(None));
    for (label, ms) in [("last", 120), ("first", 1), ("middle", 50)] {
        requests.add(Call::function("slow", &ms).request::<u64>(), label);
    }
    requests.add(Call::function("half", &1).request(), "failing");
    assert_eq!(requests.len(), 4);
    let mut labels: Vec<_> = requests.labels().copied().collect();
    labels.sort_unstable();
    assert_eq!(labels, ["failing", "first", "last", "middle"]);
    send(me(), "in between");
    let mut outcomes = Vec::new();
    for left in (0..3).rev() {
        let outcome = requests.receive(Some(LONG)).expect("in time").expect("some are left");
        outcomes.push(outcome);
        assert_eq!(requests.len(), left + 1);
    }
    assert_eq!(outcomes[2], ("middle", Ok(50)));
    assert!(outcomes.contains(&("first", Ok(1))));
    let failed = Err(Error::Call(CallError::Ended(ExitReason::error("odd"))));
    assert!(outcomes.contains(&("failing", failed)));
    assert_eq!(requests.receive(Some(Duration::ZERO)), Err(vec!["last"]));
    assert!(requests.is_empty());
    assert_eq!(requests.wait(None), None);
    let (_, text) = odeon_guest::receive::<String>().expect("the message stays");
    assert_eq!(text, "in between");
    sleep(2 * SHORT);
    assert_silence();
}

pub(crate) fn check_rpc_multicall_keeps_the_order(_: ()) {
    let here = node::name();
    let nodes = [here.as_str(), "nowhere@localhost", here.as_str()];
    let outcomes = rpc::multicall::<u32, _>(&nodes, &Call::function("add", &(1, 2)));
    assert_eq!(outcomes, [Ok(3), Err(Error::Call(CallError::Noconnection)), Ok(3)]);
    let late = Call::function("slow", &60_000_u64).timeout(SHORT);
    let timeout = || Err(Error::Call(CallError::Timeout));
    assert_eq!(rpc::multicall::<u64, _>(&[&here, &here], &late), [timeout(), timeout()]);
    assert_eq!(rpc::multicast(&nodes, &Call::function("add", &(1, 2))), Ok(()));
    assert_silence();
}
