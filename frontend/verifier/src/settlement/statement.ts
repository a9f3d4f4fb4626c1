/** A day's statement: its leaves, their identities, their order, and how an archived one is read (protocol 8.9.1, 8.9.2). */

import { bigEndian, bytesOf, concat, sha256, toHex } from "../bytes.ts";
import type { Plain } from "../cbor.ts";
import { DAY_SLOT, SLOTS_A_DAY } from "../calendar.ts";
import { RuleError } from "../error.ts";
import { Fields, isList, malformed, plainText } from "../fields.ts";
import type { BillingGroup, Hex } from "../values.ts";
import { ZERO_DIGEST } from "../values.ts";

/** Accounts beside the members' numbers; ascending codes are the order in which balances are posted. */
export const PLATFORM = 0xfffffffd;
export const GRID = 0xfffffffe;
export const POOL = 0xffffffff;

/** What a line pays for; part of its identity and of its order (protocol 8.6). */
export const LineKind = {
  ENERGY_PLAN: 1,
  ENERGY_DEVIATION: 2,
  NETWORK_PLAN: 3,
  NETWORK_DEVIATION: 4,
  LEASE_ENERGY: 5,
  LEASE_NETWORK: 6,
  LEASE_RENT: 7,
  LEASE_WEAR: 8,
  GRID_ENERGY: 9,
  GRID_NETWORK: 10,
  POOL_SHARE: 11,
  PLATFORM_FEE: 12,
  LEASE_SLA: 13,
  LEASE_HANDOVER: 14,
  LEASE_END: 15,
} as const;

/** How a slot's energy is known (protocol 8.8). */
export const Status = { METERED: 1, ESTIMATED: 2, ASSUMED: 3, FILED: 4 } as const;

/** What kind of leaf or fact a line was computed from (protocol 8.3, 8.9.4). */
export const InputKind = {
  SCHEDULE_ROW: 1,
  PRICE_ROW: 2,
  GAIN: 3,
  TARIFF_ROW: 4,
  LEASE: 5,
  FEE: 6,
  QUANTITY: 7,
  SLOT_TOTAL: 8,
  WEIGHTS: 9,
  POOL_BALANCE: 10,
  AVAILABILITY: 11,
  LEASE_ACCOUNT: 12,
  EARLY_END: 13,
} as const;

/** The reading that stands for a boundary; `boundary` is the absolute slot that begins there. */
export interface Edge {
  readonly device: Hex;
  readonly channel: number;
  readonly seq: bigint;
  readonly boundary: bigint;
}

/** A station's energy at its PCC in a slot, Wh, export positive; both edges or neither. */
export interface Quantity {
  readonly station: number;
  readonly slot: number;
  readonly netWh: bigint;
  readonly status: number;
  readonly edgeFrom: Edge | null;
  readonly edgeTo: Edge | null;
  readonly disputed: boolean;
  readonly document: Hex;
}

/** Running sums of a group's slot after one more station, Wh, both positive (protocol 8.4.6). */
export interface SlotTotal {
  readonly slot: number;
  readonly group: number;
  readonly position: number;
  readonly count: number;
  readonly station: number;
  readonly importsWh: bigint;
  readonly exportsWh: bigint;
}

/** One transfer: `account` receives `amountCents` from `counterparty`; negative: it pays. */
export interface Line {
  readonly slot: number;
  readonly kind: number;
  readonly account: number;
  readonly counterparty: number;
  readonly subject: number;
  readonly group: number;
  readonly quantityWh: bigint;
  readonly priceCentsPerMwh: bigint;
  readonly amountCents: bigint;
  readonly evidence: Hex;
}

/** One side of a line in an account's book; the pool keeps a book a group, `group` is 0 in all other accounts. */
export interface Entry {
  readonly account: number;
  readonly group: number;
  readonly index: number;
  readonly line: number;
  readonly amountCents: bigint;
  readonly balanceCents: bigint;
}

/** By what the pool of a group is shared: each member's Σ|net_wh| over the day, ascending by member. */
export interface Weights {
  readonly group: number;
  readonly weightsWh: readonly (readonly [number, bigint])[];
}

/** What a statement is about and what it was computed from. */
export interface Heading {
  readonly alliance: Hex;
  readonly day: number;
  readonly version: number;
  readonly previous: Hex;
  readonly deltas: boolean;
  readonly roster: readonly number[];
  readonly groups: readonly BillingGroup[];
  readonly schedules: readonly Hex[];
  readonly packs: readonly Hex[];
  readonly logSize: number;
}

