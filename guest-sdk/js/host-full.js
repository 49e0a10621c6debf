// The host's functions as host.js has them, for StarlingMonkey: there a u64 is a BigInt, and
// nothing is undefined. As arguments it takes numbers and null as well.
import * as hostGroups from "odeon:actor/groups@0.1.0";
import * as hostIo from "odeon:actor/io@0.1.0";
import * as hostLocks from "odeon:actor/locks@0.1.0";
import * as hostLog from "odeon:actor/log@0.1.0";
import * as hostMailbox from "odeon:actor/mailbox@0.1.0";
import * as hostNames from "odeon:actor/names@0.1.0";
import * as hostNode from "odeon:actor/node@0.1.0";
import * as hostProcess from "odeon:actor/process@0.1.0";
import * as hostRpc from "odeon:actor/rpc@0.1.0";
import * as hostTimers from "odeon:actor/timers@0.1.0";
import { own, throwWith } from "./dice.js";

// It has no network, and the engine ends the actor by a trap that does not say so.
delete globalThis.fetch;

/** A value of the host in these terms, made anew: its own objects are of another realm, whose
 * `Object` and `Array` are not those of programs. */
export function plain(value) {
  if (value === undefined) return null;
  if (typeof value === "bigint") return Number(value);
  if (typeof value !== "object" || value === null || value instanceof Uint8Array) return value;
  if (Array.isArray(value)) return Array.from(value, (item) => plain(item));
  const own = {};
  for (const key in value) own[key] = plain(value[key]);
  return own;
}

/** The functions of an interface, whose results are plain. */
function plainly(functions) {
  const all = {};
  for (const [name, call] of Object.entries(functions)) {
    all[name] = (...given) => plain(call(...given));
  }
  return all;
}

/** A pid or reference that is there. */
const id = ({ node, serial }) => ({ node: Number(node), serial: Number(serial) });

/** The same as the general way, for what is received most. */
function receive(filter, timeout) {
  const event = hostMailbox.receive(filter, timeout);
  if (event?.tag !== "message") return plain(event);
  const { sender, via, body } = event.val;
  return { tag: "message", val: { sender: id(sender), via: via ? id(via) : null, body } };
}

export const groups = plainly(hostGroups);
export const io = plainly(hostIo);
export const locks = plainly(hostLocks);
export const log = plainly(hostLog);
export const mailbox = { ...plainly(hostMailbox), receive };
export const names = plainly(hostNames);
export const node = plainly(hostNode);
export const process = plainly(hostProcess);
export const rpc = plainly(hostRpc);
export const timers = plainly(hostTimers);

let thrown = 0x2545f491;
// The engine's own ones would ask the host, which is not there at the build, and end it.
throwWith(() => {
  thrown = (Math.imul(thrown, 0x19660d) + 0x3c6ef35f) >>> 0;
  return thrown / 0x100000000;
});

/** An actor begins. */
export function begin() {
  throwWith(own);
}
