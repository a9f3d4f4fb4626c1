/**
 * The rows of a schedule or rule pack, whose root an entry of type 7 logs (protocol 4.2): big-endian leaves under an RFC 9162
 * tree; those of a schedule end with a salt that the document's own gives, so that siblings cannot be guessed.
 */

import { hmac } from "@noble/hashes/hmac";
import { sha256 } from "@noble/hashes/sha2";
import { bigEndian, bytesOf, concat, toHex } from "../bytes.ts";
import { RuleError } from "../error.ts";
import { leafHash, rootOf } from "../format/merkle.ts";
import type { Hex } from "../values.ts";
import { type Grouping, monthSlots, type RuleDocument, type RulePack } from "./rules.ts";
import { DAY_AHEAD, GRID_ORDER, INTRADAY, type Schedule } from "./schedule.ts";

const SALT_BYTES = 16;
const OPEN_END = 0xffffffff;
const KINDS = { [DAY_AHEAD]: 1, [INTRADAY]: 2, [GRID_ORDER]: 3 } as const;

/** The root over a document's rows. */
export const rowsRoot = (rows: readonly Uint8Array[]): Hex => toHex(rootOf(rows.map(leafHash)));

/** A schedule's rows: its head, its plans, its prices by PCC, its gains. Throws RuleError row_beyond_width. */
export function scheduleRows(schedule: Schedule, salt: Uint8Array): readonly Uint8Array[] {
  const { day, rows, prices, gains } = schedule;
  const priced = prices.flatMap(({ adders, ...price }) => adders.map(([station, adder]) => ({ ...price, station, adder })));
  const plain = [
    concat(u8(1), digest(schedule.alliance), u32(day), u8(KINDS[schedule.kind]), u32(schedule.revision),
      u8(schedule.firstSlot), u32(rows.length), u32(priced.length), u32(gains.length)),
    ...rows.map(({ slot, station, plannedNetWh, lessees }) =>
      concat(u8(2), u32(day), u8(slot), u32(station), i64(plannedNetWh), u16(lessees.length),
        ...lessees.flatMap(({ lease, plannedWh }) => [u32(lease), i64(plannedWh)]))),
    ...priced.map(({ slot, group, station, poolPrice, adder }) =>
      concat(u8(3), u32(day), u8(slot), u32(group), u32(station), i64(poolPrice), i64(adder))),
    ...gains.map(({ member, apartCostCents, plannedCostCents, gainCents }) =>
      concat(u8(4), u32(day), u32(member), i64(apartCostCents), i64(plannedCostCents), i64(gainCents))),
  ];
  return plain.map((row, index) => concat(row, hmac(sha256, salt, bigEndian(index, 4)).subarray(0, SALT_BYTES)));
}

/** The rows of a rule pack's document. Throws RuleError row_beyond_width. */
export function ruleRows(document: RuleDocument): readonly Uint8Array[] {
  return document.kind === "tariff" ? packRows(document.pack) : groupingRows(document.grouping);
}

/** A pack's dates, the 96 slots of each month, the fee. */
function packRows(pack: RulePack): readonly Uint8Array[] {
  const months = Array.from({ length: 12 }, (_, at) => at + 1);
  return [
    concat(u8(5), u32(pack.effectiveFrom), u32(pack.effectiveTo ?? OPEN_END)),
    ...months.flatMap((month) =>
      monthSlots(pack, month).map(({ buyPrice, sellPrice, networkPrice }, slot) =>
        concat(u8(6), u8(month), u8(slot), i64(buyPrice), i64(sellPrice), i64(networkPrice)))),
    concat(u8(7), u32(pack.feeBp)),
  ];
}

function groupingRows({ fromDay, groups }: Grouping): readonly Uint8Array[] {
  return [
    concat(u8(8), u32(fromDay), u32(groups.length)),
    ...groups.flatMap(({ number, stations }) =>
      stations.map((station, position) => concat(u8(9), u32(number), u32(position), u32(stations.length), u32(station)))),
  ];
}

const u8 = (value: number): Uint8Array => unsigned(value, 1);
const u16 = (value: number): Uint8Array => unsigned(value, 2);
const u32 = (value: number | bigint): Uint8Array => unsigned(value, 4);

function unsigned(value: number | bigint, bytes: number): Uint8Array {
  const number = BigInt(value);
  if (number < 0n || number >= 1n << BigInt(8 * bytes)) throw new RuleError("row_beyond_width", { number, bytes });
  return bigEndian(number, bytes);
}

function digest(hex: Hex): Uint8Array {
  const bytes = bytesOf(hex);
  if (bytes.length !== 32) throw new RuleError("row_beyond_width", { kind: "schedule" });
  return bytes;
}

/** Amounts were read as 64 bits, or follow from such by rules that keep them there. */
const i64 = (value: bigint): Uint8Array => bigEndian(BigInt.asUintN(64, value), 8);
