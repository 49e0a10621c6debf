//! What a guest receives, written into its memory by hand.
//!
//! The generated types write one field at a time, and each write looks up the memory
//! and checks its bounds anew; for the message, which is what nearly every receive
//! gives, that costs more than everything else about it. So a message is written here
//! in one go, and the end of a monitored actor, of which there may be a great many when
//! a node is lost. Everything else is left to the generated types, which also say what the
//! types are and how large.

use bytes::Bytes;
use odeon_core::process::Event;
use odeon_core::signal::Monitored;
use odeon_core::{Pid, Reason, Reference};
use wasmtime::component::__internal::{
    CanonicalAbiInfo, InstanceType, InterfaceType, LowerContext,
};
use wasmtime::component::{ComponentType, Lower};

use super::bindings::odeon::actor::mailbox;
use super::convert;

/// `option<event>`.
pub(super) enum Received {
    Nothing,
    Message { sender: Pid, via: Option<Reference>, body: Bytes },
    Down(Ended),
    Other(Box<mailbox::Event>),
}

/// A `down` without anything of its own length in it.
#[derive(Clone, Copy)]
pub(super) struct Ended {
    monitor: Reference,
    actor: Pid,
    /// Which of the reasons that have no text.
    reason: u8,
}

/// `messages`: who sent each, and what.
pub(super) struct Messages(pub(super) Vec<(Pid, Bytes)>);

/// What [`Received`] stands for.
type MaybeEvent = Option<mailbox::Event>;

/// Bytes of a message's `option<event>`, of which the first tells that there is one
/// and the ninth which kind it is; and of the same with all kinds.
const MESSAGE_BYTES: usize = 64;
const _: () = assert!(MaybeEvent::ABI.size32 as usize >= MESSAGE_BYTES);
const _: () = assert!(MaybeEvent::ABI.align32 == 8);
const _: () = assert!(mailbox::Message::ABI.size32 as usize == MESSAGE_BYTES - 16);
/// Bytes of a `down`'s `option<event>`.
const DOWN_BYTES: usize = 80;
const _: () = assert!(MaybeEvent::ABI.size32 as usize >= DOWN_BYTES);
const _: () = assert!(mailbox::Down::ABI.size32 as usize == DOWN_BYTES - 16);
const _: () = assert!(mailbox::Destination::ABI.size32 == 24);
const _: () = assert!(mailbox::ExitReason::ABI.size32 == 12);
/// Bytes of one `head`.
const HEAD_BYTES: usize = 24;
const _: () = assert!(mailbox::Head::ABI.size32 as usize == HEAD_BYTES);
const _: () = assert!(mailbox::Head::ABI.align32 == 8);
const _: () = assert!(mailbox::Messages::ABI.size32 == 16);

impl Received {
    /// What a receive gives on the node of this name.
    pub(super) fn new(event: Option<Event>, node: &str) -> Self {
        match event {
            None => Self::Nothing,
            Some(Event::Message { sender, via, body }) => Self::Message { sender, via, body },
            Some(event) => match Ended::new(&event) {
                Some(ended) => Self::Down(ended),
                None => Self::Other(Box::new(convert::event(event, node))),
            },
        }
    }
}

impl Ended {
    fn new(event: &Event) -> Option<Self> {
        let Event::Down { monitor, object: Monitored::Pid(actor), reason, tag: None } = event
        else {
            return None;
        };
        let reason = match reason {
            Reason::Normal => 0,
            Reason::Shutdown => 1,
            Reason::Kill => 2,
            Reason::Killed => 3,
            Reason::NoProc => 4,
            Reason::NoConnection => 5,
            Reason::Error(_)
            | Reason::Trap(_)
            | Reason::Limit(_)
            | Reason::ExitCode(_)
            | Reason::Custom(_) => return None,
        };
        Some(Self { monitor: *monitor, actor: *actor, reason })
    }

    /// `some(down(..))`.
    fn write(self, place: &mut [u8; DOWN_BYTES]) {
        let Self { monitor, actor, reason } = self;
        // The last two are the rest of the reason, and that there is no tag.
        let words: [u64; DOWN_BYTES / 8] = [
            1,
            2,
            monitor.node.get(),
            monitor.serial,
            0,
            actor.node.get(),
            actor.serial,
            u64::from(reason),
            0,
            0,
        ];
        write_words(place, words);
    }
}

/// Memory is little-endian: a short field comes first, and what follows it is padding.
#[inline]
fn write_words<const N: usize>(place: &mut [u8], words: [u64; N]) {
    for (place, word) in place.chunks_exact_mut(8).zip(words) {
        place.copy_from_slice(&word.to_le_bytes());
    }
}

// SAFETY: it is the same type to a guest as the one that everything here is taken from.
unsafe impl ComponentType for Received {
    type Lower = <MaybeEvent as ComponentType>::Lower;

