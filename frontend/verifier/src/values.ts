/** The values that evidence and rules speak of (protocol 2, 7). Energies, powers, prices, times and seqs are bigint; only small identifiers are numbers. */

/** Lower-case 0x-hex: an address (20 bytes) or a digest (32). */
export type Hex = `0x${string}`;

export const ZERO_DIGEST: Hex = `0x${"00".repeat(32)}`;
export const ZERO_ADDRESS: Hex = `0x${"00".repeat(20)}`;

/** What the four numbers of a channel's readings mean (protocol 2.2). */
export const METER = 1;
export const BATTERY = 2;

/** Marks of a reading (protocol 2.3). */
export const FLAG_CLOCK_UNSYNCHRONISED = 1;
export const FLAG_REGISTER_RESET = 2;
export const FLAG_SUBSTITUTED = 4;

/** One signed sample of one channel; `c` and `d` are cumulative registers, Wh (of a meter: import, export). */
export interface Reading {
  readonly flags: number;
  readonly channel: number;
  readonly seq: bigint;
  readonly tMs: bigint;
  readonly a: number;
  readonly b: number;
  readonly c: bigint;
  readonly d: bigint;
  readonly salt: Uint8Array;
}

/** Between which two instants a reading was made, as the chain proves it; UTC ms, both included. */
export interface Bracket {
  readonly earliestMs: bigint;
  readonly latestMs: bigint;
}

/** One metered quantity of a device, bound to a station from `fromMs` on, until `toMs` (0: open). */
export interface Channel {
  readonly device: Hex;
  readonly channel: number;
  readonly kind: number;
  readonly station: number;
  readonly fromMs: bigint;
  readonly toMs: bigint;
}

/** A storage station behind one PCC; powers are magnitudes, W. */
export interface Station {
  readonly number: number;
  readonly owner: number;
  readonly stationType: number;
  readonly region: number;
  readonly chargePowerW: bigint;
  readonly dischargePowerW: bigint;
  readonly capacityWh: bigint;
  readonly pccImportW: bigint;
  readonly pccExportW: bigint;
}

/** The PCCs that the grid settles as one customer (protocol 8.2.3). */
export interface BillingGroup {
  readonly number: number;
  readonly stations: readonly number[];
}

/** A lease as `CapacityLease` records it; prices in cents per MWh, `firstSlot` counts slots since 1970 UTC. */
export interface Lease {
  readonly number: number;
  readonly version: number;
  readonly owner: number;
  readonly lessee: number;
  readonly station: number;
  readonly powerW: bigint;
  readonly energyWh: bigint;
  readonly etaCPpm: bigint;
  readonly etaDPpm: bigint;
  readonly rentCents: bigint;
  readonly firstSlot: bigint;
  readonly termSlots: bigint;
  readonly wearPrice: bigint;
  readonly handoverWh: bigint;
  readonly handoverPrice: bigint;
  readonly slaBp: bigint;
  readonly slaFactorBp: bigint;
  /** Local weekdays on which it holds, bit 0 Monday, and of those days the slots from `dayFirstSlot` on. */
  readonly weekdayMask: number;
  readonly dayFirstSlot: number;
  readonly daySlots: number;
}

/** How a lease ended before its term did; `by`, unless null, ended it alone and pays the other party. */
export interface EarlyEnd {
  /** First absolute slot in which it does not run any more. */
  readonly endSlot: bigint;
  readonly by: number | null;
  readonly priceCents: bigint;
}

/** Where a document stands: its digest, its number in the log, and when its first checkpoint was mined, UTC ms. */
export interface Place {
  readonly digest: Hex;
  readonly entry: number;
  readonly anchoredMs: bigint;
}
