// What the files of this SDK share: errors, and words of the contract.
import { plain } from "#host";
import { utf8 } from "./text.js";

/** Ends the actor with a reason when it is thrown from its function. */
export class Exit extends Error {
  constructor(reason) {
    super(describe(reason));
    this.name = "Exit";
    this.reason = reason;
  }
}

/** What the host refused; `kind` is the case of the contract's error. */
export class HostError extends Error {
  constructor(what, error) {
    const { tag, val } = typeof error === "string" ? { tag: error } : error;
    const more = val?.tag ? describe(val) : val;
    super(`${what}: ${tag}${more === undefined ? "" : `: ${more}`}`);
    this.name = "HostError";
    this.kind = tag;
    this.detail = val;
  }
}

function describe(reason) {
  if (reason.val === undefined || reason.val === null) return reason.tag;
  return typeof reason.val === "string" ? `${reason.tag}: ${reason.val}` : reason.tag;
}

/** Calls the host; what it throws is a value of the contract, and becomes an Error. */
export function asked(what, call) {
  try {
    return call();
  } catch (error) {
    if (error instanceof Error && error.payload !== undefined) {
      throw new HostError(what, plain(error.payload));
    }
    throw error;
  }
}

/** An actor, a name, a name on a node or an alias, as the host has it. */
export function destination(to) {
  if (typeof to === "string") return { tag: "name", val: to };
  if (to && "alias" in to) return { tag: "alias", val: to.alias };
  if (to && "serial" in to) return { tag: "pid", val: to };
  if (to && "node" in to) return { tag: "node-name", val: to };
  throw new TypeError("a destination is a pid, a name, {name, node} or {alias}");
}

/** A name, scope, group, resource or requester, which is any bytes or a text. */
export const bytesOf = (name) => (typeof name === "string" ? utf8(name) : name);

export const samePid = (one, other) => one.node === other.node && one.serial === other.serial;

/** How a message is sent where nothing else is said. */
export const PLAINLY = { priority: false, noConnect: false, noSuspend: false };
