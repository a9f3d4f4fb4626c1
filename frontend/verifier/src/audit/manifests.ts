/** Step 3 (protocol 11.2, 4.2, 4.3): manifests alone rebuild the whole log, and every registered channel has its row. */

import { toHex, same } from "../bytes.ts";
import { dayFirstSlot, SLOTS_A_DAY } from "../calendar.ts";
import type { Facts, Instant } from "../chain/facts.ts";
import { Diverged, expect, judged, type Where } from "../error.ts";
import { commitmentOf, decodeEntries, documentOf, type Entry, entryName, epochEntry, isDocument, ROWS as ROWS_ENTRY, SEGMENT, segmentOf } from "../format/entry.ts";
import { decodeManifest, type Manifest, type Row } from "../format/manifest.ts";
import { GrowingTree, leafHash } from "../format/merkle.ts";
import { type Head, START } from "../format/segment.ts";
import { type Hex, ZERO_DIGEST } from "../values.ts";
import type { Blocks } from "./blocks.ts";
import type { Checkpoint } from "./checkpoints.ts";
import { type Keyring, streamKey } from "./keys.ts";

const MANIFEST = "protocol 4.3: the manifest that the checkpoint names";
const ENTRIES = "protocol 4.2: the epoch's entries";
const TREE = "protocol 4.2: manifests rebuild the log";
const CHAIN = "protocol 4.3: each manifest names the one before";
const AS_OF = "protocol 4.3: asOf is the last block before the epoch";
const ROWS = "protocol 4.3: a row for every registered channel";
const ROW = "protocol 4.3: a row goes on from the stream's head";
const ONCE = "protocol 4.2: an entry stands once in the log";
/** Segments' entries are remembered so many epochs, to name one that is logged again; an older one breaks its stream. */
const REMEMBERED_EPOCHS = 288;

/** What was decoded of blocks that are held; the same bytes always mean the same. */
const manifests = new WeakMap<Uint8Array, Manifest>();
const entryLists = new WeakMap<Uint8Array, readonly Entry[]>();
const leaves = new WeakMap<Entry, Uint8Array>();

/** The entry of a document or of its rows: its number in the log and the checkpoint that first contains it. */
export interface Logged {
  readonly number: number;
  readonly entry: Entry;
  readonly document: Hex;
  /** Of a document its commitment, of rows their root. */
  readonly commitment: Hex;
  readonly checkpoint: Checkpoint;
}

/** Where the streams stand between two epochs; `latest` is the last epoch and block that brought a stream readings. */
export interface Course {
  readonly heads: ReadonlyMap<string, Head>;
  readonly latest: ReadonlyMap<string, { readonly checkpoint: Checkpoint; readonly evidence: Hex }>;
}

/** An epoch as a place; with the slot where it is one of the day's. */
export function epochPlace(epoch: number, day: number): Where {
  const slot = epoch - Number(dayFirstSlot(day));
  return { epoch, slot: slot >= 0 && slot < SLOTS_A_DAY ? slot : null };
}

/** A stream's head after a row. */
export function headAfter(row: Row, head: Head): Head {
  return { nextSeq: row.lastSeq === null ? head.nextSeq : row.lastSeq + 1n, digest: row.head };
}

/** A manifest's content, remembered with its bytes. Throws RuleError. */
export function manifestOf(raw: Uint8Array): Manifest {
  const known = manifests.get(raw) ?? decodeManifest(raw);
  manifests.set(raw, known);
  return known;
}

/** The log while it grows, epoch by epoch; `logged` are the documents' entries found so far, in the order of the log. */
export class LogWalk {
  readonly logged: Logged[] = [];
  private readonly tree = new GrowingTree();
  private prev: Hex = ZERO_DIGEST;
  private readonly heads = new Map<string, Head>();
  private readonly latest = new Map<string, { readonly checkpoint: Checkpoint; readonly evidence: Hex }>();
  private readonly seen = new Set<string>();
  private readonly recent: Hex[][] = [];

