//! Where settings come from, and what is said about wrong ones.

use super::*;

/// A directory with a file of this content.
fn project(content: &str) -> tempfile::TempDir {
    let dir = tempfile::tempdir().expect("temporary directory");
    std::fs::write(dir.path().join(FILE_NAME), content).expect("written");
    dir
}

fn error(content: &str) -> String {
    let dir = project(content);
    File::load(None, dir.path()).expect_err("wrong").to_string()
}

const WHOLE: &str = r#"
name = "a@box"
listen = "127.0.0.1:4000"
data-dir = "data"
workers = 3
actors-max = 500
tier = "fast"
[limits]
memory-bytes = "2MiB"
table-elements = 7
[spawn]
env = { LANG = "C" }
dirs = [{ host = "shared", guest = "/data" }]
network = true
"#;

#[test]
fn a_flag_wins_over_the_file_and_the_file_over_the_default() {
    let dir = project(WHOLE);
    let file = File::load(None, dir.path()).expect("right");
    let settings = file.settings(&Overrides::default()).expect("right");
    assert_eq!((settings.name.as_str(), settings.workers), ("a@box", Some(3)));
    assert_eq!(settings.listen, SocketAddr::from(([127, 0, 0, 1], 4000)));
    assert_eq!(settings.actors_max, 500);
    assert_eq!(settings.limits.memory_bytes, 2 << 20);
    assert_eq!(settings.limits.table_elements, 7);
    assert_eq!(settings.limits.timers, Limits::default().timers, "not said, so the default");
    let overrides = Overrides {
        name: Some("b@box".to_owned()),
        listen: Some(([127, 0, 0, 1], 1).into()),
        data_dir: Some("/elsewhere".into()),
        workers: Some(1),
        ..Overrides::default()
    };
    let settings = file.settings(&overrides).expect("right");
    assert_eq!((settings.name.as_str(), settings.workers), ("b@box", Some(1)));
    assert_eq!(settings.listen.port(), 1);
    assert_eq!(settings.data_dir, Path::new("/elsewhere"));
    assert_eq!(settings.limits.memory_bytes, 2 << 20, "the rest stays the file's");
}

#[test]
fn the_file_is_found_upwards_and_its_paths_are_relative_to_it() {
    let dir = project(WHOLE);
    let deep = dir.path().join("a/b");
    std::fs::create_dir_all(&deep).expect("made");
    let file = File::load(None, &deep).expect("right");
    assert_eq!(file.path, Some(dir.path().join(FILE_NAME)));
    assert_eq!(file.data_dir, Some(dir.path().join("data")));
    let rights = file.rights();
    assert_eq!(rights.dirs[0].host, dir.path().join("shared"));
    assert!(!rights.dirs[0].writable, "not said, so not granted");
    assert_eq!(rights.env, [("LANG".to_owned(), "C".to_owned())]);
    // The nearest one counts, whole.
    std::fs::write(deep.join(FILE_NAME), "workers = 1").expect("written");
    let file = File::load(None, &deep).expect("right");
    assert_eq!((file.workers, file.name), (Some(1), None));
}

#[test]
fn without_a_file_nothing_is_granted_and_a_named_file_has_to_be_there() {
    let dir = tempfile::tempdir().expect("temporary directory");
    let file = File::load(None, dir.path()).expect("no file is no error");
    assert_eq!(file.rights(), Rights::default());
    assert_eq!(file.settings(&Overrides::default()).expect("defaults").limits, Limits::default());
    let error = File::load(Some(Path::new("other.toml")), dir.path()).expect_err("missing");
    assert!(error.to_string().contains("other.toml"), "{error}");
}

#[test]
fn an_unknown_field_is_named_with_its_place_and_what_was_meant() {
    let message = error("nam = \"a\"");
    assert!(message.contains("did you mean `name`"), "{message}");
    assert!(message.contains("line 1"), "{message}");
    let message = error("[limits]\nmemory-byte = 1");
    assert!(message.contains("did you mean `memory-bytes`"), "{message}");
    let message = error("[spawn]\nzzzzzzzz = 1");
    assert!(!message.contains("did you mean"), "{message}");
}

#[test]
fn wrong_values_are_refused_with_what_would_be_right() {
    assert!(error("[limits]\nmemory-bytes = \"64MB\"").contains("64MiB"));
    assert!(error("[limits]\nmemory-bytes = -1").contains("line 2"));
    assert!(error("listen = \"here\"").contains("line 1"));
    let settings = |content: &str| {
        let dir = project(content);
        let file = File::load(None, dir.path()).expect("right so far");
        file.settings(&Overrides::default()).expect_err("wrong").to_string()
    };
    assert!(settings("tier = \"slow\"").contains("auto, dense and fast"));
    assert!(settings("workers = 0").contains("at least 1"));
    assert!(settings("name = \"../a\"").contains("cannot name a node"));
}

#[test]
fn sizes_have_binary_units_and_do_not_overflow() {
    assert_eq!("1000".parse(), Ok(Size(1000)));
    assert_eq!("64KiB".parse(), Ok(Size(64 << 10)));
    assert_eq!("1 GiB".parse(), Ok(Size(1 << 30)));
    for wrong in ["", "KiB", "1kb", "-1", "1.5MiB", "99999999999999GiB"] {
        assert!(wrong.parse::<Size>().is_err(), "{wrong}");
    }
}

#[test]
fn a_name_without_a_host_gets_this_machines() {
    assert_eq!(whole_name("a", "box").expect("right"), "a@box");
    assert_eq!(whole_name("a@other", "box").expect("right"), "a@other");
    assert!(whole_name("a b", "box").is_err());
    assert!(is_node_name(&host_name()));
}
