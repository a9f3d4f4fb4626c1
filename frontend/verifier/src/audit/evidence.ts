/** Step 4 (protocol 11.2, 2, 3, 4.4, 6): the readings behind a day, each signed, chained, logged, and by whose key. */

import { dayFirstSlot, SLOTS_A_DAY } from "../calendar.ts";
import { decode, type Plain } from "../cbor.ts";
import type { Facts } from "../chain/facts.ts";
import { Diverged, expect, judged, RuleError, type Where } from "../error.ts";
import { isList } from "../fields.ts";
import type { Domain } from "../format/eip712.ts";
import { checkOrder, type Entry, segmentEntry } from "../format/entry.ts";
import { type EvidenceBlock, readEvidence, unlockEvidence } from "../format/evidenceBlock.ts";
import { type Manifest, type Row, rowFacts } from "../format/manifest.ts";
import { checkFollows } from "../format/reading.ts";
import { checkContents, checkContinues, conflicts, type Head, headOf, type SealedSegment, type SignedSegment, START } from "../format/segment.ts";
import { toHex } from "../bytes.ts";
import { BATTERY, type Bracket, type Hex, METER, type Reading } from "../values.ts";
import { Altered, type Blocks } from "./blocks.ts";
import type { Checkpoint } from "./checkpoints.ts";
import { type Keyring, type Standing, streamKey } from "./keys.ts";
import { type Course, epochPlace, headAfter } from "./manifests.ts";
import type { Unlocking } from "./unlocking.ts";

/** Evidence is read from so many epochs before the day on (protocol 8.4.1), and in full up to so many after it. */
export const EPOCHS_BESIDE = 96;
const CLOCK_SLACK_MS = 5_000n;

const BLOCK = "protocol 4.4: the evidence block that the row names";
const STREAM = "protocol 3.3: a segment continues its stream";
const CONTENTS = "protocol 3.2: a segment's readings are what was signed";
const FOLLOWS = "protocol 2.4: readings follow each other";
const KEY = "protocol 6.3: a confirmed key of the device signed";
const ROW = "protocol 4.3: the row says what the segments are";
const ORDER = "protocol 4.2: the epoch's entries are its segments, in order";

/** What was decoded and checked of blocks that are held: the same bytes, domain and keys always mean the same. */
const evidenceBlocks = new WeakMap<Uint8Array, Map<string, EvidenceBlock | RuleError>>();
const unlocked = new WeakMap<EvidenceBlock, Map<string, readonly SealedSegment[] | RuleError>>();
const beacons = new WeakMap<Uint8Array, readonly number[]>();
const contents = new WeakMap<SealedSegment, readonly Reading[] | RuleError>();

/** A checked segment: where it was logged, when it was made, and what its signer's key was worth. `readings` null: not opened. */
export interface Measured {
  readonly checkpoint: Checkpoint;
  readonly signed: SignedSegment;
  readonly readings: readonly Reading[] | null;
  readonly limits: Bracket;
  readonly standing: Standing;
}

/** What is read of the evidence, epoch by epoch. */
export interface Scope {
  readonly day: number;
  /** Kept for the settlement of energy. */
  readonly meters: ReadonlySet<string>;
  /** Kept for the availability of leased capacity. */
  readonly batteries: ReadonlySet<string>;
  readonly firstEpoch: number;
  /** Every channel is read from here to `lastWhole`; of later epochs the meters are, of earlier the batteries. */
  readonly firstWhole: number;
  readonly lastWhole: number;
  readonly lastEpoch: number;
}

/** What decides a scope: the day, the last epoch that a statement may see, and whose batteries a closing needs from when on. */
export interface Wanted {
  readonly day: number;
  readonly lastSeen: number;
  readonly leased: ReadonlySet<number>;
  readonly batteryFrom: number | null;
}

