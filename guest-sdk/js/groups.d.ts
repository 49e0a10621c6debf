/**
 * Groups of actors of all connected nodes: docs/cluster.md. An actor joins groups of a scope
 * that its node takes part in, as often as it likes. Lookups cost no traffic. What is refused is
 * a HostError, whose kind is a case of the contract's `group-error`.
 */
import type { Name, Pid, Reference } from "./index.js";

/** This node takes part in a scope from now on. False if it did already. */
export function start(scope: Name): boolean;
/** It takes no more part: its members have left, and monitors of the scope are gone. False if
 * it took none. */
export function stop(scope: Name): boolean;
/** The scopes that this node takes part in. */
export function scopes(): Uint8Array[];
/** Actors of this node, the caller unless told otherwise, join a group: all or none. */
export function join(scope: Name, group: Name, ...pids: Pid[]): void;
/** Actors of this node, the caller unless told otherwise, leave a group. */
export function leave(scope: Name, group: Name, ...pids: Pid[]): void;
/** The members of a group, as often as they joined: of all nodes, or of this one. */
export function members(scope: Name, group: Name, options?: { local?: boolean }): Pid[];
/** The groups of a scope that have members: anywhere, or on this node. */
export function list(scope: Name, options?: { local?: boolean }): Uint8Array[];
/** A member at random. */
export function random(scope: Name, group: Name): Pid | null;
/** A member of this node at random if it has any, else of any. */
export function closest(scope: Name, group: Name): Pid | null;
/** Sends a value to every member as often as it joined, to each node once. How many there are
 * on this node. */
export function send(scope: Name, group: Name, value: unknown): number;
/** Every join and leave of a group is a `groupChange` event from now on; with the members
 * before the first of them. */
export function monitor(scope: Name, group: Name): { monitor: Reference; members: Pid[] };
/** The same for all groups of a scope. */
export function monitorAll(scope: Name): {
  monitor: Reference;
  groups: { group: Uint8Array; members: Pid[] }[];
};
/** Ends a monitor, and drops its events that wait. Whether it was there. */
export function demonitor(reference: Reference): boolean;
