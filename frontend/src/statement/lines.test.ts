/** A member's side of the lines. */

import { expect, it } from "vitest";
import type { Line } from "../api/queries.ts";
import { csvOf } from "./csv.ts";
import { byKind, meanPrice, ownLines } from "./lines.ts";

function line(over: Partial<Line>): Line {
  return {
    slot: 0, kind: "energy_plan", account: "member:1", counterparty: "pool", subject: 1, group: 0, quantityWh: 1_000_000,
    priceCentsPerMwh: 50_000, amountCents: "50000", evidence: `0x${"00".repeat(32)}`, index: 0, disputed: false, judgedCents: "0",
    posted: [], ...over,
  };
}

it("changes the sign for the counterparty and leaves out strangers' lines", () => {
  const rent = line({ kind: "lease_rent", account: "member:3", counterparty: "member:1", amountCents: "-342", quantityWh: 0, priceCentsPerMwh: 0 });
  const own = ownLines([line({}), rent, line({ account: "member:2" })], "member:1");
  expect(own.map((one) => [one.other, one.amountCents])).toEqual([["pool", 50_000n], ["member:3", 342n]]);
});

it("sums by kind without losing a cent beyond 2^53", () => {
  const [group] = byKind(ownLines([line({ amountCents: "9007199254740993" }), line({ amountCents: "1" })], "member:1"));
  expect(group?.amountCents).toBe(9_007_199_254_740_994n);
});

it("has a mean price only where prices make the amount", () => {
  const [priced] = byKind(ownLines([line({})], "member:1"));
  const [fixed] = byKind(ownLines([line({ priceCentsPerMwh: 0, amountCents: "5" })], "member:1"));
  expect(priced && meanPrice(priced)).toBe(50_000);
  expect(fixed && meanPrice(fixed)).toBeNull();
  const [mixed] = byKind(ownLines([line({}), line({ quantityWh: -400_000, amountCents: "-20000" })], "member:1"));
  expect(mixed && meanPrice(mixed)).toBeNull();
});

it("exports integers with a mark of UTF-8 and quotes what needs it", () => {
  const csv = csvOf("2026-07-15", [line({ kind: 'a"b' })], ["x", "y"]);
  expect(csv.startsWith("\ufeffx,y\r\n")).toBe(true);
  expect(csv).toContain('2026-07-15,0,"a""b",member:1,pool,1,1000000,50000,50000,0x');
});
