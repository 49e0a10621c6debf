//! Running nodes are found, dead ones are not, and nobody else gets in.

use std::os::unix::fs::PermissionsExt as _;

use super::*;

fn entry(name: &str) -> Entry {
    let address = "127.0.0.1:4000".parse().expect("an address");
    Entry {
        name: name.to_owned(),
        address,
        incarnation: 7,
        process: std::process::id(),
        tls: false,
    }
}

fn directory() -> (tempfile::TempDir, Directory) {
    let dir = tempfile::tempdir().expect("temporary directory");
    let directory = Directory::at(dir.path().join("odeon")).expect("made");
    (dir, directory)
}

#[test]
fn a_node_is_found_while_it_runs_and_not_after() {
    let (_dir, directory) = directory();
    let published = directory.publish(&entry("a@box")).expect("free name");
    let other = directory.publish(&entry("b@box")).expect("free name");
    assert_eq!(directory.list().expect("readable"), [entry("a@box"), entry("b@box")]);
    assert_eq!(directory.find("a@box"), Some(entry("a@box")));
    assert_eq!(directory.find("../a@box"), None);
    drop(published);
    assert_eq!(directory.find("a@box"), None);
    assert_eq!(directory.list().expect("readable"), [entry("b@box")]);
    drop(other);
}

#[test]
fn a_taken_name_is_refused_and_stays_with_its_owner() {
    let (_dir, directory) = directory();
    let published = directory.publish(&entry("a@box")).expect("free name");
    let error = directory.publish(&entry("a@box")).expect_err("taken");
    assert!(matches!(&error, DiscoveryError::NameTaken { .. }), "{error}");
    assert!(error.to_string().contains("--name"), "{error}");
    assert_eq!(directory.list().expect("readable").len(), 1);
    drop(published);
    directory.publish(&entry("a@box")).expect("free again");
}

#[test]
fn what_a_dead_node_left_is_ignored_and_removed() {
    let (_dir, directory) = directory();
    let path = directory.path("dead@box");
    let text = serde_json::to_string(&entry("dead@box")).expect("json");
    fs::write(&path, &text).expect("written");
    assert_eq!(directory.list().expect("readable"), []);
    assert!(!path.exists());
    fs::write(&path, &text).expect("written");
    directory.publish(&entry("dead@box")).expect("its name is free");
}

#[test]
fn a_directory_that_others_may_enter_or_that_is_a_link_is_refused() {
    let dir = tempfile::tempdir().expect("temporary directory");
    let open = dir.path().join("open");
    fs::create_dir(&open).expect("made");
    fs::set_permissions(&open, fs::Permissions::from_mode(0o755)).expect("own directory");
    let error = Directory::at(open).expect_err("open to others");
    assert!(matches!(error, DiscoveryError::NotPrivate { .. }), "{error}");
    let private = dir.path().join("private");
    Directory::at(private.clone()).expect("made private");
    let link = dir.path().join("link");
    std::os::unix::fs::symlink(&private, &link).expect("linked");
    assert!(Directory::at(link).is_err());
}

#[test]
fn node_names_are_plain_words_that_make_no_paths() {
    for name in ["a", "odeon", "a@box", "a-1_b@box.example.org"] {
        assert!(is_node_name(name), "{name}");
    }
    let long = "x".repeat(201);
    for name in ["", "@", "a@", "@box", "a@b@c", "../a", "a/b", ".a", "a b", "ä", "a\n", &long] {
        assert!(!is_node_name(name), "{name:?}");
    }
}
