/** A schedule against the problem that it was made from, exactly, in integers (protocol 9.1, 9.2, 8.4.4). */

import { RuleError } from "../error.ts";
import { accountAfter } from "./lease.ts";
import { sum } from "./money.ts";
import { active, batteryWindow, horizon, type Part, partsOf } from "./problem.ts";
import { same } from "./same.ts";
import type { Problem, Schedule, ScheduleRow, Site } from "./schedule.ts";

const PPM = 1_000_000n;
const PPM_SQUARED = PPM * PPM;

/** Throws RuleError header_differs, rows_incomplete, net_differs, load_differs, lessees_differ, nomination_changed, power_exceeded, pcc_exceeded or content_outside. */
export function checkSchedule(schedule: Schedule, problem: Problem): void {
  checkHeader(schedule, problem);
  const byStation = rowsByStation(schedule, problem);
  const parts = partsOf(problem);
  for (const site of problem.sites) {
    const rows = byStation.get(site.station.number) ?? [];
    const here = parts.filter((part) => part.station === site.station.number);
    const leased = here.filter((part) => part.lease !== 0);
    rows.forEach((row, k) => checkRow(problem, site, leased, row, k));
    for (const part of leased) checkLeased(problem, part, rows);
    for (const part of here) if (part.lease === 0) checkOwned(problem, part, rows);
    checkBattery(problem, site, rows);
  }
  checkPricesComplete(schedule, problem);
}

/** A lessee's planned flow in a row, 0 without one. */
export const lesseeWh = (row: ScheduleRow, lease: number): bigint =>
  row.lessees.find((part) => part.lease === lease)?.plannedWh ?? 0n;

/** The owner's flow in or out of the battery, discharge positive: what the lessees did not order. */
export const ownBatteryWh = (row: ScheduleRow): bigint => row.batteryWh - lesseesWh(row);

/** What all lessees of a row order together. */
export const lesseesWh = (row: ScheduleRow): bigint => sum(row.lessees.map((part) => part.plannedWh));

function checkHeader(schedule: Schedule, problem: Problem): void {
  const groups = problem.groups.map(({ group }) => [group.number, group.stations] as const);
  const wanted: readonly (readonly [string, unknown, unknown])[] = [
    ["alliance", problem.alliance, schedule.alliance],
    ["day", problem.day, schedule.day],
    ["kind", problem.kind, schedule.kind],
    ["revision", problem.revision, schedule.revision],
    ["first_slot", problem.firstSlot, schedule.firstSlot],
    ["groups", groups, schedule.groups],
  ];
  for (const [field, expected, got] of wanted) {
    if (!same(expected, got)) throw new RuleError("header_differs", { field, expected: `${expected}`, got: `${got}` });
  }
}

type Key = readonly [number, number];

const spanOf = (problem: Problem): readonly number[] =>
  Array.from({ length: horizon(problem) }, (_, k) => problem.firstSlot + k);

function rowsByStation(schedule: Schedule, problem: Problem): ReadonlyMap<number, readonly ScheduleRow[]> {
  const span = spanOf(problem);
  const wanted = problem.sites.flatMap(({ station }) => span.map((slot): Key => [station.number, slot]));
  checkKeys("rows", wanted, schedule.rows.map((row): Key => [row.station, row.slot]));
  const rowsOf = (number: number) => schedule.rows.filter((row) => row.station === number);
  return new Map(problem.sites.map(({ station }) => [station.number, rowsOf(station.number)]));
}

function checkPricesComplete(schedule: Schedule, problem: Problem): void {
  if (schedule.prices.length === 0) return;
  const span = spanOf(problem);
  const wanted = problem.groups.flatMap(({ group }) => span.map((slot): Key => [group.number, slot]));
  checkKeys("prices", wanted, schedule.prices.map((price): Key => [price.group, price.slot]));
  const stations = new Map(problem.groups.map(({ group }) => [group.number, group.stations]));
  for (const price of schedule.prices) {
    const what = `adders of group ${price.group} in slot ${price.slot}`;
    const held = (stations.get(price.group) ?? []).map((station): Key => [station, 0]);
    checkKeys(what, held, price.adders.map(([station]): Key => [station, 0]));
  }
}

function checkKeys(what: string, wanted: readonly Key[], got: readonly Key[]): void {
  for (let position = 0; position < Math.max(wanted.length, got.length); position += 1) {
    const [expected, found] = [keyText(wanted[position]), keyText(got[position])];
    if (expected !== found) throw new RuleError("rows_incomplete", { what, position, expected, got: found });
  }
}

const keyText = (key: Key | undefined): string | null => (key === undefined ? null : `(${key[0]}, ${key[1]})`);

function checkRow(problem: Problem, site: Site, leased: readonly Part[], row: ScheduleRow, k: number): void {
  const place = { station: row.station, slot: row.slot };
  const net = row.batteryWh - row.netLoadWh;
  if (row.plannedNetWh !== net) {
    throw new RuleError("net_differs", { ...place, expected_wh: net, got_wh: row.plannedNetWh });
  }
  const low = site.netLoadWh[k] ?? 0n;
  const high = low + (site.curtailableWh[k] ?? 0n);
  if (row.netLoadWh < low || row.netLoadWh > high) {
    throw new RuleError("load_differs", { ...place, got_wh: row.netLoadWh, low_wh: low, high_wh: high });
  }
  checkLessees(problem, leased, row, k);
  checkPcc(row, "pcc", net, site.station.pccImportW / 4n, site.station.pccExportW / 4n);
}

