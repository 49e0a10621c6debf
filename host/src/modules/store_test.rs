//! The store of modules.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;

use super::compile::Tier;
use super::digest::Digest;
use super::guests::{ADD, SUBTRACT, compiler};
use super::store::{Store, StoreError, name_of_file, read_file};

fn open(directory: &Path) -> Store {
    Store::open(directory, compiler()).expect("a store")
}

fn message<T: std::fmt::Debug>(outcome: Result<T, StoreError>) -> String {
    outcome.expect_err("refused").to_string()
}

#[test]
fn a_deployed_module_is_found_by_name_digest_and_short_digest() {
    let directory = tempfile::tempdir().expect("a directory");
    let store = open(directory.path());
    let info = store.deploy("adder", ADD.as_bytes()).expect("deployed");
    let digest = Digest::of(ADD.as_bytes());
    assert_eq!((info.digest, info.bytes), (digest, ADD.len() as u64));
    assert_eq!(info.names, ["adder"]);
    let all = [
        "adder".to_owned(),
        digest.to_string(),
        format!("sha256:{digest}"),
        digest.to_string()[..6].to_owned(),
    ];
    let first = store.resolve("adder").expect("it is there");
    for wanted in all {
        let module = store.resolve(&wanted).unwrap_or_else(|error| panic!("{wanted}: {error}"));
        assert!(Arc::ptr_eq(&module, &first), "one module per digest, compiled once");
    }
    assert!(message(store.resolve(&digest.to_string()[..5])).contains("there is no module"));
    first.component(Tier::Dense).expect("it compiles");
}

#[test]
fn modules_survive_a_restart_with_names_and_bytes() {
    let directory = tempfile::tempdir().expect("a directory");
    open(directory.path()).deploy("adder", ADD.as_bytes()).expect("deployed");
    let store = open(directory.path());
    let module = store.resolve("adder").expect("it is there");
    assert_eq!(module.shape().functions[0].path(), "add");
    assert_eq!(store.read(module.digest()).expect("readable").as_deref(), Some(ADD.as_bytes()));
    assert_eq!(store.list().expect("a list").len(), 1);
    module.component(Tier::Dense).expect("it compiles");
}

#[test]
fn a_name_can_be_given_to_other_bytes_and_the_old_ones_stay_by_digest() {
    let directory = tempfile::tempdir().expect("a directory");
    let store = open(directory.path());
    let old = store.deploy("calc", ADD.as_bytes()).expect("deployed").digest;
    let new = store.deploy("calc", SUBTRACT.as_bytes()).expect("deployed").digest;
    assert_ne!(old, new);
    assert_eq!(store.resolve("calc").expect("it is there").digest(), new);
    assert_eq!(store.resolve(&old.to_string()).expect("it is there").digest(), old);
    let list = store.list().expect("a list");
    assert_eq!(list.iter().map(|info| info.names.len()).collect::<Vec<_>>(), [1, 0]);
}

#[test]
fn the_bytes_go_with_the_last_name() {
    let directory = tempfile::tempdir().expect("a directory");
    let store = open(directory.path());
    let digest = store.deploy("one", ADD.as_bytes()).expect("deployed").digest;
    let info = store.deploy("two", ADD.as_bytes()).expect("deployed");
    assert_eq!(info.names, ["one", "two"]);
    store.remove("one").expect("removed");
    assert!(message(store.resolve("one")).contains("deployed are `two`"));
    assert!(store.resolve("two").is_ok());
    store.remove("two").expect("removed");
    assert!(store.get(digest).expect("readable").is_none());
    assert_eq!(store.list().expect("a list"), []);
    assert!(message(store.remove("two")).contains("none is deployed"));
    // By its digest, all names go at once.
    store.deploy("one", ADD.as_bytes()).expect("deployed");
    store.deploy("two", ADD.as_bytes()).expect("deployed");
    store.remove(&digest.short()).expect("removed");
    assert_eq!(store.list().expect("a list"), []);
    assert!(store.resolve("one").is_err());
}

#[test]
fn a_module_without_a_name_is_kept_for_its_digest() {
    let directory = tempfile::tempdir().expect("a directory");
    let store = open(directory.path());
    let digest = store.put(ADD.as_bytes()).expect("kept").digest();
    assert!(store.get(digest).expect("readable").is_some());
    assert!(open(directory.path()).get(digest).expect("readable").is_some());
    assert!(store.get(Digest::of(b"other")).expect("readable").is_none());
    assert_eq!(store.list().expect("a list")[0].names, Vec::<String>::new());
}

#[test]
fn a_wrong_name_is_answered_with_near_ones_or_all() {
    let directory = tempfile::tempdir().expect("a directory");
    let store = open(directory.path());
    assert!(message(store.resolve("counter")).contains("`odeon deploy FILE.wasm`"));
    store.deploy("counter", ADD.as_bytes()).expect("deployed");
    assert!(message(store.resolve("conter")).contains("did you mean `counter`?"));
    assert!(message(store.resolve("zebra")).contains("deployed are `counter`"));
    assert!(message(store.resolve(&"x".repeat(10_000))).len() < 400);
}

