// Messages: the CBOR of docs/messages.md. Nothing here knows the host.
import { MessageError, decoder, encoder, fromUtf8, isAscii, utf8 } from "./text.js";

/** Values within each other, at most: a sender is not to use up the receiver's stack. */
const DEPTH_MAX = 32;

/** Longer texts are not looked at letter by letter, which is slow in an interpreter. */
const LOOPED_MAX = 24;
/** The letters of ASCII. */
const LETTERS = Array.from({ length: 0x80 }, (_, code) => String.fromCharCode(code));

/** A number that is written as a floating-point number even where it is whole. */
export class Float {
  constructor(value) {
    this.value = Number(value);
  }
}

/** Field names that were written before, as they were: records repeat the same ones. */
const known = new Map();
/** Names kept at most, and how long they are at most. */
const KNOWN_MAX = 256;
const KNOWN_LENGTH_MAX = 32;

class Writer {
  constructor(bytes) {
    this.bytes = bytes;
    this.length = 0;
  }

  /** Makes room for so many bytes, and gives where they begin. */
  room(count) {
    const at = this.length;
    this.length += count;
    if (this.length > this.bytes.length) {
      const grown = new Uint8Array(Math.max(this.length, this.bytes.length * 2));
      grown.set(this.bytes);
      this.bytes = grown;
    }
    return at;
  }

  byte(value) {
    if (this.length === this.bytes.length) {
      this.room(1);
      this.length--;
    }
    this.bytes[this.length++] = value;
  }

  /** The head of an item: its major type, and a number or BigInt in the fewest bytes. */
  head(major, number) {
    const first = major << 5;
    if (number < 24) return this.byte(first | Number(number));
    if (number < 0x100) {
      this.byte(first | 24);
      return this.byte(Number(number));
    }
    const [info, length] = number < 0x10000 ? [25, 2] : number < 0x100000000 ? [26, 4] : [27, 8];
    this.byte(first | info);
    const at = this.room(length);
    const view = new DataView(this.bytes.buffer);
    if (length === 2) view.setUint16(at, Number(number));
    else if (length === 4) view.setUint32(at, Number(number));
    else view.setBigUint64(at, BigInt(number));
  }

  float(value) {
    this.byte(0xfb);
    const at = this.room(8);
    new DataView(this.bytes.buffer).setFloat64(at, value);
  }

  raw(bytes) {
    const at = this.room(bytes.length);
    this.bytes.set(bytes, at);
  }

  number(value) {
    if (!Number.isSafeInteger(value) || Object.is(value, -0)) this.float(value);
    else if (value < 0) this.head(1, -1 - value);
    else this.head(0, value);
  }

  bigint(value) {
    if (value > 0xffffffffffffffffn || value < -0x8000000000000000n) {
      throw new RangeError("integers in messages are from -2^63 to 2^64 - 1");
    }
    if (value < 0n) this.head(1, -1n - value);
    else this.head(0, value);
  }

  text(value) {
    const start = this.length;
    const { length } = value;
    if (length > LOOPED_MAX) return this.long(value);
    this.head(3, length);
    const at = this.room(length);
    const { bytes } = this;
    for (let index = 0; index < length; index++) {
      const code = value.charCodeAt(index);
      if (code >= 0x80) {
        // No ASCII: another length, and from the beginning.
        this.length = start;
        return this.wide(utf8(value));
      }
      bytes[at + index] = code;
    }
  }

  wide(bytes) {
    this.head(3, bytes.length);
    this.raw(bytes);
  }

  /** Without an encoder, the engine's own way from ASCII to bytes is by base 64. */
  long(value) {
    if (encoder || !isAscii(value)) return this.wide(utf8(value));
    this.head(3, value.length);
    const at = this.room(value.length);
    this.bytes.subarray(at, at + value.length).setFromBase64(btoa(value));
  }

  map(map, depth) {
    this.head(5, map.size);
    for (const [key, item] of map) {
      this.value(key, depth + 1);
      this.value(item, depth + 1);
    }
  }

  /** The name of a field. */
  name(name) {
    const before = known.get(name);
    if (before !== undefined) return this.raw(before);
    const at = this.length;
    this.text(name);
    if (known.size < KNOWN_MAX && name.length <= KNOWN_LENGTH_MAX) {
      known.set(name, this.bytes.slice(at, this.length));
    }
  }

  record(object, depth) {
    const names = Object.keys(object);
    const { length } = names;
    let absent = 0;
    for (let index = 0; index < length; index++) if (object[names[index]] === undefined) absent++;
    this.head(5, length - absent);
    for (let index = 0; index < length; index++) {
      const value = object[names[index]];
      if (value === undefined) continue;
      this.name(names[index]);
      this.value(value, depth + 1);
    }
  }

  value(value, depth) {
    if (depth > DEPTH_MAX) throw new RangeError("values in messages nest 32 levels deep at most");
    switch (typeof value) {
      case "undefined":
        return this.byte(0xf6);
      case "boolean":
        return this.byte(value ? 0xf5 : 0xf4);
      case "number":
        return this.number(value);
      case "bigint":
        return this.bigint(value);
      case "string":
        return this.text(value);
      case "object":
        return this.object(value, depth);
      default:
        throw new TypeError(`a ${typeof value} cannot be in a message`);
    }
  }

