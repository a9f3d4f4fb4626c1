/** The certificate of a plan: feasible, and within a stated gap of the best possible; checked without a solver (protocol 9.2, 9.3, 8.7). */

import type { Plain } from "../cbor.ts";
import { floorDiv } from "../calendar.ts";
import { RuleError } from "../error.ts";
import { checkSchedule, lesseesWh, lesseeWh, ownBatteryWh } from "./check.ts";
import { ceilDiv, most, roundedHalfAway, size, sum } from "./money.ts";
import { identifier, integer, listOf, pair, record, unwrap } from "./plain.ts";
import { membersOf, type Part, partsOf, readProblem, horizon } from "./problem.ts";
import { lowerBoundMicrocents, type Program, programOf, rowName } from "./program.ts";
import { DAY_AHEAD, type GainRow, type PriceRow, type Problem, readSchedule, type Schedule, type ScheduleRow, type TariffSlot } from "./schedule.ts";

const MICRO = 1_000_000n;
const PPM = 1_000_000n;
const BALANCED_WH = 1_000n;

/** A problem, the schedule made from it, and the rounded duals that prove how good it is. */
export interface Certificate {
  readonly problem: Problem;
  readonly schedule: Schedule;
  readonly denominator: bigint;
  readonly duals: readonly bigint[];
  readonly apart: readonly (readonly [number, readonly bigint[]])[];
  readonly objectiveMicrocents: bigint;
  readonly lowerBoundMicrocents: bigint;
  readonly gapPpm: bigint;
}

const readCertificate = record<Certificate>({
  problem: readProblem,
  schedule: readSchedule,
  denominator: integer,
  duals: listOf(integer),
  apart: listOf(pair(identifier, listOf(integer))),
  objectiveMicrocents: integer,
  lowerBoundMicrocents: integer,
  gapPpm: integer,
});

/** Read {v: 1, certificate: …} strictly. Throws RuleError plain_wrong, bad_input or nomination_refused. */
export const certificateFromPlain = (plain: Plain): Certificate =>
  readCertificate(unwrap(plain, "certificate"), "certificate");

/** Check limits, objective, bound, gap, prices and gains. Throws the RuleError of the first that does not hold. */
export function checkCertificate(certificate: Certificate): void {
  const { problem, schedule, denominator, duals } = certificate;
  checkSchedule(schedule, problem);
  figure("denominator is positive", 1n, denominator > 0n ? 1n : 0n);
  const whole = programOf(problem);
  const objective = objectiveOf(schedule, problem);
  const bound = lowerBoundMicrocents(whole, duals, denominator);
  const gap = gapOf(objective, bound);
  figure("objective_microcents", objective, certificate.objectiveMicrocents);
  figure("lower_bound_microcents", bound, certificate.lowerBoundMicrocents);
  figure("gap_ppm", gap, certificate.gapPpm);
  figure("certified_gap_ppm", gap, schedule.certifiedGapPpm);
  checkPrices(certificate, whole);
  checkGains(certificate, ceilDiv(objective - bound, MICRO) + BigInt(membersOf(problem).length));
}

/** What a schedule costs: the grid's bill of each group, wheeling and losses inside it, and wear; microcents. */
export function objectiveOf(schedule: Schedule, problem: Problem): bigint {
  const wear = sum(heldRows(schedule, problem).map(([row, part]) => wearOf(row, part)));
  const nets = new Map(schedule.rows.map((row) => [`${row.station} ${row.slot}`, row.plannedNetWh]));
  const bills = problem.groups.flatMap(({ group, tariff }) =>
    tariff.slots.map((slot, k) =>
      bill(group.stations.map((station) => nets.get(`${station} ${problem.firstSlot + k}`) ?? 0n), slot),
    ),
  );
  return sum(bills) + wear;
}

/** What grid and network take for one group's slot; flows at the PCCs, export positive. */
function bill(netsWh: readonly bigint[], tariff: TariffSlot): bigint {
  const imports = sum(netsWh.map((net) => most(0n, -net)));
  const pool = -sum(netsWh);
  const price = pool > 0n ? tariff.buyPrice - tariff.networkPrice : tariff.sellPrice;
  return tariff.networkPrice * imports + price * pool;
}

/** (objective − bound) / max(1 cent, |objective|) in ppm, rounded up. */
function gapOf(objective: bigint, bound: bigint): bigint {
  if (bound > objective) {
    const facts = { objective_microcents: objective, lower_bound_microcents: bound };
    throw new RuleError("bound_above_objective", facts);
  }
  return ceilDiv((objective - bound) * PPM, most(MICRO, size(objective)));
}

function plannedCostCents(schedule: Schedule, problem: Problem, member: number): bigint {
  const prices = new Map(
    schedule.prices.flatMap(({ slot, poolPrice, adders }) =>
      adders.map(([station, adder]) => [`${station} ${slot}`, poolPrice + adder] as const),
    ),
  );
  const costs = heldRows(schedule, problem)
    .filter(([, part]) => part.member === member)
    .map(([row, part]) => {
      const flow = part.lease === 0 ? row.plannedNetWh - lesseesWh(row) : lesseeWh(row, part.lease);
      return wearOf(row, part) - flow * (prices.get(`${row.station} ${row.slot}`) ?? 0n);
    });
  return roundedHalfAway(sum(costs), MICRO);
}

