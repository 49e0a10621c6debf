//! The example `todo`: lists of a cluster of real processes, used from the shell.

use serde_json::{Value, json};

use crate::place::{Place, Running, guest};

const NODES: [&str; 3] = ["a", "b", "c"];

/// Three nodes that are all connected, with the module on the first of them.
fn cluster(place: &Place) -> [Running; 3] {
    let nodes = NODES.map(|name| place.node(name));
    for (one, other) in [("a", "b"), ("a", "c"), ("b", "c")] {
        place.ok(&["connect", other, "--on", one]);
    }
    for name in NODES {
        place.until(&["nodes", "--json", "--on", name], |nodes| connected(nodes) == 2);
    }
    place.ok(&["deploy", &guest("todo.wasm"), "--on", "a"]);
    nodes
}

fn connected(nodes: &Value) -> usize {
    let rows = nodes.as_array().expect("a list").iter();
    rows.filter(|row| row["state"] == "connected").count()
}

/// A function of the example on a node, asked through the first one, which alone was given
/// the module.
fn call<'a>(node: &'a str, call: &'a str) -> [&'a str; 7] {
    ["rpc", node, "todo", call, "--json", "--on", "a"]
}

fn titles(entries: &Value) -> Vec<&str> {
    let entries = entries.as_array().expect("a list").iter();
    entries.map(|entry| entry["title"].as_str().expect("a title")).collect()
}

/// The owner's node of each list that a node knows.
fn lists(place: &Place, node: &str) -> Vec<(String, String)> {
    let names = place.json(&["names", "--json", "--on", node]);
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    let rows = names.as_array().expect("a list").iter();
    rows.map(|row| (text(&row["name"]), text(&row["node"]))).collect()
}

#[test]
fn a_list_is_one_for_all_nodes_and_ends_with_its_own() {
    let place = Place::new();
    let [_a, b, _c] = cluster(&place);
    assert_eq!(place.json(&call("b", "add(\"bob\", \"2026-11-22\", \"dentist\")")), json!(1));
    assert_eq!(place.json(&call("c", "add(\"bob\", \"2026-11-22\", \"milk\")")), json!(2));
    assert_eq!(place.json(&call("a", "add(\"bob\", \"2026-11-23\", \"rest\")")), json!(3));
    assert_eq!(place.json(&call("a", "add(\"eve\", \"2026-11-22\", \"else\")")), json!(1));
    for node in NODES {
        let entries = place.json(&call(node, "entries(\"bob\", \"2026-11-22\")"));
        let wanted = json!([{"id": 1, "title": "dentist"}, {"id": 2, "title": "milk"}]);
        assert_eq!(entries, wanted, "from {node}");
        // The list lives where it was first asked for.
        let lists = lists(&place, node);
        assert!(lists[0].0 == "todo:bob" && lists[0].1.starts_with("b@"), "{lists:?}");
        assert!(lists[1].0 == "todo:eve" && lists[1].1.starts_with("a@"), "{lists:?}");
    }
    assert_eq!(place.json(&call("c", "strike(\"bob\", 1)")), json!(true));
    assert_eq!(place.json(&call("a", "strike(\"bob\", 1)")), json!(false));
    assert_eq!(
        place.json(&call("b", "entries(\"bob\", \"2026-11-22\")")).as_array().map(Vec::len),
        Some(1)
    );

    b.vanish();
    for node in ["a", "c"] {
        place.until(&["names", "--json", "--on", node], |names| {
            names.as_array().is_some_and(|names| names.len() == 1)
        });
    }
    // Its memory went with the node. The next one is where it is asked for.
    assert_eq!(place.json(&call("c", "entries(\"bob\", \"2026-11-22\")")), json!([]));
    assert_eq!(place.json(&call("a", "add(\"bob\", \"2026-11-22\", \"vet\")")), json!(1));
    for node in ["a", "c"] {
        let entries = place.json(&call(node, "entries(\"bob\", \"2026-11-22\")"));
        assert_eq!(titles(&entries), ["vet"], "from {node}");
        assert!(lists(&place, node)[0].1.starts_with("c@"));
    }
    assert_eq!(titles(&place.json(&call("c", "entries(\"eve\", \"2026-11-22\")"))), ["else"]);
}

