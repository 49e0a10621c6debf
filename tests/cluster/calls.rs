//! Calls of functions on other nodes (rows R and E).

use odeon::cluster::{AcceptCalls, Allowed};
use odeon::{Call, CallAt, LimitsPatch};
use odeon_tests::cluster::{Member, Pair, Place, Setting, until};
use odeon_tests::protocol::{
    CallError, CallOptions, Event, Failure, Limits, Module, Operation, Pid, Reason, Reference,
    Start, Target, Value,
};
use odeon_tests::{MODULE, Puppet, in_time};

use crate::common::{batch, nothing_came};

/// Functions to call: `add`, `divide`, which traps by 0, and `spin`, which never returns.
const CALC: &str = r#"(component
    (core module $m
      (func (export "add") (param i32 i32) (result i32) local.get 0 local.get 1 i32.add)
      (func (export "divide") (param i32 i32) (result i32)
        local.get 0 local.get 1 i32.div_u)
      (func (export "spin") (loop $again (br $again))))
    (core instance $i (instantiate $m))
    (func (export "add") (param "a" u32) (param "b" u32) (result u32)
      (canon lift (core func $i "add")))
    (func (export "divide") (param "a" u32) (param "b" u32) (result u32)
      (canon lift (core func $i "divide")))
    (func (export "spin") (canon lift (core func $i "spin"))))"#;

fn on(node: &str) -> CallOptions {
    CallOptions { node: Some(node.into()), ..CallOptions::default() }
}

fn within(node: &str, timeout_ms: u64) -> CallOptions {
    CallOptions { timeout_ms: Some(timeout_ms), ..on(node) }
}

/// A function of the puppets' guest, whose arguments are CBOR.
fn entry(function: &str, argument: &[u8]) -> Target {
    Target::Entry { function: function.into(), argument: argument.to_vec() }
}

/// A function of the puppets' guest that ends with a text: a short one.
fn with_text(function: &str, text: &str) -> Target {
    let length = u8::try_from(text.len()).expect("a short text");
    entry(function, &[&[0x78, length], text.as_bytes()].concat())
}

/// Takes so many milliseconds, which it gives back.
fn slow(ms: u16) -> Target {
    entry("slow", &[&[0x19], &ms.to_be_bytes()[..]].concat())
}

fn call(target: Target, options: CallOptions) -> Operation {
    Operation::Call(Module::This, target, options)
}

fn request(target: Target, options: CallOptions) -> Operation {
    Operation::CallRequest(Module::This, target, options)
}

fn of_calc(text: &str, options: CallOptions) -> Operation {
    Operation::Call(Module::Name("calc".into()), Target::Wave(text.into()), options)
}

fn failed(error: CallError) -> Value {
    Value::Failed(Failure::Call(error))
}

fn ended(reason: Reason) -> Value {
    failed(CallError::Ended(reason))
}

fn error_of(value: Value) -> CallError {
    match value {
        Value::Failed(Failure::Call(error)) => error,
        other => panic!("{other:?} instead of a call that failed"),
    }
}

fn result(text: &str) -> Value {
    Value::Result(text.into())
}

/// The module with typed functions, on one node only.
fn deploy_calc(at: &Member) {
    at.world.node.deploy("calc", CALC.as_bytes()).expect("the module is sound");
}

/// No late answer, no stray exit.
async fn all_quiet(far: &mut Puppet, near: &mut Puppet) {
    nothing_came(far, near).await;
    near.hears_nothing().await;
}

