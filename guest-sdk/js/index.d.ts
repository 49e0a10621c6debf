/**
 * Odeon actors in JavaScript and TypeScript.
 *
 * ```js
 * import { actors, receive, send } from "odeon";
 *
 * function echo() {
 *   for (;;) {
 *     const { sender, value } = receive();
 *     send(sender, value);
 *   }
 * }
 *
 * export const entry = actors({ echo });
 * ```
 *
 * An actor is a function with a mailbox, in an instance of WebAssembly of its own. Nothing
 * is asynchronous: `receive` waits, and other actors run meanwhile. What the function
 * returns is the result where it was called. An exception that it does not catch ends the
 * actor by a trap whose reason has the message and the stack; `throw new Exit(reason)` ends
 * it for a reason of one's choice. Top-level code runs when the module is built, and can
 * reach no actor.
 *
 * Values travel as docs/messages.md says: numbers that are whole as integers, strings as
 * text, `Uint8Array` as bytes, arrays, plain objects and `Map`. Integers beyond 2^53 - 1
 * are `BigInt`, both ways.
 *
 * The same source runs in both engines, the small one and the full one: docs/languages.md says
 * how a project chooses, and what only one of them has.
 */

/** Names one actor, for ever. */
export interface Pid {
  readonly node: number;
  readonly serial: number;
}

/** Names one monitor, alias, timer or request. */
export interface Reference {
  readonly node: number;
  readonly serial: number;
}

/** What names something in the whole cluster: 1 to 255 bytes of any value, or a text. */
export type Name = string | Uint8Array;

/** Names that are known on every connected node; `register` and `whereis` are of this one. */
export * as names from "./names.js";
/** Groups of actors of all connected nodes. */
export * as groups from "./groups.js";
/** Locks of the whole cluster. */
export * as locks from "./locks.js";

/** Why an actor ended, or is asked to end. */
export type Reason =
  | { tag: "normal" | "shutdown" | "kill" | "killed" | "noproc" | "noconnection" }
  | { tag: "error" | "trap" | "limit"; val: string }
  | { tag: "exit-code"; val: number }
  | { tag: "custom"; val: Uint8Array };

/** An actor, a name on this node, a name on a node, or an alias. */
export type Destination = Pid | string | { name: string; node: string } | { alias: Reference };

/** A message; `value` decodes the body when it is asked for, and may throw a MessageError. */
export interface Message<T = unknown> {
  type: "message";
  sender: Pid;
  /** The alias that it was sent to, if it was. */
  via: Reference | null;
  body: Uint8Array;
  readonly value: T;
}

/** What a mailbox holds. */
export type Event =
  | Message
  | { type: "exit"; sender: Pid; reason: Reason }
  | { type: "down"; monitor: Reference; object: { tag: string; val: unknown }; reason: Reason }
  | { type: "spawnReply"; request: Reference; outcome: { tag: "ok" | "err"; val: unknown } }
  | { type: "timeout"; timer: Reference }
  | { type: "ioRequest"; sender: Pid; replyAs: Reference; request: { tag: string; val?: unknown } }
  | { type: "nodeUp" | "nodeDown"; node: string; id: number; hidden: boolean; reason: string | null }
  | { type: "callReply"; request: Reference; readonly value?: unknown; error?: HostError }
  | NameLost
  | GroupChange;

/** This actor lost a cluster name: `other` has it now, unless `both` lost it. */
export interface NameLost {
  type: "nameLost";
  name: Uint8Array;
  other: Pid;
  both: boolean;
}

/** Actors joined a monitored group, or left it, as often as they are in `members`. */
export interface GroupChange {
  type: "groupChange";
  monitor: Reference;
  scope: Uint8Array;
  group: Uint8Array;
  joined: boolean;
  members: Pid[];
}

/** Ends the actor for this reason when it is thrown. */
export class Exit extends Error {
  constructor(reason: Reason);
  readonly reason: Reason;
}

/** What the host refused: `kind` is the case of the contract's error, as in "no-module". */
export class HostError extends Error {
  readonly kind: string;
  readonly detail: unknown;
}

/** A body that is not what docs/messages.md describes. */
export class MessageError extends Error {}

/** A number that is written as a floating-point number even where it is whole. */
export class Float {
  constructor(value: number);
  readonly value: number;
}

export function encode(value: unknown): Uint8Array;
export function decode(body: Uint8Array): unknown;
/** A text in UTF-8. Throws a RangeError for half a surrogate pair. */
export function utf8(text: string): Uint8Array;
/** The text that bytes are in UTF-8. Throws a MessageError if they are none. */
export function fromUtf8(bytes: Uint8Array): string;

/** The calling actor. */
export function me(): Pid;
export function makeReference(): Reference;
export function samePid(one: Pid, other: Pid): boolean;

/** Sends a value and never waits. Throws where nobody has that name on this node. */
export function send(to: Destination, value: unknown): void;

/** How long to wait, in milliseconds (0 only looks), and for which reference's events. */
export interface Wait {
  timeout?: number;
}

