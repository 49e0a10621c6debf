//! What generic servers, supervisors and tasks say to each other around the
//! values of their users.
//!
//! An envelope is CBOR whatever the codec of the value in it: an array of a word
//! that begins with `$`, pids and references as arrays of two numbers, and the
//! value as a byte string. So an actor in any language can call a server:
//!
//! | envelope | meaning |
//! |---|---|
//! | `["$call", [node, serial], value]` | answer to this alias, with the value alone |
//! | `["$cast", value]` | no answer |
//! | `["$stop"]` | end in an orderly way, as normal |
//! | `["$start", [node, serial], [node, serial], argument]` | see below |
//! | `["$start", [node, serial], [node, serial], name, argument]` | see below |
//! | `["$taken", [node, serial]]` | the name of a `$start` is this actor's |
//! | `["$job", [node, serial], argument]` | the result goes to this alias |
//!
//! `$start` and `$job` are start arguments. The first pair of `$start` is the starter's
//! pid, the second the alias that waits for an empty message once the actor is ready, or
//! for a `$taken`. The name that the actor is to get before it begins is an array of a
//! word and byte strings: `["local", name]`, `["cluster", name]`, `["group", scope, group]`.
//!
//! It is written by hand, so that an actor with its own codec does not carry CBOR's as
//! well. This file must not know the host.

use crate::types::{Pid, Reference};
use crate::via::Via;

/// An envelope with its content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Envelope {
    Call { reply_to: Reference, body: Vec<u8> },
    Cast { body: Vec<u8> },
    Stop,
    Start { starter: Pid, ready: Reference, via: Option<Via>, argument: Vec<u8> },
    Taken { by: Pid },
    Job { reply_to: Reference, argument: Vec<u8> },
}

const UNSIGNED: u8 = 0;
const BYTES: u8 = 2;
const TEXT: u8 = 3;
const ARRAY: u8 = 4;

impl Envelope {
    pub(crate) fn encode(&self) -> Vec<u8> {
        match self {
            Self::Call { reply_to, body } => {
                Writer::new("$call", 3, body.len()).pair(reply_to.node, reply_to.serial).bytes(body)
            }
            Self::Cast { body } => Writer::new("$cast", 2, body.len()).bytes(body),
            Self::Stop => Writer::new("$stop", 1, 0).0,
            Self::Start { starter, ready, via, argument } => {
                let items = if via.is_some() { 5 } else { 4 };
                Writer::new("$start", items, argument.len())
                    .pair(starter.node, starter.serial)
                    .pair(ready.node, ready.serial)
                    .via(via.as_ref())
                    .bytes(argument)
            }
            Self::Taken { by } => Writer::new("$taken", 2, 0).pair(by.node, by.serial).0,
            Self::Job { reply_to, argument } => Writer::new("$job", 3, argument.len())
                .pair(reply_to.node, reply_to.serial)
                .bytes(argument),
        }
    }

    /// Reads an envelope, or gives back what is none.
    pub(crate) fn decode(body: Vec<u8>) -> Result<Self, Vec<u8>> {
        let Some((head, value_at)) = Head::read(&body) else {
            return Err(body);
        };
        let mut value = body;
        value.drain(..value_at);
        Ok(match head {
            Head::Call(reply_to) => Self::Call { reply_to, body: value },
            Head::Cast => Self::Cast { body: value },
            Head::Stop => Self::Stop,
            Head::Start(starter, ready, via) => {
                Self::Start { starter, ready, via, argument: value }
            }
            Head::Taken(by) => Self::Taken { by },
            Head::Job(reply_to) => Self::Job { reply_to, argument: value },
        })
    }
}

/// An envelope without its value.
enum Head {
    Call(Reference),
    Cast,
    Stop,
    Start(Pid, Reference, Option<Via>),
    Taken(Pid),
    Job(Reference),
}

impl Head {
    /// Reads a whole envelope; the second is where its value begins.
    fn read(body: &[u8]) -> Option<(Self, usize)> {
        let mut reader = Reader(body);
        let items = reader.head(ARRAY)?;
        let word = reader.bytes(TEXT)?;
        let head = match (word, items) {
            (b"$call", 3) => Self::Call(reader.reference()?),
            (b"$cast", 2) => Self::Cast,
            (b"$stop", 1) => return reader.0.is_empty().then_some((Self::Stop, body.len())),
            (b"$start", 4) => Self::Start(reader.pid()?, reader.reference()?, None),
            (b"$start", 5) => Self::Start(reader.pid()?, reader.reference()?, Some(reader.via()?)),
            (b"$taken", 2) => {
                let by = reader.pid()?;
                return reader.0.is_empty().then_some((Self::Taken(by), body.len()));
            }
            (b"$job", 3) => Self::Job(reader.reference()?),
            _ => return None,
        };
        let value = reader.bytes(BYTES)?;
        reader.0.is_empty().then_some((head, body.len() - value.len()))
    }
}

struct Writer(Vec<u8>);

impl Writer {
    /// An array that begins with a word. The value's length is a hint.
    fn new(word: &str, items: u64, value: usize) -> Self {
        let mut writer = Self(Vec::with_capacity(value + 48));
        writer.head(ARRAY, items);
        writer.string(TEXT, word.as_bytes());
        writer
    }

    fn via(mut self, via: Option<&Via>) -> Self {
        let (word, parts): (&str, &[&[u8]]) = match via {
            None => return self,
            Some(Via::Local(name)) => ("local", &[name.as_bytes()]),
            Some(Via::Cluster(name)) => ("cluster", &[name]),
            Some(Via::Group { scope, group }) => ("group", &[scope, group]),
        };
        self.head(ARRAY, 1 + parts.len() as u64);
        self.string(TEXT, word.as_bytes());
        parts.iter().for_each(|part| self.string(BYTES, part));
        self
    }

