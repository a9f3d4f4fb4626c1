/** A certificate proves its plan without a solver, and no number of it may be changed (protocol 9.2, 9.3). */

import { readFileSync } from "node:fs";
import { inflateSync } from "node:zlib";
import { describe, expect, it, vi } from "vitest";
import { decode, type Plain } from "../cbor.ts";
import { isList } from "../fields.ts";
import { type Certificate, certificateFromPlain, checkCertificate } from "./certificate.ts";
import { lowerBoundMicrocents, programOf } from "./program.ts";

vi.setConfig({ testTimeout: 120_000 }); // a busy machine is no failure

const file = new URL("../../../../tests/vectors/agreement.json", import.meta.url);
const held = JSON.parse(readFileSync(file, "utf-8")) as { readonly questions: string; readonly answers: readonly object[] };
const questions = decode(new Uint8Array(inflateSync(Buffer.from(held.questions, "base64"))));

const certificates = (isList(questions) ? questions : []).flatMap((question, at): readonly Certificate[] => {
  const proved = question instanceof Map && question.get("ask") === "certificate" && "proved" in (held.answers[at] ?? {});
  const document: Plain | undefined = proved ? question.get("document") : undefined;
  return document === undefined ? [] : [certificateFromPlain(document)];
});
const [made] = certificates.filter(({ apart, problem }) => apart.length > 1 && problem.shares.length > 0);
if (made === undefined) throw new Error("the vectors hold a certificate with leases");

it("holds for each certified plan of the vectors", () => {
  expect(certificates.length).toBeGreaterThan(10);
  for (const certificate of certificates) expect(() => checkCertificate(certificate)).not.toThrow();
});

it("gives a bound for any duals, and only ever a weaker one for those of the wrong sign or size", () => {
  const program = programOf(made.problem);
  const best = lowerBoundMicrocents(program, made.duals, made.denominator);
  expect(best).toBe(made.lowerBoundMicrocents);
  for (const factor of [0n, -1n, 2n, 1_000n]) {
    const duals = made.duals.map((dual) => dual * factor);
    expect(lowerBoundMicrocents(program, duals, made.denominator)).toBeLessThanOrEqual(made.objectiveMicrocents);
  }
});

describe("it is refused", () => {
  const schedule = (change: Partial<Certificate["schedule"]>): Certificate => ({ ...made, schedule: { ...made.schedule, ...change } });
  const { rows, prices, gains } = made.schedule;
  const first = <T>(items: readonly T[], change: (item: T) => T): readonly T[] => items.map((item, at) => (at === 0 ? change(item) : item));

  it.each<[string, Certificate]>([
    ["figure_differs", { ...made, objectiveMicrocents: made.objectiveMicrocents - 1n }],
    ["figure_differs", { ...made, lowerBoundMicrocents: made.lowerBoundMicrocents + 1n }],
    ["figure_differs", { ...made, gapPpm: made.gapPpm + 1n }],
    ["figure_differs", schedule({ certifiedGapPpm: made.gapPpm + 1n })],
    ["figure_differs", { ...made, denominator: 0n }],
    ["figure_differs", { ...made, apart: made.apart.slice(1) }],
    ["figure_differs", schedule({ gains: gains.slice(1) })],
    ["figure_differs", schedule({ prices: [] })],
    ["figure_differs", schedule({ gains: first(gains, (row) => ({ ...row, apartCostCents: row.apartCostCents + 1n, gainCents: row.gainCents + 1n })) })],
    ["figure_differs", schedule({ gains: first(gains, (row) => ({ ...row, withoutStorageCostCents: 1n - row.withoutStorageCostCents })) })],
    ["duals_miscounted", { ...made, duals: made.duals.slice(1) }],
    ["price_invalid", schedule({ prices: first(prices, (row) => ({ ...row, poolPrice: row.poolPrice + 1n })) })],
    ["header_differs", schedule({ revision: made.schedule.revision + 1 })],
    ["header_differs", schedule({ day: made.schedule.day + 1 })],
    ["rows_incomplete", schedule({ rows: rows.slice(1) })],
    ["rows_incomplete", schedule({ rows: rows.toReversed() })],
    ["rows_incomplete", schedule({ prices: first(prices, (row) => ({ ...row, adders: row.adders.slice(1) })) })],
    ["net_differs", schedule({ rows: first(rows, (row) => ({ ...row, plannedNetWh: row.plannedNetWh + 1n })) })],
    ["load_differs", schedule({ rows: first(rows, (row) => ({ ...row, netLoadWh: row.netLoadWh - 1n, plannedNetWh: row.plannedNetWh + 1n })) })],
    ["pcc_exceeded", schedule({ rows: first(rows, (row) => ({ ...row, batteryWh: row.batteryWh + 10n ** 9n, plannedNetWh: row.plannedNetWh + 10n ** 9n })) })],
    ["lessees_differ", schedule({ rows: rows.map((row) => ({ ...row, lessees: [] })) })],
  ])("as %s (%#)", (code, certificate) => {
    expect(() => checkCertificate(certificate)).toThrow(code);
  });
});