/** The oldest message; other events stay. Waits for ever. */
export function receive<T = any>(): Message<T>;
/** The same; `null` if none came in time. */
export function receive<T = any>(wait: Wait): Message<T> | null;
/** The message that came by this alias. */
export function receive<T = any>(wait: Wait & { of: Reference }): Message<T> | null;
/** The oldest event of any kind. Waits for ever. */
export function receiveEvent(): Event;
/** The oldest event of any kind, or of a reference: its monitor, alias, timer or request. */
export function receiveEvent(wait: Wait & { of?: Reference }): Event | null;
/** The oldest event that fits; others stay. */
export function receiveWhere(fits: (event: Event) => boolean, wait?: Wait): Event | null;

/** Limits of an actor, never more than its maker's. */
export interface Limits {
  memoryBytesMax?: number;
  tableElementsMax?: number;
  mailboxMessagesMax?: number;
  mailboxBytesMax?: number;
  childrenMax?: number;
}

export interface SpawnOptions {
  /** A module by the name under which it is deployed; else the caller's own. */
  module?: string;
  /** A module by its SHA-256. */
  digest?: string;
  /** The node, as name@host; else the caller's own. */
  node?: string;
  link?: boolean;
  monitor?: boolean;
  name?: string;
  groupLeader?: Pid;
  limits?: Limits;
}

export interface Spawned {
  pid: Pid;
  monitor: Reference | null;
}

/** Makes an actor. Throws a HostError if there is none. */
export function spawn(target: string, argument?: unknown, options?: SpawnOptions): Pid;
export function spawnLink(target: string, argument?: unknown, options?: SpawnOptions): Pid;
export function spawnMonitor(target: string, argument?: unknown, options?: SpawnOptions): Spawned;
export function spawnWith(target: string, argument?: unknown, options?: SpawnOptions): Spawned;

/** Whether exit signals become events. Gives the former value. */
export function trapExit(on: boolean): boolean;
export function link(to: Pid): void;
export function unlink(to: Pid): void;
/** One `down` event comes when it ends, or at once where it does not exist. */
export function monitor(of: Destination): Reference;
/** Ends a monitor, and drops its event if that waits. Whether it was there. */
export function demonitor(reference: Reference): boolean;
/** Sends an exit signal. */
export function exit(to: Pid, reason: Reason): void;
/** Ends the calling actor. */
export function stop(reason: Reason): never;
export function isAlive(pid: Pid): boolean;
export function alias(): Reference;
export function unalias(reference: Reference): boolean;
export function register(name: string, pid?: Pid): void;
export function unregister(name: string): boolean;
export function whereis(name: string): Pid | null;
export function registered(): string[];

export interface CallOptions {
  module?: string;
  digest?: string;
  node?: string;
  /** In milliseconds. */
  timeout?: number;
  limits?: Limits;
}

/** Calls a function and waits for what it gives. Throws a HostError if that is nothing. */
export function call<T = any>(target: string, argument?: unknown, options?: CallOptions): T;
/** Calls any exported function, as WAVE text: `add(1, 2)`. */
export function callText(text: string, options?: CallOptions): string;
export function cast(target: string, argument?: unknown, options?: CallOptions): void;
/** Calls without waiting: a `callReply` event of this reference comes. */
export function request(target: string, argument?: unknown, options?: CallOptions): Reference;
export function abandon(reference: Reference): boolean;

/** Milliseconds since the node started, with fractions. */
export function now(): number;
export function sleep(ms: number): void;
/** A `timeout` event comes after a time. */
export function startTimer(ms: number): Reference;
export function sendAfter(ms: number, to: Destination, value: unknown): Reference;
/** The milliseconds that were left; `null` if it has run out. */
export function cancelTimer(timer: Reference): number | null;

/** Writes through the group leader and waits until it is written. */
export function print(text: string): void;
export function println(text?: string): void;
export function eprintln(text?: string): void;
/** A line with its end; `null` at the end of the input. */
export function getLine(prompt?: string): string | null;
export function groupLeader(): Pid;
export function setGroupLeader(leader: Pid, of?: Pid): void;
/** For whoever runs the node. */
export function log(level: "trace" | "debug" | "info" | "warn" | "error", text: string): void;
/** The name of this node, as name@host. */
export function nodeName(): string;
/** The name of the node that an actor lives on; `null` if it is not known here. */
export function nodeOf(pid: Pid): string | null;
/** Whether this node takes part in a cluster. */
export function isDistributed(): boolean;
/** The names of other nodes, in order: of those that are connected and not hidden, unless
 * told otherwise. */
export function nodes(of?: "visible" | "hidden" | "connected" | "known"): string[];
/** Connects with a node, and waits until that is done. Throws a HostError. */
export function connect(node: string): void;
/** Ends a connection. False if there is none. */
export function disconnect(node: string): boolean;
/** From now on a `nodeUp` or `nodeDown` event comes for each node of this kind that comes or
 * goes, once for each call. */
export function watchNodes(of?: "visible" | "hidden" | "all"): void;
/** Ends every watch of this kind. */
export function unwatchNodes(of?: "visible" | "hidden" | "all"): void;

/** The module's entry: functions that can be started, by their names. */
export function actors(functions: Record<string, (argument: any) => unknown>): {
  start(name: string, argument: Uint8Array): void;
};