    fn pair(mut self, first: u64, second: u64) -> Self {
        self.head(ARRAY, 2);
        self.head(UNSIGNED, first);
        self.head(UNSIGNED, second);
        self
    }

    fn bytes(mut self, value: &[u8]) -> Vec<u8> {
        self.string(BYTES, value);
        self.0
    }

    fn string(&mut self, major: u8, value: &[u8]) {
        self.head(major, value.len() as u64);
        self.0.extend_from_slice(value);
    }

    /// The head of an item: its major type, and a number in the fewest bytes.
    fn head(&mut self, major: u8, number: u64) {
        let bytes = number.to_be_bytes();
        let (info, length) = match number {
            0..24 => return self.0.push(major << 5 | bytes[7]),
            24..0x100 => (24, 1),
            0x100..0x1_0000 => (25, 2),
            0x1_0000..0x1_0000_0000 => (26, 4),
            _ => (27, 8),
        };
        self.0.push(major << 5 | info);
        self.0.extend_from_slice(&bytes[8 - length..]);
    }
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    /// The number in the head of an item of this major type.
    fn head(&mut self, major: u8) -> Option<u64> {
        let (&first, rest) = self.0.split_first()?;
        self.0 = rest;
        if first >> 5 != major {
            return None;
        }
        let length = match first & 31 {
            info @ 0..24 => return Some(u64::from(info)),
            24 => 1,
            25 => 2,
            26 => 4,
            27 => 8,
            _ => return None,
        };
        let mut number = [0; 8];
        number[8 - length..].copy_from_slice(self.take(length)?);
        Some(u64::from_be_bytes(number))
    }

    fn bytes(&mut self, major: u8) -> Option<&'a [u8]> {
        let length = self.head(major)?;
        self.take(usize::try_from(length).ok()?)
    }

    fn reference(&mut self) -> Option<Reference> {
        (self.head(ARRAY)? == 2).then_some(())?;
        Some(Reference { node: self.head(UNSIGNED)?, serial: self.head(UNSIGNED)? })
    }

    fn pid(&mut self) -> Option<Pid> {
        self.reference().map(|Reference { node, serial }| Pid { node, serial })
    }

    fn via(&mut self) -> Option<Via> {
        let items = self.head(ARRAY)?;
        let word = self.bytes(TEXT)?;
        let mut part = || self.bytes(BYTES).map(<[u8]>::to_vec);
        Some(match (word, items) {
            (b"local", 2) => Via::Local(String::from_utf8(part()?).ok()?),
            (b"cluster", 2) => Via::Cluster(part()?),
            (b"group", 3) => Via::Group { scope: part()?, group: part()? },
            _ => return None,
        })
    }

    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::{Decode, Encode};

    fn all() -> Vec<Envelope> {
        let reference = Reference { node: (1 << 53) - 1, serial: 24 };
        let starter = Pid { node: 65_536, serial: 255 };
        let mut all = vec![Envelope::Stop, Envelope::Taken { by: starter }];
        for via in [Via::local("n\u{e4}me"), Via::cluster([0, 255]), Via::group("scope", [7; 255])]
        {
            let via = Some(via);
            all.push(Envelope::Start { starter, ready: reference, via, argument: vec![5] });
        }
        for length in [0, 5, 23, 24, 255, 256, 65_536] {
            let body = vec![7; length];
            all.push(Envelope::Call { reply_to: reference, body: body.clone() });
            all.push(Envelope::Cast { body: body.clone() });
            all.push(Envelope::Job { reply_to: reference, argument: body.clone() });
            all.push(Envelope::Start { starter, ready: reference, via: None, argument: body });
        }
        all
    }

    #[test]
    fn envelopes_come_back_as_they_went() {
        for envelope in all() {
            assert_eq!(Envelope::decode(envelope.encode()), Ok(envelope));
        }
    }

    #[test]
    fn an_envelope_is_the_cbor_that_other_languages_write() {
        let reply_to = Reference { node: 1, serial: 300 };
        let call = Envelope::Call { reply_to, body: vec![5] };
        assert_eq!(call.encode(), b"\x83\x65$call\x82\x01\x19\x01\x2c\x41\x05");
        assert_eq!(Envelope::Stop.encode(), ("$stop",).encode());
        let (starter, ready) = (Pid { node: 1, serial: 2 }, Reference { node: 1, serial: 3 });
        let via = Some(Via::cluster("n"));
        let start = Envelope::Start { starter, ready, via, argument: vec![5] };
        let name = b"\x82\x67cluster\x41n";
        let bytes = [&b"\x85\x66$start\x82\x01\x02\x82\x01\x03"[..], name, b"\x41\x05"].concat();
        assert_eq!(start.encode(), bytes);
        assert_eq!(Envelope::Taken { by: starter }.encode(), ("$taken", (1, 2)).encode());
    }

    #[test]
    fn what_is_no_envelope_is_given_back_untouched() {
        for body in [b"".to_vec(), b"hello".to_vec(), ("$call", 1).encode(), ("$x",).encode()] {
            assert_eq!(Envelope::decode(body.clone()), Err(body));
        }
        for envelope in all() {
            let whole = envelope.encode();
            for length in (0..whole.len()).step_by(1 + whole.len() / 200) {
                assert!(Envelope::decode(whole[..length].to_vec()).is_err());
            }
            let mut longer = whole;
            longer.push(0);
            assert!(Envelope::decode(longer).is_err());
        }
        assert!(Vec::<u8>::decode(b"\x80".to_vec()).is_ok());
    }
}
