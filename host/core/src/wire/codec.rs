//! Frames to bytes and back. The only file that knows the layout.
//!
//! Decoding is in two steps, because the handshake needs the bytes themselves:
//! [`Raw::split`] cuts one frame off a message, [`Raw::decode`] reads it. Both
//! take bytes from strangers: they never panic, and never allocate more than a
//! copy of a short text that is there.

use bytes::{Buf, Bytes};
use serde::{Deserialize, Serialize};

use super::item::{decode_info, encode_info};
use super::kind::{
    ABOUT, CANCEL, COMPRESSED, CREDIT, FRAGMENT, HELLO, OPTIONAL, PING, PONG, PROOF, REFUSED,
    REPLY, REQUEST, SIGNAL_CREDIT, STREAM_DATA, STREAM_END, TICK, WELCOME, is_item,
};
use super::{
    Frame, HEADER_BYTES, Hello, NODE_NAME_BYTES_MAX, NodeInfo, Outcome, Refusal, Role,
    SERVICE_BYTES_MAX,
};

/// What tells this protocol from any other that ends up on the port.
const MAGIC: [u8; 5] = *b"odeon";

/// Why bytes are not frames. The connection cannot go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// The message ends inside a frame.
    #[error("frame cut short")]
    CutShort,
    /// A frame announces more than the limit.
    #[error("frame of {bytes} bytes is over the limit of {bytes_max}")]
    TooLong {
        /// What it announces.
        bytes: usize,
        /// What is allowed now.
        bytes_max: usize,
    },
    /// A kind that has to be known, and is not.
    #[error("unknown kind of frame 0x{0:02x}")]
    UnknownKind(u8),
    /// The body of this kind does not decode.
    #[error("malformed frame of kind 0x{0:02x}")]
    Malformed(u8),
    /// A known kind where it cannot be: a signal on a command's connection, or
    /// anything but a signal among signals.
    #[error("frame of kind 0x{0:02x} out of place")]
    OutOfPlace(u8),
}

/// A frame as it stands in a message: cut off, not read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Raw {
    /// The frame's kind.
    pub kind: u8,
    /// The frame's body.
    pub body: Bytes,
}

#[derive(Serialize, Deserialize)]
struct HelloBody<'a> {
    magic: [u8; 5],
    version_min: u16,
    version_max: u16,
    features: u64,
    role: u8,
    name: &'a str,
    incarnation: u64,
    nonce: [u8; 32],
}

impl Raw {
    /// Cuts the next frame off a message, or says that the message is used up.
    ///
    /// # Errors
    /// When the message ends inside the frame or the body is over the limit.
    pub fn split(message: &mut Bytes, body_bytes_max: usize) -> Result<Option<Self>, DecodeError> {
        if message.is_empty() {
            return Ok(None);
        }
        if message.len() < HEADER_BYTES {
            return Err(DecodeError::CutShort);
        }
        let kind = message.get_u8();
        let bytes = message.get_u32_le() as usize;
        if bytes > body_bytes_max {
            return Err(DecodeError::TooLong { bytes, bytes_max: body_bytes_max });
        }
        if bytes > message.len() {
            return Err(DecodeError::CutShort);
        }
        Ok(Some(Self { kind, body: message.split_to(bytes) }))
    }