    const ABI: CanonicalAbiInfo = MaybeEvent::ABI;

    fn typecheck(ty: &InterfaceType, types: &InstanceType<'_>) -> wasmtime::Result<()> {
        MaybeEvent::typecheck(ty, types)
    }
}

// SAFETY: every byte that means something is written, as the canonical ABI lays it out:
// the generated type does so, or `write_message` and `Ended`, whose sizes are checked above.
unsafe impl Lower for Received {
    fn linear_lower_to_flat<T>(
        &self,
        _: &mut LowerContext<'_, T>,
        _: InterfaceType,
        _: &mut std::mem::MaybeUninit<Self::Lower>,
    ) -> wasmtime::Result<()> {
        Err(too_large())
    }

    fn linear_lower_to_memory<T>(
        &self,
        cx: &mut LowerContext<'_, T>,
        ty: InterfaceType,
        offset: usize,
    ) -> wasmtime::Result<()> {
        match self {
            Self::Message { sender, via, body } => {
                let at = cx.realloc(0, 0, 1, body.len())?;
                let memory = cx.as_slice_mut();
                memory[at..][..body.len()].copy_from_slice(body);
                let place = memory[offset..].first_chunk_mut().expect("wasmtime checked it");
                write_message(place, *sender, *via, at as u32, body.len() as u32);
                Ok(())
            }
            Self::Down(ended) => {
                let place = cx.as_slice_mut()[offset..].first_chunk_mut();
                ended.write(place.expect("wasmtime checked it"));
                Ok(())
            }
            Self::Other(event) => Some(&**event).linear_lower_to_memory(cx, ty, offset),
            Self::Nothing => MaybeEvent::None.linear_lower_to_memory(cx, ty, offset),
        }
    }
}

/// `some(message(..))`.
#[inline]
fn write_message(
    place: &mut [u8; MESSAGE_BYTES],
    sender: Pid,
    via: Option<Reference>,
    body: u32,
    length: u32,
) {
    let (is_via, via) = match via {
        Some(via) => (1, (via.node.get(), via.serial)),
        None => (0, (0, 0)),
    };
    let words: [u64; MESSAGE_BYTES / 8] = [
        1,
        0,
        sender.node.get(),
        sender.serial,
        is_via,
        via.0,
        via.1,
        u64::from(body) | u64::from(length) << 32,
    ];
    write_words(place, words);
}

// SAFETY: it is the same type to a guest as the one that everything here is taken from.
unsafe impl ComponentType for Messages {
    type Lower = <mailbox::Messages as ComponentType>::Lower;

    const ABI: CanonicalAbiInfo = mailbox::Messages::ABI;

    fn typecheck(ty: &InterfaceType, types: &InstanceType<'_>) -> wasmtime::Result<()> {
        mailbox::Messages::typecheck(ty, types)
    }
}

// SAFETY: two lists are written, in the layout of the type's two fields, and every head
// in the layout that is checked above.
unsafe impl Lower for Messages {
    fn linear_lower_to_flat<T>(
        &self,
        _: &mut LowerContext<'_, T>,
        _: InterfaceType,
        _: &mut std::mem::MaybeUninit<Self::Lower>,
    ) -> wasmtime::Result<()> {
        Err(too_large())
    }

    fn linear_lower_to_memory<T>(
        &self,
        cx: &mut LowerContext<'_, T>,
        _: InterfaceType,
        offset: usize,
    ) -> wasmtime::Result<()> {
        let count = self.0.len();
        let length: usize = self.0.iter().map(|(_, body)| body.len()).sum();
        let heads = cx.realloc(0, 0, mailbox::Head::ABI.align32, count * HEAD_BYTES)?;
        let bodies = cx.realloc(0, 0, 1, length)?;
        let memory = cx.as_slice_mut();
        let mut at = bodies;
        for (_, body) in &self.0 {
            memory[at..][..body.len()].copy_from_slice(body);
            at += body.len();
        }
        let places = memory[heads..][..count * HEAD_BYTES].as_chunks_mut::<HEAD_BYTES>().0;
        for (place, (sender, body)) in places.iter_mut().zip(&self.0) {
            place[..8].copy_from_slice(&sender.node.get().to_le_bytes());
            place[8..16].copy_from_slice(&sender.serial.to_le_bytes());
            place[16..].copy_from_slice(&(body.len() as u64).to_le_bytes());
        }
        let place: &mut [u8; 16] = memory[offset..].first_chunk_mut().expect("wasmtime checked it");
        for (place, word) in place.as_chunks_mut().0.iter_mut().zip([heads, count, bodies, length])
        {
            *place = (word as u32).to_le_bytes();
        }
        Ok(())
    }
}

/// The results of these functions have too many parts to be given in registers.
fn too_large() -> wasmtime::Error {
    wasmtime::Error::msg("a received event is always given in memory")
}
