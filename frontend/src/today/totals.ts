/** The alliance's totals of a day and of the moment; integers in, integers out. */

import type { CurveSlot, Epoch, LiveStation, Station } from "../api/queries.ts";

export interface EnergyTotals {
  /** Over the slots that have both a plan and a measurement, Wh; out of the stations positive; null without one. */
  readonly plannedWh: number | null;
  readonly deviationWh: number | null;
  /** Over all metered slots; null before the first. */
  readonly actualWh: number | null;
}

/** Planned and actual net energy over the slots metered so far. */
export function energyTotals(slots: readonly CurveSlot[]): EnergyTotals {
  const metered = slots.filter((slot) => slot.netWh !== null);
  const both = metered.filter((slot) => slot.plannedNetWh !== null);
  return {
    plannedWh: total(both, (slot) => slot.plannedNetWh),
    deviationWh: total(both, (slot) => (slot.netWh ?? 0) - (slot.plannedNetWh ?? 0)),
    actualWh: total(metered, (slot) => slot.netWh),
  };
}

export interface Stored {
  readonly storedWh: number;
  readonly capacityWh: number;
  readonly socBp: number | null;
}

/** Energy stored in all batteries, weighted by capacity. */
export function stored(stations: readonly Station[], live: readonly LiveStation[]): Stored {
  const bySoc = new Map(live.map((one) => [one.station, one.socBp]));
  const known = stations.filter((station) => (bySoc.get(station.station) ?? null) !== null);
  const capacityWh = known.reduce((sum, station) => sum + station.capacityWh, 0);
  const storedWh = known.reduce((sum, s) => sum + Math.round((s.capacityWh * (bySoc.get(s.station) ?? 0)) / 10_000), 0);
  return { storedWh, capacityWh, socBp: capacityWh === 0 ? null : Math.round((storedWh * 10_000) / capacityWh) };
}

export interface Anchoring {
  readonly final: Epoch | undefined;
  readonly pending: number;
}

/** The newest final epoch and how many later ones are under way. */
export function anchoring(epochs: readonly Epoch[]): Anchoring {
  const final = epochs.find((epoch) => epoch.chainStatus === "final");
  return { final, pending: epochs.filter((epoch) => epoch.epoch > (final?.epoch ?? -1)).length };
}

export type Direction = "out" | "in" | "idle" | "unknown";
const IDLE_W = 1_000;

/** Which way power flows; below one kilowatt nothing does. */
export function direction(powerW: number | null | undefined): Direction {
  if (powerW === null || powerW === undefined) return "unknown";
  return Math.abs(powerW) < IDLE_W ? "idle" : powerW > 0 ? "out" : "in";
}

function total(slots: readonly CurveSlot[], of: (slot: CurveSlot) => number | null): number | null {
  return slots.length === 0 ? null : slots.reduce((sum, slot) => sum + (of(slot) ?? 0), 0);
}
