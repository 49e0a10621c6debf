// What the files of this guest share.
import { receive, receiveEvent, send } from "odeon";

export const LONG = 10000;
export const SHORT = 30;

export function assert(holds, what) {
  if (!holds) throw new Error(`${what} does not hold`);
}

export function same(found, expected) {
  const [one, other] = [JSON.stringify(found), JSON.stringify(expected)];
  assert(one === other, `${one} === ${other}`);
}

/** The error that a function throws. */
export function refused(it) {
  try {
    it();
  } catch (error) {
    return error;
  }
  throw new Error("nothing was thrown");
}

/** Its kind. */
export const kindOf = (it) => refused(it).kind;

export const next = () => {
  const event = receiveEvent({ timeout: LONG });
  assert(event !== null, "an event comes");
  return event;
};
export const silence = () => same(receiveEvent({ timeout: SHORT }), null);

/** Reads every message and sends it back as it would write it. */
export function echo() {
  for (;;) {
    const message = receive();
    let value;
    try {
      value = message.value;
    } catch (error) {
      value = { refused: error.message };
    }
    send(message.sender, value);
  }
}
