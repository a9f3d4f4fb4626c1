/** The worked example of protocol 8.12 to the cent and the root, its correction, and what the rules refuse of a day. */

import { readFileSync } from "node:fs";
import { describe, expect, it, vi } from "vitest";
import { dayFirstSlot } from "../calendar.ts";
import { RuleError } from "../error.ts";
import { DAY, exampleInputs, LEASE, SCHEDULE } from "./example.ts";
import type { SettlementInputs } from "./inputs.ts";
import type { PriceRow, Schedule } from "./schedule.ts";
import { applyCorrection, correct, groupTariff, settle } from "./settle.ts";
import { accountName, accountsOf, lineLabel, LineKind, type Statement } from "./statement.ts";
import { leafHash, leavesOf, statementRoot } from "./tree.ts";
import { toHex } from "../bytes.ts";

vi.setConfig({ testTimeout: 120_000 }); // a busy machine is no failure

interface Held {
  readonly lines: readonly Readonly<Record<string, unknown>>[];
  readonly balances: readonly (readonly [string, string])[];
  readonly leafCount: number;
  readonly root: string;
  readonly leaves: readonly { readonly index: number; readonly kind: number; readonly body: string; readonly digest: string }[];
}

const file = new URL("../../../../tests/vectors/settlement.json", import.meta.url);
const held = JSON.parse(readFileSync(file, "utf-8")) as { readonly statement: Held; readonly correction: Held };

const LEASED: readonly number[] = [LineKind.LEASE_ENERGY, LineKind.LEASE_NETWORK, LineKind.LEASE_RENT, LineKind.LEASE_WEAR];
const first = settle(exampleInputs({ complete: false }));
const second = settle(exampleInputs({ complete: true }));
const correction = correct(first, second, statementRoot(first));

describe.each([["statement", first, held.statement], ["correction", correction, held.correction]] as const)(
  "the %s of the worked example",
  (_, statement, want) => {
    it("has every line's cents", () => {
      const lines = statement.lines.filter(({ amountCents }) => amountCents !== 0n).map((line) => ({
        slot: line.slot, kind: lineLabel(line.kind), account: accountName(line.account),
        counterparty: accountName(line.counterparty), subject: line.subject, quantityWh: `${line.quantityWh}`,
        priceCentsPerMwh: `${line.priceCentsPerMwh}`, amountCents: `${line.amountCents}`,
      }));
      expect(lines).toEqual(want.lines);
    });

    it("has the balances, which sum to zero", () => {
      const names = accountsOf(statement.heading.roster).map(accountName);
      expect(statement.balances.map((cents, at) => [names[at], `${cents}`])).toEqual(want.balances);
      expect(statement.balances.reduce((a, b) => a + b)).toBe(0n);
    });

    it("has the leaves' bytes and the root", () => {
      const leaves = leavesOf(statement);
      expect(leaves.length).toBe(want.leafCount);
      for (const { index, kind, body, digest } of want.leaves) {
        const leaf = leaves[index];
        expect(leaf && [leaf.kind, toHex(leaf.body), toHex(leafHash(leaf))]).toEqual([kind, body, digest]);
      }
      expect(statementRoot(statement)).toBe(want.root);
    });
  },
);

it("finds the day again from its statement and the correction", () => {
  expect(applyCorrection(first, correction)).toEqual({ ...second, heading: { ...second.heading, version: 2, previous: statementRoot(first) } });
});

it("leaves the pool empty and pays lessees whatever the meters say", () => {
  for (const statement of [first, second, correction]) expect(statement.balances.at(-1)).toBe(0n);
  const doubled = inputs(({ quantities }) => ({ quantities: quantities.map((q) => ({ ...q, netWh: q.netWh * -2n })) }));
  const planned = ({ lines }: Statement) => lines.filter(({ kind, slot }) => LEASED.includes(kind) && slot < 4);
  expect(planned(settle(doubled))).toEqual(planned(second));
});

it("changes no byte when the same facts come in another order", () => {
  const turned = inputs((all) => ({
    stations: all.stations.toReversed(), quantities: all.quantities.toReversed(),
    groups: all.groups.map((group) => ({ ...group, stations: group.stations.toReversed() })),
  }));
  expect(statementRoot(settle(turned))).toBe(statementRoot(second));
});

it("pays no rent for slots that a recurring lease does not hold, and all of it for those that it does", () => {
  const lease = { ...LEASE, firstSlot: dayFirstSlot(DAY), termSlots: 96n, rentCents: 1_000n, dayFirstSlot: 40, daySlots: 7 };
  const statement = settle(inputs(() => ({ leases: [lease], earlyEnds: new Map() })));
  const rents = statement.lines.filter(({ kind }) => kind === 7);
  expect(rents.map(({ slot }) => slot)).toEqual([40, 41, 42, 43, 44, 45, 46]);
  expect(rents.reduce((total, { amountCents }) => total + amountCents, 0n)).toBe(-1_000n);
});