  constructor(
    private readonly facts: Facts,
    private readonly keyring: Keyring,
    private readonly blocks: Blocks,
    private readonly day: number,
  ) {}

  /** Where the streams stand now. */
  course(): Course {
    return { heads: new Map(this.heads), latest: new Map(this.latest) };
  }

  /** Check and append the next epoch; its manifest and entries. Throws Diverged or Unread. */
  async add(checkpoint: Checkpoint): Promise<{ readonly made: Manifest; readonly entries: readonly Entry[] }> {
    const where = epochPlace(checkpoint.epoch, this.day);
    const raw = await this.blocks.get(checkpoint.manifest, MANIFEST, where);
    const made = judged(MANIFEST, where, () => manifestOf(raw));
    const listed = await this.blocks.get(made.entries, ENTRIES, where);
    const entries = judged(ENTRIES, where, () => entriesOf(listed));
    expect(MANIFEST, this.facts.deployment.log, made.log, where);
    expect(MANIFEST, `epoch ${checkpoint.epoch}`, `epoch ${made.epoch}`, where);
    expect(CHAIN, this.prev, made.prev, where);
    this.append(checkpoint, made, entries, where);
    await this.checkAsOf(made, where);
    this.checkRows(checkpoint, made, entries);
    this.prev = checkpoint.manifest;
    return { made, entries };
  }

  private append(checkpoint: Checkpoint, made: Manifest, entries: readonly Entry[], where: Where): void {
    const [want, got] = [epochEntry(checkpoint.epoch), entries[0]];
    if (got === undefined || !same(want.raw, got.raw)) {
      throw new Diverged(ENTRIES, `EPOCH ${checkpoint.epoch}`, got ? toHex(got.raw) : "none", where);
    }
    this.recent.push([]);
    for (const entry of entries) this.enter(checkpoint, entry, where);
    if (this.recent.length > REMEMBERED_EPOCHS) for (const named of this.recent.shift() ?? []) this.seen.delete(named);
    const root = toHex(this.tree.root());
    expect(`${TREE} (manifest size)`, made.size, this.tree.size, where);
    expect(`${TREE} (manifest root)`, made.root, root, where);
    expect(`${TREE} (checkpoint size)`, checkpoint.size, this.tree.size, where);
    expect(`${TREE} (checkpoint root)`, checkpoint.root, root, where);
  }

  private enter(checkpoint: Checkpoint, entry: Entry, where: Where): void {
    const leaf = leafOf(entry);
    const named = entry.type === SEGMENT ? segmentOf(entry) : toHex(leaf);
    if (this.seen.has(named)) {
      throw new Diverged(ONCE, "a new entry", `${entryName(entry.type).toLowerCase()} ${named} again`, where);
    }
    this.seen.add(named);
    if (entry.type === SEGMENT) this.recent.at(-1)?.push(named);
    if (isDocument(entry) || entry.type === ROWS_ENTRY) {
      const [document, commitment] = [documentOf(entry), commitmentOf(entry)];
      this.logged.push({ number: this.tree.size, entry, document, commitment, checkpoint });
    }
    this.tree.append(leaf);
  }

  private checkRows(checkpoint: Checkpoint, made: Manifest, entries: readonly Entry[]): void {
    const epoch = Number(made.epoch);
    const registered = this.keyring.registered(Number(made.asOfBlock));
    const keys = made.rows.map((row) => streamKey(row.device, row.channel));
    for (const [at, row] of made.rows.entries()) {
      const last = made.rows[at - 1];
      if (last && !follows(last, row)) {
        throw new Diverged(ROWS, "rows in order, each once", "disorder", this.place(epoch, row.device, row.channel));
      }
    }
    const [missing] = [...registered].filter((key) => !keys.includes(key)).sort(byStream);
    if (missing !== undefined) {
      const [device = "0x", channel = "0"] = missing.split("/");
      throw new Diverged(ROWS, "a row", "none", this.place(epoch, device as Hex, Number(channel)));
    }
    const logged = new Set(entries.filter((entry) => entry.type === SEGMENT).map(segmentOf));
    for (const row of made.rows) this.checkRow(checkpoint, row, { registered, logged, asOfBlock: Number(made.asOfBlock) });
  }

