/**
 * The linear programme behind a plan and the bound that any duals give it, without a solver (protocol 9.2, 9.3).
 *
 * For min c·x, A x ⋛ b, low ≤ x ≤ high any numbers y give c·x ≥ y·b + Σ min(r·low, r·high), r = c − Aᵀy, once a y of the
 * wrong sign counts as 0. Money is in microcents: 1 Wh at 1 cent/MWh.
 */

import { floorDiv } from "../calendar.ts";
import { RuleError } from "../error.ts";
import { most, sum } from "./money.ts";
import { horizon, type Part, partsOf } from "./problem.ts";
import type { Problem, TariffSlot } from "./schedule.ts";

/** How a row's activity relates to its right-hand side. */
const AT_MOST = -1n;
const EQUAL = 0n;
const AT_LEAST = 1n;

/** Coefficient · column, by index. */
type Term = readonly [column: number, coefficient: bigint];

/** Σ terms (≤, =, ≥) right, both sides over `scale`. */
export interface Row {
  readonly name: string;
  readonly terms: readonly Term[];
  readonly sense: bigint;
  readonly right: bigint;
  readonly scale: bigint;
}

/** Costs in microcents a Wh, boxes in Wh. */
export interface Program {
  readonly costs: readonly bigint[];
  readonly boxes: readonly (readonly [low: bigint, high: bigint])[];
  readonly rows: readonly Row[];
}

/** The name of the row whose dual is a group's pool price, or a PCC's network adder, in a slot of the horizon. */
export const rowName = (kind: "balance" | "split", number: number, k: number): string => name(kind, number, 0, k);

/** The programme of the whole alliance, or of what one member holds alone. */
export function programOf(problem: Problem, member?: number): Program {
  const builder = new Builder();
  const held = partsOf(problem).filter((part) => member === undefined || part.member === member);
  for (const part of held) for (let k = 0; k < horizon(problem); k += 1) addPart(builder, part, k);
  for (const { group, tariff } of problem.groups) {
    const stations = group.stations.map((station) => held.filter((part) => part.station === station));
    const here = stations.filter((parts) => parts.length > 0);
    if (here.length > 0) tariff.slots.forEach((slot, k) => addGroup(builder, group.number, here, slot, k));
  }
  return builder;
}

/** The bound that the duals prove, rounded down. Throws RuleError duals_miscounted. */
export function lowerBoundMicrocents(program: Program, duals: readonly bigint[], denominator: bigint): bigint {
  if (duals.length !== program.rows.length) {
    throw new RuleError("duals_miscounted", { what: "duals", expected: program.rows.length, got: duals.length });
  }
  const unit = program.rows.reduce((scale, row) => most(scale, row.scale), 1n);
  const reduced = program.costs.map((cost) => cost * denominator * unit);
  let total = 0n;
  program.rows.forEach((row, at) => {
    const price = (duals[at] ?? 0n) * (unit / row.scale);
    if (price * row.sense < 0n) return;
    total += price * row.right;
    for (const [column, coefficient] of row.terms) reduced[column] = (reduced[column] ?? 0n) - price * coefficient;
  });
  reduced.forEach((rest, column) => {
    const [low, high] = program.boxes[column] ?? [0n, 0n];
    total += rest * (rest > 0n ? low : high);
  });
  return floorDiv(total, denominator * unit);
}

const PPM = 1_000_000n;
const PPM_SQUARED = PPM * PPM;

type Named = readonly [name: string, coefficient: bigint];

/** Columns and rows as they are added; a term whose column was not added is left out. */
class Builder implements Program {
  readonly costs: bigint[] = [];
  readonly boxes: (readonly [bigint, bigint])[] = [];
  readonly rows: Row[] = [];
  private readonly index = new Map<string, number>();

  column(name: string, cost: bigint, low: bigint, high: bigint): void {
    this.index.set(name, this.costs.length);
    this.costs.push(cost);
    this.boxes.push([low, high]);
  }

  row(name: string, terms: readonly Named[], sense: bigint, right: bigint, scale = 1n): void {
    const known = terms.flatMap(([column, coefficient]): readonly Term[] => {
      const at = this.index.get(column);
      return at === undefined ? [] : [[at, coefficient]];
    });
    this.rows.push({ name, terms: known, sense, right, scale });
  }
}

const name = (kind: string, number: number, lease: number, k: number): string => `${kind} ${number} ${lease} ${k}`;

