// The functions that every language's guest of the suite `languages` has, in JavaScript.
// tests/languages says what each is for. A check ends normally, or by an exception.
import * as odeon from "odeon";
import { Exit, Float, actors, call, encode, receive, receiveEvent, send, spawn } from "odeon";
import { LONG, SHORT, assert, echo, kindOf, next, same, silence } from "./checks.js";
import * as cluster from "./cluster.js";

const reasonOf = (of) => receiveEvent({ of, timeout: LONG }).reason;

function waiter() {
  for (;;) receiveEvent();
}

function nothing() {}

function fail(text) {
  throw new Exit({ tag: "error", val: text });
}

function crash(text) {
  throw new Error(text);
}

function custom(bytes) {
  odeon.stop({ tag: "custom", val: bytes });
}

function add([a, b]) {
  const sum = BigInt(a) + BigInt(b);
  if (sum >= 1n << 63n || sum < -(1n << 63n)) fail("the sum is out of range");
  return sum;
}

function check_send() {
  const child = spawn("echo");
  for (let number = 0; number < 100; number++) send(child, number);
  for (let number = 0; number < 100; number++) {
    const { sender, value } = receive({ timeout: LONG });
    same([sender, value], [child, number]);
  }
  const alias = odeon.alias();
  send({ alias }, "by alias");
  const message = receive({ of: alias, timeout: LONG });
  same([message.value, message.via], ["by alias", alias]);
  assert(odeon.unalias(alias), "it was there");
  send({ alias }, "too late");
  silence();
}

function check_timeout() {
  same(receive({ timeout: 0 }), null);
  const before = odeon.now();
  same(receive({ timeout: SHORT }), null);
  assert(odeon.now() - before >= SHORT, "it took the time");
  const timer = odeon.startTimer(1);
  const event = next();
  same([event.type, event.timer], ["timeout", timer]);
  assert(odeon.cancelTimer(odeon.startTimer(LONG)) > 0, "time was left");
  silence();
}

function check_links() {
  odeon.trapExit(true);
  const failing = odeon.spawnLink("fail", "on purpose");
  let event = next();
  same([event.type, event.sender], ["exit", failing]);
  same(event.reason, { tag: "error", val: "on purpose" });
  const free = spawn("waiter");
  odeon.link(free);
  odeon.unlink(free);
  odeon.exit(free, { tag: "kill" });
  silence();
  const bound = spawn("waiter");
  odeon.link(bound);
  odeon.exit(bound, { tag: "shutdown" });
  event = next();
  same([event.type, event.reason.tag], ["exit", "shutdown"]);
}

function check_monitors() {
  const child = spawn("waiter");
  const [dropped, kept] = [odeon.monitor(child), odeon.monitor(child)];
  same(odeon.demonitor(dropped), true);
  odeon.exit(child, { tag: "kill" });
  const event = next();
  same([event.type, event.monitor, event.object.val], ["down", kept, child]);
  same(event.reason.tag, "killed");
  same(reasonOf(odeon.monitor(child)).tag, "noproc");
  same(odeon.isAlive(child), false);
  silence();
}

const endOf = (target, argument) => reasonOf(odeon.spawnMonitor(target, argument).monitor);

function check_exits() {
  same(endOf("nothing").tag, "normal");
  same(endOf("fail", "in words"), { tag: "error", val: "in words" });
  const crashed = endOf("crash", "a loud crash");
  same(crashed.tag, "trap");
  assert(crashed.val.includes("a loud crash"), crashed.val);
  assert(crashed.val.includes("main.js"), `a stack is in: ${crashed.val}`);
  const own = endOf("custom", new Uint8Array([1, 2]));
  same([own.tag, ...own.val], ["custom", 1, 2]);
  const unknown = endOf("no_such_function");
  assert(unknown.tag === "error" && unknown.val.includes("it has echo"), unknown.val);
}

