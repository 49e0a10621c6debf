//! How values become message bodies and back.
//!
//! A body is bytes; which bytes is agreed between sender and receiver, and here
//! the *type* says it:
//!
//! | type | body | for |
//! |---|---|---|
//! | any serde type | CBOR (RFC 8949) | the default: every language has a reader |
//! | [`Raw`] | the bytes themselves | own encodings, pass-through, speed |
//! | `Postcard<T>` (feature `postcard`) | postcard | Rust to Rust: smallest and fastest |
//!
//! CBOR rather than MessagePack or JSON: it is an internet standard with a
//! reader in every language, it keeps byte strings and 64-bit integers apart
//! from text and floats, and small numbers, enums and pids take few bytes.
//! Structs are maps with the fields' names, enums are serde's externally tagged
//! form: `"Stop"`, `{"Add": 5}`. A [`Pid`](crate::Pid) is `{"node": n, "serial":
//! n}`; a `()` is an empty array, and null or nothing at all is read as one. A
//! plain `Vec<u8>` inside a serde type is an array of numbers; use `serde_bytes`
//! for byte strings. A field that other languages fill with a number may be a
//! [`Number`]: to some of them 5.0 is the integer 5.
//!
//! `docs/messages.md` says all of it for those who write other SDKs, and
//! `guest-sdk/vectors.txt` has bodies that each of them reads.
//!
//! Only the codecs that an actor uses become part of its module.

use cbor4ii::core::dec::{self, Read};
use serde::de::{DeserializeOwned, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::convert::Infallible;
use std::fmt;

/// Arrays and maps within each other, at most: an actor's stack is small, and
/// the sender is not to be able to use it up.
const DEPTH_MAX: usize = 32;

/// A body that is not what the receiver expected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DecodeError {
    /// What is wrong, in words.
    pub problem: String,
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "message not understood: {}", self.problem)
    }
}

impl std::error::Error for DecodeError {}

/// What can be put into a message or an argument.
pub trait Encode {
    /// The body.
    fn encode(&self) -> Vec<u8>;
}

/// What can be got out of a message or an argument.
pub trait Decode: Sized {
    /// Reads a body.
    ///
    /// # Errors
    /// The body is not such a value, or has bytes behind it.
    fn decode(body: Vec<u8>) -> Result<Self, DecodeError>;
}

impl<T: Serialize + ?Sized> Encode for T {
    fn encode(&self) -> Vec<u8> {
        cbor4ii::serde::to_vec(Vec::new(), &self).expect("serde types of messages serialize")
    }
}

impl<T: DeserializeOwned> Decode for T {
    fn decode(body: Vec<u8>) -> Result<Self, DecodeError> {
        match body.as_slice() {
            // Nothing at all is null, and null is also a `()`: whoever calls from
            // a command line or another language has no other word for it.
            [] | [NULL] => read(&[NULL]).or_else(|error| read(&[UNIT]).map_err(|_| error)),
            body => read(body),
        }
    }
}

/// CBOR's null, and the empty array, which is how serde's unit is written.
const NULL: u8 = 0xf6;
const UNIT: u8 = 0x80;

fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, DecodeError> {
    let mut reader = cbor4ii::serde::Deserializer::new(Slice::new(body));
    let value = T::deserialize(&mut reader).map_err(explain)?;
    match reader.into_inner().rest.len() {
        0 => Ok(value),
        rest => Err(DecodeError { problem: format!("{rest} bytes too many") }),
    }
}

/// What is wrong, in words that a user of the actor understands.
fn explain(error: cbor4ii::serde::DecodeError<Infallible>) -> DecodeError {
    use cbor4ii::serde::DecodeError::{Core, Custom};
    let problem = match error {
        Custom(text) => text.into(),
        Core(dec::Error::Mismatch { name, found }) => {
            ["expected ", name, ", found ", kind(found)].concat()
        }
        Core(dec::Error::Eof { name, .. }) => ["it ends within ", name].concat(),
        Core(dec::Error::DepthOverflow { .. }) => "it is nested too deeply".to_owned(),
        Core(other) => format!("{other:?}"),
    };
    DecodeError { problem }
}

