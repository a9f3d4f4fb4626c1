/** What an applicant puts on chain: SHA-256 of a random salt, the licence file and the credit code; nothing that names it. */

import { concat, fromHex, sha256, toHex } from "../evidence/bytes.ts";

const SALT_BYTES = 32;

export interface Papers {
  readonly salt: `0x${string}`;
  /** The licence file's own SHA-256; zeros where there is none. */
  readonly licence: `0x${string}`;
  readonly code: string;
}

/** A fresh salt out of the browser's own randomness. */
export function freshSalt(): `0x${string}` {
  return toHex(crypto.getRandomValues(new Uint8Array(SALT_BYTES)));
}

/** SHA-256(salt 32 ‖ SHA-256 of the file 32 ‖ credit code, UTF-8, without spaces, upper case). */
export async function commitmentTo({ salt, licence, code }: Papers): Promise<`0x${string}`> {
  const text = new TextEncoder().encode(code.replaceAll(/\s/g, "").toUpperCase());
  return toHex(await sha256(concat(fromHex(salt) ?? new Uint8Array(), fromHex(licence) ?? new Uint8Array(), text)));
}

/** SHA-256 of a file's bytes. */
export async function fileHash(file: Blob): Promise<`0x${string}`> {
  return toHex(await sha256(new Uint8Array(await file.arrayBuffer())));
}

/** SHA-256 of a text's UTF-8: a description's or a reason's hash. */
export async function textHash(text: string): Promise<`0x${string}`> {
  return toHex(await sha256(new TextEncoder().encode(text)));
}
