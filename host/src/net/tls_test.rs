//! Certificates: who is let in with them, and what is said about wrong files.

use odeon_core::peer::handshake::Failure;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, KeyUsagePurpose, SanType,
};

use super::*;
use crate::net::dial::{DialError, dial};
use crate::net::tests::{
    COOKIE, Listening, at, dial_as, failed, identity, options, round_trip, security, soon, with_tls,
};
use crate::net::{Identity, Mode, Security};

/// An authority and the files of those that it signs.
struct Pki {
    dir: tempfile::TempDir,
    issuer: CertifiedIssuer<'static, KeyPair>,
}

impl Pki {
    fn new() -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        let key = KeyPair::generate().expect("a key");
        let issuer = CertifiedIssuer::self_signed(params, key).expect("signed");
        let dir = tempfile::tempdir().expect("temporary directory");
        fs::write(dir.path().join("ca.pem"), issuer.pem()).expect("written");
        Self { dir, issuer }
    }

    fn path(&self, file: &str) -> PathBuf {
        self.dir.path().join(file)
    }

    /// A certificate with this name, a URI if it has a colon.
    fn files(&self, name: &str) -> Files {
        let mut params = CertificateParams::default();
        let text = name.try_into().expect("plain text");
        params.subject_alt_names = vec![match name.contains(':') {
            true => SanType::URI(text),
            false => SanType::DnsName(text),
        }];
        let key = KeyPair::generate().expect("a key");
        let certificate = params.signed_by(&key, &self.issuer).expect("signed");
        let file = name.replace(':', "-");
        let (cert, path) = (self.path(&format!("{file}.crt")), self.path(&format!("{file}.key")));
        fs::write(&cert, certificate.pem()).expect("written");
        fs::write(&path, key.serialize_pem()).expect("written");
        Files { ca: self.path("ca.pem"), cert, key: path }
    }
}

fn keys(files: &Files, name: &str) -> Security {
    with_tls(COOKIE, Mode::Auto, Tls::from_files(files, name).expect("right files"))
}

#[tokio::test]
async fn nodes_with_certificates_for_their_names_or_hosts_connect_with_tls() {
    let pki = Pki::new();
    let by_host = keys(&pki.files("localhost"), "a@localhost");
    let by_name = keys(&pki.files("odeon:b@localhost"), "b@localhost");
    let mut a = Listening::start("a@localhost", by_host.clone()).await;
    let mut b = Listening::start("b@localhost", by_name.clone()).await;
    let target = at("a@localhost", a.address());
    let (transport, _) = dial_as("b@localhost", &target, &by_name).await.expect("let in");
    assert!(transport.is_encrypted(), "on loopback as well");
    assert_eq!(a.arrived().await.1.theirs.name, "b@localhost");
    let target = at("b@localhost", b.address());
    dial_as("a@localhost", &target, &by_host).await.expect("let in");
    b.arrived().await;
}

#[tokio::test]
async fn nodes_without_a_good_certificate_are_refused() {
    let (pki, strangers) = (Pki::new(), Pki::new());
    let own = keys(&pki.files("localhost"), "a@localhost");
    let mut node = Listening::start("a@localhost", own).await;
    let target = at("a@localhost", node.address());
    let not_allowed = Failure::Refused(odeon_core::wire::Refusal::NotAllowed);

    for mode in [Mode::Auto, Mode::Always] {
        let none = security(COOKIE, mode);
        let error = failed(dial_as("b@localhost", &target, &none).await);
        let DialError::Handshake { source, .. } = &error else { panic!("{error}") };
        let no_certificate = Failure::Refused(odeon_core::wire::Refusal::NoCertificate);
        assert_eq!(*source, no_certificate, "the cookie alone is not enough");
        assert!(error.to_string().contains("a certificate is needed"), "{error}");
    }

    let other = keys(&pki.files("odeon:c@elsewhere"), "c@elsewhere");
    let error = failed(dial_as("b@localhost", &target, &other).await);
    let DialError::Handshake { source, .. } = error else { panic!("{error}") };
    assert_eq!(source, not_allowed, "another node's certificate");

    let mut signed_by_strangers = strangers.files("odeon:b@localhost");
    signed_by_strangers.ca = pki.path("ca.pem");
    let stranger = keys(&signed_by_strangers, "b@localhost");
    let error = failed(dial_as("b@localhost", &target, &stranger).await);
    assert!(matches!(error, DialError::Tls { .. }), "{error}");
    assert!(node.nobody_arrived());
    let good = keys(&pki.files("odeon:b@localhost"), "b@localhost");
    dial_as("b@localhost", &target, &good).await.expect("let in");
    node.arrived().await;
}

