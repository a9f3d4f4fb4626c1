/** Rule packs and groupings: the prices and billing groups that an anchored document sets for a day, as data (protocol 8.3, 8.2.3). */

import { type Plain } from "../cbor.ts";
import { dayOf, dayText, SLOTS_A_DAY } from "../calendar.ts";
import { RuleError } from "../error.ts";
import { Fields, isList, plainText } from "../fields.ts";
import type { BillingGroup } from "../values.ts";
import { mulDiv } from "./money.ts";
import { dayNumber, listOf, record } from "./plain.ts";
import { readGroup, type Tariff, type TariffSlot } from "./schedule.ts";

const VERSION = 1;
const PPM = 1_000_000n;
const MOST_PRICE = 10n ** 9n;
const HOUR_CLASSES = ["critical", "peak", "flat", "valley", "deep_valley"] as const;
const BLANK = /^[\t-\r\x1c-\x20\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]*$/;

/** The months in which an allocation of the day's hours holds, and the hour class of each of the 96 slots. */
export interface Season {
  readonly months: readonly number[];
  readonly classes: readonly string[];
}

/** A region's rules for one tariff class; prices in cents/MWh, days since 1970, `effectiveTo` the last day in force. */
export interface RulePack {
  readonly name: string;
  readonly effectiveFrom: number;
  readonly effectiveTo: number | null;
  readonly basePrice: bigint;
  readonly adderPrice: bigint;
  readonly sellPrice: bigint;
  readonly wheelingPrice: bigint;
  readonly lossPpm: bigint;
  readonly feeBp: bigint;
  readonly floatsPpm: ReadonlyMap<string, bigint>;
  readonly seasons: readonly Season[];
}

/** The billing groups from a day on, until a later grouping takes their place. */
export interface Grouping {
  readonly fromDay: number;
  readonly groups: readonly BillingGroup[];
}

export type RuleDocument =
  | { readonly kind: "tariff"; readonly pack: RulePack }
  | { readonly kind: "groups"; readonly grouping: Grouping };

/** Read what a rule pack entry's document holds. Throws RuleError rule_document_unknown, pack_malformed, pack_version_unknown, plain_wrong or grouping_malformed. */
export function ruleDocument(content: Plain): RuleDocument {
  if (content instanceof Map && content.size === 2) {
    const [pack, grouping]: (Plain | undefined)[] = [content.get("pack"), content.get("grouping")];
    if (content.get("kind") === "tariff" && pack !== undefined) return { kind: "tariff", pack: rulePack(pack) };
    if (content.get("kind") === "groups" && grouping !== undefined) {
      return { kind: "groups", grouping: checked(readGrouping(grouping, "grouping")) };
    }
  }
  const kind: Plain = content instanceof Map ? (content.get("kind") ?? null) : plainText(content);
  throw new RuleError("rule_document_unknown", { kind: plainText(kind) });
}

/** Whether a pack covers a day. */
export function inForce(pack: RulePack, day: number): boolean {
  return pack.effectiveFrom <= day && (pack.effectiveTo === null || day <= pack.effectiveTo);
}

/** The 96 slots of a day that the pack covers. Throws RuleError pack_not_in_force. */
export function tariffFor(pack: RulePack, day: number): Tariff {
  if (!inForce(pack, day)) {
    const [from, to] = [dayText(pack.effectiveFrom), pack.effectiveTo === null ? "open" : dayText(pack.effectiveTo)];
    throw new RuleError("pack_not_in_force", { pack: pack.name, day: dayText(day), effective_from: from, effective_to: to });
  }
  return { pack: pack.name, slots: monthSlots(pack, new Date(day * 86_400_000).getUTCMonth() + 1) };
}

/** The 96 slots of any day of a month, 1…12. */
export function monthSlots(pack: RulePack, month: number): readonly TariffSlot[] {
  const season = pack.seasons.find(({ months }) => months.includes(month));
  return (season?.classes ?? []).map((hourClass) => slotPrices(pack, hourClass));
}

function slotPrices(pack: RulePack, hourClass: string): TariffSlot {
  const buyPrice = mulDiv(pack.basePrice, PPM + (pack.floatsPpm.get(hourClass) ?? 0n), PPM) + pack.adderPrice;
  const networkPrice = pack.wheelingPrice + mulDiv(buyPrice, pack.lossPpm, PPM);
  return { buyPrice, sellPrice: pack.sellPrice, networkPrice };
}

const readGrouping = record<Grouping>({ fromDay: dayNumber, groups: listOf(readGroup) });

/** The grouping, if its groups can be numbered in a leaf and none is empty. */
function checked(grouping: Grouping): Grouping {
  let last = 0;
  for (const { number, stations } of grouping.groups) {
    if (number <= last || number >= 2 ** 32 || stations.length === 0) {
      throw new RuleError("grouping_malformed", { group: number, stations: stations.length });
    }
    last = number;
  }
  return grouping;
}

// Rule packs