/// The kind of a CBOR item, by its first byte.
fn kind(first: u8) -> &'static str {
    match (first >> 5, first) {
        (0 | 1, _) => "an integer",
        (2, _) => "bytes",
        (3, _) => "a text",
        (4, _) => "an array",
        (5, _) => "a map",
        (6, _) => "a tag",
        (_, 0xf4 | 0xf5) => "a boolean",
        (_, NULL) => "null",
        _ => "a float",
    }
}

/// A body as it is: nothing is encoded or decoded.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Raw(pub Vec<u8>);

impl Encode for Raw {
    fn encode(&self) -> Vec<u8> {
        self.0.clone()
    }
}

impl Decode for Raw {
    fn decode(body: Vec<u8>) -> Result<Self, DecodeError> {
        Ok(Self(body))
    }
}

/// A floating-point number that is read from an integer as well. Languages with one
/// kind of number write 5.0 as the integer 5, which a plain `f64` does not take.
#[derive(Clone, Copy, Debug, Default, PartialEq, PartialOrd)]
pub struct Number(pub f64);

impl Serialize for Number {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_f64(self.0)
    }
}

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(NumberVisitor)
    }
}

struct NumberVisitor;

impl Visitor<'_> for NumberVisitor {
    type Value = Number;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number")
    }

    fn visit_f64<E>(self, value: f64) -> Result<Number, E> {
        Ok(Number(value))
    }

    #[expect(clippy::cast_precision_loss, reason = "the nearest number is what is asked for")]
    fn visit_u64<E>(self, value: u64) -> Result<Number, E> {
        Ok(Number(value as f64))
    }

    #[expect(clippy::cast_precision_loss, reason = "the nearest number is what is asked for")]
    fn visit_i64<E>(self, value: i64) -> Result<Number, E> {
        Ok(Number(value as f64))
    }
}

/// A value that travels in postcard, which only Rust reads: `send(pid,
/// &Postcard(value))`, `receive::<Postcard<T>>()`, `fn worker(Postcard(job):
/// Postcard<Job>)`.
#[cfg(feature = "postcard")]
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Postcard<T>(pub T);

#[cfg(feature = "postcard")]
impl<T: Serialize> Encode for Postcard<T> {
    fn encode(&self) -> Vec<u8> {
        postcard::to_allocvec(&self.0).expect("serde types of messages serialize")
    }
}

#[cfg(feature = "postcard")]
impl<T: DeserializeOwned> Decode for Postcard<T> {
    fn decode(body: Vec<u8>) -> Result<Self, DecodeError> {
        let problem = |error: postcard::Error| DecodeError { problem: error.to_string() };
        match postcard::take_from_bytes(&body).map_err(problem)? {
            (value, []) => Ok(Self(value)),
            (_, rest) => Err(DecodeError { problem: format!("{} bytes too many", rest.len()) }),
        }
    }
}

/// Reads a slice with our limit of depth, and knows what is left at the end.
struct Slice<'a> {
    rest: &'a [u8],
    depth_left: usize,
}

impl<'a> Slice<'a> {
    fn new(rest: &'a [u8]) -> Self {
        Self { rest, depth_left: DEPTH_MAX }
    }
}

impl<'de> Read<'de> for Slice<'de> {
    type Error = Infallible;

    fn fill<'b>(&'b mut self, want: usize) -> Result<dec::Reference<'de, 'b>, Self::Error> {
        Ok(dec::Reference::Long(&self.rest[..want.min(self.rest.len())]))
    }

    fn advance(&mut self, n: usize) {
        self.rest = &self.rest[n.min(self.rest.len())..];
    }

    fn step_in(&mut self) -> bool {
        match self.depth_left.checked_sub(1) {
            Some(left) => {
                self.depth_left = left;
                true
            }
            None => false,
        }
    }

    fn step_out(&mut self) {
        self.depth_left += 1;
    }
}

