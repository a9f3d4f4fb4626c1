/**
 * Who pays whom for a day: a pure function of evidence (protocol 8.2 to 8.9). Planned energy is paid at the plan's price, the
 * difference to the meter at the price that the meter itself reveals; a lessee is paid for its schedule whatever the battery
 * did; what is left in the pool goes back to the members.
 */

import { dayFirstSlot, DAY_SLOT, SLOTS_A_DAY } from "../calendar.ts";
import { RuleError } from "../error.ts";
import type { BillingGroup, EarlyEnd, Hex, Lease } from "../values.ts";
import { ZERO_DIGEST } from "../values.ts";
import { openPrices } from "./certificate.ts";
import { checkInputs, type SettlementInputs } from "./inputs.ts";
import { endDue, endsIn, monthSoFar, ranIn, rentBetween, holdsIn, slaCents, slaDue, termEnd } from "./lease.ts";
import { energyCents, largestRemainder, least, most, mulDiv, size, sum } from "./money.ts";
import { EffectivePlan, slotKey } from "./plan.ts";
import { same } from "./same.ts";
import type { PriceRow, Tariff, TariffSlot } from "./schedule.ts";
import {
  assemble, evidenceOf, GRID, type Heading, InputKind, inputId, type Line, lineIdentity, LineKind, PLATFORM, POOL,
  type Quantity, type SlotTotal, type Statement, type Weights,
} from "./statement.ts";

const FULL_BP = 10_000n;

/** The complete statement of a day, version 1. Throws the RuleError of the first input that does not fit. */
export function settle(inputs: SettlementInputs): Statement {
  checkInputs(inputs);
  const frame = frameOf(inputs);
  const [slotTotals, slotLines]: [SlotTotal[], Line[]] = [[], []];
  for (const group of inputs.groups) {
    for (const slot of slots) {
      const market = marketOf(frame, group, slot);
      slotTotals.push(...market.totals);
      slotLines.push(...linesOf(frame, market));
    }
  }
  const weights = inputs.groups.map((group) => weightsOf(frame, group));
  const lines = [...slotLines, ...poolShares(frame, weights, slotLines), ...fees(inputs), ...closingLines(frame)];
  return assemble(headingOf(frame), { quantities: inputs.quantities, slotTotals, lines, weights });
}

/** The tariff by which a group is planned and settled: of one PCC, with a network price of 0 (8.2.3). */
export function groupTariff(group: BillingGroup, tariff: Tariff): Tariff {
  return { ...tariff, slots: tariff.slots.map((slot) => ({ ...slot, networkPrice: networkPrice(group, slot) })) };
}

/** The linked statement v + 1 that holds only what differs; amounts are differences, all else is the new value (8.9.3). */
export function correct(previous: Statement, recomputed: Statement, previousRoot: Hex): Statement {
  checkSameDay(previous, recomputed);
  const lines = lineDeltas(previous.lines, recomputed.lines);
  const quantities = changed(previous.quantities, recomputed.quantities);
  const slotTotals = changed(previous.slotTotals, recomputed.slotTotals);
  const weights = changed(previous.weights, recomputed.weights);
  const { version } = previous.heading;
  if (lines.length + quantities.length + slotTotals.length + weights.length === 0) {
    throw new RuleError("nothing_to_correct", { version });
  }
  const heading = { ...recomputed.heading, version: version + 1, previous: previousRoot, deltas: true };
  return assemble(heading, { quantities, slotTotals, lines, weights });
}

/** The whole day after a correction. */
export function applyCorrection(previous: Statement, correction: Statement): Statement {
  const before = new Map(previous.lines.map((line) => [lineIdentity(line), line.amountCents]));
  const moved = correction.lines.map((line) => {
    const amountCents = (before.get(lineIdentity(line)) ?? 0n) + line.amountCents;
    return { ...line, amountCents };
  });
  return assemble(
    { ...correction.heading, deltas: false },
    {
      lines: latest([...previous.lines, ...moved], lineIdentity),
      quantities: latest([...previous.quantities, ...correction.quantities], (q) => slotKey(q.station, q.slot)),
      slotTotals: latest([...previous.slotTotals, ...correction.slotTotals], (t) => `${t.slot} ${t.group} ${t.position}`),
      weights: latest([...previous.weights, ...correction.weights], (w) => `${w.group}`),
    },
  );
}

