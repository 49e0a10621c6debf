//! The bodies that every SDK reads (`guest-sdk/vectors.txt`).

use super::{Decode, Encode, Number};
use crate::types::{ExitReason, Pid, Reference};
use serde::de::{MapAccess, SeqAccess, Visitor};
use serde::ser::{SerializeMap as _, SerializeSeq as _};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;

const VECTORS: &str = include_str!("../../vectors.txt");

/// A line of the file.
struct Vector {
    kind: &'static str,
    name: &'static str,
    body: Vec<u8>,
    rest: &'static str,
}

fn vectors() -> Vec<Vector> {
    let lines = VECTORS.lines().filter(|line| !line.starts_with('#'));
    let read = |line: &'static str| {
        let mut columns = line.splitn(4, '\t');
        let mut next = || columns.next().unwrap_or_default();
        Vector { kind: next(), name: next(), body: bytes(next()), rest: next() }
    };
    lines.map(read).collect()
}

fn bytes(hex: &str) -> Vec<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16).expect("a hexadecimal digit") as u8;
    let digits = hex.as_bytes().chunks_exact(2).map(|pair| digit(pair[0]) << 4 | digit(pair[1]));
    digits.collect()
}

fn vector(name: &str) -> Vec<u8> {
    let found = vectors().into_iter().find(|vector| vector.name == name);
    found.unwrap_or_else(|| panic!("no vector is called {name}")).body
}

/// Any value, as a language without types holds it.
#[derive(Debug, PartialEq)]
enum Any {
    Null,
    Bool(bool),
    Unsigned(u64),
    Signed(i64),
    Single(f32),
    Double(f64),
    Bytes(Vec<u8>),
    Text(String),
    Array(Vec<Any>),
    Map(Vec<(Any, Any)>),
}

impl<'de> Deserialize<'de> for Any {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AnyVisitor)
    }
}

struct AnyVisitor;

macro_rules! visit {
    ($($method:ident $from:ty => $to:ident),* $(,)?) => {
        $(fn $method<E>(self, value: $from) -> Result<Any, E> {
            Ok(Any::$to(value.into()))
        })*
    };
}

impl<'de> Visitor<'de> for AnyVisitor {
    type Value = Any;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_none<E>(self) -> Result<Any, E> {
        Ok(Any::Null)
    }

    visit! {
        visit_bool bool => Bool, visit_u64 u64 => Unsigned, visit_i64 i64 => Signed,
        visit_f32 f32 => Single, visit_f64 f64 => Double, visit_str &str => Text,
        visit_bytes &[u8] => Bytes,
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Any, A::Error> {
        let mut array = Vec::new();
        while let Some(item) = items.next_element()? {
            array.push(item);
        }
        Ok(Any::Array(array))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Any, A::Error> {
        let mut map = Vec::new();
        while let Some(entry) = entries.next_entry()? {
            map.push(entry);
        }
        Ok(Any::Map(map))
    }
}

impl Serialize for Any {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Null => serializer.serialize_none(),
            Self::Bool(value) => serializer.serialize_bool(*value),
            Self::Unsigned(value) => serializer.serialize_u64(*value),
            Self::Signed(value) => serializer.serialize_i64(*value),
            Self::Single(value) => serializer.serialize_f32(*value),
            Self::Double(value) => serializer.serialize_f64(*value),
            Self::Bytes(value) => serializer.serialize_bytes(value),
            Self::Text(value) => serializer.serialize_str(value),
            Self::Array(items) => {
                let mut seq = serializer.serialize_seq(Some(items.len()))?;
                items.iter().try_for_each(|item| seq.serialize_element(item))?;
                seq.end()
            }
            Self::Map(entries) => {
                let mut map = serializer.serialize_map(Some(entries.len()))?;
                entries.iter().try_for_each(|(key, value)| map.serialize_entry(key, value))?;
                map.end()
            }
        }
    }
}

#[test]
fn every_vector_is_read_written_back_or_refused() {
    let vectors = vectors();
    assert!(vectors.len() > 60, "the file is whole");
    for Vector { kind, name, body, rest } in vectors {
        let read = Any::decode(body.clone());
        match kind {
            "value" => assert_eq!(read.expect(name).encode(), body, "{name}"),
            "read" => {
                let written = read.expect(name).encode();
                assert!(rest.split('|').any(|hex| bytes(hex) == written), "{name}: {written:x?}");
            }
            "refused" => assert!(read.is_err(), "{name}: {read:?}"),
            other => panic!("{name}: kind {other}"),
        }
    }
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
enum Job {
    Stop,
    Add(u64),
    Tell { whom: Pid, about: Option<Reference>, words: Vec<String> },
}

fn check<T: Encode + Decode + PartialEq + fmt::Debug>(name: &str, value: &T) {
    assert_eq!(T::decode(vector(name)).as_ref(), Ok(value), "{name}");
    assert_eq!(value.encode(), vector(name), "{name}");
}

#[test]
fn typed_values_are_the_vectors_of_their_names() {
    let largest = (1 << 53) - 1;
    let (pid, reference) =
        (Pid { node: largest, serial: 7 }, Reference { node: 1, serial: largest });
    check("pid", &pid);
    check("reference", &reference);
    let words = vec!["a".to_owned(), "ü".to_owned()];
    check("pid in a message", &Job::Tell { whom: pid, about: Some(reference), words });
    check("absent reference", &Job::Tell { whom: pid, about: None, words: Vec::new() });
    check("variant without content", &Job::Stop);
    check("variant with content", &Job::Add(5));
    check("exit reason", &ExitReason::error("divide by zero"));
    check("unit", &());
}

#[test]
fn a_number_is_read_however_its_sender_writes_numbers() {
    let number = |name| Number::decode(vector(name)).map(|Number(value)| value);
    assert_eq!(number("a half"), Ok(1.5));
    assert_eq!(number("single precision"), Ok(1.5));
    assert_eq!(number("zero"), Ok(0.0));
    assert_eq!(number("minus 257"), Ok(-257.0));
    assert_eq!(Number(5.0).encode(), vector("whole float"));
    assert!(number("text").is_err());
    // A plain `f64` is what Rust writes for one, and nothing else.
    assert!(f64::decode(vector("zero")).is_err());
}
