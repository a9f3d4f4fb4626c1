/** Steps 6 and 7 (protocol 11.2, 8): settle the day again from evidence alone, and compare every leaf and cent. */

import { toHex } from "../bytes.ts";
import { DAY_MS, DAY_SLOT, dayStartMs } from "../calendar.ts";
import { type ChainEvent, hexOf, listOf, numberOf } from "../chain/events.ts";
import { eventsOf, type Facts, type Progress } from "../chain/facts.ts";
import { Diverged, expect, judged, type Where } from "../error.ts";
import { openDocument } from "../format/documentBlock.ts";
import { entryName, STATEMENT } from "../format/entry.ts";
import type { DayUse } from "../settlement/closing.ts";
import { type DayFacts, type Meter, settlementInputs } from "../settlement/day.ts";
import { same } from "../settlement/same.ts";
import { applyCorrection, correct, settle } from "../settlement/settle.ts";
import {
  accountName, accountsOf, leafCount, type Line, lineIdentity, lineLabel, LineKind, type Quantity, type Statement,
  statementFromPlain,
} from "../settlement/statement.ts";
import { statementRoot } from "../settlement/tree.ts";
import { type Channel, type Hex, METER } from "../values.ts";
import { Altered, type Blocks } from "./blocks.ts";
import { atSize, type Checkpoint, dayEpochs } from "./checkpoints.ts";
import { checkConsistent } from "./consistent.ts";
import { asJudged, decidedOf, voidUpTo } from "./decisions.ts";
import { type Documents, fieldsText, seenAt } from "./documents.ts";
import { type EvidenceCheck, isUnread, type Measured, seenOf } from "./evidence.ts";
import { before, type Keyring, streamKey } from "./keys.ts";
import type { Logged } from "./manifests.ts";
import { earlyEndsOf, leasesOf, rosterOf, stationsOf } from "./members.ts";
import type { Unlocking } from "./unlocking.ts";

const POSTED = "protocol 8.9: the day has a statement";
const VERSIONS = "protocol 8.9.3: versions follow each other";
const DOCUMENT = "protocol 4.5: the statement's document that the ledger names";
const VIEW = "protocol 8.9: a statement sees the log at an anchored size that holds the whole day";
const RULES = "protocol 8: the day can be settled by the rules";
const ROOT = "protocol 8.9.1: the posted root is that of the statement's leaves";
const COUNT = "protocol 8.9.1: the posted number of leaves";
const MEMBERS = "protocol 8.2.1: the posted roster";
const LOGGED = "protocol 4.2: a statement is an entry of the log";
const OWN = "protocol 8.9.1: the statement follows from its own leaves";
/** A statement's entry stands in the log at the latest in so many epochs that begin after it was posted. */
const LOGGED_WITHIN = 2;

const LEASE_LINES: ReadonlySet<number> = new Set([
  LineKind.LEASE_ENERGY, LineKind.LEASE_NETWORK, LineKind.LEASE_RENT, LineKind.LEASE_WEAR, LineKind.LEASE_SLA,
  LineKind.LEASE_HANDOVER, LineKind.LEASE_END,
]);
const NO_STATION: ReadonlySet<number> = new Set([
  LineKind.GRID_ENERGY, LineKind.GRID_NETWORK, LineKind.POOL_SHARE, LineKind.PLATFORM_FEE,
]);
const HEADING = [
  ["alliance", "alliance"], ["day", "day"], ["version", "version"], ["previous", "previous"], ["deltas", "deltas"],
  ["roster", "roster"], ["groups", "groups"], ["schedules", "schedules"], ["packs", "packs"], ["log_size", "logSize"],
] as const;

/** What was read and hashed of statements that are held; the same block under the same key always means the same. */
const statements = new WeakMap<Uint8Array, Map<string, Statement>>();
const roots = new WeakMap<Statement, Hex>();

/** A posted statement as the archive has it; `refused` when its bytes are not those that were posted. */
interface Archived {
  readonly posted: ChainEvent;
  readonly block: Uint8Array;
  readonly contentKey: Uint8Array | null;
  readonly statement: Statement;
  readonly refused: Diverged | null;
}

