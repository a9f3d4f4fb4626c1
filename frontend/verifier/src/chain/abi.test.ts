/** Only the canonical encoding of the types is read. */

import { encodeAbiParameters } from "viem/utils";
import { describe, expect, it } from "vitest";
import { bytesOf, concat } from "../bytes.ts";
import { decodeAbi } from "./abi.ts";

const TYPES = ["uint32", "bytes", "uint32[]", "address"] as const;
const [payload, account] = [`0x${"ab".repeat(33)}`, `0x${"cd".repeat(20)}`] as const;
const good = bytesOf(encodeAbiParameters(TYPES.map((type) => ({ type })), [7, payload, [1, 2], account]));

const changed = (at: number, byte: number) => {
  const raw = good.slice();
  raw[at] = byte;
  return raw;
};

describe("decodeAbi", () => {
  it("reads what another library encodes", () => {
    expect(decodeAbi(TYPES, good)).toEqual([7n, bytesOf(payload), [1n, 2n], account]);
  });

  it.each([
    ["a byte more", concat(good, Uint8Array.of(0))],
    ["a word more", concat(good, new Uint8Array(32))],
    ["a byte less", good.subarray(0, -1)],
    ["nothing", new Uint8Array()],
    ["an offset beyond the tail before", changed(2 * 32 - 1, 0xa0)],
    ["padding that is not zero", changed(32 * 4 + 32 + 34, 1)],
    ["a length beyond the end", changed(32 * 5 - 1, 0xff)],
    ["a number beyond its type", changed(0, 1)],
    ["an address with something before it", changed(3 * 32, 1)],
  ])("refuses %s", (_, raw) => {
    expect(() => decodeAbi(TYPES, raw)).toThrow("abi_malformed");
  });
});