#[test]
fn those_who_ask_for_a_new_list_at_once_on_several_nodes_get_the_same_one() {
    let place = Place::new();
    let _nodes = cluster(&place);
    for round in 0..4 {
        let add = format!("add(\"list{round}\", \"today\", \"thing\")");
        let mut ids: Vec<Value> = std::thread::scope(|scope| {
            let (place, add) = (&place, add.as_str());
            let ask = |node| scope.spawn(move || place.json(&call(node, add)));
            let asking = ["b", "c", "b", "c"].map(ask);
            asking.map(|asking| asking.join().expect("no panic")).into()
        });
        ids.sort_by_key(Value::as_u64);
        assert_eq!(ids, [1, 2, 3, 4], "one list has them all");
        let entries = place.json(&call("a", &format!("entries(\"list{round}\", \"today\")")));
        assert_eq!(titles(&entries), ["thing"; 4]);
    }
    for node in NODES {
        assert_eq!(lists(&place, node).len(), 4, "on {node}");
    }
    // Nor does one go on that has no name.
    for node in NODES {
        let named = |(_, owner): &(String, String)| owner.starts_with(&format!("{node}@"));
        let owned = lists(&place, node).iter().filter(|list| named(list)).count();
        place.until(&["ps", "--json", "--on", node], |actors| {
            actors.as_array().is_some_and(|actors| actors.len() == owned)
        });
    }
}

#[test]
fn a_cluster_name_is_asked_on_any_node_and_a_local_one_comes_before_it() {
    let place = Place::new();
    let _nodes = cluster(&place);
    place.json(&call("b", "add(\"bob\", \"2026-11-22\", \"dentist\")"));
    let ask = |node, question| ["rpc", node, "@todo:bob", question, "--on", "a"];
    let wanted = json!([{"id": 1, "date": "2026-11-22", "title": "dentist"}]);
    for node in NODES {
        assert_eq!(place.json(&ask(node, "Entries(\"2026-11-22\")")), wanted, "from {node}");
    }
    // An actor of that very node has the name as a local one.
    place.ok(&["deploy", &guest("counter.wasm"), "--on", "c"]);
    place.ok(&["spawn", "counter", "counter", "40", "--name", "todo:bob", "--on", "c"]);
    assert_eq!(place.json(&ask("c", "Value")), json!(40));
    assert_eq!(place.json(&ask("a", "Entries(\"2026-11-22\")")), wanted);
    for node in NODES {
        let nobody = ["rpc", node, "@todo:eve", "Entries(\"2026-11-22\")", "--on", "a"];
        place.fails(&nobody, 4, &["no actor `todo:eve` on this node", "cluster name or group"]);
    }
    // Of a list that ends while it is asked, one hears why.
    let names = place.json(&["names", "todo:bob", "--json", "--on", "b"]);
    place.ok(&["kill", names[0]["pid"].as_str().expect("a pid"), "--on", "b"]);
    place.until(&["names", "--json", "--on", "a"], |names| names == &json!([]));
    place.fails(&ask("a", "Entries(\"2026-11-22\")"), 4, &["no actor `todo:bob`"]);
}

#[test]
fn of_two_lists_of_one_name_that_meet_the_older_gets_what_the_other_has() {
    let place = Place::new();
    let _nodes = ["a", "b"].map(|name| place.node(name));
    let add = |node, title: &str| {
        let add = format!("add(\"bob\", \"today\", \"{title}\")");
        let module = guest("todo.wasm");
        assert_eq!(place.json(&["rpc", node, &module, &add, "--json", "--on", node]), json!(1));
    };
    add("a", "dentist");
    add("b", "milk");
    place.ok(&["connect", "b", "--on", "a"]);
    for node in ["a", "b"] {
        place.until(&["names", "--json", "--on", node], |names| {
            names[0]["node"].as_str().is_some_and(|owner| owner.starts_with("a@"))
        });
        let ask = ["rpc", node, "@todo:bob", "Entries(\"today\")", "--on", node];
        place.until(&ask, |entries| titles(entries) == ["dentist", "milk"]);
    }
    place.until(&["ps", "--json", "--on", "b"], |actors| actors == &json!([]));
}