/** All that the statements of a day are recomputed from. */
export interface Settling {
  readonly facts: Facts;
  readonly keyring: Keyring;
  readonly checkpoints: readonly Checkpoint[];
  readonly logged: readonly Logged[];
  readonly evidence: Pick<EvidenceCheck, "streams" | "unread">;
  readonly documents: Documents;
  /** The use of leased capacity that the day closes with, as seen at a view. */
  readonly usesAt: (view: Checkpoint) => ReadonlyMap<number, DayUse>;
  /** Whether a battery behind what closes with the day stayed unread. */
  readonly usesUnread: boolean;
  readonly day: number;
  readonly blocks: Blocks;
  readonly unlocking: Unlocking;
}

/** The day's statements as posted, in order. */
export function postedOf(facts: Facts, day: number): readonly ChainEvent[] {
  return eventsOf(facts, "StatementPosted").filter((event) => numberOf(event, "day") === day);
}

/** The last epoch that any of the statements can have seen when it was posted, `least` at least. */
export function lastView(posted: readonly ChainEvent[], checkpoints: readonly Checkpoint[], least: number): number {
  const seen = posted.map((event) => checkpoints.findLast(({ at }) => before(at, event.at))?.epoch ?? least);
  return Math.max(least, ...seen);
}

/** Recompute each version and compare it with what is archived and posted; how many lines there are. Throws Diverged. */
export async function checkStatements(
  settling: Settling,
  posted: readonly ChainEvent[],
  progress: Progress,
): Promise<number> {
  const last = voidUpTo(settling.facts, settling.day);
  const standing = posted.filter((event) => numberOf(event, "version") > last);
  if (!standing.length) {
    throw new Diverged(POSTED, "a posted statement", last ? `void up to version ${last}` : "none", { slot: DAY_SLOT });
  }
  const course = new Course(settling);
  for (const [at, event] of standing.entries()) {
    await course.add(last + at + 1, event);
    progress("settlement", at + 1, standing.length);
  }
  course.judge();
  return course.lines;
}

/** The versions of a day's statement, one after the other. */
class Course {
  lines = 0;
  private readonly decided: readonly ChainEvent[];
  private readonly archived = new Map<number, Statement>();
  private stands: Statement | null = null;
  private whole: Statement | null = null;
  private root: Hex | null = null;
  private blind = false;

  constructor(private readonly settling: Settling) {
    this.decided = decidedOf(settling.facts, settling.day);
  }

  /** Check the next version. Throws Diverged or Unread. */
  async add(version: number, event: ChainEvent): Promise<void> {
    const { settling } = this;
    const { archived, refused } = await readStatement(settling, event);
    expect(VERSIONS, version, numberOf(event, "version"), { slot: DAY_SLOT });
    if (archived === null && refused !== null) throw refused;
    this.blind ||= archived === null || settling.documents.unread || settling.usesUnread;
    if (archived === null) checkLogged(settling, event, null);
    else if (this.blind) this.lines += checkUnseen(settling, archived);
    else if (this.decided.length) this.addJudged(version, archived);
    else this.addRecomputed(version, archived);
  }

  private addRecomputed(version: number, archived: Archived): void {
    const { settling } = this;
    const made = recomputed(settling, archived, { version, earlier: this.whole, root: this.root });
    compare(settling, archived, made.expected);
    this.root = rootOnce(archived.statement);
    checkPosted(archived.posted, made.expected, this.root);
    checkLogged(settling, archived.posted, archived);
    this.whole = made.whole;
    this.lines += made.expected.lines.length;
  }

  /** A version of a day that the court touched: sound in itself; what it adds to the day is judged at the end. */
  private addJudged(version: number, archived: Archived): void {
    const { statement, posted } = archived;
    checkPosted(posted, statement, rootOnce(statement));
    checkLogged(this.settling, posted, archived);
    this.archived.set(version, statement);
    this.stands = this.stands === null ? statement : applyCorrection(this.stands, statement);
    this.whole = recomputed(this.settling, archived, { version, earlier: null, root: null }).whole;
    this.lines += statement.lines.length;
  }

  /** The day as it stands against the day as the newest version's evidence makes it. */
  judge(): void {
    if (!this.decided.length || this.stands === null || this.whole === null || this.blind) return;
    const got = asJudged(this.stands, this.decided, this.archived);
    const places = new Places(this.settling, this.whole);
    const stands = new Map(got.lines.map((line) => [lineIdentity(line), line]));
    for (const want of this.whole.lines) {
      const line = stands.get(lineIdentity(want));
      stands.delete(lineIdentity(want));
      alike([want], line ? [{ ...want, amountCents: line.amountCents }] : [], () => places.line(want));
    }
    for (const line of stands.values()) {
      if (line.amountCents) alike([], [line], () => places.line(line));
    }
    compareBalances(this.whole, got.balances, "the standing");
  }
}

