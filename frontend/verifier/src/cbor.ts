/** DAG-CBOR in its one canonical form (protocol 1.4): what is read is refused unless it is exactly what we would write. */

import { ascii, compareBytes, concat, same, sha256, toHex } from "./bytes.ts";
import { RuleError } from "./error.ts";
import type { Hex } from "./values.ts";

const CID_PREFIX = Uint8Array.of(0x01, 0x71, 0x12, 0x20);
const LINK_TAG = Uint8Array.of(0xd8, 0x2a, 0x58, 0x25, 0x00);
const MOST_DEPTH = 32;
const ALPHABET = "abcdefghijklmnopqrstuvwxyz234567";
const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** A link to another DAG-CBOR block by its SHA-256. */
export class Cid {
  constructor(readonly digest: Hex) {}
}

/** A decoded value; integers are numbers up to 2^53 − 1 either way, bigint beyond. */
export type Plain = number | bigint | boolean | null | string | Uint8Array | Cid | readonly Plain[] | PlainMap;
export type PlainMap = ReadonlyMap<string, Plain>;

/** Read one canonical value that fills `raw`. Throws RuleError not_canonical. */
export function decode(raw: Uint8Array): Plain {
  const reader = new Reader(raw);
  const value = reader.value(0);
  if (reader.at !== raw.length) throw refused(reader.at, "trailing bytes");
  return value;
}

/** Write a value canonically. */
export function encode(value: Plain): Uint8Array {
  const pieces: Uint8Array[] = [];
  write(value, pieces);
  return concat(...pieces);
}

/** The text of the CID of a block with that SHA-256: `bafyrei…`. */
export function cidText(digest: Uint8Array): string {
  return `b${base32(concat(CID_PREFIX, digest))}`;
}

/** The digest that a CID's text names; null for anything but a version 1 dag-cbor SHA-256 CID. */
export function digestOfCid(text: string): Uint8Array | null {
  const raw = text.startsWith("b") ? unbase32(text.slice(1)) : null;
  if (raw === null || raw.length !== 36 || !same(raw.subarray(0, 4), CID_PREFIX)) return null;
  const digest = raw.slice(4);
  return cidText(digest) === text ? digest : null;
}

/** The CID of a block's bytes, as text. */
export function cidOf(block: Uint8Array): string {
  return cidText(sha256(block));
}

class Reader {
  at = 0;
  private argument: number | bigint = 0;

  constructor(private readonly raw: Uint8Array) {}

  value(depth: number): Plain {
    if (depth > MOST_DEPTH) throw refused(this.at, "nested too deep");
    const start = this.at;
    const lead = this.raw[start];
    if (lead === 0xf4 || lead === 0xf5 || lead === 0xf6) {
      this.at += 1;
      return lead === 0xf6 ? null : lead === 0xf5;
    }
    switch (this.head()) {
      case 0:
        return this.argument;
      case 1:
        return negative(this.argument);
      case 2:
        return this.take(this.size(start));
      case 3:
        return this.text(this.size(start));
      case 4:
        return this.list(this.size(start), depth);
      case 5:
        return this.map(this.size(start), depth);
      case 6:
        return this.link(start);
      default:
        throw refused(start, "floats and simple values are not used");
    }
  }

  /** The major type; `argument` is left behind. */
  private head(): number {
    const start = this.at;
    const lead = this.raw[start];
    if (lead === undefined) throw refused(start, "ends early");
    const code = lead & 31;
    this.at += 1;
    if (code < 24) this.argument = code;
    else if (code > 27) throw refused(start, "indefinite or reserved length");
    else this.longArgument(start, 1 << (code - 24));
    return lead >> 5;
  }

  private longArgument(start: number, size: number): void {
    if (this.at + size > this.raw.length) throw refused(start, "ends early");
    let value = 0;
    for (let i = 0; i < Math.min(size, 4); i += 1) value = value * 256 + (this.raw[this.at + i] ?? 0);
    if (size === 8) this.argument = this.eightBytes(value);
    else this.argument = value;
    if (this.argument < (size === 1 ? 24 : 2 ** (4 * size))) throw refused(start, "integer not in its shortest form");
    this.at += size;
  }

  private eightBytes(high: number): number | bigint {
    let low = 0;
    for (let i = 4; i < 8; i += 1) low = low * 256 + (this.raw[this.at + i] ?? 0);
    return high < 2 ** 21 ? high * 2 ** 32 + low : (BigInt(high) << 32n) | BigInt(low);
  }

  private size(start: number): number {
    if (typeof this.argument === "bigint" || this.argument > this.raw.length) throw refused(start, "ends early");
    return this.argument;
  }

  private take(size: number): Uint8Array {
    if (this.at + size > this.raw.length) throw refused(this.at, "ends early");
    this.at += size;
    return this.raw.subarray(this.at - size, this.at);
  }