const slots: readonly number[] = Array.from({ length: SLOTS_A_DAY }, (_, slot) => slot);

// The day, indexed once

interface Frame {
  readonly inputs: SettlementInputs;
  readonly plan: EffectivePlan;
  readonly firstSlot: bigint;
  readonly owners: ReadonlyMap<number, number>;
  readonly groupOf: ReadonlyMap<number, number>;
  readonly netWh: ReadonlyMap<string, bigint>;
  readonly leasesOf: ReadonlyMap<number, readonly Lease[]>;
}

function frameOf(inputs: SettlementInputs): Frame {
  const held = new Set(inputs.leases.map(({ station }) => station));
  return {
    inputs,
    plan: new EffectivePlan(inputs.effective, inputs.accepted),
    firstSlot: dayFirstSlot(inputs.day),
    owners: new Map(inputs.stations.map(({ number, owner }) => [number, owner])),
    groupOf: new Map(inputs.groups.flatMap(({ number, stations }) => stations.map((station) => [station, number] as const))),
    netWh: new Map(inputs.quantities.map((q) => [slotKey(q.station, q.slot), q.netWh])),
    leasesOf: new Map([...held].map((number) => [number, inputs.leases.filter((x) => x.station === number)])),
  };
}

const ownerOf = (frame: Frame, station: number): number => frame.owners.get(station) ?? 0;

const netOf = (frame: Frame, station: number, slot: number): bigint => frame.netWh.get(slotKey(station, slot)) ?? 0n;

/** Each lease in force in a slot with its planned energy; rows of any other lease are the owner's. */
function leasePlans(frame: Frame, station: number, slot: number): readonly (readonly [Lease, bigint])[] {
  const at = frame.firstSlot + BigInt(slot);
  const parts = frame.plan.row(station, slot)?.lessees ?? [];
  return (frame.leasesOf.get(station) ?? [])
    .filter((lease) => holdsIn(lease, at) && at < termEnd(lease, frame.inputs.earlyEnds.get(lease.number)?.endSlot))
    .map((lease) => [lease, sum(parts.filter((part) => part.lease === lease.number).map((part) => part.plannedWh))]);
}

// A group's slot

interface Market {
  readonly group: BillingGroup;
  readonly slot: number;
  readonly totals: readonly SlotTotal[];
  readonly tariff: TariffSlot;
  readonly network: bigint;
  readonly poolNetWh: bigint;
  readonly matchedWh: bigint;
  readonly actualPrice: bigint;
  /** The planned pool price and adders; null where no price row stands. */
  readonly planned: PriceRow | null;
  readonly priceIds: readonly Uint8Array[];
  readonly totalId: Uint8Array;
  readonly tariffId: Uint8Array;
}

function marketOf(frame: Frame, group: BillingGroup, slot: number): Market {
  const source = frame.inputs.tariffs.get(group.number);
  const tariff = source?.tariff.slots[slot];
  if (source === undefined || tariff === undefined) throw new RuleError("rules_missing", { what: "tariff", group: group.number });
  const network = networkPrice(group, tariff);
  const totals = runningTotals(frame, group, slot);
  const [importsWh, exportsWh] = [totals.at(-1)?.importsWh ?? 0n, totals.at(-1)?.exportsWh ?? 0n];
  const poolNetWh = importsWh - exportsWh;
  const found = frame.plan.prices(group, slot);
  if (found !== null) checkPriceRow(frame, found.row, group, tariff);
  const { PRICE_ROW, SLOT_TOTAL, TARIFF_ROW } = InputKind;
  return {
    group, slot, totals, tariff, network, poolNetWh,
    matchedWh: least(importsWh, exportsWh),
    actualPrice: actualPrice(poolNetWh, tariff, network, found?.row ?? null),
    planned: found?.row ?? null,
    priceIds: found === null ? [] : [inputId(PRICE_ROW, { digest: found.digest, a: group.number, b: slot })],
    totalId: inputId(SLOT_TOTAL, { a: group.number, b: slot }),
    tariffId: inputId(TARIFF_ROW, { digest: source.pack, b: slot }),
  };
}

