//! Who is found, who is not, and why not.

use tokio::net::TcpListener;

use super::*;
use crate::control::discovery::Entry;
use crate::net::tests::{
    COOKIE, Listening, OTHER_COOKIE, at, dial_as, failed, identity, options, secret, security, soon,
};
use crate::net::{Mode, Security};

/// Listens and takes connections, and says nothing.
async fn silent() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a free port");
    let address = listener.local_addr().expect("bound");
    (listener, address)
}

/// An address where nobody listens.
async fn nobody() -> SocketAddr {
    silent().await.1
}

#[test]
fn a_target_is_a_whole_name_and_perhaps_a_port() {
    let target: Target = "a@box.example.org:4000".parse().expect("right");
    assert_eq!((target.name.as_str(), target.port), ("a@box.example.org", Some(4000)));
    assert_eq!("a@box".parse::<Target>().expect("right").port, None);
    for wrong in ["", "a", "@box", "a@box:", "a@box:x", "a@box:70000", "a@../box"] {
        let error = wrong.parse::<Target>().expect_err(wrong);
        assert!(error.to_string().contains("name@host"), "{error}");
    }
}

#[tokio::test]
async fn a_node_is_found_by_its_entry_by_a_hint_and_at_its_port() {
    let mut node = Listening::start("a@localhost", security(COOKIE, Mode::Auto)).await;
    let keys = security(COOKIE, Mode::Auto);
    let home = tempfile::tempdir().expect("temporary directory");
    let directory = Directory::at(home.path().join("odeon")).expect("made");
    let entry = Entry {
        name: "a@localhost".to_owned(),
        address: node.address(),
        incarnation: 7,
        process: 1,
        tls: false,
    };
    let published = directory.publish(&entry).expect("a free name");
    let nowhere = Target { name: "a@localhost".to_owned(), port: None, hints: Vec::new() };
    let mut options = Options { directory: Some(directory), ..options() };
    let dialed = soon(dial(&nowhere, &identity("b@localhost"), &keys, &options)).await;
    assert!(!dialed.expect("found by its entry").0.is_encrypted());
    node.arrived().await;
    drop(published);
    let dialed = soon(dial(&nowhere, &identity("b@localhost"), &keys, &options)).await;
    assert!(matches!(failed(dialed), DialError::Unreachable { .. }), "the entry has gone");

    dial_as("b@localhost", &at("a@localhost", node.address()), &keys).await.expect("by the hint");
    let target = Target { port: Some(node.address().port()), ..nowhere.clone() };
    dial_as("b@localhost", &target, &keys).await.expect("at its port");
    options.default_port = node.address().port();
    let dialed = soon(dial(&nowhere, &identity("b@localhost"), &keys, &options)).await;
    dialed.expect("at the default port");
}

#[tokio::test]
async fn an_entry_that_asks_for_tls_gets_it_on_loopback() {
    let node = Listening::start("a@localhost", security(COOKIE, Mode::Always)).await;
    let home = tempfile::tempdir().expect("temporary directory");
    let directory = Directory::at(home.path().join("odeon")).expect("made");
    let entry = Entry {
        name: "a@localhost".to_owned(),
        address: node.address(),
        incarnation: 7,
        process: 1,
        tls: true,
    };
    let _published = directory.publish(&entry).expect("a free name");
    let target = Target { name: "a@localhost".to_owned(), port: None, hints: Vec::new() };
    let options = Options { directory: Some(directory), ..options() };
    let keys = security(COOKIE, Mode::Auto);
    let dialed = soon(dial(&target, &identity("b@localhost"), &keys, &options)).await;
    assert!(dialed.expect("let in").0.is_encrypted());
    let client = crate::control::client::Client::connect(&entry, secret(COOKIE));
    soon(client).await.expect("commands find it as well");
}

#[tokio::test]
async fn a_wrong_place_and_a_silent_one_do_not_hide_the_right_one() {
    let mut node = Listening::start("a@localhost", security(COOKIE, Mode::Auto)).await;
    let other = Listening::start("c@localhost", security(COOKIE, Mode::Auto)).await;
    let (_silent, silent) = silent().await;
    let (nobody, right) = (nobody().await, node.address());
    let hints = [nobody, other.address(), silent, right].map(|address| address.to_string());
    let hints = [vec!["not an address".to_owned()], hints.to_vec()].concat();
    let target = Target { name: "a@localhost".to_owned(), port: None, hints };
    let keys = security(COOKIE, Mode::Auto);
    let options = Options { setup_time: Duration::from_secs(2), ..options() };
    let dialed = soon(dial(&target, &identity("b@localhost"), &keys, &options)).await;
    assert_eq!(dialed.expect("let in").1.theirs.name, "a@localhost");
    node.arrived().await;
}

