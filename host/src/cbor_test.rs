use serde_json::json;

use super::*;

fn unhex(text: &str) -> Vec<u8> {
    let digit = |at: usize| u8::from_str_radix(&text[at..at + 2], 16).expect("digits");
    (0..text.len()).step_by(2).map(digit).collect()
}

/// Examples of RFC 8949, appendix A.
#[test]
fn json_values_become_the_shortest_cbor_and_come_back() {
    let check = |text: &str, expected: &str| {
        let value: Value = serde_json::from_str(text).expect("JSON");
        assert_eq!(hex(&from_json(&value)), expected, "{text}");
        assert_eq!(to_json(&unhex(expected)), Ok(value));
    };
    check("0", "00");
    check("23", "17");
    check("24", "1818");
    check("1000", "1903e8");
    check("1000000", "1a000f4240");
    check("18446744073709551615", "1bffffffffffffffff");
    check("-1", "20");
    check("-1000", "3903e7");
    check("-9223372036854775808", "3b7fffffffffffffff");
    check("1.1", "fb3ff199999999999a");
    check("null", "f6");
    check("[true, false]", "82f5f4");
    check("{\"a\": 1, \"b\": [2, 3]}", "a26161016162820203");
    check("\"IETF\"", "6449455446");
}

#[test]
fn what_json_lacks_is_shown_as_what_comes_near() {
    let check = |cbor: &str, shown: Value| assert_eq!(to_json(&unhex(cbor)), Ok(shown), "{cbor}");
    check("", Value::Null);
    check("f7", Value::Null);
    check("4401020304", json!("01020304"));
    check("fa47c35000", json!(100_000.0));
    check("fb7ff0000000000000", Value::Null);
    check("3bffffffffffffffff", json!(-18_446_744_073_709_551_616.0));
    check("a201020304", json!({"1": 2, "3": 4}));
    check("1817", json!(23));
}

#[test]
fn what_is_no_shared_encoding_is_refused_with_its_reason() {
    let check = |cbor: &str, why| assert_eq!(to_json(&unhex(cbor)), Err(why), "{cbor}");
    check("18", Unreadable::CutShort);
    check("6261", Unreadable::CutShort);
    check("8201", Unreadable::CutShort);
    check("9bffffffffffffffff", Unreadable::CutShort);
    check("5affffffff00", Unreadable::CutShort);
    check("0000", Unreadable::Trailing);
    check("c000", Unreadable::Foreign);
    check("9fff", Unreadable::Foreign);
    check("62c328", Unreadable::Foreign);
    check("f818", Unreadable::Foreign);
    assert_eq!(to_json(&[vec![0x81; 32], vec![0]].concat()).map(drop), Ok(()));
    assert_eq!(to_json(&[vec![0x81; 33], vec![0]].concat()), Err(Unreadable::TooDeep));
    assert_eq!(to_json(&vec![0x81; 1 << 20]), Err(Unreadable::TooDeep));
    assert_eq!(to_json(&vec![0; (1 << 20) + 1]), Err(Unreadable::TooLong));
}

#[test]
fn envelopes_are_those_of_the_generic_servers() {
    assert_eq!(server_call([1, 300], &[5]), b"\x83\x65$call\x82\x01\x19\x01\x2c\x41\x05");
    assert_eq!(server_cast(&[5]), b"\x82\x65$cast\x41\x05");
}