  object(value, depth) {
    if (value === null) return this.byte(0xf6);
    if (Object.getPrototypeOf(value) === Object.prototype) return this.record(value, depth);
    if (value instanceof Float) return this.float(value.value);
    if (value instanceof Uint8Array) {
      this.head(2, value.length);
      return this.raw(value);
    }
    if (Array.isArray(value)) {
      this.head(4, value.length);
      for (let index = 0; index < value.length; index++) this.value(value[index], depth + 1);
      return;
    }
    if (value instanceof Map) this.map(value, depth);
    else this.record(value, depth);
  }
}

/** The body of a value. */
export function encode(value) {
  const writer = new Writer(spare ?? new Uint8Array(SPARE_LENGTH));
  // A getter within the value may encode something else meanwhile.
  spare = null;
  writer.value(value, 1);
  if (writer.bytes.length === SPARE_LENGTH) spare = writer.bytes;
  return writer.bytes.slice(0, writer.length);
}

/** Where the next value is written first. */
let spare = null;
const SPARE_LENGTH = 256;

class Reader {
  at = 0;

  constructor(bytes) {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  }

  take(count) {
    if (count > this.bytes.length - this.at) throw new MessageError("it ends too early");
    this.at += count;
    return this.at - count;
  }

  /** The number in a head: a BigInt where a number does not hold it. */
  number(info) {
    if (info < 24) return info;
    if (info > 27) throw new MessageError("a length that is not of use here");
    const at = this.take(1 << (info - 24));
    if (info === 24) return this.view.getUint8(at);
    if (info === 25) return this.view.getUint16(at);
    if (info === 26) return this.view.getUint32(at);
    const large = this.view.getBigUint64(at);
    return large <= 0x1fffffffffffffn ? Number(large) : large;
  }

  slice(count) {
    const at = this.take(Number(count));
    return this.bytes.slice(at, at + Number(count));
  }

  text(count) {
    const at = this.take(count);
    const end = at + count;
    if (count > LOOPED_MAX && !decoder) {
      const letters = atob(this.bytes.subarray(at, end).toBase64());
      if (isAscii(letters)) return letters;
    } else if (count <= LOOPED_MAX) {
      const { bytes } = this;
      let text = "";
      for (let index = at; index < end; index++) {
        const letter = LETTERS[bytes[index]];
        if (letter === undefined) return fromUtf8(bytes.subarray(at, end));
        text += letter;
      }
      return text;
    }
    return fromUtf8(this.bytes.subarray(at, end));
  }

  /** How many items follow; each takes a byte at least. */
  items(count) {
    if (count > this.bytes.length - this.at) throw new MessageError("it ends too early");
    return count;
  }

  value(depth) {
    if (depth > DEPTH_MAX) throw new MessageError("it is nested too deeply");
    const first = this.bytes[this.at++];
    if (first === undefined) throw new MessageError("it ends too early");
    const info = first & 31;
    switch (first >> 5) {
      case 0:
        return info < 24 ? info : this.number(info);
      case 1:
        return negative(this.number(info));
      case 2:
        return this.slice(this.number(info));
      case 3:
        return this.text(info < 24 ? info : Number(this.number(info)));
      case 4: {
        const items = [];
        for (let left = this.items(this.number(info)); left > 0; left--) items.push(this.value(depth + 1));
        return items;
      }
      case 5:
        return this.map(this.items(this.number(info)), depth);
      case 6:
        throw new MessageError("a tag, which messages do not have");
      default:
        return this.simple(first);
    }
  }

  map(count, depth) {
    const object = {};
    // The order of the keys, once an object would have another one.
    let order = null;
    for (; count > 0; count--) {
      const key = this.value(depth + 1);
      if (typeof key !== "string") return this.mixed(object, order ?? Object.keys(object), key, count, depth);
      const value = this.value(depth + 1);
      const first = key.charCodeAt(0);
      // An object puts "10" before "a", wherever it was.
      if (first >= 0x30 && first <= 0x39) order ??= Object.keys(object);
      order?.push(key);
      if (key !== "__proto__") object[key] = value;
      // A plain assignment would do something else.
      else Object.defineProperty(object, key, { value, writable: true, enumerable: true, configurable: true });
    }
    return object;
  }

  /** A map with a key that is no text: what was read of it in its order, and the rest. */
  mixed(object, order, first, count, depth) {
    const map = new Map(order.map((key) => [key, object[key]]));
    map.set(first, this.value(depth + 1));
    for (; count > 1; count--) {
      const key = this.value(depth + 1);
      map.set(key, this.value(depth + 1));
    }
    return map;
  }

  simple(first) {
    switch (first) {
      case 0xf4:
        return false;
      case 0xf5:
        return true;
      case 0xf6:
      case 0xf7:
        return null;
      case 0xfa:
        return this.view.getFloat32(this.take(4));
      case 0xfb:
        return this.view.getFloat64(this.take(8));
      default:
        throw new MessageError("a simple value, which messages do not have");
    }
  }
}

function negative(number) {
  if (typeof number === "bigint") {
    if (number > 0x7fffffffffffffffn) throw new MessageError("an integer below -2^63");
    return -1n - number;
  }
  // -2^53 is no safe integer, though 2^53 - 1 is one.
  return number === Number.MAX_SAFE_INTEGER ? -1n - BigInt(number) : -1 - number;
}

/** The value of a body. */
export function decode(body) {
  if (body.length === 0) return null;
  const reader = new Reader(body);
  const value = reader.value(1);
  const left = body.length - reader.at;
  if (left > 0) throw new MessageError(`${left} bytes too many`);
  return value;
}
