/** A rule pack is read strictly and prices its days; a grouping's groups can be numbered and are not empty (protocol 8.3, 8.2.3). */

import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import type { Plain } from "../cbor.ts";
import { dayOf } from "../calendar.ts";
import { type RulePack, ruleDocument, tariffFor } from "./rules.ts";

const file = new URL("../../../../simulation/packs/jiangsu-2025-06.json", import.meta.url);
const json: unknown = JSON.parse(readFileSync(file, "utf-8"));

/** JSON as a block would hold it. */
function plain(value: unknown): Plain {
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== "object" || value === null) return value as Plain;
  return new Map(Object.entries(value).map(([name, inner]) => [name, plain(inner)]));
}

const document = (pack: Plain): Plain => new Map<string, Plain>([["kind", "tariff"], ["pack", pack]]);

function pack(change: (pack: Map<string, Plain>) => void = () => undefined): RulePack {
  const changed = new Map(plain(json) as ReadonlyMap<string, Plain>);
  change(changed);
  const read = ruleDocument(document(changed));
  if (read.kind !== "tariff") throw new Error("a tariff was written");
  return read.pack;
}

const hours = (day: string): readonly bigint[] =>
  tariffFor(pack(), dayOf(day)).slots.filter((_, slot) => slot % 4 === 0).map(({ buyPrice }) => buyPrice);

it("floats the purchase price by season and hour, past midnight too", () => {
  const autumn = hours("2025-10-15");
  expect(new Set(hours("2025-07-15"))).toEqual(new Set([107_820n, 73_900n, 46_340n]));
  expect(autumn.slice(0, 7)).toEqual([73_900n, 73_900n, 46_340n, 46_340n, 46_340n, 46_340n, 73_900n]);
});

it("adds wheeling and losses to the network's price", () => {
  const found = tariffFor(pack(), dayOf("2025-06-01")).slots.map(({ buyPrice, networkPrice }) => `${buyPrice} ${networkPrice}`);
  expect(new Set(found)).toEqual(new Set(["46340 2927", "73900 3478", "107820 4156"]));
});

describe("a pack is refused", () => {
  const parameter = (change: Readonly<Record<string, Plain>>) => new Map<string, Plain>(Object.entries({ value: 1, verified: true, source: "s", ...change }));
  const season = (change: Readonly<Record<string, unknown>>) =>
    plain([{ name: "year", months: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12], hours: { flat: ["00:00-24:00"] }, ...change }]);

  it.each<[string, (pack: Map<string, Plain>) => void]>([
    ["pack_version_unknown", (held) => held.set("v", 2)],
    ["pack_version_unknown", (held) => held.set("v", true)],
    ["pack_malformed", (held) => held.delete("v")],
    ["pack_malformed", (held) => held.set("more", 1)],
    ["pack_malformed", (held) => held.set("name", " \u2003")],
    ["pack_malformed", (held) => held.set("base_price", parameter({ value: -1 }))],
    ["pack_malformed", (held) => held.set("fee_bp", parameter({ value: 10_001 }))],
    ["pack_malformed", (held) => held.set("fee_bp", parameter({ verified: 1 }))],
    ["pack_malformed", (held) => held.set("fee_bp", parameter({ more: 1 }))],
    ["pack_malformed", (held) => held.set("effective_from", "2025-6-1")],
    ["pack_malformed", (held) => held.set("effective_from", "0000-01-01")],
    ["pack_malformed", (held) => held.set("effective_to", "2020-01-01")],
    ["pack_malformed", (held) => held.set("seasons", [])],
    ["pack_malformed", (held) => held.set("seasons", season({ months: [1, 1] }))],
    ["pack_malformed", (held) => held.set("seasons", season({ months: [1] }))],
    ["pack_malformed", (held) => held.set("seasons", season({ hours: { flat: ["00:00-23:45"] } }))],
    ["pack_malformed", (held) => held.set("seasons", season({ hours: { flat: ["00:00-24:00", "03:00-04:00"] } }))],
    ["pack_malformed", (held) => held.set("seasons", season({ hours: { flat: ["00:00-24:10"] } }))],
    ["pack_malformed", (held) => held.set("seasons", season({ hours: { noon: ["00:00-24:00"] } }))],
  ])("as %s (%#)", (code, change) => {
    expect(() => pack(change)).toThrow(code);
  });

  it("for a day that it does not cover", () => {
    expect(() => tariffFor(pack(), dayOf("2020-01-01"))).toThrow("pack_not_in_force");
  });
});

describe("a rule document is refused", () => {
  const grouping = (groups: unknown, fromDay = 20_000) => plain({ kind: "groups", grouping: { fromDay, groups } });

  it.each<[string, Plain]>([
    ["rule_document_unknown", plain({ kind: "tariff" })],
    ["rule_document_unknown", plain({ kind: "groups", grouping: {}, more: 1 })],
    ["rule_document_unknown", plain(["tariff"])],
    ["grouping_malformed", grouping([{ number: 1, stations: [] }])],
    ["grouping_malformed", grouping([{ number: 0, stations: [1] }])],
    ["grouping_malformed", grouping([{ number: 2, stations: [1] }, { number: 2, stations: [2] }])],
    ["plain_wrong", grouping([{ number: 1, stations: ["1"] }])],
    ["plain_wrong", grouping([{ number: 1 }])],
    ["plain_wrong", grouping([], -1)],
  ])("as %s (%#)", (code, content) => {
    expect(() => ruleDocument(content)).toThrow(code);
  });
});