    /// Reads the frame. `None` is an optional one that this code does not know. What
    /// only connected nodes send each other is for
    /// [`Inbound`](crate::peer::inbound::Inbound).
    ///
    /// # Errors
    /// When the kind is unknown and not optional, or that of an item, a fragment or a
    /// compressed frame, or the body does not decode.
    pub fn decode(&self) -> Result<Option<Frame>, DecodeError> {
        let frame = match self.kind {
            HELLO => self.hello()?,
            PROOF => Frame::Proof(self.fixed()?),
            REFUSED => {
                let (code, min, max) = self.fixed()?;
                Frame::Refused(refusal(code, min, max))
            }
            REQUEST => {
                let ((id, service), body) = self.with_tail::<(u64, &str)>()?;
                if service.len() > SERVICE_BYTES_MAX {
                    return Err(self.malformed());
                }
                Frame::Request { id, service: service.to_owned(), body }
            }
            REPLY => {
                let ((id, outcome), body) = self.with_tail::<(u64, u8)>()?;
                let outcome = match outcome {
                    0 => Outcome::Done,
                    1 => Outcome::Failed,
                    _ => return Err(self.malformed()),
                };
                Frame::Reply { id, outcome, body }
            }
            STREAM_DATA => {
                let (id, data) = self.with_tail::<u64>()?;
                if data.is_empty() {
                    return Err(self.malformed());
                }
                Frame::StreamData { id, data }
            }
            STREAM_END => Frame::StreamEnd { id: self.fixed()? },
            CREDIT => {
                let (id, bytes) = self.fixed()?;
                Frame::Credit { id, bytes }
            }
            CANCEL => Frame::Cancel { id: self.fixed()? },
            PING => Frame::Ping { token: self.fixed()? },
            PONG => Frame::Pong { token: self.fixed()? },
            WELCOME => Frame::Welcome(decode_info(self)?),
            ABOUT => Frame::About(decode_info(self)?),
            TICK => Frame::Tick,
            SIGNAL_CREDIT => Frame::SignalCredit { bytes: self.fixed()? },
            FRAGMENT | COMPRESSED => return Err(DecodeError::OutOfPlace(self.kind)),
            kind if is_item(kind) => return Err(DecodeError::OutOfPlace(kind)),
            kind if kind & OPTIONAL != 0 => return Ok(None),
            kind => return Err(DecodeError::UnknownKind(kind)),
        };
        Ok(Some(frame))
    }

    fn hello(&self) -> Result<Frame, DecodeError> {
        let hello: HelloBody<'_> = self.fixed()?;
        let role = match hello.role {
            0 => Role::Peer,
            1 => Role::Control,
            _ => return Err(self.malformed()),
        };
        if hello.magic != MAGIC || hello.name.len() > NODE_NAME_BYTES_MAX {
            return Err(self.malformed());
        }
        Ok(Frame::Hello(Hello {
            version_min: hello.version_min,
            version_max: hello.version_max,
            features: hello.features,
            role,
            name: hello.name.to_owned(),
            incarnation: hello.incarnation,
            nonce: hello.nonce,
        }))
    }

    /// The fixed part of a kind without raw bytes. What follows it is from a
    /// newer version and is ignored.
    fn fixed<'a, T: Deserialize<'a>>(&'a self) -> Result<T, DecodeError> {
        let (value, _newer) = fixed_part(self.kind, &self.body)?;
        Ok(value)
    }

    /// The fixed part, and the raw bytes behind it without a copy.
    fn with_tail<'a, T: Deserialize<'a>>(&'a self) -> Result<(T, Bytes), DecodeError> {
        let (value, tail) = fixed_part(self.kind, &self.body)?;
        Ok((value, self.body.slice(self.body.len() - tail.len()..)))
    }

    fn malformed(&self) -> DecodeError {
        DecodeError::Malformed(self.kind)
    }
}

/// The fixed part at the front of a body, and what follows it.
#[inline]
pub(super) fn fixed_part<'a, T: Deserialize<'a>>(
    kind: u8,
    body: &'a [u8],
) -> Result<(T, &'a [u8]), DecodeError> {
    postcard::take_from_bytes(body).map_err(|_| DecodeError::Malformed(kind))
}

