//! `--on`: commands that go to any node, and programs that run on one.

use crate::guests::{CALC, CAT, FOR_EVER, says};
use crate::place::{Done, Place, Running, guest};
use serde_json::json;

#[test]
fn every_command_goes_to_the_node_that_is_named() {
    let place = Place::new();
    let (_left, right) = (place.node("left"), place.node("right"));
    let suite = guest("conformance.wasm");
    place.ok(&["deploy", &suite, "--name", "suite", "--on", "right"]);
    assert_eq!(place.json(&["modules", "--json", "--on", "left"]), json!([]));
    assert_eq!(place.json(&["modules", "--json", "--on", "right"])[0]["names"], json!(["suite"]));
    place.ok(&["spawn", "--on", "right", "suite", "waiter", "--name", "w"]);
    assert_eq!(place.json(&["ps", "--json", "--on", "right"])[0]["name"], "w");
    assert_eq!(place.json(&["ps", "--json", "--on", "left"]), json!([]));
    place.ok(&["send", "w", "hello", "--on", "right"]);
    place.ok(&["info", "w", "--on", "right"]);
    place.ok(&["kill", "w", "--on", "right"]);
    place.until_text(&["logs", "--on", "right"], |text| text.contains("suite ended: killed"));
    let calc = place.file("calc.wat", CALC);
    place.ok(&["deploy", &calc, "--on", "right"]);
    assert_eq!(place.ok(&["call", "calc", "add(1, 2)", "--on", "right"]), "3\n");
    place.ok(&["remove", "calc", "--on", "right"]);
    let mut follower = Running::new(place.command(&["logs", "-f", "--on", "right"]));
    assert!(follower.line().contains("suite ended"));
    // It wins over --node.
    place.ok(&["stop", "--node", "left", "--on", "right"]);
    assert_eq!(right.end().0, Some(0));
    place.ok(&["ps"]);
}

#[test]
fn a_node_of_another_place_is_reached_by_its_host_and_port() {
    let (here, there) = (Place::new(), Place::new());
    let (_node, port) = there.node_of("far@localhost", &[], &[]);
    let cookie = std::fs::read_to_string(there.path("home").join("cookie")).expect("made");
    let cookie = [("ODEON_COOKIE", cookie.trim())];
    let on = format!("far@localhost:{port}");
    let file = here.file("here.wat", says("from afar", ""));
    let done = here.run_in(&cookie, &["run", "--on", &on, &file]);
    assert_eq!((done.code, done.text().as_str()), (Some(0), "from afar\n"), "{done:?}");
    let done = here.run_in(&cookie, &["nodes", "--json", "--on", &on]);
    let rows: serde_json::Value = serde_json::from_str(&done.text()).expect("JSON");
    assert_eq!((&rows[0]["name"], &rows[0]["state"]), (&json!("far@localhost"), &json!("this")));
    // Without its cookie.
    here.fails(&["ps", "--on", &on], 5, &["wrong cookie", "ODEON_COOKIE"]);
    // Under another name.
    let other = format!("other@localhost:{port}");
    let done = here.run_in(&cookie, &["ps", "--on", &other]);
    done.failed(&[], 3, &["the node at 127.0.0.1", "is `far@localhost`, not `other@localhost`"]);
}

#[test]
fn a_node_that_wants_tls_says_so_to_a_command_from_elsewhere() {
    let (here, there) = (Place::new(), Place::new());
    let (_node, port) = there.node_of("far@localhost", &["--tls", "always"], &[]);
    let cookie = std::fs::read_to_string(there.path("home").join("cookie")).expect("made");
    let on = format!("far@localhost:{port}");
    let plain = here.run_in(&[("ODEON_COOKIE", cookie.trim())], &["ps", "--on", &on]);
    plain.failed(&[], 3, &["TLS", "ODEON_TLS=always"]);
    let secured = [("ODEON_COOKIE", cookie.trim()), ("ODEON_TLS", "always")];
    let done = here.run_in(&secured, &["ps", "--on", &on]);
    assert_eq!(done.code, Some(0), "{done:?}");
    // Who finds it on this machine is told by the node itself.
    there.ok(&["ps", "--on", "far@localhost"]);
}

#[test]
fn who_is_not_there_is_code_3_and_what_names_nobody_code_2() {
    let place = Place::new();
    let _node = place.node("one");
    let closed = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = closed.local_addr().expect("bound").port();
    drop(closed);
    let nobody = format!("nobody@localhost:{port}");
    place.fails(&["ps", "--on", &nobody], 3, &["cannot reach", "--listen", "4370"]);
    place.fails(&["ps", "--on", "x@no-such-host.invalid"], 3, &["nobody knows where", "start it"]);
    for wrong in ["", "a b", "@box", "b@", "b@box:", "b@box:x", "b@box:0", "../b", "b@box@c"] {
        place.fails(&["ps", "--on", wrong], 2, &["error"]);
    }
    for command in [
        &["inspect", "x.wasm"][..],
        &["doctor"],
        &["new", "x"],
        &["build"],
        &["completion", "bash"],
        &["node"],
    ] {
        place.fails(&[command, &["--on", "one"]].concat(), 2, &["concerns no running node"]);
    }
    let silent = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let silent_at = format!("b@localhost:{}", silent.local_addr().expect("bound").port());
    let slow = place.run_in(&[("ODEON_SETUP_TIME", "1")], &["ps", "--on", &silent_at]);
    slow.failed(&[], 3, &["did not answer in time"]);
}

