/** What people type becomes an integer only here, exactly: kW → W, kWh → Wh, 元 → cents, % → 1/10,000. */

import { dayStartMs, SLOTS_A_DAY } from "./time.ts";

const SLOT_MS = 900_000;
const DAY_MS = 86_400_000;

/** A decimal text times 10^places, null when it is no number or has more decimals than that. */
export function scaled(text: string, places: number): bigint | null {
  const found = /^([-−]?)(\d+)(?:\.(\d+))?$/.exec(text.trim().replaceAll(",", ""));
  if (found === null) return null;
  const [, sign = "", whole = "", decimals = ""] = found;
  const kept = decimals.replace(/0+$/, "");
  if (kept.length > places) return null;
  const value = BigInt(whole + kept.padEnd(places, "0"));
  return sign === "" ? value : -value;
}

/** The text that `scaled` reads back, without needless zeros. */
export function typed(value: bigint | number, places: number): string {
  const whole = BigInt(value);
  const digits = (whole < 0n ? -whole : whole).toString().padStart(places + 1, "0");
  const decimals = digits.slice(digits.length - places).replace(/0+$/, "");
  const units = places === 0 ? digits : digits.slice(0, -places);
  return `${whole < 0n ? "-" : ""}${units}${places === 0 || decimals === "" ? "" : `.${decimals}`}`;
}

/** The first slot (since 1970 UTC) of a local day, null when the text is no day. */
export function firstSlotOf(day: string): number | null {
  const ms = dayStartMs(day);
  return Number.isNaN(ms) ? null : ms / SLOT_MS;
}

/** A number of days in slots, null when it is not a positive whole number. */
export function daysInSlots(text: string): number | null {
  return /^[1-9]\d{0,4}$/.test(text.trim()) ? Number(text) * SLOTS_A_DAY : null;
}

/** The slot (since 1970 UTC) in which an instant lies. */
export function slotAt(ms: number): number {
  return Math.floor(ms / SLOT_MS);
}

/** The number (since 1970) by which contracts know a local day, null when the text is no day. */
export function dayNumberOf(day: string): number | null {
  const ms = Date.parse(`${day}T00:00:00Z`);
  return Number.isNaN(ms) ? null : ms / DAY_MS;
}