function checkLessees(problem: Problem, leased: readonly Part[], row: ScheduleRow, k: number): void {
  const running = new Set(problem.shares.filter((share) => active(problem, share, k)).map(({ lease }) => lease.number));
  const wanted = leased.filter((part) => running.has(part.lease)).map((part) => keyText([part.lease, part.member]));
  const got = row.lessees.map((part) => keyText([part.lease, part.holder]));
  if (same(wanted, got)) return;
  const [expected, found] = [wanted.join(", "), got.join(", ")];
  throw new RuleError("lessees_differ", { station: row.station, slot: row.slot, expected, got: found });
}

function checkPcc(row: ScheduleRow, what: string, net: bigint, importWh: bigint, exportWh: bigint): void {
  if (net >= -importWh && net <= exportWh) return;
  const { station, slot } = row;
  throw new RuleError("pcc_exceeded", { station, slot, what, net_wh: net, import_wh: importWh, export_wh: exportWh });
}

function checkPower(part: Part, k: number, slot: number, planned: bigint): void {
  const [charge, discharge] = [part.chargeWh[k] ?? 0n, part.dischargeWh[k] ?? 0n];
  if (planned >= -charge && planned <= discharge) return;
  const { station, lease } = part;
  throw new RuleError("power_exceeded", {
    station, lease, slot, planned_wh: planned, charge_wh: charge, discharge_wh: discharge,
  });
}

/** A lessee's account by the contract's rounding; a pooled one also stays inside its energy without any rounding. */
function checkLeased(problem: Problem, part: Part, rows: readonly ScheduleRow[]): void {
  let account = part.startWh;
  let exact = inUnits(part.startWh, part.etaDPpm);
  rows.forEach((row, k) => {
    const slot = problem.firstSlot + k;
    const planned = lesseeWh(row, part.lease);
    const nominated = part.nominationWh?.[k];
    if (nominated !== undefined && planned !== nominated) {
      throw new RuleError("nomination_changed", { lease: part.lease, slot, nominated_wh: nominated, planned_wh: planned });
    }
    checkPower(part, k, slot, planned);
    account = accountAfter(account, planned, part);
    checkInside(part, k, slot, "lease", inUnits(account, part.etaDPpm));
    if (part.nominationWh !== null) return;
    exact += contentStep(planned, part.etaCPpm, part.etaDPpm);
    checkInside(part, k, slot, "lease", exact);
  });
}

function checkOwned(problem: Problem, own: Part, rows: readonly ScheduleRow[]): void {
  let exact = inUnits(own.startWh, own.etaDPpm);
  rows.forEach((row, k) => {
    const planned = ownBatteryWh(row);
    checkPower(own, k, row.slot, planned);
    checkPcc(row, "own", planned - row.netLoadWh, own.importWh[k] ?? 0n, own.exportWh[k] ?? 0n);
    exact += inUnits(own.transferWh[k] ?? 0n, own.etaDPpm) + contentStep(planned, own.etaCPpm, own.etaDPpm);
    checkInside(own, k, problem.firstSlot + k, "own", exact);
  });
}

/** The battery runs the net of all holders: its real content, at its own efficiencies, stays in its window. */
function checkBattery(problem: Problem, site: Site, rows: readonly ScheduleRow[]): void {
  const [low, high] = batteryWindow(site);
  const place = { station: site.station.number, lease: 0, etaDPpm: site.etaDPpm };
  let exact = inUnits(site.energyWh, site.etaDPpm);
  rows.forEach((row, k) => {
    exact += contentStep(row.batteryWh, site.etaCPpm, site.etaDPpm);
    checkContent(place, problem.firstSlot + k, "battery", exact, low, high);
  });
}

function checkInside(part: Part, k: number, slot: number, what: string, exact: bigint): void {
  checkContent(part, slot, what, exact, part.lowWh[k] ?? 0n, part.highWh[k] ?? 0n);
}

type Place = Pick<Part, "station" | "lease" | "etaDPpm">;

function checkContent(place: Place, slot: number, what: string, exact: bigint, low: bigint, high: bigint): void {
  const { station, lease, etaDPpm } = place;
  if (exact >= inUnits(low, etaDPpm) && exact <= inUnits(high, etaDPpm)) return;
  const content = `${exact}/${inUnits(1n, etaDPpm)}`;
  throw new RuleError("content_outside", { station, lease, slot, what, content_wh: content, low_wh: low, high_wh: high });
}

/** Watt-hours in units of 1 / (10⁶ · eta_d_ppm) Wh, in which every content is whole. */
const inUnits = (energyWh: bigint, etaDPpm: bigint): bigint => energyWh * PPM * etaDPpm;

/** What a flow, discharge positive, adds to the content, in the same units. */
function contentStep(plannedWh: bigint, etaCPpm: bigint, etaDPpm: bigint): bigint {
  return plannedWh < 0n ? -plannedWh * etaCPpm * etaDPpm : -plannedWh * PPM_SQUARED;
}
