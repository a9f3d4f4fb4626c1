/** Step 5 (protocol 11.2, 4.5, 8.3, 9): what of the log binds a day: rule packs, groupings, certified schedules. */

import { ascii, keccak256, sha256, toHex } from "../bytes.ts";
import { dayStartMs, dayText } from "../calendar.ts";
import { encode, type Plain } from "../cbor.ts";
import { bigOf, hexOf, numberOf } from "../chain/events.ts";
import type { Facts, Progress } from "../chain/facts.ts";
import { Diverged, expect, judged, RuleError, Unread, type Where } from "../error.ts";
import { type Opened, openDocument } from "../format/documentBlock.ts";
import { entryName, ROWS as ROWS_ENTRY, RULE_PACK, SCHEDULE as SCHEDULE_ENTRY, STATEMENT } from "../format/entry.ts";
import { type Certificate, certificateFromPlain, checkCertificate } from "../settlement/certificate.ts";
import { bindingGroups, bindingPack, dayAhead, effectiveSchedules, type Placed } from "../settlement/day.ts";
import { rowsRoot, ruleRows, scheduleRows } from "../settlement/rows.ts";
import { type Grouping, type RulePack, ruleDocument, type RuleDocument, tariffFor } from "../settlement/rules.ts";
import { same } from "../settlement/same.ts";
import { type GroupTariff, type Problem, type Schedule, scheduleFromPlain, type TariffSlot } from "../settlement/schedule.ts";
import { groupTariff } from "../settlement/settle.ts";
import { type BillingGroup, type Hex, type Lease, type Place, type Station, ZERO_DIGEST } from "../values.ts";
import type { Blocks } from "./blocks.ts";
import type { Logged } from "./manifests.ts";
import type { Unlocking } from "./unlocking.ts";

const DOCUMENT = "protocol 4.5: the document that the entry names";
const ROWS = "protocol 4.2: the rows entry of a document";
const RULES = "protocol 8.3: a rule pack or grouping";
const SCHEDULE = "protocol 8.3.2: a schedule";
const CERTIFICATE = "protocol 9: the certificate proves the schedule";
const UNCERTIFIED = "protocol 8.3.2: without a certificate there are no prices and no gains";
const TARIFF = "protocol 8.3: a plan is priced by the pack that binds its day";
const AGREED_PACK = "protocol 7.6: the rule pack that members agreed";
const AGREED_VALUE = "protocol 7.6: the value that members agreed";
const RATING = "protocol 7: a plan counts on the stations as registered";
const LEASE = "protocol 7: a plan uses the leases as accepted";

/** The documents that may bind a day, each with its place in the log. */
export interface Documents {
  readonly schedules: readonly Placed<Schedule>[];
  readonly packs: readonly Placed<RulePack>[];
  readonly groupings: readonly Placed<Grouping>[];
  readonly certificates: ReadonlyMap<Hex, Certificate>;
  /** What members agree of a rule pack or grouping, by its document: SHA-256 of its canonical DAG-CBOR, without any salt. */
  readonly ruleHashes: ReadonlyMap<Hex, Hex>;
  /** Whether a document that may bind the day stayed unread. */
  readonly unread: boolean;
}

interface ScheduleDocument {
  readonly schedule: Schedule;
  readonly certificate: Certificate | null;
}

interface OpenedDocument extends Opened {
  readonly block: Uint8Array;
}

/** What was read and checked of documents that are held; the same block always means the same. */
const schedules = new WeakMap<Uint8Array, ScheduleDocument>();
const rules = new WeakMap<Uint8Array, RuleDocument>();
const rowRoots = new WeakMap<Uint8Array, Hex>();
const proven = new WeakMap<Certificate, RuleError | "proven">();

/** Those that stood in the log when it had so many entries. */
export function seenAt(documents: Documents, size: number): Documents {
  const seen = <T>(placed: readonly Placed<T>[]) => placed.filter(([place]) => place.entry < size);
  return {
    ...documents, schedules: seen(documents.schedules), packs: seen(documents.packs), groupings: seen(documents.groupings),
  };
}

