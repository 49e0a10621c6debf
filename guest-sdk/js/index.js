// Odeon actors in JavaScript. index.d.ts says what each function is for.
import { begin, io, log as hostLog, process as host, rpc, timers } from "#host";
import { forget } from "./mailbox.js";
import { decode, encode } from "./message.js";
import { fromUtf8, utf8 } from "./text.js";
import { Exit, asked, destination } from "./words.js";

export * as groups from "./groups.js";
export * as locks from "./locks.js";
export * as names from "./names.js";
export { receive, receiveEvent, receiveWhere, send } from "./mailbox.js";
export { decode, encode, Float } from "./message.js";
export * from "./nodes.js";
export { fromUtf8, MessageError, utf8 } from "./text.js";
export { Exit, HostError, samePid } from "./words.js";

// ---- Words ----

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
export function demonitor(reference) {
  const wasThere = asked("demonitor", () => host.demonitor(reference, true));
  forget(reference);
  return wasThere;
}
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

// ---- Output, input, the log ----

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

/** What programs expect of a console, through the group leader; an engine's own would write
 * where nobody reads. */
const shown = (values) => values.map((it) => (typeof it === "string" ? it : show(it))).join(" ");
const show = (value) => (value instanceof Error ? `${value}\n${value.stack}` : JSON.stringify(value) ?? String(value));
globalThis.console = {
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
      begin();
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
    if (result instanceof Promise) throw new TypeError("an actor's function cannot be async: nothing waits for it");
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
