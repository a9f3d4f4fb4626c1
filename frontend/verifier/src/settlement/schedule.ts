/** A schedule as an archive holds it: what each station and lessee will do in each slot, and at which prices (protocol 8.3). */

import type { Plain } from "../cbor.ts";
import type { BillingGroup, Hex, Lease, Station } from "../values.ts";
import { bytes, choice, dayNumber, identifier, integer, listOf, nullable, pair, type Read, record, row, text, unwrap } from "./plain.ts";

export const DAY_AHEAD = "day_ahead";
export const INTRADAY = "intraday";
export const GRID_ORDER = "grid_order";
export type ScheduleKind = typeof DAY_AHEAD | typeof INTRADAY | typeof GRID_ORDER;

/** A lessee's part of a station's slot, Wh, out of its account positive. */
export interface LeaseRow {
  readonly lease: number;
  readonly holder: number;
  readonly plannedWh: bigint;
}

/** A station's slot, Wh, export and discharge positive; `netLoadWh` consumes. */
export interface ScheduleRow {
  readonly station: number;
  readonly slot: number;
  readonly plannedNetWh: bigint;
  readonly batteryWh: bigint;
  readonly netLoadWh: bigint;
  readonly lessees: readonly LeaseRow[];
}

/** A group's certified prices in a slot, cents/MWh; `adders` pairs each station with its network adder. */
export interface PriceRow {
  readonly group: number;
  readonly slot: number;
  readonly poolPrice: bigint;
  readonly adders: readonly (readonly [number, bigint])[];
}

/** What a member was certain to pay apart, pays as planned, and gains, cents of the day. */
export interface GainRow {
  readonly member: number;
  readonly apartCostCents: bigint;
  readonly plannedCostCents: bigint;
  readonly gainCents: bigint;
  readonly withoutStorageCostCents: bigint;
}

/** A schedule of one day, from `firstSlot` on. */
export interface Schedule {
  readonly alliance: Hex;
  readonly day: number;
  readonly kind: ScheduleKind;
  readonly revision: number;
  readonly firstSlot: number;
  readonly groups: readonly (readonly [number, readonly number[]])[];
  readonly rows: readonly ScheduleRow[];
  readonly prices: readonly PriceRow[];
  readonly gains: readonly GainRow[];
  readonly certifiedGapPpm: bigint;
}

/** One slot of a tariff, cents/MWh. */
export interface TariffSlot {
  readonly buyPrice: bigint;
  readonly sellPrice: bigint;
  readonly networkPrice: bigint;
}

/** The slots of a tariff and the name of the rule pack that they come from. */
export interface Tariff {
  readonly pack: string;
  readonly slots: readonly TariffSlot[];
}

/** What a plan may count on at one station, one entry a slot of the horizon in each list. */
export interface Site {
  readonly station: Station;
  readonly etaCPpm: bigint;
  readonly etaDPpm: bigint;
  readonly energyMinWh: bigint;
  readonly energyMaxWh: bigint;
  readonly energyWh: bigint;
  readonly endMinWh: bigint;
  readonly wearPrice: bigint;
  readonly netLoadWh: readonly bigint[];
  readonly ownNeedFloorWh: readonly bigint[];
  readonly curtailableWh: readonly bigint[];
}

/** A lease as it stands when the horizon begins; firm with a nomination, else pooled. */
export interface Share {
  readonly lease: Lease;
  readonly accountWh: bigint;
  readonly endMinWh: bigint;
  readonly nominationWh: readonly bigint[] | null;
}

/** A billing group and its tariff over the horizon. */
export interface GroupTariff {
  readonly group: BillingGroup;
  readonly tariff: Tariff;
}

/** All that a plan is made from. */
export interface Problem {
  readonly alliance: Hex;
  readonly day: number;
  readonly kind: ScheduleKind;
  readonly revision: number;
  readonly firstSlot: number;
  readonly sites: readonly Site[];
  readonly shares: readonly Share[];
  readonly groups: readonly GroupTariff[];
}

const kind = choice<ScheduleKind>([DAY_AHEAD, INTRADAY, GRID_ORDER]);
const amounts = listOf(integer);

export const readGroup: Read<BillingGroup> = record<BillingGroup>({ number: identifier, stations: listOf(identifier) });

const readLeaseRow = row<LeaseRow>({ lease: identifier, holder: identifier, plannedWh: integer });

const readRow = row<ScheduleRow>({
  station: identifier,
  slot: identifier,
  plannedNetWh: integer,
  batteryWh: integer,
  netLoadWh: integer,
  lessees: listOf(readLeaseRow),
});

const readPriceRow = row<PriceRow>({
  group: identifier,
  slot: identifier,
  poolPrice: integer,
  adders: listOf(pair(identifier, integer)),
});

const readGainRow = row<GainRow>({
  member: identifier,
  apartCostCents: integer,
  plannedCostCents: integer,
  gainCents: integer,
  withoutStorageCostCents: integer,
});

export const readSchedule: Read<Schedule> = record<Schedule>({
  alliance: bytes,
  day: dayNumber,
  kind,
  revision: identifier,
  firstSlot: identifier,
  groups: listOf(pair(identifier, listOf(identifier))),
  rows: listOf(readRow),
  prices: listOf(readPriceRow),
  gains: listOf(readGainRow),
  certifiedGapPpm: integer,
});

export const readStation = record<Station>({
  number: identifier,
  owner: identifier,
  stationType: choice([1, 2, 3, 4]),
  region: identifier,
  chargePowerW: integer,
  dischargePowerW: integer,
  capacityWh: integer,
  pccImportW: integer,
  pccExportW: integer,
});

export const readLease = record<Lease>({
  number: identifier,
  version: identifier,
  owner: identifier,
  lessee: identifier,
  station: identifier,
  powerW: integer,
  energyWh: integer,
  etaCPpm: integer,
  etaDPpm: integer,
  rentCents: integer,
  firstSlot: integer,
  termSlots: integer,
  wearPrice: integer,
  handoverWh: integer,
  handoverPrice: integer,
  slaBp: integer,
  slaFactorBp: integer,
  weekdayMask: identifier,
  dayFirstSlot: identifier,
  daySlots: identifier,
});

const readSite = record<Site>({
  station: readStation,
  etaCPpm: integer,
  etaDPpm: integer,
  energyMinWh: integer,
  energyMaxWh: integer,
  energyWh: integer,
  endMinWh: integer,
  wearPrice: integer,
  netLoadWh: amounts,
  ownNeedFloorWh: amounts,
  curtailableWh: amounts,
});

const readShare = record<Share>({
  lease: readLease,
  accountWh: integer,
  endMinWh: integer,
  nominationWh: nullable(amounts),
});

const readTariff = record<Tariff>({
  pack: text,
  slots: listOf(row<TariffSlot>({ buyPrice: integer, sellPrice: integer, networkPrice: integer })),
});

/** The fields of a problem; whether they lie inside their limits is `problem.ts`'s question. */
export const readProblemFields: Read<Problem> = record<Problem>({
  alliance: bytes,
  day: dayNumber,
  kind,
  revision: identifier,
  firstSlot: identifier,
  sites: listOf(readSite),
  shares: listOf(readShare),
  groups: listOf(record<GroupTariff>({ group: readGroup, tariff: readTariff })),
});

/** Read {v: 1, schedule: …} strictly. Throws RuleError plain_wrong. */
export const scheduleFromPlain = (plain: Plain): Schedule => readSchedule(unwrap(plain, "schedule"), "schedule");
