/** Our Keccak-256 is that of @noble/hashes, at every length around its block size. */

import { keccak_256 } from "@noble/hashes/sha3";
import { expect, it } from "vitest";
import { toHex } from "./bytes.ts";
import { keccak } from "./keccak.ts";

it.each([0, 1, 31, 64, 135, 136, 137, 271, 272, 273, 1000])("hashes %i bytes as another library does", (size) => {
  const message = Uint8Array.from({ length: size }, (_, at) => (at * 151 + size) & 0xff);
  expect(toHex(keccak(message))).toBe(toHex(keccak_256(message)));
});