#[tokio::test]
async fn each_failure_says_what_it_is() {
    let keys = security(COOKIE, Mode::Auto);
    let unknown = Target { name: "a".to_owned(), port: None, hints: vec!["no port".to_owned()] };
    let error = failed(dial_as("b@localhost", &unknown, &keys).await);
    assert!(matches!(error, DialError::Unknown { .. }), "{error}");

    let error = failed(dial_as("b@localhost", &at("a@localhost", nobody().await), &keys).await);
    assert!(matches!(error, DialError::Unreachable { .. }), "{error}");
    assert!(error.to_string().contains("refused"), "{error}");

    let node = Listening::start("c@localhost", security(COOKIE, Mode::Auto)).await;
    let error = failed(dial_as("b@localhost", &at("a@localhost", node.address()), &keys).await);
    assert!(error.to_string().contains("is `c@localhost`, not `a@localhost`"), "{error}");

    let wrong = security(OTHER_COOKIE, Mode::Auto);
    let error = failed(dial_as("b@localhost", &at("c@localhost", node.address()), &wrong).await);
    assert!(matches!(error, DialError::Handshake { .. }), "{error}");
    assert!(error.to_string().contains("wrong cookie"), "{error}");

    // Whoever it is closes the connection, since what comes is no TLS for it.
    let (listener, address) = silent().await;
    let closes = tokio::spawn(async move { drop(soon(listener.accept()).await) });
    let always = security(COOKIE, Mode::Always);
    let error = failed(dial_as("b@localhost", &at("a@localhost", address), &always).await);
    assert!(matches!(error, DialError::Tls { .. }), "{error}");
    soon(closes).await.expect("no panic");
}

#[tokio::test]
async fn who_takes_the_connection_and_stays_silent_costs_the_setup_time() {
    for mode in [Mode::Auto, Mode::Always] {
        let (_listener, address) = silent().await;
        let keys = security(COOKIE, mode);
        let options = Options { setup_time: Duration::from_millis(300), ..options() };
        let begun = Instant::now();
        let target = at("a@localhost", address);
        let error = failed(soon(dial(&target, &identity("b@localhost"), &keys, &options)).await);
        assert!(matches!(error, DialError::Timeout { .. }), "{error}");
        assert!(error.to_string().contains("--setup-time"), "{error}");
        assert!(begun.elapsed() < Duration::from_secs(3), "{:?}", begun.elapsed());
    }
}

/// Conformance C01 and C02: `erlang:set_cookie/2` on one side is enough.
#[tokio::test]
async fn cookies_per_peer_count_in_both_directions_and_on_one_side() {
    let cookies: [&[u8]; 3] = [COOKIE, OTHER_COOKIE, b"a third cookie for tests"];
    let names = ["mother@localhost", "left@localhost", "right@localhost"];
    let keys: Vec<Security> = cookies.iter().map(|it| security(it, Mode::Auto)).collect();
    let mut nodes = Vec::new();
    for (name, keys) in names.iter().zip(&keys) {
        nodes.push(Listening::start(name, keys.clone()).await);
    }
    let dials = async |from: usize, to: usize| {
        let target = at(names[to], nodes[to].address());
        dial_as(names[from], &target, &keys[from]).await.is_ok()
    };
    let pairs = [(0, 1), (0, 2), (1, 2)];
    for (one, other) in pairs {
        assert!(!dials(one, other).await && !dials(other, one).await, "all cookies differ");
    }
    for child in [1, 2] {
        keys[0].secrets.set(names[child], secret(cookies[child])).expect("few");
    }
    for child in [1, 2] {
        assert!(dials(0, child).await && dials(child, 0).await, "mother knows {child}'s");
    }
    assert!(!dials(1, 2).await && !dials(2, 1).await, "these two know nothing of each other");
    keys[1].secrets.set(names[2], secret(cookies[2])).expect("few");
    assert!(dials(1, 2).await && dials(2, 1).await);
    // Each uses the other's default: no pair, as in Erlang.
    keys[2].secrets.set(names[1], secret(cookies[1])).expect("few");
    assert!(!dials(1, 2).await && !dials(2, 1).await);
    keys[0].secrets.forget(names[1]);
    assert!(!dials(0, 1).await && dials(0, 2).await);
    keys[1].secrets.set_default(secret(COOKIE));
    assert!(dials(0, 1).await && dials(1, 0).await, "one cookie for both again");
}
