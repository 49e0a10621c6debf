// Sending and receiving.
import { mailbox, timers } from "#host";
import { decode, encode } from "./message.js";
import { HostError, PLAINLY, asked, destination, samePid } from "./words.js";

export function send(to, value) {
  const body = encode(value);
  if (to && typeof to === "object" && "serial" in to) return mailbox.send(to, body);
  asked("send", () => mailbox.sendTo(destination(to), body, PLAINLY));
}

const named = {
  "spawn-reply": "spawnReply",
  "io-request": "ioRequest",
  "node-up": "nodeUp",
  "node-down": "nodeDown",
  "call-reply": "callReply",
  "name-lost": "nameLost",
  "group-change": "groupChange",
};

/** A message, which is read when its value is asked for. */
class Message {
  constructor({ sender, via, body }) {
    this.type = "message";
    this.sender = sender;
    this.via = via;
    this.body = body;
  }

  get value() {
    return decode(this.body);
  }
}

/** An event of the host as one of this SDK. */
function eventOf({ tag, val }) {
  if (tag === "message") return new Message(val);
  const type = named[tag] ?? tag;
  if (type === "timeout") return { type, timer: val };
  const event = { type, ...val };
  if (type === "callReply" && val.outcome.tag === "ok") {
    Object.defineProperty(event, "value", { get: () => decode(val.outcome.val) });
  }
  if (type === "callReply" && val.outcome.tag === "err") {
    event.error = new HostError("call", val.outcome.val);
  }
  return event;
}

/** Events that were taken out of the mailbox by who waits for others, oldest first. */
const kept = [];

const reference = (event) => event.via ?? event.monitor ?? event.request ?? event.timer;

function isOf(event, of) {
  const own = reference(event);
  return own !== undefined && own !== null && samePid(own, of);
}

function fromHost(of, timeout) {
  const filter = of ? { tag: "reference", val: of } : { tag: "any" };
  const event = mailbox.receive(filter, timeout ?? null);
  return event === null ? null : eventOf(event);
}

export function receiveEvent({ timeout, of } = {}) {
  const at = of ? kept.findIndex((event) => isOf(event, of)) : kept.length ? 0 : -1;
  if (at >= 0) return kept.splice(at, 1)[0];
  return fromHost(of, timeout);
}

export function receiveWhere(fits, { timeout } = {}) {
  const at = kept.findIndex(fits);
  if (at >= 0) return kept.splice(at, 1)[0];
  const deadline = timeout === undefined ? undefined : timers.now() + timeout * 1e6;
  for (;;) {
    const left = deadline === undefined ? undefined : Math.max(0, Math.ceil((deadline - timers.now()) / 1e6));
    const event = fromHost(undefined, left);
    if (event === null || fits(event)) return event;
    kept.push(event);
  }
}

export function receive({ timeout, of } = {}) {
  if (of) return receiveEvent({ timeout, of });
  return receiveWhere((event) => event.type === "message", { timeout });
}

/** Drops the events of a reference that were taken out of the mailbox. */
export function forget(reference) {
  for (let at = kept.length; at-- > 0; ) if (isOf(kept[at], reference)) kept.splice(at, 1);
}
