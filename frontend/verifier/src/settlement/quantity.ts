/** What passed a station's PCC in each slot, from its meter's readings (protocol 8.4.1, 8.8; effective time 3.8). */

import { dayFirstSlot, SLOT_MS, SLOTS_A_DAY } from "../calendar.ts";
import { RuleError } from "../error.ts";
import type { Bracket, Hex, Reading } from "../values.ts";
import { FLAG_REGISTER_RESET, FLAG_SUBSTITUTED, ZERO_DIGEST } from "../values.ts";
import { ceilDiv, largestRemainder, least, most } from "./money.ts";
import { type Edge, type Quantity, Status } from "./statement.ts";

/** How long before a boundary a reading may lie to stand for it: (boundary − 60 s, boundary]. */
const EDGE_WINDOW_MS = 60_000n;

/** A reading and the bracket that the chain proves for it. */
export interface Bracketed {
  readonly reading: Reading;
  readonly bracket: Bracket;
}

/** A reading with its effective time, and whether it may stand for a boundary. */
export interface TimedReading {
  readonly reading: Reading;
  readonly effectiveMs: bigint;
  readonly valid: boolean;
  readonly disputed: boolean;
}

/** The readings of one channel of one device, ascending by seq. */
export interface Stream {
  readonly device: Hex;
  readonly channel: number;
  readonly readings: readonly TimedReading[];
}

/** Which seqs may not stand for a boundary, and which were signed by a disputed key. */
export interface Marks {
  readonly invalid: ReadonlySet<bigint>;
  readonly disputed: ReadonlySet<bigint>;
}

/**
 * One channel's readings with their effective times: clipped to the bracket, then the running maximum along seq. An
 * invalid one moves no other's time; one outside its bracket, or substituted by the device, keeps its place and is no edge.
 */
export function timed(readings: readonly Bracketed[], { invalid, disputed }: Marks): readonly TimedReading[] {
  let since = 0n;
  return alongSeq(readings).map(({ reading, bracket }) => {
    const sound = !invalid.has(reading.seq);
    const clipped = least(most(reading.tMs, bracket.earliestMs), bracket.latestMs);
    const effectiveMs = most(clipped, since);
    if (sound) since = effectiveMs;
    const measured = clipped === reading.tMs && (reading.flags & FLAG_SUBSTITUTED) === 0;
    return { reading, effectiveMs, valid: sound && measured, disputed: disputed.has(reading.seq) };
  });
}

/** The 96 quantities of a station's day; `plannedNetWh` stands in where no two edges bracket a slot. */
export function stationQuantities(
  station: number, day: number, streams: readonly Stream[], plannedNetWh: readonly bigint[],
): readonly Quantity[] {
  const first = dayFirstSlot(day);
  const known = new Map<number, Quantity>();
  for (const gap of gapsOfDay(streams, first)) {
    for (const quantity of between(station, first, gap)) {
      const held = known.get(quantity.slot);
      if (held === undefined || quantity.status < held.status) known.set(quantity.slot, quantity);
    }
  }
  return Array.from({ length: SLOTS_A_DAY }, (_, slot) => known.get(slot) ?? assumed(station, slot, plannedNetWh[slot] ?? 0n));
}

/** A boundary's register: the edge, and what export less import stood at. */
interface Mark {
  readonly edge: Edge;
  readonly registerWh: bigint;
  readonly disputed: boolean;
}

type Gap = readonly [before: Mark, after: Mark];

function alongSeq(readings: readonly Bracketed[]): readonly Bracketed[] {
  const ordered = [...readings].sort((a, b) => (a.reading.seq < b.reading.seq ? -1 : a.reading.seq > b.reading.seq ? 1 : 0));
  return ordered.filter((item, at) => {
    const before = ordered[at - 1];
    if (before === undefined || before.reading.seq !== item.reading.seq) return true;
    if (sameReading(before, item)) return false;
    throw new RuleError("reading_conflicts", { channel: item.reading.channel, seq: item.reading.seq });
  });
}

function sameReading(a: Bracketed, b: Bracketed): boolean {
  const [x, y] = [a.reading, b.reading];
  return (
    a.bracket.earliestMs === b.bracket.earliestMs && a.bracket.latestMs === b.bracket.latestMs &&
    x.flags === y.flags && x.channel === y.channel && x.tMs === y.tMs && x.a === y.a && x.b === y.b && x.c === y.c &&
    x.d === y.d && x.salt.length === y.salt.length && x.salt.every((byte, at) => byte === y.salt[at])
  );
}

/** Neighbouring edges of one series with a slot of the day between them, stream by stream. */
function gapsOfDay(streams: readonly Stream[], first: bigint): readonly Gap[] {
  const end = first + BigInt(SLOTS_A_DAY);
  const ordered = [...streams].sort((a, b) => (a.device < b.device ? -1 : a.device > b.device ? 1 : a.channel - b.channel));
  return ordered.flatMap(series).flatMap((marks) =>
    marks.flatMap((after, at): readonly Gap[] => {
      const before = marks[at - 1];
      return before !== undefined && before.edge.boundary < end && after.edge.boundary > first ? [[before, after]] : [];
    }),
  );
}

/** The edges of a stream, broken where a register was reset or ran backward; of several for one boundary the last stands. */
function series({ device, channel, readings }: Stream): readonly (readonly Mark[])[] {
  const found: Map<bigint, Mark>[] = [];
  let marks = new Map<bigint, Mark>();
  let last: Reading | null = null;
  for (const item of readings) {
    const { reading } = item;
    if (breaks(last, item)) {
      found.push(marks);
      [marks, last] = [new Map(), null];
    }
    if (!item.valid) continue;
    last = reading;
    const boundary = ceilDiv(item.effectiveMs, SLOT_MS);
    if (boundary * SLOT_MS - item.effectiveMs < EDGE_WINDOW_MS) {
      const edge = { device, channel, seq: reading.seq, boundary };
      marks.set(boundary, { edge, registerWh: reading.d - reading.c, disputed: item.disputed });
    }
  }
  return [...found, marks].map((held) => [...held.values()]);
}

function breaks(last: Reading | null, { reading, valid }: TimedReading): boolean {
  if ((reading.flags & FLAG_REGISTER_RESET) !== 0) return true;
  return last !== null && valid && (reading.c < last.c || reading.d < last.d);
}

/** The day's slots between two neighbouring edges: one is metered, several are estimated in equal parts. */
function between(station: number, first: bigint, [before, after]: Gap): readonly Quantity[] {
  const from = Number(before.edge.boundary - first);
  const count = Number(after.edge.boundary - before.edge.boundary);
  const slots = Array.from({ length: count }, (_, at) => from + at);
  const parts = largestRemainder(after.registerWh - before.registerWh, new Map(slots.map((slot) => [slot, 1n])));
  const status = count === 1 ? Status.METERED : Status.ESTIMATED;
  const disputed = before.disputed || after.disputed;
  return slots.flatMap((slot) => {
    const netWh = parts.get(slot);
    if (netWh === undefined || slot < 0 || slot >= SLOTS_A_DAY) return [];
    return [{ station, slot, netWh, status, edgeFrom: before.edge, edgeTo: after.edge, disputed, document: ZERO_DIGEST }];
  });
}

function assumed(station: number, slot: number, netWh: bigint): Quantity {
  const status = Status.ASSUMED;
  return { station, slot, netWh, status, edgeFrom: null, edgeTo: null, disputed: false, document: ZERO_DIGEST };
}
