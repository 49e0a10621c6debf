// The checks of names, groups and locks of the cluster, and of its nodes.
import * as odeon from "odeon";
import { call, fromUtf8, groups, locks, names, receive, receiveEvent, send, spawn, utf8 } from "odeon";
import { LONG, SHORT, assert, echo, kindOf, next, refused, same, silence } from "./checks.js";

// ---- What runs on the other node ----

/** Gives who has a name there, or null. */
export const find = (name) => names.whereis(name);

/** Joins a group of a scope, and is an echo then. */
export function member([scope, group]) {
  groups.start(scope);
  groups.join(scope, group);
  echo();
}

/** Holds a lock, and is an echo then. */
export function holder(resource) {
  locks.acquire(resource);
  echo();
}

// ---- What the checks share ----

/** Who sent the next message, which is this text. */
function heard(text) {
  const { sender, value } = receive({ timeout: LONG });
  same(value, text);
  return sender;
}

/** The next event of a monitor is that this one joined or left, once. */
function changed(monitor, group, joined, pid) {
  const change = receiveEvent({ of: monitor, timeout: LONG });
  same([change.type, change.monitor, change.joined], ["groupChange", monitor, joined]);
  same([fromUtf8(change.group), change.members], [group, [pid]]);
}

// ---- On one node ----

export function check_cluster_names() {
  const [one, other] = [spawn("echo"), spawn("echo")];
  const bytes = new Uint8Array([0x62, 0xff, 0]);
  names.register("a", one);
  const taken = refused(() => names.register("a", other));
  same([taken.kind, taken.detail], ["taken", one]);
  same(kindOf(() => names.register(bytes, one)), "has-name");
  same(kindOf(() => names.register("", other)), "empty");
  same(kindOf(() => names.register("a".repeat(256), other)), "too-long");
  names.register(bytes, other, { resolver: "oldest-notify", timeout: LONG });
  same(names.whereis(bytes), other);
  const all = names.registered().map(({ name, pid }) => [[...name], pid]);
  same(all, [[[0x61], one], [[0x62, 0xff, 0], other]]);
  same(names.send("a", "hello"), one);
  same(heard("hello"), one);
  names.unregister("a");
  names.unregister("a", { timeout: LONG });
  same(names.whereis("a"), null);
  same(kindOf(() => names.send("a", "hello")), "no-name");
  names.reRegister(bytes, one);
  same(names.whereis(bytes), one);
  silence();
}

export function check_groups() {
  const child = spawn("echo");
  same(kindOf(() => groups.members("js", "echoes")), "no-scope");
  same(kindOf(() => groups.send("js", "echoes", "nobody")), "no-name");
  same([groups.start("js"), groups.start("js")], [true, false]);
  same(groups.scopes().map(fromUtf8), ["js"]);
  groups.join("js", "echoes", child);

  // What was before is in what the monitor begins with, and no event.
  const all = groups.monitorAll("js");
  same(all.groups.map(({ group, members }) => [fromUtf8(group), members]), [["echoes", [child]]]);
  const one = groups.monitor("js", "others");
  same(one.members, []);
  silence();
  groups.join("js", utf8("echoes"), child);
  changed(all.monitor, "echoes", true, child);
  silence();

  same(groups.members("js", "echoes"), [child, child]);
  same(groups.members("js", "echoes", { local: true }), [child, child]);
  same(groups.list("js", { local: true }).map(fromUtf8), ["echoes"]);
  same(groups.random("js", "echoes"), child);
  same(groups.random("js", "others"), null);
  same(groups.send("js", "echoes", "twice"), 2);
  same([heard("twice"), heard("twice")], [child, child]);

  groups.leave("js", "echoes", child, child);
  same(kindOf(() => groups.leave("js", "echoes", child)), "not-joined");
  // The event of that was taken out of the mailbox by who waits for another, and is dropped.
  same(receive({ timeout: SHORT }), null);
  same([groups.demonitor(all.monitor), groups.demonitor(all.monitor)], [true, false]);
  groups.join("js", "others", child);
  changed(one.monitor, "others", true, child);
  same(groups.demonitor(one.monitor), true);
  same(groups.list("js").map(fromUtf8), ["others"]);
  same([groups.stop("js"), groups.scopes()], [true, []]);
  silence();
}