function check_names() {
  const child = spawn("echo");
  odeon.register("echo of js", child);
  same(kindOf(() => odeon.register("echo of js")), "taken");
  same(odeon.whereis("echo of js"), child);
  send("echo of js", "hello");
  same(receive({ timeout: LONG }).value, "hello");
  same(odeon.unregister("echo of js"), true);
  same(odeon.whereis("echo of js"), null);
  same(kindOf(() => send("echo of js", "hello")), "no-name");
}

function check_rpc() {
  same(call("add", [20, 22]), 42);
  try {
    call("fail", "called");
    assert(false, "that call fails");
  } catch (error) {
    same([error.kind, error.detail], ["ended", { tag: "error", val: "called" }]);
  }
  same(kindOf(() => call("waiter", null, { timeout: SHORT })), "timeout");
  // In the module of the Rust SDK.
  same(call("add", [1, 2], { module: "conformance" }), 3);
  const request = odeon.request("add", [1, 2], { module: "conformance" });
  const event = next();
  same([event.type, event.request, event.value], ["callReply", request, 3]);
  silence();
}

/** What top-level code throws at the build is not what actors throw. */
const thrown = Math.random();

/** What an actor throws, with the engine's dice and the host's, and what its clocks say. */
function chance() {
  const dice = [thrown, Math.random(), Math.random()];
  const bytes = [crypto.randomUUID(), ...crypto.getRandomValues(new Uint8Array(8))];
  return { dice, bytes, date: Date.now(), made: new Date().getTime(), ran: performance.now() };
}

function check_chance() {
  const [one, other] = [call("chance"), call("chance")];
  assert(one.dice[0] === other.dice[0], "the build threw once");
  const all = [thrown, ...one.dice.slice(1), ...other.dice.slice(1)];
  assert(new Set(all).size === all.length, `each of ${all} was thrown once`);
  assert(all.every((it) => it >= 0 && it < 1), `${all} are from 0 to 1`);
  assert(one.bytes.join() !== other.bytes.join(), "bytes of chance differ");
  assert(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/.test(one.bytes[0]), one.bytes[0]);
  assert(one.date > 1.7e12 && one.made >= one.date && other.date >= one.date, "it is now");
  for (const { ran } of [one, other]) assert(ran >= 0 && ran < LONG, `${ran} ms is how long it ran`);
  const [begun, before] = [performance.now(), odeon.now()];
  odeon.sleep(SHORT);
  assert(performance.now() - begun >= SHORT, "the time passes");
  assert(performance.now() - begun <= odeon.now() - before + 1, "and no quicker than the node's");
  same(new Date(0).toISOString(), "1970-01-01T00:00:00.000Z");
  same(new Date().getTimezoneOffset(), 0);
}

function check_io() {
  const line = odeon.getLine("who? ");
  odeon.print(`hello, ${line}`);
  same(odeon.getLine(), null);
  console.log("that was all");
}

/** An echo on another node, of this module or another one: there and back. */
function checkEchoOn(node, module) {
  const { pid, monitor } = odeon.spawnMonitor("echo", null, { node, module, name: "far echo" });
  assert(pid.node !== odeon.me().node, "it is on another node");
  const letter = { me: odeon.me(), ref: monitor, text: "züg" };
  send(pid, letter);
  const { sender, value } = receive({ timeout: LONG });
  same([sender, value], [pid, letter]);
  send({ name: "far echo", node }, "by name");
  same(receive({ timeout: LONG }).value, "by name");
  odeon.exit(pid, { tag: "kill" });
  same(reasonOf(monitor).tag, "killed");
}

function check_far(node) {
  checkEchoOn(node);
  checkEchoOn(node, "conformance");
  same(call("add", [-5, 2], { node }), -3);
  // What no other language has: numbers that know no difference.
  same([...encode(new Float(5))].length, 9);
  silence();
}

export const entry = actors({
  echo, waiter, nothing, fail, crash, custom, add, check_send, check_timeout, check_links,
  check_monitors, check_exits, check_names, check_rpc, check_io, check_far, check_chance, chance, ...cluster,
});
