// Names that are known on every connected node. names.d.ts says what each function is for.
import { names as host, process } from "#host";
import { encode } from "./message.js";
import { PLAINLY, asked, bytesOf } from "./words.js";

const RESOLVERS = ["random-exit", "random-notify", "notify-all", "oldest-exit", "oldest-notify"];
/** Names that are fetched together, which is as many as the host gives. */
const PAGE_MAX = 1024;

function optionsOf({ resolver = "random-exit", timeout } = {}) {
  if (!RESOLVERS.includes(resolver)) throw new RangeError(`${resolver} is none of ${RESOLVERS.join(", ")}`);
  return { resolver: { tag: resolver }, timeoutMs: timeout ?? null };
}

export const register = (name, pid = process.me(), options) =>
  asked("register", () => host.register(bytesOf(name), pid, optionsOf(options)));
export const reRegister = (name, pid = process.me(), options) =>
  asked("register", () => host.reRegister(bytesOf(name), pid, optionsOf(options)));
export const unregister = (name, { timeout } = {}) =>
  asked("unregister", () => host.unregister(bytesOf(name), timeout ?? null));
export const whereis = (name) => host.whereis(bytesOf(name));
export const send = (name, value) =>
  asked("send", () => host.send(bytesOf(name), encode(value), PLAINLY));

export function registered() {
  const all = [];
  for (;;) {
    const page = host.list(all.length ? all[all.length - 1].name : null, PAGE_MAX);
    all.push(...page);
    if (page.length < PAGE_MAX) return all;
  }
}