it("lets the party that ended a lease alone pay the other on that day, and nobody when both agreed", () => {
  const ended = (endSlot: bigint, by: number | null) =>
    settle(inputs(() => ({ earlyEnds: new Map([[1, { endSlot, by, priceCents: 77n }]]) }))).lines.filter(({ kind }) => kind === 15);
  const first = dayFirstSlot(DAY);
  for (const [by, other] of [[1, 2], [2, 1]] as const) {
    expect(ended(first + 4n, by)).toMatchObject([{ slot: 96, account: by, counterparty: other, subject: 1, amountCents: -77n }]);
    expect(ended(first, by)).toHaveLength(1);
    expect(ended(first + 96n, by)).toHaveLength(0);
  }
  expect(ended(first + 4n, null)).toEqual([]);
});

it("plans a group of one PCC without a network price", () => {
  const tariff = exampleInputs({ complete: true }).tariffs.get(1)?.tariff;
  expect(tariff && groupTariff({ number: 1, stations: [1] }, tariff).slots.every(({ networkPrice }) => networkPrice === 0n)).toBe(true);
  expect(tariff && groupTariff({ number: 1, stations: [1, 2] }, tariff)).toEqual(tariff);
});

function inputs(change: (all: SettlementInputs) => Partial<SettlementInputs>): SettlementInputs {
  const all = exampleInputs({ complete: true });
  return { ...all, ...change(all) };
}

/** The example with another plan in all slots. */
function planned(change: (schedule: Schedule) => Partial<Schedule>): SettlementInputs {
  return inputs(({ effective, dayAhead }) => {
    const schedule = dayAhead?.schedule;
    if (schedule === undefined) throw new Error("the example has a plan");
    const anchored = { digest: SCHEDULE, schedule: { ...schedule, ...change(schedule) } };
    return { effective: new Map([...effective.keys()].map((slot) => [slot, anchored])), dayAhead: anchored };
  });
}

const priced = (change: (row: PriceRow) => Partial<PriceRow>): SettlementInputs =>
  planned(({ prices }) => ({ prices: prices.map((row, at) => (at === 1 ? { ...row, ...change(row) } : row)) }));

describe("a day is refused", () => {
  it.each<[string, SettlementInputs, Readonly<Record<string, unknown>>]>([
    ["account_not_on_roster", inputs(() => ({ roster: [1, 2] })), { member: 3, station: 3 }],
    ["roster_out_of_order", inputs(() => ({ roster: [1, 3, 2] })), { position: 2 }],
    ["station_not_in_one_group", inputs(() => ({ groups: [{ number: 1, stations: [1, 2] }] })), { station: 3, groups: 0 }],
    ["station_not_in_one_group", inputs(() => ({ leases: [{ ...LEASE, station: 9 }] })), { station: 9, groups: 0 }],
    ["quantity_missing", inputs(({ quantities }) => ({ quantities: quantities.slice(1) })), { station: 1, slot: 0, found: 0 }],
    ["quantity_missing", inputs(({ quantities }) => ({ quantities: [...quantities, ...quantities.slice(5, 6)] })), { slot: 5, found: 2 }],
    ["evidence_not_logged", inputs(() => ({ logged: new Set([SCHEDULE]) })), { log_size: 1_000 }],
    ["gain_miscomputed", planned(({ gains }) => ({ gains: gains.map((row) => ({ ...row, gainCents: row.gainCents + 1n })) })), { member: 1 }],
    ["price_row_invalid", priced(({ poolPrice }) => ({ poolPrice: poolPrice + 1n })), { slot: 1, station: 0 }],
    ["price_row_invalid", priced(({ adders }) => ({ adders: adders.slice(1) })), { slot: 1, station: 1, price: null }],
    ["closing_fact_missing", inputs(() => ({ availability: new Map() })), { fact: "availability" }],
    ["closing_fact_missing", inputs(() => ({ closingAccountWh: new Map() })), { fact: "closing_account_wh" }],
  ])("as %s", (code, facts, named) => {
    const refused = refusalOf(() => settle(facts));
    expect(refused.code).toBe(code);
    expect(refused.facts).toMatchObject(named);
  });

  it("as pack_unfit_for_groups where passing energy on is dearer than the grid", () => {
    const dear = inputs(({ tariffs }) => ({
      tariffs: new Map([...tariffs].map(([group, { tariff, pack }]) => [group, { pack, tariff: { ...tariff, slots: tariff.slots.map((slot) => ({ ...slot, networkPrice: slot.buyPrice })) } }])),
    }));
    expect(refusalOf(() => settle(dear)).code).toBe("pack_unfit_for_groups");
  });
});

describe("a correction is refused", () => {
  it("when nothing differs, or the days do not fit", () => {
    expect(refusalOf(() => correct(first, first, statementRoot(first))).code).toBe("nothing_to_correct");
    const other = { ...second, heading: { ...second.heading, roster: [1, 2] } };
    expect(refusalOf(() => correct(first, other, statementRoot(first))).facts).toMatchObject({ field: "roster" });
    expect(refusalOf(() => correct(first, correction, statementRoot(first))).facts).toMatchObject({ field: "deltas" });
  });
});

function refusalOf(run: () => unknown): RuleError {
  try {
    run();
  } catch (error) {
    if (error instanceof RuleError) return error;
    throw error;
  }
  throw new Error("nothing was refused");
}
