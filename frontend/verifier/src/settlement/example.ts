/** The worked example of protocol 8.12 as facts for these rules' tests: slots 0…3 are t1…t4, all others are empty. */

import { dayFirstSlot, dayOf, SLOTS_A_DAY, slotStartMs } from "../calendar.ts";
import type { Hex, Lease, Reading, Station } from "../values.ts";
import type { SettlementInputs } from "./inputs.ts";
import { type AnchoredSchedule, EffectivePlan } from "./plan.ts";
import { type Bracketed, stationQuantities, timed } from "./quantity.ts";
import { DAY_AHEAD, type Schedule } from "./schedule.ts";

export const DAY = dayOf("2026-07-01");
export const SCHEDULE: Hex = `0x${"51".repeat(32)}`;
export const PACK: Hex = `0x${"52".repeat(32)}`;
const SERVED: Hex = `0x${"53".repeat(32)}`;
const ALLIANCE: Hex = `0x${"a1".repeat(32)}`;

const MEMBERS = [1, 2, 3] as const;
const SLOTS = [0, 1, 2, 3] as const;
const BUY = [46_340n, 73_900n, 107_820n, 107_820n];
const NETWORK = [2_927n, 3_478n, 4_156n, 4_156n];
const SELL = 39_100n;
const POOL_PRICE = [39_100n, 70_422n, 89_884n, 89_884n];
const ADDERS = { 1: [2_927n, 3_478n, 0n, 0n], 2: [2_927n, 3_478n, 4_156n, 4_156n], 3: [0n, 0n, 0n, 0n] };
const PLANNED = {
  1: [-125_000n, -79_849n, 65_000n, 119_874n],
  2: [-80_000n, -90_000n, -150_000n, -160_000n],
  3: [235_000n, 125_000n, 85_000n, 40_124n],
};
const LEASED = [-50_000n, -50_000n, 45_375n, 44_874n];
const NET = {
  1: [-125_100n, -79_900n, 55_000n, 119_700n],
  2: [-81_200n, -88_750n, -162_300n, -155_400n],
  3: [170_000n, 106_400n, 102_601n, 41_300n],
};
const GAINS = { 1: 2_390n, 2: 3_588n, 3: 9_718n };

/** A leases 200 kW of its battery to B; the lease began two slots before the day and was ended after t4. */
export const LEASE: Lease = {
  number: 1, version: 1, owner: 1, lessee: 2, station: 1, powerW: 200_000n, energyWh: 400_000n,
  etaCPpm: 950_000n, etaDPpm: 950_000n, rentCents: 4_000_000n, firstSlot: dayFirstSlot(DAY) - 2n, termSlots: 35_040n,
  wearPrice: 8_000n, handoverWh: 20_000n, handoverPrice: 30_000n, slaBp: 9_800n, slaFactorBp: 15_000n,
  weekdayMask: 0x7f, dayFirstSlot: 0, daySlots: 96,
};

/** A meter's readings on each boundary of the day, export less import moving as `net` says; some may have got lost. */
export function meterReadings(net: readonly bigint[], { start = 0n, lost = [] }: { start?: bigint; lost?: readonly number[] } = {}): readonly Bracketed[] {
  let [c, d] = [start, start];
  return Array.from({ length: SLOTS_A_DAY + 1 }, (_, boundary) => {
    const tMs = slotStartMs(DAY, boundary);
    const reading: Reading = { flags: 0, channel: 1, seq: BigInt(boundary), tMs, a: 0, b: 0, c, d, salt: new Uint8Array(16) };
    const moved = net[boundary] ?? 0n;
    if (moved < 0n) c -= moved;
    else d += moved;
    return { reading, bracket: { earliestMs: tMs, latestMs: tMs } };
  }).filter((_, boundary) => !lost.includes(boundary));
}

function schedule(): Schedule {
  return {
    alliance: ALLIANCE, day: DAY, kind: DAY_AHEAD, revision: 0, firstSlot: 0, groups: [[1, [...MEMBERS]]],
    rows: MEMBERS.flatMap((station) => SLOTS.map((slot) => ({
      station, slot, plannedNetWh: PLANNED[station][slot] ?? 0n, batteryWh: PLANNED[station][slot] ?? 0n, netLoadWh: 0n,
      lessees: station === 1 ? [{ lease: 1, holder: 2, plannedWh: LEASED[slot] ?? 0n }] : [],
    }))),
    prices: SLOTS.map((slot) => ({
      group: 1, slot, poolPrice: POOL_PRICE[slot] ?? 0n,
      adders: MEMBERS.map((station) => [station, ADDERS[station][slot] ?? 0n] as const),
    })),
    gains: MEMBERS.map((member) => ({
      member, apartCostCents: GAINS[member], plannedCostCents: 0n, gainCents: GAINS[member], withoutStorageCostCents: 0n,
    })),
    certifiedGapPpm: 10n,
  };
}

const station = (number: number): Station => ({
  number, owner: number, stationType: 1, region: 320_703, chargePowerW: 1n, dischargePowerW: 1n, capacityWh: 1n,
  pccImportW: 1n, pccExportW: 1n,
});

/** Everything that enters the example's statement; unless `complete`, C's register at the end of t2 is missing. */
export function exampleInputs({ complete }: { complete: boolean }): SettlementInputs {
  const anchored: AnchoredSchedule = { digest: SCHEDULE, schedule: schedule() };
  const effective = new Map(Array.from({ length: SLOTS_A_DAY }, (_, slot) => [slot, anchored]));
  const plan = new EffectivePlan(effective);
  const slots = Array.from({ length: SLOTS_A_DAY }, (_, slot) => Math.min(slot, 3)).map((at) => ({
    buyPrice: BUY[at] ?? 0n, sellPrice: SELL, networkPrice: NETWORK[at] ?? 0n,
  }));
  const quantities = MEMBERS.flatMap((number) => {
    const lost = complete || number !== 3 ? [] : [2];
    const readings = meterReadings(NET[number], { start: 1_000_000n * BigInt(number), lost });
    const device: Hex = `0x${`0${number}`.repeat(20)}`;
    const stream = { device, channel: 1, readings: timed(readings, { invalid: new Set(), disputed: new Set() }) };
    return stationQuantities(number, DAY, [stream], plan.plannedNetWh(number));
  });
  return {
    alliance: ALLIANCE, day: DAY, roster: [...MEMBERS], stations: MEMBERS.map(station),
    groups: [{ number: 1, stations: [...MEMBERS] }],
    tariffs: new Map([[1, { tariff: { pack: "worked-example", slots }, pack: PACK }]]),
    leases: [LEASE], effective, quantities, dayAhead: anchored, feeBp: 500n, feePack: PACK, logSize: complete ? 1_000 : 990,
    logged: new Set([SCHEDULE, PACK]), accepted: new Map(), earlyEnds: new Map([[1, { endSlot: dayFirstSlot(DAY) + 4n, by: null, priceCents: 0n }]]),
    availability: new Map([[1, { availableBp: 9_900n, slots: SERVED }]]), closingAccountWh: new Map([[1, 20_000n]]),
    poolOpeningCents: new Map(),
  };
}