#[test]
fn names_keep_to_their_rules() {
    let directory = tempfile::tempdir().expect("a directory");
    let store = open(directory.path());
    let long = "a".repeat(255);
    for name in ["a", "A-b_c.1", &long] {
        store.deploy(name, ADD.as_bytes()).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert!(store.resolve(name).is_ok());
    }
    let longer = "a".repeat(256);
    for name in ["", ".", "..", "../x", "a/b", "a b", "-f", ".hidden", "é", "a\0", &longer] {
        let text = message(store.deploy(name, ADD.as_bytes()));
        assert!(text.contains("cannot be a module's name"), "{name}: {text}");
    }
    assert_eq!(store.list().expect("a list")[0].names.len(), 3);
    assert_eq!(name_of_file(Path::new("/x/counter.wasm")).expect("a name"), "counter");
    assert!(name_of_file(Path::new("/x/my counter.wasm")).is_err());
    assert!(name_of_file(Path::new("/")).is_err());
}

#[test]
fn what_is_no_module_is_not_kept() {
    let directory = tempfile::tempdir().expect("a directory");
    let store = open(directory.path());
    assert!(message(store.deploy("x", b"\x7fELF")).contains("native program"));
    assert_eq!(store.list().expect("a list"), []);
    assert!(store.resolve("x").is_err());
}

#[test]
fn damaged_bytes_are_named_and_repaired_by_deploying_again() {
    let directory = tempfile::tempdir().expect("a directory");
    let digest = open(directory.path()).deploy("adder", ADD.as_bytes()).expect("deployed").digest;
    let path = directory.path().join("modules").join(format!("{digest}.wasm"));
    std::fs::write(&path, &ADD.as_bytes()[..50]).expect("writing");
    let store = open(directory.path());
    let text = message(store.resolve("adder"));
    assert!(text.contains(&path.display().to_string()) && text.contains("deploy it"), "{text}");
    store.deploy("adder", ADD.as_bytes()).expect("deployed");
    assert_eq!(std::fs::read(&path).expect("the bytes"), ADD.as_bytes());
    assert!(open(directory.path()).resolve("adder").is_ok());
}

#[test]
fn a_name_changed_by_another_process_is_seen() {
    let directory = tempfile::tempdir().expect("a directory");
    let (here, there) = (open(directory.path()), open(directory.path()));
    let add = here.deploy("calc", ADD.as_bytes()).expect("deployed").digest;
    assert_eq!(there.find("calc").expect("it is there"), add);
    // Many times, at whatever moment of the file system's clock.
    for round in 0..200 {
        let bytes = if round % 2 == 0 { SUBTRACT } else { ADD };
        let digest = here.deploy("calc", bytes.as_bytes()).expect("deployed").digest;
        assert_eq!(there.find("calc").expect("it is there"), digest, "round {round}");
    }
    here.remove("calc").expect("removed");
    assert!(there.find("calc").is_err());
}

#[test]
fn two_stores_in_one_directory_do_not_hurt_each_other() {
    let directory = tempfile::tempdir().expect("a directory");
    std::thread::scope(|scope| {
        for worker in 0..4 {
            let directory = directory.path();
            scope.spawn(move || {
                let store = open(directory);
                let bytes = if worker % 2 == 0 { ADD } else { SUBTRACT };
                let name = format!("own-{worker}");
                for _ in 0..15 {
                    store.deploy(&name, bytes.as_bytes()).expect("deployed");
                    store.deploy("shared", bytes.as_bytes()).expect("deployed");
                    // Others take the shared name away, and never this one's own.
                    let module = store.resolve(&name).expect("it is there");
                    assert_eq!(module.digest(), Digest::of(bytes.as_bytes()));
                    let _ = store.remove("shared");
                }
            });
        }
    });
    let store = open(directory.path());
    let names: Vec<String> =
        store.list().expect("a list").into_iter().flat_map(|info| info.names).collect();
    assert_eq!(names.iter().filter(|name| name.starts_with("own-")).count(), 4);
    let left = std::fs::read_dir(directory.path().join("temporary")).expect("it is there");
    assert_eq!(left.count(), 0, "no half-written file is left");
}

#[test]
fn a_store_that_cannot_be_used_names_the_path_and_the_fix() {
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("file");
    std::fs::write(&file, "in the way").expect("writing");
    let text = message(Store::open(file.join("store"), compiler()));
    assert!(text.contains("file/store") && text.contains("name a directory"), "{text}");

    let shared = directory.path().join("shared");
    std::fs::create_dir(&shared).expect("a directory");
    std::fs::set_permissions(&shared, std::fs::Permissions::from_mode(0o777)).expect("the mode");
    let text = message(Store::open(&shared, compiler()));
    assert!(text.contains("chmod 700") && text.contains("shared"), "{text}");

    let text = message(read_file(&directory.path().join("nothing.wasm")));
    assert!(text.contains("cannot read") && text.contains("nothing.wasm"), "{text}");
}
