/** Tariff bands are runs of one price, ranked within the day. */

import { expect, it } from "vitest";
import { bandsOf } from "./tariffBands.ts";

const at = (...prices: readonly number[]) => prices.map((buyPrice) => ({ buyPrice }));

it("joins equal neighbours and ranks by price", () => {
  expect(bandsOf(at(3, 3, 7, 5, 3))).toEqual([
    { from: 0, to: 2, buyPrice: 3, rank: "valley" },
    { from: 2, to: 3, buyPrice: 7, rank: "peak" },
    { from: 3, to: 4, buyPrice: 5, rank: "flat" },
    { from: 4, to: 5, buyPrice: 3, rank: "valley" },
  ]);
});

it("calls one price all day flat", () => {
  expect(bandsOf(at(4, 4))).toEqual([{ from: 0, to: 2, buyPrice: 4, rank: "flat" }]);
  expect(bandsOf([])).toEqual([]);
});
