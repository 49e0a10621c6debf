//! `odeon connect`, `disconnect`, `ping`, `nodes`, `cluster`: nodes that find each other,
//! refuse each other, and hear of each other's end.

use std::fs::{File, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::place::{DEADLINE, Place, Running, guest};

/// The state of a node in a listing of nodes, by its name without the host.
fn state<'a>(nodes: &'a Value, name: &str) -> Option<&'a str> {
    let rows = nodes.as_array().expect("a list");
    let found = rows.iter().find(|row| {
        row["name"].as_str().is_some_and(|whole| whole.starts_with(&format!("{name}@")))
    });
    found.and_then(|row| row["state"].as_str())
}

/// Waits until a node sees these states of others.
fn sees(place: &Place, on: &str, states: &[(&str, Option<&str>)]) {
    place.until(&["nodes", "--json", "--on", on], |nodes| {
        states.iter().all(|(name, wanted)| state(nodes, name) == *wanted)
    });
}

#[test]
fn nodes_are_connected_asked_and_disconnected() {
    let place = Place::new();
    let (_a, _b) = (place.node("a"), place.node("b"));
    sees(&place, "a", &[("a", Some("this")), ("b", Some("running"))]);
    assert!(place.ok(&["connect", "b", "--on", "a"]).starts_with("connected to b@"));
    sees(&place, "a", &[("b", Some("connected"))]);
    sees(&place, "b", &[("a", Some("connected")), ("b", Some("this"))]);
    let table = place.ok(&["nodes", "--on", "a"]);
    assert!(table.starts_with("NAME") && table.contains("connected"), "{table}");
    assert!(place.ok(&["ping", "b", "--on", "a"]).starts_with("pong "));
    assert!(place.ok(&["disconnect", "b", "--on", "a"]).starts_with("disconnected from b@"));
    sees(&place, "a", &[("b", Some("known"))]);
    sees(&place, "b", &[("a", Some("known"))]);
    place.fails(&["disconnect", "b", "--on", "a"], 4, &["no connection to `b@", "odeon nodes"]);
    // A ping connects.
    place.ok(&["ping", "a", "--on", "b"]);
    sees(&place, "a", &[("b", Some("connected"))]);
}

#[test]
fn a_node_that_is_not_there_is_pang_with_the_reason() {
    let place = Place::new();
    let _a = place.node("a");
    let done = place.run(&["ping", "nobody@no-such-host"]);
    assert_eq!(done.code, Some(1), "{done:?}");
    assert!(done.text().starts_with("pang: ") && done.text().contains("nobody knows where"));
    place.fails(&["connect", "nobody@no-such-host"], 1, &["nobody knows where"]);
    for wrong in ["a b", "", "x@", "x@y:0"] {
        place.fails(&["connect", wrong], 2, &["error"]);
        place.fails(&["ping", wrong], 2, &["error"]);
        place.fails(&["disconnect", wrong], 2, &["error"]);
    }
    assert!(place.ok(&["ping", "a"]).starts_with("pong"), "it reaches itself");
    place.ok(&["stop"]);
    for command in ["ping", "connect", "disconnect"] {
        place.fails(&[command, "b"], 3, &["no node is running"]);
    }
}

#[test]
fn a_node_that_joins_is_connected_with_all_that_are_there() {
    let place = Place::new();
    let _b = place.node("b");
    let _a = place.node_with("a", &["--join", "b"]);
    let _c = place.node_with("c", &["--join", "b"]);
    for (one, other) in [("a", "c"), ("c", "a"), ("a", "b"), ("c", "b")] {
        sees(&place, one, &[(other, Some("connected"))]);
    }
}

#[test]
fn without_the_mesh_only_those_that_were_asked_for_are_connected() {
    let place = Place::new();
    // Who has no mesh tells nobody of others, and follows no hearsay.
    let _b = place.node_with("b", &["--no-mesh"]);
    let _a = place.node_with("a", &["--join", "b"]);
    let _c = place.node_with("c", &["--join", "b"]);
    sees(&place, "c", &[("b", Some("connected"))]);
    sees(&place, "b", &[("a", Some("connected")), ("c", Some("connected"))]);
    // Whatever was to come of hearsay would have been told by now.
    place.ok(&["ping", "b", "--on", "c"]);
    let of_a = place.json(&["nodes", "--json", "--on", "a"]);
    assert_ne!(state(&of_a, "c"), Some("connected"), "{of_a}");
}

