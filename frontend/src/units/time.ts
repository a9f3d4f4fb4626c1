/** Times: UTC milliseconds on the wire, Asia/Shanghai (UTC+8, no daylight saving) on the screen; 96 slots a day. */

const ZONE_MS = 8 * 3_600_000;
const DAY_MS = 86_400_000;
export const SLOTS_A_DAY = 96;
const SLOT_MS = 900_000;

/** The local day of an instant, YYYY-MM-DD. */
export function dayOf(ms: number): string {
  return new Date(ms + ZONE_MS).toISOString().slice(0, 10);
}

/** The day that lies so many days after another. */
export function dayAfter(day: string, days: number): string {
  return new Date(Date.parse(`${day}T00:00:00Z`) + days * DAY_MS).toISOString().slice(0, 10);
}

/** Start of a local day, UTC ms. */
export function dayStartMs(day: string): number {
  return Date.parse(`${day}T00:00:00Z`) - ZONE_MS;
}

/** How long a local day has lasted at an instant, ms. */
export function intoDay(ms: number): number {
  return ms - dayStartMs(dayOf(ms));
}

/** Local wall time, HH:MM. */
export function clock(ms: number): string {
  return new Date(ms + ZONE_MS).toISOString().slice(11, 16);
}

/** Local date and time, YYYY-MM-DD HH:MM. */
export function moment(ms: number): string {
  return `${dayOf(ms)} ${clock(ms)}`;
}

/** Local date and time to the second. */
export function instant(ms: number): string {
  return new Date(ms + ZONE_MS).toISOString().slice(0, 19).replace("T", " ");
}

/** When a slot of the day begins, HH:MM; slot 96 is 24:00. */
export function slotStart(slot: number): string {
  const minutes = slot * 15;
  return `${String(Math.floor(minutes / 60)).padStart(2, "0")}:${String(minutes % 60).padStart(2, "0")}`;
}

/** An absolute slot (since 1970 UTC) as local date and time. */
export function absoluteSlot(slot: number): string {
  return moment(slot * SLOT_MS);
}

/** A local day by its number since 1970, YYYY-MM-DD. */
export function dayOfNumber(day: number): string {
  return new Date(day * DAY_MS).toISOString().slice(0, 10);
}
