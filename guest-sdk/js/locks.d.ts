/**
 * Locks of the whole cluster: docs/cluster.md. They are advisory, served in the order of
 * requests, and released when their holder ends. What is refused is a HostError, whose kind is
 * a case of the contract's `lock-error`.
 */
import type { Name } from "./index.js";

export interface Lock {
  /** Actors that say the same hold it together; the caller alone if absent. */
  requester?: Name;
  /** Where; at this node and all that are visibly connected with it if absent. */
  nodes?: string[];
  /** How long to wait, in milliseconds: 0 only asks, absent is as long as it takes. */
  timeout?: number;
}

/** Holds a lock from now on. Refused: `held` with whom in the detail, `timeout`, and others;
 * then nothing is held. */
export function acquire(resource: Name, options?: Lock): void;
/** Holds a lock no longer: at these nodes, or wherever the caller does. */
export function release(resource: Name, options?: Omit<Lock, "timeout">): void;
/** Calls a function while holding a lock, and gives what it gives. Where the lock is refused,
 * nothing is called. */
export function withLock<T>(resource: Name, body: () => T, options?: Lock): T;