#[tokio::test]
async fn nodes_with_certificates_connect_to_none_without_a_good_one() {
    let (pki, strangers) = (Pki::new(), Pki::new());
    let own = keys(&pki.files("odeon:b@localhost"), "b@localhost");
    let bad = [
        security(COOKIE, Mode::Auto),
        keys(&strangers.files("localhost"), "a@localhost"),
        keys(&pki.files("odeon:c@elsewhere"), "c@elsewhere"),
    ];
    for bad in bad {
        let mut node = Listening::start("a@localhost", bad).await;
        let error = failed(dial_as("b@localhost", &at("a@localhost", node.address()), &own).await);
        assert!(matches!(error, DialError::Tls { .. }), "{error}");
        assert!(node.nobody_arrived());
    }
}

#[tokio::test]
async fn commands_on_the_same_machine_need_no_certificate() {
    let pki = Pki::new();
    let own = keys(&pki.files("localhost"), "a@localhost");
    let node = Listening::start("a@localhost", own).await;
    for mode in [Mode::Auto, Mode::Always] {
        let keys = security(COOKIE, mode);
        let target = at("a@localhost", node.address());
        let dialed = soon(dial(&target, &Identity::command(), &keys, &options())).await;
        round_trip(dialed.expect("let in").0, 1000).await;
    }
}

#[tokio::test]
async fn commands_show_a_certificate_of_whatever_name_and_want_the_nodes() {
    let pki = Pki::new();
    let own = keys(&pki.files("localhost"), "a@localhost");
    let node = Listening::start("a@localhost", own).await;
    let dialed = async |files: &Files| {
        let keys = with_tls(COOKIE, Mode::Always, Tls::for_commands(files).expect("right files"));
        let target = at("a@localhost", node.address());
        soon(dial(&target, &Identity::command(), &keys, &options())).await
    };
    round_trip(dialed(&pki.files("laptop.example.org")).await.expect("let in").0, 1000).await;
    // One of another authority is neither shown nor taken.
    let error = failed(dialed(&Pki::new().files("laptop.example.org")).await);
    assert!(matches!(error, DialError::Tls { .. }), "{error}");
}

#[tokio::test]
async fn certificates_do_not_make_the_cookie_needless() {
    let pki = Pki::new();
    let own = Tls::from_files(&pki.files("localhost"), "a@localhost").expect("right files");
    let node = Listening::start("a@localhost", with_tls(COOKIE, Mode::Auto, own)).await;
    let wrong = Tls::from_files(&pki.files("odeon:b@localhost"), "b@localhost").expect("right");
    let wrong = with_tls(b"another cookie for tests", Mode::Auto, wrong);
    let error = failed(dial_as("b@localhost", &at("a@localhost", node.address()), &wrong).await);
    assert!(error.to_string().contains("wrong cookie"), "{error}");
}

#[test]
fn wrong_files_are_named_with_what_they_should_be() {
    let pki = Pki::new();
    let right = pki.files("box.example.org");
    let other = pki.files("odeon:b@box");
    let junk = pki.path("junk");
    fs::write(&junk, "no PEM at all").expect("written");
    let missing = pki.path("missing");
    let name = "a@box.example.org";
    Tls::from_files(&right, name).expect("right");
    let wrong = |change: &dyn Fn(&mut Files)| {
        let mut files = right.clone();
        change(&mut files);
        Tls::from_files(&files, name).expect_err("wrong").to_string()
    };
    let text = wrong(&|files| files.ca = missing.clone());
    assert!(text.contains("missing") && text.contains("authority's"), "{text}");
    let text = wrong(&|files| files.cert = junk.clone());
    assert!(text.contains("junk") && text.contains("-----BEGIN"), "{text}");
    let text = wrong(&|files| files.key = files.cert.clone());
    assert!(text.contains("private key"), "{text}");
    let text = wrong(&|files| files.key = other.key.clone());
    assert!(text.contains("cannot be used together"), "{text}");
    let text = wrong(&|files| *files = other.clone());
    assert!(text.contains("`a@box.example.org`") && text.contains("odeon:b@box"), "{text}");
}

#[test]
fn a_certificate_is_for_the_host_or_for_the_whole_name_and_nothing_near_it() {
    let pki = Pki::new();
    let is = |certificate: &str, name: &str| {
        let files = pki.files(certificate);
        let chain = certificates("certificate", &files.cert).expect("right");
        is_for(&chain[0], name).is_ok()
    };
    assert!(is("box.example.org", "a@box.example.org"));
    assert!(is("*.example.org", "a@box.example.org"));
    assert!(is("box", "a@box"));
    assert!(is("odeon:a@box", "a@box"));
    for (certificate, name) in [
        ("box.example.org", "a@example.org"),
        ("example.org", "a@box.example.org"),
        ("odeon:a@box", "b@box"),
        ("odeon:a@box", "aa@box"),
        ("https:a@box", "a@box"),
        ("box", "box"),
        ("box", "a@box2"),
    ] {
        assert!(!is(certificate, name), "{certificate} {name}");
    }
}

#[test]
fn keys_are_not_shown() {
    let tls = Tls::self_signed().expect("a key");
    assert_eq!(format!("{tls:?}"), "Tls { verifies: false, .. }");
    assert!(identity("a@box").hello().is_ok());
}