/** All leaves of a day, in order, and each account's last balance: members in roster order, platform, grid, pool. */
export interface Statement {
  readonly heading: Heading;
  readonly quantities: readonly Quantity[];
  readonly slotTotals: readonly SlotTotal[];
  readonly lines: readonly Line[];
  readonly entries: readonly Entry[];
  readonly weights: readonly Weights[];
  readonly balances: readonly bigint[];
}

/** The leaves that are not derived from others. */
export type Leaves = Pick<Statement, "quantities" | "slotTotals" | "lines" | "weights">;

const LABELS = new Map<number, string>(Object.entries(LineKind).map(([name, code]) => [code, name.toLowerCase()]));
const NAMES = new Map([[PLATFORM, "platform"], [GRID, "grid"], [POOL, "pool"]]);

/** The name of a kind of line in the protocol, e.g. `energy_plan`. */
export const lineLabel = (kind: number): string => LABELS.get(kind) ?? `kind ${kind}`;

/** `member:<n>`, `platform`, `grid` or `pool`. */
export const accountName = (account: number): string => NAMES.get(account) ?? `member:${account}`;

/** A roster's accounts in the order in which their balances are posted. */
export const accountsOf = (roster: readonly number[]): readonly number[] => [...roster, PLATFORM, GRID, POOL];

/** The identifier of one input: kind u8 ‖ digest 32 B ‖ a u32 ‖ b u32. */
export function inputId(kind: number, { digest = ZERO_DIGEST, a = 0, b = 0 }: InputPlace = {}): Uint8Array {
  return concat(Uint8Array.of(kind), bytesOf(digest), bigEndian(a, 4), bigEndian(b, 4));
}

export interface InputPlace {
  readonly digest?: Hex;
  readonly a?: number;
  readonly b?: number;
}

/** SHA-256 over the ordered inputs' identifiers. */
export const evidenceOf = (...inputs: readonly Uint8Array[]): Hex => toHex(sha256(...inputs));

/** Leaves in their order with the lines booked: the same statement whatever order they come in. */
export function assemble(heading: Heading, leaves: Leaves): Statement {
  const lines = inOrder(leaves.lines);
  return {
    heading,
    quantities: [...leaves.quantities].sort((a, b) => a.slot - b.slot || a.station - b.station),
    slotTotals: [...leaves.slotTotals].sort((a, b) => a.slot - b.slot || a.group - b.group || a.position - b.position),
    lines,
    entries: booked(lines),
    weights: [...leaves.weights].sort((a, b) => a.group - b.group),
    balances: balances(lines, heading.roster),
  };
}

/** What two lines of a day never share. */
export const lineIdentity = (line: Line): string => identity(line).join(" ");

/** How many leaves the statement's tree has. */
export function leafCount(statement: Statement): number {
  const { quantities, slotTotals, lines, entries, weights } = statement;
  return quantities.length + slotTotals.length + lines.length + entries.length + weights.length;
}

/** Read an archived statement strictly. Throws RuleError plain_malformed. */
export function statementFromPlain(plain: Plain): Statement {
  const fields = new Fields(plain, KIND);
  fields.small("v", 1, 1);
  fields.choice("kind", [KIND]);
  const heading = headingIn(fields);
  const statement = {
    heading,
    quantities: rowsIn(fields, "quantities", quantityIn),
    slotTotals: rowsIn(fields, "slotTotals", slotTotalIn),
    lines: rowsIn(fields, "lines", lineIn),
    entries: rowsIn(fields, "entries", entryIn),
    weights: rowsIn(fields, "weights", weightsIn),
    balances: balancesIn(fields, heading.roster.length + 3),
  };
  fields.finish();
  return statement;
}

const identity = (x: Line): readonly number[] => [x.slot, x.kind, x.account, x.counterparty, x.subject];

function compareLines(a: Line, b: Line): number {
  const other = identity(b);
  return identity(a).map((value, at) => value - (other[at] ?? 0)).find((difference) => difference !== 0) ?? 0;
}

