/** Entries of the alliance's log and their order inside an epoch (protocol 4.2): "SAE1" · type u8 · body. */

import { bigEndian, bytesOf, compareBytes, concat, same, toHex } from "../bytes.ts";
import { decode } from "../cbor.ts";
import { RuleError } from "../error.ts";
import { isList } from "../fields.ts";
import type { Hex } from "../values.ts";
import type { SignedSegment } from "./segment.ts";

const MAGIC = Uint8Array.of(0x53, 0x41, 0x45, 0x31);

/** What entries record, by type number, and how long their bodies are. */
export const ENTRY_TYPES = [
  { name: "EPOCH", size: 8 },
  { name: "SEGMENT", size: 97 },
  { name: "SCHEDULE", size: 64 },
  { name: "INSTRUCTION", size: 64 },
  { name: "RULE_PACK", size: 64 },
  { name: "STATEMENT", size: 64 },
  { name: "ACCEPTANCE", size: 97 },
  { name: "ROWS", size: 64 },
] as const;
export const [EPOCH, SEGMENT, SCHEDULE, INSTRUCTION, RULE_PACK, STATEMENT, ACCEPTANCE, ROWS] = [0, 1, 2, 3, 4, 5, 6, 7] as const;

/** One entry: its type, its body, and the whole bytes that are a leaf of the log. */
export interface Entry {
  readonly type: number;
  readonly body: Uint8Array;
  readonly raw: Uint8Array;
}

export function entryName(type: number): string {
  return ENTRY_TYPES[type]?.name ?? `${type}`;
}

/** Whether an entry names a document block with its commitment. */
export function isDocument(entry: Entry): boolean {
  return entry.type >= SCHEDULE && entry.type <= STATEMENT;
}

/** Digest of the segment (or acceptance) that the entry records. */
export function segmentOf(entry: Entry): Hex {
  return toHex(entry.body.subarray(1, 33));
}

/** SHA-256 of the document block that the entry records. */
export function documentOf(entry: Entry): Hex {
  return toHex(entry.body.subarray(0, 32));
}

/** SHA-256(salt ‖ document) that a document's entry records; of a rows entry, the root over the rows. */
export function commitmentOf(entry: Entry): Hex {
  return toHex(entry.body.subarray(32));
}

/** The first entry of every epoch. */
export function epochEntry(epoch: number): Entry {
  return made(EPOCH, bigEndian(epoch, 8));
}

/** The entry of a device's segment. */
export function segmentEntry(signed: SignedSegment): Entry {
  return made(SEGMENT, concat(Uint8Array.of(signed.alg), bytesOf(signed.digest), signed.signature));
}

/** Read an entry. Throws entry_malformed. */
export function parseEntry(raw: Uint8Array): Entry {
  const malformed = (why: string) => new RuleError("entry_malformed", { why, raw: raw.subarray(0, 8) });
  if (raw.length < 5 || !same(raw.subarray(0, 4), MAGIC)) throw malformed("magic is not SAE1");
  const type = raw[4] ?? 0;
  const known = ENTRY_TYPES[type];
  if (known === undefined) throw malformed(`type ${type} unknown`);
  const body = raw.subarray(5);
  if (body.length !== known.size) throw malformed(`body of ${known.name} has ${body.length} bytes, want ${known.size}`);
  return { type, body, raw };
}

/** Read an entries block. Throws not_canonical or entry_malformed. */
export function decodeEntries(block: Uint8Array): readonly Entry[] {
  const items = decode(block);
  if (!isList(items)) throw notList(block);
  return items
    .map((item) => {
      if (item instanceof Uint8Array) return item;
      throw notList(block);
    })
    .map(parseEntry);
}

/** Refuse entries that do not stand in the protocol's order; `segments` of a channel in chain order. Throws entries_disordered. */
export function checkOrder(epoch: number, entries: readonly Entry[], segments: readonly SignedSegment[]): void {
  const want = arranged(epoch, segments, entries);
  const disordered = (at: number, why: string) => new RuleError("entries_disordered", { epoch, at, why });
  for (let at = 0; at < Math.min(entries.length, want.length); at += 1) {
    const [have, should] = [entries[at], want[at]];
    if (have && should && !same(have.raw, should.raw)) {
      throw disordered(at, `${entryName(have.type)} where ${entryName(should.type)} belongs`);
    }
  }
  if (entries.length !== want.length) {
    throw disordered(Math.min(entries.length, want.length), "entries and evidence differ");
  }
  if (new Set(entries.map((entry) => toHex(entry.raw))).size !== entries.length) throw disordered(0, "an entry stands twice");
}

function arranged(epoch: number, segments: readonly SignedSegment[], entries: readonly Entry[]): readonly Entry[] {
  const ordered = segments.toSorted(
    (a, b) => order(a.segment.device, b.segment.device) || a.segment.channel - b.segment.channel,
  );
  const rest = entries
    .filter((entry) => entry.type > SEGMENT)
    .toSorted((a, b) => a.type - b.type || compareBytes(a.body, b.body));
  return [epochEntry(epoch), ...ordered.map(segmentEntry), ...rest];
}

function order(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function made(type: number, body: Uint8Array): Entry {
  return { type, body, raw: concat(MAGIC, Uint8Array.of(type), body) };
}

function notList(block: Uint8Array): RuleError {
  return new RuleError("entry_malformed", { why: "entries block is not a list of bytes", raw: block.subarray(0, 8) });
}
