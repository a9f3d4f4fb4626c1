/** Bytes, hex and the two hashes (protocol 1.1): SHA-256 for evidence, Keccak-256 for what a contract recomputes. */

import { sha256 as nobleSha256 } from "@noble/hashes/sha2";
import { keccak } from "./keccak.ts";
import type { Hex } from "./values.ts";

const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0"));
const NO_DIGIT = 0xff;
/** The value of each hex digit by its code. */
const DIGITS = Uint8Array.from({ length: 128 }, (_, code) => {
  const value = "0123456789abcdef".indexOf(String.fromCharCode(code).toLowerCase());
  return value < 0 ? NO_DIGIT : value;
});

/** The pieces one after the other. */
export function concat(...pieces: readonly Uint8Array[]): Uint8Array {
  let size = 0;
  for (const piece of pieces) size += piece.length;
  const joined = new Uint8Array(size);
  let at = 0;
  for (const piece of pieces) {
    joined.set(piece, at);
    at += piece.length;
  }
  return joined;
}

/** SHA-256 of the pieces joined. */
export function sha256(...pieces: readonly Uint8Array[]): Uint8Array {
  return nobleSha256(pieces.length === 1 && pieces[0] ? pieces[0] : concat(...pieces));
}

/** Keccak-256 (Ethereum's, not SHA3-256) of the pieces joined. */
export function keccak256(...pieces: readonly Uint8Array[]): Uint8Array {
  return keccak(pieces.length === 1 && pieces[0] ? pieces[0] : concat(...pieces));
}

/** 0x-hex in lower case. */
export function toHex(bytes: Uint8Array): Hex {
  let text = "0x";
  for (const byte of bytes) text += HEX[byte];
  return text as Hex;
}

/** The bytes of 0x-hex of an even length, null for anything else. */
export function fromHex(text: string): Uint8Array | null {
  if (text.length % 2 || !text.startsWith("0x")) return null;
  const bytes = new Uint8Array((text.length - 2) / 2);
  for (let at = 0, digit = 2; at < bytes.length; at += 1, digit += 2) {
    const [high, low] = [DIGITS[text.charCodeAt(digit)] ?? NO_DIGIT, DIGITS[text.charCodeAt(digit + 1)] ?? NO_DIGIT];
    if (high === NO_DIGIT || low === NO_DIGIT) return null;
    bytes[at] = (high << 4) | low;
  }
  return bytes;
}

/** The bytes of hex that was checked before. */
export function bytesOf(hex: Hex): Uint8Array {
  return fromHex(hex) ?? new Uint8Array();
}

/** Whether two byte strings are the same. */
export function same(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let at = 0; at < a.length; at += 1) if (a[at] !== b[at]) return false;
  return true;
}

/** Order of byte strings, shorter first where one begins the other. */
export function compareBytes(a: Uint8Array, b: Uint8Array): number {
  const shared = Math.min(a.length, b.length);
  for (let at = 0; at < shared; at += 1) {
    const difference = (a[at] ?? 0) - (b[at] ?? 0);
    if (difference) return difference;
  }
  return a.length - b.length;
}

/** An unsigned integer in so many big-endian bytes. */
export function bigEndian(value: number | bigint, size: number): Uint8Array {
  const bytes = new Uint8Array(size);
  let rest = BigInt(value);
  for (let at = size - 1; at >= 0; at -= 1) {
    bytes[at] = Number(rest & 0xffn);
    rest >>= 8n;
  }
  return bytes;
}

/** A value as one 32-byte ABI word: integers in two's complement and short bytes to the right, 32 bytes as they are. */
export function word(value: number | bigint | Uint8Array): Uint8Array {
  if (!(value instanceof Uint8Array)) return bigEndian(BigInt.asUintN(256, BigInt(value)), 32);
  const bytes = new Uint8Array(32);
  bytes.set(value, 32 - value.length);
  return bytes;
}

/** ASCII text as bytes. */
export function ascii(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}