/** The scope of a day whose statements see the log up to an epoch. */
export function scopeOf(keyring: Keyring, { day, lastSeen, leased, batteryFrom }: Wanted): Scope {
  const firstWhole = Number(dayFirstSlot(day)) - EPOCHS_BESIDE;
  const lastWhole = firstWhole + EPOCHS_BESIDE + SLOTS_A_DAY - 1 + EPOCHS_BESIDE;
  const streams = (kind: number, of: (station: number) => boolean) =>
    new Set(keyring.channels.filter((c) => c.kind === kind && of(c.station)).map((c) => streamKey(c.device, c.channel)));
  return {
    day, firstWhole, lastWhole, lastEpoch: Math.max(lastWhole, lastSeen),
    firstEpoch: Math.min(firstWhole, Number(dayFirstSlot(batteryFrom ?? day)) - EPOCHS_BESIDE),
    meters: streams(METER, () => true),
    batteries: batteryFrom === null ? new Set() : streams(BATTERY, (station) => leased.has(station)),
  };
}

/** The blocks that an evidence block's segments name as beacons, up to a number; nothing of bytes that are no such block. */
export function beaconsOf(raw: Uint8Array | null, head: number): readonly number[] {
  if (raw === null) return [];
  const known = beacons.get(raw) ?? namedBeacons(raw);
  beacons.set(raw, known);
  return known.filter((number) => number <= head);
}

interface OpenBlock {
  readonly signed: readonly SignedSegment[];
  /** Null when the block is encrypted and no key opens it. */
  readonly sealed: readonly SealedSegment[] | null;
}

/** The audited streams while they grow, epoch by epoch. */
export class EvidenceCheck {
  /** Kept segments by stream, in the order of their streams. */
  readonly streams = new Map<string, Measured[]>();
  /** Epochs of which a stream's readings stayed unread. */
  readonly unread = new Map<string, number[]>();
  segments = 0;
  readings = 0;
  private readonly heads: Map<string, Head>;
  private readonly last = new Map<string, Reading>();
  private readonly past = new Map<string, SignedSegment[]>();
  private readonly domain: Domain;

  constructor(
    private readonly facts: Facts,
    private readonly keyring: Keyring,
    private readonly blocks: Blocks,
    private readonly unlocking: Unlocking,
    private readonly scope: Scope,
    course: Course,
  ) {
    this.heads = new Map(course.heads);
    this.domain = facts.deployment.domain;
  }

  /** Read of each stream the last segment with readings before the audited epochs: it may bracket a gap. */
  async begin(course: Course, streams: ReadonlySet<string>): Promise<void> {
    const wanted = [...course.latest].filter(([stream]) => streams.has(stream) && !this.streams.has(stream));
    for (const [stream, { checkpoint, evidence }] of wanted.sort(([a], [b]) => (a < b ? -1 : 1))) {
      const where = this.place(checkpoint.epoch, stream, null);
      const open = await this.open(evidence, checkpoint, where, null);
      if (open.sealed === null) {
        this.missed(stream, checkpoint.epoch);
        continue;
      }
      const measured: Measured[] = [];
      for (const at of open.signed.keys()) measured.push(await this.measured(open, at, checkpoint, where));
      const full = measured.findLast(({ signed }) => signed.segment.count > 0);
      if (full) this.keep(stream, full);
    }
  }

  /** Check the next epoch's evidence. Throws Diverged or Unread. */
  async add(checkpoint: Checkpoint, made: Manifest, entries: readonly Entry[]): Promise<void> {
    const segments: SignedSegment[] = [];
    const whole = made.rows.every((row) => row.evidence === null || this.reads(row, checkpoint.epoch));
    for (const row of made.rows) {
      if (row.evidence !== null) segments.push(...(await this.row(row, row.evidence, made, checkpoint)));
    }
    this.checkEntries(checkpoint, entries, segments, whole);
  }

  private reads(row: Row, epoch: number): boolean {
    const stream = streamKey(row.device, row.channel);
    if (epoch < this.scope.firstWhole) return this.scope.batteries.has(stream);
    return epoch <= this.scope.lastWhole || this.scope.meters.has(stream);
  }