/// R01, E01: what each way to end is for the caller, on the own node and on another one.
#[tokio::test(flavor = "multi_thread")]
async fn e01_every_way_to_end_has_its_class() {
    let pair = Pair::start_with(|setting| setting.own_modules = true).await;
    let (mut near, mut far) = pair.puppets().await;
    near.order(Operation::TrapExit(true)).await;
    deploy_calc(&pair.near);
    for node in [pair.near.name.as_str(), pair.far.name.as_str()] {
        let direct = |target| call(target, on(node));
        let sum = entry("add", &[0x82, 0x01, 0x02]);
        assert_eq!(near.order(direct(sum)).await, Value::Result(vec![3]), "{node}");
        assert_eq!(near.order(direct(entry("nothing", &[]))).await, Value::Result(vec![]));
        assert_eq!(near.order(of_calc("add(1, 2)", on(node))).await, result("3"));
        assert_eq!(near.order(of_calc("add [1, 2]", on(node))).await, result("3"));
        let json = Operation::Call(
            Module::Name("calc".into()),
            Target::Json("add {\"b\": 2, \"a\": 1}".into()),
            on(node),
        );
        assert_eq!(near.order(json).await, result("3"));
        let own_words = near.order(direct(with_text("fail", "own words"))).await;
        assert_eq!(own_words, ended(Reason::Error("own words".into())));
        let panicked = error_of(near.order(direct(with_text("crash", "on purpose"))).await);
        let CallError::Ended(Reason::Trap(text)) = panicked else { panic!("{panicked:?}") };
        assert!(text.contains("on purpose"), "{text}");
        let divided = error_of(near.order(of_calc("divide(1, 0)", on(node))).await);
        let CallError::Ended(Reason::Trap(text)) = divided else { panic!("{divided:?}") };
        assert!(text.contains("divide by zero"), "{text}");
        let late = near.order(call(slow(60_000), within(node, 30))).await;
        assert_eq!(late, failed(CallError::Timeout));
        let spins = near.order(of_calc("spin()", within(node, 30))).await;
        assert_eq!(spins, failed(CallError::Timeout));
    }
    for nowhere in ["nowhere@localhost", "not a name", ""] {
        let value = near.order(call(entry("nothing", &[]), on(nowhere))).await;
        assert_eq!(value, failed(CallError::Noconnection), "{nowhere:?}");
    }
    // The callees are gone, also the one that computes for ever.
    for node in [&pair.near, &pair.far] {
        let is_callee = |actor: &odeon::ActorInfo| actor.start != "puppet";
        until("the end of all callees", || !node.world.node.actors().iter().any(is_callee)).await;
    }
    all_quiet(&mut far, &mut near).await;
}

