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
//! | `["$job", [node, serial], argument]` | the result goes to this alias |
//!
//! `$start` and `$job` are start arguments. The first pair of `$start` is the starter's
//! pid, the second the alias that waits for an empty message once the actor is ready.
//!
//! It is written by hand, some 100 lines, so that an actor with its own codec
//! does not carry CBOR's as well. This file must not know the host.

use crate::types::{Pid, Reference};

/// An envelope with its content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Envelope {
    Call { reply_to: Reference, body: Vec<u8> },
    Cast { body: Vec<u8> },
    Stop,
    Start { starter: Pid, ready: Reference, argument: Vec<u8> },
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
            Self::Start { starter, ready, argument } => Writer::new("$start", 4, argument.len())
                .pair(starter.node, starter.serial)
                .pair(ready.node, ready.serial)
                .bytes(argument),
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
            Head::Start(starter, ready) => Self::Start { starter, ready, argument: value },
            Head::Job(reply_to) => Self::Job { reply_to, argument: value },
        })
    }
}

/// An envelope without its value.
enum Head {
    Call(Reference),
    Cast,
    Stop,
    Start(Pid, Reference),
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
            (b"$start", 4) => {
                let Reference { node, serial } = reader.reference()?;
                Self::Start(Pid { node, serial }, reader.reference()?)
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
        writer.head(TEXT, word.len() as u64);
        writer.0.extend_from_slice(word.as_bytes());
        writer
    }

    fn pair(mut self, first: u64, second: u64) -> Self {
        self.head(ARRAY, 2);
        self.head(UNSIGNED, first);
        self.head(UNSIGNED, second);
        self
    }

    fn bytes(mut self, value: &[u8]) -> Vec<u8> {
        self.head(BYTES, value.len() as u64);
        self.0.extend_from_slice(value);
        self.0
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
        let mut all = vec![Envelope::Stop];
        for length in [0, 5, 23, 24, 255, 256, 65_536] {
            let body = vec![7; length];
            all.push(Envelope::Call { reply_to: reference, body: body.clone() });
            all.push(Envelope::Cast { body: body.clone() });
            all.push(Envelope::Job { reply_to: reference, argument: body.clone() });
            all.push(Envelope::Start { starter, ready: reference, argument: body });
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
