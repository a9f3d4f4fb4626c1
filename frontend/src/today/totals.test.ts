/** The alliance's totals. */

import { expect, it } from "vitest";
import type { CurveSlot } from "../api/queries.ts";
import { direction, energyTotals } from "./totals.ts";

function slot(slot: number, plannedNetWh: number | null, netWh: number | null): CurveSlot {
  return { slot, plannedNetWh, netWh, plannedBatteryWh: null, netLoadWh: null, batteryWh: null, socBp: null };
}

it("compares slots that have a plan and a measurement, and counts every metered one", () => {
  const totals = energyTotals([slot(0, 100, 90), slot(1, 50, null), slot(2, null, 7), slot(3, -10, -20)]);
  expect(totals).toEqual({ plannedWh: 90, deviationWh: -20, actualWh: 77 });
  expect(energyTotals([slot(0, 5, null)])).toEqual({ plannedWh: null, deviationWh: null, actualWh: null });
});

it("calls less than a kilowatt idle", () => {
  expect([999, -999, 1000, -1000, null].map(direction)).toEqual(["idle", "idle", "out", "in", "unknown"]);
});
