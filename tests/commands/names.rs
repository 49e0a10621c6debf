//! `odeon names` and `odeon groups`: what is known by name on all connected nodes.

use serde_json::json;

use crate::place::Place;

#[test]
fn names_and_groups_are_listed_on_every_node() {
    let place = Place::new();
    let (_left, _right) = (place.node("left"), place.node("right"));
    place.ok(&["connect", "right", "--on", "left"]);
    for node in ["left", "right"] {
        assert_eq!(place.json(&["names", "--json", "--on", node]), json!([]));
        assert_eq!(place.json(&["groups", "list", "--json", "--on", node]), json!([]));
    }
    let guest = place.file("conformance.wasm", odeon_tests::guest("conformance"));
    place.ok(&["deploy", &guest, "--on", "left"]);
    place.ok(&["spawn", "conformance", "desk", "--on", "left"]);
    for node in ["left", "right"] {
        place.until(&["names", "--json", "--on", node], |names| {
            names.as_array().is_some_and(|names| names.len() == 1)
        });
        let names = place.json(&["names", "--json", "--on", node]);
        assert_eq!(names[0]["name"], "desk\\xff");
        assert_eq!(names[0]["hex"], "6465736bff");
        assert!(names[0]["node"].as_str().is_some_and(|node| node.starts_with("left@")), "{names}");
        assert_eq!(place.json(&["names", "--hex", "6465736bff", "--json", "--on", node]), names);
        let table = place.ok(&["names", "--on", node]);
        assert!(table.starts_with("NAME") && table.contains("desk\\xff"), "{table}");
    }
    // The other node sees no groups before it takes part in the scope.
    let groups = place.json(&["groups", "list", "--json", "--on", "left"]);
    assert_eq!(groups[0]["scope"], "shop");
    assert_eq!(groups[0]["group"], "staff");
    assert_eq!((&groups[0]["members"], &groups[0]["local"]), (&json!(2), &json!(2)));
    assert_eq!(
        place.json(&["groups", "list", "--scope", "shop", "--json", "--on", "left"]),
        groups
    );
    let members = place.json(&["groups", "members", "shop", "staff", "--json", "--on", "left"]);
    assert_eq!(members.as_array().map(Vec::len), Some(1));
    assert_eq!(members[0]["times"], json!(2));
    assert_eq!(members[0]["pid"], place.json(&["names", "--json", "--on", "right"])[0]["pid"]);
}

#[test]
fn what_is_not_there_has_its_exit_code() {
    let place = Place::new();
    let _left = place.node("left");
    let fails = |arguments: &[&str], code, words: &[&str]| {
        place.fails(&[arguments, &["--on", "left"]].concat(), code, words);
    };
    fails(&["names", "nobody"], 4, &["no actor has the cluster name `nobody`"]);
    fails(&["names", ""], 2, &["an empty name"]);
    fails(&["names", &"x".repeat(300)], 2, &["a name of 300 bytes, over the limit of 255"]);
    fails(&["names", "xyz", "--hex"], 2, &["--hex"]);
    fails(&["names", "--hex"], 2, &["NAME"]);
    fails(&["groups"], 2, &["members"]);
    fails(&["groups", "list", "--scope", "shop"], 4, &["takes no part in the scope `shop`"]);
    fails(&["groups", "members", "shop", "staff"], 4, &["takes no part in the scope `shop`"]);
    fails(&["groups", "members", "", "staff"], 2, &["an empty name"]);
}

#[test]
fn the_closest_member_of_a_group_is_asked() {
    let place = Place::new();
    let _nodes = ["left", "right"].map(|node| place.node(node));
    place.ok(&["connect", "right", "--on", "left"]);
    let guest = place.file("conformance.wasm", odeon_tests::guest("conformance"));
    for (node, first) in [("left", 10), ("right", 20)] {
        let ask = ["rpc", node, "@shop/tills", "{\"Add\": 0}", "--on", "left"];
        place.fails(&ask, 4, &["no actor `shop/tills` on this node", "cluster name or group"]);
        place.ok(&["deploy", &guest, "--on", node]);
        let argument = json!(["group", "tills", first]).to_string();
        place.ok(&["spawn", "conformance", "via_start", &argument, "--on", node]);
        place.until(&["ps", "--json", "--on", node], |actors| {
            let started = |actor: &serde_json::Value| actor["start"] == "tally";
            actors.as_array().is_some_and(|actors| actors.iter().any(started))
        });
    }
    for node in ["left", "right"] {
        place.until(&["groups", "members", "shop", "tills", "--json", "--on", node], |members| {
            members.as_array().is_some_and(|members| members.len() == 2)
        });
    }
    for (node, sum) in [("left", 10), ("right", 20)] {
        let ask = ["rpc", node, "@shop/tills", "{\"Add\": 1}", "--on", "left"];
        assert_eq!(place.json(&ask), json!(sum + 1), "{node}");
        assert_eq!(place.json(&ask), json!(sum + 2), "{node}");
    }
    // Another node's member is as good as none of one's own.
    let actors = place.json(&["ps", "--json", "--on", "left"]);
    let tally = actors.as_array().expect("a list").iter().find(|it| it["start"] == "tally");
    place.ok(&["kill", &tally.expect("it lives")["id"].to_string(), "--on", "left"]);
    place.until(&["groups", "members", "shop", "tills", "--json", "--on", "left"], |members| {
        members.as_array().is_some_and(|members| members.len() == 1)
    });
    let ask = ["rpc", "left", "@shop/tills", "{\"Add\": 1}", "--on", "left"];
    assert_eq!(place.json(&ask), json!(23));
}
