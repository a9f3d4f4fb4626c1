/** What people type is read exactly or refused; nothing passes through a float. */

import { expect, it } from "vitest";
import { dayNumberOf, daysInSlots, firstSlotOf, scaled, typed } from "./entry.ts";

it.each([
  ["600", 3, 600_000n],
  ["0.391", 5, 39_100n],
  ["1,200.5", 3, 1_200_500n],
  ["-0.02", 5, -2_000n],
  ["90071992547409.93", 2, 9_007_199_254_740_993n],
  ["1.50", 1, 15n],
  ["0.0001", 3, null],
  ["", 3, null],
  ["1e3", 3, null],
  ["12 kW", 3, null],
])("%s with %s places is %s", (text, places, value) => {
  expect(scaled(text, places)).toBe(value);
});

it.each([[600_000n, 3], [39_100n, 5], [-2_000n, 5], [0n, 2], [7n, 0], [50n, 2]])("%s is typed so that it reads back", (value, places) => {
  expect(scaled(typed(value, places), places)).toBe(value);
});

it("turns local days into the contracts' numbers", () => {
  expect(firstSlotOf("1970-01-02")).toBe(64);
  expect(dayNumberOf("1970-01-02")).toBe(1);
  expect(firstSlotOf("")).toBeNull();
  expect(daysInSlots("30")).toBe(2_880);
  expect(daysInSlots("0")).toBeNull();
});
