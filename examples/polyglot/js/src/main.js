// The stage that puts an order into words.
import { actors, nodeName, receive, send } from "odeon";

const worded = ({ pieces, name }) => `${pieces} ${name}`;

function stage(next) {
  for (;;) {
    const { value: order } = receive();
    const items = order.items.map(worded).join(" and ") || "nothing";
    order.receipt = `${order.who} had ${items} for ${(order.cents / 100).toFixed(2)}`;
    order.trail.push(`JavaScript on ${nodeName()}`);
    send(next, order);
  }
}

export const entry = actors({ stage });