  /** A row's segments, checked; one that is out of scope only moves its stream's head. */
  private async row(row: Row, evidence: Hex, made: Manifest, checkpoint: Checkpoint): Promise<readonly SignedSegment[]> {
    const stream = streamKey(row.device, row.channel);
    const head = this.heads.get(stream) ?? START;
    if (!this.reads(row, checkpoint.epoch)) {
      this.heads.set(stream, headAfter(row, head));
      this.last.delete(stream);
      return [];
    }
    const where = this.place(checkpoint.epoch, stream, head.nextSeq);
    const open = await this.open(evidence, checkpoint, where, head);
    if (open.sealed === null) this.missed(stream, checkpoint.epoch);
    for (const [at, signed] of open.signed.entries()) {
      this.continue(stream, signed, where);
      this.segments += 1;
      const measured = await this.measured(open, at, checkpoint, where);
      this.checkRegisters(stream, measured, where);
      this.readings += measured.readings?.length ?? 0;
      if (open.sealed !== null && (this.scope.meters.has(stream) || this.scope.batteries.has(stream))) this.keep(stream, measured);
    }
    this.checkRow(row, made, open.signed, head, where);
    return open.signed;
  }

  /** A row's segments; an altered block is reported at the first one inside that does not hold. */
  private async open(evidence: Hex, checkpoint: Checkpoint, where: Where, head: Head | null): Promise<OpenBlock> {
    let raw: Uint8Array;
    try {
      raw = await this.blocks.get(evidence, BLOCK, where);
    } catch (error) {
      if (!(error instanceof Altered)) throw error;
      const seq = head === null ? null : await this.firstBroken(error.block, evidence, checkpoint, where, head);
      throw new Diverged(error.rule, error.expected, error.got, seq === null ? where : { ...where, seq });
    }
    return this.opened(raw, evidence, checkpoint, (run) => judged(BLOCK, where, run));
  }

  private async opened(
    raw: Uint8Array,
    evidence: Hex,
    checkpoint: Checkpoint,
    judge: <T>(run: () => T) => T,
  ): Promise<OpenBlock> {
    const clear = judge(() => this.read(raw));
    const key = clear.encrypted ? await this.unlocking.keyOf(evidence, checkpoint.epoch) : null;
    if (clear.encrypted && key === null) return { signed: clear.signed, sealed: null };
    try {
      return { signed: clear.signed, sealed: judge(() => unlockedOnce(clear, key)) };
    } catch (error) {
      if (!this.unlocking.forgives(evidence, error)) throw error;
      return { signed: clear.signed, sealed: null };
    }
  }

  private read(raw: Uint8Array): EvidenceBlock {
    const keys = `${toHex(this.domain.separator)}${this.keyring.keysId}`;
    const byKeys = evidenceBlocks.get(raw) ?? new Map<string, EvidenceBlock | RuleError>();
    evidenceBlocks.set(raw, byKeys);
    return once(byKeys, keys, () => readEvidence(raw, this.domain, this.keyring.publicKeys));
  }

  /** First seq of the first segment in altered bytes that does not hold; null if they cannot be read at all. */
  private async firstBroken(
    raw: Uint8Array,
    evidence: Hex,
    checkpoint: Checkpoint,
    where: Where,
    from: Head,
  ): Promise<bigint | null> {
    let open: OpenBlock;
    try {
      open = await this.opened(raw, evidence, checkpoint, (run) => run());
    } catch (error) {
      if (error instanceof RuleError || error instanceof Diverged) return null;
      throw error;
    }
    let head = from;
    for (const [at, signed] of open.signed.entries()) {
      try {
        checkContinues(head, signed.segment);
        await this.measured(open, at, checkpoint, where);
      } catch (error) {
        if (error instanceof RuleError || error instanceof Diverged) return head.nextSeq;
        throw error;
      }
      head = headOf(signed);
    }
    return null;
  }

