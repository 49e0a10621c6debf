//! Fiber stacks under `call_async`: suspended calls, deep recursion, reuse by
//! two threads at once.

use super::setup::{self, Dense};
use odeon_arena::{MemoryOptions, StackOptions};
use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::thread;
use wasmtime::{Linker, Module, StackCreator, Store, Trap};

/// `run` recurses `depth` times, suspends in the host once at the bottom, and
/// returns a sum that is wrong if any frame was disturbed meanwhile.
const RECURSE: &str = r#"(module
  (import "host" "pause" (func $pause))
  (memory (export "memory") 1)
  (func $run (export "run") (param $depth i32) (param $key i64) (result i64)
    (local $kept i64)
    (local.set $kept (i64.xor (local.get $key) (i64.extend_i32_u (local.get $depth))))
    (if (i32.eqz (local.get $depth)) (then (call $pause) (return (local.get $key))))
    (i64.add (call $run (i32.sub (local.get $depth) (i32.const 1)) (local.get $key))
      (local.get $kept)))
  (func $forever (export "forever") (result i64)
    (i64.add (call $forever) (i64.const 1))))"#;

fn sum(depth: i32, key: i64) -> i64 {
    (1..=i64::from(depth)).fold(key, |sum, depth| sum.wrapping_add(key ^ depth))
}

fn linker(dense: &Dense) -> Linker<()> {
    let mut linker = Linker::new(&dense.engine);
    linker
        .func_wrap_async("host", "pause", |_, (): ()| Box::new(tokio::task::yield_now()))
        .expect("a fresh name");
    linker
}

/// Instantiates and runs one actor to its end, suspending once.
async fn run(dense: &Dense, module: &Module, depth: i32, key: i64) -> wasmtime::Result<i64> {
    let mut store = Store::new(&dense.engine, ());
    let instance = linker(dense).instantiate_async(&mut store, module).await?;
    let run = instance.get_typed_func::<(i32, i64), i64>(&mut store, "run")?;
    run.call_async(&mut store, (depth, key)).await
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    runtime.block_on(future)
}

#[test]
fn suspended_calls_keep_their_frames() {
    let dense = setup::small();
    let module = dense.module(RECURSE);
    block_on(async {
        let mut first = pin!(run(&dense, &module, 300, 7));
        let mut second = pin!(run(&dense, &module, 200, -3));
        let mut context = Context::from_waker(Waker::noop());
        assert!(matches!(first.as_mut().poll(&mut context), Poll::Pending));
        assert!(matches!(second.as_mut().poll(&mut context), Poll::Pending));
        assert_eq!(dense.stacks.stats().in_use, 2);
        assert_eq!(first.await.expect("no trap"), sum(300, 7));
        assert_eq!(second.await.expect("no trap"), sum(200, -3));
    });
    dense.assert_nothing_in_use();
}

#[test]
fn a_call_dropped_while_suspended_returns_its_stack() {
    let dense = setup::small();
    let module = dense.module(RECURSE);
    block_on(async {
        let mut call = Box::pin(run(&dense, &module, 100, 1));
        let polled = call.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        assert!(polled.is_pending());
        assert_eq!(dense.stacks.stats().in_use, 1);
    });
    dense.assert_nothing_in_use();
}

#[test]
fn endless_recursion_is_a_trap_and_the_stack_serves_the_next() {
    let dense = setup::small();
    let module = dense.module(RECURSE);
    block_on(async {
        for _ in 0..5 {
            let mut store = Store::new(&dense.engine, ());
            let instance =
                linker(&dense).instantiate_async(&mut store, &module).await.expect("slots");
            let forever =
                instance.get_typed_func::<(), i64>(&mut store, "forever").expect("an export");
            let error = forever.call_async(&mut store, ()).await.expect_err("no end");
            assert_eq!(error.downcast_ref(), Some(&Trap::StackOverflow));
        }
        assert_eq!(run(&dense, &module, 100, 5).await.expect("no trap"), sum(100, 5));
    });
    dense.assert_nothing_in_use();
}

#[test]
fn every_stack_is_zero_also_far_down_and_also_unasked() {
    let dense = setup::small();
    for round in 0..40 {
        let stack = dense.stacks.new_stack(setup::STACK_BYTES, round % 2 == 0).expect("a stack");
        let range = stack.range();
        assert_eq!(range.len(), setup::STACK_BYTES);
        assert_eq!(range.end, stack.top().addr());
        assert_eq!(stack.guard_range().end.addr(), range.start);
        assert!(!stack.guard_range().is_empty());
        // SAFETY: the range of a stack that is ours until dropped.
        let bytes =
            unsafe { std::slice::from_raw_parts_mut(stack.top().sub(range.len()), range.len()) };
        assert!(bytes.iter().all(|&byte| byte == 0), "round {round}");
        // A few pages at the top, then a page in the middle, then all.
        match round % 3 {
            0 => bytes[range.len() - 9_000..].fill(0xee),
            1 => bytes[50_000] = 1,
            _ => bytes.fill(0xdd),
        }
    }
    dense.assert_nothing_in_use();
}

#[test]
fn stacks_run_out_with_an_error_that_names_the_limit() {
    let mut options = StackOptions::new(setup::STACK_BYTES);
    options.slots = 2;
    let dense = setup::dense(&options, &setup::small_classes());
    let held: Vec<_> =
        (0..2).map(|_| dense.stacks.new_stack(4096, false).expect("a stack")).collect();
    let module = dense.module(RECURSE);
    let error = block_on(run(&dense, &module, 1, 1)).expect_err("no stack is left");
    let text = format!("{error:#}");
    assert!(text.contains("all 2 arena slots for a fiber stack"), "{text}");
    drop(held);
    assert!(block_on(run(&dense, &module, 1, 1)).is_ok());
    let error = dense.stacks.new_stack(setup::STACK_BYTES + 1, false).map(drop);
    let error = error.expect_err("larger than a slot");
    assert!(error.downcast_ref::<odeon_arena::ArenaError>().is_some(), "{error}");
}

#[test]
fn two_threads_spawn_and_end_actors_without_disturbing_each_other() {
    let mut options = StackOptions::new(setup::STACK_BYTES);
    options.slots = 64;
    let memories = MemoryOptions::new().within(1 << 30);
    let dense = setup::dense(&options, &memories);
    let module = dense.module(RECURSE);
    thread::scope(|scope| {
        for key in [0x5555, -0x3333] {
            let (dense, module) = (&dense, &module);
            scope.spawn(move || {
                block_on(async {
                    for round in 0..2_000 {
                        // Some actors are still suspended when others end.
                        let depth = round % 600;
                        let (one, two) = tokio::join!(
                            run(dense, module, depth, key),
                            run(dense, module, depth / 7, key + 1)
                        );
                        assert_eq!(one.expect("no trap"), sum(depth, key));
                        assert_eq!(two.expect("no trap"), sum(depth / 7, key + 1));
                    }
                });
            });
        }
    });
    dense.assert_nothing_in_use();
}
