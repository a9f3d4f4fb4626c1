/** What the page calls and can be refused is what the compiled contracts declare, nothing missing. */

import { readFileSync } from "node:fs";
import { toFunctionSelector, toFunctionSignature, type Abi, type AbiFunction } from "viem";
import { describe, expect, it } from "vitest";
import { charterAbi, errorAbi, leaseAbi, registryAbi } from "./abi.ts";

const contracts = { CapacityLease: leaseAbi, AllianceRegistry: registryAbi, Charter: charterAbi } as const;

function compiled(name: string): Abi {
  const text = readFileSync(new URL(`../../../contracts/artifacts/${name}.json`, import.meta.url), "utf-8");
  return (JSON.parse(text) as { readonly abi: Abi }).abi;
}

function signatures(abi: Abi, kind: "function" | "error"): readonly string[] {
  return abi.filter((item) => item.type === kind).map((item) => toFunctionSignature({ ...item, type: "function" } as AbiFunction));
}

describe.each(Object.entries(contracts))("%s", (name, abi) => {
  it("has every function that the page calls, with the same outputs", () => {
    const theirs = compiled(name).filter((item): item is AbiFunction => item.type === "function");
    for (const mine of abi.filter((item) => item.type === "function")) {
      const found = theirs.find((one) => toFunctionSelector(one) === toFunctionSelector(mine));
      expect(found?.outputs.map(({ type }) => type), mine.name).toEqual(mine.outputs.map(({ type }) => type));
    }
  });
  it("declares no error that the page cannot say", () => {
    const known = new Set(signatures(errorAbi, "error"));
    expect(signatures(compiled(name), "error").filter((one) => !known.has(one))).toEqual([]);
  });
});

it("names no error that no contract declares", () => {
  const declared = new Set(Object.keys(contracts).flatMap((name) => signatures(compiled(name), "error")));
  const solidity = new Set(["Error(string)", "Panic(uint256)"]);
  expect(signatures(errorAbi, "error").filter((one) => !declared.has(one) && !solidity.has(one))).toEqual([]);
});

it("keeps the parameters' names, which the sentences use", () => {
  const declared = Object.keys(contracts).flatMap((name) => compiled(name).filter((item) => item.type === "error"));
  for (const mine of errorAbi) {
    const theirs = declared.find(({ name }) => name === mine.name);
    if (theirs !== undefined) expect(mine.inputs.map(({ name }) => name), mine.name).toEqual(theirs.inputs.map(({ name }) => name));
  }
});