  private continue(stream: string, signed: SignedSegment, where: Where): void {
    const { segment } = signed;
    const at = { ...where, seq: segment.firstSeq };
    expect(`${BLOCK} (stream)`, stream, streamKey(segment.device, segment.channel), at);
    const head = this.heads.get(stream) ?? START;
    const past = this.past.get(stream) ?? [];
    this.past.set(stream, past);
    if (segment.firstSeq !== head.nextSeq || segment.prev !== head.digest) {
      const text = (seq: bigint, prev: Hex) => `first_seq=${seq} prev=${prev}`;
      const rule = `${STREAM} (${breach(head, signed, past)})`;
      throw new Diverged(rule, text(head.nextSeq, head.digest), text(segment.firstSeq, segment.prev), at);
    }
    past.push(signed);
    if (past.length > EPOCHS_BESIDE) past.shift();
    this.heads.set(stream, headOf(signed));
  }

  /** A segment's readings, checked against what was signed, and the standing of the key that signed. */
  private async measured(open: OpenBlock, index: number, checkpoint: Checkpoint, where: Where): Promise<Measured> {
    const signed = open.signed[index] as SignedSegment;
    const { segment } = signed;
    const at = { ...where, seq: segment.firstSeq };
    const standing = this.keyring.standing(segment.device, signed.signer, checkpoint.at);
    if (standing === "stranger" || standing === "owner") {
      throw new Diverged(KEY, "a confirmed key of the device, not its owner's", `${signed.signer} (${standing})`, at);
    }
    const sealed = open.sealed?.[index];
    const readings = sealed ? judged(CONTENTS, at, () => contentsOnce(sealed)) : null;
    return { checkpoint, signed, readings, limits: await this.bracket(signed, checkpoint), standing };
  }

  /** Between which instants the readings were made (protocol 3.8); without a beacon of this chain the lower side is open. */
  private async bracket({ segment }: SignedSegment, checkpoint: Checkpoint): Promise<Bracket> {
    const latestMs = BigInt(checkpoint.at.timestampS) * 1000n + CLOCK_SLACK_MS;
    if (segment.beaconBlock > BigInt(this.facts.head.number)) return { earliestMs: 0n, latestMs };
    const found = await this.facts.headers.at(Number(segment.beaconBlock));
    if (found?.hash !== segment.beaconHash) return { earliestMs: 0n, latestMs };
    return { earliestMs: BigInt(found.timestampS) * 1000n - CLOCK_SLACK_MS, latestMs };
  }

  /** The first reading of a segment follows the last one of the segment before. */
  private checkRegisters(stream: string, { readings }: Measured, where: Where): void {
    if (readings === null) this.last.delete(stream);
    const [first, last] = [readings?.[0], readings?.at(-1)];
    if (!first || !last) return;
    const earlier = this.last.get(stream);
    if (earlier) judged(FOLLOWS, { ...where, seq: first.seq }, () => checkFollows(earlier, first));
    this.last.set(stream, last);
  }

  private checkRow(row: Row, made: Manifest, signed: readonly SignedSegment[], head: Head, where: Where): void {
    const frozen = this.keyring.frozen(row.device, Number(made.asOfBlock));
    const epochStartMs = made.epoch * BigInt(this.facts.deployment.epochSeconds) * 1000n;
    const want = rowFacts(signed, { head: head.digest, epochStartMs, frozen: signed.some(({ signer }) => frozen.has(signer)) });
    expect(`${ROW} (first_seq)`, want.firstSeq, row.firstSeq, where);
    expect(`${ROW} (last_seq)`, want.lastSeq, row.lastSeq, where);
    expect(`${ROW} (head)`, want.head, row.head, where);
    expect(`${ROW} (status)`, want.status, row.status, where);
  }

  /** All of an epoch's segments are its entries in order; of those not all read, each is among them. */
  private checkEntries(
    { epoch }: Checkpoint,
    entries: readonly Entry[],
    segments: readonly SignedSegment[],
    whole: boolean,
  ): void {
    if (whole) {
      try {
        checkOrder(epoch, entries, segments);
      } catch (error) {
        if (!(error instanceof RuleError)) throw error;
        const at = error.facts["at"] as number;
        const beside = segments[at ? at - 1 : 0];
        const place = beside ? this.segmentPlace(epoch, beside) : epochPlace(epoch, this.scope.day);
        throw new Diverged(ORDER, "exactly the epoch's segments", `${error.facts["why"] as string}`, place);
      }
      return;
    }
    const known = new Set(entries.map((entry) => toHex(entry.raw)));
    for (const signed of segments) {
      if (known.has(toHex(segmentEntry(signed).raw))) continue;
      throw new Diverged(ORDER, "the segment's entry", "none", this.segmentPlace(epoch, signed));
    }
  }

