/** Strict reading of planned documents: rows as lists of their fields, values as maps of exactly their fields (protocol 1.4). */

import { toHex } from "../bytes.ts";
import { Cid, type Plain } from "../cbor.ts";
import { RuleError } from "../error.ts";
import { isList, plainText } from "../fields.ts";
import type { Hex } from "../values.ts";

/** Reads one value; `where` names it in a refusal. Throws RuleError plain_wrong. */
export type Read<T> = (plain: Plain, where: string) => T;
type Reads<T> = { readonly [K in keyof T]: Read<T[K]> };

const LOWEST = -(1n << 63n);
const HIGHEST = (1n << 63n) - 1n;
const LAST_DAY = 2_932_896n;

/** An integer of 64 bits. */
export const integer: Read<bigint> = (plain, where) => {
  const value = typeof plain === "number" || typeof plain === "bigint" ? BigInt(plain) : null;
  if (value === null || value < LOWEST || value > HIGHEST) throw wrong(where, "int of 64 bits at most", plain);
  return value;
};

/** A number that the chain gives. One beyond 2^53, which no chain gives, loses digits and still names nothing real. */
export const identifier: Read<number> = (plain, where) => Number(integer(plain, where));

/** A day that has a date: days since 1970-01-01, up to 9999-12-31. */
export const dayNumber: Read<number> = (plain, where) => {
  const value = integer(plain, where);
  if (value < 0n || value > LAST_DAY) throw wrong(where, `day 0…${LAST_DAY}`, plain);
  return Number(value);
};

export const text: Read<string> = (plain, where) => {
  if (typeof plain !== "string") throw wrong(where, "str of 64 bits at most", plain);
  return plain;
};

export const bytes: Read<Hex> = (plain, where) => {
  if (!(plain instanceof Uint8Array)) throw wrong(where, "bytes of 64 bits at most", plain);
  return toHex(plain);
};

/** A value or nothing. */
export function nullable<T>(read: Read<T>): Read<T | null> {
  return (plain, where) => (plain === null ? null : read(plain, where));
}

/** One of a few codes. */
export function choice<T extends string | number>(options: readonly T[]): Read<T> {
  return (plain, where) => {
    const found = options.find((option) => option === plain);
    if (found === undefined) throw wrong(where, `one of ${options.join(", ")}`, plain);
    return found;
  };
}

/** A list of any length. */
export function listOf<T>(read: Read<T>): Read<readonly T[]> {
  return (plain, where) => items(plain, where).map((item, at) => read(item, `${where}[${at}]`));
}

/** A list of exactly two. */
export function pair<A, B>(first: Read<A>, second: Read<B>): Read<readonly [A, B]> {
  return (plain, where) => {
    const [a, b] = exactly(plain, where, 2);
    return [first(a ?? null, `${where}[0]`), second(b ?? null, `${where}[1]`)];
  };
}

/** A list of a value's fields in their order. */
export function row<T extends object>(fields: Reads<T>): Read<T> {
  const named = Object.entries(fields) as [string, Read<unknown>][];
  return (plain, where) => {
    const values = exactly(plain, where, named.length);
    return built(named.map(([name, read], at) => [name, read(values[at] ?? null, `${where}[${at}]`)]));
  };
}

/** A map of exactly a value's fields. */
export function record<T extends object>(fields: Reads<T>): Read<T> {
  const named = Object.entries(fields) as [string, Read<unknown>][];
  const names = named.map(([name]) => name);
  return (plain, where) => {
    if (!(plain instanceof Map) || plain.size !== names.length || !names.every((name) => plain.has(name))) {
      throw wrong(where, `fields ${[...names].sort().join(", ")}`, plain);
    }
    return built(named.map(([name, read]) => [name, read(plain.get(name) ?? null, `${where}.${name}`)]));
  };
}

/** What stands under `name` in {v: 1, name: …}. */
export function unwrap(plain: Plain, name: string): Plain {
  if (plain instanceof Map && plain.size === 2 && plain.get("v") === 1) {
    const inner: Plain | undefined = plain.get(name);
    if (inner !== undefined) return inner;
  }
  throw wrong(name, `{v: 1, ${name}: …}`, plain);
}

/** The refusal of a value that is not what its place calls for. */
export function wrong(where: string, want: string, got: Plain | string): RuleError {
  const found = got instanceof Cid ? got.digest : plainText(got);
  return new RuleError("plain_wrong", { where, want, got: found.slice(0, 80) });
}

function items(plain: Plain, where: string): readonly Plain[] {
  if (!isList(plain)) throw wrong(where, "list", plain);
  return plain;
}

function exactly(plain: Plain, where: string, count: number): readonly Plain[] {
  const found = items(plain, where);
  if (found.length !== count) throw wrong(where, `${count} values`, `${found.length} values`);
  return found;
}

/** The readers are keyed by the value's own fields, so their results are that value. */
function built<T extends object>(entries: readonly (readonly [string, unknown])[]): T {
  return Object.fromEntries(entries) as T;
}
