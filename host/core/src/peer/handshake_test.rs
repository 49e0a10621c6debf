//! One frame in, the exact effects out; and the attacks that must fail.

use super::*;
use crate::wire::{VERSION_MAX, VERSION_MIN};

fn secret(cookie: &str) -> Secret {
    Secret::new(cookie.as_bytes()).expect("long enough")
}

fn hello(name: &str, role: Role, nonce: u8) -> Hello {
    Hello {
        version_min: VERSION_MIN,
        version_max: VERSION_MAX,
        features: 0b110,
        role,
        name: name.to_owned(),
        incarnation: u64::from(nonce),
        nonce: [nonce; 32],
    }
}

const COOKIE: &str = "0123456789abcdef";

fn initiator(ours: Hello, cookie: &str) -> (Handshake, Frame) {
    let mut effects = Vec::new();
    let handshake = Handshake::initiate(ours, secret(cookie), Bytes::new(), &mut effects);
    (handshake, sent(&effects))
}

fn acceptor(ours: Hello, cookie: &str) -> Handshake {
    Handshake::accept(ours, always(cookie), Bytes::new(), &[Role::Peer, Role::Control])
}

/// The same secret for everybody.
fn always(cookie: &str) -> ChooseSecret {
    let secret = secret(cookie);
    Box::new(|_| secret)
}

fn pair(cookies: (&str, &str)) -> (Handshake, Handshake, Frame) {
    let (first, frame) = initiator(hello("cli", Role::Control, 1), cookies.0);
    (first, acceptor(hello("a@box", Role::Peer, 2), cookies.1), frame)
}

/// The one frame that these effects transmit.
fn sent(effects: &[Effect]) -> Frame {
    let mut frames = effects.iter().filter_map(|effect| match effect {
        Effect::Send(frame) => Some(frame.clone()),
        Effect::Established(_) | Effect::Failed(_) => None,
    });
    let frame = frames.next().expect("one frame is sent");
    assert_eq!(frames.next(), None);
    frame
}

fn tell(handshake: &mut Handshake, frame: &Frame) -> Vec<Effect> {
    tell_bytes(handshake, frame.to_message())
}

fn tell_bytes(handshake: &mut Handshake, mut message: Bytes) -> Vec<Effect> {
    let raw = Raw::split(&mut message, 4096).expect("framed").expect("not empty");
    let mut effects = Vec::new();
    handshake.received(&raw, &mut effects);
    effects
}

fn refusing(refusal: Refusal) -> Vec<Effect> {
    vec![Effect::Send(Frame::Refused(refusal)), Effect::Failed(Failure::Refusing(refusal))]
}

#[test]
fn two_sides_with_the_same_cookie_agree() {
    let (mut first, mut second, frame) = pair((COOKIE, COOKIE));
    let effects = tell(&mut second, &frame);
    assert_eq!(effects.len(), 1, "the acceptor proves nothing before the initiator did");
    let effects = tell(&mut first, &sent(&effects));
    assert_eq!(effects.len(), 1);
    let effects = tell(&mut second, &sent(&effects));
    let session = |theirs| Session { version: 1, features: 0b110, theirs };
    let theirs = session(hello("cli", Role::Control, 1));
    assert_eq!(effects[1..], [Effect::Established(theirs)]);
    let effects = tell(&mut first, &sent(&effects));
    let theirs = session(hello("a@box", Role::Peer, 2));
    assert_eq!(effects, [Effect::Established(theirs)]);
}

#[test]
fn the_newest_common_version_and_the_common_features_are_chosen() {
    let (mut first, mut second, _) = pair((COOKIE, COOKIE));
    let mut newer = hello("cli", Role::Control, 1);
    newer.version_max = 9;
    newer.features = 0b011;
    let (mut newer, frame) = initiator(newer, COOKIE);
    let proof = sent(&tell(&mut newer, &sent(&tell(&mut second, &frame))));
    let effects = tell(&mut second, &proof);
    let Some(Effect::Established(session)) = effects.last() else { panic!("{effects:?}") };
    assert_eq!((session.version, session.features), (1, 0b010));
    let mut future = hello("b@box", Role::Peer, 3);
    (future.version_min, future.version_max) = (5, 6);
    let effects = tell(&mut first, &Frame::Hello(future));
    assert_eq!(effects, refusing(Refusal::Version { min: VERSION_MIN, max: VERSION_MAX }));
}

