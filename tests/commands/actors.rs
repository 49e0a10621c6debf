//! A node's modules and actors, from deployment to removal.

use serde_json::json;

use crate::guests::{ASKING, CALC, CAT, CORE, FOR_EVER, says};
use crate::place::{Place, Running, guest};

#[test]
fn an_actor_is_deployed_spawned_listed_sent_to_and_killed() {
    let place = Place::new();
    let _node = place.node("one");
    let conformance = guest("conformance.wasm");
    let text = place.ok(&["deploy", &conformance, "--name", "suite"]);
    assert!(text.starts_with("suite is "), "{text}");
    let id = place.ok(&["spawn", "suite", "waiter", "--name", "w"]);
    let id: u64 = id.trim().parse().expect("a short id");
    place.until(&["ps", "--json"], |actors| actors[0]["status"] == "waiting");
    let actors = place.json(&["ps", "--json"]);
    assert_eq!(actors.as_array().map(Vec::len), Some(1));
    assert_eq!(actors[0]["id"], json!(id));
    assert_eq!(actors[0]["name"], "w");
    assert_eq!((&actors[0]["module"], &actors[0]["start"]), (&json!("suite"), &json!("waiter")));
    let table = place.ok(&["ps"]);
    assert!(table.starts_with("ID ") && table.contains("waiter"), "{table}");
    place.fails(&["spawn", "suite", "waiter", "--name", "w"], 2, &["w is taken"]);
    // By name, by short id and by pid.
    let pid = actors[0]["pid"].as_str().expect("a pid").to_owned();
    for it in ["w", &id.to_string(), &pid] {
        place.ok(&["send", it, "hello"]);
    }
    place.ok(&["kill", "w"]);
    place.until(&["ps", "--json"], |actors| actors == &json!([]));
    place.fails(&["kill", "w"], 4, &["no actor `w`", "odeon ps"]);
    let log = place.ok(&["logs", &id.to_string()]);
    assert!(log.contains("suite ended: killed"), "{log}");
}

#[test]
fn a_message_waits_in_the_mailbox_of_an_actor_that_does_not_look() {
    let place = Place::new();
    let _node = place.node("one");
    let calc = place.file("calc.wat", CALC);
    place.ok(&["deploy", &calc]);
    let id = place.ok(&["spawn", "calc", "spin()"]);
    let id = id.trim();
    place.ok(&["send", id, "text"]);
    place.ok(&["send", id, "--value", "{\"a\": [1, 2]}"]);
    place.ok(&["send", id, "--hex", "00ff"]);
    let done = place.run_with(&["send", id], "from the input");
    assert_eq!(done.code, Some(0), "{done:?}");
    place.until(&["ps", "--json"], |actors| actors[0]["mailbox"] == 4);
    place.fails(&["send", id, "--hex", "0g"], 2, &["--hex"]);
    let long = vec![b'x'; (16 << 20) + 1];
    place.run_with(&["send", id], long).failed(&["send"], 2, &["16777216 bytes"]);
    place.until(&["ps", "--json"], |actors| actors[0]["mailbox"] == 4);
}

#[test]
fn unknown_things_are_named_with_near_ones() {
    let place = Place::new();
    let _node = place.node("one");
    let calc = place.file("calc.wat", CALC);
    place.ok(&["deploy", &calc]);
    place.fails(&["spawn", "calk", "add(1, 2)"], 4, &["calk", "did you mean", "calc"]);
    place.fails(&["spawn", "calc", "ad(1, 2)"], 4, &["did you mean", "add"]);
    place.fails(&["spawn", "calc", "add(true, 2)"], 2, &["column 5", "^"]);
    place.fails(&["spawn", "calc", "main"], 4, &["odeon:actor/entry", "add"]);
    place.fails(&["spawn", "calc"], 4, &["not a wasi:cli command"]);
    place.fails(&["remove", "calk"], 4, &["calk", "did you mean", "calc"]);
    for command in ["kill", "logs"] {
        if command == "kill" {
            place.fails(&[command, "999999"], 4, &["no actor `999999`", "odeon ps"]);
        }
        place.fails(&[command, "nobody"], 4, &["no actor `nobody`", "odeon ps"]);
    }
    place.fails(&["send", "999999", "x"], 4, &["no actor `999999`"]);
    place.fails(&["send", "<1.2>", "x"], 4, &["no actor `<1.2>`"]);
    place.fails(&["pss"], 2, &["pss"]);
}

