//! Commands that work on files and need no node: `inspect`, `new`, `completion`.

use serde_json::json;

use crate::guests::{ASKING, CALC, CAT, CORE};
use crate::place::{Place, guest};

#[test]
fn inspect_tells_each_kind_of_file_apart() {
    let place = Place::new();
    let report = place.json(&["inspect", &guest("conformance.wasm"), "--json"]);
    assert!(report["starts"].as_array().is_some_and(|it| it.contains(&json!("entry"))));
    assert_eq!(report["missing"], json!([]));
    let report = place.json(&["inspect", &guest("wordcount.wasm"), "--json"]);
    assert_eq!(report["starts"], json!(["command"]));
    let cat = place.file("cat.wat", CAT);
    let report = place.json(&["inspect", &cat, "--json"]);
    assert_eq!((&report["source"], &report["text"]), (&json!("preview1-command"), &json!(true)));
    let calc = place.file("calc.wat", CALC);
    let report = place.json(&["inspect", &calc, "--json"]);
    assert_eq!(report["source"], "component");
    assert_eq!(report["starts"], json!(["call"]));
    assert_eq!(report["exports"].as_array().map(Vec::len), Some(3));
    let text = place.ok(&["inspect", &calc]);
    assert!(text.contains("verdict   it can run here"), "{text}");
    assert!(text.contains("add: func(a: u32, b: u32) -> u32"), "{text}");
}

#[test]
fn inspect_says_what_is_missing_and_refuses_what_is_no_module() {
    let place = Place::new();
    let asking = place.file("asking.wat", ASKING);
    let text = place.ok(&["inspect", &asking]);
    assert!(text.contains("evil:host/shell@1.0.0") && text.contains("MISSING"), "{text}");
    assert!(text.contains("verdict   it cannot run here"), "{text}");
    let core = place.file("core.wat", CORE);
    place.fails(&["inspect", &core], 1, &["without WIT metadata"]);
    let notes = place.file("notes.txt", "Dear diary,");
    place.fails(&["inspect", &notes], 1, &["not WebAssembly"]);
    place.fails(&["inspect", "nowhere.wasm"], 4, &["no file nowhere.wasm"]);
}

#[test]
fn a_new_project_is_made_once() {
    let place = Place::new();
    let text = place.ok(&["new", "my-actor"]);
    assert!(text.contains("cd my-actor && odeon build"), "{text}");
    let source = place.path("work").join("my-actor/src/lib.rs");
    std::fs::write(&source, "mine").expect("written");
    place.fails(&["new", "my-actor"], 1, &["my-actor is there already", "another name"]);
    assert_eq!(std::fs::read_to_string(&source).expect("there"), "mine", "it was left alone");
    place.fails(&["new", "My_Actor"], 2, &["My_Actor", "small letters"]);
    place.fails(&["build", "nowhere"], 4, &["no Cargo.toml", "src/main.c", "odeon new"]);
}

#[test]
fn completion_scripts_know_the_commands() {
    let place = Place::new();
    for shell in ["bash", "zsh", "fish"] {
        let script = place.ok(&["completion", shell]);
        for command in ["deploy", "inspect", "spawn"] {
            assert!(script.contains(command), "{shell} knows {command}");
        }
    }
    place.fails(&["completion", "dos"], 2, &["dos", "bash"]);
}

#[test]
fn usage_is_shown_where_it_is_asked_for_and_where_it_is_wrong() {
    let place = Place::new();
    let help = place.ok(&["--help"]);
    assert!(help.contains("Exit codes:") && help.contains("130  interrupted"), "{help}");
    assert!(place.ok(&["--version"]).starts_with("odeon "));
    place.fails(&[], 2, &["Usage"]);
    place.fails(&["spawn", "x", "--json", "--attach"], 2, &["--json"]);
    place.fails(&["run"], 2, &["<FILE>"]);
}
