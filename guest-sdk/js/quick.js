// What QuickJS has not, or would have in each actor as it was at the build: random numbers, and
// how long it runs.
import { now as sinceNodeStarted } from "odeon:actor/timers@0.1.0";
import { getRandomBytes } from "wasi:random/random@0.2.0";
import { throwWith } from "./dice.js";

/** Bytes that nobody can foretell; a host gives so many at once. */
const BYTES_MAX = 65536;

/** When the actor began; nothing at the build. */
let begun = null;

/** The dice of one actor: sfc32, whose three words are the host's. */
function ownDice() {
  let [a, b, c] = new Uint32Array(getRandomBytes(12).slice().buffer);
  let count = 1;
  const word = () => {
    const sum = (a + b + count) | 0;
    count = (count + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (((c << 21) | (c >>> 11)) + sum) | 0;
    return sum >>> 0;
  };
  // The words are mixed before the first number.
  for (let round = 0; round < 12; round++) word();
  return () => ((word() >>> 5) * 0x4000000 + (word() >>> 6)) / 0x20000000000000;
}

/** An actor begins: what was thrown and measured so far was the build's. */
export function begin() {
  throwWith(() => {
    const dice = ownDice();
    throwWith(dice);
    return dice();
  });
  begun = sinceNodeStarted();
}

globalThis.performance = {
  now: () => (begun === null ? 0 : (sinceNodeStarted() - begun) / 1e6),
  get timeOrigin() {
    return Date.now() - this.now();
  },
};

globalThis.crypto = {
  getRandomValues(array) {
    if (!ArrayBuffer.isView(array) || array instanceof DataView || array instanceof Float32Array
      || array instanceof Float64Array) {
      throw new TypeError("random bytes go into an array of integers");
    }
    if (array.byteLength > BYTES_MAX) {
      throw new RangeError(`${BYTES_MAX} random bytes at a time at most`);
    }
    const bytes = new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
    bytes.set(getRandomBytes(bytes.length));
    return array;
  },
  randomUUID() {
    const bytes = getRandomBytes(16).slice();
    bytes[6] = (bytes[6] & 0x0f) | 0x40;
    bytes[8] = (bytes[8] & 0x3f) | 0x80;
    const hex = bytes.toHex();
    return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)]
      .join("-");
  },
};