#[test]
fn a_deployed_module_is_called_and_removed() {
    let place = Place::new();
    let _node = place.node("one");
    let calc = place.file("calc.wat", CALC);
    place.ok(&["deploy", &calc]);
    assert_eq!(place.ok(&["call", "calc", "add(40, 2)"]), "42\n");
    place.fails(&["call", "calc", "divide(1, 0)"], 70, &["integer divide by zero"]);
    place.fails(&["call", "calc", "ad(1, 2)"], 4, &["did you mean", "add"]);
    place.fails(&["call", "calc", "add(1, \"2\")"], 2, &["column 8"]);
    let running = Running::new(place.command(&["call", "calc", "spin()"]));
    place.until(&["ps", "--json"], |actors| actors[0]["start"] == "spin");
    running.signal("INT");
    assert_eq!(running.end().0, Some(130));
    place.until(&["ps", "--json"], |actors| actors == &json!([]));
    place.ok(&["remove", "calc"]);
    assert_eq!(place.json(&["modules", "--json"]), json!([]));
    place.fails(&["call", "calc", "add(1, 2)"], 4, &["no module `calc`", "odeon deploy"]);
}

#[test]
fn files_that_are_no_modules_are_refused_by_the_node_too() {
    let place = Place::new();
    let _node = place.node("one");
    let core = place.file("core.wat", CORE);
    place.fails(&["deploy", &core], 1, &["without WIT metadata", "wasm32-wasip2"]);
    let text = place.file("notes.wasm", "Dear diary,");
    place.fails(&["deploy", &text], 1, &["not WebAssembly"]);
    let calc = place.file("calc.wat", CALC);
    place.fails(&["deploy", &calc, "--name", "../up"], 2, &["../up"]);
    let asking = place.file("asking.wat", ASKING);
    place.ok(&["deploy", &asking]);
    place.fails(&["spawn", "asking"], 4, &["evil:host/shell@1.0.0", "nobody here offers"]);
    let functions = "(func)".repeat(199_999);
    let many = format!("(component (core module (func) {functions}))");
    let many = place.file("many.wat", many);
    place.fails(&["deploy", &many], 1, &["functions-max", "200000"]);
    assert_eq!(place.json(&["modules", "--json"]).as_array().map(Vec::len), Some(1));
}

#[test]
fn output_without_a_terminal_is_in_the_logs_and_can_be_followed() {
    let place = Place::new();
    let _node = place.node("one");
    let hello = place.file("hello.wat", says("hello \u{1b}[2Jyou", "unreachable"));
    place.ok(&["deploy", &hello]);
    let mut follower = Running::new(place.command(&["logs", "-f"]));
    place.ok(&["spawn", "hello"]);
    let lines = [follower.line(), follower.line(), follower.line()].join("\n");
    assert!(lines.contains("  hello \\x1b[2Jyou"), "{lines}");
    assert!(lines.contains("! hello \\x1b[2Jyou"), "{lines}");
    assert!(lines.contains("* hello ended: trap: "), "{lines}");
    assert!(!lines.contains('\x1b'), "{lines:?}");
    follower.signal("INT");
    assert_eq!(follower.end().0, Some(0));
    let all = place.ok(&["logs"]);
    assert_eq!(all.lines().count(), 3, "{all}");
}

