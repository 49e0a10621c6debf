//! Every maximum of the core, with its unit in its name and its reason.

/// The longest message, exit reason or spawn argument, in bytes: large enough for
/// documents and images, small enough that a few thousand in flight fit a machine.
pub const MESSAGE_BYTES_MAX: usize = 16 << 20;

/// Events that wait in a mailbox, unless the spawn says less. Over it the actor
/// ends with a `limit` reason, as with Erlang's `max_heap_size`.
pub const MAILBOX_MESSAGES_MAX: usize = 1 << 20;

/// Bytes of the events that wait in a mailbox, unless the spawn says less.
pub const MAILBOX_BYTES_MAX: usize = 256 << 20;

/// Links and monitors, in each direction, and aliases of one actor. Over it, a
/// request of the actor itself ends it with a `limit` reason, and so does one too
/// many from others, because a silent refusal would leave a watcher blind.
pub const RELATIONS_MAX: usize = 1 << 20;
