/** What of an offer is free at every moment of a term: never less is shown as taken than the contract counts. */

import type { Lease, Offer } from "../api/queries.ts";

export interface Room {
  readonly powerW: number;
  readonly energyWh: number;
}

/** The offer less the most that its leases take at once from a slot on. */
export function freeOf(offer: Offer, leases: readonly Lease[], fromSlot: number): Room {
  const end = offer.firstSlot + offer.termSlots;
  const live = leases.filter((one) => one.offer === offer.offer && one.endSlot > fromSlot && one.firstSlot < end);
  const starts = [fromSlot, ...live.map((one) => one.firstSlot).filter((slot) => slot > fromSlot)];
  const taken = starts.map((slot) => live.filter((one) => one.firstSlot <= slot && slot < one.endSlot));
  return {
    powerW: offer.powerW - most(taken.map((at) => sum(at.map((one) => one.powerW)))),
    energyWh: offer.energyWh - most(taken.map((at) => sum(at.map((one) => one.energyWh)))),
  };
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

function most(values: readonly number[]): number {
  return Math.max(0, ...values);
}
