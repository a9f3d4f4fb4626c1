/** What passed a PCC in each slot, from readings with gaps, resets, flags and wrong clocks (protocol 3.8, 8.4.1, 8.8). */

import { describe, expect, it, vi } from "vitest";
import { dayFirstSlot, SLOT_MS } from "../calendar.ts";
import { FLAG_REGISTER_RESET, FLAG_SUBSTITUTED, type Hex, type Reading } from "../values.ts";
import { DAY, meterReadings } from "./example.ts";
import { type Bracketed, type Marks, stationQuantities, timed } from "./quantity.ts";
import { type Quantity, Status } from "./statement.ts";

vi.setConfig({ testTimeout: 120_000 }); // a busy machine is no failure

const DEVICE: Hex = `0x${"01".repeat(20)}`;
const NOTHING: Marks = { invalid: new Set(), disputed: new Set() };
const PLAN = Array.from({ length: 96 }, () => 777n);
const NET = Array.from({ length: 96 }, (_, slot) => BigInt(100 * (slot % 5) - 200));

function quantities(readings: readonly Bracketed[], marks: Marks = NOTHING): readonly Quantity[] {
  return stationQuantities(1, DAY, [{ device: DEVICE, channel: 1, readings: timed(readings, marks) }], PLAN);
}

const changed = (boundary: number, change: (item: Bracketed) => Bracketed): readonly Bracketed[] =>
  meterReadings(NET).map((item, at) => (at === boundary ? change(item) : item));

const withReading = (item: Bracketed, change: Partial<Reading>): Bracketed => ({ ...item, reading: { ...item.reading, ...change } });

const notMetered = (found: readonly Quantity[]): readonly (readonly [number, number])[] =>
  found.filter(({ status }) => status !== Status.METERED).map(({ slot, status }) => [slot, status]);

it("meters every slot when all registers stand, and the slots add up to them", () => {
  const found = quantities(meterReadings(NET));
  expect(found.map(({ netWh }) => netWh)).toEqual(NET);
  expect(notMetered(found)).toEqual([]);
  expect(found[7]?.edgeFrom?.boundary).toBe(dayFirstSlot(DAY) + 7n);
});

it("splits a gap equally, the exact sum kept, and says estimated", () => {
  const found = quantities(meterReadings(NET, { lost: [3, 4] }));
  const gap = found.slice(2, 5).map(({ netWh }) => netWh);
  expect(gap.reduce((a, b) => a + b)).toBe((NET[2] ?? 0n) + (NET[3] ?? 0n) + (NET[4] ?? 0n));
  expect(Math.abs(Number(gap[0]) - Number(gap[2]))).toBeLessThanOrEqual(1);
  expect(notMetered(found)).toEqual([[2, 2], [3, 2], [4, 2]]);
});

it("takes the plan where no later edge stands, never a silent zero", () => {
  const found = quantities(meterReadings(NET).slice(0, 50));
  expect(notMetered(found).every(([slot, status]) => slot >= 49 && status === Status.ASSUMED)).toBe(true);
  expect(found[95]?.netWh).toBe(777n);
  expect(quantities([]).every(({ status, edgeFrom }) => status === Status.ASSUMED && edgeFrom === null)).toBe(true);
});

describe("an edge", () => {
  it.each([[0n, 0], [59_999n, 0], [60_000n, 2]])("stands %i ms before its boundary (%i slots without)", (before, without) => {
    const moved = changed(5, (item) => withReading(item, { tMs: item.reading.tMs - before }));
    const wide = moved.map((item) => ({ ...item, bracket: { earliestMs: 0n, latestMs: item.reading.tMs + SLOT_MS } }));
    expect(notMetered(quantities(wide))).toHaveLength(without);
  });

  it("is the last reading by seq of several in the minute", () => {
    const doubled = meterReadings(NET).flatMap((item, at) => {
      const moved = withReading(item, { seq: item.reading.seq * 2n });
      if (at !== 5) return [moved];
      const earlier = withReading(item, { seq: 9n, tMs: item.reading.tMs - 9n, d: item.reading.d - 50n });
      return [{ ...earlier, bracket: { earliestMs: 0n, latestMs: item.reading.tMs } }, moved];
    });
    const found = quantities(doubled);
    expect(found.map(({ netWh }) => netWh)).toEqual(NET);
    expect(found[5]?.edgeFrom?.seq).toBe(10n);
    expect(quantities(doubled.filter(({ reading }) => reading.seq !== 10n))[5]?.netWh).toBe((NET[5] ?? 0n) + 50n);
  });

  it("is not a reading outside its bracket, or that the device substituted", () => {
    const outside = changed(5, (item) => ({ ...item, bracket: { earliestMs: item.reading.tMs + 1n, latestMs: item.reading.tMs + 2n } }));
    expect(notMetered(quantities(outside)).map(([slot]) => slot)).toEqual([4, 5]);
    const flagged = changed(5, (item) => withReading(item, { flags: FLAG_SUBSTITUTED }));
    expect(notMetered(quantities(flagged))).toEqual([[4, 2], [5, 2]]);
  });

  it("is not a reading outside the meter's binding, which moves no time either", () => {
    const late = changed(5, (item) => withReading(item, { tMs: item.reading.tMs + 40n * SLOT_MS }))
      .map((item) => ({ ...item, bracket: { earliestMs: 0n, latestMs: 10n ** 15n } }));
    expect(notMetered(quantities(late, { ...NOTHING, invalid: new Set([5n]) }))).toEqual([[4, 2], [5, 2]]);
    expect(notMetered(quantities(late)).length).toBeGreaterThan(30);
  });

  it("of a disputed key stands, and says so", () => {
    const found = quantities(meterReadings(NET), { ...NOTHING, disputed: new Set([5n]) });
    expect(found.filter(({ disputed }) => disputed).map(({ slot }) => slot)).toEqual([4, 5]);
  });
});

it.each([["reset", FLAG_REGISTER_RESET], ["backward register", 0]])("ends a series at a %s: never a negative energy", (_, flags) => {
  const fallen = meterReadings(NET).map((item, at) =>
    at < 30 ? item : withReading(item, { c: item.reading.c - 3_000n, d: item.reading.d - 2_900n, flags: at === 30 ? flags : 0 }));
  const found = quantities(fallen);
  expect(notMetered(found)).toEqual([[29, Status.ASSUMED]]);
  expect(found[29]?.netWh).toBe(777n);
});

it("refuses two different readings of one seq, and takes the same one once", () => {
  const all = meterReadings(NET);
  expect(quantities([...all, ...all.slice(3, 5)])).toEqual(quantities(all));
  const twice = [...all, ...all.slice(3, 4).map((item) => withReading(item, { c: item.reading.c + 1n }))];
  expect(() => quantities(twice)).toThrow("reading_conflicts");
});

it("does not take differences across two meters, and prefers a measurement to an estimate", () => {
  const [early, late] = [meterReadings(NET).slice(0, 40), meterReadings(NET, { start: 9_000_000n }).slice(45)];
  const streams = [early, late].map((readings, at) => ({ device: DEVICE, channel: at, readings: timed(readings, NOTHING) }));
  expect(notMetered(stationQuantities(1, DAY, streams, PLAN)).map(([slot, status]) => [slot, status])).toEqual(
    [39, 40, 41, 42, 43, 44].map((slot) => [slot, Status.ASSUMED]),
  );
});