function rulePack(plain: Plain): RulePack {
  return asPackErrors(() => {
    const top = new Fields(plain, "");
    const version = top.any("v");
    if (version !== VERSION) throw new RuleError("pack_version_unknown", { version: plainText(version), known: VERSION });
    const floatsPpm = floats(top.map("floats_ppm"));
    for (const name of ["jurisdiction", "tariff_class", "doc_no", "source"]) filled(top, name);
    const pack = {
      name: filled(top, "name"),
      effectiveFrom: dayIn(top, "effective_from"),
      effectiveTo: top.optional("effective_to") ? dayIn(top, "effective_to") : null,
      basePrice: parameter(top.map("base_price"), 0n, MOST_PRICE),
      adderPrice: parameter(top.map("adder_price"), -MOST_PRICE, MOST_PRICE),
      sellPrice: parameter(top.map("sell_price"), -MOST_PRICE, MOST_PRICE),
      wheelingPrice: parameter(top.map("wheeling_price"), 0n, MOST_PRICE),
      lossPpm: parameter(top.map("loss_ppm"), 0n, PPM),
      feeBp: parameter(top.map("fee_bp"), 0n, 10_000n),
      floatsPpm,
      seasons: seasons(top.list("seasons"), floatsPpm),
    };
    top.finish();
    if (pack.effectiveTo !== null && pack.effectiveTo < pack.effectiveFrom) {
      throw bad("effective_to", dayText(pack.effectiveTo), `not before ${dayText(pack.effectiveFrom)}`);
    }
    return pack;
  });
}

/** A pack's fields are refused under the pack's own name of error. */
function asPackErrors<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof RuleError) || error.code !== "plain_malformed") throw error;
    const { where, field, want, got } = error.facts;
    throw bad([where, field].filter((part) => part !== "").join("."), `${got}`, `${want}`);
  }
}

const bad = (field: string, value: string, limit: string): RuleError =>
  new RuleError("pack_malformed", { field, value, limit });

function filled(fields: Fields, name: string): string {
  const value = fields.str(name);
  if (BLANK.test(value)) throw bad(name, value, "a text that is not empty");
  return value;
}

function dayIn(fields: Fields, name: string): number {
  const value = filled(fields, name);
  try {
    return dayOf(value);
  } catch {
    throw bad(name, value, "YYYY-MM-DD up to 9999-12-31");
  }
}

function parameter(found: Fields, low: bigint, high: bigint): bigint {
  const value = found.int("value", low, high);
  found.bool("verified");
  filled(found, "source");
  found.finish();
  return value;
}

function floats(found: Fields): ReadonlyMap<string, bigint> {
  const given = HOUR_CLASSES.filter((hourClass) => found.has(hourClass));
  const values = new Map(given.map((hourClass) => [hourClass, parameter(found.map(hourClass), -PPM, 10n * PPM)]));
  found.finish();
  return values;
}

function seasons(items: readonly Plain[], classes: ReadonlyMap<string, bigint>): readonly Season[] {
  if (items.length === 0) throw bad("seasons", "[]", "a list that is not empty");
  const found = items.map((item, at) => season(new Fields(item, `seasons[${at}]`), classes));
  for (let month = 1; month <= 12; month += 1) {
    const holding = found.filter(({ months }) => months.includes(month)).length;
    if (holding !== 1) throw bad("seasons", `month ${month} in ${holding} seasons`, "exactly one");
  }
  return found;
}

function season(found: Fields, classes: ReadonlyMap<string, bigint>): Season {
  const months = found.list("months");
  if (months.length === 0) throw bad("months", "[]", "a list that is not empty");
  const numbers = months.filter((month): month is number => typeof month === "number" && month >= 1 && month <= 12);
  if (numbers.length !== months.length || new Set(numbers).size !== numbers.length) {
    throw bad("months", months.map(plainText).join(), "each month 1…12 once");
  }
  filled(found, "name");
  const allocated = allocation(found.map("hours"), classes);
  found.finish();
  return { months: numbers, classes: allocated };
}

/** The class of each slot, from ranges such as "22:00-02:00" that together cover the day once. */
function allocation(hours: Fields, classes: ReadonlyMap<string, bigint>): readonly string[] {
  const slots = new Map<number, string>();
  for (const hourClass of classes.keys()) {
    if (!hours.has(hourClass)) continue;
    const ranges = hours.list(hourClass);
    if (ranges.length === 0) throw bad(hourClass, "[]", "a list that is not empty");
    for (const range of ranges) allocate(slots, range, hourClass);
  }
  hours.finish();
  return Array.from({ length: SLOTS_A_DAY }, (_, slot) => {
    const hourClass = slots.get(slot);
    if (hourClass === undefined) throw bad("hours", `nothing in slot ${slot}`, "the whole day");
    return hourClass;
  });
}

function allocate(slots: Map<number, string>, range: Plain, hourClass: string): void {
  const [first, end] = rangeSlots(range);
  for (let at = first; at < (end > first ? end : end + SLOTS_A_DAY); at += 1) {
    const slot = at % SLOTS_A_DAY;
    if (slots.has(slot)) throw bad(hourClass, `slot ${slot} twice`, "each slot once");
    slots.set(slot, hourClass);
  }
}

function rangeSlots(range: Plain): readonly [number, number] {
  const found = typeof range === "string" ? /^(\d\d):(\d\d)-(\d\d):(\d\d)$/.exec(range) : null;
  const [first, end] = [slotAt(found?.[1], found?.[2]), slotAt(found?.[3], found?.[4])];
  if (first === null || end === null || first === SLOTS_A_DAY || first === end) {
    throw bad("hours", isList(range) ? "list" : plainText(range), "HH:MM-HH:MM in steps of 15 minutes, the start below 24:00");
  }
  return [first, end];
}

function slotAt(hours = "99", minutes = "99"): number | null {
  const total = Number(hours) * 60 + Number(minutes);
  return Number(minutes) < 60 && total % 15 === 0 && total <= 24 * 60 ? total / 15 : null;
}
