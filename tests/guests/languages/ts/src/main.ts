// What TypeScript adds to the guest in JavaScript: types, and files that are put together.
import { actors, fromUtf8, groups, locks, me, names, receive, receiveEvent, send, spawn } from "odeon";
import type { Event, GroupChange, Message, Pid } from "odeon";
import { Kind, sum, type Sum } from "./sums";

type Question = { numbers: number[] };

function adder(): never {
  for (;;) {
    const question: Message<Question> = receive<Question>();
    send(question.sender, sum(question.value.numbers));
  }
}

function check_types(): void {
  const child: Pid = spawn("adder");
  send(child, { numbers: [20, 80] } satisfies Question);
  const answer = receive<Sum>({ timeout: 10_000 });
  if (answer?.value.total !== 100 || answer.value.kind !== Kind.Large) {
    throw new Error(`the sum is ${JSON.stringify(answer?.value)}`);
  }
}

function isChange(event: Event | null): event is GroupChange {
  return event?.type === "groupChange";
}

function check_cluster_types(): void {
  const options: names.Registration = { resolver: "notify-all", timeout: 10_000 };
  names.register("ts", me(), options);
  const owners: { name: string; pid: Pid }[] = names
    .registered()
    .map(({ name, pid }) => ({ name: fromUtf8(name), pid }));
  groups.start("ts");
  const { monitor, members } = groups.monitor("ts", "typed");
  groups.join("ts", "typed");
  const change: Event | null = receiveEvent({ of: monitor, timeout: 10_000 });
  const joined: number = isChange(change) && change.joined ? change.members.length : 0;
  const held: string = locks.withLock("ts", () => "held", { timeout: 0 });
  const found = JSON.stringify([owners, members, joined, held]);
  const expected = JSON.stringify([[{ name: "ts", pid: me() }], [], 1, "held"]);
  if (found !== expected) throw new Error(`${found} is not ${expected}`);
}

function crash(): never {
  throw new Error("on purpose" as const);
}

export const entry = actors({ adder, check_types, check_cluster_types, crash, nothing: () => {} });
