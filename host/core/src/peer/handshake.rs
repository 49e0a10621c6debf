//! Two sides prove to each other that they know the cookie, without saying it.
//!
//! ```text
//! initiator                                acceptor
//!     | hello (versions, role, name, nonce) ->|
//!     |<- hello                               |
//!     | proof of the initiator -------------->|   checked first, so that a stranger
//!     |<------------- proof of the acceptor   |   learns nothing made of the cookie
//! ```
//!
//! A proof is HMAC-SHA256 over a label, the prover's side, the channel binding
//! and the SHA-256 of both hellos exactly as they travelled, under a key that is
//! made of the cookie. So
//!
//! - the nonces make each proof good for one connection only (no replay);
//! - the side in it makes a proof that is sent back worthless (no reflection);
//! - versions, features, roles and names cannot be changed on the way (no
//!   downgrade);
//! - with the binding of a TLS channel, a proof made on one channel is worthless
//!   on another (no man in the middle). Without TLS the binding is empty, and
//!   what follows the handshake is only as safe as the transport: loopback.
//!
//! Cookies may differ from peer to peer. The initiator knows whom it means; the
//! acceptor chooses by what the initiator's hello says, which is not proved yet: a
//! wrong name leads to a wrong secret and so to a wrong proof.
//!
//! Either side may end it with [`Refusal`]; anything that does not belong to the
//! state is [`Refusal::Malformed`]. The deadline is the owner's: it calls
//! [`Handshake::expired`]. Must not know sockets, clocks or where nonces come from.

use bytes::Bytes;
use hmac::{Hmac, Mac};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::wire::{Frame, HEADER_BYTES, Hello, Raw, Refusal, Role};

/// The least bytes of a cookie: 128 bits.
pub const COOKIE_BYTES_MIN: usize = 16;

/// The most bytes of a cookie.
pub const COOKIE_BYTES_MAX: usize = 1024;

const KEY_LABEL: &[u8] = b"odeon cookie key 1";
const PROOF_LABEL: &[u8] = b"odeon proof 1";

/// What both sides know. Never shown: not in debug output, not in refusals.
#[derive(Clone)]
pub struct Secret([u8; 32]);

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(..)")
    }
}

impl Secret {
    /// The secret of a cookie, or nothing if the cookie is too short or too long
    /// to be one.
    pub fn new(cookie: &[u8]) -> Option<Self> {
        if !(COOKIE_BYTES_MIN..=COOKIE_BYTES_MAX).contains(&cookie.len()) {
            return None;
        }
        Some(Self(mac(KEY_LABEL, &[cookie]).finalize().into_bytes().into()))
    }
}

/// Finds the secret that is shared with the side that says this hello.
pub type ChooseSecret = Box<dyn FnOnce(&Hello) -> Secret + Send>;

/// What the machine's owner must carry out, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Transmit this frame.
    Send(Frame),
    /// Both sides have proved themselves. The last effect.
    Established(Session),
    /// Close the connection, after what was sent has gone. The last effect.
    Failed(Failure),
}

/// What the handshake settled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// The version to speak: the newest that both know.
    pub version: u16,
    /// The features that both have.
    pub features: u64,
    /// What the other side said about itself, now proved to come from somebody
    /// who knows the cookie.
    pub theirs: Hello,
}

/// Who ended the handshake, and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// This side refused.
    #[error("refused the other side: {0}")]
    Refusing(Refusal),
    /// The other side refused.
    #[error("refused by the other side: {0}")]
    Refused(Refusal),
}

/// Which end of the connection. Part of every proof.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Side {
    Initiator,
    Acceptor,
}

impl Side {
    fn other(self) -> Self {
        match self {
            Self::Initiator => Self::Acceptor,
            Self::Acceptor => Self::Initiator,
        }
    }

    fn label(self) -> &'static [u8] {
        match self {
            Self::Initiator => b"initiator",
            Self::Acceptor => b"acceptor",
        }
    }
}

enum State {
    AwaitHello(ChooseSecret),
    AwaitProof { session: Box<Session>, transcript: [u8; 32], secret: Secret },
    Over,
}

/// One side's handshake on one connection.
pub struct Handshake {
    side: Side,
    ours: Hello,
    /// Our hello as it travels; the transcript covers these bytes.
    ours_bytes: Bytes,
    binding: Bytes,
    /// The roles that the other side may have.
    roles: &'static [Role],
    state: State,
}

impl Handshake {
    /// Starts as the side that opened the connection: says hello at once. The
    /// other side has to be a node. `binding` is what the TLS channel gives, else
    /// empty.
    pub fn initiate(
        ours: Hello,
        secret: Secret,
        binding: Bytes,
        effects: &mut Vec<Effect>,
    ) -> Self {
        effects.push(Effect::Send(Frame::Hello(ours.clone())));
        Self::new(Side::Initiator, ours, Box::new(|_| secret), binding, &[Role::Peer])
    }

    /// Starts as the side that was connected to, and waits. `choose` is asked once,
    /// for a hello that is right but not proved. `roles` are those that it takes.
    pub fn accept(
        ours: Hello,
        choose: ChooseSecret,
        binding: Bytes,
        roles: &'static [Role],
    ) -> Self {
        Self::new(Side::Acceptor, ours, choose, binding, roles)
    }

