//! Values of messages as JSON, for commands: bodies are CBOR (RFC 8949), the encoding
//! that all SDKs share. Must not know what a body is for.

use serde_json::{Map, Number, Value};

/// The longest body that is shown as JSON, in bytes. A value takes some thirty times the
/// memory of its shortest form.
pub const BODY_BYTES_MAX: usize = 1 << 20;

/// Levels of arrays and maps within each other, at most.
pub const DEPTH_MAX: usize = 32;

const UNSIGNED: u8 = 0;
const NEGATIVE: u8 = 1;
const BYTES: u8 = 2;
const TEXT: u8 = 3;
const ARRAY: u8 = 4;
const MAP: u8 = 5;
const TAG: u8 = 6;

/// Why a body has no JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// It is over [`BODY_BYTES_MAX`].
    #[error("it has more than the {BODY_BYTES_MAX} bytes that are shown")]
    TooLong,
    /// Levels beyond [`DEPTH_MAX`].
    #[error("it is nested in more than {DEPTH_MAX} levels")]
    TooDeep,
    /// It ends within an item.
    #[error("it ends early")]
    CutShort,
    /// Bytes behind the value.
    #[error("there are bytes behind the value")]
    Trailing,
    /// An item that the shared encoding does not have, or text that is not UTF-8.
    #[error("it is not in the encoding that the SDKs share")]
    Foreign,
}

/// This value in the shortest form.
pub fn from_json(value: &Value) -> Vec<u8> {
    let mut out = Vec::new();
    write(value, &mut out);
    out
}

/// A call of a generic server, which answers to this alias with the value alone.
pub(crate) fn server_call(alias: [u64; 2], value: &[u8]) -> Vec<u8> {
    let mut out = envelope("$call", 3);
    head(ARRAY, 2, &mut out);
    for number in alias {
        head(UNSIGNED, number, &mut out);
    }
    bytes(value, &mut out);
    out
}

/// What a generic server is told without an answer.
pub(crate) fn server_cast(value: &[u8]) -> Vec<u8> {
    let mut out = envelope("$cast", 2);
    bytes(value, &mut out);
    out
}

fn envelope(word: &str, items: u64) -> Vec<u8> {
    let mut out = Vec::new();
    head(ARRAY, items, &mut out);
    text(word, &mut out);
    out
}

/// The nesting is bounded by whoever made the value.
fn write(value: &Value, out: &mut Vec<u8>) {
    match value {
        Value::Null => out.push(0xf6),
        Value::Bool(false) => out.push(0xf4),
        Value::Bool(true) => out.push(0xf5),
        Value::Number(number) => match (number.as_u64(), number.as_i64()) {
            (Some(positive), _) => head(UNSIGNED, positive, out),
            // -1 is 0 here, -2 is 1, ...
            (None, Some(negative)) => head(NEGATIVE, !negative.cast_unsigned(), out),
            (None, None) => {
                out.push(0xfb);
                out.extend_from_slice(&number.as_f64().unwrap_or(f64::NAN).to_be_bytes());
            }
        },
        Value::String(string) => text(string, out),
        Value::Array(items) => {
            head(ARRAY, items.len() as u64, out);
            items.iter().for_each(|item| write(item, out));
        }
        Value::Object(fields) => {
            head(MAP, fields.len() as u64, out);
            for (name, value) in fields {
                text(name, out);
                write(value, out);
            }
        }
    }
}

fn text(text: &str, out: &mut Vec<u8>) {
    head(TEXT, text.len() as u64, out);
    out.extend_from_slice(text.as_bytes());
}

