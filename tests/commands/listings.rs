//! What programs read: `--json` of every listing, with the fields that are promised.
//! A field may be added (here too); none may go or change its name.

use serde_json::Value;

use crate::guests::{CALC, says};
use crate::place::{Place, fields};

fn only(listing: &Value) -> &Value {
    let rows = listing.as_array().expect("a list");
    assert_eq!(rows.len(), 1, "{listing}");
    &rows[0]
}

#[test]
fn every_listing_of_a_node_has_its_promised_fields() {
    let place = Place::new();
    let _node = place.node("one");
    let calc = place.file("calc.wat", CALC);
    let deployed = place.json(&["deploy", &calc, "--json"]);
    assert_eq!(fields(&deployed), ["bytes", "deployed_s", "digest", "id", "names"]);
    let modules = place.json(&["modules", "--json"]);
    assert_eq!(only(&modules), &deployed);
    let id = deployed["id"].as_str().expect("a short id");
    assert!(deployed["digest"].as_str().is_some_and(|digest| digest.starts_with(id)));
    let spawned = place.json(&["spawn", "calc", "spin()", "--json"]);
    assert_eq!(fields(&spawned), ["id", "pid"]);
    let actors = place.json(&["ps", "--json"]);
    let expected = [
        "age_ms",
        "id",
        "mailbox",
        "memory_bytes",
        "module",
        "name",
        "parent",
        "pid",
        "start",
        "status",
    ];
    assert_eq!(fields(only(&actors)), expected);
    assert_eq!(only(&actors)["pid"], spawned["pid"]);
    let nodes = place.json(&["nodes", "--json"]);
    assert_eq!(fields(only(&nodes)), ["address", "id", "name", "process", "state"]);
    let nodes = place.json(&["nodes", "--local", "--json"]);
    assert_eq!(fields(only(&nodes)), ["address", "incarnation", "name", "process"]);
    let id = spawned["id"].to_string();
    let info = place.json(&["info", &id, "--json"]);
    let expected =
        ["actor", "group_leader", "links", "monitored_by", "monitors", "more", "trap_exit"];
    assert_eq!(fields(&info), expected);
    assert_eq!(fields(&info["group_leader"]), ["actor", "node"]);
}

#[test]
fn the_logs_are_one_document_or_one_object_a_line() {
    let place = Place::new();
    let _node = place.node("one");
    let hello = place.file("hello.wat", says("h\u{1b}llo", "unreachable"));
    place.ok(&["deploy", &hello]);
    place.ok(&["spawn", "hello"]);
    place.until(&["logs", "--json"], |lines| lines.as_array().map(Vec::len) == Some(3));
    let lines = place.json(&["logs", "--json"]);
    for line in lines.as_array().expect("a list") {
        assert_eq!(fields(line), ["actor", "at_ms", "channel", "node", "number", "text"]);
    }
    let of = |channel: &str| {
        let mut all = lines.as_array().into_iter().flatten();
        all.find(|line| line["channel"] == channel).map(|line| line["text"].clone())
    };
    assert_eq!(of("output"), Some("h\u{1b}llo".into()), "programs get what was written");
    assert_eq!(of("error"), Some("h\u{1b}llo".into()));
    assert!(of("node").is_some_and(|text| text.as_str().is_some_and(|it| it.contains("trap"))));
    let mut follower = crate::place::Running::new(place.command(&["logs", "-f", "--json"]));
    let line: Value = serde_json::from_str(&follower.line()).expect("an object");
    assert_eq!(line, lines[0]);
}

#[test]
fn empty_listings_are_empty_lists() {
    let place = Place::new();
    assert_eq!(place.json(&["nodes", "--json"]), serde_json::json!([]));
    let _node = place.node("one");
    for listing in ["ps", "modules", "logs"] {
        assert_eq!(place.json(&[listing, "--json"]), serde_json::json!([]), "{listing}");
    }
    assert_eq!(place.ok(&["modules"]).lines().count(), 1, "heads and nothing else");
}

#[test]
fn what_nobody_reads_is_no_failure() {
    let place = Place::new();
    let _node = place.node("one");
    let calc = place.file("calc.wat", CALC);
    place.ok(&["deploy", &calc]);
    let unread: [&[&str]; 6] = [
        &["modules", "--json"],
        &["ps"],
        &["nodes"],
        &["completion", "bash"],
        &["inspect", &calc],
        &["doctor"],
    ];
    for arguments in unread {
        let mut child = place.command(arguments).spawn().expect("it starts");
        drop(child.stdout.take());
        let output = child.wait_with_output().expect("it ends");
        let errors = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(0), "{arguments:?}: {errors}");
        assert_eq!(errors, "", "{arguments:?}");
    }
}

#[test]
fn doctor_reports_each_check_with_a_verdict() {
    let place = Place::new();
    let checks = place.json(&["doctor", "--json"]);
    let checks = checks.as_array().expect("a list");
    let names: Vec<_> = checks.iter().filter_map(|check| check["name"].as_str()).collect();
    for name in ["configuration", "dense memory", "store", "cookie", "nodes", "wasm toolchain"] {
        assert!(names.contains(&name), "{name} is not in {names:?}");
    }
    for check in checks {
        assert_eq!(fields(check), ["name", "text", "verdict"]);
        let verdict = check["verdict"].as_str().expect("text");
        assert!(["ok", "warn"].contains(&verdict), "{check}");
        assert!(check["text"].as_str().is_some_and(|text| !text.is_empty()));
    }
    place.file("odeon.toml", "worker = 1\n");
    let done = place.run(&["doctor"]);
    assert_eq!(done.code, Some(1), "{done:?}");
    assert!(done.text().contains("FAIL  configuration"), "{}", done.text());
    assert!(done.text().contains("did you mean `workers`"), "{}", done.text());
}
