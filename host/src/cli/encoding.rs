//! Messages and arguments from a command line: text as it is, hexadecimal digits,
//! or a value written as JSON and sent as CBOR, which the SDKs read.

use serde_json::Value;

/// The value that this text is in JSON, or else the text itself, as CBOR.
pub(crate) fn value(text: &str) -> Vec<u8> {
    let value = serde_json::from_str(text).unwrap_or_else(|_| Value::String(text.to_owned()));
    let mut out = Vec::new();
    cbor(&value, &mut out);
    out
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

/// RFC 8949. The parser bounds the depth.
fn cbor(value: &Value, out: &mut Vec<u8>) {
    match value {
        Value::Null => out.push(0xf6),
        Value::Bool(false) => out.push(0xf4),
        Value::Bool(true) => out.push(0xf5),
        Value::Number(number) => match (number.as_u64(), number.as_i64()) {
            (Some(positive), _) => head(0, positive, out),
            // -1 is 0 here, -2 is 1, ...
            (None, Some(negative)) => head(1, !negative.cast_unsigned(), out),
            (None, None) => {
                out.push(0xfb);
                out.extend_from_slice(&number.as_f64().unwrap_or(f64::NAN).to_be_bytes());
            }
        },
        Value::String(text) => {
            head(3, text.len() as u64, out);
            out.extend_from_slice(text.as_bytes());
        }
        Value::Array(items) => {
            head(4, items.len() as u64, out);
            items.iter().for_each(|item| cbor(item, out));
        }
        Value::Object(fields) => {
            head(5, fields.len() as u64, out);
            for (name, value) in fields {
                head(3, name.len() as u64, out);
                out.extend_from_slice(name.as_bytes());
                cbor(value, out);
            }
        }
    }
}

/// A major type and its number, in the shortest form.
fn head(major: u8, number: u64, out: &mut Vec<u8>) {
    let bytes = number.to_be_bytes();
    let (additional, bytes) = match number {
        0..24 => return out.push(major << 5 | bytes[7]),
        24..0x100 => (24, &bytes[7..]),
        0x100..0x1_0000 => (25, &bytes[6..]),
        0x1_0000..0x1_0000_0000 => (26, &bytes[4..]),
        _ => (27, &bytes[..]),
    };
    out.push(major << 5 | additional);
    out.extend_from_slice(bytes);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Examples of RFC 8949, appendix A.
    #[test]
    fn json_values_become_the_shortest_cbor() {
        let check = |text: &str, expected: &str| {
            let hex: String = value(text).iter().map(|byte| format!("{byte:02x}")).collect();
            assert_eq!(hex, expected, "{text}");
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
        check("hello there", "6b68656c6c6f207468657265");
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