fn bytes(bytes: &[u8], out: &mut Vec<u8>) {
    head(BYTES, bytes.len() as u64, out);
    out.extend_from_slice(bytes);
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

/// The value of a body. Byte strings become hexadecimal digits, keys become texts, and
/// numbers that JSON does not have become null. No bytes at all are null.
///
/// # Errors
/// It is no body of the shared encoding, or too large to be shown.
pub fn to_json(body: &[u8]) -> Result<Value, Unreadable> {
    if body.len() > BODY_BYTES_MAX {
        return Err(Unreadable::TooLong);
    }
    if body.is_empty() {
        return Ok(Value::Null);
    }
    let mut reader = Reader(body);
    let value = reader.value(DEPTH_MAX)?;
    if reader.0.is_empty() { Ok(value) } else { Err(Unreadable::Trailing) }
}

/// What has not been read.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn value(&mut self, depth_left: usize) -> Result<Value, Unreadable> {
        let &[first] = self.take_array()?;
        let (major, info) = (first >> 5, first & 31);
        if major > TAG {
            return self.simple(info);
        }
        let number = self.number(info)?;
        match major {
            UNSIGNED => Ok(number.into()),
            NEGATIVE => Ok(match i64::try_from(number) {
                Ok(number) => (!number).into(),
                Err(_) => real(-1.0 - number as f64),
            }),
            BYTES => Ok(hex(self.take(number)?).into()),
            TEXT => {
                let text = self.take(number)?;
                let text = std::str::from_utf8(text).map_err(|_| Unreadable::Foreign)?;
                Ok(text.into())
            }
            ARRAY | MAP => {
                let depth_left = depth_left.checked_sub(1).ok_or(Unreadable::TooDeep)?;
                match major {
                    ARRAY => self.array(number, depth_left),
                    _ => self.map(number, depth_left),
                }
            }
            _ => Err(Unreadable::Foreign),
        }
    }

    fn array(&mut self, items: u64, depth_left: usize) -> Result<Value, Unreadable> {
        let mut array = Vec::new();
        for _ in 0..items {
            array.push(self.value(depth_left)?);
        }
        Ok(Value::Array(array))
    }

    fn map(&mut self, entries: u64, depth_left: usize) -> Result<Value, Unreadable> {
        let mut map = Map::new();
        for _ in 0..entries {
            let key = match self.value(depth_left)? {
                Value::String(key) => key,
                other => other.to_string(),
            };
            map.insert(key, self.value(depth_left)?);
        }
        Ok(Value::Object(map))
    }

    fn simple(&mut self, info: u8) -> Result<Value, Unreadable> {
        Ok(match info {
            20 => Value::Bool(false),
            21 => Value::Bool(true),
            22 | 23 => Value::Null,
            26 => real(f32::from_be_bytes(*self.take_array()?).into()),
            27 => real(f64::from_be_bytes(*self.take_array()?)),
            _ => return Err(Unreadable::Foreign),
        })
    }

    /// The number in an item's head.
    fn number(&mut self, info: u8) -> Result<u64, Unreadable> {
        Ok(match info {
            0..24 => info.into(),
            24 => u8::from_be_bytes(*self.take_array()?).into(),
            25 => u16::from_be_bytes(*self.take_array()?).into(),
            26 => u32::from_be_bytes(*self.take_array()?).into(),
            27 => u64::from_be_bytes(*self.take_array()?),
            _ => return Err(Unreadable::Foreign),
        })
    }

    fn take(&mut self, bytes: u64) -> Result<&'a [u8], Unreadable> {
        let bytes = usize::try_from(bytes).unwrap_or(usize::MAX);
        let (taken, rest) = self.0.split_at_checked(bytes).ok_or(Unreadable::CutShort)?;
        self.0 = rest;
        Ok(taken)
    }

    fn take_array<const N: usize>(&mut self) -> Result<&'a [u8; N], Unreadable> {
        let (taken, rest) = self.0.split_first_chunk().ok_or(Unreadable::CutShort)?;
        self.0 = rest;
        Ok(taken)
    }
}

fn real(number: f64) -> Value {
    Number::from_f64(number).map_or(Value::Null, Value::Number)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
#[path = "cbor_test.rs"]
mod tests;