/** A posted statement's document, null when no key opens it. Altered bytes that still read as a statement are kept, to find what was changed. */
async function readStatement(
  settling: Settling,
  posted: ChainEvent,
): Promise<{ readonly archived: Archived | null; readonly refused: Diverged | null }> {
  const { blocks, unlocking } = settling;
  const [where, digest, epochs] = [{ slot: DAY_SLOT }, hexOf(posted, "statement"), grantedIn(settling, posted)];
  let [block, refused]: [Uint8Array | null, Altered | null] = [null, null];
  try {
    block = await blocks.get(digest, DOCUMENT, where);
  } catch (error) {
    if (!(error instanceof Altered)) throw error;
    [block, refused] = [error.block, error];
  }
  const raw = block;
  const opened = (contentKey: Uint8Array | null): Archived => ({
    posted, block: raw, contentKey, refused, statement: statementOnce(raw, contentKey),
  });
  try {
    const read = await unlocking.document(raw, digest, epochs, (key) => judged(DOCUMENT, where, () => opened(key)));
    return { archived: read?.value ?? null, refused };
  } catch (error) {
    throw error instanceof Diverged ? (refused ?? error) : error;
  }
}

function statementOnce(block: Uint8Array, contentKey: Uint8Array | null): Statement {
  const byKey = statements.get(block) ?? new Map<string, Statement>();
  statements.set(block, byKey);
  const name = contentKey === null ? "" : toHex(contentKey);
  const known = byKey.get(name) ?? statementFromPlain(openDocument(block, { contentKey }).content);
  byKey.set(name, known);
  return known;
}

function rootOnce(statement: Statement): Hex {
  const known = roots.get(statement) ?? statementRoot(statement);
  roots.set(statement, known);
  return known;
}

/** The epochs whose grants may hold a statement's key: it is granted in the epoch that logs it. */
function grantedIn(settling: Settling, posted: ChainEvent): readonly number[] {
  const [high, low] = [loggedBy(settling, posted), dayEpochs(settling.facts, settling.day).last];
  return Array.from({ length: Math.max(0, high - low + 1) }, (_, at) => high - at);
}

/** What can be said without the inputs: a statement follows from its own leaves and is what was posted and logged. */
function checkUnseen(settling: Settling, archived: Archived): number {
  const { statement, posted, refused } = archived;
  if (refused !== null) throw refused;
  judged(OWN, { slot: DAY_SLOT }, () => checkConsistent(statement));
  checkPosted(posted, statement, rootOnce(statement));
  checkLogged(settling, posted, archived);
  return statement.lines.length;
}

/** The whole day as the statement must have seen it, and the statement that follows: the day itself, or deltas. */
function recomputed(
  settling: Settling,
  archived: Archived,
  { version, earlier, root }: { readonly version: number; readonly earlier: Statement | null; readonly root: Hex | null },
): { readonly whole: Statement; readonly expected: Statement } {
  const view = viewOf(settling, archived);
  const given = givenOf(settling, archived.statement, earlier, view);
  return judged(RULES, { slot: DAY_SLOT }, () => {
    const settled = settle(settlementInputs(dayFacts(settling, view, given)));
    const whole = { ...settled, heading: { ...settled.heading, version: earlier === null ? version : 1 } };
    if (earlier === null || root === null) return { whole, expected: whole };
    const expected = correct(earlier, whole, root);
    return { whole: applyCorrection(earlier, expected), expected };
  });
}

/** The quantities, as stated, of the stations whose meters are not read; none when all are. */
function givenOf(
  { keyring, evidence, day }: Settling,
  statement: Statement,
  earlier: Statement | null,
  view: Checkpoint,
): ReadonlyMap<number, readonly Quantity[]> {
  const hidden = keyring.channels.filter(
    ({ kind, device, channel }) => kind === METER && isUnread(evidence.unread.get(streamKey(device, channel)) ?? [], day, view.epoch),
  );
  if (!hidden.length) return new Map();
  const stated = new Map([...(earlier?.quantities ?? []), ...statement.quantities].map((q) => [`${q.station}/${q.slot}`, q]));
  const ordered = [...stated.values()].sort((a, b) => a.slot - b.slot);
  return new Map(hidden.map(({ station }) => [station, ordered.filter((q) => q.station === station)]));
}

