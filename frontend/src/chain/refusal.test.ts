/** A contract's custom error becomes a sentence with its numbers and their units, in both languages. */

import { encodeErrorResult, type Hex } from "viem";
import { expect, it } from "vitest";
import { contractErrorsEn } from "../text/enErrors.ts";
import { contractErrorsZh } from "../text/zhErrors.ts";
import { errorAbi } from "./abi.ts";
import { refusalIn, refusalOf } from "./refusal.ts";

const oversold = encodeErrorResult({
  abi: errorAbi,
  errorName: "LeasePowerOversold",
  args: [3, 1_982_592, 1_200_000n, 600_000n, 700_000n],
});

it("names offer, slot and powers when an offer is oversold", () => {
  const refusal = refusalOf(oversold);
  expect(refusal?.code).toBe("LeasePowerOversold");
  const said = contractErrorsZh.LeasePowerOversold(refusal?.facts ?? {});
  expect(said).toBe("要租 700 kW，超出报价 3 的余量：时段 2026-07-18 08:00，报价共 1,200 kW，已租出 600 kW");
});

it("finds revert data however deep a node's error carries them", () => {
  const deep = Object.assign(new Error("execution reverted"), { cause: Object.assign(new Error("rpc"), { data: { data: oversold } }) });
  expect(refusalIn(deep)?.code).toBe("LeasePowerOversold");
  expect(refusalIn(new Error("fetch failed"))).toBeNull();
});

it("says why a proposal's own call failed", () => {
  const outer = encodeErrorResult({ abi: errorAbi, errorName: "CharterCallFailed", args: [7n, oversold] });
  expect(refusalOf(outer)?.inner?.code).toBe("LeasePowerOversold");
});

it("is null for data of another contract", () => {
  expect(refusalOf("0xdeadbeef")).toBeNull();
});

it.each(errorAbi)("$name fills every number of its sentence in both languages", ({ name, inputs }) => {
  const args = (inputs as readonly Parameter[]).map(sample);
  const refusal = refusalOf(encodeErrorResult({ abi: errorAbi, errorName: name, args: args as never }));
  for (const words of [contractErrorsZh, contractErrorsEn]) {
    const said = words[name](refusal?.facts ?? {});
    expect(said).not.toMatch(/undefined|\[object/);
    expect(said.length).toBeGreaterThan(4);
  }
});

interface Parameter {
  readonly type: string;
  readonly name: string;
  readonly components?: readonly Parameter[];
}

function sample({ type, name, components }: Parameter): unknown {
  if (type === "address") return "0x1111111111111111111111111111111111111111";
  if (type === "string") return "why";
  if (type === "bytes") return "0x";
  if (type === "bytes32") return `0x${(name === "what" ? "72656e74" : "11").padEnd(64, "0")}` satisfies Hex;
  if (components !== undefined) return Object.fromEntries(components.map((part) => [part.name, sample(part)]));
  return /^u?int(8|16|24|32|48)$/.test(type) ? 3 : 3n;
}
