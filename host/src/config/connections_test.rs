//! What counts of flags and file, and what is said about wrong values.

use super::*;

fn settings(own: &Connections, over: &Connections) -> Result<ConnectionSettings, String> {
    own.settings(over, Cookies::new(), "box").map_err(|error| error.to_string())
}

fn tls(text: &str) -> Connections {
    Connections { tls: Some(text.to_owned()), ..Connections::default() }
}

fn plain() -> Connections {
    Connections { plain: true, ..Connections::default() }
}

fn certificates() -> Connections {
    let file = |name: &str| Some(PathBuf::from(name));
    Connections { ca: file("ca"), cert: file("cert"), key: file("key"), ..Connections::default() }
}

#[test]
fn without_settings_there_are_defaults() {
    let none = Connections::default();
    let settings = settings(&none, &none).expect("right");
    assert_eq!((settings.mode, settings.setup_time), (Mode::Auto, SETUP_TIME));
    assert_eq!((settings.files, settings.advertise.len()), (None, 0));
}

#[test]
fn a_flag_wins_over_the_file() {
    let mode = |own: &Connections, over: &Connections| settings(own, over).map(|it| it.mode);
    let none = Connections::default();
    assert_eq!(mode(&tls("always"), &none), Ok(Mode::Always));
    assert_eq!(mode(&tls("always"), &tls("auto")), Ok(Mode::Auto));
    assert_eq!(mode(&tls("always"), &plain()), Ok(Mode::Plain));
    assert_eq!(mode(&plain(), &tls("always")), Ok(Mode::Always));
    assert_eq!(mode(&plain(), &none), Ok(Mode::Plain));
    let advertise = |address: &str| Connections {
        advertise: vec![address.to_owned()],
        setup_time: Some(1),
        ..Connections::default()
    };
    let both = settings(&advertise("a:1"), &advertise("b:2")).expect("right");
    assert_eq!(both.advertise, ["b:2"]);
    assert_eq!(settings(&advertise("a:1"), &none).expect("right").advertise, ["a:1"]);
    assert_eq!(both.setup_time, Duration::from_secs(1));
}

#[test]
fn what_does_not_go_together_is_refused() {
    let none = Connections::default();
    let error = |own: &Connections, over: &Connections| settings(own, over).expect_err("wrong");
    assert!(error(&tls("never"), &none).contains("neither auto nor always"));
    let both = Connections { plain: true, ..tls("always") };
    assert!(error(&both, &none).contains("exclude each other"));
    assert!(error(&certificates(), &plain()).contains("certificates"));
    let two = Connections { key: None, ..certificates() };
    assert!(error(&two, &none).contains("all three"));
    let third = Connections { key: Some("key".into()), ..Connections::default() };
    let files = settings(&two, &third).expect("together").files;
    assert_eq!(files.map(|files| files.key), Some("key".into()));
    for seconds in [0, 121, u64::MAX] {
        let wrong = Connections { setup_time: Some(seconds), ..Connections::default() };
        assert!(error(&wrong, &none).contains("1 to 120"));
    }
}

#[test]
fn an_advertised_address_is_a_host_and_a_port() {
    let advertise = |address: &str| {
        let advertise = vec![address.to_owned()];
        settings(&Connections { advertise, ..Connections::default() }, &Connections::default())
    };
    for right in ["box:1", "192.0.2.1:4370", "[2001:db8::1]:4370"] {
        advertise(right).expect(right);
    }
    let long = format!("{}:1", "x".repeat(ADDRESS_BYTES_MAX));
    for wrong in ["", "box", "box:", ":1", "box:0", "box:70000", &long] {
        assert!(advertise(wrong).expect_err(wrong).contains("host:port"));
    }
    let many = vec!["box:1".to_owned(); ADVERTISE_MAX + 1];
    let many = Connections { advertise: many, ..Connections::default() };
    assert!(settings(&many, &Connections::default()).expect_err("many").contains("at most 8"));
}

#[test]
fn cookies_are_kept_for_whole_names_in_files_beside_the_configuration() {
    let dir = tempfile::tempdir().expect("temporary directory");
    let text =
        "[connections]\nca = \"ca.pem\"\ncert = \"/c\"\nkey = \"k\"\n[cookies]\nb = \"b.txt\"\n";
    std::fs::write(dir.path().join(crate::config::FILE_NAME), text).expect("written");
    let file = crate::config::File::load(None, dir.path()).expect("right");
    let mut overrides = crate::config::Overrides::default();
    overrides.cookies.insert("c@far".to_owned(), "c.txt".into());
    let settings = file.settings(&overrides).expect("right").connections;
    let names: Vec<_> = settings.cookies.keys().map(String::as_str).collect();
    assert!(names[0].starts_with("b@") && names[1] == "c@far", "{names:?}");
    let paths: Vec<_> = settings.cookies.values().cloned().collect();
    assert_eq!(paths, [dir.path().join("b.txt"), PathBuf::from("c.txt")]);
    let files = settings.files.expect("all three");
    assert_eq!((files.ca, files.cert), (dir.path().join("ca.pem"), PathBuf::from("/c")));
    std::fs::write(dir.path().join(crate::config::FILE_NAME), "[cookies]\n\"../b\" = \"b\"\n")
        .expect("written");
    let file = crate::config::File::load(None, dir.path()).expect("right so far");
    let error = file.settings(&crate::config::Overrides::default()).expect_err("no name");
    assert!(error.to_string().contains("cannot name a node"), "{error}");
}
