/** Hex is read strictly: 0x, an even number of digits, nothing else. */

import { expect, it } from "vitest";
import { fromHex, toHex } from "./bytes.ts";

it("reads every byte in either case", () => {
  const all = Uint8Array.from({ length: 256 }, (_, byte) => byte);
  expect(fromHex(toHex(all))).toEqual(all);
  expect(fromHex(`0x${toHex(all).slice(2).toUpperCase()}`)).toEqual(all);
  expect(fromHex("0x")).toEqual(new Uint8Array());
});

it.each(["", "0", "00", "0X00", "0x0", "0x0g", "0xg0", "0x 0", "0x0/", "0x:0", "0x0٠", "0x00\n", "x0"])("refuses %j", (text) => {
  expect(fromHex(text)).toBeNull();
});