/** A holder's columns c, d, e (unless firm) and u (the owner's), and the rows that are its own. */
function addPart(builder: Builder, part: Part, k: number): void {
  const at = (kind: string, slot = k): string => name(kind, part.station, part.lease, slot);
  const fixed = part.nominationWh?.[k];
  const charge = fixed === undefined ? at0(part.chargeWh, k) : most(0n, -fixed);
  const discharge = fixed === undefined ? at0(part.dischargeWh, k) : most(0n, fixed);
  builder.column(at("c"), 0n, fixed === undefined ? 0n : charge, charge);
  builder.column(at("d"), part.wearPrice, fixed === undefined ? 0n : discharge, discharge);
  if (fixed === undefined) {
    builder.column(at("e"), 0n, at0(part.lowWh, k), at0(part.highWh, k));
    addStore(builder, part, k, at);
    addHull(builder, charge, discharge, at);
  }
  if (part.lease !== 0) return;
  builder.column(at("u"), 0n, 0n, at0(part.curtailableWh, k));
  const into: readonly Named[] = [[at("c"), 1n], [at("d"), -1n], [at("u"), 1n]];
  builder.row(at("import"), into, AT_MOST, at0(part.importWh, k) - at0(part.loadWh, k));
  const out = into.map(([column, coefficient]): Named => [column, -coefficient]);
  builder.row(at("export"), out, AT_MOST, at0(part.exportWh, k) + at0(part.loadWh, k));
}

/** e(k) = e(k − 1) + eta_c·c − d/eta_d + transfer, times eta_d. */
function addStore(builder: Builder, part: Part, k: number, at: (kind: string, slot?: number) => string): void {
  const kept = part.etaDPpm * PPM;
  const terms: readonly Named[] = [
    [at("e"), kept],
    [at("e", k - 1), -kept],
    [at("c"), -part.etaCPpm * part.etaDPpm],
    [at("d"), PPM_SQUARED],
  ];
  const given = at0(part.transferWh, k) + (k === 0 ? part.startWh : 0n);
  builder.row(at("store"), terms, EQUAL, kept * given, PPM_SQUARED);
}

/** c/C + d/D ≤ 1, times C·D over a power of ten: a battery that charges half the slot discharges no more than the other half. */
function addHull(builder: Builder, charge: bigint, discharge: bigint, at: (kind: string) => string): void {
  if (charge === 0n || discharge === 0n) return;
  if (charge === discharge) {
    builder.row(at("hull"), [[at("c"), 1n], [at("d"), 1n]], AT_MOST, charge);
    return;
  }
  const scale = 10n ** BigInt(`${most(charge, discharge)}`.length);
  builder.row(at("hull"), [[at("c"), discharge], [at("d"), charge]], AT_MOST, charge * discharge, scale);
}

/** A group's slot: imports at each PCC (dual: its adder), import and export of the whole, and the balance (dual: the pool price). */
function addGroup(builder: Builder, group: number, here: readonly (readonly Part[])[], tariff: TariffSlot, k: number): void {
  const flows = here.map((held) => held.flatMap((part) => flowOf(part, k)));
  const loads = here.map((held) => sum(held.map((part) => at0(part.loadWh, k))));
  const rights = here.map((held) => sum(held.map((part) => at0(part.importWh, k))) + 1n);
  here.forEach((held, i) => {
    const station = held[0]?.station ?? 0;
    const imported = name("m", station, 0, k);
    builder.column(imported, tariff.networkPrice, 0n, rights[i] ?? 0n);
    builder.row(rowName("split", station, k), [[imported, 1n], ...(flows[i] ?? [])], AT_LEAST, loads[i] ?? 0n);
  });
  const exports = sum(here.flat().map((part) => at0(part.exportWh, k))) + BigInt(here.length);
  const [bought, sold] = [name("i", group, 0, k), name("x", group, 0, k)];
  builder.column(bought, tariff.buyPrice - tariff.networkPrice, 0n, sum(rights));
  builder.column(sold, -tariff.sellPrice, 0n, exports);
  builder.row(rowName("balance", group, k), [[bought, 1n], [sold, -1n], ...flows.flat()], EQUAL, sum(loads));
}

/** What a holder sends out of its PCC, the load apart: d − c − u. */
function flowOf(part: Part, k: number): readonly Named[] {
  const at = (kind: string): string => name(kind, part.station, part.lease, k);
  const flow: readonly Named[] = [[at("d"), 1n], [at("c"), -1n]];
  return part.lease === 0 ? [...flow, [at("u"), -1n]] : flow;
}

const at0 = (values: readonly bigint[], k: number): bigint => values[k] ?? 0n;