#[test]
fn n08_a_hidden_node_is_seen_by_those_that_it_connects_with_and_not_told_of() {
    let place = Place::new();
    let (_mustard, _salad) = (place.node("mustard"), place.node("salad"));
    let _olives = place.node_with("olives", &["--hidden"]);
    place.ok(&["connect", "salad", "--on", "mustard"]);
    place.ok(&["connect", "mustard", "--on", "olives"]);
    sees(&place, "mustard", &[("olives", Some("hidden")), ("salad", Some("connected"))]);
    sees(&place, "olives", &[("mustard", Some("hidden")), ("salad", Some("running"))]);
    place.ok(&["ping", "mustard", "--on", "salad"]);
    sees(&place, "salad", &[("olives", Some("running")), ("mustard", Some("connected"))]);
}

/// A watcher on `a` with workers on `b` and `c`.
fn watched(place: &Place) {
    let watcher = guest("watcher.wasm");
    let host = place.json(&["nodes", "--local", "--json"])[0]["name"].clone();
    let host = host.as_str().and_then(|name| name.split_once('@')).expect("a name").1.to_owned();
    let workers = format!("[\"b@{host}\", \"c@{host}\"]");
    place.ok(&["spawn", &watcher, "main", &workers, "--name", "watcher", "--on", "a"]);
    place.until_text(&["logs", "--on", "a"], |text| {
        text.contains("hello from b@") && text.contains("hello from c@")
    });
}

#[test]
fn workers_on_other_nodes_are_watched_and_write_where_they_were_made() {
    let place = Place::new();
    let _nodes = ["a", "b", "c"].map(|name| place.node(name));
    watched(&place);
    for node in ["b", "c"] {
        assert_eq!(place.json(&["ps", "--json", "--on", node])[0]["module"], "watcher");
        assert_eq!(place.json(&["logs", "--json", "--on", node]), json!([]));
    }
    let info = place.json(&["info", "watcher", "--json", "--on", "a"]);
    let nodes = |relation: &str| -> Vec<String> {
        let all = info[relation].as_array().expect("a list");
        let name = |one: &Value| one["node"].as_str().expect("a name").to_owned();
        let mut names: Vec<_> = all.iter().map(name).collect();
        names.sort();
        names
    };
    for relation in ["monitors", "monitored_by"] {
        let names = nodes(relation);
        assert_eq!(names.len(), 2, "{info}");
        assert!(names[0].starts_with("b@") && names[1].starts_with("c@"), "{names:?}");
    }
    let lines = place.json(&["logs", "--json", "--on", "a"]);
    let lines = lines.as_array().expect("a list");
    let written: Vec<_> = lines.iter().map(|line| (&line["node"], &line["text"])).collect();
    for (node, text) in written {
        let (node, text) = (node.as_str().unwrap_or_default(), text.as_str().expect("text"));
        assert_eq!(text, format!("hello from {node}"));
    }
    let pid = info["monitors"][0]["actor"].as_str().expect("a pid");
    assert_eq!(place.ok(&["logs", pid, "--on", "a"]).lines().count(), 1, "only that one's");
    // An actor's group leader is where its spawner is.
    let worker = place.json(&["ps", "--json", "--on", "b"])[0]["id"].to_string();
    let info = place.ok(&["info", &worker, "--on", "b"]);
    assert!(info.contains("group leader") && info.contains("a@"), "{info}");
    // The end of the watcher is told to the workers, who end.
    place.ok(&["kill", "watcher", "--on", "a"]);
    for node in ["b", "c"] {
        place.until(&["ps", "--json", "--on", node], |actors| actors == &json!([]));
    }
}

