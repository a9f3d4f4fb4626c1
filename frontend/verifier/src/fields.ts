/** Strict reading of decoded CBOR or JSON: each field by name, type and range; nothing left over (protocol 1.4). */

import { toHex } from "./bytes.ts";
import { Cid, type Plain } from "./cbor.ts";
import { RuleError } from "./error.ts";
import type { Hex } from "./values.ts";

const INT63_MAX = (1n << 63n) - 1n;
const U32_MAX = 0xffffffff;

/** One map, read field by field; `finish` refuses what was not asked for. */
export class Fields {
  private readonly left: Map<string, Plain>;

  constructor(
    value: Plain,
    private readonly where: string,
  ) {
    if (!(value instanceof Map)) throw malformed(where, "", "map", kindOf(value));
    this.left = new Map(value);
  }

  /** An integer inside [low, high]. */
  int(name: string, low = 0n, high = INT63_MAX): bigint {
    const value = this.take(name);
    const number = typeof value === "number" || typeof value === "bigint" ? BigInt(value) : null;
    if (number === null || number < low || number > high) throw this.wrong(name, `integer ${low}…${high}`, value);
    return number;
  }

  /** A small integer inside [low, high], at most 2^53 − 1. */
  small(name: string, low = 0, high = U32_MAX): number {
    const value = this.take(name);
    if (typeof value !== "number" || value < low || value > high) throw this.wrong(name, `integer ${low}…${high}`, value);
    return value;
  }

  /** A byte string, of `size` bytes if given. */
  bytes(name: string, size?: number): Uint8Array {
    const value = this.take(name);
    if (value instanceof Uint8Array && (size === undefined || value.length === size)) return value;
    throw this.wrong(name, `${size ?? "any number of"} bytes`, value);
  }

  /** Bytes of a fixed length, as hex. */
  hex(name: string, size: number): Hex {
    return toHex(this.bytes(name, size));
  }

  str(name: string): string {
    const value = this.take(name);
    if (typeof value === "string") return value;
    throw this.wrong(name, "text", value);
  }

  bool(name: string): boolean {
    const value = this.take(name);
    if (typeof value === "boolean") return value;
    throw this.wrong(name, "true or false", value);
  }

  /** One of a few texts. */
  choice<T extends string>(name: string, options: readonly T[]): T {
    const value = this.take(name);
    const found = options.find((option) => option === value);
    if (found !== undefined) return found;
    throw this.wrong(name, `one of ${options.join(", ")}`, value);
  }

  list(name: string): readonly Plain[] {
    const value = this.take(name);
    if (isList(value)) return value;
    throw this.wrong(name, "list", value);
  }

  /** A link, as the digest that it names. */
  cid(name: string): Hex {
    const value = this.take(name);
    if (value instanceof Cid) return value.digest;
    throw this.wrong(name, "link", value);
  }

  /** Whether a field that may be left out is there. */
  has(name: string): boolean {
    return this.left.has(name);
  }

  /** Whether a nullable field has a value; a null is taken as read. */
  optional(name: string): boolean {
    if (this.left.get(name) !== null) return true;
    this.left.delete(name);
    return false;
  }

  /** A map inside this one. */
  map(name: string): Fields {
    return new Fields(this.take(name), `${this.where}.${name}`);
  }

  /** A value that its own reader will check. */
  any(name: string): Plain {
    return this.take(name);
  }

  /** Refuse fields that nobody asked for. */
  finish(): void {
    const [name] = [...this.left.keys()].sort();
    if (name !== undefined) throw this.wrong(name, "no such field", this.left.get(name) ?? null);
  }

  private take(name: string): Plain {
    const value = this.left.get(name);
    if (value === undefined) throw malformed(this.where, name, "a value", "nothing");
    this.left.delete(name);
    return value;
  }

  private wrong(name: string, want: string, got: Plain): RuleError {
    return malformed(this.where, name, want, plainText(got));
  }
}

/** Whether a decoded value is a list. */
export function isList(value: Plain): value is readonly Plain[] {
  return Array.isArray(value);
}

/** The error of a field that is missing, unknown, of the wrong type, or outside its limits. */
export function malformed(where: string, field: string, want: string, got: string): RuleError {
  return new RuleError("plain_malformed", { where, field, want, got: got.slice(0, 80) });
}

/** A decoded value as short text. */
export function plainText(value: Plain): string {
  if (value instanceof Uint8Array) return toHex(value).slice(2);
  if (value instanceof Cid) return value.digest;
  if (value instanceof Map) return `{${[...value.keys()].join(", ")}}`;
  if (isList(value)) return `[${value.length}]`;
  return value === null ? "None" : `${value as number | bigint | boolean | string}`;
}

function kindOf(value: Plain): string {
  if (value === null) return "NoneType";
  if (value instanceof Uint8Array) return "bytes";
  if (value instanceof Cid) return "Cid";
  if (isList(value)) return "list";
  return { number: "int", bigint: "int", boolean: "bool", string: "str" }[typeof value as string] ?? typeof value;
}