/** Everything that may enter the day's settlement as the log stands at a checkpoint. */
function dayFacts(settling: Settling, view: Checkpoint, given: DayFacts["given"]): DayFacts {
  const { facts, day, keyring, evidence } = settling;
  const { schedules, packs, groupings } = seenAt(settling.documents, view.size);
  return {
    alliance: facts.deployment.domain.alliance, day, roster: rosterOf(facts, day), stations: stationsOf(facts, day),
    leases: leasesOf(facts), earlyEnds: earlyEndsOf(facts), schedules, packs, groupings,
    meters: channelMeters(keyring, evidence, { day, view, kind: METER }), logSize: view.size, uses: settling.usesAt(view), given,
  };
}

/** The channels of a kind that measured in a day, with their readings as seen at a checkpoint. */
export function channelMeters(
  keyring: Keyring,
  evidence: Pick<EvidenceCheck, "streams">,
  { day, view, kind }: { readonly day: number; readonly view: Checkpoint; readonly kind: number },
): readonly Meter[] {
  const start = dayStartMs(day);
  return keyring.channels
    .filter((c) => c.kind === kind && c.fromMs < start + DAY_MS && !(c.toMs !== 0n && c.toMs <= start))
    .map((channel) => {
      const stream = evidence.streams.get(streamKey(channel.device, channel.channel)) ?? [];
      return meterOf(keyring, channel, seenOf(stream, day, view.epoch), view);
    });
}

/** A meter's readings as seen at a checkpoint; those of a lapsed key count once a valid one continued them (protocol 6.4). */
function meterOf(keyring: Keyring, channel: Channel, seen: readonly Measured[], view: Checkpoint): Meter {
  const counted = seen.slice(0, seen.findLastIndex(({ standing }) => standing === "valid") + 1);
  const disputed = counted.filter((measured) => isDisputed(keyring, measured, view));
  return {
    channel,
    readings: counted.flatMap(({ readings, limits }) => (readings ?? []).map((reading) => ({ reading, bracket: limits }))),
    disputed: new Set(disputed.flatMap(({ readings }) => (readings ?? []).map(({ seq }) => seq))),
  };
}

function isDisputed(keyring: Keyring, { signed, checkpoint }: Measured, view: Checkpoint): boolean {
  const since = keyring.disputedSince(signed.segment.device, signed.signer, view.at.blockNumber);
  return since !== null && checkpoint.epoch >= since;
}

/** The checkpoint whose log a statement says it saw. */
function viewOf(settling: Settling, { statement, posted, refused }: Archived): Checkpoint {
  const size = statement.heading.logSize;
  const { last } = dayEpochs(settling.facts, settling.day);
  const found = atSize(settling.checkpoints, size);
  if (found !== null && found.epoch >= last && before(found.at, posted.at)) return found;
  if (refused !== null) throw refused;
  const got = found === null ? `${size} entries` : `${size} entries, epoch ${found.epoch}`;
  throw new Diverged(VIEW, `epoch ${last} or a later one before the posting`, got, { slot: DAY_SLOT });
}

/** Compare an archived statement with the recomputed one, leaf by leaf. */
function compare(settling: Settling, archived: Archived, expected: Statement): void {
  const got = archived.statement;
  for (const [name, field] of HEADING) {
    const [want, found] = [expected.heading[field], got.heading[field]];
    if (same(want, found)) continue;
    throw new Diverged(`protocol 8.9: the statement's ${name}`, fieldsText(want), fieldsText(found), { slot: DAY_SLOT });
  }
  const places = new Places(settling, expected);
  alike(expected.quantities, got.quantities, ({ station, slot }) => ["protocol 8.4.1: the energy of a slot", { station, slot }]);
  alike(expected.slotTotals, got.slotTotals, ({ station, slot }) => [
    "protocol 8.4.6: the running sum of a slot", { station, slot },
  ]);
  alike(expected.lines, got.lines, (line) => places.line(line));
  alike(expected.entries, got.entries, (entry) => places.entry(entry));
  alike(expected.weights, got.weights, () => ["protocol 8.6.3: the weights of the pool's shares", { slot: DAY_SLOT }]);
  compareBalances(expected, got.balances, "the statement's");
  if (archived.refused !== null) throw archived.refused;
}