  private checkRow(
    checkpoint: Checkpoint,
    row: Row,
    known: { readonly registered: ReadonlySet<string>; readonly logged: ReadonlySet<Hex>; readonly asOfBlock: number },
  ): void {
    const key = streamKey(row.device, row.channel);
    const where = this.place(checkpoint.epoch, row.device, row.channel);
    const head = this.heads.get(key) ?? START;
    if (row.evidence === null) {
      if (!known.registered.has(key)) {
        throw new Diverged(ROWS, "no row", "a row of a channel that nobody registered", where);
      }
      const quiet = this.keyring.frozen(row.device, known.asOfBlock).size ? "frozen" : "silent";
      expect(ROW, rowText({ ...row, firstSeq: null, lastSeq: null, head: head.digest, status: quiet }), rowText(row), where);
      return;
    }
    if (row.firstSeq !== null) {
      if (row.firstSeq !== head.nextSeq) {
        const kind = row.firstSeq > head.nextSeq ? `withheld: seq ${head.nextSeq}…${row.firstSeq - 1n}` : "a seq that stands in the log already";
        throw new Diverged(ROW, `first seq ${head.nextSeq}`, `first seq ${row.firstSeq} (${kind})`, where);
      }
      this.latest.set(key, { checkpoint, evidence: row.evidence });
    }
    if (!known.logged.has(row.head)) throw new Diverged(ROW, "a head among the epoch's entries", row.head, where);
    this.heads.set(key, headAfter(row, head));
  }

  private place(epoch: number, device: Hex, channel: number): Where {
    const head = this.heads.get(streamKey(device, channel)) ?? START;
    return { ...epochPlace(epoch, this.day), station: this.keyring.station(device, channel), device, channel, seq: head.nextSeq };
  }

  /** The named block is the last one before the epoch began; the genesis block if the chain is younger. */
  private async checkAsOf(made: Manifest, where: Where): Promise<void> {
    const startS = Number(made.epoch) * this.facts.deployment.epochSeconds;
    const named = Number(made.asOfBlock);
    const [block, after] = await Promise.all([this.header(named), this.header(named + 1)]);
    expect(AS_OF, block?.hash, made.asOfHash, where);
    if (block && block.timestampS >= startS && named !== 0) {
      throw new Diverged(AS_OF, `a block before ${startS} s`, `block at ${block.timestampS} s`, where);
    }
    if (after && after.timestampS < startS) {
      throw new Diverged(AS_OF, "the last such block", `block ${named}, another follows`, where);
    }
  }

  private header(number: number): Promise<Instant | null> {
    return number <= this.facts.head.number ? this.facts.headers.at(number) : Promise.resolve(null);
  }
}

function entriesOf(raw: Uint8Array): readonly Entry[] {
  const known = entryLists.get(raw) ?? decodeEntries(raw);
  entryLists.set(raw, known);
  return known;
}

function leafOf(entry: Entry): Uint8Array {
  const known = leaves.get(entry) ?? leafHash(entry.raw);
  leaves.set(entry, known);
  return known;
}

function follows(last: Row, row: Row): boolean {
  return last.device < row.device || (last.device === row.device && last.channel < row.channel);
}

function byStream(a: string, b: string): number {
  const [[x = "", i = ""], [y = "", j = ""]] = [a.split("/"), b.split("/")];
  return x < y ? -1 : x > y ? 1 : Number(i) - Number(j);
}

function rowText(row: Row): string {
  const [first, last] = [row.firstSeq ?? "None", row.lastSeq ?? "None"];
  return `${row.status} seq ${first}…${last} head ${row.head}`;
}