/** What the network takes inside a group; 0 in a group of one PCC, where nothing can pass. */
const networkPrice = (group: BillingGroup, slot: TariffSlot): bigint => (group.stations.length > 1 ? slot.networkPrice : 0n);

/** What the last Wh cost the group: the grid's price by the pool's sign; at exactly 0 the planned price, or the middle. */
function actualPrice(poolNetWh: bigint, tariff: TariffSlot, network: bigint, planned: PriceRow | null): bigint {
  if (poolNetWh > 0n) return tariff.buyPrice - network;
  if (poolNetWh < 0n) return tariff.sellPrice;
  return planned?.poolPrice ?? mulDiv(tariff.sellPrice + tariff.buyPrice - network, 1n, 2n);
}

/** Planned prices are duals of the tariff at the planned flows, else the day is refused (8.5.1). */
function checkPriceRow(frame: Frame, row: PriceRow, group: BillingGroup, tariff: TariffSlot): void {
  const network = networkPrice(group, tariff);
  const planned = (station: number): bigint => frame.plan.row(station, row.slot)?.plannedNetWh ?? 0n;
  const pool = openPrices(sum(group.stations.map(planned)), tariff.sellPrice, tariff.buyPrice - network);
  checkPrice(row, 0, row.poolPrice, pool);
  for (const station of group.stations) {
    checkPrice(row, station, adderOf(row, station), openPrices(planned(station), 0n, network));
  }
}

const adderOf = (row: PriceRow, station: number): bigint | null => row.adders.findLast(([at]) => at === station)?.[1] ?? null;

function checkPrice(row: PriceRow, station: number, price: bigint | null, [lowest, highest]: readonly [bigint, bigint]): void {
  if (price !== null && price >= lowest && price <= highest) return;
  throw new RuleError("price_row_invalid", { group: row.group, slot: row.slot, station, price, lowest, highest });
}

function runningTotals(frame: Frame, group: BillingGroup, slot: number): readonly SlotTotal[] {
  const inOrder = [...group.stations].sort((a, b) => ownerOf(frame, a) - ownerOf(frame, b) || a - b);
  let [importsWh, exportsWh] = [0n, 0n];
  return inOrder.map((station, position) => {
    const netWh = netOf(frame, station, slot);
    importsWh += most(0n, -netWh);
    exportsWh += most(0n, netWh);
    return { slot, group: group.number, position, count: inOrder.length, station, importsWh, exportsWh };
  });
}

// Lines of a slot

function linesOf(frame: Frame, market: Market): readonly Line[] {
  return [...market.totals.flatMap(({ station }) => pccLines(frame, market, station)), ...gridLines(market)];
}