#[test]
fn an_attached_actor_uses_this_terminal_and_gives_its_exit_code() {
    let place = Place::new();
    let _node = place.node("one");
    let wordcount = guest("wordcount.wasm");
    place.ok(&["deploy", &wordcount]);
    let done = place.run_with(&["spawn", "--attach", "wordcount", "--", "-l"], "a\nb\n");
    assert_eq!((done.code, done.text().as_str()), (Some(0), "2\n"), "{done:?}");
    let done = place.run_with(&["spawn", "--attach", "wordcount", "--", "-x"], "");
    done.failed(&["spawn"], 1, &["unknown option -x"]);
    let traps = place.file("traps.wat", says("before", "unreachable"));
    place.ok(&["deploy", &traps]);
    let done = place.run(&["spawn", "--attach", "traps"]);
    done.failed(&["spawn"], 70, &["before", "unreachable"]);
    assert_eq!(done.text(), "before\n");
    assert_eq!(place.ok(&["logs"]).matches("before").count(), 0, "it had a terminal");
}

#[test]
fn megabytes_go_through_an_attached_actor_unchanged() {
    let place = Place::new();
    let _node = place.node("one");
    let cat = place.file("cat.wat", CAT);
    place.ok(&["deploy", &cat]);
    let noise = |at: u32| (at.wrapping_mul(2_654_435_761) >> 24) as u8;
    let sent: Vec<u8> = (0..4_000_000).map(noise).collect();
    let done = place.run_with(&["spawn", "--attach", "cat"], sent.clone());
    assert_eq!(done.code, Some(0), "{}", done.err);
    assert!(done.out == sent, "{} of {} bytes came back", done.out.len(), sent.len());
}

#[test]
fn an_interrupt_reaches_an_attached_actor() {
    let place = Place::new();
    let _node = place.node("one");
    let spins = place.file("spins.wat", says("on my way", FOR_EVER));
    place.ok(&["deploy", &spins]);
    let mut attached = Running::new(place.command(&["spawn", "--attach", "spins"]));
    assert_eq!(attached.line(), "on my way");
    attached.signal("INT");
    assert_eq!(attached.end().0, Some(130));
    place.until(&["ps", "--json"], |actors| actors == &json!([]));
}

#[test]
fn a_node_survives_clients_that_vanish() {
    let place = Place::new();
    let _node = place.node("one");
    let spins = place.file("spins.wat", says("on my way", FOR_EVER));
    let cat = place.file("cat.wat", CAT);
    let calc = place.file("calc.wat", CALC);
    for file in [&spins, &cat, &calc] {
        place.ok(&["deploy", file]);
    }
    let mut attached = Running::new(place.command(&["spawn", "--attach", "spins"]));
    assert_eq!(attached.line(), "on my way");
    let mut reading = Running::new(place.command(&["spawn", "--attach", "cat"]));
    reading.write("one line\n");
    assert_eq!(reading.line(), "one line");
    let calling = Running::new(place.command(&["call", "calc", "spin()"]));
    let following = Running::new(place.command(&["logs", "-f"]));
    place.until(&["ps", "--json"], |actors| actors.as_array().map(Vec::len) == Some(3));
    for client in [attached, reading, calling, following] {
        client.vanish();
    }
    place.until(&["ps", "--json"], |actors| actors == &json!([]));
    assert_eq!(place.ok(&["call", "calc", "add(1, 2)"]), "3\n");
}

#[test]
fn an_actor_outlives_the_command_that_made_it() {
    let place = Place::new();
    let node = place.node("one");
    let spins = place.file("spins.wat", says("here", FOR_EVER));
    place.ok(&["deploy", &spins]);
    let spawned = place.json(&["spawn", "spins", "--json"]);
    place.ok(&["remove", "spins"]);
    let actors = place.json(&["ps", "--json"]);
    assert_eq!(actors[0]["id"], spawned["id"], "actors of a removed module go on");
    place.ok(&["stop"]);
    assert_eq!(node.end().0, Some(0));
}