/** Open every document but statements; schedules of earlier days than `first` are not read. Throws Diverged or Unread. */
export async function readDocuments(
  logged: readonly Logged[],
  blocks: Blocks,
  { first, unlocking, progress }: { readonly first: number; readonly unlocking: Unlocking; readonly progress: Progress },
): Promise<Documents> {
  const found = { schedules: [] as Placed<Schedule>[], packs: [] as Placed<RulePack>[], groupings: [] as Placed<Grouping>[] };
  const certificates = new Map<Hex, Certificate>();
  const ruleHashes = new Map<Hex, Hex>();
  const wanted = logged.filter(({ entry }) => entry.type !== STATEMENT && entry.type !== ROWS_ENTRY);
  const beside = new Map(logged.filter(({ entry }) => entry.type === ROWS_ENTRY).map((rows) => [rowsKey(rows), rows]));
  let unread = false;
  blocks.ahead(wanted.map(({ document }) => document));
  for (const [at, item] of wanted.entries()) {
    const place: Place = { digest: item.document, entry: item.number, anchoredMs: BigInt(item.checkpoint.at.timestampS) * 1000n };
    const where = { epoch: item.checkpoint.epoch };
    const rows = beside.get(rowsKey(item))?.commitment ?? null;
    beside.delete(rowsKey(item));
    if (rows === null && hasRows(item)) throw new Diverged(ROWS, "an entry of its rows in the same epoch", "none", where);
    const opened = await openOne(item, blocks, unlocking, where);
    if (opened !== null) {
      const want = judged(ROWS, where, () => rowsOf(item, opened));
      expect(ROWS, want === null ? "none" : `root ${want}`, rows === null ? "none" : `root ${rows}`, where);
    }
    if (opened === null) unread = true;
    else if (item.entry.type === RULE_PACK) {
      const rule = judged(RULES, where, () => remembered(rules, opened.block, () => ruleDocument(opened.content)));
      ruleHashes.set(item.document, toHex(sha256(encode(opened.content))));
      if (rule.kind === "tariff") found.packs.push([place, rule.pack]);
      else found.groupings.push([place, rule.grouping]);
    } else if (item.entry.type === SCHEDULE_ENTRY && dayNumber(opened.content) >= first) {
      const made = judged(SCHEDULE, where, () => remembered(schedules, opened.block, () => scheduleOf(opened.content)));
      found.schedules.push([place, made.schedule]);
      if (made.certificate) certificates.set(item.document, made.certificate);
    }
    progress("documents", at + 1, wanted.length);
  }
  for (const { checkpoint, document } of beside.values()) {
    throw new Diverged(ROWS, "none", `rows of ${document}, which is not logged here`, { epoch: checkpoint.epoch });
  }
  return { ...found, certificates, ruleHashes, unread };
}

/** Those of one day; the rules all of them. */
export function documentsOf(documents: Documents, day: number): Documents {
  return { ...documents, schedules: documents.schedules.filter(([, schedule]) => schedule.day === day) };
}

/** The rule pack and billing groups of a day; without any in time a settled day diverges, another is not read. */
function bindingRules(documents: Documents, day: number, settled: boolean) {
  try {
    const [place, pack] = bindingPack(documents.packs, day);
    return { place, pack, groups: bindingGroups(documents.groupings, day) };
  } catch (error) {
    if (!(error instanceof RuleError) || error.code !== "rules_missing") throw error;
    const what = `${error.facts["what"] as string}`;
    if (settled) throw new Diverged(RULES, `a ${what} anchored before ${dayText(day)}`, "none", {});
    throw new Unread("rules", `no ${what} was anchored for ${dayText(day)}: nothing binds it`);
  }
}

/** Check each schedule of the day: certified; those that bind, by the day's rules. Throws Diverged or Unread. */
export function checkDocuments(
  documents: Documents,
  facts: Facts,
  given: { readonly day: number; readonly settled: boolean; readonly stations: readonly Station[]; readonly leases: readonly Lease[] },
): void {
  const { day, settled } = given;
  const rated = new Map(given.stations.map((station) => [station.number, station]));
  const leased = new Map(given.leases.map((lease) => [lease.number, lease]));
  const { place: packPlace, pack, groups } = bindingRules(documents, day, settled);
  checkAgreed(documents, facts, { day, pack, digest: packPlace.digest });
  const bound = new Set([...effectiveSchedules(documents.schedules, day).values()].map(({ digest }) => digest));
  const feeBase = dayAhead(documents.schedules, day);
  if (feeBase) bound.add(feeBase.digest);
  for (const [place, schedule] of documents.schedules) {
    const where = { slot: schedule.firstSlot };
    expect(`${SCHEDULE} (alliance)`, facts.deployment.domain.alliance, schedule.alliance, where);
    const certificate = documents.certificates.get(place.digest);
    if (certificate === undefined) {
      checkUncertified(schedule, where);
      continue;
    }
    if (!same(schedule, certificate.schedule)) {
      throw new Diverged(`${CERTIFICATE} (of another schedule)`, "the entry's schedule", "another one", where);
    }
    judged(CERTIFICATE, where, () => checkOnce(certificate));
    checkRatings(certificate.problem, rated, where);
    checkLeases(certificate.problem, leased, where);
    if (bound.has(place.digest)) checkTariffs(certificate.problem, pack, groups, where);
  }
}

