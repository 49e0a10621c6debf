/**
 * Names that are known on every connected node: docs/cluster.md. A name belongs to one actor
 * at a time, and is free when that ends or its node is lost. What is refused is a HostError,
 * whose kind is a case of the contract's `name-error`.
 */
import type { Name, Pid } from "./index.js";

/**
 * What happens when parts of a cluster meet that each gave the name. Who loses it, one of the
 * two by chance, the later one, or both, is ended by a kill (`exit`), or told by a `nameLost`
 * event.
 */
export type Resolver = "random-exit" | "random-notify" | "notify-all" | "oldest-exit" | "oldest-notify";

export interface Registration {
  /** `random-exit` unless told otherwise. */
  resolver?: Resolver;
  /** How long to wait, in milliseconds; for ever if absent. */
  timeout?: number;
}

/** Gives an actor, the caller unless told otherwise, a name that nobody has, and waits until
 * every connected node knows. Refused: `taken`, whose detail is the owner, and others. */
export function register(name: Name, pid?: Pid, options?: Registration): void;
/** The same, whoever has the name, who is not told. */
export function reRegister(name: Name, pid?: Pid, options?: Registration): void;
/** Frees a name, whoever has it, and waits until every node knows. */
export function unregister(name: Name, options?: { timeout?: number }): void;
/** Who has a name, as far as this node knows. Costs no traffic. */
export function whereis(name: Name): Pid | null;
/** Sends a value to whoever has a name, and says who that is. Refused: `no-name`. */
export function send(name: Name, value: unknown): Pid;
/** All names that this node knows, in the order of their bytes; `fromUtf8` makes texts. */
export function registered(): { name: Uint8Array; pid: Pid }[];