function inOrder(lines: readonly Line[]): readonly Line[] {
  const ordered = [...lines].sort(compareLines);
  ordered.forEach((line, index) => {
    const before = ordered[index - 1];
    if (before !== undefined && compareLines(before, line) === 0) {
      const got = `(${identity(line).join(", ")})`;
      throw new RuleError("leaf_contradicts", { kind: "line", index, want: "another identity", got });
    }
  });
  return ordered;
}

/** Two entries a line, each book with its running balance; books ascend by account and group. */
function booked(lines: readonly Line[]): readonly Entry[] {
  const books = new Map<string, Entry[]>();
  lines.forEach((line, position) => {
    for (const [account, amountCents] of [[line.account, line.amountCents], [line.counterparty, -line.amountCents]] as const) {
      const group = account === POOL ? line.group : 0;
      const key = `${account} ${group}`;
      const book = books.get(key) ?? [];
      const balanceCents = (book.at(-1)?.balanceCents ?? 0n) + amountCents;
      book.push({ account, group, index: book.length, line: position, amountCents, balanceCents });
      books.set(key, book);
    }
  });
  return [...books.values()].sort(([a], [b]) => bookOrder(a, b)).flat();
}

const bookOrder = (a: Entry | undefined, b: Entry | undefined): number =>
  (a?.account ?? 0) - (b?.account ?? 0) || (a?.group ?? 0) - (b?.group ?? 0);

function balances(lines: readonly Line[], roster: readonly number[]): readonly bigint[] {
  const sums = new Map(accountsOf(roster).map((account) => [account, 0n]));
  for (const line of lines) {
    for (const [account, cents] of [[line.account, line.amountCents], [line.counterparty, -line.amountCents]] as const) {
      const before = sums.get(account);
      if (before === undefined) throw new RuleError("account_unknown", { account: accountName(account) });
      sums.set(account, before + cents);
    }
  }
  return [...sums.values()];
}

// Reading

const KIND = "statement";
const U16 = 0xffff;
const U32 = 0xffffffff;
const LAST_DAY = 2_932_896;
const MOST_MEMBER = POOL - 3;
const INT64_MAX = (1n << 63n) - 1n;

/** One leaf's list, read value by value; names the leaf and the field of what is wrong. */
class Row {
  private at = 0;

  constructor(
    readonly values: readonly Plain[],
    readonly where: string,
  ) {}

  small(field: string, low = 0, high = U32): number {
    const value = this.take(field);
    if (typeof value !== "number" || value < low || value > high) throw this.wrong(field, `integer ${low}…${high}`, value);
    return value;
  }

  big(field: string, low = -INT64_MAX - 1n): bigint {
    const value = this.take(field);
    const number = typeof value === "number" || typeof value === "bigint" ? BigInt(value) : null;
    if (number === null || number < low || number > INT64_MAX) throw this.wrong(field, `integer ${low}…${INT64_MAX}`, value);
    return number;
  }

  flag(field: string): boolean {
    const value = this.take(field);
    if (typeof value !== "boolean") throw this.wrong(field, "true or false", value);
    return value;
  }

  hex(field: string, size: number): Hex {
    const value = this.take(field);
    if (!(value instanceof Uint8Array) || value.length !== size) throw this.wrong(field, `${size} bytes`, value);
    return toHex(value);
  }

  row(field: string): Row {
    return rowOf(this.take(field), `${this.where}.${field}`);
  }

  /** The lists in this list. */
  each<T>(read: (row: Row) => T): readonly T[] {
    return this.values.map((value, at) => whole(value, `${this.where}[${at}]`, read));
  }

  /** The values of this list; `read` takes the next one. */
  all<T>(read: (field: string) => T): readonly T[] {
    return this.values.map((_, at) => read(`${at}`));
  }

  take(field: string): Plain {
    const value = this.values[this.at];
    if (value === undefined) throw malformed(this.where, field, "a value", "nothing");
    this.at += 1;
    return value;
  }

  finish(): void {
    if (this.at !== this.values.length) throw this.wrong("", `${this.at} values`, this.values.length);
  }

  wrong(field: string, want: string, got: Plain): RuleError {
    return malformed(this.where, field, want, plainText(got));
  }
}

function rowOf(value: Plain, where: string): Row {
  if (!isList(value)) throw malformed(where, "", "list", plainText(value));
  return new Row(value, where);
}

function whole<T>(value: Plain, where: string, read: (row: Row) => T): T {
  const row = rowOf(value, where);
  const result = read(row);
  row.finish();
  return result;
}

