//! Whose secret counts for whom.

use super::*;
use crate::net::tests::secret;

/// Secrets cannot be compared or shown; what they prove can.
fn same(one: &Secret, other: &Secret) -> bool {
    use odeon_core::peer::handshake::{Effect, Handshake};
    use odeon_core::wire::Raw;
    let hello = |name: &str, nonce| Hello {
        version_min: 1,
        version_max: 1,
        features: 0,
        role: Role::Peer,
        name: name.to_owned(),
        incarnation: 1,
        nonce: [nonce; 32],
    };
    let mut effects = Vec::new();
    let binding = bytes::Bytes::new();
    let mut first = Handshake::initiate(hello("a", 1), one.clone(), binding.clone(), &mut effects);
    let other = other.clone();
    let choose = Box::new(move |_: &Hello| other);
    let mut second = Handshake::accept(hello("b", 2), choose, binding, &[Role::Peer]);
    for turn in 0..3 {
        let Some(Effect::Send(frame)) = effects.first() else { panic!("{effects:?}") };
        let mut message = frame.to_message();
        let raw = Raw::split(&mut message, 4096).expect("framed").expect("not empty");
        effects.clear();
        if turn == 1 { &mut first } else { &mut second }.received(&raw, &mut effects);
    }
    matches!(effects.last(), Some(Effect::Established(_)))
}

#[test]
fn a_peer_has_its_own_secret_or_the_default() {
    let (default, own) = (secret(b"the default secret"), secret(b"a secret of its own"));
    assert!(same(&default, &default) && !same(&default, &own));
    let secrets = Secrets::new(default.clone());
    assert!(same(&secrets.of("b@box"), &default));
    secrets.set("b@box", own.clone()).expect("few");
    assert!(same(&secrets.of("b@box"), &own));
    assert!(same(&secrets.of("c@box"), &default));
    assert!(same(&secrets.between(Role::Control, "b@box"), &default), "commands have no names");
    secrets.forget("b@box");
    assert!(same(&secrets.of("b@box"), &default));
}

#[test]
fn there_is_a_limit_and_it_does_not_bar_changes() {
    let secrets = Secrets::new(secret(b"the default secret"));
    for at in 0..PEERS_MAX {
        secrets.set(&format!("n{at}@box"), secret(b"a secret of its own")).expect("few");
    }
    assert_eq!(secrets.set("one@more", secret(b"a secret of its own")), Err(TooMany));
    assert_eq!(secrets.set("n0@box", secret(b"another of its own")), Ok(()));
    secrets.forget("n1@box");
    assert_eq!(secrets.set("one@more", secret(b"a secret of its own")), Ok(()));
}