#[test]
fn a_wrong_cookie_is_refused_before_the_acceptor_has_proved_anything() {
    let (mut first, mut second, frame) = pair((COOKIE, "another cookie, long enough"));
    let proof = sent(&tell(&mut first, &sent(&tell(&mut second, &frame))));
    let effects = tell(&mut second, &proof);
    assert_eq!(effects, refusing(Refusal::Cookie));
    let effects = tell(&mut first, &Frame::Refused(Refusal::Cookie));
    assert_eq!(effects, [Effect::Failed(Failure::Refused(Refusal::Cookie))]);
}

#[test]
fn an_acceptor_without_the_cookie_is_refused_by_the_initiator() {
    let (mut first, mut second, frame) = pair((COOKIE, COOKIE));
    tell(&mut first, &sent(&tell(&mut second, &frame)));
    assert_eq!(tell(&mut first, &Frame::Proof([0; 32])), refusing(Refusal::Cookie));
}

#[test]
fn ones_own_words_sent_back_prove_nothing() {
    let (mut first, _, frame) = pair((COOKIE, COOKIE));
    // The whole hello comes back.
    let mut peer = hello("a@box", Role::Peer, 1);
    let (mut node, node_hello) = initiator(peer.clone(), COOKIE);
    assert_eq!(tell(&mut node, &node_hello), refusing(Refusal::Reflected));
    // Another hello, but the initiator's own proof comes back.
    peer.nonce = [9; 32];
    let proof = sent(&tell(&mut first, &Frame::Hello(peer)));
    assert_eq!(tell(&mut first, &proof), refusing(Refusal::Cookie));
    drop(frame);
}

#[test]
fn a_proof_of_an_earlier_connection_is_worthless() {
    let (mut first, mut second, frame) = pair((COOKIE, COOKIE));
    let proof = sent(&tell(&mut first, &sent(&tell(&mut second, &frame))));
    let mut later = acceptor(hello("a@box", Role::Peer, 3), COOKIE);
    tell(&mut later, &frame);
    assert_eq!(tell(&mut later, &proof), refusing(Refusal::Cookie));
}

#[test]
fn changing_any_byte_of_a_hello_on_the_way_breaks_the_proof() {
    let length = Frame::Hello(hello("cli", Role::Control, 1)).to_message().len();
    for at in HEADER_BYTES..length {
        let (mut first, mut second, frame) = pair((COOKIE, COOKIE));
        let mut changed = frame.to_message().to_vec();
        changed[at] ^= 1;
        let effects = tell_bytes(&mut second, changed.into());
        if matches!(effects.last(), Some(Effect::Failed(_))) {
            continue;
        }
        let proof = sent(&tell(&mut first, &sent(&effects)));
        assert_eq!(tell(&mut second, &proof), refusing(Refusal::Cookie), "byte {at}");
    }
}

#[test]
fn a_proof_made_on_another_channel_is_worthless() {
    let mut effects = Vec::new();
    let ours = hello("cli", Role::Control, 1);
    let binding = Bytes::from_static(b"channel 1");
    let mut first = Handshake::initiate(ours, secret(COOKIE), binding, &mut effects);
    let ours = hello("a@box", Role::Peer, 2);
    let binding = Bytes::from_static(b"channel 2");
    let mut second = Handshake::accept(ours, always(COOKIE), binding, &[Role::Control]);
    let proof = sent(&tell(&mut first, &sent(&tell(&mut second, &sent(&effects)))));
    assert_eq!(tell(&mut second, &proof), refusing(Refusal::Cookie));
}

