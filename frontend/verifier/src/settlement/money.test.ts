/** One rounding rule and one splitting rule, on the shared vectors and at their limits (protocol 8.1.2). */

import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { RuleError } from "../error.ts";
import { ceilDiv, largestRemainder, mulDiv } from "./money.ts";

interface Held {
  readonly mulDiv: readonly { readonly a: string; readonly b: string; readonly c: string; readonly want: string }[];
  readonly largestRemainder: readonly {
    readonly total: string;
    readonly weights: readonly (readonly [number, string])[];
    readonly want: readonly (readonly [number, string])[];
  }[];
}

const file = new URL("../../../../tests/vectors/settlement.json", import.meta.url);
const held = JSON.parse(readFileSync(file, "utf-8")) as Held;

it.each(held.mulDiv)("takes $a times $b over $c as $want", ({ a, b, c, want }) => {
  expect(mulDiv(BigInt(a), BigInt(b), BigInt(c))).toBe(BigInt(want));
});

it.each(held.largestRemainder)("splits $total by $weights", ({ total, weights, want }) => {
  const parts = largestRemainder(BigInt(total), new Map(weights.map(([key, weight]) => [key, BigInt(weight)])));
  expect([...parts].map(([key, part]) => [key, `${part}`])).toEqual(want);
  expect([...parts.values()].reduce((a, b) => a + b)).toBe(BigInt(total));
});

it("rounds halves away from zero on both sides", () => {
  expect([5n, 4n, -5n, -4n].map((value) => mulDiv(value, 1n, 10n))).toEqual([1n, 0n, -1n, 0n]);
  expect([ceilDiv(7n, 2n), ceilDiv(-7n, 2n), ceilDiv(6n, 2n)]).toEqual([4n, -3n, 3n]);
});

it.each<[string, () => unknown]>([
  ["divisor_not_positive", () => mulDiv(1n, 1n, 0n)],
  ["beyond_int64", () => mulDiv(1n << 63n, 1n, 1n)],
  ["beyond_int64", () => mulDiv(-(1n << 63n), 2n, 1n)],
  ["nobody_to_share", () => largestRemainder(1n, new Map())],
  ["weight_negative", () => largestRemainder(1n, new Map([[1, -1n]]))],
])("refuses %s", (code, run) => {
  expect(run).toThrow(RuleError);
  expect(run).toThrow(code);
});
