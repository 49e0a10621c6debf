//! `odeon node`, `nodes`, `stop`: nodes that start, do not start, and vanish.

use std::fs::Permissions;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;

use crate::guests::{FOR_EVER, says};
use crate::place::{Place, Running, fields};

#[test]
fn a_node_says_when_it_is_ready_and_stops_when_asked() {
    let place = Place::new();
    let node = place.node("one");
    let listed = place.json(&["nodes", "--json"]);
    let listed = listed.as_array().expect("a list");
    assert_eq!(listed.len(), 1);
    assert_eq!(fields(&listed[0]), ["address", "id", "name", "process", "state"]);
    let local = place.json(&["nodes", "--local", "--json"]);
    assert_eq!(fields(&local[0]), ["address", "incarnation", "name", "process"]);
    assert!(listed[0]["name"].as_str().is_some_and(|name| name.starts_with("one@")));
    place.ok(&["stop"]);
    assert_eq!(node.end(), (Some(0), String::new()));
    assert_eq!(place.json(&["nodes", "--json"]), serde_json::json!([]));
    place.fails(&["stop"], 3, &["no node is running", "odeon node"]);
}

#[test]
fn a_node_takes_all_the_descriptors_that_it_may_have() {
    let place = Place::new();
    let _node = place.node("one");
    let process = place.json(&["nodes", "--local", "--json"])[0]["process"].clone();
    let limits = std::fs::read_to_string(format!("/proc/{process}/limits")).expect("of Linux");
    let files = limits.lines().find(|line| line.starts_with("Max open files")).expect("known");
    let values: Vec<_> = files.split_whitespace().skip(3).take(2).collect();
    assert_eq!(values[0], values[1], "{files}");
}

#[test]
fn a_node_ends_its_actors_when_it_is_interrupted_or_terminated() {
    let place = Place::new();
    let spins = place.file("spins.wat", says("here", FOR_EVER));
    for signal in ["INT", "TERM"] {
        let node = place.node("one");
        place.ok(&["deploy", &spins]);
        place.ok(&["spawn", "spins"]);
        node.signal(signal);
        assert_eq!(node.end().0, Some(0), "SIG{signal}");
        assert_eq!(place.json(&["nodes", "--json"]), serde_json::json!([]));
    }
}

#[test]
fn without_a_node_each_command_says_how_to_start_one() {
    let place = Place::new();
    let none: [&[&str]; 8] = [
        &["ps"],
        &["modules"],
        &["spawn", "x"],
        &["kill", "1"],
        &["send", "1", "x"],
        &["logs"],
        &["remove", "x"],
        &["call", "x", "f()"],
    ];
    for arguments in none {
        place.fails(arguments, 3, &["no node is running", "`odeon node`"]);
    }
    place.fails(&["ps", "--node", "far"], 3, &["far@", "odeon node --name far@"]);
    place.fails(&["ps", "--node", "a b"], 2, &["cannot name a node"]);
}

#[test]
fn two_nodes_are_told_apart_by_name() {
    let place = Place::new();
    let (left, right) = (place.node("left"), place.node("right"));
    place.fails(&["ps"], 3, &["several nodes", "left@", "right@", "--node"]);
    let file = place.file("here.wat", says("here", ""));
    place.ok(&["deploy", &file, "--node", "left"]);
    let modules = |node| place.json(&["modules", "--json", "--node", node]);
    assert_eq!(modules("left").as_array().map(Vec::len), Some(1));
    assert_eq!(modules("right").as_array().map(Vec::len), Some(0));
    place.fails(&["ps", "--node", "middle"], 3, &["left@", "right@"]);
    // The variable says it as well, and the flag wins over it.
    let asked = |variable: &str, flags: &[&str]| {
        let mut command = place.command(&[&["modules", "--json"], flags].concat());
        command.env("ODEON_NODE", variable);
        let (code, text) = Running::new(command).end();
        (code, text.contains("here"))
    };
    assert_eq!(asked("left", &[]), (Some(0), true));
    assert_eq!(asked("left", &["--node", "right"]), (Some(0), false));
    place.ok(&["stop", "--node", "left"]);
    assert_eq!(left.end().0, Some(0));
    place.ok(&["ps"]);
    place.ok(&["stop"]);
    assert_eq!(right.end().0, Some(0));
}

#[test]
fn what_a_killed_node_left_behind_is_noticed_and_its_name_is_free() {
    let place = Place::new();
    let file = place.file("here.wat", says("here", ""));
    let node = place.node("one");
    place.ok(&["deploy", &file]);
    node.vanish();
    place.fails(&["ps"], 3, &["no node is running"]);
    assert_eq!(place.json(&["nodes", "--json"]), serde_json::json!([]));
    let again = place.node("one");
    let modules = place.json(&["modules", "--json"]);
    assert_eq!(modules[0]["names"], serde_json::json!(["here"]), "what was deployed is kept");
    place.ok(&["stop"]);
    assert_eq!(again.end().0, Some(0));
}