/** The owner's and the lessees' lines at one PCC: planned flows at planned prices, the rest at actual ones. */
function pccLines(frame: Frame, market: Market, station: number): readonly Line[] {
  const { slot, planned } = market;
  const [netWh, plannedNetWh] = [netOf(frame, station, slot), frame.plan.row(station, slot)?.plannedNetWh ?? 0n];
  const lessees = leasePlans(frame, station, slot);
  const ownWh = plannedNetWh - sum(lessees.map(([, plannedWh]) => plannedWh));
  const adderNow = netWh < 0n ? market.network : 0n;
  const rowId = inputId(InputKind.SCHEDULE_ROW, { digest: frame.plan.binding(station, slot), a: station, b: slot });
  const quantityId = inputId(InputKind.QUANTITY, { a: station, b: slot });
  const actualIds = [market.totalId, market.tariffId, ...(market.poolNetWh === 0n ? market.priceIds : [])];
  const actual = { price: market.actualPrice, adder: adderNow, evidence: evidenceOf(quantityId, rowId, ...actualIds) };
  const paid = planned === null
    ? { price: market.actualPrice, adder: adderNow, evidence: evidenceOf(rowId, quantityId, ...actualIds) }
    : { price: planned.poolPrice, adder: adderOf(planned, station) ?? 0n, evidence: evidenceOf(rowId, ...market.priceIds) };
  const owner = { account: ownerOf(frame, station), subject: station };
  const deviationWh = netWh - plannedNetWh;
  return [
    poolLine(market, LineKind.ENERGY_PLAN, owner, ownWh, paid.price, paid.evidence),
    poolLine(market, LineKind.ENERGY_DEVIATION, owner, deviationWh, actual.price, actual.evidence),
    poolLine(market, LineKind.NETWORK_PLAN, owner, ownWh, paid.adder, paid.evidence),
    poolLine(market, LineKind.NETWORK_DEVIATION, owner, deviationWh, actual.adder, actual.evidence),
    ...lessees.flatMap(([lease, plannedWh]) => {
      const lessee = { account: lease.lessee, subject: lease.number };
      return [
        poolLine(market, LineKind.LEASE_ENERGY, lessee, plannedWh, paid.price, paid.evidence),
        poolLine(market, LineKind.LEASE_NETWORK, lessee, plannedWh, paid.adder, paid.evidence),
        ...rentAndWear(frame, lease, slot, plannedWh, rowId),
      ];
    }),
  ];
}

interface Party {
  readonly account: number;
  readonly subject: number;
}

function poolLine(
  { slot, group }: Market, kind: number, { account, subject }: Party, quantityWh: bigint, price: bigint, evidence: Hex,
): Line {
  return {
    slot, kind, account, counterparty: POOL, subject, group: group.number,
    quantityWh, priceCentsPerMwh: price, amountCents: energyCents(quantityWh, price), evidence,
  };
}

/** The tariff on the meters, passed through: what the group takes from outside, and what passes inside it. */
function gridLines(market: Market): readonly Line[] {
  const { poolNetWh, matchedWh, tariff, network, group } = market;
  const grid = { account: GRID, subject: group.number };
  const evidence = evidenceOf(market.totalId, market.tariffId);
  const price = poolNetWh > 0n ? tariff.buyPrice : tariff.sellPrice;
  return [
    poolLine(market, LineKind.GRID_ENERGY, grid, poolNetWh, price, evidence),
    poolLine(market, LineKind.GRID_NETWORK, grid, matchedWh, network, evidence),
  ];
}

function rentAndWear(frame: Frame, lease: Lease, slot: number, plannedWh: bigint, rowId: Uint8Array): readonly Line[] {
  const first = frame.firstSlot + BigInt(slot);
  const rent = rentBetween(lease, { first, end: first + 1n });
  const quantityWh = -most(0n, plannedWh);
  const price = lease.wearPrice;
  const worn = { quantityWh, price, amountCents: energyCents(quantityWh, price) };
  return [
    leaseLine(frame, lease, LineKind.LEASE_RENT, slot, { ...nothing, amountCents: -rent }, evidenceOf(leaseId(lease))),
    leaseLine(frame, lease, LineKind.LEASE_WEAR, slot, worn, evidenceOf(leaseId(lease), rowId)),
  ];
}

interface Amount {
  readonly quantityWh: bigint;
  readonly price: bigint;
  readonly amountCents: bigint;
}

const nothing: Amount = { quantityWh: 0n, price: 0n, amountCents: 0n };

const leaseId = (lease: Lease): Uint8Array => inputId(InputKind.LEASE, { a: lease.number, b: lease.version });

function leaseLine(frame: Frame, lease: Lease, kind: number, slot: number, amount: Amount, evidence: Hex): Line {
  return {
    slot, kind, account: lease.lessee, counterparty: lease.owner, subject: lease.number,
    group: frame.groupOf.get(lease.station) ?? 0,
    quantityWh: amount.quantityWh, priceCentsPerMwh: amount.price, amountCents: amount.amountCents, evidence,
  };
}

