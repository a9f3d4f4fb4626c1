/** Days, slots and epochs (protocol 1.3): a day is local to Asia/Shanghai (UTC+8), an epoch is UTC. */

import { RuleError } from "./error.ts";

export const SLOT_MS = 900_000n;
export const SLOTS_A_DAY = 96;
export const DAY_MS = 86_400_000n;
/** The pseudo-slot "the day". */
export const DAY_SLOT = 96;
const ZONE_OFFSET_MS = 8n * 3_600_000n;

/** UTC ms at which a day (days since 1970-01-01, local) begins. */
export function dayStartMs(day: number): bigint {
  return BigInt(day) * DAY_MS - ZONE_OFFSET_MS;
}

/** UTC ms at which slot 0…95 of a day begins; slot 96 gives the day's end. */
export function slotStartMs(day: number, slot: number): bigint {
  return dayStartMs(day) + BigInt(slot) * SLOT_MS;
}

/** Absolute number (slots since 1970, UTC) of a day's slot 0. */
export function dayFirstSlot(day: number): bigint {
  return floorDiv(dayStartMs(day), SLOT_MS);
}

/** YYYY-MM-DD. */
export function dayText(day: number): string {
  return new Date(day * 86_400_000).toISOString().slice(0, 10);
}

/** Read YYYY-MM-DD. Throws RuleError bad_day. */
export function dayOf(text: string): number {
  const at = /^(?!0000)\d{4}-\d\d-\d\d$/.test(text) ? Date.parse(`${text}T00:00:00Z`) : Number.NaN;
  if (Number.isNaN(at) || new Date(at).toISOString().slice(0, 10) !== text) {
    throw new RuleError("bad_day", { field: "day", value: text });
  }
  return at / 86_400_000;
}

/** a / b rounded down. */
export function floorDiv(a: bigint, b: bigint): bigint {
  const quotient = a / b;
  return a % b !== 0n && a < 0n !== b < 0n ? quotient - 1n : quotient;
}