async function openOne(
  item: Logged,
  blocks: Blocks,
  unlocking: Unlocking,
  where: Where,
): Promise<OpenedDocument | null> {
  const rule = `${DOCUMENT} (${entryName(item.entry.type).toLowerCase()})`;
  const block = await blocks.get(item.document, rule, where);
  return unlocking.document(block, item.document, [item.checkpoint.epoch], (contentKey) =>
    judged(rule, where, () => openDocument(block, { commitment: item.commitment, contentKey })),
  ).then((opened) => (opened === null ? null : { block, ...opened.value }));
}

/** A rows entry stands beside its document's in the same epoch. */
function rowsKey({ checkpoint, document }: Logged): string {
  return `${checkpoint.epoch}/${document}`;
}

function hasRows({ entry }: Logged): boolean {
  return entry.type === SCHEDULE_ENTRY || entry.type === RULE_PACK;
}

/** The root over a document's rows; null for a document without rows. Throws RuleError. */
function rowsOf(item: Logged, { block, salt, content }: OpenedDocument): Hex | null {
  if (!hasRows(item)) return null;
  return remembered(rowRoots, block, () => {
    if (item.entry.type === RULE_PACK) return rowsRoot(ruleRows(ruleDocument(content)));
    const plain: Plain | undefined = content instanceof Map ? content.get("schedule") : undefined;
    if (plain === undefined) throw new RuleError("document_without_rows", { kind: "schedule" });
    return rowsRoot(scheduleRows(scheduleFromPlain(plain), salt));
  });
}

/** The day of a schedule's document; one that does not say is read, so that it is refused by name. */
function dayNumber(content: Plain): number | bigint {
  const outer = content instanceof Map ? content.get("schedule") : undefined;
  const inner = outer instanceof Map ? outer.get("schedule") : undefined;
  const number: Plain | undefined = inner instanceof Map ? inner.get("day") : undefined;
  return typeof number === "number" || typeof number === "bigint" ? number : Number.POSITIVE_INFINITY;
}

function scheduleOf(content: Plain): ScheduleDocument {
  if (content instanceof Map && content.size === 2) {
    const [plain, proof]: (Plain | undefined)[] = [content.get("schedule"), content.get("certificate")];
    if (plain !== undefined && proof !== undefined) {
      return { schedule: scheduleFromPlain(plain), certificate: proof === null ? null : certificateFromPlain(proof) };
    }
  }
  throw new RuleError("schedule_document_malformed", { got: content instanceof Map ? [...content.keys()].join() : typeof content });
}

function checkOnce(certificate: Certificate): void {
  const known = proven.get(certificate);
  if (known === "proven") return;
  if (known !== undefined) throw known;
  try {
    checkCertificate(certificate);
    proven.set(certificate, "proven");
  } catch (error) {
    if (error instanceof RuleError) proven.set(certificate, error);
    throw error;
  }
}

function checkUncertified({ prices, gains }: Schedule, where: Where): void {
  if (!prices.length && !gains.length) return;
  throw new Diverged(UNCERTIFIED, "none", `${prices.length} prices, ${gains.length} gains`, where);
}

/** A day is settled by what members agreed for it; where they agreed on nothing, nothing is compared (protocol 7.6). */
function checkAgreed(
  documents: Documents,
  facts: Facts,
  { day, pack, digest }: { readonly day: number; readonly pack: RulePack; readonly digest: Hex },
): void {
  const values = new Map<Hex, bigint>();
  const packs = new Map<Hex, Hex>();
  for (const event of facts.events) {
    if (event.name === "ValueSet" && numberOf(event, "fromDay") <= day) values.set(hexOf(event, "name"), bigOf(event, "value"));
    if (event.name === "PackSet" && numberOf(event, "fromDay") <= day) packs.set(hexOf(event, "kind"), hexOf(event, "packHash"));
  }
  const agreedPack = (kind: string) => {
    const named = packs.get(nameOf(kind));
    return named === undefined || named === ZERO_DIGEST ? null : named;
  };
  const same = (rule: string, want: Hex | bigint | null | undefined, got: Hex | bigint | undefined) => {
    if (want !== null && want !== undefined) expect(rule, want, got, {});
  };
  same(AGREED_PACK, agreedPack("tariff"), documents.ruleHashes.get(digest));
  same(`${AGREED_VALUE} (fee_bp)`, values.get(nameOf("fee_bp")), pack.feeBp);
  same(`${AGREED_VALUE} (loss_ppm)`, values.get(nameOf("loss_ppm")), pack.lossPpm);
  const grouping = bindingGrouping(documents, day);
  same(AGREED_PACK, agreedPack("groups"), grouping ? documents.ruleHashes.get(grouping) : undefined);
}

