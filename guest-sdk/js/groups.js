// Groups of actors of all connected nodes. groups.d.ts says what each function is for.
import { groups as host, process } from "#host";
import { forget } from "./mailbox.js";
import { encode } from "./message.js";
import { PLAINLY, asked, bytesOf } from "./words.js";

const pidsOf = (pids) => (pids.length ? pids : [process.me()]);

export const start = (scope) => asked("group", () => host.start(bytesOf(scope)));
export const stop = (scope) => asked("group", () => host.stop(bytesOf(scope)));
export const scopes = () => host.scopes();
export const join = (scope, group, ...pids) =>
  asked("group", () => host.join(bytesOf(scope), bytesOf(group), pidsOf(pids)));
export const leave = (scope, group, ...pids) =>
  asked("group", () => host.leave(bytesOf(scope), bytesOf(group), pidsOf(pids)));
export const members = (scope, group, { local = false } = {}) =>
  asked("group", () => host.members(bytesOf(scope), bytesOf(group), local));
export const list = (scope, { local = false } = {}) =>
  asked("group", () => host.list(bytesOf(scope), local));
export const random = (scope, group) =>
  asked("group", () => host.pick(bytesOf(scope), bytesOf(group), "random"));
export const closest = (scope, group) =>
  asked("group", () => host.pick(bytesOf(scope), bytesOf(group), "closest"));
export const send = (scope, group, value) =>
  asked("send", () => host.send(bytesOf(scope), bytesOf(group), encode(value), PLAINLY));

export function monitor(scope, group) {
  const begun = asked("group", () => host.monitor(bytesOf(scope), bytesOf(group)));
  return { monitor: begun.monitor, members: begun.members.flatMap((one) => one.members) };
}

export function monitorAll(scope) {
  const begun = asked("group", () => host.monitor(bytesOf(scope), null));
  return { monitor: begun.monitor, groups: begun.members };
}

export function demonitor(reference) {
  const wasThere = host.demonitor(reference);
  forget(reference);
  return wasThere;
}