#[cfg(test)]
#[path = "codec_vectors_test.rs"]
mod vectors;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::{Pid, Reference};

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    enum Job {
        Stop,
        Add(u64),
        Tell { whom: Pid, about: Option<Reference>, words: Vec<String> },
    }

    fn check_round_trip<T: Encode + Decode + PartialEq + fmt::Debug>(value: &T) {
        assert_eq!(T::decode(value.encode()).as_ref(), Ok(value));
    }

    #[test]
    fn values_come_back_as_they_went() {
        let largest = (1 << 53) - 1;
        check_round_trip(&Job::Stop);
        check_round_trip(&Job::Add(largest));
        let whom = Pid { node: largest, serial: 7 };
        let about = Some(Reference { node: 1, serial: largest });
        check_round_trip(&Job::Tell { whom, about, words: vec!["a".into(), "ü".into()] });
        check_round_trip(&());
        check_round_trip(&Some(-5_i64));
        check_round_trip(&Raw(vec![1, 2, 255]));
    }

    #[test]
    fn cbor_is_what_other_languages_expect() {
        assert_eq!(Job::Stop.encode(), b"\x64Stop");
        assert_eq!(Job::Add(5).encode(), b"\xa1\x63Add\x05");
        let pid = Pid { node: 1, serial: 2 };
        assert_eq!(pid.encode(), b"\xa2\x64node\x01\x66serial\x02");
    }

    #[test]
    fn what_is_not_the_value_is_an_error_and_nothing_else() {
        assert!(Job::decode(b"\x64Wait".to_vec()).is_err());
        assert!(Job::decode(Vec::new()).is_err());
        assert!(u8::decode(300_u64.encode()).is_err());
        let error = u8::decode(b"\x05\x05".to_vec()).expect_err("there is one byte too many");
        assert_eq!(error.to_string(), "message not understood: 1 bytes too many");
        let error = String::decode(vec![NULL]).expect_err("null is no text");
        assert_eq!(error.problem, "expected str, found null");
        let error = String::decode(b"\x64Wai".to_vec()).expect_err("there is one byte too few");
        assert_eq!(error.problem, "it ends within str");
    }

    #[test]
    fn nothing_and_null_are_a_unit_and_an_absent_value() {
        for body in [Vec::new(), vec![NULL]] {
            assert_eq!(<()>::decode(body.clone()), Ok(()));
            assert_eq!(Option::<u64>::decode(body.clone()), Ok(None));
            assert!(u64::decode(body.clone()).is_err());
            assert!(String::decode(body).is_err());
        }
    }

    #[test]
    fn a_body_cannot_nest_deeper_than_the_stack_bears() {
        #[derive(Debug, Serialize, Deserialize)]
        struct Nest(Vec<Nest>);
        let mut deep = vec![0x81; 10_000];
        deep.push(0x80);
        assert!(Nest::decode(deep).is_err());
    }

    #[test]
    fn a_length_without_its_bytes_allocates_nothing_much() {
        // A byte string, an array and a map of 2^32 - 1 elements, then nothing.
        for head in [0x5a, 0x7a, 0x9a, 0xba] {
            let body = vec![head, 0xff, 0xff, 0xff, 0xff];
            assert!(Vec::<u8>::decode(body.clone()).is_err());
            assert!(String::decode(body).is_err());
        }
    }

    #[cfg(feature = "postcard")]
    #[test]
    fn postcard_is_smaller_and_refuses_what_it_does_not_know() {
        check_round_trip(&Postcard(Job::Add(5)));
        assert_eq!(Postcard(Job::Add(5)).encode(), [1, 5]);
        assert!(Postcard::<Job>::decode(vec![9]).is_err());
        assert!(Postcard::<Job>::decode(vec![1, 5, 0]).is_err());
    }
}
