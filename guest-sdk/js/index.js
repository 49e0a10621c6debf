// Odeon actors in JavaScript. index.d.ts says what each function is for.
import * as host from "odeon:actor/process@0.1.0";
import * as mailbox from "odeon:actor/mailbox@0.1.0";
import * as timers from "odeon:actor/timers@0.1.0";
import * as io from "odeon:actor/io@0.1.0";
import * as hostLog from "odeon:actor/log@0.1.0";
import * as hostNode from "odeon:actor/node@0.1.0";
import * as rpc from "odeon:actor/rpc@0.1.0";
import { decode, encode, fromUtf8, utf8 } from "./message.js";

export { decode, encode, Float, MessageError } from "./message.js";

// ---- Errors ----

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
function asked(what, call) {
  try {
    return call();
  } catch (error) {
    if (error instanceof Error && error.payload !== undefined) throw new HostError(what, error.payload);
    throw error;
  }
}

// ---- Words ----

function destination(to) {
  if (typeof to === "string") return { tag: "name", val: to };
  if (to && "alias" in to) return { tag: "alias", val: to.alias };
  if (to && "serial" in to) return { tag: "pid", val: to };
  if (to && "node" in to) return { tag: "node-name", val: to };
  throw new TypeError("a destination is a pid, a name, {name, node} or {alias}");
}

function moduleOf({ module, digest } = {}) {
  if (digest !== undefined) return { tag: "digest", val: digest };
  return module === undefined ? { tag: "this" } : { tag: "name", val: module };
}

function limitsOf(limits) {
  if (!limits) return null;
  const fields = ["memoryBytesMax", "tableElementsMax", "mailboxMessagesMax", "mailboxBytesMax", "childrenMax"];
  return Object.fromEntries(fields.map((field) => [field, limits[field] ?? null]));
}

export const me = () => host.me();
export const makeReference = () => host.makeReference();
export const samePid = (one, other) => one.node === other.node && one.serial === other.serial;

// ---- Messages ----

export function send(to, value) {
  const body = encode(value);
  if (to && typeof to === "object" && "serial" in to) return mailbox.send(to, body);
  const options = { priority: false, noConnect: false, noSuspend: false };
  asked("send", () => mailbox.sendTo(destination(to), body, options));
}

const named = {
  "spawn-reply": "spawnReply",
  "io-request": "ioRequest",
  "node-up": "nodeUp",
  "node-down": "nodeDown",
  "call-reply": "callReply",
};