// Lines of the day

function weightsOf(frame: Frame, group: BillingGroup): Weights {
  const sums = new Map<number, bigint>();
  for (const station of group.stations) {
    const owner = ownerOf(frame, station);
    const moved = sum(slots.map((slot) => size(netOf(frame, station, slot))));
    sums.set(owner, (sums.get(owner) ?? 0n) + moved);
  }
  return { group: group.number, weightsWh: [...sums].sort(([a], [b]) => a - b) };
}

/** What each group's pool holds after slot 95, back to its members (8.6.3). */
function poolShares(frame: Frame, weights: readonly Weights[], lines: readonly Line[]): readonly Line[] {
  const left = new Map(weights.map(({ group }) => [group, frame.inputs.poolOpeningCents.get(group) ?? 0n]));
  for (const { counterparty, group, amountCents } of lines) {
    if (counterparty === POOL) left.set(group, (left.get(group) ?? 0n) - amountCents);
  }
  return weights.flatMap(({ group, weightsWh }) => {
    const evidence = evidenceOf(inputId(InputKind.POOL_BALANCE, { a: group }), inputId(InputKind.WEIGHTS, { a: group }));
    const parts = largestRemainder(left.get(group) ?? 0n, new Map(weightsWh));
    return [...parts].map(([member, cents]) => dayLine(LineKind.POOL_SHARE, member, POOL, group, cents, evidence));
  });
}

/** The platform's part of each member's certified day-ahead gain (8.7.1). */
function fees({ dayAhead, roster, feeBp, feePack }: SettlementInputs): readonly Line[] {
  const gains = new Map(dayAhead?.schedule.gains.map(({ member, gainCents }) => [member, gainCents]));
  const digest = dayAhead?.digest ?? ZERO_DIGEST;
  return roster.map((member) => {
    const fee = mulDiv(most(0n, gains.get(member) ?? 0n), feeBp, FULL_BP);
    const evidence = evidenceOf(inputId(InputKind.GAIN, { digest, a: member }), inputId(InputKind.FEE, { digest: feePack }));
    return dayLine(LineKind.PLATFORM_FEE, member, PLATFORM, 0, -fee, evidence);
  });
}

function dayLine(kind: number, account: number, counterparty: number, group: number, amountCents: bigint, evidence: Hex): Line {
  const zero = { quantityWh: 0n, priceCentsPerMwh: 0n };
  return { slot: DAY_SLOT, kind, account, counterparty, subject: group, group, ...zero, amountCents, evidence };
}

/** Availability at the end of a month or term, hand-over and price at its end (8.7.4, 8.7.5, 8.7.7). */
function closingLines(frame: Frame): readonly Line[] {
  const { day, leases, earlyEnds } = frame.inputs;
  return leases.flatMap((lease) => {
    const ended = earlyEnds.get(lease.number);
    const earlyEnd = ended?.endSlot;
    return [
      ...(slaDue(lease, day, earlyEnd) ? [slaLine(frame, lease, earlyEnd)] : []),
      ...(endsIn(lease, day, earlyEnd) ? [handoverLine(frame, lease, earlyEnd)] : []),
      ...(endDue(day, ended) ? [endLine(frame, lease, ended)] : []),
    ];
  });
}

function slaLine(frame: Frame, lease: Lease, earlyEnd?: bigint): Line {
  const given = frame.inputs.availability.get(lease.number);
  if (given === undefined) throw new RuleError("closing_fact_missing", { lease: lease.number, fact: "availability" });
  const { availableBp, slots: shown } = given;
  const rent = rentBetween(lease, ranIn(lease, monthSoFar(frame.inputs.day), earlyEnd));
  const amount = { ...nothing, amountCents: slaCents(lease, rent, availableBp) };
  const served = inputId(InputKind.AVAILABILITY, { digest: shown, a: lease.number, b: Number(availableBp) });
  return leaseLine(frame, lease, LineKind.LEASE_SLA, DAY_SLOT, amount, evidenceOf(leaseId(lease), served));
}

