//! The number of each kind of frame.

pub(crate) const HELLO: u8 = 0x01;
pub(crate) const PROOF: u8 = 0x02;
pub(crate) const REFUSED: u8 = 0x03;
pub(crate) const WELCOME: u8 = 0x04;
pub(crate) const ABOUT: u8 = 0x05;
pub(crate) const REQUEST: u8 = 0x10;
pub(crate) const REPLY: u8 = 0x11;
pub(crate) const STREAM_DATA: u8 = 0x12;
pub(crate) const STREAM_END: u8 = 0x13;
pub(crate) const CREDIT: u8 = 0x14;
pub(crate) const CANCEL: u8 = 0x15;
pub(crate) const PING: u8 = 0x20;
pub(crate) const PONG: u8 = 0x21;
pub(crate) const TICK: u8 = 0x22;
pub(crate) const NODES: u8 = 0x28;
pub(crate) const MESSAGE_TO_ACTOR: u8 = 0x30;
pub(crate) const MESSAGE_TO_ALIAS: u8 = 0x31;
pub(crate) const MESSAGE_TO_NAME: u8 = 0x32;
pub(crate) const SIGNAL: u8 = 0x33;
pub(crate) const SPAWN: u8 = 0x34;
pub(crate) const CALL: u8 = 0x35;
pub(crate) const FRAGMENT: u8 = 0x38;
pub(crate) const SIGNAL_CREDIT: u8 = 0x39;
pub(crate) const COMPRESSED: u8 = 0x3a;
pub(crate) const NAMES: u8 = 0x40;
pub(crate) const GROUPS: u8 = 0x41;
pub(crate) const MESSAGE_TO_GROUP: u8 = 0x42;
pub(crate) const LOCKS: u8 = 0x43;
pub(crate) const WHO_IS: u8 = 0xa8;
pub(crate) const THAT_IS: u8 = 0xa9;
/// Kinds with this bit may be skipped by who does not know them.
pub(crate) const OPTIONAL: u8 = 0x80;

/// Whether the frame is something that one actor does to another: it costs credit,
/// and it may be cut into fragments.
pub(crate) const fn is_signal(kind: u8) -> bool {
    matches!(kind, MESSAGE_TO_ACTOR..=CALL | MESSAGE_TO_GROUP)
}

/// Whether the frame is an [`Item`](super::Item) without fragments or compression around
/// it.
pub(crate) const fn is_item(kind: u8) -> bool {
    is_signal(kind) || matches!(kind, NODES | NAMES | GROUPS | LOCKS | WHO_IS | THAT_IS)
}