/** The document of the grouping that binds a day: the last one anchored before it for it. */
function bindingGrouping({ groupings }: Documents, day: number): Hex | undefined {
  const inTime = groupings.filter(([place, { fromDay }]) => place.anchoredMs < dayStartMs(day) && fromDay <= day);
  return inTime.toSorted(([a, x], [b, y]) => x.fromDay - y.fromDay || a.entry - b.entry).at(-1)?.[0].digest;
}

/** How the charter names a value or a kind of rule pack. */
function nameOf(text: string): Hex {
  return toHex(keccak256(ascii(text)));
}

function checkRatings(problem: Problem, rated: ReadonlyMap<number, Station>, where: Where): void {
  for (const { station } of problem.sites) {
    const registered = rated.get(station.number);
    if (same(registered, station)) continue;
    throw new Diverged(RATING, fieldsText(registered), fieldsText(station), { ...where, station: station.number });
  }
}

/** A plan may know that a lease ends early; nothing else of it may differ. */
function checkLeases(problem: Problem, leased: ReadonlyMap<number, Lease>, where: Where): void {
  for (const { lease } of problem.shares) {
    const found = leased.get(lease.number);
    const known = found && lease.termSlots <= found.termSlots ? { ...found, termSlots: lease.termSlots } : undefined;
    if (known && same(known, lease)) continue;
    throw new Diverged(LEASE, fieldsText(found), fieldsText(lease), { ...where, station: lease.station });
  }
}

function checkTariffs(problem: Problem, pack: RulePack, groups: readonly BillingGroup[], where: Where): void {
  const tariff = tariffFor(pack, problem.day);
  const planned = new Map(problem.groups.map((one) => [one.group.number, one]));
  expect(`${TARIFF} (groups)`, sorted(groups.map(({ number }) => number)), sorted([...planned.keys()]), where);
  for (const group of groups) {
    const one = planned.get(group.number);
    if (one) checkTariff(one, group, [tariff.slots, groupTariff(group, tariff).slots], problem, where);
  }
}

/** A group of one PCC may be planned with the network price or without it: nothing passes inside it. */
function checkTariff(
  planned: GroupTariff,
  group: BillingGroup,
  allowed: readonly (readonly TariffSlot[])[],
  problem: Problem,
  where: Where,
): void {
  expect(`${TARIFF} (stations)`, sorted(group.stations), sorted(planned.group.stations), where);
  const slots = problem.sites[0]?.netLoadWh.length ?? 0;
  const spans = allowed.map((prices) => prices.slice(problem.firstSlot, problem.firstSlot + slots));
  const used = planned.tariff.slots;
  if (spans.some((span) => same(span, used))) return;
  const [first = []] = spans;
  const apart = used.findIndex((slot, k) => k < first.length && !same(slot, first[k]));
  const k = Math.max(0, apart);
  throw new Diverged(TARIFF, fieldsText(first[k]), fieldsText(used[k]), { ...where, slot: problem.firstSlot + k });
}

/** A value's fields as text, for a divergence. */
export function fieldsText(value: unknown): string {
  if (value === undefined || value === null) return "none";
  if (typeof value !== "object") return `${value as bigint | number | string}`;
  if (Array.isArray(value)) return `[${value.map(fieldsText).join(", ")}]`;
  return Object.entries(value).map(([name, inner]) => `${name}=${fieldsText(inner)}`).join(" ");
}

function sorted(numbers: readonly number[]): string {
  return `[${numbers.toSorted((a, b) => a - b).join(", ")}]`;
}

function remembered<T>(held: WeakMap<Uint8Array, T>, block: Uint8Array, make: () => T): T {
  const known = held.get(block) ?? make();
  held.set(block, known);
  return known;
}
