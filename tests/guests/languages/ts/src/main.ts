// What TypeScript adds to the guest in JavaScript: types, and files that are put together.
import { actors, receive, send, spawn, type Message, type Pid } from "odeon";
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

function crash(): never {
  throw new Error("on purpose" as const);
}

export const entry = actors({ adder, check_types, crash, nothing: () => {} });