export function check_locks() {
  locks.acquire("js's");
  locks.acquire("js's");
  const another = { requester: "another", timeout: 0 };
  const held = refused(() => locks.acquire("js's", another));
  same([held.kind, held.detail], ["held", odeon.me()]);
  let runs = 0;
  same(kindOf(() => locks.withLock("js's", () => runs++, another)), "held");
  same(runs, 0);
  same(kindOf(() => locks.acquire("js's", { ...another, timeout: SHORT })), "timeout");
  locks.release("js's");
  same(locks.withLock("js's", () => ++runs, another), 1);
  // An exception releases it, too.
  const failing = () => {
    throw new Error("on purpose");
  };
  same(kindOf(() => locks.withLock("js's", failing)), undefined);
  same(locks.withLock("js's", () => ++runs, another), 2);
  same(kindOf(() => locks.acquire("js's", { nodes: ["nobody@nowhere"] })), "noconnection");
  same(kindOf(() => locks.acquire("")), "empty");
  silence();
}

// ---- Between two nodes ----

function checkNodes(node) {
  odeon.watchNodes();
  same([odeon.isDistributed(), odeon.nodes("connected")], [true, []]);
  odeon.connect(node);
  same(kindOf(() => odeon.connect("nobody@nowhere")), "failed");
  const { type, node: name, hidden, reason } = next();
  same([type, name, hidden, reason], ["nodeUp", node, false, null]);
  same([odeon.nodes(), odeon.nodes("hidden")], [[node], []]);
}

function checkNamesWith(node) {
  const far = spawn("echo", null, { node });
  same(odeon.nodeOf(far), node);
  names.register("moving", far);
  same([names.whereis("moving"), call("find", "moving", { node })], [far, far]);
  same(names.send("moving", "by name"), far);
  same(heard("by name"), far);
  names.reRegister("moving");
  same(call("find", "moving", { node }), odeon.me());
  names.unregister("moving");
  same(call("find", "moving", { node }), null);
  odeon.exit(far, { tag: "kill" });
}

function checkGroupsWith(node) {
  groups.start("both");
  const { monitor, members } = groups.monitor("both", "members");
  same(members, []);
  const far = spawn("member", ["both", "members"], { node });
  changed(monitor, "members", true, far);
  same(groups.members("both", "members"), [far]);
  same(groups.members("both", "members", { local: true }), []);
  same(groups.closest("both", "members"), far);
  const near = spawn("member", ["both", "members"]);
  changed(monitor, "members", true, near);
  same(groups.closest("both", "members"), near);
  same(groups.send("both", "members", "to all"), 1);
  const senders = [heard("to all"), heard("to all")];
  assert([near, far].every((pid) => senders.some((one) => odeon.samePid(one, pid))), "each answers");
  odeon.exit(far, { tag: "kill" });
  changed(monitor, "members", false, far);
  same(groups.members("both", "members"), [near]);
  same(groups.demonitor(monitor), true);
  odeon.exit(near, { tag: "kill" });
  silence();
}

function checkLocksWith(node) {
  const far = spawn("holder", "disk", { node });
  send(far, "is it held?");
  same(heard("is it held?"), far);
  const held = refused(() => locks.acquire("disk", { timeout: 0 }));
  same([held.kind, held.detail], ["held", far]);
  odeon.exit(far, { tag: "kill" });
  locks.acquire("disk", { timeout: LONG });
  locks.release("disk");
}

export function check_cluster(node) {
  checkNodes(node);
  checkNamesWith(node);
  checkGroupsWith(node);
  checkLocksWith(node);
  same([odeon.disconnect(node), odeon.disconnect(node)], [true, false]);
  const event = next();
  same([event.type, event.node], ["nodeDown", node]);
  assert(event.reason, "it says why it went");
  odeon.unwatchNodes();
  odeon.connect(node);
  silence();
}

/** Runs on two nodes that meet when both have the name. */
export function check_name_lost() {
  names.register("contested", odeon.me(), { resolver: "notify-all" });
  const event = next();
  same([event.type, fromUtf8(event.name), event.both], ["nameLost", "contested", true]);
  assert(event.other.node !== odeon.me().node, "the other owner is of another node");
  const owner = names.whereis("contested");
  assert(owner === null || !odeon.samePid(owner, odeon.me()), "it does not have it any more");
  silence();
}