    fn new(
        side: Side,
        ours: Hello,
        choose: ChooseSecret,
        binding: Bytes,
        roles: &'static [Role],
    ) -> Self {
        let ours_bytes = Frame::Hello(ours.clone()).to_message().slice(HEADER_BYTES..);
        Self { side, ours, ours_bytes, binding, roles, state: State::AwaitHello(choose) }
    }

    /// What the other side says about itself, once it did and as long as it has not
    /// proved it.
    pub fn claimed(&self) -> Option<&Hello> {
        match &self.state {
            State::AwaitProof { session, .. } => Some(&session.theirs),
            State::AwaitHello(_) | State::Over => None,
        }
    }

    /// A frame arrived, within
    /// [`HANDSHAKE_BODY_BYTES_MAX`](crate::wire::HANDSHAKE_BODY_BYTES_MAX).
    pub fn received(&mut self, raw: &Raw, effects: &mut Vec<Effect>) {
        let state = std::mem::replace(&mut self.state, State::Over);
        let frame = match raw.decode() {
            Ok(Some(frame)) => frame,
            // Optional frames of newer versions do not disturb a handshake.
            Ok(None) => {
                self.state = state;
                return;
            }
            Err(_) => return self.refuse(Refusal::Malformed, effects),
        };
        match (state, frame) {
            (State::Over, _) => {}
            (_, Frame::Refused(refusal)) => {
                effects.push(Effect::Failed(Failure::Refused(refusal)));
            }
            (State::AwaitHello(choose), Frame::Hello(theirs)) => {
                self.hello(theirs, &raw.body, choose, effects);
            }
            (State::AwaitProof { session, transcript, secret }, Frame::Proof(proof)) => {
                self.proof(*session, &transcript, &secret, &proof, effects);
            }
            (State::AwaitHello(_) | State::AwaitProof { .. }, _) => {
                self.refuse(Refusal::Malformed, effects);
            }
        }
    }

    /// Something came that is not even a frame.
    pub fn garbled(&mut self, effects: &mut Vec<Effect>) {
        self.refuse(Refusal::Malformed, effects);
    }

    /// The deadline passed.
    pub fn expired(&mut self, effects: &mut Vec<Effect>) {
        self.refuse(Refusal::Timeout, effects);
    }

    /// This side wants nothing of the other, for a reason of its owner's.
    pub fn declined(&mut self, refusal: Refusal, effects: &mut Vec<Effect>) {
        self.refuse(refusal, effects);
    }

    fn hello(
        &mut self,
        theirs: Hello,
        theirs_bytes: &[u8],
        choose: ChooseSecret,
        effects: &mut Vec<Effect>,
    ) {
        if theirs.nonce == self.ours.nonce {
            return self.refuse(Refusal::Reflected, effects);
        }
        let version = self.ours.version_max.min(theirs.version_max);
        if version < self.ours.version_min.max(theirs.version_min) {
            let (min, max) = (self.ours.version_min, self.ours.version_max);
            return self.refuse(Refusal::Version { min, max }, effects);
        }
        if !self.roles.contains(&theirs.role) {
            return self.refuse(Refusal::Role, effects);
        }
        let transcript = match self.side {
            Side::Initiator => transcript(&self.ours_bytes, theirs_bytes),
            Side::Acceptor => transcript(theirs_bytes, &self.ours_bytes),
        };
        let secret = choose(&theirs);
        let reply = match self.side {
            Side::Initiator => Frame::Proof(self.mac(self.side, &transcript, &secret)),
            Side::Acceptor => Frame::Hello(self.ours.clone()),
        };
        effects.push(Effect::Send(reply));
        let features = self.ours.features & theirs.features;
        let session = Box::new(Session { version, features, theirs });
        self.state = State::AwaitProof { session, transcript, secret };
    }

    fn proof(
        &mut self,
        session: Session,
        transcript: &[u8; 32],
        secret: &Secret,
        proof: &[u8; 32],
        effects: &mut Vec<Effect>,
    ) {
        let expected = self.mac(self.side.other(), transcript, secret);
        if !bool::from(expected.ct_eq(proof)) {
            return self.refuse(Refusal::Cookie, effects);
        }
        if self.side == Side::Acceptor {
            let ours = self.mac(self.side, transcript, secret);
            effects.push(Effect::Send(Frame::Proof(ours)));
        }
        effects.push(Effect::Established(session));
    }

    fn mac(&self, side: Side, transcript: &[u8; 32], secret: &Secret) -> [u8; 32] {
        let parts = [PROOF_LABEL, side.label(), &self.binding, transcript];
        mac(&secret.0, &parts).finalize().into_bytes().into()
    }

    fn refuse(&mut self, refusal: Refusal, effects: &mut Vec<Effect>) {
        self.state = State::Over;
        effects.push(Effect::Send(Frame::Refused(refusal)));
        effects.push(Effect::Failed(Failure::Refusing(refusal)));
    }
}

fn transcript(initiator: &[u8], acceptor: &[u8]) -> [u8; 32] {
    let mut hash = Sha256::new();
    for hello in [initiator, acceptor] {
        hash.update((hello.len() as u64).to_le_bytes());
        hash.update(hello);
    }
    hash.finalize().into()
}

/// Each part goes in with its length, so that no two lists of parts read alike.
fn mac(key: &[u8], parts: &[&[u8]]) -> Hmac<Sha256> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of any length");
    for part in parts {
        mac.update(&(part.len() as u64).to_le_bytes());
        mac.update(part);
    }
    mac
}

#[cfg(test)]
#[path = "handshake_test.rs"]
mod tests;