#[test]
fn the_acceptor_chooses_the_secret_by_what_the_hello_says() {
    let other = "the cookie of c and a only";
    let shake = |name: &str, cookie: &str| {
        let choose = |theirs: &Hello| secret(if theirs.name == "c@box" { other } else { COOKIE });
        let (mut first, frame) = initiator(hello(name, Role::Peer, 1), cookie);
        let ours = hello("a@box", Role::Peer, 2);
        let mut second = Handshake::accept(ours, Box::new(choose), Bytes::new(), &[Role::Peer]);
        assert_eq!(second.claimed(), None);
        let effects = tell(&mut second, &frame);
        assert_eq!(second.claimed().map(|hello| hello.name.as_str()), Some(name));
        let proof = sent(&tell(&mut first, &sent(&effects)));
        let effects = tell(&mut second, &proof);
        if let Some(Effect::Send(proof)) = effects.first()
            && !matches!(proof, Frame::Refused(_))
        {
            let effects = tell(&mut first, proof);
            assert!(matches!(effects[..], [Effect::Established(_)]), "both ways: {effects:?}");
        }
        effects
    };
    assert!(matches!(shake("b@box", COOKIE).last(), Some(Effect::Established(_))));
    assert!(matches!(shake("c@box", other).last(), Some(Effect::Established(_))));
    assert_eq!(shake("c@box", COOKIE), refusing(Refusal::Cookie), "the default is not enough");
    assert_eq!(shake("b@box", other), refusing(Refusal::Cookie), "nor another's");
}

#[test]
fn an_owner_that_declines_shows_nothing_made_of_the_cookie() {
    let (mut first, mut second, frame) = pair((COOKIE, COOKIE));
    let mut effects = tell(&mut second, &frame);
    let mut after = Vec::new();
    second.declined(Refusal::Role, &mut after);
    assert_eq!(after, refusing(Refusal::Role));
    let proof = sent(&tell(&mut first, &sent(&std::mem::take(&mut effects))));
    assert_eq!(tell(&mut second, &proof), [], "over is over");
}

#[test]
fn a_frame_out_of_place_and_a_role_not_taken_are_refused() {
    let mut node = acceptor(hello("a@box", Role::Peer, 2), COOKIE);
    assert_eq!(tell(&mut node, &Frame::Ping { token: 1 }), refusing(Refusal::Malformed));
    assert_eq!(tell(&mut node, &Frame::Ping { token: 1 }), [], "over is over");
    let mut node = acceptor(hello("a@box", Role::Peer, 2), COOKIE);
    assert_eq!(tell(&mut node, &Frame::Proof([0; 32])), refusing(Refusal::Malformed));
    let ours = hello("a@box", Role::Peer, 2);
    let mut node = Handshake::accept(ours, always(COOKIE), Bytes::new(), &[Role::Peer]);
    let control = Frame::Hello(hello("cli", Role::Control, 1));
    assert_eq!(tell(&mut node, &control), refusing(Refusal::Role));
}

#[test]
fn a_passed_deadline_ends_it_once() {
    let mut node = acceptor(hello("a@box", Role::Peer, 2), COOKIE);
    let mut effects = Vec::new();
    node.expired(&mut effects);
    assert_eq!(effects, refusing(Refusal::Timeout));
    let late = Frame::Hello(hello("cli", Role::Control, 1));
    assert_eq!(tell(&mut node, &late), []);
}

#[test]
fn short_cookies_are_none_and_secrets_are_not_shown() {
    assert!(Secret::new(b"123456789abcdef").is_none());
    assert!(Secret::new(&[b'x'; COOKIE_BYTES_MAX + 1]).is_none());
    assert_eq!(format!("{:?}", secret(COOKIE)), "Secret(..)");
}

/// The values that PROTOCOL.md gives, computed independently of this code.
#[test]
fn the_proofs_are_the_documented_bytes() {
    let (mut first, mut second, frame) = pair((COOKIE, COOKIE));
    let initiator = sent(&tell(&mut first, &sent(&tell(&mut second, &frame))));
    assert_eq!(hex(&initiator), "0c6f1562fc9cd42c4514bb4f07247aef8a1324a2f08197dd4d2fd47a080ffa97");
    let acceptor = sent(&tell(&mut second, &initiator));
    assert_eq!(hex(&acceptor), "89a4869bf11baea68fc9629f3e4ef538730474405ac99d15bfba1b5478dfb489");
}

