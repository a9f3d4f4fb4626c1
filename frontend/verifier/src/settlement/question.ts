/** What the agreement of the two implementations is asked by: a question in CBOR, answered by these rules in plain JSON. */

import { concat, sha256, toHex } from "../bytes.ts";
import type { Plain } from "../cbor.ts";
import { RuleError } from "../error.ts";
import { Fields, isList } from "../fields.ts";
import type { Channel, EarlyEnd, Hex, Lease, Place, Reading } from "../values.ts";
import { certificateFromPlain, checkCertificate } from "./certificate.ts";
import { closingDays, type DayUse } from "./closing.ts";
import { type DayFacts, dayUse, type Meter, type Placed, settlementInputs } from "./day.ts";
import { largestRemainder, mulDiv } from "./money.ts";
import { bytes, identifier, integer, listOf, pair, type Read, record, row } from "./plain.ts";
import type { Bracketed } from "./quantity.ts";
import { ruleRows, rowsRoot, scheduleRows } from "./rows.ts";
import { ruleDocument, type RuleDocument } from "./rules.ts";
import { readLease, readStation, type Schedule, scheduleFromPlain } from "./schedule.ts";
import { applyCorrection, correct, settle } from "./settle.ts";
import { accountName, accountsOf, leafCount, type Statement, statementFromPlain } from "./statement.ts";
import { leavesOf, statementRoot } from "./tree.ts";

/** An answer as JSON: what came out, or the rule's refusal with the place that it names. */
export type Answer = Readonly<Record<string, unknown>>;

/** Answer a question; anything but a rule's refusal is a fault of these rules and is thrown. */
export function answer(question: Plain): Answer {
  try {
    const fields = new Fields(question, "question");
    return answers[fields.choice("ask", ASKED)](fields);
  } catch (error) {
    if (!(error instanceof RuleError)) throw error;
    return refusal(error);
  }
}

const ASKED = ["day", "certificate", "schedule", "rule", "statement", "mulDiv", "split"] as const;

const answers: Readonly<Record<(typeof ASKED)[number], (fields: Fields) => Answer>> = {
  day: (fields) => ({ versions: versions(fields) }),
  certificate: (fields) => {
    checkCertificate(certificateFromPlain(fields.any("document")));
    return { proved: true };
  },
  schedule: (fields) => {
    const rows = scheduleRows(scheduleFromPlain(fields.any("document")), fields.bytes("salt", 32));
    return { rows: rows.length, root: rowsRoot(rows) };
  },
  rule: (fields) => {
    const rows = ruleRows(ruleDocument(fields.any("document")));
    return { rows: rows.length, root: rowsRoot(rows) };
  },
  statement: (fields) => {
    const statement = statementFromPlain(fields.any("document"));
    return shown(statement, statementRoot(statement));
  },
  mulDiv: (fields) => ({ cents: `${mulDiv(signed(fields, "a"), signed(fields, "b"), signed(fields, "c"))}` }),
  split: (fields) => {
    const weights = listOf(pair(identifier, integer))(fields.any("weights"), "weights");
    const parts = largestRemainder(signed(fields, "total"), new Map(weights));
    return { parts: [...parts].map(([key, part]) => [key, `${part}`]) };
  },
};

const signed = (fields: Fields, name: string): bigint => fields.int(name, -(1n << 63n));

function refusal({ code, facts }: RuleError): Answer {
  const place = (name: string): number | null => (typeof facts[name] === "number" ? facts[name] : null);
  return { error: code, station: place("station") || null, slot: place("slot") };
}

/** The day's statement, and each correction after a later view, as far as the rules let them come. */
function versions(fields: Fields): readonly Answer[] {
  const digest = fields.bool("tree") ? statementRoot : leavesDigest;
  const facts = factsIn(fields);
  const found: Answer[] = [];
  let [whole, root]: [Statement | null, Hex | null] = [null, null];
  try {
    for (const seen of [facts, ...laterIn(fields, facts)]) {
      const settled = settle(settlementInputs(seen));
      const posted: Statement = whole === null || root === null ? settled : correct(whole, settled, root);
      root = digest(posted);
      whole = whole === null ? posted : applyCorrection(whole, posted);
      found.push(shown(posted, root));
    }
  } catch (error) {
    if (!(error instanceof RuleError)) throw error;
    found.push(refusal(error));
  }
  return found;
}

/** SHA-256 over the leaves' bodies in order: says of the leaves what the root says, without the cost of its tree. */
const leavesDigest = (statement: Statement): Hex => toHex(sha256(concat(...leavesOf(statement).map(({ body }) => body))));

function shown(statement: Statement, root: Hex): Answer {
  const names = accountsOf(statement.heading.roster).map(accountName);
  const balances = names.map((name, at) => [name, `${statement.balances[at]}`]);
  return { root, leaves: leafCount(statement), balances };
}

