//! Digests as text and in serde.

use super::digest::{Digest, DigestPrefix};

const EMPTY: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

#[test]
fn a_digest_is_what_sha256sum_prints_and_reads_back() {
    let digest = Digest::of(b"");
    assert_eq!(digest.to_string(), EMPTY);
    assert_eq!(digest.short(), &EMPTY[..12]);
    assert_eq!(EMPTY.parse(), Ok(digest));
    assert_eq!(format!("sha256:{}", EMPTY.to_uppercase()).parse(), Ok(digest));
    assert_ne!(Digest::of(b"x"), digest);
}

#[test]
fn other_text_is_no_digest() {
    for text in ["", "e3b0", &EMPTY[1..], &format!("{EMPTY}0"), &format!("g{}", &EMPTY[1..])] {
        assert!(text.parse::<Digest>().is_err(), "{text}");
    }
}

#[test]
fn six_digits_can_stand_for_a_digest_and_five_cannot() {
    let digest = Digest::of(b"");
    let prefix = DigestPrefix::parse("E3B0C4").expect("six digits");
    assert!(digest.starts_with(&prefix));
    assert!(!Digest::of(b"x").starts_with(&prefix));
    assert_eq!(DigestPrefix::parse("e3b0c"), None);
    assert_eq!(DigestPrefix::parse("counter"), None);
    assert_eq!(DigestPrefix::parse(&format!("{EMPTY}0")), None);
}

#[test]
fn a_digest_is_text_in_json_and_32_bytes_on_the_wire() {
    let digest = Digest::of(b"");
    let json = serde_json::to_string(&digest).expect("text");
    assert_eq!(json, format!("\"{EMPTY}\""));
    assert_eq!(serde_json::from_str::<Digest>(&json).expect("the same"), digest);
    assert!(serde_json::from_str::<Digest>("\"e3b0\"").is_err());
    let wire = postcard::to_stdvec(&digest).expect("bytes");
    assert_eq!(wire, digest.as_bytes());
    assert_eq!(postcard::from_bytes::<Digest>(&wire).expect("the same"), digest);
}
