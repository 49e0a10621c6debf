//! Files that are no modules, or that are ones nobody should run.

use std::sync::Arc;
use std::time::Duration;

use odeon::modules::compile::TierChoice;
use odeon::{Spawn, Start};
use odeon_core::Reason;
use odeon_tests::Random;

use crate::bed::{Bed, component, guest, soon};

/// Four times as many functions as are allowed.
fn many_functions() -> Vec<u8> {
    let functions = "(func)".repeat(199_999);
    let text = component(&format!("(module (func (export \"f\")) {functions})"));
    wat::parse_str(text).expect("valid text")
}

#[tokio::test(flavor = "multi_thread")]
async fn two_hundred_thousand_functions_are_refused_by_name_and_delay_nobody() {
    let bed = Bed::new().await;
    let bytes = many_functions();
    let error = bed.deploy("hostile", &bytes).expect_err("refused");
    assert!(error.contains("200000 functions, and the limit is 50000 (functions-max)"), "{error}");
    let attack = async {
        loop {
            let (store, bytes) = (Arc::clone(bed.node.modules()), bytes.clone());
            let deploy = tokio::task::spawn_blocking(move || store.deploy("hostile", &bytes));
            assert!(deploy.await.expect("no panic").is_err());
        }
    };
    bed.calm_during(attack, "module of 200,000 functions").await;
    assert!(bed.node.find("hostile").is_none());
    bed.recovers().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_module_as_large_as_allowed_compiles_while_others_work() {
    let bed = Bed::with(TierChoice::Auto, |config| config.workers = Some(2)).await;
    let functions = "(func (param i32) (result i32) local.get 0 i32.const 3 i32.mul)";
    let attack = async {
        for round in 0_u32.. {
            // A different one each time, so that none is found in the cache.
            let core = format!(
                "(module (func (export \"f\")) (func (result i32) i32.const {round}) {})",
                functions.repeat(20_000)
            );
            bed.deploy("large", component(&core).as_bytes()).expect("a module");
            let reason = bed.end_of("large", "f()").await;
            assert_eq!(reason, Reason::Normal);
        }
    };
    bed.calm_during(attack, "compilation of 20,000 functions").await;
    bed.recovers().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_truncated_module_is_refused_or_runs_and_harms_nothing() {
    let bed = Bed::new().await;
    let mut random = Random::seeded();
    let whole = std::fs::read(guest("conformance.wasm")).expect("`cargo xtask guests` builds it");
    for round in 0..40 {
        let length = random.below(whole.len());
        let error = bed.deploy("hostile", &whole[..length]);
        let error = error.expect_err("half a guest is none");
        assert!(!error.contains("bug"), "cut at {length}, round {round}: {error}");
        assert!(error.len() < 4_096, "cut at {length}: the message is endless");
    }
    let error = bed.deploy("hostile", &whole[..whole.len() / 2]).expect_err("refused");
    assert!(error.contains("the file is cut off"), "{error}");
    assert!(bed.node.modules().resolve("hostile").is_err(), "nothing of it was kept");
    bed.recovers().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn random_bytes_are_refused_and_flipped_ones_harm_nothing() {
    let bed = Bed::new().await;
    let mut random = Random::seeded();
    let text = component(
        r#"(module (memory 1) (table 4 funcref) (global $g (mut i32) (i32.const 5))
          (func $a (result i32) (i32.load (global.get $g)))
          (elem (i32.const 0) $a)
          (func (export "f")
            (loop $again
              (drop (call_indirect (result i32) (i32.const 0)))
              (global.set $g (i32.add (global.get $g) (i32.const 1)))
              (br_if $again (i32.lt_u (global.get $g) (i32.const 100)))))
          (data (i32.const 0) "hello"))"#,
    );
    let whole = wat::parse_str(text).expect("valid text");
    let mut ran = 0;
    for round in 0..300 {
        let mut bytes = whole.clone();
        if round % 4 == 0 {
            bytes = (0..random.below(400)).map(|_| random.below(256) as u8).collect();
        }
        for _ in 0..=random.below(3) {
            if let Some(last) = bytes.len().checked_sub(9) {
                bytes[8 + random.below(last + 1)] = random.below(256) as u8;
            }
        }
        match bed.deploy("flipped", &bytes) {
            Err(error) => assert!(!error.contains("bug"), "round {round}: {error}"),
            Ok(()) => ran += u32::from(survives(&bed).await),
        }
    }
    println!("{ran} of 300 ran");
    assert!(ran > 0, "some flips leave a module that runs");
    bed.recovers().await;
}

/// Runs the module for a moment. Whatever it does, it ends or can be ended.
async fn survives(bed: &Bed) -> bool {
    let spawn = Spawn::new("flipped", Start::Call("f()".into()));
    let Ok((pid, ended)) = soon(bed.node.spawn_watched(spawn)).await else { return false };
    let mut ended = std::pin::pin!(ended.wait());
    let first = tokio::time::timeout(Duration::from_millis(50), &mut ended).await;
    if first.is_err() {
        bed.node.exit(pid, Reason::Kill);
        soon(ended).await;
    }
    true
}

#[tokio::test(flavor = "multi_thread")]
async fn a_core_module_without_metadata_is_refused_with_the_fix() {
    let bed = Bed::new().await;
    let core = r#"(module (import "env" "host" (func)) (func (export "f")))"#;
    let error = bed.deploy("core", core.as_bytes()).expect_err("refused");
    assert!(error.contains("a core module without WIT metadata"), "{error}");
    assert!(error.contains("env.host") && error.contains("wasm32-wasip2"), "{error}");
    bed.recovers().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn imports_that_nobody_offers_are_named_before_anything_runs() {
    let bed = Bed::new().await;
    let text = r#"(component
        (import "odeon:actor/mailbix@0.1.0" (instance (export "send" (func))))
        (import "evil:host/shell@1.0.0" (instance (export "exec" (func))))
        (core module $m (func (export "f")))
        (core instance $i (instantiate $m))
        (func (export "f") (canon lift (core func $i "f"))))"#;
    bed.deploy("asking", text.as_bytes()).expect("it is a module");
    let spawn = Spawn::new("asking", Start::Call("f()".into()));
    let error = soon(bed.node.spawn(spawn)).await.expect_err("refused").to_string();
    assert!(error.contains("evil:host/shell@1.0.0"), "{error}");
    assert!(error.contains("nobody here offers"), "{error}");
    assert!(error.contains("odeon:actor/mailbox"), "the near name: {error}");
    bed.recovers().await;
}