  private text(size: number): string {
    const start = this.at;
    try {
      return utf8.decode(this.take(size));
    } catch (error) {
      if (error instanceof RuleError) throw error;
      throw refused(start, "text is not UTF-8");
    }
  }

  private list(count: number, depth: number): Plain {
    const items: Plain[] = [];
    for (let i = 0; i < count; i += 1) items.push(this.value(depth + 1));
    return items;
  }

  private map(count: number, depth: number): Plain {
    const items = new Map<string, Plain>();
    let last: Uint8Array | null = null;
    for (let i = 0; i < count; i += 1) {
      const start = this.at;
      if (this.head() !== 3) throw refused(start, "map key is not text");
      const body = this.at;
      const size = this.size(start);
      const key = this.text(size);
      const raw = this.raw.subarray(body, this.at);
      if (last !== null && (raw.length - last.length || compareBytes(raw, last)) <= 0) {
        throw refused(start, "map keys out of order or repeated");
      }
      last = raw;
      items.set(key, this.value(depth + 1));
    }
    return items;
  }

  private link(start: number): Cid {
    this.at = start;
    const raw = this.raw.subarray(start, start + 41);
    if (raw.length < 41 || !same(raw.subarray(0, 5), LINK_TAG) || !same(raw.subarray(5, 9), CID_PREFIX)) {
      throw refused(start, "tag is not a DAG-CBOR SHA-256 link");
    }
    this.at = start + 41;
    return new Cid(toHex(raw.subarray(9)));
  }
}

function negative(argument: number | bigint): number | bigint {
  if (typeof argument === "number" && argument < Number.MAX_SAFE_INTEGER) return -1 - argument;
  return -1n - BigInt(argument);
}

function refused(offset: number, why: string): RuleError {
  return new RuleError("not_canonical", { offset, why });
}

function write(value: Plain, pieces: Uint8Array[]): void {
  if (value === null) pieces.push(Uint8Array.of(0xf6));
  else if (typeof value === "boolean") pieces.push(Uint8Array.of(value ? 0xf5 : 0xf4));
  else if (typeof value === "number" || typeof value === "bigint") pieces.push(integer(BigInt(value)));
  else if (typeof value === "string") writeText(value, pieces);
  else if (value instanceof Uint8Array) pieces.push(head(2, BigInt(value.length)), value);
  else if (value instanceof Cid) pieces.push(LINK_TAG, CID_PREFIX, hexBytes(value.digest));
  else if (value instanceof Map) writeMap(value, pieces);
  else {
    const items = value as readonly Plain[];
    pieces.push(head(4, BigInt(items.length)));
    for (const item of items) write(item, pieces);
  }
}

function writeText(text: string, pieces: Uint8Array[]): void {
  const bytes = ascii(text);
  pieces.push(head(3, BigInt(bytes.length)), bytes);
}

function writeMap(map: PlainMap, pieces: Uint8Array[]): void {
  const keys = [...map.keys()].map((key) => [ascii(key), key] as const);
  keys.sort(([a], [b]) => a.length - b.length || compareBytes(a, b));
  pieces.push(head(5, BigInt(keys.length)));
  for (const [, key] of keys) {
    writeText(key, pieces);
    write(map.get(key) ?? null, pieces);
  }
}

function integer(value: bigint): Uint8Array {
  return value >= 0n ? head(0, value) : head(1, -1n - value);
}

function head(major: number, argument: bigint): Uint8Array {
  const lead = major << 5;
  if (argument < 24n) return Uint8Array.of(lead | Number(argument));
  const bits = [8, 16, 32, 64].findIndex((size) => argument < 1n << BigInt(size));
  if (bits < 0) throw new RangeError(`integer ${argument} needs more than 64 bits`);
  const bytes = new Uint8Array(1 + 2 ** bits);
  bytes[0] = lead | (24 + bits);
  for (let at = bytes.length - 1, rest = argument; at > 0; at -= 1, rest >>= 8n) bytes[at] = Number(rest & 0xffn);
  return bytes;
}

function hexBytes(hex: Hex): Uint8Array {
  return Uint8Array.from(hex.slice(2).match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
}

function base32(raw: Uint8Array): string {
  let [bits, held, text] = [0, 0, ""];
  for (const byte of raw) {
    held = (held << 8) | byte;
    for (bits += 8; bits >= 5; bits -= 5) text += ALPHABET[(held >> (bits - 5)) & 31];
    held &= 31;
  }
  return bits ? text + ALPHABET[(held << (5 - bits)) & 31] : text;
}

function unbase32(text: string): Uint8Array | null {
  const bytes: number[] = [];
  let [bits, held] = [0, 0];
  for (const letter of text) {
    const value = ALPHABET.indexOf(letter);
    if (value < 0) return null;
    held = ((held & 0x7f) << 5) | value;
    bits += 5;
    if (bits >= 8) {
      bits -= 8;
      bytes.push((held >> bits) & 0xff);
    }
  }
  return Uint8Array.from(bytes);
}