/// Bad input: each kind has a class of its own, and a text that says what is wrong.
#[tokio::test(flavor = "multi_thread")]
async fn e01_what_cannot_be_called_fails_with_a_typed_reason() {
    let pair = Pair::start().await;
    let (mut near, mut far) = pair.puppets().await;
    deploy_calc(&pair.near);
    for node in [pair.near.name.as_str(), pair.far.name.as_str()] {
        type IsRight = fn(&CallError, &str) -> bool;
        let no_function: IsRight =
            |error, what| matches!(error, CallError::NoFunction(text) if text.contains(what));
        let bad_argument: IsRight =
            |error, what| matches!(error, CallError::BadArgument(text) if text.contains(what));
        let cases: [(Operation, IsRight, &str); 10] = [
            (of_calc("ad(1, 2)", on(node)), no_function, "add"),
            (of_calc("add(1)", on(node)), bad_argument, "add: func(a: u32, b: u32) -> u32"),
            (of_calc("add(1, 2, 3)", on(node)), bad_argument, "func("),
            (of_calc("add(1, true)", on(node)), bad_argument, "column 8"),
            (of_calc("add(1, -2)", on(node)), bad_argument, "column 8"),
            (of_calc("add", on(node)), bad_argument, "add()"),
            (of_calc("((((", on(node)), bad_argument, "name"),
            (of_calc("add [1, \"x\"]", on(node)), bad_argument, "u32"),
            (of_calc("add(1, 2)", within(node, 1 << 32)), bad_argument, "4294967295"),
            (of_calc("add(1, 2)", within(node, u64::MAX)), bad_argument, "timeout-ms-max"),
        ];
        for (operation, is_right, what) in cases {
            let error = error_of(near.order(operation).await);
            assert!(is_right(&error, what), "{node}, {what}: {error:?}");
        }
        for module in [Module::Name("no-such-module".into()), Module::Digest("0".repeat(64))] {
            let operation = Operation::Call(module, entry("nothing", &[]), on(node));
            let error = error_of(near.order(operation).await);
            assert!(matches!(error, CallError::NoModule(_)), "{error:?}");
        }
        // A function that the SDK does not know is told by the guest.
        let unknown = error_of(near.order(call(entry("none", &[]), on(node))).await);
        let CallError::Ended(Reason::Error(text)) = unknown else { panic!("{unknown:?}") };
        assert!(text.contains("no function `none`"), "{text}");
    }
    let long = call(entry("nothing", &vec![0; 17 << 20]), on(&pair.far.name));
    let error = error_of(near.order(long).await);
    assert!(matches!(&error, CallError::SystemLimit(text) if text.contains("message-bytes-max")));
    all_quiet(&mut far, &mut near).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn e01_a_callee_that_is_killed_stops_or_goes_over_a_limit_is_ended_with_that() {
    let pair = Pair::start().await;
    let (mut near, mut far) = pair.puppets().await;
    for (at, node) in [(&pair.near, &pair.near.name), (&pair.far, &pair.far.name)] {
        let given = near.begin(call(slow(60_000), on(node)));
        let is_it = |actor: &odeon::ActorInfo| actor.start == "slow";
        until("the callee", || at.world.node.actors().iter().any(is_it)).await;
        let callee = at.world.node.actors().into_iter().find(is_it).expect("it was there");
        assert_eq!(callee.parent, Some(near.pid.serial));
        let pid = at.world.node.find(&callee.pid).expect("it lives");
        at.world.node.exit(pid, odeon_core::Reason::Kill);
        assert_eq!(near.finish(given).await, ended(Reason::Killed));
        let limits = Some(Limits { memory_bytes_max: Some(1), ..Limits::default() });
        let options = CallOptions { limits, ..on(node) };
        let error = error_of(near.order(call(entry("nothing", &[]), options)).await);
        assert!(
            matches!(&error, CallError::Ended(Reason::Limit(text))
            if text.contains("memory-bytes-max")),
            "{error:?}"
        );
    }
    all_quiet(&mut far, &mut near).await;
}

/// Calls that come together are nothing to each other, whatever one of them does.
#[tokio::test(flavor = "multi_thread")]
async fn calls_that_come_together_end_each_in_its_own_way() {
    let pair = Pair::start().await;
    let (mut near, mut far) = pair.puppets().await;
    deploy_calc(&pair.near);
    let node = pair.far.name.as_str();
    // From then on the module is there.
    assert_eq!(near.order(of_calc("add(1, 2)", on(node))).await, result("3"));
    let texts = ["add(20, 22)", "divide(1, 0)", "spin()", "ad(1, 2)", "add(1)", "divide(9, 3)"];
    let asked = texts.iter().cycle().take(60).map(|text| {
        let options = if *text == "spin()" { within(node, 200) } else { on(node) };
        let target = Target::Wave((*text).into());
        Operation::CallRequest(Module::Name("calc".into()), target, options)
    });
    let requests = batch(near.order(Operation::Batch(asked.collect())).await);
    for (request, text) in requests.into_iter().zip(texts.iter().cycle()) {
        let Value::Reference(request) = request else { panic!("{request:?} for {text}") };
        let reply = near.event_of(Some(request)).await;
        let Event::CallReply { outcome, .. } = reply else { panic!("{reply:?} for {text}") };
        let is_right = match (*text, &outcome) {
            ("add(20, 22)", Ok(sum)) => sum == b"42",
            ("divide(9, 3)", Ok(quotient)) => quotient == b"3",
            ("divide(1, 0)", Err(CallError::Ended(Reason::Trap(_)))) => true,
            ("spin()", Err(CallError::Timeout)) => true,
            ("ad(1, 2)", Err(CallError::NoFunction(_))) => true,
            ("add(1)", Err(CallError::BadArgument(_))) => true,
            _ => false,
        };
        assert!(is_right, "{text}: {outcome:?}");
    }
    all_quiet(&mut far, &mut near).await;
    let is_callee = |actor: &odeon::ActorInfo| actor.start != "puppet";
    until("the end of all callees", || !pair.far.world.node.actors().iter().any(is_callee)).await;
}

/// A callee that leaves nothing behind is no actor before anybody could see it; one that
/// computes on is one like any other.
#[tokio::test(flavor = "multi_thread")]
async fn a_callee_that_computes_is_listed_and_killed_and_the_next_call_runs() {
    let pair = Pair::start().await;
    let (mut near, mut far) = pair.puppets().await;
    deploy_calc(&pair.near);
    let node = pair.far.name.as_str();
    for _ in 0..3 {
        assert_eq!(near.order(of_calc("add(1, 2)", on(node))).await, result("3"));
        let given = near.begin(of_calc("spin()", on(node)));
        let is_it = |actor: &odeon::ActorInfo| actor.start == "spin" && actor.module == "calc";
        until("the callee", || pair.far.world.node.actors().iter().any(is_it)).await;
        let callee = pair.far.world.node.actors().into_iter().find(is_it).expect("it was there");
        assert_eq!(callee.parent, Some(near.pid.serial));
        // It keeps nobody else.
        assert_eq!(far.order(of_calc("add(3, 4)", on(&pair.near.name))).await, result("7"));
        let pid = pair.far.world.node.find(&callee.pid).expect("it lives");
        pair.far.world.node.exit(pid, odeon_core::Reason::Kill);
        assert_eq!(near.finish(given).await, ended(Reason::Killed));
    }
    all_quiet(&mut far, &mut near).await;
}

/// A module whose start never ends is no other than a function that does not.
#[tokio::test(flavor = "multi_thread")]
async fn a_call_of_a_module_that_never_starts_is_listed_and_ends_with_its_time() {
    const STUCK: &str = r#"(component
        (core module $m
          (func $start (loop $again (br $again)))
          (start $start)
          (func (export "never")))
        (core instance $i (instantiate $m))
        (func (export "never") (canon lift (core func $i "never"))))"#;
    let pair = Pair::start().await;
    let (mut near, mut far) = pair.puppets().await;
    pair.near.world.node.deploy("stuck", STUCK.as_bytes()).expect("the module is sound");
    for _ in 0..2 {
        let options = within(&pair.far.name, 2_000);
        let target = Target::Wave("never()".into());
        let given = near.begin(Operation::Call(Module::Name("stuck".into()), target, options));
        let is_it = |actor: &odeon::ActorInfo| actor.start == "never";
        until("the callee", || pair.far.world.node.actors().iter().any(is_it)).await;
        assert_eq!(near.finish(given).await, failed(CallError::Timeout));
        until("its end", || !pair.far.world.node.actors().iter().any(is_it)).await;
    }
    all_quiet(&mut far, &mut near).await;
}

