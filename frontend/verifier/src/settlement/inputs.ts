/** Everything that may enter a line of a day, and what is refused of it before any line is made (protocol 8.3). */

import { SLOTS_A_DAY } from "../calendar.ts";
import { RuleError } from "../error.ts";
import type { BillingGroup, EarlyEnd, Hex, Lease, Station } from "../values.ts";
import { ZERO_DIGEST } from "../values.ts";
import { type AnchoredSchedule, slotKey } from "./plan.ts";
import type { GainRow, Tariff } from "./schedule.ts";
import type { Quantity } from "./statement.ts";

/** A group's tariff of the day and the digest of the rule pack that it comes from. */
export interface AnchoredTariff {
  readonly tariff: Tariff;
  readonly pack: Hex;
}

/** A lease's availability over a month, basis points, and SHA-256 over its slots, a byte each: 1 available, 0 not. */
export interface Availability {
  readonly availableBp: bigint;
  readonly slots: Hex;
}

export interface SettlementInputs {
  readonly alliance: Hex;
  readonly day: number;
  /** The members as the registry stood at 00:00, ascending. */
  readonly roster: readonly number[];
  readonly stations: readonly Station[];
  readonly groups: readonly BillingGroup[];
  readonly tariffs: ReadonlyMap<number, AnchoredTariff>;
  readonly leases: readonly Lease[];
  /** Slot 0…95 → the schedule that binds it. */
  readonly effective: ReadonlyMap<number, AnchoredSchedule>;
  /** All 96 of each station. */
  readonly quantities: readonly Quantity[];
  /** The schedule whose gain rows are the fee's base. */
  readonly dayAhead: AnchoredSchedule | null;
  readonly feeBp: bigint;
  readonly feePack: Hex;
  readonly logSize: number;
  /** Documents that stand in the log at `logSize`: no other may be evidence. */
  readonly logged: ReadonlySet<Hex>;
  /** slotKey(station, slot) → what a station's own key bound it to instead. */
  readonly accepted: ReadonlyMap<string, AnchoredSchedule>;
  /** How the leases ended that did so before their term. */
  readonly earlyEnds: ReadonlyMap<number, EarlyEnd>;
  readonly availability: ReadonlyMap<number, Availability>;
  readonly closingAccountWh: ReadonlyMap<number, bigint>;
  /** What a later decision left in a group's pool before this day, cents. */
  readonly poolOpeningCents: ReadonlyMap<number, bigint>;
}

/** Refuse inputs that name strangers, leave holes, or rest on documents outside the log. */
export function checkInputs(inputs: SettlementInputs): void {
  checkRoster(inputs);
  checkGroups(inputs);
  checkQuantities(inputs);
  checkLogged(inputs);
  for (const row of inputs.dayAhead?.schedule.gains ?? []) checkGain(row);
}

function checkRoster({ roster, stations, leases }: SettlementInputs): void {
  roster.forEach((member, position) => {
    if (position > 0 && member <= (roster[position - 1] ?? 0)) {
      throw new RuleError("roster_out_of_order", { position, member });
    }
  });
  const members = new Set(roster);
  const known = (member: number, station: number, lease: number): void => {
    if (!members.has(member)) throw new RuleError("account_not_on_roster", { member, station, lease });
  };
  for (const { owner, number } of stations) known(owner, number, 0);
  for (const lease of leases) for (const member of [lease.owner, lease.lessee]) known(member, lease.station, lease.number);
}

function checkGroups({ stations, groups, tariffs, leases }: SettlementInputs): void {
  const counts = new Map(stations.map(({ number }) => [number, 0]));
  for (const group of groups) {
    for (const station of group.stations) counts.set(station, (counts.get(station) ?? 2) + 1);
    const held = tariffs.get(group.number);
    if (group.stations.length > 1 && held !== undefined) checkFitForGroups(held.tariff);
  }
  for (const [station, found] of counts) {
    if (found !== 1) throw new RuleError("station_not_in_one_group", { station, groups: found });
  }
  for (const { station } of leases) {
    if (!counts.has(station)) throw new RuleError("station_not_in_one_group", { station, groups: 0 });
  }
}

/** A pack in which passing energy inside a group is dearer than through the grid is refused for groups (8.3.1). */
function checkFitForGroups({ pack, slots }: Tariff): void {
  slots.forEach(({ buyPrice, sellPrice, networkPrice }, slot) => {
    if (sellPrice + networkPrice <= buyPrice) return;
    const prices = { buy_price: buyPrice, sell_price: sellPrice, network_price: networkPrice };
    throw new RuleError("pack_unfit_for_groups", { pack, slot, ...prices });
  });
}

function checkQuantities({ stations, quantities }: SettlementInputs): void {
  const found = new Map<string, { station: number; slot: number; found: number }>();
  for (const { number: station } of stations) {
    for (let slot = 0; slot < SLOTS_A_DAY; slot += 1) found.set(slotKey(station, slot), { station, slot, found: 0 });
  }
  for (const { station, slot } of quantities) {
    const before = found.get(slotKey(station, slot))?.found ?? 1;
    found.set(slotKey(station, slot), { station, slot, found: before + 1 });
  }
  for (const count of found.values()) if (count.found !== 1) throw new RuleError("quantity_missing", count);
}

function checkLogged(inputs: SettlementInputs): void {
  const documents = [
    ...[...inputs.effective.values(), ...inputs.accepted.values()].map(({ digest }) => digest),
    ...[...inputs.tariffs.values()].map(({ pack }) => pack),
    inputs.feePack,
    ...inputs.quantities.map(({ document }) => document).filter((document) => document !== ZERO_DIGEST),
    ...(inputs.dayAhead === null ? [] : [inputs.dayAhead.digest]),
  ];
  const [document] = documents.filter((digest) => !inputs.logged.has(digest)).sort();
  if (document !== undefined) throw new RuleError("evidence_not_logged", { document, log_size: inputs.logSize });
}

function checkGain({ member, apartCostCents, plannedCostCents, gainCents }: GainRow): void {
  if (gainCents === apartCostCents - plannedCostCents) return;
  const costs = { apart_cost_cents: apartCostCents, planned_cost_cents: plannedCostCents };
  throw new RuleError("gain_miscomputed", { member, ...costs, gain_cents: gainCents });
}
