//! `odeon locks`, and `odeon names explain`.

use serde_json::json;

use crate::place::{Place, guest};

#[test]
fn locks_are_listed_on_every_node_at_which_they_are_set() {
    let place = Place::new();
    let (_left, _right) = (place.node("left"), place.node("right"));
    place.ok(&["connect", "right", "--on", "left"]);
    place.ok(&["deploy", &guest("conformance.wasm"), "--on", "left"]);
    place.ok(&["spawn", "conformance", "locked", "--name", "holder", "--on", "left"]);
    for node in ["left", "right"] {
        let list = ["locks", "--json", "--on", node];
        place.until(&list, |locks| {
            locks[0]["holders"].as_array().is_some_and(|holders| holders.len() == 1)
        });
        let locks = place.json(&list);
        assert_eq!(locks.as_array().map(Vec::len), Some(1));
        assert_eq!(locks[0]["resource"], "lock");
        assert_eq!(locks[0]["hex"], "6c6f636b");
        let holder = &locks[0]["holders"][0];
        assert_eq!(locks[0]["requester"], holder["pid"]);
        assert!(holder["node"].as_str().is_some_and(|node| node.starts_with("left@")), "{locks}");
        assert_eq!(locks[0]["waiting"], json!(0));
        let table = place.ok(&["locks", "--on", node]);
        assert!(table.starts_with("RESOURCE") && table.contains("left@"), "{table}");
    }
    place.ok(&["kill", "holder", "--on", "left"]);
    for node in ["left", "right"] {
        place.until(&["locks", "--json", "--on", node], |locks| *locks == json!([]));
    }
}

#[test]
fn what_is_guaranteed_is_explained_without_a_node() {
    let text = Place::new().ok(&["names", "explain"]);
    for part in ["CLUSTER NAMES", "GROUPS", "LOCKS", "Apart: locks are advisory", "fencing token"] {
        assert!(text.contains(part), "{part} is not in {text}");
    }
}