  private keep(stream: string, measured: Measured): void {
    const kept = this.streams.get(stream);
    if (kept) kept.push(measured);
    else this.streams.set(stream, [measured]);
  }

  private missed(stream: string, epoch: number): void {
    this.unread.set(stream, [...(this.unread.get(stream) ?? []), epoch]);
  }

  private segmentPlace(epoch: number, { segment }: SignedSegment): Where {
    return this.place(epoch, streamKey(segment.device, segment.channel), segment.firstSeq);
  }

  private place(epoch: number, stream: string, seq: bigint | null): Where {
    const [device, channel] = stream.split("/") as [Hex, string];
    const number = Number(channel);
    return { ...epochPlace(epoch, this.scope.day), station: this.keyring.station(device, number), device, channel: number, seq };
  }
}

/** What a segment that does not continue its stream looks like, in one word (protocol 3.3, 3.5). */
function breach(head: Head, signed: SignedSegment, past: readonly SignedSegment[]): string {
  if (past.some(({ digest }) => digest === signed.digest)) return "replayed";
  if (past.some((one) => conflicts(one, signed))) return "equivocated";
  return signed.segment.firstSeq > head.nextSeq ? "withheld" : "forked";
}

/** A stream's segments behind a day as the log stood at an epoch, and the last with readings before them. */
export function seenOf(kept: readonly Measured[], day: number, lastEpoch: number): readonly Measured[] {
  const first = Number(dayFirstSlot(day)) - EPOCHS_BESIDE;
  const earlier = kept.findLast(({ checkpoint, signed }) => checkpoint.epoch < first && signed.segment.count > 0);
  const behind = kept.filter(({ checkpoint }) => first <= checkpoint.epoch && checkpoint.epoch <= lastEpoch);
  return earlier ? [earlier, ...behind] : behind;
}

/** Whether readings of a stream that a day may rest on stayed unread. */
export function isUnread(missed: readonly number[], day: number, lastEpoch: number): boolean {
  const first = Number(dayFirstSlot(day)) - EPOCHS_BESIDE;
  return missed.some((epoch) => first <= epoch && epoch <= lastEpoch);
}

function namedBeacons(raw: Uint8Array): readonly number[] {
  try {
    const block = decode(raw);
    const segments: Plain | undefined = block instanceof Map ? block.get("segments") : undefined;
    if (segments === undefined || !isList(segments)) return [];
    const named = segments.map((segment) => (segment instanceof Map ? Number(segment.get("beaconBlock")) : Number.NaN));
    return [...new Set(named.filter(Number.isSafeInteger))];
  } catch {
    return [];
  }
}

function unlockedOnce(clear: EvidenceBlock, key: Uint8Array | null): readonly SealedSegment[] {
  const byKey = unlocked.get(clear) ?? new Map<string, readonly SealedSegment[] | RuleError>();
  unlocked.set(clear, byKey);
  return once(byKey, key === null ? "" : toHex(key), () => unlockEvidence(clear, key));
}

function contentsOnce(sealed: SealedSegment): readonly Reading[] {
  const known = contents.get(sealed) ?? attempt(() => checkContents(sealed));
  contents.set(sealed, known);
  if (known instanceof RuleError) throw known;
  return known;
}

function once<T>(held: Map<string, T | RuleError>, key: string, make: () => T): T {
  const known = held.get(key) ?? attempt(make);
  held.set(key, known);
  if (known instanceof RuleError) throw known;
  return known;
}

function attempt<T>(make: () => T): T | RuleError {
  try {
    return make();
  } catch (error) {
    if (error instanceof RuleError) return error;
    throw error;
  }
}
