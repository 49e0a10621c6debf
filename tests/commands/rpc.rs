//! `odeon rpc`: functions of other nodes, called from the shell.

use serde_json::{Value, json};

use crate::guests::CALC;
use crate::place::{Place, guest};

/// A call through the left node.
fn asked<'a>(arguments: &[&'a str]) -> Vec<&'a str> {
    asked_by("left", arguments)
}

/// A call through this node.
fn asked_by<'a>(way: &'a str, arguments: &[&'a str]) -> Vec<&'a str> {
    [&["rpc", "--on", way], arguments].concat()
}

fn ok(place: &Place, arguments: &[&str]) -> String {
    place.ok(&asked(arguments))
}

fn fails(place: &Place, arguments: &[&str], code: i32, words: &[&str]) {
    place.fails(&asked(arguments), code, words);
}

fn json_of(place: &Place, arguments: &[&str]) -> Value {
    let text = ok(place, arguments);
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

#[test]
fn a_function_is_called_on_any_node_and_its_module_travels_along() {
    let place = Place::new();
    let (_left, _right) = (place.node("left"), place.node("right"));
    let calc = place.file("calc.wat", CALC);
    place.ok(&["deploy", &calc, "--on", "left"]);
    for node in ["left", "right"] {
        assert_eq!(ok(&place, &[node, "calc", "add(1, 2)"]), "3\n");
        assert_eq!(ok(&place, &[node, "calc", "add [1, 2]", "--timeout", "20s"]), "3\n");
        assert_eq!(json_of(&place, &[node, "calc", "add(1, 2)", "--json"]), json!(3));
        // A file is brought along.
        assert_eq!(ok(&place, &[node, &calc, "add(3, 4)"]), "7\n");
    }
    assert_eq!(place.json(&["ps", "--json", "--on", "right"]), json!([]));
}

#[test]
fn what_goes_wrong_has_its_exit_code_and_points_at_the_position() {
    let place = Place::new();
    let (_left, _right) = (place.node("left"), place.node("right"));
    let calc = place.file("calc.wat", CALC);
    place.ok(&["deploy", &calc, "--on", "left"]);
    for node in ["left", "right"] {
        fails(&place, &[node, "calc", "add(1, true)"], 2, &["column 8", "^", "b: u32"]);
        fails(&place, &[node, "calc", "add(1)"], 2, &["add: func(a: u32, b: u32) -> u32"]);
        fails(&place, &[node, "calc", "ad(1, 2)"], 4, &["ad", "add"]);
        fails(&place, &[node, "clac", "add(1, 2)"], 4, &["clac"]);
        fails(&place, &[node, "calc", "divide(1, 0)"], 70, &["divide by zero"]);
        fails(&place, &[node, "calc", "spin()", "--timeout", "50ms"], 1, &["no result in time"]);
        fails(&place, &[node, "calc", "add(1, 2)", "--timeout", "72000m"], 2, &["timeout-ms-max"]);
    }
    fails(&place, &["nobody@no-such-host", "calc", "add(1, 2)"], 1, &["no connection to `nobody@"]);
    fails(&place, &["not a name", "calc", "add(1, 2)"], 2, &["error"]);
    fails(&place, &["left", "nowhere.wasm", "f()"], 4, &["no file nowhere.wasm"]);
    fails(&place, &["calc", "add(1, 2)"], 2, &["NODE, MODULE and CALL"]);
    fails(&place, &["--all", "left", "calc", "add(1, 2)"], 2, &["MODULE and CALL"]);
    fails(&place, &["left", "calc", "add(1, 2)", "--timeout", "5"], 2, &["ms, s or m"]);
    // What it ended is gone.
    for node in ["left", "right"] {
        place.until(&["ps", "--json", "--on", node], |actors| actors == &json!([]));
    }
}

#[test]
fn a_server_that_lives_somewhere_is_asked_by_its_name() {
    let place = Place::new();
    let (_left, _right) = (place.node("left"), place.node("right"));
    place.ok(&["deploy", &guest("counter.wasm"), "--on", "right"]);
    let spawn = ["spawn", "counter", "counter", "40", "--name", "till", "--on", "right"];
    let id = place.ok(&spawn);
    for way in ["left", "right"] {
        assert_eq!(place.ok(&asked_by(way, &["right", "@till", "Value"])), "40\n");
        assert_eq!(place.ok(&asked_by(way, &["right", "@till", "Value()"])), "40\n");
        assert_eq!(place.ok(&asked_by(way, &["right", "@till", "DividedBy(2)"])), "20\n");
        assert_eq!(place.ok(&asked_by(way, &["right", "@till", "{\"DividedBy\": 4}"])), "10\n");
        assert_eq!(
            place.ok(&asked_by(way, &["right", &format!("@{}", id.trim()), "Value"])),
            "40\n"
        );
        assert_eq!(place.json(&asked_by(way, &["right", "@till", "Value", "--json"])), json!(40));
        // The same as a function of the node itself.
        assert_eq!(
            place.ok(&asked_by(way, &["right", "odeon", "call [\"till\", \"Value\"]"])),
            "\"40\"\n"
        );
        let call = "call {\"to\": \"till\", \"message\": \"Value\"}";
        assert_eq!(place.json(&asked_by(way, &["right", "odeon", call, "--json"])), json!(40));
        place.fails(
            &asked_by(way, &["right", "@tull", "Value"]),
            4,
            &["no actor `tull` on this node"],
        );
        place.fails(
            &asked_by(way, &["right", "@till", "Add(milk)"]),
            2,
            &["`Add`", "JSON", "column"],
        );
        place.fails(&asked_by(way, &["right", "odeon", "call(1)"]), 2, &["call [\"name\", value]"]);
        // A server drops what it does not understand.
        let nonsense = asked_by(way, &["right", "@till", "Nonsense", "--timeout", "100ms"]);
        place.fails(&nonsense, 1, &["no result in time"]);
    }
    place.fails(&["rpc", "--on", "left", "left", "@till", "Value"], 4, &["no actor `till`"]);
    // It panics, and whoever asked hears so at once.
    fails(&place, &["right", "@till", "DividedBy(0)"], 70, &["attempt to divide by zero"]);
    fails(&place, &["right", "@till", "Value"], 4, &["no actor `till`"]);
    assert_eq!(place.json(&["ps", "--json", "--on", "right"]), json!([]));
}

#[test]
fn all_nodes_are_called_at_once_and_listed_by_name() {
    let place = Place::new();
    let (_left, _right) = (place.node("left"), place.node("right"));
    let third = place.node_with("third", &["--allow-calls", "none"]);
    for other in ["right", "third"] {
        place.ok(&["connect", other, "--on", "left"]);
    }
    let calc = place.file("calc.wat", CALC);
    let done = place.run(&asked(&["--all", &calc, "add(1, 2)"]));
    assert_eq!(done.code, Some(1), "one of them refused: {done:?}");
    let text = done.text();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 2, "{done:?}");
    assert!(lines[0].starts_with("left@") && lines[1].starts_with("right@"), "{done:?}");
    assert!(lines.iter().all(|line| line.ends_with(": 3")), "{done:?}");
    assert!(done.err.contains("third@") && done.err.contains("not allowed"), "{done:?}");
    drop(third);
    place.until(&["nodes", "--json", "--on", "left"], |nodes| {
        let rows = nodes.as_array().expect("a list");
        let third = rows
            .iter()
            .find(|row| row["name"].as_str().is_some_and(|name| name.starts_with("third@")));
        third.is_none_or(|row| row["state"] != "connected")
    });
    let rows = json_of(&place, &["--all", "odeon", "stats()", "--json"]);
    let names: Vec<_> = rows.as_array().expect("a list").iter().map(|row| &row["node"]).collect();
    assert_eq!(names.len(), 2, "{rows}");
    assert_eq!(rows[0]["result"]["name"], rows[0]["node"]);
}

#[test]
fn the_node_itself_answers_what_it_knows() {
    let place = Place::new();
    let (_left, _right) = (place.node("left"), place.node("right"));
    place.ok(&["connect", "right", "--on", "left"]);
    for node in ["left", "right"] {
        let stats = json_of(&place, &[node, "odeon", "stats()", "--json"]);
        assert!(stats["name"].as_str().is_some_and(|name| name.starts_with(node)), "{stats}");
        assert_eq!(json_of(&place, &[node, "odeon", "ps()", "--json"]), json!([]));
        let nodes = json_of(&place, &[node, "odeon", "nodes()", "--json"]);
        assert_eq!(nodes[0]["connected"], json!(true), "{nodes}");
        assert!(ok(&place, &[node, "odeon", "nodes()"]).contains("connected: true"));
        fails(&place, &[node, "odeon", "halt()"], 4, &["nodes, ps and stats"]);
        fails(&place, &[node, "odeon", "ps(1)"], 2, &["takes no arguments"]);
    }
}
