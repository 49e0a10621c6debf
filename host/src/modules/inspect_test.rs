//! The report on a file.

use super::guests::{ADD, INTERFACES, PREVIEW1};
use super::inspect::{Report, Start, inspect};
use super::load::Source;
use super::shape::Grant;

fn report(text: &str) -> Report {
    inspect(text.as_bytes()).expect("a module")
}

#[test]
fn a_pure_component_can_run_and_be_called() {
    let report = report(ADD);
    assert_eq!(report.starts, [Start::Call]);
    assert_eq!((report.source, report.text), (Source::Component, true));
    assert!(report.missing.is_empty() && report.needs_grants.is_empty());
    let text = report.to_string();
    for part in ["add: func(a: u32, b: u32) -> u32", "it can run here", "by a call", "sha256:"] {
        assert!(text.contains(part), "{part}: {text}");
    }
}

#[test]
fn a_command_starts_as_one_and_is_told_its_grants() {
    let report = report(PREVIEW1);
    assert_eq!(report.starts, [Start::Command]);
    assert_eq!(report.source, Source::Preview1Command);
    assert!(report.missing.is_empty(), "{:?}", report.missing);
    let text = report.to_string();
    assert!(text.contains("as a command") && text.contains("it can run here"), "{text}");
}

#[test]
fn grants_are_listed_once() {
    let report = report(
        r#"(component
            (import "wasi:filesystem/preopens@0.2.0" (instance (export "a" (func))))
            (import "wasi:filesystem/types@0.2.0" (instance (export "b" (func))))
            (import "wasi:cli/environment@0.2.0" (instance (export "c" (func)))))"#,
    );
    assert_eq!(report.needs_grants, [Grant::Filesystem, Grant::Environment]);
    assert_eq!(report.notes, ["nothing in it can be started or called"]);
}

#[test]
fn missing_imports_are_named_and_say_that_it_cannot_run() {
    let report =
        report(r#"(component (import "shop:api/cart@1.0.0" (instance (export "add" (func)))))"#);
    assert_eq!(report.missing.len(), 1);
    let text = report.to_string();
    assert!(text.contains("missing   imports `shop:api/cart@1.0.0`"), "{text}");
    assert!(text.contains("it cannot run here") && !text.contains("it can run here"), "{text}");
}

#[test]
fn the_report_survives_json() {
    for text in [ADD, INTERFACES, PREVIEW1] {
        let report = report(text);
        let json = serde_json::to_string(&report).expect("text");
        assert_eq!(serde_json::from_str::<Report>(&json).expect("the same"), report);
    }
}
