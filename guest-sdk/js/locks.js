// Locks of the whole cluster. locks.d.ts says what each function is for.
import { locks as host, process } from "#host";
import { asked, bytesOf } from "./words.js";

function idOf(resource, requester) {
  const own = process.me();
  return { resource: bytesOf(resource), requester: bytesOf(requester ?? `${own.node}.${own.serial}`) };
}

export const acquire = (resource, { requester, nodes, timeout } = {}) =>
  asked("lock", () => host.setLock(idOf(resource, requester), nodes ?? null, timeout ?? null));
export const release = (resource, { requester, nodes } = {}) =>
  asked("lock", () => host.deleteLock(idOf(resource, requester), nodes ?? null));

export function withLock(resource, body, options) {
  acquire(resource, options);
  try {
    return body();
  } finally {
    release(resource, options);
  }
}
