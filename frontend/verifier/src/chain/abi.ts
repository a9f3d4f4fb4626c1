/** Decoding the few ABI types that events and views here use: words, and at most dynamic lists and bytes behind them. */

import { toHex } from "../bytes.ts";
import { RuleError } from "../error.ts";
import type { Hex } from "../values.ts";

export type AbiValue = bigint | Hex | boolean | readonly bigint[] | Uint8Array;

/** Decode the arguments of these types out of encoded data. Throws RuleError abi_malformed. */
export function decodeAbi(types: readonly string[], data: Uint8Array): readonly AbiValue[] {
  return types.map((type, at) => {
    if (type === "bytes") return dynamicBytes(data, at);
    if (type.endsWith("[]")) return dynamicList(type.slice(0, -2), data, at);
    return decodeWord(type, wordAt(data, 32 * at));
  });
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

function dynamicBytes(data: Uint8Array, at: number): Uint8Array {
  const { start, length } = dynamic(data, at);
  if (start + length > data.length) throw malformed("bytes", data);
  return data.subarray(start, start + length);
}

function dynamicList(type: string, data: Uint8Array, at: number): readonly bigint[] {
  const { start, length } = dynamic(data, at);
  if (length > data.length / 32) throw malformed(`${type}[]`, data);
  return Array.from({ length }, (_, item) => decodeWord(type, wordAt(data, start + 32 * item)) as bigint);
}

function dynamic(data: Uint8Array, at: number): { readonly start: number; readonly length: number } {
  const offset = small(decodeWord("uint256", wordAt(data, 32 * at)) as bigint, data);
  return { start: offset + 32, length: small(decodeWord("uint256", wordAt(data, offset)) as bigint, data) };
}

function small(value: bigint, data: Uint8Array): number {
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