// Facts

interface PlainMeter {
  readonly channel: Channel;
  readonly disputed: readonly bigint[];
  readonly readings: readonly Bracketed[];
}

const readChannel = record<Channel>({
  device: bytes,
  channel: identifier,
  kind: identifier,
  station: identifier,
  fromMs: integer,
  toMs: integer,
});

interface ReadingRow {
  readonly flags: number;
  readonly seq: bigint;
  readonly tMs: bigint;
  readonly c: bigint;
  readonly d: bigint;
  readonly earliestMs: bigint;
  readonly latestMs: bigint;
}

const readReadingRow = row<ReadingRow>({
  flags: identifier,
  seq: integer,
  tMs: integer,
  c: integer,
  d: integer,
  earliestMs: integer,
  latestMs: integer,
});

const bracketed: Read<Bracketed> = (plain, where) => {
  const { earliestMs, latestMs, ...numbers } = readReadingRow(plain, where);
  const reading: Reading = { ...numbers, channel: 1, a: 0, b: 0, salt: new Uint8Array(16) };
  return { reading, bracket: { earliestMs, latestMs } };
};

const readMeters = listOf<Meter>((plain, where) => {
  const read = record<PlainMeter>({ channel: readChannel, disputed: listOf(integer), readings: listOf(bracketed) });
  const { channel, disputed, readings } = read(plain, where);
  return { channel, readings, disputed: new Set(disputed) };
});

/** A document as [digest, entry, anchoredMs, content]. */
function placed<T>(read: (content: Plain) => T): Read<Placed<T>> {
  return (plain, where) => {
    const [digest, entry, anchoredMs, content] = isList(plain) ? plain : [];
    const place: Place = {
      digest: bytes(digest ?? null, where),
      entry: identifier(entry ?? null, where),
      anchoredMs: integer(anchoredMs ?? null, where),
    };
    return [place, read(content ?? null)];
  };
}

const readSchedules = listOf(placed(scheduleFromPlain));
const readRules = listOf(placed<RuleDocument>(ruleDocument));

interface EndRow {
  readonly lease: number;
  readonly endSlot: bigint;
  readonly by: number;
  readonly priceCents: bigint;
}

const readEndRow = row<EndRow>({ lease: identifier, endSlot: integer, by: identifier, priceCents: integer });

const readEnds = listOf<readonly [number, EarlyEnd]>((plain, where) => {
  const { lease, endSlot, by, priceCents } = readEndRow(plain, where);
  return [lease, { endSlot, by: by || null, priceCents }];
});

interface DayOfUse {
  readonly day: number;
  readonly schedules: readonly Placed<Schedule>[];
  readonly batteries: readonly Meter[];
}

const readUses = listOf(record<DayOfUse>({ day: identifier, schedules: readSchedules, batteries: readMeters }));

function factsIn(fields: Fields): DayFacts {
  const rules = readRules(fields.any("rules"), "rules");
  const day = fields.small("day");
  const leases = listOf(readLease)(fields.any("leases"), "leases");
  const earlyEnds = new Map(readEnds(fields.any("earlyEnds"), "earlyEnds"));
  return {
    alliance: fields.hex("alliance", 32),
    day,
    roster: listOf(identifier)(fields.any("roster"), "roster"),
    stations: listOf(readStation)(fields.any("stations"), "stations"),
    leases,
    earlyEnds,
    schedules: readSchedules(fields.any("schedules"), "schedules"),
    packs: rules.flatMap(([place, rule]) => (rule.kind === "tariff" ? [[place, rule.pack] as const] : [])),
    groupings: rules.flatMap(([place, rule]) => (rule.kind === "groups" ? [[place, rule.grouping] as const] : [])),
    meters: readMeters(fields.any("meters"), "meters"),
    logSize: fields.small("logSize"),
    uses: usesIn(fields, day, leases, earlyEnds),
    given: new Map(),
  };
}

function usesIn(
  fields: Fields, day: number, leases: readonly Lease[], earlyEnds: ReadonlyMap<number, EarlyEnd>,
): ReadonlyMap<number, DayUse> {
  const needed = closingDays(leases, earlyEnds, day);
  const given = readUses(fields.any("uses"), "uses").filter((use) => needed.has(use.day));
  return new Map(
    given.map(({ day: used, ...facts }) => [used, dayUse(used, { ...facts, leases, deliveries: needed.get(used) ?? false })]),
  );
}

/** The same day seen later, with other meters' readings and a longer log. */
function laterIn(fields: Fields, facts: DayFacts): readonly DayFacts[] {
  return fields.list("later").map((plain) => {
    const later = new Fields(plain, "later");
    return { ...facts, meters: readMeters(later.any("meters"), "meters"), logSize: later.small("logSize") };
  });
}