/// A callee is an actor like any other: a puppet that was called does what it is told,
/// and gives a result.
#[tokio::test(flavor = "multi_thread")]
async fn a_result_is_what_was_given_last_before_an_orderly_end() {
    let pair = Pair::start().await;
    let (mut near, mut far) = pair.puppets().await;
    for (at, node) in [(&pair.near, &pair.near.name), (&pair.far, &pair.far.name)] {
        let ends = [
            (Operation::Return(Ok(())), Value::Result(b"second".to_vec())),
            (Operation::Stop(Reason::Normal), Value::Result(b"second".to_vec())),
            (Operation::Return(Err(Reason::Shutdown)), ended(Reason::Shutdown)),
            (Operation::Stop(Reason::ExitCode(3)), ended(Reason::ExitCode(3))),
            (Operation::Stop(Reason::Custom(vec![1])), ended(Reason::Custom(vec![1]))),
        ];
        for (end, outcome) in ends {
            let cradle = at.world.cradle();
            let Start::Entry { function, argument } = cradle.start() else {
                unreachable!("a puppet starts behind the entry")
            };
            let given = near.begin(call(Target::Entry { function, argument }, on(node)));
            let mut callee = cradle.puppet().await;
            callee.done(Operation::GiveResult(b"first".to_vec())).await;
            callee.done(Operation::GiveResult(b"second".to_vec())).await;
            // It has relations like others, and they end with it.
            callee.order(Operation::TrapExit(true)).await;
            callee.tell(end);
            assert_eq!(near.finish(given).await, outcome);
        }
    }
    // In an actor that nobody called it has no effect.
    near.done(Operation::GiveResult(b"nobody".to_vec())).await;
    all_quiet(&mut far, &mut near).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn r01_a_slow_callee_answers_in_time_or_never() {
    let pair = Pair::start().await;
    let (mut near, mut far) = pair.puppets().await;
    let far_name = pair.far.name.as_str();
    let fifty = Value::Result(vec![0x18, 50]);
    assert_eq!(near.order(call(slow(50), on(far_name))).await, fifty);
    assert_eq!(near.order(call(slow(50), within(far_name, 10_000))).await, fifty);
    for timeout_ms in [0, 1, 5] {
        let late = near.order(call(slow(40), within(far_name, timeout_ms))).await;
        assert_eq!(late, failed(CallError::Timeout), "{timeout_ms}");
    }
    assert_eq!(near.order(call(slow(60), on(far_name))).await, Value::Result(vec![0x18, 60]));
    all_quiet(&mut far, &mut near).await;
}

/// The request is held up on its way: the caller's time is over all the same.
#[tokio::test(flavor = "multi_thread")]
async fn r02_the_callers_time_counts_whatever_the_network_does() {
    let pair = Pair::forwarded().await;
    let (mut near, mut far) = (pair.near.world.puppet().await, pair.far.world.puppet().await);
    let far_name = pair.far.name.as_str();
    for round in 0..5 {
        pair.far.forwarder().pause();
        let late = near.order(call(tells(far.pid, &[round]), within(far_name, 20))).await;
        assert_eq!(late, failed(CallError::Timeout));
        pair.far.forwarder().resume();
        // The request arrives late, and may have its effect late; the answer to it comes
        // before that to the next one, and is not heard.
        let after = near.order(call(slow(1), on(far_name))).await;
        assert_eq!(after, Value::Result(vec![1]));
    }
    far.order(Operation::ReceiveAll { quiet_ms: odeon_tests::QUIET_MS }).await;
    all_quiet(&mut far, &mut near).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn e02_a_cast_is_silent_unless_it_is_wrong_by_itself() {
    let pair = Pair::start().await;
    let (mut near, mut far) = pair.puppets().await;
    deploy_calc(&pair.near);
    let cast = |module: Module, target, options| Operation::Cast(module, target, options);
    let wave = |text: &str| Target::Wave(text.into());
    let calc = || Module::Name("calc".into());
    for node in [pair.near.name.as_str(), pair.far.name.as_str(), "nowhere@localhost", "not a name"]
    {
        near.done(cast(Module::This, entry("nothing", &[]), on(node))).await;
        near.done(cast(Module::This, with_text("crash", "x"), on(node))).await;
        near.done(cast(Module::Name("none".into()), wave("f()"), on(node))).await;
        near.done(cast(calc(), wave("no-such-function()"), on(node))).await;
        near.done(cast(calc(), wave("spin()"), within(node, 20))).await;
        for (target, options) in [
            (wave("(((("), on(node)),
            (wave("add"), on(node)),
            (wave("add(1, 2)"), within(node, 1 << 32)),
        ] {
            let error = error_of(near.order(cast(calc(), target, options)).await);
            assert!(matches!(error, CallError::BadArgument(_)), "{error:?}");
        }
    }
    let long = entry("nothing", &vec![0; 17 << 20]);
    let error = error_of(near.order(cast(Module::This, long, on(&pair.far.name))).await);
    assert!(matches!(error, CallError::SystemLimit(_)), "{error:?}");
    // A cast does what it is to do.
    near.done(cast(Module::This, tells(near.pid, b"done"), on(&pair.far.name))).await;
    let message = near.event().await;
    assert!(matches!(&message, Event::Message { body, .. } if body == b"done"), "{message:?}");
    all_quiet(&mut far, &mut near).await;
}

/// The function that sends these bytes to an actor.
fn tells(to: Pid, body: &[u8]) -> Target {
    let mut argument = b"\x82\xa2\x64node\x1b".to_vec();
    argument.extend(to.node.to_be_bytes());
    argument.extend(b"\x66serial\x1b");
    argument.extend(to.serial.to_be_bytes());
    argument.push(0x80 | u8::try_from(body.len()).expect("a few bytes"));
    body.iter().for_each(|byte| argument.extend([0x18, *byte]));
    entry("tell", &argument)
}

#[tokio::test(flavor = "multi_thread")]
async fn r06_a_node_that_goes_down_in_a_call_is_noconnection_once() {
    let mut pair = Pair::start().await;
    let (mut near, _far) = pair.puppets().await;
    let far_name = pair.far.name.clone();
    let requests = vec![request(slow(60_000), on(&far_name)); 20];
    let values = batch(near.order(Operation::Batch(requests)).await);
    let waiting = near.begin(call(slow(60_000), on(&far_name)));
    let is_it = |actor: &odeon::ActorInfo| actor.start == "slow";
    until("all callees", || pair.far.world.node.actors().into_iter().filter(is_it).count() == 21)
        .await;
    pair.far.halt();
    assert_eq!(near.finish(waiting).await, failed(CallError::Noconnection));
    for value in values {
        let Value::Reference(request) = value else { panic!("{value:?}") };
        let reply = near.event_of(Some(request)).await;
        assert_eq!(reply, Event::CallReply { request, outcome: Err(CallError::Noconnection) });
    }
    near.hears_nothing().await;
    let dead = near.order(call(slow(1), on(&far_name))).await;
    assert_eq!(dead, failed(CallError::Noconnection));
}

/// Calls under way when the connection is cut, at any moment: one reply each.
#[tokio::test(flavor = "multi_thread")]
async fn r06_calls_under_way_are_answered_once_when_the_connection_is_lost() {
    let pair = Pair::start_with(|setting| setting.forwarded = true).await;
    let mut near = pair.near.world.puppet().await;
    for round in 0..20 {
        pair.connect().await;
        let asked = request(entry("add", &[0x82, 0x01, 0x02]), on(&pair.far.name));
        let values = batch(near.order(Operation::Batch(vec![asked; 20])).await);
        for _ in 0..round * 20 {
            tokio::task::yield_now().await;
        }
        pair.far.forwarder().cut();
        pair.near.forwarder().cut();
        for value in values {
            let Value::Reference(request) = value else { panic!("{value:?}") };
            let reply = near.event_of(Some(request)).await;
            let Event::CallReply { outcome, .. } = &reply else { panic!("{reply:?}") };
            match outcome {
                Ok(sum) => assert_eq!(*sum, [3]),
                Err(error) => assert_eq!(*error, CallError::Noconnection),
            }
        }
        assert_eq!(near.waiting_event().await, None, "round {round}");
    }
    near.hears_nothing().await;
}

/// R07: a caller that traps exits gets no stray exit, whatever its callee dies of.
#[tokio::test(flavor = "multi_thread")]
async fn r07_a_callee_that_dies_is_an_outcome_and_no_exit() {
    let pair = Pair::start().await;
    let (mut near, mut far) = pair.puppets().await;
    near.order(Operation::TrapExit(true)).await;
    for node in [pair.near.name.as_str(), pair.far.name.as_str()] {
        let waited_for = near.order(call(with_text("fail", "dead"), on(node))).await;
        assert_eq!(waited_for, ended(Reason::Error("dead".into())));
        let asked = near.reference(request(with_text("fail", "dead"), on(node))).await;
        let outcome = Err(CallError::Ended(Reason::Error("dead".into())));
        assert_eq!(near.event().await, Event::CallReply { request: asked, outcome });
    }
    all_quiet(&mut far, &mut near).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn r10_promises_are_kept_in_any_order_and_can_be_polled_and_given_up() {
    let pair = Pair::start().await;
    let (mut near, mut far) = pair.puppets().await;
    let far_name = pair.far.name.as_str();
    let mut promises = Vec::new();
    for ms in [300, 1, 60] {
        promises.push(near.reference(request(slow(ms), on(far_name))).await);
    }
    let poll = |of: Reference| Operation::Receive { of: Some(of), timeout_ms: Some(0) };
    assert_eq!(near.order(poll(promises[0])).await, Value::Event(None));
    for (at, result) in [(2, vec![0x18, 60]), (1, vec![1]), (0, vec![0x19, 1, 44])] {
        let reply = near.event_of(Some(promises[at])).await;
        assert_eq!(reply, Event::CallReply { request: promises[at], outcome: Ok(result) });
    }
    // Given up: nothing comes. Kept: it cannot be given up any more.
    let given_up = near.reference(request(slow(20), on(far_name))).await;
    assert!(near.yes(Operation::CallAbandon(given_up)).await);
    assert!(!near.yes(Operation::CallAbandon(given_up)).await);
    let kept = near.reference(request(slow(1), on(far_name))).await;
    let answered = near.order(call(slow(40), on(far_name))).await;
    assert_eq!(answered, Value::Result(vec![0x18, 40]));
    assert!(!near.yes(Operation::CallAbandon(kept)).await);
    let reply = near.event().await;
    assert_eq!(reply, Event::CallReply { request: kept, outcome: Ok(vec![1]) });
    assert!(!near.yes(Operation::CallAbandon(promises[0])).await);
    // Behind a mailbox full of others, each is found.
    near.done(Operation::Repeat(2_000, Box::new(Operation::Send(near.pid, vec![7])))).await;
    assert_eq!(near.order(call(slow(1), on(far_name))).await, Value::Result(vec![1]));
    let receive = Operation::Receive { of: None, timeout_ms: Some(0) };
    near.order(Operation::Repeat(2_000, Box::new(receive))).await;
    all_quiet(&mut far, &mut near).await;
}

/// Calls a function of the puppets' guest from outside.
async fn from_outside(of: &Member, node: &str, function: &str, argument: &str) -> String {
    let at = CallAt::Entry { function: function.into(), argument: argument.to_owned().into() };
    let (label, limits) = (None, LimitsPatch::default());
    let call = Call { module: MODULE.into(), label, at, timeout: None, limits };
    let result = in_time("a call", of.world.node.rpc(node, call)).await;
    String::from_utf8(result.expect("it returns").into()).expect("a text")
}

/// R04, R11, E06: the outcomes of a multicall are in the order of the nodes, and what is
/// wrong with one is in its place alone.
#[tokio::test(flavor = "multi_thread")]
async fn r04_r11_e06_outcomes_of_a_multicall_are_in_the_order_of_the_nodes() {
    let pair = Pair::forwarded().await;
    let mut third = pair.place.start().await;
    let (near, far, third_name) = (&pair.near, &pair.far, third.name.clone());
    near.connect(&third_name).await;
    let nodes = [&*far.name, &*near.name, "nowhere@localhost", &*third_name, &*far.name].join(",");
    let gather = |ms: u64, timeout_ms: u64| {
        let argument = format!("{nodes};{ms};{timeout_ms}");
        async move { from_outside(near, &near.name, "gather", &argument).await }
    };
    assert_eq!(gather(1, 20_000).await, "1,1,noconnection,1,1");
    assert_eq!(gather(60_000, 30).await, "timeout,timeout,noconnection,timeout,timeout");
    // One node is stalled: only its places are late.
    far.forwarder().pause();
    assert_eq!(gather(1, 500).await, "timeout,1,noconnection,1,timeout");
    far.forwarder().resume();
    assert_eq!(gather(2, 20_000).await, "2,2,noconnection,2,2");
    third.halt();
    near.until_connected(&third_name, false).await;
    assert_eq!(gather(3, 20_000).await, "3,3,noconnection,noconnection,3");
}

/// R12, E09: 2^32 - 1 milliseconds are the longest timeout, for each kind of call.
#[tokio::test(flavor = "multi_thread")]
async fn r12_e09_the_longest_timeout_is_taken_and_a_longer_one_refused() {
    let pair = Pair::start().await;
    let (mut near, mut far) = pair.puppets().await;
    for node in [pair.near.name.as_str(), pair.far.name.as_str()] {
        let longest = u64::from(u32::MAX);
        let target = || entry("same", b"x");
        assert_eq!(near.order(call(target(), within(node, longest))).await, result("x"));
        near.done(Operation::Cast(Module::This, target(), within(node, longest))).await;
        let asked = near.reference(request(target(), within(node, longest))).await;
        let outcome = Ok(b"x".to_vec());
        assert_eq!(near.event().await, Event::CallReply { request: asked, outcome });
        for too_long in [longest + 1, u64::MAX] {
            let refused = error_of(near.order(call(target(), within(node, too_long))).await);
            assert!(matches!(&refused, CallError::BadArgument(_)), "{refused:?}");
            let cast = Operation::Cast(Module::This, target(), within(node, too_long));
            assert_eq!(error_of(near.order(cast).await), refused);
            let asked = near.reference(request(target(), within(node, too_long))).await;
            let outcome = Err(refused);
            assert_eq!(near.event().await, Event::CallReply { request: asked, outcome });
        }
    }
    all_quiet(&mut far, &mut near).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn megabytes_go_there_and_back_and_more_than_a_message_is_refused() {
    let pair = Pair::start().await;
    let (mut near, mut far) = pair.puppets().await;
    for node in [pair.near.name.as_str(), pair.far.name.as_str()] {
        let large = crate::support::large(4 << 20, 3);
        let back = near.order(call(entry("same", &large), on(node))).await;
        assert!(back == Value::Result(large), "other bytes came back from {node}");
        let limits = Limits { memory_bytes_max: Some(64 << 20), ..Limits::default() };
        let options = CallOptions { limits: Some(limits), ..on(node) };
        let long = error_of(near.order(call(entry("too_long", &[]), options)).await);
        assert!(
            matches!(&long, CallError::Ended(Reason::Limit(text))
            if text.contains("message-bytes-max")),
            "{long:?}"
        );
    }
    all_quiet(&mut far, &mut near).await;
}

/// The node that a policy is about.
const NEAR: &str = "near@localhost";

#[tokio::test(flavor = "multi_thread")]
async fn a_node_takes_the_calls_that_its_policy_names() {
    let of = |from: Option<&str>, module: Option<&str>| {
        let [from, module] = [from, module].map(|text| text.map(str::to_owned));
        Allowed { from, module }
    };
    let listed = |allowed: &[Allowed]| Some(AcceptCalls::Listed(allowed.to_vec()));
    let settings: [(bool, Option<AcceptCalls>, bool, bool); 10] = [
        (false, None, true, true),
        (true, None, false, false),
        (false, Some(AcceptCalls::None), false, false),
        (true, Some(AcceptCalls::Any), true, true),
        (false, listed(&[of(None, Some("calc"))]), true, false),
        (true, listed(&[of(None, Some(MODULE)), of(None, Some("x"))]), false, true),
        (false, listed(&[of(None, Some(&"0".repeat(64)))]), false, false),
        (false, listed(&[of(Some(NEAR), Some("calc")), of(Some("x@y"), None)]), true, false),
        (true, listed(&[of(Some("x@y"), Some("calc")), of(None, Some(MODULE))]), false, true),
        (true, listed(&[of(Some(NEAR), None)]), true, true),
    ];
    for (no_spawns, calls, takes_calc, takes_suite) in settings {
        let place = Place::new().await;
        let named = |setting: &mut Setting| {
            setting.own_modules = true;
            setting.name = Some(NEAR.to_owned());
        };
        let ruled = |setting: &mut Setting| {
            setting.own_modules = true;
            setting.cluster.policy.no_spawns = no_spawns;
            setting.cluster.policy.calls.clone_from(&calls);
        };
        let (near, far) = (place.start_with(named).await, place.start_with(ruled).await);
        let pair = Pair { near, far, place };
        let mut near = pair.near.world.puppet().await;
        deploy_calc(&pair.near);
        deploy_calc(&pair.far);
        let far_name = pair.far.name.as_str();
        let calc = near.order(of_calc("add(1, 2)", on(far_name))).await;
        let suite = near.order(call(entry("same", b"x"), on(far_name))).await;
        for (value, takes) in [(calc, takes_calc), (suite, takes_suite)] {
            match value {
                Value::Result(_) => assert!(takes, "{no_spawns}, {calls:?}"),
                Value::Failed(Failure::Call(CallError::Denied(_))) => {
                    assert!(!takes, "{no_spawns}, {calls:?}");
                }
                other => panic!("{other:?}"),
            }
        }
        // What a node asks of itself is not for its policy.
        assert_eq!(near.order(of_calc("add(1, 2)", CallOptions::default())).await, result("3"));
    }
}

/// A callee's output goes where its caller's does, and its children are its own.
#[tokio::test(flavor = "multi_thread")]
async fn a_caller_with_one_place_for_children_can_call_again_and_again() {
    let pair = Pair::start().await;
    let limits = LimitsPatch { children: Some(1), ..LimitsPatch::default() };
    let mut near = pair.near.world.puppet_with(|spawn| spawn.limits = limits).await;
    let one = call(entry("same", b"x"), CallOptions::default());
    let last = near.order(Operation::Repeat(300, Box::new(one.clone()))).await;
    assert_eq!(last, result("x"));
    let asked = near.reference(request(slow(60_000), CallOptions::default())).await;
    let refused = error_of(near.order(one).await);
    assert!(matches!(&refused, CallError::SystemLimit(text) if text.contains("children-max")));
    assert!(near.yes(Operation::CallAbandon(asked)).await);
}

/// A call of the node itself.
fn of_node(text: &str) -> (Module, Target) {
    (Module::Name("odeon".into()), Target::Json(text.into()))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_live_server_is_asked_through_its_node_and_its_end_is_told() {
    let pair = Pair::start().await;
    let limits = LimitsPatch { children: Some(1), ..LimitsPatch::default() };
    let mut narrow = pair.near.world.puppet_with(|spawn| spawn.limits = limits).await;
    let mut near = pair.near.world.puppet().await;
    for member in [&pair.near, &pair.far] {
        let name = member.name.as_str();
        let node = &member.world.node;
        node.deploy("counter", &odeon_tests::guest("counter")).expect("it is sound");
        let (function, argument) = ("counter".to_owned(), vec![24, 40].into());
        let start = odeon::Start::Entry { function, argument };
        let mut till = odeon::Spawn::new("counter", start);
        till.name = Some("till".to_owned());
        let till = node.spawn(till).await.expect("it lives");
        let ask = |text: &str, options: CallOptions| {
            let (module, target) = of_node(text);
            Operation::Call(module, target, options)
        };
        let value = ask("call [\"till\", \"Value\"]", on(name));
        // It takes one place for children at a time, if any.
        let last = narrow.order(Operation::Repeat(300, Box::new(value.clone()))).await;
        assert_eq!(last, result("40"));
        let watchers = || node.watchers(till).expect("it lives");
        let pid = format!("call {{\"to\": \"{till}\", \"message\": {{\"DividedBy\": 2}}}}");
        assert_eq!(near.order(ask(&pid, on(name))).await, result("20"));
        let late = ask("call [\"till\", \"Nonsense\"]", within(name, 50));
        assert_eq!(near.order(late).await, failed(CallError::Timeout));
        until("nobody waits any more", || watchers() == 0).await;
        for wrong in ["call()", "call", "call [1, 2]", "call [\"till\"]", "call {\"to\": \"till\"}"]
        {
            let error = error_of(near.order(ask(wrong, on(name))).await);
            assert!(matches!(error, CallError::BadArgument(_)), "{wrong}: {error:?}");
        }
        let nobody = error_of(near.order(ask("call [\"tull\", 1]", on(name))).await);
        assert!(matches!(nobody, CallError::NoFunction(_)), "{nobody:?}");
        let (module, target) = of_node("call [\"till\", {\"Add\": 2}]");
        near.order(Operation::Cast(module, target, on(name))).await;
        in_time("the counter has counted", async {
            while near.order(value.clone()).await != result("42") {}
        })
        .await;
        // Whoever waits hears of the end.
        let (module, target) = of_node("call [\"till\", \"Nonsense\"]");
        let asked = near.reference(Operation::CallRequest(module, target, on(name))).await;
        until("somebody waits", || watchers() == 1).await;
        node.exit(till, odeon_core::Reason::Kill);
        let outcome = Err(CallError::Ended(Reason::Killed));
        assert_eq!(near.event().await, Event::CallReply { request: asked, outcome });
        assert!(matches!(error_of(near.order(value).await), CallError::NoFunction(_)));
    }
    near.hears_nothing().await;
    narrow.hears_nothing().await;
}