function compareBalances(expected: Statement, got: readonly bigint[], whose: string): void {
  const names = accountsOf(expected.heading.roster).map(accountName);
  for (let at = 0; at < Math.max(names.length, got.length); at += 1) {
    const rule = `protocol 8.9.1: ${whose} balance of ${names[at] ?? "None"}`;
    expect(rule, cents(expected.balances[at]), cents(got[at]), { slot: DAY_SLOT });
  }
}

function checkPosted(event: ChainEvent, expected: Statement, root: Hex): void {
  const where = { slot: DAY_SLOT };
  expect(MEMBERS, fieldsText(expected.heading.roster), fieldsText(listOf(event, "members")), where);
  compareBalances(expected, listOf(event, "balancesCents"), "the posted");
  expect(COUNT, leafCount(expected), numberOf(event, "leafCount"), where);
  expect(ROOT, root, hexOf(event, "root"), where);
}

/** The log holds the statement's entry, once it had the time to, and committed to its document, as far as that is read. */
function checkLogged(settling: Settling, posted: ChainEvent, archived: Archived | null): void {
  const entries = settling.logged.filter(({ document }) => document === hexOf(posted, "statement"));
  const last = settling.checkpoints.at(-1)?.epoch ?? 0;
  const due = loggedBy(settling, posted);
  const where = { epoch: due, slot: DAY_SLOT };
  if (!entries.length && last >= due) throw new Diverged(LOGGED, `an entry up to epoch ${due}`, "none", where);
  for (const { entry, commitment } of entries) {
    expect(LOGGED, entryName(STATEMENT), entryName(entry.type), where);
    if (archived === null) continue;
    judged(LOGGED, where, () => openDocument(archived.block, { commitment, contentKey: archived.contentKey }));
  }
}

/** The epoch up to which a statement's entry must stand in the log. */
function loggedBy({ facts }: Settling, posted: ChainEvent): number {
  return Math.floor(posted.at.timestampS / facts.deployment.epochSeconds) + LOGGED_WITHIN;
}

/** Rule and place of lines and entries. */
class Places {
  private readonly stations: ReadonlyMap<number, number>;
  private readonly lines: readonly Line[];

  constructor(settling: Settling, expected: Statement) {
    this.stations = new Map(leasesOf(settling.facts).map(({ number, station }) => [number, station]));
    this.lines = expected.lines;
  }

  line(line: Line): readonly [string, Where] {
    const names = `${accountName(line.account)} from ${accountName(line.counterparty)}`;
    return [`protocol 8.6: line ${lineLabel(line.kind)}, ${names}`, { station: this.station(line), slot: line.slot }];
  }

  entry({ line: number, account }: { readonly line: number; readonly account: number }): readonly [string, Where] {
    const line = this.lines[Math.min(number, this.lines.length - 1)];
    const rule = `protocol 8.9.1: entry of ${accountName(account)} for line ${line ? lineLabel(line.kind) : "none"}`;
    return [rule, line ? { station: this.station(line), slot: line.slot } : { slot: DAY_SLOT }];
  }

  private station({ kind, subject }: Line): number | null {
    if (NO_STATION.has(kind)) return null;
    return LEASE_LINES.has(kind) ? (this.stations.get(subject) ?? null) : subject;
  }
}

function alike<T extends object>(
  expected: readonly T[],
  got: readonly T[],
  place: (leaf: T) => readonly [string, Where],
): void {
  for (let at = 0; at < Math.max(expected.length, got.length); at += 1) {
    const [want, found] = [expected[at], got[at]];
    const known = want ?? found;
    if (known === undefined || same(want, found)) continue;
    const [rule, where] = place(known);
    throw new Diverged(rule, ...difference(want, found), where);
  }
}

/** The fields in which two leaves differ, as text; a leaf that only one side has, whole. */
function difference(want: object | undefined, found: object | undefined): readonly [string, string] {
  if (want === undefined || found === undefined) {
    return [want ? fieldsText(want) : "no such leaf", found ? fieldsText(found) : "no such leaf"];
  }
  const other = new Map(Object.entries(found));
  const names = Object.entries(want).filter(([name, value]) => !same(value, other.get(name))).map(([name]) => name);
  const text = (leaf: object) =>
    Object.entries(leaf).filter(([name]) => names.includes(name)).map(([name, value]) => `${snake(name)}=${fieldsText(value)}`).join(" ");
  return [text(want), text(found)];
}

/** A field's name as the protocol writes it. */
function snake(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

function cents(amount: bigint | undefined): string {
  return amount === undefined ? "none" : `${amount} cents`;
}
