// Texts as bytes, in UTF-8. Nothing here knows the host.

const NOT_ASCII = /[^\x00-\x7f]/;
/** An expression takes memory for each letter that it looks at. */
const LETTERS_AT_ONCE = 1024;

export function isAscii(text) {
  for (let at = 0; at < text.length; at += LETTERS_AT_ONCE) {
    if (NOT_ASCII.test(text.slice(at, at + LETTERS_AT_ONCE))) return false;
  }
  return true;
}

/** What an engine may have for UTF-8, and QuickJS has not. */
export const encoder = globalThis.TextEncoder && new TextEncoder();
export const decoder = globalThis.TextDecoder && new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** A body that is not what docs/messages.md describes, or bytes that are no text. */
export class MessageError extends Error {
  constructor(problem) {
    super(`message not understood: ${problem}`);
    this.name = "MessageError";
  }
}

const halved = () => new RangeError("a string with half a surrogate pair is no text");

/** A text in UTF-8. */
export function utf8(text) {
  if (encoder) {
    if (!text.isWellFormed()) throw halved();
    return encoder.encode(text);
  }
  const bytes = new Uint8Array(text.length * 3);
  let at = 0;
  for (let index = 0; index < text.length; index++) {
    let code = text.charCodeAt(index);
    if (code < 0x80) {
      bytes[at++] = code;
      continue;
    }
    if (code >= 0xd800 && code < 0xe000) {
      const low = text.charCodeAt(++index);
      if (code >= 0xdc00 || !(low >= 0xdc00 && low < 0xe000)) {
        throw halved();
      }
      code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
      bytes[at++] = 0xf0 | (code >> 18);
      bytes[at++] = 0x80 | ((code >> 12) & 0x3f);
    } else if (code >= 0x800) {
      bytes[at++] = 0xe0 | (code >> 12);
    } else {
      bytes[at++] = 0xc0 | (code >> 6);
      bytes[at++] = 0x80 | (code & 0x3f);
      continue;
    }
    bytes[at++] = 0x80 | ((code >> 6) & 0x3f);
    bytes[at++] = 0x80 | (code & 0x3f);
  }
  return bytes.subarray(0, at);
}

/** The text that these bytes are in UTF-8. */
export function fromUtf8(bytes) {
  const wrong = () => new MessageError("a text that is not UTF-8");
  if (decoder) {
    try {
      return decoder.decode(bytes);
    } catch {
      throw wrong();
    }
  }
  let text = "";
  for (let at = 0; at < bytes.length; ) {
    const first = bytes[at++];
    if (first < 0x80) {
      text += String.fromCharCode(first);
      continue;
    }
    const more = first >= 0xf0 ? 3 : first >= 0xe0 ? 2 : 1;
    if (first < 0xc2 || first > 0xf4 || bytes.length - at < more) throw wrong();
    let code = first & (0x3f >> more);
    for (let index = 0; index < more; index++) {
      const next = bytes[at++];
      if ((next & 0xc0) !== 0x80) throw wrong();
      code = (code << 6) | (next & 0x3f);
    }
    const least = [0, 0x80, 0x800, 0x10000][more];
    if (code < least || code > 0x10ffff || (code >= 0xd800 && code < 0xe000)) throw wrong();
    text += String.fromCodePoint(code);
  }
  return text;
}
