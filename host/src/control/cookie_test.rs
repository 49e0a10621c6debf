//! The cookie file is made once, is private, and is refused when it is not.

use std::os::unix::fs::PermissionsExt as _;

use super::*;

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("own file");
}

#[test]
fn the_first_use_makes_a_private_cookie_and_the_next_one_reads_it() {
    let dir = tempfile::tempdir().expect("temporary directory");
    let path = dir.path().join("deep/er/cookie");
    load_or_create(&path).expect("made");
    let first = fs::read_to_string(&path).expect("readable");
    assert_eq!(first.trim().len(), 64);
    assert_eq!(fs::metadata(&path).expect("there").mode() & 0o777, 0o600);
    load_or_create(&path).expect("read");
    assert_eq!(fs::read_to_string(&path).expect("readable"), first, "it is not made again");
    let left: Vec<_> = fs::read_dir(path.parent().expect("parent")).expect("dir").collect();
    assert_eq!(left.len(), 1, "no temporary file stays behind");
}

#[test]
fn of_many_that_make_it_at_once_one_wins_for_all() {
    let dir = tempfile::tempdir().expect("temporary directory");
    let path = dir.path().join("cookie");
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| load_or_create(&path).expect("made or read"));
        }
    });
    let text = fs::read_to_string(&path).expect("readable");
    create(&path).expect("no error");
    assert_eq!(fs::read_to_string(&path).expect("readable"), text, "a second one changes nothing");
}

#[test]
fn a_cookie_that_others_can_read_is_refused_with_the_fix_and_without_its_content() {
    let dir = tempfile::tempdir().expect("temporary directory");
    let path = dir.path().join("cookie");
    load_or_create(&path).expect("made");
    let text = fs::read_to_string(&path).expect("readable");
    set_mode(&path, 0o640);
    let error = load_or_create(&path).expect_err("exposed").to_string();
    assert!(error.contains("chmod 600"), "{error}");
    assert!(!error.contains(text.trim()), "{error}");
}

#[test]
fn content_that_is_no_cookie_is_refused_and_kept() {
    let dir = tempfile::tempdir().expect("temporary directory");
    let path = dir.path().join("cookie");
    for content in [&b""[..], b"short\n", &[b'x'; 5000], &[0xff; 64]] {
        fs::write(&path, content).expect("written");
        set_mode(&path, 0o600);
        let error = load_or_create(&path).expect_err("no cookie");
        assert!(matches!(error, CookieError::BadContent { .. }), "{error}");
        assert_eq!(fs::read(&path).expect("readable"), content);
    }
}

#[test]
fn the_environment_says_where_it_is() {
    let place = |vars: &[(&str, &str)]| {
        let vars: std::collections::BTreeMap<_, _> = vars.iter().copied().collect();
        path_in(|name| vars.get(name).map(PathBuf::from)).ok()
    };
    let all = [("ODEON_HOME", "/o"), ("XDG_CONFIG_HOME", "/x"), ("HOME", "/h")];
    assert_eq!(place(&all), Some("/o/cookie".into()));
    assert_eq!(place(&all[1..]), Some("/x/odeon/cookie".into()));
    assert_eq!(place(&all[2..]), Some("/h/.config/odeon/cookie".into()));
    assert_eq!(place(&[]), None);
}