#[test]
fn the_end_of_a_killed_node_is_told_within_the_tick_time() {
    let place = Place::new();
    let ticks = ["--tick-time", "1"];
    let _a = place.node_with("a", &ticks);
    let _b = place.node_with("b", &ticks);
    let c = place.node_with("c", &ticks);
    watched(&place);
    let begun = Instant::now();
    c.vanish();
    place.until_text(&["logs", "--on", "a"], |text| {
        text.contains("the worker on c@") && text.contains("c@") && text.contains("is gone")
    });
    // Five quarters of the tick time, and time for the commands of this test.
    assert!(begun.elapsed() < Duration::from_secs(4), "{:?}", begun.elapsed());
    let log = place.ok(&["logs", "--on", "a"]);
    assert_eq!(log.matches("ended: noconnection").count(), 1, "{log}");
    // One that runs again under its name gets a worker again.
    let _c = place.node_with("c", &["--tick-time", "1", "--join", "b"]);
    place.until_text(&["logs", "--on", "a"], |text| {
        text.contains("is there") && text.matches("hello from c@").count() == 2
    });
}

#[test]
fn a_node_that_stands_still_is_told_to_be_gone_within_the_tick_time() {
    let place = Place::new();
    let ticks = ["--tick-time", "1"];
    let _a = place.node_with("a", &ticks);
    let _b = place.node_with("b", &ticks);
    let c = place.node_with("c", &ticks);
    watched(&place);
    let begun = Instant::now();
    c.signal("STOP");
    place.until_text(&["logs", "--on", "a"], |text| text.contains("is gone: net tick timeout"));
    assert!(begun.elapsed() < Duration::from_secs(4), "{:?}", begun.elapsed());
    c.signal("CONT");
    place.until_text(&["logs", "--on", "a"], |text| text.matches("hello from c@").count() == 2);
}