#[test]
fn a_name_or_port_that_is_taken_is_refused_with_the_fix() {
    let place = Place::new();
    let _node = place.node("one");
    let other = ["node", "--name", "one", "--listen", "0", "--data-dir", "other"];
    place.fails(&other, 1, &["is already running", "--name", "odeon stop --node one@"]);
    let holder = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = holder.local_addr().expect("bound").port().to_string();
    let taken = ["node", "--name", "two", "--listen", &port, "--data-dir", "other"];
    place.fails(&taken, 1, &[&port, "is taken", "--listen"]);
    place.fails(&["node", "--listen", "here"], 2, &["write a port"]);
    let listed = place.json(&["nodes", "--json"]);
    assert_eq!(listed.as_array().map(Vec::len), Some(1), "the failed ones left nothing");
}

#[test]
fn wrong_settings_for_connections_are_refused_with_the_fix() {
    let place = Place::new();
    let start = ["node", "--name", "two", "--listen", "0", "--data-dir", "other"];
    let wrong: [(&[&str], i32, &[&str]); 7] = [
        (&["--advertise", "box"], 2, &["host:port"]),
        (&["--tls", "sometimes"], 2, &["neither auto nor always"]),
        (&["--tls", "always", "--plain"], 2, &["--plain"]),
        (&["--setup-time", "0"], 2, &["1 to 120 seconds"]),
        (&["--cert", "a.pem"], 2, &["all three"]),
        (&["--cookie-for", "b@box"], 2, &["NODE=FILE"]),
        (&["--cookie-for", "b@box=absent"], 1, &["absent"]),
    ];
    for (flags, code, texts) in wrong {
        place.fails(&[&start[..], flags].concat(), code, texts);
    }
    assert_eq!(place.json(&["nodes", "--json"]), serde_json::json!([]));
}

#[test]
fn commands_find_a_node_that_listens_everywhere_and_one_that_wants_tls() {
    for flags in [&["--listen", "0.0.0.0:0"][..], &["--listen", "0", "--tls", "always"]] {
        let place = Place::new();
        let start = ["node", "--name", "one", "--data-dir", "store"];
        let mut node = Running::new(place.command(&[&start[..], flags].concat()));
        assert!(node.line().contains(" ready on "));
        place.ok(&["ps"]);
        place.ok(&["stop"]);
        assert_eq!(node.end().0, Some(0));
    }
}

#[test]
fn a_store_that_cannot_be_used_is_refused_with_the_fix() {
    let place = Place::new();
    place.file("file", "not a directory");
    let within = ["node", "--listen", "0", "--data-dir", "file/store"];
    place.fails(&within, 1, &["file/store", "name a directory for the store"]);
    // Nobody can write here, not even who may write everywhere else.
    let system = ["node", "--listen", "0", "--data-dir", "/proc/odeon-store"];
    place.fails(&system, 1, &["/proc/odeon-store"]);
    let open = place.path("work").join("open");
    std::fs::create_dir(&open).expect("made");
    std::fs::set_permissions(&open, Permissions::from_mode(0o777)).expect("set");
    let exposed = ["node", "--listen", "0", "--data-dir", "open"];
    place.fails(&exposed, 1, &["is not private", "chmod 700"]);
    assert_eq!(place.json(&["nodes", "--json"]), serde_json::json!([]));
}

#[test]
fn a_wrong_cookie_is_refused_and_the_node_goes_on() {
    let place = Place::new();
    let _node = place.node("one");
    let mut command = place.command(&["ps"]);
    command.env("ODEON_COOKIE", "a-cookie-that-is-long-enough-and-not-the-right-one");
    let output = command.output().expect("it runs");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(5), "{errors}");
    assert!(errors.contains("ODEON_COOKIE") && !errors.contains("panicked"), "{errors}");
    assert!(!errors.contains("a-cookie-that"), "a cookie is never shown: {errors}");
    let mut command = place.command(&["ps"]);
    command.env("ODEON_COOKIE", "x");
    let output = command.output().expect("it runs");
    assert_eq!(output.status.code(), Some(1), "too short to be a cookie");
    place.ok(&["ps"]);
}

#[test]
fn a_cookie_that_others_can_read_is_refused() {
    let place = Place::new();
    let node = place.node("one");
    let cookie = place.path("home").join("cookie");
    let mode = std::fs::metadata(&cookie).expect("made on first use").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    std::fs::set_permissions(&cookie, Permissions::from_mode(0o644)).expect("set");
    place.fails(&["ps"], 5, &["can be read by others", "chmod 600"]);
    drop(node);
}

#[test]
fn the_configuration_file_counts_and_its_mistakes_are_named() {
    let place = Place::new();
    place.file("odeon.toml", "workers = 1\nname = \"of-file\"\n");
    let arguments = ["node", "--listen", "0", "--data-dir", "store"];
    let mut node = Running::new(place.command(&arguments));
    assert!(node.line().starts_with("node of-file@"));
    place.ok(&["stop"]);
    assert_eq!(node.end().0, Some(0));
    place.file("odeon.toml", "worker = 1\n");
    place.fails(&["ps"], 2, &["odeon.toml", "line 1", "did you mean `workers`"]);
    place.file("odeon.toml", "[limits]\nmemory-byte = 1\n");
    place.fails(&arguments, 2, &["line 2", "did you mean `memory-bytes`"]);
    place.file("odeon.toml", "tier = \"slow\"\n");
    place.fails(&arguments, 2, &["auto, dense and fast"]);
    place.fails(&["ps", "--config", "nowhere.toml"], 2, &["nowhere.toml"]);
}