impl Frame {
    /// Appends the frame to a message.
    ///
    /// The caller keeps bodies within [`BODY_BYTES_MAX`](super::BODY_BYTES_MAX),
    /// names within their limits and stream data not empty; a reader refuses
    /// anything else.
    pub fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Self::Hello(hello) => encode_hello(hello, out),
            Self::Proof(proof) => put(out, PROOF, proof, &[]),
            Self::Refused(refusal) => put(out, REFUSED, &refusal_code(*refusal), &[]),
            Self::Request { id, service, body } => put(out, REQUEST, &(id, service), body),
            Self::Reply { id, outcome, body } => {
                let outcome = match outcome {
                    Outcome::Done => 0u8,
                    Outcome::Failed => 1,
                };
                put(out, REPLY, &(id, outcome), body);
            }
            Self::StreamData { id, data } => put(out, STREAM_DATA, id, data),
            Self::StreamEnd { id } => put(out, STREAM_END, id, &[]),
            Self::Credit { id, bytes } => put(out, CREDIT, &(id, bytes), &[]),
            Self::Cancel { id } => put(out, CANCEL, id, &[]),
            Self::Ping { token } => put(out, PING, token, &[]),
            Self::Pong { token } => put(out, PONG, token, &[]),
            Self::Welcome(info) => put_info(out, WELCOME, info),
            Self::About(info) => put_info(out, ABOUT, info),
            Self::Tick => put(out, TICK, &(), &[]),
            Self::SignalCredit { bytes } => put(out, SIGNAL_CREDIT, bytes, &[]),
        }
    }

    /// The frame as a message of its own.
    pub fn to_message(&self) -> Bytes {
        let mut out = Vec::new();
        self.encode(&mut out);
        out.into()
    }
}

fn encode_hello(hello: &Hello, out: &mut Vec<u8>) {
    let body = HelloBody {
        magic: MAGIC,
        version_min: hello.version_min,
        version_max: hello.version_max,
        features: hello.features,
        role: match hello.role {
            Role::Peer => 0,
            Role::Control => 1,
        },
        name: &hello.name,
        incarnation: hello.incarnation,
        nonce: hello.nonce,
    };
    put(out, HELLO, &body, &[]);
}

/// Writes header, fixed part and raw bytes; the length is filled in last.
fn put<T: Serialize + ?Sized>(out: &mut Vec<u8>, kind: u8, fixed: &T, tail: &[u8]) {
    put_with(out, kind, |out| {
        append(out, fixed);
        out.extend_from_slice(tail);
    });
}

fn put_info(out: &mut Vec<u8>, kind: u8, info: &NodeInfo) {
    put_with(out, kind, |out| encode_info(info, out));
}

fn put_with(out: &mut Vec<u8>, kind: u8, body: impl FnOnce(&mut Vec<u8>)) {
    let start = out.len();
    out.extend_from_slice(&[kind, 0, 0, 0, 0]);
    body(out);
    let bytes = u32::try_from(out.len() - start - HEADER_BYTES)
        .expect("callers keep bodies within BODY_BYTES_MAX");
    out[start + 1..start + HEADER_BYTES].copy_from_slice(&bytes.to_le_bytes());
}

/// Appends a value in postcard.
pub(super) fn append<T: Serialize + ?Sized>(out: &mut Vec<u8>, value: &T) {
    *out = postcard::to_extend(value, std::mem::take(out))
        .expect("a vector takes any number of bytes, and these types have no failing serializer");
}

fn refusal_code(refusal: Refusal) -> (u8, u16, u16) {
    match refusal {
        Refusal::Malformed => (0, 0, 0),
        Refusal::Version { min, max } => (1, min, max),
        Refusal::Cookie => (2, 0, 0),
        Refusal::Role => (3, 0, 0),
        Refusal::Reflected => (4, 0, 0),
        Refusal::Timeout => (5, 0, 0),
        Refusal::Busy => (6, 0, 0),
        Refusal::Simultaneous => (7, 0, 0),
        Refusal::NotAllowed => (8, 0, 0),
        Refusal::NameInUse => (9, 0, 0),
        Refusal::NoCertificate => (10, 0, 0),
        Refusal::Other(code) => (code, 0, 0),
    }
}

fn refusal(code: u8, min: u16, max: u16) -> Refusal {
    match code {
        0 => Refusal::Malformed,
        1 => Refusal::Version { min, max },
        2 => Refusal::Cookie,
        3 => Refusal::Role,
        4 => Refusal::Reflected,
        5 => Refusal::Timeout,
        6 => Refusal::Busy,
        7 => Refusal::Simultaneous,
        8 => Refusal::NotAllowed,
        9 => Refusal::NameInUse,
        10 => Refusal::NoCertificate,
        other => Refusal::Other(other),
    }
}

#[cfg(test)]
#[path = "codec_test.rs"]
mod tests;