/// The lines of a log with these words, once there are so many.
fn lines_of(log: &Path, words: &str, count: usize) -> Vec<String> {
    let begun = Instant::now();
    loop {
        let text = std::fs::read_to_string(log).expect("a log");
        let lines: Vec<_> =
            text.lines().filter(|line| line.contains(words)).map(str::to_owned).collect();
        if lines.len() >= count {
            return lines;
        }
        assert!(begun.elapsed() < DEADLINE, "`{words}` not {count} times in {text}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn a_node_that_is_tried_again_and_again_is_told_of_once() {
    let place = Place::new();
    let log = place.path("a.log");
    let data = place.path("data-a");
    let data = data.to_str().expect("text");
    let mut command = place.command(&["node", "--name", "a", "--listen", "0", "--data-dir", data]);
    command.env("ODEON_LOG", "odeon=debug");
    let mut a = Running::with_log(command, File::create(&log).expect("a file"));
    a.line();
    let b = place.node("b");
    place.ok(&["connect", "b", "--on", "a"]);
    b.vanish();
    let lines = lines_of(&log, "no connection", 4);
    assert!(lines[0].contains(" INFO "), "{lines:?}");
    for line in &lines[1..] {
        assert!(line.contains("DEBUG"), "{lines:?}");
    }
    // Once it was there again, its loss is news again.
    let b = place.node("b");
    sees(&place, "a", &[("b", Some("connected"))]);
    let before = lines_of(&log, "no connection", 1).len();
    b.vanish();
    let lines = lines_of(&log, "no connection", before + 2);
    assert!(lines[before].contains(" INFO "), "{lines:?}");
    assert!(lines[before + 1].contains("DEBUG"), "{lines:?}");
}

#[test]
fn a_node_leaves_its_cluster_and_takes_part_again() {
    let place = Place::new();
    let (_a, _b) = (place.node("a"), place.node_with("b", &["--join", "a"]));
    sees(&place, "a", &[("b", Some("connected"))]);
    place.ok(&["cluster", "leave", "--on", "b"]);
    sees(&place, "a", &[("b", Some("known"))]);
    place.fails(&["cluster", "leave", "--on", "b"], 1, &["odeon cluster enter"]);
    place.fails(&["connect", "a", "--on", "b"], 1, &["not distributed"]);
    let done = place.run(&["ping", "b", "--on", "a"]);
    assert!(done.code == Some(1) && done.text().starts_with("pang: "), "{done:?}");
    place.ok(&["ps", "--on", "b"]);
    place.ok(&["cluster", "enter", "--on", "b"]);
    place.fails(&["cluster", "enter", "--on", "b"], 1, &["already"]);
    place.ok(&["ping", "a", "--on", "b"]);
    sees(&place, "a", &[("b", Some("connected"))]);
}

#[test]
fn the_tick_time_is_changed_while_nodes_run() {
    let place = Place::new();
    let _a = place.node_with("a", &["--tick-time", "0.4"]);
    let b = place.node_with("b", &["--tick-time", "0.4", "--join", "a"]);
    sees(&place, "a", &[("b", Some("connected"))]);
    for node in ["a", "b"] {
        place.ok(&["cluster", "tick-time", "20", "--on", node]);
    }
    // It stands still for longer than the old time, and nobody minds.
    b.signal("STOP");
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_millis(1500) {
        let nodes = place.json(&["nodes", "--json", "--on", "a"]);
        assert_eq!(state(&nodes, "b"), Some("connected"), "{:?}", begun.elapsed());
    }
    b.signal("CONT");
    place.ok(&["ping", "b", "--on", "a"]);
    for wrong in ["0", "0.01", "3601", "nan", "soon"] {
        place.fails(&["cluster", "tick-time", wrong, "--on", "a"], 2, &["error"]);
    }
}

/// A file with a cookie, as its owner keeps one.
fn cookie_file(place: &Place, name: &str, cookie: &str) -> String {
    let name = place.file(name, cookie);
    let path = place.path("work").join(&name);
    std::fs::set_permissions(&path, Permissions::from_mode(0o600)).expect("set");
    name
}

const SALAD: &str = "my-voice-is-my-password-and-it-is-long";
const MUSTARD: &str = "open-sesame-and-some-more-words-behind-it";

#[test]
fn c01_nodes_with_different_cookies_refuse_each_other_until_one_is_told_the_others() {
    let place = Place::new();
    let (_salad, _) = place.node_of("salad", &[], &[("ODEON_COOKIE", SALAD)]);
    let (_mustard, _) = place.node_of("mustard", &[], &[("ODEON_COOKIE", MUSTARD)]);
    let salad = |arguments: &[&str]| {
        place.run_in(&[("ODEON_COOKIE", SALAD)], &[arguments, &["--on", "salad"]].concat())
    };
    let mustard = |arguments: &[&str]| {
        place.run_in(&[("ODEON_COOKIE", MUSTARD)], &[arguments, &["--on", "mustard"]].concat())
    };
    // Commands are for the node whose cookie they have.
    salad(&["ps"]).ok();
    place.run_in(&[("ODEON_COOKIE", SALAD)], &["ps", "--on", "mustard"]).failed(
        &[],
        5,
        &["wrong cookie"],
    );
    for refused in [salad(&["ping", "mustard"]), mustard(&["ping", "salad"])] {
        assert_eq!(refused.code, Some(1), "{refused:?}");
        assert!(refused.text().contains("pang: ") && refused.text().contains("wrong cookie"));
    }
    let file = cookie_file(&place, "of-mustard", MUSTARD);
    salad(&["cluster", "cookie", "mustard", &file]).failed(&[], 2, &["absolute path"]);
    let absolute = place.path("work").join(&file);
    let absolute = absolute.to_str().expect("text");
    salad(&["cluster", "cookie", "mustard", absolute]).ok();
    salad(&["ping", "mustard"]).ok();
    mustard(&["disconnect", "salad"]).ok();
    mustard(&["ping", "salad"]).ok();
    // What is forgotten counts for connections to come.
    salad(&["cluster", "cookie", "mustard", "--forget"]).ok();
    mustard(&["disconnect", "salad"]).ok();
    assert_eq!(mustard(&["ping", "salad"]).code, Some(1));
    // Wrong files are refused with the fix.
    let open = place.file("open", MUSTARD);
    let open = place.path("work").join(open);
    std::fs::set_permissions(&open, Permissions::from_mode(0o644)).expect("set");
    let open = open.to_str().expect("text");
    salad(&["cluster", "cookie", "mustard", open]).failed(&[], 5, &["chmod 600"]);
    salad(&["cluster", "cookie", "mustard", "/nowhere"]).failed(&[], 5, &["/nowhere"]);
    salad(&["cluster", "cookie", "mustard"]).failed(&[], 2, &["FILE"]);
}

#[test]
fn c02_cookies_of_peers_can_be_given_at_the_start() {
    let place = Place::new();
    let file = cookie_file(&place, "of-mustard", MUSTARD);
    let host = {
        let _one = place.node("one");
        let nodes = place.json(&["nodes", "--local", "--json"]);
        nodes[0]["name"].as_str().and_then(|it| it.split_once('@')).expect("whole").1.to_owned()
    };
    let given = format!("mustard@{host}={file}");
    let with = [("ODEON_COOKIE", SALAD)];
    let (_salad, _) = place.node_of("salad", &["--cookie-for", &given], &with);
    let (_pepper, _) = place.node_of("pepper", &[], &with);
    let (_mustard, _) = place.node_of("mustard", &[], &[("ODEON_COOKIE", MUSTARD)]);
    let ping = |on: &str, other: &str| place.run_in(&with, &["ping", other, "--on", on]);
    ping("salad", "mustard").ok();
    ping("salad", "pepper").ok();
    let refused = ping("pepper", "mustard");
    assert!(refused.code == Some(1) && refused.text().contains("wrong cookie"), "{refused:?}");
}

#[test]
fn the_configuration_file_says_what_a_node_is_among_others() {
    let place = Place::new();
    let _b = place.node("b");
    place.file("odeon.toml", "[cluster]\njoin = [\"b\"]\nhidden = true\ntick-time = 2.5\n");
    let hidden = place.node("hidden");
    sees(&place, "b", &[("hidden", Some("hidden"))]);
    drop(hidden);
    // A variable wins over the file, and a flag over the variable.
    let (visible, _) = place.node_of("visible", &[], &[("ODEON_HIDDEN", "false")]);
    sees(&place, "b", &[("visible", Some("connected"))]);
    drop(visible);
    let (again, _) = place.node_of("again", &["--hidden"], &[("ODEON_HIDDEN", "false")]);
    sees(&place, "b", &[("again", Some("hidden"))]);
    drop(again);
    let start = ["node", "--name", "x", "--listen", "0", "--data-dir", "other"];
    let wrong: [(&str, &[&str], &[&str]); 7] = [
        ("joins = [\"b\"]", &[], &["did you mean `join`"]),
        ("tick-time = 0", &[], &["0.1 to 3600 seconds"]),
        ("auto-connect = \"soon\"", &[], &["always, once and never"]),
        ("accept-modules = \"few\"", &[], &["64 digits"]),
        ("join = [\"a b\"]", &[], &["cannot name a node"]),
        ("", &["--tick-time", "0"], &["0.1 to 3600 seconds"]),
        ("", &["--join", "b@box:x"], &["is no port"]),
    ];
    for (table, flags, words) in wrong {
        place.file("odeon.toml", format!("[cluster]\n{table}\n"));
        place.fails(&[&start[..], flags].concat(), 2, words);
    }
}

#[test]
fn a_node_says_who_may_come_and_what_they_may_bring() {
    let place = Place::new();
    let strict = ["--allow", "b", "--accept-modules", "none"];
    let _a = place.node_with("a", &strict);
    let (_b, _c) = (place.node("b"), place.node("c"));
    place.ok(&["ping", "a", "--on", "b"]);
    let refused = place.run(&["ping", "a", "--on", "c"]);
    assert!(refused.code == Some(1) && refused.text().contains("not allowed"), "{refused:?}");
    let watcher = guest("watcher.wasm");
    let name = place.json(&["nodes", "--local", "--json"])[0]["name"].clone();
    let on_a = format!("[{name}]");
    place.ok(&["spawn", &watcher, "main", &on_a, "--on", "b"]);
    place.until_text(&["logs", "--on", "b"], |text| text.contains("nobody works on a@"));
    let log = place.ok(&["logs", "--on", "b"]);
    assert!(!log.contains("SpawnError"), "in words: {log}");
    assert_eq!(place.json(&["ps", "--json", "--on", "a"]), json!([]));
    // Its owner may.
    place.ok(&["spawn", &watcher, "main", "[]", "--on", "a"]);
}