/** An event of the host as one of this SDK. */
function eventOf({ tag, val }) {
  const type = named[tag] ?? tag;
  if (type === "timeout") return { type, timer: val };
  const event = { type, ...val };
  if (type === "message") {
    Object.defineProperty(event, "value", { get: () => decode(event.body) });
  }
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

// ---- Actors ----

function startOf(target, argument) {
  return { tag: "entry", val: { function: target, argument: encode(argument) } };
}

export function spawnWith(target, argument, options = {}) {
  const { node, link, monitor, name, groupLeader, limits } = options;
  const hostOptions = {
    node: node ?? null,
    link: link ?? false,
    monitor: monitor ? { alias: null, tag: null, priority: false } : null,
    name: name ?? null,
    groupLeader: groupLeader ?? null,
    limits: limitsOf(limits),
  };
  return asked("spawn", () => host.spawnWith(moduleOf(options), startOf(target, argument), hostOptions));
}

export const spawn = (target, argument, options) => spawnWith(target, argument, options).pid;
export const spawnLink = (target, argument, options) => spawn(target, argument, { ...options, link: true });
export const spawnMonitor = (target, argument, options) =>
  spawnWith(target, argument, { ...options, monitor: true });

export const trapExit = (on) => host.trapExit(on);
export const link = (to) => asked("link", () => host.link(to, false));
export const unlink = (to) => host.unlink(to);
export const monitor = (of) => host.monitor(destination(of), { alias: null, tag: null, priority: false });
export const demonitor = (reference) => asked("demonitor", () => host.demonitor(reference, true));
export const exit = (to, reason) => host.exit(to, reason);
export const stop = (reason) => host.stop(reason);
export const isAlive = (pid) => host.isAlive(pid);
export const alias = () => host.alias("explicit", false);
export const unalias = (reference) => host.unalias(reference);
export const register = (name, pid = me()) => asked("register", () => host.register(name, pid));
export const unregister = (name) => host.unregister(name);
export const whereis = (name) => host.whereis(name);
export const registered = () => host.registered();

// ---- Calls of functions ----

const callOptions = ({ node, timeout, limits }) => ({
  node: node ?? null,
  timeoutMs: timeout ?? null,
  limits: limitsOf(limits),
});

export function call(target, argument, options = {}) {
  const result = asked("call", () =>
    rpc.call(moduleOf(options), startOf(target, argument), callOptions(options)));
  return decode(result);
}

export function callText(text, options = {}) {
  const target = { tag: "wave", val: text };
  return fromUtf8(asked("call", () => rpc.call(moduleOf(options), target, callOptions(options))));
}

export const cast = (target, argument, options = {}) =>
  asked("cast", () => rpc.cast(moduleOf(options), startOf(target, argument), callOptions(options)));
export const request = (target, argument, options = {}) =>
  rpc.request(moduleOf(options), startOf(target, argument), callOptions(options));
export const abandon = (reference) => rpc.abandon(reference);

// ---- Time ----

export const now = () => timers.now() / 1e6;
export const sleep = (ms) => timers.sleep(ms);
export const startTimer = (ms) => asked("timer", () => timers.start(ms));
export const sendAfter = (ms, to, value) =>
  asked("timer", () => timers.sendAfter(ms, destination(to), encode(value)));
export const cancelTimer = (timer) => timers.cancel(timer);

// ---- Output, input, the log, nodes ----

export const print = (text) => asked("print", () => io.putChars("output", utf8(String(text))));
export const println = (text = "") => print(`${text}\n`);
export const eprintln = (text = "") => asked("print", () => io.putChars("error", utf8(`${text}\n`)));

export function getLine(prompt = "") {
  const line = asked("getLine", () => io.getLine(prompt));
  return line === null ? null : fromUtf8(line);
}

export const groupLeader = () => io.groupLeader();
export const setGroupLeader = (leader, of = me()) => io.setGroupLeader(leader, of);
export const log = (level, text) => hostLog.write(level, String(text));
export const nodeName = () => hostNode.name();
export const nodes = () => hostNode.nodes("visible");

/** What programs expect of a console, through the group leader. */
const shown = (values) => values.map((it) => (typeof it === "string" ? it : show(it))).join(" ");
const show = (value) => (value instanceof Error ? `${value}\n${value.stack}` : JSON.stringify(value) ?? String(value));
globalThis.console ??= {
  log: (...values) => println(shown(values)),
  info: (...values) => println(shown(values)),
  debug: (...values) => println(shown(values)),
  warn: (...values) => eprintln(shown(values)),
  error: (...values) => eprintln(shown(values)),
};

// ---- The door by which a host starts functions ----

export function actors(functions) {
  return {
    start(name, argument) {
      if (!Object.hasOwn(functions, name)) {
        const known = Object.keys(functions).join(", ");
        throw { tag: "error", val: `no function \`${name}\` in this module; it has ${known}` };
      }
      run(functions[name], decodeArgument(argument));
    },
  };
}

function decodeArgument(argument) {
  try {
    return decode(argument);
  } catch (error) {
    throw { tag: "error", val: `argument of the start function: ${error.message}` };
  }
}

function run(target, argument) {
  try {
    const result = target(argument);
    if (result !== undefined) rpc.giveResult(encode(result));
  } catch (error) {
    if (error instanceof Exit) {
      if (error.reason.tag === "normal") return;
      throw error.reason;
    }
    // What ends here is a trap, which does not say why by itself.
    hostLog.panic(error instanceof Error ? `${error}\n${error.stack}`.trimEnd() : `thrown: ${shown([error])}`);
    throw error;
  }
}
