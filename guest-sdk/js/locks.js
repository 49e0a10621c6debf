// Locks of the whole cluster. locks.d.ts says what each function is for.
import * as host from "odeon:actor/locks@0.1.0";
import { me } from "odeon:actor/process@0.1.0";
import { asked, bytesOf } from "./words.js";

function idOf(resource, requester) {
  const own = me();
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
