/** Decoding the few ABI types that events and views here use: words, and at most dynamic lists and bytes behind them. */

import { toHex } from "../bytes.ts";
import { RuleError } from "../error.ts";
import type { Hex } from "../values.ts";

export type AbiValue = bigint | Hex | boolean | readonly bigint[] | Uint8Array;

/** Decode exactly the canonical encoding of these types: every tail where the one before it ends. Throws RuleError abi_malformed. */
export function decodeAbi(types: readonly string[], data: Uint8Array): readonly AbiValue[] {
  let end = 32 * types.length;
  const values = types.map((type, at) => {
    if (type !== "bytes" && !type.endsWith("[]")) return decodeWord(type, wordAt(data, 32 * at));
    if (small(wordAt(data, 32 * at), data) !== end) throw malformed("offset", data);
    const tail = type === "bytes" ? bytesAt(data, end) : listAt(type.slice(0, -2), data, end);
    end = tail.end;
    return tail.value;
  });
  if (end !== data.length) throw malformed("length", data);
  return values;
}

/** One 32-byte word as a value of a type. Throws RuleError abi_malformed. */
export function decodeWord(type: string, word: Uint8Array): bigint | Hex | boolean {
  if (type === "bytes32") return toHex(word);
  if (type === "address") {
    if (word.subarray(0, 12).some((byte) => byte)) throw malformed(type, word);
    return toHex(word.subarray(12));
  }
  const number = BigInt(toHex(word));
  if (type === "bool") {
    if (number > 1n) throw malformed(type, word);
    return number === 1n;
  }
  const bits = Number(type.replace(/^u?int/, ""));
  const value = type.startsWith("u") ? number : BigInt.asIntN(256, number);
  const fits = type.startsWith("u") ? BigInt.asUintN(bits, value) : BigInt.asIntN(bits, value);
  if (fits !== value) throw malformed(type, word);
  return value;
}

interface Tail {
  readonly value: AbiValue;
  readonly end: number;
}

function bytesAt(data: Uint8Array, offset: number): Tail {
  const [start, length] = [offset + 32, small(wordAt(data, offset), data)];
  const end = start + 32 * Math.ceil(length / 32);
  const padding = data.subarray(start + length, end);
  if (end > data.length || padding.some((byte) => byte)) throw malformed("bytes", data);
  return { value: data.subarray(start, start + length), end };
}

function listAt(type: string, data: Uint8Array, offset: number): Tail {
  const [start, length] = [offset + 32, small(wordAt(data, offset), data)];
  const end = start + 32 * length;
  if (end > data.length) throw malformed(`${type}[]`, data);
  const value = Array.from({ length }, (_, item) => decodeWord(type, wordAt(data, start + 32 * item)) as bigint);
  return { value, end };
}

function small(word: Uint8Array, data: Uint8Array): number {
  const value = BigInt(toHex(word));
  if (value > BigInt(data.length)) throw malformed("offset", data);
  return Number(value);
}

function wordAt(data: Uint8Array, at: number): Uint8Array {
  if (at + 32 > data.length) throw malformed("word", data);
  return data.subarray(at, at + 32);
}

function malformed(type: string, data: Uint8Array): RuleError {
  return new RuleError("abi_malformed", { type, data: toHex(data).slice(0, 80) });
}