fn hex(frame: &Frame) -> String {
    let Frame::Proof(proof) = frame else { panic!("{frame:?} is no proof") };
    proof.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A hello of version 1, a node `a` of incarnation 2, nonce 3; each byte may be changed.
const HELLO: &[u8] = b"odeon\x01\x01\x06\x00\x01a\x02\x03\x03\x03\x03\x03\x03\x03\x03\x03\x03\
    \x03\x03\x03\x03\x03\x03\x03\x03\x03\x03\x03\x03\x03\x03\x03\x03\x03\x03\x03\x03\x03\x03";

/// Bodies of hellos that break one rule each.
fn malformed_hellos() -> Vec<(Vec<u8>, &'static str)> {
    let changed = |at: usize, bytes: &[u8]| [&HELLO[..at], bytes, &HELLO[at + 1..]].concat();
    vec![
        (Vec::new(), "nothing"),
        (b"odeo".to_vec(), "half the magic"),
        (changed(0, b"O"), "another protocol"),
        (HELLO[..5].to_vec(), "the magic alone"),
        (HELLO[..HELLO.len() - 1].to_vec(), "a nonce cut short"),
        (changed(5, b"\xff\xff\xff\x01"), "a version over 16 bits"),
        (changed(5, b"\x80\x80\x80\x80\x80\x80"), "a version that does not end"),
        (changed(7, &[0xff; 11]), "features over 64 bits"),
        (changed(8, b"\x02"), "an unknown role"),
        (changed(9, b"\x22"), "a name longer than the hello"),
        (changed(9, b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"), "a name of 2^64 bytes"),
        (changed(10, b"\xff"), "a name that is not UTF-8"),
        (changed(11, &[0x80; 11]), "an incarnation that does not end"),
    ]
}

#[test]
fn every_malformed_hello_of_the_list_is_refused() {
    assert!(Raw { kind: 0x01, body: Bytes::from_static(HELLO) }.decode().is_ok());
    for (body, rule) in malformed_hellos() {
        let raw = Raw { kind: 0x01, body: body.into() };
        let mut effects = Vec::new();
        acceptor(hello("a@box", Role::Peer, 2), COOKIE).received(&raw, &mut effects);
        assert_eq!(effects, refusing(Refusal::Malformed), "{rule}");
        let (mut first, _) = initiator(hello("cli", Role::Control, 1), COOKIE);
        effects.clear();
        first.received(&raw, &mut effects);
        assert_eq!(effects, refusing(Refusal::Malformed), "{rule}");
    }
}

#[test]
fn what_belongs_behind_the_handshake_is_refused_in_it() {
    let frames: &[(u8, &[u8])] = &[
        (0x02, &[0; 31]),
        (0x02, &[0; 32]),
        (0x03, b"\x02\x00"),
        (0x04, b"\x01a\x02\x00\x00"),
        (0x05, b"\x01a\x02\x00\x00"),
        (0x10, b"\x01\x01x"),
        (0x20, b"\x01"),
        (0x22, b""),
        (0x28, b"\x00"),
        (0x30, b"\x01\x02hi"),
        (0x33, b"\x01\x00\x02\x00"),
        (0x38, b"\x00\x01\x30\x00\x00\x00\x00"),
        (0x39, b"\x01"),
        (0x3a, b"\x05\x50\x22\x00\x00\x00\x00"),
        (0x7f, b""),
    ];
    for (kind, body) in frames {
        let raw = Raw { kind: *kind, body: Bytes::from_static(body) };
        let mut effects = Vec::new();
        acceptor(hello("a@box", Role::Peer, 2), COOKIE).received(&raw, &mut effects);
        assert_eq!(effects, refusing(Refusal::Malformed), "0x{kind:02x}");
    }
}