/** What a member's forecast costs at the tariff without any storage, cents. */
function withoutStorageCents(problem: Problem, member: number): bigint {
  const owned = new Map(
    problem.sites.filter(({ station }) => station.owner === member).map((site) => [site.station.number, site.netLoadWh]),
  );
  const bills = problem.groups.flatMap(({ group, tariff }) => {
    const loads = group.stations.map((station) => owned.get(station)).filter((load) => load !== undefined);
    return tariff.slots.map((slot, k) => bill(loads.map((load) => -(load[k] ?? 0n)), slot));
  });
  return roundedHalfAway(sum(bills), MICRO);
}

function heldRows(schedule: Schedule, problem: Problem): readonly (readonly [ScheduleRow, Part])[] {
  const parts = partsOf(problem);
  const at = new Map(problem.sites.map(({ station }) => [station.number, parts.filter((p) => p.station === station.number)]));
  return schedule.rows.flatMap((row) => (at.get(row.station) ?? []).map((part) => [row, part] as const));
}

function wearOf(row: ScheduleRow, part: Part): bigint {
  const planned = part.lease === 0 ? ownBatteryWh(row) : lesseeWh(row, part.lease);
  return most(0n, planned) * part.wearPrice;
}

/** Each price is its dual, rounded, and what the planned flows leave open (protocol 8.5.1). */
function checkPrices(certificate: Certificate, whole: Program): void {
  const { problem, schedule, duals } = certificate;
  const dualOf = new Map(whole.rows.map((row, at) => [row.name, duals[at] ?? 0n]));
  const nets = new Map(schedule.rows.map((row) => [`${row.station} ${row.slot}`, row.plannedNetWh]));
  const tariffs = new Map(problem.groups.map(({ group, tariff }) => [group.number, tariff.slots]));
  figure("price rows", BigInt(tariffs.size * horizon(problem)), BigInt(schedule.prices.length));
  for (const row of schedule.prices) {
    const k = row.slot - problem.firstSlot;
    const tariff = tariffs.get(row.group)?.[k];
    if (tariff === undefined) continue;
    const netOf = (station: number): bigint => nets.get(`${station} ${row.slot}`) ?? 0n;
    const pool = sum(row.adders.map(([station]) => netOf(station)));
    const span = openPrices(pool, tariff.sellPrice, tariff.buyPrice - tariff.networkPrice);
    checkPrice(certificate, row, 0, row.poolPrice, dualOf.get(rowName("balance", row.group, k)) ?? 0n, span);
    for (const [station, adder] of row.adders) {
      const open = openPrices(netOf(station), 0n, tariff.networkPrice);
      checkPrice(certificate, row, station, adder, dualOf.get(rowName("split", station, k)) ?? 0n, open);
    }
  }
}

type Range = readonly [low: bigint, high: bigint];

function checkPrice(
  { denominator }: Certificate, row: PriceRow, station: number, price: bigint, dual: bigint, span: Range,
): void {
  const rounded = 2n * size(price * denominator - dual) <= denominator;
  if (rounded && price >= span[0] && price <= span[1]) return;
  const around = floorDiv(dual, denominator);
  const [low, high] = rounded ? span : [around, around];
  throw new RuleError("price_invalid", { group: row.group, station, slot: row.slot, price, low, high });
}

/** The prices that a planned flow, export positive, leaves open: one end where it flows, all between where it is balanced. */
export function openPrices(netWh: bigint, atExport: bigint, atImport: bigint): Range {
  return [netWh < -BALANCED_WH ? atImport : atExport, netWh > BALANCED_WH ? atExport : atImport];
}

/** Gain rows are what the data give, and together the members pay no more than apart, beyond the gap. */
function checkGains(certificate: Certificate, allowanceCents: bigint): void {
  const { problem, schedule, apart, denominator } = certificate;
  const wanted = problem.kind === DAY_AHEAD ? membersOf(problem) : [];
  figure("members with a gain", BigInt(wanted.length), BigInt(schedule.gains.length));
  figure("members with duals apart", BigInt(wanted.length), BigInt(apart.length));
  wanted.forEach((member, at) => {
    const [gain, held] = [schedule.gains[at], apart[at]];
    if (gain === undefined || held === undefined) return;
    figure("member of a gain", BigInt(member), BigInt(gain.member));
    figure("member of duals apart", BigInt(member), BigInt(held[0]));
    const bound = lowerBoundMicrocents(programOf(problem, member), held[1], denominator);
    checkGain(gain, schedule, problem, floorDiv(bound, MICRO));
  });
  const together = sum(schedule.gains.map((gain) => gain.plannedCostCents));
  const alone = sum(schedule.gains.map((gain) => gain.apartCostCents));
  if (wanted.length > 0 && together > alone + allowanceCents) {
    const facts = { apart_cost_cents: alone, planned_cost_cents: together, allowance_cents: allowanceCents };
    throw new RuleError("no_joint_gain", facts);
  }
}

function checkGain(gain: GainRow, schedule: Schedule, problem: Problem, apartCents: bigint): void {
  const { member } = gain;
  figure("apart_cost_cents", apartCents, gain.apartCostCents, member);
  const planned = plannedCostCents(schedule, problem, member);
  figure("planned_cost_cents", planned, gain.plannedCostCents, member);
  figure("gain_cents", gain.apartCostCents - planned, gain.gainCents, member);
  const without = withoutStorageCents(problem, member);
  figure("without_storage_cost_cents", without, gain.withoutStorageCostCents, member);
}

function figure(name: string, expected: bigint, got: bigint, number = 0): void {
  if (expected !== got) throw new RuleError("figure_differs", { figure: name, number, expected, got });
}