const listIn = (fields: Fields, name: string): Row => new Row(fields.list(name), `${KIND}.${name}`);

const rowsIn = <T>(fields: Fields, name: string, read: (row: Row) => T): readonly T[] => listIn(fields, name).each(read);

function headingIn(fields: Fields): Heading {
  const [roster, schedules, packs] = [listIn(fields, "roster"), listIn(fields, "schedules"), listIn(fields, "packs")];
  return {
    alliance: fields.hex("alliance", 32),
    day: fields.small("day", 0, LAST_DAY),
    version: fields.small("version", 1, U16),
    previous: fields.hex("previous", 32),
    deltas: fields.bool("deltas"),
    roster: roster.all((at) => roster.small(at, 1, MOST_MEMBER)),
    groups: rowsIn(fields, "groups", groupIn),
    schedules: schedules.all((at) => schedules.hex(at, 32)),
    packs: packs.all((at) => packs.hex(at, 32)),
    logSize: Number(fields.int("logSize")),
  };
}

function balancesIn(fields: Fields, accounts: number): readonly bigint[] {
  const row = listIn(fields, "balances");
  if (row.values.length !== accounts) throw row.wrong("", `${accounts} balances`, row.values.length);
  return row.all((at) => row.big(at));
}

function groupIn(row: Row): BillingGroup {
  const [number, stations] = [row.small("number", 1), row.row("stations")];
  return { number, stations: stations.all((at) => stations.small(at, 1)) };
}

function quantityIn(row: Row): Quantity {
  const quantity = {
    station: row.small("station", 1),
    slot: row.small("slot", 0, SLOTS_A_DAY - 1),
    netWh: row.big("netWh"),
    status: row.small("status", Status.METERED, Status.FILED),
    edgeFrom: edgeIn(row, "edgeFrom"),
    edgeTo: edgeIn(row, "edgeTo"),
    disputed: row.flag("disputed"),
    document: row.hex("document", 32),
  };
  if (!followOn(quantity.edgeFrom, quantity.edgeTo)) {
    throw row.wrong("edgeTo", "a later edge of the same device and channel, or none at both", null);
  }
  return quantity;
}

function followOn(from: Edge | null, to: Edge | null): boolean {
  if (from === null || to === null) return from === to;
  const sameSeries = from.device === to.device && from.channel === to.channel;
  return sameSeries && from.boundary < to.boundary && from.seq < to.seq;
}

function edgeIn(row: Row, field: string): Edge | null {
  const value = row.take(field);
  return value === null ? null : whole(value, `${row.where}.${field}`, edgeOf);
}

const edgeOf = (row: Row): Edge => ({
  device: row.hex("device", 20),
  channel: row.small("channel", 0, U16),
  seq: row.big("seq", 0n),
  boundary: BigInt(row.small("boundary")),
});

const slotTotalIn = (row: Row): SlotTotal => ({
  slot: row.small("slot", 0, SLOTS_A_DAY - 1),
  group: row.small("group", 1),
  position: row.small("position"),
  count: row.small("count", 1),
  station: row.small("station", 1),
  importsWh: row.big("importsWh", 0n),
  exportsWh: row.big("exportsWh", 0n),
});

const lineIn = (row: Row): Line => ({
  slot: row.small("slot", 0, DAY_SLOT),
  kind: row.small("kind", LineKind.ENERGY_PLAN, LineKind.LEASE_END),
  account: row.small("account", 1),
  counterparty: row.small("counterparty", 1),
  subject: row.small("subject"),
  group: row.small("group"),
  quantityWh: row.big("quantityWh"),
  priceCentsPerMwh: row.big("priceCentsPerMwh"),
  amountCents: row.big("amountCents"),
  evidence: row.hex("evidence", 32),
});

const entryIn = (row: Row): Entry => ({
  account: row.small("account", 1),
  group: row.small("group"),
  index: row.small("index"),
  line: row.small("line"),
  amountCents: row.big("amountCents"),
  balanceCents: row.big("balanceCents"),
});

function weightsIn(row: Row): Weights {
  const [group, members] = [row.small("group", 1), row.row("weightsWh")];
  return { group, weightsWh: members.each((member) => [member.small("member", 1, MOST_MEMBER), member.big("weightWh", 0n)]) };
}