fn same(here: &Done, there: &Done) {
    assert_eq!(here.code, there.code, "{} and {}", here.err, there.err);
    assert!(here.out == there.out, "{} and {} bytes", here.out.len(), there.out.len());
    assert_eq!(here.err, there.err);
}

#[test]
fn a_program_behaves_on_another_node_as_here() {
    let place = Place::new();
    let _node = place.node("far");
    let wordcount = guest("wordcount.wasm");
    let exits = place.file("exits.wat", says("x", "(call $exit (i32.const 7))"));
    let traps = place.file("traps.wat", says("before", "unreachable"));
    let cases: [(&[&str], &str); 6] = [
        (&[&wordcount], "one two\nthree\n"),
        (&[&wordcount, "-w", "-l"], "a b c\n"),
        (&[&wordcount, "--what"], ""),
        (&["--env", "WORDCOUNT_MIN=3", &wordcount], "one two"),
        (&[&exits], ""),
        (&[&traps], ""),
    ];
    for (command, input) in cases {
        let here = place.run_with(&[&["run"], command].concat(), input);
        let there = place.run_with(&[&["run", "--on", "far"], command].concat(), input);
        same(&here, &there);
    }
    let modules = place.json(&["modules", "--json"]);
    let modules = modules.as_array().expect("a list");
    assert_eq!(modules.len(), 3, "each came once: {modules:?}");
    assert!(modules.iter().all(|module| module["names"] == json!([])), "{modules:?}");
    assert_eq!(place.json(&["ps", "--json"]), json!([]));
    place.fails(&["run", "--on", "far", "nowhere.wasm"], 4, &["no file nowhere.wasm"]);
    let text = place.file("notes.wasm", "Dear diary,");
    place.fails(&["run", "--on", "far", &text], 1, &["notes.wasm", "not WebAssembly"]);
    let calc = place.file("calc.wat", CALC);
    place.fails(&["run", "--on", "far", &calc], 2, &["no program", "odeon call"]);
    place.fails(&["run", "--on", "far", "--dir", "data", &wordcount], 2, &["absolute path"]);
}

#[test]
fn megabytes_go_through_pipes_to_another_node_unchanged() {
    let place = Place::new();
    let _node = place.node("far");
    let cat = place.file("cat.wat", CAT);
    let noise = |at: u32| (at.wrapping_mul(2_654_435_761) >> 24) as u8;
    let sent: Vec<u8> = (0..5_000_000).map(noise).collect();
    let here = place.run_with(&["run", &cat], sent.clone());
    let there = place.run_with(&["run", "--on", "far", &cat], sent.clone());
    same(&here, &there);
    assert!(there.out == sent, "{} of {} bytes came back", there.out.len(), sent.len());
}

#[test]
fn an_interrupt_or_the_terminals_end_ends_the_program_there() {
    let place = Place::new();
    let _node = place.node("far");
    let spins = place.file("spins.wat", says("on my way", FOR_EVER));
    let cat = place.file("cat.wat", CAT);
    let run = |file: &str| Running::new(place.hearing(&["run", "--on", "far", file]));
    let mut interrupted = run(&spins);
    assert_eq!(interrupted.line(), "on my way");
    assert_eq!(place.json(&["ps", "--json"])[0]["module"], "spins", "listed by the file's name");
    interrupted.signal("INT");
    assert_eq!(interrupted.end(), (Some(130), String::new()));
    place.until(&["ps", "--json"], |actors| actors == &json!([]));
    for signal in ["KILL", "TERM", "HUP"] {
        let (mut spinning, mut reading) = (run(&spins), run(&cat));
        assert_eq!(spinning.line(), "on my way");
        reading.write("one line\n");
        assert_eq!(reading.line(), "one line");
        spinning.signal(signal);
        reading.signal(signal);
        place.until(&["ps", "--json"], |actors| actors == &json!([]));
    }
}

#[test]
fn a_file_is_brought_along_to_be_called_or_spawned() {
    let place = Place::new();
    let _node = place.node("far");
    let calc = place.file("calc.wat", CALC);
    assert_eq!(place.ok(&["call", &calc, "add(1, 2)", "--on", "far"]), "3\n");
    place.fails(&["call", &calc, "divide(1, 0)", "--on", "far"], 70, &["divide by zero"]);
    place.ok(&["spawn", &calc, "spin()", "--name", "spinner"]);
    let actors = place.json(&["ps", "--json"]);
    assert_eq!((&actors[0]["name"], &actors[0]["module"]), (&json!("spinner"), &json!("calc")));
    place.ok(&["kill", "spinner"]);
    place.fails(&["spawn", "nowhere.wasm"], 4, &["no file nowhere.wasm"]);
    let wordcount = guest("wordcount.wasm");
    let done = place.run_with(&["spawn", "--attach", &wordcount, "--", "-l"], "a\nb\n");
    assert_eq!((done.code, done.text().as_str()), (Some(0), "2\n"), "{done:?}");
}