function handoverLine(frame: Frame, lease: Lease, earlyEnd?: bigint): Line {
  const accountWh = frame.inputs.closingAccountWh.get(lease.number);
  if (accountWh === undefined) throw new RuleError("closing_fact_missing", { lease: lease.number, fact: "closing_account_wh" });
  const quantityWh = accountWh - lease.handoverWh;
  const price = lease.handoverPrice;
  const closed = inputId(InputKind.LEASE_ACCOUNT, { a: lease.number, b: Number(termEnd(lease, earlyEnd)) });
  const amount = { quantityWh, price, amountCents: energyCents(quantityWh, price) };
  return leaseLine(frame, lease, LineKind.LEASE_HANDOVER, DAY_SLOT, amount, evidenceOf(leaseId(lease), closed));
}

/** What the party that ended a lease alone pays the other: the price that the chain recorded. */
function endLine(frame: Frame, lease: Lease, { by, endSlot, priceCents }: EarlyEnd & { readonly by: number }): Line {
  const named = inputId(InputKind.EARLY_END, { a: lease.number, b: Number(endSlot) });
  const amount = { ...nothing, amountCents: -priceCents };
  const line = leaseLine(frame, lease, LineKind.LEASE_END, DAY_SLOT, amount, evidenceOf(leaseId(lease), named));
  return { ...line, account: by, counterparty: by === lease.owner ? lease.lessee : lease.owner };
}

function headingOf({ inputs, plan }: Frame): Heading {
  const dayAhead = inputs.dayAhead === null ? [] : [inputs.dayAhead.digest];
  const groups = inputs.groups.map(({ number, stations }) => ({ number, stations: [...stations].sort((a, b) => a - b) }));
  return {
    alliance: inputs.alliance,
    day: inputs.day,
    version: 1,
    previous: ZERO_DIGEST,
    deltas: false,
    roster: inputs.roster,
    groups: groups.sort((a, b) => a.number - b.number),
    schedules: [...new Set([...plan.digests, ...dayAhead])].sort(),
    packs: [...new Set([...[...inputs.tariffs.values()].map(({ pack }) => pack), inputs.feePack])].sort(),
    logSize: inputs.logSize,
  };
}

// Corrections

function checkSameDay(previous: Statement, recomputed: Statement): void {
  for (const field of ["alliance", "day", "roster", "groups"] as const) {
    const [before, after] = [previous.heading[field], recomputed.heading[field]];
    if (!same(before, after)) throw ofAnother(field, `${before}`, `${after}`);
  }
  if (previous.heading.deltas || recomputed.heading.deltas) throw ofAnother("deltas", "a whole day", "differences only");
  if (previous.lines.length !== recomputed.lines.length) {
    throw ofAnother("lines", `${previous.lines.length}`, `${recomputed.lines.length}`);
  }
}

const ofAnother = (field: string, previous: string, recomputed: string): RuleError =>
  new RuleError("correction_of_another", { field, previous, recomputed });

function lineDeltas(previous: readonly Line[], recomputed: readonly Line[]): readonly Line[] {
  return recomputed.flatMap((after, at) => {
    const before = previous[at];
    if (before === undefined || lineIdentity(before) !== lineIdentity(after)) {
      throw ofAnother("lines", before === undefined ? "none" : lineIdentity(before), lineIdentity(after));
    }
    return same(before, after) ? [] : [{ ...after, amountCents: after.amountCents - before.amountCents }];
  });
}

function changed<T extends Quantity | SlotTotal | Weights>(previous: readonly T[], recomputed: readonly T[]): readonly T[] {
  return recomputed.filter((after, at) => !same(previous[at], after));
}

/** Of several with one key the last, in the place of the first. */
function latest<T>(items: readonly T[], key: (item: T) => string): readonly T[] {
  return [...new Map(items.map((item) => [key(item), item])).values()];
}
