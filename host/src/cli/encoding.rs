//! Messages and arguments from a command line: text as it is, hexadecimal digits,
//! or a value written as JSON and sent as CBOR, which the SDKs read.

use odeon::cbor;
use serde_json::Value;

/// The value that this text is in JSON, or else the text itself, as CBOR.
pub(crate) fn value(text: &str) -> Vec<u8> {
    let value = serde_json::from_str(text).unwrap_or_else(|_| Value::String(text.to_owned()));
    cbor::from_json(&value)
}

/// The bytes of these hexadecimal digits; spaces between bytes do not count.
pub(crate) fn hex(text: &str) -> Result<Vec<u8>, String> {
    let digits: Vec<u8> = text.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect();
    if !digits.len().is_multiple_of(2) {
        return Err("an odd number of hexadecimal digits".to_owned());
    }
    let byte = |pair: &[u8]| {
        let pair = std::str::from_utf8(pair).ok().filter(|it| !it.starts_with('+'));
        pair.and_then(|pair| u8::from_str_radix(pair, 16).ok())
            .ok_or_else(|| "not hexadecimal digits".to_owned())
    };
    digits.chunks(2).map(byte).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_json_is_a_text() {
        assert_eq!(value("[1]"), b"\x81\x01");
        assert_eq!(value("hello there"), b"\x6bhello there");
    }

    #[test]
    fn hexadecimal_digits_are_read_strictly() {
        assert_eq!(hex("00 ff\n0A"), Ok(vec![0, 255, 10]));
        assert_eq!(hex(""), Ok(vec![]));
        for wrong in ["0", "0x00", "+1", "zz", "é0"] {
            assert!(hex(wrong).is_err(), "{wrong}");
        }
    }
}
